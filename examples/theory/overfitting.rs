//! Formulas on overfitting: the plateau between two time scales, its cost, powers of n.

use super::family::{Family, Line, NOISE, Plan, at_ratios, every, floats, normal, spread};
use double_descent::Error;
use double_descent::filter::{GradientFlow, Loss};
use double_descent::risk::{Covariance, Population};
use double_descent::svd::Svd;
use double_descent::theory::gradient_flow;
use double_descent::theory::line::{Sizes, TheoryLine};
use double_descent::theory::overfitting::Tail;
use double_descent::theory::power_law::best_penalty;
use double_descent::theory::ridge::SpectralPopulation;
use double_descent::theory::spectrum::PopulationSpectrum;
use ndarray::{Array1, Array2};

/// Between two time scales, over the number of fast features: these are fitted, the slow ones that matter are not yet.
pub fn plateau(plan: &Plan) -> Result<Family, Error> {
    const SLOW: usize = 4;
    let n = plan.size;
    let sizes = spread(2, n - 8, 12, n, 8);
    let flow = GradientFlow::new(1e5, Loss::HalfMean)?;
    let measured = plan.simulate(&|rng| {
        let excess = |&fast: &usize| {
            let variances = Array1::from_shape_fn(fast + SLOW, |i| if i < fast { 1.0 } else { 1e-10 });
            let slow = (1e10 / SLOW as f64).sqrt();
            let teacher = Array2::from_shape_fn((fast + SLOW, 1), |(i, _)| if i < fast { 0.0 } else { slow });
            let population = Population::new(Covariance::diagonal(&variances)?, teacher, NOISE)?;
            let x = normal(rng, n, fast + SLOW) * &variances.mapv(f64::sqrt);
            Ok(population.given(&Svd::new(&x)?)?.of(&flow)?.excess())
        };
        sizes.iter().map(excess).collect()
    })?;
    let theory =
        TheoryLine::over_sizes("Exact", "Belkin, Hsu and Xu 2020", Sizes::Features { n }, |n, fast| {
            gradient_flow::plateau(n, fast, 1.0, NOISE)
        });
    let mut family =
        Family::new(plan, "The plateau between two scales in time", "Fast features", "Excess test error");
    family.lines =
        vec![Line::new("Gradient flow", theory, every(2, n - 2), (&floats(&sizes), 0), &measured)?];
    Ok(family)
}

/// The error that noise adds to minimum-norm fits on one design with features of these variances, and the part of a
/// target that is not fitted, with a penalty relative to the mean square.
fn errors(
    x: &Array2<f64>,
    variances: &Array1<f64>,
    beta: &Array1<f64>,
    lambda: f64,
) -> Result<[f64; 2], Error> {
    let n = x.nrows();
    let gram = x.dot(&x.t()) + Array2::<f64>::eye(n) * (n as f64 * lambda);
    let inverse = Svd::new(&gram)?.pseudoinverse()?;
    let left = beta - &x.t().dot(&inverse.dot(&x.dot(beta)));
    let noise = inverse.dot(&(x * variances).dot(&x.t())).dot(&inverse);
    Ok([noise.diag().sum(), left.mapv(|v| v * v).dot(variances)])
}

