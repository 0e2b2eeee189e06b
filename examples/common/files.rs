//! Folders and tables for results.

use super::{inputs, settings};
use double_descent::curve::{Cell, Curve, Metric};
use double_descent::{Error, whole_file};
use std::path::Path;

/// Creates a folder for results before anything is computed, so that a study whose results cannot be written fails at
/// once.
pub fn make_folder(folder: &Path) -> Result<(), Error> {
    std::fs::create_dir_all(folder).map_err(|e| io_error(folder, &e))
}

/// Prepares a folder when results are about to be written: creates it again if it was deleted in the meantime, and
/// writes their input and the settings. Until then, it may hold the results and settings of an earlier run.
pub fn keep_folder(folder: &Path) -> Result<(), Error> {
    make_folder(folder)?;
    inputs::note(folder)?;
    settings::write(folder)
}

/// Writes a table completely or not at all. Like the library's tables, it ends in a column `rows_left`, the number of
/// rows that follow.
pub fn save_table(path: &Path, header: &[&str], rows: Vec<Vec<String>>) -> Result<(), Error> {
    if let Some(folder) = path.parent() {
        keep_folder(folder)?;
    }
    whole_file::write(path, |file| {
        let mut table = csv::Writer::from_writer(file);
        table.write_record(header.iter().chain(&["rows_left"]))?;
        for (left, row) in (0..rows.len()).rev().zip(rows) {
            table.write_record(row.into_iter().chain([left.to_string()]))?;
        }
        table.flush()
    })
}

/// Writes the cells of a curve with one arm and one repeat: `n,p,rank`, metrics under the given names, `rows_left`.
pub fn save_points(path: &Path, curve: &Curve, metrics: &[Metric], names: &[&str]) -> Result<(), Error> {
    let fields = |cell: &Cell| {
        let counts = [cell.n, cell.p, cell.rank].map(|count| count.to_string());
        let value = |metric: &Metric| cell.metric(*metric).map_or(String::new(), |value| value.to_string());
        counts.into_iter().chain(metrics.iter().map(value)).collect()
    };
    let header: Vec<&str> = ["n", "p", "rank"].iter().chain(names).copied().collect();
    save_table(path, &header, curve.cells.iter().map(fields).collect())
}

pub fn io_error(path: &Path, error: &impl ToString) -> Error {
    Error::Io { path: path.into(), reason: error.to_string(), cause: double_descent::Cause::none() }
}
