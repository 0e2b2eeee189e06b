//! Products of rows with many zeros in them, such as images: zeros are skipped.

// All must be inlined into one function per instruction set.
#![allow(clippy::inline_always)]

use crate::Error;
use crate::machine::instructions::arch;
use crate::machine::memory::zeros;
use pulp::Simd;

/// Frequencies that are multiplied at once.
pub(super) const COLUMNS: usize = 48;
/// Inputs whose share of a panel, 24 KiB, stays in the fastest cache.
const CHUNK: usize = 64;
/// Doubles on a line of the cache. Registers that cross lines load at half the speed.
const LINE: usize = 8;

/// Whether a row has so many zeros that it is worth to skip them: a tenth of at least 64 entries.
pub(super) fn is_sparse(row: &[f64]) -> bool {
    row.len() >= CHUNK && 10 * row.iter().filter(|v| **v != 0.0).count() <= 9 * row.len()
}

/// The entries other than zero of some rows, chunk of inputs by chunk and in each row by row.
#[derive(Debug, Default)]
pub(super) struct SparseRows {
    values: Vec<f64>,
    /// Where in their chunk.
    places: Vec<u8>,
    /// Where each chunk of each row ends among the values.
    ends: Vec<usize>,
    rows: usize,
}

impl SparseRows {
    /// Takes the place of what was there: `rows` are slices of `inputs` entries.
    pub fn replace<'a>(&mut self, rows: impl Iterator<Item = &'a [f64]> + Clone, inputs: usize) {
        self.rows = rows.clone().count();
        // And one that is written over.
        let most = rows.clone().flatten().filter(|v| **v != 0.0).count() + 1;
        self.values.resize(most, 0.0);
        self.places.resize(most, 0);
        self.ends.clear();
        let mut end = 0;
        for chunk in 0..inputs.div_ceil(CHUNK) {
            for row in rows.clone() {
                let entries = row[chunk * CHUNK..].iter().take(CHUNK);
                for (place, value) in (0..).zip(entries) {
                    // Without a branch: what is zero is written over.
                    self.values[end] = *value;
                    self.places[end] = place;
                    end += usize::from(*value != 0.0);
                }
                self.ends.push(end);
            }
        }
    }

    /// `x·w` of every row and every frequency of a panel, row by row: `rows × COLUMNS`. Each is one sum from the
    /// first entry to the last, whatever the other rows.
    pub fn times(&self, (panels, index): (&Panels, usize), products: &mut [f64]) {
        arch().dispatch(Product { rows: self, panel: panels.panel(index), products });
    }
}

/// Frequencies in panels of `COLUMNS`, each input by input and filled up with zeros to whole chunks.
#[derive(Debug)]
pub(super) struct Panels {
    entries: Vec<f64>,
    /// Where they begin: at a line of the cache.
    start: usize,
    /// Entries of a panel.
    whole: usize,
}

impl Panels {
    /// Of frequencies given one by one, each of `inputs` entries: whole panels of them.
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
            // A few inputs at a time: what is read and what is written then stay in the fastest cache.
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
        // As many sums side by side as registers hold beside the rest.
        if S::F64_LANES == 8 { self.strips::<S, 6>(simd) } else { self.strips::<S, 12>(simd) }
    }
}

impl Product<'_> {
    /// In strips of `WIDTH` registers.
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
