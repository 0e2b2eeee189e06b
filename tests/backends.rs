//! One body of checks over all backends, and a checked factorisation against backends that lie.
#![allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap)] // small sizes and exponents

mod common;

use common::matrices::*;
use double_descent::Error;
use double_descent::risk::Compressed;
use double_descent::svd::{Backend, Cutoff, Faer, Jacobi, RawSvd, Route, Svd};
use ndarray::{Array1, Array2, ArrayView2, Axis, array, s};

#[test]
fn faer() {
    check_backend(&Faer);
}

#[test]
fn jacobi() {
    check_backend(&Jacobi);
}

#[cfg(feature = "lapack")]
#[test]
fn lapack() {
    check_backend(&double_descent::svd::Lapack);
}

/// All that are compiled in.
fn backends() -> Vec<&'static dyn Backend> {
    vec![
        &Faer,
        &Jacobi,
        #[cfg(feature = "lapack")]
        &double_descent::svd::Lapack,
    ]
}

fn check_backend(backend: &dyn Backend) {
    ordinary_matrices(backend);
    known_singular_values(backend);
    small_singular_values(backend);
    repeated_singular_values(backend);
    matrices_that_break_others(backend);
    all_ones(backend);
    zeros_and_single_entries(backend);
    rank_is_found(backend);
    any_scale(backend);
    subnormal_entries(backend);
    too_large_a_singular_value(backend);
    bad_entries_and_no_entries(backend);
    the_triangle(backend);
    the_second_route(backend);
    many_is_one_by_one(backend);
}

fn svd(backend: &dyn Backend, x: &Array2<f64>) -> Svd {
    Svd::with_backend(x, backend).unwrap_or_else(|e| panic!("{}: {e} on\n{x:?}", backend.name()))
}

fn ordinary_matrices(backend: &dyn Backend) {
    // Both sides of Jacobi's limit of 32, and of faer's of 128.
    let shapes = [(12, 5), (8, 8), (5, 12), (32, 40), (33, 33), (40, 31), (150, 140), (60, 170)];
    for (seed, &(n, p)) in (0..).zip(&shapes) {
        let x = normal(n, p, seed);
        assert_thin_svd(&x, &svd(backend, &x), &format!("{} {n} × {p}", backend.name()));
        // Column-major, and with both axes reversed: the same matrix in another order of memory.
        let mut other = x.t().as_standard_layout().into_owned().reversed_axes();
        assert_thin_svd(&other, &svd(backend, &other), "column-major");
        other.invert_axis(Axis(0));
        other.invert_axis(Axis(1));
        assert_thin_svd(&other, &svd(backend, &other), "reversed");
    }
}

/// Weyl: singular values move by no more than the error of the matrix, here that of forming it and of
/// factorising it, each under [`unit`].
fn known_singular_values(backend: &dyn Backend) {
    for (seed, &(n, p)) in (10..).zip(&[(12, 5), (8, 8), (5, 12), (40, 20), (20, 39), (64, 50)]) {
        let sigma: Vec<f64> = (0..n.min(p)).map(|r| 7.0 * 0.8f64.powi(r as i32)).collect();
        let x = with_spectrum(n, p, &sigma, seed);
        let found = svd(backend, &x);
        assert_thin_svd(&x, &found, backend.name());
        let bound = 2.0 * unit(&x) * sigma[0];
        for (found, known) in found.singular_values().iter().zip(&sigma) {
            assert!((found - known).abs() <= bound, "{}: {found} for {known}", backend.name());
        }
        let spread = sigma[0] / sigma[sigma.len() - 1];
        let off = (found.condition_number() / spread - 1.0).abs();
        // Relative error of the smallest singular value: that of the matrix times the spread.
        assert!(off <= 4.0 * unit(&x) * spread, "condition number is off by {off:e}");
    }
}

