//! Products with rows that hold many zeros, such as images. The zeros are skipped.

// All must be inlined into one function per instruction set.
#![allow(clippy::inline_always)]

use crate::Error;
use crate::machine::instructions::arch;
use crate::machine::memory::zeros;
use pulp::Simd;

/// The number of frequencies multiplied at once.
pub(super) const COLUMNS: usize = 48;
/// Inputs per chunk: their part of a panel, 24 KiB, stays in the L1 cache.
const CHUNK: usize = 64;
/// Doubles per cache line. Vector loads that cross a line run at half the speed.
const LINE: usize = 8;

/// Whether a row has enough zeros to be worth skipping: at least a tenth of its entries, of which there are at
/// least 64.
pub(super) fn is_sparse(row: &[f64]) -> bool {
    row.len() >= CHUNK && 10 * row.iter().filter(|v| **v != 0.0).count() <= 9 * row.len()
}

/// The non-zero entries of some rows, ordered by chunk of inputs, then by row.
#[derive(Debug, Default)]
pub(super) struct SparseRows {
    values: Vec<f64>,
    /// The position of each value in its chunk.
    places: Vec<u8>,
    /// The index into `values` at which each chunk of each row ends.
    ends: Vec<usize>,
    rows: usize,
}

impl SparseRows {
    /// Replaces the contents by those of `rows`, slices of `inputs` entries.
    pub fn replace<'a>(&mut self, rows: impl Iterator<Item = &'a [f64]> + Clone, inputs: usize) {
        self.rows = rows.clone().count();
        // Plus one that may be overwritten.
        let most = rows.clone().flatten().filter(|v| **v != 0.0).count() + 1;
        self.values.resize(most, 0.0);
        self.places.resize(most, 0);
        self.ends.clear();
        let mut end = 0;
        for chunk in 0..inputs.div_ceil(CHUNK) {
            for row in rows.clone() {
                let entries = row[chunk * CHUNK..].iter().take(CHUNK);
                for (place, value) in (0..).zip(entries) {
                    // Without a branch: a zero is overwritten by the next entry.
                    self.values[end] = *value;
                    self.places[end] = place;
                    end += usize::from(*value != 0.0);
                }
                self.ends.push(end);
            }
        }
    }

    /// Computes `x·w` for every row and every frequency of a panel, row-major: `rows × COLUMNS`. Each is one sum from
    /// the first entry to the last, whatever the other rows are.
    pub fn times(&self, (panels, index): (&Panels, usize), products: &mut [f64]) {
        arch().dispatch(Product { rows: self, panel: panels.panel(index), products });
    }
}

/// Frequencies in panels of `COLUMNS`; a panel is ordered by input and padded with zeros to whole chunks.
#[derive(Debug)]
pub(super) struct Panels {
    entries: Vec<f64>,
    /// The index of the first panel, at the start of a cache line.
    start: usize,
    /// The number of entries of a panel.
    whole: usize,
}

impl Panels {
    /// Makes panels of row-major frequencies, each of `inputs` entries. Their number must be a multiple of `COLUMNS`.
    ///
    /// # Errors
    /// [`Error::Memory`] if they do not fit into memory.
    pub fn new(frequencies: &[f64], inputs: usize) -> Result<Self, Error> {
        let whole = inputs.next_multiple_of(CHUNK) * COLUMNS;
        let given = frequencies.chunks_exact(inputs * COLUMNS);
        let mut entries =
            zeros("the panels of frequencies", given.len() * whole + LINE, 1)?.into_raw_vec_and_offset().0;
        let start = entries.as_ptr().align_offset(LINE * size_of::<f64>()).min(LINE);
        for (panel, given) in entries[start..].chunks_exact_mut(whole).zip(given) {
            let panel = panel.as_chunks_mut::<COLUMNS>().0;
            // A few inputs at a time, so that reads and writes stay in the L1 cache.
            for first in (0..inputs).step_by(LINE) {
                let last = inputs.min(first + LINE);
                for (column, frequency) in given.chunks_exact(inputs).enumerate() {
                    for (to, from) in panel[first..last].iter_mut().zip(&frequency[first..last]) {
                        to[column] = *from;
                    }
                }
            }
        }
        Ok(Self { entries, start, whole })
    }

    fn panel(&self, index: usize) -> &[f64] {
        &self.entries[self.start + index * self.whole..][..self.whole]
    }
}

struct Product<'a> {
    rows: &'a SparseRows,
    panel: &'a [f64],
    products: &'a mut [f64],
}

impl pulp::WithSimd for Product<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        // As many sums at once as fit into the registers next to the other operands.
        if S::F64_LANES == 8 { self.strips::<S, 6>(simd) } else { self.strips::<S, 12>(simd) }
    }
}

impl Product<'_> {
    /// Computes the products in strips of `WIDTH` registers.
    #[inline(always)]
    fn strips<S: Simd, const WIDTH: usize>(self, simd: S) {
        let strips = COLUMNS / (WIDTH * S::F64_LANES);
        let SparseRows { values, places, ends, rows } = self.rows;
        let panel = S::as_simd_f64s(self.panel).0.as_chunks::<WIDTH>().0;
        let products = S::as_mut_simd_f64s(self.products).0.as_chunks_mut::<WIDTH>().0;
        let mut start = 0;
        for (chunk, (panel, ends)) in
            panel.chunks_exact(CHUNK * strips).zip(ends.chunks_exact(*rows)).enumerate()
        {
            for (sums, end) in products.chunks_exact_mut(strips).zip(ends) {
                let (values, places) = (&values[start..*end], &places[start..*end]);
                start = *end;
                for (strip, kept) in sums.iter_mut().enumerate() {
                    let mut sums = if chunk == 0 { [simd.splat_f64s(0.0); WIDTH] } else { *kept };
                    for (value, place) in values.iter().zip(places) {
                        let value = simd.splat_f64s(*value);
                        let weights = &panel[usize::from(*place) * strips + strip];
                        for (sum, weight) in sums.iter_mut().zip(weights) {
                            *sum = simd.mul_add_e_f64s(value, *weight, *sum);
                        }
                    }
                    *kept = sums;
                }
            }
        }
    }
}
