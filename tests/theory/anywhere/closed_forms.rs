//! Closed forms of `theory` at arguments from their whole domains, against the printed formulas in 4096-bit arithmetic.

use super::draws::Draws;
use super::precise::{Real, Search, pi, real, sum};
use double_descent::theory::activation::HermiteCoefficients;
use double_descent::theory::evidence::{self, Beliefs};
use double_descent::theory::gradient_flow::{self, FeatureGroup};
use double_descent::theory::optimal_ridge;
use double_descent::theory::overfitting::Tail;
use double_descent::theory::ridge;
use double_descent::theory::spectrum::PopulationSpectrum;

/// The accuracy claimed for formulas of a few operations.
const CLAIM: f64 = 1e-13;

fn count(value: usize) -> Real {
    real(value as f64)
}

/// Against the transform of the Marchenko–Pastur law and its derivative.
#[test]
fn isotropic_ridge_anywhere() {
    let mut search = Search::default();
    let mut draws = Draws::new(203);
    for _ in 0..3000 {
        let (gamma, lambda) = (draws.ratio(), draws.penalty());
        let (r2, level) = (draws.level(), draws.level());
        let what =
            |name: &str| format!("{name} of γ = {gamma:e}, λ = {lambda:e}, r² = {r2:e}, σ² = {level:e}");
        let (g, l) = (real(gamma), real(lambda));
        let a = 1.0 - &g + &l;
        let root = (a.square() + 4.0 * &g * &l).sqrt();
        let m = (&root - &a) / (2.0 * &g * &l);
        let m2 = &m / &l - ((&a + 2.0 * &g) / root - 1.0) / (2.0 * &g * &l);
        let found = ridge::isotropic(gamma, lambda, r2, level).unwrap();
        search.check(found.bias, &(r2 * l.square() * &m2), CLAIM, || what("bias"));
        let variance = level * &g * (&m - &l * &m2);
        search.check(found.variance, &variance, CLAIM, || what("variance"));
        search.check(found.kappa, &(1.0 / (1.0 - &g * (1.0 - &l * &m)) * &l), CLAIM, || what("κ"));
        if r2 > 0.0 {
            let best = level * &g / r2;
            let a = r2 * (1.0 - 1.0 / &g) - level;
            let excess = (&a + (a.square() + 4.0 * real(r2) * level).sqrt()) / 2.0;
            let found = ridge::optimal_isotropic(gamma, r2, level).unwrap();
            search.check(found.0, &best, CLAIM, || what("λ*"));
            search.check(found.1, &excess, CLAIM, || what("excess at λ*"));
        }
    }
    search.finish();
}

