//! Figures of the adversarial study: ramps over the strength, for both signs.

use super::{FigureOptions, or_reason};
use super::draft::Draft;
use super::family::{Family, TEST_DATA, TRAINING_TARGETS};
use crate::curve::{Curve, Metric};
use crate::plot::{Figure, Group, Hue, Panel};

const MSE: &str = "Mean squared error";
const SIGNS: [(Metric, &str); 2] = [(Metric::TestMse, "+"), (Metric::TestMseOpposite, "−")];

/// Every figure of the study that the curve has the arms for, with a name for its file.
#[must_use]
pub fn adversaries(curve: &Curve, options: &FigureOptions) -> Vec<(&'static str, Figure)> {
    let figures = [
        (TEST_DATA.name, adversarial_test(curve, options)),
        (TRAINING_TARGETS.name, adversarial_train(curve, options)),
    ];
    figures.into_iter().filter(|(_, figure)| figure.undrawn.is_none()).collect()
}

/// The family `adversarial_test`: test error as test data move along the last mode, a ramp over the
/// strength `a`, a panel for each sign.
#[must_use]
pub fn adversarial_test(curve: &Curve, options: &FigureOptions) -> Figure {
    or_reason(draw_adversarial_test(curve, options), curve, "adversarial_test")
}

fn draw_adversarial_test(curve: &Curve, options: &FigureOptions) -> Option<Figure> {
    let metrics = [Metric::TestMse, Metric::TestMseOpposite];
    let mut draft = Draft::new(curve, options, &metrics);
    let mut panels = test_errors(&draft, &TEST_DATA, |sign| format!("Test data x {sign} a v"));
    if !draft.fit(&metrics, &mut panels) {
        return None;
    }
    let what = "Test data moved along v, the right singular vector of the smallest non-zero singular value \
                of the training data, signed so that its left partner u has u\u{a0}·\u{a0}y\u{a0}≥\u{a0}0";
    draft.finish(what, panels)
}

/// The family `adversarial_train`: test error as training targets move along the last mode, a ramp
/// over the strength `a`, a panel for each sign.
#[must_use]
pub fn adversarial_train(curve: &Curve, options: &FigureOptions) -> Figure {
    or_reason(draw_adversarial_train(curve, options), curve, "adversarial_train")
}

fn draw_adversarial_train(curve: &Curve, options: &FigureOptions) -> Option<Figure> {
    let metrics = [Metric::TestMse, Metric::TestMseOpposite];
    let mut draft = Draft::new(curve, options, &metrics);
    let mut panels = test_errors(&draft, &TRAINING_TARGETS, |sign| format!("Training targets y {sign} a u"));
    if !draft.fit(&metrics, &mut panels) {
        return None;
    }
    let what = "Training targets moved along u, the left singular vector of the smallest non-zero singular \
                value of the training data, signed so that u\u{a0}·\u{a0}y\u{a0}≥\u{a0}0";
    draft.finish(what, panels)
}

/// A panel for each sign that the curve has, all with one legend.
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
