//! Kernel regression, the limit of fits on many random features.

use super::{Kernel, check_positive, gram};
use crate::Error;
use crate::curve::Cell;
use crate::filter::MinNorm;
use crate::machine::memory::{reserve, sum, table};
use crate::risk::{error_rate, first_largest};
use crate::svd::{Backend, DivideAndConquer, Svd, exponent, scaled};
use ndarray::{Array2, ArrayRef2};
use std::sync::Arc;

/// Ridgeless or ridge kernel regression, in closed form:
///
/// ```text
/// f(x) = k(x, X) α      ridgeless  α = K⁺ Y      ridge  α = (K + λ I)⁻¹ Y      K = k(X, X), n × n
/// ```
/// Without ridge, `f` is the interpolant of least norm `‖f‖² = tr αᵀ K α`. It is the infinite-width limit of
/// minimum-norm fits on `p` features with `φ·φ'/p → k` as `p → ∞`. Ridge minimises `Σᵢ ‖f(xᵢ) − yᵢ‖² + λ ‖f‖²`. It is
/// the limit for the penalty `λ ‖β‖²` on the features `φ/√p`.
///
/// # Accuracy
/// A fit takes one checked SVD of `K`, or of `K + λ I`, with the crate's cutoff `n ε σ₁`
/// ([`Cutoff`](crate::svd::Cutoff)). It loses about `log₁₀ κ` digits, where `κ` is the [condition
/// number](KernelRegression::condition_number). The condition number of `K` is the square of that of the features, so
/// smooth kernels (Gaussian) on close inputs reach the cutoff. The part of the targets that is then not fitted shows in
/// [`KernelRegression::train_mse`].
///
/// # Examples
/// ```
/// use double_descent::features::StationaryKernel;
/// use double_descent::kernel::KernelRegression;
/// use ndarray::array;
///
/// let (x, y) = (array![[0.0], [1.0], [2.0]], array![[1.0], [0.0], [1.0]]);
/// let fit = KernelRegression::fit(StationaryKernel::Laplacian { gamma: 1.0 }, &x, &y)?;
/// assert!(fit.train_mse() < 1e-30); // it interpolates
/// let between = fit.predict(&array![[0.5]])?[[0, 0]];
/// assert!((between - 0.5 / 0.5_f64.cosh()).abs() < 1e-15);
/// # Ok::<(), double_descent::Error>(())
/// ```
///
/// # References
/// Liang and Rakhlin, *Just interpolate: kernel "ridgeless" regression can generalize*, Annals of Statistics 2020;
/// Belkin, Hsu, Ma and Mandal, *Reconciling modern machine-learning practice and the classical bias–variance
/// trade-off*, PNAS 2019: the kernel machine as the limit of random Fourier features.
#[derive(Clone, Debug)]
pub struct KernelRegression {
    kernel: Arc<dyn Kernel>,
    inputs: Array2<f64>,
    /// `α`, `n × k`.
    dual: Array2<f64>,
    rank: usize,
    condition_number: f64,
    train_mse: f64,
    norm: f64,
}

impl KernelRegression {
    /// Fits `targets` (`n × k`) at `inputs` (`n × d`) without ridge, in O(n³).
    ///
    /// # Errors
    /// The errors of [`Kernel::gram`] and [`Svd::new`]; [`Error::Shape`] if the numbers of rows differ;
    /// [`Error::Empty`] without targets; [`Error::NonFinite`] for a target that is NaN or infinite;
    /// [`Error::Overflow`] if an entry of `α` or the training error does not fit into `f64`; [`Error::UserCode`] if the
    /// kernel panics, or gives a matrix of the wrong shape or with entries that are not finite; [`Error::Memory`].
    pub fn fit(
        kernel: impl Kernel + 'static,
        inputs: &ArrayRef2<f64>,
        targets: &ArrayRef2<f64>,
    ) -> Result<Self, Error> {
        Self::with_penalty(Arc::new(kernel), inputs, targets, 0.0)
    }

    /// Fits `targets` (`n × k`) at `inputs` (`n × d`) with the ridge penalty `lambda` (`λ`), in units of the kernel.
    ///
    /// # Errors
    /// As [`KernelRegression::fit`]; [`Error::Domain`] unless `lambda` is finite and > 0; for the limit 0, use
    /// [`KernelRegression::fit`].
    pub fn fit_ridge(
        kernel: impl Kernel + 'static,
        inputs: &ArrayRef2<f64>,
        targets: &ArrayRef2<f64>,
        lambda: f64,
    ) -> Result<Self, Error> {
        check_positive("the ridge penalty", lambda)?;
        Self::with_penalty(Arc::new(kernel), inputs, targets, lambda)
    }

