//! Tests that `fourier` runs on the stand-ins, each in its own process.

use crate::common::matrices::normal;
use approx::assert_relative_eq;
use double_descent::Error;
use double_descent::curve::{Cell, Metric};
use double_descent::dataset::Dataset;
use double_descent::features::{FeatureMap, RandomFourier, StationaryKernel};
use double_descent::filter::LeadingModes;
use double_descent::nested::Engine;
use double_descent::svd::{Backend, CosineTables, Cuda, DivideAndConquer, Svd};
use double_descent::sweep::{Arm, Maps, Sweep};
use ndarray::{Array2, s};
use std::sync::Arc;

fn setting(name: &str) -> String {
    std::env::var(name).unwrap_or_default()
}

fn open() -> Cuda {
    Cuda::new(0).expect("the stand-in")
}

const GAUSSIAN: StationaryKernel = StationaryKernel::Gaussian { gamma: 3.0 };

#[test]
#[ignore = "in a process of its own, on stand-ins"]
fn frequencies() {
    let cuda = open();
    // 240,000 numbers in all: about sixty from the tail, and thousands beyond the edge of their layer.
    for (inputs, features, seed) in [(1, 1, 0), (1, 3000, 1), (7, 500, u64::MAX), (784, 300, 2)] {
        let (w, b) = cuda.gaussian_frequencies(inputs, features, 0.3, seed).unwrap();
        let cpu = RandomFourier::gaussian(inputs, features, 0.3, seed).unwrap();
        assert_eq!(w, cpu.frequencies());
        assert_eq!(b, cpu.phases());
    }
    for gamma in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(matches!(cuda.gaussian_frequencies(3, 3, gamma, 0), Err(Error::Domain { .. })));
    }
    assert!(matches!(cuda.gaussian_frequencies(0, 3, 1.0, 0), Err(Error::Empty { .. })));
    assert!(matches!(cuda.gaussian_frequencies(3, 0, 1.0, 0), Err(Error::Empty { .. })));
    let huge = cuda.gaussian_frequencies(1 << 40, 1 << 40, 1.0, 0);
    assert!(matches!(huge, Err(Error::DeviceMemory { needed: usize::MAX, .. })), "{huge:?}");
}

#[test]
#[ignore = "in a process of its own, on stand-ins"]
fn lying_frequencies() {
    let error = open().gaussian_frequencies(3, 5, 0.3, 1).unwrap_err();
    assert!(error.to_string().contains("random frequencies that are not finite"), "{error}");
}

/// Makes 60 training rows with 3 inputs and 2 outputs, and 25 test rows.
fn tables() -> (Dataset, Dataset) {
    let (x, x_test) = (normal(60, 3, 1), normal(25, 3, 2));
    let target = |x: &Array2<f64>| {
        let mut y = Array2::zeros((x.nrows(), 2));
        for (mut y, x) in y.rows_mut().into_iter().zip(x.rows()) {
            y[0] = (x[0] + 2.0 * x[1]).sin();
            y[1] = x[2] * x[2] - x[0];
        }
        y
    };
    let (y, y_test) = (target(&x) + &(normal(60, 2, 3) * 0.1), target(&x_test));
    (Dataset::new("device", x, y).unwrap(), Dataset::new("device", x_test, y_test).unwrap())
}

/// Minimum-norm, ridge and truncated fits on these numbers of 600 features, with every metric that a device measures.
fn sweep(
    cuda: Cuda,
    (train, test): (Dataset, Dataset),
    map: RandomFourier,
    samples: &[usize],
    sizes: &[usize],
) -> Sweep {
    let modes = Arm::new("modes", None, Arc::new(LeadingModes(7)));
    Sweep {
        samples: samples.to_vec(),
        arms: vec![Arm::min_norm(), Arm::ridge(0.01).unwrap(), modes],
        metrics: vec![
            Metric::TrainMse,
            Metric::TestMse,
            Metric::CoefficientNorm,
            Metric::DistanceFromStart,
            Metric::SmallestSingularValue,
        ],
        backend: Arc::new(cuda),
        ..Sweep::over_features((train, test), Maps::same(map), 60, sizes.iter().copied(), 1, 3)
    }
}

fn gaussian() -> RandomFourier {
    RandomFourier::new(3, 600, GAUSSIAN, 5).unwrap()
}

