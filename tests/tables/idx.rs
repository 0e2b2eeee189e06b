//! IDX files: every type is read correctly, packed or not, and a bad file is refused with advice.

#![allow(clippy::cast_possible_truncation)] // small whole numbers

use crate::common::files::{gzip, idx as idx_file, refused};
use crate::common::program::Folder;
use double_descent::Error;
use double_descent::dataset::idx;
use ndarray::{Array2, array};
use std::path::PathBuf;

fn saved(folder: &Folder, bytes: &[u8]) -> PathBuf {
    folder.file("x-ubyte.gz", bytes).into()
}

#[test]
fn every_type_packed_or_not() {
    let folder = Folder::new("idx-types");
    let cases: [(u8, [f64; 4], Vec<u8>); 6] = [
        (0x08, [0.0, 1.0, 200.0, 255.0], vec![0, 1, 200, 255]),
        (0x09, [0.0, 1.0, -128.0, 127.0], vec![0, 1, 0x80, 0x7f]),
        (0x0b, [0.0, 1.0, -32768.0, 258.0], vec![0, 0, 0, 1, 0x80, 0, 1, 2]),
        (0x0c, [-2.0, 1.0, 16_909_060.0, 0.0], [-2_i32, 1, 0x0102_0304, 0].map(i32::to_be_bytes).concat()),
        (0x0d, [0.5, -1.0, 1e10, 0.0], [0.5_f32, -1.0, 1e10, 0.0].map(f32::to_be_bytes).concat()),
        (0x0e, [0.1, -1.0, 1e300, 5e-324], [0.1_f64, -1.0, 1e300, 5e-324].map(f64::to_be_bytes).concat()),
    ];
    for (code, values, data) in cases {
        for (shape, rows) in [(&[4][..], 4), (&[2, 2], 2), (&[2, 1, 2], 2), (&[1, 2, 1, 2], 1)] {
            let plain = idx_file(code, shape, &data);
            // The bytes decide whether a file is gzip, not its name; a gzip file may have several members.
            let (front, back) = plain.split_at(plain.len() / 2);
            for bytes in [plain.clone(), gzip(&plain), [gzip(front), gzip(back)].concat()] {
                let read = idx::read(saved(&folder, &bytes)).unwrap();
                assert_eq!(read, Array2::from_shape_vec((rows, 4 / rows), values.to_vec()).unwrap());
            }
        }
        let path = saved(&folder, &idx_file(code, &[4], &data));
        match code {
            0x08 => assert_eq!(idx::read_labels(&path).unwrap(), [0, 1, 200, 255]),
            0x09 => refused(idx::read_labels(&path), &path, &["the label -128 at row 2"]),
            0x0b | 0x0c => refused(idx::read_labels(&path), &path, &["the label -"]),
            _ => refused(idx::read_labels(&path), &path, &["floating-point"]),
        }
        match idx::read_bytes(&path) {
            Ok(bytes) => assert_eq!((code, bytes), (0x08, array![[0], [1], [200], [255]])),
            found => refused(found, &path, &["not hold unsigned bytes"]),
        }
    }
    let path = saved(&folder, &idx_file(0x0d, &[2], &[0.5, f32::NAN].map(f32::to_be_bytes).concat()));
    refused(idx::read(&path), &path, &["NaN at row 1, column 0"]);
    let path = saved(&folder, &idx_file(0x08, &[2, 2], &[1, 2, 3, 4]));
    refused(idx::read_labels(&path), &path, &["2 values per row"]);
}

fn images() -> (Array2<f64>, Vec<u8>) {
    let pixels = (0..60_u32).map(|i| (i * i % 251) as u8).collect::<Vec<_>>();
    let table = Array2::from_shape_fn((5, 12), |(i, j)| f64::from(pixels[12 * i + j]));
    (table, idx_file(0x08, &[5, 3, 4], &pixels))
}

/// A file cut at any length is refused, packed or not.
#[test]
fn truncated_files() {
    let folder = Folder::new("idx-cut");
    let (_, plain) = images();
    let packed = gzip(&plain);
    for whole in [&plain, &packed] {
        for length in 0..whole.len() {
            let path = saved(&folder, &whole[..length]);
            refused(idx::read(&path), &path, &["again"]);
            refused(idx::read_bytes(&path), &path, &["again"]);
            refused(idx::read_labels(&path), &path, &[]);
        }
    }
    let path = saved(&folder, &[]);
    refused(idx::read(&path), &path, &["is empty"]);
    for (length, says) in
        [(3, "not an IDX file"), (9, "within its header"), (70, "70 bytes where 5 × 12 values need 76")]
    {
        let path = saved(&folder, &plain[..length]);
        refused(idx::read(&path), &path, &[says]);
    }
    for cut in [1, 8, 20] {
        let path = saved(&folder, &packed[..packed.len() - cut]);
        refused(idx::read(&path), &path, &["truncated or damaged"]);
    }
}

