//! Studies in shards, on one machine or several: computes one shard, or merges all.

use super::flags::{Failure, Value, flags, usage};
use super::shard_reports::{self, Asked};
use super::{RunArgs, announce, announce_record, inputs, keep_folder, make_folder, say, with_progress};
use double_descent::Error;
use double_descent::curve::{Curve, Metric, Surface};
use double_descent::sweep::{
    Crossed, Cut, ErrorSplits, Identity, Payload, Plan, Record, Shard, Shards, Sweep, Tables, Workload,
};
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

flags! {
    /// Flags of the studies that can be computed in parts.
    pub struct ShardArgs {
        /// Compute one part of the repeats: K/OF is the K-th of OF parts, from 1/OF to OF/OF; auto takes the part from
        /// a job array, srun or mpirun; auto/OF does so for OF parts (HyperQueue, PBS, and job arrays that are rerun in
        /// part). Before computing parts, plan prints commands for shards of a few minutes each (plan/W: for W workers
        /// of one core). Afterwards, merge writes the tables and figures of a single run; tables writes the tables
        /// only, in little memory; status shows the progress of each shard; resume prints the commands that are still
        /// to be run
        shard: Option<Part> = None, "PART";
    }
}

impl ShardArgs {
    /// Whether this run writes tables and figures.
    pub fn has_results(&self) -> bool {
        matches!(self.shard, None | Some(Part::Merge | Part::Tables))
    }

    /// Creates the folder for results before anything is computed. A shard makes its own when it starts, a merge when
    /// it has its results, and reports make none.
    pub fn make_folder(&self, folder: &Path) -> Result<(), Error> {
        if self.shard.is_none() { make_folder(folder) } else { Ok(()) }
    }
}

/// What `--shard` requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    One(Shard),
    Auto(Option<usize>),
    Plan(usize),
    Merge,
    Tables,
    Status,
    Resume,
}

impl Value for Part {
    fn parse(text: &str) -> Result<Self, String> {
        let wrong = || {
            "neither a part like 3/8 nor auto, auto/8, plan, plan/64, merge, tables, status or resume"
                .to_owned()
        };
        let count = |text: &str| text.parse().ok().filter(|count| *count > 0).ok_or_else(wrong);
        match text.split_once('/') {
            None => match text {
                "auto" => Ok(Self::Auto(None)),
                "plan" => Ok(Self::Plan(1)),
                "merge" => Ok(Self::Merge),
                "tables" => Ok(Self::Tables),
                "status" => Ok(Self::Status),
                "resume" => Ok(Self::Resume),
                _ => Err(wrong()),
            },
            Some(("auto", of)) => count(of).map(|of| Self::Auto(Some(of))),
            Some(("plan", workers)) => count(workers).map(Self::Plan),
            Some(_) => text.parse().map(Self::One).map_err(|_| wrong()),
        }
    }

    fn show(&self) -> String {
        match self {
            Self::One(shard) => shard.to_string(),
            Self::Auto(None) => "auto".into(),
            Self::Auto(Some(of)) => format!("auto/{of}"),
            Self::Plan(workers) => format!("plan/{workers}"),
            Self::Merge => "merge".into(),
            Self::Tables => "tables".into(),
            Self::Status => "status".into(),
            Self::Resume => "resume".into(),
        }
    }
}

/// The folder of results of the whole command and of one sweep below it, and the sweep's name if the folder holds
/// several sweeps.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    pub out: &'a Path,
    pub folder: &'a Path,
    pub name: Option<&'a str>,
}

impl Place<'_> {
    fn shards(&self) -> PathBuf {
        let folder = self.folder.join("shards");
        self.name.map_or(folder.clone(), |name| folder.join(name))
    }
}

/// Returns the curve of a sweep, computed here or merged from its shards; `None` if this process computes one shard or
/// reports on them, so that there is nothing to write.
pub fn curve(
    args: &ShardArgs,
    place: Place<'_>,
    label: &str,
    sweep: &Sweep,
) -> Result<Option<Curve>, Failure> {
    let Some(part) = args.shard else {
        announce(&sweep.estimate()?);
        return Ok(Some(with_progress(label, |observer| sweep.run_with(observer))?));
    };
    of_sweep(part, place, label, sweep, |records| sweep.merge(records))
}

