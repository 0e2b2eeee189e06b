//! An open log of blocks: reading, appending and repairing.

use super::block::{self, Batch, Damage, Extent, HEAD, Header, Scan};
use super::identity::Identity;
use super::lock;
use crate::error::words::{listed, shown};
use crate::machine::order;
use crate::{Error, machine::whole_file};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long written blocks stay unsynced at most before an append syncs them. A power cut may lose unsynced blocks; a
/// kill loses none, since written bytes belong to the system.
const UNSYNCED: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Log {
    path: PathBuf,
    file: File,
    header: Vec<u8>,
    /// The position of the next block.
    end: u64,
    pub(super) blocks: BTreeMap<usize, Extent>,
    /// When the oldest block not yet synced was written; `None` if all are synced.
    dirty: Option<Instant>,
}

impl Log {
    /// Opens or starts the record of an experiment; also returns notices about repairs, in words.
    pub(super) fn open(path: &Path, identity: &Identity) -> Result<(Self, Vec<String>), Error> {
        let failed = |e: io::Error| Error::io(path, &e);
        let file = lock::open(path)?;
        let length = file.metadata().map_err(failed)?.len();
        let header = block::header(identity);
        let mut log = Self { path: path.into(), file, header, end: 0, blocks: BTreeMap::new(), dirty: None };
        let mut notices = Vec::new();
        let start = match block::read_header(&mut log.file, length, &log.header).map_err(failed)? {
            Header::Begun => {
                if length > 0 {
                    let begun = "its header was incomplete; started anew";
                    notices.push(format!("{}: {begun}", path.display()));
                }
                log.begin().map_err(failed)?;
                return Ok((log, notices));
            }
            header => check(header, identity, path)?,
        };
        let Scan { blocks, damaged } = block::scan(&mut log.file, start, length).map_err(failed)?;
        log.end = length;
        log.blocks = blocks.into_iter().collect();
        if let Some(last) = damaged.last().filter(|last| last.end == length) {
            notices.push(in_words(&log, last, true));
            log.file.set_len(last.start).map_err(failed)?;
            log.end = last.start;
        }
        let inside: Vec<&Damage> = damaged.iter().filter(|damage| damage.end < length).collect();
        notices.extend(inside.iter().map(|damage| in_words(&log, damage, false)));
        if !inside.is_empty() {
            log.mend()?;
        }
        // Neither this nor a shortened end needs a sync: after a power cut, both are done again.
        lock::sign(&mut log.file).map_err(failed)?;
        Ok((log, notices))
    }

    /// Writes the header.
    fn begin(&mut self) -> io::Result<()> {
        self.file.set_len(0)?;
        self.file.rewind()?;
        self.file.write_all(&self.header)?;
        self.end = self.header.len() as u64;
        lock::sign(&mut self.file)?;
        self.file.sync_all()
    }

    /// Atomically replaces the file by one without its damaged blocks.
    fn mend(&mut self) -> Result<(), Error> {
        let mut moved = BTreeMap::new();
        let path = self.path.clone();
        whole_file::write(&path, |file| self.copy(file, &mut moved))?;
        // The old file's lock is held until the new file is locked.
        self.file = lock::open(&self.path)?;
        self.moved_to(moved);
        Ok(())
    }

    fn moved_to(&mut self, blocks: BTreeMap<usize, Extent>) {
        self.end = blocks.values().map(Extent::end).fold(self.header.len() as u64, u64::max);
        self.blocks = blocks;
    }

    /// Writes the header and all blocks, in the order of the file.
    fn copy(&mut self, to: &mut impl Write, moved: &mut BTreeMap<usize, Extent>) -> io::Result<()> {
        to.write_all(&self.header)?;
        let mut end = self.header.len() as u64;
        let mut blocks: Vec<(usize, Extent)> =
            self.blocks.iter().map(|(&index, &extent)| (index, extent)).collect();
        order::sort(&mut blocks, |(_, a), (_, b)| a.at.cmp(&b.at));
        for (index, extent) in blocks {
            // A block that has changed since the scan is left out.
            let Some(payload) = block::payload(&mut self.file, &extent)? else { continue };
            let mut one = Batch::default();
            one.push(index, extent.is_final, |bytes| bytes.extend_from_slice(&payload));
            to.write_all(&one.bytes)?;
            moved.insert(index, Extent { at: end + HEAD as u64, ..extent });
            end += one.bytes.len() as u64;
        }
        Ok(())
    }

    /// Appends blocks in one write. If the file has vanished from its path, recreates it with all its contents and
    /// returns a notice.
    pub(super) fn append(&mut self, batch: &Batch) -> Result<Option<String>, Error> {
        let notice = if lock::is_at(&self.file, &self.path) { None } else { Some(self.restore()?) };
        let mut fresh = Vec::with_capacity(batch.extents.len());
        for (bytes, index, extent) in batch.each() {
            if !self.has(index, &extent, &bytes[HEAD..])? {
                fresh.push((bytes, index, extent));
            }
        }
        // Write all blocks at once, or if that fails for lack of space, as many as fit.
        if fresh.len() == batch.extents.len() && self.write(&batch.bytes).is_ok() {
            let start = self.end;
            self.end += batch.bytes.len() as u64;
            self.blocks.extend(fresh.iter().map(|&(_, i, e)| (i, Extent { at: start + e.at, ..e })));
        } else {
            for (bytes, index, extent) in fresh {
                self.write(bytes).map_err(|e| Error::io(&self.path, &e))?;
                self.blocks.insert(index, Extent { at: self.end + HEAD as u64, ..extent });
                self.end += bytes.len() as u64;
            }
        }
        if self.dirty.get_or_insert_with(Instant::now).elapsed() >= UNSYNCED {
            self.sync()?;
        }
        Ok(notice)
    }

