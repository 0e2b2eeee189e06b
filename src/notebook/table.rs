//! Tables with few rows.

use super::escape;
use crate::diagnosis::Short;
use std::fmt::Write;

/// The number of rows that a table shows; a longer table shows its first seven and last two.
const MOST: usize = 10;
const FIRST: usize = 7;
const LAST: usize = 2;
/// The most characters in a cell.
const LONGEST: usize = 60;

/// A table with a heading row.
pub(super) struct Table {
    head: Vec<String>,
    rows: Vec<Vec<String>>,
    caption: String,
    /// The number of rows omitted from the middle.
    left_out: usize,
}

impl Table {
    /// Builds a table of `count` rows from `row(i)`, which is called only for the rows shown.
    pub(super) fn new<const K: usize>(
        head: [&str; K],
        count: usize,
        row: impl Fn(usize) -> [String; K],
    ) -> Self {
        Self::of(head.map(str::to_owned).into(), count, |i| row(i).into())
    }

    /// As [`Table::new`], with a number of columns known only at run time.
    pub(super) fn of(head: Vec<String>, count: usize, row: impl Fn(usize) -> Vec<String>) -> Self {
        let left_out = if count > MOST { count - FIRST - LAST } else { 0 };
        let shown = (0..count).filter(|&i| left_out == 0 || i < FIRST || i >= count - LAST);
        Self { head, rows: shown.map(row).collect(), caption: String::new(), left_out }
    }

    /// Adds a caption above the table.
    pub(super) fn with_caption(mut self, caption: impl Into<String>) -> Self {
        self.caption = caption.into();
        self
    }

    pub(super) fn html(&self) -> String {
        let mut out = String::from("<table>\n");
        if !self.caption.is_empty() {
            // Writing to a string cannot fail.
            let _ = writeln!(out, "<caption>{}</caption>", escape(&self.caption));
        }
        out.push_str(&line("th", &self.head));
        for (i, row) in self.rows.iter().enumerate() {
            if self.left_out > 0 && i == FIRST {
                let _ = writeln!(
                    out,
                    "<tr><td colspan=\"{}\">… {} more rows …</td></tr>",
                    self.head.len(),
                    self.left_out
                );
            }
            out.push_str(&line("td", row));
        }
        out + "</table>\n"
    }
}

fn line(tag: &str, cells: &[String]) -> String {
    let mut row = String::from("<tr>");
    for cell in cells {
        row.extend(["<", tag, ">", &escape(&cut(cell)), "</", tag, ">"]);
    }
    row + "</tr>\n"
}

/// Returns the text, cut to at most [`LONGEST`] characters.
pub(super) fn cut(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// Formats a number with four digits, without trailing zeros.
pub(super) fn number(value: f64) -> String {
    let text = Short(value).to_string();
    let (digits, exponent) = text.find('e').map_or((&*text, ""), |at| text.split_at(at));
    let digits =
        if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.') } else { digits };
    format!("{digits}{exponent}").replace('-', "−")
}

/// Formats an optional number with four digits; `None` is blank.
pub(super) fn optional(value: Option<f64>) -> String {
    value.map_or(String::new(), number)
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn numbers_have_no_zeros_that_say_nothing() {
        let texts = [39.0, 0.01, 1e-4, 599_330.0, 10.25, -0.002_592, 0.0, 1e300, f64::NAN].map(number);
        assert_eq!(texts, ["39", "0.01", "1e−4", "599330", "10.25", "−0.002592", "0", "1e300", "NaN"]);
    }
}
