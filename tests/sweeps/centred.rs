//! Biases and fits without residuals of centred and standardised sweeps, against their definitions.

use crate::common::matrices::normal;
use double_descent::curve::{Cell, Metric};
use double_descent::dataset::Dataset;
use double_descent::filter::{MinNorm, Truncated};
use double_descent::svd::Svd;
use double_descent::sweep::{Arm, Draw, Intercept, Source, Splits, Sweep, TestOn};
use ndarray::{Array2, Axis, concatenate, s};
use std::sync::Arc;

const METRICS: [Metric; 2] = [Metric::TestMse, Metric::MeanSquaredBias];

/// Cells of minimum-norm fits and of fits without residuals, to the first rows of the table.
fn cells(sweep: Sweep) -> [Cell; 2] {
    let sweep =
        Sweep { arms: vec![Arm::min_norm(), Arm::no_residuals()], metrics: METRICS.to_vec(), ..sweep };
    let curve = sweep.run().unwrap();
    assert!(curve.failures.is_empty(), "{:?}", curve.failures);
    [0, 1].map(|arm| *curve.cells.iter().find(|cell| cell.arm == arm).unwrap())
}

fn centred(table: &Array2<f64>, on: &Array2<f64>) -> Array2<f64> {
    table - &on.mean_axis(Axis(0)).unwrap()
}

/// The best linear model with an intercept, and the mean over test rows of `(x·(β̂₀ − β*))²` for the minimum-norm fit
/// `β̂₀` to `X β*`, all centred on the training rows.
fn bias(all: (&Array2<f64>, &Array2<f64>), train: &Array2<f64>, test: &Array2<f64>) -> f64 {
    let solve =
        |x: &Array2<f64>, y: &Array2<f64>| Svd::new(x).unwrap().solve(y, &MinNorm::default()).unwrap();
    let beta = solve(&centred(all.0, all.0), &centred(all.1, all.1));
    let x = centred(train, train);
    let fitted = solve(&x, &x.dot(&beta));
    centred(test, train).dot(&(fitted - beta)).mapv(|e| e * e).mean().unwrap()
}

fn close(found: Option<f64>, expected: f64) {
    let found = found.unwrap();
    assert!((found - expected).abs() <= 1e-10 * expected + 1e-24, "{found:e}, expected {expected:e}");
}

/// The sums of a compressed table do not tell its rows apart, so that it cannot be centred with other rows as if it
/// had that many. Whether test rows are compressed depends on their number.
#[test]
fn separate_test_rows_have_an_intercept_of_their_own() {
    for (test_rows, offset) in [(7, 100.0), (60, 0.0), (60, 100.0), (1000, 100.0)] {
        let x = normal(40 + test_rows, 5, 1);
        let y = x.sum_axis(Axis(1)).insert_axis(Axis(1)) + offset + normal(x.nrows(), 1, 2);
        let part = |rows: std::ops::Range<usize>| {
            (x.slice(s![rows.clone(), ..]).to_owned(), y.slice(s![rows, ..]).to_owned())
        };
        let table = |(x, y)| Dataset::new("rows", x, y).unwrap();
        let (train, test) = (table(part(0..40)), table(part(40..x.nrows())));
        let source = Source::TrainTest { train, test };
        let splits = Splits::Recorded(vec![(0..3).collect()]);
        let sweep = Sweep { samples: vec![3], intercept: Intercept::Free, ..Sweep::of(source, splits) };
        let [min_norm, no_residuals] = cells(sweep);
        let expected = bias((&x, &y), &part(0..3).0, &part(40..x.nrows()).0);
        close(min_norm.mean_squared_bias, expected);
        close(no_residuals.mean_squared_bias, expected);
        close(no_residuals.test_mse, expected);
    }
}

/// Centring makes a constant column 0, and 0/1 columns that sum to 1 dependent. Neither is a direction of β*.
#[test]
fn dependent_columns_are_no_direction_of_the_best_model() {
    for rows in [24, 100, 442, 3000] {
        let (x, y) = (normal(rows, 3, 1) + 5.0, normal(rows, 1, 2));
        let constant = Array2::from_elem((rows, 1), 7.3);
        let words = Array2::from_shape_fn((rows, 3), |(i, j)| f64::from(u8::from(i % 3 == j)));
        let beside = |other: &Array2<f64>| concatenate(Axis(1), &[x.view(), other.view()]).unwrap();
        for (n, x, is_exact) in [
            (3, x.clone(), false),
            (3, beside(&constant), false),
            (20, beside(&constant), true),
            (3, beside(&words), false),
            (20, beside(&words), true),
        ] {
            let data = Dataset::new("dependent", x.clone(), y.clone()).unwrap();
            let splits = Splits::Recorded(vec![(0..n).collect()]);
            let sweep = Sweep {
                samples: vec![n],
                intercept: Intercept::Free,
                ..Sweep::of(Source::Table(data), splits)
            };
            let [min_norm, no_residuals] = cells(sweep);
            let part = |rows| x.slice(s![rows, ..]).to_owned();
            let expected = bias((&x, &y), &part(0..n), &part(n..rows));
            assert_eq!(expected < 1e-24, is_exact, "{expected:e}");
            close(min_norm.mean_squared_bias, expected);
            close(no_residuals.test_mse, expected);
        }
    }
}

