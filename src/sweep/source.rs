//! What each repeat trains and tests on.

use crate::dataset::Dataset;
use crate::error::words::counted;
use crate::{Error, error::user_code};
use ndarray::Array2;
use std::fmt;
use std::sync::Arc;

/// Where rows come from, and what is known about the truth.
///
/// # Examples
/// A teacher drawn afresh for each repeat, with the exact risk over the population:
/// ```
/// use double_descent::curve::Metric;
/// use double_descent::rng::stream;
/// use double_descent::sweep::{Arm, Draw, Source, Splits, Sweep, TestOn};
/// use ndarray::Array2;
/// use rand::RngExt;
/// use rand_distr::StandardNormal;
///
/// let source = Source::drawn("isotropic normal", |repeat| {
///     let mut rng = stream(7, 1, repeat);
///     let mut normal = |shape| Array2::from_shape_simple_fn(shape, || rng.sample::<f64, _>(StandardNormal));
///     let (x, teacher, noise) = (normal((40, 10)), normal((10, 1)), normal((40, 1)));
///     let targets = x.dot(&teacher) + 0.5 * noise;
///     let test = TestOn::Population { covariance: Array2::eye(10), teacher, deviation: 0.5 };
///     Ok(Draw { inputs: x, targets, test })
/// });
/// let sweep = Sweep {
///     samples: (2..=40).collect(),
///     arms: vec![Arm::min_norm()],
///     metrics: vec![Metric::TestMse],
///     ..Sweep::of(source, Splits::Drawn { repeats: 20, seed: 7 })
/// };
/// let peak = sweep.run()?.highest(0, Metric::TestMse).unwrap().n;
/// assert!((9..=11).contains(&peak));
/// # Ok::<(), double_descent::Error>(())
/// ```
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant)] // a sweep has only one
pub enum Source {
    /// One table. The test rows are all rows that do not train, or those of a window
    /// ([`Splits::Rolling`](super::Splits::Rolling), [`Splits::Expanding`](super::Splits::Expanding)).
    Table(Dataset),
    /// A table to train on, from which each repeat takes the rows of its split, and a separate table to test on.
    TrainTest {
        /// Raw training inputs and targets.
        train: Dataset,
        /// Raw test inputs and targets.
        test: Dataset,
    },
    /// Training rows and test data drawn afresh for each repeat, or for each cell; the first `n` rows train.
    Drawn(Drawn),
}

/// A distribution from which each repeat, or each cell, draws its rows: [`Source::drawn`],
/// [`Source::drawn_for_cells`].
#[derive(Clone)]
pub struct Drawn {
    name: String,
    draw: Kind,
}

#[derive(Clone)]
enum Kind {
    Repeats(Arc<OfRepeat>),
    Cells(Arc<OfCell>),
}

type OfRepeat = dyn Fn(usize) -> Result<Draw, Error> + Send + Sync;
type OfCell = dyn Fn(usize, usize, usize) -> Result<Draw, Error> + Send + Sync;

/// The draw of one repeat or one cell.
#[derive(Clone, Debug, PartialEq)]
pub struct Draw {
    /// Raw training inputs, `N × d`.
    pub inputs: Array2<f64>,
    /// Training targets, `N × k`.
    pub targets: Array2<f64>,
    /// What the fits are tested on.
    pub test: TestOn,
}

impl Draw {
    /// A design matrix (`N × d`) alone, with zero targets and one zero test row, for studying its singular values.
    #[must_use]
    pub fn of_design(inputs: Array2<f64>) -> Self {
        let (n, d) = inputs.dim();
        let test = TestOn::Rows { inputs: Array2::zeros((1, d)), targets: Array2::zeros((1, 1)) };
        Self { inputs, targets: Array2::zeros((n, 1)), test }
    }
}

/// What the fits of a repeat are tested on.
#[derive(Clone, Debug, PartialEq)]
pub enum TestOn {
    /// Test rows.
    Rows {
        /// Raw test inputs, `M × d`.
        inputs: Array2<f64>,
        /// Test targets, `M × k`.
        targets: Array2<f64>,
    },
    /// A whole population: inputs of mean 0 and second moments `Σ`, targets `xᵀβ* + ε`.
    ///
    /// The test error is its expectation, `‖Σ^½ (β̂ − β*)‖²_F/k + v`, where `v` is the variance of `ε`. If a cell uses
    /// fewer than `d` features, `β̂` is 0 for the others.
    Population {
        /// `Σ = E[x xᵀ]`, `d × d`.
        covariance: Array2<f64>,
        /// `β*`, `d × k`.
        teacher: Array2<f64>,
        /// The standard deviation of `ε`.
        deviation: f64,
    },
}

