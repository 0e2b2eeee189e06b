//! Memory for long lines of text.

use super::memory;
use crate::Error;
use std::io::{self, Read};
use std::path::Path;

/// The error of a failed read: that of a long line, or the system's.
pub(crate) fn failed(path: &Path, error: io::Error) -> Error {
    error.downcast().unwrap_or_else(|error| Error::io(path, &error))
}

/// Lines up to this length are not checked.
const SHORT: usize = 1 << 20;
/// Bytes that a CSV reader allocates per byte of a line until the next check: a byte and the end of a cell (8 bytes) in
/// vectors that double as they grow, for twice the line.
const PER_BYTE: usize = 2 * 2 * (1 + size_of::<usize>());

/// A reader for text that a CSV reader takes line by line. It returns [`Error::Memory`] inside of an [`io::Error`] if a
/// line does not fit in memory: the CSV reader itself would abort the program.
pub(crate) struct LongLines<R> {
    reader: R,
    /// Length of the line so far, with those before it that belong to the same quoted cell.
    length: usize,
    is_quoted: bool,
    /// Length at which it is checked next.
    next: usize,
}

impl<R> LongLines<R> {
    pub(crate) fn new(reader: R) -> Self {
        Self { reader, length: 0, is_quoted: false, next: SHORT }
    }
}

impl<R: Read> Read for LongLines<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(bytes)?;
        let mut start = None;
        for (at, &byte) in bytes[..count].iter().enumerate() {
            self.is_quoted ^= byte == b'"';
            if byte == b'\n' && !self.is_quoted {
                start = Some(at + 1);
            }
        }
        match start {
            Some(start) => (self.length, self.next) = (count - start, SHORT),
            None => self.length = self.length.saturating_add(count),
        }
        if self.length >= self.next {
            self.next = self.length.saturating_mul(2);
            memory::reserve("a line of a table", self.length.saturating_mul(PER_BYTE))
                .map_err(io::Error::other)?;
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_inside_of_quotes_count_as_one() {
        let after = |text: &str| {
            let mut lines = LongLines::new(text.as_bytes());
            io::copy(&mut lines, &mut io::sink()).unwrap();
            lines.length
        };
        assert_eq!(after("a,b\n1,2\n34"), 2);
        assert_eq!(after("a,b\n\"1\n,\"\"\n3"), 8);
        assert_eq!(after("a,b\n\"1\n\"\n345"), 3);
        assert_eq!(after("a,b\n"), 0);
    }
}