fn small_singular_values(backend: &dyn Backend) {
    let hilbert = |n| Array2::from_shape_fn((n, n), |(i, j)| 1.0 / (i + j + 1) as f64);
    for n in [2, 5, 10, 20] {
        let x = hilbert(n);
        assert_thin_svd(&x, &svd(backend, &x), "Hilbert");
    }
    // The condition number of the 5 × 5 Hilbert matrix (Todd 1961); its own error is amplified by it.
    let found = svd(backend, &hilbert(5)).condition_number();
    let off = (found / 476_607.250_241_712_4 - 1.0).abs();
    assert!(off <= unit(&hilbert(5)) * 476_607.0, "Hilbert 5: {found}");
    // Graded columns, over more than the range of an f64's digits.
    for p in [3, 8, 20] {
        let mut x = normal(20, p, 3);
        for (j, mut column) in x.columns_mut().into_iter().enumerate() {
            column.mapv_inplace(|v| v * 1e-3f64.powi(j as i32));
        }
        assert_thin_svd(&x, &svd(backend, &x), "graded");
    }
}

fn repeated_singular_values(backend: &dyn Backend) {
    let sigma = [4.0, 3.0, 3.0, 1.0, 1.0, 0.0];
    for seed in 0..200 {
        let x = with_spectrum(6, 12, &sigma, 1000 + 2 * seed);
        let found = svd(backend, &x);
        assert_thin_svd(&x, &found, "σ = 4, 3, 3, 1, 1, 0");
        let bound = 2.0 * unit(&x) * 4.0; // as for other known singular values
        assert!(found.singular_values().iter().zip(sigma).all(|(a, b)| (a - b).abs() <= bound));
        assert_eq!(found.rank(), 5);
    }
    for n in [1, 5, 40] {
        let identity = Array2::eye(n);
        assert_thin_svd(&identity, &svd(backend, &identity), "identity");
    }
}

/// `nalgebra` 0.35 has Σσ² = 21.044 for this one, and a wrong σ₁ for many matrices of ones.
fn matrices_that_break_others(backend: &dyn Backend) {
    let x = array![[1.0, 2.0, 2.0], [2.0, -1.0, -1.0], [2.0, 1.0, -1.0]];
    let found = svd(backend, &x);
    assert_thin_svd(&x, &found, "integers");
    let squares: f64 = found.singular_values().iter().map(|s| s * s).sum();
    assert!((squares - 21.0).abs() <= 21.0 * 2.0 * unit(&x), "Σσ² = {squares}");
}

fn all_ones(backend: &dyn Backend) {
    for n in 1..=30 {
        for p in 1..=30 {
            let x = Array2::ones((n, p));
            let found = svd(backend, &x);
            assert_thin_svd(&x, &found, "ones");
            let largest = ((n * p) as f64).sqrt();
            assert!((found.singular_values()[0] - largest).abs() <= unit(&x) * largest, "{n} × {p}");
            assert_eq!(found.rank(), 1, "{n} × {p}");
        }
    }
}

fn zeros_and_single_entries(backend: &dyn Backend) {
    for (n, p) in [(1, 1), (1, 7), (7, 1), (4, 4), (5, 9), (40, 35)] {
        let x = Array2::zeros((n, p));
        let found = svd(backend, &x);
        assert_thin_svd(&x, &found, "zeros");
        assert!(found.singular_values().iter().all(|&s| s == 0.0));
        assert_eq!((found.rank(), found.smallest_nonzero(), found.cutoff()), (0, None, 0.0));
        assert_eq!(found.pseudoinverse().unwrap(), Array2::<f64>::zeros((p, n)));
        let mut one_entry = x;
        one_entry[[n - 1, p / 2]] = -3.0;
        let found = svd(backend, &one_entry);
        assert_thin_svd(&one_entry, &found, "one entry");
        assert_eq!((found.singular_values()[0], found.rank()), (3.0, 1));
    }
    for len in [1, 2, 9, 300] {
        for x in [normal(1, len, 4), normal(len, 1, 5)] {
            let found = svd(backend, &x);
            assert_thin_svd(&x, &found, "one row or column");
            let length = norm(x.view());
            assert!((found.singular_values()[0] - length).abs() <= unit(&x) * length);
        }
    }
}

