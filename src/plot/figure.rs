//! The figure: what the user builds, and the ways it leaves memory.

use crate::{Error, whole_file};
use std::fmt;
use std::io::Write;
use std::path::Path;

use super::axes;
use super::colour::Rgb;
use super::curves;
use super::drawing::{Anchor, Drawing, TextStyle};
use super::heat;
use super::layout::{self, Plan};
use super::model::Panel;
use super::pdf;
use super::raster;
use super::svg;

/// Pixels of a saved PNG per pixel of the SVG: 300 dots per inch or so when
/// the figure is printed at the width of a page.
const SAVED_SCALE: f64 = 3.0;

/// Panels laid out in a grid, with a caption.
///
/// Several panels are lettered (a), (b), … Panels whose legends are equal
/// share one; otherwise each has its own. `Display` writes the SVG.
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

    /// The figure as a self-contained SVG document.
    #[must_use]
    pub fn to_svg(&self) -> String {
        let plan = layout::plan(self);
        let name = self.title.as_deref().unwrap_or(&self.caption);
        svg::write(&Self::draw(&plan), plan.width, plan.height, name)
    }

    /// The figure as a PNG, `scale` pixels per pixel of the SVG: the same marks, set in
    /// the embedded font.
    ///
    /// # Errors
    ///
    /// [`Error::Domain`] if `scale` is not a positive number, [`Error::Resource`] if it asks for more
    /// than 10⁸ pixels.
    pub fn to_png(&self, scale: f64) -> Result<Vec<u8>, Error> {
        let plan = layout::plan(self);
        raster::png(&Self::draw(&plan), plan.width, plan.height, scale)
    }

    /// The figure as a PDF of one page: vectors throughout, letters as outlines. A pixel of the SVG is
    /// 1/96 inch.
    ///
    /// # Errors
    ///
    /// [`Error::Resource`] if its content cannot be packed.
    pub fn to_pdf(&self) -> Result<Vec<u8>, Error> {
        let plan = layout::plan(self);
        pdf::write(&Self::draw(&plan), plan.width, plan.height)
    }

    /// Writes the figure to `path`: SVG if the name ends in `.svg`, PDF if it ends in `.pdf`, PNG at
    /// three pixels per SVG pixel if it ends in `.png`.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownName`] for any other name, before anything is written; [`Error::Io`] if the
    /// file cannot be written; [`Error::Resource`] if the figure is too large for a PNG.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        let path = path.as_ref();
        let extension = path.extension().and_then(|e| e.to_str()).map(str::to_ascii_lowercase);
        let bytes = match extension.as_deref() {
            Some("svg") => self.to_svg().into_bytes(),
            Some("png") => self.to_png(SAVED_SCALE)?,
            Some("pdf") => self.to_pdf()?,
            _ => {
                return Err(Error::UnknownName {
                    what: "figure file",
                    name: path.display().to_string(),
                    choices: ["svg", "png", "pdf"].map(|ending| format!("a name in .{ending}")).to_vec(),
                });
            }
        };
        whole_file::write(path, |file| file.write_all(&bytes))
    }

    /// Prints the figure for a notebook with the evcxr kernel, which calls
    /// this method on the last value of a cell.
    pub fn evcxr_display(&self) {
        println!("EVCXR_BEGIN_CONTENT text/html\n{self}\nEVCXR_END_CONTENT");
    }

    fn draw(plan: &Plan) -> Drawing {
        let mut drawing = Drawing::default();
        let head = TextStyle::new(layout::HEAD, Anchor::Start, Rgb::BLACK);
        drawing.lines((layout::MARGIN, layout::MARGIN + 12.0), &plan.title, 20.0, head);
        for cell in &plan.cells {
            if cell.panel.heat.is_none() {
                axes::draw_grid(&mut drawing, cell);
            }
            heat::draw(&mut drawing, cell.panel, &cell.frame);
            curves::draw(&mut drawing, cell.panel, &cell.frame, &cell.bands);
            axes::draw_axes(&mut drawing, cell);
            let title = TextStyle::new(layout::TEXT, Anchor::Start, Rgb::BLACK);
            let at = (cell.frame.area.x, cell.title.1 + 11.0);
            drawing.lines(at, &cell.title.0, layout::TEXT_LEADING, title);
        }
        let own = plan.cells.iter().filter_map(|cell| cell.legend.as_ref());
        for (legend, at) in own.chain(&plan.shared) {
            legend.draw(&mut drawing, *at);
        }
        let caption = TextStyle::new(layout::CAPTION, Anchor::Start, Rgb::grey(0x33));
        let at = (layout::MARGIN, plan.caption.1 + 10.0);
        drawing.lines(at, &plan.caption.0, layout::CAPTION_LEADING, caption);
        drawing
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_svg())
    }
}