impl Source {
    /// A source drawn afresh for each repeat.
    ///
    /// `draw(repeat)` is what that repeat trains and tests on; it must always return the same draw for the same repeat.
    pub fn drawn(
        name: impl Into<String>,
        draw: impl Fn(usize) -> Result<Draw, Error> + Send + Sync + 'static,
    ) -> Self {
        Self::Drawn(Drawn { name: name.into(), draw: Kind::Repeats(Arc::new(draw)) })
    }

    /// A source drawn afresh for each cell.
    ///
    /// `draw(repeat, n, p)` is what the cell of that repeat with `n` rows and `p` features trains and tests on; it must
    /// always return the same draw for the same arguments. (`p` is 0 if the sweep lists no features.) Cells then share
    /// nothing: each has its own factorisation.
    ///
    /// # Examples
    /// The smallest singular value of `n` rows of five normal numbers, with different rows for each n:
    /// ```
    /// use double_descent::curve::Metric;
    /// use double_descent::rng::stream;
    /// use double_descent::sweep::{Draw, Source, Splits, Sweep, TestOn};
    /// use ndarray::Array2;
    /// use rand::RngExt;
    /// use rand_distr::StandardNormal;
    ///
    /// let source = Source::drawn_for_cells("normal rows", |repeat, n, _| {
    ///     let mut rng = stream(0, n, repeat);
    ///     let inputs = Array2::from_shape_simple_fn((n, 5), || rng.sample(StandardNormal));
    ///     let test = TestOn::Rows { inputs: Array2::zeros((1, 5)), targets: Array2::zeros((1, 1)) };
    ///     Ok(Draw { inputs, targets: Array2::zeros((n, 1)), test })
    /// });
    /// let sweep = Sweep {
    ///     samples: (1..=20).collect(),
    ///     metrics: vec![Metric::SmallestSingularValue],
    ///     ..Sweep::of(source, Splits::Drawn { repeats: 40, seed: 0 })
    /// };
    /// let smallest = sweep.run()?.summaries(Metric::SmallestSingularValue, None)?;
    /// let lowest = smallest.iter().min_by(|a, b| a.median.total_cmp(&b.median)).unwrap();
    /// assert_eq!(lowest.n, 5); // at n = p
    /// # Ok::<(), double_descent::Error>(())
    /// ```
    pub fn drawn_for_cells(
        name: impl Into<String>,
        draw: impl Fn(usize, usize, usize) -> Result<Draw, Error> + Send + Sync + 'static,
    ) -> Self {
        Self::Drawn(Drawn { name: name.into(), draw: Kind::Cells(Arc::new(draw)) })
    }

    /// The name used in figures and folders.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Table(data) | Self::TrainTest { train: data, .. } => data.name(),
            Self::Drawn(drawn) => &drawn.name,
        }
    }

    /// The table of training rows; `None` if they are drawn.
    #[must_use]
    pub fn train(&self) -> Option<&Dataset> {
        match self {
            Self::Table(data) | Self::TrainTest { train: data, .. } => Some(data),
            Self::Drawn(_) => None,
        }
    }

    /// The separate table of test rows, if there is one.
    #[must_use]
    pub fn test(&self) -> Option<&Dataset> {
        match self {
            Self::TrainTest { test, .. } => Some(test),
            _ => None,
        }
    }

    /// Counts known before anything runs. A distribution draws its first repeat for this, or, if it draws for cells,
    /// the cell of `(n, p)` in that repeat.
    pub(super) fn sizes(&self, (n, p): (usize, usize)) -> Result<Sizes, Error> {
        Ok(match self {
            Self::Table(data) => {
                let (rows, inputs, outputs) = shape(data);
                Sizes { rows, inputs, outputs, tests: 0, population: false }
            }
            Self::TrainTest { train, test } => {
                let (rows, inputs, outputs) = shape(train);
                Error::check_len("columns of the test targets", outputs, test.targets().ncols())?;
                Error::check_len("columns of the test inputs", inputs, test.features().ncols())?;
                Sizes { rows, inputs, outputs, tests: test.len(), population: false }
            }
            Self::Drawn(drawn) => drawn.of_cell(0, (n, p))?.sizes()?,
        })
    }

    /// Whether rows are drawn afresh for each cell.
    pub(super) fn is_of_cells(&self) -> bool {
        matches!(self, Self::Drawn(Drawn { draw: Kind::Cells(_), .. }))
    }

    /// How rows are drawn, in words; `None` for a table.
    pub(super) fn sampling(&self, repeats: usize, seed: Option<u64>) -> Option<String> {
        let Self::Drawn(_) = self else { return None };
        let each = if self.is_of_cells() {
            "rows drawn afresh for every cell"
        } else {
            "rows drawn afresh for each"
        };
        let seed = seed.map_or(String::new(), |seed| format!(", seed {seed}"));
        Some(format!("{}, {each}{seed}", counted(repeats, "repeat")))
    }
}

