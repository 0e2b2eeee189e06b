//! Theories and baselines over measured curves: dashed and thin lines, and their description in the caption.

use super::metric::words;
use super::setting::short;
use crate::curve::{ArmLabel, Axis, Curve, Metric};
use crate::error::user_code;
use crate::plot::{Dash, Group, Hue, Panel, Series, unseen};
use crate::theory::line::{Theory, values};
use std::ops::RangeInclusive;
use std::sync::Arc;

/// The legend's heading for theories.
const HEADING: &str = "Theory";

/// At most this many arms are listed when one is missing.
const MOST_NAMED: usize = 6;

/// Up to this many whole numbers, a theory is evaluated at each.
const EVERY: usize = 600;

/// Otherwise: the number of points at equal ratios, and of whole numbers on either side of the threshold.
const POINTS: usize = 400;
const NEAR: usize = 30;

/// A theory, or a baseline, to draw over measured curves, as a function of what varies: `n`, `p`, or the setting of an
/// arm.
///
/// A line breaks where the theory is infinite, outside its domain, or zero or below on a logarithmic axis, and the caption says
/// where. It does not determine the vertical range: parts outside the frame are cut off, and the caption says so.
///
/// # Examples
/// ```
/// use double_descent::dataset::StudentTeacher;
/// use double_descent::plot::{FigureOptions, Overlay, study};
/// use double_descent::sweep::{Arm, Sweep};
/// use double_descent::theory::gaussian;
/// use double_descent::theory::line::{Sizes, TheoryLine};
///
/// let teacher = StudentTeacher { seen_features: 10, true_features: 10, noise: 0.5, ..StudentTeacher::new(0) };
/// let data = teacher.generate()?;
/// let mut sweep = Sweep::new(data, 2..=40, 20, 0);
/// sweep.arms = vec![Arm::unablated()];
/// // Test errors include the noise of the test rows.
/// let line = TheoryLine::over_sizes("Mean, exact", "Belkin, Hsu and Xu 2020", Sizes::Samples { p: 10 }, |n, p| {
///     Ok(0.25 + gaussian::excess(n, p, 9.4, 0.25)?.total())
/// });
/// let options = FigureOptions::default().with_theory(Overlay::new(line).of_arm("unablated", None));
/// let figure = study::arm_errors(&sweep.run()?, 0, &options);
/// assert!(figure.to_svg().contains("Mean, exact"));
/// # Ok::<(), double_descent::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Overlay {
    /// The theory.
    pub theory: Arc<dyn Theory>,
    /// The metric that it predicts; [`Overlay::new`] sets the test error.
    pub metric: Metric,
    /// The arm it applies to: the theory is drawn in panels that show this arm. `None`: in all panels of its metric.
    pub arm: Option<ArmLabel>,
    /// If several curves share a panel: the `n` or `p` held fixed on its curve.
    pub held: Option<usize>,
    /// The axis of its curves, if curves over another axis are in the same figure; `None` for all.
    pub axis: Option<Axis>,
    /// Whether it is a baseline, such as the error of a constant prediction, and no theory of the curves: a thin line
    /// with a legend entry of its own.
    pub is_baseline: bool,
}

impl Overlay {
    /// Creates a theory of the test error of every arm.
    pub fn new(theory: impl Theory + 'static) -> Self {
        Self {
            theory: Arc::new(theory),
            metric: Metric::TestMse,
            arm: None,
            held: None,
            axis: None,
            is_baseline: false,
        }
    }

    /// Creates a baseline to compare the test error of every arm with. The vertical range includes it, unless it is
    /// under 10⁻¹² of the largest median.
    ///
    /// # Examples
    /// ```
    /// use double_descent::plot::{FigureOptions, Overlay, study};
    /// use double_descent::theory::{constant, line::{Sizes, TheoryLine}};
    /// use double_descent::{dataset::Dataset, sweep::{Arm, Sweep}};
    ///
    /// let data = Dataset::diabetes();
    /// let line = TheoryLine::constant_prediction(Sizes::Samples { p: 10 }, constant::variance(data.targets())?);
    /// let options = FigureOptions::default().with_theory(Overlay::baseline(line));
    /// let mut sweep = Sweep::new(data, 2..=40, 20, 0);
    /// sweep.arms = vec![Arm::min_norm()];
    /// let figure = study::arm_errors(&sweep.run()?, 0, &options);
    /// assert!(figure.to_svg().contains("Constant prediction"));
    /// # Ok::<(), double_descent::Error>(())
    /// ```
    pub fn baseline(theory: impl Theory + 'static) -> Self {
        Self { is_baseline: true, ..Self::new(theory) }
    }

