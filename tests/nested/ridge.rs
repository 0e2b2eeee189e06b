//! Ridge on the nested engines, against the ridge filter on the SVD of every point.

use crate::common::features::{KINDS, features, normal};
use crate::common::fits::{C, Expected, by_filter, constant};
use double_descent::Error;
use double_descent::filter::{MinNorm, Ridge, SpectralFilter, Spectrum};
use double_descent::nested::{Columns, Engine, Rows, Test, feature_curve, sample_curve};
use double_descent::risk::Compressed;
use double_descent::svd::Svd;
use ndarray::{Array2, ArrayView2, array, s};

/// Ridge that treats numerically zero singular values as zero. For copies of a row, the SVD finds one of 1e-17, which a
/// penalty of 1e-30 does not damp.
#[derive(Debug)]
struct RidgeOnSpan(Ridge);

impl SpectralFilter for RidgeOnSpan {
    fn write_gains(&self, spectrum: Spectrum<'_>, gains: &mut [f64]) {
        let ridge = self.0.gains(spectrum);
        MinNorm::default().write_gains(spectrum, gains);
        gains.iter_mut().zip(ridge).filter(|(gain, _)| **gain > 0.0).for_each(|(gain, ridge)| *gain = ridge);
    }
}

/// The expected ridge fit. Its condition number is that of the features stacked on `√λ I`, within their span.
fn by_ridge(
    x: ArrayView2<'_, f64>,
    y: ArrayView2<'_, f64>,
    tx: ArrayView2<'_, f64>,
    ty: &Array2<f64>,
    lambda: f64,
) -> Expected {
    let expected = by_filter(x, y, tx, ty, &RidgeOnSpan(Ridge::new(lambda).unwrap()));
    let svd = Svd::new(&x).unwrap();
    let with = |s: f64| s.hypot(lambda.sqrt());
    let condition = svd.smallest_nonzero().map_or(1.0, |s| with(svd.singular_values()[0]) / with(s));
    Expected { condition, ..expected }
}

/// Ridge at every point of both curves, also in blocks, with penalties from far below to far above the singular values.
#[test]
fn ridge_curves_are_those_of_the_filter() {
    let (long, short, k) = (90, 20, 2);
    for kind in KINDS {
        let mut all = features(kind, long + 60, short);
        for (copy, of) in [(8, 3), (60, 12), (61, 60)] {
            let row = all.row(of).to_owned();
            all.row_mut(copy).assign(&row);
        }
        all.row_mut(5).fill(0.0);
        let wide = features(kind, short + 60, long);
        let targets = normal(53, long + 60, k);
        for lambda in [1e-30, 1e-12, 1e-4, 1.0, 1e4, 1e12, 1e30] {
            let (x, tx) = (all.slice(s![..long, ..]), all.slice(s![long.., ..]));
            let (y, ty) = (targets.slice(s![..long, ..]), targets.slice(s![long.., ..]).to_owned());
            let test = Compressed::new(&tx, &ty).unwrap();
            let engine = Rows::new(short, k, Test::Rows(&test)).unwrap().with_ridge(lambda).unwrap();
            let blocks = engine.clone().extend(&x, &y).unwrap();
            let mut single = engine;
            let mut worst = 0.0f64;
            for (i, block) in blocks.iter().enumerate() {
                let point = single.push(&x.row(i), &y.row(i)).unwrap();
                let (x, y) = (x.slice(s![..=i, ..]), y.slice(s![..=i, ..]));
                let expected = by_ridge(x, y, tx, &ty, lambda);
                let off = (single.coefficients().unwrap() - &expected.beta).mapv(|v| v * v).sum().sqrt();
                let unit = expected.condition * f64::EPSILON * (expected.norm + expected.reach);
                let c = constant(&point, &expected, tx, &ty, y);
                let c = c.max(constant(block, &expected, tx, &ty, y)).max(off / unit);
                worst = worst.max(c);
                assert!(
                    c < C,
                    "{kind}, λ = {lambda:e}, n = {}: c = {c}, κ = {:e}",
                    i + 1,
                    expected.condition
                );
            }
            println!("ridge, samples, {kind}, λ = {lambda:e}: c = {worst:.2}");

            let (x, tx) = (wide.slice(s![..short, ..]), wide.slice(s![short.., ..]));
            let y = targets.slice(s![..short, ..]);
            let ty = targets.slice(s![short..short + 60, ..]).to_owned();
            let test = Compressed::new(&tx, &ty).unwrap();
            let mut engine = Columns::new(&y, Test::Rows(&test)).unwrap().with_ridge(lambda).unwrap();
            let points = engine.extend(&x).unwrap();
            let mut worst = 0.0f64;
            for (j, point) in points.iter().enumerate() {
                let (x, tx) = (x.slice(s![.., ..=j]), tx.slice(s![.., ..=j]));
                let expected = by_ridge(x, y, tx, &ty, lambda);
                let c = constant(point, &expected, tx, &ty, y);
                worst = worst.max(c);
                assert!(
                    c < C,
                    "{kind}, λ = {lambda:e}, p = {}: c = {c}, κ = {:e}",
                    j + 1,
                    expected.condition
                );
            }
            println!("ridge, features, {kind}, λ = {lambda:e}: c = {worst:.2}");
            if lambda > 1e9 {
                // Xᵀ y / λ to all digits, although it is tiny.
                let law = |x: ArrayView2<'_, f64>, y: ArrayView2<'_, f64>| {
                    x.t().dot(&y).mapv(|v| v * v).sum().sqrt() / lambda
                };
                for (j, point) in points.iter().enumerate() {
                    let expected = law(x.slice(s![.., ..=j]), y);
                    assert!((point.norm / expected - 1.0).abs() < 1e-6, "{point:?} {expected:e}");
                }
                for (i, point) in blocks.iter().enumerate() {
                    let expected = law(all.slice(s![..=i, ..]), targets.slice(s![..=i, ..]));
                    assert!((point.norm / expected - 1.0).abs() < 1e-6, "{point:?} {expected:e}");
                }
            }
        }
    }
}

