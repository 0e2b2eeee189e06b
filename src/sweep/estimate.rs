//! What a sweep will take, before it runs.

use super::evaluate::Measured;
use super::splits::orders_bytes;
use super::{Grid, Place, PlaneSweep, Sweep};
use crate::Error;
use crate::curve::{Cell, Metric};
use crate::dataset::Dataset;
use crate::memory::{Estimate, list, of_threads, reserve, sum, table};
use crate::nested::{Engine, Plane, Point, rows_bytes};

impl Sweep {
    /// What [`Sweep::run`] will take: bytes at the peak beside the table itself, and floating-point operations.
    /// [`run`](Sweep::run) ends in [`Error::Memory`] at once where there are fewer bytes.
    ///
    /// # Errors
    /// What is wrong with the sweep as a whole, as [`Sweep::run`].
    ///
    /// # Examples
    /// ```
    /// use double_descent::{dataset::Dataset, sweep::Sweep};
    ///
    /// let sweep = Sweep::new(Dataset::diabetes(), 1..=400, 1000, 0);
    /// println!("{}", sweep.estimate()?); // so many GiB of memory, so many floating-point operations
    /// # Ok::<(), double_descent::Error>(())
    /// ```
    pub fn estimate(&self) -> Result<Estimate, Error> {
        self.check()?;
        let nested = self.chosen_engine()? == Engine::Nested;
        let grid = if nested { self.curves() } else { self.grid() };
        let (rows, p, k) = shape(&self.data);
        let (n, width) = (most(&self.sizes), p.saturating_add(k).saturating_add(1));
        let (repeats, arms, height) = (self.splits.repeats(), self.arms.len(), width.min(rows));
        let total = self.sizes.len().saturating_mul(repeats);
        let cells = list::<Cell>(total.saturating_mul(arms));
        let measured = Measured::bytes(arms).saturating_mul(total);
        let (each, results) = if nested {
            let fits = rows_bytes((n, p), k, height, self.has_ridge());
            let points = list::<Point>(n).saturating_mul(arms);
            let results = list::<(Place, Option<Result<Measured, Error>>, bool)>(total).saturating_mul(2);
            (sum([table(n, p + k), fits, points]), results)
        } else {
            (self.batch_bytes(n, grid.batch.min(repeats)), grid.bytes::<Result<Measured, Error>>())
        };
        let kept = [table(height, width), table(p, k), orders_bytes(repeats, n), measured, results];
        let at_work = each.saturating_mul(grid.workers()).max(cells);
        let at_first = table(rows, width).saturating_mul(3);
        let flops_of = |n: usize| {
            let (n, p, r, k) = (n as f64, p as f64, n.min(p) as f64, k as f64);
            let per_arm = if nested { 4.0 * r * (p + r) } else { 10.0 * k * (r + height as f64) };
            let svd =
                if nested { 0.0 } else { 8.0 * n * p * r + 6.0 * r * r * r + 2.0 * r * p * height as f64 };
            svd + arms as f64 * per_arm
        };
        let flops: f64 =
            if nested { (1..=n).map(flops_of).sum() } else { self.sizes.iter().map(|&n| flops_of(n)).sum() };
        let compression = 2.0 * rows as f64 * (width * width) as f64;
        Ok(Estimate::new(
            sum(kept).saturating_add(at_work).max(at_first),
            repeats as f64 * flops + compression,
        ))
    }

    /// [`Error::Memory`] unless there is what a run takes.
    pub(super) fn reserve(&self) -> Result<(), Error> {
        let workers = if self.threads == Some(1) { 0 } else { self.grid().workers() };
        reserve("a sweep", self.estimate()?.bytes.saturating_add(of_threads(workers)))
    }

    fn has_ridge(&self) -> bool {
        self.arms.iter().any(|arm| arm.estimator.penalty().is_some_and(|lambda| lambda > 0.0))
    }

    /// Bytes of so many cells that are factorised together: designs, copies, results, and work space for one.
    fn batch_bytes(&self, n: usize, batch: usize) -> usize {
        let (rows, p, k) = shape(&self.data);
        let r = n.min(p);
        let result = table(n.saturating_add(p), r);
        let each = sum([table(n, p).saturating_mul(2), result]).saturating_mul(batch);
        let height = rows.min(p.saturating_add(k).saturating_add(1));
        let evaluated = [table(r, height), table(n, k).saturating_mul(3), table(height, p.saturating_add(k))];
        sum([each, self.backend.bytes((n, p)).saturating_sub(result), sum(evaluated)])
    }
}

