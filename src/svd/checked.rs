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
        let mut matrix = x.as_standard_layout().into_owned();
        let exponent = exponent(largest(matrix.as_slice().unwrap_or(&[])));
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

/// The largest of the absolute values.
fn largest(entries: &[f64]) -> f64 {
    // Eight side by side: one would wait for itself.
    let mut largest = [0.0; 8];
    let chunks = entries.chunks_exact(8);
    for (largest, v) in largest.iter_mut().zip(chunks.remainder()) {
        *largest = v.abs();
    }
    for chunk in chunks {
        for (largest, v) in largest.iter_mut().zip(chunk) {
            *largest = if v.abs() > *largest { v.abs() } else { *largest };
        }
    }
    largest.into_iter().fold(0.0, f64::max)
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
    finish(&scaled, first, backend, &mut Check::new(x.nrows().max(x.ncols())))
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
    let mut check = Check::new(matrices.iter().map(|x| x.nrows().max(x.ncols())).max().unwrap_or(0));
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
            finish(&Scaled { matrix, exponent }, raw, backend, &mut check)
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
    let mut product = Vec::new();
    let mut length = |matrix: ArrayView2<'_, f64>| {
        Columns::new(matrix.reversed_axes()).project(&z, &mut product);
        norm(&product)
    };
    let (expected, found) = (length(scaled.matrix.view()), length(r.view()));
    let size = norm(&Columns::new(scaled.matrix.t()).entries) * norm(&z);
    let off = (expected - found).abs();
    if off.is_nan() || off > tolerance(x.nrows(), x.ncols()) * size {
        return Err(failed(format!("‖R z‖ = {found:e} where ‖X z‖ = {expected:e}")));
    }
    r.mapv_inplace(|v| scaled.undo(v));
    Ok(r)
}

fn finish(
    scaled: &Scaled,
    first: Result<RawSvd, String>,
    backend: &dyn Backend,
    check: &mut Check,
) -> Result<Svd, Error> {
    let mut verified = |raw: RawSvd| check.verify(&scaled.matrix, &raw).map(|()| raw);
    let raw = first.and_then(&mut verified).or_else(|why_first| {
        backend
            .factorise(scaled.matrix.view(), Route::Second)
            .and_then(&mut verified)
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

/// What the checks of any number of matrices share: the probes, and room for the products with them.
struct Check {
    probe: Vec<f64>,
    modes: Vec<f64>,
    found: Vec<f64>,
    expected: Vec<f64>,
}

impl Check {
    /// For matrices of sides up to `longest`.
    fn new(longest: usize) -> Self {
        Self { probe: probe(longest), modes: Vec::new(), found: Vec::new(), expected: Vec::new() }
    }

    /// `Err(reason)` unless `raw` is a thin SVD of `x`, as far as O(np) work can tell.
    fn verify(&mut self, x: &Array2<f64>, raw: &RawSvd) -> Result<(), String> {
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
        let Self { probe, modes, found, expected } = self;
        let (z, w, s) = (&probe[..p], &probe[..n], &probe[..r]);
        let (u, v, xt) = (Columns::new(u.view()), Columns::new(vt.t()), Columns::new(x.t()));
        let frobenius = norm(&xt.entries);
        let close = |what: &str, error: f64, size: f64| {
            if error <= tolerance * size {
                Ok(())
            } else {
                Err(format!("{what} is off by {:.1e}", error / size))
            }
        };
        modes.clear();
        modes.extend(sigma);
        close("Σσ² against ‖X‖²", (norm(modes) - frobenius).abs(), frobenius)?;
        let scale = |modes: &mut [f64]| modes.iter_mut().zip(sigma).for_each(|(m, s)| *m *= s);
        v.project(z, modes);
        scale(modes);
        u.combine(modes, found);
        xt.project(z, expected);
        close("U Σ Vᵀ z against X z", distance(found, expected), frobenius * norm(z))?;
        u.project(w, modes);
        scale(modes);
        v.combine(modes, found);
        xt.combine(w, expected);
        close("V Σ Uᵀ w against Xᵀ w", distance(found, expected), frobenius * norm(w))?;
        for (what, basis) in [("Uᵀ U s against s", &u), ("Vᵀ V s against s", &v)] {
            basis.combine(s, found);
            basis.project(found, modes);
            close(what, distance(modes, s), norm(s))?;
        }
        Ok(())
    }
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
    fn project(&self, x: &[f64], product: &mut Vec<f64>) {
        product.clear();
        product.extend(self.entries.chunks_exact(self.length).map(|column| dot(column, x)));
    }

    /// `B c`.
    fn combine(&self, coefficients: &[f64], sum: &mut Vec<f64>) {
        sum.clear();
        sum.resize(self.length, 0.0);
        for (column, coefficient) in self.entries.chunks_exact(self.length).zip(coefficients) {
            for (entry, value) in sum.iter_mut().zip(column) {
                *entry += coefficient * value;
            }
        }
    }
}

/// `‖a − b‖`; `a` becomes the difference.
fn distance(a: &mut [f64], b: &[f64]) -> f64 {
    a.iter_mut().zip(b).for_each(|(a, b)| *a -= b);
    norm(a)
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
