//! Test errors from a compressed table, expected errors in closed form, and errors of classification.
//!
//! | what is known | what it gives |
//! |---|---|
//! | a table of test rows | [`Compressed`]: the test error of any fit |
//! | design, teacher, noise, moments of the test rows | [`Population`], [`GivenDesign`]: bias, variance, noise, training error of any filter, the best penalty and stopping time |
//! | the same | [`InterpolantRisk`]: the risk of the best, the minimum-norm and random solutions |
//! | the same, and the mini-batches | [`Sgd`]: expected risk at any step, stability, the stationary state |
//! | the same, with normal rows that are never seen twice | [`Streaming`]: expected risk at any step |
//! | the same, for self-distillation | [`optimal_mixing`]: how much to learn from the model's own predictions |
//! | a design and a filter | [`smoother`](fn@smoother): the matrix from training targets to predictions |
//! | predictions on a grid of draws | [`Decomposition`]: bias and every variance, with standard errors; [`Crossed`](crate::sweep::Crossed) makes the grid |
//! | features and targets | [`Centred`]: both with mean 0, to fit an unpenalised intercept |
//! | one factorisation of both ([`Training`]) | [`Path`]: penalties, times, steps or cutoffs, with leave-one-out and GCV |
//! | independent fits from one distribution | [`ensemble`]: errors of averaged predictions |
//! | one factorisation and a start | [`interpolants`]: solutions other than the one of minimum norm |
//! | predictions and labels | [`error_rate`], [`SplitErrors`], [`SymmetricNoise`] |
//! | weights and a radius | [`robust_errors`]: errors under the worst small change of a row |
//!
//! # Examples
//! Fifty penalties for the price of one fit: their leave-one-out errors choose one, and the test rows judge it.
//! ```
//! use double_descent::dataset::Dataset;
//! use double_descent::risk::{Compressed, Criterion, Training};
//!
//! let (train, test) = Dataset::diabetes().shuffle(1)?.split(12)?;
//! let test = Compressed::new(test.features(), test.targets())?;
//! let training = Training::new(train.features(), train.targets())?.tested_on(&test)?;
//! let penalties: Vec<f64> = (0..50).map(|i| 10_f64.powf(-6.0 + 0.1 * f64::from(i))).collect();
//! let path = training.penalties(&penalties)?;
//! let best = path.best(Criterion::LeaveOneOut).unwrap();
//! let test_mse = |i: usize| path.points()[i].test_mse.unwrap();
//! assert!(test_mse(best.index) < test_mse(0)); // the first penalty hardly changes the fit
//! # Ok::<(), double_descent::Error>(())
//! ```

mod centred;
mod chosen_ridge;
mod classification;
pub(crate) mod covariance;
mod decomposition;
pub mod ensemble;
mod given_design;
mod interpolant_risk;
pub mod interpolants;
pub(crate) mod leverage;
mod mixing;
mod noisy_labels;
mod optimum;
pub(crate) mod path;
mod population;
mod robust;
mod sgd;
mod smoother;
mod transposed;

pub use centred::Centred;
pub use classification::error_rate;
pub(crate) use classification::first_largest;
pub use decomposition::{Component, Decomposition, Sequential, VarianceSource};
pub use given_design::{GivenDesign, Risk};
pub use interpolant_risk::InterpolantRisk;
pub use mixing::optimal_mixing;
pub use noisy_labels::{RowErrors, SplitErrors, SymmetricNoise};
pub use optimum::{End, Optimum, Penalties};
pub use path::{Best, Criterion, Interval, Path, PathPoint, Training};
pub use population::{Covariance, Population};
pub use robust::robust_errors;
pub use sgd::{
    Batches, Sgd, SgdMoments, SgdRisk, SgdStability, Stationary, Streaming, stationary_covariance,
};
pub use smoother::smoother;
pub(crate) use transposed::Transposed;

use crate::Error;
use crate::machine::memory::{reserve, sum, table};
use crate::machine::turned::by_columns;
use crate::risk::covariance::CovarianceRoot;
use crate::svd::{
    Backend, DivideAndConquer, dot, largest, power_of_two, reduce_beside, row_major_product, triangle,
};
use ndarray::{Array1, Array2, ArrayRef2, ArrayView1, Axis, ShapeBuilder, s};

