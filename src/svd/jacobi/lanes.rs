//! Factorisations of several matrices at once, one per lane.

// Loops over lanes index several arrays at once; all must be inlined into one function per instruction
// set (see `Factorise`).
#![allow(clippy::inline_always, clippy::needless_range_loop)]

use super::LARGEST;
use super::reflection::reflect_all;
use super::rotation::{Rotation, Turns};
use crate::machine::instructions::arch;
use crate::machine::lane::Lane;
use crate::svd::{RawProjection, RawSvd};
use ndarray::Array2;

/// A pair of columns takes about six sweeps; reaching 40 means that something is wrong.
pub(super) const MAX_SWEEPS: usize = 40;

/// Up to `L` matrices of one shape, `length ≥ columns`; wide matrices are transposed.
///
/// Follows Drmač & Veselić, *New fast and accurate Jacobi SVD algorithm I*, SIAM J. Matrix Anal. Appl. 29
/// (2008): pivoted QR, `X P = Q R`, then rotations of the columns of `Rᵀ`, which QR has made nearly
/// orthogonal. `Rᵀ J = W Σ` gives `X = (Q J) Σ (P W)ᵀ`.
pub(super) struct Lanes<const L: usize, A: Copy> {
    pub(super) length: usize,
    pub(super) columns: usize,
    /// Number of columns of the targets `T` that take the place of `U`; 0 if `U` is needed.
    pub(super) targets: usize,
    /// The column-major matrix, followed by the targets; becomes the reflectors of `Q` and `Qᵀ T`, or `U = Q J`.
    pub(super) x: Vec<Lane<L, A>>,
    /// Columns of `Rᵀ` above columns of `I`, or of `Tᵀ Q`; becomes `W Σ` above `J`, or above `Tᵀ Q J`.
    pub(super) pairs: Vec<Lane<L, A>>,
    /// The pivots: column `k` of `Q R` was column `order[k][lane]` of the matrix.
    pub(super) order: Vec<[usize; L]>,
    /// The norms of the columns of `W Σ`.
    pub(super) norms: [Lane<L, A>; LARGEST],
    /// Lanes that need another sweep.
    pub(super) active: [bool; L],
}

/// Factorises matrices of one shape, as many at once as there are lanes, and appends to `results`.
pub(super) fn one_sided<const L: usize, A: Copy>(
    xs: &[Array2<f64>],
    results: &mut Vec<Result<RawSvd, String>>,
) {
    let Some((n, p)) = xs.first().map(Array2::dim) else { return };
    let wide = n < p;
    let mut lanes = Lanes::<L, A>::new((n.max(p), n.min(p)), 0);
    for xs in xs.chunks(L) {
        lanes.load(xs, wide);
        arch().dispatch(Factorise(&mut lanes));
        results.extend((0..xs.len()).map(|lane| lanes.store(lane, wide)));
    }
}

/// The same for tall matrices, each with its targets, without `U`.
pub(super) fn projections<const L: usize, A: Copy>(
    (xs, targets): (&[Array2<f64>], &[Array2<f64>]),
    results: &mut Vec<Result<RawProjection, String>>,
) {
    let (Some(x), Some(t)) = (xs.first(), targets.first()) else { return };
    let mut lanes = Lanes::<L, A>::new(x.dim(), t.ncols());
    for (xs, targets) in xs.chunks(L).zip(targets.chunks(L)) {
        lanes.load_with_targets(xs, targets);
        arch().dispatch(Factorise(&mut lanes));
        results.extend((0..xs.len()).map(|lane| lanes.store_projection(lane)));
    }
}

/// [`Lanes::factorise`], compiled once per instruction set; the best one that the machine supports is used. Everything
/// it calls is `inline(always)`: a separate function would be compiled for the oldest processor of the architecture.
struct Factorise<'a, const L: usize, A: Copy>(&'a mut Lanes<L, A>);

impl<const L: usize, A: Copy> pulp::WithSimd for Factorise<'_, L, A> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) {
        self.0.factorise();
    }
}

impl<const L: usize, A: Copy> Lanes<L, A> {
    /// Replaces the matrices with up to `L` others.
    fn load(&mut self, xs: &[Array2<f64>], wide: bool) {
        self.clear(xs.len());
        let (length, columns, stride) = (self.length, self.columns, self.stride());
        self.fill(xs, 0, if wide { (length, 1) } else { (1, length) });
        for column in 0..columns {
            self.pairs[column * stride + columns + column] = Lane::ONE;
        }
    }

    /// The same for matrices with targets.
    fn load_with_targets(&mut self, xs: &[Array2<f64>], targets: &[Array2<f64>]) {
        self.clear(xs.len());
        let (length, columns) = (self.length, self.columns);
        self.fill(xs, 0, (1, length));
        self.fill(targets, length * columns, (1, length));
    }

