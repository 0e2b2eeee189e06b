//! Rows from `.npy` files: what is written is read back, and unreadable files are refused with advice.

use crate::common::files::{dictionary, npy};
use crate::common::program::Folder;
use double_descent::Error;
use double_descent::dataset::NpyRows;
use double_descent::nested::{Rows, Test};
use double_descent::rng::stream;
use ndarray::{Array2, Axis, concatenate, s};
use rand_distr::{Distribution, StandardNormal};
use std::fs;
use std::path::{Path, PathBuf};

fn saved(folder: &Folder, bytes: &[u8]) -> PathBuf {
    folder.file("x.npy", bytes).into()
}

/// A table in one of the four storage formats.
fn encoded(version: u8, descr: &str, x: &Array2<f64>) -> Vec<u8> {
    #[allow(clippy::cast_possible_truncation)] // tables of `f4` are drawn exact
    let bytes = |v: f64| match descr {
        "<f8" => v.to_le_bytes().to_vec(),
        ">f8" => v.to_be_bytes().to_vec(),
        "<f4" => (v as f32).to_le_bytes().to_vec(),
        ">f4" => (v as f32).to_be_bytes().to_vec(),
        _ => unreachable!(),
    };
    let data: Vec<u8> = x.iter().flat_map(|&v| bytes(v)).collect();
    npy(version, &dictionary(descr, "False", &format!("{:?}", x.dim())), &data)
}

fn normal(n: usize, p: usize) -> Array2<f64> {
    let mut rng = stream(1, n, p);
    Array2::from_shape_simple_fn((n, p), || StandardNormal.sample(&mut rng))
}

/// All blocks of a file.
fn blocks(path: &Path, rows: usize) -> Vec<Array2<f64>> {
    let mut file = NpyRows::open(path).unwrap();
    std::iter::from_fn(|| file.next_block(rows).unwrap()).collect()
}

#[test]
fn what_is_written_is_read_in_blocks_of_any_size() {
    let folder = Folder::new("npy-read");
    // Sizes up to more than one chunk of bytes.
    for (n, p) in [(1, 1), (7, 3), (3000, 5)] {
        for descr in ["<f8", ">f8", "<f4", ">f4"] {
            let x = normal(n, p).mapv(|v| if descr.ends_with('4') { (v * 1024.0).round() } else { v });
            for version in 1..=3 {
                let path = saved(&folder, &encoded(version, descr, &x));
                let file = NpyRows::open(&path).unwrap();
                assert_eq!((file.rows(), file.columns()), (n, p));
                for size in [1, 2, 1000, n, usize::MAX] {
                    let blocks = blocks(&path, size);
                    assert_eq!(blocks.len(), n.div_ceil(size));
                    let views: Vec<_> = blocks.iter().map(|block| block.view()).collect();
                    assert_eq!(concatenate(Axis(0), &views).unwrap(), x, "{descr}, blocks of {size}");
                }
            }
        }
    }
}

/// The bytes that `numpy.save("x.npy", numpy.array([[0.5, -1.0]]))` writes in version 2.4.
#[test]
fn a_file_of_numpy() {
    let mut bytes = b"\x93NUMPY\x01\x00\x76\x00".to_vec();
    bytes.extend(b"{'descr': '<f8', 'fortran_order': False, 'shape': (1, 2), }");
    bytes.resize(127, b' ');
    bytes.extend(b"\n\0\0\0\0\0\0\xe0\x3f\0\0\0\0\0\0\xf0\xbf");
    let folder = Folder::new("npy-numpy");
    let path = saved(&folder, &bytes);
    assert_eq!(blocks(&path, 9), [ndarray::array![[0.5, -1.0]]]);
    assert_eq!(bytes, encoded(1, "<f8", &ndarray::array![[0.5, -1.0]]));
}

