//! A QR factorisation updated with blocks of rows.

use super::panel::{WIDE, reduce_panels};
use super::product::multiply;
use super::reflect::reduce_in_place;
use super::tiles::Accum;
use super::triangular::{solve_from_first, solve_from_last};
use crate::machine::large_pages;
use crate::machine::turned::{by_columns, fill_columns};
use ndarray::{Array2, ArrayView2, ArrayViewMut2, Axis, ShapeBuilder, s};
use std::cell::RefCell;
use std::ops::Range;

/// Rows solved together.
const SOLVED: usize = 64;

/// `A = Q R` of the rows so far, with upper trapezoidal `R` (`min(m, columns)` rows after `m` rows of `A`), and `Qᵀ Y`
/// of the carried columns. The leading `p` columns of `R` and `Q` belong to the leading `p` columns of `A`.
///
/// Row `i` of `R` is stored where row `i` of `A` was added; rows beyond `columns` are not stored. Reflections are not
/// kept. The same bits on any number of threads.
#[derive(Debug)]
pub(crate) struct StreamedQr {
    /// `[R | Qᵀ Y]`, zero below the diagonal of `R`.
    upper: Array2<f64>,
    columns: usize,
    rows: usize,
    /// Squared norm of the part outside the span of the columns, for each carried column.
    outside: Vec<f64>,
    /// Workspace for temporary products.
    room: Vec<f64>,
    /// Memory of the last block or table: fresh memory from the system is slow on first access.
    kept: RefCell<Vec<f64>>,
}

impl StreamedQr {
    /// For at most `rows` rows of `columns` columns, and `carried` further columns that are only transformed.
    pub(crate) fn new(rows: usize, columns: usize, carried: usize) -> Self {
        Self::in_memory(Vec::new(), (rows, columns, carried))
    }

    /// Like [`Self::new`], reusing the memory of an earlier factorisation.
    pub(crate) fn in_memory(memory: Vec<f64>, (rows, columns, carried): (usize, usize, usize)) -> Self {
        Self {
            upper: table(memory, (rows.min(columns), columns + carried)),
            columns,
            rows: 0,
            outside: vec![0.0; carried],
            room: Vec::new(),
            kept: RefCell::default(),
        }
    }

    /// Returns a copy that continues from here.
    pub(crate) fn branch(&self) -> Self {
        Self {
            upper: self.upper.clone(),
            columns: self.columns,
            rows: self.rows,
            outside: self.outside.clone(),
            room: Vec::new(),
            kept: RefCell::default(),
        }
    }

    /// Returns its memory for reuse.
    pub(crate) fn into_memory(self) -> Vec<f64> {
        self.upper.into_raw_vec_and_offset().0
    }

    /// Rows so far.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// Rows of `R`.
    fn height(&self) -> usize {
        self.rows.min(self.columns)
    }

    /// Adds rows `[A | Y]`; `Y` is ignored if no columns are carried.
    pub(crate) fn append(&mut self, a: ArrayView2<'_, f64>, y: ArrayView2<'_, f64>) {
        let (count, width) = (a.nrows(), self.upper.ncols());
        let mut block = table(self.kept.take(), (count, width));
        fill_columns(block.slice_mut(s![.., ..self.columns]), a.slice_move(s![.., ..self.columns]), |v| v);
        if self.columns < width {
            block.slice_mut(s![.., self.columns..]).assign(&y);
        }
        self.append_block(block.view_mut());
        self.keep(block);
    }

    fn append_block(&mut self, mut block: ArrayViewMut2<'_, f64>) {
        let (count, height) = (block.nrows(), self.height());
        for first in (0..height).step_by(WIDE) {
            let (upper, columns) = (self.upper.view_mut(), first..height.min(first + WIDE));
            reduce_panels(upper, block.view_mut(), columns, &mut self.room);
        }
        let lead = count.min(self.columns - height);
        if lead > 0 {
            let mut rest = block.slice_mut(s![.., height..]);
            let _ = reduce_in_place(rest.view_mut(), lead);
            let mut added = self.upper.slice_mut(s![height..height + lead, height..]);
            added.assign(&rest.slice(s![..lead, ..]));
            for j in 0..lead {
                added.slice_mut(s![j + 1.., j]).fill(0.0);
            }
        }
        for (k, outside) in self.outside.iter_mut().enumerate() {
            let left = block.column(self.columns + k);
            *outside += (lead..count).map(|i| left[i] * left[i]).sum::<f64>();
        }
        self.rows += count;
    }

