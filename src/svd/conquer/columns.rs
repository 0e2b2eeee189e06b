//! A square block of a larger column-major matrix.

use crate::machine::views::columns_of_mut;
use ndarray::ArrayViewMut2;

/// Columns of `length` entries each, with stride `stride`.
#[derive(Debug)]
pub(super) struct Columns<'a> {
    entries: &'a mut [f64],
    stride: usize,
    length: usize,
}

impl<'a> Columns<'a> {
    /// The block of `length` rows whose first entry is diagonal entry `from`.
    pub(super) fn new(matrix: &'a mut [f64], stride: usize, from: usize, length: usize) -> Self {
        Self { entries: &mut matrix[from * (stride + 1)..], stride, length }
    }

    pub(super) fn column(&self, j: usize) -> &[f64] {
        &self.entries[j * self.stride..][..self.length]
    }

    pub(super) fn column_mut(&mut self, j: usize) -> &mut [f64] {
        &mut self.entries[j * self.stride..][..self.length]
    }

    pub(super) fn length(&self) -> usize {
        self.length
    }

    /// `xᵢ ← cos xᵢ + sin xⱼ`, `xⱼ ← cos xⱼ − sin xᵢ`.
    pub(super) fn rotate(&mut self, i: usize, j: usize, cos: f64, sin: f64) {
        let (first, second) = (i.min(j), i.max(j));
        let (head, tail) = self.entries.split_at_mut(second * self.stride);
        let (a, b) = (&mut head[first * self.stride..][..self.length], &mut tail[..self.length]);
        let sin = if i < j { sin } else { -sin };
        for (x, y) in a.iter_mut().zip(b) {
            (*x, *y) = (cos * *x + sin * *y, cos * *y - sin * *x);
        }
    }

    /// The first `count` columns, as a view.
    pub(super) fn first(&mut self, count: usize) -> ArrayViewMut2<'_, f64> {
        columns_of_mut(self.entries, (self.length, count), self.stride)
    }
}
