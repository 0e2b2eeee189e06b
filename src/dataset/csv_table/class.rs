//! A target of one class against the rest.

use super::columns::Columns;
use super::features::{MOST_WORDS, Words};
use super::header::Names;
use super::table::Table;
use crate::Error;
use crate::error::words::shown;

/// The class, and whether a row has it.
#[derive(Debug)]
pub(super) struct Class<'a> {
    word: &'a str,
    is_found: bool,
    /// Other words of the column, for the error if no row has the class.
    others: Words,
}

impl<'a> Class<'a> {
    /// Returns the class that the options ask for, if any; it must suit the table's columns.
    pub(super) fn asked(
        table: &'a Table<'a>,
        columns: &Columns,
        names: &Names,
    ) -> Result<Option<Self>, Error> {
        let Some(word) = table.options.class.as_deref().map(str::trim_ascii) else { return Ok(None) };
        let wrong = |reason: String| Err(table.error(None, Some(names.label(columns.targets[0])), reason));
        if columns.targets.len() > 1 {
            return wrong(format!(
                "is one of {} targets, but a class (`CsvOptions::with_class`) needs exactly one; name only that \
                 column as target",
                columns.targets.len()
            ));
        }
        if table.is_missing(word.as_bytes()) {
            return wrong(format!(
                "the class `{}` is a missing value, so no row has it; choose another class, or other spellings of a \
                 missing value (`CsvOptions::with_missing`)",
                shown(word)
            ));
        }
        Ok(Some(Self { word, is_found: false, others: Words::default() }))
    }

    /// Returns the target of a row whose trimmed cell is not a missing value.
    pub(super) fn target(&mut self, cell: &[u8]) -> f64 {
        if cell == self.word.as_bytes() {
            self.is_found = true;
            return 1.0;
        }
        if !self.is_found && self.others.len() < MOST_WORDS {
            self.others.number(cell);
        }
        0.0
    }

    /// Adds the class to the target's name and returns the step of the preparation; an error if no row has the class.
    /// `label` names the column, even if it has no name.
    pub(super) fn finish(self, target: &mut String, label: &str) -> Result<String, Error> {
        if !self.is_found {
            let choices = self.others.sorted().into_iter().map(|(word, _)| word.into()).collect();
            return Err(Error::UnknownName { what: "class of the target", name: self.word.into(), choices });
        }
        let step = format!("target 1 where {} is {}, 0 elsewhere", shown(label), shown(self.word));
        *target = format!("{target}={}", self.word);
        Ok(step)
    }
}
