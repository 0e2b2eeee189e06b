//! What the check of every factorisation costs: checked SVDs against the backend's own of the same matrices, in turn.
//!
//! Run: `cargo bench --bench result_check`

use double_descent::rng::stream;
use double_descent::svd::{Backend, Faer, Jacobi, Route, Svd};
use ndarray::Array2;
use rand::RngExt;
use std::hint::black_box;
use std::time::Instant;

const ROUNDS: usize = 31;
/// Seconds that a round takes at least.
const ROUND: f64 = 0.005;

fn main() {
    for (n, p) in [(39, 8), (30, 20)] {
        compare(&Jacobi, n, p);
    }
    for (n, p) in [(39, 8), (30, 20), (100, 100), (200, 100), (100, 300), (300, 300), (2000, 100), (700, 700)]
    {
        compare(&Faer, n, p);
    }
}

fn compare(backend: &dyn Backend, n: usize, p: usize) {
    let mut rng = stream(1, n, p);
    let x = Array2::from_shape_simple_fn((n, p), || rng.random_range(-1.0..1.0));
    let raw = || drop(black_box(backend.factorise(x.view(), Route::First)));
    let checked = || drop(black_box(Svd::with_backend(&x, backend)));
    let seconds = |work: &dyn Fn(), times: usize| {
        let start = Instant::now();
        (0..times).for_each(|_| work());
        start.elapsed().as_secs_f64() / times as f64
    };
    let once = seconds(&checked, 1);
    let times = (1..10_000).find(|&times| times as f64 * once >= ROUND).unwrap_or(10_000);
    let (mut ours, mut peer): (Vec<f64>, Vec<f64>) =
        (0..ROUNDS).map(|_| (seconds(&checked, times), seconds(&raw, times))).unzip();
    let median = |times: &mut Vec<f64>| {
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    };
    let (ours, peer) = (median(&mut ours), median(&mut peer));
    let ratio = peer / ours;
    println!(
        "RATIO checked_svd_{}_{n}x{p} {ratio:.3} (ours {ours:.6}, peer {peer:.6}, median of {ROUNDS})",
        backend.name()
    );
}
