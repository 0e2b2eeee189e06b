//! Ablations and adversaries as values: each changes one of the three factors.

use crate::Error;
use crate::svd::Cutoff;

/// Which of the three factors of the test error are switched off (Schaeffer et al. 2023, section 4).
///
/// A value; combinations are method chains.
///
/// # Examples
/// ```
/// use double_descent::Ablation;
///
/// let both = Ablation::none().small_singular_values(0.1)?.no_residuals();
/// assert_ne!(both, Ablation::none());
/// # Ok::<(), double_descent::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[must_use]
pub struct Ablation {
    cutoff: Option<f64>,
    test_modes: Option<usize>,
    no_residuals: bool,
}

impl Ablation {
    /// Nothing is switched off.
    pub fn none() -> Self {
        Self::default()
    }

    /// Factor 1: modes with `σ < cutoff` (absolute) are dropped from the fit.
    ///
    /// # Errors
    /// [`Error::Domain`] if the cutoff is negative or not finite.
    pub fn small_singular_values(mut self, cutoff: f64) -> Result<Self, Error> {
        Cutoff::Absolute(cutoff).check()?;
        self.cutoff = Some(cutoff);
        Ok(self)
    }

    /// Factor 2: test features are projected on the `modes` leading right singular vectors of the
    /// training features. The fit stays what it was, and so does its training error. More modes than
    /// there are: nothing is switched off.
    pub fn test_features_on(mut self, modes: usize) -> Self {
        self.test_modes = Some(modes);
        self
    }

    /// Factor 3: targets are those of the best linear model, `Y = X β*`, for training and test.
    pub fn no_residuals(mut self) -> Self {
        self.no_residuals = true;
        self
    }

    /// The cutoff of factor 1, if it is switched off.
    #[must_use]
    pub fn cutoff(&self) -> Option<f64> {
        self.cutoff
    }

    /// The number of modes that factor 2 keeps, if it is switched off.
    #[must_use]
    pub fn test_modes(&self) -> Option<usize> {
        self.test_modes
    }

    /// Whether factor 3 is switched off.
    #[must_use]
    pub fn is_without_residuals(&self) -> bool {
        self.no_residuals
    }

    /// Drops the gains that factor 1 switches off.
    pub(crate) fn cut_gains(&self, sigma: &[f64], gains: &mut [f64]) {
        if let Some(cutoff) = self.cutoff {
            for (gain, &s) in gains.iter_mut().zip(sigma) {
                if s < cutoff {
                    *gain = 0.0;
                }
            }
        }
    }
}

/// Data made to hurt, along the mode of the smallest non-zero singular value (Schaeffer et al. 2023,
/// section 5). The mode is oriented so that `u_last · y_train ≥ 0`
/// ([`Svd::last_mode`](crate::svd::Svd::last_mode)); sweeps report the other sign's error as well.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Adversary {
    /// Every test datum becomes `x + a · v_last`; its target stays.
    TestDatum {
        /// The strength `a`, in units of the features.
        strength: f64,
    },
    /// The training targets become `y + a · u_last`. Training errors are measured against the altered
    /// targets, test errors against the true ones.
    TrainingTargets {
        /// The strength `a`, in units of the targets.
        strength: f64,
    },
}

impl Adversary {
    /// The strength `a`.
    #[must_use]
    pub fn strength(&self) -> f64 {
        match *self {
            Self::TestDatum { strength } | Self::TrainingTargets { strength } => strength,
        }
    }

    /// [`Error::Domain`] if the strength is not finite.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let value = self.strength();
        if value.is_finite() {
            return Ok(());
        }
        Err(Error::Domain { what: "the adversary's strength", value, must_be: "finite" })
    }
}
