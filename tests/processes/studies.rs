//! The studies as programs: how tests run them, and how they fail.

use crate::common::program::{Folder, binary};
use std::path::PathBuf;
use std::process::{Command, Output};

/// A study: the path of the common program, and the arguments that choose the study.
pub struct Program(pub PathBuf, pub Vec<String>);

pub fn program(study: &str) -> Option<Program> {
    binary().map(|path| Program(path.into(), vec![study.into()]))
}

/// Runs the program in `folder`, without the environment variables that change its input.
pub fn run(program: &Program, folder: &Folder, arguments: &[&str]) -> Output {
    Command::new(&program.0)
        .args(&program.1)
        .args(arguments)
        .current_dir(&folder.0)
        .env_remove("DOUBLE_DESCENT_DATA")
        .output()
        .unwrap()
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Checks for this exit code, nothing on standard output, and one line `error: …` with all of `says` on standard error.
pub fn fails(code: i32, program: &Program, folder: &Folder, arguments: &[&str], says: &[&str]) {
    let output = run(program, folder, arguments);
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{arguments:?}\n{out}\n{err}");
    assert_eq!(out, "", "{arguments:?}");
    assert!(err.starts_with("error: ") && err.trim_end().lines().count() == 1, "{arguments:?}: {err}");
    for word in says {
        assert!(err.contains(word), "{arguments:?}: no `{word}` in {err}");
    }
}

/// Checks that a study fails while it runs.
pub fn refused(program: &Program, folder: &Folder, arguments: &[&str], says: &[&str]) {
    fails(1, program, folder, arguments, says);
}

/// Checks for an error in the command line.
pub fn misused(program: &Program, folder: &Folder, arguments: &[&str], says: &[&str]) {
    fails(2, program, folder, arguments, says);
}
