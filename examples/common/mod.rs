//! What the example programs share: flags, data sets, progress, closing tables.
#![allow(dead_code)] // each example uses its part
#![allow(clippy::doc_markdown)] // doc comments of flags are the text of --help

#[cfg(feature = "plot")]
pub mod figures;
pub mod inputs;
pub mod regression;

use clap::{Arg, Args, ValueEnum};
use double_descent::Error;
use double_descent::curve::{Bootstrap, Curve, Metric, Summary};
use double_descent::dataset::{CsvOptions, Dataset, StudentTeacher};
use double_descent::memory::Estimate;
use double_descent::sweep::{Arm, Observer, Splits, Sweep};
use double_descent::whole_file;
use indicatif::{ProgressBar, ProgressStyle};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Prints a line to standard output. A reader who has seen enough (`| head`) is no error.
macro_rules! say {
    ($($text:tt)*) => {{
        use std::io::Write;
        let _ = writeln!(std::io::stdout(), $($text)*);
    }};
}
pub(crate) use say;

const NAMED: [&str; 4] = ["diabetes", "student-teacher", "california-housing", "who-life-expectancy"];

/// Flags of the studies on tables.
#[derive(Args, Debug)]
pub struct TableArgs {
    /// diabetes, student-teacher, california-housing, who-life-expectancy, or the path of a CSV file;
    /// several, separated by commas or by repeating the flag; a path with a comma in double quotes of its own
    /// [default: the two embedded ones]
    #[arg(long, value_name = "NAME|PATH")]
    pub dataset: Vec<String>,

    /// Folder of california_housing.csv and who_life_expectancy.csv [default: $DOUBLE_DESCENT_DATA]
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,

    /// Target column of a CSV file [default: the last]
    #[arg(long, value_name = "NAME")]
    pub target: Option<String>,

    /// Feature columns of a CSV file, separated by commas; a name with a comma in double quotes of its own, as in
    /// --features '"height, in m",age' [default: all but the target]
    #[arg(long, value_name = "NAMES")]
    pub features: Vec<String>,

    #[command(flatten)]
    pub csv: inputs::CsvArgs,

    /// Append a column of ones to the features (p counts it)
    #[arg(long)]
    pub intercept: bool,

    /// Shift and scale each feature to mean 0 and variance 1 over all rows
    #[arg(long)]
    pub standardise: bool,

    /// Replay recorded splits (repeat,i0,i1,…) instead of drawing them; for one data set
    #[arg(long, value_name = "FILE", conflicts_with = "repeats")]
    pub splits: Option<PathBuf>,

    /// Training set sizes: numbers and inclusive ranges with an optional step, as in 1..39 or 5,10..40:10
    #[arg(long, value_name = "SIZES", default_value = "1..39")]
    pub sizes: String,

    /// Random splits per data set
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub repeats: usize,

    #[command(flatten)]
    pub run: RunArgs,
}

/// Flags of every study.
#[derive(Args, Debug)]
pub struct RunArgs {
    /// Seed of everything that is drawn
    #[arg(long, value_name = "SEED", default_value_t = 0)]
    pub seed: u64,

    /// Threads [default: all]; results do not depend on it
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,

    /// Write tables only
    #[arg(long)]
    pub no_figures: bool,

    /// What the lines of the figures show
    #[arg(long, value_enum, default_value_t = Statistic::Median)]
    pub statistic: Statistic,

    /// What the figures are drawn over: p/n, or the axis itself
    #[arg(long, value_enum, default_value_t = Abscissa::Ratio)]
    pub x: Abscissa,

    /// Bootstrap resamples for the 95 % band of the mean in summary.csv; 0 leaves it out
    #[arg(long, value_name = "N", default_value_t = 200)]
    pub bootstrap: usize,

    /// Folder for the results [default: results/ablations, results/adversarial, results]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,

    #[command(flatten)]
    pub print: PrintArgs,
}

/// Flags of how figures are set.
#[derive(Args, Clone, Debug)]
pub struct PrintArgs {
    /// Width of the figures on paper, as in 88mm, 8.8cm or 3.5in; letters are 7 and 8 points high then
    #[arg(long, value_name = "WIDTH", value_parser = millimetres)]
    pub width: Option<f64>,

