//! Spectral laws of `theory` and averages over them, at arguments from their whole domains, against the printed
//! formulas or power series in 4096-bit arithmetic.

use super::draws::Draws;
use super::precise::{Real, Search, pi, real, sum};
use double_descent::theory::filtered::{Flow, IteratedRidge};
use double_descent::theory::gradient_flow;
use double_descent::theory::marchenko_pastur::MarchenkoPastur;
use double_descent::theory::ridge::SpectralPopulation;
use double_descent::theory::smallest_singular_value as smallest;
use double_descent::theory::spectrum::PopulationSpectrum;

#[test]
fn transforms_and_moments_anywhere() {
    let mut search = Search::default();
    let mut draws = Draws::new(301);
    for _ in 0..1500 {
        let (gamma, lambda) = (draws.ratio(), draws.penalty());
        let law = MarchenkoPastur::new(gamma).unwrap();
        let what = |name: &str| format!("{name} of γ = {gamma:e}, λ = {lambda:e}");
        let (g, l) = (real(gamma), real(lambda));
        let root = g.sqrt();
        let [low, high] = law.edges();
        search.check(low, &(1.0 - &root).square(), 1e-13, || what("lower edge"));
        search.check(high, &(1.0 + &root).square(), 1e-13, || what("upper edge"));
        let atom = if gamma > 1.0 { 1.0 - 1.0 / &g } else { real(0.0) };
        search.check(law.atom(), &atom, 1e-13, || what("atom"));
        let a = 1.0 - &g + &l;
        let root = (a.square() + 4.0 * &g * &l).sqrt();
        let m = (&root - &a) / (2.0 * &g * &l);
        let m2 = &m / &l - ((&a + 2.0 * &g) / root - 1.0) / (2.0 * &g * &l);
        let found = law.resolvent(lambda).unwrap();
        search.check(found[0], &m, 1e-12, || what("∫ 1/(x + λ)"));
        search.check(found[1], &m2, 1e-12, || what("∫ 1/(x + λ)²"));
        // Inverse moments, in terms of γ or 1/γ, whichever is below 1.
        if gamma != 1.0 {
            let small = if gamma > 1.0 { 1.0 / &g } else { g.clone() };
            let gap = 1.0 - &small;
            let own = [1.0 / &gap, 1.0 / gap.power(3), (1.0 + &small) / gap.power(5)];
            for (j, (found, own)) in law.inverse_moments().into_iter().zip(own).enumerate() {
                let scale = if gamma > 1.0 { g.power(u32::try_from(j).unwrap() + 2) } else { real(1.0) };
                search.check(found, &(own / scale), 1e-12, || what(&format!("inverse moment {}", j + 1)));
            }
        }
        let k = 1 + draws.below(12);
        let choose = |n: usize, r: usize| (0..r).fold(real(1.0), |c, i| c * (n - i) as f64 / (i + 1) as f64);
        let terms = (0..k).map(|r| {
            let power = g.power(u32::try_from(r).unwrap());
            power / (r + 1) as f64 * choose(k, r) * choose(k - 1, r)
        });
        let found = law.moment(u32::try_from(k).unwrap());
        search.check(found, &sum(terms), 1e-13, || what(&format!("moment {k}")));
    }
    search.finish();
}

