//! Appends blocks of rows past the threshold.

use super::Rows;
use super::blocks::{accumulated, to_columns};
use crate::Error;
use crate::machine::threads::both;
use crate::nested::block::{SMALLEST_BLOCK, as_columns, step};
use crate::nested::fit::{Fit, Measure, condition_bound};
use crate::nested::scale::{column_by_column, scaled};
use crate::nested::triangle::estimate_inverse;
use crate::nested::upper::{
    LARGEST_BLOCK, SHARED, Upper, columns, row_squares, smallest_block, with_identity,
};
use crate::nested::{Engine, Point};
use crate::svd::{reduce, solve_upper, solve_upper_transposed};
use ndarray::{Array2, ArrayView2, Axis, ShapeBuilder, s};

/// A block of rows taken into the triangle, before its fits are measured.
#[derive(Debug)]
struct Taken {
    /// `[Ω c']`, with the columns of `Ω` reversed.
    along: Array2<f64>,
    /// The triangle whose inverse turns `Ω` into `Ω C`; `c'` is unchanged.
    root: Array2<f64>,
    /// `t`, `b × k`.
    innovations: Array2<f64>,
    /// An estimate of `‖C‖`.
    growth: f64,
    /// The norm of the longest row.
    longest: f64,
}

/// An accepted block, with its sums of squared training errors and the number of rows up to its end.
#[derive(Debug)]
struct Waiting {
    taken: Taken,
    squares: Array2<f64>,
    n: usize,
}

/// The points of a block, and the fit at its end with its predictions.
#[derive(Debug)]
struct Measured {
    points: Vec<Point>,
    fit: Fit,
    predictions: Vec<Vec<f64>>,
}

