//! Checks whether a factorisation is correct, as far as O(np) work can tell.

// All must be inlined into one function per instruction set (see `Passes`).
#![allow(clippy::inline_always)]

use super::sums::{Sums, dot};
use super::{RawProjection, RawSvd};
use crate::machine::instructions::arch;
use ndarray::{Array2, ArrayView1, ArrayView2};
use std::borrow::Cow;

/// Entries that stay in the cache until their second use: 256 KiB.
const CACHED: usize = 1 << 15;

/// Tolerance: LAPACK's test programs accept a backward error under 30 of these units.
pub(super) fn tolerance(n: usize, p: usize) -> f64 {
    30.0 * n.max(p) as f64 * f64::EPSILON
}

/// State shared by the checks of any number of matrices: the probes, and workspace for products with them.
pub(super) struct Check {
    probe: Vec<f64>,
    room: Vec<f64>,
}

impl Check {
    /// For matrices with sides up to `longest`.
    pub(super) fn new(longest: usize) -> Self {
        Self { probe: probe(longest), room: Vec::new() }
    }

    /// `Err(reason)` unless `raw` is a thin SVD of `x`, which is in standard layout.
    pub(super) fn verify(&mut self, x: &Array2<f64>, raw: &RawSvd) -> Result<(), String> {
        let RawSvd { u, sigma, vt } = raw;
        let (n, p) = x.dim();
        let r = n.min(p);
        if u.dim() != (n, r) || sigma.len() != r || vt.dim() != (r, p) {
            return Err(format!("a factorisation of the wrong shape for a {n} × {p} matrix"));
        }
        in_order(sigma.view())?;
        let sigma = sigma.as_standard_layout();
        let sigma = sigma.as_slice().unwrap_or(&[]);
        self.room.clear();
        self.room.resize(3 * r + 2 * (n + p), 0.0);
        let passes = Passes {
            x: Columns::new(x.t()),
            u: Columns::new(u.view()),
            v: Columns::new(vt.t()),
            sigma,
            probe: &self.probe,
            room: &mut self.room,
        };
        let Errors { frobenius, forward, backward, left, right } = arch().dispatch(passes);
        let close = |what: &str, error: f64, size: f64| close(what, error, tolerance(n, p) * size, size);
        let lengths = |len: usize| norm(&self.probe[..len]);
        close("Σσ² against ‖X‖²", (norm(sigma) - frobenius).abs(), frobenius)?;
        close("U Σ Vᵀ z against X z", forward, frobenius * lengths(p))?;
        close("V Σ Uᵀ w against Xᵀ w", backward, frobenius * lengths(n))?;
        close("Uᵀ U s against s", left, lengths(r))?;
        close("Vᵀ V s against s", right, lengths(r))
    }

    /// `Err(reason)` unless `raw` is the projection for `x`, which is in standard layout, of `m` targets, the last of
    /// which is the probe. Checking the probe checks every target, since all are computed in the same way.
    pub(super) fn verify_projection(
        &mut self,
        x: &Array2<f64>,
        raw: &RawProjection,
        m: usize,
    ) -> Result<(), String> {
        let RawProjection { sigma, vt, along, rest } = raw;
        let (n, p) = x.dim();
        let r = n.min(p);
        if sigma.len() != r || vt.dim() != (r, p) || along.dim() != (m, r) || rest.nrows() != m || m == 0 {
            return Err(format!("a projection of the wrong shape for a {n} × {p} matrix and {m} targets"));
        }
        in_order(sigma.view())?;
        self.room.clear();
        self.room.resize(r + 2 * p, 0.0);
        let (sigma, along, rest) = (sigma.view(), along.row(m - 1), rest.row(m - 1));
        let rows = [&sigma, &along, &rest].map(|row| row.as_standard_layout());
        let [sigma, along, rest] = [0, 1, 2].map(|row| rows[row].as_slice().unwrap_or(&[]));
        let passes = ProjectionPasses {
            x: Columns::new(x.t()),
            v: Columns::new(vt.t()),
            sigma,
            along,
            rest,
            probe: &self.probe,
            room: &mut self.room,
        };
        let ProjectionErrors { frobenius, images, backward, right, parts } = arch().dispatch(passes);
        let close = |what: &str, error: f64, size: f64| close(what, error, tolerance(n, p) * size, size);
        let lengths = |len: usize| norm(&self.probe[..len]);
        close("Σσ² against ‖X‖²", (norm(sigma) - frobenius).abs(), frobenius)?;
        close("‖Σ Vᵀ z‖ against ‖X z‖", (images[0] - images[1]).abs(), frobenius * lengths(p))?;
        close("V Σ Uᵀ w against Xᵀ w", backward, frobenius * lengths(n))?;
        close("Vᵀ V s against s", right, lengths(r))?;
        close("the parts of w against ‖w‖", (parts - lengths(n)).abs(), lengths(n))
    }
}

