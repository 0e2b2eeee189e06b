//! The embedded font: the shapes of its letters, the width of text set in it, line breaking.

use std::collections::HashMap;
use std::sync::OnceLock;

/// A subset of `DejaVu` Sans as outlines, made by the script beside it. The font never changes, so a font parser in
/// every build would do the same work again; its licence lies beside it.
const OUTLINES: &str = include_str!("fonts/DejaVuSans-outlines.txt");

/// Units of the outlines in an em.
pub(super) const UNITS_PER_EM: f64 = 2048.0;

/// What the SVG asks for. Verdana shares `DejaVu`'s widths; the others are
/// narrower, so a viewer without `DejaVu` still finds the room it needs.
pub(super) const FAMILIES: &str = "DejaVu Sans, Verdana, Helvetica, Arial, sans-serif";

/// Stands for a character that the font lacks.
const MISSING: char = '\u{fffd}';

/// Advance, in ems, of a character that the font lacks, where it lacks [`MISSING`] too.
const FALLBACK_ADVANCE: f64 = 0.6;

/// A letter: how far it moves the pen, and its shape.
#[derive(Debug, Clone, Copy)]
pub(super) struct Glyph {
    /// In ems.
    pub(super) advance: f64,
    /// SVG path data of M, L, Q and Z, `y` upwards from the baseline, in units of the font.
    #[cfg_attr(not(feature = "plot"), allow(dead_code, reason = "SVG has text as text"))]
    pub(super) outline: &'static str,
}

/// The shape of a character, or of the sign for missing ones.
pub(super) fn glyph(c: char) -> Option<Glyph> {
    static GLYPHS: OnceLock<HashMap<char, Glyph>> = OnceLock::new();
    let glyphs = GLYPHS.get_or_init(|| OUTLINES.lines().filter_map(parse).collect());
    glyphs.get(&c).or_else(|| glyphs.get(&MISSING)).copied()
}

/// A line of the outlines: code, advance, shape.
fn parse(line: &'static str) -> Option<(char, Glyph)> {
    let mut words = line.splitn(3, ' ');
    let code = char::from_u32(u32::from_str_radix(words.next()?, 16).ok()?)?;
    let advance: f64 = words.next()?.parse().ok()?;
    Some((code, Glyph { advance: advance / UNITS_PER_EM, outline: words.next().unwrap_or("") }))
}

fn advance(c: char) -> f64 {
    glyph(c).map_or(FALLBACK_ADVANCE, |glyph| glyph.advance)
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
        for c in "aZ09⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺₀₁₉αβγλμρσΣΩ−×·…≤≥≈∞–—‖√∈→\u{302}‘’“”".chars()
        {
            let code = format!("{:x} ", u32::from(c));
            assert!(OUTLINES.lines().any(|line| line.starts_with(&code)), "{c}");
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
