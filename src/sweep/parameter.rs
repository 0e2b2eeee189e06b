//! The third axis: a number that a fit depends on beside n and p.

use super::Arm;
use crate::curve::Axis;
use crate::filter::{GradientFlow, Loss, Ridge, SpectralFilter};
use crate::{Error, error::user_code};
use std::fmt;
use std::sync::Arc;

/// What varies along a curve that is neither n nor p, and its values. Those of estimators cost nothing but dot products:
/// all of them are read off one factorisation.
///
/// # Examples
/// The test error over the penalty, at n = p:
/// ```
/// use double_descent::curve::Metric;
/// use double_descent::dataset::Dataset;
/// use double_descent::sweep::{Arm, Parameter, Sweep};
///
/// let sweep = Sweep {
///     arms: vec![Arm::min_norm()],
///     metrics: vec![Metric::TestMse],
///     parameter: Some(Parameter::penalty([1e-4, 1e-2, 1.0, 100.0])),
///     ..Sweep::new(Dataset::diabetes(), [10], 20, 0)
/// };
/// assert_eq!(sweep.run()?.cells.len(), 20 * 4);
/// # Ok::<(), double_descent::Error>(())
/// ```
#[derive(Clone)]
pub struct Parameter {
    axis: Axis,
    values: Vec<f64>,
    kind: Kind,
}

#[derive(Clone)]
enum Kind {
    Estimators(Arc<Family>),
    LabelNoise { seed: u64 },
    InputNoise { seed: u64 },
}

type Family = dyn Fn(f64) -> Result<Arc<dyn SpectralFilter>, Error> + Send + Sync;

impl Parameter {
    /// The penalty `λ` of [`Ridge`].
    #[must_use]
    pub fn penalty(values: impl IntoIterator<Item = f64>) -> Self {
        Self::estimators(Axis::Penalty, values, |lambda| Ok(Arc::new(Ridge::new(lambda)?)))
    }

    /// The time `t` of [`GradientFlow`] on a loss.
    #[must_use]
    pub fn time(loss: Loss, values: impl IntoIterator<Item = f64>) -> Self {
        Self::estimators(Axis::Time, values, move |time| Ok(Arc::new(GradientFlow::new(time, loss)?)))
    }

    /// A family of estimators: `family(value)` is the one at that value. It takes the place of every arm's own.
    #[must_use]
    pub fn estimators(
        axis: Axis,
        values: impl IntoIterator<Item = f64>,
        family: impl Fn(f64) -> Result<Arc<dyn SpectralFilter>, Error> + Send + Sync + 'static,
    ) -> Self {
        Self { axis, values: values.into_iter().collect(), kind: Kind::Estimators(Arc::new(family)) }
    }

    /// Label noise: the value times a standard normal number is added to every training target, the same numbers for
    /// all values, afresh for each repeat, from a stream of their own.
    #[must_use]
    pub fn label_noise(values: impl IntoIterator<Item = f64>, seed: u64) -> Self {
        Self { axis: Axis::LabelNoise, values: values.into_iter().collect(), kind: Kind::LabelNoise { seed } }
    }

    /// Input noise: the value times a standard normal number is added to every raw training input, the same numbers for
    /// all values, afresh for each repeat, from a stream of their own.
    #[must_use]
    pub fn input_noise(values: impl IntoIterator<Item = f64>, seed: u64) -> Self {
        Self { axis: Axis::InputNoise, values: values.into_iter().collect(), kind: Kind::InputNoise { seed } }
    }

    /// What it is.
    #[must_use]
    pub fn axis(&self) -> Axis {
        self.axis
    }

    /// Its values.
    #[must_use]
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// The seed of its noise; `None` for estimators, which draw nothing.
    #[must_use]
    pub fn seed(&self) -> Option<u64> {
        match self.kind {
            Kind::Estimators(_) => None,
            Kind::LabelNoise { seed } | Kind::InputNoise { seed } => Some(seed),
        }
    }

    /// Whether targets of a repeat have noise of its own.
    pub(super) fn is_label_noise(&self) -> bool {
        matches!(self.kind, Kind::LabelNoise { .. })
    }

    /// Whether inputs have.
    pub(super) fn is_input_noise(&self) -> bool {
        matches!(self.kind, Kind::InputNoise { .. })
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        if self.values.is_empty() {
            return Err(Error::Empty { what: "the list of values of the parameter" });
        }
        let noise = self.is_label_noise() || self.is_input_noise();
        for (place, &value) in self.values.iter().enumerate() {
            if !value.is_finite() || noise && value < 0.0 {
                let must_be = if noise { "finite and at least 0" } else { "finite" };
                return Err(Error::Domain { what: "a value of the parameter", value, must_be });
            }
            if self.values[..place].contains(&value) {
                let must_be = "listed once: its cells would count twice in every summary";
                return Err(Error::Domain { what: "a value of the parameter", value, must_be });
            }
        }
        Ok(())
    }

    /// An arm at a value.
    pub(super) fn at(&self, arm: &Arm, value: f64) -> Result<Arm, Error> {
        let mut arm = arm.clone();
        if let Kind::Estimators(family) = &self.kind {
            let part = || format!("the family of estimators at {value:e}");
            arm.estimator = user_code::call(part, || family(value))??;
        }
        Ok(arm)
    }
}

impl fmt::Debug for Parameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parameter")
            .field("axis", &self.axis)
            .field("values", &self.values)
            .field("seed", &self.seed())
            .finish_non_exhaustive()
    }
}
