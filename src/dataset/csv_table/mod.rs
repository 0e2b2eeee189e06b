//! Data sets from CSV text.

mod cells;
mod class;
mod columns;
mod features;
mod header;
mod options;
mod plain;
mod row_memory;
mod table;
mod text;

pub use options::{BlankCells, CsvOptions, Encoding, Header, UnnamedColumn};

use super::Dataset;
use crate::error::words::{counted, listed, shown};
use crate::{Error, machine::memory};
use cells::{
    between_thousands, in_plain_characters, is_one_thousand, parse_number, sign_beside, unit_beside,
};
use class::Class;
use columns::Columns;
use csv::ByteRecord;
use features::{Features, MOST_WORDS, Words};
use header::{Names, looks_like_data, other_delimiter, shared_delimiter};
use ndarray::Array2;
use std::fs;
use std::path::Path;
use table::{Reader, Table};

/// Up to this file size in bytes, cells are not counted before they are read.
const UNCOUNTED: usize = 1 << 20;

impl Dataset {
    /// Reads a CSV file, gzipped or plain; the data set is named after the file.
    ///
    /// # Errors
    /// [`Error::Io`] if the file cannot be read; [`Error::UnknownColumn`] for a name in the options that no column has;
    /// [`Error::UnknownName`] for a class that no row has; [`Error::File`] with line and column for a cell that is not
    /// a finite number, a missing value, a row of another length, a first line that does not name the columns, two
    /// columns with the same name, a class of several targets, a table without rows, or another kind of file;
    /// [`Error::Memory`] or [`Error::Resource`] if there is not enough memory.
    pub fn read_csv(path: impl AsRef<Path>, options: &CsvOptions) -> Result<Self, Error> {
        let path = path.as_ref();
        let bytes = fs::read(path).map_err(|e| Error::io(path, &e))?;
        Table::new(path, options, &bytes)?.parse(name_of(path))
    }

    /// Reads CSV text that is already in memory.
    ///
    /// # Errors
    /// Those of [`Dataset::read_csv`], with `name` in place of the path.
    pub fn parse_csv(name: &str, text: &[u8], options: &CsvOptions) -> Result<Self, Error> {
        Table::new(Path::new(name), options, text)?.parse(name.into())
    }
}

/// Advice for a feature that contains a word.
const WORD: &str = "; leave the column out (`CsvOptions::without_columns`), turn its words into features \
                    (`CsvOptions::with_one_hot`), or declare it a missing value (`CsvOptions::with_missing`, \
                    which replaces the default list)";

/// The beginnings of the same advice for a column without a name: the first, and any other.
const FIRST_UNNAMED: &str = "; leave the column out (`UnnamedColumn::LeaveOut`), or name it and";
const UNNAMED: &str = "; name the column, then";

/// Advice for a target that contains a word; the words of its column follow.
const CLASS: &str = "; targets are numbers: to study one class against the rest, name it \
                     (`CsvOptions::with_class`); for several at once, write a column of 0 and 1 for each; a missing \
                     value can be declared (`CsvOptions::with_missing`, which replaces the default list). Words in this column: ";

/// Returns a file's name without its extensions; `data` if nothing is left that can name a folder.
fn name_of(path: &Path) -> String {
    let packed = path.extension().is_some_and(|end| end.eq_ignore_ascii_case("gz"));
    let stem = path.file_stem().map(Path::new);
    let stem = stem.and_then(|stem| if packed { stem.file_stem() } else { Some(stem.as_os_str()) });
    let name = stem.map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
    if name.chars().all(|c| c == '.' || c.is_whitespace()) { "data".into() } else { name }
}

