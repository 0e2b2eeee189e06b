//! Entries in memory viewed as matrices. Too few entries panic, as a slice does.

use ndarray::{ArrayView2, ArrayViewMut2, ShapeBuilder, StrideShape};

/// Views entries, column after column, as a matrix of `shape` whose columns are `stride` entries apart.
pub(crate) fn columns_of(entries: &[f64], shape: (usize, usize), stride: usize) -> ArrayView2<'_, f64> {
    let (count, shape) = strided(shape, stride);
    ArrayView2::from_shape(shape, &entries[..count]).unwrap_or_else(|_| (&[[0.0; 0]; 0]).into())
}

pub(crate) fn columns_of_mut(
    entries: &mut [f64],
    shape: (usize, usize),
    stride: usize,
) -> ArrayViewMut2<'_, f64> {
    let (count, shape) = strided(shape, stride);
    ArrayViewMut2::from_shape(shape, &mut entries[..count]).unwrap_or_else(|_| (&mut [[0.0; 0]; 0]).into())
}

/// Views entries, row after row, as a matrix of `shape`.
pub(crate) fn rows_of(entries: &[f64], (rows, columns): (usize, usize)) -> ArrayView2<'_, f64> {
    columns_of(entries, (columns, rows), columns).reversed_axes()
}

pub(crate) fn rows_of_mut(entries: &mut [f64], (rows, columns): (usize, usize)) -> ArrayViewMut2<'_, f64> {
    columns_of_mut(entries, (columns, rows), columns).reversed_axes()
}

/// Returns the number of entries from the first to the last, and ndarray's description of the shape.
fn strided((rows, columns): (usize, usize), stride: usize) -> (usize, StrideShape<ndarray::Ix2>) {
    if rows == 0 || columns == 0 {
        return (0, (rows, columns).strides((0, 0)));
    }
    ((columns - 1) * stride + rows, (rows, columns).strides((1, stride)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_where_they_are_expected() {
        let mut entries: Vec<f64> = (0..11).map(f64::from).collect();
        assert_eq!(
            columns_of(&entries, (3, 3), 4),
            ndarray::aview2(&[[0.0, 4.0, 8.0], [1.0, 5.0, 9.0], [2.0, 6.0, 10.0]])
        );
        assert_eq!(rows_of(&entries, (2, 3)), ndarray::aview2(&[[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]));
        columns_of_mut(&mut entries, (2, 2), 5)[[1, 1]] = -1.0;
        rows_of_mut(&mut entries, (2, 2))[[1, 0]] = -2.0;
        assert_eq!((entries[6], entries[2]), (-1.0, -2.0));
        for shape in [(0, 0), (0, 3), (3, 0)] {
            assert_eq!(columns_of(&[], shape, 4).dim(), shape);
            assert_eq!(rows_of(&[], shape).dim(), shape);
        }
    }
}
