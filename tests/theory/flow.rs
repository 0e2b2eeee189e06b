//! Training time and other filters, and the spectral laws: identities between independent derivations.

use double_descent::Error;
use double_descent::theory::complex::Complex;
use double_descent::theory::filtered::{Descent, Flow, IteratedRidge, ResidualFactor};
use double_descent::theory::gradient_flow::{self, FeatureGroup};
use double_descent::theory::marchenko_pastur::MarchenkoPastur;
use double_descent::theory::ridge::SpectralPopulation;
use double_descent::theory::smallest_singular_value as smallest;
use double_descent::theory::spectrum::PopulationSpectrum;

#[track_caller]
fn within(what: &str, found: f64, expected: f64, relative: f64) {
    assert!(
        found == expected || (found / expected - 1.0).abs() <= relative,
        "{what}: {found:e}, not {expected:e}, off by {:e}",
        found / expected - 1.0
    );
}

fn population(values: &[f64], counts: &[f64], energy: &[f64]) -> SpectralPopulation {
    SpectralPopulation::new(PopulationSpectrum::with_multiplicities(values, counts).unwrap(), energy, 0.7)
        .unwrap()
}

/// Ridge is a filter like any other and also has its own formula: spectra of one and of several scales, on both sides
/// of the threshold and at it.
#[test]
fn ridge_by_contour() {
    let one = population(&[1.0], &[100.0], &[2.0]);
    let groups = population(&[1.0, 1e-3], &[50.0, 50.0], &[0.5, 1000.0]);
    let scales = population(&[1e6, 1.0, 1e-5, 0.0], &[3.0, 40.0, 57.0, 5.0], &[1e-6, 1.0, 1e4, 3.0]);
    for (name, population) in [("one", one), ("groups", groups), ("scales", scales)] {
        for n in [0.01, 30.0, 95.0, 100.0 * (1.0 - 1e-12), 100.0, 100.0 * (1.0 + 1e-12), 103.0, 150.0, 1e4] {
            for lambda in [1e-7, 1e-3, 0.2, 30.0] {
                let expected = population.at(n, lambda).unwrap();
                let found = population.filtered(n, &IteratedRidge::new(lambda, 1).unwrap()).unwrap();
                let what = format!("{name}, n = {n}, λ = {lambda}");
                within(&format!("bias of {what}"), found.bias, expected.bias, 1e-9);
                within(&format!("variance of {what}"), found.variance, expected.variance, 1e-9);
            }
        }
    }
}

/// Returns `∫ f dF` over `x > 0` of the Marchenko–Pastur law: a trapezoidal rule in the angle, accurate if `f` is a
/// polynomial.
fn law(gamma: f64, f: impl Fn(f64) -> f64) -> f64 {
    let nodes = 2000;
    let root = gamma.sqrt();
    let term = |i: u32| {
        let angle = std::f64::consts::PI * (f64::from(i) + 0.5) / f64::from(nodes);
        let x = (1.0 - root).powi(2) + 4.0 * root * (0.5 * angle).sin().powi(2);
        f(x) * angle.sin().powi(2) / x
    };
    2.0 / f64::from(nodes) * (0..nodes).map(term).sum::<f64>()
}

