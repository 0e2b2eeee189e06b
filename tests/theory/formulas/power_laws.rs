//! Spectra that decay as powers: sums over them in closed form, with bounds on the remainders, and the resulting
//! exponents.
//!
//! With `f(x) = (1 + κ x^α)^−m`, the Euler–Maclaurin formula of second order is
//! ```text
//! Σ_{i≥1} f(i) = ∫₀^∞ f dx − f(0)/2 + R,   |R| ≤ V/12
//! ```
//! where `V` is the total variation of `f'`: `f'(0) = 0` for `α > 1`, and `|B₂(x)|/2 ≤ 1/12`.

use super::{close, powers};
use double_descent::theory::overfitting::{Decay, Verdict};
use double_descent::theory::power_law::{best_penalty, with_penalty};
use double_descent::theory::ridge::{RidgeRisk, SpectralPopulation};
use double_descent::theory::spectrum::PopulationSpectrum;

/// The maximum of `t^c (1 + t^α)^−m`, at `t^α = c/(mα − c)`.
fn peak(alpha: f64, c: f64, m: f64) -> f64 {
    let v = c / (m * alpha - c);
    v.powf(c / alpha) / (1.0 + v).powf(m)
}

/// The eigenvalues `i^−α` for `i` up to `count`, at one `κ`.
struct Sums {
    alpha: f64,
    count: f64,
    kappa: f64,
}

/// A value and a bound on its error.
#[derive(Clone, Copy, Debug)]
struct Bounded {
    value: f64,
    off: f64,
}

impl Bounded {
    #[track_caller]
    fn holds(self, found: f64) {
        assert!((found - self.value).abs() <= self.off, "{found}, not {self:?}");
    }
}

/// `∫₀^∞ dx/(1 + x^α)`.
fn integral(alpha: f64) -> f64 {
    let share = std::f64::consts::PI / alpha;
    share / share.sin()
}

impl Sums {
    /// `Σ s^m` for `m` of 1 or 2: in `t = κ^(1/α) x` the derivative is `−mα t^(α−1) (1 + t^α)^(−m−1)` times `κ^(1/α)`.
    /// It falls to its minimum and rises again, so `V = 2 max`. The terms past `count` fall short of `κ^−m x^−mα` by a
    /// relative `m (κ count^α)⁻¹` at most, and half of one more term is left out.
    fn df(&self, m: f64) -> Bounded {
        let &Self { alpha, count, kappa } = self;
        let step = kappa.powf(1.0 / alpha);
        let whole = integral(alpha) / step * if m > 1.0 { 1.0 - 1.0 / alpha } else { 1.0 };
        let small = 1.0 / (kappa * count.powf(alpha));
        let cut = count * small.powf(m) / (m * alpha - 1.0);
        let variation = 2.0 * step * m * alpha * peak(alpha, alpha - 1.0, m + 1.0);
        Bounded { value: whole - 0.5 - cut, off: variation / 12.0 + cut * m * small + 0.5 * small.powf(m) }
    }

    /// `Σ i^−δ (κ/(ℓ + κ))²`: with `a = 2α − δ > 1` the term is `κ^(δ/α) t^a (1 + t^α)⁻²`. Its derivative is `κ^(1/α)`
    /// times the difference of `a t^(a−1) (1 + t^α)⁻³` and `(2α − a) t^(a−1+α) (1 + t^α)⁻³`, each of which rises and
    /// falls once. The integral is a beta function. The terms past `count` are below `x^−δ`.
    fn bias(&self, delta: f64) -> Bounded {
        let &Self { alpha, count, kappa } = self;
        let a = 2.0 * alpha - delta;
        assert!(a > 1.0);
        let [x, y] = [(a + 1.0) / alpha, 2.0 - (a + 1.0) / alpha];
        // Γ(x) Γ(y)/Γ(2), by way of ln Γ.
        let beta = (libm::lgamma(x) + libm::lgamma(y)).exp();
        let scale = kappa.powf((delta - 1.0) / alpha);
        let variation = 2.0
            * (a * peak(alpha, a - 1.0, 3.0) + (2.0 * alpha - a) * peak(alpha, a - 1.0 + alpha, 3.0))
            * kappa.powf((delta + 1.0) / alpha);
        let cut = count.powf(1.0 - delta) / (delta - 1.0);
        Bounded { value: scale / alpha * beta - 0.5 * cut, off: variation / 12.0 + 0.5 * cut }
    }
}

/// Checks the fixed point against the closed form of its sums, and returns the risk.
fn checked(
    population: &SpectralPopulation,
    (alpha, count): (f64, usize),
    (n, lambda): (f64, f64),
) -> (Sums, RidgeRisk) {
    let found = population.at(n, lambda).unwrap();
    let sums = Sums { alpha, count: count as f64, kappa: found.kappa };
    sums.df(1.0).holds(found.df1);
    sums.df(2.0).holds(found.df2);
    close(found.cost, n / (n - found.df2));
    (sums, found)
}

