//! Sums over `(T + λ)⁻¹` for a tridiagonal `T`, several at once.

// All must be inlined into one function per instruction set.
#![allow(clippy::inline_always)]

use crate::machine::instructions::arch;
use crate::svd::Tridiagonal;
use pulp::Simd;

/// Registers used in parallel: operations on a single one would wait for each other.
const ROWS: usize = 4;
const PENALTIES: usize = 2;

/// The factorisation `T + λ = L D Lᵀ`: the subdiagonal of `L`, after a 0, and `D⁻¹`.
pub(super) struct Factor {
    ratios: Vec<f64>,
    inverses: Vec<f64>,
}

impl Factor {
    pub(super) fn new(matrix: &Tridiagonal, lambda: f64) -> Self {
        let n = matrix.diagonal.len();
        let (mut ratios, mut inverses) = (Vec::with_capacity(n), Vec::with_capacity(n));
        let (mut ratio, mut before) = (0.0, 0.0);
        for (diagonal, below) in matrix.diagonal.iter().zip(&matrix.below) {
            let inverse = (diagonal + lambda - ratio * before).recip();
            ratios.push(ratio);
            inverses.push(inverse);
            (ratio, before) = (below * inverse, *below);
        }
        Self { ratios, inverses }
    }

    /// Computes `(T + λ)⁻¹ b`.
    pub(super) fn solve(&self, b: &[f64]) -> Vec<f64> {
        let mut x = Vec::with_capacity(b.len());
        let mut last = 0.0;
        for (b, ratio) in b.iter().zip(&self.ratios) {
            last = b - ratio * last;
            x.push(last);
        }
        let (mut last, mut ratio) = (0.0, 0.0);
        for (x, (inverse, own)) in x.iter_mut().zip(self.inverses.iter().zip(&self.ratios)).rev() {
            last = *x * inverse - ratio * last;
            *x = last;
            ratio = *own;
        }
        x
    }
}

/// Computes `qᵢᵀ (T + λ_j)⁻¹ qᵢ` for each row `qᵢ` of `Q` (`basis`, column-major) and each factor; the result is
/// row-major. Each is the sum of `z²/d` with `z = L⁻¹ qᵢ`, without any eigenvector of `T`.
pub(super) fn diagonals(basis: &[f64], rows: usize, factors: &[Factor]) -> Vec<f64> {
    let mut found = vec![0.0; rows * factors.len()];
    arch().dispatch(Diagonals { basis, rows, factors, to: &mut found });
    found
}

struct Diagonals<'a> {
    basis: &'a [f64],
    rows: usize,
    factors: &'a [Factor],
    to: &'a mut [f64],
}

impl pulp::WithSimd for Diagonals<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { basis, rows, factors, to } = self;
        let (width, count) = (ROWS * S::F64_LANES, factors.len());
        // A block of rows, column-major.
        let mut panel = vec![0.0; basis.len() / rows * width];
        let mut sums = vec![0.0; width];
        for from in (0..rows).step_by(width) {
            let here = width.min(rows - from);
            for (to, column) in panel.chunks_exact_mut(width).zip(basis.chunks_exact(rows)) {
                to[..here].copy_from_slice(&column[from..][..here]);
            }
            let entries = S::as_simd_f64s(&panel).0.as_chunks::<ROWS>().0;
            for (j, Factor { ratios, inverses }) in factors.iter().enumerate() {
                let zero = [simd.splat_f64s(0.0); ROWS];
                let (mut z, mut sum) = (zero, zero);
                for (q, (ratio, inverse)) in entries.iter().zip(ratios.iter().zip(inverses)) {
                    let (ratio, inverse) = (simd.splat_f64s(-ratio), simd.splat_f64s(*inverse));
                    for i in 0..ROWS {
                        z[i] = simd.mul_add_e_f64s(ratio, z[i], q[i]);
                        sum[i] = simd.mul_add_e_f64s(simd.mul_f64s(z[i], inverse), z[i], sum[i]);
                    }
                }
                S::as_mut_simd_f64s(&mut sums).0.copy_from_slice(&sum);
                for (i, sum) in sums[..here].iter().enumerate() {
                    to[(from + i) * count + j] = *sum;
                }
            }
        }
    }
}

/// The sums that measure the fit with one penalty, with `w = (T + λ)⁻¹ b` for each column `b` of targets.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sums {
    /// `tr (T + λ)⁻¹`.
    pub(super) trace: f64,
    /// `tr T (T + λ)⁻¹`.
    pub(super) fitted: f64,
    /// `‖w‖²`, summed over all columns.
    pub(super) squares: f64,
    /// `wᵀ T w`, summed over all columns.
    pub(super) energy: f64,
}