#[test]
fn logarithms_anywhere() {
    let mut search = Search::default();
    let mut draws = Draws::new(302);
    for _ in 0..400 {
        let (gamma, epsilon) = (draws.ratio(), draws.penalty());
        let law = MarchenkoPastur::new(gamma).unwrap();
        let (g, s) = (real(gamma), 1.0 / real(epsilon));
        let root = g.sqrt();
        let roots = [1.0 + &root, 1.0 - &root].map(|edge| (&s * edge.square() + 1.0).sqrt());
        let f = (&roots[0] - &roots[1]).square();
        // ln(1 + x) in 640 bits would lose a small x, so its series is used there.
        let log =
            |x: Real| if x < real(1e-60) { &x - x.square() / 2.0 + x.power(3) / 3.0 } else { (1.0 + x).ln() };
        let expected = log(&s - &f / 4.0) + log(&s * &g - &f / 4.0) / &g - &f / (4.0 * &g * &s);
        // For small x/ε the leading terms cancel down to their squares: below 1e-60 no digits are left.
        if epsilon < 1e50 && gamma < 1e50 && gamma > 1e-50 {
            search.check(law.shannon(epsilon).unwrap(), &expected, 1e-11, || {
                format!("∫ ln(1 + x/ε) of γ = {gamma:e}, ε = {epsilon:e}")
            });
        }
        if gamma != 1.0 && gamma > 1e-50 && gamma < 1e50 {
            let expected = if gamma < 1.0 {
                (&g - 1.0) / &g * (1.0 - &g).ln() - 1.0
            } else {
                g.ln() - 1.0 - (&g - 1.0) * (1.0 - 1.0 / &g).ln()
            };
            let what = || format!("mean logarithm of γ = {gamma:e}");
            if expected.clone().abs() > real(1e-3) || gamma < 1.0 {
                search.check(law.mean_log(), &expected, 1e-12, what);
            } else {
                search.check(law.mean_log() + 1.0, &(expected + 1.0), 1e-12, what);
            }
        }
    }
    search.finish();
}

/// Density and distribution function between the edges, at all distances from them.
#[test]
fn the_law_between_its_edges() {
    let mut search = Search::default();
    let mut draws = Draws::new(303);
    let pi = pi();
    for _ in 0..500 {
        let gamma = match draws.below(3) {
            0 => draws.near(1.0),
            1 => draws.decades(-2.0, 2.0),
            _ => draws.decades(-20.0, 20.0),
        };
        let law = MarchenkoPastur::new(gamma).unwrap();
        let g = real(gamma);
        let root = g.sqrt();
        let (a, b) = ((1.0 - &root).square(), (1.0 + &root).square());
        let share = match draws.below(3) {
            0 => draws.decades(-12.0, 0.0),
            1 => 1.0 - draws.decades(-12.0, 0.0),
            _ => draws.between(0.0, 1.0),
        };
        let x = (&a + share * (&b - &a)).value();
        let at = real(x);
        if at <= a || at >= b {
            continue;
        }
        let what = |name: &str| format!("{name} of γ = {gamma:e} at {x:e}, {share:e} of the way");
        let middle = ((&b - &at) * (&at - &a)).sqrt();
        search.check(law.density(x), &(&middle / (2.0 * &pi * &g * &at)), 1e-11, || what("density"));
        let wave = ((2.0 * &at - &a - &b) / (&b - &a)).asin();
        let mut integral = middle + (&a + &b) / 2.0 * (wave + &pi / 2.0);
        if a.is_positive() {
            let geometric = (&a * &b).sqrt();
            let wave = (((&a + &b) * &at - 2.0 * &a * &b) / (&at * (&b - &a))).asin();
            integral = integral - geometric * (wave + &pi / 2.0);
        }
        let atom = if gamma > 1.0 { 1.0 - 1.0 / &g } else { real(0.0) };
        search.check(law.cdf(x), &(atom + integral / (2.0 * &pi * &g)), 1e-11, || what("distribution"));
    }
    search.finish();
}

/// Returns `∫ xᵏ dF` for `k` up to `count`, by the recurrence of Narayana's polynomials,
/// `(k + 1) N_k = (2k − 1)(1 + γ) N_{k−1} − (k − 2)(1 − γ)² N_{k−2}`.
fn moments(gamma: &Real, count: usize) -> Vec<Real> {
    let mut all = vec![real(1.0), real(1.0)];
    for k in 2..=count {
        let first = (2 * k - 1) as f64 * (1.0 + gamma) * &all[k - 1];
        let second = (k - 2) as f64 * (1.0 - gamma).square() * &all[k - 2];
        all.push((first - second) / (k + 1) as f64);
    }
    all
}

