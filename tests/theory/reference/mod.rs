//! Every formula of `theory` against values computed elsewhere in 40 to 1400 digits (`values.json`): at ordinary
//! arguments, on both sides of the threshold, at tiny and huge penalties and noise.
//!
//! An entry of the file that no formula answers is a failure, and so is an answer for which the file has no value. The
//! tolerances are the file's; they are those that the functions state.

mod inputs;
mod risks;
mod spectra;

use inputs::Inputs;
use risks::{exact, random_features, ridge_answer};
use serde_json::Value;
use spectra::{flows, spectra};

/// Answers by name; `NaN` stands for an absent value.
type Answers = Vec<(&'static str, f64)>;

fn value(value: f64) -> Answers {
    vec![("value", value)]
}

fn answer(id: &str, i: &Inputs<'_>) -> Answers {
    exact(id, i)
        .or_else(|| ridge_answer(id, i))
        .or_else(|| random_features(id, i))
        .or_else(|| spectra(id, i))
        .or_else(|| flows(id, i))
        .unwrap_or_else(|| panic!("no formula of theory is {id}"))
}

/// Compares every output of every case in a file, and returns their number.
fn compare(file: &str, formulas: usize) -> usize {
    let entries: Value = serde_json::from_str(file).unwrap();
    let entries = entries.as_array().unwrap();
    assert_eq!(entries.len(), formulas, "formulas");
    let mut wrong = Vec::new();
    let mut compared = 0;
    for entry in entries {
        let id = entry["id"].as_str().unwrap();
        let (relative, absolute) = (entry["rtol"].as_f64().unwrap(), entry["atol"].as_f64().unwrap());
        for case in entry["cases"].as_array().unwrap() {
            let answers = answer(id, &Inputs(&case["inputs"]));
            let expected = case["outputs"].as_object().unwrap();
            for (name, expected) in expected {
                let found = answers.iter().find(|(answer, _)| answer == name);
                let found = found.unwrap_or_else(|| panic!("{id} does not answer {name}")).1;
                let expected = match expected {
                    Value::Number(number) => number.as_f64().unwrap(),
                    Value::Null => f64::NAN,
                    _ => f64::INFINITY,
                };
                // The location of a maximum has half as many digits as its value.
                let relative = if name.starts_with("argmax") { 1e-7 } else { relative };
                let agrees = found == expected
                    || (found.is_nan() && expected.is_nan())
                    || (found - expected).abs() <= relative * expected.abs() + absolute;
                compared += 1;
                if !agrees {
                    wrong.push(format!("{id} {name}: {found:e}, not {expected:e}, at {}", case["inputs"]));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {compared}:\n{}", wrong.len(), wrong.join("\n"));
    compared
}

#[test]
fn every_formula_of_the_sheet() {
    let compared = compare(include_str!("values.json"), 47);
    assert!(compared > 900, "{compared} values");
}

/// A second set of arguments, all compared to 1e-10: `γ` from 1e-200 to 1e200 and at 1 ± 1e-12, 1e-15 and one bit,
/// penalties from 1e-300 to 1e300, spectra over 280 powers of ten. Each formula is evaluated as printed, in 50 to 1300
/// digits.
#[test]
fn formulas_at_other_arguments() {
    let compared = compare(include_str!("others.json"), 30);
    assert!(compared > 2000, "{compared} values");
}
