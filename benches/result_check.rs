//! The cost of scaling and checking every factorisation, relative to the factorisation itself.
//!
//! The overhead is timed on a backend that returns a stored factorisation; subtracting two long, nearly equal times
//! would be too inexact. `ours` is the backend's own time plus this overhead, `peer` the backend's own time. CPU
//! seconds, one thread.
//!
//! Run: `cargo bench --bench result_check`

#[cfg(not(unix))]
fn main() {
    println!("SKIPPED: CPU times are read on Unix only");
}

#[cfg(unix)]
#[path = "whole_curve/timing.rs"]
#[allow(dead_code)] // shared by several benches
mod timing;

#[cfg(unix)]
fn main() {
    use double_descent::svd::{DivideAndConquer, Jacobi};

    for (n, p) in [(39, 8), (30, 20)] {
        unix::compare(&Jacobi, n, p);
    }
    for (n, p) in [(39, 8), (30, 20), (100, 100), (200, 100), (100, 300), (300, 300), (2000, 100), (700, 700)]
    {
        unix::compare(&DivideAndConquer, n, p);
    }
}

#[cfg(unix)]
mod unix {
    use super::timing::time;
    use double_descent::rng::stream;
    use double_descent::svd::{Backend, RawSvd, Route, Svd};
    use ndarray::{Array2, ArrayView2};
    use rand::RngExt;

    const ROUNDS: usize = 7;

    /// A backend that returns the factorisation it holds.
    #[derive(Debug)]
    struct Known(RawSvd);

    impl Backend for Known {
        fn name(&self) -> &'static str {
            "known"
        }

        fn factorise(&self, _: ArrayView2<'_, f64>, _: Route) -> Result<RawSvd, String> {
            Ok(self.0.clone())
        }

        fn triangle(&self, _: ArrayView2<'_, f64>) -> Result<Array2<f64>, String> {
            Err("it has none".into())
        }
    }

    pub fn compare(backend: &dyn Backend, n: usize, p: usize) {
        let mut rng = stream(1, n, p);
        // The largest entry lies in [½, 1), so the backend gets the matrix unscaled.
        let x = Array2::from_shape_simple_fn((n, p), || rng.random_range(-1.0..1.0));
        let known = Known(backend.factorise(x.view(), Route::First).expect("a factorisation"));
        let mut rounds: Vec<[f64; 3]> = (0..ROUNDS)
            .map(|_| {
                let peer = time(|| backend.factorise(x.view(), Route::First)).1.median;
                let check = time(|| Svd::with_backend(&x, &known).expect("a sound factorisation")).1.median;
                let copy = time(|| known.0.clone()).1.median;
                [peer / (peer + check - copy), peer + check - copy, peer]
            })
            .collect();
        rounds.sort_by(|a, b| a[0].total_cmp(&b[0]));
        let [ratio, ours, peer] = rounds[ROUNDS / 2];
        println!(
            "RATIO checked_svd_{}_{n}x{p} {ratio:.3} (ours {ours:.2e}, peer {peer:.2e}, median of {ROUNDS})",
            backend.name().replace(' ', "_")
        );
    }
}
