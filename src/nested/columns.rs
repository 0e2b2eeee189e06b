//! Model-wise: columns appended.

use super::basis::{Basis, Split};
use super::block::{as_columns, solve_transposed, step};
use super::column_block::ColumnBlock;
use super::fit::{Fit, Measure, Noise, combine, condition_bound, is_clear, negligible};
use super::held_out::HeldOut;
use super::penalty::{Angle, Penalty};
use super::scale::{Unit, largest_exponent, scaled};
use super::triangle::{Triangle, axpy, dot, rotate, square};
use super::{Engine, Point, Test};
use crate::Error;
use ndarray::{Array2, ArrayRef1, ArrayRef2, ArrayView2, s};

/// Columns taken at once, at most: enough for matrix products at full speed.
const LARGEST_BLOCK: usize = 256;
/// The same while columns are independent: among themselves they are orthogonalised one by one.
const LARGEST_INDEPENDENT: usize = 64;
/// Under this many rows or columns single columns are as fast.
const SMALLEST_BLOCK: usize = 16;

/// Minimum-norm fits on features that come one column at a time, one [`Point`] per column.
///
/// ```text
/// X (n × p) = Q Lᵀ Wᵀ      β̂ = W L⁻ᵀ c      c = Q Y      predictions  (A W)(L⁻ᵀ c)
/// ```
///
/// The columns of the test table, `A W`, are carried through the rotations. `L⁻ᵀ c` is solved for afresh at
/// every point, or at the end of every block of [`Columns::extend`]: carried on it would remember the worst
/// matrix of the curve. Memory is O(n² + n m), a column costs O(n² + n m), `m` the rows of the compressed test table, at most one more than features and targets
/// together.
///
/// # Examples
/// ```
/// use double_descent::nested::{Columns, Test};
/// use double_descent::risk::Compressed;
/// use ndarray::array;
///
/// let (x, y) = (array![[1.0, 1.0]], array![[4.0]]); // one sample
/// let test = Compressed::new(&x, &array![[1.0]])?;
/// let mut fit = Columns::new(&y, Test::Rows(&test))?;
/// for column in x.columns() {
///     let point = fit.push(&column)?;
///     assert!((point.test_mse.unwrap() - 9.0).abs() < 1e-13); // it interpolates: (4 − 1)²
/// }
/// # Ok::<(), double_descent::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Columns<'a> {
    held_out: HeldOut<'a>,
    n: usize,
    p: usize,
    unit: Unit,
    target_units: Vec<Unit>,
    /// The norm of the longest column so far.
    longest: f64,
    triangle: Triangle,
    basis: Basis,
    /// The columns of `A W`; with a penalty, those that go with its triangle.
    images: Vec<Vec<f64>>,
    noise: Option<Noise>,
    ridge: Option<Penalty>,
    /// `Q Y`, one vector per output.
    c: Vec<Vec<f64>>,
    /// `Y − Qᵀ Q Y`, one vector per output.
    rest: Vec<Vec<f64>>,
    /// How many columns to take next at once.
    block: usize,
}

/// A point whose columns were independent, before it is measured.
#[derive(Debug)]
struct Pending {
    p: usize,
    rank: usize,
    /// The sums of squared training errors.
    squares: Vec<f64>,
}

impl<'a> Columns<'a> {
    /// A fit of targets `y` (`n × k`) on no features yet.
    ///
    /// # Errors
    /// [`Error::Empty`], [`Error::NonFinite`], [`Error::Shape`] if the test table has another number of
    /// targets.
    pub fn new(y: &ArrayRef2<f64>, test: Test<'a>) -> Result<Self, Error> {
        if y.is_empty() {
            return Err(Error::Empty { what: "the targets" });
        }
        Error::check_finite("the targets", y.view())?;
        let (n, k) = y.dim();
        let mut target_units = vec![Unit::default(); k];
        let mut rest = Vec::with_capacity(k);
        for (column, unit) in y.columns().into_iter().zip(&mut target_units) {
            let _ = unit.admit(largest_exponent(column));
            rest.push(column.iter().map(|&v| scaled(v, -unit.exponent())).collect());
        }
        Ok(Self {
            held_out: HeldOut::new(test, None, k)?,
            n,
            p: 0,
            unit: Unit::default(),
            target_units,
            longest: 0.0,
            triangle: Triangle::default(),
            basis: Basis::new(n),
            images: Vec::new(),
            noise: None,
            ridge: None,
            c: vec![Vec::new(); k],
            rest,
            block: SMALLEST_BLOCK,
        })
    }

