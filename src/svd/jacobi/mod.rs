//! One-sided Jacobi for many small matrices at once, one matrix per SIMD lane.

mod lanes;
mod reflection;
mod result;
mod rotation;

use super::{Backend, DivideAndConquer, RawProjection, RawSvd, Route, projected};
use crate::machine::lane::{Line, Register};
use crate::machine::memory::table;
use lanes::{one_sided, projections};
use ndarray::{Array2, ArrayView2};

/// Matrices per pass: eight lanes are one 512-bit or two 256-bit registers.
const LANES: usize = 8;

/// Returns how many of `count` matrices use all lanes. The rest, if no more than half the lanes, use half of them.
fn in_all_lanes(count: usize) -> usize {
    let rest = count % LANES;
    if 2 * rest > LANES { count } else { count - rest }
}

/// If the smaller side is longer than this, [`DivideAndConquer`] is faster.
const LARGEST: usize = 32;

/// One-sided Jacobi rotations for matrices with `min(n, p) ≤ 32`, [`DivideAndConquer`] for larger ones: the
/// backend for sweeps, whose cells are many small matrices of one shape. The second route is that of [`DivideAndConquer`].
///
/// Several matrices are factorised at once, one in each lane of a SIMD register. A lane's arithmetic depends neither on
/// the other lanes nor on the instruction set, so results have the same bits alone, in any batch and on any machine.
/// Jacobi also computes small singular values to high relative accuracy if the bad conditioning comes from the scale of
/// columns (Demmel & Veselić, *Jacobi's method is more accurate than QR*, SIAM J. Matrix Anal. Appl. 13, 1992).
///
/// # Examples
/// ```
/// use double_descent::svd::{Jacobi, Svd};
/// use ndarray::array;
///
/// let graded = array![[1.0, 1e-12], [1.0, -1e-12]];
/// let svd = Svd::with_backend(&graded, &Jacobi)?;
/// let exact = 2f64.sqrt() * 1e-12;
/// assert!((svd.singular_values()[1] / exact - 1.0).abs() < 1e-15); // all digits of it
/// # Ok::<(), double_descent::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Jacobi;

