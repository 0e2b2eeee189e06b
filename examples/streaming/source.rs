//! Where the rows come from: drawn, or read from a file. Features first, targets last.

use crate::common::io_error;
use double_descent::Error;
use double_descent::dataset::NpyRows;
use double_descent::rng::stream;
use double_descent::whole_file::WholeFile;
use ndarray::{Array1, Array2, s};
use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use rand_distr::StandardNormal;
use std::io::Write;
use std::path::{Path, PathBuf};

/// A stream of rows.
pub enum Source {
    Drawn(Box<Drawn>),
    File(NpyRows),
}

impl From<Drawn> for Source {
    fn from(drawn: Drawn) -> Self {
        Self::Drawn(Box::new(drawn))
    }
}

impl Source {
    pub fn open(path: &Path) -> Result<Self, Error> {
        NpyRows::open(path).map(Self::File)
    }

    /// Rows, of those to come and those before.
    pub fn rows(&self) -> usize {
        match self {
            Self::Drawn(drawn) => drawn.rows,
            Self::File(file) => file.rows(),
        }
    }

    /// Features and targets.
    pub fn columns(&self) -> usize {
        match self {
            Self::Drawn(drawn) => drawn.teacher.len() + 1,
            Self::File(file) => file.columns(),
        }
    }

    /// After the last row: a copy of the rows is put in its place.
    pub fn finish(self) -> Result<(), Error> {
        match self {
            Self::Drawn(drawn) => drawn.copy.map_or(Ok(()), |copy| copy.file.finish()),
            Self::File(_) => Ok(()),
        }
    }

    /// The next `rows` rows, fewer at the end, `None` after it.
    pub fn next_block(&mut self, rows: usize) -> Result<Option<Array2<f64>>, Error> {
        match self {
            Self::Drawn(drawn) => drawn.next_block(rows),
            Self::File(file) => file.next_block(rows),
        }
    }
}

/// Standard normal features, a linear teacher of norm 1, noise.
pub struct Drawn {
    rows: usize,
    /// Rows so far.
    given: usize,
    teacher: Array1<f64>,
    noise: f64,
    rng: ChaCha8Rng,
    copy: Option<Copy>,
}

impl Drawn {
    /// All rows drawn go into the file `copy` as well.
    pub fn new(rows: usize, p: usize, noise: f64, seed: u64, copy: Option<&Path>) -> Result<Self, Error> {
        let mut rng = stream(seed, p, 0);
        let mut teacher: Array1<f64> = (0..p).map(|_| rng.sample::<f64, _>(StandardNormal)).collect();
        let length = teacher.dot(&teacher).sqrt();
        teacher.mapv_inplace(|v| v / length);
        let copy = copy.map(|path| Copy::new(path, rows, p + 1)).transpose()?;
        Ok(Self { rows, given: 0, teacher, noise, rng, copy })
    }

    fn next_block(&mut self, rows: usize) -> Result<Option<Array2<f64>>, Error> {
        let (rows, p) = (rows.min(self.rows - self.given), self.teacher.len());
        if rows == 0 {
            return Ok(None);
        }
        let mut block = Array2::zeros((rows, p + 1));
        block.mapv_inplace(|_| self.rng.sample(StandardNormal)); // row after row, whatever the block
        let targets = block.slice(s![.., ..p]).dot(&self.teacher);
        block.column_mut(p).zip_mut_with(&targets, |y, target| *y = target + self.noise * *y);
        if let Some(copy) = &mut self.copy {
            copy.write(&block)?;
        }
        self.given += rows;
        Ok(Some(block))
    }
}

/// The rows in an `.npy` file: a header padded to a multiple of 64 bytes, then the values.
struct Copy {
    path: PathBuf,
    file: WholeFile,
}

impl Copy {
    fn new(path: &Path, rows: usize, columns: usize) -> Result<Self, Error> {
        let dictionary =
            format!("{{'descr': '<f8', 'fortran_order': False, 'shape': ({rows}, {columns}), }}");
        let header = [b"\x93NUMPY\x01\x00\x76\x00", format!("{dictionary:<117}\n").as_bytes()].concat();
        let mut copy = Self { path: path.into(), file: WholeFile::create(path)? };
        copy.file.write_all(&header).map_err(|e| io_error(path, &e))?;
        Ok(copy)
    }

    fn write(&mut self, block: &Array2<f64>) -> Result<(), Error> {
        let bytes: Vec<u8> = block.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.file.write_all(&bytes).map_err(|e| io_error(&self.path, &e))
    }
}