#[test]
fn flow_and_descent_on_isotropic_features() {
    for gamma in [1e-6, 0.3, 1.0 - 1e-12, 1.0, 1.0 + 1e-12, 1.0 + 1e-5, 3.0, 1e6] {
        let spectrum = PopulationSpectrum::with_multiplicities(&[2.0], &[gamma]).unwrap();
        let population = SpectralPopulation::new(spectrum, &[0.5], 0.7).unwrap();
        for t in [0.0, 1e-9, 1e-3, 1.0, 30.0, 1e4, 1e8, 1e30] {
            // An eigenvalue of 2 makes time run twice as fast, and its energy of ½ is one of 1 at eigenvalue 1.
            let expected = gradient_flow::isotropic(gamma, 2.0 * t, 1.0, 0.7).unwrap();
            let found = population.filtered(1.0, &Flow::new(t).unwrap()).unwrap();
            let what = format!("γ = {gamma}, t = {t}");
            if expected.bias > 1e-290 {
                within(&format!("bias, {what}"), found.bias, expected.bias, 1e-9);
            }
            within(&format!("variance, {what}"), found.variance, expected.variance, 1e-9);
        }
        // Step sizes below the largest stable one, 2/λ₊.
        let top = 2.0 * (1.0 + gamma.sqrt()).powi(2);
        for (share, steps) in [(0.1, 1), (0.1, 40), (0.97, 3), (0.97, 200), (1e-4, 10)] {
            if gamma == 1.0 + 1e-5 {
                // The lower edge is as far from 0 as the rule's nodes are apart: no value to compare with.
                continue;
            }
            let step = share * 2.0 / top;
            let factor = |x: f64| (1.0 - step * 2.0 * x).powi(steps);
            let atom = (1.0 - 1.0 / gamma).max(0.0);
            let bias = atom + law(gamma, |x| factor(x).powi(2));
            let variance = 0.7 * gamma * law(gamma, |x| (1.0 - factor(x)).powi(2) / x);
            let descent = Descent::new(step, steps.unsigned_abs()).unwrap();
            let found = population.filtered(1.0, &descent).unwrap();
            let what = format!("γ = {gamma}, {steps} steps of {share}");
            // The rule above is accurate to 1e-9 if the law's density has a singularity near 0.
            within(&format!("bias, {what}"), found.bias, bias, 1e-8);
            within(&format!("variance, {what}"), found.variance, variance, 1e-8);
        }
        let large = Descent::new(2.0 / top * (1.0 + 1e-9), 5).unwrap();
        assert!(matches!(population.filtered(1.0, &large), Err(Error::StepTooLarge { .. })));
    }
}

/// At time 0 the risk is the target's energy, at late times that of minimum-norm least squares, and with many samples a
/// sum of one curve per feature.
#[test]
fn flow_of_any_spectrum_at_its_ends() {
    let population = population(&[1.0, 1e-3], &[50.0, 50.0], &[0.5, 1000.0]);
    for n in [60.0, 150.0] {
        let start = population.filtered(n, &Flow::new(0.0).unwrap()).unwrap();
        assert_eq!((start.bias, start.variance), (1.5, 0.0));
        let (end, limit) =
            (population.filtered(n, &Flow::new(1e9).unwrap()).unwrap(), population.at(n, 0.0).unwrap());
        if limit.bias > 0.0 {
            within("bias", end.bias, limit.bias, 1e-9);
        }
        within("variance", end.variance, limit.variance, 1e-9);
    }
    let groups = [
        FeatureGroup { count: 50.0, variance: 1.0, energy: 0.01 },
        FeatureGroup { count: 50.0, variance: 0.001, energy: 20.0 },
    ];
    // The two differ by d/n = 1e-11 times the factor that flow gives it, so the contour's own error dominates.
    for t in [0.6, 20.0, 2000.0] {
        let expected = gradient_flow::excess(&groups, 1e13, 0.7, t).unwrap();
        let found = population.filtered(1e13, &Flow::new(t).unwrap()).unwrap().total();
        within("many samples", found, expected, 1e-9);
    }
}

/// Between two scales, whatever is learned slowly acts as noise on the rest: `(σ² + slow) n/(n − d) − σ²` in the limit;
/// finite sizes have `n − d − 1` instead of `n − d`. At `t = 200`, e^(−71) is left of the fast features, whose
/// eigenvalues are at least 0.178, and 2e-11 of the slow ones is learned.
#[test]
fn the_plateau_of_two_scales() {
    let (n, d, slow, noise) = (150, 50, 1.0, 0.7);
    let population = population(&[1.0, 1e-13], &[50.0, 50.0], &[0.5, 1e13]);
    let between = population.filtered(150.0, &Flow::new(200.0).unwrap()).unwrap().total();
    let (samples, features) = (150.0, 50.0);
    within("limit", between, (noise + slow) * samples / (samples - features) - noise, 1e-9);
    let plateau = gradient_flow::plateau(n, d, slow, noise).unwrap();
    let exact = (noise + slow) * (1.0 + features / (samples - features - 1.0)) - noise;
    within("exact", plateau, exact, 1e-14);
}

