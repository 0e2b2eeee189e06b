//! Tables read in blocks of rows, so that they may be larger than memory.

use super::npy::{NpyRows, NpyWriter};
use crate::Error;
use crate::error::user_code;
use crate::machine::memory::zeros;
use crate::rng::stream;
use ndarray::{Array1, Array2, Axis, s};
use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use rand_distr::StandardNormal;
use std::path::Path;

/// A table (`N × (p + k)`) that is read row by row: `p` features, then `k` targets.
pub trait RowStream {
    /// Number of rows in the table, including those already read.
    fn rows(&self) -> usize;

    /// Number of columns, features and targets.
    fn columns(&self) -> usize;

    /// Returns the next `rows` rows (`b × (p + k)`), fewer at the end, and `None` after the end, never a block without
    /// rows. The values do not depend on the block size.
    ///
    /// # Errors
    /// Those of the source, such as [`Error::Domain`] for 0 rows, and [`Error::Memory`] or [`Error::Resource`] for a
    /// block that does not fit in memory.
    fn next_block(&mut self, rows: usize) -> Result<Option<Array2<f64>>, Error>;
}

/// Returns the numbers of rows and columns of a stream, which may be the caller's code.
pub(crate) fn shape(stream: &dyn RowStream) -> Result<(usize, usize), Error> {
    user_code::call(name, || (stream.rows(), stream.columns()))
}

/// Returns the next block of a stream, which may be the caller's code: at most `rows` rows, at least one, of `columns`
/// columns.
pub(crate) fn next_block(
    stream: &mut dyn RowStream,
    rows: usize,
    columns: usize,
) -> Result<Option<Array2<f64>>, Error> {
    let block = user_code::call(name, || stream.next_block(rows))??;
    if let Some(block) = &block {
        Error::check_len("columns of a block of rows", columns, block.ncols())?;
        if block.nrows() > rows {
            Error::check_len("rows of a block of rows", rows, block.nrows())?;
        }
        if block.nrows() == 0 {
            let reason = "it returned a block without rows; after the last row it must return `None`".into();
            return Err(Error::UserCode { part: name(), reason });
        }
    }
    Ok(block)
}

fn name() -> String {
    "the stream of rows".into()
}

impl RowStream for NpyRows {
    fn rows(&self) -> usize {
        self.rows()
    }

    fn columns(&self) -> usize {
        self.columns()
    }

    fn next_block(&mut self, rows: usize) -> Result<Option<Array2<f64>>, Error> {
        self.next_block(rows)
    }
}

impl<T: RowStream + ?Sized> RowStream for Box<T> {
    fn rows(&self) -> usize {
        (**self).rows()
    }

    fn columns(&self) -> usize {
        (**self).columns()
    }

    fn next_block(&mut self, rows: usize) -> Result<Option<Array2<f64>>, Error> {
        (**self).next_block(rows)
    }
}

/// Standard normal features `x` and one target `y = x·β + σ ε`, with `β` a random direction of norm 1 and `ε`
/// standard normal.
///
/// # Examples
/// ```
/// use double_descent::dataset::{GaussianRows, RowStream};
///
/// let mut rows = GaussianRows::new(1000, 3, 0.5, 0);
/// assert_eq!((rows.rows(), rows.columns()), (1000, 4));
/// assert_eq!(rows.next_block(600)?.unwrap().dim(), (600, 4));
/// assert_eq!(rows.next_block(600)?.unwrap().dim(), (400, 4));
/// assert!(rows.next_block(600)?.is_none());
/// # Ok::<(), double_descent::Error>(())
/// ```
#[derive(Debug)]
pub struct GaussianRows {
    rows: usize,
    /// Rows returned so far.
    given: usize,
    features: usize,
    /// `β`, empty before the first row.
    teacher: Array1<f64>,
    noise: f64,
    rng: ChaCha8Rng,
}

impl GaussianRows {
    /// Creates a stream of `rows` rows of `features` features; `noise` is the standard deviation `σ`.
    ///
    /// Nothing is drawn yet. The first block gives [`Error::Domain`] unless `noise` is finite and at least 0, and
    /// [`Error::Memory`] for more features than fit in memory.
    #[must_use]
    pub fn new(rows: usize, features: usize, noise: f64, seed: u64) -> Self {
        Self { rows, given: 0, features, teacher: Array1::default(0), noise, rng: stream(seed, features, 0) }
    }

    /// Draws `β`.
    fn start(&mut self) -> Result<(), Error> {
        let noise = self.noise;
        if !(noise >= 0.0 && noise.is_finite()) {
            let what = "the standard deviation of the noise";
            return Err(Error::Domain { what, value: noise, must_be: "finite and at least 0" });
        }
        let mut teacher = zeros("the teacher of a stream of rows", 1, self.features)?.remove_axis(Axis(0));
        teacher.mapv_inplace(|_| self.rng.sample(StandardNormal));
        let length = teacher.dot(&teacher).sqrt();
        self.teacher = teacher / length;
        Ok(())
    }
}

impl RowStream for GaussianRows {
    fn rows(&self) -> usize {
        self.rows
    }

    fn columns(&self) -> usize {
        self.features.saturating_add(1)
    }

    fn next_block(&mut self, rows: usize) -> Result<Option<Array2<f64>>, Error> {
        if rows == 0 {
            let must_be = "at least 1";
            return Err(Error::Domain { what: "the number of rows of a block", value: 0.0, must_be });
        }
        let (rows, p) = (rows.min(self.rows - self.given), self.features);
        if rows == 0 {
            return Ok(None);
        }
        if self.teacher.is_empty() {
            self.start()?;
        }
        let mut block = zeros("a block of rows", rows, p + 1)?;
        block.mapv_inplace(|_| self.rng.sample(StandardNormal)); // row by row, whatever the block size
        let targets = block.slice(s![.., ..p]).dot(&self.teacher);
        block.column_mut(p).zip_mut_with(&targets, |y, target| *y = target + self.noise * *y);
        self.given += rows;
        Ok(Some(block))
    }
}

/// A stream that also writes its rows to an `.npy` file. The file appears when all rows have passed; if the stream is
/// dropped earlier, nothing is left of it.
#[derive(Debug)]
pub struct Copied<S> {
    rows: S,
    file: NpyWriter,
}

impl<S: RowStream> Copied<S> {
    /// Wraps a stream from which no row has been read yet; `path` is that of the file.
    ///
    /// # Errors
    /// Those of [`NpyWriter::create`]; [`Error::UserCode`] if the stream panics.
    pub fn new(rows: S, path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let file = NpyWriter::create(path, shape(&rows)?)?;
        Ok(Self { rows, file })
    }
}

impl<S: RowStream> RowStream for Copied<S> {
    fn rows(&self) -> usize {
        self.rows.rows()
    }

    fn columns(&self) -> usize {
        self.rows.columns()
    }

    fn next_block(&mut self, rows: usize) -> Result<Option<Array2<f64>>, Error> {
        let block = user_code::call(name, || self.rows.next_block(rows))??;
        if let Some(block) = &block {
            self.file.write(block)?;
        }
        Ok(block)
    }
}
