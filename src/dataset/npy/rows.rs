//! Reads the rows of an `.npy` file block by block.

use super::open;
use crate::Error;
use crate::dataset::stored::{Broken, Layout, Source};
use ndarray::Array2;
use std::path::{Path, PathBuf};

/// A reader of the rows of an array (`N × p`) in an `.npy` file, in blocks, so that a file larger than memory can be
/// streamed.
///
/// Types and versions are those of [`npy`](super); the order must be row-major (C order). NaN and infinities are
/// refused; the error says where they are. Bytes after the array are ignored, as by `numpy.load`. The checksum of a
/// gzip file is at its end: it is verified with the last block, and nothing may follow it.
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
    reader: Source,
    layout: Layout,
    /// Number of rows already read.
    read: usize,
}

impl NpyRows {
    /// Opens a file and reads its header.
    ///
    /// # Errors
    /// Those of [`npy::read`](super::read), and [`Error::File`] for an array in Fortran order.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let (reader, layout) = open(path).map_err(|broken| broken.at(path))?;
        if layout.is_fortran_order() {
            let reason = "is in Fortran order, column after column, so its rows cannot be streamed; save \
                          numpy.ascontiguousarray(x), or read it whole with dataset::npy::read";
            return Err(Broken::Content(reason.into()).at(path));
        }
        Ok(Self { path: path.into(), reader, layout, read: 0 })
    }

    /// Rows of the array, `N`.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.layout.rows()
    }

    /// Columns of the array, `p`.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.layout.columns()
    }

    /// Returns the next `rows` rows (`b × p`), fewer at the end, and `None` after the end or after an error.
    ///
    /// # Errors
    /// [`Error::Domain`] for blocks of 0 rows; [`Error::File`] if an entry is NaN, infinite or a whole number not below
    /// 2⁵³, if the file ends early, or if a gzip file is damaged; [`Error::Io`]; [`Error::Resource`] if there is no
    /// memory for the block.
    pub fn next_block(&mut self, rows: usize) -> Result<Option<Array2<f64>>, Error> {
        if rows == 0 {
            return Err(Error::Domain {
                what: "the number of rows of a block",
                value: 0.0,
                must_be: "at least 1",
            });
        }
        let from = self.read;
        let rows = rows.min(self.rows() - from);
        if rows == 0 {
            return Ok(None);
        }
        self.read = self.rows(); // no more rows, unless this block succeeds
        let block = self
            .layout
            .read_rows(&mut self.reader, from, rows)
            .and_then(|block| {
                if from + rows == self.rows() {
                    self.reader.check_sum()?;
                }
                Ok(block)
            })
            .map_err(|broken| match broken {
                Broken::Memory(e) => Error::Resource {
                    reason: format!(
                        "no memory for {rows} rows of {}: {e}; ask for fewer",
                        self.path.display()
                    ),
                },
                broken => broken.at(&self.path),
            })?;
        self.read = from + rows;
        Ok(Some(block))
    }
}
