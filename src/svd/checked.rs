//! The checks around every factorisation, for any backend.

use super::sums::{dot, largest};
use super::verify::{Check, Columns, norm, probe, tolerance};
use super::{Backend, CosineDevice, RawProjection, RawSvd, Route, project};
use crate::machine::memory::{reserve, sum, table};
use crate::machine::rooms::recycle;
use crate::{Error, error::user_code, machine::large_pages};
use ndarray::{Array, Array1, Array2, ArrayView2, Dimension, s};
use std::cell::Cell;

/// Vectors held by the factorisation and its check, each as long as both sides together.
const VECTORS: usize = 4;

/// Most entries of a copy whose memory is kept: 2 MiB.
const KEPT: usize = 1 << 18;

thread_local! {
    /// Memory of the last copy on this thread: fresh memory from the system is slow on first access.
    static COPY: Cell<Vec<f64>> = const { Cell::new(Vec::new()) };
}

/// A matrix scaled so that its largest entry lies in [½, 1), and the exponent that undoes it.
struct Scaled {
    matrix: Array2<f64>,
    exponent: i32,
}

impl Scaled {
    fn new(what: &'static str, x: ArrayView2<'_, f64>) -> Result<Self, Error> {
        let rows = x.as_standard_layout();
        let entries = rows.as_slice().unwrap_or(&[]);
        let exponent = exponent_of(what, rows.view())?;
        let mut copy = COPY.take();
        if copy.capacity() < entries.len() {
            copy = large_pages::with_capacity(entries.len());
        }
        copy.clear();
        let (half, rest) = scales(exponent);
        copy.extend(entries.iter().map(|v| v * half * rest));
        let matrix = Array2::from_shape_vec(x.dim(), copy);
        let matrix = matrix.map_err(|e| Error::Unsupported { reason: format!("{what}: {e}") })?;
        Ok(Self { matrix, exponent })
    }

    /// The same for an owned matrix, in its own memory.
    fn in_place(what: &'static str, x: Array2<f64>) -> Result<Self, Error> {
        let mut matrix = in_rows(x);
        let exponent = exponent_of(what, matrix.view())?;
        let (half, rest) = scales(exponent);
        matrix.mapv_inplace(|v| v * half * rest);
        Ok(Self { matrix, exponent })
    }

    /// Keeps the memory for this thread's next matrix.
    fn recycle(self) {
        if self.matrix.len() <= KEPT {
            COPY.set(self.matrix.into_raw_vec_and_offset().0);
        }
    }

    fn undo(&self, value: f64) -> f64 {
        value * power_of_two(self.exponent / 2) * power_of_two(self.exponent - self.exponent / 2)
    }

    fn undo_all(&self, sigma: &mut Array1<f64>) -> Result<(), Error> {
        sigma.mapv_inplace(|s| self.undo(s));
        if sigma.first().is_some_and(|s| s.is_infinite()) {
            return Err(Error::Overflow { what: "the largest singular value" });
        }
        Ok(())
    }
}

/// Returns the exponent of the largest entry of a matrix in standard layout.
fn exponent_of(what: &'static str, x: ArrayView2<'_, f64>) -> Result<i32, Error> {
    if x.is_empty() {
        return Err(Error::Empty { what });
    }
    let largest = largest(x.as_slice().unwrap_or(&[]));
    if !largest.is_finite() {
        Error::check_finite(what, x)?;
    }
    Ok(exponent(largest))
}

/// Returns two factors that together undo an exponent, each exact: a single factor of 2^1074 would overflow.
fn scales(exponent: i32) -> (f64, f64) {
    if exponent.abs() < 1000 {
        return (power_of_two(-exponent), 1.0);
    }
    (power_of_two(-exponent / 2), power_of_two(-exponent - -exponent / 2))
}

/// Returns `e` with `2^(e−1) ≤ x < 2^e`; 0 for 0.
pub(crate) fn exponent(x: f64) -> i32 {
    if x == 0.0 {
        return 0;
    }
    let (x, shift) = if x < f64::MIN_POSITIVE { (x * power_of_two(64), -64) } else { (x, 0) };
    let biased = i32::try_from(x.to_bits() >> 52 & 0x7ff).unwrap_or(0);
    biased - 1022 + shift
}