    /// Where the legends of the figures stand
    #[arg(long, value_enum, default_value_t = LegendArg::Right)]
    pub legend: LegendArg,

    /// Leave the captions out of the figures; they stand beside them in .txt and .tex
    #[arg(long)]
    pub no_caption: bool,

    /// Figures on dark paper
    #[arg(long)]
    pub dark: bool,
}

/// Where legends stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LegendArg {
    /// Right of the frames
    Right,
    /// Below the frames
    Below,
    /// In the frames
    Inside,
}

/// `88mm`, `8.8cm`, `3.5in`; a number alone is one of millimetres.
fn millimetres(text: &str) -> Result<f64, String> {
    let text = text.trim();
    let units = [("mm", 1.0), ("cm", 10.0), ("in", 25.4)];
    let unit = units.iter().find_map(|(name, size)| Some((text.strip_suffix(name)?, *size)));
    let (number, size) = unit.unwrap_or((text, 1.0));
    let width =
        number.trim().parse::<f64>().map_err(|_| "not a length like 88mm, 8.8cm or 3.5in".to_owned())? * size;
    if (57.0..=940.0).contains(&width) {
        return Ok(width);
    }
    Err("a figure is between 57 mm and 940 mm wide".into())
}

/// Lines and bands of a figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Statistic {
    /// Median with quartile band.
    Median,
    /// Mean with the 95 % bootstrap band of the mean.
    Mean,
}

/// The horizontal axis of a figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Abscissa {
    /// Parameters per sample, p/n.
    Ratio,
    /// The number that varies.
    Axis,
}

impl RunArgs {
    /// Makes the folder `name` for results, before anything is computed; `default` stands for `--out`.
    pub fn make_folder(&self, default: &str, name: &str) -> Result<PathBuf, Error> {
        let folder = self.out.clone().unwrap_or_else(|| default.into()).join(name);
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
        curve.save_cells(&folder.join(format!("{prefix}cells.csv")))?;
        curve.save_summaries(&folder.join(format!("{prefix}summary.csv")), metrics, self.bootstrap())
    }

    pub fn bootstrap(&self) -> Option<Bootstrap> {
        (self.bootstrap > 0).then_some(Bootstrap { draws: self.bootstrap, seed: self.seed })
    }
}

impl TableArgs {
    /// The data sets in turn: read, swept, handed to `report` with the folder for its results.
    pub fn for_each(
        &self,
        study: &str,
        arms: impl Fn(usize) -> Vec<Arm>,
        report: impl Fn(&Self, &Curve, &Path) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let names = if self.dataset.is_empty() {
            NAMED[..2].iter().map(|name| (*name).to_owned()).collect()
        } else {
            inputs::split_lists(&self.dataset)?
        };
        if self.splits.is_some() && names.len() > 1 {
            return Err(Error::Resource {
                reason: "--splits replays the splits of one data set: name it with --dataset".into(),
            });
        }
        let sizes = parse_sizes(&self.sizes)?;
        let folders = inputs::folder_names(&names, &NAMED)?;
        let mut failed = 0;
        for (name, folder) in names.iter().zip(&folders) {
            let data = self.load(name)?;
            let folder = self.run.make_folder(&format!("results/{study}"), folder)?;
            if !NAMED.contains(&name.as_str()) {
                inputs::claim(&folder, name)?;
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
            announce(&sweep.estimate()?);
            let curve = with_progress(sweep.data.name(), |observer| sweep.run_with(observer))?;
            let metrics =
                [Metric::TestMse, Metric::TrainMse, Metric::BiasSquared, Metric::SmallestSingularValue];
            self.run.save_tables(&curve, &folder, "", &metrics)?;
            report(self, &curve, &folder)?;
            failed += report_failures(&curve);
        }
        if failed > 0 {
            let reason = format!("{failed} cells could not be computed; all others are written");
            return Err(Error::Resource { reason });
        }
        Ok(())
    }

    fn load(&self, name: &str) -> Result<Dataset, Error> {
        let for_csv = self.target.is_some() || !self.features.is_empty() || self.csv.is_given();
        if for_csv && NAMED.contains(&name) {
            return Err(Error::Resource {
                reason: format!(
                    "--target, --features, --drop-blank-rows and what else tells how to read a CSV file are not for \
                     {name}"
                ),
            });
        }
        let data = match name {
            "diabetes" => Dataset::diabetes(),
            "student-teacher" => {
                let seed = u32::try_from(self.run.seed).map_err(|_| Error::Resource {
                    reason: "the student-teacher generator takes seeds up to 4294967295".into(),
                })?;
                StudentTeacher::new(seed).generate()?
            }
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
                });
            }
        };
        let data = if self.standardise { data.standardised()? } else { data };
        if self.intercept { data.with_intercept() } else { Ok(data) }
    }

    fn folder(&self) -> Result<PathBuf, Error> {
        let from_environment = || std::env::var_os("DOUBLE_DESCENT_DATA").map(PathBuf::from);
        self.data_dir.clone().or_else(from_environment).ok_or_else(|| Error::Resource {
            reason: "this data set is read from a folder: pass --data-dir or set DOUBLE_DESCENT_DATA".into(),
        })
    }

    fn csv_options(&self) -> Result<CsvOptions, Error> {
        let options = self.csv.options()?.features(inputs::split_lists(&self.features)?);
        Ok(match &self.target {
            Some(target) => options.target(target),
            None => options,
        })
    }
}

