//! Degenerate tables and tables of extreme scale: the errors are those of the same table at scale 1, or the sweep
//! fails.

use crate::common::matrices::normal;
use double_descent::curve::{Curve, Metric};
use double_descent::dataset::Dataset;
use double_descent::filter::Ridge;
use double_descent::risk::Compressed;
use double_descent::svd::Svd;
use double_descent::sweep::{Arm, Splits, Sweep};
use double_descent::teacher::Teacher;
use double_descent::{Adversary, Error};
use ndarray::{Array2, Axis as Dimension};

/// Sweeps arms whose errors do not depend on the scale of the features. Settings in units of the features are scaled
/// too.
fn scale_free(data: &Dataset, scale: f64) -> Curve {
    let n = data.len();
    let mut sweep = Sweep::new(data.clone(), (1..=9).chain([n - 2, n - 1]), 6, 1);
    sweep.arms = vec![
        Arm::unablated(),
        Arm::test_features_projected(2),
        Arm::no_residuals(),
        Arm::attacked(Adversary::TestDatum { strength: 0.25 * scale }),
        Arm::attacked(Adversary::TrainingTargets { strength: 0.5 }),
    ];
    // A penalty has squared units, which overflow or underflow at 1e±300.
    if (scale * scale).is_normal() {
        let ridge = Ridge::new(0.5 * scale * scale).unwrap();
        sweep.arms.push(Arm::new("ridge", None, std::sync::Arc::new(ridge)));
    }
    sweep.run().unwrap()
}

fn table(seed: u64) -> Dataset {
    let x = normal(60, 5, seed);
    let y = x.dot(&normal(5, 2, seed + 1)) + normal(60, 2, seed + 2);
    Dataset::new("table", x, y).unwrap()
}

/// Scaling by a power of two commutes with every rounding on the way, so the results agree bit by bit.
#[test]
fn features_of_any_scale_give_the_same_errors() {
    let data = table(20);
    let base = scale_free(&data, 1.0);
    for power in [-996, -700, -511, -20, 20, 511, 700, 996] {
        let scale = 2f64.powi(power);
        let scaled = Dataset::new("table", data.features() * scale, data.targets().clone()).unwrap();
        same_errors(&base, &scale_free(&scaled, scale), scale);
    }
}

fn same_errors(base: &Curve, scaled: &Curve, scale: f64) {
    assert_eq!((base.failures.len(), scaled.failures.len()), (0, 0), "{:?}", scaled.failures.first());
    let arms = scaled.arms.len();
    let same_arms: Vec<_> = base.cells.iter().filter(|cell| cell.arm < arms).collect();
    assert_eq!(same_arms.len(), scaled.cells.len());
    for (a, b) in same_arms.into_iter().zip(&scaled.cells) {
        let mut expected = *a;
        expected.smallest_singular_value = a.smallest_singular_value.map(|s| s * scale);
        expected.coefficient_norm = a.coefficient_norm.map(|norm| norm / scale);
        let distance = a.distance_from_start().map(|norm| norm / scale);
        let expected = expected.with(Metric::DistanceFromStart, distance);
        assert_eq!(*b, expected, "scale {scale:e}, {:?}", base.arms[a.arm]);
    }
}

/// 1e300 is not a power of two: each entry is rounded by up to ε/2, which the condition number (under 1e4 here)
/// amplifies.
#[test]
fn features_of_1e300_give_the_same_errors() {
    let data = table(23);
    let run = |scale: f64| {
        let data = Dataset::new("table", data.features() * scale, data.targets().clone()).unwrap();
        let mut sweep = Sweep::new(data, [2, 4, 7, 30, 59], 5, 2);
        sweep.arms = vec![Arm::unablated(), Arm::test_features_projected(3)];
        sweep.run().unwrap()
    };
    let base = run(1.0);
    for scale in [1e-300, 1e-200, 1e154, 1e300] {
        let scaled = run(scale);
        assert!(scaled.failures.is_empty(), "{:?}", scaled.failures);
        for (a, b) in base.cells.iter().zip(&scaled.cells) {
            let (a, b) = (a.test_mse.unwrap(), b.test_mse.unwrap());
            assert!((a - b).abs() <= 1e4 * 60.0 * f64::EPSILON * a, "{scale:e}: {b} for {a}");
        }
    }
}

#[test]
fn columns_of_very_different_scale_give_the_errors_of_the_same_fit() {
    // With more rows than features the fit does not depend on the units of the columns.
    let data = table(26);
    let mut features = data.features().clone();
    for (power, mut column) in [-300, -20, 0, 40, 300].into_iter().zip(features.columns_mut()) {
        column.mapv_inplace(|v| v * 2f64.powi(power));
    }
    let scaled = Dataset::new("table", features, data.targets().clone()).unwrap();
    let (a, b) = (Teacher::ideal(&data).unwrap(), Teacher::ideal(&scaled).unwrap());
    assert_eq!(a.residuals(), b.residuals(), "columns are brought to one scale, exactly");
}

#[test]
fn targets_whose_squares_do_not_fit_are_failures_of_cells() {
    let data = table(29);
    let huge = Dataset::new("huge", data.features().clone(), data.targets() * 1e300).unwrap();
    // If every cell fails, the sweep returns the reason of the first.
    let error = Sweep::new(huge, [3, 5, 8], 2, 0).run().unwrap_err();
    assert!(matches!(error, Error::Overflow { .. }), "{error}");
    assert!(error.to_string().contains("rescale"), "{error}");
    // Squares of 1e150 do fit. Up to rounding, the errors are 1e300 times those of the same table at scale 1.
    let large = Dataset::new("large", data.features().clone(), data.targets() * 2f64.powi(498)).unwrap();
    let run = |data| {
        let mut sweep = Sweep::new(data, [3, 5, 8], 2, 0);
        sweep.arms = vec![Arm::unablated(), Arm::no_residuals()];
        sweep.run().unwrap()
    };
    let (base, large) = (run(data), run(large));
    assert!(large.failures.is_empty());
    for (a, b) in base.cells.iter().zip(&large.cells) {
        assert_eq!(b.test_mse.unwrap(), a.test_mse.unwrap() * 2f64.powi(996));
    }
}

