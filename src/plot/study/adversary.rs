//! Figures of the adversarial study: ramps over the adversary's strength, for both signs.

use super::FigureOptions;
use super::draft::Draft;
use super::family::{Family, TEST_DATA, TRAINING_TARGETS};
use super::missing::{has_nothing, or_reason};
use crate::curve::{Cell, Curve, Metric, Summary};
use crate::plot::{Figure, Group, Hue, Panel};
use std::collections::HashMap;

const MSE: &str = "Mean squared error";
/// Caption of the lower panels, which separate lines that coincide in the upper ones.
const RATIOS: &str = "Below, lines are medians over the repeats of the error divided by that of the same fit without adversary";
const METRICS: [Metric; 2] = [Metric::TestMse, Metric::TestMseOpposite];
const SIGNS: [(Metric, &str); 2] = [(Metric::TestMse, "+"), (Metric::TestMseOpposite, "−")];

/// Returns every figure of the study whose arms the curve has, each with a file name without extension. Figures that
/// need more memory than there is are among them, not drawn, with the reason ([`Figure::undrawn`]).
#[must_use]
pub fn adversaries(curve: &Curve, options: &FigureOptions) -> Vec<(&'static str, Figure)> {
    let figures = [
        (TEST_DATA.name, adversarial_test(curve, options)),
        (TRAINING_TARGETS.name, adversarial_train(curve, options)),
    ];
    figures.into_iter().filter(|(_, figure)| !has_nothing(figure)).collect()
}

/// Figure of the family `adversarial_test`: test error as test data move along the last mode, a ramp over the
/// strength `a`, one panel per sign. If the curve has the arm `unablated`, panels below show the errors relative to it.
///
/// Not drawn, with the reason ([`Figure::undrawn`]): a curve without this family, or without positive errors.
#[must_use]
pub fn adversarial_test(curve: &Curve, options: &FigureOptions) -> Figure {
    or_reason(Draft::new(curve, options, &METRICS), TEST_DATA.name, draw_adversarial_test)
}

fn draw_adversarial_test(mut draft: Draft<'_>) -> Option<Figure> {
    let mut panels = test_errors(&draft, &TEST_DATA, |sign| format!("Test data x {sign} a v"));
    if !draft.fit(&METRICS, &mut panels) {
        return None;
    }
    let ratios = ratios(&draft, &TEST_DATA, |sign| format!("Test data x {sign} a v"));
    let what = "Test data moved along v, the right singular vector of the smallest non-zero singular value \
                of the training data, signed so that its left partner u has u\u{a0}·\u{a0}y\u{a0}≥\u{a0}0";
    finish(&draft, what, panels, ratios)
}

/// Figure of the family `adversarial_train`: test error as training targets move along the last mode, a ramp over the
/// strength `a`, one panel per sign. If the curve has the arm `unablated`, panels below show the errors relative to it.
///
/// Not drawn, with the reason ([`Figure::undrawn`]): a curve without this family, or without positive errors.
#[must_use]
pub fn adversarial_train(curve: &Curve, options: &FigureOptions) -> Figure {
    or_reason(Draft::new(curve, options, &METRICS), TRAINING_TARGETS.name, draw_adversarial_train)
}

fn draw_adversarial_train(mut draft: Draft<'_>) -> Option<Figure> {
    let mut panels = test_errors(&draft, &TRAINING_TARGETS, |sign| format!("Training targets y {sign} a u"));
    if !draft.fit(&METRICS, &mut panels) {
        return None;
    }
    let ratios = ratios(&draft, &TRAINING_TARGETS, |sign| format!("Training targets y {sign} a u"));
    let what = "Training targets moved along u, the left singular vector of the smallest non-zero singular \
                value of the training data, signed so that u\u{a0}·\u{a0}y\u{a0}≥\u{a0}0";
    finish(&draft, what, panels, ratios)
}

