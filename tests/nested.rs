//! The nested engines against the SVD of every point on its own.

use double_descent::Error;
use double_descent::filter::MinNorm;
use double_descent::nested::{Columns, Engine, Point, Rows, Test, feature_curve, sample_curve};
use double_descent::risk::Compressed;
use double_descent::rng::stream;
use double_descent::svd::Svd;
use ndarray::{Array1, Array2, ArrayView2, Axis, array, concatenate, s};
use rand_distr::{Distribution, StandardNormal};

/// `c` of the law "error ≤ c κ ε", κ of that point's matrix. Orthogonal methods are observed at up to 3 against
/// exact arithmetic; here both sides have errors, and predictions are compared at several test rows.
const C: f64 = 30.0;

fn normal(seed: u64, n: usize, p: usize) -> Array2<f64> {
    let mut rng = stream(seed, n, p);
    Array2::from_shape_simple_fn((n, p), || StandardNormal.sample(&mut rng))
}

/// Features of several kinds, by name.
fn features(kind: &str, n: usize, p: usize) -> Array2<f64> {
    let (inputs, weights) = (normal(1, n, 5), normal(2, 5, p));
    match kind {
        "gaussian" => normal(3, n, p),
        "relu" => inputs.dot(&weights).mapv(|v: f64| v.max(0.0)),
        "fourier" => {
            let phases = normal(4, 1, p);
            // A wide kernel: neighbouring features are close to dependent.
            (inputs.dot(&weights) * 0.2 + phases).mapv(f64::cos)
        }
        "graded" => {
            // Condition 1e9: columns of falling scale, mixed.
            let scales = Array1::from_shape_fn(p, |j| 10f64.powf(-9.0 * j as f64 / p as f64));
            (normal(5, n, p) * scales).dot(&(normal(6, p, p) / (p as f64).sqrt()))
        }
        _ => unreachable!(),
    }
}

const KINDS: [&str; 4] = ["gaussian", "relu", "fourier", "graded"];

/// What one point should be, and how exactly that is defined.
struct Expected {
    beta: Array2<f64>,
    train: f64,
    test: f64,
    norm: f64,
    rank: usize,
    condition: f64,
}

fn mean_square(x: &Array2<f64>) -> f64 {
    x.mapv(|v| v * v).mean().unwrap()
}

fn by_svd(
    x: ArrayView2<'_, f64>,
    y: ArrayView2<'_, f64>,
    tx: ArrayView2<'_, f64>,
    ty: &Array2<f64>,
) -> Expected {
    let svd = Svd::new(&x).unwrap();
    let beta = svd.solve(&y, &MinNorm::default()).unwrap();
    Expected {
        train: mean_square(&(x.dot(&beta) - y)),
        test: mean_square(&(tx.dot(&beta) - ty)),
        norm: beta.mapv(|v| v * v).sum().sqrt(),
        rank: svd.rank(),
        condition: svd.smallest_nonzero().map_or(1.0, |s| svd.singular_values()[0] / s),
        beta,
    }
}

/// The largest c of "error ≤ c κ ε" at one point. Root mean squares are compared, on the scale of what
/// they are differences of.
fn constant(
    point: &Point,
    expected: &Expected,
    tx: ArrayView2<'_, f64>,
    ty: &Array2<f64>,
    y: ArrayView2<'_, f64>,
) -> f64 {
    assert_eq!(point.rank, expected.rank, "{point:?}");
    let unit = expected.condition * f64::EPSILON;
    let test_scale = mean_square(&tx.dot(&expected.beta)).sqrt() + mean_square(ty).sqrt();
    let test = (point.test_mse.unwrap().sqrt() - expected.test.sqrt()).abs() / test_scale;
    let train_scale = y.iter().map(|v| v * v).sum::<f64>().sqrt() / (y.len() as f64).sqrt();
    let train = (point.train_mse.sqrt() - expected.train.sqrt()).abs() / train_scale;
    let norm = (point.norm - expected.norm).abs() / expected.norm;
    [test, train, norm].into_iter().fold(0.0, f64::max) / unit
}

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
            let off = (&beta - &expected.beta).mapv(|v| v * v).sum().sqrt() / expected.norm;
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
