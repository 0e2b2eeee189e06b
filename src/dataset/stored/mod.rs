//! How files store tables: the encoding of values, their order, and what can be wrong with a file.

mod broken;
mod scalar;
mod source;

pub(super) use broken::{Broken, at_end, fill, other_kind};
pub(super) use scalar::{Kind, Scalar};
pub(super) use source::Source;

use ndarray::Array2;
use std::io::Read;

/// Bytes read at once: a whole number of values of any type.
pub(super) const CHUNK: usize = 1 << 16;

/// A deflated byte expands to at most this many bytes: a match of 258 bytes takes at least two bits.
const LARGEST_DEFLATE_RATIO: u64 = 1032;

/// From here on, not every whole number is exactly an `f64`.
const WHOLE_NUMBERS_END: f64 = 9_007_199_254_740_992.0;

/// How the values of a table (`N × p`) are stored. There is at least one value, and the size in bytes fits a
/// `usize`. The first axis is the rows; all other axes, in C order, are one row's values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    scalar: Scalar,
    rows: usize,
    columns: usize,
    /// The lengths of the axes after the first.
    inner: Vec<usize>,
    /// The first index varies fastest, instead of the last.
    fortran_order: bool,
}

impl Layout {
    /// The layout of an array with at least one axis.
    pub(super) fn new(scalar: Scalar, shape: &[usize], fortran_order: bool) -> Result<Self, Broken> {
        let refuse = |reason: String| Err(Broken::Content(reason));
        let Some((&rows, inner)) = shape.split_first() else {
            return refuse("has no axes, but needs rows".into());
        };
        let columns = inner.iter().try_fold(1, |product: usize, &length| product.checked_mul(length));
        let bytes = columns.and_then(|c| rows.checked_mul(c)?.checked_mul(scalar.size()));
        let (Some(columns), Some(_)) = (columns, bytes.filter(|&bytes| isize::try_from(bytes).is_ok()))
        else {
            return refuse(
                "has a broken header: no file can hold so many values; copy or save it again".into(),
            );
        };
        if rows == 0 || columns == 0 {
            return refuse(format!("is empty: {rows} rows, {columns} columns"));
        }
        // Both orders coincide if at most one axis is longer than 1.
        let is_one_line = shape.iter().filter(|&&length| length > 1).count() < 2;
        let fortran_order = fortran_order && !is_one_line;
        Ok(Self { scalar, rows, columns, inner: inner.to_vec(), fortran_order })
    }

