//! Sample-wise fits: rows are appended.

mod blocks;
mod ridge;
mod spanned;

use super::basis::{Basis, Split};
use super::block::{SMALLEST_BLOCK, solve_transposed};
use super::excess::Excess;
use super::fit::{Fit, Measure, Noise, accumulate, combine, is_clear};
use super::held_out::HeldOut;
use super::kept::Kept;
use super::leave_one_out::RowWise;
use super::penalty::{Angle, Penalty, check_combination};
use super::refits::Refits;
use super::room::Room;
use super::scale::{Unit, largest_exponent, scaled};
use super::smallest::Smallest;
use super::triangle::{Triangle, square};
use super::upper::Upper;
use super::{Engine, Point, Test};
use crate::Error;
use crate::machine::memory::{list, reserve};
use ndarray::{Array2, ArrayRef1, ArrayRef2, aview1};

/// Minimum-norm or ridge fits to rows that arrive one at a time or in blocks, one [`Point`] per row.
///
/// [`Rows::new`] starts the curve, the `with_` methods request more of every point, and [`Rows::push`] or
/// [`Rows::extend`] add rows.
///
/// ```text
/// X (n × p) = W L Q      β̂ (p × k) = Qᵀ L⁻¹ c      c = Wᵀ Y      ‖X β̂ − Y‖² = ‖Y‖² − ‖c‖², accumulated
/// ```
///
/// Memory is O(p² + p k), whatever the number of rows. A row costs O(p²) and `k` outputs O(p) each; while the rows are
/// independent (`n ≤ p`) `z = L⁻¹ c` is nested and a test error costs O(p) more.
///
/// # Examples
/// ```
/// use double_descent::nested::{Engine, Rows, Test};
/// use ndarray::array;
///
/// let mut fit = Rows::new(2, 1, Test::None)?;
/// let one = fit.push(&array![1.0, 1.0], &array![4.0])?;
/// assert_eq!((one.rank, one.train_mse), (1, 0.0));
/// // The same row with another label: the pseudoinverse takes the mean.
/// let two = fit.push(&array![1.0, 1.0], &array![2.0])?;
/// assert_eq!((two.rank, two.engine), (1, Engine::Nested));
/// assert!((two.train_mse - 1.0).abs() < 1e-15);
/// assert!((fit.coefficients()?[[0, 0]] - 1.5).abs() < 1e-15);
/// # Ok::<(), double_descent::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Rows<'a> {
    held_out: HeldOut<'a>,
    p: usize,
    n: usize,
    unit: Unit,
    target_units: Vec<Unit>,
    /// The norm of the longest row so far.
    longest: f64,
    triangle: Triangle,
    /// Replaces the triangle and its images after blocks of rows past the threshold.
    spanned: Option<Upper>,
    basis: Basis,
    /// `A q` for every `q` of the basis.
    images: Vec<Vec<f64>>,
    /// `Wᵀ Y`, one vector per output.
    c: Vec<Vec<f64>>,
    /// `‖Y − W Wᵀ Y‖²`, one per output.
    squares: Vec<f64>,
    noise: Option<Noise>,
    smallest: Option<Smallest>,
    left_out: Option<(RowWise, Refits)>,
    /// The triangle with the penalty, and the targets that go with it, one vector per output.
    ridge: Option<(Penalty, Vec<Vec<f64>>)>,
    /// With ridge, the rows, while they may be needed.
    kept: Option<Kept>,
    /// Used with ridge on a population. Its targets are carried after those of the fit.
    excess: Option<Excess>,
    /// Whether the last row was found in the span of those before it.
    was_inside: bool,
    /// The size of the next block of rows.
    block: usize,
    /// The last fit.
    fit: Fit,
    /// Its predictions, one vector per output.
    predictions: Vec<Vec<f64>>,
    /// Whether rows were only appended since the last fit: then the next fit is one more term of the same sum.
    is_nested: bool,
}