/// A table `(X, Y)` of `N` test rows, compressed by one QR factorisation to at most `p + k + 1` rows that give the same
/// sums of squared errors, and the same sums of errors:
///
/// ```text
/// [X | Y | 1] = Q [A | B | w]        ‖X β − Y‖² = ‖A β − B‖²        1ᵀ(X β − Y) = wᵀ(A β − B)
/// N rows              ≤ p + k + 1 rows
/// ```
///
/// A test error then costs O(p²), however many test rows there are, and loses no more digits than direct evaluation.
/// The relative error of the Gram form `‖Y‖² − 2βᵀXᵀY + βᵀXᵀXβ` grows with `‖Y‖² / ‖Xβ − Y‖²`; here it grows only with
/// the square root of that ratio.
///
/// # Examples
/// ```
/// use double_descent::risk::Compressed;
/// use ndarray::{Array2, array};
///
/// let x = Array2::from_shape_fn((500, 2), |(i, j)| ((i * (j + 3)) as f64).sin());
/// let y = Array2::from_shape_fn((500, 1), |(i, _)| (i as f64).cos());
/// let table = Compressed::new(&x, &y)?;
/// let beta = array![[1.0], [-2.0]];
/// let direct = (x.dot(&beta) - &y).mapv(|e| e * e).mean().unwrap();
/// assert!((table.mean_squared_error(&beta)?[0] / direct - 1.0).abs() < 1e-14);
/// # Ok::<(), double_descent::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Compressed {
    pub(crate) features: Array2<f64>,
    pub(crate) targets: Array2<f64>,
    pub(crate) ones: Array1<f64>,
    rows: usize,
    is_population: bool,
    /// The teacher `β*` (`p × k`) of a population, if the table has all of the teacher's features.
    teacher: Option<Array2<f64>>,
}

impl Compressed {
    /// Compresses features (`N × p`) and targets (`N × k`). O(N (p + k)²), once.
    ///
    /// # Errors
    /// [`Error::Empty`], [`Error::Shape`] if the tables differ in rows, [`Error::NonFinite`], [`Error::Overflow`] if
    /// the Euclidean length of a column does not fit into `f64`, [`Error::Memory`], [`Error::Backend`].
    pub fn new(x: &ArrayRef2<f64>, y: &ArrayRef2<f64>) -> Result<Self, Error> {
        Self::with_backend(x, y, &DivideAndConquer)
    }

    /// Like [`Compressed::new`], on a backend of your choice.
    ///
    /// # Errors
    /// As [`Compressed::new`].
    pub fn with_backend(
        x: &ArrayRef2<f64>,
        y: &ArrayRef2<f64>,
        backend: &dyn Backend,
    ) -> Result<Self, Error> {
        for (what, table) in [("the features of a table", x), ("the targets of a table", y)] {
            if table.is_empty() {
                return Err(Error::Empty { what });
            }
        }
        Error::check_len("rows of y", x.nrows(), y.nrows())?;
        if x.nrows() <= x.ncols() {
            return Self::of_few_rows(x, y);
        }
        Self::of_triangle(x, y, backend)
    }

    /// Compresses a table with at least as many rows as columns, always to a triangle.
    fn of_triangle(x: &ArrayRef2<f64>, y: &ArrayRef2<f64>, backend: &dyn Backend) -> Result<Self, Error> {
        let (p, k) = (x.ncols(), y.ncols());
        // The joined table and its copy that is reduced; the triangle and its parts.
        let width = p.saturating_add(k).saturating_add(1);
        let height = x.nrows().min(width);
        let needed = [table(x.nrows(), width).saturating_mul(2), table(height, width).saturating_mul(2)];
        reserve("a compressed table", sum(needed))?;
        let mut joined = Array2::ones((x.nrows(), p + k + 1));
        joined.slice_mut(s![.., ..p]).assign(x);
        joined.slice_mut(s![.., p..p + k]).assign(y);
        Error::check_finite("the table", joined.view())?;
        // Columns of features and targets may differ by 600 powers of ten: scale each column, which is exact.
        let scales = equilibrate(&mut joined);
        let mut r = triangle(joined, backend)?;
        undo_scales(&mut r, &scales);
        // The table is finite, so anything that is not has overflowed here.
        Error::check_finite("the table", r.view())
            .map_err(|_| Error::Overflow { what: "the length of a column of the table" })?;
        Ok(Self {
            features: r.slice(s![.., ..p]).to_owned(),
            targets: r.slice(s![.., p..p + k]).to_owned(),
            ones: r.column(p + k).to_owned(),
            rows: x.nrows(),
            is_population: false,
            teacher: None,
        })
    }