    fn with_penalty(
        kernel: Arc<dyn Kernel>,
        inputs: &ArrayRef2<f64>,
        targets: &ArrayRef2<f64>,
        lambda: f64,
    ) -> Result<Self, Error> {
        Error::check_len("rows of the targets", inputs.nrows(), targets.nrows())?;
        if targets.is_empty() {
            return Err(Error::Empty { what: "the targets" });
        }
        // K, the matrix to factorise, and its SVD. The kernel's own peak comes earlier and is smaller.
        let (n, k) = targets.dim();
        let needed = [
            table(n, n).saturating_mul(3),
            DivideAndConquer.bytes((n, n)),
            table(n, k).saturating_mul(3),
            table(n, inputs.ncols()),
        ];
        reserve("a kernel regression", sum(needed))?;
        let gram = gram(&*kernel, inputs, inputs)?;
        // The SVD of K + λI, not of K: rounding can make eigenvalues of K negative, and singular values hide the sign.
        let mut penalised = gram.clone();
        penalised.diag_mut().mapv_inplace(|v| v + lambda);
        let svd = Svd::new(&penalised)?;
        let dual = svd.solve(targets, &MinNorm::default())?;
        let fitted = gram.dot(&dual);
        let norm = norm(&gram, &dual, &fitted);
        let train_mse = mean_squared(&fitted, targets)?;
        Ok(Self {
            kernel,
            inputs: inputs.to_owned(),
            dual,
            rank: svd.rank(),
            condition_number: svd.condition_number(),
            train_mse,
            norm,
        })
    }

    /// Returns `f` at `inputs` (`m × d`), `m × k`.
    ///
    /// # Errors
    /// The errors of [`Kernel::gram`]; [`Error::UserCode`], as [`KernelRegression::fit`]; [`Error::Overflow`] for a
    /// prediction that overflows `f64`; [`Error::Memory`].
    pub fn predict(&self, inputs: &ArrayRef2<f64>) -> Result<Array2<f64>, Error> {
        let (m, n, k) = (inputs.nrows(), self.inputs.nrows(), self.dual.ncols());
        reserve("predictions by a kernel", sum([table(m, n), table(m, k), table(m + n, inputs.ncols())]))?;
        let predictions = gram(&*self.kernel, inputs, &self.inputs)?.dot(&self.dual);
        match Error::check_finite("predictions", predictions.view()) {
            Ok(()) => Ok(predictions),
            Err(_) => Err(Error::Overflow { what: "a prediction" }),
        }
    }

    /// Returns the mean squared error over rows and outputs at `inputs` (`m × d`), with `targets` (`m × k`).
    ///
    /// # Errors
    /// As [`KernelRegression::predict`]; [`Error::Shape`] if the targets are not `m × k`; [`Error::NonFinite`] if they
    /// hold NaN or an infinity; [`Error::Overflow`] if the error does not fit into `f64`.
    pub fn mean_squared_error(
        &self,
        inputs: &ArrayRef2<f64>,
        targets: &ArrayRef2<f64>,
    ) -> Result<f64, Error> {
        mean_squared(&self.checked_predictions(inputs, targets)?, targets)
    }

    fn checked_predictions(
        &self,
        inputs: &ArrayRef2<f64>,
        targets: &ArrayRef2<f64>,
    ) -> Result<Array2<f64>, Error> {
        Error::check_len("rows of the targets", inputs.nrows(), targets.nrows())?;
        Error::check_len("columns of the targets", self.dual.ncols(), targets.ncols())?;
        Error::check_finite("the targets", targets.view())?;
        self.predict(inputs)
    }

