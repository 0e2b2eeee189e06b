//! A table of cells in parts: each becomes text on one of several threads, and all go into the file in order.

use super::engine::Repeats;
use crate::Error;
use crate::curve::{Listed, Text};
use crate::machine::spare::Spare;
use crate::machine::whole_file::WholeFile;
use std::io::Write;
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread::{Builder, Scope, ScopedJoinHandle};

/// Cells of a part, whose text stays in the cache until it is written; a repeat that has more is a part of its own.
pub(super) const CELLS: usize = 1 << 10;

/// Parts that become text before the first of them is written: each in room of its own, which is slow at first touch, so
/// that no more are there than keep the workers busy.
pub(super) fn at_once(workers: usize) -> usize {
    if workers == 1 { 1 } else { workers.saturating_mul(2) }
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

    /// Its repeats, which it then has no more.
    pub(super) fn take(&self) -> Repeats {
        std::mem::take(&mut *self.repeats.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The text of a part, and what is gathered of its cells.
#[derive(Default)]
pub(super) struct Room {
    pub(super) text: Text,
    pub(super) values: Listed,
}

/// Writes text into a file: at once, or on a thread of its own, which gives the others time for the next.
pub(super) enum Writer<'scope> {
    Here(WholeFile, &'scope Path, &'scope Spare<Room>),
    /// `None` says that all of it has come: a file that is left before is not there.
    Beside(SyncSender<Option<Room>>, ScopedJoinHandle<'scope, Result<(), Error>>),
}

impl<'scope> Writer<'scope> {
    /// On a thread of the scope, if there is one. What is written leaves its room.
    pub(super) fn new(
        (file, path): (WholeFile, &'scope Path),
        rooms: &'scope Spare<Room>,
        scope: Option<&'scope Scope<'scope, '_>>,
    ) -> Result<Self, Error> {
        let Some(scope) = scope else { return Ok(Self::Here(file, path, rooms)) };
        let (sender, texts) = sync_channel(2);
        let thread = Builder::new().spawn_scoped(scope, move || write_all((file, path), rooms, &texts));
        let thread = thread.map_err(|e| Error::Resource { reason: format!("a thread that writes: {e}") })?;
        Ok(Self::Beside(sender, thread))
    }

    pub(super) fn write(&mut self, room: Room) -> Result<(), Error> {
        match self {
            Self::Here(file, path, rooms) => write(file, path, rooms, room),
            // One that listens no more has failed, and says so when it is finished.
            Self::Beside(sender, _) => {
                let _ = sender.send(Some(room));
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
            Self::Here(file, ..) => file.finish(),
            Self::Beside(sender, thread) => {
                drop(sender);
                let died = || Error::Resource { reason: "the thread that writes a table panicked".into() };
                thread.join().unwrap_or_else(|_| Err(died()))
            }
        }
    }
}

fn write(file: &mut WholeFile, path: &Path, rooms: &Spare<Room>, room: Room) -> Result<(), Error> {
    file.write_all(room.text.bytes()).map_err(|e| Error::io(path, &e))?;
    rooms.give(room);
    Ok(())
}

fn write_all(
    (mut file, path): (WholeFile, &Path),
    rooms: &Spare<Room>,
    texts: &Receiver<Option<Room>>,
) -> Result<(), Error> {
    while let Ok(text) = texts.recv() {
        match text {
            Some(room) => write(&mut file, path, rooms, room)?,
            None => return file.finish(),
        }
    }
    Ok(())
}
