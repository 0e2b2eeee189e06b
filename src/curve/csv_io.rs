//! Curves as CSV, in full precision: what is written reads back to the same bits.

use super::{ArmLabel, Axis, Bootstrap, Cell, Curve, Metric, Provenance};
use crate::Error;
use csv::{ByteRecord, StringRecord, WriterBuilder};
use std::fs::File;
use std::io::{self, Write};
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
    /// smallest_singular_value,rank,mean_squared_bias,test_mse_opposite,test_error_rate,coefficient_norm`;
    /// fields that an arm does not have are blank.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn save_cells(&self, path: &Path) -> Result<(), Error> {
        save(path, |file| self.write_cells(file))
    }

    /// [`Curve::save_cells`] to any writer.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write_cells(&self, mut writer: impl Write) -> io::Result<()> {
        let mut text = Vec::with_capacity(FLUSH_AT + 512);
        text.extend_from_slice(CELL_COLUMNS.join(",").as_bytes());
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
            text.push(b'\n');
            if text.len() >= FLUSH_AT {
                writer.write_all(&text)?;
                text.clear();
            }
        }
        writer.write_all(&text)?;
        writer.flush()
    }

    /// Reads cells back. What a table of cells does not say is blank in the result: its provenance.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::File`] with line and column for a field that is no number,
    /// [`Error::UnknownColumn`].
    pub fn read_cells(path: &Path, axis: Axis) -> Result<Self, Error> {
        let file = File::open(path).map_err(|e| Error::io(path, &e))?;
        let mut reader = csv::Reader::from_reader(file);
        let bad = |line, column: Option<&str>, reason: String| Error::File {
            path: path.into(),
            line,
            column: column.map(Into::into),
            reason,
        };
        let header = reader.headers().map_err(|e| bad(None, None, e.to_string()))?.clone();
        let place = columns(&header)?;
        let mut curve = Self::new(axis, Vec::new(), Provenance::default());
        for record in reader.records() {
            let record = record.map_err(|e| {
                let line = e.position().map(csv::Position::line);
                bad(line, None, format!("not a row of cells: {e}"))
            })?;
            let field = |column: usize| record.get(place[column]).unwrap_or("");
            let wrong = |column: usize| {
                let line = record.position().map(csv::Position::line);
                bad(line, Some(CELL_COLUMNS[column]), format!("`{}` is not a number", field(column)))
            };
            let count = |column: usize| field(column).parse::<usize>().map_err(|_| wrong(column));
            let number = |column: usize| match field(column) {
                "" => Ok(None),
                text => text.parse::<f64>().map(Some).map_err(|_| wrong(column)),
            };
            let label = ArmLabel { name: field(3).into(), setting: number(4)? };
            let arm = curve.arms.iter().position(|arm| *arm == label).unwrap_or_else(|| {
                curve.arms.push(label);
                curve.arms.len() - 1
            });
            curve.cells.push(Cell {
                repeat: count(0)?,
                n: count(1)?,
                p: count(2)?,
                arm,
                train_mse: number(5)?,
                test_mse: number(6)?,
                bias_squared: number(7)?,
                smallest_singular_value: number(8)?,
                rank: count(9)?,
                mean_squared_bias: number(10)?,
                test_mse_opposite: number(11)?,
                test_error_rate: number(12)?,
                coefficient_norm: number(13)?,
            });
        }
        Ok(curve)
    }

    /// Writes the summaries of several metrics, a row per arm, axis value and metric: `arm,setting,
    /// n,p,metric,count,mean,mean_low,mean_high,min,q25,median,q75,max`.
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
        save(path, |file| {
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

fn save(path: &Path, write: impl FnOnce(File) -> io::Result<()>) -> Result<(), Error> {
    let file = File::create(path).map_err(|e| Error::io(path, &e))?;
    write(file).map_err(|e| Error::io(path, &e))
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
