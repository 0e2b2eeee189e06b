//! From the command line to the run of a study: parsing, `--help`, exit codes.

use super::flags::{Failure, Flag, Program, Rule, listed, refused, usage};
use super::{say, settings, shard_reports, table};
use double_descent::{Error, instructions};
use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::atomic::Ordering;

/// What a command line requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    Run { json: bool },
    Help,
    Version,
}

/// Runs a study with the arguments after the program's name, and returns the exit code: 0 done, 1 failed,
/// 2 for an error of the command line.
pub fn start<P: Program>(program: &str, words: Vec<OsString>) -> ExitCode {
    let mut study = P::default();
    let is_cut = listed(&mut study).iter().any(|flag| flag.name == "shard");
    let about = About { name: P::NAME, lines: P::ABOUT, rules: P::RULES };
    exit_code(match about.read(program, listed(&mut study), words) {
        Ok(true) => {
            keep_freed_memory();
            let done = check_instructions().and_then(|()| study.run());
            done.map(|()| shard_reports::report()).map_err(|failure| match failure {
                Failure::Study(error @ Error::Memory { .. }) if is_cut => {
                    Failure::Refused(format!("{error}, or compute fewer repeats at once (--shard K/OF)"))
                }
                other => other,
            })
        }
        Ok(false) => Ok(()),
        Err(failure) => Err(failure),
    })
}

/// What is known about a study before it runs.
struct About {
    name: &'static str,
    lines: &'static [&'static str],
    rules: &'static [Rule],
}

impl About {
    /// Sets the flags and returns whether the study is to run; if not, prints what was requested.
    fn read(&self, program: &str, mut flags: Vec<Flag<'_>>, words: Vec<OsString>) -> Result<bool, Failure> {
        let command: Vec<String> = words.iter().map(|word| word.to_string_lossy().into_owned()).collect();
        shard_reports::set_command(program != self.name, self.name, &command);
        match parse(&mut flags, self.rules, words.into_iter()) {
            Ok(Wanted::Run { json }) => {
                settings::keep(settings::command(self.name, self.rules, &flags));
                table::JSON.store(json, Ordering::Relaxed);
                return Ok(true);
            }
            Ok(Wanted::Help) => say!("{}", help(program, self.lines, &flags)),
            Ok(Wanted::Version) => say!("{}", version()),
            Err(reason) => return usage(reason),
        }
        Ok(false)
    }
}

/// Returns the exit code of an outcome, and prints its error.
pub fn exit_code(outcome: Result<(), Failure>) -> ExitCode {
    let lost = || table::lost().map_or(Ok(()), |reason| Err(Failure::Refused(reason)));
    let Err(failure) = outcome.and_then(|()| lost()) else { return ExitCode::SUCCESS };
    let (reason, code) = match failure {
        Failure::Usage(reason) => (reason, ExitCode::from(2)),
        Failure::Refused(reason) => (reason, ExitCode::FAILURE),
        Failure::Study(error) => (error.to_string(), ExitCode::FAILURE),
    };
    eprintln!("error: {reason}");
    code
}

/// Makes the allocator keep memory freed by one table for the next. The allocator of glibc returns large pieces to the
/// system; allocating them again costs one page fault per page. It takes its threshold for large from the largest piece
/// freed so far. The piece freed here is never touched, and so costs nothing.
fn keep_freed_memory() {
    const MOST: usize = 31 << 20;
    let mut piece: Vec<u8> = Vec::new();
    // Everything works without it too.
    if piece.try_reserve_exact(MOST).is_ok() {
        std::hint::black_box(&mut piece);
    }
}

/// Rejects a value of the variable for instructions that the library would ignore; warns if this processor cannot obey.
fn check_instructions() -> Result<(), Failure> {
    const VARIABLE: &str = "DOUBLE_DESCENT_INSTRUCTIONS";
    const SETS: [&str; 3] = ["plain", "avx2", "avx512"];
    let asked = std::env::var_os(VARIABLE).unwrap_or_default().to_string_lossy().trim().to_owned();
    let used = instructions::in_use();
    if asked.is_empty() || asked == used {
        return Ok(());
    }
    if !SETS.contains(&asked.as_str()) {
        let asked = asked.escape_debug();
        return refused(format!("{VARIABLE}: `{asked}` is none of {}; correct or unset it", SETS.join(", ")));
    }
    eprintln!("warning: {VARIABLE}: this processor has no {asked}; loops use {used}");
    Ok(())
}

pub fn version() -> String {
    format!("double-descent {}", env!("CARGO_PKG_VERSION"))
}

