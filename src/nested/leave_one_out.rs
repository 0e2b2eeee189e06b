//! Leave-one-out errors, from the left factor `F` (`n × r`, orthonormal columns) of the training features.
//!
//! The minimum-norm fit without row `i` has at that row the error
//!
//! ```text
//! eᵢ = (Y − F Fᵀ Y)ᵢ / (1 − hᵢᵢ)      hᵢᵢ = ‖Fᵢ‖² < 1: other rows span row i
//! eᵢ = (K⁺ Y)ᵢ / (K⁺)ᵢᵢ               hᵢᵢ = 1: row i alone spans a direction        K = X Xᵀ
//! ```
//!
//! The first is the textbook formula, and holds at any rank, as the span of the rows does not change. In the second,
//! column `i` of `X⁺` is `w/‖w‖²`, where `w` is what row `i` adds to the span of the others, and the fit loses `eᵢ`
//! times this column. With independent rows (`n ≤ p`) all rows are of the second kind (Hastie et al., Annals of
//! Statistics 2022, section 6). With `X⁺ = … g Fᵀ`, where each `gᵢ` is a solve with the triangle, `(K⁺ Y)ᵢ = gᵢ · z`
//! and `(K⁺)ᵢᵢ = ‖gᵢ‖²`.
//!
//! The smallest singular value without row `i` is about `√(1 − hᵢᵢ) / ‖gᵢ‖` if that is small. Row `i` counts as alone
//! if that is below the bound for dependent rows. As this depends on `1 − hᵢᵢ`, that is not formed as a difference,
//! which would lose twice as many digits as its root does.

use super::basis::Basis;
use super::block::{as_columns, solve_transposed};
use super::carried::Carried;
use super::fit::negligible;
use super::refits::Sums;
use super::triangle::{Triangle, axpy, dot, rotate, square};
use crate::filter::rounding;
use crate::risk::leverage;
use crate::svd::Svd;
use ndarray::{Array2, ArrayView1, Axis, s};

/// Factors by which the cutoff of the other rows, and the estimate of their smallest singular value, may be off.
const UNSURE: (f64, f64) = (0.25, 8.0);
/// Tolerated inaccuracy of an error, relative to all errors, and to the targets if the errors are tiny.
const LOOSE: (f64, f64) = (1e-8, 1e-10);

/// Leave-one-out errors when rows are appended: `F` is carried through the rotations, and everything else is a sum over
/// the left null vectors in which they end. O(N p) memory.
#[derive(Clone, Debug)]
pub(super) struct RowWise {
    left: Left,
    /// The columns of `F`.
    columns: Vec<Vec<f64>>,
    /// The rows that alone span a direction, or may do so; `None` while unknown.
    alone: Option<Vec<Alone>>,
}

/// The part of the rows outside the span of the columns of `F`.
#[derive(Clone, Debug)]
struct Left {
    /// `1 − hᵢᵢ`.
    open: Vec<f64>,
    /// `Y − F Fᵀ Y`, one vector per output.
    residuals: Vec<Vec<f64>>,
}

/// A row that alone spans a direction, or may do so.
#[derive(Clone, Debug)]
struct Alone {
    row: usize,
    /// `gᵢ`.
    gain: Vec<f64>,
}

/// The matrix of all rows.
#[derive(Debug)]
struct Whole {
    /// A row so long that the other rows have a different cutoff.
    heavy: Option<usize>,
    rank: usize,
    shape: (usize, usize),
    /// Singular values up to this count as 0.
    bound: f64,
    /// A lower bound of the cutoff that an SVD would use.
    least: f64,
}

impl Whole {
    fn of(triangle: &Triangle, heavy: Option<usize>, (n, p): (usize, usize)) -> Self {
        let rank = triangle.len();
        let norm = triangle.norm();
        let least = rounding(n, p) * norm / (rank.max(1) as f64).sqrt();
        Self { heavy, rank, shape: (n, p), bound: negligible(n, p) * norm, least }
    }
}

impl RowWise {
    pub(super) fn new(outputs: usize) -> Self {
        let left = Left { open: Vec::new(), residuals: vec![Vec::new(); outputs] };
        Self { left, columns: Vec::new(), alone: Some(Vec::new()) }
    }

    /// Takes in a row independent of the earlier ones, after the triangle did.
    pub(super) fn append(&mut self, triangle: &Triangle) {
        self.lengthen();
        let row = self.left.open.len() - 1;
        let mut unit = vec![0.0; row + 1];
        unit[row] = 1.0;
        self.columns.push(unit);
        if let Some(alone) = &mut self.alone {
            for Alone { gain, .. } in alone.iter_mut() {
                gain.push(triangle.next_forward(gain, 0.0));
            }
            let mut gain = vec![0.0; triangle.len() - 1];
            gain.push(triangle.next_forward(&gain, 1.0));
            alone.push(Alone { row, gain });
        }
    }

