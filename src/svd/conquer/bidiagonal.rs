//! Divide and conquer on an upper bidiagonal matrix.

use super::super::product::multiply;
use super::super::registers::WHOLE;
use super::super::tiles::{self, Accum};
use super::LARGE;
use super::columns::Columns;
use super::deflation::{Arrow, Deflation, Rows, rotation};
use super::secular::Secular;
use super::vectors::{Vectors, Weights};
use crate::machine::instructions::arch;
use crate::machine::large_pages::fill_with_zeros;
use crate::machine::views::columns_of;
use ndarray::{ArrayView2, Axis, s};
use std::ops::Range;

/// The SVD of an upper bidiagonal matrix, with its workspace.
///
/// A block of `n` rows and `n + 1` columns is split at a row into two such blocks:
/// ```text
///     ⎡ B₁         ⎤                        ⎡ U₁     ⎤ ⎡ D₁        ⎤ ⎡ V₁       ⎤ᵀ
/// B = ⎢  α  β      ⎥,   Bₕ = Uₕ [Dₕ 0] Vₕᵀ:  ⎢    1   ⎥ ⎢ α… γ  β…   ⎥ ⎢    q     ⎥
///     ⎣     B₂     ⎦                        ⎣     U₂ ⎦ ⎣         D₂ ⎦ ⎣       V₂ ⎦
/// ```
/// with `α…` from the last row of `V₁`, `β…` from the first row of `V₂`, and `γ`, `q` from their last columns, which
/// `B₁` and `B₂` map to zero. The matrix in the middle has the singular values that [`Secular`] computes (Gu and
/// Eisenstat, *A divide-and-conquer algorithm for the bidiagonal SVD*, SIAM J. Matrix Anal. Appl. 16, 1995).
#[derive(Debug, Default)]
pub(super) struct Bidiagonal {
    /// The diagonal and the superdiagonal, which ends with 0.
    pub(super) diagonal: Vec<f64>,
    pub(super) above: Vec<f64>,
    /// Singular values, in the order of the columns.
    pub(super) sigma: Vec<f64>,
    /// `n × n` and `(n + 1) × (n + 1)`, column-major.
    pub(super) u: Vec<f64>,
    pub(super) v: Vec<f64>,
    size: f64,
    /// Whether to compute `u`; nothing else depends on it.
    with_left: bool,
    z: Vec<f64>,
    secular: Secular,
    deflation: Deflation,
    /// Columns of the block being merged.
    old: Vec<f64>,
    small: Small,
}

impl Bidiagonal {
    pub(super) fn svd(&mut self) -> Result<(), String> {
        self.factorise(true)
    }

    /// Without `u`.
    pub(super) fn right(&mut self) -> Result<(), String> {
        self.factorise(false)
    }

    /// Fills `order` with the columns, those of the largest singular values first.
    pub(super) fn largest_first(&self, order: &mut Vec<usize>) {
        order.clear();
        order.extend(0..self.sigma.len());
        order.sort_unstable_by(|&i, &j| self.sigma[j].total_cmp(&self.sigma[i]));
    }

    fn factorise(&mut self, with_left: bool) -> Result<(), String> {
        self.with_left = with_left;
        let n = self.diagonal.len();
        self.size = self.diagonal.iter().chain(&self.above).fold(0.0, |most: f64, v| most.max(v.abs()));
        fill_with_zeros(&mut self.u, n * n);
        fill_with_zeros(&mut self.v, (n + 1) * (n + 1));
        self.sigma.clear();
        self.sigma.resize(n, 0.0);
        self.z.resize(n, 0.0);
        if self.size == 0.0 {
            // Nothing to scale by.
            (0..n).for_each(|i| self.u[i * (n + 1)] = 1.0);
            (0..=n).for_each(|i| self.v[i * (n + 2)] = 1.0);
            return Ok(());
        }
        self.solve(0, n)
    }

