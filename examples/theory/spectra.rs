//! Formulas for singular values.

use super::family::{Family, Line, Plan, at_ratios, normal, spread};
use double_descent::Error;
use double_descent::svd::Svd;
use double_descent::theory::circle as fourier;
use double_descent::theory::line::{Sizes, TheoryLine};
use double_descent::theory::marchenko_pastur::MarchenkoPastur;
use double_descent::theory::smallest_singular_value::{
    condition_limit_cdf, one_more_cdf, square_limit_cdf, three_more_cdf,
};
use ndarray::Array2;
use rand::RngExt;

/// Eigenvalues of `XᵀX/n` at `p = n/2`: the number in each of 16 bins.
pub fn marchenko_pastur(plan: &Plan) -> Result<Family, Error> {
    const BINS: usize = 16;
    let (n, p) = (2 * plan.size, plan.size);
    let law = MarchenkoPastur::new(p as f64 / n as f64)?;
    let [low, high] = law.edges();
    let width = (high - low) / BINS as f64;
    let measured = plan.simulate(&|rng| {
        let mut found = vec![0.0; BINS];
        for sigma in Svd::new(&normal(rng, n, p))?.singular_values() {
            let value = sigma * sigma / n as f64;
            if let Some(bin) =
                (0..BINS).find(|&i| value < low + width * (i + 1) as f64).filter(|_| value >= low)
            {
                found[bin] += 1.0 / (p as f64 * width);
            }
        }
        Ok(found)
    })?;
    // The mean of the density over a bin around the point, which is what is measured.
    let theory = TheoryLine::new("Limit, over bins", "Marchenko and Pastur 1967", move |x| {
        Ok((law.cdf(x + 0.5 * width) - law.cdf(x - 0.5 * width)) / width)
    });
    let centres: Vec<f64> = (0..BINS).map(|i| low + width * (i as f64 + 0.5)).collect();
    let mut family =
        Family::new(plan, "The spectrum, p = n/2", "Eigenvalue of the sample covariance", "Density");
    (family.x.1, family.y.1) = (false, false);
    let axis =
        (0..=200).map(|i| low + (high - low) * (0.5 / 16.0 + 15.0 / 16.0 * f64::from(i) / 200.0)).collect();
    family.lines =
        vec![Line::new("Share of eigenvalues over width", theory, axis, (&centres, 0), &measured)?];
    Ok(family)
}

/// The smallest singular value σ at and next to the threshold: the fraction of matrices with `n σ² ≤ t`.
pub fn smallest(plan: &Plan) -> Result<Family, Error> {
    let n = plan.size;
    let levels = at_ratios(0.02, 20.0, 12);
    let more = [0, 1, 3];
    let measured = plan.simulate(&|rng| {
        let mut found = Vec::new();
        for extra in more {
            let x = normal(rng, n, n + extra);
            let sigma = Svd::new(&x)?.singular_values().iter().copied().fold(f64::INFINITY, f64::min);
            found.extend(levels.iter().map(|&t| f64::from(n as f64 * sigma * sigma <= t)));
        }
        Ok(found)
    })?;
    let mut family = Family::new(plan, "The smallest singular value", "t", "Share with n σ² ≤ t");
    family.y.1 = false;
    for (i, extra) in more.into_iter().enumerate() {
        let x = move |t: f64| t / n as f64;
        let (name, theory) = match extra {
            0 => ("n × n (limit)", TheoryLine::new("Limit", "Edelman 1988", |t| Ok(square_limit_cdf(t)))),
            1 => {
                ("n × (n + 1)", TheoryLine::new("Exact", "Edelman 1988", move |t| Ok(one_more_cdf(n, x(t)))))
            }
            _ => (
                "n × (n + 3)",
                TheoryLine::new("Exact", "Forrester 1993", move |t| Ok(three_more_cdf(n, x(t)))),
            ),
        };
        let axis = at_ratios(0.02, 20.0, 200);
        let mut line = Line::new(name, theory, axis, (&levels, i * levels.len()), &measured)?;
        // With fewer matrices on one side, the fraction is not yet normally distributed.
        line.points.retain(|point| point.repeats as f64 * point.theory.min(1.0 - point.theory) >= 10.0);
        family.lines.push(line);
    }
    Ok(family)
}

