//! Figures of the ablation study: the peak, and the error with each of its three factors switched off.

use super::FigureOptions;
use super::draft::{Draft, is_under};
use super::family::{CUTOFFS, Family, MODES};
use super::missing::{has_nothing, or_error, or_reason};
use super::setting::short;
use super::theory::is_theory;
use crate::Error;
use crate::curve::{Curve, Metric};
use crate::plot::{Figure, Group, Hue, Panel};

const ERRORS: [Metric; 2] = [Metric::TrainMse, Metric::TestMse];
const BIASES: [Metric; 2] = [Metric::BiasSquared, Metric::MeanSquaredBias];
const MSE: &str = "Mean squared error";

/// Relative changes of an error up to this count as no change: 1 %. [`three_factors`] marks the arms whose test error
/// differs by no more from the unablated one at every `n`.
pub const NO_CHANGE: f64 = 0.01;

/// Returns every figure of the study whose arms the curve has, each with a file name without extension. Figures that
/// need more memory than there is are among them, not drawn, with the reason ([`Figure::undrawn`]).
#[must_use]
pub fn ablations(curve: &Curve, options: &FigureOptions) -> Vec<(&'static str, Figure)> {
    let figures = [
        ("unablated", unablated(curve, options)),
        (CUTOFFS.name, no_small_singular_values(curve, options)),
        (MODES.name, test_features_projected(curve, options)),
        ("no_residuals", no_residuals(curve, options)),
        ("three_factors", three_factors(curve, options)),
    ];
    figures.into_iter().filter(|(_, figure)| !has_nothing(figure)).collect()
}

/// Figure of the arm `unablated`: training and test error, smallest non-zero singular value, squared bias, as far as
/// the curve has them.
///
/// Not drawn, with the reason ([`Figure::undrawn`]): a curve without this arm, or without positive values.
#[must_use]
pub fn unablated(curve: &Curve, options: &FigureOptions) -> Figure {
    let metrics = [ERRORS[0], ERRORS[1], BIASES[0], BIASES[1], Metric::SmallestSingularValue];
    or_reason(Draft::new(curve, options, &metrics), "unablated", draw_unablated)
}

fn draw_unablated(mut draft: Draft<'_>) -> Option<Figure> {
    let arm = draft.curve.arm("unablated", None)?;
    let errors = draft.panel(MSE, errors(&draft, arm), &shown(arm));
    let errors = draft.fitted(&ERRORS, errors).map(|panel| panel.with_title("Error"));

    let metric = Metric::SmallestSingularValue;
    let smallest = draft.single(metric, arm, "", Hue::Green); // the axis names it
    let smallest = draft.panel("Singular value", smallest, &[(metric, arm)]);
    let smallest = draft.fitted(&[metric], smallest);
    let smallest = smallest.map(|panel| panel.with_title("Smallest non-zero singular value"));

    let mut bias = Group::new("Squared bias", Hue::Purple);
    bias.series.extend(draft.series(BIASES[1], arm, "mean of squares"));
    bias.series.extend(draft.series(BIASES[0], arm, "square of mean"));
    let bias = draft.panel("Squared bias", [bias], &BIASES.map(|metric| (metric, arm)));
    let bias = draft.fitted(&[BIASES[0], BIASES[1], Metric::TestMse], bias);
    let bias = bias.map(|panel| panel.with_title("Squared bias over test data"));

    let panels = [errors, smallest, bias].into_iter().flatten().collect();
    let figure = draft.finish("Minimum-norm least squares", panels)?;
    let width = if figure.panels.len() == 3 { Some(1140.0) } else { None };
    Some(Figure { width_px: width, aspect: Some(0.9), ..figure })
}

/// Figure of the family `no_small_singular_values`: test and training error, a ramp over the cutoffs.
///
/// Not drawn, with the reason ([`Figure::undrawn`]): a curve without this family, or without positive errors.
#[must_use]
pub fn no_small_singular_values(curve: &Curve, options: &FigureOptions) -> Figure {
    or_reason(Draft::new(curve, options, &ERRORS), CUTOFFS.name, draw_no_small_singular_values)
}

