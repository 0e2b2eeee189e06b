//! The result of a sweep: a tidy table of cells, its summaries, its peak, its shape.

mod csv_io;
mod peak;
mod rows_left;
mod shape;
mod summary;
mod surface;

pub use peak::MedianPoint;
pub use shape::{Change, CriticalInterval, Shape, ShapeReport, ShapeTest};
pub use summary::{Bootstrap, Summary};
pub use surface::Surface;

use crate::Error;
use crate::nested::Engine;

/// What varies along a curve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Axis {
    /// The number of training samples, `n`.
    Samples,
    /// The number of features (parameters), `p`.
    Features,
}

/// A quantity that a cell may report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Metric {
    /// Mean squared error on the training rows.
    TrainMse,
    /// Mean squared error on the test rows.
    TestMse,
    /// Test error for the other sign of an adversary's direction.
    TestMseOpposite,
    /// Square of the mean over test rows of the bias (the study's quantity).
    BiasSquared,
    /// Mean over test rows of the squared bias.
    MeanSquaredBias,
    /// Smallest singular value over the rank cutoff; 0 at rank 0.
    SmallestSingularValue,
    /// Share of test rows whose largest prediction is not at their largest target: the classification error
    /// of one-hot targets.
    TestErrorRate,
    /// `‖β̂‖`, over all outputs.
    CoefficientNorm,
}

impl Metric {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::TrainMse,
        Self::TestMse,
        Self::TestMseOpposite,
        Self::BiasSquared,
        Self::MeanSquaredBias,
        Self::SmallestSingularValue,
        Self::TestErrorRate,
        Self::CoefficientNorm,
    ];

    /// The name of its column in tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::TrainMse => "train_mse",
            Self::TestMse => "test_mse",
            Self::TestMseOpposite => "test_mse_opposite",
            Self::BiasSquared => "bias_squared",
            Self::MeanSquaredBias => "mean_squared_bias",
            Self::SmallestSingularValue => "smallest_singular_value",
            Self::TestErrorRate => "test_error_rate",
            Self::CoefficientNorm => "coefficient_norm",
        }
    }
}

/// The name of an arm and the value of its knob, if it has one.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ArmLabel {
    /// The arm's family, e.g. `no_small_singular_values`.
    pub name: String,
    /// The setting within the family, e.g. the cutoff.
    #[cfg_attr(feature = "serde", serde(default, with = "crate::stored::optional_number"))]
    pub setting: Option<f64>,
}

/// One fit: a row of the tidy table.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Cell {
    /// Which repeat.
    pub repeat: usize,
    /// Training samples.
    pub n: usize,
    /// Features.
    pub p: usize,
    /// Index into [`Curve::arms`].
    pub arm: usize,
    /// [`Metric::TrainMse`].
    #[cfg_attr(feature = "serde", serde(default, with = "crate::stored::optional_number"))]
    pub train_mse: Option<f64>,
    /// [`Metric::TestMse`].
    #[cfg_attr(feature = "serde", serde(default, with = "crate::stored::optional_number"))]
    pub test_mse: Option<f64>,
    /// [`Metric::TestMseOpposite`].
    #[cfg_attr(feature = "serde", serde(default, with = "crate::stored::optional_number"))]
    pub test_mse_opposite: Option<f64>,
    /// [`Metric::BiasSquared`].
    #[cfg_attr(feature = "serde", serde(default, with = "crate::stored::optional_number"))]
    pub bias_squared: Option<f64>,
    /// [`Metric::MeanSquaredBias`].
    #[cfg_attr(feature = "serde", serde(default, with = "crate::stored::optional_number"))]
    pub mean_squared_bias: Option<f64>,
    /// [`Metric::SmallestSingularValue`].
    #[cfg_attr(feature = "serde", serde(default, with = "crate::stored::optional_number"))]
    pub smallest_singular_value: Option<f64>,
    /// [`Metric::TestErrorRate`].
    #[cfg_attr(feature = "serde", serde(default, with = "crate::stored::optional_number"))]
    pub test_error_rate: Option<f64>,
    /// [`Metric::CoefficientNorm`].
    #[cfg_attr(feature = "serde", serde(default, with = "crate::stored::optional_number"))]
    pub coefficient_norm: Option<f64>,
    /// Numerical rank of the training features.
    pub rank: usize,
}

impl Cell {
    /// One of its metrics; `None` where the arm does not have it.
    #[must_use]
    pub fn metric(&self, metric: Metric) -> Option<f64> {
        match metric {
            Metric::TrainMse => self.train_mse,
            Metric::TestMse => self.test_mse,
            Metric::TestMseOpposite => self.test_mse_opposite,
            Metric::BiasSquared => self.bias_squared,
            Metric::MeanSquaredBias => self.mean_squared_bias,
            Metric::SmallestSingularValue => self.smallest_singular_value,
            Metric::TestErrorRate => self.test_error_rate,
            Metric::CoefficientNorm => self.coefficient_norm,
        }
    }
}