#[test]
fn headers_of_other_writers() {
    let folder = Folder::new("npy-writers");
    let data = [0.5f64, -1.0].map(f64::to_le_bytes).concat();
    for text in [
        "{\"shape\":(1,2),\"fortran_order\":False,\"descr\":\"<f8\"}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (1L, 2L)}", // Python 2
        "{'descr': '<f8', 'fortran_order': True, 'shape': (1, 2), }",  // one row: both orders are the same
        "\n{ 'descr' : '<f8' , 'fortran_order' : False , 'shape' : ( 1 , 2 , ) , } \0",
    ] {
        for more in [&b""[..], b"bytes that belong to no array"] {
            let path = saved(&folder, &npy(1, text, &[&data, more].concat()));
            assert_eq!(blocks(&path, 9), [ndarray::array![[0.5, -1.0]]], "{text}");
        }
    }
}

/// Asserts that the file is refused with an error that names it and contains every string in `says`.
fn refused(folder: &Folder, bytes: &[u8], says: &[&str]) {
    let path = saved(folder, bytes);
    crate::common::files::refused(NpyRows::open(&path), &path, says);
}

#[test]
fn files_that_hold_no_rows_of_numbers() {
    let folder = Folder::new("npy-content");
    let data = [0; 96];
    let with = |descr: &str, order: &str, shape: &str| npy(1, &dictionary(descr, order, shape), &data);
    for (descr, mend) in [
        ("<c16", "numpy.hstack([x.real, x.imag])"),
        ("|O", "numpy.array(x.tolist(), 'f8')"),
        ("<U3", "numpy.unique(x, return_inverse=True)[1]"),
        ("|S5", "numpy.unique(x, return_inverse=True)[1]"),
        ("<M8[ns]", "timedelta64"),
        ("<f16", "x.astype('f8')"),
        ("|V2", "bfloat16"),
        ("f8,i4", "one array of numbers"),
        ("(2,)f8", "one array of numbers"),
        ("", "x.astype('f8')"),
        ("<f88", "x.astype('f8')"),
    ] {
        refused(&folder, &with(descr, "False", "(3, 4)"), &["x.npy", &format!("`{descr}`"), mend]);
    }
    let records = "{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (3, 4), }";
    refused(&folder, &npy(1, records, &data), &["records"]);
    refused(&folder, &with("<f8", "False", "()"), &["0 axes", "reshape(1, 1)"]);
    refused(&folder, &with("<f8", "True", "(2, 2, 3)"), &["Fortran", "ascontiguousarray"]);
    refused(&folder, &with("<f8", "True", "(3, 4)"), &["Fortran", "ascontiguousarray"]);
    for shape in ["(0, 4)", "(4, 0)", "(0, 0)"] {
        refused(&folder, &with("<f8", "False", shape), &["is empty"]);
    }
    for shape in ["(18446744073709551615, 3)", "(4294967296, 4294967296)", "(2305843009213693951, 1)"] {
        refused(&folder, &with("<f8", "False", shape), &["no file can hold so many values"]);
    }
    for shape in ["(3, 5)", "(13, 1)", "(1, 100000000000000000)"] {
        refused(&folder, &with("<f8", "False", shape), &["truncated", "224 bytes"]);
    }
}