impl<'a> Rows<'a> {
    /// Creates an empty fit of `outputs` (`k`) targets on `features` (`p`) features.
    ///
    /// # Errors
    /// [`Error::Empty`] if either number is 0, [`Error::Shape`] if the test table has other numbers of features or
    /// targets, [`Error::Domain`] for [`Test::Others`] on a population, [`Error::Memory`] if there is no memory for
    /// that many outputs.
    pub fn new(features: usize, outputs: usize, test: Test<'a>) -> Result<Self, Error> {
        if features == 0 || outputs == 0 {
            return Err(Error::Empty { what: if features == 0 { "the features" } else { "the targets" } });
        }
        // The only size here that is not bounded by an input.
        reserve("the outputs of a fit", list::<[Vec<f64>; 8]>(outputs))?;
        let none = vec![Vec::new(); outputs];
        Ok(Self {
            held_out: HeldOut::new(test, Some(features), outputs)?,
            p: features,
            n: 0,
            unit: Unit::default(),
            target_units: vec![Unit::default(); outputs],
            longest: 0.0,
            triangle: Triangle::default(),
            spanned: None,
            basis: Basis::new(features),
            images: Vec::new(),
            c: none.clone(),
            squares: vec![0.0; outputs],
            noise: None,
            smallest: None,
            left_out: None,
            ridge: None,
            kept: None,
            excess: None,
            was_inside: false,
            block: SMALLEST_BLOCK,
            fit: Fit::default(),
            predictions: none,
            is_nested: false,
        })
    }

    /// Requests the expected noise term of every point, [`Point::noise`], for test features with second moments
    /// `covariance` (Σ, `p × p`). Adds O(p r) per point, where `r` is its rank, and O(p r²) at a few points on the way
    /// down from a peak. Rows are then taken one at a time past the threshold.
    ///
    /// # Errors
    /// [`Error::Shape`] unless Σ is `p × p`, [`Error::NonFinite`], [`Error::Domain`] unless Σ is symmetric and positive
    /// semidefinite up to rounding, [`Error::Memory`], [`Error::Backend`]; [`Error::Domain`] after the first row.
    ///
    /// # Examples
    /// ```
    /// use double_descent::nested::{Rows, Test};
    /// use ndarray::{Array2, array};
    ///
    /// let mut fit = Rows::new(2, 1, Test::None)?.with_noise_covariance(&Array2::eye(2))?;
    /// let point = fit.push(&array![0.0, 0.5], &array![1.0])?;
    /// assert_eq!(point.noise, Some(4.0)); // ‖X⁺‖²
    /// # Ok::<(), double_descent::Error>(())
    /// ```
    pub fn with_noise_covariance(mut self, covariance: &ArrayRef2<f64>) -> Result<Self, Error> {
        Error::check_len("rows of the covariance", self.p, covariance.nrows())?;
        self.check_no_rows("0 when the noise term is asked for")?;
        self.noise = Some(Noise::new(covariance)?);
        Ok(self)
    }

    /// Requests the smallest non-zero singular value of every point, [`Point::smallest_singular_value`], to a relative
    /// accuracy of 1e-12 + c κ ε. Each point takes some tens of solves with the triangle, O(r²) each; if that is not
    /// enough, as for clustered singular values, an SVD of the triangle. Rows are then taken one at a time past the
    /// threshold.
    ///
    /// # Examples
    /// ```
    /// use double_descent::nested::{Rows, Test};
    /// use ndarray::array;
    ///
    /// let mut fit = Rows::new(2, 1, Test::None)?.with_smallest_singular_value();
    /// fit.push(&array![3.0, 0.0], &array![1.0])?;
    /// let point = fit.push(&array![0.0, 0.5], &array![1.0])?;
    /// assert!((point.smallest_singular_value.unwrap() - 0.5).abs() < 1e-15);
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
    /// without one row allows. The left factor and the rows are carried along: O(N p) memory. Each point takes O(n p)
    /// more, and O(r²) more for each row that alone spans a direction if there are dependent rows in between. Rows are
    /// then taken one at a time past the threshold.
    ///
    /// # Errors
    /// [`Error::Domain`] after the first row, [`Error::Unsupported`] with ridge.
    ///
    /// # Examples
    /// ```
    /// use double_descent::nested::{Rows, Test};
    /// use ndarray::array;
    ///
    /// let mut fit = Rows::new(1, 1, Test::None)?.with_leave_one_out()?;
    /// fit.push(&array![1.0], &array![1.0])?;
    /// let point = fit.push(&array![1.0], &array![3.0])?; // each is predicted by the other
    /// assert!((point.loo_mse.unwrap() - 4.0).abs() < 1e-14);
    /// # Ok::<(), double_descent::Error>(())
    /// ```
    ///
    /// # References
    /// Hastie, Montanari, Rosset and Tibshirani, Annals of Statistics 2022, section 6: both forms at full
    /// rank.
    pub fn with_leave_one_out(mut self) -> Result<Self, Error> {
        self.check_no_rows("0 when the leave-one-out error is asked for")?;
        check_combination(self.ridge.is_some())?;
        self.left_out = Some((RowWise::new(self.c.len()), Refits::default()));
        Ok(self)
    }

