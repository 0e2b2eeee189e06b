//! The nonlinearity of a layer: a named activation, or any function.

use super::Activation;
use crate::{Error, error::user_code};
use ndarray::ArrayRef2;
use std::fmt;
use std::sync::Arc;

/// The function that neurons apply to their pre-activations: an [`Activation`] or any function you write.
///
/// [`Nonlinearity::new`] makes it from a function, and `into()` from an [`Activation`].
///
/// # Examples
/// ```
/// use double_descent::features::{FeatureMap, Nonlinearity, RandomNetwork};
/// use ndarray::array;
///
/// let swish = Nonlinearity::new("swish", |x| x / (1.0 + (-x).exp()))?;
/// let network = RandomNetwork::seeded(swish, &[2, 32, 100], 0)?;
/// assert_eq!(network.design(&array![[0.5, -1.0]], 100)?.dim(), (1, 100));
/// # Ok::<(), double_descent::Error>(())
/// ```
#[derive(Clone)]
pub struct Nonlinearity {
    name: String,
    deviation: f64,
    function: Function,
}

#[derive(Clone)]
enum Function {
    Named(Activation),
    Own(Arc<dyn Fn(f64) -> f64 + Send + Sync>),
}

/// The midpoint rule for deviations: half its width in standard deviations, and its steps per standard deviation.
const REACH: i32 = 12;
const STEPS: i32 = 1024;

impl Nonlinearity {
    /// Makes a nonlinearity from a function and its name in captions. The function must always give the same value for
    /// the same argument.
    ///
    /// Its [deviation](Nonlinearity::deviation) is computed by the midpoint rule on `[−12, 12]` with 1024 steps per
    /// unit. The relative error is about 1e-3 if the function jumps near 0 (where it jumps far out, more), 1e-6 if it has
    /// kinks, and rounding error if it is smooth and bounded by a polynomial. It must not vary within a step.
    ///
    /// # Errors
    /// [`Error::Domain`] unless the variance of its value at a standard normal variable is finite and > 0;
    /// [`Error::Unsupported`] if it grows so fast that values beyond 12 could change the variance by more than 1e-6, as
    /// `exp 4x` does; [`Error::UserCode`] if it panics.
    pub fn new(
        name: impl Into<String>,
        function: impl Fn(f64) -> f64 + Send + Sync + 'static,
    ) -> Result<Self, Error> {
        let name = name.into();
        let part = || user_code::name("activation", || name.clone());
        let sample = || {
            (-REACH * STEPS..REACH * STEPS)
                .map(|i| (f64::from(i) + 0.5) / f64::from(STEPS))
                .map(|x| ((-0.5 * x * x).exp(), function(x)))
                .collect()
        };
        let values: Vec<(f64, f64)> = user_code::call(part, sample)?;
        let weights: f64 = values.iter().map(|(weight, _)| weight).sum();
        let mean = values.iter().map(|(weight, value)| weight * value).sum::<f64>() / weights;
        let squares = values.iter().map(|(weight, value)| weight * (value - mean).powi(2));
        let variance = squares.sum::<f64>() / weights;
        // The computed variance of a constant is the rounding error of its mean.
        if !(variance.sqrt() > 1e-12 * mean.abs() && variance.is_finite()) {
            return Err(Error::Domain {
                what: "the variance of the activation at a standard normal number",
                value: variance,
                must_be: "finite and > 0",
            });
        }
        // A standard deviation's worth of the outermost values: what is left out is less.
        let edge = |(weight, value): &(f64, f64)| weight * (value - mean).powi(2) * f64::from(STEPS);
        let beyond: f64 = values.first().into_iter().chain(values.last()).map(edge).sum();
        if beyond > 1e-6 * variance * weights {
            let reason = format!(
                "the activation `{name}` grows so fast that its variance at a standard normal number cannot be computed \
                 from its values up to 12; scale its argument down"
            );
            return Err(Error::Unsupported { reason });
        }
        let function = Function::Own(Arc::new(function));
        Ok(Self { name, deviation: variance.sqrt(), function })
    }

    /// The name used in captions.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The standard deviation of its value at a standard normal variable.
    #[must_use]
    pub fn deviation(&self) -> f64 {
        self.deviation
    }

    /// Applies the function to each value, in place.
    ///
    /// # Panics
    /// If it is the caller's function and panics.
    pub fn apply(&self, values: &mut [f64]) {
        match &self.function {
            Function::Named(activation) => activation.apply(values),
            Function::Own(function) => values.iter_mut().for_each(|value| *value = function(*value)),
        }
    }

    /// Like [`Nonlinearity::apply`], but returns [`Error::UserCode`] if a user's function panics.
    pub(crate) fn call(&self, values: &mut [f64]) -> Result<(), Error> {
        match &self.function {
            Function::Named(activation) => activation.apply(values),
            Function::Own(_) => user_code::call(|| self.part(), || self.apply(values))?,
        }
        Ok(())
    }

    /// Returns [`Error::UserCode`] if a user's function has made a feature NaN or infinite.
    pub(crate) fn check(&self, features: &ArrayRef2<f64>) -> Result<(), Error> {
        match (&self.function, Error::check_finite("the features", features.view())) {
            (Function::Own(_), Err(Error::NonFinite { row, column, value, .. })) => {
                let reason = format!(
                    "with it feature {column} of input {row} (counted from 0) is {value}; it must be finite there"
                );
                Err(Error::UserCode { part: self.part(), reason })
            }
            _ => Ok(()),
        }
    }

    fn part(&self) -> String {
        user_code::name("activation", || self.name.clone())
    }

    /// The named activation, if it is one.
    pub(crate) fn activation(&self) -> Option<Activation> {
        match self.function {
            Function::Named(activation) => Some(activation),
            Function::Own(_) => None,
        }
    }
}

impl From<Activation> for Nonlinearity {
    fn from(activation: Activation) -> Self {
        Self {
            name: activation.name().into(),
            deviation: activation.deviation(),
            function: Function::Named(activation),
        }
    }
}

impl fmt::Debug for Nonlinearity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Nonlinearity").field(&self.name).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deviations_of_closures_are_those_of_the_activations() {
        for &activation in Activation::ALL {
            let one = move |x: f64| {
                let mut value = [x];
                activation.apply(&mut value);
                value[0]
            };
            let found = Nonlinearity::new("own", one).unwrap().deviation();
            let off = (found / activation.deviation() - 1.0).abs();
            assert!(off <= if activation.is_analytic() { 1e-13 } else { 1e-6 }, "{activation:?}: {off:e}");
        }
    }

    #[test]
    fn functions_without_a_deviation_are_refused() {
        let bad: [fn(f64) -> f64; 4] = [|_| 0.1, |_| f64::NAN, |x| x.exp().exp(), |x| 1e200 * x];
        for bad in bad {
            assert!(matches!(Nonlinearity::new("bad", bad), Err(Error::Domain { .. })));
        }
    }
}