/// Waves, error functions and exponentials of any scale.
#[test]
fn activations_anywhere() {
    let mut search = Search::default();
    let mut draws = Draws::new(204);
    let pi = pi();
    let mut check = |name: &str, a: f64, b: f64, found: HermiteCoefficients, expected: [Real; 3]| {
        let parts = [("μ₀", found.mean), ("μ₁", found.linear), ("μ*²", found.rest)];
        for ((part, found), expected) in parts.into_iter().zip(&expected) {
            search.check(found, expected, 1e-12, || format!("{part} of {name}, a = {a:e}, b = {b:e}"));
        }
    };
    for _ in 0..400 {
        let a = draws.special(&[1.0], -12.0, 1.2) * [-1.0, 1.0][draws.below(2)];
        let b = draws.between(-4.0, 4.0);
        let w = real(a).square();
        let damped = (real(0.0) - &w / 2.0).exp();
        let (sine, cosine) = (real(b).sin(), real(b).cos());
        let twice = (real(2.0) * b).cos() * (-2.0 * &w).exp();
        let (mean, linear) = (&cosine * &damped, -(a * sine * &damped));
        let rest = (1.0 + twice) / 2.0 - mean.square() - linear.square();
        check("cos", a, b, HermiteCoefficients::cos(a, b), [mean, linear, rest]);
        let linear = a * &damped;
        let rest = (1.0 - (-2.0 * &w).exp()) / 2.0 - linear.square();
        check("sin", a, b, HermiteCoefficients::sin(a), [real(0.0), linear, rest]);
        let linear = 2.0 * real(a) / (&pi * (1.0 + 2.0 * &w)).sqrt();
        let rest = 2.0 / &pi * (2.0 * &w / (1.0 + 2.0 * &w)).asin() - linear.square();
        check("erf", a, b, HermiteCoefficients::erf(a), [real(0.0), linear, rest]);
        let mean = (&w / 2.0).exp();
        let linear = a * &mean;
        let rest = (2.0 * &w).exp() - mean.square() - linear.square();
        check("exp", a, b, HermiteCoefficients::exp(a), [mean, linear, rest]);
        let mean = (1.0 - real(a)) / (2.0 * &pi).sqrt();
        let linear = (1.0 + real(a)) / 2.0;
        let rest = (1.0 + &w) / 2.0 - mean.square() - linear.square();
        check("leaky ReLU", a, b, HermiteCoefficients::leaky_relu(a), [mean, linear, rest]);
    }
    search.finish();
    // Scales whose squares overflow.
    for a in [1e160, 1e300, -1e200] {
        for found in
            [HermiteCoefficients::cos(a, 0.3), HermiteCoefficients::sin(a), HermiteCoefficients::erf(a)]
        {
            assert!(found.mean.abs() + found.rest <= 1.0 && found.linear.is_finite(), "{found:?}");
        }
        assert_eq!(HermiteCoefficients::exp(a).rest, f64::INFINITY);
        let tiny = HermiteCoefficients::erf(1.0 / a);
        search_close(tiny.linear, 2.0 / std::f64::consts::PI.sqrt() / a);
    }
}

#[track_caller]
fn search_close(found: f64, expected: f64) {
    assert!((found / expected - 1.0).abs() < 1e-14, "{found:e}, not {expected:e}");
}

#[test]
fn curves_in_time_anywhere() {
    let mut search = Search::default();
    let mut draws = Draws::new(205);
    for _ in 0..1000 {
        let groups: Vec<FeatureGroup> = (0..=draws.below(4))
            .map(|_| FeatureGroup {
                count: (1 + draws.below(50)) as f64,
                variance: draws.special(&[0.0], -6.0, 2.0),
                energy: draws.level(),
            })
            .collect();
        let (n, level, t) = (draws.decades(0.0, 6.0), draws.level(), draws.special(&[0.0], -8.0, 8.0));
        let what = |name: &str| format!("{name} of {groups:?}, n = {n:e}, σ² = {level:e}, t = {t:e}");
        let excess = |factor: &dyn Fn(f64) -> Real| {
            sum(groups.iter().map(|group| {
                let g = factor(group.variance);
                let bias = real(group.variance) * group.energy * g.square();
                group.count * (bias + level / real(n) * (1.0 - g).square())
            }))
        };
        let flow = excess(&|variance| (-(real(variance) * t)).exp());
        let found = gradient_flow::excess(&groups, n, level, t).unwrap();
        // e^(−x) with x in the hundreds amplifies the relative rounding error of x by a factor x.
        search.check(found, &flow, 1e-12, || what("flow"));
        let (eta, steps) = (draws.decades(-6.0, 0.4), u32::try_from(draws.below(300)).unwrap());
        let descent = excess(&|variance| (1.0 - real(eta) * variance).power(steps));
        let found = gradient_flow::excess_of_descent(&groups, n, level, eta, steps).unwrap();
        search.check(found, &descent, 1e-12, || what(&format!("{steps} steps of {eta:e}")));
        let group = groups[0];
        if group.variance > 0.0 {
            let found = gradient_flow::optimum(&group, n, level).unwrap();
            let (bias, end) = (real(group.variance) * group.energy, level / real(n));
            search.check(found.end, &end, CLAIM, || what("end"));
            if level > 0.0 {
                let time = (1.0 + &bias / &end).ln() / group.variance;
                search.check(found.time, &time, CLAIM, || what("best time"));
                search.check(found.least, &(&bias * &end / (&bias + &end)), CLAIM, || what("least"));
            }
        }
        let (samples, fast) = (2 + draws.below(200), draws.below(200));
        if fast + 2 <= samples {
            let slow = draws.level();
            let expected = (real(level) + slow) * (1.0 + count(fast) / count(samples - fast - 1)) - level;
            let found = gradient_flow::plateau(samples, fast, slow, level).unwrap();
            search.check(found, &expected, CLAIM, || {
                what(&format!("plateau of {fast} at {samples}, {slow:e}"))
            });
        }
        let x = draws.decades(-300.0, 300.0);
        let found = gradient_flow::against_ridge(x).unwrap();
        let left = if x > 1e5 { real(0.0) } else { (-real(x)).exp() };
        let flow = 1.0 - &left;
        if x > 1e-100 {
            search.check(found.flow, &flow, CLAIM, || format!("1 − e^(−{x:e})"));
            search.check(found.ridge, &(x / (1.0 + real(x))), CLAIM, || format!("x/(1 + x), {x:e}"));
            search.check(found.ratio, &((1.0 + real(x)) * &flow / x), CLAIM, || format!("ratio at {x:e}"));
            let risk = (1.0 + real(x)) * (left.square() + flow.square() / x);
            search.check(found.risk_ratio, &risk, CLAIM, || format!("ratio of risks at {x:e}"));
        }
    }
    search.finish();
}

