//! Stochastic gradient descent: the moments of its iterates against every sequence of batches, simulated runs, and
//! their stationary state.

use crate::common::matrices::{integer_low_rank, norm, normal, with_spectrum};
use crate::common::recorded::{recorded, value};
use double_descent::Error;
use double_descent::filter::{GradientDescent, Loss, Schedule};
use double_descent::risk::{Batches, Covariance, Population, Sgd, Streaming, stationary_covariance};
use double_descent::rng::stream;
use double_descent::svd::Svd;
use ndarray::{Array1, Array2, array};
use rand::{Rng, RngExt};
use rand_distr::StandardNormal;

const LOSSES: [Loss; 4] = [Loss::HalfSum, Loss::HalfMean, Loss::Mean, Loss::Sum];

/// One step. The batch gradient equals the full gradient in expectation.
fn step(x: &Array2<f64>, y: &Array2<f64>, beta: &mut Array2<f64>, batch: &[usize], h: f64, loss: Loss) {
    let (n, b) = (x.nrows() as f64, batch.len() as f64);
    let scale = h * loss.curvature(x.nrows()) * n / b;
    let before = beta.clone();
    for &i in batch {
        for (k, mut column) in beta.columns_mut().into_iter().enumerate() {
            let residual = x.row(i).dot(&before.column(k)) - y[[i, k]];
            column.scaled_add(-scale * residual, &x.row(i));
        }
    }
}

/// All equally likely batches: sequences of `b` rows, with or without replacement.
fn batches(n: usize, b: usize, replaced: bool) -> Vec<Vec<usize>> {
    let mut all = vec![Vec::new()];
    for _ in 0..b {
        let longer = |batch: &Vec<usize>| -> Vec<Vec<usize>> {
            let free = (0..n).filter(|row| replaced || !batch.contains(row));
            free.map(|row| batch.iter().copied().chain([row]).collect()).collect()
        };
        all = all.iter().flat_map(longer).collect();
    }
    all
}

/// A share of the largest step size that the largest eigenvalue allows.
fn share_of_limit(svd: &Svd, loss: Loss, share: f64) -> f64 {
    share * 2.0 / (loss.curvature(svd.shape().0) * svd.singular_values()[0].powi(2))
}

/// Three steps over all sequences of batches, so means and covariances are exact.
#[test]
fn moments_are_those_of_all_sequences() {
    for (n, p) in [(4, 2), (3, 5), (3, 3)] {
        let (x, start) = (normal(n, p, 1), normal(p, 2, 3));
        let y = normal(n, 2, 2);
        let svd = Svd::new(&x).unwrap();
        for (b, kind) in [
            (1, Batches::WithReplacement),
            (2, Batches::WithReplacement),
            (2, Batches::WithoutReplacement),
            (3, Batches::WithoutReplacement),
        ] {
            for loss in LOSSES {
                let h = share_of_limit(&svd, loss, 0.3);
                let mut moments =
                    Sgd::new(h, b, loss).unwrap().with_batches(kind).start(&svd, &y, &start).unwrap();
                let all = batches(n, b, kind == Batches::WithReplacement);
                let mut iterates = vec![start.clone()];
                for steps in 1..=3 {
                    if iterates.len() * all.len() > 5000 {
                        break;
                    }
                    let next = |beta: &Array2<f64>| -> Vec<Array2<f64>> {
                        let step_by = |batch: &Vec<usize>| {
                            let mut beta = beta.clone();
                            step(&x, &y, &mut beta, batch, h, loss);
                            beta
                        };
                        all.iter().map(step_by).collect()
                    };
                    iterates = iterates.iter().flat_map(next).collect();
                    moments.advance(1).unwrap();
                    assert_eq!(moments.steps(), steps);
                    let count = iterates.len() as f64;
                    let mean = iterates.iter().fold(Array2::zeros((p, 2)), |sum, beta| sum + beta) / count;
                    let size = norm(mean.view()).powi(2) + 1.0;
                    let off = norm((&mean - &moments.mean().unwrap()).view());
                    assert!(off < 1e-13 * size, "{n} × {p}, {b} rows, {steps} steps: mean off by {off:e}");
                    let mut covariance = Array2::<f64>::zeros((p, p));
                    for beta in &iterates {
                        let around = beta - &mean;
                        covariance = covariance + around.dot(&around.t()) / (2.0 * count);
                    }
                    let found = svd.vt().t().dot(moments.mode_covariance()).dot(svd.vt());
                    let off = norm((&found - &covariance).view());
                    let bound = 1e-12 * (norm(covariance.view()) + size);
                    assert!(off < bound, "{n} × {p}, {b} rows, {steps} steps: covariance off by {off:e}");
                    let average =
                        |of: &dyn Fn(&Array2<f64>) -> f64| iterates.iter().map(of).sum::<f64>() / count;
                    let train = average(&|beta| norm((x.dot(beta) - &y).view()).powi(2) / (2 * n) as f64);
                    assert!((moments.train_mse() / train - 1.0).abs() < 1e-11);
                    let distance = average(&|beta| norm((beta - &start).view()).powi(2) / 2.0);
                    assert!((moments.squared_distance().unwrap() / distance - 1.0).abs() < 1e-11);
                }
            }
        }
    }
}

