//! A single fit of a sweep: its coefficients and predictions.

use super::maps::design;
use super::task::Task;
use super::test_blocks::block;
use super::{Source, Start, Sweep, gather};
use crate::Error;
use crate::factors::ablation::Ablation;
use crate::features::FeatureMap;
use crate::machine::memory::{reserve, table};
use crate::svd::Svd;
use ndarray::{Array2, ArrayRef2, Axis, s};
use std::fmt;
use std::sync::Arc;

/// A single fit of a sweep, with its training data: [`Sweep::fit`].
#[derive(Clone)]
#[non_exhaustive]
pub struct Fit {
    /// Raw training inputs, `n × d`.
    pub inputs: Array2<f64>,
    /// Training targets, `n × k`.
    pub targets: Array2<f64>,
    /// `β̂`, `p × k`.
    pub coefficients: Array2<f64>,
    map: Option<Arc<dyn FeatureMap>>,
}

impl Fit {
    /// Predictions at raw inputs (`m × d`), `m × k`. Computes features in blocks of rows.
    ///
    /// # Errors
    /// Those of the feature map; without a map, [`Error::Shape`] for fewer than `p` inputs; [`Error::Memory`];
    /// [`Error::NonFinite`]; [`Error::Overflow`] for a prediction that overflows `f64`.
    pub fn predict(&self, inputs: &ArrayRef2<f64>) -> Result<Array2<f64>, Error> {
        Error::check_finite("the inputs", inputs.view())?;
        let (p, k) = self.coefficients.dim();
        let rows = block(inputs.nrows(), p).max(1);
        reserve("the predictions of a fit", table(inputs.nrows(), k).saturating_add(table(rows, p)))?;
        let mut predictions = Array2::zeros((inputs.nrows(), k));
        for (inputs, mut to) in
            inputs.axis_chunks_iter(Axis(0), rows).zip(predictions.axis_chunks_iter_mut(Axis(0), rows))
        {
            to.assign(&design(self.map.as_deref(), &inputs, p)?.dot(&self.coefficients));
        }
        Error::check_finite("predictions", predictions.view())
            .map_err(|_| Error::Overflow { what: "a prediction" })?;
        Ok(predictions)
    }
}

impl Sweep {
    /// Computes the fit of one arm, given by its index, in one cell: `n` rows and `p` features of a repeat.
    ///
    /// `n` and `p` need not be listed in the sweep.
    ///
    /// # Errors
    /// [`Error::TooLarge`] for an arm that does not exist, and for an `n` or `p` that the sweep cannot have;
    /// [`Error::Domain`] for an `n` or `p` of 0, and for a repeat that does not exist; [`Error::Unsupported`] for an
    /// arm with an ablation, an adversary or a start other than 0, a free intercept, standardised features, or a
    /// parameter; errors in the sweep as a whole, as for [`Sweep::run`]; those of the draws, of the map, of the
    /// estimator and of the SVD.
    ///
    /// # Examples
    /// ```
    /// use double_descent::{dataset::Dataset, sweep::Sweep};
    ///
    /// let sweep = Sweep::new(Dataset::diabetes(), [10, 20], 5, 0);
    /// let fit = sweep.fit(3, (20, 10), 0)?;
    /// let left = fit.predict(&fit.inputs)? - &fit.targets;
    /// let trained = sweep.run()?.cell(3, 20, 0).unwrap().train_mse.unwrap();
    /// assert!((left.mapv(|e| e * e).mean().unwrap() / trained - 1.0).abs() < 1e-9);
    /// # Ok::<(), double_descent::Error>(())
    /// ```
    pub fn fit(&self, repeat: usize, (n, p): (usize, usize), arm: usize) -> Result<Fit, Error> {
        let Some(arm) = self.arms.get(arm) else {
            return Err(Error::no_arm(self.arms.len(), arm));
        };
        let plain = arm.ablation == Ablation::none() && arm.adversary.is_none() && arm.start == Start::Zero;
        let cell = Self { samples: vec![n], features: vec![p], ..self.clone() };
        let task = Task::new(&cell)?;
        let (orders, unprepared) = (task.orders()?, task.preparation().is_none());
        if !(plain && unprepared && self.parameter.is_none()) {
            let reason = "a single fit has no ablation, adversary, start, free intercept, standardised features or \
                          parameter; leave them out of the sweep";
            return Err(Error::Unsupported { reason: reason.into() });
        }
        let Some(order) = orders.get(repeat) else {
            let must_be = "below the number of repeats";
            return Err(Error::Domain { what: "the repeat", value: repeat as f64, must_be });
        };
        let own = |targets: &Array2<f64>| gather(arm.targets.as_deref().unwrap_or(targets).view(), order);
        let (inputs, targets) = match &self.source {
            Source::Table(data) | Source::TrainTest { train: data, .. } => {
                (gather(data.features().view(), order), own(data.targets()))
            }
            Source::Drawn(drawn) => {
                let draw = drawn.of_cell(repeat, (n, p))?;
                if draw.inputs.nrows() < n {
                    Error::check_len("rows that a repeat drew", n, draw.inputs.nrows())?;
                }
                (draw.inputs.slice(s![..n, ..]).to_owned(), draw.targets.slice(s![..n, ..]).to_owned())
            }
        };
        let map = self.maps.of_cell(repeat, || inputs.clone(), p)?;
        let x = design(map.as_deref(), &inputs, p)?;
        let svd = Svd::with_backend(&x, &*self.backend)?;
        let coefficients = svd.solve(&targets, &*arm.estimator)?;
        Ok(Fit { inputs, targets, coefficients, map })
    }
}

impl fmt::Debug for Fit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fit")
            .field("rows", &self.inputs.nrows())
            .field("features", &self.coefficients.nrows())
            .finish_non_exhaustive()
    }
}