#[test]
fn ranks_and_designs_anywhere() {
    let mut search = Search::default();
    let mut draws = Draws::new(206);
    for _ in 0..1000 {
        let size = 1 + draws.below(30);
        let range = [1.0, 10.0, 140.0][draws.below(3)];
        let mut values: Vec<f64> = (0..size).map(|_| draws.decades(-range, range)).collect();
        values.sort_by(|a, b| b.total_cmp(a));
        let energy: Vec<f64> = values.iter().map(|_| draws.level()).collect();
        let (k, n, b) = (draws.below(size), draws.decades(-1.0, 3.0), draws.decades(-1.0, 1.0));
        let lambda = if draws.below(2) == 0 { 0.0 } else { draws.decades(-range, range) };
        let what = |name: &str| {
            format!("{name} of {values:?}, k = {k}, n = {n:e}, b = {b}, λ = {lambda:e}, {energy:?}")
        };
        let tail = Tail::new(&values).unwrap();
        let rest = |k: usize, power: u32| sum(values[k..].iter().map(|&value| real(value).power(power)));
        let ranks = |k: usize| (rest(k, 1) / values[k], rest(k, 1).square() / rest(k, 2));
        let found = tail.effective_ranks(k).unwrap();
        search.check(found[0], &ranks(k).0, CLAIM, || what("r_k"));
        search.check(found[1], &ranks(k).1, CLAIM, || what("R_k"));
        let star = (0..size).find(|&k| ranks(k).0 >= b * real(n));
        let found = tail.benign(n, b).unwrap();
        assert_eq!(found.map(|found| found.0), star, "{}", what("k*"));
        if let (Some((_, found)), Some(star)) = (found, star) {
            let expected = count(star) / n + n / ranks(star).1;
            search.check(found, &expected, CLAIM, || what("proxy"));
        }
        let scale = (lambda + rest(k, 1)) / n;
        let variance = count(k) / n + n * rest(k, 2) / (lambda + rest(k, 1)).square();
        search.check(tail.ridge_noise(k, n, lambda).unwrap(), &variance, CLAIM, || what("V"));
        let bias = sum(values
            .iter()
            .zip(&energy)
            .enumerate()
            .map(|(i, (&l, &b))| if i < k { b / real(l) * scale.square() } else { real(l) * b }));
        search.check(tail.ridge_bias(k, n, lambda, &energy).unwrap(), &bias, CLAIM, || what("B"));
        let z = draws.decades(-range, range);
        let expected = sum(values.iter().map(|&l| l / (real(l) + z)));
        let found = PopulationSpectrum::new(&values).unwrap().effective_dimension(z).unwrap();
        search.check(found, &expected, CLAIM, || what("effective dimension"));
        // One design.
        let (d, norm2, level) = (size + draws.below(20), draws.decades(-50.0, 50.0), draws.level());
        let best = count(d) * level / norm2;
        let found = optimal_ridge::of_design(&values, d, norm2, level).unwrap();
        search.check(found.0, &best, CLAIM, || what("λ*"));
        let left = if level > 0.0 { sum(values.iter().map(|&w| &best / (w + &best))) } else { real(0.0) };
        let excess = norm2 / count(d) * (left + count(d - size));
        search.check(found.1, &excess, CLAIM, || what("excess at λ*"));
        let found = optimal_ridge::model_wise(d, size, norm2, level).unwrap();
        let expected = count(d) * level / norm2 + count(d - size);
        search.check(found.lambda, &expected, CLAIM, || what("model-wise λ*"));
        let expected = level + count(d - size) / count(d) * norm2;
        search.check(found.noise, &expected, CLAIM, || what("model-wise noise"));
    }
    search.finish();
}

