//! Blocks of rows and columns on the nested engines give the same points as single ones.

use crate::common::features::{KINDS, features, normal};
use crate::common::fits::{C, by_svd, constant, of_svd};
use double_descent::filter::MinNorm;
use double_descent::nested::{Columns, Engine, Point, Rows, Test, feature_curve, sample_curve};
use double_descent::risk::Compressed;
use double_descent::svd::Svd;
use ndarray::{Array2, ArrayView2, Axis, concatenate, s};
use std::collections::HashMap;

/// Columns whose units grow along the way, in blocks, against single columns.
#[test]
fn blocks_of_columns_of_extreme_scales() {
    let (n, p) = (40, 200);
    let (x, y) = (normal(49, n, p), normal(50, n, 1));
    let test = Compressed::new(&normal(51, 60, p), &normal(52, 60, 1)).unwrap();
    let x = Array2::from_shape_fn((n, p), |(i, j)| x[[i, j]] * if j < 90 { 1e-100 } else { 1e150 });
    let mut engine = Columns::new(&y, Test::Rows(&test)).unwrap();
    let blocks = engine.extend(&x).unwrap();
    let mut engine = Columns::new(&y, Test::Rows(&test)).unwrap();
    for (column, block) in x.columns().into_iter().zip(&blocks) {
        let single = engine.push(&column).unwrap();
        assert_eq!((single.rank, single.engine), (block.rank, block.engine));
        if single.engine == Engine::Nested {
            assert!((block.norm / single.norm - 1.0).abs() < 1e-9, "{block:?} {single:?}");
            let off = block.test_mse.unwrap() / single.test_mse.unwrap() - 1.0;
            assert!(off.abs() < 1e-9, "{block:?} {single:?}");
        }
    }
}

/// Blocks of rows of any size give the points of single rows.
#[test]
fn blocks_of_rows_give_the_points_of_single_rows() {
    let (p, n, k) = (20, 150, 2);
    for kind in KINDS {
        let all = features(kind, n + 50, p);
        let (mut x, tx) = (all.slice(s![..n, ..]).to_owned(), all.slice(s![n.., ..]));
        let row = x.row(3).to_owned();
        x.row_mut(8).assign(&row);
        x.row_mut(60).fill(0.0);
        let targets = normal(42, n + 50, k);
        let (y, ty) = (targets.slice(s![..n, ..]), targets.slice(s![n.., ..]).to_owned());
        let test = Compressed::new(&tx, &ty).unwrap();
        for size in [1, 7, 16, 40, n] {
            let mut engine = Rows::new(p, k, Test::Rows(&test)).unwrap();
            let mut points = Vec::new();
            for from in (0..n).step_by(size) {
                let rows = s![from..n.min(from + size), ..];
                points.extend(engine.extend(&x.slice(rows), &y.slice(rows)).unwrap());
                let so_far = points.len();
                let expected = by_svd(x.slice(s![..so_far, ..]), y.slice(s![..so_far, ..]), tx, &ty);
                let off = (engine.coefficients().unwrap() - &expected.beta).mapv(|v| v * v).sum().sqrt();
                let unit = expected.condition * f64::EPSILON * (expected.norm + expected.reach);
                assert!(off < C * unit, "{kind}, blocks of {size}, n = {so_far}: {off:e}");
            }
            assert_eq!((points.len(), engine.rows()), (n, n));
            let mut worst = 0.0f64;
            for (i, point) in points.iter().enumerate() {
                assert_eq!(point.n, i + 1);
                let (x, y) = (x.slice(s![..=i, ..]), y.slice(s![..=i, ..]));
                let expected = by_svd(x, y, tx, &ty);
                let c = constant(point, &expected, tx, &ty, y);
                worst = worst.max(c);
                assert!(
                    c < C,
                    "{kind}, blocks of {size}, n = {}: c = {c}, κ = {:e}",
                    i + 1,
                    expected.condition
                );
            }
            println!("blocks of {size}, {kind}: c = {worst:.2}");
        }
    }
}