/// Ridge in the longest blocks; a few points are checked in detail.
#[test]
fn longer_curves_with_ridge() {
    let (short, long, k) = (120, 700, 2);
    for kind in KINDS {
        let targets = normal(60, long + 150, k);
        let (tall, wide) = (features(kind, long + 150, short), features(kind, short + 150, long));
        for lambda in [1e-6, 0.1, 1e5] {
            let at = [1, 17, 64, 100, 119, 120, 121, 136, 137, 150, 200, 333, 500, 699, 700];
            let (x, tx) = (tall.slice(s![..long, ..]), tall.slice(s![long.., ..]));
            let (y, ty) = (targets.slice(s![..long, ..]), targets.slice(s![long.., ..]).to_owned());
            let test = Compressed::new(&tx, &ty).unwrap();
            let engine = Rows::new(short, k, Test::Rows(&test)).unwrap().with_ridge(lambda);
            let points = engine.unwrap().extend(&x, &y).unwrap();
            let mut worst = [0.0f64; 2];
            for n in at {
                let (x, y) = (x.slice(s![..n, ..]), y.slice(s![..n, ..]));
                let c = constant(&points[n - 1], &by_ridge(x, y, tx, &ty, lambda), tx, &ty, y);
                worst[0] = worst[0].max(c);
                assert!(c < C, "{kind}, λ = {lambda:e}, n = {n}: c = {c}");
            }
            let (x, tx) = (wide.slice(s![..short, ..]), wide.slice(s![short.., ..]));
            let y = targets.slice(s![..short, ..]);
            let ty = targets.slice(s![short..short + 150, ..]).to_owned();
            let test = Compressed::new(&tx, &ty).unwrap();
            let engine = Columns::new(&y, Test::Rows(&test)).unwrap().with_ridge(lambda);
            let points = engine.unwrap().extend(&x).unwrap();
            for p in at {
                let (x, tx) = (x.slice(s![.., ..p]), tx.slice(s![.., ..p]));
                let c = constant(&points[p - 1], &by_ridge(x, y, tx, &ty, lambda), tx, &ty, y);
                worst[1] = worst[1].max(c);
                assert!(c < C, "{kind}, λ = {lambda:e}, p = {p}: c = {c}");
            }
            println!("longer ridge curves, {kind}, λ = {lambda:e}: c = {worst:.2?}");
        }
    }
}