    /// Whether the last block of an index equals this one.
    fn has(&mut self, index: usize, extent: &Extent, payload: &[u8]) -> Result<bool, Error> {
        let Some(known) = self.blocks.get(&index) else { return Ok(false) };
        let is_alike = (known.length, known.crc) == (extent.length, extent.crc);
        Ok(is_alike && self.payload(index)?.as_deref() == Some(payload))
    }

    /// Writes all of the bytes at the end, or none.
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let written = self.file.seek(SeekFrom::Start(self.end)).and_then(|_| self.file.write_all(bytes));
        if written.is_err() {
            // Remove the part that was written.
            let _ = self.file.set_len(self.end);
        }
        written
    }

    /// Syncs blocks that are not on the disk yet.
    pub(super) fn sync(&mut self) -> Result<(), Error> {
        if self.dirty.take().is_some() {
            self.file.sync_data().map_err(|e| Error::io(&self.path, &e))?;
        }
        Ok(())
    }

    /// Recreates the file from the open one, which the system keeps until it is closed.
    fn restore(&mut self) -> Result<String, Error> {
        let gone = |e: &dyn ToString| {
            let why = e.to_string();
            Error::refused(
                &self.path,
                format!("vanished during the run and cannot be restored ({why}); the run stops here"),
            )
        };
        if let Some(folder) = self.path.parent() {
            fs::create_dir_all(folder).map_err(|e| gone(&e))?;
        }
        let mut made = lock::make(&self.path).map_err(|e| gone(&e))?;
        let mut moved = BTreeMap::new();
        let path = self.path.clone();
        let copied = self
            .copy(&mut made, &mut moved)
            .and_then(|()| lock::sign(&mut made))
            .and_then(|()| made.sync_all());
        copied.map_err(|e| Error::io(&path, &e))?;
        self.file = made;
        self.moved_to(moved);
        Ok(format!("{} vanished during the run; restored, with all that was computed", path.display()))
    }

    /// The payload of an index, if it has a block.
    pub(super) fn payload(&mut self, index: usize) -> Result<Option<Vec<u8>>, Error> {
        let Some(extent) = self.blocks.get(&index) else { return Ok(None) };
        read(&mut self.file, &self.path, index, extent).map(Some)
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        let _ = self.sync(); // callers have seen the errors of their own syncs
        // A child process that is being started holds a copy of the open file, and with it the lock, until it runs its
        // own program: a record that was just closed would look as if it were still being written.
        let _ = self.file.unlock();
    }
}

/// The payload of a block that was intact when the file was opened.
pub(super) fn read(file: &mut File, path: &Path, index: usize, extent: &Extent) -> Result<Vec<u8>, Error> {
    let bytes = block::payload(file, extent).map_err(|e| Error::io(path, &e))?;
    bytes.ok_or_else(|| refused(path, format!("block {index} changed while it was read; run again")))
}

/// The position of the first block; an error unless the header is that of this experiment.
pub(super) fn check(header: Header, identity: &Identity, path: &Path) -> Result<u64, Error> {
    let reason = match header {
        Header::Of(found, end) => match identity.difference(&found) {
            None => return Ok(end),
            Some(_) if identity.version() != found.version() => format!(
                "a record of version {} of this crate, and this is {}; numbers may differ between versions: continue \
                 with that one, remove the file, or give this run its own record",
                shown(found.version()),
                identity.version()
            ),
            Some(difference) => {
                let data = identity.other_data(&found).map_or(String::new(), |words| format!(": {words}"));
                format!(
                    "the record of another experiment{data} (this run's value comes first: {difference}): give this \
                     run its own record, or remove the file"
                )
            }
        },
        Header::Newer(format) => format!(
            "a record in format {format}, of a newer version of this crate; this one, {}, reads format {}: update it, or \
             choose another file",
            env!("CARGO_PKG_VERSION"),
            block::FORMAT
        ),
        Header::Damaged => {
            "the header of this record is damaged, so its experiment is unknown: restore the file from a copy, or \
             remove it"
                .into()
        }
        Header::Begun => "a record that has only been begun".into(),
        Header::Foreign => "not a record of this crate: remove the file, or choose another".into(),
    };
    Err(refused(path, reason))
}

pub(super) fn refused(path: &Path, reason: String) -> Error {
    Error::File { path: path.into(), line: None, column: None, reason }
}

/// What is lost with the damaged bytes, and what is done about it.
fn in_words(log: &Log, damage: &Damage, is_tail: bool) -> String {
    let Damage { start, end, index } = damage;
    let which = match index {
        Some(index) if log.blocks.contains_key(index) => format!("an older block {index}, "),
        Some(index) => format!("block {index}, "),
        None => String::new(),
    };
    let count = log.blocks.len();
    let (what, done) = if is_tail { ("unfinished or damaged", "cut off") } else { ("damaged", "left out") };
    format!(
        "{}: {which}bytes {start} to {end} {what}; {done}, what they held will be computed again; the {count} other \
         blocks are kept",
        log.path.display()
    )
}

/// Repeats in words: `repeat 3`, `repeats 3, 5`.
pub(super) fn repeats_in_words(repeats: &[usize]) -> String {
    format!("repeat{} {}", if repeats.len() == 1 { "" } else { "s" }, few(repeats))
}

/// Numbers in words, with consecutive ones as ranges, shortened if there are many.
pub(super) fn few(list: &[usize]) -> String {
    let ranges = super::identity::counts(list);
    listed(&ranges.split(", ").collect::<Vec<_>>())
}
