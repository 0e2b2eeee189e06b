//! Types of `.npy` files under every name that `numpy.dtype` accepts, with values exact to the bit.

use crate::common::files::{dictionary, gzip, npy as npy_file, refused};
use crate::common::program::Folder;
use double_descent::dataset::{NpyRows, npy};
use ndarray::{Array2, ArrayD, Dimension, IxDyn, array};
use std::ffi::c_long;
use std::path::PathBuf;

fn saved(folder: &Folder, bytes: &[u8]) -> PathBuf {
    folder.file("x.npy", bytes).into()
}

/// Small numpy files that were once refused.
const SIX: [(&str, &[u8]); 4] = [
    ("f2", include_bytes!("../faults/half.npy")),
    ("<d", include_bytes!("../faults/d.npy")),
    ("f8", include_bytes!("../faults/f8.npy")),
    ("=f8", include_bytes!("../faults/native.npy")),
];

#[test]
fn files_of_other_spellings() {
    let folder = Folder::new("npy-six");
    for (name, bytes) in SIX {
        for bytes in [bytes.to_vec(), gzip(bytes)] {
            let path = saved(&folder, &bytes);
            assert_eq!(npy::read(&path).unwrap(), array![[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]], "{name}");
            let block = NpyRows::open(&path).unwrap().next_block(9).unwrap().unwrap();
            assert_eq!(block.row(2).to_vec(), [4.0, 5.0], "{name}");
        }
    }
    // A gzip file whose content ends after the first six bytes.
    let path = saved(&folder, include_bytes!("../faults/t.npy.gz"));
    refused(npy::read(&path), &path, &["ends within its header"]);
}

/// The number 3 as a type stores it, least significant byte first.
fn three(kind: char, size: usize) -> Vec<u8> {
    match (kind, size) {
        ('f', 2) => vec![0x00, 0x42], // 2¹ · 1.5: exponent 16, fraction 512
        ('f', 4) => 3_f32.to_le_bytes().to_vec(),
        ('f', 8) => 3_f64.to_le_bytes().to_vec(),
        _ => 3_u64.to_le_bytes()[..size].to_vec(),
    }
}

/// What `numpy.dtype` of version 2.4 (and, for `bool8`, `float_`, `int0` and `uint0`, of version 1) makes of a name.
#[test]
fn every_spelling_of_a_type() {
    let folder = Folder::new("npy-spellings");
    let (long, pointer) = (size_of::<c_long>(), size_of::<usize>());
    let codes: [(char, usize, &[&str]); 15] = [
        ('?', 1, &["?", "b1"]),
        ('i', 1, &["b", "i1"]),
        ('i', 2, &["h", "i2"]),
        ('i', 4, &["i", "i4"]),
        ('i', 8, &["q", "i8"]),
        ('i', long, &["l"]),
        ('i', pointer, &["p", "n"]),
        ('u', 1, &["B", "u1"]),
        ('u', 2, &["H", "u2"]),
        ('u', 4, &["I", "u4"]),
        ('u', 8, &["Q", "u8", "u 8", "u+08"]),
        ('u', long, &["L"]),
        ('u', pointer, &["P", "N"]),
        ('f', 2, &["e", "f2"]),
        ('f', 4, &["f", "f4", "f04"]),
    ];
    let names: [(char, usize, &[&str]); 14] = [
        ('?', 1, &["bool", "bool_", "bool8"]),
        ('i', 1, &["int8", "byte"]),
        ('i', 2, &["int16", "short"]),
        ('i', 4, &["int32", "intc"]),
        ('i', 8, &["int64", "longlong"]),
        ('i', pointer, &["int", "int_", "intp", "int0"]),
        ('i', long, &["long"]),
        ('u', 1, &["uint8", "ubyte"]),
        ('u', 2, &["uint16", "ushort"]),
        ('u', 4, &["uint32", "uintc"]),
        ('u', 8, &["uint64", "ulonglong"]),
        ('u', pointer, &["uint", "uintp", "uint0"]),
        ('f', 2, &["float16", "half"]),
        ('f', 4, &["float32", "single"]),
    ];
    let doubles: (char, usize, &[&str]) = ('f', 8, &["d", "f8", "f08"]);
    let double_names: (char, usize, &[&str]) = ('f', 8, &["float64", "double", "float", "float_"]);
    let read = |descr: &str, bytes: &[u8]| {
        npy::read(saved(&folder, &npy_file(1, &dictionary(descr, "False", "(1,)"), bytes)))
    };
    for (kind, size, spellings) in codes.into_iter().chain([doubles]) {
        let (little, value) = (three(kind, size), if kind == '?' { 1.0 } else { 3.0 });
        let big: Vec<u8> = little.iter().rev().copied().collect();
        let native = if cfg!(target_endian = "big") { &big } else { &little };
        for code in spellings {
            for (order, bytes) in [("<", &little), (">", &big), ("=", native), ("|", native), ("", native)] {
                let descr = format!("{order}{code}");
                assert_eq!(read(&descr, bytes).unwrap(), array![[value]], "{descr}");
            }
            refused(read(&format!("!{code}"), native), &folder.0.join("x.npy"), &["astype('f8')"]);
        }
    }
    for (kind, size, spellings) in names.into_iter().chain([double_names]) {
        let (bytes, value) = (three(kind, size), if kind == '?' { 1.0 } else { 3.0 });
        let native = if cfg!(target_endian = "big") { bytes.iter().rev().copied().collect() } else { bytes };
        for name in spellings {
            assert_eq!(read(name, &native).unwrap(), array![[value]], "{name}");
            for order in ["<", ">", "=", "|"] {
                let found = read(&format!("{order}{name}"), &native);
                refused(found, &folder.0.join("x.npy"), &["can be read"]);
            }
        }
    }
    for descr in [
        "", "<", "u", "B1", "b2", "d8", "e2", "h2", "l8", "q8", "i3", "i16", "f3", "f12", "f8 ", " f8",
        "f-8", "f8;",
    ] {
        refused(read(descr, &[0; 16]), &folder.0.join("x.npy"), &["holds values of type", "can be read"]);
    }
}

