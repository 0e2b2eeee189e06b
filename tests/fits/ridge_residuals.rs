//! Residuals under a weak penalty, accurate to all digits, against 512-bit arithmetic; and filters with invalid gains.

use crate::common::exact::ExactRidge;
use crate::common::matrices::normal;
use double_descent::complexity::{LinearModel, Procedure};
use double_descent::curve::Metric;
use double_descent::dataset::Dataset;
use double_descent::factors::Factors;
use double_descent::features::Coordinates;
use double_descent::filter::{MinNorm, Ridge, SpectralFilter, Spectrum};
use double_descent::nested::{Columns, Plane, Point, Request, Rows, Test};
use double_descent::risk::Compressed;
use double_descent::svd::Svd;
use double_descent::sweep::{Arm, Sweep};
use double_descent::teacher::Teacher;
use double_descent::{Ablation, Error};
use ndarray::{Array2, ArrayView2, Axis, array, s};
use std::sync::Arc;

const WEAK: [f64; 5] = [1e-4, 1e-10, 1e-16, 1e-40, 1e-60];

fn close(found: f64, expected: f64, within: f64, what: &str) {
    assert!((found / expected - 1.0).abs() < within, "{what}: {found:e}, not {expected:e}");
}

fn model(features: usize, lambda: f64) -> LinearModel {
    LinearModel::new(Arc::new(Coordinates::new(features)), features, Arc::new(Ridge::new(lambda).unwrap()))
}

/// For X = (1, 1)ᵀ and y = X, everything that reports a residual gives `λ / (2 + λ)`.
#[test]
fn two_equal_rows() {
    let x = array![[1.0], [1.0]];
    let population = Compressed::population(&array![[1.0]], &array![[1.0]]).unwrap();
    for lambda in WEAK.into_iter().chain([1e-150]) {
        let left = lambda / (2.0 + lambda);
        let teacher = Teacher::known(array![[1.0]], &x, &x).unwrap();
        let svd = Svd::new(&x).unwrap();
        let ridge = Ridge::new(lambda).unwrap();
        let factors = Factors::new(&svd, &ridge, &teacher, &array![[3.0]]).unwrap();
        close(factors.bias_part()[[0, 0]], 3.0 * left, 1e-14, "bias");
        close(factors.error()[[0, 0]], -3.0 * left, 1e-14, "error");
        close(model(1, lambda).training_error(&x, &x).unwrap(), left * left, 1e-14, "training error");
        let mut rows = Rows::new(1, 1, Test::Rows(&population)).unwrap().with_ridge(lambda).unwrap();
        let by_rows = rows.extend(&x, &x).unwrap()[1];
        let mut columns = Columns::new(&x, Test::Rows(&population)).unwrap().with_ridge(lambda).unwrap();
        let by_columns = columns.extend(&x).unwrap()[0];
        for point in [by_rows, by_columns] {
            close(point.test_mse.unwrap(), left * left, 1e-13, "population");
            close(point.train_mse, left * left, 1e-13, "nested training error");
        }
    }
}

/// `λ / (σ² + λ)` and `σ / (σ² + λ)` for numbers whose squares overflow or underflow.
#[test]
fn filters_of_extreme_numbers() {
    for (sigma, lambda, gain, left) in [
        (1e-100, 1e220, 1e-320, 1.0),
        (1e200, 1e-320, 1e-200, 0.0),
        (1e200, 1e300, 1e-200, 1e-100),
        (1e-200, 1e-300, 1e100, 1.0),
        (1e-200, 1.0, 1e-200, 1.0),
        (1e150, 1e-4, 1e-150, 1e-304),
        (1e160, 1e20, 1e-160, 1e-300),
        (0.0, 1e-320, 0.0, 1.0),
        (1e-300, 1e300, 0.0, 1.0),
        (1e100, 1e200, 5e-101, 0.5),
    ] {
        let ridge = Ridge::new(lambda).unwrap();
        let sigma = [sigma];
        let spectrum = Spectrum::new(1, 1, &sigma);
        let gains = ridge.gains(spectrum).to_vec();
        let mut residuals = [f64::NAN];
        ridge.write_residuals(spectrum, &gains, &mut residuals);
        // 1e-320 is 2024 times the smallest positive number.
        assert!((gains[0] - gain).abs() <= 4e-16 * gain + 1e-323, "{sigma:?} {lambda:e}: {gains:?}");
        assert!((residuals[0] - left).abs() <= 1e-15 * left, "{sigma:?} {lambda:e}: {residuals:?}");
    }
}