    /// Starts a dependent row and returns the vector for [`RowWise::rotate`].
    pub(super) fn new_row(&mut self) -> Vec<f64> {
        self.lengthen();
        self.alone = None;
        let mut unit = vec![0.0; self.left.open.len()];
        unit.last_mut().into_iter().for_each(|last| *last = 1.0);
        unit
    }

    pub(super) fn rotate(&mut self, i: usize, null: &mut [f64], cos: f64, sin: f64) {
        rotate(&mut self.columns[i], null, cos, sin);
    }

    /// Ends a dependent row: `null` is orthogonal to all columns of `F`, and `rest` is the remainder of its targets.
    pub(super) fn add(&mut self, null: &[f64], rest: &[f64]) {
        self.left.open.iter_mut().zip(null).for_each(|(open, m)| *open += m * m);
        for (residuals, rest) in self.left.residuals.iter_mut().zip(rest) {
            axpy(residuals, *rest, null);
        }
    }

    /// Must be called when the triangle changes by a factor.
    pub(super) fn forget(&mut self) {
        self.alone = None;
    }

    /// Multiplies the targets of an output by a factor.
    pub(super) fn scale(&mut self, output: usize, factor: f64) {
        self.left.residuals[output].iter_mut().for_each(|v| *v *= factor);
    }

    /// Returns sums of squared errors, one per output, for the fit `z` to an `n × p` matrix.
    pub(super) fn sums(
        &mut self,
        triangle: &mut Triangle,
        z: &[Vec<f64>],
        heavy: Option<usize>,
        (n, p): (usize, usize),
    ) -> Sums {
        let columns = &self.columns;
        let alone = self.alone.take().unwrap_or_else(|| {
            let candidates = self.left.candidates(triangle, (n, p));
            let gain = |i: usize| columns.iter().map(|column| column[i]).collect::<Vec<_>>();
            self.left.alone(candidates, triangle, (n, p), |triangle, i| triangle.forward(&gain(i)))
        });
        let whole = Whole::of(triangle, heavy, (n, p));
        let sums = self.left.sums(&alone, z, &whole, None);
        self.alone = Some(alone);
        sums
    }

    /// Returns the sums of squared errors from the SVD of the triangle and `c = Fᵀ Y`.
    pub(super) fn sums_by_svd(
        &self,
        svd: &Svd,
        c: &[Vec<f64>],
        heavy: Option<usize>,
        shape: (usize, usize),
    ) -> Sums {
        let factor = as_columns(&self.columns, self.left.open.len());
        self.left.clone().sums_by_svd(&factor, svd, c, heavy, shape)
    }

    fn lengthen(&mut self) {
        self.columns.iter_mut().for_each(|column| column.push(0.0));
        self.left.open.push(0.0);
        self.left.residuals.iter_mut().for_each(|residuals| residuals.push(0.0));
    }
}

impl Left {
    /// Returns the rows that may be alone.
    fn candidates(&self, triangle: &mut Triangle, (n, p): (usize, usize)) -> Vec<usize> {
        // The norm of the inverse is a lower estimate, seldom off by more than a factor of 10.
        let reach = 10.0 * UNSURE.1 * negligible(n, p) * triangle.norm() * triangle.inverse();
        (0..self.open.len()).filter(|&i| self.open[i].sqrt() <= reach).collect()
    }

    fn alone(
        &self,
        candidates: Vec<usize>,
        triangle: &Triangle,
        (n, p): (usize, usize),
        gain: impl Fn(&Triangle, usize) -> Vec<f64>,
    ) -> Vec<Alone> {
        let bound = negligible(n, p) * triangle.norm();
        let all = candidates.into_iter().map(|row| Alone { row, gain: gain(triangle, row) });
        all.filter(|alone| self.is_within(UNSURE.1 * bound, alone)).collect()
    }

    /// Whether the smallest singular value without the row is at most `bound`.
    fn is_within(&self, bound: f64, Alone { row, gain }: &Alone) -> bool {
        let open = self.open[*row];
        open == 0.0 || open.sqrt() <= bound * square(gain).sqrt()
    }

