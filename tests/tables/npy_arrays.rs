//! Whole arrays in `.npy` files: every type is read correctly, what is written is read back exactly, and no file is
//! left half-written.

use crate::common::files::{dictionary, npy as npy_file, refused};
use crate::common::program::Folder;
use double_descent::Error;
use double_descent::dataset::npy;
use double_descent::rng::stream;
use ndarray::{Array2, ArrayD, Dimension, IxDyn, array, s};
use rand::RngExt;
use std::fs;
use std::path::{Path, PathBuf};

fn saved(folder: &Folder, bytes: &[u8]) -> PathBuf {
    folder.file("x.npy", bytes).into()
}

/// The little-endian bytes of integers that fit a type of `size` bytes.
fn integers(values: &[i64], size: usize) -> Vec<[u8; 8]> {
    let bytes: Vec<[u8; 8]> = values.iter().map(|v| v.to_le_bytes()).collect();
    // Only sign bytes are cut off.
    assert!(bytes.iter().all(|word| word[size..].iter().all(|&byte| byte == 0 || byte == 255)));
    bytes
}

/// A file of words of `size` bytes each.
fn words(descr: &str, order: &str, shape: &str, size: usize, values: &[[u8; 8]]) -> Vec<u8> {
    let mut data = Vec::new();
    for word in values {
        let mut word = word[..size].to_vec();
        if descr.starts_with('>') {
            word.reverse();
        }
        data.extend(word);
    }
    npy_file(1, &dictionary(descr, order, shape), &data)
}

#[test]
fn every_type_in_both_byte_orders() {
    let folder = Folder::new("npy-types");
    for size in [1, 2, 4, 8] {
        let end = if size == 8 { 1 << 53 } else { 1 << (8 * size) };
        let half = if size == 8 { end } else { end / 2 };
        let cases =
            [('u', [0, 1, 2, end / 3, end - 2, end - 1]), ('i', [0, -1, 2, half / 3, half - 1, -half + 1])];
        for (letter, values) in cases {
            for order in if size == 1 { &['|', '<', '>'][..] } else { &['<', '>'][..] } {
                let descr = format!("{order}{letter}{size}");
                let bytes = words(&descr, "False", "(2, 3)", size, &integers(&values, size));
                let path = saved(&folder, &bytes);
                let expected = Array2::from_shape_vec((2, 3), values.map(|v| v as f64).to_vec()).unwrap();
                assert_eq!(npy::read(&path).unwrap(), expected, "{descr}");
                let bytes = words(&descr, "False", "(6,)", size, &integers(&values, size));
                let labels = npy::read_labels(saved(&folder, &bytes));
                if letter == 'u' {
                    let expected = values.map(|v| usize::try_from(v).unwrap());
                    assert_eq!(labels.unwrap(), expected, "{descr}");
                } else {
                    refused(labels, &path, &["the label -1 at row 1"]);
                }
            }
        }
    }
    let bytes = npy_file(1, &dictionary("|b1", "False", "(2,)"), &[1, 0]);
    assert_eq!(npy::read_labels(saved(&folder, &bytes)).unwrap(), [1, 0]);
}

#[test]
fn whole_numbers_that_floats_may_not_hold() {
    let folder = Folder::new("npy-exact");
    for (descr, word) in [
        ("<i8", (1_i64 << 53).to_le_bytes()),
        ("<i8", ((1_i64 << 53) + 1).to_le_bytes()),
        (">i8", i64::MIN.to_le_bytes()),
        ("<u8", u64::MAX.to_le_bytes()),
    ] {
        let path = saved(&folder, &words(descr, "False", "(2,)", 8, &[[0; 8], word]));
        refused(npy::read(&path), &path, &["row 1, column 0", "2⁵³"]);
        refused(npy::read_labels(&path), &path, &["row 1, column 0", "2⁵³"]);
    }
}

#[test]
fn columns_first_is_read_as_it_was_meant() {
    let folder = Folder::new("npy-fortran");
    let x = Array2::from_shape_fn((700, 13), |(i, j)| (i * 100 + j) as f64);
    let bytes = |x: &Array2<f64>| -> Vec<[u8; 8]> { x.t().iter().map(|v| v.to_le_bytes()).collect() };
    let path = saved(&folder, &words("<f8", "True", "(700, 13)", 8, &bytes(&x)));
    let read = npy::read(&path).unwrap();
    assert_eq!(read, x);
    assert!(read.is_standard_layout());
    let mut bad = x;
    bad[[501, 3]] = f64::NAN;
    let path = saved(&folder, &words("<f8", "True", "(700, 13)", 8, &bytes(&bad)));
    refused(npy::read(&path), &path, &["NaN at row 501, column 3"]);
}

#[test]
fn one_axis_is_one_column() {
    let folder = Folder::new("npy-axes");
    let values = [1.5f64, -2.0, 0.25].map(f64::to_le_bytes);
    for order in ["True", "False"] {
        let path = saved(&folder, &words("<f8", order, "(3,)", 8, &values));
        assert_eq!(npy::read(&path).unwrap(), array![[1.5], [-2.0], [0.25]]);
        refused(npy::read_labels(&path), &path, &["floating-point", "y.astype('i8')"]);
    }
    let ones = integers(&[1, 0, 0, 1], 1);
    let path = saved(&folder, &words("|u1", "False", "(2, 2)", 1, &ones));
    refused(npy::read_labels(&path), &path, &["2 values per row", "one-hot"]);
    let path = saved(&folder, &words("|u1", "False", "(4, 1)", 1, &ones));
    assert_eq!(npy::read_labels(&path).unwrap(), [1, 0, 0, 1]);
    let path = saved(&folder, &words("|u1", "False", "(2, 2, 1)", 1, &ones));
    assert_eq!(npy::read(&path).unwrap(), array![[1.0, 0.0], [0.0, 1.0]]);
}