#[test]
fn a_second_descent_in_time() {
    // Heckel and Yilmaz's published setting with step size 0.1: a minimum at step 12, a maximum at 30, a minimum at
    // 491. Descent is flow with other rates: (1 − ηℓ)ᵏ is e^(−ℓ' ηk) with ℓ' = −ln(1 − ηℓ)/η. The turns of that flow
    // lie within one step of those of descent, whose excess agrees with the printed figures.
    let (n, noise, eta) = (10.0, 1.0, 0.1);
    let group = |variance: f64, bias: f64| FeatureGroup { count: 1.0, variance, energy: bias / variance };
    let of_set = |rate: &dyn Fn(f64) -> f64| {
        [(1.0f64, 0.45f64), (0.15, 3.0)].map(|(deviation, theta)| {
            let variance = deviation * deviation;
            group(rate(variance), variance * theta * theta)
        })
    };
    let groups = of_set(&|variance| variance);
    let disguised = of_set(&|variance| -(-eta * variance).ln_1p() / eta);
    let turns = gradient_flow::turns(&disguised, n, noise).unwrap();
    assert_eq!(turns.iter().map(|turn| turn.is_minimum).collect::<Vec<_>>(), [true, false, true]);
    for (turn, (steps, printed)) in turns.iter().zip([(12, 0.259_56), (30, 0.269_39), (491, 0.166_94)]) {
        assert!((turn.time / eta - f64::from(steps)).abs() < 1.0, "{turn:?}");
        let at = |steps: u32| gradient_flow::excess_of_descent(&groups, n, noise, eta, steps).unwrap();
        let sign = if turn.is_minimum { 1.0 } else { -1.0 };
        assert!(sign * at(steps) <= sign * at(steps - 1) && sign * at(steps) <= sign * at(steps + 1));
        assert!((at(steps) - printed).abs() <= 0.5e-5, "{} at {steps}", at(steps));
        assert!(sign * turn.excess <= sign * at(steps), "{turn:?}");
        let same = gradient_flow::excess(&disguised, n, noise, eta * f64::from(steps)).unwrap();
        within("in disguise", same, at(steps), 1e-12);
    }
    // Without noise no feature is ever overtrained; a single group has one minimum, its optimum.
    assert!(gradient_flow::turns(&groups, 10.0, 0.0).unwrap().is_empty());
    let one = gradient_flow::turns(&groups[1..], 10.0, 1.0).unwrap();
    let best = gradient_flow::optimum(&groups[1], 10.0, 1.0).unwrap();
    within("time", one[0].time, best.time, 1e-8);
    within("excess", one[0].excess, best.least, 1e-12);
    // Alternating steps: g = −1 after one step with η ℓ = 2.
    let fast = FeatureGroup { count: 50.0, variance: 1.0, energy: 0.01 };
    let found = gradient_flow::excess_of_descent(&[fast], 1.0, 1.0, 2.0, 1).unwrap();
    within("alternating", found, 50.0 * (0.01 + 4.0), 1e-14);
    assert!(gradient_flow::plateau(3, 4, 1.0, 1.0).is_err());
}

/// A caller's own residual factor is used like the crate's; its NaNs and panics become errors.
#[test]
fn residual_factors_of_the_callers() {
    #[derive(Debug)]
    struct Own(u8);
    impl ResidualFactor for Own {
        fn residual(&self, z: Complex) -> Complex {
            match self.0 {
                0 => (-z).exp(),
                1 => Complex::new(f64::NAN, 0.0),
                _ => panic!("not today"),
            }
        }
        fn rate(&self) -> f64 {
            if self.0 == 3 { f64::NAN } else { 1.0 }
        }
    }
    let population = population(&[1.0, 0.1], &[20.0, 30.0], &[1.0, 1.0]);
    let (own, flow) = (
        population.filtered(70.0, &Own(0)).unwrap(),
        population.filtered(70.0, &Flow::new(1.0).unwrap()).unwrap(),
    );
    within("own", own.total(), flow.total(), 1e-12);
    for which in [1, 2] {
        assert!(matches!(population.filtered(70.0, &Own(which)), Err(Error::UserCode { .. })));
    }
    assert!(matches!(population.filtered(70.0, &Own(3)), Err(Error::Domain { .. })));
    for n in [0.0, 1e-308, f64::NAN] {
        assert!(matches!(population.filtered(n, &Own(0)), Err(Error::Domain { .. })), "{n}");
    }
    for n in [1e-6, 1e-3, 1.0, 1e6, 1e300f64] {
        assert!(population.filtered(n, &Own(0)).unwrap().total().is_finite(), "{n}");
    }
    // With so many features per sample nothing is learned: the bias is the target, 1 + 0.1; the variance vanishes.
    for n in [1e-7, 1e-50, 1e-100f64] {
        let risk = population.filtered(n, &Own(0)).unwrap();
        within("target", risk.bias, 1.1, 1e-6);
        assert!(risk.variance < 1e-6, "{n}: {risk:?}");
    }
    for wrong in [-1.0, f64::NAN, f64::INFINITY] {
        assert!(
            Flow::new(wrong).is_err()
                && Descent::new(wrong, 3).is_err()
                && IteratedRidge::new(wrong, 1).is_err()
        );
        assert!(gradient_flow::isotropic(1.0, wrong, 1.0, 1.0).is_err());
        assert!(gradient_flow::against_ridge(wrong).is_err());
        let law = MarchenkoPastur::new(1.0).unwrap();
        assert!(
            law.laplace(wrong).is_err()
                && law.resolvent(wrong).is_err()
                && MarchenkoPastur::new(wrong).is_err()
        );
        assert!(smallest::square_cdf(3, wrong).is_err() && smallest::square_density(3, wrong).is_err());
    }
    // Nothing to learn from: a spectrum of zeros, or eigenvalues too far apart for one contour.
    let zeros = SpectralPopulation::new(PopulationSpectrum::new(&[0.0; 3]).unwrap(), &[1.0; 3], 1.0).unwrap();
    let found = zeros.filtered(5.0, &Own(0)).unwrap();
    assert_eq!((found.bias, found.variance), (0.0, 0.0));
    let apart =
        SpectralPopulation::new(PopulationSpectrum::new(&[1.0, 1e-250]).unwrap(), &[1.0; 2], 1.0).unwrap();
    assert!(matches!(apart.filtered(5.0, &Own(0)), Err(Error::Domain { .. })));
}

