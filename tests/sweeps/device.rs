//! Backends with a device that computes cosine features. Here the device is the CPU and counts how often it is called.

use double_descent::curve::{Axis, Curve, Metric};
use double_descent::dataset::Dataset;
use double_descent::features::{Cosines, FeatureMap, PairOrder, RandomFourier};
use double_descent::filter::{MinNorm, SpectralFilter, Spectrum};
use double_descent::nested::Engine;
use double_descent::rng::stream;
use double_descent::svd::{
    Backend, CosineDevice, CosineFit, CosineFits, CosineTables, DivideAndConquer, RawSvd, Route, Svd,
};
use double_descent::sweep::{Arm, Intercept, Maps, Parameter, Sweep};
use double_descent::{Ablation, Error};
use ndarray::{Array2, ArrayRef2, ArrayView2, s};
use rand::RngExt;
use rand_distr::StandardNormal;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The CPU in the role of a device.
#[derive(Debug, Default)]
struct Host {
    /// Number of times that tables were sent.
    asked: AtomicUsize,
    /// A feature count at which factorisation fails, and one at which it panics.
    fails_at: Option<usize>,
    panics_at: Option<usize>,
    /// What is wrong with its results.
    wrong: Option<Wrong>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Wrong {
    /// The last singular value becomes this.
    LastValue(f64),
    /// Test errors become this.
    TestError(f64),
    /// One output too many.
    MoreOutputs,
    NoOutputs,
}

impl Backend for Host {
    fn name(&self) -> &'static str {
        "host"
    }

    fn factorise(&self, x: ArrayView2<'_, f64>, route: Route) -> Result<RawSvd, String> {
        DivideAndConquer.factorise(x, route)
    }

    fn triangle(&self, x: ArrayView2<'_, f64>) -> Result<Array2<f64>, String> {
        DivideAndConquer.triangle(x)
    }

    fn cosines(&self) -> Option<&dyn CosineDevice> {
        Some(self)
    }
}

struct Fits<'a> {
    host: &'a Host,
    train: Array2<f64>,
    test: Array2<f64>,
    y: Array2<f64>,
    y_test: Array2<f64>,
    svd: Option<Svd>,
}

impl CosineDevice for Host {
    fn begin<'a>(&'a self, tables: &CosineTables<'_>) -> Result<Box<dyn CosineFits + 'a>, Error> {
        tables.check()?;
        self.asked.fetch_add(1, Ordering::Relaxed);
        let map = RandomFourier::from_weights(&tables.frequencies, tables.phases)?;
        let map = map.with_amplitude(tables.amplitude)?;
        let design = |inputs: &ArrayRef2<f64>| map.design(inputs, tables.phases.len());
        let (y, y_test) = (tables.y.to_owned(), tables.y_test.to_owned());
        let (train, test) = (design(&tables.x)?, design(&tables.x_test)?);
        Ok(Box::new(Fits { host: self, train, test, y, y_test, svd: None }))
    }
}

impl CosineFits for Fits<'_> {
    fn factorise(&mut self, p: usize) -> Result<Vec<f64>, Error> {
        assert!(self.host.panics_at != Some(p), "a bug at {p}");
        if self.host.fails_at == Some(p) {
            return Err(Error::Backend { name: "host", reason: "told to fail".into() });
        }
        if p > self.train.ncols() {
            return Err(Error::Shape { what: "features", expected: self.train.ncols(), found: p });
        }
        let svd = self.svd.insert(Svd::new(&self.train.slice(s![.., ..p]))?);
        let mut values = svd.spectrum().singular_values().to_vec();
        if let (Some(Wrong::LastValue(wrong)), Some(last)) = (self.host.wrong, values.last_mut()) {
            *last = wrong;
        }
        Ok(values)
    }

    fn measure(&self, gains: &[Vec<f64>]) -> Result<Vec<CosineFit>, Error> {
        let svd = self.svd.as_ref().unwrap();
        let p = svd.shape().1;
        let mean = |z: &Array2<f64>, beta: &Array2<f64>, y: &Array2<f64>| {
            let left = z.slice(s![.., ..p]).dot(beta) - y;
            left.columns().into_iter().map(|e| e.dot(&e) / y.nrows() as f64).collect()
        };
        let fit = |gains: &Vec<f64>| {
            let gains = Array2::from_shape_fn((gains.len(), 1), |(mode, _)| gains[mode]);
            let beta = svd.vt().t().dot(&(svd.u().t().dot(&self.y) * gains));
            CosineFit {
                norms: beta.columns().into_iter().map(|b| b.dot(&b).sqrt()).collect(),
                train_mse: mean(&self.train, &beta, &self.y),
                test_mse: mean(&self.test, &beta, &self.y_test),
            }
        };
        let mut fits: Vec<CosineFit> = gains.iter().map(fit).collect();
        for fit in &mut fits {
            match self.host.wrong {
                Some(Wrong::TestError(wrong)) => fit.test_mse.fill(wrong),
                Some(Wrong::MoreOutputs) => fit.test_mse.push(0.0),
                Some(Wrong::NoOutputs) => fit.train_mse.clear(),
                Some(Wrong::LastValue(_)) | None => {}
            }
        }
        Ok(fits)
    }
}