/// Computes the sums for each penalty; all are positive. With the pivots `d` of `T + λ` and their derivatives `d'` in
/// `λ`,
///
/// ```text
/// tr (T + λ)⁻¹ = Σ d'/d       tr T (T + λ)⁻¹ = Σ (d − λ d')/d       wᵀ T w = ‖B w‖²,  T = BᵀB
/// d − λ d' = a − b² (1 + λ d'₋/d₋)/d₋,   a and b the entries of T, d₋ and d'₋ of the row before
/// ```
///
/// so that nothing cancels for a weak or a strong penalty. `None` if `T` is not positive definite.
pub(super) fn sums(matrix: &Tridiagonal, targets: &[Vec<f64>], lambdas: &[f64]) -> Option<Vec<Sums>> {
    let factor = matrix.cholesky()?;
    Some(arch().dispatch(OfPenalties { matrix, factor: &factor, targets, lambdas }))
}

struct OfPenalties<'a> {
    matrix: &'a Tridiagonal,
    factor: &'a [(f64, f64)],
    targets: &'a [Vec<f64>],
    lambdas: &'a [f64],
}

impl pulp::WithSimd for OfPenalties<'_> {
    type Output = Vec<Sums>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Vec<Sums> {
        let Self { matrix: Tridiagonal { diagonal, below }, factor, targets, lambdas } = self;
        let (n, width) = (diagonal.len(), PENALTIES * S::F64_LANES);
        let (zero, one) = ([simd.splat_f64s(0.0); PENALTIES], simd.splat_f64s(1.0));
        let mut inverses = vec![zero; n];
        let mut solved = vec![zero; n];
        let mut found = Vec::with_capacity(lambdas.len());
        let mut lanes = vec![0.0; width];
        for lambdas in lambdas.chunks(width) {
            lanes.fill(lambdas[0]);
            lanes[..lambdas.len()].copy_from_slice(lambdas);
            let mut lambda = zero;
            lambda.copy_from_slice(S::as_simd_f64s(&lanes).0);
            let (mut trace, mut fitted, mut squares, mut energy) = (zero, zero, zero, zero);
            let (mut inverse, mut slope) = (zero, zero);
            let mut square = simd.splat_f64s(0.0);
            for ((kept, diagonal), below) in inverses.iter_mut().zip(diagonal).zip(below) {
                let diagonal = simd.splat_f64s(*diagonal);
                for i in 0..PENALTIES {
                    let taken = simd.mul_f64s(square, inverse[i]);
                    let share = simd.mul_f64s(slope[i], inverse[i]);
                    slope[i] = simd.mul_add_e_f64s(taken, share, one);
                    let kept = simd.mul_add_e_f64s(lambda[i], share, one);
                    let left = simd.sub_f64s(diagonal, simd.mul_f64s(taken, kept));
                    let pivot = simd.sub_f64s(simd.add_f64s(diagonal, lambda[i]), taken);
                    inverse[i] = simd.div_f64s(one, pivot);
                    trace[i] = simd.mul_add_e_f64s(slope[i], inverse[i], trace[i]);
                    fitted[i] = simd.mul_add_e_f64s(left, inverse[i], fitted[i]);
                }
                *kept = inverse;
                square = simd.splat_f64s(below * below);
            }
            for targets in targets {
                let (mut last, mut inverse, mut beside) = (zero, zero, simd.splat_f64s(0.0));
                let rows = solved.iter_mut().zip(&inverses).zip(targets.iter().zip(below));
                for ((solved, own), (target, below)) in rows {
                    let target = simd.splat_f64s(*target);
                    for i in 0..PENALTIES {
                        let ratio = simd.mul_f64s(beside, inverse[i]);
                        last[i] = simd.mul_add_e_f64s(ratio, last[i], target);
                    }
                    *solved = last;
                    inverse = *own;
                    beside = simd.splat_f64s(-below);
                }
                let mut last = zero;
                let rows = solved.iter().zip(&inverses).zip(factor.iter().zip(below)).rev();
                for ((solved, inverse), ((root, above), below)) in rows {
                    let below = simd.splat_f64s(-below);
                    let (root, above) = (simd.splat_f64s(*root), simd.splat_f64s(*above));
                    for i in 0..PENALTIES {
                        let beside = simd.mul_f64s(above, last[i]);
                        last[i] = simd.mul_f64s(simd.mul_add_e_f64s(below, last[i], solved[i]), inverse[i]);
                        let image = simd.mul_add_e_f64s(root, last[i], beside);
                        squares[i] = simd.mul_add_e_f64s(last[i], last[i], squares[i]);
                        energy[i] = simd.mul_add_e_f64s(image, image, energy[i]);
                    }
                }
            }
            let from = found.len();
            found.resize(from + lambdas.len(), Sums::default());
            let mut put = |values: [S::f64s; PENALTIES], to: fn(&mut Sums) -> &mut f64| {
                S::as_mut_simd_f64s(&mut lanes).0.copy_from_slice(&values);
                found[from..].iter_mut().zip(&lanes).for_each(|(sums, value)| *to(sums) = *value);
            };
            put(trace, |sums| &mut sums.trace);
            put(fitted, |sums| &mut sums.fitted);
            put(squares, |sums| &mut sums.squares);
            put(energy, |sums| &mut sums.energy);
        }
        found
    }
}

