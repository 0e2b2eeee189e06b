//! Every example of the crate as a subcommand of one program: `cargo run --release`, or
//! `cargo install --path .`. As a binary it builds none of the dependencies of tests and benches.

#[path = "../../../examples/ablations/mod.rs"]
mod ablations;
#[path = "../../../examples/adversarial/mod.rs"]
mod adversarial;
#[path = "../../../examples/bases/mod.rs"]
mod bases;
#[path = "../../../examples/bias_variance/mod.rs"]
mod bias_variance;
#[path = "../../../examples/common/mod.rs"]
mod common;
mod completions;
#[path = "../../../examples/diagnose/mod.rs"]
mod diagnose;
#[path = "../../../examples/effective_parameters/mod.rs"]
mod effective_parameters;
#[path = "../../../examples/ensembling/mod.rs"]
mod ensembling;
#[path = "../../../examples/epochs/mod.rs"]
mod epochs;
#[path = "../../../examples/evidence/mod.rs"]
mod evidence;
#[path = "../../../examples/flatness/mod.rs"]
mod flatness;
#[path = "../../../examples/grid/mod.rs"]
mod grid;
#[path = "../../../examples/label_noise/mod.rs"]
mod label_noise;
#[path = "../../../examples/more_data/mod.rs"]
mod more_data;
#[path = "../../../examples/polynomial/mod.rs"]
mod polynomial;
#[path = "../../../examples/random_fourier/mod.rs"]
mod random_fourier;
#[path = "../../../examples/sgd/mod.rs"]
mod sgd;
#[path = "../../../examples/smallest_singular_value/mod.rs"]
mod smallest_singular_value;
#[path = "../../../examples/splines/mod.rs"]
mod splines;
#[path = "../../../examples/streaming/mod.rs"]
mod streaming;
#[path = "../../../examples/theory/mod.rs"]
mod theory;
#[path = "../../../examples/universality/mod.rs"]
mod universality;
#[path = "../../../examples/weight_decay/mod.rs"]
mod weight_decay;

use common::command_line::{EXIT_CODES, exit_code, nearest, start, version, wrapped};
use common::flags::{Failure, Program, listed, usage};
use common::say;
use completions::{Listed, OF_SHARDS, Shell};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// A subcommand.
struct Entry {
    name: &'static str,
    about: &'static [&'static str],
    start: fn(&str, Vec<OsString>) -> ExitCode,
    flags: fn() -> Vec<Listed>,
}

const fn of<P: Program>() -> Entry {
    Entry { name: P::NAME, about: P::ABOUT, start: start::<P>, flags: flags::<P> }
}

fn flags<P: Program>() -> Vec<Listed> {
    let mut study = P::default();
    let mut flags: Vec<Listed> = listed(&mut study).iter().map(Listed::from).collect();
    for (name, names) in P::NAMES {
        flags.iter_mut().filter(|flag| flag.name == *name).for_each(|flag| flag.choices = names());
    }
    flags
}

/// The subcommands in the order of the help text: tables of data first.
const fn entries() -> [Entry; 22] {
    [
        of::<ablations::Cli>(),
        of::<adversarial::Cli>(),
        of::<diagnose::Cli>(),
        of::<polynomial::Cli>(),
        of::<smallest_singular_value::Cli>(),
        of::<random_fourier::Cli>(),
        of::<grid::Cli>(),
        of::<more_data::Cli>(),
        of::<label_noise::Cli>(),
        of::<ensembling::Cli>(),
        of::<bias_variance::Cli>(),
        of::<effective_parameters::Cli>(),
        of::<evidence::Cli>(),
        of::<flatness::Cli>(),
        of::<bases::Cli>(),
        of::<splines::Cli>(),
        of::<weight_decay::Cli>(),
        of::<epochs::Cli>(),
        of::<sgd::Cli>(),
        of::<universality::Cli>(),
        of::<streaming::Cli>(),
        of::<theory::Cli>(),
    ]
}

