//! What both engines use to measure a point.

use super::LeftOut;
use super::carried::Carried;
use super::held_out::HeldOut;
use super::scale::{Unit, scaled};
use super::triangle::{Triangle, axpy, norm};
use super::{Engine, Point};
use crate::Error;
use crate::filter::MinNorm;
use crate::filter::cutoff::Cutoff;
use crate::filter::rounding;
use crate::risk::covariance::CovarianceRoot;
use crate::svd::Svd;
use ndarray::{Array2, ArrayRef2, Axis, aview1};

/// The fit of one point in the coordinates of the factorisation: one vector per output.
#[derive(Clone, Debug, Default)]
pub(super) struct Fit {
    /// `z`: `β̂` in orthonormal coordinates.
    pub(super) z: Vec<Vec<f64>>,
    /// The squared part of the targets that a truncated triangle leaves.
    pub(super) lost: Vec<f64>,
    pub(super) rank: usize,
    /// `‖S B‖²_F`, if the noise term is requested: `S` is a root of Σ, `B` the fit as a linear map of the targets.
    pub(super) noise: Option<f64>,
    /// The smallest singular value above the cutoff, if requested or known.
    pub(super) smallest: Option<f64>,
    /// Sums of squared leave-one-out errors, one per output, if requested.
    pub(super) left_out: Option<Vec<f64>>,
    /// How they were computed.
    pub(super) left_out_by: LeftOut,
}

/// Returns the condition number below which the triangle of an `n × p` matrix is solved directly.
pub(super) fn condition_bound(n: usize, p: usize) -> f64 {
    (8.0 * rounding(n, p)).recip()
}

/// Returns the fraction of a row that counts as rounding.
pub(super) fn negligible(n: usize, p: usize) -> f64 {
    n.max(p).max(16) as f64 * f64::EPSILON
}

impl Fit {
    /// Computes the fit by an SVD of the triangle (transposed or not) of an `n × p` matrix, with that matrix's cutoff.
    /// `noise` holds the images of the coordinate vectors under `S`.
    pub(super) fn by_svd(
        triangle: Array2<f64>,
        c: &[Vec<f64>],
        noise: Option<&Noise>,
        (n, p): (usize, usize),
    ) -> Result<(Self, Svd), Error> {
        let r = triangle.nrows();
        let mut targets = Array2::zeros((r, c.len()));
        for (mut column, c) in targets.columns_mut().into_iter().zip(c) {
            column.iter_mut().zip(c).for_each(|(target, c)| *target = *c);
        }
        let svd = Svd::new(&triangle)?;
        let cutoff = Cutoff::of_matrix((n, p), svd.spectrum().singular_values());
        let svd = svd.with_cutoff(cutoff)?;
        let z = svd.solve(&targets, &MinNorm::with_cutoff(cutoff)?)?;
        // The part of the targets outside the kept modes.
        let modes = svd.u().slice(ndarray::s![.., ..svd.rank()]);
        let lost = &targets - &modes.dot(&modes.t().dot(&targets));
        let noise = match noise {
            Some(noise) => {
                let inverse = svd.pseudoinverse()?;
                Some(inverse.t().dot(&noise.coordinates()).iter().map(|v| v * v).sum())
            }
            None => None,
        };
        let fit = Self {
            z: z.columns().into_iter().map(|z| z.to_vec()).collect(),
            lost: lost.mapv(|v| v * v).sum_axis(Axis(0)).to_vec(),
            rank: svd.rank(),
            noise,
            smallest: svd.smallest_nonzero(),
            left_out: None,
            left_out_by: LeftOut::Nested,
        };
        Ok((fit, svd))
    }
}

/// State shared by all points of a curve.
#[derive(Debug)]
pub(super) struct Measure<'a, 'b> {
    pub(super) held_out: &'a HeldOut<'b>,
    pub(super) features: Unit,
    pub(super) targets: &'a [Unit],
    pub(super) n: usize,
    pub(super) p: usize,
}

