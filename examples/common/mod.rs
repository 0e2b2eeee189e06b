//! What the example programs share: flags, data sets, progress, closing tables.
#![allow(dead_code)] // each example uses its part
#![allow(clippy::doc_markdown)] // doc comments of flags are the text of --help

pub mod closing;
pub mod command_line;
mod export;
pub mod feature_laws;
#[cfg(feature = "plot")]
pub mod figures;
pub mod flags;
pub mod images;
pub mod inputs;
mod progress;
pub mod random_features;
pub mod regression;
pub mod settings;
pub mod shard_reports;
pub mod shards;
pub mod table;
pub mod teachers;
mod values;

use closing::{Extreme, SampleWise, sample_wise};
use double_descent::Error;
use double_descent::curve::{Bootstrap, Cell, Curve, Failure as CellFailure, Metric, Summary};
use double_descent::dataset::{CsvOptions, Dataset, StudentTeacher};
use double_descent::memory::Cost;
use double_descent::sweep::{Arm, Splits, Sweep};
use double_descent::whole_file;
use flags::{Failure, Program, Rule, choices, flags, refused, usage};
use ndarray::Array1;
pub use progress::with_progress;
use std::borrow::Cow;
use std::path::{Path, PathBuf};
pub use values::{Millimetres, Sizes};

/// Prints a line to standard output, or to standard error if tables are printed as JSON. A reader who has seen enough
/// (`| head`) is no error.
macro_rules! say {
    ($($text:tt)*) => {
        $crate::common::table::say(format_args!($($text)*))
    };
}
pub(crate) use say;

const NAMED: [&str; 4] = ["diabetes", "student-teacher", "california-housing", "who-life-expectancy"];

flags! {
    /// Flags of the studies on tables.
    pub struct TableArgs {
        /// diabetes, student-teacher, california-housing, who-life-expectancy, or the path of a CSV file;
        /// several, separated by commas or by repeating the flag; a path with a comma in double quotes of its own
        /// [default: the two embedded ones]
        dataset: Vec<String> = Vec::new(), "NAME|PATH";
        /// Folder of california_housing.csv and who_life_expectancy.csv [default: $DOUBLE_DESCENT_DATA]
        data_dir: Option<PathBuf> = None, "DIR";
        /// Target column of a CSV file [default: the last]
        target: Option<String> = None, "NAME";
        /// Feature columns of a CSV file, separated by commas; a name with a comma in double quotes of its own, as in
        /// --features '"height, in m",age' [default: all but the target]
        features: Vec<String> = Vec::new(), "NAMES";
        /// Append a column of ones to the features (p counts it)
        intercept: bool = false, "";
        /// Shift and scale each feature to mean 0 and variance 1 over all rows
        standardise: bool = false, "";
        /// Replay recorded splits (repeat,i0,i1,…) instead of drawing them; for one data set
        splits: Option<PathBuf> = None, "FILE";
        /// Training set sizes: numbers and inclusive ranges with an optional step, as in 1..39 or 5,10..40:10
        sizes: Sizes = Sizes::of("1..39"), "SIZES";
        /// Random splits per data set
        repeats: usize = 50, "N";
        ..csv: inputs::CsvArgs = inputs::CsvArgs::default();
        ..shards: shards::ShardArgs = shards::ShardArgs::default();
        ..run: RunArgs = RunArgs::default();
    }
}

/// The rules of the studies on tables.
pub const TABLE_RULES: &[Rule] = &[Rule::Excludes("splits", "repeats")];

flags! {
    /// Flags of every study.
    pub struct RunArgs {
        /// Seed of everything that is drawn
        seed: u64 = 0, "SEED";
        /// Threads [default: all]; results do not depend on it
        threads: Option<usize> = None, "N";
        /// Write tables only
        no_figures: bool = false, "";
        /// What the lines of the figures and the closing table show
        statistic: Statistic = Statistic::Median, "STATISTIC";
        /// What the figures are drawn over: p/n, or the axis itself
        x: Abscissa = Abscissa::Ratio, "ABSCISSA";
        /// Bootstrap resamples for the 95 % band of the mean in summary.csv; 0 leaves it out
        bootstrap: usize = 200, "N";
        /// Folder for the results
        out: PathBuf = "results".into(), "DIR";
        ..export: export::ExportArgs = export::ExportArgs::default();
        ..print: PrintArgs = PrintArgs::default();
    }
}

