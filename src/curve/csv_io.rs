//! Curves as CSV, in full precision: what is written reads back to the same bits.

use super::rows_left::{COLUMN as ROWS_LEFT, Countdown, Ended, Rows};
use super::{ArmLabel, Axis, Bootstrap, Cell, Curve, Metric, Provenance, Summary};
use crate::{Error, machine::whole_file};
use csv::{ByteRecord, StringRecord, WriterBuilder};
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

/// The columns of every table of cells, in order. Tables of earlier versions have them too.
const COLUMNS: [Column; 14] = [
    Column::Repeat,
    Column::N,
    Column::P,
    Column::Arm,
    Column::Setting,
    Column::Of(Metric::TrainMse),
    Column::Of(Metric::TestMse),
    Column::Of(Metric::BiasSquared),
    Column::Of(Metric::SmallestSingularValue),
    Column::Rank,
    Column::Of(Metric::MeanSquaredBias),
    Column::Of(Metric::TestMseOpposite),
    Column::Of(Metric::TestErrorRate),
    Column::Of(Metric::CoefficientNorm),
];

/// A column of a table of cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Column {
    Repeat,
    N,
    P,
    Arm,
    Setting,
    Rank,
    Of(Metric),
    /// Where a cell stands on an axis that counts neither samples nor features.
    Value,
}

impl Column {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Repeat => "repeat",
            Self::N => "n",
            Self::P => "p",
            Self::Arm => "arm",
            Self::Setting => "setting",
            Self::Rank => "rank",
            Self::Of(metric) => metric.name(),
            Self::Value => "value",
        }
    }

    /// Those that a table has where one of its cells has a number in them.
    fn later() -> impl Iterator<Item = Self> {
        let all = Metric::ALL.iter().map(|&metric| Self::Of(metric)).chain([Self::Value]);
        all.filter(|column| !COLUMNS.contains(column))
    }

    pub(super) fn number(self, cell: &Cell) -> Option<f64> {
        match self {
            Self::Of(metric) => cell.metric(metric),
            Self::Value => cell.value(),
            _ => None,
        }
    }
}

impl Curve {
    /// Writes every cell as a row `repeat,n,p,arm,setting,train_mse,test_mse,bias_squared,
    /// smallest_singular_value,rank,mean_squared_bias,test_mse_opposite,test_error_rate,coefficient_norm,rows_left`;
    /// fields that an arm does not have are blank. Before `rows_left` come the other metrics, by their
    /// [names](Metric::name), and `value`, the place on an axis that counts neither samples nor features: each of them where
    /// a cell has it.
    ///
    /// `rows_left` says how many rows come after this one, 0 in the last: so a table that was cut off tells. (A table
    /// without cells is a header without this column.) Leave the column out if you keep some rows only, or
    /// put them in another order.
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
    pub fn write_cells(&self, writer: impl Write) -> io::Result<()> {
        let mut extent = Extent::default();
        extent.add(&self.cells);
        let mut rows = CellRows::begin(writer, &extent, &self.arms)?;
        for cell in &self.cells {
            rows.push(cell)?;
        }
        rows.finish().map(drop)
    }