/// A feature that is constant on the training rows becomes 0 when it is standardised. No fit can use it; the best model
/// does.
#[test]
fn standardising_removes_no_bias() {
    let mut x = normal(100, 2, 3);
    x.slice_mut(s![..50, 1]).fill(0.0);
    x.slice_mut(s![50.., 1]).fill(10.0);
    let y = x.sum_axis(Axis(1)).insert_axis(Axis(1)) + normal(100, 1, 4);
    let expected = bias((&x, &y), &x.slice(s![..10, ..]).to_owned(), &x.slice(s![10.., ..]).to_owned());
    assert!(expected > 10.0);
    for standardise in [false, true] {
        let data = Dataset::new("steps", x.clone(), y.clone()).unwrap();
        let splits = Splits::Recorded(vec![(0..10).collect()]);
        let sweep = Sweep {
            samples: vec![10],
            standardise,
            intercept: Intercept::Free,
            ..Sweep::of(Source::Table(data), splits)
        };
        let [min_norm, no_residuals] = cells(sweep);
        close(min_norm.mean_squared_bias, expected);
        close(no_residuals.test_mse, expected);
    }
}

/// Targets without residuals have no noise either, in training or in test.
#[test]
fn populations_without_residuals_have_no_noise() {
    let draw = |_| {
        let (inputs, teacher) = (normal(12, 4, 7), normal(4, 1, 9));
        let targets = inputs.dot(&teacher) + 0.7 * normal(12, 1, 8);
        let test = TestOn::Population { covariance: Array2::eye(4), teacher, deviation: 0.7 };
        Ok(Draw { inputs, targets, test })
    };
    for n in [2, 12] {
        let splits = Splits::Drawn { repeats: 1, seed: 0 };
        let sweep = Sweep { samples: vec![n], ..Sweep::of(Source::drawn("normal", draw), splits) };
        let [min_norm, no_residuals] = cells(sweep);
        assert!(min_norm.test_mse.unwrap() > 0.49);
        close(no_residuals.test_mse, no_residuals.mean_squared_bias.unwrap());
    }
}

/// Centring removes a direction of the rows. Where all others are fitted (n ≤ p), a penalty that is too weak to matter,
/// and a flow that has come to its end, give the minimum norm, however large the means are.
#[test]
fn the_direction_that_centring_removes_does_not_count() {
    let arms = || {
        vec![
            Arm::min_norm(),
            Arm::ridge(1e-40).unwrap(),
            Arm::ridge(1e-60).unwrap(),
            Arm::gradient_flow(1e33).unwrap(),
            Arm::gradient_flow(1e60).unwrap(),
            Arm::new("truncated", Some(0.0), Arc::new(Truncated::new(0.0).unwrap())),
        ]
    };
    for offset in [0.0, 1e6] {
        let data = Dataset::diabetes();
        let data = Dataset::new("d", data.features() + offset, data.targets().clone()).unwrap();
        for standardise in [false, true] {
            let sweep = Sweep {
                arms: arms(),
                standardise,
                intercept: Intercept::Free,
                ..Sweep::new(data.clone(), 2..=10, 6, 3)
            };
            let curve = sweep.run().unwrap();
            assert!(curve.failures.is_empty(), "{:?}", curve.failures);
            for cell in &curve.cells {
                let same = |min_norm: &&Cell| {
                    (min_norm.n, min_norm.repeat, min_norm.arm) == (cell.n, cell.repeat, 0)
                };
                let min_norm = curve.cells.iter().find(same).unwrap();
                assert!(cell.rank < cell.n);
                for metric in [Metric::TestMse, Metric::CoefficientNorm, Metric::TrainMse] {
                    let [found, right] = [cell, min_norm].map(|cell| cell.metric(metric).unwrap());
                    // κ is below 1e6 here, and the training error is the rounding error of fits of size 1e2.
                    let off = (found - right).abs();
                    assert!(
                        off <= 1e-9 * right + 1e-12,
                        "n = {}, arm {}: {metric:?} {found:e}, not {right:e}",
                        cell.n,
                        cell.arm
                    );
                }
            }
        }
    }
}