fn draw_no_small_singular_values(mut draft: Draft<'_>) -> Option<Figure> {
    let mut panels: Vec<Panel> = Vec::new();
    for (metric, title, hue) in
        [(Metric::TestMse, "Test error", Hue::Vermillion), (Metric::TrainMse, "Training error", Hue::Blue)]
    {
        let ramp = CUTOFFS.ramp(&draft, metric, title, hue);
        if ramp.series.is_empty() {
            continue;
        }
        let reference = draft.reference(metric, "Unablated");
        let panel = draft.panel(MSE, [ramp].into_iter().chain(reference), &CUTOFFS.shown(&draft, metric));
        panels.extend(draft.fitted(&ERRORS, panel).map(|panel| panel.with_title(title)));
    }
    draft.finish("Singular values under a cutoff c dropped from the fit", panels)
}

/// Figure of the family `test_features_projected`: test error, a ramp over the number of modes kept. The fit,
/// and so the training error, is the same for all.
///
/// Not drawn, with the reason ([`Figure::undrawn`]): a curve without this family, or without positive errors.
#[must_use]
pub fn test_features_projected(curve: &Curve, options: &FigureOptions) -> Figure {
    or_reason(Draft::new(curve, options, &ERRORS), MODES.name, draw_test_features_projected)
}

fn draw_test_features_projected(mut draft: Draft<'_>) -> Option<Figure> {
    let first = *draft.curve.family(MODES.name).first()?;
    let train = draft.single(Metric::TrainMse, first, "Training error (all k)", Hue::Blue);
    let ramp = MODES.ramp(&draft, Metric::TestMse, "Test error", Hue::Vermillion);
    let reference = draft.reference(Metric::TestMse, "Test error, unablated");
    let mut shown = MODES.shown(&draft, Metric::TestMse);
    shown.push((Metric::TrainMse, first));
    let panel = draft.panel(MSE, train.into_iter().chain([ramp]).chain(reference), &shown);
    let panels = draft.fitted(&ERRORS, panel).into_iter().collect();
    // On a table with more features than rows, many settings are the same.
    let most = draft.curve.cells.iter().map(|cell| cell.n.min(cell.p)).max()?;
    let arms = draft.curve.family(MODES.name);
    let settings = arms.into_iter().filter_map(|arm| draft.curve.arms[arm].setting);
    let same = settings.filter(|modes| *modes >= most as f64).count();
    let same = if same > 1 {
        format!("; there are at most {most}, so the lines of k ≥ {most} are the same")
    } else {
        String::new()
    };
    let what = "Test data projected on the k leading right singular vectors of the training data";
    draft.finish(&format!("{what}{same}"), panels)
}

/// Figure of the arm `no_residuals`: training and test error.
///
/// Not drawn, with the reason ([`Figure::undrawn`]): a curve without this arm, or without positive errors.
#[must_use]
pub fn no_residuals(curve: &Curve, options: &FigureOptions) -> Figure {
    or_reason(Draft::new(curve, options, &ERRORS), "no_residuals", draw_no_residuals)
}

fn draw_no_residuals(mut draft: Draft<'_>) -> Option<Figure> {
    let arm = draft.curve.arm("no_residuals", None)?;
    let reference = draft.reference(Metric::TestMse, "Test error, unablated");
    let panel = draft.panel(MSE, reference.into_iter().chain(errors(&draft, arm)), &shown(arm));
    let panels = draft.fitted(&ERRORS, panel).into_iter().collect();
    draft.finish("Targets replaced by those of the best linear model, without residuals", panels)
}

