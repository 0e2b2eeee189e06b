//! The one place that calls filters, which may be user code.

use super::SpectralFilter;
use crate::Error;
use crate::error::user_code;
use crate::filter::spectrum::Spectrum;

/// The response of a filter to a spectrum: gains `g` and residual factors `1 − σ g`, one of each per singular value.
#[derive(Debug, Default)]
pub(crate) struct Response {
    pub(crate) gains: Vec<f64>,
    pub(crate) residuals: Vec<f64>,
}

impl Clone for Response {
    fn clone(&self) -> Self {
        Self { gains: self.gains.clone(), residuals: self.residuals.clone() }
    }

    /// Reuses the allocation; a derived `clone_from` would not.
    fn clone_from(&mut self, other: &Self) {
        self.gains.clone_from(&other.gains);
        self.residuals.clone_from(&other.residuals);
    }
}

impl Response {
    pub(crate) fn new(filter: &dyn SpectralFilter, spectrum: Spectrum<'_>) -> Result<Self, Error> {
        let mut response = Self::default();
        response.ask(filter, spectrum)?;
        Ok(response)
    }

    /// Computes the response of `filter`, reusing the allocation. No other code calls a filter's gains.
    ///
    /// # Errors
    /// [`Error::UserCode`] if it panics, if gains or residual factors are not finite, or if the penalty is invalid;
    /// [`Error::Overflow`] for an infinite gain at a singular value whose reciprocal does not fit into `f64`.
    pub(crate) fn ask(&mut self, filter: &dyn SpectralFilter, spectrum: Spectrum<'_>) -> Result<(), Error> {
        penalty(filter)?;
        let modes = spectrum.singular_values().len();
        let Self { gains, residuals } = self;
        gains.clear();
        gains.resize(modes, 0.0);
        // Entries that the filter does not write stay NaN and are reported.
        residuals.clear();
        residuals.resize(modes, f64::NAN);
        user_code::call(
            || part(filter),
            || {
                filter.check(spectrum)?;
                filter.write_gains(spectrum, gains);
                filter.write_residuals(spectrum, gains, residuals);
                Ok::<_, Error>(())
            },
        )??;
        let check = |what: &str, values: &[f64]| match values.iter().position(|v| !v.is_finite()) {
            Some(mode) => {
                let (value, s) = (values[mode], spectrum.singular_values()[mode]);
                if value.is_infinite() && s > 0.0 && s.recip().is_infinite() {
                    return Err(Error::Overflow { what: "the reciprocal of a singular value this small" });
                }
                let reason = format!(
                    "its {what} for singular value {mode} (counted from 0), {s:e}, is {value}; it must be finite"
                );
                Err(Error::UserCode { part: part(filter), reason })
            }
            None => Ok(()),
        };
        check("gain", gains)?;
        check("residual factor", residuals)
    }
}

fn part(filter: &dyn SpectralFilter) -> String {
    user_code::name("filter", || filter.describe())
}

/// Returns the checked [`SpectralFilter::penalty`].
///
/// # Errors
/// [`Error::UserCode`] unless it is finite and at least 0.
pub(crate) fn penalty(filter: &dyn SpectralFilter) -> Result<Option<f64>, Error> {
    match user_code::call(|| part(filter), || filter.penalty())? {
        Some(lambda) if !(lambda >= 0.0 && lambda.is_finite()) => {
            let reason = format!("its penalty is {lambda}; it must be finite and at least 0, or `None`");
            Err(Error::UserCode { part: part(filter), reason })
        }
        penalty => Ok(penalty),
    }
}

/// Returns the penalty, or `None` if it is invalid, for code that only chooses an algorithm by it.
///
/// Such a filter takes the general path, which calls it for every spectrum and reports the error there.
pub(crate) fn known_penalty(filter: &dyn SpectralFilter) -> Option<f64> {
    penalty(filter).ok().flatten()
}