flags! {
    /// Flags of how figures are set.
    pub struct PrintArgs {
        /// Width of the figures on paper, as in 88mm, 8.8cm or 3.5in; letters are 7 and 8 points high then
        width: Option<Millimetres> = None, "WIDTH";
        /// Where the legends of the figures stand
        legend: LegendArg = LegendArg::Right, "PLACE";
        /// Leave the captions out of the figures; they stand beside them in .txt and .tex
        no_caption: bool = false, "";
        /// Figures on dark paper
        dark: bool = false, "";
    }
}

choices! {
    /// Where legends stand.
    pub enum LegendArg {
        /// Right of the frames
        Right = "right",
        /// Below the frames
        Below = "below",
        /// In the frames
        Inside = "inside",
    }
}

choices! {
    /// Lines and bands of a figure.
    pub enum Statistic {
        /// Median with quartile band
        Median = "median",
        /// Mean with the 95 % bootstrap band of the mean
        Mean = "mean",
    }
}

choices! {
    /// The horizontal axis of a figure.
    pub enum Abscissa {
        /// Parameters per sample, p/n
        Ratio = "ratio",
        /// The number that varies
        Axis = "axis",
    }
}

impl RunArgs {
    /// Those of a study in which one of n and p is held: what varies is the better abscissa.
    pub fn over_axis() -> Self {
        Self { x: Abscissa::Axis, ..Self::default() }
    }

    /// Makes the folder `name` for results, before anything is computed.
    pub fn make_folder(&self, name: &str) -> Result<PathBuf, Error> {
        let folder = self.out.join(name);
        keep_folder(&folder)?;
        Ok(folder)
    }

    /// Writes the cells of a curve and summaries of these metrics, `cells.csv` and `summary.csv` after `prefix`.
    pub fn save_tables(
        &self,
        curve: &Curve,
        folder: &Path,
        prefix: &str,
        metrics: &[Metric],
    ) -> Result<(), Error> {
        keep_folder(folder)?;
        // A value of a parameter is the setting of its arm, and stands in the table once.
        let mut curve = Cow::Borrowed(curve);
        if curve.cells.iter().any(|cell| cell.value().is_some()) {
            curve.to_mut().cells.iter_mut().for_each(|cell| *cell = cell.at(None));
        }
        curve.save_cells(&folder.join(format!("{prefix}cells.csv")))?;
        self.export.save(&curve, folder, prefix)?;
        curve.save_summaries(&folder.join(format!("{prefix}summary.csv")), metrics, self.bootstrap())
    }

    /// What `--statistic` asks for.
    pub fn middle(&self, summary: &Summary) -> f64 {
        match self.statistic {
            Statistic::Median => summary.median,
            Statistic::Mean => summary.mean,
        }
    }

    pub fn lowest<'a>(&self, summaries: impl Iterator<Item = &'a Summary>) -> Option<&'a Summary> {
        summaries.min_by(|a, b| self.middle(a).total_cmp(&self.middle(b)))
    }

    pub fn highest<'a>(&self, summaries: impl Iterator<Item = &'a Summary>) -> Option<&'a Summary> {
        summaries.max_by(|a, b| self.middle(a).total_cmp(&self.middle(b)))
    }

    pub fn bootstrap(&self) -> Option<Bootstrap> {
        (self.bootstrap > 0).then_some(Bootstrap { draws: self.bootstrap, seed: self.seed })
    }
}

impl TableArgs {
    /// Those of a study with a folder of its own for results.
    pub fn into_folder(folder: &str) -> Self {
        Self { run: RunArgs { out: folder.into(), ..RunArgs::default() }, ..Self::default() }
    }

