//! What can be wrong with a file; the path is added later.

use crate::Error;
use crate::dataset::kind_of_file::{KindOfFile, kind_of_file};
use std::collections::TryReserveError;
use std::io::{self, Read};
use std::path::Path;

#[derive(Debug)]
pub(in crate::dataset) enum Broken {
    /// An error of the operating system.
    Io(io::Error),
    /// What is wrong with the content, and how to fix it.
    Content(String),
    /// The values do not fit into memory.
    Memory(TryReserveError),
}

impl Broken {
    /// Converts this into an error about the file at `path`.
    pub(in crate::dataset) fn at(self, path: &Path) -> Error {
        match self {
            Self::Io(e) => Error::io(path, &e),
            Self::Content(reason) => Error::File { path: path.into(), line: None, column: None, reason },
            Self::Memory(e) => {
                Error::Resource { reason: format!("no memory for the values of {}: {e}", path.display()) }
            }
        }
    }
}

impl From<io::Error> for Broken {
    /// An error without a system error code comes from a decoder.
    fn from(e: io::Error) -> Self {
        if e.raw_os_error().is_some() {
            return Self::Io(e);
        }
        Self::Content(format!("is truncated or damaged: {e}; copy or download it again"))
    }
}

impl From<TryReserveError> for Broken {
    fn from(e: TryReserveError) -> Self {
        Self::Memory(e)
    }
}

/// Reads until `bytes` is full or the input ends; returns the number of bytes read.
pub(in crate::dataset) fn fill(reader: &mut (impl Read + ?Sized), bytes: &mut [u8]) -> Result<usize, Broken> {
    let mut read = 0;
    while read < bytes.len() {
        match reader.read(&mut bytes[read..]) {
            Ok(0) => break,
            Ok(more) => read += more,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e.into()),
        }
    }
    Ok(read)
}

/// Refuses bytes after the last value; at the end of packed data this also verifies the checksum.
pub(in crate::dataset) fn at_end(reader: &mut (impl Read + ?Sized)) -> Result<(), Broken> {
    if fill(reader, &mut [0])? == 0 {
        return Ok(());
    }
    Err(Broken::Content("goes on after its last value; copy or save it again".into()))
}

/// Describes the other kind of file that begins with `start` and the following bytes of `reader`.
pub(in crate::dataset) fn other_kind(
    reader: &mut (impl Read + ?Sized),
    start: &[u8],
) -> Result<Option<&'static str>, Broken> {
    const ENOUGH: usize = 256;
    let mut bytes = start.to_vec();
    bytes.resize(start.len() + ENOUGH, 0);
    let read = fill(reader, &mut bytes[start.len()..])?;
    bytes.truncate(start.len() + read);
    Ok(match kind_of_file(&bytes) {
        KindOfFile::Unknown => None,
        KindOfFile::Gzip => Some("packed by gzip"),
        KindOfFile::Other(words) => Some(words),
    })
}
