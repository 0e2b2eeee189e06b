//! Every fixed point of `theory` at arguments from its whole domain, against the same equations in 4096-bit arithmetic.
//!
//! Newton's method finds the exact root, starting from the one under test. Here it converges to all digits or not at
//! all; the equation itself then confirms that the result is the root.

use super::case::Spectrum;
use super::draws::Draws;
use super::precise::{Real, Search, real, sum};
use double_descent::theory::random_features::RandomFeatureModel;
use double_descent::theory::ridge::SpectralPopulation;
use double_descent::theory::structured;

/// The claimed accuracy.
const CLAIM: f64 = 1e-10;

/// Returns the effective dimensions, risk terms and cost of one case, by the printed formulas.
fn ridge(case: &Spectrum, n: f64, lambda: f64, noise: f64, kappa: &Real) -> [Real; 7] {
    let df = |power: u32| case.sum(kappa, |s, _| s.power(power));
    let (df1, df2) = (df(1), df(2));
    let bare = case.bare(kappa);
    let pole = 1.0 - &df2 / n;
    let (bias, variance) = (&bare / &pole, noise * &df2 / n / &pole);
    let free = if kappa.is_positive() { lambda / kappa } else { 1.0 - &df1 / n };
    let train = free.square() * (&bias + noise / &pole);
    let excess = &bias + &variance;
    [df1, df2, bias, variance, excess, train, 1.0 / pole]
}

#[test]
fn ridge_anywhere() {
    let mut search = Search::default();
    let mut draws = Draws::new(101);
    for _ in 0..1500 {
        let case = Spectrum::draw(&mut draws);
        let (n, noise) = (case.samples(&mut draws), draws.decades(-3.0, 3.0));
        let lambda = if draws.below(3) == 0 { 0.0 } else { draws.penalty() };
        let population = SpectralPopulation::new(case.spectrum(), &case.energies, noise).unwrap();
        let found = population.at(n, lambda).unwrap();
        let what = |name: &str| format!("{name} of {case:?}, n = {n:e}, λ = {lambda:e}, σ² = {noise:e}");
        let kappa = if lambda == 0.0 && case.rank() <= real(n) {
            Some(real(0.0))
        } else {
            case.ridge_root(found.kappa, n, lambda)
        };
        let Some(kappa) = kappa else {
            search.missing(|| what("κ"));
            continue;
        };
        search.check(found.kappa, &kappa, CLAIM, || what("κ"));
        if lambda == 0.0 && case.rank() == real(n) {
            assert_eq!(found.cost, f64::INFINITY);
            continue;
        }
        let [df1, df2, bias, variance, excess, train, cost] = ridge(&case, n, lambda, noise, &kappa);
        for (name, found, expected) in [
            ("df₁", found.df1, df1),
            ("df₂", found.df2, df2),
            ("bias", found.bias, bias),
            ("variance", found.variance, variance),
            ("excess", found.excess, excess),
            ("train", found.train, train),
            ("cost", found.cost, cost),
        ] {
            search.check(found, &expected, CLAIM, || what(name));
        }
    }
    search.finish();
}

/// Negative penalties, starting from a pole.
#[test]
fn negative_penalties_anywhere() {
    let mut search = Search::default();
    let mut draws = Draws::new(102);
    let mut tried = 0;
    while tried < 300 {
        let case = Spectrum::draw(&mut draws);
        let (n, noise) = (case.samples(&mut draws), draws.decades(-3.0, 3.0));
        if case.rank() <= real(n * (1.0 + 1e-9)) {
            continue;
        }
        tried += 1;
        let population = SpectralPopulation::new(case.spectrum(), &case.energies, noise).unwrap();
        let zero = population.at(n, 0.0).unwrap().kappa;
        // A penalty that has a solution: the one that gives a smaller κ, if df₂ < n there.
        let share = draws.between(0.02, 1.0);
        let small = real(zero) * (1.0 - share);
        if case.sum(&small, |s, _| s.square()) >= real(n) * 0.999 {
            continue;
        }
        let lambda = (&small * (1.0 - case.sum(&small, |s, _| s.clone()) / n)).value();
        let found = population.at(n, lambda).unwrap();
        let what = |name: &str| format!("{name} of {case:?}, n = {n:e}, λ = {lambda:e}, σ² = {noise:e}");
        let Some(kappa) = case.ridge_root(found.kappa, n, lambda) else {
            search.missing(|| what("κ"));
            continue;
        };
        // The pole 1 − df₂/n amplifies rounding errors of κ and λ.
        let [_, df2, bias, variance, ..] = ridge(&case, n, lambda, noise, &kappa);
        let claim = CLAIM.max(1e-13 * (1.0 / (1.0 - df2 / n)).value());
        search.check(found.kappa, &kappa, claim, || what("κ"));
        search.check(found.bias, &bias, claim, || what("bias"));
        search.check(found.variance, &variance, claim, || what("variance"));
    }
    search.finish();
}

