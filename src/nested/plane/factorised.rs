//! The two factorisations, and the cells computed from them.

use super::cell::{Leading, PlaneCell, Solution};
use super::table::{Table, Units};
use super::weights::Weights;
use super::{Plane, PlaneFit, Request};
use crate::Error;
use crate::svd::StreamedQr;
use ndarray::{Array2, s};

impl Plane {
    /// Returns the largest `p` of a cell with `p ≤ n`; 0 if there is none.
    pub(super) fn tall_columns(&self) -> usize {
        let (most_samples, _) = self.largest();
        self.features.iter().copied().rfind(|&p| p <= most_samples).unwrap_or(0)
    }

    /// Returns the largest `n` of a cell with `p > n`; 0 if there is none.
    pub(super) fn wide_rows(&self) -> usize {
        let (_, most_features) = self.largest();
        self.samples.iter().copied().rfind(|&n| n < most_features).unwrap_or(0)
    }

    /// Computes the cells with `p ≤ n`, and returns memory that they no longer need. `feed` appends the missing rows up
    /// to a given number, as leading columns and targets in the given units.
    pub(super) fn tall(
        &self,
        units: &Units,
        requests: &[Request<'_>],
        mut feed: impl FnMut(&mut StreamedQr, usize) -> Result<(), Error>,
    ) -> Result<(Vec<PlaneFit>, Vec<f64>), Error> {
        let (most_samples, _) = self.largest();
        let columns = self.tall_columns();
        if !self.features.iter().any(|&p| p <= columns && self.wants(p)) {
            return Ok((Vec::new(), Vec::new()));
        }
        let outputs = units.y_exponents.len();
        let mut qr = StreamedQr::new(most_samples, columns, outputs);
        let mut fits = Vec::new();
        for &n in &self.samples {
            feed(&mut qr, n)?;
            let cells: Vec<usize> = self.features.iter().copied().take_while(|&p| p <= n).collect();
            let leading = Leading::new(&qr, cells.last().copied().unwrap_or(0));
            let c = |k: usize| qr.carried(k);
            let targets = |p: usize| Array2::from_shape_fn((p, outputs), |(i, k)| c(k)[i]);
            let targets: Vec<_> = cells.into_iter().map(targets).collect();
            let solutions = qr.solve(&targets);
            for (targets, solution) in targets.iter().zip(solutions) {
                let p = targets.nrows();
                if !self.wants(p) {
                    continue;
                }
                // The part of the targets that the first p columns do not explain.
                let squares: Vec<f64> = (0..outputs)
                    .map(|k| qr.outside(k) + c(k)[p..].iter().map(|v| v * v).sum::<f64>())
                    .collect();
                let cell = PlaneCell { units, n, p, leading: &leading, smallest: self.smallest };
                let solved = cell.solve(targets, &squares, requests, solution)?;
                let coefficients = solved.solutions.into_iter().map(Solution::in_units);
                fits.push(PlaneFit {
                    n,
                    p,
                    rank: solved.rank,
                    coefficients: coefficients.collect::<Result<_, _>>()?,
                    train_mse: solved.train_mse,
                    smallest_singular_value: solved.smallest,
                    engine: solved.engine,
                });
            }
        }
        Ok((fits, qr.into_memory()))
    }

    /// Computes the cells with `p > n`.
    pub(super) fn wide(
        &self,
        table: &Table<'_>,
        requests: &[Request<'_>],
        memory: Vec<f64>,
    ) -> Result<Vec<PlaneFit>, Error> {
        let (_, most_features) = self.largest();
        let (rows, last_wanted) = (self.wide_rows(), self.last_wanted());
        if rows == 0 || self.samples.first().is_none_or(|&n| n >= last_wanted) {
            return Ok(Vec::new());
        }
        let mut lq = StreamedQr::in_memory(memory, (most_features, rows, 0));
        let none = Array2::zeros((0, 0));
        let mut blocks = Vec::new();
        let mut weights: Vec<_> = self.samples.iter().map(|&n| Weights::new(n)).collect();
        for run in self.runs() {
            if run[0] > last_wanted {
                break;
            }
            let (from, last) = (lq.rows(), run[run.len() - 1]);
            let block = table.block(rows, from..last)?;
            let columns = block.view().reversed_axes();
            if run.len() > 1 && run.iter().any(|&p| self.wants(p)) {
                // One column at a time, on a copy.
                let mut branch = lq.branch();
                for &p in run {
                    branch.append(columns.slice(s![branch.rows() - from..p - from, ..]), none.view());
                    if self.wants(p) {
                        self.solve_wide(table, requests, (&branch, p), &mut weights)?;
                    }
                }
            }
            lq.append(columns, none.view());
            if let [p] = run
                && self.wants(*p)
            {
                self.solve_wide(table, requests, (&lq, *p), &mut weights)?;
            }
            blocks.push(block);
        }
        Weights::fits(weights, &blocks, requests)
    }

    /// Computes the weights of the cells with `p` features.
    fn solve_wide(
        &self,
        table: &Table<'_>,
        requests: &[Request<'_>],
        (lq, p): (&StreamedQr, usize),
        weights: &mut [Weights],
    ) -> Result<(), Error> {
        let sizes: Vec<usize> = self.samples.iter().copied().take_while(|&n| n < p).collect();
        let largest = sizes.last().copied().unwrap_or(0);
        let leading = Leading::new(lq, largest);
        // Forward substitution: a smaller cell's solution is the beginning of the largest cell's.
        let forward = lq.solve_transposed(table.y.slice(s![..largest, ..]));
        let forward: Vec<_> = sizes.iter().map(|&n| forward.slice(s![..n, ..]).to_owned()).collect();
        let solutions = lq.solve(&forward);
        for ((n, solution), weights) in sizes.into_iter().zip(solutions).zip(weights) {
            let targets = table.y.slice(s![..n, ..]).to_owned();
            let cell = PlaneCell { units: &table.units, n, p, leading: &leading, smallest: self.smallest };
            weights.push(p, cell.solve(&targets, &vec![0.0; table.y.ncols()], requests, solution)?);
        }
        Ok(())
    }
}
