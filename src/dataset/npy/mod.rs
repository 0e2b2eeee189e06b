//! Arrays in `NumPy`'s `.npy` files.
//!
//! The readers accept floats (`f2`, `f4`, `f8`), integers (`i1` to `i8`, `u1` to `u8`) and `bool`, of either byte
//! order and under every name that `numpy.dtype` knows, in C or Fortran order, of .npy versions 1.0 to 3.0. An array
//! with one axis is one column. With more axes, the first is the rows and all others are one row's values: images
//! (`N × h × w`) become a table `N × hw`, like those of [IDX files](super::idx). Whole numbers from 2⁵³ on, which
//! `f64` may not hold exactly, are refused. Files may be plain or gzipped; the bytes decide, not
//! the name. So the features of any network can be analysed:
//!
//! ```text
//! numpy.save("features.npy", model.last_hidden_layer(inputs))     # N × p, any framework
//! ```
//!
//! # Examples
//! ```
//! use double_descent::dataset::npy;
//! use ndarray::array;
//!
//! # let folder = std::env::temp_dir().join(format!("double-descent-npy-doc-{}", std::process::id()));
//! # std::fs::create_dir_all(&folder).unwrap();
//! let path = folder.join("features.npy");
//! let features = array![[0.5, 1.5], [-2.0, 1e-300]];
//! npy::write(&path, &features)?;
//! assert_eq!(npy::read(&path)?, features);
//! # std::fs::remove_dir_all(&folder).unwrap();
//! # Ok::<(), double_descent::Error>(())
//! ```

mod header;
mod rows;
mod writer;

pub use rows::NpyRows;
pub use writer::NpyWriter;

use super::stored::{Broken, Layout, Source};
use crate::{Error, machine::whole_file};
use header::Header;
use ndarray::{Array2, ArrayRef, Dimension};
use std::io::{self, Read, Write};
use std::path::Path;

/// Reads the table (`N × p`) in a file; an array with one axis is one column. The result is in C order, whatever
/// the file's order. Bytes after the array are ignored, as by `numpy.load`, except in a gzip file, whose
/// checksum is at its end. [`NpyRows`] reads files larger than memory.
///
/// # Errors
/// [`Error::Io`] if the file cannot be read; [`Error::File`], with advice, if it is not an `.npy` file or its
/// header is broken, if its values are of another type, if it has no axes or no entries, if it is shorter than
/// its header says, if a gzip file is damaged or continues after the array, or if an entry is NaN, infinite, or a
/// whole number not below 2⁵³; [`Error::Resource`] if there is no memory for it.
pub fn read(path: impl AsRef<Path>) -> Result<Array2<f64>, Error> {
    let path = path.as_ref();
    with_values(path, |values, layout| layout.read_table(values))
}

/// Reads the table (`N × p`) in a file of unsigned bytes (`u1`) as bytes, in an eighth of the memory of [`read`].
///
/// # Errors
/// Those of [`read`], and [`Error::File`] for values of another type.
pub fn read_bytes(path: impl AsRef<Path>) -> Result<Array2<u8>, Error> {
    let path = path.as_ref();
    with_values(path, |values, layout| layout.read_bytes(values))
}

/// Reads class labels, one per row: integers or `bool` with one axis, or with two axes and one column.
///
/// # Errors
/// Those of [`read`], and [`Error::File`] for floating-point numbers, for labels below 0 and for several
/// columns.
///
/// # Examples
/// ```no_run
/// use double_descent::dataset::{Labelled, npy};
/// use std::path::Path;
///
/// let features = npy::read(Path::new("features.npy"))?;
/// let labels = npy::read_labels(Path::new("labels.npy"))?;
/// let data = Labelled::new("last hidden layer", features, labels, 10)?;
/// # Ok::<(), double_descent::Error>(())
/// ```
pub fn read_labels(path: impl AsRef<Path>) -> Result<Vec<usize>, Error> {
    let path = path.as_ref();
    with_values(path, |values, layout| layout.read_labels(values))
}

/// Writes an array with any number of axes as `<f8` in C order; [`read`] returns the same bits. NaN and
/// infinities are written unchanged.
///
/// An existing file is replaced when the new one is complete: neither an error nor the end of the program leaves a
/// half-written file.
///
/// # Errors
/// [`Error::Io`] if the file cannot be written.
pub fn write<D: Dimension>(path: impl AsRef<Path>, array: &ArrayRef<f64, D>) -> Result<(), Error> {
    let path = path.as_ref();
    whole_file::write(path, |file| write_array(file, array))
}

/// Writes the header and the values.
pub(super) fn write_array<D: Dimension>(file: &mut impl Write, array: &ArrayRef<f64, D>) -> io::Result<()> {
    file.write_all(&header::header(array.shape()))?;
    array.iter().try_for_each(|v| file.write_all(&v.to_le_bytes()))
}

/// Decodes all values of a file with `decode`.
fn with_values<T>(
    path: &Path,
    decode: impl FnOnce(&mut Source, &Layout) -> Result<T, Broken>,
) -> Result<T, Error> {
    let read = || {
        let (mut file, layout) = open(path)?;
        let decoded = decode(&mut file, &layout)?;
        file.check_sum()?;
        Ok(decoded)
    };
    read().map_err(|broken: Broken| broken.at(path))
}

/// Opens a file and reads up to its first value.
fn open(path: &Path) -> Result<(Source, Layout), Broken> {
    let mut file = Source::open(path)?;
    let (layout, header) = read_layout(&mut file)?;
    file.check_holds(&layout, header)?;
    Ok((file, layout))
}

/// Reads a header; returns the layout and the header's length in bytes.
pub(super) fn read_layout(reader: &mut (impl Read + ?Sized)) -> Result<(Layout, usize), Broken> {
    let header = Header::read(reader)?;
    Ok((header.layout()?, header.len))
}