/// All half-precision floats: (−1)^s 2^(e−15) (1 + f/2¹⁰), and 2^(−14) f/2¹⁰ if e is 0. Powers of 2 times eleven bits
/// are exact in `f64`.
#[test]
fn half_floats_are_exact() {
    let folder = Folder::new("npy-half");
    let (finite, others): (Vec<u16>, Vec<u16>) = (0..=u16::MAX).partition(|bits| bits >> 10 & 31 != 31);
    let file = |order: &str, bits: &[u16]| {
        let bytes = |bits: &u16| if order == "<" { bits.to_le_bytes() } else { bits.to_be_bytes() };
        let data: Vec<u8> = bits.iter().flat_map(bytes).collect();
        npy_file(1, &dictionary(&format!("{order}f2"), "False", &format!("({},)", bits.len())), &data)
    };
    for order in ["<", ">"] {
        let read = npy::read(saved(&folder, &file(order, &finite))).unwrap();
        for (&bits, &value) in finite.iter().zip(&read) {
            let (sign, exponent, fraction) = (bits >> 15, i32::from(bits >> 10 & 31), f64::from(bits & 1023));
            let magnitude = match exponent {
                0 => 2_f64.powi(-24) * fraction,
                _ => 2_f64.powi(exponent - 25) * (1024.0 + fraction),
            };
            let expected = if sign == 1 { -magnitude } else { magnitude };
            assert_eq!(value.to_bits(), expected.to_bits(), "{bits:04x}");
        }
        for &bits in others.iter().step_by(97) {
            let path = saved(&folder, &file(order, &[0, bits]));
            let says = if bits << 6 == 0 { "inf" } else { "NaN" };
            refused(npy::read(&path), &path, &[says, "row 1, column 0"]);
        }
    }
}

/// As numpy converts them to floats: any nonzero byte is 1.
#[test]
fn every_byte_of_a_truth_value_is_true_or_false() {
    let folder = Folder::new("npy-bool");
    let path = saved(&folder, &npy_file(1, &dictionary("|b1", "False", "(4,)"), &[0, 1, 7, 255]));
    assert_eq!(npy::read(&path).unwrap(), array![[0.0], [1.0], [1.0], [1.0]]);
    assert_eq!(npy::read_labels(&path).unwrap(), [0, 1, 1, 1]);
    refused(npy::read_bytes(&path), &path, &["not hold unsigned bytes"]);
}

