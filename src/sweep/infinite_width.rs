//! The limit of a sweep's fits as the number of features goes to infinity.

use super::cells::{Grid, Observer, Place, add_cells, unless_all_failed};
use super::engine::Raw;
use super::task::Task;
use super::{Parameter, Sweep};
use crate::Error;
use crate::curve::{ArmLabel, Axis, Curve, Metric};
use crate::kernel::{Kernel, KernelRegression};
use crate::machine::order;
use crate::risk::{error_rate, first_largest};
use crate::theory::drawn_features::DrawnFeatures;
use ndarray::s;

impl Sweep {
    /// The limit `p → ∞` of minimum-norm fits on random features.
    ///
    /// This is kernel regression without a penalty, with the kernel that the features approach, on the training and
    /// test rows of each repeat. Returns a curve of one arm, `infinite_width`, with the same cell at every `p` of the
    /// sweep; [`Curve::beside`] adds it to the measured arms.
    ///
    /// # Errors
    /// Those of [`Sweep::run`]; [`Error::Unsupported`] for a source without separate test rows, a free intercept,
    /// standardised features, or any parameter except two: the members of an ensemble (whose limit is that of one fit)
    /// and training targets at a single value.
    ///
    /// # Examples
    /// ```
    /// use double_descent::curve::Metric;
    /// use double_descent::dataset::Dataset;
    /// use double_descent::features::{RandomFourier, StationaryKernel};
    /// use double_descent::sweep::{Maps, Sweep};
    ///
    /// let tables = Dataset::diabetes().standardised()?.split(200)?;
    /// let maps = Maps::drawn(|repeat| RandomFourier::gaussian(10, 400, 0.05, repeat as u64));
    /// let sweep = Sweep::over_features(tables, maps, 20, [10, 20, 40, 400], 8, 0);
    /// let limit = sweep.infinite_width(StationaryKernel::Gaussian { gamma: 0.05 }, &())?;
    /// let curve = sweep.run()?.beside(limit)?;
    /// let error = |name| curve.cell(0, 400, curve.arm(name, None).unwrap()).unwrap().test_mse.unwrap();
    /// assert!((error("min_norm") / error("infinite_width") - 1.0).abs() < 0.2);
    /// # Ok::<(), double_descent::Error>(())
    /// ```
    ///
    /// # References
    /// Rahimi and Recht, *Random features for large-scale kernel machines*, NIPS 2007.
    pub fn infinite_width(
        &self,
        kernel: impl Kernel + Clone + 'static,
        observer: &dyn Observer,
    ) -> Result<Curve, Error> {
        let task = self.task_of_kernel()?;
        let orders = task.orders()?;
        let cell = |&Place { axis_value: n, repeat }: &Place| {
            let raw = Raw::new(&task, repeat, &orders[repeat][..n])?;
            let k = task.sizes.outputs;
            let targets = raw.y.slice(s![.., ..k]);
            let limit = KernelRegression::fit(kernel.clone(), &raw.inputs, &targets)?;
            let mut cells =
                limit.cells((&raw.tests, &raw.tests_y.slice(s![.., ..k])), &task.features, repeat, 0)?;
            if task.wanted.train_error_rate {
                let classes: Vec<usize> = targets.rows().into_iter().map(first_largest).collect();
                let rate = error_rate(&limit.predict(&raw.inputs)?, &classes)?;
                for cell in &mut cells {
                    cell.set(Metric::TrainErrorRate, Some(rate));
                }
            }
            Ok(cells)
        };
        let grid = Grid { batch: 1, ..task.grid() };
        let visited = grid.run(observer, |places| places.iter().map(cell).collect())?;
        let mut curve = Sweep { parameter: None::<Parameter>, ..self.clone() }.outline()?.0;
        curve.arms = vec![ArmLabel::new("infinite_width", None)];
        add_cells(&mut curve, visited, |place| (place.axis_value, task.features[0]));
        if curve.axis == Axis::Samples {
            order::sort(&mut curve.cells, |a, b| (a.repeat, a.n, a.p).cmp(&(b.repeat, b.n, b.p)));
        }
        unless_all_failed(curve)
    }

    /// What is known about the errors at every width before features are drawn.
    ///
    /// For each repeat, evaluates a kernel on its first `n` training rows and on its test rows. [`DrawnFeatures::line`]
    /// turns the results into a line of a figure. For a sweep over training targets, such as shares of wrong labels,
    /// restrict the sweep to one of its values first.
    ///
    /// # Errors
    /// Those of [`Sweep::infinite_width`] and of [`DrawnFeatures::new`]; [`Error::Domain`] for `n` above the largest
    /// training set size of the sweep.
    pub fn drawn_features(
        &self,
        kernel: &dyn Kernel,
        n: usize,
        observer: &dyn Observer,
    ) -> Result<Vec<DrawnFeatures>, Error> {
        let task = self.task_of_kernel()?;
        if n > task.most_samples() {
            return Err(Error::Domain {
                what: "samples",
                value: n as f64,
                must_be: "at most those of the sweep",
            });
        }
        let orders = task.orders()?;
        let draw = |&Place { repeat, .. }: &Place| {
            let raw = Raw::new(&task, repeat, &orders[repeat][..n])?;
            let k = task.sizes.outputs;
            let tests = (&*raw.tests, &*raw.tests_y.slice(s![.., ..k]));
            DrawnFeatures::new(kernel, (&raw.inputs, &raw.y.slice(s![.., ..k])), tests)
        };
        let grid = Grid { batch: 1, axis: vec![n], ..task.grid() };
        let visited = grid.run(observer, |places| places.iter().map(draw).collect())?;
        visited.into_iter().filter_map(|(_, found)| found).collect()
    }

    /// The prepared sweep, if its features tend to a kernel on the raw rows.
    fn task_of_kernel(&self) -> Result<Task<'_>, Error> {
        let task = Task::new(self)?;
        let unsupported = |reason: &str| Err(Error::Unsupported { reason: reason.into() });
        if task.sizes.tests == 0 || task.sizes.population || task.is_cellwise() {
            return unsupported(
                "the limit of infinite width needs test rows that all cells of a repeat share",
            );
        }
        let is_one = |parameter: &Parameter| {
            parameter.fitted().is_some() || (parameter.is_targets() && parameter.values().len() == 1)
        };
        if self.parameter.as_ref().is_some_and(|parameter| !is_one(parameter)) {
            return unsupported(
                "the limit of infinite width needs one experiment, but a parameter varies here",
            );
        }
        if !task.preparation().is_none() {
            return unsupported(
                "the limit of infinite width has no free intercept and no standardised features",
            );
        }
        Ok(task)
    }
}