/// The default cutoff is strict and over the rounding errors: exactly rank-deficient matrices.
fn rank_is_found(backend: &dyn Backend) {
    for (n, p, rank) in [(12, 8, 3), (8, 12, 7), (20, 20, 1), (39, 8, 5), (60, 45, 20), (200, 160, 31)] {
        for seed in 0..5 {
            let x = integer_low_rank(n, p, rank, seed);
            let found = svd(backend, &x);
            assert_thin_svd(&x, &found, "integer low rank");
            assert_eq!(found.rank(), rank, "{} {n} × {p} seed {seed}", backend.name());
            assert_eq!(found.smallest_nonzero(), Some(found.singular_values()[rank - 1]));
        }
        let mut columns = normal(n, p, 6);
        let first = columns.column(0).to_owned();
        columns.column_mut(p - 1).assign(&first);
        let full = if p > n { n } else { p - 1 };
        assert_eq!(svd(backend, &columns).rank(), full, "a column twice, {n} × {p}");
    }
}

/// A power of two commutes with every rounding, so that the bits are the same at any scale.
fn any_scale(backend: &dyn Backend) {
    for (n, p) in [(9, 5), (5, 9), (6, 6), (40, 36)] {
        let x = normal(n, p, 7);
        let base = svd(backend, &x);
        for power in [-996, -664, -513, -1, 1, 512, 664, 996, 1015] {
            let scale = 2f64.powi(power);
            let found = svd(backend, &(&x * scale));
            assert_eq!(found.singular_values(), &(base.singular_values() * scale), "2^{power}");
            assert_eq!((found.u(), found.vt()), (base.u(), base.vt()), "2^{power}");
            assert_eq!(found.rank(), base.rank());
        }
        for scale in [1e-300, 1e-200, 1e-154, 1e154, 1e200, 1e300] {
            let found = svd(backend, &(&x * scale));
            // The product with a scale that is no power of two rounds each entry: under one unit.
            let off = (found.singular_values() / scale - base.singular_values()).mapv(f64::abs);
            let bound = 2.0 * unit(&x) * base.singular_values()[0];
            assert!(off.iter().all(|&v| v <= bound), "{} {scale:e}: {off}", backend.name());
        }
    }
    // Entries of very different size: 1e-300 counts as 0 next to 1e300.
    let found = svd(backend, &array![[1e300, 0.0], [0.0, 1e-300]]);
    assert_eq!((found.singular_values()[0], found.rank()), (1e300, 1));
    assert!(found.singular_values()[1] <= 1e-300);
}

fn subnormal_entries(backend: &dyn Backend) {
    let step = f64::from_bits(1); // 5e-324
    let mut rng = double_descent::rng::stream(8, 0, 0);
    for largest in [1, 9, 1_000_000] {
        for (n, p) in [(6, 4), (4, 6), (5, 5)] {
            let counts = integers(n, p, largest, &mut rng);
            let x = &counts * step;
            assert!(x.iter().all(|v| v.abs() < f64::MIN_POSITIVE));
            let (found, base) = (svd(backend, &x), svd(backend, &counts));
            assert_eq!((found.u(), found.vt()), (base.u(), base.vt()), "the vectors know no scale");
            for (small, &known) in found.singular_values().iter().zip(base.singular_values()) {
                // The singular values are numbers of steps, rounded once.
                assert!((small.to_bits() as f64 - known).abs() <= 0.5, "{small:e} for {known} steps");
            }
        }
    }
    let found = svd(backend, &array![[1e-310, 0.0], [0.0, -3e-315], [0.0, 0.0]]);
    assert_eq!(found.singular_values().to_vec(), [1e-310, 3e-315]);
    assert_eq!(svd(backend, &array![[-step]]).singular_values()[0], step);
}

fn too_large_a_singular_value(backend: &dyn Backend) {
    assert_eq!(svd(backend, &array![[f64::MAX]]).singular_values()[0], f64::MAX);
    for x in [array![[f64::MAX, -f64::MAX]], array![[1.7e308], [1.7e308]], Array2::from_elem((40, 40), 1e307)]
    {
        let error = Svd::with_backend(&x, backend).unwrap_err();
        assert!(matches!(error, Error::Overflow { .. }), "{error}");
        assert!(error.to_string().contains("largest singular value"), "{error}");
    }
}

