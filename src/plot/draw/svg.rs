//! Writes a drawing as SVG: presentation attributes only, two decimals.

use std::fmt::Write as _;

use super::drawing::{Anchor, Drawing, Mark, Rect, Stroke, TextStyle};
use super::font;
use super::size::{Size, num};
use crate::machine::escape::escape;

/// Returns the document; `name` is its text for screen readers.
pub(super) fn write(drawing: &Drawing, size: Size, name: &str) -> String {
    let (w, h) = (num(size.width), num(size.height));
    let (across, down) = size.svg();
    let label =
        if name.is_empty() { String::new() } else { format!(r#" role="img" aria-label="{}""#, escape(name)) };
    let mut out = format!(
        concat!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" width="{across}" height="{down}" "#,
            r#"viewBox="0 0 {w} {h}" font-family="{f}"{label}>"#,
            "\n",
            r#"<rect x="0" y="0" width="{w}" height="{h}" fill="{paper}"/>"#,
            "\n"
        ),
        across = across,
        down = down,
        w = w,
        h = h,
        paper = drawing.paper.hex(),
        f = font::FAMILIES,
        label = label,
    );
    for mark in &drawing.marks {
        // Writing to a string cannot fail.
        let _ = write_mark(&mut out, mark);
    }
    out.push_str("</svg>\n");
    out
}

fn write_mark(out: &mut String, mark: &Mark) -> std::fmt::Result {
    match mark {
        Mark::Line { from, to, stroke } => {
            let [x1, y1, x2, y2] = [from.0, from.1, to.0, to.1].map(num);
            writeln!(out, r#"<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}"{}/>"#, stroke_attributes(*stroke))
        }
        Mark::Curve { points, stroke } => writeln!(
            out,
            r#"<path d="{}" fill="none" stroke-linejoin="round"{}/>"#,
            path(points),
            stroke_attributes(*stroke)
        ),
        Mark::Area { points, fill, opacity } => writeln!(
            out,
            r#"<path d="{}Z" fill="{}" fill-opacity="{}" stroke="none"/>"#,
            path(points),
            fill.hex(),
            num(*opacity)
        ),
        Mark::Rectangle { rect, fill } => {
            let [x, y, w, h] = sides(*rect);
            writeln!(out, r#"<rect x="{x}" y="{y}" width="{w}" height="{h}" fill="{}"/>"#, fill.hex())
        }
        Mark::Dot { centre, radius, fill } => {
            let [x, y, r] = [centre.0, centre.1, *radius].map(num);
            writeln!(out, r#"<circle cx="{x}" cy="{y}" r="{r}" fill="{}"/>"#, fill.hex())
        }
        Mark::Text { at, text, style } => write_text(out, *at, text, *style),
        Mark::OpenClip(frame) => {
            // The clip's name is made from the numbers of its frame, so that figures inlined in one web page can share
            // it harmlessly.
            let [x, y, w, h] = sides(*frame);
            writeln!(
                out,
                concat!(
                    r#"<clipPath id="clip-{x}-{y}-{w}-{h}"><rect x="{x}" y="{y}" width="{w}" height="{h}"/></clipPath>"#,
                    "\n",
                    r#"<g clip-path="url(#clip-{x}-{y}-{w}-{h})">"#
                ),
                x = x,
                y = y,
                w = w,
                h = h
            )
        }
        Mark::CloseClip => writeln!(out, "</g>"),
    }
}

fn write_text(out: &mut String, at: (f64, f64), text: &str, style: TextStyle) -> std::fmt::Result {
    let (x, y) = (num(at.0), num(at.1));
    let anchor = match style.anchor {
        Anchor::Start => "",
        Anchor::Middle => r#" text-anchor="middle""#,
        Anchor::End => r#" text-anchor="end""#,
    };
    let turn = if style.upwards { format!(r#" transform="rotate(-90 {x} {y})""#) } else { String::new() };
    writeln!(
        out,
        r#"<text x="{x}" y="{y}" font-size="{}" fill="{}"{anchor}{turn}>{}</text>"#,
        num(style.size),
        style.fill.hex(),
        escape(text)
    )
}

fn sides(rect: Rect) -> [String; 4] {
    [rect.x, rect.y, rect.w, rect.h].map(num)
}

/// Returns SVG path data; points that coincide with the previous one are left out.
fn path(points: &[(f64, f64)]) -> String {
    let mut out = String::new();
    let mut last = String::new();
    for (x, y) in points {
        let point = format!("{} {}", num(*x), num(*y));
        if point != last {
            out.push(if last.is_empty() { 'M' } else { 'L' });
            out.push_str(&point);
            last = point;
        }
    }
    out
}

fn stroke_attributes(stroke: Stroke) -> String {
    let dash = if stroke.dash.is_empty() {
        String::new()
    } else {
        let lengths: Vec<String> = stroke.dash.iter().map(|&length| num(length.into())).collect();
        format!(r#" stroke-dasharray="{}""#, lengths.join(" "))
    };
    format!(r#" stroke="{}" stroke-width="{}"{dash}"#, stroke.colour.hex(), num(stroke.width))
}
