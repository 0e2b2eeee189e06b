//! A small SVG writer: presentation attributes only, two decimals.

use std::fmt::Write as _;

/// An axis-parallel rectangle; `y` grows downwards.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Rect {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) w: f64,
    pub(super) h: f64,
}

impl Rect {
    pub(super) fn right(&self) -> f64 {
        self.x + self.w
    }

    pub(super) fn bottom(&self) -> f64 {
        self.y + self.h
    }

    /// The rectangle with every side moved outwards.
    pub(super) fn grown(&self, by: f64) -> Self {
        let twice = 2.0 * by;
        Self { x: self.x - by, y: self.y - by, w: self.w + twice, h: self.h + twice }
    }
}

/// Where a text stands relative to its position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// How a text is set.
#[derive(Debug, Clone, Copy)]
pub(super) struct TextStyle {
    pub(super) size: f64,
    pub(super) anchor: Anchor,
    pub(super) fill: &'static str,
    /// Quarter turn to the left, for the label of a vertical axis.
    pub(super) upwards: bool,
}

impl TextStyle {
    pub(super) fn new(size: f64, anchor: Anchor, fill: &'static str) -> Self {
        Self { size, anchor, fill, upwards: false }
    }
}

/// How a line is drawn.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stroke<'a> {
    pub(super) colour: &'a str,
    pub(super) width: f64,
    /// SVG dash list; empty for an unbroken line.
    pub(super) dash: &'a str,
}

/// A coordinate: two decimals at most, and always a number.
pub(super) fn num(value: f64) -> String {
    if !value.is_finite() {
        return "0".to_owned();
    }
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

/// `text` fit for XML content and attributes. Characters that XML 1.0 cannot
/// hold at all become U+FFFD.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\t' | '\n' | '\r' => out.push(' '),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            _ => out.push(c),
        }
    }
    out
}

/// The document being written.
#[derive(Debug, Default)]
pub(super) struct Svg {
    body: String,
}

impl Svg {
    pub(super) fn raw(&mut self, markup: &str) {
        self.body.push_str(markup);
        self.body.push('\n');
    }

    pub(super) fn line(&mut self, from: (f64, f64), to: (f64, f64), stroke: Stroke) {
        let _ = writeln!(
            self.body,
            r#"<line x1="{}" y1="{}" x2="{}" y2="{}"{}/>"#,
            num(from.0),
            num(from.1),
            num(to.0),
            num(to.1),
            stroke_attributes(stroke)
        );
    }

    pub(super) fn curve(&mut self, path: &str, stroke: Stroke) {
        let _ = writeln!(
            self.body,
            r#"<path d="{path}" fill="none" stroke-linejoin="round"{}/>"#,
            stroke_attributes(stroke)
        );
    }

    pub(super) fn area(&mut self, path: &str, colour: &str, opacity: f64) {
        let _ = writeln!(
            self.body,
            r#"<path d="{path}" fill="{colour}" fill-opacity="{}" stroke="none"/>"#,
            num(opacity)
        );
    }

    pub(super) fn rectangle(&mut self, rect: Rect, colour: &str) {
        let [x, y, w, h] = [rect.x, rect.y, rect.w, rect.h].map(num);
        let _ = writeln!(self.body, r#"<rect x="{x}" y="{y}" width="{w}" height="{h}" fill="{colour}"/>"#);
    }

    pub(super) fn dot(&mut self, centre: (f64, f64), radius: f64, colour: &str) {
        let _ = writeln!(
            self.body,
            r#"<circle cx="{}" cy="{}" r="{}" fill="{colour}"/>"#,
            num(centre.0),
            num(centre.1),
            num(radius)
        );
    }

    pub(super) fn text(&mut self, at: (f64, f64), text: &str, style: TextStyle) {
        let (x, y) = (num(at.0), num(at.1));
        let anchor = match style.anchor {
            Anchor::Start => "",
            Anchor::Middle => r#" text-anchor="middle""#,
            Anchor::End => r#" text-anchor="end""#,
        };
        let turn = if style.upwards { format!(r#" transform="rotate(-90 {x} {y})""#) } else { String::new() };
        let _ = writeln!(
            self.body,
            r#"<text x="{x}" y="{y}" font-size="{}" fill="{}"{anchor}{turn}>{}</text>"#,
            num(style.size),
            style.fill,
            escape(text)
        );
    }

    /// Lines of text, the first baseline at `at`.
    pub(super) fn lines(&mut self, at: (f64, f64), lines: &[String], leading: f64, style: TextStyle) {
        for (i, line) in lines.iter().enumerate() {
            let down = i as f64 * leading;
            let at = if style.upwards { (at.0 + down, at.1) } else { (at.0, at.1 + down) };
            self.text(at, line, style);
        }
    }

    /// Opens a group clipped to `frame`. The name is made of the frame's own
    /// numbers: figures inlined in one web page may then share it harmlessly.
    pub(super) fn open_clip(&mut self, frame: Rect) {
        let sides = [frame.x, frame.y, frame.w, frame.h].map(num);
        let name = format!("clip-{}", sides.join("-"));
        let [x, y, w, h] = sides;
        let _ = writeln!(
            self.body,
            concat!(
                r#"<clipPath id="{}"><rect x="{}" y="{}" width="{}" height="{}"/></clipPath>"#,
                "\n",
                r#"<g clip-path="url(#{})">"#
            ),
            name, x, y, w, h, name
        );
    }

    pub(super) fn close_clip(&mut self) {
        self.raw("</g>");
    }

    /// The whole document.
    pub(super) fn finish(self, width: f64, height: f64, families: &str, name: &str) -> String {
        let (w, h) = (num(width), num(height));
        let label = if name.is_empty() {
            String::new()
        } else {
            format!(r#" role="img" aria-label="{}""#, escape(name))
        };
        format!(
            concat!(
                r#"<svg xmlns="http://www.w3.org/2000/svg" width="{w}" height="{h}" "#,
                r#"viewBox="0 0 {w} {h}" font-family="{f}"{label}>"#,
                "\n",
                r##"<rect x="0" y="0" width="{w}" height="{h}" fill="#ffffff"/>"##,
                "\n{body}</svg>\n"
            ),
            w = w,
            h = h,
            f = families,
            label = label,
            body = self.body
        )
    }
}

fn stroke_attributes(stroke: Stroke) -> String {
    let dash = if stroke.dash.is_empty() {
        String::new()
    } else {
        format!(r#" stroke-dasharray="{}""#, stroke.dash)
    };
    format!(r#" stroke="{}" stroke-width="{}"{dash}"#, stroke.colour, num(stroke.width))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_finite() {
        assert_eq!(num(1.0), "1");
        assert_eq!(num(-0.001), "0");
        assert_eq!(num(12.345), "12.35");
        assert_eq!(num(100.0), "100");
        assert_eq!(num(f64::NAN), "0");
        assert_eq!(num(f64::INFINITY), "0");
    }

    #[test]
    fn markup_and_control_characters_are_escaped() {
        assert_eq!(escape("a<b & \"c\">\u{0}\n"), "a&lt;b &amp; &quot;c&quot;&gt;\u{fffd} ");
    }
}
