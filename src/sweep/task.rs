//! A checked sweep, as its engines read it.

use super::coordinates::Preparation;
use super::lines::{Changed, Line, Targets};
use super::maps::design;
use super::measured::Wanted;
use super::source::{Draw, Drawn, Sizes, TestOn};
use super::study::{Study, Tests};
use super::{Source, Sweep, gather};
use crate::Error;
use crate::curve::Axis;
use crate::features::FeatureMap;
use crate::machine::memory::{reserve, sum, table};
use crate::risk::Compressed;
use crate::rng::{Named, named};
use ndarray::{Array2, ArrayView2, CowArray, Ix2, s};
use rand::RngExt;
use rand_distr::StandardNormal;
use std::sync::Arc;

/// A part of a repeat: the cells of some of the sweep's `n` and `p`, in the sweep's order.
#[derive(Clone, Debug, Default)]
pub(super) struct Part {
    pub(super) samples: Vec<usize>,
    pub(super) features: Vec<usize>,
}

/// A sweep that has been checked, with its counts, lines and targets.
#[derive(Clone)]
pub(super) struct Task<'a> {
    pub(super) sweep: &'a Sweep,
    pub(super) sizes: Sizes,
    /// The feature counts; all inputs if the sweep lists none.
    pub(super) features: Vec<usize>,
    pub(super) lines: Vec<Line>,
    pub(super) targets: Targets,
    pub(super) wanted: Wanted,
    /// Which cells to compute: all, or a part of each repeat. Cells have the same bits either way.
    pub(super) part: Part,
}

impl<'a> Task<'a> {
    /// Checks the sweep as a whole, and returns the first error found.
    pub(super) fn new(sweep: &'a Sweep) -> Result<Self, Error> {
        let most = |list: &[usize]| list.iter().copied().max().unwrap_or(0);
        let sizes = sweep.source.sizes((most(&sweep.samples), most(&sweep.features)))?;
        let features = if sweep.features.is_empty() { vec![sizes.inputs] } else { sweep.features.clone() };
        let parameter = sweep.parameter.as_ref();
        sweep.check(sizes, &features)?;
        let (lines, targets) = Targets::of(&sweep.arms, parameter, sizes.outputs)?;
        let wanted = Wanted::new(&sweep.metrics, sizes.outputs > 1, !sizes.population, sweep.tail);
        let part = Part { samples: sweep.samples.clone(), features: features.clone() };
        Ok(Self { sweep, sizes, features, lines, targets, wanted, part })
    }

    pub(super) fn preparation(&self) -> Preparation {
        Preparation { intercept: self.sweep.intercept, standardise: self.sweep.standardise }
    }

    pub(super) fn most_samples(&self) -> usize {
        self.sweep.samples.iter().copied().max().unwrap_or(0)
    }

    pub(super) fn most_features(&self) -> usize {
        self.features.iter().copied().max().unwrap_or(0)
    }

    /// All `(n, p)` to compute, in the order of the sweep's lists.
    pub(super) fn places(&self) -> impl Iterator<Item = (usize, usize)> {
        let Part { samples, features } = &self.part;
        samples.iter().flat_map(|&n| features.iter().map(move |&p| (n, p)))
    }

    /// All values of the axis of the sweep's curve, ascending.
    pub(super) fn axis_values(&self, axis: Axis) -> Vec<f64> {
        let counts = |counts: &[usize]| counts.iter().map(|&count| count as f64).collect::<Vec<f64>>();
        let mut values = match (axis, &self.sweep.parameter) {
            (Axis::Samples, _) => counts(&self.sweep.samples),
            (Axis::Features, _) => counts(&self.features),
            (_, Some(parameter)) => parameter.values().to_vec(),
            (_, None) => Vec::new(),
        };
        values.sort_unstable_by(f64::total_cmp);
        values.dedup();
        values
    }

    /// Whether all repeats share the same tables.
    pub(super) fn is_shared(&self) -> bool {
        let own = self.sweep.parameter.as_ref().is_some_and(super::Parameter::is_of_repeats);
        let maps = self.sweep.maps.is_drawn() || self.is_cellwise();
        !(maps || matches!(self.sweep.source, Source::Drawn(_)) || own)
    }

    /// Whether cells share nothing, because each has its own rows or map.
    pub(super) fn is_cellwise(&self) -> bool {
        self.sweep.source.is_of_cells() || self.sweep.maps.is_fitted()
    }

