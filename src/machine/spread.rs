//! The mean and the deviation of one column, for every table that is centred or standardised.

/// Largest error of a mean, relative to the spread.
const MEAN_LEFT: f64 = 1.0 / (1_u64 << 30) as f64;

/// Returns the mean of values, of which `rough` is the rounded mean; the mean of equal values is exactly that value.
pub(crate) fn mean(values: impl ExactSizeIterator<Item = f64> + Clone, rough: impl FnOnce() -> f64) -> f64 {
    let first = values.clone().next().unwrap_or(0.0);
    if values.clone().all(|x| x == first) {
        return first;
    }
    let (count, mean) = (values.len() as f64, rough());
    // The rounding error of a sum of large values may exceed a small spread: subtract the remaining mean once more.
    let (mut rest, mut spread) = (0.0, 0.0_f64);
    for x in values {
        rest += (x - mean) / count;
        spread = spread.max((x - mean).abs());
    }
    if rest.abs() > MEAN_LEFT * spread { mean + rest } else { mean }
}

/// Returns the largest absolute value.
pub(crate) fn largest(values: impl Iterator<Item = f64>) -> f64 {
    values.fold(0.0, |largest: f64, x| largest.max(x.abs()))
}

/// Whether a column is constant up to the rounding of its mean, given the largest difference from it.
pub(crate) fn is_constant(largest: f64, mean: f64) -> bool {
    largest <= 8.0 * f64::EPSILON * mean.abs()
}

/// Returns the root mean square of values from which `mean` has been subtracted; 0 for a constant column.
pub(crate) fn deviation(centred: impl ExactSizeIterator<Item = f64> + Clone, mean: f64) -> f64 {
    let largest = largest(centred.clone());
    if is_constant(largest, mean) {
        return 0.0;
    }
    // Relative to the largest, so that squares neither overflow nor underflow.
    let count = centred.len() as f64;
    let squares = centred.map(|v| (v / largest) * (v / largest)).sum::<f64>();
    (squares / count).sqrt() * largest
}
