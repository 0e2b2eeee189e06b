//! Sweeps: axis × repeats × arms → [`Curve`].
//!
//! Each cell needs one factorisation, which all arms share. Results depend only on the data, the splits and the arms:
//! they are bit-identical on any number of threads.
//!
//! A [`Sweep`] reports the errors of each fit on its own. A [`Crossed`] study fits every training set with every draw
//! of label noise and of features, and splits the errors among these three sources. A [`Stream`] reads its rows once,
//! so that they need not fit in memory. [`NoiseTerms`] are the expected effect of label noise, without drawing any. A
//! [`Grid`] runs cells of your own. A [`Record`] keeps results on disk, and [`Shards`] divide a run among processes.
//!
//! # Examples
//! Minimum norm and ridge on the same 20 random splits of a table, at every n from 2 to 30:
//! ```
//! use double_descent::{curve::Metric, dataset::Dataset, sweep::{Arm, Sweep}};
//!
//! let mut sweep = Sweep::new(Dataset::diabetes(), 2..=30, 20, 0);
//! sweep.arms = vec![Arm::min_norm(), Arm::ridge(0.01)?];
//! let curve = sweep.run()?;
//! let [min_norm, ridge] = [0, 1].map(|arm| curve.highest(arm, Metric::TestMse).unwrap());
//! assert_eq!(min_norm.n, 10); // n = p
//! assert!(ridge.median < min_norm.median / 10.0);
//! # Ok::<(), double_descent::Error>(())
//! ```

mod arm;
mod cells;
mod check;
mod coordinates;
mod crossed;
mod cut;
mod engine;
mod error_rates;
mod estimate;
mod evaluate;
mod fit;
mod held_out;
mod infinite_width;
mod line_metrics;
mod lines;
mod many;
mod maps;
mod measured;
mod measurements;
mod metrics;
mod noise_terms;
mod output;
mod parameter;
mod record;
mod run;
mod source;
mod spectral;
mod splits;
mod stream;
mod study;
mod subsets;
mod table_parts;
mod tables;
mod task;
mod test_blocks;
mod test_errors;

pub use arm::{Arm, Start};
pub use cells::{Grid, Observer, Place, Visited, add_cells};
pub use coordinates::Intercept;
pub use crossed::{Crossed, ErrorSplit, ErrorSplits, SplitFailure};
pub use cut::Cut;
pub use fit::Fit;
pub use maps::Maps;
pub use measurements::Measurements;
pub use noise_terms::{Designs, NoiseSummary, NoiseTerms};
pub use parameter::Parameter;
pub use record::{
    Identity, Merged, Payload, Plan, Record, Recording, Repeat, Shard, ShardFile, ShardState, ShardTime,
    Shards, Status, Workload,
};
pub use source::{Draw, Drawn, Source, TestOn};
pub use splits::Splits;
pub use stream::Stream;
pub use tables::Tables;

use crate::Error;
use crate::curve::{Cell, Curve, Metric, Surface};
use crate::dataset::Dataset;
use crate::machine::rooms::room;
use crate::nested::Engine;
use crate::svd::{Backend, DivideAndConquer, Jacobi};
use ndarray::{Array1, Array2, ArrayView2, Axis};
use std::sync::Arc;

/// Number of repeats of one size that are factorised together.
const BATCH: usize = 48;

