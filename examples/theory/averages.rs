//! Formulas other than the mean test error: training errors, spreads, spectral averages, edges, unequal noise.

use super::family::{ENERGY, Family, Line, NOISE, Plan, at_ratios, every, floats, noise, normal, spread};
use double_descent::Error;
use double_descent::filter::{GradientDescent, Loss, MinNorm, Ridge, Schedule};
use double_descent::nested::{Test, feature_curve};
use double_descent::svd::Svd;
use double_descent::theory::filtered::Descent;
use double_descent::theory::line::{Sizes, TheoryLine};
use double_descent::theory::marchenko_pastur::MarchenkoPastur;
use double_descent::theory::ridge::{SpectralPopulation, mean_noise, optimal_isotropic};
use double_descent::theory::smallest_singular_value::edges as bai_yin;
use double_descent::theory::spectrum::PopulationSpectrum;
use double_descent::theory::{gaussian, optimal_ridge};
use ndarray::{Array1, Array2, s};

const EXCESS: &str = "Excess test error";

fn teacher(p: usize) -> Array2<f64> {
    Array2::from_elem((p, 1), (ENERGY / p as f64).sqrt())
}

/// The excess error of a fit.
fn excess(fit: &Array2<f64>, beta: &Array2<f64>) -> f64 {
    (fit - beta).mapv(|d| d * d).sum()
}

/// The training error of least squares over the number of features.
pub fn training(plan: &Plan) -> Result<Family, Error> {
    let n = plan.size;
    let sizes = spread(n / 8, n - 1, 12, 0, 0);
    let measured = plan.simulate(&|rng| {
        let x = normal(rng, n, n - 1);
        let y = noise(rng, n);
        let curve = feature_curve(&x, &y, Test::None)?;
        Ok(sizes.iter().map(|&p| curve[p - 1].train_mse).collect())
    })?;
    let theory = TheoryLine::over_sizes("Exact", "degrees of freedom", Sizes::Features { n }, |n, p| {
        gaussian::train_error(n, p, NOISE)
    });
    let mut family = Family::new(plan, "The training error", "Features p", "Training error");
    family.lines =
        vec![Line::new("Least squares", theory, every(n / 8, n - 1), (&floats(&sizes), 0), &measured)?];
    Ok(family)
}

/// The spread of the excess of single fits, over the number of samples.
pub fn spreads(plan: &Plan) -> Result<Family, Error> {
    let p = plan.size / 4;
    // The variance of a variance needs eight finite moments.
    let sizes = spread(p + 20, 6 * p + 40, 8, 0, 0);
    let mean = |n: usize| Ok::<_, Error>(gaussian::excess(n, p, ENERGY, NOISE)?.total());
    let measured = plan.simulate(&|rng| {
        let beta = teacher(p);
        let square = |&n: &usize| {
            let x = normal(rng, n, p);
            let y = x.dot(&beta) + noise(rng, n);
            let off = excess(&Svd::new(&x)?.solve(&y, &MinNorm::default())?, &beta) - mean(n)?;
            Ok(off * off)
        };
        sizes.iter().map(square).collect()
    })?;
    let theory = TheoryLine::over_sizes("Exact", "inverse Wishart moments", Sizes::Samples { p }, |n, p| {
        gaussian::excess_variance(n, p, ENERGY, NOISE)
    });
    let mut family = Family::new(plan, "The spread of single fits", "Samples n", "Variance of the excess");
    let axis = every(sizes[0], sizes[sizes.len() - 1]);
    family.lines = vec![Line::new("Minimum norm", theory, axis, (&floats(&sizes), 0), &measured)?];
    Ok(family)
}

