//! Curves as CSV, in full precision: what is written reads back to the same bits.

use super::rows_left::{COLUMN as ROWS_LEFT, Countdown, Ended, Rows};
use super::{ArmLabel, Axis, Bootstrap, Cell, Curve, Metric, Provenance};
use crate::{Error, whole_file};
use csv::{ByteRecord, StringRecord, WriterBuilder};
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

const CELL_COLUMNS: [&str; 14] = [
    "repeat",
    "n",
    "p",
    "arm",
    "setting",
    "train_mse",
    "test_mse",
    "bias_squared",
    "smallest_singular_value",
    "rank",
    "mean_squared_bias",
    "test_mse_opposite",
    "test_error_rate",
    "coefficient_norm",
];

impl Curve {
    /// Writes every cell as a row `repeat,n,p,arm,setting,train_mse,test_mse,bias_squared,
    /// smallest_singular_value,rank,mean_squared_bias,test_mse_opposite,test_error_rate,coefficient_norm,rows_left`;
    /// fields that an arm does not have are blank.
    ///
    /// `rows_left` says how many rows come after this one, 0 in the last: so a table that was cut off tells. (A table
    /// without cells is a header without this column.) Who keeps some rows only, or puts them in another order, leaves
    /// the column out.
    ///
    /// The file is written whole or not at all: [`whole_file`].
    ///
    /// # Errors
    /// [`Error::Io`]; a file that was there earlier is as it was.
    pub fn save_cells(&self, path: &Path) -> Result<(), Error> {
        whole_file::write(path, |file| self.write_cells(file))
    }