    /// The rows of each repeat's largest training set, in the order in which they join.
    pub(super) fn orders(&self) -> Result<Vec<Vec<usize>>, Error> {
        let longest = self.most_samples();
        if let Source::Drawn(_) = self.sweep.source {
            let repeats = self.sweep.splits.repeats();
            if repeats == 0 {
                return Err(Error::Domain {
                    what: "the number of repeats",
                    value: 0.0,
                    must_be: "at least 1",
                });
            }
            reserve("the orders of rows", super::splits::orders_bytes(repeats, longest))?;
            return Ok(vec![(0..longest).collect(); repeats]);
        }
        self.sweep.splits.orders(self.sizes.rows, longest)
    }

    /// Whether the study of one repeat holds only the rows of its training set, in order.
    fn is_in_order(&self) -> bool {
        match self.sweep.source {
            Source::Table(_) => false,
            // The best linear model needs all rows.
            Source::TrainTest { .. } => !self.is_shared() && !self.wanted.needs_ideal(&self.lines),
            Source::Drawn(_) => true,
        }
    }

    /// The indices, in a study's tables, of the rows that train in a repeat.
    pub(super) fn rows(&self, order: &[usize]) -> Vec<usize> {
        if self.is_in_order() { (0..order.len()).collect() } else { order.to_vec() }
    }

    /// Bytes of one study's tables.
    pub(super) fn study_bytes(&self) -> usize {
        let (p, (trained, tested)) = (self.most_features(), self.targets.widths());
        let width = sum([p, tested, 1]);
        let rows = if self.is_in_order() { self.most_samples() } else { self.sizes.rows };
        let tests = if self.sizes.tests == 0 { self.sizes.rows } else { self.sizes.tests };
        // Features and targets, the joined table, and the copy that is reduced.
        sum([
            table(rows, p.saturating_add(trained)),
            table(tests, width).saturating_mul(3),
            table(tests.min(width), width).saturating_mul(2),
        ])
    }

