//! Gaussian designs of any size and their limits, against the printed formulas in 4096-bit arithmetic.

use super::draws::Draws;
use super::precise::{Real, Search, real};
use double_descent::theory::{circle, gaussian, noise, structured};

/// The accuracy claimed for formulas of a few operations.
const CLAIM: f64 = 1e-13;

fn count(value: usize) -> Real {
    real(value as f64)
}

/// Draws `n` and `p`, close to each other or not.
fn sizes(draws: &mut Draws) -> (usize, usize) {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let n = draws.decades(0.0, 7.0) as usize;
    match draws.below(3) {
        0 => (n, (n + draws.below(8)).saturating_sub(4)),
        1 => (n, draws.below(2 * n + 5)),
        _ => (draws.below(40), draws.below(40)),
    }
}

/// Returns bias and noise factor; the factor is `None` if it is infinite.
fn least_norm(n: usize, p: usize, r2: f64) -> (Real, Option<Real>) {
    let bias = if p > n { r2 * (1.0 - count(n) / count(p)) } else { real(0.0) };
    let (short, long) = (n.min(p), n.max(p));
    let factor = match long - short {
        _ if short == 0 => Some(real(0.0)),
        0 | 1 => None,
        gap => Some(count(short) / count(gap - 1)),
    };
    (bias, factor)
}

#[test]
fn gaussian_designs_anywhere() {
    let mut search = Search::default();
    let mut draws = Draws::new(201);
    for _ in 0..3000 {
        let (n, p) = sizes(&mut draws);
        let (r2, level) = (draws.level(), draws.level());
        let what = |name: &str| format!("{name} of n = {n}, p = {p}, r² = {r2:e}, σ² = {level:e}");
        let (bias, factor) = least_norm(n, p, r2);
        let found = gaussian::excess(n, p, r2, level).unwrap();
        search.check(found.bias, &bias, CLAIM, || what("bias"));
        match &factor {
            Some(factor) => {
                search.check(found.variance, &(level * factor), CLAIM, || what("variance"));
                search.check(found.total(), &(&bias + level * factor), CLAIM, || what("excess"));
                search.check(noise::gaussian(n, p), factor, CLAIM, || what("noise term"));
                search
                    .check(gaussian::effective_parameters(n, p), &(count(n) * factor), CLAIM, || what("p⁰"));
            }
            None => assert_eq!(found.variance, if level > 0.0 { f64::INFINITY } else { 0.0 }, "{}", what("")),
        }
        let (short, long) = (n.min(p), n.max(p));
        let gap = long - short;
        let bound = count(short) / count(long + 1 - short);
        search.check(noise::lower_bound(n, p), &bound, CLAIM, || what("lower bound"));
        if gap > 3 && short > 0 {
            let (d, m) = (count(short), count(long));
            let inverse = 2.0 * &d * (&m - 1.0) / (count(gap) * count(gap - 1).square() * count(gap - 3));
            search.check(noise::gaussian_variance(n, p), &inverse, CLAIM, || what("Var tr W⁻¹"));
            let of_noise =
                2.0 * real(level).square() * &d * (m - 1.0) / (count(gap - 1).square() * count(gap - 3));
            let of_bias = if p > n {
                let (n, p) = (count(n), count(p));
                2.0 * real(r2).square() * &n * (&p - &n) / (p.square() * (&p + 2.0))
            } else {
                real(0.0)
            };
            let found = gaussian::excess_variance(n, p, r2, level).unwrap();
            search.check(found, &(of_noise + of_bias), CLAIM, || what("variance of the excess"));
        }
        let whole = &count(n) - count(p);
        let train = if n > p { level * whole / count(n) } else { real(0.0) };
        search.check(gaussian::train_error(n, p, level).unwrap(), &train, CLAIM, || what("train"));
        if n > 0 {
            let (bias, factor) = least_norm(n - 1, p, r2);
            if let Some(factor) = factor {
                let expected = level / count(n) + (1.0 + 1.0 / count(n)) * (bias + level * factor);
                let found = gaussian::excess_with_intercept(n, p, r2, level).unwrap();
                search.check(found, &expected, CLAIM, || what("with an intercept"));
            }
        }
        // p of D features.
        let all = p + draws.below(2 * p + 2);
        if all > 0 {
            let share = count(p) / count(all);
            let (seen, unseen) = (r2 * &share, r2 * (1.0 - &share));
            let (_, factor) = least_norm(n, p, 0.0);
            let bias = if p > n { seen * (1.0 - count(n) / count(p)) } else { real(0.0) };
            if let Some(factor) = factor {
                let expected = &unseen + bias + (level + &unseen) * factor;
                let found = gaussian::random_subset(n, p, all, r2, level).unwrap();
                search.check(found, &expected, CLAIM, || what(&format!("p of {all}")));
            }
        }
        if p >= n + 2 && n > 0 {
            let expected = count(n) / count(p) * count(p - 2) / count(p - n - 1);
            search.check(noise::sphere(n, p).unwrap(), &expected, CLAIM, || what("sphere"));
        }
        // Unitary matrices.
        let dimensions = long.max(1) + draws.below(long + 3);
        if short > 0 && gap > 0 {
            let (d, all) = (count(short), count(dimensions));
            let expected = 1.0 - 2.0 * &d / &all + &d * (&all - &d) / count(gap) / &all;
            let found = circle::haar(n, p, dimensions).unwrap();
            search.check(found, &expected, CLAIM, || what(&format!("unitary of {dimensions}")));
        }
    }
    search.finish();
}