impl PlaneSweep {
    /// What [`PlaneSweep::run`] will take: bytes at the peak beside the tables themselves and the feature maps, and
    /// floating-point operations, those of the maps excepted. [`run`](PlaneSweep::run) ends in [`Error::Memory`] at
    /// once where there are fewer bytes.
    ///
    /// # Errors
    /// What is wrong with the sweep as a whole, as [`PlaneSweep::run`].
    pub fn estimate(&self) -> Result<Estimate, Error> {
        let plane = Plane::new(&self.samples, &self.features)?;
        self.check()?;
        let (_, d, k) = shape(&self.train);
        let (n, p) = (most(&self.samples), most(&self.features));
        let repeats = self.splits.repeats();
        let arms = self.arms.len();
        let fitted = arms.saturating_mul(k);
        let by_svd = self.arms.iter().any(|arm| arm.estimator.penalty() != Some(0.0));
        let tables = 1 + self.arms.iter().filter(|arm| arm.targets.is_some()).count();
        let inputs = table(n, d.saturating_add(tables.saturating_mul(k).saturating_mul(2)));
        let sum_of_features = self.features.iter().copied().fold(0, usize::saturating_add);
        let coefficients = table(sum_of_features, fitted).saturating_mul(self.samples.len());
        let block = self.test.len().min(super::plane::BLOCK);
        // The fits, or their coefficients twice with a block of test features and predictions.
        let at_test = [
            coefficients.saturating_mul(2),
            table(block, p),
            table(block, fitted.saturating_mul(self.samples.len())),
            table(self.test.len(), if self.metrics.contains(&Metric::TestErrorRate) { arms } else { 0 }),
        ];
        let each = plane.bytes(tables.saturating_mul(k), fitted, true, by_svd).max(sum(at_test));
        let total = self.samples.len().saturating_mul(self.features.len()).saturating_mul(arms);
        let cells = list::<Cell>(total.saturating_mul(repeats)).saturating_mul(2);
        let workers = self.repeats_grid().workers();
        let bytes = sum([orders_bytes(repeats, n), cells, sum([each, inputs]).saturating_mul(workers)]);
        Ok(Estimate::new(bytes, repeats as f64 * self.flops((n, p), (k, tables, by_svd))))
    }

    fn flops(&self, (n, p): (usize, usize), (k, tables, by_svd): (usize, usize, bool)) -> f64 {
        let [n, p, k] = [n, p, k].map(|count| count as f64);
        let square = n.min(p);
        let two = 2.0 * n * square * square + 2.0 * p * square * square + 4.0 * n * p * k * tables as f64;
        let cell = |n: usize, p: usize| {
            let (size, p, m) = (n.min(p) as f64, p as f64, self.test.len() as f64);
            let svd = if by_svd { 20.0 * size * size * size } else { 0.0 };
            let fits = k * self.arms.len() as f64;
            svd + fits * (2.0 * size * size + 4.0 * size * p + 2.0 * m * p)
        };
        let cells = self.samples.iter().flat_map(|&n| self.features.iter().map(move |&p| cell(n, p)));
        two + cells.sum::<f64>()
    }

    /// [`Error::Memory`] unless there is what a run takes.
    pub(super) fn reserve(&self) -> Result<(), Error> {
        let workers = if self.threads == Some(1) { 0 } else { self.repeats_grid().workers() };
        reserve("a sweep over a plane", self.estimate()?.bytes.saturating_add(of_threads(workers)))
    }
}

fn shape(data: &Dataset) -> (usize, usize, usize) {
    (data.len(), data.features().ncols(), data.targets().ncols())
}

fn most(list: &[usize]) -> usize {
    list.iter().copied().max().unwrap_or(0)
}

impl Sweep {
    fn grid(&self) -> Grid {
        let repeats = self.splits.repeats();
        Grid { axis: self.sizes.clone(), repeats, threads: self.threads, batch: super::BATCH }
    }

    fn curves(&self) -> Grid {
        Grid { axis: vec![most(&self.sizes)], batch: 1, ..self.grid() }
    }
}

impl PlaneSweep {
    fn repeats_grid(&self) -> Grid {
        let axis = vec![most(&self.features)];
        Grid { axis, repeats: self.splits.repeats(), threads: self.threads, batch: 1 }
    }
}
