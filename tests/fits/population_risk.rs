//! Expected risk in closed form: bias, variance, noise and training error of every filter; and errors under the worst
//! perturbation of a test row.

use crate::common::exact::{ExactRidge, LeastSquares, matrix as exact_matrix};
use crate::common::laws::{ar1, test_laws};
use crate::common::matrices::{integers, norm, normal};
use crate::common::monte_carlo::{Mean, Z};
use crate::common::recorded::{column, matrix, recorded, value};
use double_descent::Error;
use double_descent::filter::{
    AveragedDescent, Chebyshev, DecayedFlow, FeatureSteps, GradientDescent, GradientFlow, HeavyBall,
    HeavyBallFlow, IteratedTikhonov, LeadingModes, Loss, MinNorm, Nesterov, NesterovFlow, PrincipalFlow,
    RegularisedFlow, ResidualPolynomial, Ridge, Schedule, SelfDistillation, SpectralFilter, Spectrum,
    Truncated, WidthScaled,
};
use double_descent::risk::{Covariance, InterpolantRisk, Population, robust_errors};
use double_descent::rng::stream;
use double_descent::svd::Svd;
use ndarray::{Array1, Array2, Axis, array};
use rand::RngExt;
use rand_distr::StandardNormal;
use std::sync::Arc;

fn families() -> Vec<Box<dyn SpectralFilter>> {
    let scheduled = |schedule| GradientDescent::new(schedule, 12, Loss::HalfMean).unwrap();
    let constant = |steps| GradientDescent::new(Schedule::Constant(0.15), steps, Loss::HalfMean).unwrap();
    vec![
        Box::new(MinNorm::default()),
        Box::new(Truncated::new(2.0).unwrap()),
        Box::new(Ridge::new(3.0).unwrap()),
        Box::new(Ridge::new(-0.1).unwrap()),
        Box::new(WidthScaled::new(Arc::new(Ridge::new(0.5).unwrap()), 1.5).unwrap()),
        Box::new(GradientFlow::new(2.0, Loss::HalfMean).unwrap()),
        Box::new(constant(10)),
        Box::new(scheduled(Schedule::InverseSqrt { first: 0.2, period: 3 })),
        Box::new(scheduled(Schedule::Drops { first: 0.2, factor: 0.3, at: vec![4, 9] })),
        Box::new(scheduled(Schedule::WarmUp { last: 0.2, steps: 6 })),
        Box::new(HeavyBall::new(0.1, 0.6, 12, Loss::HalfMean).unwrap()),
        Box::new(Nesterov::new(0.1, 12, Loss::HalfMean).unwrap()),
        Box::new(LeadingModes(3)),
        Box::new(DecayedFlow::new(2.0, 0.2, Loss::HalfMean).unwrap()),
        Box::new(RegularisedFlow::new(2.0, 0.1, Loss::HalfMean).unwrap()),
        Box::new(AveragedDescent::new(0.15, 10, Loss::HalfMean).unwrap()),
        Box::new(IteratedTikhonov::new(3.0, 2).unwrap()),
        Box::new(SelfDistillation::new(1.0, 3).unwrap()),
        Box::new(SelfDistillation::mixed(1.0, &[0.4, 1.3]).unwrap()),
        Box::new(PrincipalFlow::new(2.0, 0.1, Loss::HalfMean).unwrap()),
        Box::new(HeavyBallFlow::new(2.0, 0.5, Loss::HalfMean).unwrap()),
        Box::new(NesterovFlow::new(2.0, Loss::HalfMean).unwrap()),
        Box::new(Chebyshev::new(0.1, 6.0, 5, Loss::HalfMean).unwrap()),
        Box::new(ResidualPolynomial::new(&[1.0, -0.3, 0.02], Loss::HalfMean).unwrap()),
        // A user-defined filter with the default residual factors.
        Box::new(Halved),
    ]
}

/// Half of the minimum-norm fit, as a user would write it.
#[derive(Debug)]
struct Halved;

