//! One-sided Jacobi for many small matrices at once, one matrix per SIMD lane.

// Loops over lanes index several arrays at once; all must be inlined into one function per instruction
// set (see `Factorise`).
#![allow(clippy::inline_always, clippy::needless_range_loop)]

use super::completion::complete;
use super::{Backend, Faer, RawSvd, Route};
use crate::machine::instructions::arch;
use crate::machine::lane::{Lane, Line, Register};
use crate::machine::memory::table;
use ndarray::{Array1, Array2, ArrayView2, ShapeBuilder};

/// Matrices per pass: eight lanes are one 512-bit or two 256-bit registers.
const LANES: usize = 8;

/// Where the smaller side is longer than this, [`Faer`] is faster.
const LARGEST: usize = 32;

/// A sweep whose rotations were all this small, in angle and in the cosine that they removed, was the last:
/// each disturbs what the others made orthogonal by at most the product, under 1e-18.
const FINE: f64 = 1e-9;

/// A pair of columns takes about six sweeps; 40 say that something is wrong.
const MAX_SWEEPS: usize = 40;

/// One-sided Jacobi rotations for matrices with `min(n, p) ≤ 32`, [`Faer`] for larger ones: the
/// backend of sweeps, whose cells are many small matrices of one shape.
///
/// Several matrices run side by side, one in each lane of a SIMD register; a lane's arithmetic does not
/// depend on the others, nor on the instruction set, so results have the same bits alone, in any batch
/// and on any machine. Jacobi also finds small singular values to high relative accuracy where bad
/// conditioning comes from the scale of columns (Demmel & Veselić, *Jacobi's method is more accurate
/// than QR*, SIAM J. Matrix Anal. Appl. 13, 1992).
///
/// # Examples
/// ```
/// use double_descent::svd::{Jacobi, Svd};
/// use ndarray::array;
///
/// let graded = array![[1.0, 1e-12], [1.0, -1e-12]];
/// let svd = Svd::with_backend(&graded, &Jacobi)?;
/// let exact = 2f64.sqrt() * 1e-12;
/// assert!((svd.singular_values()[1] / exact - 1.0).abs() < 1e-15); // all digits of it
/// # Ok::<(), double_descent::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Jacobi;

impl Backend for Jacobi {
    fn name(&self) -> &'static str {
        "jacobi"
    }

    fn factorise(&self, x: ArrayView2<'_, f64>, route: Route) -> Result<RawSvd, String> {
        if route == Route::Second || x.nrows().min(x.ncols()) > LARGEST {
            return Faer.factorise(x, route);
        }
        let matrix = x.to_owned();
        one_sided::<{ LANES / 2 }, Register>(&[&matrix]).pop().unwrap_or_else(|| Err("no result".into()))
    }

    fn factorise_many(&self, xs: &[Array2<f64>]) -> Vec<Result<RawSvd, String>> {
        let shape = xs.first().map_or((0, 0), Array2::dim);
        let alike = xs.iter().all(|x| x.dim() == shape);
        if !alike || shape.0.min(shape.1) > LARGEST {
            return xs.iter().map(|x| self.factorise(x.view(), Route::First)).collect();
        }
        let mut results = Vec::with_capacity(xs.len());
        for batch in xs.chunks(LANES) {
            let lanes: Vec<&Array2<f64>> = batch.iter().collect();
            results.extend(if 2 * lanes.len() > LANES {
                one_sided::<LANES, Line>(&lanes)
            } else {
                one_sided::<{ LANES / 2 }, Register>(&lanes)
            });
        }
        results
    }

    fn triangle(&self, x: ArrayView2<'_, f64>) -> Result<Array2<f64>, String> {
        Faer.triangle(x)
    }

    /// Those of eight matrices in the lanes, and the result.
    fn bytes(&self, (n, p): (usize, usize)) -> usize {
        let (long, short) = (n.max(p), n.min(p));
        if short > LARGEST {
            return Faer.bytes((n, p));
        }
        table(long + 3 * short, short).saturating_mul(LANES).saturating_add(table(long + short, short))
    }
}

