//! From cells to series: the statistic, the horizontal axis, the vertical range.

use super::{Abscissa, FigureOptions, Statistic, caption};
use crate::curve::{self, Curve, Metric, Summary};
use crate::plot::{Axis, Dash, Figure, Group, Hue, Panel, Series};

/// Values under this part of the largest median are zero but for rounding.
pub(super) const FLOOR: f64 = 1e-12;

/// Nothing smaller is told apart on an axis.
const SMALLEST: f64 = 2e-300;

/// Curves of at most this many points have them marked.
const FEW: usize = 12;

/// A figure in the making: the curve's summaries, each metric's computed once.
pub(super) struct Draft<'a> {
    pub(super) curve: &'a Curve,
    pub(super) options: &'a FigureOptions,
    tables: Vec<(Metric, Vec<Summary>)>,
    few: bool,
    /// How many values lie under the frames.
    cut: usize,
}

impl<'a> Draft<'a> {
    pub(super) fn new(curve: &'a Curve, options: &'a FigureOptions, metrics: &[Metric]) -> Self {
        let bootstrap = match options.statistic {
            Statistic::Mean(bootstrap) if bootstrap.draws > 0 => Some(bootstrap),
            _ => None,
        };
        let table = |&metric| (metric, curve.summaries(metric, bootstrap).unwrap_or_default());
        let few = curve.values().len() <= FEW;
        Self { curve, options, tables: metrics.iter().map(table).collect(), few, cut: 0 }
    }

    fn table(&self, metric: Metric) -> &[Summary] {
        self.tables.iter().find(|(of, _)| *of == metric).map_or(&[], |(_, table)| table)
    }

    /// The median of an arm at `n = p`; `None` where the curve has no such point.
    pub(super) fn at_threshold(&self, metric: Metric, arm: usize) -> Option<f64> {
        self.table(metric).iter().find(|s| s.arm == arm && s.n == s.p).map(|s| s.median)
    }

    /// One arm's curve with its band; `None` without cells.
    #[allow(clippy::cast_precision_loss)] // counts of rows and columns
    pub(super) fn series(&self, metric: Metric, arm: usize, label: impl Into<String>) -> Option<Series> {
        let of_arm: Vec<&Summary> = self.table(metric).iter().filter(|s| s.arm == arm).collect();
        if of_arm.is_empty() {
            return None;
        }
        let x = of_arm.iter().map(|s| match (self.options.abscissa, self.curve.axis) {
            (Abscissa::Ratio, _) => s.p as f64 / s.n as f64,
            (Abscissa::Axis, _) => s.value,
        });
        let y = of_arm.iter().map(|s| match self.options.statistic {
            Statistic::Median => s.median,
            Statistic::Mean(_) => s.mean,
        });
        let mut series = Series::new(label, x.collect(), y.collect());
        let band = of_arm.iter().map(|s| match self.options.statistic {
            Statistic::Median => Some((s.q25, s.q75)),
            Statistic::Mean(_) => s.mean_band,
        });
        if self.has_bands()
            && let Some(edges) = band.collect::<Option<Vec<_>>>()
        {
            let (lower, upper) = edges.into_iter().unzip();
            series = series.with_band(lower, upper);
        }
        series.points = self.few;
        Some(series)
    }

    /// A group of one curve named by its heading.
    pub(super) fn single(&self, metric: Metric, arm: usize, heading: &str, hue: Hue) -> Option<Group> {
        Some(Group::new(heading, hue).with_series(self.series(metric, arm, "")?))
    }

    /// The unablated arm as a grey dashed line, without a band.
    pub(super) fn reference(&self, metric: Metric, heading: &str) -> Option<Group> {
        let mut group = self.single(metric, self.curve.arm("unablated", None)?, heading, Hue::Grey)?;
        for series in &mut group.series {
            series.band = None;
            series.points = false;
            series.dash = Dash::Dashed;
        }
        Some(group)
    }

    /// Whether there is anything to draw a band from.
    pub(super) fn has_bands(&self) -> bool {
        let draws = match self.options.statistic {
            Statistic::Median => 1,
            Statistic::Mean(bootstrap) => bootstrap.draws,
        };
        draws > 0 && self.curve.repeats() > 1
    }

