//! Command lines: flags are the fields of a struct, their help texts its comments, their defaults its `Default`.
//!
//! [`flags!`] declares such a struct, [`choices!`] the words that a flag accepts. Parsing, `--help`, errors and shell
//! completions follow from the same declaration.

use double_descent::Error;
use std::ffi::OsStr;
use std::path::PathBuf;

/// Why a study failed.
#[derive(Debug)]
pub enum Failure {
    /// The command line is wrong: exit code 2.
    Usage(String),
    /// The study could not be computed or its results could not be written: exit code 1.
    Study(Error),
    /// Something else prevents the run, described in words: exit code 1.
    Refused(String),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Study(error)
    }
}

/// Returns an error of the command line.
pub fn usage<T>(reason: impl Into<String>) -> Result<T, Failure> {
    Err(Failure::Usage(reason.into()))
}

/// Returns an error of the study that does not come from the library.
pub fn refused<T>(reason: impl Into<String>) -> Result<T, Failure> {
    Err(Failure::Refused(reason.into()))
}

/// A struct whose fields are flags; [`flags!`] implements this trait.
pub trait Flags: Default {
    /// The description of the study: the lines of the struct's comment.
    const ABOUT: &'static [&'static str];

    fn declare<'a>(&'a mut self, list: &mut Vec<Flag<'a>>);
}

/// A study as a program.
pub trait Program: Flags {
    const NAME: &'static str;
    const RULES: &'static [Rule] = &[];
    /// Flags that accept names, and how to list these for completions in a shell.
    const NAMES: &'static [Names] = &[];

    fn run(&self) -> Result<(), Failure>;
}

/// A flag, and the names that it accepts.
pub type Names = (&'static str, fn() -> Vec<String>);

/// A change that a study makes to shared flags, or a relation between flags.
#[derive(Clone, Copy, Debug)]
pub enum Rule {
    /// This flag does nothing here, so it is unknown.
    Without(&'static str),
    /// The first is a flag, the second its help text in this study.
    Help(&'static str, &'static str),
    /// The first is an old name of the second, a flag.
    Alias(&'static str, &'static str),
    /// Two flags that exclude each other.
    Excludes(&'static str, &'static str),
    /// The first flag requires the second.
    Requires(&'static str, &'static str),
}

/// A flag: the place that stores its value, and its `--help` entry.
pub struct Flag<'a> {
    pub name: String,
    /// The name of the value; empty for a flag without one.
    pub value: &'static str,
    pub help: String,
    pub default: Option<String>,
    pub place: &'a mut dyn Place,
    /// The given values, as written.
    pub words: Vec<String>,
    pub given: bool,
}

impl<'a> Flag<'a> {
    pub fn new(field: &str, value: &'static str, help: &[&str], place: &'a mut dyn Place) -> Self {
        let default = place.default();
        let name = field.trim_start_matches("r#").replace('_', "-");
        Self {
            name,
            value,
            help: help.concat().trim().into(),
            default,
            place,
            words: Vec::new(),
            given: false,
        }
    }

    pub fn choices(&self) -> &'static [(&'static str, &'static str)] {
        self.place.choices()
    }
}

/// Storage for the values of a flag.
pub trait Place {
    /// Sets the value; `again` is true if the flag was given before.
    fn set(&mut self, text: &OsStr, again: bool) -> Result<(), String>;
    /// Returns the default value for `--help`.
    fn default(&self) -> Option<String>;
    /// Returns the range of a number for `--help`, if it is not obvious.
    fn range(&self) -> Option<String> {
        None
    }
    fn choices(&self) -> &'static [(&'static str, &'static str)] {
        &[]
    }
}

/// A type of flag value.
pub trait Value: Sized {
    /// The accepted words with their meanings, if only these are allowed.
    const CHOICES: &'static [(&'static str, &'static str)] = &[];
    /// The range of a number, if it is not obvious.
    const RANGE: Option<(u32, Option<u32>)> = None;
    /// The separator of a list's values within one word.
    const SEPARATOR: Option<char> = Some(',');