#[test]
fn limits_anywhere() {
    let mut search = Search::default();
    let mut draws = Draws::new(202);
    for _ in 0..3000 {
        let (gamma, r2, level, share) =
            (draws.ratio(), draws.level(), draws.level(), draws.between(0.0, 1.0));
        let what =
            |name: &str| format!("{name} of γ = {gamma:e}, r² = {r2:e}, σ² = {level:e}, share {share}");
        let limit = |r2: &Real, level: &Real| {
            let gap = real(gamma) - 1.0;
            if gap.is_positive() {
                (r2 * (1.0 - 1.0 / real(gamma)), Some(level / gap))
            } else {
                (real(0.0), (gamma < 1.0).then(|| level * gamma / (1.0 - real(gamma))))
            }
        };
        let found = gaussian::limit(gamma, r2, level).unwrap();
        let (bias, variance) = limit(&real(r2), &real(level));
        search.check(found.bias, &bias, CLAIM, || what("bias"));
        if let Some(variance) = variance {
            search.check(found.variance, &variance, CLAIM, || what("variance"));
        }
        let found = gaussian::misspecified_limit(gamma, r2, share, level).unwrap();
        let unseen = r2 * (1.0 - real(share));
        let (bias, variance) = limit(&(real(r2) * share), &(&unseen + level));
        search.check(found.unseen, &unseen, CLAIM, || what("unseen"));
        if let Some(variance) = variance {
            search.check(found.seen.variance, &variance, CLAIM, || what("misspecified variance"));
            search.check(found.total(), &(bias + variance + unseen), CLAIM, || what("misspecified"));
        }
        // Fourier series.
        let other = if draws.below(2) == 0 { draws.near(share).min(1.0) } else { draws.between(0.0, 1.0) };
        let (short, long) = (share.min(other), share.max(other));
        if short > 0.0 && short < long {
            let expected = 1.0 - short * (2.0 - (1.0 - real(short)) / (real(long) - short));
            search.check(circle::limit(share, other).unwrap(), &expected, CLAIM, || {
                format!("Fourier series at {share}, {other}")
            });
        }
        // An autoregression.
        let rho = [0.0, 1.0, -1.0][draws.below(3)] * (1.0 - draws.decades(-12.0, -0.1));
        if gamma > 1.0 {
            let square = real(rho).square();
            let a = (1.0 + &square) / (1.0 - square);
            let s = (a.square() + real(gamma).square() - 1.0).sqrt();
            let kappa = &s - &a;
            let found = structured::autoregressive(gamma, rho, r2, level).unwrap();
            let what = |name: &str| what(&format!("{name} of ρ = {rho:e}"));
            search.check(found.kappa, &kappa, CLAIM, || what("κ"));
            search.check(found.bias, &(r2 * &kappa / gamma), CLAIM, || what("bias"));
            let variance = level * (real(gamma).square() / (s * kappa) - 1.0);
            search.check(found.variance, &variance, CLAIM, || what("variance"));
        }
    }
    search.finish();
}