    /// Asks for the expected noise term of every point, [`Point::noise`], for test features of second moments
    /// `covariance` (Σ, `P × P`, for `P` columns to come). O(P n²) more a point.
    ///
    /// # Errors
    /// [`Error::Shape`], [`Error::NonFinite`], [`Error::Empty`], [`Error::Domain`] unless Σ is symmetric and
    /// positive semidefinite; [`Error::Domain`] after the first column.
    pub fn with_noise_covariance(mut self, covariance: &ArrayRef2<f64>) -> Result<Self, Error> {
        if self.p > 0 {
            let must_be = "0 when the noise term is asked for";
            return Err(Error::Domain {
                what: "the number of columns so far",
                value: self.p as f64,
                must_be,
            });
        }
        self.noise = Some(Noise::new(covariance)?);
        Ok(self)
    }

    /// Makes every fit that of [`Ridge`](crate::filter::Ridge) with penalty `lambda`, `‖X β − Y‖² + λ ‖β‖²`. Columns then
    /// go one by one, and no point is handed over to the SVD: nothing is cut off.
    ///
    /// # Errors
    /// [`Error::Domain`] unless `lambda` is positive and finite; [`Error::Domain`] after the first column.
    ///
    /// # Examples
    /// ```
    /// use double_descent::nested::{Columns, Test};
    /// use ndarray::array;
    ///
    /// let mut fit = Columns::new(&array![[8.0]], Test::None)?.with_ridge(3.0)?;
    /// let point = fit.push(&array![1.0])?;
    /// assert!((point.norm - 2.0).abs() < 1e-14); // 8 / (1 + 3)
    /// assert!((point.train_mse - 36.0).abs() < 1e-13); // (2 − 8)², no penalty in it
    /// # Ok::<(), double_descent::Error>(())
    /// ```
    pub fn with_ridge(mut self, lambda: f64) -> Result<Self, Error> {
        if self.p > 0 {
            let must_be = "0 when the penalty is set";
            return Err(Error::Domain {
                what: "the number of columns so far",
                value: self.p as f64,
                must_be,
            });
        }
        self.unit = Unit::default();
        self.ridge = Some(Penalty::new(lambda, &mut self.unit)?);
        Ok(self)
    }

    /// Appends a column of features (`n`), to which the next column of the test table belongs, and measures
    /// the fit on all columns so far.
    ///
    /// # Errors
    /// [`Error::Shape`] (the test table's columns may be used up) and [`Error::NonFinite`], which leave the
    /// fit as it was; [`Error::Overflow`] and [`Error::Backend`], which leave the column appended.
    pub fn push(&mut self, x: &ArrayRef1<f64>) -> Result<Point, Error> {
        Error::check_len("rows of the features", self.n, x.len())?;
        if let Some((row, &value)) = x.iter().enumerate().find(|(_, v)| !v.is_finite()) {
            return Err(Error::NonFinite { what: "the features", row, column: self.p, value });
        }
        if let Some(width) = self.held_out.features().filter(|&width| width <= self.p) {
            Error::check_len("columns of the test features", self.p + 1, width)?;
        }
        if let Some(width) = self.noise.as_ref().map(Noise::features).filter(|&width| width <= self.p) {
            Error::check_len("columns of the covariance", self.p + 1, width)?;
        }
        if let Some(factor) = self.unit.admit(largest_exponent(x)) {
            self.triangle.scale(factor);
            if let Some(penalty) = &mut self.ridge {
                penalty.scale(factor, self.unit);
            }
            self.longest *= factor;
        }
        self.p += 1;
        let x: Vec<f64> = x.iter().map(|&v| scaled(v, -self.unit.exponent())).collect();
        self.longest = self.longest.max(square(&x).sqrt());
        let split = self.basis.split(x, negligible(self.n, self.p) * self.longest);
        self.append(split);
        self.measure()
    }