/// The cost tends to `α`: `n − df₂` is `n/α`, plus `1/(2α)` from the `−½` in both sums, and the effect of the cut-off.
#[test]
fn what_overfitting_powers_costs() {
    const COUNT: usize = 200_000;
    for alpha in [1.5, 2.0, 3.5] {
        let spectrum = PopulationSpectrum::power_law(COUNT, alpha).unwrap();
        let population = SpectralPopulation::new(spectrum, &vec![0.0; COUNT], 1.0).unwrap();
        let limit = Decay::Power(alpha).cost().unwrap();
        for n in [50.0, 200.0] {
            let (sums, found) = checked(&population, (alpha, COUNT), (n, 0.0));
            let [one, two] = [1.0, 2.0].map(|m| sums.df(m));
            // df₁ = n gives the integral, and df₂ has the share 1 − 1/α of it.
            let small = 1.0 / (found.kappa * (COUNT as f64).powf(alpha));
            let cuts = [1.0, 2.0].map(|m| COUNT as f64 * small.powf(m) / (m * alpha - 1.0));
            let rest = (n + 0.5 - (alpha - 1.0) * cuts[0]) / alpha + cuts[1];
            Bounded { value: rest, off: one.off + two.off }.holds(n / found.cost);
            // Without a cut-off: α n/(n + ½), whose limit is α.
            let whole = Bounded { value: n / limit, off: 0.5 / limit + cuts[0] + one.off + two.off };
            whole.holds(n / found.cost);
        }
    }
    assert_eq!(Decay::Power(3.0).verdict().unwrap(), Verdict::Tempered);
    assert!(Decay::Power(1.0).cost().is_err());
}

/// If every eigenvalue is `q` times the previous one, `n − df₂ = Σ s (1 − s)` is `1/ln(1/q)` for every `n`. By
/// Poisson's formula the sum over all integers differs from the integral by less than `8π²/a² e^(−2π²/a)`, 2e-15 at
/// `a = ½`. The terms before the first eigenvalue contribute `κ/(e^a − 1)`, about `e^(−an)`, and those past the last
/// `e^(−a(600−n))`.
#[test]
fn what_overfitting_exponentials_costs() {
    let a = 0.5;
    let values: Vec<f64> = (0..600).map(|i| (-a * f64::from(i)).exp()).collect();
    let population =
        SpectralPopulation::new(PopulationSpectrum::new(&values).unwrap(), &[0.0; 600], 1.0).unwrap();
    for n in [60.0, 120.0, 240.0] {
        close(population.at(n, 0.0).unwrap().cost, a * n);
    }
    assert_eq!(Decay::Exponential(a).verdict().unwrap(), Verdict::Catastrophic);
}

/// Bias and variance of the closed form at `n` samples and `λ = n^−s`, without the `½` terms and the cut-off, which
/// vanish relative to `n`.
fn far(alpha: f64, r: f64, s: f64, log_n: f64) -> [f64; 2] {
    // In u = ln κ and with ln n: 1 − λ/κ = C κ^(−1/α)/n.
    let (mut low, mut high) = (-s.min(alpha) * log_n - 50.0, 50.0);
    let share = |u: f64| (integral(alpha).ln() - u / alpha - log_n).exp();
    for _ in 0..200 {
        let u = 0.5 * (low + high);
        if (-s * log_n - u).exp() + share(u) > 1.0 { low = u } else { high = u }
    }
    let seen = (1.0 - 1.0 / alpha) * share(low);
    [2.0 * r * low - (-seen).ln_1p(), seen.ln() - (-seen).ln_1p()]
}

/// Bias and variance agree with the closed form, whose slopes at large n are the exponents.
#[test]
fn exponents_of_power_laws() {
    const COUNT: usize = 100_000;
    let (alpha, r) = (1.8, 0.4);
    let spectrum = PopulationSpectrum::power_law(COUNT, alpha).unwrap();
    // v² = b ℓ = i^−δ.
    let delta = 1.0 + 2.0 * alpha * r;
    let population = SpectralPopulation::new(spectrum, &powers(COUNT, alpha - delta), 1.0).unwrap();
    for s in [0.5, 1.0, best_penalty(alpha, r).unwrap().0, 5.0] {
        for n in [300.0f64, 1200.0] {
            let (sums, found) = checked(&population, (alpha, COUNT), (n, n.powf(-s)));
            sums.bias(delta).holds(found.bias / found.cost);
            close(found.variance, found.df2 / n * found.cost);
        }
        // The slope over one decade at n = 10²⁰⁰, where relative terms of n^(s/α − 1) ≤ 1e-88 have vanished.
        let [from, to] = [200.0, 201.0].map(|decades| far(alpha, r, s, decades * 10f64.ln()));
        let expected = with_penalty(alpha, r, s).unwrap();
        for (part, exponent) in [expected.bias, expected.variance].into_iter().enumerate() {
            let slope = (from[part] - to[part]) / 10f64.ln();
            // Rounding errors of differences of logarithms in the hundreds.
            assert!((slope - exponent).abs() < 1e-11, "{s}: {slope}, not {exponent}");
        }
    }
    let (_, best) = best_penalty(alpha, r).unwrap();
    close(best.bias, best.variance);
    assert!(
        best_penalty(1.0, 0.5).is_err()
            && with_penalty(2.0, 0.0, 1.0).is_err()
            && with_penalty(2.0, 1.0, -1.0).is_err()
    );
}
