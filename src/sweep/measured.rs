//! The measurements of a cell, and its rows of the tidy table.

use super::line_metrics::LineMetrics;
use super::lines::Line;
use super::metrics::Metrics;
use super::spectral::Spectral;
use crate::Error;
use crate::curve::{Cell, Metric};
use crate::machine::memory::{list, sum};
use crate::machine::order;
use crate::nested::{Engine, Point};
use crate::svd::Right;

/// Which metrics a sweep asks for.
#[allow(clippy::struct_excessive_bools)]
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    train: bool,
    test: bool,
    opposite: bool,
    bias_squared: bool,
    mean_squared_bias: bool,
    pub(super) smallest: bool,
    /// Whether norms are computed at all.
    pub(super) norm: bool,
    coefficient_norm: bool,
    pub(super) error_rate: bool,
    pub(super) train_error_rate: bool,
    distance: bool,
    pub(super) spectral: Spectral,
}

impl Wanted {
    /// `classified` says that there are at least two classes; `tail` is the number of eigenvalues that [`Sweep::tail`]
    /// leaves out.
    ///
    /// [`Sweep::tail`]: super::Sweep::tail
    pub(super) fn new(metrics: &[Metric], classified: bool, has_test_rows: bool, tail: usize) -> Self {
        let spectral = Spectral::new(metrics, tail);
        let has = |metric| metrics.contains(&metric);
        Self {
            train: has(Metric::TrainMse),
            test: has(Metric::TestMse),
            opposite: has(Metric::TestMseOpposite),
            bias_squared: has(Metric::BiasSquared),
            mean_squared_bias: has(Metric::MeanSquaredBias),
            smallest: has(Metric::SmallestSingularValue),
            norm: has(Metric::CoefficientNorm) || has(Metric::DistanceFromStart) || spectral.norm(),
            coefficient_norm: has(Metric::CoefficientNorm),
            error_rate: has(Metric::TestErrorRate) && classified && has_test_rows,
            train_error_rate: has(Metric::TrainErrorRate) && classified,
            distance: has(Metric::DistanceFromStart),
            spectral,
        }
    }

    /// Whether error rates are needed, which require predictions row by row.
    pub(super) fn any_error_rate(&self) -> bool {
        self.error_rate || self.train_error_rate
    }

    /// Whether cells need `U` itself, not only its products with the targets.
    pub(super) fn needs_u(&self) -> bool {
        self.train_error_rate || self.spectral.leave_one_out()
    }

    /// Whether cells need the best linear model of all rows.
    pub(super) fn needs_ideal(&self, lines: &[Line]) -> bool {
        let without_residuals = |line: &Line| line.arm.ablation.is_without_residuals();
        self.bias_squared || self.mean_squared_bias || lines.iter().any(without_residuals)
    }
}

/// The measurements of the fits at one place.
#[derive(Clone, Debug, Default)]
pub(super) struct Measured {
    pub(super) n: usize,
    pub(super) p: usize,
    /// Lines that failed are left out.
    pub(super) lines: LineMetrics,
    /// The errors of failed lines; an index of `None` stands for all lines.
    pub(super) failures: Vec<(Option<usize>, Error)>,
    pub(super) smallest_singular_value: f64,
    pub(super) rank: usize,
    /// Whether an SVD replaced the nested engine.
    pub(super) by_svd: bool,
}

impl Measured {
    pub(super) fn new(n: usize, p: usize, lines: usize) -> Self {
        Self { n, p, lines: LineMetrics::with_capacity(lines), ..Self::default() }
    }

    /// For a place whose features are factorised.
    pub(super) fn of(svd: &Right, lines: usize) -> Self {
        let (n, p) = svd.shape();
        let smallest_singular_value = svd.smallest_nonzero().unwrap_or(0.0);
        Self { rank: svd.rank(), smallest_singular_value, ..Self::new(n, p, lines) }
    }

    /// A place where all lines failed with the same error.
    pub(super) fn failed(n: usize, p: usize, error: Error) -> Self {
        Self { n, p, failures: vec![(None, error)], ..Self::default() }
    }

    /// Puts the lines in the order of their indices.
    pub(super) fn sort_lines(&mut self) {
        self.lines.sort_by_key(&|line| (None, line));
    }

