//! Cells: numbers and missing values.

use super::options::CsvOptions;

/// Whether a cell without outer blanks is a missing value.
pub(super) fn is_missing(cell: &[u8], options: &CsvOptions) -> bool {
    cell.is_empty() || options.missing.iter().any(|word| cell.eq_ignore_ascii_case(word.trim().as_bytes()))
}

/// The number in a cell without outer blanks, infinite or NaN as it may be.
pub(super) fn parse_number(cell: &[u8], options: &CsvOptions) -> Option<f64> {
    let text = std::str::from_utf8(cell).ok()?;
    if !options.decimal_comma {
        return text.parse().ok();
    }
    if text.contains('.') || text.matches(',').count() > 1 {
        return None;
    }
    text.replace(',', ".").parse().ok()
}