/// Training errors are exact for the given numbers, if the targets lie in the span of the features (exactly or up to
/// rounding) and if they do not.
#[test]
fn training_errors_are_exact() {
    let x = normal(9, 4, 900);
    let beta = array![[1.0], [-2.0], [0.5], [3.0]];
    // Few significant bits, so that X β* is exact.
    let round = x.mapv(|v| (v * 64.0).round() / 64.0);
    let noisy = x.dot(&beta) + normal(9, 1, 901);
    for (name, x, y) in
        [("exact", &round, round.dot(&beta)), ("rounded", &x, x.dot(&beta)), ("noisy", &x, noisy.clone())]
    {
        for lambda in WEAK {
            let exact = ExactRidge::new(x.view(), y.view(), x.view(), y.view(), lambda);
            let found = model(4, lambda).training_error(x, &y).unwrap();
            close(found, exact.train_mse, 1e-12, &format!("{name}, λ = {lambda:e}"));
        }
    }
    // Fewer rows than features: nothing is subtracted.
    let (wide, y) = (normal(5, 8, 902), normal(5, 1, 903));
    for lambda in [1e-4, 1e-10, 1e-16, 1e-40] {
        let exact = ExactRidge::new(wide.view(), y.view(), wide.view(), y.view(), lambda);
        let found = model(8, lambda).training_error(&wide, &y).unwrap();
        close(found, exact.train_mse, 1e-12, &format!("wide, λ = {lambda:e}"));
        let plane = Plane::new(&[5], &[8]).unwrap();
        let ridge = Ridge::new(lambda).unwrap();
        let fits = plane.fits(&wide, &y, &[Request { estimator: &ridge, outputs: 0..1 }]).unwrap();
        close(fits[0].train_mse[0], exact.train_mse, 1e-12, &format!("plane, λ = {lambda:e}"));
    }
}

/// The bias from factors and from a sweep, on any table.
#[test]
fn biases_are_exact() {
    let x = normal(40, 4, 904).mapv(|v| (v * 64.0).round() / 64.0);
    let beta = array![[1.0], [-2.0], [0.5], [3.0]];
    let y = x.dot(&beta);
    let data = Dataset::new("exact", x.clone(), y.clone()).unwrap();
    for lambda in [1e-4, 1e-10, 1e-16, 1e-40] {
        let ridge = Ridge::new(lambda).unwrap();
        let mut sweep = Sweep::new(data.clone(), [7, 38], 1, 5);
        let weak = Arm::new("weak", None, Arc::new(ridge));
        let mut without = weak.clone();
        without.name = "without".into();
        without.ablation = Ablation::none().no_residuals();
        sweep.arms = vec![weak, without];
        sweep.metrics = vec![Metric::TrainMse, Metric::TestMse, Metric::MeanSquaredBias];
        let curve = sweep.run().unwrap();
        let order = &sweep.splits.orders(40, 40).unwrap()[0];
        for n in [7, 38] {
            let [train, test] =
                [&order[..n], &order[n..]].map(|rows| (x.select(Axis(0), rows), y.select(Axis(0), rows)));
            let exact = ExactRidge::new(train.0.view(), train.1.view(), test.0.view(), test.1.view(), lambda);
            let teacher = Teacher::known(beta.clone(), &train.0, &train.1).unwrap();
            let factors = Factors::new(&Svd::new(&train.0).unwrap(), &ridge, &teacher, &test.0).unwrap();
            for (found, expected) in factors.error().iter().zip(&exact.errors) {
                let off = (found - expected).abs() / exact.test_mse.sqrt();
                assert!(off < 1e-12, "λ = {lambda:e}: {found:e}, not {expected:e}");
            }
            for cell in curve.cells.iter().filter(|cell| cell.n == n) {
                // The table is compressed, so sums over 38 of 40 rows are subtracted from those over all.
                let what = format!("n = {n}, arm {}, λ = {lambda:e}", cell.arm);
                close(cell.mean_squared_bias.unwrap(), exact.test_mse, 1e-12, &what);
                if cell.arm == 1 {
                    close(cell.test_mse.unwrap(), exact.test_mse, 1e-12, &what);
                    close(cell.train_mse.unwrap(), exact.train_mse, 1e-12, &what);
                }
            }
        }
    }
}

