//! Chooses the CPU or a GPU, whichever should be faster.

use super::{Backend, Cuda, DivideAndConquer, Jacobi, RawSvd, Route};
use crate::Error;
use ndarray::{Array2, ArrayView2};

/// Fewer multiplications than this are done on the CPU before a device has received its work: 512³.
const WORTH_SENDING: usize = 1 << 27;

/// Matrices of up to 512 columns take one block each on the device: with fewer matrices than this, most of it is idle.
const FILLS_A_DEVICE: usize = 64;

/// [`Cuda`] if there is a device and it should win; otherwise [`Jacobi`] (and, for `min(n, p) > 32`, [`DivideAndConquer`]) on the
/// CPU. Requires the feature `cuda`.
///
/// A matrix of `n × p`, `r = min(n, p)`, goes to the device if
/// ```text
/// count · n p r ≥ 512³,  and  count ≥ 64 or r > 512
/// ```
/// where `count` is the number of matrices factorised together, as declared by [`Auto::expecting`] (default 1). It is
/// declared in advance, not counted, so that a matrix gives the same bits in any batch. The bounds are estimates: no
/// GPU has measured them yet.
///
/// If a result from the device fails its check, or the device has too little memory, the fallback runs on the CPU.
///
/// # Examples
/// ```
/// use double_descent::svd::{Auto, Backend, Svd};
/// use ndarray::array;
///
/// let auto = Auto::new().expecting(10_000);
/// let svd = Svd::with_backend(&array![[3.0, 0.0], [0.0, 4.0]], &auto)?;
/// assert_eq!(svd.singular_values().to_vec(), [4.0, 3.0]);
/// if let Err(why) = auto.device() {
///     println!("all on the CPU: {why}");
/// }
/// println!("100 × 100 goes to {}", auto.choice((100, 100)).name());
/// # Ok::<(), double_descent::Error>(())
/// ```
#[derive(Debug)]
pub struct Auto {
    device: Result<Cuda, Error>,
    count: usize,
}

impl Auto {
    /// Uses the first device, if there is one.
    #[must_use]
    pub fn new() -> Self {
        Self { device: Cuda::new(0), count: 1 }
    }

    /// Declares how many matrices of a shape are factorised at once (1 by default).
    #[must_use]
    pub fn expecting(self, count: usize) -> Self {
        Self { count, ..self }
    }

    /// Returns the device, or the reason why there is none.
    ///
    /// # Errors
    /// The error of [`Cuda::new`].
    pub fn device(&self) -> Result<&Cuda, &Error> {
        self.device.as_ref()
    }

    /// Returns the first route's backend for matrices of `shape` `(n, p)`.
    #[must_use]
    pub fn choice(&self, shape: (usize, usize)) -> &dyn Backend {
        match &self.device {
            Ok(cuda) if device_wins(shape, self.count) => cuda,
            _ => &Jacobi,
        }
    }
}

impl Default for Auto {
    fn default() -> Self {
        Self::new()
    }
}

fn device_wins((n, p): (usize, usize), count: usize) -> bool {
    let r = n.min(p);
    let work = n.saturating_mul(p).saturating_mul(r).saturating_mul(count);
    work >= WORTH_SENDING && (count >= FILLS_A_DEVICE || r > 512)
}

impl Backend for Auto {
    fn name(&self) -> &'static str {
        "auto"
    }

    fn factorise(&self, x: ArrayView2<'_, f64>, route: Route) -> Result<RawSvd, String> {
        match route {
            Route::First => self.choice(x.dim()).factorise(x, route),
            Route::Second => DivideAndConquer.factorise(x, route),
        }
    }

    fn factorise_many(&self, xs: &[Array2<f64>]) -> Vec<Result<RawSvd, String>> {
        let Ok(cuda) = &self.device else {
            return Jacobi.factorise_many(xs);
        };
        let is_sent = |x: &Array2<f64>| device_wins(x.dim(), self.count);
        let (sent, kept): (Vec<_>, Vec<_>) = xs.iter().partition(|x| is_sent(x));
        if kept.is_empty() {
            return cuda.factorise_many(xs);
        }
        if sent.is_empty() {
            return Jacobi.factorise_many(xs);
        }
        let copies = |all: Vec<&Array2<f64>>| all.into_iter().cloned().collect::<Vec<_>>();
        let mut sent = cuda.factorise_many(&copies(sent)).into_iter();
        let mut kept = Jacobi.factorise_many(&copies(kept)).into_iter();
        let next = |x| if is_sent(x) { sent.next() } else { kept.next() };
        xs.iter().map(next).map(|one| one.unwrap_or_else(|| Err("no result".into()))).collect()
    }

    fn triangle(&self, x: ArrayView2<'_, f64>) -> Result<Array2<f64>, String> {
        self.choice(x.dim()).triangle(x).or_else(|_| DivideAndConquer.triangle(x))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_small_problems_stay_on_the_cpu() {
        for (shape, count, wins) in [
            ((20, 10), 1, false),
            ((20, 10), 1950, false), // the published study
            ((20, 10), 1_000_000, true),
            ((100, 100), 1, false),
            ((100, 100), 63, false),
            ((100, 100), 200, true),
            ((512, 512), 1, false),
            ((512, 512), 64, true),
            ((513, 513), 1, true),
            ((10_000, 5000), 1, true),
            ((1_000_000, 1), 1_000_000, true),
            ((0, 10), 100, false),
            ((usize::MAX, usize::MAX), usize::MAX, true),
        ] {
            assert_eq!(device_wins(shape, count), wins, "{count} of {shape:?}");
            assert_eq!(device_wins((shape.1, shape.0), count), wins, "{count} of {shape:?}, transposed");
        }
    }
}