fn bad_entries_and_no_entries(backend: &dyn Backend) {
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        for (n, p) in [(3, 5), (40, 50)] {
            let mut x = normal(n, p, 9);
            x[[2, 3]] = bad;
            let error = Svd::with_backend(&x, backend).unwrap_err();
            assert!(matches!(error, Error::NonFinite { row: 2, column: 3, .. }), "{error}");
            assert!(error.to_string().contains("row 2, column 3"), "{error}");
        }
    }
    for shape in [(0, 3), (3, 0), (0, 0)] {
        let error = Svd::with_backend(&Array2::zeros(shape), backend).unwrap_err();
        assert!(matches!(error, Error::Empty { .. }), "{shape:?}: {error}");
    }
}

/// `RᵀR = XᵀX` says all of `R` but the signs of its rows.
fn the_triangle(backend: &dyn Backend) {
    for (n, p) in [(30, 7), (7, 7), (4, 9), (200, 40), (1, 3), (3, 1)] {
        let x = normal(n, p, 11) / 8.0;
        let r = backend.triangle(x.view()).unwrap();
        assert_eq!(r.dim(), (n.min(p), p));
        assert!(r.indexed_iter().all(|((i, j), &v)| i <= j || v == 0.0));
        let off = norm((r.t().dot(&r) - x.t().dot(&x)).view());
        assert!(off <= 2.0 * unit(&x) * norm(x.view()).powi(2), "{n} × {p}: {off:e}");
    }
}

/// Asked for only where the first route fails: here it is asked for always.
#[derive(Debug)]
struct Second<'a>(&'a dyn Backend);

impl Backend for Second<'_> {
    fn name(&self) -> &'static str {
        "second"
    }

    fn factorise(&self, x: ArrayView2<'_, f64>, _: Route) -> Result<RawSvd, String> {
        self.0.factorise(x, Route::Second)
    }

    fn triangle(&self, x: ArrayView2<'_, f64>) -> Result<Array2<f64>, String> {
        self.0.triangle(x)
    }
}

fn the_second_route(backend: &dyn Backend) {
    let second = Second(backend);
    ordinary_matrices(&second);
    known_singular_values(&second);
    rank_is_found(&second);
    for seed in 0..10 {
        let x = rank_deficient(seed);
        assert_thin_svd(&x, &svd(&second, &x), &format!("second route, seed {seed}"));
    }
    for (n, p) in [(1, 1), (1, 7), (7, 1), (300, 1), (1, 300), (40, 40)] {
        let x = normal(n, p, 3);
        assert_thin_svd(&x, &svd(&second, &x), "second route");
        assert_thin_svd(&(x * 0.0), &svd(&second, &Array2::zeros((n, p))), "second route, zeros");
    }
}

fn many_is_one_by_one(backend: &dyn Backend) {
    let equal: Vec<_> = (0..21).map(|seed| normal(9, 4, seed)).collect();
    let wide: Vec<_> = (0..9).map(|seed| normal(4, 11, seed)).collect();
    // Different amounts of work side by side, and some that need the second route.
    let mut hard = equal.clone();
    hard[1] = Array2::zeros((9, 4));
    hard[3] = Array2::ones((9, 4));
    hard[4] = &equal[4] * &array![1.0, 1e-9, 1e-200, 1e3];
    hard[9] = Array2::from_shape_fn((9, 4), |(i, j)| if i == j { 1.0 } else { 0.0 });
    hard[12] = &equal[12] * 1e-310;
    let mut mixed = equal.clone();
    mixed[2] = normal(5, 5, 1);
    mixed[11] = normal(40, 50, 1);
    for list in [&equal, &wide, &hard, &mixed] {
        for (from, to) in [(0, list.len()), (0, 1), (1, 8), (2, 9), (0, 9), (3, list.len() - 1)] {
            same_bits(&list[from..to], backend);
        }
        let reversed: Vec<_> = list.iter().rev().cloned().collect();
        same_bits(&reversed, backend);
    }
    let mut bad = equal;
    bad[0][[3, 1]] = f64::NAN;
    bad[7][[8, 2]] = f64::INFINITY;
    bad[8] = Array2::zeros((0, 4));
    bad[20].fill(f64::MAX);
    same_bits(&bad, backend);
    let errors: Vec<_> = Svd::many(&views(&bad), backend).into_iter().map(Result::err).collect();
    assert!(matches!(errors[0], Some(Error::NonFinite { row: 3, column: 1, .. })));
    assert!(matches!(errors[7], Some(Error::NonFinite { row: 8, column: 2, .. })));
    assert!(matches!(errors[8], Some(Error::Empty { .. })));
    assert!(matches!(errors[20], Some(Error::Overflow { .. })));
    assert_eq!(errors.iter().flatten().count(), 4);
    assert!(Svd::many(&[], backend).is_empty());
}

