//! The formulas of `theory` beyond single values: limits of one another, identities, both sides of the threshold, extreme
//! penalties, wrong inputs. Values are in `reference.rs`.

use double_descent::Error;
use double_descent::theory::activation::HermiteCoefficients;
use double_descent::theory::evidence::{self, Beliefs};
use double_descent::theory::marchenko_pastur::MarchenkoPastur;
use double_descent::theory::overfitting::{Decay, Tail, Verdict, power_law_cost};
use double_descent::theory::power_law::{best_penalty, with_penalty};
use double_descent::theory::random_features::{RandomFeatureModel, RandomFeatureRisk};
use double_descent::theory::ridge::{self, RidgeRisk, SpectralPopulation, mean_noise, optimal_isotropic};
use double_descent::theory::spectrum::PopulationSpectrum;
use double_descent::theory::{circle, gaussian, noise, optimal_ridge, structured};

/// Within 1e-10, relative: the accuracy that the formulas claim.
#[track_caller]
fn close(found: f64, expected: f64) {
    within(found, expected, 1e-10);
}

#[track_caller]
fn within(found: f64, expected: f64, relative: f64) {
    assert!(found == expected || (found / expected - 1.0).abs() <= relative, "{found:e}, not {expected:e}");
}

fn powers(count: usize, exponent: f64) -> Vec<f64> {
    (1..=count).map(|i| (i as f64).powf(exponent)).collect()
}

/// What is infinite says so, and what is finite inside the threshold's window is.
#[test]
fn gaussian_designs_at_the_threshold() {
    let excess = |n, p, noise| gaussian::excess(n, p, 1.0, noise).unwrap().total();
    for p in 19..=21 {
        assert_eq!(excess(20, p, 0.1), f64::INFINITY);
        assert_eq!(gaussian::effective_parameters(20, p), f64::INFINITY);
    }
    assert_eq!([excess(10, 10, 0.0), excess(9, 10, 0.0)], [0.0, 0.1]);
    assert_eq!(gaussian::excess(0, 7, 3.0, 1.0).unwrap().total(), 3.0);
    assert_eq!(gaussian::excess_variance(13, 10, 1.0, 1.0).unwrap(), f64::INFINITY);
    assert_eq!(gaussian::excess_with_intercept(21, 20, 1.0, 0.1).unwrap(), f64::INFINITY);
    assert_eq!(gaussian::limit(1.0, 2.0, 1.0).unwrap().variance, f64::INFINITY);
    assert_eq!(circle::limit(0.3, 0.3).unwrap(), f64::INFINITY);
    assert_eq!(circle::haar(4, 4, 9).unwrap(), f64::INFINITY);
    // All rows or all columns: what is left over is seen by no sample.
    assert_eq!([circle::haar(9, 9, 9).unwrap(), circle::limit(1.0, 1.0).unwrap()], [0.0, 0.0]);
    close(circle::haar(3, 9, 9).unwrap(), 1.0 - 3.0 / 9.0);
    // n residuals span n − p dimensions; with all of the teacher unseen it is noise.
    assert_eq!(
        [gaussian::train_error(20, 5, 2.0).unwrap(), gaussian::train_error(5, 20, 2.0).unwrap()],
        [1.5, 0.0]
    );
    // The limit of finite sizes of one ratio, from which they deviate by 1/n.
    let limit = gaussian::limit(0.5, 1.0, 0.3).unwrap().total();
    for n in [1000, 1_000_000] {
        let off = gaussian::excess(n, n / 2, 1.0, 0.3).unwrap().total() / limit - 1.0;
        within(off * n as f64, 2.0, 0.01);
    }
    assert_eq!(mean_noise(&[1.0, 2.0, 6.0]).unwrap(), 3.0);
    let share = 0.3;
    let limit = gaussian::misspecified_limit(2.0, 1.0, share, 0.1).unwrap().total();
    let off = |n: usize| gaussian::weak_features(n, 2 * n, share, 1.0 - share, 0.1).unwrap() / limit - 1.0;
    within(off(1000) / off(2000), 2.0, 0.01);
    // Fourier series: the limit in shares is what a random unitary matrix has at every size.
    for (n, p) in [(3, 7), (8, 3), (5, 11)] {
        let [samples, features] = [n, p].map(|count| count as f64 / 11.0);
        close(circle::limit(samples, features).unwrap(), circle::haar(n, p, 11).unwrap());
    }
}

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
        // A penalty that no longer matters.
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

