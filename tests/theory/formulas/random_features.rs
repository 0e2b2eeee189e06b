//! Random features at the threshold, at extreme ridges and in their limit, and activations.

use super::{close, powers, within};
use double_descent::Error;
use double_descent::theory::activation::HermiteCoefficients;
use double_descent::theory::random_features::RandomFeatureModel;
use double_descent::theory::ridge::SpectralPopulation;
use double_descent::theory::spectrum::PopulationSpectrum;

fn power_law(noise: f64) -> RandomFeatureModel {
    RandomFeatureModel::new(PopulationSpectrum::new(&powers(60, -1.25)).unwrap(), &powers(60, -1.5), noise)
        .unwrap()
}

/// Infinitely many features are kernel ridge as in `ridge`, with target energy `v² = bℓ` and `δ = nλ`.
#[test]
fn wide_random_features_are_a_kernel_machine() {
    let values = powers(60, -1.25);
    let energy: Vec<f64> = values.iter().zip(powers(60, -1.5)).map(|(l, v)| v / l).collect();
    let kernel = SpectralPopulation::new(PopulationSpectrum::new(&values).unwrap(), &energy, 0.1).unwrap();
    for ridge in [0.0, 1e-6, 0.01, 1.0, 1e4] {
        let linear = kernel.at(20.0, ridge / 20.0).unwrap();
        // The remaining effect of the width is of order n/k.
        let wide = power_law(0.1).at(20.0, 1e15, ridge).unwrap();
        within(wide.excess, linear.excess, 1e-9);
        within(wide.train, linear.train, 1e-9);
        // At any width, the infinite ensemble is kernel ridge with the effective ridge.
        let narrow = power_law(0.1).at(20.0, 30.0, ridge).unwrap();
        within(kernel.at(20.0, narrow.effective_ridge / 20.0).unwrap().excess, narrow.ensemble, 1e-9);
    }
}

/// Both conditions of the fixed point, `Σ s + x = min(n, k)` and `x (x + |n − k|) = kδ/κ`, and the sum of the split, at
/// extreme ridges and on both sides of `n = k`.
#[test]
fn random_features_at_the_threshold_and_at_extremes() {
    let kernel = power_law(0.1);
    let values = powers(60, -1.25);
    for (n, k) in [(20.0, 20.0), (20.0, 20.0 * (1.0 + 1e-12)), (20.0 * (1.0 + 1e-12), 20.0), (60.0, 60.0)] {
        for ridge in [1e-300, 1e-100, 1e-20, 1e-10, 1.0, 1e10, 1e100, 1e300] {
            let found = kernel.at(n, k, ridge).unwrap();
            let (apart, rho) = (f64::abs(n - k), k * (ridge / found.kappa));
            let x = 2.0 * rho / (apart + apart.hypot(2.0 * rho.sqrt()));
            let z: f64 = values.iter().map(|l| l / (l + found.kappa)).sum();
            close((z + x) / f64::min(n, k), 1.0);
            assert!(found.excess.is_finite() && found.excess > 0.0, "{n} {k} {ridge} {found:?}");
            close(found.split.sum(), found.excess);
        }
    }
    assert_eq!(kernel.at(20.0, 20.0, 0.0).unwrap().excess, f64::INFINITY);
    // Least squares on the whole of a small population, σ² M/(n − M) at every width.
    for k in [60.0, 61.0, 100.0, 1e6] {
        let found = kernel.at(100.0, k, 0.0).unwrap();
        close(found.excess, 0.1 * 60.0 / 40.0);
        assert_eq!([found.kappa, found.split.sum()], [0.0, found.excess]);
    }
}

/// A caller's own function is integrated, refused or reported.
#[test]
fn activations_of_any_kind() {
    let of = |s: &dyn Fn(f64) -> f64, breaks: &[f64]| HermiteCoefficients::of(s, breaks);
    for (found, expected) in [
        (of(&|x| x.max(0.0), &[0.0]).unwrap(), HermiteCoefficients::relu()),
        (of(&f64::signum, &[0.0]).unwrap(), HermiteCoefficients::sign()),
        (of(&|x| (1.3 * x + 0.4).cos(), &[]).unwrap(), HermiteCoefficients::cos(1.3, 0.4)),
        (of(&|x| (0.5 * x).exp(), &[]).unwrap(), HermiteCoefficients::exp(0.5)),
        (of(&|x| libm::erf(0.8 * x), &[]).unwrap(), HermiteCoefficients::erf(0.8)),
    ] {
        for (found, expected) in
            [(found.mean, expected.mean), (found.linear, expected.linear), (found.rest, expected.rest)]
        {
            assert!((found - expected).abs() < 1e-13, "{found} {expected}");
        }
    }
    assert!(matches!(of(&|_| panic!("no"), &[]), Err(Error::UserCode { .. })));
    assert!(matches!(of(&|x| x.ln(), &[]), Err(Error::UserCode { .. })));
    assert!(matches!(of(&|x| x, &[f64::NAN]), Err(Error::NonFinite { .. })));
    // A linear activation: ridge on d features seen through N random ones. χ has no meaning here.
    let linear = HermiteCoefficients::identity().mei_montanari([2.0, 3.0], 0.1).unwrap();
    assert!(linear.chi == 0.0 && linear.bias > 0.0 && linear.variance > 0.0);
}

/// An ensemble of one is a single fit; an ensemble of two lies between that and infinitely many. On both sides
/// of `n = k`.
#[test]
fn ensembles_of_random_features() {
    let kernel = power_law(0.1);
    for (n, k, ridge) in [(20.0, 8.0, 0.01), (20.0, 45.0, 0.0), (10.0, 30.0, 1e-6)] {
        let risk = kernel.at(n, k, ridge).unwrap();
        assert_eq!(risk.of_members(1).unwrap(), risk.excess);
        let two = risk.of_members(2).unwrap();
        assert!(risk.ensemble < two && two < risk.excess, "{n} {k} {ridge} {risk:?}");
    }
}