    /// The same theory for another metric.
    #[must_use]
    pub fn of_metric(mut self, metric: Metric) -> Self {
        self.metric = metric;
        self
    }

    /// The same theory for one arm. If the curve has no such arm, nothing is drawn and the caption says so.
    #[must_use]
    pub fn of_arm(mut self, name: impl Into<String>, setting: Option<f64>) -> Self {
        self.arm = Some(ArmLabel { name: name.into(), setting });
        self
    }

    /// The same theory for the one curve on which this number of samples, or of features, is held.
    #[must_use]
    pub fn at(mut self, held: usize) -> Self {
        self.held = Some(held);
        self
    }

    /// The same theory for curves over this axis only.
    #[must_use]
    pub fn along(mut self, axis: Axis) -> Self {
        self.axis = Some(axis);
        self
    }

    /// Whether the theory applies to an arm of a curve, whatever the metric.
    pub(super) fn is_along(&self, curve: &Curve, arm: usize) -> bool {
        self.axis.is_none_or(|axis| axis == curve.axis)
            && (self.held.is_none() || self.held == curve.held_size())
            && self.arm.as_ref().is_none_or(|label| curve.arms.get(arm) == Some(label))
    }

    /// The name in the legend. A baseline's is short, and the caption adds the reference.
    fn name(&self) -> String {
        let label = user_code::description(|| self.theory.label());
        let reference = self.reference();
        if self.is_baseline || reference.is_empty() { label } else { format!("{label} ({reference})") }
    }

    fn reference(&self) -> String {
        user_code::description(|| self.theory.reference())
    }

    /// Evaluates the theory along an axis called `name`; `place` gives the horizontal positions.
    pub(super) fn line(&self, (name, axis): (&str, &[f64]), place: impl Fn(f64) -> f64) -> Line {
        let label = self.name();
        let (found, failed) = match values(&*self.theory, axis) {
            Ok(found) => (found, None),
            Err(error) => (vec![f64::NAN; axis.len()], Some(format!("not drawn: {error}"))),
        };
        let is_logarithmic = words(self.metric).is_logarithmic;
        let is_off = |v: f64| is_logarithmic && v.is_finite() && v <= 0.0;
        let at = |wanted: &dyn Fn(f64) -> bool, what: &str| {
            let places: Vec<f64> =
                axis.iter().zip(&found).filter(|(_, v)| wanted(**v)).map(|(at, _)| *at).collect();
            (!places.is_empty()).then(|| format!("{what} at {}", runs(name, &places, axis)))
        };
        let notes = if failed.is_some() {
            failed.into_iter().collect()
        } else {
            let gaps = [
                at(&f64::is_infinite, "infinite"),
                at(&is_off, "zero or below"),
                at(&f64::is_nan, "without a value"),
            ];
            gaps.into_iter().flatten().collect()
        };
        let y = found.into_iter().map(|v| if v.is_finite() && !is_off(v) { v } else { f64::NAN }).collect();
        let x = axis.iter().map(|&at| place(at)).collect();
        let series = Series::new(label, x, y);
        if self.is_baseline {
            return Line { series: series.with_dash(Dash::Thin), baseline: Some(self.reference()), notes };
        }
        Line { series: series.with_dash(Dash::Dashed), baseline: None, notes }
    }
}

/// A theory evaluated along an axis.
#[derive(Clone, Default)]
pub(super) struct Line {
    pub(super) series: Series,
    /// The reference of a baseline.
    baseline: Option<String>,
    /// Descriptions of where it breaks.
    notes: Vec<String>,
}

/// Groups the theories, and each baseline apart. Of the theories, the second is dotted, the third dashed again, and so
/// on. Lines with the same name count as one line with breaks, with one legend entry.
pub(super) fn groups(lines: impl IntoIterator<Item = Line>) -> Vec<Group> {
    let (baselines, theories): (Vec<Line>, Vec<Line>) =
        lines.into_iter().partition(|line| line.baseline.is_some());
    let mut group = Group::new(HEADING, Hue::Black);
    for Line { series, .. } in theories {
        match group.series.iter_mut().find(|other| other.label == series.label) {
            Some(other) => {
                other.x.extend([f64::NAN].into_iter().chain(series.x));
                other.y.extend([f64::NAN].into_iter().chain(series.y));
            }
            None => group.series.push(series),
        }
    }
    for series in group.series.iter_mut().skip(1).step_by(2) {
        series.dash = Dash::Dotted;
    }
    let mut groups = vec![group];
    groups.retain(|group| !group.series.is_empty());
    for Line { series, .. } in baselines {
        if !groups.iter().any(|group| group.heading == series.label) {
            let heading = series.label.clone();
            let series = Series { label: String::new(), ..series };
            groups.push(Group::new(heading, Hue::Black).with_series(series));
        }
    }
    groups
}