#[test]
fn headers_that_are_broken() {
    let folder = Folder::new("npy-header");
    let whole = encoded(1, "<f8", &normal(3, 4));
    for length in 0..whole.len() {
        let says = match length {
            0 => "is empty",
            1..128 => "within its header",
            _ => "truncated",
        };
        refused(&folder, &whole[..length], &[says]);
    }
    refused(&folder, b"PK\x03\x04 and so on", &["npz", "numpy.save"]);
    refused(&folder, b"a,b,y\n1,2,3\n4,5,6\n", &["not an .npy file", "does not start with"]);
    refused(&folder, b"<!DOCTYPE html>", &["not an .npy file: it is an HTML page"]);
    refused(&folder, b"%P", &["not an .npy file"]);
    refused(&folder, b"\x89HDF\r\n\x1a\n", &["an HDF5 file"]);
    refused(&folder, b"\0\0\x08\x01\0\0\0\x01\x07", &["dataset::idx"]);
    for (version, minor) in [(0, 0), (1, 1), (4, 0), (255, 255)] {
        let mut other = whole.clone();
        other[6..8].copy_from_slice(&[version, minor]);
        refused(&folder, &other, &[&format!("version {version}.{minor}")]);
    }
    let mut long = whole.clone();
    long.splice(6..10, [2, 0, 255, 255, 255, 255]);
    refused(&folder, &long, &["header of 4294967295 bytes"]);
    for text in [
        "",
        "{",
        "{}",
        "[]",
        "{'descr'}",
        "{'descr': }",
        "{'descr': '<f8'",
        "{'descr': '<f8', 'fortran_order': False}",
        "{'descr': '<f8', 'fortran_order': 0, 'shape': (3, 4)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': 12}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (3, -4)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (3 4)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (,)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (3, 99999999999999999999)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), 'more': 1}",
        "{'descr': '<f8', 'descr': '<f8', 'fortran_order': False, 'shape': (3, 4)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4)} and more",
        "{'descr: <f8, fortran_order: False, shape: (3, 4)}",
        "{'описание': '<f8'}",
        "{'descr': <f8, 'fortran_order': False, 'shape': (3, 4)}",
        &"(".repeat(50_000),
        &format!("{{'descr': {}", "[".repeat(50_000)),
    ] {
        let bytes = npy(2, text, &[0; 96]);
        let found = NpyRows::open(saved(&folder, &bytes)).unwrap_err();
        assert!(matches!(found, Error::File { .. }), "{text}: {found:?}");
        assert!(found.to_string().len() < 400, "{found}");
    }
    let mut bytes = whole;
    bytes[10..40].fill(0xff);
    refused(&folder, &bytes, &["broken header"]);
}

#[test]
fn files_that_cannot_be_opened() {
    let folder = Folder::new("npy-open");
    for path in [folder.0.join("nowhere.npy"), folder.0.clone()] {
        let found = NpyRows::open(&path).unwrap_err();
        assert!(matches!(&found, Error::Io { path: named, .. } if *named == path), "{found:?}");
    }
}

#[test]
fn blocks_that_cannot_be_read() {
    let folder = Folder::new("npy-blocks");
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let mut x = normal(9, 4);
        x[[7, 2]] = bad;
        let path = saved(&folder, &encoded(1, "<f8", &x));
        let mut file = NpyRows::open(&path).unwrap();
        assert!(matches!(file.next_block(0), Err(Error::Domain { .. })));
        assert_eq!(file.next_block(5).unwrap().unwrap(), x.slice(s![..5, ..]));
        let found = file.next_block(5).unwrap_err().to_string();
        for says in ["x.npy", &bad.to_string(), "row 7, column 2"] {
            assert!(found.contains(says), "{found}");
        }
        assert_eq!(file.next_block(5), Ok(None));
    }
    // Truncated while it is being read.
    let x = normal(20_000, 4);
    let path = saved(&folder, &encoded(1, "<f8", &x));
    let mut file = NpyRows::open(&path).unwrap();
    fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(300_000).unwrap();
    assert_eq!(file.next_block(5).unwrap().unwrap(), x.slice(s![..5, ..]));
    let found = file.next_block(20_000).unwrap_err();
    assert!(found.to_string().contains("ends before its 20000 rows do"), "{found}");
    assert_eq!(file.next_block(5), Ok(None));
}

#[test]
fn a_curve_from_a_file_is_that_from_memory() {
    let folder = Folder::new("npy-curve");
    let (n, p) = (100, 6);
    let x = normal(n, p + 2);
    let mut file = NpyRows::open(saved(&folder, &encoded(1, "<f8", &x))).unwrap();
    let new = || Rows::new(p, 2, Test::None).unwrap();
    let (mut streamed, mut whole) = (new(), new());
    let mut from = 0;
    while let Some(block) = file.next_block(32).unwrap() {
        let same = x.slice(s![from..from + block.nrows(), ..]);
        let points = streamed.extend(&block.slice(s![.., ..p]), &block.slice(s![.., p..])).unwrap();
        assert_eq!(points, whole.extend(&same.slice(s![.., ..p]), &same.slice(s![.., p..])).unwrap());
        from += block.nrows();
    }
    assert_eq!((from, streamed.rows()), (n, n));
}
