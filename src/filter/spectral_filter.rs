//! The estimator trait: gains for a spectrum.

use super::gain;
use crate::Error;
use crate::filter::spectrum::Spectrum;
use ndarray::Array1;
use std::sync::Arc;

/// An estimator, given by its gain on each singular direction.
///
/// [`Svd::solve`](crate::svd::Svd::solve) fits with it. A filter must give finite gains and residual factors, and its
/// penalty, if any, must be finite and at least 0: anything else makes the fit fail with [`Error::UserCode`], as does a
/// panic.
pub trait SpectralFilter: std::fmt::Debug + Send + Sync {
    /// Writes the gains `g` of `β̂ = V diag(g) Uᵀ y`, one per singular value, in their order. A fit passes zeros.
    fn write_gains(&self, spectrum: Spectrum<'_>, gains: &mut [f64]);

    /// Writes the residual factors `1 − σ g`, one per singular value.
    ///
    /// A residual factor is the fraction of the target, or of the teacher, that the fit leaves unfitted along a
    /// direction. `gains` are those from [`SpectralFilter::write_gains`].
    ///
    /// The default is `λ / (σ² + λ)` for a filter with a [`penalty`](SpectralFilter::penalty) `λ > 0`. For any other
    /// filter it is the difference itself, accurate only to `ε_mach`: differences within `ε_mach` of 0 become 0. If
    /// small factors matter, compute them without the subtraction, as `exp(−t σ²)` in the example of
    /// [`filter`](crate::filter).
    fn write_residuals(&self, spectrum: Spectrum<'_>, gains: &[f64], residuals: &mut [f64]) {
        let lambda = self.penalty().filter(|&lambda| lambda > 0.0);
        for ((left, g), &s) in residuals.iter_mut().zip(gains).zip(spectrum.singular_values()) {
            *left = lambda.map_or_else(|| gain::difference(*g, s), |lambda| gain::ridge_residual(lambda, s));
        }
    }

    /// Returns the gains as a new array, for inspection; fits call [`SpectralFilter::write_gains`].
    fn gains(&self, spectrum: Spectrum<'_>) -> Array1<f64> {
        let mut gains = vec![0.0; spectrum.singular_values().len()];
        self.write_gains(spectrum, &mut gains);
        gains.into()
    }

    /// Returns `λ` if this filter minimises `‖Xβ − y‖² + λ‖β‖²` on every spectrum.
    ///
    /// 0 is the minimum norm at machine precision. `None`, the default, is any other estimator. Curves of estimators
    /// with a penalty need no SVD: see [`nested`](crate::nested).
    fn penalty(&self) -> Option<f64> {
        None
    }

    /// Checks that the estimator exists on this spectrum, before the gains are computed. Gradient descent with too
    /// large a step does not.
    ///
    /// # Errors
    /// The filter's own error, if it does not exist on this spectrum.
    fn check(&self, _: Spectrum<'_>) -> Result<(), Error> {
        Ok(())
    }

    /// Describes the estimator in words, for a caption.
    fn describe(&self) -> String {
        format!("{self:?}")
    }
}

/// Implements the trait for pointers to a filter.
macro_rules! pointers {
    ($($pointer:ty),+) => {$(
        impl<T: SpectralFilter + ?Sized> SpectralFilter for $pointer {
            fn write_gains(&self, spectrum: Spectrum<'_>, gains: &mut [f64]) {
                (**self).write_gains(spectrum, gains);
            }

            fn write_residuals(&self, spectrum: Spectrum<'_>, gains: &[f64], residuals: &mut [f64]) {
                (**self).write_residuals(spectrum, gains, residuals);
            }

            fn gains(&self, spectrum: Spectrum<'_>) -> Array1<f64> {
                (**self).gains(spectrum)
            }

            fn penalty(&self) -> Option<f64> {
                (**self).penalty()
            }

            fn check(&self, spectrum: Spectrum<'_>) -> Result<(), Error> {
                (**self).check(spectrum)
            }

            fn describe(&self) -> String {
                (**self).describe()
            }
        }
    )+};
}

pointers!(&T, Box<T>, Arc<T>);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::{GradientDescent, Loss, Ridge, Schedule};

    /// Covers every method: a pointer that does not forward one would use its default.
    #[test]
    fn pointers_are_what_they_point_to() {
        let sigma = [2.0, 1.0, 1e-3];
        let spectrum = Spectrum::new(4, 3, &sigma);
        let all = |filter: &dyn SpectralFilter| {
            let gains = filter.gains(spectrum);
            let mut residuals = vec![f64::NAN; 3];
            filter.write_residuals(spectrum, gains.as_slice().unwrap(), &mut residuals);
            (gains, residuals, filter.penalty(), filter.check(spectrum), filter.describe())
        };
        let ridge = Ridge::new(0.3).unwrap();
        let below = Ridge::new(-2.0).unwrap();
        let descent = GradientDescent::new(Schedule::Constant(0.2), 9, Loss::HalfSum).unwrap();
        let filters: [&dyn SpectralFilter; 3] = [&ridge, &below, &descent];
        let boxed: [Box<dyn SpectralFilter>; 3] =
            [Box::new(ridge), Box::new(below), Box::new(descent.clone())];
        for (filter, boxed) in filters.into_iter().zip(boxed) {
            let shared: Arc<dyn SpectralFilter> = boxed.into();
            let expected = all(filter);
            assert!(
                all(&filter) == expected && all(&shared) == expected && all(&Box::new(&shared)) == expected
            );
        }
        assert!(all(&below).3.is_err() && all(&ridge).2 == Some(0.3));
    }
}