    /// A panel with the threshold marked; `None` if no group has a curve.
    pub(super) fn panel(&self, y: &str, groups: impl IntoIterator<Item = Group>) -> Option<Panel> {
        let (x, threshold) = match (self.options.abscissa, self.curve.axis) {
            (Abscissa::Ratio, _) => ("Parameters per sample p/n", Some((1.0, "p/n = 1"))),
            (Abscissa::Axis, curve::Axis::Samples) => ("Training samples n", self.threshold("n = p")),
            (Abscissa::Axis, curve::Axis::Features) => ("Parameters p", self.threshold("p = n")),
            (Abscissa::Axis, axis) => (axis.label(), None),
        };
        let mut panel = Panel::new(Axis::log10(x), Axis::log10(y));
        panel.groups = groups.into_iter().filter(|group| !group.series.is_empty()).collect();
        if let Some((at, label)) = threshold {
            panel = panel.with_marker(at, label);
        }
        (!panel.groups.is_empty()).then_some(panel)
    }

    #[allow(clippy::cast_precision_loss)]
    fn threshold<'l>(&self, label: &'l str) -> Option<(f64, &'l str)> {
        self.curve.interpolation_threshold().map(|at| (at as f64, label))
    }

    /// Gives some panels one vertical range, down to the smallest value that is not rounding noise of
    /// these metrics. Noise lies under the frame, so that a line leaves it where it ends; a zero has no place on the axis at
    /// all, and the line breaks off. Whether anything is left to see.
    pub(super) fn fit(&mut self, metrics: &[Metric], panels: &mut [Panel]) -> bool {
        let medians = metrics.iter().flat_map(|&metric| self.table(metric)).map(|s| s.median);
        let floor = (FLOOR * medians.filter(|m| m.is_finite()).fold(0.0, f64::max)).max(SMALLEST);
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        let all = || panels.iter().flat_map(|panel| &panel.groups).flat_map(|group| &group.series);
        for y in all().flat_map(|series| &series.y).filter(|y| y.is_finite() && **y > 0.0) {
            if *y < floor {
                self.cut += 1;
            } else {
                (low, high) = (low.min(y.log10()), high.max(y.log10()));
            }
        }
        if low > high {
            return false;
        }
        // Bands may widen the range a little, and never rule it.
        let room = (0.25 * (high - low)).clamp(0.1, 0.7);
        let (least, most) = (low - room, high + room);
        for (lower, upper) in all().filter_map(|series| series.band.as_ref()) {
            for edge in lower.iter().chain(upper).filter(|y| y.is_finite() && **y >= floor) {
                (low, high) = (low.min(edge.log10().max(least)), high.max(edge.log10().min(most)));
            }
        }
        let margin = (0.05 * (high - low)).max(0.05);
        let (bottom, top) = (low - margin, high + margin);
        for panel in panels {
            panel.y.range = Some((10_f64.powf(bottom), 10_f64.powf(top)));
        }
        true
    }

    /// A panel with a range of its own; `None` if there is nothing to see. A curve that is zero all
    /// along is named so.
    pub(super) fn fitted(&mut self, metrics: &[Metric], panel: Option<Panel>) -> Option<Panel> {
        let mut panel = panel?;
        if !self.fit(metrics, std::slice::from_mut(&mut panel)) {
            return None;
        }
        for group in &mut panel.groups {
            for series in group.series.iter_mut().filter(|series| is_under(series, &panel.y)) {
                let name = if series.label.is_empty() { &mut group.heading } else { &mut series.label };
                name.push_str(" (zero)");
            }
        }
        Some(panel)
    }

    /// The figure; `what` opens the caption.
    pub(super) fn finish(&self, what: &str, panels: Vec<Panel>) -> Option<Figure> {
        if panels.is_empty() {
            return None;
        }
        let mut figure = Figure::new(caption::caption(self, what, &panels, self.cut));
        figure.panels = panels;
        Some(figure)
    }
}

/// Whether a curve lies wholly under an axis.
pub(super) fn is_under(series: &Series, axis: &Axis) -> bool {
    axis.range.is_some_and(|(bottom, _)| series.y.iter().all(|y| *y < bottom))
}
