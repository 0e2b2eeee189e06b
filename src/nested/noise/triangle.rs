//! An upper triangle per lane, with rotations into it and solves with it.

use super::lanes::{LANES, Lane, ZERO, add};
use ndarray::Array2;

/// Rows solved for together: each loaded entry of the triangle serves all of them.
pub(super) const ROWS: usize = 4;

/// A column of [`ROWS`] rows.
pub(super) type Strip = [Lane; ROWS];

/// `R`, `r × r`, packed and column-major.
pub(super) struct Triangle {
    size: usize,
    entries: Vec<Lane>,
}

/// Rows of an upper triangle.
pub(super) trait Upper {
    /// Entry `(i, j)`, `i ≤ j`.
    fn entry(&self, i: usize, j: usize) -> Lane;
}

/// Returns where column `j` begins.
fn start(j: usize) -> usize {
    j * (j + 1) / 2
}

impl Triangle {
    /// `r × r` zeros.
    pub(super) fn zeros(size: usize) -> Self {
        Self { size, entries: vec![ZERO; start(size)] }
    }

    /// Returns column `j`, `j + 1` entries.
    #[inline(always)]
    pub(super) fn column(&self, j: usize) -> &[Lane] {
        &self.entries[start(j)..start(j + 1)]
    }

    /// Appends a column.
    pub(super) fn push(&mut self, column: impl Iterator<Item = Lane>) {
        self.entries.extend(column.take(self.size + 1));
        self.size += 1;
        self.entries.resize(start(self.size), ZERO);
    }

    /// `[R; xᵀ] ← G [R; xᵀ] = [R'; 0]` by r rotations, 3 r² flops.
    #[inline(always)]
    pub(super) fn absorb_row(&mut self, x: &mut [Lane]) {
        for j in 0..self.size {
            let (cos, sin, length) = rotation(self.entries[start(j) + j], x[j]);
            self.entries[start(j) + j] = length;
            for k in j + 1..self.size {
                rotate(&mut self.entries[start(k) + j], &mut x[k], cos, sin);
            }
        }
    }

    /// `[R x] ← [R x] G = [R' 0]` by r rotations, 3 r² flops; `rotations[j]` is that of column `j`, and the last one
    /// comes first.
    #[inline(always)]
    pub(super) fn absorb_column(&mut self, x: &mut [Lane], rotations: &mut [(Lane, Lane)]) {
        for j in (0..self.size).rev() {
            let column = &mut self.entries[start(j)..start(j + 1)];
            let (cos, sin, length) = rotation(column[j], x[j]);
            column[j] = length;
            for (a, b) in column[..j].iter_mut().zip(&mut x[..j]) {
                rotate(a, b, cos, sin);
            }
            rotations[j] = (cos, sin);
        }
    }

    /// Computes `1 / R_jj`.
    #[inline(always)]
    pub(super) fn reciprocals(&self, into: &mut Vec<Lane>) {
        into.clear();
        for j in 0..self.size {
            let mut reciprocal = self.entries[start(j) + j];
            for lane in 0..LANES {
                reciprocal[lane] = 1.0 / reciprocal[lane];
            }
            into.push(reciprocal);
        }
    }

    /// Returns `‖X R⁻¹‖²_F` for the rows `x`, which become `X R⁻¹`; their entries before `first` are 0.
    #[inline(always)]
    pub(super) fn solve(&self, reciprocals: &[Lane], x: &mut [Strip], first: usize) -> Lane {
        let mut sums = [ZERO; ROWS];
        for j in first..self.size {
            let column = &self.column(j)[first..j];
            let (done, rest) = x.split_at_mut(j);
            let mut y = rest[0];
            for (entry, known) in column.iter().zip(&done[first..]) {
                for row in 0..ROWS {
                    for lane in 0..LANES {
                        y[row][lane] = (-known[row][lane]).mul_add(entry[lane], y[row][lane]);
                    }
                }
            }
            for row in 0..ROWS {
                for lane in 0..LANES {
                    y[row][lane] *= reciprocals[j][lane];
                    sums[row][lane] = y[row][lane].mul_add(y[row][lane], sums[row][lane]);
                }
            }
            rest[0] = y;
        }
        add(add(sums[0], sums[1]), add(sums[2], sums[3]))
    }

    /// Returns `‖X R⁻ᵀ‖²_F` for the rows `x`, which become `X R⁻ᵀ`.
    #[inline(always)]
    pub(super) fn solve_transposed(&self, reciprocals: &[Lane], x: &mut [Strip]) -> Lane {
        let mut sums = [ZERO; ROWS];
        for j in (0..self.size).rev() {
            let (rest, done) = x.split_at_mut(j);
            let y = &mut done[0];
            for row in 0..ROWS {
                for lane in 0..LANES {
                    y[row][lane] *= reciprocals[j][lane];
                    sums[row][lane] = y[row][lane].mul_add(y[row][lane], sums[row][lane]);
                }
            }
            for (other, entry) in rest.iter_mut().zip(self.column(j)) {
                for row in 0..ROWS {
                    for lane in 0..LANES {
                        other[row][lane] = (-y[row][lane]).mul_add(entry[lane], other[row][lane]);
                    }
                }
            }
        }
        add(add(sums[0], sums[1]), add(sums[2], sums[3]))
    }

    /// Returns `‖S R⁻¹‖²_F` for the rows of an upper triangle `S`. `x` is workspace.
    #[inline(always)]
    pub(super) fn solve_upper(&self, reciprocals: &[Lane], s: impl Upper, x: &mut [Strip]) -> Lane {
        let mut sum = ZERO;
        for first in (0..self.size).step_by(ROWS) {
            for j in first..self.size {
                for row in 0..ROWS {
                    x[j][row] = if first + row <= j { s.entry(first + row, j) } else { ZERO };
                }
            }
            sum = add(sum, self.solve(reciprocals, x, first));
        }
        sum
    }

    /// Returns one lane, as a full matrix.
    pub(super) fn lane(&self, lane: usize) -> Array2<f64> {
        Array2::from_shape_fn(
            (self.size, self.size),
            |(i, j)| if i <= j { self.column(j)[i][lane] } else { 0.0 },
        )
    }
}

/// Returns `(cos, sin, length)` with `cos · a + sin · b = length`, `cos · b − sin · a = 0`; the identity for two zeros.
#[inline(always)]
fn rotation(a: Lane, b: Lane) -> (Lane, Lane, Lane) {
    let (mut cos, mut sin, mut length) = (Lane::ONE, ZERO, ZERO);
    for lane in 0..LANES {
        length[lane] = (a[lane] * a[lane] + b[lane] * b[lane]).sqrt();
        let turns = length[lane] > 0.0;
        cos[lane] = if turns { a[lane] / length[lane] } else { 1.0 };
        sin[lane] = if turns { b[lane] / length[lane] } else { 0.0 };
    }
    (cos, sin, length)
}

/// `(a, b) ← (cos · a + sin · b, cos · b − sin · a)`.
#[inline(always)]
pub(super) fn rotate(a: &mut Lane, b: &mut Lane, cos: Lane, sin: Lane) {
    for lane in 0..LANES {
        let (x, y) = (a[lane], b[lane]);
        a[lane] = cos[lane].mul_add(x, sin[lane] * y);
        b[lane] = cos[lane].mul_add(y, -(sin[lane] * x));
    }
}
