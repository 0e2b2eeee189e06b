//! Curves as CSV, in full precision: what is written reads back to the same bits.

use super::cell_columns::{Column, Extent};
use super::cell_rows::{CellTable, FLUSH_AT, Text};
use super::rows_left::{COLUMN as ROWS_LEFT, Ended, Rows};
use super::summary_rows::SummaryRows;
use super::{ArmLabel, Axis, Bootstrap, Cell, Curve, Metric, Provenance, Summary};
use crate::Error;
use crate::machine::memory::{list, reserve};
use crate::machine::{long_lines, whole_file};
use csv::StringRecord;
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

impl Curve {
    /// Writes every cell as a row `repeat,n,p,arm,setting,train_mse,test_mse,bias_squared,
    /// smallest_singular_value,rank,mean_squared_bias,test_mse_opposite,test_error_rate,coefficient_norm,rows_left`;
    /// fields that an arm does not have are blank. Other metrics, under their [names](Metric::name), and `value`, the
    /// value on an axis that counts neither samples nor features, get a column before `rows_left` if a cell has them.
    ///
    /// `rows_left` is the number of rows after this one, 0 in the last, so that a truncated table is detected. (A table
    /// without cells is a header without this column.) Drop the column if you keep only some rows, or reorder them.
    ///
    /// The file is written whole or not at all: [`whole_file`].
    ///
    /// # Errors
    /// [`Error::Io`]; an existing file is then left unchanged.
    pub fn save_cells(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        let path = path.as_ref();
        whole_file::write(path, |file| self.write_cells(file))
    }

    /// Does the same as [`Curve::save_cells`] to any writer.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write_cells(&self, mut writer: impl Write) -> io::Result<()> {
        let mut extent = Extent::default();
        extent.add(&self.cells);
        let table = CellTable::new(&extent, &self.arms);
        writer.write_all(&table.header())?;
        let mut rows = table.rows_after(0, Text::default());
        for cell in &self.cells {
            rows.push(cell);
            // As large as a file's own buffer, which then copies nothing.
            if rows.text().len() >= FLUSH_AT {
                writer.write_all(rows.text())?;
                rows.forget();
            }
        }
        writer.write_all(rows.text())?;
        writer.flush()
    }

    /// Reads cells back; columns are found by name, in any order. A table does not say where it comes from or whether
    /// the sweep was complete: the provenance is blank, and the curve counts as complete. Arms with the same name and
    /// setting are merged.
    ///
    /// Tables of earlier and later versions are read too: a metric that the table lacks is absent from all cells, and a
    /// column unknown to this version is skipped.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::File`] with line and column for a field that is not a number; [`Error::UnknownColumn`]
    /// if one of `repeat`, `n`, `p`, `arm`, `rank` is missing, or `value` on an axis that counts neither samples nor
    /// features; [`Error::File`] with the number of missing rows if the table was cut off or lacks rows inside. (Tables
    /// of earlier versions have no `rows_left`, so that this goes unnoticed.) [`Error::Memory`].
    pub fn read_cells(path: impl AsRef<Path>, axis: Axis) -> Result<Self, Error> {
        let path = path.as_ref();
        let file = File::open(path).map_err(|e| Error::io(path, &e))?;
        Self::cells_from(file, path, axis)
    }

    fn cells_from(reader: impl Read, path: &Path, axis: Axis) -> Result<Self, Error> {
        let mut reader = csv::Reader::from_reader(Ended::new(reader));
        let bad = |line, column: Option<&str>, reason: String| Error::File {
            path: path.into(),
            line,
            column: column.map(Into::into),
            reason,
        };
        let not_a_row = |e: csv::Error| match e.into_kind() {
            csv::ErrorKind::Io(e) => long_lines::failed(path, e),
            kind => {
                let line = match &kind {
                    csv::ErrorKind::UnequalLengths { pos, .. } | csv::ErrorKind::Utf8 { pos, .. } => {
                        pos.as_ref()
                    }
                    _ => None,
                };
                let line = line.map(csv::Position::line);
                bad(line, None, format!("not a row of cells: {}", in_words(&kind)))
            }
        };
        let header = reader.headers().map_err(not_a_row)?.clone();
        // An error lists the names.
        reserve("the names of a table's columns", list::<[String; 2]>(header.len()))?;
        let columns = Columns::of(&header, axis)?;
        let mut rows = Rows::new(&header);
        let mut arms = Arms::default();
        let mut curve = Self::new(axis, Vec::new(), Provenance::default());
        let mut record = StringRecord::new();
        loop {
            match reader.read_record(&mut record) {
                Ok(true) => {}
                Ok(false) => break,
                Err(e) => {
                    // A row that is cut off is the last one, and counts as missing.
                    let e = not_a_row(e);
                    let cut = reader.get_ref().is_done && matches!(e, Error::File { .. });
                    return Err(if cut {
                        rows.cut_off().map_or(e, |reason| bad(None, None, reason))
                    } else {
                        e
                    });
                }
            }
            let line = record.position().map(csv::Position::line);
            let field = |column: Option<usize>| column.and_then(|at| record.get(at)).unwrap_or("");
            let wrong = |column: Option<usize>, what: &str| {
                let name = column.and_then(|at| header.get(at));
                bad(line, name, format!("`{}` is not a {what}", quoted(field(column))))
            };
            let count = |at: usize| {
                let text = field(Some(at));
                let what = if text.parse::<f64>().is_ok() { "whole number ≥ 0" } else { "number" };
                text.parse::<usize>().map_err(|_| wrong(Some(at), what))
            };
            let number = |column: Option<usize>| match field(column) {
                "" => Ok(None),
                text => text.parse::<f64>().map(Some).map_err(|_| wrong(column, "number")),
            };
            let [repeat, n, p, arm, rank] = columns.needed;
            let arm = |setting| arms.place(field(Some(arm)), setting);
            let (repeat, n, p) = (count(repeat)?, count(n)?, count(p)?);
            let mut cell = Cell::new(repeat, n, p, number(columns.setting).map(arm)?);
            for &(metric, at) in &columns.metrics {
                cell.set(metric, number(Some(at))?);
            }
            let cell = cell.with_rank(count(rank)?).at(number(columns.value)?);
            rows.add(&record, reader.get_ref().is_done)
                .map_err(|reason| bad(line, Some(ROWS_LEFT), reason))?;
            if curve.cells.len() == curve.cells.capacity() {
                reserve("the cells of a table", list::<Cell>(curve.cells.len().saturating_mul(2)))?;
            }
            curve.cells.push(cell);
        }
        rows.end(reader.get_ref().last).map_err(|reason| bad(None, None, reason))?;
        curve.arms = arms.labels;
        Ok(curve)
    }

    /// Writes the summaries of several metrics, a row per arm, axis value and metric: `arm,setting,
    /// n,p,metric,count,mean,mean_low,mean_high,min,q25,median,q75,max,standard_deviation,rows_left`; `rows_left` is
    /// the number of rows after this one. On an axis that counts neither samples nor features, a column `value` comes
    /// before `rows_left`. A metric that no cell has gets no rows. The file is written whole or not at all.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Domain`] for a bootstrap of 0 draws; [`Error::Memory`] for one that does not fit in
    /// memory.
    pub fn save_summaries(
        &self,
        path: impl AsRef<Path>,
        metrics: &[Metric],
        bootstrap: Option<Bootstrap>,
    ) -> Result<(), Error> {
        let path = path.as_ref();
        self.save_summary_tables(path, metrics, &self.summaries_of(metrics, bootstrap)?)
    }

    /// Writes summaries of this curve's arms along its axis, one table per metric.
    pub(crate) fn save_summary_tables(
        &self,
        path: &Path,
        metrics: &[Metric],
        tables: &[Vec<Summary>],
    ) -> Result<(), Error> {
        whole_file::write(path, |file| {
            let mut rows = SummaryRows::new(&self.arms, self.axis, tables.iter().map(Vec::len).sum());
            for (&metric, summaries) in metrics.iter().zip(tables) {
                for summary in summaries {
                    rows.push(metric, summary);
                    if rows.text.len() >= FLUSH_AT {
                        file.write_all(&rows.text)?;
                        rows.text.clear();
                    }
                }
            }
            file.write_all(&rows.text)
        })
    }
}

