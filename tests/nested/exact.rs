//! The nested engines against 512-bit arithmetic, near the interpolation threshold and far from it, and against
//! recorded values.

use crate::common::deviation;
use crate::common::exact::Exact;
use crate::common::matrices::normal;
use crate::common::recorded::recorded;
use double_descent::nested::{Columns, Engine, Point, Rows, Test, feature_curve, sample_curve};
use double_descent::risk::Compressed;
use double_descent::svd::Svd;
use ndarray::{Array1, Array2, ArrayView2, Axis, concatenate, s};
use serde_json::Value;
use std::collections::HashMap;

/// `c` in "error ≤ c κ ε", with κ of the matrix at that point. Orthogonal methods reach up to 3 on other data and stay
/// below 1 here; the largest value for each kind is printed.
const C: f64 = 10.0;

const KINDS: [&str; 4] = ["gaussian", "relu", "fourier", "graded"];

/// Features of several kinds, by name. Their rounded entries define the exact matrix.
fn features(kind: &str, n: usize, p: usize, threshold: usize) -> Array2<f64> {
    let projected = |inputs| normal(n, inputs, 50).dot(&normal(inputs, p, 51));
    match kind {
        "gaussian" => normal(n, p, 52),
        "relu" => projected(8).mapv(|v| v.max(0.0)),
        // A wide kernel on few inputs, so neighbouring features are nearly dependent.
        "fourier" => (projected(3) * 0.3 + normal(1, p, 53)).mapv(f64::cos),
        "graded" => {
            // Condition number 1e9 on either side of the threshold, from `threshold` directions of decreasing scale.
            let r = threshold as f64;
            let scales = Array1::from_shape_fn(threshold, |j| 10f64.powf(-9.0 * j as f64 / r));
            (normal(n, threshold, 54) * scales).dot(&(normal(threshold, p, 55) / r.sqrt()))
        }
        _ => unreachable!(),
    }
}

/// Every point within three of the threshold, with some others near and far.
fn places(threshold: usize, last: usize) -> Vec<usize> {
    let t = threshold;
    let mut at: Vec<usize> = vec![1, 2, t / 2, t - 8, t + 5, t + 9, t + 17, 3 * t / 2, 2 * t, last];
    at.extend(t - 3..=t + 3);
    at
}

/// The exact fit of a point, with the largest and the smallest singular value.
struct Reference {
    exact: Exact,
    largest: f64,
    smallest: f64,
}

/// A problem with the largest `c` of its points so far.
struct Problem {
    kind: &'static str,
    y: Array2<f64>,
    tx: Array2<f64>,
    ty: Array2<f64>,
    /// By the shape of the training features: a point is reached in several ways.
    references: HashMap<(usize, usize), Reference>,
    worst: f64,
    worst_condition: f64,
    by_svd: usize,
}

impl Problem {
    /// Compares a point with the fit of `x` and `y` in exact arithmetic: coefficients, if there are any, norm, and root
    /// mean squared errors. Each error is relative to the size of the terms that it is the difference of.
    fn check(&mut self, point: &Point, x: ArrayView2<'_, f64>, beta: Option<&Array2<f64>>) {
        let (n, p) = x.dim();
        let y = self.y.slice(s![..n, ..]);
        let Reference { exact, largest, smallest } = self.references.entry((n, p)).or_insert_with(|| {
            let exact = Exact::new(x, y, self.tx.slice(s![.., ..p]), self.ty.view());
            let sigma = Svd::new(&x).unwrap().singular_values().to_owned();
            Reference { exact, largest: sigma[0], smallest: sigma[sigma.len() - 1] }
        });
        let condition = *largest / *smallest;
        assert_eq!((point.n, point.p, point.rank), (n, p, n.min(p)), "{}: κ = {condition:e}", self.kind);
        let norm = |x: ArrayView2<'_, f64>| x.iter().map(|v| v * v).sum::<f64>().sqrt();
        // A fit smaller than ‖Y‖/σ₁ results from cancellation.
        let size = exact.norm + norm(y) / *largest;
        let root = |x: ArrayView2<'_, f64>| norm(x) / (x.len() as f64).sqrt();
        let errors = [
            (point.test_mse.unwrap().sqrt() - exact.test).abs() / (exact.predicted + root(self.ty.view())),
            (point.train_mse.sqrt() - exact.train).abs() / root(y),
            (point.norm - exact.norm).abs() / size,
            beta.map_or(0.0, |beta| norm((beta - &exact.beta).view()) / size),
        ];
        let c = errors.into_iter().fold(0.0, f64::max) / (condition * f64::EPSILON);
        assert!(c < C, "{}: c = {c}, κ = {condition:e}, {errors:?}, {point:?}", self.kind);
        self.worst = self.worst.max(c);
        self.worst_condition = self.worst_condition.max(condition);
        self.by_svd += usize::from(point.engine == Engine::Svd);
    }

