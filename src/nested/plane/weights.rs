//! Fits with `p > n` as sums of the training rows.
//!
//! `β̂ = Xᵀ w` with `X Xᵀ w = L Lᵀ w = y`: two triangular solves and one product with the features, which are in memory
//! anyway. `L` comes from an orthogonal factorisation, so the error is of the order of κ ε, as with the product `β̂ = Q
//! L⁻¹ y`, which takes twice as many operations: C. C. Paige, *An Error Analysis of a Method for Solving Matrix
//! Equations*, Mathematics of Computation 27 (1973); J. W. Demmel and N. J. Higham, *Improved Error Bounds for
//! Underdetermined System Solvers*, SIAM J. Matrix Anal. Appl. 14 (1993).

use super::cell::{Solution, Solved, check_coefficients};
use super::table::Block;
use super::{PlaneFit, Request};
use crate::Error;
use crate::machine::large_pages;
use crate::machine::memory::{list, sum, table};
use crate::machine::threads::share_in;
use crate::nested::scale::{power_of_two_of, scaled};
use crate::svd::columns_times;
use ndarray::{Array2, ShapeBuilder, s};

/// The weights of all cells of one `n`.
pub(super) struct Weights {
    n: usize,
    /// The weights of all cells, column-major.
    entries: Vec<f64>,
    /// By ascending `p`.
    cells: Vec<Cell>,
}

/// A cell whose coefficients are being computed.
struct Cell {
    p: usize,
    solved: Solved,
    /// Coefficients of all requests, in the units of the table, column-major.
    beta: Array2<f64>,
}

/// The contribution of a block of features to the cells of one `n`.
struct Part<'a> {
    n: usize,
    weights: &'a [f64],
    /// The destination of the coefficients, one for each column of weights.
    places: Vec<&'a mut [f64]>,
}

impl Weights {
    pub(super) fn new(n: usize) -> Self {
        Self { n, entries: Vec::new(), cells: Vec::new() }
    }

    /// Returns the bytes for the weights of some `n`, each with `count` columns, and for their products with `blocks`
    /// blocks of at most `step` features, without the coefficients.
    pub(super) fn bytes(
        samples: impl Iterator<Item = usize>,
        count: usize,
        (blocks, step): (usize, usize),
    ) -> usize {
        // A growing list may have twice the capacity that it needs.
        let of_n = |n: usize| {
            let places = list::<&mut [f64]>(count).saturating_mul(blocks.saturating_add(1));
            sum([table(n, count).saturating_mul(2), places])
        };
        sum([sum(samples.map(of_n)), table(step, count)])
    }

    /// Adds a cell with more features than the last.
    pub(super) fn push(&mut self, p: usize, solved: Solved) {
        let mut columns = 0;
        for (column, _) in solved.solutions.iter().flat_map(Solution::columns) {
            self.entries.extend(column);
            columns += 1;
        }
        self.cells.push(Cell { p, solved, beta: large_pages::zeros((p, columns).f()) });
    }

    /// Computes the fits of all cells, by consecutive blocks of features. The bits of a cell do not depend on which
    /// other cells there are.
    pub(super) fn fits(
        mut all: Vec<Self>,
        blocks: &[Block<'_>],
        requests: &[Request<'_>],
    ) -> Result<Vec<PlaneFit>, Error> {
        let mut rest: Vec<_> = all.iter_mut().map(Self::whole).collect();
        let mut of_blocks = Vec::with_capacity(blocks.len());
        for block in blocks {
            let parts: Vec<_> = rest.iter_mut().filter_map(|part| part.split_off(block.width())).collect();
            of_blocks.push((block, parts));
        }
        share_in(of_blocks.into_iter(), &mut Vec::new(), |(block, parts), room| {
            for part in parts {
                part.combine(block, room);
            }
        });
        let of_n = |Self { n, cells, .. }: Self| cells.into_iter().map(move |cell| cell.fit(n, requests));
        all.into_iter().flat_map(of_n).collect()
    }

    /// Returns all of its coefficients.
    fn whole(&mut self) -> Part<'_> {
        let mut places = Vec::new();
        for cell in &mut self.cells {
            places.extend(cell.beta.as_slice_memory_order_mut().unwrap_or_default().chunks_exact_mut(cell.p));
        }
        Part { n: self.n, weights: &self.entries, places }
    }
}

impl Part<'_> {
    /// Splits off the next `count` coefficients of the cells that have more.
    fn split_off(&mut self, count: usize) -> Option<Self> {
        // Cells are sorted by p.
        let done = self.places.iter().take_while(|place| place.is_empty()).count();
        self.places.drain(..done);
        self.weights = &self.weights[done * self.n..];
        let mut places = Vec::with_capacity(self.places.len());
        for place in &mut self.places {
            let count = count.min(place.len());
            let (next, rest) = std::mem::take(place).split_at_mut(count);
            *place = rest;
            places.push(next);
        }
        (!places.is_empty()).then_some(Self { places, ..*self })
    }

