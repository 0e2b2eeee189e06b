//! Fits to rows that arrive in blocks, for tables larger than memory.

use super::fits::asked_outputs;
use super::memory::asked;
use super::table::{ORDINARY, Table, Units};
use super::{Plane, PlaneFit, Request};
use crate::Error;
use crate::error::user_code;
use crate::machine::memory::{self, sum, table, zeros};
use crate::machine::order;
use crate::nested::scale::largest_exponent;
use crate::svd::StreamedQr;
use ndarray::{Array2, ArrayView2, s};

/// Rows requested and factorised at once. The number is fixed, and counted from each `n` of the list, so that no bit
/// depends on how the source splits its rows.
const ROWS: usize = 512;

/// Rows of features, and their targets.
type Block = (Array2<f64>, Array2<f64>);

impl Plane {
    /// Computes [`fits`](Self::fits) to rows that arrive in blocks: read from a file, or drawn, and then discarded.
    /// `next(m)` returns the features and targets of the next `m` rows or fewer, `None` after the last. There must be
    /// as many rows as the largest `n`; no more are requested, and at most 512 at once.
    ///
    /// Memory does not grow with the number of rows `N`. With `P` the largest `p`, `m = min(N, P)`, `W` the largest `n`
    /// below `P` (0 if all are larger; only the first `W` rows are kept, for the cells with `p > n`) and `k` targets,
    /// the peak is about
    ///
    /// ```text
    /// 8 (m² + 3·512 P + W P) bytes, and the coefficients
    /// ```
    ///
    /// and [`bytes_of_rows`](Self::bytes_of_rows) gives the exact number. A cell whose condition is in doubt also takes
    /// a copy of its triangle, or an SVD, which requests at most [`bytes_of_svd`](Self::bytes_of_svd) when the cell is
    /// reached. Thirty million rows of 1000 features, 240 GB, take 21 MB; 60,000 × 60,000, where `m²` is as large as
    /// the table, takes 30 GB with only `n ≥ p`.
    ///
    /// The fits are as accurate as those to a table in memory, and agree with them to rounding. Entries stay in the
    /// caller's units: the largest entry of every cell, and of its targets, must be between 2⁻¹⁰⁰ and 2¹⁰⁰, or 0.
    ///
    /// # Errors
    /// Those of `next` and of [`Plane::fits`]; [`Error::UserCode`] if `next` panics, [`Error::Shape`] if the rows end
    /// too early or a block is too narrow or too high, [`Error::Unsupported`] for entries out of that range,
    /// [`Error::Memory`] before anything is read.
    ///
    /// # Examples
    /// ```no_run
    /// use double_descent::dataset::NpyRows;
    /// use double_descent::filter::MinNorm;
    /// use double_descent::nested::{Plane, Request};
    /// use ndarray::s;
    /// use std::path::Path;
    ///
    /// let mut file = NpyRows::open(Path::new("rows.npy"))?; // features, the last column the target
    /// let p = file.columns() - 1;
    /// let plane = Plane::new(&[1_000, 100_000, file.rows()], &[10, 100, p])?;
    /// let request = Request { estimator: &MinNorm::default(), outputs: 0..1 };
    /// let next = |rows| {
    ///     let block = file.next_block(rows)?;
    ///     Ok(block.map(|rows| (rows.slice(s![.., ..p]).to_owned(), rows.slice(s![.., p..]).to_owned())))
    /// };
    /// for fit in plane.fits_of_rows(next, &[request])? {
    ///     println!("{},{},{}", fit.n, fit.p, fit.train_mse[0]);
    /// }
    /// # Ok::<(), double_descent::Error>(())
    /// ```
    pub fn fits_of_rows(
        &self,
        next: impl FnMut(usize) -> Result<Option<Block>, Error>,
        requests: &[Request<'_>],
    ) -> Result<Vec<PlaneFit>, Error> {
        let outputs = asked_outputs(requests)?;
        memory::reserve("the fits of a plane to rows in blocks", self.bytes_of_rows(requests))?;
        let (_, most_features) = self.largest();
        let (columns, kept) = (self.tall_columns(), self.wide_rows());
        let what = "the first rows of a plane";
        let mut rows = Rows {
            next,
            read: 0,
            kept: (zeros(what, kept, most_features)?, zeros(what, kept, outputs)?),
            largest: vec![0.0; self.features.len()],
            targets: vec![0.0; outputs],
            plane: self,
        };
        let feed =
            |qr: &mut StreamedQr, n: usize| rows.to(n, |x, y| qr.append(x.slice(s![.., ..columns]), y));
        let (mut fits, memory) = self.tall(&Units::plain(outputs), requests, feed)?;
        // If all cells have p > n, these rows are still unread.
        for &n in self.samples.iter().filter(|&&n| n <= kept) {
            rows.to(n, |_, _| ())?;
        }
        let (x, y) = rows.kept;
        fits.extend(self.wide(&Table::plain(x.view(), y), requests, memory)?);
        order::sort(&mut fits, |a, b| (a.n, a.p).cmp(&(b.n, b.p)));
        Ok(fits)
    }

    /// Returns the bytes that [`fits_of_rows`](Self::fits_of_rows) requests: those at its peak, including a block of
    /// the source, if no minimum-norm cell needs an SVD ([`bytes_of_svd`](Self::bytes_of_svd)).
    #[must_use]
    pub fn bytes_of_rows(&self, requests: &[Request<'_>]) -> usize {
        let outputs = requests.iter().map(|request| request.outputs.end).max().unwrap_or(0);
        let (n, p) = self.largest();
        let (at_once, kept) = (ROWS.min(n), self.wide_rows());
        sum([
            self.bytes_of(outputs, asked(requests), false, (at_once, kept)),
            table(kept, p),
            table(at_once, p.saturating_add(outputs)),
        ])
    }
}

/// A source of rows for a factorisation.
struct Rows<'a, F> {
    next: F,
    /// The number of rows read.
    read: usize,
    /// The first rows, which are kept.
    kept: Block,
    /// The largest entries so far: of the leading features, for each count of them, and of each target column.
    largest: Vec<f64>,
    targets: Vec<f64>,
    plane: &'a Plane,
}

impl<F: FnMut(usize) -> Result<Option<Block>, Error>> Rows<'_, F> {
    /// Passes on all rows up to row `n`.
    fn to(
        &mut self,
        n: usize,
        mut take: impl FnMut(ArrayView2<'_, f64>, ArrayView2<'_, f64>),
    ) -> Result<(), Error> {
        while self.read < n {
            let (x, y) = self.block(ROWS.min(n - self.read))?;
            self.admit(&x, &y);
            let (from, held) = (self.read, self.kept.0.nrows());
            self.read += x.nrows();
            if from < held {
                let count = held.min(self.read) - from;
                self.kept.0.slice_mut(s![from..from + count, ..]).assign(&x.slice(s![..count, ..]));
                self.kept.1.slice_mut(s![from..from + count, ..]).assign(&y.slice(s![..count, ..]));
            }
            take(x.view(), y.view());
        }
        self.check_range(n)
    }

