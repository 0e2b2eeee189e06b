//! Headers, blanks, numbers, delimiters and encodings as they occur.

use super::{DROP, PLAIN, default, gzip, read, refused};
use crate::common::program::Folder;
use double_descent::dataset::{BlankCells, CsvOptions, Dataset, Encoding, Header, UnnamedColumn};
use std::fmt::Write as _;
use std::time::{Duration, Instant};

#[test]
fn an_unnamed_first_column_that_counts_rows_is_left_out() {
    let said = format!("{PLAIN}, first column (row numbers) left out");
    for (name, start) in [("", 0), ("", 1), ("\"\"", 1), ("", 41), ("Unnamed: 0", 0), ("rownames", 1)] {
        let (a, b, c) = (start, start + 1, start + 2);
        let text = format!("{name},a,b,y\n{a},7,1,2\n{b},9,0,1\n{c},8,4,1\n");
        let data = default(&text).unwrap();
        assert_eq!(data.feature_names(), ["a", "b"]);
        assert_eq!(data.features(), &ndarray::array![[7.0, 1.0], [9.0, 0.0], [8.0, 4.0]]);
        assert_eq!(data.preparation(), said);
        let kept = read(&text, &CsvOptions::default().with_unnamed_column(UnnamedColumn::Keep)).unwrap();
        assert_eq!((kept.features().ncols(), kept.preparation().as_str()), (3, PLAIN));
        assert_eq!(kept.features()[[2, 0]], f64::from(c));
    }
    // Row numbers count all rows, including dropped ones.
    let options = CsvOptions::default().with_blank_cells(DROP);
    let data = read(",a,y\n0,1,2\n1,,2\n2,5,6\n", &options).unwrap();
    assert_eq!(data.features(), &ndarray::array![[1.0], [5.0]]);
    assert!(data.preparation().ends_with("left out, 1 row with missing values dropped"));
    // Out of order, with gaps or repeated, as after merging tables, it may be row numbers or not, so it is an error.
    let left = CsvOptions::default().with_unnamed_column(UnnamedColumn::LeaveOut);
    for numbers in [[7, 3, 9], [0, 1, 0], [0, 0, 1], [1, 1, 1], [3, 2, 1]] {
        for (name, end) in [("", ""), ("Unnamed: 0", ".0")] {
            let [a, b, c] = numbers;
            let text = format!("{name},a,y\n{a}{end},1,2\n{b}{end},5,2\n{c}{end},5,6\n");
            let says =
                ["line 1", "whole numbers", "the rows", "UnnamedColumn::LeaveOut", "UnnamedColumn::Keep"];
            refused(default(&text), &says);
            let data = read(&text, &left).unwrap();
            assert_eq!(data.feature_names(), ["a"]);
            assert!(data.preparation().ends_with("first column (unnamed) left out"));
        }
    }
    // Names of rows are words, which the advice takes into account.
    let says = refused(default(",a,y\nr0,1,2\nr1,5,2\n"), &["`r0`", "UnnamedColumn::LeaveOut", "or name it"]);
    assert!(!says.contains("without_columns"), "{says}");
    refused(default("a,,y\n1,r0,2\n2,r1,2\n"), &["`r0`", "name the column, then leave", "without_columns"]);
    // Kept: unnamed columns that do not count the rows, a named one that does, and an unnamed one that was asked for.
    assert_eq!(default(",y\n0.5,1\n0.7,2\n").unwrap().features().ncols(), 1);
    assert_eq!(default("year,a,y\n1,7,1\n2,9,2\n").unwrap().feature_names(), ["year", "a"]);
    let asked = read(",a,y\n0,7,1\n1,9,2\n", &CsvOptions::default().with_features([""])).unwrap();
    assert_eq!(asked.features(), &ndarray::array![[0.0], [1.0]]);
}

