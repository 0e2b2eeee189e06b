//! cuSOLVER's routines; the workspace sizes they ask for are checked first.
//!
//! Deliberately not used: `gesvdaStridedBatched` (works on `AᵀA`, with half the digits), `gesvdr` (a sketch), and the
//! 32-bit `gesvd` (silently wrong at 19,000²).

#![allow(unsafe_code)]

use super::device::{Buffer, Device, Plain};
use super::plan::Tall;
use crate::Error;
use cudarc::cusolver::sys::{
    self, cublasOperation_t, cublasSideMode_t, cudaDataType, cusolverEigMode_t, cusolverStatus_t,
};
use std::ffi::{c_int, c_schar, c_void};
use std::ptr::null_mut;

const F64: cudaDataType = cudaDataType::CUDA_R_64F;
const VECTORS: cusolverEigMode_t = cusolverEigMode_t::CUSOLVER_EIG_MODE_VECTOR;
/// As many left singular vectors as columns.
const THIN: c_schar = b'S'.cast_signed();

/// Thin factorisations of a batch, on the device: `U` (rows × columns each, with `stride` entries from one to the
/// next), `Σ`, and `V` (columns × columns each), or its transpose.
#[derive(Debug)]
pub(super) struct Factors {
    pub left: Buffer<f64>,
    pub stride: usize,
    pub sigma: Buffer<f64>,
    pub right: Buffer<f64>,
    pub right_is_transposed: bool,
    /// What went wrong with each matrix, if anything.
    pub failed: Vec<Option<String>>,
}

/// A handle for cuSOLVER's dense routines, with their options.
#[derive(Debug)]
pub(super) struct Solver {
    handle: sys::cusolverDnHandle_t,
    params: sys::cusolverDnParams_t,
    jacobi: sys::gesvdjInfo_t,
}

// SAFETY: used by one thread at a time, behind a lock.
unsafe impl Send for Solver {}

/// `gesvdp`'s own estimate of the error of its singular values, returned with its result.
pub(super) type Estimate = f64;

impl Solver {
    pub fn new(device: &Device) -> Result<Self, Error> {
        let mut solver = Self { handle: null_mut(), params: null_mut(), jacobi: null_mut() };
        // SAFETY: each writes one handle, which `drop` releases.
        unsafe {
            check(device, "cusolverDnCreate", sys::cusolverDnCreate(&raw mut solver.handle))?;
            check(device, "cusolverDnCreateParams", sys::cusolverDnCreateParams(&raw mut solver.params))?;
            let status = sys::cusolverDnCreateGesvdjInfo(&raw mut solver.jacobi);
            check(device, "cusolverDnCreateGesvdjInfo", status)?;
            let status = sys::cusolverDnXgesvdjSetSortEig(solver.jacobi, 1);
            check(device, "cusolverDnXgesvdjSetSortEig", status)?;
        }
        Ok(solver)
    }

    /// `gesvdjBatched`: both sides up to 32.
    pub fn jacobi(&self, device: &Device, shape: Tall, mut a: Buffer<f64>) -> Result<Factors, Error> {
        const NAME: &str = "cusolverDnDgesvdjBatched";
        let Tall { rows, columns } = shape;
        let count = a.len() / shape.len();
        let mut left = device.zeros(count * rows * rows)?;
        let mut right = device.zeros(count * columns * columns)?;
        let mut sigma = device.zeros(count * columns)?;
        let mut info = device.zeros::<i32>(count)?;
        let [m, n, batch] = integers(device, NAME, [rows, columns, count])?;
        let (a, s) = (all(&mut a), all(&mut sigma));
        let (u, v) = (all(&mut left), all(&mut right));
        let mut length: c_int = 0;
        // SAFETY: writes one integer.
        let status = unsafe {
            let length = &raw mut length;
            let jacobi = self.jacobi;
            sys::cusolverDnDgesvdjBatched_bufferSize(
                self.handle,
                VECTORS,
                m,
                n,
                a,
                m,
                s,
                u,
                m,
                v,
                n,
                length,
                jacobi,
                batch,
            )
        };
        check(device, "cusolverDnDgesvdjBatched_bufferSize", status)?;
        let mut work = workspace::<f64>(device, NAME, length)?;
        // SAFETY: `count` matrices each: A rows × columns, U rows × rows, V columns × columns, Σ columns, one status;
        // and a workspace of the requested size.
        let status = unsafe {
            let (work, info) = (all(&mut work), all(&mut info));
            let jacobi = self.jacobi;
            sys::cusolverDnDgesvdjBatched(
                self.handle,
                VECTORS,
                m,
                n,
                a,
                m,
                s,
                u,
                m,
                v,
                n,
                work,
                length,
                info,
                jacobi,
                batch,
            )
        };
        check(device, NAME, status)?;
        let failed = device.download(&info)?.into_iter().map(|info| complaint(NAME, info)).collect();
        Ok(Factors { left, stride: rows * rows, sigma, right, right_is_transposed: false, failed })
    }

