//! The crate's loops on fewer instruction sets than the machine has (`DOUBLE_DESCENT_INSTRUCTIONS`): which results are
//! bitwise equal to those of the best set, and how far the others may differ.

use crate::common::program::Folder;
use crate::common::skipped;
use double_descent::curve::Metric;
use double_descent::dataset::Dataset;
use double_descent::features::{
    Activation, FeatureMap, Polynomial, PolynomialBasis, RandomFourier, RandomNetwork,
};
use double_descent::instructions;
use double_descent::nested::{Test, sample_curve};
use double_descent::risk::Compressed;
use double_descent::rng::stream;
use double_descent::svd::{DivideAndConquer, Jacobi, Svd};
use double_descent::sweep::Sweep;
use double_descent::theory::random_features::RandomFeatureModel;
use double_descent::theory::spectrum::PopulationSpectrum;
use ndarray::{Array2, s};
use rand_distr::{Distribution, StandardNormal};
use std::path::Path;
use std::process::Command;

/// The file that a child writes; without this variable it does nothing.
const CHILD: &str = "DOUBLE_DESCENT_CHILD_INSTRUCTIONS";
const VARIABLE: &str = "DOUBLE_DESCENT_INSTRUCTIONS";

/// Results that are bitwise equal on every instruction set.
const SAME: [&str; 3] = ["batched_svds", "polynomials", "theory"];
/// Results that are bitwise equal on every instruction set with fused multiply-adds: those of matrix products and
/// reflections.
const FUSED: [&str; 5] = ["cosines", "cosines_of_images", "activations", "curve", "ablations"];

fn normal(rows: usize, columns: usize, seed: usize) -> Array2<f64> {
    let mut rng = stream(seed as u64, rows, columns);
    Array2::from_shape_simple_fn((rows, columns), || StandardNormal.sample(&mut rng))
}

fn fourier() -> (RandomFourier, Array2<f64>) {
    (RandomFourier::gaussian(100, 96, 0.005, 1).unwrap(), normal(50, 100, 2))
}

fn network() -> RandomNetwork {
    RandomNetwork::seeded(Activation::Tanh, &[100, 60], 3).unwrap()
}

fn curve() -> (Array2<f64>, Array2<f64>) {
    (normal(70, 20, 4), normal(70, 1, 5))
}

/// On and around [−1, 1], in a number of rows that does not fill the lanes.
fn polynomials() -> Vec<f64> {
    let inputs = Array2::from_shape_fn((27, 1), |(i, _)| 0.08 * (i as f64 - 13.0));
    let of_basis = |basis| Polynomial::new(basis).with_constant().design(&inputs, 60).unwrap();
    let all = [PolynomialBasis::Legendre, PolynomialBasis::Chebyshev, PolynomialBasis::Monomial];
    all.into_iter().flat_map(of_basis).collect()
}

fn ablations(metric: Metric) -> Vec<f64> {
    let curve = Sweep::new(Dataset::diabetes(), 1..=15, 10, 0).run().unwrap();
    curve.cells.iter().map(|cell| cell.metric(metric).unwrap()).collect()
}

fn results() -> Vec<(&'static str, Vec<f64>)> {
    let many: Vec<Array2<f64>> = (0..30).map(|seed| normal(20, 10, seed)).collect();
    let views: Vec<_> = many.iter().map(|x| x.view()).collect();
    let svds = Svd::many(&views, &Jacobi).into_iter().map(Result::unwrap);
    let all = |svd: Svd| {
        let parts = svd.u().iter().chain(svd.singular_values()).chain(svd.vt());
        parts.copied().collect::<Vec<f64>>()
    };
    let large = Svd::with_backend(&normal(120, 90, 1), &DivideAndConquer).unwrap();
    let (map, inputs) = fourier();
    let network = network();
    let (x, y) = curve();
    let test = Compressed::new(&normal(200, 20, 6), &normal(200, 1, 7)).unwrap();
    let points = sample_curve(&x, &y, Test::Rows(&test)).unwrap();
    // Of a length that does not fill the lanes.
    let spectrum = PopulationSpectrum::power_law(101, 1.2).unwrap();
    let target = spectrum.values().iter().map(|l| l.powf(1.5)).collect::<Vec<f64>>();
    let model = RandomFeatureModel::new(spectrum, &target, 0.1).unwrap();
    let settings: Vec<_> = (1..40).map(|k| [50.0, 3.0 * f64::from(k), 1e-4]).collect();
    let risks = model.curve(&settings).unwrap();
    vec![
        ("batched_svds", svds.flat_map(all).collect()),
        ("large_svd", large.singular_values().to_vec()),
        ("cosines", map.design(&inputs, 96).unwrap().into_iter().collect()),
        ("cosines_of_images", map.design(&inputs.mapv(|v| v.max(0.0)), 96).unwrap().into_iter().collect()),
        ("activations", network.design(&inputs, 60).unwrap().into_iter().collect()),
        ("polynomials", polynomials()),
        ("curve", points.iter().map(|point| point.test_mse.unwrap()).collect()),
        ("ablations", ablations(Metric::TestMse)),
        ("theory", risks.iter().flat_map(|risk| [risk.excess, risk.train]).collect()),
    ]
}

#[test]
#[ignore = "a child of the next test"]
fn writes_results() {
    let Some(folder) = std::env::var_os(CHILD) else { return };
    for (name, values) in results() {
        let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_ne_bytes()).collect();
        std::fs::write(Path::new(&folder).join(name), bytes).unwrap();
    }
    std::fs::write(Path::new(&folder).join("in_use"), instructions::in_use()).unwrap();
}

