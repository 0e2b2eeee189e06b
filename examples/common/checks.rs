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

/// Rejects shares of wrong labels unless they are ascending numbers from 0 to 1.
pub fn check_shares(flag: &str, shares: &[f64]) -> Result<(), Failure> {
    if shares.is_empty() || shares.windows(2).any(|pair| pair[0] >= pair[1]) {
        return usage(format!("--{flag}: {shares:?} are not shares from 0 to 1 in ascending order"));
    }
    Ok(())
}

/// Selects items by name, each once and in the given order; without names, returns all.
pub fn chosen<T>(
    what: &'static str,
    names: &[String],
    all: Vec<T>,
    name: impl Fn(&T) -> &str,
) -> Result<Vec<T>, Error> {
    if names.is_empty() {
        return Ok(all);
    }
    if let Some(unknown) = names.iter().find(|wanted| !all.iter().any(|one| name(one) == **wanted)) {
        let choices = all.iter().map(|one| name(one).to_owned()).collect();
        return Err(Error::UnknownName { what, name: unknown.clone(), choices });
    }
    let place = |one: &T| names.iter().position(|wanted| *wanted == name(one));
    let mut wanted: Vec<(usize, T)> = all.into_iter().filter_map(|one| Some((place(&one)?, one))).collect();
    wanted.sort_by_key(|(place, _)| *place);
    Ok(wanted.into_iter().map(|(_, one)| one).collect())
}
