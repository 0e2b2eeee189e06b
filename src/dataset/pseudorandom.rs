//! Noise that is a function of the inputs: equal rows have equal noise, wherever they are in the table.

use crate::rng::stream;
use ndarray::ArrayView1;
use rand::rngs::ChaCha8Rng;

/// Returns the random stream of a row, a function of its values and a seed; −0 counts as 0.
pub(super) fn of_row(row: ArrayView1<'_, f64>, seed: u64, place: (usize, usize)) -> ChaCha8Rng {
    let hash = row.iter().fold(mix(seed), |hash, v| mix(hash ^ (v + 0.0).to_bits()));
    stream(hash, place.0, place.1)
}

/// The finaliser of `SplitMix64` (Steele, Lea and Flood 2014): every input bit affects every output bit.
fn mix(z: u64) -> u64 {
    let z = z.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