/// An experiment: fits for every `n` and `p` of two lists, every repeat and every arm.
///
/// Each fit uses the first `n` rows of the repeat's order and the first `p` features. A sweep holds everything that a
/// figure's caption must state. It is plain data: set what you need, then call [`Sweep::run`] for a curve, or
/// [`Sweep::surface`] for the n × p plane.
///
/// | constructor | curve over | tested on |
/// |---|---|---|
/// | [`Sweep::new`] | n, on all features of a table | all other rows |
/// | [`Sweep::over_features`] | p, at one n | a separate table |
/// | [`Sweep::plane`] | both | a separate table |
/// | [`Sweep::over_penalties`], [`Sweep::over`] | a penalty, a time, or any number you choose | all other rows |
/// | [`Sweep::of`] | whatever you set | what the [`Source`] says |
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
/// Every n from one factorisation per repeat, if the metrics need no spectrum:
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
    /// What each repeat trains and tests on.
    pub source: Source,
    /// Which rows train.
    pub splits: Splits,
    /// Feature maps applied to the raw inputs; [`Maps::none`] if the inputs are the features.
    pub maps: Maps,
    /// The training set sizes `n`, each listed once, from 1 to the number of training rows; if the test rows come from
    /// the same table, to one less than that.
    pub samples: Vec<usize>,
    /// The feature counts `p`, each listed once: the first `p` features of the map, or the first `p` inputs. Empty: as
    /// many as there are inputs.
    pub features: Vec<usize>,
    /// A further parameter to vary, such as a penalty. At most two of `n`, `p` and the parameter may vary.
    pub parameter: Option<Parameter>,
    /// What is computed from each factorisation.
    pub arms: Vec<Arm>,
    /// Which quantities cells report. A metric that no arm has is an error ([`Metric::TestErrorRate`] with a single
    /// target column, [`Metric::TestMseOpposite`] without an adversary). The full list, [`Metric::ALL`], asks for
    /// whatever is available.
    pub metrics: Vec<Metric>,
    /// The index `k` of [`Metric::TailStableRank`] and [`Metric::TailParticipationRatio`]: how many of the largest
    /// eigenvalues of the sample covariance they leave out. 0 if the sweep does not report them.
    pub tail: usize,
    /// How fits get their constant term.
    pub intercept: Intercept,
    /// Whether features are standardised to mean 0 and (population) variance 1 on the training rows of each cell. A
    /// feature that is constant there becomes 0: no fit can use it, but the best linear model (of biases, and without
    /// residuals) does.
    pub standardise: bool,
    /// Factorisations that grow by rows, columns or both ([`Engine::Nested`]), or one SVD per cell. `None`: the
    /// cheapest nested engine that supports the whole sweep, or SVDs if none does. [`Provenance::engine`] says which
    /// ran. They agree up to rounding, with one exception: under a weak ridge penalty the nested engine keeps features
    /// so small that their singular values are under `max(n, p) ε σ₁`, where an SVD counts them as 0 ([`filter`]).
    ///
    /// [`filter`]: crate::filter
    /// [`Provenance::engine`]: crate::curve::Provenance::engine
    pub engine: Option<Engine>,
    /// How many threads; `None`: as many as the machine has. No result depends on it. If repeats have tables of their
    /// own, each thread needs memory for those of one repeat.
    pub threads: Option<usize>,
    /// The linear algebra behind the SVDs of single cells. If the backend has a device that makes cosine features
    /// ([`Backend::cosines`]), it computes all cells of spectral filters on random Fourier features with separate test
    /// rows, unless the nested engine is asked for. Those cells have errors, norms and the smallest singular value.
    pub backend: Arc<dyn Backend>,
}

impl Sweep {
    /// A sample-wise sweep of one table over drawn splits, with the arms of the ablation study, tested on all other
    /// rows.
    ///
    /// It uses all features and reports every available metric.
    #[must_use]
    pub fn new(data: Dataset, sizes: impl IntoIterator<Item = usize>, repeats: usize, seed: u64) -> Self {
        Self {
            arms: Arm::ablation_study(data.features().ncols()),
            samples: sizes.into_iter().collect(),
            metrics: Metric::ALL.to_vec(),
            backend: Arc::new(Jacobi),
            ..Self::of(Source::Table(data), Splits::Drawn { repeats, seed })
        }
    }

    /// A sweep of minimum-norm fits with training and test errors and norms, over nothing yet.
    ///
    /// Set `samples`, and `features` or `parameter`.
    #[must_use]
    pub fn of(source: Source, splits: Splits) -> Self {
        Self {
            source,
            splits,
            maps: Maps::none(),
            samples: Vec::new(),
            features: Vec::new(),
            parameter: None,
            arms: vec![Arm::min_norm()],
            metrics: vec![Metric::TrainMse, Metric::TestMse, Metric::CoefficientNorm],
            tail: 0,
            intercept: Intercept::None,
            standardise: false,
            engine: None,
            threads: None,
            backend: Arc::new(DivideAndConquer),
        }
    }

