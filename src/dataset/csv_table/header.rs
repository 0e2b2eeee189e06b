//! The column names of a table, and whether the first line contains them.

use super::cells::{is_missing, parse_number};
use super::options::CsvOptions;
use crate::error::words::{listed, shown};
use csv::ByteRecord;
use std::collections::HashMap;

/// The columns of a table by name.
#[derive(Debug)]
pub(super) struct Names {
    pub(super) all: Vec<String>,
    /// For each name, the first two columns that have it.
    places: HashMap<String, (usize, Option<usize>)>,
    /// The column of the first name that is not UTF-8.
    pub(super) not_utf8: Option<usize>,
}

/// Trims outer blanks and collapses inner ones.
pub(super) fn normalise(name: &str) -> String {
    name.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl Names {
    /// Reads the names in the first line.
    pub(super) fn read(line: &ByteRecord) -> Self {
        let not_utf8 = line.iter().position(|name| std::str::from_utf8(name).is_err());
        let names = line.iter().map(|name| normalise(&String::from_utf8_lossy(name)));
        Self::new(names.collect(), not_utf8)
    }

    /// `c0, c1, …` for a table without names.
    pub(super) fn numbered(columns: usize) -> Self {
        Self::new((0..columns).map(|column| format!("c{column}")).collect(), None)
    }

    fn new(names: Vec<String>, not_utf8: Option<usize>) -> Self {
        let mut places: HashMap<String, (usize, Option<usize>)> = HashMap::with_capacity(names.len());
        for (column, name) in names.iter().enumerate() {
            let place = places.entry(name.clone()).or_insert((column, None));
            if place.0 != column {
                place.1 = place.1.or(Some(column));
            }
        }
        Self { all: names, places, not_utf8 }
    }

    /// Returns the first two columns with this (normalised) name.
    pub(super) fn find(&self, name: &str) -> Option<(usize, Option<usize>)> {
        self.places.get(name).copied()
    }

    /// Returns a column's name for an error message.
    pub(super) fn label(&self, column: usize) -> String {
        let name = &self.all[column];
        if name.is_empty() { format!("no. {} (unnamed)", column + 1) } else { name.clone() }
    }

    /// Drops names beyond the first `columns`, which must be blank.
    pub(super) fn truncate(&mut self, columns: usize) {
        if columns < self.all.len() {
            let names = self.all.drain(..columns).collect();
            *self = Self::new(names, self.not_utf8.filter(|&column| column < columns));
        }
    }
}

/// Explains why the first line looks like a row of data, if it does.
pub(super) fn looks_like_data(line: &ByteRecord, options: &CsvOptions) -> Option<String> {
    let mut numbers = Vec::new();
    let (mut words, mut plain) = (0, true);
    for cell in line {
        let cell = cell.trim_ascii();
        match parse_number(cell, options) {
            Some(value) if value.is_finite() => {
                numbers.push(value);
                plain &= cell.iter().all(u8::is_ascii_digit);
            }
            _ => words += usize::from(!is_missing(cell, options)),
        }
    }
    let first = numbers.first()?;
    let why = if words == 0 {
        let cells: Vec<_> = line.iter().map(|cell| String::from_utf8_lossy(cell.trim_ascii())).collect();
        if numbers.len() == line.len() {
            format!("starts with a number ({first})")
        } else {
            format!("holds numbers and missing values ({})", listed(&cells))
        }
    } else {
        // Numeric names, such as years, wavelengths and pixel indices, are monotone; if only one or two, also whole.
        let ordered = numbers.windows(2).all(|pair| pair[0] < pair[1])
            || numbers.windows(2).all(|pair| pair[0] > pair[1]);
        if ordered && (plain || numbers.len() > 2) {
            return None;
        }
        format!("mixes numbers (the first is {first}) and words, as a row of data does")
    };
    Some(format!(
        "{why}; the first line must name the columns. If there are no names, or these are the names, say so \
         (`CsvOptions::with_header`)"
    ))
}

/// Delimiters that tables have, and their names.
const DELIMITERS: [(u8, &str); 4] = [(b';', "`;`"), (b'\t', "tabs"), (b'|', "`|`"), (b',', "`,`")];

fn advice(delimiter: &str) -> String {
    format!(
        "; its cells seem to be separated by {delimiter}: choose that delimiter (`CsvOptions::with_delimiter`)"
    )
}

fn count(byte: u8, text: &[u8]) -> usize {
    text.split(|&b| b == byte).count() - 1
}

/// Advises another delimiter that the names and a row have equally often, if there is one.
pub(super) fn shared_delimiter(names: &[String], row: &ByteRecord, options: &CsvOptions) -> Option<String> {
    let is_shared = |byte: u8| {
        let in_names: usize = names.iter().map(|name| count(byte, name.as_bytes())).sum();
        in_names > 0 && row.iter().map(|cell| count(byte, cell)).sum::<usize>() == in_names
    };
    let found = DELIMITERS.iter().find(|(byte, _)| *byte != options.delimiter && is_shared(*byte));
    found.map(|(_, name)| advice(name))
}

/// Advises which delimiter may separate the cells of a line that was read as one cell.
pub(super) fn other_delimiter(names: &[String], raw: &ByteRecord, options: &CsvOptions) -> String {
    let line: Vec<u8> = raw.iter().flatten().copied().collect();
    let others = DELIMITERS.iter().filter(|(byte, _)| *byte != options.delimiter);
    match others.max_by_key(|(byte, _)| count(*byte, &line)) {
        Some((byte, name)) if count(*byte, &line) >= names.len() => advice(name),
        _ if names.len() == 1 && names[0].contains(' ') && !options.blanks_between_cells => format!(
            "; if `{}` are several names, choose blanks as the delimiter (`CsvOptions::with_blanks_between_cells`)",
            shown(&names[0])
        ),
        _ => String::new(),
    }
}
