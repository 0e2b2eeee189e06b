//! Evidence, posterior and Gaussian processes against recorded values, 512-bit sums, dense matrices and random draws.

use crate::common::exact::Number;
use crate::common::matrices::{norm, normal, with_spectrum};
use crate::common::recorded::{recorded, value};
use double_descent::Error;
use double_descent::bayes::{Bound, Evidence, GaussianProcess, Model, Posterior};
use double_descent::features::StationaryKernel;
use double_descent::filter::{MinNorm, Ridge};
use double_descent::kernel::{Kernel, KernelRegression};
use double_descent::risk::Compressed;
use double_descent::rng::stream;
use double_descent::svd::Svd;
use double_descent::theory::evidence::{Beliefs, limit};
use ndarray::{Array1, Array2, ArrayRef2, Axis, array, concatenate, s};
use serde_json::Value;

const SHAPES: [(usize, usize); 5] = [(12, 5), (5, 12), (7, 7), (1, 3), (3, 1)];

#[track_caller]
fn close(found: f64, expected: f64, tolerance: f64) {
    assert!((found - expected).abs() <= tolerance, "{found:e}, not {expected:e} to {tolerance:e}");
}

fn matrix(value: &Value) -> Array2<f64> {
    let rows: Vec<Vec<f64>> = serde_json::from_value(value.clone()).unwrap();
    Array2::from_shape_fn((rows.len(), rows[0].len()), |(i, j)| rows[i][j])
}

fn evidence(x: &Array2<f64>, y: &Array2<f64>) -> Evidence {
    Evidence::new(&Svd::new(x).unwrap(), x, y).unwrap()
}

fn beliefs([energy, noise]: [f64; 2], prior: f64, model_noise: f64) -> Beliefs {
    Beliefs { energy, noise, prior, model_noise }
}

#[test]
fn recorded_evidence() {
    let Some(cases) = recorded("evidence.linear") else { return };
    for case in cases {
        let x = matrix(&case["inputs"]["X"]);
        let y: Vec<f64> = serde_json::from_value(case["inputs"]["y"].clone()).unwrap();
        let model = Model::new(value(&case, "inputs", "tau2"), value(&case, "inputs", "s2")).unwrap();
        let evidence = evidence(&x, &Svd::column(&Array1::from(y)));
        let (log, parts) = (evidence.log(&model).unwrap(), evidence.laplace(&model).unwrap().unwrap());
        // The documented relative accuracy is 1e-10; the actual error is two digits better.
        for (found, name) in [
            (log.total, "log_evidence"),
            (parts.fit, "fit"),
            (parts.prior, "log_prior_at_map"),
            (parts.occam, "occam"),
        ] {
            let expected = value(&case, "outputs", name);
            close(found, expected, 1e-12 * expected.abs());
        }
        close(log.constant + log.volume + log.misfit, log.total, 1e-14 * log.total.abs());
    }
}

#[test]
fn recorded_limits_of_the_evidence() {
    let Some(cases) = recorded("evidence.asymptotic") else { return };
    for case in cases {
        let input = |name| value(&case, "inputs", name);
        let found = limit(input("g"), beliefs([input("r2"), input("s2_true")], input("tau2"), input("s2")));
        let expected = value(&case, "outputs", "value");
        close(found.unwrap(), expected, 1e-10 * expected.abs());
    }
}

/// With the true variances, the evidence is monotone in γ, across the threshold and far on either side.
#[test]
fn the_evidence_has_no_peak() {
    for (r2, noise) in [(1.0, 0.25), (4.0, 0.01), (1.0, 3.0)] {
        let at = |i: i32| {
            let gamma = 0.2 * 20.0_f64.powf(f64::from(i) / 100.0); // from 0.2 to 4
            limit(gamma, beliefs([r2, noise], r2 / gamma, noise)).unwrap()
        };
        let curve: Vec<f64> = (0..=100).map(at).collect();
        assert!(curve.windows(2).all(|pair| pair[0] > pair[1]), "{r2}, {noise}: {curve:?}");
    }
}