    /// Reads cells back, columns by their names in any order. What a table of cells does not say is blank in the result:
    /// its provenance, and whether the sweep came to its end. Arms of the same name and setting are one.
    ///
    /// Tables of earlier and later versions are read too: a metric that a table lacks is absent in all its cells, and a
    /// column that this version does not know is passed over.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::File`] with line and column for a field that is no number; [`Error::UnknownColumn`] without
    /// one of `repeat`, `n`, `p`, `arm`, `rank`, and `value` where the axis counts neither samples nor features;
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
            let field = |column: Option<usize>| column.and_then(|at| record.get(at)).unwrap_or("");
            let wrong = |column: Option<usize>| {
                let name = column.and_then(|at| header.get(at));
                bad(line, name, format!("`{}` is not a number", quoted(field(column))))
            };
            let count = |at: usize| field(Some(at)).parse::<usize>().map_err(|_| wrong(Some(at)));
            let number = |column: Option<usize>| match field(column) {
                "" => Ok(None),
                text => text.parse::<f64>().map(Some).map_err(|_| wrong(column)),
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
            curve.cells.push(cell);
        }
        rows.end(reader.get_ref().last).map_err(|reason| bad(None, None, reason))?;
        curve.arms = arms.labels;
        Ok(curve)
    }

    /// Writes the summaries of several metrics, a row per arm, axis value and metric: `arm,setting,
    /// n,p,metric,count,mean,mean_low,mean_high,min,q25,median,q75,max,standard_deviation,rows_left`; `rows_left` says how
    /// many rows come after this one. On an axis that counts neither samples nor features its `value` stands before
    /// `rows_left`. The file is written whole or not at all.
    ///
    /// # Errors
    /// [`Error::Io`], and those of [`Curve::summaries`].
    pub fn save_summaries(
        &self,
        path: &Path,
        metrics: &[Metric],
        bootstrap: Option<Bootstrap>,
    ) -> Result<(), Error> {
        self.save_summary_tables(path, metrics, &self.summaries_of(metrics, bootstrap)?)
    }

    /// Writes summaries, a table for each metric, of this curve's arms and axis.
    pub(crate) fn save_summary_tables(
        &self,
        path: &Path,
        metrics: &[Metric],
        tables: &[Vec<Summary>],
    ) -> Result<(), Error> {
        whole_file::write(path, |file| {
            let mut rows_left = Countdown::new(tables.iter().map(Vec::len).sum());
            let mut writer = WriterBuilder::new().buffer_capacity(FLUSH_AT).from_writer(file);
            let header = [
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
                "standard_deviation",
            ];
            let has_values = !matches!(self.axis, Axis::Samples | Axis::Features);
            let value = has_values.then_some(Column::Value.name());
            writer.write_record(header.into_iter().chain(value).chain([ROWS_LEFT]))?;
            let mut number = zmij::Buffer::new();
            let mut row = ByteRecord::new();
            for (metric, summaries) in metrics.iter().zip(tables) {
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
                    push(&mut row, &mut number, summary.standard_deviation);
                    if has_values {
                        push(&mut row, &mut number, Some(summary.value));
                    }
                    row.push_field(rows_left.field());
                    writer.write_byte_record(&row)?;
                }
            }
            writer.flush()
        })
    }
}

/// What a table of cells must know before its first row: how many there are, and which columns they have.
pub(crate) struct Extent {
    pub(crate) count: usize,
    unseen: Vec<Column>,
}

impl Default for Extent {
    fn default() -> Self {
        Self { count: 0, unseen: Column::later().collect() }
    }
}

impl Extent {
    pub(crate) fn add(&mut self, cells: &[Cell]) {
        self.count += cells.len();
        for cell in cells {
            // Mostly a cell has none of them.
            if !cell.is_plain() {
                self.unseen.retain(|column| column.number(cell).is_none());
            }
        }
    }

    /// Those of every table, and behind them each that one of the cells has a number in.
    pub(super) fn columns(&self) -> Vec<Column> {
        let later = Column::later().filter(|column| !self.unseen.contains(column));
        COLUMNS.into_iter().chain(later).collect()
    }
}

/// A table of cells in the making, row after row.
pub(crate) struct CellRows<W> {
    text: Text<W>,
    labels: Vec<Label>,
    place: SharedFields,
    /// Those of [`numbers`].
    memos: [Memo; 8],
    /// The columns that not every table has.
    later: Vec<(Column, Memo)>,
    rows_left: Countdown,
    /// The most bytes of a row.
    longest: usize,
}

/// The numbers of a cell in [`COLUMNS`], before and after its rank.
fn numbers(cell: &Cell) -> ([Option<f64>; 4], [Option<f64>; 4]) {
    (
        [cell.train_mse, cell.test_mse, cell.bias_squared, cell.smallest_singular_value],
        [cell.mean_squared_bias, cell.test_mse_opposite, cell.test_error_rate, cell.coefficient_norm],
    )
}