    /// `Xgesvdp` on one matrix: polar decomposition and symmetric eigenvalues. Also returns its error estimate.
    pub fn polar(
        &self,
        device: &Device,
        shape: Tall,
        mut a: Buffer<f64>,
    ) -> Result<(Factors, Estimate), Error> {
        const NAME: &str = "cusolverDnXgesvdp";
        let Tall { rows, columns } = shape;
        let (mut left, mut right) = (device.zeros(shape.len())?, device.zeros(columns * columns)?);
        let mut sigma = device.zeros(columns)?;
        let mut info = device.zeros::<i32>(1)?;
        let [m, n] = long_integers(device, NAME, [rows, columns])?;
        let (a, s) = (any(&mut a), any(&mut sigma));
        let (u, v) = (any(&mut left), any(&mut right));
        let (mut on_device, mut on_host) = (0, 0);
        // SAFETY: writes two integers.
        let status = unsafe {
            let (on_device, on_host) = (&raw mut on_device, &raw mut on_host);
            let (handle, params) = (self.handle, self.params);
            sys::cusolverDnXgesvdp_bufferSize(
                handle, params, VECTORS, 1, m, n, F64, a, m, F64, s, F64, u, m, F64, v, n, F64, on_device,
                on_host,
            )
        };
        check(device, "cusolverDnXgesvdp_bufferSize", status)?;
        let mut space = Space::new(device, on_device, on_host)?;
        let mut estimate = f64::NAN;
        // SAFETY: A rows × columns, U the same (thin), V columns × columns, Σ columns, one status, one estimate; and a
        // workspace of the requested size.
        let status = unsafe {
            let (handle, params) = (self.handle, self.params);
            let (work, host) = (any(&mut space.device), space.host.as_mut_ptr().cast());
            let (info, estimate) = (all(&mut info), &raw mut estimate);
            sys::cusolverDnXgesvdp(
                handle, params, VECTORS, 1, m, n, F64, a, m, F64, s, F64, u, m, F64, v, n, F64, work,
                on_device, host, on_host, info, estimate,
            )
        };
        check(device, NAME, status)?;
        let failed = device.download(&info)?.into_iter().map(|info| complaint(NAME, info)).collect();
        let stride = shape.len();
        Ok((Factors { left, stride, sigma, right, right_is_transposed: false, failed }, estimate))
    }

    /// `Xgesvd` on one matrix: QR iteration.
    pub fn qr_iteration(&self, device: &Device, shape: Tall, mut a: Buffer<f64>) -> Result<Factors, Error> {
        const NAME: &str = "cusolverDnXgesvd";
        let Tall { rows, columns } = shape;
        let (mut left, mut right) = (device.zeros(shape.len())?, device.zeros(columns * columns)?);
        let mut sigma = device.zeros(columns)?;
        let mut info = device.zeros::<i32>(1)?;
        let [m, n] = long_integers(device, NAME, [rows, columns])?;
        let (a, s) = (any(&mut a), any(&mut sigma));
        let (u, vt) = (any(&mut left), any(&mut right));
        let (mut on_device, mut on_host) = (0, 0);
        // SAFETY: writes two integers.
        let status = unsafe {
            let (on_device, on_host) = (&raw mut on_device, &raw mut on_host);
            let (handle, params) = (self.handle, self.params);
            sys::cusolverDnXgesvd_bufferSize(
                handle, params, THIN, THIN, m, n, F64, a, m, F64, s, F64, u, m, F64, vt, n, F64, on_device,
                on_host,
            )
        };
        check(device, "cusolverDnXgesvd_bufferSize", status)?;
        let mut space = Space::new(device, on_device, on_host)?;
        // SAFETY: A rows × columns, U the same (thin), Vᵀ columns × columns, Σ columns, one status; and a workspace of
        // the requested size.
        let status = unsafe {
            let (handle, params) = (self.handle, self.params);
            let (work, host) = (any(&mut space.device), space.host.as_mut_ptr().cast());
            let info = all(&mut info);
            sys::cusolverDnXgesvd(
                handle, params, THIN, THIN, m, n, F64, a, m, F64, s, F64, u, m, F64, vt, n, F64, work,
                on_device, host, on_host, info,
            )
        };
        check(device, NAME, status)?;
        let failed = device.download(&info)?.into_iter().map(|info| complaint(NAME, info)).collect();
        let stride = shape.len();
        Ok(Factors { left, stride, sigma, right, right_is_transposed: true, failed })
    }

