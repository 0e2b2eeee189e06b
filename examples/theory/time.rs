//! Formulas for training time, for any spectrum.

use super::family::{ENERGY, Family, Line, NOISE, Plan, at_ratios, noise, normal};
use double_descent::Error;
use double_descent::filter::{GradientFlow, Loss};
use double_descent::svd::Svd;
use double_descent::theory::filtered::Flow;
use double_descent::theory::gradient_flow;
use double_descent::theory::line::TheoryLine;
use double_descent::theory::ridge::SpectralPopulation;
use double_descent::theory::spectrum::PopulationSpectrum;
use ndarray::{Array1, Array2};

const TIME: &str = "Time t of gradient flow";
const EXCESS: &str = "Excess test error";

/// The excess error of gradient flow at each time, on features with these variances.
fn flows(
    x: &Array2<f64>,
    y: &Array2<f64>,
    beta: &Array1<f64>,
    variances: &Array1<f64>,
    times: &[f64],
) -> Result<Vec<f64>, Error> {
    let svd = Svd::new(x)?;
    let excess = |&time: &f64| {
        let fit = svd.solve(y, &GradientFlow::new(time, Loss::HalfMean)?)?;
        Ok((&fit.column(0) - beta).mapv(|d| d * d).dot(variances))
    };
    times.iter().map(excess).collect()
}

/// Isotropic features, below and above the threshold.
pub fn isotropic(plan: &Plan) -> Result<Family, Error> {
    let n = 2 * plan.size;
    let shapes = [n / 2, 2 * n];
    let times = at_ratios(0.05, 500.0, 14);
    let measured = plan.simulate(&|rng| {
        let mut found = Vec::new();
        for p in shapes {
            let (x, beta) = (normal(rng, n, p), Array1::from_elem(p, (ENERGY / p as f64).sqrt()));
            let y = x.dot(&beta).insert_axis(ndarray::Axis(1)) + noise(rng, n);
            found.extend(flows(&x, &y, &beta, &Array1::ones(p), &times)?);
        }
        Ok(found)
    })?;
    let mut family = Family::new(plan, "Training time, isotropic features", TIME, EXCESS);
    for (i, p) in shapes.into_iter().enumerate() {
        let gamma = p as f64 / n as f64;
        let theory = TheoryLine::new("Limit", "Ali, Kolter and Tibshirani 2019", move |time| {
            Ok(gradient_flow::isotropic(gamma, time, ENERGY, NOISE)?.total())
        });
        let (name, axis) = (if i == 0 { "p = n/2" } else { "p = 2n" }, at_ratios(0.05, 500.0, 120));
        family.lines.push(Line::new(name, theory, axis, (&times, i * times.len()), &measured)?);
    }
    Ok(family)
}

/// Fast and slow features, together two thirds as many as samples: the excess falls, rises and falls again.
pub fn epochs(plan: &Plan) -> Result<Family, Error> {
    let (n, each) = (3 * plan.size, plan.size);
    let variances = Array1::from_shape_fn(2 * each, |i| if i < each { 1.0 } else { 1e-3 });
    // Signal of ½ in the fast features, 1 in the slow ones.
    let target = [0.5, 1000.0];
    let beta = Array1::from_shape_fn(2 * each, |i| (target[usize::from(i >= each)] / each as f64).sqrt());
    let times = at_ratios(0.1, 1e5, 20);
    let measured = plan.simulate(&|rng| {
        let x = normal(rng, n, 2 * each) * variances.mapv(f64::sqrt);
        let y = x.dot(&beta).insert_axis(ndarray::Axis(1)) + normal(rng, n, 1);
        flows(&x, &y, &beta, &variances, &times)
    })?;
    let spectrum = PopulationSpectrum::with_multiplicities(&[1.0, 1e-3], &[each as f64; 2])?;
    let population = SpectralPopulation::new(spectrum, &target, 1.0)?;
    let theory = TheoryLine::new("Limit, by contour", "Velikanov et al. 2024", move |time| {
        Ok(population.filtered(n as f64, &Flow::new(time)?)?.total())
    });
    let mut family = Family::new(plan, "Training time, fast and slow features", TIME, EXCESS);
    let axis = at_ratios(0.1, 1e5, 120);
    family.lines = vec![Line::new("Gradient flow", theory, axis, (&times, 0), &measured)?];
    Ok(family)
}