/// Four panels with one vertical scale: unablated, and each factor switched off. Each factor has its mildest setting
/// whose test error at the interpolation threshold is within a factor 2 of the lowest in its family (elsewhere there
/// may be a peak). Numbers of modes that keep all of them switch nothing off, and are not considered. A curve without
/// the threshold shows no settings.
///
/// Not drawn, with the reason ([`Figure::undrawn`]): a curve with fewer than two of these arms, or without positive
/// errors.
#[must_use]
pub fn three_factors(curve: &Curve, options: &FigureOptions) -> Figure {
    or_error(Draft::new(curve, options, &ERRORS), draw_three_factors, |_| {
        let reason = "the curve has fewer than two arms of the ablation study with errors to draw";
        Error::Unsupported { reason: reason.into() }
    })
}

fn draw_three_factors(mut draft: Draft<'_>) -> Option<Figure> {
    let curve = draft.curve;
    let telling = |family: &Family| {
        let arm = mildest(&draft, family)?;
        Some((arm, family.label(curve.arms[arm].setting)))
    };
    let (cutoff, modes) = (telling(&CUTOFFS), telling(&MODES));
    let mut what = switched_off(&draft, [(&CUTOFFS, cutoff.is_some()), (&MODES, modes.is_some())]);
    let arms = [
        curve.arm("unablated", None).map(|arm| (arm, "Unablated".to_owned())),
        cutoff.map(|(arm, label)| (arm, format!("Singular values under {label} dropped"))),
        modes.map(|(arm, label)| (arm, format!("Test data on {label} leading modes"))),
        curve.arm("no_residuals", None).map(|arm| (arm, "No residuals".to_owned())),
    ];
    if arms.iter().flatten().count() < 2 {
        return None;
    }
    let mut panels: Vec<Panel> = Vec::new();
    let mut unchanged = 0;
    for (arm, mut title) in arms.into_iter().flatten() {
        if is_unchanged(&draft, arm) {
            title += " (no change)";
            unchanged += 1;
        }
        let reference = draft.reference(Metric::TestMse, "Test error, unablated");
        let panel = draft.panel(MSE, reference.into_iter().chain(errors(&draft, arm)), &shown(arm));
        panels.extend(panel.map(|panel| panel.with_title(title)));
    }
    if !draft.fit(&ERRORS, &mut panels) {
        return None;
    }
    for panel in &mut panels {
        // A group has the same name in all panels, so that they share a legend; the title names what differs.
        let measured = panel.groups.iter().filter(|group| !is_theory(group));
        let zero = measured.filter(|group| group.series.iter().all(|s| is_under(s, &panel.y)));
        let zero: Vec<String> = zero.map(|group| group.heading.to_lowercase()).collect();
        if !zero.is_empty() {
            panel.title.extend([format!(" ({} zero)", zero.join(" and "))]);
        }
    }
    if unchanged > 0 {
        let percent = short(100.0 * NO_CHANGE);
        what.extend([format!(
            ". Where a panel says \u{201c}no change\u{201d}, the test error is within {percent}\u{a0}% of the \
             unablated one at every n"
        )]);
    }
    let figure = draft.finish(&what, panels)?;
    Some(figure.with_columns(2).with_aspect(0.62))
}

