//! Means over draws, compared with what they should be.

/// A mean over draws, of which the error is known.
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

    /// The variance of one draw.
    pub fn variance(&self) -> f64 {
        let mean = self.mean();
        (self.squares / self.draws - mean * mean).max(0.0) * self.draws / (self.draws - 1.0)
    }

    /// How many standard errors the mean is from what it should be; rounding is no error.
    pub fn z(&self, expected: f64) -> f64 {
        let (mean, variance) = (self.mean(), self.variance() / self.draws);
        let rounding = 1e-11 * expected.abs();
        ((mean - expected).abs() - rounding).max(0.0) / (variance.sqrt() + f64::MIN_POSITIVE)
    }
}

/// A bound of [`Mean::z`]: 5.7e-7 of normal errors lie over it, so that of a test program with 200 comparisons one in
/// 9,000 would fail by chance. Seeds are fixed: it fails always or never.
pub const Z: f64 = 5.0;
