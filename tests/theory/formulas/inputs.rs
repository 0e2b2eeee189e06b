//! Inputs outside the domain of a formula.

use super::within;
use double_descent::Error;
use double_descent::theory::activation::HermiteCoefficients;
use double_descent::theory::evidence::{self, Beliefs};
use double_descent::theory::gradient_flow::{self, FeatureGroup};
use double_descent::theory::marchenko_pastur::MarchenkoPastur;
use double_descent::theory::random_features::RandomFeatureModel;
use double_descent::theory::ridge::{self, SpectralPopulation, mean_noise};
use double_descent::theory::smallest_singular_value::{
    self, square_limit_cdf, square_limit_density, square_limit_median,
};
use double_descent::theory::spectrum::PopulationSpectrum;
use double_descent::theory::{circle, gaussian, noise, optimal_ridge, structured};

#[test]
fn wrong_inputs_say_so() {
    let domain = |found: Result<f64, Error>| assert!(matches!(found, Err(Error::Domain { .. })), "{found:?}");
    assert_eq!(PopulationSpectrum::new(&[]), Err(Error::Empty { what: "spectrum" }));
    for wrong in [-1.0, f64::NAN, f64::INFINITY] {
        domain(PopulationSpectrum::new(&[1.0, wrong]).map(|s| s.trace()));
        domain(PopulationSpectrum::with_multiplicities(&[1.0], &[wrong]).map(|s| s.trace()));
        domain(gaussian::limit(wrong, 1.0, 1.0).map(|e| e.bias));
        domain(gaussian::excess(3, 4, wrong, 1.0).map(|e| e.bias));
        let one = PopulationSpectrum::new(&[1.0]).unwrap();
        let population = SpectralPopulation::new(one.clone(), &[1.0], 1.0).unwrap();
        domain(SpectralPopulation::new(one.clone(), &[wrong], 1.0).map(|_| 0.0));
        domain(population.at(wrong, 1.0).map(|r| r.excess));
        domain(population.at(1.0, wrong).map(|r| r.excess));
        let kernel = RandomFeatureModel::new(one, &[1.0], 1.0).unwrap();
        domain(kernel.at(1.0, wrong, 0.0).map(|r| r.excess));
        domain(kernel.with_tail(wrong, 0.0).map(|_| 0.0));
    }
    for wrong in [-1.0, f64::NAN, f64::INFINITY] {
        domain(ridge::isotropic(wrong, 0.1, 1.0, 1.0).map(|r| r.excess));
        domain(ridge::isotropic(1.0, wrong, 1.0, 1.0).map(|r| r.excess));
        domain(gaussian::train_error(3, 4, wrong));
        domain(gaussian::misspecified_limit(1.0, 1.0, wrong, 1.0).map(|m| m.unseen));
        domain(gaussian::random_subset(3, 4, 5, wrong, 1.0));
        domain(structured::autoregressive(2.0, wrong, 1.0, 1.0).map(|r| r.bias));
        domain(structured::two_point_kappa(2.0, [1.0, wrong], 0.5));
        domain(structured::latent_space(2.0, wrong, 1.0, [1.0, 1.0], 0.0).map(|r| r.noise));
        domain(structured::latent_space(2.0, 0.5, wrong, [1.0, 1.0], 0.0).map(|r| r.noise));
        domain(optimal_ridge::of_design(&[wrong], 2, 1.0, 1.0).map(|r| r.0));
        domain(optimal_ridge::model_wise(3, 2, wrong, 1.0).map(|r| r.lambda));
        domain(PopulationSpectrum::power_law(3, wrong).map(|s| s.rank()));
        domain(PopulationSpectrum::autoregressive(3, wrong).map(|s| s.rank()));
        domain(PopulationSpectrum::equicorrelated(3, wrong).map(|s| s.rank()));
        let beliefs = Beliefs { energy: 1.0, noise: 1.0, prior: wrong, model_noise: 1.0 };
        domain(evidence::limit(1.0, beliefs));
    }
    domain(gaussian::random_subset(3, 6, 5, 1.0, 1.0));
    domain(circle::haar(0, 3, 4));
    domain(circle::haar(3, 5, 4));
    domain(circle::limit(0.0, 0.3));
    domain(circle::limit(0.3, 1.1));
    domain(optimal_ridge::model_wise(3, 4, 1.0, 1.0).map(|r| r.lambda));
    assert!(matches!(optimal_ridge::of_design(&[1.0, 2.0], 1, 1.0, 1.0), Err(Error::Shape { .. })));
    assert!(matches!(mean_noise(&[]), Err(Error::Empty { .. })));
    assert!(matches!(PopulationSpectrum::with_multiplicities(&[1e300], &[1e9]), Err(Error::Overflow { .. })));
    assert_eq!(noise::lower_bound(30, 30), 30.0);
    let two = PopulationSpectrum::new(&[1.0, 2.0]).unwrap();
    assert!(matches!(
        SpectralPopulation::new(two, &[1.0], 1.0),
        Err(Error::Shape { expected: 2, found: 1, .. })
    ));
}

