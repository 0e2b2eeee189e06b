//! The third axis: a number that a fit depends on, besides n and p.

use super::Arm;
use crate::curve::Axis;
use crate::filter::{GradientFlow, Loss, Ridge, SpectralFilter};
use crate::{Error, error::user_code};
use ndarray::Array2;
use std::fmt;
use std::sync::Arc;

/// A quantity other than n and p that varies along a curve, with its values.
///
/// If the values are estimators, they cost only dot products: all are read off one factorisation.
///
/// Creating a parameter never fails; a sweep checks the values before it runs. There must be at least one, each finite
/// (the size of an ensemble may be infinite) and listed once. Levels of noise must be at least 0.
///
/// # Examples
/// The test error over the penalty, at n = p:
/// ```
/// use double_descent::curve::Metric;
/// use double_descent::dataset::Dataset;
/// use double_descent::sweep::{Arm, Parameter, Sweep};
///
/// let sweep = Sweep {
///     arms: vec![Arm::min_norm()],
///     metrics: vec![Metric::TestMse],
///     parameter: Some(Parameter::penalty([1e-4, 1e-2, 1.0, 100.0])),
///     ..Sweep::new(Dataset::diabetes(), [10], 20, 0)
/// };
/// assert_eq!(sweep.run()?.cells.len(), 20 * 4);
/// # Ok::<(), double_descent::Error>(())
/// ```
#[derive(Clone)]
pub struct Parameter {
    axis: Axis,
    values: Vec<f64>,
    kind: Kind,
}

#[derive(Clone)]
enum Kind {
    Estimators(Arc<Family>),
    LabelNoise {
        seed: u64,
    },
    InputNoise {
        seed: u64,
    },
    Targets(Arc<TargetsOf>),
    /// The number of members that are fitted.
    Members(usize),
}

type TargetsOf = dyn Fn(usize, f64) -> Result<Array2<f64>, Error> + Send + Sync;
type Family = dyn Fn(f64) -> Result<Arc<dyn SpectralFilter>, Error> + Send + Sync;

impl Parameter {
    /// The penalty `λ` of [`Ridge`]: the minimiser of `‖Xβ − y‖² + λ‖β‖²`.
    #[must_use]
    pub fn penalty(values: impl IntoIterator<Item = f64>) -> Self {
        Self::estimators(Axis::Penalty, values, |lambda| Ok(Arc::new(Ridge::new(lambda)?)))
    }

    /// The time `t` of [`GradientFlow`] on a loss.
    #[must_use]
    pub fn time(loss: Loss, values: impl IntoIterator<Item = f64>) -> Self {
        Self::estimators(Axis::Time, values, move |time| Ok(Arc::new(GradientFlow::new(time, loss)?)))
    }

    /// A family of estimators: `family(value)` is the estimator at that value and replaces that of every arm.
    ///
    /// An error of `family` is an error of the whole sweep.
    #[must_use]
    pub fn estimators(
        axis: Axis,
        values: impl IntoIterator<Item = f64>,
        family: impl Fn(f64) -> Result<Arc<dyn SpectralFilter>, Error> + Send + Sync + 'static,
    ) -> Self {
        Self { axis, values: values.into_iter().collect(), kind: Kind::Estimators(Arc::new(family)) }
    }

    /// Label noise: adds the value times a standard normal number to every training target. Test targets do not change.
    ///
    /// All values share the same normal numbers, drawn afresh for each repeat from their own stream.
    #[must_use]
    pub fn label_noise(values: impl IntoIterator<Item = f64>, seed: u64) -> Self {
        Self { axis: Axis::LabelNoise, values: values.into_iter().collect(), kind: Kind::LabelNoise { seed } }
    }

    /// Input noise: adds the value times a standard normal number to every raw training input. Test inputs do not
    /// change, so the test rows must be separate.
    ///
    /// All values share the same normal numbers, drawn afresh for each repeat from their own stream.
    #[must_use]
    pub fn input_noise(values: impl IntoIterator<Item = f64>, seed: u64) -> Self {
        Self { axis: Axis::InputNoise, values: values.into_iter().collect(), kind: Kind::InputNoise { seed } }
    }

