//! The nested engines against a separate SVD at every point.
#![allow(clippy::unreadable_literal)] // recorded values

use crate::common::features::{KINDS, features, normal};
use crate::common::fits::{C, by_svd, constant, mean_square};
use double_descent::Error;
use double_descent::filter::MinNorm;
use double_descent::nested::{Columns, Engine, Point, Rows, Test, feature_curve, sample_curve};
use double_descent::risk::Compressed;
use double_descent::svd::Svd;
use ndarray::{Array2, ArrayView2, Axis, array, concatenate, s};

#[test]
fn every_point_of_a_sample_curve_is_that_of_its_svd() {
    let (p, n, k) = (24, 70, 2);
    for kind in KINDS {
        let all = features(kind, n + 50, p);
        let (x, tx) = all.view().split_at(Axis(0), n);
        let targets = normal(7, n + 50, k);
        let (y, ty) = (targets.slice(s![..n, ..]), targets.slice(s![n.., ..]).to_owned());
        let test = Compressed::new(&tx, &ty).unwrap();
        let mut engine = Rows::new(p, k, Test::Rows(&test)).unwrap();
        let (mut worst, mut by_other) = (0.0f64, 0);
        for i in 0..n {
            let point = engine.push(&x.row(i), &y.row(i)).unwrap();
            let (x, y) = (x.slice(s![..=i, ..]), y.slice(s![..=i, ..]));
            let expected = by_svd(x, y, tx, &ty);
            let beta = engine.coefficients().unwrap();
            let off =
                (&beta - &expected.beta).mapv(|v| v * v).sum().sqrt() / (expected.norm + expected.reach);
            let c = constant(&point, &expected, tx, &ty, y).max(off / (expected.condition * f64::EPSILON));
            worst = worst.max(c);
            assert!(c < C, "{kind} n = {}: c = {c}, κ = {:e}", i + 1, expected.condition);
            by_other += usize::from(point.engine == Engine::Svd);
        }
        println!("samples, {kind}: c = {worst:.2}, {by_other} points by SVD");
        assert_eq!(by_other, 0);
    }
}

#[test]
fn every_point_of_a_feature_curve_is_that_of_its_svd() {
    let (n, p, k) = (24, 70, 2);
    for kind in KINDS {
        let all = features(kind, n + 90, p);
        let (x, tx) = all.view().split_at(Axis(0), n);
        let targets = normal(8, n + 90, k);
        let (y, ty) = (targets.slice(s![..n, ..]), targets.slice(s![n.., ..]).to_owned());
        let test = Compressed::new(&tx, &ty).unwrap();
        let curve = feature_curve(&x, &y, Test::Rows(&test)).unwrap();
        let mut worst = 0.0f64;
        for (j, point) in curve.iter().enumerate() {
            let (x, tx) = (x.slice(s![.., ..=j]), tx.slice(s![.., ..=j]));
            let expected = by_svd(x, y, tx, &ty);
            let c = constant(point, &expected, tx, &ty, y);
            worst = worst.max(c);
            assert!(c < C, "{kind} p = {}: c = {c}, κ = {:e}", j + 1, expected.condition);
        }
        let by_other = curve.iter().filter(|point| point.engine == Engine::Svd).count();
        println!("features, {kind}: c = {worst:.2}, {by_other} points by SVD");
    }
}
/// Exact predictions at two test rows, one row for each prefix of the samples, from 60-digit arithmetic: `(x, y, test
/// rows, predictions)`.
fn exact_samples() -> Vec<[Array2<f64>; 4]> {
    vec![
        [
            array![
                [-0.90625, 0.90625, 0.25, -0.78125, 1.625, -0.5],
                [-1.53125, 1.09375, -0.5625, 0.71875, -0.9375, 1.28125],
                [1.03125, 0.78125, -1.375, 1.0, 0.8125, 0.90625],
                [1.125, 0.1875, -1.03125, 0.28125, -1.625, -1.09375]
            ],
            array![[1.6875], [1.125], [-0.875], [1.1875]],
            array![
                [-0.40625, -1.0, -1.0625, 1.0, 0.25, 1.15625],
                [0.125, 0.59375, 1.875, -0.375, -0.53125, -0.65625]
            ],
            array![
                [-0.5694639842431064, 0.21113534046145188],
                [-0.20842794849525884, -0.003913442863898679],
                [-0.5327251789873683, 0.4967603584475545],
                [-1.8678303564562155, 0.7292081839288715]
            ],
        ],
        [
            array![
                [1.90625, -1.71875],
                [1.03125, 1.40625],
                [-0.6875, 0.4375],
                [1.8125, -0.53125],
                [1.8125, -1.4375],
                [0.8125, 0.1875],
                [1.9375, 1.15625],
                [-1.65625, -1.90625]
            ],
            array![[0.4375], [1.53125], [-0.125], [-0.65625], [-0.5625], [-0.59375], [0.8125], [0.0625]],
            array![[-1.65625, 0.375], [-0.3125, -0.84375]],
            array![
                [-0.25247368811147347, 0.056746590572190926],
                [-0.9998697916666667, -0.6954427083333333],
                [-0.9718816330447652, -0.6946184946223485],
                [-0.37359063088827676, -0.5354034928762617],
                [-0.28155486003266833, -0.5667350934560592],
                [-0.14186702890849187, -0.4461998471156118],
                [-0.12557689933283528, -0.42836004039578157],
                [-0.01846657601509158, -0.2397062938951943]
            ],
        ],
    ]
}