    /// Appends columns of features (`n × b`) and measures every fit on the way: what [`Columns::push`] on each column
    /// in turn would give, up to rounding.
    ///
    /// Whole blocks of columns become matrix–matrix work; a few hundred columns a call are enough for that.
    ///
    /// # Errors
    /// As [`Columns::push`]; input of the wrong shape, NaN and infinities leave the fit as it was. After any other
    /// error some of the columns are appended and some are not.
    pub fn extend(&mut self, x: &ArrayRef2<f64>) -> Result<Vec<Point>, Error> {
        Error::check_len("rows of the features", self.n, x.nrows())?;
        Error::check_finite("the features", x.view())?;
        let columns = self.p + x.ncols();
        if let Some(width) = self.held_out.features().filter(|&width| width < columns) {
            Error::check_len("columns of the test features", columns, width)?;
        }
        if let Some(width) = self.noise.as_ref().map(Noise::features).filter(|&width| width < columns) {
            Error::check_len("columns of the covariance", columns, width)?;
        }
        let mut points = Vec::with_capacity(x.ncols());
        while points.len() < x.ncols() {
            let from = points.len();
            let is_complete = self.basis.is_complete();
            let room = if is_complete { self.block } else { self.n - self.basis.vectors().len() };
            let to = x.ncols().min(from + self.block.min(room));
            let block = x.slice(s![.., from..to]);
            if self.extend_block(&block, &mut points)? {
                let largest = if is_complete { LARGEST_BLOCK } else { LARGEST_INDEPENDENT };
                self.block = largest.min(2 * self.block);
                if !is_complete && self.basis.is_complete() {
                    // Fits are never worse conditioned than here.
                    self.block = SMALLEST_BLOCK;
                }
            } else if self.block > SMALLEST_BLOCK && is_complete {
                self.block /= 2;
            } else {
                for column in block.columns() {
                    points.push(self.push(&column)?);
                }
            }
        }
        Ok(points)
    }

    /// All columns at once; `false`, and nothing done, if they must go one by one.
    fn extend_block(&mut self, x: &ArrayView2<'_, f64>, points: &mut Vec<Point>) -> Result<bool, Error> {
        let (n, b) = x.dim();
        if b.min(n) < SMALLEST_BLOCK
            || self.noise.is_some()
            || self.ridge.is_some()
            || !self.unit.has_room(largest_exponent(x))
        {
            return Ok(false);
        }
        let x = x.t().mapv(|v| scaled(v, -self.unit.exponent()));
        if self.basis.is_complete() {
            return self.extend_dependent(&x, points);
        }
        let mut pending = Vec::with_capacity(b);
        for (projected, x) in self.basis.project(&x).into_iter().zip(x.rows()) {
            self.p += 1;
            self.longest = self.longest.max(x.dot(&x).sqrt());
            let split = self.basis.finish(projected, negligible(n, self.p) * self.longest);
            if split.outside.is_some() {
                self.append(split);
                let (p, rank) = (self.p, self.triangle.len());
                pending.push(Pending {
                    p,
                    rank,
                    squares: self.rest.iter().map(|rest| square(rest)).collect(),
                });
            } else {
                // The rotations change the triangle that the points before it are read from.
                self.measure_all(std::mem::take(&mut pending), points)?;
                self.append(split);
                points.push(self.measure()?);
            }
        }
        self.measure_all(pending, points)?;
        Ok(true)
    }

