//! Command lines: flags are the fields of a struct, their help its comments, their defaults its `Default`.
//!
//! [`flags!`] declares such a struct, [`choices!`] the words that a flag may have; [`start`] reads the words of the
//! command line into it and runs the study. `--help`, `--version`, errors and shell completions follow from the same
//! declaration.

use super::say;
use double_descent::Error;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::Ordering;

/// What a study ends in when it fails.
#[derive(Debug)]
pub enum Failure {
    /// The command line is wrong: exit code 2.
    Usage(String),
    /// The study could not be computed or its results not be written: exit code 1.
    Study(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Study(error)
    }
}

/// An error of the command line.
pub fn usage<T>(reason: impl Into<String>) -> Result<T, Failure> {
    Err(Failure::Usage(reason.into()))
}

/// Structs whose fields are flags; [`flags!`] implements it.
pub trait Flags: Default {
    /// What the study does: the lines of the struct's comment.
    const ABOUT: &'static [&'static str];

    fn declare<'a>(&'a mut self, list: &mut Vec<Flag<'a>>);
}

/// A study as a program.
pub trait Program: Flags {
    const NAME: &'static str;
    const RULES: &'static [Rule] = &[];

    fn run(&self) -> Result<(), Failure>;
}

/// What a study changes in the flags it shares with others, and which flags go together.
#[derive(Clone, Copy, Debug)]
pub enum Rule {
    /// This flag does nothing here: it is unknown.
    Without(&'static str),
    /// This flag (first) has another help text here.
    Help(&'static str, &'static str),
    /// An old name (first) of a flag (second).
    Alias(&'static str, &'static str),
    /// Two flags that exclude one another.
    Excludes(&'static str, &'static str),
    /// The first flag needs the second.
    Requires(&'static str, &'static str),
}

/// A flag: a place for its value, and what `--help` says of it.
pub struct Flag<'a> {
    pub name: String,
    /// What the value is called; empty for a flag that has none.
    pub value: &'static str,
    pub help: String,
    default: Option<String>,
    place: &'a mut dyn Place,
    given: bool,
}

impl<'a> Flag<'a> {
    pub fn new(field: &str, value: &'static str, help: &[&str], place: &'a mut dyn Place) -> Self {
        let default = place.default();
        let name = field.trim_start_matches("r#").replace('_', "-");
        Self { name, value, help: help.concat().trim().into(), default, place, given: false }
    }

    pub fn choices(&self) -> &'static [(&'static str, &'static str)] {
        self.place.choices()
    }
}

/// What flags write their values to.
pub trait Place {
    /// `again` is true if the flag was given before.
    fn set(&mut self, text: &OsStr, again: bool) -> Result<(), String>;
    /// The default value for `--help`.
    fn default(&self) -> Option<String>;
    fn choices(&self) -> &'static [(&'static str, &'static str)] {
        &[]
    }
}

/// Values of flags.
pub trait Value: Sized {
    /// Words and what they mean, if these are all there are.
    const CHOICES: &'static [(&'static str, &'static str)] = &[];
    /// What separates the values of a list in one word.
    const SEPARATOR: Option<char> = Some(',');

    /// What is wrong with `text`, without the text itself.
    fn parse(text: &str) -> Result<Self, String>;

    fn show(&self) -> String;

    fn parse_os(text: &OsStr) -> Result<Self, String> {
        let wrong = |reason: String| format!("`{}` is {reason}", text.to_string_lossy().escape_debug());
        text.to_str().ok_or_else(|| "not UTF-8".into()).and_then(Self::parse).map_err(wrong)
    }
}

macro_rules! numbers {
    ($($type:ty: $what:literal),*) => {$(
        impl Value for $type {
            fn parse(text: &str) -> Result<Self, String> {
                text.trim().parse().map_err(|_| $what.into())
            }
            fn show(&self) -> String {
                self.to_string()
            }
        }
    )*};
}
numbers! {
    u32: "no whole number from 0 to 4294967295",
    u64: "no whole number from 0 to 18446744073709551615",
    usize: "no whole number ≥ 0",
    f64: "no number",
    char: "not one character"
}

/// Lists of words are separated by whoever reads them: a name may have a comma.
impl Value for String {
    const SEPARATOR: Option<char> = None;

    fn parse(text: &str) -> Result<Self, String> {
        Ok(text.into())
    }

    fn show(&self) -> String {
        self.clone()
    }
}

impl Value for PathBuf {
    fn parse(text: &str) -> Result<Self, String> {
        Ok(text.into())
    }

    fn show(&self) -> String {
        self.display().to_string()
    }

    fn parse_os(text: &OsStr) -> Result<Self, String> {
        Ok(text.into())
    }
}

/// A number from `MIN` to `MAX`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count<const MIN: u32, const MAX: u32 = 65535>(pub u32);

