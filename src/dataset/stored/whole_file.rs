//! Files that are there whole or not at all.

use crate::Error;
use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::path::Path;
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};

/// Writes a file under another name in the same folder, and renames it when all of it is there.
pub(in crate::dataset) fn write_whole(
    path: &Path,
    content: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> Result<(), Error> {
    static WRITTEN: AtomicU64 = AtomicU64::new(0);
    let refuse = |reason: &str| Err(Error::Io { path: path.into(), reason: reason.into() });
    if path.file_name().is_none() {
        return refuse("names no file");
    }
    if fs::metadata(path).is_ok_and(|existing| !existing.is_file()) {
        return refuse("is there, and is no regular file");
    }
    let count = WRITTEN.fetch_add(1, Ordering::Relaxed);
    let part = path.with_file_name(format!(".double-descent-{}-{count}.part", process::id()));
    let mut file = BufWriter::new(File::create_new(&part).map_err(|e| Error::io(path, &e))?);
    let written = content(&mut file)
        .and_then(|()| file.into_inner()?.sync_all())
        .and_then(|()| fs::rename(&part, path));
    written.map_err(|e| {
        let _ = fs::remove_file(&part); // the first error is the one to tell
        Error::io(path, &e)
    })
}