/// A damaged gzip file is either refused or gives the right numbers.
#[test]
fn damage_makes_no_wrong_numbers() {
    let folder = Folder::new("idx-damage");
    let (table, plain) = images();
    let packed = gzip(&plain);
    let mut refusals = 0;
    for place in 0..packed.len() {
        for bit in 0..8 {
            let mut bytes = packed.clone();
            bytes[place] ^= 1 << bit;
            let path = saved(&folder, &bytes);
            match idx::read(&path) {
                Ok(read) => assert_eq!(read, table, "byte {place}"),
                found => {
                    refused(found, &path, &[]);
                    refusals += 1;
                }
            }
        }
    }
    assert!(refusals > 8 * (packed.len() - 18), "{refusals} refused"); // not every byte of the 10-byte header matters
    let mut bytes = packed.clone();
    let checksum = bytes.len() - 6;
    bytes[checksum] ^= 1;
    let path = saved(&folder, &bytes);
    refused(idx::read(&path), &path, &["checksum"]);
}

#[test]
fn files_of_other_kinds() {
    let folder = Folder::new("idx-kinds");
    for (bytes, says) in [
        (&b"<!DOCTYPE html><html>"[..], "an HTML page: download the file itself"),
        (b"PK\x03\x04 and so on", "zip archive"),
        (b"%PDF-1.7", "a PDF document"),
        (b"\x93NUMPY\x01\x00", "dataset::npy"),
        (b"a,b\n1,2\n", "starts with 61 2c 62 0a"),
        (b"\x00\x01\x08\x01\x00\x00\x00\x01\x07", "starts with 00 01 08 01"),
        (b"\x00\x00\x0a\x01\x00\x00\x00\x01\x07", "type 0a"),
        (b"\x00\x00\x08\x00\x07", "no axes"),
        (b"\x00\x00\x08\x01\x00\x00\x00\x00", "is empty: 0 rows"),
        (b"\x00\x00\x08\x02\x00\x00\x00\x01\x00\x00\x00\x00", "is empty: 1 rows, 0 columns"),
    ] {
        for bytes in [bytes.to_vec(), gzip(bytes)] {
            let path = saved(&folder, &bytes);
            refused(idx::read(&path), &path, &["x-ubyte.gz", says]);
        }
    }
    let path = saved(&folder, &gzip(&gzip(&images().1)));
    refused(idx::read(&path), &path, &["packed twice"]);
    let path = saved(&folder, b"\x1f\x8b is how gzip starts, and no more");
    refused(idx::read(&path), &path, &["truncated or damaged"]);
    for path in [folder.0.join("nowhere"), folder.0.clone()] {
        let found = idx::read(&path).unwrap_err();
        assert!(matches!(&found, Error::Io { path: named, .. } if *named == path), "{found:?}");
    }
}

/// The size that a header claims is compared with the file before memory is allocated; surplus data is not unpacked.
#[test]
fn headers_that_do_not_fit_their_values() {
    let folder = Folder::new("idx-claims");
    let huge = u32::MAX;
    let shapes: [(&[u32], &str, &str); 4] = [
        (&[huge], "is truncated", "cannot hold"),
        (&[1 << 16, 1 << 14], "is truncated", "cannot hold"),
        (&[huge, huge], "no file can hold so many values", "no file can hold so many values"),
        (&[huge; 255], "no file can hold so many values", "no file can hold so many values"),
    ];
    for (shape, plain, packed) in shapes {
        let bytes = idx_file(0x08, shape, &[7; 100]);
        for (bytes, says) in [(&bytes, plain), (&gzip(&bytes), packed)] {
            let path = saved(&folder, bytes);
            refused(idx::read(&path), &path, &[says]);
            refused(idx::read_bytes(&path), &path, &[says]);
            refused(idx::read_labels(&path), &path, &[]);
        }
    }
    for more in [1, 1 << 24] {
        let bytes = idx_file(0x08, &[4], &vec![7; 4 + more]);
        for bytes in [gzip(&bytes), bytes] {
            let path = saved(&folder, &bytes);
            refused(idx::read(&path), &path, &["goes on after its last value"]);
        }
    }
    // Bytes after the end of the gzip data.
    let path = saved(&folder, &[gzip(&images().1), b"and more".to_vec()].concat());
    refused(idx::read(&path), &path, &["damaged"]);
}
