//! The messages for what is no table.

use super::{default, gzip, read, refused};
use double_descent::Error;
use double_descent::dataset::CsvOptions;

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
    let others: [(&[u8], &str); 7] = [
        (b"PK\x03\x04rest", "zip archive"),
        (b"\x93NUMPY\x01\0", "NumPy array"),
        (b"%PDF-1.7\n", "PDF"),
        (b"<!DOCTYPE html>\n<html>", "HTML page"),
        (b"{\"a\": [1, 2]}", "JSON"),
        (b"[{\"a\": 1}]", "JSON"),
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
fn lines_above_a_table_are_called_so() {
    let table = "a,b,y\n1,2,3\n4,5,6\n";
    refused(
        default(format!("My report,,\n,,\n{table}")),
        &["line 1", "one name and blank cells", "if it is a title, remove it"],
    );
    // A line of units, at which the first number is expected.
    let units = "a,b,y\nkg,m,EUR\n1,2,3\n";
    refused(
        default(units),
        &["line 2", "`kg`", "this line has no number: if it holds units or the like, remove it"],
    );
    let says = refused(default("a,b,y\n1,2,3\nx,5,6\n"), &["line 3", "`x`"]);
    assert!(!says.contains("units"), "{says}");
}

#[test]
fn names_with_commas_hide_no_semicolons() {
    let says = ["4 cells where the header has 3", "separated by `;`", "CsvOptions::with_delimiter"];
    refused(default("Height, cm;Weight, kg;y\n0,5;0,1;0,2\n"), &says);
    refused(default("a;b,c;y\n0.1;0.2;0.3\n"), &["line 2", "1 cell where the header has 2", says[1]]);
    let says = refused(default("a,b,y\n1,2\n"), &["2 cells where the header has 3"]);
    assert!(!says.contains("separated"), "{says}");
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
