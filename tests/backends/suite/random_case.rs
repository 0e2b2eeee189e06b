//! Random regression problems (shapes, spectra, seeds) that shrink on failure.

use super::spectra::Spectrum;
use crate::common::backends::{Watched, routes};
use crate::common::matrices::{norm, normal, unit, with_spectrum};
use double_descent::svd::{Backend, Svd};
use ndarray::Array2;
use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A matrix with `σ₁ = 1`, and targets with two outputs.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    pub n: usize,
    pub p: usize,
    pub rank: usize,
    spectrum: Spectrum,
    /// Decimal logarithm of the condition number, over the nonzero singular values.
    digits: f64,
    pub seed: u64,
}

impl Case {
    /// The `n × p` matrix. Its condition number over the nonzero singular values is [`Case::kappa`].
    pub fn x(&self) -> Array2<f64> {
        let mut sigma = vec![0.0; self.n.min(self.p)];
        sigma[..self.rank].copy_from_slice(&self.sigma());
        with_spectrum(self.n, self.p, &sigma, self.seed)
    }

    /// The nonzero singular values.
    pub fn sigma(&self) -> Vec<f64> {
        self.spectrum.values(self.rank, 10f64.powf(self.digits))
    }

    pub fn kappa(&self) -> f64 {
        1.0 / self.sigma()[self.rank - 1]
    }

    /// Targets, `n × 2`.
    pub fn y(&self) -> Array2<f64> {
        normal(self.n, 2, self.seed + 10)
    }

    pub fn is_full_rank(&self) -> bool {
        self.rank == self.n.min(self.p)
    }

    /// Changes the case to full rank, with at most `side` rows and columns.
    pub fn full_rank(mut self, side: usize) -> Self {
        (self.n, self.p) = (1 + (self.n - 1) % side, 1 + (self.p - 1) % side);
        self.rank = self.n.min(self.p);
        self
    }

    /// Reduces the condition number to at most 10.
    pub fn well_conditioned(self) -> Self {
        Self { digits: self.digits / 6.0, ..self }
    }

    /// Bound on the distance between two fits `B` on `X`, each exact for a matrix that is off by [`unit`] (Wedin 1973):
    /// `η κ (‖B‖ + κ ‖R‖)`, once for each fit and for each of the two terms of the pseudoinverse's perturbation; `R` is
    /// the residual.
    pub fn spread(&self, beta: &Array2<f64>) -> f64 {
        let (x, kappa) = (self.x(), self.kappa());
        let residual = norm((x.dot(beta) - self.y()).view());
        4.0 * unit(&x) * kappa * (norm(beta.view()) + kappa * residual)
    }
}

prop_compose! {
    /// Cases on both sides of `Jacobi`'s limit of 32, with condition numbers up to 1e6.
    fn cases()(n in 1..=40_usize, p in 1..=40_usize)(
        n in Just(n),
        p in Just(p),
        rank in prop_oneof![2 => Just(n.min(p)), 1 => 1..=n.min(p)],
        spectrum in prop_oneof![Just(Spectrum::Even), Just(Spectrum::Geometric), Just(Spectrum::Clustered)],
        digits in 0.0..6.0,
        seed in 0..1_u64 << 32,
    ) -> Case {
        Case { n, p, rank, spectrum, digits, seed }
    }
}

/// Checks `property` on `count` cases with every backend. The cases are fixed; a failure is shrunk and reported.
pub fn for_all(count: u32, property: impl Fn(&Watched, &Case)) {
    for backend in routes() {
        let config = ProptestConfig { cases: count, failure_persistence: None, ..ProptestConfig::default() };
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[1; 32]);
        let outcome = TestRunner::new_with_rng(config, rng).run(&cases(), |case| {
            // Proptest without `std` does not catch panics; it shrinks only failures that are returned as errors.
            catch_unwind(AssertUnwindSafe(|| property(&backend, &case)))
                .map_err(|panic| TestCaseError::fail(said(panic.as_ref())))
        });
        if let Err(failure) = outcome {
            panic!("{}: {failure}", backend.name());
        }
    }
}

/// Message of a panic.
fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic without words").to_owned()
}

/// Failing random cases are shrunk, and the report names the smallest.
#[test]
fn a_failure_is_shrunk() {
    let panic = catch_unwind(|| for_all(64, |_, case| assert!(case.n < 7, "n is {}", case.n))).unwrap_err();
    let text = said(panic.as_ref());
    assert!(text.contains("n is 7"), "{text}");
}

/// The minimum-norm fit.
pub fn fit(svd: &Svd, y: &Array2<f64>) -> Array2<f64> {
    svd.solve(y, &double_descent::filter::MinNorm::default()).unwrap()
}
