//! Recorded values of published formulas.

use super::{data_folder, skipped};
use ndarray::Array2;
use serde_json::Value;

/// Returns the recorded cases of a formula; `None`, after printing a line saying so, if there are no recorded values.
pub fn recorded(formula: &str) -> Option<Vec<Value>> {
    let path = data_folder(formula)?.join("../reference_values.json");
    let Ok(text) = std::fs::read_to_string(&path) else {
        skipped(&format!("{formula}: no {}", path.display()));
        return None;
    };
    let all: Value = serde_json::from_str(&text).unwrap();
    let formulas = all["formulas"].as_array().unwrap();
    let found = formulas.iter().find(|entry| entry["id"] == formula).unwrap();
    let cases = found["cases"].as_array().unwrap().clone();
    assert!(!cases.is_empty());
    Some(cases)
}

/// Returns a number of a case.
pub fn value(case: &Value, group: &str, name: &str) -> f64 {
    case[group][name].as_f64().unwrap_or_else(|| panic!("{}: no {group} {name}", case["id"]))
}

/// Returns a matrix of a case, stored by rows.
pub fn matrix(case: &Value, name: &str) -> Array2<f64> {
    let rows = case["inputs"][name].as_array().unwrap();
    let columns = rows[0].as_array().unwrap().len();
    Array2::from_shape_fn((rows.len(), columns), |(i, j)| rows[i][j].as_f64().unwrap())
}

/// Returns a list of a case as a column.
pub fn column(case: &Value, name: &str) -> Array2<f64> {
    let values = case["inputs"][name].as_array().unwrap();
    Array2::from_shape_fn((values.len(), 1), |(i, _)| values[i].as_f64().unwrap())
}
