//! Training features drawn afresh for each repeat, with their second moments.

use crate::Error;
use crate::error::user_code;
use crate::features::{FeatureMap, checked};
use crate::machine::memory::zeros;
use crate::nested::noise::{Root, SecondMoments};
use crate::rng::stream;
use ndarray::{Array2, ArrayRef2, s};
use rand::rngs::ChaCha8Rng;
use rand::{Rng, RngExt};
use rand_distr::StandardNormal;
use std::fmt;
use std::sync::Arc;

/// The number of inputs mapped at once.
const PIECE: usize = 1024;

/// A distribution of training features: for every `p`, one of rows with `p` features.
///
/// With the features comes `Σ = E[x xᵀ]` (`p × p`), the second moments of a row `x`: exact, or estimated from other
/// rows.
///
/// Each repeat draws the map from stream 0 of its seed, the training inputs from stream 1, and the inputs for estimated
/// moments from stream 2 ([`rng::stream`](crate::rng::stream)). So the same `(seed, repeat)` has the same inputs for
/// every distribution.
///
/// # Examples
/// ```
/// use double_descent::features::{Activation, RandomNetwork};
/// use double_descent::sweep::Designs;
///
/// // The last layer of a random network on 10 normal inputs; Σ is estimated from 500 others.
/// let tanh = Designs::of_maps(10, 500, |p, rng| RandomNetwork::new(Activation::Tanh, &[10, 40, p], rng));
/// let (features, root) = tanh.draw((7, 0), (20, 5))?;
/// assert_eq!((features.dim(), root.dimension()), ((20, 5), Some(5)));
/// # Ok::<(), double_descent::Error>(())
/// ```
#[derive(Clone)]
pub struct Designs(Kind);

#[derive(Clone)]
enum Kind {
    Gaussian,
    Sphere,
    /// The number of draws to estimate Σ; 0 if it is known.
    Maps {
        inputs: usize,
        draws: usize,
        draw: Arc<DrawMap>,
    },
}

/// Draws a map to a given number of features; also returns Σ, or the number of draws to estimate it from.
type DrawMap = dyn Fn(usize, &mut ChaCha8Rng) -> Result<(Arc<dyn FeatureMap>, Moments), Error> + Send + Sync;

enum Moments {
    Known(Array2<f64>),
    Draws(usize),
}

impl Designs {
    /// Standard normal features, `N(0, I_p)`.
    #[must_use]
    pub fn gaussian() -> Self {
        Self(Kind::Gaussian)
    }

    /// Features uniform on the sphere of radius `√p`.
    ///
    /// These designs are not nested: every `p` has its own sphere, onto which the first `p` normal features are
    /// projected.
    #[must_use]
    pub fn sphere() -> Self {
        Self(Kind::Sphere)
    }

    /// Features of `inputs` standard normal inputs under a map that `map(p, rng)` draws for each repeat.
    ///
    /// Σ is estimated from `draws` other inputs.
    pub fn of_maps<M: FeatureMap + 'static>(
        inputs: usize,
        draws: usize,
        map: impl Fn(usize, &mut ChaCha8Rng) -> Result<M, Error> + Send + Sync + 'static,
    ) -> Self {
        let draw = move |features: usize, rng: &mut ChaCha8Rng| {
            Ok((Arc::new(map(features, rng)?) as Arc<dyn FeatureMap>, Moments::Draws(draws)))
        };
        Self(Kind::Maps { inputs, draws, draw: Arc::new(draw) })
    }

    /// Like [`of_maps`](Self::of_maps), but with known Σ (`p × p`): `map(p, rng)` returns the map and Σ.
    pub fn of_known<M: FeatureMap + 'static>(
        inputs: usize,
        map: impl Fn(usize, &mut ChaCha8Rng) -> Result<(M, Array2<f64>), Error> + Send + Sync + 'static,
    ) -> Self {
        let draw = move |features: usize, rng: &mut ChaCha8Rng| {
            let (map, covariance) = map(features, rng)?;
            Ok((Arc::new(map) as Arc<dyn FeatureMap>, Moments::Known(covariance)))
        };
        Self(Kind::Maps { inputs, draws: 0, draw: Arc::new(draw) })
    }

    /// Draws the features of a repeat (`rows × features`) and a root of Σ. For the sphere, the features are the normal
    /// ones before projection.
    ///
    /// # Errors
    /// Those of the map, or [`Error::UserCode`] if drawing it panics; those of the moments ([`Root::from_covariance`],
    /// [`SecondMoments`]); [`Error::Memory`].
    pub fn draw(
        &self,
        (seed, repeat): (u64, usize),
        (rows, features): (usize, usize),
    ) -> Result<(Array2<f64>, Root), Error> {
        let inputs = |dimension| normal(rows, dimension, &mut stream(seed, 1, repeat));
        let Kind::Maps { inputs: dimension, draw, .. } = &self.0 else {
            return Ok((inputs(features)?, Root::identity()));
        };
        let part = || format!("the drawing of the map of repeat {repeat}");
        let (map, moments) = user_code::call(part, || draw(features, &mut stream(seed, 0, repeat)))??;
        let root = match moments {
            Moments::Known(covariance) => Root::from_covariance(&covariance)?,
            Moments::Draws(draws) => {
                let mut rng = stream(seed, 2, repeat);
                let mut moments = SecondMoments::new(features)?;
                // Shared by all pieces: fresh memory from the system for each would cost more than drawing the numbers.
                let most = PIECE.min(draws);
                let mut inputs = zeros("normal inputs", most, *dimension)?;
                let mut made = zeros("features of normal inputs", most, features)?;
                for first in (0..draws).step_by(PIECE) {
                    let rows = PIECE.min(draws - first);
                    let (mut inputs, mut made) =
                        (inputs.slice_mut(s![..rows, ..]), made.slice_mut(s![..rows, ..]));
                    draw_normal(&mut inputs, &mut rng);
                    checked::write_columns(&*map, &inputs, 0..features, &mut made)?;
                    moments.add(&made)?;
                }
                moments.root()?
            }
        };
        Ok((checked::design(&*map, &inputs(*dimension)?, features)?, root))
    }

    /// Floating-point operations of [`draw`](Self::draw), without the map's own work.
    pub(super) fn flops(&self, (rows, p): (f64, f64)) -> f64 {
        match &self.0 {
            Kind::Maps { inputs, draws, .. } => {
                let (inputs, draws) = (*inputs as f64, *draws as f64);
                (rows + draws) * p * inputs + draws * p * p + p * p * p
            }
            Kind::Gaussian | Kind::Sphere => rows * p,
        }
    }

    /// Whether the first `p` columns of a design are a design of `p` features.
    pub(super) fn is_nested(&self) -> bool {
        !matches!(self.0, Kind::Sphere)
    }
}

fn normal(rows: usize, columns: usize, rng: &mut impl Rng) -> Result<Array2<f64>, Error> {
    let mut table = zeros("normal inputs", rows, columns)?;
    draw_normal(&mut table, rng);
    Ok(table)
}

fn draw_normal(table: &mut ArrayRef2<f64>, rng: &mut impl Rng) {
    table.mapv_inplace(|_| rng.sample(StandardNormal));
}

impl fmt::Debug for Designs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match &self.0 {
            Kind::Gaussian => "gaussian",
            Kind::Sphere => "sphere",
            Kind::Maps { .. } => "maps",
        };
        f.debug_tuple("Designs").field(&kind).finish()
    }
}
