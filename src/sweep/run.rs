//! A sweep under way: its engine, its tables, and the curve of some repeats.

use super::engine::{Engine, Repeats, Which, choose};
use super::study::Study;
use super::task::Task;
use super::{Arm, Observer, Source, Sweep};
use crate::Error;
use crate::curve::{ArmLabel, Axis, Curve, Failure, Provenance};
use crate::memory::{of_threads, reserve};
use std::ops::Range;

/// What all repeats of a sweep share.
pub(super) struct Ready<'a> {
    task: Task<'a>,
    engine: &'static dyn Engine,
    orders: Vec<Vec<usize>>,
}

impl Sweep {
    /// Checks the sweep and asks for its memory.
    pub(super) fn begin(&self) -> Result<Ready<'_>, Error> {
        let task = Task::new(self)?;
        let engine = choose(&task)?;
        let workers = if self.threads == Some(1) { 0 } else { task.grid().workers() };
        let estimate = task.estimate(engine);
        reserve("a sweep", estimate.bytes.saturating_add(of_threads(workers)))?;
        let orders = task.orders()?;
        Ok(Ready { task, engine, orders })
    }
}

impl Ready<'_> {
    /// How many repeats there are.
    pub(super) fn count(&self) -> usize {
        self.orders.len()
    }

    /// The tables of all repeats, where they are the same.
    fn shared(&self) -> Result<Option<Study<'_>>, Error> {
        if !self.task.is_shared() {
            return Ok(None);
        }
        match self.task.study(0, &[], &self.task.features, None) {
            Ok(study) => Ok(Some(study)),
            // A feature that cannot be made costs the cells that use it alone.
            Err(_) if !self.task.sweep.maps.is_none() && self.task.features.len() > 1 => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The curve of some repeats.
    pub(super) fn repeats(
        &self,
        repeats: Range<usize>,
        threads: Option<usize>,
        observer: &dyn Observer,
    ) -> Result<Curve, Error> {
        let shared = if self.engine.needs_tables() { self.shared()? } else { None };
        let which = Which { orders: &self.orders, repeats, threads };
        let found = self.engine.run(&self.task, shared.as_ref(), &which, observer)?;
        Ok(self.fill(self.outline(), found))
    }

    /// The curve without cells.
    pub(super) fn outline(&self) -> Curve {
        let Task { sweep, .. } = &self.task;
        let estimators: Vec<Arm> = self.task.lines.iter().map(|line| line.arm.clone()).collect();
        let preparation = match (sweep.maps.describe(), &sweep.source) {
            (Some(map), _) => map,
            (None, Source::Table(data) | Source::TrainTest { train: data, .. }) => data.preparation(),
            (None, Source::Drawn(_)) => "no intercept, features as drawn".into(),
        };
        let provenance = Provenance {
            data: sweep.source.name().into(),
            rows: sweep.source.train().map(crate::dataset::Dataset::len),
            preparation: preparation + self.task.preparation().describe(),
            sampling: sweep.splits.describe(self.count()),
            seed: sweep.splits.seed(),
            estimator: Arm::describe_estimators(&estimators),
            engine: self.engine.kind(),
            ..Provenance::default()
        };
        Curve::new(self.task.axis(), self.task.labels(), provenance)
    }

    fn fill(&self, mut curve: Curve, found: Repeats) -> Curve {
        let Task { lines, wanted, sweep, .. } = &self.task;
        let places = self.task.places().count();
        curve.cells.reserve(found.len() * places * lines.len());
        let nested = self.engine.kind() == crate::nested::Engine::Nested;
        for (repeat, measured) in found {
            for measured in measured {
                let Some(mut measured) = measured else {
                    curve.complete = false;
                    continue;
                };
                let (n, p) = (measured.n, measured.p);
                if nested && measured.by_svd {
                    let value = if self.task.axis() == Axis::Features { p } else { n };
                    curve.provenance.by_svd.push((repeat, value));
                }
                for (_, error) in std::mem::take(&mut measured.failures) {
                    curve.failures.push(Failure { repeat, n, p, error });
                }
                curve.cells.extend(measured.cells(repeat, lines, wanted));
            }
        }
        let _ = sweep;
        curve
    }
}

impl Task<'_> {
    /// What the result is a curve over.
    pub(super) fn axis(&self) -> Axis {
        if self.sweep.samples.len() == 1 && self.features.len() > 1 || !self.sweep.features.is_empty() {
            Axis::Features
        } else {
            Axis::Samples
        }
    }

    /// The arms of the result.
    fn labels(&self) -> Vec<ArmLabel> {
        self.lines.iter().map(|line| line.arm.label()).collect()
    }
}
