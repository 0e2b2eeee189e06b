//! Memory is checked before it is allocated. Under `ulimit -v` every entry point returns an error before it starts; if
//! there is enough, the peak matches the request.
//!
//! Each run is a separate process: this binary again, with [`CASES`] in its environment.

use double_descent::bayes::{GaussianProcess, Model, Posterior};
use double_descent::complexity::{LinearModel, Procedure, Search};
use double_descent::curve::{ArmLabel, Axis};
use double_descent::curve::{Bootstrap, Cell, Curve, Metric, Provenance, ShapeTest};
use double_descent::dataset::{CsvOptions, Dataset, Labelled, StudentTeacher};
use double_descent::diagnosis::diagnose;
use double_descent::ensemble::Ensemble;
use double_descent::factors::Factors;
use double_descent::features::{
    Activation, FeatureMap, FourierSeries, NaturalSpline, NetworkTangent, Polynomial, PolynomialBasis,
    PolynomialKernel, RandomFourier, RandomNetwork, StationaryKernel,
};
use double_descent::filter::{MinNorm, Ridge};
use double_descent::kernel::{ArcCosine, Kernel, KernelRegression, ReluNetwork, WideLayer};
use double_descent::nested::noise::{Root, SecondMoments, feature_terms, sample_terms};
use double_descent::nested::{Columns, Plane, Request, Rows, Test, feature_curve, sample_curve};
use double_descent::risk::Compressed;
use double_descent::rng::stream;
use double_descent::svd::{Backend, DivideAndConquer, Jacobi, Svd};
use double_descent::sweep::{Arm, Grid, Maps, Splits, Sweep};
use double_descent::teacher::Teacher;
use double_descent::{Error, interpolants, memory};
use ndarray::Array2;
use rand::RngExt;
use std::fs;
use std::process::Command;
use std::sync::Arc;

/// Environment variable that tells a child which cases to run.
const CASES: &str = "DOUBLE_DESCENT_MEMORY_CASES";
/// Environment variable with the size of their inputs in bytes.
const BYTES: &str = "DOUBLE_DESCENT_MEMORY_BYTES";

/// Receives the size of the inputs in bytes, and a closure that runs the work once the inputs exist.
type Run<'a> = &'a mut dyn FnMut(&dyn Fn() -> Result<(), Error>);
type Case = (&'static str, fn(usize, Run<'_>));

/// Zeros: inputs that take address space but almost no time to make.
fn zeros(rows: usize, columns: usize) -> Array2<f64> {
    Array2::zeros((rows, columns))
}

/// Pseudo-random numbers from a multiplicative generator.
fn numbers(rows: usize, columns: usize) -> Array2<f64> {
    let mut state = 1_u64;
    Array2::from_shape_simple_fn((rows, columns), || {
        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
        (state >> 33) as f64 / 2_f64.powi(30) - 1.0
    })
}

/// Side of a square matrix of `bytes` bytes.
fn side(bytes: usize) -> usize {
    (bytes / 8).isqrt()
}

fn done<T>(result: Result<T, Error>) -> Result<(), Error> {
    result.map(drop)
}

/// A table of zeros with one target column.
fn dataset(rows: usize, columns: usize) -> Dataset {
    Dataset::new("zeros", zeros(rows, columns), zeros(rows, 1)).unwrap()
}

