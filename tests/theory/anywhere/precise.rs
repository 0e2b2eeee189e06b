//! 4096-bit arithmetic, in which formulas can be written as they are printed: cancellation over 600 orders of magnitude
//! still leaves a hundred digits.

use dashu_float::FBig;
use dashu_float::round::mode::HalfEven;
use std::cmp::Ordering;
use std::ops::{Add, Div, Mul, Neg, Sub};

/// 1e600 takes 1993 bits.
const BITS: usize = 4096;
/// The precision of logarithms and similar functions, whose arguments are exact.
const BITS_OF_FUNCTIONS: usize = 640;

/// A 4096-bit number.
#[derive(Clone, Debug, PartialEq)]
pub struct Real(FBig<HalfEven, 2>);

pub fn real(value: f64) -> Real {
    Real(FBig::try_from(value).expect("finite").with_precision(BITS).value())
}

macro_rules! operators {
    ($($trait:ident $name:ident),*) => {$(
        impl $trait<&Real> for &Real {
            type Output = Real;
            fn $name(self, other: &Real) -> Real {
                Real($trait::$name(&self.0, &other.0))
            }
        }
        impl $trait<Real> for Real {
            type Output = Real;
            fn $name(self, other: Real) -> Real {
                $trait::$name(&self, &other)
            }
        }
        impl $trait<&Real> for Real {
            type Output = Real;
            fn $name(self, other: &Real) -> Real {
                $trait::$name(&self, other)
            }
        }
        impl $trait<Real> for &Real {
            type Output = Real;
            fn $name(self, other: Real) -> Real {
                $trait::$name(self, &other)
            }
        }
        impl $trait<f64> for &Real {
            type Output = Real;
            fn $name(self, other: f64) -> Real {
                $trait::$name(self, &real(other))
            }
        }
        impl $trait<f64> for Real {
            type Output = Real;
            fn $name(self, other: f64) -> Real {
                $trait::$name(&self, &real(other))
            }
        }
        impl $trait<&Real> for f64 {
            type Output = Real;
            fn $name(self, other: &Real) -> Real {
                $trait::$name(&real(self), other)
            }
        }
        impl $trait<Real> for f64 {
            type Output = Real;
            fn $name(self, other: Real) -> Real {
                $trait::$name(&real(self), &other)
            }
        }
    )*};
}
operators!(Add add, Sub sub, Mul mul, Div div);

impl Neg for Real {
    type Output = Self;
    fn neg(self) -> Self {
        real(0.0) - self
    }
}

impl PartialOrd for Real {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.0.partial_cmp(&other.0)
    }
}

impl Real {
    fn function(&self, f: impl Fn(&FBig<HalfEven, 2>) -> FBig<HalfEven, 2>) -> Self {
        let short = self.0.clone().with_precision(BITS_OF_FUNCTIONS).value();
        Self(f(&short).with_precision(BITS).value())
    }

    pub fn sqrt(&self) -> Self {
        Self(self.0.sqrt())
    }

    pub fn ln(&self) -> Self {
        self.function(FBig::ln)
    }

    pub fn exp(&self) -> Self {
        self.function(FBig::exp)
    }

    pub fn sin(&self) -> Self {
        self.function(FBig::sin)
    }

    pub fn cos(&self) -> Self {
        self.function(FBig::cos)
    }

    pub fn asin(&self) -> Self {
        self.function(FBig::asin)
    }

    pub fn square(&self) -> Self {
        self * self
    }

    pub fn power(&self, k: u32) -> Self {
        (0..k).fold(real(1.0), |power, _| power * self)
    }

    pub fn is_positive(&self) -> bool {
        *self > real(0.0)
    }

    pub fn abs(self) -> Self {
        if self.is_positive() { self } else { -self }
    }

    pub fn value(&self) -> f64 {
        self.0.to_f64().value()
    }
}

pub fn pi() -> Real {
    // π/2 = asin 1.
    2.0 * real(1.0).asin()
}

pub fn sum(terms: impl IntoIterator<Item = Real>) -> Real {
    terms.into_iter().fold(real(0.0), |sum, term| sum + term)
}

/// The failed comparisons of one search; reported with the largest deviation first.
#[derive(Debug, Default)]
pub struct Search {
    compared: usize,
    wrong: Vec<(f64, String)>,
}

impl Search {
    /// Compares `found` with `expected`, to `relative`. Beyond the range of `f64`, `found` must be huge or nearly 0.
    pub fn check(&mut self, found: f64, expected: &Real, relative: f64, what: impl Fn() -> String) {
        self.compared += 1;
        let size = expected.clone().abs();
        let off = if size > real(1e307) {
            if found.abs() > 1e306 { 0.0 } else { f64::INFINITY }
        } else if size < real(1e-290) {
            // Parts of a sum this small may have underflowed.
            if found.abs() <= 1e-289 { 0.0 } else { f64::INFINITY }
        } else if found.is_finite() {
            ((real(found) - expected) / size).abs().value()
        } else {
            f64::INFINITY
        };
        if off.is_nan() || off > relative {
            self.wrong
                .push((off, format!("{}: {found:e}, not {:e}, off by {off:.1e}", what(), expected.value())));
        }
    }

    /// Records a result that should exist but was not found.
    pub fn missing(&mut self, what: impl Fn() -> String) {
        self.compared += 1;
        self.wrong.push((f64::INFINITY, format!("{}: not found", what())));
    }

    #[track_caller]
    pub fn finish(mut self) {
        self.wrong.sort_by(|a, b| b.0.total_cmp(&a.0));
        let shown: Vec<&str> = self.wrong.iter().take(12).map(|(_, line)| &**line).collect();
        assert!(self.wrong.is_empty(), "{} of {}:\n{}", self.wrong.len(), self.compared, shown.join("\n"));
        println!("{} values", self.compared);
    }
}
