//! Tests of divide and conquer against one-sided Jacobi and known spectra.

use super::bidiagonal::Bidiagonal;
use super::secular::Secular;
use super::{LARGE, factorise, transform};
use crate::rng::stream;
use crate::svd::verify::Check;
use crate::svd::{Jacobi, Svd, exponent, power_of_two};
use ndarray::{Array2, ShapeBuilder, s};
use rand::{Rng, RngExt};
use std::f64::consts::PI;

fn uniform(rng: &mut impl Rng) -> f64 {
    2.0 * rng.random::<f64>() - 1.0
}

/// Returns the largest entry of `|a − b|`.
fn off(a: &Array2<f64>, b: &Array2<f64>) -> f64 {
    (a - b).iter().fold(0.0, |most, v| if v.abs() <= most { most } else { v.abs() })
}

/// Returns the singular values, descending, of a bidiagonal matrix, and checks its factorisation.
fn bidiagonal(diagonal: &[f64], above: &[f64], space: &mut Bidiagonal) -> Vec<f64> {
    let n = diagonal.len();
    diagonal.clone_into(&mut space.diagonal);
    space.above = above.iter().copied().chain([0.0]).collect();
    space.svd().unwrap();
    let size = diagonal.iter().chain(above).fold(0.0, |most: f64, v| most.max(v.abs()));
    let b = Array2::from_shape_fn((n, n + 1), |(i, j)| match j.checked_sub(i) {
        Some(0) => diagonal[i],
        Some(1) => space.above[i],
        _ => 0.0,
    });
    let matrix =
        |entries: &[f64], side: usize| Array2::from_shape_vec((side, side).f(), entries.to_vec()).unwrap();
    let (u, v) = (matrix(&space.u, n), matrix(&space.v, n + 1));
    let mut scaled = Array2::zeros((n, n + 1));
    scaled.slice_mut(s![.., ..n]).assign(&(&u * &ndarray::aview1(&space.sigma)));
    let unit = 4.0 * f64::EPSILON * (n as f64).sqrt().max(2.0);
    assert!(off(&scaled.dot(&v.t()), &b) <= unit * size, "{n}: {:e}", off(&scaled.dot(&v.t()), &b) / size);
    for q in [u, v] {
        let product = q.t().dot(&q);
        assert!(off(&product, &Array2::eye(q.nrows())) <= unit, "{n}");
    }
    let mut sigma = space.sigma.clone();
    assert!(sigma.iter().all(|&s| s >= 0.0));
    sigma.sort_unstable_by(|a, b| b.total_cmp(a));
    sigma
}

/// `σₖ = 2 sin((2k − 1) π / (4n + 2))` for ones on the diagonal and superdiagonal.
#[test]
fn ones() {
    let mut space = Bidiagonal::default();
    for n in [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 100, 255, 256, 257, 700] {
        let sigma = bidiagonal(&vec![1.0; n], &vec![1.0; n - 1], &mut space);
        for (k, sigma) in sigma.iter().rev().enumerate() {
            let known = 2.0 * ((2 * k + 1) as f64 * PI / (4 * n + 2) as f64).sin();
            assert!((sigma - known).abs() <= 8.0 * f64::EPSILON, "{n}, {k}: {sigma} for {known}");
        }
    }
}