/// Describes what is missing for each theory that fits none of these curves. A theory of another axis is meant for
/// other curves, and so is one whose `n` or `p` differs from that of a single curve.
pub(super) fn absent(overlays: &[Overlay], curves: &[&Curve]) -> Vec<String> {
    let reason = |overlay: &Overlay| {
        let of_axis: Vec<&Curve> =
            curves.iter().copied().filter(|c| overlay.axis.is_none_or(|axis| axis == c.axis)).collect();
        let at = |curve: &&Curve| overlay.held.is_none() || overlay.held == curve.held_size();
        let here: Vec<&Curve> = of_axis.iter().copied().filter(at).collect();
        let why = match (&here[..], &overlay.arm, overlay.held) {
            ([], _, Some(held)) if of_axis.len() > 1 => {
                format!("it belongs to the curve at {held}, which is not drawn")
            }
            ([first, ..], Some(label), _) if here.iter().all(|curve| !curve.arms.contains(label)) => {
                let mut names: Vec<String> = first.arms.iter().map(named).collect();
                let more = names.len().saturating_sub(MOST_NAMED);
                names.truncate(MOST_NAMED);
                names.extend((more > 0).then(|| format!("{more} more")));
                format!("it belongs to the arm {}, but the arms are {}", named(label), names.join(", "))
            }
            _ => return None,
        };
        Some(format!("Theory not drawn: {}: {why}", overlay.name()))
    };
    overlays.iter().filter_map(reason).collect()
}

/// An arm's name and setting as passed to [`Overlay::of_arm`].
fn named(label: &ArmLabel) -> String {
    let setting = label.setting.map_or_else(String::new, |setting| format!(" {setting}"));
    format!("`{}`{setting}", label.name)
}

/// Whether a group is of theories or a baseline, and so measured by nothing.
pub(super) fn is_theory(group: &Group) -> bool {
    group.hue == Hue::Black && group.heading == HEADING || is_baseline(group)
}

pub(super) fn is_baseline(group: &Group) -> bool {
    group.hue == Hue::Black && group.series.iter().all(|series| series.dash == Dash::Thin)
}

/// The caption's sentences on the theories and baselines that its panels show.
pub(super) fn sentences(lines: &[Line], panels: &[Panel]) -> Vec<String> {
    let shown: Vec<(&Panel, &str, &Series)> = panels
        .iter()
        .flat_map(|panel| {
            panel.groups.iter().filter(|group| is_theory(group)).map(move |group| (panel, group))
        })
        .flat_map(|(panel, group)| {
            group.series.iter().map(move |series| (panel, name_of(group, series), series))
        })
        .collect();
    // Collect all notes on lines with the same name.
    let mut described: Vec<(&Line, Vec<&str>)> = Vec::new();
    for line in lines {
        let label = &*line.series.label;
        let of_line = || shown.iter().filter(|(_, name, _)| *name == label);
        if of_line().next().is_none() {
            continue;
        }
        let leaves = of_line().any(|(panel, _, series)| leaves(panel, series));
        let is_seen = of_line().any(|(panel, _, series)| !unseen::is_outside(panel, series));
        let cut = match (leaves, is_seen) {
            (false, _) => None,
            (true, true) => Some("cut off by the frame where it leaves it"),
            (true, false) => Some("outside the frame"),
        };
        let several = of_line().any(|(_, _, series)| is_several(series)).then_some("one line for each curve");
        let notes = several.into_iter().chain(line.notes.iter().map(String::as_str)).chain(cut);
        match described.iter_mut().find(|(other, _)| *other.series.label == *label) {
            Some((_, all)) => notes.for_each(|note| {
                if !all.contains(&note) {
                    all.push(note);
                }
            }),
            None => described.push((line, notes.collect())),
        }
    }
    let (baselines, theories): (Vec<_>, Vec<_>) =
        described.into_iter().partition(|(line, _)| line.baseline.is_some());
    let one = |(line, notes): &(&Line, Vec<&str>)| {
        let label = match line.baseline.as_deref() {
            Some(reference) if !reference.is_empty() => format!("{}: {reference}", line.series.label),
            _ => line.series.label.clone(),
        };
        [&[&*label], &notes[..]].concat().join(", ")
    };
    let listed: Vec<String> = theories.iter().map(one).collect();
    let theories = (!listed.is_empty()).then(|| format!("Theory: {}", listed.join("; ")));
    theories.into_iter().chain(baselines.iter().map(one)).collect()
}

