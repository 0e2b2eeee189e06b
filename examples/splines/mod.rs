//! Double descent of natural cubic splines, the example by which Daniela Witten explains it (and James, Witten,
//! Hastie and Tibshirani, An introduction to statistical learning, 2021, section 10.8): y = sin x + noise from n = 20
//! points of [−5, 5], by natural cubic splines of K degrees of freedom, least squares to K = n and minimum norm beyond.
//!
//! Run: `cargo run --release --example splines`

#![allow(clippy::cast_precision_loss)] // counts of rows and columns
#![allow(clippy::doc_markdown)] // doc comments are help texts

mod figures;
mod study;

use crate::common::flags::{Count, Failure, Program, Value, flags};
use crate::common::regression;
use crate::common::table::{Table, row};
use crate::common::{RunArgs, Sizes, check_noise, report_failures, say, with_progress};
use double_descent::Error;
use double_descent::curve::{Curve, Metric};
use study::Study;

flags! {
    /// Natural cubic splines over their degrees of freedom K, with the peak at K = n. Writes OUT/splines/cells.csv,
    /// summary.csv and figures.
    pub struct Cli {
        /// Degrees of freedom K, the constant included: numbers and inclusive ranges with an optional step
        sizes: Sizes = Sizes::of("2..100"), "SIZES";
        /// Training points n, drawn uniformly from [−5, 5]
        samples: Count<2> = Count(20), "N";
        /// Standard deviation of the noise on training targets
        noise: f64 = 0.3, "X";
        /// Degrees of freedom of the fits that are drawn
        fits: Sizes = Sizes::of("4,6,20,36"), "SIZES";
        /// Training sets, each fitted at every K
        repeats: usize = 200, "N";
        ..run: RunArgs = RunArgs::over_axis();
    }
}

impl Program for Cli {
    const NAME: &'static str = "splines";

    fn run(&self) -> Result<(), Failure> {
        run(self)
    }
}

fn run(cli: &Cli) -> Result<(), Failure> {
    check_noise(cli.noise)?;
    let (sizes, shown) = (cli.sizes.list.clone(), cli.fits.list.clone());
    let study = Study(regression::Study {
        samples: cli.samples.into(),
        noise: cli.noise,
        sizes,
        repeats: cli.repeats,
        seed: cli.run.seed,
        threads: cli.run.threads,
    });
    let folder = cli.run.make_folder("splines")?;
    let curve = with_progress("splines", |observer| study.run(observer))?;
    let metrics = [Metric::TestMse, Metric::TrainMse, Metric::CoefficientNorm, Metric::SmallestSingularValue];
    cli.run.save_tables(&curve, &folder, "", &metrics)?;
    if report_failures(&curve) > 0 {
        return Err(Error::Resource { reason: "some fits failed; all others are written".into() }.into());
    }
    closing_table(&cli.run, &study, &curve)?;
    say!("written: {}: cells.csv, summary.csv", folder.display());
    if !cli.run.no_figures {
        let figures = [
            ("errors", figures::errors(&cli.run, &study, &curve)?),
            ("fits", figures::fits(&study, &shown)?),
        ];
        crate::common::figures::save(&cli.run.print, &folder, figures)?;
    }
    Ok(())
}

/// The curve in five points.
fn closing_table(args: &RunArgs, study: &Study, curve: &Curve) -> Result<(), Error> {
    let n = study.samples;
    let test = curve.summaries(Metric::TestMse, None)?;
    let rows = [
        ("lowest before K = n", args.lowest(test.iter().filter(|s| s.p < n))),
        ("highest", args.highest(test.iter())),
        ("at K = n", test.iter().find(|s| s.p == n)),
        ("lowest beyond K = n", args.lowest(test.iter().filter(|s| s.p > n))),
        ("most degrees of freedom", test.last()),
    ];
    let (data, repeats) = (&curve.provenance.data, curve.repeats());
    let mut table = Table::new(
        format!("{data}, n = {n}: test error over {repeats} training sets"),
        ["place", "K", &args.statistic.show(), "lower quartile", "upper quartile"],
    );
    for (place, summary) in rows {
        let Some(s) = summary else { continue };
        row!(table, place, s.p, args.middle(s), s.q25, s.q75);
    }
    table.print();
    Ok(())
}
