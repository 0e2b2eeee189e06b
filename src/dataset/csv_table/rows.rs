//! Cells: numbers, missing values, words; and the columns of words as columns of 0 and 1.

use super::columns::Columns;
use super::options::CsvOptions;
use std::collections::HashMap;

/// A word of a cell, by its number in order of appearance.
#[derive(Debug, Default)]
pub(super) struct Words {
    numbers: HashMap<String, usize>,
}

/// Different words that a column may have.
pub(super) const MOST_WORDS: usize = 1000;

impl Words {
    /// The word's number; none where there are too many.
    pub(super) fn number(&mut self, word: &[u8]) -> Option<usize> {
        let word = String::from_utf8_lossy(word).into_owned();
        let next = self.numbers.len();
        let number = *self.numbers.entry(word).or_insert(next);
        (number < MOST_WORDS).then_some(number)
    }

    /// The words in their order, each with its number.
    pub(super) fn sorted(&self) -> Vec<(&str, usize)> {
        let mut words: Vec<_> = self.numbers.iter().map(|(word, &number)| (word.as_str(), number)).collect();
        words.sort_unstable();
        words
    }
}

/// Whether a cell without outer blanks is a missing value.
pub(super) fn is_missing(cell: &[u8], options: &CsvOptions) -> bool {
    cell.is_empty() || options.missing.iter().any(|word| cell.eq_ignore_ascii_case(word.trim().as_bytes()))
}

/// The number in a cell without outer blanks, infinite or NaN as it may be.
pub(super) fn parse_number(cell: &[u8], options: &CsvOptions) -> Option<f64> {
    let text = std::str::from_utf8(cell).ok()?;
    if !options.decimal_comma {
        return text.parse().ok();
    }
    if text.contains('.') || text.matches(',').count() > 1 {
        return None;
    }
    text.replace(',', ".").parse().ok()
}

/// The values of the features, row after row; of a column of words, their numbers.
#[derive(Debug)]
pub(super) struct Features {
    values: Vec<f64>,
    words: Vec<Option<Words>>,
}

impl Features {
    pub(super) fn new(columns: &Columns) -> Self {
        let words =
            columns.features.iter().map(|column| columns.one_hot.contains(column).then(Words::default));
        Self { values: Vec::new(), words: words.collect() }
    }

    /// The words of this feature, if it is a column of words.
    pub(super) fn words(&mut self, place: usize) -> Option<&mut Words> {
        self.words[place].as_mut()
    }

    pub(super) fn push(&mut self, value: f64) {
        self.values.push(value);
    }

    /// The features and their names, with one feature for each word.
    pub(super) fn finish(self, names: &[String]) -> (Vec<f64>, Vec<String>) {
        if self.words.iter().all(Option::is_none) {
            return (self.values, names.to_vec());
        }
        let sorted: Vec<_> = self.words.iter().map(|words| words.as_ref().map(Words::sorted)).collect();
        let mut all_names = Vec::new();
        for (name, words) in names.iter().zip(&sorted) {
            match words {
                Some(words) => all_names.extend(words.iter().map(|(word, _)| format!("{name}={word}"))),
                None => all_names.push(name.clone()),
            }
        }
        let mut values = Vec::new();
        for row in self.values.chunks_exact(names.len()) {
            for (&value, words) in row.iter().zip(&sorted) {
                match words {
                    Some(words) => {
                        values.extend(words.iter().map(|&(_, number)| f64::from(number as f64 == value)));
                    }
                    None => values.push(value),
                }
            }
        }
        (values, all_names)
    }
}
