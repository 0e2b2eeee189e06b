//! Output formats of a figure.

use super::colour::Rgb;
use super::curves;
use super::draw_axes::{draw_axes, draw_grid};
use super::drawing::{Anchor, Drawing, TextStyle};
use super::figure::{Figure, Theme};
use super::font;
use super::heat;
use super::layout::{self, PlacedPanel, Plan};
use super::size::Size;
use super::spacing::{CAPTION, CAPTION_LEADING, HEAD, MARGIN, TEXT, TEXT_LEADING};
#[cfg(feature = "plot")]
use super::{pdf, raster, size::PIXELS_PER_INCH};
use super::{svg, unseen};
use crate::{Error, machine::whole_file};
use std::collections::BTreeSet;
use std::fmt;
use std::io::Write;
use std::path::Path;

/// Pixels of a saved PNG per pixel of the SVG: about 300 dots per inch when the figure is printed at page width.
#[cfg(feature = "plot")]
const SAVED_SCALE: f64 = 3.0;

/// Dots per inch of a saved PNG whose size on paper is known.
#[cfg(feature = "plot")]
const SAVED_DENSITY: f64 = 300.0;

impl Figure {
    /// Returns the figure as a self-contained SVG document. A panel that cannot be drawn completely ([`Figure::check`])
    /// becomes a frame with the reason in it.
    #[must_use]
    pub fn to_svg(&self) -> String {
        let (drawing, size) = self.drawing();
        let name = self.title.as_deref().unwrap_or(&self.caption);
        svg::write(&drawing, size, name)
    }

    /// Returns the height on paper in millimetres; `None` for a figure without [`Figure::width_mm`].
    ///
    /// # Examples
    /// ```
    /// use double_descent::plot::Figure;
    ///
    /// let figure = Figure::new("A caption.");
    /// assert_eq!(figure.height_mm(), None);
    /// let printed = figure.with_width_mm(88.0);
    /// assert!(printed.height_mm().is_some_and(|height| height > 0.0 && height < 240.0));
    /// ```
    #[must_use]
    pub fn height_mm(&self) -> Option<f64> {
        layout::plan(&unseen::marked(self)).size.height_mm()
    }

    /// Returns the width on paper in millimetres: that of [`Figure::width_mm`], or a larger one if a panel and its legend
    /// need it; `None` for a figure without [`Figure::width_mm`].
    ///
    /// # Examples
    /// ```
    /// use double_descent::plot::{Figure, Panel};
    ///
    /// let figure = Figure::new("A caption.").with_panel(Panel::default());
    /// assert_eq!(figure.drawn_width_mm(), None);
    /// let width = figure.with_width_mm(88.0).drawn_width_mm().unwrap_or(0.0);
    /// assert!((width - 88.0).abs() < 1e-9);
    /// ```
    #[must_use]
    pub fn drawn_width_mm(&self) -> Option<f64> {
        layout::plan(&unseen::marked(self)).size.width_mm()
    }

    /// Returns the characters of the figure's texts that the embedded font lacks, in ascending order. A PNG or PDF shows
    /// `�` in place of each; an SVG has them as text, which its viewer draws. The font has the letters of most European
    /// languages, Greek and Cyrillic among them, and mathematical signs.
    ///
    /// # Examples
    /// ```
    /// use double_descent::plot::Figure;
    ///
    /// assert_eq!(Figure::new("Größe, płaca, дата: XᵀX").missing_letters(), []);
    /// assert_eq!(Figure::new("年齢 (age)").missing_letters(), ['年', '齢']);
    /// ```
    #[must_use]
    pub fn missing_letters(&self) -> Vec<char> {
        let (drawing, _) = self.drawing();
        drawing
            .texts()
            .flat_map(str::chars)
            .filter(|c| !font::has(*c))
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect()
    }

