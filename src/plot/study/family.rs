//! A family of arms as a ramp: what its knob is called, how settings read.

use super::draft::Draft;
use crate::curve::Metric;
use crate::plot::{Group, Hue};

/// A family of arms that differ in one setting.
pub(super) struct Family {
    /// The arms' name.
    pub(super) name: &'static str,
    /// What is done to it, for headings.
    pub(super) heading: &'static str,
    /// The setting's letter.
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

    /// The curves of [`Family::ramp`].
    pub(super) fn shown(&self, draft: &Draft<'_>, metric: Metric) -> Vec<(Metric, usize)> {
        draft.curve.family(self.name).into_iter().map(|arm| (metric, arm)).collect()
    }

    /// The ramp of one metric; empty where no arm has it.
    pub(super) fn ramp(&self, draft: &Draft<'_>, metric: Metric, error: &str, hue: Hue) -> Group {
        let mut group = Group::new(format!("{error}, {}", self.heading), hue);
        for arm in draft.curve.family(self.name) {
            group.series.extend(draft.series(metric, arm, self.label(draft.curve.arms[arm].setting)));
        }
        group
    }
}

/// A setting in three digits: `0.00316`, `5`, `31.6`, `1e-7`.
pub(super) fn short(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return if value == 0.0 { "0".into() } else { value.to_string() };
    }
    let rounded: f64 = format!("{value:.2e}").parse().unwrap_or(value);
    let text =
        if (1e-4..1e6).contains(&rounded.abs()) { rounded.to_string() } else { format!("{rounded:e}") };
    text.replace('-', "−")
}

#[cfg(test)]
mod tests {
    use super::short;

    #[test]
    fn settings_are_short() {
        let texts = [1e-3, 0.003_162_277_660_168_379_4, 1.0, 5.0, 31.6, 0.0, 3.16e-7, -0.5, 1e300].map(short);
        assert_eq!(texts, ["0.001", "0.00316", "1", "5", "31.6", "0", "3.16e−7", "−0.5", "1e300"]);
        assert_eq!(short(f64::NAN), "NaN");
    }
}
