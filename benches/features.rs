//! What features cost.
//!
//! Random Fourier features: `cos(X W + b)` at 1000 × 784 → 5000 against the product `X W` alone, by the same faer,
//! and against numpy. CPU seconds, one thread on every side; the peer's start-up does not count. All features
//! are compared.
//!
//! Run: `PYTHON=<python with numpy> cargo bench --bench features`; with `-- --quick` on small sizes only.

#[cfg(not(unix))]
fn main() {
    println!("SKIPPED: CPU times are read on Unix only");
}

#[cfg(unix)]
#[path = "whole_curve/python.rs"]
mod python;
#[cfg(unix)]
#[path = "features/random_fourier.rs"]
mod random_fourier;
#[cfg(unix)]
#[path = "whole_curve/timing.rs"]
#[allow(dead_code)] // it serves several benches
mod timing;

#[cfg(unix)]
fn main() {
    let quick = std::env::args().any(|argument| argument == "--quick");
    random_fourier::run(if quick { (100, 78, 500) } else { (1000, 784, 5000) });
}
