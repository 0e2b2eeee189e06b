//! The file that says which experiment the shards in a folder belong to.

use super::Identity;
use super::identity::Fnv;
use super::log::refused;
use crate::error::words::shown;
use crate::{Error, whole_file};
use std::io::{ErrorKind, Write};
use std::path::Path;

/// The first line of a plan.
const TITLE: &str = "double-descent plan 2";
/// The start of the last line.
const SUM: &str = "sum: ";
/// The line before the identity of the experiment.
const EXPERIMENT: &str = "experiment:";

/// The experiment that the shards in a folder belong to: its identity in words, with a fingerprint, and how it was
/// started. Stored as a readable text file with a checksum of its contents.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Plan {
    /// Everything that determines the numbers.
    pub identity: Identity,
    /// The number of indices (the repeats of a sweep).
    pub count: usize,
    /// The number of shards when the plan was written.
    pub of: usize,
    /// The words of the command, without the shard; empty if unknown.
    pub command: Vec<String>,
    /// The folder's path below the command's output folder: `diabetes/shards`.
    pub place: String,
    /// The kind of machine that wrote the plan: numbers may differ in their last digits between kinds.
    pub machine: String,
}

impl Plan {
    /// The name of the file.
    pub const FILE: &str = "plan.txt";

    /// Reads the plan of a folder; `None` if there is none yet.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::File`] for a file that is not a plan, or is damaged.
    pub fn read(folder: &Path) -> Result<Option<Self>, Error> {
        let path = folder.join(Self::FILE);
        match std::fs::read_to_string(&path) {
            Ok(text) => Self::parse(&text).map(Some).map_err(|reason| refused(&path, reason)),
            Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
            Err(e) => Err(Error::io(&path, &e)),
        }
    }

    /// Writes the plan atomically.
    pub(super) fn write(&self, folder: &Path) -> Result<(), Error> {
        whole_file::write(&folder.join(Self::FILE), |file| file.write_all(self.text().as_bytes()))
    }

    fn text(&self) -> String {
        let Self { identity, count, of, command, place, machine } = self;
        let mut words = String::new();
        for word in command {
            words.extend([format!("command: {}\n", word.escape_default())]);
        }
        let text = format!(
            "{TITLE}\n{words}place: {}\nindices: {count}\nshards: {of}\nmachine: {machine}\nfingerprint: \
             {:016x}\n{EXPERIMENT}\n{}",
            place.escape_default(),
            identity.fingerprint(),
            identity.text()
        );
        format!("{text}{SUM}{}\n", checksum(&text))
    }

    fn parse(text: &str) -> Result<Self, String> {
        let damaged = || "damaged: remove it; the next shard writes it again".to_owned();
        let Some(rest) = text.strip_prefix(TITLE).and_then(|rest| rest.strip_prefix('\n')) else {
            return Err(match text.strip_prefix("double-descent plan ") {
                Some(_) => "a plan of another version of this crate; use that one, or another folder".into(),
                None => {
                    format!("not a plan of shards: it begins with `{}`; choose another folder", shown(text))
                }
            });
        };
        // Otherwise, a changed number of repeats in the command would give other results, and no error.
        let end = text.rfind(SUM).ok_or_else(damaged)?;
        if text[end..] != format!("{SUM}{}\n", checksum(&text[..end])) {
            return Err(damaged());
        }
        let rest = &rest[..rest.len() - (text.len() - end)];
        let (head, experiment) = rest.split_once(&format!("\n{EXPERIMENT}\n")).ok_or_else(damaged)?;
        let values = |name: &'static str| {
            let prefix = format!("{name}: ");
            head.lines().filter_map(move |line| line.strip_prefix(&prefix).map(str::to_owned))
        };
        let value = |name| values(name).next().ok_or_else(damaged);
        let count = |name| value(name)?.parse::<usize>().map_err(|_| damaged());
        let plan = Self {
            identity: Identity::from_text(experiment.into()),
            count: count("indices")?,
            of: count("shards")?.max(1),
            command: values("command")
                .map(|word| unescaped(&word).ok_or_else(damaged))
                .collect::<Result<_, _>>()?,
            place: unescaped(&value("place")?).ok_or_else(damaged)?,
            machine: value("machine")?,
        };
        let fingerprint = format!("{:016x}", plan.identity.fingerprint());
        if value("fingerprint")? == fingerprint { Ok(plan) } else { Err(damaged()) }
    }

    /// Returns [`Error::File`] with the differences, if this is the plan of another experiment.
    pub(super) fn check(&self, folder: &Path, identity: &Identity) -> Result<(), Error> {
        let Some(difference) = identity.difference(&self.identity) else { return Ok(()) };
        let data = identity.other_data(&self.identity).map_or(String::new(), |words| format!(": {words}"));
        let reason = format!(
            "the plan of another experiment{data} (this run's value comes first: {difference}): run what was \
             planned, or give this run its own folder"
        );
        Err(refused(&folder.join(Self::FILE), reason))
    }
}