/// A cell that could not be computed; all others are in [`Curve::cells`].
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Failure {
    /// Which repeat.
    pub repeat: usize,
    /// Training samples.
    pub n: usize,
    /// Features.
    pub p: usize,
    /// Why.
    pub error: Error,
}

/// Where a curve comes from: what a caption states.
#[derive(Clone, Debug, PartialEq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Provenance {
    /// The data set or distribution.
    pub data: String,
    /// Its rows, where it is a table.
    pub rows: Option<usize>,
    /// Intercept and standardisation, in words.
    pub preparation: String,
    /// How training sets were chosen.
    pub sampling: String,
    /// The seed, where anything was drawn.
    pub seed: Option<u64>,
    /// The estimator and its rank cutoff.
    pub estimator: String,
    /// Whether an SVD computed every cell, or one growing factorisation each repeat.
    pub engine: Engine,
    /// Cells of a nested curve that an SVD computed all the same: repeat and axis value.
    pub by_svd: Vec<(usize, usize)>,
}

/// A double descent curve: every cell of a sweep, with what is needed to label and repeat it.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Curve {
    /// What varies.
    pub axis: Axis,
    /// The arms; cells point into it.
    pub arms: Vec<ArmLabel>,
    /// The cells, ordered by repeat, then axis value in the order of the sweep, then arm.
    pub cells: Vec<Cell>,
    /// Cells that could not be computed, and why. (Texts of earlier versions have none.)
    #[cfg_attr(feature = "serde", serde(default))]
    pub failures: Vec<Failure>,
    /// Whether every planned cell was visited; `false` if an observer stopped the sweep.
    pub complete: bool,
    /// Where it comes from.
    pub provenance: Provenance,
}

impl Curve {
    /// A curve without cells: complete, nothing failed.
    ///
    /// # Examples
    /// ```
    /// use double_descent::curve::{ArmLabel, Axis, Cell, Curve, Metric, Provenance};
    ///
    /// let arm = ArmLabel { name: "measured_elsewhere".into(), setting: None };
    /// let mut curve = Curve::new(Axis::Samples, vec![arm], Provenance::default());
    /// assert!(curve.complete && curve.cells.is_empty() && curve.failures.is_empty());
    /// let cell = |(n, error)| Cell { n, p: 2, test_mse: Some(error), ..Cell::default() };
    /// curve.cells.extend([(1, 0.7), (2, 9.0), (3, 0.4)].map(cell));
    /// assert_eq!(curve.highest(0, Metric::TestMse).unwrap().n, 2);
    /// ```
    #[must_use]
    pub fn new(axis: Axis, arms: Vec<ArmLabel>, provenance: Provenance) -> Self {
        Self { axis, arms, cells: Vec::new(), failures: Vec::new(), complete: true, provenance }
    }

    /// The index of an arm. A setting that is NaN is found by NaN.
    #[must_use]
    pub fn arm(&self, name: &str, setting: Option<f64>) -> Option<usize> {
        let is_nan = |setting: Option<f64>| setting.is_some_and(f64::is_nan);
        let same = |of: Option<f64>| of == setting || is_nan(of) && is_nan(setting);
        self.arms.iter().position(|arm| arm.name == name && same(arm.setting))
    }

    /// The indices of all arms of a family, in order.
    #[must_use]
    pub fn family(&self, name: &str) -> Vec<usize> {
        (0..self.arms.len()).filter(|&arm| self.arms[arm].name == name).collect()
    }

    /// The values of the axis, ascending.
    #[must_use]
    pub fn axis_values(&self) -> Vec<usize> {
        let mut values: Vec<usize> = Vec::new();
        for cell in &self.cells {
            let value = self.axis_value(cell);
            // Cells of one factorisation follow each other.
            if values.last() != Some(&value) {
                values.push(value);
            }
        }
        values.sort_unstable();
        values.dedup();
        values
    }

    /// Where training data can just be interpolated: the axis value at which `n = p`. `None` if the
    /// fixed one of the two is not the same in all cells.
    #[must_use]
    pub fn interpolation_threshold(&self) -> Option<usize> {
        let mut fixed = self.cells.iter().map(|cell| match self.axis {
            Axis::Samples => cell.p,
            Axis::Features => cell.n,
        });
        let first = fixed.next()?;
        fixed.all(|other| other == first).then_some(first)
    }