    /// Returns the figure as a PNG with `scale` pixels per SVG pixel, which is 1/96 inch. It has the same marks, with
    /// text in the embedded font. The file states its dots per inch.
    ///
    /// # Errors
    ///
    /// Those of [`Figure::check`]; [`Error::Domain`] if `scale` is not a positive number, [`Error::Resource`] if the
    /// image would have more than 10⁸ pixels.
    #[cfg(feature = "plot")]
    pub fn to_png(&self, scale: f64) -> Result<Vec<u8>, Error> {
        self.check()?;
        let (drawing, size) = self.drawing();
        raster::png(&drawing, size, scale)
    }

    /// Returns the figure as a one-page PDF: vectors throughout, letters as outlines. A pixel of the SVG is
    /// 1/96 inch.
    ///
    /// # Errors
    ///
    /// Those of [`Figure::check`]; [`Error::Resource`] if its content cannot be compressed.
    #[cfg(feature = "plot")]
    pub fn to_pdf(&self) -> Result<Vec<u8>, Error> {
        self.check()?;
        let (drawing, size) = self.drawing();
        pdf::write(&drawing, size)
    }

    /// Writes the figure to `path` as SVG, PDF or PNG, depending on the extension `.svg`, `.pdf` or `.png`. A PNG has
    /// three pixels per SVG pixel, or 300 dots per inch if the width on paper is set. With
    /// [`Figure::caption_apart`] the caption is written to `.txt` and `.tex` files of the same name.
    ///
    /// # Errors
    ///
    /// Before anything is written, those of [`Figure::check`] and [`Error::UnknownName`] for any other extension;
    /// [`Error::Io`] if a file cannot be written; [`Error::Resource`] if the figure is too large for a PNG;
    /// [`Error::Unsupported`] for PNG and PDF without the feature `plot`.
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

    fn drawing(&self) -> (Drawing, Size) {
        let figure = unseen::marked(self);
        let plan = layout::plan(&figure);
        (figure.draw(&plan), plan.size)
    }

    fn draw(&self, plan: &Plan) -> Drawing {
        let mut drawing = Drawing::default();
        let head = TextStyle::new(HEAD, Anchor::Start, Rgb::BLACK);
        drawing.lines((MARGIN, MARGIN + 12.0), &plan.title, 20.0, head);
        for cell in &plan.cells {
            if cell.panel.heat.is_none() {
                draw_grid(&mut drawing, cell);
            }
            match cell.panel.check() {
                Ok(()) => {
                    heat::draw(&mut drawing, cell.panel, &cell.frame);
                    curves::draw(&mut drawing, cell.panel, &cell.frame, &cell.bands);
                }
                Err(error) => draw_reason(&mut drawing, cell, &error),
            }
            draw_axes(&mut drawing, cell);
            let title = TextStyle::new(TEXT, Anchor::Start, Rgb::BLACK);
            let at = (cell.frame.area.x, cell.title.1 + 11.0);
            drawing.lines(at, &cell.title.0, TEXT_LEADING, title);
        }
        let own = plan.cells.iter().filter_map(|cell| cell.legend.as_ref());
        for ground in plan.grounds() {
            drawing.area(ground.corners(), Rgb::WHITE, GROUND);
        }
        for (legend, at) in own.chain(&plan.shared) {
            legend.draw(&mut drawing, *at);
        }
        let caption = TextStyle::new(CAPTION, Anchor::Start, Rgb::grey(0x33));
        let at = (MARGIN, plan.caption.1 + 10.0);
        drawing.lines(at, &plan.caption.0, CAPTION_LEADING, caption);
        match self.theme {
            Theme::Light => drawing,
            Theme::Dark => drawing.on_dark(),
        }
    }
}

/// Opacity of the background of a legend inside a frame.
const GROUND: f64 = 0.85;

/// Writes the error in the frame of a panel that cannot be drawn completely.
fn draw_reason(drawing: &mut Drawing, cell: &PlacedPanel, error: &Error) {
    let area = cell.frame.area;
    let style = TextStyle::new(TEXT, Anchor::Start, Rgb::BLACK);
    let lines = font::wrap_at_most(&format!("Not drawn: {error}."), TEXT, area.w - 20.0, 8);
    drawing.lines((area.x + 10.0, area.y + 24.0), &lines, TEXT_LEADING, style);
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_svg())
    }
}
