//! Runs batches on an open device: pack, upload, factorise, download.

use super::blas::Blas;
use super::device::{Buffer, Device};
use super::kernels::Kernels;
use super::plan::{self, Tall, Way};
use super::solver::{Factors, Solver};
use crate::Error;
use crate::svd::completion::complete;
use crate::svd::verify::tolerance;
use crate::svd::{RawSvd, Route};
use ndarray::{Array1, Array2, ArrayView2, ShapeBuilder};

/// A device with its kernels and library handles. Fields are dropped in this order: the device last.
#[derive(Debug)]
pub(super) struct Session {
    pub kernels: Kernels,
    pub solver: Solver,
    pub blas: Blas,
    pub device: Device,
}

impl Session {
    pub fn open(device: usize) -> Result<Self, Error> {
        let device = Device::open(device)?;
        let kernels = Kernels::load(&device)?;
        let solver = Solver::new(&device)?;
        let blas = Blas::new(&device)?;
        Ok(Self { kernels, solver, blas, device })
    }

    /// Returns one result per matrix, in order; matrices of one shape go together, as many at once as fit into free
    /// memory.
    pub fn many(&self, xs: &[ArrayView2<'_, f64>], route: Route) -> Vec<Result<RawSvd, Error>> {
        let mut results: Vec<Option<Result<RawSvd, Error>>> = xs.iter().map(|_| None).collect();
        for (shape, places) in plan::groups(xs.iter().map(ArrayView2::dim)) {
            let mut rest = &places[..];
            let mut most = places.len();
            while !rest.is_empty() {
                let of = |place: &usize| xs[*place].view();
                let done = self.how_many(shape, rest.len().min(most), route).and_then(|count| {
                    let batch: Vec<_> = rest[..count].iter().map(of).collect();
                    most = count;
                    self.batch(shape, &batch, route)
                });
                match done {
                    Ok(done) => {
                        let (these, others) = rest.split_at(done.len().min(rest.len()));
                        these.iter().zip(done).for_each(|(&place, one)| results[place] = Some(one));
                        rest = others;
                    }
                    // The routines' own workspace did not fit: take fewer at once.
                    Err(Error::DeviceMemory { .. }) if most > 1 => most /= 2,
                    Err(error) => {
                        let count = most.clamp(1, rest.len());
                        rest[..count].iter().for_each(|&place| results[place] = Some(Err(error.clone())));
                        rest = &rest[count..];
                    }
                }
            }
        }
        let lost = || Err(self.device.error("a matrix of the batch was lost".into()));
        results.into_iter().map(|one| one.unwrap_or_else(lost)).collect()
    }

    /// Computes the upper trapezoid `R` of `X = Q R`.
    pub fn triangle(&self, x: ArrayView2<'_, f64>) -> Result<Array2<f64>, Error> {
        let (n, p) = x.dim();
        let r = n.min(p);
        // The matrix, the trapezoid and τ.
        let numbers = n.saturating_mul(p).saturating_add(r.saturating_mul(p)).saturating_add(r);
        self.device.reserve(numbers.saturating_mul(plan::F64))?;
        let columns: Vec<f64> = x.t().iter().copied().collect();
        let mut a = self.device.upload(&columns)?;
        let mut tau = self.device.zeros(r)?;
        self.solver.householder(&self.device, (n, p), &mut a, &mut tau)?;
        let mut upper = self.device.zeros(r * p)?;
        self.kernels.upper_triangle(&self.device, (&a, n), &mut upper, (r, p), 0)?;
        let shape = |e: ndarray::ShapeError| self.device.error(e.to_string());
        Array2::from_shape_vec((r, p).f(), self.device.download(&upper)?).map_err(shape)
    }

    fn how_many(&self, shape: (usize, usize), count: usize, route: Route) -> Result<usize, Error> {
        let (tall, _) = Tall::new(shape);
        let most = if route == Route::First { tall.most() } else { 1 };
        let bytes = if route == Route::First { tall.bytes() } else { tall.bytes_of_whole() };
        plan::batch(count, most, bytes, self.device.free()?)
    }

    fn batch(
        &self,
        shape: (usize, usize),
        xs: &[ArrayView2<'_, f64>],
        route: Route,
    ) -> Result<Vec<Result<RawSvd, Error>>, Error> {
        let (tall, transposed) = Tall::new(shape);
        let mut packed = Vec::with_capacity(xs.len() * tall.len());
        for x in xs {
            // Column-major, the transpose is row-major.
            if transposed { packed.extend(x.iter()) } else { packed.extend(x.t().iter()) }
        }
        let matrices = self.device.upload(&packed)?;
        let factors = match route {
            Route::First => self.factorise(tall, xs.len(), matrices)?,
            Route::Second => self.solver.qr_iteration(&self.device, tall, matrices)?,
        };
        let left = self.device.download(&factors.left)?;
        let sigma = self.device.download(&factors.sigma)?;
        let right = self.device.download(&factors.right)?;
        let Tall { rows, columns } = tall;
        let one = |place: usize, failed: &Option<String>| {
            if let Some(reason) = failed {
                return Err(self.device.error(reason.clone()));
            }
            let square = &right[place * columns * columns..][..columns * columns];
            let v = if factors.right_is_transposed { transpose(square, columns) } else { square.to_vec() };
            let u = &left[place * factors.stride..][..rows * columns];
            let sorted = Sorted::new(u, &sigma[place * columns..][..columns], &v);
            sorted.into_svd(shape, transposed).map_err(|reason| self.device.error(reason))
        };
        Ok(factors.failed.iter().enumerate().map(|(place, failed)| one(place, failed)).collect())
    }

    /// Factorises by the first route.
    pub fn factorise(&self, shape: Tall, count: usize, matrices: Buffer<f64>) -> Result<Factors, Error> {
        match shape.way() {
            Way::Batched => self.solver.jacobi(&self.device, shape, matrices),
            Way::Kernel => self.jacobi(shape, count, matrices),
            Way::Whole => self.whole(shape, matrices),
            Way::Triangle => self.triangle_first(shape, count, matrices),
        }
    }

    fn jacobi(&self, shape: Tall, count: usize, mut matrices: Buffer<f64>) -> Result<Factors, Error> {
        let columns = shape.columns;
        let (mut right, mut sigma) =
            (self.device.zeros(count * columns * columns)?, self.device.zeros(count * columns)?);
        let mut sweeps = self.device.zeros::<i32>(count)?;
        let written = (&mut right, &mut sigma, &mut sweeps);
        self.kernels.jacobi(&self.device, shape, &mut matrices, written)?;
        let stuck = |sweeps: i32| (sweeps <= 0).then(|| "one-sided Jacobi did not converge".to_owned());
        let failed = self.device.download(&sweeps)?.into_iter().map(stuck).collect();
        let stride = shape.len();
        Ok(Factors { left: matrices, stride, sigma, right, right_is_transposed: false, failed })
    }

    /// `Xgesvdp`, unless its own estimate says that it is inaccurate.
    fn whole(&self, shape: Tall, matrix: Buffer<f64>) -> Result<Factors, Error> {
        let (mut factors, estimate) = self.solver.polar(&self.device, shape, matrix)?;
        let largest = self.device.download(&factors.sigma)?.first().copied().unwrap_or(0.0);
        let allowed = tolerance(shape.rows, shape.columns) * largest;
        if factors.failed == [None] && (estimate > allowed || estimate.is_nan()) {
            let reason = format!("cusolverDnXgesvdp is off by {estimate:.1e}, by its own estimate");
            factors.failed = vec![Some(reason)];
        }
        Ok(factors)
    }

    /// `X = Q R`, `R = U Σ Vᵀ`, `X = (Q U) Σ Vᵀ`.
    fn triangle_first(&self, shape: Tall, count: usize, mut a: Buffer<f64>) -> Result<Factors, Error> {
        let Tall { rows, columns } = shape;
        let (device, square) = (&self.device, columns * columns);
        let mut tau = device.zeros(count * columns)?;
        let mut upper = device.zeros(count * square)?;
        self.solver.householder(device, (rows, columns), &mut a, &mut tau)?;
        for place in 0..count {
            self.kernels.upper_triangle(device, (&a, rows), &mut upper, (columns, columns), place)?;
        }
        let inner = self.factorise(shape.triangle(), count, upper)?;
        if inner.stride != square {
            return Err(device.error("singular vectors of a triangle that are not square".into()));
        }
        let mut left = device.zeros(count * shape.len())?;
        for place in 0..count {
            self.kernels.over_zeros(device, (&inner.left, columns), &mut left, (rows, columns), place)?;
        }
        self.solver.multiply_q(device, shape, (&mut a, &mut tau), &mut left)?;
        Ok(Factors { left, stride: shape.len(), ..inner })
    }
}

/// A factorisation of a tall matrix in host memory, singular values descending, with `U` and `V` column-major.
struct Sorted {
    left: Vec<f64>,
    sigma: Vec<f64>,
    right: Vec<f64>,
}

impl Sorted {
    fn new(left: &[f64], sigma: &[f64], right: &[f64]) -> Self {
        let columns = sigma.len();
        let rows = left.len() / columns.max(1);
        let mut by_size: Vec<usize> = (0..columns).collect();
        by_size.sort_by(|&i, &j| sigma[j].total_cmp(&sigma[i]));
        let gather = |from: &[f64], height: usize| {
            let column = |&j: &usize| from[j * height..(j + 1) * height].iter().copied();
            by_size.iter().flat_map(column).collect::<Vec<f64>>()
        };
        let (mut left, right) = (gather(left, rows), gather(right, columns));
        // Our own kernel leaves columns of U zero where σ = 0.
        let is_zero = |column: &[f64]| column.iter().all(|&v| v == 0.0);
        let found = columns - left.rchunks_exact(rows.max(1)).take_while(|column| is_zero(column)).count();
        complete(&mut left, rows, found);
        Self { left, sigma: by_size.iter().map(|&j| sigma[j]).collect(), right }
    }

    fn into_svd(self, (n, p): (usize, usize), transposed: bool) -> Result<RawSvd, String> {
        let (u, v) = if transposed { (self.right, self.left) } else { (self.left, self.right) };
        let r = n.min(p);
        let shape = |e: ndarray::ShapeError| e.to_string();
        Ok(RawSvd {
            u: Array2::from_shape_vec((n, r).f(), u).map_err(shape)?,
            sigma: Array1::from(self.sigma),
            // Column-major V is row-major Vᵀ.
            vt: Array2::from_shape_vec((r, p), v).map_err(shape)?,
        })
    }
}

fn transpose(square: &[f64], side: usize) -> Vec<f64> {
    (0..side * side).map(|k| square[k % side * side + k / side]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `U`, `Σ`, `V` of diag(3, 5, 0) above a row of zeros, in the kernel's order.
    fn diagonal() -> (Vec<f64>, Vec<f64>, Vec<f64>) {
        let left = vec![1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
        let right = vec![1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0];
        (left, vec![3.0, 5.0, 0.0], right)
    }

    #[test]
    fn modes_are_sorted_and_completed() {
        let (left, sigma, right) = diagonal();
        for transposed in [false, true] {
            let shape = if transposed { (3, 4) } else { (4, 3) };
            let svd = Sorted::new(&left, &sigma, &right).into_svd(shape, transposed).unwrap();
            assert_eq!(svd.sigma.to_vec(), [5.0, 3.0, 0.0]);
            let eye = Array2::<f64>::eye(3);
            assert_eq!(svd.u.t().dot(&svd.u), eye);
            assert_eq!(svd.vt.dot(&svd.vt.t()), eye);
            let x = (&svd.u * &svd.sigma).dot(&svd.vt);
            assert_eq!(x.dim(), shape);
            assert_eq!((x[[0, 0]], x[[1, 1]], x.sum()), (3.0, 5.0, 8.0));
        }
    }

    #[test]
    fn a_square_is_transposed() {
        assert_eq!(transpose(&[1.0, 2.0, 3.0, 4.0], 2), [1.0, 3.0, 2.0, 4.0]);
    }
}
