//! Numbers formatted for readers: in tables, captions and sentences.

/// Formats a number for a caption, a legend or a sentence: four digits, without trailing zeros.
pub fn trimmed(value: f64) -> String {
    let rounded: f64 = format!("{value:.3e}").parse().unwrap_or(value);
    let size = rounded.abs();
    let text =
        if size == 0.0 || (1e-3..1e6).contains(&size) { rounded.to_string() } else { power_of_ten(rounded) };
    text.replace('-', "−")
}

/// Formats a number as `10⁻⁵`, `3.2×10⁷`.
fn power_of_ten(value: f64) -> String {
    const DIGITS: [char; 10] = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];
    let text = format!("{value:e}");
    let Some((digits, exponent)) = text.split_once('e') else { return text };
    let raised = |c: char| c.to_digit(10).map_or('⁻', |digit| DIGITS[digit as usize]);
    let exponent: String = exponent.chars().map(raised).collect();
    if digits == "1" { format!("10{exponent}") } else { format!("{digits}×10{exponent}") }
}

/// Formats a count with its noun: `1 repeat`, `3 repeats`.
pub fn counted(count: usize, one: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {one}s") }
}

/// Formats a number with four digits, for a printed table.
pub fn short(value: f64) -> String {
    if value == 0.0 {
        return "0".into();
    }
    let decimals = match value.abs() {
        size if !(1e-3..1e5).contains(&size) => return format!("{value:.3e}"),
        size if size >= 1e3 => 0,
        size if size >= 1e2 => 1,
        size if size >= 10.0 => 2,
        size if size >= 1.0 => 3,
        size if size >= 0.1 => 4,
        size if size >= 1e-2 => 5,
        _ => 6,
    };
    format!("{value:.decimals$}")
}