/// The arms of a table, in the order of their first rows. Settings are compared by their bits, so that NaN equals
/// itself.
#[derive(Default)]
struct Arms {
    labels: Vec<ArmLabel>,
    places: HashMap<(String, Option<u64>), usize>,
    /// The arm of the last row; the next row usually has the arm after it.
    last: usize,
}

impl Arms {
    fn place(&mut self, name: &str, setting: Option<f64>) -> usize {
        // All NaN are the same setting, whatever their bits.
        let bits = |setting: f64| if setting.is_nan() { f64::NAN.to_bits() } else { setting.to_bits() };
        let is = |arm: &ArmLabel| arm.name == name && arm.setting.map(bits) == setting.map(bits);
        let near = [self.last + 1, 0, self.last];
        if let Some(place) = near.into_iter().find(|&place| self.labels.get(place).is_some_and(is)) {
            self.last = place;
            return place;
        }
        self.last = *self.places.entry((name.into(), setting.map(bits))).or_insert_with(|| {
            self.labels.push(ArmLabel { name: name.into(), setting });
            self.labels.len() - 1
        });
        self.last
    }
}

/// Returns the start of a field, escaped for a message.
fn quoted(field: &str) -> String {
    const MOST: usize = 40;
    let mut text: String = field.chars().take(MOST).flat_map(char::escape_debug).collect();
    if field.chars().nth(MOST).is_some() {
        text.push('…');
    }
    text
}

/// Says what is wrong with a row.
fn in_words(kind: &csv::ErrorKind) -> String {
    match kind {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("it has {len} fields where the header has {expected_len}")
        }
        csv::ErrorKind::Utf8 { err, .. } => format!("field {} is not UTF-8", err.field() + 1),
        kind => format!("{kind:?}"),
    }
}

/// The positions of the columns in a header.
struct Columns {
    /// Positions of `repeat`, `n`, `p`, `arm` and `rank`.
    needed: [usize; 5],
    setting: Option<usize>,
    value: Option<usize>,
    /// Positions of the metrics that the table has.
    metrics: Vec<(Metric, usize)>,
}

impl Columns {
    fn of(header: &StringRecord, axis: Axis) -> Result<Self, Error> {
        let place = |column: Column| header.iter().position(|name| name == column.name());
        let must = |column: Column| {
            place(column).ok_or_else(|| Error::UnknownColumn {
                name: column.name().into(),
                available: header.iter().map(Into::into).collect(),
            })
        };
        let value = match axis {
            Axis::Samples | Axis::Features => place(Column::Value),
            _ => Some(must(Column::Value)?),
        };
        let [repeat, n, p] = [must(Column::Repeat)?, must(Column::N)?, must(Column::P)?];
        let metric = |&metric: &Metric| Some((metric, place(Column::Of(metric))?));
        Ok(Self {
            needed: [repeat, n, p, must(Column::Arm)?, must(Column::Rank)?],
            setting: place(Column::Setting),
            value,
            metrics: Metric::ALL.iter().filter_map(metric).collect(),
        })
    }
}
