//! Texts assembled at random.

use super::{DROP, gzip, read};
use double_descent::dataset::{BlankCells, CsvOptions, Encoding, Header, UnnamedColumn};

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
