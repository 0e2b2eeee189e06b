//! Data sets from CSV text.

use super::Dataset;
use crate::{Error, memory};
use csv::ByteRecord;
use ndarray::Array2;
use std::fs;
use std::path::Path;

/// What to do with a row that has a blank cell, in whatever column.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum BlankCells {
    /// An error that names line and column, for blanks in the columns in use.
    #[default]
    Refuse,
    /// Drop the row, whichever of its cells is blank, used or not.
    DropRow,
}

/// How to read a CSV table with a header line.
///
/// Column names compare with outer blanks trimmed and inner ones collapsed.
///
/// # Examples
/// ```
/// use double_descent::dataset::{BlankCells, CsvOptions, Dataset};
///
/// let text = "height;weight; age\n1.8;80;30\n1.6;;40\n";
/// let options = CsvOptions::default()
///     .delimiter(b';')
///     .target("weight")
///     .features(["age", "height"])
///     .blank_cells(BlankCells::DropRow);
/// let data = Dataset::parse_csv("people", text.as_bytes(), &options)?;
/// assert_eq!(data.features().row(0).to_vec(), [30.0, 1.8]);
/// assert_eq!(data.len(), 1);
/// # Ok::<(), double_descent::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[must_use]
pub struct CsvOptions {
    delimiter: u8,
    targets: Vec<String>,
    features: Vec<String>,
    blank_cells: BlankCells,
}

impl Default for CsvOptions {
    /// Comma; the last column is the target, all others are features; blank cells are refused.
    fn default() -> Self {
        Self { delimiter: b',', targets: Vec::new(), features: Vec::new(), blank_cells: BlankCells::Refuse }
    }
}

impl CsvOptions {
    /// The byte between cells.
    pub fn delimiter(mut self, delimiter: u8) -> Self {
        self.delimiter = delimiter;
        self
    }

    /// Adds a target by name; without any, the last column is the target.
    pub fn target(mut self, name: impl Into<String>) -> Self {
        self.targets.push(name.into());
        self
    }

    /// The features by name, in this order; without any, every column that is no target.
    pub fn features<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.features = names.into_iter().map(Into::into).collect();
        self
    }

    /// What to do with rows that have a blank cell.
    pub fn blank_cells(mut self, policy: BlankCells) -> Self {
        self.blank_cells = policy;
        self
    }
}

impl Dataset {
    /// Reads a CSV file; the data set is named after the file.
    ///
    /// # Errors
    /// [`Error::Io`] if the file cannot be read, [`Error::UnknownColumn`], and [`Error::File`] with
    /// line and column for a cell that is no finite number, a blank cell, a row of another length,
    /// a table without rows.
    pub fn read_csv(path: &Path, options: &CsvOptions) -> Result<Self, Error> {
        let bytes = fs::read(path).map_err(|e| Error::io(path, &e))?;
        let name = path.file_stem().map_or("data".into(), |stem| stem.to_string_lossy().into_owned());
        Table::new(path, options, &bytes).parse(name)
    }

    /// Reads CSV text that is already in memory.
    ///
    /// # Errors
    /// Those of [`Dataset::read_csv`], with `name` in place of the path.
    pub fn parse_csv(name: &str, text: &[u8], options: &CsvOptions) -> Result<Self, Error> {
        Table::new(Path::new(name), options, text).parse(name.into())
    }
}

/// A table under way: what its errors need to know.
struct Table<'a> {
    path: &'a Path,
    options: &'a CsvOptions,
    bytes: &'a [u8],
}

impl<'a> Table<'a> {
    fn new(path: &'a Path, options: &'a CsvOptions, bytes: &'a [u8]) -> Self {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes); // byte order mark
        Self { path, options, bytes }
    }

    fn parse(&self, name: String) -> Result<Dataset, Error> {
        let mut reader = csv::ReaderBuilder::new().delimiter(self.options.delimiter).from_reader(self.bytes);
        let names = self.header(&mut reader)?;
        // Lists grow by doubling: up to twice what is in them.
        let ends_cell = |byte: &&u8| **byte == self.options.delimiter || **byte == b'\n';
        let cells = self.bytes.iter().filter(ends_cell).count() + 1;
        memory::reserve("the numbers of a CSV file", memory::list::<[f64; 2]>(cells))?;
        let (features, targets) = self.columns(&names)?;
        let mut values = (Vec::new(), Vec::new());
        let mut record = ByteRecord::new();
        let mut rows = 0;
        while reader.read_byte_record(&mut record).map_err(|e| self.csv_error(&e))? {
            if self.options.blank_cells == BlankCells::DropRow
                && record.iter().any(|cell| cell.trim_ascii().is_empty())
            {
                continue;
            }
            rows += 1;
            for &column in &features {
                values.0.push(self.number(&record, column, &names)?);
            }
            for &column in &targets {
                values.1.push(self.number(&record, column, &names)?);
            }
        }
        if rows == 0 {
            return Err(self.error(None, None, "has a header and no rows of numbers".into()));
        }
        let shape = |len: usize, values| {
            Array2::from_shape_vec((rows, len), values).map_err(|e| self.error(None, None, e.to_string()))
        };
        let pick = |columns: &[usize]| columns.iter().map(|&c| names[c].clone()).collect();
        Dataset::named(
            name,
            shape(features.len(), values.0)?,
            shape(targets.len(), values.1)?,
            pick(&features),
            pick(&targets),
        )
    }

