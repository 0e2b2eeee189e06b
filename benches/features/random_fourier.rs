//! Cosines of random frequencies.

use crate::timing::time;
use double_descent::features::{FeatureMap, RandomFourier};
use double_descent::rng::stream;
use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};
use ndarray::Array2;
use rand::RngExt;
use rand_distr::StandardNormal;
use std::env;
use std::path::Path;
use std::process::{Command, Stdio};

/// Every side is timed that often; medians count.
const ROUNDS: usize = 5;

/// `(n, d, p)`.
type Shape = (usize, usize, usize);

pub fn run(shape: Shape) {
    let (n, d, p) = shape;
    let mut rng = stream(0, n, d);
    let inputs = Array2::from_shape_simple_fn((n, d), || rng.sample::<f64, _>(StandardNormal));
    let map = RandomFourier::gaussian(d, p, 0.5 / d as f64, 1).expect("features");
    let map = map.with_amplitude(1.0).expect("an amplitude");
    let rows = map.frequencies().as_standard_layout().into_owned(); // p × d
    let columns = map.frequencies().t().as_standard_layout().into_owned(); // d × p

    let mut features = Array2::zeros((0, 0));
    let mut kept = vec![0.0; n * p];
    let mut times: [Vec<f64>; 5] = Default::default();
    for _ in 0..ROUNDS {
        let (made, ours) = time(|| map.design(&inputs, p).expect("features"));
        features = made;
        let new = |w| time(|| product(&inputs, w, vec![0.0; n * p])).1.median;
        let seconds = [ours.median, new(Weights::Rows(&rows)), new(Weights::Columns(&columns))];
        times.iter_mut().zip(seconds).for_each(|(times, seconds)| times.push(seconds));
        for (times, w) in times[3..].iter_mut().zip([Weights::Rows(&rows), Weights::Columns(&columns)]) {
            let mut into = std::mem::take(&mut kept);
            times.push(time(|| into = product(&inputs, w, std::mem::take(&mut into))).1.median);
            kept = into;
        }
    }
    let [ours, products @ ..] = times.map(median);
    println!("cos(X W + b), {n} × {d} → {p}: {ours:.4} s");
    println!(
        "  the product alone, W by rows, by columns, into new memory, into kept memory: {products:.4?} s"
    );
    let least = products.into_iter().fold(f64::INFINITY, f64::min);
    report("rff_features_vs_product", least, ours);
    if let Some((seconds, core_type)) = numpy(&inputs, &columns, map.phases(), &features) {
        println!("peer: OPENBLAS_NUM_THREADS=1, OPENBLAS_CORETYPE {core_type} (the fastest)");
        report("rff_features_vs_numpy", seconds, ours);
    }
}

fn report(name: &str, peer: f64, ours: f64) {
    let ratio = peer / ours;
    println!("RATIO {name} {ratio:.2} (ours {ours:.4}, peer {peer:.4}, median of {ROUNDS})");
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// `W` by features or by inputs.
#[derive(Clone, Copy)]
enum Weights<'a> {
    Rows(&'a Array2<f64>),
    Columns(&'a Array2<f64>),
}

/// `X W`.
fn product(x: &Array2<f64>, w: Weights<'_>, mut into: Vec<f64>) -> Vec<f64> {
    let (n, d) = x.dim();
    let x = MatRef::from_row_major_slice(x.as_slice().expect("row by row"), n, d);
    let w = match w {
        Weights::Rows(w) => {
            MatRef::from_row_major_slice(w.as_slice().expect("row by row"), w.nrows(), d).transpose()
        }
        Weights::Columns(w) => MatRef::from_row_major_slice(w.as_slice().expect("row by row"), d, w.ncols()),
    };
    let z = MatMut::from_row_major_slice_mut(&mut into, n, w.ncols());
    matmul(z, Accum::Replace, x, w, 1.0, Par::Seq);
    into
}

/// Median seconds of the peer at its fastest core type, and that type; its features are compared with ours. `None`,
/// and a line that says so, without numpy.
fn numpy(
    inputs: &Array2<f64>,
    weights: &Array2<f64>,
    phases: &[f64],
    ours: &Array2<f64>,
) -> Option<(f64, &'static str)> {
    let python = crate::python::with_numpy()?;
    let folder = env::temp_dir().join(format!("double-descent-features-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a temporary folder");
    let tables = [("x", inputs.as_slice()), ("w", weights.as_slice()), ("b", Some(phases))];
    for (name, values) in tables {
        let values = values.expect("row by row");
        let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_ne_bytes()).collect();
        std::fs::write(folder.join(name), bytes).expect("a temporary file");
    }
    let sizes = [inputs.nrows(), weights.nrows(), weights.ncols()].map(|size| size.to_string());
    let seconds = |core_type: &str, rounds: usize| {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peers/random_features.py");
        let mut command = Command::new(&python);
        command.env("OPENBLAS_NUM_THREADS", "1").env_remove("OPENBLAS_CORETYPE");
        if core_type != "as it chooses" {
            command.env("OPENBLAS_CORETYPE", core_type);
        }
        command.arg(script).arg(&folder).args(&sizes).arg(rounds.to_string());
        // A core type that this machine cannot run ends the process.
        let output = command.stderr(Stdio::null()).output().ok().filter(|out| out.status.success())?;
        String::from_utf8(output.stdout).ok()?.trim().parse::<f64>().ok()
    };
    let sides = ["as it chooses", "Haswell", "SkylakeX", "Zen"];
    let timed = sides.into_iter().filter_map(|core_type| Some((seconds(core_type, 1)?, core_type)));
    let (_, core_type) = timed.min_by(|a, b| a.0.total_cmp(&b.0)).expect("numpy runs");
    let fastest = seconds(core_type, ROUNDS).expect("numpy runs");
    let found = std::fs::read(folder.join("z")).expect("the peer's features");
    let _ = std::fs::remove_dir_all(&folder);
    let words = found.chunks_exact(8).map(|word| f64::from_ne_bytes(word.try_into().expect("8 bytes")));
    assert_eq!(found.len(), 8 * ours.len(), "the peer's features");
    let worst = words.zip(ours).fold(0.0, |worst: f64, (a, b)| worst.max((a - b).abs()));
    // Sums of 784 terms of size 1/28 in two orders.
    assert!(worst < 1e-12, "features differ by {worst:e}");
    println!("all features agree to {worst:.0e}");
    Some((fastest, core_type))
}
