//! DCHKBD (TESTING/EIG/dchkbd.f), the test program of the routines behind LAPACK's SVD.
//!
//! The sizes are those of `svd.in`. The matrix types, with κ = 1/ULP, are
//!
//! - 1 and 2: zero, the identity;
//! - 3 to 7: diagonal with random signs and even, geometric or clustered entries; then the even ones times [`large`]
//!   and [`small`];
//! - 8 to 12: `U D V` with the same five choices of spectrum and scale;
//! - 13 to 15: random entries in (−1, 1), scaled to a largest entry of 1, [`large`] and [`small`];
//! - 16: bidiagonal, of order min(m, n), with entries `eˣ`, `x` uniform from 2 ln ULP to −2 ln ULP; upper bidiagonal
//!   for m ≥ n, otherwise lower.
//!
//! We compute the ratios that concern the factorisation of `A` itself: 11, 13, 14 and 8, which are those of DDRVBD, and
//! 12, `|X − U Uᵀ X| / (|X| max(m, k) ULP)` for `X` (`m × k`, k = 2), if `U` is square. The others test the reduction
//! to bidiagonal form, or compare with a run for singular values only; our backends expose neither. DCHKBD fails at a
//! ratio of 50; we fail at [`THRESHOLD`].

use super::drvbd::refused_as_empty;
use super::spectra::{KAPPA, SIZES, Spectrum};
use crate::common::backends::{routes, svd};
use crate::common::matrices::{normal, with_spectrum};
use crate::common::ratios::{SVD_RATIOS, Table, ULP, UNFL, Worst, largest, one_norm, svd_ratios};
use double_descent::rng::stream;
use ndarray::Array2;
use rand::{Rng, RngExt};

const THRESHOLD: f64 = 10.0;
const DRAWS: u64 = 3;
/// Number of right-hand sides, from `svd.in`.
const NRHS: usize = 2;

#[test]
fn sixteen_types() {
    let names = [&SVD_RATIOS[..], &["X − UUᵀX"]].concat();
    let mut table = Table::new("DCHKBD: largest ratios (50 fails there, 10 here)", &names, THRESHOLD);
    for backend in routes() {
        let mut worst = Worst::new(&backend);
        for (m, n) in SIZES {
            if m.min(n) == 0 {
                refused_as_empty(&backend, m, n);
                continue;
            }
            for draw in 0..DRAWS {
                for (index, x) in matrices(m, n, draw).into_iter().enumerate() {
                    let found = svd(&backend, &x);
                    let projection = projection_ratio(found.u(), draw);
                    let ratios = [&svd_ratios(&x, &found)[..], &[projection]].concat();
                    worst.add(&ratios, || format!("type {}, {m} × {n}, draw {draw}", index + 1));
                }
            }
        }
        table.row(&worst, backend.mended());
    }
    table.finish();
}

/// `|X − U Uᵀ X| / (|X| max(m, k) ULP)` for random `X` if `U` is square, otherwise 0.
fn projection_ratio(u: &Array2<f64>, draw: u64) -> f64 {
    let (m, r) = u.dim();
    if m != r {
        return 0.0;
    }
    let x = normal(m, NRHS, draw);
    let off = one_norm((u.dot(&u.t().dot(&x)) - &x).view());
    off / (one_norm(x.view()) * m.max(NRHS) as f64 * ULP)
}

/// `√OVFL ULP / max(m, n)`.
fn large(m: usize, n: usize) -> f64 {
    f64::MAX.sqrt() * ULP / m.max(n) as f64
}

/// `√UNFL max(m, n) / ULP`.
fn small(m: usize, n: usize) -> f64 {
    UNFL.sqrt() * m.max(n) as f64 / ULP
}

/// Matrices of types 1 to 16, in this order.
fn matrices(m: usize, n: usize, draw: u64) -> Vec<Array2<f64>> {
    let mut rng = stream(draw, m, n);
    let r = m.min(n);
    let diagonal =
        |values: &[f64]| Array2::from_shape_fn((m, n), |(i, j)| if i == j { values[i] } else { 0.0 });
    let spectra = [Spectrum::Even, Spectrum::Geometric, Spectrum::Clustered].map(|s| s.values(r, KAPPA));
    let scales = [large(m, n), small(m, n)];
    let mut all = vec![Array2::zeros((m, n)), diagonal(&vec![1.0; r])];
    for dense in [false, true] {
        let first = all.len();
        for spectrum in &spectra {
            let sign = |value: &f64| if rng.random() { *value } else { -value };
            let signed: Vec<f64> = spectrum.iter().map(sign).collect();
            all.push(if dense { with_spectrum(m, n, &signed, 2 * draw) } else { diagonal(&signed) });
        }
        let even = all[first].clone();
        all.extend(scales.map(|scale| &even * scale));
    }
    let entries = uniform(m, n, &mut rng);
    all.push(&entries / largest(entries.view()));
    let unit = all[12].clone();
    all.extend(scales.map(|scale| &unit * scale));
    let exponents = uniform(r, r, &mut rng) * (-2.0 * ULP.ln());
    all.push(Array2::from_shape_fn((r, r), |(i, j)| {
        let inside = i == j || if m >= n { j == i + 1 } else { i == j + 1 };
        if inside { exponents[[i, j]].exp() } else { 0.0 }
    }));
    assert_eq!(all.len(), 16);
    all
}

fn uniform(m: usize, n: usize, rng: &mut impl Rng) -> Array2<f64> {
    Array2::from_shape_simple_fn((m, n), || 2.0 * rng.random::<f64>() - 1.0)
}