/// Fourier series on the circle: random rows and columns of the Fourier matrix, no noise, exact mean over teachers.
pub fn circle(plan: &Plan) -> Result<Family, Error> {
    // For a prime number of points, every square submatrix is invertible (Chebotarev).
    let all = (8 * plan.size..16 * plan.size)
        .find(|&d| (2..d).take_while(|i| i * i <= d).all(|i| d % i > 0))
        .unwrap_or(2);
    let n = all / 4;
    let sizes = spread(n / 8, all - all / 8, 14, n, n / 4);
    let measured = plan.simulate(&|rng| {
        let (rows, columns) = (order(rng, all), order(rng, all));
        let at = |&p: &usize| {
            let sub = |i: usize, j: usize| {
                let turn = (rows[i] * columns[j] % all) as f64 / all as f64 * std::f64::consts::TAU;
                (turn.cos() / (all as f64).sqrt(), turn.sin() / (all as f64).sqrt())
            };
            // Represent a complex matrix as a real one of twice the size, which has every singular value twice.
            let real = Array2::from_shape_fn((2 * n, 2 * p), |(i, j)| {
                let (cos, sin) = sub(i % n, j % p);
                match (i < n, j < p) {
                    (true, true) | (false, false) => cos,
                    (true, false) => -sin,
                    (false, true) => sin,
                }
            });
            let svd = Svd::new(&real)?;
            let inverse: f64 = svd.singular_values().iter().map(|sigma| 0.5 / (sigma * sigma)).sum();
            Ok(1.0 + (inverse - 2.0 * n.min(p) as f64) / all as f64)
        };
        sizes.iter().map(at).collect()
    })?;
    let shares: Vec<f64> = sizes.iter().map(|&p| p as f64 / all as f64).collect();
    let samples = n as f64 / all as f64;
    let theory =
        TheoryLine::new("Limit", "Belkin, Hsu and Xu 2020", move |share| fourier::limit(samples, share));
    let mut family = Family::new(
        plan,
        "Fourier series on the circle, n = D/4",
        "Share of features p/D",
        "‖β − β\u{302}‖²",
    );
    family.marker = Some((samples, "p = n"));
    let axis = at_ratios(shares[0], shares[shares.len() - 1], 300);
    family.lines = vec![Line::new("Minimum norm", theory, axis, (&shares, 0), &measured)?];
    Ok(family)
}

/// `0 … count − 1` in a random order.
fn order(rng: &mut impl rand::Rng, count: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    for i in 0..count {
        let j = rng.random_range(i..count);
        order.swap(i, j);
    }
    order
}

/// The condition number of square matrices: the fraction with `cond ≤ x n`.
pub fn condition(plan: &Plan) -> Result<Family, Error> {
    let n = plan.size;
    let levels = at_ratios(0.6, 60.0, 12);
    let measured = plan.simulate(&|rng| {
        let svd = Svd::new(&normal(rng, n, n))?;
        let values = svd.singular_values();
        let condition = values[0] / values[n - 1] / n as f64;
        Ok(levels.iter().map(|&x| f64::from(condition <= x)).collect())
    })?;
    let theory = TheoryLine::new("Limit", "Edelman 1988", |x| Ok(condition_limit_cdf(x)));
    let mut family = Family::new(plan, "The condition number, n × n", "x", "Share with cond ≤ x n");
    family.y.1 = false;
    let mut line = Line::new("Gaussian", theory, at_ratios(0.6, 60.0, 200), (&levels, 0), &measured)?;
    line.points.retain(|point| point.repeats as f64 * point.theory.min(1.0 - point.theory) >= 10.0);
    family.lines = vec![line];
    Ok(family)
}

/// As [`circle`], for a random unitary matrix with 24 rows: exact.
pub fn unitary(plan: &Plan) -> Result<Family, Error> {
    let (all, n) = (24, 8);
    let sizes: Vec<usize> = (1..=20).filter(|p: &usize| p.abs_diff(n) > 2).collect();
    let measured = plan.simulate(&|rng| {
        let (re, im) = (normal(rng, all, all), normal(rng, all, all));
        let both = |a: &Array2<f64>, b: &Array2<f64>| ndarray::concatenate![ndarray::Axis(1), *a, *b];
        let whole = ndarray::concatenate![ndarray::Axis(0), both(&re, &-&im), both(&im, &re)];
        let svd = Svd::new(&whole)?;
        let unitary = svd.u().dot(svd.vt());
        let error = |&p: &usize| {
            let corner = Array2::from_shape_fn((2 * n, 2 * p), |(i, j)| {
                unitary[[i % n + all * (i / n), j % p + all * (j / p)]]
            });
            let svd = Svd::new(&corner)?;
            let inverse: f64 = svd.singular_values().iter().map(|sigma| 0.5 / (sigma * sigma)).sum();
            Ok(1.0 + (inverse - 2.0 * n.min(p) as f64) / all as f64)
        };
        sizes.iter().map(error).collect()
    })?;
    let theory =
        TheoryLine::over_sizes("Exact", "complex Jacobi ensemble", Sizes::Features { n }, move |n, p| {
            fourier::haar(n, p, all)
        });
    let mut family = Family::new(plan, "A random unitary basis, 8 of 24", "Features p", "‖β − β\u{302}‖²");
    family.x.1 = false;
    family.marker = Some((n as f64, "p = n"));
    let floats: Vec<f64> = sizes.iter().map(|&p| p as f64).collect();
    let axis = (1..=20).map(f64::from).collect();
    family.lines = vec![Line::new("Minimum norm", theory, axis, (&floats, 0), &measured)?];
    Ok(family)
}
