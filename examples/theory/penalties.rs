//! Formulas for penalties, and for ensembles of fits on subsamples.

use super::family::{ENERGY, Family, Line, NOISE, Plan, at_ratios, every, floats, noise, normal, spread};
use double_descent::Error;
use double_descent::filter::{MinNorm, Ridge};
use double_descent::svd::Svd;
use double_descent::theory::evidence::{self, Beliefs};
use double_descent::theory::line::TheoryLine;
use double_descent::theory::ridge::SpectralPopulation;
use double_descent::theory::spectrum::PopulationSpectrum;
use double_descent::theory::structured;
use ndarray::{Array1, Array2, Axis, s};

const EXCESS: &str = "Excess test error";

/// A few strong features with all the signal among many weak ones: the best penalties are negative.
pub fn negative(plan: &Plan) -> Result<Family, Error> {
    let n = 2 * plan.size;
    let (strong, p) = (n / 4, 3 * n);
    let variances = Array1::from_shape_fn(p, |i| if i < strong { 20.0 } else { 1.0 });
    let beta = Array1::from_shape_fn(p, |i| if i < strong { (0.05 / strong as f64).sqrt() } else { 0.0 });
    let counts = [strong as f64, (p - strong) as f64];
    let spectrum = PopulationSpectrum::with_multiplicities(&[20.0, 1.0], &counts)?;
    let population = SpectralPopulation::new(spectrum, &[0.05, 0.0], 0.01)?;
    let penalties: Vec<f64> = (0..12).map(|i| -0.3 + 0.1 * f64::from(i)).collect();
    let measured = plan.simulate(&|rng| {
        let x = normal(rng, n, p) * variances.mapv(f64::sqrt);
        let y = x.dot(&beta).insert_axis(Axis(1)) + normal(rng, n, 1) * 0.1;
        let svd = Svd::new(&x)?;
        let excess = |&penalty: &f64| {
            // Ridge, with negative penalties allowed.
            let gains = svd.singular_values().mapv(|sigma| sigma / (sigma * sigma + n as f64 * penalty));
            let fit = svd.vt().t().dot(&(svd.u().t().dot(&y).column(0).to_owned() * gains));
            Ok((&fit - &beta).mapv(|d| d * d).dot(&variances))
        };
        penalties.iter().map(excess).collect()
    })?;
    let best = population.optimal(n as f64)?.map_or(f64::NAN, |best| best.0);
    let theory = TheoryLine::new("Limit", "Wu and Xu 2020", move |penalty| {
        Ok(population.at(n as f64, penalty)?.excess)
    });
    let x = "Penalty λ (added to the mean of squares)";
    let mut family = Family::new(plan, "Penalties below 0", x, EXCESS);
    (family.x.1, family.y.1) = (false, false);
    family.marker = Some((best, "best λ"));
    let axis = (0..=110).map(|i| -0.3 + 0.01 * f64::from(i)).collect();
    family.lines = vec![Line::new("Ridge", theory, axis, (&penalties, 0), &measured)?];
    Ok(family)
}

/// The mean of unpenalised fits to subsamples, over the subsample size.
pub fn subsamples(plan: &Plan) -> Result<Family, Error> {
    const MEMBERS: usize = 10;
    let (n, p) = (4 * plan.size, 2 * plan.size);
    let sizes = spread(p / 8, n, 14, p, p / 5);
    let beta = Array1::from_elem(p, (ENERGY / p as f64).sqrt());
    let measured = plan.simulate(&|rng| {
        let x = normal(rng, n, p);
        let y = x.dot(&beta).insert_axis(Axis(1)) + noise(rng, n);
        let (mut one, mut several) = (Vec::new(), Vec::new());
        for &size in &sizes {
            let mut mean = Array1::<f64>::zeros(p);
            for member in 0..MEMBERS {
                let mut order: Vec<usize> = (0..n).collect();
                for i in 0..size {
                    let j = rand::RngExt::random_range(rng, i..n);
                    order.swap(i, j);
                }
                let rows = &order[..size];
                let svd = Svd::new(&x.select(Axis(0), rows))?;
                let fit = svd.solve(&y.select(Axis(0), rows), &MinNorm::default())?;
                mean = mean + &fit.column(0) / MEMBERS as f64;
                if member == 0 {
                    one.push((&fit.column(0) - &beta).mapv(|d| d * d).sum());
                }
            }
            several.push((&mean - &beta).mapv(|d| d * d).sum());
        }
        one.extend(several);
        Ok(one)
    })?;
    let spectrum = PopulationSpectrum::with_multiplicities(&[1.0], &[p as f64])?;
    let population = SpectralPopulation::new(spectrum, &[ENERGY], NOISE)?;
    let mut family = Family::new(plan, "Fits to subsamples", "Rows of a subsample", EXCESS);
    family.marker = Some((p as f64, "p rows"));
    for (i, members) in [1, MEMBERS].into_iter().enumerate() {
        let population = population.clone();
        let theory = TheoryLine::new("Limit", "Du, Patil and Kuchibhotla 2023", move |size| {
            population.subsampled(n as f64, size, 0.0, Some(members))
        });
        let name = if i == 0 { "One" } else { "Mean of 10" };
        let axis = every(p / 8, n);
        family.lines.push(Line::new(name, theory, axis, (&floats(&sizes), i * sizes.len()), &measured)?);
    }
    Ok(family)
}

