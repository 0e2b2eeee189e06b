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
    /// Length of the line so far.
    length: usize,
    /// Length at which it is checked next.
    next: usize,
}

impl<R> LongLines<R> {
    pub(crate) fn new(reader: R) -> Self {
        Self { reader, length: 0, next: SHORT }
    }
}

impl<R: Read> Read for LongLines<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(bytes)?;
        match bytes[..count].iter().rposition(|&byte| byte == b'\n') {
            Some(end) => (self.length, self.next) = (count - end, SHORT),
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