    /// Resets everything but the shape. Entries in the `used` lanes will be overwritten.
    fn clear(&mut self, used: usize) {
        if used < L {
            self.x.clear();
        }
        self.x.resize(self.length * (self.columns + self.targets), Lane::ZERO);
        self.pairs.clear();
        self.pairs.resize(self.stride() * self.columns, Lane::ZERO);
        self.norms = [Lane::ZERO; LARGEST];
        self.active = [true; L];
        for (column, order) in self.order.iter_mut().enumerate() {
            *order = [column; L];
        }
    }

    /// Writes the entries of matrices, one matrix per lane, into `x` from index `first` on, with the given row and
    /// column strides. Each entry is written in all lanes at a time: one lane at a time would traverse all of the
    /// memory for each.
    fn fill(&mut self, matrices: &[Array2<f64>], first: usize, (rows, columns): (usize, usize)) {
        let standard: Vec<_> = matrices.iter().map(|matrix| matrix.as_standard_layout()).collect();
        let entries: Vec<&[f64]> = standard.iter().filter_map(|matrix| matrix.as_slice()).collect();
        let (n, p) = matrices[0].dim();
        for i in 0..n {
            for j in 0..p {
                let to = &mut self.x[first + i * rows + j * columns];
                for (lane, entries) in entries.iter().enumerate() {
                    to[lane] = entries[i * p + j];
                }
            }
        }
    }

    /// For matrices of a shape with this many target columns; 0 to compute `U`. Memory is allocated on loading, so that
    /// for a single matrix it is filled with zeros only once.
    fn new((length, columns): (usize, usize), targets: usize) -> Self {
        Self {
            length,
            columns,
            targets,
            x: Vec::new(),
            pairs: Vec::new(),
            order: (0..columns).map(|column| [column; L]).collect(),
            norms: [Lane::ZERO; LARGEST],
            active: [true; L],
        }
    }

    /// Column stride of `pairs`.
    #[inline(always)]
    pub(super) fn stride(&self) -> usize {
        self.columns + if self.targets > 0 { self.targets } else { self.columns }
    }

    #[inline(always)]
    fn factorise(&mut self) {
        let reflectors = self.pivoted_qr();
        let (length, columns, stride) = (self.length, self.columns, self.stride());
        for (target, image) in self.x[length * columns..].chunks_exact(length).enumerate() {
            for (entry, pair) in image.iter().zip(self.pairs.chunks_exact_mut(stride)) {
                pair[columns + target] = *entry;
            }
        }
        for _ in 0..MAX_SWEEPS {
            self.sweep();
            if !self.active.contains(&true) {
                break;
            }
        }
        for (norm, pair) in self.norms.iter_mut().zip(self.pairs.chunks_exact(stride)) {
            for entry in &pair[..columns] {
                for lane in 0..L {
                    norm[lane] += entry[lane] * entry[lane];
                }
            }
            for lane in 0..L {
                norm[lane] = norm[lane].sqrt();
            }
        }
        if self.targets == 0 {
            self.multiply_by_q(&reflectors);
        }
    }

    /// Householder QR with column pivoting; leaves `Rᵀ` in `pairs` and the reflectors in `x`, and returns
    /// their factors `2 / vᵀv`.
    #[inline(always)]
    fn pivoted_qr(&mut self) -> Vec<Lane<L, A>> {
        let (length, columns, stride) = (self.length, self.columns, self.stride());
        let mut factors = Vec::with_capacity(columns);
        // Squared norms of the remaining parts of the columns.
        let mut squares = [Lane::ZERO; LARGEST];
        for (square, column) in squares.iter_mut().zip(self.x.chunks_exact(length).take(columns)) {
            *square = dot(column, column);
        }
        for k in 0..columns {
            self.pivot(k, &mut squares);
            let (head, tail) = self.x.split_at_mut((k + 1) * length);
            let v = &mut head[k * length + k..];
            let square = squares[k];
            let mut factor = Lane::ZERO;
            for lane in 0..L {
                let diagonal = -square[lane].sqrt().copysign(v[0][lane]);
                let first = v[0][lane] - diagonal;
                // vᵀv = 2 (‖x‖² − x₀ r) after the first entry has changed; 0 for a zero column.
                let half = square[lane] - v[0][lane] * diagonal;
                factor[lane] = if half > 0.0 { 1.0 / half } else { 0.0 };
                v[0][lane] = first;
                self.pairs[k * stride + k][lane] = diagonal;
            }
            reflect_all(v, factor, tail, length, &mut squares[k + 1..]);
            let below = &mut self.pairs[k * stride + k + 1..][..columns - k - 1];
            for (column, row) in tail.chunks_exact(length).zip(below) {
                *row = column[k];
            }
            factors.push(factor);
        }
        factors
    }

