//! Any matrix given to the SVD seam. The result must be a factorisation that multiplies back to the matrix, or an error
//! that the input explains.
#![no_main]

use arbitrary::Arbitrary;
use double_descent::Error;
use double_descent::svd::{Backend, DivideAndConquer, Jacobi, Svd};
use libfuzzer_sys::fuzz_target;
use ndarray::Array2;

#[derive(Arbitrary, Debug)]
struct Input {
    rows: u8,
    columns: u8,
    entries: Entries,
    /// Rows, then columns, that repeat an earlier one: rank-deficient matrices.
    repeated: Vec<(u8, u8)>,
    /// Exponent of a power of two that scales every entry.
    exponent: i16,
}

#[derive(Arbitrary, Debug)]
enum Entries {
    /// Arbitrary bits, including NaN and infinities.
    Bits(Vec<f64>),
    /// Small integers, repeated cyclically: repeated singular values.
    Integers(Vec<i8>),
}

fn matrix(input: &Input) -> Array2<f64> {
    let (n, p) = (usize::from(input.rows) % 41, usize::from(input.columns) % 41);
    let entry = |at: usize| match &input.entries {
        Entries::Bits(values) => values.get(at).copied().unwrap_or(0.0),
        Entries::Integers(values) if values.is_empty() => 1.0,
        Entries::Integers(values) => f64::from(values[at % values.len()]),
    };
    let mut x = Array2::from_shape_fn((n, p), |(i, j)| entry(i * p + j));
    if n > 0 && p > 0 {
        for (from, to) in &input.repeated {
            let row = x.row(usize::from(*from) % n).to_owned();
            x.row_mut(usize::from(*to) % n).assign(&row);
            let column = x.column(usize::from(*to) % p).to_owned();
            x.column_mut(usize::from(*from) % p).assign(&column);
        }
    }
    let exponent = i32::from(input.exponent) % 1100;
    x.mapv(|v| v * 2f64.powi(exponent / 2) * 2f64.powi(exponent - exponent / 2))
}

fn check(x: &Array2<f64>, found: &Result<Svd, Error>, backend: &dyn Backend) {
    let bad = x.iter().any(|v| !v.is_finite());
    let svd = match found {
        Ok(svd) => svd,
        Err(Error::Empty { .. }) => return assert!(x.is_empty()),
        Err(Error::NonFinite { row, column, .. }) => return assert!(!x[[*row, *column]].is_finite()),
        Err(Error::Overflow { .. }) => {
            // σ₁ ≤ ‖X‖_F ≤ √(np) · the largest entry.
            let largest = x.iter().fold(0.0, |m: f64, v| m.max(v.abs()));
            return assert!(largest * 41.0 > f64::MAX / 2.0, "σ₁ of entries up to {largest:e}");
        }
        Err(error) => panic!("{}: {error}", backend.name()),
    };
    assert!(!bad && !x.is_empty());
    let sigma = svd.singular_values();
    assert!(sigma.iter().all(|s| s.is_finite() && *s >= 0.0));
    assert!(sigma.iter().zip(sigma.iter().skip(1)).all(|(a, b)| a >= b));
    // 30 max(n, p) ε, as in the crate's own tests; subnormal singular values are rounded to a multiple of 5e-324.
    let bound = 30.0 * 40.0 * f64::EPSILON;
    let scale = sigma[0];
    if scale == 0.0 {
        return assert!(x.iter().all(|v| *v == 0.0));
    }
    let relative = sigma.mapv(|s| s / scale);
    let product = (svd.u() * &relative).dot(svd.vt());
    let rounding = f64::from_bits(1) / scale;
    for (found, entry) in product.iter().zip(x) {
        assert!((found - entry / scale).abs() <= bound + 40.0 * rounding, "{}", backend.name());
    }
    for gram in [svd.u().t().dot(svd.u()), svd.vt().dot(&svd.vt().t())] {
        for ((i, j), value) in gram.indexed_iter() {
            assert!((value - f64::from(u8::from(i == j))).abs() <= bound, "{}", backend.name());
        }
    }
}

fuzz_target!(|input: Input| {
    let x = matrix(&input);
    for backend in [&DivideAndConquer as &dyn Backend, &Jacobi] {
        let alone = Svd::with_backend(&x, backend);
        check(&x, &alone, backend);
        let turned = x.t().to_owned();
        for (x, found) in
            [&x, &turned, &x].into_iter().zip(Svd::many(&[x.view(), turned.view(), x.view()], backend))
        {
            check(x, &found, backend);
        }
        if let Ok(svd) = alone {
            let y = Array2::ones((x.nrows(), 1));
            if let Ok(beta) = svd.solve(&y, &double_descent::filter::MinNorm::default()) {
                assert!(beta.iter().all(|v| v.is_finite()));
            }
        }
    }
});
