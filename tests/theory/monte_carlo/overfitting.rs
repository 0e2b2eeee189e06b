//! What overfitting costs: E₀, its limits and bounds, and the powers of n by which errors fall. Designs by their n × n Gram
//! matrices: features are many.

use super::{Exact, Limits, Mean, bound, mean, normal, three};
use double_descent::rng::stream;
use double_descent::svd::Svd;
use double_descent::theory::overfitting::{Decay, Tail, Verdict};
use double_descent::theory::power_law::{best_penalty, with_penalty};
use double_descent::theory::ridge::{SpectralPopulation, mean_noise};
use double_descent::theory::spectrum::PopulationSpectrum;
use double_descent::theory::{gaussian, noise};
use ndarray::{Array1, Array2};
use rand::RngExt;

/// Of ridge with penalty `λ` beside the mean of squares on one design of features of these variances: what the target
/// leaves, and what noise of variance 1 adds.
fn errors(
    seed: u64,
    (n, repeat): (usize, usize),
    variances: &Array1<f64>,
    beta: &Array1<f64>,
    lambda: f64,
) -> [f64; 2] {
    let x = normal(&mut stream(seed, n, repeat), n, variances.len()) * &variances.mapv(f64::sqrt);
    let gram = x.dot(&x.t()) + Array2::<f64>::eye(n) * (n as f64 * lambda);
    let inverse = Svd::new(&gram).unwrap().pseudoinverse().unwrap();
    let left = beta - &x.t().dot(&inverse.dot(&x.dot(beta)));
    let spread = (&x * variances).dot(&x.t());
    let noise = inverse.dot(&spread).dot(&inverse).diag().sum();
    [left.mapv(|v| v * v).dot(variances), noise]
}

/// `E₀ = 1 +` noise term, of minimum-norm fits without a target.
fn costs(seed: u64, n: usize, repeats: usize, values: &[f64]) -> Mean {
    let variances = Array1::from(values.to_vec());
    let none = Array1::zeros(values.len());
    mean((0..repeats).map(|repeat| 1.0 + errors(seed, (n, repeat), &variances, &none, 0.0)[1]))
}

fn cost_of(values: &[f64], n: usize) -> f64 {
    let spectrum = PopulationSpectrum::new(values).unwrap();
    SpectralPopulation::new(spectrum, &vec![0.0; values.len()], 1.0).unwrap().at(n as f64, 0.0).unwrap().cost
}

fn powers(count: usize, exponent: f64) -> Vec<f64> {
    (1..=count).map(|i| (i as f64).powf(exponent)).collect()
}

/// `i⁻¹ (ln i)⁻²` from i = 2 on.
fn logarithmic(count: usize) -> Vec<f64> {
    (2..count + 2).map(|i| 1.0 / (i as f64 * (i as f64).ln().powi(2))).collect()
}

/// The cost of a spectrum at one n, the limit α of power laws cut at `5n²`, and Zhou's bound.
#[test]
fn costs_of_overfitting() {
    let sizes = [20usize, 40, 80];
    let repeats = [400, 120, 40];
    let mut limits = Limits::default();
    let mut compare = |name: &str, seed: u64, values: &dyn Fn(usize) -> Vec<f64>, limit: Option<f64>| {
        let spectra = three(|i| values(sizes[i]));
        let found = three(|i| costs(seed, sizes[i], repeats[i], &spectra[i]));
        for i in 0..3 {
            let tail = Tail::new(&spectra[i]).unwrap();
            let n = sizes[i] as f64;
            let bounds = (0..sizes[i]).map(|k| tail.cost_bound(k, n).unwrap());
            let bound = bounds.fold(f64::INFINITY, f64::min);
            assert!(found[i].value <= bound, "{name}: {found:?} over {bound}");
        }
        let expected = limit.map_or_else(|| three(|i| cost_of(&spectra[i], sizes[i])), |limit| [limit; 3]);
        limits.add(name, found, expected);
        found
    };
    compare("i^−1.5 of 8n features", 93, &|n| powers(8 * n, -1.5), None);
    let slow = compare("i⁻¹ (ln i)⁻² of 8n features", 94, &|n| logarithmic(8 * n), None);
    let groups = |n: usize| (0..6 * n).map(|i| if i < n / 2 { 20.0 } else { 1.0 }).collect::<Vec<f64>>();
    compare("two groups", 95, &groups, None);
    let square = Decay::Power(2.0);
    let tempered =
        compare("i⁻² of 5n² features", 96, &|n| powers(5 * n * n, -2.0), Some(square.cost().unwrap()));
    // Exponential: the cost grows with n, for ever; a half more each time n doubles, at the least.
    let fast = three(|i| {
        let values: Vec<f64> = (0..1000).map(|i| (-0.1 * f64::from(i)).exp()).collect();
        costs(97, sizes[i], repeats[i], &values)
    });
    for pair in fast.windows(2) {
        assert!(
            pair[1].value - 4.0 * pair[1].error > 1.5 * (pair[0].value + 4.0 * pair[0].error),
            "{fast:?}"
        );
    }
    assert_eq!(Decay::Exponential(0.1).verdict().unwrap(), Verdict::Catastrophic);
    // Tempered stays about its limit; logarithmic is below it and nears 1, where it is benign.
    assert_eq!(square.verdict().unwrap(), Verdict::Tempered);
    assert_eq!(Decay::Logarithmic(2.0).verdict().unwrap(), Verdict::Benign);
    assert!((tempered[2].value / tempered[0].value - 1.0).abs() < 0.2, "{tempered:?}");
    assert!(slow[2].value < 0.9 * tempered[2].value, "{slow:?}");
    limits.finish();
}

