//! Theory against Monte Carlo: for each family of formulas in `double_descent::theory`, what the crate's own engines
//! measure on simulated data (points, bars of one standard error) and what the formula says (dashes), one page of panels,
//! and how many standard errors they lie apart at worst. Formulas that are limits are tried at two sizes: their deviation
//! should halve.
//!
//! Run: `cargo run --release --example theory`

#![allow(clippy::cast_precision_loss)] // counts of rows and columns
#![allow(clippy::doc_markdown)] // doc comments are help texts

mod common;
#[path = "theory/designs.rs"]
mod designs;
#[path = "theory/family.rs"]
mod family;
#[path = "theory/figures.rs"]
mod figures;
#[path = "theory/random.rs"]
mod random;
#[path = "theory/spectra.rs"]
mod spectra;

use clap::Parser;
use common::{PrintArgs, finish, keep_folder, save_table, say, with_progress};
use double_descent::Error;
use family::{Family, Kind, Plan};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Formulas against simulations, family by family. Writes OUT/theory/points.csv, worst.csv and a figure.
#[derive(Parser)]
#[command(name = "theory")]
struct Cli {
    /// Families: gaussian, intercept, weak-features, noise, ridge, covariance, projections, activation, flow,
    /// marchenko-pastur, smallest, circle; several, separated by commas [default: all]
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    families: Vec<String>,

    /// The size of the problems: features of the exact designs, half of those of the limits
    #[arg(long, value_name = "N", default_value_t = 40, value_parser = clap::value_parser!(u16).range(16..=400))]
    size: u16,

    /// Repeats of each simulation; those of limits have a quarter of them, and at twice the size an eighth
    #[arg(long, value_name = "N", default_value_t = 800, value_parser = clap::value_parser!(u32).range(16..))]
    repeats: u32,

    /// Seed of everything that is drawn
    #[arg(long, value_name = "SEED", default_value_t = 0)]
    seed: u64,

    /// Threads [default: all]; results do not depend on it
    #[arg(long, value_name = "N")]
    threads: Option<usize>,

    /// Write tables only
    #[arg(long)]
    no_figures: bool,

    /// Folder for the results
    #[arg(long, value_name = "DIR", default_value = "results")]
    out: PathBuf,

    #[command(flatten)]
    print: PrintArgs,
}

/// What measures a family.
type Simulation = fn(&Plan) -> Result<Family, Error>;

const ALL: [(&str, Kind, Simulation); 12] = [
    ("gaussian", Kind::Exact, designs::gaussian),
    ("intercept", Kind::Exact, designs::intercept),
    ("weak-features", Kind::Exact, designs::weak_features),
    ("noise", Kind::Exact, designs::noise_terms),
    ("ridge", Kind::Limit, designs::ridge),
    ("covariance", Kind::Limit, designs::covariance),
    ("projections", Kind::Limit, random::projections),
    ("activation", Kind::Limit, random::activation),
    ("flow", Kind::Limit, designs::flow),
    ("marchenko-pastur", Kind::Limit, spectra::marchenko_pastur),
    ("smallest", Kind::Exact, spectra::smallest),
    ("circle", Kind::Limit, spectra::circle),
];

fn main() -> ExitCode {
    finish(run(&Cli::parse()))
}

fn run(cli: &Cli) -> Result<(), Error> {
    let chosen = chosen(&cli.families)?;
    let folder = cli.out.join("theory");
    keep_folder(&folder)?;
    let plan = |index: usize, size: usize, share: usize| Plan {
        size,
        repeats: (cli.repeats as usize / share).max(4),
        seed: cli.seed,
        stream: index,
        threads: cli.threads,
    };
    let size = usize::from(cli.size);
    let mut families: Vec<Measured> = Vec::new();
    let total = chosen.len();
    let measured: Result<(), Error> = with_progress("theory", |observer| {
        for (done, &(index, name, kind, simulate)) in chosen.iter().enumerate() {
            if observer.progress(done, total).is_break() {
                break;
            }
            let share = if kind == Kind::Exact { 1 } else { 4 };
            let first = Family { name, kind, ..simulate(&plan(index, size, share))? };
            let second = match kind {
                Kind::Exact => None,
                Kind::Limit => Some(Family { name, kind, ..simulate(&plan(index, 2 * size, 8))? }),
            };
            families.push((first, second));
        }
        Ok(())
    });
    measured?;
    save_points(&families, &folder.join("points.csv"))?;
    closing_table(&families, &folder.join("worst.csv"))?;
    say!("written: {}: points.csv, worst.csv", folder.display());
    if !cli.no_figures {
        let figure = figures::page(cli.repeats as usize, cli.seed, &families);
        common::figures::save(&cli.print, &folder, [("theory", figure)])?;
    }
    Ok(())
}

