//! Effective model complexity of many filters from one factorisation per sample.

use super::LinearModel;
use super::search::{Complexity, Samples, Search, mean};
use crate::Error;
use crate::filter::SpectralFilter;
use ndarray::ArrayRef2;

impl Search {
    /// Measures `model` with each of `filters` instead of its own, on samples of `inputs` (`N × d`) and `targets`
    /// (`N × k`): one complexity per filter, for example of a flow stopped at many times. Every `n` up to
    /// [`Search::largest`] is evaluated, and each sample is factorised once for all filters.
    ///
    /// # Errors
    /// As [`Search::run`]; [`Error::Empty`] without filters.
    ///
    /// # Examples
    /// ```
    /// use double_descent::complexity::{LinearModel, Search};
    /// use double_descent::dataset::Dataset;
    /// use double_descent::features::Coordinates;
    /// use double_descent::filter::{GradientFlow, Loss, MinNorm, SpectralFilter};
    /// use std::sync::Arc;
    ///
    /// let data = Dataset::diabetes();
    /// let model = LinearModel::new(Arc::new(Coordinates::new(10)), 10, Arc::new(MinNorm::default()));
    /// let flows = [1e2, 1e4, 1e12].map(|t| GradientFlow::new(t, Loss::HalfSum).unwrap());
    /// let filters: Vec<&dyn SpectralFilter> = flows.iter().map(|flow| flow as _).collect();
    /// let search = Search { largest: Some(15), ..Search::new(1.0, 3, 0) };
    /// let found = search.run_filters(&model, &filters, data.features(), data.targets())?;
    /// // Longer training raises the complexity, up to the number of features.
    /// assert!(found[0].value < found[1].value && found[1].value < found[2].value);
    /// assert_eq!(found[2].value, 10);
    /// # Ok::<(), double_descent::Error>(())
    /// ```
    pub fn run_filters(
        &self,
        model: &LinearModel,
        filters: &[&dyn SpectralFilter],
        inputs: &ArrayRef2<f64>,
        targets: &ArrayRef2<f64>,
    ) -> Result<Vec<Complexity>, Error> {
        if filters.is_empty() {
            return Err(Error::Empty { what: "the list of filters" });
        }
        let largest = self.check(inputs, targets)?;
        let orders = self.splits.orders(inputs.nrows(), largest)?;
        let samples = Samples { search: self, inputs, targets, orders };
        let sizes: Vec<Vec<Vec<f64>>> = (1..=largest)
            .map(|n| samples.each(n, |inputs, targets| model.errors_of(filters, inputs, targets)))
            .collect::<Result<_, Error>>()?;
        let complexity = |filter: usize| {
            let point = |(at, repeats): (usize, &Vec<Vec<f64>>)| {
                mean(at + 1, &repeats.iter().map(|errors| errors[filter]).collect::<Vec<_>>())
            };
            let points = sizes.iter().enumerate().map(point).collect::<Result<Vec<_>, Error>>()?;
            Ok(samples.largest_fitted(points))
        };
        (0..filters.len()).map(complexity).collect()
    }
}