/// Proxies are known up to constants: measured noise terms are within a factor 2 of them, whatever the spectrum.
#[test]
fn benign_overfitting_up_to_constants() {
    let n = 50;
    for (name, values, repeats) in [
        ("a power", powers(2000, -1.2), 60),
        ("i⁻¹ (ln i)⁻²", logarithmic(2000), 60),
        ("spikes", (0..1000).map(|i| if i < 5 { 100.0 } else { 1.0 }).collect(), 60),
        ("isotropic", vec![1.0; 500], 60),
    ] {
        let tail = Tail::new(&values).unwrap();
        let (k, proxy) = tail.benign(n as f64, 1.0).unwrap().unwrap();
        let noise = costs(98, n, repeats, &values).value - 1.0;
        assert!((0.5..2.0).contains(&(noise / proxy)), "{name}: {noise} beside {proxy}");
        let ridge = tail.ridge_noise(k, n as f64, 0.0).unwrap();
        assert!((0.5..2.0).contains(&(noise / ridge)), "{name}: {noise} beside {ridge}");
        // What a target leaves of itself, θ² = 1/i.
        let energy = powers(values.len(), -1.0);
        let (variances, beta) = (Array1::from(values), Array1::from(energy.clone()).mapv(f64::sqrt));
        let bias = mean((0..20).map(|repeat| errors(98, (n, repeat), &variances, &beta, 0.0)[0])).value;
        let ridge = tail.ridge_bias(k, n as f64, 0.0, &energy).unwrap();
        println!("{name}: noise {noise:.3} beside {proxy:.3}, bias {bias:.3} beside {ridge:.3}");
        assert!((0.25..4.0).contains(&(bias / ridge)), "{name}: {bias} beside {ridge}");
        assert!(bias <= tail.benign_bias(n as f64, energy.iter().sum()).unwrap(), "{name}: {bias}");
    }
}

