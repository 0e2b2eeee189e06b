//! The folder that holds the shards of one experiment.

use super::plan::machine;
use super::repeats::cut_of;
use super::{Identity, Merged, Payload, Plan, Shard, Workload};
use crate::Error;
use crate::machine::order;
use crate::sweep::Cut;
use std::io::ErrorKind;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

/// The extension of a record's name.
const ENDING: &str = "record";

/// The folder that holds the shards of one experiment: a [`Plan`] that identifies it, and a record for each shard,
/// `3-of-8.record`.
///
/// Every process that computes a shard must see the folder, but needs nothing else from the other processes.
///
/// # Examples
/// ```
/// use double_descent::{dataset::Dataset, sweep::{Shard, Sweep}};
///
/// # let dir = std::env::temp_dir().join(format!("double-descent-folder-{}", std::process::id()));
/// let sweep = Sweep::new(Dataset::diabetes(), 1..=20, 12, 0);
/// let shards = sweep.shards(&dir)?;
/// for k in [2, 0] {
///     // Each in its own process, on any machine.
///     let record = sweep.record(shards.begin(Shard::new(k, 3)?)?)?;
///     record.shard(k, 3)?.run(&())?;
/// }
/// assert_eq!(shards.status()?.again[0].to_string(), "2/3");
/// sweep.record(shards.begin(Shard::new(1, 3)?)?)?.shard(1, 3)?.run(&())?;
/// assert_eq!(sweep.merge(&shards.records()?)?, sweep.run()?);
/// # std::fs::remove_dir_all(&dir).unwrap();
/// # Ok::<(), double_descent::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Shards<P> {
    pub(super) folder: PathBuf,
    pub(super) identity: Identity,
    pub(super) workload: Workload,
    command: Vec<String>,
    place: String,
    payload: PhantomData<fn() -> P>,
}

impl<P: Payload> Shards<P> {
    /// The folder of an experiment with `count` indices. Does not read or write anything yet.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>, identity: &Identity, count: usize) -> Self {
        let (folder, identity) = (folder.into(), identity.clone());
        let workload = Workload::equal(count, 0.0);
        Self { folder, identity, workload, command: Vec::new(), place: String::new(), payload: PhantomData }
    }

    /// The same folder with the costs of its indices, one per index; shards are divided by these costs.
    #[must_use]
    pub fn with_workload(mut self, workload: Workload) -> Self {
        self.workload = workload;
        self
    }

    /// The costs of its indices, and their distribution among shards.
    #[must_use]
    pub fn workload(&self) -> &Workload {
        &self.workload
    }

    /// What the indices of a sweep stand for: repeats, or parts of them.
    #[must_use]
    pub fn cut(&self) -> Cut {
        cut_of(&self.identity)
    }

    /// The number of indices.
    pub(super) fn count(&self) -> usize {
        self.workload.count()
    }

    /// The same folder with two entries for the plan: the words of the command that runs it, and the folder's path
    /// below the command's output folder.
    #[must_use]
    pub fn with_command(mut self, words: &[String], place: impl Into<String>) -> Self {
        (self.command, self.place) = (words.to_vec(), place.into());
        self
    }

    /// The path of the folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The path of a shard's record.
    #[must_use]
    pub fn path(&self, shard: Shard) -> PathBuf {
        self.folder.join(format!("{}-of-{}.{ENDING}", shard.k() + 1, shard.of()))
    }

    /// Creates the folder and its plan if they do not exist, and returns the path of a shard's record. A run with more
    /// indices than planned writes a new plan for all of them.
    ///
    /// # Errors
    /// Those of [`plan`](Self::plan); [`Error::Io`] if the folder or the plan cannot be written.
    pub fn begin(&self, shard: Shard) -> Result<PathBuf, Error> {
        std::fs::create_dir_all(&self.folder).map_err(|e| self.failed(&e))?;
        if self.plan()?.is_none_or(|plan| plan.count < self.count()) {
            let plan = Plan {
                identity: self.identity.clone(),
                count: self.count(),
                of: shard.of(),
                command: self.command.clone(),
                place: self.place.clone(),
                machine: machine(),
            };
            plan.write(&self.folder)?;
            // If two experiments start in one folder at the same moment, one of them now finds the other's plan.
            self.plan()?;
        }
        Ok(self.path(shard))
    }

    /// The plan, if there is one.
    ///
    /// # Errors
    /// Those of [`Plan::read`]; [`Error::File`] for the plan of another experiment, with the differences.
    pub fn plan(&self) -> Result<Option<Plan>, Error> {
        let plan = Plan::read(&self.folder)?;
        if let Some(plan) = &plan {
            plan.check(&self.folder, &self.identity)?;
        }
        Ok(plan)
    }

    /// A warning, if this machine is of another kind than the one that wrote the plan. Their results may differ in the
    /// last digits, so the merged result may not have the bytes of one run on either.
    ///
    /// # Errors
    /// Those of [`plan`](Self::plan).
    pub fn other_machine(&self) -> Result<Option<String>, Error> {
        let (ours, plan) = (machine(), self.plan()?);
        Ok(plan.filter(|plan| plan.machine != ours).map(|plan| {
            format!(
                "{}: begun on {}, but this is {ours}; numbers may differ in their last digits",
                self.folder.display(),
                plan.machine
            )
        }))
    }

    /// The paths of all records in the folder, by shard.
    ///
    /// # Errors
    /// [`Error::Io`]; those of [`plan`](Self::plan); [`Error::Unsupported`] if there are no records.
    pub fn records(&self) -> Result<Vec<PathBuf>, Error> {
        self.plan()?;
        let records = self.list()?;
        if records.is_empty() {
            let reason =
                format!("{} holds no shards: run them first, or name their folder", self.folder.display());
            return Err(Error::Unsupported { reason });
        }
        Ok(records)
    }

    fn failed(&self, error: &std::io::Error) -> Error {
        if self.folder.is_file() {
            return Error::refused(&self.folder, "a file, not a folder; name a folder for the shards");
        }
        Error::io(&self.folder, error)
    }

    pub(super) fn list(&self) -> Result<Vec<PathBuf>, Error> {
        let entries = match std::fs::read_dir(&self.folder) {
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(|e| self.failed(&e))?,
        };
        let mut records = Vec::new();
        for entry in entries {
            let path = entry.map_err(|e| self.failed(&e))?.path();
            if path.extension().is_some_and(|ending| ending == ENDING) {
                records.push(path);
            }
        }
        // By shard, so that a merge reads the files one after the other.
        let shard = |path: &Path| shard_of(path).map(|shard| (shard.of(), shard.k()));
        order::sort(&mut records, |a, b| shard(a).cmp(&shard(b)).then_with(|| a.cmp(b)));
        Ok(records)
    }

    /// The combined contents of all records in the folder.
    ///
    /// # Errors
    /// Those of [`records`](Self::records) and of [`Merged::of`].
    pub fn merged(&self) -> Result<Merged<P>, Error> {
        Merged::of(&self.identity, self.count(), &self.records()?)
    }
}

/// The shard that a record belongs to, according to its name.
pub(super) fn shard_of(path: &Path) -> Option<Shard> {
    let (k, of) = path.file_stem()?.to_str()?.split_once("-of-")?;
    format!("{k}/{of}").parse().ok()
}
