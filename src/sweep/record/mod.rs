//! Records: results kept on disk as they are computed, so that a run can resume after any interruption.
//!
//! A record belongs to one experiment ([`Identity`]) and has one writer at a time. Whatever stops a run (a kill, a full
//! disk, a power cut), the next run with the same record computes what is missing, and the result has the same bytes as
//! an uninterrupted run. Repeats do not depend on each other, so a run may also be divided into shards, each with its
//! own record.

mod block;
mod bytes;
mod collect;
mod crossed;
mod described;
mod failure_bytes;
mod identity;
mod lock;
mod log;
mod merge;
#[cfg(feature = "parquet")]
mod parquet;
mod payload;
mod plan;
mod recording;
mod repeats;
mod shard;
mod shards;
mod status;
mod tables;
mod workload;

pub use identity::Identity;
pub use merge::Merged;
pub use payload::{Payload, Repeat};
pub use plan::Plan;
pub use recording::Recording;
pub use shard::Shard;
pub use shards::Shards;
pub use status::{ShardFile, ShardState, Status};
pub use workload::{ShardTime, Workload};

use super::{Grid, Observer};
use crate::machine::memory::reserve;
use crate::machine::spare::Spare;
use crate::{Error, error::user_code};
use block::Batch;
use log::Log;
use std::fmt;
use std::marker::PhantomData;
use std::ops::{ControlFlow, Range};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The open record of an experiment, locked by this process: payloads by index, appended as they are computed.
///
/// Whatever stops a run (a kill, a full disk, a power cut), the next run with the same record computes what is missing.
/// For a [`Sweep`](super::Sweep), use [`Sweep::record`](super::Sweep::record); this type is for studies of your own.
///
/// # The bytes
/// Little-endian. A header:
/// ```text
/// "\x89DDREC\r\n" · format (u32) · length of the text (u32) · the last writer's name (64 bytes)
///                 · the experiment in words: lines `name: value` · CRC-32 of all that but the writer
/// ```
/// Then blocks, in the order in which they were computed; if two have the same index, the later one counts:
/// ```text
/// "\xf1block\r\n" · index (u64) · length of the payload (u64) · 0, or 1 where it is to be computed again (u32)
///                 · CRC-32 of the payload · CRC-32 of the 32 bytes so far · the payload
/// ```
/// A block that is cut off at the end of the file is removed. A damaged block is left out; the blocks after it are
/// found by their first bytes and the checksum of their head. Both are reported ([`Record::notices`]).
///
/// # Examples
/// ```
/// use double_descent::sweep::{Identity, Record};
///
/// # let dir = std::env::temp_dir().join(format!("double-descent-record-{}", std::process::id()));
/// # std::fs::create_dir_all(&dir).unwrap();
/// # let path = dir.join("squares.record");
/// let identity = Identity::new("squares").with("power", 2);
/// let record = Record::<Vec<f64>>::open(&path, &identity)?;
/// // Ten indices, three at a time; indices already in the record are not computed again.
/// let squares = |range: std::ops::Range<usize>| Ok(range.map(|i| vec![(i * i) as f64]).collect());
/// assert!(record.run(0..10, 3, None, &(), squares)?);
/// assert_eq!(record.get(7)?, Some(vec![49.0]));
/// drop(record);
///
/// let cubes = Identity::new("squares").with("power", 3);
/// let refused = Record::<Vec<f64>>::open(&path, &cubes).unwrap_err();
/// assert!(refused.to_string().contains("power 3 and power 2"));
/// # std::fs::remove_dir_all(&dir).unwrap();
/// # Ok::<(), double_descent::Error>(())
/// ```
pub struct Record<P> {
    path: PathBuf,
    log: Mutex<Log>,
    notices: Mutex<Vec<String>>,
    payload: PhantomData<fn() -> P>,
}

