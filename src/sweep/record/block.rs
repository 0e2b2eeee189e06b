//! The byte format of a record: a header, then blocks.

use super::identity::Identity;
use flate2::Crc;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

/// The first bytes of a file: no text starts with the first of them, and a transfer that converts line endings changes
/// them.
const MAGIC: [u8; 8] = *b"\x89DDREC\r\n";
/// The version of the format.
pub(super) const FORMAT: u32 = 1;
/// Bytes before the text of a header.
const FRONT: usize = 16 + WRITER;
/// Position and length of the last writer's name. It is not part of the checksum, since each writer overwrites it.
pub(super) const WRITER_AT: u64 = 16;
pub(super) const WRITER: usize = 64;

/// The first bytes of a block, used to find the next block after damaged bytes.
const MARKER: [u8; 8] = *b"\xf1block\r\n";
/// Bytes of a block before its payload: its head.
pub(super) const HEAD: usize = 36;
/// How many times the length of a file may be read for payloads that turn out to be damaged.
const MOST_IN_VAIN: u64 = 16;
/// Bytes read at once.
const PIECE: usize = 1 << 16;

/// CRC-32, as in gzip and PNG. It detects every change within 32 consecutive bits, so every change of a single byte;
/// other changes pass undetected once in 2³². It is available in every language, and in a crate that this one already
/// uses.
fn crc(parts: &[&[u8]]) -> u32 {
    let mut crc = Crc::new();
    for part in parts {
        crc.update(part);
    }
    crc.sum()
}

/// The header of a record, with a blank writer's name.
pub(super) fn header(identity: &Identity) -> Vec<u8> {
    let text = identity.text().as_bytes();
    let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
    let mut bytes = MAGIC.to_vec();
    bytes.extend(FORMAT.to_le_bytes());
    bytes.extend(length.to_le_bytes());
    bytes.resize(FRONT, b' ');
    bytes.extend(text);
    bytes.extend(crc(&[&bytes[..16], text]).to_le_bytes());
    bytes
}

/// What the first bytes of a file turn out to be.
#[derive(Debug)]
pub(super) enum Header {
    /// A header, and the position of its end.
    Of(Identity, u64),
    /// The start of `expected`, cut short by a kill or a full disk.
    Begun,
    /// A record in a later format than [`FORMAT`].
    Newer(u32),
    /// A header whose checksum is wrong.
    Damaged,
    /// Something else.
    Foreign,
}

/// Classifies the start of a file of `length` bytes whose header should be `expected`.
pub(super) fn read_header(file: &mut File, length: u64, expected: &[u8]) -> io::Result<Header> {
    let front = read(file, 0, FRONT)?;
    let is_begun = |bytes: &[u8]| {
        let written = |at: usize| !(16..FRONT).contains(&at);
        bytes.len() < expected.len()
            && bytes.iter().zip(expected).enumerate().all(|(at, (a, b))| a == b || !written(at))
    };
    if front.len() < FRONT {
        return Ok(if is_begun(&front) { Header::Begun } else { Header::Foreign });
    }
    if front[..8] != MAGIC {
        return Ok(Header::Foreign);
    }
    let format = word32(&front[8..]);
    if format > FORMAT {
        return Ok(Header::Newer(format));
    }
    let end = FRONT as u64 + u64::from(word32(&front[12..])) + 4;
    if format < FORMAT || end > length {
        let all = read(file, 0, expected.len())?;
        return Ok(if is_begun(&all) { Header::Begun } else { Header::Damaged });
    }
    let rest = read(file, FRONT as u64, usize::try_from(end).unwrap_or(usize::MAX) - FRONT)?;
    let (text, sum) = rest.split_at(rest.len().saturating_sub(4));
    if crc(&[&front[..16], text]).to_le_bytes() != sum {
        return Ok(Header::Damaged);
    }
    let identity = String::from_utf8(text.to_vec()).map(Identity::from_text);
    Ok(identity.map_or(Header::Damaged, |identity| Header::Of(identity, end)))
}

/// The position of a block's payload, and the values in its head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Extent {
    pub(super) at: u64,
    pub(super) length: u64,
    pub(super) crc: u32,
    /// Whether the payload is final; otherwise the next run computes it again.
    pub(super) is_final: bool,
}

impl Extent {
    pub(super) fn end(&self) -> u64 {
        self.at.saturating_add(self.length)
    }
}

/// Consecutive blocks, as they will be written to a file.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) bytes: Vec<u8>,
    /// The index of each block, and the position of its payload in `bytes`.
    pub(super) extents: Vec<(usize, Extent)>,
}

impl Batch {
    /// Appends the block of an index; `encode` appends its payload.
    pub(super) fn push(&mut self, index: usize, is_final: bool, encode: impl FnOnce(&mut Vec<u8>)) {
        let start = self.bytes.len();
        self.bytes.resize(start + HEAD, 0);
        encode(&mut self.bytes);
        let (head, payload) = self.bytes[start..].split_at_mut(HEAD);
        let (length, sum) = (payload.len() as u64, crc(&[payload]));
        head[..8].copy_from_slice(&MARKER);
        head[8..16].copy_from_slice(&(index as u64).to_le_bytes());
        head[16..24].copy_from_slice(&length.to_le_bytes());
        head[24..28].copy_from_slice(&u32::from(!is_final).to_le_bytes());
        head[28..32].copy_from_slice(&sum.to_le_bytes());
        let of_head = crc(&[&head[..32]]);
        head[32..].copy_from_slice(&of_head.to_le_bytes());
        self.extents.push((index, Extent { at: (start + HEAD) as u64, length, crc: sum, is_final }));
    }

