//! What overfitting costs: E₀, its limits and bounds, and the powers of n by which errors decay. Designs enter by their
//! n × n Gram matrices, as there are many features.

use super::{Exact, Limits, Mean, bound, mean, normal, three};
use double_descent::nested::noise::{Root, sample_terms};
use double_descent::rng::stream;
use double_descent::svd::Svd;
use double_descent::theory::overfitting::{Decay, Tail, Verdict};
use double_descent::theory::power_law::best_penalty;
use double_descent::theory::ridge::{SpectralPopulation, mean_noise};
use double_descent::theory::spectrum::PopulationSpectrum;
use double_descent::theory::{gaussian, noise};
use ndarray::{Array1, Array2};
use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use rand_distr::StandardNormal;

/// One design of features with the given variances, fitted by ridge with penalties `λ` added to a mean of squares.
/// Returns, for each, the error from the unlearned part of the target, and from noise of variance 1.
fn errors<const L: usize>(
    seed: u64,
    (n, repeat): (usize, usize),
    variances: &Array1<f64>,
    beta: &Array1<f64>,
    lambdas: [f64; L],
) -> [[f64; 2]; L] {
    let x = normal(&mut stream(seed, n, repeat), n, variances.len()) * &variances.mapv(f64::sqrt);
    let gram = x.dot(&x.t());
    let spread = (&x * variances).dot(&x.t());
    lambdas.map(|lambda| {
        let shifted = &gram + Array2::<f64>::eye(n) * (n as f64 * lambda);
        let inverse = Svd::new(&shifted).unwrap().pseudoinverse().unwrap();
        let left = beta - &x.t().dot(&inverse.dot(&x.dot(beta)));
        let noise = inverse.dot(&spread).dot(&inverse).diag().sum();
        [left.mapv(|v| v * v).dot(variances), noise]
    })
}

/// Returns `E₀ = 1 +` noise term, for minimum-norm fits without a target.
fn costs(seed: u64, n: usize, repeats: usize, values: &[f64]) -> Mean {
    let variances = Array1::from(values.to_vec());
    let none = Array1::zeros(values.len());
    mean((0..repeats).map(|repeat| 1.0 + errors(seed, (n, repeat), &variances, &none, [0.0])[0][1]))
}

fn cost_of(values: &[f64], n: usize) -> f64 {
    let spectrum = PopulationSpectrum::new(values).unwrap();
    SpectralPopulation::new(spectrum, &vec![0.0; values.len()], 1.0).unwrap().at(n as f64, 0.0).unwrap().cost
}

fn powers(count: usize, exponent: f64) -> Vec<f64> {
    (1..=count).map(|i| (i as f64).powf(exponent)).collect()
}

/// Returns `i⁻¹ (ln i)⁻²` from i = 2 on.
fn logarithmic(count: usize) -> Vec<f64> {
    (2..count + 2).map(|i| 1.0 / (i as f64 * (i as f64).ln().powi(2))).collect()
}

/// The cost of a spectrum at one n, the limit α of power laws cut off at `5n²`, and Zhou's bound.
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
    // Exponential: the cost grows with n without limit. The fixed point has cost 0.1 n, except for a term from before
    // the first eigenvalue. Finite sizes deviate from it by a relative 1/(n − df₂), 0.1 at every n, of which only the
    // difference enters the ratio of two sizes: the ratio is above 1.5.
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
    // Tempered costs more than benign, as do the fixed points with which `limits` compares both.
    assert_eq!(Decay::Power(2.0).verdict().unwrap(), Verdict::Tempered);
    let apart = tempered[2].value - slow[2].value;
    assert!(apart > bound(1) * tempered[2].error.hypot(slow[2].error), "{slow:?} {tempered:?}");
    limits.finish();
}

/// The eigenvalues of a population, given the number of samples.
type Values = fn(usize) -> Vec<f64>;

