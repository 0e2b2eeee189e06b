//! Memory of a nested curve.

use crate::machine::memory::{list, sum, table};
use crate::nested::Point;

/// Rows or columns that become one matrix product, at most.
const BLOCK: usize = 256;
/// The same where nothing but the minimum-norm fits is asked for.
const PLAIN_BLOCK: usize = 128;

/// What a fit holds, as far as its memory goes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    /// The length of a vector of the basis.
    pub(super) dimension: usize,
    /// How long what is carried along with one is: the images of test table and covariance.
    pub(super) carried: usize,
    /// Targets.
    pub(super) outputs: usize,
    /// Whether a second triangle grows beside the first.
    pub(super) has_penalty: bool,
    /// How long a row of the left factor gets, where leave-one-out errors are asked for.
    pub(super) left_out: usize,
}

impl Room {
    /// Bytes that come to those of rank `from` on the way to rank `to`.
    pub(super) fn growth(&self, from: usize, to: usize) -> usize {
        let more = to.saturating_sub(from);
        // Plain fits keep the basis as reflections, and what it grew by.
        let basis = self.dimension.saturating_mul(1 + usize::from(self.is_plain()));
        let vectors = basis.saturating_add(self.carried).saturating_add(self.outputs);
        // Rows of a triangle were extended by an entry, and so have twice the room.
        let triangles = 1 + usize::from(self.has_penalty);
        let left_out = self.left_out.saturating_add(if self.left_out > 0 { to } else { 0 });
        sum([
            table(more, vectors),
            table(more, to).saturating_mul(triangles),
            table(more, left_out).saturating_mul(2),
        ])
    }

    /// Whether nothing but the minimum-norm fits is asked for, as far as memory goes.
    fn is_plain(&self) -> bool {
        !self.has_penalty && self.left_out == 0
    }

    /// Bytes at the peak of `points` more fits, from rank `from` to `to`: what stays, and what a block takes. A fit that
    /// needs an SVD asks for that when it comes.
    pub(super) fn extension(&self, from: usize, to: usize, points: usize) -> usize {
        let block = points.min(if self.is_plain() { PLAIN_BLOCK } else { BLOCK });
        // Up to the threshold the basis is copied for a product, or of plain fits over columns the triangle; beyond it there
        // are the triangle and its product with the basis, too, or of plain fits the triangle before a block and after it.
        let past = 3 - usize::from(self.is_plain());
        let squares = if to < self.dimension { 1 } else { past } + usize::from(self.has_penalty);
        let of_block = [
            table(to, self.dimension).saturating_mul(squares),
            table(to, self.carried).saturating_mul(if to < self.dimension { 1 } else { 2 }),
            table(block, self.dimension.saturating_add(self.carried)).saturating_mul(4),
        ];
        // The vectors as they came, for refits.
        let kept = if self.left_out > 0 { self.dimension.saturating_add(self.outputs) } else { 0 };
        sum([self.growth(from, to), table(points, kept), list::<Point>(points), sum(of_block)])
    }
}
