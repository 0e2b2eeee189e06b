//! The studies on tables: their flags, and the loop over data sets.

use super::closing::{Extreme, SampleWise, sample_wise};
use super::command_line::nearest;
use super::flags::{Failure, Rule, flags, refused, usage};
use super::progress::aside;
use super::reports::report_failed;
use super::turns::Turns;
use super::{RunArgs, Sizes, announce, counted, inputs, keep_folder, say, shards, short, with_progress};
use double_descent::Error;
use double_descent::curve::{Curve, Failure as CellFailure, Metric, Summary};
use double_descent::dataset::{CsvOptions, Dataset, StudentTeacher};
use double_descent::svd::Svd;
use double_descent::sweep::{Arm, Splits, Sweep};
use ndarray::Array1;
use std::path::{Path, PathBuf};
use std::thread;

/// The summarised metrics; the closing table reports the first.
const METRICS: [Metric; 4] =
    [Metric::TestMse, Metric::TrainMse, Metric::BiasSquared, Metric::SmallestSingularValue];

/// An SVD with more operations than this takes seconds.
const LONG: f64 = 1e11;

const NAMED: [&str; 4] = ["diabetes", "student-teacher", "california-housing", "who-life-expectancy"];

flags! {
    /// Flags of the studies on tables.
    pub struct TableArgs {
        /// Data sets: diabetes, student-teacher, california-housing, who-life-expectancy, or paths of CSV files;
        /// separate several by commas or repeat the flag; put a path that contains a comma in its own double quotes
        /// [default: diabetes and student-teacher, which are embedded]
        dataset: Vec<String> = Vec::new(), "NAME|PATH";
        /// Folder that contains california_housing.csv and who_life_expectancy.csv [default: $DOUBLE_DESCENT_DATA]
        data_dir: Option<PathBuf> = None, "DIR";
        /// Target column of a CSV file [default: the last]
        target: Option<String> = None, "NAME";
        /// Feature columns of a CSV file, separated by commas; put a name that contains a comma in its own double
        /// quotes, as in --features '"height, in m",age' [default: all but the target]
        features: Vec<String> = Vec::new(), "NAMES";
        /// Append a column of ones to the features (p counts it)
        intercept: bool = false, "";
        /// Shift and scale each feature to mean 0 and variance 1 over all rows
        standardise: bool = false, "";
        /// Replay recorded splits (repeat,i0,i1,…) instead of drawing them; for a single data set
        splits: Option<PathBuf> = None, "FILE";
        /// Training set sizes: numbers and inclusive ranges with an optional step, as in 1..39 or 5,10..40:10 [default:
        /// 1..39, as far as a test row is left]
        sizes: Option<Sizes> = None, "SIZES";
        /// Number of random splits per data set
        repeats: usize = 50, "N";
        ..csv: inputs::CsvArgs = inputs::CsvArgs::default();
        ..shards: shards::ShardArgs = shards::ShardArgs::default();
        ..run: RunArgs = RunArgs::default();
    }
}

/// The sweep on one data set, the folder for its results, and what its closing table needs.
struct Study {
    sweep: Sweep,
    folder: PathBuf,
    /// The rank of its features, if lower than their number.
    rank: Option<usize>,
    extreme: Extreme,
}

/// The rules of the studies on tables.
pub const TABLE_RULES: &[Rule] = &[Rule::Excludes("splits", "repeats"), Rule::Alias("data", "dataset")];

impl TableArgs {
    /// The default flags of a study with its own results folder.
    pub fn into_folder(folder: &str) -> Self {
        Self { run: RunArgs { out: folder.into(), ..RunArgs::default() }, ..Self::default() }
    }

