//! The backends of this build.

use double_descent::svd::{Backend, DivideAndConquer, Jacobi, RawSvd, Route, Svd};
use ndarray::{Array2, ArrayView2};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Returns every backend of this build, with the routes that callers get.
pub fn backends() -> Vec<Arc<dyn Backend>> {
    let always: [Arc<dyn Backend>; _] = [
        Arc::new(DivideAndConquer),
        Arc::new(Jacobi),
        #[cfg(feature = "lapack")]
        Arc::new(double_descent::svd::Lapack),
    ];
    always.into_iter().chain(device()).collect()
}

/// Returns the first CUDA device, if there is one.
#[cfg(feature = "cuda")]
fn device() -> Option<Arc<dyn Backend>> {
    use double_descent::svd::Cuda;
    use std::sync::OnceLock;
    static OPENED: OnceLock<Option<Arc<Cuda>>> = OnceLock::new();
    let opened = OPENED.get_or_init(|| match Cuda::new(0) {
        Ok(cuda) => Some(Arc::new(cuda)),
        Err(error) => {
            super::skipped(&format!("cuda: {error}"));
            None
        }
    });
    opened.clone().map(|cuda| cuda as Arc<dyn Backend>)
}

#[cfg(not(feature = "cuda"))]
fn device() -> Option<Arc<dyn Backend>> {
    None
}

/// Returns every route of this build: a fallback must itself be right. (The second route of `Jacobi` is that of
/// `DivideAndConquer`. That of `Lapack`, `gesvd`, reaches 12 with the `OpenBLAS` of Debian 12: below LAPACK's own
/// thresholds, but above those used here.)
pub fn routes() -> Vec<Watched> {
    let first = backends().into_iter().map(|inner| Watched::new(inner.name(), inner, Route::First));
    let second = Watched::new("rotations, 2nd route", Arc::new(DivideAndConquer), Route::Second);
    let cuda = device().map(|cuda| Watched::new("cuda, 2nd route", cuda, Route::Second));
    first.chain([second]).chain(cuda).collect()
}

/// One route of a backend. It counts how often its result failed the check, so that the second route was needed.
#[derive(Debug)]
pub struct Watched {
    name: &'static str,
    inner: Arc<dyn Backend>,
    first: Route,
    mended: AtomicUsize,
}

impl Watched {
    pub fn new(name: &'static str, inner: Arc<dyn Backend>, first: Route) -> Self {
        Self { name, inner, first, mended: AtomicUsize::new(0) }
    }

    pub fn mended(&self) -> usize {
        self.mended.load(Ordering::Relaxed)
    }
}

impl Backend for Watched {
    fn name(&self) -> &'static str {
        self.name
    }

    fn factorise(&self, x: ArrayView2<'_, f64>, route: Route) -> Result<RawSvd, String> {
        if route == Route::First {
            return self.inner.factorise(x, self.first);
        }
        self.mended.fetch_add(1, Ordering::Relaxed);
        self.inner.factorise(x, Route::Second)
    }

    fn triangle(&self, x: ArrayView2<'_, f64>) -> Result<Array2<f64>, String> {
        self.inner.triangle(x)
    }
}

/// Returns the checked factorisation of `x`; panics on an error.
pub fn svd(backend: &dyn Backend, x: &Array2<f64>) -> Svd {
    Svd::with_backend(x, backend).unwrap_or_else(|e| panic!("{}: {e} on\n{x:?}", backend.name()))
}
