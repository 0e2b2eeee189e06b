//! DDRVLS (TESTING/LIN/ddrvls.f), the test program of LAPACK's least squares drivers, for the minimum-norm fit.
//!
//! Sizes and right-hand sides are those of `dtest.in`. The matrices are made as in DQRT15: `A = U D V`, with `D` of
//! random entries in (0.1, 1), the largest set to 1, and `B` in the range of `A`, so that residuals are zero. Types:
//!
//! 1. full rank; 2. scaled up to a largest entry of 2⁹¹⁶; 3. scaled down to 2⁻⁹¹⁶;
//! 4. to 6. the same with rank ⌊3 min(m, n)/4⌋.
//!
//! The cutoff is that of DDRVLS, `√EPS − (√EPS − EPS)/2`, relative. The ratios are those that DDRVLS computes for
//! DGELSS and DGELSD,
//!
//! - singular values: `Σ|σ − d| / (Σd min(m, n) EPS)`;
//! - residual (DQRT16): `|B − A X| / (|A| |X| max(m, n) EPS)`, the largest over right-hand sides;
//! - residual against the column space (DQRT17): `|(B − A X)ᵀ A| / (|A| |B| max(m, n, k) EPS)`, if m > rank;
//! - solution in the row space (DQRT14), if n > m: stack `A` on `Xᵀ`, both scaled to a largest entry of 1, and compute
//!   an LQ factorisation; the ratio is what remains of `X` outside the row space of `A`, over
//!   `max(m, n, k) EPS`;
//!
//! and two stricter ones. The first is the part of `X` outside the row space from which `A` was made; unlike DQRT14, it
//! also tests rank-deficient `A`. It is divided by `1/d_rank` as well, the amount by which rounding `A` rotates its row
//! space (Wedin). The second is the rank: it must be that of `D`, both under DDRVLS's cutoff and under the default one.
//! DDRVLS fails at a ratio of 30; we fail at [`THRESHOLD`].

use super::drvbd::refused_as_empty;
use crate::common::backends::{routes, svd};
use crate::common::matrices::orthonormal;
use crate::common::ratios::{EPS, Table, UNFL, Worst, larger, largest, one_norm, to_order_one};
use double_descent::filter::MinNorm;
use double_descent::rng::stream;
use double_descent::svd::{Backend, Cutoff};
use ndarray::{Array1, Array2, Axis, concatenate, s};
use rand::RngExt;

const THRESHOLD: f64 = 10.0;
const SIZES: [usize; 7] = [0, 1, 2, 3, 5, 10, 50];
const RIGHT_HAND_SIDES: [usize; 3] = [1, 2, 15];
const RATIOS: [&str; 6] = ["σ", "B − AX", "(B − AX)ᵀA", "X, DQRT14", "X in rows", "rank"];

#[test]
fn minimum_norm_least_squares() {
    let mut table = Table::new("DDRVLS: largest ratios (30 fails there, 10 here)", &RATIOS, THRESHOLD);
    for backend in routes() {
        let mut worst = Worst::new(&backend);
        for (m, n) in SIZES.iter().flat_map(|&m| SIZES.map(|n| (m, n))) {
            if m.min(n) == 0 {
                refused_as_empty(&backend, m, n);
                continue;
            }
            for k in RIGHT_HAND_SIDES {
                for problem in Problem::all(m, n, k) {
                    worst.add(&problem.ratios(&backend), || format!("{} {m} × {n}, k = {k}", problem.name));
                }
            }
        }
        table.row(&worst, backend.mended());
    }
    table.finish();
}

struct Problem {
    name: &'static str,
    a: Array2<f64>,
    b: Array2<f64>,
    /// Singular values.
    d: Array1<f64>,
    rank: usize,
    /// An orthonormal basis of the row space, `n × rank`.
    rows: Array2<f64>,
}

impl Problem {
    /// Problems of the six types.
    fn all(m: usize, n: usize, k: usize) -> Vec<Self> {
        let full = Self::new("type 1,", m, n, k, m.min(n));
        let deficient = Self::new("type 4,", m, n, k, 3 * m.min(n) / 4);
        // As in the code of DQRT15: safe minimum / EPS / EPS, and its reciprocal.
        let small = UNFL / EPS / EPS;
        let scaled = [
            full.scaled("type 2,", 1.0 / small),
            full.scaled("type 3,", small),
            deficient.scaled("type 5,", 1.0 / small),
            deficient.scaled("type 6,", small),
        ];
        [full, deficient].into_iter().chain(scaled).collect()
    }

