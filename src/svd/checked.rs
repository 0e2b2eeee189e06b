//! The checks around every factorisation, of whatever backend.

use super::{Backend, RawSvd, Route, Svd};
use crate::Error;
use ndarray::{Array2, ArrayView2};
use std::borrow::Cow;

/// A matrix scaled so that its largest entry lies in [½, 1), and the exponent that undoes it.
struct Scaled {
    matrix: Array2<f64>,
    exponent: i32,
}

impl Scaled {
    fn new(what: &'static str, x: ArrayView2<'_, f64>) -> Result<Self, Error> {
        if x.is_empty() {
            return Err(Error::Empty { what });
        }
        Error::check_finite(what, x)?;
        let largest = x.iter().fold(0.0, |m: f64, v| m.max(v.abs()));
        let exponent = exponent(largest);
        let mut matrix = x.as_standard_layout().into_owned();
        if exponent.abs() < 1000 {
            let scale = power_of_two(-exponent);
            matrix.mapv_inplace(|v| v * scale);
        } else {
            // Two exact steps: one factor of 2^1074 would itself overflow.
            let (half, rest) = (power_of_two(-exponent / 2), power_of_two(-exponent - -exponent / 2));
            matrix.mapv_inplace(|v| v * half * rest);
        }
        Ok(Self { matrix, exponent })
    }

    fn undo(&self, value: f64) -> f64 {
        value * power_of_two(self.exponent / 2) * power_of_two(self.exponent - self.exponent / 2)
    }
}

/// `e` with `2^(e−1) ≤ x < 2^e`; 0 for 0.
pub(crate) fn exponent(x: f64) -> i32 {
    if x == 0.0 {
        return 0;
    }
    let (x, shift) = if x < f64::MIN_POSITIVE { (x * power_of_two(64), -64) } else { (x, 0) };
    let biased = i32::try_from(x.to_bits() >> 52 & 0x7ff).unwrap_or(0);
    biased - 1022 + shift
}

/// `2^e`, exact for −1022 ≤ e ≤ 1023.
pub(crate) fn power_of_two(e: i32) -> f64 {
    f64::from_bits(u64::from((e + 1023).unsigned_abs()) << 52)
}

pub(super) fn svd(x: ArrayView2<'_, f64>, backend: &dyn Backend) -> Result<Svd, Error> {
    let scaled = Scaled::new("the matrix", x)?;
    let first = backend.factorise(scaled.matrix.view(), Route::First);
    finish(&scaled, first, backend)
}

