//! Random streams that depend on a seed and a cell's position, never on the order of execution.

use crate::Error;
use crate::machine::memory::zeros;
use ndarray::Array2;
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use rand_distr::StandardNormal;

/// Returns the random stream of one cell. It depends on `(seed, axis value, repeat)` alone, so cells draw the same
/// numbers in any order and on any number of threads.
///
/// `ChaCha8Rng` is a portable generator: it gives the same numbers on every platform. Streams of one seed are distinct
/// for axis values and repeats below 2³².
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
    // Two 32-bit halves: no sweep has an axis of 4 billion values.
    rng.set_stream((axis_value as u64) << 32 ^ repeat as u64);
    rng
}

/// Takes the place of the repeat in streams of random frequencies, whose axis value is the feature's index. No sweep
/// has this many repeats.
pub(crate) const FREQUENCIES: usize = 0x52_4646;

/// Returns an `n × p` table of independent standard normal numbers, different for each `n` and each repeat.
///
/// It is filled row by row from [`stream`] at the axis value `n`.
///
/// # Errors
/// [`Error::Memory`] for a table that does not fit in memory.
///
/// # Examples
/// ```
/// use double_descent::rng::normal;
///
/// assert_eq!(normal(7, (3, 2), 0)?, normal(7, (3, 2), 0)?);
/// assert_ne!(normal(7, (3, 2), 0)?, normal(7, (3, 2), 1)?);
/// # Ok::<(), double_descent::Error>(())
/// ```
pub fn normal(seed: u64, (n, p): (usize, usize), repeat: usize) -> Result<Array2<f64>, Error> {
    let mut rng = stream(seed, n, repeat);
    let mut table = zeros("a table of normal numbers", n, p)?;
    table.mapv_inplace(|_| rng.sample(StandardNormal));
    Ok(table)
}

/// Purpose of a stream that is identified by a name and not by an axis value.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Named {
    /// Noise on training targets.
    LabelNoise = 1,
    /// Noise on training inputs.
    InputNoise = 2,
}

/// Returns the stream of this name for one repeat. No axis is long enough for its values to collide with it.
pub(crate) fn named(seed: u64, name: Named, repeat: usize) -> ChaCha8Rng {
    const FIRST: usize = 0x9000_0000;
    stream(seed, FIRST + name as usize, repeat)
}

/// Part of a network's layer that has a stream for each neuron.
#[derive(Clone, Copy, Debug)]
pub(crate) enum OfLayer {
    Weights = 0,
    Biases = 1,
}

/// Returns the stream of one neuron, which no axis value is large enough to share.
pub(crate) fn of_neuron(seed: u64, (layer, part): (usize, OfLayer), neuron: usize) -> ChaCha8Rng {
    const FIRST: usize = 0xa000_0000;
    stream(seed, FIRST + 2 * layer + part as usize, neuron)
}

/// Moves the first `longest` items of a random order to the front. (Fisher–Yates from the front: a longer draw from the
/// same stream starts with the shorter one.)
pub(crate) fn shuffle_front(rng: &mut ChaCha8Rng, items: &mut [usize], longest: usize) {
    for i in 0..longest.min(items.len()) {
        items.swap(i, rng.random_range(i..items.len()));
    }
}