/// Transforms and gradient flow from the moments: alternating series with terms up to 1e80, in a thousand digits.
#[test]
fn flow_from_moments() {
    let mut search = Search::default();
    let mut draws = Draws::new(304);
    for _ in 0..60 {
        let gamma = if draws.below(2) == 0 { draws.near(1.0) } else { draws.decades(-8.0, 2.0) };
        // 2 t λ₊ is at most 60.
        let top = (1.0 + gamma.sqrt()).powi(2);
        let t = draws.decades(-8.0, 30f64.log10()) / top;
        let (r2, level) = (draws.decades(-3.0, 3.0), draws.decades(-3.0, 3.0));
        let what = |name: &str| format!("{name} of γ = {gamma:e}, t = {t:e}");
        let moments = moments(&real(gamma), 260);
        let s = 2.0 * real(t);
        let (mut left, mut first, mut spread) = (real(0.0), real(0.0), real(0.0));
        // (−s)ᵏ/k! and (−t)ᵏ/k!.
        let (mut whole, mut half) = (real(1.0), real(1.0));
        for k in 0..260 {
            left = left + &whole * &moments[k];
            if k + 1 < 260 {
                first = first + &whole * &moments[k + 1];
            }
            if k >= 1 {
                // (1 − e^(−tx))²/x = Σ ((−2t)ᵏ − 2 (−t)ᵏ)/k! x^(k−1); the term k = 1 is 0.
                spread = spread + (&whole - 2.0 * &half) * &moments[k - 1];
            }
            whole = whole * (-s.clone()) / (k + 1) as f64;
            half = half * -real(t) / (k + 1) as f64;
        }
        let found = gradient_flow::isotropic(gamma, t, r2, level).unwrap();
        search.check(found.bias, &(r2 * &left), 1e-11, || what("bias of flow"));
        search.check(found.variance, &(level * gamma * &spread), 1e-11, || what("variance of flow"));
        let found = MarchenkoPastur::new(gamma).unwrap().laplace(2.0 * t).unwrap();
        search.check(found[0], &left, 1e-11, || what("∫ e^(−2tx)"));
        search.check(found[1], &first, 1e-11, || what("∫ x e^(−2tx)"));
        // The same by a contour integral.
        let spectrum = PopulationSpectrum::with_multiplicities(&[1.0], &[gamma]).unwrap();
        let population = SpectralPopulation::new(spectrum, &[r2], level).unwrap();
        let found = population.filtered(1.0, &Flow::new(t).unwrap()).unwrap();
        search.check(found.bias, &(r2 * left), 1e-9, || what("bias by contour"));
        search.check(found.variance, &(level * gamma * spread), 1e-9, || what("variance by contour"));
    }
    search.finish();
}

/// The contour integral of ridge's filter is compared with the formula for ridge, which needs no integral, on both
/// sides of every threshold.
#[test]
fn contours_anywhere() {
    let mut search = Search::default();
    let mut draws = Draws::new(305);
    for _ in 0..200 {
        let size = 1 + draws.below(4);
        let range = [1.0, 3.0][draws.below(2)];
        let values: Vec<f64> = (0..size).map(|_| draws.decades(-range, range)).collect();
        let counts: Vec<f64> = (0..size).map(|_| (1 + draws.below(60)) as f64).collect();
        let energies: Vec<f64> = (0..size).map(|_| draws.decades(-2.0, 2.0)).collect();
        let rank: f64 = counts.iter().sum();
        let n = match draws.below(4) {
            0 => draws.near(rank),
            1 => draws.decades(-60.0, 0.0),
            _ => (1 + draws.below(300)) as f64,
        };
        let lambda = draws.decades(-6.0, 2.0);
        let spectrum = PopulationSpectrum::with_multiplicities(&values, &counts).unwrap();
        let population = SpectralPopulation::new(spectrum, &energies, 0.7).unwrap();
        let what = |name: &str| {
            format!("{name} of {values:?} × {counts:?}, {energies:?}, n = {n:e}, λ = {lambda:e}")
        };
        let expected = population.at(n, lambda).unwrap();
        let filter = IteratedRidge::new(lambda, 1).unwrap();
        let Ok(found) = population.filtered(n, &filter) else {
            search.missing(|| what("a value"));
            continue;
        };
        search.check(found.bias, &real(expected.bias), 1e-8, || what("bias"));
        search.check(found.variance, &real(expected.variance), 1e-8, || what("variance"));
    }
    search.finish();
}