/// `tr(Bᵀ Σ B)`, where `β̂ = B y`, with ridge on both axes.
#[test]
fn the_noise_term_with_ridge() {
    let (n, p) = (22, 9);
    let root = normal(54, p, p);
    let covariance = root.t().dot(&root);
    let mut x = features("relu", n, p);
    let row = x.row(1).to_owned();
    x.row_mut(3).assign(&row);
    for lambda in [1e-20, 1e-3, 1.0, 1e8] {
        for x in [x.clone(), x.slice(s![..5, ..]).to_owned()] {
            let y = normal(55, x.nrows(), 1);
            let rows = Rows::new(p, 1, Test::None).unwrap().with_noise_covariance(&covariance).unwrap();
            let mut points = rows.with_ridge(lambda).unwrap().extend(&x, &y).unwrap();
            let columns = Columns::new(&y, Test::None).unwrap().with_ridge(lambda).unwrap();
            points.extend(columns.with_noise_covariance(&covariance).unwrap().extend(&x).unwrap());
            for point in points {
                let x = x.slice(s![..point.n, ..point.p]);
                let identity = Array2::eye(point.n);
                let sigma = covariance.slice(s![..point.p, ..point.p]);
                let expected = by_ridge(x, identity.view(), x, &identity, lambda);
                let noise = expected.beta.t().dot(&sigma).dot(&expected.beta).diag().sum();
                let off = (point.noise.unwrap() / noise - 1.0).abs();
                assert!(
                    off < 100.0 * expected.condition * f64::EPSILON,
                    "{point:?}: {noise:e}, λ = {lambda:e}"
                );
            }
        }
    }
}