#[test]
fn spectra_with_names_anywhere() {
    let mut search = Search::default();
    let mut draws = Draws::new(207);
    let pi = pi();
    for _ in 0..60 {
        let (size, rho) =
            (1 + draws.below(9), [-1.0, 1.0][draws.below(2)] * (1.0 - draws.decades(-9.0, -0.01)));
        let found = PopulationSpectrum::autoregressive(size, rho).unwrap();
        for (i, &value) in found.values().iter().enumerate() {
            let wave = (2.0 * &pi * (count(i) + 0.5) / count(size)).cos();
            let square = real(rho).square();
            let expected = (1.0 - &square) / (1.0 - 2.0 * real(rho) * wave + square);
            search.check(value, &expected, CLAIM, || format!("{i} of {size}, ρ = {rho:e}"));
        }
        let alpha = draws.between(0.0, 5.0);
        for (i, &value) in PopulationSpectrum::power_law(size, alpha).unwrap().values().iter().enumerate() {
            let expected = (-(alpha * count(i + 1).ln())).exp();
            search.check(value, &expected, CLAIM, || format!("{i}^−{alpha}"));
        }
    }
    search.finish();
}

/// Errors are in units of the largest term, as documented.
#[test]
fn evidence_anywhere() {
    let mut search = Search::default();
    let mut draws = Draws::new(208);
    let pi = pi();
    for _ in 0..400 {
        let gamma = draws.special(&[1.0], -6.0, 6.0);
        let beliefs = Beliefs {
            energy: draws.decades(-3.0, 3.0),
            noise: draws.decades(-3.0, 3.0),
            prior: draws.decades(-8.0, 8.0),
            model_noise: draws.decades(-8.0, 8.0),
        };
        let (g, t) = (real(gamma), real(beliefs.prior));
        let lambda = beliefs.model_noise / &t;
        let a = 1.0 - &g + &lambda;
        let m = ((a.square() + 4.0 * &g * &lambda).sqrt() - &a) / (2.0 * &g * &lambda);
        let s = 1.0 / &lambda;
        let roots = [1.0 + g.sqrt(), 1.0 - g.sqrt()].map(|edge| (&s * edge.square() + 1.0).sqrt());
        let f = (&roots[0] - &roots[1]).square();
        let shannon =
            (1.0 + &s - &f / 4.0).ln() + (1.0 + &s * &g - &f / 4.0).ln() / &g - &f / (4.0 * &g * &s);
        let seen = 1.0 - &lambda * &m;
        let misfit = (beliefs.energy * &seen + beliefs.noise * (1.0 - &g * &seen) / &lambda) / &t;
        let terms = [(2.0 * &pi).ln(), real(beliefs.model_noise).ln(), &g * shannon, misfit];
        let largest = terms.iter().map(|term| term.clone().abs().value()).fold(0.0, f64::max);
        let expected = real(0.0) - sum(terms) / 2.0;
        let found = evidence::limit(gamma, beliefs).unwrap();
        search.check(found / largest + 10.0, &(expected / largest + 10.0), 1e-12, || {
            format!("evidence of γ = {gamma:e}, {beliefs:?}")
        });
    }
    search.finish();
}
