//! What a panel shows: axes, groups of series, thresholds.

use super::colour::Hue;

/// How data values map to positions along an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scale {
    /// Equal differences take equal lengths.
    #[default]
    Linear,
    /// Equal ratios take equal lengths; only positive values are drawn.
    Log10,
    /// Equal differences of the fourth root (of the size, with its sign) take equal lengths: small values have room, as on a
    /// logarithmic axis, and 0 is on it.
    Root,
}

/// One axis of a panel.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PanelAxis {
    /// The text beside the axis; may hold Unicode, e.g. `λ`, `10⁻³`.
    pub label: String,
    /// Linear or logarithmic.
    pub scale: Scale,
    /// The shown interval; `None` takes it from the data. An interval that
    /// cannot be shown (not finite, empty, not positive on a logarithmic
    /// axis) is ignored; a reversed one is put in order.
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

    /// An axis by fourth roots that fits the data: for a penalty or a share of which some are 0.
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
    /// A dash and a dot in turn.
    DashDotted,
    /// No line: the series is drawn as points alone, and its band as a bar at each.
    None,
}

/// One curve, with an optional band around it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Series {
    /// The setting, as the legend names it. Empty in a group of one series:
    /// the group's heading then names the curve.
    pub label: String,
    /// Abscissae, as many as ordinates.
    pub x: Vec<f64>,
    /// Ordinates.
    pub y: Vec<f64>,
    /// Lower and upper edge of a band, sample by sample; of bars where the series has no line.
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

    /// The same series with a band from `lower` to `upper`, as many of each as samples.
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

/// Series that share a meaning and therefore a hue.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Group {
    /// The legend's heading for the group; may be empty.
    pub heading: String,
    /// The hue family; two groups of a panel should not share one.
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

/// Cells of colour over two axes: light for the smallest value, dark for the largest.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct HeatMap {
    /// Abscissae of the columns' centres, ascending. Cells meet half-way between them.
    pub x: Vec<f64>,
    /// Ordinates of the rows' centres, ascending.
    pub y: Vec<f64>,
    /// A list of values for each row, one for each column. Those that cannot be shown are grey.
    pub values: Vec<Vec<f64>>,
    /// How values map to colours.
    pub scale: Scale,
    /// The values of the lightest and the darkest colour; `None` takes the extremes. What lies beyond has
    /// the colour of the end.
    pub range: Option<(f64, f64)>,
    /// The text over the colour bar.
    pub label: String,
}

/// A vertical threshold, labelled above the frame.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Marker {
    /// Where it stands; not drawn when outside the shown interval.
    pub x: f64,
    /// What it says, e.g. `n = p`.
    pub label: String,
}

impl Marker {
    /// A labelled threshold at `x`.
    #[must_use]
    pub fn new(x: f64, label: impl Into<String>) -> Self {
        Self { x, label: label.into() }
    }
}

/// One pair of axes and what is drawn in it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Panel {
    /// The text above the frame; may be empty.
    pub title: String,
    /// The horizontal axis.
    pub x: PanelAxis,
    /// The vertical axis.
    pub y: PanelAxis,
    /// Cells of colour under the curves.
    pub heat: Option<HeatMap>,
    /// The curves.
    pub groups: Vec<Group>,
    /// The thresholds. Their labels are stacked in up to five rows; the lines
    /// of those that find no room are drawn without a label.
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

    /// The same panel with cells of colour.
    #[must_use]
    pub fn with_heat_map(mut self, heat: HeatMap) -> Self {
        self.heat = Some(heat);
        self
    }

    /// The same panel with one more group, drawn over those before it.
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
