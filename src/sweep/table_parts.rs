//! A table of cells in parts: each becomes text on one of several threads, and all go into the file in order.

use super::engine::Repeats;
use crate::Error;
use crate::machine::whole_file::WholeFile;
use std::io::Write;
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, Scope, ScopedJoinHandle};

/// Cells of a part, whose text is about a mebibyte; a repeat that has more is a part of its own.
pub(super) const CELLS: usize = 1 << 12;

/// Parts that become text before the first of them is written.
pub(super) fn at_once(workers: usize) -> usize {
    if workers == 1 { 1 } else { workers.saturating_mul(8) }
}

/// Some repeats.
pub(super) struct Part {
    /// How many cells come before.
    before: usize,
    repeats: Mutex<Repeats>,
}

impl Part {
    /// All repeats, in order.
    pub(super) fn all(found: Repeats) -> Vec<Self> {
        let (mut parts, mut before, mut cells) = (Vec::new(), 0, 0);
        let mut repeats = Repeats::new();
        for (repeat, places) in found {
            cells += places.iter().flatten().map(|measured| measured.lines.len()).sum::<usize>();
            repeats.push((repeat, places));
            if cells >= CELLS {
                parts.push(Self { before, repeats: Mutex::new(std::mem::take(&mut repeats)) });
                before += std::mem::take(&mut cells);
            }
        }
        if !repeats.is_empty() {
            parts.push(Self { before, repeats: Mutex::new(repeats) });
        }
        parts
    }

    /// How many cells come before.
    pub(super) fn before(&self) -> usize {
        self.before
    }

    /// How many repeats it has.
    pub(super) fn count(&self) -> usize {
        self.repeats().len()
    }

    /// Its repeats, which it then has no more.
    pub(super) fn take(&self) -> Repeats {
        std::mem::take(&mut *self.repeats())
    }

    fn repeats(&self) -> MutexGuard<'_, Repeats> {
        self.repeats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes text into a file: at once, or on a thread of its own, which gives the others time for the next.
pub(super) enum Writer<'scope> {
    Here(WholeFile, &'scope Path),
    /// `None` says that all of it has come: a file that is left before is not there.
    Beside(SyncSender<Option<Vec<u8>>>, ScopedJoinHandle<'scope, Result<(), Error>>),
}

impl<'scope> Writer<'scope> {
    /// On a thread of the scope, if there is one.
    pub(super) fn new(
        file: WholeFile,
        path: &'scope Path,
        scope: Option<&'scope Scope<'scope, '_>>,
    ) -> Result<Self, Error> {
        let Some(scope) = scope else { return Ok(Self::Here(file, path)) };
        let (sender, texts) = sync_channel(2);
        let thread = Builder::new().spawn_scoped(scope, move || write_all(file, path, &texts));
        let thread = thread.map_err(|e| Error::Resource { reason: format!("a thread that writes: {e}") })?;
        Ok(Self::Beside(sender, thread))
    }

    pub(super) fn write(&mut self, text: Vec<u8>) -> Result<(), Error> {
        match self {
            Self::Here(file, path) => file.write_all(&text).map_err(|e| Error::io(*path, &e)),
            // One that listens no more has failed, and says so when it is finished.
            Self::Beside(sender, _) => {
                let _ = sender.send(Some(text));
                Ok(())
            }
        }
    }

    /// Says that all has been written.
    pub(super) fn end(&mut self) {
        if let Self::Beside(sender, _) = self {
            let _ = sender.send(None);
        }
    }

    /// Puts the file in its place.
    pub(super) fn finish(mut self) -> Result<(), Error> {
        self.end();
        match self {
            Self::Here(file, _) => file.finish(),
            Self::Beside(sender, thread) => {
                drop(sender);
                let died = || Error::Resource { reason: "the thread that writes a table panicked".into() };
                thread.join().unwrap_or_else(|_| Err(died()))
            }
        }
    }
}

fn write_all(mut file: WholeFile, path: &Path, texts: &Receiver<Option<Vec<u8>>>) -> Result<(), Error> {
    while let Ok(text) = texts.recv() {
        match text {
            Some(text) => file.write_all(&text).map_err(|e| Error::io(path, &e))?,
            None => return file.finish(),
        }
    }
    Ok(())
}