    /// Returns the sums of squared errors. `lengths` are the norms of the targets, if residuals are only accurate to
    /// `ε` of those norms and not to `ε` of their own size.
    fn sums(&self, close: &[Alone], z: &[Vec<f64>], whole: &Whole, lengths: Option<&[f64]>) -> Sums {
        let (n, p) = whole.shape;
        let is_unsure = |row: &Alone| {
            self.is_within(UNSURE.1 * whole.bound, row) && !self.is_within(UNSURE.0 * whole.least, row)
        };
        let mut again: Vec<usize> = close.iter().filter(|row| is_unsure(row)).map(|row| row.row).collect();
        let alone: Vec<&Alone> = close.iter().filter(|row| self.is_within(whole.bound, row)).collect();
        if let Some(row) = whole.heavy.filter(|row| !again.contains(row)) {
            let rank = whole.rank - usize::from(alone.iter().any(|alone| alone.row == row));
            if rank < p.min(n - 1) {
                again.push(row);
            }
        }
        let mut squares = self.squares(&alone, z, &again);
        if let Some(lengths) = lengths {
            let before = again.len();
            for i in (0..n).filter(|&i| self.open[i] < leverage::CLOSE) {
                let is_alone = || alone.iter().any(|alone| alone.row == i);
                let is_rounding = |(sum, length): (&f64, &f64)| {
                    let off = 4.0 * f64::EPSILON * length / self.open[i];
                    off > LOOSE.0 * sum.sqrt() && off > LOOSE.1 * length
                };
                if squares.iter().zip(lengths).any(is_rounding) && !is_alone() && !again.contains(&i) {
                    again.push(i);
                }
            }
            if again.len() > before {
                squares = self.squares(&alone, z, &again);
            }
        }
        Sums { squares, again }
    }

    /// Sums squared errors over all rows except those fitted `again`.
    fn squares(&self, alone: &[&Alone], z: &[Vec<f64>], again: &[usize]) -> Vec<f64> {
        let mut is_alone = vec![false; self.open.len()];
        for row in alone.iter().map(|alone| alone.row).chain(again.iter().copied()) {
            is_alone[row] = true;
        }
        let mut sums = Vec::with_capacity(z.len());
        for (residuals, z) in self.residuals.iter().zip(z) {
            let rows = residuals.iter().zip(&self.open).zip(&is_alone);
            let spanned: f64 =
                rows.filter(|(_, alone)| !**alone).map(|((r, open), _)| (r / open).powi(2)).sum();
            let alone = alone.iter().filter(|alone| !again.contains(&alone.row));
            let errors = alone.map(|Alone { gain, .. }| dot(gain, z) / square(gain));
            sums.push(spanned + errors.map(|e| e * e).sum::<f64>());
        }
        sums
    }

    /// Returns the sums with the discarded modes of the triangle removed from the factor.
    fn sums_by_svd(
        mut self,
        factor: &Array2<f64>,
        svd: &Svd,
        c: &[Vec<f64>],
        heavy: Option<usize>,
        (n, p): (usize, usize),
    ) -> Sums {
        let rank = svd.rank();
        let (kept, lost) = svd.u().view().split_at(Axis(1), rank);
        let outside = factor.dot(&lost);
        for (open, row) in self.open.iter_mut().zip(outside.rows()) {
            *open += row.dot(&row);
        }
        let sigma = svd.singular_values().slice(s![..rank]);
        let gains = factor.dot(&kept) / sigma;
        let mut z = Vec::with_capacity(c.len());
        let lengths = self.lengths(c);
        for (residuals, c) in self.residuals.iter_mut().zip(c) {
            let c = ArrayView1::from(c);
            let rest = outside.dot(&lost.t().dot(&c));
            residuals.iter_mut().zip(&rest).for_each(|(residual, rest)| *residual += rest);
            z.push((kept.t().dot(&c) / sigma).to_vec());
        }
        let bound = negligible(n, p) * svd.singular_values().first().unwrap_or(&0.0);
        let rows = gains.rows().into_iter().enumerate();
        let close: Vec<Alone> = rows
            .map(|(row, gain)| Alone { row, gain: gain.to_vec() })
            .filter(|row| self.is_within(UNSURE.1 * bound, row))
            .collect();
        let least = rounding(n, p) * svd.singular_values().first().unwrap_or(&0.0);
        let whole = Whole { heavy, rank, shape: (n, p), bound, least };
        self.sums(&close, &z, &whole, Some(&lengths))
    }

    /// Returns the norm of each output's targets, where `c` is their part in the columns of `F`.
    fn lengths(&self, c: &[Vec<f64>]) -> Vec<f64> {
        self.residuals.iter().zip(c).map(|(rest, c)| (square(rest) + square(c)).sqrt()).collect()
    }
}

