//! Which shards of an experiment are there.

use super::block::header;
use super::lock::open_to_read;
use super::merge::{Blocks, blocks};
use super::shards::shard_of;
use super::{Payload, Shard, Shards, of_kind};
use crate::Error;
use std::collections::BTreeMap;
use std::fs::TryLockError;
use std::path::PathBuf;

/// What is in a folder of shards: [`Shards::status`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Status {
    /// How many indices (the repeats of a sweep) there are.
    pub count: usize,
    /// How many of them are in a record.
    pub present: usize,
    /// How many shards were planned.
    pub of: usize,
    /// The records in the folder.
    pub files: Vec<ShardFile>,
    /// The indices that are to be computed: in none of the records, or failed for a reason that another day may not see.
    pub missing: Vec<usize>,
    /// The planned shards that have some of these, but for those that are being written.
    pub again: Vec<Shard>,
}

/// One record in a folder of shards.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ShardFile {
    /// Where it is.
    pub path: PathBuf,
    /// Which shard it is of, by its name.
    pub shard: Option<Shard>,
    /// How many indices it has.
    pub present: usize,
    /// How it is.
    pub state: ShardState,
}

/// How a record is.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ShardState {
    /// All that its shard has to compute is there.
    Complete,
    /// A part is there.
    Unfinished,
    /// A process is writing it.
    Running,
    /// So many bytes of it are no blocks: cut off, or changed. What is whole counts.
    Damaged {
        /// How many.
        bytes: u64,
    },
    /// It cannot be used: of another experiment, or no record.
    Refused(Error),
}

impl<P: Payload> Shards<P> {
    /// Which shards are there, unfinished, damaged or missing. No record is changed.
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

    /// Adds the indices of a record, and whether they stay.
    fn look(&self, path: PathBuf, found: &mut BTreeMap<usize, bool>) -> ShardFile {
        let identity = of_kind::<P>(&self.identity);
        let shard = shard_of(&path);
        let read = open_to_read(&path).and_then(|mut file| {
            let is_running = matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock));
            // A shard that starts while its record is looked through is not to wait.
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
