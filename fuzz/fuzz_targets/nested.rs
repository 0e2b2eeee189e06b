//! The nested engines with leave-one-out errors, ridge, noise term and smallest singular value, on any small table,
//! against an SVD fit at every point to the accuracy with which that fit is known.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use ndarray::Array2;

#[path = "../../tests/common/refits.rs"]
mod refits;

#[derive(Arbitrary, Debug)]
struct Input {
    rows: u8,
    columns: u8,
    outputs: bool,
    /// Repeated cyclically. Small integers make dependent rows and columns likely.
    entries: Vec<i8>,
    /// Powers of two for a row or a column, and which one: graded tables.
    powers: Vec<(bool, u8, i8)>,
    /// Exponents of two powers of two: one scales all features, the other all targets.
    units: (i8, i8),
    /// Exponent of the penalty, relative to the largest feature.
    penalty: i8,
}

fn power(exponent: i8) -> f64 {
    2f64.powi(exponent.into())
}

fuzz_target!(|input: Input| {
    let (n, p) = (1 + usize::from(input.rows) % 12, 1 + usize::from(input.columns) % 12);
    let k = 1 + usize::from(input.outputs);
    let entry = |at: usize| match input.entries.len() {
        0 => 1.0,
        length => f64::from(input.entries[at % length]),
    };
    let mut x = Array2::from_shape_fn((n, p), |(i, j)| entry(i * p + j));
    let mut y = Array2::from_shape_fn((n, k), |(i, j)| entry(n * p + i * k + j));
    for &(is_row, at, exponent) in &input.powers {
        let at = usize::from(at);
        let mut line = if is_row { x.row_mut(at % n) } else { x.column_mut(at % p) };
        let grown = &line * power(exponent);
        // Further out, some measured number would overflow or underflow.
        if grown.iter().all(|v| v.abs() < 1e60 && (*v == 0.0 || v.abs() > 1e-60)) {
            line.assign(&grown);
        }
    }
    x *= power(input.units.0);
    y *= power(input.units.1);
    let largest = x.iter().fold(0.0f64, |most, v| most.max(v.abs()));
    let size = if largest > 0.0 { largest } else { 1.0 };
    refits::check(&x, &y, size * size * power(input.penalty / 2));
});