impl Table<'_> {
    fn parse(&self, name: String) -> Result<Dataset, Error> {
        if self.text.len() > UNCOUNTED {
            self.reserve_rows()?;
        }
        let mut reader = self.reader();
        let mut record = ByteRecord::new();
        let mut more = self.next(&mut reader, &mut record)?;
        let (names, width) = self.header(&mut reader, &mut record, &mut more)?;
        let columns = Columns::choose(self, &names)?;
        // Vectors grow by doubling, up to twice their content.
        if self.text.len() > UNCOUNTED {
            memory::reserve("the numbers of a CSV file", memory::list::<[f64; 2]>(self.cells()))?;
        }
        let mut class = Class::asked(self, &columns, &names)?;
        let mut features = Features::new(&columns);
        let numbers: Vec<usize> =
            columns.features.iter().copied().filter(|c| !columns.one_hot.contains(c)).collect();
        let mut targets = Vec::new();
        let mut dropped = 0;
        let first = record.position().and_then(|place| usize::try_from(place.byte()).ok());
        // Cells beyond the names need checking, so they exclude the fast reader.
        if let Some(first) = first.filter(|_| more && width == names.all.len()) {
            more = !self.read_plain(first, (width, &columns), (&mut features.values, &mut targets))?;
        }
        while more {
            self.check_length(&record, width, &names)?;
            if self.is_dropped(&record, &names, &columns) {
                dropped += 1;
            } else {
                self.reserve(&mut features.values, columns.features.len())?;
                self.reserve(&mut targets, columns.targets.len())?;
                for (place, &column) in columns.features.iter().enumerate() {
                    let value = match features.words(place) {
                        Some(words) => self.word_number(&record, column, &names, words)?,
                        None => self.number(&record, column, &names, Some(&numbers))?,
                    };
                    features.values.push(value);
                }
                for &column in &columns.targets {
                    targets.push(match &mut class {
                        Some(class) => class.target(self.word(&record, column, &names)?),
                        None => self.number(&record, column, &names, None)?,
                    });
                }
            }
            more = self.next(&mut reader, &mut record)?;
        }
        let rows = targets.len() / columns.targets.len();
        if rows == 0 {
            let all = if dropped > 0 {
                format!("has no complete row: a value is missing in all {dropped}")
            } else {
                "has a header and no rows of numbers".into()
            };
            return Err(self.error(None, None, all));
        }
        let pick =
            |columns: &[usize]| -> Vec<String> { columns.iter().map(|&c| names.all[c].clone()).collect() };
        let (features, feature_names) = features.finish(self, &pick(&columns.features))?;
        let shape = |values: Vec<f64>, len: usize| {
            Array2::from_shape_vec((rows, len), values).map_err(|e| self.error(None, None, e.to_string()))
        };
        let mut target_names = pick(&columns.targets);
        let step = match class {
            Some(class) => Some(class.finish(&mut target_names[0], &names.label(columns.targets[0]))?),
            None => None,
        };
        let mut data = Dataset::named(
            name,
            shape(features, feature_names.len())?,
            shape(targets, columns.targets.len())?,
            feature_names,
            target_names,
        )?;
        if columns.first_left_out {
            let what = if self.options.unnamed_column == UnnamedColumn::LeaveOut {
                "unnamed"
            } else {
                "row numbers"
            };
            data.preparation.push(format!("first column ({what}) left out"));
        }
        if dropped > 0 {
            let rows = if dropped == 1 { "row" } else { "rows" };
            data.preparation.push(format!("{dropped} {rows} with missing values dropped"));
        }
        let absent = self.absent_missing()?;
        if !absent.is_empty() {
            data.preparation.push(format!("declared missing, but in no cell: {}", listed(&absent)));
        }
        data.preparation.extend(step);
        Ok(data)
    }

    /// Returns the names and the number of cells per row. Afterwards `record` is the first row of data, if
    /// `more` is true.
    fn header(
        &self,
        reader: &mut Reader<'_>,
        record: &mut ByteRecord,
        more: &mut bool,
    ) -> Result<(Names, usize), Error> {
        if !*more
            || record.iter().all(|cell| cell.trim_ascii().is_empty()) && self.options.header != Header::None
        {
            return Err(self.error(None, None, "is empty; it needs a header and rows".into()));
        }
        let blank_end =
            |line: &ByteRecord, from: usize| line.iter().skip(from).all(|cell| cell.trim_ascii().is_empty());
        if self.options.header == Header::None {
            let mut columns = record.len();
            // Every row may end in a delimiter.
            if columns > 1
                && record[columns - 1].trim_ascii().is_empty()
                && self.is_blank_everywhere(columns - 1)?
            {
                columns -= 1;
            }
            return Ok((Names::numbered(columns), record.len()));
        }
        let first = record.clone();
        let line = self.line_of(&first);
        if self.options.header == Header::Checked
            && let Some(reason) = looks_like_data(&first, &self.options)
        {
            return Err(self.error(line, None, reason));
        }
        let mut names = Names::read(&first);
        let named = names.all.iter().rposition(|name| !name.is_empty()).map_or(0, |last| last + 1);
        *more = self.next(reader, record)?;
        let mut width = first.len();
        if *more && record.len() != width {
            let trailing = record.len() > width && blank_end(record, width)
                || record.len() < width && record.len() >= named;
            if first.len() < record.len() && !trailing {
                self.refuse_comment(&first)?;
            }
            if trailing {
                width = record.len();
            } else if width > 1 || other_delimiter(&names.all, &first, &self.options).is_empty() {
                self.check_length(record, width, &names)?;
            }
        }
        names.truncate(named.min(width));
        if names.all.len() == 1 {
            self.refuse_comment(&first)?;
            let reason = if width > 1 {
                "has one name and blank cells, but must name a target and at least one feature; if it is a title, \
                 remove it"
                    .into()
            } else {
                let hint = other_delimiter(&names.all, &first, &self.options);
                format!("has one column; it needs a target and at least one feature{hint}")
            };
            return Err(self.error(line, None, reason));
        }
        Ok((names, width))
    }

    /// Returns an error if the line begins like a comment.
    fn refuse_comment(&self, line: &ByteRecord) -> Result<(), Error> {
        if !line[0].trim_ascii_start().starts_with(b"#") {
            return Ok(());
        }
        let reason = "begins with `#` and does not name the columns; if such lines are comments, say so \
                      (`CsvOptions::with_comment`)";
        Err(self.error(self.line_of(line), None, reason.into()))
    }

    fn is_blank_everywhere(&self, column: usize) -> Result<bool, Error> {
        let (mut reader, mut record) = (self.reader(), ByteRecord::new());
        while self.next(&mut reader, &mut record)? {
            if record.get(column).is_some_and(|cell| !cell.trim_ascii().is_empty()) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Checks that a row has `width` cells, and only blank ones beyond the names.
    fn check_length(&self, record: &ByteRecord, width: usize, names: &Names) -> Result<(), Error> {
        if record.len() != width {
            let hint = if !self.hint_of_quotes(record).is_empty() {
                self.hint_of_quotes(record).into()
            } else if !self.hint_of_blanks().is_empty() {
                self.hint_of_blanks().into()
            } else if let Some(hint) = shared_delimiter(&names.all, record, &self.options) {
                hint
            } else if record.len() == width + 1 && record.iter().next_back() != Some(b"") {
                "; if its first cell names or numbers the row, that column needs a name in the header".into()
            } else if width == 1 {
                "; if the first lines are not part of the table, remove them".into()
            } else {
                String::new()
            };
            let reason = format!("{} where the header has {width}{hint}", counted(record.len(), "cell"));
            return Err(self.error(self.line_of(record), None, reason));
        }
        for column in names.all.len()..record.len() {
            let cell = &record[column];
            if !cell.trim_ascii().is_empty() {
                let cell = shown(&String::from_utf8_lossy(cell));
                let reason =
                    format!("`{cell}` in column {} (counted from 1), which has no name; name it", column + 1);
                return Err(self.error(self.line_of(record), None, reason));
            }
        }
        Ok(())
    }

    fn is_dropped(&self, record: &ByteRecord, names: &Names, columns: &Columns) -> bool {
        let missing = |column: usize| self.is_missing(record[column].trim_ascii());
        match self.options.blank_cells {
            BlankCells::Refuse => false,
            BlankCells::DropRow => columns.features.iter().chain(&columns.targets).any(|&c| missing(c)),
            BlankCells::DropIncompleteRow => (0..names.all.len()).any(missing),
        }
    }

    fn number(
        &self,
        record: &ByteRecord,
        column: usize,
        names: &Names,
        features: Option<&[usize]>,
    ) -> Result<f64, Error> {
        let cell = record[column].trim_ascii();
        let parsed = parse_number(cell, &self.options).filter(|value| value.is_finite());
        match parsed {
            Some(value) if self.missing_numbers.is_empty() || !self.is_missing(cell) => Ok(value),
            _ => {
                let hint = match self.hint_of_quotes(record) {
                    "" => self.hint_of_words(record, column, names, features),
                    hint => hint.into(),
                };
                let reason = self.no_number(cell) + &hint;
                Err(self.error(self.line_of(record), Some(names.label(column)), reason))
            }
        }
    }

    /// Advises what to do about a word in a column of numbers, and lists other columns of the row with words.
    fn hint_of_words(
        &self,
        record: &ByteRecord,
        column: usize,
        names: &Names,
        features: Option<&[usize]>,
    ) -> String {
        let is_word = |column: usize| self.is_word(record[column].trim_ascii());
        if !is_word(column) {
            return String::new();
        }
        let Some(features) = features else { return format!("{CLASS}{}", listed(&self.words_in(column))) };
        let others = features.iter().filter(|&&other| other != column && is_word(other));
        let others: Vec<String> = others.map(|&other| names.label(other)).collect();
        let others = if others.is_empty() {
            String::new()
        } else {
            format!("; other columns with words: {}", listed(&others))
        };
        let advice = match (names.all[column].is_empty(), column) {
            (true, 0) => {
                WORD.replacen("; leave the column out (`CsvOptions::without_columns`),", FIRST_UNNAMED, 1)
            }
            (true, _) => WORD.replacen(';', UNNAMED, 1),
            _ => WORD.into(),
        };
        let is_number = |cell: &[u8]| parse_number(cell.trim_ascii(), &self.options).is_some();
        let line = if record.iter().any(is_number) {
            ""
        } else {
            "; this line has no number: if it holds units or the like, remove it"
        };
        format!("{line}{advice}{others}")
    }

    /// Returns the different words in a column of a table with a mistake, sorted.
    fn words_in(&self, column: usize) -> Vec<String> {
        let (mut reader, mut record, mut words) = (self.reader(), ByteRecord::new(), Words::default());
        let mut is_data = self.options.header == Header::None;
        while let Ok(true) = self.next(&mut reader, &mut record)
            && words.len() < MOST_WORDS
        {
            if let Some(cell) = record.get(column).map(<[u8]>::trim_ascii)
                && is_data
                && self.is_word(cell)
            {
                words.number(cell);
            }
            is_data = true;
        }
        words.sorted().into_iter().map(|(word, _)| word.into()).collect()
    }

    /// Returns the word in a cell, trimmed; an error if it is a missing value.
    fn word<'r>(&self, record: &'r ByteRecord, column: usize, names: &Names) -> Result<&'r [u8], Error> {
        let cell = record[column].trim_ascii();
        if self.is_missing(cell) {
            return Err(self.error(self.line_of(record), Some(names.label(column)), self.no_number(cell)));
        }
        Ok(cell)
    }

    /// Returns the number of the word in a cell among the words of its column.
    fn word_number(
        &self,
        record: &ByteRecord,
        column: usize,
        names: &Names,
        words: &mut Words,
    ) -> Result<f64, Error> {
        let word = self.word(record, column, names)?;
        words.number(word).map(|number| number as f64).ok_or_else(|| {
            let reason = format!(
                "more than {MOST_WORDS} different words, too many for a feature each; is it a column of words?"
            );
            self.error(self.line_of(record), Some(names.label(column)), reason)
        })
    }

    /// Whether a cell is neither a number in any spelling nor a missing value.
    fn is_word(&self, cell: &[u8]) -> bool {
        let spellings = [false, true].map(|comma| CsvOptions::default().with_decimal_comma(comma));
        !(cell.is_empty() || cell.contains(&0) || self.is_missing(cell))
            && spellings.iter().all(|options| parse_number(cell, options).is_none())
            && between_thousands(cell).is_none()
            && sign_beside(cell).is_none()
            && spellings.iter().all(|options| in_plain_characters(cell, options).is_none())
    }

    /// Explains why a cell is not a number, and what to do.
    fn no_number(&self, cell: &[u8]) -> String {
        if cell.is_empty() {
            return "blank cell; fill it, or ask for rows with blank cells to be dropped \
                    (`BlankCells::DropRow`)"
                .into();
        }
        let text = shown(&String::from_utf8_lossy(cell));
        let comma = CsvOptions { decimal_comma: true, ..CsvOptions::default() };
        if self.is_missing(cell) {
            format!(
                "`{text}` is a missing value, not a finite number; fill it, or ask for rows with missing values to \
                 be dropped (`BlankCells::DropRow`)"
            )
        } else if cell.contains(&0) {
            format!("`{text}` is not a finite number: it holds NUL bytes; save the file as UTF-8 text")
        } else if !self.options.decimal_comma && cell.contains(&b',') && parse_number(cell, &comma).is_some()
        {
            let or_thousands =
                if is_one_thousand(cell, b',') { "; if it separates thousands, remove it" } else { "" };
            format!(
                "`{text}` is not a finite number; if its comma is a decimal one, say so \
                 (`CsvOptions::with_decimal_comma`){or_thousands}"
            )
        } else if let Some(separator) = between_thousands(cell) {
            format!("`{text}` is not a finite number; remove its thousands separator (`{separator}`)")
        } else if let Some(sign) = sign_beside(cell) {
            format!("`{text}` is not a finite number; remove its sign (`{sign}`)")
        } else if self.options.decimal_comma && parse_number(cell, &CsvOptions::default()).is_some() {
            let thousands = if is_one_thousand(cell, b'.') {
                "; if its point separates thousands, remove it"
            } else {
                ""
            };
            format!("`{text}` is not a finite number with a decimal comma, as requested{thousands}")
        } else if let Some(plain) = in_plain_characters(cell, &self.options) {
            format!(
                "`{text}` is not a finite number; its minus sign or a blank is a special character: write `{plain}`"
            )
        } else if let Some(unit) = unit_beside(cell) {
            format!("`{text}` is not a finite number; if `{}` is a unit, remove it", shown(unit))
        } else if text.parse::<f64>().is_ok() {
            format!(
                "`{text}` is not a finite number; if it stands for a missing value, declare it \
                 (`CsvOptions::with_missing`, which replaces the default list) and have its row dropped \
                 (`BlankCells::DropRow`)"
            )
        } else {
            format!("`{text}` is not a finite number")
        }
    }
}