    /// Returns the limit as an arm of a model-wise curve, with one cell per entry of `sizes` (numbers of features `p`).
    /// Test errors are those at `inputs` (`m × d`) with `targets` (`m × k`).
    ///
    /// All cells have the same errors, so the curve is a horizontal line. They carry the given `repeat` and `arm`.
    /// Their norm is `‖f‖/√p`, the limit of `‖β̂‖` on features with `φ·φ'/p → k`; none if it is NaN. With more than one
    /// output they also have an error rate: the share of rows whose largest prediction is not at the largest target.
    ///
    /// # Errors
    /// As [`KernelRegression::mean_squared_error`].
    ///
    /// # Examples
    /// ```
    /// use double_descent::features::StationaryKernel;
    /// use double_descent::kernel::KernelRegression;
    /// use ndarray::array;
    ///
    /// let (x, y) = (array![[0.0], [1.0]], array![[0.0], [1.0]]);
    /// let limit = KernelRegression::fit(StationaryKernel::Gaussian { gamma: 1.0 }, &x, &y)?;
    /// let cells = limit.cells((&array![[0.5]], &array![[0.5]]), &[1, 2, 4], 0, 1)?;
    /// assert_eq!(cells[0].test_mse, cells[2].test_mse);
    /// # Ok::<(), double_descent::Error>(())
    /// ```
    pub fn cells(
        &self,
        (inputs, targets): (&ArrayRef2<f64>, &ArrayRef2<f64>),
        sizes: &[usize],
        repeat: usize,
        arm: usize,
    ) -> Result<Vec<Cell>, Error> {
        let predictions = self.checked_predictions(inputs, targets)?;
        let labels: Vec<usize> = targets.rows().into_iter().map(first_largest).collect();
        let cell = Cell {
            repeat,
            n: self.inputs.nrows(),
            arm,
            train_mse: Some(self.train_mse),
            test_mse: Some(mean_squared(&predictions, targets)?),
            test_error_rate: (targets.ncols() > 1).then(|| error_rate(&predictions, &labels)).transpose()?,
            rank: self.rank,
            ..Cell::default()
        };
        let norm = |p: usize| (p > 0 && !self.norm.is_nan()).then(|| self.norm / (p as f64).sqrt());
        Ok(sizes.iter().map(|&p| Cell { p, coefficient_norm: norm(p), ..cell }).collect())
    }

    /// Returns the dual coefficients `α`, `n × k`.
    #[must_use]
    pub fn dual(&self) -> &Array2<f64> {
        &self.dual
    }

    /// Returns the numerical rank of `K`, or of `K + λ I`: `n` unless a singular value is below `n ε σ₁`.
    #[must_use]
    pub fn rank(&self) -> usize {
        self.rank
    }

    /// Returns the condition number `κ` of `K`, or of `K + λ I`: the ratio of the largest singular value to the
    /// smallest.
    #[must_use]
    pub fn condition_number(&self) -> f64 {
        self.condition_number
    }

    /// Returns the mean squared training error over rows and outputs.
    #[must_use]
    pub fn train_mse(&self) -> f64 {
        self.train_mse
    }

    /// Returns `√tr(αᵀ K α)`, the norm of `f` in the kernel's space. NaN if the kernel is not positive semidefinite and
    /// the trace is negative, not only by rounding.
    #[must_use]
    pub fn norm(&self) -> f64 {
        self.norm
    }

    /// Describes the kernel in words, for a caption.
    #[must_use]
    pub fn describe(&self) -> String {
        crate::error::user_code::description(|| self.kernel.describe())
    }
}

/// Returns `√tr(αᵀ K α)` from `K`, `α` and `K α`, whose products may overflow; NaN if the trace is negative, not only by
/// rounding.
fn norm(gram: &Array2<f64>, dual: &Array2<f64>, fitted: &Array2<f64>) -> f64 {
    let size = |values: &Array2<f64>| exponent(values.fold(0.0, |most: f64, v| most.max(v.abs())));
    let of_dual = size(dual);
    // Powers of two change no digit. The sum of both exponents is even, so that its root is a power of two as well.
    let of_fitted = size(fitted) + (of_dual + size(fitted)).rem_euclid(2);
    let dual = dual.mapv(|v| scaled(v, -of_dual));
    let trace = (&dual * &fitted.mapv(|v| scaled(v, -of_fitted))).sum();
    if trace < 0.0 {
        // Sums of n products, of entries of K that may themselves be off by some units in the last place.
        let sizes = gram.mapv(f64::abs).dot(&dual.mapv(f64::abs)).mapv(|v| scaled(v, of_dual - of_fitted));
        let rounding = (gram.nrows() + 8) as f64 * f64::EPSILON * (&dual.mapv(f64::abs) * &sizes).sum();
        return if -trace <= rounding { 0.0 } else { f64::NAN };
    }
    scaled(trace.sqrt(), i32::midpoint(of_dual, of_fitted))
}

fn mean_squared(predictions: &Array2<f64>, targets: &ArrayRef2<f64>) -> Result<f64, Error> {
    let sum: f64 = predictions.iter().zip(targets).map(|(f, y)| (f - y) * (f - y)).sum();
    let mean = sum / predictions.len() as f64;
    if mean.is_finite() { Ok(mean) } else { Err(Error::Overflow { what: "a squared error" }) }
}