/// Up to `L` matrices of one shape, `length ≥ columns`: transposed where they are wide.
///
/// After Drmač & Veselić, *New fast and accurate Jacobi SVD algorithm I*, SIAM J. Matrix Anal. Appl. 29
/// (2008): pivoted QR, `X P = Q R`, then rotations of the columns of `Rᵀ`, which QR has made nearly
/// orthogonal. `Rᵀ J = W Σ` gives `X = (Q J) Σ (P W)ᵀ`.
struct Lanes<const L: usize, A: Copy> {
    length: usize,
    columns: usize,
    /// The matrix column by column; becomes the reflectors of `Q`, then `U = Q J`.
    x: Vec<Lane<L, A>>,
    /// Columns of `Rᵀ` over columns of `I`; becomes `W Σ` over `J`.
    pairs: Vec<Lane<L, A>>,
    /// The pivots: column `k` of `Q R` was column `order[k][lane]` of the matrix.
    order: Vec<[usize; L]>,
    /// The lengths of the columns of `W Σ`.
    norms: [Lane<L, A>; LARGEST],
    /// Lanes that need another sweep.
    active: [bool; L],
}

fn one_sided<const L: usize, A: Copy>(xs: &[&Array2<f64>]) -> Vec<Result<RawSvd, String>> {
    let Some(first) = xs.first() else {
        return Vec::new();
    };
    let wide = first.nrows() < first.ncols();
    let mut lanes = Lanes::<L, A>::load(xs, wide);
    arch().dispatch(Factorise(&mut lanes));
    (0..xs.len()).map(|lane| lanes.store(lane, wide)).collect()
}

/// [`Lanes::factorise`], compiled once per instruction set; the best one that the machine has runs. All
/// that it calls is `inline(always)`: a function of its own would be compiled for the oldest machine.
struct Factorise<'a, const L: usize, A: Copy>(&'a mut Lanes<L, A>);

impl<const L: usize, A: Copy> pulp::WithSimd for Factorise<'_, L, A> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) {
        self.0.factorise();
    }
}

impl<const L: usize, A: Copy> Lanes<L, A> {
    fn load(xs: &[&Array2<f64>], wide: bool) -> Self {
        let (n, p) = xs[0].dim();
        let (length, columns) = (n.max(p), n.min(p));
        let mut x = vec![Lane::ZERO; length * columns];
        for (lane, matrix) in xs.iter().enumerate() {
            let view = if wide { matrix.view() } else { matrix.t() };
            for (to, from) in x.iter_mut().zip(view.iter()) {
                to[lane] = *from;
            }
        }
        let mut pairs = vec![Lane::ZERO; 2 * columns * columns];
        for column in 0..columns {
            pairs[(2 * column + 1) * columns + column] = Lane::ONE;
        }
        let order = (0..columns).map(|column| [column; L]).collect();
        Self { length, columns, x, pairs, order, norms: [Lane::ZERO; LARGEST], active: [true; L] }
    }

    #[inline(always)]
    fn factorise(&mut self) {
        let reflectors = self.pivoted_qr();
        for _ in 0..MAX_SWEEPS {
            self.sweep();
            if !self.active.contains(&true) {
                break;
            }
        }
        for (norm, pair) in self.norms.iter_mut().zip(self.pairs.chunks_exact(2 * self.columns)) {
            for entry in &pair[..self.columns] {
                for lane in 0..L {
                    norm[lane] += entry[lane] * entry[lane];
                }
            }
            for lane in 0..L {
                norm[lane] = norm[lane].sqrt();
            }
        }
        self.multiply_by_q(&reflectors);
    }