    /// [`Curve::save_cells`] to any writer.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write_cells(&self, mut writer: impl Write) -> io::Result<()> {
        let mut text = Vec::with_capacity(FLUSH_AT + 512);
        text.extend_from_slice(CELL_COLUMNS.join(",").as_bytes());
        let mut rows_left = Countdown::new(self.cells.len());
        if !self.cells.is_empty() {
            text.extend([b",", ROWS_LEFT.as_bytes()].concat());
        }
        text.push(b'\n');
        let labels: Vec<Vec<u8>> = self.arms.iter().map(label).collect();
        let mut place = Place::default();
        let mut memo: [Memo; 8] = Default::default();
        for cell in &self.cells {
            place.refresh(cell);
            text.extend_from_slice(&place.text);
            text.extend_from_slice(labels.get(cell.arm).map_or(b",", Vec::as_slice));
            let metrics = [
                cell.train_mse,
                cell.test_mse,
                cell.bias_squared,
                cell.smallest_singular_value,
                cell.mean_squared_bias,
                cell.test_mse_opposite,
                cell.test_error_rate,
                cell.coefficient_norm,
            ];
            for (column, (memo, metric)) in memo.iter_mut().zip(metrics).enumerate() {
                text.push(b',');
                memo.write(metric, &mut text);
                if column == 3 {
                    text.push(b',');
                    text.extend_from_slice(place.rank.as_bytes());
                }
            }
            text.extend_from_slice(rows_left.row_end());
            if text.len() >= FLUSH_AT {
                writer.write_all(&text)?;
                text.clear();
            }
        }
        writer.write_all(&text)?;
        writer.flush()
    }

    /// Reads cells back, columns by their names in any order. What a table of cells does not say is blank in the result:
    /// its provenance, and whether the sweep came to its end. Arms of the same name and setting are one.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::File`] with line and column for a field that is no number, [`Error::UnknownColumn`];
    /// [`Error::File`] with the number of missing rows for a table that was cut off, or that lacks rows inside. (Tables of
    /// earlier versions have no `rows_left` and cannot tell.)
    pub fn read_cells(path: &Path, axis: Axis) -> Result<Self, Error> {
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
            csv::ErrorKind::Io(e) => Error::io(path, &e),
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
        let place = columns(&header)?;
        let mut rows = Rows::new(&header);
        let mut arms = Arms::default();
        let mut curve = Self::new(axis, Vec::new(), Provenance::default());
        let mut record = StringRecord::new();
        loop {
            match reader.read_record(&mut record) {
                Ok(true) => {}
                Ok(false) => break,
                Err(e) => {
                    // A row that is cut is the last: it is missing, too.
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
            let field = |column: usize| record.get(place[column]).unwrap_or("");
            let wrong = |column: usize| {
                bad(line, Some(CELL_COLUMNS[column]), format!("`{}` is not a number", quoted(field(column))))
            };
            let count = |column: usize| field(column).parse::<usize>().map_err(|_| wrong(column));
            let number = |column: usize| match field(column) {
                "" => Ok(None),
                text => text.parse::<f64>().map(Some).map_err(|_| wrong(column)),
            };
            let cell = Cell {
                repeat: count(0)?,
                n: count(1)?,
                p: count(2)?,
                arm: arms.place(field(3), number(4)?),
                train_mse: number(5)?,
                test_mse: number(6)?,
                bias_squared: number(7)?,
                smallest_singular_value: number(8)?,
                rank: count(9)?,
                mean_squared_bias: number(10)?,
                test_mse_opposite: number(11)?,
                test_error_rate: number(12)?,
                coefficient_norm: number(13)?,
            };
            rows.add(&record, reader.get_ref().is_done)
                .map_err(|reason| bad(line, Some(ROWS_LEFT), reason))?;
            curve.cells.push(cell);
        }
        rows.end(reader.get_ref().last).map_err(|reason| bad(None, None, reason))?;
        curve.arms = arms.labels;
        Ok(curve)
    }

    /// Writes the summaries of several metrics, a row per arm, axis value and metric: `arm,setting,
    /// n,p,metric,count,mean,mean_low,mean_high,min,q25,median,q75,max,rows_left`; `rows_left` says how many rows come after
    /// this one. The file is written whole or not at all.
    ///
    /// # Errors
    /// [`Error::Io`], and those of [`Curve::summaries`].
    pub fn save_summaries(
        &self,
        path: &Path,
        metrics: &[Metric],
        bootstrap: Option<Bootstrap>,
    ) -> Result<(), Error> {
        let tables = self.summaries_of(metrics, bootstrap)?;
        whole_file::write(path, |file| {
            let mut rows_left = Countdown::new(tables.iter().map(Vec::len).sum());
            let mut writer = WriterBuilder::new().buffer_capacity(FLUSH_AT).from_writer(file);
            writer.write_record([
                "arm",
                "setting",
                "n",
                "p",
                "metric",
                "count",
                "mean",
                "mean_low",
                "mean_high",
                "min",
                "q25",
                "median",
                "q75",
                "max",
                ROWS_LEFT,
            ])?;
            let mut number = zmij::Buffer::new();
            let mut row = ByteRecord::new();
            for (metric, summaries) in metrics.iter().zip(&tables) {
                for summary in summaries {
                    let arm = &self.arms[summary.arm];
                    row.clear();
                    row.push_field(arm.name.as_bytes());
                    push(&mut row, &mut number, arm.setting);
                    for count in [summary.n, summary.p] {
                        row.push_field(count.to_string().as_bytes());
                    }
                    row.push_field(metric.name().as_bytes());
                    row.push_field(summary.count.to_string().as_bytes());
                    push(&mut row, &mut number, Some(summary.mean));
                    push(&mut row, &mut number, summary.mean_band.map(|(low, _)| low));
                    push(&mut row, &mut number, summary.mean_band.map(|(_, high)| high));
                    for value in [summary.min, summary.q25, summary.median, summary.q75, summary.max] {
                        push(&mut row, &mut number, Some(value));
                    }
                    row.push_field(rows_left.field());
                    writer.write_byte_record(&row)?;
                }
            }
            writer.flush()
        })
    }
}

/// How much text is gathered before it goes to the writer.
const FLUSH_AT: usize = 1 << 16;

/// `name,setting` as CSV, quoted where the name needs it.
fn label(arm: &ArmLabel) -> Vec<u8> {
    let mut writer = WriterBuilder::new().terminator(csv::Terminator::Any(b'\n')).from_writer(Vec::new());
    let setting = arm.setting.map_or(String::new(), |value| zmij::Buffer::new().format(value).to_owned());
    // Writing to memory does not fail; an empty label would show in the table.
    let _ = writer.write_record([arm.name.as_str(), &setting]);
    let mut text = writer.into_inner().unwrap_or_default();
    text.pop();
    text
}

/// The fields that all arms of a factorisation share, as text: made once for all of them.
#[derive(Default)]
struct Place {
    key: Option<(usize, usize, usize, usize)>,
    /// `repeat,n,p,`
    text: Vec<u8>,
    rank: String,
}

impl Place {
    fn refresh(&mut self, cell: &Cell) {
        let key = (cell.repeat, cell.n, cell.p, cell.rank);
        if self.key != Some(key) {
            self.key = Some(key);
            self.text = format!("{},{},{},", cell.repeat, cell.n, cell.p).into_bytes();
            self.rank = cell.rank.to_string();
        }
    }
}

/// The last number of a column and its text: arms that agree, and many do, format it once.
#[derive(Default)]
struct Memo {
    value: Option<f64>,
    text: Vec<u8>,
}

impl Memo {
    fn write(&mut self, value: Option<f64>, to: &mut Vec<u8>) {
        if value.map(f64::to_bits) != self.value.map(f64::to_bits) {
            self.value = value;
            self.text.clear();
            if let Some(value) = value {
                self.text.extend_from_slice(zmij::Buffer::new().format(value).as_bytes());
            }
        }
        to.extend_from_slice(&self.text);
    }
}

/// The arms of a table in the order of their first rows. A setting is what its bits are: NaN equals itself.
#[derive(Default)]
struct Arms {
    labels: Vec<ArmLabel>,
    places: HashMap<(String, Option<u64>), usize>,
    /// Of the last row: the next is mostly of the arm that follows.
    last: usize,
}

impl Arms {
    fn place(&mut self, name: &str, setting: Option<f64>) -> usize {
        // Not a number is one setting, however it is spelled.
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

/// The start of a field, fit for a message.
fn quoted(field: &str) -> String {
    const MOST: usize = 40;
    let mut text: String = field.chars().take(MOST).flat_map(char::escape_debug).collect();
    if field.chars().nth(MOST).is_some() {
        text.push('…');
    }
    text
}

/// What is wrong with a row.
fn in_words(kind: &csv::ErrorKind) -> String {
    match kind {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("it has {len} fields where the header has {expected_len}")
        }
        csv::ErrorKind::Utf8 { err, .. } => format!("field {} is not UTF-8", err.field() + 1),
        kind => format!("{kind:?}"),
    }
}

/// The place of each cell column in a header.
fn columns(header: &StringRecord) -> Result<Vec<usize>, Error> {
    CELL_COLUMNS
        .iter()
        .map(|name| {
            header.iter().position(|column| column == *name).ok_or_else(|| Error::UnknownColumn {
                name: (*name).into(),
                available: header.iter().map(Into::into).collect(),
            })
        })
        .collect()
}

fn push(row: &mut ByteRecord, number: &mut zmij::Buffer, value: Option<f64>) {
    match value {
        Some(value) => row.push_field(number.format(value).as_bytes()),
        None => row.push_field(b""),
    }
}
