//! Matrix products, sequential: the same bits on any number of threads.

// All must be inlined into one function per instruction set.
#![allow(clippy::inline_always)]

use faer::linalg::matmul::{matmul, triangular};
use faer::{Accum, MatMut, MatRef, Par};

/// `C = A Bᵀ` for `A` (`m × k`), `B` (`p × k`) and `C` (`m × p`), all row by row.
pub(crate) fn times_transposed(a: &[f64], b: &[f64], c: &mut [f64], (m, p, k): (usize, usize, usize)) {
    let (a, b) = (MatRef::from_row_major_slice(a, m, k), MatRef::from_row_major_slice(b, p, k));
    let c = MatMut::from_row_major_slice_mut(c, m, p);
    matmul(c, Accum::Replace, a, b.transpose(), 1.0, Par::Seq);
}

/// `C = A[.., ..k] B` for `A` (`m ×` width), `B` (`k × p`) and `C` (`m × p`), all row by row.
pub(crate) fn leading_times(
    (a, width): (&[f64], usize),
    b: &[f64],
    c: &mut [f64],
    (m, p, k): (usize, usize, usize),
) {
    let (a, b) = (MatRef::from_row_major_slice(a, m, width), MatRef::from_row_major_slice(b, k, p));
    let c = MatMut::from_row_major_slice_mut(c, m, p);
    matmul(c, Accum::Replace, a.subcols(0, k), b, 1.0, Par::Seq);
}

/// `G ← G + AᵀA`, on and over the diagonal alone, for `A` (`m × p`) and `G` (`p × p`), both row by row.
pub(crate) fn add_gram(a: &[f64], g: &mut [f64], (m, p): (usize, usize)) {
    let a = MatRef::from_row_major_slice(a, m, p);
    let whole = triangular::BlockStructure::Rectangular;
    let upper = triangular::BlockStructure::TriangularUpper;
    let g = MatMut::from_row_major_slice_mut(g, p, p);
    triangular::matmul(g, upper, Accum::Add, a.transpose(), whole, a, whole, 1.0, Par::Seq);
}

/// `C = C + A B` for `A` (`m × k`), `B` (`k × p`) and `C` (`m × p`), all row by row and so small that the general product
/// would spend its time on preparations. Each entry is one chain of fused multiplications and additions: its bits do
/// not depend on the instruction set.
pub(crate) fn small_product(a: &[f64], b: &[f64], c: &mut [f64], (k, p): (usize, usize)) {
    pulp::Arch::new().dispatch(Small { a, b, c, k, p });
}

struct Small<'a> {
    a: &'a [f64],
    b: &'a [f64],
    c: &'a mut [f64],
    k: usize,
    p: usize,
}

impl pulp::WithSimd for Small<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) {
        let Self { a, b, c, k, p } = self;
        if k == 0 || p == 0 {
            return;
        }
        for (row, c) in a.chunks_exact(k).zip(c.chunks_exact_mut(p)) {
            for (factor, b) in row.iter().zip(b.chunks_exact(p)) {
                for (entry, b) in c.iter_mut().zip(b) {
                    *entry = factor.mul_add(*b, *entry);
                }
            }
        }
    }
}
