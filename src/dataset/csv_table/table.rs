//! The text of a table being read: its records, and errors with their location.

use super::cells::{is_missing, parse_number};
use super::options::{CsvOptions, MISSING};
use super::text::text;
use crate::Error;
use csv::ByteRecord;
use std::borrow::Cow;
use std::path::Path;

/// A table being read, with what its errors need.
#[derive(Debug)]
pub(super) struct Table<'a> {
    pub(super) path: &'a Path,
    pub(super) options: Cow<'a, CsvOptions>,
    pub(super) text: Cow<'a, [u8]>,
    /// The spellings of a missing value that are numbers.
    pub(super) missing_numbers: Vec<f64>,
}

pub(super) type Reader<'a> = csv::Reader<&'a [u8]>;

impl<'a> Table<'a> {
    pub(super) fn new(path: &'a Path, options: &'a CsvOptions, bytes: &'a [u8]) -> Result<Self, Error> {
        let mut options = Cow::Borrowed(options);
        let text = text(path, bytes, &mut options)?;
        let number = |word: &String| parse_number(word.trim().as_bytes(), &options);
        let missing_numbers = options.missing.iter().filter_map(number).filter(|n| n.is_finite()).collect();
        Ok(Self { path, options, text, missing_numbers })
    }

    /// Whether a trimmed cell is a missing value. Numbers are compared by value: `-999.0` is `-999`.
    pub(super) fn is_missing(&self, cell: &[u8]) -> bool {
        is_missing(cell, &self.options)
            || !self.missing_numbers.is_empty()
                && parse_number(cell, &self.options)
                    .is_some_and(|number| self.missing_numbers.contains(&number))
    }

    /// The declared spellings of a missing value, other than those of the default list, that no cell has.
    pub(super) fn absent_missing(&self) -> Result<Vec<&str>, Error> {
        let number = |cell: &[u8]| parse_number(cell, &self.options).filter(|number| number.is_finite());
        let declared = self.options.missing.iter().map(|word| word.trim());
        let mut absent: Vec<(&str, Option<f64>)> = declared
            .filter(|word| !(word.is_empty() || MISSING.contains(word)))
            .map(|word| (word, number(word.as_bytes())))
            .collect();
        let (mut reader, mut record) = (self.reader(), ByteRecord::new());
        while !absent.is_empty() && self.next(&mut reader, &mut record)? {
            for cell in record.iter().map(<[u8]>::trim_ascii) {
                absent.retain(|(word, value)| {
                    let is_word = cell.eq_ignore_ascii_case(word.as_bytes());
                    !(is_word || value.is_some() && number(cell) == *value)
                });
            }
        }
        Ok(absent.into_iter().map(|(word, _)| word).collect())
    }

    pub(super) fn reader(&self) -> Reader<'_> {
        csv::ReaderBuilder::new()
            .delimiter(self.options.delimiter)
            .comment(self.options.comment)
            .has_headers(false)
            .flexible(true)
            .from_reader(&self.text)
    }

    /// Reads the next record that is not a blank line; returns whether there was one.
    pub(super) fn next(&self, reader: &mut Reader<'_>, record: &mut ByteRecord) -> Result<bool, Error> {
        while reader.read_byte_record(record).map_err(|e| self.csv_error(&e))? {
            if record.len() != 1 || !record[0].trim_ascii().is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Reserves room for `more` values.
    pub(super) fn reserve(&self, values: &mut Vec<f64>, more: usize) -> Result<(), Error> {
        values.try_reserve(more).map_err(|e| Error::Resource {
            reason: format!("no memory for the values of {}: {e}", self.path.display()),
        })
    }

    /// Adds a hint if names may be blank because several blanks separate them.
    pub(super) fn hint_of_blanks(&self) -> &'static str {
        if self.options.delimiter == b' ' && !self.options.blanks_between_cells {
            "; if several blanks separate two cells, say so (`CsvOptions::with_blanks_between_cells`)"
        } else {
            ""
        }
    }

    /// Adds a hint if a record runs over several lines because a quote in it is never closed.
    pub(super) fn hint_of_quotes(&self, record: &ByteRecord) -> &'static str {
        let start = record.position().and_then(|place| usize::try_from(place.byte()).ok()).unwrap_or(0);
        let quotes = self.text.iter().skip(start).filter(|byte| **byte == b'"').count();
        let has_lines = record.iter().any(|cell| cell.iter().any(|byte| matches!(byte, b'\n' | b'\r')));
        if has_lines && quotes % 2 == 1 {
            "; a quote (`\"`) that begins a cell of this row is never closed"
        } else {
            ""
        }
    }

    /// Returns the line on which a record starts. The reader's own count would give the first of
    /// the blank lines before it.
    pub(super) fn line(&self, place: &csv::Position) -> u64 {
        let text: &[u8] = &self.text;
        let end_of_line = |byte: &u8| matches!(byte, b'\r' | b'\n');
        let mut start = usize::try_from(place.byte()).map_or(text.len(), |at| at.min(text.len()));
        loop {
            start += text[start..].iter().take_while(|&byte| end_of_line(byte)).count();
            // The reader also counts comments before a record as part of it.
            if self.options.comment.is_none() || text.get(start) != self.options.comment.as_ref() {
                break;
            }
            start += text[start..].iter().take_while(|&byte| !end_of_line(byte)).count();
        }
        let before = &text[..start];
        let pairs = before.windows(2).filter(|pair| pair == b"\r\n").count();
        (1 + before.iter().filter(|&byte| end_of_line(byte)).count() - pairs) as u64
    }

    pub(super) fn line_of(&self, record: &ByteRecord) -> Option<u64> {
        record.position().map(|place| self.line(place))
    }

    pub(super) fn csv_error(&self, error: &csv::Error) -> Error {
        self.error(error.position().map(|place| self.line(place)), None, error.to_string())
    }

    pub(super) fn error(&self, line: Option<u64>, column: Option<String>, reason: String) -> Error {
        Error::File { path: self.path.into(), line, column, reason }
    }
}
