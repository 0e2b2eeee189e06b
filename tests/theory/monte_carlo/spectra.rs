//! Laws of singular values: averages over spectra at three sizes, and exact laws at one size.

use super::{Exact, Limits, Mean, mean, normal, three};
use double_descent::rng::stream;
use double_descent::svd::Svd;
use double_descent::theory::gaussian;
use double_descent::theory::marchenko_pastur::MarchenkoPastur;
use double_descent::theory::smallest_singular_value as smallest;
use ndarray::{Array2, Axis, concatenate};
use rand::seq::SliceRandom;

fn singular_values(x: &Array2<f64>) -> Vec<f64> {
    Svd::new(x).unwrap().singular_values().to_vec()
}

#[test]
fn averages_over_spectra() {
    let sizes = [20usize, 40, 80];
    let repeats = [1500, 400, 100];
    let mut limits = Limits::default();
    for gamma in [0.5, 2.0] {
        let law = MarchenkoPastur::new(gamma).unwrap();
        let draws = three(|i| {
            let n = sizes[i];
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            let p = (gamma * n as f64) as usize;
            let draw = |repeat| {
                let sigma = singular_values(&normal(&mut stream(71, n + p, repeat), n, p));
                sigma.iter().map(|s| s * s / n as f64).collect::<Vec<_>>()
            };
            (p, (0..repeats[i]).map(draw).collect::<Vec<_>>())
        });
        // The mean over all p eigenvalues, including zeros.
        let mut add = |name: &str, f: &dyn Fn(f64) -> f64, at_zero: f64, expected: f64| {
            let means = three(|i| {
                let (p, spectra) = &draws[i];
                let of = |values: &Vec<f64>| {
                    let zeros = (p - values.len()) as f64;
                    (values.iter().map(|&x| f(x)).sum::<f64>() + zeros * at_zero) / *p as f64
                };
                mean(spectra.iter().map(of))
            });
            limits.add(format!("{name}, γ = {gamma}"), means, [expected; 3]);
        };
        let [first, second] = law.resolvent(0.2).unwrap();
        add("1/(x + λ)", &|x| 1.0 / (x + 0.2), 5.0, first);
        add("1/(x + λ)²", &|x| (x + 0.2).powi(-2), 25.0, second);
        add("ln(1 + x/ε)", &|x| (x / 0.1).ln_1p(), 0.0, law.shannon(0.1).unwrap());
        let [laplace, slope] = law.laplace(2.0).unwrap();
        add("e^(−sx)", &|x| (-2.0 * x).exp(), 1.0, laplace);
        add("x e^(−sx)", &|x| x * (-2.0 * x).exp(), 0.0, slope);
        add("x³", &|x| x.powi(3), 0.0, law.moment(3));
        add("1/x", &|x| 1.0 / x, 0.0, law.inverse_moments()[0]);
        add("ln x", &|x| x.ln() * gamma.max(1.0), 0.0, law.mean_log());
    }
    // cond(X) < x n, for square matrices.
    let shares = three(|i| {
        let n = sizes[i] / 2;
        let draws = [4000, 2000, 1000][i];
        let cond = |repeat| {
            let sigma = singular_values(&normal(&mut stream(72, n, repeat), n, n));
            sigma[0] / sigma[n - 1] / n as f64
        };
        (0..draws).map(cond).collect::<Vec<f64>>()
    });
    for x in [1.5, 4.0] {
        let share = |i: usize| mean(shares[i].iter().map(|&cond| f64::from(u8::from(cond <= x))));
        limits.add(format!("P(cond ≤ {x} n)"), three(share), [smallest::condition_limit_cdf(x); 3]);
    }
    limits.finish();
}

/// The ends of the spectrum: mean extreme eigenvalues deviate from the edges as n^(−2/3), by a factor 0.63 when the
/// size doubles.
#[test]
fn edges_of_the_spectrum() {
    let sizes = [40usize, 80, 160];
    let repeats = [400, 120, 40];
    let mut limits = Limits::default();
    for (half, name) in [(1, "p = n/2"), (6, "p = 3n")] {
        let draws = three(|i| {
            let (n, p) = (sizes[i], half * sizes[i] / 2);
            let draw = |repeat| singular_values(&normal(&mut stream(77, n + p, repeat), n, p));
            (0..repeats[i]).map(draw).collect::<Vec<_>>()
        });
        let expected = sizes.map(|n| smallest::edges(n, half * n / 2));
        let least = three(|i| mean(draws[i].iter().map(|sigma| sigma[sigma.len() - 1])));
        limits.add(format!("smallest, {name}"), least, expected.map(|edges| edges[0]));
        let most = three(|i| mean(draws[i].iter().map(|sigma| sigma[0])));
        limits.add(format!("largest, {name}"), most, expected.map(|edges| edges[1]));
    }
    limits.decay();
}

