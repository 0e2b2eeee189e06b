//! Expected risk in closed form: bias, variance, noise and training error of every filter, the best amount of
//! regularisation, errors under the worst change of a test row.

mod common;

use common::exact::{ExactRidge, LeastSquares, matrix as exact_matrix};
use common::laws::{ar1, test_laws};
use common::matrices::{integers, norm, normal};
use common::monte_carlo::{Mean, Z};
use common::recorded::{recorded, value};
use double_descent::Error;
use double_descent::filter::{
    AveragedDescent, DecayedFlow, GradientDescent, GradientFlow, HeavyBall, LeadingModes, Loss, MinNorm,
    Nesterov, RegularisedFlow, Ridge, Schedule, SpectralFilter, Spectrum, Truncated,
};
use double_descent::risk::{
    Covariance, End, GivenDesign, InterpolantRisk, Penalties, Population, robust_errors,
};
use double_descent::rng::stream;
use double_descent::svd::Svd;
use ndarray::{Array1, Array2, array, s};
use rand::RngExt;
use rand_distr::StandardNormal;
use serde_json::Value;

fn families() -> Vec<Box<dyn SpectralFilter>> {
    let constant = |steps| GradientDescent::new(Schedule::Constant(0.15), steps, Loss::HalfMean).unwrap();
    vec![
        Box::new(MinNorm::default()),
        Box::new(Truncated::new(2.0).unwrap()),
        Box::new(Ridge::new(3.0).unwrap()),
        Box::new(GradientFlow::new(2.0, Loss::HalfMean).unwrap()),
        Box::new(constant(10)),
        Box::new(HeavyBall::new(0.1, 0.6, 12, Loss::HalfMean).unwrap()),
        Box::new(Nesterov::new(0.1, 12, Loss::HalfMean).unwrap()),
        Box::new(LeadingModes(3)),
        Box::new(DecayedFlow::new(2.0, 0.2, Loss::HalfMean).unwrap()),
        Box::new(RegularisedFlow::new(2.0, 0.1, Loss::HalfMean).unwrap()),
        Box::new(AveragedDescent::new(0.15, 10, Loss::HalfMean).unwrap()),
    ]
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
            // One set of noise for all laws: they are compared with themselves, not with each other.
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
                // Interpolation leaves rounding error.
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

fn matrix(case: &Value, name: &str) -> Array2<f64> {
    let rows = case["inputs"][name].as_array().unwrap();
    let columns = rows[0].as_array().unwrap().len();
    Array2::from_shape_fn((rows.len(), columns), |(i, j)| rows[i][j].as_f64().unwrap())
}

fn column(case: &Value, name: &str) -> Array2<f64> {
    let values = case["inputs"][name].as_array().unwrap();
    Array2::from_shape_fn((values.len(), 1), |(i, _)| values[i].as_f64().unwrap())
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

/// The variance is the excess of fits to the unit vectors, for a teacher of zeros.
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

/// Powers of 1 to 12, condition numbers up to 1e11: `tr (XᵀX)⁻¹` from the 512-bit deviations of the coefficients.
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

/// Of axes-aligned designs every number is known.
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
    // Semidefinite and singular is a law: a direction in which no test row varies.
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

fn averaged(p: usize, r2: f64, noise: f64) -> Population {
    // The mean over the outputs is the mean over the directions of a teacher.
    let teacher = Array2::eye(p) * r2.sqrt();
    Population::new(Covariance::isotropic(p, 1.0).unwrap(), teacher, noise).unwrap()
}

#[test]
fn the_best_penalty_of_isotropic_features() {
    for (n, p) in [(20, 8), (8, 20), (10, 10), (1, 3)] {
        for (r2, noise) in [(1.0, 0.5), (3.0, 1e-9), (1e-3, 2.0), (2.0, 1e-30)] {
            let given = averaged(p, r2, noise).given(&Svd::new(&normal(n, p, 4)).unwrap()).unwrap();
            let best = given.best_penalty(Penalties::NonNegative).unwrap();
            let right = p as f64 * noise / r2;
            assert!((best.value / right - 1.0).abs() < 1e-10, "{n} × {p}: {}, not {right}", best.value);
            assert_eq!(best.end, None);
            let at = given.of(&Ridge::new(best.value).unwrap()).unwrap();
            assert!((at.excess() / best.risk.excess() - 1.0).abs() < 1e-12);
        }
    }
    let Some(cases) = recorded("optimal_ridge.isotropic") else { return };
    for case in cases {
        let roots = column(&case, "w").mapv(f64::sqrt);
        let x = Array2::from_diag(&roots.column(0));
        let (noise, r2) = (value(&case, "inputs", "s2"), value(&case, "inputs", "b2"));
        let given = averaged(x.nrows(), r2, noise).given(&Svd::new(&x).unwrap()).unwrap();
        let best = given.best_penalty(Penalties::NonNegative).unwrap();
        let (lambda, excess) = (value(&case, "outputs", "lam"), value(&case, "outputs", "excess"));
        assert!((best.value / lambda - 1.0).abs() < 1e-10, "{}: {}", case["id"], best.value);
        assert!((best.risk.excess() / excess - 1.0).abs() < 1e-10, "{}", case["id"]);
    }
}

/// Nakkiran, Venkat, Kakade and Ma 2021, theorem 1: with the best penalty more samples never hurt, on every path of
/// nested samples; without one they do.
#[test]
fn the_best_penalty_has_no_peak() {
    let (p, population) = (12, averaged(12, 1.0, 0.4));
    let x = normal(30, p, 6);
    let mut before = f64::INFINITY;
    let mut plain = Vec::new();
    for n in 1..=30 {
        let svd = Svd::new(&x.slice(s![..n, ..])).unwrap();
        let given = population.given(&svd).unwrap();
        let excess = given.best_penalty(Penalties::NonNegative).unwrap().risk.excess();
        assert!(excess <= before * (1.0 + 1e-12), "{n}: {excess} after {before}");
        before = excess;
        plain.push(given.of(&MinNorm::default()).unwrap().excess());
    }
    assert!(plain[p - 1] > 3.0 * plain[3]);
}

/// Model-wise and by stopping, in the mean over designs: isotropic features of which the first `d` are seen, energies of
/// the others acting as noise. Designs are nested, and compared in pairs.
#[test]
fn the_best_regularisation_of_isotropic_data_has_no_peak() {
    let (n, features, noise) = (24, 48, 0.3);
    let test_mse = |x: &Array2<f64>, n: usize, d: usize| {
        let seen = d as f64 / features as f64;
        let population = averaged(d, seen, noise + 1.0 - seen);
        let given = population.given(&Svd::new(&x.slice(s![..n, ..d])).unwrap()).unwrap();
        let penalty = given.best_penalty(Penalties::NonNegative).unwrap();
        let time = given.best_time(Loss::HalfMean).unwrap();
        // Flow and ridge cannot be told apart by the best of them by more than 22 % (Ali, Kolter and Tibshirani 2019).
        assert!(time.risk.excess() >= penalty.risk.excess() * (1.0 - 1e-12));
        assert!(time.risk.excess() <= 1.2147 * penalty.risk.excess());
        [penalty.risk.test_mse(), time.risk.test_mse(), given.of(&MinNorm::default()).unwrap().test_mse()]
    };
    let by_features: Vec<(usize, usize)> = (4..=features).step_by(4).map(|d| (n, d)).collect();
    let by_samples: Vec<(usize, usize)> = (4..=40).step_by(4).map(|n| (n, 24)).collect();
    for axis in [by_features, by_samples] {
        let (mut drops, mut peak) = (vec![[Mean::new(), Mean::new()]], [Mean::new(), Mean::new()]);
        drops.resize_with(axis.len() - 1, || [Mean::new(), Mean::new()]);
        for repeat in 0..40 {
            let x = normal(40, features, 700 + repeat);
            let curve: Vec<[f64; 3]> = axis.iter().map(|&(n, d)| test_mse(&x, n, d)).collect();
            for (pair, drops) in curve.windows(2).zip(&mut drops) {
                drops[0].add(pair[0][0] - pair[1][0]);
                drops[1].add(pair[0][1] - pair[1][1]);
            }
            let at = axis.iter().position(|&(n, d)| n == d).unwrap();
            peak[0].add(curve[at][2].ln() - curve[0][2].ln());
            peak[1].add(curve[at][2].ln() - curve[axis.len() - 1][2].ln());
        }
        for (at, drops) in drops.iter().enumerate() {
            for (drop, what) in drops.iter().zip(["penalty", "time"]) {
                let rise = -drop.mean() / (drop.variance() / 40.0).sqrt();
                assert!(rise < 3.0, "{what} at {:?}: up by {} ({rise} errors)", axis[at], -drop.mean());
            }
        }
        assert!(peak.iter().all(|peak| peak.mean() > 1.0), "the minimum norm has one");
    }
}

/// A ridge of any penalty that its gain is defined for.
#[derive(Debug)]
struct SignedRidge(f64);

impl SpectralFilter for SignedRidge {
    fn write_gains(&self, spectrum: Spectrum<'_>, gains: &mut [f64]) {
        for (gain, &s) in gains.iter_mut().zip(spectrum.singular_values()) {
            *gain = s / (s * s + self.0);
        }
    }

    fn write_residuals(&self, spectrum: Spectrum<'_>, _: &[f64], residuals: &mut [f64]) {
        for (left, &s) in residuals.iter_mut().zip(spectrum.singular_values()) {
            *left = self.0 / (s * s + self.0);
        }
    }
}

/// The least of many.
fn least(given: &GivenDesign, filters: impl Iterator<Item = Box<dyn SpectralFilter>>) -> f64 {
    filters.map(|filter| given.of(&*filter).unwrap().excess()).fold(f64::INFINITY, f64::min)
}

#[test]
fn no_penalty_and_no_time_is_better_than_the_best() {
    let grid = |low: f64, high: f64| (0..2000).map(move |i| low * (high / low).powf(f64::from(i) / 1999.0));
    let mut negative = 0;
    for seed in 0..12 {
        for (n, p) in [(25, 10), (10, 25)] {
            // A few strong directions carry the teacher, among many weak ones: where a negative penalty may be best.
            let scales = Array1::from_shape_fn(p, |i| if i < 2 { 6.0 } else { 1.0 });
            let x = normal(n, p, seed) * &scales;
            let mut beta = normal(p, 1, 50 + seed) * 0.01;
            if seed % 2 == 0 {
                beta[[0, 0]] = 3.0;
            }
            let noise = [1e-3, 0.3, 4.0][usize::try_from(seed).unwrap() % 3];
            let law = Covariance::diagonal(&scales.mapv(|s| s * s)).unwrap();
            let given = Population::new(law, beta, noise).unwrap().given(&Svd::new(&x).unwrap()).unwrap();
            let svd = Svd::new(&x).unwrap();
            let smallest = svd.smallest_nonzero().unwrap().powi(2);

            let best = given.best_penalty(Penalties::NonNegative).unwrap();
            let on_grid = least(&given, grid(1e-8, 1e8).map(|v| Box::new(SignedRidge(v)) as _));
            assert!(best.risk.excess() <= on_grid * (1.0 + 1e-12), "{n} × {p}, {seed}");
            assert!(best.value >= 0.0);

            let signed = given.best_penalty(Penalties::Signed).unwrap();
            let below = grid(1e-6, 1.0 - 1e-9).map(|share| Box::new(SignedRidge(-share * smallest)) as _);
            let near = grid(1e-8, 1.0).map(|share| Box::new(SignedRidge(-smallest * (1.0 - share))) as _);
            let on_grid = least(&given, below.chain(near)).min(on_grid);
            assert!(signed.risk.excess() <= on_grid * (1.0 + 1e-9), "{n} × {p}, {seed}: signed");
            if signed.value < 0.0 {
                negative += 1;
                assert!(signed.value > -smallest);
                let there = given.of(&SignedRidge(signed.value)).unwrap().excess();
                assert!((there / signed.risk.excess() - 1.0).abs() < 1e-8);
            }

            let time = given.best_time(Loss::HalfMean).unwrap();
            let on_grid = least(
                &given,
                grid(1e-8, 1e8).map(|t| Box::new(GradientFlow::new(t, Loss::HalfMean).unwrap()) as _),
            );
            assert!(time.risk.excess() <= on_grid * (1.0 + 1e-12), "{n} × {p}, {seed}: time");
        }
    }
    assert!(negative >= 3, "a negative penalty was best {negative} times");
}

#[test]
fn optima_at_an_end_say_so() {
    let svd = Svd::new(&normal(6, 4, 2)).unwrap();
    let given = |beta: f64, noise: f64| {
        let teacher = Array2::from_elem((4, 1), beta);
        Population::new(Covariance::full(&ar1(4, 0.5)).unwrap(), teacher, noise).unwrap().given(&svd).unwrap()
    };
    let exact = given(1.0, 0.0);
    let best = exact.best_penalty(Penalties::NonNegative).unwrap();
    assert_eq!((best.value, best.end, best.risk.excess()), (0.0, Some(End::NoRegularisation), 0.0));
    let best = exact.best_time(Loss::Mean).unwrap();
    assert_eq!((best.value, best.end), (f64::INFINITY, Some(End::NoRegularisation)));
    let nothing = given(0.0, 1.0);
    let best = nothing.best_penalty(Penalties::Signed).unwrap();
    assert_eq!((best.value, best.end, best.risk.excess()), (f64::INFINITY, Some(End::NoFit), 0.0));
    let best = nothing.best_time(Loss::Mean).unwrap();
    assert_eq!((best.value, best.end), (0.0, Some(End::NoFit)));
    // A design of zeros: all is one.
    let zeros = Svd::new(&Array2::zeros((3, 4))).unwrap();
    let none = averaged(4, 1.0, 1.0).given(&zeros).unwrap();
    for best in [none.best_penalty(Penalties::Signed).unwrap(), none.best_time(Loss::Mean).unwrap()] {
        assert!((best.risk.excess() - 1.0 / 4.0 * 4.0).abs() < 1e-14);
    }
}

/// Two groups of features on time scales far apart: the test error descends twice, and both minima are looked at.
#[test]
fn the_best_time_of_two_descents() {
    for (energies, later) in [((0.09, 2.0), true), ((2.0, 0.002), false)] {
        // Orthogonal columns of squared length n ℓ: every mode stops for itself.
        let (n, fast, slow) = (200.0_f64, 1.0, 1e-4);
        let x = Array2::from_diag(&array![(n * fast).sqrt(), (n * slow).sqrt()]);
        let teacher = array![[f64::sqrt(energies.0 / fast)], [f64::sqrt(energies.1 / slow)]];
        let law = Covariance::diagonal(&array![fast, slow]).unwrap();
        let population = Population::new(law, teacher, 20.0).unwrap();
        let given = population.given(&Svd::new(&x).unwrap()).unwrap();
        let best = given.best_time(Loss::HalfSum).unwrap();
        let stop = |l: f64, energy: f64| (n * energy / 20.0).ln_1p() / (n * l);
        // One mode's best time is a stationary point up to what the other does there.
        let near = if later { stop(slow, energies.1) } else { stop(fast, energies.0) };
        assert!((best.value / near - 1.0).abs() < 0.05, "{}, not about {near}", best.value);
    }
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
    // Over normal rows and noise.
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
