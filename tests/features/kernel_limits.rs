//! Random features against their limiting kernels: the mean Gram matrix by z-scores over seeds, and the rate `p^(−1/2)`
//! by ratios of variances. Bounds come from the normal approximation at a level of one millionth per test.

use double_descent::features::{
    Activation, FeatureMap, NetworkTangent, Nonlinearity, PairOrder, RandomFourier, RandomNetwork,
    StationaryKernel,
};
use double_descent::filter::MinNorm;
use double_descent::kernel::{ArcCosine, Kernel, KernelRegression, ReluNetwork, WideLayer};
use double_descent::rng::stream;
use double_descent::svd::Svd;
use ndarray::{Array2, array};

/// Seeds for each comparison.
const SEEDS: u64 = 300;
/// Number of features; variances are compared with those at four times as many.
const FEATURES: usize = 250;
/// Input dimension in every comparison.
const D: usize = 3;

fn inputs() -> Array2<f64> {
    array![[0.5, -1.0, 0.8], [1.2, 0.3, -0.4], [-0.6, 0.9, -0.7], [0.4, -1.3, 0.6]]
}

/// `z` with `P(|Z| > z) · comparisons ≤ 1e-6` for standard normal `Z`, by `P(|Z| > z) ≤ 2 φ(z) / z`.
fn bound(comparisons: usize) -> f64 {
    let tail = |z: f64| 2.0 * (-0.5 * z * z).exp() / (2.0 * std::f64::consts::PI).sqrt() / z;
    let (mut low, mut high) = (1.0, 20.0);
    while high - low > 1e-6 {
        let middle = f64::midpoint(low, high);
        *if tail(middle) * comparisons as f64 > 1e-6 { &mut low } else { &mut high } = middle;
    }
    high
}

/// A kernel with a random estimate of it.
struct Pair {
    name: String,
    kernel: Array2<f64>,
    /// Estimate from a number of features and a seed.
    estimate: Box<dyn Fn(usize, u64) -> Array2<f64>>,
}

/// `φ·φ' / p` for all pairs of inputs.
fn mean_product(map: &dyn FeatureMap, p: usize) -> Array2<f64> {
    let features = map.design(&inputs(), p).unwrap();
    features.dot(&features.t()) / p as f64
}

fn pairs() -> Vec<Pair> {
    let mut pairs = Vec::new();
    let mut add = |name: &str, kernel: &dyn Kernel, estimate: Box<dyn Fn(usize, u64) -> Array2<f64>>| {
        let kernel = kernel.gram(&inputs(), &inputs()).unwrap();
        pairs.push(Pair { name: name.into(), kernel, estimate });
    };
    let stationary = [
        StationaryKernel::Gaussian { gamma: 0.4 },
        StationaryKernel::Laplacian { gamma: 0.3 },
        StationaryKernel::Matern { nu: 0.5, length_scale: 2.0 },
        StationaryKernel::Matern { nu: 1.5, length_scale: 1.5 },
        StationaryKernel::Matern { nu: 2.5, length_scale: 1.0 },
    ];
    for kernel in stationary {
        let cosines = move |p, seed| RandomFourier::new(D, p, kernel, seed).unwrap();
        add(&kernel.describe(), &kernel, Box::new(move |p, seed| mean_product(&cosines(p, seed), p)));
        let waves = move |p: usize, seed| cosines(p / 2, seed).into_pairs(PairOrder::Interleaved);
        let name = format!("pairs, {}", kernel.describe());
        add(&name, &kernel, Box::new(move |p, seed| mean_product(&waves(p, seed), p)));
    }
    let closed_forms = [
        Activation::Relu,
        Activation::Step,
        Activation::Sign,
        Activation::Erf,
        Activation::Abs,
        Activation::Identity,
    ];
    for activation in closed_forms {
        let network = move |p, seed| RandomNetwork::seeded(activation, &[D, p], seed).unwrap();
        let limit = WideLayer::of(&network(1, 0)).unwrap();
        add(activation.name(), &limit, Box::new(move |p, seed| mean_product(&network(p, seed), p)));
        let biased =
            move |p, seed| network(p, seed).with_weight_scale(1.7).unwrap().with_biases(0.6, seed).unwrap();
        let limit = WideLayer::of(&biased(1, 0)).unwrap();
        let name = format!("{}, biases", activation.name());
        add(&name, &limit, Box::new(move |p, seed| mean_product(&biased(p, seed), p)));
    }
    let eager = |p, seed| RandomNetwork::new(Activation::Relu, &[D, p], &mut stream(seed, 0, 0)).unwrap();
    let limit = WideLayer::of(&eager(1, 0)).unwrap();
    add("ReLU, one stream", &limit, Box::new(move |p, seed| mean_product(&eager(p, seed), p)));
    add(
        "squared ReLU",
        &ArcCosine::Two,
        Box::new(|p, seed| {
            let square = Nonlinearity::new("squared ReLU", |x: f64| x.max(0.0).powi(2)).unwrap();
            let network = RandomNetwork::seeded(square, &[D, p], seed).unwrap();
            2.0 * mean_product(&network.with_weight_scale((D as f64).sqrt()).unwrap(), p)
        }),
    );
    add(
        "tangent",
        &ReluNetwork::tangent(1).unwrap(),
        Box::new(|neurons, seed| {
            let map = NetworkTangent::new(Activation::Relu, D, neurons, &mut stream(seed, 0, 0)).unwrap();
            let features = map.design(&inputs(), map.outputs()).unwrap();
            2.0 * D as f64 * Activation::Relu.deviation().powi(2) * features.dot(&features.t())
        }),
    );
    pairs
}

