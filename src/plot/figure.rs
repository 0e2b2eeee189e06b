//! The figure: what the user builds, and the ways it leaves memory.

use crate::{Error, machine::whole_file};
use std::fmt;
use std::io::Write;
use std::path::Path;

use super::axes;
use super::caption;
use super::colour::Rgb;
use super::curves;
use super::drawing::{Anchor, Drawing, TextStyle};
use super::font;
use super::heat;
use super::layout::{self, Plan};
use super::model::Panel;
#[cfg(feature = "plot")]
use super::{pdf, raster, size::PIXELS_PER_INCH};
use super::svg;
use super::undrawn;

/// Pixels of a saved PNG per pixel of the SVG: 300 dots per inch or so when
/// the figure is printed at the width of a page.
#[cfg(feature = "plot")]
const SAVED_SCALE: f64 = 3.0;

/// Dots per inch of a saved PNG whose size on paper is known.
#[cfg(feature = "plot")]
const SAVED_DENSITY: f64 = 300.0;

/// Where legends stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LegendPlace {
    /// Right of their frames. That of a heat map always is.
    #[default]
    Right,
    /// Below their frames.
    Below,
    /// In their frames, in the corner where they hide least of the curves.
    Inside,
}

/// The paper a figure lies on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Theme {
    /// White.
    #[default]
    Light,
    /// Nearly black; light and dark are exchanged, hues kept.
    Dark,
}

/// Panels laid out in a grid, with a caption.
///
/// Several panels are lettered (a), (b), … Panels whose legends are equal, but
/// for theories (in black) that some lack, share one; otherwise each has its own. `Display` writes the SVG.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Figure {
    /// The text above everything.
    pub title: Option<String>,
    /// The panels, row by row.
    pub panels: Vec<Panel>,
    /// The text below, wrapped to the figure's width; a line feed starts a
    /// new line. May be empty. Where a logarithmic axis has no place for some
    /// values and the text does not say so, a sentence that does is set after it.
    pub caption: String,
    /// Width in SVG pixels; `None` chooses by the number of columns (720 for
    /// one). It is kept between 240 and 4000, and a figure too narrow for its
    /// panels is widened.
    pub width_px: Option<f64>,
    /// Width on paper in millimetres, in place of [`Figure::width_px`]: text is 7 and 8 points high then, the SVG's
    /// extent is stated in millimetres, and no more panels stand side by side than fit. Kept between 57 and 940.
    pub width_mm: Option<f64>,
    /// Where legends stand.
    pub legend: LegendPlace,
    /// Whether the caption is left out of the picture: [`Figure::caption_text`] and [`Figure::caption_tex`] have it,
    /// and [`Figure::save`] writes both beside the picture.
    pub caption_apart: bool,
    /// The paper.
    pub theme: Theme,
    /// Why there is nothing to draw: what was asked for and is not there. The picture says it in words, and
    /// [`Figure::check`] fails with it, as do all ways to save the figure.
    pub undrawn: Option<Error>,
    /// Panels per row; `None` chooses by their number.
    pub columns: Option<usize>,
    /// Height of a plotting area over its width, 0.72 if `None`. The height
    /// is kept between 150 and 430 pixels, and is raised a little where a
    /// legend needs it.
    pub aspect: Option<f64>,
}

impl Figure {
    /// A figure without panels.
    #[must_use]
    pub fn new(caption: impl Into<String>) -> Self {
        Self { caption: caption.into(), ..Self::default() }
    }

    /// In place of a figure that cannot be drawn: it says why.
    ///
    /// # Examples
    /// ```
    /// use double_descent::{Error, plot::Figure};
    ///
    /// let figure = Figure::not_drawn(Error::Empty { what: "the curve" });
    /// assert!(figure.to_svg().contains("Not drawn: the curve"));
    /// assert!(figure.check().is_err() && figure.save("none.svg").is_err());
    /// ```
    #[must_use]
    pub fn not_drawn(error: Error) -> Self {
        Self { caption: format!("Not drawn: {error}."), undrawn: Some(error), ..Self::default() }
    }

    /// The figure, if it can be drawn whole.
    ///
    /// # Errors
    /// Those of [`Figure::check`].
    pub fn drawn(self) -> Result<Self, Error> {
        self.check().map(|()| self)
    }

    /// The same figure with one more panel.
    #[must_use]
    pub fn with_panel(mut self, panel: Panel) -> Self {
        self.panels.push(panel);
        self
    }

    /// The same figure with a title.
    #[must_use]
    pub fn with_title(mut self, title: impl Into<String>) -> Self {
        self.title = Some(title.into());
        self
    }

