//! Tables with few rows.

use super::escape;
use crate::diagnosis::Short;
use std::fmt::Write;

/// Rows that a table shows; of more, the first seven and the last two.
const MOST: usize = 10;
const FIRST: usize = 7;
const LAST: usize = 2;
/// Characters of a cell.
const LONGEST: usize = 60;

/// A table of a heading line and rows.
pub(super) struct Table {
    head: Vec<String>,
    rows: Vec<Vec<String>>,
    caption: String,
    /// Rows that stand between those that are shown.
    left_out: usize,
}

impl Table {
    /// With `row(i)` for each of `count` rows; only those shown are made.
    pub(super) fn new<const K: usize>(
        head: [&str; K],
        count: usize,
        row: impl Fn(usize) -> [String; K],
    ) -> Self {
        Self::of(head.map(str::to_owned).into(), count, |i| row(i).into())
    }

    /// The same with columns that are counted at run time.
    pub(super) fn of(head: Vec<String>, count: usize, row: impl Fn(usize) -> Vec<String>) -> Self {
        let left_out = if count > MOST { count - FIRST - LAST } else { 0 };
        let shown = (0..count).filter(|&i| left_out == 0 || i < FIRST || i >= count - LAST);
        Self { head, rows: shown.map(row).collect(), caption: String::new(), left_out }
    }

    /// With a line over it.
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

/// A text of at most [`LONGEST`] characters.
pub(super) fn cut(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// Four digits, without zeros that say nothing.
pub(super) fn number(value: f64) -> String {
    let text = Short(value).to_string();
    let (digits, exponent) = text.find('e').map_or((&*text, ""), |at| text.split_at(at));
    let digits =
        if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.') } else { digits };
    format!("{digits}{exponent}").replace('-', "−")
}

/// Four digits; blank for what is not there.
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
