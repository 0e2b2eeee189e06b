//! Theory against Monte Carlo. For each family of formulas in `double_descent::theory`, a page of panels shows what the
//! crate measures on simulated data (points, bars of one standard error) and what the formula predicts (dashes); a
//! table gives the largest difference in standard errors. Formulas that are limits are tested at two sizes: their
//! deviation should halve.
//!
//! Run: `cargo run --release --example theory`

#![allow(clippy::cast_precision_loss)] // counts of rows and columns
mod averages;
mod designs;
mod family;
mod figures;
mod overfitting;
mod penalties;
mod random;
mod spectra;
mod time;

use crate::common::flags::{Count, Failure, Names, Program, flags, usage};
use crate::common::inputs::split_lists;
use crate::common::table::{Item, Table};
use crate::common::{PrintArgs, make_folder, save_table, say, with_progress};
use double_descent::Error;
use family::{Family, Kind, Plan};
use std::path::{Path, PathBuf};

flags! {
    /// Formulas compared with simulations, family by family. Writes OUT/theory/points.csv, worst.csv and a figure.
    pub struct Cli {
        /// Families, separated by commas: gaussian, intercept, weak-features, noise, ridge, covariance, projections,
        /// activation, flow, marchenko-pastur, smallest, circle, structures, best-penalty, negative-penalty,
        /// subsamples, split, given-rows, isotropic-flow, epochs, evidence, condition, unitary, plateau, cost,
        /// exponents, training, spreads, levels, spectral, edges, model-wise, descent [default: all]
        families: Vec<String> = Vec::new(), "NAMES";
        /// Problem size: the number of features in exact designs, and half the number of features in limits
        size: Count<16, 400> = Count(40), "N";
        /// Number of repeats per simulation; limits use a quarter of them, and an eighth at twice the size
        repeats: Count<16, { u32::MAX }> = Count(800), "N";
        /// Seed for all random draws
        seed: u64 = 0, "SEED";
        /// Number of threads; results do not depend on it [default: all]
        threads: Option<usize> = None, "N";
        /// Write tables only, no figures
        no_figures: bool = false, "";
        /// Folder for the results
        out: PathBuf = "results".into(), "DIR";
        ..print: PrintArgs = PrintArgs::default();
    }
}

/// A function that measures a family.
type Simulation = fn(&Plan) -> Result<Family, Error>;

const ALL: [(&str, Kind, Simulation); 33] = [
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
    ("structures", Kind::Limit, penalties::structures),
    ("best-penalty", Kind::Limit, penalties::best),
    ("negative-penalty", Kind::Limit, penalties::negative),
    ("subsamples", Kind::Limit, penalties::subsamples),
    ("split", Kind::Limit, random::split),
    ("given-rows", Kind::Limit, random::given_rows),
    ("isotropic-flow", Kind::Limit, time::isotropic),
    ("epochs", Kind::Limit, time::epochs),
    ("evidence", Kind::Limit, penalties::evidence),
    ("condition", Kind::Limit, spectra::condition),
    ("unitary", Kind::Exact, spectra::unitary),
    ("plateau", Kind::Exact, overfitting::plateau),
    ("cost", Kind::Limit, overfitting::cost),
    ("exponents", Kind::Limit, overfitting::exponents),
    ("training", Kind::Exact, averages::training),
    ("spreads", Kind::Exact, averages::spreads),
    ("levels", Kind::Exact, averages::levels),
    ("spectral", Kind::Limit, averages::spectral),
    ("edges", Kind::Limit, averages::edges),
    ("model-wise", Kind::Limit, averages::model_wise),
    ("descent", Kind::Limit, averages::descent),
];

impl Program for Cli {
    const NAME: &'static str = "theory";
    const NAMES: &'static [Names] =
        &[("families", || ALL.iter().map(|(name, ..)| (*name).to_owned()).collect())];

    fn run(&self) -> Result<(), Failure> {
        run(self)
    }
}

fn run(cli: &Cli) -> Result<(), Failure> {
    let chosen = chosen(&split_lists(&cli.families)?)?;
    let folder = cli.out.join("theory");
    make_folder(&folder)?;
    let plan = |index: usize, size: usize, share: usize| Plan {
        size,
        repeats: (usize::from(cli.repeats) / share).max(4),
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
        let pages = figures::pages(usize::from(cli.repeats), cli.seed, &families);
        crate::common::figures::save(&cli.print, &folder, pages)?;
    }
    Ok(())
}

/// The named families with their positions in the full list, which determine their random streams.
fn chosen(names: &[String]) -> Result<Vec<(usize, &'static str, Kind, Simulation)>, Failure> {
    let all =
        || ALL.into_iter().enumerate().map(|(index, (name, kind, simulate))| (index, name, kind, simulate));
    if let Some(name) = names.iter().find(|name| !all().any(|(_, known, ..)| known == *name)) {
        let choices = ALL.iter().map(|(name, ..)| (*name).to_owned()).collect();
        let unknown = Error::UnknownName { what: "family of formulas", name: name.clone(), choices };
        return usage(format!("--families: {unknown}"));
    }
    let is_chosen = |name: &str| names.is_empty() || names.iter().any(|chosen| chosen == name);
    Ok(all().filter(|(_, name, ..)| is_chosen(name)).collect())
}

type Measured = (Family, Option<Family>);

/// Writes every point of every line.
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

/// Prints the worst point of each line and, for limits, the deviation at two sizes.
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
    let columns = [
        "family",
        "line",
        "points",
        "worst z",
        "99 % of",
        "size",
        "deviation",
        "error",
        "twice",
        "deviation there",
        "error there",
    ];
    let mut table = Table::new(
        "Theory against simulations: relative deviation of the sum over a line's points, at one size and at twice that size",
        columns,
    );
    for (first, second) in families {
        let measured = first.lines.iter().enumerate().filter(|(_, line)| !line.points.is_empty());
        for (i, line) in measured {
            let (z, bound) = (line.worst_z(), line.expected_worst_z());
            let at = |family: &Family| family.lines.get(i).map(|line| (family.size, line.deviation()));
            let sizes = [Some((first.size, line.deviation())), second.as_ref().and_then(at)];
            let mut shown: Vec<Item> = vec![
                first.name.into(),
                line.name.clone().into(),
                line.points.len().into(),
                z.into(),
                bound.into(),
            ];
            for at in sizes {
                let (size, deviation) = at.unzip();
                let (mean, error) = deviation.unzip();
                shown.extend([size.into(), mean.into(), error.into()]);
            }
            table.push(shown);
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
    if families.iter().any(|(first, _)| first.kind == Kind::Limit) {
        table.note(
            "limits hold for large sizes only, so a worst z above the bound beside it is no error: compare the deviation at this \
             size with that at twice the size, which should be about half as large",
        );
    }
    table.print();
    save_table(path, &header, rows)
}