    fn combine(self, block: &Block<'_>, room: &mut Vec<f64>) {
        let (n, count, columns) = (self.n, block.width(), self.places.len());
        room.resize(count * columns, 0.0);
        let (rows, place) = block.rows();
        columns_times(rows, place, &self.weights[..n * columns], room, (n, columns));
        for (to, from) in self.places.into_iter().zip(room.chunks_exact(count)) {
            to.copy_from_slice(&from[..to.len()]);
        }
    }
}

impl Cell {
    /// Returns the fit in the caller's units.
    fn fit(self, n: usize, requests: &[Request<'_>]) -> Result<PlaneFit, Error> {
        let Self { p, solved, mut beta } = self;
        let weights = solved.solutions.iter().flat_map(Solution::columns);
        for (mut column, (_, e)) in beta.columns_mut().into_iter().zip(weights) {
            match power_of_two_of(e) {
                Some(unit) => column.mapv_inplace(|v| v * unit),
                None => column.mapv_inplace(|v| scaled(v, e)),
            }
        }
        check_coefficients(&beta)?;
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

#[cfg(test)]
mod tests {
    use super::super::table::Table;
    use super::*;
    use crate::filter::MinNorm;
    use crate::nested::Engine;
    use crate::rng::stream;
    use rand::RngExt;

    /// Blocks of one and of several columns, and cells that end with a block or inside it.
    #[test]
    fn cells_are_sums_of_rows_with_the_same_bits_alone() {
        const ENDS: [usize; 4] = [1, 21, 34, 75];
        const CELLS: [usize; 5] = [1, 15, 21, 30, 75];
        let mut rng = stream(1, 2, 3);
        let mut drawn = |shape| Array2::from_shape_simple_fn(shape, || 2.0 * rng.random::<f64>() - 1.0);
        let x = drawn((40, 75));
        for n in [1, 2, 7, 40] {
            let solutions = CELLS.map(|_| drawn((n, 2)));
            let fits = |cells: &[usize]| {
                let table = Table::plain(x.view(), Array2::zeros((40, 1)));
                let starts = [0].into_iter().chain(ENDS);
                let block = |(from, to)| table.block(40, from..to).unwrap();
                let blocks: Vec<_> = starts.zip(ENDS).map(block).collect();
                let mut weights = Weights::new(n);
                for &cell in cells {
                    let entries = solutions[cell].clone();
                    let solutions = vec![Solution { entries, exponents: vec![0, 3] }];
                    let (rank, smallest, engine) = (n, None, Engine::Nested);
                    weights.push(
                        CELLS[cell],
                        Solved { solutions, train_mse: vec![0.0], rank, smallest, engine },
                    );
                }
                let request = Request { estimator: &MinNorm::default(), outputs: 0..2 };
                Weights::fits(vec![weights], &blocks, &[request]).unwrap()
            };
            let all = fits(&[0, 1, 2, 3, 4]);
            for (cell, together) in all.iter().enumerate() {
                assert_eq!(fits(&[cell]), std::slice::from_ref(together), "n = {n}, p = {}", CELLS[cell]);
                let sums = x.slice(s![..n, ..together.p]).t().dot(&solutions[cell]);
                for (found, expected) in together.coefficients[0].rows().into_iter().zip(sums.rows()) {
                    // Sums of n products of entries below 1.
                    let bound = (n * n) as f64 * f64::EPSILON;
                    assert!(
                        (found[0] - expected[0]).abs() <= bound
                            && (found[1] / 8.0 - expected[1]).abs() <= bound
                    );
                }
            }
        }
    }
}
