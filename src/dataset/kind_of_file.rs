//! Recognises the kind of a file by its first bytes, not by its name.

/// The kinds that readers distinguish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KindOfFile {
    /// Not a known kind: text, or whatever the reader finds.
    Unknown,
    /// Packed by gzip.
    Gzip,
    /// Another kind, described for an error message.
    Other(&'static str),
}

/// First bytes, and the kind they indicate.
const MARKS: [(&[u8], &str); 18] = [
    (b"PK\x03\x04", "a zip archive (as .npz, .xlsx and .ods files are)"),
    (b"PK\x05\x06", "an empty zip archive"),
    (b"\x93NUMPY", "a NumPy array (.npy)"),
    (b"%PDF-", "a PDF document"),
    (b"\xd0\xcf\x11\xe0", "an old Office document (.xls)"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
    (b"PAR1", "a Parquet file"),
    (b"ARROW1", "an Arrow file"),
    (b"Obj\x01", "an Avro file"),
    (b"SQLite format 3\0", "an SQLite database"),
    (b"MATLAB 5.0", "a MATLAB file"),
    (b"BZh", "packed by bzip2"),
    (b"\xfd7zXZ\0", "packed by xz"),
    (b"\x28\xb5\x2f\xfd", "packed by zstd"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"\x89PNG\r\n\x1a\n", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"\x7fELF", "a program"),
];

/// Beginnings of texts that are not tables, in lower case and after blanks.
const TEXTS: [(&[u8], &str); 3] =
    [(b"<!doctype html", "an HTML page"), (b"<html", "an HTML page"), (b"<?xml", "an XML document")];

const UTF_16: &str = "text in UTF-16";

/// Returns the kind of a file that begins with `start`; a few hundred bytes are enough.
pub(super) fn kind_of_file(start: &[u8]) -> KindOfFile {
    if start.starts_with(b"\x1f\x8b") {
        return KindOfFile::Gzip;
    }
    if let Some((_, words)) = MARKS.iter().find(|(mark, _)| start.starts_with(mark)) {
        return KindOfFile::Other(words);
    }
    if start.starts_with(b"\xff\xfe\0\0") || start.starts_with(b"\0\0\xfe\xff") {
        return KindOfFile::Other("text in UTF-32");
    }
    if start.starts_with(b"\xff\xfe") || start.starts_with(b"\xfe\xff") || is_utf_16(start) {
        return KindOfFile::Other(UTF_16);
    }
    let text = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start).trim_ascii_start();
    let begins = |mark: &[u8]| text.get(..mark.len()).is_some_and(|head| head.eq_ignore_ascii_case(mark));
    match TEXTS.iter().find(|(mark, _)| begins(mark)) {
        Some((_, words)) => KindOfFile::Other(words),
        None if is_json(text) => KindOfFile::Other("a JSON text"),
        None => KindOfFile::Unknown,
    }
}

/// Whether a text begins with a JSON object, or with an array of objects or arrays.
fn is_json(text: &[u8]) -> bool {
    let [first, rest @ ..] = text else { return false };
    match (first, rest.trim_ascii_start().first()) {
        (b'{', Some(next)) => *next == b'"',
        (b'[', Some(next)) => matches!(next, b'{' | b'['),
        _ => false,
    }
}

/// Whether every second byte is NUL and no other one is: ASCII letters in UTF-16 without a byte order mark.
fn is_utf_16(start: &[u8]) -> bool {
    let start = &start[..start.len().min(64) & !1];
    let nuls = |first: usize, all: bool| start.iter().skip(first).step_by(2).all(|&byte| (byte == 0) == all);
    start.len() >= 4 && ((nuls(0, true) && nuls(1, false)) || (nuls(1, true) && nuls(0, false)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_bytes_tell_the_kind() {
        let other = |bytes: &[u8]| match kind_of_file(bytes) {
            KindOfFile::Other(words) => words,
            kind => panic!("{kind:?} for {bytes:?}"),
        };
        assert_eq!(kind_of_file(b"\x1f\x8b\x08"), KindOfFile::Gzip);
        assert!(other(b"PK\x03\x04...").contains("zip"));
        assert!(other(b"\x93NUMPY\x01").contains("npy"));
        assert!(other(b"\xff\xfea\0,\0").contains("UTF-16") && other(b"a\0,\0y\0\n\0").contains("UTF-16"));
        assert!(other(b"\0a\0,\0y").contains("UTF-16") && other(b"\xff\xfe\0\0").contains("UTF-32"));
        assert!(other(b" \n<!DOCTYPE html>").contains("HTML") && other(b"<HTML>").contains("HTML"));
        for json in [&b"{\"a\": 1}"[..], b"{\n  \"a\"", b"[{\"x\":1}]", b"\xef\xbb\xbf[\n [1, 2]]"] {
            assert!(other(json).contains("JSON"), "{json:?}");
        }
        for text in [
            &b""[..],
            b"{",
            b"[",
            b"[m],y",
            b"{a},y",
            b"a",
            b"a,b\n1,2\n",
            b"5\0,6",
            b"# a",
            b"\xef\xbb\xbfa,b",
            b"\0\0\x08\x03",
        ] {
            assert_eq!(kind_of_file(text), KindOfFile::Unknown, "{text:?}");
        }
    }
}