impl<const MIN: u32, const MAX: u32> Value for Count<MIN, MAX> {
    fn parse(text: &str) -> Result<Self, String> {
        let number = text.trim().parse().ok().filter(|number| (MIN..=MAX).contains(number));
        number.map(Self).ok_or_else(|| format!("no whole number from {MIN} to {MAX}"))
    }

    fn show(&self) -> String {
        self.0.to_string()
    }
}

impl<const MIN: u32, const MAX: u32> From<Count<MIN, MAX>> for usize {
    fn from(count: Count<MIN, MAX>) -> Self {
        Self::try_from(count.0).unwrap_or(Self::MAX)
    }
}

impl<T: Value> Place for T {
    fn set(&mut self, text: &OsStr, again: bool) -> Result<(), String> {
        if again {
            return Err("given twice".into());
        }
        *self = T::parse_os(text)?;
        Ok(())
    }

    fn default(&self) -> Option<String> {
        Some(self.show())
    }

    fn choices(&self) -> &'static [(&'static str, &'static str)] {
        T::CHOICES
    }
}

impl<T: Value> Place for Option<T> {
    fn set(&mut self, text: &OsStr, again: bool) -> Result<(), String> {
        if again {
            return Err("given twice".into());
        }
        *self = Some(T::parse_os(text)?);
        Ok(())
    }

    fn default(&self) -> Option<String> {
        self.as_ref().map(Value::show)
    }

    fn choices(&self) -> &'static [(&'static str, &'static str)] {
        T::CHOICES
    }
}

/// The first value takes the place of the defaults, others are added.
impl<T: Value> Place for Vec<T> {
    fn set(&mut self, text: &OsStr, again: bool) -> Result<(), String> {
        if !again {
            self.clear();
        }
        match (T::SEPARATOR, text.to_str()) {
            (Some(separator), Some(text)) => {
                for part in text.split(separator) {
                    self.push(T::parse_os(OsStr::new(part))?);
                }
            }
            _ => self.push(T::parse_os(text)?),
        }
        Ok(())
    }

    fn default(&self) -> Option<String> {
        (!self.is_empty()).then(|| self.iter().map(Value::show).collect::<Vec<_>>().join(","))
    }

    fn choices(&self) -> &'static [(&'static str, &'static str)] {
        T::CHOICES
    }
}

/// A flag without a value.
impl Place for bool {
    fn set(&mut self, _: &OsStr, _: bool) -> Result<(), String> {
        *self = true;
        Ok(())
    }

    fn default(&self) -> Option<String> {
        None
    }
}

