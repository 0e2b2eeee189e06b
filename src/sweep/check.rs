//! Checks of a sweep as a whole, before anything runs.

use super::coordinates::Intercept;
use super::source::Sizes;
use super::spectral::{has_evidence, has_leave_one_out};
use super::{Arm, Source, Splits, Start, Sweep};
use crate::Error;
use crate::curve::{ArmLabel, Metric};
use crate::factors::ablation::Ablation;

/// Why an error rate is undefined for a single target column.
const ONE_OUTPUT: &str = "needs two or more columns of targets, one for each class, and there is one";

impl Sweep {
    /// Returns the first error found in the sweep.
    pub(super) fn check(&self, sizes: Sizes, features: &[usize]) -> Result<(), Error> {
        if self.samples.is_empty() {
            return Err(Error::Empty { what: "the list of training set sizes" });
        }
        if self.arms.is_empty() {
            return Err(Error::Empty { what: "the list of arms" });
        }
        self.check_metrics(sizes)?;
        self.check_samples(sizes)?;
        self.check_features(sizes, features)?;
        self.arms.iter().try_for_each(Arm::check)?;
        Arm::check_labels(&self.arms.iter().map(Arm::label).collect::<Vec<_>>())?;
        self.parameter.as_ref().map_or(Ok(()), super::Parameter::check)?;
        self.check_targets(sizes)?;
        self.check_combination(sizes, features)
    }

    /// Returns [`Error::Unsupported`] if only a parameter varies.
    pub(super) fn check_surface(&self) -> Result<(), Error> {
        if self.parameter.is_some() && self.samples.len() <= 1 && self.features.len() <= 1 {
            let reason = "a surface needs two axes, and a parameter alone varies here: ask for the curve";
            return unsupported(reason.into());
        }
        Ok(())
    }

    fn check_samples(&self, sizes: Sizes) -> Result<(), Error> {
        let rows = sizes.rows;
        let one_table = matches!(self.source, Source::Table(_));
        if one_table && rows < 2 {
            let must_be = "at least 2: one to train on, one to test on";
            return Err(Error::Domain { what: "the number of rows", value: 1.0, must_be });
        }
        let most = if one_table {
            (rows - 1, "the number of rows less one to test on")
        } else {
            (rows, "the number of training rows")
        };
        listed(&self.samples, most, "a training set size n")
    }

    fn check_features(&self, sizes: Sizes, features: &[usize]) -> Result<(), Error> {
        let most = if self.maps.is_none() {
            (sizes.inputs, "the number of inputs, where no map makes more of them")
        } else {
            (self.maps.most_features(), "the number of features that the map has")
        };
        listed(features, most, "a feature count p")
    }

    /// Checks that the arms' own targets have the shape of the source's.
    fn check_targets(&self, sizes: Sizes) -> Result<(), Error> {
        let one_table = matches!(self.source, Source::Table(_));
        let tests = if one_table { sizes.rows } else { sizes.tests };
        for arm in &self.arms {
            let own = arm.targets.is_some() || arm.test_targets.is_some();
            if own && matches!(self.source, Source::Drawn(_)) {
                return unsupported(format!(
                    "the arm `{}` has its own targets, but rows are drawn afresh for each repeat; draw its targets \
                     with them",
                    arm.name
                ));
            }
            let tables = [
                ("training targets of an arm", &arm.targets, sizes.rows),
                ("test targets of an arm", &arm.test_targets, tests),
            ];
            for (what, own, rows) in tables {
                if let Some(own) = own {
                    Error::check_len(what, rows, own.nrows())?;
                    Error::check_len(what, sizes.outputs, own.ncols())?;
                    Error::check_finite(what, own.view())?;
                }
            }
        }
        Ok(())
    }