fn main() -> ExitCode {
    let mut words = std::env::args_os().skip(1);
    let Some(first) = words.next() else {
        say!("{}", overview());
        return exit_code(Ok(()));
    };
    // Accept underscores, as in the examples' names, or hyphens.
    let name = first.to_string_lossy();
    let (mut name, mut words) = (name.replace('-', "_"), words.collect::<Vec<_>>());
    if name == "help" && !words.is_empty() {
        name = words[0].to_string_lossy().replace('-', "_");
        words = vec!["--help".into()];
    }
    match name.as_str() {
        "help" | "__help" | "_h" => say!("{}", overview()),
        "__version" | "_V" => say!("{}", version()),
        "completions" if !is_help(&words) => return complete(&words),
        "completions" => say!("Completions for a shell\n\nUsage: double-descent completions bash|zsh|fish"),
        _ => match OF_SHARDS.into_iter().find(|(verb, _)| *verb == name) {
            Some((verb, _)) if !is_help(&words) => return of_shards(verb, words),
            Some((verb, about)) => say!("{}", help_of_shards(verb, about)),
            None => match entries().iter().find(|entry| entry.name == name) {
                Some(entry) => return (entry.start)(&format!("double-descent {}", entry.name), words),
                None => {
                    return unknown("study", &first.to_string_lossy(), entries().iter().map(|p| p.name));
                }
            },
        },
    }
    exit_code(Ok(()))
}

/// Whether the words after a subcommand ask for its help.
fn is_help(words: &[OsString]) -> bool {
    words.first().is_some_and(|word| word == "--help" || word == "-h")
}

/// Returns the help text of a subcommand for shards.
fn help_of_shards(verb: &str, about: &str) -> String {
    format!(
        "{about}\n\nUsage: double-descent {verb} FOLDER [--FLAG VALUE]...\n       double-descent {verb} STUDY \
         [--FLAG VALUE]...\n\nFOLDER holds the results of a planned study, or part of them. double-descent STUDY \
         --help lists the flags of a study.\n\n{EXIT_CODES}"
    )
}

fn complete(words: &[OsString]) -> ExitCode {
    let shell = words.first().map_or(String::new(), |word| word.to_string_lossy().into_owned());
    let Some(shell) = Shell::ALL.into_iter().find(|(name, _)| *name == shell).map(|(_, shell)| shell) else {
        return unknown("shell", &shell, Shell::ALL.into_iter().map(|(name, _)| name));
    };
    let studies: Vec<(&str, String, Vec<Listed>)> =
        entries().iter().map(|p| (p.name, sentence(p.about), (p.flags)())).collect();
    say!("{}", completions::script(shell, &studies));
    exit_code(Ok(()))
}

/// Runs `plan`, `status`, `merge`, `tables` or `resume` for a study's shards. The study is given by the folder of its
/// shards, whose plan names it, or by its name and flags.
fn of_shards(what: &str, words: Vec<OsString>) -> ExitCode {
    let Some((first, rest)) = words.split_first() else {
        eprintln!("error: {what} needs the folder of a study's results, or a study and its flags");
        return ExitCode::from(2);
    };
    let (name, mut words) = (first.to_string_lossy().replace('-', "_"), rest.to_vec());
    let given = |flag: &str| {
        words.iter().any(|word| word.to_str().is_some_and(|word| word.split('=').next() == Some(flag)))
    };
    let refuse = |reason: String| {
        eprintln!("error: {reason}");
        ExitCode::from(2)
    };
    if given("--shard") {
        return refuse(format!("--shard: {what} takes no --shard, which it stands for"));
    }
    let (entry, words) = match entries().into_iter().find(|entry| entry.name == name) {
        Some(entry) if (entry.flags)().iter().all(|flag| flag.name != "shard") => {
            return refuse(format!("{what}: {} cannot be computed in parts", entry.name));
        }
        Some(entry) => (entry, words),
        None => match planned(Path::new(first)) {
            Ok(_) if given("--out") => {
                return refuse(format!(
                    "--out: {what} FOLDER takes no --out: results go into FOLDER, next to its shards"
                ));
            }
            Ok((entry, mut planned)) => {
                planned.append(&mut words);
                (entry, planned)
            }
            Err(failure) => return exit_code(Err(failure)),
        },
    };
    let last = ["--shard".into(), what.into()];
    (entry.start)(&format!("double-descent {}", entry.name), words.into_iter().chain(last).collect())
}

