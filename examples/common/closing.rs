//! The closing tables of the studies: a curve in a few numbers.

use super::flags::Value;
use super::table::{Item, Table, row};
use super::{RunArgs, counted, short, trimmed};
use double_descent::Error;
use double_descent::curve::{Bootstrap, Cell, CriticalInterval, Curve, Metric, ShapeTest, Summary, Surface};
use double_descent::plot::study::NO_CHANGE;
use double_descent::sweep::NoiseSummary;
use double_descent::theory::noise::lower_bound;
use double_descent::theory::smallest_singular_value::limit;
use std::collections::HashMap;

/// What a closing table reports for each family at the threshold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extreme {
    Lowest,
    Highest,
}

/// Test errors over training set sizes, as summarised by [`sample_wise`].
pub struct SampleWise<'a> {
    pub data: &'a str,
    /// The name and setting of each arm.
    pub arms: Vec<(&'a str, Option<f64>)>,
    /// The numbers of rows and features, if there is a single table.
    pub table: Option<(usize, usize)>,
    /// The features' rank, if it is lower than their number.
    pub rank: Option<usize>,
    pub summaries: &'a [Summary],
}

/// Prints the closing table of a study on a data table: one line per arm, and what happens at the threshold.
pub fn sample_wise(args: &RunArgs, of: &SampleWise<'_>, extreme: Extreme) {
    let SampleWise { data, ref arms, summaries, .. } = *of;
    let threshold = of.threshold();
    let largest = summaries.iter().map(|s| s.n).max().unwrap_or(0);
    let repeats = counted(summaries.iter().map(|s| s.count).max().unwrap_or(0), "repeat");
    // With few rows, an error may be larger than at the peak.
    let half = threshold.map_or(0, |at| at / 2);
    let columns = ["arm", "setting", "highest", "at n", "past half", "there at n", "threshold", "largest n"];
    let statistic = args.statistic.show();
    let at = threshold
        .map_or(String::new(), |at| format!("; threshold n = {} = {at}, half of it {half}", of.at()));
    let title = format!("{data}: {statistic} test error over {repeats}{at}; largest n = {largest}");
    let mut table = Table::new(title, columns);
    for (index, &(name, setting)) in arms.iter().enumerate() {
        let of_arm = || summaries.iter().filter(|s| s.arm == index);
        let Some(peak) = args.highest(of_arm()) else { continue };
        let later = args.highest(of_arm().filter(|s| s.n > half));
        let at = |n: Option<usize>| of_arm().find(|s| Some(s.n) == n).map(|s| args.middle(s));
        row!(
            table,
            name,
            setting.map(Item::Setting),
            args.middle(peak),
            peak.n,
            later.map(|s| args.middle(s)),
            later.map(|s| s.n),
            at(threshold),
            at(Some(largest))
        );
    }
    table.note(at_threshold(args, of, extreme));
    for note in without_effect(args, of) {
        table.note(note);
    }
    table.print();
}

impl SampleWise<'_> {
    /// The training set size at the threshold.
    fn threshold(&self) -> Option<usize> {
        self.rank.or(self.table.map(|(_, features)| features))
    }

    /// A description of the threshold.
    fn at(&self) -> &'static str {
        if self.rank.is_some() { "rank" } else { "p" }
    }

    /// Explains why no training set is at the threshold, and how to include one.
    fn missed(&self) -> String {
        let at = self.at();
        let how = match (self.table, self.threshold()) {
            (Some((rows, _)), Some(size)) if size >= rows => format!(
                "; n = {at} = {size} takes {} rows, one of them for testing, but there are {rows}: choose fewer \
                 --features",
                size + 1
            ),
            (Some((rows, _)), Some(size)) => {
                format!("; it is with --sizes 1..{}", (2 * size).min(rows - 1))
            }
            _ => String::new(),
        };
        format!("no training set has n = {at}: the interpolation threshold is not on this curve{how}")
    }
}

