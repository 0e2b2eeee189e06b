//! From cells to series: the statistic, the horizontal axis, the vertical range.

use super::metric::spans_decades;
use super::theory::{self, Line, is_baseline, is_theory};
use super::{Abscissa, FigureOptions, Statistic};
use crate::Error;
use crate::curve::{self, Curve, Metric, Summary};
use crate::plot::{Dash, Group, Hue, Marker, Panel, PanelAxis, Series, unseen};

/// Values below this fraction of the largest median are zero up to rounding.
pub(super) const FLOOR: f64 = 1e-12;

/// Smaller values cannot be distinguished on an axis.
const SMALLEST: f64 = 2e-300;

/// Curves with at most this many points have their points marked.
const FEW: usize = 12;

/// A figure under construction; the summaries of each metric are computed once.
pub(super) struct Draft<'a> {
    pub(super) curve: &'a Curve,
    pub(super) options: &'a FigureOptions,
    tables: Vec<(Metric, Vec<Summary>)>,
    few: bool,
    /// [`Curve::held_size`] and [`Curve::deficient_rank`], cached because each visits all cells.
    held: Option<usize>,
    pub(super) rank: Option<usize>,
    /// The number of values below the frames.
    pub(super) cut: usize,
    /// Each theory of the options, evaluated along the axis.
    pub(super) theories: Vec<Line>,
    /// Descriptions of what theories apply to but the curve lacks.
    pub(super) absent: Vec<String>,
}

impl<'a> Draft<'a> {
    /// Summarises the metrics; one that the curve lacks has no summaries.
    pub(super) fn new(
        curve: &'a Curve,
        options: &'a FigureOptions,
        metrics: &[Metric],
    ) -> Result<Self, Error> {
        let bootstrap = match options.statistic {
            Statistic::Mean(bootstrap) if bootstrap.draws > 0 => Some(bootstrap),
            _ => None,
        };
        let table = |&metric| match curve.summaries(metric, bootstrap) {
            Err(Error::Unsupported { .. }) => Ok((metric, Vec::new())),
            found => Ok((metric, found?)),
        };
        let few = curve.values().len() <= FEW;
        let tables = metrics.iter().map(table).collect::<Result<_, Error>>()?;
        let (held, rank) = (curve.held_size(), curve.deficient_rank());
        let theories = Self::theories(curve, options, (held, rank.or(held)));
        let absent = theory::absent(&options.theories, &[curve]);
        Ok(Self { curve, options, tables, few, held, rank, cut: 0, theories, absent })
    }

    fn abscissa(&self) -> Abscissa {
        abscissa(self.curve, self.options)
    }

    fn theories(
        curve: &Curve,
        options: &FigureOptions,
        (held, threshold): (Option<usize>, Option<usize>),
    ) -> Vec<Line> {
        if options.theories.is_empty() {
            return Vec::new();
        }
        let name = curve.axis.symbol();
        let axis = if curve.axis.counts() {
            theory::counts(&curve.axis_values(), threshold)
        } else {
            theory::between(&curve.values(), true)
        };
        let place = |at: f64| match (abscissa(curve, options), curve.axis, held) {
            (Abscissa::Axis, ..) => at,
            (Abscissa::Ratio, curve::Axis::Samples, Some(p)) => p as f64 / at,
            (Abscissa::Ratio, curve::Axis::Features, Some(n)) => at / n as f64,
            // Without a single ratio for a value, the value has no position.
            (Abscissa::Ratio, ..) => f64::NAN,
        };
        // Theories of other curves are not evaluated.
        let is_here =
            |overlay: &super::Overlay| (0..curve.arms.len().max(1)).any(|arm| overlay.is_along(curve, arm));
        let line = |overlay: &super::Overlay| {
            if is_here(overlay) { overlay.line((name, &axis), place) } else { Line::default() }
        };
        options.theories.iter().map(line).collect()
    }

    /// Returns the theories and baselines of the curves that a panel shows, given by metric and arm.
    pub(super) fn theories_of(&self, shown: &[(Metric, usize)]) -> Vec<Group> {
        let is_shown = |overlay: &super::Overlay| {
            let is_of = |&(metric, arm): &(Metric, usize)| {
                metric == overlay.metric && overlay.is_along(self.curve, arm)
            };
            shown.iter().any(is_of)
        };
        let lines = self.options.theories.iter().zip(&self.theories);
        theory::groups(lines.filter(|(overlay, _)| is_shown(overlay)).map(|(_, line)| line.clone()))
    }