/// As [`curve`], for a sweep over a plane.
pub fn surface(
    args: &ShardArgs,
    place: Place<'_>,
    label: &str,
    sweep: &Sweep,
) -> Result<Option<Surface>, Failure> {
    let Some(part) = args.shard else {
        announce(&sweep.estimate()?);
        return Ok(Some(with_progress(label, |observer| sweep.surface_with(observer))?));
    };
    of_sweep(part, place, label, sweep, |records| sweep.merge_surface(records))
}

fn of_sweep<T>(
    part: Part,
    place: Place<'_>,
    label: &str,
    sweep: &Sweep,
    merge: impl FnOnce(&[PathBuf]) -> Result<T, Error>,
) -> Result<Option<T>, Failure> {
    let (part, of) = match part {
        Part::One(shard) => (part, shard.of()),
        Part::Auto(of) => {
            let shard = Shard::detect(of)?;
            (Part::One(shard), shard.of())
        }
        _ => (part, 1),
    };
    if let Part::Plan(workers) = part {
        shard_reports::planned(workers, sweep.workload_for(workers)?);
        return Ok(None);
    }
    let shards = planned(place, sweep.shards_for(place.shards(), of)?);
    let compute = |shard: Shard, path: &Path| {
        let recording = sweep.record_by(path, shards.cut())?.shard(shard.k(), shard.of())?;
        if shards.cut() != Cut::Repeats {
            eprintln!("{label}: shards are cut {}; shard {shard} has {recording}", shards.cut());
        }
        let done = with_progress(label, |observer| recording.compute(observer));
        warn(recording.notices());
        done?;
        Ok(recording.missing())
    };
    in_parts(part, &shards, label, compute, || merge(&shards.records()?))
}

/// As [`curve`], for the error splits of a crossed study.
pub fn splits(
    args: &ShardArgs,
    place: Place<'_>,
    label: &str,
    study: &Crossed,
) -> Result<Option<ErrorSplits>, Failure> {
    let Some(part) = args.shard else {
        return Ok(Some(with_progress(label, |observer| study.run_with(observer))?));
    };
    let shards = planned(place, study.shards(place.shards())?);
    let compute = |shard: Shard, path: &Path| {
        with_progress(label, |observer| study.compute_shard(shard, path, observer))
    };
    in_parts(part, &shards, label, compute, || study.merge(&shards.records()?))
}

/// Merges the `cells.csv` and `summary.csv` of a sweep from its shards without loading all cells at once, if no figures
/// are requested.
pub fn tables(
    args: &ShardArgs,
    place: Place<'_>,
    sweep: &Sweep,
    metrics: &[Metric],
    run: &RunArgs,
) -> Result<Option<Tables>, Failure> {
    let is_asked = args.shard == Some(Part::Tables) || args.shard == Some(Part::Merge) && run.no_figures;
    if !is_asked {
        return Ok(None);
    }
    let shards = planned(place, sweep.shards(place.shards())?);
    let records = shards.records().map_err(inputs::with_flags)?;
    let [cells, summary] = ["cells.csv", "summary.csv"].map(|name| place.folder.join(name));
    let tables = sweep.merge_tables(&records, &cells, &summary, metrics, run.bootstrap())?;
    keep_folder(place.folder)?;
    run.export.merge(sweep, &records, place.folder)?;
    Ok(Some(tables))
}

