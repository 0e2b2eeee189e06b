//! Noise terms of a batch, one per matrix and point, from the triangle or from its SVD.

use super::batch::Batch;
use super::lanes::{LANES, Lane};
use super::term::Term;
use crate::Error;
use crate::filter::cutoff::Cutoff;
use crate::nested::Engine;
use crate::nested::fit::condition_bound;
use crate::nested::scale::scaled;
use crate::svd::Svd;
use ndarray::{Array2, Axis};

/// The curves of up to eight matrices.
pub(super) struct Terms {
    curves: Vec<Vec<Term>>,
    /// The terms are in units of `2^e`.
    exponents: [i32; LANES],
    /// How many points of each matrix are computed elsewhere.
    skipped: [usize; LANES],
}

/// The values of one point in all lanes: the terms, `‖R‖²_F` and `‖R⁻¹‖²_F`.
pub(super) struct Reading {
    pub(super) noise: Lane,
    pub(super) squares: Lane,
    pub(super) inverse: Lane,
}

impl Terms {
    pub(super) fn new(batch: &Batch<'_>, points: usize) -> Self {
        let curves = vec![Vec::with_capacity(points); batch.xs.len()];
        Self { curves, exponents: batch.exponents, skipped: batch.skipped }
    }

    /// Adds the point of `n` rows and `p` columns. If its triangle, `triangle(lane)`, is badly conditioned, the term is
    /// computed by an SVD, with the images `P` (`None`: orthonormal) of the triangle's final coordinates.
    pub(super) fn push(
        &mut self,
        (n, p): (usize, usize),
        reading: &Reading,
        triangle: impl Fn(usize) -> Array2<f64>,
        images: impl Fn(usize) -> Option<Array2<f64>>,
    ) -> Result<(), Error> {
        let bound = condition_bound(n, p).powi(2);
        for (lane, curve) in self.curves.iter_mut().enumerate() {
            if curve.len() < self.skipped[lane] {
                curve.push(Term { noise: 0.0, rank: 0, engine: Engine::Svd });
                continue;
            }
            let condition = reading.squares[lane] * reading.inverse[lane];
            // NaN if a lane has a zero on the diagonal.
            let (noise, rank, engine) = if condition < bound {
                (reading.noise[lane], n.min(p), Engine::Nested)
            } else {
                let (noise, rank) = by_svd(Svd::new(&triangle(lane))?, (n, p), images(lane))?;
                (noise, rank, Engine::Svd)
            };
            curve.push(Term { noise: scaled(noise, self.exponents[lane]), rank, engine });
        }
        Ok(())
    }

    pub(super) fn finish(self) -> Result<Vec<Vec<Term>>, Error> {
        match self.curves.iter().flatten().find(|term| !term.noise.is_finite()) {
            Some(_) => Err(Error::Overflow { what: "the noise term" }),
            None => Ok(self.curves),
        }
    }
}

/// Returns `Σᵣ ‖P vᵣ‖² / σᵣ²` over the singular values above the cutoff of the matrix, not of its triangle.
fn by_svd(svd: Svd, shape: (usize, usize), images: Option<Array2<f64>>) -> Result<(f64, usize), Error> {
    let cutoff = Cutoff::of_matrix(shape, svd.spectrum().singular_values());
    let svd = svd.with_cutoff(cutoff)?;
    let rank = svd.rank();
    let modes = svd.vt().slice(ndarray::s![..rank, ..]);
    let lengths = match images {
        Some(images) => modes.dot(&images.t()).mapv(|v| v * v).sum_axis(Axis(1)),
        None => modes.mapv(|v| v * v).sum_axis(Axis(1)),
    };
    let terms = lengths.iter().zip(svd.singular_values()).map(|(length, sigma)| length / (sigma * sigma));
    // An empty sum is −0.
    Ok((terms.sum::<f64>() + 0.0, rank))
}
