//! Atomic file writes: a file is complete or absent. The crate writes every file this way.
//!
//! Content goes to a temporary file in the same folder, `.double-descent-PROCESS-NUMBER.part`. Once all of it is on the
//! disk, the temporary file is renamed to the requested name in one step. If anything stops the program before (an
//! error, a full disk, a kill, a power cut), an existing file stays as it was. A killed program leaves the `.part` file
//! behind, which may be removed.
//!
//! # Examples
//! ```
//! use double_descent::whole_file;
//! use std::io::Write;
//!
//! let path = std::env::temp_dir().join(format!("whole-{}.txt", std::process::id()));
//! whole_file::write(&path, |file| writeln!(file, "first"))?;
//! // A write that fails half-way changes nothing.
//! let full = || std::io::Error::from(std::io::ErrorKind::StorageFull);
//! let failed = whole_file::write(&path, |file| writeln!(file, "half").and_then(|()| Err(full())));
//! assert!(failed.is_err());
//! assert_eq!(std::fs::read_to_string(&path).unwrap(), "first\n");
//! # std::fs::remove_file(&path).unwrap();
//! # Ok::<(), double_descent::Error>(())
//! ```

use crate::Error;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};

/// Buffer size in bytes. Larger pieces, such as parts of a table, bypass the buffer.
const BUFFER: usize = 1 << 16;

/// Writes what `content` writes to a file; if `content` fails, the file stays as it was.
///
/// # Errors
/// [`Error::Io`] if `content` or [`WholeFile`] fails.
pub fn write(path: &Path, content: impl FnOnce(&mut WholeFile) -> io::Result<()>) -> Result<(), Error> {
    let mut file = WholeFile::create(path)?;
    content(&mut file).map_err(|e| Error::io(path, &e))?;
    file.finish()
}

/// A file under construction, for content that arrives over time. It appears under its name after
/// [`WholeFile::finish`]; if dropped earlier, it leaves nothing.
///
/// A device or a pipe (`/dev/stdout`) is written directly, as content arrives.
#[derive(Debug)]
pub struct WholeFile {
    /// Path as given by the caller.
    path: PathBuf,
    /// File to replace, with links resolved.
    target: PathBuf,
    file: Option<BufWriter<File>>,
    /// Temporary file; `None` if the target itself is written.
    part: Option<PathBuf>,
}

impl WholeFile {
    /// Creates the temporary file, whose folder must be writable. An existing target keeps its permissions.
    ///
    /// # Errors
    /// [`Error::Io`] if the path names no file, or a folder, or a file that may not be written, or if a file cannot be
    /// created in its folder.
    pub fn create(path: &Path) -> Result<Self, Error> {
        let failed = |e: io::Error| Error::io(path, &e);
        let refuse = |reason: &str| Error::refused(path, reason);
        if path.file_name().is_none() {
            return Err(refuse("does not name a file"));
        }
        let mut permissions = None;
        let mut target = path.to_path_buf();
        // Opening it changes nothing; it asks the system whether the file may be written.
        match OpenOptions::new().write(true).open(path) {
            Ok(there) => {
                let metadata = there.metadata().map_err(failed)?;
                if !metadata.is_file() {
                    let file = Some(BufWriter::with_capacity(BUFFER, there));
                    return Ok(Self { path: path.into(), target, file, part: None });
                }
                permissions = Some(metadata.permissions());
                target = fs::canonicalize(path).map_err(failed)?;
            }
            Err(_) if path.is_dir() => return Err(refuse("exists and is not a regular file")),
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            Err(e) => return Err(failed(e)),
        }
        let (part, file) = new_part(&target, permissions).map_err(failed)?;
        Ok(Self {
            path: path.into(),
            target,
            file: Some(BufWriter::with_capacity(BUFFER, file)),
            part: Some(part),
        })
    }

    /// Moves the file to its place once all of it is on the disk.
    ///
    /// # Errors
    /// [`Error::Io`]; an existing file is as it was.
    pub fn finish(mut self) -> Result<(), Error> {
        self.settle().map_err(|e| Error::io(&self.path, &e))
    }

    fn settle(&mut self) -> io::Result<()> {
        let Some(writer) = self.file.take() else { return Ok(()) };
        let file = writer.into_inner().map_err(io::IntoInnerError::into_error)?;
        let Some(part) = &self.part else { return Ok(()) };
        file.sync_all()?;
        drop(file); // some systems cannot rename an open file
        fs::rename(part, &self.target)?;
        self.part = None;
        sync_folder(&self.target)
    }

    fn writer(&mut self) -> io::Result<&mut BufWriter<File>> {
        self.file.as_mut().ok_or_else(|| io::ErrorKind::NotConnected.into())
    }
}

impl Write for WholeFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer()?.write(bytes)
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.writer()?.write_all(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer()?.flush()
    }
}

impl Drop for WholeFile {
    fn drop(&mut self) {
        // Discard what is still in the buffer.
        drop(self.file.take().map(BufWriter::into_parts));
        if let Some(part) = &self.part {
            let _ = fs::remove_file(part); // the first error is the one to report
        }
    }
}

/// Creates a new temporary file next to `target`.
fn new_part(target: &Path, permissions: Option<Permissions>) -> io::Result<(PathBuf, File)> {
    static WRITTEN: AtomicU64 = AtomicU64::new(0);
    loop {
        let count = WRITTEN.fetch_add(1, Ordering::Relaxed);
        let part = target.with_file_name(format!(".double-descent-{}-{count}.part", process::id()));
        match File::create_new(&part) {
            Ok(file) => {
                if let Some(permissions) = permissions {
                    let _ = file.set_permissions(permissions); // not every file system supports them
                }
                return Ok((part, file));
            }
            // Left by a killed process that had the same process ID.
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
            Err(e) => return Err(e),
        }
    }
}

/// Writes the new name to disk too, if the system can synchronise a folder.
pub(crate) fn sync_folder(target: &Path) -> io::Result<()> {
    if cfg!(not(unix)) {
        return Ok(());
    }
    let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty());
    let Ok(folder) = File::open(folder.unwrap_or(Path::new("."))) else { return Ok(()) };
    match folder.sync_all() {
        Err(e) if !matches!(e.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => Err(e),
        _ => Ok(()),
    }
}
