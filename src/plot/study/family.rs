//! A family of arms as a ramp: name of the setting, labels of its values.

use super::draft::Draft;
use super::setting::short;
use crate::curve::Metric;
use crate::plot::{Group, Hue};

/// A family of arms that differ in one setting.
pub(super) struct Family {
    /// The arms' name.
    pub(super) name: &'static str,
    /// What the family changes, for headings.
    pub(super) heading: &'static str,
    /// The symbol of the setting.
    pub(super) knob: &'static str,
}

pub(super) const CUTOFFS: Family =
    Family { name: "no_small_singular_values", heading: "modes of σ\u{a0}<\u{a0}c dropped", knob: "c" };
pub(super) const MODES: Family =
    Family { name: "test_features_projected", heading: "test data on k modes", knob: "k" };
pub(super) const TEST_DATA: Family =
    Family { name: "adversarial_test", heading: "test data moved by a", knob: "a" };
pub(super) const TRAINING_TARGETS: Family =
    Family { name: "adversarial_train", heading: "training targets moved by a", knob: "a" };

impl Family {
    /// `c = 0.00316`.
    pub(super) fn label(&self, setting: Option<f64>) -> String {
        setting.map_or_else(
            || self.name.replace('_', " "),
            |value| format!("{}\u{a0}=\u{a0}{}", self.knob, short(value)),
        )
    }

    /// The metrics and arms of the curves in [`Family::ramp`].
    pub(super) fn shown(&self, draft: &Draft<'_>, metric: Metric) -> Vec<(Metric, usize)> {
        draft.curve.family(self.name).into_iter().map(|arm| (metric, arm)).collect()
    }

    /// The ramp of one metric; empty if no arm has it.
    pub(super) fn ramp(&self, draft: &Draft<'_>, metric: Metric, error: &str, hue: Hue) -> Group {
        let mut group = Group::new(format!("{error}, {}", self.heading), hue);
        for arm in draft.curve.family(self.name) {
            group.series.extend(draft.series(metric, arm, self.label(draft.curve.arms[arm].setting)));
        }
        group
    }
}
