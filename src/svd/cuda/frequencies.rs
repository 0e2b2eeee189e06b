//! Frequencies of random Fourier features, drawn on the device.

use super::device::Buffer;
use super::plan::F64;
use super::session::Session;
use crate::Error;
use crate::rng::{FREQUENCIES, stream};
use ndarray::Array2;
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng, TryRng};
use rand_distr::StandardNormal;
use std::convert::Infallible;

impl Session {
    /// Draws `W` (`count × inputs`) and `b` on the device.
    pub(super) fn gaussian_frequencies(
        &self,
        gamma: f64,
        seed: u64,
        (count, inputs): (usize, usize),
    ) -> Result<(Array2<f64>, Vec<f64>), Error> {
        if !(gamma > 0.0 && gamma.is_finite()) {
            return Err(Error::Domain { what: "γ of the kernel", value: gamma, must_be: "finite and > 0" });
        }
        if count == 0 || inputs == 0 {
            return Err(Error::Empty { what: "the list of frequencies" });
        }
        // Including the flags, which are half as long.
        self.device.reserve(count.saturating_mul(inputs.saturating_add(2)).saturating_mul(F64))?;
        let deviation = std::f64::consts::SQRT_2 * gamma.sqrt();
        let (frequencies, phases) = self.drawn(deviation, seed, (count, inputs))?;
        let (frequencies, phases) = (self.device.download(&frequencies)?, self.device.download(&phases)?);
        if !frequencies.iter().chain(&phases).all(|number| number.is_finite()) {
            return Err(self.device.error("random frequencies that are not finite".into()));
        }
        let rows = Array2::from_shape_vec((count, inputs), frequencies);
        Ok((rows.map_err(|e| self.device.error(e.to_string()))?, phases))
    }

    /// Draws normal frequencies with this standard deviation (the first feature's inputs, then the second's) and
    /// phases.
    fn drawn(
        &self,
        deviation: f64,
        seed: u64,
        (count, inputs): (usize, usize),
    ) -> Result<(Buffer<f64>, Buffer<f64>), Error> {
        let stream_of = (&key(seed), FREQUENCIES as u64);
        let edges = ziggurat_edges();
        let mut drawn =
            self.kernels.draw_gaussian(&self.device, stream_of, &edges, (count, inputs), deviation)?;
        let mut row = vec![0.0; inputs];
        for (k, _) in
            self.device.download(&drawn.flags)?.into_iter().enumerate().filter(|(_, flag)| *flag != 0)
        {
            // As features are drawn on the CPU.
            let mut rng = stream(seed, k, FREQUENCIES);
            for w in &mut row {
                *w = deviation * rng.sample::<f64, _>(StandardNormal);
            }
            let phase = std::f64::consts::TAU * rng.random::<f64>();
            self.device.write(&mut drawn.frequencies, k * inputs, &row)?;
            self.device.write(&mut drawn.phases, k, &[phase])?;
        }
        Ok((drawn.frequencies, drawn.phases))
    }
}

/// Returns the key of a seed's streams, as eight words.
fn key(seed: u64) -> [i32; 8] {
    let bytes = ChaCha8Rng::seed_from_u64(seed).get_seed();
    let word = |k: usize| i32::from_le_bytes([0, 1, 2, 3].map(|byte| bytes[4 * k + byte]));
    std::array::from_fn(word)
}

/// A generator that returns a given number, then all ones.
struct Told(Option<u64>);

impl TryRng for Told {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(u32::MAX)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.0.take().unwrap_or(u64::MAX))
    }

    fn try_fill_bytes(&mut self, to: &mut [u8]) -> Result<(), Infallible> {
        to.fill(u8::MAX);
        Ok(())
    }
}

/// Returns the abscissae of the ziggurat of `rand_distr`'s standard normal, which are private: a draw whose first
/// number selects layer `i` at half its width is half of abscissa `i`.
fn ziggurat_edges() -> [f64; 257] {
    let half = |i: usize| -> f64 { Told(Some(3 << 62 | i as u64)).sample(StandardNormal) };
    std::array::from_fn(|i| if i < 256 { 2.0 * half(i) } else { 0.0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Layers of equal area: `x_{i} (f(x_{i+1}) − f(x_i))`, and the tail together with the box next to it.
    #[test]
    fn the_edges_are_those_of_a_ziggurat() {
        let edges = ziggurat_edges();
        let density = |x: f64| (-x * x / 2.0).exp();
        assert_eq!(edges[1], 3.654_152_885_361_009);
        let area = edges[0] * density(edges[1]);
        for i in 1..256 {
            assert!(edges[i] > edges[i + 1]);
            let layer = edges[i] * (density(edges[i + 1]) - density(edges[i]));
            // The last layer closes as accurately as the digits of R allow.
            assert!((layer / area - 1.0).abs() < 1e-9, "{i}: {layer} of {area}");
        }
        assert_eq!(edges[256], 0.0);
    }

    #[test]
    fn the_key_is_that_of_the_generator() {
        let words = key(7);
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        let seed: [u8; 32] = bytes.try_into().unwrap();
        assert_eq!(ChaCha8Rng::from_seed(seed), ChaCha8Rng::seed_from_u64(7));
    }
}