/// A test table with as many rows as columns is reduced to a triangle at the threshold, if many rows follow at once.
/// Errors must be those of the table.
#[test]
fn a_test_table_as_tall_as_wide() {
    let (p, n) = (60, 300);
    for kind in KINDS {
        let all = features(kind, n + p, p);
        let (x, tx) = (all.slice(s![..n, ..]), all.slice(s![n.., ..]));
        let targets = normal(57, n + p, 2);
        let (y, ty) = (targets.slice(s![..n, ..]), targets.slice(s![n.., ..]).to_owned());
        let test = Compressed::new(&tx, &ty).unwrap();
        // All at once, and so few at a time that the reduction does not pay.
        for size in [n, p] {
            let mut engine = Rows::new(p, 2, Test::Rows(&test)).unwrap();
            for from in (0..n).step_by(size) {
                let rows = s![from..from + size, ..];
                for point in engine.extend(&x.slice(rows), &y.slice(rows)).unwrap() {
                    let (x, y) = (x.slice(s![..point.n, ..]), y.slice(s![..point.n, ..]));
                    let expected = by_svd(x, y, tx, &ty);
                    let c = constant(&point, &expected, tx, &ty, y);
                    assert!(c < C, "{kind}, {size} at once, n = {}: c = {c}", point.n);
                }
            }
        }
    }
}

/// Large enough for the longest blocks and several panels; a few points are checked in detail.
#[test]
fn a_longer_curve() {
    let (p, n, k) = (120, 900, 2);
    for kind in ["gaussian", "graded"] {
        let all = features(kind, n + 200, p);
        let (mut x, tx) = (all.slice(s![..n, ..]).to_owned(), all.slice(s![n.., ..]));
        for (copy, of) in [(17, 2), (40, 39), (300, 4)] {
            let row = x.row(of).to_owned();
            x.row_mut(copy).assign(&row);
        }
        let targets = normal(43, n + 200, k);
        let (y, ty) = (targets.slice(s![..n, ..]), targets.slice(s![n.., ..]).to_owned());
        let test = Compressed::new(&tx, &ty).unwrap();
        let curve = sample_curve(&x, &y, Test::Rows(&test)).unwrap();
        let mut worst = 0.0f64;
        for at in
            [1, 16, 17, 18, 40, 41, 100, 119, 120, 121, 122, 123, 130, 150, 200, 301, 450, 700, 899, 900]
        {
            let point = &curve[at - 1];
            let (x, y) = (x.slice(s![..at, ..]), y.slice(s![..at, ..]));
            let expected = by_svd(x, y, tx, &ty);
            let c = constant(point, &expected, tx, &ty, y);
            worst = worst.max(c);
            assert!(c < C, "{kind}, n = {at}: c = {c}, κ = {:e}", expected.condition);
        }
        println!("longer curve, {kind}: c = {worst:.2}");
        assert!(curve.iter().all(|point| point.engine == Engine::Nested));
    }
}

/// SVDs of the first columns of a table, by their number.
type Svds = HashMap<usize, Svd>;

