//! Named arrays in `NumPy`'s `.npz` archives.
//!
//! An `.npz` file is a zip archive of [`.npy`](super::npy) files, stored (`numpy.savez`) or deflated
//! (`numpy.savez_compressed`). Checksums are verified.
//!
//! # Examples
//! ```
//! use double_descent::dataset::npz;
//! use ndarray::array;
//!
//! # let folder = std::env::temp_dir().join(format!("double-descent-npz-doc-{}", std::process::id()));
//! # std::fs::create_dir_all(&folder).unwrap();
//! let path = folder.join("fit.npz");
//! let (features, targets) = (array![[0.5, 1.5], [-2.0, 1e-300]], array![1.0, -1.0]);
//! npz::write(&path, &[("features", features.view().into_dyn()), ("targets", targets.view().into_dyn())])?;
//! assert_eq!(npz::names(&path)?, ["features", "targets"]);
//! assert_eq!(npz::read(&path, "targets")?, array![[1.0], [-1.0]]);
//! # std::fs::remove_dir_all(&folder).unwrap();
//! # Ok::<(), double_descent::Error>(())
//! ```

use super::npy;
use super::stored::{Broken, CHUNK, Layout, at_end, other_kind};
use crate::error::words::{listed, shown};
use crate::{Error, machine::whole_file};
use flate2::read::DeflateDecoder;
use ndarray::{Array2, ArrayViewD};
use rawzip::{
    CompressionMethod, ErrorKind, FileReader, RECOMMENDED_BUFFER_SIZE, ZipArchive, ZipArchiveEntryWayfinder,
    ZipArchiveWriter,
};
use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::Path;

/// Returns the names of the arrays in an archive, in stored order.
///
/// # Errors
/// [`Error::Io`] if the file cannot be read, [`Error::File`] if it is not a zip archive or a broken one.
pub fn names(path: impl AsRef<Path>) -> Result<Vec<String>, Error> {
    let path = path.as_ref();
    let entries = Archive::open(path).and_then(|archive| archive.entries());
    Ok(entries.map_err(|broken| broken.at(path))?.into_iter().map(|entry| entry.name).collect())
}

/// Reads the table (`N × p`) of this name like [`npy::read`]: an array with one axis is one column, images
/// (`N × h × w`) become `N × hw`. The result is in C order.
///
/// # Errors
/// Those of [`names`] and of [`npy::read`], and [`Error::File`] if no array has this name (the error lists the
/// existing names) or two have it, if it is encrypted or compressed other than by deflate, or if its checksum is
/// wrong.
pub fn read(path: impl AsRef<Path>, name: &str) -> Result<Array2<f64>, Error> {
    let path = path.as_ref();
    with_array(path, name, |values, layout| layout.read_table(values))
}

/// Reads the table (`N × p`) of unsigned bytes of this name as bytes, in an eighth of the memory of [`read`].
///
/// # Errors
/// Those of [`read`], and [`Error::File`] for values of another type.
pub fn read_bytes(path: impl AsRef<Path>, name: &str) -> Result<Array2<u8>, Error> {
    let path = path.as_ref();
    with_array(path, name, |values, layout| layout.read_bytes(values))
}

/// Reads the class labels of this name like [`npy::read_labels`].
///
/// # Errors
/// Those of [`read`] and of [`npy::read_labels`].
pub fn read_labels(path: impl AsRef<Path>, name: &str) -> Result<Vec<usize>, Error> {
    let path = path.as_ref();
    with_array(path, name, |values, layout| layout.read_labels(values))
}

