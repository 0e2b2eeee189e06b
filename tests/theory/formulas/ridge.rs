//! Ridge with any spectrum: at the threshold, at extreme and optimal penalties, against closed forms, and equivalent
//! statements of one problem.

use super::{close, powers, within};
use double_descent::Error;
use double_descent::theory::filtered::IteratedRidge;
use double_descent::theory::random_features::{RandomFeatureModel, RandomFeatureRisk};
use double_descent::theory::ridge::{self, RidgeRisk, SpectralPopulation, optimal_isotropic};
use double_descent::theory::spectrum::PopulationSpectrum;
use double_descent::theory::{gaussian, structured};

fn isotropic(gamma: f64, r2: f64, noise: f64, lambda: f64) -> RidgeRisk {
    let spectrum = PopulationSpectrum::with_multiplicities(&[1.0], &[gamma]).unwrap();
    SpectralPopulation::new(spectrum, &[r2], noise).unwrap().at(1.0, lambda).unwrap()
}

/// At `γ` on both sides of 1 and penalties of all sizes, against the quadratic that isotropic features solve,
/// `κ² + (1 − λ − γ) κ = λ`.
#[test]
fn ridge_at_the_threshold_and_at_extremes() {
    for gamma in [0.3, 1.0 - 1e-12, 1.0, 1.0 + 1e-12, 4.0] {
        for lambda in [1e-300, 1e-100, 1e-30, 1e-20, 1e-10, 1e-3, 1.0, 1e10, 1e100, 1e300] {
            let b: f64 = (gamma - 1.0) + lambda;
            let root = b.hypot(2.0 * f64::sqrt(lambda));
            let kappa = if b > 0.0 { 0.5 * (b + root) } else { 2.0 * lambda / (root - b) };
            let (s, c) = (1.0 / (1.0 + kappa), kappa / (1.0 + kappa));
            let pole = lambda / kappa + gamma * s * c;
            let found = isotropic(gamma, 2.0, 0.3, lambda);
            close(found.kappa, kappa);
            within(found.bias, 2.0 * c * c / pole, 1e-9);
            within(found.variance, 0.3 * gamma * s * s / pole, 1e-9);
        }
        let limit = gaussian::limit(gamma, 2.0, 0.3).unwrap();
        let found = isotropic(gamma, 2.0, 0.3, 0.0);
        close(found.variance, limit.variance);
        if gamma != 1.0 {
            close(found.bias, limit.bias);
        }
        // A penalty too small to matter.
        if gamma != 1.0 {
            close(isotropic(gamma, 2.0, 0.3, 1e-300).excess, found.excess);
        }
    }
    // Eigenvalues over 540 orders of magnitude.
    let wide =
        PopulationSpectrum::new(&(0..=60).map(|i| 10f64.powi(9 * i - 270)).collect::<Vec<_>>()).unwrap();
    let population = SpectralPopulation::new(wide, &[0.0; 61], 1.0).unwrap();
    for n in [1.0, 10.5, 30.0, 60.0, 61.0, 62.0, 1000.0] {
        for lambda in [0.0, 1e-300, 1e-5, 1.0, 1e5, 1e300] {
            let found = population.at(n, lambda).unwrap();
            let solved = if found.kappa > 0.0 { found.df1 / n + lambda / found.kappa } else { 1.0 };
            close(solved, 1.0);
        }
    }
}

/// Zero features fit nothing: a spectrum of zeros gives a value and does not hang.
#[test]
fn a_spectrum_of_zeros() {
    let zeros = PopulationSpectrum::new(&[0.0, 0.0]).unwrap();
    let population = SpectralPopulation::new(zeros.clone(), &[1.0, 1.0], 0.5).unwrap();
    for lambda in [0.0, 1e-300, 1.0, 1e300] {
        let found = population.at(3.0, lambda).unwrap();
        assert_eq!(found.excess, 0.0);
        close(found.train, 0.5);
        let kernel = RandomFeatureModel::new(zeros.clone(), &[1.0, 1.0], 0.5).unwrap();
        let found: RandomFeatureRisk = kernel.at(3.0, 5.0, lambda).unwrap();
        close(found.excess, 2.0);
    }
}

