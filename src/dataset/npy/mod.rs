//! Arrays in `NumPy`'s `.npy` files.
//!
//! Read are floats (`f2`, `f4`, `f8`), integers (`i1` to `i8`, `u1` to `u8`) and `bool`, of either byte order
//! and by every name that `numpy.dtype` has for them, in C or Fortran order, of .npy versions 1.0 to 3.0. One
//! axis is one column; of more axes the first are the rows, and all others one row's values: images
//! (`N × h × w`) are a table `N × hw`, as those of [IDX files](super::idx). Whole numbers from 2⁵³ on, which
//! `f64` may not hold exactly, are refused. Files are read plain or packed by gzip; the bytes tell which, not
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

/// The table (`N × p`) in a file; an array with one axis is one column. The result is in C order, whatever
/// the file's. Bytes after the array are left alone, as `numpy.load` does, but for those in a gzip file, whose
/// checksum is at its end. [`NpyRows`] reads files larger than memory.
///
/// # Errors
/// [`Error::Io`] if the file cannot be read; [`Error::File`], with what to do, if it is no `.npy` file or its
/// header is broken, if its values are of another type, if it has no axes or no entries, if it is shorter than
/// its header says, if a gzip file is damaged or goes on after the array, or if an entry is NaN, infinite, or a
/// whole number not below 2⁵³; [`Error::Resource`] if there is no memory for it.
pub fn read(path: impl AsRef<Path>) -> Result<Array2<f64>, Error> {
    let path = path.as_ref();
    with_values(path, |values, layout| layout.read_table(values))
}

/// The table (`N × p`) of a file of unsigned bytes (`u1`), as bytes: an eighth of the memory of [`read`].
///
/// # Errors
/// Those of [`read`], and [`Error::File`] for values of another type.
pub fn read_bytes(path: impl AsRef<Path>) -> Result<Array2<u8>, Error> {
    let path = path.as_ref();
    with_values(path, |values, layout| layout.read_bytes(values))
}

/// Class labels, one a row: integers or `bool` with one axis, or with two and one column.
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

/// Writes an array of any number of axes as `<f8` in C order; [`read`] gives the same bits back. NaN and
/// infinities are written as they are.
///
/// A file that was there is replaced when the new one is whole: nothing half-written is left behind, neither
/// by an error nor by the end of the program.
///
/// # Errors
/// [`Error::Io`] if the file cannot be written.
pub fn write<D: Dimension>(path: impl AsRef<Path>, array: &ArrayRef<f64, D>) -> Result<(), Error> {
    let path = path.as_ref();
    whole_file::write(path, |file| write_array(file, array))
}

/// The header and the values.
pub(super) fn write_array<D: Dimension>(file: &mut impl Write, array: &ArrayRef<f64, D>) -> io::Result<()> {
    file.write_all(&header::header(array.shape()))?;
    array.iter().try_for_each(|v| file.write_all(&v.to_le_bytes()))
}

/// What `decode` makes of the values of a file, all of them.
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

/// An open file, at its first value.
fn open(path: &Path) -> Result<(Source, Layout), Broken> {
    let mut file = Source::open(path)?;
    let (layout, header) = read_layout(&mut file)?;
    file.check_holds(&layout, header)?;
    Ok((file, layout))
}

/// Reads a header; what it says, and its bytes.
pub(super) fn read_layout(reader: &mut (impl Read + ?Sized)) -> Result<(Layout, usize), Broken> {
    let header = Header::read(reader)?;
    Ok((header.layout()?, header.len))
}