fn power_law(noise: f64) -> RandomFeatureModel {
    RandomFeatureModel::new(PopulationSpectrum::new(&powers(60, -1.25)).unwrap(), &powers(60, -1.5), noise)
        .unwrap()
}

/// Infinitely many features are kernel ridge: that of `ridge`, with target energy `v² = bℓ` and `δ = nλ`.
#[test]
fn wide_random_features_are_a_kernel_machine() {
    let values = powers(60, -1.25);
    let energy: Vec<f64> = values.iter().zip(powers(60, -1.5)).map(|(l, v)| v / l).collect();
    let kernel = SpectralPopulation::new(PopulationSpectrum::new(&values).unwrap(), &energy, 0.1).unwrap();
    for ridge in [0.0, 1e-6, 0.01, 1.0, 1e4] {
        let linear = kernel.at(20.0, ridge / 20.0).unwrap();
        // What width still costs is of order n/k.
        let wide = power_law(0.1).at(20.0, 1e15, ridge).unwrap();
        within(wide.excess, linear.excess, 1e-9);
        within(wide.train, linear.train, 1e-9);
        // At any width the infinite ensemble is kernel ridge with the effective ridge.
        let narrow = power_law(0.1).at(20.0, 30.0, ridge).unwrap();
        within(kernel.at(20.0, narrow.effective_ridge / 20.0).unwrap().excess, narrow.ensemble, 1e-9);
    }
}

/// Both conditions of the fixed point, `Σ s + x = min(n, k)` and `x (x + |n − k|) = kδ/κ`, and the split's sum, at
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
    // Least squares in all of a small population, σ² M/(n − M), whatever the width.
    for k in [60.0, 61.0, 100.0, 1e6] {
        let found = kernel.at(100.0, k, 0.0).unwrap();
        close(found.excess, 0.1 * 60.0 / 40.0);
        assert_eq!([found.kappa, found.split.sum()], [0.0, found.excess]);
    }
}

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

/// Zero features fit nothing: a spectrum of zeros is a value, not a hang.
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