/// Bounds the differences. A backward stable factorisation gives `β̂` a relative error of order `κ ε`, with `κ` over
/// the modes that count, and so its predictions. A training error is the square of the residual `y − Z β̂`, each entry
/// of which has an error of `ε ‖Z‖ ‖β̂‖ ≤ ε κ ‖y‖`.
fn assert_same(sweep: &Sweep, found: &[Cell], expected: &[Cell]) {
    assert_eq!(found.len(), expected.len());
    let map = sweep.maps.of(0).unwrap().unwrap();
    let train = sweep.source.train().unwrap();
    let order = &sweep.splits.orders(60, 60).unwrap()[0];
    for (found, expected) in found.iter().zip(expected) {
        let (n, p) = (found.n, found.p);
        assert_eq!((n, p, found.arm, found.rank), (expected.n, expected.p, expected.arm, expected.rank));
        let inputs = train.features().select(ndarray::Axis(0), &order[..n]);
        let svd = Svd::new(&map.design(&inputs, p).unwrap()).unwrap();
        let kappa = svd.singular_values()[0] / svd.smallest_nonzero().unwrap();
        let bound = 1e-12 * kappa;
        let value = |cell: &Cell, metric| cell.metric(metric).unwrap();
        for metric in [Metric::TestMse, Metric::CoefficientNorm, Metric::SmallestSingularValue] {
            assert_relative_eq!(value(found, metric), value(expected, metric), max_relative = bound);
        }
        let root = |cell: &Cell| cell.train_mse.unwrap().sqrt();
        assert_relative_eq!(root(found), root(expected), max_relative = 1e-12, epsilon = 1e-14 * kappa);
    }
}

#[test]
#[ignore = "in a process of its own, on stand-ins"]
fn cells() {
    let sizes = [1, 2, 20, 33, 50, 60, 75, 110, 600];
    let matern = StationaryKernel::Matern { nu: 1.5, length_scale: 0.5 };
    let laplacian = StationaryKernel::Laplacian { gamma: 2.0 };
    let (train, test) = tables();
    for (kernel, twice) in [(GAUSSIAN, false), (laplacian, false), (matern, false), (GAUSSIAN, true)] {
        let mut x = train.features().clone();
        if twice {
            // Duplicate ten rows: rank-deficient for p > 50.
            for row in 0..10 {
                let (first, mut second) = x.multi_slice_mut((s![row, ..], s![row + 50, ..]));
                second.assign(&first);
            }
        }
        let train = Dataset::new("device", x, train.targets().clone()).unwrap();
        let map = RandomFourier::new(3, 600, kernel, 5).unwrap();
        let sweep = sweep(open(), (train, test.clone()), map, &[60], &sizes);
        let curve = sweep.run().unwrap();
        assert!(curve.failures.is_empty() && curve.provenance.engine == Engine::Svd, "{:?}", curve.failures);
        let cpu = Sweep { engine: Some(Engine::Svd), backend: Arc::new(DivideAndConquer), ..sweep.clone() };
        assert_same(&sweep, &curve.cells, &cpu.run().unwrap().cells);
    }
    // A plane over n and p. Afterwards all device memory is free again.
    let cuda = Arc::new(open());
    let free = cuda.free_memory().unwrap();
    let plane =
        Sweep { backend: cuda.clone(), ..sweep(open(), tables(), gaussian(), &[12, 60, 30], &[5, 90, 30]) };
    let found = plane.run().unwrap();
    assert_eq!((cuda.free_memory().unwrap(), found.cells.len()), (free, 27));
    let cpu = Sweep { engine: Some(Engine::Svd), backend: Arc::new(DivideAndConquer), ..plane.clone() };
    assert_same(&plane, &found.cells, &cpu.run().unwrap().cells);
    // An amplitude scaled by a power of two changes only exponents; the ridge fits have a penalty, so they differ.
    for exponent in [-600, 500] {
        let amplitude = std::f64::consts::SQRT_2 * 2f64.powi(exponent);
        let maps = Maps::same(gaussian().with_amplitude(amplitude).unwrap());
        let scaled = Sweep { maps, ..plane.clone() }.run().unwrap();
        for (a, b) in found.cells.iter().zip(&scaled.cells).filter(|(a, _)| a.arm != 1) {
            assert_eq!((a.train_mse, a.test_mse, a.rank), (b.train_mse, b.test_mse, b.rank));
            let norms = [a, b].map(|cell| cell.coefficient_norm.unwrap());
            assert_eq!(norms[0], norms[1] * 2f64.powi(exponent));
        }
    }
}

