//! Writes a drawing as PNG.

use crate::Error;
use flate2::write::ZlibEncoder;
use flate2::{Compression, Crc};
use std::io::Write;
use tiny_skia::{
    FillRule, LineJoin, Mask, Paint, Path, PathBuilder, Pixmap, Stroke as Pen, StrokeDash, Transform,
};

use super::colour::Rgb;
use super::drawing::{Drawing, Mark, Rect, Stroke, TextStyle};
use super::lettering::{self, Segment};
use super::size::{PIXELS_PER_INCH, Size};

/// Images with more pixels than this (400 MB of memory) are refused.
const MOST_PIXELS: f64 = 1e8;

/// Returns `drawing` as a PNG with `scale` pixels per SVG pixel, which is 1/96 inch. The file states the resulting dots
/// per inch.
pub(super) fn png(drawing: &Drawing, size: Size, scale: f64) -> Result<Vec<u8>, Error> {
    let (columns, rows) = pixels(size.width * size.scale, size.height * size.scale, scale)?;
    let mut pixmap = Pixmap::new(columns, rows)
        .ok_or_else(|| raster(format!("cannot make an image of {columns} by {rows} pixels")))?;
    let [r, g, b] = drawing.paper.0;
    pixmap.fill(tiny_skia::Color::from_rgba8(r, g, b, 255));
    let factor = (scale * size.scale) as f32;
    let transform = Transform::from_scale(factor, factor);
    let mut painter = Painter { pixmap, transform, clip: None };
    for mark in &drawing.marks {
        painter.paint(mark)?;
    }
    packed(&painter.pixmap, scale * PIXELS_PER_INCH).map_err(raster)
}

/// The signature of a PNG file.
const SIGNATURE: [u8; 8] = *b"\x89PNG\r\n\x1a\n";

/// Encodes a PNG (W3C, Portable Network Graphics, third edition). It has no alpha channel, because the paper is opaque,
/// and its rows are not filtered, which suits drawings better than differences of neighbours.
fn packed(pixmap: &Pixmap, per_inch: f64) -> std::io::Result<Vec<u8>> {
    let mut rows = ZlibEncoder::new(Vec::new(), Compression::default());
    let width = pixmap.width() as usize;
    for row in pixmap.pixels().chunks_exact(width) {
        let colours = row.iter().flat_map(|pixel| [pixel.red(), pixel.green(), pixel.blue()]);
        rows.write_all(&std::iter::once(0).chain(colours).collect::<Vec<u8>>())?;
    }
    let sides = [pixmap.width(), pixmap.height()].map(u32::to_be_bytes).concat();
    let per_metre = (per_inch / 0.0254).round().clamp(1.0, 2_147_483_647.0) as u32;
    let mut png = SIGNATURE.to_vec();
    // Eight bits per channel, three channels, the only compression and filter methods, no interlacing.
    push_chunk(&mut png, *b"IHDR", &[&sides[..], &[8, 2, 0, 0, 0]].concat());
    push_chunk(&mut png, *b"pHYs", &[&[per_metre; 2].map(u32::to_be_bytes).concat()[..], &[1]].concat()); // 1: per metre
    // A chunk's length must fit in 31 bits, as the bytes of all pixels do.
    push_chunk(&mut png, *b"IDAT", &rows.finish()?);
    push_chunk(&mut png, *b"IEND", &[]);
    Ok(png)
}

/// Appends a chunk: length, name, content and checksum.
fn push_chunk(png: &mut Vec<u8>, name: [u8; 4], content: &[u8]) {
    png.extend((content.len() as u32).to_be_bytes());
    let mut sum = Crc::new();
    for part in [&name, content] {
        sum.update(part);
        png.extend(part);
    }
    png.extend(sum.sum().to_be_bytes());
}

fn raster(error: impl std::fmt::Display) -> Error {
    Error::Resource { reason: format!("cannot rasterise the figure: {error}") }
}

