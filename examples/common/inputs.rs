//! Reading of CSV files, and one results folder per input.

use super::flags::{Failure, Value, choices, flags, refused, usage};
use super::{io_error, settings};
use double_descent::dataset::{BlankCells, CsvOptions, Encoding, Header, Labelled, UnnamedColumn};
use double_descent::{Error, whole_file};
use flate2::CrcReader;
use std::collections::HashMap;
use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

flags! {
    /// Flags for reading CSV files.
    pub struct CsvArgs {
        /// Delimiter of a CSV file: a character, `tab`, or `blanks` for one or more blanks
        delimiter: Delimiter = Delimiter::Byte(b','), "CHAR";
        /// Drop rows of a CSV file with a missing value in a column in use, instead of stopping with an error
        drop_blank_rows: bool = false, "";
        /// Spellings of a missing value in a CSV file, separated by commas, instead of the default list; blank cells
        /// are always missing values, and numbers are compared by value: -999 is also -999.0 [default: NA, N/A, #N/A, <NA>, NaN, null, None, \N, ?, -, --, .]
        missing: Vec<String> = Vec::new(), "WORDS";
        /// Read numbers of a CSV file with a decimal comma: 0,5 instead of 0.5
        decimal_comma: bool = false, "";
        /// Where the column names of a CSV file are
        header: HeaderArg = HeaderArg::Checked, "PLACE";
        /// How to treat a first column without a name
        unnamed_column: UnnamedArg = UnnamedArg::Detect, "WHAT";
        /// Skip lines of a CSV file that begin with this single-byte character
        comment: Option<char> = None, "CHAR";
        /// Read a CSV file as Latin-1 (ISO 8859-1) instead of UTF-8
        latin1: bool = false, "";
        /// Columns of words in a CSV file, separated by commas; each word becomes a feature of 0 and 1
        one_hot: Vec<String> = Vec::new(), "NAMES";
        /// Columns of a CSV file to leave out, separated by commas, such as one with row names
        leave_out: Vec<String> = Vec::new(), "NAMES";
    }
}

/// The separator of the cells in a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delimiter {
    /// One byte.
    Byte(u8),
    /// One or more blanks or tabs.
    Blanks,
}

impl Value for Delimiter {
    fn parse(text: &str) -> Result<Self, String> {
        let mut characters = text.chars();
        match (text, characters.next(), characters.next()) {
            ("blanks", ..) => Ok(Self::Blanks),
            ("tab" | "\\t", ..) => Ok(Self::Byte(b'\t')),
            (_, Some(one), None) if one.is_ascii() => Ok(Self::Byte(one as u8)),
            _ => Err("neither one ASCII character nor `tab` or `blanks`".into()),
        }
    }

    fn show(&self) -> String {
        match self {
            Self::Byte(b'\t') => "tab".into(),
            Self::Byte(byte) => char::from(*byte).into(),
            Self::Blanks => "blanks".into(),
        }
    }
}

choices! {
    /// Where the column names are.
    pub enum HeaderArg {
        /// In the first line; an error if it looks like data
        Checked = "checked",
        /// In the first line, whatever it holds
        FirstLine = "first-line",
        /// Nowhere; the columns are named c0, c1, …
        None = "none",
    }
}

choices! {
    /// How to treat a first column without a name.
    pub enum UnnamedArg {
        /// Leave it out if it counts the rows; an error if it holds other whole numbers
        Detect = "detect",
        /// Use it like any other column
        Keep = "keep",
        /// Always leave it out
        LeaveOut = "leave-out",
    }
}

impl CsvArgs {
    /// Whether any of the flags was given.
    pub fn is_given(&self) -> bool {
        self.drop_blank_rows
            || self.delimiter != Delimiter::Byte(b',')
            || self.decimal_comma
            || self.latin1
            || !self.missing.is_empty()
            || !self.one_hot.is_empty()
            || !self.leave_out.is_empty()
            || self.comment.is_some()
            || self.header != HeaderArg::Checked
            || self.unnamed_column != UnnamedArg::Detect
    }

