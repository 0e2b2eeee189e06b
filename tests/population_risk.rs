//! Expected risk in closed form: bias, variance, noise and training error of every filter, the best amount of
//! regularisation, all interpolants, the decomposition over sources of randomness, errors under attack.

mod common;

use common::exact::ExactRidge;
use common::matrices::{integers, norm, normal, with_spectrum};
use common::recorded::{recorded, value};
use double_descent::Error;
use double_descent::filter::{
    GradientDescent, GradientFlow, HeavyBall, Loss, MinNorm, Nesterov, Ridge, Schedule, SpectralFilter,
    Spectrum, Truncated,
};
use double_descent::interpolants;
use double_descent::risk::{
    Covariance, Decomposition, End, GivenDesign, InterpolantRisk, Penalties, Population, Source,
    robust_errors,
};
use double_descent::rng::stream;
use double_descent::svd::Svd;
use ndarray::{Array1, Array2, Array4, Axis, array};
use rand::RngExt;
use rand_distr::StandardNormal;
use serde_json::Value;

/// A mean over draws, of which the error is known.
struct Mean {
    draws: f64,
    sum: f64,
    squares: f64,
}

impl Mean {
    fn new() -> Self {
        Self { draws: 0.0, sum: 0.0, squares: 0.0 }
    }

    fn add(&mut self, value: f64) {
        self.draws += 1.0;
        self.sum += value;
        self.squares += value * value;
    }

    /// How many standard errors the mean is from what it should be; rounding is no error.
    fn z(&self, expected: f64) -> f64 {
        let mean = self.sum / self.draws;
        let variance = (self.squares / self.draws - mean * mean).max(0.0) / (self.draws - 1.0);
        let rounding = 1e-11 * expected.abs();
        ((mean - expected).abs() - rounding).max(0.0) / (variance.sqrt() + f64::MIN_POSITIVE)
    }
}

/// Of 5,000 comparisons with normal errors, one in 350 runs of all tests here has one over this: 2 · 2.9e-7 each.
const Z: f64 = 5.0;

/// AR(1), which no basis of the tests diagonalises.
fn ar1(p: usize, rho: f64) -> Array2<f64> {
    Array2::from_shape_fn((p, p), |(i, j)| rho.powi(i32::try_from(i.abs_diff(j)).unwrap()))
}

/// Isotropic, as the training rows are; two that differ from them.
fn test_laws(p: usize) -> [Covariance; 3] {
    [
        Covariance::isotropic(p, 1.0).unwrap(),
        Covariance::diagonal(&Array1::from_shape_fn(p, |i| 3.0 * 0.7_f64.powi(i32::try_from(i).unwrap())))
            .unwrap(),
        Covariance::full(&ar1(p, 0.8)).unwrap(),
    ]
}

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
                    assert!(train.sum / train.draws < 1e-20, "{n} × {p}, {name}: training error");
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
        let svd = Svd::new(&x.slice(ndarray::s![..n, ..])).unwrap();
        let given = population.given(&svd).unwrap();
        let excess = given.best_penalty(Penalties::NonNegative).unwrap().risk.excess();
        assert!(excess <= before * (1.0 + 1e-12), "{n}: {excess} after {before}");
        before = excess;
        plain.push(given.of(&MinNorm::default()).unwrap().excess());
    }
    assert!(plain[p - 1] > 3.0 * plain[3]);
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
fn all_interpolants() {
    for (n, p) in [(5, 12), (11, 12), (12, 5)] {
        let x = normal(n, p, 3);
        let (svd, beta, noise) = (Svd::new(&x).unwrap(), normal(p, 1, 4), 0.6);
        for law in test_laws(p) {
            let population = Population::new(law, beta.clone(), noise).unwrap();
            let all = InterpolantRisk::new(&population, &svd).unwrap();
            let min_norm = population.given(&svd).unwrap().of(&MinNorm::default()).unwrap();
            assert!((all.min_norm() / min_norm.excess() - 1.0).abs() < 1e-12);
            assert!(all.least() <= all.min_norm() * (1.0 + 1e-12));
            assert_eq!(all.random(0.0).unwrap(), all.min_norm());
            if n >= p {
                assert_eq!((all.least(), all.random(2.0).unwrap()), (all.min_norm(), all.min_norm()));
            }
            // Over noise and start.
            let (mut rng, mut mean) = (stream(21, n, p), Mean::new());
            for _ in 0..2000 {
                let y = x.dot(&beta).mapv(|y| y + noise.sqrt() * rng.sample::<f64, _>(StandardNormal));
                let fit = interpolants::random(&svd, &y, 1.5, &mut rng).unwrap();
                mean.add(population.excess(&fit).unwrap());
            }
            assert!(mean.z(all.random(1.5).unwrap()) < Z, "{n} × {p}");
        }
    }
}

