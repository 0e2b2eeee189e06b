//! Products with the reflections of the reduction, in blocks.

use super::super::householder::{factor, recommended_block_size, scratch};
use super::super::product::by_panels;
use super::super::reflect::block_factors;
use super::super::space::with_space;
use super::LARGE;
use super::reduction::Reduction;
use crate::machine::large_pages::fill_with_zeros;
use faer::linalg::householder::{
    apply_block_householder_sequence_on_the_left_in_place_scratch as sequence_scratch,
    apply_block_householder_sequence_on_the_left_in_place_with_conj as apply_sequence,
};
use faer::{Conj, MatMut, MatRef, Par};
use ndarray::{ArrayView2, ArrayViewMut2, ShapeBuilder};
use std::sync::atomic::{AtomicBool, Ordering};

/// Least columns of a panel: each panel repacks the reflections.
const PANEL: usize = 384;

/// Copies `x` to column-major storage with column stride `stride`.
pub(super) fn copy(x: ArrayView2<'_, f64>, to: &mut [f64], stride: usize) {
    let (rows, columns) = x.dim();
    if let Some(entries) = x.reversed_axes().as_slice() {
        for (to, column) in to.chunks_exact_mut(stride).zip(entries.chunks_exact(rows)) {
            to[..rows].copy_from_slice(column);
        }
    } else if let Ok(mut to) = ArrayViewMut2::from_shape((rows, columns).strides((1, stride)), to) {
        to.assign(&x);
    }
}

/// Applies reflections, and keeps the memory of their factors for reuse.
#[derive(Debug, Default)]
pub(super) struct Reflections {
    factor: Vec<f64>,
}

impl Reflections {
    /// `x ← Q x`, on the leading rows if columns, of `length` entries, are longer.
    pub(super) fn left(&mut self, reduction: &Reduction, x: &mut [f64], length: usize) -> Result<(), String> {
        let columns = reduction.left.len();
        let rows = reduction.rows();
        let basis =
            MatRef::from_column_major_slice_with_stride(&reduction.x, rows, columns, reduction.stride());
        let x = MatMut::from_column_major_slice_with_stride_mut(x, rows, columns, length);
        self.apply(basis, &reduction.left, x)
    }

    /// `x ← P x`.
    pub(super) fn right(&mut self, reduction: &Reduction, x: &mut [f64]) -> Result<(), String> {
        let columns = reduction.right.len();
        let count = columns - 1;
        if count == 0 {
            return Ok(());
        }
        let basis =
            MatRef::from_column_major_slice(reduction.p(), columns, columns).submatrix(1, 0, count, count);
        let x = MatMut::from_column_major_slice_mut(x, columns, columns).subrows_mut(1, count);
        self.apply(basis, &reduction.right[..count], x)
    }

    fn apply(&mut self, basis: MatRef<'_, f64>, taus: &[f64], x: MatMut<'_, f64>) -> Result<(), String> {
        let (rows, count) = basis.shape();
        let block = recommended_block_size::<f64>(rows, count);
        self.factor.clear();
        self.factor.resize(block * count, 0.0);
        let mut factor = MatMut::from_column_major_slice_mut(&mut self.factor, block, count);
        block_factors(factor.as_mut(), basis, taus);
        apply(basis, factor.as_ref(), x)
    }
}

/// `x ← Q x` for the reflections of `basis` and their block factors: for a large matrix in panels, on all threads.
fn apply(basis: MatRef<'_, f64>, factor: MatRef<'_, f64>, x: MatMut<'_, f64>) -> Result<(), String> {
    if x.ncols() < LARGE {
        return apply_to_panel(basis, factor, x).ok_or_else(no_memory);
    }
    let lacks_memory = AtomicBool::new(false);
    by_panels(x, PANEL, 2 * basis.nrows() * basis.ncols(), |panel| {
        if apply_to_panel(basis, factor, panel).is_none() {
            lacks_memory.store(true, Ordering::Relaxed);
        }
    });
    if lacks_memory.into_inner() { Err(no_memory()) } else { Ok(()) }
}

/// Returns `None` if there is no memory for the workspace.
fn apply_to_panel(basis: MatRef<'_, f64>, factor: MatRef<'_, f64>, x: MatMut<'_, f64>) -> Option<()> {
    let needed = sequence_scratch::<f64>(basis.nrows(), factor.nrows(), x.ncols());
    with_space(needed, |stack| {
        apply_sequence(basis, factor, Conj::No, x, Par::Seq, stack);
    })
}

fn no_memory() -> String {
    "no memory for the workspace of a product with reflections".into()
}

/// QR factorisation `X = Q R` of a long matrix.
#[derive(Debug, Default)]
pub(super) struct Triangle {
    rows: usize,
    columns: usize,
    factors: Vec<f64>,
    coefficients: Vec<f64>,
}

impl Triangle {
    pub(super) fn factorise(&mut self, x: ArrayView2<'_, f64>) -> Result<(), String> {
        (self.rows, self.columns) = x.dim();
        fill_with_zeros(&mut self.factors, x.len());
        copy(x, &mut self.factors, self.rows);
        let block = recommended_block_size::<f64>(self.rows, self.columns);
        self.coefficients.clear();
        self.coefficients.resize(block * self.columns, 0.0);
        let factors = MatMut::from_column_major_slice_mut(&mut self.factors, self.rows, self.columns);
        let coefficients = MatMut::from_column_major_slice_mut(&mut self.coefficients, block, self.columns);
        with_space(scratch(self.rows, self.columns, block), |stack| factor(factors, coefficients, stack))
            .ok_or_else(no_memory)
    }

    /// Copies `R`, to be reduced.
    pub(super) fn copy(&self, reduction: &mut Reduction) {
        reduction.resize(self.columns, self.columns);
        let stride = reduction.stride();
        let columns = reduction.x.chunks_exact_mut(stride).zip(self.factors.chunks_exact(self.rows));
        for (j, (to, column)) in columns.enumerate() {
            to[..=j].copy_from_slice(&column[..=j]);
        }
    }

    /// `x ← Q x`, where the rows of `x` after the leading ones are zero.
    pub(super) fn multiply(&self, x: &mut [f64]) -> Result<(), String> {
        let block = recommended_block_size::<f64>(self.rows, self.columns);
        let basis = MatRef::from_column_major_slice(&self.factors, self.rows, self.columns);
        let coefficients = MatRef::from_column_major_slice(&self.coefficients, block, self.columns);
        let x = MatMut::from_column_major_slice_mut(x, self.rows, self.columns);
        apply(basis, coefficients, x)
    }
}
