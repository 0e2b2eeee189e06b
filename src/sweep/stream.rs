//! A sample-wise curve from rows that are read once and not kept.

use super::Observer;
use crate::Error;
use crate::curve::{ArmLabel, Axis, Cell, Curve, Failure, Metric, Provenance};
use crate::dataset::{RowStream, row_stream};
use crate::error::user_code;
use crate::filter::{MinNorm, SpectralFilter};
use crate::nested::{Engine, Point, Rows, Test};
use crate::risk::Compressed;
use ndarray::{Array2, s};
use std::collections::BTreeSet;
use std::ops::ControlFlow;

/// The minimum-norm fits to the first 1, 2, 3, … rows of a [`RowStream`].
///
/// It needs memory of O(p² + block), however many rows there are. All fits are computed; those at the requested sizes
/// become cells.
///
/// Unlike a [`Sweep`](super::Sweep), a stream has one repeat, takes rows in the order in which they arrive, and tests
/// on the rows before the first training row.
///
/// # Examples
/// ```
/// use double_descent::curve::Metric;
/// use double_descent::dataset::GaussianRows;
/// use double_descent::sweep::Stream;
///
/// let stream = Stream { test_rows: 500, ..Stream::new("Gaussian rows", 1, [5, 10, 20, 1000]) };
/// let curve = stream.run(&mut GaussianRows::new(2000, 10, 0.5, 0), &())?;
/// assert_eq!(curve.highest(0, Metric::TestMse).unwrap().n, 10); // n = p
/// assert_eq!(curve.values(), [5.0, 10.0, 20.0, 1000.0]);
/// # Ok::<(), double_descent::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Stream {
    /// A description of the rows, for a caption.
    pub name: String,
    /// The number of target columns `k`: the last columns of each row.
    pub outputs: usize,
    /// The number of rows at the start that do not train but are tested on; 0 for training errors alone.
    pub test_rows: usize,
    /// The number of rows in memory at once.
    pub block: usize,
    /// The sizes `n` whose fits become cells; sizes beyond the last row are ignored.
    pub samples: BTreeSet<usize>,
    /// The seed of the rows, if they are drawn, for a caption.
    pub seed: Option<u64>,
}

impl Stream {
    /// A stream of rows whose last `outputs` columns are targets, without test rows, in blocks of 1024.
    pub fn new(name: impl Into<String>, outputs: usize, samples: impl IntoIterator<Item = usize>) -> Self {
        let samples = samples.into_iter().collect();
        Self { name: name.into(), outputs, test_rows: 0, block: 1024, samples, seed: None }
    }

    /// Reads all rows, as many as the stream has by its own account.
    ///
    /// Cells have the training error, norm and rank, and with test rows the test error. If the observer stops it,
    /// returns the cells so far, with [`Curve::complete`] false. The same if the rows break off after the first cell: by
    /// an error or a panic of the stream, by fewer rows than it announced, or by rows that cannot be fitted. Then
    /// [`Curve::failures`] has the error, at the first `n` that was not reached. If the observer panics, it has that, at
    /// the last `n`.
    ///
    /// # Errors
    /// [`Error::Domain`] unless there are at least one target, one feature, one row per block and one training row;
    /// [`Error::NonFinite`] for test rows with NaN or an infinity; [`Error::Shape`] for a block that is too wide, too
    /// narrow or too high, for fewer test rows than asked for, and for rows that end before the first cell;
    /// [`Error::UserCode`] if the stream panics or returns a block without rows; those of the rows, of [`Rows::new`] and
    /// of [`Rows::extend`].
    pub fn run(&self, rows: &mut dyn RowStream, observer: &dyn Observer) -> Result<Curve, Error> {
        let (all, columns) = row_stream::shape(rows)?;
        let counts = [
            ("the number of outputs", self.outputs),
            ("the number of rows of a block", self.block),
            ("the number of features", columns.saturating_sub(self.outputs)),
            ("the number of rows that train", all.saturating_sub(self.test_rows)),
        ];
        if let Some((what, _)) = counts.iter().find(|(_, count)| *count == 0) {
            return Err(Error::Domain { what, value: 0.0, must_be: "at least 1" });
        }
        let [.., (_, p), (_, training)] = counts;
        let test = match self.test_rows {
            0 => None,
            count => {
                let block = row_stream::next_block(rows, count, columns)?;
                let found = block.as_ref().map_or(0, Array2::nrows);
                Error::check_len("rows of the block of test rows", count, found)?;
                let split = |block: Array2<f64>| {
                    Compressed::new(&block.slice(s![.., ..p]), &block.slice(s![.., p..]))
                };
                block.map(split).transpose()?
            }
        };
        let mut fit = Rows::new(p, self.outputs, test.as_ref().map_or(Test::None, Test::Rows))?;
        let mut curve = Curve::new(Axis::Samples, vec![ArmLabel::new("min_norm", None)], self.provenance());
        while fit.rows() < training {
            let from = fit.rows();
            let block = row_stream::next_block(rows, self.block.min(training - from), columns);
            let points = block.and_then(|block| {
                let block = block.ok_or(Error::Shape {
                    what: "rows of the stream that train",
                    expected: training,
                    found: from,
                })?;
                fit.extend(&block.slice(s![.., ..p]), &block.slice(s![.., p..]))
            });
            let points = match points {
                Ok(points) => points,
                Err(error) if curve.cells.is_empty() => return Err(error),
                Err(error) => {
                    curve.failures.push(Failure::new(0, from + 1, p, error));
                    curve.complete = false;
                    break;
                }
            };
            for point in points.iter().filter(|point| self.samples.contains(&point.n)) {
                if point.engine == Engine::Svd {
                    curve.provenance.by_svd.push((0, point.n));
                }
                curve.cells.push(cell(point));
            }
            match user_code::call(|| "the observer".into(), || observer.progress(fit.rows(), training)) {
                Ok(ControlFlow::Continue(())) => {}
                Ok(ControlFlow::Break(())) if fit.rows() == training => {}
                Ok(ControlFlow::Break(())) => {
                    curve.complete = false;
                    break;
                }
                Err(error) => {
                    curve.failures.push(Failure::new(0, fit.rows(), p, error));
                    curve.complete = false;
                    break;
                }
            }
        }
        Ok(curve)
    }

    fn provenance(&self) -> Provenance {
        let sampling = format!("the first rows of a stream, {} test rows before them", self.test_rows);
        let from = Provenance::new(self.name.as_str(), MinNorm::default().describe());
        Provenance { sampling, seed: self.seed, engine: Engine::Nested, ..from }
    }
}

fn cell(point: &Point) -> Cell {
    Cell::new(0, point.n, point.p, 0)
        .with_rank(point.rank)
        .with(Metric::TrainMse, point.train_mse)
        .with(Metric::TestMse, point.test_mse)
        .with(Metric::CoefficientNorm, point.norm)
}
