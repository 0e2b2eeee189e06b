//! Formatting of tick labels.

const SUPERSCRIPTS: [char; 10] = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];

/// The most decimals in a label; more would be of no use to a reader.
const MOST_DECIMALS: i32 = 12;

/// `10ᵏ`.
pub(in crate::plot) fn power_of_ten(exponent: i32) -> String {
    let mut out = String::from("10");
    if exponent < 0 {
        out.push('⁻');
    }
    for digit in exponent.unsigned_abs().to_string().bytes() {
        out.push(SUPERSCRIPTS[usize::from(digit - b'0') % 10]);
    }
    out
}

/// `digit · 10ᵏ`, written in full when `plain`.
pub(super) fn multiple(digit: u8, exponent: i32, plain: bool) -> String {
    if plain {
        let zeros = "0".repeat(exponent.unsigned_abs() as usize);
        if exponent >= 0 { format!("{digit}{zeros}") } else { format!("0.{}{digit}", &zeros[1..]) }
    } else if digit == 1 {
        power_of_ten(exponent)
    } else {
        format!("{digit}×{}", power_of_ten(exponent))
    }
}

/// Labels for multiples of a step whose last digit is in the 10^`place` position. All have the same number of decimals
/// and, if any needs one, the same exponent.
pub(super) fn linear(values: &[f64], place: i32) -> Vec<String> {
    let largest = values.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
    let exponent = exponent_of(largest);
    let plain = (-4..5).contains(&exponent) && place >= -6;
    let shift = if plain { 0 } else { exponent };
    let decimals = (shift - place).clamp(0, MOST_DECIMALS) as usize;
    values.iter().map(|&value| one(value, shift, decimals)).collect()
}

fn one(value: f64, shift: i32, decimals: usize) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    // Two factors, because 10^shift alone may leave the range of normal numbers.
    let half = shift / 2;
    let mantissa = value / 10_f64.powi(half) / 10_f64.powi(shift - half);
    let digits = format!("{mantissa:.decimals$}").replace('-', "\u{2212}");
    if shift == 0 { digits } else { format!("{digits}×{}", power_of_ten(shift)) }
}

/// Decimal exponent of a magnitude; 0 for zero.
pub(super) fn exponent_of(magnitude: f64) -> i32 {
    if magnitude > 0.0 && magnitude.is_finite() {
        // The small term keeps the exponent of 1000 at 3 even if its logarithm is rounded down.
        (magnitude.log10() + 1e-9).floor() as i32
    } else {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers() {
        assert_eq!(power_of_ten(-12), "10⁻¹²");
        assert_eq!(power_of_ten(0), "10⁰");
        assert_eq!(multiple(5, -2, true), "0.05");
        assert_eq!(multiple(2, 3, true), "2000");
        assert_eq!(multiple(1, 0, true), "1");
        assert_eq!(multiple(2, -7, false), "2×10⁻⁷");
        assert_eq!(multiple(1, 9, false), "10⁹");
    }

    #[test]
    fn linear_labels() {
        assert_eq!(linear(&[0.0, 500.0, 1000.0], 2), ["0", "500", "1000"]);
        assert_eq!(linear(&[-0.5, 0.0, 0.5], -1), ["−0.5", "0", "0.5"]);
        assert_eq!(linear(&[0.0, 2e6, 4e6], 6), ["0", "2×10⁶", "4×10⁶"]);
        assert_eq!(linear(&[1e-9, 1.5e-9], -10), ["1.0×10⁻⁹", "1.5×10⁻⁹"]);
        assert_eq!(linear(&[0.1 + 0.2], -1), ["0.3"]);
        assert_eq!(linear(&[1e300, -1e-300], 300), ["1×10³⁰⁰", "−0×10³⁰⁰"]);
    }
}