/// Returns `2^e`, exact for −1022 ≤ e ≤ 1023.
pub(crate) fn power_of_two(e: i32) -> f64 {
    f64::from_bits(u64::from((e + 1023).unsigned_abs()) << 52)
}

/// Returns `x · 2^e`, exact unless the result itself is out of range.
pub(crate) fn scaled(x: f64, e: i32) -> f64 {
    let e = e.clamp(-3000, 3000);
    // Three steps: one factor of 2^3000 would itself overflow.
    let third = e / 3;
    x * power_of_two(third) * power_of_two(third) * power_of_two(e - 2 * third)
}

/// Calls a backend, which may be custom code; a panic counts as a failure.
fn asked<T>(work: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    user_code::call(String::new, work).unwrap_or_else(|error| match error {
        Error::UserCode { reason, .. } => Err(reason),
        other => Err(other.to_string()),
    })
}

/// Returns a backend's name, for an error.
fn name(backend: &dyn Backend) -> &'static str {
    user_code::call(String::new, || backend.name()).unwrap_or("(its name panicked)")
}

/// Calls [`Backend::bytes`] and catches panics.
pub(crate) fn bytes(backend: &dyn Backend, shape: (usize, usize)) -> Result<usize, Error> {
    asked(|| Ok(backend.bytes(shape))).map_err(|reason| Error::Backend { name: name(backend), reason })
}

/// Calls [`Backend::cosines`] and catches panics.
pub(crate) fn cosines(backend: &dyn Backend) -> Result<Option<&dyn CosineDevice>, Error> {
    asked(|| Ok(backend.cosines())).map_err(|reason| Error::Backend { name: name(backend), reason })
}

/// Returns the bytes of a matrix's scaled copy, and of the intermediate copy if rows are not contiguous.
fn copies(x: ArrayView2<'_, f64>) -> usize {
    let (n, p) = x.dim();
    table(n, p).saturating_mul(1 + usize::from(!x.is_standard_layout()))
}

pub(super) fn svd(x: ArrayView2<'_, f64>, backend: &dyn Backend) -> Result<RawSvd, Error> {
    // For a matrix of few columns or rows, the check's vectors are not negligible.
    let vectors = table(x.nrows().saturating_add(x.ncols()), VECTORS);
    reserve("the SVD of a matrix", sum([copies(x), bytes(backend, x.dim())?, vectors]))?;
    let scaled = Scaled::new("the matrix", x)?;
    let first = asked(|| backend.factorise(scaled.matrix.view(), Route::First));
    let svd = finish(&scaled, first, backend, &mut Check::new(x.nrows().max(x.ncols())));
    scaled.recycle();
    svd
}