    /// Turns a table with at least as many rows as columns into a triangle of the same height; no rows are left out.
    ///
    /// # Errors
    /// [`Error::Overflow`] if the squares of a column could leave the range of `f64`; [`Error::Backend`] if the
    /// reflections changed the length of a column by more than rounding; [`Error::Memory`].
    pub(crate) fn as_triangle(&self) -> Result<Self, Error> {
        let ((rows, p), k) = (self.features.dim(), self.targets.ncols());
        let is_ordinary = |&largest: &f64| largest == 0.0 || (1e-100..1e100).contains(&largest);
        if ![&self.features, &self.targets].into_iter().flat_map(largest_of_columns).all(|v| is_ordinary(&v))
        {
            return Err(Error::Overflow { what: "the squares of a column of the table" });
        }
        reserve("a compressed table", table(rows, p.saturating_add(k)).saturating_mul(3))?;
        let mut features = by_columns(self.features.view());
        let mut beside = Array2::zeros((rows, k + 1).f());
        beside.slice_mut(s![.., ..k]).assign(&self.targets);
        beside.column_mut(k).assign(&self.ones);
        let squares = |table: &Array2<f64>| -> Vec<f64> {
            table
                .columns()
                .into_iter()
                .map(|column| column.to_slice().map_or(f64::NAN, |c| dot(c, c)))
                .collect()
        };
        let expected = [squares(&features), squares(&beside)].concat();
        reduce_beside(&mut features, &mut beside);
        let found = [squares(&features), squares(&beside)].concat();
        // The tolerance that the checks of all factorisations use.
        let tolerance = 30.0 * rows as f64 * f64::EPSILON;
        if let Some((found, expected)) = found
            .iter()
            .zip(&expected)
            .find(|(found, expected)| (*found - *expected).abs() > tolerance * *expected)
        {
            let reason = format!("a column of length² {found:e} where it is {expected:e}");
            return Err(Error::Backend { name: "divide and conquer", reason });
        }
        Ok(Self {
            features: by_columns(features.reversed_axes().view()).reversed_axes(),
            targets: beside.slice(s![.., ..k]).as_standard_layout().into_owned(),
            ones: beside.column(k).to_owned(),
            rows: self.rows,
            is_population: self.is_population,
            teacher: None,
        })
    }

    /// Stores a table as it is, because compression would not shorten it.
    fn of_few_rows(x: &ArrayRef2<f64>, y: &ArrayRef2<f64>) -> Result<Self, Error> {
        let (rows, width) = (x.nrows(), x.ncols().saturating_add(y.ncols()).saturating_add(1));
        reserve("a compressed table", table(rows, width))?;
        for table in [x, y] {
            Error::check_finite("the table", table.view())?;
            let plain = || table.iter().fold(0.0, |most: f64, v| most.max(v.abs()));
            let largest = table.as_slice_memory_order().map_or_else(plain, largest);
            let length = |column: ArrayView1<'_, f64>| column.iter().fold(0.0, |sum: f64, &v| sum.hypot(v));
            if largest > 1e150 && !table.columns().into_iter().all(|column| length(column).is_finite()) {
                return Err(Error::Overflow { what: "the length of a column of the table" });
            }
        }
        Ok(Self {
            features: x.as_standard_layout().into_owned(),
            targets: y.as_standard_layout().into_owned(),
            ones: Array1::ones(x.nrows()),
            rows: x.nrows(),
            is_population: false,
            teacher: None,
        })
    }