/// Entry points that need more memory than their inputs: with inputs of a third of the limit, they are refused.
const REFUSED: &[Case] = &[
    ("svd", |bytes, run| {
        let x = zeros(side(bytes), side(bytes));
        run(&|| done(Svd::new(&x)));
    }),
    ("svd of a long matrix", |bytes, run| {
        let x = zeros(4 * side(bytes / 4), side(bytes / 4));
        run(&|| done(Svd::with_backend(&x, &Jacobi)));
    }),
    ("many svds", |bytes, run| {
        let x = zeros(side(bytes / 20), side(bytes / 20));
        run(&|| Svd::many(&[x.view(); 20], &DivideAndConquer).into_iter().try_for_each(done));
    }),
    ("second route", |bytes, run| {
        let x = zeros(side(bytes), side(bytes));
        run(&|| match DivideAndConquer.factorise(x.view(), double_descent::svd::Route::Second) {
            Err(reason) if reason.contains("memory") => {
                Err(Error::Memory { what: "the second route", needed: 0, available: 0 })
            }
            other => other.map(drop).map_err(|reason| Error::Unsupported { reason }),
        });
    }),
    ("compressed", |bytes, run| {
        let (x, y) = (zeros(bytes / 800, 100), zeros(bytes / 800, 1));
        run(&|| done(Compressed::new(&x, &y)));
    }),
    ("population", |bytes, run| {
        let (covariance, beta) = (Array2::eye(side(bytes)), zeros(side(bytes), 1));
        run(&|| done(Compressed::population(&covariance, &beta)));
    }),
    ("coefficients", |bytes, run| {
        let svd = Svd::new(&numbers(1, bytes / 160)).unwrap();
        let y = zeros(1, 100);
        run(&|| done(svd.solve(&y, &MinNorm::default())));
        run(&|| done(interpolants::random(&svd, &y, 1.0, &mut stream(0, 0, 0))));
        let column = Svd::new(&numbers(bytes / 160, 1)).unwrap();
        run(&|| done(column.project_null_space(&zeros(bytes / 8, 1))));
    }),
    ("kernel regression", |bytes, run| {
        let n = side(bytes);
        let (x, y) = (zeros(n, 1), zeros(n, 1));
        run(&|| done(KernelRegression::fit(StationaryKernel::Gaussian { gamma: 1.0 }, &x, &y)));
        run(&|| done(KernelRegression::fit_ridge(ArcCosine::One, &x, &y, 1.0)));
    }),
    ("gram", |bytes, run| {
        let x = zeros(3 * side(bytes), 1);
        run(&|| done(StationaryKernel::Laplacian { gamma: 1.0 }.gram(&x, &x)));
        run(&|| done(ReluNetwork::tangent(2)?.gram(&x, &x)));
        run(&|| done(WideLayer::new(Activation::Erf, 1.0, 1.0)?.gram(&x, &x)));
    }),
    ("rows", |bytes, run| {
        let n = side(bytes);
        let (x, y) = (zeros(n, n), zeros(n, 1));
        run(&|| done(sample_curve(&x, &y, Test::None)));
        run(&|| done(Rows::new(n, 1, Test::None)?.with_ridge(1.0)?.extend(&x, &y)));
        run(&|| done(Rows::new(n, 1, Test::None)?.with_leave_one_out()?.extend(&x, &y)));
        run(&|| done(Rows::new(3, usize::MAX, Test::None)));
    }),
    ("columns", |bytes, run| {
        let n = side(bytes);
        let (x, y) = (zeros(n, n), zeros(n, 1));
        run(&|| done(feature_curve(&x, &y, Test::None)));
        run(&|| done(Columns::new(&y, Test::None)?.with_ridge(1.0)?.extend(&x)));
    }),
    ("plane", |bytes, run| {
        let n = side(bytes);
        let (x, y) = (zeros(n, n), zeros(n, 1));
        let lists: Vec<usize> = (1..=20).map(|i| i * n / 20).collect();
        let (min_norm, ridge) = (MinNorm::default(), Ridge::new(1.0).unwrap());
        let plane = Plane::new(&lists, &lists).unwrap();
        let inputs = zeros(n, 1);
        run(&|| done(plane.fits(&x, &y, &[Request { estimator: &ridge, outputs: 0..1 }])));
        let lists: Vec<usize> = (1..=20).map(|i| i * 4 * n / 20).collect();
        let larger = Plane::new(&[n], &lists).unwrap();
        let map = FourierSeries;
        run(&|| {
            done(larger.fits_of_map(&map, &inputs, &y, &[Request { estimator: &min_norm, outputs: 0..1 }]))
        });
    }),
    ("noise terms", |bytes, run| {
        let n = side(bytes / 2);
        let x = zeros(n, n);
        run(&|| done(sample_terms(&[x.view()], &[&Root::identity()])));
        run(&|| done(feature_terms(&[x.view()], &[&Root::identity()])));
        run(&|| done(SecondMoments::new(3 * n)));
        let x = zeros(side(bytes), side(bytes));
        run(&|| done(Root::from_features(&x)));
    }),
    ("factors and ensembles", |bytes, run| {
        let m = bytes / 8 / 10;
        let x = zeros(m, 10);
        let svd = Svd::new(&Array2::eye(10)).unwrap();
        let teacher = Teacher::known(zeros(10, 1), &Array2::eye(10), &zeros(10, 1)).unwrap();
        run(&|| done(Factors::new(&svd, &MinNorm::default(), &teacher, &x)));
        let one = zeros(bytes / 8 / 9000, 1);
        let members = vec![one.clone(); 8000];
        run(&|| done(Ensemble::new(&members, &one)));
    }),
    ("warm starts", |bytes, run| {
        let n = side(bytes);
        let (x, y) = (zeros(n, n), zeros(n, 1));
        run(&|| done(interpolants::warm_start_curve(&x, &y, &[n], None)));
    }),
    ("complexity", |bytes, run| {
        let n = side(bytes);
        let (x, y) = (zeros(n, 1), zeros(n, 1));
        let model = LinearModel::new(Arc::new(FourierSeries), 2 * n, Arc::new(MinNorm::default()));
        run(&|| done(model.training_error(&x, &y)));
        run(&|| done(Search::new(0.1, usize::MAX, 0).run(&model, &x, &y)));
    }),
    ("bayes", |bytes, run| {
        let (n, model) = (side(bytes), Model::new(1.0, 1.0).unwrap());
        let (x, y) = (zeros(n, 1), zeros(n, 1));
        run(&|| done(GaussianProcess::new(StationaryKernel::Gaussian { gamma: 1.0 }, &x, &y, model)));
        let svd = Svd::new(&numbers(1, bytes / 160)).unwrap();
        run(&|| done(Posterior::new(&svd, &zeros(1, 100), model)));
        let posterior = Posterior::new(&svd, &zeros(1, 1), model).unwrap();
        run(&|| done(posterior.covariance()));
    }),
    ("diagnosis", |bytes, run| {
        let (x, y) = (zeros(side(bytes), side(bytes)), zeros(side(bytes), 1));
        run(&|| done(diagnose(&x, &y)));
    }),
    ("maps", |bytes, run| {
        let n = side(bytes);
        let x = zeros(n, 1);
        let p = 4 * n;
        run(&|| done(FourierSeries.design(&x, p)));
        run(&|| done(Polynomial::new(PolynomialBasis::Legendre).design(&x, p)));
        run(&|| done(RandomNetwork::seeded(Activation::Relu, &[1, p], 0)?.design(&x, p)));
        run(&|| done(RandomNetwork::new(Activation::Relu, &[p, p], &mut stream(0, 0, 0))));
        run(&|| done(NetworkTangent::new(Activation::Relu, p, p, &mut stream(0, 0, 0))));
        run(&|| done(RandomNetwork::seeded(Activation::Relu, &[usize::MAX / 2, 2, 2], 0)));
        run(&|| done(NaturalSpline::at_quantiles(&x, usize::MAX)));
        run(&|| done(PolynomialKernel::new(3000, 2, 1.0)));
        run(&|| done(RandomFourier::gaussian(p, p, 1.0, 0)));
    }),
    ("tables", |bytes, run| {
        let n = side(bytes);
        run(&|| {
            done(
                StudentTeacher { rows: 3 * n, true_features: n, seen_features: n, ..StudentTeacher::new(0) }
                    .generate(),
            )
        });
        run(&|| {
            done(
                StudentTeacher { rows: usize::MAX, true_features: usize::MAX, ..StudentTeacher::new(0) }
                    .generate(),
            )
        });
        let labelled = Labelled::new("zeros", zeros(100_000, 1), vec![0; 100_000], 65_536).unwrap();
        run(&|| done(labelled.one_hot()));
        run(&|| done(labelled.dataset()));
        run(&|| done(dataset(n, n + n / 2).with_intercept()));
        // Many cells in the header or in the first row.
        for start in ["x,y\n", "x,y"] {
            for part in [6, 10] {
                let mut text = vec![b','; bytes / part];
                text[..start.len()].copy_from_slice(start.as_bytes());
                run(&|| done(Dataset::parse_csv("commas", &text, &CsvOptions::default())));
            }
        }
        for part in [5, 8] {
            let path = std::env::temp_dir().join(format!("double-descent-commas-{}.csv", std::process::id()));
            fs::write(&path, vec![b','; bytes / part]).unwrap();
            run(&|| done(Splits::read(&path)));
            run(&|| done(Curve::read_cells(&path, Axis::Samples)));
            fs::remove_file(&path).unwrap();
        }
    }),
    ("sweeps", |bytes, run| {
        let n = side(bytes);
        let mut sweep = Sweep::new(dataset(n, n), [n / 2], 48, 0);
        sweep.threads = Some(1);
        run(&|| done(sweep.run()));
        let mut many = Sweep::new(dataset(10, 2), [5], usize::MAX, 0);
        run(&|| done(many.run()));
        many.splits = Splits::Drawn { repeats: 100_000_000_000, seed: 0 };
        run(&|| done(many.run()));
        run(&|| done(Splits::Drawn { repeats: usize::MAX, seed: 0 }.orders(10, 5)));
        let plane = Sweep {
            samples: vec![n],
            features: (1..=20).map(|i| i * n / 4).collect(),
            threads: Some(1),
            ..Sweep::plane(dataset(n, 1), dataset(n, 1), Maps::same(FourierSeries), 1, 0)
        };
        run(&|| done(plane.surface()));
    }),
    ("counts", |_, run| {
        let grid = Grid { axis: vec![1], repeats: 100_000_000_000, threads: None, batch: 1 };
        run(&|| done(grid.run(&(), |places| vec![Ok(0); places.len()])));
        let grid = Grid { axis: vec![1, 2], repeats: usize::MAX, threads: Some(50_000), batch: usize::MAX };
        run(&|| done(grid.run(&(), |places| vec![Ok(0); places.len()])));
        let arm = ArmLabel::new("one", None);
        let mut curve = Curve::new(Axis::Samples, vec![arm], Provenance::default());
        for repeat in 0..40 {
            let cell = |n| Cell::new(repeat, n, 1, 0).with(Metric::TestMse, 1.0);
            curve.cells.extend([cell(1), cell(2)]);
        }
        let bootstrap = Bootstrap { draws: usize::MAX, seed: 0 };
        run(&|| done(curve.summaries(Metric::TestMse, Some(bootstrap))));
        run(&|| done(curve.shape(0, Metric::TestMse, &ShapeTest { confidence: 0.9, bootstrap })));
    }),
];