/// Results of a separate process on a given instruction set; `None` if the machine lacks it.
fn on(asked: &str) -> Option<Vec<(&'static str, Vec<f64>)>> {
    let folder = Folder::new(asked);
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "processes::instructions::writes_results", "--ignored"])
        .env(CHILD, &folder.0)
        .env(VARIABLE, asked)
        .output()
        .unwrap();
    assert!(status.status.success(), "{asked}: {}", String::from_utf8_lossy(&status.stdout));
    let used = std::fs::read_to_string(folder.0.join("in_use")).unwrap();
    if used != asked {
        skipped(&format!("{asked}: this machine runs {used}"));
        return None;
    }
    let read = |(name, _)| {
        let bytes = std::fs::read(folder.0.join(name)).unwrap();
        let values = bytes.chunks_exact(8).map(|word| f64::from_ne_bytes(word.try_into().unwrap()));
        (name, values.collect())
    };
    Some(results().into_iter().map(read).collect())
}

/// The largest difference between two results of equal accuracy, entry by entry; 0 means equal bits.
fn bounds(name: &str, values: &[f64]) -> Vec<f64> {
    const EPS: f64 = f64::EPSILON;
    match name {
        // Each is exact for a matrix with a perturbation of at most n ε, relative to its norm.
        "large_svd" => vec![2.0 * 120.0 * EPS * values[0]; values.len()],
        // Both phases have errors within (d + 1) ε/2 (Σ|w x| + |b|), both cosines within 2 units.
        "cosines" | "cosines_of_images" => {
            let (map, inputs) = fourier();
            let w = map.frequencies();
            let inputs = if name == "cosines" { inputs } else { inputs.mapv(|v| v.max(0.0)) };
            let sums = inputs.mapv(f64::abs).dot(&w.mapv(f64::abs).t());
            let phase = |((_, k), sum): ((usize, usize), &f64)| sum + map.phases()[k];
            let off = |sum| map.amplitude() * (101.0 * EPS * sum + 4.0 * EPS);
            sums.indexed_iter().map(|entry| off(phase(entry))).collect()
        }
        // Both sums have errors within (d + 1) ε/2 Σ|w x|, and both values of tanh, whose slope is at most 1, within 4 ε.
        // Near 0, tanh is the identity: tiny inputs return the weights.
        "activations" => {
            let tiny = Array2::from_diag_elem(100, 1e-9);
            let weights = network().design(&tiny, 60).unwrap().mapv(|v| 1e9 * v.abs());
            let sums = fourier().1.mapv(f64::abs).dot(&weights);
            sums.iter().map(|sum| 101.0 * EPS * sum + 8.0 * EPS).collect()
        }
        // The singular vectors and the coefficients have the same bits. Both sums of at most p products for a prediction
        // have errors within (p + 1) ε/2 ‖x‖ ‖β‖, and so their mean square changes by at most 2 √mse times that, and
        // its square; a mean of other numbers is also rounded differently, once per row.
        "ablations" => {
            let x = Dataset::diabetes().features().clone();
            let longest = x.rows().into_iter().map(|row| row.dot(&row).sqrt()).fold(0.0, f64::max);
            let off = |norm: f64| (x.ncols() + 1) as f64 * EPS * longest * norm;
            let norms = ablations(Metric::CoefficientNorm);
            let bound = |(norm, mse): (&f64, &f64)| {
                off(*norm) * (2.0 * mse.sqrt() + off(*norm)) + x.nrows() as f64 * EPS * mse
            };
            norms.iter().zip(values).map(bound).collect()
        }
        // Both sets of coefficients have relative errors within 10 κ² ε, for residuals of any size. If an error is at
        // least a tenth of the prediction, its square changes by at most 20 times as much.
        "curve" => {
            let (x, _) = curve();
            let kappa = |n: usize| {
                let s = Svd::new(&x.slice(s![..n, ..])).unwrap().singular_values().to_vec();
                s[0] / s[s.len() - 1]
            };
            (1..=values.len()).map(|n| 400.0 * kappa(n).powi(2) * EPS * values[n - 1]).collect()
        }
        _ => vec![0.0; values.len()],
    }
}

#[test]
fn fewer_instructions_give_the_same_results() {
    // Skip if the environment already chooses the instructions.
    if std::env::var_os(VARIABLE).is_some() {
        return;
    }
    let best = results();
    for asked in ["plain", "avx2", "avx512"] {
        let Some(found) = on(asked) else { continue };
        for ((name, best), (_, found)) in best.iter().zip(&found) {
            let same = best.iter().zip(found).filter(|(a, b)| a.to_bits() == b.to_bits()).count();
            println!("{asked}, {name}: {same} of {} to the last bit", best.len());
            assert_eq!(best.len(), found.len());
            if FUSED.contains(name) && asked != "plain" {
                assert_eq!(same, best.len(), "{asked}, {name}");
            }
            let bounds = bounds(name, best);
            assert_eq!(SAME.contains(name), bounds.iter().all(|bound| *bound == 0.0), "{name}");
            for ((a, b), bound) in best.iter().zip(found).zip(bounds) {
                assert!((a - b).abs() <= bound && b.is_finite(), "{asked}, {name}: {a:e} and {b:e}");
            }
        }
    }
    // Asking for the set in use by name selects it.
    assert!(on(instructions::in_use()).is_some());
    assert_ne!(instructions::in_use(), "");
}
