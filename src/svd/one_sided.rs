//! The SVD of one matrix of any size by rotations of its columns: a second route that shares nothing with a reduction to
//! a bidiagonal matrix.

use super::RawSvd;
use super::completion::complete;
use super::sums::{dot, largest, rotate};
use crate::machine::memory::{reserve, sum, table};
use crate::machine::turned::by_columns;
use ndarray::{Array1, Array2, ArrayView2, ShapeBuilder};

/// Full matrices take about ten sweeps; reaching 60 means that something is wrong.
const MAX_SWEEPS: usize = 60;
/// Columns with smaller entries count as zero: too few of their digits are left. If columns depend on each other, each
/// rotation may leave only the rounding errors of the one before.
const LEAST_SIZE: f64 = f64::MIN_POSITIVE / f64::EPSILON;
/// Least bound on a cosine, in `ε`: a rotation and the sums of a few entries are no more accurate.
const LEAST_ROUNDING: f64 = 8.0;
/// Sums of squares above this are accurate to working precision, even if some of the squares underflow.
const LEAST: f64 = 1e-270;

/// Computes the thin SVD of `x`, which is not empty and has entries of order 1.
///
/// `X V = U Σ`: rotations `V` make the columns orthogonal, pair after pair, until `|aᵢ·aⱼ| ≤ max(√n, 8) ε ‖aᵢ‖ ‖aⱼ‖`, and so
/// keep the relative accuracy of short ones (J. Demmel and K. Veselić, *Jacobi's method is more accurate than QR*, SIAM
/// J. Matrix Anal. Appl. 13, 1992). The longer column of a pair comes first (P. P. M. de Rijk, *A one-sided Jacobi
/// algorithm for computing the singular value decomposition on a vector computer*, SIAM J. Sci. Stat. Comput. 10,
/// 1989).
pub(super) fn factorise(x: ArrayView2<'_, f64>) -> Result<RawSvd, String> {
    let (n, p) = x.dim();
    let is_turned = n < p;
    let (length, count) = (n.max(p), n.min(p));
    let needed = sum([table(length, 2 * count), table(count, 2 * count)]);
    reserve("a second route of the SVD", needed).map_err(|e| e.to_string())?;
    let mut columns = by_columns(if is_turned { x.reversed_axes() } else { x }).into_raw_vec_and_offset().0;
    let mut turns = vec![0.0; count * count];
    turns.iter_mut().step_by(count + 1).for_each(|diagonal| *diagonal = 1.0);
    make_orthogonal(&mut columns, &mut turns, (length, count))?;

    let norms: Vec<f64> = columns.chunks_exact(length).map(norm).collect();
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by(|&i, &j| norms[j].total_cmp(&norms[i]));
    let rank = norms.iter().filter(|norm| **norm > 0.0).count();
    let mut left = Vec::with_capacity(length * count);
    let mut right = Vec::with_capacity(count * count);
    for &j in &order {
        let norm = if norms[j] > 0.0 { norms[j] } else { 1.0 };
        left.extend(columns[j * length..][..length].iter().map(|v| v / norm));
        right.extend_from_slice(&turns[j * count..][..count]);
    }
    complete(&mut left, length, rank);
    let (u, v) = if is_turned { (right, left) } else { (left, right) };
    let shape = |e: ndarray::ShapeError| e.to_string();
    Ok(RawSvd {
        u: Array2::from_shape_vec((n, count).f(), u).map_err(shape)?,
        sigma: order.iter().map(|&j| norms[j]).collect::<Array1<f64>>(),
        // Column-major V is row-major Vᵀ.
        vt: Array2::from_shape_vec((count, p), v).map_err(shape)?,
    })
}

/// Rotates columns of `length` entries until they are orthogonal, and applies the same rotations to those of `turns`.
fn make_orthogonal(
    columns: &mut [f64],
    turns: &mut [f64],
    (length, count): (usize, usize),
) -> Result<(), String> {
    let tolerance = (length as f64).sqrt().max(LEAST_ROUNDING) * f64::EPSILON;
    for _ in 0..MAX_SWEEPS {
        let mut is_done = true;
        for i in 0..count {
            for j in i + 1..count {
                let (a, b) = pair(columns, length, (i, j));
                let Some(angle) = angle(a, b) else { continue };
                let is_swapped = angle.ratio < 1.0;
                if is_swapped {
                    a.swap_with_slice(b);
                }
                // NaN is never orthogonal: the sweeps end with an error.
                let is_orthogonal = angle.cosine.abs() <= tolerance;
                let turn = (!is_orthogonal).then(|| angle.rotation());
                if let Some(turn) = turn {
                    rotate(a, b, turn);
                    is_done = false;
                }
                let (a, b) = pair(turns, count, (i, j));
                if is_swapped {
                    a.swap_with_slice(b);
                }
                if let Some(turn) = turn {
                    rotate(a, b, turn);
                }
            }
        }
        if is_done {
            return Ok(());
        }
    }
    Err(format!("no convergence in {MAX_SWEEPS} sweeps of rotations"))
}

/// Returns columns `i < j`.
fn pair(columns: &mut [f64], length: usize, (i, j): (usize, usize)) -> (&mut [f64], &mut [f64]) {
    let (head, tail) = columns.split_at_mut(j * length);
    (&mut head[i * length..][..length], &mut tail[..length])
}

/// Two columns that do not count as zero.
struct Angle {
    /// Of the first column's length to that of the second.
    ratio: f64,
    cosine: f64,
}

/// Compares two columns; `None` if one counts as zero.
fn angle(a: &[f64], b: &[f64]) -> Option<Angle> {
    let ([a_square, b_square], product) = ([dot(a, a), dot(b, b)], dot(a, b));
    if a_square.min(b_square) > LEAST {
        let (a, b) = (a_square.sqrt(), b_square.sqrt());
        return Some(Angle { ratio: a / b, cosine: product / (a * b) });
    }
    let [a_size, b_size] = [a, b].map(largest);
    if a_size.min(b_size) < LEAST_SIZE {
        return None;
    }
    let scaled = |column: &[f64], size: f64| column.iter().map(|v| v / size).collect::<Vec<_>>();
    let (a, b) = (scaled(a, a_size), scaled(b, b_size));
    let (a_norm, b_norm) = (dot(&a, &a).sqrt(), dot(&b, &b).sqrt());
    Some(Angle { ratio: a_size / b_size * (a_norm / b_norm), cosine: dot(&a, &b) / (a_norm * b_norm) })
}

impl Angle {
    /// Returns the cosine and the sine of the rotation that makes the longer and the shorter column orthogonal.
    fn rotation(&self) -> (f64, f64) {
        let ratio = if self.ratio < 1.0 { self.ratio.recip() } else { self.ratio };
        let cotangent = (ratio - ratio.recip()) / (2.0 * self.cosine);
        let tangent = (cotangent.abs() + cotangent.hypot(1.0)).recip().copysign(cotangent);
        let cosine = tangent.hypot(1.0).recip();
        (cosine, cosine * tangent)
    }
}

/// The length of a column, 0 if it counts as zero; squares of small entries do not underflow.
fn norm(column: &[f64]) -> f64 {
    let largest = largest(column);
    if largest < LEAST_SIZE {
        return 0.0;
    }
    largest * column.iter().map(|v| (v / largest) * (v / largest)).sum::<f64>().sqrt()
}
