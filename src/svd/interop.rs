//! Conversions to and from nalgebra's matrices and vectors, behind the feature `nalgebra`.
//!
//! nalgebra stores matrices in column-major order; ndarray allows any order. Owned values move their buffer if the
//! order allows it, and are copied otherwise. Views never copy: if a copy would be needed, they return an error.
//!
//! nalgebra is no [`Backend`](crate::svd::Backend): the SVD of its version 0.35 has wrong singular values for some
//! small integer matrices (Σσ² = 21.044 for one with 21), and does not return if an entry is NaN.
//!
//! | from | to | copies |
//! |---|---|---|
//! | [`DMatrix`] | [`into_array2`] | never |
//! | [`DVector`] | [`into_array1`] | never |
//! | [`Array2`] | [`into_dmatrix`] | unless it is column-major |
//! | [`Array1`] | [`into_dvector`] | unless its entries are contiguous |
//! | `&DMatrix` | [`view_array2`] | never |
//! | `&DVector` | [`view_array1`] | never |
//! | [`ArrayView2`] | [`view_dmatrix`] | never: row-major, column-major, or an error |
//! | [`ArrayView1`] | [`view_dvector`] | never: contiguous entries, or an error |
//!
//! # Examples
//! ```
//! use double_descent::{interop, svd::Svd};
//! use nalgebra::DMatrix;
//!
//! let x = DMatrix::from_row_slice(3, 2, &[3.0, 0.0, 0.0, 4.0, 0.0, 0.0]);
//! let svd = Svd::new(&interop::view_array2(&x)?)?; // no copy
//! assert_eq!(svd.singular_values().to_vec(), [4.0, 3.0]);
//! let v = interop::view_dmatrix(svd.vt().t())?; // no copy
//! assert_eq!(v.column(0).norm(), 1.0);
//! # Ok::<(), double_descent::Error>(())
//! ```

use crate::Error;
use nalgebra::{DMatrix, DMatrixView, DVector, DVectorView, Dyn};
use ndarray::{Array, Array1, Array2, ArrayView1, ArrayView2, Dimension, ShapeBuilder, ShapeError};

/// Converts a matrix to a column-major array in the same buffer.
///
/// # Errors
/// [`Error::Unsupported`] for a matrix without entries and with a side too long for ndarray (over `isize::MAX`).
pub fn into_array2(matrix: DMatrix<f64>) -> Result<Array2<f64>, Error> {
    Array2::from_shape_vec(matrix.shape().f(), matrix.data.into()).map_err(too_long)
}

/// Converts a vector to an array in the same buffer.
#[must_use]
pub fn into_array1(vector: DVector<f64>) -> Array1<f64> {
    Array1::from_vec(vector.data.into())
}

/// Converts an array to a matrix: in the same buffer if it is column-major, otherwise as a copy.
#[must_use]
pub fn into_dmatrix(array: Array2<f64>) -> DMatrix<f64> {
    let (n, p) = array.dim();
    if array.t().is_standard_layout() {
        return DMatrix::from_vec(n, p, buffer(array));
    }
    DMatrix::from_iterator(n, p, array.t().iter().copied())
}

/// Converts an array to a vector: in the same buffer if its entries are contiguous, otherwise as a copy.
#[must_use]
pub fn into_dvector(array: Array1<f64>) -> DVector<f64> {
    DVector::from_vec(if array.is_standard_layout() { buffer(array) } else { array.to_vec() })
}

/// Views a matrix as an array, without a copy.
///
/// # Errors
/// [`Error::Unsupported`], as [`into_array2`].
pub fn view_array2(matrix: &DMatrix<f64>) -> Result<ArrayView2<'_, f64>, Error> {
    ArrayView2::from_shape(matrix.shape().f(), matrix.as_slice()).map_err(too_long)
}

/// Views a vector as an array, without a copy.
#[must_use]
pub fn view_array1(vector: &DVector<f64>) -> ArrayView1<'_, f64> {
    ArrayView1::from(vector.as_slice())
}

/// Views an array as a matrix, without a copy: the view's `strides()` say whether it is row-major or column-major.
///
/// # Errors
/// [`Error::Unsupported`] if it is neither, as with every second row or reversed rows.
pub fn view_dmatrix(array: ArrayView2<'_, f64>) -> Result<DMatrixView<'_, f64, Dyn, Dyn>, Error> {
    let (n, p) = array.dim();
    let by_rows = array.to_slice().map(|entries| (entries, (p, 1)));
    let by_columns = || array.reversed_axes().to_slice().map(|entries| (entries, (1, n)));
    let (entries, (down, across)) = by_rows.or_else(by_columns).ok_or_else(scattered)?;
    Ok(DMatrixView::from_slice_with_strides(entries, n, p, down, across))
}

/// Views an array as a vector, without a copy.
///
/// # Errors
/// [`Error::Unsupported`] if its entries are not contiguous and in order, as in a column of a row-major matrix.
pub fn view_dvector(array: ArrayView1<'_, f64>) -> Result<DVectorView<'_, f64>, Error> {
    let entries = array.to_slice().ok_or_else(scattered)?;
    Ok(DVectorView::from_slice(entries, entries.len()))
}

/// Returns an array's entries in memory order; the array's buffer may be longer.
fn buffer<D: Dimension>(array: Array<f64, D>) -> Vec<f64> {
    let count = array.len();
    let (mut entries, first) = array.into_raw_vec_and_offset();
    entries.drain(..first.unwrap_or(0));
    entries.truncate(count);
    entries
}

fn too_long(error: ShapeError) -> Error {
    Error::Unsupported { reason: format!("a matrix without entries is too long for ndarray: {error}") }
}

fn scattered() -> Error {
    let reason = "the entries of this view are not contiguous; copy it with `.to_owned()` and convert that with \
                  `into_dmatrix` or `into_dvector`";
    Error::Unsupported { reason: reason.into() }
}