/// Random Fourier features that the CPU refuses to compute.
#[derive(Debug)]
struct Elsewhere(RandomFourier);

impl FeatureMap for Elsewhere {
    fn input_dimension(&self) -> usize {
        self.0.input_dimension()
    }

    fn design(&self, _: &ArrayRef2<f64>, _: usize) -> Result<Array2<f64>, Error> {
        Err(Error::Unsupported { reason: "made on the device only".into() })
    }

    fn cosines(&self) -> Option<Cosines<'_>> {
        self.0.cosines()
    }
}

fn fourier(repeat: usize) -> Result<RandomFourier, Error> {
    RandomFourier::gaussian(3, 40, 0.4, repeat as u64)?.with_amplitude(0.7)
}

fn table(place: usize, rows: usize) -> Dataset {
    let mut rng = stream(8, place, 0);
    let x = Array2::from_shape_simple_fn((rows, 3), || rng.sample::<f64, _>(StandardNormal));
    let y = Array2::from_shape_fn((rows, 2), |(i, k)| (x[[i, 0]] + k as f64).sin() + 0.3 * x[[i, 1]]);
    Dataset::new("device", x, y).unwrap()
}

const METRICS: [Metric; 5] = [
    Metric::TrainMse,
    Metric::TestMse,
    Metric::CoefficientNorm,
    Metric::DistanceFromStart,
    Metric::SmallestSingularValue,
];

/// A plane of random Fourier features with two arms.
fn plane(host: &Arc<Host>) -> Sweep {
    Sweep {
        samples: vec![8, 20],
        features: vec![5, 30, 12],
        arms: vec![Arm::min_norm(), Arm::ridge(0.1).unwrap()],
        metrics: METRICS.to_vec(),
        backend: host.clone(),
        ..Sweep::plane(table(1, 30), table(2, 25), Maps::drawn(fourier), 3, 4)
    }
}

fn on_cpu(sweep: &Sweep) -> Curve {
    Sweep { backend: Arc::new(DivideAndConquer), engine: Some(Engine::Svd), ..sweep.clone() }.run().unwrap()
}

/// Compares cells with an error bound. Coefficients and predictions of two backward stable fits differ by a few `κ ε`,
/// relative to their size. Errors are squared differences from targets of order 1, so `100 κ ε (1 + value)` is well
/// above both. `κ` is below 1e6 in these cells.
fn assert_same(sweep: &Sweep, found: &Curve, expected: &Curve) {
    assert_eq!(found.cells.len(), expected.cells.len());
    let train = sweep.source.train().unwrap();
    let orders = sweep.splits.orders(train.len(), 20).unwrap();
    for (found, expected) in found.cells.iter().zip(&expected.cells) {
        let place =
            |cell: &double_descent::curve::Cell| (cell.repeat, cell.n, cell.p, cell.arm, cell.value());
        assert_eq!((place(found), found.rank), (place(expected), expected.rank));
        let rows = train.features().select(ndarray::Axis(0), &orders[found.repeat][..found.n]);
        let svd = Svd::new(&fourier(found.repeat).unwrap().design(&rows, found.p).unwrap()).unwrap();
        let kappa = svd.singular_values()[0] / svd.smallest_nonzero().unwrap();
        assert!(kappa < 1e6, "{kappa:e}");
        for metric in &sweep.metrics {
            let (a, b) = (found.metric(*metric).unwrap(), expected.metric(*metric).unwrap());
            let bound = 100.0 * kappa * f64::EPSILON * (1.0 + b);
            assert!((a - b).abs() <= bound, "{metric:?}: {a} {b}, κ = {kappa:e}");
        }
    }
}

#[test]
fn cells_are_those_of_the_cpu() {
    let host = Arc::new(Host::default());
    let sweep = plane(&host);
    let found = sweep.run().unwrap();
    assert_eq!((found.cells.len(), found.provenance.engine), (3 * 2 * 3 * 2, Engine::Svd));
    assert_eq!(host.asked.load(Ordering::Relaxed), 3 * 2); // once for each repeat and number of samples
    assert_same(&sweep, &found, &on_cpu(&sweep));
    // The result is the same on any number of threads.
    for threads in [1, 3] {
        assert_eq!(Sweep { threads: Some(threads), ..sweep.clone() }.run().unwrap().cells, found.cells);
    }
    // All values of an estimator's parameter share one factorisation.
    let penalties = Sweep {
        samples: vec![20],
        features: vec![12],
        parameter: Some(Parameter::penalty([0.01, 0.1, 3.0])),
        arms: vec![Arm::min_norm()],
        ..sweep.clone()
    };
    let before = host.asked.load(Ordering::Relaxed);
    let found = penalties.run().unwrap();
    assert_eq!(
        (found.axis, found.cells.len(), host.asked.load(Ordering::Relaxed) - before),
        (Axis::Penalty, 9, 3)
    );
    assert_same(&penalties, &found, &on_cpu(&penalties));
}

