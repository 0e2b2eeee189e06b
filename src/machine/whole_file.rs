//! Files that are there whole or not at all: the one way in which this crate writes a file.
//!
//! Content goes to a file of another name in the same folder, `.double-descent-PROCESS-NUMBER.part`. When all of it is
//! there and on the disk, that file takes the name that was asked for, in one step. Whatever stops a program before
//! (an error, a full disk, a kill, a power cut), the file that was there earlier stays as it was. What a kill leaves
//! is the `.part` file, which may be removed.
//!
//! # Examples
//! ```
//! use double_descent::whole_file;
//! use std::io::Write;
//!
//! let path = std::env::temp_dir().join(format!("whole-{}.txt", std::process::id()));
//! whole_file::write(&path, |file| writeln!(file, "first"))?;
//! // One that fails half-way changes nothing.
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

/// Bytes that are gathered for the system. What comes in larger pieces goes there as it is: parts of a table do.
const BUFFER: usize = 1 << 16;

/// Writes a file whole, or leaves what was there: what `content` writes, and nothing if it fails.
///
/// # Errors
/// [`Error::Io`]: those of `content` and of [`WholeFile`].
pub fn write(path: &Path, content: impl FnOnce(&mut WholeFile) -> io::Result<()>) -> Result<(), Error> {
    let mut file = WholeFile::create(path)?;
    content(&mut file).map_err(|e| Error::io(path, &e))?;
    file.finish()
}

/// A file in the making, for content that comes over time: it is there after [`WholeFile::finish`]. One that is
/// dropped before leaves nothing.
///
/// A device or a pipe (`/dev/stdout`) has nothing to keep: it is written as content comes.
#[derive(Debug)]
pub struct WholeFile {
    /// What the caller calls it.
    path: PathBuf,
    /// What is replaced: a link leads to it.
    target: PathBuf,
    file: Option<BufWriter<File>>,
    /// The file that is written; `None` where that is the target itself.
    part: Option<PathBuf>,
}

impl WholeFile {
    /// Begins a file. One that is there keeps its permissions; its folder must be one in which files can be made.
    ///
    /// # Errors
    /// [`Error::Io`] if the path names no file, or a folder, or one that may not be written.
    pub fn create(path: &Path) -> Result<Self, Error> {
        let failed = |e: io::Error| Error::io(path, &e);
        let refuse = |reason: &str| Error::refused(path, reason);
        if path.file_name().is_none() {
            return Err(refuse("does not name a file"));
        }
        let mut permissions = None;
        let mut target = path.to_path_buf();
        // Opened without a change: the system says whether it may be written.
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

    /// Puts the file in its place, when all of it is on the disk.
    ///
    /// # Errors
    /// [`Error::Io`]; the file that was there earlier is as it was.
    pub fn finish(mut self) -> Result<(), Error> {
        self.settle().map_err(|e| Error::io(&self.path, &e))
    }

    fn settle(&mut self) -> io::Result<()> {
        let Some(writer) = self.file.take() else { return Ok(()) };
        let file = writer.into_inner().map_err(io::IntoInnerError::into_error)?;
        let Some(part) = &self.part else { return Ok(()) };
        file.sync_all()?;
        drop(file); // some systems rename no open file
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
        // Without what is still in the buffer: nobody will read it.
        drop(self.file.take().map(BufWriter::into_parts));
        if let Some(part) = &self.part {
            let _ = fs::remove_file(part); // the first error is the one to tell
        }
    }
}

/// A new file beside `target`.
fn new_part(target: &Path, permissions: Option<Permissions>) -> io::Result<(PathBuf, File)> {
    static WRITTEN: AtomicU64 = AtomicU64::new(0);
    loop {
        let count = WRITTEN.fetch_add(1, Ordering::Relaxed);
        let part = target.with_file_name(format!(".double-descent-{}-{count}.part", process::id()));
        match File::create_new(&part) {
            Ok(file) => {
                if let Some(permissions) = permissions {
                    let _ = file.set_permissions(permissions); // not every file system has them
                }
                return Ok((part, file));
            }
            // Left by a process that was killed and had this number.
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
            Err(e) => return Err(e),
        }
    }
}

/// The new name is on the disk, too, where a folder can be synchronised.
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
