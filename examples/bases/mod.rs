//! Why the basis matters: minimum-norm polynomial regression of Runge's function from n noisy points, in Legendre
//! polynomials, Chebyshev polynomials and monomials of degrees 0, …, p − 1, up to degree 100,000. All three span
//! the same functions; beyond p = n they interpolate, and the basis determines which interpolant has the least norm.
//!
//! Run: `cargo run --release --example bases`

#![allow(clippy::cast_precision_loss)] // counts of rows and columns
use crate::common::figures::options;
use crate::common::flags::{Count, Failure, Program, flags};
use crate::common::regression::{self, Function};
use crate::common::shards::ShardArgs;
use crate::common::{RunArgs, check_noise};
use double_descent::Error;
use double_descent::curve::{Curve, Metric};
use double_descent::features::{Polynomial, PolynomialBasis};
use double_descent::plot::{Dash, Figure, study};
use double_descent::sweep::{Maps, Sweep};

flags! {
    /// Polynomial regression in three bases over the number of features p. Writes OUT/bases/cells.csv, summary.csv and
    /// figures.
    pub struct Cli {
        /// Number of training points n, drawn uniformly from [−1, 1]
        samples: Count<2> = Count(20), "N";
        /// Standard deviation of the noise on training targets
        noise: f64 = 0.1, "X";
        /// Largest number of features p; every p up to 2n is fitted, then twelve per decade
        largest: u32 = 100_000, "P";
        /// Number of training sets, each fitted at every p
        repeats: usize = 30, "N";
        ..shards: ShardArgs = ShardArgs::default();
        ..run: RunArgs = RunArgs::over_axis();
    }
}

const BASES: [(&str, PolynomialBasis); 3] = [
    ("Legendre", PolynomialBasis::Legendre),
    ("Chebyshev", PolynomialBasis::Chebyshev),
    ("Monomials", PolynomialBasis::Monomial),
];

const RUNGE: Function =
    Function { name: "y = 1 / (1 + 25x²)", value: |x| 1.0 / (1.0 + 25.0 * x * x), ends: (-1.0, 1.0) };

impl Program for Cli {
    const NAME: &'static str = "bases";

    fn run(&self) -> Result<(), Failure> {
        check_noise(self.noise)?;
        let n = usize::from(self.samples);
        let (source, features) = (RUNGE.noisy(n, self.noise, self.run.seed), sizes(n, self.largest));
        let sweeps = BASES.map(|(_, basis)| {
            let maps = Maps::same(Polynomial::new(basis).with_constant());
            let at = (n, &features[..]);
            regression::sweep(&self.run, source.clone(), (basis.name(), maps), at, self.repeats)
        });
        regression::run((&self.run, &self.shards), "bases", &sweeps, |curve| {
            Ok(vec![("errors".into(), errors(self, curve)?), ("fits".into(), fits(n, &sweeps)?)])
        })
    }
}

/// Every number of features up to 2n, then twelve per factor of ten, up to `largest`.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // positive, and under 2³² by the comparison
fn sizes(n: usize, largest: u32) -> Vec<usize> {
    let (dense, largest) = ((2 * n) as f64, f64::from(largest));
    let more = (1..).map(|i| dense * 10_f64.powf(f64::from(i) / 12.0)).take_while(|p| *p < largest);
    let all = (1..=2 * n).map(|p| p as f64).filter(|p| *p <= largest).chain(more).chain([largest]);
    let mut sizes: Vec<usize> = all.map(|p| p.round() as usize).filter(|p| *p > 0).collect();
    sizes.sort_unstable();
    sizes.dedup();
    sizes
}

/// Three panels, each with one curve per basis.
fn errors(cli: &Cli, curve: &Curve) -> Result<Figure, Error> {
    let (error, norm) = ([Metric::TestMse], [Metric::CoefficientNorm]);
    let mut figure = study::panels(curve, &[&error, &error, &norm], &options(&cli.run)).drawn()?;
    figure.panels[1].y.range = Some((3e-3, 1.0));
    figure.panels[1].title = "Test error, lower end".into();
    // A dash pattern for each basis, so that they can be told without colours.
    for panel in &mut figure.panels {
        for (group, dash) in panel.groups.iter_mut().zip([Dash::Solid, Dash::DashDotted, Dash::Dotted]) {
            group.series.iter_mut().for_each(|series| series.dash = dash);
        }
    }
    figure.caption.push_str(
        " Test errors are without noise, on 1000 equally spaced points of \
         [−1,\u{a0}1]; (b) is the lower end of (a). Up to p\u{a0}=\u{a0}n all bases give the same fit in \
         exact arithmetic; near p\u{a0}=\u{a0}n columns, above all those of the monomials, are too nearly dependent for \
         64-bit numbers, and rounding decides.",
    );
    let title = "The same functions in several bases: minimum norm, each in its own";
    Ok(figure.with_title(title).with_columns(3).with_width(1240.0).with_aspect(0.85))
}

/// Fits to one training set: one row of panels per basis, one column per p.
fn fits(n: usize, sweeps: &[Sweep]) -> Result<Figure, Error> {
    let largest = sweeps[0].features.last().copied().unwrap_or(1);
    let mut sizes = vec![n / 2, n, 10 * n, largest];
    sizes.retain(|&p| (1..=largest).contains(&p));
    sizes.sort_unstable();
    sizes.dedup();
    let rows: Vec<(&str, &Sweep)> = BASES.iter().map(|(name, _)| *name).zip(sweeps).collect();
    let figure = study::fits(&rows, 0, &sizes, &RUNGE.truth((-0.6, 1.4))).drawn()?;
    Ok(figure.with_title("Minimum-norm interpolants in three bases"))
}