/// Features with covariance `ρ^|i−j|`, and features that depend on a latent space, over p/n.
pub fn structures(plan: &Plan) -> Result<Family, Error> {
    const RHO: f64 = 0.7;
    const LATENT: [f64; 2] = [0.25, 1.0];
    let n = 2 * plan.size;
    let sizes = spread(n / 8, 4 * n, 14, n, n / 4);
    let measured = plan.simulate(&|rng| {
        let (mut first, mut second) = (Vec::new(), Vec::new());
        for &p in &sizes {
            // A random direction.
            let beta = normal(rng, p, 1).mapv(|b| b * (ENERGY / p as f64).sqrt());
            let mut x = normal(rng, n, p);
            for j in 1..p {
                let before = x.column(j - 1).to_owned();
                x.column_mut(j)
                    .zip_mut_with(&before, |x, before| *x = RHO * before + (1.0 - RHO * RHO).sqrt() * *x);
            }
            let fit = Svd::new(&x)?.solve(&(x.dot(&beta) + noise(rng, n)), &MinNorm::default())?;
            let off = &fit - &beta;
            // δᵀ Σ δ by the recursion z_j = ρ z_{j−1} + δ_j: Σ ρ^|i−j| δ_i δ_j = Σ δ_j (2 z_j − δ_j).
            let mut z = 0.0;
            let excess = off.iter().map(|&d| {
                z = RHO * z + d;
                d * (2.0 * z - d)
            });
            first.push(excess.sum());
            // x = Wz + u with WᵀW = (μ/ψ) I: each of the first features contains a coordinate of z, the others none.
            let [psi, mu] = LATENT;
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // rounded and positive
            let dimensions = ((psi * p as f64).round() as usize).max(1);
            let strength = (mu / psi).sqrt();
            let theta = Array2::from_elem((dimensions, 1), (ENERGY / dimensions as f64).sqrt());
            let latent = normal(rng, n, dimensions);
            let mut x = normal(rng, n, p);
            let mut seen = x.slice_mut(s![.., ..dimensions]);
            seen += &(&latent * strength);
            let fit = Svd::new(&x)?.solve(&(latent.dot(&theta) + noise(rng, n)), &MinNorm::default())?;
            // y − x·b = z·(θ − s b₁) − u·b.
            let top = &theta - &(&fit.slice(s![..dimensions, ..]) * strength);
            second.push(top.mapv(|d| d * d).sum() + fit.mapv(|b| b * b).sum());
        }
        first.extend(second);
        Ok(first)
    })?;
    let ratios: Vec<f64> = sizes.iter().map(|&p| p as f64 / n as f64).collect();
    let mut family = Family::new(plan, "Autoregressive features; a latent space", "p / n", EXCESS);
    family.marker = Some((1.0, "p = n"));
    let axis = at_ratios(ratios[0], ratios[ratios.len() - 1], 300);
    let first = TheoryLine::new("Limit, ρ = 0.7", "from Hastie et al. 2022", |gamma| {
        let found = structured::autoregressive(gamma, RHO, ENERGY, NOISE)?;
        Ok(found.bias + found.variance)
    });
    let second = TheoryLine::new("Limit, latent space", "Hastie et al. 2022", |gamma| {
        Ok(structured::latent_space(gamma, LATENT[0], LATENT[1], [ENERGY, NOISE], 0.0)?.total())
    });
    for (i, (name, theory)) in [("Autoregressive", first), ("Latent space", second)].into_iter().enumerate() {
        family.lines.push(Line::new(name, theory, axis.clone(), (&ratios, i * sizes.len()), &measured)?);
    }
    Ok(family)
}

