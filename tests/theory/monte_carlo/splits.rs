//! The sources of the error of random features, and penalties: the best one, and negative ones.

use super::{Exact, Limits, mean, normal, three};
use double_descent::filter::{Ridge, SpectralFilter, Spectrum};
use double_descent::risk::{Covariance, Decomposition, Population};
use double_descent::rng::stream;
use double_descent::svd::Svd;
use double_descent::theory::optimal_ridge;
use double_descent::theory::random_features::RandomFeatureModel;
use double_descent::theory::ridge::SpectralPopulation;
use double_descent::theory::spectrum::PopulationSpectrum;
use ndarray::{Array1, Array2, Axis};

const NOISE: f64 = 0.4;

/// Variances of `p` features: 4 for a quarter of them, ½ for the rest.
fn variances(p: usize) -> Array1<f64> {
    Array1::from_shape_fn(p, |i| if 4 * i < p { 4.0 } else { 0.5 })
}

fn spectrum(p: usize) -> PopulationSpectrum {
    let p = p as f64;
    PopulationSpectrum::with_multiplicities(&[4.0, 0.5], &[0.25 * p, 0.75 * p]).unwrap()
}

/// Crossed draws of samples, label noise and features, split by the crate's own unbiased decomposition.
#[test]
fn splits_of_random_projections() {
    let sizes = [24usize, 48, 96];
    let repeats = [60, 20, 8];
    let parts = three(|i| {
        let n = sizes[i];
        let (p, k) = (2 * n, 3 * n / 2);
        let roots = variances(p).mapv(f64::sqrt);
        let beta = Array2::from_elem((p, 1), (1.0 / p as f64).sqrt());
        // One test point per feature: the mean over them is the expectation over all test points.
        let scale = &roots * (p as f64).sqrt();
        let truth = &scale * &beta.column(0);
        let filter = Ridge::new(0.05 * (n * k) as f64).unwrap();
        let draw = |repeat: usize| {
            let x =
                [0, 1, 2, 3, 4, 5].map(|set| normal(&mut stream(81, n, repeat * 10 + set), n, p) * &roots);
            let noise = [0, 1, 2, 3]
                .map(|noise| normal(&mut stream(82, n, repeat * 10 + noise), n, 1) * NOISE.sqrt());
            let weights = [0, 1, 2, 3, 4, 5].map(|seed| normal(&mut stream(83, n, repeat * 10 + seed), p, k));
            let svds = x.each_ref().map(|x| weights.each_ref().map(|w| Svd::new(&x.dot(w)).unwrap()));
            let split = Decomposition::of_fits([6, 4, 6], &truth, |set, level, seed| {
                let y = x[set].dot(&beta) + &noise[level];
                let fit = weights[seed].dot(&svds[set][seed].solve(&y, &filter)?);
                Ok(&scale * &fit.column(0))
            });
            let split = split.unwrap().sequential();
            [split.bias_squared, split.sampling, split.initialisation, split.noise].map(|part| part.value)
        };
        (0..repeats[i]).map(draw).collect::<Vec<_>>()
    });
    let theory = three(|i| {
        let n = sizes[i];
        let (p, k) = (2 * n, 3 * n / 2);
        // v² = ℓ β², summed over each group.
        let model = RandomFeatureModel::new(spectrum(p), &[4.0 * 0.25, 0.5 * 0.75], NOISE).unwrap();
        let split = model.at(n as f64, k as f64, 0.05 * n as f64).unwrap().split;
        [split.bias, split.sampling(), split.initialisation(), split.label_noise()]
    });
    let mut limits = Limits::default();
    for (part, name) in ["bias²", "sampling", "initialisation", "noise"].into_iter().enumerate() {
        let found = three(|i| mean(parts[i].iter().map(|parts| parts[part])));
        limits.add(name, found, three(|i| theory[i][part]));
    }
    limits.finish_under(0.1);
}

/// The best penalty of each design, from its risk in closed form, and of features that are a random projection of more
/// features.
#[test]
fn best_penalties_of_designs_and_of_projections() {
    let (p, n, norm2, level) = (30, 20, 1.4, 0.5);
    let mut table = Exact::default();
    for d in [8usize, 24] {
        let found = optimal_ridge::model_wise(p, d, norm2, level).unwrap();
        let theta = Array1::from_elem(p, f64::sqrt(norm2 / p as f64));
        let image = |repeat| Svd::new(&normal(&mut stream(87, d, repeat), d, p)).unwrap().vt().dot(&theta);
        let seen: Vec<f64> = (0..1000).map(image).map(|image| image.dot(&image)).collect();
        table.add(format!("energy, {d} of {p}"), mean(seen.iter().copied()), found.energy);
        table.add(format!("noise, {d} of {p}"), mean(seen.iter().map(|s| level + norm2 - s)), found.noise);
        // A teacher along each feature in turn gives the mean over directions.
        let teacher = Array2::eye(d) * (found.energy / d as f64).sqrt();
        let covariance = Covariance::isotropic(d, 1.0).unwrap();
        let population = Population::new(covariance, teacher, found.noise).unwrap();
        let mut sums = [0.0; 3];
        for repeat in 0..200 {
            let svd = Svd::new(&normal(&mut stream(88, d, repeat), n, d)).unwrap();
            let given = population.given(&svd).unwrap();
            let risk = |factor: f64| {
                let risk = given.of(&Ridge::new(factor * found.lambda).unwrap()).unwrap();
                d as f64 * risk.bias_squared + risk.variance
            };
            let squares: Vec<f64> = svd.singular_values().iter().map(|s| s * s).collect();
            let (lambda, excess) = optimal_ridge::of_design(&squares, d, found.energy, found.noise).unwrap();
            assert!((lambda / found.lambda - 1.0).abs() < 1e-12 && (excess / risk(1.0) - 1.0).abs() < 1e-10);
            sums.iter_mut().zip([0.5, 1.0, 2.0]).for_each(|(sum, factor)| *sum += risk(factor));
        }
        assert!(sums[1] < sums[0] && sums[1] < sums[2], "{sums:?}");
    }
    table.finish();
}