    /// Returns `count` rows, from as many blocks of the source as needed.
    fn block(&mut self, count: usize) -> Result<Block, Error> {
        let (_, columns) = self.plane.largest();
        let outputs = self.targets.len();
        let mut whole: Option<Block> = None;
        let mut filled = 0;
        while filled < count {
            let part = || format!("the reading of rows from {} on", self.read + filled);
            let wanted = count - filled;
            let Some((x, y)) = user_code::call(part, || (self.next)(wanted))?? else {
                Error::check_len("rows of the features", self.plane.largest().0, self.read + filled)?;
                break;
            };
            for (what, expected, found) in [
                ("columns of a block of features", columns, x.ncols()),
                ("columns of a block of targets", outputs, y.ncols()),
            ] {
                if found < expected {
                    Error::check_len(what, expected, found)?;
                }
            }
            let rows = x.nrows();
            Error::check_len("rows of a block of targets", rows, y.nrows())?;
            if rows == 0 || rows > wanted {
                Error::check_len("rows of a block of features", wanted, rows)?;
            }
            let (x, y) = (x.slice_move(s![.., ..columns]), y.slice_move(s![.., ..outputs]));
            let from = self.read + filled;
            let placed = |error| match error {
                Error::NonFinite { what, row, column, value } => {
                    Error::NonFinite { what, row: from + row, column, value }
                }
                other => other,
            };
            Error::check_finite("the features", x.view()).map_err(placed)?;
            Error::check_finite("the targets", y.view()).map_err(placed)?;
            if rows == count {
                return Ok((x, y));
            }
            let shape = |columns| Array2::zeros((count, columns));
            let whole = whole.get_or_insert_with(|| (shape(columns), shape(outputs)));
            whole.0.slice_mut(s![filled..filled + rows, ..]).assign(&x);
            whole.1.slice_mut(s![filled..filled + rows, ..]).assign(&y);
            filled += rows;
        }
        whole.ok_or(Error::Empty { what: "a block of rows" })
    }

    fn admit(&mut self, x: &Array2<f64>, y: &Array2<f64>) {
        let mut left = 0;
        let mut largest = 0.0_f64;
        for (&right, so_far) in self.plane.features.iter().zip(&mut self.largest) {
            let most = x.slice(s![.., left..right]).fold(0.0, |most: f64, v| most.max(v.abs()));
            largest = largest.max(most);
            *so_far = so_far.max(largest);
            left = right;
        }
        for (so_far, column) in self.targets.iter_mut().zip(y.columns()) {
            *so_far = column.fold(*so_far, |most, v| most.max(v.abs()));
        }
    }

    /// Checks that the squares of all entries of the cells with `n` rows are in range.
    fn check_range(&self, n: usize) -> Result<(), Error> {
        let is_apart = |largest: &&f64| largest_exponent([*largest]).is_some_and(|e| e.abs() > ORDINARY);
        match self.largest.iter().chain(&self.targets).find(is_apart) {
            None => Ok(()),
            Some(largest) => Err(Error::Unsupported {
                reason: format!(
                    "in the first {n} rows the largest entry of a cell, or of its targets, is {largest:e}; rows that \
                     come in blocks are fitted unscaled, from 2⁻¹⁰⁰ to 2¹⁰⁰: scale them"
                ),
            }),
        }
    }
}
