//! The embedded font: its bytes, the width of text set in it, line breaking.

use std::sync::OnceLock;

use ttf_parser::Face;

/// A subset of `DejaVu` Sans; its licence lies beside it.
pub(super) const BYTES: &[u8] = include_bytes!("fonts/DejaVuSans-subset.ttf");

/// The family the PNG is set in.
pub(super) const FAMILY: &str = "DejaVu Sans";

/// What the SVG asks for. Verdana shares `DejaVu`'s widths; the others are
/// narrower, so a viewer without `DejaVu` still finds the room it needs.
pub(super) const FAMILIES: &str = "DejaVu Sans, Verdana, Helvetica, Arial, sans-serif";

/// Advance, in ems, of a character the font lacks.
const FALLBACK_ADVANCE: f64 = 0.6;

fn face() -> Option<&'static Face<'static>> {
    static FACE: OnceLock<Option<Face<'static>>> = OnceLock::new();
    FACE.get_or_init(|| Face::parse(BYTES, 0).ok()).as_ref()
}

fn advance(c: char) -> f64 {
    let known = face().and_then(|face| {
        let glyph = face.glyph_index(c)?;
        let units = face.glyph_hor_advance(glyph)?;
        Some(f64::from(units) / f64::from(face.units_per_em()))
    });
    known.unwrap_or(FALLBACK_ADVANCE)
}

/// Width of `text` set at `size`.
pub(super) fn width(text: &str, size: f64) -> f64 {
    text.chars().map(advance).sum::<f64>() * size
}

/// `text` in lines of at most `room`; line feeds are kept as breaks, and a
/// word wider than a line is broken inside.
pub(super) fn wrap(text: &str, size: f64, room: f64) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in text.lines() {
        let mut line = String::new();
        for word in paragraph.split(breaks).filter(|w| !w.is_empty()) {
            push_word(&mut lines, &mut line, word, size, room);
        }
        if !line.is_empty() {
            lines.push(line);
        }
    }
    lines
}

/// Whether a line may end here; no-break spaces are for keeping together.
fn breaks(c: char) -> bool {
    c.is_whitespace() && !matches!(c, '\u{a0}' | '\u{2007}' | '\u{202f}')
}

fn push_word(lines: &mut Vec<String>, line: &mut String, word: &str, size: f64, room: f64) {
    let space = if line.is_empty() { "" } else { " " };
    let joined = format!("{line}{space}{word}");
    if width(&joined, size) <= room {
        *line = joined;
        return;
    }
    if !line.is_empty() {
        lines.push(std::mem::take(line));
    }
    if width(word, size) <= room {
        word.clone_into(line);
        return;
    }
    for c in word.chars() {
        line.push(c);
        if width(line, size) > room && line.chars().nth(1).is_some() {
            line.pop();
            lines.push(std::mem::take(line));
            line.push(c);
        }
    }
}

/// `wrap`, but at most `most` lines, the last ending in `…` if text is left.
pub(super) fn wrap_at_most(text: &str, size: f64, room: f64, most: usize) -> Vec<String> {
    let mut lines = wrap(text, size, room);
    if lines.len() > most {
        lines.truncate(most);
        if let Some(last) = lines.last_mut() {
            *last = ellipsis(&format!("{last} …"), size, room);
        }
    }
    lines
}

/// `text` cut to `room`, ending in `…` if it was cut.
pub(super) fn ellipsis(text: &str, size: f64, room: f64) -> String {
    if width(text, size) <= room {
        return text.to_owned();
    }
    let left = room - width("…", size);
    let mut used = 0.0;
    let fits = |c: &char| {
        used += advance(*c) * size;
        used <= left
    };
    let kept: String = text.trim_end_matches([' ', '…']).chars().take_while(fits).collect();
    format!("{}…", kept.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_are_those_of_dejavu() {
        assert!((width("0", 2048.0) - 1303.0).abs() < 1e-9);
        assert!((width("00", 10.0) - 2.0 * width("0", 10.0)).abs() < 1e-9);
        assert!(width("β\u{302}", 10.0) - width("β", 10.0) < 1e-9, "a mark takes no room");
    }

    #[test]
    fn the_font_has_the_signs_the_figures_use() {
        let face = face().expect("the embedded font parses");
        for c in "aZ09⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺₀₁₉αβγλμρσΣΩ−×·…≤≥≈∞–—‖√∈→\u{302}‘’“”".chars()
        {
            assert!(face.glyph_index(c).is_some(), "{c}");
        }
    }

    #[test]
    fn wrapping_keeps_to_the_room() {
        let text = "some words and anunbelievablylongwordthatfitsnowhere at all";
        let lines = wrap(text, 10.0, 60.0);
        assert!(lines.iter().all(|l| width(l, 10.0) <= 60.0), "{lines:?}");
        assert_eq!(lines.concat().replace(' ', ""), text.replace(' ', ""));
        assert_eq!(wrap("a\nb", 10.0, 60.0), ["a", "b"]);
        assert_eq!(wrap("ab", 10.0, 0.0), ["a", "b"]);
        assert_eq!(wrap("x λ\u{a0}=\u{a0}1", 10.0, 35.0), ["x", "λ\u{a0}=\u{a0}1"]);
        assert!(wrap_at_most(text, 10.0, 60.0, 2)[1].ends_with('…'));
    }
}
