//! Ensembles: the curve over the number of members equals what averaging them gives.

use crate::common::matrices::normal;
use double_descent::Error;
use double_descent::ensemble::Ensemble;
use double_descent::features::{Activation, FeatureMap, RandomNetwork};
use double_descent::filter::MinNorm;
use double_descent::rng::stream;
use double_descent::svd::Svd;
use double_descent::sweep::Splits;
use ndarray::{Array2, Axis, array};
use rand::RngExt;

fn mean_square(x: &Array2<f64>) -> f64 {
    x.iter().map(|v| v * v).sum::<f64>() / x.len() as f64
}

/// The mean of the members whose bits are set in `subset`.
fn average(members: &[Array2<f64>], subset: u32) -> Array2<f64> {
    let chosen: Vec<&Array2<f64>> =
        members.iter().enumerate().filter(|(i, _)| subset >> i & 1 == 1).map(|(_, m)| m).collect();
    chosen.iter().fold(Array2::zeros(members[0].dim()), |sum, m| sum + *m) / chosen.len() as f64
}

#[test]
fn every_size_is_the_mean_over_all_subsets_of_the_members() {
    let members: Vec<Array2<f64>> = (0..7).map(|i| normal(11, 3, i) * (i as f64 + 0.3)).collect();
    let targets = normal(11, 3, 99);
    let ensemble = Ensemble::new(&members, &targets).unwrap();
    assert_eq!(ensemble.members(), 7);
    for size in 1..=7 {
        let subsets: Vec<u32> = (0..1 << 7).filter(|s: &u32| s.count_ones() == size).collect();
        let errors = subsets.iter().map(|&subset| mean_square(&(average(&members, subset) - &targets)));
        let mean = errors.sum::<f64>() / subsets.len() as f64;
        let found = ensemble.error(size as usize).unwrap();
        assert!((found - mean).abs() < 1e-14 * mean.max(1.0), "{size}: {found} for {mean}");
    }
    let far = ensemble.error(usize::MAX).unwrap();
    assert!((far - ensemble.limit()).abs() < 1e-15);
}

/// For independent members `truth + bias + spread · z`, `R_K = bias² + spread² / K`, and the jackknife's standard error
/// matches the spread of the estimates over many ensembles.
#[test]
fn the_estimates_have_no_bias_and_the_jackknife_their_spread() {
    let (bias, spread, repeats, members) = (0.5, 2.0, 3000, 5);
    for (size, exact) in [(1, 4.25), (3, 0.25 + 4.0 / 3.0), (20, 0.25 + 0.2), (usize::MAX, 0.25)] {
        let (mut sum, mut squares, mut jackknife) = (0.0, 0.0, 0.0);
        for repeat in 0..repeats {
            let draw = |i: u64| normal(4, 1, repeat * 100 + i) * spread + bias;
            let predictions: Vec<Array2<f64>> = (0..members).map(draw).collect();
            let ensemble = Ensemble::new(&predictions, &Array2::zeros((4, 1))).unwrap();
            let estimate = ensemble.error(size).unwrap();
            sum += estimate;
            squares += estimate * estimate;
            jackknife += ensemble.standard_error(size).unwrap().unwrap().powi(2);
        }
        let count = repeats as f64;
        let mean = sum / count;
        let variance = squares / count - mean * mean;
        let standard_error = (variance / count).sqrt();
        assert!((mean - exact).abs() < 4.0 * standard_error, "{size}: {mean} ± {standard_error} for {exact}");
        // Efron and Stein: in the mean, the jackknife's variance is no smaller than the true variance.
        let ratio = jackknife / count / variance;
        assert!(ratio > 0.9 && ratio < 3.0, "{size}: jackknife over variance {ratio}");
    }
}

/// The ensemble is one linear model on all features side by side.
#[test]
fn an_ensemble_of_linear_fits_is_one_linear_fit_and_tames_the_peak() {
    let (n, d, members) = (40, 8, 12);
    let mut rng = stream(7, 0, 0);
    let inputs = Array2::from_shape_simple_fn((n, d), || rng.random_range(-1.0..1.0));
    let tests = Array2::from_shape_simple_fn((500, d), || rng.random_range(-1.0..1.0));
    let truth = |x: &Array2<f64>| x.map_axis(Axis(1), |row| (row.sum() * 1.5).sin()).insert_axis(Axis(1));
    let y = truth(&inputs) + normal(n, 1, 8) * 0.2;
    let at = |p: usize| {
        let (mut predictions, mut coefficients, mut features) = (Vec::new(), Vec::new(), Vec::new());
        for member in 0..members {
            let map = RandomNetwork::new(Activation::Tanh, &[d, p], &mut stream(9, p, member)).unwrap();
            let svd = Svd::new(&map.design(&inputs, p).unwrap()).unwrap();
            let beta = svd.solve(&y, &MinNorm::default()).unwrap();
            let design = map.design(&tests, p).unwrap();
            predictions.push(design.dot(&beta));
            coefficients.push(beta / members as f64);
            features.push(design);
        }
        let ensemble = Ensemble::new(&predictions, &truth(&tests)).unwrap();
        let features: Vec<_> = features.iter().map(|x| x.view()).collect();
        let coefficients: Vec<_> = coefficients.iter().map(|b| b.view()).collect();
        let joined = ndarray::concatenate(Axis(1), &features)
            .unwrap()
            .dot(&ndarray::concatenate(Axis(0), &coefficients).unwrap());
        let direct = mean_square(&(joined - truth(&tests)));
        let found = ensemble.error(members).unwrap();
        assert!((found - direct).abs() < 1e-9 * direct, "p = {p}: {found} for {direct}");
        ensemble
    };
    let (threshold, wide) = (at(n), at(4 * n));
    let [one, many] = [1, members].map(|k| threshold.error(k).unwrap());
    assert!(one > 5.0 * wide.error(1).unwrap(), "no peak to tame: {one}");
    assert!(many < 0.2 * one, "{many} for {members}, {one} for one");
}

