//! The sizes at which a curve is computed, denser around its threshold.

use super::flags::{Failure, usage};
use super::values::Sizes;

/// The sizes of a model-wise curve that a flag gives, or else sizes around the threshold n.
pub fn feature_sizes(flag: &str, sizes: Option<&Sizes>, n: usize) -> Result<Vec<usize>, Failure> {
    let sizes = sizes.map_or_else(|| around_threshold(n), |sizes| sizes.list.clone());
    if sizes.len() < 2 {
        let given = sizes.iter().map(usize::to_string).collect::<Vec<_>>().join(",");
        return usage(format!("--{flag}: `{given}` is not a list of two or more numbers of features"));
    }
    Ok(sizes)
}

/// Log-spaced numbers of features from n/20 to 8n, denser around the threshold n, which is included.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // rounded, positive and small
pub fn around_threshold(n: usize) -> Vec<usize> {
    let ratios = [
        0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.87, 0.93, 0.97, 1.0, 1.03, 1.07, 1.15, 1.25, 1.4,
        1.7, 2.0, 2.5, 3.0, 4.0, 5.5, 8.0,
    ];
    let mut sizes: Vec<usize> = ratios.iter().map(|r| ((r * n as f64).round() as usize).max(1)).collect();
    sizes.dedup();
    sizes
}

/// Log-spaced numbers of rows from `p/10` to `4p`, denser around `p`, which is included.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // rounded, positive and small
pub fn rows_around(p: usize) -> Vec<usize> {
    let ratios = (-10..=6).map(|i| 10.0_f64.powf(f64::from(i) / 10.0)).chain([4.0]);
    closer_around(p, ratios.map(|ratio| ((ratio * p as f64).round() as usize).max(1)))
}

/// The given sizes with more of them around a threshold, which is included, ascending.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // rounded, positive and small
pub fn closer_around(threshold: usize, sizes: impl IntoIterator<Item = usize>) -> Vec<usize> {
    let close = [0.85, 0.9, 0.94, 0.97, 0.99, 1.0, 1.01, 1.03, 1.06, 1.1, 1.15];
    let close = close.map(|ratio| ((ratio * threshold as f64).round() as usize).max(1));
    let mut sizes: Vec<usize> = sizes.into_iter().chain(close).collect();
    sizes.sort_unstable();
    sizes.dedup();
    sizes
}

/// Returns the powers of 1.1, rounded, the sizes within three of `p`, and `last`; none greater than `last`.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // rounded and positive
pub fn powers_around(p: usize, last: usize) -> impl Iterator<Item = usize> {
    let powers = (0..).map(|k| 1.1_f64.powi(k).round() as usize);
    let near = p.saturating_sub(3).max(1)..=p + 3;
    powers.take_while(move |&n| n < last).chain(near.filter(move |&n| n < last)).chain([last])
}

/// Removes repeated values from a list; each keeps its first place.
pub fn once_each<T: Copy + PartialEq>(list: &[T]) -> Vec<T> {
    list.iter()
        .enumerate()
        .filter(|(place, value)| !list[..*place].contains(value))
        .map(|(_, value)| *value)
        .collect()
}
