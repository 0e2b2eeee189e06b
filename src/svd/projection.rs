//! A factorisation without `U`, reduced to what fits to given targets need.

use super::checked;
use super::{Backend, LastMode, RawProjection, row_major_product};
use crate::Error;
use crate::filter::Spectrum;
use crate::filter::cutoff::Cutoff;
use crate::machine::memory::{reserve, sum, table};
use crate::machine::rooms::recycle;
use ndarray::{Array1, Array2, ArrayRef2, ArrayView1, s};
use std::ops::Range;

/// The singular values, right singular vectors and rank of an `n × p` matrix.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Right {
    pub(super) n: usize,
    pub(super) sigma: Array1<f64>,
    pub(super) vt: Array2<f64>,
    pub(super) cutoff: f64,
    pub(super) rank: usize,
}

impl Right {
    /// For a matrix of `n` rows, with the rank under the default [`Cutoff`].
    pub(super) fn new(n: usize, sigma: Array1<f64>, vt: Array2<f64>) -> Self {
        let mut right = Self { n, sigma, vt, cutoff: 0.0, rank: 0 };
        right.cut_at(Cutoff::default());
        right
    }

    pub(super) fn cut_at(&mut self, cutoff: Cutoff) {
        self.cutoff = cutoff.value(self.spectrum());
        self.rank = self.sigma.iter().take_while(|&&s| s > self.cutoff).count();
    }

    /// For a matrix whose columns were centred: no more than `n − 1` singular values can differ from 0, so the `n`th,
    /// which may exceed the cutoff if the means are large against the spread, is set to 0.
    pub(super) fn know_centred(&mut self) {
        if let Some(last) = self.n.checked_sub(1).filter(|&last| last < self.sigma.len()) {
            self.sigma[last] = 0.0;
            self.rank = self.rank.min(last);
        }
    }

    pub(crate) fn singular_values(&self) -> &Array1<f64> {
        &self.sigma
    }

    pub(crate) fn vt(&self) -> &Array2<f64> {
        &self.vt
    }

    /// Rows and columns of the matrix, `(n, p)`.
    pub(crate) fn shape(&self) -> (usize, usize) {
        (self.n, self.vt.ncols())
    }

    pub(crate) fn spectrum(&self) -> Spectrum<'_> {
        let (n, p) = self.shape();
        Spectrum::new(n, p, self.sigma.as_slice().unwrap_or(&[]))
    }

    pub(crate) fn rank(&self) -> usize {
        self.rank
    }

    /// The smallest singular value above the cutoff.
    pub(crate) fn smallest_nonzero(&self) -> Option<f64> {
        self.rank.checked_sub(1).map(|last| self.sigma[last])
    }

    /// `x (I − V Vᵀ)` over the modes within the rank, for `x` with `p` columns.
    pub(crate) fn null_space(&self, x: &ArrayRef2<f64>) -> Result<Array2<f64>, Error> {
        let tables = [table(x.nrows(), self.rank), table(x.nrows(), x.ncols()).saturating_mul(2)];
        reserve("a projection", sum(tables))?;
        Ok(self.beyond_leading(self.rank, x))
    }

    /// `x (I − V Vᵀ)` over all modes, also those beyond the rank, for `x` with `p` columns.
    pub(crate) fn beyond_modes(&self, x: &ArrayRef2<f64>) -> Array2<f64> {
        self.beyond_leading(self.sigma.len(), x)
    }

    fn beyond_leading(&self, modes: usize, x: &ArrayRef2<f64>) -> Array2<f64> {
        let once = x.to_owned() - self.onto_leading(modes, x);
        // Twice is enough (Kahan): the second pass removes the rounding errors of the first.
        &once - &self.onto_leading(modes, &once)
    }

    /// `x V Vᵀ` over the modes within the rank, for `x` with `p` columns.
    pub(super) fn row_space(&self, x: &ArrayRef2<f64>) -> Array2<f64> {
        self.onto_leading(self.rank, x)
    }

    fn onto_leading(&self, modes: usize, x: &ArrayRef2<f64>) -> Array2<f64> {
        let v = self.vt.slice(s![..modes, ..]);
        row_major_product(row_major_product(x.view(), v.t()).view(), v)
    }
}

/// A matrix's factorisation in which only the products of `U` with some targets are known.
#[derive(Clone, Debug)]
pub(crate) struct Projection {
    right: Right,
    /// `Tᵀ U`, one row per target.
    along: Array2<f64>,
    /// `(I − U Uᵀ) T` as rows, in an orthonormal basis.
    rest: Array2<f64>,
}