/// The entries of this table are finite, but the norms of its columns are not.
#[test]
fn a_table_of_the_largest_numbers_overflows_and_holds_no_nan() {
    let data = table(40);
    let largest = |table: &Array2<f64>| table.mapv(|v| v.signum() * 1.7e308);
    let (x, y) = (largest(data.features()), largest(data.targets()));
    for (x, y) in [(x.clone(), data.targets().clone()), (data.features().clone(), y.clone()), (x, y)] {
        let error = Sweep::new(Dataset::new("largest", x.clone(), y.clone()).unwrap(), [3, 8], 2, 0)
            .run()
            .unwrap_err();
        assert!(matches!(error, Error::Overflow { .. }), "{error}");
        assert!(error.to_string().contains("rescale"), "{error}");
        assert!(matches!(Compressed::new(&x, &y), Err(Error::Overflow { .. })));
        let beta = Array2::from_elem((x.ncols(), y.ncols()), -3.0);
        let known = Teacher::known(beta, &x, &y);
        assert!(matches!(known, Ok(_) | Err(Error::Overflow { .. })), "{known:?}");
    }
    let mut bad = data.features().clone();
    bad[[2, 1]] = f64::NAN;
    let beta = Array2::ones((bad.ncols(), data.targets().ncols()));
    let known = Teacher::known(beta, &bad, data.targets());
    assert!(matches!(known, Err(Error::NonFinite { row: 2, column: 1, .. })), "{known:?}");
}

/// The training errors are 1e16 times the test error, so a difference of sums would lose all digits of the test error.
#[test]
fn a_single_test_row_is_not_lost_beside_the_training_rows() {
    let x = ndarray::array![[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]];
    let y = ndarray::array![[1e8], [-1e8], [1.0], [1.5]];
    let sweep = Sweep {
        splits: Splits::Recorded(vec![vec![0, 1, 2]]),
        arms: vec![Arm::unablated()],
        ..Sweep::new(Dataset::new("few", x, y).unwrap(), [3], 1, 0)
    };
    let test = sweep.run().unwrap().cells[0].test_mse.unwrap();
    // The fit is off by a few ε relative to 1e8, so its error of 0.5 is off by about 1e-7.
    assert!((test - 0.25).abs() < 1e-6, "{test}");
}

/// Computes the training error, test error and rank directly, from the pseudoinverse of the training rows.
fn long_way(data: &Dataset, order: &[usize], n: usize) -> (f64, f64, usize) {
    let rest: Vec<usize> = (0..data.len()).filter(|row| !order[..n].contains(row)).collect();
    let pick = |table: &Array2<f64>, rows: &[usize]| table.select(Dimension(0), rows);
    let svd = Svd::new(&pick(data.features(), &order[..n])).unwrap();
    let beta = svd.pseudoinverse().unwrap().dot(&pick(data.targets(), &order[..n]));
    let mse = |rows: &[usize]| {
        let errors = pick(data.features(), rows).dot(&beta) - pick(data.targets(), rows);
        errors.mapv(|e| e * e).mean().unwrap()
    };
    (mse(&order[..n]), mse(&rest), svd.rank())
}

#[test]
fn degenerate_tables_agree_with_the_pseudoinverse() {
    let rows = normal(8, 4, 30);
    let mut constant = normal(24, 4, 31);
    constant.column_mut(1).fill(3.0);
    constant.column_mut(2).fill(0.0);
    let tables = [
        ("constant columns", constant, 3),
        ("duplicated rows", ndarray::concatenate![Dimension(0), rows, rows, rows], 4),
        ("one feature", normal(24, 1, 32), 1),
        ("one distinct row", Array2::ones((24, 4)), 1),
        ("zeros", Array2::zeros((24, 4)), 0),
        ("two rows", normal(2, 4, 33), 2),
        ("an integer table", normal(24, 4, 34).mapv(|v| (3.0 * v).round()), 4),
    ];
    for (name, x, largest_rank) in tables {
        let n = x.nrows();
        let y = normal(n, 1, 35) + 2.0;
        let x = x.as_standard_layout().into_owned();
        let data = Dataset::new(name, x, y).unwrap();
        // Seven is coprime to all these lengths, so duplicates of a row come both early and late in this order.
        let order: Vec<usize> = (0..n).map(|i| 7 * i % n).collect();
        let sweep = Sweep {
            splits: Splits::Recorded(vec![order.clone()]),
            arms: vec![Arm::unablated()],
            ..Sweep::new(data.clone(), 1..n, 1, 0)
        };
        let curve = sweep.run().unwrap();
        assert!(curve.failures.is_empty(), "{name}: {:?}", curve.failures);
        for cell in &curve.cells {
            let (train, test, rank) = long_way(&data, &order, cell.n);
            assert_eq!(cell.rank, rank, "{name}, n = {}", cell.n);
            assert!(rank <= largest_rank, "{name}, n = {}", cell.n);
            // Condition numbers stay below 1e4, and sums have fewer than 24 terms; targets are of order 1.
            let bound = 1e4 * 24.0 * f64::EPSILON * (test + 10.0);
            assert!((cell.test_mse.unwrap() - test).abs() <= bound, "{name} {cell:?} {test}");
            assert!((cell.train_mse.unwrap() - train).abs() <= bound, "{name} {cell:?} {train}");
        }
    }
}
