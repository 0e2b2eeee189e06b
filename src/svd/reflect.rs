//! Householder reflections carried through to what goes with a matrix.

use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::householder;
use faer::linalg::qr::no_pivoting::factor as qr;
use faer::{Conj, MatMut, Par, Spec};

/// `[A | B] ← Qᵀ [A | B]` with `A = Q R` the first `lead` columns, `lead ≤ rows`: `R` on and above the
/// diagonal of `A`, and below it what is of no use. Sequential, so the same bits on any number of threads.
///
/// The matrix is `rows × columns`, column by column, one column every `stride` entries.
pub(crate) fn reduce(matrix: &mut [f64], (rows, columns): (usize, usize), stride: usize, lead: usize) {
    let matrix = MatMut::from_column_major_slice_with_stride_mut(matrix, rows, columns, stride);
    let (mut head, tail) = matrix.split_at_col_mut(lead);
    let block = qr::recommended_block_size::<f64>(rows, lead);
    let mut coefficients = faer::Mat::<f64>::zeros(block, lead);
    let scratch = qr::qr_in_place_scratch::<f64>(rows, lead, block, Par::Seq, Spec::default()).or(
        householder::apply_block_householder_sequence_transpose_on_the_left_in_place_scratch::<f64>(
            rows,
            block,
            columns - lead,
        ),
    );
    let mut buffer = MemBuffer::new(scratch);
    qr::qr_in_place(
        head.as_mut(),
        coefficients.as_mut(),
        Par::Seq,
        MemStack::new(&mut buffer),
        Spec::default(),
    );
    householder::apply_block_householder_sequence_transpose_on_the_left_in_place_with_conj(
        head.as_ref(),
        coefficients.as_ref(),
        Conj::No,
        tail,
        Par::Seq,
        MemStack::new(&mut buffer),
    );
}