/// As [`curve`], for the payloads of a record: `work` computes a range of them, at the cost that `workload` gives.
pub fn payloads<P: Payload>(
    args: &ShardArgs,
    place: Place<'_>,
    (label, identity, workload): (&str, &Identity, Workload),
    threads: Option<usize>,
    work: impl Fn(Range<usize>) -> Result<Vec<P>, Error> + Sync,
) -> Result<Option<BTreeMap<usize, P>>, Failure> {
    let count = workload.count();
    let run = |path: &Path, indices: Vec<usize>| {
        let record = Record::<P>::open(path, identity)?;
        if args.shard.is_none() && !record.missing(indices.iter().copied()).is_empty() {
            announce_record(path);
        }
        let done = with_progress(label, |bar| record.run_some(indices, 1, threads, bar, &work));
        warn(record.notices());
        done?;
        Ok::<_, Error>(record)
    };
    let Some(part) = args.shard else {
        let record = run(&place.folder.join(format!("{label}.values")), (0..count).collect())?;
        let mut all = BTreeMap::new();
        for index in 0..count {
            all.extend(record.get(index)?.map(|payload| (index, payload)));
        }
        return Ok(Some(all));
    };
    let shards = planned(place, Shards::new(place.shards(), identity, count).with_workload(workload));
    let compute = |shard: Shard, path: &Path| {
        let indices = shards.workload().indices(shard);
        Ok(run(path, indices.clone())?.missing(indices))
    };
    in_parts(part, &shards, label, compute, || {
        let mut merged = shards.merged()?;
        merged.check_complete()?;
        let mut all = BTreeMap::new();
        for index in 0..count {
            all.extend(merged.get(index)?.map(|payload| (index, payload)));
        }
        Ok(all)
    })
}

/// Attaches this process's command to shards.
fn planned<P: Payload>(place: Place<'_>, shards: Shards<P>) -> Shards<P> {
    let below = shards.folder().strip_prefix(place.out).unwrap_or(shards.folder());
    let below = below.iter().map(|name| name.to_string_lossy()).collect::<Vec<_>>().join("/");
    shards.with_command(shard_reports::study(), below)
}

/// Returns the plans in a folder and those up to four levels below it, with their paths: from above the results of two
/// studies, as in results/ablations/diabetes/shards.
pub fn plans(folder: &Path) -> Result<Vec<(PathBuf, Plan)>, Failure> {
    let (mut found, mut level) = (Vec::new(), vec![folder.to_path_buf()]);
    for _ in 0..5 {
        for folder in &level {
            if let Some(plan) = Plan::read(folder)? {
                found.push((folder.clone(), plan));
            }
        }
        let below = level.iter().filter_map(|folder| std::fs::read_dir(folder).ok()).flatten().flatten();
        level = below.map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
        level.sort();
    }
    if found.is_empty() {
        return usage(format!(
            "there is no plan of shards in or below {}: the first shard to run writes it",
            folder.display()
        ));
    }
    Ok(found)
}

/// Carries out the request of `--shard`. `compute` is given the indices that remain to be computed.
fn in_parts<P: Payload, T>(
    part: Part,
    shards: &Shards<P>,
    label: &str,
    compute: impl FnOnce(Shard, &Path) -> Result<Vec<usize>, Error>,
    merge: impl FnOnce() -> Result<T, Error>,
) -> Result<Option<T>, Failure> {
    let shard = match part {
        Part::One(shard) => shard,
        Part::Auto(of) => Shard::detect(of)?,
        Part::Merge => return Ok(Some(merge().map_err(inputs::with_flags)?)),
        Part::Plan(workers) => {
            shard_reports::planned(workers, shards.workload().clone());
            return Ok(None);
        }
        Part::Tables => {
            return usage("--shard tables is for studies on tables of data; --shard merge is for all");
        }
        Part::Status | Part::Resume => {
            let asked = if part == Part::Status { Asked::Status } else { Asked::Resume };
            shard_reports::found(asked, shards.folder(), shards.status().map_err(inputs::with_flags)?);
            return Ok(None);
        }
    };
    let path = shards.begin(shard).map_err(inputs::with_flags)?;
    warn(shards.other_machine()?);
    announce_record(&path);
    let left = compute(shard, &path)?.len();
    if left > 0 {
        let reason = format!(
            "{left} of the repeats of shard {shard} of {label} could not be computed, for a reason that may pass; \
             run it again"
        );
        return Err(Error::Resource { reason }.into());
    }
    let next = if shard.of() == 1 { "; --shard merge makes its tables and figures" } else { "" };
    say!("shard {shard} of {label}: complete, in {}{next}", path.display());
    Ok(None)
}

fn warn(notices: impl IntoIterator<Item = String>) {
    for notice in notices {
        eprintln!("warning: {notice}");
    }
}