    /// All entries of a column of `[R | Qᵀ Y]`.
    fn entries(&self, column: usize) -> &[f64] {
        self.upper.column(column).to_slice().unwrap_or_default()
    }

    /// Column `j` of `R`, up to the diagonal.
    pub(crate) fn column(&self, j: usize) -> &[f64] {
        &self.entries(j)[..self.height().min(j + 1)]
    }

    /// `Qᵀ y` for carried column `k`.
    pub(crate) fn carried(&self, k: usize) -> &[f64] {
        &self.entries(self.columns + k)[..self.height()]
    }

    /// `‖y − Q Qᵀ y‖²` for carried column `k`.
    pub(crate) fn outside(&self, k: usize) -> f64 {
        self.outside[k]
    }

    /// Computes `R_p⁻¹ b` for each `b` (`p × k`), with the leading `p × p` triangle; `p` ascends. All are solved
    /// together, so that `R` is read once and most of the work is matrix products.
    pub(crate) fn solve(&self, groups: &[Array2<f64>]) -> Vec<Array2<f64>> {
        let height = groups.last().map_or(0, Array2::nrows);
        let (mut all, places) = self.side_by_side(groups, height);
        let width = all.ncols();
        for first in (0..height).step_by(SOLVED).rev() {
            let size = SOLVED.min(height - first);
            let reach = |rows: usize| groups.partition_point(|b| b.nrows() < rows);
            let mut solve = |columns: Range<usize>, size: usize| {
                let places = first..first + size;
                let to = all.slice_mut(s![places.clone(), columns]);
                solve_from_last(self.upper.slice(s![places.clone(), places]), to);
            };
            let (some, full) = (reach(first + 1), reach(first + size));
            // These end within the block: what is below their ends stays 0.
            for (b, place) in groups[some..full].iter().zip(&places[some..full]) {
                solve(place.clone(), b.nrows() - first);
            }
            let start = |group: usize| places.get(group).map_or(width, |place| place.start);
            solve(start(full)..width, size);
            let active = all.slice_mut(s![.., start(some)..]);
            let (above, found) = active.split_at(Axis(0), first);
            let beside = self.upper.slice(s![..first, first..first + size]);
            multiply(above, Accum::Add, beside, found.slice(s![..size, ..]), -1.0);
        }
        let of_groups = groups.iter().zip(places);
        let found = of_groups.map(|(b, columns)| all.slice(s![..b.nrows(), columns]).to_owned()).collect();
        self.keep(all);
        found
    }

    /// `R_p⁻ᵀ b` for `b` (`p × k`).
    pub(crate) fn solve_transposed(&self, b: ArrayView2<'_, f64>) -> Array2<f64> {
        let mut x = by_columns(b);
        let p = b.nrows();
        solve_from_first(self.upper.slice(s![..p, ..p]).t(), x.view_mut());
        x
    }

    /// Copies the groups next to each other into one matrix of `rows` rows, zero below each, and returns each group's
    /// columns.
    fn side_by_side(&self, groups: &[Array2<f64>], rows: usize) -> (Array2<f64>, Vec<Range<usize>>) {
        let mut width = 0;
        let places = groups.iter().map(|b| {
            width += b.ncols();
            width - b.ncols()..width
        });
        let places: Vec<_> = places.collect();
        let mut all = table(self.kept.take(), (rows, width));
        for (b, columns) in groups.iter().zip(&places) {
            all.slice_mut(s![..b.nrows(), columns.clone()]).assign(b);
        }
        (all, places)
    }

    fn keep(&self, table: Array2<f64>) {
        self.kept.replace(table.into_raw_vec_and_offset().0);
    }
}

/// Returns column-major zeros.
fn table(mut memory: Vec<f64>, (rows, columns): (usize, usize)) -> Array2<f64> {
    large_pages::fill_with_zeros(&mut memory, rows * columns);
    Array2::from_shape_vec((rows, columns).f(), memory).unwrap_or_default()
}
