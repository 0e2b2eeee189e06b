//! Rank-deficient integer matrices. For some of them, the divide and conquer of the library faer 0.24 returns wrong
//! factorisations.

use crate::common::backends::{backends, svd};
use crate::common::matrices::*;
use double_descent::svd::{Backend, DivideAndConquer, Route, Svd};
use ndarray::Array2;

fn rank_deficient(seed: u64) -> Array2<f64> {
    of_shape((130 + (seed * 37 % 120) as usize, 130 + (seed * 53 % 110) as usize), 100, seed)
}

/// Smaller matrices of the same kinds.
fn small_rank_deficient(seed: u64) -> Array2<f64> {
    of_shape((49 + (seed * 37 % 90) as usize, 49 + (seed * 53 % 80) as usize), 35, seed)
}

fn of_shape((n, p): (usize, usize), ranks: u64, seed: u64) -> Array2<f64> {
    let x = match seed % 10 {
        3 | 4 => integer_low_rank(n, p, 5 + (seed * 7 % ranks) as usize, seed),
        8 | 9 => duplicated_rows(n, p, (ranks * 2 / 5 + seed * 11 % ranks) as usize, seed),
        _ => relu_with_duplicates(n, p, n * 2 / 3, 3 + (seed % 20) as usize, seed),
    };
    // Into the range that backends are promised; scaling by a power of two is exact.
    let largest = x.iter().fold(1.0, |m: f64, v| m.max(v.abs()));
    x * 2f64.powi(-(largest.log2().floor() as i32) - 1)
}

/// Returns whether the raw factorisation failed, or has a larger error than a sound routine ever has.
fn raw_is_wrong(x: &Array2<f64>) -> bool {
    !DivideAndConquer
        .factorise(x.view(), Route::First)
        .is_ok_and(|raw| backward_error(x, &raw.u, &raw.sigma, &raw.vt) <= unit(x))
}

#[test]
fn rank_deficient_matrices_are_right_by_the_first_route() {
    let mut wrong = 0;
    for seed in 0..300 {
        for x in [rank_deficient(seed), small_rank_deficient(seed)] {
            wrong += usize::from(raw_is_wrong(&x));
            assert_thin_svd(&x, &svd(&DivideAndConquer, &x), &format!("seed {seed}, {:?}", x.dim()));
        }
    }
    println!("{wrong} of 600 were wrong before the check");
    assert_eq!(wrong, 0);
}

/// Seeds found by search: faer's routine silently returns backward errors of 1e-6 to 1e-3 on them.
#[test]
fn matrices_that_faer_gets_wrong() {
    for seed in [456, 637, 1212, 2177, 2975, 4808, 6159, 8559] {
        let x = rank_deficient(seed);
        assert!(!raw_is_wrong(&x), "seed {seed}");
        for backend in backends() {
            let alone = svd(&*backend, &x);
            assert_thin_svd(&x, &alone, &format!("{}, seed {seed}", backend.name()));
            let many = Svd::many(&[x.view(), x.view()], &*backend);
            assert!(many.into_iter().all(|one| one.is_ok_and(|one| one.u() == alone.u())));
        }
    }
}
