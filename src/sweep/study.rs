//! What all cells that share tables have in common, and every arm of one cell.

use super::coordinates::{Coordinates, Intercept, Preparation};
use super::error_rates::ErrorRates;
use super::gather;
use super::lines::{Line, Targets};
use super::measured::{Measured, Metrics, Wanted};
use super::output::{Modes, Output, Scratch};
use crate::Error;
use crate::factors::teacher::ideal_beta;
use crate::risk::Compressed;
use crate::svd::{Backend, Svd};
use ndarray::{Array2, Axis, CowArray, Ix2, concatenate, s};
use std::borrow::Cow;

/// Tables to train and to test on, and what is asked of the fits.
pub(super) struct Study<'a> {
    pub(super) lines: &'a [Line],
    pub(super) targets: &'a Targets,
    pub(super) wanted: &'a Wanted,
    preparation: Preparation,
    /// Features and targets to train on: `N × P`, and `N ×` all columns of targets.
    pub(super) x: CowArray<'a, f64, Ix2>,
    pub(super) y: CowArray<'a, f64, Ix2>,
    pub(super) tests: Tests<'a>,
    /// For each number of features `β*` of all rows, `p ×` outputs.
    ideals: Vec<(usize, Array2<f64>)>,
}

/// What fits are tested on.
pub(super) enum Tests<'a> {
    /// All rows that do not train; the table holds all, `y` their test targets.
    Others { table: Compressed, y: CowArray<'a, f64, Ix2> },
    /// So many rows after the last that trains, all of them for `None`.
    After { horizon: Option<usize>, y: CowArray<'a, f64, Ix2> },
    /// These rows, compressed where that makes them fewer, and as they are where error rates are counted. Or a whole
    /// population, whose noise adds `variance` to every error.
    Rows { table: Compressed, rows: Option<(CowArray<'a, f64, Ix2>, CowArray<'a, f64, Ix2>)>, variance: f64 },
}

impl<'a> Study<'a> {
    pub(super) fn new(
        (lines, targets, wanted): (&'a [Line], &'a Targets, &'a Wanted),
        preparation: Preparation,
        (x, y): (CowArray<'a, f64, Ix2>, CowArray<'a, f64, Ix2>),
        tests: Tests<'a>,
    ) -> Self {
        Self { lines, targets, wanted, preparation, x, y, tests, ideals: Vec::new() }
    }

    /// Finds `β*` for some numbers of features, where somebody needs it.
    pub(super) fn with_ideals(mut self, features: &[usize], backend: &dyn Backend) -> Result<Self, Error> {
        if !self.wanted.needs_ideal(self.lines) {
            return Ok(self);
        }
        let all = self.all_rows(backend)?;
        for &p in features {
            let table =
                if p == all.features.ncols() { Cow::Borrowed(&all) } else { Cow::Owned(all.leading(p)?) };
            let table = if self.preparation.is_none() {
                table
            } else {
                Cow::Owned(self.preparation.for_ideal(&table))
            };
            self.ideals.push((p, ideal_beta(&table, backend)?));
        }
        Ok(self)
    }

    /// All rows that there are, one column of targets for each output.
    fn all_rows(&self, backend: &dyn Backend) -> Result<Compressed, Error> {
        let (trained, tested) = (self.targets.trained(), self.targets.tested());
        match &self.tests {
            Tests::Others { table, .. } => Ok(table.clone().with_targets(&tested)),
            Tests::After { y, .. } => Compressed::with_backend(&self.x, &y.select(Axis(1), &tested), backend),
            Tests::Rows { table, .. } if table.is_population() => Ok(table.clone().with_targets(&tested)),
            Tests::Rows { table, rows, .. } => {
                // Compressed rows of a table are as good as the rows.
                let (x, y) = match rows {
                    Some((x, y)) => (x.view(), y.view()),
                    None => (table.features.view(), table.targets.view()),
                };
                let y = (self.y.select(Axis(1), &trained), y.select(Axis(1), &tested));
                let apart = |_| Error::Empty { what: "the rows of both tables" };
                let x = concatenate(Axis(0), &[self.x.view(), x]).map_err(apart)?;
                let y = concatenate(Axis(0), &[y.0.view(), y.1.view()]).map_err(apart)?;
                Compressed::with_backend(&x, &y, backend)
            }
        }
    }

    pub(super) fn ideal(&self, p: usize) -> Option<&Array2<f64>> {
        self.ideals.iter().find(|(of, _)| *of == p).map(|(_, beta)| beta)
    }

    /// Whether `n` training rows leave more test rows than the compressed table has, so that it can stand for them.
    pub(super) fn has_room(&self, n: usize) -> bool {
        match &self.tests {
            Tests::Others { table, .. } => {
                self.targets.is_plain() && self.x.nrows().saturating_sub(n) > table.features.nrows()
            }
            Tests::After { .. } => false,
            Tests::Rows { .. } => true,
        }
    }

    /// The rows of its own table that a training set is tested on.
    pub(super) fn test_rows(&self, training: &[usize]) -> Vec<usize> {
        let all = self.x.nrows();
        if let Tests::After { horizon, .. } = &self.tests {
            let first = training.iter().max().map_or(0, |last| last + 1);
            return (first..horizon.map_or(all, |rows| all.min(first.saturating_add(rows)))).collect();
        }
        let mut trains = vec![false; all];
        for &row in training {
            trains[row] = true;
        }
        (0..all).filter(|&row| !trains[row]).collect()
    }

    /// The features of a training set.
    pub(super) fn design(&self, rows: &[usize], p: usize) -> Array2<f64> {
        gather(self.x.slice(s![.., ..p]), rows)
    }

    /// Features, targets and test rows of a cell, as they are fitted.
    pub(super) fn prepare(&self, rows: &[usize], p: usize) -> Result<Prepared, Error> {
        let (mut x, mut y) = (self.design(rows, p), gather(self.y.view(), rows));
        let coordinates =
            if self.preparation.is_none() { None } else { Some(self.preparation.apply(&mut x, &mut y)?) };
        Ok(Prepared { x, y, coordinates })
    }

    /// What a prepared training set is tested on; whether its targets are a column for each output, and not for each of
    /// the test targets.
    pub(super) fn held_out(
        &self,
        rows: &[usize],
        p: usize,
        prepared: &Prepared,
    ) -> Result<(HeldOut<'_>, bool), Error> {
        let coordinates = prepared.coordinates.as_ref();
        let held_out = HeldOut::new(self, rows, p)?.in_coordinates(coordinates, self.targets);
        Ok((held_out, coordinates.is_some()))
    }

    /// All arms for the training set of `rows`, whose prepared features `svd` factorises.
    pub(super) fn evaluate(
        &self,
        svd: &Svd,
        rows: &[usize],
        prepared: Prepared,
        scratch: &mut Scratch,
    ) -> Result<Measured, Error> {
        let (n, p) = svd.shape();
        let (held_out, own_columns) = self.held_out(rows, p, &prepared)?;
        let Prepared { y, coordinates, .. } = prepared;
        let ideal = self.ideal(p).map(|ideal| match &coordinates {
            Some(coordinates) => Cow::Owned(coordinates.of_parameters(ideal.clone())),
            None => Cow::Borrowed(ideal),
        });
        let modes = Modes::new(svd, held_out);
        let outputs = self.targets.outputs.iter().enumerate().map(|(output, &(trained, tested))| {
            let block = self.targets.block(trained);
            let last = svd.last_mode(&y.slice(s![.., block]))?;
            let ideal = ideal.as_ref().map(|ideal| ideal.column(output));
            let tested = if own_columns { output } else { tested };
            Ok(Output::new(&modes, y.column(trained), tested, ideal, last))
        });
        let outputs = outputs.collect::<Result<Vec<_>, Error>>()?;
        scratch.forget();
        let rates = self.wanted.error_rate.then(|| ErrorRates::new(self, svd, rows, coordinates.as_ref()));
        let variance = if let Tests::Rows { variance, .. } = self.tests { variance } else { 0.0 };
        let free = self.preparation.intercept == Intercept::Free;
        let lengths = self.wanted.spectral.lengths(&modes);
        let mut metrics = |line: &Line| {
            scratch.set_gains(&line.arm, svd, modes.inverse())?;
            let mut mean = Metrics::default();
            let mut solutions = Vec::new();
            let own = &outputs[line.outputs.clone()];
            for output in own {
                mean.add(&output.metrics(&line.arm, scratch, self.wanted.norm), own.len());
                if rates.is_some() {
                    solutions.push(output.solution(&line.arm, scratch));
                }
            }
            mean.test += variance;
            mean.opposite += variance;
            // The constant of a model without residuals is not known.
            let known = !(free && line.arm.ablation.is_without_residuals());
            let rates = rates.as_ref().filter(|_| known);
            mean.error_rate = rates.map(|rates| rates.of(line, &solutions)).transpose()?;
            let mut mean = mean.finite()?;
            if !self.wanted.spectral.is_none() {
                let how = (free, self.preparation.standardise);
                mean.of_fit =
                    Some(Box::new(self.wanted.spectral.of(line, (&modes, own), (scratch, &lengths), how)));
            }
            Ok(mean)
        };
        let mut measured = Measured::new(n, p, self.lines.len());
        for (index, line) in self.lines.iter().enumerate() {
            match metrics(line) {
                Ok(metrics) => measured.lines.push((index, metrics)),
                Err(error) => measured.failures.push((Some(index), error)),
            }
        }
        measured.smallest_singular_value = svd.smallest_nonzero().unwrap_or(0.0);
        measured.rank = svd.rank();
        Ok(measured)
    }
}

/// A cell's training set as it is fitted.
pub(super) struct Prepared {
    pub(super) x: Array2<f64>,
    y: Array2<f64>,
    coordinates: Option<Coordinates>,
}

impl Prepared {
    /// Training targets.
    pub(super) fn y(&self) -> &Array2<f64> {
        &self.y
    }
}

/// The rows that are tested on: as the whole table less the training rows, or as they are.
pub(super) struct HeldOut<'a> {
    pub(super) table: Cow<'a, Compressed>,
    /// Whether the training rows are in `table` and must be taken off.
    pub(super) complement: bool,
    /// How many there are; 1 for a population.
    pub(super) rows: usize,
}

impl<'a> HeldOut<'a> {
    pub(super) fn new(study: &'a Study<'_>, training: &[usize], p: usize) -> Result<Self, Error> {
        let leading = |table: &'a Compressed| {
            Ok::<_, Error>(if p == table.features.ncols() {
                Cow::Borrowed(table)
            } else {
                Cow::Owned(table.leading(p)?)
            })
        };
        let y = match &study.tests {
            Tests::Rows { table, .. } => {
                return Ok(Self { table: leading(table)?, complement: false, rows: table.rows() });
            }
            // With as few rows as the compressed table has, using them costs no more, and a difference
            // of two sums would cancel.
            Tests::Others { table, .. } if study.has_room(training.len()) => {
                let rows = study.x.nrows() - training.len();
                return Ok(Self { table: leading(table)?, complement: true, rows });
            }
            Tests::Others { y, .. } | Tests::After { y, .. } => y,
        };
        let test = study.test_rows(training);
        if test.is_empty() {
            return Err(Error::Empty { what: "the list of test rows" });
        }
        let table = Compressed::direct(study.design(&test, p), gather(y.view(), &test));
        Ok(Self { table: Cow::Owned(table), complement: false, rows: test.len() })
    }

    fn in_coordinates(self, coordinates: Option<&Coordinates>, targets: &Targets) -> Self {
        match coordinates {
            None => self,
            Some(coordinates) => {
                let table = self.table.into_owned().with_targets(&targets.tested());
                let table = coordinates.of_table(table, &targets.trained());
                Self { table: Cow::Owned(table), complement: self.complement, rows: self.rows }
            }
        }
    }
}