/// Exact predictions at two test rows, one row for each prefix of the features, from 60-digit arithmetic: `(x, y, test
/// rows, predictions)`.
fn exact_features() -> Vec<[Array2<f64>; 4]> {
    vec![
        [
            array![
                [-0.53125, 0.4375, -1.0],
                [0.40625, 0.96875, 0.15625],
                [0.46875, 0.71875, 0.0],
                [0.96875, 0.5, -0.875],
                [-1.75, -0.59375, 1.84375],
                [1.96875, -1.8125, 1.40625],
                [2.0, -0.5625, 1.125]
            ],
            array![[-2.0], [0.65625], [1.875], [1.34375], [-1.9375], [-0.875], [0.4375]],
            array![[-0.0625, -0.5, 1.6875], [-1.875, 0.59375, 1.8125]],
            array![
                [-0.030157648890618918, -0.9047294667185676],
                [-0.5705159833927508, -0.7001154096213893],
                [-0.3314175051499202, -0.2734820834284138]
            ],
        ],
        [
            array![
                [-1.75, 1.8125, -0.25, -1.46875, -0.34375],
                [1.09375, -0.21875, -0.9375, -1.65625, -1.1875],
                [-0.78125, -1.96875, 0.1875, -0.1875, 0.5625],
                [-0.9375, 0.90625, -0.9375, 1.875, -0.96875],
                [1.28125, 0.59375, -1.625, -1.0, -0.5625]
            ],
            array![[0.8125], [-2.0], [-1.375], [0.5], [-0.21875]],
            array![
                [-1.28125, 0.90625, -1.5625, 0.3125, -1.6875],
                [-1.28125, 1.4375, -1.40625, -0.21875, 1.78125]
            ],
            array![
                [0.5694256310294701, 0.5694256310294701],
                [0.8623705237665652, 1.1372887289463014],
                [-0.2860889920515458, 0.23082035830327222],
                [-0.139148556259394, 0.20217333407795213],
                [-0.8066555010509541, 3.389250172791918]
            ],
        ],
        [
            array![
                [1.03125, -0.84375, 0.53125, 1.71875, 1.375, -2.0, -1.90625],
                [1.46875, 0.71875, 0.71875, 1.9375, 0.96875, -1.9375, 0.1875]
            ],
            array![[-0.4375], [-0.625]],
            array![
                [1.5, -1.75, -0.8125, -1.53125, 0.03125, -0.34375, 0.78125],
                [-0.03125, -1.875, 0.65625, -1.6875, -0.96875, 1.75, 1.09375]
            ],
            array![
                [-0.6376591873862947, 0.01328456640388114],
                [-0.6358481262327417, 0.015131903353057198],
                [-0.36500599004228446, -0.09263577039961639],
                [0.2155488068030062, 0.3572423759810495],
                [0.23201797341331243, 0.4287383814686098],
                [0.18242072247735844, 0.5048614933519863],
                [0.10079763476186239, 0.433367100419582]
            ],
        ],
    ]
}