/// Second moments are quadratic in the noise, so averaging over all signs gives those of any noise of variance 1.
#[test]
fn label_noise_is_averaged_exactly() {
    for (n, p) in [(4, 2), (4, 6)] {
        let (x, clean, start) = (normal(n, p, 4), normal(n, 1, 5), normal(p, 1, 6));
        let svd = Svd::new(&x).unwrap();
        let population =
            Population::new(Covariance::isotropic(p, 1.0).unwrap(), normal(p, 1, 7), 0.0).unwrap();
        let sgd = Sgd::new(share_of_limit(&svd, Loss::Mean, 0.2), 2, Loss::Mean).unwrap();
        let deviation = 0.8;
        let mut averaged = sgd.start_with_noise(&svd, &clean, deviation * deviation, &start).unwrap();
        averaged.advance(25).unwrap();
        let (mut full, mut sampling, mut train, mut distance) = (0.0, 0.0, 0.0, 0.0);
        for signs in 0..1 << n {
            let sign = |i: usize| if signs & (1 << i) == 0 { deviation } else { -deviation };
            let y = &clean + &Array2::from_shape_fn((n, 1), |(i, _)| sign(i));
            let mut one = sgd.start(&svd, &y, &start).unwrap();
            one.advance(25).unwrap();
            let risk = one.risk(&population).unwrap();
            let share = 1.0 / f64::from(1 << n);
            full += share * risk.full_batch;
            sampling += share * risk.sampling;
            train += share * one.train_mse();
            distance += share * one.squared_distance().unwrap();
        }
        let risk = averaged.risk(&population).unwrap();
        for (found, right) in [
            (risk.full_batch, full),
            (risk.sampling, sampling),
            (averaged.train_mse(), train),
            (averaged.squared_distance().unwrap(), distance),
        ] {
            assert!((found / right - 1.0).abs() < 1e-11, "{n} × {p}: {found}, not {right}");
        }
        // The part that is not due to batches is the expected risk of descent in closed form.
        let teacher = Population::new(Covariance::isotropic(p, 1.0).unwrap(), normal(p, 1, 7), 0.64).unwrap();
        let mut taught = sgd.start_with_noise(&svd, &x.dot(teacher.teacher()), 0.64, &start).unwrap();
        taught.advance(25).unwrap();
        let descent = GradientDescent::new(Schedule::Constant(sgd.step()), 25, Loss::Mean).unwrap();
        let right = teacher.given_from(&svd, &start).unwrap().of(&descent).unwrap();
        let found = taught.risk(&teacher).unwrap();
        assert!((found.full_batch / right.excess() - 1.0).abs() < 1e-11);
        assert!(found.sampling > 0.0 && found.excess() == found.full_batch + found.sampling);
    }
}

/// Mean over runs with its standard error.
fn mean_of(values: &[f64]) -> (f64, f64) {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (count - 1.0);
    (mean, (variance / count).sqrt())
}