/// The optimum of isotropic features is known; that of a target in the strong directions is negative.
#[test]
fn optimal_penalties() {
    for (gamma, noise) in [(0.5, 0.4), (1.0, 0.4), (3.0, 0.4), (50.0, 0.1)] {
        let spectrum = PopulationSpectrum::with_multiplicities(&[1.0], &[gamma]).unwrap();
        let population = SpectralPopulation::new(spectrum, &[1.7], noise).unwrap();
        let (lambda, found) = population.optimal(1.0).unwrap().unwrap();
        let expected = optimal_isotropic(gamma, 1.7, noise).unwrap();
        // The optimum is a root of the excess's derivative, so `λ` is as accurate as the excess.
        close(lambda, expected.0);
        close(found.excess, expected.1);
    }
    let spectrum = PopulationSpectrum::with_multiplicities(&[100.0, 1.0], &[10.0, 290.0]).unwrap();
    let spiked = SpectralPopulation::new(spectrum, &[1.0, 0.0], 0.01).unwrap();
    let (lambda, best) = spiked.optimal(100.0).unwrap().unwrap();
    assert!(lambda < 0.0, "{lambda}");
    close(spiked.at(100.0, lambda).unwrap().excess, best.excess);
    for other in [0.9 * lambda, 1.1 * lambda, 0.0, 1.0] {
        assert!(spiked.at(100.0, other).unwrap().excess > best.excess, "{other}");
    }
    assert!(spiked.at(100.0, -1e9).is_err() && spiked.at(400.0, -1e-3).is_err());
    // Nothing to learn: more penalty is always better.
    let spectrum = PopulationSpectrum::new(&[1.0, 1.0]).unwrap();
    assert_eq!(SpectralPopulation::new(spectrum, &[0.0, 0.0], 1.0).unwrap().optimal(1.0).unwrap(), None);
}

/// Closed forms against the fixed point of their spectra.
#[test]
fn closed_forms_are_cases_of_any_spectrum() {
    // AR(1): two thousand values of its symbol give the integral to rounding error.
    for (gamma, rho) in [(1.5, 0.8), (3.0, -0.5), (1.01, 0.3)] {
        let count = 2000;
        let spectrum = PopulationSpectrum::autoregressive(count, rho).unwrap();
        within(spectrum.trace(), count as f64, 1e-12);
        let energy = vec![1.0 / count as f64; count];
        let found =
            SpectralPopulation::new(spectrum, &energy, 0.5).unwrap().at(count as f64 / gamma, 0.0).unwrap();
        let expected = structured::autoregressive(gamma, rho, 1.0, 0.5).unwrap();
        close(found.kappa, expected.kappa);
        close(found.bias, expected.bias);
        close(found.variance, expected.variance);
    }
    // Ratios of few bits, so that a quarter and three quarters of them are exact.
    for gamma in [1.0 - 0.5f64.powi(40), 1.0 + 0.5f64.powi(40), 2.0] {
        let values = [3.0, 0.2];
        let spectrum =
            PopulationSpectrum::with_multiplicities(&values, &[0.25 * gamma, 0.75 * gamma]).unwrap();
        let found = SpectralPopulation::new(spectrum, &[0.0; 2], 0.0).unwrap().at(1.0, 0.0).unwrap().kappa;
        close(found, structured::two_point_kappa(gamma, values, 0.25).unwrap());
    }
    // Isotropic features: closed form, one eigenvalue, a latent space of zero strength, correlation 0.
    for gamma in [1e-10, 0.5, 1.0 + 1e-12, 1.0 - 1e-12, 4.0, 1e6, 1e12] {
        for lambda in [0.0, 1e-9, 0.3, 1e200] {
            let expected = isotropic(gamma, 2.0, 0.3, lambda);
            let found = ridge::isotropic(gamma, lambda, 2.0, 0.3).unwrap();
            close(found.excess, expected.excess);
            close(found.cost, expected.cost);
            close(found.train, expected.train);
            let latent = structured::latent_space(gamma, 0.5, 0.0, [2.0, 0.3], lambda).unwrap();
            // Its features carry no information on the target, which is noise to them.
            close(latent.fit.variance, isotropic(gamma, 0.0, 2.3, lambda).variance);
            assert_eq!([latent.fit.bias, latent.unseen], [0.0, 2.0]);
        }
        close(
            structured::autoregressive(gamma, 0.0, 2.0, 0.3).unwrap().variance,
            gaussian::limit(gamma, 2.0, 0.3).unwrap().variance,
        );
        let whole = gaussian::misspecified_limit(gamma, 2.0, 1.0, 0.3).unwrap();
        assert_eq!((whole.unseen, whole.seen), (0.0, gaussian::limit(gamma, 2.0, 0.3).unwrap()));
    }
    // Equicorrelated features: the noise term is that of isotropic ones, except in one direction of p.
    let equal = PopulationSpectrum::equicorrelated(300, 0.3).unwrap();
    assert_eq!((equal.rank(), equal.values()), (300.0, &[1.0 - 0.3 + 300.0 * 0.3, 0.7][..]));
    let across = SpectralPopulation::new(equal.clone(), &[0.0, 1.0], 1.0).unwrap().at(150.0, 0.0).unwrap();
    let along = SpectralPopulation::new(equal, &[1.0, 0.0], 1.0).unwrap().at(150.0, 0.0).unwrap();
    // Computed in 40 digits from the quadratic that κ solves.
    close(across.variance, 1.006_505_387_565_724);
    close(across.bias, 0.353_454_790_055_816_15);
    close(along.bias, 0.010_815_030_679_954_986);
}