    pub(super) fn kind(&self) -> Kind {
        self.scalar.kind
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

    /// Size of all values in bytes; at most `isize::MAX`.
    pub(super) fn bytes(&self) -> usize {
        self.rows * self.columns * self.scalar.size()
    }

    /// Checks that `found` bytes hold a header of `header` bytes and all values.
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

    /// Checks that `packed` bytes of deflated data can hold a header of `header` bytes and all values, before
    /// memory is allocated.
    pub(super) fn check_packed(&self, header: usize, packed: u64) -> Result<(), Broken> {
        self.check_not_truncated(header, packed.saturating_mul(LARGEST_DEFLATE_RATIO)).map_err(|_| {
            Broken::Content(format!(
                "is truncated or damaged: {packed} packed bytes cannot hold {} × {} values; copy it again",
                self.rows, self.columns
            ))
        })
    }

    /// Reads the next `rows` rows of a row-major table, after `before` rows have been read.
    pub(super) fn read_rows(
        &self,
        reader: &mut (impl Read + ?Sized),
        before: usize,
        rows: usize,
    ) -> Result<Array2<f64>, Broken> {
        let values = self.read_values(reader, before, rows)?;
        Array2::from_shape_vec((rows, self.columns), values).map_err(|e| Broken::Content(e.to_string()))
    }

    /// Reads the table, `N × p`, in row-major order.
    pub(super) fn read_table(&self, reader: &mut (impl Read + ?Sized)) -> Result<Array2<f64>, Broken> {
        let values = self.read_values(reader, 0, self.rows)?;
        self.table(values)
    }

    /// Returns the table (`N × p`) of values given in the file's order.
    fn table<T: Copy>(&self, mut values: Vec<T>) -> Result<Array2<T>, Broken> {
        if self.fortran_order {
            let (mut places, mut table) = (Vec::new(), Vec::new());
            places.try_reserve_exact(self.columns)?;
            places.extend((0..self.columns).map(|column| self.place_of(column) * self.rows));
            table.try_reserve_exact(values.len())?;
            for row in 0..self.rows {
                table.extend(places.iter().map(|place| values[place + row]));
            }
            values = table;
        }
        Array2::from_shape_vec((self.rows, self.columns), values).map_err(|e| Broken::Content(e.to_string()))
    }

    /// Returns the position of a column in Fortran order, where the first index varies fastest.
    fn place_of(&self, column: usize) -> usize {
        let (mut rest, mut place, mut stride) = (column, 0, self.columns);
        for &length in self.inner.iter().rev() {
            stride /= length;
            place += (rest % length) * stride;
            rest /= length;
        }
        place
    }

    /// Returns the column at a position; the inverse of [`Layout::place_of`].
    fn column_at(&self, place: usize) -> usize {
        let (mut rest, mut column, mut stride) = (place, 0, self.columns);
        for &length in &self.inner {
            stride /= length;
            column += (rest % length) * stride;
            rest /= length;
        }
        column
    }

    /// Reads a table of unsigned bytes, `N × p`, in row-major order.
    pub(super) fn read_bytes(&self, reader: &mut (impl Read + ?Sized)) -> Result<Array2<u8>, Broken> {
        if self.scalar.kind != Kind::U8 {
            return Err(Broken::Content(
                "does not hold unsigned bytes; read it with its module's `read`".into(),
            ));
        }
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(self.bytes())?;
        bytes.resize(self.bytes(), 0);
        let read = fill(reader, &mut bytes)?;
        self.check_not_truncated(0, read as u64)?;
        self.table(bytes)
    }

    /// Reads class labels, one per row.
    pub(super) fn read_labels(&self, reader: &mut (impl Read + ?Sized)) -> Result<Vec<usize>, Broken> {
        if self.columns != 1 {
            return Err(Broken::Content(format!(
                "holds {} values per row, but labels need one; for one-hot rows, save the place of the 1",
                self.columns
            )));
        }
        if self.scalar.kind.is_float() {
            let reason = "holds floating-point numbers, but labels are whole numbers; save y.astype('i8')";
            return Err(Broken::Content(reason.into()));
        }
        let labels = self.read_table(reader)?;
        if let Some((row, label)) = labels.iter().enumerate().find(|(_, label)| **label < 0.0) {
            let reason =
                format!("holds the label {label} at row {row} (counted from 0); labels are 0, 1, 2, …");
            return Err(Broken::Content(reason));
        }
        let mut whole = Vec::new();
        whole.try_reserve_exact(labels.len())?;
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // whole, ≥ 0, under 2⁵³
        whole.extend(labels.iter().map(|&label| label as usize));
        Ok(whole)
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

    /// Refuses values that are not finite or not exact. `before` rows precede these values.
    fn check_values(&self, values: &[f64], before: usize) -> Result<(), Broken> {
        let bad = match self.scalar.kind {
            Kind::F64 | Kind::F32 | Kind::F16 => values.iter().position(|v| !v.is_finite()),
            Kind::I64 | Kind::U64 => values.iter().position(|v| v.abs() >= WHOLE_NUMBERS_END),
            _ => None,
        };
        let Some(at) = bad else {
            return Ok(());
        };
        let (row, column) = if self.fortran_order {
            (at % self.rows, self.column_at(at / self.rows))
        } else {
            (before + at / self.columns, at % self.columns)
        };
        let place = format!("{} at row {row}, column {column} (counted from 0)", values[at]);
        Err(Broken::Content(if self.scalar.kind.is_float() {
            format!("holds {place}; remove or replace it first")
        } else {
            format!(
                "holds about {place}: not all whole numbers from 2⁵³ on have a 64-bit float; rescale them first"
            )
        }))
    }
}
