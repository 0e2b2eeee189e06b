//! The matrices that are factorised.

use crate::python::Folder;
use crate::timing::time;
use double_descent::rng::stream;
use double_descent::svd::{Backend, DivideAndConquer, Jacobi, Svd};
use ndarray::{Array2, ArrayView2};
use rand_distr::{Distribution, StandardNormal};

const SINGLE: [(usize, usize); 9] = [
    (20, 10),
    (39, 8),
    (30, 20),
    (100, 100),
    (300, 300),
    (1000, 1000),
    (1000, 200),
    (200, 1000),
    (5000, 500),
];
/// Shapes typical of the cells of sweeps.
const BATCHED: [(usize, usize); 3] = [(20, 10), (39, 8), (30, 20)];
const BATCH: usize = 1000;

/// Matrices of one shape with normal entries: a single one, or many at once.
pub struct Case {
    shape: (usize, usize),
    matrices: Vec<Array2<f64>>,
    sum: f64,
}

pub fn all(quick: bool) -> Vec<Case> {
    let small = |shape: &(usize, usize)| !quick || shape.0 <= 100;
    let singles = SINGLE.into_iter().filter(small).map(|shape| Case::new(shape, 1));
    singles.chain(BATCHED.into_iter().map(|shape| Case::new(shape, BATCH))).collect()
}

impl Case {
    fn new(shape: (usize, usize), count: usize) -> Self {
        let mut rng = stream(0, shape.0, shape.1);
        let mut matrix = || Array2::from_shape_simple_fn(shape, || StandardNormal.sample(&mut rng));
        let matrices: Vec<_> = (0..count).map(|_| matrix()).collect();
        let mut case = Self { shape, matrices, sum: 0.0 };
        case.sum = case.factorise(case.backend());
        case
    }

    pub fn name(&self) -> String {
        let kind = if self.matrices.len() > 1 { "svd_batch" } else { "svd" };
        format!("{kind}_{}x{}", self.shape.0, self.shape.1)
    }

    /// Returns the name of its file for the peers.
    pub fn file(&self) -> String {
        format!("{}x{}x{}", self.shape.0, self.shape.1, self.matrices.len())
    }

    /// Writes the matrices one after another.
    pub fn write(&self, folder: &Folder) {
        folder.write(&self.file(), self.matrices.iter().flatten());
    }

    /// Returns the sum of all singular values.
    pub fn sum(&self) -> f64 {
        self.sum
    }

    /// Returns the CPU seconds that all its matrices take.
    pub fn time(&self) -> f64 {
        time(|| self.factorise(self.backend())).1.median
    }

    /// Returns the backend for a single matrix, or for many.
    fn backend(&self) -> &'static dyn Backend {
        if self.matrices.len() == 1 { &DivideAndConquer } else { &Jacobi }
    }

    /// Factorises every matrix and returns the sum of all singular values.
    pub fn factorise(&self, backend: &dyn Backend) -> f64 {
        if let [one] = &self.matrices[..] {
            return Svd::with_backend(one, backend).expect("an SVD").singular_values().sum();
        }
        let views: Vec<ArrayView2<'_, f64>> = self.matrices.iter().map(|x| x.view()).collect();
        let all = Svd::many(&views, backend);
        all.into_iter().map(|svd| svd.expect("an SVD").singular_values().sum()).sum()
    }
}
