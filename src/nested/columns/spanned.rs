//! Blocks of columns past the threshold.

use super::Columns;
use crate::Error;
use crate::nested::block::{SMALLEST_BLOCK, as_columns, step};
use crate::nested::column_block::{SHRINKAGE, Steps};
use crate::nested::fit::{Fit, condition_bound};
use crate::nested::scale::{column_by_column, largest_exponent};
use crate::nested::triangle::{dot, square};
use crate::nested::upper::{LARGEST_BLOCK, Upper, carry_identity, row_squares};
use crate::nested::{Engine, Point};
use ndarray::{Array2, ArrayView1, ArrayView2, Axis, ShapeBuilder, s};

impl Columns<'_> {
    /// Blocks of columns as in [`column_block`](crate::nested::column_block), in the coordinates of the rows; where those
    /// must be too short to pay, single columns.
    pub(super) fn extend_spanned(
        &mut self,
        x: ArrayView2<'_, f64>,
        points: &mut Vec<Point>,
    ) -> Result<(), Error> {
        let (n, columns) = (self.n, x.ncols());
        let m = self.images.iter().map(Vec::len).max().unwrap_or(0);
        let mut images = Array2::zeros((n, m).f());
        images.assign(&as_columns(&self.images, m).t());
        let mut upper = Upper::new(&self.triangle, &self.basis, &mut images);
        if !self.basis.is_flipped() {
            for c in &mut self.c {
                *c = self.basis.combine(c);
                c.reverse();
            }
            self.basis.flip();
        }
        let mut before = upper.copy();
        let (mut done, mut outcome) = (0, Ok(()));
        loop {
            let b = self.block.min(columns - done);
            if b < SMALLEST_BLOCK {
                break;
            }
            let columns = x.slice(s![.., done..done + b]);
            match self.spanned_block((&mut upper, &mut before, &mut images), columns, points) {
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
        self.triangle = upper.to_triangle();
        images.invert_axis(Axis(0));
        self.images = images.rows().into_iter().map(|row| row.to_vec()).collect();
        outcome?;
        self.one_by_one(x.slice(s![.., done..columns.min(done + SMALLEST_BLOCK)]), points)
    }

    /// All columns at once; `false`, and nothing done, if they must not. `before` is memory for the triangle of before.
    fn spanned_block(
        &mut self,
        (upper, before, images): (&mut Upper, &mut Upper, &mut Array2<f64>),
        x: ArrayView2<'_, f64>,
        points: &mut Vec<Point>,
    ) -> Result<bool, Error> {
        let ((n, b), k) = (x.dim(), self.c.len());
        if !self.unit.has_room(largest_exponent(x)) {
            return Ok(false);
        }
        let rows = column_by_column(x.t(), -self.unit.exponent());
        let squares_of_rows = row_squares(&rows);
        // A tenth of the bound: inside the block nobody looks again.
        if !upper.is_conditioned_under(condition_bound(n, self.p + b) / 10.0, squares_of_rows.iter().sum()) {
            return Ok(false);
        }
        let longest = squares_of_rows.into_iter().fold(0.0, f64::max).sqrt();
        let targets: Vec<Vec<f64>> = self.c.iter().map(|c| c.iter().rev().copied().collect()).collect();
        before.copy_from(upper);
        let z: Vec<Vec<f64>> = targets.iter().map(|c| upper.forward(c)).collect();
        let update = upper.take_in(rows)?;
        let end: Vec<Vec<f64>> = targets.iter().map(|c| upper.forward(c)).collect();
        if z.iter().zip(&end).any(|(z, end)| square(z) > SHRINKAGE * SHRINKAGE * square(end)) {
            std::mem::swap(upper, before);
            return Ok(false);
        }
        let [_, bottom] = carry_identity(&update, as_columns(&z, n).view(), Array2::zeros((b, k)).view());
        let m = self.held_out.reach(self.p + b).max(images.ncols());
        if images.ncols() < m {
            let (mut entries, _) = std::mem::take(images).into_raw_vec_and_offset();
            entries.resize(n * m, 0.0);
            *images = Array2::from_shape_vec((n, m).f(), entries).unwrap_or_default();
        }
        let mut new_images = self.held_out.columns(self.p..self.p + b, m);
        update.carry(images, &mut new_images);
        let mut joined = Array2::zeros((b, b + k + m).f());
        joined.slice_mut(s![.., ..b + k]).assign(&bottom);
        joined.slice_mut(s![.., b + k..]).assign(&new_images);
        let Steps { innovations, steps } = Steps::new(joined, k);

        self.p += b;
        self.longest = self.longest.max(longest);
        let prediction = |z: &Vec<f64>| {
            let along = |a: ArrayView1<'_, f64>| a.to_slice().map_or(0.0, |a| dot(a, z));
            images.columns().into_iter().map(along).collect()
        };
        let mut predictions: Vec<Vec<f64>> = end.iter().map(prediction).collect();
        let squares: Vec<f64> = self.rest.iter().map(|rest| square(rest)).collect();
        let mut fit = Fit { z: end, rank: n, ..Fit::default() };
        // From the last point to the first: the solutions get longer, so nothing cancels.
        let first = points.len();
        for (j, innovations) in innovations.rows().into_iter().enumerate().rev() {
            let measure = self.measured(self.p - b + j + 1);
            points.push(measure.point(&fit, &predictions, &squares, 0, Engine::Nested)?);
            for (output, &t) in innovations.iter().enumerate() {
                fit.z[output].push(t);
                step(&mut predictions[output], t, steps.row(j));
            }
        }
        points[first..].reverse();
        Ok(true)
    }
}