/// The mean over designs approaches the limit as 1/n: within 5 standard errors and 0.01.
#[test]
fn expected_evidence_of_normal_designs() {
    let (n, repeats) = (60, 40);
    for (p, seed) in [(30, 1), (60, 2), (120, 3)] {
        let gamma = p as f64 / n as f64;
        let model = Model::new(2.0 / n as f64, 0.3).unwrap();
        let draws: Vec<f64> = (0..repeats)
            .map(|repeat| {
                let seed = 1000 * seed + repeat;
                let x = normal(n, p, seed);
                let beta = normal(p, 1, seed + 500) * (1.5 / p as f64).sqrt();
                let y = x.dot(&beta) + normal(n, 1, seed + 900) * 0.4_f64.sqrt();
                evidence(&x, &y).log(&model).unwrap().total / n as f64
            })
            .collect();
        let draws = Array1::from(draws);
        let error = draws.std(1.0) / (repeats as f64).sqrt();
        let limit = limit(gamma, beliefs([1.5, 0.4], 2.0, 0.3)).unwrap();
        close(draws.mean().unwrap(), limit, 5.0 * error + 0.01);
    }
}

/// Computes `ln p(y)` for the diagonal design `diag(σ)` with `n` rows in 512 bits, and the sum of its terms' sizes.
fn exact(sigma: &[f64], y: &[f64], tau2: f64, v: f64) -> (f64, f64) {
    let number = |v: f64| Number::try_from(v).unwrap().with_precision(512).value();
    let half = number(0.5);
    // Machin's formula, π/4 = 4 atan(1/5) − atan(1/239).
    let atan = |inverse: f64| {
        let (mut sum, mut power) = (number(0.0), number(1.0) / number(inverse));
        let square = number(inverse * inverse);
        for j in 0..400 {
            let term = &power / number(f64::from(2 * j + 1));
            sum = if j % 2 == 0 { sum + term } else { sum - term };
            power /= &square;
        }
        sum
    };
    let pi = number(4.0) * (number(4.0) * atan(5.0) - atan(239.0));
    let (mut total, mut size) = (number(0.0), 0.0);
    for (i, &y) in y.iter().enumerate() {
        let s = number(sigma.get(i).copied().unwrap_or(0.0));
        let w = number(v) + number(tau2) * &s * &s;
        let log = &half * (&pi * number(2.0) * &w).ln();
        let misfit = &half * number(y) * number(y) / &w;
        size += 1.0 + log.to_f64().value().abs() + misfit.to_f64().value();
        total = total - log - misfit;
    }
    (total.to_f64().value(), size)
}

/// Whatever the variances, each term has only a few rounding errors of its own: no large logarithms are subtracted.
#[test]
fn extreme_variances_against_512_bits() {
    let sigma = [3.0, 1.0, 0.25];
    let y = [1.0, -2.0, 0.5, 1e-3, 2.0];
    let mut cases = 0;
    for (n, r) in [(5, 3), (3, 3), (1, 1)] {
        let x = Array2::from_shape_fn((n, r), |(i, j)| if i == j { sigma[i] } else { 0.0 });
        let evidence = evidence(&x, &Svd::column(&Array1::from(y[..n].to_vec())));
        for tau2 in [1e-300, 1e-30, 1e-3, 1.0, 1e20, 1e300] {
            for v in [1e-300, 1e-40, 1e-3, 1.0, 1e12, 1e300] {
                let (expected, size) = exact(&sigma[..r], &y[..n], tau2, v);
                let model = Model::new(tau2, v).unwrap();
                let found = evidence.log(&model).unwrap().total;
                close(found, expected, 8.0 * f64::EPSILON * size);
                let parts = evidence.laplace(&model).unwrap().unwrap();
                let sum = parts.fit + parts.prior + parts.occam;
                let size = size + parts.fit.abs() + parts.prior.abs() + parts.occam.abs() + 1500.0;
                close(sum, expected, 8.0 * f64::EPSILON * size);
                cases += 1;
            }
        }
        // Singular values so large that τσ overflows.
        let huge = Evidence::new(
            &Svd::new(&(&x * 1e200)).unwrap(),
            &(&x * 1e200),
            &Svd::column(&Array1::from(y[..n].to_vec())),
        );
        let scaled: Vec<f64> = sigma[..r].iter().map(|s| s * 1e200).collect();
        let (expected, size) = exact(&scaled, &y[..n], 1e300, 1.0);
        close(
            huge.unwrap().log(&Model::new(1e300, 1.0).unwrap()).unwrap().total,
            expected,
            1e-15 * size * 4.0,
        );
    }
    assert_eq!(cases, 108);
}