/// Only the device computes features.
#[test]
fn features_never_leave_the_device() {
    let host = Arc::new(Host::default());
    let elsewhere = Sweep { maps: Maps::drawn(|repeat| fourier(repeat).map(Elsewhere)), ..plane(&host) };
    assert_eq!(elsewhere.run().unwrap().cells, plane(&host).run().unwrap().cells);
    assert!(Sweep { backend: Arc::new(DivideAndConquer), ..elsewhere }.run().is_err());
}

/// What a device cannot do runs as if there were none, with identical bits.
#[test]
fn what_it_cannot_do_is_done_without_it() {
    let host = Arc::new(Host::default());
    let base = plane(&host);
    let pairs = |repeat| Ok(fourier(repeat)?.into_pairs(PairOrder::Interleaved));
    let ablated = Arm { ablation: Ablation::none().test_features_on(2), ..Arm::min_norm() };
    let mut rates = METRICS.to_vec();
    rates.push(Metric::TestErrorRate);
    let table_of_its_own = Sweep { maps: Maps::drawn(fourier), ..Sweep::new(table(1, 60), [20], 3, 4) };
    let noise = Some(Parameter::label_noise([0.0, 1.0], 1));
    for (what, sweep) in [
        ("pairs", Sweep { maps: Maps::drawn(pairs), ..base.clone() }),
        ("inputs", Sweep { maps: Maps::none(), features: vec![2, 3], ..base.clone() }),
        ("ablation", Sweep { arms: vec![ablated], ..base.clone() }),
        ("error rates", Sweep { metrics: rates, ..base.clone() }),
        ("an intercept", Sweep { intercept: Intercept::Free, ..base.clone() }),
        ("other rows", Sweep { features: vec![5], backend: host.clone(), ..table_of_its_own }),
        ("label noise", Sweep { samples: vec![20], parameter: noise, ..base.clone() }),
        ("the nested engine", Sweep { engine: Some(Engine::Nested), ..base }),
    ] {
        let found = sweep.run().unwrap();
        let without = Sweep { backend: Arc::new(DivideAndConquer), ..sweep }.run().unwrap();
        assert_eq!((found.cells, found.provenance), (without.cells, without.provenance), "{what}");
    }
    assert_eq!(host.asked.load(Ordering::Relaxed), 0);
}

/// Panics on every spectrum of twelve values.
#[derive(Debug)]
struct Moody;

impl SpectralFilter for Moody {
    fn write_gains(&self, spectrum: Spectrum<'_>, gains: &mut [f64]) {
        assert!(gains.len() != 12, "not today");
        MinNorm::default().write_gains(spectrum, gains);
    }
}

#[test]
fn what_a_device_returns_is_checked() {
    let wrong = [
        Wrong::LastValue(f64::NAN),
        Wrong::LastValue(-1.0),
        Wrong::LastValue(f64::INFINITY),
        Wrong::TestError(-3.0),
        Wrong::MoreOutputs,
        Wrong::NoOutputs,
    ];
    for wrong in wrong {
        let host = Arc::new(Host { wrong: Some(wrong), ..Host::default() });
        let error = plane(&host).run().unwrap_err();
        let is_length = matches!(wrong, Wrong::MoreOutputs | Wrong::NoOutputs);
        assert!(
            if is_length {
                matches!(error, Error::Shape { what: "outputs of a fit on the device", expected: 2, .. })
            } else {
                matches!(error, Error::Backend { name: "host", .. })
            },
            "{wrong:?}: {error}"
        );
    }
}

#[test]
fn a_failure_costs_the_cells_that_it_is_of() {
    // An error or a panic at one feature count, then a panic in one arm. More features than the map has are refused
    // before the sweep runs.
    let error = Host { fails_at: Some(12), ..Host::default() };
    let panic = Host { panics_at: Some(12), ..Host::default() };
    for (host, words) in [(error, "told to fail"), (panic, "a bug at 12")] {
        let host = Arc::new(host);
        let curve = plane(&host).run().unwrap();
        assert_eq!((curve.cells.len(), curve.failures.len()), (3 * 2 * 2 * 2, 3 * 2));
        for failure in &curve.failures {
            assert!(failure.p == 12 && failure.arm.is_none(), "{failure:?}");
            assert!(failure.error.to_string().contains(words), "{failure:?}");
        }
        assert!(curve.cells.iter().all(|cell| cell.p != 12));
    }
    let host = Arc::new(Host::default());
    let beyond = Sweep { features: vec![5, 41], ..plane(&host) }.run();
    assert!(matches!(beyond, Err(Error::TooLarge { most: 40, found: 41, .. })), "{beyond:?}");
    let arms = vec![Arm::min_norm(), Arm::new("moody", None, Arc::new(Moody))];
    let moody = Sweep { arms, ..plane(&host) }.run().unwrap();
    // Only cells with n = 20 and p = 12 have 12 singular values.
    assert_eq!((moody.cells.len(), moody.failures.len()), (36 - 3, 3));
    let is_of_arm = |f: &double_descent::curve::Failure| (f.n, f.p, f.arm) == (20, 12, Some(1));
    assert!(moody.failures.iter().all(is_of_arm), "{:?}", moody.failures);
}