impl Projection {
    /// Factorises many matrices (`n × p`) in their own memory, each with its targets (`n × (m + 1)`), whose last column
    /// is room for the probe used in checks. Returns one result each, in order.
    pub(crate) fn many(
        xs: Vec<Array2<f64>>,
        targets: Vec<Array2<f64>>,
        backend: &dyn Backend,
    ) -> Vec<Result<Self, Error>> {
        let rows: Vec<usize> = xs.iter().map(Array2::nrows).collect();
        let done = checked::project_many(xs, targets, backend);
        let of = |(n, raw): (usize, Result<RawProjection, Error>)| {
            let RawProjection { sigma, vt, along, rest } = raw?;
            Ok(Self { right: Right::new(n, sigma, vt), along, rest })
        };
        rows.into_iter().zip(done).map(of).collect()
    }

    pub(crate) fn right(&self) -> &Right {
        &self.right
    }

    /// Sets the singular value of the direction that centring removed to 0 ([`Right::know_centred`]).
    pub(crate) fn know_centred(&mut self) {
        self.right.know_centred();
    }

    /// Keeps the vectors' memory for reuse on this thread.
    pub(crate) fn recycle(self) {
        recycle(self.right.vt);
    }

    /// Returns the number of targets, without the probe.
    pub(crate) fn targets(&self) -> usize {
        self.along.nrows() - 1
    }