    /// The data sets in turn: read, swept, their tables written and closed by the `extreme` of each family, handed to
    /// `figures` with the folder for their results.
    pub fn for_each(
        &self,
        arms: impl Fn(usize) -> Vec<Arm>,
        extreme: Extreme,
        figures: impl Fn(&Self, &Curve, &Path) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let names = if self.dataset.is_empty() {
            NAMED[..2].iter().map(|name| (*name).to_owned()).collect()
        } else {
            inputs::split_lists(&self.dataset)?
        };
        if self.splits.is_some() && names.len() > 1 {
            return usage("--splits replays the splits of one data set: name it with --dataset");
        }
        let sizes = &self.sizes.list;
        let folders = inputs::folder_names(&names, &NAMED)?;
        let mut failed = 0;
        for (name, folder) in names.iter().zip(&folders) {
            let data = self.load(name)?;
            let folder = self.run.make_folder(folder)?;
            if self.shards.has_results() && !NAMED.contains(&name.as_str()) {
                inputs::claim(&folder, name)?;
                self.note_origin(&data);
            }
            let arms = arms(data.features().ncols());
            // The columns of the published tables.
            let mut columns = vec![
                Metric::TrainMse,
                Metric::TestMse,
                Metric::BiasSquared,
                Metric::MeanSquaredBias,
                Metric::SmallestSingularValue,
            ];
            if arms.iter().any(|arm| arm.adversary.is_some()) {
                columns.push(Metric::TestMseOpposite);
            }
            let sweep = Sweep {
                splits: match &self.splits {
                    Some(path) => Splits::read(path)?,
                    None => Splits::Drawn { repeats: self.repeats, seed: self.run.seed },
                },
                arms,
                metrics: columns,
                threads: self.run.threads,
                ..Sweep::new(data, sizes.iter().copied(), 1, 0)
            };
            let place = shards::Place { out: &self.run.out, folder: &folder, name: None };
            let metrics =
                [Metric::TestMse, Metric::TrainMse, Metric::BiasSquared, Metric::SmallestSingularValue];
            let arms = sweep.arms.iter().map(|arm| (arm.name.as_str(), arm.setting)).collect();
            let (data, threshold) =
                (sweep.source.name(), sweep.source.train().map(|data| data.features().ncols()));
            let close = |summaries: &[Summary], failures: &[CellFailure]| {
                sample_wise(&self.run, &SampleWise { data, arms, threshold, summaries }, extreme);
                say!("written: {}: cells.csv, summary.csv", folder.display());
                report_failed(failures)
            };
            if let Some(tables) = shards::tables(&self.shards, place, &sweep, &metrics, &self.run)? {
                failed += close(&tables.summaries[0], &tables.failures);
                continue;
            }
            if self.run.no_figures && self.shards.shard.is_none() {
                announce(&sweep.estimate()?);
                let measured = with_progress(data, |observer| sweep.measure(observer))?;
                keep_folder(&folder)?;
                let [cells, summary] = ["cells.csv", "summary.csv"].map(|name| folder.join(name));
                let tables = measured.save_tables(&cells, &summary, &metrics, self.run.bootstrap())?;
                failed += close(&tables.summaries[0], &tables.failures);
                continue;
            }
            let Some(curve) = shards::curve(&self.shards, place, data, &sweep)? else {
                continue;
            };
            self.run.save_tables(&curve, &folder, "", &metrics)?;
            failed += close(&curve.summaries(metrics[0], None)?, &curve.failures);
            figures(self, &curve, &folder)?;
        }
        if failed > 0 {
            return refused(format!(
                "{} could not be computed; all others are written",
                counted(failed, "cell")
            ));
        }
        Ok(())
    }

    /// Says that fits of a table that was read go through the origin, where the targets are far from it. (Features of
    /// words sum to a constant, unless they are standardised.)
    fn note_origin(&self, data: &Dataset) {
        if self.intercept || !(self.standardise || self.csv.one_hot.is_empty()) {
            return;
        }
        for (name, targets) in data.target_names().iter().zip(data.targets().columns()) {
            let (mean, deviation) = (targets.mean().unwrap_or(0.0), targets.std(0.0));
            if deviation > 0.0 && mean.abs() > deviation {
                let (name, ratio) = (name.escape_debug(), short(mean.abs() / deviation));
                eprintln!(
                    "note: fits go through the origin, and the mean of `{name}` is {ratio} standard deviations from 0; \
                     --intercept gives fits a constant, which p counts"
                );
            }
        }
    }