/// The errors, with the ratios below if there are any: their lines are medians, whatever those above are.
fn finish(draft: &Draft<'_>, what: &str, errors: Vec<Panel>, ratios: Vec<Panel>) -> Option<Figure> {
    let has_ratios = !ratios.is_empty();
    let what = if has_ratios { format!("{what}. {RATIOS}") } else { what.to_owned() };
    let mut figure = draft.finish(&what, [errors, ratios].concat())?;
    if has_ratios {
        figure.caption = figure.caption.replacen("Lines are", "Above, lines are", 1);
    }
    Some(figure.with_columns(2))
}

/// One panel for each sign that the curve has, all with one legend.
fn test_errors(draft: &Draft<'_>, family: &Family, title: impl Fn(&str) -> String) -> Vec<Panel> {
    let mut panels = Vec::new();
    for (metric, sign) in SIGNS {
        let ramp: Group = family.ramp(draft, metric, "Test error", Hue::Vermillion);
        if ramp.series.is_empty() {
            continue;
        }
        let reference = draft.reference(Metric::TestMse, "Test error, unablated");
        let panel = draft.panel(MSE, [ramp].into_iter().chain(reference), &family.shown(draft, metric));
        panels.extend(panel.map(|panel| panel.with_title(title(sign))));
    }
    panels
}

/// One panel per sign: each error divided by that of the same repeat without adversary.
fn ratios(draft: &Draft<'_>, family: &Family, title: impl Fn(&str) -> String) -> Vec<Panel> {
    let mut panels = Vec::new();
    for (metric, sign) in SIGNS {
        let mut ramp: Group = family.ramp(draft, metric, "Test error", Hue::Vermillion);
        let arms = draft.curve.family(family.name);
        if ramp.series.len() != arms.len() {
            continue;
        }
        for (series, arm) in ramp.series.iter_mut().zip(arms) {
            let Some(ratios) = over_reference(draft, metric, arm) else { return Vec::new() };
            (series.y, series.band) = (ratios, None);
        }
        let mut one = draft.reference(Metric::TestMse, "Test error, unablated");
        for series in one.iter_mut().flat_map(|group| &mut group.series) {
            series.y.fill(1.0);
        }
        let panel =
            draft.panel("Error relative to the fit without adversary", [ramp].into_iter().chain(one), &[]);
        panels.extend(panel.map(|panel| panel.with_title(format!("{}, ratio", title(sign)))));
    }
    panels
}

/// Medians over the repeats of an arm's error divided by that of the unablated arm, by axis value.
fn over_reference(draft: &Draft<'_>, metric: Metric, arm: usize) -> Option<Vec<f64>> {
    let curve = draft.curve;
    let reference = curve.arm("unablated", None)?;
    let place = |cell: &Cell| Some((cell.repeat, curve.axis.value(cell)?.to_bits()));
    let of_arm = |arm: usize| curve.cells.iter().filter(move |cell| cell.arm == arm);
    let without: HashMap<(usize, u64), f64> =
        of_arm(reference).filter_map(|cell| Some((place(cell)?, cell.test_mse?))).collect();
    let mut ratios: HashMap<u64, Vec<f64>> = HashMap::new();
    for cell in of_arm(arm) {
        if let (Some(place), Some(error)) = (place(cell), cell.metric(metric))
            && let Some(reference) = without.get(&place)
        {
            ratios.entry(place.1).or_default().push(error / reference);
        }
    }
    let median = |summary: &Summary| {
        let Some(values) = ratios.get_mut(&summary.value.to_bits()) else { return f64::NAN };
        values.sort_unstable_by(f64::total_cmp);
        let middle = values.len() / 2;
        if values.len() % 2 == 1 { values[middle] } else { f64::midpoint(values[middle - 1], values[middle]) }
    };
    Some(draft.table(metric).iter().filter(|summary| summary.arm == arm).map(median).collect())
}
