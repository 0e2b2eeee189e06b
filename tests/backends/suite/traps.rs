//! Matrices on which other implementations fail or are wrong.

use crate::common::backends::{routes, svd};
use crate::common::matrices::*;
use crate::common::ratios::{SVD_RATIOS, Table, Worst, svd_ratios};
use double_descent::svd::Backend;
use ndarray::{Array2, array};

/// The threshold used for the LAPACK test programs in this suite.
const THRESHOLD: f64 = 10.0;

/// Every matrix below, with its rank if that is known and unaffected by rounding errors.
#[test]
fn traps_of_other_implementations() {
    let mut all = small();
    all.extend(ill_conditioned());
    all.extend(rank_deficient_cases());
    let mut table = Table::new("Known traps: largest ratios (10 fails)", &SVD_RATIOS, THRESHOLD);
    for backend in routes() {
        let mut worst = Worst::new(&backend);
        for Trap { name, x, rank } in &all {
            let found = svd(&backend, x);
            worst.add(&svd_ratios(x, &found), || name.clone());
            let what = format!("{}: {name}", backend.name());
            let (sigma, size) = (found.singular_values(), norm(x.view()));
            let close = |length: f64| (length - size).abs() <= unit(x) * size;
            assert!(close(sigma.dot(sigma).sqrt()), "{what}: Σσ² is not ‖X‖²");
            assert!(rank.is_none_or(|rank| rank == found.rank()), "{what}: {}", found.rank());
            assert!(*rank != Some(1) || close(sigma[0]), "{what}: σ₁ is not ‖X‖");
            assert_eq!(
                found.smallest_nonzero(),
                found.rank().checked_sub(1).map(|last| sigma[last]),
                "{what}"
            );
        }
        table.row(&worst, backend.mended());
    }
    table.finish();
}

struct Trap {
    name: String,
    x: Array2<f64>,
    rank: Option<usize>,
}

impl Trap {
    fn new(name: impl Into<String>, x: Array2<f64>, rank: Option<usize>) -> Self {
        Self { name: name.into(), x, rank }
    }
}

fn small() -> Vec<Trap> {
    let mut all = vec![
        // nalgebra 0.35: Σσ² = 21.044, not 21.
        Trap::new("integers", array![[1.0, 2.0, 2.0], [2.0, -1.0, -1.0], [2.0, 1.0, -1.0]], Some(3)),
        Trap::new("−0", array![[-0.0, 0.0], [0.0, -0.0], [-0.0, -0.0]], Some(0)),
        Trap::new("−0 beside 1", array![[-0.0, 1.0], [-0.0, -0.0]], Some(1)),
    ];
    // nalgebra 0.35: a wrong σ₁ for 231 of these matrices, starting at 2 × 2.
    for (n, p) in (1..=30).flat_map(|n| (1..=30).map(move |p| (n, p))) {
        all.push(Trap::new(format!("ones, {n} × {p}"), Array2::ones((n, p)), Some(1)));
    }
    for (n, p) in [(1, 1), (1, 7), (7, 1), (4, 4), (5, 9), (40, 35)] {
        all.push(Trap::new(format!("zeros, {n} × {p}"), Array2::zeros((n, p)), Some(0)));
        let mut one_entry = Array2::zeros((n, p));
        one_entry[[n - 1, p / 2]] = -3.0;
        all.push(Trap::new(format!("one entry, {n} × {p}"), one_entry, Some(1)));
    }
    for len in [1, 2, 9, 300] {
        all.push(Trap::new(format!("one row of {len}"), normal(1, len, 4), Some(1)));
        all.push(Trap::new(format!("one column of {len}"), normal(len, 1, 5), Some(1)));
    }
    for n in [1, 5, 40] {
        all.push(Trap::new(format!("identity of {n}"), Array2::eye(n), Some(n)));
    }
    // faer 0.24: sometimes no convergence.
    for seed in 0..200 {
        let x = with_spectrum(6, 12, &[4.0, 3.0, 3.0, 1.0, 1.0, 0.0], 1000 + 2 * seed);
        all.push(Trap::new(format!("σ = 4, 3, 3, 1, 1, 0, seed {seed}"), x, Some(5)));
    }
    all
}

