//! Writes tables row by row.

use super::header::header;
use crate::Error;
use crate::machine::whole_file::WholeFile;
use ndarray::ArrayRef2;
use std::io::Write;
use std::path::{Path, PathBuf};

/// An `.npy` file (`N × p`, `<f8`, C order) that is written in blocks of rows, so that it may be larger than memory. It
/// gets its name when the last row is written; until then, an existing file of that name is not changed. If it is
/// dropped earlier, nothing is left. NaN and infinities are written unchanged.
///
/// # Examples
/// ```
/// use double_descent::dataset::npy::{self, NpyWriter};
/// use ndarray::array;
///
/// # let folder = std::env::temp_dir().join(format!("double-descent-npy-writer-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder).unwrap();
/// let path = folder.join("rows.npy");
/// let mut file = NpyWriter::create(&path, (3, 2))?;
/// file.write(&array![[1.0, 2.0], [3.0, 4.0]])?;
/// assert!(!path.exists());
/// file.write(&array![[5.0, 6.0]])?;
/// assert_eq!(npy::read(&path)?, array![[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]);
/// # std::fs::remove_dir_all(&folder).unwrap();
/// # Ok::<(), double_descent::Error>(())
/// ```
#[derive(Debug)]
pub struct NpyWriter {
    path: PathBuf,
    /// `None` once the file is complete.
    file: Option<WholeFile>,
    /// Rows still to be written.
    left: usize,
    columns: usize,
}

impl NpyWriter {
    /// Creates a file for `rows` rows of `columns` columns.
    ///
    /// # Errors
    /// [`Error::Empty`] for 0 rows or columns; [`Error::Io`] if the file cannot be written.
    pub fn create(path: impl AsRef<Path>, (rows, columns): (usize, usize)) -> Result<Self, Error> {
        let path = path.as_ref();
        if rows == 0 || columns == 0 {
            return Err(Error::Empty { what: "the rows of an .npy file" });
        }
        let mut file = WholeFile::create(path)?;
        file.write_all(&header(&[rows, columns])).map_err(|error| Error::io(path, &error))?;
        Ok(Self { path: path.into(), file: Some(file), left: rows, columns })
    }

    /// Appends rows (`b × p`).
    ///
    /// # Errors
    /// [`Error::Shape`] for another number of columns, or for more rows than are left to write; [`Error::Io`].
    pub fn write(&mut self, rows: &ArrayRef2<f64>) -> Result<(), Error> {
        Error::check_len("columns of a row", self.columns, rows.ncols())?;
        if rows.nrows() > self.left {
            return Err(Error::Shape {
                what: "rows still to come",
                expected: self.left,
                found: rows.nrows(),
            });
        }
        let Some(file) = &mut self.file else { return Ok(()) };
        rows.iter()
            .try_for_each(|value| file.write_all(&value.to_le_bytes()))
            .map_err(|error| Error::io(&self.path, &error))?;
        self.left -= rows.nrows();
        match self.file.take_if(|_| self.left == 0) {
            Some(file) => file.finish(),
            None => Ok(()),
        }
    }
}