/// Without noise, and in the limit of little noise.
#[test]
fn evidence_of_exact_fits() {
    let (x, y) = (normal(4, 9, 3), normal(4, 2, 4));
    let whole = evidence(&x, &y);
    let exact = whole.log(&Model::new(0.7, 0.0).unwrap()).unwrap();
    let nearly = whole.log(&Model::new(0.7, 1e-14).unwrap()).unwrap();
    close(nearly.total, exact.total, 1e-10);
    assert_eq!(whole.laplace(&Model::new(0.7, 0.0).unwrap()).unwrap(), None);
    // The density N(0, τ² X Xᵀ), by the determinant and the inverse of a 4 × 4 matrix.
    let gram = x.dot(&x.t()) * 0.7;
    let dual = Svd::new(&gram).unwrap().solve(&y, &MinNorm::default()).unwrap();
    let log_det: f64 = Svd::new(&gram).unwrap().singular_values().iter().map(|s| s.ln()).sum();
    let dense = -4.0 * (2.0 * std::f64::consts::PI).ln() - log_det - 0.5 * (&dual * &y).sum();
    close(exact.total, dense, 1e-11);
    // More targets than the rank: there is a density only with noise.
    for (x, y) in [(normal(9, 4, 3), normal(9, 1, 4)), (Array2::ones((2, 5)), array![[1.0], [2.0]])] {
        let evidence = evidence(&x, &y);
        let refused = evidence.log(&Model::new(1.0, 0.0).unwrap());
        assert!(matches!(refused, Err(Error::Unsupported { .. })), "{refused:?}");
        assert!(evidence.log(&Model::new(1.0, 1e-3).unwrap()).is_ok());
    }
}

/// Halving an eigenvalue adds ½ ln 2 per output to the Occam term if the eigenvalue is large next to v/τ², and nothing
/// if it is small. Without noise it adds exactly that to the volume term.
#[test]
fn the_occam_factor() {
    let (y, half) = (normal(3, 2, 8), 0.5_f64.sqrt());
    for (n, p) in [(3, 5), (3, 3)] {
        let design = |last: f64| with_spectrum(n, p, &[2.0, 1.5, last], 5);
        let [whole, halved] = [1.0, half].map(|last| evidence(&design(last), &y));
        let ln2 = 2.0_f64.ln(); // two outputs, ½ ln 2 each
        let difference = |model: &Model| {
            let [before, after] = [&whole, &halved].map(|e| e.laplace(model).unwrap().unwrap().occam);
            after - before
        };
        close(difference(&Model::new(1e12, 1.0).unwrap()), ln2, 1e-10);
        close(difference(&Model::new(1e-12, 1.0).unwrap()), 0.0, 1e-10);
        let exact = Model::new(3.0, 0.0).unwrap();
        close(halved.log(&exact).unwrap().volume - whole.log(&exact).unwrap().volume, ln2, 1e-13);
    }
}

/// Makes the last row a copy of the first.
fn repeat_row(x: &mut Array2<f64>) {
    let (first, last) = (x.row(0).to_owned(), x.nrows() - 1);
    x.row_mut(last).assign(&first);
}

/// `(XᵀX/v + I/τ²)⁻¹` times its inverse is the identity. Mean, variances and predictions are compared with it.
#[test]
fn posterior_against_dense_matrices() {
    let model = Model::new(0.7, 0.3).unwrap();
    for ((n, p), is_repeated) in
        SHAPES.into_iter().map(|shape| (shape, false)).chain([((5, 12), true), ((12, 5), true)])
    {
        let (mut x, y, tx) = (normal(n, p, 1), normal(n, 2, 2), normal(6, p, 3));
        if is_repeated {
            repeat_row(&mut x);
        }
        let svd = Svd::new(&x).unwrap();
        let posterior = Posterior::new(&svd, &y, model).unwrap();
        let covariance = posterior.covariance().unwrap();
        let precision = x.t().dot(&x) / 0.3 + Array2::<f64>::eye(p) / 0.7;
        let identity = precision.dot(&covariance) - Array2::<f64>::eye(p);
        assert!(identity.iter().all(|v| v.abs() < 1e-12), "{n} × {p}: {identity}");
        let mean = covariance.dot(&x.t()).dot(&y) / 0.3;
        let ridge = svd.solve(&y, &Ridge::new(model.penalty()).unwrap()).unwrap();
        for ((found, dense), ridge) in posterior.mean().iter().zip(&mean).zip(&ridge) {
            close(*found, *dense, 1e-12);
            close(*found, *ridge, 1e-13);
        }
        for (found, dense) in posterior.variances().unwrap().iter().zip(covariance.diag()) {
            close(*found, *dense, 1e-13);
        }
        let predicted = posterior.predict(&tx).unwrap();
        let spread = tx.dot(&covariance).dot(&tx.t());
        for (i, variance) in predicted.variance.iter().enumerate() {
            close(*variance, spread[[i, i]], 1e-12);
            close(predicted.mean[[i, 1]], tx.row(i).dot(&mean.column(1)), 1e-12);
        }
        let gamma = evidence(&x, &y).effective_parameters(&model);
        close(gamma, (x.t().dot(&x) / 0.3).dot(&covariance).diag().sum(), 1e-12);
    }
}