/// One error of 1e8 next to small ones: pairs of small errors keep their digits, which `⟨(Σ e)²⟩` would lose.
#[test]
fn a_member_far_out_costs_no_digits_of_the_others() {
    let members = [array![[1e8], [1e-8]], array![[0.0], [3.0]], array![[0.0], [5.0]]];
    let ensemble = Ensemble::new(&members, &Array2::zeros((2, 1))).unwrap();
    // The pairs give 3e-8, 5e-8 and 15, halved for the mean over two rows.
    let exact = (7.5 + 4e-8) / 3.0;
    assert!((ensemble.limit() - exact).abs() < 1e-15 * exact, "{}", ensemble.limit());
}

#[test]
fn input_that_is_wrong_or_extreme() {
    let (one, targets) = (array![[1.0], [2.0]], array![[0.0], [0.0]]);
    let domain = |members: &[Array2<f64>]| Ensemble::new(members, &targets).unwrap_err();
    let members = [one.clone(), one.clone()];
    assert!(matches!(domain(&[]), Error::Domain { value: 0.0, .. }));
    assert!(matches!(domain(&members[..1]), Error::Domain { value: 1.0, .. }));
    let short = [one.clone(), array![[1.0]]];
    assert!(matches!(domain(&short), Error::Shape { expected: 2, found: 1, .. }));
    let bad = [one.clone(), array![[1.0], [f64::NAN]]];
    assert!(matches!(domain(&bad), Error::NonFinite { row: 1, column: 0, .. }));
    let huge = [one.clone(), array![[1e200], [0.0]]];
    assert!(matches!(domain(&huge), Error::Overflow { .. }));
    let nothing = Array2::zeros((0, 1));
    assert!(matches!(Ensemble::new(&[nothing.clone(), nothing.clone()], &nothing), Err(Error::Empty { .. })));
    let ensemble = Ensemble::new(&members, &targets).unwrap();
    assert!(matches!(ensemble.error(0), Err(Error::Domain { .. })));
    assert!(matches!(ensemble.standard_error(0), Err(Error::Domain { .. })));
    assert_eq!(ensemble.standard_error(5).unwrap(), None);
    assert_eq!([ensemble.error(1).unwrap(), ensemble.limit()], [2.5, 2.5]);
}

/// Errors of 1e80 have a standard error of 1e160, whose square overflows. Scaling by powers of two must not change a
/// bit of the result; likewise for errors of 1e-80.
#[test]
fn the_standard_error_of_large_and_small_errors() {
    let members: Vec<Array2<f64>> = (0..5).map(|i| normal(9, 2, i)).collect();
    let targets = normal(9, 2, 50);
    let of = |factor: f64| {
        let scaled: Vec<Array2<f64>> = members.iter().map(|member| member * factor).collect();
        Ensemble::new(&scaled, &(&targets * factor)).unwrap()
    };
    let plain = of(1.0);
    for power in [-266, -100, 100, 266, 505] {
        let factor = 2f64.powi(power);
        let scaled = of(factor);
        for size in [1, 2, 7, usize::MAX] {
            let expected = plain.standard_error(size).unwrap().unwrap() * factor * factor;
            assert_eq!(scaled.standard_error(size).unwrap(), Some(expected), "2^{power}, {size} members");
            assert!(expected > 0.0 && expected.is_finite());
        }
    }
    // Members that are all equal.
    let same = vec![members[0].clone(); 4];
    assert_eq!(Ensemble::new(&same, &targets).unwrap().standard_error(1).unwrap(), Some(0.0));
    // The squares are finite but their sum is not: an error, where `error` used to return infinity.
    let huge: Vec<Array2<f64>> = (0..3).map(|_| array![[1.3e154]]).collect();
    assert!(matches!(Ensemble::new(&huge, &array![[0.0]]), Err(Error::Overflow { .. })));
}

/// Bagging: members on subsamples of the rows of one table, each with as many rows as features.
#[test]
fn bagging_tames_the_peak_of_its_members() {
    let (rows, p) = (60, 20);
    let (x, tests) = (normal(rows, p, 71), normal(400, p, 72));
    let beta = normal(p, 1, 73);
    let y = x.dot(&beta) + normal(rows, 1, 74);
    let orders = (Splits::Drawn { repeats: 30, seed: 75 }).orders(rows, p).unwrap();
    let member = |order: &Vec<usize>| {
        let svd = Svd::new(&x.select(Axis(0), order)).unwrap();
        tests.dot(&svd.solve(&y.select(Axis(0), order), &MinNorm::default()).unwrap())
    };
    let predictions: Vec<Array2<f64>> = orders.iter().map(member).collect();
    let truth = tests.dot(&beta);
    let bag = Ensemble::new(&predictions, &truth).unwrap();
    let direct = mean_square(&(average(&predictions, (1 << 30) - 1) - &truth));
    assert!((bag.error(30).unwrap() - direct).abs() < 1e-9 * direct);
    assert!(direct < 0.2 * bag.error(1).unwrap(), "{direct} for 30, {} for one", bag.error(1).unwrap());
}
