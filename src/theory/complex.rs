//! Complex numbers with the operations that contour integrals need.

use std::ops::{Add, Div, Mul, Neg, Sub};

/// The complex number `re + i im`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Complex {
    /// The real part.
    pub re: f64,
    /// The imaginary part.
    pub im: f64,
}

impl Complex {
    /// The number `re + i im`.
    #[must_use]
    pub const fn new(re: f64, im: f64) -> Self {
        Self { re, im }
    }

    /// Returns the complex conjugate `re − i im`.
    #[must_use]
    pub const fn conjugate(self) -> Self {
        Self::new(self.re, -self.im)
    }

    /// Returns the absolute value `|z|`.
    #[must_use]
    pub fn abs(self) -> f64 {
        self.re.hypot(self.im)
    }

    /// Returns `e^z`.
    #[must_use]
    pub fn exp(self) -> Self {
        let size = self.re.exp();
        if size == 0.0 {
            return Self::default();
        }
        let (sine, cosine) = self.im.sin_cos();
        Self::new(size * cosine, size * sine)
    }

    /// Returns `e^z − 1`, without cancellation near 0.
    #[must_use]
    pub fn exp_m1(self) -> Self {
        let growth = self.re.exp_m1();
        let (half, sine) = ((0.5 * self.im).sin(), self.im.sin());
        // e^x cos y − 1 = (e^x − 1) − 2 e^x sin²(y/2).
        Self::new(growth - 2.0 * (growth + 1.0) * half * half, (growth + 1.0) * sine)
    }

    /// Returns the principal value of `ln z`.
    #[must_use]
    pub fn ln(self) -> Self {
        Self::new(self.abs().ln(), self.im.atan2(self.re))
    }

    /// Returns `zᵏ`, by repeated squaring.
    #[must_use]
    pub fn power(self, mut k: u32) -> Self {
        let (mut base, mut product) = (self, Self::new(1.0, 0.0));
        while k > 0 {
            if k & 1 == 1 {
                product = product * base;
            }
            base = base * base;
            k >>= 1;
        }
        product
    }

    pub(super) const fn scale(self, factor: f64) -> Self {
        Self::new(self.re * factor, self.im * factor)
    }

    pub(super) const fn is_finite(self) -> bool {
        self.re.is_finite() && self.im.is_finite()
    }
}

impl From<f64> for Complex {
    fn from(re: f64) -> Self {
        Self::new(re, 0.0)
    }
}

impl Add for Complex {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self::new(self.re + other.re, self.im + other.im)
    }
}

impl Sub for Complex {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self::new(self.re - other.re, self.im - other.im)
    }
}

impl Neg for Complex {
    type Output = Self;
    fn neg(self) -> Self {
        Self::new(-self.re, -self.im)
    }
}

impl Mul for Complex {
    type Output = Self;
    fn mul(self, other: Self) -> Self {
        Self::new(self.re * other.re - self.im * other.im, self.re * other.im + self.im * other.re)
    }
}

impl Div for Complex {
    type Output = Self;
    /// Divides by Smith's method, so that squares do not overflow.
    fn div(self, other: Self) -> Self {
        if other.re.abs() >= other.im.abs() {
            let ratio = other.im / other.re;
            let size = other.re + other.im * ratio;
            Self::new((self.re + self.im * ratio) / size, (self.im - self.re * ratio) / size)
        } else {
            let ratio = other.re / other.im;
            let size = other.re * ratio + other.im;
            Self::new((self.re * ratio + self.im) / size, (self.im * ratio - self.re) / size)
        }
    }
}
