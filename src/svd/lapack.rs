//! LAPACK, from the library that the program links.

use super::{Backend, RawSvd, Route};
use ndarray::{Array2, ArrayView2};
use ndarray_linalg::error::LinalgError;
use ndarray_linalg::{AllocatedArray, JobSvd, Lapack as _, QRInto, SVDDCInto, SVDInto};

/// LAPACK through [ndarray-linalg](https://docs.rs/ndarray-linalg), behind the feature `lapack`.
///
/// The first route is divide and conquer (`gesdd`). The second is QR iteration (`gesvd`) on the triangle of a QR
/// factorisation, used if `gesdd` does not converge or its result fails the check. The feature
/// `openblas-system` links the system's `OpenBLAS`. With `lapack` alone the program must link a LAPACK itself: `docs/backends.md`
/// in the repository says how.
///
/// # Threads
/// A multithreaded `OpenBLAS` splits sums by its number of threads, so the last bits depend on that number. Set
/// `OPENBLAS_NUM_THREADS=1` before the program starts: the library reads it when it is loaded. (Netlib's LAPACK and the
/// MKL that ndarray-linalg links have no threads.)
///
/// # Errors
/// LAPACK counts with 32 bits: matrices of 2³¹ or more entries, or with both sides over 23,000, are refused with
/// [`Error::Backend`](crate::Error::Backend).
///
/// # Examples
/// ```
/// use double_descent::svd::{Lapack, Svd};
/// use ndarray::array;
///
/// let svd = Svd::with_backend(&array![[3.0, 0.0], [0.0, 4.0], [0.0, 0.0]], &Lapack)?;
/// assert!((svd.singular_values()[0] - 4.0).abs() < 1e-14);
/// # Ok::<(), double_descent::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lapack;

impl Backend for Lapack {
    fn name(&self) -> &'static str {
        "lapack"
    }

    fn factorise(&self, x: ArrayView2<'_, f64>, route: Route) -> Result<RawSvd, String> {
        check_size(x.dim())?;
        let found = match route {
            Route::First => divide_and_conquer(x),
            Route::Second if x.nrows() < x.ncols() => qr_iteration(x.t()).map(transposed),
            Route::Second => qr_iteration(x),
        };
        found.map_err(|e| e.to_string())
    }

    fn triangle(&self, x: ArrayView2<'_, f64>) -> Result<Array2<f64>, String> {
        let (n, p) = x.dim();
        check_size((n, p))?;
        let mut factors = row_major(x);
        let layout = factors.layout().map_err(|e| e.to_string())?;
        let entries = factors.as_slice_mut().ok_or("a copy that is not row-major")?;
        f64::householder(layout, entries).map_err(|e| e.to_string())?;
        Ok(Array2::from_shape_fn((n.min(p), p), |(i, j)| if i <= j { factors[[i, j]] } else { 0.0 }))
    }
}

/// LAPACK's integers have 32 bits, and on overflow ndarray-linalg panics or worse.
fn check_size((n, p): (usize, usize)) -> Result<(), String> {
    let r = n.min(p);
    // gesdd needs a workspace of 4r² + 7r numbers, plus some blocks of r by at most 256 columns.
    let space = r.saturating_mul(r).saturating_mul(4).saturating_add(r.saturating_mul(768));
    match i32::try_from(n.saturating_mul(p).max(space)) {
        Ok(_) => Ok(()),
        Err(_) => Err(format!("a {n} × {p} matrix is larger than its 32-bit integers can count")),
    }
}

/// Copies to the one memory order that ndarray-linalg takes, including the strides of single rows and columns.
fn row_major(x: ArrayView2<'_, f64>) -> Array2<f64> {
    let mut copy = Array2::zeros(x.raw_dim());
    copy.assign(&x);
    copy
}

fn divide_and_conquer(x: ArrayView2<'_, f64>) -> Result<RawSvd, LinalgError> {
    let (u, sigma, vt) = row_major(x).svddc_into(JobSvd::Some)?;
    Ok(RawSvd { u: u.unwrap_or_default(), sigma, vt: vt.unwrap_or_default() })
}

/// `X = Q R`, `R = U Σ Vᵀ` for `n ≥ p`: on the whole matrix, ndarray-linalg's `gesvd` would form all `n × n` of `U`.
fn qr_iteration(x: ArrayView2<'_, f64>) -> Result<RawSvd, LinalgError> {
    let (q, r) = row_major(x).qr_into()?;
    let (u, sigma, vt) = r.svd_into(true, true)?;
    Ok(RawSvd { u: q.dot(&u.unwrap_or_default()), sigma, vt: vt.unwrap_or_default() })
}

fn transposed(svd: RawSvd) -> RawSvd {
    RawSvd { u: svd.vt.reversed_axes(), sigma: svd.sigma, vt: svd.u.reversed_axes() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_that_lapack_cannot_count_are_refused() {
        let one = ndarray::arr0(1.0);
        // One number, broadcast: nothing of that size is in memory.
        for shape in [(1 << 16, 1 << 16), (1 << 31, 1), (1, 1 << 31), (24_000, 24_000), (usize::MAX >> 4, 3)]
        {
            let huge = one.broadcast(shape).unwrap();
            for route in [Route::First, Route::Second] {
                let error = Lapack.factorise(huge, route).unwrap_err();
                assert!(error.contains("32-bit"), "{error}");
            }
            assert!(Lapack.triangle(huge).unwrap_err().contains("32-bit"));
        }
        for shape in [(23_000, 23_000), ((1 << 31) - 1, 1), (1_000_000, 2000)] {
            assert_eq!(check_size(shape), Ok(()));
        }
    }
}
