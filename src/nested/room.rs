//! Memory estimates for a nested curve.

use crate::machine::memory::{list, sum, table};
use crate::nested::Point;

/// Largest number of rows or columns per matrix product.
const BLOCK: usize = 256;
/// Largest number if only minimum-norm fits are requested.
const PLAIN_BLOCK: usize = 128;

/// The sizes that determine a fit's memory.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    /// The length of a vector of the basis.
    pub(super) dimension: usize,
    /// The length of what is carried along with a vector: its images under the test table and the covariance.
    pub(super) carried: usize,
    /// The number of targets.
    pub(super) outputs: usize,
    /// Whether a second triangle grows next to the first.
    pub(super) has_penalty: bool,
    /// The final length of a row of the left factor, if leave-one-out errors are requested.
    pub(super) left_out: usize,
}

impl Room {
    /// Returns the bytes added on the way from rank `from` to rank `to`.
    pub(super) fn growth(&self, from: usize, to: usize) -> usize {
        let more = to.saturating_sub(from);
        // Plain fits keep the basis as reflections, and the vectors by which it grew.
        let basis = self.dimension.saturating_mul(1 + usize::from(self.is_plain()));
        let vectors = basis.saturating_add(self.carried).saturating_add(self.outputs);
        // Rows of a triangle were extended by one entry, and so have twice the capacity.
        let triangles = 1 + usize::from(self.has_penalty);
        let left_out = self.left_out.saturating_add(if self.left_out > 0 { to } else { 0 });
        sum([
            table(more, vectors),
            table(more, to).saturating_mul(triangles),
            table(more, left_out).saturating_mul(2),
        ])
    }

    /// Whether only minimum-norm fits are requested, as far as memory is concerned.
    fn is_plain(&self) -> bool {
        !self.has_penalty && self.left_out == 0
    }

    /// Returns the peak bytes of `points` more fits, from rank `from` to `to`: what stays, and what a block takes. A
    /// fit that needs an SVD requests its memory when it is reached.
    pub(super) fn extension(&self, from: usize, to: usize, points: usize) -> usize {
        let block = points.min(if self.is_plain() { PLAIN_BLOCK } else { BLOCK });
        // Up to the threshold the basis is copied for a product, or, for plain fits over columns, the triangle. Past it
        // there are also the triangle and its product with the basis, or, for plain fits, the triangles before and
        // after a block.
        let past = 3 - usize::from(self.is_plain());
        let squares = if to < self.dimension { 1 } else { past } + usize::from(self.has_penalty);
        let of_block = [
            table(to, self.dimension).saturating_mul(squares),
            table(to, self.carried).saturating_mul(if to < self.dimension { 1 } else { 2 }),
            table(block, self.dimension.saturating_add(self.carried)).saturating_mul(4),
        ];
        // The original vectors, for refits.
        let kept = if self.left_out > 0 { self.dimension.saturating_add(self.outputs) } else { 0 };
        sum([self.growth(from, to), table(points, kept), list::<Point>(points), sum(of_block)])
    }
}