    pub fn options(&self) -> Result<CsvOptions, Failure> {
        let mut options = CsvOptions::default()
            .with_decimal_comma(self.decimal_comma)
            .with_one_hot(split_lists(&self.one_hot)?)
            .without_columns(split_lists(&self.leave_out)?)
            .with_encoding(if self.latin1 { Encoding::Latin1 } else { Encoding::Utf8 })
            .with_header(match self.header {
                HeaderArg::Checked => Header::Checked,
                HeaderArg::FirstLine => Header::FirstLine,
                HeaderArg::None => Header::None,
            })
            .with_unnamed_column(match self.unnamed_column {
                UnnamedArg::Detect => UnnamedColumn::Detect,
                UnnamedArg::Keep => UnnamedColumn::Keep,
                UnnamedArg::LeaveOut => UnnamedColumn::LeaveOut,
            });
        options = match self.delimiter {
            Delimiter::Byte(byte) => options.with_delimiter(byte),
            Delimiter::Blanks => options.with_blanks_between_cells(),
        };
        if !self.missing.is_empty() {
            // `--missing ''`: blank cells only.
            let is_none = self.missing.iter().all(String::is_empty);
            let words = if is_none { Vec::new() } else { split_lists(&self.missing)? };
            options = options.with_missing(words);
        }
        if let Some(comment) = self.comment {
            let Ok(comment) = u8::try_from(comment) else {
                return usage(format!("--comment: `{}` is not a single byte", comment.escape_debug()));
            };
            options = options.with_comment(comment);
        }
        if self.drop_blank_rows {
            options = options.with_blank_cells(BlankCells::DropRow);
        }
        Ok(options)
    }
}

/// Splits the values of a flag into names: at commas, with names that contain a comma in double quotes. A value that is
/// the path of a file is a single name. An empty value is an error: the shell may have lost a variable.
pub fn split_lists(values: &[String]) -> Result<Vec<String>, Failure> {
    let mut names = Vec::new();
    for value in values {
        if value.trim().is_empty() {
            return usage(
                "a flag has an empty value ('') where it needs names; give them, or leave the flag out",
            );
        }
        if value.contains(',') && Path::new(value).is_file() {
            names.push(value.clone());
            continue;
        }
        let mut reader =
            csv::ReaderBuilder::new().has_headers(false).trim(csv::Trim::All).from_reader(value.as_bytes());
        for record in reader.records() {
            let record = record.map_err(|e| Failure::Usage(format!("`{}`: {e}", value.escape_debug())))?;
            names.extend(record.iter().map(str::to_owned));
        }
    }
    Ok(names)
}

/// Returns the folder below `--out` for each data set: its name, or the stem of its file. If a file has the name of one
/// of the `named` data sets, or of another file, the folder's name includes more of its path.
pub fn folder_names(inputs: &[String], named: &[&str]) -> Result<Vec<String>, Failure> {
    let stem = |input: &String| {
        let path = Path::new(input);
        if named.contains(&input.as_str()) {
            return input.clone();
        }
        let stem = path.file_stem().map_or(String::new(), |stem| stem.to_string_lossy().into_owned());
        match stem {
            stem if stem.chars().all(|c| c == '.' || c.is_whitespace()) => "data".into(),
            // Add the extension, which no named data set has.
            stem if named.iter().any(|name| name.eq_ignore_ascii_case(&stem)) => stem + "_csv",
            stem => stem,
        }
    };
    let mut names: Vec<String> = inputs.iter().map(stem).collect();
    let mut counts: HashMap<String, usize> = HashMap::new();
    for name in &names {
        *counts.entry(name.to_lowercase()).or_default() += 1;
    }
    for (name, input) in names.iter_mut().zip(inputs) {
        if counts[&name.to_lowercase()] > 1
            && let Some(above) = Path::new(input).parent().and_then(Path::file_name)
        {
            *name = format!("{}_{name}", above.to_string_lossy().trim_start_matches('.'));
        }
    }
    let mut taken: HashMap<String, &String> = HashMap::new();
    for (name, input) in names.iter().zip(inputs) {
        if let Some(first) = taken.insert(name.to_lowercase(), input) {
            let reason = format!(
                "--dataset: the results of `{first}` and `{input}` would go into one folder, {name}; run them one by \
                 one, each with its own --out"
            );
            return usage(reason);
        }
    }
    Ok(names)
}

/// Returns the folder of real data: that of `--data-dir`, or else of the environment, if any.
pub fn data_folder(given: Option<&PathBuf>) -> Result<Option<PathBuf>, Failure> {
    const VARIABLE: &str = "DOUBLE_DESCENT_DATA";
    let (name, folder) = match given {
        Some(folder) => ("--data-dir", Some(folder.clone())),
        None => (VARIABLE, std::env::var_os(VARIABLE).map(PathBuf::from)),
    };
    match &folder {
        Some(folder) if !folder.is_dir() => usage(format!("{name}: there is no folder {}", folder.display())),
        _ => Ok(folder),
    }
}

