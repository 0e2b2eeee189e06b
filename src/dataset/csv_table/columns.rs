//! Chooses which columns of a table are features and which are targets.

use super::cells::parse_number;
use super::header::{Names, normalise};
use super::options::{Header, UnnamedColumn};
use super::table::Table;
use crate::Error;
use crate::error::words::counted;
use csv::ByteRecord;
use std::collections::HashSet;

/// Indices of the columns in use.
#[derive(Debug)]
pub(super) struct Columns {
    pub(super) features: Vec<usize>,
    pub(super) targets: Vec<usize>,
    /// The features that are word columns.
    pub(super) one_hot: HashSet<usize>,
    pub(super) first_left_out: bool,
}

impl Columns {
    pub(super) fn choose(table: &Table<'_>, names: &Names) -> Result<Self, Error> {
        let options = &table.options;
        let find = |wanted: &Vec<String>| {
            wanted.iter().map(|name| table.find(names, name)).collect::<Result<Vec<_>, _>>()
        };
        let left_out: HashSet<usize> = find(&options.left_out)?.into_iter().collect();
        let mut targets = find(&options.targets)?;
        if targets.is_empty() {
            let last = (0..names.all.len()).rev().find(|column| !left_out.contains(column));
            targets.push(last.unwrap_or(names.all.len() - 1));
        }
        let one_hot = find(&options.one_hot)?;
        let mut features = find(&options.features)?;
        let mut first_left_out = false;
        if features.is_empty() {
            let of_targets: HashSet<usize> = targets.iter().copied().collect();
            let is_free = |column: &usize| !of_targets.contains(column) && !left_out.contains(column);
            features = (0..names.all.len()).filter(is_free).collect();
            if features.first() == Some(&0) && !one_hot.contains(&0) {
                first_left_out = table.leaves_first_out(names)?;
                features.drain(..usize::from(first_left_out));
            }
        }
        let named: HashSet<usize> = features.iter().copied().collect();
        features.extend(one_hot.iter().copied().filter(|column| !named.contains(column)));
        if let Some(&column) = features.iter().chain(&targets).find(|column| left_out.contains(column)) {
            let reason = "is both left out and used as a feature or target; choose one".into();
            return Err(table.error(Some(1), Some(names.label(column)), reason));
        }
        if features.is_empty() {
            let left = names.all.len() - left_out.len() - usize::from(first_left_out);
            let beside = match (left == names.all.len(), first_left_out) {
                (true, _) => "",
                (false, true) => " besides those left out, among them the first",
                (false, false) => " besides those left out (`CsvOptions::without_columns`)",
            };
            let columns = if left == 1 { "one column".into() } else { counted(left, "column") };
            let reason = format!("has {columns}{beside}; it needs a target and at least one feature");
            return Err(table.error(Some(1), None, reason));
        }
        let columns = Self { features, targets, one_hot: one_hot.into_iter().collect(), first_left_out };
        columns.check(table, names)?;
        Ok(columns)
    }

    /// Checks that no column is used twice and that no two columns share a name.
    fn check(&self, table: &Table<'_>, names: &Names) -> Result<(), Error> {
        let refuse = |column: usize, reason: &str| {
            let line = (table.options.header != Header::None).then_some(1);
            Err(table.error(line, Some(names.label(column)), reason.into()))
        };
        let mut seen = HashSet::new();
        for (kind, columns) in [("feature", &self.features), ("target", &self.targets)] {
            for &column in columns {
                if let Some(bad) = names.not_utf8
                    && std::str::from_utf8(names.all[column].as_bytes())
                        .is_ok_and(|name| name.contains('\u{fffd}'))
                {
                    return Err(table.not_utf8(names, bad));
                }
                if let Some((first, Some(second))) = names.find(&names.all[column])
                    && column == second
                {
                    let (first, second) = (first + 1, second + 1);
                    if names.all[column].is_empty() {
                        let hint = table.hint_of_blanks();
                        let reason = format!("columns {first} and {second} have no name; name them{hint}");
                        return Err(table.error(Some(1), None, reason));
                    }
                    let reason = format!("columns {first} and {second} have this name; rename one");
                    return refuse(column, &format!("two columns share a name: {reason}"));
                }
                if !seen.insert(column) {
                    if kind == "target" && self.features.contains(&column) {
                        return refuse(column, "is both feature and target; choose one");
                    }
                    return refuse(column, &format!("is named twice as a {kind}; name it once"));
                }
            }
        }
        Ok(())
    }
}

impl Table<'_> {
    fn find(&self, names: &Names, wanted: &str) -> Result<usize, Error> {
        let wanted = normalise(wanted);
        match (names.find(&wanted), names.not_utf8) {
            (Some((column, None)), _) => Ok(column),
            (Some((first, Some(second))), _) => {
                let reason =
                    format!("two columns have this name, {} and {}; rename one", first + 1, second + 1);
                Err(self.error(Some(1), Some(wanted), reason))
            }
            (None, Some(bad)) => Err(self.not_utf8(names, bad)),
            (None, None) => Err(Error::UnknownColumn { name: wanted, available: names.all.clone() }),
        }
    }

    fn not_utf8(&self, names: &Names, column: usize) -> Error {
        let reason = "this name is not UTF-8; save the file as UTF-8 or, if it is Latin-1, read it as such \
                      (`CsvOptions::with_encoding`)";
        self.error(Some(1), Some(names.label(column)), reason.into())
    }

    /// Whether the first column, which has no name, is to be left out: because it counts the rows, or on request.
    fn leaves_first_out(&self, names: &Names) -> Result<bool, Error> {
        let name = names.all[0].as_str();
        // If several names are blank, a missing name says nothing about the first column.
        if names.find(name).is_some_and(|(_, second)| second.is_some())
            || !["", "Unnamed: 0", "rownames", "row.names"].contains(&name)
        {
            return Ok(false);
        }
        match self.options.unnamed_column {
            UnnamedColumn::Keep => return Ok(false),
            UnnamedColumn::LeaveOut => return Ok(true),
            UnnamedColumn::Detect => {}
        }
        let (mut reader, mut record) = (self.reader(), ByteRecord::new());
        self.next(&mut reader, &mut record)?;
        let mut numbers = Vec::new();
        while self.next(&mut reader, &mut record)? {
            match parse_number(record[0].trim_ascii(), &self.options).filter(|number| number.fract() == 0.0) {
                Some(number) => numbers.push(number),
                None => return Ok(false),
            }
        }
        let Some(&first) = numbers.first() else { return Ok(false) };
        let counts = numbers.windows(2).all(|pair| pair[1] - pair[0] == 1.0);
        if counts && (numbers.len() > 1 || first == 0.0 || first == 1.0) {
            return Ok(true);
        }
        let reason = "holds whole numbers that do not count the rows: if they number or group the \
                      rows, leave the column out (`UnnamedColumn::LeaveOut`); if they are a feature, name it or keep \
                      it (`UnnamedColumn::Keep`)";
        Err(self.error(Some(1), Some(names.label(0)), reason.into()))
    }
}
