//! A model-wise curve and an n × p grid of random Fourier features, with ten outputs and 10,000 test rows. Ours is one
//! run. The peers are numpy and `SciPy`: fits cell by cell (`usual`), and two growing triangles (`strong`).

use crate::Peer;
use crate::python::{self, Folder};
use crate::timing::{self, Time};
use double_descent::curve::{Metric, Surface};
use double_descent::dataset::Dataset;
use double_descent::features::RandomFourier;
use double_descent::rng::stream;
use double_descent::sweep::{Maps, Splits, Sweep};
use ndarray::Array2;
use rand::RngExt;
use rand_distr::StandardNormal;

const INPUTS: usize = 784;
const OUTPUTS: usize = 10;
/// Standard deviation of the frequencies, for inputs in [0, 1].
const DEVIATION: f64 = 0.2;

/// The problem that both sides fit.
pub struct Study {
    name: &'static str,
    samples: Vec<usize>,
    features: Vec<usize>,
    /// The grid of n and p at which the peer is timed; its other times are interpolated.
    timed: (Vec<usize>, Vec<usize>),
    /// The peer also tries its least squares routines if `min(n, p)` is below this.
    small: usize,
    train: Dataset,
    test: Dataset,
    /// Frequencies, `features × inputs`, and phases.
    weights: (Array2<f64>, Vec<f64>),
}

impl Study {
    /// n = 5,000, 40 values of p from 50 to 20,000, equally spaced.
    pub fn curve(quick: bool) -> Self {
        let (n, first, last) = if quick { (250, 10.0, 1000.0) } else { (5000, 50.0f64, 20_000.0f64) };
        let at = |i: i32| (first + (last - first) * f64::from(i) / 39.0).round();
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // up to 20,000
        let features: Vec<usize> = (0..40).map(|i| at(i) as usize).collect();
        let places = [0, 2, 9, 10, 20, features.len() - 1];
        let timed = (vec![n], places.map(|i| features[i.min(features.len() - 1)]).to_vec());
        Self::new("rff_curve", (vec![n], features), timed, quick)
    }

    /// n and p from 200 to 4,000, 20 values each.
    pub fn grid(quick: bool) -> Self {
        let step = if quick { 20 } else { 200 };
        let all: Vec<usize> = (1..=20).map(|i| i * step).collect();
        let some: Vec<usize> = [1, 5, 10, 15, 20].map(|i| i * step).to_vec();
        Self::new("rff_grid", (all.clone(), all), (some.clone(), some), quick)
    }

    fn new(
        name: &'static str,
        (samples, features): (Vec<usize>, Vec<usize>),
        timed: (Vec<usize>, Vec<usize>),
        quick: bool,
    ) -> Self {
        let most = |list: &[usize]| list.iter().copied().max().unwrap_or(1);
        let (n, p, tests) = (most(&samples), most(&features), if quick { 500 } else { 10_000 });
        let mut rng = stream(1, 0, 0);
        let mut data = |rows: usize| {
            // Images are half black, so half of these inputs are zero.
            let inputs =
                Array2::from_shape_simple_fn((rows, INPUTS), || rng.random_range(-1.0..1.0f64).max(0.0));
            let mut targets = Array2::zeros((rows, OUTPUTS));
            for mut row in targets.rows_mut() {
                row[rng.random_range(0..OUTPUTS)] = 1.0;
            }
            Dataset::new("drawn", inputs, targets).expect("a data set")
        };
        let (train, test) = (data(n), data(tests));
        let mut rng = stream(2, 0, 0);
        let frequencies =
            Array2::from_shape_simple_fn((p, INPUTS), || DEVIATION * rng.sample::<f64, _>(StandardNormal));
        let phases = (0..p).map(|_| rng.random_range(0.0..std::f64::consts::TAU)).collect();
        let small = if quick { usize::MAX } else { 1500 };
        Self { name, samples, features, timed, small, train, test, weights: (frequencies, phases) }
    }

    /// Fits all cells on one thread.
    fn ours(&self) -> (Surface, Time) {
        let (frequencies, phases) = &self.weights;
        let map = RandomFourier::from_weights(frequencies, phases).expect("a map");
        let order: Vec<usize> = (0..self.train.len()).collect();
        let sweep = Sweep {
            samples: self.samples.clone(),
            features: self.features.clone(),
            splits: Splits::Recorded(vec![order]),
            metrics: vec![Metric::TestMse],
            threads: Some(1),
            ..Sweep::plane(self.train.clone(), self.test.clone(), Maps::same(map), 1, 0)
        };
        timing::time(|| sweep.surface().expect("the sweep runs"))
    }

