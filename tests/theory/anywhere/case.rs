//! Spectra of a few eigenvalues, and the equations that a fixed point solves on them, in 4096-bit arithmetic.

use super::draws::Draws;
use super::precise::{Real, real, sum};
use double_descent::theory::spectrum::PopulationSpectrum;

/// A few eigenvalues with multiplicities and energies.
#[derive(Clone, Debug)]
pub struct Spectrum {
    pub values: Vec<f64>,
    pub counts: Vec<f64>,
    pub energies: Vec<f64>,
    /// Whether the multiplicities are whole numbers, whose sums are exact.
    is_whole: bool,
}

impl Spectrum {
    pub fn draw(draws: &mut Draws) -> Self {
        let size = 1 + draws.below(5);
        let range = [1.0, 6.0, 100.0, 290.0][draws.below(4)];
        let values: Vec<f64> =
            (0..size).map(|_| if draws.below(8) == 0 { 0.0 } else { draws.decades(-range, range) }).collect();
        let is_whole = size == 1 || draws.below(2) == 0;
        let counts = (0..size)
            .map(|_| if is_whole { (1 + draws.below(60)) as f64 } else { draws.decades(-3.0, 4.0) })
            .collect();
        let energies = (0..size).map(|_| if draws.below(3) == 0 { 0.0 } else { draws.decades(-2.0, 2.0) });
        Self { energies: energies.collect(), values, counts, is_whole }
    }

    pub fn spectrum(&self) -> PopulationSpectrum {
        PopulationSpectrum::with_multiplicities(&self.values, &self.counts).unwrap()
    }

    /// Draws a number of samples: near the rank, near the rank of the strong directions alone, or anything.
    pub fn samples(&self, draws: &mut Draws) -> f64 {
        let strong: f64 = {
            let cut = self.values[draws.below(self.values.len())];
            self.values
                .iter()
                .zip(&self.counts)
                .filter(|(v, _)| **v >= cut && **v > 0.0)
                .map(|pair| pair.1)
                .sum()
        };
        match draws.below(3) {
            0 if strong > 0.0 && self.is_whole => draws.near(strong),
            1 => draws.decades(-2.0, 5.0),
            _ => (1 + draws.below(300)) as f64,
        }
    }

    /// Returns `Σ m f(s, ℓ)` over the positive eigenvalues.
    pub fn sum(&self, kappa: &Real, of: impl Fn(&Real, &Real) -> Real) -> Real {
        let pairs = self.values.iter().zip(&self.counts).filter(|pair| *pair.0 > 0.0);
        sum(pairs.map(|(&value, &count)| {
            let value = real(value);
            count * of(&(&value / (&value + kappa)), &value)
        }))
    }

    pub fn rank(&self) -> Real {
        self.sum(&real(0.0), |_, _| real(1.0))
    }

    /// Returns the root of `Σ m s + t/κ + x(κ) = least`, where `gap` gives `x` and its derivative.
    pub fn root(
        &self,
        start: f64,
        tail: f64,
        least: f64,
        gap: impl Fn(&Real) -> (Real, Real),
    ) -> Option<Real> {
        let mut kappa = real(start);
        for _ in 0..11 {
            let (x, slope) = gap(&kappa);
            let value = self.sum(&kappa, |s, _| s.clone()) + tail / &kappa + x - least;
            let slope = slope - self.sum(&kappa, |s, value| s.square() / value) - tail / kappa.square();
            let step = value / slope;
            kappa = &kappa - &step;
            if (step / &kappa).abs() < real(1e-300) {
                return Some(kappa);
            }
        }
        None
    }

    /// Returns the `κ` of ridge, at which `Σ m s + nλ/κ = n`.
    pub fn ridge_root(&self, start: f64, n: f64, lambda: f64) -> Option<Real> {
        self.root(start, 0.0, n, |kappa| {
            let x = n * lambda / kappa;
            let slope = -(&x / kappa);
            (x, slope)
        })
    }

    /// Returns `Σ b ℓ (κ/(ℓ + κ))²`.
    pub fn bare(&self, kappa: &Real) -> Real {
        sum(self.values.iter().zip(&self.energies).filter(|pair| *pair.0 > 0.0).map(|(&l, &b)| {
            let l = real(l);
            b * &l * (kappa / (&l + kappa)).square()
        }))
    }
}