/// Random entries, graded entries, a few repeated values, zeros anywhere, and subnormal entries.
#[test]
fn as_by_jacobi() {
    let mut space = Bidiagonal::default();
    for n in 1..=32 {
        for seed in 0..40 {
            let mut rng = stream(seed, n, 0);
            let mut entry = |kind: u64| match kind {
                0 => uniform(&mut rng),
                1 => uniform(&mut rng) * 10f64.powf(20.0 * uniform(&mut rng) - 20.0),
                2 => f64::from(rng.random_range(-1..=1)),
                3 => [0.0, 0.5, 1.0][rng.random_range(0..3)],
                4 => uniform(&mut rng) * [1.0, 0.0, 1e-310, 1e-16][rng.random_range(0..4)],
                _ => 1.0 + 1e-14 * uniform(&mut rng),
            };
            let mut diagonal: Vec<f64> = (0..n).map(|_| entry(seed % 6)).collect();
            let above: Vec<f64> = (1..n).map(|_| entry(seed / 6 % 6)).collect();
            // Input matrices are scaled.
            diagonal[n / 2] = 1.0;
            let found = bidiagonal(&diagonal, &above, &mut space);
            let b = Array2::from_shape_fn((n, n), |(i, j)| match j.checked_sub(i) {
                Some(0) => diagonal[i],
                Some(1) => above[i],
                _ => 0.0,
            });
            // With checks: Jacobi fails on some of these.
            let known = Svd::with_backend(&b, &Jacobi).unwrap();
            for (found, known) in found.iter().zip(known.singular_values()) {
                // Jacobi's errors are larger than those of divide and conquer.
                let bound = 8.0 * f64::EPSILON * (n as f64).max(2.0);
                assert!((found - known).abs() <= bound, "{n}, {seed}: {found:e} for {known:e}");
            }
        }
    }
}

/// Nothing is coupled, everything is repeated, or everything is zero.
#[test]
fn matrices_that_fall_apart() {
    let mut space = Bidiagonal::default();
    for n in [2, 3, 9, 50, 130] {
        for step in [1, 2, 3, 7] {
            let above: Vec<f64> = (1..n).map(|i| if i % step == 0 { 0.0 } else { 0.5 }).collect();
            for value in [0.0, 1.0, 1e-17] {
                let diagonal: Vec<f64> = (0..n).map(|i| if i % 5 == 0 { value } else { 1.0 }).collect();
                bidiagonal(&diagonal, &above, &mut space);
            }
        }
        let zeros = bidiagonal(&vec![0.0; n], &vec![0.0; n - 1], &mut space);
        assert!(zeros.iter().all(|&s| s == 0.0));
        let ones = bidiagonal(&vec![1.0; n], &vec![0.0; n - 1], &mut space);
        assert!(ones.iter().all(|&s| s == 1.0));
    }
}

/// Poles far apart and close together, weights large and tiny: each root lies between its poles, and their squares add
/// up to `Σ d² + Σ z²`.
#[test]
fn roots() {
    let mut secular = Secular::default();
    for count in [1, 2, 3, 7, 8, 9, 16, 17, 100] {
        for seed in 0..60 {
            let mut rng = stream(seed, count, 1);
            secular.clear();
            let (mut pole, mut square) = (0.0, 0.0);
            for _ in 0..count {
                let z = uniform(&mut rng) * 10f64.powi(-rng.random_range(0..16)) + 1e-17;
                secular.push(pole, z);
                square += pole * pole + z * z;
                pole += 10f64.powi(-rng.random_range(0..15)) / count as f64;
            }
            assert!(secular.solve(), "{count}, {seed}");
            let mut sum = 0.0;
            for i in 0..count {
                let root = secular.root(i);
                let next = if i + 1 < count { secular.poles[i + 1] } else { f64::INFINITY };
                assert!(secular.poles[i] <= root && root <= next, "{count}, {seed}, {i}");
                assert!(secular.shift[i] != 0.0);
                sum += root * root;
            }
            assert!(
                (sum - square).abs() <= 8.0 * f64::EPSILON * square * (count as f64).sqrt(),
                "{count}, {seed}"
            );
        }
    }
}

