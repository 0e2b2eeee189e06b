//! Converts the bytes of a file to text for the CSV reader: unpacked, in UTF-8, without blanks
//! before quotes.

use super::options::{CsvOptions, Encoding};
use crate::Error;
use crate::dataset::kind_of_file::{KindOfFile, kind_of_file};
use flate2::read::MultiGzDecoder;
use std::borrow::Cow;
use std::io::Read;
use std::path::Path;

/// Returns the text of a table, or an error that says what kind of file it is instead.
/// A first line `sep=;`, as Excel writes and reads it, sets the delimiter in the options and becomes blank.
pub(super) fn text<'a>(
    path: &Path,
    bytes: &'a [u8],
    options: &mut Cow<'_, CsvOptions>,
) -> Result<Cow<'a, [u8]>, Error> {
    let wrong = |reason: String| Error::File { path: path.into(), line: None, column: None, reason };
    let mut bytes = Cow::Borrowed(bytes);
    let packed = kind_of_file(&bytes) == KindOfFile::Gzip;
    if packed {
        bytes = Cow::Owned(unpack(path, &bytes)?);
    }
    let within = if packed { "holds, packed by gzip," } else { "is" };
    match kind_of_file(&bytes) {
        // Zeros begin no text; its other readers know an IDX file by more than its first bytes.
        KindOfFile::Unknown if matches!(bytes[..], [0, 0, 8..=14, 1..=4, ..]) => {
            return Err(wrong(format!(
                "{within} an array in an IDX file (as MNIST's), but must be CSV text in UTF-8"
            )));
        }
        KindOfFile::Unknown => {}
        KindOfFile::Gzip => return Err(wrong("is packed twice by gzip; unpack it once".into())),
        KindOfFile::Other(words) => {
            let advice = if words.contains("UTF-") { "save it in UTF-8" } else { "save its table as CSV" };
            return Err(wrong(format!("{within} {words}, but must be CSV text in UTF-8; {advice}")));
        }
    }
    let mark = b"\xef\xbb\xbf"; // byte order mark
    if bytes.starts_with(mark) {
        bytes = without_start(bytes, mark.len());
    }
    if let Some(delimiter) = named_delimiter(&bytes) {
        let options = options.to_mut();
        (options.delimiter, options.blanks_between_cells) = (delimiter, false);
        // What is left of the line is blank, so that the lines keep their numbers.
        bytes = without_start(bytes, b"sep=;".len());
    }
    if options.encoding == Encoding::Latin1 {
        bytes = Cow::Owned(bytes.iter().map(|&byte| char::from(byte)).collect::<String>().into_bytes());
    }
    if options.blanks_between_cells || blanks_before_quotes(&bytes, options.delimiter) {
        bytes = Cow::Owned(tidy(&bytes, options));
    }
    Ok(bytes)
}

fn without_start(bytes: Cow<'_, [u8]>, length: usize) -> Cow<'_, [u8]> {
    match bytes {
        Cow::Borrowed(bytes) => Cow::Borrowed(&bytes[length..]),
        Cow::Owned(bytes) => Cow::Owned(bytes[length..].to_vec()),
    }
}

/// Returns the delimiter that a first line `sep=;` names.
fn named_delimiter(text: &[u8]) -> Option<u8> {
    let (start, rest) = text.split_at_checked(b"sep=".len())?;
    let (&delimiter, rest) = rest.split_first()?;
    let is_line = matches!(rest, [b'\r' | b'\n', ..]) && !matches!(delimiter, b'\r' | b'\n' | b'"');
    (start.eq_ignore_ascii_case(b"sep=") && is_line && delimiter.is_ascii()).then_some(delimiter)
}

fn unpack(path: &Path, bytes: &[u8]) -> Result<Vec<u8>, Error> {
    let broken = |e: &dyn std::fmt::Display| Error::File {
        path: path.into(),
        line: None,
        column: None,
        reason: format!("is packed by gzip and cannot be unpacked: {e}"),
    };
    let (mut text, mut decoder) = (Vec::new(), MultiGzDecoder::new(bytes));
    let mut chunk = vec![0; 1 << 16];
    loop {
        let read = decoder.read(&mut chunk).map_err(|e| broken(&e))?;
        if read == 0 {
            return Ok(text);
        }
        text.try_reserve(read).map_err(|e| Error::Resource {
            reason: format!("no memory for the text of {}: {e}", path.display()),
        })?;
        text.extend_from_slice(&chunk[..read]);
    }
}

/// Whether a quote follows a blank, which may be at the start of a cell.
fn blanks_before_quotes(bytes: &[u8], delimiter: u8) -> bool {
    let blank = |byte: u8| matches!(byte, b' ' | b'\t') && byte != delimiter;
    // Most files have no quotes, which is quick to check.
    bytes.contains(&b'"') && bytes.windows(2).any(|pair| pair[1] == b'"' && blank(pair[0]))
}

/// Removes blanks before quotes that begin a cell. If blanks separate cells, also reduces each run of them to
/// one, and removes those at the ends of lines. Quoted text is not changed.
fn tidy(bytes: &[u8], options: &CsvOptions) -> Vec<u8> {
    let separates = options.blanks_between_cells;
    let is_blank = |byte: u8| matches!(byte, b' ' | b'\t') && (separates || byte != options.delimiter);
    let mut out = Vec::with_capacity(bytes.len());
    // `begins`: outside quotes, whether a cell begins here. Blanks wait until it is clear what follows them.
    let (mut begins, mut line_begins, mut quoted, mut waiting) = (true, true, false, 0..0);
    let mut closed = None;
    for (at, &byte) in bytes.iter().enumerate() {
        if quoted {
            out.push(byte);
            // A doubled quote closes and reopens, with the same result.
            quoted = byte != b'"';
            closed = (!quoted).then_some(at + 1);
            continue;
        }
        if is_blank(byte) {
            waiting = if waiting.is_empty() { at..at + 1 } else { waiting.start..at + 1 };
            continue;
        }
        let ends_line = matches!(byte, b'\r' | b'\n');
        if separates && !waiting.is_empty() {
            if !line_begins && !ends_line {
                out.push(b' ');
            }
            begins = true;
        } else if !waiting.is_empty() && (byte != b'"' || !begins) {
            out.extend_from_slice(&bytes[waiting.clone()]);
            begins = false;
        }
        quoted = byte == b'"' && (begins || closed == Some(at));
        out.push(byte);
        waiting = 0..0;
        line_begins = ends_line;
        begins = ends_line || (!separates && byte == options.delimiter);
    }
    if !separates {
        out.extend_from_slice(&bytes[waiting]);
    }
    out
}
