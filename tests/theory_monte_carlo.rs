//! The formulas of `theory` against simulations of the raw definitions, by the crate's own SVD.
//!
//! The error bar is the standard error of the repeats, and 4 of them are allowed. The formulas that are limits deviate
//! by a relative O(1/n) besides: 3/n is allowed, with n = 100 samples.

use double_descent::filter::{MinNorm, Ridge, SpectralFilter};
use double_descent::rng;
use double_descent::svd::Svd;
use double_descent::theory::gaussian;
use double_descent::theory::random_features::RandomFeatureModel;
use double_descent::theory::ridge::Population;
use double_descent::theory::spectrum::PopulationSpectrum;
use ndarray::{Array1, Array2, s};
use rand::RngExt;
use rand_distr::StandardNormal;

const SAMPLES: usize = 100;
const NOISE: f64 = 0.3;

fn normal(rng: &mut impl rand::Rng, rows: usize, columns: usize) -> Array2<f64> {
    Array2::from_shape_simple_fn((rows, columns), || rng.sample(StandardNormal))
}

fn fit(x: &Array2<f64>, y: &Array2<f64>, penalty: f64) -> Array2<f64> {
    let filter: Box<dyn SpectralFilter> =
        if penalty > 0.0 { Box::new(Ridge::new(penalty).unwrap()) } else { Box::new(MinNorm::default()) };
    Svd::new(x).unwrap().solve(y, &*filter).unwrap()
}

#[track_caller]
fn agree(what: &str, values: &[f64], expected: f64, relative: f64) {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (count - 1.0);
    let error = (variance / count).sqrt();
    assert!(
        (mean - expected).abs() <= 4.0 * error + relative * expected,
        "{what}: {mean} ± {error}, not {expected}"
    );
}

/// Two groups of features: variances 4 and 0.5 in training, 1 and 2 in the test.
fn groups() -> (Array1<f64>, Array1<f64>, Array1<f64>) {
    let pick = |a: f64, b: f64| Array1::from_iter((0..160).map(|i| if i < 40 { a } else { b }));
    (pick(4.0, 0.5), pick(1.0, 2.0), pick(0.1, 0.05))
}

fn risk(beta: &Array2<f64>, truth: &Array1<f64>, variances: &Array1<f64>) -> f64 {
    (&beta.column(0) - truth).mapv(|d| d * d).dot(variances)
}

#[test]
fn exact_designs() {
    for (n, p) in [(30, 12), (12, 30)] {
        let truth = Array1::from_elem(p, (1.5 / p as f64).sqrt());
        let ones = Array1::ones(p);
        let values: Vec<f64> = (0..3000)
            .map(|repeat| {
                let mut rng = rng::stream(11, p, repeat);
                let x = normal(&mut rng, n, p);
                let noise = normal(&mut rng, n, 1) * NOISE.sqrt();
                let y = x.dot(&truth).insert_axis(ndarray::Axis(1)) + noise;
                risk(&fit(&x, &y, 0.0), &truth, &ones)
            })
            .collect();
        agree("exact", &values, gaussian::excess(n, p, 1.5, NOISE).unwrap().total(), 0.0);
        // The spread of the repeats: a sample variance's own relative error is below 0.1 here.
        let mean = values.iter().sum::<f64>() / 3000.0;
        let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / 2999.0;
        let expected = gaussian::excess_variance(n, p, 1.5, NOISE).unwrap();
        assert!((variance / expected - 1.0).abs() < 0.3, "{variance} {expected}");
    }
}

#[test]
fn ridge_of_two_groups_another_test_and_subsamples() {
    let (train, test, truth) = groups();
    let spectrum = PopulationSpectrum::with_multiplicities(&[4.0, 0.5], &[40.0, 120.0]).unwrap();
    let population = Population::new(spectrum, &[0.4, 0.3], NOISE).unwrap();
    let n = SAMPLES as f64;
    for lambda in [0.0, 0.2] {
        let (mut same, mut other, mut bags) = (vec![], vec![], vec![]);
        for repeat in 0..150 {
            let mut rng = rng::stream(12, 0, repeat);
            let x = normal(&mut rng, SAMPLES, 160) * &train.mapv(f64::sqrt);
            let noise = normal(&mut rng, SAMPLES, 1) * NOISE.sqrt();
            let y = x.dot(&truth).insert_axis(ndarray::Axis(1)) + noise;
            let beta = fit(&x, &y, n * lambda);
            same.push(risk(&beta, &truth, &train));
            other.push(risk(&beta, &truth, &test));
            // Three subsamples of 50, without replacement: the first rows of a partial shuffle.
            let mut sum = Array2::zeros((160, 1));
            for _ in 0..3 {
                let mut rows: Vec<usize> = (0..SAMPLES).collect();
                for i in 0..50 {
                    let j = rng.random_range(i..SAMPLES);
                    rows.swap(i, j);
                }
                let (x, y) =
                    (x.select(ndarray::Axis(0), &rows[..50]), y.select(ndarray::Axis(0), &rows[..50]));
                sum += &fit(&x, &y, 50.0 * lambda);
            }
            bags.push(risk(&(sum / 3.0), &truth, &train));
        }
        agree("ridge", &same, population.at(n, lambda).unwrap().excess, 3.0 / n);
        agree("another test", &other, population.at_test(n, lambda, &[1.0, 2.0]).unwrap().excess, 3.0 / n);
        // Subsamples of 50: the limit's own error is twice as large.
        agree("subsamples", &bags, population.subsampled(n, 50.0, lambda, Some(3)).unwrap(), 6.0 / n);
    }
}

#[test]
fn random_projections_and_their_ensembles() {
    let (train, _, truth) = groups();
    // φ has variance 1 a coordinate: v = √ℓ β, and the energy of a group is Σ ℓ β².
    let spectrum = PopulationSpectrum::with_multiplicities(&[4.0, 0.5], &[40.0, 120.0]).unwrap();
    let kernel = RandomFeatureModel::new(spectrum, &[4.0 * 0.4, 0.5 * 0.3], NOISE).unwrap();
    let n = SAMPLES as f64;
    for (k, ridge) in [(60, 0.0), (140, 5.0)] {
        let (mut one, mut two) = (vec![], vec![]);
        for repeat in 0..150 {
            let mut rng = rng::stream(13, k, repeat);
            let x = normal(&mut rng, SAMPLES, 160) * &train.mapv(f64::sqrt);
            let noise = normal(&mut rng, SAMPLES, 1) * NOISE.sqrt();
            let y = x.dot(&truth).insert_axis(ndarray::Axis(1)) + noise;
            let mut members = Array2::zeros((160, 2));
            for member in 0..2 {
                let weights = normal(&mut rng, 160, k);
                let beta = weights.dot(&fit(&x.dot(&weights), &y, k as f64 * ridge));
                members.column_mut(member).assign(&beta.column(0));
            }
            one.push(risk(&members.slice(s![.., ..1]).to_owned(), &truth, &train));
            let mean = members.mean_axis(ndarray::Axis(1)).unwrap().insert_axis(ndarray::Axis(1));
            two.push(risk(&mean, &truth, &train));
        }
        let theory = kernel.at(n, k as f64, ridge).unwrap();
        // The smallest of n, k and |n − k| is 40.
        agree("one draw", &one, theory.excess, 3.0 / 40.0);
        agree("two draws", &two, theory.of_members(2).unwrap(), 3.0 / 40.0);
    }
}
