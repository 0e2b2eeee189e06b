//! CSV tables that no study can use: the right error, at the right place.

use crate::common::files::{at, place};
use double_descent::Error;
use double_descent::dataset::{BlankCells, CsvOptions, Dataset};
use ndarray::Array2;

fn parse(text: &str) -> Result<Dataset, Error> {
    Dataset::parse_csv("table.csv", text.as_bytes(), &CsvOptions::default())
}

#[test]
fn cells_that_are_no_finite_number_are_named_by_line_and_column() {
    for bad in ["NaN", "nan", "inf", "-Infinity", "1e999", "twelve", "1,5\"", "0x10", "1_000", "--1"] {
        let cell = bad.replace(',', ".");
        let text = format!("a,b c,y\n1,2,3\n4,{cell},6\n");
        assert_eq!(place(parse(&text), "not a finite number"), at(3, "b c"), "{bad}");
        let text = format!("a,b,y\n1,2,{cell}\n");
        assert_eq!(place(parse(&text), "not a finite number"), at(2, "y"), "{bad}");
    }
    let text = b"a,y\n1,2\n\xff\xfe,3\n";
    let latin = Dataset::parse_csv("table.csv", text, &CsvOptions::default());
    assert_eq!(place(latin, "not a finite number"), at(3, "a"));
    // A text column matters only if it is used.
    let text = "country,a,y\nPeru,1,2\nChad,3,4\n";
    assert_eq!(place(parse(text), "`Peru`"), at(2, "country"));
    let options = CsvOptions::default().with_features(["a"]);
    let data = Dataset::parse_csv("table.csv", text.as_bytes(), &options).unwrap();
    assert_eq!(data.features(), &ndarray::array![[1.0], [3.0]]);
    // Line numbers are those of the file: blank lines count, and so do line breaks inside quotes.
    for end in ["\n", "\r\n", "\r"] {
        let number = |text: &str| place(parse(&text.replace('\n', end)), "`x`");
        assert_eq!(number("a,y\n\n1,2\n\n\nx,3\n"), at(6, "a"));
        assert_eq!(number("a,y\n1,2\nx,3\n"), at(3, "a"));
        assert_eq!(number("a,y\nx,3"), at(2, "a"));
        assert_eq!(number("\"a\nb\",y\n1,2\nx,3\n"), at(4, "a b"));
        let ragged = parse(&"a,y\n\n1,2\n\n1,2,3\n".replace('\n', end));
        assert_eq!(place(ragged, "3 cells where the header has 2"), (Some(5), None));
    }
}

#[test]
fn blank_cells_are_refused_by_place_or_dropped_by_row() {
    for blank in ["", "  ", "\t"] {
        let text = format!("a,b,y\n1,2,3\n4,{blank},6\n7,8,9\n");
        assert_eq!(place(parse(&text), "blank cell"), at(3, "b"));
        let options = CsvOptions::default().with_blank_cells(BlankCells::DropRow);
        let data = Dataset::parse_csv("table.csv", text.as_bytes(), &options).unwrap();
        assert_eq!(data.targets(), &ndarray::array![[3.0], [9.0]]);
    }
    let options = CsvOptions::default().with_blank_cells(BlankCells::DropRow);
    let all = Dataset::parse_csv("table.csv", b"a,y\n,1\n2,\n", &options);
    assert_eq!(place(all, "no complete row"), (None, None));
}

#[test]
fn tables_without_rows_header_or_features() {
    for empty in ["", "\n\n", "\u{feff}"] {
        place(parse(empty), "empty");
    }
    assert_eq!(place(parse("a,b,y\n"), "no rows"), (None, None));
    assert_eq!(place(parse("a,b,y"), "no rows"), (None, None));
    assert_eq!(place(parse("1,2,3\n4,5,6\n"), "must name the columns").0, Some(1));
    assert_eq!(place(parse("y\n1\n2\n"), "one column").0, Some(1));
    // A byte order mark is not part of the first column's name.
    assert_eq!(parse("\u{feff}a,y\n1,2\n").unwrap().feature_names(), ["a"]);
}

#[test]
fn ragged_rows_are_named_by_line() {
    for (text, line) in [("a,b,y\n1,2,3\n4,5\n", 3), ("a,b,y\n1,2,3,4\n", 2), ("a,y\n1,2\n3,4\n5,6,\n", 4)] {
        assert_eq!(place(parse(text), "cells where the header has"), (Some(line), None));
    }
}

#[test]
fn columns_that_do_not_exist_or_clash() {
    let read = |options: CsvOptions| Dataset::parse_csv("table.csv", b"a,b,b,y\n1,2,3,4\n", &options);
    for options in [CsvOptions::default().with_target("z"), CsvOptions::default().with_features(["a", "z"])] {
        let error = read(options).unwrap_err();
        assert!(
            matches!(&error, Error::UnknownColumn { name, available } if name == "z" && available.len() == 4),
            "{error:?}"
        );
        let text = error.to_string();
        assert!(text.contains("`z`") && text.contains("a, b, b, y"), "{text}");
    }
    let twice = read(CsvOptions::default().with_features(["b"]));
    assert_eq!(place(twice, "two columns").1.as_deref(), Some("b"));
    let both = read(CsvOptions::default().with_features(["a", "y"]));
    assert_eq!(place(both, "both feature and target").1.as_deref(), Some("y"));
    // Leading and trailing blanks are trimmed and inner runs collapsed, in the file and in the requested names.
    let options = CsvOptions::default().with_target(" life  expectancy ").with_features(["a"]);
    let data = Dataset::parse_csv("t", b"a, Life,life expectancy  \n1,2,3\n", &options).unwrap();
    assert_eq!(data.targets(), &ndarray::array![[3.0]]);
}

#[test]
fn standardising_odd_columns() {
    let x = ndarray::array![[1e300, 5.0, 1.0, 0.1], [-1e300, 5.0, 2.0, 0.1], [0.0, 5.0, 3.0, 0.1]];
    let data = Dataset::new("odd", x, Array2::ones((3, 1))).unwrap().standardised().unwrap();
    let root = 1.5f64.sqrt();
    let expected = [[root, 0.0, -root, 0.0], [-root, 0.0, 0.0, 0.0], [0.0, 0.0, root, 0.0]];
    for (found, expected) in data.features().iter().zip(expected.as_flattened()) {
        // Roundings of a mean, a square root and a division.
        assert!((found - expected).abs() <= 8.0 * f64::EPSILON, "{}", data.features());
    }
    let wide = Dataset::new("wide", ndarray::array![[1.7e308], [1.7e308], [-1.7e308]], Array2::ones((3, 1)));
    let error = wide.unwrap().standardised();
    assert!(matches!(error, Err(Error::Overflow { .. })), "{error:?}");
}