    /// Householder QR with column pivoting; leaves `Rᵀ` in `pairs`, the reflectors in `x`, and returns
    /// their factors `2 / vᵀv`.
    #[inline(always)]
    fn pivoted_qr(&mut self) -> Vec<Lane<L, A>> {
        let (length, columns) = (self.length, self.columns);
        let mut factors = Vec::with_capacity(columns);
        // Of what is left of each column.
        let mut squares = [Lane::ZERO; LARGEST];
        for (square, column) in squares.iter_mut().zip(self.x.chunks_exact(length)) {
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
                // vᵀv = 2 (‖x‖² − x₀ r) after the first entry changed; 0 for a zero column.
                let half = square[lane] - v[0][lane] * diagonal;
                factor[lane] = if half > 0.0 { 1.0 / half } else { 0.0 };
                v[0][lane] = first;
                self.pairs[2 * k * columns + k][lane] = diagonal;
            }
            reflect_all(v, factor, tail, length);
            let below = &mut self.pairs[(2 * k * columns + k + 1)..][..columns - k - 1];
            for ((column, row), square) in tail.chunks_exact(length).zip(below).zip(&mut squares[k + 1..]) {
                *row = column[k];
                *square = dot(&column[k + 1..], &column[k + 1..]);
            }
            factors.push(factor);
        }
        factors
    }

    /// Brings the longest of the remaining columns to place `k`, in each lane on its own.
    #[inline(always)]
    fn pivot(&mut self, k: usize, squares: &mut [Lane<L, A>; LARGEST]) {
        let (length, columns) = (self.length, self.columns);
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
            // The rows above are those of R.
            for (a, b) in head[k * length + k..(k + 1) * length].iter_mut().zip(&mut tail[k..]) {
                std::mem::swap(&mut a[lane], &mut b[lane]);
            }
            // Rows of R that are done move with their columns.
            for done in 0..k {
                let row = 2 * done * columns;
                let (a, b) = (self.pairs[row + k][lane], self.pairs[row + j][lane]);
                (self.pairs[row + k][lane], self.pairs[row + j][lane]) = (b, a);
            }
            let (a, b) = (self.order[k][lane], self.order[j][lane]);
            (self.order[k][lane], self.order[j][lane]) = (b, a);
            (squares[k][lane], squares[j][lane]) = (squares[j][lane], squares[k][lane]);
        }
    }

    /// Makes all pairs of columns of `Rᵀ` orthogonal once: those of (0, 1), (0, 2), …, (1, 2), … in that order. Pairs
    /// with one sum of their places have no column in common and wait for those of smaller sums alone, so that they
    /// may turn side by side: to the same bits, in half the time.
    #[inline(always)]
    fn sweep(&mut self) {
        let columns = self.columns;
        // As LAPACK's dgesvj: columns are orthogonal when the cosine of their angle is rounding error.
        // Lanes that are done get a tolerance that nothing exceeds.
        let squared = columns as f64 * f64::EPSILON * f64::EPSILON;
        let tolerance = Lane::of(self.active.map(|active| if active { squared } else { f64::INFINITY }));
        let mut turns = Turns { rotated: [0; L], coarse: [0; L] };
        // Norms are kept up to date within a sweep and computed afresh for the next.
        let mut squares = [Lane::ZERO; LARGEST];
        for (square, pair) in squares.iter_mut().zip(self.pairs.chunks_exact(2 * columns)) {
            *square = dot(&pair[..columns], &pair[..columns]);
        }
        let mut rotations = [Rotation::IDENTITY; LARGEST / 2];
        for sum in 1..(2 * columns).saturating_sub(2) {
            let first = (sum + 1).saturating_sub(columns);
            let pairs = || (first..sum.div_ceil(2)).map(|i| (i, sum - i));
            for ((i, j), rotation) in pairs().zip(&mut rotations) {
                let (a, b) = (&self.pairs[2 * i * columns..], &self.pairs[2 * j * columns..]);
                let inner = dot(&a[..columns], &b[..columns]);
                *rotation = Rotation::new((squares[i], squares[j]), inner, tolerance, &mut turns);
            }
            for ((i, j), rotation) in pairs().zip(&rotations) {
                if rotation.is_identity() {
                    continue;
                }
                let (head, tail) = self.pairs.split_at_mut(2 * j * columns);
                rotation.apply(&mut head[2 * i * columns..2 * (i + 1) * columns], &mut tail[..2 * columns]);
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
            reflect_all(&self.x[k * length + k..(k + 1) * length], *factor, &mut u, length);
        }
        self.x = u;
    }

    /// The factorisation in one lane, singular values sorted.
    fn store(&self, lane: usize, wide: bool) -> Result<RawSvd, String> {
        let (length, columns) = (self.length, self.columns);
        if self.active[lane] {
            return Err(format!("no convergence in {MAX_SWEEPS} sweeps"));
        }
        let scaled = |column: usize| &self.pairs[2 * column * columns..(2 * column + 1) * columns];
        let norm = |column: usize| self.norms[column][lane];
        let mut by_size: [usize; LARGEST] = std::array::from_fn(|column| column);
        let by_size = &mut by_size[..columns];
        by_size.sort_by(|&i, &j| norm(j).total_cmp(&norm(i)));
        let mut left = Vec::with_capacity(length * columns);
        let mut right = vec![0.0; columns * columns];
        for (place, &column) in by_size.iter().enumerate() {
            left.extend(self.x[column * length..(column + 1) * length].iter().map(|x| x[lane]));
            let scale = if norm(column) > 0.0 { norm(column).recip() } else { 0.0 };
            for (entry, order) in scaled(column).iter().zip(&self.order) {
                right[place * columns + order[lane]] = entry[lane] * scale;
            }
        }
        let rank = by_size.iter().filter(|&&column| norm(column) > 0.0).count();
        complete(&mut right, columns, rank);
        let (u, n, v, p) = if wide { (right, columns, left, length) } else { (left, length, right, columns) };
        let shape = |e: ndarray::ShapeError| e.to_string();
        Ok(RawSvd {
            u: Array2::from_shape_vec((n, columns).f(), u).map_err(shape)?,
            sigma: by_size.iter().map(|&column| norm(column)).collect::<Array1<f64>>(),
            vt: Array2::from_shape_vec((columns, p), v).map_err(shape)?,
        })
    }
}