    /// Removes all blocks.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.extents.clear();
    }

    /// The bytes of each block, with its index and extent.
    pub(super) fn each(&self) -> impl Iterator<Item = (&[u8], usize, Extent)> {
        self.extents.iter().map(|&(index, extent)| {
            let range = |at: u64| usize::try_from(at).unwrap_or(usize::MAX);
            (&self.bytes[range(extent.at) - HEAD..range(extent.end())], index, extent)
        })
    }
}

/// The payload of a block; `None` if its bytes have changed.
pub(super) fn payload(file: &mut File, extent: &Extent) -> io::Result<Option<Vec<u8>>> {
    let length = usize::try_from(extent.length).unwrap_or(usize::MAX);
    let bytes = read(file, extent.at, length)?;
    Ok((bytes.len() == length && crc(&[&bytes]) == extent.crc).then_some(bytes))
}

/// A range of bytes that is not a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Damage {
    pub(super) start: u64,
    pub(super) end: u64,
    /// The index of the damaged block, if its head is intact.
    pub(super) index: Option<usize>,
}

/// The contents of a file after its header.
#[derive(Debug, Default)]
pub(super) struct Scan {
    /// In file order; an index may occur more than once.
    pub(super) blocks: Vec<(usize, Extent)>,
    pub(super) damaged: Vec<Damage>,
}

/// Reads a file of `length` bytes from the end of its header, in pieces, and checks every payload against its checksum.
pub(super) fn scan(file: &mut File, start: u64, length: u64) -> io::Result<Scan> {
    let mut found = Scan::default();
    let (mut at, mut in_vain) = (start, 0);
    while at < length {
        let head = head(file, at)?;
        let whole = match head {
            Some((_, extent)) => extent.end() <= length && is_whole(file, &extent)?,
            None => false,
        };
        match head {
            Some((index, extent)) if whole => {
                found.blocks.push((index, extent));
                at = extent.end();
            }
            _ => {
                let end = next(file, at + 1, length)?;
                // Forged heads that promise more bytes than follow could make the scan quadratic in the file's length.
                in_vain += head.map_or(0, |(_, extent)| extent.length.min(length));
                if in_vain / MOST_IN_VAIN > length {
                    return Err(io::Error::new(
                        io::ErrorKind::InvalidData,
                        "damaged throughout; remove the file",
                    ));
                }
                found.damaged.push(Damage { start: at, end, index: head.map(|(index, _)| index) });
                at = end;
            }
        }
    }
    Ok(found)
}

/// The head at a position, if there is an intact one.
fn head(file: &mut File, at: u64) -> io::Result<Option<(usize, Extent)>> {
    let bytes = read(file, at, HEAD)?;
    if bytes.len() < HEAD || bytes[..8] != MARKER || crc(&[&bytes[..32]]) != word32(&bytes[32..]) {
        return Ok(None);
    }
    let extent = Extent {
        at: at + HEAD as u64,
        length: word64(&bytes[16..]),
        crc: word32(&bytes[28..]),
        is_final: word32(&bytes[24..]) == 0,
    };
    Ok(usize::try_from(word64(&bytes[8..])).ok().map(|index| (index, extent)))
}

fn is_whole(file: &mut File, extent: &Extent) -> io::Result<bool> {
    let (mut at, mut sum) = (extent.at, Crc::new());
    while at < extent.end() {
        let piece = read(file, at, usize::try_from(extent.end() - at).unwrap_or(PIECE).min(PIECE))?;
        if piece.is_empty() {
            return Ok(false);
        }
        sum.update(&piece);
        at += piece.len() as u64;
    }
    Ok(sum.sum() == extent.crc)
}

/// The position of the next intact head; `length` if there is none.
fn next(file: &mut File, from: u64, length: u64) -> io::Result<u64> {
    let mut at = from;
    while at < length {
        let piece = read(file, at, PIECE)?;
        for place in piece.windows(MARKER.len()).enumerate().filter(|(_, w)| **w == MARKER).map(|(i, _)| i) {
            let place = at + place as u64;
            if head(file, place)?.is_some() {
                return Ok(place);
            }
        }
        if piece.len() < PIECE {
            break;
        }
        // A marker may begin in this piece and end in the next.
        at += (piece.len() - MARKER.len() + 1) as u64;
    }
    Ok(length)
}

/// Reads at most `most` bytes from position `at`.
pub(super) fn read(file: &mut File, at: u64, most: usize) -> io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(at))?;
    let mut bytes = Vec::new();
    // Allocate everything at once: no caller asks for more than the file's length or one piece.
    bytes.try_reserve_exact(most).map_err(|_| io::ErrorKind::OutOfMemory)?;
    bytes.resize(most, 0);
    let mut length = 0;
    // `read_to_end` would start with eight kibibytes.
    while length < most {
        match file.read(&mut bytes[length..]) {
            Ok(0) => break,
            Ok(count) => length += count,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    bytes.truncate(length);
    Ok(bytes)
}

fn word32(bytes: &[u8]) -> u32 {
    bytes.first_chunk().map_or(0, |word| u32::from_le_bytes(*word))
}

fn word64(bytes: &[u8]) -> u64 {
    bytes.first_chunk().map_or(0, |word| u64::from_le_bytes(*word))
}
