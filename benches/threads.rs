//! Two threads against one: wall-clock seconds, and identical bytes.
//!
//! - One large problem: SVDs of 2000 × 2000 and 1000 × 1000; a whole curve over n and one over p (the other fixed at
//!   1000, up to 4000); an n × p plane of 20 × 20 cells up to 2000; 5000 Fourier features of 1000 inputs with 784
//!   numbers each.
//! - Many small ones: the ablation study on every available data set, 50 repeats, tables written.
//!
//! Prints `THREADS <name> <seconds on one thread over seconds on two>`. Both results are compared to the last bit.
//!
//! Run: `DOUBLE_DESCENT_DATA=<folder> cargo bench --bench threads`; add `-- --quick` for small sizes, `-- plane` for
//! one of the problems.

use double_descent::curve::{Bootstrap, Metric, Surface};
use double_descent::dataset::{Dataset, StudentTeacher};
use double_descent::features::{FeatureMap, RandomFourier};
use double_descent::nested::{Point, Test, feature_curve, sample_curve};
use double_descent::risk::Compressed;
use double_descent::rng::stream;
use double_descent::svd::Svd;
use double_descent::sweep::{Arm, Maps, Measurements, Splits, Sweep};
use ndarray::{Array2, s};
use rand_distr::{Distribution, StandardNormal};
use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Instant;

const ROUNDS: usize = 5;

fn main() {
    let quick = std::env::args().any(|argument| argument == "--quick");
    let part = if quick { 10 } else { 1 };
    svd("svd", 2000 / part);
    svd("svd_1000", 1000 / part);
    curves(1000 / part);
    plane(20, 100 / part);
    features((1000 / part, 784, 5000 / part));
    ablations();
}

/// Times `work` on one thread and on two, in turn, and compares the `bytes` of both results. Conversion to bytes does
/// not count.
fn compare<T>(name: &str, work: impl Fn(usize) -> T, bytes: impl Fn(T) -> Vec<u8>) {
    let asked: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    if !asked.is_empty() && !asked.iter().any(|asked| asked == name) {
        return;
    }
    let expected = bytes(work(1));
    assert!(expected == bytes(work(2)), "{name}: other bits on two threads");
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..ROUNDS {
        for (times, threads) in times.iter_mut().zip([1, 2]) {
            let start = Instant::now();
            let found = work(threads);
            times.push(start.elapsed().as_secs_f64());
            assert!(bytes(found) == expected, "{name}: other bits in another run");
        }
    }
    let [one, two] = times.map(|mut times| {
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    });
    println!("THREADS {name} {:.2} (one {one:.4} s, two {two:.4} s, median of {ROUNDS})", one / two);
}

/// Runs `work` in a thread pool of the given size.
fn pooled<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> T {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
    pool.install(work)
}

fn bytes<'a>(numbers: impl IntoIterator<Item = &'a f64>) -> Vec<u8> {
    numbers.into_iter().flat_map(|number| number.to_ne_bytes()).collect()
}

fn normal(rows: usize, columns: usize, seed: u64) -> Array2<f64> {
    let mut rng = stream(seed, rows, columns);
    Array2::from_shape_simple_fn((rows, columns), || StandardNormal.sample(&mut rng))
}

fn svd(name: &str, n: usize) {
    let x = normal(n, n, 0);
    let found = |svd: Svd| bytes(svd.u().iter().chain(svd.singular_values()).chain(svd.vt()));
    compare(name, |threads| pooled(threads, || Svd::new(&x)).expect("an SVD"), found);
}

fn curves(size: usize) {
    let (x, y) = (normal(4 * size, size, 1), normal(4 * size, 1, 2));
    let (tx, ty) = (normal(size, size, 3), normal(size, 1, 4));
    let test = Compressed::new(&tx, &ty).expect("a test table");
    let errors = |points: Vec<Point>| {
        let errors = points.iter().map(|point| point.test_mse.expect("a test error"));
        bytes(&errors.collect::<Vec<f64>>())
    };
    let work = |threads| pooled(threads, || sample_curve(&x, &y, Test::Rows(&test))).expect("a curve");
    compare("samples_curve", work, errors);
    let (wide, first) = (x.t().as_standard_layout().into_owned(), y.slice(s![..size, ..]));
    let tx = normal(size, 4 * size, 3);
    let test = Compressed::new(&tx, &ty).expect("a test table");
    let work =
        |threads| pooled(threads, || feature_curve(&wide, &first, Test::Rows(&test))).expect("a curve");
    compare("features_curve", work, errors);
}

