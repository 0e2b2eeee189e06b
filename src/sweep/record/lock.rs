//! Opens the file of a record for one writer at a time, whose name is in the header.

use super::block::{WRITER, WRITER_AT, read};
use crate::Error;
use crate::error::words::shown;
use crate::machine::whole_file::sync_folder;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Seek, SeekFrom, Write};
use std::path::Path;
use std::process;
use std::time::Duration;

/// A lock is requested several times before it counts as held: a child process briefly holds its parent's locks, and a
/// writer that has just ended does not count.
const ATTEMPTS: usize = 20;
const PAUSE: Duration = Duration::from_millis(25);

const NOT_REGULAR: &str = "is not a regular file";

/// Opens a file exclusively for this process, and creates it if it does not exist. The lock belongs to the open file;
/// the system releases it when the process ends, however it ends.
pub(super) fn open(path: &Path) -> Result<File, Error> {
    // Between opening and locking, another writer that repairs its record may replace the file under this name.
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

/// Opens a file for reading, even while another process writes it. Only regular files: reading others may block
/// forever.
pub(super) fn open_to_read(path: &Path) -> Result<File, Error> {
    let failed = |e| Error::io(path, &e);
    if !fs::metadata(path).map_err(failed)?.is_file() {
        return Err(Error::refused(path, NOT_REGULAR));
    }
    File::open(path).map_err(failed)
}

/// Creates a file that must not exist yet, exclusively for this process.
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
        // Another process created it first.
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
        // Some network file systems have no locks. There, two writers may damage each other's blocks; the checksums
        // detect this, and damaged blocks are computed again.
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

/// The name of the process that wrote last.
fn writer(file: &mut File) -> Option<String> {
    let bytes = read(file, WRITER_AT, WRITER).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    Some(shown(text.trim())).filter(|text| !text.is_empty())
}

/// Writes this process's name into the header.
pub(super) fn sign(file: &mut File) -> io::Result<()> {
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host = if host.trim().is_empty() { String::new() } else { format!(" on {}", host.trim()) };
    let mut name = format!("process {}{host}", process::id()).into_bytes();
    name.resize(WRITER, b' ');
    file.seek(SeekFrom::Start(WRITER_AT))?;
    file.write_all(&name)
}

/// Whether the open file is still the one at this path.
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
