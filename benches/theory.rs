//! The slowest formula of `theory`: random features of a kernel with 10,000 distinct eigenvalues, on a curve of 1,000
//! points. It must take less than a second, and so must the same curve with ridge. One thread.
//!
//! Run: `cargo bench --bench theory`.

use double_descent::theory::filtered::Flow;
use double_descent::theory::random_features::RandomFeatureModel;
use double_descent::theory::ridge::SpectralPopulation;
use double_descent::theory::spectrum::PopulationSpectrum;
use std::hint::black_box;
use std::time::Instant;

const EIGENVALUES: usize = 10_000;
const POINTS: usize = 1_000;
const ROUNDS: usize = 5;

fn main() {
    let spectrum = || PopulationSpectrum::power_law(EIGENVALUES, 1.2).expect("a spectrum");
    let target: Vec<f64> = spectrum().values().iter().map(|l| l.powf(1.5)).collect();
    let features = RandomFeatureModel::new(spectrum(), &target, 0.1).expect("a model");
    let coefficients: Vec<f64> = spectrum().values().iter().map(|l| l.sqrt()).collect();
    let population = SpectralPopulation::new(spectrum(), &coefficients, 0.1).expect("a population");

    // Model-wise through the threshold at 500, and the same points in an order that defeats a warm start.
    let point = |k: usize| [500.0, 2.0 * (k + 1) as f64, 1e-4];
    let in_order: Vec<[f64; 3]> = (0..POINTS).map(point).collect();
    let shuffled: Vec<[f64; 3]> = (0..POINTS).map(|k| point(k * 387 % POINTS)).collect();
    let penalties: Vec<[f64; 2]> = (0..POINTS).map(|i| [500.0, 10f64.powf(-8.0 + 0.01 * i as f64)]).collect();

    report("random features, a curve", || {
        black_box(features.curve(&in_order).expect("a curve"));
    });
    report("random features, points in no order", || {
        black_box(features.curve(&shuffled).expect("a curve"));
    });
    report("random features, each point alone", || {
        for &[n, k, ridge] in &in_order {
            black_box(features.at(n, k, ridge).expect("a point"));
        }
    });
    report("ridge, a curve", || {
        black_box(population.curve(&penalties).expect("a curve"));
    });
    let seconds = median(|| {
        black_box(population.filtered(500.0, &Flow::new(1e3).expect("a time")).expect("a point"));
    });
    println!("gradient flow, one point of {EIGENVALUES} eigenvalues: {seconds:.4} s");
}

fn report(what: &str, work: impl FnMut()) {
    let seconds = median(work);
    let verdict = if seconds < 1.0 { "under a second" } else { "TOO SLOW" };
    println!("{what}: {POINTS} points of {EIGENVALUES} eigenvalues in {seconds:.4} s, {verdict}");
}

/// Returns the median seconds of `work`.
fn median(mut work: impl FnMut()) -> f64 {
    let mut times: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            work();
            start.elapsed().as_secs_f64()
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[ROUNDS / 2]
}