/// `x ← (I − factor · v vᵀ) x` for the last entries of all columns `x`, as many as `v` has.
#[inline(always)]
fn reflect_all<const L: usize, A: Copy>(
    v: &[Lane<L, A>],
    factor: Lane<L, A>,
    columns: &mut [Lane<L, A>],
    length: usize,
) {
    let above = length - v.len();
    let mut fours = columns.chunks_exact_mut(4 * length);
    for four in &mut fours {
        let (two, others) = four.split_at_mut(2 * length);
        let ((a, b), (c, d)) = (two.split_at_mut(length), others.split_at_mut(length));
        reflect_four(v, factor, [&mut a[above..], &mut b[above..], &mut c[above..], &mut d[above..]]);
    }
    for column in fours.into_remainder().chunks_exact_mut(length) {
        let step = times(dot(v, &column[above..]), factor);
        for (entry, v) in column[above..].iter_mut().zip(v) {
            *entry = minus(*entry, step, *v);
        }
    }
}

/// The same for four columns side by side: one sum would wait for itself.
#[inline(always)]
fn reflect_four<const L: usize, A: Copy>(
    v: &[Lane<L, A>],
    factor: Lane<L, A>,
    [a, b, c, d]: [&mut [Lane<L, A>]; 4],
) {
    let mut steps = [Lane::ZERO; 4];
    for ((((v, a), b), c), d) in v.iter().zip(&*a).zip(&*b).zip(&*c).zip(&*d) {
        for (step, entry) in steps.iter_mut().zip([a, b, c, d]) {
            for lane in 0..L {
                step[lane] = v[lane].mul_add(entry[lane], step[lane]);
            }
        }
    }
    let [to_a, to_b, to_c, to_d] = steps.map(|step| times(step, factor));
    for ((((v, a), b), c), d) in v.iter().zip(a).zip(b).zip(c).zip(d) {
        *a = minus(*a, to_a, *v);
        *b = minus(*b, to_b, *v);
        *c = minus(*c, to_c, *v);
        *d = minus(*d, to_d, *v);
    }
}

#[inline(always)]
fn times<const L: usize, A: Copy>(mut x: Lane<L, A>, factor: Lane<L, A>) -> Lane<L, A> {
    for lane in 0..L {
        x[lane] *= factor[lane];
    }
    x
}

/// `x − step · v`.
#[inline(always)]
fn minus<const L: usize, A: Copy>(mut x: Lane<L, A>, step: Lane<L, A>, v: Lane<L, A>) -> Lane<L, A> {
    for lane in 0..L {
        x[lane] = (-step[lane]).mul_add(v[lane], x[lane]);
    }
    x
}

/// One plane rotation per lane, and what it makes of the squared norms of its two columns.
#[derive(Clone, Copy)]
struct Rotation<const L: usize, A: Copy> {
    cos: Lane<L, A>,
    sin: Lane<L, A>,
    squares: (Lane<L, A>, Lane<L, A>),
}

/// What the rotations of a sweep were: all bits are set in the lanes in which one of them was so.
struct Turns<const L: usize> {
    /// Columns were not orthogonal yet.
    rotated: [u64; L],
    /// Columns were further from that than [`FINE`], or in the wrong order.
    coarse: [u64; L],
}

/// `a` in the lanes in which all bits of the mask are set, `b` in those in which none is. (Of an `if` in each lane the
/// compiler makes writes to memory.)
#[inline(always)]
fn choose(mask: u64, a: f64, b: f64) -> f64 {
    f64::from_bits(a.to_bits() & mask | b.to_bits() & !mask)
}

#[inline(always)]
fn mask(condition: bool) -> u64 {
    u64::from(condition).wrapping_neg()
}

impl<const L: usize, A: Copy> Rotation<L, A> {
    const IDENTITY: Self = Self { cos: Lane::ONE, sin: Lane::ZERO, squares: (Lane::ZERO, Lane::ZERO) };