/// Families of arms with a description of their change to the data, of their settings, and of the settings' units.
const IN_UNITS: [(&str, &str, &str); 3] = [
    ("no_small_singular_values", "cutoff", "of the features, and --standardise gives them variance 1"),
    ("adversarial_test", "step", "of the features, and --standardise gives them variance 1"),
    ("adversarial_train", "step", "of the targets"),
];

/// Returns sentences on families of arms that change nothing: their settings are too small for the table's units, or
/// there is nothing to remove.
fn without_effect(args: &RunArgs, of: &SampleWise<'_>) -> Vec<String> {
    let curve = |arm: usize| of.summaries.iter().filter(move |s| s.arm == arm).map(|s| (s.n, args.middle(s)));
    let plain: HashMap<usize, f64> =
        of.arms.iter().position(|arm| arm.0 == "unablated").into_iter().flat_map(curve).collect();
    let is_same = |(n, value): (usize, f64)| {
        plain.get(&n).is_some_and(|plain| (value - plain).abs() <= NO_CHANGE * plain.abs())
    };
    let family = |name: &'static str| (0..of.arms.len()).filter(move |&arm| of.arms[arm].0 == name);
    let is_idle = |name| family(name).count() > 0 && family(name).flat_map(curve).all(&is_same);
    let residuals = is_idle("no_residuals").then(|| {
        "no residuals: the same curve as unablated, since the best linear model of all rows leaves none"
            .to_owned()
    });
    let in_units = IN_UNITS.into_iter().filter_map(|(name, setting, unit)| {
        let settings: Vec<f64> = family(name).filter_map(|arm| of.arms[arm].1).collect();
        let (first, last) = (settings.first()?, settings.last()?);
        is_idle(name).then(|| {
            format!(
                "{}: no {setting} from {} to {} changes the {} test error by {} % at any n; a {setting} is in units {unit}",
                name.replace('_', " "),
                trimmed(*first),
                trimmed(*last),
                args.statistic.show(),
                trimmed(100.0 * NO_CHANGE)
            )
        })
    });
    in_units.chain(residuals).collect()
}

/// Returns a sentence on the extreme of each family of arms at the threshold.
fn at_threshold(args: &RunArgs, of: &SampleWise<'_>, extreme: Extreme) -> String {
    let at: Vec<&Summary> = of.summaries.iter().filter(|s| s.n == of.rank.unwrap_or(s.p)).collect();
    let mut families: Vec<&str> = of.arms.iter().map(|arm| arm.0).collect();
    families.dedup();
    let family = |name: &&str| {
        let of_family = at.iter().filter(|s| of.arms[s.arm].0 == *name);
        let found = match extreme {
            Extreme::Lowest => args.lowest(of_family.copied()),
            Extreme::Highest => args.highest(of_family.copied()),
        }?;
        let setting = of.arms[found.arm].1.map_or(String::new(), |s| format!(" (setting {})", trimmed(s)));
        Some(format!("{} {}{setting}", name.replace('_', " "), short(args.middle(found))))
    };
    let families: Vec<String> = families.iter().filter_map(family).collect();
    if families.is_empty() {
        return of.missed();
    }
    let which = if extreme == Extreme::Lowest { "lowest" } else { "highest" };
    format!("at n = {}, the {which} of each family: {}", of.at(), families.join(", "))
}