fn matrices(seed: u64) -> Vec<Array2<f64>> {
    let mut rng = stream(seed, 0, 2);
    let (n, p) = (rng.random_range(1..150), rng.random_range(1..150));
    let rank = rng.random_range(1..=n.min(p));
    let mut integers = |n, p| Array2::from_shape_simple_fn((n, p), || f64::from(rng.random_range(-3..=3)));
    let (left, right) = (integers(n, rank), integers(rank, p));
    let over = Array2::from_shape_fn((n, p), |(i, j)| right[[i * 7 % rank, j]]);
    let diagonal = Array2::from_shape_fn((n, p), |(i, j)| if i == j { (i % rank) as f64 } else { 0.0 });
    let full = Array2::from_shape_simple_fn((n, p), || uniform(&mut rng));
    let graded = Array2::from_shape_fn((n, p), |(i, j)| full[[i, j]] * (-3.0 * j as f64).exp2());
    let scaled = |x: Array2<f64>| {
        let largest = x.iter().fold(0.0, |most: f64, v| most.max(v.abs()));
        x * power_of_two(-exponent(largest))
    };
    [left.dot(&right), over, diagonal, full, graded].map(scaled).into()
}

/// Rank-deficient matrices, repeated values and graded columns, both ways: none needs the second route.
#[test]
fn every_result_passes_the_check() {
    for seed in 0..150 {
        for x in matrices(seed) {
            for by_triangle in [false, true] {
                let raw = factorise(x.view(), by_triangle).unwrap();
                let check = Check::new(x.nrows().max(x.ncols())).verify(&x, &raw);
                assert!(check.is_ok(), "seed {seed}, {:?}: {check:?}", x.dim());
            }
        }
    }
}

#[test]
fn results_do_not_depend_on_what_came_before() {
    let xs: Vec<_> = (0..12).flat_map(matrices).collect();
    let all = |x: &Array2<f64>| {
        let raw = factorise(x.view(), x.nrows() > 2 * x.ncols()).unwrap();
        (raw.u, raw.sigma, raw.vt)
    };
    let forwards: Vec<_> = xs.iter().map(all).collect();
    let mut backwards: Vec<_> = xs.iter().rev().map(all).collect();
    backwards.reverse();
    assert!(forwards == backwards);
}

#[test]
fn copies_of_either_order_of_memory() {
    for (n, p) in [(1, 1), (9, 4), (16, 8), (33, 17)] {
        let x = Array2::from_shape_fn((n, p), |(i, j)| (i * p + j) as f64);
        let columns = x.t().as_standard_layout().into_owned().reversed_axes();
        for source in [x.view(), columns.view(), x.slice(s![..;-1, ..])] {
            let stride = n + 3;
            let mut to = vec![-1.0; stride * p];
            transform::copy(source, &mut to, stride);
            for ((i, j), v) in source.indexed_iter() {
                assert_eq!(to[j * stride + i], *v);
            }
        }
    }
}

/// Sizes around the threshold for splitting a matrix; full rank, rank-deficient and graded. Equal bits need one check.
#[test]
fn the_same_bits_on_any_number_of_threads() {
    let mut rng = stream(7, 0, 3);
    for (n, p, by_triangle) in
        [(LARGE - 1, LARGE - 1, false), (LARGE + 50, LARGE + 1, false), (3 * LARGE / 2, LARGE, true)]
    {
        // Under the threshold nothing is split.
        let threads: &[usize] = if p < LARGE { &[8] } else { &[2, 3, 8] };
        let full = Array2::from_shape_simple_fn((n, p), || uniform(&mut rng));
        let deficient = Array2::from_shape_fn((n, p), |(i, j)| full[[i, j % 700]]);
        let graded = Array2::from_shape_fn((n, p), |(i, j)| full[[i, j]] * (-0.1 * j as f64).exp2());
        for x in [full, deficient, graded] {
            let on = |threads: usize| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                pool.install(|| factorise(x.view(), by_triangle)).unwrap()
            };
            let one = on(1);
            assert!(Check::new(n).verify(&x, &one).is_ok());
            for &threads in threads {
                assert!(on(threads) == one, "{n} × {p} on {threads} threads");
            }
        }
    }
}