/// Recovers predictions `v` at test rows from mean squared errors. The engines return only squares, so each test row is
/// its own test table, with a target far from any prediction.
fn predictions(tx: &Array2<f64>, curve: impl Fn(Test<'_>) -> Vec<Point>) -> Vec<Vec<f64>> {
    let far = 64.0;
    tx.rows()
        .into_iter()
        .map(|row| {
            let row = row.insert_axis(Axis(0));
            let test = Compressed::new(&row, &array![[far]]).unwrap();
            curve(Test::Rows(&test)).iter().map(|point| far - point.test_mse.unwrap().sqrt()).collect()
        })
        .collect()
}

#[test]
fn exact_values() {
    for [x, y, tx, expected] in exact_samples() {
        let found = predictions(&tx, |test| sample_curve(&x, &y, test).unwrap());
        for ((i, j), value) in expected.indexed_iter() {
            assert!(
                (found[j][i] - value).abs() < 1e-12,
                "sample {i}, test row {j}: {} for {value}",
                found[j][i]
            );
        }
    }
    for [x, y, tx, expected] in exact_features() {
        let found = predictions(&tx, |test| feature_curve(&x, &y, test).unwrap());
        for ((i, j), value) in expected.indexed_iter() {
            assert!(
                (found[j][i] - value).abs() < 1e-12,
                "feature {i}, test row {j}: {} for {value}",
                found[j][i]
            );
        }
    }
}

/// Checks every point against its SVD, for data of any rank.
fn check_both_axes(name: &str, x: &Array2<f64>, y: &Array2<f64>) -> [Vec<Point>; 2] {
    let (n, p) = x.dim();
    let (tx, ty) = (normal(20, 9, p), normal(21, 9, y.ncols()));
    let test = Compressed::new(&tx, &ty).unwrap();
    let close = |axis: &str,
                 point: &Point,
                 x: ArrayView2<'_, f64>,
                 y: ArrayView2<'_, f64>,
                 tx: ArrayView2<'_, f64>| {
        let expected = by_svd(x, y, tx, &ty);
        assert_eq!((point.n, point.p), x.dim());
        if expected.norm == 0.0 {
            assert_eq!((point.rank, point.norm), (expected.rank, 0.0), "{name}, {axis}: {point:?}");
            return;
        }
        let c = constant(point, &expected, tx, &ty, y);
        assert!(c < C, "{name}, {axis}: c = {c}, κ = {:e}, {point:?}", expected.condition);
    };
    let samples = sample_curve(x, y, Test::Rows(&test)).unwrap();
    for (i, point) in samples.iter().enumerate() {
        close("samples", point, x.slice(s![..=i, ..]), y.slice(s![..=i, ..]), tx.view());
    }
    let columns = feature_curve(x, y, Test::Rows(&test)).unwrap();
    for (j, point) in columns.iter().enumerate() {
        close("features", point, x.slice(s![.., ..=j]), y.view(), tx.slice(s![.., ..=j]));
    }
    assert_eq!((samples.len(), columns.len()), (n, p));
    [samples, columns]
}

fn nested_only(curves: &[Vec<Point>; 2]) -> bool {
    curves.iter().flatten().all(|point| point.engine == Engine::Nested)
}