    /// A sweep over the n × p plane of a feature map, tested on a separate table.
    ///
    /// The fits are minimum-norm, with errors, norms and, for two outputs or more, error rates. Set `samples` and
    /// `features`, then call [`surface`](Sweep::surface).
    ///
    /// # Examples
    /// ```
    /// use double_descent::curve::Metric;
    /// use double_descent::dataset::Dataset;
    /// use double_descent::sweep::{Maps, Sweep};
    ///
    /// let (train, test) = Dataset::diabetes().split(300)?;
    /// let sweep = Sweep {
    ///     samples: vec![4, 8, 40],
    ///     features: (1..=10).collect(),
    ///     ..Sweep::plane(train, test, Maps::none(), 20, 0)
    /// };
    /// let curve = sweep.surface()?.over_features(8).unwrap(); // n = 8, every p
    /// assert_eq!(curve.highest(0, Metric::TestMse).unwrap().p, 8);
    /// # Ok::<(), double_descent::Error>(())
    /// ```
    ///
    /// # References
    /// Belkin, Hsu, Ma and Mandal, *Reconciling modern machine-learning practice and the bias-variance trade-off*,
    /// PNAS 2019; Nakkiran et al., *Deep double descent*, ICLR 2020, appendix D.
    #[must_use]
    pub fn plane(train: Dataset, test: Dataset, maps: Maps, repeats: usize, seed: u64) -> Self {
        let classes = train.targets().ncols() > 1;
        let mut sweep = Self::of(Source::TrainTest { train, test }, Splits::Drawn { repeats, seed });
        if classes {
            sweep.metrics.push(Metric::TestErrorRate);
        }
        Self { maps, ..sweep }
    }

    /// A model-wise sweep: the first `p` features of a map on `n` training rows, tested on a separate table.
    #[must_use]
    pub fn over_features(
        (train, test): (Dataset, Dataset),
        maps: Maps,
        n: usize,
        features: impl IntoIterator<Item = usize>,
        repeats: usize,
        seed: u64,
    ) -> Self {
        let (samples, features) = (vec![n], features.into_iter().collect());
        Self { samples, features, ..Self::plane(train, test, maps, repeats, seed) }
    }

    /// Ridge fits on `n` rows of a table over the penalty, all from one factorisation per repeat.
    ///
    /// The penalty `λ` is that of `‖Xβ − y‖² + λ‖β‖²` ([`Ridge`](crate::filter::Ridge)).
    #[must_use]
    pub fn over_penalties(
        data: Dataset,
        n: usize,
        penalties: impl IntoIterator<Item = f64>,
        repeats: usize,
        seed: u64,
    ) -> Self {
        Self::over_parameter(data, n, Parameter::penalty(penalties), repeats, seed)
    }

    /// Fits on `n` rows of a table over any number you choose: `family(value)` is the estimator at that value.
    ///
    /// All values are read off one factorisation per repeat.
    ///
    /// # Examples
    /// ```
    /// use double_descent::curve::Metric;
    /// use double_descent::dataset::Dataset;
    /// use double_descent::filter::LeadingModes;
    /// use double_descent::sweep::Sweep;
    /// use std::sync::Arc;
    ///
    /// let modes = (1..=10).map(f64::from);
    /// let sweep = Sweep::over(Dataset::diabetes(), 10, modes, 20, 0, |k| Ok(Arc::new(LeadingModes(k as usize))));
    /// assert_eq!(sweep.run()?.cells.len(), 20 * 10);
    /// # Ok::<(), double_descent::Error>(())
    /// ```
    pub fn over(
        data: Dataset,
        n: usize,
        values: impl IntoIterator<Item = f64>,
        repeats: usize,
        seed: u64,
        family: impl Fn(f64) -> Result<Arc<dyn crate::filter::SpectralFilter>, Error> + Send + Sync + 'static,
    ) -> Self {
        let parameter = Parameter::estimators(crate::curve::Axis::Setting, values, family);
        Self::over_parameter(data, n, parameter, repeats, seed)
    }

    fn over_parameter(data: Dataset, n: usize, parameter: Parameter, repeats: usize, seed: u64) -> Self {
        Self {
            parameter: Some(parameter),
            arms: vec![Arm::min_norm()],
            metrics: vec![Metric::TrainMse, Metric::TestMse, Metric::CoefficientNorm],
            ..Self::new(data, [n], repeats, seed)
        }
    }

    /// Computes all cells.
    ///
    /// # Errors
    /// Errors in the sweep as a whole:
    ///
    /// - [`Error::Empty`]: no sizes, arms, metrics or values of the parameter.
    /// - [`Error::Domain`]: a size of 0 or listed twice, a value of the parameter outside its domain or listed twice,
    ///   an arm's setting, start or adversary that is not finite, no repeats, 0 threads; those of [`Splits::orders`].
    /// - [`Error::TooLarge`]: a size that leaves no test row, or exceeds the number of rows or features.
    /// - [`Error::Shape`], [`Error::NonFinite`]: tables, recorded splits or an arm's own targets that do not fit
    ///   together or are not finite.
    /// - [`Error::Unsupported`]: a metric that no arm has, two arms with one name and setting, parts that cannot be
    ///   combined, an engine that cannot compute the sweep.
    /// - [`Error::Overflow`]: a best linear model of the whole table that overflows `f64`.
    /// - [`Error::Memory`]: more memory needed than there is; [`Error::Resource`]: threads that the system cannot
    ///   start.
    /// - The errors of the source's first draw, and of the parameter's family of estimators.
    ///
    /// If a single cell fails, or a single arm in it, the sweep goes on: see [`Curve::failures`]. If all cells fail,
    /// the error is that of the first.
    pub fn run(&self) -> Result<Curve, Error> {
        self.run_with(&())
    }

