//! The spectra and sizes of LAPACK's test programs (TESTING/MATGEN/dlatm1.f, TESTING/svd.in).

use crate::common::ratios::ULP;

/// `svd.in`: the rows and columns of what DDRVBD and DCHKBD factorise.
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

/// How a matrix's singular values are spread, from 1 to 1/κ.
#[derive(Clone, Copy, Debug)]
pub enum Spectrum {
    /// Mode 1: one of them 1, all others 1/κ.
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

/// The condition number of both programs' spectra, 1/ULP.
pub const KAPPA: f64 = 1.0 / ULP;
