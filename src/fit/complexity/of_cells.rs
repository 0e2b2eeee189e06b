//! Effective model complexity as a metric of a curve.

use super::LinearModel;
use super::search::Search;
use crate::curve::{Cell, Curve, Metric};
use crate::features::FeatureMap;
use crate::filter::SpectralFilter;
use crate::{Error, error::user_code};
use ndarray::ArrayRef2;
use std::sync::Arc;

impl Search {
    /// Adds the effective model complexity (EMC) to every cell of a curve, as [`Metric::ModelComplexity`]: that of
    /// `estimator(cell)` on the first [`Cell::p`] features of `map`, measured on `inputs` (`N × d`) and `targets`
    /// (`N × k`). A curve over time, penalty or features can then be drawn and summarised over EMC.
    ///
    /// It does not depend on a cell's number of samples or repeat, so it is measured once for each arm, number of
    /// features and value, and all with the same number of features share the factorisations
    /// ([`Search::run_filters`]). If every sample up to [`Search::largest`] is fitted, the value is that number, and
    /// EMC is at least as large.
    ///
    /// # Errors
    /// Those of [`Search::run_filters`] and of `estimator`, [`Error::UserCode`] if it panics; the curve is then
    /// unchanged.
    ///
    /// # Examples
    /// EMC of gradient flow over time:
    /// ```
    /// use double_descent::complexity::Search;
    /// use double_descent::curve::Metric;
    /// use double_descent::dataset::Dataset;
    /// use double_descent::features::Coordinates;
    /// use double_descent::filter::{GradientFlow, Loss, SpectralFilter};
    /// use double_descent::sweep::{Parameter, Sweep};
    /// use std::sync::Arc;
    ///
    /// let data = Dataset::diabetes();
    /// let times = [1e2, 1e4, 1e12];
    /// let sweep = Sweep {
    ///     parameter: Some(Parameter::time(Loss::HalfSum, times)),
    ///     ..Sweep::over_penalties(data.clone(), 20, [], 2, 0)
    /// };
    /// let mut curve = sweep.run()?;
    /// let flow = |time: f64| Ok(Arc::new(GradientFlow::new(time, Loss::HalfSum)?) as Arc<dyn SpectralFilter>);
    /// let search = Search { largest: Some(15), ..Search::new(1.0, 3, 0) };
    /// let map = Arc::new(Coordinates::new(10));
    /// search.add_to(&mut curve, map, |cell| flow(cell.value().unwrap()), data.features(), data.targets())?;
    /// let found = curve.summaries(Metric::ModelComplexity, None)?;
    /// assert!(found[0].median < found[1].median && found[2].median == 10.0);
    /// # Ok::<(), double_descent::Error>(())
    /// ```
    pub fn add_to(
        &self,
        curve: &mut Curve,
        map: Arc<dyn FeatureMap>,
        estimator: impl Fn(&Cell) -> Result<Arc<dyn SpectralFilter>, Error>,
        inputs: &ArrayRef2<f64>,
        targets: &ArrayRef2<f64>,
    ) -> Result<(), Error> {
        let fitted_by = |cell: &Cell| (cell.p, cell.arm, cell.value().map(f64::to_bits));
        let mut kinds: Vec<_> = curve.cells.iter().map(|cell| (fitted_by(cell), *cell)).collect();
        kinds.sort_unstable_by_key(|(kind, _)| *kind);
        kinds.dedup_by_key(|(kind, _)| *kind);
        let mut found = std::collections::HashMap::with_capacity(kinds.len());
        for kinds in kinds.chunk_by(|(a, _), (b, _)| a.0 == b.0) {
            let ask = |(_, cell): &(_, Cell)| {
                user_code::call(|| "the estimator of a cell".into(), || estimator(cell))?
            };
            let estimators: Vec<_> = kinds.iter().map(ask).collect::<Result<_, Error>>()?;
            let filters: Vec<&dyn SpectralFilter> = estimators.iter().map(|filter| &**filter).collect();
            let model = LinearModel::new(map.clone(), kinds[0].0.0, estimators[0].clone());
            let complexities = self.run_filters(&model, &filters, inputs, targets)?;
            found.extend(kinds.iter().map(|(kind, _)| *kind).zip(complexities));
        }
        for cell in &mut curve.cells {
            let complexity = found.get(&fitted_by(cell)).map(|complexity| complexity.value as f64);
            cell.set(Metric::ModelComplexity, complexity);
        }
        Ok(())
    }
}
