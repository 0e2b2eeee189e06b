//! The n × p plane from two factorisations, against a separate SVD for every cell.

use crate::common::features::{KINDS, features, normal};
use crate::common::fits::{C, by_filter};
use double_descent::Error;
use double_descent::curve::Metric;
use double_descent::dataset::Dataset;
use double_descent::features::{Coordinates, FeatureMap, RandomFourier};
use double_descent::filter::{MinNorm, Ridge, SpectralFilter};
use double_descent::nested::{Engine, Plane, PlaneFit, Request};
use double_descent::sweep::{Arm, Maps, Splits, Sweep};
use ndarray::{Array2, ArrayView2, s};
use std::ops::{ControlFlow, Range};
use std::sync::{Arc, LazyLock};

/// The largest c over all cells in "coefficients have an error of c κ ε", for each request.
pub fn worst(fits: &[PlaneFit], x: &Array2<f64>, y: &Array2<f64>, requests: &[Request<'_>]) -> f64 {
    let mut worst = 0.0f64;
    for fit in fits {
        let part = x.slice(s![..fit.n, ..fit.p]);
        for (request, found) in requests.iter().zip(&fit.coefficients) {
            let targets = y.slice(s![..fit.n, request.outputs.clone()]);
            let expected = by_filter(part, targets, part, &targets.to_owned(), request.estimator);
            assert_eq!(fit.rank, expected.rank, "n = {}, p = {}", fit.n, fit.p);
            let off =
                (found - &expected.beta).mapv(|v| v * v).sum().sqrt() / (expected.norm + expected.reach);
            worst = worst.max(off / (expected.condition * f64::EPSILON));
        }
    }
    worst
}

pub fn min_norm(outputs: Range<usize>) -> Request<'static> {
    static MIN_NORM: LazyLock<MinNorm> = LazyLock::new(MinNorm::default);
    Request { estimator: &*MIN_NORM, outputs }
}

#[test]
fn every_cell_is_that_of_its_svd() {
    let (samples, columns) = ([1, 2, 7, 20, 21, 40, 90], [1, 3, 19, 20, 21, 39, 40, 41, 66, 95]);
    for kind in KINDS {
        let (x, y) = (features(kind, 90, 95), normal(3, 90, 2));
        let plane = Plane::new(&samples, &columns).unwrap();
        let requests = [min_norm(0..2)];
        let fits = plane.fits(&x, &y, &requests).unwrap();
        assert_eq!(fits.len(), samples.len() * columns.len());
        let c = worst(&fits, &x, &y, &requests);
        println!("{kind}: c = {c:.2}");
        assert!(c < C, "{kind}: c = {c}");
    }
}

#[test]
fn blocks_wider_than_panels_change_nothing() {
    let (x, y) = (features("gaussian", 230, 310), normal(4, 230, 1));
    let requests = [min_norm(0..1)];
    let many = Plane::new(&[30, 100, 170, 230], &[20, 100, 150, 231, 310]).unwrap();
    let fits = many.fits(&x, &y, &requests).unwrap();
    let c = worst(&fits, &x, &y, &requests);
    assert!(c < C, "c = {c}");
    for fit in &fits {
        let alone = Plane::new(&[fit.n], &[fit.p]).unwrap().fits(&x, &y, &requests).unwrap().remove(0);
        let off = (&alone.coefficients[0] - &fit.coefficients[0]).mapv(|v| v * v).sum().sqrt();
        let size = fit.coefficients[0].mapv(|v| v * v).sum().sqrt();
        // Both have errors below C κ ε, and κ < 1e4 in all of these cells.
        assert!(off <= 2.0 * C * 1e4 * f64::EPSILON * size, "n = {}, p = {}: {off:e}", fit.n, fit.p);
    }
}

/// Blocks of hundreds of rows are reduced a few columns at a time.
#[test]
fn blocks_of_many_rows() {
    let (x, y) = (features("gaussian", 900, 950), normal(4, 900, 1));
    let requests = [min_norm(0..1)];
    let plane = Plane::new(&[40, 900], &[30, 300, 950]).unwrap();
    let c = worst(&plane.fits(&x, &y, &requests).unwrap(), &x, &y, &requests);
    assert!(c < C, "c = {c}");
}

#[test]
fn any_memory_order_and_any_map() {
    let (inputs, y) = (features("gaussian", 25, 3), normal(9, 25, 2));
    let map = RandomFourier::gaussian(3, 60, 0.5, 4).unwrap();
    let x = map.design(&inputs, 60).unwrap();
    let plane = Plane::new(&[10, 25], &[8, 25, 26, 40, 60]).unwrap();
    let requests = [min_norm(0..2)];
    let fits = plane.fits(&x, &y, &requests).unwrap();
    assert!(worst(&fits, &x, &y, &requests) < C);
    let by_columns = |table: &Array2<f64>| table.t().as_standard_layout().into_owned().reversed_axes();
    assert_eq!(plane.fits(&by_columns(&x), &by_columns(&y), &requests).unwrap(), fits);
    // The same features made by the map, in blocks.
    let made = plane.fits_of_map(&map, &by_columns(&inputs), &by_columns(&y), &requests).unwrap();
    assert!(worst(&made, &x, &y, &requests) < C);
}

