//! Text as letter outlines, for formats without an embedded font.

use super::drawing::{Anchor, TextStyle};
use super::font;

/// A piece of an outline, in the drawing's coordinates.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Segment {
    Move((f64, f64)),
    Line((f64, f64)),
    /// Control point and end of a quadratic Bézier curve.
    Quadratic((f64, f64), (f64, f64)),
    Close,
}

/// Returns the outlines of `text` set at `at`, letter by letter.
pub(super) fn outline(at: (f64, f64), text: &str, style: TextStyle) -> Vec<Segment> {
    let before = match style.anchor {
        Anchor::Start => 0.0,
        Anchor::Middle => font::width(text, style.size) / 2.0,
        Anchor::End => font::width(text, style.size),
    };
    let (mut segments, mut pen) = (Vec::new(), -before);
    let scale = style.size / font::UNITS_PER_EM;
    for glyph in text.chars().filter_map(font::glyph) {
        let place = |x: f64, y: f64| {
            let (along, up) = (pen + x * scale, y * scale);
            if style.upwards { (at.0 - up, at.1 - along) } else { (at.0 + along, at.1 - up) }
        };
        trace(&mut segments, glyph.outline, place);
        pen += glyph.advance * style.size;
    }
    segments
}

/// Appends a letter, with each of its points mapped by `place`.
fn trace(segments: &mut Vec<Segment>, outline: &str, place: impl Fn(f64, f64) -> (f64, f64)) {
    let mut rest = outline;
    while let Some(command) = rest.chars().next() {
        let end = rest[1..].find(|c: char| c.is_ascii_uppercase()).map_or(rest.len(), |end| end + 1);
        let numbers: Vec<f64> = rest[1..end].split(' ').filter_map(|word| word.parse().ok()).collect();
        let points: Vec<(f64, f64)> = numbers.chunks_exact(2).map(|xy| place(xy[0], xy[1])).collect();
        segments.push(match (command, &points[..]) {
            ('M', &[to]) => Segment::Move(to),
            ('L', &[to]) => Segment::Line(to),
            ('Q', &[control, to]) => Segment::Quadratic(control, to),
            _ => Segment::Close,
        });
        rest = &rest[end..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::draw::colour::Rgb;

    fn extent(segments: &[Segment]) -> [f64; 4] {
        let mut out = [f64::INFINITY, f64::INFINITY, f64::NEG_INFINITY, f64::NEG_INFINITY];
        for segment in segments {
            if let Segment::Move((x, y)) | Segment::Line((x, y)) | Segment::Quadratic(_, (x, y)) = *segment {
                out = [out[0].min(x), out[1].min(y), out[2].max(x), out[3].max(y)];
            }
        }
        out
    }

    #[test]
    fn letters_stand_where_their_anchor_says() {
        let style = |anchor| TextStyle::new(20.48, anchor, Rgb::BLACK);
        // In DejaVu Sans, the letter l is a bar from 0.092 to 0.186 em, 0.742 em high, and 0.278 em wide.
        let bar = |anchor| extent(&outline((100.0, 50.0), "l", style(anchor)));
        let start = bar(Anchor::Start);
        for (found, right) in start.iter().zip([101.93, 34.44, 103.77, 50.0]) {
            assert!((found - right).abs() < 0.06, "{start:?}");
        }
        let width = font::width("l", 20.48);
        assert!((start[0] - bar(Anchor::Middle)[0] - width / 2.0).abs() < 1e-9);
        assert!((start[0] - bar(Anchor::End)[0] - width).abs() < 1e-9);
        // A quarter turn to the left: right becomes up, and up becomes left.
        let turned =
            extent(&outline((100.0, 50.0), "l", TextStyle { upwards: true, ..style(Anchor::Start) }));
        assert!((turned[3] - (50.0 - (start[0] - 100.0))).abs() < 1e-9, "{turned:?}");
        assert!((turned[0] - (100.0 - (50.0 - start[1]))).abs() < 1e-9, "{turned:?}");
    }

    #[test]
    fn every_letter_is_read_whole() {
        let commands = |outline: &str| outline.chars().filter(char::is_ascii_uppercase).count();
        for c in ' '..='\u{2300}' {
            let Some(glyph) = font::glyph(c) else { continue };
            let mut segments = Vec::new();
            trace(&mut segments, glyph.outline, |x, y| (x, y));
            assert_eq!(segments.len(), commands(glyph.outline));
            let closed = segments.iter().filter(|s| **s == Segment::Close).count();
            assert_eq!(closed, glyph.outline.matches('Z').count(), "{c}");
        }
    }
}
