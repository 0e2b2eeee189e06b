//! The checks that the theory's inputs share.

use crate::Error;

/// `value`, if it is finite and positive.
pub(super) fn positive(what: &'static str, value: f64) -> Result<f64, Error> {
    if value > 0.0 && value.is_finite() {
        return Ok(value);
    }
    Err(Error::Domain { what, value, must_be: "finite and > 0" })
}

/// `value`, if it is finite and not negative.
pub(super) fn non_negative(what: &'static str, value: f64) -> Result<f64, Error> {
    if value >= 0.0 && value.is_finite() {
        return Ok(value);
    }
    Err(Error::Domain { what, value, must_be: "finite and ≥ 0" })
}

/// That every entry of `values` is finite and not negative, and that there are `expected` of them.
pub(super) fn energies(what: &'static str, expected: usize, values: &[f64]) -> Result<(), Error> {
    Error::check_len(what, expected, values.len())?;
    values.iter().try_for_each(|&value| non_negative(what, value).map(drop))
}

/// `numerator / denominator` of a risk, both ≥ 0: 0 where the numerator is, infinite at a pole.
pub(super) fn ratio(numerator: f64, denominator: f64) -> f64 {
    if numerator == 0.0 { 0.0 } else { numerator / denominator }
}
