//! Ablations and adversaries: plain values, each of which changes one of the three factors.

use crate::Error;
use crate::svd::Cutoff;

/// Which of the three factors of the test error are switched off (Schaeffer et al. 2023, section 4).
///
/// A plain value: start from [`Ablation::none`] and chain the methods. Set it in an [`Arm`](crate::sweep::Arm) of a
/// sweep, or apply it with [`Factors::ablated`](crate::factors::Factors::ablated).
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
    #[cfg_attr(feature = "serde", serde(deserialize_with = "checked_cutoff"))]
    cutoff: Option<f64>,
    test_modes: Option<usize>,
    no_residuals: bool,
}

/// Reads a cutoff back, with the check of [`Ablation::small_singular_values`].
#[cfg(feature = "serde")]
fn checked_cutoff<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    let cutoff: Option<f64> = serde::Deserialize::deserialize(deserializer)?;
    cutoff.map_or(Ok(()), |cutoff| Cutoff::Absolute(cutoff).check()).map_err(serde::de::Error::custom)?;
    Ok(cutoff)
}

impl Ablation {
    /// Switches nothing off.
    pub fn none() -> Self {
        Self::default()
    }

    /// Switches off factor 1: drops the modes with `σ < cutoff` (absolute) from the fit.
    ///
    /// # Errors
    /// [`Error::Domain`] if the cutoff is negative or not finite.
    pub fn small_singular_values(mut self, cutoff: f64) -> Result<Self, Error> {
        Cutoff::Absolute(cutoff).check()?;
        self.cutoff = Some(cutoff);
        Ok(self)
    }

    /// Switches off factor 2: projects test features onto the `modes` leading right singular vectors of the training
    /// features. The fit and its training error do not change. If there are no more than `modes` modes, nothing is
    /// switched off.
    pub fn test_features_on(mut self, modes: usize) -> Self {
        self.test_modes = Some(modes);
        self
    }

    /// Switches off factor 3: replaces all targets, training and test, by those of the best linear model, `Y = X β*`.
    pub fn no_residuals(mut self) -> Self {
        self.no_residuals = true;
        self
    }

    /// The cutoff below which modes are dropped, if factor 1 is switched off.
    #[must_use]
    pub fn cutoff(&self) -> Option<f64> {
        self.cutoff
    }

    /// The number of modes that test features keep, if factor 2 is switched off.
    #[must_use]
    pub fn test_modes(&self) -> Option<usize> {
        self.test_modes
    }

    /// Whether factor 3 is switched off.
    #[must_use]
    pub fn is_without_residuals(&self) -> bool {
        self.no_residuals
    }

    /// Sets the gains of modes below the cutoff of factor 1 to zero.
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

/// An adversarial change of the data along the mode of the smallest non-zero singular value (Schaeffer et al. 2023,
/// section 5).
///
/// Set it in an [`Arm`](crate::sweep::Arm) of a sweep, or apply it with
/// [`Factors::attacked`](crate::factors::Factors::attacked). The mode is oriented so that `u_last · y_train ≥ 0`
/// ([`Svd::last_mode`](crate::svd::Svd::last_mode)); sweeps also report the error for the opposite sign.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Adversary {
    /// Every test point becomes `x + a · v_last`; its target does not change.
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