#[test]
fn laws_of_the_smallest_singular_value() {
    for n in [1, 2, 7, 40] {
        // The density is the slope of the distribution function, which grows from 0 to 1. The four-point difference
        // with h = x/200 has the error h⁴ f⁗/30, relative 2e-11 times x⁴ f⁗/f; that factor is 7 near 0 (f ∝ x^(−½)) and
        // below 50 where nx is 2. The function's own error of 1e-12 is amplified up to 600 times.
        for x in [0.01, 0.3, 2.0].map(|x| x / n as f64) {
            let h = x / 200.0;
            let rise = |by: f64| {
                smallest::square_cdf(n, x + by * h).unwrap() - smallest::square_cdf(n, x - by * h).unwrap()
            };
            let slope = (8.0 * rise(1.0) - rise(2.0)) / (12.0 * h);
            within("density", slope, smallest::square_density(n, x).unwrap(), 2e-9);
        }
        assert_eq!(smallest::square_cdf(n, 0.0).unwrap(), 0.0);
        within("all", smallest::square_cdf(n, 2000.0).unwrap(), 1.0, 1e-12);
        assert_eq!(smallest::square_density(n, 0.0).unwrap(), f64::INFINITY);
    }
    // Integrals of the density, in 40 digits. They deviate from the limit law by 0.25/n, 0.19/n and 0.05/n.
    for (t, thousand, more) in [
        (0.01, 0.099_650_721_566_555_9, 0.099_663_098_720_359_88),
        (0.5, 0.615_881_842_774_507_1, 0.615_939_777_730_669_4),
        (3.0, 0.960_476_832_230_943_8, 0.960_500_189_943_302_3),
    ] {
        let of = |n: usize| smallest::square_cdf(n, t / n as f64).unwrap();
        within("thousand rows", of(1000), thousand, 1e-10);
        within("two thousand rows", of(2000), more, 1e-10);
    }
    within("median", smallest::square_limit_cdf(smallest::square_limit_median()), 0.5, 1e-14);
    // E t = ∫ P(t > τ) dτ with τ = s², by Simpson's rule.
    let step = 0.005;
    let tail = |i: u32| {
        let s = step * f64::from(i);
        let weight = if i == 0 || i == 2400 { 1.0 } else { 2.0 + 2.0 * f64::from(i % 2) };
        weight * 2.0 * s * (-s - 0.5 * s * s).exp()
    };
    within("mean", smallest::square_limit_mean(), step / 3.0 * (0..=2400).map(tail).sum::<f64>(), 1e-9);
    assert_eq!(smallest::edges(9, 4), [1.0, 5.0]);
    assert_eq!(smallest::edges(5, 5)[0], 0.0);
    assert_eq!(smallest::mean_inverse_square(10, 14), Some(1.0 / 3.0));
    assert_eq!(
        [smallest::mean_inverse_square(5, 5), smallest::mean_inverse_square(0, 5)],
        [Some(f64::INFINITY), None]
    );
    // The leading term for small x, n² x²/8 − n(n−1) x²/12.
    within("small", smallest::three_more_cdf(10, 1e-140), (100.0 / 8.0 - 90.0 / 12.0) * 1e-280, 1e-12);
    assert_eq!([smallest::three_more_cdf(10, 1e3), smallest::three_more_cdf(0, 1.0)], [1.0, 0.0]);
    assert!(smallest::square_limit_cdf(f64::NAN).is_nan() && smallest::three_more_cdf(3, f64::NAN).is_nan());
    assert!(smallest::square_cdf(0, 1.0).is_err());
    // Quantiles at their ends, and for shapes without a known law.
    let quantile = |n, p, share| smallest::quantile(n, p, share).unwrap();
    assert_eq!([quantile(4, 7, 0.0), quantile(4, 5, 1.0)], [Some(0.0), Some(f64::INFINITY)]);
    assert_eq!([quantile(4, 6, 0.5), quantile(4, 40, 0.5)], [None, None]);
    assert_eq!(quantile(7, 4, 0.3), quantile(4, 7, 0.3));
    assert!(smallest::quantile(0, 3, 0.5).is_err() && smallest::quantile(3, 3, f64::NAN).is_err());
    within("limit", smallest::limit(4.0), smallest::edges(400, 100)[0] / 20.0, 1e-15);
}

