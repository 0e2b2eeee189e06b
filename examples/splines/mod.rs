//! Double descent of natural cubic splines, the example that Daniela Witten uses to explain it (and James, Witten,
//! Hastie and Tibshirani, An introduction to statistical learning, 2021, section 10.8): y = sin x + noise from n = 20
//! points of [−5, 5], by natural cubic splines with K degrees of freedom, least squares up to K = n and minimum norm
//! beyond.
//!
//! Run: `cargo run --release --example splines`

#![allow(clippy::cast_precision_loss)] // counts of rows and columns
use crate::common::figures::options;
use crate::common::flags::{Count, Failure, Program, flags, usage};
use crate::common::regression::{self, Function};
use crate::common::shards::ShardArgs;
use crate::common::{RunArgs, Sizes, check_noise};
use double_descent::Error;
use double_descent::curve::Curve;
use double_descent::features::NaturalSpline;
use double_descent::plot::{Figure, study};
use double_descent::sweep::Maps;

flags! {
    /// Natural cubic splines over their degrees of freedom K, with a peak around K = n (at K = n, where the training
    /// points are the knots, the error is lower than next to it). Writes OUT/splines/cells.csv, summary.csv and figures.
    pub struct Cli {
        /// Degrees of freedom K, including the constant: numbers and inclusive ranges with an optional step
        sizes: Sizes = Sizes::of("2..100"), "SIZES";
        /// Number of training points n, drawn uniformly from [−5, 5]
        samples: Count<2> = Count(20), "N";
        /// Standard deviation of the noise on training targets
        noise: f64 = 0.3, "X";
        /// Degrees of freedom K of the fits to draw in the figures
        fits: Sizes = Sizes::of("4,6,20,36"), "SIZES";
        /// Number of training sets, each fitted at every K
        repeats: usize = 200, "N";
        ..shards: ShardArgs = ShardArgs::default();
        ..run: RunArgs = RunArgs::over_axis();
    }
}

/// The boundary knots are the ends of the interval, so nothing is extrapolated.
const SINE: Function = Function { name: "y = sin x", value: f64::sin, ends: (-5.0, 5.0) };

/// A description of the basis, which determines the minimum-norm fit.
const BASIS: &str = "natural cubic splines, knots at −5, 5 and quantiles of the training inputs";

const WORDS: &str = " The degrees of freedom K are the number of parameters p; the basis, which decides the minimum norm, is \
                     that of R's ns() with its constant: B-splines in the null space of the natural boundary conditions.";

impl Program for Cli {
    const NAME: &'static str = "splines";

    fn run(&self) -> Result<(), Failure> {
        check_noise(self.noise)?;
        for (flag, sizes) in [("sizes", &self.sizes), ("fits", &self.fits)] {
            if sizes.list.first().is_some_and(|least| *least < 2) {
                return usage(format!(
                    "--{flag}: `1` is too few, as a natural spline has two degrees of freedom or more"
                ));
            }
        }
        let n = usize::from(self.samples);
        // Knots are quantiles of the training inputs, so each cell has its own basis.
        let maps = Maps::fitted(BASIS, |x, p| NaturalSpline::at_quantiles_within(x, p, SINE.ends));
        let source = SINE.noisy(n, self.noise, self.run.seed);
        let at = (n, &self.sizes.list[..]);
        let sweeps = [regression::sweep(&self.run, source, ("natural_spline", maps), at, self.repeats)];
        regression::run((&self.run, &self.shards), "splines", &sweeps, |curve| {
            let mut fits =
                study::fits(&[("", &sweeps[0])], 0, &self.fits.list, &SINE.truth((-3.0, 3.0))).drawn()?;
            fits.caption.push_str(WORDS);
            let fits =
                fits.with_title("Splines fitted to one training set").with_columns(2).with_width(900.0);
            Ok(vec![("errors".into(), errors(self, curve)?), ("fits".into(), fits)])
        })
    }
}

fn errors(cli: &Cli, curve: &Curve) -> Result<Figure, Error> {
    let mut figure = study::each_arm(curve, &[0], &options(&cli.run)).drawn()?;
    figure.caption.push_str(
        " Test errors are without noise, on 1000 equally spaced points of [−5,\u{a0}5]. At K\u{a0}=\u{a0}n the knots between \
         the ends are training points.",
    );
    figure.caption.push_str(WORDS);
    Ok(figure.with_title("Errors of natural cubic splines over their degrees of freedom"))
}
