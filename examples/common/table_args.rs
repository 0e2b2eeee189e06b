//! The studies on tables: their flags, and the loop over data sets.

use super::closing::{Extreme, SampleWise, sample_wise};
use super::data_args::{self, DataArgs};
use super::flags::{Failure, Rule, flags, refused, usage};
use super::reports::report_failed;
use super::turns::Turns;
use super::{RunArgs, Sizes, announce, counted, inputs, keep_folder, say, shards, with_progress};
use double_descent::Error;
use double_descent::curve::{Curve, Failure as CellFailure, Metric, Summary};
use double_descent::dataset::Dataset;
use double_descent::sweep::{Arm, Splits, Sweep};
use ndarray::Array1;
use std::path::{Path, PathBuf};
use std::thread;

/// The summarised metrics; the closing table reports the first.
const METRICS: [Metric; 4] =
    [Metric::TestMse, Metric::TrainMse, Metric::BiasSquared, Metric::SmallestSingularValue];

flags! {
    /// Flags for the training sets of the studies on tables.
    pub struct TrainingArgs {
        /// Replay recorded splits (repeat,i0,i1,…) instead of drawing them; for a single data set
        splits: Option<PathBuf> = None, "FILE";
        /// Training set sizes: numbers and inclusive ranges with an optional step, as in 1..39 or 5,10..40:10 [default:
        /// 1..39, as far as a test row is left]
        sizes: Option<Sizes> = None, "SIZES";
        /// Number of random splits per data set
        repeats: usize = 50, "N";
    }
}

flags! {
    /// Flags of the studies on tables.
    pub struct TableArgs {
        ..data: DataArgs = DataArgs::default();
        ..training: TrainingArgs = TrainingArgs::default();
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
        let names = self.data.names()?;
        if self.training.splits.is_some() && names.len() > 1 {
            return usage("--splits replays the splits of one data set: name it with --dataset");
        }
        let folders = inputs::folder_names(&names, &data_args::NAMED)?;
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
        let data = self.data.load(name, self.run.seed)?;
        let sizes = self.sizes(name, data.features().nrows())?;
        let folder = self.run.make_folder(folder, &self.shards)?;
        let is_own = self.shards.has_results() && data_args::is_own(name);
        if is_own {
            inputs::claim(&folder, name)?;
        }
        let arms = arms(data.features().ncols());
        let sweep = self.sweep(data, sizes, arms)?;
        let mut rank = None;
        if is_own && let Some(data) = sweep.source.train() {
            sweep.estimate()?; // print no notes on a sweep that cannot run
            rank = data_args::deficient_rank(data)?;
            self.data.note(data, rank);
        }
        Ok(Study { sweep, folder, rank, extreme })
    }

    /// Returns the requested sizes, or those default sizes that the rows of a table allow.
    fn sizes(&self, name: &str, rows: usize) -> Result<Vec<usize>, Failure> {
        let most = rows.saturating_sub(1).max(1); // a table with one row is refused by the sweep
        let Some(given) = &self.training.sizes else { return Ok((1..=most.min(39)).collect()) };
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
            splits: match &self.training.splits {
                Some(path) => Splits::read(path)?,
                None => Splits::Drawn { repeats: self.training.repeats, seed: self.run.seed },
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

    /// Returns the teacher of the student-teacher table, if `folder` holds that table's results: those of a file of the
    /// same name are in another folder.
    pub fn student_teacher(&self, folder: &Path) -> Option<Result<Array1<f64>, Failure>> {
        let is_it = folder.file_name()? == data_args::STUDENT_TEACHER;
        is_it.then(|| Ok(data_args::student(self.run.seed)?.teacher()?))
    }
}
