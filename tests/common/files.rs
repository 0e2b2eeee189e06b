//! Array files built byte by byte, and checks of how bad files are refused.

use double_descent::Error;
use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder};
use rawzip::{CompressionMethod, ZipArchiveWriter};
use std::fmt::Debug;
use std::io::Write;
use std::path::Path;

/// Returns a file as `numpy.save` writes it: the header is padded to a multiple of 64 bytes and ends with a newline.
pub fn npy(version: u8, dictionary: &str, data: &[u8]) -> Vec<u8> {
    let digits = if version == 1 { 2 } else { 4 };
    let unpadded = 8 + digits + dictionary.len() + 1;
    let length = unpadded.next_multiple_of(64) - 8 - digits;
    let mut bytes = b"\x93NUMPY".to_vec();
    bytes.extend([version, 0]);
    bytes.extend(&u32::try_from(length).unwrap().to_le_bytes()[..digits]);
    bytes.extend(format!("{dictionary:<width$}\n", width = length - 1).bytes());
    bytes.extend(data);
    bytes
}

/// Returns the dictionary of an `.npy` header.
pub fn dictionary(descr: &str, fortran_order: &str, shape: &str) -> String {
    format!("{{'descr': '{descr}', 'fortran_order': {fortran_order}, 'shape': {shape}, }}")
}

/// Returns an IDX file of values of type `code`.
pub fn idx(code: u8, shape: &[u32], data: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, code, u8::try_from(shape.len()).unwrap()];
    bytes.extend(shape.iter().flat_map(|length| length.to_be_bytes()));
    bytes.extend(data);
    bytes
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

/// Returns an archive of whole `.npy` files, as `numpy.savez_compressed` writes it.
pub fn npz(arrays: &[(&str, &Vec<u8>)]) -> Vec<u8> {
    let files: Vec<_> =
        arrays.iter().map(|(name, bytes)| (format!("{name}.npy"), bytes.as_slice())).collect();
    zip(&files)
}

/// Returns an archive of deflated files.
pub fn zip(files: &[(impl AsRef<str>, &[u8])]) -> Vec<u8> {
    let mut archive = ZipArchiveWriter::new(Vec::new());
    for (name, bytes) in files {
        let entry = archive.new_file(name.as_ref()).compression_method(CompressionMethod::DEFLATE);
        let (mut entry, config) = entry.start().unwrap();
        let mut writer = config.wrap(DeflateEncoder::new(&mut entry, Compression::best()));
        writer.write_all(bytes).unwrap();
        let (encoder, descriptor) = writer.finish().unwrap();
        encoder.finish().unwrap();
        entry.finish(descriptor).unwrap();
    }
    archive.finish().unwrap()
}

/// Checks that the error is about the file at `path` and contains every phrase of `says`.
pub fn refused<T: Debug>(found: Result<T, Error>, path: &Path, says: &[&str]) {
    let found = found.unwrap_err();
    assert!(matches!(&found, Error::File { path: named, line: None, .. } if named == path), "{found:?}");
    for word in says {
        assert!(found.to_string().contains(word), "no `{word}` in {found}");
    }
}

/// Returns the line and column that an [`Error::File`] names.
pub fn place<T: Debug>(result: Result<T, Error>, says: &str) -> (Option<u64>, Option<String>) {
    let error = result.unwrap_err();
    let text = error.to_string();
    assert!(text.contains("table.csv") && text.contains(says), "{text}");
    match error {
        Error::File { line, column, .. } => {
            assert!(line.is_none_or(|line| text.contains(&format!("line {line}"))), "{text}");
            assert!(column.as_ref().is_none_or(|column| text.contains(&format!("`{column}`"))), "{text}");
            (line, column)
        }
        other => panic!("{other:?}"),
    }
}

pub fn at(line: u64, column: &str) -> (Option<u64>, Option<String>) {
    (Some(line), Some(column.into()))
}
