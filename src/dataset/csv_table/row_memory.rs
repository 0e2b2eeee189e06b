//! The memory that the rows of a large table take while they are read.

use super::table::Table;
use crate::{Error, machine::memory};

/// Bytes per byte of a row: the reader's vectors double as they grow, and errors copy the row.
const PER_BYTE: usize = 4;
/// Bytes per cell of a row: the reader keeps where each ends.
const PER_CELL: usize = PER_BYTE * size_of::<usize>();
/// Bytes per byte of the first row, and per name in it, on top: the names, the tables that find them, and the columns
/// that are chosen by them.
const PER_NAME_BYTE: usize = 6;
const PER_NAME: usize = 400;

/// The size of a row.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Size {
    bytes: usize,
    cells: usize,
}

impl Size {
    /// The bytes that a row of this size takes, and its names if it is the first.
    fn memory(self, first: Self) -> usize {
        let product = usize::saturating_mul;
        memory::sum([
            product(PER_BYTE, self.bytes),
            product(PER_CELL, self.cells),
            product(PER_NAME_BYTE, first.bytes),
            product(PER_NAME, first.cells),
        ])
    }
}

/// Where in a row a byte stands.
#[derive(Clone, Copy)]
enum Place {
    Row,
    Cell,
    Inside,
    Comment,
    Quoted,
    /// After a quote that ends a quoted cell, or that is the first of a pair within it.
    Closed,
}

impl Table<'_> {
    /// How many cells it has at most, quotes aside.
    pub(super) fn cells(&self) -> usize {
        let delimiter = self.options.delimiter;
        1 + self.text.iter().filter(|&&byte| byte == delimiter || byte == b'\n').count()
    }

    /// Checks that the longest row and the names in the first fit in memory.
    pub(super) fn reserve_rows(&self) -> Result<(), Error> {
        const WHAT: &str = "a row of a CSV file";
        // Most tables fit even if they were a single row, and rows need not be told apart.
        let all = Size { bytes: self.text.len(), cells: self.cells() };
        if memory::reserve(WHAT, all.memory(all)).is_ok() {
            return Ok(());
        }
        let (first, longest) = self.sizes();
        memory::reserve(WHAT, longest.memory(first))
    }

    /// The size of the first row with several cells, and the most bytes and cells of any row. Quotes and comments are
    /// understood as the reader does.
    fn sizes(&self) -> (Size, Size) {
        let (delimiter, comment) = (self.options.delimiter, self.options.comment);
        let (mut first, mut longest, mut row) = (Size::default(), Size::default(), Size::default());
        let mut place = Place::Row;
        for &byte in self.text.iter().chain(b"\n") {
            row.bytes += 1;
            place = match (place, byte) {
                (Place::Quoted, b'"') => Place::Closed,
                (Place::Quoted, _) | (Place::Closed, b'"') => Place::Quoted,
                (_, b'\n' | b'\r') => {
                    row.cells += 1;
                    if first.cells < 2 {
                        first = row;
                    }
                    longest.bytes = longest.bytes.max(row.bytes);
                    longest.cells = longest.cells.max(row.cells);
                    row = Size::default();
                    Place::Row
                }
                (Place::Comment, _) => Place::Comment,
                (Place::Row, byte) if Some(byte) == comment => Place::Comment,
                (_, byte) if byte == delimiter => {
                    row.cells += 1;
                    Place::Cell
                }
                (Place::Row | Place::Cell, b'"') => Place::Quoted,
                _ => Place::Inside,
            };
        }
        // A quote that is never closed.
        longest.bytes = longest.bytes.max(row.bytes);
        longest.cells = longest.cells.max(row.cells + 1);
        (first, longest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::CsvOptions;
    use std::path::Path;

    #[test]
    fn rows_end_where_the_reader_ends_them() {
        let options = CsvOptions::default().with_comment(b'#');
        for text in [
            "a,b\n1,2\n3,4\n",
            "\n\n# a,b,c,d\na,b\n\"1,\n,,\",2\n5\",\"\n\n\n\"\n",
            "a,b\n\"1\"\"\n\",2\n\"x\"y\",3\n",
            "a,b\r\n1,\"2\r\n,3",
            "a\nb,c\n,,,\n\"",
            "",
        ] {
            let table = Table::new(Path::new("t"), &options, text.as_bytes()).unwrap();
            let (first, longest) = table.sizes();
            let mut reader = table.reader();
            let rows: Vec<_> = reader.byte_records().map(Result::unwrap).collect();
            let most = |of: fn(&csv::ByteRecord) -> usize| rows.iter().map(of).max().unwrap_or(0);
            assert_eq!(longest.cells, most(csv::ByteRecord::len).max(1), "{text:?}");
            let bytes = most(|row| row.as_slice().len());
            assert!(
                longest.bytes >= bytes && longest.bytes <= text.len() + 1,
                "{text:?}: {longest:?} for {bytes}"
            );
            let several = rows.iter().find(|row| row.len() > 1).map(csv::ByteRecord::len);
            assert!(several.is_none_or(|cells| first.cells == cells), "{text:?}: {first:?}");
        }
    }
}
