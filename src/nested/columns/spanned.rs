//! Appends blocks of columns past the threshold.

use super::Columns;
use crate::Error;
use crate::machine::threads::{both, piece, share};
use crate::nested::block::{SMALLEST_BLOCK, as_columns, step};
use crate::nested::column_block::{SHRINKAGE, Steps};
use crate::nested::fit::{Fit, condition_bound};
use crate::nested::scale::{column_by_column, exponent_of_table};
use crate::nested::triangle::{dot, square};
use crate::nested::upper::{LARGEST_BLOCK, SHARED, Upper, row_squares, smallest_block, with_identity};
use crate::nested::{Engine, Point};
use crate::svd::RowUpdate;
use ndarray::{Array2, ArrayView2, Axis, ShapeBuilder, s};

/// A block of columns taken into the triangle, before its fits are measured.
#[derive(Debug)]
struct Taken {
    /// The transformation that took them in; the images go through it too.
    update: RowUpdate,
    /// The last rows of `Gᵀ [0 z; I 0]`, with the columns of `I` reversed.
    bottom: Array2<f64>,
    /// The solution at the end, one vector per output.
    end: Vec<Vec<f64>>,
    /// The norm of the longest column.
    longest: f64,
    /// Columns before the block.
    p: usize,
}

/// A block with known steps, before its fits are measured.
#[derive(Debug)]
struct Carried {
    /// The last rows of `Gᵀ [0 z P; I 0 T]`, column-major.
    left: Array2<f64>,
    /// The solution at the end, one vector per output, and its predictions.
    end: Vec<Vec<f64>>,
    predictions: Vec<Vec<f64>>,
    /// Columns before the block.
    p: usize,
}