/// The bias on a population at every point of both axes, for targets `X β*` as computed in floating point.
#[test]
fn the_bias_on_a_population_is_exact() {
    let (rows, p) = (9, 4);
    let x = normal(rows, p, 905);
    let root = normal(p, p, 906);
    let covariance = root.t().dot(&root);
    let beta = normal(p, 2, 907);
    let y = x.dot(&beta);
    let population = Compressed::population(&covariance, &beta).unwrap();
    for lambda in [1e-4, 1e-10, 1e-16, 1e-30] {
        let exact = |x: ArrayView2<'_, f64>, y: ArrayView2<'_, f64>| {
            let p = x.ncols();
            // ‖S (β̂ − β*)‖² with the rows of the root as test rows. With k outputs the mean is over p k, and the
            // expectation over k.
            let mut padded = Array2::zeros((x.nrows(), covariance.ncols()));
            padded.slice_mut(s![.., ..p]).assign(&x);
            ExactRidge::excess(padded.view(), y, covariance.view(), beta.view(), lambda)
        };
        let mut engine = Rows::new(p, 2, Test::Rows(&population)).unwrap().with_ridge(lambda).unwrap();
        for point in engine.extend(&x, &y).unwrap() {
            let expected = exact(x.slice(s![..point.n, ..]), y.slice(s![..point.n, ..]));
            close(point.test_mse.unwrap(), expected, 1e-12, &format!("{point:?}, λ = {lambda:e}"));
        }
        let mut engine = Columns::new(&y, Test::Rows(&population)).unwrap().with_ridge(lambda).unwrap();
        for point in engine.extend(&x).unwrap() {
            let expected = exact(x.slice(s![.., ..point.p]), y.view());
            close(point.test_mse.unwrap(), expected, 1e-12, &format!("{point:?}, λ = {lambda:e}"));
        }
    }
}

/// Features of scale 1e8 and 1e-8: ridge keeps both in both engines, as far as λ allows.
#[test]
fn no_direction_is_dropped() {
    let (n, p) = (12, 4);
    let unit = [1e8, 1e-8, 1e8, 1e-8];
    let graded = Array2::from_shape_fn((n, p), |(i, j)| normal(n, p, 910)[[i, j]] * unit[j]);
    let beta = array![[1e-8], [1e8], [-2e-8], [3e7]];
    let test = Array2::from_shape_fn((5, p), |(i, j)| normal(5, p, 911)[[i, j]] * unit[j]);
    let (y, ty) = (graded.dot(&beta) + 0.1 * normal(n, 1, 912), test.dot(&beta));
    let table = Compressed::new(&test, &ty).unwrap();
    for lambda in [1e-24, 1e-18, 1e-16, 1e-4, 1e10] {
        let check =
            |point: &Point, x: ArrayView2<'_, f64>, y: ArrayView2<'_, f64>, tx: ArrayView2<'_, f64>| {
                let exact = ExactRidge::new(x, y, tx, ty.view(), lambda);
                let what = format!("λ = {lambda:e}: {point:?}");
                // After rescaling each feature, κ is below 1e3 here; targets are of order 1.
                let bound = 1e-10;
                assert!(
                    (point.train_mse.sqrt() - exact.train_mse.sqrt()).abs() < bound,
                    "{what} {}",
                    exact.train_mse
                );
                let off = (point.test_mse.unwrap().sqrt() - exact.test_mse.sqrt()).abs();
                assert!(off < bound * (1.0 + exact.test_mse.sqrt()), "{what} {}", exact.test_mse);
                close(point.norm, exact.norm, 1e-8, &what);
            };
        let mut rows = Rows::new(p, 1, Test::Rows(&table)).unwrap().with_ridge(lambda).unwrap();
        for (i, point) in rows.clone().extend(&graded, &y).unwrap().iter().enumerate() {
            let single = rows.push(&graded.row(i), &y.row(i)).unwrap();
            for point in [point, &single] {
                check(point, graded.slice(s![..=i, ..]), y.slice(s![..=i, ..]), test.view());
            }
            let norm = rows.coefficients().unwrap().iter().fold(0.0, |norm: f64, b| norm.hypot(*b));
            close(norm, single.norm, 1e-12, "coefficients");
        }
        let mut columns = Columns::new(&y, Test::Rows(&table)).unwrap().with_ridge(lambda).unwrap();
        for (j, point) in columns.extend(&graded).unwrap().iter().enumerate() {
            check(point, graded.slice(s![.., ..=j]), y.view(), test.slice(s![.., ..=j]));
        }
        // Rows of different scales, used as columns.
        let (wide, short) = (graded.t(), normal(p, 1, 913));
        let mut columns = Columns::new(&short, Test::None).unwrap().with_ridge(lambda).unwrap();
        for (j, point) in columns.extend(&wide).unwrap().iter().enumerate() {
            let x = wide.slice(s![.., ..=j]);
            let exact = ExactRidge::new(x, short.view(), x, short.view(), lambda);
            let what = format!("λ = {lambda:e}: {point:?}");
            assert!(
                (point.train_mse.sqrt() - exact.train_mse.sqrt()).abs() < 1e-10,
                "{what} {}",
                exact.train_mse
            );
            close(point.norm, exact.norm, 1e-8, &what);
        }
    }
}