    fn report(&self, axis: &str) {
        let Self { kind, worst, worst_condition, by_svd, .. } = self;
        println!("{axis}, {kind}: c = {worst:.2}, κ up to {worst_condition:.0e}, {by_svd} points by SVD");
    }
}

/// Training features and their problem.
fn problem(kind: &'static str, n: usize, p: usize, seed: u64) -> (Array2<f64>, Problem) {
    let test_rows = 40;
    let all = features(kind, n + test_rows, p, n.min(p));
    let targets = normal(n + test_rows, 2, seed);
    let (x, tx) = all.view().split_at(Axis(0), n);
    let (y, ty) = targets.view().split_at(Axis(0), n);
    let problem = Problem {
        kind,
        y: y.to_owned(),
        tx: tx.to_owned(),
        ty: ty.to_owned(),
        references: HashMap::new(),
        worst: 0.0,
        worst_condition: 0.0,
        by_svd: 0,
    };
    (x.to_owned(), problem)
}

#[test]
fn sample_curves_are_exact_up_to_rounding() {
    for (kind, p) in KINDS.into_iter().zip([40, 32, 32, 24]) {
        let n = 5 * p;
        let (x, mut problem) = problem(kind, n, p, 60);
        let test = Compressed::new(&problem.tx, &problem.ty).unwrap();
        let places = places(p, n);
        let whole = sample_curve(&x, &problem.y, Test::Rows(&test)).unwrap();
        for &at in &places {
            problem.check(&whole[at - 1], x.slice(s![..at, ..]), None);
        }
        // Row by row, which also gives coefficients.
        let mut engine = Rows::new(p, 2, Test::Rows(&test)).unwrap();
        for at in 1..=n {
            let point = engine.push(&x.row(at - 1), &problem.y.row(at - 1)).unwrap();
            if places.contains(&at) {
                problem.check(&point, x.slice(s![..at, ..]), Some(&engine.coefficients().unwrap()));
            }
        }
        // In blocks that end at those places.
        let mut engine = Rows::new(p, 2, Test::Rows(&test)).unwrap();
        for &at in places.iter().filter(|&&at| at >= p + 3) {
            let from = engine.rows();
            if at <= from {
                continue;
            }
            let rows = s![from..at, ..];
            let points = engine.extend(&x.slice(rows), &problem.y.slice(rows)).unwrap();
            let point = points.last().unwrap();
            problem.check(point, x.slice(s![..at, ..]), Some(&engine.coefficients().unwrap()));
        }
        problem.report("samples");
    }
}

#[test]
fn feature_curves_are_exact_up_to_rounding() {
    for (kind, n) in KINDS.into_iter().zip([40, 32, 32, 24]) {
        let p = 5 * n;
        let (x, mut problem) = problem(kind, n, p, 61);
        let test = Compressed::new(&problem.tx, &problem.ty).unwrap();
        let places = places(n, p);
        let whole = feature_curve(&x, &problem.y, Test::Rows(&test)).unwrap();
        for &at in &places {
            problem.check(&whole[at - 1], x.slice(s![.., ..at]), None);
        }
        let mut engine = Columns::new(&problem.y, Test::Rows(&test)).unwrap();
        for at in 1..=p {
            let point = engine.push(&x.column(at - 1)).unwrap();
            if places.contains(&at) {
                problem.check(&point, x.slice(s![.., ..at]), None);
            }
        }
        problem.report("features");
    }
}

