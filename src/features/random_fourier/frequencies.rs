//! Frequencies and phases, and the products `X Wᵀ`, tile by tile.

use crate::Error;
use crate::features::trigonometric::GROUP;
use crate::features::zeros;
use crate::svd::times_transposed;
use ndarray::{Array2, ArrayView2, Axis, s};
use std::ops::Range;

/// A tile's rows and columns: 384 KiB, which stay in the cache until their cosines are taken.
const ROWS: usize = 1024;
const COLUMNS: usize = 2 * GROUP;

/// `P` frequencies of `d` inputs and their phases, filled up with zeros to whole tiles.
#[derive(Clone, Debug)]
pub(super) struct Frequencies {
    /// A row for each frequency, then rows of zeros.
    rows: Array2<f64>,
    phases: Vec<f64>,
    /// `P`.
    count: usize,
}

/// The fewest rows and columns of a product; columns are filled up to a multiple of it.
///
/// Products of 4096 multiplications and fewer, and those with vectors, go through other code, which adds in
/// another order. Above that an entry is one sum from first to last, whatever the shape: its bits do not depend
/// on the tile it is in.
fn fewest(inputs: usize) -> usize {
    if inputs > 4096 / (GROUP * GROUP) { GROUP } else { 2 * GROUP }
}

impl Frequencies {
    /// `count` (`P`) frequencies of `inputs` (`d`) dimensions, all 0.
    pub fn zeros(inputs: usize, count: usize) -> Result<Self, Error> {
        if inputs == 0 || count == 0 {
            return Err(Error::Empty { what: "the list of frequencies" });
        }
        let fewest = fewest(inputs);
        let filled = count.checked_next_multiple_of(fewest).unwrap_or(usize::MAX);
        let rows = zeros("the frequencies", filled, inputs)?;
        Ok(Self { rows, phases: vec![0.0; filled], count })
    }

    pub fn inputs(&self) -> usize {
        self.rows.ncols()
    }

    pub fn count(&self) -> usize {
        self.count
    }

    /// `P × d`.
    pub fn frequencies(&self) -> ArrayView2<'_, f64> {
        self.rows.slice(s![..self.count, ..])
    }

    pub fn phases(&self) -> &[f64] {
        &self.phases[..self.count]
    }

    /// The phases of a tile, those of the rows of zeros included.
    pub fn phases_of(&self, tile: Range<usize>) -> &[f64] {
        &self.phases[tile]
    }

    pub fn clear_phases(&mut self) {
        self.phases.fill(0.0);
    }

    /// Each frequency as a slice, with its phase.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (&mut [f64], &mut f64)> {
        let (inputs, count) = (self.inputs(), self.count);
        let rows = self.rows.as_slice_mut().unwrap_or_default().chunks_exact_mut(inputs);
        rows.zip(&mut self.phases).take(count)
    }

    /// Calls `each` with the rows of a tile, its frequencies (which may begin before the wanted ones, and end
    /// after them, after `P` even) and the products `x·w`, row by row.
    pub fn each_tile(
        &self,
        inputs: ArrayView2<'_, f64>,
        wanted: Range<usize>,
        mut each: impl FnMut(Range<usize>, Range<usize>, &mut [f64]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let d = self.inputs();
        let fewest = fewest(d);
        let all = wanted.start / fewest * fewest..wanted.end.next_multiple_of(fewest);
        let weights = self.rows.as_slice().unwrap_or_default();
        let most_rows = ROWS.min(inputs.nrows().max(fewest));
        let mut products = vec![0.0; most_rows * COLUMNS.min(all.len())];
        let mut filled = Vec::new();
        for (block, inputs) in inputs.axis_chunks_iter(Axis(0), ROWS).enumerate() {
            let rows = block * ROWS..block * ROWS + inputs.nrows();
            let height = rows.len().max(fewest);
            let values = match inputs.as_slice() {
                Some(values) if height == rows.len() => values,
                _ => {
                    filled.clear();
                    filled.extend(inputs.iter());
                    filled.resize(height * d, 0.0);
                    &filled
                }
            };
            for start in all.clone().step_by(COLUMNS) {
                let tile = start..all.end.min(start + COLUMNS);
                let products = &mut products[..height * tile.len()];
                let of_tile = &weights[tile.start * d..tile.end * d];
                times_transposed(values, of_tile, products, (height, tile.len(), d));
                each(rows.clone(), tile, products)?;
            }
        }
        Ok(())
    }
}
