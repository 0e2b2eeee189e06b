//! The identity of an experiment: everything that determines its numbers, in words.

use crate::error::words::shown;
use std::fmt::Write;

/// Everything that determines the numbers of an experiment, as named values in words.
///
/// The number of repeats is left out: repeats are identified by their index, so a run with more repeats can continue
/// the record of one with fewer.
///
/// A [`Record`](super::Record) keeps the identity in its header; opening it for another experiment is an error that
/// names the values that differ. The crate's version is one of the values: numbers may change between versions, and two
/// versions must not mix in one table.
///
/// # Examples
/// ```
/// use double_descent::sweep::Identity;
///
/// let three = Identity::new("noise terms").with("seed", 3).with("map", "tanh");
/// let four = Identity::new("noise terms").with("seed", 4).with("map", "tanh");
/// assert_ne!(three.fingerprint(), four.fingerprint());
/// assert_eq!(three.difference(&four).unwrap(), "seed 3 and seed 4");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// One line per value, `name: value`.
    text: String,
}

/// The largest number of differences that an error names.
const NAMED: usize = 4;

impl Identity {
    /// An experiment of the given kind, computed by this version of the crate; [`with`](Self::with) adds the other
    /// values.
    #[must_use]
    pub fn new(kind: &str) -> Self {
        Self { text: String::new() }.with("version", env!("CARGO_PKG_VERSION")).with("experiment", kind)
    }

    /// The same identity with one more value.
    ///
    /// Line breaks in the value are escaped; line breaks and colons in the name become spaces.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl ToString) -> Self {
        let value = value.to_string().replace('\\', "\\\\").replace('\n', "\\n");
        let name = name.replace(['\n', ':'], " ");
        let _ = writeln!(self.text, "{name}: {value}"); // writing to a string does not fail
        self
    }

    /// A hash of the whole identity: FNV-1a over [`text`](Self::text).
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        let mut hash = Fnv::default();
        hash.add(self.text.as_bytes());
        hash.0
    }

    /// One line per value, `name: value`, in the order in which they were added.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What differs, with this identity's values first: `seed 3 and seed 4`; `None` if they are equal.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Option<String> {
        if self == other {
            return None;
        }
        let (ours, theirs) = (self.values(), other.values());
        let value_in =
            |of: &[(&str, &str)], name| of.iter().find(|(n, _)| *n == name).map(|&(_, v)| v.to_owned());
        let mut names: Vec<&str> = ours.iter().chain(&theirs).map(|&(name, _)| name).collect();
        let mut seen = std::collections::HashSet::new();
        names.retain(|name| seen.insert(*name));
        let mut differences: Vec<String> = Vec::new();
        let mut more = 0;
        for name in names {
            let words = match (value_in(&ours, name), value_in(&theirs, name)) {
                (Some(a), Some(b)) if a == b => continue,
                (Some(a), Some(b)) => {
                    let (a, b) = apart(&a, &b);
                    format!("{} {a} and {} {b}", shown(name), shown(name))
                }
                (Some(a), None) => format!("{} {} and no {}", shown(name), shown(&a), shown(name)),
                (None, b) => {
                    format!("no {} and {} {}", shown(name), shown(name), shown(&b.unwrap_or_default()))
                }
            };
            if differences.len() < NAMED { differences.push(words) } else { more += 1 }
        }
        if differences.is_empty() {
            differences.push("the same values in another order".into());
        }
        if more > 0 {
            differences.push(format!("and {more} more"));
        }
        Some(differences.join("; "))
    }

    /// Says in words that `earlier`, the identity of an experiment begun before, is of other data, or of data with other
    /// values; `None` if the data are the same, or drawn in other sizes.
    pub(super) fn other_data(&self, earlier: &Self) -> Option<String> {
        // The data's name, which may hold commas, and their shape; a hash follows.
        let data = |of: &Self| -> Option<(String, String)> {
            let value = of.value("table").or(of.value("training table")).or(of.value("distribution"))?;
            let mut parts = value.rsplitn(3, ", ").skip(1).map(str::to_owned);
            let shape = parts.next()?;
            Some((parts.next()?, shape))
        };
        let ((name, shape), (before, earlier_shape)) = (data(self)?, data(earlier)?);
        if name != before {
            return Some(format!(
                "it was begun on other data, {}, not on {}; give this run the same data",
                shown(&before),
                shown(&name)
            ));
        }
        let is_table = self.value("distribution").is_none();
        let names = ["table", "training table", "test table", "distribution"];
        let differ = names.into_iter().any(|name| self.value(name) != earlier.value(name));
        (differ && (is_table || shape == earlier_shape)).then(|| {
            format!(
                "the values of {} have changed since it was begun (its source or preparation)",
                shown(&name)
            )
        })
    }

    /// The value of a name, if there is one.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.values().into_iter().find(|(of, _)| *of == name).map(|(_, value)| value)
    }

    /// The version of the crate that computes the experiment.
    pub(super) fn version(&self) -> &str {
        self.values().first().map_or("", |&(_, version)| version)
    }

    /// An identity from the text in a header.
    pub(super) fn from_text(text: String) -> Self {
        Self { text }
    }

    fn values(&self) -> Vec<(&str, &str)> {
        self.text.lines().map(|line| line.split_once(": ").unwrap_or((line, ""))).collect()
    }
}