/// Points of a curve do not depend on earlier ones except for rounding. Equal eigenvalues may be listed or counted, and
/// an identical test design or a full-size subsample changes nothing.
#[test]
fn the_same_problem_in_other_words() {
    let (values, counts) = ([4.0, 1.0, 0.25], [20.0, 60.0, 120.0]);
    let listed: Vec<f64> =
        (0..200).map(|i| values[usize::from(i % 10 > 0) + usize::from(i % 10 > 3)]).collect();
    let energies = [0.5, 0.3, 0.2];
    let each: Vec<f64> = listed
        .iter()
        .map(|l| (0..3).find(|&g| values[g] == *l).map(|g| energies[g] / counts[g]).unwrap())
        .collect();
    let short = SpectralPopulation::new(
        PopulationSpectrum::with_multiplicities(&values, &counts).unwrap(),
        &energies,
        0.2,
    )
    .unwrap();
    let long = SpectralPopulation::new(PopulationSpectrum::new(&listed).unwrap(), &each, 0.2).unwrap();
    let points: Vec<[f64; 2]> = (1..=400).map(|n| [f64::from(n), 0.01 * f64::from(n % 7)]).collect();
    let curve = short.curve(&points).unwrap();
    for (&[n, lambda], risk) in points.iter().zip(&curve) {
        let alone = short.at(n, lambda).unwrap();
        within(risk.excess, alone.excess, 1e-13);
        within(long.at(n, lambda).unwrap().excess, alone.excess, 1e-12);
        close(short.at_test(n, lambda, &values).unwrap().excess, alone.excess);
        for members in [Some(1), Some(7), None] {
            close(short.subsampled(n, n, lambda, members).unwrap(), alone.excess);
        }
    }
    let halves = |members| short.subsampled(100.0, 50.0, 0.1, members).unwrap();
    close(halves(Some(1)), short.at(50.0, 0.1).unwrap().excess);
    assert!(halves(Some(1)) > halves(Some(2)) && halves(Some(2)) > halves(None));
    // Ten thousand distinct eigenvalues, through the threshold.
    let count = 10_000;
    let spectrum = PopulationSpectrum::power_law(count, 1.2).unwrap();
    let model = RandomFeatureModel::new(spectrum, &powers(count, -1.8), 0.1).unwrap();
    let points: Vec<[f64; 3]> = (1..=200).map(|k| [500.0, 5.0 * f64::from(k), 1e-4]).collect();
    let start = std::time::Instant::now();
    let curve = model.curve(&points).unwrap();
    println!("200 points of 10,000 eigenvalues: {:?}", start.elapsed());
    for (&[n, k, ridge], risk) in points.iter().zip(&curve).step_by(9) {
        within(risk.excess, model.at(n, k, ridge).unwrap().excess, 1e-12);
    }
}

/// The best penalty of isotropic features is optimal: other penalties have a higher risk.
#[test]
fn the_best_isotropic_penalty_is_best() {
    for (gamma, r2, noise) in [(1.0, 1.7, 0.4), (3.0, 1.7, 0.4), (50.0, 1.0, 0.1)] {
        let (lambda, excess) = optimal_isotropic(gamma, r2, noise).unwrap();
        let at = |lambda| ridge::isotropic(gamma, lambda, r2, noise).unwrap().excess;
        close(at(lambda), excess);
        assert!(at(0.9 * lambda) > excess && at(1.1 * lambda) > excess);
    }
}

/// Weights that add up to 1, with `n = 1/γ` for the largest γ: squares of shares of 10⁻¹⁶⁰ and less underflow, but what
/// is divided by `n` does not. Compared with the closed form of isotropic features, and with a contour integral, which
/// works up to 10¹⁴⁰ and reports an error beyond.
#[test]
fn as_many_features_a_sample_as_numbers_go() {
    for gamma in [1e100, 1e135, 1e160, 1e190, 1e280f64] {
        let spectrum = PopulationSpectrum::with_multiplicities(&[1.0, 1.0], &[0.25, 0.75]).unwrap();
        let population = SpectralPopulation::new(spectrum.clone(), &[0.5, 1.5], 0.7).unwrap();
        let model = RandomFeatureModel::new(spectrum, &[0.5, 1.5], 0.7).unwrap();
        for lambda in [0.0, 1e-3, 0.3 * gamma, 1e3 * gamma] {
            let n = gamma.recip();
            let expected = ridge::isotropic(gamma, lambda, 2.0, 0.7).unwrap();
            let found = population.at(n, lambda).unwrap();
            close(found.bias, expected.bias);
            close(found.variance, expected.variance);
            let wide = model.at(n, 1e10, n * lambda).unwrap();
            close(wide.split.data_noise, expected.variance);
            let Ok(filter) = IteratedRidge::new(lambda, 1) else { continue };
            match population.filtered(n, &filter) {
                Ok(filtered) => {
                    within(filtered.bias, expected.bias, 1e-9);
                    within(filtered.variance, expected.variance, 1e-9);
                }
                Err(error) => {
                    assert!(gamma > 1e140 && matches!(error, Error::Domain { .. }), "{gamma}: {error}");
                }
            }
        }
    }
}
