//! State shared by all cells that use the same tables.

use super::coordinates::{Coordinates, Preparation};
use super::gather;
use super::held_out::HeldOut;
use super::lines::{Line, Targets};
use super::many;
use super::measured::Wanted;
use crate::Error;
use crate::factors::teacher::ideal_beta;
use crate::risk::{Compressed, Transposed};
use crate::svd::Backend;
use ndarray::{Array1, Array2, Axis, CowArray, Ix2, concatenate, s};
use std::borrow::Cow;

/// Tables to train and to test on, and the metrics wanted of the fits.
pub(super) struct Study<'a> {
    pub(super) lines: &'a [Line],
    pub(super) targets: &'a Targets,
    pub(super) wanted: &'a Wanted,
    /// Which lines are measured together.
    pub(super) together: Vec<bool>,
    pub(super) preparation: Preparation,
    /// Training features and targets: `N × P`, and `N` rows of all target columns.
    pub(super) x: CowArray<'a, f64, Ix2>,
    pub(super) y: CowArray<'a, f64, Ix2>,
    pub(super) tests: Tests<'a>,
    /// The transposed features of the table in `tests`.
    transposed: Option<Transposed>,
    /// `β*` of all rows, for each feature count.
    ideals: Vec<(usize, Ideal)>,
}

/// The best linear model of all rows.
pub(super) struct Ideal {
    /// `β*`, `p ×` outputs.
    pub(super) beta: Array2<f64>,
    /// Its predictions `A β*` for the table that all cells share, for each output; `None` if there is no such table of
    /// all features.
    pub(super) images: Option<Vec<Array1<f64>>>,
}

