//! CSV tables as programs and people write them: either read, or refused with a message that says what to do.

use crate::common::program::Folder;
use double_descent::Error;
use double_descent::dataset::{BlankCells, CsvOptions, Dataset, Encoding, Header, UnnamedColumn};
use flate2::{Compression, write::GzEncoder};
use std::fmt::Write as _;
use std::io::Write as _;
use std::time::{Duration, Instant};

fn read(text: impl AsRef<[u8]>, options: &CsvOptions) -> Result<Dataset, Error> {
    Dataset::parse_csv("table.csv", text.as_ref(), options)
}

fn default(text: impl AsRef<[u8]>) -> Result<Dataset, Error> {
    read(text, &CsvOptions::default())
}

/// Returns the message of a refusal, after checking that it is one printable line containing every string in `says`.
fn refused(result: Result<Dataset, Error>, says: &[&str]) -> String {
    let text = result.unwrap_err().to_string();
    assert!(!text.chars().any(char::is_control) && text.len() < 3000, "{text}");
    for word in says {
        assert!(text.contains(word), "no `{word}` in: {text}");
    }
    text
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

const DROP: BlankCells = BlankCells::DropRow;
const PLAIN: &str = "no intercept, features as given";

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
    // Out of order or with gaps, it may not be a row number, so it is reported instead of dropped.
    let shuffled = ",a,y\n7,1,2\n3,5,2\n9,5,6\n";
    refused(default(shuffled), &["no. 1", "unnamed", "number the rows", "unnamed_column"]);
    let left = CsvOptions::default().with_unnamed_column(UnnamedColumn::LeaveOut);
    assert_eq!(read(shuffled, &left).unwrap().feature_names(), ["a"]);
    // Kept: unnamed columns that do not count the rows, a named one that does, and an unnamed one that was asked for.
    assert_eq!(default(",y\n0.5,1\n0.7,2\n").unwrap().features().ncols(), 1);
    assert_eq!(default(",y\n0,1\n0,2\n").unwrap().features().ncols(), 1);
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

#[test]
fn other_kinds_of_files_are_named() {
    let plain = "a,b,y\n0,0,0\n7,5,11\n3,10,-11\n";
    assert_eq!(default(gzip(plain.as_bytes())).unwrap(), default(plain).unwrap());
    let packed = gzip(plain.as_bytes());
    refused(default(&packed[..packed.len() - 9]), &["gzip", "cannot be unpacked"]);
    refused(default(gzip(&packed)), &["twice by gzip"]);
    refused(default(gzip(b"\x93NUMPY\x01\0")), &["packed by gzip", "NumPy array"]);
    let utf16: Vec<u8> = plain.encode_utf16().flat_map(u16::to_le_bytes).collect();
    refused(default([b"\xff\xfe", &utf16[..]].concat()), &["UTF-16", "save it in UTF-8"]);
    refused(default(&utf16), &["UTF-16"]);
    let others: [(&[u8], &str); 6] = [
        (b"PK\x03\x04rest", "zip archive"),
        (b"\x93NUMPY\x01\0", "NumPy array"),
        (b"%PDF-1.7\n", "PDF"),
        (b"<!DOCTYPE html>\n<html>", "HTML page"),
        (b"{\"a\": [1, 2]}", "JSON"),
        (b"SQLite format 3\0", "SQLite"),
    ];
    for (bytes, kind) in others {
        refused(default(bytes), &["table.csv", kind, "CSV"]);
    }
    for (delimiter, name) in [(";", "`;`"), ("\t", "tabs"), ("|", "`|`")] {
        refused(default(plain.replace(',', delimiter)), &["one column", name, "CsvOptions::with_delimiter"]);
    }
    let semicolon = CsvOptions::default().with_delimiter(b';');
    refused(read(plain, &semicolon), &["one column", "`,`"]);
    for comment in ["# units: m\n", "# units, m\n", "# units\n# more\n"] {
        let text = format!("{comment}{plain}");
        refused(default(&text), &["line 1", "begins with `#`", "CsvOptions::with_comment"]);
        let data = read(&text, &CsvOptions::default().with_comment(b'#')).unwrap();
        assert_eq!(data, default(plain).unwrap());
    }
    let line = read("# c\na,y\n\n# c\n#c\n1,x\n", &CsvOptions::default().with_comment(b'#'));
    refused(line, &["line 6", "`x`"]);
    // A name may begin with `#`.
    assert_eq!(default("#a,y\n1,2\n").unwrap().feature_names(), ["#a"]);
}

#[test]
fn messages_are_printable_and_short() {
    let title = "a,b,y\n1,\u{1b}]0;title\u{7}x,3\n";
    refused(default(title), &["line 2", "column `b`", "`\\u{1b}]0;title\\u{7}x` is not a finite number"]);
    refused(default("a,b,y\n1,2,3\n4,5\0,6\n"), &["line 3", "`5\\u{0}`", "NUL bytes"]);
    refused(default("a\u{1b}[2J,y\nx,1\n"), &["a\\u{1b}[2J"]);
    refused(default(format!("a,y\n{},1\n", "x".repeat(1_000_000))), &["xxx…` is not"]);
    let wide: Vec<String> = (0..30_000).map(|i| format!("column{i}")).collect();
    let wide = format!("{}\n{}\n", wide.join(","), vec!["1"; 30_000].join(","));
    refused(
        read(&wide, &CsvOptions::default().with_target("colunm7")),
        &["`colunm7`", "column0, column1", "and 29980 more"],
    );
    let value = Error::Domain { what: "λ", value: -1e300, must_be: "finite and ≥ 0" };
    assert_eq!(value.to_string(), "λ is -1e300; it must be finite and ≥ 0");
    let value = Error::NonFinite { what: "x", row: 1, column: 2, value: f64::NEG_INFINITY };
    assert!(value.to_string().starts_with("x: -inf at row 1, column 2"));
    assert!(Error::Domain { what: "n", value: 0.5, must_be: "" }.to_string().contains("n is 0.5;"));
    let reason = Error::Unsupported { reason: "one\ntwo".into() };
    assert_eq!(reason.to_string(), "one\\ntwo");
}

#[test]
fn a_quote_that_is_never_closed_is_called_so() {
    let opened = "never closed";
    refused(default("a,b,y\n\"1,1\n2,2,3\n4,5,6\n"), &["line 2", "1 cell where the header has 3", opened]);
    refused(default("a,y\n1,2\n3,\"4\n5,6\n"), &["line 3", "column `y`", opened]);
    refused(default("a,y\n\"1,2\n3,\"4\"\n5,6\n"), &["line 2", opened]);
    // Quotes that are closed, and a quote in the middle of a cell.
    for text in ["a,y\n\"x\ny\",2\n", "a,y\n1,2\n5\",6\n"] {
        let says = refused(default(text), &["not a finite number"]);
        assert!(!says.contains(opened), "{says}");
    }
}

#[test]
fn two_columns_of_one_name_are_called_so() {
    for text in ["x,x,y\n0,1,2\n", "x,y,x,z\n0,1,2,3\n"] {
        let says = refused(default(text), &["line 1", "column `x`", "two columns share a name"]);
        assert!(!says.contains("dependent"), "{says}");
    }
    let nameless =
        refused(default(",,y\n0,0,0\n7,5,1\n"), &["line 1: columns 1 and 2 have no name; name them"]);
    assert!(!nameless.contains("share"), "{nameless}");
    refused(
        read("a,b,y\n1,2,3\n", &CsvOptions::default().with_features(["a", "a"])),
        &["`a`", "twice as a feature"],
    );
    let twice = CsvOptions::default().with_target("y").with_target("y");
    refused(read("a,b,y\n1,2,3\n", &twice), &["`y`", "twice as a target"]);
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
fn columns_of_words_become_zeros_and_ones() {
    let text = "sex,length,y\nM,0.5,1\nF,0.25,2\n M ,0.75,3\nI,,4\nNA,1,5\n";
    let options = CsvOptions::default().with_one_hot(["sex"]).with_blank_cells(DROP);
    let data = read(text, &options).unwrap();
    assert_eq!(data.feature_names(), ["sex=F", "sex=M", "length"], "words of dropped rows are none");
    assert_eq!(data.features(), &ndarray::array![[0.0, 1.0, 0.5], [1.0, 0.0, 0.25], [0.0, 1.0, 0.75]]);
    let after = read(text, &options.clone().with_features(["length"])).unwrap();
    assert_eq!(after.feature_names(), ["length", "sex=F", "sex=M"]);
    refused(
        read(text, &CsvOptions::default().with_one_hot(["sex"]).with_features(["sex"])),
        &["line 6", "`NA` is a missing"],
    );
    refused(read(text, &CsvOptions::default().with_one_hot(["six"])), &["`six`"]);
    refused(read(text, &CsvOptions::default().with_one_hot(["y"])), &["both feature and target"]);
    let many: String = (0..1001).fold("w,y\n".into(), |text, i| format!("{text}w{i},1\n"));
    refused(read(&many, &CsvOptions::default().with_one_hot(["w"])), &["line 1002", "1000 different words"]);
}

#[test]
fn one_class_against_the_rest() {
    let text = "length,width,species\n5.1,3.5,setosa\n7,3.2,versicolor\n6.3,, virginica \n5,3,setosa\n";
    let of = |word: &str| CsvOptions::default().with_class(word).with_features(["length"]);
    let data = read(text, &of("setosa")).unwrap();
    assert_eq!(data.targets().column(0).to_vec(), [1.0, 0.0, 0.0, 1.0]);
    assert_eq!(data.target_names(), ["species=setosa"]);
    assert_eq!(data.preparation(), format!("{PLAIN}, target 1 where species is setosa, 0 elsewhere"));
    // Outer blanks do not count, neither in the table nor in the option; case does.
    assert_eq!(read(text, &of(" virginica")).unwrap().targets().column(0).to_vec(), [0.0, 0.0, 1.0, 0.0]);
    let unknown = read(text, &of("Setosa")).unwrap_err();
    let choices = ["setosa", "versicolor", "virginica"].map(Into::into).into();
    assert_eq!(unknown, Error::UnknownName { what: "class of the target", name: "Setosa".into(), choices });
    // In any column of the table, beside features of words.
    let text = "sex,kind,length\nM,b,1\nF,a,2\nM,a,3\n";
    let options = CsvOptions::default().with_target("kind").with_one_hot(["sex"]).with_class("a");
    let data = read(text, &options).unwrap();
    assert_eq!(data.targets().column(0).to_vec(), [0.0, 1.0, 1.0]);
    assert_eq!(data.feature_names(), ["sex=F", "sex=M", "length"]);
    // One column only.
    let both = CsvOptions::default().with_target("kind").with_target("length").with_class("a");
    refused(read(text, &both), &["column `kind`", "one of 2 targets", "with_class"]);
}

/// Classes with numbers for names are words too.
#[test]
fn classes_that_are_numbers_are_compared_as_text() {
    let of = |word: &str| CsvOptions::default().with_class(word);
    let text = "a,b,digit\n1,2,0\n3,4,1\n5,6,2\n7,8,1\n";
    assert_eq!(read(text, &of("1")).unwrap().targets().column(0).to_vec(), [0.0, 1.0, 0.0, 1.0]);
    refused(read(text, &of("1.0")), &["class of the target called `1.0`", "choose one of: 0, 1, 2"]);
    // Of a column of measurements, the error lists some.
    let rows: Vec<String> = (0..3000).map(|row| format!("1,2,{row}.5")).collect();
    let text = format!("a,b,y\n{}\n", rows.join("\n"));
    refused(read(&text, &of("setosa")), &["`setosa`", "0.5", "and 980 more"]);
    assert_eq!(read(&text, &of("2999.5")).unwrap().targets().sum(), 1.0);
}

#[test]
fn a_missing_value_is_no_class() {
    let text = "a,kind\n1,x\n2,\n3,y\n4,NA\n,w\n";
    let of = |word: &str| CsvOptions::default().with_class(word);
    refused(read(text, &of("x")), &["line 3", "column `kind`", "blank cell", "DropRow"]);
    let data = read(text, &of("x").with_blank_cells(DROP)).unwrap();
    assert_eq!(data.targets().column(0).to_vec(), [1.0, 0.0]);
    let said = "3 rows with missing values dropped, target 1 where kind is x, 0 elsewhere";
    assert!(data.preparation().ends_with(said), "{}", data.preparation());
    // A class of dropped rows only is none of the classes.
    refused(read(text, &of("w").with_blank_cells(DROP)), &["`w`", "choose one of: x, y"]);
    // Unless the spellings of missing values are others.
    for word in ["NA", "na", ""] {
        refused(read(text, &of(word).with_blank_cells(DROP)), &["column `kind`", "missing", "with_missing"]);
    }
    let data = read(text, &of("NA").with_missing(["-9"]).with_blank_cells(DROP)).unwrap();
    assert_eq!(data.targets().column(0).to_vec(), [0.0, 0.0, 1.0]);
}

#[test]
fn columns_that_are_no_features() {
    let text = "id;town;size;price\nH1;Köln;1,5;20\nH2;k.A.;2,5;30\n";
    let options = || CsvOptions::default().with_delimiter(b';').with_decimal_comma(true);
    // A text column, and the ways to deal with it.
    let ways = ["without_columns", "with_one_hot", "with_missing"];
    refused(read(text, &options()), &[&["line 2", "column `id`", "`H1`"][..], &ways].concat());
    let without = |names: &[&str]| options().without_columns(names.iter().copied());
    refused(read(text, &without(&["id"])), &["column `town`", "`Köln`"]);
    let data = read(text, &without(&["id", "town"])).unwrap();
    assert_eq!(data.features().column(0).to_vec(), [1.5, 2.5]);
    // The last remaining column is the target.
    let data = read(text, &without(&["id", "price"]).with_one_hot(["town"])).unwrap();
    assert_eq!(
        (data.target_names(), data.feature_names()[0].as_str()),
        (&["size".to_owned()][..], "town=Köln")
    );
    refused(read(text, &without(&["idd"])), &["`idd`"]);
    refused(read(text, &without(&["id"]).with_target("id")), &["column `id`", "left out"]);
    refused(read(text, &without(&["size"]).with_features(["size"])), &["column `size`", "left out"]);
    refused(
        read(text, &without(&["id", "town", "size"])),
        &["one column besides those left out (`CsvOptions::without"],
    );
    refused(read(text, &without(&["id", "town", "size", "price"])), &["column `price`", "left out"]);
    // Dates are treated as text. If a cell holds a number with a symbol, the advice is about the number.
    for date in ["2023-01-01", "2023-01-01 10:00", "3/4/2023", "1.2.2023"] {
        refused(
            default(format!("a,b,y\n{date},2,3\n")),
            &[&["line 2", "column `a`", date][..], &ways].concat(),
        );
    }
    for (cell, sign) in [("12%", "%"), ("$5", "$"), ("12.5 €", "€"), ("\"$1,200\"", "$")] {
        let says =
            refused(default(format!("a,b,y\n{cell},2,3\n")), &[&format!("remove its sign (`{sign}`)")]);
        assert!(!says.contains("with_one_hot"), "{says}");
    }
    // A text target is not given the advice for text features.
    let error = read("a;y\n1;low\n", &options()).unwrap_err().to_string();
    assert!(error.contains("`low` is not a finite number") && !error.contains("with_one_hot"), "{error}");
    // A full stop is a decimal point only within a number.
    let missing = "a;y\n1,5;2\nk.A.;3\n";
    refused(read(missing, &options()), &["`k.A.` is not a finite number; leave", "with_missing"]);
    let named = options().with_missing(["k.A."]).with_blank_cells(DROP);
    assert_eq!(read(missing, &named).unwrap().len(), 1);
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

/// Assembles files from typical pieces in random order and reads them with random options: each gives a table of finite
/// numbers or a one-line error.
#[test]
fn any_text_is_a_table_or_an_error() {
    const PIECES: [&str; 28] = [
        "a",
        "b",
        "y",
        "1",
        "2.5",
        "0,5",
        "NA",
        "?",
        ",",
        ",",
        ",",
        ";",
        ";",
        " ",
        "\t",
        "\"",
        "\n",
        "\n",
        "\n",
        "\r\n",
        "#",
        "\0",
        "é",
        "Unnamed: 0",
        "1e308",
        "-",
        "inf",
        "\u{feff}",
    ];
    let mut rng = double_descent::rng::stream(13, 0, 0);
    let mut tables = 0;
    for _ in 0..20_000 {
        let mut draw = |below: usize| rand::RngExt::random_range(&mut rng, 0..below);
        let mut text: Vec<u8> = if draw(4) > 0 { b"a,y\n1,2\n".to_vec() } else { Vec::new() };
        for _ in 0..draw(14) {
            text.extend_from_slice(PIECES[draw(PIECES.len())].as_bytes());
        }
        if draw(20) == 0 {
            text = gzip(&text);
        }
        let mut options = CsvOptions::default()
            .with_header([Header::Checked, Header::FirstLine, Header::None][draw(3)])
            .with_unnamed_column(
                [UnnamedColumn::Detect, UnnamedColumn::Keep, UnnamedColumn::LeaveOut][draw(3)],
            )
            .with_encoding([Encoding::Utf8, Encoding::Latin1][draw(2)])
            .with_blank_cells([BlankCells::Refuse, DROP, BlankCells::DropIncompleteRow][draw(3)])
            .with_decimal_comma(draw(2) == 0);
        options = match draw(5) {
            0 => options.with_blanks_between_cells(),
            1 => options.with_delimiter(b";\t \"\n#\0"[draw(7)]),
            _ => options,
        };
        if draw(4) == 0 {
            options = options.with_comment(b"#,\n"[draw(3)]);
        }
        if draw(4) == 0 {
            options = options.with_one_hot([["a", "c0", ""][draw(3)]]);
        }
        if draw(4) == 0 {
            options = options.with_class(["1", "2", "x", ""][draw(4)]);
        }
        match read(&text, &options) {
            Ok(data) => {
                tables += 1;
                assert!(data.features().iter().chain(data.targets()).all(|v| v.is_finite()));
                assert_eq!(data.feature_names().len(), data.features().ncols());
            }
            Err(error) => {
                let words = error.to_string();
                assert!(!words.is_empty() && !words.chars().any(char::is_control), "{words:?}");
            }
        }
    }
    assert!(tables > 100, "{tables} tables among them");
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
