//! Extracts a lane's results as separate matrices.

use super::LARGEST;
use super::lanes::{Lanes, MAX_SWEEPS};
use crate::machine::rooms::room;
use crate::svd::completion::complete;
use crate::svd::{RawProjection, RawSvd};
use ndarray::{Array1, Array2, ShapeBuilder};

impl<const L: usize, A: Copy> Lanes<L, A> {
    /// Returns one lane's factorisation, with sorted singular values.
    pub(super) fn store(&self, lane: usize, wide: bool) -> Result<RawSvd, String> {
        let (length, columns) = (self.length, self.columns);
        let by_size = self.by_size(lane)?;
        let by_size = &by_size[..columns];
        let mut left = room(length * columns);
        for &column in by_size {
            left.extend(self.x[column * length..(column + 1) * length].iter().map(|x| x[lane]));
        }
        let right = self.right(lane, by_size);
        let (u, n, v, p) = if wide { (right, columns, left, length) } else { (left, length, right, columns) };
        Ok(RawSvd {
            u: Array2::from_shape_vec((n, columns).f(), u).map_err(in_words)?,
            sigma: self.sigma(lane, by_size),
            vt: Array2::from_shape_vec((columns, p), v).map_err(in_words)?,
        })
    }

    /// The same for a tall matrix and its targets, without `U`.
    pub(super) fn store_projection(&self, lane: usize) -> Result<RawProjection, String> {
        let (length, columns, stride, targets) = (self.length, self.columns, self.stride(), self.targets);
        let by_size = self.by_size(lane)?;
        let by_size = &by_size[..columns];
        let mut along = Vec::with_capacity(targets * columns);
        let mut rest = Vec::with_capacity(targets * (length - columns));
        for target in 0..targets {
            let image = &self.pairs[columns + target..];
            along.extend(by_size.iter().map(|column| image[column * stride][lane]));
            // Rows of Qᵀ T below those of R.
            let image = &self.x[(columns + target) * length + columns..][..length - columns];
            rest.extend(image.iter().map(|entry| entry[lane]));
        }
        Ok(RawProjection {
            sigma: self.sigma(lane, by_size),
            vt: Array2::from_shape_vec((columns, columns), self.right(lane, by_size)).map_err(in_words)?,
            along: Array2::from_shape_vec((targets, columns), along).map_err(in_words)?,
            rest: Array2::from_shape_vec((targets, length - columns), rest).map_err(in_words)?,
        })
    }

    /// Returns the indices of one lane's singular values, largest first.
    fn by_size(&self, lane: usize) -> Result<[usize; LARGEST], String> {
        if self.active[lane] {
            return Err(format!("no convergence in {MAX_SWEEPS} sweeps"));
        }
        let norms: [f64; LARGEST] = std::array::from_fn(|column| self.norms[column][lane]);
        Ok(largest_first(&norms[..self.columns]))
    }

    fn sigma(&self, lane: usize, by_size: &[usize]) -> Array1<f64> {
        by_size.iter().map(|&column| self.norms[column][lane]).collect()
    }

    /// Returns `P W` of one lane, column-major, in the order of `by_size`.
    fn right(&self, lane: usize, by_size: &[usize]) -> Vec<f64> {
        let (columns, stride) = (self.columns, self.stride());
        let norm = |column: usize| self.norms[column][lane];
        let mut right = room(columns * columns);
        right.resize(columns * columns, 0.0);
        for (to, &column) in right.chunks_exact_mut(columns).zip(by_size) {
            let scale = if norm(column) > 0.0 { norm(column).recip() } else { 0.0 };
            let scaled = &self.pairs[column * stride..column * stride + columns];
            for (entry, order) in scaled.iter().zip(&self.order) {
                to[order[lane]] = entry[lane] * scale;
            }
        }
        let rank = by_size.iter().filter(|&&column| norm(column) > 0.0).count();
        complete(&mut right, columns, rank);
        right
    }
}

/// For all numbers of lanes, because every copy of a sort takes long to compile.
fn largest_first(norms: &[f64]) -> [usize; LARGEST] {
    let mut order: [usize; LARGEST] = std::array::from_fn(|column| column);
    order[..norms.len()].sort_by(|&i, &j| norms[j].total_cmp(&norms[i]));
    order
}

fn in_words(error: ndarray::ShapeError) -> String {
    error.to_string()
}
