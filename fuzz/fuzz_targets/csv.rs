//! Any bytes as a CSV table: a data set of finite numbers, or an error that can be printed.
#![no_main]

use arbitrary::Arbitrary;
use double_descent::dataset::{BlankCells, CsvOptions, Dataset};
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    delimiter: Option<u8>,
    drop_rows: bool,
    target: Option<&'a str>,
    features: Vec<&'a str>,
    text: &'a [u8],
}

fuzz_target!(|input: Input| {
    let mut options = CsvOptions::default().features(input.features.iter().copied());
    if let Some(delimiter) = input.delimiter {
        options = options.delimiter(delimiter);
    }
    if let Some(target) = input.target {
        options = options.target(target);
    }
    if input.drop_rows {
        options = options.blank_cells(BlankCells::DropRow);
    }
    match Dataset::parse_csv("fuzz", input.text, &options) {
        Ok(data) => {
            let (x, y) = (data.features(), data.targets());
            assert!(x.iter().chain(y).all(|v| v.is_finite()));
            assert!(x.nrows() == y.nrows() && x.nrows() > 0 && x.ncols() > 0 && y.ncols() > 0);
            assert_eq!((data.feature_names().len(), data.target_names().len()), (x.ncols(), y.ncols()));
            // Standardised columns stay finite, or overflow with an error.
            if let Ok(data) = data.standardised() {
                assert!(data.features().iter().all(|v| v.is_finite()));
            }
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