    /// Training targets that you provide: `targets(repeat, value)` are those of that repeat at that value.
    ///
    /// They replace the source's targets for the same rows (`N × k`; if rows are drawn afresh, at least as many as
    /// train). All values are read off one factorisation. If `targets` fails, or returns a table of another shape or
    /// with NaN or an infinity, the cells of that repeat fail. For example, class labels of which a share is wrong:
    ///
    /// # Examples
    /// ```
    /// use double_descent::curve::{Axis, Metric};
    /// use double_descent::dataset::Labelled;
    /// use double_descent::sweep::{Maps, Parameter, Sweep};
    /// use ndarray::Array2;
    ///
    /// let inputs = |rows: usize| Array2::from_shape_fn((rows, 4), |(i, j)| ((3 * i + 5 * j) as f64).sin());
    /// let classes = |rows: usize| (0..rows).map(|i| i % 2).collect();
    /// let train = Labelled::new("odd and even", inputs(60), classes(60), 2)?;
    /// let test = Labelled::new("odd and even", inputs(30), classes(30), 2)?;
    /// let tables = (train.dataset()?, test.dataset()?);
    /// let wrong = Parameter::targets(Axis::LabelNoise, [0.0, 0.2], move |repeat, share| {
    ///     train.with_label_noise(share, repeat as u64)?.one_hot()
    /// });
    /// let sweep = Sweep { parameter: Some(wrong), ..Sweep::over_features(tables, Maps::none(), 20, 1..=4, 5, 0) };
    /// let surface = sweep.surface()?; // shares × features
    /// assert_eq!(surface.medians(0, Metric::TestErrorRate)?.dim(), (2, 4));
    /// # Ok::<(), double_descent::Error>(())
    /// ```
    #[must_use]
    pub fn targets(
        axis: Axis,
        values: impl IntoIterator<Item = f64>,
        targets: impl Fn(usize, f64) -> Result<Array2<f64>, Error> + Send + Sync + 'static,
    ) -> Self {
        Self { axis, values: values.into_iter().collect(), kind: Kind::Targets(Arc::new(targets)) }
    }

    /// Ensembles of `K` members fitted to the same rows, each on its own map ([`Maps::members`](super::Maps::members)).
    ///
    /// The error is that of the mean of the members' predictions, for each `K` of `sizes`: whole numbers from 1 on, or
    /// [`f64::INFINITY`].
    ///
    /// `fits` members are fitted, at least two, and every `K` is estimated without bias from their pairs
    /// ([`Ensemble`](crate::ensemble::Ensemble)), including `K` above `fits` and the limit of infinitely many. Cells
    /// have only training and test errors.
    ///
    /// # Examples
    /// ```
    /// use double_descent::curve::{Axis, Metric};
    /// use double_descent::dataset::Dataset;
    /// use double_descent::features::RandomFourier;
    /// use double_descent::sweep::{Maps, Parameter, Sweep};
    ///
    /// let maps = Maps::members(|repeat, member| {
    ///     RandomFourier::gaussian(10, 40, 0.05, (100 * repeat + member) as u64)
    /// });
    /// let sweep = Sweep {
    ///     parameter: Some(Parameter::members([1, 4, 20].map(f64::from).into_iter().chain([f64::INFINITY]), 20)),
    ///     metrics: vec![Metric::TestMse],
    ///     ..Sweep::over_features(Dataset::diabetes().standardised()?.split(200)?, maps, 20, [10, 20, 40], 4, 0)
    /// };
    /// let surface = sweep.surface()?;
    /// assert_eq!((surface.rows(), surface.columns()), (Axis::Members, Axis::Features));
    /// let errors = surface.medians(0, Metric::TestMse)?;
    /// assert!(errors[[2, 1]] < 0.2 * errors[[0, 1]]); // averaging removes the peak at p = n
    /// # Ok::<(), double_descent::Error>(())
    /// ```
    #[must_use]
    pub fn members(sizes: impl IntoIterator<Item = f64>, fits: usize) -> Self {
        Self { axis: Axis::Members, values: sizes.into_iter().collect(), kind: Kind::Members(fits) }
    }