    fn load(&self, name: &str) -> Result<Dataset, Failure> {
        let for_csv = self.target.is_some() || !self.features.is_empty() || self.csv.is_given();
        if for_csv && NAMED.contains(&name) {
            return usage(format!(
                "--target, --features, --drop-blank-rows and what else tells how to read a CSV file are not for {name}"
            ));
        }
        let data = match name {
            "diabetes" => Dataset::diabetes(),
            "student-teacher" => self.student()?.generate()?,
            "california-housing" => Dataset::california_housing(&self.folder()?)?,
            "who-life-expectancy" => Dataset::who_life_expectancy(&self.folder()?)?,
            path if Path::new(path).exists() || path.contains(['/', '.']) => {
                Dataset::read_csv(Path::new(path), &self.csv_options()?).map_err(inputs::with_flags)?
            }
            _ => {
                return Err(Error::UnknownName {
                    what: "data set or CSV file",
                    name: name.into(),
                    choices: NAMED.map(Into::into).into(),
                }
                .into());
            }
        };
        let data = if self.standardise { data.standardised()? } else { data };
        Ok(if self.intercept { data.with_intercept()? } else { data })
    }

    fn student(&self) -> Result<StudentTeacher, Failure> {
        let Ok(seed) = u32::try_from(self.run.seed) else {
            return usage(format!(
                "--seed: `{}` is too large for student-teacher, whose seeds go up to 4294967295",
                self.run.seed
            ));
        };
        Ok(StudentTeacher::new(seed))
    }

    /// The teacher of the student-teacher table, where `folder` is the one of its results: those of a file of that name
    /// go elsewhere.
    pub fn student_teacher(&self, folder: &Path) -> Option<Result<Array1<f64>, Failure>> {
        (folder.file_name()? == NAMED[1]).then(|| Ok(self.student()?.teacher()?))
    }

    fn folder(&self) -> Result<PathBuf, Failure> {
        let from_environment = || std::env::var_os("DOUBLE_DESCENT_DATA").map(PathBuf::from);
        self.data_dir.clone().or_else(from_environment).ok_or_else(|| {
            let reason = "this data set is read from a folder: pass --data-dir or set DOUBLE_DESCENT_DATA";
            Failure::Usage(reason.into())
        })
    }

    fn csv_options(&self) -> Result<CsvOptions, Failure> {
        let options = self.csv.options()?.with_features(inputs::split_lists(&self.features)?);
        Ok(match &self.target {
            Some(target) => options.with_target(target),
            None => options,
        })
    }
}

/// Refuses a `--noise` that is no standard deviation.
pub fn check_noise(noise: f64) -> Result<(), Failure> {
    if noise >= 0.0 && noise.is_finite() {
        return Ok(());
    }
    usage(format!("--noise: `{noise}` is no standard deviation, which is finite and at least 0"))
}

/// Refuses shares of wrong labels that are no ascending numbers from 0 to 1.
pub fn check_shares(flag: &str, shares: &[f64]) -> Result<(), Failure> {
    if shares.is_empty() || shares.windows(2).any(|pair| pair[0] >= pair[1]) {
        return usage(format!("--{flag}: {shares:?} are no shares from 0 to 1 in ascending order"));
    }
    Ok(())
}

/// Those of some things that are named, each once and in that order; all without names.
pub fn chosen<T>(
    what: &'static str,
    names: &[String],
    all: Vec<T>,
    name: impl Fn(&T) -> &str,
) -> Result<Vec<T>, Error> {
    if names.is_empty() {
        return Ok(all);
    }
    if let Some(unknown) = names.iter().find(|wanted| !all.iter().any(|one| name(one) == **wanted)) {
        let choices = all.iter().map(|one| name(one).to_owned()).collect();
        return Err(Error::UnknownName { what, name: unknown.clone(), choices });
    }
    let place = |one: &T| names.iter().position(|wanted| *wanted == name(one));
    let mut wanted: Vec<(usize, T)> = all.into_iter().filter_map(|one| Some((place(&one)?, one))).collect();
    wanted.sort_by_key(|(place, _)| *place);
    Ok(wanted.into_iter().map(|(_, one)| one).collect())
}