/// Reads a matrix, or one column.
fn table(value: &Value) -> Array2<f64> {
    let rows = value.as_array().unwrap();
    let row = |row: &Value| -> Vec<f64> {
        row.as_array().map_or_else(
            || vec![row.as_f64().unwrap()],
            |row| row.iter().map(|v| v.as_f64().unwrap()).collect(),
        )
    };
    let rows: Vec<Vec<f64>> = rows.iter().map(row).collect();
    Array2::from_shape_vec((rows.len(), rows[0].len()), rows.concat()).unwrap()
}

/// Predictions at test rows at every point, from squared errors: each test row is its own test table, with a target far
/// from any prediction.
fn predictions(tx: &Array2<f64>, curve: impl Fn(Test<'_>) -> Vec<Point>) -> Vec<Vec<f64>> {
    let far = 64.0;
    let of_row = |row: ArrayView2<'_, f64>| {
        let test = Compressed::new(&row, &Array2::from_elem((1, 1), far)).unwrap();
        curve(Test::Rows(&test)).iter().map(|point| far - point.test_mse.unwrap().sqrt()).collect()
    };
    tx.rows().into_iter().map(|row| of_row(row.insert_axis(Axis(0)))).collect()
}

/// The file's own tolerances are 1e-8 and 1e-11; these matrices are small and well conditioned.
#[test]
fn recorded_nested_predictions() {
    for (formula, features) in [("nested.samples", "X"), ("nested.features", "F")] {
        for case in recorded(formula).unwrap_or_default() {
            let input = |name: &str| table(&case["inputs"][name]);
            let (x, y) = (input(features), input("y"));
            let found = if features == "X" {
                predictions(&input("Xt"), |test| sample_curve(&x, &y, test).unwrap())
            } else {
                predictions(&input("Ft"), |test| feature_curve(&x, &y, test).unwrap())
            };
            let expected = table(&case["outputs"]["predictions"]);
            assert_eq!(expected.dim(), (found[0].len(), found.len()), "{}", case["id"]);
            for ((i, row), value) in expected.indexed_iter() {
                let found = found[row][i];
                assert!((found - value).abs() < 1e-12, "{}, point {i}: {found} for {value}", case["id"]);
            }
        }
    }
}

/// The error of given coefficients on a compressed table, on which every test error of a curve relies.
#[test]
fn recorded_test_errors() {
    for case in recorded("mse_from_gram").unwrap_or_default() {
        let input = |name: &str| table(&case["inputs"][name]);
        let test = Compressed::new(&input("Xt"), &input("yt")).unwrap();
        for (beta, mse) in [("b", "mse"), ("bref", "mse_ref")] {
            let found = test.mean_squared_error(&input(beta)).unwrap()[0];
            let expected = case["outputs"][mse].as_f64().unwrap();
            assert!(deviation(found, expected, 0.0) < 1e-13, "{}: {found} for {expected}", case["id"]);
        }
    }
}

/// Leave-one-out errors by refits: each row in turn comes last and is the test row of the point before. Ridge is the
/// same fit with the rows `√λ I` prepended.
#[test]
fn recorded_leave_one_out_errors() {
    for case in recorded("loo_gcv").unwrap_or_default() {
        let (x, y) = (table(&case["inputs"]["X"]), table(&case["inputs"]["y"]));
        let lambda = case["inputs"]["lam"].as_f64().unwrap();
        let (n, p) = x.dim();
        let residuals = table(&case["outputs"]["loo_residuals"]);
        for i in 0..n {
            let others: Vec<usize> = (0..n).filter(|&row| row != i).collect();
            let (mut xs, mut ys) = (x.select(Axis(0), &others), y.select(Axis(0), &others));
            if lambda > 0.0 {
                xs = concatenate![Axis(0), Array2::<f64>::eye(p) * lambda.sqrt(), xs];
                ys = concatenate![Axis(0), Array2::zeros((p, 1)), ys];
            }
            let left_out = s![i..=i, ..];
            let test = Compressed::new(&x.slice(left_out), &y.slice(left_out)).unwrap();
            let curve = sample_curve(&xs, &ys, Test::Rows(&test)).unwrap();
            let found = curve.last().unwrap().test_mse.unwrap().sqrt();
            let expected = residuals[[i, 0]].abs();
            assert!((found - expected).abs() < 1e-12 * (1.0 + expected), "{}, row {i}: {found}", case["id"]);
        }
    }
}
