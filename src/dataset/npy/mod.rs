//! Arrays from `NumPy`'s `.npy` files.

mod header;

use crate::Error;
use header::{Broken, Header, fill};
use ndarray::Array2;
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

/// Bytes read at once.
const CHUNK: usize = 1 << 16;

/// The rows of a two-dimensional array (`N × p`) in an `.npy` file, in blocks, so that a file larger than memory
/// can be streamed.
///
/// Reads `f8` and `f4` of either byte order, rows first (C order), of .npy versions 1.0 to 3.0. NaN and infinities
/// are refused, with their place. Bytes after the array are left alone, as `numpy.load` does.
///
/// # Examples
/// Every point of a sample-wise curve, in memory of O(p² + block):
/// ```no_run
/// use double_descent::{dataset::NpyRows, nested::{Rows, Test}};
/// use ndarray::s;
/// use std::path::Path;
///
/// let mut file = NpyRows::open(Path::new("table.npy"))?; // features, the last column the target
/// let p = file.columns() - 1;
/// let mut fit = Rows::new(p, 1, Test::None)?;
/// while let Some(block) = file.next_block(4096)? {
///     for point in fit.extend(&block.slice(s![.., ..p]), &block.slice(s![.., p..]))? {
///         println!("{},{}", point.n, point.train_mse);
///     }
/// }
/// # Ok::<(), double_descent::Error>(())
/// ```
#[derive(Debug)]
pub struct NpyRows {
    path: PathBuf,
    reader: BufReader<File>,
    header: Header,
    rows: usize,
    columns: usize,
    /// Rows that are read.
    read: usize,
}

impl NpyRows {
    /// Opens a file and reads its header.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be read; [`Error::File`], with what to do, if it is no `.npy` file or its header
    /// is broken, if it does not hold numbers of type `f8` or `f4`, if it has another number of axes than two or
    /// no entries, if it is in Fortran order, or if it is shorter than its header says.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let file = File::open(path).map_err(|e| Error::io(path, &e))?;
        let metadata = file.metadata().map_err(|e| Error::io(path, &e))?;
        let mut reader = BufReader::with_capacity(CHUNK, file);
        let header = Header::read(&mut reader).map_err(|broken| error(path, broken))?;
        let refuse = |reason| Err(error(path, Broken::Content(reason)));
        let &[rows, columns] = header.shape.as_slice() else {
            let mend = match header.shape.len() {
                0 | 1 => "save x.reshape(-1, 1) for one column, x.reshape(1, -1) for one row",
                _ => "save x.reshape(len(x), -1), one row per sample",
            };
            return refuse(format!(
                "has {} axes where rows and columns are needed; {mend}",
                header.shape.len()
            ));
        };
        if rows == 0 || columns == 0 {
            return refuse(format!("is empty: {rows} rows, {columns} columns"));
        }
        if header.fortran_order && rows > 1 && columns > 1 {
            let reason = "is in Fortran order, column after column, so its rows cannot be streamed; \
                          save numpy.ascontiguousarray(x)";
            return refuse(reason.into());
        }
        let values = rows.checked_mul(columns).and_then(|values| values.checked_mul(header.scalar.size()));
        let Some(expected) = values.and_then(|bytes| bytes.checked_add(header.len)) else {
            return refuse(format!("has a broken header: {rows} × {columns} values fit into no file"));
        };
        // A pipe has no length; there the end is seen when it comes.
        if metadata.is_file() && metadata.len() < expected as u64 {
            return refuse(format!(
                "is truncated: {} bytes where {rows} × {columns} values need {expected}; copy or save it again",
                metadata.len()
            ));
        }
        Ok(Self { path: path.into(), reader, header, rows, columns, read: 0 })
    }

    /// Rows of the array, `N`.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Columns of the array, `p`.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// The next `rows` rows (`b × p`), fewer at the end, `None` after it. After an error there are no more.
    ///
    /// # Errors
    /// [`Error::Domain`] for blocks of 0 rows; [`Error::File`] where an entry is NaN or infinite or the file ends
    /// early; [`Error::Io`]; [`Error::Resource`] if there is no memory for the block.
    pub fn next_block(&mut self, rows: usize) -> Result<Option<Array2<f64>>, Error> {
        if rows == 0 {
            return Err(Error::Domain {
                what: "the number of rows of a block",
                value: 0.0,
                must_be: "at least 1",
            });
        }
        let from = self.read;
        let rows = rows.min(self.rows - from);
        if rows == 0 {
            return Ok(None);
        }
        self.read = self.rows; // until all went well
        let mut values = Vec::new();
        // No overflow: the product of all rows was checked.
        values.try_reserve_exact(rows * self.columns).map_err(|e| Error::Resource {
            reason: format!("no memory for {rows} rows of {}: {e}; ask for fewer", self.path.display()),
        })?;
        self.read_values(rows, &mut values)?;
        if let Some(at) = values.iter().position(|v| !v.is_finite()) {
            let (row, column) = (from + at / self.columns, at % self.columns);
            let reason = format!(
                "holds {} at row {row}, column {column} (counted from 0); remove or replace it first",
                values[at]
            );
            return Err(error(&self.path, Broken::Content(reason)));
        }
        let block = Array2::from_shape_vec((rows, self.columns), values)
            .map_err(|e| error(&self.path, Broken::Content(e.to_string())))?;
        self.read = from + rows;
        Ok(Some(block))
    }

    fn read_values(&mut self, rows: usize, values: &mut Vec<f64>) -> Result<(), Error> {
        let mut left = rows * self.columns * self.header.scalar.size();
        let mut bytes = vec![0; CHUNK.min(left)];
        while left > 0 {
            let chunk = &mut bytes[..CHUNK.min(left)];
            let read = fill(&mut self.reader, chunk).map_err(|broken| error(&self.path, broken))?;
            if read < chunk.len() {
                let reason = format!("ends before its {} rows do; copy or save it again", self.rows);
                return Err(error(&self.path, Broken::Content(reason)));
            }
            self.header.scalar.decode(chunk, values);
            left -= read;
        }
        Ok(())
    }
}

fn error(path: &Path, broken: Broken) -> Error {
    match broken {
        Broken::Io(e) => Error::io(path, &e),
        Broken::Content(reason) => Error::File { path: path.into(), line: None, column: None, reason },
    }
}