/// Poles reached from either side are infinite, never negative.
#[test]
fn thresholds_are_infinite_and_positive() {
    assert_eq!(structured::autoregressive(1.0, 0.5, 1.0, 1.0).unwrap().variance, f64::INFINITY);
    assert_eq!(structured::autoregressive(1.0, 0.5, 1.0, 0.0).unwrap().variance, 0.0);
    assert_eq!(structured::latent_space(1.0, 0.5, 1.0, [1.0, 1.0], 0.0).unwrap().fit.variance, f64::INFINITY);
    assert_eq!(gaussian::limit(1.0, 1.0, 1.0).unwrap().variance, f64::INFINITY);
}

/// At the ends of the range of arguments: limits, not NaN.
#[test]
fn extreme_arguments_have_their_limits() {
    let sign = HermiteCoefficients::sign();
    assert_eq!(HermiteCoefficients::erf(f64::INFINITY), sign);
    assert_eq!(HermiteCoefficients::erf(f64::NEG_INFINITY).linear, -sign.linear);
    assert!(HermiteCoefficients::erf(f64::NAN).linear.is_nan());
    assert_eq!(HermiteCoefficients::sin(f64::INFINITY), HermiteCoefficients::sin(1e200));
    assert_eq!(HermiteCoefficients::cos(f64::INFINITY, 0.3), HermiteCoefficients::cos(1e200, 0.3));

    let law = MarchenkoPastur::new(1e300).unwrap();
    assert_eq!(law.resolvent(f64::MAX).unwrap(), [f64::MAX.recip(), 0.0]);
    // ∫ ln(1 + x/ε) dF → mean/ε = 1/ε for x far below ε.
    within(law.shannon(f64::MAX).unwrap(), f64::MAX.recip(), 1e-8);

    assert_eq!(gaussian::excess_variance(0, 1, f64::MAX, 1.0), Ok(0.0));
    let group = FeatureGroup { count: 1.0, variance: 1.0, energy: 2.0 };
    assert_eq!(gradient_flow::excess(&[group], 5e-324, 1.0, 0.0), Ok(2.0));
    assert_eq!(gradient_flow::optimum(&group, 5e-324, 1.0).unwrap().least, 2.0);

    // n σ² of square matrices has nearly its limit law at these sizes; the relative difference is O(1/n).
    for n in [1 << 40, usize::MAX] {
        let x = 1.0 / n as f64;
        within(smallest_singular_value::square_cdf(n, x).unwrap(), square_limit_cdf(1.0), 1e-9);
        within(smallest_singular_value::square_density(n, x).unwrap() * x, square_limit_density(1.0), 1e-9);
        let median = smallest_singular_value::quantile(n, n, 0.5).unwrap().unwrap();
        within(median * n as f64, square_limit_median(), 1e-9);
    }
}
