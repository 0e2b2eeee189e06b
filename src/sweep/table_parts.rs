//! A table of cells in parts: each becomes text on one of several threads, and all go into the file in order.

use super::engine::Repeats;
use crate::Error;
use crate::curve::Text;
use crate::machine::spare::Spare;
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

/// A file, where it is, and where texts go that are in it.
type Written<'scope> = (WholeFile, &'scope Path, &'scope Spare<Text>);

/// Writes text into a file: at once, or on a thread of its own, which gives the others time for the next.
pub(super) enum Writer<'scope> {
    Here(Written<'scope>),
    /// `None` says that all of it has come: a file that is left before is not there.
    Beside(SyncSender<Option<Text>>, ScopedJoinHandle<'scope, Result<(), Error>>),
}

impl<'scope> Writer<'scope> {
    /// On a thread of the scope, if there is one.
    pub(super) fn new(
        written: Written<'scope>,
        scope: Option<&'scope Scope<'scope, '_>>,
    ) -> Result<Self, Error> {
        let Some(scope) = scope else { return Ok(Self::Here(written)) };
        let (sender, texts) = sync_channel(2);
        let thread = Builder::new().spawn_scoped(scope, move || write_all(written, &texts));
        let thread = thread.map_err(|e| Error::Resource { reason: format!("a thread that writes: {e}") })?;
        Ok(Self::Beside(sender, thread))
    }

    pub(super) fn write(&mut self, text: Text) -> Result<(), Error> {
        match self {
            Self::Here(written) => write(written, text),
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
            Self::Here((file, ..)) => file.finish(),
            Self::Beside(sender, thread) => {
                drop(sender);
                let died = || Error::Resource { reason: "the thread that writes a table panicked".into() };
                thread.join().unwrap_or_else(|_| Err(died()))
            }
        }
    }
}

fn write((file, path, spare): &mut Written<'_>, text: Text) -> Result<(), Error> {
    file.write_all(text.written()).map_err(|e| Error::io(*path, &e))?;
    spare.give(text);
    Ok(())
}

fn write_all(mut written: Written<'_>, texts: &Receiver<Option<Text>>) -> Result<(), Error> {
    while let Ok(text) = texts.recv() {
        match text {
            Some(text) => write(&mut written, text)?,
            None => return written.0.finish(),
        }
    }
    Ok(())
}