/// Spectra with benign overfitting, of sizes that grow with n, so that all ranks do. The noise term, and the unlearned
/// part of a target with energies `1/i`, are those of the fixed point, which satisfies the bounds with constants
/// (`formulas::ranks`).
#[test]
fn benign_overfitting() {
    let sizes = [20usize, 40, 80];
    let repeats = [300, 100, 30];
    let mut limits = Limits::default();
    let spectra: [(&str, Values); 4] = [
        ("a power", |n| powers(20 * n, -1.2)),
        ("i⁻¹ (ln i)⁻²", |n| logarithmic(20 * n)),
        ("spikes", |n| (0..20 * n).map(|i| if 10 * i < n { 100.0 } else { 1.0 }).collect()),
        ("isotropic", |n| vec![1.0; 10 * n]),
    ];
    for (seed, (name, values)) in (200..).zip(spectra) {
        let of = three(|i| {
            let values = values(sizes[i]);
            let energy = powers(values.len(), -1.0);
            let (variances, beta) =
                (Array1::from(values.clone()), Array1::from(energy.clone()).mapv(f64::sqrt));
            let run = |repeat| errors(seed, (sizes[i], repeat), &variances, &beta, [0.0])[0];
            let runs = (0..repeats[i]).map(run).collect::<Vec<_>>();
            let population =
                SpectralPopulation::new(PopulationSpectrum::new(&values).unwrap(), &energy, 1.0).unwrap();
            (runs, population.at(sizes[i] as f64, 0.0).unwrap())
        });
        for part in 0..2 {
            let found = three(|i| mean(of[i].0.iter().map(|run| run[part])));
            let expected = three(|i| [of[i].1.bias, of[i].1.variance][part]);
            limits.add(format!("{name}, {}", ["bias", "noise term"][part]), found, expected);
        }
    }
    limits.finish_under(0.2);
}

/// Powers of n: measured errors at each size are those of the fixed point. Its exponents follow in closed form
/// (`formulas::power_laws`).
#[test]
fn power_laws_with_penalties() {
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
    let exponents = [0.5, best_penalty(alpha, r).unwrap().0];
    let lambdas = sizes.map(|n| exponents.map(|s| (n as f64).powf(-s)));
    let runs = three(|i| {
        let run = |repeat| errors(99, (sizes[i], repeat), &variances, &beta, lambdas[i]);
        (0..repeats[i]).map(run).collect::<Vec<_>>()
    });
    for (at, s) in exponents.into_iter().enumerate() {
        let expected = three(|i| population.at(sizes[i] as f64, lambdas[i][at]).unwrap());
        for (part, name) in ["bias", "variance"].into_iter().enumerate() {
            let of = |i: usize| [expected[i].bias, expected[i].variance][part];
            let found = three(|i| mean(runs[i].iter().map(|run| run[at][part])));
            limits.add(format!("{name}, λ = n^−{s:.3}"), found, three(of));
        }
    }
    limits.finish_under(0.2);
}

/// No distribution of the features goes below the lower bound: independent entries of variance 1, uniform or
/// exponential with their mean subtracted, and rows on the sphere, for which the noise term is known above the
/// threshold. Computed by the engine that gives every size at once.
#[test]
fn noise_terms_of_other_laws() {
    const P: usize = 14;
    const MOST: usize = 40;
    let entry = |law: usize, rng: &mut ChaCha8Rng| match law {
        0 => 12f64.sqrt() * (rng.random::<f64>() - 0.5),
        1 => -rng.random::<f64>().ln() - 1.0,
        _ => rng.sample(StandardNormal),
    };
    let mut table = Exact::default();
    let mut scores = Vec::new();
    for (law, name) in ["uniform", "exponential", "sphere"].into_iter().enumerate() {
        let run = |repeat| {
            let mut rng = stream(104 + law as u64, P, repeat);
            let mut x = Array2::from_shape_simple_fn((MOST, P), || entry(law, &mut rng));
            if name == "sphere" {
                for mut row in x.rows_mut() {
                    let length = row.dot(&row).sqrt();
                    row *= (P as f64).sqrt() / length;
                }
            }
            sample_terms(&[x.view()], &[&Root::identity()]).unwrap().remove(0)
        };
        let runs: Vec<_> = (0..1500).map(run).collect();
        for n in (2..=MOST).filter(|n| n.abs_diff(P) > 4) {
            let found = mean(runs.iter().map(|terms| terms[n - 1].noise));
            scores.push((name, n, (noise::lower_bound(n, P) - found.value) / found.error));
            if let Some(expected) = noise::sphere(n, P).filter(|_| name == "sphere") {
                table.add(format!("sphere, n = {n}"), found, expected);
            }
        }
    }
    let limit = bound(scores.len());
    for (name, n, z) in scores {
        assert!(z <= limit, "{name}, n = {n}: {z:.1} errors under the bound");
    }
    table.finish();
}

/// Noise with several levels counts as its mean.
#[test]
fn noise_of_two_levels() {
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