    /// The same figure, `width_px` wide.
    #[must_use]
    pub fn with_width(mut self, width_px: f64) -> Self {
        self.width_px = Some(width_px);
        self
    }

    /// The same figure, `width_mm` wide on paper.
    ///
    /// # Examples
    /// ```
    /// use double_descent::plot::{Axis, Figure, Group, Hue, LegendPlace, Panel, Series};
    ///
    /// let line = Series::new("", vec![1.0, 2.0, 3.0], vec![1.0, 9.0, 2.0]);
    /// let panel = Panel::new(Axis::linear("p"), Axis::linear("Test error"))
    ///     .with_group(Group::new("Measured", Hue::Vermillion).with_series(line));
    /// let figure = Figure::new("The peak.")
    ///     .with_panel(panel)
    ///     .with_width_mm(88.0) // a column of a paper
    ///     .with_legend(LegendPlace::Inside)
    ///     .with_caption_apart();
    /// assert!(figure.to_svg().contains("width=\"88mm\""));
    /// assert_eq!(figure.caption_tex(), "The peak.");
    /// ```
    #[must_use]
    pub fn with_width_mm(mut self, width_mm: f64) -> Self {
        self.width_mm = Some(width_mm);
        self
    }

    /// The same figure with its legends elsewhere.
    #[must_use]
    pub fn with_legend(mut self, place: LegendPlace) -> Self {
        self.legend = place;
        self
    }

    /// The same figure without its caption in the picture.
    #[must_use]
    pub fn with_caption_apart(mut self) -> Self {
        self.caption_apart = true;
        self
    }

    /// The same figure on other paper.
    #[must_use]
    pub fn with_theme(mut self, theme: Theme) -> Self {
        self.theme = theme;
        self
    }

    /// The caption in full: with the sentence on values that have no place on a logarithmic axis.
    #[must_use]
    pub fn caption_text(&self) -> String {
        undrawn::caption(&self.caption, &self.panels).into_owned()
    }

    /// The same for LaTeX, in ASCII: formulas in mathematics mode, special characters escaped.
    #[must_use]
    pub fn caption_tex(&self) -> String {
        caption::tex(&self.caption_text())
    }

    /// Whether every panel can be drawn whole.
    ///
    /// # Errors
    /// Whatever keeps the figure from being drawn ([`Figure::undrawn`]);
    /// [`Error::Shape`] for a series whose abscissae, ordinates and edges of a band are not equally many, and for a heat
    /// map whose values do not fit its axes; [`Error::Domain`] for a heat map's axis that does not ascend, or has a
    /// value that its scale has no place for; [`Error::Empty`] for a heat map without cells.
    pub fn check(&self) -> Result<(), Error> {
        self.undrawn.clone().map_or(Ok(()), Err)?;
        self.panels.iter().try_for_each(Panel::check)
    }

    /// The same figure with `columns` panels per row.
    #[must_use]
    pub fn with_columns(mut self, columns: usize) -> Self {
        self.columns = Some(columns);
        self
    }

    /// The same figure with plotting areas `aspect` times as high as wide.
    #[must_use]
    pub fn with_aspect(mut self, aspect: f64) -> Self {
        self.aspect = Some(aspect);
        self
    }

    /// The figure as a self-contained SVG document. A panel that cannot be drawn whole ([`Figure::check`]) is a frame
    /// with the reason in it.
    #[must_use]
    pub fn to_svg(&self) -> String {
        let plan = layout::plan(self);
        let name = self.title.as_deref().unwrap_or(&self.caption);
        svg::write(&self.draw(&plan), plan.size, name)
    }

    /// The figure as a PNG, `scale` pixels per pixel of the SVG, which is 1/96 inch: the same marks, set in
    /// the embedded font. The file states its dots per inch.
    ///
    /// # Errors
    ///
    /// Those of [`Figure::check`]; [`Error::Domain`] if `scale` is not a positive number, [`Error::Resource`] if it asks for more
    /// than 10⁸ pixels.
    #[cfg(feature = "plot")]
    pub fn to_png(&self, scale: f64) -> Result<Vec<u8>, Error> {
        self.check()?;
        let plan = layout::plan(self);
        raster::png(&self.draw(&plan), plan.size, scale)
    }

    /// The figure as a PDF of one page: vectors throughout, letters as outlines. A pixel of the SVG is
    /// 1/96 inch.
    ///
    /// # Errors
    ///
    /// Those of [`Figure::check`]; [`Error::Resource`] if its content cannot be packed.
    #[cfg(feature = "plot")]
    pub fn to_pdf(&self) -> Result<Vec<u8>, Error> {
        self.check()?;
        let plan = layout::plan(self);
        pdf::write(&self.draw(&plan), plan.size)
    }