/// Writes named arrays like `numpy.savez`: uncompressed, since floats hardly compress, each like
/// [`npy::write`]. The bytes depend only on the arrays and the names. An existing file is
/// replaced when the new one is complete.
///
/// # Errors
/// [`Error::Empty`] without arrays; [`Error::Unsupported`] for a name that is empty, used twice or longer
/// than 60,000 bytes, or that contains `/`, `\`, `:` or a control character; [`Error::Io`] if the file cannot be
/// written.
pub fn write(path: impl AsRef<Path>, arrays: &[(&str, ArrayViewD<'_, f64>)]) -> Result<(), Error> {
    let path = path.as_ref();
    if arrays.is_empty() {
        return Err(Error::Empty { what: "the list of arrays" });
    }
    let mut names = HashSet::new();
    for (name, _) in arrays {
        let is_plain = |c: char| !matches!(c, '/' | '\\' | ':') && !c.is_control();
        if name.is_empty() || name.len() > LONGEST_NAME || !name.chars().all(is_plain) {
            let name = shown(name);
            let reason = format!("`{name}` cannot name an array of an archive; use letters, digits and `_`");
            return Err(Error::Unsupported { reason });
        }
        if !names.insert(name) {
            let reason = format!("two arrays of an archive are named `{}`; rename one", shown(name));
            return Err(Error::Unsupported { reason });
        }
    }
    whole_file::write(path, |file| {
        let mut archive = ZipArchiveWriter::new(file);
        for (name, array) in arrays {
            let (mut entry, config) = archive.new_file(format!("{name}.npy")).start().map_err(io_error)?;
            let mut checked = BufWriter::with_capacity(CHUNK, config.wrap(&mut entry));
            npy::write_array(&mut checked, array)?;
            let (_, descriptor) = checked.into_inner()?.finish().map_err(io_error)?;
            entry.finish(descriptor).map_err(io_error)?;
        }
        archive.finish().map_err(io_error)?.flush()
    })
}

/// The format allows 65,535 bytes.
const LONGEST_NAME: usize = 60_000;

/// An open archive.
struct Archive {
    zip: ZipArchive<FileReader>,
    /// File size in bytes.
    length: u64,
}

/// One `.npy` file of an archive.
struct Entry {
    name: String,
    place: ZipArchiveEntryWayfinder,
    method: CompressionMethod,
    is_encrypted: bool,
}

impl Archive {
    fn open(path: &Path) -> Result<Self, Broken> {
        let file = File::open(path).map_err(Broken::Io)?;
        let length = file.metadata().map_err(Broken::Io)?.len();
        match ZipArchive::from_file(file, &mut vec![0; RECOMMENDED_BUFFER_SIZE]) {
            Ok(zip) => Ok(Self { zip, length }),
            Err(error) => {
                let start = File::open(path).map_err(Broken::Io)?;
                Err(match other_kind(&mut &start, &[])? {
                    Some(kind) if !kind.contains("zip archive") => Broken::Content(format!(
                        "is not an .npz file: it is {kind}; read a single array, packed or not, with dataset::npy"
                    )),
                    _ => broken(error),
                })
            }
        }
    }

    fn entries(&self) -> Result<Vec<Entry>, Broken> {
        let mut buffer = vec![0; RECOMMENDED_BUFFER_SIZE];
        let (mut records, mut entries) = (self.zip.entries(&mut buffer), Vec::new());
        while let Some(record) = records.next_entry().map_err(broken)? {
            let path = String::from_utf8_lossy(record.file_path().as_bytes());
            if let Some(name) = path.strip_suffix(".npy") {
                entries.push(Entry {
                    name: name.into(),
                    place: record.wayfinder(),
                    method: record.compression_method(),
                    is_encrypted: record.flags().is_encrypted(),
                });
            }
        }
        Ok(entries)
    }

    fn find(&self, name: &str) -> Result<Entry, Broken> {
        let (mut found, others): (Vec<_>, Vec<_>) =
            self.entries()?.into_iter().partition(|entry| entry.name == name);
        let name = shown(name);
        let reason = match (found.pop(), found.len(), others.len()) {
            (Some(entry), 0, _) => return Ok(entry),
            (Some(_), ..) => format!("holds two arrays named `{name}`; save it again"),
            (None, _, 0) => "holds no arrays; write it with numpy.savez".into(),
            (None, ..) => {
                let names: Vec<String> = others.into_iter().map(|entry| entry.name).collect();
                format!("holds no array named `{name}`; there are: {}", listed(&names))
            }
        };
        Err(Broken::Content(reason))
    }

    /// Returns the unpacked bytes of an `.npy` file and their number; size and checksum are verified at the end.
    fn unpacked(&self, entry: &Entry) -> Result<(impl Read, u64), Broken> {
        let refuse = |reason: &str| Err(Broken::Content(reason.into()));
        if entry.is_encrypted {
            return refuse("is encrypted; save the array without a password");
        }
        let file = self.zip.get_entry(entry.place).map_err(broken)?;
        let (packed, size) = (entry.place.compressed_size_hint(), entry.place.uncompressed_size_hint());
        let bytes: Box<dyn Read + '_> = match entry.method {
            CompressionMethod::STORE => Box::new(file.reader()),
            CompressionMethod::DEFLATE => Box::new(DeflateDecoder::new(file.reader())),
            other => {
                let reason =
                    format!("is packed by method {other}; save it with numpy.savez or savez_compressed");
                return Err(Broken::Content(reason));
            }
        };
        if packed > self.length || (entry.method == CompressionMethod::STORE && packed != size) {
            return refuse("has sizes that do not fit the archive; copy or save it again");
        }
        Ok((BufReader::with_capacity(CHUNK, file.verifying_reader(bytes)), size))
    }

    fn decode<T>(
        &self,
        entry: &Entry,
        decode: impl FnOnce(&mut dyn Read, &Layout) -> Result<T, Broken>,
    ) -> Result<T, Broken> {
        let (mut bytes, size) = self.unpacked(entry)?;
        let (layout, header) = npy::read_layout(&mut bytes)?;
        layout.check_not_truncated(header, size)?;
        layout.check_packed(header, entry.place.compressed_size_hint())?;
        let values = decode(&mut bytes, &layout)?;
        at_end(&mut bytes)?;
        Ok(values)
    }
}

/// Decodes the array of this name with `decode`.
pub(super) fn with_array<T>(
    path: &Path,
    name: &str,
    decode: impl FnOnce(&mut dyn Read, &Layout) -> Result<T, Broken>,
) -> Result<T, Error> {
    let read = || {
        let archive = Archive::open(path)?;
        let entry = archive.find(name)?;
        archive.decode(&entry, decode).map_err(|broken| match broken {
            Broken::Content(reason) => Broken::Content(format!("the array `{}` {reason}", shown(name))),
            broken => broken,
        })
    };
    read().map_err(|broken: Broken| broken.at(path))
}

fn broken(error: rawzip::Error) -> Broken {
    match error.into_kind() {
        ErrorKind::IO(e) => e.into(),
        ErrorKind::MissingEndOfCentralDirectory => {
            let reason = "is not an .npz file, or a truncated one: it has no list of contents at its end (read a \
                          single array with dataset::npy)";
            Broken::Content(reason.into())
        }
        kind => Broken::Content(format!("is a broken archive ({kind}); copy or save it again")),
    }
}

fn io_error(error: rawzip::Error) -> io::Error {
    match error.into_kind() {
        ErrorKind::IO(e) => e,
        kind => io::Error::other(kind.to_string()),
    }
}