pub(super) fn svd_many(xs: &[ArrayView2<'_, f64>], backend: &dyn Backend) -> Vec<Result<Svd, Error>> {
    let mut exponents = Vec::with_capacity(xs.len());
    let mut matrices = Vec::with_capacity(xs.len());
    for x in xs {
        exponents.push(Scaled::new("the matrix", *x).map(|scaled| {
            matrices.push(scaled.matrix);
            scaled.exponent
        }));
    }
    let raws = backend.factorise_many(&matrices);
    let mut done = matrices.into_iter().zip(raws);
    let missing = || Error::Backend {
        name: backend.name(),
        reason: "it returned fewer factorisations than it was given matrices".into(),
    };
    exponents
        .into_iter()
        .map(|exponent| {
            let exponent = exponent?;
            let (matrix, raw) = done.next().ok_or_else(missing)?;
            finish(&Scaled { matrix, exponent }, raw, backend)
        })
        .collect()
}

/// The triangle `R` of `X = Q R` behind the same scaling, and checked by `‖R z‖ = ‖X z‖`.
pub(crate) fn triangle(x: ArrayView2<'_, f64>, backend: &dyn Backend) -> Result<Array2<f64>, Error> {
    let scaled = Scaled::new("the matrix", x)?;
    let failed = |reason| Error::Backend { name: backend.name(), reason };
    let mut r = backend.triangle(scaled.matrix.view()).map_err(failed)?;
    let (n, p) = x.dim();
    if r.dim() != (n.min(p), p) {
        return Err(failed(format!("a triangle of the wrong shape for a {n} × {p} matrix")));
    }
    let z = probe(x.ncols());
    let length = |matrix: ArrayView2<'_, f64>| norm(&Columns::new(matrix.reversed_axes()).project(&z));
    let (expected, found) = (length(scaled.matrix.view()), length(r.view()));
    let size = norm(&Columns::new(scaled.matrix.t()).entries) * norm(&z);
    let off = (expected - found).abs();
    if off.is_nan() || off > tolerance(x.nrows(), x.ncols()) * size {
        return Err(failed(format!("‖R z‖ = {found:e} where ‖X z‖ = {expected:e}")));
    }
    r.mapv_inplace(|v| scaled.undo(v));
    Ok(r)
}

fn finish(scaled: &Scaled, first: Result<RawSvd, String>, backend: &dyn Backend) -> Result<Svd, Error> {
    let verified = |raw: RawSvd| verify(&scaled.matrix, &raw).map(|()| raw);
    let raw = first.and_then(verified).or_else(|why_first| {
        backend
            .factorise(scaled.matrix.view(), Route::Second)
            .and_then(verified)
            .map_err(|why_second| format!("{why_first}; second route: {why_second}"))
    });
    let mut raw = raw.map_err(|reason| Error::Backend { name: backend.name(), reason })?;
    raw.sigma.mapv_inplace(|s| scaled.undo(s));
    if raw.sigma.first().is_some_and(|s| s.is_infinite()) {
        return Err(Error::Overflow { what: "the largest singular value" });
    }
    Ok(Svd::from_parts(raw.u, raw.sigma, raw.vt))
}

/// LAPACK's test programs pass a factorisation whose backward error is under 30 of these units.
fn tolerance(n: usize, p: usize) -> f64 {
    30.0 * n.max(p) as f64 * f64::EPSILON
}

/// `Err(reason)` unless `raw` is a thin SVD of `x`, as far as O(np) work can tell.
fn verify(x: &Array2<f64>, raw: &RawSvd) -> Result<(), String> {
    let RawSvd { u, sigma, vt } = raw;
    let (n, p) = x.dim();
    let r = n.min(p);
    if u.dim() != (n, r) || sigma.len() != r || vt.dim() != (r, p) {
        return Err(format!("a factorisation of the wrong shape for a {n} × {p} matrix"));
    }
    // Negated comparisons throughout: NaN must fail.
    if !(sigma.iter().all(|&s| s >= 0.0) && sigma.iter().zip(sigma.iter().skip(1)).all(|(a, b)| a >= b)) {
        return Err("singular values that are negative, NaN or out of order".into());
    }
    let tolerance = tolerance(n, p);
    let (z, w, s) = (probe(p), probe(n), probe(r));
    let (u, v, xt) = (Columns::new(u.view()), Columns::new(vt.t()), Columns::new(x.t()));
    let frobenius = norm(&xt.entries);
    let close = |what: &str, error: f64, size: f64| {
        if error <= tolerance * size { Ok(()) } else { Err(format!("{what} is off by {:.1e}", error / size)) }
    };
    close("Σσ² against ‖X‖²", (norm(&sigma.to_vec()) - frobenius).abs(), frobenius)?;
    let scaled = |mut coefficients: Vec<f64>| {
        coefficients.iter_mut().zip(sigma).for_each(|(c, s)| *c *= s);
        coefficients
    };
    let forward = distance(u.combine(&scaled(v.project(&z))), &xt.project(&z));
    close("U Σ Vᵀ z against X z", forward, frobenius * norm(&z))?;
    let backward = distance(v.combine(&scaled(u.project(&w))), &xt.combine(&w));
    close("V Σ Uᵀ w against Xᵀ w", backward, frobenius * norm(&w))?;
    for (what, basis) in [("Uᵀ U s against s", &u), ("Vᵀ V s against s", &v)] {
        close(what, distance(basis.project(&basis.combine(&s)), &s), norm(&s))?;
    }
    Ok(())
}

/// A matrix `B` as its columns, one after the other in memory.
struct Columns<'a> {
    entries: Cow<'a, [f64]>,
    length: usize,
}

impl<'a> Columns<'a> {
    fn new(matrix: ArrayView2<'a, f64>) -> Self {
        let entries = match matrix.reversed_axes().to_slice() {
            Some(slice) => Cow::Borrowed(slice),
            None => Cow::Owned(matrix.t().iter().copied().collect()),
        };
        Self { entries, length: matrix.nrows() }
    }

    /// `Bᵀ x`.
    fn project(&self, x: &[f64]) -> Vec<f64> {
        self.entries.chunks_exact(self.length).map(|column| dot(column, x)).collect()
    }

    /// `B c`.
    fn combine(&self, coefficients: &[f64]) -> Vec<f64> {
        let mut sum = vec![0.0; self.length];
        for (column, coefficient) in self.entries.chunks_exact(self.length).zip(coefficients) {
            for (entry, value) in sum.iter_mut().zip(column) {
                *entry += coefficient * value;
            }
        }
        sum
    }
}

fn distance(mut a: Vec<f64>, b: &[f64]) -> f64 {
    a.iter_mut().zip(b).for_each(|(a, b)| *a -= b);
    norm(&a)
}

/// `a·b`.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let (a, b) = (a.chunks_exact(4), b.chunks_exact(4));
    let rest: f64 = a.remainder().iter().zip(b.remainder()).map(|(a, b)| a * b).sum();
    // Four sums side by side: one would wait for itself.
    let mut sums = [0.0; 4];
    for (a, b) in a.zip(b) {
        for lane in 0..4 {
            sums[lane] += a[lane] * b[lane];
        }
    }
    (sums[0] + sums[1]) + (sums[2] + sums[3]) + rest
}

/// Fixed pseudo-random numbers in [−1, 1): the same for every matrix of the same size.
fn probe(len: usize) -> Vec<f64> {
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

/// The Euclidean norm. Entries are of order 1 here: nothing overflows.
fn norm(x: &[f64]) -> f64 {
    dot(x, x).sqrt()
}
