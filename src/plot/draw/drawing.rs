//! A figure as a list of marks, which `svg` writes as text and `raster` paints as pixels.

use super::colour::Rgb;

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

    /// The rectangle with every side moved outwards by `by`.
    pub(super) fn grown(&self, by: f64) -> Self {
        let twice = 2.0 * by;
        Self { x: self.x - by, y: self.y - by, w: self.w + twice, h: self.h + twice }
    }

    /// The corners, clockwise from the upper left.
    pub(super) fn corners(&self) -> Vec<(f64, f64)> {
        let (left, top, right, bottom) = (self.x, self.y, self.right(), self.bottom());
        vec![(left, top), (right, top), (right, bottom), (left, bottom)]
    }
}

/// Which point of a text lies at its position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// The style of a text.
#[derive(Debug, Clone, Copy)]
pub(super) struct TextStyle {
    pub(super) size: f64,
    pub(super) anchor: Anchor,
    pub(super) fill: Rgb,
    /// Whether the text is turned a quarter to the left, as for the label of a vertical axis.
    pub(super) upwards: bool,
}

impl TextStyle {
    pub(super) fn new(size: f64, anchor: Anchor, fill: Rgb) -> Self {
        Self { size, anchor, fill, upwards: false }
    }
}

/// The style of a line.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stroke {
    pub(super) colour: Rgb,
    pub(super) width: f64,
    /// Alternating lengths of dashes and gaps; empty for an unbroken line.
    pub(super) dash: &'static [f32],
}

/// One drawn element.
#[derive(Debug, Clone)]
pub(super) enum Mark {
    /// A line through points.
    Curve { points: Vec<(f64, f64)>, stroke: Stroke },
    /// A straight line.
    Line { from: (f64, f64), to: (f64, f64), stroke: Stroke },
    /// A filled polygon.
    Area { points: Vec<(f64, f64)>, fill: Rgb, opacity: f64 },
    /// A filled rectangle.
    Rectangle { rect: Rect, fill: Rgb },
    /// A filled circle.
    Dot { centre: (f64, f64), radius: f64, fill: Rgb },
    /// A line of text with its baseline at `at`.
    Text { at: (f64, f64), text: String, style: TextStyle },
    /// Starts a clip: the following marks are cut off outside the rectangle.
    OpenClip(Rect),
    /// Ends the most recent clip.
    CloseClip,
}

/// The marks of a figure, from bottom to top.
#[derive(Debug)]
pub(super) struct Drawing {
    pub(super) marks: Vec<Mark>,
    /// The background colour.
    pub(super) paper: Rgb,
}

impl Default for Drawing {
    fn default() -> Self {
        Self { marks: Vec::new(), paper: Rgb::WHITE }
    }
}

impl Drawing {
    /// Converts the drawing for dark paper.
    pub(super) fn on_dark(mut self) -> Self {
        self.paper = self.paper.on_dark(true);
        for mark in &mut self.marks {
            match mark {
                Mark::Line { stroke, .. } | Mark::Curve { stroke, .. } => {
                    stroke.colour = stroke.colour.on_dark(false);
                }
                Mark::Area { fill, .. } | Mark::Dot { fill, .. } => *fill = fill.on_dark(false),
                Mark::Rectangle { fill, .. } => *fill = fill.on_dark(true),
                Mark::Text { style, .. } => style.fill = style.fill.on_dark(false),
                Mark::OpenClip(_) | Mark::CloseClip => {}
            }
        }
        self
    }

    pub(super) fn line(&mut self, from: (f64, f64), to: (f64, f64), stroke: Stroke) {
        self.marks.push(Mark::Line { from, to, stroke });
    }

    pub(super) fn curve(&mut self, points: Vec<(f64, f64)>, stroke: Stroke) {
        self.marks.push(Mark::Curve { points, stroke });
    }

    pub(super) fn area(&mut self, points: Vec<(f64, f64)>, fill: Rgb, opacity: f64) {
        self.marks.push(Mark::Area { points, fill, opacity });
    }

    pub(super) fn rectangle(&mut self, rect: Rect, fill: Rgb) {
        self.marks.push(Mark::Rectangle { rect, fill });
    }

    pub(super) fn dot(&mut self, centre: (f64, f64), radius: f64, fill: Rgb) {
        self.marks.push(Mark::Dot { centre, radius, fill });
    }

    /// Returns all its texts, line by line.
    pub(super) fn texts(&self) -> impl Iterator<Item = &str> {
        self.marks.iter().filter_map(|mark| match mark {
            Mark::Text { text, .. } => Some(text.as_str()),
            _ => None,
        })
    }

    pub(super) fn text(&mut self, at: (f64, f64), text: &str, style: TextStyle) {
        self.marks.push(Mark::Text { at, text: text.to_owned(), style });
    }

    /// Adds lines of text, the first baseline at `at`.
    pub(super) fn lines(&mut self, at: (f64, f64), lines: &[String], leading: f64, style: TextStyle) {
        for (i, line) in lines.iter().enumerate() {
            let down = i as f64 * leading;
            let at = if style.upwards { (at.0 + down, at.1) } else { (at.0, at.1 + down) };
            self.text(at, line, style);
        }
    }

    /// Clips everything up to [`Drawing::close_clip`] to `frame`.
    pub(super) fn open_clip(&mut self, frame: Rect) {
        self.marks.push(Mark::OpenClip(frame));
    }

    pub(super) fn close_clip(&mut self) {
        self.marks.push(Mark::CloseClip);
    }
}
