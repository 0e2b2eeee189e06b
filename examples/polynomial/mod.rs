//! Polynomial regression past its interpolation threshold, the study of Schaeffer et al.'s tutorial on double
//! descent (arXiv:2303.14151): y = 2x + cos 25x on [−1, 1] from n = 15 points, by the Legendre polynomials of
//! degrees 1, …, P for every P up to 200.
//!
//! Run: `cargo run --release --example polynomial`
//!
//! The published training inputs: `--points polynomial_x_train.csv` (columns P, repeat, x0, …, x14). Why the
//! basis matters: `--basis legendre,chebyshev,monomial`.

#![allow(clippy::cast_precision_loss)] // counts of rows and columns

mod figures;
mod study;

use crate::common::flags::{Count, Failure, Program, Rule, choices, flags};
use crate::common::table::{Table, row};
use crate::common::{RunArgs, Sizes, say, with_progress};
use double_descent::Error;
use double_descent::curve::{Curve, Metric};
use double_descent::features::{Polynomial, PolynomialBasis};
use std::path::PathBuf;
use study::{Points, Study};

flags! {
    /// Polynomial regression of y = 2x + cos 25x over the number of features P, with the peak at P = n. Writes
    /// OUT/polynomial/cells.csv, summary.csv and figures.
    pub struct Cli {
        /// Numbers of features P: numbers and inclusive ranges with an optional step, as in 1..200 or 5,10..40:10
        /// [default: 1..200, or those that are recorded]
        sizes: Option<Sizes> = None, "SIZES";
        /// Training points n, drawn uniformly from [−1, 1]
        samples: Count<1> = Count(15), "N";
        /// Training sets for each P [default: 30, or as many as are recorded]
        repeats: Option<usize> = None, "N";
        /// Replay recorded training inputs (P,repeat,x0,x1,…) instead of drawing them
        points: Option<PathBuf> = None, "FILE";
        /// The polynomials; several, separated by commas, are fitted to the same points
        basis: Vec<Basis> = vec![Basis::Legendre], "NAMES";
        ..run: RunArgs = RunArgs::over_axis();
    }
}

choices! {
    /// Polynomials.
    pub enum Basis {
        /// Orthogonal under the uniform weight
        Legendre = "legendre",
        /// Orthogonal under 1/√(1 − x²)
        Chebyshev = "chebyshev",
        /// Powers of x: nearly parallel columns
        Monomial = "monomial",
    }
}

impl From<Basis> for Polynomial {
    fn from(basis: Basis) -> Self {
        Self::new(match basis {
            Basis::Legendre => PolynomialBasis::Legendre,
            Basis::Chebyshev => PolynomialBasis::Chebyshev,
            Basis::Monomial => PolynomialBasis::Monomial,
        })
    }
}

impl Program for Cli {
    const NAME: &'static str = "polynomial";
    const RULES: &'static [Rule] = &[Rule::Excludes("points", "samples")];

    fn run(&self) -> Result<(), Failure> {
        run(self)
    }
}

fn run(cli: &Cli) -> Result<(), Failure> {
    let points = match &cli.points {
        Some(path) => Points::read(path)?,
        None => Points::Drawn { samples: cli.samples.into(), seed: cli.run.seed },
    };
    let sizes = match &cli.sizes {
        Some(sizes) => sizes.list.clone(),
        None => points.recorded_sizes().unwrap_or((1..=200).collect()),
    };
    let mut maps: Vec<Polynomial> = cli.basis.iter().map(|&basis| basis.into()).collect();
    let mut seen = std::collections::HashSet::new();
    maps.retain(|map| seen.insert(*map));
    let study = Study {
        maps,
        sizes,
        repeats: cli.repeats.or(points.recorded_repeats()).unwrap_or(30),
        points,
        threads: cli.run.threads,
    };
    let folder = cli.run.make_folder("polynomial")?;
    let curve = with_progress("polynomial", |observer| study.run(observer))?;
    let metrics = [Metric::TestMse, Metric::TrainMse, Metric::SmallestSingularValue];
    cli.run.save_tables(&curve, &folder, "", &metrics)?;
    if let Some(first) = curve.failures.first() {
        let reason =
            format!("{} cells failed; the first, P = {}: {}", curve.failures.len(), first.p, first.error);
        return Err(Error::Resource { reason }.into());
    }
    closing_table(&cli.run, &curve)?;
    say!("written: {}: cells.csv, summary.csv", folder.display());
    if let (false, Some(n)) = (cli.run.no_figures, curve.interpolation_threshold()) {
        let mut figures = vec![("errors".to_owned(), figures::errors(&cli.run, &study, &curve, n)?)];
        for &map in &study.maps {
            let name = format!("fits_{}", map.basis().name());
            figures.push((name, figures::fits(&study, &curve, map, n)?));
        }
        crate::common::figures::save(&cli.run.print, &folder, figures)?;
    }
    Ok(())
}

/// The curve in six points, for each basis.
fn closing_table(args: &RunArgs, curve: &Curve) -> Result<(), Error> {
    let n = curve.interpolation_threshold().unwrap_or(0);
    let test = curve.summaries(Metric::TestMse, None)?;
    let train = curve.summaries(Metric::TrainMse, None)?;
    let columns = [
        "basis",
        "place",
        "P",
        "median test",
        "lower quartile",
        "upper quartile",
        "mean test",
        "median train",
    ];
    let data = &curve.provenance.data;
    let title = format!("{data}, n = {n}: test error before, at and beyond the threshold P = n");
    let mut table = Table::new(title, columns);
    for (arm, label) in curve.arms.iter().enumerate() {
        let of_arm = || test.iter().filter(|s| s.arm == arm);
        let rows = [
            ("fewest features", of_arm().next()),
            ("lowest before P = n", args.lowest(of_arm().filter(|s| s.p < n))),
            ("highest", args.highest(of_arm())),
            ("at P = n", of_arm().find(|s| s.p == n)),
            ("lowest beyond P = n", args.lowest(of_arm().filter(|s| s.p > n))),
            ("most features", of_arm().next_back()),
        ];
        for (place, summary) in rows {
            let Some(s) = summary else { continue };
            let fitted = train.iter().find(|t| (t.arm, t.p) == (arm, s.p)).map(|t| t.median);
            row!(table, label.name.as_str(), place, s.p, s.median, s.q25, s.q75, s.mean, fitted);
        }
    }
    table.print();
    Ok(())
}