impl Rows<'_> {
    /// Appends blocks of rows in the coordinates of the features; single rows if blocks are not possible.
    ///
    /// For a block `M` (`b × p`) with targets `Y` the reflections of `[R; M] = G [R'; 0]` carry `[0 c; I Y]` to `[Ω c';
    /// Φ F]`, and `Φ = O C⁻¹` with `O` orthogonal and `C` lower triangular: `C Cᵀ = I + V Vᵀ` with `V = M R⁻¹` as in
    /// [`block`](crate::nested::block). So the fits of the block are
    ///
    /// ```text
    /// βᵢ = β_b − Σ_{j > i} hⱼ tⱼ        H = R'⁻¹ Ω C        t = Oᵀ F        β_b = R'⁻¹ c'
    /// ```
    ///
    /// with a single triangular solve for `H` and `β_b`, and the sum of squared training errors grows by `tᵢ²`.
    ///
    /// The next block needs only `R'` and `c'`: it is taken in while the fits of the current block are measured.
    pub(super) fn extend_spanned(
        &mut self,
        (x, y): (ArrayView2<'_, f64>, ArrayView2<'_, f64>),
        points: &mut Vec<Point>,
    ) -> Result<(), Error> {
        let (p, rows) = (self.p, x.nrows());
        let mut c = as_columns(&self.c, p);
        let mut upper = self.start_spanned(&mut c, rows);
        let mut next = upper.room();
        let (least, mut done, mut is_over, mut waiting) = (smallest_block(p), 0, false, None);
        let outcome = loop {
            let b = if is_over { 0 } else { self.block.min(rows - done) };
            let block = (b >= least).then(|| s![done..done + b, ..]);
            if block.is_none() && waiting.is_none() {
                break Ok(());
            }
            let (this, last, to, from) = (&*self, &upper, &mut next, &c);
            let (taken, measured) = both(
                p >= SHARED,
                || block.map(|rows| this.take_in((last, to), from, (x.slice(rows), y.slice(rows)))),
                || waiting.take().map(|waiting| this.measure_block(&last.r, waiting)),
            );
            match measured.transpose() {
                Ok(Some(measured)) => {
                    points.extend(measured.points);
                    (self.fit, self.predictions) = (measured.fit, measured.predictions);
                }
                Ok(None) => {}
                Err(error) => break Err(error),
            }
            match taken.transpose() {
                // A single row gets a fresh solve.
                Ok(Some(Some(taken)))
                    if b == 1 || taken.growth <= 2.0 || upper.inverse() <= 2.0 * next.inverse() =>
                {
                    std::mem::swap(&mut upper, &mut next);
                    c.assign(&taken.along.slice(s![.., b..]));
                    let squares = accumulated(&taken.innovations, &self.squares);
                    self.squares = squares.row(b - 1).to_vec();
                    self.longest = self.longest.max(taken.longest);
                    (self.n, done) = (self.n + b, done + b);
                    waiting = Some(Waiting { taken, squares, n: self.n });
                    self.block = LARGEST_BLOCK.min(2 * self.block);
                }
                Ok(Some(_)) if b >= 2 * least => self.block = b / 2,
                Ok(_) => is_over = true,
                Err(error) => break Err(error),
            }
        };
        (self.spanned, self.is_nested) = (Some(upper), false);
        c.invert_axis(Axis(0));
        self.c = to_columns(&c);
        outcome?;
        let single = s![done..rows.min(done + SMALLEST_BLOCK), ..];
        self.one_by_one((x.slice(single), y.slice(single)), points)
    }

    /// Returns the triangle in the coordinates of the features, after which `rows` more rows follow; `c` is transformed
    /// with it.
    fn start_spanned(&mut self, c: &mut Array2<f64>, rows: usize) -> Upper {
        if let Some(upper) = self.spanned.take() {
            let mut reversed = Array2::zeros(c.raw_dim().f());
            reversed.assign(&c.slice(s![..;-1, ..]));
            *c = reversed;
            return upper;
        }
        let is_flipped = self.basis.is_flipped();
        if self.basis.given().is_none() {
            self.basis.form();
        }
        let (triangle, basis, held_out) = (&self.triangle, &self.basis, &mut self.held_out);
        let compress = || {
            if !is_flipped {
                held_out.compress(rows);
            }
        };
        let (upper, ()) = both(self.p >= SHARED, || Upper::new(triangle, basis, c), compress);
        if !is_flipped {
            self.basis.flip();
            self.images.clear(); // they belong to the earlier basis, as does the solution
            self.fit.z.clear();
        }
        upper
    }

    /// Forms what single rows need: the vectors of the basis, and the triangle and images after blocks past the
    /// threshold.
    pub(super) fn form(&mut self) {
        self.basis.form();
        let Some(upper) = self.spanned.take() else { return };
        self.triangle = upper.to_triangle();
        if self.images.is_empty() {
            self.images = self.held_out.by_columns(0..self.p);
            self.images.reverse();
        }
    }

    /// Takes in all rows at once. `None` if that would be inaccurate: every point of a block is as accurate as the
    /// matrix at the start of the block allows, so that matrix must not be much worse conditioned than the one at the
    /// end. Just after the threshold it is, and blocks are short.
    fn take_in(
        &self,
        (before, upper): (&Upper, &mut Upper),
        c: &Array2<f64>,
        (x, y): (ArrayView2<'_, f64>, ArrayView2<'_, f64>),
    ) -> Result<Option<Taken>, Error> {
        let ((b, p), k) = (x.dim(), self.c.len());
        if !self.has_room(&x, &y) {
            return Ok(None);
        }
        upper.copy_from(before);
        let rows = column_by_column(x, -self.unit.exponent());
        let squares_of_rows = row_squares(&rows);
        // A tenth of the bound: there is no check inside the block.
        if !upper.is_conditioned_under(condition_bound(self.n + b, p) / 10.0, squares_of_rows.iter().sum()) {
            return Ok(None);
        }
        let mut targets = Array2::zeros(y.raw_dim());
        for ((mut to, y), unit) in targets.columns_mut().into_iter().zip(y.columns()).zip(&self.target_units)
        {
            to.assign(&y.mapv(|v| scaled(v, -unit.exponent())));
        }
        let mut beside = with_identity(c.view(), targets.view());
        upper.take_in(rows, &mut beside)?;
        let [along, mut left] = beside;
        if let Some(left) = left.as_slice_memory_order_mut() {
            reduce(left, (b, b + k), b, b); // the last row first: upper triangular
        }
        let mut root = Array2::eye(b + k).reversed_axes();
        root.slice_mut(s![..b, ..b]).assign(&left.slice(s![.., ..b]));
        // ‖C‖ is at least ‖R⁻¹‖ / ‖R'⁻¹‖: if it is small, that ratio need not be computed.
        let growth = estimate_inverse(&columns(&root));
        if !growth.is_finite() {
            return Ok(None);
        }
        let innovations = left.slice(s![..;-1, b..]).to_owned();
        let longest = squares_of_rows.into_iter().fold(0.0, f64::max).sqrt();
        Ok(Some(Taken { along, root, innovations, growth, longest }))
    }

    /// Measures all points of a block, from the triangle `r` at its end.
    fn measure_block(&self, r: &Array2<f64>, waiting: Waiting) -> Result<Measured, Error> {
        let Waiting { taken: Taken { mut along, root, innovations, .. }, squares, n } = waiting;
        let (b, p) = (innovations.nrows(), self.p);
        // Row-major, because the last columns are not part of Ω.
        let mut rows = along.reversed_axes();
        solve_upper_transposed(&root, &mut rows);
        along = rows.reversed_axes();
        solve_upper(r, &mut along);
        let images = self.held_out.images(&along);
        let mut z = to_columns(&along.slice(s![.., b..]).to_owned());
        let mut predictions = to_columns(&images.slice(s![.., b..]).to_owned());
        let end = (z.clone(), predictions.clone());
        let mut fit = Fit { rank: p, ..Fit::default() };
        let mut points = Vec::with_capacity(b);
        for (j, innovations) in innovations.rows().into_iter().enumerate().rev() {
            fit.z = z;
            let (features, targets) = (self.unit, &self.target_units[..]);
            let measure = Measure { held_out: &self.held_out, features, targets, n: n - b + j + 1, p };
            points.push(measure.point(&fit, &predictions, &squares.row(j).to_vec(), 0, Engine::Nested)?);
            z = fit.z;
            for (output, &t) in innovations.iter().enumerate() {
                step(&mut z[output], -t, along.column(b - 1 - j));
                step(&mut predictions[output], -t, images.column(b - 1 - j));
            }
        }
        points.reverse();
        (fit.z, predictions) = end;
        for z in &mut fit.z {
            z.reverse();
        }
        Ok(Measured { points, fit, predictions })
    }
}
