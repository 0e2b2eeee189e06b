//! Noise terms over n and over p, for features drawn afresh.

mod designs;
mod summary;

pub use designs::Designs;
pub use summary::NoiseSummary;

use super::{Grid, Observer};
use crate::Error;
use crate::machine::memory::{list, reserve, sum};
use crate::nested::noise::{Root, Term, feature_terms, sample_terms};
use ndarray::{Array2, ArrayView2, s};

/// The terms of several repeats.
type Curves = Vec<Vec<Term>>;

/// The expected increase of the test error of minimum-norm least squares, `tr((X⁺)ᵀ Σ X⁺)`, from label noise of
/// variance 1.
///
/// `Σ = E[x xᵀ]` are the second moments of a row of features ([`Designs`]). Features are drawn afresh for each repeat.
/// There is a curve over `n` at one `p`, and a curve over `p` at one `n`. No noise is drawn
/// ([`nested::noise`](crate::nested::noise)).
///
/// # Examples
/// ```
/// use double_descent::sweep::{Designs, NoiseTerms};
///
/// let terms = NoiseTerms {
///     designs: Designs::gaussian(),
///     seed: 0,
///     features: 5,
///     samples: 5,
///     largest_samples: 12,
///     largest_features: 12,
/// };
/// let (over_n, over_p) = terms.run(64, None, &())?;
/// assert_eq!((over_n.len(), over_p[3].p), (12, 4));
/// assert!(over_n[4].mean > over_n[1].mean && over_n[4].mean > over_n[11].mean); // most at n = p
/// # Ok::<(), double_descent::Error>(())
/// ```
///
/// # References
/// Holzmüller, *On the universality of the double descent peak in ridgeless regression*, ICLR 2021,
/// [arXiv:2010.01851](https://arxiv.org/abs/2010.01851).
#[derive(Clone, Debug)]
pub struct NoiseTerms {
    /// The distribution of the features.
    pub designs: Designs,
    /// The seed of everything that is drawn.
    pub seed: u64,
    /// The `p` of the curve over n.
    pub features: usize,
    /// The `n` of the curve over p.
    pub samples: usize,
    /// The curve over n goes from 1 to this.
    pub largest_samples: usize,
    /// The curve over p goes from 1 to this; 0 for none.
    pub largest_features: usize,
}

impl NoiseTerms {
    /// The number of repeats in a chunk, which are computed together: one per lane of the engine.
    pub const CHUNK: usize = 8;

    /// The points `(n, p)` of the curve over n, then those of the curve over p.
    pub fn points(&self) -> impl Iterator<Item = (usize, usize)> {
        let samples = (1..=self.largest_samples).map(|n| (n, self.features));
        samples.chain((1..=self.largest_features).map(|p| (self.samples, p)))
    }

    /// Floating-point operations of a chunk, up to a small factor: its draws, without the work of a map, and the growth
    /// of its curves.
    #[must_use]
    pub fn flops(&self) -> f64 {
        let counts = [self.largest_samples, self.features, self.largest_features, self.samples];
        let [m, p, last, n] = counts.map(|count| count as f64);
        let over_p = if self.designs.is_nested() { 4.0 * n * n * last } else { n * last * last * last };
        let draws = self.designs.flops((m.max(n), p.max(last)));
        Self::CHUNK as f64 * (draws + 4.0 * m * p * p + over_p)
    }

    /// Computes the noise terms of repeats `8 k, …, 8 k + 7`, which form chunk `k`: repeat by repeat, with the
    /// [`points`](Self::points) of each in order.
    ///
    /// # Errors
    /// Those of [`Designs::draw`], [`sample_terms`] and [`feature_terms`].
    pub fn compute(&self, chunk: usize) -> Result<Vec<f64>, Error> {
        let size = (self.largest_samples.max(self.samples), self.features.max(self.largest_features));
        let overflow = Error::Overflow { what: "the number of a repeat" };
        let first = chunk
            .checked_mul(Self::CHUNK)
            .filter(|first| first.checked_add(Self::CHUNK).is_some())
            .ok_or(overflow)?;
        let drawn = (first..first + Self::CHUNK)
            .map(|repeat| self.designs.draw((self.seed, repeat), size))
            .collect::<Result<Vec<_>, Error>>()?;
        let (designs, roots): (Vec<Array2<f64>>, Vec<Root>) = drawn.into_iter().unzip();
        let roots: Vec<&Root> = roots.iter().collect();
        let (samples, features) = if self.designs.is_nested() {
            let part = |n: usize, p: usize| designs.iter().map(|x| x.slice(s![..n, ..p])).collect::<Vec<_>>();
            let samples = sample_terms(&part(self.largest_samples, self.features), &roots)?;
            let features = match self.largest_features {
                0 => vec![Vec::new(); Self::CHUNK],
                last => feature_terms(&part(self.samples, last), &roots)?,
            };
            (samples, features)
        } else {
            self.on_spheres(&designs)?
        };
        let both = samples.iter().zip(&features);
        Ok(both
            .flat_map(|(samples, features)| samples.iter().chain(features))
            .map(|term| term.noise)
            .collect())
    }