#[test]
fn dependent_rows_and_columns_go_to_the_svd() {
    let mut x = features("gaussian", 12, 14);
    x.row_mut(4).fill(0.0);
    let twice = x.row(1).to_owned();
    x.row_mut(7).assign(&twice);
    let column = x.column(2).to_owned();
    x.column_mut(5).assign(&(column * -3.0));
    x.column_mut(0).fill(0.0);
    let y = normal(5, 12, 2);
    let requests = [min_norm(0..2)];
    let all: (Vec<usize>, Vec<usize>) = ((1..=12).collect(), (1..=14).collect());
    let fits = Plane::new(&all.0, &all.1).unwrap().fits(&x, &y, &requests).unwrap();
    let c = worst(&fits, &x, &y, &requests);
    assert!(c < C, "c = {c}");
    assert!(
        fits.iter().any(|fit| fit.engine == Engine::Svd)
            && fits.iter().any(|fit| fit.engine == Engine::Nested)
    );
    for fit in &fits {
        let part = x.slice(s![..fit.n, ..fit.p]);
        let errors = part.dot(&fit.coefficients[0]) - y.slice(s![..fit.n, ..]);
        let mean = errors.mapv(|e| e * e).mean().unwrap();
        assert!((fit.train_mse[0] - mean).abs() < 1e-12, "n = {}, p = {}", fit.n, fit.p);
    }
}

#[test]
fn other_estimators_and_outputs_of_their_own() {
    let (x, y) = (features("gaussian", 30, 40), normal(6, 30, 3));
    let (weak, strong) = (Ridge::new(1e-3).unwrap(), Ridge::new(20.0).unwrap());
    let requests = [
        min_norm(1..3),
        Request { estimator: &weak as &dyn SpectralFilter, outputs: 0..1 },
        Request { estimator: &strong, outputs: 0..3 },
    ];
    let fits = Plane::new(&[5, 20, 30], &[4, 20, 33, 40]).unwrap().fits(&x, &y, &requests).unwrap();
    let c = worst(&fits, &x, &y, &requests);
    assert!(c < C, "c = {c}");
    assert!(fits.iter().all(|fit| fit.engine == Engine::Nested), "the minimum norm needed no SVD");
}

#[test]
fn singular_values_norms_and_scales() {
    let (x, y) = (features("gaussian", 40, 50), normal(7, 40, 1));
    let plane = Plane::new(&[10, 30, 40], &[10, 29, 50]).unwrap().with_smallest_singular_value();
    let requests = [min_norm(0..1)];
    let fits = plane.fits(&x, &y, &requests).unwrap();
    for fit in &fits {
        let part = x.slice(s![..fit.n, ..fit.p]);
        let svd = double_descent::svd::Svd::new(&part).unwrap();
        let (found, expected) = (fit.smallest_singular_value.unwrap(), svd.smallest_nonzero().unwrap());
        let kappa = svd.singular_values()[0] / expected;
        assert!((found / expected - 1.0).abs() < 1e-11 + C * kappa * f64::EPSILON, "{found}, {expected}");
    }
    // Scaling by powers of two is exact.
    for (a, b) in [(1e150f64, 1e-150f64), (1e-200, 1e90), (1e-290, 1.0)].map(|(a, b)| (pow2(a), pow2(b))) {
        let scaled = plane.fits(&(&x * a), &(&y * b), &requests);
        let scaled = scaled.unwrap_or_else(|e| panic!("{a:e}, {b:e}: {e}"));
        for (fit, other) in fits.iter().zip(&scaled) {
            assert_eq!(&fit.coefficients[0] * (b / a), other.coefficients[0], "{a:e}, {b:e}");
        }
    }
}

/// Rounds `x` down to a power of two.
fn pow2(x: f64) -> f64 {
    f64::from_bits(x.to_bits() & 0x7ff0_0000_0000_0000)
}