/// Entry points that run to the end: their peak matches the memory that they request.
const FITTING: &[Case] = &[
    ("svd", |_, run| {
        let x = numbers(1100, 1000);
        run(&|| done(Svd::new(&x)));
    }),
    ("svd of a long matrix", |_, run| {
        let x = numbers(9000, 400);
        run(&|| done(Svd::new(&x)));
    }),
    ("svd of a wide matrix", |_, run| {
        let x = numbers(300, 9000);
        run(&|| done(Svd::new(&x)));
    }),
    ("compressed", |_, run| {
        let (x, y) = (numbers(50_000, 40), numbers(50_000, 1));
        run(&|| done(Compressed::new(&x, &y)));
    }),
    ("kernel regression", |_, run| {
        let (x, y) = (numbers(900, 3), numbers(900, 1));
        run(&|| done(KernelRegression::fit(StationaryKernel::Laplacian { gamma: 1.0 }, &x, &y)));
    }),
    ("process", |_, run| {
        let (x, y, model) = (numbers(900, 3), numbers(900, 1), Model::new(1.0, 0.1).unwrap());
        run(&|| done(GaussianProcess::new(StationaryKernel::Laplacian { gamma: 1.0 }, &x, &y, model)));
    }),
    ("diagnosis", |_, run| {
        let (x, y) = (numbers(6000, 100), numbers(6000, 2));
        run(&|| done(diagnose(&x, &y)));
    }),
    ("rows", |_, run| {
        let (x, y) = (numbers(900, 600), numbers(900, 1));
        run(&|| done(sample_curve(&x, &y, Test::None)));
    }),
    ("columns", |_, run| {
        let (x, y) = (numbers(600, 900), numbers(600, 1));
        run(&|| done(feature_curve(&x, &y, Test::None)));
    }),
    // So large that the code's own pages, some 4 MB, are a small part.
    ("plane", |_, run| {
        let (x, y) = (numbers(1500, 3000), numbers(1500, 2));
        let lists: Vec<usize> = (1..=10).map(|i| i * 150).collect();
        let plane = Plane::new(&lists, &[150, 750, 1500, 2250, 3000]).unwrap();
        run(&|| done(plane.fits(&x, &y, &[Request { estimator: &MinNorm::default(), outputs: 0..2 }])));
    }),
    // 64 MB of rows, of which 3 MB are in memory at a time.
    ("plane of rows that are drawn", |_, run| {
        let plane =
            Plane::new(&[2000, 4000, 10_000], &[100, 400, 800]).unwrap().with_smallest_singular_value();
        run(&|| {
            let mut rng = stream(0, 0, 0);
            let mut drawn =
                |rows, columns| Array2::from_shape_simple_fn((rows, columns), || rng.random::<f64>());
            let next = |rows| Ok(Some((drawn(rows, 800), drawn(rows, 2))));
            done(plane.fits_of_rows(next, &[Request { estimator: &MinNorm::default(), outputs: 0..2 }]))
        });
    }),
    ("sweep", |_, run| {
        let data = Dataset::new("numbers", numbers(2000, 150), numbers(2000, 1)).unwrap();
        let mut sweep = Sweep::new(data, [300], 48, 0);
        (sweep.threads, sweep.arms) = (Some(1), vec![Arm::unablated()]);
        run(&|| done(sweep.run()));
    }),
    ("sweep of many cells", |_, run| {
        let mut sweep = Sweep::new(Dataset::diabetes(), 1..=30, 400, 0);
        sweep.threads = Some(1);
        run(&|| done(sweep.run()));
    }),
    ("model-wise sweep past the threshold", |_, run| {
        let table = |rows| Dataset::new("numbers", numbers(rows, 12_000), numbers(rows, 1)).unwrap();
        let sweep = Sweep {
            threads: Some(1),
            ..Sweep::over_features(
                (table(300), table(300)),
                Maps::none(),
                250,
                (1..=12_000).step_by(40),
                1,
                0,
            )
        };
        run(&|| done(sweep.run()));
    }),
    ("model-wise sweep up to the threshold", |_, run| {
        let table = |rows| Dataset::new("numbers", numbers(rows, 900), numbers(rows, 1)).unwrap();
        let sweep = Sweep {
            threads: Some(1),
            ..Sweep::over_features((table(3000), table(500)), Maps::none(), 2800, (1..=900).step_by(20), 1, 0)
        };
        run(&|| done(sweep.run()));
    }),
    ("plane sweep", |_, run| {
        let network = RandomNetwork::seeded(Activation::Relu, &[20, 2400], 0).unwrap();
        let table = |rows| Dataset::new("numbers", numbers(rows, 20), numbers(rows, 1)).unwrap();
        let sweep = Sweep {
            samples: vec![400, 800],
            features: (1..=12).map(|i| i * 200).collect(),
            threads: Some(1),
            ..Sweep::plane(table(900), table(500), Maps::same(network), 1, 0)
        };
        run(&|| done(sweep.surface()));
    }),
];

