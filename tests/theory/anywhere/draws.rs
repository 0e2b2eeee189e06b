//! Random arguments from a function's whole domain.

use double_descent::rng::stream;
use rand::RngExt;
use rand::rngs::ChaCha8Rng;

pub struct Draws(ChaCha8Rng);

impl Draws {
    pub fn new(seed: u64) -> Self {
        Self(stream(seed, 0, 0))
    }

    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.0.random::<f64>()
    }

    pub fn below(&mut self, count: usize) -> usize {
        self.0.random_range(0..count)
    }

    /// Draws a number from `10^low` to `10^high`.
    pub fn decades(&mut self, low: f64, high: f64) -> f64 {
        10f64.powf(self.between(low, high))
    }

    /// Draws one of `values`, or a number from `10^low` to `10^high`.
    pub fn special(&mut self, values: &[f64], low: f64, high: f64) -> f64 {
        let i = self.below(2 * values.len());
        if i < values.len() { values[i] } else { self.decades(low, high) }
    }

    /// Draws `centre` itself, or a number at a relative distance of 1e-15 to 1e-1 from it.
    pub fn near(&mut self, centre: f64) -> f64 {
        let off = self.decades(-15.0, -1.0);
        centre * (1.0 + off * [-1.0, 0.0, 1.0][self.below(3)])
    }

    /// Draws a ratio of features to samples: near 1, ordinary, or of any size.
    pub fn ratio(&mut self) -> f64 {
        match self.below(3) {
            0 => self.near(1.0),
            1 => self.decades(-2.0, 2.0),
            _ => self.decades(-300.0, 300.0),
        }
    }

    /// Draws a penalty.
    pub fn penalty(&mut self) -> f64 {
        match self.below(3) {
            0 => self.decades(-3.0, 3.0),
            1 => [1e-300, 1e-100, 1e-30, 1e30, 1e100, 1e300][self.below(6)],
            _ => self.decades(-300.0, 300.0),
        }
    }

    /// Draws a variance or an energy, possibly 0.
    pub fn level(&mut self) -> f64 {
        match self.below(4) {
            0 => 0.0,
            1 => self.decades(-100.0, 100.0),
            _ => self.decades(-3.0, 3.0),
        }
    }
}
