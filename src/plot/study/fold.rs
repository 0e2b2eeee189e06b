//! One metric over another: a curve over its own complexity.

use super::draft::Draft;
use super::metric::{spans_decades, words};
use super::{FigureOptions, Overlay, Statistic, theory};
use crate::Error;
use crate::curve::{Axis as Along, Curve, Metric, Summary};
use crate::plot::{Figure, Group, Panel, PanelAxis, Series};

/// Figure of an arm's metric `y` over its metric `x`, point by point along the curve's axis. If `x` rises and then
/// falls again, the curve folds back: over [effective parameters](Metric::EffectiveParameters), a second descent is no
/// new regime but a return along the same axis (Curth, Jeffares and van der Schaar 2023). On an axis of samples or
/// features, the line is light up to the threshold (`n = p`, or the rank) and dark beyond it. A theory of `y` is drawn
/// at the curve's own points.
///
/// # Errors
/// [`Error::TooLarge`] for an arm that the curve does not have; [`Error::Unsupported`] if the arm lacks one of the
/// metrics, or has only zeros for a logarithmic axis.
///
/// # Examples
/// ```
/// use double_descent::curve::Metric;
/// use double_descent::plot::{FigureOptions, study};
/// use double_descent::{dataset::Dataset, sweep::{Arm, Sweep}};
///
/// let sweep = Sweep {
///     arms: vec![Arm::min_norm()],
///     metrics: vec![Metric::TestMse, Metric::EffectiveParameters],
///     ..Sweep::new(Dataset::diabetes(), 5..=30, 20, 0)
/// };
/// let (curve, options) = (sweep.run()?, FigureOptions::default());
/// let figure = study::over_metric(&curve, 0, (Metric::EffectiveParameters, Metric::TestMse), &options)?;
/// assert!(figure.to_svg().contains("Effective parameters"));
/// # Ok::<(), double_descent::Error>(())
/// ```
///
/// # References
/// Curth, Jeffares and van der Schaar, *A U-turn on double descent*, NIPS 2023, figure 1.
pub fn over_metric(
    curve: &Curve,
    arm: usize,
    (x, y): (Metric, Metric),
    options: &FigureOptions,
) -> Result<Figure, Error> {
    if arm >= curve.arms.len() {
        return Err(Error::no_arm(curve.arms.len(), arm));
    }
    let mut draft = Draft::new(curve, options, &[x, y])?;
    let points = points(&draft, arm, (x, y));
    if points.is_empty() {
        let [x, y] = [x, y].map(Metric::name);
        let reason = format!("the arm has no cells with both {x} and {y}; ask the sweep for both metrics");
        return Err(Error::Unsupported { reason });
    }
    let (of_x, of_y) = (words(x), words(y));
    let mut group = Group::new(&*of_y.name, of_y.hue);
    let symbol = curve.axis.symbol();
    let mut what = format!("{} over {}, along {symbol}", of_y.name, lowered(&of_x.name));
    let threshold = curve.interpolation_threshold().map(|at| at as f64);
    match threshold.and_then(|at| points.iter().rposition(|point| point.0 <= at)) {
        Some(last) if last > 0 && last + 1 < points.len() => {
            let other = match curve.axis {
                Along::Samples if draft.rank.is_some() => "rank",
                Along::Samples => "p",
                _ => "n",
            };
            let branch = |sign: &str, points| series(format!("{symbol} {sign} {other}"), points);
            group.series = vec![branch("≤", &points[..=last]), branch("≥", &points[last..])];
            what += ": light up to the threshold, dark from there";
        }
        _ => group.series = vec![series(String::new(), &points)],
    }
    let logarithmic = |is_logarithmic: bool, label: &str| {
        if is_logarithmic { PanelAxis::log10(label) } else { PanelAxis::linear(label) }
    };
    let mut values: Vec<f64> = points.iter().map(|point| point.1).collect();
    values.sort_unstable_by(f64::total_cmp);
    let across = logarithmic(of_x.is_logarithmic && spans_decades(&values), &of_x.axis);
    let mut panels = vec![Panel::new(across, logarithmic(of_y.is_logarithmic, &of_y.axis)).with_group(group)];
    panels[0].groups.extend(theories(&mut draft, arm, y, &points));
    if of_y.is_logarithmic && !draft.fit(&[y], &mut panels) {
        let reason = format!("every {} is zero: a logarithmic axis cannot show them", y.name());
        return Err(Error::Unsupported { reason });
    }
    draft.finish(&what, panels).ok_or(Error::Empty { what: "the figure" })
}

/// The theories and baselines of the ordinate, at the curve's own points.
fn theories(draft: &mut Draft<'_>, arm: usize, y: Metric, points: &[(f64, f64, f64)]) -> Vec<Group> {
    let axis: Vec<f64> = points.iter().map(|point| point.0).collect();
    let across = |at: f64| points.iter().find(|point| point.0 == at).map_or(f64::NAN, |point| point.1);
    let is_of = |overlay: &&Overlay| overlay.metric == y && overlay.is_along(draft.curve, arm);
    let lines = draft.options.theories.iter().filter(is_of);
    draft.theories = lines.map(|overlay| overlay.line((draft.curve.axis.symbol(), &axis), across)).collect();
    theory::groups(draft.theories.iter().cloned())
}

/// The positions on the curve's axis that have both metrics, with their values.
fn points(draft: &Draft<'_>, arm: usize, (x, y): (Metric, Metric)) -> Vec<(f64, f64, f64)> {
    let middle = |s: &Summary| match draft.options.statistic {
        Statistic::Median => s.median,
        Statistic::Mean(_) => s.mean,
    };
    let of = |metric| draft.table(metric).iter().filter(move |s| s.arm == arm);
    let point = |ordinate: &Summary| {
        let abscissa = of(x).find(|s| s.value == ordinate.value)?;
        Some((ordinate.value, middle(abscissa), middle(ordinate)))
    };
    of(y).filter_map(point).collect()
}

fn series(label: String, points: &[(f64, f64, f64)]) -> Series {
    let (x, y) = points.iter().map(|point| (point.1, point.2)).unzip();
    Series::new(label, x, y).with_points()
}

/// Returns a name as it is written within a sentence.
fn lowered(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or(String::new(), |first| first.to_lowercase().chain(letters).collect())
}
