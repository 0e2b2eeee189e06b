//! Whole blocks of rows.

use super::Rows;
use crate::Error;
use crate::machine::memory::reserve;
use crate::nested::block::{Block, SMALLEST_BLOCK, as_columns, step};
use crate::nested::fit::{Fit, Measure, combine, condition_bound};
use crate::nested::fold::fold;
use crate::nested::scale::{largest_exponent, scaled};
use crate::nested::{Engine, Point};
use ndarray::{Array2, ArrayRef2, aview1, s};

/// Rows taken at once, at most: enough for matrix products at full speed.
const LARGEST_BLOCK: usize = 256;

impl Rows<'_> {
    /// Appends rows of features (`b × p`) and targets (`b × k`) and measures every fit on the way: what
    /// [`Rows::push`] on each row in turn would give, up to rounding.
    ///
    /// Whole blocks of rows become matrix–matrix work; a few hundred rows a call are enough for that.
    ///
    /// # Errors
    /// As [`Rows::push`]; input of the wrong shape, NaN and infinities (rows counted within `x`) leave the
    /// fit as it was. After any other error some of the rows are appended and some are not.
    pub fn extend(&mut self, x: &ArrayRef2<f64>, y: &ArrayRef2<f64>) -> Result<Vec<Point>, Error> {
        Error::check_len("rows of y", x.nrows(), y.nrows())?;
        Error::check_len("columns of the features", self.p, x.ncols())?;
        Error::check_len("columns of the targets", self.c.len(), y.ncols())?;
        Error::check_finite("the features", x.view())?;
        Error::check_finite("the targets", y.view())?;
        self.held_out.check_training_rows(self.n.saturating_add(x.nrows()))?;
        let (from, rows) = (self.basis.vectors().len(), self.n.saturating_add(x.nrows()));
        let to = self.p.min(from.saturating_add(x.nrows()));
        reserve("the fits to growing rows", self.room(rows).extension(from, to, x.nrows()))?;
        let mut points = Vec::with_capacity(x.nrows());
        while points.len() < x.nrows() {
            let from = points.len();
            let to = x.nrows().min(from + self.block);
            let (xs, ys) = (x.slice(s![from..to, ..]), y.slice(s![from..to, ..]));
            if self.extend_block(&xs, &ys, &mut points)? {
                let largest = if self.basis.is_complete() { LARGEST_BLOCK } else { SMALLEST_BLOCK };
                self.block = largest.min(2 * self.block);
            } else if self.block > SMALLEST_BLOCK && self.basis.is_complete() {
                self.block /= 2;
            } else {
                for (x, y) in xs.rows().into_iter().zip(ys.rows()) {
                    points.push(self.push(&x, &y)?);
                }
            }
        }
        Ok(points)
    }

    /// All rows at once; `false`, and nothing done, if they must go one by one. Up to the threshold only the
    /// projections on the basis are shared. Beyond it, in a block every point is as accurate as the matrix
    /// that the block starts from allows, so that one must not be much worse conditioned than the last. Just
    /// after the threshold it is, and blocks are short.
    fn extend_block(
        &mut self,
        x: &ArrayRef2<f64>,
        y: &ArrayRef2<f64>,
        points: &mut Vec<Point>,
    ) -> Result<bool, Error> {
        let (b, p) = x.dim();
        if b.min(p) < SMALLEST_BLOCK {
            return Ok(false);
        }
        let has_room = self.unit.has_room(largest_exponent(x))
            && y.columns().into_iter().zip(&self.target_units).all(|(y, u)| u.has_room(largest_exponent(y)));
        if !has_room {
            return Ok(false);
        }
        let given = x;
        let x = x.mapv(|v| scaled(v, -self.unit.exponent()));
        if self.basis.vectors().len() + b <= p {
            let rows = self.basis.project(&x).into_iter().zip(x.rows()).zip(given.rows());
            for (((projected, x), given), y) in rows.zip(y.rows()) {
                self.n += 1;
                self.kept.iter_mut().for_each(|kept| kept.push(given, Some(y.to_vec())));
                self.left_out.iter_mut().for_each(|(_, refits)| refits.push_row(&given, &y));
                let more = self.more_targets(&given, &y);
                let y = self.admit_targets(&y, more);
                self.longest = self.longest.max(x.dot(&x).sqrt());
                let split = self.basis.finish(projected, self.negligible(&x));
                self.append(split, y);
                points.push(self.measure()?);
            }
            return Ok(true);
        }
        let row_by_row = self.noise.is_some() || self.smallest.is_some() || self.left_out.is_some();
        if !self.basis.is_complete() || row_by_row || self.kept.is_some() || self.excess.is_some() {
            return Ok(false);
        }
        let more = x.mapv(|v| v * v).sum();
        // A tenth of the bound: inside the block nobody looks again.
        let bound = condition_bound(self.n + b, p) / 10.0;
        let (triangle, c) = match &mut self.ridge {
            Some((penalty, c)) => (&mut penalty.triangle, &*c),
            None => (&mut self.triangle, &self.c),
        };
        if !triangle.is_conditioned_under(bound, more) {
            return Ok(false);
        }
        let mut targets = y.to_owned();
        for (mut column, unit) in targets.columns_mut().into_iter().zip(&self.target_units) {
            column.mapv_inplace(|v| scaled(v, -unit.exponent()));
        }
        let basis = as_columns(self.basis.vectors(), p); // Qᵀ
        let rows = basis.t().dot(&x.t());
        let mut block = Block::new(triangle, &as_columns(c, p), &rows, &targets)?;
        if triangle.inverse() > 2.0 * block.triangle.inverse() {
            return Ok(false);
        }
        let height = self.images.first().map_or(0, Vec::len);
        let images = block.steps.dot(&as_columns(&self.images, height).t());

        let mut z: Vec<_> = c.iter().map(|c| triangle.forward(c)).collect();
        let mut predictions: Vec<_> = z.iter().map(|z| combine(&self.images, z)).collect();
        let squares = match &self.ridge {
            Some(_) => self.squares_in_block(&block, &rows, &targets, z.clone()),
            None => accumulated(&block.innovations, &self.squares),
        };
        if let Some((penalty, c)) = &mut self.ridge {
            (penalty.triangle, *c) = (block.triangle, to_columns(&block.c));
            let mut data = as_columns(&self.c, p);
            self.triangle = fold(&self.triangle, rows.t(), &mut data, &mut targets)?;
            self.c = to_columns(&data);
            for (sum, rest) in self.squares.iter_mut().zip(targets.columns()) {
                *sum += rest.dot(&rest);
            }
        } else {
            (self.triangle, self.c) = (block.triangle, to_columns(&block.c));
            self.squares = squares.row(b - 1).to_vec();
        }
        self.longest = x.rows().into_iter().fold(self.longest, |m, row| m.max(row.dot(&row).sqrt()));
        let mut fit = Fit { rank: p, ..Fit::default() };
        self.is_nested = false;
        for (i, innovations) in block.innovations.rows().into_iter().enumerate() {
            for (output, &t) in innovations.iter().enumerate() {
                step(&mut z[output], t, block.steps.row(i));
                step(&mut predictions[output], t, images.row(i));
            }
            self.n += 1;
            fit.z = std::mem::take(&mut z);
            let measure = Measure {
                held_out: &self.held_out,
                features: self.unit,
                targets: &self.target_units,
                n: self.n,
                p,
            };
            let squares = squares.row(i).to_vec();
            points.push(measure.point(&fit, &predictions, &squares, 0, Engine::Nested)?);
            z = std::mem::take(&mut fit.z);
        }
        fit.z = z;
        (self.fit, self.predictions) = (fit, predictions);
        Ok(true)
    }
}

/// The squares of `innovations` (`b × k`) added up, from `start`.
fn accumulated(innovations: &Array2<f64>, start: &[f64]) -> Array2<f64> {
    let mut sums = innovations.mapv(|t| t * t);
    let mut before = aview1(start).to_owned();
    for mut row in sums.rows_mut() {
        row += &before;
        before.assign(&row);
    }
    sums
}

/// The columns of a matrix.
fn to_columns(matrix: &Array2<f64>) -> Vec<Vec<f64>> {
    matrix.columns().into_iter().map(|column| column.to_vec()).collect()
}