impl Measure<'_, '_> {
    /// Returns a point from its fit, the predictions of each output and the sums of squared training errors.
    pub(super) fn point(
        &self,
        fit: &Fit,
        predictions: &[Vec<f64>],
        squares: &[f64],
        noise_exponent: i32,
        engine: Engine,
    ) -> Result<Point, Error> {
        let outputs = self.targets.len() as f64;
        let mut point = Point {
            n: self.n,
            p: self.p,
            rank: fit.rank,
            train_mse: 0.0,
            test_mse: self.held_out.features().map(|_| 0.0),
            norm: 0.0,
            // An empty sum is −0.
            noise: fit
                .noise
                .map(|noise| scaled(noise, 2 * (noise_exponent - self.features.exponent())) + 0.0),
            smallest_singular_value: fit.smallest.map(|s| scaled(s, self.features.exponent())),
            loo_mse: fit.left_out.as_ref().map(|_| 0.0),
            loo_by: fit.left_out_by,
            engine,
        };
        for (output, unit) in self.targets.iter().enumerate() {
            let e = unit.exponent();
            let lost = fit.lost.get(output).unwrap_or(&0.0);
            let train = squares[output] + lost;
            point.train_mse += scaled(train / self.n as f64, 2 * e) / outputs;
            let prediction = predictions.get(output).map_or(&[][..], Vec::as_slice);
            let test = self.held_out.mean_squared_error(
                output,
                prediction,
                self.held_out.exponent() + e - self.features.exponent(),
                scaled(train, 2 * e),
                self.n,
            );
            point.test_mse = point.test_mse.zip(test).map(|(sum, test)| sum + test / outputs);
            let norm = scaled(norm(&fit.z[output]), e - self.features.exponent());
            point.norm = point.norm.hypot(norm);
            if let (Some(sum), Some(left_out)) = (&mut point.loo_mse, &fit.left_out) {
                *sum += scaled(left_out[output] / self.n as f64, 2 * e) / outputs;
            }
        }
        let named = [
            ("the training error", point.train_mse),
            ("the test error", point.test_mse.unwrap_or(0.0)),
            ("the norm of the fit", point.norm),
            ("the noise term", point.noise.unwrap_or(0.0)),
            ("the smallest singular value", point.smallest_singular_value.unwrap_or(0.0)),
            ("the leave-one-out error", point.loo_mse.unwrap_or(0.0)),
        ];
        match named.iter().find(|(_, value)| !value.is_finite()) {
            Some((what, _)) => Err(Error::Overflow { what }),
            None => Ok(point),
        }
    }
}

/// A root `S` of a covariance, `Σ = SᵀS`, in its own unit, and the images of the basis under it.
#[derive(Clone, Debug)]
pub(super) struct Noise {
    pub(super) root: Array2<f64>,
    pub(super) exponent: i32,
    /// `S q` for the coordinate vectors `q`.
    pub(super) images: Vec<Vec<f64>>,
    /// Carried over from earlier points; `None` if the next point must start afresh.
    pub(super) carried: Option<Carried>,
}

impl Noise {
    /// Checks that `covariance` is square, finite, symmetric and positive semidefinite up to rounding.
    pub(super) fn new(covariance: &ArrayRef2<f64>) -> Result<Self, Error> {
        let CovarianceRoot { matrix, exponent } = CovarianceRoot::new(covariance)?;
        Ok(Self { root: matrix, exponent, images: Vec::new(), carried: Some(Carried::default()) })
    }

    /// Returns the number of columns of Σ.
    pub(super) fn features(&self) -> usize {
        self.root.ncols()
    }

    /// Returns `S q`.
    pub(super) fn image(&self, q: &[f64]) -> Vec<f64> {
        self.root.dot(&aview1(q)).to_vec()
    }

    /// Returns column `j` of `S`, without the zeros at its end.
    pub(super) fn column(&self, j: usize) -> Vec<f64> {
        self.root.column(j).iter().take(j + 1).copied().collect()
    }
}

/// Returns `Σᵢ zᵢ Pᵢ`.
pub(super) fn combine(images: &[Vec<f64>], z: &[f64]) -> Vec<f64> {
    let mut sum = Vec::new();
    for (image, &z) in images.iter().zip(z) {
        accumulate(&mut sum, z, image);
    }
    sum
}

/// Computes `sum ← sum + z P`, for any lengths: missing entries are 0.
pub(super) fn accumulate(sum: &mut Vec<f64>, z: f64, image: &[f64]) {
    sum.resize(image.len().max(sum.len()), 0.0);
    axpy(sum, z, image);
}

/// Whether the triangle of an `n × p` matrix is far enough from rank-deficient.
pub(super) fn is_clear(triangle: &mut Triangle, n: usize, p: usize) -> bool {
    triangle.is_conditioned_under(condition_bound(n, p), 0.0)
}