/// Describes which factors are switched off, how the settings of the families drawn were chosen, and why a family of the
/// curve is missing.
fn switched_off(draft: &Draft<'_>, families: [(&Family, bool); 2]) -> String {
    let curve = draft.curve;
    let at = if draft.rank.is_some() { "rank" } else { "p" };
    let knobs = |drawn: bool| -> Vec<&str> {
        let wanted = |(family, is_drawn): &&(&Family, bool)| {
            *is_drawn == drawn && (drawn || !curve.family(family.name).is_empty())
        };
        families.iter().filter(wanted).map(|(family, _)| family.knob).collect()
    };
    let shown = knobs(true);
    let factors = shown.len() + usize::from(curve.arm("no_residuals", None).is_some());
    let mut what = match factors {
        3 => "Double descent, and each of its three factors switched off".to_owned(),
        1 => "One of the three factors of double descent switched off".to_owned(),
        _ => "Two of the three factors of double descent switched off".to_owned(),
    };
    if !shown.is_empty() {
        let (are, setting, their) = match shown[..] {
            [_] => ("is", "setting", "its"),
            _ => ("are", "settings", "their"),
        };
        let fewer = if shown.contains(&MODES.knob) {
            format!("only k < {at} are considered, as more keep every mode; ")
        } else {
            String::new()
        };
        what.extend([format!(
            "; {} {are} the mildest {setting} whose median test error at n = {at} is within a factor 2 of the lowest in \
             {their} family ({fewer}a peak may remain at other n)",
            shown.join(" and ")
        )]);
    }
    let missing = knobs(false);
    if !missing.is_empty() && !draft.has_threshold(Metric::TestMse) {
        let names = missing.iter().map(|knob| match *knob {
            knob if knob == MODES.knob => format!("the number of modes {knob}"),
            knob => format!("the cutoff {knob}"),
        });
        what.extend([format!(
            ". There is no panel for {}: settings are chosen at n = {at}, which is not on the curve",
            names.collect::<Vec<_>>().join(" or ")
        )]);
    } else if missing == [MODES.knob] {
        what.extend([format!(
            ". There is no panel for the number of modes {}: no setting is below {at}",
            MODES.knob
        )]);
    }
    what
}

/// Whether an arm that switches a factor off leaves the test error unchanged everywhere: a cutoff below every singular
/// value, or residuals that are already zero.
fn is_unchanged(draft: &Draft<'_>, arm: usize) -> bool {
    let of = |arm: usize| {
        draft.table(Metric::TestMse).iter().filter(move |s| s.arm == arm).map(|s| (s.n, s.median))
    };
    let Some(plain) = draft.curve.arm("unablated", None).filter(|plain| *plain != arm) else { return false };
    of(plain).count() > 0
        && of(plain).zip(of(arm)).all(|((n, a), (m, b))| n == m && (a - b).abs() <= NO_CHANGE * a.abs())
}

/// The training and test error of one arm.
pub(super) fn errors(draft: &Draft<'_>, arm: usize) -> Vec<Group> {
    let train = draft.single(Metric::TrainMse, arm, "Training error", Hue::Blue);
    let test = draft.single(Metric::TestMse, arm, "Test error", Hue::Vermillion);
    train.into_iter().chain(test).collect()
}

/// The metrics and arms of the curves in [`errors`].
pub(super) fn shown(arm: usize) -> [(Metric, usize); 2] {
    ERRORS.map(|metric| (metric, arm))
}

/// The mildest setting that removes the peak at the threshold. Small cutoffs are mild, and so are many modes, if
/// fewer than all.
fn mildest(draft: &Draft<'_>, family: &Family) -> Option<usize> {
    let setting = |arm: usize| draft.curve.arms[arm].setting.unwrap_or(0.0);
    let features = draft.curve.cells.iter().map(|cell| cell.p).max()?;
    let modes = draft.rank.unwrap_or(features) as f64;
    let all_modes = |arm: usize| family.name == MODES.name && setting(arm) >= modes;
    let mut errors: Vec<(usize, f64)> = draft
        .curve
        .family(family.name)
        .into_iter()
        .filter(|&arm| !all_modes(arm))
        .filter_map(|arm| Some((arm, draft.at_threshold(Metric::TestMse, arm)?)))
        .collect();
    let lowest = errors.iter().map(|&(_, error)| error).min_by(f64::total_cmp)?;
    errors.retain(|&(_, error)| error <= 2.0 * lowest);
    let mildness = |a: usize, b: usize| {
        let order = setting(a).total_cmp(&setting(b));
        if family.name == CUTOFFS.name { order } else { order.reverse() }
    };
    errors.into_iter().map(|(arm, _)| arm).min_by(|&a, &b| mildness(a, b))
}