impl SpectralFilter for Halved {
    fn write_gains(&self, spectrum: Spectrum<'_>, gains: &mut [f64]) {
        for (gain, s) in gains.iter_mut().zip(spectrum.singular_values()) {
            *gain = if *s > 1e-9 { 0.5 / s } else { 0.0 };
        }
    }
}

#[test]
fn expected_errors_are_those_of_simulated_fits() {
    let draws = 2000;
    for (n, p) in [(14, 6), (6, 14)] {
        let (x, beta, start) = (normal(n, p, 1), normal(p, 1, 2), normal(p, 1, 3) * 0.3);
        let (svd, noise) = (Svd::new(&x).unwrap(), 0.7_f64);
        let clean = x.dot(&beta);
        let at_start = x.dot(&start);
        for filter in families() {
            // All laws share the noise draws; each is compared only with its own closed form.
            let noise_free = &start + &svd.solve(&(&clean - &at_start), &*filter).unwrap();
            let mut rng = stream(11, n, p);
            let fits: Vec<(Array2<f64>, f64)> = (0..draws)
                .map(|_| {
                    let e = Array2::from_shape_simple_fn((n, 1), || {
                        noise.sqrt() * rng.sample::<f64, _>(StandardNormal)
                    });
                    let y = &clean + &e;
                    let fit = &start + &svd.solve(&(&y - &at_start), &*filter).unwrap();
                    let train = norm((&y - &x.dot(&fit)).view()).powi(2) / n as f64;
                    (fit, train)
                })
                .collect();
            for law in test_laws(p) {
                let population = Population::new(law, beta.clone(), noise).unwrap();
                let risk = population.given_from(&svd, &start).unwrap().of(&*filter).unwrap();
                let (mut excess, mut variance, mut train) = (Mean::new(), Mean::new(), Mean::new());
                let around =
                    Population::new(population.covariance().clone(), noise_free.clone(), 0.0).unwrap();
                for (fit, train_mse) in &fits {
                    excess.add(population.excess(fit).unwrap());
                    variance.add(around.excess(fit).unwrap());
                    train.add(*train_mse);
                }
                let name = filter.describe();
                assert!(excess.z(risk.excess()) < Z, "{n} × {p}, {name}: excess {}", excess.z(risk.excess()));
                assert!(variance.z(risk.variance) < Z, "{n} × {p}, {name}: variance");
                // Interpolation leaves only rounding errors.
                if risk.train_mse() > 1e-20 {
                    assert!(train.z(risk.train_mse()) < Z, "{n} × {p}, {name}: training error");
                } else {
                    assert!(train.mean() < 1e-20, "{n} × {p}, {name}: training error");
                }
                let bias = population.excess(&noise_free).unwrap();
                assert!(
                    (bias - risk.bias_squared).abs() <= 1e-10 * risk.bias_squared + 1e-25,
                    "{n} × {p}, {name}"
                );
                assert_eq!(risk.noise, noise);
                assert_eq!(risk.test_mse(), risk.excess() + noise);
            }
        }
    }
}