    /// Parses `text`; an error says what is wrong with it without quoting it.
    fn parse(text: &str) -> Result<Self, String>;

    fn show(&self) -> String;

    fn parse_os(text: &OsStr) -> Result<Self, String> {
        let value = text.to_str().ok_or_else(|| "not UTF-8".into()).and_then(Self::parse);
        value.map_err(|reason| wrong(text, &reason))
    }
}

/// Returns what is wrong with a value, with the value quoted.
fn wrong(text: &OsStr, reason: &str) -> String {
    format!("`{}` is {reason}", text.to_string_lossy().escape_debug())
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
    u32: "not a whole number from 0 to 4294967295",
    u64: "not a whole number from 0 to 18446744073709551615",
    usize: "not a whole number ≥ 0",
    f64: "not a number",
    char: "not one character"
}

/// Lists of words are split later, by their readers: a name may contain a comma.
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
        if text.is_empty() { Err(wrong(text, "not a path")) } else { Ok(text.into()) }
    }
}

/// The largest count of things that take time or memory each.
const MOST: u32 = 65535;

/// A whole number from `MIN` to `MAX`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count<const MIN: u32, const MAX: u32 = MOST>(pub u32);

/// A whole number greater than 0.
pub type Positive = Count<1, { u32::MAX }>;

impl<const MIN: u32, const MAX: u32> Value for Count<MIN, MAX> {
    const RANGE: Option<(u32, Option<u32>)> = match (MIN, MAX) {
        (0 | 1, MOST..) => None,
        (_, MOST..) => Some((MIN, None)),
        _ => Some((MIN, Some(MAX))),
    };

    fn parse(text: &str) -> Result<Self, String> {
        let number = text.trim().parse().ok().filter(|number| (MIN..=MAX).contains(number));
        number.map(Self).ok_or_else(|| format!("not a whole number from {MIN} to {MAX}"))
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

fn range<T: Value>() -> Option<String> {
    T::RANGE.map(|(least, most)| most.map_or(format!("{least} or more"), |most| format!("{least} to {most}")))
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

    fn range(&self) -> Option<String> {
        range::<T>()
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

    fn range(&self) -> Option<String> {
        range::<T>()
    }

    fn choices(&self) -> &'static [(&'static str, &'static str)] {
        T::CHOICES
    }
}

/// The first value given replaces the defaults; further ones are added.
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

    fn range(&self) -> Option<String> {
        range::<T>()
    }

    fn choices(&self) -> &'static [(&'static str, &'static str)] {
        T::CHOICES
    }
}

/// A flag that takes no value.
impl Place for bool {
    fn set(&mut self, _: &OsStr, _: bool) -> Result<(), String> {
        *self = true;
        Ok(())
    }

    fn default(&self) -> Option<String> {
        None
    }
}

/// Declares a struct of flags: `/// help`, `field: Type = default, "VALUE";`, and finally `..field: Type = default;`
/// for a nested struct of flags.
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
        #[allow(clippy::doc_markdown)] // these are help texts
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

/// Declares an enum whose variants are the words that a flag accepts.
macro_rules! choices {
    (
        $(#[doc = $about:literal])*
        pub enum $name:ident {
            $(#[doc = $help:literal] $variant:ident = $word:literal,)*
        }
    ) => {
        $(#[doc = $about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[allow(clippy::doc_markdown)] // these are help texts
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

/// Returns the flags of a study, as changed by its rules.
pub fn listed<P: Program>(study: &mut P) -> Vec<Flag<'_>> {
    let mut flags = Vec::new();
    study.declare(&mut flags);
    change(&mut flags, P::RULES);
    flags
}

/// Applies the rules that change flags.
fn change(flags: &mut Vec<Flag<'_>>, rules: &[Rule]) {
    for rule in rules {
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
}
