//! Training features of several kinds, identical in every test.

use double_descent::rng::stream;
use ndarray::{Array1, Array2};
use rand_distr::{Distribution, StandardNormal};

pub fn normal(seed: u64, n: usize, p: usize) -> Array2<f64> {
    let mut rng = stream(seed, n, p);
    Array2::from_shape_simple_fn((n, p), || StandardNormal.sample(&mut rng))
}

/// Returns features of the named kind. The condition numbers reach 1e3, 1e4, 1e9 and 1e9 on the shapes in use.
pub fn features(kind: &str, n: usize, p: usize) -> Array2<f64> {
    let (inputs, weights) = (normal(1, n, 5), normal(2, 5, p));
    match kind {
        "gaussian" => normal(3, n, p),
        "relu" => inputs.dot(&weights).mapv(|v: f64| v.max(0.0)),
        "fourier" => {
            let phases = normal(4, 1, p);
            // A wide kernel: neighbouring features are almost dependent.
            (inputs.dot(&weights) * 0.2 + phases).mapv(f64::cos)
        }
        "graded" => {
            // Condition number 1e9: mixed columns of falling scale.
            let scales = Array1::from_shape_fn(p, |j| 10f64.powf(-9.0 * j as f64 / p as f64));
            (normal(5, n, p) * scales).dot(&(normal(6, p, p) / (p as f64).sqrt()))
        }
        _ => unreachable!(),
    }
}

pub const KINDS: [&str; 4] = ["gaussian", "relu", "fourier", "graded"];