fn ill_conditioned() -> Vec<Trap> {
    let mut all = Vec::new();
    for n in [2, 5, 10, 20] {
        let hilbert = Array2::from_shape_fn((n, n), |(i, j)| 1.0 / (i + j + 1) as f64);
        all.push(Trap::new(format!("Hilbert, {n}"), hilbert, None));
        let vandermonde = Array2::from_shape_fn((n, n), |(i, j)| (i as f64 / n as f64).powi(j as i32));
        all.push(Trap::new(format!("Vandermonde, {n}"), vandermonde, None));
    }
    for n in [10, 30, 90] {
        let (sin, cos) = 1.2f64.sin_cos();
        let kahan = Array2::from_shape_fn((n, n), |(i, j)| match i.cmp(&j) {
            std::cmp::Ordering::Less => -cos * sin.powi(i as i32),
            std::cmp::Ordering::Equal => sin.powi(i as i32),
            std::cmp::Ordering::Greater => 0.0,
        });
        all.push(Trap::new(format!("Kahan, {n}"), kahan, None));
    }
    // LAPACK before 3.10 (issue 316): from n = 26, DGESDD with vectors returns other singular values than without.
    for n in [10, 26, 40] {
        let mut companion = Array2::zeros((n, n));
        let mut coefficient = -1.0;
        for j in 0..n {
            coefficient *= (n - j) as f64; // −n!/(n − j − 1)! of 1 + x + x²/2! + …
            companion[[0, j]] = coefficient;
            if j > 0 {
                companion[[j, j - 1]] = 1.0;
            }
        }
        all.push(Trap::new(format!("companion, {n}"), companion, None));
    }
    // Graded over more orders of magnitude than an f64 has digits.
    for p in [3, 8, 20] {
        let scale = |j: usize| 1e-3f64.powi(j as i32);
        let graded = |by: fn(usize, usize) -> usize| {
            let x = normal(20, p, 3);
            Array2::from_shape_fn(x.dim(), |(i, j)| x[[i, j]] * scale(by(i, j)))
        };
        all.push(Trap::new(format!("graded columns, {p}"), graded(|_, j| j), None));
        all.push(Trap::new(format!("graded rows, {p}"), graded(|i, _| i), None));
        all.push(Trap::new(format!("graded both ways, {p}"), graded(|i, j| i + j), None));
    }
    all
}

/// Integer matrices, whose ranks are exact. The default cutoff is strict and above the rounding errors.
fn rank_deficient_cases() -> Vec<Trap> {
    let mut all = Vec::new();
    let shapes = [
        (12, 8, 3),
        (8, 12, 7),
        (20, 20, 1),
        (39, 8, 5),
        (60, 45, 20),
        (200, 160, 31),
        (700, 300, 90),
        (260, 410, 130),
    ];
    for (n, p, rank) in shapes {
        let draws = if n > 200 { 1 } else { 5 };
        for seed in 0..draws {
            let x = integer_low_rank(n, p, rank, seed);
            all.push(Trap::new(format!("low rank {rank}, {n} × {p}, seed {seed}"), x, Some(rank)));
        }
        let mut columns = normal(n, p, 6);
        let first = columns.column(0).to_owned();
        columns.column_mut(p - 1).assign(&first);
        let full = if p > n { n } else { p - 1 };
        all.push(Trap::new(format!("a column twice, {n} × {p}"), columns, Some(full)));
    }
    for (n, p, distinct) in [(130, 140, 50), (400, 350, 120), (700, 200, 150)] {
        let x = duplicated_rows(n, p, distinct, 7);
        all.push(Trap::new(format!("{distinct} rows over and over, {n} × {p}"), x, None));
    }
    all
}

/// Condition number from Todd 1961. The matrix's own rounding errors are amplified by that number.
#[test]
fn the_condition_number_of_the_hilbert_matrix() {
    let x = Array2::from_shape_fn((5, 5), |(i, j)| 1.0 / (i + j + 1) as f64);
    for backend in routes() {
        let found = svd(&backend, &x).condition_number();
        assert!((found / 476_607.250_241_712_4 - 1.0).abs() <= unit(&x) * 476_607.0, "{found}");
    }
}