fn views(xs: &[Array2<f64>]) -> Vec<ArrayView2<'_, f64>> {
    xs.iter().map(|x| x.view()).collect()
}

fn same_bits(xs: &[Array2<f64>], backend: &dyn Backend) {
    let bits = |x: &Array2<f64>| x.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
    let together = Svd::many(&views(xs), backend);
    assert_eq!(together.len(), xs.len());
    for (place, (x, many)) in xs.iter().zip(together).enumerate() {
        match (many, Svd::with_backend(x, backend)) {
            (Ok(many), Ok(alone)) => {
                assert_eq!(bits(many.u()), bits(alone.u()), "{} {place}", backend.name());
                assert_eq!(bits(many.vt()), bits(alone.vt()), "{} {place}", backend.name());
                assert_eq!(many.singular_values(), alone.singular_values());
                assert_eq!((many.rank(), many.cutoff()), (alone.rank(), alone.cutoff()));
            }
            // NaN is not equal to itself: compare the words.
            (Err(many), Err(alone)) => assert_eq!(many.to_string(), alone.to_string()),
            (many, alone) => panic!("{place}: {many:?} together, {alone:?} alone"),
        }
    }
}

/// Integer matrices for which faer 0.24's divide and conquer may return a wrong factorisation.
fn rank_deficient(seed: u64) -> Array2<f64> {
    let (n, p) = (130 + (seed * 37 % 120) as usize, 130 + (seed * 53 % 110) as usize);
    let x = match seed % 10 {
        3 | 4 => integer_low_rank(n, p, 5 + (seed * 7 % 100) as usize, seed),
        8 | 9 => duplicated_rows(n, p, 40 + (seed * 11 % 100) as usize, seed),
        _ => relu_with_duplicates(n, p, n * 2 / 3, 3 + (seed % 20) as usize, seed),
    };
    // To the range that a backend is promised; a power of two keeps the matrix exact.
    let largest = x.iter().fold(1.0, |m: f64, v| m.max(v.abs()));
    x * 2f64.powi(-(largest.log2().floor() as i32) - 1)
}

/// Off by more than a sound routine ever is, or no result at all.
fn raw_is_wrong(x: &Array2<f64>) -> bool {
    !Faer
        .factorise(x.view(), Route::First)
        .is_ok_and(|raw| backward_error(x, &raw.u, &raw.sigma, &raw.vt) <= unit(x))
}

#[test]
fn rank_deficient_matrices_never_come_out_wrong() {
    let mut wrong = 0;
    for seed in 0..300 {
        let x = rank_deficient(seed);
        wrong += usize::from(raw_is_wrong(&x));
        assert_thin_svd(&x, &svd(&Faer, &x), &format!("seed {seed}"));
    }
    println!("{wrong} of 300 were wrong before the check");
}

/// Found by search: these came out of faer with backward errors of 1e-6 to 1e-3, in silence. The
/// matrices are the same bits everywhere; faer's arithmetic differs between instruction sets, so that
/// not each of them need be wrong on each machine.
#[test]
fn factorisations_that_faer_gets_wrong_are_mended() {
    let mut wrong = 0;
    for seed in [456, 637, 1212, 2177, 2975, 4808, 6159, 8559] {
        let x = rank_deficient(seed);
        let raw = raw_is_wrong(&x);
        println!("seed {seed}, {:?}: {}", x.dim(), if raw { "wrong" } else { "right" });
        wrong += usize::from(raw);
        for backend in backends() {
            assert_thin_svd(&x, &svd(backend, &x), &format!("seed {seed}"));
        }
        let many = Svd::many(&[x.view(), x.view()], &Faer);
        assert!(many.into_iter().all(|one| one.is_ok_and(|one| one.u() == svd(&Faer, &x).u())));
    }
    assert!(wrong > 0, "faer gets all of these right: new seeds, or no need of the check any more");
}

/// Faer, with what it returns spoiled on its way: by either route, or by the first alone.
#[derive(Debug)]
struct Liar {
    /// Nothing: it gives up.
    spoil: Option<Spoil>,
    second_too: bool,
}