    fn new(name: &'static str, m: usize, n: usize, k: usize, rank: usize) -> Self {
        let mut rng = stream(rank as u64, 100 * m + n, k);
        let mut d = Array1::zeros(m.min(n));
        let mut kept: Vec<f64> =
            (0..rank).map(|i| if i == 0 { 1.0 } else { rng.random_range(0.1..1.0) }).collect();
        kept.sort_by(|a, b| b.total_cmp(a));
        d.slice_mut(s![..rank]).assign(&Array1::from(kept));
        let (left, rows) = (orthonormal(m, rank, rng.random()), orthonormal(n, rank, rng.random()));
        let weights = Array2::from_shape_simple_fn((rank, k), || rng.random_range(-1.0..1.0));
        let a = (&left * &d.slice(s![..rank])).dot(&rows.t());
        Self { name, a, b: left.dot(&weights), d, rank, rows }
    }

    /// Scales `A` to a largest entry of `size`; leaves the zero matrix unchanged.
    fn scaled(&self, name: &'static str, size: f64) -> Self {
        let factor = if self.rank > 0 { size / largest(self.a.view()) } else { 1.0 };
        let Self { a, b, d, rank, rows, .. } = self;
        Self { name, a: a * factor, b: b * factor, d: d * factor, rank: *rank, rows: rows.clone() }
    }

    fn ratios(&self, backend: &dyn Backend) -> [f64; 6] {
        let (m, n, k) = (self.a.nrows(), self.a.ncols(), self.b.ncols());
        let cutoff = Cutoff::Relative(EPS.sqrt() - (EPS.sqrt() - EPS) / 2.0);
        let default = svd(backend, &self.a);
        let default_rank = default.rank();
        let found = default.with_cutoff(cutoff).unwrap();
        let x = found.solve(&self.b, &MinNorm::with_cutoff(cutoff).unwrap()).unwrap();

        // `X` does not change if `A` and `B` are scaled together.
        let scale = to_order_one(self.a.view());
        let (a, b) = (&self.a * scale, &self.b * scale);
        let (sigma, d) = (found.singular_values() * scale, &self.d * scale);
        let size = one_norm(a.view());
        let residual = &b - &a.dot(&x);
        let over = |error: f64, size: f64| if error == 0.0 { 0.0 } else { error / (size * EPS) };

        let values = over((sigma - &d).mapv(f64::abs).sum(), d.sum() * m.min(n) as f64);
        let columns = residual.columns().into_iter().zip(x.columns());
        let solution = columns
            .map(|(r, x)| over(r.mapv(f64::abs).sum(), size * x.mapv(f64::abs).sum() * m.max(n) as f64))
            .fold(0.0, larger);
        let longest = m.max(n).max(k) as f64;
        let normal = one_norm(residual.t().dot(&a).view());
        let against_columns =
            if m > found.rank() { over(normal, size * one_norm(b.view()) * longest) } else { 0.0 };
        let unit = if largest(x.view()) > 0.0 { &x / largest(x.view()) } else { x.clone() };
        let beside_a = if n > m { over(beside_rows(&a, &unit), longest) } else { 0.0 };
        let beside = &unit - &self.rows.dot(&self.rows.t().dot(&unit));
        let turn = if self.rank > 0 { d[0] / d[self.rank - 1] } else { 1.0 };
        let in_rows = over(largest(beside.view()), longest * turn);
        let rank = if found.rank() == self.rank && default_rank == self.rank { 0.0 } else { f64::INFINITY };
        [values, solution, against_columns, beside_a, in_rows, rank]
    }
}

/// DQRT14, for n > m: in the Householder triangle of `[Aᵀ, X]`, the largest entry of the columns of `X` below row `m`.
fn beside_rows(a: &Array2<f64>, x: &Array2<f64>) -> f64 {
    let m = a.nrows();
    let size = largest(a.view());
    let scaled = if size > 0.0 { a / size } else { a.clone() };
    let mut work = concatenate(Axis(1), &[scaled.t(), x.view()]).unwrap();
    for step in 0..m {
        let mut v = work.slice(s![step.., step]).to_owned();
        let length = v.dot(&v).sqrt();
        v[0] += length.copysign(v[0]);
        let square = v.dot(&v);
        if square == 0.0 {
            continue;
        }
        for mut column in work.slice_mut(s![step.., step..]).columns_mut() {
            let along = 2.0 * v.dot(&column) / square;
            column.scaled_add(-along, &v);
        }
    }
    // DQRT14 goes on to triangulate this block. That preserves column lengths, so the longest column is an upper bound.
    work.slice(s![m.., m..]).columns().into_iter().map(|c| c.dot(&c).sqrt()).fold(0.0, larger)
}
