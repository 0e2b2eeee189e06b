//! A prepared sweep: its engine, its tables, and the curve of a range of repeats.

use super::engine::{Engine as Way, Repeats, Which, choose};
use super::lines::Line;
use super::measured::Measured;
use super::study::Study;
use super::task::{Part, Task};
use super::{Arm, Observer, Source, Sweep};
use crate::Error;
use crate::curve::{ArmLabel, Axis, Cell, Curve, Extent, Failure, Provenance};
use crate::machine::large_pages::ask_for;
use crate::machine::memory::{of_threads, reserve};
use crate::nested::Engine;
use std::ops::Range;

/// State shared by all repeats of a sweep.
pub(super) struct Ready<'a> {
    task: Task<'a>,
    engine: &'static dyn Way,
    orders: Vec<Vec<usize>>,
}

impl Sweep {
    /// Checks the sweep and reserves its memory.
    pub(super) fn begin(&self) -> Result<Ready<'_>, Error> {
        let task = Task::new(self)?;
        let engine = choose(&task)?.engine();
        let workers = if self.threads == Some(1) { 0 } else { task.grid().workers() };
        let estimate = task.estimate(engine)?;
        reserve("a sweep", estimate.bytes.saturating_add(of_threads(workers)))?;
        let orders = task.orders()?;
        Ok(Ready { task, engine, orders })
    }

    /// The curve without cells, and the number of cells per repeat.
    pub(super) fn outline(&self) -> Result<(Curve, usize), Error> {
        let task = Task::new(self)?;
        let each = task.places().count().saturating_mul(task.lines.len());
        Ok((task.outline(choose(&task)?.prospects().kind()), each))
    }
}

impl Ready<'_> {
    /// The number of repeats.
    pub(super) fn count(&self) -> usize {
        self.orders.len()
    }

    /// Whether the parts of a repeat share a factorisation.
    pub(super) fn shares_within(&self) -> bool {
        self.engine.shares_within()
    }

    /// The number of threads that the sweep may use.
    pub(super) fn threads(&self) -> Option<usize> {
        self.task.sweep.threads
    }

    /// The engine that computes the cells.
    pub(super) fn engine(&self) -> Engine {
        self.engine.kind()
    }

    /// The tables of all repeats, if the engine needs tables and all repeats share them.
    pub(super) fn tables(&self) -> Result<Option<Study<'_>>, Error> {
        if !self.engine.needs_tables() || !self.task.is_shared() {
            return Ok(None);
        }
        match self.task.study(0, &[], &self.task.features, None) {
            Ok(study) => Ok(Some(study)),
            // If a feature cannot be made, only the cells that use it fail.
            Err(_) if !self.task.sweep.maps.is_none() && self.task.features.len() > 1 => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The curve of some repeats; `tables` are the [shared ones](Self::tables), if any.
    pub(super) fn repeats(
        &self,
        tables: Option<&Study<'_>>,
        repeats: Range<usize>,
        threads: Option<usize>,
        observer: &dyn Observer,
    ) -> Result<Curve, Error> {
        Ok(self.fill(self.measure(tables, repeats, threads, observer)?))
    }

    /// Measures the fits of some repeats.
    pub(super) fn measure(
        &self,
        tables: Option<&Study<'_>>,
        repeats: Range<usize>,
        threads: Option<usize>,
        observer: &dyn Observer,
    ) -> Result<Repeats, Error> {
        self.engine.run(&self.task, tables, &Which { orders: &self.orders, repeats, threads }, observer)
    }

    /// Measures the fits of a part of a repeat.
    pub(super) fn measure_part(
        &self,
        tables: Option<&Study<'_>>,
        (repeat, part): (usize, Part),
        threads: Option<usize>,
    ) -> Result<Repeats, Error> {
        let which = Which { orders: &self.orders, repeats: repeat..repeat + 1, threads };
        self.engine.run(&Task { part, ..self.task.clone() }, tables, &which, &())
    }

    /// The curve without cells.
    pub(super) fn outline(&self) -> Curve {
        self.task.outline(self.engine.kind())
    }

    /// The values of the axis, ascending.
    pub(super) fn axis_values(&self, axis: Axis) -> Vec<f64> {
        self.task.axis_values(axis)
    }

    fn fill(&self, found: Repeats) -> Curve {
        let (mut curve, mut cells) = (self.outline(), Vec::new());
        cells.reserve(found.len() * self.task.places().count() * self.task.lines.len());
        ask_for(cells.spare_capacity_mut());
        for (repeat, places) in found {
            for measured in places {
                self.unfold(&mut curve, repeat, measured, |cell, _| cells.push(*cell));
            }
        }
        Curve { cells, ..curve }
    }

    /// The arm index of a line, and its value on the third axis.
    fn place(&self, line: usize) -> (usize, Option<f64>) {
        let lines = &self.task.lines;
        let values = self.task.sweep.parameter.as_ref().map_or(&[][..], |parameter| parameter.values());
        let value = lines[line].value.map(|value| values[value]);
        (if self.task.is_over_parameter() { lines[line].of } else { line }, value)
    }

    /// Passes the cells of a place to `each`, and adds everything else to the curve. The flag is `true` if a cell
    /// equals the previous one except for its arm.
    pub(super) fn unfold(
        &self,
        curve: &mut Curve,
        repeat: usize,
        measured: Option<Measured>,
        mut each: impl FnMut(&Cell, bool),
    ) {
        let Task { lines, wanted, .. } = &self.task;
        let Some(mut measured) = measured else {
            curve.complete = false;
            return;
        };
        let (n, p) = (measured.n, measured.p);
        if self.engine.kind() == Engine::Nested && measured.by_svd {
            curve.provenance.by_svd.push((repeat, if curve.axis == Axis::Features { p } else { n }));
        }
        for (line, error) in std::mem::take(&mut measured.failures) {
            let failure = Failure::new(repeat, n, p, error);
            curve.failures.push(match line.map(|line| self.place(line)) {
                Some((arm, value)) => Failure { arm: Some(arm), value, ..failure },
                None => failure,
            });
        }
        if self.task.is_over_parameter() {
            // Reorder: from all values of each arm to all arms of each value.
            measured.lines.sort_by_key(&|line| (lines[line].value, lines[line].of));
        }
        let shared = measured.shared(repeat, wanted);
        let mut cell = shared;
        for ((line, metrics), is_repeated) in measured.lines.with_repetitions() {
            let (arm, value) = self.place(line);
            let is_repeated = is_repeated && value.is_none();
            if is_repeated {
                cell.arm = arm;
            } else {
                Measured::write(&mut cell, &shared, (&lines[line], metrics), (arm, value), wanted);
            }
            each(&cell, is_repeated);
        }
    }

    /// The number of cells, and the columns of their table.
    pub(super) fn extent(&self, found: &Repeats) -> Extent {
        let Task { lines, wanted, .. } = &self.task;
        let mut extent = Extent::default();
        for measured in found.iter().flat_map(|(_, places)| places).flatten() {
            if self.task.sweep.parameter.is_none() && !measured.has_more(wanted) {
                extent.count += measured.lines.len();
                continue;
            }
            let shared = measured.shared(0, wanted);
            let mut cell = shared;
            for (line, metrics) in measured.lines.iter() {
                Measured::write(&mut cell, &shared, (&lines[line], metrics), self.place(line), wanted);
                extent.add(std::slice::from_ref(&cell));
            }
        }
        extent
    }
}