    fn header(&self, reader: &mut csv::Reader<&[u8]>) -> Result<Vec<String>, Error> {
        let header = reader.byte_headers().map_err(|e| self.csv_error(&e))?;
        let names: Vec<String> =
            header.iter().map(|name| normalise(&String::from_utf8_lossy(name))).collect();
        if names.iter().all(String::is_empty) {
            return Err(self.error(None, None, "is empty; it needs a header and rows".into()));
        }
        if let Some(number) = names.iter().all(|n| n.parse::<f64>().is_ok()).then(|| &names[0]) {
            let reason = format!("starts with a number ({number}); the first line must name the columns");
            return Err(self.error(Some(1), None, reason));
        }
        Ok(names)
    }

    /// Indices of the features and of the targets.
    fn columns(&self, names: &[String]) -> Result<(Vec<usize>, Vec<usize>), Error> {
        let find = |wanted: &String| {
            let wanted = normalise(wanted);
            let mut found = (0..names.len()).filter(|&c| names[c] == wanted);
            match (found.next(), found.next()) {
                (Some(column), None) => Ok(column),
                (Some(_), Some(_)) => {
                    let reason = "two columns have this name; rename one".into();
                    Err(self.error(Some(1), Some(wanted), reason))
                }
                _ => Err(Error::UnknownColumn { name: wanted, available: names.to_vec() }),
            }
        };
        let mut targets = self.options.targets.iter().map(find).collect::<Result<Vec<_>, _>>()?;
        if targets.is_empty() {
            targets.push(names.len() - 1);
        }
        let mut features = self.options.features.iter().map(find).collect::<Result<Vec<_>, _>>()?;
        if features.is_empty() {
            features = (0..names.len()).filter(|column| !targets.contains(column)).collect();
        }
        if features.is_empty() {
            let reason = "has one column; it needs a target and at least one feature".into();
            return Err(self.error(Some(1), None, reason));
        }
        for (place, &column) in features.iter().enumerate() {
            if features[..place].iter().any(|&other| names[other] == names[column]) {
                let reason = "is a feature twice; its columns would be dependent".into();
                return Err(self.error(Some(1), Some(names[column].clone()), reason));
            }
        }
        if let Some(&both) = features.iter().find(|column| targets.contains(column)) {
            let reason = "is both feature and target; choose".into();
            return Err(self.error(Some(1), Some(names[both].clone()), reason));
        }
        Ok((features, targets))
    }

    fn number(&self, record: &ByteRecord, column: usize, names: &[String]) -> Result<f64, Error> {
        let cell = record[column].trim_ascii();
        match std::str::from_utf8(cell).ok().and_then(|text| text.parse::<f64>().ok()) {
            Some(value) if value.is_finite() => Ok(value),
            _ => {
                let reason = if cell.is_empty() {
                    "blank cell; fill it, or ask for rows with blank cells to be dropped".into()
                } else {
                    format!("`{}` is not a finite number", String::from_utf8_lossy(cell))
                };
                let line = record.position().map(|place| self.line(place));
                Err(self.error(line, Some(names[column].clone()), reason))
            }
        }
    }

    /// The line of the file on which a record starts: the reader's own count is that of the first of
    /// the blank lines before it.
    fn line(&self, place: &csv::Position) -> u64 {
        let end_of_line = |byte: &u8| matches!(byte, b'\r' | b'\n');
        let start = usize::try_from(place.byte()).map_or(self.bytes.len(), |at| at.min(self.bytes.len()));
        let blank = self.bytes[start..].iter().take_while(|&byte| end_of_line(byte)).count();
        let before = &self.bytes[..start + blank];
        let pairs = before.windows(2).filter(|pair| pair == b"\r\n").count();
        (1 + before.iter().filter(|&byte| end_of_line(byte)).count() - pairs) as u64
    }

    fn csv_error(&self, error: &csv::Error) -> Error {
        let line = error.position().map(|place| self.line(place));
        let reason = match error.kind() {
            csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
                format!("{len} cells where the header has {expected_len}")
            }
            _ => error.to_string(),
        };
        self.error(line, None, reason)
    }

    fn error(&self, line: Option<u64>, column: Option<String>, reason: String) -> Error {
        Error::File { path: self.path.into(), line, column, reason }
    }
}

/// Outer blanks trimmed, inner ones collapsed.
fn normalise(name: &str) -> String {
    name.split_whitespace().collect::<Vec<_>>().join(" ")
}
