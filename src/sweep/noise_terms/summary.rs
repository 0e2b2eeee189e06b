//! Summary statistics of the noise term at one point.

use crate::curve::quantile;
use crate::machine::spread::norm_of_deviations;
use crate::theory::noise::{gaussian, lower_bound, sphere};

/// The distribution of the noise term at `n` samples and `p` features, over repeats
/// ([`NoiseTerms::run`](super::NoiseTerms::run)).
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct NoiseSummary {
    /// Training samples.
    pub n: usize,
    /// Features.
    pub p: usize,
    /// Repeats.
    pub repeats: usize,
    /// The mean; NaN without repeats.
    pub mean: f64,
    /// The standard error of the mean; 0 for a single repeat.
    pub standard_error: f64,
    /// 5 %, 25 %, 50 %, 75 %, 95 %, type 7 of Hyndman and Fan (1996).
    pub quantiles: [f64; 5],
    /// The maximum.
    pub max: f64,
}

impl NoiseSummary {
    /// The columns of [`NoiseSummary::fields`].
    pub const COLUMNS: &'static [&'static str] = &[
        "n",
        "p",
        "repeats",
        "mean",
        "standard_error",
        "q05",
        "q25",
        "median",
        "q75",
        "q95",
        "max",
        "lower_bound",
        "gaussian",
        "sphere",
    ];

    pub(super) fn new((n, p): (usize, usize), mut values: Vec<f64>) -> Self {
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let standard_error = norm_of_deviations(&values, mean) / ((count - 1.0).max(1.0) * count).sqrt();
        values.sort_unstable_by(f64::total_cmp);
        let at = |q: f64| if values.is_empty() { f64::NAN } else { quantile(&values, q) };
        let quantiles = [0.05, 0.25, 0.5, 0.75, 0.95].map(at);
        let max = values.last().copied().unwrap_or(f64::NAN);
        Self { n, p, repeats: values.len(), mean, standard_error, quantiles, max }
    }

    /// The fields of a table row: the summary, the [lower bound](lower_bound), and the expected noise term for
    /// [Gaussian](gaussian) features and for features on a [sphere], blank if unknown.
    #[must_use]
    pub fn fields(&self) -> Vec<String> {
        let counts = [self.n, self.p, self.repeats].map(|count| count.to_string());
        let theory = [lower_bound(self.n, self.p), gaussian(self.n, self.p)];
        let numbers = [self.mean, self.standard_error]
            .into_iter()
            .chain(self.quantiles)
            .chain([self.max])
            .chain(theory)
            .map(|number| number.to_string());
        let sphere = sphere(self.n, self.p).map_or(String::new(), |value| value.to_string());
        counts.into_iter().chain(numbers).chain([sphere]).collect()
    }
}
