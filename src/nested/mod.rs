//! Every point of a curve, exactly, from one factorisation that grows a row or a column at a time.
//!
//! A curve of `N` separate fits costs `N` factorisations. But its problems are nested: the next one has one
//! row, or one column, more. Both engines here keep a complete orthogonal decomposition with a triangle
//! `L` (`r × r`, `r` the rank) in its middle and let it grow,
//!
//! ```text
//! rows appended      X (n × p) = W L Q       β̂ = Qᵀ L⁻¹ c       c = Wᵀ Y     predictions  (A Qᵀ)(L⁻¹ c)
//! columns appended   X (n × p) = Q Lᵀ Wᵀ     β̂ = W L⁻ᵀ c        c = Q Y      predictions  (A W)(L⁻ᵀ c)
//! ```
//!
//! with orthonormal rows in `Q` and orthonormal columns in `W`, which is never formed: what it is needed
//! for (`c` in [`Rows`], the test features `A W` in [`Columns`]) is carried along.
//!
//! - A new row (column) that is independent of those before it appends a row to `L` and a vector to `Q`:
//!   the LQ (QR) factorisation, nested by itself. Cost O(r p) (O(r n)).
//! - A new row (column) in the span of those before it, be it for want of room (`n > p`, or `p > n`) or a
//!   duplicate, a multiple, all zeros, is taken into `L` by `r` Givens rotations (Golub and Van Loan,
//!   *Matrix Computations*, section 6.5). Cost O(r²). What is left of its target is the training error.
//!
//! So every point is the minimum-norm fit, `β̂ = X⁺ Y`, on both sides of the interpolation threshold `n = p`
//! and with dependent rows and columns anywhere. Every step is orthogonal: no Gram matrix, no updated
//! inverse. A point loses `log₁₀ κ` digits, κ the condition number of its own matrix, whatever the curve
//! went through before: each point agrees with [`Svd::solve`] within `c κ ε`, and the badly
//! conditioned matrix at the threshold does not spoil the points after it.
//!
//! [`Rows::extend`] turns whole blocks of rows into matrix–matrix work. At p = 1000 every n from 1 to 4000 then
//! costs two to three times one SVD of the 4000 × 1000 matrix.
//!
//! # Where a point is handed over to the SVD
//! Whether a row is dependent is a clear-cut question only up to rounding: what leaves the span of the rows
//! before by less than `max(n, p, 16) ε` of the longest row counts as inside. Beyond that, the crate's
//! rank cutoff ([`Cutoff::MachinePrecision`], `max(n, p) ε σ₁`) decides, on singular values. So
//! where an estimate of the condition number of `L` is over `1 / (8 max(n, p) ε)`, that one point is computed
//! by the checked SVD of `L`, whose singular values are those of `X`; [`Point::engine`] says so. The next
//! point that is well conditioned goes on without.
//!
//! # Many repeats
//! [`noise`] does the noise term alone, for many small problems at once, eight to a SIMD register.
//!
//! # A curve of every n in a few lines
//! ```
//! use double_descent::nested::{Test, sample_curve};
//! use double_descent::{dataset::StudentTeacher, risk::Compressed};
//! use ndarray::s;
//!
//! let data = StudentTeacher::new(0).generate()?;
//! let (x, y) = (data.features(), data.targets());
//! let test = Compressed::new(&x.slice(s![500.., ..]), &y.slice(s![500.., ..]))?;
//! let curve = sample_curve(&x.slice(s![..500, ..]), &y.slice(s![..500, ..]), Test::Rows(&test))?;
//!
//! assert_eq!(curve.len(), 500);
//! let peak = curve.iter().max_by(|a, b| a.test_mse.unwrap().total_cmp(&b.test_mse.unwrap())).unwrap();
//! assert!(peak.n.abs_diff(20) <= 2); // p = 20
//! # Ok::<(), double_descent::Error>(())
//! ```
//!
//! # References
//! Hastie, Montanari, Rosset and Tibshirani, *Surprises in high-dimensional ridgeless least squares
//! interpolation*, Annals of Statistics 2022 (minimum norm on both sides of the threshold); Nakkiran, *More
//! data can hurt for linear regression*, arXiv:1912.07242 (the sample-wise curve); Stewart, *Updating a
//! rank-revealing ULV decomposition*, SIAM J. Matrix Anal. Appl. 1993 (the decomposition).
//!
//! [`Svd::solve`]: crate::svd::Svd::solve
//! [`Cutoff::MachinePrecision`]: crate::svd::Cutoff::MachinePrecision

