//! Means, deviations and lengths that neither overflow nor vanish.

use crate::svd::{exponent, scaled};

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

/// Returns `√Σ v²`.
pub(crate) fn norm(values: &[f64]) -> f64 {
    let squares: f64 = values.iter().map(|v| v * v).sum();
    if squares.is_finite() && squares > 1e-280 {
        return squares.sqrt();
    }
    // The squares overflow or underflow. Scaling by a power of two, which does not change rounding, avoids that.
    let largest = largest(values.iter().copied());
    if largest == 0.0 || !largest.is_finite() {
        return largest;
    }
    let unit = exponent(largest);
    let squares: f64 = values.iter().map(|v| scaled(*v, -unit)).map(|v| v * v).sum();
    scaled(squares.sqrt(), unit)
}

/// Returns `√Σ (v − mean)²`.
pub(crate) fn norm_of_deviations(values: &[f64], mean: f64) -> f64 {
    let deviations: Vec<f64> = values.iter().map(|v| v - mean).collect();
    norm(&deviations)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn norms_of_any_size() {
        for power in [-1074, -1030, -600, -300, 0, 300, 600, 1020] {
            let unit = scaled(1.0, power);
            assert_eq!(norm(&[3.0 * unit, -4.0 * unit]), 5.0 * unit, "2^{power}");
            assert_eq!(
                norm_of_deviations(&[2.0 * unit, 10.0 * unit, -unit], 2.0 * unit),
                73f64.sqrt() * unit
            );
        }
        assert_eq!(norm(&[]), 0.0);
        assert_eq!(norm(&[0.0, -0.0]), 0.0);
        assert_eq!(norm(&[f64::INFINITY]), f64::INFINITY);
    }
}
