//! Why the basis matters: minimum-norm polynomial regression of Runge's function from n noisy points, by Legendre
//! polynomials, Chebyshev polynomials and monomials of degrees 0, …, p − 1 up to degree 100,000. All three span
//! the same functions; beyond p = n they interpolate, and which interpolant is short depends on the basis.
//!
//! Run: `cargo run --release --example bases`

#![allow(clippy::cast_precision_loss)] // counts of rows and columns
#![allow(clippy::doc_markdown)] // doc comments are help texts

mod figures;
mod study;

use crate::common::flags::{Count, Failure, Program, Value, flags};
use crate::common::regression;
use crate::common::table::{Table, row};
use crate::common::{RunArgs, check_noise, report_failures, say, with_progress};
use double_descent::Error;
use double_descent::curve::{Curve, Metric, Summary};
use study::Study;

flags! {
    /// Polynomial regression in three bases over the number of features p. Writes OUT/bases/cells.csv, summary.csv and
    /// figures.
    pub struct Cli {
        /// Training points n, drawn uniformly from [−1, 1]
        samples: Count<2> = Count(20), "N";
        /// Standard deviation of the noise on training targets
        noise: f64 = 0.1, "X";
        /// The largest number of features p: every p to 2n, then twelve in each power of ten
        largest: u32 = 100_000, "P";
        /// Training sets, each fitted at every p
        repeats: usize = 30, "N";
        ..run: RunArgs = RunArgs::over_axis();
    }
}

impl Program for Cli {
    const NAME: &'static str = "bases";

    fn run(&self) -> Result<(), Failure> {
        run(self)
    }
}

fn run(cli: &Cli) -> Result<(), Failure> {
    check_noise(cli.noise)?;
    let samples = usize::from(cli.samples);
    let study = Study(regression::Study {
        samples,
        noise: cli.noise,
        sizes: study::sizes(samples, cli.largest),
        repeats: cli.repeats,
        seed: cli.run.seed,
        threads: cli.run.threads,
    });
    let folder = cli.run.make_folder("bases")?;
    let curve = with_progress("bases", |observer| study.run(observer))?;
    let metrics = [Metric::TestMse, Metric::TrainMse, Metric::CoefficientNorm, Metric::SmallestSingularValue];
    cli.run.save_tables(&curve, &folder, "", &metrics)?;
    if report_failures(&curve) > 0 {
        return Err(Error::Resource { reason: "some fits failed; all others are written".into() }.into());
    }
    closing_table(&cli.run, &study, &curve)?;
    say!("written: {}: cells.csv, summary.csv", folder.display());
    if !cli.run.no_figures {
        let figures =
            [("errors", figures::errors(&cli.run, &study, &curve)?), ("fits", figures::fits(&study)?)];
        crate::common::figures::save(&cli.run.print, &folder, figures)?;
    }
    Ok(())
}

/// The curve in five points, for each basis, and how many directions its features have in 64-bit floats.
fn closing_table(args: &RunArgs, study: &Study, curve: &Curve) -> Result<(), Error> {
    let n = study.samples;
    let test = curve.summaries(Metric::TestMse, None)?;
    let norm = curve.summaries(Metric::CoefficientNorm, None)?;
    let (data, repeats, statistic) = (&curve.provenance.data, curve.repeats(), args.statistic.show());
    let title = format!("{data}, n = {n}: {statistic}s over {repeats} training sets, and median ranks");
    let mut table = Table::new(title, ["basis", "place", "p", "test error", "norm", "rank"]);
    for (arm, label) in curve.arms.iter().enumerate() {
        let of_arm = || test.iter().filter(|s| s.arm == arm);
        let rows: [(&str, Option<&Summary>); 5] = [
            ("lowest before p = n", args.lowest(of_arm().filter(|s| s.p < n))),
            ("highest", args.highest(of_arm())),
            ("at p = n", of_arm().find(|s| s.p == n)),
            ("lowest beyond p = n", args.lowest(of_arm().filter(|s| s.p > n))),
            ("most features", of_arm().next_back()),
        ];
        for (place, summary) in rows {
            let Some(s) = summary else { continue };
            let norm = norm.iter().find(|t| (t.arm, t.p) == (arm, s.p)).map(|t| args.middle(t));
            let mut ranks: Vec<usize> =
                curve.cells.iter().filter(|c| (c.arm, c.p) == (arm, s.p)).map(|c| c.rank).collect();
            ranks.sort_unstable();
            let rank = ranks.get(ranks.len() / 2).copied();
            row!(table, label.name.as_str(), place, s.p, args.middle(s), norm, rank);
        }
    }
    table.print();
    Ok(())
}