    /// Makes two columns orthogonal and puts the longer one first (de Rijk's order, which saves
    /// sweeps). Lanes where both hold already get the identity, exactly: what a lane computes does not
    /// depend on how long the others take.
    #[inline(always)]
    fn new(
        (first, second): (Lane<L, A>, Lane<L, A>),
        inner: Lane<L, A>,
        tolerance: Lane<L, A>,
        turns: &mut Turns<L>,
    ) -> Self {
        let mut rotation = Self::IDENTITY;
        let (mut rotated, mut coarse) = ([0; L], [0; L]);
        for lane in 0..L {
            let (a, b, g) = (first[lane], second[lane], inner[lane]);
            // The squared cosine of the columns' angle is g² / (a b).
            let turn = g * g > tolerance[lane] * a * b;
            // The smaller root t of g t² + (b − a) t − g. Where nothing turns it may be 0/0; it is not used.
            let gap = b - a;
            let tangent = (2.0 * g).copysign(g * gap) / (gap.abs() + (gap * gap + 4.0 * g * g).sqrt());
            let t = choose(mask(turn), tangent, 0.0);
            let c = 1.0 / (1.0 + t * t).sqrt();
            let s = c * t;
            let (long, short) = (a - t * g, b + t * g);
            let swap = mask(long < short) & mask(tolerance[lane] < f64::INFINITY);
            rotation.cos[lane] = choose(swap, s, c);
            rotation.sin[lane] = choose(swap, -c, s);
            rotation.squares.0[lane] = choose(swap, short, long);
            rotation.squares.1[lane] = choose(swap, long, short);
            rotated[lane] = mask(turn);
            coarse[lane] = swap | mask(t.abs() > FINE) | mask(g * g > FINE * FINE * a * b);
        }
        for lane in 0..L {
            turns.rotated[lane] |= rotated[lane];
            turns.coarse[lane] |= coarse[lane];
        }
        rotation
    }

    /// Whether it turns nothing in any lane.
    #[inline(always)]
    fn is_identity(&self) -> bool {
        let mut bits = 0;
        for lane in 0..L {
            bits |= self.sin[lane].to_bits();
        }
        bits << 1 == 0
    }

    #[inline(always)]
    fn apply(&self, first: &mut [Lane<L, A>], second: &mut [Lane<L, A>]) {
        for (x, y) in first.iter_mut().zip(second) {
            for lane in 0..L {
                let (a, b) = (x[lane], y[lane]);
                x[lane] = self.cos[lane].mul_add(a, -(self.sin[lane] * b));
                y[lane] = self.cos[lane].mul_add(b, self.sin[lane] * a);
            }
        }
    }
}

#[inline(always)]
fn dot<const L: usize, A: Copy>(x: &[Lane<L, A>], y: &[Lane<L, A>]) -> Lane<L, A> {
    let mut sum = Lane::ZERO;
    for (a, b) in x.iter().zip(y) {
        for lane in 0..L {
            sum[lane] = a[lane].mul_add(b[lane], sum[lane]);
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;

    /// Entries of no particular structure, the same on every machine.
    fn matrix(n: usize, p: usize, seed: usize) -> Array2<f64> {
        Array2::from_shape_fn((n, p), |(i, j)| (((i * 31 + j * 17 + seed * 7) % 101) as f64 - 50.0) / 64.0)
    }

    #[test]
    fn a_lane_does_not_depend_on_the_others() {
        for (n, p) in [(1, 1), (7, 3), (3, 7), (20, 20), (39, 8)] {
            let all: Vec<_> = (0..11).map(|seed| matrix(n, p, seed)).collect();
            let together = Jacobi.factorise_many(&all);
            for (x, found) in all.iter().zip(together) {
                let (found, alone) = (found.unwrap(), Jacobi.factorise(x.view(), Route::First).unwrap());
                assert!(
                    found.u == alone.u && found.sigma == alone.sigma && found.vt == alone.vt,
                    "{n} × {p}"
                );
            }
        }
    }

    #[test]
    fn singular_values_agree_with_another_algorithm() {
        for (n, p) in [(12, 5), (5, 12), (9, 9), (30, 20)] {
            let x = matrix(n, p, 3);
            let (jacobi, faer) = (
                Jacobi.factorise(x.view(), Route::First).unwrap().sigma,
                Faer.factorise(x.view(), Route::First).unwrap().sigma,
            );
            // Both are backward stable: each value is good to max(n, p) ε σ₁.
            let bound = n.max(p) as f64 * f64::EPSILON * faer[0];
            for (a, b) in jacobi.iter().zip(&faer) {
                assert_relative_eq!(a, b, epsilon = bound, max_relative = 1e-12);
            }
        }
    }
}
