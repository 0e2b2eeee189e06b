//! The number of features needed to fit wrong labels.

use super::{LinearModel, Search};
use crate::Error;
use crate::dataset::Labelled;
use crate::features::FeatureMap;
use crate::filter::MinNorm;
use std::sync::Arc;

impl Search {
    /// Returns, for each share of wrong labels in `data` ([`Labelled::with_label_noise`]), the smallest number of
    /// features from 1 to `largest` whose minimum-norm fits of one-hot targets have a complexity of at least `n`. This
    /// is the position of the double descent peak, and how it moves as labels get worse. `None` if even `largest` is
    /// too few. `map` makes the features, and `seed` draws the wrong labels.
    ///
    /// # Errors
    /// Those of [`Search::first_to_reach`] and of the map; [`Error::Domain`] for a share outside 0 to 1.
    ///
    /// # References
    /// Nakkiran et al., *Deep double descent*, [arXiv:1912.02292](https://arxiv.org/abs/1912.02292), section 2.
    ///
    /// # Examples
    /// ```
    /// use double_descent::complexity::Search;
    /// use double_descent::dataset::Labelled;
    /// use double_descent::features::Coordinates;
    /// use ndarray::Array2;
    /// use std::sync::Arc;
    ///
    /// let inputs = Array2::from_shape_fn((60, 12), |(i, j)| ((i * i + 7 * j * i) as f64).sin());
    /// let data = Labelled::new("signs", inputs, (0..60).map(|i| i % 2).collect(), 2)?;
    /// let search = Search { largest: Some(14), ..Search::new(1e-3, 3, 0) };
    /// let found = search.first_to_fit_labels(8, 12, Arc::new(Coordinates::new(12)), &data, &[0.0, 0.2], 1)?;
    /// assert_eq!(found, [Some(8), Some(8)]); // as many features as samples interpolate any labels
    /// # Ok::<(), double_descent::Error>(())
    /// ```
    pub fn first_to_fit_labels(
        &self,
        n: usize,
        largest: usize,
        map: Arc<dyn FeatureMap>,
        data: &Labelled,
        shares: &[f64],
        seed: u64,
    ) -> Result<Vec<Option<usize>>, Error> {
        let model = |p: usize| LinearModel::new(Arc::clone(&map), p, Arc::new(MinNorm::default()));
        let of_share = |&share: &f64| {
            let targets = data.with_label_noise(share, seed)?.one_hot()?;
            self.first_to_reach(n, largest, model, data.inputs()?, &targets)
        };
        shares.iter().map(of_share).collect()
    }
}