/// The evidence of a sample, minus that of the model without features, and ridge's best penalty, over n.
pub fn evidence(plan: &Plan) -> Result<Family, Error> {
    const BELIEFS: Beliefs = Beliefs { energy: ENERGY, noise: NOISE, prior: 2.0, model_noise: NOISE };
    let n = 2 * plan.size;
    let sizes = spread(n / 8, 4 * n, 12, n, 0);
    let measured = plan.simulate(&|rng| {
        let per_sample = |p: usize, rng: &mut rand::rngs::ChaCha8Rng| {
            let beta = Array2::from_elem((p, 1), (ENERGY / p as f64).sqrt());
            let x = normal(rng, n, p);
            let y = x.dot(&beta) + noise(rng, n);
            let svd = Svd::new(&x)?;
            let own = svd.u().t().dot(&y);
            let rest = (y.mapv(|v| v * v).sum() - own.mapv(|v| v * v).sum()).max(0.0);
            let [prior, level] = [BELIEFS.prior / n as f64, BELIEFS.model_noise];
            let terms = svd.singular_values().iter().zip(own.column(0)).map(|(sigma, c)| {
                let variance = level + prior * sigma * sigma;
                variance.ln() + c * c / variance
            });
            let free = (n - svd.singular_values().len()) as f64 * level.ln();
            let sum = terms.sum::<f64>() + free + if p < n { rest / level } else { 0.0 };
            Ok::<_, Error>(0.5 * (std::f64::consts::TAU.ln() + sum / n as f64))
        };
        sizes.iter().map(|&p| per_sample(p, rng)).collect()
    })?;
    let ratios: Vec<f64> = sizes.iter().map(|&p| p as f64 / n as f64).collect();
    let theory = TheoryLine::new("Limit", "Shannon and Stieltjes transforms", |gamma| {
        Ok(-evidence::limit(gamma, BELIEFS)?)
    });
    let mut family = Family::new(plan, "The evidence", "p / n", "−ln evidence / n");
    family.y.1 = false;
    family.marker = Some((1.0, "p = n"));
    let axis = at_ratios(ratios[0], ratios[ratios.len() - 1], 200);
    family.lines = vec![Line::new("Bayesian regression", theory, axis, (&ratios, 0), &measured)?];
    Ok(family)
}

/// With the best penalty, the excess error decreases at every n.
pub fn best(plan: &Plan) -> Result<Family, Error> {
    let p = 2 * plan.size;
    let sizes = spread(p / 8, 4 * p, 14, p, 0);
    let beta = Array2::from_elem((p, 1), (ENERGY / p as f64).sqrt());
    let spectrum = PopulationSpectrum::with_multiplicities(&[1.0], &[p as f64])?;
    let population = SpectralPopulation::new(spectrum, &[ENERGY], NOISE)?;
    let at = |n: f64| population.optimal(n)?.ok_or(Error::Empty { what: "target" });
    let penalties =
        sizes.iter().map(|&n| Ok(at(n as f64)?.0 * n as f64)).collect::<Result<Vec<_>, Error>>()?;
    let measured = plan.simulate(&|rng| {
        let x = normal(rng, sizes[sizes.len() - 1], p);
        let y = x.dot(&beta) + noise(rng, x.nrows());
        let excess = |(&n, &penalty): (&usize, &f64)| {
            let fit = Svd::new(&x.slice(s![..n, ..]))?.solve(&y.slice(s![..n, ..]), &Ridge::new(penalty)?)?;
            Ok((fit - &beta).mapv(|d| d * d).sum())
        };
        sizes.iter().zip(&penalties).map(excess).collect()
    })?;
    let theory = TheoryLine::new("Limit", "Nakkiran et al. 2021", move |n| {
        Ok(population.optimal(n)?.ok_or(Error::Empty { what: "target" })?.1.excess)
    });
    let mut family = Family::new(plan, "Ridge with the best penalty", "Samples n", EXCESS);
    family.marker = Some((p as f64, "n = p"));
    let axis = at_ratios(p as f64 / 8.0, 4.0 * p as f64, 100);
    family.lines = vec![Line::new("Ridge, λ = σ²p/‖β‖²", theory, axis, (&floats(&sizes), 0), &measured)?];
    Ok(family)
}
