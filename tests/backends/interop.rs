//! Conversions between ndarray arrays and nalgebra matrices: equal entries, and shared or moved memory where promised.

use double_descent::Error;
use double_descent::interop::*;
use nalgebra::{DMatrix, DMatrixView, DVector, Dyn};
use ndarray::{Array1, Array2, ArrayView2, Axis, ShapeBuilder, s};

/// Shapes, including sides of 0 and 1.
const SHAPES: [(usize, usize); 9] = [(3, 5), (5, 3), (4, 4), (1, 6), (6, 1), (1, 1), (0, 3), (3, 0), (0, 0)];

fn rows(n: usize, p: usize) -> Array2<f64> {
    Array2::from_shape_fn((n, p), |(i, j)| (10 * i + j) as f64)
}

fn columns(n: usize, p: usize) -> Array2<f64> {
    Array2::from_shape_fn((n, p).f(), |(i, j)| (10 * i + j) as f64)
}

fn matrix(n: usize, p: usize) -> DMatrix<f64> {
    DMatrix::from_fn(n, p, |i, j| (10 * i + j) as f64)
}

fn assert_same(found: &DMatrixView<'_, f64, Dyn, Dyn>, expected: ArrayView2<'_, f64>) {
    assert_eq!(found.shape(), expected.dim());
    for ((i, j), value) in expected.indexed_iter() {
        assert_eq!(found[(i, j)], *value, "row {i}, column {j}");
    }
}

#[test]
fn matrices_move_into_arrays() {
    for (n, p) in SHAPES {
        let matrix = matrix(n, p);
        let place = matrix.as_slice().as_ptr();
        let array = into_array2(matrix).unwrap();
        assert_eq!(array, rows(n, p));
        assert_eq!(array.as_ptr(), place, "{n} × {p} was copied");
    }
}

#[test]
fn arrays_move_into_matrices_column_by_column() {
    for (n, p) in SHAPES {
        let array = columns(n, p);
        let place = array.as_ptr();
        let found = into_dmatrix(array);
        assert_eq!(found, matrix(n, p));
        assert_eq!(found.as_slice().as_ptr(), place, "{n} × {p} was copied");
    }
    // A slice: three middle columns of a longer buffer.
    let mut wide = columns(3, 6);
    wide.slice_collapse(s![.., 2..5]);
    let expected = wide.clone();
    assert_eq!(into_array2(into_dmatrix(wide)).unwrap(), expected);
}

#[test]
fn arrays_in_any_other_order_are_copied() {
    for (n, p) in SHAPES {
        assert_eq!(into_dmatrix(rows(n, p)), matrix(n, p));
        let mut reversed = rows(n, p);
        reversed.invert_axis(Axis(0));
        reversed.invert_axis(Axis(1));
        let expected = matrix(n, p);
        let turned = DMatrix::from_fn(n, p, |i, j| expected[(n - 1 - i, p - 1 - j)]);
        assert_eq!(into_dmatrix(reversed), turned);
    }
    let mut sparse = rows(9, 7);
    sparse.slice_collapse(s![1..;3, ..;2]);
    let expected = DMatrix::from_fn(3, 4, |i, j| (10 * (3 * i + 1) + 2 * j) as f64);
    assert_eq!(into_dmatrix(sparse), expected);
}

#[test]
fn vectors_move_both_ways() {
    for len in [0, 1, 7] {
        let array = Array1::from_iter((0..len).map(f64::from));
        let place = array.as_ptr();
        let vector = into_dvector(array.clone());
        assert_eq!(vector.as_slice(), array.as_slice().unwrap());
        let moved = into_dvector(array);
        assert_eq!(moved.as_slice().as_ptr(), place);
        assert_eq!(into_array1(moved).as_ptr(), place);
    }
    let mut every_third = Array1::from_iter((0..10).map(f64::from));
    every_third.slice_collapse(s![1..;3]);
    assert_eq!(into_dvector(every_third).as_slice(), [1.0, 4.0, 7.0]);
    let mut middle = Array1::from_iter((0..10).map(f64::from));
    middle.slice_collapse(s![4..6]);
    assert_eq!(into_dvector(middle).as_slice(), [4.0, 5.0]);
    let mut backwards = Array1::from_iter((0..3).map(f64::from));
    backwards.invert_axis(Axis(0));
    assert_eq!(into_dvector(backwards).as_slice(), [2.0, 1.0, 0.0]);
}

#[test]
fn views_share_the_memory() {
    for (n, p) in SHAPES {
        let matrix = matrix(n, p);
        let seen = view_array2(&matrix).unwrap();
        assert_eq!(seen, rows(n, p));
        assert_eq!(seen.as_ptr(), matrix.as_slice().as_ptr());
        for array in [rows(n, p), columns(n, p)] {
            let seen = view_dmatrix(array.view()).unwrap();
            assert_same(&seen, array.view());
            if n * p > 0 {
                assert_eq!(&raw const seen[(0, 0)], &raw const array[[0, 0]], "{n} × {p} was copied");
            }
        }
    }
    let array = rows(6, 4);
    assert_eq!(view_dmatrix(array.view()).unwrap().strides(), (4, 1));
    assert_eq!(view_dmatrix(array.t()).unwrap().strides(), (1, 4));
    // Whole rows of a larger array, then part of a single row.
    assert_same(&view_dmatrix(array.slice(s![2..5, ..])).unwrap(), array.slice(s![2..5, ..]));
    assert_same(&view_dmatrix(array.slice(s![2..3, 1..3])).unwrap(), array.slice(s![2..3, 1..3]));
    let vector = DVector::from_vec(vec![1.0, 2.0, 3.0]);
    assert_eq!(view_array1(&vector).as_ptr(), vector.as_slice().as_ptr());
    let row = view_dvector(array.row(1)).unwrap();
    assert_eq!(row.as_slice(), [10.0, 11.0, 12.0, 13.0]);
    assert_eq!(&raw const row[0], &raw const array[[1, 0]]);
}

#[test]
fn views_that_would_need_a_copy_are_errors() {
    let array = rows(6, 4);
    let mut backwards = array.view();
    backwards.invert_axis(Axis(0));
    for view in [array.slice(s![..;2, ..]), array.slice(s![.., ..3]), array.slice(s![.., 1..2]), backwards] {
        let error = view_dmatrix(view).unwrap_err();
        assert!(matches!(error, Error::Unsupported { .. }), "{error}");
        assert!(error.to_string().contains("into_dmatrix"), "{error}");
        // The workaround that the message recommends works.
        assert_same(&view_dmatrix(into_array2(into_dmatrix(view.to_owned())).unwrap().view()).unwrap(), view);
    }
    assert!(matches!(view_dvector(array.column(1)), Err(Error::Unsupported { .. })));
    assert!(matches!(view_dvector(array.slice(s![0, ..;-1])), Err(Error::Unsupported { .. })));
}

#[test]
fn sides_that_ndarray_cannot_count_are_errors() {
    for (n, p) in [(0, usize::MAX), (usize::MAX, 0)] {
        let matrix = DMatrix::from_vec(n, p, Vec::new());
        assert!(matches!(view_array2(&matrix), Err(Error::Unsupported { .. })), "{n} × {p}");
        assert!(matches!(into_array2(matrix), Err(Error::Unsupported { .. })), "{n} × {p}");
    }
    for shape in [(0, isize::MAX as usize), (isize::MAX as usize, 0)] {
        let array = Array2::<f64>::zeros(shape);
        assert_eq!(view_dmatrix(array.view()).unwrap().shape(), shape);
        assert_eq!(into_dmatrix(array).shape(), shape);
    }
}