/// Label noise alternating between two levels, over the number of samples: only their mean matters.
pub fn levels(plan: &Plan) -> Result<Family, Error> {
    let (p, sizes) = (plan.size, spread(plan.size / 8, 4 * plan.size, 14, plan.size, 8));
    let level = |row: usize| if row.is_multiple_of(2) { 0.2 * NOISE } else { 1.8 * NOISE };
    let measured = plan.simulate(&|rng| {
        let beta = teacher(p);
        let fit = |&n: &usize| {
            let x = normal(rng, n, p);
            let loud = Array1::from_shape_fn(n, |row| f64::sqrt(level(row))).insert_axis(ndarray::Axis(1));
            let y = x.dot(&beta) + normal(rng, n, 1) * loud;
            Ok(excess(&Svd::new(&x)?.solve(&y, &MinNorm::default())?, &beta))
        };
        sizes.iter().map(fit).collect()
    })?;
    let theory = TheoryLine::over_sizes("Exact", "Lee and Lee 2023", Sizes::Samples { p }, move |n, p| {
        let levels: Vec<f64> = (0..n).map(level).collect();
        Ok(gaussian::excess(n, p, ENERGY, mean_noise(&levels)?)?.total())
    });
    let mut family = Family::new(plan, "Noise of two levels", "Samples n", EXCESS);
    family.marker = Some((p as f64, "n = p"));
    family.lines =
        vec![Line::new("Minimum norm", theory, every(p / 8, 4 * p), (&floats(&sizes), 0), &measured)?];
    Ok(family)
}

/// Averages over the eigenvalues of a sample covariance: its resolvent and its Shannon transform.
pub fn spectral(plan: &Plan) -> Result<Family, Error> {
    let (n, p) = (2 * plan.size, plan.size);
    let points = at_ratios(0.02, 20.0, 12);
    let law = MarchenkoPastur::new(p as f64 / n as f64)?;
    let measured = plan.simulate(&|rng| {
        let values: Vec<f64> = Svd::new(&normal(rng, n, p))?
            .singular_values()
            .iter()
            .map(|sigma| sigma * sigma / n as f64)
            .collect();
        let over = |of: &dyn Fn(f64) -> f64| values.iter().map(|&x| of(x)).sum::<f64>() / p as f64;
        let resolvent = points.iter().map(|&at| over(&|x| 1.0 / (x + at)));
        Ok(resolvent.chain(points.iter().map(|&at| over(&|x| (x / at).ln_1p()))).collect())
    })?;
    let mut family = Family::new(plan, "Averages over the spectrum, p = n/2", "λ", "Mean");
    let own = law;
    let resolvent =
        TheoryLine::new("Limit, resolvent", "Marchenko and Pastur 1967", move |at| Ok(own.resolvent(at)?[0]));
    let shannon = TheoryLine::new("Limit, Shannon", "Tulino and Verdú 2004", move |at| law.shannon(at));
    for (i, (name, theory)) in [("1/(x + λ)", resolvent), ("ln(1 + x/λ)", shannon)].into_iter().enumerate()
    {
        let axis = at_ratios(0.02, 20.0, 120);
        family.lines.push(Line::new(name, theory, axis, (&points, i * points.len()), &measured)?);
    }
    Ok(family)
}

/// The smallest and the largest singular value over the number of features.
pub fn edges(plan: &Plan) -> Result<Family, Error> {
    let n = 2 * plan.size;
    let sizes = spread(n / 8, 4 * n, 12, n, n / 4);
    let measured = plan.simulate(&|rng| {
        let (mut least, mut most) = (Vec::new(), Vec::new());
        for &p in &sizes {
            // The squares are the eigenvalues of the smaller Gram matrix.
            let x = normal(rng, n.min(p), n.max(p));
            let svd = Svd::new(&x.dot(&x.t()))?;
            let values = svd.singular_values();
            least.push(values[values.len() - 1].sqrt());
            most.push(values[0].sqrt());
        }
        least.extend(most);
        Ok(least)
    })?;
    let mut family = Family::new(plan, "The ends of the spectrum", "Features p", "Singular value");
    family.marker = Some((n as f64, "p = n"));
    for (i, name) in ["Smallest", "Largest"].into_iter().enumerate() {
        let label = format!("Limit, {}", name.to_lowercase());
        let theory = TheoryLine::over_sizes(label, "Bai and Yin 1993", Sizes::Features { n }, move |n, p| {
            Ok(bai_yin(n, p)[i])
        });
        let axis = every(n / 8, 4 * n);
        family.lines.push(Line::new(name, theory, axis, (&floats(&sizes), i * sizes.len()), &measured)?);
    }
    Ok(family)
}

