//! Formulas for linear designs: exact ones, and limits for ridge regression and training time.

use super::family::{
    ENERGY, Family, Line, NOISE, Plan, at_ratios, every, floats, noise, normal, on_sphere, spread,
};
use double_descent::Error;
use double_descent::filter::{GradientFlow, Loss, MinNorm, Ridge};
use double_descent::nested::noise::{Root, sample_terms};
use double_descent::nested::{Test, feature_curve, sample_curve};
use double_descent::risk::Compressed;
use double_descent::svd::Svd;
use double_descent::theory::gaussian as exact;
use double_descent::theory::gradient_flow;
use double_descent::theory::line::{Sizes, TheoryLine};
use double_descent::theory::ridge::SpectralPopulation;
use double_descent::theory::spectrum::PopulationSpectrum;
use ndarray::{Array1, Array2, Axis, s};

const EXCESS: &str = "Excess test error";
/// Closer to the threshold than this, the fourth moment of the error is infinite, and error bars are meaningless.
const GAP: usize = 8;

/// A teacher with equal coefficients, `p × 1`.
fn teacher(p: usize) -> Array2<f64> {
    Array2::from_elem((p, 1), (ENERGY / p as f64).sqrt())
}

/// Minimum norm over the number of samples.
pub fn gaussian(plan: &Plan) -> Result<Family, Error> {
    let (p, most) = (plan.size, 5 * plan.size);
    let sizes = spread(p / 8, most, 18, p, GAP);
    let beta = teacher(p);
    let population = Compressed::population(&Array2::eye(p), &beta)?;
    let measured = plan.simulate(&|rng| {
        let x = normal(rng, most, p);
        let y = x.dot(&beta) + noise(rng, most);
        let curve = sample_curve(&x, &y, Test::Rows(&population))?;
        Ok(sizes.iter().map(|&n| curve[n - 1].test_mse.unwrap_or(f64::NAN)).collect())
    })?;
    let theory = TheoryLine::gaussian_excess(Sizes::Samples { p }, ENERGY, NOISE);
    let mut family = Family::new(plan, "Minimum norm, Gaussian features", "Samples n", EXCESS);
    family.marker = Some((p as f64, "n = p"));
    family.lines =
        vec![Line::new("Minimum norm", theory, every(p / 8, most), (&floats(&sizes), 0), &measured)?];
    Ok(family)
}

/// Fits to centred data, with an unpenalised intercept, over the number of features.
pub fn intercept(plan: &Plan) -> Result<Family, Error> {
    let (n, most) = (plan.size, 4 * plan.size);
    let sizes = spread(n / 8, most, 16, n - 1, GAP);
    let measured = plan.simulate(&|rng| {
        let x = normal(rng, n, most);
        let e = noise(rng, n);
        sizes.iter().map(|&p| centred(&x.slice(s![.., ..p]).to_owned(), &e)).collect()
    })?;
    let theory = TheoryLine::over_sizes(
        "Expected, exact",
        "Hastie et al. 2022, centred",
        Sizes::Features { n },
        |n, p| exact::excess_with_intercept(n, p, ENERGY, NOISE),
    );
    let mut family = Family::new(plan, "With an intercept, not penalised", "Features p", EXCESS);
    family.marker = Some(((n - 1) as f64, "p = n − 1"));
    family.lines = vec![Line::new(
        "Minimum norm, centred",
        theory,
        every(n / 8, most),
        (&floats(&sizes), 0),
        &measured,
    )?];
    Ok(family)
}

/// The excess `‖β̂ − β‖² + (ȳ − x̄ᵀβ̂)²` of a fit to centred data, if the teacher has no intercept.
fn centred(x: &Array2<f64>, e: &Array2<f64>) -> Result<f64, Error> {
    let beta = teacher(x.ncols());
    let y = x.dot(&beta) + e;
    let mean = |table: &Array2<f64>| table.mean_axis(Axis(0)).unwrap_or_else(|| Array1::zeros(table.ncols()));
    let (x_mean, y_mean) = (mean(x), mean(&y));
    let fit = Svd::new(&(x - &x_mean))?.solve(&(&y - &y_mean), &MinNorm::default())?;
    let shift = y_mean[0] - x_mean.dot(&fit.column(0));
    Ok((&fit - &beta).mapv(|d| d * d).sum() + shift * shift)
}