/// What fits are tested on.
pub(super) enum Tests<'a> {
    /// All rows that do not train. `table` holds all rows, and `y` their test targets.
    Others { table: Compressed, y: CowArray<'a, f64, Ix2> },
    /// This many rows after the last training row; `None` means all of them.
    After { horizon: Option<usize>, y: CowArray<'a, f64, Ix2> },
    /// These rows, compressed if that leaves fewer, and uncompressed as well if error rates are counted or all rows are
    /// centred. Or a whole population, whose noise adds `variance` to every error.
    Rows { table: Compressed, rows: Option<(CowArray<'a, f64, Ix2>, CowArray<'a, f64, Ix2>)>, variance: f64 },
}

impl<'a> Study<'a> {
    pub(super) fn new(
        (lines, targets, wanted): (&'a [Line], &'a Targets, &'a Wanted),
        preparation: Preparation,
        (x, y): (CowArray<'a, f64, Ix2>, CowArray<'a, f64, Ix2>),
        tests: Tests<'a>,
    ) -> Self {
        let together = many::together(lines, wanted);
        let transposed = match &tests {
            Tests::Others { table, .. } | Tests::Rows { table, .. } => Some(Transposed::new(&table.features)),
            Tests::After { .. } => None,
        };
        Self { lines, targets, wanted, together, preparation, x, y, tests, transposed, ideals: Vec::new() }
    }

    /// Computes `β*` for the given feature counts, if anything needs it.
    pub(super) fn with_ideals(mut self, features: &[usize], backend: &dyn Backend) -> Result<Self, Error> {
        if !self.wanted.needs_ideal(self.lines) {
            return Ok(self);
        }
        let all = self.all_rows(backend)?;
        for &p in features {
            let beta = ideal_beta(&*leading(&all, p)?, backend)?;
            let is_whole = |shared: &&Compressed| p == shared.features.ncols() && self.preparation.is_none();
            let images = self.shared().filter(is_whole);
            let images =
                images.map(|table| beta.columns().into_iter().map(|b| table.features.dot(&b)).collect());
            self.ideals.push((p, Ideal { beta, images }));
        }
        Ok(self)
    }

    /// Every row, with one target column per output, centred if fits have a free intercept.
    fn all_rows(&self, backend: &dyn Backend) -> Result<Compressed, Error> {
        let (trained, tested) = (self.targets.trained(), self.targets.tested());
        let (x, y) = match &self.tests {
            Tests::Others { table, .. } if !self.preparation.centres() => {
                return Ok(table.clone().with_targets(&tested));
            }
            Tests::Rows { table, .. } if table.is_population() => {
                return Ok(table.clone().with_targets(&tested));
            }
            Tests::Others { y, .. } | Tests::After { y, .. } => {
                (self.x.view().into(), y.select(Axis(1), &tested))
            }
            Tests::Rows { table, rows, .. } => {
                // Without an intercept, compressed rows give the same model as the rows themselves.
                let (x, y) = match rows {
                    Some((x, y)) => (x.view(), y.view()),
                    None => (table.features.view(), table.targets.view()),
                };
                let y = (self.y.select(Axis(1), &trained), y.select(Axis(1), &tested));
                let apart = |_| Error::Empty { what: "the rows of both tables" };
                let x = concatenate(Axis(0), &[self.x.view(), x]).map_err(apart)?;
                (CowArray::from(x), concatenate(Axis(0), &[y.0.view(), y.1.view()]).map_err(apart)?)
            }
        };
        let rows = match &self.tests {
            Tests::Rows { table, .. } => self.x.nrows().saturating_add(table.rows()),
            Tests::Others { .. } | Tests::After { .. } => self.x.nrows(),
        };
        let (x, y) = self.preparation.of_all_rows(x, y)?;
        Ok(Compressed::with_backend(&x, &y, backend)?.with_rows(rows))
    }

    pub(super) fn ideal(&self, p: usize) -> Option<&Ideal> {
        self.ideals.iter().find(|(of, _)| *of == p).map(|(_, ideal)| ideal)
    }

    /// The table that cells are tested on, with all features.
    fn shared(&self) -> Option<&Compressed> {
        match &self.tests {
            Tests::Others { table, .. } | Tests::Rows { table, .. } => Some(table),
            Tests::After { .. } => None,
        }
    }

    /// Whether `n` training rows leave more test rows than the compressed table has, so that the table can replace
    /// them.
    pub(super) fn has_room(&self, n: usize) -> bool {
        match &self.tests {
            Tests::Others { table, .. } => {
                self.targets.is_plain() && self.x.nrows().saturating_sub(n) > table.features.nrows()
            }
            Tests::After { .. } => false,
            Tests::Rows { .. } => true,
        }
    }

    /// The test rows of a training set, if they come from the same table.
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

    /// Features and targets of a cell's training rows, transformed as they are fitted.
    pub(super) fn prepare(&self, rows: &[usize], p: usize) -> Result<Prepared, Error> {
        let (mut x, mut y) = (self.design(rows, p), gather(self.y.view(), rows));
        let coordinates =
            if self.preparation.is_none() { None } else { Some(self.preparation.apply(&mut x, &mut y)?) };
        Ok(Prepared { x, y, coordinates })
    }

    /// What a prepared training set is tested on, and whether the test targets have one column per output instead of
    /// one per test target column.
    pub(super) fn held_out(
        &self,
        rows: &[usize],
        p: usize,
        prepared: &Prepared,
    ) -> Result<(HeldOut<'_>, bool), Error> {
        let coordinates = prepared.coordinates.as_ref();
        let held_out = self.left_over(rows, p)?.in_coordinates(coordinates, self.targets);
        Ok((held_out, coordinates.is_some()))
    }

    /// The test rows of a training set, before any transformation.
    fn left_over(&self, training: &[usize], p: usize) -> Result<HeldOut<'_>, Error> {
        let y = match &self.tests {
            Tests::Rows { table, .. } => {
                return self.of_table(table, p, (false, table.rows()));
            }
            // With no more test rows than the compressed table has, using them directly costs no more, and a difference
            // of two sums would cancel.
            Tests::Others { table, .. } if self.has_room(training.len()) => {
                let rows = self.x.nrows() - training.len();
                return self.of_table(table, p, (true, rows));
            }
            Tests::Others { y, .. } | Tests::After { y, .. } => y,
        };
        let test = self.test_rows(training);
        if test.is_empty() {
            return Err(Error::Empty { what: "the list of test rows" });
        }
        let table = Compressed::direct(self.design(&test, p), gather(y.view(), &test));
        Ok(HeldOut {
            table: Cow::Owned(table),
            transposed: None,
            unseen: Vec::new(),
            complement: false,
            rows: test.len(),
        })
    }

    /// The first `p` features of the table that all cells share, as test data.
    fn of_table<'t>(
        &'t self,
        table: &'t Compressed,
        p: usize,
        (complement, rows): (bool, usize),
    ) -> Result<HeldOut<'t>, Error> {
        let table = leading(table, p)?;
        let transposed = self.transposed.as_ref().filter(|_| matches!(table, Cow::Borrowed(_)));
        Ok(HeldOut { table, transposed, unseen: Vec::new(), complement, rows })
    }
}

/// A cell's training set, transformed as it is fitted.
pub(super) struct Prepared {
    pub(super) x: Array2<f64>,
    pub(super) y: Array2<f64>,
    pub(super) coordinates: Option<Coordinates>,
}

impl Prepared {
    /// Training targets.
    pub(super) fn y(&self) -> &Array2<f64> {
        &self.y
    }
}

/// The table restricted to the first `p` features.
fn leading(table: &Compressed, p: usize) -> Result<Cow<'_, Compressed>, Error> {
    Ok(if p == table.features.ncols() { Cow::Borrowed(table) } else { Cow::Owned(table.leading(p)?) })
}