/// The cost of overfitting `E₀` for power-law spectra, and its bound.
pub fn cost(plan: &Plan) -> Result<Family, Error> {
    let (d, sizes) = (16 * plan.size, spread(plan.size / 4, 2 * plan.size, 8, 0, 0));
    let exponents = [1.5, 2.5];
    let measured = plan.simulate(&|rng| {
        let mut found = Vec::new();
        let z = normal(rng, sizes[sizes.len() - 1], d);
        for alpha in exponents {
            let variances: Array1<f64> = (1..=d).map(|i| (i as f64).powf(-alpha)).collect();
            let x = &z * &variances.mapv(f64::sqrt);
            for &n in &sizes {
                let x = x.slice(ndarray::s![..n, ..]).to_owned();
                found.push(1.0 + errors(&x, &variances, &Array1::zeros(d), 0.0)?[0]);
            }
        }
        Ok(found)
    })?;
    let mut family = Family::new(plan, "The cost of overfitting, i^−α", "Samples n", "E₀");
    let axis = every(sizes[0], sizes[sizes.len() - 1]);
    for (i, alpha) in exponents.into_iter().enumerate() {
        let spectrum = PopulationSpectrum::power_law(d, alpha)?;
        let tail = Tail::new(spectrum.values())?;
        let population = SpectralPopulation::new(spectrum, &vec![0.0; d], 1.0)?;
        let theory = TheoryLine::new(format!("Limit, α = {alpha}"), "Simon et al. 2023", move |n| {
            Ok(population.at(n, 0.0)?.cost)
        });
        let x = (&floats(&sizes)[..], i * sizes.len());
        family.lines.push(Line::new(format!("α = {alpha}"), theory, axis.clone(), x, &measured)?);
        if i == 0 {
            let bound = TheoryLine::over_sizes(
                "Bound, α = 1.5",
                "Zhou et al. 2023",
                Sizes::Samples { p: d },
                move |n, _| {
                    let mut bounds = (0..n).map(|k| tail.cost_bound(k, n as f64));
                    bounds.try_fold(f64::INFINITY, |least, bound| Ok(least.min(bound?)))
                },
            );
            family.lines.push(Line::unmeasured("Bound", bound, axis.clone()));
        }
    }
    Ok(family)
}

/// Kernel ridge with a power of n as the best penalty: the excess error, and the power at which it falls.
pub fn exponents(plan: &Plan) -> Result<Family, Error> {
    const ALPHA: f64 = 1.8;
    const SMOOTHNESS: f64 = 0.4;
    let (d, sizes) = (16 * plan.size, spread(plan.size / 4, 2 * plan.size, 8, 0, 0));
    let (s, exponents) = best_penalty(ALPHA, SMOOTHNESS)?;
    let variances: Array1<f64> = (1..=d).map(|i| (i as f64).powf(-ALPHA)).collect();
    let energy: Vec<f64> = (1..=d).map(|i| (i as f64).powf(ALPHA - 1.0 - 2.0 * ALPHA * SMOOTHNESS)).collect();
    let beta = Array1::from(energy.clone()).mapv(f64::sqrt);
    let measured = plan.simulate(&|rng| {
        let x = normal(rng, sizes[sizes.len() - 1], d) * &variances.mapv(f64::sqrt);
        let excess = |&n: &usize| {
            let x = x.slice(ndarray::s![..n, ..]).to_owned();
            let [noise, bias] = errors(&x, &variances, &beta, (n as f64).powf(-s))?;
            Ok(bias + NOISE * noise)
        };
        sizes.iter().map(excess).collect()
    })?;
    let population = SpectralPopulation::new(PopulationSpectrum::power_law(d, ALPHA)?, &energy, NOISE)?;
    let last = sizes[sizes.len() - 1] as f64;
    let end = population.at(last, last.powf(-s))?.excess;
    let theory =
        TheoryLine::new("Limit", "Simon et al. 2023", move |n| Ok(population.at(n, n.powf(-s))?.excess));
    let power = TheoryLine::new(format!("n^−{:.2}", exponents.excess()), "Cui et al. 2021", move |n| {
        Ok(end * (last / n).powf(exponents.excess()))
    });
    let mut family = Family::new(plan, "Powers of n, λ = n^−s", "Samples n", "Excess test error");
    let axis = at_ratios(sizes[0] as f64, last, 60);
    family.lines = vec![
        Line::new("Kernel ridge", theory, axis.clone(), (&floats(&sizes), 0), &measured)?,
        Line::unmeasured("Power", power, axis),
    ];
    Ok(family)
}
