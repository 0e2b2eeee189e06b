//! Curves over two axes: the n × p plane.

use super::summary::median;
use super::{Axis, Cell, Curve, Metric, distinct};
use crate::Error;
use ndarray::Array2;
use std::path::Path;

/// The cells of a sweep over samples and features; its slices are [`Curve`]s.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Surface {
    /// All cells, ordered by repeat, then `n`, then `p`, then arm. As a curve it has no single axis.
    cells: Curve,
}

impl Surface {
    pub(crate) fn new(cells: Curve) -> Self {
        Self { cells }
    }

    /// All cells, their arms, failures and provenance. Summaries are for slices: its axis counts features alone.
    #[must_use]
    pub fn cells(&self) -> &Curve {
        &self.cells
    }

    /// The values of `n`, ascending.
    #[must_use]
    pub fn samples(&self) -> Vec<usize> {
        distinct(self.cells.cells.iter().map(|cell| cell.n))
    }

    /// The values of `p`, ascending.
    #[must_use]
    pub fn features(&self) -> Vec<usize> {
        distinct(self.cells.cells.iter().map(|cell| cell.p))
    }

    /// Model-wise: the curve over `p` at one `n`. `None` if there is no such cell.
    #[must_use]
    pub fn over_features(&self, n: usize) -> Option<Curve> {
        self.slice(Axis::Features, |at, _| at == n)
    }

    /// Sample-wise: the curve over `n` at one `p`. `None` if there is no such cell.
    #[must_use]
    pub fn over_samples(&self, p: usize) -> Option<Curve> {
        self.slice(Axis::Samples, |_, at| at == p)
    }

    /// The cells and failures at the wanted `(n, p)`.
    fn slice(&self, axis: Axis, wanted: impl Fn(usize, usize) -> bool) -> Option<Curve> {
        let cells: Vec<Cell> =
            self.cells.cells.iter().filter(|cell| wanted(cell.n, cell.p)).copied().collect();
        let all = &self.cells;
        (!cells.is_empty()).then(|| Curve {
            axis,
            arms: all.arms.clone(),
            cells,
            failures: all.failures.iter().filter(|failed| wanted(failed.n, failed.p)).cloned().collect(),
            complete: all.complete,
            provenance: all.provenance.clone(),
        })
    }

    /// Medians over repeats of a metric for one arm, [`samples`](Self::samples) ×
    /// [`features`](Self::features); NaN where no cell has it.
    ///
    /// # Errors
    /// [`Error::Empty`] without cells.
    pub fn medians(&self, arm: usize, metric: Metric) -> Result<Array2<f64>, Error> {
        let (samples, features) = (self.samples(), self.features());
        if samples.is_empty() {
            return Err(Error::Empty { what: "the surface" });
        }
        let cells = self.cells.cells.iter().filter(|cell| cell.arm == arm);
        let place =
            |cell: &Cell| Some((samples.binary_search(&cell.n).ok()?, features.binary_search(&cell.p).ok()?));
        Ok(medians(cells, metric, (samples.len(), features.len()), place))
    }

    /// Medians over repeats of a metric at one `n`, arms × [`features`](Self::features): the plane of `p` and the
    /// setting of an arm (a penalty, a share of noisy labels). NaN where no cell has it.
    #[must_use]
    pub fn medians_of_arms(&self, n: usize, metric: Metric) -> Array2<f64> {
        let (arms, features) = (self.cells.arms.len(), self.features());
        let cells = self.cells.cells.iter().filter(|cell| cell.n == n);
        let place = |cell: &Cell| Some((cell.arm, features.binary_search(&cell.p).ok()?));
        medians(cells, metric, (arms, features.len()), place)
    }

    /// The effective model complexity of an arm at every `p`, on the grid of [`samples`](Self::samples): the largest
    /// `n` whose mean training error over the repeats is at most `epsilon`, in the units of
    /// [`Metric::TrainMse`]; `None` where no `n` is.
    ///
    /// Nakkiran et al., *Deep double descent*, ICLR 2020, definition 1: the test error peaks where it equals `n`.
    #[must_use]
    pub fn effective_complexity(&self, arm: usize, epsilon: f64) -> Vec<(usize, Option<usize>)> {
        let mean = |n: usize, p: usize| {
            let here = self.cells.cells.iter().filter(|cell| (cell.arm, cell.n, cell.p) == (arm, n, p));
            let errors: Vec<f64> = here.filter_map(|cell| cell.train_mse).collect();
            errors.iter().sum::<f64>() / errors.len() as f64
        };
        let samples = self.samples();
        let largest = |p: usize| samples.iter().rev().copied().find(|&n| mean(n, p) <= epsilon);
        self.features().into_iter().map(|p| (p, largest(p))).collect()
    }

    /// Writes every cell: [`Curve::save_cells`].
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn save_cells(&self, path: &Path) -> Result<(), Error> {
        self.cells.save_cells(path)
    }
}

fn medians<'a>(
    cells: impl Iterator<Item = &'a Cell>,
    metric: Metric,
    (rows, columns): (usize, usize),
    place: impl Fn(&Cell) -> Option<(usize, usize)>,
) -> Array2<f64> {
    let mut values = vec![Vec::new(); rows * columns];
    for cell in cells {
        if let (Some((row, column)), Some(value)) = (place(cell), cell.metric(metric)) {
            values[row * columns + column].push(value);
        }
    }
    Array2::from_shape_fn((rows, columns), |(i, j)| median(&mut values[i * columns + j]))
}