/// The name of a series in the legend.
fn name_of<'a>(group: &'a Group, series: &'a Series) -> &'a str {
    if series.label.is_empty() { &group.heading } else { &series.label }
}

/// Whether a series is several lines over the same abscissae, such as one for each curve of a panel, and not one line
/// with breaks.
fn is_several(series: &Series) -> bool {
    let pieces: Vec<(f64, f64)> = series
        .x
        .split(|x| x.is_nan())
        .filter(|piece| !piece.is_empty())
        .map(|piece| piece.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), x| (x.min(a), x.max(b))))
        .collect();
    pieces.iter().enumerate().any(|(i, a)| pieces[..i].iter().any(|b| a.0.max(b.0) < a.1.min(b.1)))
}

/// Whether a line has values outside the frame.
fn leaves(panel: &Panel, series: &Series) -> bool {
    panel
        .y
        .range
        .is_some_and(|(low, high)| series.y.iter().any(|y| y.is_finite() && !(low..=high).contains(y)))
}

/// The points at which a theory of counts is evaluated: every whole number between the ends or, if there are too many,
/// numbers at equal ratios and around the threshold.
pub(super) fn counts(measured: &[usize], threshold: Option<usize>) -> Vec<f64> {
    let (Some(&first), Some(&last)) = (measured.first(), measured.last()) else { return Vec::new() };
    let mut all: Vec<usize> = if last - first <= EVERY {
        (first..=last).collect()
    } else {
        let ratio = (last as f64 / first.max(1) as f64).ln();
        let step = |i: usize| first.max(1) as f64 * (ratio * i as f64 / POINTS as f64).exp();
        let near = |at: usize| -> RangeInclusive<usize> { at.saturating_sub(NEAR)..=at.saturating_add(NEAR) };
        let spread = (0..=POINTS).map(|i| step(i).round() as usize);
        spread.chain(threshold.into_iter().flat_map(near)).chain(measured.iter().copied()).collect()
    };
    all.retain(|at| (first..=last).contains(at));
    all.sort_unstable();
    all.dedup();
    all.into_iter().map(|at| at as f64).collect()
}

/// The points at which a theory of a real number is evaluated: the measured ones and points between them, at equal
/// ratios if the axis is logarithmic.
pub(super) fn between(measured: &[f64], is_logarithmic: bool) -> Vec<f64> {
    let positive = |at: &&f64| !is_logarithmic || **at > 0.0;
    let ends = (measured.iter().find(positive), measured.iter().rfind(positive));
    let (Some(&first), Some(&last)) = ends else { return measured.to_vec() };
    let at = |t: f64| {
        if is_logarithmic {
            (first.ln() + t * (last.ln() - first.ln())).exp()
        } else {
            first + t * (last - first)
        }
    };
    let mut all: Vec<f64> =
        (1..POINTS).map(|i| at(i as f64 / POINTS as f64)).chain(measured.iter().copied()).collect();
    all.sort_unstable_by(f64::total_cmp);
    all.dedup();
    all
}