#[test]
fn a_first_row_of_data_is_no_header() {
    let none = CsvOptions::default().with_header(Header::None);
    let first = CsvOptions::default().with_header(Header::FirstLine);
    for line in ["2.5,?,3", "2.5,,3", "1,NA,3", "1,2,3", "nan,1,2", "M,0,0,0", "M,0.5,0.2", "2.5,unknown,3"] {
        let text = format!("{line}\n{}\n", line.replace(|c: char| !matches!(c, ','), "1"));
        refused(default(&text), &["table.csv, line 1", "must name the columns", "CsvOptions::with_header"]);
    }
    // Years and wavelengths can be column names.
    for line in ["country,1990,1991,1992", "y,1100.5,1102.5,1104.5", "id,3,2,1"] {
        assert_eq!(default(format!("{line}\n1,2,3,5\n")).unwrap().targets()[[0, 0]], 5.0);
    }
    let frame = "0,1,2\n0,0,0\n7,5,1\n3,10,2\n";
    let data = read(frame, &first).unwrap();
    assert_eq!((data.feature_names(), data.len()), (&["0".to_owned(), "1".to_owned()][..], 3));
    let data = read(frame, &none).unwrap();
    assert_eq!(
        (data.feature_names(), data.target_names()),
        (&["c0".to_owned(), "c1".to_owned()][..], &["c2".to_owned()][..])
    );
    assert_eq!((data.len(), data.targets()[[0, 0]]), (4, 2.0));
    let data = read("1990,1991,1992\n0,0,0\n7,5,1\n", &first.clone().with_target("1990")).unwrap();
    assert_eq!(data.feature_names(), ["1991", "1992"]);
    // No header, words in the first column, and a trailing delimiter.
    let text = "M,1,7,1,\nF,2,3,2,\nI,3,10,3,\n";
    let data = read(text, &none.clone().with_target("c3").with_features(["c1", "c2"])).unwrap();
    assert_eq!(data.features(), &ndarray::array![[1.0, 7.0], [2.0, 3.0], [3.0, 10.0]]);
    refused(read("1,x,3\n1,2,3\n", &none), &["line 1", "column `c1`", "`x`"]);
    refused(read("", &none), &["is empty"]);
}

#[test]
fn missing_values_have_many_spellings() {
    for spelling in ["NA", "na", "NaN", "nan", "NULL", "null", "?", "-", ".", "N/A", "None", "\\N", ""] {
        let text = format!("a,b,y\n0,0,0\n1,{spelling},2\n2,3,4\n");
        let text_of_error = refused(default(&text), &["line 3", "column `b`", "BlankCells::DropRow"]);
        assert!(spelling.is_empty() || text_of_error.contains("is a missing value"), "{text_of_error}");
        let data = read(&text, &CsvOptions::default().with_blank_cells(DROP)).unwrap();
        assert_eq!(data.features(), &ndarray::array![[0.0, 0.0], [2.0, 3.0]]);
        assert_eq!(data.preparation(), format!("{PLAIN}, 1 row with missing values dropped"));
    }
    // Custom spellings, which may be numbers, replace the default ones.
    let own = CsvOptions::default().with_missing(["-999", "weg"]).with_blank_cells(DROP);
    let text = "a,y\n-999,1\nWEG,2\n,3\n4,4\n-9990,5\n";
    let data = read(text, &own).unwrap();
    assert_eq!(data.targets(), &ndarray::array![[4.0], [5.0]]);
    assert!(data.preparation().ends_with("3 rows with missing values dropped"));
    refused(read("a,y\nNA,1\n", &own), &["`NA` is not a finite number"]);
    refused(
        read("a,y\n1,1\n-999,1\n", &own.clone().with_blank_cells(BlankCells::Refuse)),
        &["line 3", "missing value"],
    );
    refused(
        read("a,y\n?,1\n", &CsvOptions::default().with_blank_cells(DROP)),
        &["no complete row", "a value is missing in all 1"],
    );
    // A program writes -999 as -999.0 in a column of fractions.
    let text = "a,b,y\n1,2.5,3\n4,-999.0,6\n7,8,-9.99e2\n9,1,0\n";
    let own = CsvOptions::default().with_missing(["-999"]);
    refused(read(text, &own), &["line 3", "column `b`", "`-999.0` is a missing value"]);
    let data = read(text, &own.with_blank_cells(DROP)).unwrap();
    assert_eq!((data.len(), data.preparation()), (2, format!("{PLAIN}, 2 rows with missing values dropped")));
    // A declared spelling that never occurs is named, unless it is one of the default list.
    for policy in [DROP, BlankCells::Refuse] {
        let own = CsvOptions::default().with_missing(["-99", "NA", "weg"]).with_blank_cells(policy);
        let data = read(text, &own).unwrap();
        assert_eq!(data.preparation(), format!("{PLAIN}, declared missing, but in no cell: -99, weg"));
    }
    // Infinities are not missing values.
    refused(
        read("a,y\ninf,1\n", &CsvOptions::default().with_blank_cells(DROP)),
        &["`inf` is not a finite number"],
    );
}

