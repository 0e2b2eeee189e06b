//! The closing tables of the studies, for readers or as JSON.

use super::{short, trimmed};
use std::fmt::{Arguments, Write as _};
use std::io::Write;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether tables are printed as JSON: the flag `--json`.
pub static JSON: AtomicBool = AtomicBool::new(false);

/// Why a line could not be printed.
static LOST: OnceLock<String> = OnceLock::new();

/// Prints a line of text.
pub fn say(text: Arguments<'_>) {
    if JSON.load(Ordering::Relaxed) {
        let _ = writeln!(std::io::stderr(), "{text}");
    } else {
        print(text);
    }
}

/// Prints to standard output. A closed pipe (`| head`) is not an error; a full disk is one, kept for the end.
fn print(text: Arguments<'_>) {
    if let Err(error) = writeln!(std::io::stdout(), "{text}")
        && error.kind() != std::io::ErrorKind::BrokenPipe
    {
        let _ = LOST.set(error.to_string());
    }
}

/// Returns why a part of the output was lost, if one was.
pub fn lost() -> Option<String> {
    LOST.get().map(|reason| format!("standard output could not be written, and is incomplete: {reason}"))
}

/// A cell of a table.
#[derive(Clone, Debug)]
pub enum Item {
    Text(String),
    Number(f64),
    /// The setting of an arm, without trailing zeros.
    Setting(f64),
    Count(usize),
    Nothing,
}

impl From<&str> for Item {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

/// No text is a missing value.
impl From<String> for Item {
    fn from(text: String) -> Self {
        if text.is_empty() { Self::Nothing } else { Self::Text(text) }
    }
}

impl From<f64> for Item {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl From<usize> for Item {
    fn from(count: usize) -> Self {
        Self::Count(count)
    }
}

impl<T: Into<Self>> From<Option<T>> for Item {
    fn from(item: Option<T>) -> Self {
        item.map_or(Self::Nothing, Into::into)
    }
}

impl Item {
    fn for_readers(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Number(number) | Self::Setting(number) if number.is_nan() => "-".into(),
            Self::Number(number) | Self::Setting(number) if number.is_infinite() => {
                if *number > 0.0 {
                    "∞".into()
                } else {
                    "-∞".into()
                }
            }
            Self::Number(number) => short(*number),
            Self::Setting(setting) => trimmed(*setting),
            Self::Count(count) => count.to_string(),
            Self::Nothing => "-".into(),
        }
    }

    /// As JSON, which has no infinite numbers: they are the words `inf` and `-inf`; what is missing is `null`.
    fn json(&self) -> String {
        match self {
            Self::Text(text) => quoted(text),
            Self::Number(number) | Self::Setting(number) if number.is_finite() => format!("{number:?}"),
            Self::Number(number) | Self::Setting(number) if !number.is_nan() => quoted(&number.to_string()),
            Self::Count(count) => count.to_string(),
            Self::Number(_) | Self::Setting(_) | Self::Nothing => "null".into(),
        }
    }
}

/// A closing table: title, named columns, and sentences below.
#[derive(Debug)]
pub struct Table {
    title: String,
    columns: Vec<String>,
    rows: Vec<Vec<Item>>,
    notes: Vec<String>,
}

/// Adds a row of [`Item`]s to a table.
macro_rules! row {
    ($table:expr, $($item:expr),* $(,)?) => {
        $table.push(vec![$($crate::common::table::Item::from($item)),*])
    };
}
pub(crate) use row;

impl Table {
    /// A table without rows. Columns are keys in JSON, so a name that is already taken gets a number.
    pub fn new(title: impl Into<String>, columns: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let mut table =
            Self { title: title.into(), columns: Vec::new(), rows: Vec::new(), notes: Vec::new() };
        for column in columns {
            let name: String = column.into();
            let free = (2..).map(|place| format!("{name} ({place})"));
            let free = std::iter::once(name.clone()).chain(free).find(|name| !table.columns.contains(name));
            table.columns.extend(free);
        }
        table
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub fn push(&mut self, row: Vec<Item>) {
        self.rows.push(row);
    }

    /// Adds a sentence below the table.
    pub fn note(&mut self, text: impl Into<String>) {
        self.notes.push(text.into());
    }

    /// Prints the table to standard output, as JSON if `--json` is set.
    pub fn print(&self) {
        let text = if JSON.load(Ordering::Relaxed) { self.json() } else { self.for_readers() };
        print(format_args!("{text}"));
    }

    /// Formats the table with words aligned left and numbers aligned right.
    fn for_readers(&self) -> String {
        let cells: Vec<Vec<String>> =
            self.rows.iter().map(|row| row.iter().map(Item::for_readers).collect()).collect();
        let is_text = |column: usize| {
            let is_number = |item: &Item| matches!(item, Item::Number(_) | Item::Setting(_) | Item::Count(_));
            !self.rows.iter().any(|row| row.get(column).is_some_and(is_number))
        };
        let line = |row: &[String]| {
            let mut line = String::new();
            for (column, cell) in row.iter().enumerate() {
                let lengths = cells.iter().chain([&self.columns]).filter_map(|row| row.get(column));
                let width = lengths.map(|cell| cell.chars().count()).max().unwrap_or(0);
                let gap = if column == 0 { 0 } else { 2 };
                let _ = if is_text(column) {
                    write!(line, "{:gap$}{cell:<width$}", "")
                } else {
                    write!(line, "{:gap$}{cell:>width$}", "")
                };
            }
            line.trim_end().to_owned()
        };
        let columns = (!self.columns.is_empty()).then(|| line(&self.columns));
        let lines = [format!("\n{}", self.title)].into_iter().chain(columns);
        let rows = cells.iter().map(|row| line(row));
        lines.chain(rows).chain(self.notes.iter().cloned()).collect::<Vec<_>>().join("\n")
    }

    /// Formats the table as `{"title": …, "rows": [{column: value, …}, …], "notes": […]}` in one line.
    fn json(&self) -> String {
        let object = |row: &Vec<Item>| {
            let fields = self.columns.iter().zip(row);
            let fields: Vec<_> =
                fields.map(|(name, item)| format!("{}: {}", quoted(name), item.json())).collect();
            format!("{{{}}}", fields.join(", "))
        };
        let rows: Vec<_> = self.rows.iter().map(object).collect();
        let notes: Vec<_> = self.notes.iter().map(|note| quoted(note)).collect();
        let title = quoted(&self.title);
        format!(r#"{{"title": {title}, "rows": [{}], "notes": [{}]}}"#, rows.join(", "), notes.join(", "))
    }
}

/// A JSON string.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            _ if character < ' ' => {
                let _ = write!(quoted, "\\u{:04x}", u32::from(character));
            }
            _ => quoted.push(character),
        }
    }
    quoted + "\""
}