/// A file cut at any length is refused.
#[test]
fn truncated_files() {
    let folder = Folder::new("npy-cut");
    for order in ["True", "False"] {
        let values: Vec<[u8; 8]> = (0..6).map(|v| f64::from(v).to_le_bytes()).collect();
        let whole = words("<f8", order, "(2, 3)", 8, &values);
        for length in 0..whole.len() {
            let path = saved(&folder, &whole[..length]);
            refused(npy::read(&path), &path, &["x.npy"]);
        }
    }
    // The size that the header claims is compared with the file before memory is allocated.
    for shape in ["(1000000000, 1000000000)", "(9223372036854775807,)", "(4294967296, 4294967296)"] {
        for descr in ["<f8", "|u1"] {
            let path = saved(&folder, &npy_file(1, &dictionary(descr, "False", shape), &[0; 96]));
            refused(npy::read(&path), &path, &[]);
        }
    }
}

#[test]
fn what_is_written_is_read_to_the_bit() {
    let folder = Folder::new("npy-written");
    let path = folder.0.join("x.npy");
    let mut rng = stream(3, 0, 0);
    // Floats of every exponent, and the extreme ones.
    let mut x = Array2::from_shape_simple_fn((300, 7), || {
        loop {
            let v = f64::from_bits(rng.random());
            if v.is_finite() {
                break v;
            }
        }
    });
    x.row_mut(0).assign(&array![0.0, -0.0, 5e-324, -f64::MIN_POSITIVE, f64::MAX, f64::MIN, f64::EPSILON]);
    let bits = |x: &Array2<f64>| x.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
    for view in [x.view(), x.t(), x.slice(s![1..;3, ..;-2]), x.slice(s![5..6, ..]), x.slice(s![.., 2..3])] {
        npy::write(&path, &view).unwrap();
        assert_eq!(bits(&npy::read(&path).unwrap()), bits(&view.to_owned()));
        assert_eq!(npy::read(&path).unwrap().dim(), view.dim());
    }
    npy::write(&path, &x.column(3)).unwrap();
    assert_eq!(npy::read(&path).unwrap(), x.slice(s![.., 3..4]));
    npy::write(&path, &array![[f64::NAN]]).unwrap();
    assert!(fs::read(&path).unwrap().ends_with(&f64::NAN.to_le_bytes()));
    refused(npy::read(&path), &path, &["NaN at row 0, column 0"]);
}

/// The bytes that `numpy.save` writes in version 2.4.
#[test]
fn headers_are_those_of_numpy() {
    let folder = Folder::new("npy-headers");
    let path = folder.0.join("x.npy");
    let shapes: [(&[usize], &str); 4] =
        [(&[], "()"), (&[3], "(3,)"), (&[60, 784], "(60, 784)"), (&[2, 28, 28, 1], "(2, 28, 28, 1)")];
    for (shape, text) in shapes {
        let x = ArrayD::from_shape_fn(IxDyn(shape), |at| (0..at.ndim()).map(|axis| at[axis] as f64).sum());
        npy::write(&path, &x).unwrap();
        let data: Vec<u8> = x.iter().flat_map(|v: &f64| v.to_le_bytes()).collect();
        assert_eq!(fs::read(&path).unwrap(), npy_file(1, &dictionary("<f8", "False", text), &data));
    }
    // More axes than a version 1.0 header has room for.
    npy::write(&path, &ArrayD::<f64>::zeros(vec![1; 30_000])).unwrap();
    let bytes = fs::read(&path).unwrap();
    assert_eq!((&bytes[6..8], bytes.len() % 64), (&[2, 0][..], 8));
}

fn listed(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn nothing_is_left_half_written() {
    let folder = Folder::new("npy-whole");
    let (path, x) = (folder.0.join("x.npy"), array![[1.0]]);
    let inside = folder.0.join("folder");
    fs::create_dir(&inside).unwrap();
    for bad in [folder.0.join("nowhere/x.npy"), inside.clone(), folder.0.join(".."), PathBuf::new()] {
        let found = npy::write(&bad, &x).unwrap_err();
        assert!(matches!(&found, Error::Io { path, .. } if *path == bad), "{found:?}");
    }
    assert_eq!(listed(&folder.0), [inside]);
    // Several threads write the same file: its content is always that of one of them.
    let writers = 0..4;
    std::thread::scope(|scope| {
        for writer in writers.clone() {
            let path = &path;
            scope.spawn(move || {
                for _ in 0..20 {
                    npy::write(path, &Array2::from_elem((50 + writer, 40), writer as f64)).unwrap();
                    let read = npy::read(path).unwrap();
                    let writer = read.nrows() - 50;
                    assert_eq!(read, Array2::from_elem((50 + writer, 40), writer as f64));
                }
            });
        }
    });
    assert_eq!(listed(&folder.0).len(), 2);
}