/// Counts of rows and columns, and whether the test data are a population.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sizes {
    /// Rows that may train.
    pub(super) rows: usize,
    pub(super) inputs: usize,
    pub(super) outputs: usize,
    /// Separate test rows.
    pub(super) tests: usize,
    pub(super) population: bool,
}

impl Drawn {
    /// Draws the data of a repeat and checks them.
    ///
    /// # Errors
    /// Those of the drawing, or [`Error::UserCode`] if it panics; [`Error::Shape`] for tables that do not fit together;
    /// [`Error::Empty`] and [`Error::NonFinite`] for a table without entries, or with NaN or an infinity;
    /// [`Error::Domain`] for a deviation that is negative or not finite; [`Error::Unsupported`] if every cell has its
    /// own draw.
    pub fn of(&self, repeat: usize) -> Result<Draw, Error> {
        match &self.draw {
            Kind::Repeats(_) => self.of_cell(repeat, (0, 0)),
            Kind::Cells(_) => {
                let reason = "rows are drawn afresh for every cell: a repeat as a whole has none";
                Err(Error::Unsupported { reason: reason.into() })
            }
        }
    }

    /// Draws the data of a repeat for a cell of `(n, p)`.
    pub(super) fn of_cell(&self, repeat: usize, (n, p): (usize, usize)) -> Result<Draw, Error> {
        let draw = match &self.draw {
            Kind::Repeats(draw) => {
                user_code::call(|| format!("the drawing of the rows of repeat {repeat}"), || draw(repeat))
            }
            Kind::Cells(draw) => {
                let part = || format!("the drawing of the rows of repeat {repeat}, n = {n}, p = {p}");
                user_code::call(part, || draw(repeat, n, p))
            }
        }??;
        draw.sizes()?;
        Ok(draw)
    }
}

impl Draw {
    fn sizes(&self) -> Result<Sizes, Error> {
        let (rows, inputs) = self.inputs.dim();
        let outputs = self.targets.ncols();
        let named = [("the drawn inputs", &self.inputs), ("the drawn targets", &self.targets)];
        for (what, table) in named {
            check(what, table)?;
        }
        Error::check_len("rows of the drawn targets", rows, self.targets.nrows())?;
        let (tests, population) = match &self.test {
            TestOn::Rows { inputs: tests, targets } => {
                check("the drawn test inputs", tests)?;
                check("the drawn test targets", targets)?;
                Error::check_len("columns of the drawn test inputs", inputs, tests.ncols())?;
                Error::check_len("columns of the drawn test targets", outputs, targets.ncols())?;
                Error::check_len("rows of the drawn test targets", tests.nrows(), targets.nrows())?;
                (tests.nrows(), false)
            }
            TestOn::Population { covariance, teacher, deviation } => {
                Error::check_len("rows of the population's covariance", inputs, covariance.nrows())?;
                Error::check_len("columns of the population's covariance", inputs, covariance.ncols())?;
                Error::check_len("rows of the population's teacher", inputs, teacher.nrows())?;
                Error::check_len("columns of the population's teacher", outputs, teacher.ncols())?;
                if !(*deviation >= 0.0 && deviation.is_finite()) {
                    let must_be = "finite and at least 0";
                    let what = "the deviation of the population's noise";
                    return Err(Error::Domain { what, value: *deviation, must_be });
                }
                (inputs, true)
            }
        };
        Ok(Sizes { rows, inputs, outputs, tests, population })
    }
}

fn check(what: &'static str, table: &Array2<f64>) -> Result<(), Error> {
    if table.is_empty() {
        return Err(Error::Empty { what });
    }
    Error::check_finite(what, table.view())
}

fn shape(data: &Dataset) -> (usize, usize, usize) {
    (data.len(), data.features().ncols(), data.targets().ncols())
}

impl From<Dataset> for Source {
    fn from(data: Dataset) -> Self {
        Self::Table(data)
    }
}

impl fmt::Debug for Drawn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Drawn").field("name", &self.name).finish_non_exhaustive()
    }
}
