//! Means over draws, compared with their expected values.

/// A mean over draws, with a known standard error.
pub struct Mean {
    draws: f64,
    sum: f64,
    squares: f64,
}

impl Mean {
    pub fn new() -> Self {
        Self { draws: 0.0, sum: 0.0, squares: 0.0 }
    }

    pub fn add(&mut self, value: f64) {
        self.draws += 1.0;
        self.sum += value;
        self.squares += value * value;
    }

    pub fn mean(&self) -> f64 {
        self.sum / self.draws
    }

    /// Returns the variance of one draw.
    pub fn variance(&self) -> f64 {
        let mean = self.mean();
        (self.squares / self.draws - mean * mean).max(0.0) * self.draws / (self.draws - 1.0)
    }

    /// Returns how many standard errors the mean is from `expected`; rounding errors are disregarded.
    pub fn z(&self, expected: f64) -> f64 {
        let (mean, variance) = (self.mean(), self.variance() / self.draws);
        let rounding = 1e-11 * expected.abs();
        ((mean - expected).abs() - rounding).max(0.0) / (variance.sqrt() + f64::MIN_POSITIVE)
    }
}

/// A bound on [`Mean::z`]. A normal error exceeds it with probability 5.7e-7, so a test program with 200 comparisons
/// would fail by chance once in 9,000 runs. The seeds are fixed: it either always fails or never does.
pub const Z: f64 = 5.0;
