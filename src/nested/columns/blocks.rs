//! Appends whole blocks of columns.

use super::Columns;
use crate::Error;
use crate::machine::large_pages;
use crate::machine::memory::reserve;
use crate::machine::threads::both;
use crate::machine::turned::by_columns;
use crate::nested::basis::Basis;
use crate::nested::block::{SMALLEST_BLOCK, as_columns, solve_transposed, step};
use crate::nested::column_block::ColumnBlock;
use crate::nested::fit::{Fit, Noise, combine, condition_bound, negligible};
use crate::nested::fold::fold;
use crate::nested::scale::{check_finite, column_by_column, exponent_of_table, largest_exponent, scaled};
use crate::nested::triangle::{Triangle, norm, square};
use crate::nested::upper::{SHARED, smallest_block};
use crate::nested::{Engine, Point};
use crate::svd::product;
use ndarray::{Array2, ArrayRef2, ArrayView2, ShapeBuilder, aview1, s};

/// Largest number of columns per block: enough for matrix products at full speed.
const LARGEST_BLOCK: usize = 256;
/// Largest block while columns are independent.
const LARGEST_INDEPENDENT: usize = 128;
/// A point with independent columns, before it is measured.
#[derive(Debug)]
struct Pending {
    p: usize,
    rank: usize,
    /// The sums of squared training errors.
    squares: Vec<f64>,
}

/// Columns by which the basis has grown.
#[derive(Debug)]
struct Grown {
    /// Coordinates of the columns, column-major.
    coordinates: Array2<f64>,
    /// For each column, the norm of the longest one so far.
    longest: Vec<f64>,
}

/// A triangle as a full matrix, for solves. Only new rows are written.
#[derive(Debug)]
struct Lower {
    matrix: Array2<f64>,
    rows: usize,
}

impl Lower {
    /// Makes room for `n` rows.
    fn new(n: usize) -> Self {
        Self { matrix: large_pages::zeros((n, n)), rows: 0 }
    }

    /// Returns the matrix of a triangle to which rows were only appended.
    fn of(&mut self, triangle: &Triangle) -> &Array2<f64> {
        let rows = triangle.rows().iter().enumerate().skip(self.rows);
        for (i, row) in rows {
            self.matrix.slice_mut(s![i, ..row.len()]).assign(&aview1(row));
        }
        self.rows = triangle.len();
        &self.matrix
    }
}