/// The named families with their places among all, which choose their random streams.
fn chosen(names: &[String]) -> Result<Vec<(usize, &'static str, Kind, Simulation)>, Error> {
    let all =
        || ALL.into_iter().enumerate().map(|(index, (name, kind, simulate))| (index, name, kind, simulate));
    if let Some(name) = names.iter().find(|name| !all().any(|(_, known, ..)| known == *name)) {
        let choices = ALL.iter().map(|(name, ..)| (*name).to_owned()).collect();
        return Err(Error::UnknownName { what: "family of formulas", name: name.clone(), choices });
    }
    let is_chosen = |name: &str| names.is_empty() || names.iter().any(|chosen| chosen == name);
    Ok(all().filter(|(_, name, ..)| is_chosen(name)).collect())
}

type Measured = (Family, Option<Family>);

/// Every point of every line.
fn save_points(families: &[Measured], path: &Path) -> Result<(), Error> {
    let header = ["family", "line", "size", "x", "repeats", "mean", "standard_error", "theory", "z"];
    let mut rows = Vec::new();
    for family in families.iter().flat_map(|(first, second)| std::iter::once(first).chain(second)) {
        for line in &family.lines {
            for point in &line.points {
                let numbers = [
                    point.x,
                    point.repeats as f64,
                    point.mean,
                    point.standard_error,
                    point.theory,
                    point.z(),
                ];
                let words = [family.name.to_owned(), line.name.clone(), family.size.to_string()];
                rows.push(words.into_iter().chain(numbers.map(|number| number.to_string())).collect());
            }
        }
    }
    save_table(path, &header, rows)
}

/// The worst point of each line, and of limits the deviation at two sizes.
fn closing_table(families: &[Measured], path: &Path) -> Result<(), Error> {
    let header = [
        "family",
        "line",
        "kind",
        "points",
        "worst_z",
        "expected_worst_z",
        "size",
        "deviation",
        "deviation_error",
        "double_size",
        "deviation_at_double",
        "deviation_error_at_double",
    ];
    let mut rows = Vec::new();
    say!("\n{:<18}{:<34}{:>7}{:>9}{:>10}  mean deviation", "family", "line", "points", "worst z", "99 % of");
    for (first, second) in families {
        for (i, line) in first.lines.iter().enumerate() {
            let (z, bound) = (line.worst_z(), line.expected_worst_z());
            let at = |family: &Family| family.lines.get(i).map(|line| (family.size, line.deviation()));
            let sizes = [Some((first.size, line.deviation())), second.as_ref().and_then(at)];
            let percent = |(size, (mean, error)): (usize, (f64, f64))| {
                format!("{:+.2} ± {:.2} % at {size}", 100.0 * mean, 100.0 * error)
            };
            let deviations: Vec<String> = sizes.into_iter().flatten().map(percent).collect();
            say!(
                "{:<18}{:<34}{:>7}{:>9.2}{:>10.2}  {}",
                first.name,
                line.name,
                line.points.len(),
                z,
                bound,
                deviations.join(", ")
            );
            let kind = if first.kind == Kind::Exact { "exact" } else { "limit" };
            let mut row =
                vec![first.name.to_owned(), line.name.clone(), kind.into(), line.points.len().to_string()];
            row.extend([z, bound].map(|number| number.to_string()));
            for at in sizes {
                row.extend(match at {
                    Some((size, (mean, error))) => [size.to_string(), mean.to_string(), error.to_string()],
                    None => [const { String::new() }; 3],
                });
            }
            rows.push(row);
        }
    }
    save_table(path, &header, rows)
}