impl Backend for Jacobi {
    fn name(&self) -> &'static str {
        "jacobi"
    }

    fn factorise(&self, x: ArrayView2<'_, f64>, route: Route) -> Result<RawSvd, String> {
        if route == Route::Second || x.nrows().min(x.ncols()) > LARGEST {
            return DivideAndConquer.factorise(x, route);
        }
        let mut results = Vec::with_capacity(1);
        one_sided::<{ LANES / 2 }, Register>(&[x.to_owned()], &mut results);
        results.pop().unwrap_or_else(|| Err("no result".into()))
    }

    fn factorise_many(&self, xs: &[Array2<f64>]) -> Vec<Result<RawSvd, String>> {
        let shape = xs.first().map_or((0, 0), Array2::dim);
        let alike = xs.iter().all(|x| x.dim() == shape);
        if !alike || shape.0.min(shape.1) > LARGEST {
            return xs.iter().map(|x| self.factorise(x.view(), Route::First)).collect();
        }
        let mut results = Vec::with_capacity(xs.len());
        let (many, few) = xs.split_at(in_all_lanes(xs.len()));
        one_sided::<LANES, Line>(many, &mut results);
        one_sided::<{ LANES / 2 }, Register>(few, &mut results);
        results
    }

    /// If `X` is tall, the rotations are applied to `Qᵀ T` in place of `J`, and `U` is never formed.
    fn project_many(
        &self,
        xs: &[Array2<f64>],
        targets: &[Array2<f64>],
    ) -> Vec<Result<RawProjection, String>> {
        let dim = |all: &[Array2<f64>]| all.first().map_or((0, 0), Array2::dim);
        let ((n, p), (rows, m)) = (dim(xs), dim(targets));
        let alike = xs.iter().all(|x| x.dim() == (n, p)) && targets.iter().all(|t| t.dim() == (n, m));
        if !alike {
            // Each separately.
            let one = |(x, t)| self.project_many(std::slice::from_ref(x), std::slice::from_ref(t));
            return xs.iter().zip(targets).flat_map(one).collect();
        }
        // With as many targets as J has columns, nothing is saved.
        if rows != n || n < p || p > LARGEST || m >= p || xs.len() != targets.len() {
            return projected(self.factorise_many(xs), targets);
        }
        let mut results = Vec::with_capacity(xs.len());
        let in_all = in_all_lanes(xs.len());
        let ((many, few), (of_many, of_few)) = (xs.split_at(in_all), targets.split_at(in_all));
        projections::<LANES, Line>((many, of_many), &mut results);
        projections::<{ LANES / 2 }, Register>((few, of_few), &mut results);
        results
    }

    fn triangle(&self, x: ArrayView2<'_, f64>) -> Result<Array2<f64>, String> {
        DivideAndConquer.triangle(x)
    }

    /// The bytes of eight matrices in the lanes, and of the result.
    fn bytes(&self, (n, p): (usize, usize)) -> usize {
        let (long, short) = (n.max(p), n.min(p));
        if short > LARGEST {
            return DivideAndConquer.bytes((n, p));
        }
        table(long + 3 * short, short).saturating_mul(LANES).saturating_add(table(long + short, short))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;

    /// Entries without particular structure, the same on every machine.
    fn matrix(n: usize, p: usize, seed: usize) -> Array2<f64> {
        Array2::from_shape_fn((n, p), |(i, j)| (((i * 31 + j * 17 + seed * 7) % 101) as f64 - 50.0) / 64.0)
    }

    #[test]
    fn a_lane_does_not_depend_on_the_others() {
        for (n, p) in [(1, 1), (7, 3), (3, 7), (20, 20), (39, 8)] {
            let all: Vec<_> = (0..11).map(|seed| matrix(n, p, seed)).collect();
            let together = Jacobi.factorise_many(&all);
            for (x, found) in all.iter().zip(together) {
                let (found, alone) = (found.unwrap(), Jacobi.factorise(x.view(), Route::First).unwrap());
                assert!(
                    found.u == alone.u && found.sigma == alone.sigma && found.vt == alone.vt,
                    "{n} × {p}"
                );
            }
        }
    }

    #[test]
    fn a_projection_does_not_depend_on_the_others() {
        let shapes = [(39, 8), (20, 20), (39, 8), (5, 9)];
        let xs: Vec<_> = shapes.iter().enumerate().map(|(seed, &(n, p))| matrix(n, p, seed)).collect();
        let targets: Vec<_> = xs.iter().map(|x| matrix(x.nrows(), 2, 60)).collect();
        let together = Jacobi.project_many(&xs, &targets);
        assert_eq!(together.len(), xs.len());
        for ((x, t), found) in xs.iter().zip(&targets).zip(together) {
            let one = std::slice::from_ref;
            let alone = Jacobi.project_many(one(x), one(t)).pop().unwrap();
            assert_eq!(found.unwrap(), alone.unwrap(), "{:?}", x.dim());
        }
    }

    #[test]
    fn singular_values_agree_with_another_algorithm() {
        for (n, p) in [(12, 5), (5, 12), (9, 9), (30, 20)] {
            let x = matrix(n, p, 3);
            let (jacobi, other) = (
                Jacobi.factorise(x.view(), Route::First).unwrap().sigma,
                DivideAndConquer.factorise(x.view(), Route::First).unwrap().sigma,
            );
            // Both are backward stable: each value is accurate to max(n, p) ε σ₁.
            let bound = n.max(p) as f64 * f64::EPSILON * other[0];
            for (a, b) in jacobi.iter().zip(&other) {
                assert_relative_eq!(a, b, epsilon = bound, max_relative = 1e-12);
            }
        }
    }
}
