//! The population that a model is tested on: the second moments of its rows, the teacher, the noise.

use super::Compressed;
use crate::Error;
use crate::machine::memory::{reserve, table};
use crate::risk::covariance::CovarianceRoot;
use crate::svd::power_of_two;
use ndarray::{Array1, Array2, ArrayRef1, ArrayRef2, Axis};

/// The second moments `Σ = E[x xᵀ]` (`p × p`) of the rows that a model is tested on: their covariance if their mean
/// is 0. They may differ from those of the training rows (a covariate shift).
///
/// Stored as a root, `Σ = SᵀS`, so that an error `vᵀΣv = ‖S v‖²` is a sum of squares and loses no digits to
/// cancellation.
///
/// # Examples
/// ```
/// use double_descent::risk::Covariance;
/// use ndarray::array;
///
/// assert_eq!(Covariance::isotropic(3, 2.0)?.features(), 3);
/// assert!(Covariance::full(&array![[1.0, 2.0], [2.0, 1.0]]).is_err()); // an eigenvalue is −1
/// assert!(Covariance::full(&array![[1.0, 0.5], [0.4, 1.0]]).is_err()); // not symmetric
/// # Ok::<(), double_descent::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Covariance {
    form: Form,
}

/// A root of Σ, in the cheapest form.
#[derive(Clone, Debug, PartialEq)]
enum Form {
    /// `deviation · I`.
    Isotropic { p: usize, deviation: f64 },
    /// Standard deviations, one per feature.
    Diagonal(Array1<f64>),
    /// `S`, `q × p`.
    Full(Array2<f64>),
}

impl Covariance {
    /// Makes `Σ = variance · I` for `p` features.
    ///
    /// # Errors
    /// [`Error::Empty`] for no features, [`Error::Domain`] unless the variance is finite and ≥ 0.
    pub fn isotropic(p: usize, variance: f64) -> Result<Self, Error> {
        if p == 0 {
            return Err(Error::Empty { what: "the covariance" });
        }
        let deviation = check_variance(variance)?.sqrt();
        Ok(Self { form: Form::Isotropic { p, deviation } })
    }

    /// Makes `Σ = diag(variances)` for `p` uncorrelated features.
    ///
    /// # Errors
    /// [`Error::Empty`], [`Error::Domain`] unless every variance is finite and ≥ 0.
    pub fn diagonal(variances: &ArrayRef1<f64>) -> Result<Self, Error> {
        if variances.is_empty() {
            return Err(Error::Empty { what: "the covariance" });
        }
        let deviations = variances.iter().map(|&v| check_variance(v).map(f64::sqrt));
        Ok(Self { form: Form::Diagonal(deviations.collect::<Result<_, _>>()?) })
    }

    /// Makes any `Σ` (`p × p`). Stores its Cholesky factor, or a triangular root by an SVD if it is close to singular.
    /// O(p³), once.
    ///
    /// # Errors
    /// [`Error::Empty`], [`Error::Shape`] unless it is square, [`Error::NonFinite`], [`Error::Domain`] unless it is
    /// symmetric and positive semidefinite up to rounding, [`Error::Backend`], [`Error::Memory`].
    pub fn full(covariance: &ArrayRef2<f64>) -> Result<Self, Error> {
        let root = CovarianceRoot::new(covariance)?;
        reserve("the root of a covariance", table(covariance.nrows(), covariance.nrows()))?;
        Ok(Self { form: Form::Full(root.matrix * power_of_two(root.exponent)) })
    }

    /// Makes `Σ = XₜᵀXₜ/m` from given rows (`m × p`): expectations are then means over these rows. O(m p²), once.
    ///
    /// # Errors
    /// As [`Compressed::new`].
    pub fn of_rows(rows: &ArrayRef2<f64>) -> Result<Self, Error> {
        let compressed = Compressed::new(rows, &Array2::zeros((rows.nrows(), 1)))?;
        let scale = (compressed.rows() as f64).sqrt();
        Ok(Self { form: Form::Full(compressed.features / scale) })
    }

    /// The number of features, `p`.
    #[must_use]
    pub fn features(&self) -> usize {
        match &self.form {
            Form::Isotropic { p, .. } => *p,
            Form::Diagonal(deviations) => deviations.len(),
            Form::Full(root) => root.ncols(),
        }
    }

    /// The standard deviation of every feature, if `Σ` is isotropic.
    pub(super) fn isotropic_deviation(&self) -> Option<f64> {
        match self.form {
            Form::Isotropic { deviation, .. } => Some(deviation),
            _ => None,
        }
    }

    /// Computes `S A` for `A` (`p × k`).
    pub(super) fn root_times(&self, a: &ArrayRef2<f64>) -> Array2<f64> {
        match &self.form {
            Form::Isotropic { deviation, .. } => a.to_owned() * *deviation,
            Form::Diagonal(deviations) => a.to_owned() * deviations.view().insert_axis(Axis(1)),
            Form::Full(root) => root.dot(a),
        }
    }

    /// The number of rows of the root, `q`.
    pub(super) fn root_rows(&self) -> usize {
        match &self.form {
            Form::Full(root) => root.nrows(),
            _ => self.features(),
        }
    }

