//! Formatting of settings.

/// Formats a setting with three digits: `0.00316`, `5`, `31.6`, `1e-7`.
pub(super) fn short(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return if value == 0.0 { "0".into() } else { value.to_string() };
    }
    let rounded: f64 = format!("{value:.2e}").parse().unwrap_or(value);
    let text =
        if (1e-4..1e6).contains(&rounded.abs()) { rounded.to_string() } else { format!("{rounded:e}") };
    text.replace('-', "−")
}

#[cfg(test)]
mod tests {
    use super::short;

    #[test]
    fn settings_are_short() {
        let texts = [1e-3, 0.003_162_277_660_168_379_4, 1.0, 5.0, 31.6, 0.0, 3.16e-7, -0.5, 1e300].map(short);
        assert_eq!(texts, ["0.001", "0.00316", "1", "5", "31.6", "0", "3.16e−7", "−0.5", "1e300"]);
        assert_eq!(short(f64::NAN), "NaN");
    }
}