#[test]
fn dependent_rows_and_columns_are_what_the_pseudoinverse_makes_of_them() {
    let (n, p, k) = (26, 12, 2);
    let x = normal(9, n, p);
    let y = normal(10, n, k);

    let mut twice = x.clone();
    for (copy, of) in [(3, 1), (4, 1), (5, 0), (20, 13)] {
        let row = twice.row(of).to_owned();
        twice.row_mut(copy).assign(&row);
    }
    assert!(nested_only(&check_both_axes("duplicated rows, other labels", &twice, &y)));
    let turned = twice.t().to_owned();
    let wide = normal(11, p, k);
    assert!(nested_only(&check_both_axes("duplicated columns", &turned, &wide)));

    let mut zeros = x.clone();
    for row in [0, 1, 6, 19] {
        zeros.row_mut(row).fill(0.0);
    }
    for column in [0, 5, 11] {
        zeros.column_mut(column).fill(0.0);
    }
    assert!(nested_only(&check_both_axes("zero rows and columns", &zeros, &y)));
    assert!(nested_only(&check_both_axes("zero rows and columns, turned", &zeros.t().to_owned(), &wide)));

    // Rank 4 throughout, with rounding errors: no row is an exact combination of others.
    let low = normal(12, n, 4).dot(&normal(13, 4, p));
    let [samples, columns] = check_both_axes("rank 4", &low, &y);
    assert!([samples, columns].iter().all(|curve| curve.last().unwrap().rank == 4));
    check_both_axes("rank 4, turned", &low.t().to_owned(), &wide);

    check_both_axes("all zeros", &Array2::zeros((5, 4)), &normal(14, 5, k));
    check_both_axes("constant target", &x, &Array2::ones((n, 1)));
    check_both_axes("zero target", &x, &Array2::zeros((n, 1)));
    let intercept = concatenate![Axis(1), Array2::ones((n, 1)), x, Array2::ones((n, 1))];
    check_both_axes("intercept twice", &intercept, &Array2::ones((n, 1)));
    check_both_axes("one by one", &array![[2.0]], &array![[3.0]]);
    check_both_axes("one row", &normal(15, 1, 9), &normal(16, 1, 1));
    check_both_axes("one column", &normal(15, 9, 1), &normal(16, 9, 1));
}

/// With an intercept, a constant target is fitted with zero training and test error.
#[test]
fn a_constant_target_is_fitted_by_the_intercept() {
    let x = concatenate![Axis(1), Array2::ones((20, 1)), normal(17, 20, 3)];
    let curve = sample_curve(&x, &Array2::from_elem((20, 1), 5.0), Test::None).unwrap();
    for point in &curve[4..] {
        assert!(point.train_mse < 1e-26 && (point.norm - 5.0).abs() < 1e-12, "{point:?}");
    }
}

#[test]
fn near_dependence_is_handed_over_and_taken_back() {
    let (n, p) = (40, 10);
    let mut x = normal(18, n, p);
    // Within a relative 1e-15 of another row: neither clearly dependent nor clearly independent.
    let nearly = &x.row(0) * (1.0 + 1e-15) + &(&x.row(9) * 3e-14);
    x.row_mut(4).assign(&nearly);
    let y = normal(19, n, 1);
    let curve = sample_curve(&x, &y, Test::None).unwrap();
    let by_svd: Vec<usize> =
        curve.iter().filter(|point| point.engine == Engine::Svd).map(|point| point.n).collect();
    // By SVD until there are enough rows for all directions.
    assert_eq!(by_svd, [5, 6, 7, 8, 9, 10]);
    for (point, n) in curve.iter().zip(1..) {
        let svd = Svd::new(&x.slice(s![..n, ..])).unwrap();
        assert_eq!(point.rank, svd.rank(), "{point:?}");
        if svd.rank() == n.min(p) && !(5..=10).contains(&n) {
            let beta = svd.solve(&y.slice(s![..n, ..]), &MinNorm::default()).unwrap();
            let norm = beta.mapv(|v| v * v).sum().sqrt();
            assert!((point.norm / norm - 1.0).abs() < C * svd.condition_number() * f64::EPSILON);
        }
    }
}

