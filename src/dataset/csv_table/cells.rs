//! Parsing of cells: numbers and missing values.

use super::options::CsvOptions;

/// Whether a trimmed cell is blank or has a spelling of a missing value, compared as text.
pub(super) fn is_missing(cell: &[u8], options: &CsvOptions) -> bool {
    cell.is_empty() || options.missing.iter().any(|word| cell.eq_ignore_ascii_case(word.trim().as_bytes()))
}

/// Parses the number in a trimmed cell; it may be infinite or NaN.
pub(super) fn parse_number(cell: &[u8], options: &CsvOptions) -> Option<f64> {
    if !options.decimal_comma
        && let Some(number) = short_decimal(cell)
    {
        return Some(number);
    }
    let text = std::str::from_utf8(cell).ok()?;
    if !options.decimal_comma {
        return text.parse().ok();
    }
    if text.contains('.') || text.matches(',').count() > 1 {
        return None;
    }
    text.replace(',', ".").parse().ok()
}

/// Returns the thousands separator of a cell that is a number without it: `1.211,47`, `-1,234,567.8`, `12'000`.
pub(super) fn between_thousands(cell: &[u8]) -> Option<char> {
    let text = std::str::from_utf8(cell).ok()?;
    let is_thousands = |separator: char, point: char| {
        let whole = text.strip_prefix(['-', '+']).unwrap_or(text).split(point).next().unwrap_or("");
        let mut groups = whole.split(separator);
        let all_digits = |group: &str| group.bytes().all(|byte| byte.is_ascii_digit());
        let first = groups.next().is_some_and(|first| (1..=3).contains(&first.len()) && all_digits(first));
        let (count, rest) = groups.fold((0, true), |(count, rest), group| {
            (count + 1, rest && group.len() == 3 && all_digits(group))
        });
        let number = text.replace(separator, "").replace(point, ".");
        // A single group after a point or comma may be decimals.
        let is_clear = count > 1 || count == 1 && (text.contains(point) || !matches!(separator, '.' | ','));
        first && rest && is_clear && number.parse::<f64>().is_ok()
    };
    let pairs =
        [('.', ','), (',', '.'), ('\'', '.'), (' ', '.'), (' ', ','), ('\u{a0}', ','), ('\u{202f}', ',')];
    pairs
        .into_iter()
        .find(|&(separator, point)| is_thousands(separator, point))
        .map(|(separator, _)| separator)
}

/// Whether a cell may be a whole number with one thousands separator, as in `1,037`, but also one with three decimals.
pub(super) fn is_one_thousand(cell: &[u8], separator: u8) -> bool {
    let cell = cell.strip_prefix(b"-").or_else(|| cell.strip_prefix(b"+")).unwrap_or(cell);
    let mut parts = cell.split(|byte| *byte == separator);
    let (whole, group, rest) = (parts.next(), parts.next(), parts.next());
    let is_digits = |part: &[u8]| part.iter().all(u8::is_ascii_digit);
    whole.is_some_and(|whole| (1..=3).contains(&whole.len()) && is_digits(whole) && whole != b"0")
        && group.is_some_and(|group| group.len() == 3 && is_digits(group))
        && rest.is_none()
}

/// Returns the number in a cell whose minus sign is not a hyphen, or that has blanks other than spaces around it, as it
/// should be written: `−1.5`, or `1.5` and a no-break space.
pub(super) fn in_plain_characters(cell: &[u8], options: &CsvOptions) -> Option<String> {
    let text = std::str::from_utf8(cell).ok()?;
    let plain = text.trim_matches(|c: char| c.is_whitespace() || matches!(c, '\u{200b}' | '\u{feff}'));
    let plain = plain.replace(['−', '–'], "-");
    parse_number(plain.as_bytes(), options).filter(|number| number.is_finite()).map(|_| plain)
}

/// Returns the unit after a number: `kg` of `3.5 kg`. A short word after an integer without a blank is no unit: `3rd`.
pub(super) fn unit_beside(cell: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(cell).ok()?;
    let end = text.rfind(|c: char| c.is_ascii_digit())? + 1;
    let (number, after) = text.split_at(end);
    let unit = after.trim_start();
    let is_apart = unit.len() < after.len() || number.contains(['.', ',']);
    let is_unit = (1..=6).contains(&unit.chars().count())
        && unit.chars().all(|c| c.is_alphabetic() || matches!(c, '/' | '²' | '³' | '°' | '\'' | '"'));
    let spellings = [false, true].map(|comma| CsvOptions::default().with_decimal_comma(comma));
    let is_number = spellings.iter().any(|options| parse_number(number.as_bytes(), options).is_some());
    (is_apart && is_unit && (is_number || between_thousands(number.as_bytes()).is_some())).then_some(unit)
}

/// Returns the currency or percent sign before or after a number: `$5`, `12 %`.
pub(super) fn sign_beside(cell: &[u8]) -> Option<char> {
    let text = std::str::from_utf8(cell).ok()?;
    let is_sign = |c: char| matches!(c, '%' | '‰' | '$' | '¢' | '£' | '¥' | '€' | '₹');
    let sign = text.chars().find(|c| is_sign(*c))?;
    let number = text.trim_matches(|c: char| is_sign(c) || c.is_whitespace());
    let spellings = [false, true].map(|comma| CsvOptions::default().with_decimal_comma(comma));
    let is_number = spellings.iter().any(|options| parse_number(number.as_bytes(), options).is_some());
    (is_number || between_thousands(number.as_bytes()).is_some()).then_some(sign)
}

/// The powers of ten that `f64` holds exactly.
const TENS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
    1e19, 1e20, 1e21, 1e22,
];

