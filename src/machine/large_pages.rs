//! Large pages of memory, where the system gives them to those who ask.

use ndarray::{Array2, Ix2, ShapeBuilder};

/// Zeros, on large pages.
pub(crate) fn zeros(shape: impl ShapeBuilder<Dim = Ix2>) -> Array2<f64> {
    let mut table = Array2::zeros(shape);
    ask_for(table.as_slice_memory_order_mut().unwrap_or_default());
    table
}

/// An empty table with room for `length` numbers, on large pages.
pub(crate) fn with_capacity(length: usize) -> Vec<f64> {
    let mut table = Vec::with_capacity(length);
    ask_for(table.spare_capacity_mut());
    table
}

/// Makes a table one of `length` zeros: in its own memory if that is enough, else on large pages.
pub(crate) fn fill_with_zeros(table: &mut Vec<f64>, length: usize) {
    if table.capacity() < length {
        *table = vec![0.0; length]; // zeros from the system need not be written once more
        return ask_for(table);
    }
    table.clear();
    table.resize(length, 0.0);
}

/// Bytes from which it is worth to ask: two large pages.
#[cfg(target_os = "linux")]
const LEAST: usize = 1 << 22;

/// Asks for pages of 2 MiB under a table that is not yet written to, or else does nothing. Its first use then costs
/// five hundred times fewer interruptions: a tenth of the time that random features take.
#[cfg(target_os = "linux")]
#[allow(unsafe_code)]
pub(crate) fn ask_for<T>(table: &mut [T]) {
    /// Of the smallest pages; where they are larger, the system declines.
    const PAGE: usize = 4096;
    let bytes = size_of_val(table);
    if bytes < LEAST {
        return;
    }
    let start = table.as_mut_ptr().cast::<u8>();
    let skipped = start.align_offset(PAGE).min(bytes);
    // SAFETY: the range lies in the table, which is borrowed for writing; the advice changes neither what is stored
    // there nor who may use it. If it is declined, pages stay small.
    let _ = unsafe { libc::madvise(start.add(skipped).cast(), bytes - skipped, libc::MADV_HUGEPAGE) };
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn ask_for<T>(_: &mut [T]) {}
