//! Formatting for error messages: external text is escaped and truncated, numbers stay short.

use std::collections::HashSet;
use std::fmt::{self, Write};
use std::sync::{Mutex, PoisonError};

/// Longest name or cell shown in a message, in characters.
const LONGEST_NAME: usize = 60;
/// Longest reason shown in a message, in characters.
const LONGEST_REASON: usize = 1200;
/// Most names of a list shown in a message.
const LONGEST_LIST: usize = 20;

/// Escapes control characters in an external name or cell, and truncates it if it is long.
pub(crate) fn shown(text: &str) -> String {
    cut(text, LONGEST_NAME)
}

/// Puts a reason on one line: escapes control characters, and truncates it if it is very long.
pub(crate) fn reason(text: &str) -> String {
    cut(text, LONGEST_REASON)
}

/// Joins names with commas; of a long list, the first names and the number of further ones.
pub(crate) fn listed<S: AsRef<str>>(names: &[S]) -> String {
    let few: Vec<String> = names.iter().take(LONGEST_LIST).map(|name| shown(name.as_ref())).collect();
    let more = names.len() - few.len();
    if more == 0 { few.join(", ") } else { format!("{} and {more} more", few.join(", ")) }
}

/// Formats a number with the fewest digits that read back exactly, with an exponent if it is very large or small.
pub(crate) fn number(value: f64) -> String {
    if value == 0.0 || (1e-5..1e15).contains(&value.abs()) { value.to_string() } else { format!("{value:e}") }
}

/// Formats a count with its noun: `1 row`, `3 rows`.
pub(crate) fn counted(count: usize, one: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {one}s") }
}

/// Returns a `'static` copy of a text, as the names in errors need. Equal texts are stored once.
pub(crate) fn kept(text: String) -> &'static str {
    static KEPT: Mutex<Option<HashSet<&'static str>>> = Mutex::new(None);
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    let kept = kept.get_or_insert_default();
    if let Some(known) = kept.get(text.as_str()) {
        return known;
    }
    let text: &'static str = text.leak();
    kept.insert(text);
    text
}

/// Displays a number of bytes in suitable units.
pub(crate) struct Bytes(pub(crate) usize);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(bytes) = *self;
        if bytes == usize::MAX {
            return f.write_str("more than can be counted");
        }
        let units = [(1_usize << 40, "TiB"), (1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
        match units.iter().find(|(unit, _)| bytes >= *unit) {
            Some((unit, name)) => write!(f, "{:.1} {name}", bytes as f64 / *unit as f64),
            None => write!(f, "{bytes} bytes"),
        }
    }
}

fn cut(text: &str, longest: usize) -> String {
    let mut out = String::new();
    for (count, character) in text.chars().enumerate() {
        if count == longest {
            out.push('…');
            break;
        }
        // Escape control characters and characters that change the direction of the text after them.
        let turns =
            matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if character.is_control() || turns {
            let _ = write!(out, "{}", character.escape_default());
        } else {
            out.push(character);
        }
    }
    out
}
