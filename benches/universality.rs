//! The curves of the universality study, noise terms at p = 30, n = 1…256 and at n = 30, p = 1…256, against the
//! per-point method in numpy: for every point one SVD, batched over all repeats.
//!
//! The features are correlated Gaussians of known covariance; drawing them and estimating Σ are not timed. CPU seconds,
//! one thread on both sides; the peer's start-up does not count. All terms are compared.
//!
//! Run: `PYTHON=<python with numpy> cargo bench --bench universality`; add `-- --quick` for few repeats.

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
    unix::main();
}

#[cfg(unix)]
mod unix {
    use crate::python::{self, Folder};
    use crate::timing::{Time, time};
    use double_descent::nested::noise::{Root, feature_terms, sample_terms};
    use double_descent::rng::stream;
    use ndarray::{Array2, s};
    use rand_distr::{Distribution, StandardNormal};
    use std::cmp::Ordering;
    use std::env;

    const FIXED: usize = 30;
    const LARGEST: usize = 256;
    /// Number of repeats computed at once, as in the study.
    const CHUNK: usize = 8;
    const ROUNDS: usize = 3;

    pub fn main() {
        let repeats = if env::args().any(|argument| argument == "--quick") { 8 } else { 64 };
        // Σ = SᵀS with S upper triangular, far from the identity and well conditioned.
        let mut rng = stream(0, 0, 0);
        let mut normal =
            || Array2::from_shape_simple_fn((LARGEST, LARGEST), || StandardNormal.sample(&mut rng));
        let mut root: Array2<f64> = normal() * 0.5 / (LARGEST as f64).sqrt();
        for ((i, j), value) in root.indexed_iter_mut() {
            match i.cmp(&j) {
                Ordering::Less => {}
                Ordering::Equal => *value = 1.0 + (j % 7) as f64,
                Ordering::Greater => *value = 0.0,
            }
        }
        let designs: Vec<Array2<f64>> = (0..repeats).map(|_| normal().dot(&root)).collect();

        let (terms, ours) = time(|| curves(&designs, &root));
        println!("{repeats} repeats of {} points: {:.4} s", 2 * LARGEST, ours.median);
        if let Some(peer) = numpy(&designs, &root, &terms) {
            let Time { median, runs } = ours;
            println!(
                "RATIO universality_vs_numpy {:.1} (ours {median:.4}, peer {peer:.4}, median of {runs})",
                peer / median
            );
        }
    }

    /// Computes the terms of every repeat: along n, then along p.
    fn curves(designs: &[Array2<f64>], root: &Array2<f64>) -> Vec<Vec<f64>> {
        let root = Root::from_covariance(&root.t().dot(root)).expect("a covariance");
        let mut all = Vec::with_capacity(designs.len());
        for chunk in designs.chunks(CHUNK) {
            let rows: Vec<_> = chunk.iter().map(|x| x.slice(s![.., ..FIXED])).collect();
            let columns: Vec<_> = chunk.iter().map(|x| x.slice(s![..FIXED, ..])).collect();
            let samples = sample_terms(&rows, &[&root]).expect("noise terms");
            let features = feature_terms(&columns, &[&root]).expect("noise terms");
            let both = samples.iter().zip(&features);
            all.extend(both.map(|(a, b)| a.iter().chain(b).map(|term| term.noise).collect::<Vec<_>>()));
        }
        all
    }

    /// Returns the peer's median seconds at its fastest core type, after comparing its terms with ours. Returns `None`,
    /// and prints a line saying so, without numpy.
    fn numpy(designs: &[Array2<f64>], root: &Array2<f64>, ours: &[Vec<f64>]) -> Option<f64> {
        let python = python::with_numpy()?;
        let folder = Folder::new("noise");
        folder.write("x", designs.iter().flatten());
        folder.write("root", root.iter());
        let counts = [designs.len(), FIXED, LARGEST].map(|v| v.to_string());
        let arguments = [folder.path(), &counts[0], &counts[1], &counts[2]];
        let seconds = |core_type| {
            python::run(&python, core_type, "universality.py", &arguments)?.trim().parse::<f64>().ok()
        };
        let core_type = python::fastest_core_type(&python, seconds);
        let mut times: Vec<f64> = (0..ROUNDS).filter_map(|_| seconds(core_type)).collect();
        times.sort_by(f64::total_cmp);
        let found = std::fs::read(format!("{}/terms", folder.path())).expect("the peer's terms");
        let words = found.chunks_exact(8).map(|word| f64::from_ne_bytes(word.try_into().expect("8 bytes")));
        let mut worst = 0.0f64;
        let mut count = 0;
        for (theirs, ours) in words.zip(ours.iter().flatten()) {
            // With κ up to 1e6, both sides keep ten digits.
            worst = worst.max((theirs / ours - 1.0).abs());
            count += 1;
        }
        assert_eq!(count, designs.len() * 2 * LARGEST, "the peer's terms");
        assert!(worst < 1e-8, "terms differ by {worst:e}");
        println!("all terms agree to {worst:.0e}");
        Some(times[times.len() / 2])
    }
}