    /// Points of independent columns. All of them are solutions with one triangle, of targets that end sooner or
    /// later, and all predictions are one matrix product.
    fn measure_all(&mut self, pending: Vec<Pending>, points: &mut Vec<Point>) -> Result<(), Error> {
        let Some(last) = pending.last() else { return Ok(()) };
        // Of nested triangles the last is the worst conditioned; a tenth of the bound, as nobody looks at the others.
        if !self.triangle.is_conditioned_under(condition_bound(self.n, last.p) / 10.0, 0.0) {
            for Pending { p, rank, squares } in pending {
                points.push(self.measure_leading(p, rank, &squares)?);
            }
            return Ok(());
        }
        let (k, r) = (self.c.len(), last.rank);
        let mut solutions = Array2::zeros((r, pending.len() * k));
        for (column, mut solution) in solutions.columns_mut().into_iter().enumerate() {
            let rank = pending[column / k].rank;
            solution.iter_mut().zip(&self.c[column % k][..rank]).for_each(|(to, &from)| *to = from);
        }
        solve_transposed(&self.triangle.to_array(), &mut solutions);
        let m = self.images.iter().map(Vec::len).max().unwrap_or(0);
        let predictions = as_columns(&self.images, m).dot(&solutions);
        for (i, Pending { p, rank, squares }) in pending.into_iter().enumerate() {
            let columns = s![.., i * k..(i + 1) * k];
            let columns_of = |matrix: &Array2<f64>| -> Vec<Vec<f64>> {
                matrix.slice(columns).columns().into_iter().map(|column| column.to_vec()).collect()
            };
            let fit = Fit { z: columns_of(&solutions), rank, ..Fit::default() };
            points.push(self.measured(p).point(
                &fit,
                &columns_of(&predictions),
                &squares,
                0,
                Engine::Nested,
            )?);
        }
        Ok(())
    }

