//! Estimators on features that are scaled by their number.

use super::{SpectralFilter, Spectrum};
use crate::Error;
use std::sync::Arc;

/// An estimator on the features `X = (a/√p) Z`, for a design `Z` (`n × p`) as a map gives it.
///
/// Studies of random features scale them so that their products have a limit: cosines by `√(2/p)`, so that `XXᵀ` tends to
/// the kernel, neurons by `1/√p`. The minimum norm does not see it, but a penalty or a time that is kept along a curve over
/// `p` does: ridge with the penalty `λ` on `X` is ridge with `λ p/a²` on `Z`. A map itself cannot be scaled by `p`, whose
/// first columns are the same for every `p`; this is the same fit, with gains `(a/√p) g(aσ/√p)` for `Z`:
///
/// ```text
/// Z β̂_Z = X β̂_X        β̂_Z = (a/√p) β̂_X
/// ```
///
/// Predictions and errors are those on `X`, coefficients those for `Z`.
///
/// # Examples
/// ```
/// use double_descent::filter::{Ridge, SpectralFilter, Spectrum, WidthScaled};
/// use std::sync::Arc;
///
/// let ridge = WidthScaled::new(Arc::new(Ridge::new(0.1)?), 2f64.sqrt())?;
/// let sigma = [3.0, 1.0];
/// let narrow = ridge.gains(Spectrum::new(2, 10, &sigma));
/// let alike = Ridge::new(0.1 * 10.0 / 2.0)?.gains(Spectrum::new(2, 10, &sigma));
/// assert!((&narrow - &alike).iter().all(|off| off.abs() < 1e-15));
/// # Ok::<(), double_descent::Error>(())
/// ```
///
/// # References
/// Rahimi and Recht, *Random features for large-scale kernel machines*, 2007 (cosines by `√(2/p)`); Mei and
/// Montanari, *The generalization error of random features regression*, CPAM 2022 (neurons by `1/√p`).
#[derive(Clone, Debug)]
pub struct WidthScaled {
    filter: Arc<dyn SpectralFilter>,
    amplitude: f64,
}

impl WidthScaled {
    /// `filter` on features times `amplitude/√p`: 1 for features whose squares have the mean 1, as those of
    /// [`RandomFourier`](crate::features::RandomFourier) do by default; `√2` for cosines as they are.
    ///
    /// # Errors
    /// [`Error::Domain`] unless the amplitude is finite and > 0.
    pub fn new(filter: Arc<dyn SpectralFilter>, amplitude: f64) -> Result<Self, Error> {
        if amplitude > 0.0 && amplitude.is_finite() {
            return Ok(Self { filter, amplitude });
        }
        Err(Error::Domain { what: "the amplitude", value: amplitude, must_be: "finite and > 0" })
    }

    /// What the estimator sees, and `a/√p`.
    fn seen(&self, spectrum: Spectrum<'_>) -> (Vec<f64>, f64) {
        let scale = self.amplitude / (spectrum.shape().1.max(1) as f64).sqrt();
        (spectrum.singular_values().iter().map(|s| s * scale).collect(), scale)
    }
}

impl SpectralFilter for WidthScaled {
    fn write_gains(&self, spectrum: Spectrum<'_>, gains: &mut [f64]) {
        let ((n, p), (sigma, scale)) = (spectrum.shape(), self.seen(spectrum));
        self.filter.write_gains(Spectrum::new(n, p, &sigma), gains);
        for gain in gains {
            *gain *= scale;
        }
    }

    fn write_residuals(&self, spectrum: Spectrum<'_>, gains: &[f64], residuals: &mut [f64]) {
        let ((n, p), (sigma, scale)) = (spectrum.shape(), self.seen(spectrum));
        let gains: Vec<f64> = gains.iter().map(|gain| gain / scale).collect();
        self.filter.write_residuals(Spectrum::new(n, p, &sigma), &gains, residuals);
    }

    fn check(&self, spectrum: Spectrum<'_>) -> Result<(), Error> {
        let ((n, p), (sigma, _)) = (spectrum.shape(), self.seen(spectrum));
        self.filter.check(Spectrum::new(n, p, &sigma))
    }

    fn penalty(&self) -> Option<f64> {
        // Of the minimum norm no scale is seen; any other penalty depends on p.
        self.filter.penalty().filter(|lambda| *lambda == 0.0)
    }

    fn describe(&self) -> String {
        format!("{}, on features times {:.4}/√p", self.filter.describe(), self.amplitude)
    }
}