impl Columns<'_> {
    /// Appends blocks of columns as in [`column_block`](crate::nested::column_block), in the coordinates of the rows;
    /// single columns if blocks are not possible.
    ///
    /// The next block needs only the triangle of the current one. While the images of a block are transformed, the fits
    /// of the block before are measured and the next block is taken in.
    pub(super) fn extend_spanned(
        &mut self,
        x: ArrayView2<'_, f64>,
        points: &mut Vec<Point>,
    ) -> Result<(), Error> {
        let columns = x.ncols();
        let (mut upper, mut images) = self.start_spanned();
        let targets: Vec<Vec<f64>> = self.c.iter().map(|c| c.iter().rev().copied().collect()).collect();
        let mut z: Vec<Vec<f64>> = targets.iter().map(|c| upper.forward(c)).collect();
        let mut next = upper.room();
        let (least, mut done, mut is_over) = (smallest_block(self.n), 0, false);
        let (mut waiting, mut carried) = (None, None);
        let outcome = loop {
            let b = if is_over { 0 } else { self.block.min(columns - done) };
            let block = (b >= least).then(|| x.slice(s![.., done..done + b]));
            if block.is_none() && waiting.is_none() && carried.is_none() {
                break Ok(());
            }
            let (this, last, to, is_large) = (&*self, &upper, &mut next, self.n >= SHARED);
            let measure = || carried.take().map(|carried| this.measure_block(carried));
            let carry = || waiting.take().map(|taken| this.carry(&mut images, taken));
            let (taken, (measured, steps)) = both(
                is_large,
                || block.map(|columns| this.take_in((last, to), (&targets, &z), columns)),
                || both(is_large, measure, carry),
            );
            carried = steps;
            match measured.transpose() {
                Ok(measured) => points.extend(measured.into_iter().flatten()),
                Err(error) => break Err(error),
            }
            match taken.transpose() {
                Ok(Some(Some(taken))) => {
                    std::mem::swap(&mut upper, &mut next);
                    (self.p, done) = (self.p + b, done + b);
                    self.longest = self.longest.max(taken.longest);
                    z.clone_from(&taken.end);
                    waiting = Some(taken);
                    self.block = LARGEST_BLOCK.min(2 * self.block);
                }
                Ok(Some(None)) if b >= 2 * least => self.block = b / 2,
                Ok(_) => is_over = true,
                Err(error) => break Err(error),
            }
        };
        self.spanned = Some((upper, images));
        outcome?;
        self.one_by_one(x.slice(s![.., done..columns.min(done + SMALLEST_BLOCK)]), points)
    }

    /// Returns the triangle in the coordinates of the rows, and the images that go with it.
    fn start_spanned(&mut self) -> (Upper, Array2<f64>) {
        if let Some(spanned) = self.spanned.take() {
            return spanned;
        }
        let (n, p, basis, held_out, images) = (self.n, self.p, &mut self.basis, &self.held_out, &self.images);
        let is_flipped = basis.is_flipped();
        let gather = || {
            if p == n && !is_flipped {
                // No column was in the span of others: the images are the table's columns.
                return held_out.columns(0..n, held_out.reach(n));
            }
            let m = images.iter().map(Vec::len).max().unwrap_or(0);
            let mut gathered = Array2::zeros((n, m).f());
            gathered.assign(&as_columns(images, m).t());
            gathered
        };
        let form = || {
            if basis.given().is_none() {
                basis.form();
            }
        };
        let ((), mut images) = both(n >= SHARED, form, gather);
        let upper = Upper::new(&self.triangle, &self.basis, &mut images);
        if !is_flipped {
            for c in &mut self.c {
                *c = self.basis.combine(c);
                c.reverse();
            }
            self.basis.flip();
        }
        (upper, images)
    }

    /// Takes in all columns at once, starting from the solutions `z` to `targets`. `None` if that would be inaccurate.
    fn take_in(
        &self,
        (before, upper): (&Upper, &mut Upper),
        (targets, z): (&[Vec<f64>], &[Vec<f64>]),
        x: ArrayView2<'_, f64>,
    ) -> Result<Option<Taken>, Error> {
        let ((n, b), k) = (x.dim(), self.c.len());
        if !self.unit.has_room(exponent_of_table(x)) {
            return Ok(None);
        }
        upper.copy_from(before);
        let rows = column_by_column(x.t(), -self.unit.exponent());
        let squares_of_rows = row_squares(&rows);
        // A tenth of the bound: there is no check inside the block.
        if !upper.is_conditioned_under(condition_bound(n, self.p + b) / 10.0, squares_of_rows.iter().sum()) {
            return Ok(None);
        }
        let longest = squares_of_rows.into_iter().fold(0.0, f64::max).sqrt();
        let mut beside = with_identity(as_columns(z, n).view(), Array2::zeros((b, k)).view());
        let update = upper.take_in(rows, &mut beside)?;
        let end: Vec<Vec<f64>> = targets.iter().map(|c| upper.forward(c)).collect();
        // A single column gets a fresh solve.
        if b > 1 && z.iter().zip(&end).any(|(z, end)| square(z) > SHRINKAGE * SHRINKAGE * square(end)) {
            return Ok(None);
        }
        let [_, bottom] = beside;
        Ok(Some(Taken { update, bottom, end, longest, p: self.p }))
    }

    /// Transforms the images as the block was.
    fn carry(&self, images: &mut Array2<f64>, taken: Taken) -> Carried {
        let Taken { update, bottom, end, p, .. } = taken;
        let (n, b, of_block) = (self.n, bottom.nrows(), bottom.ncols());
        let m = self.held_out.reach(p + b).max(images.ncols());
        if images.ncols() < m {
            let (mut entries, _) = std::mem::take(images).into_raw_vec_and_offset();
            entries.resize(n * m, 0.0);
            *images = Array2::from_shape_vec((n, m).f(), entries).unwrap_or_default();
        }
        let mut new_images = self.held_out.columns(p..p + b, m);
        update.carry(images, &mut new_images);
        let mut left = Array2::zeros((b, of_block + m).f());
        left.slice_mut(s![.., ..of_block]).assign(&bottom);
        left.slice_mut(s![.., of_block..]).assign(&new_images);
        let predictions = end.iter().map(|z| transposed_times(images, z)).collect();
        Carried { left, end, predictions, p }
    }

    /// Measures all points of a block.
    fn measure_block(&self, carried: Carried) -> Result<Vec<Point>, Error> {
        let Carried { left, end, mut predictions, p } = carried;
        let b = left.nrows();
        let Steps { innovations, steps } = Steps::new(left, self.c.len());
        let squares: Vec<f64> = self.rest.iter().map(|rest| square(rest)).collect();
        let mut fit = Fit { z: end, rank: self.n, ..Fit::default() };
        // From the last point to the first: the solutions get longer, so nothing cancels.
        let mut points = Vec::with_capacity(b);
        for (j, innovations) in innovations.rows().into_iter().enumerate().rev() {
            points.push(self.measured(p + j + 1).point(&fit, &predictions, &squares, 0, Engine::Nested)?);
            for (output, &t) in innovations.iter().enumerate() {
                fit.z[output].push(t);
                step(&mut predictions[output], t, steps.row(j));
            }
        }
        points.reverse();
        Ok(points)
    }
}

/// Returns `Aᵀ z` for a column-major `A`, with its columns split among threads.
fn transposed_times(a: &Array2<f64>, z: &[f64]) -> Vec<f64> {
    /// The fewest columns per piece, and the fewest multiplications worth a thread, as each number is used only once.
    const COLUMNS: usize = 128;
    const WORTH: usize = 1 << 18;
    let mut products = vec![0.0; a.ncols()];
    let width = piece(a.ncols(), COLUMNS, a.len(), WORTH).max(1);
    let pieces: Vec<_> = products.chunks_mut(width).zip(a.axis_chunks_iter(Axis(1), width)).collect();
    let multiply = |(to, columns): (&mut [f64], ArrayView2<'_, f64>)| {
        for (to, column) in to.iter_mut().zip(columns.columns()) {
            *to = column.to_slice().map_or(0.0, |column| dot(column, z));
        }
    };
    if pieces.len() > 1 {
        share(pieces, multiply);
    } else {
        pieces.into_iter().for_each(multiply);
    }
    products
}
