//! Studies in parts, on one machine or many: one part is computed here, or all are put together.

use super::flags::{Failure, Value, flags, usage};
use super::table::{Item, Table};
use super::{announce, say, with_progress};
use double_descent::Error;
use double_descent::curve::{Bootstrap, Curve, Metric, Surface};
use double_descent::sweep::{Identity, Payload, Plan, Record, Shard, ShardState, Shards, Status, Sweep};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};

flags! {
    /// Flags of the studies that can be computed in parts.
    pub struct ShardArgs {
        /// Compute a part of the repeats: K/OF is the K-th of OF parts, from 1/OF to OF/OF; auto is the part that a job array,
        /// srun or mpirun says, auto/OF the same of OF parts (HyperQueue, PBS, and arrays that are run again in part).
        /// Or, when they are there: merge them into the tables and figures of one run, or into the tables alone, which
        /// takes little memory (tables); say the status of each; print the commands that are still to be run (resume)
        shard: Option<Part> = None, "PART";
    }
}

impl ShardArgs {
    /// Whether tables and figures are written.
    pub fn has_results(&self) -> bool {
        matches!(self.shard, None | Some(Part::Merge | Part::Tables))
    }
}

/// What `--shard` asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    One(Shard),
    Auto(Option<usize>),
    Merge,
    Tables,
    Status,
    Resume,
}

impl Value for Part {
    fn parse(text: &str) -> Result<Self, String> {
        let wrong = || "neither a part like 3/8 nor auto, auto/8, merge, tables, status or resume".to_owned();
        match (text, text.strip_prefix("auto/")) {
            ("auto", _) => Ok(Self::Auto(None)),
            ("merge", _) => Ok(Self::Merge),
            ("tables", _) => Ok(Self::Tables),
            ("status", _) => Ok(Self::Status),
            ("resume", _) => Ok(Self::Resume),
            (_, Some(of)) => {
                of.parse().ok().filter(|of| *of > 0).map(|of| Self::Auto(Some(of))).ok_or_else(wrong)
            }
            _ => text.parse().map(Self::One).map_err(|_| wrong()),
        }
    }

    fn show(&self) -> String {
        match self {
            Self::One(shard) => shard.to_string(),
            Self::Auto(None) => "auto".into(),
            Self::Auto(Some(of)) => format!("auto/{of}"),
            Self::Merge => "merge".into(),
            Self::Tables => "tables".into(),
            Self::Status => "status".into(),
            Self::Resume => "resume".into(),
        }
    }
}

/// The words of this process's command: how the program is called, and the study with its flags.
static COMMAND: OnceLock<(Vec<String>, Vec<String>)> = OnceLock::new();

/// What was found of the parts of a study; a study may have several sweeps.
static FOUND: Mutex<Vec<(Part, String, Status)>> = Mutex::new(Vec::new());

/// Keeps the words of the command, for plans and for what is printed to be run again.
pub fn set_command(is_of_all: bool, study: &str, words: &[String]) {
    let mut program = vec![std::env::args().next().unwrap_or_else(|| "double-descent".into())];
    if is_of_all {
        program.push(study.into());
    }
    let study = [study.to_owned()].into_iter().chain(without("shard", words)).collect();
    let _ = COMMAND.set((program, study)); // a process has one command
}

/// The words of a command without a flag that has a value.
pub fn without(flag: &str, words: &[String]) -> Vec<String> {
    let mut kept = Vec::new();
    let mut words = words.iter();
    let (apart, joined) = (format!("--{flag}"), format!("--{flag}="));
    while let Some(word) = words.next() {
        if *word == apart {
            words.next();
        } else if !word.starts_with(&joined) {
            kept.push(word.clone());
        }
    }
    kept
}

/// The folder of results: of the whole command, and of a sweep below it; and the name of the sweep, where that folder is
/// of several.
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

/// The curve of a sweep: computed here, or merged from its parts; `None` where this process computes a part, or says what
/// is there, and there is nothing to write.
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

/// [`curve`] of a sweep over a plane.
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
    let compute = |shard: Shard, path: &Path| {
        let recording = sweep.record(path)?.shard(shard.k(), shard.of())?;
        let done = with_progress(label, |observer| recording.compute(observer));
        warn(recording.notices());
        done?;
        Ok(recording.missing())
    };
    let shards = planned(place, sweep.shards(place.shards())?);
    in_parts(part, &shards, label, compute, || merge(&shards.records()?))
}

/// `cells.csv` and `summary.csv` of a sweep, merged from its parts without all cells at once, where that is asked for; how
/// many cells failed.
pub fn tables(
    args: &ShardArgs,
    place: Place<'_>,
    sweep: &Sweep,
    metrics: &[Metric],
    bootstrap: Option<Bootstrap>,
) -> Result<Option<usize>, Failure> {
    if args.shard != Some(Part::Tables) {
        return Ok(None);
    }
    let records = planned(place, sweep.shards(place.shards())?).records()?;
    let [cells, summary] = ["cells.csv", "summary.csv"].map(|name| place.folder.join(name));
    let tables = sweep.merge_tables(&records, &cells, &summary, metrics, bootstrap)?;
    say!("written: {}: {} cells, summary.csv", cells.display(), tables.cells);
    Ok(Some(tables.failures.len()))
}