    /// Columns, as rows, that the basis spans.
    fn extend_dependent(&mut self, x: &Array2<f64>, points: &mut Vec<Point>) -> Result<bool, Error> {
        let (b, n) = x.dim();
        let more = x.mapv(|v| v * v).sum();
        // A tenth of the bound: inside the block nobody looks again.
        if !self.triangle.is_conditioned_under(condition_bound(n, self.p + b) / 10.0, more) {
            return Ok(false);
        }
        let rows = x.dot(&as_columns(self.basis.vectors(), n));
        let new_images: Vec<_> = (self.p..self.p + b).map(|column| self.held_out.column(column)).collect();
        let Some(block) = ColumnBlock::new(&self.triangle, &self.c, &self.images, rows.view(), &new_images)?
        else {
            return Ok(false);
        };
        self.p += b;
        self.longest = x.rows().into_iter().fold(self.longest, |m, row| m.max(row.dot(&row).sqrt()));
        (self.triangle, self.images) = (block.triangle, block.images);
        let mut predictions: Vec<_> = block.z.iter().map(|z| combine(&self.images, z)).collect();
        let squares: Vec<f64> = self.rest.iter().map(|rest| square(rest)).collect();
        let mut fit = Fit { z: block.z, rank: n, ..Fit::default() };
        // From the last point to the first: the solutions get longer, so nothing cancels.
        let first = points.len();
        for (j, innovations) in block.innovations.rows().into_iter().enumerate().rev() {
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

    /// Columns so far.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.p
    }

    /// Takes in the last column.
    fn append(&mut self, split: Split) {
        let mut image = self.held_out.column(self.p - 1);
        let mut noise = self.noise.as_ref().map_or_else(Vec::new, |noise| noise.column(self.p - 1));
        let Split { mut inside, outside } = split;
        let (images, mut noises) = (&mut self.images, self.noise.as_mut());
        if let Some((q, rho)) = outside {
            if let Some(penalty) = &mut self.ridge {
                let Angle { cos, sin } = penalty.angle(rho);
                let times = |factor: f64, x: &[f64]| -> Vec<f64> { x.iter().map(|v| factor * v).collect() };
                let (mut rest, mut noise_rest) = (times(-sin, &image), times(-sin, &noise));
                penalty.append(&inside, rho, |i, cos, sin| {
                    turn(images, i, &mut rest, cos, sin);
                    if let Some(all) = &mut noises {
                        turn(&mut all.images, i, &mut noise_rest, cos, sin);
                    }
                });
                (image, noise) = (times(cos, &image), times(cos, &noise));
            }
            self.triangle.append(inside, rho);
            for (c, rest) in self.c.iter_mut().zip(&mut self.rest) {
                let along = dot(&q, rest);
                axpy(rest, -along, &q);
                c.push(along);
            }
            images.push(image);
            if let Some(all) = noises {
                all.images.push(noise);
            }
            self.basis.push(q);
            if self.basis.is_complete() {
                // All of the space is spanned: what is left of the targets is rounding.
                self.rest.iter_mut().for_each(|rest| rest.fill(0.0));
            }
        } else {
            let triangle = match &mut self.ridge {
                Some(penalty) => {
                    self.triangle.rotate_in(&mut inside.clone(), |_, _, _| ());
                    &mut penalty.triangle
                }
                None => &mut self.triangle,
            };
            triangle.rotate_in(&mut inside, |i, cos, sin| {
                turn(images, i, &mut image, cos, sin);
                if let Some(all) = &mut noises {
                    turn(&mut all.images, i, &mut noise, cos, sin);
                }
            });
        }
    }

    fn measure(&mut self) -> Result<Point, Error> {
        if let Some(penalty) = &self.ridge {
            return self.measure_ridge(penalty);
        }
        let squares: Vec<f64> = self.rest.iter().map(|rest| square(rest)).collect();
        self.measure_leading(self.p, self.triangle.len(), &squares)
    }

    /// `Rᵀ v = c` is the minimum-norm solution of `[X √λ I] [β; e] = Y`, and `√λ e` its residual: `e = √λ R⁻¹ v` in the
    /// coordinates of the basis, and `‖β‖` is `‖L e‖ / √λ` or, where nothing cancels, what `e` leaves of `‖v‖`.
    fn measure_ridge(&self, penalty: &Penalty) -> Result<Point, Error> {
        let pad = penalty.pad();
        let (mut fit, mut predictions) = (Fit { rank: self.triangle.len(), ..Fit::default() }, Vec::new());
        let mut squares: Vec<f64> = self.rest.iter().map(|rest| square(rest)).collect();
        for (c, squares) in self.c.iter().zip(&mut squares) {
            let v = penalty.triangle.backward(c);
            predictions.push(combine(&self.images, &v));
            let padded: Vec<f64> = v.iter().map(|v| pad * v).collect();
            let e = penalty.triangle.forward(&padded);
            let (all, left) = (square(&v).sqrt(), square(&e).sqrt());
            let norm = if left < 0.5 * all {
                ((all - left) * (all + left)).sqrt()
            } else {
                square(&self.triangle.times(&e)).sqrt() / pad
            };
            fit.z.push(vec![norm]);
            *squares += (pad * left) * (pad * left);
        }
        fit.noise = self
            .noise
            .as_ref()
            .map(|noise| noise.coordinates().map(|row| square(&penalty.triangle.forward(&row))).sum());
        let unit = self.noise.as_ref().map_or(0, |noise| noise.exponent);
        self.measured(self.p).point(&fit, &predictions, &squares, unit, Engine::Nested)
    }

    /// The fit to the first `p` columns, of rank `rank`, from the leading part of the triangle.
    fn measure_leading(&mut self, p: usize, rank: usize, squares: &[f64]) -> Result<Point, Error> {
        let n = self.n;
        let mut leading = (rank < self.triangle.len()).then(|| self.triangle.leading(rank));
        let triangle = leading.as_mut().unwrap_or(&mut self.triangle);
        let (fit, engine) = if is_clear(triangle, n, p) {
            let z = self.c.iter().map(|c| triangle.backward(&c[..rank])).collect();
            let noise = self
                .noise
                .as_ref()
                .map(|noise| noise.coordinates().map(|row| square(&triangle.forward(&row))).sum());
            (Fit { z, lost: Vec::new(), rank, noise }, Engine::Nested)
        } else {
            let transposed = triangle.to_array().reversed_axes();
            (Fit::by_svd(transposed, &self.c, self.noise.as_ref(), (n, p))?, Engine::Svd)
        };
        let predictions: Vec<_> = fit.z.iter().map(|z| combine(&self.images, z)).collect();
        let unit = self.noise.as_ref().map_or(0, |noise| noise.exponent);
        self.measured(p).point(&fit, &predictions, squares, unit, engine)
    }

    fn measured(&self, p: usize) -> Measure<'_, 'a> {
        Measure { held_out: &self.held_out, features: self.unit, targets: &self.target_units, n: self.n, p }
    }
}

/// Rotates image `i` and that of a new column.
fn turn(images: &mut [Vec<f64>], i: usize, new: &mut Vec<f64>, cos: f64, sin: f64) {
    let length = images[i].len().max(new.len());
    images[i].resize(length, 0.0);
    new.resize(length, 0.0);
    rotate(&mut images[i], new, cos, sin);
}
