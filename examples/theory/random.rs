//! Formulas of random features.

use super::family::{ENERGY, Family, Line, NOISE, Plan, every, floats, noise, normal, on_sphere, spread};
use double_descent::Error;
use double_descent::ensemble::Ensemble;
use double_descent::filter::MinNorm;
use double_descent::nested::{Test, feature_curve};
use double_descent::risk::Compressed;
use double_descent::svd::Svd;
use double_descent::theory::activation::HermiteCoefficients;
use double_descent::theory::line::TheoryLine;
use double_descent::theory::random_features::RandomFeatureModel;
use double_descent::theory::spectrum::PopulationSpectrum;
use ndarray::{Array1, Array2, s};

/// Members of the ensembles that are fitted.
const MEMBERS: usize = 3;
/// Test rows of random networks.
const TEST: usize = 400;

/// Random projections of features with a spectrum `i^−1.2`, and ensembles of them, over the number of projections.
pub fn projections(plan: &Plan) -> Result<Family, Error> {
    let (n, d, most) = (2 * plan.size, 8 * plan.size, 8 * plan.size);
    let eigenvalues: Array1<f64> = (1..=d).map(|i| (i as f64).powf(-1.2)).collect();
    let target = eigenvalues.mapv(|value| (ENERGY * value / eigenvalues.sum()).sqrt());
    let sizes = spread(n / 8, most, 14, n, n / 4);
    let roots = eigenvalues.mapv(f64::sqrt);
    // One test row for each mode, √d times it: their mean is the expectation over all test points.
    let scale = (d as f64).sqrt();
    let truth = (&target * scale).insert_axis(ndarray::Axis(1));
    let measured = plan.simulate(|rng| {
        let modes = normal(rng, n, d);
        let y = modes.dot(&target).insert_axis(ndarray::Axis(1)) + noise(rng, n);
        let mut predictions: Vec<Vec<Array2<f64>>> = vec![Vec::new(); sizes.len()];
        for _ in 0..MEMBERS {
            let weights = normal(rng, most, d) * &roots;
            let (x, test) = (modes.dot(&weights.t()), weights.t().to_owned() * scale);
            for (predictions, &k) in predictions.iter_mut().zip(&sizes) {
                let fit = Svd::new(&x.slice(s![.., ..k]))?.solve(&y, &MinNorm::default())?;
                predictions.push(test.slice(s![.., ..k]).dot(&fit));
            }
        }
        let (mut one, mut limit) = (Vec::new(), Vec::new());
        for predictions in &predictions {
            let ensemble = Ensemble::new(predictions, &truth)?;
            one.push(ensemble.error(1)?);
            limit.push(ensemble.limit());
        }
        one.extend(limit);
        Ok(one)
    })?;
    let energies: Vec<f64> = target.iter().map(|v| v * v).collect();
    let model = RandomFeatureModel::new(PopulationSpectrum::new(&eigenvalues.to_vec())?, &energies, NOISE)?;
    let mut family =
        Family::new(plan, "Random projections and their ensembles", "Projections k", "Excess test error");
    family.marker = Some((n as f64, "k = n"));
    let lines =
        [("One fit", "Bach 2024; Simon et al. 2023"), ("Mean of infinitely many", "Ruben et al. 2024")];
    for (i, (name, reference)) in lines.into_iter().enumerate() {
        let model = model.clone();
        let theory = TheoryLine::new("Limit", reference, move |k| {
            let risk = model.at(n as f64, k, 0.0)?;
            Ok(if i == 0 { risk.excess } else { risk.ensemble })
        });
        let axis = every(n / 8, most);
        family.lines.push(Line::new(name, theory, axis, (&floats(&sizes), i * sizes.len()), &measured)?);
    }
    Ok(family)
}

/// The hidden layer of a random network, tanh of inputs and weights on spheres, over the number of neurons.
pub fn activation(plan: &Plan) -> Result<Family, Error> {
    let d = 2 * plan.size;
    let (n, most) = (2 * d, 8 * d);
    let sizes = spread(n / 8, most, 14, n, n / 4);
    let beta = Array2::from_elem((d, 1), (ENERGY / d as f64).sqrt());
    let measured = plan.simulate(|rng| {
        let (train, test, weights) = (on_sphere(rng, n, d), on_sphere(rng, TEST, d), on_sphere(rng, most, d));
        let features = |x: &Array2<f64>| (x.dot(&weights.t()) / (d as f64).sqrt()).mapv(f64::tanh);
        let y = train.dot(&beta) + noise(rng, n);
        let table = Compressed::new(&features(&test), &test.dot(&beta))?;
        let curve = feature_curve(&features(&train), &y, Test::Rows(&table))?;
        Ok(sizes.iter().map(|&k| curve[k - 1].test_mse.unwrap_or(f64::NAN)).collect())
    })?;
    let theory = TheoryLine::new("Limit", "Mei and Montanari 2022", move |k| {
        let ratios = [k / d as f64, n as f64 / d as f64];
        Ok(HermiteCoefficients::tanh().random_features(ratios, 0.0, [ENERGY, 0.0], NOISE)?.excess)
    });
    let mut family = Family::new(plan, "Random features of a tanh network", "Neurons N", "Excess test error");
    family.marker = Some((n as f64, "N = n"));
    family.lines =
        vec![Line::new("Minimum norm", theory, every(n / 8, most), (&floats(&sizes), 0), &measured)?];
    Ok(family)
}