#[test]
fn rows_are_dropped_for_the_columns_in_use() {
    let text = "a,unused,y\n1,,1\n2,NA,2\n,5,3\n4,6,4\n";
    let rows = |options: CsvOptions| {
        let data = read(text, &options.with_features(["a"])).unwrap();
        (data.targets().iter().copied().collect::<Vec<_>>(), data.preparation())
    };
    let used = rows(CsvOptions::default().with_blank_cells(DROP));
    assert_eq!(used, (vec![1.0, 2.0, 4.0], format!("{PLAIN}, 1 row with missing values dropped")));
    let any = rows(CsvOptions::default().with_blank_cells(BlankCells::DropIncompleteRow));
    assert_eq!(any, (vec![4.0], format!("{PLAIN}, 3 rows with missing values dropped")));
    // A curve's provenance reports the dropped rows.
    let data = read(text, &CsvOptions::default().with_features(["a"]).with_blank_cells(DROP)).unwrap();
    let curve = double_descent::sweep::Sweep::new(data, [1], 1, 0).run().unwrap();
    assert!(curve.provenance.preparation.ends_with("1 row with missing values dropped"));
}

#[test]
fn trailing_delimiters_name_no_column() {
    // As in the air quality table: two trailing delimiters in each row, and rows of delimiters only at the end.
    let mut text = String::from("Date;CO;T;RH;;\n");
    for i in 0..20 {
        writeln!(text, "10/03/2004;{}.{i};{};48;;", i % 5, 13 + i % 3).unwrap();
    }
    text += ";;;;;\n;;;;;\n;;;;;\n";
    let options =
        CsvOptions::default().with_delimiter(b';').with_features(["T", "CO"]).with_blank_cells(DROP);
    let data = read(&text, &options).unwrap();
    assert_eq!((data.len(), data.target_names()[0].as_str()), (20, "RH"));
    assert!(data.preparation().ends_with("3 rows with missing values dropped"));
    for text in ["a,y,\n1,2,\n3,4,\n", "a,y\n1,2,\n3,4,\n", "a,y,\n1,2\n3,4\n"] {
        assert_eq!(default(text).unwrap().targets(), &ndarray::array![[2.0], [4.0]]);
    }
    refused(default("a,y,\n1,2,\n3,4,5\n"), &["line 3", "`5` in column 3", "no name"]);
    refused(default("a,y,\n1,2,5\n"), &["line 2", "column 3"]);
    refused(default("a,y\n1,2,\n3,4\n"), &["line 3", "2 cells"]);
}

#[test]
fn decimal_commas_blanks_and_quotes() {
    let euro = "a;b;y\n0;0,5;0,25\n1;-1,5e1;2,25\n";
    let options = CsvOptions::default().with_delimiter(b';');
    let data = read(euro, &options.clone().with_decimal_comma(true)).unwrap();
    assert_eq!(data.features(), &ndarray::array![[0.0, 0.5], [1.0, -15.0]]);
    assert_eq!(data.targets(), &ndarray::array![[0.25], [2.25]]);
    refused(read(euro, &options), &["line 2", "`0,5`", "decimal_comma"]);
    let point = read("a;y\n0.5;1\n", &options.with_decimal_comma(true));
    refused(point, &["`0.5` is not a finite number with a decimal comma"]);
    // Tables with aligned columns.
    let aligned = "  mpg  cyl   hp\n    0.5   0      0.\n\n\t1.0   1 \t    7.  \n   \"2\"   2      3.\n";
    let blanks = CsvOptions::default().with_blanks_between_cells();
    let data = read(aligned, &blanks).unwrap();
    assert_eq!(data.feature_names(), ["mpg", "cyl"]);
    assert_eq!(data.features(), &ndarray::array![[0.5, 0.0], [1.0, 1.0], [2.0, 2.0]]);
    let spaced = read("\"a b\"  y\n1   2\n", &blanks).unwrap();
    assert_eq!(spaced.feature_names(), ["a b"]);
    refused(read("a y\n1  2\n\n3  x\n", &blanks), &["line 4", "`x`"]);
    refused(default(aligned), &["one column", "blanks_between_cells"]);
    refused(read(aligned, &CsvOptions::default().with_delimiter(b' ')), &["blanks_between_cells"]);
    // Blanks before quotes.
    let bio = "\"Name\", \"Age\", \"Height (in)\",\t\"Weight, \"\"lbs\"\"\"\n\"n0\", 30, 60, 120\n\"n, 1\", 31, \"67\" , 157\n";
    let data = read(bio, &CsvOptions::default().with_features(["Age", "Height (in)"])).unwrap();
    assert_eq!(data.target_names(), ["Weight, \"lbs\""]);
    assert_eq!(data.features(), &ndarray::array![[30.0, 60.0], [31.0, 67.0]]);
    let inches =
        read("a, \"b\",y\n1,2,3\n5\"\" x, 4,5\n", &CsvOptions::default().with_features(["b"])).unwrap();
    assert_eq!(inches.features(), &ndarray::array![[2.0], [4.0]]);
    assert_eq!(
        read("\"a, in m\",b,\"y, in s\"\n1,2,3\n", &CsvOptions::default().with_features(["a, in m"]))
            .unwrap()
            .target_names(),
        ["y, in s"]
    );
}