mod basis;
mod block;
mod columns;
mod fit;
mod held_out;
pub mod noise;
mod rows;
mod scale;
mod triangle;

pub use columns::Columns;
pub use rows::Rows;

use crate::Error;
use crate::curve::Cell;
use crate::risk::Compressed;
use ndarray::ArrayRef2;

/// How one point of a nested curve was computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Engine {
    /// From the grown factorisation.
    Nested,
    /// By an SVD of that point's triangle: its matrix is close to rank-deficient.
    Svd,
}

/// Which rows the test error is measured on.
#[derive(Clone, Copy, Debug, Default)]
pub enum Test<'a> {
    /// None: no test error.
    #[default]
    None,
    /// All rows of this table.
    Rows(&'a Compressed),
    /// The rows of this table that do not train: all training rows are in it. The sum over the training
    /// rows is subtracted from that over all rows, which loses a factor of (sum over all rows) / (sum over the
    /// test rows) in accuracy.
    Others(&'a Compressed),
}

/// One minimum-norm fit of a nested curve. Errors are means over rows and outputs.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Point {
    /// Training samples.
    pub n: usize,
    /// Features.
    pub p: usize,
    /// Numerical rank of the training features.
    pub rank: usize,
    /// `‖X β̂ − Y‖²_F / (n k)`; exactly 0 where the rows are independent.
    pub train_mse: f64,
    /// The same on the test rows; `None` where there are none.
    pub test_mse: Option<f64>,
    /// `‖β̂‖_F`.
    pub norm: f64,
    /// The expected noise term `tr((X⁺)ᵀ Σ X⁺)`, where a covariance Σ of test features was given: what label
    /// noise of variance 1 adds to the excess test error on average, with no noise drawn.
    pub noise: Option<f64>,
    /// What computed it.
    pub engine: Engine,
}

impl Point {
    /// As a row of the tidy table of a [`Curve`](crate::curve::Curve).
    #[must_use]
    pub fn cell(&self, repeat: usize, arm: usize) -> Cell {
        Cell {
            repeat,
            n: self.n,
            p: self.p,
            arm,
            train_mse: Some(self.train_mse),
            test_mse: self.test_mse,
            rank: self.rank,
            ..Cell::default()
        }
    }
}

/// The sample-wise curve: the minimum-norm fits to the first `1, 2, …, N` rows of features `x` (`N × p`)
/// and targets `y` (`N × k`). [`Rows`] does the same for rows that come one at a time.
///
/// # Errors
/// [`Error::Empty`], [`Error::Shape`], [`Error::NonFinite`], [`Error::Overflow`], [`Error::Backend`].
pub fn sample_curve(x: &ArrayRef2<f64>, y: &ArrayRef2<f64>, test: Test<'_>) -> Result<Vec<Point>, Error> {
    check(x, y)?;
    let mut engine = Rows::new(x.ncols(), y.ncols(), test)?;
    engine.extend(x, y)
}

/// The model-wise curve: the minimum-norm fits of targets `y` (`n × k`) on the first `1, 2, …, P` columns
/// of features `x` (`n × P`). The columns of the test table belong to those of `x`.
///
/// # Errors
/// [`Error::Empty`], [`Error::Shape`], [`Error::NonFinite`], [`Error::Overflow`], [`Error::Backend`].
///
/// # Examples
/// ```
/// use double_descent::nested::{Test, feature_curve};
/// use ndarray::array;
///
/// let x = array![[1.0, 0.0, 1.0], [0.0, 2.0, 2.0]];
/// let curve = feature_curve(&x, &array![[3.0], [4.0]], Test::None)?;
/// assert_eq!([curve[0].train_mse, curve[1].train_mse], [8.0, 0.0]); // 4²/2, then interpolation
/// assert!(curve[2].norm < curve[1].norm);
/// # Ok::<(), double_descent::Error>(())
/// ```
pub fn feature_curve(x: &ArrayRef2<f64>, y: &ArrayRef2<f64>, test: Test<'_>) -> Result<Vec<Point>, Error> {
    check(x, y)?;
    let mut engine = Columns::new(y, test)?;
    x.columns().into_iter().map(|column| engine.push(&column)).collect()
}

fn check(x: &ArrayRef2<f64>, y: &ArrayRef2<f64>) -> Result<(), Error> {
    if x.is_empty() {
        return Err(Error::Empty { what: "the features" });
    }
    Error::check_len("rows of y", x.nrows(), y.nrows())?;
    Error::check_finite("the features", x.view())?;
    Error::check_finite("the targets", y.view())
}
