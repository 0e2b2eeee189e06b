//! Appends whole blocks of rows.

use super::Rows;
use crate::Error;
use crate::machine::memory::reserve;
use crate::machine::threads::both;
use crate::nested::basis::Basis;
use crate::nested::block::{Block, SMALLEST_BLOCK, as_columns, step};
use crate::nested::fit::{Fit, Measure, combine, condition_bound, negligible};
use crate::nested::fold::fold;
use crate::nested::scale::{check_finite, exponent_of_table, largest_exponent, scaled, times_power};
use crate::nested::triangle::norm;
use crate::nested::upper::{SHARED, smallest_block};
use crate::nested::{Engine, Point};
use crate::svd::product;
use ndarray::{Array2, ArrayRef2, ArrayView2, aview1, s};

/// Largest number of rows per block: enough for matrix products at full speed.
const LARGEST_BLOCK: usize = 256;
/// Largest block while rows are independent.
const LARGEST_INDEPENDENT: usize = 128;

/// What the basis needs to know about earlier rows to grow further.
#[derive(Clone, Copy, Debug)]
struct Growing {
    n: usize,
    longest: f64,
    /// The exponent of the features' unit.
    exponent: i32,
}

/// Rows by which the basis has grown.
#[derive(Debug)]
struct Grown {
    /// Coordinates of the rows, column-major.
    coordinates: Array2<f64>,
    /// The new vectors, column-major.
    vectors: Array2<f64>,
    /// For each row, the norm of the longest one so far.
    longest: Vec<f64>,
}

impl Growing {
    /// Grows the basis by the leading independent rows of `x`.
    fn grow(self, basis: &mut Basis, x: ArrayView2<'_, f64>) -> Grown {
        let rows = times_power(&x, -self.exponent);
        let (mut most, mut longest) = (self.longest, Vec::with_capacity(x.nrows()));
        let least = rows.rows().into_iter().enumerate().map(|(i, row)| {
            most = most.max(row.to_slice().map_or_else(|| row.dot(&row).sqrt(), norm));
            longest.push(most);
            negligible(self.n + i + 1, x.ncols()) * most
        });
        let least: Vec<f64> = least.collect();
        let coordinates = basis.grow(rows, &least);
        let vectors = basis.last(coordinates.ncols());
        Grown { coordinates, vectors, longest }
    }
}