#[test]
fn thousands_and_words_are_told_apart() {
    let comma = CsvOptions::default().with_delimiter(b';').with_decimal_comma(true);
    for (cell, separator) in [("-1.211,47", '.'), ("1.234.567", '.'), ("12'000", '\''), ("1 234,5", ' ')] {
        let text = format!("a;b;y\n1;2;3\n4;{cell};6\n");
        refused(
            read(&text, &comma),
            &["line 3", "column `b`", &format!("thousands separator (`{separator}`)")],
        );
    }
    let semicolon = CsvOptions::default().with_delimiter(b';');
    for cell in ["1,234,567", "-1,234.5", "12\u{a0}000,5"] {
        let text = refused(read(format!("a;b;y\n1;2;3\n4;{cell};6\n"), &semicolon), &["thousands separator"]);
        assert!(!text.contains("with_one_hot"), "{text}");
    }
    // A comma before three digits could be a decimal comma, and four digits are not a thousands group.
    refused(
        read("a;b;y\n4;1,234;6\n", &semicolon),
        &["with_decimal_comma", "if it separates thousands, remove it"],
    );
    refused(read("a;b;y\n4;1.234;6\n", &comma), &["if its point separates thousands, remove it"]);
    let decimal = refused(read("a;b;y\n4;0,234;6\n", &semicolon), &["with_decimal_comma"]);
    assert!(!decimal.contains("thousands"), "{decimal}");
    // Signs and blanks that look like others; a title above the names.
    for (cell, plain) in [("−1.5", "-1.5"), ("1.5\u{a0}", "1.5")] {
        let text = refused(read(format!("a;b;y\n4;{cell};6\n"), &semicolon), &[&format!("write `{plain}`")]);
        assert!(!text.contains("with_one_hot"), "{text}");
    }
    refused(read("a;b;y\n4;3.5 kg;6\n", &semicolon), &["if `kg` is a unit, remove it", "with_one_hot"]);
    refused(read("Survey 2024;;\na;b;y\n1;2;3\n", &semicolon), &["if it is a title, remove it"]);
    for cell in ["1,2345,678", "1.2.3", "12.34,5", "a.bcd,1"] {
        let text = refused(read(format!("a;b;y\n4;{cell};6\n"), &comma), &["not a finite number"]);
        assert!(!text.contains("thousands"), "{text}");
    }
    // One error lists all text columns; text targets get different advice.
    let text = "id,city,size,kind,y\nA7,Rome,3,old,1\n";
    let said =
        refused(default(text), &["column `id`", "with_one_hot", "other columns with words: city, kind"]);
    assert!(!said.contains("size"), "{said}");
    let one_hot = CsvOptions::default().with_one_hot(["city"]).without_columns(["id"]);
    let said = refused(read(text, &one_hot), &["column `kind`"]);
    assert!(!said.contains("other columns"), "{said}");
    let says = ["line 2", "column `y`", "with_class", "with_missing", "Words in this column: no, yes"];
    let said = refused(default("a,y\n1,yes\n2,no\n3,yes\n4,0\n"), &says);
    assert!(!said.contains("with_one_hot"), "{said}");
}

