//! Quantities without an engine of their own, by the SVD of every draw.

use super::{Exact, Limits, Mean, mean, normal, three};
use double_descent::filter::{
    GradientDescent, GradientFlow, Loss, MinNorm, Ridge, Schedule, SpectralFilter, Spectrum,
};
use double_descent::rng::stream;
use double_descent::svd::Svd;
use double_descent::theory::activation::HermiteCoefficients;
use double_descent::theory::evidence::{self, Beliefs};
use double_descent::theory::filtered::{Descent, Flow};
use double_descent::theory::random_features::RandomFeatureModel;
use double_descent::theory::ridge::SpectralPopulation;
use double_descent::theory::smallest_singular_value as smallest;
use double_descent::theory::spectrum::PopulationSpectrum;
use double_descent::theory::{circle, gaussian, gradient_flow, noise};
use ndarray::{Array1, Array2, Axis, concatenate, s};
use rand::RngExt;
use rand::rngs::ChaCha8Rng;

/// An intercept, the sphere, unitary matrices, smallest singular values: exact laws without an engine of their own.
#[test]
fn exact_laws_by_the_svd() {
    let mut table = Exact::default();
    for (n, p) in [(30, 12), (12, 30)] {
        let (r2, level) = (1.0, 0.4);
        let truth = Array1::from_elem(p, f64::sqrt(r2 / p as f64));
        let risk = |repeat| {
            let mut rng = stream(21, p, repeat);
            let x = normal(&mut rng, n, p);
            let y = x.dot(&truth).insert_axis(Axis(1)) + normal(&mut rng, n, 1) * f64::sqrt(level);
            let (means, level) = (x.mean_axis(Axis(0)).unwrap(), y.mean().unwrap());
            let beta = Svd::new(&(&x - &means)).unwrap().solve(&(y - level), &MinNorm::default()).unwrap();
            let beta = beta.column(0).to_owned();
            (&beta - &truth).mapv(|d| d * d).sum() + (level - means.dot(&beta)).powi(2)
        };
        let expected = gaussian::excess_with_intercept(n, p, r2, level).unwrap();
        table.add(format!("intercept, {n} × {p}"), mean((0..1500).map(risk)), expected);
    }
    let trace =
        |x: &Array2<f64>| Svd::new(x).unwrap().singular_values().iter().map(|s| s.powi(-2)).sum::<f64>();
    for (n, p) in [(5, 14), (10, 20), (3, 9)] {
        let term = |repeat| {
            let mut x = normal(&mut stream(22, p, repeat), n, p);
            for mut row in x.rows_mut() {
                let norm = row.dot(&row).sqrt();
                row *= (p as f64).sqrt() / norm;
            }
            trace(&x)
        };
        table.add(format!("sphere, {n} × {p}"), mean((0..1500).map(term)), noise::sphere(n, p).unwrap());
    }
    // A corner of a random unitary matrix, stored as a real matrix of twice the size: the polar factor of a complex
    // Gaussian matrix.
    for (n, p, all) in [(7, 3, 14), (3, 8, 14)] {
        let error = |repeat| {
            let mut rng = stream(23, p, repeat);
            let (re, im) = (normal(&mut rng, all, p), normal(&mut rng, all, p));
            let top = concatenate![Axis(1), re, -&im];
            let x = concatenate![Axis(0), top, concatenate![Axis(1), im, re]];
            let svd = Svd::new(&x).unwrap();
            let unitary = svd.u().dot(svd.vt());
            let corner =
                concatenate![Axis(0), unitary.slice(s![..n, ..]), unitary.slice(s![all..all + n, ..])];
            let inverse = 0.5 * trace(&corner);
            1.0 + (inverse - 2.0 * n.min(p) as f64) / all as f64
        };
        table.add(
            format!("unitary, {n} × {p} of {all}"),
            mean((0..1500).map(error)),
            circle::haar(n, p, all).unwrap(),
        );
    }
    let least = |n: usize, p: usize, repeat| {
        let svd = Svd::new(&normal(&mut stream(24, n * 10 + p, repeat), n, p)).unwrap();
        svd.singular_values()[n - 1].powi(2)
    };
    for n in [2, 6] {
        for (more, law) in [
            (0, (|n, x| smallest::square_cdf(n, x).unwrap()) as fn(usize, f64) -> f64),
            (1, smallest::one_more_cdf),
            (3, smallest::three_more_cdf),
        ] {
            let values: Vec<f64> = (0..1500).map(|repeat| least(n, n + more, repeat)).collect();
            for x in [0.05, 0.2, 0.6, 1.5].map(|x| x * (1 + more * more) as f64 / n as f64) {
                let share = law(n, x);
                // The standard error of a share, from the law itself.
                let error = (share * (1.0 - share) / values.len() as f64).sqrt();
                let found = values.iter().filter(|&&v| v <= x).count() as f64 / values.len() as f64;
                table.add(
                    format!("smallest of {n} × {}, {x}", n + more),
                    Mean { value: found, error },
                    share,
                );
            }
        }
    }
    table.finish();
}

