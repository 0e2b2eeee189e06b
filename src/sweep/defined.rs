//! Which metrics a sweep can give, asked before anything runs.

use super::{Arm, PlaneSweep, Sweep};
use crate::Error;
use crate::curve::{ArmLabel, Metric};

/// Why an error rate is not defined.
const ONE_OUTPUT: &str = "compares targets of two columns or more, one for each class, and the table has one column \
                          of targets";

impl Sweep {
    /// [`Error::Unsupported`] for a metric that no arm has.
    pub(super) fn check_metrics(&self) -> Result<(), Error> {
        let attacked = self.arms.iter().any(|arm| arm.adversary.is_some());
        check(&self.metrics, |metric| match metric {
            Metric::TestErrorRate if self.data.targets().ncols() < 2 => Some(ONE_OUTPUT),
            Metric::TestMseOpposite if !attacked => {
                Some("is the test error for the other sign of an adversary, and no arm has one")
            }
            _ => None,
        })
    }

    /// Whether error rates are asked for, and defined.
    pub(super) fn counts_errors(&self) -> bool {
        self.metrics.contains(&Metric::TestErrorRate) && self.data.targets().ncols() > 1
    }
}

impl PlaneSweep {
    /// [`Error::Unsupported`] for a metric that its cells do not have.
    pub(super) fn check_metrics(&self) -> Result<(), Error> {
        check(&self.metrics, |metric| match metric {
            Metric::TestErrorRate if self.train.targets().ncols() < 2 => Some(ONE_OUTPUT),
            Metric::TestMseOpposite => {
                Some("needs an adversary, which a `PlaneSweep` does not have: use a `Sweep`")
            }
            Metric::BiasSquared | Metric::MeanSquaredBias => Some(
                "needs the best linear model of the whole table, which a `PlaneSweep` does not fit: use a `Sweep`",
            ),
            _ => None,
        })
    }
}

/// All metrics at once are a request for whatever there is.
fn check(metrics: &[Metric], obstacle: impl Fn(Metric) -> Option<&'static str>) -> Result<(), Error> {
    if metrics.is_empty() {
        return Err(Error::Empty { what: "the list of metrics" });
    }
    if Metric::ALL.iter().all(|metric| metrics.contains(metric)) {
        return Ok(());
    }
    let missing = metrics.iter().find_map(|&metric| Some((metric, obstacle(metric)?)));
    missing.map_or(Ok(()), |(metric, why)| {
        let reason = format!("the metric `{}` {why}; leave it out, or ask for `Metric::ALL`", metric.name());
        Err(Error::Unsupported { reason })
    })
}

impl Arm {
    /// What is wrong with the names and settings of arms: a setting that is not finite, or two arms of one label.
    pub(super) fn check_labels<'a>(labels: impl IntoIterator<Item = &'a ArmLabel>) -> Result<(), Error> {
        let mut seen: Vec<&ArmLabel> = Vec::new();
        for label in labels {
            if let Some(value) = label.setting.filter(|setting| !setting.is_finite()) {
                return Err(Error::Domain { what: "an arm's setting", value, must_be: "finite" });
            }
            if seen.contains(&label) {
                let setting =
                    label.setting.map_or("no setting".into(), |setting| format!("the setting {setting:?}"));
                let name = &label.name;
                let reason = format!(
                    "two arms are named `{name}` and have {setting}; give one another name or setting: tables tell \
                     arms apart by both"
                );
                return Err(Error::Unsupported { reason });
            }
            seen.push(label);
        }
        Ok(())
    }
}