/// Returns the study whose shards are in a folder, and the command line that it was started with.
fn planned(folder: &Path) -> Result<(Entry, Vec<OsString>), Failure> {
    let plans = common::shards::plans(folder)?;
    let (place, plan) = &plans[0];
    let other = plans.iter().find(|(_, other)| other.command != plan.command);
    if let Some((other, _)) = other {
        let (a, b) = (place.display(), other.display());
        return usage(format!(
            "{a} and {b} hold shards of different studies or flags: name one of these folders"
        ));
    }
    let study = plan.command.first().and_then(|name| entries().into_iter().find(|entry| entry.name == *name));
    let Some(study) = study else {
        let reason = "its plan names no study of this program: name the study and its flags";
        return usage(format!("{}: {reason}", place.display()));
    };
    let out = out_of(place, Path::new(&plan.place))?;
    let words = common::shard_reports::without("out", &plan.command[1..]);
    let words = words.into_iter().map(OsString::from).chain(["--out".into(), out.into()]).collect();
    Ok((study, words))
}

/// Returns the folder of results with these shards in it, which a plan places at `below`: it may have been moved as a
/// whole since the plan was written.
fn out_of(shards: &Path, below: &Path) -> Result<PathBuf, Failure> {
    // `.` and a name in the current folder say nothing of the folders above.
    let whole = if shards.ends_with(below) {
        shards.to_owned()
    } else {
        shards.canonicalize().map_err(|e| common::io_error(shards, &e))?
    };
    if !whole.ends_with(below) {
        return usage(format!(
            "{}: its plan is of {}; give the folders these names again",
            whole.display(),
            below.display()
        ));
    }
    let out = whole.ancestors().nth(below.components().count()).unwrap_or(Path::new(""));
    Ok(if out.as_os_str().is_empty() { ".".into() } else { out.into() })
}

/// Reports an unknown name on the command line and returns exit code 2.
fn unknown<'a>(what: &str, name: &str, known: impl Iterator<Item = &'a str> + Clone) -> ExitCode {
    let list = known.clone().collect::<Vec<_>>().join(", ");
    let hint = nearest(name, known).map_or(".".into(), |near| format!("; did you mean {near}?"));
    eprintln!("error: no {what} is called `{}`{hint} There are {list}", name.escape_debug());
    ExitCode::from(2)
}

/// Returns the first sentence of a study's description.
fn sentence(about: &[&str]) -> String {
    let text = about.concat();
    let end = text.find(". ").map_or(text.len(), |end| end + 1);
    text[..end].split_whitespace().collect::<Vec<_>>().join(" ").trim_end_matches('.').into()
}

/// The column in which the descriptions of studies start.
const INDENT: usize = 27;

fn overview() -> String {
    let line = |entry: &Entry| {
        let text = wrapped(&sentence(entry.about), INDENT);
        format!("  {:<width$}{}\n", entry.name, text.trim_start(), width = INDENT - 2)
    };
    let studies: String = entries().iter().map(line).collect();
    format!(
        "{}: studies of double descent in linear models, with tables and figures\n\n\
         Usage: double-descent STUDY [--FLAG VALUE]...\n\n\
         Studies:\n{studies}\n\
         Your own table:\n  double-descent ablations --dataset my.csv --target y\n  \
         double-descent diagnose --dataset my.csv --target y\n\n\
         A study in parts, on many machines (STUDY --shard K/OF):\n  double-descent plan STUDY [--FLAG VALUE]...\n  \
         double-descent status|merge|tables|resume FOLDER\n\n\
         double-descent STUDY --help lists the flags of a study.\n\
         double-descent completions bash|zsh|fish prints completions for a shell.\n\n{EXIT_CODES}",
        version()
    )
}