fn checksum(text: &str) -> String {
    let mut hash = Fnv::default();
    hash.add(text.as_bytes());
    format!("{:016x}", hash.0)
}

/// The inverse of [`char::escape_default`].
fn unescaped(text: &str) -> Option<String> {
    let mut out = String::new();
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            out.push(character);
            continue;
        }
        out.push(match characters.next()? {
            't' => '\t',
            'r' => '\r',
            'n' => '\n',
            'u' => {
                let rest = characters.as_str().strip_prefix('{')?;
                let (digits, rest) = rest.split_once('}')?;
                characters = rest.chars();
                char::from_u32(u32::from_str_radix(digits, 16).ok()?)?
            }
            other => other,
        });
    }
    Some(out)
}

/// What determines the last digits of a result: the architecture, its vector width, and whether our loops use narrower
/// vectors.
pub(super) fn machine() -> String {
    let loops = crate::instructions::in_use();
    #[cfg(target_arch = "x86_64")]
    let (vectors, best) = if std::arch::is_x86_feature_detected!("avx512f") {
        (" with AVX-512", "avx512")
    } else if std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma") {
        (" with AVX2", "avx2")
    } else {
        ("", "plain")
    };
    #[cfg(not(target_arch = "x86_64"))]
    let (vectors, best) = ("", loops);
    let less = if loops == best { String::new() } else { format!(", loops {loops}") };
    format!("{}{vectors}{less}", std::env::consts::ARCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plans_are_read_as_they_were_written() {
        let identity = Identity::new("squares").with("power", 2).with("note", "a\nb: c\\");
        let words = ["ablations", "--dataset", "a b\\c\n'é\u{1b}\".csv", ""];
        let command = words.map(String::from).to_vec();
        let place = "diabetes/shards".to_owned();
        let plan = Plan { identity, count: 200, of: 8, command, place, machine: machine() };
        assert_eq!(Plan::parse(&plan.text()).unwrap(), plan);
        let none = Plan { command: Vec::new(), ..plan.clone() };
        assert_eq!(Plan::parse(&none.text()).unwrap(), none);
        let text = plan.text();
        for end in (0..text.len()).filter(|&end| text.is_char_boundary(end)) {
            assert!(Plan::parse(&text[..end]).is_err(), "{}", &text[..end]);
        }
        // Change any digit or letter.
        for (at, byte) in text.bytes().enumerate().filter(|(_, byte)| byte.is_ascii_alphanumeric()) {
            let mut changed = text.clone().into_bytes();
            changed[at] = byte ^ 1;
            let changed = String::from_utf8(changed).unwrap();
            assert!(Plan::parse(&changed).is_err(), "{changed}");
        }
        for (from, to, says) in [
            ("power: 2", "power: 3", "damaged"),
            ("plan 2", "plan 3", "another version"),
            ("double-descent", "\u{1b}", "not a plan of shards: it begins with `\\u{1b} plan 2\\ncommand"),
        ] {
            let words = Plan::parse(&text.replacen(from, to, 1)).unwrap_err();
            assert!(words.contains(says), "no `{says}` in {words}");
        }
    }
}
