//! Describes, in words, everything that determines the numbers of a sweep.

use super::identity::{Fnv, Identity, counts};
use crate::Error;
use crate::curve::Metric;
use crate::dataset::Dataset;
use crate::error::user_code;
use crate::error::words::{counted, number};
use crate::features::{FeatureMap, checked};
use crate::filter::{Response, Spectrum};
use crate::sweep::lines::Line;
use crate::sweep::task::Task;
use crate::sweep::{Arm, Crossed, Draw, Maps, Parameter, Source, Splits, Start, Sweep, TestOn};
use ndarray::{Array2, ArrayView2, s};
use std::fmt::Write;
use std::sync::Arc;

impl Sweep {
    /// Everything that determines the numbers of this sweep, except the number of drawn repeats.
    ///
    /// It consists of fingerprints of the tables; the sizes, splits, maps, preparation, engine, backend and metrics;
    /// the arms with their settings, targets and filters; and the version of the crate.
    ///
    /// Your own code (filters, maps, distributions) is identified by its description, and by what it does to a few
    /// numbers: a filter to a spectrum of five values, a distribution in its first repeat, and a map of that repeat to
    /// its first inputs and to a few others. A fitted map is fitted to as many rows as the largest training set has.
    ///
    /// # Errors
    /// Errors in the sweep as a whole, as for [`Sweep::run`]; for a parameter of training targets, those of the first
    /// repeat's.
    pub fn identity(&self) -> Result<Identity, Error> {
        let task = Task::new(self)?;
        let engine = crate::sweep::engine::choose(&task)?.prospects().kind();
        let draw = first_draw(&self.source, (&self.samples, &self.features))?;
        let inputs = inputs(&self.source, draw.as_ref(), task.most_samples());
        let fits = self.parameter.as_ref().and_then(Parameter::fitted).unwrap_or(1);
        let identity = source(Identity::new("sweep"), &self.source, draw.as_ref())
            .with("splits", splits(&self.splits))
            .with("maps", maps(&self.maps, inputs, task.most_features(), fits))
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
        let most = places.iter().map(|(n, _)| *n).max().unwrap_or(0);
        let draw = first_draw(&self.source, (&self.samples, &self.features))?;
        let inputs = inputs(&self.source, draw.as_ref(), most);
        let identity = source(Identity::new("crossed study"), &self.source, draw.as_ref())
            .with("splits", splits(&self.splits))
            .with("training sets", self.splits.repeats())
            .with("maps", maps(&self.maps, inputs, widest, 1))
            .with("draws of features", self.seeds)
            .with("label noise", format!("{:?}, seed {}", self.noise, self.noise_seed))
            .with("draws of label noise", self.draws)
            .with("samples", counts(&self.samples))
            .with("features", counts(&self.features))
            .with("backend", self.backend.name());
        Ok(self.arms.iter().enumerate().fold(identity, |identity, (i, own)| arm(identity, i, own, None)))
    }
}

/// The first repeat of drawn rows, at the largest of the given samples and features; `None` for tables.
fn first_draw(source: &Source, (samples, features): (&[usize], &[usize])) -> Result<Option<Draw>, Error> {
    let most = |list: &[usize]| list.iter().copied().max().unwrap_or(0);
    match source {
        Source::Drawn(drawn) => drawn.of_cell(0, (most(samples), most(features))).map(Some),
        Source::Table(_) | Source::TrainTest { .. } => Ok(None),
    }
}

/// The leading training inputs, at most `n`, of a table or of the first draw.
fn inputs<'a>(source: &'a Source, draw: Option<&'a Draw>, n: usize) -> ArrayView2<'a, f64> {
    let drawn = draw.map_or_else(|| ArrayView2::from(&[[]; 0]), |draw| draw.inputs.view());
    let all = source.train().map_or(drawn, |train| train.features().view());
    let n = n.min(all.nrows());
    all.slice_move(s![..n, ..])
}

/// Adds the source of rows.
fn source(identity: Identity, source: &Source, draw: Option<&Draw>) -> Identity {
    match (source, draw) {
        (Source::Table(data), _) => identity.with("table", table(data)),
        (Source::TrainTest { train, test }, _) => {
            identity.with("training table", table(train)).with("test table", table(test))
        }
        (Source::Drawn(_), draw) => identity
            .with("distribution", draw.map_or_else(String::new, |draw| distribution(source.name(), draw))),
    }
}

/// A table in words: its shape and a hash of its bits.
fn table(data: &Dataset) -> String {
    let (n, p, k) = (data.len(), data.features().ncols(), data.targets().ncols());
    let bits = Fnv::of_numbers(data.features().iter().chain(data.targets())).0;
    let targets = counted(k, "target");
    format!("{}, {n} × {p} features and {targets}, FNV-1a {bits:016x}", data.name())
}

/// A distribution in words: its name and a hash of its first repeat.
fn distribution(name: &str, draw: &Draw) -> String {
    let (n, d) = draw.inputs.dim();
    let test: Vec<&f64> = match &draw.test {
        TestOn::Rows { inputs, targets } => inputs.iter().chain(targets).collect(),
        TestOn::Population { covariance, teacher, deviation } => {
            covariance.iter().chain(teacher).chain([deviation]).collect()
        }
    };
    let bits = rounded(draw.inputs.iter().chain(&draw.targets).chain(test));
    format!("{name}, {n} × {d} inputs, the first repeat FNV-1a {bits}")
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

/// Maps in words: the description of the first map, and hashes of the features that the maps of the first repeat (one
/// for each of at most two members) make of the first inputs and of others. The first inputs alone may say little: a
/// zero has the same cosines and sines for all frequencies.
fn maps(maps: &Maps, inputs: ArrayView2<'_, f64>, p: usize, members: usize) -> String {
    /// Inputs that a map is applied to.
    const ROWS: usize = 3;
    let Some(words) = maps.describe() else { return "none".into() };
    let first = inputs.slice(s![..ROWS.min(inputs.nrows()), ..]).to_owned();
    // Multiples of the golden ratio, less whole numbers: no two are equal, and none is 0.
    let other = |(i, j): (usize, usize)| 0.5 + (((i + ROWS * j + 1) as f64) * 1.618_033_988_749_895).fract();
    let others = Array2::from_shape_fn((ROWS, inputs.ncols()), other);
    let hash = |map: &dyn FeatureMap, rows: &Array2<f64>| {
        checked::design(map, rows, p).map_or_else(|error| error.to_string(), |made| rounded(made.iter()))
    };
    let of_member = |member| {
        let map = if maps.is_fitted() {
            maps.of_cell(0, || inputs.to_owned(), p)
        } else {
            maps.of_member(0, member)
        };
        match map {
            Ok(map) => map
                .map_or_else(String::new, |map| format!("{} {}", hash(&*map, &first), hash(&*map, &others))),
            Err(error) => error.to_string(),
        }
    };
    let hashes: Vec<String> = (0..members.min(2)).map(of_member).collect();
    format!("{words}; features {}", hashes.join(", "))
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
