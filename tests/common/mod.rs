//! Helpers that the tests share: data, recorded results and reference computations.
#![allow(dead_code)] // each test program uses only some of these

pub mod any_bytes;
pub mod backends;
pub mod exact;
pub mod features;
pub mod files;
pub mod fits;
pub mod laws;
pub mod matrices;
pub mod monte_carlo;
pub mod program;
pub mod ratios;
pub mod recorded;
pub mod refits;

use std::io::Write;
use std::path::{Path, PathBuf};

/// Says that a test, or a part of one, was skipped. The macros' output would be hidden, since the test passes.
pub fn skipped(what: &str) {
    let _ = writeln!(std::io::stderr(), "SKIPPED {what}");
}

/// Returns the folder of data sets named by `DOUBLE_DESCENT_DATA`; `None`, after printing a line saying so, if it is
/// unset.
pub fn data_folder(test: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("DOUBLE_DESCENT_DATA").map(PathBuf::from);
    if folder.is_none() {
        skipped(&format!("{test}: DOUBLE_DESCENT_DATA is not set"));
    }
    folder
}

/// Returns the folder of recorded results, next to the data sets.
pub fn reference_folder(data: &Path) -> PathBuf {
    data.join("../reference")
}

/// A CSV table of numbers, with columns looked up by name.
pub struct Table {
    columns: Vec<String>,
    pub rows: Vec<Vec<f64>>,
}

impl Table {
    pub fn read(path: &Path) -> Self {
        let mut reader = csv::Reader::from_path(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let columns = reader.headers().unwrap().iter().map(Into::into).collect();
        let number = |field: &str| field.parse().unwrap_or(f64::NAN);
        let rows = reader.records().map(|r| r.unwrap().iter().map(number).collect()).collect();
        Self { columns, rows }
    }

    pub fn has(&self, column: &str) -> bool {
        self.columns.iter().any(|name| name == column)
    }

    pub fn get(&self, row: &[f64], column: &str) -> f64 {
        row[self.columns.iter().position(|name| name == column).unwrap()]
    }
}

/// Returns the distance between two numbers relative to `expected`; values below `floor` count as 0.
pub fn deviation(found: f64, expected: f64, floor: f64) -> f64 {
    if expected.abs() < floor && found.abs() < floor {
        return 0.0;
    }
    (found - expected).abs() / expected.abs()
}