/// Condition numbers beyond 1/ε, as with monomials: ranks follow the SVD's cutoff, and no fit is NaN.
#[test]
fn hopeless_conditioning() {
    for (n, p) in [(30, 40), (150, 20)] {
        let x = Array2::from_shape_fn((n, p), |(i, j)| (i as f64 / n as f64).powf(j as f64));
        let y = normal(22, n, 1);
        for (axis, curve) in
            [("samples", sample_curve(&x, &y, Test::None)), ("features", feature_curve(&x, &y, Test::None))]
        {
            for point in curve.unwrap() {
                let svd = Svd::new(&x.slice(s![..point.n, ..point.p])).unwrap();
                // A singular value within rounding error of the cutoff may fall on either side.
                let near = svd.singular_values().iter().any(|s| (0.2..5.0).contains(&(s / svd.cutoff())));
                assert!(point.rank == svd.rank() || near, "{axis}: {point:?} for rank {}", svd.rank());
                let clear = svd.rank() < point.n.min(point.p) || svd.condition_number() > 1e14;
                assert!(!clear || near || point.engine == Engine::Svd, "{axis}: {point:?}");
            }
        }
    }
}

#[test]
fn all_others_are_the_rows_that_do_not_train() {
    let (n, p) = (60, 7);
    let (x, y) = (normal(23, n, p), normal(24, n, 2));
    let table = Compressed::new(&x, &y).unwrap();
    let curve = sample_curve(&x, &y, Test::Others(&table)).unwrap();
    for point in &curve[..n - 1] {
        let beta = Svd::new(&x.slice(s![..point.n, ..])).unwrap();
        let beta = beta.solve(&y.slice(s![..point.n, ..]), &MinNorm::default()).unwrap();
        let direct = mean_square(&(x.slice(s![point.n.., ..]).dot(&beta) - y.slice(s![point.n.., ..])));
        assert!((point.test_mse.unwrap() / direct - 1.0).abs() < 1e-10, "{point:?}: {direct}");
    }
    assert_eq!(curve[n - 1].test_mse, None);
    let trains = 20;
    let curve =
        feature_curve(&x.slice(s![..trains, ..]), &y.slice(s![..trains, ..]), Test::Others(&table)).unwrap();
    for point in &curve {
        let beta = Svd::new(&x.slice(s![..trains, ..point.p])).unwrap();
        let beta = beta.solve(&y.slice(s![..trains, ..]), &MinNorm::default()).unwrap();
        let direct = mean_square(&(x.slice(s![trains.., ..point.p]).dot(&beta) - y.slice(s![trains.., ..])));
        assert!((point.test_mse.unwrap() / direct - 1.0).abs() < 1e-12, "{point:?}: {direct}");
    }
}

#[test]
fn streamed_and_whole_input_give_the_same_bits() {
    let (x, y) = (features("relu", 50, 12), normal(25, 50, 3));
    let test = Compressed::new(&normal(26, 9, 12), &normal(27, 9, 3)).unwrap();
    let whole = sample_curve(&x, &y, Test::Rows(&test)).unwrap();
    let mut engine = Rows::new(12, 3, Test::Rows(&test)).unwrap();
    let pairs = x.rows().into_iter().zip(y.rows());
    let streamed: Vec<Point> =
        pairs.map(|(x, y)| engine.push(&x.to_owned(), &y.to_owned()).unwrap()).collect();
    assert_eq!(whole, streamed);
    // Also in other memory layouts.
    let (mut turned, mut targets) = (Array2::zeros((12, 50)), Array2::zeros((3, 50)));
    turned.assign(&x.t());
    targets.assign(&y.t());
    assert_eq!(whole, sample_curve(&turned.t(), &targets.t(), Test::Rows(&test)).unwrap());
    let features = feature_curve(&x, &y, Test::Rows(&test)).unwrap();
    let mut engine = Columns::new(&y, Test::Rows(&test)).unwrap();
    assert_eq!(features, x.columns().into_iter().map(|x| engine.push(&x).unwrap()).collect::<Vec<_>>());
}

