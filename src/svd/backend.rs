//! The interface that a linear algebra crate or a device implements.

use super::CosineDevice;
use super::verify::Columns;
use crate::machine::memory::{sum, table};
use crate::machine::rooms::recycle;
use ndarray::{Array1, Array2, ArrayView2};
use std::sync::Arc;

/// Memory of the first route at its peak, in squares of the shorter side.
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

/// Result of [`Backend::project_many`] for one matrix `X` and target columns `T` (`n × m`), unchecked.
#[derive(Clone, Debug, PartialEq)]
pub struct RawProjection {
    /// Singular values, descending, `r`.
    pub sigma: Array1<f64>,
    /// Right singular vectors as rows, `r × p`.
    pub vt: Array2<f64>,
    /// `Tᵀ U`, `m × r`.
    pub along: Array2<f64>,
    /// `(I − U Uᵀ) T` as rows, `m ×` any number, in the coordinates of some orthonormal basis: only the inner products
    /// of these rows matter.
    pub rest: Array2<f64>,
}

/// Which algorithm a backend should use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// The fast algorithm.
    First,
    /// A slower algorithm that shares as little as possible with the first: used when the first failed, or its result
    /// failed the check.
    Second,
}

/// The interface to linear algebra crates and devices.
///
/// An implementation factorises; it need not check its results. [`Svd::with_backend`](super::Svd::with_backend) passes
/// it only non-empty matrices with finite entries, the largest in [½, 1), checks what it returns, and asks for the
/// second [`Route`] if the first fails or its result fails the check. A panic counts as a failure. The arrays that it
/// returns may have any memory layout.
pub trait Backend: std::fmt::Debug + Send + Sync {
    /// A short name for messages and reports.
    fn name(&self) -> &'static str;

    /// Computes the thin SVD of one matrix (`n × p`), with the same bits on any number of threads. If each thread has
    /// its own matrices, only one thread is available.
    ///
    /// # Errors
    /// The reason, as text.
    fn factorise(&self, x: ArrayView2<'_, f64>, route: Route) -> Result<RawSvd, String>;

    /// Computes the thin SVDs of many matrices by the first route: one result each, in order. By default
    /// [`factorise`](Self::factorise) takes them one by one. A backend that is faster on a batch of equal shapes
    /// overrides this; each result must be bitwise the same, whatever else is in the batch.
    ///
    /// # Errors
    /// The reason, as text, for each matrix separately.
    fn factorise_many(&self, xs: &[Array2<f64>]) -> Vec<Result<RawSvd, String>> {
        xs.iter().map(|x| self.factorise(x.view(), Route::First)).collect()
    }

    /// Computes the singular values and right vectors of many matrices, and the products of the left vectors with some
    /// target columns (one `n × m` matrix of targets each), which is all that fits need of them. A backend that is
    /// faster without `U` overrides this, under the conditions of [`factorise_many`](Self::factorise_many).
    ///
    /// # Errors
    /// The reason, as text, for each matrix separately.
    fn project_many(
        &self,
        xs: &[Array2<f64>],
        targets: &[Array2<f64>],
    ) -> Vec<Result<RawProjection, String>> {
        projected(self.factorise_many(xs), targets)
    }

    /// Computes the upper triangular (or, with `n < p`, trapezoidal) factor `R` of `X = Q R` (`n × p`),
    /// `min(n, p) × p`. The signs of its rows are arbitrary.
    ///
    /// # Errors
    /// The reason, as text.
    fn triangle(&self, x: ArrayView2<'_, f64>) -> Result<Array2<f64>, String>;

    /// Returns the bytes of host memory that [`factorise`](Self::factorise) holds at its peak for an `n × p` matrix,
    /// including the result. They are checked before the call. The default is the figure for [`DivideAndConquer`](super::DivideAndConquer).
    fn bytes(&self, (n, p): (usize, usize)) -> usize {
        bytes((n, p))
    }

    /// Returns the device behind this backend, if it can compute cosine features itself: a sweep over random Fourier
    /// features then sends it inputs, not features. By default there is none.
    fn cosines(&self) -> Option<&dyn CosineDevice> {
        None
    }
}

/// A pointer to a backend is a backend.
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

/// Computes projections from factorisations that include `U`.
pub(super) fn projected(
    raws: Vec<Result<RawSvd, String>>,
    targets: &[Array2<f64>],
) -> Vec<Result<RawProjection, String>> {
    raws.into_iter().zip(targets).map(|(raw, targets)| raw.and_then(|raw| project(raw, targets))).collect()
}

/// Computes one projection from a factorisation that includes `U`.
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

/// Returns the peak bytes of [`DivideAndConquer`](super::DivideAndConquer)'s first route for a `long × short` matrix or its transpose: the
/// matrix, or its triangle next to it, vectors of the bidiagonal matrix with those of the last merge, reflections, and
/// the result.
fn bytes((n, p): (usize, usize)) -> usize {
    let (long, short) = (n.max(p), n.min(p));
    let square = table(short, short);
    sum([table(long, short), table(long, short)].into_iter().chain([square; SQUARES]))
}