fn parse(
    flags: &mut [Flag<'_>],
    rules: &[Rule],
    mut words: impl Iterator<Item = OsString>,
) -> Result<Wanted, String> {
    let mut json = false;
    let mut spelled: Vec<(usize, String)> = Vec::new();
    while let Some(word) = words.next() {
        let text = word.to_str().ok_or_else(|| {
            let word = word.to_string_lossy();
            format!(
                "`{}` is not UTF-8; such a path must follow its flag as a separate word",
                word.escape_debug()
            )
        })?;
        match text {
            "-h" | "--help" => return Ok(Wanted::Help),
            "-V" | "--version" => return Ok(Wanted::Version),
            "--json" => {
                json = true;
                continue;
            }
            _ => {}
        }
        let Some(rest) = text.strip_prefix("--") else {
            return Err(format!("`{}` is not a flag; --help lists them", text.escape_debug()));
        };
        let (name, value) = rest.split_once('=').map_or((rest, None), |(name, value)| (name, Some(value)));
        let renamed = rules.iter().find_map(|rule| match *rule {
            Rule::Alias(old, new) if old == name => Some(new),
            _ => None,
        });
        let (spelling, name) = (name, renamed.unwrap_or(name));
        let Some(index) = flags.iter().position(|flag| flag.name == name) else {
            let known = flags.iter().map(|flag| flag.name.as_str()).chain(["json", "help", "version"]);
            let hint = match nearest(name, known) {
                _ if OF_TABLES.contains(&name) => {
                    "; only ablations, adversarial and diagnose read tables".into()
                }
                _ if name == "shard" => "; this study is not cut into shards".into(),
                Some(near) => format!("; did you mean --{near}?"),
                None => String::new(),
            };
            return Err(format!("unknown flag --{}{hint} (--help lists all)", name.escape_debug()));
        };
        if let Some((_, other)) = spelled.iter().find(|(other, as_is)| *other == index && as_is != spelling) {
            return Err(format!("--{other} and --{spelling} are one flag: give one of them"));
        }
        spelled.push((index, spelling.to_owned()));
        let flag = &mut flags[index];
        let value: OsString = match (flag.value.is_empty(), value) {
            (true, None) => OsString::new(),
            (true, Some(_)) => return Err(format!("--{name} takes no value")),
            (false, Some(value)) => value.into(),
            (false, None) => match words.next() {
                Some(next) if !next.to_str().is_some_and(|next| next.starts_with("--")) => next,
                _ => return Err(format!("--{name} needs a value, {}", flag.value)),
            },
        };
        flag.place.set(&value, flag.given).map_err(|reason| format!("--{name}: {reason}"))?;
        if COUNTS.contains(&name) && value.to_str().is_some_and(|value| value.trim().parse() == Ok(0_u64)) {
            return Err(format!("--{name}: `0` is too few; it must be at least 1"));
        }
        flag.words.push(value.to_string_lossy().into_owned());
        flag.given = true;
    }
    let given = |name: &str| flags.iter().any(|flag| flag.name == name && flag.given);
    for rule in rules {
        match *rule {
            Rule::Excludes(a, b) if given(a) && given(b) => {
                return Err(format!("--{a} and --{b} exclude each other"));
            }
            Rule::Requires(a, b) if given(a) && !given(b) => return Err(format!("--{a} needs --{b}")),
            _ => {}
        }
    }
    Ok(Wanted::Run { json })
}

/// Returns the known name with the fewest edits from `name`, ignoring case, if they are few enough for a typing error;
/// ties go to the name closest in length.
pub fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let name = name.to_lowercase();
    let off =
        |candidate: &str| (edits(&name, &candidate.to_lowercase()), candidate.len().abs_diff(name.len()));
    let ((edits, _), near) = known.map(|candidate| (off(candidate), candidate)).min()?;
    let length = name.chars().count();
    (edits <= 1 + length / 4 && edits < length).then_some(near)
}

/// The number of letters to insert, delete or replace (Levenshtein distance).
fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

/// The width of a help text, in columns.
const WIDTH: usize = 90;

fn help(program: &str, about: &[&str], flags: &[Flag<'_>]) -> String {
    let usage = format!("\nUsage: {program} [--FLAG VALUE]...\n\nFlags:");
    let mut lines = vec![wrapped(&about.concat(), 0), usage];
    for flag in flags {
        let value = if flag.value.is_empty() { String::new() } else { format!(" <{}>", flag.value) };
        let default = flag.default.as_ref().map(|value| format!("default: {value}"));
        let limits: Vec<String> = flag.place.range().into_iter().chain(default).collect();
        let limits = if limits.is_empty() { String::new() } else { format!(" [{}]", limits.join("; ")) };
        lines.extend([format!("  --{}{value}", flag.name), wrapped(&format!("{}{limits}", flag.help), 6)]);
        let choices = flag.choices().iter();
        lines.extend(choices.map(|(word, meaning)| wrapped(&format!("{word}: {meaning}"), 8)));
    }
    let json = "Print the closing tables as JSON, one per line, with all digits: null is a missing value, \"inf\" and \
                \"-inf\" are infinite ones; all other output goes to standard error";
    lines.extend(["  --json".into(), wrapped(json, 6)]);
    lines.push("  -h, --help\n      Print this help\n  -V, --version\n      Print the version\n".into());
    lines.push(EXIT_CODES.into());
    lines.join("\n")
}

/// Flags of the studies on tables, which a user may try in other studies.
const OF_TABLES: [&str; 4] = ["dataset", "data", "target", "class"];

/// Flags whose counts must not be zero.
const COUNTS: [&str; 7] = ["repeats", "threads", "block", "pool", "test", "n", "p"];

/// The end of every help text.
pub const EXIT_CODES: &str =
    "Exit codes: 0 done; 1 the study failed; 2 the command line is wrong (the error names the flag)";

/// Wraps text to at most [`WIDTH`] columns, indented by `indent` spaces.
pub fn wrapped(text: &str, indent: usize) -> String {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        // Long lists of numbers are broken at their commas.
        for (place, piece) in word.split_inclusive(',').enumerate() {
            let gap = if place == 0 { " " } else { "" };
            match lines.last_mut() {
                Some(line) if line.chars().count() + gap.len() + piece.chars().count() <= WIDTH => {
                    line.push_str(gap);
                    line.push_str(piece);
                }
                _ => lines.push(" ".repeat(indent) + piece),
            }
        }
    }
    lines.join("\n")
}