/// Runs the cases named in the environment; does nothing unless this is a child.
#[test]
fn child() {
    let Ok(wanted) = std::env::var(CASES) else { return };
    let bytes: usize = std::env::var(BYTES).unwrap().parse().unwrap();
    if wanted == "refused" {
        for (name, case) in REFUSED {
            let mut place = 0;
            println!("begin {name}");
            case(bytes, &mut |work: &dyn Fn() -> Result<(), Error>| {
                let verdict = match work() {
                    Err(Error::Memory { .. }) => "refused".into(),
                    Err(other) => format!("another error: {other}"),
                    Ok(()) => "done".into(),
                };
                println!("case {name} {place}: {verdict}");
                place += 1;
            });
        }
        println!("end");
        return;
    }
    let (_, case) = FITTING.iter().find(|(name, _)| *name == wanted).unwrap();
    case(bytes, &mut |work: &dyn Fn() -> Result<(), Error>| {
        memory::set_limit(Some(0));
        let Err(Error::Memory { needed, .. }) = work() else { panic!("not refused: too small a case") };
        memory::set_limit(None);
        // Reset the peak, since that of making the inputs would hide the rest.
        std::fs::write("/proc/self/clear_refs", "5").unwrap();
        let before = status("VmRSS:");
        work().unwrap();
        println!("asked {needed} peak {}", status("VmHWM:") - before);
    });
}

