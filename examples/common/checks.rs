//! Checks of flag values that several studies share.

use super::flags::{Failure, usage};
use double_descent::Error;

/// Rejects a `--noise` that is not a valid standard deviation.
pub fn check_noise(noise: f64) -> Result<(), Failure> {
    if noise >= 0.0 && noise.is_finite() {
        return Ok(());
    }
    usage(format!("--noise: `{noise}` is not a standard deviation, finite and at least 0"))
}

/// Rejects a number that is not finite and greater than 0.
pub fn check_positive(flag: &str, number: f64) -> Result<(), Failure> {
    if number > 0.0 && number.is_finite() {
        return Ok(());
    }
    usage(format!("--{flag}: `{number}` is not a finite number greater than 0"))
}

/// Rejects numbers that are not finite and at least 0.
pub fn check_not_negative(flag: &str, numbers: &[f64]) -> Result<(), Failure> {
    match numbers.iter().find(|number| !(**number >= 0.0 && number.is_finite())) {
        Some(wrong) => usage(format!("--{flag}: `{wrong}` is not a finite number of at least 0")),
        None => Ok(()),
    }
}

/// Rejects numbers that are not shares.
pub fn check_shares(flag: &str, shares: &[f64]) -> Result<(), Failure> {
    match shares.iter().find(|share| !(0.0..=1.0).contains(*share)) {
        Some(wrong) => usage(format!("--{flag}: `{wrong}` is not a share from 0 to 1")),
        None => Ok(()),
    }
}

/// Rejects numbers unless each is larger than the one before it.
pub fn check_ascending(flag: &str, numbers: &[f64]) -> Result<(), Failure> {
    if numbers.is_empty() || numbers.windows(2).any(|pair| pair[0] >= pair[1]) {
        return usage(format!("--{flag}: {numbers:?} are not in ascending order"));
    }
    Ok(())
}

/// Selects items by the names that a flag lists, each once and in the given order; without names, returns all.
pub fn chosen<T>(
    (flag, what): (&str, &'static str),
    names: &[String],
    all: Vec<T>,
    name: impl Fn(&T) -> &str,
) -> Result<Vec<T>, Failure> {
    if names.is_empty() {
        return Ok(all);
    }
    if let Some(unknown) = names.iter().find(|wanted| !all.iter().any(|one| name(one) == **wanted)) {
        let choices = all.iter().map(|one| name(one).to_owned()).collect();
        let unknown = Error::UnknownName { what, name: unknown.clone(), choices };
        return usage(format!("--{flag}: {unknown}"));
    }
    let place = |one: &T| names.iter().position(|wanted| *wanted == name(one));
    let mut wanted: Vec<(usize, T)> = all.into_iter().filter_map(|one| Some((place(&one)?, one))).collect();
    wanted.sort_by_key(|(place, _)| *place);
    Ok(wanted.into_iter().map(|(_, one)| one).collect())
}
