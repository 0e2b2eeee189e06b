//! The first CUDA device against one CPU thread: wall-clock seconds, including the copies to and from the device and
//! the check.

use crate::cases::Case;
use crate::median;
use double_descent::svd::{Backend, Cuda, Jacobi};
use std::time::Instant;

const ROUNDS: usize = 5;

/// Prints a ratio for each case, or why there is no device.
pub fn compare(cases: &[Case]) {
    let cuda = match Cuda::new(0) {
        Ok(cuda) => cuda,
        Err(error) => return println!("SKIPPED the device: {error}"),
    };
    println!("device: {}", cuda.device_name());
    for case in cases {
        let [cpu, device] = [&Jacobi as &dyn Backend, &cuda].map(|backend| {
            let off = (case.factorise(backend) / case.sum() - 1.0).abs();
            assert!(off < 1e-12, "{}: sums of singular values differ by {off:e}", backend.name());
            let mut times: Vec<f64> = (0..ROUNDS).map(|_| seconds(case, backend)).collect();
            median(&mut times)
        });
        let (name, ratio) = (case.name(), cpu / device);
        println!(
            "RATIO {name}_cuda_vs_one_thread {ratio:.2} (ours {device:.4e}, peer {cpu:.4e}, median of {ROUNDS})"
        );
    }
}

fn seconds(case: &Case, backend: &dyn Backend) -> f64 {
    let start = Instant::now();
    std::hint::black_box(case.factorise(backend));
    start.elapsed().as_secs_f64()
}