    /// For each data set: reads and sweeps it, writes its tables, prints the closing table with the `extreme` of each
    /// family, and calls `figures` with its data and the folder for its results.
    pub fn for_each(
        &self,
        arms: impl Fn(usize) -> Vec<Arm>,
        extreme: Extreme,
        figures: impl Fn(&Self, &Curve, &Dataset, &Path) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let names = if self.dataset.is_empty() {
            NAMED[..2].iter().map(|name| (*name).to_owned()).collect()
        } else {
            inputs::split_lists(&self.dataset)?
        };
        if self.splits.is_some() && names.len() > 1 {
            return usage("--splits replays the splits of one data set: name it with --dataset");
        }
        let folders = inputs::folder_names(&names, &NAMED)?;
        let mut failed = 0;
        thread::scope(|scope| {
            // With a single thread, studies run one after the other.
            let mut turns = Turns::new((self.run.threads != Some(1)).then_some(scope));
            let mut all = || {
                for (name, folder) in names.iter().zip(&folders) {
                    let study = self.study(name, folder, &arms, extreme)?;
                    if self.run.no_figures && self.shards.shard.is_none() {
                        if !turns.begin(move |pass| self.study_to_tables(study, pass)) {
                            break;
                        }
                        continue;
                    }
                    let Study { sweep, folder, .. } = &study;
                    let place = shards::Place { out: &self.run.out, folder, name: None };
                    if let Some(tables) = shards::tables(&self.shards, place, sweep, &METRICS, &self.run)? {
                        failed += self.close(&study, (&tables.summaries[0], &tables.failures));
                        continue;
                    }
                    let Some(curve) = shards::curve(&self.shards, place, sweep.source.name(), sweep)? else {
                        continue;
                    };
                    self.run.save_tables(&curve, folder, "", &METRICS)?;
                    let summaries = curve.summaries(METRICS[0], None)?;
                    failed += self.close(&study, (&summaries, &curve.failures));
                    if let Some(data) = sweep.source.train() {
                        figures(self, &curve, data, folder)?;
                    }
                }
                Ok::<(), Failure>(())
            };
            let done = all();
            failed += turns.end()?;
            done
        })?;
        if failed > 0 {
            return refused(format!(
                "{} could not be computed; all others are written",
                counted(failed, "cell")
            ));
        }
        Ok(())
    }

    /// Reads a data set and prints notes on it if it is a user's own table.
    fn study(
        &self,
        name: &str,
        folder: &str,
        arms: impl Fn(usize) -> Vec<Arm>,
        extreme: Extreme,
    ) -> Result<Study, Failure> {
        let data = self.load(name)?;
        let sizes = self.sizes(name, data.features().nrows())?;
        let folder = self.run.make_folder(folder)?;
        let is_own = self.shards.has_results() && !NAMED.contains(&name);
        if is_own {
            inputs::claim(&folder, name)?;
        }
        let arms = arms(data.features().ncols());
        let sweep = self.sweep(data, sizes, arms)?;
        let mut rank = None;
        if is_own && let Some(data) = sweep.source.train() {
            sweep.estimate()?; // print no notes on a sweep that cannot run
            rank = deficient_rank(data)?;
            aside(|| {
                note_table(data, rank);
                self.note_targets(data);
            });
        }
        Ok(Study { sweep, folder, rank, extreme })
    }

    /// Returns the requested sizes, or those default sizes that the rows of a table allow.
    fn sizes(&self, name: &str, rows: usize) -> Result<Vec<usize>, Failure> {
        let most = rows.saturating_sub(1).max(1); // a table with one row is refused by the sweep
        let Some(given) = &self.sizes else { return Ok((1..=most.min(39)).collect()) };
        match given.list.last() {
            Some(largest) if *largest > most && rows > 1 => usage(format!(
                "--sizes: {largest} is too large for {name}: at least one of its {rows} rows is for testing, so n is \
                 at most {most}"
            )),
            _ => Ok(given.list.clone()),
        }
    }

    fn sweep(&self, data: Dataset, sizes: Vec<usize>, arms: Vec<Arm>) -> Result<Sweep, Failure> {
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
        Ok(Sweep {
            splits: match &self.splits {
                Some(path) => Splits::read(path)?,
                None => Splits::Drawn { repeats: self.repeats, seed: self.run.seed },
            },
            arms,
            metrics: columns,
            threads: self.run.threads,
            ..Sweep::new(data, sizes, 1, 0)
        })
    }