impl Backend for Liar {
    fn name(&self) -> &'static str {
        "liar"
    }

    fn factorise(&self, x: ArrayView2<'_, f64>, route: Route) -> Result<RawSvd, String> {
        let mut raw = Faer.factorise(x, route)?;
        if route == Route::First || self.second_too {
            self.spoil.ok_or("no convergence")?(&mut raw);
        }
        Ok(raw)
    }

    fn triangle(&self, x: ArrayView2<'_, f64>) -> Result<Array2<f64>, String> {
        Faer.triangle(x)
    }
}

type Spoil = fn(&mut RawSvd);

/// What a broken backend may do to the factorisation of a 7 × 5 matrix of rank 4, and what the error
/// must say.
const LIES: [(&str, Option<Spoil>, &str); 16] = [
    ("refuses", None, "no convergence"),
    ("σ₁ is NaN", Some(|raw| raw.sigma[0] = f64::NAN), "negative, NaN"),
    ("σ₃ is NaN", Some(|raw| raw.sigma[2] = f64::NAN), "negative, NaN"),
    ("σ₁ is infinite", Some(|raw| raw.sigma[0] = f64::INFINITY), "Σσ²"),
    (
        "a negative σ whose product is right",
        Some(|raw| {
            raw.sigma[3] *= -1.0;
            raw.vt.row_mut(3).mapv_inplace(|v| -v);
        }),
        "negative, NaN",
    ),
    (
        "unsorted, but right",
        Some(|raw| {
            raw.sigma.swap(0, 1);
            (0..raw.u.nrows()).for_each(|i| raw.u.swap([i, 0], [i, 1]));
            (0..raw.vt.ncols()).for_each(|j| raw.vt.swap([0, j], [1, j]));
        }),
        "out of order",
    ),
    ("σ₂ is off by 1e-8", Some(|raw| raw.sigma[1] *= 1.0 + 1e-8), "Σσ²"),
    ("all σ are zero", Some(|raw| raw.sigma.fill(0.0)), "Σσ²"),
    ("two modes are swapped", Some(|raw| (0..raw.u.nrows()).for_each(|i| raw.u.swap([i, 0], [i, 1]))), "X z"),
    ("a mode has the wrong sign", Some(|raw| raw.u.column_mut(2).mapv_inplace(|v| -v)), "X z"),
    ("U holds NaN where σ = 0", Some(|raw| raw.u[[3, 4]] = f64::NAN), "X z"),
    (
        "U is not orthogonal where σ = 0",
        Some(|raw| {
            let first = raw.u.column(0).to_owned();
            raw.u.column_mut(4).assign(&first);
        }),
        "Uᵀ U",
    ),
    ("V is zero where σ = 0", Some(|raw| raw.vt.row_mut(4).fill(0.0)), "Vᵀ V"),
    ("a mode is missing", Some(|raw| raw.sigma = raw.sigma.slice(s![..4]).to_owned()), "wrong shape"),
    ("U is transposed", Some(|raw| raw.u = raw.u.t().to_owned()), "wrong shape"),
    ("V is empty", Some(|raw| raw.vt = Array2::zeros((0, 0))), "wrong shape"),
];

#[test]
fn a_wrong_first_route_is_replaced_by_the_second() {
    let x = integer_low_rank(7, 5, 4, 1);
    for (lie, spoil, _) in LIES {
        let liar = Liar { spoil, second_too: false };
        assert_thin_svd(&x, &svd(&liar, &x), lie);
        let many = Svd::many(&[x.view(), x.view()], &liar);
        for one in many {
            assert_thin_svd(&x, &one.unwrap(), lie);
        }
    }
}

#[test]
fn two_wrong_routes_are_an_error_that_names_backend_and_check() {
    let x = integer_low_rank(7, 5, 4, 1);
    for (lie, spoil, says) in LIES {
        let liar = Liar { spoil, second_too: true };
        let alone = Svd::with_backend(&x, &liar).unwrap_err();
        assert!(matches!(alone, Error::Backend { name: "liar", .. }), "{lie}: {alone}");
        let text = alone.to_string();
        // Both routes say why.
        assert_eq!(text.matches(says).count(), 2, "{lie}: {text}");
        assert!(text.contains("`liar`") && text.contains("second route"), "{lie}: {text}");
        assert_eq!(Svd::many(&[x.view()], &liar)[0].as_ref().unwrap_err(), &alone);
    }
}