impl<P: Payload> Record<P> {
    /// Opens the record of an experiment, or starts it; its folder must exist.
    ///
    /// Damaged or incomplete blocks are removed and reported in [`notices`](Self::notices).
    ///
    /// # Errors
    /// [`Error::File`] for a file that is not a record, or a record of another experiment (with the differences), of a
    /// newer version, or with a damaged header; [`Error::Io`] if another process is writing it, and for any failed file
    /// operation.
    pub fn open(path: &Path, identity: &Identity) -> Result<Self, Error> {
        let (log, notices) = Log::open(path, &of_kind::<P>(identity))?;
        Ok(Self {
            path: path.into(),
            log: Mutex::new(log),
            notices: Mutex::new(notices),
            payload: PhantomData,
        })
    }

    /// The path of the file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What has been repaired so far, one line each: an incomplete block cut off at the end, damaged blocks left out, a
    /// vanished file that was recreated.
    #[must_use]
    pub fn notices(&self) -> Vec<String> {
        self.notices.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The given indices that must still be computed: those not in the record, and those whose payload is not
    /// [final](Payload::is_final). The result has eight bytes for each: do not ask for more than fit in memory.
    #[must_use]
    pub fn missing(&self, indices: impl IntoIterator<Item = usize>) -> Vec<usize> {
        let log = self.log();
        indices
            .into_iter()
            .filter(|index| log.blocks.get(index).is_none_or(|extent| !extent.is_final))
            .collect()
    }

    /// Returns the payload of an index, if it is in the record.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::File`] if the payload's bytes have changed since the record was opened, or are not a
    /// payload of this version; [`Error::UserCode`] if the payload panics while it is decoded.
    pub fn get(&self, index: usize) -> Result<Option<P>, Error> {
        let payload = self.log().payload(index)?;
        payload.map(|bytes| decoded(&bytes, &self.path, index)).transpose()
    }

    /// Appends the payload of an index, replacing an earlier one.
    ///
    /// From then on a kill does not lose it. A power cut does not either, once it is synced: by the first append at
    /// least a second later, at the end of a run, or when the record is dropped. On an error (a full disk) nothing of
    /// it remains in the file, and all earlier payloads are kept.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::UserCode`] if the payload panics while it is encoded.
    pub fn append(&self, index: usize, payload: &P) -> Result<(), Error> {
        let mut batch = Batch::default();
        user_code::call(part(index), || {
            batch.push(index, payload.is_final(), |bytes| payload.encode(bytes));
        })?;
        self.write(&batch)
    }

    fn write(&self, batch: &Batch) -> Result<(), Error> {
        let notice = self.log().append(batch)?;
        self.notices.lock().unwrap_or_else(PoisonError::into_inner).extend(notice);
        Ok(())
    }

    /// Computes the [missing](Self::missing) indices of a range and appends their payloads as they are computed.
    ///
    /// Each call of `work` gets at most `at_once` consecutive indices and must return a payload for each. Runs on
    /// `threads` threads (`None`: as many as the machine has). The observer counts indices. Returns `true` if all
    /// indices are in the record, `false` if the observer stopped the run.
    ///
    /// # Errors
    /// The first error of `work`, which stops the run: also [`Error::UserCode`] if it panics, and [`Error::Shape`] if
    /// it returns another number of payloads. Those of [`append`](Self::append) and of [`Grid::run`]. Payloads computed
    /// before the error are in the record. [`Error::Memory`] for more missing indices than fit in memory.
    pub fn run(
        &self,
        range: Range<usize>,
        at_once: usize,
        threads: Option<usize>,
        observer: &dyn Observer,
        work: impl Fn(Range<usize>) -> Result<Vec<P>, Error> + Sync,
    ) -> Result<bool, Error> {
        self.run_each(range, at_once, threads, observer, work)
    }

    /// [`run`](Self::run) for indices in ascending order that need not be consecutive.
    ///
    /// # Errors
    /// Those of [`run`](Self::run).
    pub fn run_some(
        &self,
        indices: impl IntoIterator<Item = usize>,
        at_once: usize,
        threads: Option<usize>,
        observer: &dyn Observer,
        work: impl Fn(Range<usize>) -> Result<Vec<P>, Error> + Sync,
    ) -> Result<bool, Error> {
        self.run_each(indices, at_once, threads, observer, work)
    }

    /// [`run_some`](Self::run_some) where `work` may return its payloads lazily, one by one.
    fn run_each<I: IntoIterator<Item = P>>(
        &self,
        indices: impl IntoIterator<Item = usize>,
        at_once: usize,
        threads: Option<usize>,
        observer: &dyn Observer,
        work: impl Fn(Range<usize>) -> Result<I, Error> + Sync,
    ) -> Result<bool, Error> {
        let (present, indices) = (self.present(usize::MAX), indices.into_iter());
        let least = indices.size_hint().0.saturating_sub(present);
        let each = size_of::<usize>() + size_of::<Range<usize>>();
        reserve("the missing indices of a record", least.saturating_mul(each))?;
        let missing = self.missing(indices);
        let groups: Vec<Range<usize>> = missing
            .chunk_by(|a, b| a + 1 == *b)
            .flat_map(|run| run.chunks(at_once.max(1)))
            .filter_map(|group| Some(*group.first()?..group.last()? + 1))
            .collect();
        if groups.is_empty() {
            return Ok(true);
        }
        let (done, failed, spare) = (AtomicUsize::new(0), AtomicBool::new(false), Spare::<Batch>::new());
        let watched = |_: usize, _: usize| {
            let seen = observer.progress(done.load(Ordering::Relaxed), missing.len());
            if failed.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { seen }
        };
        let compute = |group: usize| {
            let range = groups[group].clone();
            let part = || format!("the work at {range:?} of a record");
            // What was computed together is written together: the cost of a system call per payload would be
            // noticeable.
            let mut batch = user_code::call(part, || {
                let (mut batch, mut count) = (spare.take().unwrap_or_default(), 0);
                for payload in work(range.clone())? {
                    if count < range.len() {
                        batch.push(range.start + count, payload.is_final(), |bytes| payload.encode(bytes));
                    }
                    count += 1;
                }
                Error::check_len("results of a range of repeats", range.len(), count)?;
                Ok::<_, Error>(batch)
            })??;
            self.write(&batch)?;
            batch.clear();
            spare.give(batch);
            done.fetch_add(range.len(), Ordering::Relaxed);
            Ok(())
        };
        // Reversed, since a grid starts with the largest values of its axis.
        let grid = Grid { axis: (0..groups.len()).collect(), repeats: 1, threads, batch: 1 };
        let visited = grid.run(&watched, |places| {
            let computed = |place: &super::Place| {
                let result = compute(groups.len() - 1 - place.axis_value);
                failed.fetch_or(result.is_err(), Ordering::Relaxed);
                result
            };
            places.iter().map(computed).collect()
        });
        self.log().sync()?;
        let mut complete = true;
        for (_, result) in visited? {
            match result {
                Some(result) => result?,
                None => complete = false,
            }
        }
        Ok(complete)
    }

    /// The number of indices below `end` in the record.
    fn present(&self, end: usize) -> usize {
        self.log().blocks.range(..end).count()
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<P> fmt::Debug for Record<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record").field("path", &self.path).finish_non_exhaustive()
    }
}

/// The identity of an experiment with the kind of its payloads added.
fn of_kind<P: Payload>(identity: &Identity) -> Identity {
    identity.clone().with("holds", P::KIND)
}

/// Whose code encodes and decodes a payload.
fn part(index: usize) -> impl FnOnce() -> String {
    move || format!("the payload at {index} of a record")
}

fn decoded<P: Payload>(bytes: &[u8], path: &Path, index: usize) -> Result<P, Error> {
    user_code::call(part(index), || P::decode(bytes))?.ok_or_else(|| not_decoded(path, index))
}

/// The error for a block whose bytes are not a payload.
fn not_decoded(path: &Path, index: usize) -> Error {
    let reason =
        format!("block {index} is whole, but not what this version of the crate writes; remove the file");
    log::refused(path, reason)
}