    /// Computes the SVD of rows `from..from + n` with one extra column.
    fn solve(&mut self, from: usize, n: usize) -> Result<(), String> {
        let side = self.diagonal.len();
        match n {
            0 => self.v[from * (side + 2)] = 1.0,
            1 => {
                let (cos, sin, length) = rotation(self.diagonal[from], self.above[from]);
                self.u[from * (side + 1)] = 1.0;
                let mut v = Columns::new(&mut self.v, side + 1, from, 2);
                v.column_mut(0).copy_from_slice(&[cos, sin]);
                v.column_mut(1).copy_from_slice(&[-sin, cos]);
                self.sigma[from] = length;
            }
            2 => self.pair(from),
            _ => {
                let middle = n / 2;
                self.solve(from, middle)?;
                self.solve(from + middle + 1, n - middle - 1)?;
                self.merge(from, n, middle)?;
            }
        }
        Ok(())
    }

    /// Solves two rows directly, in a quarter of the time of a merge: rotations of the columns take `B` to a triangle,
    /// ```text
    /// ⎡ a b 0 ⎤    ⎡ f g 0 ⎤
    /// ⎣ 0 c d ⎦ →  ⎣ 0 h 0 ⎦
    /// ```
    /// another rotation turns its first column along the larger singular value, and then a rotation of the rows is
    /// left.
    fn pair(&mut self, from: usize) {
        let side = self.diagonal.len();
        let (a, b) = (self.diagonal[from], self.above[from]);
        let (cos, sin, h) = rotation(self.diagonal[from + 1], self.above[from + 1]);
        let (along, beside, f) = rotation(a, -b * sin);
        let g = b * cos;
        let mut v = Columns::new(&mut self.v, side + 1, from, 3);
        v.column_mut(0).copy_from_slice(&[along, -sin * beside, cos * beside]);
        v.column_mut(1).copy_from_slice(&[0.0, cos, sin]);
        v.column_mut(2).copy_from_slice(&[-beside, -sin * along, cos * along]);
        // The eigenvector of the larger eigenvalue of [f² fg; fg g² + h²], from sums without cancellation.
        let (half, product) = (0.5 * ((f - h) * (f + h) - g * g), f * g);
        let radius = half.hypot(product);
        let (cos, sin, _) =
            if half >= 0.0 { rotation(half + radius, product) } else { rotation(product, radius - half) };
        v.rotate(0, 1, cos, sin);
        let columns = [[f * cos + g * sin, h * sin], [g * cos - f * sin, h * cos]];
        let (cos, sin, larger) = rotation(columns[0][0], columns[0][1]);
        let smaller = cos * columns[1][1] - sin * columns[1][0];
        let sign = 1.0f64.copysign(smaller);
        let mut u = Columns::new(&mut self.u, side, from, 2);
        u.column_mut(0).copy_from_slice(&[cos, sin]);
        u.column_mut(1).copy_from_slice(&[-sin * sign, cos * sign]);
        self.sigma[from..from + 2].copy_from_slice(&[larger, smaller.abs()]);
    }

    fn merge(&mut self, from: usize, n: usize, middle: usize) -> Result<(), String> {
        let side = self.diagonal.len();
        let mut u = Columns::new(&mut self.u, side, from, n);
        let mut v = Columns::new(&mut self.v, side + 1, from, n + 1);
        let (alpha, beta) = (self.diagonal[from + middle], self.above[from + middle]);
        let z = &mut self.z[..n];
        for (j, z) in z.iter_mut().enumerate() {
            *z = if j <= middle { alpha * v.column(j)[middle] } else { beta * v.column(j)[middle + 1] };
        }
        let (cos, sin, length) = rotation(z[middle], beta * v.column(n)[middle + 1]);
        z[middle] = length;
        u.column_mut(middle)[middle] = 1.0;
        v.rotate(middle, n, cos, sin);
        let sigma = &mut self.sigma[from..from + n];
        sigma[middle] = 0.0;
        let arrow = Arrow { d: sigma, z, middle, size: self.size };
        self.deflation.find(arrow, &mut u, &mut v, &mut self.secular);
        if !self.secular.solve() {
            return Err(format!("the secular equation of {} poles did not converge", self.secular.count()));
        }
        let count = self.secular.count();
        for (i, sigma) in sigma.iter_mut().enumerate().take(count) {
            *sigma = self.secular.root(i);
        }
        sigma[0] /= self.deflation.excess;
        for (sigma, kept) in sigma[count..].iter_mut().zip(&self.deflation.kept) {
            *sigma = kept.1;
        }
        self.small.find(&self.secular, &self.deflation);
        let is_large = side >= LARGE;
        if self.with_left {
            update(&mut u, middle + 1, &self.deflation, self.small.u(), &mut self.old, is_large);
        }
        update(&mut v, middle + 1, &self.deflation, self.small.v(), &mut self.old, is_large);
        Ok(())
    }
}