#[test]
fn exact_laws_of_one_size() {
    let mut table = Exact::default();
    // Complex square matrices, stored as real ones of twice the size.
    let n = 5;
    let least: Vec<f64> = (0..2000)
        .map(|repeat| {
            let mut rng = stream(73, n, repeat);
            let half = 0.5f64.sqrt();
            let (re, im) = (normal(&mut rng, n, n) * half, normal(&mut rng, n, n) * half);
            let whole = concatenate![Axis(0), concatenate![Axis(1), re, -&im], concatenate![Axis(1), im, re]];
            singular_values(&whole)[2 * n - 1].powi(2)
        })
        .collect();
    for x in [0.02, 0.1, 0.3] {
        let share = smallest::complex_square_cdf(n, x);
        let error = (share * (1.0 - share) / least.len() as f64).sqrt();
        let found = least.iter().filter(|&&v| v <= x).count() as f64 / least.len() as f64;
        table.add(format!("complex {n} × {n}, {x}"), Mean { value: found, error }, share);
    }
    for (n, p) in [(8, 20), (20, 8)] {
        let inverse = |repeat| {
            let sigma = singular_values(&normal(&mut stream(74, p, repeat), n, p));
            sigma.iter().map(|s| s.powi(-2)).sum::<f64>() / sigma.len() as f64
        };
        let expected = smallest::mean_inverse_square(n, p).unwrap();
        table.add(format!("1/σ², {n} × {p}"), mean((0..1500).map(inverse)), expected);
    }
    // Mean and variance of the excess over designs and noise, and a random subset of the features.
    for (n, p) in [(40, 10), (10, 40)] {
        let (r2, level): (f64, f64) = (1.3, 0.4);
        let excess: Vec<f64> = (0..4000)
            .map(|repeat| {
                let mut rng = stream(75, p, repeat);
                let x = normal(&mut rng, n, p);
                let beta = Array2::from_elem((p, 1), (r2 / p as f64).sqrt());
                let y = x.dot(&beta) + normal(&mut rng, n, 1) * level.sqrt();
                let fit = Svd::new(&x).unwrap().pseudoinverse().unwrap().dot(&y);
                (fit - &beta).mapv(|d| d * d).sum()
            })
            .collect();
        let expected = gaussian::excess(n, p, r2, level).unwrap().total();
        table.add(format!("excess, {n} × {p}"), mean(excess.iter().copied()), expected);
        let squares = excess.iter().map(|e| (e - expected).powi(2));
        let variance = gaussian::excess_variance(n, p, r2, level).unwrap();
        table.add(format!("variance of the excess, {n} × {p}"), mean(squares), variance);
    }
    for p in [8, 40] {
        let (n, all, level) = (20, 60, 0.2);
        let beta = Array2::from_shape_fn((all, 1), |(j, _)| if j < 6 { 0.5 } else { 0.05 });
        let r2 = beta.iter().map(|b| b * b).sum::<f64>();
        let run = |repeat| {
            let mut rng = stream(76, p, repeat);
            let x = normal(&mut rng, n, all);
            let y = x.dot(&beta) + normal(&mut rng, n, 1) * f64::sqrt(level);
            let mut order: Vec<usize> = (0..all).collect();
            order.shuffle(&mut rng);
            let chosen = &order[..p];
            let fit = Svd::new(&x.select(Axis(1), chosen)).unwrap().pseudoinverse().unwrap().dot(&y);
            let mut left = beta.clone();
            for (row, &j) in chosen.iter().enumerate() {
                left[[j, 0]] -= fit[[row, 0]];
            }
            left.mapv(|d| d * d).sum()
        };
        let expected = gaussian::random_subset(n, p, all, r2, level).unwrap();
        table.add(format!("{p} of {all} at random"), mean((0..3000).map(run)), expected);
    }
    table.finish();
}
