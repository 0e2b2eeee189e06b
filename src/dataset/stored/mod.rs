//! Tables as files store them: how a value is encoded, in which order values follow one another, and what can
//! be wrong with a file.

mod broken;
mod scalar;

pub(super) use broken::{Broken, at_end, fill};
pub(super) use scalar::{Kind, Scalar};

use ndarray::{Array2, ShapeBuilder};
use std::io::Read;

/// Bytes read at once: a whole number of values of any type.
pub(super) const CHUNK: usize = 1 << 16;

/// No deflated byte stands for more than this many: a match of 258 bytes takes two bits at least.
const LARGEST_DEFLATE_RATIO: u64 = 1032;

/// From here on whole numbers have no `f64` of their own.
const WHOLE_NUMBERS_END: f64 = 9_007_199_254_740_992.0;

/// How the values of a table (`N × p`) are stored. There is at least one, and their bytes have a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    scalar: Scalar,
    rows: usize,
    columns: usize,
    /// Column after column, in place of row after row.
    fortran_order: bool,
}

impl Layout {
    pub(super) fn new(
        scalar: Scalar,
        rows: usize,
        columns: usize,
        fortran_order: bool,
    ) -> Result<Self, Broken> {
        if rows == 0 || columns == 0 {
            return Err(Broken::Content(format!("is empty: {rows} rows, {columns} columns")));
        }
        let bytes = rows.checked_mul(columns).and_then(|values| values.checked_mul(scalar.size()));
        if bytes.is_none_or(|bytes| isize::try_from(bytes).is_err()) {
            let reason = format!("has a broken header: {rows} × {columns} values fit into no file");
            return Err(Broken::Content(reason));
        }
        // One row, or one column, is the same in both orders.
        Ok(Self { scalar, rows, columns, fortran_order: fortran_order && rows > 1 && columns > 1 })
    }

    pub(super) fn scalar(&self) -> Scalar {
        self.scalar
    }

    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    pub(super) fn columns(&self) -> usize {
        self.columns
    }

    pub(super) fn is_fortran_order(&self) -> bool {
        self.fortran_order
    }

    /// Bytes of all values; at most `isize::MAX`.
    pub(super) fn bytes(&self) -> usize {
        self.rows * self.columns * self.scalar.size()
    }

    /// Whether `found` bytes hold a header of `header` bytes and all values.
    pub(super) fn check_not_truncated(&self, header: usize, found: u64) -> Result<(), Broken> {
        let expected = header as u64 + self.bytes() as u64;
        if found >= expected {
            return Ok(());
        }
        Err(Broken::Content(format!(
            "is truncated: {found} bytes where {} × {} values need {expected}; copy or save it again",
            self.rows, self.columns
        )))
    }

    /// Whether `packed` bytes of deflated data can hold a header of `header` bytes and all values: memory is
    /// asked for after that.
    pub(super) fn check_packed(&self, header: usize, packed: u64) -> Result<(), Broken> {
        self.check_not_truncated(header, packed.saturating_mul(LARGEST_DEFLATE_RATIO)).map_err(|_| {
            Broken::Content(format!(
                "is truncated or damaged: {packed} packed bytes cannot hold {} × {} values; copy it again",
                self.rows, self.columns
            ))
        })
    }

    /// The next `rows` rows of a table that is stored row after row; `before` of its rows were read.
    pub(super) fn read_rows(
        &self,
        reader: &mut (impl Read + ?Sized),
        before: usize,
        rows: usize,
    ) -> Result<Array2<f64>, Broken> {
        let values = self.read_values(reader, before, rows)?;
        Array2::from_shape_vec((rows, self.columns), values).map_err(|e| Broken::Content(e.to_string()))
    }

    /// The table, `N × p`, row after row.
    pub(super) fn read_table(&self, reader: &mut (impl Read + ?Sized)) -> Result<Array2<f64>, Broken> {
        if !self.fortran_order {
            return self.read_rows(reader, 0, self.rows);
        }
        let values = self.read_values(reader, 0, self.rows)?;
        let table = Array2::from_shape_vec((self.rows, self.columns).f(), values)
            .map_err(|e| Broken::Content(e.to_string()))?;
        Ok(table.as_standard_layout().into_owned())
    }

    /// Class labels, one a row.
    pub(super) fn read_labels(&self, reader: &mut (impl Read + ?Sized)) -> Result<Vec<usize>, Broken> {
        if self.columns != 1 {
            return Err(Broken::Content(format!(
                "holds {} values a row where labels are one; of one-hot rows save the place of the 1",
                self.columns
            )));
        }
        if self.scalar.kind.is_float() {
            let reason = "holds floating-point numbers where labels are whole numbers; save y.astype('i8')";
            return Err(Broken::Content(reason.into()));
        }
        let labels = self.read_table(reader)?;
        if let Some((row, label)) = labels.iter().enumerate().find(|(_, label)| **label < 0.0) {
            let reason =
                format!("holds the label {label} at row {row} (counted from 0); labels are 0, 1, 2, …");
            return Err(Broken::Content(reason));
        }
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // whole, ≥ 0, under 2⁵³
        Ok(labels.iter().map(|&label| label as usize).collect())
    }

    fn read_values(
        &self,
        reader: &mut (impl Read + ?Sized),
        before: usize,
        rows: usize,
    ) -> Result<Vec<f64>, Broken> {
        let count = rows * self.columns;
        let mut values = Vec::new();
        values.try_reserve_exact(count)?;
        let mut left = count * self.scalar.size();
        let mut bytes = vec![0; CHUNK.min(left)];
        while left > 0 {
            let chunk = &mut bytes[..CHUNK.min(left)];
            let read = fill(reader, chunk)?;
            if read < chunk.len() {
                let reason = format!("ends before its {} rows do; copy or save it again", self.rows);
                return Err(Broken::Content(reason));
            }
            self.scalar.decode(chunk, &mut values);
            left -= read;
        }
        self.check_values(&values, before)?;
        Ok(values)
    }

    /// Refuses what is no finite number, or not exact. `before` rows come before these values.
    fn check_values(&self, values: &[f64], before: usize) -> Result<(), Broken> {
        let bad = match self.scalar.kind {
            Kind::F64 | Kind::F32 => values.iter().position(|v| !v.is_finite()),
            Kind::I64 | Kind::U64 => values.iter().position(|v| v.abs() >= WHOLE_NUMBERS_END),
            _ => None,
        };
        let Some(at) = bad else {
            return Ok(());
        };
        let (row, column) = if self.fortran_order {
            (at % self.rows, at / self.rows)
        } else {
            (before + at / self.columns, at % self.columns)
        };
        let place = format!("{} at row {row}, column {column} (counted from 0)", values[at]);
        Err(Broken::Content(if self.scalar.kind.is_float() {
            format!("holds {place}; remove or replace it first")
        } else {
            format!("holds about {place}: whole numbers from 2⁵³ on have no 64-bit float; rescale them first")
        }))
    }
}