    fn check_no_rows(&self, must_be: &'static str) -> Result<(), Error> {
        if self.n == 0 {
            return Ok(());
        }
        Err(Error::Domain { what: "the number of rows so far", value: self.n as f64, must_be })
    }

    /// Appends a row of features (`p`) and targets (`k`) and measures the fit to all rows so far.
    ///
    /// # Errors
    /// [`Error::Shape`] for a row of other lengths, or if the table of [`Test::Others`] has fewer rows than are in
    /// training; [`Error::NonFinite`]; [`Error::Memory`]: these leave the fit unchanged. [`Error::Overflow`] if an
    /// entry of the [`Point`] does not fit into `f64`, [`Error::Backend`], and [`Error::Memory`] for an SVD: these
    /// leave the row appended.
    pub fn push(&mut self, x: &ArrayRef1<f64>, y: &ArrayRef1<f64>) -> Result<Point, Error> {
        Error::check_len("columns of the features", self.p, x.len())?;
        Error::check_len("columns of the targets", self.c.len(), y.len())?;
        check_row("the features", self.n, x)?;
        check_row("the targets", self.n, y)?;
        self.held_out.check_training_rows(self.n + 1)?;
        self.form();
        let r = self.basis.len();
        if r.is_power_of_two() && r < self.p {
            // Checked for as many rows again: single rows are too small to be noticed.
            reserve("the rows of a fit", self.room(2 * r).growth(r, self.p.min(2 * r)))?;
        }
        self.n += 1;
        self.kept.iter_mut().for_each(|kept| kept.push(x, Some(y.to_vec())));
        self.left_out.iter_mut().for_each(|(_, refits)| refits.push_row(x, y));
        let more = self.more_targets(x, y);
        let x = self.admit_features(x);
        let y = self.admit_targets(y, more);
        self.longest = self.longest.max(square(&x).sqrt());
        let negligible = self.negligible(&aview1(&x));
        let split = self.basis.split(x, negligible);
        self.append(split, y);
        self.measure()
    }

    fn room(&self, rows: usize) -> Room {
        let noise = self.noise.as_ref().map_or(0, |_| self.p);
        Room {
            dimension: self.p,
            carried: self.held_out.height().saturating_add(noise),
            outputs: self.c.len(),
            has_penalty: self.ridge.is_some(),
            left_out: if self.left_out.is_some() { rows } else { 0 },
        }
    }

