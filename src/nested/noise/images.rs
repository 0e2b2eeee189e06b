//! Images of the coordinate vectors under the root of the covariance.

use super::lanes::{Lane, ZERO, add};
use super::triangle::{ROWS, Strip, Triangle, rotate};
use ndarray::Array2;

/// `S Qᵀ`, in blocks of four rows, column-major.
#[derive(Default)]
pub(super) struct Images {
    blocks: Vec<Vec<Strip>>,
    columns: usize,
}

impl Images {
    /// Appends a column; the existing columns are 0 in its additional rows.
    pub(super) fn push(&mut self, column: &[Lane]) {
        self.make_room(column.len());
        for (block, rows) in self.blocks.iter_mut().zip(strips(column)) {
            block.push(rows);
        }
        self.columns += 1;
    }

    fn make_room(&mut self, rows: usize) {
        let blocks = rows.div_ceil(ROWS).max(self.blocks.len());
        self.blocks.resize(blocks, vec![[ZERO; ROWS]; self.columns]);
    }

    /// `[P s] ← [P s] G`, without its last column.
    #[inline(always)]
    pub(super) fn absorb_column(&mut self, column: &[Lane], rotations: &[(Lane, Lane)]) {
        self.make_room(column.len());
        for (block, mut rest) in self.blocks.iter_mut().zip(strips(column)) {
            for (strip, &(cos, sin)) in block.iter_mut().zip(rotations).rev() {
                for (a, b) in strip.iter_mut().zip(&mut rest) {
                    rotate(a, b, cos, sin);
                }
            }
        }
    }

    /// `‖P R⁻¹‖²_F`; `x` is workspace.
    #[inline(always)]
    pub(super) fn solve(&self, triangle: &Triangle, reciprocals: &[Lane], x: &mut [Strip]) -> Lane {
        let mut sum = ZERO;
        for block in &self.blocks {
            let x = &mut x[..block.len()];
            x.copy_from_slice(block);
            sum = add(sum, triangle.solve(reciprocals, x, 0));
        }
        sum
    }

    /// `‖P R⁻ᵀ‖²_F`; `x` is workspace.
    #[inline(always)]
    pub(super) fn solve_transposed(
        &self,
        triangle: &Triangle,
        reciprocals: &[Lane],
        x: &mut [Strip],
    ) -> Lane {
        let mut sum = ZERO;
        for block in &self.blocks {
            let x = &mut x[..block.len()];
            x.copy_from_slice(block);
            sum = add(sum, triangle.solve_transposed(reciprocals, x));
        }
        sum
    }

    /// Returns one lane's `P`.
    pub(super) fn lane(&self, lane: usize) -> Array2<f64> {
        Array2::from_shape_fn((self.blocks.len() * ROWS, self.columns), |(i, j)| {
            self.blocks[i / ROWS][j][i % ROWS][lane]
        })
    }
}

/// Splits a column into pieces of four rows, followed by zeros.
#[inline(always)]
fn strips(column: &[Lane]) -> impl Iterator<Item = Strip> + '_ {
    let piece = |rows: &[Lane]| std::array::from_fn(|row| rows.get(row).copied().unwrap_or(ZERO));
    column.chunks(ROWS).map(piece).chain(std::iter::repeat([ZERO; ROWS]))
}