/// Formats points of an axis as ranges, `n = 19–21`; for more than three ranges, gives the number of points.
fn runs(name: &str, places: &[f64], axis: &[f64]) -> String {
    let index = |at: f64| axis.partition_point(|v| *v < at);
    let mut stretches: Vec<(f64, f64)> = Vec::new();
    for &at in places {
        match stretches.last_mut() {
            Some(last) if index(last.1) + 1 == index(at) => last.1 = at,
            _ => stretches.push((at, at)),
        }
    }
    if stretches.len() > 3 {
        return format!("{} of {} values of {name}", places.len(), axis.len());
    }
    // Show counts with all digits: rounding would make 1000–1001 a single number.
    let number = |at: f64| if at.fract() == 0.0 && at < 1e9 { at.to_string() } else { short(at) };
    let stretch = |&(from, to): &(f64, f64)| {
        if from == to { number(from) } else { format!("{}–{}", number(from), number(to)) }
    };
    format!("{name}\u{a0}=\u{a0}{}", stretches.iter().map(stretch).collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theory::line::{Sizes, TheoryLine};

    #[test]
    fn gaps_are_said_and_nothing_is_invented() {
        let axis = counts(&[8, 12, 15], Some(10));
        let overlay = Overlay::new(TheoryLine::gaussian_noise(Sizes::Samples { p: 10 }));
        let line = overlay.line(("n", &axis), |n| n);
        assert_eq!(line.series.x, [8.0, 9.0, 10.0, 11.0, 12.0, 13.0, 14.0, 15.0]);
        assert!(line.series.y[1..4].iter().all(|y| y.is_nan()), "{:?}", line.series.y);
        assert_eq!((line.series.y[0], line.series.y[4]), (8.0, 10.0));
        assert_eq!(line.notes, ["infinite at n\u{a0}=\u{a0}9–11"]);
        let broken = Overlay::new(TheoryLine::new("odd", "", |_| panic!("no")));
        let line = broken.line(("n", &axis), |n| n);
        assert!(line.notes[0].contains("not drawn") && line.series.y.iter().all(|y| y.is_nan()));
    }

    #[test]
    fn values_below_zero_are_drawn_on_linear_axes() {
        let overlay = Overlay::new(TheoryLine::new("Exact", "", |p| Ok(1.0 - p)));
        let drawn = |metric: Metric| {
            let line = overlay.clone().of_metric(metric).line(("p", &[0.5, 1.0, 3.0]), |p| p);
            (line.series.y, line.notes)
        };
        for linear in [Metric::LogEvidence, Metric::LogOccamFactor, Metric::TestErrorRate] {
            assert_eq!(drawn(linear), (vec![0.5, 0.0, -2.0], vec![]));
        }
        let (y, notes) = drawn(Metric::TestMse);
        assert!(y[0] == 0.5 && y[1].is_nan() && y[2].is_nan());
        assert_eq!(notes, ["zero or below at p\u{a0}=\u{a0}1–3"]);
    }

    #[test]
    fn lines_of_one_name_are_one_entry() {
        let line = |at: f64, note: &str| Line {
            series: Series::new("Mean", vec![at, at + 1.0], vec![1.0, 2.0]),
            baseline: None,
            notes: vec![note.into()],
        };
        let lines = [line(1.0, "infinite at n = 1"), line(7.0, "infinite at n = 7")];
        let found = groups(lines.clone()).remove(0);
        assert_eq!((found.series.len(), found.series[0].x.len()), (1, 5));
        assert!(found.series[0].x[2].is_nan() && found.series[0].x[3] == 7.0);
        let axis = || crate::plot::PanelAxis::linear("n");
        let said = sentences(&lines, &[Panel::new(axis(), axis()).with_group(found)]);
        assert_eq!(said, ["Theory: Mean, infinite at n = 1, infinite at n = 7"]);
        // Lines of several curves of one panel.
        let lines = [line(1.0, ""), line(1.5, "")].map(|line| Line { notes: vec![], ..line });
        let found = groups(lines.clone()).remove(0);
        let said = sentences(&lines, &[Panel::new(axis(), axis()).with_group(found)]);
        assert_eq!(said, ["Theory: Mean, one line for each curve"]);
    }

    #[test]
    fn a_baseline_stands_apart_from_theories() {
        let constant = |label: &'static str| TheoryLine::new(label, "a source", |_| Ok(2.0));
        let overlays = [Overlay::baseline(constant("Base")), Overlay::new(constant("Exact"))];
        let lines = overlays.map(|overlay| overlay.line(("n", &[1.0, 2.0]), |n| n));
        let found = groups(lines.clone());
        let headings: Vec<&str> = found.iter().map(|group| &*group.heading).collect();
        assert_eq!(headings, [HEADING, "Base"]);
        assert_eq!([found[0].series[0].dash, found[1].series[0].dash], [Dash::Dashed, Dash::Thin]);
        assert!(found.iter().all(is_theory));
        let axis = || crate::plot::PanelAxis::linear("n");
        let panel = |high: f64| {
            let panel = Panel::new(axis(), axis().with_range(0.0, high));
            Panel { groups: found.clone(), ..panel }
        };
        assert_eq!(sentences(&lines, &[panel(3.0)]), ["Theory: Exact (a source)", "Base: a source"]);
        let outside = ["Theory: Exact (a source), outside the frame", "Base: a source, outside the frame"];
        assert_eq!(sentences(&lines, &[panel(1.0)]), outside);
    }

    #[test]
    fn long_axes_are_tried_at_the_threshold() {
        let axis = counts(&[1, 100_000], Some(5000));
        assert!(axis.len() < 600 && axis.windows(2).all(|w| w[0] < w[1]));
        assert!((4970..=5030).all(|at| axis.contains(&f64::from(at))));
        assert_eq!(counts(&[], None), Vec::<f64>::new());
        let settings = between(&[0.0, 0.1, 10.0], true);
        assert!(settings[0] == 0.0 && settings.contains(&0.1) && settings.contains(&10.0));
    }
}