/// Prints the smallest singular value of three features over n, and that of isotropic rows next to its limit.
pub fn smallest(args: &RunArgs, correlated: &Curve, isotropic: &[Curve]) -> Result<(), Error> {
    let (metric, statistic) = (Metric::SmallestSingularValue, args.statistic.show());
    let summaries = correlated.summaries(metric, None)?;
    let lowest = |summaries: &[Summary]| args.lowest(summaries.iter()).map(|s| s.n);
    let columns = ["n", &statistic, "lower quartile", "upper quartile"];
    let mut table = Table::new("smallest non-zero singular value σ_min of three features over n", columns);
    for s in summaries.iter().filter(|s| [1, 2, 3, 4, 6, 10, 30, 100].contains(&s.n)) {
        row!(table, s.n, args.middle(s), s.q25, s.q75);
    }
    table.note(format!("lowest at n = {}", lowest(&summaries).unwrap_or(0)));
    table.print();
    let title = format!("σ_min/√n of isotropic rows, {statistic}, and its limit |1 − √(p/n)|");
    let mut table = Table::new(title, ["p", "n = p/10", "n = p", "n = 4p", "lowest at n"]);
    for curve in isotropic {
        let summaries = curve.summaries(metric, None)?;
        let Some(p) = summaries.first().map(|first| first.p) else { continue };
        let at = |n: usize| summaries.iter().find(|s| s.n == n).map(|s| args.middle(s) / (s.n as f64).sqrt());
        row!(table, p, at(p.div_ceil(10)), at(p), at(4 * p), lowest(&summaries));
    }
    row!(table, "limit", limit(0.1), limit(1.0), limit(4.0), Item::Nothing);
    table.print();
    Ok(())
}

/// Prints each arm at six points.
pub fn in_six_points(args: &RunArgs, curve: &Curve) -> Result<(), Error> {
    let n = curve.held_size().unwrap_or(0);
    let [test, train, norm] = [Metric::TestMse, Metric::TrainMse, Metric::CoefficientNorm]
        .map(|metric| curve.summaries(metric, None));
    let (test, train, norm) = (test?, train?, norm?);
    let statistic = args.statistic.show();
    let (data, repeats) = (&curve.provenance.data, counted(curve.repeats(), "training set"));
    let title = format!("{data}, n = {n}: {statistic} over {repeats}, and the median rank");
    let columns = [
        "features",
        "place",
        "p",
        "test error",
        "lower quartile",
        "upper quartile",
        "mean",
        "training error",
        "norm",
        "rank",
    ];
    let mut table = Table::new(title, columns);
    let mut dependent: Vec<String> = Vec::new();
    for (arm, label) in curve.arms.iter().enumerate() {
        let of_arm = || test.iter().filter(|s| s.arm == arm);
        let rows: [(&str, Option<&Summary>); 6] = [
            ("fewest features", of_arm().next()),
            ("lowest before p = n", args.lowest(of_arm().filter(|s| s.p < n))),
            ("highest", args.highest(of_arm())),
            ("at p = n", of_arm().find(|s| s.p == n)),
            ("lowest beyond p = n", args.lowest(of_arm().filter(|s| s.p > n))),
            ("most features", of_arm().next_back()),
        ];
        for (place, summary) in rows {
            let Some(s) = summary else { continue };
            let of =
                |table: &[Summary]| table.iter().find(|t| (t.arm, t.p) == (arm, s.p)).map(|t| args.middle(t));
            let mut ranks: Vec<usize> =
                curve.cells.iter().filter(|c| (c.arm, c.p) == (arm, s.p)).map(|c| c.rank).collect();
            ranks.sort_unstable();
            let (rank, name) = (ranks.get(ranks.len() / 2).copied(), label.name.as_str());
            let fewer = ranks.iter().filter(|rank| **rank < n.min(s.p)).count();
            let said = format!("{name} at p = {} ({fewer} of {})", s.p, ranks.len());
            if fewer > 0 && !dependent.contains(&said) {
                dependent.push(said);
            }
            row!(table, name, place, s.p, args.middle(s), s.q25, s.q75, s.mean, of(&train), of(&norm), rank);
        }
    }
    if !dependent.is_empty() {
        table.note(format!(
            "a rank under min(n, p) in some training sets, where the fit depends on rounding: {}",
            dependent.join(", ")
        ));
    }
    table.print();
    Ok(())
}