/// The first p of D equally important features, over p.
pub fn weak_features(plan: &Plan) -> Result<Family, Error> {
    let (n, all) = (plan.size, 5 * plan.size);
    let sizes = spread(n / 8, all, 18, n, GAP);
    let beta = teacher(all);
    let population = Compressed::population(&Array2::eye(all), &beta)?;
    let measured = plan.simulate(&|rng| {
        let x = normal(rng, n, all);
        let y = x.dot(&beta) + noise(rng, n);
        let curve = feature_curve(&x, &y, Test::Rows(&population))?;
        Ok(sizes.iter().map(|&p| curve[p - 1].test_mse.unwrap_or(f64::NAN)).collect())
    })?;
    let label = "Expected, exact";
    let theory =
        TheoryLine::over_sizes(label, "Belkin, Hsu and Xu 2020", Sizes::Features { n }, move |n, p| {
            let seen = ENERGY * p as f64 / all as f64;
            exact::weak_features(n, p, seen, ENERGY - seen, NOISE)
        });
    let mut family = Family::new(plan, "Weak features: p of D", "Features p", EXCESS);
    family.marker = Some((n as f64, "p = n"));
    family.lines =
        vec![Line::new("Minimum norm", theory, every(n / 8, all), (&floats(&sizes), 0), &measured)?];
    Ok(family)
}

/// The error that label noise of variance 1 adds to the fits to the first `sizes` rows.
fn noise_term(x: &Array2<f64>, sizes: &[usize]) -> Result<Vec<f64>, Error> {
    let terms = sample_terms(&[x.view()], &[&Root::identity()])?;
    Ok(sizes.iter().map(|&n| terms[0][n - 1].noise).collect())
}

/// The noise term for two distributions over the number of samples, and the bound that holds for all.
pub fn noise_terms(plan: &Plan) -> Result<Family, Error> {
    let (p, most) = (plan.size, 4 * plan.size);
    let both = spread(2, most, 18, p, GAP);
    let under: Vec<usize> = both.iter().copied().filter(|&n| n < p).collect();
    let measured = plan.simulate(&|rng| {
        let mut found = noise_term(&normal(rng, most, p), &both)?;
        found.extend(noise_term(&on_sphere(rng, p, p), &under)?);
        Ok(found)
    })?;
    let sizes = Sizes::Samples { p };
    let mut family = Family::new(plan, "The noise term", "Samples n", "Noise term");
    family.marker = Some((p as f64, "n = p"));
    let line = |name: &str, theory, x: &[usize], first| {
        Line::new(name, theory, every(2, most), (&floats(x), first), &measured)
    };
    family.lines = vec![
        line("Gaussian", TheoryLine::gaussian_noise(sizes), &both, 0)?,
        line("Sphere", TheoryLine::sphere_noise(sizes), &under, both.len())?,
        Line::unmeasured("Lower bound", TheoryLine::noise_lower_bound(sizes), every(2, most)),
    ];
    Ok(family)
}

/// Ridge over its penalty, below and above the threshold.
pub fn ridge(plan: &Plan) -> Result<Family, Error> {
    let n = 2 * plan.size;
    let shapes = [n / 2, 2 * n];
    let penalties = at_ratios(1e-3, 10.0, 13);
    let measured = plan.simulate(&|rng| {
        let mut found = Vec::new();
        for p in shapes {
            let beta = teacher(p);
            let x = normal(rng, n, p);
            let y = x.dot(&beta) + noise(rng, n);
            let svd = Svd::new(&x)?;
            for penalty in &penalties {
                let fit = svd.solve(&y, &Ridge::new(n as f64 * penalty)?)?;
                found.push((fit - &beta).mapv(|d| d * d).sum());
            }
        }
        Ok(found)
    })?;
    let mut family =
        Family::new(plan, "Ridge regression", "Penalty λ (added to the mean of squares)", EXCESS);
    for (i, p) in shapes.into_iter().enumerate() {
        let spectrum = PopulationSpectrum::with_multiplicities(&[1.0], &[p as f64])?;
        let population = SpectralPopulation::new(spectrum, &[ENERGY], NOISE)?;
        let theory = TheoryLine::new("Limit", "Dobriban and Wager 2018", move |penalty| {
            Ok(population.at(n as f64, penalty)?.excess)
        });
        let name = if i == 0 { "p = n/2" } else { "p = 2n" };
        let axis = at_ratios(1e-3, 10.0, 200);
        family.lines.push(Line::new(name, theory, axis, (&penalties, i * penalties.len()), &measured)?);
    }
    Ok(family)
}

/// Variances of two groups of features; below, their variances in the other test distribution.
const TRAIN: [f64; 2] = [4.0, 0.5];
const OTHER: [f64; 2] = [1.0, 2.0];