fn plane(count: usize, step: usize) {
    let most = count * step;
    let data = |rows, seed| {
        let (x, y) = (normal(rows, 100, seed), normal(rows, 10, seed + 1));
        Dataset::new("drawn", x, y).expect("a data set")
    };
    let (train, test) = (data(most, 5), data(2 * most, 7));
    let map = RandomFourier::gaussian(100, most, 0.005, 1).expect("features");
    let all: Vec<usize> = (1..=count).map(|i| i * step).collect();
    let sweep = Sweep {
        samples: all.clone(),
        features: all,
        splits: Splits::Recorded(vec![(0..most).collect()]),
        metrics: vec![Metric::TestMse],
        ..Sweep::plane(train, test, Maps::same(map), 1, 0)
    };
    let errors = |surface: Surface| {
        let errors = surface.cells().cells.iter().map(|cell| cell.test_mse.expect("a test error"));
        bytes(&errors.collect::<Vec<f64>>())
    };
    compare("plane", |threads| pooled(threads, || sweep.surface()).expect("a surface"), errors);
}

fn features((n, d, p): (usize, usize, usize)) {
    let map = RandomFourier::gaussian(d, p, 0.5 / d as f64, 1).expect("features");
    for (name, inputs) in
        [("features_dense", normal(n, d, 9)), ("features_sparse", normal(n, d, 9).mapv(|v| v.max(0.0)))]
    {
        let table = RefCell::new(Array2::zeros((n, p)));
        let work = |threads| {
            let table: &mut Array2<f64> = &mut table.borrow_mut();
            pooled(threads, || map.write_columns(&inputs, 0..p, table)).expect("features");
        };
        compare(name, work, |()| bytes(table.borrow().iter()));
    }
}

/// The ablation study of every data set: fits, tables, summaries. Reading does not count. On two threads, the tables of
/// one data set are written while the next is measured, as in the example program.
fn ablations() {
    let mut sets = vec![Dataset::diabetes(), StudentTeacher::new(0).generate().expect("a table")];
    match std::env::var_os("DOUBLE_DESCENT_DATA").map(PathBuf::from) {
        Some(folder) => {
            sets.push(Dataset::california_housing(&folder).expect("California housing"));
            sets.push(Dataset::who_life_expectancy(&folder).expect("WHO life expectancy"));
        }
        None => {
            println!("SKIPPED California housing and WHO life expectancy: DOUBLE_DESCENT_DATA is not set");
        }
    }
    let folder = std::env::temp_dir().join(format!("double-descent-threads-{}", std::process::id()));
    let names: Vec<String> = (0..sets.len()).map(|set| set.to_string()).collect();
    let work = |threads| {
        let sweeps: Vec<Sweep> = sets.iter().map(|data| study(data, threads)).collect();
        thread::scope(|scope| {
            for (sweep, name) in sweeps.iter().zip(&names) {
                let measured = sweep.measure(&()).expect("the study runs");
                let folder = folder.join(name);
                let save = move || save(measured, &folder);
                if threads == 1 {
                    save();
                } else {
                    scope.spawn(save);
                }
            }
        });
    };
    let read = |()| {
        let files = names
            .iter()
            .flat_map(|name| ["cells.csv", "summary.csv"].map(|file| folder.join(name).join(file)));
        files.flat_map(|file| std::fs::read(file).expect("a table")).collect()
    };
    compare("ablations", work, read);
    // A folder left behind among the system's temporary files does not fail the bench.
    let _ = std::fs::remove_dir_all(&folder);
}

fn study(data: &Dataset, threads: usize) -> Sweep {
    Sweep {
        arms: Arm::ablation_study(data.features().ncols()),
        splits: Splits::Drawn { repeats: 50, seed: 0 },
        threads: Some(threads),
        ..Sweep::new(data.clone(), 1..=39, 1, 0)
    }
}

fn save(measured: Measurements<'_>, folder: &Path) {
    let metrics = [Metric::TestMse, Metric::TrainMse, Metric::BiasSquared, Metric::SmallestSingularValue];
    std::fs::create_dir_all(folder).expect("a temporary folder");
    let (cells, summary) = (folder.join("cells.csv"), folder.join("summary.csv"));
    let bootstrap = Bootstrap { draws: 200, seed: 0 };
    measured.save_tables(&cells, &summary, &metrics, Some(bootstrap)).expect("tables");
}