/// Features in two groups, with variances 4 and 0.5 in training and 1 and 2 in another test; the first group has a
/// quarter of them.
struct Groups {
    p: usize,
    n: usize,
}

const NOISE: f64 = 0.3;
const ENERGY: [f64; 2] = [0.4, 0.3];

impl Groups {
    fn of(&self, values: [f64; 2]) -> Array1<f64> {
        Array1::from_iter((0..self.p).map(|i| values[usize::from(4 * i >= self.p)]))
    }

    fn draw(&self, rng: &mut impl rand::Rng) -> Array2<f64> {
        normal(rng, self.n, self.p) * &self.of([4.0, 0.5]).mapv(f64::sqrt)
    }

    fn counts(&self) -> [f64; 2] {
        [0.25, 0.75].map(|share| share * self.p as f64)
    }

    fn spectrum(&self) -> PopulationSpectrum {
        PopulationSpectrum::with_multiplicities(&[4.0, 0.5], &self.counts()).unwrap()
    }

    fn population(&self) -> SpectralPopulation {
        SpectralPopulation::new(self.spectrum(), &ENERGY, NOISE).unwrap()
    }

    /// Bias and noise term of predictions `x·By` on test points of variances `test`, averaged over the noise and over
    /// the target's direction in each group; `image` is `BX`.
    fn risk(&self, image: &Array2<f64>, map: &Array2<f64>, test: &Array1<f64>) -> [f64; 2] {
        let left = image - &Array2::<f64>::eye(self.p);
        let weights = self.of([ENERGY[0] / self.counts()[0], ENERGY[1] / self.counts()[1]]);
        let bias = test.dot(&left.mapv(|v| v * v).dot(&weights));
        [bias, NOISE * test.dot(&map.mapv(|v| v * v).sum_axis(Axis(1)))]
    }
}

/// Returns `B` in `β̂ = By`.
fn smoother(x: &Array2<f64>, filter: &dyn SpectralFilter) -> Array2<f64> {
    let svd = Svd::new(x).unwrap();
    let sigma = svd.singular_values().to_vec();
    let gains = filter.gains(Spectrum::new(x.nrows(), x.ncols(), &sigma));
    (&svd.vt().t() * &gains).dot(&svd.u().t())
}

#[test]
fn any_filter_of_two_groups_by_the_svd() {
    let sizes = three(|i| Groups { n: 25 << i, p: 40 << i });
    let repeats = [400, 120, 40];
    let mut limits = Limits::default();
    let (time, step, steps) = (2.0, 0.05, 12);
    let filters = |n: usize| -> Vec<(&str, Box<dyn SpectralFilter>)> {
        vec![
            ("minimum norm", Box::new(MinNorm::default())),
            ("ridge", Box::new(Ridge::new(0.2 * n as f64).unwrap())),
            ("flow", Box::new(GradientFlow::new(time, Loss::HalfMean).unwrap())),
            (
                "descent",
                Box::new(GradientDescent::new(Schedule::Constant(step), steps, Loss::HalfMean).unwrap()),
            ),
        ]
    };
    let theory = |groups: &Groups, which: usize| {
        let (population, n) = (groups.population(), groups.n as f64);
        let excess = match which {
            0 => population.at(n, 0.0).map(|risk| [risk.bias, risk.variance]),
            1 => population.at(n, 0.2).map(|risk| [risk.bias, risk.variance]),
            2 => population.filtered(n, &Flow::new(time).unwrap()).map(|risk| [risk.bias, risk.variance]),
            _ => population
                .filtered(n, &Descent::new(step, u32::try_from(steps).unwrap()).unwrap())
                .map(|risk| [risk.bias, risk.variance]),
        };
        excess.unwrap()
    };
    // For each size and filter: bias, variance, and the excess on the other test.
    let measured = three(|i| {
        let groups = &sizes[i];
        let runs = (0..repeats[i]).map(|repeat| {
            let x = groups.draw(&mut stream(31, groups.p, repeat));
            let risks = filters(groups.n).into_iter().map(|(_, filter)| {
                let map = smoother(&x, &*filter);
                let image = map.dot(&x);
                let own = groups.risk(&image, &map, &groups.of([4.0, 0.5]));
                let other = groups.risk(&image, &map, &groups.of([1.0, 2.0]));
                [own[0], own[1], other[0] + other[1]]
            });
            risks.collect::<Vec<_>>()
        });
        runs.collect::<Vec<_>>()
    });
    let over = |i: usize, which: usize, part: usize| mean(measured[i].iter().map(|run| run[which][part]));
    for (which, (name, _)) in filters(1).iter().enumerate() {
        for (part, what) in ["bias", "variance"].into_iter().enumerate() {
            let expected = three(|i| theory(&sizes[i], which)[part]);
            limits.add(format!("{name}, {what}"), three(|i| over(i, which, part)), expected);
        }
        if which < 2 {
            let lambda = [0.0, 0.2][which];
            let expected = three(|i| {
                sizes[i].population().at_test(sizes[i].n as f64, lambda, &[1.0, 2.0]).unwrap().excess
            });
            limits.add(format!("{name}, another test"), three(|i| over(i, which, 2)), expected);
        }
    }
    limits.finish();
}

