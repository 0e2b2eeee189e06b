//! The curves of eight repeats at a time.

use super::maps::Map;
use double_descent::Error;
use double_descent::nested::noise::{Root, Term, feature_terms, sample_terms};
use double_descent::sweep::Identity;
use ndarray::{Array2, ArrayView2, s};

/// Repeats that are computed together: as many as the engine has lanes.
pub const CHUNK: usize = 8;

/// `(n, p)`, one after the other.
type Points = Vec<(usize, usize)>;

/// The terms of several repeats.
type Curves = Vec<Vec<Term>>;

/// What fixes every number of a map's curves, but for how many repeats there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    pub map: Map,
    pub seed: u64,
    pub draws: usize,
    /// The p of the curve over n, and the n of that over p.
    pub fixed: usize,
    /// Both curves go from 1 to this.
    pub largest: usize,
}

impl Plan {
    /// Points `(n, p)` of the curve over n, then of that over p.
    pub fn points(&self) -> (Points, Points) {
        let (p, n) = (self.map.sample_features(self.fixed), self.fixed);
        let samples = (1..=self.largest).map(|n| (n, p)).collect();
        let features = (1..=self.map.largest_features(self.largest)).map(|p| (n, p)).collect();
        (samples, features)
    }

    /// What is recorded, chunk by chunk.
    pub fn identity(&self) -> Identity {
        let Self { map, seed, draws, fixed, largest } = self;
        let counts = [("draws", draws), ("fixed", fixed), ("largest", largest)];
        let identity = Identity::new("universality").with("map", map.name()).with("seed", seed);
        counts.into_iter().fold(identity, |identity, (name, count)| identity.with(name, count))
    }

    /// Numbers of one repeat.
    pub fn width(&self) -> usize {
        let (samples, features) = self.points();
        samples.len() + features.len()
    }

    /// Floating-point operations of a chunk, to a factor of about two: its draws, and what grows its curves.
    pub fn flops(&self) -> f64 {
        let p = self.map.sample_features(self.fixed);
        let last = self.map.largest_features(self.largest);
        let [m, p, last, n] = [self.largest, p, last, self.fixed].map(|count| count as f64);
        let over_p = if self.map == Map::Sphere { n * last * last * last } else { 4.0 * n * n * last };
        let size = (self.largest.max(self.fixed), p.max(last) as usize);
        CHUNK as f64 * (self.map.flops(size, self.draws) + 4.0 * m * p * p + over_p)
    }

    /// The noise terms of the repeats of a chunk, one repeat after the other, its points in order.
    pub fn compute(&self, chunk: usize) -> Result<Vec<f64>, Error> {
        let p = self.map.sample_features(self.fixed);
        let widest = p.max(self.map.largest_features(self.largest));
        let size = (self.largest.max(self.fixed), widest);
        let drawn = (0..CHUNK)
            .map(|i| self.map.draw((self.seed, chunk * CHUNK + i), size, self.draws))
            .collect::<Result<Vec<_>, Error>>()?;
        let (designs, roots): (Vec<Array2<f64>>, Vec<Root>) = drawn.into_iter().unzip();
        let roots: Vec<&Root> = roots.iter().collect();
        let (samples, features) = if self.map == Map::Sphere {
            self.on_the_sphere(&designs)?
        } else {
            let rows: Vec<_> = designs.iter().map(|x| x.slice(s![..self.largest, ..p])).collect();
            let last = self.map.largest_features(self.largest);
            let columns: Vec<_> = designs.iter().map(|x| x.slice(s![..self.fixed, ..last])).collect();
            let samples = sample_terms(&rows, &roots)?;
            let features = if last > 0 { feature_terms(&columns, &roots)? } else { vec![Vec::new(); CHUNK] };
            (samples, features)
        };
        let both = samples.iter().zip(&features);
        Ok(both
            .flat_map(|(samples, features)| samples.iter().chain(features))
            .map(|term| term.noise)
            .collect())
    }

    /// Its features are not nested: every p has its own sphere.
    fn on_the_sphere(&self, normals: &[Array2<f64>]) -> Result<(Curves, Curves), Error> {
        let identity = Root::identity();
        let terms = |rows: usize, p: usize| {
            let projected: Vec<_> = normals.iter().map(|x| on_sphere(x.slice(s![..rows, ..p]))).collect();
            let views: Vec<_> = projected.iter().map(|x| x.view()).collect();
            sample_terms(&views, &[&identity])
        };
        let samples = terms(self.largest, self.fixed)?;
        let mut features = vec![Vec::new(); normals.len()];
        for p in 1..=self.largest {
            for (curve, terms) in features.iter_mut().zip(terms(self.fixed, p)?) {
                curve.extend(terms.last().copied());
            }
        }
        Ok((samples, features))
    }
}

/// Rows of length `√p`.
fn on_sphere(x: ArrayView2<'_, f64>) -> Array2<f64> {
    let mut x = x.to_owned();
    let length = (x.ncols() as f64).sqrt();
    for mut row in x.rows_mut() {
        let factor = length / row.dot(&row).sqrt();
        row *= factor;
    }
    x
}