/// Over 4,000 draws, each mean and each entry of the covariance (12 and 78 of them, for two designs) is within 4.8
/// standard errors. The probability that one of 180 normal z-scores exceeds this is 3e-4.
#[test]
fn draws_have_the_posterior() {
    for (n, p, seed) in [(7, 12, 1), (20, 12, 2)] {
        let (x, y) = (normal(n, p, 10), normal(n, 1, 11));
        let svd = Svd::new(&x).unwrap();
        let posterior = Posterior::new(&svd, &y, Model::new(0.7, 0.3).unwrap()).unwrap();
        let mut rng = stream(seed, 0, 0);
        let count = 4000;
        let mut draws = Array2::zeros((count, p));
        for mut draw in draws.rows_mut() {
            draw.assign(&posterior.draw(&mut rng).unwrap().column(0));
        }
        let off = &draws - &posterior.mean().column(0);
        let covariance = posterior.covariance().unwrap();
        let root = (count as f64).sqrt();
        let second = off.t().dot(&off) / count as f64;
        for i in 0..p {
            let z = off.column(i).mean().unwrap() / covariance[[i, i]].sqrt() * root;
            assert!(z.abs() < 4.8, "mean {i}: z = {z}");
            for j in 0..=i {
                let (square, own) = (covariance[[i, j]].powi(2), covariance[[i, i]] * covariance[[j, j]]);
                let z = (second[[i, j]] - covariance[[i, j]]) / (square + own).sqrt() * root;
                assert!(z.abs() < 4.8, "covariance {i}, {j}: z = {z}");
            }
        }
        let again = posterior.draw(&mut stream(seed, 0, 0)).unwrap();
        assert_eq!(again.column(0), draws.row(0));
    }
}

/// Without noise every draw passes through the targets, and is free elsewhere.
#[test]
fn draws_of_an_exact_fit_interpolate() {
    let (x, y) = (normal(4, 9, 3), normal(4, 1, 4));
    let svd = Svd::new(&x).unwrap();
    let posterior = Posterior::new(&svd, &y, Model::new(100.0, 0.0).unwrap()).unwrap();
    for repeat in 0..5 {
        let draw = posterior.draw(&mut stream(3, 0, repeat)).unwrap();
        assert!((x.dot(&draw) - &y).iter().all(|e| e.abs() < 1e-11));
        assert!((&draw - posterior.mean()).iter().any(|b| b.abs() > 1.0));
    }
    let at_rows = posterior.predict(&x).unwrap();
    assert!(at_rows.variance.iter().all(|v| *v < 1e-24), "{}", at_rows.variance);
}

/// The closed form against 2,000 draws of teacher and noise: eight z-scores within 4.
#[test]
fn expected_errors_against_draws() {
    let (model, truth) = (Model::new(0.5, 0.2).unwrap(), Model::new(0.8, 0.6).unwrap());
    for (n, p, is_repeated) in [(12, 5, false), (8, 8, false), (5, 12, false), (5, 12, true)] {
        let (mut x, tx) = (normal(n, p, 1), normal(9, p, 2));
        if is_repeated {
            repeat_row(&mut x);
        }
        let svd = Svd::new(&x).unwrap();
        let expected = model.expected_error(&svd, &truth, &tx).unwrap();
        let compressed = Compressed::new(&tx, &Array2::zeros((9, 1))).unwrap();
        let over = model.expected_error_over(&svd, &truth, &compressed).unwrap();
        close(over.of_draw, expected.of_draw, 1e-12 * expected.of_draw);
        let draws = 2000;
        let (mut of_mean, mut of_draw) = (Array1::zeros(draws), Array1::zeros(draws));
        for i in 0..draws {
            let beta = normal(p, 1, 10_000 + i as u64) * 0.8_f64.sqrt();
            let y = x.dot(&beta) + normal(n, 1, 20_000 + i as u64) * 0.6_f64.sqrt();
            let posterior = Posterior::new(&svd, &y, model).unwrap();
            let error = |b: &ArrayRef2<f64>| (tx.dot(b) - tx.dot(&beta)).mapv(|e| e * e).mean().unwrap();
            of_mean[i] = error(posterior.mean());
            of_draw[i] = error(&posterior.draw(&mut stream(5, n, i)).unwrap());
        }
        for (found, expected) in [(of_mean, expected.of_mean), (of_draw, expected.of_draw)] {
            let z = (found.mean().unwrap() - expected) / found.std(1.0) * (draws as f64).sqrt();
            assert!(z.abs() < 4.0, "{n} × {p}: z = {z}");
        }
    }
}

