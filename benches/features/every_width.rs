//! Every p from 1 to 5 n by a sweep, against the column engine called directly: the overhead of the sweep.

use crate::timing::{self, Time};
use double_descent::curve::{Curve, Metric};
use double_descent::dataset::Dataset;
use double_descent::features::{FeatureMap, RandomFourier};
use double_descent::nested::{Test, feature_curve};
use double_descent::risk::Compressed;
use double_descent::rng::stream;
use double_descent::sweep::{Arm, Maps, Splits, Sweep};
use ndarray::{Array2, s};
use rand_distr::{Distribution, StandardNormal};

const INPUTS: usize = 20;
const TEST_ROWS: usize = 1000;
const DEVIATION: f64 = 0.05;

struct Study {
    n: usize,
    repeats: usize,
    train: Dataset,
    test: Dataset,
}

impl Study {
    fn new(n: usize, repeats: usize) -> Self {
        let mut rng = stream(3, 0, 0);
        let mut data = |rows: usize| {
            let mut normal =
                |columns| Array2::from_shape_simple_fn((rows, columns), || StandardNormal.sample(&mut rng));
            let (inputs, noise): (Array2<f64>, Array2<f64>) = (normal(INPUTS), normal(1));
            let targets = inputs.slice(s![.., ..1]).mapv(f64::sin) + noise * 0.1;
            Dataset::new("drawn", inputs, targets).expect("a data set")
        };
        Self { n, repeats, train: data(n), test: data(TEST_ROWS) }
    }

    fn widths(&self) -> usize {
        5 * self.n
    }

    fn map(&self, repeat: usize) -> RandomFourier {
        RandomFourier::gaussian(INPUTS, self.widths(), DEVIATION, repeat as u64).expect("a map")
    }

    /// Returns the test errors of every repeat and width on the first `n` rows, from the engine itself.
    fn directly(&self, n: usize) -> Vec<Vec<f64>> {
        let one = |repeat| {
            let map = self.map(repeat);
            let design = |data: &Dataset| map.design(data.features(), self.widths()).expect("features");
            let (x, tx) = (design(&self.train), design(&self.test));
            let test = Compressed::new(&tx, self.test.targets()).expect("a test table");
            let y = self.train.targets().slice(s![..n, ..]);
            let points = feature_curve(&x.slice(s![..n, ..]), &y, Test::Rows(&test)).expect("a curve");
            points.iter().map(|point| point.test_mse.expect("a test error")).collect()
        };
        (0..self.repeats).map(one).collect()
    }

    /// Returns the same test errors from a sweep over all widths at the given sizes.
    fn swept(&self, samples: &[usize]) -> Curve {
        let (n, p) = (self.n, self.widths());
        let (train, test) = (self.train.clone(), self.test.clone());
        let maps = Maps::drawn(move |repeat| RandomFourier::gaussian(INPUTS, p, DEVIATION, repeat as u64));
        let sweep = Sweep {
            samples: samples.to_vec(),
            arms: vec![Arm::min_norm()],
            metrics: vec![Metric::TrainMse, Metric::TestMse],
            splits: Splits::Recorded(vec![(0..n).collect(); self.repeats]),
            threads: Some(1),
            ..Sweep::over_features((train, test), maps, n, 1..=p, self.repeats, 0)
        };
        sweep.run().expect("the sweep runs")
    }
}

fn ratio(name: &str, peer: Time, ours: Time) {
    println!(
        "RATIO {name} {:.2} (ours {:.3}, peer {:.3}, median of {})",
        peer.median / ours.median,
        ours.median,
        peer.median,
        ours.runs
    );
}

/// Times both ways, compares their test errors, and prints the ratios.
pub fn run(quick: bool) {
    let study = Study::new(if quick { 30 } else { 300 }, if quick { 2 } else { 20 });
    let (n, half) = (study.n, study.n / 2);
    let (points, direct) = timing::time(|| study.directly(n));
    let (curve, swept) = timing::time(|| study.swept(&[n]));
    for cell in &curve.cells {
        let (found, expected) = (cell.test_mse.expect("a test error"), points[cell.repeat][cell.p - 1]);
        // The direct call gives all columns to one engine; the sweep splits them into its own blocks.
        assert!((found / expected - 1.0).abs() < 1e-6, "p = {}: {found}, {expected}", cell.p);
    }
    println!(
        "every p from 1 to {} at n = {n}, {} repeats, {TEST_ROWS} test rows",
        study.widths(),
        study.repeats
    );
    ratio("sweep_every_width_vs_columns", direct, swept);
    let (_, smaller) = timing::time(|| study.directly(half));
    let (_, plane) = timing::time(|| study.swept(&[half, n]));
    let both = Time { median: direct.median + smaller.median, runs: smaller.runs };
    println!("the same widths at n = {half} and {n}: a plane, for which the sweep grows columns");
    ratio("plane_every_width_vs_columns", both, plane);
}
