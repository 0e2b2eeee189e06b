//! A path of 1,000 ridge penalties with leave-one-out errors and an unpenalised intercept, at 2,000 × 500 and at 500 ×
//! 2,000, against scikit-learn's `RidgeCV` on the same data, which chooses its penalty by the same errors.
//!
//! Ours also gives training errors, norms, degrees of freedom and generalised cross-validation. CPU seconds, one thread
//! on both sides; the peer's start-up does not count. The leave-one-out errors of all penalties are compared.
//!
//! Run: `PYTHON=<python with scikit-learn> cargo bench --bench ridge_path`; add `-- --quick` for small sizes only.

#[cfg(not(unix))]
fn main() {
    println!("SKIPPED: CPU times are read on Unix only");
}

#[cfg(unix)]
#[path = "whole_curve/python.rs"]
mod python;
#[cfg(unix)]
#[path = "whole_curve/timing.rs"]
#[allow(dead_code)] // shared by several benches
mod timing;

#[cfg(unix)]
fn main() {
    let quick = std::env::args().any(|argument| argument == "--quick");
    let (sizes, count) =
        if quick { ([(200, 50), (50, 200)], 100) } else { ([(2000, 500), (500, 2000)], 1000) };
    let peer = sklearn();
    for shape in sizes {
        ridge_path::compare(shape, count, peer.as_ref());
    }
}

/// The interpreter, if it has scikit-learn, and the core type that makes its `OpenBLAS` fastest.
#[cfg(unix)]
fn sklearn() -> Option<(String, Option<&'static str>)> {
    let python = python::with_numpy()?;
    let core_type = python::fastest_core_type(&python, |core_type| {
        python::run(&python, core_type, "core_type.py", &[])?.trim().parse().ok()
    });
    Some((python, core_type))
}

#[cfg(unix)]
mod ridge_path {
    use super::python::{self, Folder};
    use super::timing::time;
    use double_descent::risk::Training;
    use double_descent::rng::stream;
    use ndarray::Array2;
    use rand::RngExt;
    use rand_distr::StandardNormal;

    type Peer = (String, Option<&'static str>);

    pub fn compare((n, p): (usize, usize), count: usize, peer: Option<&Peer>) {
        let mut rng = stream(0, n, p);
        let mut normal = |rows: usize, columns: usize| {
            Array2::from_shape_simple_fn((rows, columns), || rng.sample::<f64, _>(StandardNormal))
        };
        let (x, teacher, noise) = (normal(n, p), normal(p, 1), normal(n, 1));
        let y = x.dot(&teacher) / (p as f64).sqrt() + noise;
        let power = |i: usize| 10f64.powf(8.0 * i as f64 / (count - 1) as f64 - 3.0);
        let lambdas: Vec<f64> = (0..count).map(power).collect();

        let run = || {
            let training = Training::with_intercept(&x, &y).expect("a factorisation");
            training.penalties(&lambdas).expect("a path")
        };
        let (path, ours) = time(run);
        let factorised = time(|| Training::with_intercept(&x, &y).expect("a factorisation")).1.median;
        println!(
            "{n} × {p}, {count} penalties: {:.4} s, {factorised:.4} s of it the factorisation",
            ours.median
        );
        let Some((python, core_type)) = peer else { return };
        let folder = Folder::new("ridge-path");
        folder.write("x", x.iter());
        folder.write("y", y.iter());
        folder.write("lambdas", lambdas.iter());
        let Some(text) = python::run(python, *core_type, "ridge_path.py", &[folder.path()]) else {
            println!("SKIPPED scikit-learn: see benches/peers/README.md");
            return;
        };
        let mut lines = text.lines().map(|line| line.parse::<f64>().expect("a number"));
        let peer = lines.next().expect("the seconds of the peer");
        let mut far: f64 = 0.0;
        for (point, theirs) in path.points().iter().zip(lines.by_ref()) {
            far = far.max((point.loo_mse.expect("an error") / theirs - 1.0).abs());
        }
        // At small penalties the peer loses digits, in its Gram matrix or in its differences 1 − h.
        assert!(far < 1e-6, "leave-one-out errors differ by {far:e}");
        println!("  the leave-one-out errors of both agree to {far:.1e}");
        println!(
            "RATIO ridge_path_vs_sklearn_{n}x{p} {:.1} (ours {:.4}, peer {peer:.4}, median of {})",
            peer / ours.median,
            ours.median,
            ours.runs
        );
    }
}
