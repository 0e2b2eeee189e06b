//! The figure that a caller builds.

use super::caption;
use super::curves;
use super::model::Panel;
use super::undrawn;
use crate::Error;

/// Where a figure's legends go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LegendPlace {
    /// To the right of their frames; the legend of a heat map is always there.
    #[default]
    Right,
    /// Below their frames.
    Below,
    /// Inside their frames, in a corner where they hide no curve; if some legend has no such corner, all go below.
    Inside,
}

/// The background of a figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Theme {
    /// White.
    #[default]
    Light,
    /// Nearly black; light and dark are exchanged, hues are kept.
    Dark,
}

/// Panels laid out in a grid, with a caption.
///
/// Several panels are lettered (a), (b), … Panels share one legend if their legends are equal,
/// apart from theories (in black) that some lack; otherwise each has its own. `Display` writes the SVG.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Figure {
    /// The text above everything.
    pub title: Option<String>,
    /// The panels, row by row.
    pub panels: Vec<Panel>,
    /// The text below the panels, wrapped to the figure's width; a line feed starts a
    /// new line. May be empty. If a logarithmic axis cannot show some values, or a frame cuts off a band, and the text
    /// does not say so, a sentence about it is appended in the picture.
    pub caption: String,
    /// Width in SVG pixels; `None` chooses by the number of columns (720 for
    /// one). It is kept between 240 and 4000, and a figure too narrow for its
    /// panels is widened.
    pub width_px: Option<f64>,
    /// Width on paper in millimetres, in place of [`Figure::width_px`]. Text is then 7 to 9 points high, the SVG's
    /// size is stated in millimetres, and no more panels stand side by side than fit. Kept between 57 and 940, and wider if a
    /// panel and its legend need it ([`Figure::drawn_width_mm`]).
    pub width_mm: Option<f64>,
    /// Where the legends go.
    pub legend: LegendPlace,
    /// Whether to leave the caption out of the picture: [`Figure::caption_text`] and [`Figure::caption_tex`] return it,
    /// and [`Figure::save`] writes both next to the picture.
    pub caption_apart: bool,
    /// The background.
    pub theme: Theme,
    /// Why there is nothing to draw: what was requested but is missing. The picture states the reason, and
    /// [`Figure::check`] returns it as an error, as do all ways to save the figure.
    pub undrawn: Option<Error>,
    /// Panels per row; `None` chooses by their number.
    pub columns: Option<usize>,
    /// Ratio of height to width of a plotting area; 0.72 if `None`. The height is kept between 150 and 430 pixels, and
    /// is raised a little if a legend needs it.
    pub aspect: Option<f64>,
}

impl Figure {
    /// A figure without panels.
    #[must_use]
    pub fn new(caption: impl Into<String>) -> Self {
        Self { caption: caption.into(), ..Self::default() }
    }

    /// Creates a placeholder for a figure that cannot be drawn; it states the reason.
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

    /// Returns the figure, if it can be drawn completely.
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
    /// use double_descent::plot::{PanelAxis, Figure, Group, Hue, LegendPlace, Panel, Series};
    ///
    /// let line = Series::new("", vec![1.0, 2.0, 3.0], vec![1.0, 9.0, 2.0]);
    /// let panel = Panel::new(PanelAxis::linear("p"), PanelAxis::linear("Test error"))
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

    /// The same figure with its legends at `place`.
    #[must_use]
    pub fn with_legend(mut self, place: LegendPlace) -> Self {
        self.legend = place;
        self
    }

    /// The same figure with the caption left out of the picture.
    #[must_use]
    pub fn with_caption_apart(mut self) -> Self {
        self.caption_apart = true;
        self
    }

    /// The same figure on the given background.
    #[must_use]
    pub fn with_theme(mut self, theme: Theme) -> Self {
        self.theme = theme;
        self
    }

    /// Returns the complete caption, including the sentences on values that a logarithmic axis cannot show and on bands
    /// that a frame cuts off.
    #[must_use]
    pub fn caption_text(&self) -> String {
        let text = undrawn::with_note(&self.caption, curves::cut_bands(&self.panels).map(str::to_owned));
        undrawn::with_note(&text, undrawn::note(&self.panels)).into_owned()
    }

    /// Returns the complete caption for LaTeX: formulas in mathematics mode, special characters escaped. Letters with
    /// accents, and other scripts, stay as they are (UTF-8).
    #[must_use]
    pub fn caption_tex(&self) -> String {
        caption::tex(&self.caption_text())
    }

    /// Checks that every panel can be drawn completely.
    ///
    /// # Errors
    /// The reason why the figure is not drawn ([`Figure::undrawn`]); [`Error::Shape`] if the abscissae, ordinates and
    /// band edges of a series differ in number, or if the values of a heat map do not fit its axes; [`Error::Domain`]
    /// if an axis of a heat map does not ascend, or has a value that its scale cannot show; [`Error::Empty`] for a heat
    /// map without cells.
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

    /// The same figure with plotting areas whose height is `aspect` times their width.
    #[must_use]
    pub fn with_aspect(mut self, aspect: f64) -> Self {
        self.aspect = Some(aspect);
        self
    }
}