impl<W: Write> CellRows<W> {
    /// Writes the header of a table of so many cells.
    pub(crate) fn begin(writer: W, extent: &Extent, arms: &[ArmLabel]) -> io::Result<Self> {
        let columns = extent.columns();
        let names: Vec<&str> = columns.iter().map(|column| column.name()).collect();
        let mut header = names.join(",").into_bytes();
        if extent.count > 0 {
            header.extend([b",", ROWS_LEFT.as_bytes()].concat());
        }
        header.push(b'\n');
        let mut text = Text::new(writer);
        text.make_room(header.len())?;
        text.push(&header);
        let labels: Vec<Label> = arms.iter().map(Label::new).collect();
        let longest = labels.iter().map(|label| label.text.len()).max().unwrap_or(LABEL);
        let later: Vec<(Column, Memo)> =
            columns[COLUMNS.len()..].iter().map(|&column| (column, Memo::default())).collect();
        // Place and countdown take less than a field for each of their four numbers.
        let longest = (columns.len() + 4) * FIELD + longest;
        let (place, memos) = (SharedFields::default(), std::array::from_fn(|_| Memo::default()));
        Ok(Self { text, labels, place, memos, later, rows_left: Countdown::new(extent.count), longest })
    }

    pub(crate) fn push(&mut self, cell: &Cell) -> io::Result<()> {
        let Self { text, labels, place, memos, later, rows_left, longest } = self;
        text.make_room(*longest)?;
        place.refresh(cell);
        text.push_field(&place.text);
        match labels.get(cell.arm) {
            Some(label) => text.push_label(label),
            None => text.push(b","),
        }
        let ((before, after), (first, last)) = (numbers(cell), memos.split_at_mut(4));
        for (memo, number) in first.iter_mut().zip(before) {
            text.push_field(memo.field(number));
        }
        text.push_field(&place.rank);
        for (memo, number) in last.iter_mut().zip(after) {
            text.push_field(memo.field(number));
        }
        for (column, memo) in later {
            text.push_field(memo.field(column.number(cell)));
        }
        text.push_room(rows_left.row_end_in_room());
        Ok(())
    }

    /// The writer, when it has all of it.
    pub(crate) fn finish(self) -> io::Result<W> {
        self.text.finish()
    }
}

/// How much text is gathered before it goes to the writer.
const FLUSH_AT: usize = 1 << 17;

/// Bytes of a label that are copied in one piece.
const LABEL: usize = 64;

/// `name,setting` as CSV, quoted where the name needs it.
struct Label {
    /// Room for it: a multiple of [`LABEL`].
    text: Vec<u8>,
    length: usize,
}

impl Label {
    fn new(arm: &ArmLabel) -> Self {
        let mut writer = WriterBuilder::new().terminator(csv::Terminator::Any(b'\n')).from_writer(Vec::new());
        let setting = arm.setting.map_or(String::new(), |value| zmij::Buffer::new().format(value).to_owned());
        // Writing to memory does not fail; an empty label would show in the table.
        let _ = writer.write_record([arm.name.as_str(), &setting]);
        let mut text = writer.into_inner().unwrap_or_default();
        text.pop();
        let length = text.len();
        text.resize(length.next_multiple_of(LABEL), 0);
        Self { text, length }
    }
}

/// Bytes of the longest number with its comma, and of room to copy it in one piece.
const FIELD: usize = 32;

/// A short text in room for `ROOM` bytes: a number after its comma.
#[derive(Clone, Copy)]
struct Field<const ROOM: usize = FIELD> {
    text: [u8; ROOM],
    length: usize,
}

impl<const ROOM: usize> Field<ROOM> {
    /// What does not fit is cut off.
    fn new(text: &str) -> Self {
        let length = text.len().min(ROOM);
        let mut room = [0; ROOM];
        room[..length].copy_from_slice(&text.as_bytes()[..length]);
        Self { text: room, length }
    }
}

