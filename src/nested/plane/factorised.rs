//! The two factorisations, and the cells that are read off them.

use super::cell::{Leading, PlaneCell, Solved};
use super::table::{Table, Units};
use super::{Plane, PlaneFit, Request};
use crate::Error;
use crate::machine::large_pages;
use crate::svd::{Image, StreamedQr};
use ndarray::{Array2, ShapeBuilder, s};

impl Plane {
    /// The largest `p` of a cell with `p ≤ n`; 0 where there is none.
    pub(super) fn tall_columns(&self) -> usize {
        let (most_samples, _) = self.largest();
        self.features.iter().copied().rfind(|&p| p <= most_samples).unwrap_or(0)
    }

    /// The largest `n` of a cell with `p > n`; 0 where there is none.
    pub(super) fn wide_rows(&self) -> usize {
        let (_, most_features) = self.largest();
        self.samples.iter().copied().rfind(|&n| n < most_features).unwrap_or(0)
    }

    /// The cells with `p ≤ n`, and memory that they no longer need. `feed` appends the leading columns, and the targets, of
    /// the rows that are still missing up to a number, in the units that are given.
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
                // What of the targets the first p columns do not explain.
                let squares: Vec<f64> = (0..outputs)
                    .map(|k| qr.outside(k) + c(k)[p..].iter().map(|v| v * v).sum::<f64>())
                    .collect();
                let cell = PlaneCell { units, n, p, leading: &leading, smallest: self.smallest };
                let solved = cell.solve(targets, &squares, requests, solution)?;
                fits.push(PlaneFit {
                    n,
                    p,
                    rank: solved.rank,
                    coefficients: solved.solutions,
                    train_mse: solved.train_mse,
                    smallest_singular_value: solved.smallest,
                    engine: solved.engine,
                });
            }
        }
        Ok((fits, qr.into_memory()))
    }

    /// The cells with `p > n`.
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
        let mut lq = StreamedQr::keeping(memory, most_features, rows);
        let none = Array2::zeros((0, 0));
        let mut cells = Vec::new();
        for run in self.runs() {
            if run[0] > last_wanted {
                break;
            }
            let (from, last) = (lq.rows(), run[run.len() - 1]);
            let block = table.features(0..rows, from..last)?;
            if run.len() > 1 && run.iter().any(|&p| self.wants(p)) {
                // Column by column on a copy; what came before is applied with that of all others.
                let mut branch = lq.branch();
                for &p in run {
                    branch.append(block.slice(s![.., branch.rows() - from..p - from]).t(), none.view());
                    if self.wants(p) {
                        let mut of_p = self.solved(table, requests, &branch, p)?;
                        branch.apply(of_p.iter_mut().flat_map(Wide::images).collect());
                        for cell in &mut of_p {
                            cell.rows = from;
                        }
                        cells.extend(of_p);
                    }
                }
            }
            lq.append(block.t(), none.view());
            if let [p] = run
                && self.wants(*p)
            {
                cells.extend(self.solved(table, requests, &lq, *p)?);
            }
        }
        lq.apply(cells.iter_mut().flat_map(Wide::images).collect());
        cells.into_iter().map(|cell| cell.fit(requests)).collect()
    }

    /// The cells of `p` features, their solutions still in the coordinates of their triangle.
    fn solved(
        &self,
        table: &Table<'_>,
        requests: &[Request<'_>],
        lq: &StreamedQr,
        p: usize,
    ) -> Result<Vec<Wide>, Error> {
        let sizes: Vec<usize> = self.samples.iter().copied().take_while(|&n| n < p).collect();
        let largest = sizes.last().copied().unwrap_or(0);
        let leading = Leading::new(lq, largest);
        // Forward substitution: the solution of a smaller cell is the beginning of that of the largest.
        let solutions = lq.solve_transposed(table.y.slice(s![..largest, ..]));
        let wide = |n: usize| {
            let targets = table.y.slice(s![..n, ..]).to_owned();
            let solution = solutions.slice(s![..n, ..]).to_owned();
            let cell = PlaneCell { units: &table.units, n, p, leading: &leading, smallest: self.smallest };
            let mut solved = cell.solve(&targets, &vec![0.0; table.y.ncols()], requests, solution)?;
            let width = solved.solutions.iter().map(Array2::ncols).sum();
            let (mut beta, mut first) = (large_pages::zeros((p, width).f()), 0);
            for z in solved.solutions.drain(..) {
                beta.slice_mut(s![..n, first..first + z.ncols()]).assign(&z);
                first += z.ncols();
            }
            Ok(Wide { n, p, rows: p, solved, beta })
        };
        sizes.into_iter().map(wide).collect()
    }
}

/// A cell with `p > n` on its way to the coordinates of the features.
struct Wide {
    n: usize,
    p: usize,
    /// The reflections of so many columns are still to be applied.
    rows: usize,
    solved: Solved,
    /// The solutions that were in `solved`, side by side, column by column.
    beta: Array2<f64>,
}

impl Wide {
    fn images(&mut self) -> impl Iterator<Item = Image<'_>> {
        let (rows, rank) = (self.rows, self.n);
        let columns = self.beta.as_slice_memory_order_mut().unwrap_or_default().chunks_exact_mut(self.p);
        columns.map(move |column| Image { rows, rank, column })
    }

    /// In the coordinates of the features.
    fn fit(self, requests: &[Request<'_>]) -> Result<PlaneFit, Error> {
        let Self { n, p, solved, beta, .. } = self;
        let overflow = |_| Error::Overflow { what: "a coefficient of the fit" };
        Error::check_finite("coefficients", beta.view()).map_err(overflow)?;
        let mut first = 0;
        let of_request = |request: &Request<'_>| {
            let columns = first..first + request.outputs.len();
            first = columns.end;
            beta.slice(s![.., columns]).to_owned()
        };
        let coefficients = match requests {
            [_] => vec![beta],
            several => several.iter().map(of_request).collect(),
        };
        Ok(PlaneFit {
            n,
            p,
            rank: solved.rank,
            coefficients,
            train_mse: solved.train_mse,
            smallest_singular_value: solved.smallest,
            engine: solved.engine,
        })
    }
}