/// One design that grows row by row. The error of the correct model never rises, while minimum-norm least squares peaks
/// at n = p. A model that takes nearly all noise for signal peaks there too.
#[test]
fn the_peak_is_gone() {
    let p = 20;
    let (whole, tx) = (normal(60, p, 7), normal(200, p, 8));
    let truth = Model::new(1.0 / p as f64, 0.1).unwrap();
    let gullible = Model::new(1.0 / p as f64, 1e-12).unwrap();
    let curve = |model: &Model| -> Vec<f64> {
        let error = |n: usize| {
            let svd = Svd::new(&whole.slice(s![..n, ..])).unwrap();
            model.expected_error(&svd, &truth, &tx).unwrap().of_mean
        };
        (1..=60).map(error).collect()
    };
    let (right, wrong) = (curve(&truth), curve(&gullible));
    assert!(right.windows(2).all(|pair| pair[1] <= pair[0] * (1.0 + 1e-13)), "{right:?}");
    let peak = (0..60).max_by(|a, b| wrong[*a].total_cmp(&wrong[*b])).unwrap() + 1;
    assert_eq!(peak, p);
    assert!(wrong[p - 1] > 10.0 * wrong[2] && wrong[p - 1] > 100.0 * right[p - 1]);
    // The expected error equals the posterior variance.
    let svd = Svd::new(&whole.slice(s![..15, ..])).unwrap();
    let error = truth.expected_error(&svd, &truth, &tx).unwrap();
    close(error.of_mean, error.variance, 1e-14);
}

/// The maximum satisfies MacKay's fixed-point equations, and no point on a grid of both variances has better evidence.
#[test]
fn evidence_at_its_maximum() {
    for (n, p, seed) in [(30, 8, 1), (12, 12, 2), (10, 25, 3)] {
        let x = normal(n, p, seed);
        let y = x.dot(&normal(p, 2, seed + 10)) + normal(n, 2, seed + 20) * 0.5;
        let evidence = evidence(&x, &y);
        let best = evidence.maximise().unwrap();
        if best.bound == Bound::Inside {
            let next = evidence.mackay_step(&best.model).unwrap();
            let ratio = next.prior_variance() / best.model.prior_variance();
            close(ratio, 1.0, 1e-9);
            close(next.noise_variance() / best.model.noise_variance(), 1.0, 1e-9);
        }
        let known = evidence.maximise_prior(0.25).unwrap();
        for i in -60..=60 {
            for j in -60..=60 {
                let model = Model::new((0.2 * f64::from(i)).exp(), (0.2 * f64::from(j)).exp()).unwrap();
                assert!(evidence.log(&model).unwrap().total <= best.log_evidence.total + 1e-9);
            }
            let model = Model::new((0.2 * f64::from(i)).exp(), 0.25).unwrap();
            assert!(evidence.log(&model).unwrap().total <= known.log_evidence.total + 1e-9);
        }
        // Changing the units of features and targets changes only the variances.
        let scaled = self::evidence(&(&x * 1e-90), &(&y * 1e60)).maximise().unwrap();
        close(scaled.effective_parameters, best.effective_parameters, 1e-9);
        close(scaled.model.noise_variance() / best.model.noise_variance() / 1e120, 1.0, 1e-9);
    }
}

