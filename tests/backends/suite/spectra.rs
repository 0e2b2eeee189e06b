//! The spectra and sizes of LAPACK's test programs (TESTING/MATGEN/dlatm1.f, TESTING/svd.in).

use crate::common::ratios::ULP;

/// Shapes that DDRVBD and DCHKBD factorise, from `svd.in`.
pub const SIZES: [(usize, usize); 19] = [
    (0, 0),
    (0, 1),
    (0, 3),
    (1, 0),
    (1, 1),
    (1, 2),
    (2, 0),
    (2, 1),
    (3, 0),
    (3, 1),
    (3, 3),
    (10, 10),
    (10, 16),
    (16, 10),
    (16, 16),
    (30, 30),
    (30, 40),
    (40, 30),
    (40, 40),
];

/// How a matrix's singular values are spread between 1 and 1/κ.
#[derive(Clone, Copy, Debug)]
pub enum Spectrum {
    /// Mode 1: one is 1, all others are 1/κ.
    Clustered,
    /// Mode 3: κ^(−(i−1)/(r−1)).
    Geometric,
    /// Mode 4: 1 − (i−1)/(r−1) (1 − 1/κ).
    Even,
}

impl Spectrum {
    pub fn values(self, count: usize, kappa: f64) -> Vec<f64> {
        let smallest = 1.0 / kappa;
        let steps = count.max(2) - 1;
        let value = |i: usize| match self {
            _ if i == 0 => 1.0,
            Self::Clustered => smallest,
            Self::Geometric => kappa.powf(-(i as f64) / steps as f64),
            Self::Even => (steps - i) as f64 * ((1.0 - smallest) / steps as f64) + smallest,
        };
        (0..count).map(value).collect()
    }
}

/// Condition number of the spectra of both programs, 1/ULP.
pub const KAPPA: f64 = 1.0 / ULP;
