//! The open file of a record: one writer at a time, whose name stands in the header.

use super::block::{WRITER, WRITER_AT, read};
use crate::Error;
use crate::error::words::shown;
use crate::machine::whole_file::sync_folder;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Seek, SeekFrom, Write};
use std::path::Path;
use std::process;
use std::time::Duration;

/// A process that a program starts holds the program's locks for a moment, and a writer that has just ended is as good as
/// none: a lock is asked for again before it is said to be held.
const ATTEMPTS: usize = 20;
const PAUSE: Duration = Duration::from_millis(25);

const NOT_REGULAR: &str = "is not a regular file";

/// Opens a file for this process alone, made where it was not; the lock goes with the file, and the system takes it back
/// when the process ends, however it ends.
pub(super) fn open(path: &Path) -> Result<File, Error> {
    // The name may pass to another file between opening and locking, when a writer mends its record.
    for _ in 0..100 {
        let (mut file, is_new) = open_or_make(path).map_err(|e| Error::io(path, &e))?;
        lock(&mut file, path)?;
        if is_at(&file, path) {
            if is_new {
                sync_folder(path).map_err(|e| Error::io(path, &e))?;
            }
            return Ok(file);
        }
    }
    Err(Error::refused(path, "other processes keep replacing it"))
}

/// Opens a file to read, whoever writes it. One that is no regular file might be waited for without end.
pub(super) fn open_to_read(path: &Path) -> Result<File, Error> {
    let failed = |e| Error::io(path, &e);
    if !fs::metadata(path).map_err(failed)?.is_file() {
        return Err(Error::refused(path, NOT_REGULAR));
    }
    File::open(path).map_err(failed)
}

/// Makes a file that is not there, for this process alone.
pub(super) fn make(path: &Path) -> Result<File, Error> {
    let mut file = options().create_new(true).open(path).map_err(|e| Error::io(path, &e))?;
    lock(&mut file, path)?;
    sync_folder(path).map_err(|e| Error::io(path, &e))?;
    Ok(file)
}

fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    options
}

fn open_or_make(path: &Path) -> io::Result<(File, bool)> {
    match options().open(path) {
        Err(e) if e.kind() == ErrorKind::NotFound => {}
        found => return found.map(|file| (file, false)),
    }
    match options().create_new(true).open(path) {
        // Somebody else was faster.
        Err(e) if e.kind() == ErrorKind::AlreadyExists => options().open(path).map(|file| (file, false)),
        made => made.map(|file| (file, true)),
    }
}

fn lock(file: &mut File, path: &Path) -> Result<(), Error> {
    if !file.metadata().map_err(|e| Error::io(path, &e))?.is_file() {
        return Err(Error::refused(path, NOT_REGULAR));
    }
    let mut locked = file.try_lock();
    for _ in 0..ATTEMPTS {
        if !matches!(locked, Err(TryLockError::WouldBlock)) {
            break;
        }
        std::thread::sleep(PAUSE);
        locked = file.try_lock();
    }
    match locked {
        // Without locks, as some network file systems are, blocks of two writers may damage each other; their checksums
        // tell, and what is damaged is computed again.
        Err(TryLockError::Error(e)) if e.kind() == ErrorKind::Unsupported => Ok(()),
        Err(TryLockError::Error(e)) => Err(Error::io(path, &e)),
        Err(TryLockError::WouldBlock) => {
            let other = writer(file).unwrap_or_else(|| "another process".into());
            let reason = format!(
                "{other} is writing this record; wait until it ends, or give this run its own record"
            );
            Err(Error::refused(path, reason))
        }
        Ok(()) => Ok(()),
    }
}

/// The process that wrote last.
fn writer(file: &mut File) -> Option<String> {
    let bytes = read(file, WRITER_AT, WRITER).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    Some(shown(text.trim())).filter(|text| !text.is_empty())
}

/// Puts this process's name into the header.
pub(super) fn sign(file: &mut File) -> io::Result<()> {
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host = if host.trim().is_empty() { String::new() } else { format!(" on {}", host.trim()) };
    let mut name = format!("process {}{host}", process::id()).into_bytes();
    name.resize(WRITER, b' ');
    file.seek(SeekFrom::Start(WRITER_AT))?;
    file.write_all(&name)
}

/// Whether the open file is the one at this path.
pub(super) fn is_at(file: &File, path: &Path) -> bool {
    let (Ok(open), Ok(there)) = (file.metadata(), fs::metadata(path)) else { return false };
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        (open.dev(), open.ino()) == (there.dev(), there.ino())
    }
    #[cfg(not(unix))]
    {
        open.len() == there.len()
    }
}