/// Parses a cell of digits, optionally with a point and more digits, if it is the quotient of two exact numbers. The
/// division rounds like the standard library's parser, and is faster than it. Most cells have this form.
fn short_decimal(cell: &[u8]) -> Option<f64> {
    leading_decimal(cell).filter(|(_, length)| *length == cell.len()).map(|(number, _)| number)
}

/// Parses the longest number of this form at the start of a text; also returns its length.
pub(super) fn leading_decimal(text: &[u8]) -> Option<(f64, usize)> {
    /// Any number of this many digits fits into a `u64`.
    const DIGITS: usize = 19;
    let sign = usize::from(text.first() == Some(&b'-'));
    let digits = &text[sign..];
    let (mut whole, mut length) = leading_digits(0, digits);
    let mut decimals = 0;
    if length > 0 && digits.get(length) == Some(&b'.') {
        (whole, decimals) = leading_digits(whole, &digits[length + 1..]);
        length += if decimals > 0 { 1 + decimals } else { 0 };
    }
    // A point alone, or nothing, is not a number.
    if length == 0 || length > DIGITS || whole > 1 << f64::MANTISSA_DIGITS {
        return None;
    }
    let number = whole as f64 / TENS.get(decimals)?;
    Some((if sign == 1 { -number } else { number }, sign + length))
}

/// Appends the digits at the start of a text to the decimal number `before`; returns the result and how many there are.
fn leading_digits(before: u64, text: &[u8]) -> (u64, usize) {
    const POWERS: [u64; 9] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000];
    let (mut number, mut count) = (before, 0);
    // Eight at a time, so that the number of digits causes no branch mispredictions.
    while let Some(eight) = text[count..].first_chunk() {
        let digits = u64::from_le_bytes(*eight) ^ 0x3030_3030_3030_3030;
        // Marks the highest bit of the first byte that is not a digit; later bytes may be wrong.
        let others = (digits.wrapping_add(0x7676_7676_7676_7676) | digits) & 0x8080_8080_8080_8080;
        let run = others.trailing_zeros() / 8;
        let leading = digits.checked_shl(64 - 8 * run).unwrap_or(0);
        number = number.wrapping_mul(POWERS[run as usize]).wrapping_add(eight_digits(leading));
        count += run as usize;
        if run < 8 {
            return (number, count);
        }
    }
    for digit in text[count..].iter().map(|byte| byte.wrapping_sub(b'0')).take_while(|digit| *digit < 10) {
        number = number.wrapping_mul(10).wrapping_add(u64::from(digit));
        count += 1;
    }
    (number, count)
}

/// Returns the number of eight digits, the first one in the lowest byte, by combining neighbours three times.
fn eight_digits(digits: u64) -> u64 {
    let pairs = digits.wrapping_mul((10 << 8) + 1) >> 8 & 0x00ff_00ff_00ff_00ff;
    let fours = pairs.wrapping_mul((100 << 16) + 1) >> 16 & 0x0000_ffff_0000_ffff;
    fours.wrapping_mul((10_000 << 32) + 1) >> 32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_and_look_alikes_of_numbers_are_told_from_words() {
        for (cell, unit) in
            [("3.5 kg", "kg"), ("12 km/h", "km/h"), ("3,5kg", "kg"), ("1.211,47 €m", ""), ("-4 °C", "°C")]
        {
            assert_eq!(unit_beside(cell.as_bytes()).unwrap_or(""), unit, "{cell}");
        }
        for word in ["3rd", "kg", "12a", "room 12", "B2", "1 January 2020", "2020-01-05", "5 attempts", ""] {
            assert_eq!(unit_beside(word.as_bytes()), None, "{word}");
        }
        let plain = |cell: &str| in_plain_characters(cell.as_bytes(), &CsvOptions::default());
        assert_eq!(plain("−1.5").as_deref(), Some("-1.5"));
        assert_eq!(plain("\u{a0}1.5\u{a0}").as_deref(), Some("1.5"));
        assert_eq!((plain("−"), plain("1−5"), plain("a")), (None, None, None));
        let thousand = |cell: &str| is_one_thousand(cell.as_bytes(), b',');
        assert!(thousand("1,037") && thousand("-12,500"));
        assert!(!(thousand("0,037") || thousand("1,03") || thousand("1,037,000") || thousand("1037")));
    }

    #[test]
    fn a_short_decimal_is_what_the_standard_library_reads() {
        let mut taken = 0;
        let mut agrees = |text: &str| {
            let Some(found) = short_decimal(text.as_bytes()) else { return };
            taken += 1;
            assert_eq!(text.parse::<f64>().unwrap().to_bits(), found.to_bits(), "{text}");
        };
        for text in ["0", "-0", "-0.0", "41.0", "6.984126984126984", "0.9718804920913884", "9007199254740992"]
        {
            agrees(text);
        }
        let mut state = 0x2545_f491_4f6c_dd1d_u64;
        for _ in 0..20_000 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let (digits, point) =
                (state % 10_u64.pow(1 + (state >> 40) as u32 % 18), (state >> 50) as usize % 18);
            let text = digits.to_string();
            agrees(&text);
            if point > 0 && point < text.len() {
                agrees(&format!("-{}.{}", &text[..point], &text[point..]));
            }
            agrees(&format!("0.{text}"));
        }
        assert!(taken > 20_000, "{taken}");
        let others =
            ["", "-", ".", "5.", ".5", "1.2.3", "1e3", "+1", "1,5", "nan", "inf", "9007199254740993", "1 2"];
        for text in others {
            assert_eq!(short_decimal(text.as_bytes()), None, "{text}");
        }
    }
}
