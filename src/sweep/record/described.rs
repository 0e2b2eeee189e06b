//! Describes, in words, everything that determines the numbers of a sweep.

use super::identity::{Fnv, Identity, counts};
use crate::Error;
use crate::curve::Metric;
use crate::dataset::Dataset;
use crate::error::user_code;
use crate::error::words::{counted, number};
use crate::features::checked;
use crate::filter::{Response, Spectrum};
use crate::sweep::lines::Line;
use crate::sweep::task::Task;
use crate::sweep::{Arm, Crossed, Drawn, Maps, Source, Splits, Start, Sweep, TestOn};
use ndarray::{Array2, s};
use std::fmt::Write;
use std::sync::Arc;

impl Sweep {
    /// Everything that determines the numbers of this sweep, except the number of drawn repeats.
    ///
    /// It consists of fingerprints of the tables; the sizes, splits, maps, preparation, engine, backend and metrics;
    /// the arms with their settings, targets and filters; and the version of the crate.
    ///
    /// Your own code (filters, maps, distributions) is identified by its description, and by what it does to a few
    /// numbers: a filter to a spectrum of five values, a map to the first input, a distribution in its first repeat.
    ///
    /// # Errors
    /// Errors in the sweep as a whole, as for [`Sweep::run`]; for a parameter of training targets, those of the first
    /// repeat's.
    pub fn identity(&self) -> Result<Identity, Error> {
        let task = Task::new(self)?;
        let engine = crate::sweep::engine::choose(&task)?.prospects().kind();
        let identity = source(Identity::new("sweep"), &self.source, (&self.samples, &self.features))?
            .with("splits", splits(&self.splits))
            .with("maps", maps(&self.maps, &self.source, task.most_features()))
            .with("samples", counts(&self.samples))
            .with("features", counts(&task.features))
            .with(
                "axis",
                self.parameter.as_ref().map_or("none".into(), |parameter| {
                    let seed = parameter.seed().map_or(String::new(), |seed| format!(", seed {seed}"));
                    let fits = parameter.fitted().map_or(String::new(), |fits| format!(", {fits} fitted"));
                    format!("{:?}{seed}{fits}", parameter.axis())
                }),
            )
            .with("preparation", format!("{:?}, standardised {}", self.intercept, self.standardise))
            .with("metrics", names(&self.metrics))
            .with("engine", format!("{engine:?}"))
            .with("backend", self.backend.name());
        let identity = if self.tail > 0 { identity.with("tail", self.tail) } else { identity };
        let given = match &self.parameter {
            Some(parameter) if parameter.is_targets() => parameter.targets_of(0)?,
            _ => Vec::new(),
        };
        let identity = given.iter().enumerate().fold(identity, |identity, (i, table)| {
            identity.with(&format!("targets {i}"), format!("{}, the first repeat", rounded(table.iter())))
        });
        let values = self.parameter.as_ref().map_or(&[][..], |parameter| parameter.values());
        let with_line = |identity, (i, line): (usize, &Line)| {
            arm(identity, i, &line.arm, line.value.map(|at| values[at]))
        };
        Ok(task.lines.iter().enumerate().fold(identity, with_line))
    }
}

impl Crossed {
    /// Everything that determines the numbers of this study, as for [`Sweep::identity`]. It includes the number of
    /// training sets, because every result is a mean over them.
    ///
    /// # Errors
    /// Those of the source's first draw.
    pub fn identity(&self) -> Result<Identity, Error> {
        let places = self.places()?;
        let widest = places.iter().map(|(_, p)| *p).max().unwrap_or(0);
        let identity = source(Identity::new("crossed study"), &self.source, (&self.samples, &self.features))?
            .with("splits", splits(&self.splits))
            .with("training sets", self.splits.repeats())
            .with("maps", maps(&self.maps, &self.source, widest))
            .with("draws of features", self.seeds)
            .with("label noise", format!("{:?}, seed {}", self.noise, self.noise_seed))
            .with("draws of label noise", self.draws)
            .with("samples", counts(&self.samples))
            .with("features", counts(&self.features))
            .with("backend", self.backend.name());
        Ok(self.arms.iter().enumerate().fold(identity, |identity, (i, own)| arm(identity, i, own, None)))
    }
}

/// Adds the source of rows; a distribution is drawn at the largest of the given samples and features.
fn source(identity: Identity, source: &Source, sizes: (&[usize], &[usize])) -> Result<Identity, Error> {
    Ok(match source {
        Source::Table(data) => identity.with("table", table(data)),
        Source::TrainTest { train, test } => {
            identity.with("training table", table(train)).with("test table", table(test))
        }
        Source::Drawn(drawn) => identity.with("distribution", distribution(source.name(), drawn, sizes)?),
    })
}

