//! Random streams that are a function of a seed and a place, never of the order of execution.

use ndarray::Array2;
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use rand_distr::StandardNormal;

/// The stream of random numbers of one cell: a function of `(seed, axis value, repeat)` alone, so
/// that cells may run in any order, on any number of threads, and draw the same numbers.
///
/// `ChaCha8Rng` is a named, portable generator: the same numbers on every platform.
///
/// # Examples
/// ```
/// use double_descent::rng::stream;
/// use rand::RngExt;
///
/// let draw = |axis, repeat| -> f64 { stream(7, axis, repeat).random() };
/// assert_eq!(draw(3, 0), draw(3, 0));
/// assert_ne!(draw(3, 0), draw(3, 1));
/// assert_ne!(draw(3, 0), draw(0, 3));
/// ```
#[must_use]
pub fn stream(seed: u64, axis_value: usize, repeat: usize) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    // Two 32-bit halves: an axis of 4 billion values is longer than any sweep.
    rng.set_stream((axis_value as u64) << 32 ^ repeat as u64);
    rng
}

/// What stands for the repeat in the streams of random frequencies, whose place on the axis is the number of a feature:
/// no sweep has that many repeats.
pub(crate) const FREQUENCIES: usize = 0x52_4646;

/// Independent standard normal numbers, `n × p`: others for each `n` and each repeat.
///
/// # Examples
/// ```
/// use double_descent::rng::normal;
///
/// assert_eq!(normal(7, (3, 2), 0), normal(7, (3, 2), 0));
/// assert_ne!(normal(7, (3, 2), 0), normal(7, (3, 2), 1));
/// ```
#[must_use]
pub fn normal(seed: u64, (n, p): (usize, usize), repeat: usize) -> Array2<f64> {
    let mut rng = stream(seed, n, repeat);
    Array2::from_shape_simple_fn((n, p), || rng.sample(StandardNormal))
}

/// What a stream is for, where a name and not a place on an axis tells it from others.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Named {
    /// Noise on training targets.
    LabelNoise = 1,
    /// Noise on training inputs.
    InputNoise = 2,
}

/// The stream of that name of one repeat: no axis is so long that it has a place there.
pub(crate) fn named(seed: u64, name: Named, repeat: usize) -> ChaCha8Rng {
    const FIRST: usize = 0x9000_0000;
    stream(seed, FIRST + name as usize, repeat)
}

/// Brings the first `longest` items of a random order to the front (Fisher–Yates from the front: a longer
/// draw from the same stream starts with the shorter one).
pub(crate) fn shuffle_front(rng: &mut ChaCha8Rng, items: &mut [usize], longest: usize) {
    for i in 0..longest.min(items.len()) {
        items.swap(i, rng.random_range(i..items.len()));
    }
}
