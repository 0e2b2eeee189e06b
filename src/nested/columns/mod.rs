//! Model-wise fits: columns are appended.

mod blocks;
mod ridge;
mod spanned;

use super::basis::{Basis, Split};
use super::block::{SMALLEST_BLOCK, solve};
use super::fit::{Fit, Measure, Noise, combine, is_clear};
use super::held_out::HeldOut;
use super::kept::Kept;
use super::leave_one_out::ColumnWise;
use super::penalty::{Angle, Penalty, check_combination};
use super::refits::Refits;
use super::room::Room;
use super::scale::{Unit, largest_exponent, scaled};
use super::smallest::Smallest;
use super::triangle::{Triangle, axpy, dot, rotate, square};
use super::upper::Upper;
use super::{Engine, Point, Test};
use crate::Error;
use crate::machine::memory::reserve;
use ndarray::{Array2, ArrayRef1, ArrayRef2, aview1};

/// Minimum-norm or ridge fits on features that arrive one column at a time or in blocks, one [`Point`] per column.
///
/// [`Columns::new`] starts the curve, the `with_` methods request more of every point, and [`Columns::push`] or
/// [`Columns::extend`] add columns.
///
/// ```text
/// X (n × p) = Q Lᵀ Wᵀ      β̂ = W L⁻ᵀ c      c = Q Y      predictions  (A W)(L⁻ᵀ c)
/// ```
///
/// The columns of the test table, `A W`, are carried through the rotations. `L⁻ᵀ c` is recomputed at every point, or at
/// the end of every block of [`Columns::extend`]: an updated solution would keep the errors of the worst matrix of the
/// curve. Memory is O(n² + n m), and a column costs O(n² + n m), where `m` is the number of rows of the compressed test
/// table, at most one more than features and targets together.
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
    /// Replaces the triangle and its images after blocks of columns past the threshold.
    spanned: Option<(Upper, Array2<f64>)>,
    basis: Basis,
    /// The columns of `A W`, as far as they were [formed](Columns::form); with a penalty, the images that go with its
    /// triangle.
    images: Vec<Vec<f64>>,
    noise: Option<Noise>,
    smallest: Option<Smallest>,
    left_out: Option<(ColumnWise, Refits)>,
    ridge: Option<Penalty>,
    /// With ridge, while they may be needed: the columns, and the targets (`n × k`).
    kept: Option<(Kept, Array2<f64>)>,
    /// Whether the last column was found in the span of those before it.
    was_inside: bool,
    /// `Q Y`, one vector per output.
    c: Vec<Vec<f64>>,
    /// `Y − Qᵀ Q Y`, one vector per output.
    rest: Vec<Vec<f64>>,
    /// The size of the next block of columns.
    block: usize,
}