    /// Computes each p on its own sphere.
    fn on_spheres(&self, normals: &[Array2<f64>]) -> Result<(Curves, Curves), Error> {
        let identity = Root::identity();
        let terms = |rows: usize, p: usize| {
            let projected: Vec<_> = normals.iter().map(|x| on_sphere(x.slice(s![..rows, ..p]))).collect();
            let views: Vec<_> = projected.iter().map(|x| x.view()).collect();
            sample_terms(&views, &[&identity])
        };
        let samples = terms(self.largest_samples, self.features)?;
        let mut features = vec![Vec::new(); normals.len()];
        for p in 1..=self.largest_features {
            for (curve, terms) in features.iter_mut().zip(terms(self.samples, p)?) {
                curve.extend(terms.last().copied());
            }
        }
        Ok((samples, features))
    }

    /// Summaries over the first `repeats` repeats of some chunks, given in order: the curve over n, and the curve over
    /// p.
    ///
    /// # Errors
    /// [`Error::Shape`] for a chunk of other curves, [`Error::Memory`].
    pub fn summarise<'a>(
        &self,
        chunks: impl IntoIterator<Item = &'a Vec<f64>>,
        repeats: usize,
    ) -> Result<(Vec<NoiseSummary>, Vec<NoiseSummary>), Error> {
        let width = sum([self.largest_samples, self.largest_features]);
        reserve("the summaries of the noise terms", list::<NoiseSummary>(width))?;
        let mut all: Vec<&[f64]> = Vec::new();
        for values in chunks {
            Error::check_len(
                "values of a chunk of noise terms",
                width.saturating_mul(Self::CHUNK),
                values.len(),
            )?;
            all.extend(values.chunks_exact(width.max(1)));
        }
        all.truncate(repeats);
        let row =
            |(column, point)| NoiseSummary::new(point, all.iter().map(|repeat| repeat[column]).collect());
        let mut rows: Vec<_> = self.points().enumerate().map(row).collect();
        let features = rows.split_off(self.largest_samples);
        Ok((rows, features))
    }

    /// Computes and summarises all repeats: the curve over n, and the curve over p.
    ///
    /// The observer counts chunks. If it stops the run, the summaries are of the chunks computed so far.
    ///
    /// # Errors
    /// The first error of [`compute`](Self::compute); [`Error::Domain`] for no repeats or 0 threads; those of
    /// [`Grid::run`] and [`summarise`](Self::summarise).
    pub fn run(
        &self,
        repeats: usize,
        threads: Option<usize>,
        observer: &dyn Observer,
    ) -> Result<(Vec<NoiseSummary>, Vec<NoiseSummary>), Error> {
        let grid = Grid { axis: vec![1], repeats: repeats.div_ceil(Self::CHUNK), threads, batch: 1 };
        let visited =
            grid.run(observer, |places| places.iter().map(|place| self.compute(place.repeat)).collect())?;
        let chunks = visited.into_iter().filter_map(|(_, chunk)| chunk).collect::<Result<Vec<_>, Error>>()?;
        self.summarise(&chunks, repeats)
    }
}

/// Scales the rows to length `√p`.
fn on_sphere(x: ArrayView2<'_, f64>) -> Array2<f64> {
    let mut x = x.to_owned();
    let length = (x.ncols() as f64).sqrt();
    for mut row in x.rows_mut() {
        let factor = length / row.dot(&row).sqrt();
        row *= factor;
    }
    x
}
