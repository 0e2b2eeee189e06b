//! Random Fourier features: cosines of random frequencies.

use crate::Peer;
use crate::python::{self, Folder};
use crate::timing::time;
use double_descent::dataset::Labelled;
use double_descent::features::{FeatureMap, RandomFourier};
use double_descent::rng::stream;
use ndarray::linalg::general_mat_mul;
use ndarray::{Array2, ArrayViewMut2, s};
use rand::RngExt;
use rand_distr::StandardNormal;
use std::path::Path;

/// Number of timed runs per side, of which the median counts.
const ROUNDS: usize = 5;

/// Times `n × d` inputs to `p` features, for half-black images and for inputs without zeros.
pub fn run((n, d, p): (usize, usize, usize), peer: Option<Peer<'_>>) {
    let (images, name) = images(n, d);
    // Belkin et al.'s standard deviation of the frequencies on pixels, and 1/√d, which suits normal inputs.
    compare("rff_features", &format!("{name}, {n} × {d}"), &images, (0.02, p), peer);
    let mut rng = stream(0, n, d);
    let normal = Array2::from_shape_simple_fn((n, d), || rng.sample::<f64, _>(StandardNormal));
    compare("rff_features_dense", &format!("normal inputs, {n} × {d}"), &normal, (0.5 / d as f64, p), peer);
}

/// The first test images of Fashion-MNIST if `DOUBLE_DESCENT_DATA` is set, otherwise numbers half of which are 0.
fn images(n: usize, d: usize) -> (Array2<f64>, &'static str) {
    if let Some(folder) = std::env::var_os("DOUBLE_DESCENT_DATA").filter(|_| d == 784) {
        let read = Labelled::fashion_mnist(Path::new(&folder).join("fashion_mnist"));
        let (_, test) = read.expect("Fashion-MNIST");
        return (
            test.inputs().expect("images fit into memory").slice(s![..n, ..]).to_owned(),
            "images of Fashion-MNIST",
        );
    }
    let mut rng = stream(3, n, d);
    let pixel = || rng.random_range(-1.0..1.0f64).max(0.0);
    (Array2::from_shape_simple_fn((n, d), pixel), "inputs half of which are 0")
}

fn compare(name: &str, what: &str, inputs: &Array2<f64>, (gamma, p): (f64, usize), peer: Option<Peer<'_>>) {
    let (n, d) = inputs.dim();
    let map = RandomFourier::gaussian(d, p, gamma, 1).expect("features");
    let map = map.with_amplitude(1.0).expect("an amplitude");
    let rows = map.frequencies().as_standard_layout().into_owned(); // p × d
    let columns = map.frequencies().t().as_standard_layout().into_owned(); // d × p

    let mut features = map.design(inputs, p).expect("features");
    let mut kept = vec![0.0; n * p];
    let mut times: [Vec<f64>; 5] = Default::default();
    for _ in 0..ROUNDS {
        let ours = time(|| map.write_columns(inputs, 0..p, &mut features).expect("features")).1;
        let new = |w| time(|| product(inputs, w, vec![0.0; n * p])).1.median;
        let seconds = [ours.median, new(Weights::Rows(&rows)), new(Weights::Columns(&columns))];
        times.iter_mut().zip(seconds).for_each(|(times, seconds)| times.push(seconds));
        for (times, w) in times[3..].iter_mut().zip([Weights::Rows(&rows), Weights::Columns(&columns)]) {
            let mut into = std::mem::take(&mut kept);
            times.push(time(|| into = product(inputs, w, std::mem::take(&mut into))).1.median);
            kept = into;
        }
    }
    let [ours, products @ ..] = times.map(median);
    println!("cos(X W + b), {what} → {p}, into kept memory: {ours:.4} s");
    println!(
        "  the product alone, W by rows, by columns, into new memory, into kept memory: {products:.4?} s"
    );
    let least = products.into_iter().fold(f64::INFINITY, f64::min);
    report(&format!("{name}_vs_product"), least, ours);
    if let Some(peer) = peer {
        let seconds = numpy(peer, inputs, &columns, map.phases(), &features);
        report(&format!("{name}_vs_numpy"), seconds, ours);
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

/// `W`, stored by features or by inputs.
#[derive(Clone, Copy)]
enum Weights<'a> {
    Rows(&'a Array2<f64>),
    Columns(&'a Array2<f64>),
}

/// `X W`.
fn product(x: &Array2<f64>, w: Weights<'_>, mut into: Vec<f64>) -> Vec<f64> {
    let w = match w {
        Weights::Rows(w) => w.t(),
        Weights::Columns(w) => w.view(),
    };
    let mut z = ArrayViewMut2::from_shape((x.nrows(), w.ncols()), &mut into).expect("room");
    general_mat_mul(1.0, x, &w, 0.0, &mut z);
    into
}

/// Returns the peer's median seconds, after comparing its features with ours.
fn numpy(
    (python, core_type): Peer<'_>,
    inputs: &Array2<f64>,
    weights: &Array2<f64>,
    phases: &[f64],
    ours: &Array2<f64>,
) -> f64 {
    let folder = Folder::new("features");
    folder.write("x", inputs.iter());
    folder.write("w", weights.iter());
    folder.write("b", phases.iter());
    let sizes = [inputs.nrows(), weights.nrows(), weights.ncols(), ROUNDS].map(|size| size.to_string());
    let arguments: Vec<&str> =
        std::iter::once(folder.path()).chain(sizes.iter().map(String::as_str)).collect();
    let text = python::run(python, core_type, "random_features.py", &arguments).expect("the peer runs");
    let seconds = text.trim().parse().expect("seconds");
    let found = std::fs::read(format!("{}/z", folder.path())).expect("the peer's features");
    let words = found.chunks_exact(8).map(|word| f64::from_ne_bytes(word.try_into().expect("8 bytes")));
    assert_eq!(found.len(), 8 * ours.len(), "the peer's features");
    let worst = words.zip(ours).fold(0.0, |worst: f64, (a, b)| worst.max((a - b).abs()));
    // Phases reach 100 and are sums of 784 terms, added in two orders: they differ by a few units in the last place
    // (1.4e-14 each).
    assert!(worst < 1e-12, "features differ by {worst:e}");
    println!("  all features agree to {worst:.0e}");
    seconds
}
