//! The default backend: pure Rust, nothing to link, built on faer's products and reflections.

use super::householder::{factor, recommended_block_size, scratch};
use super::space::with_space;
use super::{Backend, RawSvd, Route, conquer};
use crate::machine::memory::{reserve, sum, table};
use crate::machine::turned::by_columns;
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::svd::{ComputeSvdVectors, SvdParams, svd, svd_scratch};
use faer::{MatMut, MatRef, Par, Spec};
use ndarray::{Array1, Array2, ArrayView2, ShapeBuilder, s};

/// Ratio of rows to columns from which reducing to a triangle first is faster than reducing directly to a bidiagonal
/// matrix.
const LONG: f64 = 3.0;
/// Most entries for which the direct reduction is faster at any ratio.
const DIRECT: usize = 1 << 14;
/// Ratio from which a triangle first costs little.
const SAFER: f64 = 11.0 / 6.0;
/// Ratio of column lengths beyond which a triangle is computed first anyway.
const UNEVEN: f64 = 16.0;

/// The default backend, in pure Rust: reduction to a bidiagonal matrix, then divide and conquer.
///
/// The reduction takes one pass over the matrix per step. Divide and conquer solves as many roots of the secular
/// equation at once as a register holds. Both build on the products, reflections and QR of
/// [faer](https://docs.rs/faer). The threads of the calling rayon pool share matrices with 1,200 or more
/// columns and rows, in pieces that depend on the shape alone: results have the same bits on any number of threads.
///
/// The second route is faer's own SVD by QR iteration on the row-reversed matrix: it shares neither the reduction nor
/// what follows. (faer's own divide and conquer is not used: it silently returns wrong factorisations of some
/// rank-deficient matrices.)
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faer;

impl Backend for Faer {
    fn name(&self) -> &'static str {
        "faer"
    }

    fn factorise(&self, x: ArrayView2<'_, f64>, route: Route) -> Result<RawSvd, String> {
        match route {
            Route::First => {
                let (n, p) = x.dim();
                let ratio = n.max(p) as f64 / n.min(p) as f64;
                let is_faster_direct = x.len() <= DIRECT || ratio < LONG;
                let by_triangle = ratio > SAFER && !(is_faster_direct && is_even(x));
                conquer::factorise(x, by_triangle)
            }
            Route::Second => {
                // Reversing the rows helps with the rare matrices of repeated singular values on which QR iteration
                // stalls.
                let mut raw = by_iteration(x.slice(ndarray::s![..;-1, ..]))?;
                raw.u.invert_axis(ndarray::Axis(0));
                Ok(raw)
            }
        }
    }

    fn triangle(&self, x: ArrayView2<'_, f64>) -> Result<Array2<f64>, String> {
        let (n, p) = x.dim();
        let mut factors = column_major(x);
        let block = recommended_block_size::<f64>(n, p);
        let mut coefficients = faer::Mat::<f64>::zeros(block, n.min(p));
        let mut buffer = MemBuffer::new(scratch(n, p, block));
        factor(
            MatMut::from_column_major_slice_mut(&mut factors, n, p),
            coefficients.as_mut(),
            MemStack::new(&mut buffer),
        );
        let factors = Array2::from_shape_vec((n, p).f(), factors).map_err(|e| e.to_string())?;
        // Row-major, which is column-major order of the transpose.
        let mut triangle = by_columns(factors.slice(s![..n.min(p), ..]).reversed_axes()).reversed_axes();
        for (i, mut row) in triangle.rows_mut().into_iter().enumerate() {
            row.slice_mut(s![..i.min(p)]).fill(0.0);
        }
        Ok(triangle)
    }
}

/// Computes the SVD with faer's QR iteration.
fn by_iteration(x: ArrayView2<'_, f64>) -> Result<RawSvd, String> {
    let mut params: Spec<SvdParams, f64> = Spec::default();
    // No divide and conquer at any size.
    params.config.recursion_threshold = usize::MAX;
    let (n, p) = x.dim();
    let r = n.min(p);
    let scratch =
        svd_scratch::<f64>(n, p, ComputeSvdVectors::Thin, ComputeSvdVectors::Thin, Par::Seq, params);
    let needed = sum([table(n, p), table(n, r), table(p, r), scratch.size_bytes()]);
    reserve("a second route of the SVD", needed).map_err(|e| e.to_string())?;
    let copied;
    let matrix = if let Some(rows) = x.as_slice() {
        MatRef::from_row_major_slice(rows, n, p)
    } else {
        copied = column_major(x);
        MatRef::from_column_major_slice(&copied, n, p)
    };
    let (mut u, mut v) = (vec![0.0; n * r], vec![0.0; p * r]);
    let left = MatMut::from_column_major_slice_mut(&mut u, n, r);
    let right = MatMut::from_column_major_slice_mut(&mut v, p, r);
    // faer copies the matrix in column-major order. A square matrix's rows are its transpose's columns.
    let (matrix, left, right) = match x.as_slice() {
        Some(_) if n == p => (matrix.transpose(), right, left),
        _ => (matrix, left, right),
    };
    let mut sigma = faer::Col::<f64>::zeros(r);
    let work = |space: &mut MemStack| {
        svd(matrix, sigma.as_diagonal_mut(), Some(left), Some(right), Par::Seq, space, params)
    };
    with_space(scratch, work)
        .ok_or_else(|| format!("no memory for the workspace of a {n} × {p} matrix"))?
        .map_err(|e| format!("{e:?} on a {n} × {p} matrix"))?;
    let shape = |e: ndarray::ShapeError| e.to_string();
    Ok(RawSvd {
        u: Array2::from_shape_vec((n, r).f(), u).map_err(shape)?,
        sigma: Array1::from_iter(sigma.iter().copied()),
        // Column-major V is row-major Vᵀ.
        vt: Array2::from_shape_vec((r, p), v).map_err(shape)?,
    })
}

/// Whether the columns (the rows, if fewer) have similar lengths. If not, reducing to a triangle first keeps more
/// digits of the short ones.
fn is_even(x: ArrayView2<'_, f64>) -> bool {
    let long = if x.nrows() < x.ncols() { x.reversed_axes() } else { x };
    let mut squares = vec![0.0; long.ncols()];
    for row in long.rows() {
        squares.iter_mut().zip(row).for_each(|(sum, v)| *sum += v * v);
    }
    let (least, most) = squares.iter().fold((f64::INFINITY, 0.0f64), |(a, b), &v| (a.min(v), b.max(v)));
    most <= UNEVEN * UNEVEN * least
}

fn column_major(x: ArrayView2<'_, f64>) -> Vec<f64> {
    by_columns(x).into_raw_vec_and_offset().0
}