/// A struct of flags: `/// help`, `field: Type = default, "VALUE";`, and last `..field: Type = default;` for a struct of
/// flags of its own.
macro_rules! flags {
    (
        $(#[doc = $about:literal])*
        pub struct $name:ident {
            $($(#[doc = $help:literal])* $field:ident: $type:ty = $default:expr, $value:literal;)*
            $(..$nested:ident: $nested_type:ty = $initial:expr;)*
        }
    ) => {
        $(#[doc = $about])*
        #[derive(Debug)]
        pub struct $name {
            $($(#[doc = $help])* pub $field: $type,)*
            $(pub $nested: $nested_type,)*
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: $default,)* $($nested: $initial,)* }
            }
        }

        impl $crate::common::flags::Flags for $name {
            const ABOUT: &'static [&'static str] = &[$($about),*];

            fn declare<'a>(&'a mut self, list: &mut Vec<$crate::common::flags::Flag<'a>>) {
                $(list.push($crate::common::flags::Flag::new(
                    stringify!($field), $value, &[$($help),*], &mut self.$field,
                ));)*
                $($crate::common::flags::Flags::declare(&mut self.$nested, list);)*
            }
        }
    };
}
pub(crate) use flags;

/// An enum whose variants are the words that a flag may have.
macro_rules! choices {
    (
        $(#[doc = $about:literal])*
        pub enum $name:ident {
            $(#[doc = $help:literal] $variant:ident = $word:literal,)*
        }
    ) => {
        $(#[doc = $about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name {
            $(#[doc = $help] $variant,)*
        }

        impl $crate::common::flags::Value for $name {
            const CHOICES: &'static [(&'static str, &'static str)] = &[$(($word, $help)),*];

            fn parse(text: &str) -> Result<Self, String> {
                match text {
                    $($word => Ok(Self::$variant),)*
                    _ => Err(["none of".to_owned(), [$($word),*].join(", ")].join(" ")),
                }
            }

            fn show(&self) -> String {
                match self {
                    $(Self::$variant => $word.into(),)*
                }
            }
        }
    };
}
pub(crate) use choices;

/// What the words of a command line ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    Run { json: bool },
    Help,
    Version,
}

/// Runs a study on the words that follow the program's name, and ends the program with its exit code: 0 done, 1 failed,
/// 2 for an error of the command line.
pub fn start<P: Program>(program: &str, words: impl IntoIterator<Item = OsString>) -> ExitCode {
    let mut study = P::default();
    let mut flags = listed(&mut study);
    let wanted = parse(&mut flags, P::RULES, words.into_iter());
    let outcome = match wanted {
        Ok(Wanted::Run { json }) => {
            drop(flags);
            super::table::JSON.store(json, Ordering::Relaxed);
            study.run()
        }
        Ok(Wanted::Help) => {
            say!("{}", help(program, P::ABOUT, &flags));
            Ok(())
        }
        Ok(Wanted::Version) => {
            say!("{}", version());
            Ok(())
        }
        Err(reason) => usage(reason),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Usage(reason)) => {
            eprintln!("error: {reason}");
            ExitCode::from(2)
        }
        Err(Failure::Study(error)) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

pub fn version() -> String {
    format!("double-descent {}", env!("CARGO_PKG_VERSION"))
}

/// The flags of a study, as its rules change them.
pub fn listed<P: Program>(study: &mut P) -> Vec<Flag<'_>> {
    let mut flags = Vec::new();
    study.declare(&mut flags);
    for rule in P::RULES {
        match *rule {
            Rule::Without(name) => flags.retain(|flag| flag.name != name),
            Rule::Help(name, help) => {
                for flag in flags.iter_mut().filter(|flag| flag.name == name) {
                    flag.help = help.into();
                }
            }
            Rule::Alias(..) | Rule::Excludes(..) | Rule::Requires(..) => {}
        }
    }
    flags
}

fn parse(
    flags: &mut [Flag<'_>],
    rules: &[Rule],
    mut words: impl Iterator<Item = OsString>,
) -> Result<Wanted, String> {
    let mut json = false;
    while let Some(word) = words.next() {
        let text = word.to_str().ok_or_else(|| {
            let word = word.to_string_lossy();
            format!("`{}` is not UTF-8; a path that is not stands in a word of its own", word.escape_debug())
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
            return Err(format!("`{}` is no flag; --help lists them", text.escape_debug()));
        };
        let (name, value) = rest.split_once('=').map_or((rest, None), |(name, value)| (name, Some(value)));
        let renamed = rules.iter().find_map(|rule| match *rule {
            Rule::Alias(old, new) if old == name => Some(new),
            _ => None,
        });
        let name = renamed.unwrap_or(name);
        let Some(index) = flags.iter().position(|flag| flag.name == name) else {
            let known = flags.iter().map(|flag| flag.name.as_str()).chain(["json", "help", "version"]);
            let hint = nearest(name, known).map_or(String::new(), |near| format!("; did you mean --{near}?"));
            return Err(format!("unknown flag --{}{hint} (--help lists all)", name.escape_debug()));
        };
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
        flag.given = true;
    }
    let given = |name: &str| flags.iter().any(|flag| flag.name == name && flag.given);
    for rule in rules {
        match *rule {
            Rule::Excludes(a, b) if given(a) && given(b) => {
                return Err(format!("--{a} and --{b} exclude one another"));
            }
            Rule::Requires(a, b) if given(a) && !given(b) => return Err(format!("--{a} needs --{b}")),
            _ => {}
        }
    }
    Ok(Wanted::Run { json })
}

/// The known name that takes the fewest edits, if that is few enough to be meant.
pub fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let near = known.map(|candidate| (edits(name, candidate), candidate)).min()?;
    (near.0 <= 1 + name.chars().count() / 4).then_some(near.1)
}

/// Letters to insert, delete or replace (Levenshtein).
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

/// The columns of a help text.
const WIDTH: usize = 90;

fn help(program: &str, about: &[&str], flags: &[Flag<'_>]) -> String {
    let mut text = wrapped(&about.concat(), 0);
    text += &format!("\n\nUsage: {program} [--FLAG VALUE]...\n\nFlags:\n");
    for flag in flags {
        let value = if flag.value.is_empty() { String::new() } else { format!(" <{}>", flag.value) };
        let default = flag.default.as_ref().map_or(String::new(), |value| format!(" [default: {value}]"));
        text += &format!("  --{}{value}\n{}\n", flag.name, wrapped(&format!("{}{default}", flag.help), 6));
        for (word, meaning) in flag.choices() {
            text += &format!("{}\n", wrapped(&format!("{word}: {}", meaning.trim()), 8));
        }
    }
    text += "  --json\n      Print the closing tables as JSON, one a line, with all digits; what else is said goes to \
             standard\n      error\n";
    text + "  -h, --help\n      This text\n  -V, --version\n      The version\n\n" + EXIT_CODES
}

/// The end of every help text.
pub const EXIT_CODES: &str = "Exit codes: 0 done; 1 the study failed; 2 the command line is wrong";

/// Text in lines of at most [`WIDTH`] columns after `indent` blanks.
fn wrapped(text: &str, indent: usize) -> String {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= WIDTH => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(" ".repeat(indent) + word),
        }
    }
    lines.join("\n")
}
