//! DDRVBD (TESTING/EIG/ddrvbd.f), the test program of LAPACK's SVD drivers.
//!
//! The sizes are those of `svd.in`. The matrix types are
//!
//! 1. zero,
//! 2. the identity,
//! 3. `U D V` with orthogonal `U`, `V` and an even spectrum (mode 4 of DLATMS). DDRVBD's comment says "evenly spaced
//!    entries 1, …, ULP", a condition number of 1/ULP, but its code passes COND = min(m, n) to DLATMS. We test both.
//!    (The random signs in that comment have no effect: DLATMS draws none for an unsymmetric matrix.)
//! 4. type 3 times UNFL/ULP,
//! 5. type 3 times ULP/UNFL.
//!
//! Ratios 1 to 4 ([`svd_ratios`]) are computed here for the thin factorisation; DDRVBD uses the full one. Its ratios 5
//! to 7 compare with other modes of the same driver (some vectors, none), which no backend has here. DDRVBD fails at a
//! ratio of 50; we fail at [`THRESHOLD`].

use super::spectra::{KAPPA, SIZES, Spectrum};
use crate::common::backends::{routes, svd};
use crate::common::matrices::with_spectrum;
use crate::common::ratios::{SVD_RATIOS, Table, ULP, UNFL, Worst, svd_ratios};
use double_descent::Error;
use double_descent::svd::{Backend, Svd};
use ndarray::Array2;

const THRESHOLD: f64 = 10.0;

/// Random matrices of each type and size.
const DRAWS: u64 = 5;

#[test]
fn singular_value_decompositions() {
    let mut table = Table::new("DDRVBD: largest ratios (50 fails there, 10 here)", &SVD_RATIOS, THRESHOLD);
    for backend in routes() {
        let mut worst = Worst::new(&backend);
        for (m, n) in SIZES {
            if m.min(n) == 0 {
                refused_as_empty(&backend, m, n);
                continue;
            }
            for (name, x) in matrices(m, n) {
                worst.add(&svd_ratios(&x, &svd(&backend, &x)), || format!("{name}, {m} × {n}"));
            }
        }
        table.row(&worst, backend.mended());
    }
    table.finish();
}

/// Checks that an empty matrix is refused. LAPACK's drivers accept one and do nothing.
pub fn refused_as_empty(backend: &dyn Backend, m: usize, n: usize) {
    let refused = Svd::with_backend(&Array2::zeros((m, n)), backend);
    assert!(matches!(refused, Err(Error::Empty { .. })), "{}: {m} × {n}: {refused:?}", backend.name());
}

fn matrices(m: usize, n: usize) -> Vec<(String, Array2<f64>)> {
    let identity = Array2::from_shape_fn((m, n), |(i, j)| f64::from(u8::from(i == j)));
    let mut all = vec![("zero".to_owned(), Array2::zeros((m, n))), ("identity".to_owned(), identity)];
    for (kappa, source) in [(KAPPA, "comment"), (m.min(n) as f64, "code")] {
        for draw in 0..DRAWS {
            let x = with_spectrum(m, n, &Spectrum::Even.values(m.min(n), kappa), 2 * draw);
            for (scale, scaled) in [(1.0, ""), (UNFL / ULP, " × UNFL/ULP"), (ULP / UNFL, " × ULP/UNFL")] {
                all.push((format!("even as in its {source}{scaled}, draw {draw}"), &x * scale));
            }
        }
    }
    all
}
