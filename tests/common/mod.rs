//! Recorded results, for the tests that compare with them.
#![allow(dead_code)] // each group of tests uses its part

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

use std::path::{Path, PathBuf};

/// The folder of data sets, from `DOUBLE_DESCENT_DATA`; `None` (and a line that says so) without it.
pub fn data_folder(test: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("DOUBLE_DESCENT_DATA").map(PathBuf::from);
    if folder.is_none() {
        println!("SKIPPED {test}: DOUBLE_DESCENT_DATA is not set");
    }
    folder
}

/// The recorded results, beside the data sets.
pub fn reference_folder(data: &Path) -> PathBuf {
    data.join("../reference")
}

/// A CSV table of numbers as rows of `(column name, value)` look-ups.
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

/// How far two numbers are apart, relative to `expected`; values under `floor` count as equal to 0.
pub fn deviation(found: f64, expected: f64, floor: f64) -> f64 {
    if expected.abs() < floor && found.abs() < floor {
        return 0.0;
    }
    (found - expected).abs() / expected.abs()
}