/// `Err(reason)` unless these are finite singular values, descending.
// Negated comparisons throughout: NaN must fail.
pub(crate) fn in_order(sigma: ArrayView1<'_, f64>) -> Result<(), String> {
    let is_value = |&s: &f64| s >= 0.0 && s.is_finite();
    if !(sigma.iter().all(is_value) && sigma.iter().zip(sigma.iter().skip(1)).all(|(a, b)| a >= b)) {
        return Err("singular values that are negative, NaN, infinite or out of order".into());
    }
    Ok(())
}

fn close(what: &str, error: f64, most: f64, size: f64) -> Result<(), String> {
    if error <= most { Ok(()) } else { Err(format!("{what} is off by {:.1e}", error / size)) }
}

/// Operands of a projection's check.
struct ProjectionPasses<'a> {
    /// The rows of `X`.
    x: Columns<'a>,
    v: Columns<'a>,
    sigma: &'a [f64],
    /// `Uᵀ w` for the probe `w`.
    along: &'a [f64],
    /// `(I − U Uᵀ) w`, in any orthonormal basis.
    rest: &'a [f64],
    probe: &'a [f64],
    /// `r + 2 p` zeros.
    room: &'a mut [f64],
}

struct ProjectionErrors {
    /// `‖X‖_F`.
    frobenius: f64,
    /// `‖Σ Vᵀ z‖` and `‖X z‖`.
    images: [f64; 2],
    /// `‖V Σ Uᵀ w − Xᵀ w‖`.
    backward: f64,
    /// `‖Vᵀ V s − s‖`.
    right: f64,
    /// The length of `w` from its two parts.
    parts: f64,
}

impl pulp::WithSimd for ProjectionPasses<'_> {
    type Output = ProjectionErrors;

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, simd: S) -> ProjectionErrors {
        let sums = Sums(simd);
        let Self { x, v, sigma, along, rest, probe, room } = self;
        let (r, p) = (sigma.len(), v.length);
        let (z, s) = (&probe[..p], &probe[..r]);
        let (products, room) = room.split_at_mut(r);
        let (backward, vs) = room.split_at_mut(p);
        let length = |x: &[f64]| sums.dot(x, x).sqrt();
        for (mode, column) in v.columns().enumerate() {
            products[mode] = sigma[mode] * sums.dot(column, z);
            sums.add(sigma[mode] * along[mode], column, backward);
            sums.add(s[mode], column, vs);
        }
        let of_factors = length(products);
        for (mode, column) in v.columns().enumerate() {
            products[mode] = sums.dot(column, vs) - s[mode];
        }
        let (mut square, mut of_matrix) = (0.0, 0.0);
        for (i, row) in x.columns().enumerate() {
            let (of_row, image) = sums.square_and_dot(row, z, -probe[i], backward);
            square += of_row;
            of_matrix += image * image;
        }
        ProjectionErrors {
            frobenius: square.sqrt(),
            images: [of_factors, of_matrix.sqrt()],
            backward: length(backward),
            right: length(products),
            parts: (sums.dot(along, along) + sums.dot(rest, rest)).sqrt(),
        }
    }
}

/// Operands of the check, in as few passes over the matrices as possible: one over `X` and `U`, two over `V`. Compiled
/// once per instruction set; the best one that the machine supports is used.
struct Passes<'a> {
    /// The rows of `X`.
    x: Columns<'a>,
    u: Columns<'a>,
    v: Columns<'a>,
    sigma: &'a [f64],
    probe: &'a [f64],
    /// `3 r + 2 (n + p)` zeros.
    room: &'a mut [f64],
}