    /// Writes the figure to `path`: SVG if the name ends in `.svg`, PDF if it ends in `.pdf`, PNG if it ends in `.png`: at
    /// three pixels per SVG pixel, or at 300 dots per inch where the width on paper is known. With
    /// [`Figure::caption_apart`] the caption goes into files `.txt` and `.tex` of the same name.
    ///
    /// # Errors
    ///
    /// Those of [`Figure::check`]; [`Error::UnknownName`] for any other name; both before anything is written; [`Error::Io`] if the
    /// file cannot be written; [`Error::Resource`] if the figure is too large for a PNG; [`Error::Unsupported`] for PNG and PDF without the
    /// feature `plot`.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        let path = path.as_ref();
        self.check()?;
        let extension = path.extension().and_then(|e| e.to_str()).map(str::to_ascii_lowercase);
        let bytes = match extension.as_deref() {
            Some("svg") => self.to_svg().into_bytes(),
            #[cfg(feature = "plot")]
            Some("png") if self.width_mm.is_some() => self.to_png(SAVED_DENSITY / PIXELS_PER_INCH)?,
            #[cfg(feature = "plot")]
            Some("png") => self.to_png(SAVED_SCALE)?,
            #[cfg(feature = "plot")]
            Some("pdf") => self.to_pdf()?,
            #[cfg(not(feature = "plot"))]
            Some("png" | "pdf") => {
                let reason = "PNG and PDF need the crate's feature `plot`; this build draws SVG alone";
                return Err(Error::Unsupported { reason: reason.into() });
            }
            _ => {
                return Err(Error::UnknownName {
                    what: "figure file",
                    name: path.display().to_string(),
                    choices: ["svg", "png", "pdf"].map(|ending| format!("a name in .{ending}")).to_vec(),
                });
            }
        };
        whole_file::write(path, |file| file.write_all(&bytes))?;
        if !self.caption_apart {
            return Ok(());
        }
        for (extension, text) in [("txt", self.caption_text()), ("tex", self.caption_tex())] {
            whole_file::write(&path.with_extension(extension), |file| writeln!(file, "{text}"))?;
        }
        Ok(())
    }

    fn draw(&self, plan: &Plan) -> Drawing {
        let mut drawing = Drawing::default();
        let head = TextStyle::new(layout::HEAD, Anchor::Start, Rgb::BLACK);
        drawing.lines((layout::MARGIN, layout::MARGIN + 12.0), &plan.title, 20.0, head);
        for cell in &plan.cells {
            if cell.panel.heat.is_none() {
                axes::draw_grid(&mut drawing, cell);
            }
            match cell.panel.check() {
                Ok(()) => {
                    heat::draw(&mut drawing, cell.panel, &cell.frame);
                    curves::draw(&mut drawing, cell.panel, &cell.frame, &cell.bands);
                }
                Err(error) => draw_reason(&mut drawing, cell, &error),
            }
            axes::draw_axes(&mut drawing, cell);
            let title = TextStyle::new(layout::TEXT, Anchor::Start, Rgb::BLACK);
            let at = (cell.frame.area.x, cell.title.1 + 11.0);
            drawing.lines(at, &cell.title.0, layout::TEXT_LEADING, title);
        }
        let own = plan.cells.iter().filter_map(|cell| cell.legend.as_ref());
        for ground in plan.grounds() {
            drawing.area(ground.corners(), Rgb::WHITE, GROUND);
        }
        for (legend, at) in own.chain(&plan.shared) {
            legend.draw(&mut drawing, *at);
        }
        let caption = TextStyle::new(layout::CAPTION, Anchor::Start, Rgb::grey(0x33));
        let at = (layout::MARGIN, plan.caption.1 + 10.0);
        drawing.lines(at, &plan.caption.0, layout::CAPTION_LEADING, caption);
        match self.theme {
            Theme::Light => drawing,
            Theme::Dark => drawing.on_dark(),
        }
    }
}

/// Opacity of the ground of a legend inside a frame.
const GROUND: f64 = 0.85;

/// In place of a picture that would not be whole.
fn draw_reason(drawing: &mut Drawing, cell: &layout::Cell, error: &Error) {
    let area = cell.frame.area;
    let style = TextStyle::new(layout::TEXT, Anchor::Start, Rgb::BLACK);
    let lines = font::wrap_at_most(&format!("Not drawn: {error}."), layout::TEXT, area.w - 20.0, 8);
    drawing.lines((area.x + 10.0, area.y + 24.0), &lines, layout::TEXT_LEADING, style);
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_svg())
    }
}