/// Data outside a cell do not affect it: solves `[2, 0; 0, 4] β = [2, 8]` next to rows and columns of any size.
#[test]
fn cells_are_not_small_beside_what_they_lack() {
    let requests = [min_norm(0..1)];
    for huge in [2e307, 1e200, 1e120] {
        let mut x = Array2::from_elem((5, 6), huge);
        x.slice_mut(s![..2, ..2]).assign(&ndarray::array![[2.0, 0.0], [0.0, 4.0]]);
        for (small, factor) in [(1.0, 1.0), (1e-150f64, 1.0), (1e-300, 1e-300), (1.0, 1e-300)] {
            let (small, factor) = (pow2(small), pow2(factor));
            let mut x = x.clone();
            x.slice_mut(s![..2, ..2]).mapv_inplace(|v| v * small);
            // The other rows have targets of any size whose squares do not overflow.
            let most = huge.min(1e150);
            let y = ndarray::array![[2.0 * factor], [8.0 * factor], [most], [1.0], [most]];
            let check = |fits: &[PlaneFit], n, p, rank, beta: &[f64], train: f64| {
                let fit = fits.iter().find(|fit| (fit.n, fit.p) == (n, p)).unwrap();
                let what = format!("{huge:e}, {small:e}, {factor:e}: {fit:?}");
                assert_eq!(fit.rank, rank, "{what}");
                for (found, expected) in fit.coefficients[0].iter().zip(beta) {
                    let expected = expected * (factor / small);
                    assert!((found - expected).abs() <= 4.0 * f64::EPSILON * expected.abs(), "{what}");
                }
                let train = train * factor * factor;
                assert!((fit.train_mse[0] - train).abs() <= 8.0 * f64::EPSILON * train, "{what}");
            };
            // One cell with p ≤ n, one with p > n, and cells that include the large ones.
            for (samples, columns) in
                [(vec![1, 2], vec![1, 2]), (vec![1, 2, 5], vec![1, 2]), (vec![1, 2], vec![1, 2, 6])]
            {
                let plane = Plane::new(&samples, &columns).unwrap();
                let fits = plane.fits(&x, &y, &requests).unwrap_or_else(|error| {
                    panic!("{huge:e}, {small:e}, {factor:e}, {samples:?}, {columns:?}: {error}")
                });
                assert_eq!(fits.len(), samples.len() * columns.len());
                check(&fits, 1, 1, 1, &[1.0], 0.0);
                check(&fits, 1, 2, 1, &[1.0, 0.0], 0.0);
                check(&fits, 2, 1, 1, &[1.0], 32.0);
                check(&fits, 2, 2, 2, &[1.0, 2.0], 0.0);
            }
        }
    }
}

/// The same for features of a map.
#[test]
fn cells_of_a_map_are_not_small_beside_later_blocks() {
    let inputs = ndarray::array![[2.0, 0.0, 1e300, 1e300], [0.0, 4.0, 1e300, -1e300]];
    let y = ndarray::array![[2.0], [8.0]];
    let plane = Plane::new(&[1, 2], &[1, 2, 4]).unwrap();
    let fits = plane.fits_of_map(&Coordinates::new(4), &inputs, &y, &[min_norm(0..1)]).unwrap();
    assert_eq!(fits.len(), 6);
    let square = fits.iter().find(|fit| (fit.n, fit.p) == (2, 2)).unwrap();
    assert_eq!(square.coefficients[0], ndarray::array![[1.0], [2.0]]);
    // Columns of 1e300 determine the minimum-norm fit: 1e300 (a + b) = 2, 1e300 (a − b) = 8.
    let wide = fits.iter().find(|fit| (fit.n, fit.p) == (2, 4)).unwrap();
    for (found, expected) in wide.coefficients[0].iter().skip(2).zip([5e-300, -3e-300]) {
        assert!((found / expected - 1.0).abs() < 1e-14, "{wide:?}");
    }
}