/// Prints one line per arm of a curve over p; `more` adds columns, computed from the arm's index.
pub fn model_wise(
    args: &RunArgs,
    curve: &Curve,
    what: &str,
    more: &[(&str, &dyn Fn(usize) -> Item)],
) -> Result<Table, Error> {
    let summaries = curve.summaries(Metric::TestMse, None)?;
    let n = curve.held_size().unwrap_or(0);
    let (repeats, statistic) = (counted(curve.repeats(), "repeat"), args.statistic.show());
    let columns = ["arm", "setting", "lowest, p < n", "highest", "at p", "at p = n", "most features"];
    let columns = columns.into_iter().chain(more.iter().map(|(name, _)| *name));
    let mut table = Table::new(format!("n = {n}: {statistic} {what}, {repeats}"), columns);
    for (arm, label) in curve.arms.iter().enumerate() {
        let of_arm = || summaries.iter().filter(|s| s.arm == arm);
        let (Some(highest), Some(last)) = (args.highest(of_arm()), of_arm().next_back()) else { continue };
        let lowest = args.lowest(of_arm().filter(|s| s.p < n)).map(|s| args.middle(s));
        let at = of_arm().find(|s| s.p == n).map(|s| args.middle(s));
        let mut row: Vec<Item> =
            vec![label.name.as_str().into(), label.setting.map(Item::Setting).into(), lowest.into()];
        row.extend([args.middle(highest).into(), highest.p.into(), at.into(), args.middle(last).into()]);
        row.extend(more.iter().map(|(_, of)| of(arm)));
        table.push(row);
    }
    Ok(table)
}

/// Adds a note to a table if a family's unbiased estimate is negative at p features.
pub fn note_negative(
    args: &RunArgs,
    curve: &Curve,
    family: &str,
    p: usize,
    table: &mut Table,
) -> Result<(), Error> {
    let summaries = curve.only(&[family]).summaries(Metric::TestMse, None)?;
    let at = summaries.iter().find(|s| s.p == p).map(|s| args.middle(s));
    if let Some(value) = at.filter(|value| *value < 0.0).map(short) {
        table.note(format!("{family} is an unbiased estimate; {value} says that it is too noisy at p = n"));
    }
    Ok(())
}

/// Prints several metrics at every point of the first arm, and at the last point of the others, which are limits p → ∞.
pub fn every_point(args: &RunArgs, curve: &Curve, metrics: &[(Metric, &str)]) -> Result<(), Error> {
    let tables = metrics.iter().map(|(metric, _)| curve.summaries(*metric, None));
    let tables = tables.collect::<Result<Vec<_>, _>>()?;
    let (data, statistic) = (&curve.provenance.data, args.statistic.show());
    let repeats = counted(curve.repeats(), "repeat");
    let columns = ["n", "p"].into_iter().chain(metrics.iter().map(|(_, name)| *name));
    let mut table = Table::new(format!("{data}: {statistic}s over {repeats}"), columns);
    let last = tables[0].iter().rposition(|summary| summary.arm == 1);
    let shown = tables[0].iter().enumerate().filter(|(i, s)| s.arm == 0 || Some(*i) == last);
    for (_, summary) in shown {
        let value = |table: &Vec<Summary>| {
            let same = |s: &&Summary| (s.n, s.p, s.arm) == (summary.n, summary.p, summary.arm);
            Item::from(table.iter().find(same).map(|s| args.middle(s)))
        };
        let p = if summary.arm == 0 { Item::from(summary.p) } else { Item::from(f64::INFINITY) };
        table.push([summary.n.into(), p].into_iter().chain(tables.iter().map(value)).collect());
    }
    table.print();
    Ok(())
}