    /// Returns the number of rows so far.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.n
    }

    /// Returns `β̂`, `p × k`, of the last point. O(p² k).
    ///
    /// # Errors
    /// [`Error::Empty`] before the first row, [`Error::Overflow`] if a coefficient does not fit into `f64`.
    pub fn coefficients(&self) -> Result<Array2<f64>, Error> {
        if self.fit.z.is_empty() {
            return Err(Error::Empty { what: "the fit" });
        }
        let mut beta = Array2::zeros((self.p, self.c.len()));
        for ((mut column, z), unit) in beta.columns_mut().into_iter().zip(&self.fit.z).zip(&self.target_units)
        {
            let e = unit.exponent() - self.unit.exponent();
            let is_direct = self.kept.as_ref().is_some_and(|kept| kept.has_last);
            let z = if is_direct { z.clone() } else { self.basis.combine(z) };
            column.iter_mut().zip(z).for_each(|(b, v)| *b = scaled(v, e));
        }
        if beta.iter().all(|v| v.is_finite()) {
            return Ok(beta);
        }
        Err(Error::Overflow { what: "a coefficient of the fit" })
    }

    fn admit_features(&mut self, x: &ArrayRef1<f64>) -> Vec<f64> {
        if let Some(factor) = self.unit.admit(largest_exponent(x)) {
            self.triangle.scale(factor);
            self.basis.forget_given();
            if let Some((penalty, _)) = &mut self.ridge {
                penalty.scale(factor, self.unit);
            }
            self.longest *= factor;
            self.noise.iter_mut().for_each(Noise::forget);
            self.left_out.iter_mut().for_each(|(left_out, _)| left_out.forget());
            self.is_nested = false;
        }
        x.iter().map(|&v| scaled(v, -self.unit.exponent())).collect()
    }

    /// Returns the scaled targets, followed by `more`.
    fn admit_targets(&mut self, y: &ArrayRef1<f64>, more: Vec<f64>) -> Vec<f64> {
        let mut scaled_targets = Vec::with_capacity(y.len() + more.len());
        let y_len = y.len();
        for (output, (&y, unit)) in y.iter().zip(&mut self.target_units).enumerate() {
            if let Some(factor) = unit.admit(largest_exponent([&y])) {
                self.c[output].iter_mut().for_each(|c| *c *= factor);
                if let Some((_, c)) = &mut self.ridge {
                    let all = c.iter_mut().skip(output).step_by(y_len);
                    all.flatten().for_each(|c| *c *= factor);
                }
                self.squares[output] *= factor * factor;
                self.left_out.iter_mut().for_each(|(left_out, _)| left_out.scale(output, factor));
                self.is_nested = false;
            }
            scaled_targets.push(scaled(y, -unit.exponent()));
        }
        let units = self.target_units.iter().map(|unit| unit.exponent());
        scaled_targets.extend(more.into_iter().zip(units).map(|(target, e)| scaled(target, -e)));
        scaled_targets
    }

    fn append(&mut self, split: Split, mut y: Vec<f64>) {
        let Split { mut inside, outside } = split;
        self.was_inside = outside.is_none();
        if let Some((q, rho)) = outside {
            if let Some((penalty, c)) = &mut self.ridge {
                let Angle { cos, sin } = penalty.angle(rho);
                let mut rest: Vec<f64> = y.iter().map(|y| -sin * y).collect();
                penalty.append(&inside, rho, |i, cos, sin| turn(c, &mut rest, i, cos, sin));
                c.iter_mut().zip(&y).for_each(|(c, y)| c.push(cos * y));
            }
            if let Some(noise) = &mut self.noise {
                noise.append_row(&self.triangle, &inside, (&q, rho));
            }
            self.triangle.append(inside, rho);
            self.left_out.iter_mut().for_each(|(left_out, _)| left_out.append(&self.triangle));
            self.c.iter_mut().zip(&y).for_each(|(c, y)| c.push(*y));
            self.excess.iter_mut().for_each(|excess| excess.append(&q));
            self.images.push(self.held_out.image(&q));
            self.basis.push(q);
        } else {
            self.basis.forget_given();
            if let Some((penalty, c)) = &mut self.ridge {
                let (mut inside, mut y) = (inside.clone(), y.clone());
                penalty.triangle.rotate_in(&mut inside, |i, cos, sin| turn(c, &mut y, i, cos, sin));
            }
            let (c, mut noise) = (&mut self.c, self.noise.as_mut());
            let mut rest = noise.as_mut().map_or_else(Vec::new, |noise| noise.new_row());
            let mut left_out = self.left_out.as_mut().map(|(left_out, _)| left_out);
            let mut null = left_out.as_mut().map_or_else(Vec::new, |left_out| left_out.new_row());
            self.triangle.rotate_in(&mut inside, |i, cos, sin| {
                turn(c, &mut y, i, cos, sin);
                if let Some(noise) = &mut noise {
                    noise.rotate_row(i, &mut rest, cos, sin);
                }
                if let Some(left_out) = &mut left_out {
                    left_out.rotate(i, &mut null, cos, sin);
                }
            });
            if let Some(left_out) = left_out {
                left_out.add(&null, &y);
            }
            self.squares.iter_mut().zip(&y).for_each(|(sum, rest)| *sum += rest * rest);
            self.is_nested = false;
        }
    }

    fn measure(&mut self) -> Result<Point, Error> {
        if self.ridge.is_some() {
            return self.measure_ridge();
        }
        self.measure_leading(self.n, self.triangle.len())
    }

    /// Measures the fit to the first `n` rows, of rank `r`, from the leading part of a triangle known to be far from
    /// singular, and nothing else.
    fn measure_clear(&mut self, n: usize, r: usize) -> Result<Point, Error> {
        self.solve_to(r);
        (self.fit.lost, self.fit.rank, self.is_nested) = (Vec::new(), r, true);
        let (features, targets) = (self.unit, &self.target_units[..]);
        let measure = Measure { held_out: &self.held_out, features, targets, n, p: self.p };
        measure.point(&self.fit, &self.predictions, &self.squares, 0, Engine::Nested)
    }

    /// Computes `z` and the predictions of rank `r`.
    fn solve_to(&mut self, r: usize) {
        if !self.is_nested {
            self.fit.z = vec![Vec::with_capacity(r); self.c.len()];
            self.predictions = vec![Vec::new(); self.c.len()];
        }
        for ((c, z), predictions) in self.c.iter().zip(&mut self.fit.z).zip(&mut self.predictions) {
            for i in z.len()..r {
                z.push(self.triangle.next_forward(z, c[i]));
                accumulate(predictions, z[i], &self.images[i]);
            }
        }
    }

    /// Measures the fit to the first `n` rows, of rank `r`, from the leading part of the triangle. Other requested
    /// quantities belong to the whole triangle.
    fn measure_leading(&mut self, n: usize, r: usize) -> Result<Point, Error> {
        let p = self.p;
        let mut leading = (r < self.triangle.len()).then(|| self.triangle.leading(r));
        let is_clear = is_clear(leading.as_mut().unwrap_or(&mut self.triangle), n, p);
        if is_clear {
            self.solve_to(r);
        }
        let measure =
            Measure { held_out: &self.held_out, features: self.unit, targets: &self.target_units, n, p };
        let triangle = leading.as_mut().unwrap_or(&mut self.triangle);
        let engine = if is_clear {
            (self.fit.lost, self.fit.rank) = (Vec::new(), r);
            self.fit.noise = self.noise.as_mut().map(|noise| noise.term(triangle, solve_transposed));
            if let Some((left_out, refits)) = &mut self.left_out {
                let sums = left_out.sums(triangle, &self.fit.z, refits.heavy(), (n, p));
                (self.fit.left_out, self.fit.left_out_by) = refits.complete(sums, &self.target_units)?;
            }
            self.fit.smallest = match &mut self.smallest {
                Some(smallest) => smallest.of(triangle)?,
                None => None,
            };
            Engine::Nested
        } else {
            let triangle = triangle.to_array();
            let (fit, svd) = Fit::by_svd(triangle, &self.c, self.noise.as_ref(), (n, p))?;
            self.fit = fit;
            self.fit.smallest = self.fit.smallest.filter(|_| self.smallest.is_some());
            if let Some((left_out, refits)) = &self.left_out {
                let sums = left_out.sums_by_svd(&svd, &self.c, refits.heavy(), (n, p));
                (self.fit.left_out, self.fit.left_out_by) = refits.complete(sums, &self.target_units)?;
            }
            self.predictions = self.fit.z.iter().map(|z| combine(&self.images, z)).collect();
            self.noise.iter_mut().for_each(Noise::forget);
            Engine::Svd
        };
        self.is_nested = engine == Engine::Nested;
        let unit = self.noise.as_ref().map_or(0, |noise| noise.exponent);
        measure.point(&self.fit, &self.predictions, &self.squares, unit, engine)
    }
}

/// Rotates the targets of row `i` and of a new row, for each output.
fn turn(c: &mut [Vec<f64>], new: &mut [f64], i: usize, cos: f64, sin: f64) {
    for (c, new) in c.iter_mut().zip(new) {
        (c[i], *new) = (cos * c[i] + sin * *new, cos * *new - sin * c[i]);
    }
}

/// Returns [`Error::NonFinite`] with the place, unless all entries are finite.
fn check_row(what: &'static str, row: usize, x: &ArrayRef1<f64>) -> Result<(), Error> {
    match x.iter().enumerate().find(|(_, v)| !v.is_finite()) {
        Some((column, &value)) => Err(Error::NonFinite { what, row, column, value }),
        None => Ok(()),
    }
}