struct Errors {
    /// `‖X‖_F`.
    frobenius: f64,
    /// `‖U Σ Vᵀ z − X z‖`.
    forward: f64,
    /// `‖V Σ Uᵀ w − Xᵀ w‖`.
    backward: f64,
    /// `‖Uᵀ U s − s‖`.
    left: f64,
    /// `‖Vᵀ V s − s‖`.
    right: f64,
}

impl pulp::WithSimd for Passes<'_> {
    type Output = Errors;

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, simd: S) -> Errors {
        let sums = Sums(simd);
        let Self { x, u, v, sigma, probe, room } = self;
        let (n, p, r) = (u.length, v.length, sigma.len());
        let (z, w, s) = (&probe[..p], &probe[..n], &probe[..r]);
        let (vz, room) = room.split_at_mut(r);
        let (uw, room) = room.split_at_mut(r);
        let (left, room) = room.split_at_mut(r);
        let (forward, room) = room.split_at_mut(n);
        let (us, room) = room.split_at_mut(n);
        let (backward, vs) = room.split_at_mut(p);
        for (mode, column) in v.columns().enumerate() {
            vz[mode] = sigma[mode] * sums.dot(column, z);
        }
        // Blocks of rows, which are still in the cache when `U s` is multiplied by `Uᵀ`.
        let most = (CACHED / r.max(1)).max(64);
        for from in (0..n).step_by(most) {
            let rows = from..n.min(from + most);
            for (mode, column) in u.columns().enumerate() {
                let column = &column[rows.clone()];
                let to = (&mut forward[rows.clone()], &mut us[rows.clone()]);
                uw[mode] += sigma[mode] * sums.dot_and_add(column, &w[rows.clone()], (vz[mode], s[mode]), to);
            }
            for (mode, column) in u.columns().enumerate() {
                left[mode] += sums.dot(&column[rows.clone()], &us[rows.clone()]);
            }
        }
        // The products with V are no longer needed: reuse their memory for Vᵀ V s.
        vz.fill(0.0);
        for from in (0..p).step_by(most) {
            let rows = from..p.min(from + most);
            for (mode, column) in v.columns().enumerate() {
                let column = &column[rows.clone()];
                sums.add(uw[mode], column, &mut backward[rows.clone()]);
                sums.add(s[mode], column, &mut vs[rows.clone()]);
            }
            for (mode, column) in v.columns().enumerate() {
                vz[mode] += sums.dot(&column[rows.clone()], &vs[rows.clone()]);
            }
        }
        let mut square = 0.0;
        for (i, row) in x.columns().enumerate() {
            let (of_row, image) = sums.square_and_dot(row, z, -w[i], backward);
            square += of_row;
            forward[i] -= image;
        }
        for (mode, s) in s.iter().enumerate() {
            left[mode] -= s;
            vz[mode] -= s;
        }
        let length = |x: &[f64]| sums.dot(x, x).sqrt();
        Errors {
            frobenius: square.sqrt(),
            forward: length(forward),
            backward: length(backward),
            left: length(left),
            right: length(vz),
        }
    }
}

/// A matrix stored as contiguous columns.
pub(super) struct Columns<'a> {
    entries: Cow<'a, [f64]>,
    length: usize,
}

impl<'a> Columns<'a> {
    pub(super) fn new(matrix: ArrayView2<'a, f64>) -> Self {
        let entries = match matrix.reversed_axes().to_slice() {
            Some(slice) => Cow::Borrowed(slice),
            None => Cow::Owned(matrix.t().iter().copied().collect()),
        };
        Self { entries, length: matrix.nrows() }
    }

    #[inline(always)]
    pub(super) fn columns(&self) -> std::slice::ChunksExact<'_, f64> {
        self.entries.chunks_exact(self.length)
    }
}

/// Fixed pseudo-random numbers in [−1, 1): the same for every matrix of the same size.
pub(super) fn probe(len: usize) -> Vec<f64> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let draw = || {
        // xorshift64*: enough to be unrelated to any data.
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        let mantissa = state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 12;
        f64::from_bits(mantissa | 0x4000_0000_0000_0000) - 3.0
    };
    std::iter::repeat_with(draw).take(len).collect()
}

/// Returns the Euclidean norm. Entries are of order 1 here, so nothing overflows.
pub(super) fn norm(x: &[f64]) -> f64 {
    dot(x, x).sqrt()
}
