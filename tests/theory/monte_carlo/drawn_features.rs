//! Random features on given rows: fits to Gaussian features with the kernel's covariance, redrawn many times for the
//! same rows.

use super::{Exact, Limits, mean, normal, three};
use double_descent::Error;
use double_descent::features::StationaryKernel;
use double_descent::filter::{MinNorm, Ridge, SpectralFilter};
use double_descent::kernel::Kernel;
use double_descent::rng::stream;
use double_descent::svd::Svd;
use double_descent::theory::drawn_features::DrawnFeatures;
use ndarray::{Array2, ArrayRef2, Axis, concatenate, s};
use rand::rngs::ChaCha8Rng;

/// The kernel `x·x'/d`.
#[derive(Debug)]
struct Linear;

impl Kernel for Linear {
    fn gram(&self, a: &ArrayRef2<f64>, b: &ArrayRef2<f64>) -> Result<Array2<f64>, Error> {
        Ok(a.dot(&b.t()) / a.ncols() as f64)
    }
}

/// Training and test rows.
struct Rows {
    kernel: Box<dyn Kernel>,
    x: Array2<f64>,
    y: Array2<f64>,
    test: Array2<f64>,
    truth: Array2<f64>,
    /// A root of the kernel matrix of all rows.
    root: Array2<f64>,
}

impl Rows {
    fn new(
        kernel: Box<dyn Kernel>,
        (x, y): (Array2<f64>, Array2<f64>),
        (test, truth): (Array2<f64>, Array2<f64>),
    ) -> Self {
        let all = concatenate![Axis(0), x, test];
        let svd = Svd::new(&kernel.gram(&all, &all).unwrap()).unwrap();
        let root = svd.u() * &svd.singular_values().mapv(f64::sqrt);
        Self { kernel, x, y, test, truth, root }
    }

    fn theory(&self) -> DrawnFeatures {
        DrawnFeatures::new(&*self.kernel, (&self.x, &self.y), (&self.test, &self.truth)).unwrap()
    }

    /// Predictions at the test rows, and the training error, for one draw of `p` features.
    fn fit(&self, p: usize, ridge: f64, rng: &mut ChaCha8Rng) -> (Array2<f64>, f64) {
        let features = self.root.dot(&normal(rng, self.root.ncols(), p)) / (p as f64).sqrt();
        let n = self.x.nrows();
        let (z, tests) = (features.slice(s![..n, ..]), features.slice(s![n.., ..]));
        let filter: Box<dyn SpectralFilter> =
            if ridge > 0.0 { Box::new(Ridge::new(ridge).unwrap()) } else { Box::new(MinNorm::default()) };
        let beta = Svd::new(&z).unwrap().solve(&self.y, &*filter).unwrap();
        let off = z.dot(&beta) - &self.y;
        (tests.dot(&beta), off.mapv(|v| v * v).mean().unwrap())
    }

    fn error(&self, predictions: &Array2<f64>) -> f64 {
        (predictions - &self.truth).mapv(|v| v * v).mean().unwrap()
    }
}

/// More features than rows, without ridge: exact at every size, for one fit and for the mean of three.
#[test]
fn more_gaussian_features_than_rows() {
    let mut rng = stream(61, 0, 0);
    let inputs = |rng: &mut ChaCha8Rng, count| normal(rng, count, 3);
    let wave =
        |x: &Array2<f64>| Array2::from_shape_fn((x.nrows(), 2), |(i, j)| (x[[i, j]] + 0.5 * x[[i, 2]]).sin());
    let (x, test) = (inputs(&mut rng, 12), inputs(&mut rng, 7));
    let y = wave(&x) + normal(&mut rng, 12, 2) * 0.3;
    let truth = wave(&test);
    let kernel = StationaryKernel::Laplacian { gamma: 0.4 };
    let rows = Rows::new(Box::new(kernel), (x, y), (test, truth));
    let theory = rows.theory();
    assert_eq!(theory.threshold(), 12);
    let mut table = Exact::default();
    for p in [18, 24, 60] {
        let (mut one, mut three) = (Vec::new(), Vec::new());
        for repeat in 0..3000 {
            let mut rng = stream(62, p, repeat);
            let fits = [0, 1, 2].map(|_| rows.fit(p, 0.0, &mut rng));
            one.push(rows.error(&fits[0].0));
            assert!(fits[0].1 < 1e-20, "interpolates");
            let sum = fits.iter().fold(Array2::zeros(rows.truth.dim()), |sum, fit| sum + &fit.0);
            three.push(rows.error(&(sum / 3.0)));
        }
        let risk = theory.at(p as f64, 0.0).unwrap();
        table.add(format!("one fit, p = {p}"), mean(one), risk.total());
        table.add(format!("three fits, p = {p}"), mean(three), risk.of_members(Some(3)).unwrap());
        assert_eq!((risk.ridge, risk.train), (0.0, 0.0));
    }
    for p in [12.0, 13.0] {
        assert_eq!(theory.at(p, 0.0).unwrap().spread, f64::INFINITY);
    }
    table.finish();
}

/// Fewer features than rows, and ridge: limits of many features.
#[test]
fn fewer_gaussian_features_and_ridge() {
    let sizes = [20usize, 40, 80];
    let mut limits = Limits::default();
    for (share, ridge) in [(0.5, 0.0), (0.6, 0.05), (1.5, 0.05)] {
        let found = three(|i| {
            let n = sizes[i];
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            let p = (share * n as f64) as usize;
            let (d, tests) = (2 * n, 2 * n);
            // For each of 30 data sets, the mean over draws relative to the theory.
            let ratios = (0..30).map(|data| {
                let mut rng = stream(63, n, data);
                let beta = normal(&mut rng, d, 1) / (d as f64).sqrt();
                let (x, test) = (normal(&mut rng, n, d), normal(&mut rng, tests, d));
                let y = x.dot(&beta) + normal(&mut rng, n, 1) * 0.5;
                let truth = test.dot(&beta);
                let rows = Rows::new(Box::new(Linear), (x, y), (test, truth));
                let risk = rows.theory().at(p as f64, ridge).unwrap();
                let draws = [200, 60, 16][i];
                let (mut error, mut train) = (0.0, 0.0);
                for _ in 0..draws {
                    let (predictions, of_train) = rows.fit(p, ridge, &mut rng);
                    error += rows.error(&predictions) / f64::from(draws);
                    train += of_train / f64::from(draws);
                }
                [error / risk.total(), train / risk.train]
            });
            ratios.collect::<Vec<_>>()
        });
        for (part, name) in ["test", "train"].into_iter().enumerate() {
            let means = three(|i| mean(found[i].iter().map(|ratios| ratios[part])));
            limits.add(format!("{name} error, {share} n features, δ = {ridge}"), means, [1.0; 3]);
        }
    }
    limits.finish();
}