impl Rows<'_> {
    /// Appends rows of features (`b × p`) and targets (`b × k`) and measures every fit on the way. The results are
    /// those of [`Rows::push`] on each row in turn, up to rounding.
    ///
    /// Whole blocks of rows become matrix–matrix work; a few hundred rows per call are enough for that.
    ///
    /// # Errors
    /// As [`Rows::push`]; [`Error::Shape`] if `x` and `y` differ in rows. Input of the wrong shape, NaN and infinities
    /// (rows counted within `x`) leave the fit unchanged. After any other error, only some of the rows are appended.
    pub fn extend(&mut self, x: &ArrayRef2<f64>, y: &ArrayRef2<f64>) -> Result<Vec<Point>, Error> {
        Error::check_len("rows of y", x.nrows(), y.nrows())?;
        Error::check_len("columns of the features", self.p, x.ncols())?;
        Error::check_len("columns of the targets", self.c.len(), y.ncols())?;
        check_finite("the features", x.view())?;
        check_finite("the targets", y.view())?;
        self.held_out.check_training_rows(self.n.saturating_add(x.nrows()))?;
        let (from, rows) = (self.basis.len(), self.n.saturating_add(x.nrows()));
        let to = self.p.min(from.saturating_add(x.nrows()));
        reserve("the fits to growing rows", self.room(rows).extension(from, to, x.nrows()))?;
        let mut points = Vec::with_capacity(x.nrows());
        while points.len() < x.nrows() {
            let from = points.len();
            let rest = (x.slice(s![from.., ..]), y.slice(s![from.., ..]));
            let is_plain = self.is_plain() && self.p.min(x.nrows() - from) >= SMALLEST_BLOCK;
            match (is_plain, self.basis.is_complete()) {
                (true, false) => self.extend_independent(rest, &mut points)?,
                (true, true) => self.extend_spanned(rest, &mut points)?,
                (false, _) => self.extend_others(rest, &mut points)?,
            }
        }
        Ok(points)
    }

    /// Whether only minimum-norm fits are requested.
    fn is_plain(&self) -> bool {
        self.noise.is_none() && self.smallest.is_none() && self.left_out.is_none() && self.ridge.is_none()
    }

    /// Whether rows fit into the units of the earlier ones.
    pub(super) fn has_room(&self, x: &ArrayRef2<f64>, y: &ArrayRef2<f64>) -> bool {
        let targets = y.columns().into_iter().zip(&self.target_units);
        self.unit.has_room(exponent_of_table(x.view()))
            && targets.into_iter().all(|(y, unit)| unit.has_room(largest_exponent(y)))
    }

    /// Appends independent rows, up to the threshold or to a dependent row, which is processed alone. The next block
    /// needs only the basis of the current one: it is taken in while the fits of the current block are measured.
    fn extend_independent(
        &mut self,
        (x, y): (ArrayView2<'_, f64>, ArrayView2<'_, f64>),
        points: &mut Vec<Point>,
    ) -> Result<(), Error> {
        let p = self.p;
        if self.n == 0 {
            // The first row sets the units here, so that it need not be processed alone.
            self.unit.admit(largest_exponent(x.row(0)));
            for (unit, target) in self.target_units.iter_mut().zip(y.row(0)) {
                unit.admit(largest_exponent([target]));
            }
        }
        self.was_inside = false;
        let (mut done, mut is_over, mut waiting) = (0, false, Array2::zeros((p, 0)));
        while !is_over || waiting.ncols() > 0 {
            let b = if is_over { 0 } else { self.block.min(x.nrows() - done).min(p - self.triangle.len()) };
            let rows = s![done..done + b, ..];
            let (block, targets) = (x.slice(rows), y.slice(rows));
            let has_room = b > 0 && self.has_room(&block, &targets);
            let growing = Growing { n: self.n, longest: self.longest, exponent: self.unit.exponent() };
            let mut basis = std::mem::replace(&mut self.basis, Basis::new(p));
            let (grown, measured) = both(
                p >= SHARED,
                || has_room.then(|| growing.grow(&mut basis, block)),
                || self.measure_grown(&waiting),
            );
            self.basis = basis;
            waiting = grown.map_or_else(|| Array2::zeros((p, 0)), |grown| self.append_grown(grown, targets));
            points.extend(measured?);
            done += waiting.ncols();
            is_over |= waiting.ncols() < b || self.basis.is_complete() || done == x.nrows();
            if b > 0 {
                self.block = LARGEST_INDEPENDENT.min(2 * self.block);
            }
        }
        if self.basis.is_complete() {
            self.block = smallest_block(p); // fits are worst conditioned here
        } else if done < x.nrows() {
            self.block = SMALLEST_BLOCK;
            points.push(self.push(&x.row(done), &y.row(done))?);
        }
        Ok(())
    }

    /// Takes the rows by which the basis has grown into the triangle. Returns the new vectors.
    fn append_grown(&mut self, grown: Grown, y: ArrayView2<'_, f64>) -> Array2<f64> {
        let r = self.triangle.len();
        for (j, row) in grown.coordinates.columns().into_iter().enumerate() {
            (self.n, self.longest) = (self.n + 1, grown.longest[j]);
            let targets = self.admit_targets(&y.row(j), Vec::new());
            self.triangle.append(row.slice(s![..r + j]).to_vec(), row[r + j]);
            self.c.iter_mut().zip(targets).for_each(|(c, target)| c.push(target));
        }
        grown.vectors
    }

    /// Measures the points of the last rows, by which the basis grew: `vectors` are its new ones.
    fn measure_grown(&mut self, vectors: &Array2<f64>) -> Result<Vec<Point>, Error> {
        let count = vectors.ncols();
        let (n, rank) = (self.n - count, self.triangle.len() - count);
        let images = self.held_out.images(vectors);
        self.images.extend(to_columns(&images));
        // The last of nested triangles is the worst conditioned; a tenth of the bound, as the others are not checked.
        let bound = condition_bound(self.n, self.p) / 10.0;
        let is_clear = count > 0 && self.triangle.is_conditioned_under(bound, 0.0);
        let measured = (1..=count).map(|j| {
            let (n, rank) = (n + j, rank + j);
            if is_clear { self.measure_clear(n, rank) } else { self.measure_leading(n, rank) }
        });
        measured.collect()
    }

    /// Appends rows when more is requested. Up to the threshold only the projections on the basis are shared; past it,
    /// blocks are those of [`Rows::extend_block`].
    fn extend_others(
        &mut self,
        (x, y): (ArrayView2<'_, f64>, ArrayView2<'_, f64>),
        points: &mut Vec<Point>,
    ) -> Result<(), Error> {
        self.form();
        let b = self.block.min(x.nrows());
        let (x, y) = (x.slice(s![..b, ..]), y.slice(s![..b, ..]));
        if b < SMALLEST_BLOCK {
            return self.one_by_one((x, y), points);
        }
        if self.extend_block(&x, &y, points)? {
            let largest = if self.basis.is_complete() { LARGEST_BLOCK } else { SMALLEST_BLOCK };
            self.block = largest.min(2 * self.block);
        } else if self.block > SMALLEST_BLOCK && self.basis.is_complete() {
            self.block /= 2;
        } else {
            self.one_by_one((x, y), points)?;
        }
        Ok(())
    }

    pub(super) fn one_by_one(
        &mut self,
        (x, y): (ArrayView2<'_, f64>, ArrayView2<'_, f64>),
        points: &mut Vec<Point>,
    ) -> Result<(), Error> {
        for (x, y) in x.rows().into_iter().zip(y.rows()) {
            points.push(self.push(&x, &y)?);
        }
        Ok(())
    }

    /// Appends all rows at once; returns `false`, with nothing done, if they must go one by one. Up to the threshold
    /// only the projections on the basis are shared. Past it, every point of a block is as accurate as the matrix at
    /// the start of the block allows, so that matrix must not be much worse conditioned than the one at the end. Just
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
        if !self.has_room(x, y) {
            return Ok(false);
        }
        let given = x;
        let x = times_power(x, -self.unit.exponent());
        if self.basis.len() + b <= p {
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
        // A tenth of the bound: there is no check inside the block.
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
        let rows = product(basis.t(), x.t());
        let Some(mut block) = Block::new(triangle, &as_columns(c, p), &rows, &targets)? else {
            return Ok(false);
        };
        if triangle.inverse() > 2.0 * block.triangle.inverse() {
            return Ok(false);
        }
        let height = self.images.first().map_or(0, Vec::len);
        let images = product(as_columns(&self.images, height).view(), block.steps.t()).reversed_axes();

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

/// Returns running sums of the squares of `innovations` (`b × k`), starting from `start`.
pub(super) fn accumulated(innovations: &Array2<f64>, start: &[f64]) -> Array2<f64> {
    let mut sums = innovations.mapv(|t| t * t);
    let mut before = aview1(start).to_owned();
    for mut row in sums.rows_mut() {
        row += &before;
        before.assign(&row);
    }
    sums
}

/// Returns the columns of a matrix.
pub(super) fn to_columns(matrix: &Array2<f64>) -> Vec<Vec<f64>> {
    matrix.columns().into_iter().map(|column| column.to_vec()).collect()
}