    /// The Frobenius norm of the root, `√tr Σ`.
    pub(super) fn root_norm(&self) -> f64 {
        let squares = |values: &mut dyn Iterator<Item = &f64>| values.map(|v| v * v).sum::<f64>().sqrt();
        match &self.form {
            Form::Isotropic { p, deviation } => deviation * (*p as f64).sqrt(),
            Form::Diagonal(deviations) => squares(&mut deviations.iter()),
            Form::Full(root) => squares(&mut root.iter()),
        }
    }
}

fn check_variance(value: f64) -> Result<f64, Error> {
    if value >= 0.0 && value.is_finite() {
        return Ok(value);
    }
    Err(Error::Domain { what: "a variance", value, must_be: "finite and ≥ 0" })
}

/// Rows with second moments `Σ` and targets `y = x·β* + e`, with uncorrelated noise `e` of mean 0 and equal variance.
///
/// The test rows have the moments `Σ`; training rows may come from anywhere. Training and test targets have the same
/// noise.
///
/// # Examples
/// The peak at `n = p` is variance; the bias is 0 from there on:
/// ```
/// use double_descent::filter::MinNorm;
/// use double_descent::risk::{Covariance, Population};
/// use double_descent::svd::Svd;
/// use ndarray::{Array2, array};
///
/// let population = Population::new(Covariance::isotropic(2, 1.0)?, array![[3.0], [4.0]], 0.5)?;
/// let risk = |x: Array2<f64>| population.given(&Svd::new(&x)?)?.of(&MinNorm::default());
///
/// let fewer = risk(array![[2.0, 0.0]])?; // one row: it sees only the first feature
/// assert_eq!((fewer.bias_squared, fewer.variance), (16.0, 0.5 / 4.0));
/// let as_many = risk(array![[2.0, 0.0], [0.0, 0.1]])?;
/// assert_eq!(as_many.bias_squared, 0.0);
/// assert!((as_many.variance - 0.5 * (0.25 + 100.0)).abs() < 1e-12);
/// # Ok::<(), double_descent::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Population {
    pub(super) covariance: Covariance,
    pub(super) teacher: Array2<f64>,
    pub(super) noise: f64,
}

impl Population {
    /// Makes a population from the second moments of the test rows, `β*` (`p × k`) and the variance of the noise.
    ///
    /// # Errors
    /// [`Error::Empty`], [`Error::Shape`] unless `β*` has a row for every feature, [`Error::NonFinite`],
    /// [`Error::Domain`] unless the variance is finite and ≥ 0.
    pub fn new(covariance: Covariance, teacher: Array2<f64>, noise: f64) -> Result<Self, Error> {
        if teacher.is_empty() {
            return Err(Error::Empty { what: "the teacher's parameters" });
        }
        Error::check_len("rows of the teacher's parameters", covariance.features(), teacher.nrows())?;
        Error::check_finite("the teacher's parameters", teacher.view())?;
        if !(noise >= 0.0 && noise.is_finite()) {
            let what = "the variance of the noise";
            return Err(Error::Domain { what, value: noise, must_be: "finite and ≥ 0" });
        }
        Ok(Self { covariance, teacher, noise })
    }

    /// The second moments `Σ`.
    #[must_use]
    pub fn covariance(&self) -> &Covariance {
        &self.covariance
    }

    /// The teacher `β*`, `p × k`.
    #[must_use]
    pub fn teacher(&self) -> &Array2<f64> {
        &self.teacher
    }

    /// The variance of the noise.
    #[must_use]
    pub fn noise(&self) -> f64 {
        self.noise
    }

    /// Computes the excess risk of given parameters (`p × k`): `(β − β*)ᵀ Σ (β − β*)`, the mean over the outputs.
    ///
    /// # Errors
    /// [`Error::Shape`] unless the parameters have the teacher's shape, [`Error::NonFinite`], [`Error::Overflow`] if
    /// the excess does not fit into `f64`, [`Error::Memory`].
    pub fn excess(&self, beta: &ArrayRef2<f64>) -> Result<f64, Error> {
        self.check_parameters(beta)?;
        let off = self.covariance.root_times(&(beta.to_owned() - &self.teacher));
        let excess = mean_squares(off.iter(), beta.ncols());
        if excess.is_finite() { Ok(excess) } else { Err(Error::Overflow { what: "the excess risk" }) }
    }

    /// Checks that parameters have the teacher's shape, and reserves the memory that their errors take.
    pub(super) fn check_parameters(&self, beta: &ArrayRef2<f64>) -> Result<(), Error> {
        Error::check_len("rows of the parameters", self.teacher.nrows(), beta.nrows())?;
        Error::check_len("columns of the parameters", self.teacher.ncols(), beta.ncols())?;
        Error::check_finite("the parameters", beta.view())?;
        let rows = self.teacher.nrows().max(self.covariance.root_rows());
        reserve("the error of parameters", table(rows, beta.ncols()).saturating_mul(3))
    }
}

/// `Σ v² / k`.
pub(super) fn mean_squares<'a>(values: impl Iterator<Item = &'a f64>, outputs: usize) -> f64 {
    values.map(|v| v * v).sum::<f64>() / outputs as f64
}
