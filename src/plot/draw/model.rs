//! The contents of a panel: axes, groups of series, thresholds.

use super::colour::Hue;

/// How data values map to positions along an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scale {
    /// Equal differences take equal lengths.
    #[default]
    Linear,
    /// Equal ratios take equal lengths; only positive values are drawn.
    Log10,
    /// Equal differences of the signed fourth root take equal lengths: small values have room, as on a
    /// logarithmic axis, and 0 can be shown.
    Root,
}

impl Scale {
    /// Returns whether an axis of this scale can show a value.
    pub(crate) fn shows(self, value: f64) -> bool {
        value.is_finite() && (value > 0.0 || self != Self::Log10)
    }
}

/// One axis of a panel.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PanelAxis {
    /// The text next to the axis; may contain Unicode, e.g. `λ`, `10⁻³`.
    pub label: String,
    /// How values map to positions.
    pub scale: Scale,
    /// The interval shown; `None` fits it to the data. An interval that cannot be shown (not finite, empty, not
    /// positive on a logarithmic axis) is ignored; the ends of a reversed one are swapped.
    pub range: Option<(f64, f64)>,
}

impl PanelAxis {
    /// A linear axis that fits the data.
    #[must_use]
    pub fn linear(label: impl Into<String>) -> Self {
        Self { label: label.into(), scale: Scale::Linear, range: None }
    }

    /// A logarithmic axis that fits the data.
    #[must_use]
    pub fn log10(label: impl Into<String>) -> Self {
        Self { label: label.into(), scale: Scale::Log10, range: None }
    }

    /// A fourth-root axis that fits the data: for a penalty or a fraction that is sometimes 0.
    #[must_use]
    pub fn root(label: impl Into<String>) -> Self {
        Self { label: label.into(), scale: Scale::Root, range: None }
    }

    /// The same axis showing exactly `lo` to `hi`.
    #[must_use]
    pub fn with_range(mut self, lo: f64, hi: f64) -> Self {
        self.range = Some((lo, hi));
        self
    }
}

/// The stroke of a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Dash {
    /// An unbroken line.
    #[default]
    Solid,
    /// Long dashes.
    Dashed,
    /// Dots.
    Dotted,
    /// Alternating dashes and dots.
    DashDotted,
    /// An unbroken line of half the width, for a reference.
    Thin,
    /// No line: the series is drawn as points, and its band as an error bar at each.
    None,
}

/// One curve, with an optional band around it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Series {
    /// The setting, as named in the legend. Empty for the only series of a group: the group's heading then names the
    /// curve.
    pub label: String,
    /// Abscissae, one for each ordinate.
    pub x: Vec<f64>,
    /// Ordinates.
    pub y: Vec<f64>,
    /// Lower and upper edges of a band, one for each sample; of the error bars if the series has no line.
    pub band: Option<(Vec<f64>, Vec<f64>)>,
    /// The stroke.
    pub dash: Dash,
    /// Whether each sample is marked by a dot.
    pub points: bool,
}

impl Series {
    /// A solid line through the samples.
    #[must_use]
    pub fn new(label: impl Into<String>, x: Vec<f64>, y: Vec<f64>) -> Self {
        Self { label: label.into(), x, y, ..Self::default() }
    }

    /// The same series with a band from `lower` to `upper`, each with one value per sample.
    #[must_use]
    pub fn with_band(mut self, lower: Vec<f64>, upper: Vec<f64>) -> Self {
        self.band = Some((lower, upper));
        self
    }

    /// The same series with another stroke.
    #[must_use]
    pub fn with_dash(mut self, dash: Dash) -> Self {
        self.dash = dash;
        self
    }

    /// The same series with a dot at each sample.
    #[must_use]
    pub fn with_points(mut self) -> Self {
        self.points = true;
        self
    }
}

/// Series that share a meaning and so a hue.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Group {
    /// The legend's heading for the group; may be empty.
    pub heading: String,
    /// The hue family; it should differ between the groups of a panel.
    pub hue: Hue,
    /// The curves, lightest first.
    pub series: Vec<Series>,
}

impl Group {
    /// An empty group.
    #[must_use]
    pub fn new(heading: impl Into<String>, hue: Hue) -> Self {
        Self { heading: heading.into(), hue, series: Vec::new() }
    }

    /// The same group with one more series, darker than those before it.
    #[must_use]
    pub fn with_series(mut self, series: Series) -> Self {
        self.series.push(series);
        self
    }
}

/// Coloured cells over two axes: light for the smallest value, dark for the largest.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct HeatMap {
    /// Abscissae of the column centres, ascending. Cells meet half-way between them.
    pub x: Vec<f64>,
    /// Ordinates of the row centres, ascending.
    pub y: Vec<f64>,
    /// One list per row, with one value per column. Values that cannot be shown are grey.
    pub values: Vec<Vec<f64>>,
    /// How values map to colours.
    pub scale: Scale,
    /// The values of the lightest and the darkest colour; `None` takes the extremes. Values beyond an end have
    /// that end's colour.
    pub range: Option<(f64, f64)>,
    /// The text above the colour bar.
    pub label: String,
}

/// A vertical line at a threshold, labelled above the frame.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Marker {
    /// Its position; not drawn outside the interval shown.
    pub x: f64,
    /// Its label, e.g. `n = p`.
    pub label: String,
}

impl Marker {
    /// A labelled threshold at `x`.
    #[must_use]
    pub fn new(x: f64, label: impl Into<String>) -> Self {
        Self { x, label: label.into() }
    }
}

/// A pair of axes and the data drawn on them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Panel {
    /// The text above the frame; may be empty.
    pub title: String,
    /// The horizontal axis.
    pub x: PanelAxis,
    /// The vertical axis.
    pub y: PanelAxis,
    /// Coloured cells below the curves.
    pub heat: Option<HeatMap>,
    /// The curves.
    pub groups: Vec<Group>,
    /// The thresholds. Their labels are stacked in up to five rows; thresholds without a place there are drawn as lines
    /// without a label.
    pub markers: Vec<Marker>,
}

impl Panel {
    /// An empty panel.
    #[must_use]
    pub fn new(x: PanelAxis, y: PanelAxis) -> Self {
        Self { x, y, ..Self::default() }
    }

    /// The same panel with a title.
    #[must_use]
    pub fn with_title(mut self, title: impl Into<String>) -> Self {
        self.title = title.into();
        self
    }

    /// The same panel with a heat map.
    #[must_use]
    pub fn with_heat_map(mut self, heat: HeatMap) -> Self {
        self.heat = Some(heat);
        self
    }

    /// The same panel with one more group, drawn on top of the previous ones.
    #[must_use]
    pub fn with_group(mut self, group: Group) -> Self {
        self.groups.push(group);
        self
    }

    /// The same panel with one more threshold.
    #[must_use]
    pub fn with_marker(mut self, x: f64, label: impl Into<String>) -> Self {
        self.markers.push(Marker::new(x, label));
        self
    }
}