#[test]
fn a_slip_of_1e_6_in_any_entry_is_seen() {
    // The probes are dense: no entry of U or V can hide.
    let x = normal(6, 4, 2);
    for place in 0..6 * 4 + 4 * 4 {
        #[derive(Debug)]
        struct Slip(usize);
        impl Backend for Slip {
            fn name(&self) -> &'static str {
                "slip"
            }
            fn factorise(&self, x: ArrayView2<'_, f64>, route: Route) -> Result<RawSvd, String> {
                let mut raw = Faer.factorise(x, route)?;
                let both = raw.u.iter_mut().chain(raw.vt.iter_mut());
                both.skip(self.0).take(1).for_each(|v| *v += 1e-6);
                Ok(raw)
            }
            fn triangle(&self, x: ArrayView2<'_, f64>) -> Result<Array2<f64>, String> {
                Faer.triangle(x)
            }
        }
        let error = Svd::with_backend(&x, &Slip(place)).unwrap_err();
        assert!(matches!(error, Error::Backend { name: "slip", .. }), "{place}: {error}");
    }
}

/// A backend whose batches and triangles are not what was asked for.
#[derive(Debug)]
struct Careless(Turn);

type Turn = fn(Array2<f64>) -> Result<Array2<f64>, String>;

impl Backend for Careless {
    fn name(&self) -> &'static str {
        "careless"
    }

    fn factorise(&self, x: ArrayView2<'_, f64>, route: Route) -> Result<RawSvd, String> {
        Faer.factorise(x, route)
    }

    fn factorise_many(&self, xs: &[Array2<f64>]) -> Vec<Result<RawSvd, String>> {
        let mut results = Faer.factorise_many(xs);
        results.truncate(2);
        results
    }

    fn triangle(&self, x: ArrayView2<'_, f64>) -> Result<Array2<f64>, String> {
        (self.0)(Faer.triangle(x)?)
    }
}

#[test]
fn fewer_results_than_matrices_are_errors_for_the_rest() {
    let xs: Vec<_> = (0..5).map(|seed| normal(4, 3, seed)).collect();
    let results = Svd::many(&views(&xs), &Careless(Ok));
    assert_eq!(results.len(), 5);
    assert!(results[..2].iter().all(Result::is_ok));
    for result in &results[2..] {
        let error = result.as_ref().unwrap_err();
        assert!(matches!(error, Error::Backend { name: "careless", .. }), "{error}");
        assert!(error.to_string().contains("fewer factorisations"), "{error}");
    }
}

#[test]
fn a_wrong_triangle_is_an_error() {
    let (x, y) = (normal(20, 3, 1), normal(20, 1, 2));
    assert!(Compressed::with_backend(&x, &y, &Careless(Ok)).is_ok());
    let lies: [Turn; 6] = [
        |_| Err("no".into()),
        |r| Ok(r * f64::NAN),
        |r| Ok(r * (1.0 + 1e-8)),
        |r| Ok(r.slice(s![1.., ..]).to_owned()),
        |r| Ok(r.slice(s![.., 1..]).to_owned()),
        |_| Ok(Array2::zeros((0, 0))),
    ];
    for lie in lies {
        let error = Compressed::with_backend(&x, &y, &Careless(lie)).unwrap_err();
        assert!(matches!(error, Error::Backend { name: "careless", .. }), "{error}");
    }
}

/// Spectra of full rank, rank-deficient, and of condition number 1e6.
fn pseudoinverse_cases() -> Vec<(Array2<f64>, f64)> {
    let mut cases = Vec::new();
    for (n, p) in [(12, 5), (8, 8), (5, 12), (1, 3), (3, 1), (1, 1), (40, 36)] {
        let r = n.min(p);
        let geometric = |ratio: f64| (0..r).map(|i| ratio.powf(i as f64 / r as f64)).collect::<Vec<_>>();
        cases.push((with_spectrum(n, p, &geometric(0.1), 1), 10.0));
        cases.push((with_spectrum(n, p, &geometric(1e-6), 3), 1e6));
        let mut deficient = geometric(0.1);
        deficient[r / 2 + 1..].fill(0.0);
        cases.push((with_spectrum(n, p, &deficient, 5), 10.0));
    }
    cases
}