#[test]
fn other_tests_and_subsamples_anywhere() {
    let mut search = Search::default();
    let mut draws = Draws::new(103);
    for _ in 0..500 {
        let case = Spectrum::draw(&mut draws);
        let (n, noise) = (case.samples(&mut draws), draws.decades(-3.0, 3.0));
        let lambda = draws.penalty();
        let population = SpectralPopulation::new(case.spectrum(), &case.energies, noise).unwrap();
        let test: Vec<f64> = case.values.iter().map(|_| draws.decades(-2.0, 2.0)).collect();
        if population.at(n, lambda).unwrap().bias < 1e-290 {
            // Too small for full precision in `f64`, though it may be larger on another test distribution.
            continue;
        }
        let found = population.at_test(n, lambda, &test).unwrap();
        let what = |name: &str| {
            format!("{name} of {case:?}, n = {n:e}, λ = {lambda:e}, σ² = {noise:e}, τ = {test:?}")
        };
        let Some(kappa) = case.ridge_root(found.kappa, n, lambda) else {
            search.missing(|| what("κ"));
            continue;
        };
        let pole = 1.0 - case.sum(&kappa, |s, _| s.square()) / n;
        let listed = || case.values.iter().zip(&case.energies).zip(&test).zip(&case.counts);
        let bare = case.bare(&kappa);
        let own = sum(listed().map(|(((&l, &b), &t), _)| b * t * (&kappa / (real(l) + &kappa)).square()));
        let spread = sum(listed().map(|(((&l, _), &t), &m)| {
            let l = real(l);
            m * t * &l / (&l + &kappa).square()
        })) / n;
        search.check(found.bias, &(own + &spread * &bare / &pole), CLAIM, || what("bias on a test"));
        search.check(found.variance, &(noise * &spread / &pole), CLAIM, || what("variance on a test"));
        // Subsamples: κ and df₂ of `size` samples, next to those of all n.
        let size = n * draws.between(0.1, 1.0);
        let Some(kappa) = case.ridge_root(population.at(size, lambda).unwrap().kappa, size, lambda) else {
            search.missing(|| what("κ of a subsample"));
            continue;
        };
        let df2 = case.sum(&kappa, |s, _| s.square());
        let bare = case.bare(&kappa);
        let risk = |n: f64| (&bare + noise * &df2 / n) / (1.0 - &df2 / n);
        let (one, all) = (risk(size), risk(n));
        let found = |members| population.subsampled(n, size, lambda, members).unwrap();
        search.check(found(None), &all, CLAIM, || what(&format!("all subsamples of {size:e}")));
        let three = &all + (one - &all) / 3.0;
        search.check(found(Some(3)), &three, CLAIM, || what(&format!("three subsamples of {size:e}")));
    }
    search.finish();
}

