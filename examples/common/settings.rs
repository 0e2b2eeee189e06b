//! The settings of a study, saved next to its results: the command line that repeats it, with defaults written out.

use super::command_line::version;
use super::flags::{Flag, Rule};
use super::progress::aside;
use double_descent::{Error, whole_file};
use std::path::Path;
use std::sync::OnceLock;

/// The file's name.
pub const FILE: &str = "settings.txt";

static COMMAND: OnceLock<String> = OnceLock::new();

/// Stores the command for the folders that the study creates.
pub fn keep(command: String) {
    // A program runs only one study.
    let _ = COMMAND.set(command);
}

/// Returns the command with every flag that has a value: given flags as given, all others at their defaults. A folder of
/// data that the environment names is written out, so that the command does not need it.
pub fn command(study: &str, rules: &[Rule], flags: &[Flag<'_>]) -> String {
    let given = |name: &str| flags.iter().any(|flag| flag.name == name && flag.given);
    let is_excluded = |name: &str| {
        rules.iter().any(|rule| match *rule {
            Rule::Excludes(a, b) => (b == name && given(a)) || (a == name && given(b)),
            _ => false,
        })
    };
    let folder = std::env::var_os("DOUBLE_DESCENT_DATA").map(|folder| folder.to_string_lossy().into_owned());
    let mut comments = format!("# {}\n", version());
    let mut lines = vec![format!("double-descent {study}")];
    // Studies of named tables read the folder only for those in it; others, if there is one.
    let is_for_all = flags.iter().all(|flag| flag.name != "dataset");
    // The shard does not affect the results.
    for flag in flags.iter().filter(|flag| flag.name != "shard") {
        let name = &flag.name;
        match (&flag.default, flag.given) {
            (_, true) if flag.value.is_empty() => lines.push(format!("--{name}")),
            (_, true) => lines.extend(flag.words.iter().map(|word| format!("--{name} {}", quoted(word)))),
            (Some(value), false) if !is_excluded(name) => lines.push(format!("--{name} {}", quoted(value))),
            (None, false) if name == "data-dir" => match &folder {
                Some(folder) => lines.push(format!("--{name} {}", quoted(folder))),
                None if is_for_all => {
                    comments += "# data: made by the program, without --data-dir and DOUBLE_DESCENT_DATA\n";
                }
                None => {}
            },
            _ => {}
        }
    }
    format!("{comments}{}\n", lines.join(" \\\n  "))
}

/// Quotes a word for a shell.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "._-,:/+=%".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

/// The lines of a command that affect its results, which the number of threads does not.
fn of_results(command: &str) -> Vec<&str> {
    let lines = command.lines().map(|line| line.trim_matches([' ', '\\']));
    lines.filter(|line| !line.starts_with("--threads")).collect()
}

/// Writes the settings into a folder, unless they are already there. Says so if it holds results of other settings.
pub fn write(folder: &Path) -> Result<(), Error> {
    let Some(command) = COMMAND.get() else { return Ok(()) };
    let path = folder.join(FILE);
    match std::fs::read_to_string(&path) {
        Ok(kept) if kept == *command => return Ok(()),
        Ok(kept) if of_results(&kept) == of_results(command) => {}
        Ok(_) => aside(|| {
            eprintln!(
                "note: {} holds results of other settings; this run replaces files of the same name only",
                folder.display()
            );
        }),
        Err(_) => {}
    }
    whole_file::write(&path, |file| std::io::Write::write_all(file, command.as_bytes()))
}