    /// Moves the longest of the remaining columns to position `k`, separately in each lane.
    #[inline(always)]
    fn pivot(&mut self, k: usize, squares: &mut [Lane<L, A>; LARGEST]) {
        let (length, columns, stride) = (self.length, self.columns, self.stride());
        let (mut longest, mut place) = ([-1.0; L], [k; L]);
        for (j, square) in squares[..columns].iter().enumerate().skip(k) {
            for lane in 0..L {
                if square[lane] > longest[lane] {
                    (longest[lane], place[lane]) = (square[lane], j);
                }
            }
        }
        for lane in 0..L {
            let j = place[lane];
            if j == k {
                continue;
            }
            let (head, tail) = self.x.split_at_mut(j * length);
            // The rows above belong to R.
            for (a, b) in head[k * length + k..(k + 1) * length].iter_mut().zip(&mut tail[k..]) {
                std::mem::swap(&mut a[lane], &mut b[lane]);
            }
            // Finished rows of R move with their columns.
            for done in 0..k {
                let row = done * stride;
                let (a, b) = (self.pairs[row + k][lane], self.pairs[row + j][lane]);
                (self.pairs[row + k][lane], self.pairs[row + j][lane]) = (b, a);
            }
            let (a, b) = (self.order[k][lane], self.order[j][lane]);
            (self.order[k][lane], self.order[j][lane]) = (b, a);
            (squares[k][lane], squares[j][lane]) = (squares[j][lane], squares[k][lane]);
        }
    }

    /// Orthogonalises all pairs of columns of `Rᵀ` once, in the order (0, 1), (0, 2), …, (1, 2), …. Pairs whose indices
    /// have the same sum share no column and depend only on pairs with smaller sums, so they can be rotated at the same
    /// time: the same bits, in half the time.
    #[inline(always)]
    fn sweep(&mut self) {
        let (columns, stride) = (self.columns, self.stride());
        // As in LAPACK's dgesvj, columns are orthogonal when the cosine of their angle is a rounding error.
        // Finished lanes get a tolerance that nothing exceeds.
        let squared = columns as f64 * f64::EPSILON * f64::EPSILON;
        let tolerance = Lane::of(self.active.map(|active| if active { squared } else { f64::INFINITY }));
        let mut turns = Turns { rotated: [0; L], coarse: [0; L] };
        // Norms are updated within a sweep and recomputed for the next.
        let mut squares = [Lane::ZERO; LARGEST];
        for (square, pair) in squares.iter_mut().zip(self.pairs.chunks_exact(stride)) {
            *square = dot(&pair[..columns], &pair[..columns]);
        }
        let mut rotations = [Rotation::IDENTITY; LARGEST / 2];
        for sum in 1..(2 * columns).saturating_sub(2) {
            let first = (sum + 1).saturating_sub(columns);
            let pairs = || (first..sum.div_ceil(2)).map(|i| (i, sum - i));
            for ((i, j), rotation) in pairs().zip(&mut rotations) {
                let (a, b) = (&self.pairs[i * stride..], &self.pairs[j * stride..]);
                let inner = dot(&a[..columns], &b[..columns]);
                *rotation = Rotation::new((squares[i], squares[j]), inner, tolerance, &mut turns);
            }
            for ((i, j), rotation) in pairs().zip(&rotations) {
                if rotation.is_identity() {
                    continue;
                }
                let (head, tail) = self.pairs.split_at_mut(j * stride);
                rotation.apply(&mut head[i * stride..(i + 1) * stride], &mut tail[..stride]);
                (squares[i], squares[j]) = rotation.squares;
            }
        }
        for lane in 0..L {
            self.active[lane] = turns.rotated[lane] & turns.coarse[lane] != 0;
        }
    }

    /// `x ← Q J`.
    #[inline(always)]
    fn multiply_by_q(&mut self, factors: &[Lane<L, A>]) {
        let (length, columns) = (self.length, self.columns);
        let mut u = vec![Lane::ZERO; length * columns];
        for (column, pair) in u.chunks_exact_mut(length).zip(self.pairs.chunks_exact(2 * columns)) {
            column[..columns].copy_from_slice(&pair[columns..]);
        }
        for (k, factor) in factors.iter().enumerate().rev() {
            reflect_all(&self.x[k * length + k..(k + 1) * length], *factor, &mut u, length, &mut []);
        }
        self.x = u;
    }
}

#[inline(always)]
pub(super) fn dot<const L: usize, A: Copy>(x: &[Lane<L, A>], y: &[Lane<L, A>]) -> Lane<L, A> {
    let mut sum = Lane::ZERO;
    for (a, b) in x.iter().zip(y) {
        for lane in 0..L {
            sum[lane] = a[lane].mul_add(b[lane], sum[lane]);
        }
    }
    sum
}