#[test]
fn random_features_anywhere() {
    let mut search = Search::default();
    let mut draws = Draws::new(104);
    for _ in 0..1500 {
        let case = Spectrum::draw(&mut draws);
        let (n, noise) = (case.samples(&mut draws), draws.decades(-3.0, 3.0));
        let k = match draws.below(3) {
            0 => draws.near(n),
            1 => case.samples(&mut draws),
            _ => draws.decades(-1.0, 6.0),
        };
        let delta = if draws.below(3) == 0 { 0.0 } else { draws.penalty() };
        let (tail, rest) = if draws.below(2) == 0 {
            (0.0, 0.0)
        } else {
            (draws.decades(-4.0, 2.0), draws.decades(-2.0, 2.0))
        };
        let model = RandomFeatureModel::new(case.spectrum(), &case.energies, noise).unwrap();
        let found = model.with_tail(tail, rest).unwrap().at(n, k, delta).unwrap();
        let what = |name: &str| {
            format!(
                "{name} of {case:?}, n = {n:e}, k = {k:e}, δ = {delta:e}, σ² = {noise:e}, tail {tail:e}, {rest:e}"
            )
        };
        let least = n.min(k);
        if delta == 0.0 && tail == 0.0 && case.rank() <= real(least) {
            let rank = case.rank();
            if rank < real(least) {
                let expected = sum(case
                    .values
                    .iter()
                    .zip(&case.energies)
                    .map(|(&l, &v)| if l > 0.0 { real(0.0) } else { real(v) }));
                let expected = (&expected + noise) / (1.0 - rank / n) - noise;
                search.check(found.excess, &expected, CLAIM, || what("least squares"));
            }
            continue;
        }
        if delta == 0.0 && n == k {
            assert_eq!(found.excess, f64::INFINITY);
            continue;
        }
        let apart = (real(n) - k).abs();
        let gap = |kappa: &Real| {
            let rho = k * delta / kappa;
            let width = (apart.square() + 4.0 * &rho).sqrt();
            if !width.is_positive() {
                return (real(0.0), real(0.0));
            }
            (2.0 * &rho / (&apart + &width), -(&rho / kappa / width))
        };
        let Some(kappa) = case.root(found.kappa, tail, least, gap) else {
            search.missing(|| what("κ"));
            continue;
        };
        search.check(found.kappa, &kappa, CLAIM, || what("κ"));
        let z = least - gap(&kappa).0;
        let q = case.sum(&kappa, |s, _| s.square());
        let listed = || case.values.iter().zip(&case.energies);
        let b0 = sum(listed().map(|(&l, &v)| v * (&kappa / (real(l) + &kappa)).square())) + rest;
        let c1 = sum(listed().map(|(&l, &v)| {
            let l = real(l);
            v * &kappa * &l / (&l + &kappa).square()
        }));
        let bias = &b0 + (&z - &q) / (k - &q) * c1;
        let d = (&q * (k - 2.0 * &z) + z.square()) / (n * (k - &q));
        let excess = (&bias + noise * &d) / (1.0 - &d);
        let train = ((n - &z) / n).square() * (&excess + noise);
        let data = &b0 * &q / (n - &q);
        let of_noise = noise * &q / (n - &q);
        let both = &bias / (1.0 - &d) - &b0 - &data - (&bias - &b0);
        let split = found.split;
        for (name, found, expected) in [
            ("κ₁", found.feature_kappa, &kappa * (k - &z) / k),
            ("z", found.df1, z.clone()),
            ("q", found.df2, q.clone()),
            ("b₀", split.bias, b0.clone()),
            ("V_X", split.data, data),
            ("V_P", split.features, &bias - &b0),
            ("V_PX", split.data_features, both),
            ("V_Xe", split.data_noise, of_noise.clone()),
            ("V_PXe", split.all, noise * &d / (1.0 - &d) - of_noise),
            ("excess", found.excess, excess),
            ("R_∞", found.ensemble, (&b0 + noise) / (1.0 - &q / n) - noise),
            ("train", found.train, train),
            ("effective ridge", found.effective_ridge, &kappa * (n - &z)),
        ] {
            search.check(found, &expected, CLAIM, || what(name));
        }
    }
    search.finish();
}