/// The optimum of isotropic features is known; of a target in the strong directions it is below 0.
#[test]
fn optimal_penalties() {
    for (gamma, noise) in [(0.5, 0.4), (1.0, 0.4), (3.0, 0.4), (50.0, 0.1)] {
        let spectrum = PopulationSpectrum::with_multiplicities(&[1.0], &[gamma]).unwrap();
        let population = SpectralPopulation::new(spectrum, &[1.7], noise).unwrap();
        let (lambda, found) = population.optimal(1.0).unwrap().unwrap();
        let expected = optimal_isotropic(gamma, 1.7, noise).unwrap();
        // A minimum's place has half the digits of its value.
        within(lambda, expected.0, 1e-6);
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
    // Nothing to learn: the more penalty the better.
    let spectrum = PopulationSpectrum::new(&[1.0, 1.0]).unwrap();
    assert_eq!(SpectralPopulation::new(spectrum, &[0.0, 0.0], 1.0).unwrap().optimal(1.0).unwrap(), None);
}

/// Closed forms against the fixed point of their spectra.
#[test]
fn closed_forms_are_cases_of_any_spectrum() {
    // AR(1): two thousand values of its symbol give the integral to rounding.
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
    for gamma in [1.0 - 1e-12, 1.0 + 1e-12, 2.0] {
        let values = [3.0, 0.2];
        let spectrum =
            PopulationSpectrum::with_multiplicities(&values, &[0.25 * gamma, 0.75 * gamma]).unwrap();
        let found = SpectralPopulation::new(spectrum, &[0.0; 2], 0.0).unwrap().at(1.0, 0.0).unwrap().kappa;
        within(
            found,
            structured::two_point_kappa(gamma, values, 0.25).unwrap(),
            1e-3 * f64::from(gamma < 1.5) + 1e-10,
        );
    }
    // Isotropic features: closed form, one eigenvalue, a latent space without strength, correlation 0.
    for gamma in [1e-10, 0.5, 1.0 + 1e-12, 1.0 - 1e-12, 4.0, 1e6, 1e12] {
        for lambda in [0.0, 1e-9, 0.3, 1e200] {
            let expected = isotropic(gamma, 2.0, 0.3, lambda);
            let found = ridge::isotropic(gamma, lambda, 2.0, 0.3).unwrap();
            close(found.excess, expected.excess);
            close(found.cost, expected.cost);
            close(found.train, expected.train);
            let latent = structured::latent_space(gamma, 0.5, 0.0, [2.0, 0.3], lambda).unwrap();
            // Its features know nothing of the target, which is noise.
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
    // Equicorrelated features: the noise term is that of isotropic ones but for one direction in p.
    let equal = PopulationSpectrum::equicorrelated(300, 0.3).unwrap();
    assert_eq!((equal.rank(), equal.values()), (300.0, &[1.0 - 0.3 + 300.0 * 0.3, 0.7][..]));
    let across = SpectralPopulation::new(equal.clone(), &[0.0, 1.0], 1.0).unwrap().at(150.0, 0.0).unwrap();
    let along = SpectralPopulation::new(equal, &[1.0, 0.0], 1.0).unwrap().at(150.0, 0.0).unwrap();
    // Developers' sheet, section 2.4: 1.0108, 0.351 and 0.01058, each to the digits printed.
    assert!((across.variance - 1.0065).abs() < 0.0006 && (across.bias - 0.3535).abs() < 0.0006, "{across:?}");
    assert!((along.bias - 0.010_82).abs() < 0.000_06, "{along:?}");
}

/// Points of a curve do not depend on those before them but for rounding, equal eigenvalues may be listed or counted, and
/// a design or subsample that is no other changes nothing.
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
    // Ten thousand different eigenvalues, through the threshold.
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

/// The best penalty of one design is the best of its risk, and no other is as good.
#[test]
fn the_best_penalty_of_a_design() {
    let (w, d, norm2, level) = ([9.0, 4.0, 1.0, 0.25], 6, 2.0, 0.5);
    // Bias and variance at any penalty, averaged over the direction.
    let risk = |lambda: f64| {
        let each = norm2 / d as f64;
        let seen: f64 = w.iter().map(|w| (each * lambda * lambda + level * w) / (w + lambda).powi(2)).sum();
        seen + each * 2.0
    };
    let (lambda, excess) = optimal_ridge::of_design(&w, d, norm2, level).unwrap();
    close(risk(lambda), excess);
    assert!(risk(0.99 * lambda) > excess && risk(1.01 * lambda) > excess);
    // Model-wise: the projected problem's own optimum.
    let found = optimal_ridge::model_wise(60, 45, 1.5, 0.2).unwrap();
    close(found.lambda, 45.0 * found.noise / found.energy);
}

#[test]
fn ranks_costs_and_verdicts() {
    let tail = Tail::new(&(0..20).map(|i| 0.5f64.powi(i)).collect::<Vec<_>>()).unwrap();
    assert_eq!(tail.benign(1e6, 1.0).unwrap(), None);
    assert_eq!(tail.effective_ranks(20), None);
    // Squares that vanish do not make the rank infinite.
    assert_eq!(Tail::new(&[1e-200; 25]).unwrap().effective_ranks(0).unwrap()[1].round(), 25.0);
    // Energies follow their eigenvalues in whatever order they come.
    let [sorted, mixed] = [([3.0, 2.0, 1.0], [0.1, 0.2, 0.3]), ([1.0, 3.0, 2.0], [0.3, 0.1, 0.2])]
        .map(|(values, energy)| Tail::new(&values).unwrap().ridge_bias(1, 5.0, 0.4, &energy).unwrap());
    assert_eq!(sorted, mixed);
    close(sorted, 2.0 * 0.2 + 0.3 + 0.1 / 3.0 * (3.4f64 / 5.0).powi(2));
    close(tail.benign_bias(2.0, 3.0).unwrap(), 3.0 * f64::sqrt(tail.effective_ranks(0).unwrap()[0] / 2.0));
    // Power laws: the cost of the spectrum cut at 2·10⁵ nears α; what the cut and n leave is of order n/D and 1/n.
    for alpha in [1.5, 2.0] {
        let spectrum = PopulationSpectrum::power_law(200_000, alpha).unwrap();
        let bounds = Tail::new(spectrum.values()).unwrap();
        let population = SpectralPopulation::new(spectrum, &vec![0.0; 200_000], 1.0).unwrap();
        let cost = population.at(200.0, 0.0).unwrap().cost;
        assert!((cost / Decay::Power(alpha).cost().unwrap() - 1.0).abs() < 0.04, "{cost}");
        let bound = (0..199).map(|k| bounds.cost_bound(k, 200.0).unwrap()).fold(f64::INFINITY, f64::min);
        assert!(cost <= bound && bound.is_finite(), "{cost} {bound}");
    }
    assert_eq!(Decay::Power(3.0).verdict().unwrap(), Verdict::Tempered);
    assert!(
        Verdict::of_limit(0.5).is_err()
            && Verdict::of_limit(f64::NAN).is_err()
            && Decay::Power(1.0).cost().is_err()
    );
    // Exponential decay: the cost grows without end.
    let cost = |n: f64| {
        let values: Vec<f64> = (0..600).map(|i| (-0.5 * f64::from(i)).exp()).collect();
        let population =
            SpectralPopulation::new(PopulationSpectrum::new(&values).unwrap(), &[0.0; 600], 1.0).unwrap();
        population.at(n, 0.0).unwrap().cost
    };
    assert!(cost(200.0) > 1.9 * cost(100.0) && cost(100.0) > 1.9 * cost(50.0));
}

/// Slopes of the theory itself between two numbers of samples.
#[test]
fn exponents_of_power_laws() {
    let (alpha, r) = (1.8, 0.4);
    let count = 100_000;
    let spectrum = PopulationSpectrum::power_law(count, alpha).unwrap();
    // v² = b ℓ = i^(−1−2αr).
    let energy = powers(count, alpha - 1.0 - 2.0 * alpha * r);
    let population = SpectralPopulation::new(spectrum, &energy, 1.0).unwrap();
    for s in [0.5, 1.0, best_penalty(alpha, r).unwrap().0, 5.0] {
        let at = |n: f64| population.at(n, n.powf(-s)).unwrap();
        let (few, many) = (at(300.0), at(1200.0));
        let slope = |a: f64, b: f64| (a / b).ln() / 4f64.ln();
        let expected = with_penalty(alpha, r, s).unwrap();
        assert!((slope(few.bias, many.bias) - expected.bias).abs() < 0.06, "{s}");
        assert!((slope(few.variance, many.variance) - expected.variance).abs() < 0.06, "{s}");
    }
    let (_, best) = best_penalty(alpha, r).unwrap();
    close(best.bias, best.variance);
    assert!(
        best_penalty(1.0, 0.5).is_err()
            && with_penalty(2.0, 0.0, 1.0).is_err()
            && with_penalty(2.0, 1.0, -1.0).is_err()
    );
}

/// A function of the caller's is integrated, refused or reported.
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
    // A linear activation: ridge on d features seen through N random ones. χ has lost its meaning.
    let linear = HermiteCoefficients::identity().mei_montanari([2.0, 3.0], 0.1).unwrap();
    assert!(linear.chi == 0.0 && linear.bias > 0.0 && linear.variance > 0.0);
}

/// An ensemble of one is the one; of two, between that and infinitely many. On both sides of `n = k`.
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

/// The best penalty of isotropic features is one: off it the risk is higher.
#[test]
fn the_best_isotropic_penalty_is_best() {
    for (gamma, r2, noise) in [(1.0, 1.7, 0.4), (3.0, 1.7, 0.4), (50.0, 1.0, 0.1)] {
        let (lambda, excess) = optimal_isotropic(gamma, r2, noise).unwrap();
        let at = |lambda| ridge::isotropic(gamma, lambda, r2, noise).unwrap().excess;
        close(at(lambda), excess);
        assert!(at(0.9 * lambda) > excess && at(1.1 * lambda) > excess);
    }
}

/// Power laws: the cost of a spectrum cut at 2·10⁵ nears `α`; what the cut and `n` leave is of order n/D and 1/n.
#[test]
fn the_cost_of_power_laws() {
    let alpha = 2.0;
    let values = powers(200_000, -alpha);
    let spectrum = PopulationSpectrum::new(&values).unwrap();
    let population = SpectralPopulation::new(spectrum, &vec![0.0; values.len()], 1.0).unwrap();
    let cost = population.at(200.0, 0.0).unwrap().cost;
    assert!((cost / power_law_cost(alpha).unwrap() - 1.0).abs() < 0.01, "{cost}");
}

#[test]
fn penalties_that_are_none_and_thresholds_with_unseen_features() {
    assert!(MarchenkoPastur::new(1.0).unwrap().resolvent(0.0).is_err());
    assert_eq!(gaussian::weak_features(20, 19, 0.5, 0.5, 0.1).unwrap(), f64::INFINITY);
}