/// Powers of n: the fixed point of each size is what is measured, and its slope over a factor 8 of n nears the exponent.
#[test]
fn exponents_of_power_laws() {
    let (alpha, r) = (1.8, 0.4);
    let count = 3000;
    let variances = powers(count, -alpha);
    // v² = b ℓ = i^(−1−2αr).
    let energy = powers(count, alpha - 1.0 - 2.0 * alpha * r);
    let beta = Array1::from(energy.clone()).mapv(f64::sqrt);
    let population =
        SpectralPopulation::new(PopulationSpectrum::new(&variances).unwrap(), &energy, 1.0).unwrap();
    let variances = Array1::from(variances);
    let sizes = [32usize, 64, 128];
    let repeats = [400, 120, 40];
    let mut limits = Limits::default();
    for s in [0.5, best_penalty(alpha, r).unwrap().0] {
        let at = |n: usize| {
            let n = n as f64;
            (population.at(n, n.powf(-s)).unwrap(), n.powf(-s))
        };
        let runs = three(|i| {
            let (n, lambda) = (sizes[i], at(sizes[i]).1);
            let run = |repeat| errors(99, (n, repeat), &variances, &beta, lambda);
            (0..repeats[i]).map(run).collect::<Vec<_>>()
        });
        let expected = three(|i| at(sizes[i]).0);
        for (part, name) in ["bias", "variance"].into_iter().enumerate() {
            let of = |i: usize| [expected[i].bias, expected[i].variance][part];
            let found = three(|i| mean(runs[i].iter().map(|run| run[part])));
            limits.add(format!("{name}, λ = n^−{s:.3}"), found, three(of));
            // The measured slope over the factor 4, and its bar.
            let slope = (found[0].value / found[2].value).ln() / 4f64.ln();
            let bar = (found[0].error / found[0].value).hypot(found[2].error / found[2].value) / 4f64.ln();
            let exponents = with_penalty(alpha, r, s).unwrap();
            let exponent = [exponents.bias, exponents.variance][part];
            println!("{name}, s = {s:.3}: slope {slope:.4} ± {bar:.4}, exponent {exponent:.4}");
            assert!(
                (slope - exponent).abs() <= 0.1 + bound(4) * bar,
                "{name}: {slope} ± {bar}, not {exponent}"
            );
        }
    }
    limits.finish_under(0.2);
    // The slopes of the fixed point itself, of a spectrum that is cut far beyond n.
    let count = 200_000;
    let spectrum = PopulationSpectrum::power_law(count, alpha).unwrap();
    let energy = powers(count, alpha - 1.0 - 2.0 * alpha * r);
    let population = SpectralPopulation::new(spectrum, &energy, 1.0).unwrap();
    for s in [0.5, best_penalty(alpha, r).unwrap().0] {
        let exponents = with_penalty(alpha, r, s).unwrap();
        let off = [32.0, 256.0, 2048.0].map(|n: f64| {
            let at = |n: f64| population.at(n, n.powf(-s)).unwrap();
            let (few, many) = (at(n), at(8.0 * n));
            let slope = |few: f64, many: f64| (few / many).ln() / 8f64.ln();
            let bias = slope(few.bias, many.bias) - exponents.bias;
            [bias, slope(few.variance, many.variance) - exponents.variance]
        });
        println!("λ = n^−{s:.3}: slopes of bias and variance are off by {off:?}");
        for part in 0..2 {
            let off = off.map(|off| off[part].abs());
            assert!(off[1] < 0.6 * off[0] && off[2] < 0.6 * off[1] && off[2] < 0.02, "{off:?}");
        }
    }
}

/// No law of the features has less than the bound, and noise of many levels counts as its mean.
#[test]
fn noise_terms_that_are_bounded_or_averaged() {
    let term =
        |x: &Array2<f64>| Svd::new(x).unwrap().singular_values().iter().map(|s| s.powi(-2)).sum::<f64>();
    // Independent entries of variance 1: uniform, and exponential less its mean.
    for (n, p) in [(20, 8), (8, 20), (12, 11)] {
        for skewed in [false, true] {
            let run = |repeat| {
                let mut rng = stream(100 + u64::from(skewed), n, repeat);
                let entry = || {
                    let u: f64 = rng.random();
                    if skewed { -u.ln() - 1.0 } else { 12f64.sqrt() * (u - 0.5) }
                };
                term(&Array2::from_shape_simple_fn((n, p), entry))
            };
            let (found, lower) = (mean((0..400).map(run)), noise::lower_bound(n, p));
            assert!(found.value >= lower, "{skewed}, {n} × {p}: {found:?} under {lower}");
        }
    }
    let mut table = Exact::default();
    for (n, p) in [(40, 10), (10, 40)] {
        let levels: Vec<f64> = (0..n).map(|i| if i % 2 == 0 { 0.1 } else { 1.9 }).collect();
        let run = |repeat| {
            let mut rng = stream(103, p, repeat);
            let x = normal(&mut rng, n, p);
            let e =
                normal(&mut rng, n, 1).column(0).to_owned() * Array1::from(levels.clone()).mapv(f64::sqrt);
            let fit = Svd::new(&x).unwrap().pseudoinverse().unwrap().dot(&e);
            fit.dot(&fit)
        };
        let expected = gaussian::excess(n, p, 0.0, mean_noise(&levels).unwrap()).unwrap().total();
        table.add(format!("noise of two levels, {n} × {p}"), mean((0..4000).map(run)), expected);
    }
    table.finish();
}
