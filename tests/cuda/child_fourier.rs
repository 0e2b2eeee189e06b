//! What `fourier` runs with the stand-ins, each test in a process of its own.

use crate::common::matrices::normal;
use approx::assert_relative_eq;
use double_descent::Error;
use double_descent::features::{FeatureMap, RandomFourier, StationaryKernel};
use double_descent::filter::{LeadingModes, MinNorm, Ridge, SpectralFilter};
use double_descent::svd::{Cuda, FourierCurve, Svd};
use ndarray::{Array2, ArrayView2, Axis, s};

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
    // 240,000 numbers: some sixty from the tail, thousands over the edge of their layer.
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

struct Tables {
    x: Array2<f64>,
    y: Array2<f64>,
    x_test: Array2<f64>,
    y_test: Array2<f64>,
}

/// 60 training rows of 3 inputs and 2 outputs, 25 test rows.
fn tables() -> Tables {
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
    Tables { x, y, x_test, y_test }
}

fn with<'a>(
    tables: &'a Tables,
    kernel: StationaryKernel,
    sizes: &'a [usize],
    filters: &'a [&'a dyn SpectralFilter],
) -> FourierCurve<'a> {
    let Tables { x, y, x_test, y_test } = tables;
    let (x, y, x_test, y_test) = (x.view(), y.view(), x_test.view(), y_test.view());
    FourierCurve { kernel, seed: 5, x, y, x_test, y_test, sizes, filters }
}

fn mse(design: ArrayView2<'_, f64>, beta: &Array2<f64>, y: &Array2<f64>) -> Vec<f64> {
    let off = design.dot(beta) - y;
    (off.mapv(|v| v * v).sum_axis(Axis(0)) / y.nrows() as f64).to_vec()
}

#[test]
#[ignore = "in a process of its own, on stand-ins"]
fn curve() {
    let cuda = open();
    let mut tables = tables();
    let sizes = [1, 2, 20, 33, 50, 60, 75, 110, 600];
    let (ridge, modes) = (Ridge::new(0.01).unwrap(), LeadingModes(7));
    let minimum = MinNorm::default();
    let filters: [&dyn SpectralFilter; 3] = [&minimum, &ridge, &modes];
    let matern = StationaryKernel::Matern { nu: 1.5, length_scale: 0.5 };
    let laplacian = StationaryKernel::Laplacian { gamma: 2.0 };
    for (kernel, twice) in [(GAUSSIAN, false), (laplacian, false), (matern, false), (GAUSSIAN, true)] {
        if twice {
            // Rows that occur twice: of deficient rank where p > 50.
            for row in 0..10 {
                let (first, mut second) = tables.x.multi_slice_mut((s![row, ..], s![row + 50, ..]));
                second.assign(&first);
            }
        }
        let curve = with(&tables, kernel, &sizes, &filters);
        let free = cuda.free_memory().unwrap();
        let points = cuda.fourier_curve(&curve).unwrap();
        assert_eq!(cuda.free_memory().unwrap(), free);
        assert_eq!(points.len(), sizes.len() * filters.len());
        let map = RandomFourier::new(3, 600, kernel, 5).unwrap();
        let (train, test) = (map.design(&tables.x, 600).unwrap(), map.design(&tables.x_test, 600).unwrap());
        for (k, point) in points.iter().enumerate() {
            let (p, filter) = (sizes[k / filters.len()], k % filters.len());
            assert_eq!((point.features, point.filter), (p, filter));
            let (train, test) = (train.slice(s![.., ..p]), test.slice(s![.., ..p]));
            let svd = Svd::new(&train).unwrap();
            assert_eq!(point.rank, svd.rank(), "{kernel:?}, {p}");
            let beta = svd.solve(&tables.y, filters[filter]).unwrap();
            // κ of the modes that count.
            let kept = svd.smallest_nonzero().unwrap();
            let kappa = svd.singular_values()[0] / kept;
            let bound = 1e-12 * kappa;
            assert_relative_eq!(point.smallest_nonzero.unwrap(), kept, max_relative = bound);
            let norms = (&beta * &beta).sum_axis(Axis(0)).to_vec();
            let (train, test) = (mse(train, &beta, &tables.y), mse(test, &beta, &tables.y_test));
            for output in 0..2 {
                assert_relative_eq!(point.squared_norms[output], norms[output], max_relative = bound);
                assert_relative_eq!(point.test_mse[output], test[output], max_relative = bound);
                // What is left of y after Z β, of which each entry is good to ε ‖Z‖ ‖β‖ ≤ ε κ ‖y‖.
                let (found, expected) = (point.train_mse[output].sqrt(), train[output].sqrt());
                assert_relative_eq!(found, expected, max_relative = 1e-12, epsilon = 1e-14 * kappa);
            }
        }
    }
}