/// A default sweep gives the results of its SVDs.
#[test]
fn a_sweep_drops_no_direction() {
    let unit = [1e8, 1e-8];
    let x = Array2::from_shape_fn((60, 2), |(i, j)| normal(60, 2, 914)[[i, j]] * unit[j]);
    let y = x.dot(&array![[1e-8], [1e8]]) + 0.1 * normal(60, 1, 915);
    let mut sweep =
        Sweep::new(Dataset::new("graded", x.clone(), y.clone()).unwrap(), [1, 2, 3, 10, 30], 3, 0);
    sweep.arms = vec![Arm::new("weak", None, Arc::new(Ridge::new(1e-24).unwrap()))];
    sweep.metrics = vec![Metric::TrainMse, Metric::TestMse];
    let curve = sweep.run().unwrap();
    let orders = sweep.splits.orders(60, 60).unwrap();
    assert_eq!(curve.cells.len(), 15);
    for cell in &curve.cells {
        let (train, test) = orders[cell.repeat].split_at(cell.n);
        let rows = |table: &Array2<f64>, rows: &[usize]| table.select(Axis(0), rows);
        let ([x, tx], [y, ty]) = ([train, test].map(|r| rows(&x, r)), [train, test].map(|r| rows(&y, r)));
        let exact = ExactRidge::new(x.view(), y.view(), tx.view(), ty.view(), 1e-24);
        assert!((cell.train_mse.unwrap() - exact.train_mse).abs() < 1e-12, "{cell:?} {}", exact.train_mse);
        close(cell.test_mse.unwrap(), exact.test_mse, 1e-9, &format!("{cell:?}"));
    }
}

/// σ² / λ underflows: the fit is 0, with the training error of 0.
#[test]
fn penalties_beyond_all_numbers() {
    let mut rows = Rows::new(1, 1, Test::None).unwrap().with_ridge(1e220).unwrap();
    assert_eq!(rows.push(&array![1e-100], &array![2.0]).unwrap().train_mse, 4.0);
    let mut columns = Columns::new(&array![[2.0]], Test::None).unwrap().with_ridge(1e220).unwrap();
    close(columns.push(&array![1e-100]).unwrap().train_mse, 4.0, 1e-14, "columns");
    let error = model(1, 1e220).training_error(&array![[1e-100]], &array![[2.0]]).unwrap();
    close(error, 4.0, 1e-14, "model");
}

/// A filter with constant gains, constant residual factors and a penalty; it panics if the gain is 9.
#[derive(Debug)]
struct Broken {
    gain: f64,
    residual: f64,
    penalty: Option<f64>,
}

impl SpectralFilter for Broken {
    fn write_gains(&self, _: Spectrum<'_>, gains: &mut [f64]) {
        assert!(self.gain != 9.0, "no gain of 9");
        gains.fill(self.gain);
    }