    /// Checks for parts that cannot be combined.
    fn check_combination(&self, sizes: Sizes, features: &[usize]) -> Result<(), Error> {
        let one_table = matches!(self.source, Source::Table(_));
        if self.splits.horizon().is_some() && !one_table {
            let reason = "windows of time are cut from one table for training and testing; this source has separate \
                          test rows";
            return unsupported(reason.into());
        }
        if matches!((&self.source, &self.splits), (Source::Drawn(_), Splits::Recorded(_))) {
            let reason = "recorded splits are rows of a table, but rows are drawn afresh for each repeat";
            return unsupported(reason.into());
        }
        if sizes.population && !self.maps.is_none() {
            let reason = "the risk over a population is exact only if its inputs are the features; with a feature \
                          map, draw test rows";
            return unsupported(reason.into());
        }
        if one_table && self.parameter.as_ref().is_some_and(super::Parameter::is_input_noise) {
            let reason =
                "noise on the training inputs needs separate test rows: give a training and a test table";
            return unsupported(reason.into());
        }
        if self.parameter.is_some() && self.samples.len() > 1 && features.len() > 1 {
            let reason = "n, p and a parameter all vary; fix one of them: results have two axes at most";
            return unsupported(reason.into());
        }
        self.check_members(sizes)?;
        self.check_starts(sizes)?;
        let without_residuals = self.arms.iter().find(|arm| arm.ablation.is_without_residuals());
        let biased = self.metrics.iter().find(|m| matches!(m, Metric::BiasSquared | Metric::MeanSquaredBias));
        let all = asks_for_all(&self.metrics);
        if self.standardise && self.intercept == Intercept::None {
            let why = "the best linear model of standardised features needs an intercept; set `Intercept::Free`, or \
                       standardise the table";
            if let Some(arm) = without_residuals {
                return unsupported(format!("the arm `{}` has no residuals: {why}", arm.name));
            }
            if let Some(metric) = biased {
                return unsupported(format!("the metric `{}`: {why}", metric.name()));
            }
        }
        let is_rate = |metric: &&Metric| matches!(metric, Metric::TestErrorRate | Metric::TrainErrorRate);
        let rate = self.metrics.iter().find(is_rate).filter(|_| sizes.outputs > 1 && !all);
        match (without_residuals, rate) {
            (Some(arm), Some(rate)) if self.intercept == Intercept::Free => unsupported(format!(
                "the arm `{}` has no residuals, so its classes with a free intercept are unknown; leave out `{}`",
                arm.name,
                rate.name()
            )),
            _ => Ok(()),
        }
    }

    /// Checks for settings that cannot be combined with a start other than 0.
    fn check_starts(&self, sizes: Sizes) -> Result<(), Error> {
        let Some(arm) = self.arms.iter().find(|arm| arm.start != Start::Zero) else { return Ok(()) };
        let refuse =
            |what: &str| unsupported(format!("the arm `{}` has its own start, but {what}", arm.name));
        if self.intercept != Intercept::None || self.standardise {
            return refuse("features are centred or scaled by each training set");
        }
        if self
            .parameter
            .as_ref()
            .is_some_and(|parameter| parameter.is_estimators() || parameter.fitted().is_some())
        {
            return refuse("the parameter is an estimator's or an ensemble's");
        }
        let warm = self.arms.iter().any(|arm| arm.start == Start::Warm);
        if warm && (sizes.tests == 0 || self.source.is_of_cells() || self.maps.is_fitted()) {
            return refuse("a warm start needs nested features and separate test rows");
        }
        Ok(())
    }

    /// Checks for settings that cannot be combined with ensembles.
    fn check_members(&self, sizes: Sizes) -> Result<(), Error> {
        if self.parameter.as_ref().and_then(super::Parameter::fitted).is_none() {
            return Ok(());
        }
        let refuse =
            |what: &str| unsupported(format!("{what} are not supported for the members of an ensemble"));
        let known = |metric: &&Metric| {
            matches!(metric, Metric::TrainMse | Metric::TestMse | Metric::SmallestSingularValue)
        };
        if let Some(metric) = self.metrics.iter().find(|metric| !known(metric)) {
            let name = metric.name();
            return unsupported(format!(
                "the metric `{name}` does not exist for an ensemble, which has train_mse and test_mse; leave it out"
            ));
        }
        if self.source.is_of_cells() {
            return refuse("rows drawn afresh for every cell");
        }
        if sizes.tests == 0 || sizes.population {
            return refuse("errors without separate test rows");
        }
        if self.maps.is_fitted() || !self.maps.is_drawn() {
            let reason =
                "each member of an ensemble has its own feature map: give `Maps::members`, drawn afresh";
            return unsupported(reason.into());
        }
        if self.intercept != Intercept::None || self.standardise {
            return refuse("a free intercept and standardised features");
        }
        let reads = |arm: &&Arm| arm.ablation != Ablation::none() || arm.adversary.is_some();
        match self.arms.iter().find(reads) {
            Some(arm) => {
                unsupported(format!("the arm `{}`: ablations and adversaries need single fits", arm.name))
            }
            None => Ok(()),
        }
    }