/// Correlated features over the number of samples, tested on their own distribution and on another.
pub fn covariance(plan: &Plan) -> Result<Family, Error> {
    let (p, most) = (3 * plan.size, 8 * plan.size);
    let large = p / 4;
    let pick = |of: [f64; 2]| Array1::from_shape_fn(p, |i| of[usize::from(i >= large)]);
    let (train, beta) = (pick(TRAIN), teacher(p));
    let population = |of: [f64; 2]| Compressed::population(&Array2::from_diag(&pick(of)), &beta);
    let tests = [population(TRAIN)?, population(OTHER)?];
    let sizes = spread(p / 6, most, 16, p, p / 5);
    let measured = plan.simulate(&|rng| {
        let x = normal(rng, most, p) * train.mapv(f64::sqrt);
        let y = x.dot(&beta) + noise(rng, most);
        let mut found = Vec::new();
        for test in &tests {
            let curve = sample_curve(&x, &y, Test::Rows(test))?;
            found.extend(sizes.iter().map(|&n| curve[n - 1].test_mse.unwrap_or(f64::NAN)));
        }
        Ok(found)
    })?;
    let counts = [large as f64, (p - large) as f64];
    let spectrum = PopulationSpectrum::with_multiplicities(&TRAIN, &counts)?;
    let target = counts.map(|count| ENERGY * count / p as f64);
    let population = SpectralPopulation::new(spectrum, &target, NOISE)?;
    let mut family = Family::new(plan, "Correlated features, two tests", "Samples n", EXCESS);
    family.marker = Some((p as f64, "n = p"));
    let tests =
        [("Same test", "Hastie et al. 2022", TRAIN), ("Other test", "Patil, Du and Tibshirani 2024", OTHER)];
    for (i, (name, reference, test)) in tests.into_iter().enumerate() {
        let population = population.clone();
        let theory =
            TheoryLine::new("Limit", reference, move |n| Ok(population.at_test(n, 0.0, &test)?.excess));
        let axis = every(p / 6, most);
        family.lines.push(Line::new(name, theory, axis, (&floats(&sizes), i * sizes.len()), &measured)?);
    }
    Ok(family)
}

/// Gradient flow over time with a second descent: fast features, and slow ones learned long after. The formula is the
/// limit of many samples per feature: the number of samples grows with the size, that of features does not.
pub fn flow(plan: &Plan) -> Result<Family, Error> {
    const GROUPS: [gradient_flow::FeatureGroup; 2] = [
        gradient_flow::FeatureGroup { count: 4.0, variance: 1.0, energy: 0.25 },
        gradient_flow::FeatureGroup { count: 4.0, variance: 0.005, energy: 25.0 },
    ];
    // A repeat consists of several fits; it contributes their mean.
    const DRAWS: usize = 8;
    let (p, n) = (8, 5 * plan.size);
    let each = |of: fn(&gradient_flow::FeatureGroup) -> f64| {
        Array1::from_shape_fn(p, |i| of(&GROUPS[usize::from(i >= 4)]))
    };
    let (variances, beta) = (each(|group| group.variance), each(|group| group.energy.sqrt()));
    let times = at_ratios(0.05, 1e5, 22);
    // Overfitting all features must cost as much as ignoring the slow ones.
    let loud = 0.125 * n as f64;
    let measured = plan.simulate(&|rng| {
        let mut found = vec![0.0; times.len()];
        for _ in 0..DRAWS {
            let x = normal(rng, n, p) * variances.mapv(f64::sqrt);
            let y = x.dot(&beta).insert_axis(Axis(1)) + normal(rng, n, 1) * loud.sqrt();
            let svd = Svd::new(&x)?;
            for (found, &time) in found.iter_mut().zip(&times) {
                let fit = svd.solve(&y, &GradientFlow::new(time, Loss::HalfMean)?)?;
                *found += (&fit.column(0) - &beta).mapv(|d| d * d).dot(&variances) / DRAWS as f64;
            }
        }
        Ok(found)
    })?;
    let theory = TheoryLine::new("Limit, n ≫ p", "Heckel and Yilmaz 2021", move |time| {
        gradient_flow::excess(&GROUPS, n as f64, loud, time)
    });
    let mut family = Family::new(plan, "Training time", "Time t of gradient flow", EXCESS);
    let axis = at_ratios(0.05, 1e5, 200);
    family.lines = vec![Line::new("Gradient flow", theory, axis, (&times, 0), &measured)?];
    Ok(family)
}
