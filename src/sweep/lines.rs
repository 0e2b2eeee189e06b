//! What is read off each factorisation: arms at every value of the third axis, and the targets they are of.

use super::{Arm, Parameter};
use crate::Error;
use ndarray::{Array2, ArrayView2, CowArray, Ix2, s};
use std::ops::Range;
use std::sync::Arc;

/// An arm at one value of the third axis.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) arm: Arm,
    /// Which of the sweep's arms it is.
    pub(super) of: usize,
    /// Which of the values of the third axis.
    pub(super) value: Option<usize>,
    /// Which of [`Targets::outputs`] are its.
    pub(super) outputs: Range<usize>,
}

/// A table of targets, `None` being that of the source, and how much noise is added.
type Table = (Option<Arc<Array2<f64>>>, f64);

/// The targets of all arms side by side.
#[derive(Clone, Debug)]
pub(super) struct Targets {
    /// Columns of each.
    pub(super) k: usize,
    trained: Vec<Table>,
    tested: Vec<Table>,
    /// What fits are of: a column of all training targets, and one of all test targets.
    pub(super) outputs: Vec<(usize, usize)>,
}

impl Targets {
    /// The lines of some arms of `k` targets each, and the targets. Lines of equal targets share them.
    pub(super) fn of(
        arms: &[Arm],
        parameter: Option<&Parameter>,
        k: usize,
    ) -> Result<(Vec<Line>, Self), Error> {
        let mut targets = Self { k, trained: Vec::new(), tested: Vec::new(), outputs: Vec::new() };
        let mut lines = Vec::new();
        let mut add = |arm: Arm, of: usize, value: Option<usize>, noise: f64| {
            let trained = place(&mut targets.trained, (&arm.targets, noise)) * k;
            let tested = place(&mut targets.tested, (&arm.test_targets, 0.0)) * k;
            let start = targets.outputs.iter().position(|pair| *pair == (trained, tested));
            let start = start.unwrap_or_else(|| {
                targets.outputs.extend((0..k).map(|i| (trained + i, tested + i)));
                targets.outputs.len() - k
            });
            lines.push(Line { arm, of, value, outputs: start..start + k });
        };
        for (of, arm) in arms.iter().enumerate() {
            let Some(parameter) = parameter else {
                add(arm.clone(), of, None, 0.0);
                continue;
            };
            for (place, &value) in parameter.values().iter().enumerate() {
                let noise = if parameter.is_label_noise() { value } else { 0.0 };
                add(parameter.at(arm, value)?, of, Some(place), noise);
            }
        }
        Ok((lines, targets))
    }

    /// Whether all are the source's, without noise.
    pub(super) fn is_plain(&self) -> bool {
        self.trained.iter().chain(&self.tested).all(|table| *table == (None, 0.0))
    }

    /// Columns of all training and of all test targets.
    pub(super) fn widths(&self) -> (usize, usize) {
        (self.trained.len() * self.k, self.tested.len() * self.k)
    }

    /// For each output its column of the training targets.
    pub(super) fn trained(&self) -> Vec<usize> {
        self.outputs.iter().map(|output| output.0).collect()
    }

    /// For each output its column of the test targets.
    pub(super) fn tested(&self) -> Vec<usize> {
        self.outputs.iter().map(|output| output.1).collect()
    }

    /// The columns of the table that a column is of.
    pub(super) fn block(&self, column: usize) -> Range<usize> {
        let first = column - column % self.k;
        first..first + self.k
    }

    /// All training targets side by side, with their noise.
    pub(super) fn join_trained<'a>(
        &self,
        own: ArrayView2<'a, f64>,
        noise: Option<&Array2<f64>>,
    ) -> CowArray<'a, f64, Ix2> {
        join(&self.trained, own, noise)
    }

    /// All test targets side by side.
    pub(super) fn join_tested<'a>(&self, own: ArrayView2<'a, f64>) -> CowArray<'a, f64, Ix2> {
        join(&self.tested, own, None)
    }
}

/// The place of a table among others, added if it is new.
fn place(tables: &mut Vec<Table>, (table, noise): (&Option<Arc<Array2<f64>>>, f64)) -> usize {
    let same = |other: &Option<Arc<Array2<f64>>>| match (other, table) {
        (Some(other), Some(table)) => Arc::ptr_eq(other, table) || other == table,
        (None, None) => true,
        _ => false,
    };
    tables.iter().position(|other| same(&other.0) && other.1 == noise).unwrap_or_else(|| {
        tables.push((table.clone(), noise));
        tables.len() - 1
    })
}

fn join<'a>(
    tables: &[Table],
    own: ArrayView2<'a, f64>,
    noise: Option<&Array2<f64>>,
) -> CowArray<'a, f64, Ix2> {
    if let [(None, 0.0)] = tables[..] {
        return CowArray::from(own);
    }
    let (height, k) = own.dim();
    let mut joined = Array2::zeros((height, k * tables.len()));
    for (place, (table, level)) in tables.iter().enumerate() {
        let mut part = joined.slice_mut(s![.., place * k..(place + 1) * k]);
        match table {
            None => part.assign(&own),
            Some(table) => part.assign(&**table),
        }
        if let Some(noise) = noise.filter(|_| *level > 0.0) {
            part.scaled_add(*level, noise);
        }
    }
    CowArray::from(joined)
}
