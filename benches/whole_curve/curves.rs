//! The curves, and this crate's ways of computing them.

use crate::timing::{Time, time};
use double_descent::filter::MinNorm;
use double_descent::nested::{Point, Test, feature_curve, sample_curve};
use double_descent::risk::Compressed;
use double_descent::rng::stream;
use double_descent::svd::Svd;
use ndarray::{Array2, s};
use rand_distr::{Distribution, StandardNormal};

pub const TEST_ROWS: usize = 1000;

/// The size that grows along a curve.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Axis {
    Samples,
    Features,
}

impl Axis {
    pub fn name(self) -> &'static str {
        if self == Self::Samples { "samples" } else { "features" }
    }

    /// Returns the letter of the fixed size.
    pub fn fixed(self) -> &'static str {
        if self == Self::Samples { "p" } else { "n" }
    }

    /// Returns the letter of the growing size.
    pub fn along(self) -> &'static str {
        if self == Self::Samples { "n" } else { "p" }
    }
}

/// A curve's problem: Gaussian features, a linear teacher and noise, with test rows from the same distribution.
pub struct Curve {
    pub axis: Axis,
    /// p of a sample-wise curve, n of a model-wise curve.
    pub fixed: usize,
    /// The largest value of the growing size.
    pub length: usize,
    pub x: Array2<f64>,
    pub y: Array2<f64>,
    pub tx: Array2<f64>,
    pub ty: Array2<f64>,
}

impl Curve {
    pub fn new(axis: Axis, fixed: usize, length: usize) -> Self {
        let (n, p) = if axis == Axis::Samples { (length, fixed) } else { (fixed, length) };
        let mut rng = stream(0, n, p);
        let mut normal = |n, p| Array2::from_shape_simple_fn((n, p), || StandardNormal.sample(&mut rng));
        let teacher = normal(p, 1) / (p as f64).sqrt();
        let (x, tx) = (normal(n, p), normal(TEST_ROWS, p));
        let y = x.dot(&teacher) + normal(n, 1) * 0.5;
        let ty = tx.dot(&teacher) + normal(TEST_ROWS, 1) * 0.5;
        Self { axis, fixed, length, x, y, tx, ty }
    }

    /// Returns the sizes at which the per-point methods are timed.
    pub fn places(&self) -> Vec<usize> {
        let f = self.fixed;
        vec![f / 10, f / 4, f / 2, 3 * f / 4, f, 3 * f / 2, 2 * f, 3 * f, self.length]
    }

    /// Computes and times every point, including the compression of the test rows.
    pub fn whole(&self) -> (Vec<Point>, Time) {
        time(|| self.all(&Compressed::new(&self.tx, &self.ty).expect("a test table")))
    }

    /// Times every point up to the threshold, including the compression of the test rows.
    pub fn half(&self) -> Time {
        let (x, y) = match self.axis {
            Axis::Samples => (self.x.slice(s![..self.fixed, ..]), self.y.slice(s![..self.fixed, ..])),
            Axis::Features => (self.x.slice(s![.., ..self.fixed]), self.y.view()),
        };
        let half = || {
            let test = Compressed::new(&self.tx, &self.ty).expect("a test table");
            match self.axis {
                Axis::Samples => sample_curve(&x, &y, Test::Rows(&test)),
                Axis::Features => feature_curve(&x, &y, Test::Rows(&test)),
            }
        };
        time(|| half().expect("half a curve")).1
    }

    /// Computes and times the compression of the test rows alone.
    pub fn compression(&self) -> (Compressed, Time) {
        time(|| Compressed::new(&self.tx, &self.ty).expect("a test table"))
    }

    /// Returns the seconds for every point, given compressed test rows.
    pub fn without_compression(&self) -> f64 {
        let test = self.compression().0;
        time(|| self.all(&test)).1.median
    }

    fn all(&self, test: &Compressed) -> Vec<Point> {
        let curve = match self.axis {
            Axis::Samples => sample_curve(&self.x, &self.y, Test::Rows(test)),
            Axis::Features => feature_curve(&self.x, &self.y, Test::Rows(test)),
        };
        curve.expect("a curve")
    }

    /// Times one thin SVD of all of `x`.
    pub fn one_svd(&self) -> Time {
        time(|| Svd::new(&self.x).expect("an SVD")).1
    }

    /// Returns `(size, seconds)` at each of `places`, for a separate SVD fit and its test error, which is checked
    /// against the curve's.
    pub fn svd_of_points(&self, places: &[usize], points: &[Point]) -> Vec<(usize, f64)> {
        let one = |at: usize| {
            let (x, y, tx) = self.point(at);
            let (mse, time) = time(|| {
                let beta = Svd::new(&x).and_then(|svd| svd.solve(&y, &MinNorm::default())).expect("a fit");
                (tx.dot(&beta) - &self.ty).mapv(|e| e * e).mean().expect("test rows")
            });
            check(&points[at - 1], mse);
            (at, time.median)
        };
        places.iter().map(|&at| one(at)).collect()
    }

    /// Returns features, targets and test features of the point of size `at`.
    fn point(&self, at: usize) -> (Array2<f64>, Array2<f64>, Array2<f64>) {
        match self.axis {
            Axis::Samples => (
                self.x.slice(s![..at, ..]).to_owned(),
                self.y.slice(s![..at, ..]).to_owned(),
                self.tx.clone(),
            ),
            Axis::Features => (
                self.x.slice(s![.., ..at]).to_owned(),
                self.y.clone(),
                self.tx.slice(s![.., ..at]).to_owned(),
            ),
        }
    }
}

/// Checks that both sides did the same work: κ of Gaussian features stays below 1e6 here.
pub fn check(point: &Point, mse: f64) {
    let found = point.test_mse.expect("test rows");
    assert!((found / mse - 1.0).abs() < 1e-8, "{point:?}: the other side has a test error of {mse:e}");
}