/// `v tr (X Σ⁻¹ Xᵀ)⁻¹` where Σ is invertible, by another route; and where it is not, as the limit of such.
#[test]
fn the_least_interpolant() {
    let (n, p) = (4, 9);
    let x = normal(n, p, 31);
    let svd = Svd::new(&x).unwrap();
    let risk = |sigma: &Array2<f64>| {
        let population = Population::new(Covariance::full(sigma).unwrap(), normal(p, 1, 2), 0.5).unwrap();
        InterpolantRisk::new(&population, &svd).unwrap()
    };
    let by_inverse = |sigma: &Array2<f64>| {
        let inverse = Svd::new(sigma).unwrap().pseudoinverse().unwrap();
        let whitened = x.dot(&inverse).dot(&x.t());
        0.5 * Svd::new(&whitened).unwrap().pseudoinverse().unwrap().diag().sum()
    };
    let rotated = with_spectrum(p, p, &[9.0, 5.0, 4.0, 2.0, 1.0, 0.5, 0.3, 0.1, 0.01], 5);
    for sigma in [ar1(p, 0.6), rotated.t().dot(&rotated)] {
        let (found, right) = (risk(&sigma).least(), by_inverse(&sigma));
        assert!((found / right - 1.0).abs() < 1e-10, "{found}, not {right}");
    }
    // Two directions that no test row knows are free; with five there is freedom enough to fit all noise there.
    let projector = |rank: usize| {
        let mut values = vec![0.0; p];
        values[..rank].fill(1.0);
        Array2::from_diag(&Array1::from(values))
    };
    let nearly = |rank| projector(rank) + Array2::<f64>::eye(p) * 1e-9;
    let (found, right) = (risk(&projector(p - 2)).least(), by_inverse(&nearly(p - 2)));
    assert!((found / right - 1.0).abs() < 1e-6, "{found}, not {right}");
    assert!(risk(&projector(p - 5)).least() < 1e-24);
    // For one draw of the noise: no interpolant that a search finds is better than the best of the formula.
    let sigma = ar1(p, 0.6);
    let population = Population::new(Covariance::full(&sigma).unwrap(), normal(p, 1, 2), 0.5).unwrap();
    let inverse = Svd::new(&sigma).unwrap().pseudoinverse().unwrap();
    let gram = Svd::new(&x.dot(&inverse).dot(&x.t())).unwrap().pseudoinverse().unwrap();
    let mut mean = Mean::new();
    let mut rng = stream(77, 0, 0);
    for _ in 0..2000 {
        let e =
            Array2::from_shape_simple_fn((n, 1), || 0.5_f64.sqrt() * rng.sample::<f64, _>(StandardNormal));
        let beta = population.teacher() + &inverse.dot(&x.t()).dot(&gram.dot(&e));
        let fitted = x.dot(&beta) - (x.dot(population.teacher()) + &e);
        assert!(norm(fitted.view()) < 1e-10, "it interpolates");
        mean.add(population.excess(&beta).unwrap());
    }
    assert!(mean.z(risk(&sigma).least()) < Z);
}

const SOURCES: [Source; 3] = [Source::Sampling, Source::LabelNoise, Source::Initialisation];

fn sources(set: usize) -> Vec<Source> {
    (0..3).filter(|axis| set & (1 << axis) != 0).map(|axis| SOURCES[axis]).collect()
}

/// Grids of sums of independent effects, of which every variance is known. 2,000 grids; the estimates have no bias, and
/// the standard errors are about what the spread of the estimates says.
#[test]
fn the_decomposition_has_no_bias() {
    let points = 3;
    let deviations: [f64; 8] = [2.0, 1.0, 0.5, 0.7, 0.3, 0.9, 0.2, 0.4];
    for levels in [[4, 3, 5], [5, 1, 4], [3, 3, 3]] {
        let mut rng = stream(41, levels[0], levels[1]);
        let truth = Array1::from_elem(points, 1.0);
        let mut estimates: Vec<Mean> = (0..9).map(|_| Mean::new()).collect();
        let mut errors: Vec<Mean> = (0..9).map(|_| Mean::new()).collect();
        let varied = |set: usize| (0..3).all(|axis| set & (1 << axis) == 0 || levels[axis] > 1);
        for _ in 0..2000 {
            let mut grid = Array4::from_elem((levels[0], levels[1], levels[2], points), 1.0 + deviations[0]);
            for set in (1..8).filter(|&set| varied(set)) {
                let length = |axis: usize| if set & (1 << axis) != 0 { levels[axis] } else { 1 };
                let effect = Array4::from_shape_simple_fn((length(0), length(1), length(2), points), || {
                    deviations[set] * rng.sample::<f64, _>(StandardNormal)
                });
                grid = grid + effect;
            }
            let parts = Decomposition::new(&grid, &truth).unwrap();
            let mut found = vec![parts.bias_squared()];
            found.extend((1..8).map(|set| {
                let part = parts.variance(&sources(set));
                assert_eq!(part.is_some(), varied(set));
                part.unwrap_or(double_descent::risk::Component { value: 0.0, standard_error: Some(0.0) })
            }));
            found.push(parts.excess());
            for ((part, mean), error) in found.iter().zip(&mut estimates).zip(&mut errors) {
                mean.add(part.value);
                error.add(part.standard_error.unwrap().powi(2));
            }
        }
        let right: Vec<f64> =
            (0..8).map(|set| if varied(set) { deviations[set].powi(2) } else { 0.0 }).collect();
        let total: f64 = right.iter().sum();
        for (set, (mean, right)) in estimates.iter().zip(right.iter().chain([&total])).enumerate() {
            assert!(
                mean.z(*right) < Z,
                "{levels:?}: part {set} is off by {} standard errors",
                mean.z(*right)
            );
            if *right == 0.0 {
                continue;
            }
            // The variance of 2,000 grids' estimates is itself known to about 5 %.
            let average = mean.sum / mean.draws;
            let spread = mean.squares / mean.draws - average * average;
            let claimed = errors[set].sum / errors[set].draws;
            assert!(
                claimed > 0.8 * spread && claimed < 8.0 * spread,
                "{levels:?}, {set}: {claimed}, {spread}"
            );
        }
    }
}

