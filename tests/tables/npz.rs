//! Named arrays in `.npz` archives: numpy's are read, what is written is read back, and a damaged archive gives no
//! wrong numbers.

use crate::common::files::{dictionary, gzip, npy as npy_file, refused, zip};
use crate::common::program::Folder;
use double_descent::Error;
use double_descent::dataset::npz;
use ndarray::{Array2, array};
use std::f64::consts::PI;
use std::fs;
use std::io::{Seek, SeekFrom, Write};
use std::path::PathBuf;

/// Written by `tests/reference/numpy_arrays.py`.
const OF_NUMPY: [&[u8]; 2] = [
    include_bytes!("../reference/numpy_savez.npz"),
    include_bytes!("../reference/numpy_savez_compressed.npz"),
];

fn features_of_numpy() -> Array2<f64> {
    array![[0.5, -1.0, 1e-300], [3.0, PI, -0.0]]
}

fn saved(folder: &Folder, bytes: &[u8]) -> PathBuf {
    folder.file("x.npz", bytes).into()
}

#[test]
fn archives_of_numpy() {
    let folder = Folder::new("npz-numpy");
    for bytes in OF_NUMPY {
        let path = saved(&folder, bytes);
        assert_eq!(npz::names(&path).unwrap(), ["features", "labels", "by_columns", "row"]);
        for name in ["features", "by_columns"] {
            let read = npz::read(&path, name).unwrap();
            assert_eq!(read, features_of_numpy());
            assert!(read[[1, 2]].is_sign_negative() && read.is_standard_layout());
        }
        assert_eq!(npz::read(&path, "row").unwrap(), array![[0.5], [-1.0], [1e-300]]);
        assert_eq!(npz::read_labels(&path, "labels").unwrap(), [1, 0]);
        refused(npz::read_labels(&path, "row"), &path, &["the array `row`", "floating-point"]);
        for other in ["Features", "features.npy", ""] {
            let says = format!("no array named `{other}`; there are: features, labels, by_columns, row");
            refused(npz::read(&path, other), &path, &[&says]);
        }
    }
}

#[test]
fn what_is_written_is_read() {
    let folder = Folder::new("npz-written");
    let path = folder.0.join("x.npz");
    let x = Array2::from_shape_fn((4000, 9), |(i, j)| (i as f64 + 0.1).powf(j as f64 - 4.0));
    let y = array![2.0, PI];
    let arrays =
        [("x", x.view().into_dyn()), ("ŷ of the test set", y.view().into_dyn()), ("xᵀ", x.t().into_dyn())];
    npz::write(&path, &arrays).unwrap();
    assert_eq!(npz::names(&path).unwrap(), arrays.each_ref().map(|(name, _)| *name));
    assert_eq!(npz::read(&path, "x").unwrap(), x);
    assert_eq!(npz::read(&path, "xᵀ").unwrap(), x.t());
    assert_eq!(npz::read(&path, "ŷ of the test set").unwrap(), array![[2.0], [PI]]);
    let bytes = fs::read(&path).unwrap();
    npz::write(&path, &arrays).unwrap();
    assert_eq!(bytes, fs::read(&path).unwrap());
    assert_eq!(fs::read_dir(&folder.0).unwrap().count(), 1);
}

#[test]
fn names_that_no_archive_should_hold() {
    let folder = Folder::new("npz-names");
    let (path, x) = (folder.0.join("x.npz"), array![1.0]);
    assert!(matches!(npz::write(&path, &[]), Err(Error::Empty { .. })));
    let long = "x".repeat(70_000);
    for name in ["", "a/b", "../x", "a\\b", "c:x", "a\0b", "a\nb", &long] {
        let found = npz::write(&path, &[(name, x.view().into_dyn())]).unwrap_err();
        assert!(matches!(&found, Error::Unsupported { reason } if reason.len() < 200), "{found:?}");
    }
    let twice = [("x", x.view().into_dyn()), ("x", x.view().into_dyn())];
    assert!(matches!(npz::write(&path, &twice), Err(Error::Unsupported { .. })));
    assert!(!path.exists());
}