#[test]
fn evidence_at_its_limits() {
    // Targets orthogonal to the features: only noise.
    let x = array![[1.0], [1.0], [0.0], [0.0]];
    let y = array![[0.0], [0.0], [1.0], [-1.0]];
    let best = evidence(&x, &y).maximise().unwrap();
    assert_eq!((best.bound, best.model.prior_variance()), (Bound::NoSignal, 0.0));
    close(best.model.noise_variance(), 0.5, 1e-15);
    assert_eq!(evidence(&x, &y).maximise_prior(0.5).unwrap().bound, Bound::NoSignal);
    // Noise-free targets drawn from the prior, on independent rows: an exact fit.
    let (x, beta) = (normal(20, 30, 1), normal(30, 1, 2));
    let best = evidence(&x, &x.dot(&beta)).maximise().unwrap();
    assert_eq!((best.bound, best.model.noise_variance()), (Bound::NoNoise, 0.0));
    assert!(best.model.prior_variance() > 0.3 && best.model.prior_variance() < 3.0);
    // Targets exactly in the span, or all zero: the evidence is unbounded.
    let x = array![[1.0], [1.0], [2.0]];
    for y in [x.clone(), Array2::zeros((3, 1))] {
        let refused = evidence(&x, &y).maximise();
        assert!(matches!(refused, Err(Error::Unsupported { .. })), "{refused:?}");
    }
    // Features of rank 0.
    let best = evidence(&Array2::zeros((3, 2)), &array![[1.0], [2.0], [2.0]]).maximise().unwrap();
    assert_eq!(best.bound, Bound::NoSignal);
    close(best.model.noise_variance(), 3.0, 1e-15);
}

/// The kernel `x·x'`.
#[derive(Debug)]
struct Linear;

impl Kernel for Linear {
    fn gram(&self, a: &ArrayRef2<f64>, b: &ArrayRef2<f64>) -> Result<Array2<f64>, Error> {
        Ok(a.dot(&b.t()))
    }
}

#[test]
fn processes_are_linear_models() {
    let model = Model::new(0.7, 0.3).unwrap();
    for (n, p) in SHAPES {
        let (x, y, tx) = (normal(n, p, 1), normal(n, 2, 2), normal(6, p, 3));
        let svd = Svd::new(&x).unwrap();
        let linear = Posterior::new(&svd, &y, model).unwrap().predict(&tx).unwrap();
        let process = GaussianProcess::new(Linear, &x, &y, model).unwrap();
        let kernel = process.predict(&tx).unwrap();
        // Forming K squares the condition number of the features, and a variance is a difference.
        for (a, b) in linear.mean.iter().zip(&kernel.mean) {
            close(*a, *b, 1e-12);
        }
        for (a, b) in linear.variance.iter().zip(&kernel.variance) {
            close(*a, *b, 1e-12);
        }
        let [a, b] = [evidence(&x, &y).log(&model), process.log_evidence()].map(|e| e.unwrap().total);
        close(a, b, 1e-11);
    }
}

#[test]
fn the_mean_of_a_process_is_kernel_ridge() {
    let (x, y, tx) = (normal(12, 2, 1), normal(12, 1, 2), normal(5, 2, 3));
    let kernel = StationaryKernel::Gaussian { gamma: 0.5 };
    let process = GaussianProcess::new(kernel, &x, &y, Model::new(2.0, 0.2).unwrap()).unwrap();
    let ridge = KernelRegression::fit_ridge(kernel, &x, &y, 0.1).unwrap();
    let (a, b) = (process.predict(&tx).unwrap(), ridge.predict(&tx).unwrap());
    assert!((&a.mean - &b).iter().all(|e| e.abs() < 1e-12));
    assert!(a.variance.iter().all(|v| (0.0..=2.0).contains(v)));
}

/// A "kernel" that returns a given matrix.
#[derive(Debug)]
struct Told(Array2<f64>);

impl Kernel for Told {
    fn gram(&self, a: &ArrayRef2<f64>, b: &ArrayRef2<f64>) -> Result<Array2<f64>, Error> {
        Ok(self.0.slice(s![..a.nrows(), ..b.nrows()]).to_owned())
    }
}