#[test]
fn names_in_latin_1() {
    let text = b"a,b,Gr\xf6\xdfe\n0,0,0\n7,5,1\n";
    refused(default(text), &["line 1", "not UTF-8", "CsvOptions::with_encoding"]);
    refused(read(text, &CsvOptions::default().with_target("Größe")), &["not UTF-8"]);
    let data =
        read(text, &CsvOptions::default().with_target("Größe").with_encoding(Encoding::Latin1)).unwrap();
    assert_eq!((data.target_names()[0].as_str(), data.targets()[[1, 0]]), ("Größe", 1.0));
    // An undecodable name does no harm if its column is not needed.
    assert_eq!(read(text, &CsvOptions::default().with_target("b").with_features(["a"])).unwrap().len(), 2);
}

/// Comparing every pair of names would take 100,000² / 2 comparisons, about ten seconds.
#[test]
fn a_hundred_thousand_columns_are_read_in_time_linear_in_them() {
    let count = 100_000;
    let line = |cell: &dyn Fn(usize) -> String| (0..count).map(cell).collect::<Vec<_>>().join(",");
    let rows: Vec<String> = (0..4).map(|row| line(&|column| (row * column % 7).to_string())).collect();
    let text = format!("{}\n{}\n", line(&|column| format!("feature {column}")), rows.join("\n"));
    let start = Instant::now();
    let data = default(&text).unwrap();
    assert_eq!(data.features().dim(), (4, count - 1));
    let names = (0..count - 1).rev().map(|column| format!("feature {column}"));
    let asked = read(&text, &CsvOptions::default().with_features(names)).unwrap();
    assert_eq!(asked.features()[[3, 0]], (3 * (count - 2) % 7) as f64);
    // About 0.2 s on an idle core.
    assert!(start.elapsed() < Duration::from_secs(8), "{:?}", start.elapsed());
}

#[test]
fn names_of_data_sets_can_be_those_of_folders() {
    let folder = Folder::new("csv-tables");
    let names = [
        ("...csv", "data"),
        ("....", "data"),
        (".csv", ".csv"),
        ("t.csv.gz", "t"),
        ("a.b.csv", "a.b"),
        ("t", "t"),
    ];
    for (file, name) in names {
        let path = folder.0.join(file);
        std::fs::write(&path, "a,y\n1,2\n").unwrap();
        assert_eq!(Dataset::read_csv(&path, &CsvOptions::default()).unwrap().name(), name, "{file}");
    }
}

/// Partial sums that overflow to both infinities give NaN.
#[test]
fn standardising_what_does_not_fit_is_an_overflow() {
    let column: Vec<f64> = (0..32).map(|i| if i % 16 < 8 { 1.7e308 } else { -1.7e308 }).collect();
    for order in [1, 3, 5, 8] {
        let x = ndarray::Array2::from_shape_fn((32, 1), |(i, _)| column[i * order % 32]);
        let data = Dataset::new("wide", x, ndarray::Array2::ones((32, 1))).unwrap().standardised();
        assert!(data.is_err() || data.unwrap().features().iter().all(|v| v.is_finite()));
    }
}

/// Excel writes the delimiter in the first line.
#[test]
fn a_first_line_names_the_delimiter() {
    let table = "a;b;y\n1,5;2;3\n4;x;6\n";
    let good = table.replace('x', "5");
    let options = CsvOptions::default().with_decimal_comma(true);
    let plain = read(&good, &options.clone().with_delimiter(b';')).unwrap();
    for first in ["sep=;\n", "sep=;\r\n", "SEP=;\r", "\u{feff}sep=;\n"] {
        assert_eq!(read(format!("{first}{good}"), &options).unwrap(), plain);
        assert_eq!(read(gzip(format!("{first}{good}").as_bytes()), &options).unwrap(), plain);
        // Lines keep their numbers.
        refused(read(format!("{first}{table}"), &options), &["line 4", "`x`"]);
    }
    // A name is no such line.
    for header in ["sep=,y\n", "sep=;,y\n", "sep,y\n"] {
        assert_eq!(default(format!("{header}1,2\n")).unwrap().features().ncols(), 1, "{header}");
    }
}