    /// The axis that its values lie on.
    #[must_use]
    pub fn axis(&self) -> Axis {
        self.axis
    }

    /// Its values.
    #[must_use]
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// The seed of its noise; `None` if it draws no noise.
    #[must_use]
    pub fn seed(&self) -> Option<u64> {
        match self.kind {
            Kind::Estimators(_) | Kind::Targets(_) | Kind::Members(_) => None,
            Kind::LabelNoise { seed } | Kind::InputNoise { seed } => Some(seed),
        }
    }

    /// Whether each repeat adds noise to its targets.
    pub(super) fn is_label_noise(&self) -> bool {
        matches!(self.kind, Kind::LabelNoise { .. })
    }

    /// Whether each repeat adds noise to its inputs.
    pub(super) fn is_input_noise(&self) -> bool {
        matches!(self.kind, Kind::InputNoise { .. })
    }

    /// Whether the caller provides the targets of each repeat.
    pub(super) fn is_targets(&self) -> bool {
        matches!(self.kind, Kind::Targets(_))
    }

    /// Whether its values are estimators.
    pub(super) fn is_estimators(&self) -> bool {
        matches!(self.kind, Kind::Estimators(_))
    }

    /// Whether a repeat's tables depend on the parameter.
    pub(super) fn is_of_repeats(&self) -> bool {
        !self.is_estimators()
    }

    /// The number of ensemble members that are fitted; `None` if there are no ensembles.
    pub(super) fn fitted(&self) -> Option<usize> {
        if let Kind::Members(fits) = self.kind { Some(fits) } else { None }
    }

    /// The caller's targets of a repeat, one table per value.
    pub(super) fn targets_of(&self, repeat: usize) -> Result<Vec<Array2<f64>>, Error> {
        let Kind::Targets(targets) = &self.kind else { return Ok(Vec::new()) };
        let at = |&value: &f64| {
            let part = || format!("the training targets of repeat {repeat} at {value:e}");
            let table = user_code::call(part, || targets(repeat, value))??;
            Error::check_finite("the training targets at a value of the parameter", table.view())?;
            Ok(table)
        };
        self.values.iter().map(at).collect()
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        if self.values.is_empty() {
            return Err(Error::Empty { what: "the list of values of the parameter" });
        }
        let noise = self.is_label_noise() || self.is_input_noise();
        if let Some(fits @ 0..2) = self.fitted() {
            let must_be = "at least 2: the error of an ensemble is read off pairs of members";
            return Err(Error::Domain { what: "the number of members to fit", value: fits as f64, must_be });
        }
        for (place, &value) in self.values.iter().enumerate() {
            let counts = value >= 1.0 && (value.fract() == 0.0 || value == f64::INFINITY);
            if self.fitted().is_some() && !counts {
                let must_be = "a whole number from 1 on, or infinite";
                return Err(Error::Domain { what: "the size of an ensemble", value, must_be });
            }
            let limit = self.fitted().is_some() && value == f64::INFINITY;
            if !(value.is_finite() || limit) || noise && value < 0.0 {
                let must_be = if noise { "finite and at least 0" } else { "finite" };
                return Err(Error::Domain { what: "a value of the parameter", value, must_be });
            }
            if self.values[..place].contains(&value) {
                let must_be = "listed once: its cells would count twice in every summary";
                return Err(Error::Domain { what: "a value of the parameter", value, must_be });
            }
        }
        Ok(())
    }

    /// The arm at one value of the parameter.
    pub(super) fn at(&self, arm: &Arm, value: f64) -> Result<Arm, Error> {
        let mut arm = arm.clone();
        if let Kind::Estimators(family) = &self.kind {
            let part = || format!("the family of estimators at {value:e}");
            arm.estimator = user_code::call(part, || family(value))??;
        }
        Ok(arm)
    }
}

impl fmt::Debug for Parameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parameter")
            .field("axis", &self.axis)
            .field("values", &self.values)
            .field("seed", &self.seed())
            .finish_non_exhaustive()
    }
}