/// Finite sums, and the recurrence of Tricomi's function, `U(a−1) + (b − 2a − z) U(a) + a (a − b + 1) U(a+1) = 0`.
#[test]
fn smallest_singular_values_anywhere() {
    let mut search = Search::default();
    let mut draws = Draws::new(306);
    let pi = pi();
    for _ in 0..400 {
        let (n, t) = (1 + draws.below(60), draws.decades(-8.0, 2.0));
        let x = t / n as f64;
        let what = |name: &str| format!("{name} of n = {n}, x = {x:e}");
        let mean = n as f64 * real(x) / 2.0;
        let left = (-mean.clone()).exp();
        search.check(smallest::one_more_cdf(n, x), &(1.0 - &left), 1e-12, || what("n × (n + 1)"));
        // ₁F₁(−n; 2; −x) = Σ C(n, k) xᵏ/(k+1)!
        let (mut term, mut total) = (real(1.0), real(1.0));
        for k in 0..n {
            term = term * x * (n - k) as f64 / ((k + 1) * (k + 2)) as f64;
            total = total + &term;
        }
        search.check(smallest::three_more_cdf(n, x), &(1.0 - &left * total), 1e-10, || what("n × (n + 3)"));
        search.check(smallest::complex_square_cdf(n, x), &(1.0 - left.square()), 1e-12, || what("complex"));
        let (half, root) = (real(t) / 2.0, real(t).sqrt());
        let rest = (-(&half + &root)).exp();
        search.check(smallest::square_limit_cdf(t), &(1.0 - &rest), 1e-12, || what("limit"));
        let density = (1.0 + &root) / (2.0 * &root) * rest;
        search.check(smallest::square_limit_density(t), &density, 1e-12, || what("density of the limit"));
        let inverse = 1.0 / real(t);
        let condition = (-(2.0 * &inverse * (1.0 + &inverse))).exp();
        if t > 0.1 {
            search.check(smallest::condition_limit_cdf(t), &condition, 1e-12, || what("condition"));
        }
        // Quantiles: the laws must return the share at the quantile found.
        for (more, law) in [
            (0, (|n, x| smallest::square_cdf(n, x).unwrap()) as fn(usize, f64) -> f64),
            (1, smallest::one_more_cdf),
            (3, smallest::three_more_cdf),
        ] {
            let share = [draws.decades(-9.0, -0.1), 1.0 - draws.decades(-6.0, -1.0)][draws.below(2)];
            let found = smallest::quantile(n + more, n, share).unwrap().unwrap();
            search.check(law(n, found), &real(share), 1e-9, || format!("share {share} of {n}, {more} more"));
        }
        // One row: the law of a squared normal number.
        if n == 1 {
            let density = (-(real(x) / 2.0)).exp() / (2.0 * &pi * x).sqrt();
            search.check(smallest::square_density(1, x).unwrap(), &density, 1e-12, || what("one row"));
        }
        // The density is n Γ((n+1)/2)/√(2πx) e^(−nx/2) U((n−1)/2, −1/2, x/2); solved for U at a − 1, a, a + 1.
        if n >= 3 {
            let tricomi = |n: usize| {
                let density = real(smallest::square_density(n, x).unwrap());
                // Γ((n+1)/2) up to a factor that all three `n` share, as a product in steps of 1.
                let (a, mut gamma) = ((n - 1) as f64 / 2.0, real(1.0));
                let mut at = if n.is_multiple_of(2) { 0.5 } else { 1.0 };
                while at < a + 1.0 {
                    gamma = gamma * at;
                    at += 1.0;
                }
                density * (n as f64 * real(x) / 2.0).exp() / (n as f64 * gamma)
            };
            let a = (n - 1) as f64 / 2.0;
            let [before, here, after] = [n - 2, n, n + 2].map(tricomi);
            let b = -0.5;
            // The recurrence's positive terms against its negative ones.
            let middle = (2.0 * a - b + real(x) / 2.0) * here;
            let outer = before + a * (a - b + 1.0) * after;
            search.check((&outer / &middle).value(), &real(1.0), 1e-11, || what("recurrence"));
        }
    }
    search.finish();
}