/// Entrywise mean and variance over seeds.
fn moments(estimates: &[Array2<f64>]) -> (Array2<f64>, Array2<f64>) {
    let count = estimates.len() as f64;
    let mean = estimates.iter().fold(Array2::zeros(estimates[0].dim()), |sum, e| sum + e) / count;
    let squares = estimates.iter().map(|e| (e - &mean).mapv(|v| v * v));
    let variance = squares.fold(Array2::zeros(mean.dim()), |sum, e| sum + e) / (count - 1.0);
    (mean, variance)
}

#[test]
fn gram_matrices_tend_to_their_kernels_at_the_rate_of_the_root() {
    let pairs = pairs();
    let comparisons = 3 * pairs.len() * 10;
    let z = bound(comparisons);
    // The log of a variance estimated from S seeds has variance 2 / (S − 1).
    let spread = (4.0 / (SEEDS - 1) as f64).sqrt();
    let (mut worst, mut off_diagonal) = (0.0_f64, Vec::new());
    for pair in &pairs {
        let of = |p| moments(&(0..SEEDS).map(|seed| (pair.estimate)(p, seed)).collect::<Vec<_>>());
        let ((few_mean, few), (many_mean, many)) = (of(FEATURES), of(4 * FEATURES));
        for ((i, j), &kernel) in pair.kernel.indexed_iter().filter(|((i, j), _)| i <= j) {
            let what = format!("{}, {i} {j}", pair.name);
            if many[[i, j]] < 1e-24 {
                // The square of a sign is always 1.
                assert!((many_mean[[i, j]] - kernel).abs() < 1e-14 && few[[i, j]] < 1e-24, "{what}");
                continue;
            }
            for (mean, variance) in [(&few_mean, &few), (&many_mean, &many)] {
                let score = (mean[[i, j]] - kernel) / (variance[[i, j]] / SEEDS as f64).sqrt();
                assert!(score.abs() < z, "{what}: {} for {kernel}, z = {score:.2}", mean[[i, j]]);
                worst = worst.max(score.abs());
            }
            let ratio = (few[[i, j]] / many[[i, j]] / 4.0).ln();
            assert!(ratio.abs() < z * spread, "{what}: variances {} and {}", few[[i, j]], many[[i, j]]);
            if (i, j) == (0, 1) {
                off_diagonal.push(ratio);
            }
        }
    }
    // One off-diagonal entry of each pair: they are independent, and their mean is a much sharper test than each alone.
    let count = off_diagonal.len() as f64;
    let mean = off_diagonal.iter().sum::<f64>() / count;
    assert!(
        mean.abs() < bound(1) * spread / count.sqrt(),
        "variances fall as p^{:.3}",
        -1.0 - mean / 4_f64.ln()
    );
    println!(
        "{comparisons} comparisons: largest |z| {worst:.2}, bound {z:.2}; variances fall as p^{:.3}",
        -1.0 - mean / 4_f64.ln()
    );
}

