//! cuBLAS: matrix products.

#![allow(unsafe_code)]

use super::device::{Buffer, Device};
use crate::Error;
use cudarc::cublas::sys::{self, cublasOperation_t, cublasStatus_t};
use std::ptr::null_mut;

/// A cuBLAS handle.
#[derive(Debug)]
pub(super) struct Blas(sys::cublasHandle_t);

// SAFETY: used by one thread at a time, behind a lock.
unsafe impl Send for Blas {}

/// The first `rows × columns` entries of a buffer, column-major, or their transpose.
#[derive(Clone, Copy, Debug)]
pub(super) struct Factor<'a> {
    pub buffer: &'a Buffer<f64>,
    pub rows: usize,
    pub columns: usize,
    pub transposed: bool,
}

impl<'a> Factor<'a> {
    pub fn new(buffer: &'a Buffer<f64>, (rows, columns): (usize, usize)) -> Self {
        Self { buffer, rows, columns, transposed: false }
    }

    pub fn t(self) -> Self {
        Self { transposed: !self.transposed, ..self }
    }

    /// Rows and columns, after any transposition.
    pub fn shape(self) -> (usize, usize) {
        if self.transposed { (self.columns, self.rows) } else { (self.rows, self.columns) }
    }

    fn is_inside(self) -> bool {
        self.rows.checked_mul(self.columns).is_some_and(|len| len > 0 && len <= self.buffer.len())
    }

    fn operation(self) -> cublasOperation_t {
        if self.transposed { cublasOperation_t::CUBLAS_OP_T } else { cublasOperation_t::CUBLAS_OP_N }
    }
}

impl Blas {
    pub fn new(device: &Device) -> Result<Self, Error> {
        let mut blas = Self(null_mut());
        // SAFETY: writes one handle, which `drop` releases.
        check(device, "cublasCreate", unsafe { sys::cublasCreate_v2(&raw mut blas.0) })?;
        Ok(blas)
    }

    /// Returns `A B`, column-major.
    pub fn product(&self, device: &Device, a: Factor<'_>, b: Factor<'_>) -> Result<Buffer<f64>, Error> {
        let ((m, inner), (other, n)) = (a.shape(), b.shape());
        if inner != other || !a.is_inside() || !b.is_inside() {
            let reason =
                format!("a product of {m} × {inner} and {other} × {n} that does not fit its buffers");
            return Err(device.error(reason));
        }
        let len = m.checked_mul(n).ok_or(Error::DeviceMemory { needed: usize::MAX, free: device.free()? })?;
        let mut to = device.zeros(len)?;
        let long = |size: usize| i64::try_from(size).map_err(|e| device.error(e.to_string()));
        let (ta, tb) = (a.operation(), b.operation());
        let (lda, ldb) = (long(a.rows)?, long(b.rows)?);
        let (m, n, k) = (long(m)?, long(n)?, long(inner)?);
        let (one, zero) = (1.0, 0.0);
        let (a, b, c) = (a.buffer.const_pointer(), b.buffer.const_pointer(), to.pointer());
        // SAFETY: A, B and C have the given sizes, and the two numbers are read before the call returns.
        let status = unsafe {
            let (one, zero) = (&raw const one, &raw const zero);
            sys::cublasDgemm_v2_64(self.0, ta, tb, m, n, k, one, a, lda, b, ldb, zero, c, m)
        };
        check(device, "cublasDgemm", status)?;
        Ok(to)
    }
}

impl Drop for Blas {
    fn drop(&mut self) {
        if !self.0.is_null() {
            // SAFETY: created once. Nothing can be done about a failure here.
            unsafe { sys::cublasDestroy_v2(self.0) };
        }
    }
}

fn check(device: &Device, call: &str, status: cublasStatus_t) -> Result<(), Error> {
    match status {
        cublasStatus_t::CUBLAS_STATUS_SUCCESS => Ok(()),
        _ => Err(device.error(format!("{call} returned {status:?}"))),
    }
}
