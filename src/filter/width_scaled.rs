//! Estimators on features scaled by `a/√p`.

use super::{SpectralFilter, Spectrum};
use crate::Error;
use std::sync::Arc;

/// An estimator on the features `X = (a/√p) Z`, for the design `Z` (`n × p`) of a feature map.
///
/// Studies of random features scale them so that their inner products have a limit: cosines by `√(2/p)`, so that `XXᵀ`
/// tends to the kernel, and neurons by `1/√p`. The scale does not change minimum-norm predictions. It matters if a
/// penalty or a training time is held fixed along a curve over `p`: ridge with penalty `λ` on `X` is ridge with
/// `λ p/a²` on `Z`. A feature map cannot apply a factor that depends on `p`, because its first columns are the same for
/// every `p`. This filter gives the same fit, with gains `(a/√p) g(aσ/√p)` for `Z`:
///
/// ```text
/// Z β̂_Z = X β̂_X        β̂_Z = (a/√p) β̂_X
/// ```
///
/// Predictions and errors are those of the fit on `X`; coefficients are for `Z`.
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
    /// `filter` on features times `amplitude/√p`. Use 1 for features with mean square 1, such as the default
    /// [`RandomFourier`](crate::features::RandomFourier) features; `√2` for plain cosines.
    ///
    /// # Errors
    /// [`Error::Domain`] unless the amplitude is finite and > 0.
    pub fn new(filter: Arc<dyn SpectralFilter>, amplitude: f64) -> Result<Self, Error> {
        if amplitude > 0.0 && amplitude.is_finite() {
            return Ok(Self { filter, amplitude });
        }
        Err(Error::Domain { what: "the amplitude", value: amplitude, must_be: "finite and > 0" })
    }

    /// Returns the singular values of `X`, and `a/√p`.
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
        // The minimum norm does not depend on the scale; any other penalty for Z depends on p.
        self.filter.penalty().filter(|lambda| *lambda == 0.0)
    }

    fn describe(&self) -> String {
        format!("{}, on features times {:.4}/√p", self.filter.describe(), self.amplitude)
    }
}