/// A target in the strong directions: the best penalty is negative.
#[test]
fn penalties_below_zero_and_the_best() {
    let sizes = [25usize, 50, 100];
    let repeats = [800, 250, 80];
    let population = |n: usize| {
        let p = 3 * n;
        SpectralPopulation::new(spectrum(p), &[1.0, 0.0], 0.02).unwrap()
    };
    let (best, _) = population(100).optimal(100.0).unwrap().unwrap();
    assert!(best < 0.0, "{best}");
    let lambdas = [0.0, 0.5 * best, 0.75 * best];
    // The excess at each penalty, averaged over the target's direction and the noise.
    let excess = |n: usize, repeat: usize| {
        let p = 3 * n;
        let all = variances(p);
        let x = normal(&mut stream(84, n, repeat), n, p) * all.mapv(f64::sqrt);
        let svd = Svd::new(&x).unwrap();
        let count = all.iter().filter(|value| **value > 1.0).count();
        let weights = Array1::from_shape_fn(p, |i| if i < count { 1.0 / count as f64 } else { 0.0 });
        lambdas.map(|lambda| {
            let gains = svd.singular_values().mapv(|s| s / (s * s + n as f64 * lambda));
            let map = (&svd.vt().t() * &gains).dot(&svd.u().t());
            let left = map.dot(&x) - &Array2::<f64>::eye(p);
            let bias = all.dot(&left.mapv(|v| v * v).dot(&weights));
            bias + 0.02 * all.dot(&map.mapv(|v| v * v).sum_axis(Axis(1)))
        })
    };
    let runs = three(|i| (0..repeats[i]).map(|repeat| excess(sizes[i], repeat)).collect::<Vec<_>>());
    let mut limits = Limits::default();
    for (at, lambda) in lambdas.into_iter().enumerate() {
        let found = three(|i| mean(runs[i].iter().map(|run| run[at])));
        let expected = three(|i| population(sizes[i]).at(sizes[i] as f64, lambda).unwrap().excess);
        limits.add(format!("λ = {lambda:.3}"), found, expected);
    }
    // A noisy target: the best penalty is positive, and other penalties are worse in the simulation too.
    let noisy = |n: usize| {
        let population = SpectralPopulation::new(spectrum(3 * n / 2), &[0.5, 0.5], 2.0).unwrap();
        population.optimal(n as f64).unwrap().unwrap()
    };
    // The excess at the best penalty, and at a third and three times of it.
    let of = |n: usize, count: usize| {
        let (p, lambda) = (3 * n / 2, noisy(n).0);
        let all = variances(p);
        let strong = all.iter().filter(|value| **value > 1.0).count();
        let weights = Array1::from_shape_fn(p, |i| {
            if i < strong { 0.5 / strong as f64 } else { 0.5 / (p - strong) as f64 }
        });
        let run = |repeat| {
            let x = normal(&mut stream(85, n, repeat), n, p) * all.mapv(f64::sqrt);
            let svd = Svd::new(&x).unwrap();
            let sigma = svd.singular_values().to_vec();
            [1.0, 0.3, 3.0].map(|factor| {
                let gains =
                    Ridge::new(factor * lambda * n as f64).unwrap().gains(Spectrum::new(n, p, &sigma));
                let map = (&svd.vt().t() * &gains).dot(&svd.u().t());
                let left = map.dot(&x) - &Array2::<f64>::eye(p);
                all.dot(&left.mapv(|v| v * v).dot(&weights))
                    + 2.0 * all.dot(&map.mapv(|v| v * v).sum_axis(Axis(1)))
            })
        };
        let runs: Vec<_> = (0..count).map(run).collect();
        [0, 1, 2].map(|at| mean(runs.iter().map(|run| run[at])))
    };
    let sizes = [16usize, 32, 64];
    let counts = [800, 250, 80];
    let here = three(|i| of(sizes[i], counts[i]));
    let of_best = three(|i| here[i][0]);
    limits.add("the best penalty of a noisy target", of_best, three(|i| noisy(sizes[i]).1.excess));
    // All penalties use the same designs, so common fluctuations cancel in the differences.
    for ([best, less, more], n) in here.into_iter().zip(sizes) {
        assert!(less.value > best.value && more.value > best.value, "{less:?} {best:?} {more:?} at {n}");
    }
    limits.finish();
}
