//! Encodes the errors of failed cells as bytes, and decodes them.

use super::bytes::{Bytes, put_count, put_text};
use crate::Error;
use crate::error::words::kept;
use std::path::PathBuf;

/// Whether an error is a property of the experiment. Errors of the machine or of the caller's code may not occur the
/// next time, so the affected repeats are computed again.
pub(super) fn is_final(error: &Error) -> bool {
    !matches!(
        error,
        Error::Io { .. }
            | Error::Device { .. }
            | Error::DeviceMemory { .. }
            | Error::Memory { .. }
            | Error::Resource { .. }
            | Error::UserCode { .. }
            | Error::User { .. }
    )
}

/// The numbers of the variants must never change; new variants get new numbers.
pub(super) fn put(bytes: &mut Vec<u8>, error: &Error) {
    let start = |bytes: &mut Vec<u8>, number: u8, texts: &[&str]| {
        bytes.push(number);
        for text in texts {
            put_text(bytes, text);
        }
    };
    match error {
        Error::Empty { what } => start(bytes, 0, &[what]),
        Error::Shape { what, expected, found } => {
            start(bytes, 1, &[what]);
            put_count(bytes, *expected);
            put_count(bytes, *found);
        }
        Error::NonFinite { what, row, column, value } => {
            start(bytes, 2, &[what]);
            put_count(bytes, *row);
            put_count(bytes, *column);
            bytes.extend(value.to_le_bytes());
        }
        Error::Domain { what, value, must_be } => {
            start(bytes, 3, &[what, must_be]);
            bytes.extend(value.to_le_bytes());
        }
        Error::Overflow { what } => start(bytes, 4, &[what]),
        Error::Backend { name, reason } => start(bytes, 5, &[name, reason]),
        Error::UnknownColumn { name, available } => {
            start(bytes, 6, &[name]);
            put_texts(bytes, available);
        }
        Error::UnknownName { what, name, choices } => {
            start(bytes, 7, &[what, name]);
            put_texts(bytes, choices);
        }
        Error::File { path, line, column, reason } => {
            start(bytes, 8, &[&path.to_string_lossy(), reason]);
            let line = line.map(|line| line.to_string());
            put_texts(bytes, &line.into_iter().collect::<Vec<_>>());
            put_texts(bytes, &column.iter().cloned().collect::<Vec<_>>());
        }
        Error::Io { path, reason, .. } => start(bytes, 9, &[&path.to_string_lossy(), reason]),
        Error::Unsupported { reason } => start(bytes, 10, &[reason]),
        Error::Device { device, reason, looked_for } => {
            start(bytes, 11, &[reason]);
            put_count(bytes, *device);
            put_texts(bytes, looked_for);
        }
        Error::DeviceMemory { needed, free } => {
            start(bytes, 12, &[]);
            put_count(bytes, *needed);
            put_count(bytes, *free);
        }
        Error::Resource { reason } => start(bytes, 13, &[reason]),
        Error::UserCode { part, reason } => start(bytes, 14, &[part, reason]),
        Error::User { reason, .. } => start(bytes, 17, &[reason]),
        Error::StepTooLarge { step, limit } => {
            start(bytes, 15, &[]);
            bytes.extend(step.to_le_bytes());
            bytes.extend(limit.to_le_bytes());
        }
        Error::Memory { what, needed, available } => {
            start(bytes, 16, &[what]);
            put_count(bytes, *needed);
            put_count(bytes, *available);
        }
        Error::TooLarge { what, found, most, limit } => {
            start(bytes, 18, &[what, limit]);
            put_count(bytes, *found);
            put_count(bytes, *most);
        }
    }
}