#[test]
fn random_projections_ensembles_and_subsamples() {
    let sizes = three(|i| Groups { n: 24 << i, p: 40 << i });
    let repeats = [300, 80, 25];
    let mut limits = Limits::default();
    for (ratio, ridge) in [(0.6, 0.0), (1.5, 0.05)] {
        let features = three(|i| (ratio * sizes[i].n as f64).round());
        let measured = three(|i| {
            let groups = &sizes[i];
            let k = features[i];
            let own = groups.of([4.0, 0.5]);
            let runs = (0..repeats[i]).map(|repeat| {
                #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
                let count = k as usize;
                let mut rng = stream(32, count, repeat);
                let x = groups.draw(&mut rng);
                let filter: Box<dyn SpectralFilter> = if ridge > 0.0 {
                    Box::new(Ridge::new(k * ridge * groups.n as f64).unwrap())
                } else {
                    Box::new(MinNorm::default())
                };
                let mut maps = (0..3).map(|_| {
                    let weights = normal(&mut rng, groups.p, count);
                    weights.dot(&smoother(&x.dot(&weights), &*filter))
                });
                let one = maps.next().unwrap();
                let all = maps.fold(one.clone(), |sum, map| sum + map) / 3.0;
                [&one, &all].map(|map| groups.risk(&map.dot(&x), map, &own).iter().sum::<f64>())
            });
            runs.collect::<Vec<_>>()
        });
        let theory = three(|i| {
            // φ has variance 1 per coordinate: v = √ℓ β, and the energy of a group is ℓ times that of β.
            let energy = [4.0 * ENERGY[0], 0.5 * ENERGY[1]];
            let model = RandomFeatureModel::new(sizes[i].spectrum(), &energy, NOISE).unwrap();
            model.at(sizes[i].n as f64, features[i], ridge * sizes[i].n as f64).unwrap()
        });
        for (which, members) in [1, 3].into_iter().enumerate() {
            limits.add(
                format!("projections, {ratio} n features, {members} draws"),
                three(|i| mean(measured[i].iter().map(|run| run[which]))),
                three(|i| theory[i].of_members(members).unwrap()),
            );
        }
    }
    // Two subsamples, each of half of the samples, drawn without replacement.
    for lambda in [0.0, 0.3] {
        let found = three(|i| {
            let groups = &sizes[i];
            let half = groups.n / 2;
            let run = |repeat| {
                let mut rng = stream(33, groups.n, repeat);
                let x = groups.draw(&mut rng);
                let mut all = Array2::zeros((groups.p, groups.n));
                for _ in 0..2 {
                    let mut rows: Vec<usize> = (0..groups.n).collect();
                    for i in 0..half {
                        let j = rng.random_range(i..groups.n);
                        rows.swap(i, j);
                    }
                    let filter: Box<dyn SpectralFilter> = if lambda > 0.0 {
                        Box::new(Ridge::new(lambda * half as f64).unwrap())
                    } else {
                        Box::new(MinNorm::default())
                    };
                    let map = smoother(&x.select(Axis(0), &rows[..half]), &*filter);
                    for (column, &row) in rows[..half].iter().enumerate() {
                        let mut target = all.column_mut(row);
                        target += &(&map.column(column) * 0.5);
                    }
                }
                groups.risk(&all.dot(&x), &all, &groups.of([4.0, 0.5])).iter().sum::<f64>()
            };
            mean((0..repeats[i]).map(run))
        });
        let expected = three(|i| {
            let n = sizes[i].n as f64;
            sizes[i].population().subsampled(n, 0.5 * n, lambda, Some(2)).unwrap()
        });
        limits.add(format!("two subsamples, λ = {lambda}"), found, expected);
    }
    limits.finish();
}