/// Computes `Σᵢ (Σ_j c_j e_ij / Σ_j c_j h_ij)²` for each row of coefficients `c`, from `e` and `h` (`n × m`,
/// row-major); NaN if a denominator is not positive.
pub(super) fn squared_ratios(tops: &[f64], bottoms: &[f64], coefficients: &[f64], count: usize) -> Vec<f64> {
    let rows = tops.len() / count;
    // Rows that pad the last block have error 0.
    let top = |row: usize, j: usize| if row < rows { tops[row * count + j] } else { 0.0 };
    let bottom = |row: usize, j: usize| bottoms[row.min(rows - 1) * count + j];
    let (tops, bottoms) = (in_blocks(rows, count, top), in_blocks(rows, count, bottom));
    arch().dispatch(Ratios { tops: &tops, bottoms: &bottoms, coefficients, count })
}

/// Arranges entries in blocks of [`ROWS`] rows, each block column-major.
fn in_blocks(rows: usize, count: usize, entry: impl Fn(usize, usize) -> f64) -> Vec<[f64; ROWS]> {
    let mut blocks = Vec::with_capacity(rows.div_ceil(ROWS) * count);
    for from in (0..rows).step_by(ROWS) {
        blocks.extend((0..count).map(|j| std::array::from_fn(|i| entry(from + i, j))));
    }
    blocks
}

struct Ratios<'a> {
    tops: &'a [[f64; ROWS]],
    bottoms: &'a [[f64; ROWS]],
    coefficients: &'a [f64],
    count: usize,
}

impl pulp::WithSimd for Ratios<'_> {
    type Output = Vec<f64>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Vec<f64> {
        let Self { tops, bottoms, coefficients, count } = self;
        let fits = coefficients.len() / count;
        let (zero, nan) = (simd.splat_f64s(0.0), simd.splat_f64s(f64::NAN));
        let mut found = Vec::with_capacity(fits);
        let mut lanes = vec![0.0; S::F64_LANES * count];
        for coefficients in coefficients.chunks(S::F64_LANES * count) {
            // The coefficients of several fits, next to each other for each node.
            let here = coefficients.len() / count;
            for (lane, own) in coefficients.chunks_exact(count).enumerate() {
                own.iter().enumerate().for_each(|(j, value)| lanes[j * S::F64_LANES + lane] = *value);
            }
            let weights = S::as_simd_f64s(&lanes).0;
            let mut sum = zero;
            for (tops, bottoms) in tops.chunks_exact(count).zip(bottoms.chunks_exact(count)) {
                let (mut top, mut bottom) = ([zero; ROWS], [zero; ROWS]);
                for (weight, (tops, bottoms)) in weights.iter().zip(tops.iter().zip(bottoms)) {
                    for i in 0..ROWS {
                        top[i] = simd.mul_add_e_f64s(*weight, simd.splat_f64s(tops[i]), top[i]);
                        bottom[i] = simd.mul_add_e_f64s(*weight, simd.splat_f64s(bottoms[i]), bottom[i]);
                    }
                }
                for i in 0..ROWS {
                    let is_positive = simd.less_than_f64s(zero, bottom[i]);
                    let bottom = simd.select_f64s(is_positive, bottom[i], nan);
                    let error = simd.div_f64s(top[i], bottom);
                    sum = simd.mul_add_e_f64s(error, error, sum);
                }
            }
            let from = found.len();
            found.resize(from + S::F64_LANES, 0.0);
            S::as_mut_simd_f64s(&mut found[from..]).0[0] = sum;
            found.truncate(from + here);
        }
        found
    }
}