    /// Returns `Uᵀ t` for one target.
    pub(crate) fn along(&self, target: usize) -> ArrayView1<'_, f64> {
        self.along.row(target)
    }

    /// Returns `aᵀ (I − U Uᵀ) b` for two targets.
    pub(crate) fn beyond(&self, a: usize, b: usize) -> f64 {
        self.rest.row(a).iter().zip(self.rest.row(b)).map(|(a, b)| a * b).sum()
    }

    /// [`Svd::last_mode`](super::Svd::last_mode) for the sum of some targets.
    pub(crate) fn last_mode(&self, targets: Range<usize>) -> Option<LastMode> {
        self.right.rank.checked_sub(1).map(|index| {
            let alignment: f64 = self.along.slice(s![targets, index]).sum();
            LastMode { index, sign: if alignment < 0.0 { -1.0 } else { 1.0 } }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::svd::{DivideAndConquer, Jacobi, RawSvd, Route, Svd};
    use ndarray::ArrayView2;

    /// Entries without particular structure, the same on every machine.
    fn matrix(n: usize, p: usize, seed: usize) -> Array2<f64> {
        Array2::from_shape_fn((n, p), |(i, j)| (((i * 31 + j * 17 + seed * 7) % 101) as f64 - 50.0) / 64.0)
    }

    fn many(xs: &[Array2<f64>], targets: &[Array2<f64>], backend: &dyn Backend) -> Vec<Projection> {
        let with_room = |t: &Array2<f64>| {
            let mut columns = t.clone();
            columns.push_column(Array1::zeros(t.nrows()).view()).unwrap();
            columns
        };
        let found = Projection::many(xs.to_vec(), targets.iter().map(with_room).collect(), backend);
        assert_eq!(found.len(), xs.len());
        found.into_iter().map(Result::unwrap).collect()
    }

    fn one(x: &Array2<f64>, targets: &Array2<f64>, backend: &dyn Backend) -> Projection {
        many(std::slice::from_ref(x), std::slice::from_ref(targets), backend).pop().unwrap()
    }

    /// With either backend, tall and wide, full-rank and not, alone and in a batch.
    #[test]
    fn a_projection_says_of_targets_what_u_says() {
        for (n, p) in [(39, 20), (20, 20), (21, 5), (6, 5), (4, 9), (3, 3), (40, 33)] {
            for doubled in [false, true] {
                let design = |seed| {
                    let mut x = matrix(n, p, seed);
                    if doubled && p > 1 {
                        let first = x.column(0).to_owned();
                        x.column_mut(1).assign(&first);
                    }
                    x
                };
                let xs: Vec<_> = (0..11).map(design).collect();
                let targets: Vec<_> = (0..11).map(|seed| matrix(n, 2, seed + 50) * 1e3).collect();
                for backend in [&Jacobi as &dyn Backend, &DivideAndConquer] {
                    let found = many(&xs, &targets, backend);
                    for ((x, t), found) in xs.iter().zip(&targets).zip(found) {
                        let whole = Svd::with_backend(x, backend).unwrap();
                        let alone = one(x, t, backend);
                        assert!(alone.right == found.right && alone.along == found.along, "{n} × {p}");
                        assert!(alone.rest == found.rest, "{n} × {p}");
                        let right = found.right();
                        assert_eq!((right.shape(), right.rank()), (whole.shape(), whole.rank()));
                        // Projections are accurate to n ε of the whole; singular vectors are not, but fits and lengths
                        // are.
                        let size = t.iter().map(|t| t * t).sum::<f64>();
                        let bound = 30.0 * n.max(p) as f64 * f64::EPSILON * size;
                        for (a, b) in [(0, 0), (0, 1), (1, 1)] {
                            let along = found.along(a).dot(&found.along(b));
                            let product = t.column(a).dot(&t.column(b));
                            assert!((along + found.beyond(a, b) - product).abs() <= bound, "{n} × {p}");
                            let u = whole.u();
                            let expected = u.t().dot(&t.column(a)).dot(&u.t().dot(&t.column(b)));
                            // A mode with singular value zero has an arbitrary direction.
                            if !doubled {
                                assert!((along - expected).abs() <= bound, "{n} × {p}: {along} {expected}");
                            }
                        }
                        // Xᵀ t = V Σ Uᵀ t.
                        for target in 0..2 {
                            let image = right.vt().t().dot(&(right.singular_values() * &found.along(target)));
                            let off = (image - x.t().dot(&t.column(target))).mapv(|v| v * v).sum().sqrt();
                            let size = right.singular_values()[0] * size.sqrt();
                            assert!(off <= 30.0 * n.max(p) as f64 * f64::EPSILON * size, "{n} × {p}");
                        }
                    }
                }
            }
        }
    }

    /// Corrupts one part of each projection.
    #[derive(Debug)]
    struct Spoiled(usize);

    impl Backend for Spoiled {
        fn name(&self) -> &'static str {
            "spoiled"
        }

        fn factorise(&self, x: ArrayView2<'_, f64>, route: Route) -> Result<RawSvd, String> {
            if route == Route::First {
                Err("asked for the first route".into())
            } else {
                DivideAndConquer.factorise(x, route)
            }
        }

        fn project_many(
            &self,
            xs: &[Array2<f64>],
            targets: &[Array2<f64>],
        ) -> Vec<Result<RawProjection, String>> {
            let spoil = |raw: Result<RawProjection, String>| {
                let mut raw = raw?;
                let turned = raw.vt[[0, 0]] * (1.0 + 1e-10);
                match self.0 {
                    0 => raw.sigma[0] *= 1.0 + 1e-10,
                    1 => raw.vt[[0, 0]] = turned,
                    2 => raw.along.mapv_inplace(|v| v * (1.0 + 1e-10)),
                    3 => raw.rest.mapv_inplace(|v| v * (1.0 + 1e-10)),
                    4 => raw.along.swap_axes(0, 1),
                    _ => raw.sigma.fill(f64::NAN),
                }
                Ok(raw)
            };
            DivideAndConquer.project_many(xs, targets).into_iter().map(spoil).collect()
        }

        fn triangle(&self, x: ArrayView2<'_, f64>) -> Result<Array2<f64>, String> {
            DivideAndConquer.triangle(x)
        }
    }

    #[test]
    fn a_projection_that_is_wrong_goes_the_second_way() {
        let (x, t) = (matrix(12, 5, 1), matrix(12, 2, 9));
        let right = one(&x, &t, &DivideAndConquer);
        for part in 0..6 {
            let found = one(&x, &t, &Spoiled(part));
            let close = |a: f64, b: f64| (a - b).abs() <= 1e-12 * b.abs();
            assert!(close(found.right.sigma[0], right.right.sigma[0]), "{part}");
            for (a, b) in [(0, 0), (0, 1), (1, 1)] {
                assert!(close(found.beyond(a, b), right.beyond(a, b)), "{part}");
                assert!(close(found.along(a).dot(&found.along(b)), right.along(a).dot(&right.along(b))));
            }
        }
    }

    #[test]
    fn the_last_mode_is_turned_to_all_targets() {
        let (x, t) = (matrix(12, 5, 1), matrix(12, 2, 9));
        let projection = one(&x, &t, &Jacobi);
        let last = projection.last_mode(0..2).unwrap();
        let sum = projection.along(0)[last.index] + projection.along(1)[last.index];
        assert!(last.index == 4 && last.sign * sum > 0.0);
    }
}
