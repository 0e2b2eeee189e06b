//! Axis × repeats × arms → [`Curve`].
//!
//! A cell makes one factorisation, and every arm reads it. Results are a function of the data, the
//! splits and the arms: bit-identical on any number of threads.

mod arm;
mod cells;
mod defined;
mod error_rates;
mod estimate;
mod evaluate;
mod nested;
mod plane;
mod record;
mod splits;
mod test_errors;

pub use arm::Arm;
pub use cells::{Grid, Observer, Place, Visited, add_cells};
pub use plane::{Maps, PlaneArm, PlaneSweep};
pub use record::{Identity, Payload, Record, Recording, Repeat};
pub use splits::Splits;

use crate::Error;
use crate::curve::{Axis, Cell, Curve, Metric, Provenance};
use crate::dataset::Dataset;
use crate::nested::Engine;
use crate::svd::{Backend, Jacobi, Svd};
use evaluate::{Measured, Scratch, Study, Wanted};
use ndarray::{Array2, ArrayView2};
use std::ops::Range;
use std::sync::Arc;

/// Repeats of one size that are factorised together.
const BATCH: usize = 48;

/// A sample-wise sweep: training sets of growing size `n` from one table, the test set always all
/// other rows, every arm on the same factorisations.
///
/// A value: set what you need, then [`Sweep::run`].
///
/// # Examples
/// ```
/// use double_descent::curve::Metric;
/// use double_descent::{dataset::Dataset, sweep::Sweep};
///
/// let curve = Sweep::new(Dataset::diabetes(), 1..=30, 20, 0).run()?;
/// let unablated = curve.arm("unablated", None).unwrap();
/// let peak = curve.peak(unablated, Metric::TestMse).unwrap();
/// assert_eq!(peak.n, 10); // n = p
/// # Ok::<(), double_descent::Error>(())
/// ```
///
/// Every n, from one factorisation for each repeat, where nobody asks for the spectrum:
/// ```
/// use double_descent::curve::Metric;
/// use double_descent::{dataset::Dataset, nested::Engine, sweep::{Arm, Sweep}};
///
/// let mut sweep = Sweep::new(Dataset::diabetes(), 1..=300, 50, 0);
/// sweep.arms = vec![Arm::unablated()];
/// sweep.metrics = vec![Metric::TrainMse, Metric::TestMse];
/// let curve = sweep.run()?;
/// assert_eq!(curve.provenance.engine, Engine::Nested);
/// assert_eq!(curve.peak(0, Metric::TestMse).unwrap().n, 10);
/// # Ok::<(), double_descent::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Sweep {
    /// The table.
    pub data: Dataset,
    /// The sizes `n` of the training sets; each from 1 to one under the number of rows.
    pub sizes: Vec<usize>,
    /// Which rows train.
    pub splits: Splits,
    /// What is computed from each factorisation.
    pub arms: Vec<Arm>,
    /// Which quantities cells report. One that no arm has is an error ([`Metric::TestErrorRate`] of targets of a
    /// single column, [`Metric::TestMseOpposite`] without an adversary); all of them together, [`Metric::ALL`], are
    /// a request for whatever there is.
    pub metrics: Vec<Metric>,
    /// One factorisation that grows along the curve ([`Engine::Nested`]), or one SVD a cell. `None`: nested
    /// where every arm is minimum norm (at machine precision) or ridge, with nothing ablated and nobody
    /// attacking, and only training and test errors are asked for. [`Provenance::engine`] says which ran.
    pub engine: Option<Engine>,
    /// How many threads; `None`: as many as the machine has. No result depends on it.
    pub threads: Option<usize>,
    /// Who factorises.
    pub backend: Arc<dyn Backend>,
}

impl Sweep {
    /// A sweep over drawn splits with the arms of the ablation study.
    #[must_use]
    pub fn new(data: Dataset, sizes: impl IntoIterator<Item = usize>, repeats: usize, seed: u64) -> Self {
        Self {
            arms: Arm::ablation_study(data.features().ncols()),
            data,
            sizes: sizes.into_iter().collect(),
            splits: Splits::Drawn { repeats, seed },
            metrics: Metric::ALL.to_vec(),
            engine: None,
            threads: None,
            backend: Arc::new(Jacobi),
        }
    }

    /// Runs all cells.
    ///
    /// # Errors
    /// What is wrong with the sweep as a whole: sizes that leave no training or no test row, or
    /// are listed twice ([`Error::Domain`]), no repeats, splits that do not fit the table, an adversary
    /// of infinite strength, no threads to be had, a best linear model of the whole table that does not fit into
    /// `f64` ([`Error::Overflow`]), a metric that no arm has ([`Error::Unsupported`]). A single cell that fails, or a
    /// single arm in it, does not end the sweep: see [`Curve::failures`]. Where all fail, the error is the first one's.
    pub fn run(&self) -> Result<Curve, Error> {
        self.run_with(&())
    }

    /// [`Sweep::run`] with somebody watching, who may stop it; what was computed until then comes
    /// back, with [`Curve::complete`] false.
    ///
    /// # Errors
    /// Those of [`Sweep::run`].
    pub fn run_with(&self, observer: &dyn Observer) -> Result<Curve, Error> {
        let (study, orders) = self.begin()?;
        let all = 0..orders.len();
        cells::unless_all_failed(self.measure_repeats(&study, &orders, all, self.threads, observer)?)
    }

    /// What all repeats share, and the rows of each.
    fn begin(&self) -> Result<(Study<'_>, Vec<Vec<usize>>), Error> {
        self.reserve()?;
        let orders = self.splits.orders(self.data.len(), self.sizes.iter().copied().max().unwrap_or(0))?;
        let mut study = Study::new(&self.data, &self.arms, &*self.backend)?;
        study.counts_errors = self.counts_errors();
        study.measures_norms = self.metrics.contains(&Metric::CoefficientNorm);
        Ok((study, orders))
    }