/// Descent with one step size per feature has the risk of descent on the scaled design, under the correspondingly
/// scaled law of test rows. Compared over 2,000 noise draws, for test rows with the training distribution and with
/// another.
#[test]
fn steps_of_each_feature_have_the_risk_of_their_design() {
    let (draws, noise) = (2000, 0.7_f64);
    let steps = [0.5, 0.02, 1.0, 0.1, 0.3, 0.05];
    for (n, p) in [(14, 6), (4, 6)] {
        let (x, beta) = (normal(n, p, 21), normal(p, 1, 22));
        let scaled = FeatureSteps::new(&steps).unwrap();
        let svd = Svd::new(&scaled.design(&x).unwrap()).unwrap();
        let descent = GradientDescent::new(Schedule::Constant(0.5), 25, Loss::HalfMean).unwrap();
        let roots = Array1::from_iter(steps.map(f64::sqrt));
        let on_design = &beta / &roots.view().insert_axis(Axis(1));
        let clean = x.dot(&beta);
        let mut rng = stream(12, n, p);
        let fits: Vec<(Array2<f64>, f64)> = (0..draws)
            .map(|_| {
                let e = Array2::from_shape_simple_fn((n, 1), || {
                    noise.sqrt() * rng.sample::<f64, _>(StandardNormal)
                });
                let y = &clean + &e;
                let fit = scaled.coefficients(&svd.solve(&y, &descent).unwrap()).unwrap();
                let train = norm((&y - &x.dot(&fit)).view()).powi(2) / n as f64;
                (fit, train)
            })
            .collect();
        for law in [Array2::eye(p), ar1(p, 0.8)] {
            let seen = &law * &roots * roots.view().insert_axis(Axis(1));
            let of_design =
                Population::new(Covariance::full(&seen).unwrap(), on_design.clone(), noise).unwrap();
            let risk = of_design.given(&svd).unwrap().of(&descent).unwrap();
            let population = Population::new(Covariance::full(&law).unwrap(), beta.clone(), noise).unwrap();
            let (mut excess, mut train) = (Mean::new(), Mean::new());
            for (fit, train_mse) in &fits {
                excess.add(population.excess(fit).unwrap());
                train.add(*train_mse);
            }
            assert!(excess.z(risk.excess()) < Z, "{n} × {p}: {} errors", excess.z(risk.excess()));
            assert!(train.z(risk.train_mse()) < Z, "{n} × {p}: training error");
        }
    }
}

#[test]
fn recorded_risks() {
    let Some(cases) = recorded("expected_risk") else { return };
    for case in cases {
        let (p1, p2) = (value(&case, "inputs", "p1"), value(&case, "inputs", "p2"));
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // small whole numbers
        let filter: Box<dyn SpectralFilter> = match case["inputs"]["filter"].as_str().unwrap() {
            "pinv" => Box::new(MinNorm::default()),
            "ridge" => Box::new(Ridge::new(p1).unwrap()),
            "flow" => Box::new(GradientFlow::new(p1, Loss::HalfSum).unwrap()),
            "gd" => {
                Box::new(GradientDescent::new(Schedule::Constant(p1), p2 as usize, Loss::HalfSum).unwrap())
            }
            other => panic!("no filter {other}"),
        };
        let covariance = Covariance::full(&matrix(&case, "Sigma")).unwrap();
        let noise = value(&case, "inputs", "s2");
        let population = Population::new(covariance, column(&case, "beta"), noise).unwrap();
        let svd = Svd::new(&matrix(&case, "X")).unwrap();
        let risk = population.given_from(&svd, &column(&case, "beta0")).unwrap().of(&*filter).unwrap();
        for (found, name) in [
            (risk.bias_squared, "bias"),
            (risk.variance, "variance"),
            (risk.excess(), "excess"),
            (risk.train_mse(), "expected_train_mse"),
        ] {
            let right = value(&case, "outputs", name);
            assert!(
                (found - right).abs() <= 1e-10 * right + 1e-25,
                "{}: {name} {found}, not {right}",
                case["id"]
            );
        }
    }
}

/// The variance is computed exactly as the excess of fits to the unit vectors with a zero teacher.
#[test]
fn ridge_risks_agree_with_512_bit_arithmetic() {
    let mut rng = stream(5, 0, 0);
    for (n, p) in [(9, 4), (4, 9), (6, 6)] {
        let x = integers(n, p, 9, &mut rng);
        let beta = integers(p, 1, 9, &mut rng);
        let root = integers(p, p, 3, &mut rng);
        let sigma = root.t().dot(&root);
        let svd = Svd::new(&x).unwrap();
        for lambda in [1e-3, 0.7, 40.0, 1e6] {
            let population = Population::new(Covariance::full(&sigma).unwrap(), beta.clone(), 1.0).unwrap();
            let risk = population.given(&svd).unwrap().of(&Ridge::new(lambda).unwrap()).unwrap();
            let y = x.dot(&beta);
            let bias = ExactRidge::excess(x.view(), y.view(), sigma.view(), beta.view(), lambda);
            let (units, none) = (Array2::eye(n), Array2::zeros((p, n)));
            let variance =
                ExactRidge::excess(x.view(), units.view(), sigma.view(), none.view(), lambda) * n as f64;
            for (found, right) in [(risk.bias_squared, bias), (risk.variance, variance)] {
                assert!((found / right - 1.0).abs() < 1e-10, "{n} × {p}, λ = {lambda}: {found}, not {right}");
            }
        }
    }
}