    /// The same for the failures.
    pub(super) fn sort_failures(&mut self) {
        order::sort(&mut self.failures, |a, b| a.0.cmp(&b.0));
    }

    /// Bytes that a value holds on the heap.
    pub(super) fn bytes(lines: usize, wanted: &Wanted) -> usize {
        /// The allocator's overhead for each allocation.
        const HEAD: usize = 16;
        let of_fit = match wanted.spectral.count() {
            0 => 0,
            count => list::<(Metric, f64)>(count).saturating_add(HEAD),
        };
        sum([LineMetrics::bytes(lines), of_fit.saturating_mul(lines)])
    }

    /// Collects points of nested curves, one per line; the noise of the test targets adds `variance`.
    pub(super) fn from_points(points: &[&Point], variance: f64) -> Self {
        let metrics = |(line, point): (usize, &&Point)| {
            let test = point.test_mse.unwrap_or(f64::NAN) + variance;
            let of_fit = point.loo_mse.map(|error| (Metric::LeaveOneOut, error)).into_iter().collect();
            (line, Metrics { train: point.train_mse, test, norm: point.norm, of_fit, ..Metrics::default() })
        };
        let first = points.first();
        Self {
            n: first.map_or(0, |point| point.n),
            p: first.map_or(0, |point| point.p),
            lines: points.iter().enumerate().map(metrics).collect(),
            failures: Vec::new(),
            smallest_singular_value: first.and_then(|point| point.smallest_singular_value).unwrap_or(0.0),
            rank: first.map_or(0, |point| point.rank),
            by_svd: points.iter().any(|point| point.engine == Engine::Svd),
        }
    }

    /// Whether its cells have metrics beyond those of every table.
    pub(super) fn has_more(&self, wanted: &Wanted) -> bool {
        wanted.distance
            || wanted.train_error_rate
            || !wanted.spectral.is_none() && self.lines.iter().any(|(_, metrics)| !metrics.of_fit.is_empty())
    }

    /// The values shared by all its rows of the tidy table.
    pub(super) fn shared(&self, repeat: usize, wanted: &Wanted) -> Cell {
        let mut cell = Cell::new(repeat, self.n, self.p, 0);
        cell.rank = self.rank;
        cell.smallest_singular_value = wanted.smallest.then_some(self.smallest_singular_value);
        cell
    }

    /// Turns `cell`, the row of another line, into the row of this line, with the given arm and value on the third
    /// axis. The line must not have failed. If rows may have metrics that others lack, starts again from the values
    /// that all rows [share](Self::shared).
    pub(super) fn write(
        cell: &mut Cell,
        shared: &Cell,
        (line, metrics): (&Line, &Metrics),
        (arm, value): (usize, Option<f64>),
        wanted: &Wanted,
    ) {
        if !cell.is_plain() {
            *cell = *shared;
        }
        cell.arm = arm;
        if value.is_some() {
            *cell = cell.at(value);
        }
        let attacked = line.arm.adversary.is_some();
        cell.train_mse = wanted.train.then_some(metrics.train);
        cell.test_mse = wanted.test.then_some(metrics.test);
        cell.test_mse_opposite = (wanted.opposite && attacked).then_some(metrics.opposite);
        cell.test_error_rate = metrics.error_rate;
        if metrics.train_error_rate.is_some() {
            cell.set(Metric::TrainErrorRate, metrics.train_error_rate);
        }
        let biased = line.arm.start == super::Start::Zero;
        cell.bias_squared = (wanted.bias_squared && biased).then_some(metrics.bias_squared);
        cell.mean_squared_bias = (wanted.mean_squared_bias && biased).then_some(metrics.mean_squared_bias);
        // The norm is NaN for a random start.
        let norm = Some(metrics.norm).filter(|norm| !norm.is_nan());
        cell.coefficient_norm = norm.filter(|_| wanted.coefficient_norm);
        if wanted.distance && biased {
            // These fits start from 0.
            cell.set(Metric::DistanceFromStart, Some(metrics.norm));
        }
        for (metric, value) in &metrics.of_fit {
            cell.set(*metric, Some(*value));
        }
    }
}
