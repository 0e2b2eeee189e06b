//! Blocks of rows past the threshold.

use super::Rows;
use super::blocks::{accumulated, to_columns};
use crate::Error;
use crate::nested::block::{SMALLEST_BLOCK, as_columns, step};
use crate::nested::fit::{Fit, Measure, condition_bound};
use crate::nested::scale::{column_by_column, scaled};
use crate::nested::triangle::estimate_inverse;
use crate::nested::upper::{LARGEST_BLOCK, Upper, carry_identity, columns, row_squares};
use crate::nested::{Engine, Point};
use crate::svd::{reduce, solve_upper, solve_upper_transposed};
use ndarray::{Array2, ArrayView2, Axis, s};

impl Rows<'_> {
    /// Blocks of rows in the coordinates of the features; where those must be too short to pay, single rows.
    ///
    /// For a block `M` (`b × p`) with targets `Y` the reflections of `[R; M] = G [R'; 0]` carry `[0 c; I Y]` to `[Ω c'; Φ F]`,
    /// and `Φ = O C⁻¹`, `O` orthogonal, `C` lower triangular: `C Cᵀ = I + V Vᵀ` with `V = M R⁻¹` as in
    /// [`block`](crate::nested::block). So the fits of the block are
    ///
    /// ```text
    /// βᵢ = β_b − Σ_{j > i} hⱼ tⱼ        H = R'⁻¹ Ω C        t = Oᵀ F        β_b = R'⁻¹ c'
    /// ```
    ///
    /// with the one solve with a triangle for `H` and `β_b`, and the sum of squared training errors grows by `tᵢ²`.
    pub(super) fn extend_spanned(
        &mut self,
        (x, y): (ArrayView2<'_, f64>, ArrayView2<'_, f64>),
        points: &mut Vec<Point>,
    ) -> Result<(), Error> {
        let (p, rows) = (self.p, x.nrows());
        let mut c = as_columns(&self.c, p);
        let mut upper = Upper::new(&self.triangle, &self.basis, &mut c);
        if !self.basis.is_flipped() {
            self.basis.flip();
            self.held_out.compress(rows);
            self.images = (0..p).rev().map(|column| self.held_out.column(column)).collect();
            self.fit.z.clear(); // in the coordinates of before
        }
        let mut before = upper.copy();
        let (mut done, mut outcome) = (0, Ok(()));
        loop {
            let b = self.block.min(rows - done);
            if b < SMALLEST_BLOCK {
                break;
            }
            let block = s![done..done + b, ..];
            let block = (x.slice(block), y.slice(block));
            match self.spanned_block((&mut upper, &mut before, &mut c), block, points) {
                Ok(true) => {
                    done += b;
                    self.block = LARGEST_BLOCK.min(2 * self.block);
                }
                Ok(false) if b >= 2 * SMALLEST_BLOCK => self.block = b / 2,
                Ok(false) => break,
                Err(error) => {
                    outcome = Err(error);
                    break;
                }
            }
        }
        (self.triangle, self.is_nested) = (upper.to_triangle(), false);
        c.invert_axis(Axis(0));
        self.c = to_columns(&c);
        outcome?;
        let single = s![done..rows.min(done + SMALLEST_BLOCK), ..];
        self.one_by_one((x.slice(single), y.slice(single)), points)
    }

    /// All rows at once; `false`, and nothing done, if they must not. In a block every point is as accurate as the matrix
    /// that the block starts from allows, so that one must not be much worse conditioned than the last. Just after the
    /// threshold it is, and blocks are short. `before` is memory for the triangle of before.
    fn spanned_block(
        &mut self,
        (upper, before, c): (&mut Upper, &mut Upper, &mut Array2<f64>),
        (x, y): (ArrayView2<'_, f64>, ArrayView2<'_, f64>),
        points: &mut Vec<Point>,
    ) -> Result<bool, Error> {
        let ((b, p), k) = (x.dim(), self.c.len());
        if !self.has_room(&x, &y) {
            return Ok(false);
        }
        let rows = column_by_column(x, -self.unit.exponent());
        let squares_of_rows = row_squares(&rows);
        // A tenth of the bound: inside the block nobody looks again.
        if !upper.is_conditioned_under(condition_bound(self.n + b, p) / 10.0, squares_of_rows.iter().sum()) {
            return Ok(false);
        }
        let mut targets = Array2::zeros(y.raw_dim());
        for ((mut to, y), unit) in targets.columns_mut().into_iter().zip(y.columns()).zip(&self.target_units)
        {
            to.assign(&y.mapv(|v| scaled(v, -unit.exponent())));
        }
        before.copy_from(upper);
        let update = upper.take_in(rows)?;
        let [mut along, mut left] = carry_identity(&update, c.view(), targets.view());
        if let Some(left) = left.as_slice_memory_order_mut() {
            reduce(left, (b, b + k), b, b); // the last row first: upper triangular
        }
        let mut root = Array2::eye(b + k).reversed_axes();
        root.slice_mut(s![..b, ..b]).assign(&left.slice(s![.., ..b]));
        // ‖C‖, which is at least ‖R⁻¹‖ / ‖R'⁻¹‖: where it is small, that need not be looked at.
        let growth = estimate_inverse(&columns(&root));
        if !growth.is_finite() || growth > 2.0 && before.inverse() > 2.0 * upper.inverse() {
            std::mem::swap(upper, before);
            return Ok(false);
        }
        c.assign(&along.slice(s![.., b..]));
        // Row by row: the last columns are no part of Ω.
        let mut rows = along.reversed_axes();
        solve_upper_transposed(&root, &mut rows);
        along = rows.reversed_axes();
        solve_upper(&upper.r, &mut along);
        let images = self.held_out.images(&along);
        let mut z = to_columns(&along.slice(s![.., b..]).to_owned());
        let mut predictions = to_columns(&images.slice(s![.., b..]).to_owned());
        let innovations = left.slice(s![..;-1, b..]).to_owned();
        let squares = accumulated(&innovations, &self.squares);
        self.squares = squares.row(b - 1).to_vec();
        self.longest = self.longest.max(squares_of_rows.into_iter().fold(0.0, f64::max).sqrt());
        let mut fit = Fit { rank: p, ..Fit::default() };
        let end = (z.clone(), predictions.clone());
        self.n += b;
        let first = points.len();
        for (j, innovations) in innovations.rows().into_iter().enumerate().rev() {
            fit.z = z;
            let (features, targets) = (self.unit, &self.target_units[..]);
            let n = self.n - b + j + 1;
            let measure = Measure { held_out: &self.held_out, features, targets, n, p };
            points.push(measure.point(&fit, &predictions, &squares.row(j).to_vec(), 0, Engine::Nested)?);
            z = fit.z;
            for (output, &t) in innovations.iter().enumerate() {
                step(&mut z[output], -t, along.column(b - 1 - j));
                step(&mut predictions[output], -t, images.column(b - 1 - j));
            }
        }
        points[first..].reverse();
        (fit.z, self.predictions) = end;
        for z in &mut fit.z {
            z.reverse();
        }
        self.fit = fit;
        Ok(true)
    }
}