impl Columns<'_> {
    /// Appends columns of features (`n × b`) and measures every fit on the way. The results are those of
    /// [`Columns::push`] on each column in turn, up to rounding.
    ///
    /// Whole blocks of columns become matrix–matrix work; a few hundred columns per call are enough for that.
    ///
    /// # Errors
    /// As [`Columns::push`]. Input of the wrong shape, NaN and infinities (columns counted within `x`) leave the fit
    /// unchanged. After any other error, only some of the columns are appended.
    pub fn extend(&mut self, x: &ArrayRef2<f64>) -> Result<Vec<Point>, Error> {
        Error::check_len("rows of the features", self.n, x.nrows())?;
        check_finite("the features", x.view())?;
        let columns = self.p + x.ncols();
        if let Some(width) = self.held_out.features().filter(|&width| width < columns) {
            Error::check_len("columns of the test features", columns, width)?;
        }
        if let Some(width) = self.noise.as_ref().map(Noise::features).filter(|&width| width < columns) {
            Error::check_len("columns of the covariance", columns, width)?;
        }
        let from = self.basis.len();
        let to = self.n.min(from.saturating_add(x.ncols()));
        reserve("the fits to growing columns", self.room().extension(from, to, x.ncols()))?;
        let mut points = Vec::with_capacity(x.ncols());
        while points.len() < x.ncols() {
            let rest = x.slice(s![.., points.len()..]);
            let is_plain = self.is_plain() && self.n.min(rest.ncols()) >= SMALLEST_BLOCK;
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

    /// Appends independent columns, up to the threshold or to a dependent column, which is processed alone.
    ///
    /// This needs neither the vectors of the basis nor the images of columns: targets are carried through the
    /// reflections, and the images are the test table's columns. The next block needs only the basis of the current
    /// one: it is taken in while the fits of the current block are measured.
    fn extend_independent(&mut self, x: ArrayView2<'_, f64>, points: &mut Vec<Point>) -> Result<(), Error> {
        let n = self.n;
        if self.p == 0 {
            // The first column sets the unit here, so that it need not be processed alone.
            self.unit.admit(largest_exponent(x.column(0)));
        }
        let mut rest = as_columns(&self.rest, n);
        self.basis.turn(0, &mut rest);
        let before = self.p;
        let outcome = self.extend_along(x, &mut rest, points);
        if self.basis.is_complete() {
            self.block = smallest_block(self.n); // fits are worst conditioned here
            self.rest.iter_mut().for_each(|rest| rest.fill(0.0)); // the remainder of the targets is rounding error
            return outcome;
        }
        rest.slice_mut(s![..self.basis.len(), ..]).fill(0.0);
        self.basis.turn_back(&mut rest);
        self.rest = rest.columns().into_iter().map(|column| column.to_vec()).collect();
        outcome?;
        if self.p - before < x.ncols() {
            self.block = SMALLEST_BLOCK;
            points.push(self.push(&x.column(self.p - before))?);
        }
        Ok(())
    }

    /// Appends the independent columns of `x` in blocks; `turned` are the targets in the coordinates of the basis.
    fn extend_along(
        &mut self,
        x: ArrayView2<'_, f64>,
        turned: &mut Array2<f64>,
        points: &mut Vec<Point>,
    ) -> Result<(), Error> {
        let n = self.n;
        let mut lower = Lower::new(n.min(self.triangle.len() + x.ncols()));
        let (mut done, mut is_over, mut waiting) = (0, false, Vec::new());
        while !is_over || !waiting.is_empty() {
            let b = if is_over { 0 } else { self.block.min(x.ncols() - done).min(n - self.triangle.len()) };
            let block = x.slice(s![.., done..done + b]);
            // What the two parallel tasks change.
            let mut basis = std::mem::replace(&mut self.basis, Basis::new(n));
            let mut triangle = std::mem::take(&mut self.triangle);
            let this = &*self;
            let (grown, measured) = both(
                n >= SHARED,
                || this.grow(&mut basis, block),
                || this.measure_clear(&mut triangle, &mut lower, &waiting),
            );
            (self.basis, self.triangle) = (basis, triangle);
            let before = std::mem::replace(&mut waiting, self.append_grown(&grown, turned));
            match measured? {
                Some(measured) => points.extend(measured),
                None => self.measure_each(before, points)?,
            }
            done += waiting.len();
            is_over |= waiting.len() < b || self.basis.is_complete() || done == x.ncols();
            if b > 0 {
                self.block = LARGEST_INDEPENDENT.min(2 * self.block);
            }
        }
        Ok(())
    }

    /// Grows the basis by the leading independent columns of `x`.
    fn grow(&self, basis: &mut Basis, x: ArrayView2<'_, f64>) -> Grown {
        if x.is_empty() || !self.unit.has_room(exponent_of_table(x.view())) {
            return Grown { coordinates: Array2::zeros((0, 0)), longest: Vec::new() };
        }
        let rows = column_by_column(x, -self.unit.exponent()).reversed_axes();
        let (mut most, mut longest) = (self.longest, Vec::with_capacity(x.ncols()));
        let least = rows.rows().into_iter().enumerate().map(|(i, x)| {
            most = most.max(x.to_slice().map_or_else(|| x.dot(&x).sqrt(), norm));
            longest.push(most);
            negligible(self.n, self.p + i + 1) * most
        });
        let least: Vec<f64> = least.collect();
        Grown { coordinates: basis.grow(rows, &least), longest }
    }

    /// Takes the columns by which the basis has grown into the triangle; `turned` are the targets in the coordinates of
    /// the earlier basis.
    fn append_grown(&mut self, grown: &Grown, turned: &mut Array2<f64>) -> Vec<Pending> {
        let (r, count) = (self.triangle.len(), grown.coordinates.ncols());
        self.basis.turn(r, turned);
        if r < self.p {
            // Some column was in the span of others, so that the images are no longer the table's columns.
            self.images.extend(self.held_out.by_columns(self.p..self.p + count));
        }
        let mut pending = Vec::with_capacity(count);
        for (j, column) in grown.coordinates.columns().into_iter().enumerate() {
            (self.p, self.longest) = (self.p + 1, grown.longest[j]);
            self.triangle.append(column.slice(s![..r + j]).to_vec(), column[r + j]);
            let mut squares = Vec::with_capacity(self.c.len());
            for (c, target) in self.c.iter_mut().zip(turned.columns()) {
                c.push(target[r + j]);
                squares.push(target.to_slice().map_or(0.0, |target| square(&target[r + j + 1..])));
            }
            pending.push(Pending { p: self.p, rank: r + j + 1, squares });
        }
        pending
    }

    /// Forms what single columns need: the vectors of the basis and the images of columns that came in blocks, or the
    /// triangle and images after blocks past the threshold.
    pub(super) fn form(&mut self) {
        if let Some((upper, images)) = self.spanned.take() {
            self.triangle = upper.to_triangle();
            let images = by_columns(images.t());
            self.images = images.columns().into_iter().rev().map(|image| image.to_vec()).collect();
        }
        self.basis.form();
        let known = self.images.len();
        if known < self.triangle.len() {
            self.images.extend(self.held_out.by_columns(known..self.triangle.len()));
        }
    }

    fn extend_others(&mut self, x: ArrayView2<'_, f64>, points: &mut Vec<Point>) -> Result<(), Error> {
        self.form();
        let is_complete = self.basis.is_complete();
        let room = if is_complete { self.block } else { self.n - self.basis.len() };
        let x = x.slice(s![.., ..x.ncols().min(self.block.min(room))]);
        if self.extend_block(&x, points)? {
            let largest = if is_complete { LARGEST_BLOCK } else { LARGEST_INDEPENDENT };
            self.block = largest.min(2 * self.block);
            if !is_complete && self.basis.is_complete() {
                // Fits are worst conditioned here.
                self.block = SMALLEST_BLOCK;
            }
        } else if self.block > SMALLEST_BLOCK && is_complete && x.ncols() >= SMALLEST_BLOCK {
            self.block /= 2;
        } else {
            self.one_by_one(x, points)?;
        }
        Ok(())
    }

    pub(super) fn one_by_one(
        &mut self,
        x: ArrayView2<'_, f64>,
        points: &mut Vec<Point>,
    ) -> Result<(), Error> {
        for column in x.columns() {
            points.push(self.push(&column)?);
        }
        Ok(())
    }

    /// Appends all columns at once; returns `false`, with nothing done, if they must go one by one.
    fn extend_block(&mut self, x: &ArrayView2<'_, f64>, points: &mut Vec<Point>) -> Result<bool, Error> {
        let (n, b) = x.dim();
        let one_by_one = self.noise.is_some() || self.smallest.is_some() || self.left_out.is_some();
        if b.min(n) < SMALLEST_BLOCK || one_by_one || !self.unit.has_room(exponent_of_table(x.view())) {
            return Ok(false);
        }
        if self.basis.is_complete() && self.kept.is_some() {
            return Ok(false);
        }
        let given = x;
        let x = x.t().mapv(|v| scaled(v, -self.unit.exponent()));
        if self.basis.is_complete() {
            return self.extend_dependent(&x, points);
        }
        let images = self.held_out.by_columns(self.p..self.p + b);
        let columns = self.basis.project(&x).into_iter().zip(x.rows()).zip(given.columns()).zip(images);
        for (((projected, x), given), image) in columns {
            self.p += 1;
            self.kept.iter_mut().for_each(|(kept, _)| kept.push(given, None));
            self.longest = self.longest.max(x.dot(&x).sqrt());
            let split = self.basis.finish(projected, self.negligible(&x));
            self.append(split, image);
            points.push(self.measure()?);
        }
        Ok(true)
    }

    /// Measures points of independent columns one at a time.
    fn measure_each(&mut self, pending: Vec<Pending>, points: &mut Vec<Point>) -> Result<(), Error> {
        self.form();
        for Pending { p, rank, squares } in pending {
            points.push(self.measure_leading(p, rank, &squares)?);
        }
        Ok(())
    }

    /// Measures points of independent columns if all of them are far from singular; `None` otherwise. All solutions use
    /// one triangle, with targets cut off at different lengths, and all predictions are one matrix product.
    fn measure_clear(
        &self,
        triangle: &mut Triangle,
        lower: &mut Lower,
        pending: &[Pending],
    ) -> Result<Option<Vec<Point>>, Error> {
        let Some(last) = pending.last() else { return Ok(Some(Vec::new())) };
        // The last of nested triangles is the worst conditioned; a tenth of the bound, as the others are not checked.
        if !triangle.is_conditioned_under(condition_bound(self.n, last.p) / 10.0, 0.0) {
            return Ok(None);
        }
        let (k, r) = (self.c.len(), last.rank);
        let mut solutions = Array2::zeros((r, pending.len() * k).f());
        for (column, mut solution) in solutions.columns_mut().into_iter().enumerate() {
            let rank = pending[column / k].rank;
            solution.iter_mut().zip(&self.c[column % k][..rank]).for_each(|(to, &from)| *to = from);
        }
        solve_transposed(lower.of(triangle), &mut solutions);
        let predictions = if triangle.len() == self.p {
            self.held_out.images(&solutions) // no column was in the span of others: the images are the table's columns
        } else {
            let m = self.images.iter().map(Vec::len).max().unwrap_or(0);
            product(as_columns(&self.images[..r], m).view(), solutions.view())
        };
        let measured = pending.iter().enumerate().map(|(i, Pending { p, rank, squares })| {
            let columns = s![.., i * k..(i + 1) * k];
            let columns_of = |matrix: &Array2<f64>| -> Vec<Vec<f64>> {
                matrix.slice(columns).columns().into_iter().map(|column| column.to_vec()).collect()
            };
            let fit = Fit { z: columns_of(&solutions), rank: *rank, ..Fit::default() };
            self.measured(*p).point(&fit, &columns_of(&predictions), squares, 0, Engine::Nested)
        });
        measured.collect::<Result<_, _>>().map(Some)
    }

    /// Appends columns in the span of the basis, given as rows.
    fn extend_dependent(&mut self, x: &Array2<f64>, points: &mut Vec<Point>) -> Result<bool, Error> {
        let (b, n) = x.dim();
        let more = x.mapv(|v| v * v).sum();
        let triangle = self.ridge.as_mut().map_or(&mut self.triangle, |penalty| &mut penalty.triangle);
        // A tenth of the bound: there is no check inside the block.
        if !triangle.is_conditioned_under(condition_bound(n, self.p + b) / 10.0, more) {
            return Ok(false);
        }
        let rows = product(x.view(), as_columns(self.basis.vectors(), n).view());
        let new_images: Vec<_> = (self.p..self.p + b).map(|column| self.held_out.column(column)).collect();
        let Some(block) = ColumnBlock::new(triangle, &self.c, &self.images, rows.view(), &new_images)? else {
            return Ok(false);
        };
        let ridge = match &self.ridge {
            Some(penalty) => match self.ridge_in_block(penalty, &block, &rows) {
                Some(ridge) => Some(ridge),
                None => return Ok(false),
            },
            None => None,
        };
        let (mut nothing, mut no_more) = (Array2::zeros((n, 0)), Array2::zeros((b, 0)));
        if let Some(penalty) = &mut self.ridge {
            penalty.triangle = block.triangle;
            self.triangle = fold(&self.triangle, rows.view(), &mut nothing, &mut no_more)?;
        } else {
            self.triangle = block.triangle;
        }
        self.p += b;
        self.images = block.images;
        self.longest = x.rows().into_iter().fold(self.longest, |m, row| m.max(row.dot(&row).sqrt()));
        let mut predictions: Vec<_> = block.z.iter().map(|z| combine(&self.images, z)).collect();
        let mut squares: Vec<f64> = self.rest.iter().map(|rest| square(rest)).collect();
        let mut fit = Fit { z: block.z, rank: n, ..Fit::default() };
        // From the last point to the first: the solutions get longer, so nothing cancels.
        let first = points.len();
        for (j, innovations) in block.innovations.rows().into_iter().enumerate().rev() {
            if let Some((norms, errors)) = &ridge {
                fit.z = norms.row(j).iter().map(|&norm| vec![norm]).collect();
                squares = errors.row(j).to_vec();
            }
            points.push(self.measured(self.p - b + j + 1).point(
                &fit,
                &predictions,
                &squares,
                0,
                Engine::Nested,
            )?);
            for (output, &t) in innovations.iter().enumerate() {
                fit.z[output].push(t);
                step(&mut predictions[output], t, block.steps.row(j));
            }
        }
        points[first..].reverse();
        Ok(true)
    }
}
