//! More samples can hurt: the test error over the number of features p for several numbers of samples n in one panel.
//! The peak moves with n, so that at the threshold of the largest n, 4.5 times the samples do worse (Nakkiran et al.
//! 2019, figure 3, where 18,000 samples lose to 4,000).
//!
//! Run: `cargo run --release --example more_data`. Without the images (`--data-dir`, or the variable
//! `DOUBLE_DESCENT_DATA`), the classes come from a random network on normal inputs.

#![allow(clippy::cast_precision_loss)] // counts of rows and columns
mod figures;

use crate::common::flags::{Failure, Program, Rule, Value, flags, usage};
use crate::common::random_features::{self, InputArgs};
use crate::common::shards;
use crate::common::table::{Table, row};
use crate::common::{
    BAND_IN_FIGURES, RunArgs, Sizes, around_threshold, counted, keep_folder, report_failures, say,
};
use double_descent::Error;
use double_descent::curve::{Curve, Metric, Summary, Surface};

flags! {
    /// Test error over the number of features for several numbers of samples, and where more samples hurt. Writes
    /// OUT/more_data/cells.csv and a figure.
    pub struct Cli {
        /// Two or more numbers of training samples n
        samples: Sizes = Sizes::of("100,200,450"), "SIZES";
        /// Numbers of features p [default: n/20 to 8n for each n, denser around n]
        features: Option<Sizes> = None, "SIZES";
        ..inputs: InputArgs = InputArgs::default();
        ..run: RunArgs = RunArgs::over_axis();
    }
}

impl Program for Cli {
    const NAME: &'static str = "more_data";
    const RULES: &'static [Rule] = &[Rule::Without("x"), BAND_IN_FIGURES];

    fn run(&self) -> Result<(), Failure> {
        run(self)
    }
}

fn run(cli: &Cli) -> Result<(), Failure> {
    let samples = cli.samples.list.clone();
    if samples.len() < 2 {
        return usage("--samples lists two numbers of rows or more");
    }
    let mut features = match &cli.features {
        Some(features) => features.list.clone(),
        None => samples.iter().flat_map(|&n| around_threshold(n)).collect(),
    };
    features.sort_unstable();
    features.dedup();
    let largest = features.iter().copied().max().unwrap_or(0);
    let (folder, data) = cli.inputs.begin(&cli.run, "more_data")?;
    let mut sweep = cli.inputs.sweep(&data, largest, cli.run.seed, cli.run.threads)?;
    (sweep.samples, sweep.features) = (samples, features);
    let place = shards::Place { out: &cli.run.out, folder: &folder, name: None };
    let Some(surface) = shards::surface(&cli.inputs.shards, place, "more data", &sweep)? else {
        return Ok(());
    };
    keep_folder(&folder)?;
    surface.save_cells(folder.join("cells.csv"))?;
    if report_failures(surface.cells()) > 0 {
        return Err(Error::Resource { reason: "some fits failed; all others are written".into() }.into());
    }
    let lines = lines(&cli.run, &surface)?;
    let worse = Worse::of(&cli.run, &lines);
    closing_table(cli, &lines, worse.as_ref());
    say!("written: {}: cells.csv", folder.display());
    if !cli.run.no_figures {
        let about = random_features::describe(&sweep);
        let theory = figures::theory(&cli.inputs, &sweep, cli.run.seed)?;
        let lines = (&*lines, worse.as_ref());
        let figure = figures::overlaid(&cli.run, surface.cells(), lines, (&about, theory));
        crate::common::figures::save(&cli.run.print, &folder, [("overlaid", figure)])?;
    }
    Ok(())
}

/// The curve over p at one n.
struct Line {
    n: usize,
    summaries: Vec<Summary>,
}

fn lines(args: &RunArgs, surface: &Surface) -> Result<Vec<Line>, Error> {
    let line = |n: usize| {
        let curve: Option<Curve> = surface.over_features(n);
        let summaries = curve.map(|curve| curve.summaries(Metric::TestMse, args.bootstrap())).transpose()?;
        Ok(Line { n, summaries: summaries.unwrap_or_default() })
    };
    surface.samples().into_iter().map(line).collect()
}

/// Where the largest number of samples does worse than the smallest.
struct Worse {
    /// The numbers of features, ascending.
    features: Vec<usize>,
    /// The number of features where it loses most, and the factor.
    most: (usize, f64),
}

impl Worse {
    fn of(args: &RunArgs, lines: &[Line]) -> Option<Self> {
        let (fewest, most) = (lines.first()?, lines.last()?);
        let factor = |more: &Summary| {
            let less = fewest.summaries.iter().find(|less| less.p == more.p)?;
            Some((more.p, args.middle(more) / args.middle(less)))
        };
        let factors: Vec<(usize, f64)> = most.summaries.iter().filter_map(factor).collect();
        let features =
            factors.iter().filter(|(_, factor)| *factor > 1.0).map(|(p, _)| *p).collect::<Vec<_>>();
        let most = factors.iter().copied().max_by(|a, b| a.1.total_cmp(&b.1))?;
        (!features.is_empty()).then_some(Self { features, most })
    }

    fn describe(&self, lines: &[Line]) -> String {
        let (fewest, most) = (lines[0].n, lines[lines.len() - 1].n);
        let ends = (self.features[0], self.features[self.features.len() - 1]);
        format!(
            "{} times the samples ({most} in place of {fewest}) do worse at {} of the p from {} to {}, most at p = {}: \
             by a factor of {}",
            crate::common::trimmed(most as f64 / fewest as f64),
            self.features.len(),
            ends.0,
            ends.1,
            self.most.0,
            crate::common::trimmed(self.most.1),
        )
    }
}

/// Prints the minima on both sides of the threshold, and the peaks.
fn closing_table(cli: &Cli, lines: &[Line], worse: Option<&Worse>) {
    let args = &cli.run;
    let columns = ["n", "lowest, p < n", "at p < n", "peak", "at p", "lowest, p > n", "at p > n"];
    let title =
        format!("Test error over p ({}), {}", args.statistic.show(), counted(cli.inputs.repeats, "repeat"));
    let mut table = Table::new(title, columns);
    for Line { n, summaries } in lines {
        let all = || summaries.iter();
        let before = args.lowest(all().filter(|s| s.p < *n));
        let (peak, beyond) = (args.highest(all()), args.lowest(all().filter(|s| s.p > *n)));
        let (error, at) = (|s: &Summary| args.middle(s), |s: &Summary| s.p);
        row!(
            table,
            *n,
            before.map(error),
            before.map(at),
            peak.map(error),
            peak.map(at),
            beyond.map(error),
            beyond.map(at)
        );
    }
    table.note(match worse {
        Some(worse) => worse.describe(lines),
        None => "more samples do worse at none of these p".into(),
    });
    table.print();
}
