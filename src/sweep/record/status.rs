//! The state of an experiment's shards.

use super::block::header;
use super::lock::open_to_read;
use super::merge::{Blocks, blocks};
use super::shards::shard_of;
use super::{Payload, Shard, Shards, of_kind};
use crate::Error;
use std::collections::BTreeMap;
use std::fs::TryLockError;
use std::path::PathBuf;

/// The contents of a folder of shards: [`Shards::status`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Status {
    /// The number of indices (the repeats of a sweep).
    pub count: usize,
    /// The number of indices that are in a record.
    pub present: usize,
    /// The number of planned shards.
    pub of: usize,
    /// The records in the folder.
    pub files: Vec<ShardFile>,
    /// The indices that must still be computed: those in none of the records, or failed for a reason that may be
    /// temporary.
    pub missing: Vec<usize>,
    /// The planned shards that have any missing index, except those that are being written.
    pub again: Vec<Shard>,
}

/// One record in a folder of shards.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ShardFile {
    /// The path of the record.
    pub path: PathBuf,
    /// Its shard, according to its name.
    pub shard: Option<Shard>,
    /// The number of indices that it has.
    pub present: usize,
    /// The state of the record.
    pub state: ShardState,
}

/// The state of a record.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ShardState {
    /// It has everything that its shard must compute.
    Complete,
    /// It has only a part.
    Unfinished,
    /// A process is writing it.
    Running,
    /// Some of its bytes are not blocks: cut off or changed. Intact blocks still count.
    Damaged {
        /// How many bytes.
        bytes: u64,
    },
    /// It cannot be used: it belongs to another experiment, or is not a record.
    Refused(Error),
}

impl<P: Payload> Shards<P> {
    /// Which shards are complete, unfinished, damaged or missing. Does not change any record.
    ///
    /// # Errors
    /// [`Error::Io`]; those of [`plan`](Self::plan).
    pub fn status(&self) -> Result<Status, Error> {
        let plan = self.plan()?;
        let mut found: BTreeMap<usize, bool> = BTreeMap::new();
        let files: Vec<ShardFile> =
            self.list()?.into_iter().map(|path| self.look(path, &mut found)).collect();
        let missing: Vec<usize> =
            (0..self.count()).filter(|index| !found.get(index).copied().unwrap_or(false)).collect();
        let of =
            plan.map(|plan| plan.of).or(files.iter().find_map(|file| Some(file.shard?.of()))).unwrap_or(1);
        let mut again = self.workload.with_any(&missing, of);
        let is_running = |shard: &Shard| {
            files.iter().any(|file| file.shard == Some(*shard) && file.state == ShardState::Running)
        };
        again.retain(|shard| !is_running(shard));
        Ok(Status { count: self.count(), present: found.len(), of, files, missing, again })
    }

    /// Adds a record's indices to `found`, each with whether it is final.
    fn look(&self, path: PathBuf, found: &mut BTreeMap<usize, bool>) -> ShardFile {
        let identity = of_kind::<P>(&self.identity);
        let shard = shard_of(&path);
        let read = open_to_read(&path).and_then(|mut file| {
            let is_running = matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock));
            // Unlock at once: a shard that starts while its record is scanned must not wait.
            let _ = file.unlock();
            Ok((is_running, blocks(&mut file, &path, &identity, &header(&identity))?))
        });
        let (is_running, Blocks { blocks, damaged }) = match read {
            Ok(read) => read,
            Err(error) => return ShardFile { path, shard, present: 0, state: ShardState::Refused(error) },
        };
        let mut present = 0;
        for (&index, extent) in blocks.range(..self.count()) {
            present += 1;
            *found.entry(index).or_default() |= extent.is_final;
        }
        let bytes = damaged.iter().map(|damage| damage.end - damage.start).sum();
        let is_there = |index: usize| blocks.get(&index).is_some_and(|extent| extent.is_final);
        let is_whole = shard.is_some_and(|shard| self.workload.indices(shard).into_iter().all(is_there));
        let state = match (is_running, bytes, is_whole) {
            (true, ..) => ShardState::Running,
            (_, 0, true) => ShardState::Complete,
            (_, 0, false) => ShardState::Unfinished,
            _ => ShardState::Damaged { bytes },
        };
        ShardFile { path, shard, present, state }
    }
}
