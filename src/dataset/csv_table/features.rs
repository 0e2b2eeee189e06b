//! The values of the features: numbers, and word columns in one-hot encoding.

use super::columns::Columns;
use super::table::Table;
use crate::Error;
use crate::machine::order;
use std::collections::HashMap;

/// The words of a column, numbered in order of appearance.
#[derive(Debug, Default)]
pub(super) struct Words {
    numbers: HashMap<String, usize>,
}

/// Maximum number of different words in a column.
pub(super) const MOST_WORDS: usize = 1000;

impl Words {
    /// Returns the word's number; `None` if there are too many words.
    pub(super) fn number(&mut self, word: &[u8]) -> Option<usize> {
        let word = String::from_utf8_lossy(word).into_owned();
        let next = self.numbers.len();
        let number = *self.numbers.entry(word).or_insert(next);
        (number < MOST_WORDS).then_some(number)
    }

    /// The number of different words.
    pub(super) fn len(&self) -> usize {
        self.numbers.len()
    }

    /// Returns the sorted words, each with its number.
    pub(super) fn sorted(&self) -> Vec<(&str, usize)> {
        let mut words: Vec<_> = self.numbers.iter().map(|(word, &number)| (word.as_str(), number)).collect();
        order::sort(&mut words, Ord::cmp);
        words
    }
}

/// The values of the features, row-major; word columns hold word numbers.
#[derive(Debug)]
pub(super) struct Features {
    pub(super) values: Vec<f64>,
    words: Vec<Option<Words>>,
}

impl Features {
    pub(super) fn new(columns: &Columns) -> Self {
        let words =
            columns.features.iter().map(|column| columns.one_hot.contains(column).then(Words::default));
        Self { values: Vec::new(), words: words.collect() }
    }

    /// The words of this feature, if it is a word column.
    pub(super) fn words(&mut self, place: usize) -> Option<&mut Words> {
        self.words[place].as_mut()
    }

    /// Returns the values and names of all features, with one feature per word.
    pub(super) fn finish(
        self,
        table: &Table<'_>,
        names: &[String],
    ) -> Result<(Vec<f64>, Vec<String>), Error> {
        if self.words.iter().all(Option::is_none) {
            return Ok((self.values, names.to_vec()));
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
        table.reserve(&mut values, (self.values.len() / names.len()).saturating_mul(all_names.len()))?;
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
        Ok((values, all_names))
    }
}