fn draw(n: usize, b: usize, kind: Batches, rng: &mut impl Rng) -> Vec<usize> {
    let mut batch: Vec<usize> = Vec::with_capacity(b);
    while batch.len() < b {
        let row = rng.random_range(0..n);
        if kind == Batches::WithReplacement || !batch.contains(&row) {
            batch.push(row);
        }
    }
    batch
}

/// 2,000 runs, each with its own label noise. There are 72 comparisons; in one of 20,000 such tests, one exceeds 5
/// standard errors.
#[test]
fn simulated_runs() {
    let checks = [3, 20, 80];
    for (n, p) in [(16, 6), (6, 16)] {
        let (x, start) = (normal(n, p, 8), normal(p, 1, 9) * 0.2);
        let (svd, noise) = (Svd::new(&x).unwrap(), 0.5_f64);
        for law in [Covariance::isotropic(p, 1.0), Covariance::diagonal(&Array1::from_elem(p, 0.5))] {
            let population = Population::new(law.unwrap(), normal(p, 1, 10), noise).unwrap();
            let clean = x.dot(population.teacher());
            for (b, kind) in [(1, Batches::WithReplacement), (4, Batches::WithoutReplacement)] {
                let loss = Loss::HalfMean;
                let h = share_of_limit(&svd, loss, 0.12);
                let sgd = Sgd::new(h, b, loss).unwrap().with_batches(kind);
                assert!(sgd.stability(&svd).unwrap().is_stable());
                let mut moments = sgd.start_with_noise(&svd, &clean, noise, &start).unwrap();
                let mut rng = stream(12, n, b);
                let mut found = vec![[Vec::new(), Vec::new(), Vec::new()]; checks.len()];
                for _ in 0..2000 {
                    let y = clean.mapv(|y| y + noise.sqrt() * rng.sample::<f64, _>(StandardNormal));
                    let mut beta = start.clone();
                    for k in 1..=checks[2] {
                        step(&x, &y, &mut beta, &draw(n, b, kind, &mut rng), h, loss);
                        if let Some(at) = checks.iter().position(|&check| check == k) {
                            found[at][0].push(population.excess(&beta).unwrap());
                            found[at][1].push(norm((x.dot(&beta) - &y).view()).powi(2) / n as f64);
                            found[at][2].push(norm((&beta - &start).view()).powi(2));
                        }
                    }
                }
                for (check, found) in checks.iter().zip(&found) {
                    moments.advance(check - moments.steps()).unwrap();
                    let risk = moments.risk(&population).unwrap();
                    let expected = [risk.excess(), moments.train_mse(), moments.squared_distance().unwrap()];
                    for ((values, right), what) in
                        found.iter().zip(expected).zip(["excess", "train", "distance"])
                    {
                        let (mean, error) = mean_of(values);
                        let z = (mean - right) / error;
                        assert!(
                            z.abs() < 5.0,
                            "{n} × {p}, {b} rows, step {check}: {what} is off by {z} errors"
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn the_stationary_state_is_where_steps_lead() {
    let mut designs = vec![
        (normal(9, 4, 1), 0.0),
        (normal(9, 4, 1), 0.3),
        (with_spectrum(5, 5, &[2.0, 1.5, 1.0, 0.8, 0.5], 3), 0.2),
    ];
    designs.push((integer_low_rank(10, 6, 3, 2), 0.3));
    designs.push((normal(4, 8, 5), 0.3));
    for (x, noise) in designs {
        let (n, p) = x.dim();
        let (svd, y) = (Svd::new(&x).unwrap(), normal(n, 2, 7));
        for (b, kind) in [(1, Batches::WithReplacement), (3, Batches::WithoutReplacement)] {
            let loss = Loss::Mean;
            let h = share_of_limit(&svd, loss, 0.08);
            let sgd = Sgd::new(h, b, loss).unwrap().with_batches(kind);
            let stationary = sgd.stationary(&svd, &y, noise).unwrap();
            let mut moments = sgd.start_with_noise(&svd, &y, noise, &Array2::zeros((p, 2))).unwrap();
            // By then the slowest mode of the rank has decayed completely.
            let slowest = h * loss.curvature(n) * svd.smallest_nonzero().unwrap().powi(2);
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // some thousand
            moments.advance((60.0 / slowest).min(4e5) as usize).unwrap();
            let (found, right) = (moments.mode_covariance(), stationary.mode_covariance());
            let off = norm((found - right).view());
            let size = norm(right.view());
            // If all rows are fitted, nothing remains.
            let floor = 1e-14 * norm(y.view()).powi(2);
            assert!(off <= 1e-10 * size + floor, "{n} × {p}, {b} rows: off by {off:e} of {size:e}");
            if n <= p && svd.rank() == n {
                assert_eq!(size, 0.0, "{n} × {p}");
            }
            let population =
                Population::new(Covariance::isotropic(p, 2.0).unwrap(), normal(p, 2, 1), 0.0).unwrap();
            let excess = stationary.excess(&population).unwrap();
            assert!((excess - 2.0 * right.diag().sum()).abs() <= 1e-12 * excess);
        }
    }
}

/// The edge of stability, found from the recursion itself: with noise-free targets, errors shrink or grow.
#[test]
fn stability_is_that_of_the_recursion() {
    let mut edges = 0;
    for (n, p) in [(6, 3), (4, 9), (5, 5)] {
        let x = normal(n, p, 13) * &Array1::from_shape_fn(p, |i| 1.0 + i as f64 * 0.3);
        let svd = Svd::new(&x).unwrap();
        for (b, kind) in [(1, Batches::WithReplacement), (3, Batches::WithoutReplacement)] {
            let loss = Loss::HalfMean;
            let setting = |h| Sgd::new(h, b, loss).unwrap().with_batches(kind);
            let limit = share_of_limit(&svd, loss, 1.0);
            // Bisect for the edge, unless it coincides with that of the mean.
            let (mut low, mut high) = (0.0, limit * (1.0 - 1e-12));
            if setting(high).stability(&svd).unwrap().is_stable() {
                continue;
            }
            edges += 1;
            for _ in 0..60 {
                let middle = f64::midpoint(low, high);
                if setting(middle).stability(&svd).unwrap().is_stable() {
                    low = middle;
                } else {
                    high = middle;
                }
            }
            let at = |h: f64| setting(h).stability(&svd).unwrap();
            assert!((at(low).amplification - 1.0).abs() < 1e-9);
            let (y, start) = (x.dot(&normal(p, 1, 2)), Array2::zeros((p, 1)));
            let grows = |h: f64| {
                let mut moments = setting(h).start(&svd, &y, &start).unwrap();
                if moments.advance(3000).is_err() {
                    return true; // overflow
                }
                let middle = moments.mode_covariance().diag().sum();
                moments.advance(1000).is_err() || moments.mode_covariance().diag().sum() > middle
            };
            assert!(
                !grows(0.9 * low) && grows((1.1 * low).min(0.999 * limit)),
                "{n} × {p}, {b} rows: edge {low}"
            );
            // The bounds of Wu, Ma and E: the sufficient condition fails no later than the edge.
            let here = at(low);
            assert!(here.contraction >= 1.0 - 1e-9, "{}", here.contraction);
            assert!(here.sharpness < here.sharpness_limit);
            assert!((here.sharpness_limit * low / 2.0 - 1.0).abs() < 1e-14);
            for share in [0.1, 0.3, 0.6, 0.9] {
                let there = at(share * limit);
                if there.contraction <= 1.0 {
                    assert!(there.is_stable());
                }
                if there.non_uniformity > there.non_uniformity_limit {
                    assert!(there.contraction > 1.0);
                }
            }
            let beyond = setting((1.1 * low).min(0.999 * limit)).stationary(&svd, &y, 1.0);
            assert!(matches!(beyond, Err(Error::Unsupported { .. })), "{beyond:?}");
        }
    }
    assert!(edges >= 4, "{edges} edges");
    // Batches of all rows are full-batch descent.
    let svd = Svd::new(&normal(5, 3, 1)).unwrap();
    let whole = Sgd::new(0.1, 5, Loss::HalfSum).unwrap().with_batches(Batches::WithoutReplacement);
    let stability = Sgd::new(share_of_limit(&svd, Loss::HalfSum, 0.9), 5, Loss::HalfSum).unwrap();
    let stability = stability.with_batches(Batches::WithoutReplacement).stability(&svd).unwrap();
    assert_eq!((stability.amplification, stability.non_uniformity_limit), (0.0, f64::INFINITY));
    assert!(stability.contraction < 1.0);
    assert_eq!(whole.noise_factor(5).unwrap(), 0.0);
}

#[test]
fn recorded_values_of_gradient_noise() {
    for case in recorded("sgd_noise.stationary_cov").unwrap_or_default() {
        let input = |name| value(&case, "inputs", name);
        let noise = array![[1.0, input("cij")], [input("cij"), 1.0]];
        let found = stationary_covariance(&array![input("ai"), input("aj")], &noise, input("eta")).unwrap();
        let right = value(&case, "outputs", "exact");
        assert!((found[[0, 1]] / right - 1.0).abs() < 1e-11, "{}: {}", case["id"], found[[0, 1]]);
    }
    for case in recorded("sgd_noise.minibatch_factor").unwrap_or_default() {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // counts
        let count = |name| value(&case, "inputs", name) as usize;
        let sgd = Sgd::new(0.1, count("B"), Loss::Mean).unwrap();
        let found = sgd.noise_factor(count("n")).unwrap();
        assert!((found / value(&case, "outputs", "with_replacement") - 1.0).abs() < 1e-11);
        let found = sgd.with_batches(Batches::WithoutReplacement).noise_factor(count("n")).unwrap();
        assert!((found - value(&case, "outputs", "without_replacement")).abs() < 1e-11);
    }
    for case in recorded("sgd_noise.population").unwrap_or_default() {
        let list = |name: &str| -> Array1<f64> {
            case["inputs"][name].as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
        };
        let errors = list("delta").mapv(|d| d * d);
        let descent = Streaming::new(&list("lam"), &errors, value(&case, "inputs", "s2"), 0.1, 1).unwrap();
        assert!((descent.gradient_noise() / value(&case, "outputs", "trace_C") - 1.0).abs() < 1e-11);
        assert!((descent.excess() / value(&case, "outputs", "risk") - 1.0).abs() < 1e-11);
    }
}

#[test]
fn streams_of_normal_rows() {
    let (variances, noise) = (array![2.0_f64, 0.7, 0.1], 0.4_f64);
    for (h, b) in [(0.1, 1), (0.4, 5)] {
        let start = array![1.0, -2.0, 3.0];
        let mut descent = Streaming::new(&variances, &start.mapv(|v| v * v), noise, h, b).unwrap();
        let mut rng = stream(30, b, 0);
        let checks = [1, 10, 40];
        let mut found = vec![Vec::new(); 3];
        for _ in 0..2000 {
            let mut off = start.clone();
            for k in 1..=checks[2] {
                let mut gradient = Array1::<f64>::zeros(3);
                for _ in 0..b {
                    let x = variances.mapv(|l| l.sqrt() * rng.sample::<f64, _>(StandardNormal));
                    let residual = x.dot(&off) - noise.sqrt() * rng.sample::<f64, _>(StandardNormal);
                    gradient.scaled_add(residual / b as f64, &x);
                }
                off.scaled_add(-h, &gradient);
                if let Some(at) = checks.iter().position(|&check| check == k) {
                    found[at].push((&off * &off).dot(&variances));
                }
            }
        }
        for (check, found) in checks.iter().zip(&found) {
            descent.advance(check - descent.steps()).unwrap();
            let (mean, error) = mean_of(found);
            let z = (mean - descent.excess()) / error;
            assert!(z.abs() < 5.0, "{b} rows, step {check}: off by {z} errors");
        }
        descent.advance(20_000).unwrap();
        let stationary = descent.stationary_excess().unwrap();
        assert!((descent.excess() / stationary - 1.0).abs() < 1e-11);
    }
    // One direction, one row: E (1 − h x²)² = 1 − 2 h ℓ + 3 (h ℓ)², which reaches 1 at h ℓ = 2/3.
    let alone = |h| Streaming::new(&array![1.0], &array![1.0], 0.1, h, 1).unwrap();
    assert!(alone(0.666).stationary_excess().is_some() && alone(0.667).stationary_excess().is_none());
    assert!(matches!(alone(0.9).advance(100_000), Err(Error::Overflow { .. })));
}

#[test]
fn settings_that_cannot_be() {
    let svd = Svd::new(&normal(4, 3, 1)).unwrap();
    let (y, start) = (normal(4, 1, 2), Array2::zeros((3, 1)));
    for step in [-0.1, f64::NAN, f64::INFINITY] {
        assert!(matches!(Sgd::new(step, 1, Loss::Mean), Err(Error::Domain { .. })));
        assert!(Streaming::new(&array![1.0], &array![1.0], 0.0, step, 1).is_err());
    }
    assert!(matches!(Sgd::new(0.1, 0, Loss::Mean), Err(Error::Domain { .. })));
    let limit = share_of_limit(&svd, Loss::Mean, 1.0);
    let refused = Sgd::new(1.01 * limit, 1, Loss::Mean).unwrap().start(&svd, &y, &start);
    match refused {
        Err(Error::StepTooLarge { limit: named, .. }) => assert!((named / limit - 1.0).abs() < 1e-12),
        other => panic!("{other:?}"),
    }
    let sgd = Sgd::new(0.5 * limit, 9, Loss::Mean).unwrap();
    assert!(sgd.start(&svd, &y, &start).is_ok());
    let fewer = sgd.with_batches(Batches::WithoutReplacement);
    assert!(matches!(fewer.start(&svd, &y, &start), Err(Error::Domain { .. })));
    assert!(matches!(sgd.start(&svd, &normal(5, 1, 1), &start), Err(Error::Shape { .. })));
    assert!(matches!(sgd.start(&svd, &y, &Array2::zeros((2, 1))), Err(Error::Shape { .. })));
    let none = sgd.start(&svd, &Array2::zeros((4, 0)), &Array2::zeros((3, 0)));
    assert!(matches!(none, Err(Error::Empty { .. })));
    assert!(matches!(sgd.start_with_noise(&svd, &y, -1.0, &start), Err(Error::Domain { .. })));
    let mut nan = y.clone();
    nan[[2, 0]] = f64::NAN;
    assert!(matches!(sgd.start(&svd, &nan, &start), Err(Error::NonFinite { row: 2, .. })));
    assert!(matches!(sgd.stationary(&svd, &nan, 0.0), Err(Error::NonFinite { .. })));
    let mut moments = sgd.start(&svd, &y, &start).unwrap();
    assert!(matches!(moments.advance(usize::MAX), Err(Error::Resource { .. })));
    // Zero steps, and steps of size zero.
    moments.advance(0).unwrap();
    assert_eq!(moments.squared_distance().unwrap(), 0.0);
    let still = Sgd::new(0.0, 1, Loss::Mean).unwrap();
    let stability = still.stability(&svd).unwrap();
    assert_eq!((stability.amplification, stability.sharpness_limit), (0.0, f64::INFINITY));
    // Growing iterates are an error once they overflow.
    let x = array![[1.0, 0.0], [0.0, 3.0], [0.1, 0.1]];
    let svd = Svd::new(&x).unwrap();
    let unstable = Sgd::new(0.95 * share_of_limit(&svd, Loss::Mean, 1.0), 1, Loss::Mean).unwrap();
    let mut moments = unstable.start(&svd, &array![[1.0], [2.0], [0.0]], &Array2::zeros((2, 1))).unwrap();
    assert!(matches!(moments.advance(100_000), Err(Error::Overflow { .. })));
    let empty = stationary_covariance(&array![0.0], &array![[1.0]], 0.1);
    assert!(matches!(empty, Err(Error::Domain { .. })));
    assert!(matches!(
        stationary_covariance(&array![1.0], &array![[1.0]], 2.0),
        Err(Error::StepTooLarge { .. })
    ));
}