fn pixels(width: f64, height: f64, scale: f64) -> Result<(u32, u32), Error> {
    if !(scale.is_finite() && scale > 0.0) {
        return Err(Error::Domain { what: "the scale of a PNG", value: scale, must_be: "finite and > 0" });
    }
    let (columns, rows) = ((width * scale).round().max(1.0), (height * scale).round().max(1.0));
    if columns * rows > MOST_PIXELS {
        let reason =
            format!("a figure of {columns} by {rows} pixels is too large for a PNG; the most is 10⁸");
        return Err(Error::Resource { reason });
    }
    Ok((columns as u32, rows as u32))
}

/// The pixels so far, and the transform and clip for the next marks. A mark without extent, or with coordinates that
/// are not finite, has no path and draws nothing.
struct Painter {
    pixmap: Pixmap,
    transform: Transform,
    clip: Option<Mask>,
}

impl Painter {
    fn paint(&mut self, mark: &Mark) -> Result<(), Error> {
        match mark {
            Mark::Line { from, to, stroke } => self.stroke(&[*from, *to], *stroke),
            Mark::Curve { points, stroke } => self.stroke(points, *stroke),
            Mark::Area { points, fill, opacity } => self.fill(polygon(points), *fill, *opacity),
            Mark::Rectangle { rect, fill } => self.fill(polygon(&rect.corners()), *fill, 1.0),
            Mark::Dot { centre, radius, fill } => {
                let circle = PathBuilder::from_circle(centre.0 as f32, centre.1 as f32, *radius as f32);
                self.fill(circle, *fill, 1.0);
            }
            Mark::Text { at, text, style } => self.text(*at, text, *style),
            Mark::OpenClip(frame) => self.clip = Some(self.mask(*frame)?),
            Mark::CloseClip => self.clip = None,
        }
        Ok(())
    }

    fn mask(&self, frame: Rect) -> Result<Mask, Error> {
        let (columns, rows) = (self.pixmap.width(), self.pixmap.height());
        let mut mask = Mask::new(columns, rows).ok_or_else(|| raster("no mask of that size"))?;
        if let Some(path) = polygon(&frame.corners()) {
            mask.fill_path(&path, FillRule::Winding, true, self.transform);
        }
        Ok(mask)
    }

    fn fill(&mut self, path: Option<Path>, colour: Rgb, opacity: f64) {
        if let Some(path) = path {
            let paint = paint(colour, opacity);
            self.pixmap.fill_path(&path, &paint, FillRule::Winding, self.transform, self.clip.as_ref());
        }
    }

    fn stroke(&mut self, points: &[(f64, f64)], stroke: Stroke) {
        if let Some(path) = through(points).finish() {
            let pen = Pen {
                width: stroke.width as f32,
                line_join: LineJoin::Round,
                dash: StrokeDash::new(stroke.dash.to_vec(), 0.0),
                ..Pen::default()
            };
            let paint = paint(stroke.colour, 1.0);
            self.pixmap.stroke_path(&path, &paint, &pen, self.transform, self.clip.as_ref());
        }
    }

    fn text(&mut self, at: (f64, f64), text: &str, style: TextStyle) {
        let mut outline = PathBuilder::new();
        for segment in lettering::outline(at, text, style) {
            match segment {
                Segment::Move((x, y)) => outline.move_to(x as f32, y as f32),
                Segment::Line((x, y)) => outline.line_to(x as f32, y as f32),
                Segment::Quadratic((cx, cy), (x, y)) => {
                    outline.quad_to(cx as f32, cy as f32, x as f32, y as f32);
                }
                Segment::Close => outline.close(),
            }
        }
        self.fill(outline.finish(), style.fill, 1.0);
    }
}

fn paint(colour: Rgb, opacity: f64) -> Paint<'static> {
    let mut paint = Paint { anti_alias: true, ..Paint::default() };
    let [r, g, b] = colour.0;
    paint.set_color_rgba8(r, g, b, (opacity.clamp(0.0, 1.0) * 255.0).round() as u8);
    paint
}

fn through(points: &[(f64, f64)]) -> PathBuilder {
    let mut path = PathBuilder::new();
    for (i, &(x, y)) in points.iter().enumerate() {
        let (x, y) = (x as f32, y as f32);
        if i == 0 { path.move_to(x, y) } else { path.line_to(x, y) }
    }
    path
}

fn polygon(points: &[(f64, f64)]) -> Option<Path> {
    let mut path = through(points);
    path.close();
    path.finish()
}
