//! Training sets drawn from labelled data, and wrong labels in them.

use super::{Draw, Parameter, Source, TestOn};
use crate::curve::Axis;
use crate::dataset::{Dataset, Labelled};

/// The seed of a repeat's [`Labelled::subset`]: `seed + repeat`.
fn seed_of(seed: u64, repeat: usize) -> u64 {
    seed.wrapping_add(repeat as u64)
}

impl Source {
    /// A source of `n` rows of labelled data, drawn afresh for each repeat ([`Labelled::subset`]).
    ///
    /// Targets are one-hot. Fits are tested on a separate table. Repeat `r` draws its subset with the seed `seed + r`,
    /// so for an independent replication choose a seed that differs by at least the number of repeats. An error of the
    /// drawing ([`Labelled::subset`], [`Labelled::dataset`]) is reported by the sweep.
    ///
    /// # Examples
    /// Levels of label noise over the number of features, all read off one factorisation:
    /// ```
    /// use double_descent::curve::Metric;
    /// use double_descent::dataset::Labelled;
    /// use double_descent::sweep::{Parameter, Source, Splits, Sweep};
    /// use ndarray::Array2;
    ///
    /// let inputs = |rows: usize| Array2::from_shape_fn((rows, 6), |(i, j)| ((3 * i + 5 * j) as f64).sin());
    /// let labelled = |rows: usize| Labelled::new("halves", inputs(rows), (0..rows).map(|i| i % 2).collect(), 2);
    /// let (train, test) = (labelled(200)?, labelled(50)?.dataset()?);
    /// let sweep = Sweep {
    ///     samples: vec![20],
    ///     features: (1..=6).collect(),
    ///     parameter: Some(Parameter::wrong_labels([0.0, 0.2], train.clone(), 20, 1)),
    ///     ..Sweep::of(Source::subsets("halves", train, test, 20, 1), Splits::Drawn { repeats: 5, seed: 1 })
    /// };
    /// assert_eq!(sweep.surface()?.medians(0, Metric::TestMse)?.dim(), (2, 6));
    /// # Ok::<(), double_descent::Error>(())
    /// ```
    pub fn subsets(name: impl Into<String>, train: Labelled, test: Dataset, n: usize, seed: u64) -> Self {
        Self::drawn(name, move |repeat| {
            let rows = train.subset(n, seed_of(seed, repeat))?.dataset()?;
            let test = TestOn::Rows { inputs: test.features().clone(), targets: test.targets().clone() };
            Ok(Draw { inputs: rows.features().clone(), targets: rows.targets().clone(), test })
        })
    }
}

impl Parameter {
    /// Class label noise: shares of the training labels that are replaced by another class
    /// ([`Labelled::with_label_noise`]).
    ///
    /// The rows are those that [`Source::subsets`] draws for the same data, `n` and seed. A label that is wrong at one
    /// share is wrong at every larger share.
    pub fn wrong_labels(shares: impl IntoIterator<Item = f64>, train: Labelled, n: usize, seed: u64) -> Self {
        Self::targets(Axis::LabelNoise, shares, move |repeat, share| {
            let seed = seed_of(seed, repeat);
            train.subset(n, seed)?.with_label_noise(share, seed)?.one_hot()
        })
    }
}