/// The worst c over the requested points of a model-wise curve; `svds` keeps the SVDs for other curves over `x`.
fn worst_of_columns(
    name: &str,
    points: &[Point],
    svds: &mut Svds,
    (x, y): (ArrayView2<'_, f64>, ArrayView2<'_, f64>),
    (tx, ty): (ArrayView2<'_, f64>, &Array2<f64>),
    at: impl IntoIterator<Item = usize>,
) -> f64 {
    let mut worst = 0.0f64;
    for p in at {
        let point = &points[p - 1];
        assert_eq!((point.n, point.p), (x.nrows(), p));
        let (x, tx) = (x.slice(s![.., ..p]), tx.slice(s![.., ..p]));
        let svd = svds.entry(p).or_insert_with(|| Svd::new(&x).unwrap());
        let expected = of_svd(svd, x, y, tx, ty, &MinNorm::default());
        let c = constant(point, &expected, tx, ty, y);
        worst = worst.max(c);
        assert!(c < C, "{name}, p = {p}: c = {c}, κ = {:e}", expected.condition);
    }
    worst
}

/// Blocks of columns of any size give the points of single columns.
#[test]
fn blocks_of_columns_give_the_points_of_single_columns() {
    let (n, p, k) = (20, 150, 2);
    for kind in KINDS {
        let mut all = features(kind, n + 50, p);
        for (copy, of) in [(8, 3), (12, 3), (61, 60)] {
            let column = all.column(of).to_owned();
            all.column_mut(copy).assign(&column);
        }
        all.column_mut(5).fill(0.0);
        all.column_mut(70).fill(0.0);
        let (x, tx) = (all.slice(s![..n, ..]), all.slice(s![n.., ..]));
        let mut svds = Svds::new();
        let targets = normal(44, n + 50, k);
        let (y, ty) = (targets.slice(s![..n, ..]), targets.slice(s![n.., ..]).to_owned());
        for test in [
            Compressed::new(&tx, &ty).unwrap(),
            Compressed::new(&tx.slice(s![..7, ..]), &ty.slice(s![..7, ..])).unwrap(),
        ] {
            let (tx, ty) = (tx.slice(s![..test.rows(), ..]), ty.slice(s![..test.rows(), ..]).to_owned());
            for size in [1, 7, 16, 40, p] {
                let mut engine = Columns::new(&y, Test::Rows(&test)).unwrap();
                let mut points = Vec::new();
                for from in (0..p).step_by(size) {
                    points.extend(engine.extend(&x.slice(s![.., from..p.min(from + size)])).unwrap());
                }
                assert_eq!((points.len(), engine.columns()), (p, p));
                let name = format!("{kind}, blocks of {size}");
                let worst = worst_of_columns(&name, &points, &mut svds, (x, y), (tx, &ty), 1..=p);
                println!("columns, {name}: c = {worst:.2}");
            }
        }
    }
}

/// Large enough for the longest blocks and several panels; a few points are checked in detail. The targets are noise,
/// or depend on the leading features.
#[test]
fn a_longer_curve_of_columns() {
    let (n, p) = (120, 900);
    for kind in KINDS {
        let mut all = features(kind, n + 200, p);
        for (copy, of) in [(17, 2), (40, 39), (300, 4)] {
            let column = all.column(of).to_owned();
            all.column_mut(copy).assign(&column);
        }
        let (x, tx) = (all.slice(s![..n, ..]), all.slice(s![n.., ..]));
        let law = all.slice(s![.., ..50]).dot(&normal(45, 50, 1));
        let targets = concatenate![Axis(1), normal(46, n + 200, 1), law];
        let (y, ty) = (targets.slice(s![..n, ..]), targets.slice(s![n.., ..]).to_owned());
        let mut svds = Svds::new();
        for k in [0..1, 1..2, 0..2] {
            let (y, ty) = (y.slice(s![.., k.clone()]), ty.slice(s![.., k.clone()]).to_owned());
            let test = Compressed::new(&tx, &ty).unwrap();
            let curve = feature_curve(&x, &y, Test::Rows(&test)).unwrap();
            let threshold = 110..190;
            let at = [1, 16, 17, 18, 40, 41, 64, 65].into_iter().chain(threshold);
            let at = at.chain([200, 256, 301, 302, 450, 512, 513, 700, 899, 900]);
            let name = format!("{kind}, {k:?}");
            let worst = worst_of_columns(&name, &curve, &mut svds, (x, y), (tx, &ty), at);
            println!("longer curve of columns, {kind}, targets {k:?}: c = {worst:.2}");
        }
    }
}

/// From 256 rows or columns on, blocks just past the threshold have one, two or four rows: checks every point there.
#[test]
fn a_threshold_of_a_large_triangle() {
    let (p, n) = (260, 340);
    let at = || [1, 130, 258, 259].into_iter().chain(260..=276).chain([290, 291, 292, 322, 323, 324, 340]);
    for kind in KINDS {
        let all = features(kind, n + 100, p);
        let (x, tx) = (all.slice(s![..n, ..]), all.slice(s![n.., ..]));
        let targets = normal(58, n + 100, 2);
        let (y, ty) = (targets.slice(s![..n, ..]), targets.slice(s![n.., ..]).to_owned());
        let curve = sample_curve(&x, &y, Test::Rows(&Compressed::new(&tx, &ty).unwrap())).unwrap();
        let mut worst = 0.0f64;
        for n in at() {
            let (x, y) = (x.slice(s![..n, ..]), y.slice(s![..n, ..]));
            let expected = by_svd(x, y, tx, &ty);
            let c = constant(&curve[n - 1], &expected, tx, &ty, y);
            worst = worst.max(c);
            assert!(c < C, "{kind}, n = {n}: c = {c}, κ = {:e}", expected.condition);
        }
        let (n, p) = (p, n);
        let all = features(kind, n + 100, p);
        let (x, tx) = (all.slice(s![..n, ..]), all.slice(s![n.., ..]));
        let targets = normal(59, n + 100, 2);
        let (y, ty) = (targets.slice(s![..n, ..]), targets.slice(s![n.., ..]).to_owned());
        let curve = feature_curve(&x, &y, Test::Rows(&Compressed::new(&tx, &ty).unwrap())).unwrap();
        let of_columns = worst_of_columns(kind, &curve, &mut Svds::new(), (x, y), (tx, &ty), at());
        println!("{kind}: c = {worst:.2} over rows, {of_columns:.2} over columns");
    }
}