/// Inputs and weights on spheres, `ReLU` features.
#[test]
fn mei_and_montanari_by_the_svd() {
    let sizes = [20usize, 40, 80];
    let repeats = [250, 80, 25];
    let (ratios, lambda) = ([2.0, 3.0], 0.05);
    let relu = HermiteCoefficients::relu();
    let theory = relu.mei_montanari(ratios, lambda).unwrap();
    let runs = three(|i| {
        let d = sizes[i];
        let (features, samples, tests) = (2 * d, 3 * d, 300);
        let sphere = |rng: &mut ChaCha8Rng, count: usize| {
            let mut x = normal(rng, count, d);
            for mut row in x.rows_mut() {
                let norm = row.dot(&row).sqrt();
                row *= (d as f64).sqrt() / norm;
            }
            x
        };
        let run = |repeat| {
            let mut rng = stream(34, d, repeat);
            let (x, test, weights) =
                (sphere(&mut rng, samples), sphere(&mut rng, tests), sphere(&mut rng, features));
            let map =
                |x: &Array2<f64>| x.dot(&weights.t()).mapv(|v| (v / (d as f64).sqrt()).max(0.0) - relu.mean);
            // Minimises (1/n) ‖y − Za‖² + (Nλ/d) ‖a‖².
            let penalty = samples as f64 * features as f64 * lambda / d as f64;
            let fit = map(&test).dot(&smoother(&map(&x), &Ridge::new(penalty).unwrap()));
            // The target is linear, with a random direction and energy 1.
            let left = fit.dot(&x) - &test;
            let over = (tests * d) as f64;
            [left.mapv(|v| v * v).sum() / over, fit.mapv(|v| v * v).sum() / tests as f64]
        };
        (0..repeats[i]).map(run).collect::<Vec<_>>()
    });
    let mut limits = Limits::default();
    for (part, (name, expected)) in
        [("bias", theory.bias), ("variance", theory.variance)].into_iter().enumerate()
    {
        let found = three(|i| mean(runs[i].iter().map(|run| run[part])));
        limits.add(format!("ReLU features, {name}"), found, [expected; 3]);
    }
    limits.finish();
}

/// Gradient flow on isotropic features, and the evidence, from singular values alone.
#[test]
fn isotropic_spectra_by_the_svd() {
    let sizes = [40usize, 80, 160];
    let repeats = [250, 60, 20];
    let mut limits = Limits::default();
    for gamma in [0.5, 1.0, 2.0] {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let shapes = sizes.map(|n| (n, (gamma * n as f64) as usize));
        let spectra = three(|i| {
            let (n, p) = shapes[i];
            let values = |repeat| {
                let svd = Svd::new(&normal(&mut stream(51, p, repeat), n, p)).unwrap();
                svd.singular_values().iter().map(|s| s * s / n as f64).collect::<Vec<f64>>()
            };
            (0..repeats[i]).map(values).collect::<Vec<_>>()
        });
        let over =
            |f: &dyn Fn(usize, &[f64]) -> f64| three(|i| mean(spectra[i].iter().map(|values| f(i, values))));
        let t = 3.0;
        let theory = gradient_flow::isotropic(gamma, t, 1.0, 1.0).unwrap();
        let bias = over(&|i, values| {
            let p = shapes[i].1 as f64;
            1.0 + values.iter().map(|x| (-2.0 * t * x).exp_m1()).sum::<f64>() / p
        });
        let variance = over(&|i, values| {
            let n = shapes[i].0 as f64;
            values.iter().map(|x| (-t * x).exp_m1().powi(2) / x).sum::<f64>() / n
        });
        limits.add(format!("flow, γ = {gamma}, bias"), bias, [theory.bias; 3]);
        limits.add(format!("flow, γ = {gamma}, variance"), variance, [theory.variance; 3]);
        let beliefs = Beliefs { energy: 1.5, noise: 0.4, prior: 2.0, model_noise: 0.3 };
        let found = over(&|i, values| {
            let (n, p) = (shapes[i].0 as f64, shapes[i].1 as f64);
            let whole = (n - values.len() as f64) * (0.3f64.ln() + 0.4 / 0.3);
            let sum: f64 = values
                .iter()
                .map(|x| {
                    let variance = 0.3 + 2.0 * x;
                    variance.ln() + (1.5 * n / p * x + 0.4) / variance
                })
                .sum();
            -0.5 * (std::f64::consts::TAU.ln() + (whole + sum) / n)
        });
        limits.add(format!("evidence, γ = {gamma}"), found, [evidence::limit(gamma, beliefs).unwrap(); 3]);
    }
    limits.finish();
}
