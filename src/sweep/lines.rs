//! Lines, which are arms at each value of the third axis, and the targets that they are fitted to.

use super::{Arm, Parameter};
use crate::Error;
use ndarray::{Array2, ArrayView2, CowArray, Ix2, s};
use std::ops::Range;
use std::sync::Arc;

/// An arm at one value of the third axis.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) arm: Arm,
    /// Index of the arm in the sweep.
    pub(super) of: usize,
    /// Index of the value on the third axis.
    pub(super) value: Option<usize>,
    /// Its entries of [`Targets::outputs`].
    pub(super) outputs: Range<usize>,
}

/// A table of targets.
#[derive(Clone, Debug)]
struct Table {
    /// The arm's own targets; `None` for those of the source.
    own: Option<Arc<Array2<f64>>>,
    /// The factor of the noise that is added.
    noise: f64,
    /// Index of the table, among those that the caller provides for each repeat, that replaces this one.
    given: Option<usize>,
}

/// How the third axis changes the training targets of a repeat.
#[derive(Debug)]
pub(super) enum Changed {
    /// No change.
    No,
    /// Normal numbers, to be multiplied by a noise level.
    Noise(Array2<f64>),
    /// Replacement targets, one table per value.
    Given(Vec<Array2<f64>>),
}

/// The targets of all arms, side by side.
#[derive(Clone, Debug)]
pub(super) struct Targets {
    /// Columns of each table.
    pub(super) k: usize,
    trained: Vec<Table>,
    tested: Vec<Table>,
    /// The columns of each fit: one of all training targets, and one of all test targets.
    pub(super) outputs: Vec<(usize, usize)>,
}

impl Targets {
    /// The lines and targets of some arms with `k` target columns each. Lines with equal targets share them.
    pub(super) fn of(
        arms: &[Arm],
        parameter: Option<&Parameter>,
        k: usize,
    ) -> Result<(Vec<Line>, Self), Error> {
        let mut targets = Self { k, trained: Vec::new(), tested: Vec::new(), outputs: Vec::new() };
        let mut lines = Vec::new();
        let mut add = |arm: Arm, of: usize, value: Option<usize>, (noise, given): (f64, Option<usize>)| {
            let trained = Table { own: arm.targets.clone(), noise, given };
            let tested = Table { own: arm.test_targets.clone(), noise: 0.0, given: None };
            let trained = place(&mut targets.trained, trained) * k;
            let tested = place(&mut targets.tested, tested) * k;
            let start = targets.outputs.iter().position(|pair| *pair == (trained, tested));
            let start = start.unwrap_or_else(|| {
                targets.outputs.extend((0..k).map(|i| (trained + i, tested + i)));
                targets.outputs.len() - k
            });
            lines.push(Line { arm, of, value, outputs: start..start + k });
        };
        for (of, arm) in arms.iter().enumerate() {
            let Some(parameter) = parameter else {
                add(arm.clone(), of, None, (0.0, None));
                continue;
            };
            for (place, &value) in parameter.values().iter().enumerate() {
                let noise = if parameter.is_label_noise() { value } else { 0.0 };
                let given = parameter.is_targets().then_some(place);
                add(parameter.at(arm, value)?, of, Some(place), (noise, given));
            }
        }
        Ok((lines, targets))
    }

    /// Whether all are the source's targets, without noise.
    pub(super) fn is_plain(&self) -> bool {
        self.trained.iter().chain(&self.tested).all(Table::is_plain)
    }

    /// The numbers of columns of all training targets and of all test targets.
    pub(super) fn widths(&self) -> (usize, usize) {
        (self.trained.len() * self.k, self.tested.len() * self.k)
    }

    /// The training target column of each output.
    pub(super) fn trained(&self) -> Vec<usize> {
        self.outputs.iter().map(|output| output.0).collect()
    }

    /// The test target column of each output.
    pub(super) fn tested(&self) -> Vec<usize> {
        self.outputs.iter().map(|output| output.1).collect()
    }

    /// The columns of the table that contains the given column.
    pub(super) fn block(&self, column: usize) -> Range<usize> {
        let first = column - column % self.k;
        first..first + self.k
    }

    /// All training targets side by side, as the third axis changes them.
    pub(super) fn join_trained<'a>(
        &self,
        own: ArrayView2<'a, f64>,
        changed: &Changed,
    ) -> CowArray<'a, f64, Ix2> {
        join(&self.trained, own, changed)
    }

    /// All test targets side by side.
    pub(super) fn join_tested<'a>(&self, own: ArrayView2<'a, f64>) -> CowArray<'a, f64, Ix2> {
        join(&self.tested, own, &Changed::No)
    }
}

impl Table {
    /// Whether it is the source's table, without noise.
    fn is_plain(&self) -> bool {
        self.own.is_none() && self.noise == 0.0 && self.given.is_none()
    }
}

impl PartialEq for Table {
    fn eq(&self, other: &Self) -> bool {
        let same = match (&self.own, &other.own) {
            (Some(a), Some(b)) => Arc::ptr_eq(a, b) || a == b,
            (None, None) => true,
            _ => false,
        };
        same && (self.noise, self.given) == (other.noise, other.given)
    }
}

/// Returns the index of a table in the list, adding the table if it is new.
fn place(tables: &mut Vec<Table>, table: Table) -> usize {
    tables.iter().position(|other| *other == table).unwrap_or_else(|| {
        tables.push(table);
        tables.len() - 1
    })
}

fn join<'a>(tables: &[Table], own: ArrayView2<'a, f64>, changed: &Changed) -> CowArray<'a, f64, Ix2> {
    if let [table] = tables
        && table.is_plain()
    {
        return CowArray::from(own);
    }
    let (height, k) = own.dim();
    let mut joined = Array2::zeros((height, k * tables.len()));
    for (place, table) in tables.iter().enumerate() {
        let mut part = joined.slice_mut(s![.., place * k..(place + 1) * k]);
        match (&table.own, changed, table.given) {
            (_, Changed::Given(given), Some(at)) => part.assign(&given[at].slice(s![..height, ..])),
            (None, ..) => part.assign(&own),
            (Some(table), ..) => part.assign(&**table),
        }
        if let (Changed::Noise(noise), true) = (changed, table.noise > 0.0) {
            part.scaled_add(table.noise, noise);
        }
    }
    CowArray::from(joined)
}