#[test]
#[ignore = "in a process of its own, on stand-ins"]
fn bad_tables() {
    let cuda = open();
    let (train, test) = tables();
    let map = gaussian();
    let good = CosineTables {
        frequencies: map.frequencies(),
        phases: map.phases(),
        amplitude: map.amplitude(),
        x: train.features().view(),
        y: train.targets().view(),
        x_test: test.features().view(),
        y_test: test.targets().view(),
        fits: 2,
    };
    let error = |tables: CosineTables<'_>| cuda.cosines().unwrap().begin(&tables).err().unwrap();
    let none = Array2::zeros((0, 3));
    assert!(matches!(
        error(CosineTables { x: none.view(), ..good }),
        Error::Empty { what: "the training inputs" }
    ));
    assert!(matches!(
        error(CosineTables { x_test: none.view(), ..good }),
        Error::Empty { what: "the test inputs" }
    ));
    let fewer = train.targets().slice(s![..59, ..]);
    assert!(matches!(error(CosineTables { y: fewer, ..good }), Error::Shape { expected: 60, found: 59, .. }));
    let narrow = test.features().slice(s![.., ..2]);
    assert!(matches!(
        error(CosineTables { x_test: narrow, ..good }),
        Error::Shape { expected: 3, found: 2, .. }
    ));
    let one = test.targets().slice(s![.., ..1]);
    assert!(matches!(
        error(CosineTables { y_test: one, ..good }),
        Error::Shape { expected: 2, found: 1, .. }
    ));
    assert!(matches!(
        error(CosineTables { phases: &map.phases()[1..], ..good }),
        Error::Shape { expected: 600, found: 599, .. }
    ));
    let mut spoiled = train.features().clone();
    spoiled[[3, 1]] = f64::NAN;
    let spoiled = error(CosineTables { x: spoiled.view(), ..good });
    assert!(matches!(spoiled, Error::NonFinite { what: "the training inputs", row: 3, column: 1, .. }));
    for amplitude in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(matches!(error(CosineTables { amplitude, ..good }), Error::Domain { .. }));
    }
    let far = train.features() * 3e307;
    let far = error(CosineTables { x: far.view(), ..good });
    assert!(matches!(far, Error::Overflow { what: "the phase of a Fourier feature" }), "{far}");
    let huge = error(CosineTables { fits: usize::MAX, ..good });
    assert!(matches!(huge, Error::DeviceMemory { needed: usize::MAX, .. }), "{huge}");

    let mut fits = cuda.cosines().unwrap().begin(&good).unwrap();
    assert!(matches!(fits.measure(&[]), Err(Error::Empty { .. })));
    assert!(matches!(fits.factorise(0), Err(Error::Empty { .. })));
    assert!(matches!(fits.factorise(601), Err(Error::Shape { expected: 600, found: 601, .. })));
    assert_eq!(fits.factorise(7).unwrap().len(), 7);
    assert!(fits.measure(&[]).unwrap().is_empty());
    let short = fits.measure(&[vec![1.0; 7], vec![1.0; 6]]);
    assert!(matches!(short, Err(Error::Shape { what: "gains", expected: 7, found: 6 })));
    assert_eq!(fits.measure(&[vec![1.0; 7]]).unwrap()[0].norms.len(), 2);
}

#[test]
#[ignore = "in a process of its own, on stand-ins"]
fn refused() {
    let error = sweep(open(), tables(), gaussian(), &[60], &[40]).run().unwrap_err();
    println!("{error}");
    assert!(error.to_string().contains(&setting("EXPECTED")), "{error}");
}

/// If device memory is too small, only the cells that are too large fail.
#[test]
#[ignore = "in a process of its own, on stand-ins"]
fn too_little_memory() {
    let curve = sweep(open(), tables(), gaussian(), &[60], &[30, 500]).run().unwrap();
    assert_eq!((curve.cells.len(), curve.failures.len()), (3, 1));
    assert!(curve.cells.iter().all(|cell| cell.p == 30));
    match &curve.failures[0].error {
        // The 85 × 500 features alone take 340,000 bytes.
        Error::DeviceMemory { needed, free: 100_000 } => assert!((340_000..2_000_000).contains(needed)),
        other => panic!("{other:?}"),
    }
}