    /// Represents a whole population as a table: features of mean 0 and covariance `Σ = E[x xᵀ]` (`p × p`), and
    /// noise-free targets `x β*` of a teacher `β*` (`p × k`). The expectation takes the place of the mean over rows,
    ///
    /// ```text
    /// E (xᵀβ − xᵀβ*)² = (β − β*)ᵀ Σ (β − β*) = ‖S β − S β*‖²        Σ = SᵀS
    /// ```
    ///
    /// which is the excess risk of `β`, exactly, without drawing any test row. The table counts as one row, with `S` as
    /// its features. Along a curve ([`Test::Rows`](crate::nested::Test)) of training targets `X β*` the test error is
    /// the squared bias; the expected risk under label noise of variance `v` is then `test_mse + v · noise` of every
    /// [`Point`](crate::nested::Point). When columns are added one at a time, the test error includes what the missing
    /// columns would explain (misspecification). O(p³), once.
    ///
    /// # Errors
    /// [`Error::Empty`], [`Error::Shape`] unless Σ is square and `β*` has a row for every feature,
    /// [`Error::NonFinite`], [`Error::Domain`] unless Σ is symmetric and positive semidefinite up to rounding,
    /// [`Error::Overflow`] if an entry of `S β*` does not fit into `f64`, [`Error::Memory`], [`Error::Backend`].
    ///
    /// # Examples
    /// ```
    /// use double_descent::nested::{Rows, Test};
    /// use double_descent::risk::Compressed;
    /// use ndarray::{Array2, array};
    ///
    /// let (sigma, teacher) = (Array2::eye(2), array![[3.0], [4.0]]);
    /// let population = Compressed::population(&sigma, &teacher)?;
    /// let mut fit = Rows::new(2, 1, Test::Rows(&population))?.with_noise_covariance(&sigma)?;
    /// let point = fit.push(&array![2.0, 0.0], &array![6.0])?; // x β*, no noise
    /// assert_eq!(point.test_mse, Some(16.0)); // the fit is (3, 0): it misses 4 of the teacher
    /// assert_eq!(point.noise, Some(0.25));
    /// let risk = point.test_mse.unwrap() + 0.1 * point.noise.unwrap(); // under noise of variance 0.1
    /// # assert!((risk - 16.025).abs() < 1e-14);
    /// # Ok::<(), double_descent::Error>(())
    /// ```
    ///
    /// # References
    /// Hastie, Montanari, Rosset and Tibshirani, Annals of Statistics 2022, section 2: bias and variance
    /// given X.
    pub fn population(covariance: &ArrayRef2<f64>, beta: &ArrayRef2<f64>) -> Result<Self, Error> {
        let p = covariance.nrows();
        if beta.is_empty() {
            return Err(Error::Empty { what: "the teacher's parameters" });
        }
        Error::check_len("rows of the teacher's parameters", p, beta.nrows())?;
        Error::check_finite("the teacher's parameters", beta.view())?;
        let needed = [table(p, p).saturating_mul(2), table(p, beta.ncols())];
        reserve("the table of a population", sum(needed))?;
        let root = CovarianceRoot::new(covariance)?;
        let unit = power_of_two(root.exponent);
        let features = root.matrix * unit;
        let targets = features.dot(beta);
        let overflow = |_| Error::Overflow { what: "a target of the population" };
        Error::check_finite("the targets", targets.view()).map_err(overflow)?;
        let (ones, teacher) = (Array1::zeros(p), Some(beta.to_owned()));
        Ok(Self { features, targets, ones, rows: 1, is_population: true, teacher })
    }

    /// Wraps a table without compressing it, which is best for few rows.
    pub(crate) fn direct(features: Array2<f64>, targets: Array2<f64>) -> Self {
        let rows = features.nrows();
        Self { features, targets, ones: Array1::ones(rows), rows, is_population: false, teacher: None }
    }

    /// Returns the table of the first `p` features. If the table is a triangle, the rows below these hold no features
    /// any more, and are compressed to one row per target and one for the ones.
    pub(crate) fn leading(&self, p: usize) -> Result<Self, Error> {
        let (height, k) = self.targets.dim();
        let below = height.saturating_sub(p);
        let features = self.features.slice(s![.., ..p]);
        let is_triangle = below > k + 1 && features.slice(s![p.., ..]).iter().all(|&v| v == 0.0);
        let (rows, is_population) = (self.rows, self.is_population);
        let teacher = self.teacher.clone().filter(|teacher| teacher.nrows() == p);
        if !is_triangle {
            let (targets, ones) = (self.targets.clone(), self.ones.clone());
            return Ok(Self { features: features.to_owned(), targets, ones, rows, is_population, teacher });
        }
        let mut joined = Array2::zeros((below, k + 1));
        joined.slice_mut(s![.., ..k]).assign(&self.targets.slice(s![p.., ..]));
        joined.column_mut(k).assign(&self.ones.slice(s![p..]));
        // Scale each column, as in the whole table.
        let scales = equilibrate(&mut joined);
        let mut rest = triangle(joined, &DivideAndConquer)?;
        undo_scales(&mut rest, &scales);
        let mut leading = Self {
            features: Array2::zeros((p + k + 1, p)),
            targets: Array2::zeros((p + k + 1, k)),
            ones: Array1::zeros(p + k + 1),
            rows,
            is_population,
            teacher,
        };
        leading.features.slice_mut(s![..p, ..]).assign(&features.slice(s![..p, ..]));
        leading.targets.slice_mut(s![..p, ..]).assign(&self.targets.slice(s![..p, ..]));
        leading.targets.slice_mut(s![p.., ..]).assign(&rest.slice(s![.., ..k]));
        leading.ones.slice_mut(s![..p]).assign(&self.ones.slice(s![..p]));
        leading.ones.slice_mut(s![p..]).assign(&rest.column(k));
        Ok(leading)
    }