impl<'a> Columns<'a> {
    /// Creates a fit of targets `y` (`n × k`), without features yet.
    ///
    /// # Errors
    /// [`Error::Empty`] for no rows or targets, [`Error::NonFinite`], [`Error::Shape`] if the test table has another
    /// number of targets, or if the table of [`Test::Others`] has fewer rows than are in training, [`Error::Domain`]
    /// for [`Test::Others`] on a population.
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
        let held_out = HeldOut::new(test, None, k)?;
        held_out.check_training_rows(n)?;
        Ok(Self {
            held_out,
            n,
            p: 0,
            unit: Unit::default(),
            target_units,
            longest: 0.0,
            triangle: Triangle::default(),
            spanned: None,
            basis: Basis::new(n),
            images: Vec::new(),
            noise: None,
            smallest: None,
            left_out: None,
            ridge: None,
            kept: None,
            was_inside: false,
            c: vec![Vec::new(); k],
            rest,
            block: SMALLEST_BLOCK,
        })
    }

    /// Requests the expected noise term of every point, [`Point::noise`], for test features with second moments
    /// `covariance` (Σ, `P × P`, for `P` columns to come). Adds O(P r) per point, where `r` is its rank, and O(P r²) at
    /// a few points on the way down from a peak.
    ///
    /// # Errors
    /// [`Error::Empty`], [`Error::Shape`] unless Σ is square, [`Error::NonFinite`], [`Error::Domain`] unless Σ is
    /// symmetric and positive semidefinite up to rounding, [`Error::Memory`], [`Error::Backend`]; [`Error::Domain`]
    /// after the first column.
    pub fn with_noise_covariance(mut self, covariance: &ArrayRef2<f64>) -> Result<Self, Error> {
        self.check_no_columns("0 when the noise term is asked for")?;
        self.noise = Some(Noise::new(covariance)?);
        Ok(self)
    }

    /// Requests the smallest non-zero singular value of every point, [`Point::smallest_singular_value`], to a relative
    /// accuracy of 1e-12 + c κ ε. Each point takes some tens of solves with the triangle, O(r²) each; if that is not
    /// enough, as for clustered singular values, an SVD of the triangle.
    ///
    /// # Examples
    /// ```
    /// use double_descent::nested::{Columns, Test};
    /// use ndarray::array;
    ///
    /// let mut fit = Columns::new(&array![[1.0], [1.0]], Test::None)?.with_smallest_singular_value();
    /// let point = fit.push(&array![3.0, 4.0])?;
    /// assert!((point.smallest_singular_value.unwrap() - 5.0).abs() < 1e-14);
    /// # Ok::<(), double_descent::Error>(())
    /// ```
    #[must_use]
    pub fn with_smallest_singular_value(mut self) -> Self {
        self.smallest = Some(Smallest::default());
        self
    }

    /// Requests the leave-one-out error of every point, [`Point::loo_mse`]: with `K = X Xᵀ` and `h = diag(X X⁺)`
    ///
    /// ```text
    /// eᵢ = (Y − X β̂)ᵢ / (1 − hᵢᵢ)  where other rows span row i,      eᵢ = (K⁺ Y)ᵢ / (K⁺)ᵢᵢ  where they do not
    /// ```
    ///
    /// at any rank. An SVD of all other rows is used instead for each row whose removal changes which singular values
    /// count (a row so long that the others are rounding error next to it, or one without which a direction lies near
    /// the cutoff), and for each row whose error is dominated by rounding; [`Point::loo_by`] says so. If those SVDs
    /// would be too much work, the error is `None`. An error is as accurate as the worst conditioned of `X` and `X`
    /// without one row allows. Each point takes O(n r) more while `p < n` (O(n² r) for the last few before `n`), O(n²)
    /// from there on, and O(n³) at a few points on the way down from the threshold. With dependent columns, each row
    /// that alone spans a direction takes O(r²) more.
    ///
    /// # Errors
    /// [`Error::Domain`] after the first column, [`Error::Unsupported`] with ridge.
    ///
    /// # Examples
    /// ```
    /// use double_descent::nested::{Columns, Test};
    /// use ndarray::array;
    ///
    /// let mut fit = Columns::new(&array![[1.0], [3.0]], Test::None)?.with_leave_one_out()?;
    /// let point = fit.push(&array![1.0, 1.0])?; // each is predicted by the other
    /// assert!((point.loo_mse.unwrap() - 4.0).abs() < 1e-14);
    /// # Ok::<(), double_descent::Error>(())
    /// ```
    ///
    /// # References
    /// Hastie, Montanari, Rosset and Tibshirani, Annals of Statistics 2022, section 6: both forms at full
    /// rank.
    pub fn with_leave_one_out(mut self) -> Result<Self, Error> {
        self.check_no_columns("0 when the leave-one-out error is asked for")?;
        check_combination(self.ridge.is_some())?;
        let target = |i: usize, rest: &Vec<f64>, unit: &Unit| scaled(rest[i], unit.exponent());
        let targets =
            |i: usize| self.rest.iter().zip(&self.target_units).map(|(r, u)| target(i, r, u)).collect();
        let refits = Refits::of_columns((0..self.n).map(targets).collect());
        self.left_out = Some((ColumnWise::default(), refits));
        Ok(self)
    }

    fn check_no_columns(&self, must_be: &'static str) -> Result<(), Error> {
        if self.p == 0 {
            return Ok(());
        }
        Err(Error::Domain { what: "the number of columns so far", value: self.p as f64, must_be })
    }

    /// Appends a column of features (`n`), matching the next column of the test table, and measures the fit on all
    /// columns so far.
    ///
    /// # Errors
    /// [`Error::Shape`] for a column of another length, or if the columns of the test table or of Σ are used up;
    /// [`Error::NonFinite`]; [`Error::Memory`]: these leave the fit unchanged. [`Error::Overflow`] if an entry of the
    /// [`Point`] does not fit into `f64`, [`Error::Backend`], and [`Error::Memory`] for an SVD: these leave the column
    /// appended.
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
        self.form();
        let r = self.basis.len();
        if r.is_power_of_two() && r < self.n {
            // Checked for as many columns again: single columns are too small to be noticed.
            reserve("the columns of a fit", self.room().growth(r, self.n.min(2 * r)))?;
        }
        if let Some(factor) = self.unit.admit(largest_exponent(x)) {
            self.triangle.scale(factor);
            self.basis.forget_given();
            if let Some(penalty) = &mut self.ridge {
                penalty.scale(factor, self.unit);
            }
            self.longest *= factor;
            self.noise.iter_mut().for_each(Noise::forget);
            self.left_out.iter_mut().for_each(|(left_out, _)| left_out.forget());
        }
        self.p += 1;
        self.kept.iter_mut().for_each(|(kept, _)| kept.push(x, None));
        self.left_out.iter_mut().for_each(|(_, refits)| refits.push_column(x));
        let x: Vec<f64> = x.iter().map(|&v| scaled(v, -self.unit.exponent())).collect();
        self.longest = self.longest.max(square(&x).sqrt());
        let negligible = self.negligible(&aview1(&x));
        let split = self.basis.split(x, negligible);
        self.append(split, self.held_out.column(self.p - 1));
        self.measure()
    }

    fn room(&self) -> Room {
        let noise = self.noise.as_ref().map_or(0, Noise::features);
        Room {
            dimension: self.n,
            carried: self.held_out.height().saturating_add(noise),
            outputs: self.c.len(),
            has_penalty: self.ridge.is_some(),
            left_out: if self.left_out.is_some() { self.n } else { 0 },
        }
    }

    /// Returns the number of columns so far.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.p
    }

    /// Takes in the last column; `image` is the corresponding column of the test table.
    fn append(&mut self, split: Split, mut image: Vec<f64>) {
        let mut noise = self.noise.as_ref().map_or_else(Vec::new, |noise| noise.column(self.p - 1));
        let Split { mut inside, outside } = split;
        self.was_inside = outside.is_none();
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
            if let Some(all) = noises {
                all.append_column(&inside, rho, noise);
            }
            self.triangle.append(inside, rho);
            self.left_out.iter_mut().for_each(|(left_out, _)| left_out.forget());
            for (c, rest) in self.c.iter_mut().zip(&mut self.rest) {
                let along = dot(&q, rest);
                axpy(rest, -along, &q);
                c.push(along);
            }
            images.push(image);
            self.basis.push(q);
            if self.basis.is_complete() {
                // The whole space is spanned: the remainder of the targets is rounding error.
                self.rest.iter_mut().for_each(|rest| rest.fill(0.0));
            }
        } else {
            self.basis.forget_given();
            let along = noises.as_ref().map_or_else(Vec::new, |all| all.new_column(&self.triangle, &inside));
            let mut gamma = 1.0;
            let (mut left_out, n) = (self.left_out.as_mut().map(|(left_out, _)| left_out), self.n);
            let mut rest = left_out.as_mut().map_or_else(Vec::new, |left_out| left_out.new_column(n));
            let triangle = match &mut self.ridge {
                Some(penalty) => {
                    self.triangle.rotate_in(&mut inside.clone(), |_, _, _| ());
                    &mut penalty.triangle
                }
                None => &mut self.triangle,
            };
            triangle.rotate_in(&mut inside, |i, cos, sin| {
                turn(images, i, &mut image, cos, sin);
                gamma *= cos;
                if let Some(all) = &mut noises {
                    turn(&mut all.images, i, &mut noise, cos, sin);
                }
                if let Some(left_out) = &mut left_out {
                    left_out.rotate(i, &mut rest, cos, sin);
                }
            });
            if let Some(all) = noises {
                all.update_column(&along, gamma, &noise);
            }
        }
    }

    fn measure(&mut self) -> Result<Point, Error> {
        if self.ridge.is_some() {
            return self.measure_ridge();
        }
        let squares: Vec<f64> = self.rest.iter().map(|rest| square(rest)).collect();
        self.measure_leading(self.p, self.triangle.len(), &squares)
    }

    /// Measures the fit to the first `p` columns, of rank `rank`, from the leading part of the triangle. Other
    /// requested quantities belong to the whole triangle.
    fn measure_leading(&mut self, p: usize, rank: usize, squares: &[f64]) -> Result<Point, Error> {
        let n = self.n;
        let mut leading = (rank < self.triangle.len()).then(|| self.triangle.leading(rank));
        let triangle = leading.as_mut().unwrap_or(&mut self.triangle);
        let (fit, engine) = if is_clear(triangle, n, p) {
            let z: Vec<_> = self.c.iter().map(|c| triangle.backward(&c[..rank])).collect();
            let noise = self.noise.as_mut().map(|noise| noise.term(triangle, solve));
            let parts = (&mut *triangle, &self.basis);
            let (left_out, left_out_by) = match &mut self.left_out {
                Some((left_out, refits)) => {
                    let sums = left_out.sums(parts, &z, (&self.c, &self.rest), refits.heavy(), (n, p));
                    refits.complete(sums, &self.target_units)?
                }
                None => Default::default(),
            };
            let smallest = match &mut self.smallest {
                Some(smallest) => smallest.of(triangle)?,
                None => None,
            };
            (Fit { z, lost: Vec::new(), rank, noise, smallest, left_out, left_out_by }, Engine::Nested)
        } else {
            self.noise.iter_mut().for_each(Noise::forget);
            let transposed = triangle.to_array().reversed_axes();
            let (mut fit, svd) = Fit::by_svd(transposed, &self.c, self.noise.as_ref(), (n, p))?;
            fit.smallest = fit.smallest.filter(|_| self.smallest.is_some());
            if let Some((left_out, refits)) = &mut self.left_out {
                left_out.forget();
                let targets = (&self.c[..], &self.rest[..]);
                let sums = ColumnWise::sums_by_svd(&self.basis, &svd, targets, refits.heavy(), (n, p));
                (fit.left_out, fit.left_out_by) = refits.complete(sums, &self.target_units)?;
            }
            (fit, Engine::Svd)
        };
        let predictions: Vec<_> = fit.z.iter().map(|z| combine(&self.images, z)).collect();
        let unit = self.noise.as_ref().map_or(0, |noise| noise.exponent);
        self.measured(p).point(&fit, &predictions, squares, unit, engine)
    }

    fn measured(&self, p: usize) -> Measure<'_, 'a> {
        Measure { held_out: &self.held_out, features: self.unit, targets: &self.target_units, n: self.n, p }
    }
}

/// Rotates image `i` and the image of a new column.
fn turn(images: &mut [Vec<f64>], i: usize, new: &mut Vec<f64>, cos: f64, sin: f64) {
    let length = images[i].len().max(new.len());
    images[i].resize(length, 0.0);
    new.resize(length, 0.0);
    rotate(&mut images[i], new, cos, sin);
}