/// Units of any size only change the units of the result.
#[test]
fn extreme_scales() {
    let (n, p) = (20, 8);
    let (x, y) = (normal(28, n, p), normal(29, n, 1));
    let (tx, ty) = (normal(30, 5, p), normal(31, 5, 1));
    let plain = Compressed::new(&tx, &ty).unwrap();
    let curves = |x: &Array2<f64>, y: &Array2<f64>, test: &Compressed| {
        let test = Test::Rows(test);
        [sample_curve(x, y, test).unwrap(), feature_curve(x, y, test).unwrap()]
    };
    let expected = curves(&x, &y, &plain);
    for e in [-1000, -500, 500, 1000] {
        let unit = 2f64.powi(e);
        let test = Compressed::new(&(&tx * unit), &ty).unwrap();
        for (found, expected) in
            curves(&(&x * unit), &y, &test).iter().flatten().zip(expected.iter().flatten())
        {
            assert!(
                (found.train_mse - expected.train_mse).abs() <= 1e-12 * expected.train_mse,
                "{e}: {found:?}"
            );
            let off = found.test_mse.unwrap() / expected.test_mse.unwrap() - 1.0;
            assert!(off.abs() < 1e-11, "{e}: {found:?}");
            assert!((found.norm * unit / expected.norm - 1.0).abs() < 1e-11, "{e}: {found:?}");
        }
    }
    // Targets whose squares barely fit, then some whose squares overflow.
    let large = 2f64.powi(500);
    let test = Compressed::new(&tx, &(&ty * large)).unwrap();
    for (found, expected) in curves(&x, &(&y * large), &test).iter().flatten().zip(expected.iter().flatten())
    {
        assert!((found.test_mse.unwrap() / large / large / expected.test_mse.unwrap() - 1.0).abs() < 1e-11);
    }
    assert_eq!(
        sample_curve(&x, &(&y * 1e300), Test::Rows(&plain)),
        Err(Error::Overflow { what: "the test error" })
    );
    // Rows that grow by 600 orders of magnitude: each fit is that of the large rows alone.
    let grown = Array2::from_shape_fn((n, p), |(i, j)| x[[i, j]] * if i < 5 { 1e-300 } else { 1e300 });
    let curve = sample_curve(&grown, &y, Test::None).unwrap();
    let alone = sample_curve(&x.slice(s![5.., ..]), &y.slice(s![5.., ..]), Test::None).unwrap();
    for (found, expected) in curve[5..].iter().zip(&alone) {
        assert_eq!(found.rank, expected.rank);
        assert!((found.norm * 1e300 / expected.norm - 1.0).abs() < 1e-11, "{found:?} {expected:?}");
    }
    // Features in very different units: no panic, and the result of the SVD.
    let mixed = Array2::from_shape_fn((n, p), |(i, j)| x[[i, j]] * [1e-200, 1.0, 1e-10][j % 3]);
    for point in feature_curve(&mixed, &y, Test::None).unwrap().iter().skip(1) {
        let svd = Svd::new(&mixed.slice(s![.., ..point.p])).unwrap();
        assert_eq!(point.rank, svd.rank());
    }
}

