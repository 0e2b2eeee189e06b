//! Arrays in IDX files, the format of MNIST.
//!
//! ```text
//! 0  0  type  axes     one byte each        type  08 u8, 09 i8, 0B i16, 0C i32, 0D f32, 0E f64
//! length of each axis  u32                  all big-endian, in C order
//! values
//! ```
//!
//! Files may be plain or gzipped; the bytes decide, not the name. The first axis is the rows, and
//! all other axes are one row's values: images (`N × h × w`) become a table `N × hw`.
//!
//! # References
//! `LeCun`, Cortes and Burges, *The MNIST database of handwritten digits* (1998).

use super::stored::{Broken, Kind, Layout, Scalar, Source, at_end, fill, other_kind};
use crate::Error;
use ndarray::Array2;
use std::io::Read;
use std::path::Path;

/// Reads the table (`N × p`) in a file.
///
/// # Errors
/// [`Error::Io`] if the file cannot be read; [`Error::File`], with advice, if it is not an IDX file, if it is
/// shorter or longer than its header says, if a gzip file is damaged, if there are no values, or if one is
/// NaN or infinite; [`Error::Resource`] if there is no memory for it.
///
/// # Examples
/// ```
/// use double_descent::dataset::idx;
/// use ndarray::array;
///
/// # let folder = std::env::temp_dir().join(format!("double-descent-idx-doc-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder).unwrap();
/// let path = folder.join("images"); // two of 2 × 1 pixels
/// let header = [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 1];
/// std::fs::write(&path, [&header[..], &[7, 0, 255, 1]].concat()).unwrap();
/// assert_eq!(idx::read(&path)?, array![[7.0, 0.0], [255.0, 1.0]]);
/// # std::fs::remove_dir_all(&folder).unwrap();
/// # Ok::<(), double_descent::Error>(())
/// ```
pub fn read(path: impl AsRef<Path>) -> Result<Array2<f64>, Error> {
    let path = path.as_ref();
    with_values(path, |values, layout| layout.read_table(values))
}

/// Reads class labels, one per row: integers with one axis.
///
/// # Errors
/// Those of [`read`], and [`Error::File`] for floating-point numbers, for labels below 0 and for several
/// values per row.
pub fn read_labels(path: impl AsRef<Path>) -> Result<Vec<usize>, Error> {
    let path = path.as_ref();
    with_values(path, |values, layout| layout.read_labels(values))
}

/// Reads the table (`N × p`) in a file of unsigned bytes as bytes, in an eighth of the memory of [`read`].
///
/// # Errors
/// Those of [`read`], and [`Error::File`] for values of another type.
pub fn read_bytes(path: impl AsRef<Path>) -> Result<Array2<u8>, Error> {
    let path = path.as_ref();
    with_values(path, |values, layout| layout.read_bytes(values))
}

/// Decodes all values of a file with `decode`.
fn with_values<T>(
    path: &Path,
    decode: impl FnOnce(&mut dyn Read, &Layout) -> Result<T, Broken>,
) -> Result<T, Error> {
    let read = || {
        let mut file = Source::open(path)?;
        let (layout, header) = read_layout(&mut file)?;
        file.check_holds(&layout, header)?;
        let decoded = decode(&mut file, &layout)?;
        at_end(&mut file)?;
        Ok(decoded)
    };
    read().map_err(|broken: Broken| broken.at(path))
}

/// Reads a header; returns the layout and the header's length in bytes.
fn read_layout(reader: &mut dyn Read) -> Result<(Layout, usize), Broken> {
    let mut start = [0; 4];
    let read = fill(reader, &mut start)?;
    let refuse = |reason: String| Err(Broken::Content(reason));
    if read == 0 {
        return refuse("is empty; copy or download it again".into());
    }
    let ([0, 0, code, axes], 4) = (start, read) else {
        let mend = match (start, other_kind(reader, &start[..read])?) {
            ([0x1f, 0x8b, ..], _) => "it is packed twice: unpack it once".into(),
            ([b'P', b'K', ..], Some(kind)) => {
                format!("it is {kind}: read it with dataset::npz, or unpack it first")
            }
            ([0x93, ..], Some(kind)) => format!("it is {kind}: read it with dataset::npy"),
            ([b'<', ..], Some(kind)) => format!("it is {kind}: download the file itself"),
            (_, Some(kind)) => format!("it is {kind}"),
            (_, None) => "copy or download it again".into(),
        };
        let found: Vec<String> = start[..read].iter().map(|byte| format!("{byte:02x}")).collect();
        return refuse(format!(
            "is not an IDX file: it starts with {} instead of 00 00, a type and a number of axes; {mend}",
            found.join(" ")
        ));
    };
    let kind = match code {
        0x08 => Kind::U8,
        0x09 => Kind::I8,
        0x0b => Kind::I16,
        0x0c => Kind::I32,
        0x0d => Kind::F32,
        0x0e => Kind::F64,
        _ => {
            return refuse(format!(
                "has values of type {code:02x}, which IDX does not know (08, 09, 0b to 0e); copy it again"
            ));
        }
    };
    if axes == 0 {
        return refuse("has a broken header: no axes; copy or download it again".into());
    }
    let mut shape = vec![0; 4 * usize::from(axes)];
    if fill(reader, &mut shape)? < shape.len() {
        return refuse("ends within its header; copy or download it again".into());
    }
    let shape: Vec<usize> =
        shape.as_chunks().0.iter().map(|&length| u32::from_be_bytes(length) as usize).collect();
    let layout = Layout::new(Scalar { kind, big_endian: true }, &shape, false)?;
    Ok((layout, start.len() + 4 * shape.len()))
}
