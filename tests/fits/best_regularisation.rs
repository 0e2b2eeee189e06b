//! The best ridge penalty and the best stopping time by exact risk.

use crate::common::laws::ar1;
use crate::common::matrices::normal;
use crate::common::monte_carlo::Mean;
use crate::common::recorded::{column, recorded, value};
use double_descent::filter::{GradientFlow, Loss, MinNorm, Ridge, SpectralFilter, Spectrum};
use double_descent::risk::{Covariance, End, GivenDesign, Penalties, Population};
use double_descent::svd::Svd;
use ndarray::{Array1, Array2, array, s};

fn averaged(p: usize, r2: f64, noise: f64) -> Population {
    // The mean over outputs equals the mean over directions of a teacher.
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

/// With the best penalty more samples never hurt, on any path of nested samples; without a penalty they do (Nakkiran,
/// Venkat, Kakade and Ma 2021, theorem 1).
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

/// The same along the number of features and with early stopping, in the mean over designs. The data are isotropic, the
/// model sees the first `d` features, and the energy of the rest acts as noise. Nested designs are compared in pairs.
#[test]
fn the_best_regularisation_of_isotropic_data_has_no_peak() {
    let (n, features, noise) = (24, 48, 0.3);
    let test_mse = |x: &Array2<f64>, n: usize, d: usize| {
        let seen = d as f64 / features as f64;
        let population = averaged(d, seen, noise + 1.0 - seen);
        let given = population.given(&Svd::new(&x.slice(s![..n, ..d])).unwrap()).unwrap();
        let penalty = given.best_penalty(Penalties::NonNegative).unwrap();
        let time = given.best_time(Loss::HalfMean).unwrap();
        // The best risks of flow and ridge differ by at most 22 % (Ali, Kolter and Tibshirani 2019).
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

/// Ridge with any penalty for which its gain is defined, including negative ones.
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

/// The smallest excess risk over the filters.
fn least(given: &GivenDesign, filters: impl Iterator<Item = Box<dyn SpectralFilter>>) -> f64 {
    filters.map(|filter| given.of(&*filter).unwrap().excess()).fold(f64::INFINITY, f64::min)
}

#[test]
fn no_penalty_and_no_time_is_better_than_the_best() {
    let grid = |low: f64, high: f64| (0..2000).map(move |i| low * (high / low).powf(f64::from(i) / 1999.0));
    let mut negative = 0;
    for seed in 0..12 {
        for (n, p) in [(25, 10), (10, 25)] {
            // A few strong directions carry the teacher, among many weak ones. Then a negative penalty can be best.
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
    // With a design of zeros every choice is the same.
    let zeros = Svd::new(&Array2::zeros((3, 4))).unwrap();
    let none = averaged(4, 1.0, 1.0).given(&zeros).unwrap();
    for best in [none.best_penalty(Penalties::Signed).unwrap(), none.best_time(Loss::Mean).unwrap()] {
        assert!((best.risk.excess() - 1.0 / 4.0 * 4.0).abs() < 1e-14);
    }
}

/// One feature with variance `ℓ` and coefficient `θ`: the best stopping time, the risk there, and the final risk.
#[test]
fn recorded_stopping_times() {
    for case in recorded("flow.group_optimum").unwrap_or_default() {
        let input = |name| value(&case, "inputs", name);
        let (l, n, noise) = (input("l"), input("n"), input("s2"));
        let svd = Svd::new(&array![[(n * l).sqrt()]]).unwrap();
        let law = Covariance::isotropic(1, l).unwrap();
        let given = Population::new(law, array![[input("th2").sqrt()]], noise).unwrap().given(&svd).unwrap();
        let best = given.best_time(Loss::HalfSum).unwrap();
        let end = given.of(&MinNorm::default()).unwrap().excess();
        // Time for the mean of n squares is n times that for their sum.
        for (found, name) in [(n * best.value, "t_star"), (best.risk.excess(), "min"), (end, "final")] {
            let right = value(&case, "outputs", name);
            assert!((found / right - 1.0).abs() < 1e-10, "{}: {name} {found}, not {right}", case["id"]);
        }
    }
}

/// Two groups of features with very different time scales: the test error descends twice; both minima are tried.
#[test]
fn the_best_time_of_two_descents() {
    for (energies, later) in [((0.09, 2.0), true), ((2.0, 0.002), false)] {
        // Orthogonal columns of squared length n ℓ: the modes evolve independently.
        let (n, fast, slow) = (200.0_f64, 1.0, 1e-4);
        let x = Array2::from_diag(&array![(n * fast).sqrt(), (n * slow).sqrt()]);
        let teacher = array![[f64::sqrt(energies.0 / fast)], [f64::sqrt(energies.1 / slow)]];
        let law = Covariance::diagonal(&array![fast, slow]).unwrap();
        let population = Population::new(law, teacher, 20.0).unwrap();
        let given = population.given(&Svd::new(&x).unwrap()).unwrap();
        let best = given.best_time(Loss::HalfSum).unwrap();
        let stop = |l: f64, energy: f64| (n * energy / 20.0).ln_1p() / (n * l);
        // The best time of a single mode is the stationary point, up to the effect of the other mode there.
        let near = if later { stop(slow, energies.1) } else { stop(fast, energies.0) };
        assert!((best.value / near - 1.0).abs() < 0.05, "{}, not about {near}", best.value);
    }
}
