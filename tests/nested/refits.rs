//! The nested engines with every quantity they offer, on random tables of many kinds, against fits by SVD. The fuzz
//! target runs the same checks.

use crate::common::features::normal;
use crate::common::refits::check;
use double_descent::nested::{Columns, Rows, Test};
use double_descent::rng::stream;
use ndarray::Array2;
use rand::RngExt;

/// Makes Gaussian, integer or graded tables, or one with a long row; rows and columns may repeat others or be 0;
/// targets are with or without noise.
fn table(seed: u64) -> (Array2<f64>, Array2<f64>, f64) {
    let mut rng = stream(seed, 0, 0);
    let (n, p, k) = (rng.random_range(1..12), rng.random_range(1..12), rng.random_range(1..3));
    let mut x = normal(seed + 1, n, p);
    match seed % 5 {
        0 => (),
        1 => x.mapv_inplace(f64::round),
        2 => x *= &normal(seed + 2, n, 1).mapv(|v| (3.0 * v).exp()),
        3 => x.row_mut(n / 2).mapv_inplace(|v| v * 2f64.powi(20 + (seed % 80) as i32)),
        _ => x *= &normal(seed + 2, 1, p).mapv(|v| (3.0 * v).exp()),
    }
    for _ in 0..rng.random_range(0..3) {
        let (from, to, factor) = (rng.random_range(0..n), rng.random_range(0..n), rng.random_range(-1..3));
        let row = &x.row(from) * f64::from(factor);
        x.row_mut(to).assign(&row);
    }
    for _ in 0..rng.random_range(0..3) {
        let (from, to, factor) = (rng.random_range(0..p), rng.random_range(0..p), rng.random_range(-1..3));
        let column = &x.column(from) * f64::from(factor);
        x.column_mut(to).assign(&column);
    }
    let mut y = normal(seed + 3, n, k);
    if rng.random_bool(0.3) {
        y = x.dot(&normal(seed + 4, p, k));
    }
    x *= 2f64.powi(rng.random_range(-300..200) * rng.random_range(0..2));
    y *= 2f64.powi(rng.random_range(-300..300) * rng.random_range(0..2));
    let size = x.iter().fold(0.0f64, |most, v| most.max(v.abs())).max(f64::MIN_POSITIVE);
    let lambda = (size * size * 10f64.powi(rng.random_range(-12..4))).max(f64::MIN_POSITIVE);
    (x, y, lambda)
}

#[test]
fn random_tables_of_many_kinds() {
    let mut checked = 0;
    let mut failed = Vec::new();
    for seed in 0..3000 {
        let (x, y, lambda) = table(seed);
        match std::panic::catch_unwind(|| check(&x, &y, lambda)) {
            Ok(points) => checked += points,
            Err(_) => failed.push(seed),
        }
    }
    println!("{checked} points had a reference");
    assert!(failed.is_empty(), "{} {failed:?}", failed.len());
    assert!(checked > 60_000);
}

/// Each of these rows is at rounding level next to the first, but they point the same way, and together they change the
/// fit by 176 ε. `X = r cᵀ` has `β̂ = c (r·y) / (‖r‖² ‖c‖²)`, which is exact for integers and powers of two.
#[test]
fn short_rows_in_the_span_of_a_long_one_have_their_share() {
    for exponent in [40, 48, 50, 52] {
        let long = 2f64.powi(exponent);
        for p in [1, 3, 12] {
            let x = Array2::from_shape_fn((12, p), |(i, _)| if i == 0 { long } else { 1.0 });
            let y = Array2::ones((12, 1));
            let expected = (long + 11.0) / (long * long + 11.0) / (p as f64).sqrt();
            let rows = Rows::new(p, 1, Test::None).unwrap().extend(&x, &y).unwrap();
            let columns = Columns::new(&y, Test::None).unwrap().extend(&x).unwrap();
            for point in [rows.last().unwrap(), columns.last().unwrap()] {
                let off = (point.norm / expected - 1.0).abs() / f64::EPSILON;
                // Twelve rotations, a division and a root, half an ε each.
                assert!(off < 8.0, "2^{exponent}, p = {p}: {off} ε, {point:?}");
            }
        }
    }
}