    /// Whether no arm, at any value of the parameter, satisfies `kind`.
    fn has_none(&self, kind: impl Fn(&Arm) -> bool) -> bool {
        let has = |arm: &Arm| match &self.parameter {
            Some(parameter) => {
                let mut values = parameter.values().iter();
                values.any(|&value| parameter.at(arm, value).is_ok_and(|arm| kind(&arm)))
            }
            None => kind(arm),
        };
        !self.arms.iter().any(has)
    }

    /// Returns [`Error::Unsupported`] for a metric that no arm has.
    fn check_metrics(&self, sizes: Sizes) -> Result<(), Error> {
        if self.metrics.is_empty() {
            return Err(Error::Empty { what: "the list of metrics" });
        }
        if asks_for_all(&self.metrics) {
            return Ok(());
        }
        let attacked = self.arms.iter().any(|arm| arm.adversary.is_some());
        let obstacle = |metric: Metric| match metric {
            Metric::TestErrorRate | Metric::TrainErrorRate if sizes.outputs < 2 => Some(ONE_OUTPUT),
            Metric::TestErrorRate if sizes.population => Some("counts test rows, and a population has none"),
            Metric::TestMseOpposite if !attacked => {
                Some("is the test error for the other sign of an adversary, and no arm has one")
            }
            Metric::LeaveOneOut if self.standardise => Some(
                "needs features scaled alike for all fits, but `standardise` scales them by each training set",
            ),
            Metric::LeaveOneOut if self.has_none(has_leave_one_out) => {
                Some("needs minimum-norm or ridge fits without ablation or adversary, and no arm is one")
            }
            Metric::ExpectedNoise | Metric::EffectiveParameters
                if self.arms.iter().all(|arm| arm.ablation.is_without_residuals()) =>
            {
                Some("needs targets with noise, and no arm has them")
            }
            Metric::LogEvidence | Metric::LogOccamFactor | Metric::PosteriorVariance
                if self.has_none(has_evidence) =>
            {
                Some(
                    "needs ridge fits with a penalty above 0, without ablation or adversary, and no arm is one",
                )
            }
            Metric::TailStableRank | Metric::TailParticipationRatio if self.tail == 0 => Some(
                "needs the eigenvalues past the largest `Sweep::tail`, which is 0; set it, or ask for `stable_rank` \
                 and `participation_ratio`",
            ),
            Metric::ModelComplexity => Some(
                "needs fits to training sets of many sizes: `complexity::Search::add_to` adds it to a curve's cells",
            ),
            _ => None,
        };
        match self.metrics.iter().find_map(|&metric| Some((metric, obstacle(metric)?))) {
            Some((metric, why)) => unsupported(format!(
                "the metric `{}` {why}; leave it out, or ask for `Metric::ALL`",
                metric.name()
            )),
            None => Ok(()),
        }
    }
}

/// Whether the list holds every metric, which asks for whatever is available.
fn asks_for_all(metrics: &[Metric]) -> bool {
    Metric::ALL.iter().all(|metric| metrics.contains(metric))
}

fn unsupported(reason: String) -> Result<(), Error> {
    Err(Error::Unsupported { reason })
}

/// Returns [`Error::Domain`] for an entry that is 0 or listed twice, and [`Error::TooLarge`] for one above `most`.
fn listed(list: &[usize], (most, limit): (usize, &'static str), what: &'static str) -> Result<(), Error> {
    if list.contains(&0) {
        return Err(Error::Domain { what, value: 0.0, must_be: "at least 1" });
    }
    if let Some(found) = list.iter().copied().filter(|&entry| entry > most).max() {
        return Err(Error::TooLarge { what, found, most, limit });
    }
    let mut sorted = list.to_vec();
    sorted.sort_unstable();
    match sorted.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(twice) => {
            let must_be = "listed once: its cells would count twice in every summary";
            Err(Error::Domain { what, value: twice[0] as f64, must_be })
        }
        None => Ok(()),
    }
}
impl Arm {
    /// Checks labels of arms: every setting must be finite, and no two labels may be equal.
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