    fn write_residuals(&self, _: Spectrum<'_>, _: &[f64], residuals: &mut [f64]) {
        residuals.fill(self.residual);
    }

    fn penalty(&self) -> Option<f64> {
        self.penalty
    }

    fn describe(&self) -> String {
        "a broken\nfilter".repeat(100)
    }
}

/// Everything that calls a filter reports what is wrong with it, by name.
#[test]
fn filters_that_give_no_answer() {
    let (x, y) = (normal(9, 3, 920), normal(9, 1, 921));
    let fine = || Broken { gain: 0.5, residual: 0.5, penalty: None };
    let cases = [
        (Broken { gain: 9.0, ..fine() }, "no gain of 9"),
        (Broken { gain: f64::NAN, ..fine() }, "gain"),
        (Broken { gain: f64::INFINITY, ..fine() }, "gain"),
        (Broken { residual: f64::NAN, ..fine() }, "residual factor"),
        (Broken { penalty: Some(-1.0), ..fine() }, "penalty is -1"),
        (Broken { penalty: Some(f64::NAN), ..fine() }, "penalty is NaN"),
        (Broken { penalty: Some(f64::INFINITY), ..fine() }, "penalty is inf"),
    ];
    for (filter, why) in cases {
        let svd = Svd::new(&x).unwrap();
        let teacher = Teacher::known(Array2::ones((3, 1)), &x, &y).unwrap();
        let check = |error: Error| {
            assert!(matches!(error, Error::UserCode { .. }), "{error}");
            let text = error.to_string();
            assert!(text.contains("a broken\\nfilter") && text.contains(why) && text.len() < 400, "{text}");
        };
        check(svd.solve(&y, &filter).unwrap_err());
        check(Factors::new(&svd, &filter, &teacher, &x).unwrap_err());
        let plane = Plane::new(&[9], &[3]).unwrap();
        check(plane.fits(&x, &y, &[Request { estimator: &filter, outputs: 0..1 }]).unwrap_err());
        let filter: Arc<dyn SpectralFilter> = Arc::new(filter);
        let model = LinearModel::new(Arc::new(Coordinates::new(3)), 3, filter.clone());
        check(model.training_error(&x, &y).unwrap_err());
        assert!(matches!(model.training_errors(&x, &y).unwrap_err(), Error::UserCode { .. }));
        for metrics in [vec![Metric::TestMse], vec![Metric::TestMse, Metric::MeanSquaredBias]] {
            let mut sweep = Sweep::new(Dataset::new("table", x.clone(), y.clone()).unwrap(), [5], 1, 0);
            sweep.arms = vec![Arm::new("broken", None, filter.clone())];
            sweep.metrics = metrics;
            // Its only cell failed, so there is nothing to return.
            check(sweep.run().unwrap_err());
        }
    }
    // A valid filter is accepted.
    assert!(Svd::new(&x).unwrap().solve(&y, &fine()).is_ok());
}

/// A filter defined only by its gains: residual factors are differences, and those at rounding level are 0.
#[test]
fn residual_factors_by_default() {
    #[derive(Debug)]
    struct Half(Option<f64>);
    impl SpectralFilter for Half {
        fn write_gains(&self, spectrum: Spectrum<'_>, gains: &mut [f64]) {
            for (gain, s) in gains.iter_mut().zip(spectrum.singular_values()) {
                *gain = if *s > 2.5 { s.recip() } else { 0.5 / s };
            }
        }

        fn penalty(&self) -> Option<f64> {
            self.0
        }
    }
    let sigma = [49.0, 3.0, 2.0];
    let spectrum = Spectrum::new(3, 3, &sigma);
    let residuals = |filter: &dyn SpectralFilter| {
        let mut residuals = [f64::NAN; 3];
        filter.write_residuals(spectrum, filter.gains(spectrum).as_slice().unwrap(), &mut residuals);
        residuals
    };
    // 49 · (1/49) is not 1.
    assert_eq!(residuals(&Half(None)), [0.0, 0.0, 0.5]);
    assert_eq!(residuals(&MinNorm::default()), [0.0; 3]);
    // With a penalty, they are those of ridge.
    close(residuals(&Half(Some(1e-20)))[2], 1e-20 / 4.0, 1e-15, "ridge");
}
