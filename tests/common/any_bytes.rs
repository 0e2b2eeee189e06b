//! Any bytes read as a file of arrays, by every reader: finite numbers on which the readers agree, or an error that can
//! be printed. Shared with the fuzz target.

use double_descent::Error;
use double_descent::dataset::{Labelled, NpyRows, idx, npy, npz};
use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder};
use ndarray::{Array2, Axis};
use rawzip::{CompressionMethod, ZipArchiveWriter};
use std::io::Write;
use std::path::Path;

/// Returns the bytes themselves, gzipped, or in an archive. Valid checksums let corrupt content through to the readers.
/// The last two bits of `mode` choose.
pub fn wrapped(mode: u8, bytes: &[u8]) -> Vec<u8> {
    match mode % 4 {
        0 => bytes.to_vec(),
        1 => {
            let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
            packed.write_all(bytes).unwrap();
            packed.finish().unwrap()
        }
        mode => {
            let mut archive = ZipArchiveWriter::new(Vec::new());
            for name in ["x_train.npy", "y_train.npy", "x_test.npy", "y_test.npy"] {
                if mode == 2 {
                    let entry = archive.new_file(name).compression_method(CompressionMethod::DEFLATE);
                    let (mut entry, config) = entry.start().unwrap();
                    let mut writer = config.wrap(DeflateEncoder::new(&mut entry, Compression::fast()));
                    writer.write_all(bytes).unwrap();
                    let (encoder, descriptor) = writer.finish().unwrap();
                    encoder.finish().unwrap();
                    entry.finish(descriptor).unwrap();
                } else {
                    let (mut entry, config) = archive.new_file(name).start().unwrap();
                    let mut writer = config.wrap(&mut entry);
                    writer.write_all(bytes).unwrap();
                    let (_, descriptor) = writer.finish().unwrap();
                    entry.finish(descriptor).unwrap();
                }
            }
            archive.finish().unwrap()
        }
    }
}

/// Checks that an error has a message that is not too long and contains nothing that a terminal would interpret.
fn told<T>(found: Result<T, Error>) -> Option<T> {
    match found {
        Ok(value) => Some(value),
        Err(error) => {
            let words = error.to_string();
            assert!(!words.is_empty() && words.len() < 4000, "{words}");
            assert!(!words.chars().any(char::is_control), "{words:?}");
            None
        }
    }
}

fn is_table(table: &Array2<f64>) {
    assert!(!table.is_empty() && table.is_standard_layout() && table.iter().all(|v| v.is_finite()));
}

/// Checks that the readers of one array agree: as a table, as bytes and as labels.
fn agree(table: Option<Array2<f64>>, bytes: Option<Array2<u8>>, labels: Option<Vec<usize>>) {
    if let Some(table) = &table {
        is_table(table);
    }
    if let Some(bytes) = bytes {
        assert_eq!(bytes.mapv(f64::from), table.clone().unwrap());
    }
    if let Some(labels) = labels {
        let table = table.unwrap();
        assert_eq!(table.ncols(), 1);
        assert!(table.iter().zip(&labels).all(|(value, label)| *value == *label as f64));
        assert_eq!(table.nrows(), labels.len());
    }
}

/// Returns how many readers accepted the file at `path`.
pub fn read_by_all(path: &Path) -> usize {
    let table = told(npy::read(path));
    let mut made = usize::from(table.is_some());
    if let (Some(mut file), Some(table)) = (told(NpyRows::open(path)), &table) {
        let mut from = 0;
        while let Some(block) = file.next_block(3).unwrap() {
            assert_eq!(block, table.select(Axis(0), &(from..from + block.nrows()).collect::<Vec<_>>()));
            from += block.nrows();
        }
        assert_eq!(from, table.nrows());
    }
    agree(table, told(npy::read_bytes(path)), told(npy::read_labels(path)));

    let table = told(idx::read(path));
    made += usize::from(table.is_some());
    agree(table, told(idx::read_bytes(path)), told(idx::read_labels(path)));

    let names = told(npz::names(path)).unwrap_or_default();
    for name in names.iter().take(5) {
        let table = told(npz::read(path, name));
        made += usize::from(table.is_some());
        agree(table, told(npz::read_bytes(path, name)), told(npz::read_labels(path, name)));
        told(Labelled::read_npz("x", path, name, name, 300));
    }
    told(Labelled::read_idx("x", path, path, 300));
    if let Some((train, test)) = told(Labelled::train_and_test("x", path)) {
        assert_eq!(train.classes(), test.classes());
        is_table(train.inputs().unwrap());
        is_table(test.inputs().unwrap());
    }
    made
}