/// Compared with `Var φ(x)·φ(x')/p = ((1 − k²)²/2 + 1/2) / p` (Sutherland and Schneider, 2015).
#[test]
fn fourier_features_have_the_variance_of_theory() {
    let pair = &pairs()[0];
    let estimates: Vec<_> = (0..SEEDS).map(|seed| (pair.estimate)(FEATURES, seed)).collect();
    let (_, variance) = moments(&estimates);
    let z = bound(10) * (2.0 / (SEEDS - 1) as f64).sqrt();
    for ((i, j), k) in pair.kernel.indexed_iter() {
        let expected = (0.5 * (1.0 - k * k).powi(2) + 0.5) / FEATURES as f64;
        assert!((variance[[i, j]] / expected).ln().abs() < z, "{i} {j}: {} for {expected}", variance[[i, j]]);
    }
}

/// Hidden layers of `m` neurons have a bias of `c/m`. Extrapolating from two widths leaves `1/m²`, far
/// below a standard error.
#[test]
fn deep_networks_tend_to_their_gaussian_process() {
    const SEEDS: u64 = 2000;
    let scale = Activation::Relu.deviation().powi(-2) / (4 * D) as f64;
    let kernel = ReluNetwork::gaussian_process(2).unwrap().gram(&inputs(), &inputs()).unwrap() * scale;
    let of = |width: usize| {
        let estimate = |seed| {
            let sizes = [D, width, 64];
            mean_product(
                &RandomNetwork::seeded(Activation::Relu, &sizes, seed + width as u64 * SEEDS).unwrap(),
                64,
            )
        };
        moments(&(0..SEEDS).map(estimate).collect::<Vec<_>>())
    };
    let ((narrow, narrow_variance), (wide, wide_variance)) = (of(48), of(96));
    for ((i, j), kernel) in kernel.indexed_iter() {
        let error = ((4.0 * wide_variance[[i, j]] + narrow_variance[[i, j]]) / SEEDS as f64).sqrt();
        let score = (2.0 * wide[[i, j]] - narrow[[i, j]] - kernel) / error;
        assert!(score.abs() < bound(10), "{i} {j}: z = {score:.2}");
    }
}

/// Predictions of minimum-norm fits tend to those of kernel regression at the same rate.
#[test]
fn fits_tend_to_the_kernel_fit() {
    const SEEDS: u64 = 100;
    let x = Array2::from_shape_fn((12, D), |(i, j)| ((3 * i + 7 * j) as f64 * 0.61).sin());
    let y = Array2::from_shape_fn((12, 1), |(i, _)| (i as f64 * 0.9).cos());
    let network = |p, seed| RandomNetwork::seeded(Activation::Relu, &[D, p], seed).unwrap();
    let limit = KernelRegression::fit(WideLayer::of(&network(1, 0)).unwrap(), &x, &y).unwrap();
    assert_eq!(limit.rank(), 12);
    let expected = limit.predict(&inputs()).unwrap();
    let mean_square = |p: usize| {
        let one = |seed| {
            let map = network(p, seed);
            let beta = Svd::new(&map.design(&x, p).unwrap()).unwrap().solve(&y, &MinNorm::default()).unwrap();
            (map.design(&inputs(), p).unwrap().dot(&beta) - &expected).mapv(|e| e * e).mean().unwrap()
        };
        (0..SEEDS).map(one).sum::<f64>() / SEEDS as f64
    };
    let (few, many) = (mean_square(2000), mean_square(8000));
    let ratio = (few / many / 4.0).ln();
    assert!(ratio.abs() < bound(1) * (4.0 / (SEEDS - 1) as f64).sqrt(), "{few:e} and {many:e}");
    println!("mean squared distance {few:.2e} at p = 2000, {many:.2e} at 8000, ratio {:.2}", few / many);
}
