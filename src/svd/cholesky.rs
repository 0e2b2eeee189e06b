//! Sequential Cholesky factorisation: the same bits on any number of threads.

use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::cholesky::llt::factor::{LltRegularization, cholesky_in_place, cholesky_in_place_scratch};
use faer::{MatMut, Par, Spec};
use ndarray::Array2;

/// Computes upper triangular `S` with `SᵀS = Σ`, for a symmetric row-major Σ; `None` if a pivot is not positive.
pub(crate) fn cholesky(mut sigma: Array2<f64>) -> Option<Array2<f64>> {
    let p = sigma.nrows();
    let mut buffer = MemBuffer::new(cholesky_in_place_scratch::<f64>(p, Par::Seq, Spec::default()));
    // The lower triangle in column-major order is the upper one in row-major order.
    let columns = MatMut::from_column_major_slice_mut(sigma.as_slice_mut()?, p, p);
    let stack = MemStack::new(&mut buffer);
    cholesky_in_place(columns, LltRegularization::default(), Par::Seq, stack, Spec::default()).ok()?;
    for (i, mut row) in sigma.rows_mut().into_iter().enumerate() {
        row.iter_mut().take(i).for_each(|below| *below = 0.0);
    }
    Some(sigma)
}
