//! Formulas for random features.

use super::family::{ENERGY, Family, Line, NOISE, Plan, every, floats, noise, normal, on_sphere, spread};
use double_descent::Error;
use double_descent::ensemble::Ensemble;
use double_descent::features::StationaryKernel;
use double_descent::filter::{MinNorm, Ridge};
use double_descent::kernel::Kernel;
use double_descent::nested::{Test, feature_curve};
use double_descent::risk::{Compressed, Decomposition};
use double_descent::svd::Svd;
use double_descent::theory::activation::HermiteCoefficients;
use double_descent::theory::drawn_features::DrawnFeatures;
use double_descent::theory::line::TheoryLine;
use double_descent::theory::random_features::{RandomFeatureModel, VarianceSplit};
use double_descent::theory::spectrum::PopulationSpectrum;
use ndarray::{Array1, Array2, s};

/// The number of members in the fitted ensembles.
const MEMBERS: usize = 3;
/// The number of test rows for random networks.
const TEST: usize = 400;

/// Random projections of features with a spectrum `i^−1.2`, and ensembles of such projections, over the number of
/// projections.
pub fn projections(plan: &Plan) -> Result<Family, Error> {
    let (n, d, most) = (2 * plan.size, 8 * plan.size, 8 * plan.size);
    let eigenvalues: Array1<f64> = (1..=d).map(|i| (i as f64).powf(-1.2)).collect();
    let target = eigenvalues.mapv(|value| (ENERGY * value / eigenvalues.sum()).sqrt());
    let sizes = spread(n / 8, most, 14, n, n / 4);
    let roots = eigenvalues.mapv(f64::sqrt);
    // One test row per mode, scaled by √d: their mean is the expectation over all test points.
    let scale = (d as f64).sqrt();
    let truth = (&target * scale).insert_axis(ndarray::Axis(1));
    let measured = plan.simulate(&|rng| {
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
    let measured = plan.simulate(&|rng| {
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

/// One part of a decomposition.
type Part = fn(&VarianceSplit) -> f64;

/// The sources of the error of random projections, from crossed draws.
pub fn split(plan: &Plan) -> Result<Family, Error> {
    let n = plan.size;
    let d = 2 * n;
    let sizes = spread(n / 4, 4 * n, 8, n, 0);
    let ridge = 0.02 * n as f64;
    let beta = Array2::from_elem((d, 1), (ENERGY / d as f64).sqrt());
    let scale = (d as f64).sqrt();
    let truth = beta.column(0).mapv(|b| b * scale);
    let measured = plan.simulate(&|rng| {
        // Draw samples, noise and features, with a block of rows for each.
        let mut several =
            |rows: usize, columns: usize| (0..4).map(|_| normal(rng, rows, columns)).collect::<Vec<_>>();
        let (x, e, weights) = (several(n, d), several(n, 1), several(sizes[sizes.len() - 1], d));
        let mut found = vec![Vec::new(); 4];
        for &k in &sizes {
            let split = Decomposition::of_fits([4, 4, 4], &truth, |set, draw, seed| {
                let weights = weights[seed].slice(s![..k, ..]);
                let y = x[set].dot(&beta) + &e[draw] * NOISE.sqrt();
                let fit = Svd::new(&x[set].dot(&weights.t()))?.solve(&y, &Ridge::new(k as f64 * ridge)?)?;
                Ok(weights.t().dot(&fit).column(0).mapv(|b| b * scale))
            })?;
            let split = split.sequential();
            let parts = [split.bias_squared, split.sampling, split.initialisation, split.noise];
            found.iter_mut().zip(parts).for_each(|(found, part)| found.push(part.value));
        }
        Ok(found.concat())
    })?;
    let spectrum = PopulationSpectrum::with_multiplicities(&[1.0], &[d as f64])?;
    let model = RandomFeatureModel::new(spectrum, &[ENERGY], NOISE)?;
    let mut family = Family::new(
        plan,
        "Random projections: where the error comes from",
        "Projections k",
        "Part of the excess",
    );
    family.marker = Some((n as f64, "k = n"));
    family.y.1 = false;
    let parts: [(&str, Part); 4] = [
        ("Bias²", |split| split.bias),
        ("Samples", VarianceSplit::sampling),
        ("Features", VarianceSplit::initialisation),
        ("Label noise", VarianceSplit::label_noise),
    ];
    for (i, (name, part)) in parts.into_iter().enumerate() {
        let model = model.clone();
        let label = format!("Limit, {}", name.to_lowercase());
        let theory = TheoryLine::new(label, "Adlam and Pennington 2020", move |k| {
            Ok(part(&model.at(n as f64, k, ridge)?.split))
        });
        let axis = every(n / 4, 4 * n);
        family.lines.push(Line::new(name, theory, axis, (&floats(&sizes), i * sizes.len()), &measured)?);
    }
    Ok(family)
}

/// Gaussian features of a kernel on fixed rows, over the number of features.
pub fn given_rows(plan: &Plan) -> Result<Family, Error> {
    let n = plan.size;
    let mut rng = double_descent::rng::stream(plan.seed, plan.stream << 16, 0);
    let wave =
        |x: &Array2<f64>| Array2::from_shape_fn((x.nrows(), 1), |(i, _)| (x[[i, 0]] + x[[i, 1]]).sin());
    let (x, test) = (normal(&mut rng, n, 3), normal(&mut rng, 2 * n, 3));
    let (y, truth) = (wave(&x) + noise(&mut rng, n), wave(&test));
    let kernel = StationaryKernel::Laplacian { gamma: 0.4 };
    let all = ndarray::concatenate![ndarray::Axis(0), x, test];
    let svd = Svd::new(&kernel.gram(&all, &all)?)?;
    let root = svd.u() * &svd.singular_values().mapv(f64::sqrt);
    let sizes = spread(n / 8, 8 * n, 14, n, n / 4);
    let measured = plan.simulate(&|rng| {
        let features = root.dot(&normal(rng, root.ncols(), sizes[sizes.len() - 1]));
        let curve = sizes.iter().map(|&p| {
            let (train, test) = (features.slice(s![..n, ..p]), features.slice(s![n.., ..p]));
            let fit = Svd::new(&train)?.solve(&y, &MinNorm::default())?;
            let off = test.dot(&fit) - &truth;
            Ok(off.mapv(|d| d * d).sum() / truth.len() as f64)
        });
        curve.collect()
    })?;
    let draws = DrawnFeatures::new(&kernel, (&x, &y), (&test, &truth))?;
    let mut family = Family::new(plan, "Features of a kernel, rows held", "Features p", "Excess test error");
    family.marker = Some((n as f64, "p = n"));
    let theory = DrawnFeatures::line(vec![draws], Some(1), 0.0, 0.0);
    family.lines =
        vec![Line::new("Minimum norm", theory, every(n / 8, 8 * n), (&floats(&sizes), 0), &measured)?];
    Ok(family)
}
