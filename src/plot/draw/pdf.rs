//! Writes a drawing as a one-page PDF: vectors throughout, letters as outlines.

use std::collections::BTreeSet;
use std::io::Write as _;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use pdf_writer::types::LineJoinStyle;
use pdf_writer::{Content, Filter, Finish, Name, Pdf, Rect as Page, Ref};

use crate::Error;

use super::colour::Rgb;
use super::drawing::{Drawing, Mark, Rect, Stroke, TextStyle};
use super::lettering::{self, Segment};
use super::size::Size;

/// A pixel of the SVG is 1/96 inch, a unit of PDF 1/72.
const POINTS_PER_PIXEL: f32 = 0.75;

/// Returns the one-page document.
pub(super) fn write(drawing: &Drawing, size: Size) -> Result<Vec<u8>, Error> {
    let points = POINTS_PER_PIXEL * size.scale as f32;
    let (width, height) = (number(size.width) * points, number(size.height) * points);
    let mut content = Content::new();
    // In the drawing y points down, on the page up.
    content.transform([points, 0.0, 0.0, -points, 0.0, height]);
    content.set_line_join(LineJoinStyle::RoundJoin);
    if drawing.paper != Rgb::WHITE {
        let page = Rect { x: 0.0, y: 0.0, w: size.width, h: size.height };
        write_mark(&mut content, &Mark::Rectangle { rect: page, fill: drawing.paper });
    }
    let mut opacities = BTreeSet::new();
    for mark in &drawing.marks {
        if let Mark::Area { opacity, .. } = mark {
            opacities.insert(percent(*opacity));
        }
        write_mark(&mut content, mark);
    }
    let content = packed(&content.finish())?;

    let [catalog, pages, page, stream] = [1, 2, 3, 4].map(Ref::new);
    let state = |opacity: u8| Ref::new(10 + i32::from(opacity));
    let mut pdf = Pdf::new();
    pdf.catalog(catalog).pages(pages);
    pdf.pages(pages).kids([page]).count(1);
    let mut leaf = pdf.page(page);
    leaf.media_box(Page::new(0.0, 0.0, width, height)).parent(pages).contents(stream);
    let mut resources = leaf.resources();
    let mut states = resources.ext_g_states();
    for &opacity in &opacities {
        states.pair(Name(state_name(opacity).as_bytes()), state(opacity));
    }
    states.finish();
    resources.finish();
    leaf.finish();
    for &opacity in &opacities {
        pdf.ext_graphics(state(opacity)).non_stroking_alpha(f32::from(opacity) / 100.0);
    }
    pdf.stream(stream, &content).filter(Filter::FlateDecode);
    Ok(pdf.finish())
}

fn packed(content: &[u8]) -> Result<Vec<u8>, Error> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    let written = encoder.write_all(content).and_then(|()| encoder.finish());
    written.map_err(|e| Error::Resource { reason: format!("cannot pack the figure's PDF: {e}") })
}

fn write_mark(content: &mut Content, mark: &Mark) {
    match mark {
        Mark::Line { from, to, stroke } => write_stroke(content, &[*from, *to], *stroke),
        Mark::Curve { points, stroke } => write_stroke(content, points, *stroke),
        Mark::Area { points, fill, opacity } => {
            content.save_state().set_parameters(Name(state_name(percent(*opacity)).as_bytes()));
            polygon(content, points);
            fill_colour(content, *fill);
            content.fill_nonzero().restore_state();
        }
        Mark::Rectangle { rect, fill } => {
            fill_colour(content, *fill);
            rectangle(content, *rect);
            content.fill_nonzero();
        }
        Mark::Dot { centre, radius, fill } => {
            fill_colour(content, *fill);
            circle(content, *centre, *radius);
            content.fill_nonzero();
        }
        Mark::Text { at, text, style } => write_text(content, *at, text, *style),
        Mark::OpenClip(frame) => {
            content.save_state();
            rectangle(content, *frame);
            content.clip_nonzero().end_path();
        }
        Mark::CloseClip => {
            content.restore_state();
        }
    }
}

fn write_stroke(content: &mut Content, points: &[(f64, f64)], stroke: Stroke) {
    let [r, g, b] = parts(stroke.colour);
    content.set_stroke_rgb(r, g, b).set_line_width(number(stroke.width).max(0.0));
    content.set_dash_pattern(stroke.dash.iter().copied(), 0.0);
    through(content, points);
    content.stroke();
}

fn write_text(content: &mut Content, at: (f64, f64), text: &str, style: TextStyle) {
    fill_colour(content, style.fill);
    let mut pen = (0.0, 0.0);
    for segment in lettering::outline(at, text, style) {
        match segment {
            Segment::Move((x, y)) => {
                content.move_to(number(x), number(y));
                pen = (x, y);
            }
            Segment::Line((x, y)) => {
                content.line_to(number(x), number(y));
                pen = (x, y);
            }
            Segment::Quadratic((cx, cy), (x, y)) => {
                // PDF has only cubic curves; their control points lie two thirds of the way to the quadratic one.
                let near = |from: f64, control: f64| number(from + 2.0 / 3.0 * (control - from));
                content.cubic_to(
                    near(pen.0, cx),
                    near(pen.1, cy),
                    near(x, cx),
                    near(y, cy),
                    number(x),
                    number(y),
                );
                pen = (x, y);
            }
            Segment::Close => {
                content.close_path();
            }
        }
    }
    content.fill_nonzero();
}

fn through(content: &mut Content, points: &[(f64, f64)]) {
    for (i, &(x, y)) in points.iter().enumerate() {
        let (x, y) = (number(x), number(y));
        if i == 0 {
            content.move_to(x, y);
        } else {
            content.line_to(x, y);
        }
    }
}

fn polygon(content: &mut Content, points: &[(f64, f64)]) {
    through(content, points);
    content.close_path();
}

fn rectangle(content: &mut Content, rect: Rect) {
    content.rect(number(rect.x), number(rect.y), number(rect.w), number(rect.h));
}

/// Adds a circle as four cubic curves, a quarter each.
fn circle(content: &mut Content, (x, y): (f64, f64), radius: f64) {
    // This distance of the control points makes each curve meet the circle half-way: 4/3 · (√2 − 1).
    let handle = radius * 4.0 / 3.0 * (std::f64::consts::SQRT_2 - 1.0);
    content.move_to(number(x + radius), number(y));
    for (cos, sin) in [(1.0, 0.0), (0.0, 1.0), (-1.0, 0.0), (0.0, -1.0)] {
        let place = |along: f64, across: f64| {
            (number(x + along * cos - across * sin), number(y + along * sin + across * cos))
        };
        let (from, to, end) = (place(radius, handle), place(handle, radius), place(0.0, radius));
        content.cubic_to(from.0, from.1, to.0, to.1, end.0, end.1);
    }
    content.close_path();
}

fn fill_colour(content: &mut Content, colour: Rgb) {
    let [r, g, b] = parts(colour);
    content.set_fill_rgb(r, g, b);
}

fn parts(colour: Rgb) -> [f32; 3] {
    colour.0.map(|part| f32::from(part) / 255.0)
}

fn percent(opacity: f64) -> u8 {
    (opacity.clamp(0.0, 1.0) * 100.0).round() as u8
}

fn state_name(opacity: u8) -> String {
    format!("Opacity{opacity}")
}

/// Rounds a coordinate to three decimals; one that is not finite becomes 0.
fn number(value: f64) -> f32 {
    if value.is_finite() { ((value * 1e3).round() / 1e3) as f32 } else { 0.0 }
}
