//! Gaussian processes: the same posterior with a kernel instead of features.

use super::{Evidence, LogEvidence, Model, Prediction};
use crate::Error;
use crate::kernel::{Kernel, gram};
use crate::machine::memory::{reserve, sum, table};
use crate::risk::covariance::CovarianceRoot;
use crate::svd::{Backend, Cutoff, DivideAndConquer, Svd, power_of_two};
use ndarray::{Array1, Array2, ArrayRef2, Axis, s};
use std::sync::Arc;

/// A Gaussian process `f ~ GP(0, a k)`, given its values at `n` inputs with noise of variance `v`:
///
/// ```text
/// mean      k(x, X) (K + (v/a) I)⁻¹ Y                       K = k(X, X), n × n
/// variance  a [ k(x, x) − k(x, X) (K + (v/a) I)⁻¹ k(X, x) ]
/// ```
///
/// With `k(x, x') = x·x'` and `a = τ²` it gives the same predictions as the linear model of
/// [`Posterior`](super::Posterior); with the limit kernel of random features, it is the Bayesian model of infinite
/// width. The mean is that of [`KernelRegression`](crate::kernel::KernelRegression) with the penalty `v/a`.
///
/// Computed from one root `K = SᵀS` and the SVD of `S`. A variance is a difference, accurate to about `n ε_mach` of
/// `a k(x, x)` near the inputs; far from them it loses more, up to `n κ ε_mach` with `κ` the condition number of `K +
/// (v/a) I`. It is never negative.
///
/// # Examples
/// ```
/// use double_descent::bayes::{GaussianProcess, Model};
/// use double_descent::features::StationaryKernel;
/// use ndarray::array;
///
/// let (x, y) = (array![[0.0], [1.0]], array![[1.0], [-1.0]]);
/// let kernel = StationaryKernel::Gaussian { gamma: 1.0 };
/// let process = GaussianProcess::new(kernel, &x, &y, Model::new(1.0, 0.01)?)?;
/// let near = process.predict(&array![[0.0], [9.0]])?;
/// assert!(near.variance[0] < 0.01 && near.variance[1] > 0.999); // known where seen, the prior far away
/// # Ok::<(), double_descent::Error>(())
/// ```
///
/// # References
/// Rasmussen and Williams 2006, equations 2.25, 2.26 and 2.30.
#[derive(Clone, Debug)]
pub struct GaussianProcess {
    kernel: Arc<dyn Kernel>,
    inputs: Array2<f64>,
    model: Model,
    /// The SVD of `Sᵀ`: `K = U diag(σ²) Uᵀ`.
    svd: Svd,
    /// `Uᵀ Y`, `n × k`.
    along: Array2<f64>,
    evidence: Evidence,
}

impl GaussianProcess {
    /// Computes the posterior given `targets` (`n × k`) at `inputs` (`n × d`); the model's prior variance is `a`.
    /// O(n³).
    ///
    /// # Errors
    /// Those of [`Kernel::gram`]; [`Error::Domain`] for a Gram matrix that is not symmetric and positive semidefinite
    /// up to rounding; [`Error::Shape`], [`Error::Empty`], [`Error::NonFinite`]; [`Error::Unsupported`] for a model
    /// without noise on inputs that the kernel cannot distinguish; [`Error::Overflow`] if the norm of the targets does
    /// not fit into `f64`; [`Error::UserCode`] for a kernel that panics or gives an invalid matrix; [`Error::Memory`],
    /// [`Error::Backend`].
    pub fn new(
        kernel: impl Kernel + 'static,
        inputs: &ArrayRef2<f64>,
        targets: &ArrayRef2<f64>,
        model: Model,
    ) -> Result<Self, Error> {
        let n = inputs.nrows();
        Error::check_len("rows of the targets", n, targets.nrows())?;
        if targets.is_empty() {
            return Err(Error::Empty { what: "the targets" });
        }
        Error::check_finite("the targets", targets.view())?;
        let squares = table(n, n).saturating_mul(3);
        reserve(
            "a Gaussian process",
            sum([squares, DivideAndConquer.bytes((n, n)), table(n, targets.ncols())]),
        )?;
        let kernel: Arc<dyn Kernel> = Arc::new(kernel);
        let root = CovarianceRoot::new(&gram(&*kernel, inputs, inputs)?)?;
        let features = root.matrix.t().to_owned() * power_of_two(root.exponent);
        // Rounding errors of K change its eigenvalues by n ε_mach of the largest, and singular values of S by the root
        // of that.
        let cutoff = Cutoff::Relative((n as f64 * f64::EPSILON).sqrt());
        let svd = Svd::new(&features)?.with_cutoff(cutoff)?;
        model.check(&svd)?;
        let evidence = Evidence::new(&svd, &features, targets)?;
        let along = svd.u().t().dot(targets);
        Ok(Self { kernel, inputs: inputs.to_owned(), model, svd, along, evidence })
    }

    /// The log evidence of the targets, at the variances of the model.
    ///
    /// # Errors
    /// [`Error::Overflow`] if it does not fit into `f64`.
    pub fn log_evidence(&self) -> Result<LogEvidence, Error> {
        self.evidence.log(&self.model)
    }

    /// The evidence of the targets, to be evaluated at any variances.
    #[must_use]
    pub fn evidence(&self) -> &Evidence {
        &self.evidence
    }

    /// Predicts at `inputs` (`m × d`).
    ///
    /// # Errors
    /// Those of [`Kernel::gram`]; [`Error::UserCode`] for a kernel that panics or gives an invalid matrix;
    /// [`Error::Overflow`] for a mean or a variance that does not fit into `f64`; [`Error::Memory`].
    pub fn predict(&self, inputs: &ArrayRef2<f64>) -> Result<Prediction, Error> {
        let (m, n, k) = (inputs.nrows(), self.inputs.nrows(), self.along.ncols());
        reserve("predictions by a process", sum([table(m, n).saturating_mul(3), table(m, k), table(m, 1)]))?;
        let prior = self.model.prior_deviation();
        let modes = || self.svd.singular_values().iter().map(|&sigma| self.model.mode(sigma));
        // a/(v + aλ) = (τ/√w)², λ = σ².
        let gains: Array1<f64> = modes().map(|mode| mode.gain).collect();
        let gains = gains.insert_axis(Axis(0));
        let seen = gram(&*self.kernel, inputs, &self.inputs)?.dot(self.svd.u()) * &gains;
        let mean = seen.dot(&(&self.along * &gains.t()));
        let mut variance = Array1::zeros(m);
        for (i, (variance, seen)) in variance.iter_mut().zip(seen.rows()).enumerate() {
            let input = inputs.slice(s![i..=i, ..]);
            let own = gram(&*self.kernel, &input, &input)?[[0, 0]];
            let known: f64 = seen.iter().map(|t| t * t).sum();
            *variance = (prior * (own - known)).max(0.0) * prior;
        }
        let overflow = |_| Error::Overflow { what: "a prediction" };
        Error::check_finite("predictions", mean.view()).map_err(overflow)?;
        Error::check_finite("variances", variance.view().insert_axis(Axis(1))).map_err(overflow)?;
        Ok(Prediction { mean, variance, noise_variance: self.model.noise_variance() })
    }
}