/// `A = X⁺` comes with errors of ε κ relative to `‖A‖ ≤ κ`, `‖X‖` being of order 1.
#[test]
fn the_four_identities_of_moore_and_penrose() {
    for backend in backends() {
        for (x, kappa) in pseudoinverse_cases() {
            let a = svd(backend, &x).pseudoinverse().unwrap();
            let (xa, ax) = (x.dot(&a), a.dot(&x));
            let bound = 2.0 * unit(&x) * kappa;
            let size = norm(x.view());
            assert!(norm((xa.dot(&x) - &x).view()) <= bound * size);
            assert!(norm((ax.dot(&a) - &a).view()) <= bound * norm(a.view()));
            assert!(norm((&xa - &xa.t()).view()) <= bound);
            assert!(norm((&ax - &ax.t()).view()) <= bound);
        }
    }
}

#[test]
fn projections_are_idempotent_and_complementary() {
    for backend in backends() {
        for (x, _) in pseudoinverse_cases() {
            let found = svd(backend, &x);
            let identity = Array2::eye(x.ncols());
            let rows = found.project_row_space(&identity).unwrap();
            let null = found.project_null_space(&identity).unwrap();
            // Products of two matrices that are orthonormal to one unit each.
            let bound = 4.0 * unit(&x);
            let close = |a: &Array2<f64>, b: &Array2<f64>| norm((a - b).view()) <= bound;
            assert!(close(&rows.dot(&rows), &rows) && close(&null.dot(&null), &null));
            assert!(close(&(&rows + &null), &identity));
            assert!(close(&rows.dot(&null), &Array2::zeros(identity.dim())));
            assert!(close(&rows.t().to_owned(), &rows));
            assert!((rows.diag().sum() - found.rank() as f64).abs() <= bound);
            assert!(close(&found.project_row_space(&rows).unwrap(), &rows));
        }
    }
    let found = Svd::new(&normal(4, 3, 1)).unwrap();
    for error in [found.project_row_space(&normal(2, 4, 1)), found.project_null_space(&normal(2, 2, 1))] {
        assert!(matches!(error, Err(Error::Shape { expected: 3, .. })));
    }
}

#[test]
fn a_singular_value_at_the_cutoff_does_not_count() {
    let x = Array2::from_diag(&Array1::from(vec![4.0, 2.0, 1.0, 0.0]));
    for backend in backends() {
        let found = svd(backend, &x);
        assert_eq!(found.singular_values().to_vec(), [4.0, 2.0, 1.0, 0.0]);
        assert_eq!((found.rank(), found.cutoff()), (3, 4.0 * f64::EPSILON * 4.0));
        let rank = |cutoff| found.clone().with_cutoff(cutoff).unwrap().rank();
        assert_eq!(rank(Cutoff::Absolute(1.0)), 2);
        assert_eq!(rank(Cutoff::Absolute(1f64.next_down())), 3);
        assert_eq!(rank(Cutoff::Absolute(0.0)), 3);
        assert_eq!(rank(Cutoff::Relative(0.5)), 1);
        assert_eq!(rank(Cutoff::Relative(0.25)), 2);
        assert_eq!(rank(Cutoff::Relative(1.0)), 0);
        // Projections and pseudoinverse follow.
        let cut = found.clone().with_cutoff(Cutoff::Absolute(1.0)).unwrap();
        let diagonal = |x: Array2<f64>| x.diag().to_vec();
        assert_eq!(diagonal(cut.pseudoinverse().unwrap()), [0.25, 0.5, 0.0, 0.0]);
        assert_eq!(diagonal(cut.project_row_space(&Array2::eye(4)).unwrap()), [1.0, 1.0, 0.0, 0.0]);
        assert_eq!(cut.smallest_nonzero(), Some(2.0));
        for bad in [-1.0, f64::NAN, f64::INFINITY] {
            let error = found.clone().with_cutoff(Cutoff::Relative(bad)).unwrap_err();
            assert!(matches!(error, Error::Domain { .. }), "{error}");
        }
    }
}