impl Field {
    /// A number after its comma.
    fn number(number: &str) -> Self {
        let mut field = Self { text: [0; FIELD], length: 1 + number.len().min(FIELD - 1) };
        field.text[0] = b',';
        field.text[1..field.length].copy_from_slice(&number.as_bytes()[..field.length - 1]);
        field
    }
}

/// Text on its way to a writer.
struct Text<W> {
    writer: W,
    /// Longer than what is in it.
    room: Vec<u8>,
    used: usize,
}

impl<W: Write> Text<W> {
    fn new(writer: W) -> Self {
        Self { writer, room: vec![0; FLUSH_AT], used: 0 }
    }

    /// Room for so many bytes more. What goes to the writer is as long as a file's own buffer, which then copies nothing.
    fn make_room(&mut self, bytes: usize) -> io::Result<()> {
        if self.used >= FLUSH_AT {
            self.writer.write_all(&self.room[..self.used])?;
            self.used = 0;
        }
        if self.used + bytes > self.room.len() {
            self.room.resize(self.used + bytes + FLUSH_AT, 0);
        }
        Ok(())
    }

    fn push(&mut self, text: &[u8]) {
        self.room[self.used..self.used + text.len()].copy_from_slice(text);
        self.used += text.len();
    }

    /// All bytes of the field's room are copied, which is known in advance how to do; those behind its end count as
    /// nothing.
    fn push_field<const ROOM: usize>(&mut self, field: &Field<ROOM>) {
        self.push_room((&field.text, field.length));
    }

    fn push_room<const ROOM: usize>(&mut self, (text, length): (&[u8; ROOM], usize)) {
        self.room[self.used..self.used + ROOM].copy_from_slice(text);
        self.used += length;
    }

    fn push_label(&mut self, label: &Label) {
        for (to, from) in self.room[self.used..].chunks_exact_mut(LABEL).zip(label.text.chunks_exact(LABEL)) {
            to.copy_from_slice(from);
        }
        self.used += label.length;
    }

    fn finish(mut self) -> io::Result<W> {
        self.writer.write_all(&self.room[..self.used])?;
        self.writer.flush()?;
        Ok(self.writer)
    }
}

/// The fields that all arms of a factorisation share, as text: made once for all of them.
struct SharedFields {
    key: Option<(usize, usize, usize, usize)>,
    /// `repeat,n,p,`: three counts of at most 20 digits.
    text: Field<64>,
    rank: Field,
}

impl Default for SharedFields {
    fn default() -> Self {
        Self { key: None, text: Field::new(""), rank: Field::number("") }
    }
}

impl SharedFields {
    fn refresh(&mut self, cell: &Cell) {
        let key = (cell.repeat, cell.n, cell.p, cell.rank);
        if self.key != Some(key) {
            self.key = Some(key);
            self.text = Field::new(&format!("{},{},{},", cell.repeat, cell.n, cell.p));
            self.rank = Field::number(&cell.rank.to_string());
        }
    }
}

/// The last number of a column and its text: arms that agree, and many do, format it once.
struct Memo {
    value: Option<f64>,
    field: Field,
}

impl Default for Memo {
    fn default() -> Self {
        Self { value: None, field: Field::number("") }
    }
}

impl Memo {
    fn field(&mut self, value: Option<f64>) -> &Field {
        if value.map(f64::to_bits) != self.value.map(f64::to_bits) {
            self.value = value;
            let text = value.map(|value| Field::number(zmij::Buffer::new().format(value)));
            self.field = text.unwrap_or_else(|| Field::number(""));
        }
        &self.field
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

/// The places of the columns of cells in a header.
struct Columns {
    /// Of `repeat`, `n`, `p`, `arm` and `rank`.
    needed: [usize; 5],
    setting: Option<usize>,
    value: Option<usize>,
    /// Of the metrics that the table has.
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

fn push(row: &mut ByteRecord, number: &mut zmij::Buffer, value: Option<f64>) {
    match value {
        Some(value) => row.push_field(number.format(value).as_bytes()),
        None => row.push_field(b""),
    }
}