/// Leave-one-out errors when columns are appended: `F = Qᵀ`.
#[derive(Clone, Debug, Default)]
pub(super) struct ColumnWise {
    /// All `gᵢ` as the columns of `L⁻ᵀ Q`, if `Q` is square. They rotate with `[L⁻ᵀ; 0]` as `[L; mᵀ]` does.
    gains: Option<Carried>,
}

impl ColumnWise {
    /// Starts a dependent column and returns the vector for [`ColumnWise::rotate`].
    pub(super) fn new_column(&mut self, n: usize) -> Vec<f64> {
        self.gains.iter_mut().for_each(Carried::grow_older);
        vec![0.0; n]
    }

    pub(super) fn rotate(&mut self, i: usize, rest: &mut [f64], cos: f64, sin: f64) {
        if let Some(gains) = &mut self.gains {
            rotate(&mut gains.vectors[i], rest, cos, sin);
        }
    }

    /// Must be called when the triangle changed in another way, or is close to singular.
    pub(super) fn forget(&mut self) {
        self.gains = None;
    }

    /// Returns sums of squared errors, one per output, for the fit `z` to an `n × p` matrix with residuals `rest`.
    pub(super) fn sums(
        &mut self,
        (triangle, basis): (&mut Triangle, &Basis),
        z: &[Vec<f64>],
        (c, rest): (&[Vec<f64>], &[Vec<f64>]),
        heavy: Option<usize>,
        (n, p): (usize, usize),
    ) -> Sums {
        if basis.is_complete() {
            let squares = self.sums_of_interpolation((triangle, basis), z, n);
            return Sums { squares, again: Vec::new() };
        }
        let left = Left { open: open(basis, n), residuals: rest.to_vec() };
        let candidates = left.candidates(triangle, (n, p));
        let row = |i: usize| basis.vectors().iter().map(|q| q[i]).collect::<Vec<_>>();
        let alone = left.alone(candidates, triangle, (n, p), |triangle, i| triangle.backward(&row(i)));
        let whole = Whole::of(triangle, heavy, (n, p));
        left.sums(&alone, z, &whole, Some(&left.lengths(c)))
    }

    /// Returns the sums if every row is alone.
    fn sums_of_interpolation(
        &mut self,
        (triangle, basis): (&mut Triangle, &Basis),
        z: &[Vec<f64>],
        n: usize,
    ) -> Vec<f64> {
        let inverse = triangle.inverse();
        let mut squares = squares_of_columns(self.gains.as_ref().map_or(&[][..], |gains| &gains.vectors), n);
        let good = self.gains.take().and_then(|mut gains| gains.is_good(&squares, inverse).then_some(gains));
        let gains = if let Some(gains) = good {
            gains
        } else {
            let mut solved = as_columns(basis.vectors(), n).reversed_axes();
            solve_transposed(&triangle.to_array(), &mut solved);
            let rows: Vec<_> = solved.rows().into_iter().map(|row| row.to_vec()).collect();
            squares = squares_of_columns(&rows, n);
            Carried::fresh(rows, squares.clone(), inverse)
        };
        let sum = |z: &Vec<f64>| {
            let mut products = vec![0.0; n];
            gains.vectors.iter().zip(z).for_each(|(gains, z)| axpy(&mut products, *z, gains));
            products.iter().zip(&squares).map(|(product, square)| (product / square).powi(2)).sum()
        };
        let sums = z.iter().map(sum).collect();
        self.gains = Some(gains);
        sums
    }

    /// Returns the sums of squared errors from the SVD of the transposed triangle and `c = Q Y`.
    pub(super) fn sums_by_svd(
        basis: &Basis,
        svd: &Svd,
        (c, rest): (&[Vec<f64>], &[Vec<f64>]),
        heavy: Option<usize>,
        (n, p): (usize, usize),
    ) -> Sums {
        let left = Left { open: open(basis, n), residuals: rest.to_vec() };
        left.sums_by_svd(&as_columns(basis.vectors(), n), svd, c, heavy, (n, p))
    }
}

/// Returns `1 − hᵢᵢ = ‖(I − Qᵀ Q) eᵢ‖²`.
fn open(basis: &Basis, n: usize) -> Vec<f64> {
    if basis.is_complete() {
        return vec![0.0; n];
    }
    leverage::open(&squares_of_columns(basis.vectors(), n), &as_columns(basis.vectors(), n))
}

fn squares_of_columns(rows: &[Vec<f64>], n: usize) -> Vec<f64> {
    let mut sums = vec![0.0; n];
    for row in rows {
        sums.iter_mut().zip(row).for_each(|(sum, v)| *sum += v * v);
    }
    sums
}
