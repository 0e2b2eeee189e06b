//! The bytes of a file, gzipped or plain: its first two bytes decide, not its name.

use super::{Broken, CHUNK, Layout, at_end, fill};
use flate2::bufread::MultiGzDecoder;
use std::fs::File;
use std::io::{self, BufReader, Chain, Cursor, Read};
use std::path::Path;

const GZIP: [u8; 2] = [0x1f, 0x8b];

/// The whole file, including the first bytes that were already read.
type Whole = Chain<Cursor<Vec<u8>>, BufReader<File>>;

/// An open file; reading from it yields unpacked bytes.
#[derive(Debug)]
pub(in crate::dataset) struct Source {
    bytes: Bytes,
    /// File size in bytes, packed if it is gzipped. `None` for a pipe, whose length is unknown.
    length: Option<u64>,
}

#[derive(Debug)]
enum Bytes {
    Plain(Whole),
    Packed(Box<MultiGzDecoder<Whole>>),
}

impl Source {
    pub(in crate::dataset) fn open(path: &Path) -> Result<Self, Broken> {
        let file = File::open(path).map_err(Broken::Io)?;
        let metadata = file.metadata().map_err(Broken::Io)?;
        let mut file = BufReader::with_capacity(CHUNK, file);
        let mut start = [0; GZIP.len()];
        let read = fill(&mut file, &mut start)?;
        let whole = Cursor::new(start[..read].to_vec()).chain(file);
        let bytes = if start == GZIP {
            Bytes::Packed(MultiGzDecoder::new(whole).into())
        } else {
            Bytes::Plain(whole)
        };
        Ok(Self { bytes, length: metadata.is_file().then_some(metadata.len()) })
    }

    fn is_packed(&self) -> bool {
        matches!(self.bytes, Bytes::Packed(_))
    }

    /// Checks that the file can hold a header of `header` bytes and all values, before memory is allocated.
    pub(in crate::dataset) fn check_holds(&self, layout: &Layout, header: usize) -> Result<(), Broken> {
        match self.length {
            None => Ok(()),
            Some(length) if self.is_packed() => layout.check_packed(header, length),
            Some(length) => layout.check_not_truncated(header, length),
        }
    }

    /// Verifies the checksum at the end of packed data, after which nothing may follow.
    pub(in crate::dataset) fn check_sum(&mut self) -> Result<(), Broken> {
        if self.is_packed() { at_end(self) } else { Ok(()) }
    }
}

impl Read for Source {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        match &mut self.bytes {
            Bytes::Plain(file) => file.read(bytes),
            Bytes::Packed(file) => file.read(bytes),
        }
    }
}