    /// Measures a sweep, passes the turn to the next study and writes the tables; the returned closure reports the
    /// result.
    fn study_to_tables<'a>(
        &'a self,
        study: Study,
        pass: &dyn Fn(),
    ) -> Result<impl FnOnce() -> usize + use<'a>, Failure> {
        let Study { sweep, folder, .. } = &study;
        announce(&sweep.estimate()?);
        let measured = with_progress(sweep.source.name(), |observer| sweep.measure(observer))?;
        pass();
        keep_folder(folder)?;
        let [cells, summary] = ["cells.csv", "summary.csv"].map(|name| folder.join(name));
        let tables = measured.save_tables(cells, summary, &METRICS, self.run.bootstrap())?;
        Ok(move || self.close(&study, (&tables.summaries[0], &tables.failures)))
    }

    /// Reports the result of a study whose tables are written; returns how many of its cells failed.
    fn close(&self, study: &Study, (summaries, failures): (&[Summary], &[CellFailure])) -> usize {
        let Study { sweep, folder, rank, extreme } = study;
        let arms = sweep.arms.iter().map(|arm| (arm.name.as_str(), arm.setting)).collect();
        let table = sweep.source.train().map(|data| data.features().dim());
        let of = SampleWise { data: sweep.source.name(), arms, table, rank: *rank, summaries };
        sample_wise(&self.run, &of, *extreme);
        say!("written: {}: cells.csv, summary.csv", folder.display());
        report_failed(failures)
    }

    /// Warns about targets of a user's table that are all equal, or that lie far from the origin although fits pass
    /// through it. (Features of words sum to a constant, unless they are standardised.)
    fn note_targets(&self, data: &Dataset) {
        let have_constant = self.intercept || !(self.standardise || self.csv.one_hot.is_empty());
        for (name, targets) in data.target_names().iter().zip(data.targets().columns()) {
            let (name, first) = (name.escape_debug(), targets[0]);
            if targets.iter().all(|target| *target == first) {
                eprintln!("note: every value of `{name}` is {first}: there is nothing to predict");
                continue;
            }
            let (mean, deviation) = (targets.mean().unwrap_or(0.0), targets.std(0.0));
            if !have_constant && deviation > 0.0 && mean.abs() > deviation {
                let ratio = short(mean.abs() / deviation);
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
                "--target, --features, --drop-blank-rows and the other flags for reading CSV files do not apply to \
                 {name}"
            ));
        }
        let data = match name {
            "diabetes" => Dataset::diabetes(),
            "student-teacher" => self.student()?.generate()?,
            "california-housing" => Dataset::california_housing(&self.folder()?)?,
            "who-life-expectancy" => Dataset::who_life_expectancy(&self.folder()?)?,
            path if Path::new(path).exists() || path.contains(['/', '.']) => {
                let read = Dataset::read_csv(Path::new(path), &self.csv_options()?);
                read.map_err(|error| self.of_file(error))?
            }
            _ => {
                let (what, choices) = ("data set or CSV file", NAMED.map(Into::into).into());
                let unknown = Error::UnknownName { what, name: name.into(), choices };
                return usage(format!("--dataset: {unknown}"));
            }
        };
        let data = if self.standardise { data.standardised()? } else { data };
        Ok(if self.intercept { data.with_intercept()? } else { data })
    }

    /// Rephrases an error of a CSV file in terms of flags; a missing column is an error of the flag that names it.
    fn of_file(&self, error: Error) -> Failure {
        let Error::UnknownColumn { name, available } = &error else {
            return inputs::with_flags(error).into();
        };
        let target = self.target.clone().into_iter().collect();
        let lists = [
            ("target", &target),
            ("features", &self.features),
            ("one-hot", &self.csv.one_hot),
            ("leave-out", &self.csv.leave_out),
        ];
        let flag = lists.iter().find(|(_, list)| list.iter().any(|names| names.contains(name.as_str())));
        let flag = flag.map_or(String::new(), |(flag, _)| format!("--{flag}: "));
        let hint = nearest(name, available.iter().map(String::as_str))
            .map_or(String::new(), |near| format!("; did you mean `{}`?", near.escape_debug()));
        Failure::Usage(format!("{flag}{error}{hint}"))
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

    /// Returns the teacher of the student-teacher table, if `folder` holds that table's results: those of a file of the
    /// same name are in another folder.
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

/// Prints what was read from a table: rows, columns, preparation, and the rank if it is deficient.
fn note_table(data: &Dataset, rank: Option<usize>) {
    let (p, targets) = (data.features().ncols(), data.target_names().join("`, `"));
    eprintln!(
        "note: {} and {} were read, target `{}`; {}",
        counted(data.features().nrows(), "row"),
        counted(p, "feature"),
        targets.escape_debug(),
        data.preparation()
    );
    if let Some(rank) = rank {
        eprintln!(
            "note: the {p} features have rank {rank}: some equal others or sums of them (as --one-hot columns do \
             with --intercept), or are so small next to others that rounding loses them (then --standardise); the \
             interpolation threshold is n = rank = {rank}, not n = p = {p}"
        );
    }
}

/// Returns the rank of linearly dependent features; it is not computed for a table whose SVD would take long.
fn deficient_rank(data: &Dataset) -> Result<Option<usize>, Error> {
    let (n, p) = data.features().dim();
    if n as f64 * (p as f64).powi(2) > LONG {
        return Ok(None);
    }
    let rank = Svd::new(data.features())?.rank();
    Ok((1..n.min(p)).contains(&rank).then_some(rank))
}
