//! Formatting of settings.

use crate::plot::draw::label::power_of_ten;

/// Formats a setting with three digits: `0.00316`, `5`, `31.6`, `10⁻⁷`.
pub(super) fn short(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return if value == 0.0 { "0".into() } else { value.to_string() };
    }
    let rounded: f64 = format!("{value:.2e}").parse().unwrap_or(value);
    full(rounded)
}

/// Formats a number with all its digits: `0.0001`, `3.16×10⁻⁷`.
pub(super) fn full(value: f64) -> String {
    let text = if value == 0.0 || (1e-4..1e6).contains(&value.abs()) {
        value.to_string()
    } else {
        let text = format!("{value:e}");
        match text.split_once('e').and_then(|(digits, e)| Some((digits, e.parse::<i32>().ok()?))) {
            Some(("1", exponent)) => power_of_ten(exponent),
            Some((digits, exponent)) => format!("{digits}×{}", power_of_ten(exponent)),
            None => text, // infinite, or not a number
        }
    };
    text.replace('-', "−")
}

#[cfg(test)]
mod tests {
    use super::short;

    #[test]
    fn settings_are_short() {
        let texts = [1e-3, 0.003_162_277_660_168_379_4, 1.0, 5.0, 31.6, 0.0, 3.16e-7, -0.5, 1e300].map(short);
        assert_eq!(texts, ["0.001", "0.00316", "1", "5", "31.6", "0", "3.16×10⁻⁷", "−0.5", "10³⁰⁰"]);
        assert_eq!(short(f64::NAN), "NaN");
    }
}