#[test]
fn hostile_input() {
    let (x, y) = (normal(32, 4, 3), normal(33, 4, 1));
    let test = Compressed::new(&x, &y).unwrap();
    let both = |x: &Array2<f64>, y: &Array2<f64>, test: Test<'_>| {
        [sample_curve(x, y, test).unwrap_err(), feature_curve(x, y, test).unwrap_err()]
    };
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let mut holed = x.clone();
        holed[[2, 1]] = bad;
        for error in both(&holed, &y, Test::None) {
            assert!(matches!(error, Error::NonFinite { what: "the features", row: 2, column: 1, .. }));
        }
        let mut holed = y.clone();
        holed[[3, 0]] = bad;
        for error in both(&x, &holed, Test::None) {
            assert!(matches!(error, Error::NonFinite { what: "the targets", row: 3, column: 0, .. }));
        }
    }
    for (n, p, k) in [(0, 3, 1), (4, 0, 1), (4, 3, 0), (0, 0, 0)] {
        for error in both(&Array2::zeros((n, p)), &Array2::zeros((n, k)), Test::None) {
            assert!(matches!(error, Error::Empty { .. }), "{n} {p} {k}: {error}");
        }
    }
    for error in both(&x, &normal(34, 5, 1), Test::None) {
        assert!(matches!(error, Error::Shape { what: "rows of y", expected: 4, found: 5 }));
    }
    for error in both(&x, &normal(34, 4, 2), Test::Rows(&test)) {
        assert!(matches!(error, Error::Shape { what: "columns of the test targets", .. }));
    }
    let wide = normal(35, 4, 5);
    for error in both(&wide, &y, Test::Rows(&test)) {
        assert!(matches!(error, Error::Shape { what: "columns of the test features", .. }));
    }
    assert!(matches!(Rows::new(3, usize::MAX, Test::None), Err(Error::Memory { .. })));
    // A refused row leaves the fit unchanged.
    let mut engine = Rows::new(3, 1, Test::None).unwrap();
    assert!(engine.coefficients().is_err());
    let mut other = engine.clone();
    assert!(engine.push(&array![1.0, 2.0], &array![1.0]).is_err());
    assert!(engine.push(&array![1.0, 2.0, 3.0], &array![]).is_err());
    assert!(engine.push(&array![1.0, f64::NAN, 3.0], &array![1.0]).is_err());
    for (x, y) in x.rows().into_iter().zip(y.rows()) {
        assert_eq!(engine.push(&x, &y), other.push(&x, &y));
    }
    assert_eq!((engine.rows(), engine.coefficients().unwrap().dim()), (4, (3, 1)));
    // So do refused columns.
    let (x, y) = (normal(47, 20, 60), normal(48, 20, 1));
    let test = Compressed::new(&x, &y).unwrap();
    let mut engine = Columns::new(&y, Test::Rows(&test)).unwrap();
    engine.extend(&x.slice(s![.., ..30])).unwrap();
    let mut other = engine.clone();
    for bad in [f64::NAN, f64::INFINITY] {
        let mut holed = x.slice(s![.., 30..]).to_owned();
        holed[[7, 20]] = bad;
        assert!(matches!(engine.extend(&holed), Err(Error::NonFinite { row: 7, column: 20, .. })));
    }
    assert!(matches!(engine.extend(&x.slice(s![..19, ..])), Err(Error::Shape { .. })));
    assert!(matches!(
        engine.extend(&x.slice(s![.., ..31])),
        Err(Error::Shape { what: "columns of the test features", expected: 61, found: 60 })
    ));
    assert_eq!(engine.extend(&x.slice(s![.., ..0])), Ok(Vec::new()));
    let rest = x.slice(s![.., 30..]);
    assert_eq!(engine.extend(&rest), other.extend(&rest));
    assert_eq!(engine.columns(), 60);
}

/// A matrix whose diagonal does not reveal its condition number.
#[test]
fn a_triangle_with_a_harmless_diagonal() {
    let n = 60;
    let x = Array2::from_shape_fn((n, n), |(i, j)| match i.cmp(&j) {
        std::cmp::Ordering::Less => 0.0,
        std::cmp::Ordering::Equal => 1.0,
        std::cmp::Ordering::Greater => -1.0,
    });
    let y = normal(36, n, 1);
    for (point, n) in sample_curve(&x, &y, Test::None).unwrap().iter().zip(1..) {
        let svd = Svd::new(&x.slice(s![..n, ..])).unwrap();
        assert_eq!(point.rank, svd.rank());
        assert!(point.engine == Engine::Svd || svd.condition_number() < 1e14);
    }
}

