//! Products with the reflections of the reduction, in blocks if there are many.

// Must be inlined into one function per instruction set.
#![allow(clippy::inline_always)]

use super::super::householder::{block_factors, block_size, factor, reflect_all};
use super::super::product::by_panels;
use super::super::sums::Sums;
use super::LARGE;
use super::reduction::Reduction;
use crate::machine::instructions::arch;
use crate::machine::large_pages::fill_with_zeros;
use crate::machine::views::{columns_of, columns_of_mut};
use ndarray::{ArrayView2, ArrayViewMut2, Axis, ShapeBuilder, s};
use pulp::{Simd, WithSimd};

/// Least columns of a panel: each panel repacks the reflections.
const PANEL: usize = 384;

/// Most reflections applied one by one: for so few, the products of a block would mostly be preparations.
const FEW: usize = 32;

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
    pub(super) fn left(&mut self, reduction: &Reduction, x: &mut [f64], length: usize) {
        let (rows, columns) = (reduction.rows(), reduction.left.len());
        let basis = columns_of(&reduction.x, (rows, columns), reduction.stride());
        self.apply(basis, &reduction.left, columns_of_mut(x, (rows, columns), length));
    }

    /// `x ← P x`.
    pub(super) fn right(&mut self, reduction: &Reduction, x: &mut [f64]) {
        let columns = reduction.right.len();
        let count = columns - 1;
        let basis = columns_of(reduction.p(), (columns, columns), columns).slice_move(s![1.., ..count]);
        let x = columns_of_mut(x, (columns, columns), columns).slice_move(s![1.., ..]);
        self.apply(basis, &reduction.right[..count], x);
    }

    fn apply(&mut self, basis: ArrayView2<'_, f64>, taus: &[f64], x: ArrayViewMut2<'_, f64>) {
        let (rows, count) = basis.dim();
        if count <= FEW {
            return arch().dispatch(OneByOne { basis, taus, x });
        }
        let block = block_size(rows, count);
        self.factor.clear();
        self.factor.resize(block * count, 0.0);
        block_factors(columns_of_mut(&mut self.factor, (block, count), block), basis, taus);
        apply(basis, columns_of(&self.factor, (block, count), block), x);
    }
}

/// `x ← Q x`, one reflection after the other, the last first.
struct OneByOne<'a> {
    basis: ArrayView2<'a, f64>,
    taus: &'a [f64],
    x: ArrayViewMut2<'a, f64>,
}

impl WithSimd for OneByOne<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (Self { basis, taus, mut x }, sums) = (self, Sums(simd));
        for (k, (vector, tau)) in basis.axis_iter(Axis(1)).zip(taus).enumerate().rev() {
            let Some(tail) = vector.to_slice().and_then(|vector| vector.get(k + 1..)) else { continue };
            for column in x.axis_iter_mut(Axis(1)) {
                let Some((head, rest)) = column.into_slice().and_then(|column| column[k..].split_first_mut())
                else {
                    continue;
                };
                let along = (*head + sums.dot(tail, rest)) / tau;
                *head -= along;
                sums.add(-along, tail, rest);
            }
        }
    }
}

/// `x ← Q x` for the reflections of `basis` and their block factors: for a large matrix in panels, on all threads.
fn apply(basis: ArrayView2<'_, f64>, factors: ArrayView2<'_, f64>, x: ArrayViewMut2<'_, f64>) {
    if x.ncols() < LARGE {
        return reflect_all(basis, factors, x, false);
    }
    let each = 2 * basis.nrows() * basis.ncols();
    by_panels(x, PANEL, each, |panel| reflect_all(basis, factors, panel, false));
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
    pub(super) fn factorise(&mut self, x: ArrayView2<'_, f64>) {
        (self.rows, self.columns) = x.dim();
        // Every entry is overwritten.
        if self.factors.len() != x.len() {
            fill_with_zeros(&mut self.factors, x.len());
        }
        copy(x, &mut self.factors, self.rows);
        let block = block_size(self.rows, self.columns);
        self.coefficients.clear();
        self.coefficients.resize(block * self.columns, 0.0);
        factor(
            columns_of_mut(&mut self.factors, (self.rows, self.columns), self.rows),
            columns_of_mut(&mut self.coefficients, (block, self.columns), block),
        );
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
    pub(super) fn multiply(&self, x: &mut [f64]) {
        let (shape, block) = ((self.rows, self.columns), block_size(self.rows, self.columns));
        let vectors = columns_of(&self.factors, shape, self.rows);
        let factors = columns_of(&self.coefficients, (block, self.columns), block);
        apply(vectors, factors, columns_of_mut(x, shape, self.rows));
    }
}