    /// The curve of some repeats.
    fn measure_repeats(
        &self,
        study: &Study<'_>,
        orders: &[Vec<usize>],
        repeats: Range<usize>,
        threads: Option<usize>,
        observer: &dyn Observer,
    ) -> Result<Curve, Error> {
        let by_cell = |places: &[Place]| self.measure(study, orders, places);
        let engine = self.chosen_engine()?;
        let outline = self.outline(engine, orders.len());
        let grid = Grid { axis: self.sizes.clone(), repeats: repeats.len(), threads, batch: BATCH };
        if engine == Engine::Nested {
            let (results, by_svd) =
                nested::measure(self, study, orders, (grid, repeats.start), observer, by_cell)?;
            let mut curve = self.fill(outline, study, results);
            curve.provenance.by_svd = by_svd;
            return Ok(curve);
        }
        let results = grid.run_from(repeats.start, observer, by_cell)?;
        Ok(self.fill(outline, study, results))
    }

    fn chosen_engine(&self) -> Result<Engine, Error> {
        match (self.engine, nested::obstacle(self)) {
            (Some(Engine::Svd), _) | (None, Some(_)) => Ok(Engine::Svd),
            (None, None) if self.metrics.contains(&Metric::SmallestSingularValue) => Ok(Engine::Svd),
            (_, None) => Ok(Engine::Nested),
            (Some(Engine::Nested), Some(why)) => Err(Error::Unsupported {
                reason: format!("{why}, and the nested engine has none; leave the engine to the sweep"),
            }),
        }
    }

    /// One size, several repeats: factorised together, since all have one shape.
    fn measure(
        &self,
        study: &Study<'_>,
        orders: &[Vec<usize>],
        places: &[Place],
    ) -> Vec<Result<Measured, Error>> {
        let rows = |place: &Place| &orders[place.repeat][..place.axis_value];
        let designs: Vec<Array2<f64>> =
            places.iter().map(|place| gather(self.data.features(), rows(place))).collect();
        let views: Vec<ArrayView2<'_, f64>> = designs.iter().map(|design| design.view()).collect();
        let mut scratch = Scratch::default();
        Svd::many(&views, &*self.backend)
            .into_iter()
            .zip(places)
            .map(|(svd, place)| study.evaluate(&svd?, rows(place), &mut scratch))
            .collect()
    }

    fn check(&self) -> Result<(), Error> {
        let rows = self.data.len();
        if self.sizes.is_empty() {
            return Err(Error::Empty { what: "the list of training set sizes" });
        }
        if self.arms.is_empty() {
            return Err(Error::Empty { what: "the list of arms" });
        }
        self.check_metrics()?;
        if rows < 2 {
            let must_be = "at least 2: one to train on, one to test on";
            return Err(Error::Domain { what: "the number of rows", value: 1.0, must_be });
        }
        let fits = |&&n: &&usize| n == 0 || n >= rows;
        if let Some(&n) = self.sizes.iter().find(fits) {
            let value = n as f64;
            let must_be = "at least 1 and less than the number of rows, so that a test row is left";
            return Err(Error::Domain { what: "a training set size n", value, must_be });
        }
        let mut sorted = self.sizes.clone();
        sorted.sort_unstable();
        if let Some(twice) = sorted.windows(2).find(|pair| pair[0] == pair[1]) {
            let value = twice[0] as f64;
            let must_be = "listed once: its cells would count twice in every summary";
            return Err(Error::Domain { what: "a training set size n", value, must_be });
        }
        self.arms.iter().try_for_each(Arm::check)?;
        Arm::check_labels(&self.arms.iter().map(Arm::label).collect::<Vec<_>>())
    }

    /// The curve without cells.
    fn outline(&self, engine: Engine, repeats: usize) -> Curve {
        let provenance = Provenance {
            data: self.data.name().into(),
            rows: Some(self.data.len()),
            preparation: self.data.preparation(),
            sampling: self.splits.describe(repeats),
            seed: self.splits.seed(),
            estimator: Arm::describe_estimators(&self.arms),
            engine,
            ..Provenance::default()
        };
        Curve::new(Axis::Samples, self.arms.iter().map(Arm::label).collect(), provenance)
    }

    fn fill(&self, mut curve: Curve, study: &Study<'_>, results: Visited<Result<Measured, Error>>) -> Curve {
        curve.cells.reserve(results.len() * self.arms.len());
        let wanted = Wanted::new(&self.metrics);
        let sizes = |place: Place| (place.axis_value, self.data.features().ncols());
        for (place, mut result) in results {
            // An arm that fails leaves the others of its cell.
            let failures = match &mut result {
                Some(Ok(measured)) => std::mem::take(&mut measured.failures),
                _ => Vec::new(),
            };
            let cells = result.map(|measured| Ok(study.cells(measured?, place, &wanted)));
            add_cells(&mut curve, [(place, cells)], sizes);
            for error in failures {
                add_cells(&mut curve, [(place, Some(Err::<[Cell; 0], _>(error)))], sizes);
            }
        }
        curve
    }
}

/// The named rows of a table, in that order.
fn gather(table: &Array2<f64>, rows: &[usize]) -> Array2<f64> {
    let mut values = Vec::with_capacity(rows.len() * table.ncols());
    for &row in rows {
        values.extend(table.row(row));
    }
    Array2::from_shape_vec((rows.len(), table.ncols()), values)
        .unwrap_or_else(|_| table.select(ndarray::Axis(0), rows))
}