    pub(super) fn table(&self, metric: Metric) -> &[Summary] {
        self.tables.iter().find(|(of, _)| *of == metric).map_or(&[], |(_, table)| table)
    }

    /// The median of an arm at the threshold; `None` if the curve has no such point.
    pub(super) fn at_threshold(&self, metric: Metric, arm: usize) -> Option<f64> {
        let is_there = |s: &&Summary| s.arm == arm && self.is_at_threshold(s);
        self.table(metric).iter().find(is_there).map(|s| s.median)
    }

    /// Whether any arm has a value at the threshold.
    pub(super) fn has_threshold(&self, metric: Metric) -> bool {
        self.table(metric).iter().any(|s| self.is_at_threshold(s))
    }

    fn is_at_threshold(&self, summary: &Summary) -> bool {
        summary.n == self.rank.unwrap_or(summary.p)
    }

    /// The curve of one arm with its band; `None` without cells.
    #[allow(clippy::cast_precision_loss)] // counts of rows and columns
    pub(super) fn series(&self, metric: Metric, arm: usize, label: impl Into<String>) -> Option<Series> {
        let of_arm: Vec<&Summary> = self.table(metric).iter().filter(|s| s.arm == arm).collect();
        if of_arm.is_empty() {
            return None;
        }
        let x = of_arm.iter().map(|s| match (self.abscissa(), self.curve.axis) {
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

    /// A group of one curve, named by the heading.
    pub(super) fn single(&self, metric: Metric, arm: usize, heading: &str, hue: Hue) -> Option<Group> {
        Some(Group::new(heading, hue).with_series(self.series(metric, arm, "")?))
    }

    /// The unablated arm in grey, without a band; dash-dotted, because plain dashes mark theories.
    pub(super) fn reference(&self, metric: Metric, heading: &str) -> Option<Group> {
        let mut group = self.single(metric, self.curve.arm("unablated", None)?, heading, Hue::Grey)?;
        for series in &mut group.series {
            series.band = None;
            series.points = false;
            series.dash = Dash::DashDotted;
        }
        Some(group)
    }

    /// Whether there is data for bands.
    pub(super) fn has_bands(&self) -> bool {
        let draws = match self.options.statistic {
            Statistic::Median => 1,
            Statistic::Mean(bootstrap) => bootstrap.draws,
        };
        draws > 0 && self.curve.repeats() > 1
    }

    /// Builds a panel with the threshold marked and the theories of the curves it shows (metric and arm); `None` if no
    /// group has a curve.
    pub(super) fn panel(
        &self,
        y: &str,
        groups: impl IntoIterator<Item = Group>,
        shown: &[(Metric, usize)],
    ) -> Option<Panel> {
        let x = match self.abscissa() {
            Abscissa::Ratio => "Parameters per sample p/n",
            Abscissa::Axis => self.curve.axis.label(),
        };
        let counts = self.abscissa() == Abscissa::Ratio || self.curve.axis.counts();
        let x = if counts || spans_decades(&self.curve.values()) {
            PanelAxis::log10(x)
        } else {
            PanelAxis::linear(x)
        };
        let mut panel = Panel::new(x, PanelAxis::log10(y));
        panel.groups = groups.into_iter().filter(|group| !group.series.is_empty()).collect();
        panel.markers.extend(self.threshold_marker());
        if panel.groups.is_empty() {
            return None;
        }
        panel.groups.extend(self.theories_of(shown));
        Some(panel)
    }

    /// The threshold's position on the axis and its name.
    #[allow(clippy::cast_precision_loss)] // counts of rows and columns
    pub(super) fn threshold_marker(&self) -> Option<Marker> {
        let is_ratio = self.abscissa() == Abscissa::Ratio;
        let (at, label) = match (self.rank.zip(self.held), self.curve.axis) {
            (Some((rank, p)), _) => (if is_ratio { p as f64 / rank as f64 } else { rank as f64 }, "n = rank"),
            (None, _) if is_ratio => (1.0, "p/n = 1"),
            (None, curve::Axis::Samples) => (self.held? as f64, "n = p"),
            (None, curve::Axis::Features) => (self.held? as f64, "p = n"),
            (None, _) => return None,
        };
        Some(Marker::new(at, label))
    }

    /// Gives some panels one vertical range, down to the smallest value of these metrics that is not rounding noise.
    /// Noise lies below the frame, so that a line leaves the frame where noise begins; a zero has no place on the axis
    /// at all, and the line breaks off. Returns whether anything is left to see.
    pub(super) fn fit(&mut self, metrics: &[Metric], panels: &mut [Panel]) -> bool {
        let floor = self.floor(metrics);
        let cut = fit(floor, panels);
        self.cut += cut.unwrap_or(0);
        cut.is_some()
    }

    /// The value below which these metrics are zero up to rounding.
    pub(super) fn floor(&self, metrics: &[Metric]) -> f64 {
        let medians = metrics.iter().flat_map(|&metric| self.table(metric)).map(|s| s.median);
        (FLOOR * medians.filter(|m| m.is_finite()).fold(0.0, f64::max)).max(SMALLEST)
    }

    /// Gives a panel its own vertical range; `None` if there is nothing to see. A curve that is zero
    /// everywhere is labelled as such.
    pub(super) fn fitted(&mut self, metrics: &[Metric], panel: Option<Panel>) -> Option<Panel> {
        let mut panel = panel?;
        if !self.fit(metrics, std::slice::from_mut(&mut panel)) {
            return None;
        }
        for group in panel.groups.iter_mut().filter(|group| !is_theory(group)) {
            for series in group.series.iter_mut().filter(|series| is_under(series, &panel.y)) {
                let name = if series.label.is_empty() { &mut group.heading } else { &mut series.label };
                name.push_str(unseen::ZERO);
            }
        }
        Some(panel)
    }
}

/// Chooses the horizontal axis: parameters per sample only if one of the two varies.
fn abscissa(curve: &Curve, options: &FigureOptions) -> Abscissa {
    match curve.axis {
        curve::Axis::Samples | curve::Axis::Features => options.abscissa,
        _ => Abscissa::Axis,
    }
}

/// Gives some panels one vertical range, down to the smallest value not below `floor`. Returns how many values lie
/// below it; `None` if nothing is left to see.
pub(super) fn fit(floor: f64, panels: &mut [Panel]) -> Option<usize> {
    let (mut low, mut high, mut cut) = (f64::INFINITY, f64::NEG_INFINITY, 0);
    let of = |wanted: fn(&Group) -> bool| {
        let groups = panels.iter().flat_map(|panel| &panel.groups).filter(move |group| wanted(group));
        groups.flat_map(|group| &group.series)
    };
    let measured = || of(|group| !is_theory(group));
    for y in measured().flat_map(|series| &series.y).filter(|y| y.is_finite() && **y > 0.0) {
        if *y < floor {
            cut += 1;
        } else {
            (low, high) = (low.min(y.log10()), high.max(y.log10()));
        }
    }
    if low > high {
        return None;
    }
    for y in of(is_baseline).flat_map(|series| &series.y).filter(|y| y.is_finite() && **y >= floor) {
        (low, high) = (low.min(y.log10()), high.max(y.log10()));
    }
    // Bands and theories may widen the range a little, but do not determine it.
    let room = (0.25 * (high - low)).clamp(0.1, 0.7);
    let (least, most) = (low - room, high + room);
    let edges = measured()
        .filter_map(|series| series.band.as_ref())
        .flat_map(|(lower, upper)| lower.iter().chain(upper));
    for y in edges.chain(of(is_theory).flat_map(|series| &series.y)).filter(|y| y.is_finite() && **y >= floor)
    {
        (low, high) = (low.min(y.log10().max(least)), high.max(y.log10().min(most)));
    }
    let margin = (0.05 * (high - low)).max(0.05);
    let (bottom, top) = (low - margin, high + margin);
    for panel in panels {
        panel.y.range = Some((10_f64.powf(bottom), 10_f64.powf(top)));
    }
    Some(cut)
}

/// Whether a curve lies entirely below an axis' range.
pub(super) fn is_under(series: &Series, axis: &PanelAxis) -> bool {
    axis.range.is_some_and(|(bottom, _)| series.y.iter().all(|y| *y < bottom))
}