#[test]
#[ignore = "in a process of its own, on stand-ins"]
fn bad_input() {
    let cuda = open();
    let tables = tables();
    let none = Array2::zeros((0, 3));
    let fewer = tables.y.slice(s![..59, ..]);
    let narrow = tables.x_test.slice(s![.., ..2]);
    let mut spoiled = tables.x.clone();
    spoiled[[3, 1]] = f64::NAN;
    let minimum = MinNorm::default();
    let filters: [&dyn SpectralFilter; 1] = [&minimum];
    let good = with(&tables, GAUSSIAN, &[5, 9], &filters);
    assert_eq!(cuda.fourier_curve(&good).unwrap().len(), 2);
    let error = |curve: FourierCurve<'_>| cuda.fourier_curve(&curve).unwrap_err();
    assert!(matches!(
        error(FourierCurve { x: none.view(), ..good }),
        Error::Empty { what: "the training table" }
    ));
    assert!(matches!(
        error(FourierCurve { x_test: none.view(), ..good }),
        Error::Empty { what: "the test table" }
    ));
    assert!(matches!(
        error(FourierCurve { sizes: &[], ..good }),
        Error::Empty { what: "the list of features" }
    ));
    assert!(matches!(error(FourierCurve { sizes: &[3, 0], ..good }), Error::Empty { .. }));
    assert!(matches!(
        error(FourierCurve { filters: &[], ..good }),
        Error::Empty { what: "the list of filters" }
    ));
    assert!(matches!(error(FourierCurve { y: fewer, ..good }), Error::Shape { expected: 60, found: 59, .. }));
    assert!(matches!(
        error(FourierCurve { x_test: narrow, ..good }),
        Error::Shape { expected: 3, found: 2, .. }
    ));
    let one = tables.y_test.slice(s![.., ..1]);
    assert!(matches!(
        error(FourierCurve { y_test: one, ..good }),
        Error::Shape { expected: 2, found: 1, .. }
    ));
    let spoiled = error(FourierCurve { x: spoiled.view(), ..good });
    assert!(matches!(spoiled, Error::NonFinite { what: "x", row: 3, column: 1, .. }));
    let kernel = StationaryKernel::Gaussian { gamma: -1.0 };
    assert!(matches!(error(FourierCurve { kernel, ..good }), Error::Domain { .. }));
    let huge = error(FourierCurve { sizes: &[usize::MAX], ..good });
    assert!(matches!(huge, Error::DeviceMemory { needed: usize::MAX, .. }), "{huge}");
}

#[test]
#[ignore = "in a process of its own, on stand-ins"]
fn refused() {
    let tables = tables();
    let minimum = MinNorm::default();
    let filters: [&dyn SpectralFilter; 1] = [&minimum];
    let curve = with(&tables, GAUSSIAN, &[40], &filters);
    let error = open().fourier_curve(&curve).unwrap_err();
    println!("{error}");
    assert!(error.to_string().contains(&setting("EXPECTED")), "{error}");
}

#[test]
#[ignore = "in a process of its own, on stand-ins"]
fn too_little_memory() {
    let (cuda, tables) = (open(), tables());
    let minimum = MinNorm::default();
    let filters: [&dyn SpectralFilter; 1] = [&minimum];
    let small = with(&tables, GAUSSIAN, &[30], &filters);
    assert!(cuda.fourier_curve(&small).is_ok());
    match cuda.fourier_curve(&FourierCurve { sizes: &[30, 500], ..small }) {
        // 85 × 500 features alone are 340,000 bytes.
        Err(Error::DeviceMemory { needed, free: 100_000 }) => assert!((340_000..2_000_000).contains(&needed)),
        other => panic!("{other:?}"),
    }
}