/// The same for the payloads of a record: `work` computes those of a range.
pub fn payloads<P: Payload>(
    args: &ShardArgs,
    place: Place<'_>,
    (label, identity, count): (&str, &Identity, usize),
    threads: Option<usize>,
    work: impl Fn(Range<usize>) -> Result<Vec<P>, Error> + Sync,
) -> Result<Option<BTreeMap<usize, P>>, Failure> {
    let run = |path: &Path, range: Range<usize>| {
        let record = Record::<P>::open(path, identity)?;
        let done = with_progress(label, |bar| record.run(range.clone(), 1, threads, bar, &work));
        warn(record.notices());
        done?;
        Ok::<_, Error>(record)
    };
    let Some(part) = args.shard else {
        let record = run(&place.folder.join(format!("{label}.values")), 0..count)?;
        let mut all = BTreeMap::new();
        for index in 0..count {
            all.extend(record.get(index)?.map(|payload| (index, payload)));
        }
        return Ok(Some(all));
    };
    let shards = planned(place, Shards::new(place.shards(), identity, count));
    let compute = |shard: Shard, path: &Path| {
        let range = shard.range(count);
        Ok(run(path, range.clone())?.missing(range))
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

/// Shards with this process's command.
fn planned<P: Payload>(place: Place<'_>, shards: Shards<P>) -> Shards<P> {
    let below = shards.folder().strip_prefix(place.out).unwrap_or(shards.folder());
    let below = below.iter().map(|name| name.to_string_lossy()).collect::<Vec<_>>().join("/");
    let words = COMMAND.get().map_or(&[][..], |(_, study)| study);
    shards.with_command(words, below)
}

/// The plans in a folder and those below it, three levels deep, with their places.
pub fn plans(folder: &Path) -> Result<Vec<(PathBuf, Plan)>, String> {
    let (mut found, mut level) = (Vec::new(), vec![folder.to_path_buf()]);
    for _ in 0..4 {
        for folder in &level {
            if let Some(plan) = Plan::read(folder).map_err(|error| error.to_string())? {
                found.push((folder.clone(), plan));
            }
        }
        let below = level.iter().filter_map(|folder| std::fs::read_dir(folder).ok()).flatten().flatten();
        level = below.map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
        level.sort();
    }
    if found.is_empty() {
        return Err(format!("no plan of shards is in {}, nor below it", folder.display()));
    }
    Ok(found)
}

/// Does what `--shard` asks for. `compute` gives the indices that are still to be computed.
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
        Part::Merge => return Ok(Some(merge()?)),
        Part::Tables => {
            return usage("--shard tables is for the studies on tables of data; --shard merge is for all");
        }
        Part::Status | Part::Resume => {
            let status = shards.status()?;
            let name = shards.folder().display().to_string();
            FOUND.lock().unwrap_or_else(PoisonError::into_inner).push((part, name, status));
            return Ok(None);
        }
    };
    let path = shards.begin(shard)?;
    warn(shards.other_machine()?);
    let left = compute(shard, &path)?.len();
    if left > 0 {
        let reason = format!(
            "{left} of the repeats of shard {shard} of {label} could not be computed, for a reason that another day may not \
             see; run it again"
        );
        return Err(Error::Resource { reason }.into());
    }
    say!("shard {shard} of {label}: all of it is in {}", path.display());
    Ok(None)
}

fn warn(notices: impl IntoIterator<Item = String>) {
    for notice in notices {
        eprintln!("warning: {notice}");
    }
}

/// Says what was found, at the end of a study that was asked for it.
pub fn report() {
    let found = FOUND.lock().unwrap_or_else(PoisonError::into_inner);
    match found.first() {
        Some((Part::Status, ..)) => status(&found),
        Some(_) => resume(&found),
        None => {}
    }
}

/// What is not as it should be, line by line, and how much is there.
fn status(found: &[(Part, String, Status)]) {
    let mut table = Table::new("Shards that are not complete", ["folder", "shard", "repeats", "state"]);
    let mut notes = Vec::new();
    for (_, name, status) in found {
        let mut row = |shard: Option<Shard>, file: String, present: usize, state: String| {
            let shard = shard.map_or(file, |shard| shard.to_string());
            table.push(vec![Item::from(name.as_str()), shard.into(), present.into(), state.into()]);
        };
        let mut complete = 0;
        for file in &status.files {
            let state = match &file.state {
                ShardState::Complete => {
                    complete += 1;
                    continue;
                }
                ShardState::Unfinished => "unfinished".into(),
                ShardState::Running => "running".into(),
                ShardState::Damaged { bytes } => format!("{bytes} bytes damaged or cut off"),
                ShardState::Refused(error) => error.to_string(),
                state => format!("{state:?}"),
            };
            row(file.shard, file.path.display().to_string(), file.present, state);
        }
        let is_there = |shard: &Shard| status.files.iter().any(|file| file.shard == Some(*shard));
        for shard in status.again.iter().filter(|shard| !is_there(shard)) {
            row(Some(*shard), String::new(), 0, "missing".into());
        }
        notes.push(format!(
            "{name}: {} of {} repeats are there; {complete} of {} records are complete; {} of {} shards are to be run",
            status.present,
            status.count,
            status.files.len(),
            status.again.len(),
            status.of
        ));
    }
    for note in notes {
        table.note(note);
    }
    table.print();
}

/// Commands, one a line, each of which computes a shard of which something is missing.
fn resume(found: &[(Part, String, Status)]) {
    let again: BTreeSet<Shard> = found.iter().flat_map(|(.., status)| status.again.iter().copied()).collect();
    let Some((program, study)) = COMMAND.get() else { return };
    let words: Vec<String> = program.iter().chain(&study[1..]).map(|word| quoted(word)).collect();
    for shard in &again {
        say!("{} --shard {shard}", words.join(" "));
    }
    if again.is_empty() {
        eprintln!("nothing is missing");
    }
}

/// A word as a shell reads it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+%@".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.into();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}