pub(super) fn svd_many(xs: &[ArrayView2<'_, f64>], backend: &dyn Backend) -> Vec<Result<RawSvd, Error>> {
    let needed = results(xs, backend).map(|results| sum(xs.iter().map(|x| copies(*x)).chain([results])));
    if let Err(error) = needed.and_then(|needed| reserve(MANY, needed)) {
        return xs.iter().map(|_| Err(error.clone())).collect();
    }
    let scaled = xs.iter().map(|x| Scaled::new("the matrix", *x));
    let work = |matrices: &[Array2<f64>], _: &[usize]| backend.factorise_many(matrices);
    many(scaled, backend, work, |scaled, raw, check, _| finish(scaled, raw, backend, check))
}

/// Projects the targets of each owned matrix. The last target column is room for the probe: it is projected with the
/// targets, so checking it checks them.
pub(super) fn project_many(
    xs: Vec<Array2<f64>>,
    mut targets: Vec<Array2<f64>>,
    backend: &dyn Backend,
) -> Vec<Result<RawProjection, Error>> {
    let views: Vec<ArrayView2<'_, f64>> = xs.iter().map(|x| x.view()).collect();
    let of_targets = targets.iter().map(|t| table(t.nrows(), t.ncols() + 1));
    let needed = results(&views, backend).map(|results| sum(of_targets.chain([results])));
    if let Err(error) = needed.and_then(|needed| reserve(MANY, needed)) {
        return xs.iter().map(|_| Err(error.clone())).collect();
    }
    let longest = Array1::from(probe(targets.iter().map(Array2::nrows).max().unwrap_or(0)));
    for t in &mut targets {
        let rows = t.nrows();
        if let Some(last) = t.ncols().checked_sub(1) {
            t.column_mut(last).assign(&longest.slice(s![..rows]));
        }
    }
    let work = |matrices: &[Array2<f64>], places: &[usize]| {
        if places.len() == targets.len() {
            return backend.project_many(matrices, &targets);
        }
        let targets: Vec<_> = places.iter().map(|&place| targets[place].clone()).collect();
        backend.project_many(matrices, &targets)
    };
    let scaled = xs.into_iter().map(|x| Scaled::in_place("the matrix", x));
    let done = many(scaled, backend, work, |scaled, raw, check, index| {
        finish_projection(scaled, raw, (backend, &targets[index]), check)
    });
    targets.into_iter().for_each(recycle);
    done
}

/// Name of the work, for memory errors.
const MANY: &str = "the SVDs of many matrices";

/// Returns the bytes of all results, plus the workspace for one.
fn results(xs: &[ArrayView2<'_, f64>], backend: &dyn Backend) -> Result<usize, Error> {
    let result = |(n, p): (usize, usize)| table(n.saturating_add(p), n.min(p));
    let mut most = 0;
    for x in xs {
        most = most.max(bytes(backend, x.dim())?.saturating_sub(result(x.dim())));
    }
    Ok(sum(xs.iter().map(|x| result(x.dim())).chain([most])))
}

/// Runs `work` on the scaled matrices with their indices, then finishes each result separately.
fn many<R, T>(
    all: impl ExactSizeIterator<Item = Result<Scaled, Error>>,
    backend: &dyn Backend,
    work: impl Fn(&[Array2<f64>], &[usize]) -> Vec<Result<R, String>>,
    finish: impl Fn(&Scaled, Result<R, String>, &mut Check, usize) -> Result<T, Error>,
) -> Vec<Result<T, Error>> {
    let (mut exponents, mut matrices, mut kept) = (Vec::with_capacity(all.len()), Vec::new(), Vec::new());
    matrices.reserve(all.len());
    for (index, scaled) in all.enumerate() {
        exponents.push(scaled.map(|scaled| {
            matrices.push(scaled.matrix);
            kept.push(index);
            scaled.exponent
        }));
    }
    // If a whole batch panics, each matrix takes the second route separately.
    let raws = asked(|| Ok(work(&matrices, &kept)))
        .unwrap_or_else(|reason| matrices.iter().map(|_| Err(reason.clone())).collect());
    let mut check = Check::new(matrices.iter().map(|x| x.nrows().max(x.ncols())).max().unwrap_or(0));
    let mut done = matrices.into_iter().zip(raws);
    let missing = || Error::Backend {
        name: name(backend),
        reason: "it returned fewer factorisations than it was given matrices".into(),
    };
    exponents
        .into_iter()
        .enumerate()
        .map(|(index, exponent)| {
            let exponent = exponent?;
            let (matrix, raw) = done.next().ok_or_else(missing)?;
            let scaled = Scaled { matrix, exponent };
            let finished = finish(&scaled, raw, &mut check, index);
            recycle(scaled.matrix);
            finished
        })
        .collect()
}

/// Computes the triangle `R` of `X = Q R`, with the same scaling, in the memory of an owned matrix; checked by
/// `‖R z‖ = ‖X z‖`.
pub(crate) fn triangle(x: Array2<f64>, backend: &dyn Backend) -> Result<Array2<f64>, Error> {
    let (n, p) = x.dim();
    // The matrix that is reduced, the result, and a row-major copy if needed.
    let copied = if x.is_standard_layout() { 0 } else { table(n, p) };
    reserve("the triangle of a matrix", sum([copied, table(n, p), table(n.min(p), p)]))?;
    let scaled = Scaled::in_place("the matrix", x)?;
    let failed = |reason| Error::Backend { name: name(backend), reason };
    let mut r = asked(|| backend.triangle(scaled.matrix.view())).map_err(failed)?;
    if r.dim() != (n.min(p), p) {
        return Err(failed(format!("a triangle of the wrong shape for a {n} × {p} matrix")));
    }
    let z = probe(p);
    let length = |matrix: ArrayView2<'_, f64>| {
        norm(&Columns::new(matrix.reversed_axes()).columns().map(|row| dot(row, &z)).collect::<Vec<_>>())
    };
    let (expected, found) = (length(scaled.matrix.view()), length(r.view()));
    let size = scaled.matrix.as_slice().map_or(0.0, norm) * norm(&z);
    let off = (expected - found).abs();
    if off.is_nan() || off > tolerance(n, p) * size {
        return Err(failed(format!("‖R z‖ = {found:e} where ‖X z‖ = {expected:e}")));
    }
    r = in_one_piece(r);
    r.mapv_inplace(|v| scaled.undo(v));
    Ok(r)
}

fn finish(
    scaled: &Scaled,
    first: Result<RawSvd, String>,
    backend: &dyn Backend,
    check: &mut Check,
) -> Result<RawSvd, Error> {
    let mut verified = |raw: RawSvd| check.verify(&scaled.matrix, &raw).map(|()| raw);
    let raw = first.and_then(&mut verified).or_else(|why| second(scaled, backend, &mut verified, &why));
    let mut raw = raw.map_err(|reason| Error::Backend { name: name(backend), reason })?;
    raw.sigma = in_rows(raw.sigma);
    (raw.u, raw.vt) = (in_one_piece(raw.u), in_one_piece(raw.vt));
    scaled.undo_all(&mut raw.sigma)?;
    Ok(raw)
}

/// Returns the same array with its entries in memory order; a backend may return another order, such as a reversed one.
fn in_rows<D: Dimension>(array: Array<f64, D>) -> Array<f64, D> {
    if array.is_standard_layout() { array } else { array.as_standard_layout().into_owned() }
}

/// Returns the same matrix, row-major or column-major.
fn in_one_piece(matrix: Array2<f64>) -> Array2<f64> {
    if matrix.t().is_standard_layout() { matrix } else { in_rows(matrix) }
}

/// The same for a projection, whose last target is the probe.
fn finish_projection(
    scaled: &Scaled,
    first: Result<RawProjection, String>,
    (backend, targets): (&dyn Backend, &Array2<f64>),
    check: &mut Check,
) -> Result<RawProjection, Error> {
    let m = targets.ncols();
    let raw = first.and_then(|raw| check.verify_projection(&scaled.matrix, &raw, m).map(|()| raw));
    let raw = raw.or_else(|why| {
        let whole = second(scaled, backend, |raw| check.verify(&scaled.matrix, &raw).map(|()| raw), &why)?;
        project(whole, targets)
    });
    let mut raw = raw.map_err(|reason| Error::Backend { name: name(backend), reason })?;
    (raw.sigma, raw.along) = (in_rows(raw.sigma), in_rows(raw.along));
    (raw.vt, raw.rest) = (in_one_piece(raw.vt), in_one_piece(raw.rest));
    scaled.undo_all(&mut raw.sigma)?;
    Ok(raw)
}

/// Takes the second route, after the first has failed.
fn second(
    scaled: &Scaled,
    backend: &dyn Backend,
    verified: impl FnOnce(RawSvd) -> Result<RawSvd, String>,
    why_first: &str,
) -> Result<RawSvd, String> {
    asked(|| backend.factorise(scaled.matrix.view(), Route::Second))
        .and_then(verified)
        .map_err(|why_second| format!("{why_first}; second route: {why_second}"))
}