/// Prints a curve over n with one arm and one repeat next to the mean over all draws; sizes around n = p are listed
/// closely.
pub fn against(curve: &Curve, expected: Option<&dyn Fn(usize) -> Result<f64, Error>>) -> Result<(), Error> {
    let near = |cell: &&Cell| cell.n.abs_diff(cell.p) <= 3;
    let cells = &curve.cells;
    let sparse = cells.iter().filter(|cell| !near(cell)).step_by(8);
    let mut shown: Vec<&Cell> = sparse.chain(cells.iter().filter(near)).chain(cells.last()).collect();
    shown.sort_by_key(|cell| cell.n);
    shown.dedup();
    let p = cells.first().map_or(0, |cell| cell.p);
    let columns = ["n", "training", "test", "expected (exact)", "‖β̂‖"];
    let mut table = Table::new(format!("p = {p}: mean squared errors"), columns);
    for cell in shown {
        let expected = expected.map(|expected| expected(cell.n)).transpose()?;
        row!(table, cell.n, cell.train_mse, cell.test_mse, expected, cell.coefficient_norm);
    }
    table.print();
    Ok(())
}

/// Noise terms over n and over p, with the name of their features.
type Named<'a> = (&'a str, &'a (Vec<NoiseSummary>, Vec<NoiseSummary>));

/// Prints mean noise terms at a few points, relative to the lower bound there.
pub fn noise_terms<'a>(results: impl Iterator<Item = Named<'a>>) {
    let columns = ["n = p/2", "n = 2p", "p = n/2", "p = 2n"];
    let columns = columns.iter().flat_map(|place| [(*place).to_owned(), format!("± at {place}")]);
    let columns = std::iter::once("map".to_owned()).chain(columns);
    let mut table = Table::new("mean noise term divided by its lower bound, with standard errors", columns);
    let at = |rows: &[NoiseSummary], (n, p): (usize, usize)| {
        let row = rows.iter().find(|row| (row.n, row.p) == (n, p));
        let values = row.map(|row| [row.mean, row.standard_error].map(|value| value / lower_bound(n, p)));
        [0, 1].map(|i| Item::from(values.map(|values| values[i])))
    };
    for (name, (samples, features)) in results {
        let p = samples.first().map_or(0, |row| row.p);
        let n = features.first().map_or(0, |row| row.n);
        let places = [
            at(samples, (p / 2, p)),
            at(samples, (2 * p, p)),
            at(features, (n, n / 2)),
            at(features, (n, 2 * n)),
        ];
        table.push(std::iter::once(name.into()).chain(places.into_iter().flatten()).collect());
    }
    table.print();
}

/// Prints, for every row of a surface, the p with the highest test error, and that error.
pub fn ridge(args: &RunArgs, surface: &Surface) -> Result<(), Error> {
    let values = args.middles(surface)?;
    let (features, statistic) = (surface.features(), args.statistic.show());
    let last = features.last().copied().unwrap_or(0);
    let columns = [surface.rows().symbol(), "highest at p", "test error there", "at the largest p"];
    let repeats = counted(surface.cells().repeats(), "repeat");
    let title = format!("{statistic} test error over the number of features p (largest: {last}), {repeats}");
    let mut table = Table::new(title, columns);
    for (value, row) in surface.row_values().into_iter().zip(values.rows()) {
        let highest = (0..row.len()).fold(0, |best, i| if row[i] > row[best] { i } else { best });
        row!(table, Item::Setting(value), features[highest], row[highest], row[row.len() - 1]);
    }
    table.print();
    Ok(())
}

/// Describes the certified shape of an arm's test error; nothing if there are too few repeats.
pub fn shape(args: &RunArgs, curve: &Curve, arm: usize) -> Option<String> {
    let bootstrap = Bootstrap { draws: args.bootstrap.max(1), seed: args.seed };
    let test = ShapeTest { bootstrap, ..ShapeTest::new(0) };
    let interval =
        |p: &CriticalInterval| format!(", {} < p < {} about {}", short(p.from), short(p.to), p.peak);
    curve
        .shape(arm, Metric::TestMse, &test)
        .ok()
        .map(|report| report.shape.to_string() + &report.peaks.iter().map(interval).collect::<String>())
}
