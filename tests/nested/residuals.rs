//! The error bound for nested points whose fit leaves a residual, against 512-bit arithmetic.
//!
//! A backward stable fit is exact for `X + E` and `Y + F` with `‖E‖ ≤ c ε σ₁` and `‖F‖ ≤ c ε ‖Y‖`. To first order
//! (Wedin 1973; Higham, *Accuracy and Stability of Numerical Algorithms*, section 20.1)
//!
//! ```text
//! δβ = X⁺ (F − E β̂) + (XᵀX)⁺ Eᵀ (Y − X β̂) + (I − X⁺X) Eᵀ (X Xᵀ)⁺ X β̂
//!      ≤ c ε κ (‖Y‖/σ₁ + ‖β̂‖ + κ ‖Y − X β̂‖/σ₁)
//! ```

use crate::common::exact::Exact;
use crate::common::matrices::{normal, orthonormal};
use double_descent::nested::{Columns, Point, Rows, Test};
use double_descent::risk::Compressed;
use double_descent::svd::Svd;
use ndarray::{Array1, Array2, ArrayView2};

/// `c` of the bound. Observed values are up to 0.33 here, and up to 3 on other data with small residuals.
const C: f64 = 10.0;

/// The largest allowed ratio of the bound to a case's worst error: a bound that is too wide proves nothing.
const WIDEST: f64 = 1e4;

fn norm(x: ArrayView2<'_, f64>) -> f64 {
    x.iter().map(|v| v * v).sum::<f64>().sqrt()
}

fn root_mean_square(x: ArrayView2<'_, f64>) -> f64 {
    norm(x) / (x.len() as f64).sqrt()
}

struct Problem {
    x: Array2<f64>,
    y: Array2<f64>,
    tx: Array2<f64>,
    ty: Array2<f64>,
}

/// Singular values from 1 to 1/κ, coefficients of size 1, and targets with an orthogonal residual of size `residual`.
fn problem((n, p): (usize, usize), condition: f64, residual: f64, seed: u64) -> Problem {
    let r = n.min(p);
    let scales = Array1::from_shape_fn(r, |j| condition.powf(-(j as f64) / (r - 1) as f64));
    let left = orthonormal(n, r, 100 + seed);
    let x = (&left * &scales).dot(&orthonormal(p, r, 200 + seed).t());
    let mut off = normal(n, 2, 300 + seed);
    for _ in 0..2 {
        off = &off - &left.dot(&left.t().dot(&off));
    }
    // If the rows are independent, there is no residual.
    let factor = if n > p { residual / norm(off.view()) } else { 0.0 };
    let beta = normal(p, 2, 400 + seed);
    let y = x.dot(&(&beta / norm(beta.view()))) + off * factor;
    Problem { x, y, tx: normal(30, p, 500 + seed), ty: normal(30, 2, 600 + seed) }
}

/// Largest ratios of errors to bounds at `c = 1`: to the plain bound `κ ε`, and to the one with the residual term.
#[derive(Clone, Copy, Default)]
struct Ratios {
    plain: f64,
    full: f64,
}

impl Ratios {
    fn add(&mut self, problem: &Problem, exact: &Exact, point: &Point, beta: Option<&Array2<f64>>) {
        let Problem { x, y, tx, ty } = problem;
        let sigma = Svd::new(x).unwrap().singular_values().to_owned();
        let (largest, condition) = (sigma[0], sigma[0] / sigma[sigma.len() - 1]);
        assert_eq!(point.rank, sigma.len());
        let residual = exact.train * (y.len() as f64).sqrt();
        let size = exact.norm + norm(y.view()) / largest;
        // Error of the coefficients; that of each row of predictions is at most `‖A‖` times as large.
        let full = size + condition * residual / largest;
        let spread = Svd::new(tx).unwrap().singular_values()[0] / (ty.len() as f64).sqrt();
        let rounding = exact.predicted + root_mean_square(ty.view());
        let mut compare = |error: f64, plain: f64, full: f64| {
            let unit = condition * f64::EPSILON;
            self.plain = self.plain.max(error / (plain * unit));
            self.full = self.full.max(error / (full * unit));
        };
        compare((point.norm - exact.norm).abs(), size, full);
        compare((point.test_mse.unwrap().sqrt() - exact.test).abs(), rounding, spread * full + rounding);
        // The training error is stationary at its minimum, so it has no such term.
        let of_targets = root_mean_square(y.view());
        compare((point.train_mse.sqrt() - exact.train).abs(), of_targets, of_targets);
        if let Some(beta) = beta {
            compare(norm((beta - &exact.beta).view()), size, full);
        }
    }
}

/// The worst over several problems: single rows, blocks of rows, single columns, blocks of columns.
fn worst(shape: (usize, usize), condition: f64, residual: f64) -> [Ratios; 4] {
    let mut worst = [Ratios::default(); 4];
    for seed in 0..4 {
        let problem = problem(shape, condition, residual, seed);
        let Problem { x, y, tx, ty } = &problem;
        let exact = Exact::new(x.view(), y.view(), tx.view(), ty.view());
        let test = Compressed::new(tx, ty).unwrap();
        let rows = || Rows::new(x.ncols(), 2, Test::Rows(&test)).unwrap();
        let columns = || Columns::new(y, Test::Rows(&test)).unwrap();

        let mut engine = rows();
        let all = x.rows().into_iter().zip(y.rows());
        let point = all.map(|(x, y)| engine.push(&x, &y).unwrap()).last().unwrap();
        worst[0].add(&problem, &exact, &point, Some(&engine.coefficients().unwrap()));
        let mut engine = rows();
        let points = engine.extend(x, y).unwrap();
        worst[1].add(&problem, &exact, points.last().unwrap(), Some(&engine.coefficients().unwrap()));
        let mut engine = columns();
        let point = x.columns().into_iter().map(|x| engine.push(&x).unwrap()).last().unwrap();
        worst[2].add(&problem, &exact, &point, None);
        worst[3].add(&problem, &exact, columns().extend(x).unwrap().last().unwrap(), None);
    }
    worst
}

#[test]
fn the_bound_with_the_residual_holds_where_the_plain_one_does_not() {
    for condition in [1e4, 1e6, 1e8] {
        for shape in [(12, 40), (24, 24), (60, 12)] {
            for residual in [1e-8, 1.0, 100.0] {
                let what = format!("{shape:?}, κ = {condition:e}, residual {residual}");
                let ratios = worst(shape, condition, residual);
                let is_large = shape.0 > shape.1 && residual >= 1.0;
                for (engine, Ratios { plain, full }) in
                    ["rows", "rows in blocks", "columns", "columns in blocks"].iter().zip(ratios)
                {
                    println!("{what}, {engine}: plain c = {plain:.2e}, c = {full:.2e}");
                    assert!(full < C, "{what}, {engine}: c = {full}");
                    assert!(plain < C || is_large, "{what}, {engine}: c of the plain bound = {plain}");
                }
                let most = |of: fn(&Ratios) -> f64| ratios.iter().map(of).fold(0.0, f64::max);
                assert!(C / most(|r| r.full) < WIDEST, "{what}: the bound is too wide");
                assert!(!is_large || most(|r| r.plain) > C, "{what}: the plain bound would do");
            }
        }
    }
}
