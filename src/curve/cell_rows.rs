//! Formats cells as rows of text.

use super::cell_columns::{COLUMNS, Column, Extent};
use super::rows_left::{COLUMN as ROWS_LEFT, Countdown, ROOM};
use super::{ArmLabel, Cell};
use csv::WriterBuilder;
use std::ops::Range;

/// State shared by all rows of a table of cells.
pub(crate) struct CellTable {
    columns: Vec<Column>,
    labels: Vec<Label>,
    /// The number of rows.
    count: usize,
    /// The maximum length of a row, in bytes.
    longest: usize,
}

/// Builder for the rows of a table of cells.
pub(crate) struct CellRows<'a> {
    table: &'a CellTable,
    text: Text,
    place: SharedFields,
    /// One for each number that [`numbers`] returns.
    memos: [Memo; 8],
    /// The optional columns.
    later: Vec<(Column, Memo)>,
    rows_left: Countdown,
    /// The byte range of the last row's numbers in the text.
    numbers: Range<usize>,
}

/// Returns a cell's numbers in the order of [`COLUMNS`], split into those before and after the rank.
fn numbers(cell: &Cell) -> ([Option<f64>; 4], [Option<f64>; 4]) {
    (
        [cell.train_mse, cell.test_mse, cell.bias_squared, cell.smallest_singular_value],
        [cell.mean_squared_bias, cell.test_mse_opposite, cell.test_error_rate, cell.coefficient_norm],
    )
}

impl CellTable {
    pub(crate) fn new(extent: &Extent, arms: &[ArmLabel]) -> Self {
        let (columns, count) = (extent.columns(), extent.count);
        let labels: Vec<Label> = arms.iter().map(Label::new).collect();
        let longest = labels.iter().map(|label| label.text.len()).max().unwrap_or(LABEL);
        // The four numbers of the place and the countdown take less than a field each.
        let longest = (columns.len() + 4) * FIELD + longest;
        Self { columns, labels, count, longest }
    }

    /// Returns the header line.
    pub(crate) fn header(&self) -> Vec<u8> {
        let names: Vec<&str> = self.columns.iter().map(|column| column.name()).collect();
        let mut header = names.join(",").into_bytes();
        if self.count > 0 {
            header.extend([b",", ROWS_LEFT.as_bytes()].concat());
        }
        header.push(b'\n');
        header
    }

    /// Starts the rows that follow the first `before` ones, overwriting what `text` held.
    pub(crate) fn rows_after(&self, before: usize, mut text: Text) -> CellRows<'_> {
        let later = &self.columns[COLUMNS.len()..];
        text.used = 0;
        CellRows {
            table: self,
            text,
            place: SharedFields::default(),
            memos: std::array::from_fn(|_| Memo::default()),
            later: later.iter().map(|&column| (column, Memo::default())).collect(),
            rows_left: Countdown::new(self.count.saturating_sub(before)),
            numbers: 0..0,
        }
    }
}

impl CellRows<'_> {
    pub(crate) fn push(&mut self, cell: &Cell) {
        let Self { table, text, place, memos, later, rows_left, numbers: own } = self;
        place.refresh(cell);
        let start = text.used;
        let mut line = text.line(table.longest);
        line.push_start(place, table.labels.get(cell.arm));
        let first_number = line.used;
        let ((before, after), (first, last)) = (numbers(cell), memos.split_at_mut(4));
        for (memo, number) in first.iter_mut().zip(before) {
            line.push_field(memo.field(number));
        }
        line.push_field(&place.rank);
        for (memo, number) in last.iter_mut().zip(after) {
            line.push_field(memo.field(number));
        }
        for (column, memo) in later {
            line.push_field(memo.field(column.number(cell)));
        }
        *own = start + first_number..start + line.used;
        line.push_room(rows_left.row_end_in_room());
        text.used += line.used;
    }

    /// Adds a cell that differs from the one before only in its arm, by copying the formatted numbers.
    pub(crate) fn push_again(&mut self, cell: &Cell) {
        if self.numbers.is_empty() {
            return self.push(cell);
        }
        let Self { table, text, place, rows_left, numbers, .. } = self;
        let mut line = text.line(table.longest);
        line.push_start(place, table.labels.get(cell.arm));
        let used = line.used;
        text.used += used;
        text.room.copy_within(numbers.clone(), text.used);
        text.used += numbers.len();
        let mut line = text.line(ROOM);
        line.push_room(rows_left.row_end_in_room());
        let used = line.used;
        text.used += used;
    }

    /// Returns the rows so far.
    pub(super) fn text(&self) -> &[u8] {
        self.text.bytes()
    }

    /// Discards the rows so far and reuses their memory.
    pub(super) fn forget(&mut self) {
        self.text.used = 0;
        self.numbers = 0..0;
    }

    /// Returns the rows, in their buffer.
    pub(crate) fn finish(self) -> Text {
        self.text
    }
}

