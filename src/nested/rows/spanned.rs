//! Blocks of rows past the threshold.

use super::Rows;
use super::blocks::{LARGEST_BLOCK, accumulated, in_unit, to_columns};
use crate::Error;
use crate::nested::block::{SMALLEST_BLOCK, as_columns, step, whiten};
use crate::nested::fit::{Fit, Measure, condition_bound};
use crate::nested::scale::scaled;
use crate::nested::triangle::square;
use crate::nested::upper::Upper;
use crate::nested::{Engine, Point};
use crate::svd::{solve_upper, solve_upper_transposed};
use ndarray::{Array2, ArrayView2, Axis, ShapeBuilder, s};

impl Rows<'_> {
    /// Blocks of rows as in [`block`](crate::nested::block), in the coordinates of the features; where those must be too
    /// short to pay, single rows.
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
        let (b, p) = x.dim();
        if !self.has_room(&x, &y) {
            return Ok(false);
        }
        let x = in_unit(&x, self.unit).as_standard_layout().into_owned();
        let more = x.as_slice().map_or(f64::NAN, square);
        // A tenth of the bound: inside the block nobody looks again.
        if !upper.is_conditioned_under(condition_bound(self.n + b, p) / 10.0, more) {
            return Ok(false);
        }
        let mut targets = Array2::zeros(y.raw_dim().f());
        for ((mut to, y), unit) in targets.columns_mut().into_iter().zip(y.columns()).zip(&self.target_units)
        {
            to.assign(&y.mapv(|v| scaled(v, -unit.exponent())));
        }
        let mut rows = Array2::zeros((b, p).f());
        rows.assign(&x);
        let longest = x.rows().into_iter().filter_map(|row| row.to_slice().map(square)).fold(0.0, f64::max);
        // First what may be in vain.
        before.copy_from(upper);
        let update = upper.take_in(rows)?;
        if before.inverse() > 2.0 * upper.inverse() {
            std::mem::swap(upper, before);
            return Ok(false);
        }
        let mut steps = x.reversed_axes();
        solve_upper_transposed(&before.r, &mut steps);
        let Some(innovations) = whiten(&mut steps, c, &targets) else {
            std::mem::swap(upper, before);
            return Ok(false);
        };
        solve_upper(&before.r, &mut steps);
        let old_c = c.clone();
        update.carry(c, &mut targets);
        let images = self.held_out.images(&steps);
        let mut z: Vec<_> = to_columns(&old_c).iter().map(|c| before.backward(c)).collect();
        let mut predictions: Vec<_> = z.iter().map(|z| self.held_out.image(z)).collect();
        let squares = accumulated(&innovations, &self.squares);
        self.squares = squares.row(b - 1).to_vec();
        self.longest = self.longest.max(longest.sqrt());
        let mut fit = Fit { rank: p, ..Fit::default() };
        let mut outcome = Ok(true);
        for (i, innovations) in innovations.rows().into_iter().enumerate() {
            for (output, &t) in innovations.iter().enumerate() {
                step(&mut z[output], t, steps.column(i));
                step(&mut predictions[output], t, images.column(i));
            }
            self.n += 1;
            fit.z = z;
            let (features, targets) = (self.unit, &self.target_units[..]);
            let measure = Measure { held_out: &self.held_out, features, targets, n: self.n, p };
            let squares = squares.row(i).to_vec();
            match measure.point(&fit, &predictions, &squares, 0, Engine::Nested) {
                Ok(point) => points.push(point),
                Err(error) => outcome = Err(error),
            }
            z = fit.z;
            if outcome.is_err() {
                self.n += b - 1 - i; // the triangle has all rows
                break;
            }
        }
        for z in &mut z {
            z.reverse();
        }
        fit.z = z;
        (self.fit, self.predictions) = (fit, predictions);
        outcome
    }
}