    /// Keeps the targets of some columns, in that order.
    pub(crate) fn with_targets(mut self, columns: &[usize]) -> Self {
        let same = columns.len() == self.targets.ncols() && columns.iter().enumerate().all(|(i, &c)| i == c);
        if !same {
            self.targets = self.targets.select(Axis(1), columns);
            self.teacher = self.teacher.map(|teacher| teacher.select(Axis(1), columns));
        }
        self
    }

    /// States the number of rows, for a table of rows that were compressed before.
    pub(crate) fn with_rows(mut self, rows: usize) -> Self {
        self.rows = rows;
        self
    }

    /// Adds a row to a population for the error that a constant adds: its features have mean 0.
    pub(crate) fn with_constant(mut self) -> Self {
        let height = self.features.nrows();
        let row = |table: &Array2<f64>| {
            let mut longer = Array2::zeros((height + 1, table.ncols()));
            longer.slice_mut(s![..height, ..]).assign(table);
            longer
        };
        (self.features, self.targets) = (row(&self.features), row(&self.targets));
        self.teacher = None;
        self.ones = Array1::zeros(height + 1);
        self.ones[height] = 1.0;
        self
    }

    /// Whether it represents a population, which has no rows that could be training rows.
    pub(crate) fn is_population(&self) -> bool {
        self.is_population
    }

    /// The teacher `β*` of a population.
    pub(crate) fn teacher(&self) -> Option<&Array2<f64>> {
        self.teacher.as_ref()
    }

    /// The number of rows of the table, `N`; 1 for a population.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Computes `‖X β − y‖²/N`, one value per output, for parameters `p × k`.
    ///
    /// # Errors
    /// [`Error::Shape`] if `beta` does not fit the table, [`Error::NonFinite`] if it holds NaN or an infinity,
    /// [`Error::Overflow`] if a sum of squares does not fit into `f64`, [`Error::Memory`].
    pub fn mean_squared_error(&self, beta: &ArrayRef2<f64>) -> Result<Array1<f64>, Error> {
        Error::check_len("rows of beta", self.features.ncols(), beta.nrows())?;
        Error::check_len("columns of beta", self.targets.ncols(), beta.ncols())?;
        Error::check_finite("beta", beta.view())?;
        let (rows, outputs) = self.targets.dim();
        reserve("the errors of a table", table(rows, outputs).saturating_mul(2))?;
        let errors = row_major_product(self.features.view(), beta.view()) - &self.targets;
        let means = errors.mapv(|e| e * e).sum_axis(Axis(0)) / self.rows as f64;
        if means.iter().all(|mean| mean.is_finite()) {
            return Ok(means);
        }
        Err(Error::Overflow { what: "the mean squared error" })
    }
}

/// Divides each column by a power of two so that its largest entry is of order 1, and returns the divisors. Works row
/// by row, because the table is row-major.
pub(crate) fn equilibrate(table: &mut Array2<f64>) -> Vec<f64> {
    // The exponent bits alone: 2^⌊log₂ largest⌋. Columns of zeros or subnormals are not scaled: the reciprocal would
    // overflow.
    let scale = |largest: f64| f64::from_bits(largest.to_bits() & 0x7ff0_0000_0000_0000);
    let scales = largest_of_columns(table).into_iter();
    let scales = scales.map(|largest| if largest < f64::MIN_POSITIVE { 1.0 } else { scale(largest) });
    let scales: Vec<f64> = scales.collect();
    for mut row in table.rows_mut() {
        row.iter_mut().zip(&scales).for_each(|(v, scale)| *v /= scale);
    }
    scales
}

/// The largest absolute value of each column.
fn largest_of_columns(table: &Array2<f64>) -> Vec<f64> {
    let mut largest = vec![0.0f64; table.ncols()];
    for row in table.rows() {
        largest.iter_mut().zip(row).for_each(|(most, v)| *most = most.max(v.abs()));
    }
    largest
}

/// Undoes [`equilibrate`] in the triangle of the table.
fn undo_scales(triangle: &mut Array2<f64>, scales: &[f64]) {
    for mut row in triangle.rows_mut() {
        row.iter_mut().zip(scales).for_each(|(v, scale)| *v *= scale);
    }
}
