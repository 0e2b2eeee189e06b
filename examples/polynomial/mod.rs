//! Polynomial regression past its interpolation threshold, as studied in Schaeffer et al.'s tutorial on double
//! descent (arXiv:2303.14151): y = 2x + cos 25x on [−1, 1] from n = 15 points, in the Legendre polynomials of
//! degrees 1, …, p for every p up to 200.
//!
//! Run: `cargo run --release --example polynomial`
//!
//! To use the published training inputs: `--points polynomial_x_train.csv` (columns P, repeat, x0, …, x14). To see why
//! the basis matters: `--basis legendre,chebyshev,monomial`.

mod figures;

use crate::common::flags::{Count, Failure, Program, Rule, choices, flags};
use crate::common::regression::{self, Function, Recorded};
use crate::common::shards::ShardArgs;
use crate::common::{RunArgs, Sizes, once_each};
use double_descent::Error;
use double_descent::features::{Polynomial, PolynomialBasis};
use double_descent::rng::stream;
use double_descent::sweep::{Maps, Source, Sweep};
use ndarray::Array2;
use rand::RngExt;
use std::path::PathBuf;
use std::sync::Arc;

flags! {
    /// Polynomial regression of y = 2x + cos 25x over the number of features p, with the peak at p = n. Writes
    /// OUT/polynomial/cells.csv, summary.csv and figures.
    pub struct Cli {
        /// Numbers of features p: numbers and inclusive ranges with an optional step, as in 1..200 or 5,10..40:10
        /// [default: 1..200, or those in --points]
        sizes: Option<Sizes> = None, "SIZES";
        /// Number of training points n, drawn uniformly from [−1, 1]
        samples: Count<1> = Count(15), "N";
        /// Number of training sets for each p [default: 30, or as many as in --points]
        repeats: Option<usize> = None, "N";
        /// Replay recorded training inputs (P,repeat,x0,x1,…) instead of drawing them
        points: Option<PathBuf> = None, "FILE";
        /// Polynomial bases, separated by commas; all are fitted to the same points
        basis: Vec<Basis> = vec![Basis::Legendre], "NAMES";
        ..shards: ShardArgs = ShardArgs::default();
        ..run: RunArgs = RunArgs::over_axis();
    }
}

choices! {
    /// A basis of polynomials.
    pub enum Basis {
        /// Orthogonal with respect to the uniform weight
        Legendre = "legendre",
        /// Orthogonal with respect to the weight 1/√(1 − x²)
        Chebyshev = "chebyshev",
        /// Powers of x, which give nearly parallel columns
        Monomial = "monomial",
    }
}

const WAVE: Function =
    Function { name: "y = 2x + cos 25x", value: |x| 2.0 * x + (25.0 * x).cos(), ends: (-1.0, 1.0) };

type Inputs = dyn Fn(usize, usize) -> Result<Array2<f64>, Error> + Send + Sync;

impl Program for Cli {
    const NAME: &'static str = "polynomial";
    const RULES: &'static [Rule] = &[Rule::Excludes("points", "samples")];

    fn run(&self) -> Result<(), Failure> {
        let (drawn, seed) = (usize::from(self.samples), self.run.seed);
        let recorded = self.points.as_deref().map(Recorded::read).transpose()?;
        let (sizes, repeats, n) = recorded.as_ref().map_or(((1..=200).collect(), 30, drawn), Recorded::sizes);
        let features = self.sizes.as_ref().map_or(sizes, |sizes| sizes.list.clone());
        // Different inputs for each repeat and p.
        let inputs: Arc<Inputs> = match recorded {
            Some(recorded) => Arc::new(move |repeat, p| recorded.at(repeat, p)),
            None => Arc::new(move |repeat, p| {
                let mut rng = stream(seed, p, repeat);
                Ok(Array2::from_shape_simple_fn((n, 1), || rng.random_range(WAVE.ends.0..=WAVE.ends.1)))
            }),
        };
        let draw = move |repeat: usize, _: usize, p: usize| {
            let x = inputs(repeat, p)?;
            Ok(WAVE.draw(x.clone(), x.mapv(WAVE.value)))
        };
        let source = Source::drawn_for_cells(WAVE.name, draw.clone());
        let sweep = |basis: &Basis| {
            let basis = match basis {
                Basis::Legendre => PolynomialBasis::Legendre,
                Basis::Chebyshev => PolynomialBasis::Chebyshev,
                Basis::Monomial => PolynomialBasis::Monomial,
            };
            let (maps, repeats) = (Maps::same(Polynomial::new(basis)), self.repeats.unwrap_or(repeats));
            regression::sweep(&self.run, source.clone(), (basis.name(), maps), (n, &features), repeats)
        };
        let sweeps: Vec<Sweep> = once_each(&self.basis).iter().map(sweep).collect();
        regression::run((&self.run, &self.shards), "polynomial", &sweeps, |curve| {
            let mut figures = vec![("errors".into(), figures::errors(self, curve)?)];
            let first = features[0];
            for sweep in &sweeps {
                // Draw every fit on the points of the same cell.
                let (draw, name) = (draw.clone(), &sweep.arms[0].name);
                let of_one = Source::drawn(WAVE.name, move |repeat| draw(repeat, n, first));
                let fits = figures::fits(n, first, &Sweep { source: of_one, ..sweep.clone() })?;
                figures.push((format!("fits_{name}"), fits));
            }
            Ok(figures)
        })
    }
}
