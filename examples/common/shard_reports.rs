//! Reports on the shards of a study: what is there, and which commands remain to be run.

use super::table::{Item, Table};
use super::{counted, say};
use double_descent::sweep::{Shard, ShardState, ShardTime, Status, Workload};
use std::collections::BTreeSet;
use std::fmt::Display;
use std::path::Path;
use std::sync::{Mutex, OnceLock, PoisonError};

/// The command of this process: the program as called, and the study with its flags.
static COMMAND: OnceLock<(Vec<String>, Vec<String>)> = OnceLock::new();

/// The kind of report requested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    Status,
    Resume,
}

/// What was found of a study's shards; a study may have several sweeps.
static FOUND: Mutex<Vec<(Asked, String, Status)>> = Mutex::new(Vec::new());

/// The number of workers and the cost of each sweep of a study to be planned.
static PLANNED: Mutex<(usize, Vec<Workload>)> = Mutex::new((1, Vec::new()));

/// Stores the words of the command, for plans and for the printed commands.
pub fn set_command(is_of_all: bool, study: &str, words: &[String]) {
    let mut program = vec![std::env::args().next().unwrap_or_else(|| "double-descent".into())];
    if is_of_all {
        program.push(study.into());
    }
    let study = [study.to_owned()].into_iter().chain(without("shard", words)).collect();
    let _ = COMMAND.set((program, study)); // a process has one command
}

/// Returns the words of a command without a flag and its value.
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

/// The study of this process, and its flags.
pub fn study() -> &'static [String] {
    COMMAND.get().map_or(&[][..], |(_, study)| study)
}

/// Stores the cost of a sweep's shards for the final report.
pub fn planned(workers: usize, work: Workload) {
    let mut planned = PLANNED.lock().unwrap_or_else(PoisonError::into_inner);
    planned.0 = workers;
    planned.1.push(work);
}

/// Stores the contents of a sweep's shard folder for the final report.
pub fn found(asked: Asked, folder: &Path, status: Status) {
    let found = (asked, folder.display().to_string(), status);
    FOUND.lock().unwrap_or_else(PoisonError::into_inner).push(found);
}

/// Prints the requested report at the end of a study.
pub fn report() {
    let (workers, work) = &*PLANNED.lock().unwrap_or_else(PoisonError::into_inner);
    if !work.is_empty() {
        plan(*workers, work);
    }
    let found = FOUND.lock().unwrap_or_else(PoisonError::into_inner);
    match found.first() {
        Some((Asked::Status, ..)) => status(&found),
        Some(_) => resume(&found),
        None => {}
    }
}

/// Prints every problem on a line, and how much is there.
fn status(found: &[(Asked, String, Status)]) {
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
            "{name}: {} of {} are there; {}; {} of {} still {} to be run",
            status.present,
            counted(status.count, "repeat"),
            match status.files.len() {
                0 => "there is no record yet".into(),
                1 => format!("{complete} of 1 record is complete"),
                files => format!("{complete} of {files} records are complete"),
            },
            status.again.len(),
            counted(status.of, "shard"),
            if status.again.len() == 1 || status.of == 1 { "has" } else { "have" }
        ));
    }
    if table.is_empty() {
        table = Table::new("All shards are complete", ["folder"; 0]);
    }
    for note in notes {
        table.note(note);
    }
    table.print();
}

/// Prints the commands of shards that each take minutes, the most expensive first.
fn plan(workers: usize, work: &[Workload]) {
    let time = ShardTime::default();
    let of = time.shards(work, workers);
    let mut shards: Vec<Shard> = (0..of).filter_map(|k| Shard::new(k, of).ok()).collect();
    let seconds = |shard: &Shard| time.seconds(work, *shard);
    shards.sort_by(|a, b| seconds(b).total_cmp(&seconds(a)));
    let flops = work.iter().map(Workload::flops).sum::<f64>();
    let each = flops / time.flops_per_second / of as f64;
    let time_of_each = if each < 1.0 { "under 1 s".into() } else { format!("about {each:.0} s") };
    eprintln!(
        "about {flops:.1e} operations; {}, {time_of_each} each at {:.0e} operations a second\nplan only prints \
         commands: the first one to run writes the plan that status, resume and merge read",
        counted(of, "shard"),
        time.flops_per_second
    );
    commands(&shards);
}

/// This process's command with a `--shard`, quoted for a shell.
pub fn command(part: impl Display) -> String {
    let (program, study) =
        COMMAND.get().map_or((&[][..], &[][..]), |(program, study)| (program, &study[1..]));
    let words: Vec<String> = program.iter().chain(study).map(|word| quoted(word)).collect();
    format!("{} --shard {part}", words.join(" "))
}

/// Prints one command per line, each for one shard.
fn commands<'a>(shards: impl IntoIterator<Item = &'a Shard>) {
    for shard in shards {
        say!("{}", command(shard));
    }
}

/// Prints the commands of incomplete shards.
fn resume(found: &[(Asked, String, Status)]) {
    let again: BTreeSet<Shard> = found.iter().flat_map(|(.., status)| status.again.iter().copied()).collect();
    commands(&again);
    if again.is_empty() {
        eprintln!("nothing is missing");
    }
}

/// Quotes a word for a shell.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+%@".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.into();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}