impl Task<'_> {
    /// The curve without cells.
    pub(super) fn outline(&self, engine: Engine) -> Curve {
        let sweep = self.sweep;
        let estimators: Vec<Arm> = self.lines.iter().map(|line| line.arm.clone()).collect();
        let preparation = match (sweep.maps.describe(), &sweep.source) {
            (Some(map), _) => map,
            (None, Source::Table(data) | Source::TrainTest { train: data, .. }) => data.preparation(),
            (None, Source::Drawn(_)) => "no intercept, features as drawn".into(),
        };
        let provenance = Provenance {
            data: sweep.source.name().into(),
            rows: sweep.source.train().map(crate::dataset::Dataset::len),
            preparation: preparation + self.preparation().describe(),
            sampling: sweep
                .source
                .sampling(sweep.splits.repeats(), sweep.splits.seed())
                .unwrap_or_else(|| sweep.splits.describe(sweep.splits.repeats())),
            seed: sweep.splits.seed(),
            estimator: Arm::describe_estimators(&estimators),
            engine,
            ..Provenance::default()
        };
        Curve::new(self.axis(), self.labels(), provenance)
    }

    /// Whether only the parameter varies.
    fn is_over_parameter(&self) -> bool {
        self.sweep.parameter.is_some() && self.sweep.samples.len() == 1 && self.features.len() == 1
    }

    /// The axis of the resulting curve.
    fn axis(&self) -> Axis {
        match &self.sweep.parameter {
            Some(parameter) if self.is_over_parameter() => parameter.axis(),
            _ if self.features.len() > 1
                || self.sweep.samples.len() == 1 && !self.sweep.features.is_empty() =>
            {
                Axis::Features
            }
            _ => Axis::Samples,
        }
    }

    /// The arms of the result: those of the sweep, or, if n or p varies in addition to a parameter, each arm at every
    /// value.
    fn labels(&self) -> Vec<ArmLabel> {
        let Some(parameter) = self.sweep.parameter.as_ref().filter(|_| !self.is_over_parameter()) else {
            return self.sweep.arms.iter().map(Arm::label).collect();
        };
        let arms = &self.sweep.arms;
        let label = |line: &Line| {
            let own = &arms[line.of];
            let alone = arms.iter().filter(|arm| arm.name == own.name).count() == 1;
            let name = match own.setting.filter(|_| !alone) {
                Some(setting) => format!("{} {setting:?}", own.name),
                None => own.name.clone(),
            };
            match line.value.map(|value| parameter.values()[value]) {
                // An ensemble of infinitely many members.
                Some(f64::INFINITY) => ArmLabel::new(name + "_limit", None),
                value => ArmLabel::new(name, value),
            }
        };
        self.lines.iter().map(label).collect()
    }
}