/// Powers of 1 to 12, with condition numbers up to 1e11: `tr (XᵀX)⁻¹` from the 512-bit standard deviations of the
/// coefficients.
#[test]
fn variances_of_ill_conditioned_designs() {
    for p in 2..=8_i32 {
        let x = Array2::from_shape_fn((12, p.unsigned_abs() as usize), |(i, j)| {
            (i as f64 + 1.0).powi(i32::try_from(j).unwrap())
        });
        let y = Array2::from_shape_fn((12, 1), |(i, _)| f64::from(u8::from(i % 3 == 0)));
        let exact = LeastSquares::new(&exact_matrix(x.view()), &exact_matrix(y.view()));
        let right: f64 =
            exact.deviations.iter().map(|d| d * d).sum::<f64>() * f64::from(12 - p) / exact.squares;
        let svd = Svd::new(&x).unwrap();
        let law = Covariance::isotropic(x.ncols(), 1.0).unwrap();
        let given = Population::new(law, Array2::ones((x.ncols(), 1)), 1.0).unwrap().given(&svd).unwrap();
        let found = given.of(&MinNorm::default()).unwrap();
        let bound = 10.0 * svd.condition_number() * f64::EPSILON;
        assert!(
            (found.variance / right - 1.0).abs() < bound,
            "{p}: {} of {right}, {bound:e}",
            found.variance
        );
        assert_eq!(found.bias_squared, 0.0);
    }
}

/// For axis-aligned designs every value is known.
#[test]
fn tiny_biases_keep_their_digits() {
    let x = array![[1.0, 0.0], [0.0, 0.5], [0.0, 0.0]];
    let svd = Svd::new(&x).unwrap();
    let variances = array![2.0, 3.0];
    for t in [1e-12, 1e-3, 1.0, 30.0, 300.0] {
        let flow = GradientFlow::new(t, Loss::HalfSum).unwrap();
        for law in [Covariance::diagonal(&variances), Covariance::full(&Array2::from_diag(&variances))] {
            let population = Population::new(law.unwrap(), array![[5.0], [7.0]], 0.0).unwrap();
            let risk = population.given(&svd).unwrap().of(&flow).unwrap();
            let left = [2.0 * 25.0 * (-2.0 * t).exp(), 3.0 * 49.0 * (-0.5 * t).exp()];
            let right = left[0] + left[1];
            assert!(
                (risk.bias_squared / right - 1.0).abs() < 1e-12 * (1.0 + t),
                "{t}: {}",
                risk.bias_squared
            );
        }
    }
}

/// Expectations over a finite table of test rows are means over it.
#[test]
fn a_table_of_test_rows_is_a_law() {
    for (m, p) in [(40, 5), (3, 5)] {
        let rows = normal(m, p, 8);
        let population = Population::new(Covariance::of_rows(&rows).unwrap(), normal(p, 2, 9), 0.0).unwrap();
        let beta = normal(p, 2, 10);
        let errors = rows.dot(&(&beta - population.teacher()));
        let direct = errors.iter().map(|e| e * e).sum::<f64>() / (2 * m) as f64;
        assert!((population.excess(&beta).unwrap() / direct - 1.0).abs() < 1e-12, "{m}");
    }
}

