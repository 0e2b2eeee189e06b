//! Any bytes read as a CSV table, with any options. The result must be a data set of finite numbers, or an error of one
//! printable line.
#![no_main]

use arbitrary::Arbitrary;
use double_descent::dataset::{BlankCells, CsvOptions, Dataset, Encoding, Header, UnnamedColumn};
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    delimiter: Option<u8>,
    blanks_between_cells: bool,
    header: Option<bool>,
    keep_unnamed: Option<bool>,
    latin1: bool,
    decimal_comma: bool,
    comment: Option<u8>,
    missing: Option<Vec<&'a str>>,
    drop_rows: Option<bool>,
    target: Option<&'a str>,
    class: Option<&'a str>,
    features: Vec<&'a str>,
    one_hot: Vec<&'a str>,
    text: &'a [u8],
}

impl Input<'_> {
    fn options(&self) -> CsvOptions {
        let mut options = CsvOptions::default()
            .with_features(self.features.iter().copied())
            .with_one_hot(self.one_hot.iter().copied())
            .with_decimal_comma(self.decimal_comma)
            .with_header(match self.header {
                None => Header::Checked,
                Some(true) => Header::FirstLine,
                Some(false) => Header::None,
            })
            .with_unnamed_column(match self.keep_unnamed {
                None => UnnamedColumn::Detect,
                Some(true) => UnnamedColumn::Keep,
                Some(false) => UnnamedColumn::LeaveOut,
            })
            .with_blank_cells(match self.drop_rows {
                None => BlankCells::Refuse,
                Some(true) => BlankCells::DropRow,
                Some(false) => BlankCells::DropIncompleteRow,
            });
        if self.latin1 {
            options = options.with_encoding(Encoding::Latin1);
        }
        if self.blanks_between_cells {
            options = options.with_blanks_between_cells();
        }
        if let Some(delimiter) = self.delimiter {
            options = options.with_delimiter(delimiter);
        }
        if let Some(comment) = self.comment {
            options = options.with_comment(comment);
        }
        if let Some(missing) = &self.missing {
            options = options.with_missing(missing.iter().copied());
        }
        if let Some(target) = self.target {
            options = options.with_target(target);
        }
        if let Some(class) = self.class {
            options = options.with_class(class);
        }
        options
    }
}

fuzz_target!(|input: Input| {
    match Dataset::parse_csv("fuzz", input.text, &input.options()) {
        Ok(data) => {
            let (x, y) = (data.features(), data.targets());
            assert!(x.iter().chain(y).all(|v| v.is_finite()));
            assert!(x.nrows() == y.nrows() && x.nrows() > 0 && x.ncols() > 0 && y.ncols() > 0);
            assert_eq!((data.feature_names().len(), data.target_names().len()), (x.ncols(), y.ncols()));
            // Standardised columns are finite, or standardising returns an overflow error.
            if let Ok(data) = data.standardised() {
                assert!(data.features().iter().all(|v| v.is_finite()));
            }
        }
        Err(error) => {
            let words = error.to_string();
            assert!(!words.is_empty() && !words.chars().any(char::is_control) && words.len() < 20_000);
        }
    }
});