/// Reads Fashion-MNIST from `fashion_mnist` below a folder or, if there is no such folder, from the folder itself.
pub fn fashion_mnist(folder: &Path) -> Result<(Labelled, Labelled), Error> {
    let inner = folder.join("fashion_mnist");
    Labelled::fashion_mnist(if inner.is_dir() { &inner } else { folder })
}

/// The file that says which input the results in a folder belong to.
const NOTE: &str = "input.txt";

/// The folders for results of this process with the text of their notes, until the results are written.
static CLAIMS: Mutex<Vec<(PathBuf, String)>> = Mutex::new(Vec::new());

/// States which input the results in `folder` will belong to, a file or a name; fails if it holds results of another
/// one. [`note`] writes it down with the results: a run that fails or is stopped before leaves nothing.
pub fn claim(folder: &Path, input: &str) -> Result<(), Failure> {
    let text = in_words(input).map_err(|e| io_error(Path::new(input), &e))?;
    let path = folder.join(NOTE);
    match std::fs::read_to_string(&path) {
        // A file that was edited keeps its path, one that was moved its content.
        Ok(other) if has_results(folder) && !text.lines().any(|line| other.lines().any(|l| l == line)) => {
            let name = |text: &str| text.lines().last().unwrap_or_default().to_owned();
            return refused(format!(
                "{} holds the results of {}, not of {}: choose another --out, or move its tables, its figures and \
                 {NOTE} elsewhere",
                folder.display(),
                name(&other),
                name(&text),
            ));
        }
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(io_error(&path, &error).into()),
        _ => {}
    }
    CLAIMS.lock().unwrap_or_else(PoisonError::into_inner).push((folder.to_owned(), text));
    Ok(())
}

/// Writes down which input the results in `folder` belong to, if [`claim`] was called for it.
pub fn note(folder: &Path) -> Result<(), Error> {
    let claims = CLAIMS.lock().unwrap_or_else(PoisonError::into_inner);
    match claims.iter().find(|(claimed, _)| claimed == folder) {
        Some((_, text)) => whole_file::write(&folder.join(NOTE), |file| file.write_all(text.as_bytes())),
        None => Ok(()),
    }
}

/// An input in lines: a name; or, of a regular file, its name and a checksum of its content, and its path.
fn in_words(input: &str) -> std::io::Result<String> {
    let path = Path::new(input);
    // What comes through a pipe, as /dev/stdin, can be read only once.
    if !path.is_file() {
        return Ok(format!("{input}\n"));
    }
    let path = path.canonicalize()?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let mut content = CrcReader::new(File::open(&path)?);
    let bytes = std::io::copy(&mut content, &mut std::io::sink())?;
    Ok(format!("{name}, {bytes} bytes, CRC-32 {:08x}\n{}\n", content.crc().sum(), path.display()))
}

/// Whether a folder holds anything besides the notes of a study and its shards.
fn has_results(folder: &Path) -> bool {
    let is_result =
        |name: &std::ffi::OsStr| [NOTE, settings::FILE, "shards"].iter().all(|other| name != *other);
    std::fs::read_dir(folder)
        .is_ok_and(|mut all| all.any(|one| one.is_ok_and(|one| is_result(&one.file_name()))))
}

/// The library's names of reader options and data in errors, and the flags that set them.
const FLAGS: [(&str, &str); 14] = [
    ("BlankCells::DropRow", "--drop-blank-rows"),
    ("CsvOptions::with_blanks_between_cells", "--delimiter blanks"),
    ("CsvOptions::with_class", "--class"),
    ("CsvOptions::with_comment", "--comment"),
    ("CsvOptions::with_decimal_comma", "--decimal-comma"),
    ("CsvOptions::with_delimiter", "--delimiter"),
    ("CsvOptions::with_encoding", "--latin1"),
    ("CsvOptions::with_header", "--header"),
    ("CsvOptions::with_missing", "--missing"),
    ("CsvOptions::with_one_hot", "--one-hot"),
    ("CsvOptions::without_columns", "--leave-out"),
    ("UnnamedColumn::Keep", "--unnamed-column keep"),
    ("UnnamedColumn::LeaveOut", "--unnamed-column leave-out"),
    (
        "give this run the same data",
        "give this run the same data (pass --data-dir or set DOUBLE_DESCENT_DATA)",
    ),
];

/// Returns the same error with flags in place of options, because a user of the program cannot call the library.
pub fn with_flags(error: Error) -> Error {
    let Error::File { path, line, column, mut reason } = error else { return error };
    for (option, flag) in FLAGS {
        reason = reason.replace(option, flag);
    }
    Error::File { path, line, column, reason }
}