#[test]
fn wrong_laws_say_so() {
    let nan = f64::NAN;
    let domain = |result: Result<Covariance, Error>| matches!(result, Err(Error::Domain { .. }));
    assert!(domain(Covariance::isotropic(2, -1.0)) && domain(Covariance::isotropic(2, nan)));
    assert!(domain(Covariance::diagonal(&array![1.0, -0.1])));
    assert!(domain(Covariance::full(&array![[1.0, 0.3], [0.2, 1.0]])), "not symmetric");
    assert!(domain(Covariance::full(&array![[1.0, 3.0], [3.0, 1.0]])), "not semidefinite");
    assert!(matches!(Covariance::full(&array![[1.0, 0.3]]), Err(Error::Shape { .. })));
    assert!(matches!(Covariance::full(&array![[1.0, nan], [nan, 1.0]]), Err(Error::NonFinite { .. })));
    assert!(matches!(Covariance::isotropic(0, 1.0), Err(Error::Empty { .. })));
    // A singular semidefinite matrix is a valid covariance: test rows do not vary in some direction.
    assert!(Covariance::full(&array![[1.0, 1.0], [1.0, 1.0]]).is_ok());
    let law = Covariance::isotropic(2, 1.0).unwrap();
    assert!(Population::new(law.clone(), array![[1.0], [2.0], [3.0]], 0.0).is_err());
    assert!(Population::new(law.clone(), array![[1.0], [2.0]], -1.0).is_err());
    assert!(Population::new(law.clone(), array![[1.0], [nan]], 0.0).is_err());
    let population = Population::new(law, array![[1.0], [2.0]], 1.0).unwrap();
    let svd = Svd::new(&array![[1.0, 2.0, 3.0]]).unwrap();
    assert!(matches!(population.given(&svd), Err(Error::Shape { .. })));
    assert!(InterpolantRisk::new(&population, &svd).is_err());
    let huge = Population::new(Covariance::isotropic(1, 1e300).unwrap(), array![[1e300]], 0.0).unwrap();
    let given = huge.given(&Svd::new(&array![[1.0]]).unwrap()).unwrap();
    assert!(matches!(given.of(&Ridge::new(1.0).unwrap()), Err(Error::Overflow { .. })));
}

#[test]
fn robust_errors_are_the_worst() {
    let (x, y, beta) = (normal(7, 4, 1), normal(7, 2, 2), normal(4, 2, 3));
    let mut rng = stream(3, 0, 0);
    for radius in [0.0, 0.1, 2.0] {
        let worst = robust_errors(&x, &y, &beta, radius).unwrap();
        for ((i, j), worst) in worst.indexed_iter() {
            let w = beta.column(j);
            let length = w.dot(&w).sqrt();
            let error = |delta: &Array1<f64>| (&x.row(i) + delta).dot(&w) - y[[i, j]];
            let sign = error(&Array1::zeros(4)).signum();
            let direct = error(&(&w * (sign * radius / length))).powi(2);
            assert!((direct - worst).abs() <= 1e-12 * worst, "{direct}, not {worst}");
            for _ in 0..50 {
                let delta = Array1::from_shape_simple_fn(4, || rng.sample::<f64, _>(StandardNormal));
                let delta = &delta * (radius / delta.dot(&delta).sqrt());
                assert!(error(&delta).powi(2) <= worst * (1.0 + 1e-12));
            }
        }
    }
    for radius in [-1e-9, f64::NAN, f64::INFINITY] {
        let refused = robust_errors(&x, &y, &beta, radius);
        assert!(matches!(refused, Err(Error::Domain { .. })), "{refused:?}");
    }
    // Compared with draws of normal rows and noise.
    let sigma = ar1(4, 0.5);
    let root = Svd::new(&sigma).unwrap();
    let root = root.u() * &root.singular_values().mapv(f64::sqrt);
    let population = Population::new(Covariance::full(&sigma).unwrap(), normal(4, 1, 5), 0.3).unwrap();
    let fit = normal(4, 1, 6);
    for radius in [0.0, 0.4] {
        let mut mean = Mean::new();
        for _ in 0..2000 {
            let z = Array2::from_shape_simple_fn((4, 1), || rng.sample::<f64, _>(StandardNormal));
            let row = root.dot(&z).t().to_owned();
            let y = row.dot(population.teacher()) + 0.3_f64.sqrt() * rng.sample::<f64, _>(StandardNormal);
            mean.add(robust_errors(&row, &y, &fit, radius).unwrap()[[0, 0]]);
        }
        assert!(mean.z(population.robust_error(&fit, radius).unwrap()) < Z);
    }
}
