//! CSV tables as programs and people write them: either read, or refused with a message that says what to do.

mod any_text;
mod messages;
mod spellings;
mod words;

use double_descent::Error;
use double_descent::dataset::{BlankCells, CsvOptions, Dataset};
use flate2::{Compression, write::GzEncoder};
use std::io::Write as _;

fn read(text: impl AsRef<[u8]>, options: &CsvOptions) -> Result<Dataset, Error> {
    Dataset::parse_csv("table.csv", text.as_ref(), options)
}

fn default(text: impl AsRef<[u8]>) -> Result<Dataset, Error> {
    read(text, &CsvOptions::default())
}

/// Returns the message of a refusal, after checking that it is one printable line containing every string in `says`.
fn refused(result: Result<Dataset, Error>, says: &[&str]) -> String {
    let text = result.unwrap_err().to_string();
    assert!(!text.chars().any(char::is_control) && text.len() < 3000, "{text}");
    for word in says {
        assert!(text.contains(word), "no `{word}` in: {text}");
    }
    text
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

const DROP: BlankCells = BlankCells::DropRow;
const PLAIN: &str = "no intercept, features as given";
