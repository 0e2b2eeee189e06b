//! The SVD by Householder reduction to a bidiagonal matrix and divide and conquer.

mod bidiagonal;
mod columns;
mod deflation;
mod eigen;
mod reduction;
mod secular;
#[cfg(test)]
mod tests;
mod transform;
mod vectors;

use super::RawSvd;
use super::symmetric::Symmetric;
use crate::machine::large_pages;
use bidiagonal::Bidiagonal;
pub(super) use eigen::Eigen;
use ndarray::{Array1, Array2, ArrayView2, ShapeBuilder};
use reduction::Reduction;
use std::cell::Cell;
use transform::{Reflections, Triangle};

/// Workspaces for matrices with more entries are not kept: a workspace takes up to eight times as many, 128 MiB.
const KEPT: usize = 1 << 21;
/// Columns from which the threads of a pool share a matrix: with fewer, splitting costs more than it saves.
const LARGE: usize = 768;

thread_local! {
    /// Workspace of the last factorisation on this thread: fresh memory from the system is slow on first access.
    static SPACE: Cell<Option<Box<Space>>> = const { Cell::new(None) };
}

#[derive(Debug, Default)]
struct Space {
    triangle: Triangle,
    reduction: Reduction,
    bidiagonal: Bidiagonal,
    reflections: Reflections,
    order: Vec<usize>,
}

/// Computes the thin SVD of `x`, which is not empty and has entries of order 1. A long matrix is reduced to a triangle
/// first if `by_triangle`.
pub(super) fn factorise(x: ArrayView2<'_, f64>, by_triangle: bool) -> Result<RawSvd, String> {
    let (n, p) = x.dim();
    // A square row-major matrix is transposed: its rows are then columns, which are copied faster.
    let is_turned = n < p || n == p && x.is_standard_layout();
    let long = if is_turned { x.reversed_axes() } else { x };
    let mut space = SPACE.take().unwrap_or_default();
    let result = space.factorise(long, by_triangle);
    if n * p <= KEPT {
        SPACE.set(Some(space));
    }
    let Factors { left, sigma, right } = result?;
    let (u, v) = if is_turned { (right, left) } else { (left, right) };
    let (r, shape) = (n.min(p), |e: ndarray::ShapeError| e.to_string());
    Ok(RawSvd {
        u: Array2::from_shape_vec((n, r).f(), u).map_err(shape)?,
        sigma: Array1::from_vec(sigma),
        // Column-major V is row-major Vᵀ.
        vt: Array2::from_shape_vec((r, p), v).map_err(shape)?,
    })
}

/// Calls [`eigen::positive_definite`] with this thread's workspace.
pub(super) fn eigen(symmetric: &Symmetric) -> Result<Option<Eigen>, String> {
    let mut space = SPACE.take().unwrap_or_default();
    let result = eigen::positive_definite(symmetric, &mut space.bidiagonal);
    if symmetric.order() * symmetric.order() <= KEPT {
        SPACE.set(Some(space));
    }
    result
}

/// Singular vectors, column-major.
struct Factors {
    left: Vec<f64>,
    sigma: Vec<f64>,
    right: Vec<f64>,
}

impl Space {
    /// Factorises `x`, which has at least as many rows as columns.
    fn factorise(&mut self, x: ArrayView2<'_, f64>, by_triangle: bool) -> Result<Factors, String> {
        let (rows, columns) = x.dim();
        let Self { triangle, reduction, bidiagonal, reflections, order } = self;
        if by_triangle {
            triangle.factorise(x);
            triangle.copy(reduction);
        } else {
            reduction.resize(rows, columns);
            let stride = reduction.stride();
            transform::copy(x, &mut reduction.x, stride);
        }
        reduction.reduce(&mut bidiagonal.diagonal, &mut bidiagonal.above);
        bidiagonal.svd()?;
        bidiagonal.largest_first(order);
        let sigma = order.iter().map(|&j| bidiagonal.sigma[j]).collect();
        let gather = |matrix: &[f64], stride: usize, length: usize| {
            let mut all = large_pages::with_capacity(length * columns);
            for &j in &*order {
                all.extend_from_slice(&matrix[j * stride..][..columns]);
                all.resize(all.len() + length - columns, 0.0);
            }
            all
        };
        let mut left = gather(&bidiagonal.u, columns, rows);
        let mut right = gather(&bidiagonal.v, columns + 1, columns);
        reflections.left(reduction, &mut left, rows);
        reflections.right(reduction, &mut right);
        if by_triangle {
            triangle.multiply(&mut left);
        }
        Ok(Factors { left, sigma, right })
    }
}