/// A number from `/proc/self/status`, in bytes.
fn status(name: &str) -> usize {
    let table = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = table.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    1024 * line.split_whitespace().next().unwrap().parse::<usize>().unwrap()
}

/// Runs a child and returns what it prints; `limit` is in kibibytes of address space.
fn run_child(cases: &str, bytes: usize, limit: Option<usize>) -> (bool, String, String) {
    let limit = limit.map_or("unlimited".into(), |limit| limit.to_string());
    let output = Command::new("sh")
        .args([
            "-c",
            "ulimit -v \"$1\"; exec \"$0\" --exact processes::memory::child --nocapture --test-threads 1",
        ])
        .arg(std::env::current_exe().unwrap())
        .arg(limit)
        .envs([(CASES, cases), (BYTES, &bytes.to_string())])
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.success(), text(&output.stdout), text(&output.stderr))
}

/// With `ulimit -v` of 500 MB, 1 GB and 2 GB, and inputs of a third of that: an error, not an abort.
#[test]
fn what_does_not_fit_is_refused_before_it_begins() {
    for limit in [500_000, 1_000_000, 2_000_000] {
        let (success, printed, errors) = run_child("refused", limit * 1024 / 3, Some(limit));
        let verdicts = printed.lines().filter(|line| line.starts_with("case"));
        let wrong: Vec<&str> = verdicts.filter(|line| !line.ends_with("refused")).collect();
        let last = printed.lines().last().unwrap_or_default();
        assert!(success && printed.contains("end"), "{limit}: after `{last}`: {errors}");
        assert!(wrong.is_empty(), "{limit}: {wrong:#?}");
    }
}

/// The peak of resident memory matches the request to a factor of 1.3 either way: code, stacks and memory kept by the
/// allocator add to it, and workspace that is never touched does not count.
#[test]
fn the_peak_is_what_was_asked_for() {
    for (name, _) in FITTING {
        let (success, printed, errors) = run_child(name, 0, None);
        assert!(success, "{name}: {printed} {errors}");
        let line = printed.lines().find_map(|line| line.split_once("asked ")).unwrap().1;
        let numbers: Vec<f64> = line.split(" peak ").map(|number| number.trim().parse().unwrap()).collect();
        let ratio = numbers[1] / numbers[0];
        println!("{name}: asked for {:.3e}, peak {:.3e}, ratio {ratio:.2}", numbers[0], numbers[1]);
        assert!((1.0 / 1.3..=1.3).contains(&ratio), "{name}: {ratio}");
    }
}