    /// Times both sides and prints the results.
    pub fn report(&self, peer: Option<Peer<'_>>) {
        let (surface, ours) = self.ours();
        let cells = self.samples.len() * self.features.len();
        let most = |list: &[usize]| list.iter().copied().max().unwrap_or(1);
        let (n, p) = (most(&self.samples), most(&self.features));
        println!("{}: {cells} cells up to n = {n}, p = {p}: {:.2} s", self.name, ours.median);
        println!(
            "  {:.2} ms a feature, all of its cells and test rows included",
            ours.median / p as f64 * 1e3
        );
        let Some(peer) = peer else { return };
        let folder = self.written();
        self.report_strong(peer, &folder, &surface, ours);
        if std::env::args().any(|argument| argument == "--strong") {
            return;
        }
        let (features, timed) = self.peer(peer, &folder);
        let mut fits = 0.0;
        for &n in &self.samples {
            for &p in &self.features {
                fits += self.interpolated(&timed, n, p);
            }
        }
        for cell in &timed {
            let found = surface.cells().cells.iter().find(|other| (other.n, other.p) == (cell.n, cell.p));
            let found = found.and_then(|cell| cell.test_mse).expect("every timed cell is one of ours");
            // Both sides lose κ ε; random features of these sizes have κ up to 1e5 except at n = p.
            assert!((found / cell.mse - 1.0).abs() < 1e-5, "{}, {}: {found}, {}", cell.n, cell.p, cell.mse);
        }
        let peer = features + fits;
        let ways: Vec<String> =
            timed.iter().map(|cell| format!("{}:{} {}", cell.n, cell.p, cell.way)).collect();
        println!(
            "  the peer: features {features:.2} s, made once; {} fits timed, the other {} interpolated: {fits:.1} s; \
             fastest ways (n:p) {}",
            timed.len(),
            cells - timed.len(),
            ways.join(", ")
        );
        println!(
            "RATIO {}_vs_usual {:.1} (ours {:.2}, peer {peer:.2}, median of {}, peer's short fits of 3)",
            self.name,
            peer / ours.median,
            ours.median,
            ours.runs
        );
    }

    /// Times the whole study at LAPACK's speed, and compares its test errors at all cells.
    fn report_strong(&self, (python, core_type): Peer<'_>, folder: &Folder, surface: &Surface, ours: Time) {
        let list = |all: &[usize]| all.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        let arguments = [folder.path(), &list(&self.samples), &list(&self.features)];
        let text = python::run(python, core_type, "strong_plane.py", &arguments).expect("the peer runs");
        let mut lines = text.lines();
        let peer: f64 = lines.next().and_then(|line| line.parse().ok()).expect("seconds first");
        for line in lines {
            let [n, p, mse] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
            let (n, p): (usize, usize) = (n.parse().expect("n"), p.parse().expect("p"));
            let mse: f64 = mse.parse().expect("an error");
            let found = surface.cells().cells.iter().find(|cell| (cell.n, cell.p) == (n, p));
            let found = found.and_then(|cell| cell.test_mse).expect("every cell is one of ours");
            // The same tolerance as for the cell-by-cell fits.
            assert!((found / mse - 1.0).abs() < 1e-5, "{n}, {p}: {found}, {mse}");
        }
        println!(
            "RATIO {}_vs_strong {:.2} (ours {:.2}, peer {peer:.2}, median of {}, peer once)",
            self.name,
            peer / ours.median,
            ours.median,
            ours.runs
        );
    }

    /// Writes all tables and the frequencies for the peers.
    fn written(&self) -> Folder {
        let folder = Folder::new("plane");
        let tables = [
            ("x", self.train.features()),
            ("y", self.train.targets()),
            ("tx", self.test.features()),
            ("ty", self.test.targets()),
            ("w", &self.weights.0),
        ];
        for (name, table) in tables {
            folder.write(name, table.iter());
        }
        folder.write("b", self.weights.1.iter());
        folder
    }

    /// Returns the seconds that the features of all rows take, and the timed cells.
    fn peer(&self, (python, core_type): Peer<'_>, folder: &Folder) -> (f64, Vec<Timed>) {
        let cells = self.timed.0.iter().flat_map(|n| self.timed.1.iter().map(move |p| format!("{n}:{p}")));
        let cells: Vec<String> = cells.collect();
        let arguments = [folder.path(), &cells.join(","), &self.small.to_string()];
        let text = python::run(python, core_type, "fourier_plane.py", &arguments).expect("the peer runs");
        let mut lines = text.lines();
        let features = lines.next().and_then(|line| line.strip_prefix("features ")?.parse().ok());
        let cell = |line: &str| {
            let words: Vec<&str> = line.split(' ').collect();
            let [n, p, seconds, mse, way] = words[..] else { return None };
            let (n, p) = (n.parse().ok()?, p.parse().ok()?);
            Some(Timed { n, p, seconds: seconds.parse().ok()?, mse: mse.parse().ok()?, way: way.into() })
        };
        (features.expect("features first"), lines.map(|line| cell(line).expect("a cell")).collect())
    }

    /// Interpolates the peer's seconds at any cell: log times, linear in log n and log p between the timed cells.
    fn interpolated(&self, timed: &[Timed], n: usize, p: usize) -> f64 {
        let place = |list: &[usize], value: usize| {
            let after = list.partition_point(|&v| v < value).clamp(1.min(list.len() - 1), list.len() - 1);
            let before = after.saturating_sub(1);
            let log = |v: usize| (v as f64).ln();
            let width = log(list[after]) - log(list[before]);
            let along = if width > 0.0 { (log(value) - log(list[before])) / width } else { 0.0 };
            [(list[before], 1.0 - along), (list[after], along)]
        };
        let seconds = |n: usize, p: usize| {
            timed.iter().find(|cell| (cell.n, cell.p) == (n, p)).map_or(f64::NAN, |cell| cell.seconds)
        };
        let mut log = 0.0;
        for (n, by_n) in place(&self.timed.0, n) {
            for (p, by_p) in place(&self.timed.1, p) {
                log += by_n * by_p * seconds(n, p).ln();
            }
        }
        log.exp()
    }
}

struct Timed {
    n: usize,
    p: usize,
    seconds: f64,
    mse: f64,
    way: String,
}