    /// [`Sweep::run`] with an observer, who may stop it. A stopped run returns the cells computed so far, with
    /// [`Curve::complete`] false.
    ///
    /// # Errors
    /// Those of [`Sweep::run`].
    pub fn run_with(&self, observer: &dyn Observer) -> Result<Curve, Error> {
        let ready = self.begin()?;
        let tables = ready.tables()?;
        cells::unless_all_failed(ready.repeats(tables.as_ref(), 0..ready.count(), self.threads, observer)?)
    }

    /// Computes all cells of a plane: `samples` × `features`, or one of the two × a [`Parameter`], whose values are
    /// then the rows.
    ///
    /// All values of a parameter of estimators (a penalty, a time, a family you define) are read off one factorisation
    /// per feature count.
    ///
    /// # Errors
    /// Those of [`Sweep::run`]; [`Error::Unsupported`] if only the parameter varies.
    ///
    /// # Examples
    /// The test error over the number of features and the stopping time of gradient descent:
    /// ```
    /// use double_descent::curve::{Axis, Metric};
    /// use double_descent::dataset::Dataset;
    /// use double_descent::filter::Loss;
    /// use double_descent::sweep::{Maps, Parameter, Sweep};
    ///
    /// let data = Dataset::diabetes().standardised()?.split(40)?;
    /// let times = [0.1, 1.0, 10.0, 1e3, 1e5];
    /// let sweep = Sweep {
    ///     parameter: Some(Parameter::time(Loss::HalfSum, times)),
    ///     ..Sweep::over_features(data, Maps::none(), 8, 1..=10, 20, 0)
    /// };
    /// let surface = sweep.surface()?;
    /// assert_eq!((surface.rows(), surface.columns()), (Axis::Time, Axis::Features));
    /// assert_eq!(surface.row_values(), times);
    /// let late = surface.at_row(1e5).unwrap(); // over p, one arm
    /// let early = surface.at_row(1.0).unwrap();
    /// assert!(late.highest(0, Metric::TestMse).unwrap().median > early.highest(0, Metric::TestMse).unwrap().median);
    /// assert_eq!(surface.at_column(8.0).unwrap().axis, Axis::Time); // over t, at p = 8
    /// # Ok::<(), double_descent::Error>(())
    /// ```
    pub fn surface(&self) -> Result<Surface, Error> {
        self.surface_with(&())
    }

    /// [`Sweep::surface`] with an observer, who may stop it.
    ///
    /// # Errors
    /// Those of [`Sweep::surface`].
    pub fn surface_with(&self, observer: &dyn Observer) -> Result<Surface, Error> {
        self.check_surface()?;
        self.spread(self.run_with(observer)?)
    }

    /// Turns the result of [`run`](Self::run) into a surface: the values of a parameter become its rows instead of
    /// separate arms.
    fn spread(&self, mut curve: Curve) -> Result<Surface, Error> {
        let Some(parameter) = &self.parameter else { return Surface::new(curve) };
        let values = parameter.values();
        for cell in &mut curve.cells {
            *cell = Cell { arm: cell.arm / values.len(), ..*cell }.at(values[cell.arm % values.len()]);
        }
        for failure in &mut curve.failures {
            if let Some(line) = failure.arm {
                (failure.arm, failure.value) = (Some(line / values.len()), Some(values[line % values.len()]));
            }
        }
        curve.arms = self.arms.iter().map(Arm::label).collect();
        Surface::over(curve, parameter.axis())
    }
}

/// The given rows of a table, in the given order.
fn gather(table: ArrayView2<'_, f64>, rows: &[usize]) -> Array2<f64> {
    if let (1, Some(column)) = (table.ncols(), table.to_slice()) {
        let column: Vec<f64> = rows.iter().map(|&row| column[row]).collect();
        return Array1::from(column).insert_axis(Axis(1));
    }
    let mut values = room(rows.len() * table.ncols());
    for &row in rows {
        let row = table.row(row);
        match row.to_slice() {
            Some(row) => values.extend_from_slice(row),
            None => values.extend(row),
        }
    }
    Array2::from_shape_vec((rows.len(), table.ncols()), values)
        .unwrap_or_else(|_| table.select(Axis(0), rows))
}