/// Invalid penalties, penalties set too late, and units whose squares overflow or underflow.
#[test]
fn ridge_at_the_limits() {
    let (x, y) = (normal(56, 40, 18), normal(57, 40, 1));
    let test = Compressed::new(&x, &y).unwrap();
    for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let rows = Rows::new(3, 1, Test::None).unwrap().with_ridge(bad);
        assert!(matches!(rows, Err(Error::Domain { what: "the ridge penalty", .. })), "{bad}");
        let columns = Columns::new(&y, Test::None).unwrap().with_ridge(bad);
        assert!(matches!(columns, Err(Error::Domain { what: "the ridge penalty", .. })), "{bad}");
    }
    let mut late = Rows::new(18, 1, Test::None).unwrap();
    late.extend(&x, &y).unwrap();
    assert!(matches!(late.with_ridge(1.0), Err(Error::Domain { .. })));
    let mut late = Columns::new(&y, Test::None).unwrap();
    late.extend(&x).unwrap();
    assert!(matches!(late.with_ridge(1.0), Err(Error::Domain { .. })));

    // Rows, columns up to n, and columns beyond n.
    let (wide, short) = (normal(58, 18, 60), y.slice(s![..18, ..]));
    let unit_of = |x: &Array2<f64>| x[[0, 0]] / normal(56, 40, 18)[[0, 0]];
    let curves = |x: &Array2<f64>, lambda: f64| {
        let test = Compressed::new(x, &y).unwrap();
        let rows = Rows::new(18, 1, Test::Rows(&test)).unwrap();
        let columns = Columns::new(&y, Test::Rows(&test)).unwrap();
        let mut points = rows.with_ridge(lambda).unwrap().extend(x, &y).unwrap();
        points.extend(columns.with_ridge(lambda).unwrap().extend(x).unwrap());
        let wide = &wide * unit_of(x);
        let test = Compressed::new(&wide, &short).unwrap();
        let columns = Columns::new(&short, Test::Rows(&test)).unwrap();
        points.extend(columns.with_ridge(lambda).unwrap().extend(&wide).unwrap());
        points
    };
    let expected = curves(&x, 0.7);
    // λ scales with the square of the unit, as far as f64 allows.
    for e in [-500, -300, 300, 500] {
        let unit = 2f64.powi(e);
        for (found, expected) in curves(&(&x * unit), 0.7 * unit * unit).iter().zip(&expected) {
            assert!((found.train_mse / expected.train_mse - 1.0).abs() < 1e-12, "{e}: {found:?}");
            assert!(
                (found.test_mse.unwrap() / expected.test_mse.unwrap() - 1.0).abs() < 1e-12,
                "{e}: {found:?}"
            );
            assert!((found.norm * unit / expected.norm - 1.0).abs() < 1e-12, "{e}: {found:?}");
        }
    }
    // Beyond that: the minimum-norm fit at one end, no fit at the other.
    let mut least = sample_curve(&x, &y, Test::Rows(&test)).unwrap();
    least.extend(feature_curve(&x, &y, Test::Rows(&test)).unwrap());
    let wide_test = Compressed::new(&wide, &short).unwrap();
    least.extend(feature_curve(&wide, &short, Test::Rows(&wide_test)).unwrap());
    let unit = 2f64.powi(900);
    for (found, least) in curves(&(&x * unit), f64::MIN_POSITIVE).iter().zip(&least) {
        // If the test rows are interpolated, both errors are rounding errors below (1e-12)² for targets of size 1.
        let (mse, expected) = (found.test_mse.unwrap(), least.test_mse.unwrap());
        assert!((mse - expected).abs() < 1e-11 * expected + 1e-24, "{found:?} {least:?}");
        assert!((found.norm * unit / least.norm - 1.0).abs() < 1e-11, "{found:?}");
    }
    for point in curves(&(&x / unit), f64::MAX) {
        assert_eq!((point.norm, point.engine), (0.0, Engine::Nested));
        let mean = y.iter().take(point.n).map(|y| y * y).sum::<f64>() / point.n as f64;
        assert!((point.train_mse / mean - 1.0).abs() < 1e-13, "{point:?}");
    }
}

/// If the data can nearly be interpolated, the training error is λ times a well-defined factor, and accurate to all
/// digits on both axes.
#[test]
fn small_training_errors_have_their_digits() {
    let x = array![[3.0, 1.0, 0.3, 0.7]];
    let square = x.mapv(|v: f64| v * v).sum();
    for lambda in [1e-4, 1e-8, 1e-12, 1e-14] {
        let expected = (lambda * 1.1 / (square + lambda)).powi(2);
        let mut rows = Rows::new(4, 1, Test::None).unwrap().with_ridge(lambda).unwrap();
        let by_rows = rows.push(&x.row(0), &array![1.1]).unwrap();
        let mut columns = Columns::new(&array![[1.1]], Test::None).unwrap().with_ridge(lambda).unwrap();
        let by_columns = columns.extend(&x).unwrap()[3];
        for point in [by_rows, by_columns] {
            assert!((point.train_mse / expected - 1.0).abs() < 1e-14, "{lambda:e} {point:?} {expected:e}");
        }
    }
}

/// `Xᵀ y / λ` if its square underflows.
#[test]
fn fits_of_huge_penalties_have_norms() {
    let (x, y) = (normal(80, 12, 4), normal(81, 12, 1));
    for lambda in [1e155, 1e200, 1e300] {
        let expected = x.t().dot(&y).mapv(|v| v * v).sum().sqrt() / lambda;
        let mut rows = Rows::new(4, 1, Test::None).unwrap().with_ridge(lambda).unwrap();
        let by_rows = *rows.extend(&x, &y).unwrap().last().unwrap();
        let mut columns = Columns::new(&y, Test::None).unwrap().with_ridge(lambda).unwrap();
        let by_columns = *columns.extend(&x).unwrap().last().unwrap();
        for point in [by_rows, by_columns] {
            assert!((point.norm / expected - 1.0).abs() < 1e-13, "{lambda:e} {point:?} {expected:e}");
        }
    }
}
