//! Detects truncated tables: every row says how many rows come after it.

use crate::machine::long_lines::LongLines;
use csv::StringRecord;
use std::io::{self, Read};

/// The last column of a table.
pub(super) const COLUMN: &str = "rows_left";

/// Size of the buffer for the end of a row, in bytes.
pub(super) const ROOM: usize = 32;

/// `count − 1, …, 1, 0` as text.
pub(super) struct Countdown {
    /// The end of a row: a comma, the digits, a line feed. The buffer is copied as one block.
    text: [u8; ROOM],
    length: usize,
}

impl Countdown {
    pub(super) fn new(count: usize) -> Self {
        let (end, mut text) = (format!(",{count}\n"), [0; ROOM]);
        text[..end.len()].copy_from_slice(end.as_bytes());
        Self { text, length: end.len() }
    }

    /// Returns the end of the next row: one less than before, 0 after 0.
    pub(super) fn row_end(&mut self) -> &[u8] {
        let length = self.step();
        &self.text[..length]
    }

    /// Returns the end of the next row in its whole buffer, and its length.
    pub(super) fn row_end_in_room(&mut self) -> (&[u8; ROOM], usize) {
        let length = self.step();
        (&self.text, length)
    }

    #[inline]
    fn step(&mut self) -> usize {
        let feed = self.length - 1;
        if let Some(last @ b'1'..=b'9') = self.text.get_mut(feed - 1) {
            *last -= 1; // nine times in ten
            return self.length;
        }
        // The first of them is the comma; the line feed comes after the last.
        let digits = &mut self.text[..feed];
        if let Some(last) = digits.iter().rposition(|digit| (b'1'..=b'9').contains(digit)) {
            digits[last] -= 1;
            digits[last + 1..].fill(b'9');
            if digits[1] == b'0' && feed > 2 {
                self.text.copy_within(2..self.length, 1);
                self.length -= 1;
            }
        }
        self.length
    }
}

/// Checks that no row is missing from a table as it is read.
#[derive(Clone, Copy)]
pub(super) struct Rows {
    /// The index of the column; tables of earlier versions lack it.
    column: Option<usize>,
    /// Rows read so far.
    count: u64,
    /// Rows so far that said how many come after them.
    seen: u64,
    /// What the last row said.
    left: u64,
}

impl Rows {
    pub(super) fn new(header: &StringRecord) -> Self {
        Self { column: header.iter().position(|name| name == COLUMN), count: 0, seen: 0, left: 0 }
    }

    /// Checks the next row, the last one if the table `ends` with it. The error says what is wrong with its place.
    pub(super) fn add(&mut self, record: &StringRecord, ends: bool) -> Result<(), String> {
        self.count += 1;
        let Some(column) = self.column else { return Ok(()) };
        let text = record.get(column).unwrap_or("");
        let left = text.parse::<u64>().ok();
        let expected = (self.seen > 0).then(|| self.left.checked_sub(1));
        if let Some(left) = left.filter(|left| expected.is_none_or(|expected| expected == Some(*left))) {
            (self.seen, self.left) = (self.seen + 1, left);
            return Ok(());
        }
        // A number that lost its last digits: the table ends inside this row.
        let is_cut = match expected {
            None => text.is_empty(),
            Some(expected) => expected.is_some_and(|expected| expected.to_string().starts_with(text)),
        };
        if let Some(reason) = self.cut_off().filter(|_| ends && is_cut) {
            return Err(reason);
        }
        let advice =
            "write the table again; if its rows were selected or sorted on purpose, drop this column";
        Err(match (left, expected) {
            (None, _) => format!("this row does not say how many rows follow it; {advice}"),
            (_, None | Some(None)) => format!("the row before says that it is the last; {advice}"),
            (Some(left), Some(Some(expected))) if left < expected => {
                format!("{} missing before this one; {advice}", rows_are(expected - left))
            }
            (Some(_), Some(Some(expected))) => {
                format!("{expected} rows should follow this one, but it says otherwise; {advice}")
            }
        })
    }

    /// Says what is missing from a table that ends after the rows so far. `None` if it is complete, or if that is
    /// unknown.
    pub(super) fn cut_off(&self) -> Option<String> {
        let missing = match (self.column, self.seen, self.left) {
            (None, ..) | (_, 1.., 0) => return None,
            (_, 0, _) => "all its rows are".into(),
            (.., left) => rows_are(left),
        };
        let after = match self.seen {
            0 => "before the end of its first row".into(),
            1 => "after 1 row".into(),
            seen => format!("after {seen} rows"),
        };
        Some(format!("the table was cut off {after}: {missing} missing; write or copy it again"))
    }

    /// Checks the end of the table, after its `last` byte.
    pub(super) fn end(&self, last: u8) -> Result<(), String> {
        // A header that was cut off before this column looks like that of an empty table, except for its end.
        if self.column.is_none() && self.count == 0 && last != b'\n' {
            return Err("the table was cut off in its header; write or copy it again".into());
        }
        // The number in a first row may itself have been cut: there is none before it to compare with.
        let seen = if self.seen == 1 && last != b'\n' { 0 } else { self.seen };
        let is_whole = self.seen > 0 && self.left == 0;
        Self { seen, ..*self }.cut_off().filter(|_| !is_whole).map_or(Ok(()), Err)
    }
}

fn rows_are(count: u64) -> String {
    if count == 1 { "1 row is".into() } else { format!("{count} rows are") }
}

/// A reader that remembers its last byte, and whether it has reached its end.
pub(super) struct Ended<R> {
    reader: LongLines<R>,
    pub(super) last: u8,
    pub(super) is_done: bool,
}

impl<R> Ended<R> {
    pub(super) fn new(reader: R) -> Self {
        Self { reader: LongLines::new(reader), last: 0, is_done: false }
    }
}

impl<R: Read> Read for Ended<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(bytes)?;
        self.is_done = count == 0;
        self.last = bytes[..count].last().copied().unwrap_or(self.last);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_countdown_counts_down() {
        for count in [0_usize, 1, 9, 10, 11, 100, 1001, 20_000] {
            let mut countdown = Countdown::new(count);
            for left in (0..count).rev() {
                assert_eq!(countdown.row_end(), format!(",{left}\n").as_bytes());
            }
            assert_eq!(countdown.row_end(), b",0\n");
        }
    }
}