/// The `--sizes` of a model-wise curve: those that are given, or some around the threshold n.
pub fn feature_sizes(sizes: Option<&Sizes>, n: usize) -> Result<Vec<usize>, Failure> {
    let sizes = sizes.map_or_else(|| around_threshold(n), |sizes| sizes.list.clone());
    if sizes.contains(&0) || sizes.len() < 2 {
        let given = sizes.iter().map(usize::to_string).collect::<Vec<_>>().join(",");
        return usage(format!(
            "--sizes: `{given}` is no list of two numbers of features or more, each at least 1"
        ));
    }
    Ok(sizes)
}

/// Makes a folder for results, with the settings of the study in it. Again before they are written: one that vanished
/// meanwhile must not cost them.
pub fn keep_folder(folder: &Path) -> Result<(), Error> {
    std::fs::create_dir_all(folder).map_err(|e| io_error(folder, &e))?;
    settings::write(folder)
}

/// Writes a table whole or not at all. Like the tables of the library it ends in a column `rows_left`, how many rows come
/// after this one.
pub fn save_table(path: &Path, header: &[&str], rows: Vec<Vec<String>>) -> Result<(), Error> {
    if let Some(folder) = path.parent() {
        keep_folder(folder)?;
    }
    whole_file::write(path, |file| {
        let mut table = csv::Writer::from_writer(file);
        table.write_record(header.iter().chain(&["rows_left"]))?;
        for (left, row) in (0..rows.len()).rev().zip(rows) {
            table.write_record(row.into_iter().chain([left.to_string()]))?;
        }
        table.flush()
    })
}

/// Writes the cells of a curve of one arm and one repeat: `n,p,rank`, some metrics under these names, `rows_left`.
pub fn save_points(path: &Path, curve: &Curve, metrics: &[Metric], names: &[&str]) -> Result<(), Error> {
    let fields = |cell: &Cell| {
        let counts = [cell.n, cell.p, cell.rank].map(|count| count.to_string());
        let value = |metric: &Metric| cell.metric(*metric).map_or(String::new(), |value| value.to_string());
        counts.into_iter().chain(metrics.iter().map(value)).collect()
    };
    let header: Vec<&str> = ["n", "p", "rank"].iter().chain(names).copied().collect();
    save_table(path, &header, curve.cells.iter().map(fields).collect())
}

pub fn io_error(path: &Path, error: &impl ToString) -> Error {
    Error::Io { path: path.into(), reason: error.to_string(), cause: double_descent::Cause::none() }
}

/// Log-spaced numbers of features from n/20 to 8n, closer around the threshold n, which is among them.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // rounded, positive and small
pub fn around_threshold(n: usize) -> Vec<usize> {
    let ratios = [
        0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.87, 0.93, 0.97, 1.0, 1.03, 1.07, 1.15, 1.25, 1.4,
        1.7, 2.0, 2.5, 3.0, 4.0, 5.5, 8.0,
    ];
    let mut sizes: Vec<usize> = ratios.iter().map(|r| ((r * n as f64).round() as usize).max(1)).collect();
    sizes.dedup();
    sizes
}

/// Log-spaced numbers of rows from `p/10` to `4p`, closer around `p`, which is among them.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // rounded, positive and small
pub fn rows_around(p: usize) -> Vec<usize> {
    let ratios = (-10..=6).map(|i| 10.0_f64.powf(f64::from(i) / 10.0)).chain([4.0]);
    closer_around(p, ratios.map(|ratio| ((ratio * p as f64).round() as usize).max(1)))
}

/// Some sizes with others close around a threshold, and itself, ascending.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // rounded, positive and small
pub fn closer_around(threshold: usize, sizes: impl IntoIterator<Item = usize>) -> Vec<usize> {
    let close = [0.85, 0.9, 0.94, 0.97, 0.99, 1.0, 1.01, 1.03, 1.06, 1.1, 1.15];
    let close = close.map(|ratio| ((ratio * threshold as f64).round() as usize).max(1));
    let mut sizes: Vec<usize> = sizes.into_iter().chain(close).collect();
    sizes.sort_unstable();
    sizes.dedup();
    sizes
}

/// The powers of 1.1, rounded, what is within three of `p`, and `last`; none over it.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // rounded and positive
pub fn powers_around(p: usize, last: usize) -> impl Iterator<Item = usize> {
    let powers = (0..).map(|k| 1.1_f64.powi(k).round() as usize);
    let near = p.saturating_sub(3).max(1)..=p + 3;
    powers.take_while(move |&n| n < last).chain(near.filter(move |&n| n < last)).chain([last])
}