    /// The tables of a repeat, for the given feature counts; with input noise, at one noise level.
    pub(super) fn study(
        &self,
        repeat: usize,
        order: &[usize],
        features: &[usize],
        level: Option<f64>,
    ) -> Result<Study<'_>, Error> {
        let sweep = self.sweep;
        let most = features.iter().copied().max().unwrap_or(0);
        reserve("the features of a repeat", self.study_bytes())?;
        let design_of = |map: &Option<Arc<dyn FeatureMap>>, inputs: ArrayView2<'_, f64>| {
            design(map.as_deref(), &inputs, most)
        };
        let (x, y, tests) = match &sweep.source {
            Source::Table(data) => {
                let map = sweep.maps.of_cell(repeat, || gather(data.features().view(), order), most)?;
                let features_of = |inputs: ArrayView2<'_, f64>| design_of(&map, inputs);
                let changed = self.changed_targets(repeat, data.len())?;
                let y = self.targets.join_trained(data.targets().view(), &changed);
                let own = self.targets.join_tested(data.targets().view());
                let x = if map.is_none() && most == data.features().ncols() {
                    CowArray::from(data.features())
                } else {
                    CowArray::from(features_of(data.features().view())?)
                };
                let tests = if let Some(horizon) = sweep.splits.horizon() {
                    Tests::After { horizon, y: own }
                } else {
                    let table = Compressed::with_backend(&x, &own, &*sweep.backend)?;
                    Tests::Others { table, y: own }
                };
                (x, y, tests)
            }
            Source::TrainTest { train, test } => {
                let inputs = self.noisy(CowArray::from(train.features()), repeat, level);
                let map = sweep.maps.of_cell(repeat, || gather(inputs.view(), order), most)?;
                let features_of = |inputs: ArrayView2<'_, f64>| design_of(&map, inputs);
                let changed = self.changed_targets(repeat, train.len())?;
                let y = self.targets.join_trained(train.targets().view(), &changed);
                let (inputs, y) = if self.is_in_order() {
                    (CowArray::from(gather(inputs.view(), order)), CowArray::from(gather(y.view(), order)))
                } else {
                    (inputs, y)
                };
                let tests_y = self.targets.join_tested(test.targets().view());
                let tests = self.test_rows(features_of(test.features().view())?, tests_y)?;
                (CowArray::from(features_of(inputs.view())?), y, tests)
            }
            Source::Drawn(drawn) => {
                let draw = self.drawn(drawn, repeat, (order.len(), most))?;
                let all = self.wanted.needs_ideal(&self.lines);
                let n = if all { draw.inputs.nrows() } else { order.len() };
                let inputs = CowArray::from(draw.inputs.slice(s![..n, ..]));
                let inputs = self.noisy(inputs, repeat, level);
                let training = || inputs.slice(s![..order.len(), ..]).to_owned();
                let map = sweep.maps.of_cell(repeat, training, most)?;
                let features_of = |inputs: ArrayView2<'_, f64>| design_of(&map, inputs);
                let changed = self.changed_targets(repeat, n)?;
                let own = draw.targets.slice(s![..n, ..]);
                let y = self.targets.join_trained(own, &changed).into_owned();
                let x = features_of(inputs.view())?;
                let tests = match draw.test {
                    TestOn::Rows { inputs, targets } => {
                        let y = self.targets.join_tested(targets.view()).into_owned();
                        self.test_rows(features_of(inputs.view())?, CowArray::from(y))?
                    }
                    TestOn::Population { covariance, teacher, deviation } => {
                        let table = Compressed::population(&covariance, &teacher)?;
                        let table = if most < self.sizes.inputs { table.leading(most)? } else { table };
                        Tests::Rows { table, rows: None, variance: deviation * deviation }
                    }
                };
                (CowArray::from(x), CowArray::from(y), tests)
            }
        };
        let what = (&self.lines[..], &self.targets, &self.wanted);
        Study::new(what, self.preparation(), (x, y), tests).with_ideals(features, &*sweep.backend)
    }

    /// The draw of a repeat for a cell of `(n, p)`; checks that it has at least `n` rows and the columns and kind of
    /// the first draw.
    pub(super) fn drawn(&self, drawn: &Drawn, repeat: usize, (n, p): (usize, usize)) -> Result<Draw, Error> {
        let draw = drawn.of_cell(repeat, (n, if self.sweep.features.is_empty() { 0 } else { p }))?;
        if draw.inputs.nrows() < n {
            Error::check_len("rows that a repeat drew", n, draw.inputs.nrows())?;
        }
        Error::check_len("columns of the drawn inputs", self.sizes.inputs, draw.inputs.ncols())?;
        Error::check_len("columns of the drawn targets", self.sizes.outputs, draw.targets.ncols())?;
        if self.sizes.population != matches!(draw.test, TestOn::Population { .. }) {
            let reason = "a repeat drew test rows and another one a population; draw one kind for all";
            return Err(Error::Unsupported { reason: reason.into() });
        }
        Ok(draw)
    }

    /// The test rows, compressed if that leaves fewer rows.
    fn test_rows<'b>(&self, x: Array2<f64>, y: CowArray<'b, f64, Ix2>) -> Result<Tests<'b>, Error> {
        let (x, height) = (CowArray::from(x), y.ncols() + 1);
        // For rows that a single cell is tested on, compression does not repay its factorisation.
        let table = if x.nrows() > x.ncols().saturating_add(height) && !self.is_cellwise() {
            Compressed::with_backend(&x, &y, &*self.sweep.backend)?
        } else {
            Compressed::direct(x.to_owned().into_owned(), y.to_owned().into_owned())
        };
        let is_centred = self.preparation().centres() && self.wanted.needs_ideal(&self.lines);
        let rows = (self.wanted.error_rate || is_centred).then_some((x, y));
        Ok(Tests::Rows { table, rows, variance: 0.0 })
    }

    /// How the parameter changes the targets of a repeat's first `rows` training rows.
    pub(super) fn changed_targets(&self, repeat: usize, rows: usize) -> Result<Changed, Error> {
        let Some(parameter) = &self.sweep.parameter else { return Ok(Changed::No) };
        let k = self.sizes.outputs;
        if parameter.is_targets() {
            let given = parameter.targets_of(repeat)?;
            for table in &given {
                if table.nrows() < rows {
                    Error::check_len(
                        "rows of the training targets at a value of the parameter",
                        rows,
                        table.nrows(),
                    )?;
                }
                Error::check_len(
                    "columns of the training targets at a value of the parameter",
                    k,
                    table.ncols(),
                )?;
            }
            return Ok(Changed::Given(given));
        }
        let Some(seed) = parameter.seed().filter(|_| parameter.is_label_noise()) else {
            return Ok(Changed::No);
        };
        let mut rng = named(seed, Named::LabelNoise, repeat);
        Ok(Changed::Noise(Array2::from_shape_simple_fn((rows, k), || rng.sample(StandardNormal))))
    }

    /// The inputs with noise of the given level added.
    fn noisy<'b>(
        &self,
        inputs: CowArray<'b, f64, Ix2>,
        repeat: usize,
        level: Option<f64>,
    ) -> CowArray<'b, f64, Ix2> {
        let seed = self.sweep.parameter.as_ref().and_then(super::Parameter::seed);
        let (Some(level), Some(seed)) = (level, seed) else { return inputs };
        let mut rng = named(seed, Named::InputNoise, repeat);
        let mut inputs = inputs.into_owned();
        inputs.mapv_inplace(|v| v + level * rng.sample::<f64, _>(StandardNormal));
        CowArray::from(inputs)
    }
}