/// Two values that differ; long ones are shown from shortly before the first difference.
fn apart(a: &str, b: &str) -> (String, String) {
    /// The largest length in characters at which a value is shown whole, and the number shown before the difference.
    const WHOLE: usize = 60;
    const BEFORE: usize = 15;
    if a.chars().count() <= WHOLE && b.chars().count() <= WHOLE {
        return (shown(a), shown(b));
    }
    let same = a.chars().zip(b.chars()).take_while(|(a, b)| a == b).count();
    let from = same.saturating_sub(BEFORE);
    let part = |text: &str| {
        let rest: String = text.chars().skip(from).collect();
        if from > 0 { format!("…{}", shown(&rest)) } else { shown(&rest) }
    };
    (part(a), part(b))
}

/// 64-bit FNV-1a: a few lines of code, and the same on every machine and in every version, unlike the hashes of the
/// standard library and most crates. It tells experiments apart; the checksums in [`block`](super::block) detect
/// damage.
pub(super) struct Fnv(pub(super) u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

/// Hashes text without storing it.
impl std::fmt::Write for Fnv {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.add(text.as_bytes());
        Ok(())
    }
}

impl Fnv {
    pub(super) fn add(&mut self, bytes: &[u8]) {
        self.0 = bytes.iter().fold(self.0, |hash, &b| (hash ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
    }

    /// A hash of the bits of numbers, little-endian.
    pub(super) fn of_numbers<'a>(numbers: impl IntoIterator<Item = &'a f64>) -> Self {
        let mut hash = Self::default();
        for number in numbers {
            hash.add(&number.to_le_bytes());
        }
        hash
    }
}

/// Counts in words, with consecutive ones as ranges: `1..=300, 400`.
pub(super) fn counts(list: &[usize]) -> String {
    let mut words: Vec<String> = Vec::new();
    for run in list.chunk_by(|a, b| a.checked_add(1) == Some(*b)) {
        match run {
            [first, .., last] => words.push(format!("{first}..={last}")),
            [one] => words.push(one.to_string()),
            [] => {}
        }
    }
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_ranges() {
        assert_eq!(counts(&[1, 2, 3, 7, 9, 10, 5]), "1..=3, 7, 9..=10, 5");
        assert_eq!(counts(&[]), "");
    }

    /// Published values of FNV-1a.
    #[test]
    fn fnv() {
        let hash = |text: &str| {
            let mut hash = Fnv::default();
            hash.add(text.as_bytes());
            hash.0
        };
        assert_eq!(hash(""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(hash("a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(hash("foobar"), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn differences_in_words() {
        let base = Identity::new("a sweep").with("seed", 1).with("arms", "x".repeat(200));
        assert_eq!(base.difference(&base.clone()), None);
        let arms = format!("{}yzz", "x".repeat(199));
        let other = Identity::new("a sweep").with("seed", 2).with("arms", arms).with("maps", "a\nb: c");
        let words = base.difference(&other).unwrap();
        for part in
            ["seed 1 and seed 2", "…xxxxxxxxxxxxxxxx and", "…xxxxxxxxxxxxxxxyzz", "no maps and maps a\\nb: c"]
        {
            assert!(words.contains(part), "no `{part}` in {words}");
        }
        let many = (0..9).fold(Identity::new("a sweep"), |id, i| id.with(&format!("v{i}"), i));
        assert!(
            base.difference(&many).unwrap().ends_with("; and 7 more"),
            "{}",
            base.difference(&many).unwrap()
        );
    }
}