/// An archive changed in any byte or cut anywhere is refused, or its numbers are right.
#[test]
fn damage_makes_no_wrong_numbers() {
    let folder = Folder::new("npz-damage");
    let (mut right, mut wrong) = (0, 0);
    for whole in OF_NUMPY {
        let path = saved(&folder, whole);
        let mut file = fs::OpenOptions::new().write(true).open(&path).unwrap();
        let mut write = |place: usize, byte: u8| {
            file.seek(SeekFrom::Start(place as u64)).unwrap();
            file.write_all(&[byte]).unwrap();
        };
        for (place, &byte) in whole.iter().enumerate() {
            for bit in [1, 0x80] {
                write(place, byte ^ bit);
                match npz::read(&path, "features") {
                    Ok(read) => {
                        assert_eq!(read, features_of_numpy(), "byte {place}");
                        right += 1;
                    }
                    found => {
                        refused(found, &path, &[]);
                        wrong += 1;
                    }
                }
            }
            write(place, byte);
        }
        for length in (0..whole.len() as u64).rev() {
            file.set_len(length).unwrap();
            refused(npz::read(&path, "features"), &path, &[]);
            refused(npz::names(&path), &path, &[]);
        }
    }
    assert!(right > 500 && wrong > 500, "{right} right, {wrong} refused");
}

#[test]
fn files_that_are_no_archives() {
    let folder = Folder::new("npz-none");
    for bytes in [&b""[..], b"a,b\n1,2\n", b"PK\x03\x04 and so on", &vec![0; 100_000]] {
        let path = saved(&folder, bytes);
        refused(npz::read(&path, "x"), &path, &["not an .npz file, or a truncated one"]);
    }
    let single = npy_file(1, &dictionary("<f8", "False", "(1, 1)"), &[0; 8]);
    let path = saved(&folder, &single);
    refused(npz::names(&path), &path, &["a NumPy array", "dataset::npy"]);
    let path = saved(&folder, &gzip(&single));
    refused(npz::names(&path), &path, &["packed by gzip", "dataset::npy"]);
    for path in [folder.0.join("nowhere.npz"), folder.0.clone()] {
        assert!(matches!(npz::names(&path), Err(Error::Io { .. })));
    }
    let path = saved(&folder, &zip(&[("readme.txt", b"no arrays")]));
    assert_eq!(npz::names(&path).unwrap(), [""; 0]);
    refused(npz::read(&path, "x"), &path, &["holds no arrays"]);
}

#[test]
fn arrays_that_cannot_be_read() {
    let folder = Folder::new("npz-arrays");
    let file = |descr: &str, shape: &str, bytes: usize| {
        npy_file(1, &dictionary(descr, "False", shape), &vec![0; bytes])
    };
    let (good, text) = (file("<f8", "(2, 3)", 48), file("<U2", "(6,)", 48));
    let (long, short) = (file("<f8", "(2, 3)", 49), file("<f8", "(2, 3)", 47));
    let bomb = file("|u1", "(1000000, 1000000)", 1_000_000);
    let path = saved(
        &folder,
        &zip(&[
            ("good.npy", &good),
            ("text.npy", &text),
            ("long.npy", &long),
            ("short.npy", &short),
            ("bomb.npy", &bomb),
            ("none.npy", b""),
            ("twice.npy", &good),
            ("twice.npy", &good),
        ]),
    );
    assert_eq!(npz::read(&path, "good").unwrap(), Array2::<f64>::zeros((2, 3)));
    for (name, says) in [
        ("text", "`<U2`"),
        ("long", "goes on after its last value"),
        ("short", "is truncated"),
        ("bomb", "is truncated"),
        ("none", "is empty"),
    ] {
        refused(npz::read(&path, name), &path, &[&format!("the array `{name}` "), says]);
    }
    refused(npz::read(&path, "twice"), &path, &["two arrays named `twice`"]);
    // The compression method and the encryption flag, each in both headers of the only file.
    let one = zip(&[("x.npy", &good)]);
    let list = one.windows(4).position(|word| word == b"PK\x01\x02").unwrap();
    for (local, central, value, says) in
        [(8, 10, 93, "packed by method 93"), (8, 10, 0, "do not fit"), (6, 8, 9, "is encrypted")]
    {
        let mut bytes = one.clone();
        bytes[local] = value;
        bytes[list + central] = value;
        let path = saved(&folder, &bytes);
        refused(npz::read(&path, "x"), &path, &[says]);
    }
    // A size in the central directory that no archive of this length can hold.
    let mut bytes = one.clone();
    bytes[list + 24..list + 28].fill(0xf0);
    let claims = npy_file(1, &dictionary("|u1", "False", "(4042322000, 1)"), &[0; 100]);
    let path = saved(&folder, &bytes);
    refused(npz::read(&path, "x"), &path, &["damaged"]);
    let mut bytes = zip(&[("x.npy", &claims)]);
    let list = bytes.windows(4).position(|word| word == b"PK\x01\x02").unwrap();
    bytes[list + 24..list + 28].fill(0xf0);
    let path = saved(&folder, &bytes);
    refused(npz::read(&path, "x"), &path, &["packed bytes cannot hold"]);
}