/// The most memory that the process had, as Linux counts it; nothing elsewhere.
pub fn peak_memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kilobytes =
        status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok());
    kilobytes
        .map_or_else(String::new, |kilobytes: f64| format!(", peak memory {:.0} MiB", kilobytes / 1024.0))
}

/// The values of a list, each where it comes first.
pub fn once_each<T: Copy + PartialEq>(list: &[T]) -> Vec<T> {
    list.iter()
        .enumerate()
        .filter(|(place, value)| !list[..*place].contains(value))
        .map(|(_, value)| *value)
        .collect()
}

/// Says what a long run will take, and how it can be stopped and go on, before it starts: the standard library tells no
/// program of its Ctrl-C.
pub fn announce(estimate: &Cost) {
    if estimate.bytes > 1 << 30 || estimate.flops > 1e11 {
        eprintln!("this takes about {estimate}");
        let [part, merge] = ["1/1", "merge"].map(shard_reports::command);
        eprintln!(
            "a stop (Ctrl-C) keeps nothing of it. What keeps finished repeats, and goes on when it is run again:\n  {part}\n\
             and when that is done, for tables and figures:\n  {merge}"
        );
    }
}

/// Says before a run that keeps what it has computed that it may be stopped.
pub fn announce_record(path: &Path) {
    let path = path.display();
    eprintln!(
        "finished repeats are kept in {path}: after a stop (Ctrl-C) the same command goes on from there"
    );
}

/// The error of the first cell that failed.
pub fn none_failed(curve: &Curve) -> Result<(), Error> {
    curve.failures.first().map_or(Ok(()), |first| Err(first.error.clone()))
}

pub fn report_failures(curve: &Curve) -> usize {
    report_failed(&curve.failures)
}

fn report_failed(failures: &[CellFailure]) -> usize {
    if let Some(first) = failures.first() {
        eprintln!(
            "warning: {} of the cells failed; the first, n = {}, repeat {}: {}",
            failures.len(),
            first.n,
            first.repeat,
            first.error
        );
    }
    failures.len()
}

/// Reports failures, which are an error once all else is written.
pub fn all_computed(curve: &Curve) -> Result<(), Failure> {
    match report_failures(curve) {
        0 => Ok(()),
        failed => refused(format!("{failed} repeats could not be computed")),
    }
}

/// The whole program of a study.
pub fn main<P: Program>() -> std::process::ExitCode {
    command_line::start::<P>(P::NAME, std::env::args_os().skip(1).collect())
}

/// A number for a caption, a legend or a sentence: four digits, without zeros at the end.
pub fn trimmed(value: f64) -> String {
    let rounded: f64 = format!("{value:.3e}").parse().unwrap_or(value);
    let size = rounded.abs();
    let text =
        if size == 0.0 || (1e-3..1e6).contains(&size) { rounded.to_string() } else { power_of_ten(rounded) };
    text.replace('-', "−")
}

/// `10⁻⁵`, `3.2·10⁷`.
fn power_of_ten(value: f64) -> String {
    const DIGITS: [char; 10] = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];
    let text = format!("{value:e}");
    let Some((digits, exponent)) = text.split_once('e') else { return text };
    let raised = |c: char| c.to_digit(10).map_or('⁻', |digit| DIGITS[digit as usize]);
    let exponent: String = exponent.chars().map(raised).collect();
    if digits == "1" { format!("10{exponent}") } else { format!("{digits}·10{exponent}") }
}

/// A count with its noun: `1 repeat`, `3 repeats`.
pub fn counted(count: usize, one: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {one}s") }
}

/// A number for a table that people read: four digits.
pub fn short(value: f64) -> String {
    if value == 0.0 {
        return "0".into();
    }
    let decimals = match value.abs() {
        size if !(1e-3..1e5).contains(&size) => return format!("{value:.3e}"),
        size if size >= 1e3 => 0,
        size if size >= 1e2 => 1,
        size if size >= 10.0 => 2,
        size if size >= 1.0 => 3,
        size if size >= 0.1 => 4,
        size if size >= 1e-2 => 5,
        _ => 6,
    };
    format!("{value:.decimals$}")
}