    /// `A = Q R` for every matrix of a batch, `rows × columns` each: `R` on and above the diagonal, reflections below
    /// it, their factors in `tau` (`min(rows, columns)` per matrix).
    pub fn householder(
        &self,
        device: &Device,
        (rows, columns): (usize, usize),
        a: &mut Buffer<f64>,
        tau: &mut Buffer<f64>,
    ) -> Result<(), Error> {
        const NAME: &str = "cusolverDnXgeqrf";
        let (len, factors) = (rows * columns, rows.min(columns));
        let [m, n] = long_integers(device, NAME, [rows, columns])?;
        let mut info = device.zeros::<i32>(1)?;
        let (mut on_device, mut on_host) = (0, 0);
        let (first, tau_first) = (any(a), any(tau));
        // SAFETY: writes two integers.
        let status = unsafe {
            let (on_device, on_host) = (&raw mut on_device, &raw mut on_host);
            let (handle, params) = (self.handle, self.params);
            sys::cusolverDnXgeqrf_bufferSize(
                handle, params, m, n, F64, first, m, F64, tau_first, F64, on_device, on_host,
            )
        };
        check(device, "cusolverDnXgeqrf_bufferSize", status)?;
        let mut space = Space::new(device, on_device, on_host)?;
        for place in 0..a.len() / len {
            let a = part(device, a, place * len, len)?.cast::<c_void>();
            let tau = part(device, tau, place * factors, factors)?.cast::<c_void>();
            // SAFETY: A rows × columns, τ as long as the shorter side, one status; and a workspace of the requested
            // size.
            let status = unsafe {
                let (handle, params) = (self.handle, self.params);
                let (work, host) = (any(&mut space.device), space.host.as_mut_ptr().cast());
                let info = all(&mut info);
                sys::cusolverDnXgeqrf(
                    handle, params, m, n, F64, a, m, F64, tau, F64, work, on_device, host, on_host, info,
                )
            };
            check(device, NAME, status)?;
            refuse(device, NAME, &info)?;
        }
        Ok(())
    }

    /// `C ← Q C` for the reflections and matrix at each index of the batch, all `rows × columns`.
    pub fn multiply_q(
        &self,
        device: &Device,
        shape: Tall,
        (a, tau): (&mut Buffer<f64>, &mut Buffer<f64>),
        c: &mut Buffer<f64>,
    ) -> Result<(), Error> {
        const NAME: &str = "cusolverDnDormqr";
        let Tall { rows, columns } = shape;
        let [m, n] = integers(device, NAME, [rows, columns])?;
        let mut info = device.zeros::<i32>(1)?;
        let (left, plain) = (cublasSideMode_t::CUBLAS_SIDE_LEFT, cublasOperation_t::CUBLAS_OP_N);
        let mut length: c_int = 0;
        let (a_first, tau_first, c_first) = (all(a), all(tau), all(c));
        // SAFETY: writes one integer.
        let status = unsafe {
            let length = &raw mut length;
            sys::cusolverDnDormqr_bufferSize(
                self.handle,
                left,
                plain,
                m,
                n,
                n,
                a_first,
                m,
                tau_first,
                c_first,
                m,
                length,
            )
        };
        check(device, "cusolverDnDormqr_bufferSize", status)?;
        let mut work = workspace::<f64>(device, NAME, length)?;
        for place in 0..c.len() / shape.len() {
            let a = part(device, a, place * shape.len(), shape.len())?;
            let tau = part(device, tau, place * columns, columns)?;
            let c = part(device, c, place * shape.len(), shape.len())?;
            // SAFETY: A and C rows × columns, τ columns, one status; and a workspace of the requested size.
            let status = unsafe {
                let (work, info) = (all(&mut work), all(&mut info));
                sys::cusolverDnDormqr(self.handle, left, plain, m, n, n, a, m, tau, c, m, work, length, info)
            };
            check(device, NAME, status)?;
            refuse(device, NAME, &info)?;
        }
        Ok(())
    }
}