/// The flag `--x` of a study in which one of n and p is held, for its `#[command(mut_arg("x", over_axis))]`: what varies
/// is the better abscissa.
pub fn over_axis(x: Arg) -> Arg {
    x.default_value("axis")
}

/// Refuses a `--noise` that is no standard deviation.
pub fn check_noise(noise: f64) -> Result<(), Error> {
    if noise >= 0.0 && noise.is_finite() {
        return Ok(());
    }
    Err(Error::Domain { what: "--noise", value: noise, must_be: "finite and ≥ 0" })
}

/// Makes a folder for results. Again before they are written: one that vanished meanwhile must not cost them.
pub fn keep_folder(folder: &Path) -> Result<(), Error> {
    std::fs::create_dir_all(folder).map_err(|e| io_error(folder, &e))
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

pub fn io_error(path: &Path, error: &impl ToString) -> Error {
    Error::Io { path: path.into(), reason: error.to_string() }
}

/// `1..39`, `5,10..40:10`: numbers and inclusive ranges with an optional step.
pub fn parse_sizes(text: &str) -> Result<Vec<usize>, Error> {
    let bad = |part: &str| Error::Resource {
        reason: format!("`{part}` in `{text}` is no number and no ascending range like 1..39 or 10..40:10"),
    };
    let mut sizes = Vec::new();
    for part in text.split(',') {
        let number = |text: &str| text.trim().parse::<usize>().map_err(|_| bad(part));
        let (range, step) = part.split_once(':').unwrap_or((part, "1"));
        match range.split_once("..") {
            Some((first, last)) => {
                let (first, last) = (number(first)?, number(last.trim_start_matches('='))?);
                let step = number(step)?;
                if step == 0 || last < first {
                    return Err(bad(part));
                }
                sizes.extend((first..=last).step_by(step));
            }
            None => sizes.push(number(range)?),
        }
    }
    sizes.sort_unstable();
    sizes.dedup();
    Ok(sizes)
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

/// Says what a long run will take, before it starts.
pub fn announce(estimate: &Estimate) {
    if estimate.bytes > 1 << 30 || estimate.flops > 1e11 {
        eprintln!("this takes about {estimate}");
    }
}

/// Runs `work` under a progress bar, which shows on a terminal only.
pub fn with_progress<T>(label: &str, work: impl FnOnce(&dyn Observer) -> T) -> T {
    let bar = ProgressBar::new(0);
    let style = ProgressStyle::with_template("{msg:>22} [{bar:40}] {pos}/{len} cells, {eta} left");
    if let Ok(style) = style {
        bar.set_style(style.progress_chars("=> "));
    }
    bar.set_message(label.to_owned());
    let observer = |done: usize, total: usize| {
        bar.set_length(total as u64);
        bar.set_position(done as u64);
        ControlFlow::Continue(())
    };
    let result = work(&observer);
    bar.finish_and_clear();
    result
}

/// The error of the first cell that failed.
pub fn none_failed(curve: &Curve) -> Result<(), Error> {
    curve.failures.first().map_or(Ok(()), |first| Err(first.error.clone()))
}

pub fn report_failures(curve: &Curve) -> usize {
    if let Some(first) = curve.failures.first() {
        eprintln!(
            "warning: {} of the cells failed; the first, n = {}, repeat {}: {}",
            curve.failures.len(),
            first.n,
            first.repeat,
            first.error
        );
    }
    curve.failures.len()
}

/// Ends the program: an error goes to standard error, with exit code 1.
pub fn finish(result: Result<(), Error>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// A number for a table that people read: four digits.
pub fn short(value: f64) -> String {
    if value == 0.0 {
        return "0".into();
    }
    let decimals = match value.abs() {
        size if !(1e-2..1e5).contains(&size) => return format!("{value:.3e}"),
        size if size >= 1e3 => 0,
        size if size >= 1e2 => 1,
        size if size >= 10.0 => 2,
        size if size >= 1.0 => 3,
        _ => 4,
    };
    format!("{value:.decimals$}")
}

/// What a closing table says of the families at n = p.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extreme {
    Lowest,
    Highest,
}

/// The closing table of a study on a table of data: one line per arm, and what happens at n = p.
pub fn closing_table(curve: &Curve, extreme: Extreme) -> Result<(), Error> {
    let summaries = curve.summaries(Metric::TestMse, None)?;
    let threshold = curve.interpolation_threshold();
    let largest = summaries.iter().map(|s| s.n).max().unwrap_or(0);
    say!("\n{}: median test error over {} repeats", curve.provenance.data, curve.repeats());
    say!(
        "{:<26} {:>8}  {:>14} {:>16} {:>14}",
        "arm",
        "setting",
        "highest (at n)",
        threshold.map_or("at n = p".into(), |p| format!("at n = p = {p}")),
        format!("at n = {largest}")
    );
    for (index, arm) in curve.arms.iter().enumerate() {
        let of_arm = || summaries.iter().filter(|s| s.arm == index);
        let Some(peak) = of_arm().max_by(|a, b| a.median.total_cmp(&b.median)) else { continue };
        let at = |n: Option<usize>| of_arm().find(|s| Some(s.n) == n).map_or("-".into(), |s| short(s.median));
        say!(
            "{:<26} {:>8}  {:>14} {:>16} {:>14}",
            arm.name,
            arm.setting.map_or(String::new(), short),
            format!("{} ({})", short(peak.median), peak.n),
            at(threshold),
            at(Some(largest))
        );
    }
    say!("{}", at_threshold(curve, &summaries, extreme));
    Ok(())
}

/// The extreme of each family of arms at n = p, in a sentence.
fn at_threshold(curve: &Curve, summaries: &[Summary], extreme: Extreme) -> String {
    let at: Vec<&Summary> = summaries.iter().filter(|s| s.n == s.p).collect();
    let mut families: Vec<&str> = curve.arms.iter().map(|arm| arm.name.as_str()).collect();
    families.dedup();
    let family = |name: &&str| {
        let of_family = at.iter().filter(|s| curve.arms[s.arm].name == **name);
        let found = match extreme {
            Extreme::Lowest => of_family.min_by(|a, b| a.median.total_cmp(&b.median)),
            Extreme::Highest => of_family.max_by(|a, b| a.median.total_cmp(&b.median)),
        }?;
        let setting =
            curve.arms[found.arm].setting.map_or(String::new(), |s| format!(" (setting {})", short(s)));
        Some(format!("{} {}{setting}", name.replace('_', " "), short(found.median)))
    };
    let families: Vec<String> = families.iter().filter_map(family).collect();
    if families.is_empty() {
        return "no training set has n = p: the interpolation threshold is not on this curve".into();
    }
    let which = if extreme == Extreme::Lowest { "lowest" } else { "highest" };
    format!("at n = p, the {which} of each family: {}", families.join(", "))
}