/// Bytes of text to collect before passing it to the writer.
pub(super) const FLUSH_AT: usize = 1 << 17;

/// Block size for copying a label, in bytes.
const LABEL: usize = 64;

/// `name,setting` as CSV, quoted where the name needs it.
pub(super) struct Label {
    /// The label, padded to a multiple of [`LABEL`].
    text: Vec<u8>,
    length: usize,
}

impl Label {
    pub(super) fn new(arm: &ArmLabel) -> Self {
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

    pub(super) fn text(&self) -> &[u8] {
        &self.text[..self.length]
    }
}

/// Size of a field's buffer, in bytes: it holds the longest number with its comma, and is copied as one block.
const FIELD: usize = 32;

/// A short text in a buffer of `ROOM` bytes, such as a comma and a number.
#[derive(Clone, Copy)]
struct Field<const ROOM: usize = FIELD> {
    text: [u8; ROOM],
    length: usize,
}

impl<const ROOM: usize> Field<ROOM> {
    /// Truncates what does not fit.
    fn new(text: &str) -> Self {
        let length = text.len().min(ROOM);
        let mut room = [0; ROOM];
        room[..length].copy_from_slice(&text.as_bytes()[..length]);
        Self { text: room, length }
    }
}

impl Field {
    /// A comma, then the number.
    fn number(number: &str) -> Self {
        /// Copying two overlapping pieces of known length is faster than one of unknown length; most numbers are this
        /// long.
        const PIECE: usize = 16;
        let mut field = Self { text: [0; FIELD], length: 1 + number.len().min(FIELD - 1) };
        field.text[0] = b',';
        let (to, from) = (&mut field.text[1..field.length], &number.as_bytes()[..field.length - 1]);
        match (from.first_chunk::<PIECE>(), from.last_chunk::<PIECE>()) {
            (Some(first), Some(last)) => {
                to[..PIECE].copy_from_slice(first);
                let rest = to.len() - PIECE;
                to[rest..].copy_from_slice(last);
            }
            _ => to.copy_from_slice(from),
        }
        field
    }
}

/// Text in a reusable buffer: newly allocated memory is slow at first touch.
#[derive(Default)]
pub(crate) struct Text {
    /// The buffer, longer than the text in it.
    room: Vec<u8>,
    used: usize,
}

impl Text {
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.room[..self.used]
    }

    /// Makes room for this many more bytes.
    fn line(&mut self, bytes: usize) -> Line<'_> {
        if self.used + bytes > self.room.len() {
            self.room.resize((2 * self.room.len()).max(self.used + bytes + FLUSH_AT), 0);
        }
        Line { room: &mut self.room[self.used..], used: 0 }
    }
}

/// A line being written. (Its length is counted separately from the text's, so that it stays in a register.)
struct Line<'a> {
    room: &'a mut [u8],
    used: usize,
}

impl Line<'_> {
    fn push(&mut self, text: &[u8]) {
        self.room[self.used..self.used + text.len()].copy_from_slice(text);
        self.used += text.len();
    }

    /// Copies the field's whole buffer, whose size is known at compile time; bytes past the field's end are not
    /// counted.
    fn push_field<const ROOM: usize>(&mut self, field: &Field<ROOM>) {
        self.push_room((&field.text, field.length));
    }

    fn push_room<const ROOM: usize>(&mut self, (text, length): (&[u8; ROOM], usize)) {
        self.room[self.used..self.used + ROOM].copy_from_slice(text);
        self.used += length;
    }

    /// Writes the place and the arm's label.
    fn push_start(&mut self, place: &SharedFields, label: Option<&Label>) {
        self.push_field(&place.text);
        match label {
            Some(label) => self.push_label(label),
            None => self.push(b","),
        }
    }

    fn push_label(&mut self, label: &Label) {
        for (to, from) in self.room[self.used..].chunks_exact_mut(LABEL).zip(label.text.chunks_exact(LABEL)) {
            to.copy_from_slice(from);
        }
        self.used += label.length;
    }
}

/// The fields shared by all arms of a factorisation, formatted once.
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

/// The last number of a column, with its text. Many arms agree, so that it is formatted once.
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