impl Drop for Solver {
    fn drop(&mut self) {
        // SAFETY: each created once. Nothing can be done about a failure here.
        unsafe {
            if !self.jacobi.is_null() {
                sys::cusolverDnDestroyGesvdjInfo(self.jacobi);
            }
            if !self.params.is_null() {
                sys::cusolverDnDestroyParams(self.params);
            }
            if !self.handle.is_null() {
                sys::cusolverDnDestroy(self.handle);
            }
        }
    }
}

/// Workspace of the 64-bit routines.
struct Space {
    device: Buffer<u8>,
    host: Vec<u8>,
}

impl Space {
    fn new(device: &Device, on_device: usize, on_host: usize) -> Result<Self, Error> {
        device.reserve(on_device)?;
        let mut host = Vec::new();
        let none =
            |_| Error::Resource { reason: format!("no memory for {on_host} bytes of cuSOLVER's workspace") };
        host.try_reserve_exact(on_host).map_err(none)?;
        host.resize(on_host, 0);
        Ok(Self { device: device.zeros(on_device)?, host })
    }
}

/// Workspace of the 32-bit routines.
fn workspace<T: Plain>(device: &Device, call: &str, length: c_int) -> Result<Buffer<T>, Error> {
    let length = usize::try_from(length)
        .map_err(|_| device.error(format!("{call} asked for a workspace of {length} numbers")))?;
    device.reserve(length.saturating_mul(size_of::<T>()))?;
    device.zeros(length)
}

fn check(device: &Device, call: &str, status: cusolverStatus_t) -> Result<(), Error> {
    match status {
        cusolverStatus_t::CUSOLVER_STATUS_SUCCESS => Ok(()),
        _ => Err(device.error(format!("{call} returned {status:?}"))),
    }
}

/// Returns the meaning of a LAPACK-style status.
fn complaint(call: &str, info: i32) -> Option<String> {
    match info {
        0 => None,
        wrong if wrong < 0 => Some(format!("{call}: argument {} is wrong", wrong.unsigned_abs())),
        stuck => Some(format!("{call} did not converge: info = {stuck}")),
    }
}

fn refuse(device: &Device, call: &str, info: &Buffer<i32>) -> Result<(), Error> {
    match device.download(info)?.into_iter().find_map(|info| complaint(call, info)) {
        Some(reason) => Err(device.error(reason)),
        None => Ok(()),
    }
}

fn integers<const N: usize>(device: &Device, call: &str, sizes: [usize; N]) -> Result<[c_int; N], Error> {
    let mut all = [0; N];
    for (to, &from) in all.iter_mut().zip(&sizes) {
        let long = |_| device.error(format!("{call} takes 32-bit sizes; {from} is too large"));
        *to = c_int::try_from(from).map_err(long)?;
    }
    Ok(all)
}

fn long_integers<const N: usize>(device: &Device, call: &str, sizes: [usize; N]) -> Result<[i64; N], Error> {
    let mut all = [0; N];
    for (to, &from) in all.iter_mut().zip(&sizes) {
        let long = |_| device.error(format!("{call} takes 64-bit sizes; {from} is too large"));
        *to = i64::try_from(from).map_err(long)?;
    }
    Ok(all)
}

fn all<T>(buffer: &mut Buffer<T>) -> *mut T {
    buffer.pointer()
}

/// Pointer for routines that take numbers of any type.
fn any<T>(buffer: &mut Buffer<T>) -> *mut c_void {
    all(buffer).cast()
}

fn part<T>(device: &Device, buffer: &mut Buffer<T>, from: usize, len: usize) -> Result<*mut T, Error> {
    buffer.pointer_to(from, len).ok_or_else(|| device.error("a matrix past the end of its buffer".into()))
}