/// Model-wise: d of p features, with the best penalty for each d.
pub fn model_wise(plan: &Plan) -> Result<Family, Error> {
    let (n, p) = (2 * plan.size, 6 * plan.size);
    let sizes = spread(n / 8, p, 12, n, 0);
    let measured = plan.simulate(&|rng| {
        let (beta, x) = (teacher(p), normal(rng, n, p));
        let y = x.dot(&beta) + noise(rng, n);
        let fit = |&d: &usize| {
            let penalty = optimal_ridge::model_wise(p, d, ENERGY, NOISE)?.lambda;
            let fit = Svd::new(&x.slice(s![.., ..d]))?.solve(&y, &Ridge::new(penalty)?)?;
            let unseen = ENERGY * (p - d) as f64 / p as f64;
            Ok(excess(&fit, &beta.slice(s![..d, ..]).to_owned()) + unseen)
        };
        sizes.iter().map(fit).collect()
    })?;
    let theory =
        TheoryLine::over_sizes("Limit", "Nakkiran et al. 2021", Sizes::Features { n }, move |n, d| {
            let found = optimal_ridge::model_wise(p, d, ENERGY, NOISE)?;
            let seen = optimal_isotropic(d as f64 / n as f64, found.energy, found.noise)?.1;
            Ok(seen + found.noise - NOISE)
        });
    let mut family = Family::new(plan, "d of p features, the best penalty", "Features d", EXCESS);
    family.marker = Some((n as f64, "d = n"));
    family.lines = vec![Line::new("Ridge", theory, every(n / 8, p), (&floats(&sizes), 0), &measured)?];
    Ok(family)
}

/// Gradient descent in discrete steps, on features with two variances.
pub fn descent(plan: &Plan) -> Result<Family, Error> {
    const STEP: f64 = 0.1;
    let (n, each) = (3 * plan.size, plan.size);
    let variances = Array1::from_shape_fn(2 * each, |i| if i < each { 1.0 } else { 0.02 });
    let beta = Array1::from_elem(2 * each, (ENERGY / each as f64).sqrt()).insert_axis(ndarray::Axis(1));
    let steps = spread(1, 20_000, 14, 0, 0);
    let measured = plan.simulate(&|rng| {
        let x = normal(rng, n, 2 * each) * &variances.mapv(f64::sqrt);
        let y = x.dot(&beta) + noise(rng, n);
        let svd = Svd::new(&x)?;
        let fit = |&steps: &usize| {
            let filter = GradientDescent::new(Schedule::Constant(STEP), steps, Loss::HalfMean)?;
            let off = svd.solve(&y, &filter)? - &beta;
            Ok(off.column(0).mapv(|d| d * d).dot(&variances))
        };
        steps.iter().map(fit).collect()
    })?;
    let spectrum = PopulationSpectrum::with_multiplicities(&[1.0, 0.02], &[each as f64; 2])?;
    let population = SpectralPopulation::new(spectrum, &[ENERGY; 2], NOISE)?;
    let theory = TheoryLine::new("Limit, by contour", "Velikanov et al. 2024", move |steps| {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a count of the axis
        let descent = Descent::new(STEP, steps as u32)?;
        Ok(population.filtered(n as f64, &descent)?.total())
    });
    let mut family = Family::new(plan, "Steps of gradient descent", "Steps", EXCESS);
    let axis = floats(&spread(1, 20_000, 100, 0, 0));
    family.lines = vec![Line::new("Gradient descent", theory, axis, (&floats(&steps), 0), &measured)?];
    Ok(family)
}