/// Axes after the first make up one row's values, in C order, whatever the order of the file.
#[test]
fn images_are_rows() {
    let folder = Folder::new("npy-images");
    for shape in [&[5, 3, 4][..], &[5, 3, 4, 2], &[1, 3, 4], &[5, 1, 4, 1], &[2, 1, 1], &[2; 6]] {
        let x = ArrayD::from_shape_fn(IxDyn(shape), |at| {
            at.slice().iter().fold(0.0, |place, &index| 10.0 * place + index as f64)
        });
        let columns = x.len() / shape[0];
        let rows: Vec<f64> = x.iter().copied().collect();
        let table = Array2::from_shape_vec((shape[0], columns), rows).unwrap();
        let axes: Vec<String> = shape.iter().map(usize::to_string).collect();
        let text = format!("({})", axes.join(", "));
        for order in ["False", "True"] {
            let file = |x: &ArrayD<f64>| {
                let data: Vec<u8> = match order {
                    "True" => x.t().iter().flat_map(|v| v.to_le_bytes()).collect(),
                    _ => x.iter().flat_map(|v| v.to_le_bytes()).collect(),
                };
                npy_file(1, &dictionary("<f8", order, &text), &data)
            };
            let path = saved(&folder, &file(&x));
            assert_eq!(npy::read(&path).unwrap(), table, "{text}, {order}");
            // The reported place of a bad entry is its place in the table.
            let mut bad = x.clone();
            let last = IxDyn(&shape.iter().map(|length| length - 1).collect::<Vec<_>>());
            bad[last] = f64::NAN;
            let path = saved(&folder, &file(&bad));
            let says = format!("row {}, column {} ", shape[0] - 1, columns - 1);
            refused(npy::read(&path), &path, &[&says]);
            // `NpyRows`, if it can read this shape and order, gives the same table.
            let path = saved(&folder, &file(&x));
            if let Ok(mut file) = NpyRows::open(&path) {
                assert_eq!(file.next_block(99).unwrap().unwrap(), table);
            }
        }
        let bytes: Vec<u8> = (0..x.len()).map(|i| u8::try_from(i).unwrap()).collect();
        let path = saved(&folder, &npy_file(1, &dictionary("|u1", "False", &text), &bytes));
        let expected = Array2::from_shape_vec((shape[0], columns), bytes).unwrap();
        assert_eq!(npy::read_bytes(&path).unwrap(), expected);
    }
    // Bytes with the first axis varying fastest.
    let path =
        saved(&folder, &npy_file(1, &dictionary("|u1", "True", "(2, 2, 2)"), &[0, 1, 2, 3, 4, 5, 6, 7]));
    assert_eq!(npy::read_bytes(&path).unwrap(), array![[0_u8, 4, 2, 6], [1, 5, 3, 7]]);
    assert_eq!(npy::read(&path).unwrap(), array![[0.0, 4.0, 2.0, 6.0], [1.0, 5.0, 3.0, 7.0]]);
}

/// A cut or damaged packed file is refused, read whole or in blocks, or its numbers are right.
#[test]
fn packed_files() {
    let folder = Folder::new("npy-packed");
    let x = Array2::from_shape_fn((40, 3), |(i, j)| (i * i + j) as f64 / 7.0);
    let data: Vec<u8> = x.iter().flat_map(|v| v.to_le_bytes()).collect();
    let plain = npy_file(1, &dictionary("<f8", "False", "(40, 3)"), &data);
    let packed = gzip(&plain);
    let blocks = |path: &PathBuf| -> Result<Vec<Array2<f64>>, _> {
        let mut file = NpyRows::open(path)?;
        std::iter::from_fn(|| file.next_block(16).transpose()).collect()
    };
    let path = saved(&folder, &packed);
    assert_eq!(npy::read(&path).unwrap(), x);
    assert_eq!(blocks(&path).unwrap().iter().map(Array2::nrows).collect::<Vec<_>>(), [16, 16, 8]);
    for length in 0..packed.len() {
        let path = saved(&folder, &packed[..length]);
        refused(npy::read(&path), &path, &[]);
        refused(blocks(&path), &path, &[]);
    }
    let mut refusals = 0;
    for place in 0..packed.len() {
        let mut bytes = packed.clone();
        bytes[place] ^= 1 << (place % 8);
        let path = saved(&folder, &bytes);
        match npy::read(&path) {
            Ok(read) => assert_eq!(read, x, "byte {place}"),
            found => {
                refused(found, &path, &[]);
                refusals += 1;
            }
        }
    }
    assert!(refusals > packed.len() - 18, "{refusals} of {}", packed.len());
    for more in [&b"x"[..], &vec![7; 1 << 22]] {
        let path = saved(&folder, &gzip(&[&plain, more].concat()));
        refused(npy::read(&path), &path, &["goes on after its last value"]);
        refused(blocks(&path), &path, &["goes on after its last value"]);
    }
    let claims = npy_file(1, &dictionary("|u1", "False", "(1152921504606846976,)"), &[0; 99]);
    let path = saved(&folder, &gzip(&claims));
    refused(npy::read(&path), &path, &["packed bytes cannot hold"]);
    let path = saved(&folder, &gzip(&packed));
    refused(npy::read(&path), &path, &["packed twice"]);
}

/// Type names taken from a file are shown without control characters, and truncated.
#[test]
fn long_and_unprintable_types() {
    let folder = Folder::new("npy-shown");
    for descr in ["\u{1b}[2J".to_string(), "x".repeat(60_000), "\0".repeat(60_000)] {
        for text in [dictionary(&descr, "False", "(1,)"), format!("{{'{descr}': 1}}")] {
            let path = saved(&folder, &npy_file(2, &text, &[0; 8]));
            let found = npy::read(&path).unwrap_err().to_string();
            assert!(found.len() < 700 && !found.chars().any(char::is_control), "{found:?}");
        }
    }
}