/// A length whose reciprocal overflows counts as zero.
#[test]
fn subnormal_columns() {
    let tiny = 5e-324;
    let x = ndarray::array![[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [1.0, tiny, 0.0], [0.0, tiny, 1.0]];
    let y = ndarray::array![[1.0], [2.0], [3.0], [4.0]];
    let fits = Plane::new(&[2, 4], &[1, 2, 3]).unwrap().fits(&x, &y, &[min_norm(0..1)]).unwrap();
    let last = fits.last().unwrap();
    assert_eq!((last.n, last.p, last.rank), (4, 3, 2));
    for (found, expected) in last.coefficients[0].iter().zip([2.0, 0.0, 3.0]) {
        assert!((found - expected).abs() < 1e-14, "{last:?}");
    }
}

#[test]
fn bad_input_is_named() {
    let (x, y) = (features("gaussian", 6, 5), normal(8, 6, 1));
    assert!(matches!(Plane::new(&[], &[1]), Err(Error::Empty { .. })));
    assert!(matches!(Plane::new(&[1, 0], &[1]), Err(Error::Domain { .. })));
    assert!(matches!(Plane::new(&[2], &[3, 3]), Err(Error::Domain { .. })));
    let plane = Plane::new(&[2, 7], &[2]).unwrap();
    assert!(matches!(plane.fits(&x, &y, &[min_norm(0..1)]), Err(Error::Shape { expected: 7, found: 6, .. })));
    let plane = Plane::new(&[2], &[2, 6]).unwrap();
    assert!(matches!(plane.fits(&x, &y, &[min_norm(0..1)]), Err(Error::Shape { expected: 6, found: 5, .. })));
    let plane = Plane::new(&[2], &[2]).unwrap();
    assert!(matches!(plane.fits(&x, &y, &[]), Err(Error::Empty { .. })));
    assert!(matches!(plane.fits(&x, &y, &[min_norm(0..0)]), Err(Error::Empty { .. })));
    assert!(matches!(plane.fits(&x, &y, &[min_norm(0..2)]), Err(Error::Shape { .. })));
    let mut broken = x.clone();
    broken[[3, 1]] = f64::NAN;
    assert!(matches!(
        plane.fits(&broken, &y, &[min_norm(0..1)]),
        Err(Error::NonFinite { row: 3, column: 1, .. })
    ));
    let zero = plane.fits(&Array2::zeros((6, 5)), &y, &[min_norm(0..1)]).unwrap();
    assert_eq!((zero[0].rank, zero[0].coefficients[0].sum()), (0, 0.0));
}

fn part(all: &Dataset, rows: Range<usize>) -> Dataset {
    let take = |table: &Array2<f64>| table.slice(s![rows.clone(), ..]).to_owned();
    Dataset::new("diabetes", take(all.features()), take(all.targets())).unwrap()
}

fn sweep(repeats: usize) -> Sweep {
    let all = Dataset::diabetes();
    let (train, test) = (part(&all, 0..300), part(&all, 300..442));
    let mut sweep = Sweep::plane(train, test, Maps::same(Coordinates::new(10)), repeats, 5);
    (sweep.samples, sweep.features) = (vec![4, 8, 40], (1..=10).collect());
    sweep
}

#[test]
fn a_sweep_is_the_same_on_any_number_of_threads() {
    let run = |threads| Sweep { threads, ..sweep(6) }.surface().unwrap();
    let one = run(Some(1));
    assert_eq!(one.cells().cells.len(), 6 * 3 * 10);
    for threads in [Some(2), Some(5), None] {
        assert_eq!(run(threads), one);
    }
    let stopped = sweep(6).surface_with(&|_: usize, _: usize| ControlFlow::Break(())).unwrap();
    assert!(!stopped.cells().complete);
}

#[test]
fn cells_of_a_sweep_are_fits_on_its_rows() {
    let mut sweep = sweep(2);
    let (train, test) = (sweep.source.train().unwrap().clone(), sweep.source.test().unwrap().clone());
    let noisy = train.targets().mapv(|v| 200.0 - v);
    let tests = test.targets() * 2.0;
    sweep.arms = vec![
        Arm::min_norm(),
        Arm::new("label_noise", None, Arc::new(MinNorm::default())).trained_on(Some(0.5), noisy.clone()),
        Arm::new("other_test", None, Arc::new(Ridge::new(0.01).unwrap())).tested_on(tests.clone()),
    ];
    let surface = sweep.surface().unwrap();
    let orders = Splits::Drawn { repeats: 2, seed: 5 }.orders(300, 40).unwrap();
    for cell in &surface.cells().cells {
        let rows = &orders[cell.repeat][..cell.n];
        let columns = |table: &Array2<f64>| table.slice(s![.., ..cell.p]).to_owned();
        let x = columns(&train.features().select(ndarray::Axis(0), rows));
        let tx = columns(test.features());
        let (targets, tests) = match cell.arm {
            0 => (train.targets(), test.targets()),
            1 => (&noisy, test.targets()),
            _ => (train.targets(), &tests),
        };
        let y: Array2<f64> = targets.select(ndarray::Axis(0), rows);
        let views: (ArrayView2<'_, f64>, ArrayView2<'_, f64>) = (x.view(), y.view());
        let expected = by_filter(views.0, views.1, tx.view(), tests, &*sweep.arms[cell.arm].estimator);
        let test_mse = (tx.dot(&expected.beta) - tests).mapv(|e| e * e).mean().unwrap();
        let bound = 1e-13 * expected.condition.powi(2).max(100.0);
        assert!((cell.test_mse.unwrap() / test_mse - 1.0).abs() < bound, "{cell:?}: {test_mse}");
        assert!((cell.coefficient_norm.unwrap() / expected.norm - 1.0).abs() < bound);
        assert_eq!(cell.test_error_rate, None, "one output has no classes");
    }
    let slice = surface.over_samples(10).unwrap();
    assert_eq!(slice.axis_values(), [4, 8, 40]);
    assert_eq!(surface.medians(1, Metric::TestMse).unwrap().dim(), (3, 10));
    assert!(surface.over_features(5).is_none());
}
