//! Sums in doubled precision, for when terms nearly cancel.

use ndarray::ArrayView1;

/// A number stored as `high + low`, accurate to about 32 digits.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Doubled {
    high: f64,
    low: f64,
}

impl From<f64> for Doubled {
    fn from(high: f64) -> Self {
        Self { high, low: 0.0 }
    }
}

impl Doubled {
    /// Rounds to the nearest `f64`.
    pub(crate) fn value(self) -> f64 {
        self.high + self.low
    }

    /// Subtracts `a · b`, with the exact rounding errors of product and sum (Dekker 1971; Knuth, *The Art of Computer
    /// Programming* 2, section 4.2.2).
    pub(crate) fn subtract_product(&mut self, a: f64, b: f64) {
        let product = a * b;
        let beyond = a.mul_add(b, -product);
        let sum = self.high - product;
        let part = sum - self.high;
        let error = (self.high - (sum - part)) - (product + part);
        let low = self.low + (error - beyond);
        self.high = sum + low;
        self.low = low - (self.high - sum);
    }

    /// Subtracts the dot product `a · b`.
    pub(crate) fn subtract_dot(&mut self, a: ArrayView1<'_, f64>, b: ArrayView1<'_, f64>) {
        for (&a, &b) in a.iter().zip(b) {
            self.subtract_product(a, b);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::aview1;

    #[test]
    fn what_cancels_is_kept() {
        let mut sum = Doubled::from(1.0);
        // (1 + ε)(1 − ε) = 1 − ε²
        sum.subtract_product(1.0 + f64::EPSILON, 1.0 - f64::EPSILON);
        assert_eq!(sum.value(), f64::EPSILON * f64::EPSILON);
        let mut sum = Doubled::from(1e16);
        sum.subtract_dot(aview1(&[1e8, -1.0, 1.0]), aview1(&[1e8, 1.0, 1e-16]));
        assert_eq!(sum.value(), 1.0 - f64::EPSILON / 2.0); // 1 − 1e-16, rounded once
        sum.subtract_product(1.0, 1.0);
        assert!((sum.value() / -1e-16 - 1.0).abs() < 1e-15);
    }
}