#[test]
fn bad_input() {
    for [tau2, v] in [[-1.0, 1.0], [1.0, -0.1], [f64::NAN, 1.0], [1.0, f64::INFINITY], [0.0, 0.0]] {
        assert!(matches!(Model::new(tau2, v), Err(Error::Domain { .. })), "{tau2}, {v}");
    }
    let model = Model::new(1.0, 1.0).unwrap();
    let (x, y) = (normal(4, 3, 1), normal(4, 1, 2));
    let svd = Svd::new(&x).unwrap();
    assert!(matches!(Evidence::new(&svd, &x, &normal(3, 1, 0)), Err(Error::Shape { .. })));
    assert!(matches!(Evidence::new(&svd, &normal(4, 2, 1), &y), Err(Error::Shape { .. })));
    let nan = array![[1.0], [f64::NAN], [0.0], [0.0]];
    assert!(matches!(Evidence::new(&svd, &x, &nan), Err(Error::NonFinite { row: 1, .. })));
    assert!(matches!(Posterior::new(&svd, &nan, model), Err(Error::NonFinite { row: 1, .. })));
    assert!(matches!(
        Posterior::new(&svd, &y, Model::new(1.0, 0.0).unwrap()),
        Err(Error::Unsupported { .. })
    ));
    let posterior = Posterior::new(&svd, &y, model).unwrap();
    assert!(matches!(posterior.predict(&normal(2, 4, 0)), Err(Error::Shape { .. })));
    assert!(matches!(evidence(&x, &y).maximise_prior(0.0), Err(Error::Domain { .. })));
    assert!(matches!(limit(0.0, beliefs([1.0, 1.0], 1.0, 1.0)), Err(Error::Domain { .. })));
    assert!(matches!(limit(1.0, beliefs([1.0, -1.0], 1.0, 1.0)), Err(Error::Domain { .. })));
    // Matrices that are not Gram matrices.
    for gram in
        [array![[1.0, 0.5], [-0.5, 1.0]], array![[1.0, 2.0], [2.0, 1.0]], array![[-1.0, 0.0], [0.0, 1.0]]]
    {
        let refused = GaussianProcess::new(Told(gram), &normal(2, 1, 0), &normal(2, 1, 1), model);
        assert!(matches!(refused, Err(Error::Domain { .. })), "{refused:?}");
    }
    let refused = GaussianProcess::new(
        Told(Array2::from_elem((2, 2), f64::NAN)),
        &normal(2, 1, 0),
        &normal(2, 1, 1),
        model,
    );
    assert!(matches!(refused, Err(Error::UserCode { .. })), "{refused:?}");
    // The same input twice, without noise.
    let twice = array![[1.0], [1.0]];
    let kernel = StationaryKernel::Gaussian { gamma: 1.0 };
    let refused = GaussianProcess::new(kernel, &twice, &array![[1.0], [2.0]], Model::new(1.0, 0.0).unwrap());
    assert!(matches!(refused, Err(Error::Unsupported { .. })), "{refused:?}");
    assert_eq!(y.index_axis(Axis(0), 0).len(), 1);
}

/// Equal rows determine no more directions than one of them does, however small the noise.
#[test]
fn equal_rows_say_nothing_new() {
    let half = normal(3, 9, 51);
    let x = concatenate![Axis(0), half, half];
    let svd = Svd::new(&x).unwrap();
    let y = normal(6, 1, 52);
    let right = svd.solve(&y, &MinNorm::default()).unwrap();
    let kappa = svd.singular_values()[0] / svd.singular_values()[2];
    for noise in [1e-24, 1e-40, 1e-80] {
        let model = Model::new(1.0, noise).unwrap();
        let posterior = Posterior::new(&svd, &y, model).unwrap();
        let off = norm((posterior.mean() - &right).view()) / norm(right.view());
        assert!(off < 20.0 * kappa * f64::EPSILON, "v = {noise:e}: {off:e}");
        // Nine directions, of which three are known.
        let unknown = posterior.variances().unwrap().sum();
        assert!((unknown - 6.0).abs() < 1e-13, "v = {noise:e}: {unknown}");
        let expected = model.expected_error(&svd, &model, &Array2::eye(9)).unwrap();
        assert!((9.0 * expected.variance - 6.0).abs() < 1e-13);
        let evidence = Evidence::new(&svd, &x, &y).unwrap();
        assert!((evidence.effective_parameters(&model) - 3.0).abs() < 1e-13);
        // ln p = −½ Σ ln(v + σ²) − (3/2) ln v − …: half of the targets are noise alone.
        let known: f64 = svd.singular_values().iter().take(3).map(|s| (s * s).ln()).sum();
        let volume = -0.5 * (known + 3.0 * noise.ln());
        assert!((evidence.log(&model).unwrap().volume / volume - 1.0).abs() < 1e-13);
    }
}