/// A table in words: its shape and a hash of its bits.
fn table(data: &Dataset) -> String {
    let (n, p, k) = (data.len(), data.features().ncols(), data.targets().ncols());
    let bits = Fnv::of_numbers(data.features().iter().chain(data.targets())).0;
    let targets = counted(k, "target");
    format!("{}, {n} × {p} features and {targets}, FNV-1a {bits:016x}", data.name())
}

/// A distribution in words: its name and a hash of its first repeat.
fn distribution(
    name: &str,
    drawn: &Drawn,
    (samples, features): (&[usize], &[usize]),
) -> Result<String, Error> {
    let most = |list: &[usize]| list.iter().copied().max().unwrap_or(0);
    let draw = drawn.of_cell(0, (most(samples), most(features)))?;
    let (n, d) = draw.inputs.dim();
    let test: Vec<&f64> = match &draw.test {
        TestOn::Rows { inputs, targets } => inputs.iter().chain(targets).collect(),
        TestOn::Population { covariance, teacher, deviation } => {
            covariance.iter().chain(teacher).chain([deviation]).collect()
        }
    };
    let bits = rounded(draw.inputs.iter().chain(&draw.targets).chain(test));
    Ok(format!("{name}, {n} × {d} inputs, the first repeat FNV-1a {bits}"))
}

fn splits(splits: &Splits) -> String {
    if let Splits::Drawn { seed, .. } = splits {
        return format!("drawn, seed {seed}");
    }
    let mut bits = Fnv::default();
    let _ = write!(bits, "{splits:?}"); // writing to a hash does not fail
    format!("{} given, FNV-1a {:016x}", splits.repeats(), bits.0)
}

fn names(metrics: &[Metric]) -> String {
    metrics.iter().map(|metric| metric.name()).collect::<Vec<_>>().join(", ")
}

/// Adds an arm at a value. The estimator is identified by its description and its gains on a spectrum, since a
/// description may not contain every number.
fn arm(identity: Identity, i: usize, arm: &Arm, value: Option<f64>) -> Identity {
    let mut label = arm.name.clone();
    for (what, number_of) in [("", arm.setting), ("at ", value)] {
        if let Some(of) = number_of {
            let _ = write!(label, " {what}{}", number(of)); // writing to a string does not fail
        }
    }
    let filter = &*arm.estimator;
    let gains = match Response::new(filter, Spectrum::new(6, 5, &[3.0, 1.0, 0.5, 0.1, 1e-3])) {
        Ok(response) => rounded(response.gains.iter().chain(&response.residuals)),
        Err(error) => error.to_string(),
    };
    let own = |own: &Option<Arc<Array2<f64>>>| match own {
        Some(own) => format!("FNV-1a {:016x}", Fnv::of_numbers(own.iter()).0),
        None => "the source's".into(),
    };
    let identity = match arm.start {
        Start::Zero => identity,
        start => identity.with(&format!("arm {i}'s start"), format!("{start:?}")),
    };
    identity
        .with(&format!("arm {i}"), label)
        .with(&format!("arm {i}'s estimator"), user_code::description(|| filter.describe()))
        .with(&format!("arm {i}'s gains"), gains)
        .with(&format!("arm {i}'s ablation"), format!("{:?}", arm.ablation))
        .with(&format!("arm {i}'s adversary"), format!("{:?}", arm.adversary))
        .with(&format!("arm {i}'s targets"), own(&arm.targets))
        .with(&format!("arm {i}'s test targets"), own(&arm.test_targets))
}

/// Maps in words: the description of the first map, and a hash of its features of the first training input (or of ones,
/// if inputs are drawn).
fn maps(maps: &Maps, source: &Source, p: usize) -> String {
    if let (true, Some(words)) = (maps.is_fitted(), maps.describe()) {
        return format!("fitted to each cell: {words}");
    }
    let made = maps.of(0).and_then(|map| {
        let Some(map) = map else { return Ok("none".into()) };
        let first = match source.train() {
            Some(train) => train.features().slice(s![..1, ..]).to_owned(),
            None => Array2::ones((1, checked::input_dimension(&*map)?)),
        };
        let words = user_code::description(|| map.describe());
        let made = checked::design(&*map, &first, p)?;
        Ok(format!("{words}; features {}", rounded(made.iter())))
    });
    made.unwrap_or_else(|error: Error| error.to_string())
}

/// A hash of numbers rounded to seven digits: machines may differ in the last digits of an exponential.
#[allow(clippy::cast_possible_truncation)] // rounded
fn rounded<'a>(numbers: impl IntoIterator<Item = &'a f64>) -> String {
    let mut bits = Fnv::default();
    for &number in numbers {
        bits.add(&(number as f32).to_le_bytes());
    }
    format!("{:016x}", bits.0)
}