#[test]
fn the_marchenko_pastur_law_at_its_ends() {
    for gamma in [1e-8, 0.3, 1.0 - 1e-12, 1.0, 1.0 + 1e-12, 2.5, 1e8] {
        let law = MarchenkoPastur::new(gamma).unwrap();
        let [low, high] = law.edges();
        assert_eq!([law.cdf(-1.0), law.cdf(1.1 * high), law.cdf(f64::INFINITY)], [0.0, 1.0, 1.0]);
        assert_eq!(law.cdf(0.0), law.atom());
        assert_eq!([law.density(0.9 * low), law.density(1.1 * high)], [0.0, 0.0]);
        assert!(law.cdf(f64::NAN).is_nan() && law.density(f64::NAN).is_nan());
        assert_eq!([law.moment(0), law.moment(1)], [1.0, 1.0]);
        // The total mass and the mean, by the law's own transform at 0.
        let [whole, mean] = law.laplace(0.0).unwrap();
        within("mass", whole, 1.0, 1e-12);
        within("mean", mean, 1.0, 1e-12);
        // ln(1 + x/ε) → x/ε for large ε, and the mean of x is 1.
        within("shannon", law.shannon(1e300).unwrap(), 1e-300, 1e-10);
    }
    assert_eq!(MarchenkoPastur::new(1.0).unwrap().inverse_moments(), [f64::INFINITY; 3]);
    // No loop over four billion terms, and infinity if the moment overflows.
    let most = |gamma| MarchenkoPastur::new(gamma).unwrap().moment(u32::MAX);
    assert_eq!(most(1.0), f64::INFINITY);
    assert!(most(1e-16) > 1.0 && most(1e-16).is_finite());
    within("few", most(1e-30), 1.0, 1e-10);
}

/// One group of variance `ℓ` and energy `θ²` turns where `e^{−ℓt} = (σ²/n) / (ℓθ² + σ²/n)`, at `t = ln(1 + n ℓθ²/σ²)/ℓ`.
/// `300/ℓ` overflows for the smallest variances.
#[test]
fn turns_of_the_smallest_variances_end() {
    for variance in [1.0, 1e-300, 1e-307] {
        let group = FeatureGroup { count: 1.0, variance, energy: 1.0 / variance };
        let found = gradient_flow::turns(&[group], 10.0, 1.0).unwrap();
        assert!(found.len() == 1 && found[0].is_minimum, "{found:?}");
        within("the time", found[0].time * variance, 11f64.ln(), 1e-8);
    }
    for variance in [1e-307, 5e-324, f64::MAX] {
        let group = FeatureGroup { count: 1.0, variance, energy: 0.0 };
        assert_eq!(gradient_flow::turns(&[group], 10.0, 1.0), Ok(Vec::new()));
    }
}