/// `tr((X⁺)ᵀ Σ X⁺)` at every point on both axes, including dependent rows and nearly dependent columns.
#[test]
fn the_noise_term_is_that_of_the_pseudoinverse() {
    let (n, p) = (22, 9);
    for e in [0, 300] {
        let root = normal(40, p, p);
        let covariance = root.t().dot(&root) * 2f64.powi(e);
        let mut x = features("relu", n, p) * 2f64.powi(e);
        let row = x.row(1).to_owned();
        x.row_mut(3).assign(&row);
        let nearly = &x.column(2) * (1.0 + 4e-15);
        x.column_mut(6).assign(&nearly);
        for x in [x.clone(), x.slice(s![..5, ..]).to_owned()] {
            let y = normal(41, x.nrows(), 1);
            let mut rows = Rows::new(p, 1, Test::None).unwrap().with_noise_covariance(&covariance).unwrap();
            let mut points: Vec<Point> =
                x.rows().into_iter().zip(y.rows()).map(|(x, y)| rows.push(&x, &y).unwrap()).collect();
            let mut columns =
                Columns::new(&y, Test::None).unwrap().with_noise_covariance(&covariance).unwrap();
            points.extend(x.columns().into_iter().map(|x| columns.push(&x).unwrap()));
            for point in points {
                let svd = Svd::new(&x.slice(s![..point.n, ..point.p])).unwrap();
                if svd.singular_values().iter().any(|s| (0.1..1e3).contains(&(s / svd.cutoff()))) {
                    continue; // too close to the cutoff to compare
                }
                let inverse = svd.pseudoinverse().unwrap();
                let sigma = covariance.slice(s![..point.p, ..point.p]);
                let expected = inverse.t().dot(&sigma).dot(&inverse).diag().sum();
                let condition = svd.singular_values()[0] / svd.smallest_nonzero().unwrap();
                let off = (point.noise.unwrap() / expected - 1.0).abs();
                assert!(off < 100.0 * condition * f64::EPSILON, "{point:?}: {expected:e}, κ = {condition:e}");
            }
        }
    }
    let new = || Rows::new(2, 1, Test::None).unwrap();
    for bad in
        [array![[1.0, 2.0], [0.0, 1.0]], array![[1.0, 0.0], [0.0, -1.0]], array![[0.0, 1.0], [1.0, 0.0]]]
    {
        assert!(matches!(new().with_noise_covariance(&bad), Err(Error::Domain { .. })), "{bad}");
    }
    assert!(matches!(new().with_noise_covariance(&Array2::eye(3)), Err(Error::Shape { .. })));
    assert!(matches!(
        new().with_noise_covariance(&Array2::eye(2).slice(s![.., ..1])),
        Err(Error::Shape { .. })
    ));
    let mut late = new();
    late.push(&array![1.0, 2.0], &array![1.0]).unwrap();
    assert!(late.with_noise_covariance(&Array2::eye(2)).is_err());
}

/// Small integers: exact dependences of every kind, and singular values that are exactly 0.
#[test]
fn small_integers() {
    let shapes = [(30, 8), (9, 20), (60, 18), (5, 5)];
    for (seed, &(n, p)) in (0..40).zip(shapes.iter().cycle()) {
        let (x, y) = (normal(100 + seed, n, p), normal(200 + seed, n, 2));
        let mut x = x.mapv(|v| (v * 0.6).round());
        if seed >= 20 {
            // Rank 3.
            x = x.slice(s![.., ..3]).dot(&normal(300 + seed, 3, p).mapv(f64::round));
        }
        let [samples, columns] = check_both_axes(&format!("integers {seed}"), &x, &y);
        let by_svd = |curve: &[Point]| curve.iter().filter(|point| point.engine == Engine::Svd).count();
        assert_eq!((by_svd(&samples), by_svd(&columns)), (0, 0), "{seed}");
    }
}