pub(super) fn get(bytes: &mut Bytes<'_>) -> Option<Error> {
    let own = |bytes: &mut Bytes<'_>| bytes.text().map(kept);
    let number = *bytes.take(1)?.first()?;
    Some(match number {
        0 => Error::Empty { what: own(bytes)? },
        1 => Error::Shape { what: own(bytes)?, expected: bytes.count()?, found: bytes.count()? },
        2 => Error::NonFinite {
            what: own(bytes)?,
            row: bytes.count()?,
            column: bytes.count()?,
            value: bytes.number()?,
        },
        3 => Error::Domain { what: own(bytes)?, must_be: own(bytes)?, value: bytes.number()? },
        4 => Error::Overflow { what: own(bytes)? },
        5 => Error::Backend { name: own(bytes)?, reason: bytes.text()? },
        6 => Error::UnknownColumn { name: bytes.text()?, available: texts(bytes)? },
        7 => Error::UnknownName { what: own(bytes)?, name: bytes.text()?, choices: texts(bytes)? },
        8 => {
            let (path, reason) = (path(bytes)?, bytes.text()?);
            let line = match texts(bytes)?.pop() {
                Some(line) => Some(line.parse().ok()?),
                None => None,
            };
            Error::File { path, line, column: texts(bytes)?.pop(), reason }
        }
        9 => Error::refused(path(bytes)?, bytes.text()?),
        10 => Error::Unsupported { reason: bytes.text()? },
        11 => Error::Device { reason: bytes.text()?, device: bytes.count()?, looked_for: texts(bytes)? },
        12 => Error::DeviceMemory { needed: bytes.count()?, free: bytes.count()? },
        13 => Error::Resource { reason: bytes.text()? },
        14 => Error::UserCode { part: bytes.text()?, reason: bytes.text()? },
        15 => Error::StepTooLarge { step: bytes.number()?, limit: bytes.number()? },
        16 => Error::Memory { what: own(bytes)?, needed: bytes.count()?, available: bytes.count()? },
        17 => Error::from(bytes.text()?),
        18 => Error::TooLarge {
            what: own(bytes)?,
            limit: own(bytes)?,
            found: bytes.count()?,
            most: bytes.count()?,
        },
        _ => return None,
    })
}

fn put_texts(bytes: &mut Vec<u8>, texts: &[String]) {
    put_count(bytes, texts.len());
    for text in texts {
        put_text(bytes, text);
    }
}

fn texts(bytes: &mut Bytes<'_>) -> Option<Vec<String>> {
    bytes.list(Bytes::text)
}

fn path(bytes: &mut Bytes<'_>) -> Option<PathBuf> {
    bytes.text().map(PathBuf::from)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// One of each variant.
    pub(in crate::sweep::record) fn errors() -> Vec<Error> {
        let (what, must_be) = ("the features", "finite and ≥ 0");
        let text = || "a \"text\"\nof two lines".to_owned();
        vec![
            Error::Empty { what },
            Error::Shape { what, expected: 3, found: usize::MAX },
            Error::NonFinite { what, row: 1, column: 2, value: f64::NEG_INFINITY },
            Error::Domain { what, value: -0.0, must_be },
            Error::TooLarge { what, found: usize::MAX, most: 0, limit: "the number of rows" },
            Error::Overflow { what },
            Error::Backend { name: "divide and conquer", reason: text() },
            Error::UnknownColumn { name: text(), available: vec!["a".into(), String::new()] },
            Error::UnknownName { what, name: text(), choices: Vec::new() },
            Error::File { path: "a/b".into(), line: Some(u64::MAX), column: None, reason: text() },
            Error::File { path: "a/b".into(), line: None, column: Some(text()), reason: text() },
            Error::refused("ä", text()),
            Error::Unsupported { reason: text() },
            Error::Device { device: 1, reason: text(), looked_for: vec!["libcuda.so".into()] },
            Error::DeviceMemory { needed: 7, free: 0 },
            Error::Resource { reason: text() },
            Error::UserCode { part: text(), reason: text() },
            Error::User { reason: text(), cause: crate::error::Cause::none() },
            Error::StepTooLarge { step: 1e300, limit: f64::NAN },
            Error::Memory { what, needed: usize::MAX, available: 0 },
        ]
    }

    #[test]
    fn every_error_comes_back() {
        for error in errors() {
            let mut bytes = Vec::new();
            put(&mut bytes, &error);
            let mut left = Bytes(&bytes);
            let read = get(&mut left).unwrap();
            assert_eq!(format!("{read:?}"), format!("{error:?}"));
            assert!(left.0.is_empty());
        }
        assert!(get(&mut Bytes(&[200])).is_none());
    }
}
