//! Frequencies and phases, and the products `X Wᵀ`, computed tile by tile.

use super::sparse_rows::{COLUMNS, Panels, SparseRows, is_sparse};
use crate::Error;
use crate::features::trigonometric::GROUP;
use crate::machine::memory::zeros;
use crate::svd::times_transposed;
use ndarray::{Array2, ArrayView2, s};
use std::cell::Cell;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

/// Rows of a tile. With its columns a tile takes 384 KiB, which stays in the cache until the cosines are computed.
const ROWS: usize = 1024;

/// The largest input dimension for which the memory of tiles is kept: 32 MiB.
const KEPT: usize = 2048;

thread_local! {
    /// The workspace of the last tiles on this thread, kept because newly allocated memory is slow at first touch.
    static ROOM: Cell<Room> = Cell::default();
}

/// Workspace for tiles.
#[derive(Debug, Default)]
struct Room {
    products: Vec<f64>,
    nonzero: SparseRows,
    filled: Vec<f64>,
}

/// `P` frequencies of dimension `d` and their phases, padded with zeros to whole tiles.
#[derive(Clone, Debug)]
pub(super) struct Frequencies {
    /// A row for each frequency, then rows of zeros.
    rows: Array2<f64>,
    phases: Vec<f64>,
    /// The number of frequencies `P`, without the padding.
    count: usize,
    /// The same frequencies in the layout for sparse rows, made when the first sparse row occurs.
    panels: OnceLock<Arc<Panels>>,
}

/// Compares frequencies and phases; whether `panels` have been made yet does not matter.
impl PartialEq for Frequencies {
    fn eq(&self, other: &Self) -> bool {
        (self.count, &self.rows, &self.phases) == (other.count, &other.rows, &other.phases)
    }
}

/// The fewest rows of a product; smaller ones are padded with zero rows.
///
/// Products of at most 4096 multiplications, and products with vectors, take another code path, which adds in another
/// order. Above that size each entry is summed from first to last, whatever the shape, so its bits do not depend on its
/// tile.
fn fewest(inputs: usize) -> usize {
    if inputs > 4096 / (GROUP * COLUMNS) { GROUP } else { COLUMNS }
}

impl Frequencies {
    /// Makes `count` (`P`) frequencies of dimension `inputs` (`d`), all 0.
    pub fn zeros(inputs: usize, count: usize) -> Result<Self, Error> {
        if inputs == 0 || count == 0 {
            return Err(Error::Empty { what: "the list of frequencies" });
        }
        let filled = count.checked_next_multiple_of(COLUMNS).unwrap_or(usize::MAX);
        let rows = zeros("the frequencies", filled, inputs)?;
        Ok(Self { rows, phases: vec![0.0; filled], count, panels: OnceLock::new() })
    }

    pub fn inputs(&self) -> usize {
        self.rows.ncols()
    }

    pub fn count(&self) -> usize {
        self.count
    }

    /// The frequencies `W`, `P × d`.
    pub fn frequencies(&self) -> ArrayView2<'_, f64> {
        self.rows.slice(s![..self.count, ..])
    }

    pub fn phases(&self) -> &[f64] {
        &self.phases[..self.count]
    }

    /// The phases of a tile, including those of the padding.
    pub fn phases_of(&self, tile: Range<usize>) -> &[f64] {
        &self.phases[tile]
    }

    pub fn clear_phases(&mut self) {
        self.phases.fill(0.0);
    }

    /// Iterates over the frequencies as slices, with their phases.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (&mut [f64], &mut f64)> {
        self.panels.take();
        let (inputs, count) = (self.inputs(), self.count);
        let rows = self.rows.as_slice_mut().unwrap_or_default().chunks_exact_mut(inputs);
        rows.zip(&mut self.phases).take(count)
    }

    /// Calls `each` with the rows of a tile, its frequencies and the products `x·w`, row-major. The frequencies may
    /// begin before the wanted ones and end after them, even beyond `P`.
    pub fn each_tile(
        &self,
        inputs: ArrayView2<'_, f64>,
        wanted: Range<usize>,
        mut each: impl FnMut(&[usize], Range<usize>, &mut [f64]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let inputs = inputs.as_standard_layout();
        let row = |row: usize| &inputs.as_slice().unwrap_or_default()[row * self.inputs()..][..self.inputs()];
        // Each row is classified on its own, so that its bits do not depend on the other rows.
        let (sparse, dense): (Vec<usize>, Vec<usize>) =
            (0..inputs.nrows()).partition(|index| is_sparse(row(*index)));
        let tiles = || {
            let all = wanted.start / COLUMNS * COLUMNS..wanted.end.next_multiple_of(COLUMNS);
            all.step_by(COLUMNS).map(|start| start..start + COLUMNS)
        };
        let fewest = fewest(self.inputs());
        let most = sparse.len().max(dense.len()).clamp(fewest, ROWS);
        let mut room = ROOM.take();
        let Room { products, nonzero, filled } = &mut room;
        products.resize(products.len().max(most * COLUMNS), 0.0);
        for rows in sparse.chunks(ROWS) {
            nonzero.replace(rows.iter().map(|index| row(*index)), self.inputs());
            for tile in tiles() {
                let products = &mut products[..rows.len() * COLUMNS];
                nonzero.times((self.panels()?, tile.start / COLUMNS), products);
                each(rows, tile, products)?;
            }
        }
        for rows in dense.chunks(ROWS) {
            filled.clear();
            for index in rows {
                filled.extend_from_slice(row(*index));
            }
            let height = rows.len().max(fewest);
            filled.resize(height * self.inputs(), 0.0);
            for tile in tiles() {
                let products = &mut products[..height * COLUMNS];
                let size = (height, COLUMNS, self.inputs());
                times_transposed(filled, self.of_tile(&tile), products, size);
                each(rows, tile, products)?;
            }
        }
        if self.inputs() <= KEPT {
            ROOM.set(room);
        }
        Ok(())
    }

    /// Makes the panels if any of these rows needs them, so that threads do not each make their own.
    pub fn prepare(&self, inputs: ArrayView2<'_, f64>) -> Result<(), Error> {
        let inputs = inputs.as_standard_layout();
        let mut rows = inputs.as_slice().unwrap_or_default().chunks_exact(self.inputs());
        if rows.any(is_sparse) { self.panels().map(drop) } else { Ok(()) }
    }

    fn panels(&self) -> Result<&Panels, Error> {
        if let Some(panels) = self.panels.get() {
            return Ok(panels);
        }
        let made = Panels::new(self.rows.as_slice().unwrap_or_default(), self.inputs())?;
        Ok(self.panels.get_or_init(|| Arc::new(made)))
    }

    /// The frequencies of a tile, row-major.
    fn of_tile(&self, tile: &Range<usize>) -> &[f64] {
        &self.rows.as_slice().unwrap_or_default()[tile.start * self.inputs()..tile.end * self.inputs()]
    }
}