    /// One cell: a repeat, a value of the axis, an arm.
    #[must_use]
    pub fn cell(&self, repeat: usize, axis_value: usize, arm: usize) -> Option<&Cell> {
        self.cells
            .iter()
            .find(|cell| cell.repeat == repeat && self.axis_value(cell) == axis_value && cell.arm == arm)
    }

    /// How many repeats there are.
    #[must_use]
    pub fn repeats(&self) -> usize {
        self.cells.iter().map(|cell| cell.repeat.saturating_add(1)).max().unwrap_or(0)
    }

    pub(crate) fn axis_value(&self, cell: &Cell) -> usize {
        match self.axis {
            Axis::Samples => cell.n,
            Axis::Features => cell.p,
        }
    }
}

#[cfg(all(test, feature = "serde"))]
mod tests {
    use super::*;
    use crate::dataset::Dataset;
    use crate::sweep::Sweep;

    #[test]
    fn failures_go_through_json_and_back() {
        let what = "the features";
        let errors = [
            Error::Empty { what },
            Error::Shape { what, expected: 3, found: usize::MAX },
            Error::NonFinite { what, row: 1, column: 2, value: f64::NEG_INFINITY },
            Error::Domain { what, value: -0.5, must_be: "finite and ≥ 0" },
            Error::Domain { what, value: 1e300, must_be: "finite \"and\" ≥ 0" },
            Error::Overflow { what },
            Error::Backend { name: "faer", reason: "no convergence".into() },
            Error::UnknownColumn { name: "z".into(), available: vec!["a".into(), "b".into()] },
            Error::UnknownName { what, name: "z".into(), choices: Vec::new() },
            Error::File { path: "a/b".into(), line: Some(3), column: None, reason: "bad".into() },
            Error::Io { path: "a/b".into(), reason: "gone".into() },
            Error::Unsupported { reason: "no".into() },
            Error::Device { device: 1, reason: "no".into(), looked_for: vec!["libcuda.so".into()] },
            Error::DeviceMemory { needed: 7, free: 5 },
            Error::Resource { reason: "no threads".into() },
        ];
        let mut curve = Curve::new(Axis::Features, Vec::new(), Provenance::default());
        let failure = |(repeat, error)| Failure { repeat, n: 4, p: 9, error };
        curve.failures = errors.into_iter().enumerate().map(failure).collect();
        let text = serde_json::to_string(&curve).unwrap();
        assert_eq!(serde_json::from_str::<Curve>(&text).unwrap(), curve);
        let surface = Surface::new(curve.clone());
        let text = serde_json::to_string(&surface).unwrap();
        assert_eq!(serde_json::from_str::<Surface>(&text).unwrap(), surface);
        // NaN equals no NaN: by its words.
        curve.failures[2].error = Error::NonFinite { what, row: 1, column: 2, value: f64::NAN };
        let read: Curve = serde_json::from_str(&serde_json::to_string(&curve).unwrap()).unwrap();
        assert_eq!(format!("{read:?}"), format!("{curve:?}"));
        // An earlier version left them out.
        curve.failures.clear();
        let text = serde_json::to_string(&curve).unwrap().replace(r#""failures":[],"#, "");
        assert!(!text.contains("failures"));
        assert_eq!(serde_json::from_str::<Curve>(&text).unwrap(), curve);
    }

    /// JSON has no numbers for them: they were read back as absent.
    #[test]
    fn what_json_has_no_number_for_goes_through_it_all_the_same() {
        let arm = |setting| ArmLabel { name: "odd".into(), setting };
        let settings = [None, Some(f64::NAN), Some(f64::INFINITY), Some(-0.0), Some(3.0)].map(arm);
        let mut curve = Curve::new(Axis::Samples, settings.into(), Provenance::default());
        curve.cells.push(Cell { n: 1, p: 1, test_mse: Some(f64::INFINITY), ..Cell::default() });
        curve.cells.push(Cell { n: 2, p: 1, test_mse: Some(f64::NAN), ..Cell::default() });
        let read: Curve = serde_json::from_str(&serde_json::to_string(&curve).unwrap()).unwrap();
        assert_eq!(format!("{read:?}"), format!("{curve:?}"));
    }

    #[test]
    fn a_curve_goes_through_json_and_back_bit_for_bit() {
        let curve = Sweep::new(Dataset::diabetes(), [5, 10], 3, 0).run().unwrap();
        let text = serde_json::to_string(&curve).unwrap();
        assert_eq!(serde_json::from_str::<Curve>(&text).unwrap(), curve);
        let data = Dataset::diabetes().with_intercept().unwrap();
        let text = serde_json::to_string(&data).unwrap();
        assert_eq!(serde_json::from_str::<Dataset>(&text).unwrap(), data);
    }
}