/// The best penalty: by the sign of the exact derivative the excess rises on both sides of its `κ`, and no other `κ` on
/// a grid is better.
#[test]
fn best_penalties_anywhere() {
    let mut search = Search::default();
    let mut draws = Draws::new(105);
    for _ in 0..400 {
        let mut case = Spectrum::draw(&mut draws);
        let n = case.samples(&mut draws);
        let noise = draws.decades(-20.0, 20.0);
        if case.values.iter().all(|&value| value == 0.0) {
            continue;
        }
        for energy in &mut case.energies {
            *energy += 0.01;
        }
        let range = case
            .values
            .iter()
            .filter(|value| **value > 0.0)
            .fold((f64::MAX, 0.0f64), |(low, high), &value| (low.min(value), high.max(value)));
        if range.1 > 1e100 * range.0 {
            // For all penalties in between, the excess agrees to more digits than can be computed.
            continue;
        }
        let population = SpectralPopulation::new(case.spectrum(), &case.energies, noise).unwrap();
        let (lambda, best) = population.optimal(n).unwrap().unwrap();
        let what = |name: &str| format!("{name} of {case:?}, n = {n:e}, σ² = {noise:e}: λ* = {lambda:e}");
        let risk = |kappa: &Real| {
            let penalty = kappa * (1.0 - case.sum(kappa, |s, _| s.clone()) / n);
            let [.., excess, _, _] = ridge(&case, n, penalty.value().clamp(-1e300, 1e300), noise, kappa);
            excess
        };
        let here = risk(&real(best.kappa));
        search.check(best.excess, &here, 1e-9, || what("excess"));
        for factor in [0.01, 0.5, 0.9, 0.999, 1.001, 1.1, 2.0, 100.0] {
            let other = real(best.kappa) * factor;
            let is_beyond_pole = case.sum(&other, |s, _| s.square()) >= real(n);
            let worse = if is_beyond_pole { real(1.0) } else { risk(&other) - &here };
            if !worse.is_positive() {
                search.missing(|| what(&format!("a worse risk at {factor} κ")));
            }
        }
    }
    search.finish();
}

#[test]
fn two_eigenvalues_anywhere() {
    let mut search = Search::default();
    let mut draws = Draws::new(106);
    for _ in 0..1000 {
        let gamma = if draws.below(2) == 0 { draws.near(1.0) } else { draws.decades(-3.0, 8.0) };
        let range = [1.0, 12.0, 100.0][draws.below(3)];
        let values = [draws.decades(-range, range), draws.decades(-range, range)];
        let weight = [0.0, 1.0, draws.between(0.0, 1.0), draws.decades(-12.0, 0.0), (1.0 / gamma).min(1.0)]
            [draws.below(5)];
        let found = structured::two_point_kappa(gamma, values, weight).unwrap();
        let what = || format!("κ of {values:?}, γ = {gamma:e}, w = {weight:e}");
        if gamma <= 1.0 {
            assert_eq!(found, 0.0, "{}", what());
            continue;
        }
        let [l1, l2] = values.map(real);
        let w2 = 1.0 - real(weight);
        let b = &l1 + &l2 - gamma * (weight * &l1 + &w2 * &l2);
        let c = l1 * l2 * (1.0 - real(gamma));
        let root = (b.square() - 4.0 * c).sqrt();
        search.check(found, &((root - b) / 2.0), CLAIM, what);
        // A latent space: the same with targets, at the threshold and near it.
        let (gamma, psi, mu) = (draws.near(1.0), draws.between(0.01, 0.99), draws.decades(-6.0, 6.0));
        let (r2, noise, lambda) = (draws.decades(-3.0, 3.0), draws.decades(-3.0, 3.0), draws.penalty());
        let found = structured::latent_space(gamma, psi, mu, [r2, noise], lambda).unwrap();
        let top = 1.0 + real(mu) / psi;
        let strength = real(mu) / psi;
        let what = |name: &str| {
            format!("{name} of γ = {gamma:e}, ψ = {psi}, μ = {mu:e}, λ = {lambda:e}, {r2:e}, {noise:e}")
        };
        // κ = λ + κ γ Σ w s, by Newton's method.
        let mut kappa = real(found.fit.kappa);
        let share = |kappa: &Real, power: u32| {
            let strong = (&top / (&top + kappa)).power(power);
            psi * strong + (1.0 - real(psi)) * (1.0 / (1.0 + kappa)).power(power)
        };
        for _ in 0..10 {
            let value = &kappa * (1.0 - gamma * share(&kappa, 1)) - lambda;
            kappa = &kappa - value / (1.0 - gamma * share(&kappa, 2));
        }
        search.check(found.fit.kappa, &kappa, CLAIM, || what("κ"));
        let pole = 1.0 - gamma * share(&kappa, 2);
        let unseen = r2 / &top;
        let bias = &top * (r2 * strength / top.square()) * (&kappa / (&top + &kappa)).square() / &pole;
        let variance = (noise + &unseen) * (1.0 - &pole) / &pole;
        search.check(found.fit.bias, &bias, CLAIM, || what("bias"));
        search.check(found.fit.variance, &variance, CLAIM, || what("variance"));
        search.check(found.total(), &(bias + variance + unseen), CLAIM, || what("total"));
    }
    search.finish();
}