/// The singular vectors of the matrix in the middle of the product.
#[derive(Debug, Default)]
struct Small {
    /// Poles and weights in the order of the entries.
    poles: Vec<f64>,
    weights: Vec<f64>,
    by_pole: Vec<f64>,
    u: Vec<f64>,
    v: Vec<f64>,
    columns: usize,
}

impl Small {
    /// Entries in the order [`Rows::Upper`], `Both`, `Lower`.
    fn find(&mut self, secular: &Secular, deflation: &Deflation) {
        self.columns = secular.count();
        let whole = self.columns.next_multiple_of(WHOLE);
        self.by_pole.resize(whole, 0.0);
        let arch = arch();
        arch.dispatch(Weights { secular, weights: &mut self.by_pole });
        self.poles.clear();
        self.weights.clear();
        let mut zero = 0;
        for part in [Rows::Upper, Rows::Both, Rows::Lower] {
            for (j, (_, rows)) in deflation.changed.iter().enumerate() {
                if *rows == part {
                    if j == 0 {
                        zero = self.poles.len();
                    }
                    self.poles.push(secular.poles[j]);
                    self.weights.push(self.by_pole[j]);
                }
            }
        }
        // Padding: poles far from every root.
        self.poles.resize(whole, 4.0 * secular.poles[self.columns]);
        self.weights.resize(whole, 0.0);
        let entries = whole * self.columns;
        self.u.resize(self.u.len().max(entries), 0.0);
        self.v.resize(self.v.len().max(entries), 0.0);
        arch.dispatch(Vectors {
            secular,
            poles: &self.poles,
            weights: &self.weights,
            zero,
            u: &mut self.u[..entries],
            v: &mut self.v[..entries],
        });
    }

    fn u(&self) -> ArrayView2<'_, f64> {
        self.matrix(&self.u)
    }

    fn v(&self) -> ArrayView2<'_, f64> {
        self.matrix(&self.v)
    }

    fn matrix<'a>(&self, entries: &'a [f64]) -> ArrayView2<'a, f64> {
        let rows = self.poles.len();
        columns_of(entries, (rows, self.columns), rows)
    }
}

/// Multiplies the changed columns by `small`, then appends the unchanged columns. Halves of columns that are zero are
/// not multiplied. Products of a large matrix are shared by all threads.
fn update(
    block: &mut Columns<'_>,
    upper: usize,
    deflation: &Deflation,
    small: ArrayView2<'_, f64>,
    old: &mut Vec<f64>,
    is_large: bool,
) {
    let (length, count) = (block.length(), deflation.changed.len());
    old.clear();
    let in_upper = gather(block, 0..upper, deflation, [Rows::Upper, Rows::Both], old);
    let middle = old.len();
    let in_lower = gather(block, upper..length, deflation, [Rows::Both, Rows::Lower], old);
    let end = old.len();
    for (column, _) in &deflation.kept {
        old.extend_from_slice(block.column(*column));
    }
    let (above, below) = block.first(count).split_at(Axis(0), upper);
    for (to, rows, entries, factor) in [
        (above, upper, &old[..middle], small.slice(s![..in_upper, ..])),
        (below, length - upper, &old[middle..end], small.slice(s![count - in_lower..count, ..])),
    ] {
        let from = columns_of(entries, (rows, factor.nrows()), rows);
        if is_large {
            multiply(to, Accum::Replace, from, factor, 1.0);
        } else {
            tiles::multiply(to, Accum::Replace, from, factor, 1.0);
        }
    }
    for (j, column) in old[end..].chunks_exact(length).enumerate() {
        block.column_mut(count + j).copy_from_slice(column);
    }
}

/// Copies the `rows` of all columns in two `parts`, one part after the other, and returns the number of columns.
fn gather(
    block: &Columns<'_>,
    rows: Range<usize>,
    deflation: &Deflation,
    parts: [Rows; 2],
    to: &mut Vec<f64>,
) -> usize {
    let mut count = 0;
    for part in parts {
        for (column, _) in deflation.changed.iter().filter(|(_, rows)| *rows == part) {
            to.extend_from_slice(&block.column(*column)[rows.clone()]);
            count += 1;
        }
    }
    count
}
