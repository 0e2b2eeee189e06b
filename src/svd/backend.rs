//! What a linear algebra crate, or a device, has to give.

use super::CosineDevice;
use super::verify::Columns;
use crate::machine::memory::{sum, table};
use crate::machine::rooms::recycle;
use ndarray::{Array1, Array2, ArrayView2};
use std::sync::Arc;

/// Squares of the shorter side that the first route holds at once.
const SQUARES: usize = 8;

/// A thin SVD as a backend returns it, unchecked: `u` (`n × r`), `sigma` (`r`, descending) and `vt`
/// (`r × p`), `r = min(n, p)`.
#[derive(Clone, Debug, PartialEq)]
pub struct RawSvd {
    /// Left singular vectors as columns, `n × r`.
    pub u: Array2<f64>,
    /// Singular values, descending, `r`.
    pub sigma: Array1<f64>,
    /// Right singular vectors as rows, `r × p`.
    pub vt: Array2<f64>,
}

/// What [`Backend::project_many`] gives of one matrix `X` and the columns of targets `T` (`n × m`), unchecked.
#[derive(Clone, Debug, PartialEq)]
pub struct RawProjection {
    /// Singular values, descending, `r`.
    pub sigma: Array1<f64>,
    /// Right singular vectors as rows, `r × p`.
    pub vt: Array2<f64>,
    /// `Tᵀ U`, `m × r`.
    pub along: Array2<f64>,
    /// `(I − U Uᵀ) T` as rows, `m ×` any number, in the coordinates of an orthonormal basis: what counts are the products
    /// of these rows with each other.
    pub rest: Array2<f64>,
}

/// Which algorithm a backend should use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// The fast one.
    First,
    /// A slower one that shares as little as possible with the first: asked for when the first
    /// failed, or its result failed the check.
    Second,
}

/// The one seam to linear algebra crates and devices.
///
/// An implementation factorises; it need not check. [`Svd::with_backend`](super::Svd::with_backend)
/// hands it only non-empty matrices whose entries are finite with the largest in [½, 1), checks
/// what comes back and asks for the second [`Route`] where that fails.
pub trait Backend: std::fmt::Debug + Send + Sync {
    /// A short name for messages and reports.
    fn name(&self) -> &'static str;

    /// The thin SVD of one matrix, with the same bits on any number of threads. Where threads have matrices of their own,
    /// one of them is all that there is for it.
    ///
    /// # Errors
    /// The reason, in words.
    fn factorise(&self, x: ArrayView2<'_, f64>, route: Route) -> Result<RawSvd, String>;

    /// The thin SVDs of many matrices, by the first route. A backend that is faster on many equal
    /// shapes at once overrides this; each result must be the same, bit by bit, whatever else is in
    /// the batch.
    ///
    /// # Errors
    /// The reason, in words, for each matrix on its own.
    fn factorise_many(&self, xs: &[Array2<f64>]) -> Vec<Result<RawSvd, String>> {
        xs.iter().map(|x| self.factorise(x.view(), Route::First)).collect()
    }

    /// The singular values and right vectors of many matrices, and of the left ones only what they make of some columns of
    /// targets (`n × m`, a matrix of them for each): all that fits of those need. A backend that is faster without `U`
    /// overrides this, under the conditions of [`factorise_many`](Self::factorise_many).
    ///
    /// # Errors
    /// The reason, in words, for each matrix on its own.
    fn project_many(
        &self,
        xs: &[Array2<f64>],
        targets: &[Array2<f64>],
    ) -> Vec<Result<RawProjection, String>> {
        projected(self.factorise_many(xs), targets)
    }

    /// The upper triangular (or, with `n < p`, trapezoidal) factor `R` of `X = Q R`,
    /// `min(n, p) × p`.
    ///
    /// # Errors
    /// The reason, in words.
    fn triangle(&self, x: ArrayView2<'_, f64>) -> Result<Array2<f64>, String>;

    /// Bytes of this machine's memory that [`factorise`](Self::factorise) holds at its peak for an `n × p` matrix, the
    /// result included: what is asked for before it is called. By default those of [`Faer`](super::Faer).
    fn bytes(&self, (n, p): (usize, usize)) -> usize {
        bytes((n, p))
    }

    /// The device behind it, if it is one that makes cosine features itself: a sweep over random Fourier features sends it
    /// inputs and not features. By default there is none.
    fn cosines(&self) -> Option<&dyn CosineDevice> {
        None
    }
}

/// What points to a backend is one.
macro_rules! pointers {
    ($($pointer:ty),+) => {$(
        impl<T: Backend + ?Sized> Backend for $pointer {
            fn name(&self) -> &'static str {
                (**self).name()
            }

            fn factorise(&self, x: ArrayView2<'_, f64>, route: Route) -> Result<RawSvd, String> {
                (**self).factorise(x, route)
            }

            fn factorise_many(&self, xs: &[Array2<f64>]) -> Vec<Result<RawSvd, String>> {
                (**self).factorise_many(xs)
            }

            fn project_many(
                &self,
                xs: &[Array2<f64>],
                targets: &[Array2<f64>],
            ) -> Vec<Result<RawProjection, String>> {
                (**self).project_many(xs, targets)
            }

            fn triangle(&self, x: ArrayView2<'_, f64>) -> Result<Array2<f64>, String> {
                (**self).triangle(x)
            }

            fn bytes(&self, shape: (usize, usize)) -> usize {
                (**self).bytes(shape)
            }

            fn cosines(&self) -> Option<&dyn CosineDevice> {
                (**self).cosines()
            }
        }
    )+};
}

pointers!(&T, Box<T>, Arc<T>);

/// Projections by factorisations that have `U`.
pub(super) fn projected(
    raws: Vec<Result<RawSvd, String>>,
    targets: &[Array2<f64>],
) -> Vec<Result<RawProjection, String>> {
    raws.into_iter().zip(targets).map(|(raw, targets)| raw.and_then(|raw| project(raw, targets))).collect()
}

/// One projection by a factorisation that has `U`.
pub(super) fn project(raw: RawSvd, targets: &Array2<f64>) -> Result<RawProjection, String> {
    let RawSvd { u, sigma, vt } = raw;
    if u.nrows() != targets.nrows() {
        return Err(format!("left vectors of {} rows for {} targets", u.nrows(), targets.nrows()));
    }
    let (modes, mut rest) = (u.ncols(), targets.t().as_standard_layout().into_owned());
    let (mut along, columns) = (Array2::zeros((targets.ncols(), modes)), Columns::new(u.view()));
    let mut target = Vec::with_capacity(u.nrows());
    for (mut rest, mut along) in rest.rows_mut().into_iter().zip(along.rows_mut()) {
        let rest = rest.as_slice_mut().unwrap_or_default();
        target.clear();
        target.extend_from_slice(rest);
        for (u, along) in columns.columns().zip(along.iter_mut()) {
            *along = u.iter().zip(&target).map(|(u, target)| u * target).sum();
            for (rest, u) in rest.iter_mut().zip(u) {
                *rest -= *along * u;
            }
        }
    }
    recycle(u);
    Ok(RawProjection { sigma, vt, along, rest })
}

/// Bytes of the first route of [`Faer`](super::Faer) at its peak, of a matrix of `long × short` or its transpose: the matrix, or its triangle
/// beside it, vectors of the bidiagonal matrix with those of the last merge, reflections, and the result.
fn bytes((n, p): (usize, usize)) -> usize {
    let (long, short) = (n.max(p), n.min(p));
    let square = table(short, short);
    sum([table(long, short), table(long, short)].into_iter().chain([square; SQUARES]))
}