/// Least squares on random features of random training sets: the parts sum to the excess risk that is known, and the
/// noise's share is what the smoother says.
#[test]
fn the_decomposition_of_least_squares() {
    let (n, p, noise) = (10_usize, 22_usize, 0.5_f64);
    let beta = normal(p, 1, 1) / (p as f64).sqrt();
    let r2 = norm(beta.view()).powi(2);
    let mut rng = stream(6, 0, 0);
    let tests = Array2::<f64>::eye(p); // isotropic: the mean over the axes times p is the expectation over x
    let (mut excess, mut noise_part) = (Mean::new(), Mean::new());
    for _ in 0..300 {
        let designs: Vec<Svd> = (0..3)
            .map(|_| {
                let x = Array2::from_shape_simple_fn((n, p), || rng.sample::<f64, _>(StandardNormal));
                Svd::new(&x).unwrap()
            })
            .collect();
        let noises: Vec<Array2<f64>> = (0..3)
            .map(|_| {
                Array2::from_shape_simple_fn((n, 1), || noise.sqrt() * rng.sample::<f64, _>(StandardNormal))
            })
            .collect();
        let mut grid = Array4::zeros((3, 3, 1, p));
        for (i, svd) in designs.iter().enumerate() {
            let clean = svd.project_row_space(&beta.t()).unwrap();
            for (j, e) in noises.iter().enumerate() {
                let fit = svd.solve(e, &MinNorm::default()).unwrap() + clean.t();
                let mut cell = grid.index_axis_mut(Axis(0), i);
                cell.index_axis_mut(Axis(0), j).index_axis_mut(Axis(0), 0).assign(&tests.dot(&fit).column(0));
            }
        }
        let parts = Decomposition::new(&grid, &beta.column(0)).unwrap();
        excess.add(parts.excess().value * p as f64);
        noise_part.add(parts.sequential().noise.value * p as f64);
    }
    let of_noise = noise * n as f64 / (p - n - 1) as f64;
    let known = r2 * (1.0 - n as f64 / p as f64) + of_noise;
    assert!(excess.z(known) < Z && noise_part.z(of_noise) < Z);
}

#[test]
fn grids_that_say_nothing() {
    let truth = array![0.0];
    assert!(matches!(Decomposition::new(&Array4::zeros((1, 1, 1, 1)), &truth), Err(Error::Domain { .. })));
    assert!(matches!(Decomposition::new(&Array4::zeros((2, 0, 1, 1)), &truth), Err(Error::Empty { .. })));
    assert!(matches!(Decomposition::new(&Array4::zeros((2, 1, 1, 3)), &truth), Err(Error::Shape { .. })));
    let mut grid = Array4::zeros((2, 2, 1, 1));
    grid[[1, 0, 0, 0]] = f64::NAN;
    let refused = Decomposition::new(&grid, &truth);
    assert!(matches!(refused, Err(Error::NonFinite { row: 2, column: 0, .. })), "{refused:?}");
    grid[[1, 0, 0, 0]] = 1e300;
    assert!(matches!(Decomposition::new(&grid, &truth), Err(Error::Overflow { .. })));
    // Two levels give an estimate, and no standard error.
    grid[[1, 0, 0, 0]] = 1.0;
    let parts = Decomposition::new(&grid, &truth).unwrap();
    assert_eq!(parts.bias_squared().standard_error, None);
    assert!(parts.variance(&[]).is_none() && parts.variance(&[Source::Initialisation]).is_none());
    assert!(parts.variance(&[Source::Sampling, Source::LabelNoise]).is_some());
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
