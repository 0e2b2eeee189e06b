//! Checks of inputs, shared by the theory modules.

use crate::Error;

/// Returns `value` if it is finite and positive.
pub(super) fn positive(what: &'static str, value: f64) -> Result<f64, Error> {
    if value > 0.0 && value.is_finite() {
        return Ok(value);
    }
    Err(Error::Domain { what, value, must_be: "finite and > 0" })
}

/// Returns `value` if it is finite and not negative.
pub(super) fn non_negative(what: &'static str, value: f64) -> Result<f64, Error> {
    if value >= 0.0 && value.is_finite() {
        return Ok(value);
    }
    Err(Error::Domain { what, value, must_be: "finite and ≥ 0" })
}

/// Returns `value` if it lies strictly between −1 and 1.
pub(super) fn correlation(value: f64) -> Result<f64, Error> {
    if value.abs() < 1.0 {
        return Ok(value);
    }
    Err(Error::Domain { what: "correlation", value, must_be: "between -1 and 1" })
}

/// Returns `value` if it lies between 0 and 1, inclusive.
pub(super) fn share(what: &'static str, value: f64) -> Result<f64, Error> {
    if (0.0..=1.0).contains(&value) {
        return Ok(value);
    }
    Err(Error::Domain { what, value, must_be: "at least 0 and at most 1" })
}

/// Checks that an ensemble has at least one member; `None` stands for infinitely many.
pub(super) fn members(members: Option<usize>) -> Result<(), Error> {
    if members == Some(0) {
        return Err(Error::Domain { what: "members", value: 0.0, must_be: "at least 1" });
    }
    Ok(())
}

/// Returns the risk of the mean of `members` exchangeable predictors, `R_∞ + (R₁ − R_∞)/K`; `None` for infinitely many.
pub(super) fn of_members(one: f64, infinite: f64, members: Option<usize>) -> f64 {
    match members {
        Some(1) => one,
        Some(count) if one > infinite => infinite + (one - infinite) / count as f64,
        _ => infinite,
    }
}

/// Checks that `values` has `expected` entries, all finite and not negative.
pub(super) fn energies(what: &'static str, expected: usize, values: &[f64]) -> Result<(), Error> {
    Error::check_len(what, expected, values.len())?;
    values.iter().try_for_each(|&value| non_negative(what, value).map(drop))
}

/// Returns `numerator / denominator`, both ≥ 0: 0 if the numerator is 0, else infinite at a pole.
pub(super) fn ratio(numerator: f64, denominator: f64) -> f64 {
    // Adding 0 makes a pole of −0, the negation of a difference that vanishes, positive.
    if numerator == 0.0 { 0.0 } else { numerator / (denominator + 0.0) }
}
