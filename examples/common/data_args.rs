//! The tables of data that a study reads: their flags, reading and preparing them, and notes on a user's own.

use super::command_line::nearest;
use super::flags::{Failure, Names, flags, usage};
use super::progress::aside;
use super::{counted, inputs, short};
use double_descent::Error;
use double_descent::dataset::{CsvOptions, Dataset, StudentTeacher};
use double_descent::svd::Svd;
use std::path::{Path, PathBuf};

/// An SVD with more operations than this takes seconds.
const LONG: f64 = 1e11;

/// Larger whole numbers are rounded: 2^53.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// The name of the generated table.
pub const STUDENT_TEACHER: &str = "student-teacher";

/// The data sets that are not a user's own.
pub const NAMED: [&str; 4] = ["diabetes", STUDENT_TEACHER, "california-housing", "who-life-expectancy"];

/// The names that `--dataset` accepts besides paths.
pub const DATASETS: Names = ("dataset", || NAMED.map(str::to_owned).into());

flags! {
    /// Flags that choose tables of data and prepare them.
    pub struct DataArgs {
        /// Data sets: diabetes, student-teacher, california-housing, who-life-expectancy, or paths of CSV files (also
        /// packed, .csv.gz, and /dev/stdin); separate several by commas or repeat the flag; put a path that contains a
        /// comma in its own double quotes [default: diabetes and student-teacher, which are embedded]
        dataset: Vec<String> = Vec::new(), "NAME|PATH";
        /// Folder that contains california_housing.csv and who_life_expectancy.csv [default: $DOUBLE_DESCENT_DATA]
        data_dir: Option<PathBuf> = None, "DIR";
        /// Target column of a CSV file [default: the last]
        target: Option<String> = None, "NAME";
        /// Study one class against the rest: the target is 1 in rows of a CSV file whose target column holds this word,
        /// and 0 in all others [default: the target column holds numbers]
        class: Option<String> = None, "WORD";
        /// Feature columns of a CSV file, separated by commas; put a name that contains a comma in its own double
        /// quotes, as in --features '"height, in m",age' [default: all but the target]
        features: Vec<String> = Vec::new(), "NAMES";
        /// Append a column of ones to the features (p counts it)
        intercept: bool = false, "";
        /// Shift and scale each feature to mean 0 and variance 1 over all rows
        standardise: bool = false, "";
        ..csv: inputs::CsvArgs = inputs::CsvArgs::default();
    }
}

impl DataArgs {
    /// The names and paths of the data sets.
    pub fn names(&self) -> Result<Vec<String>, Failure> {
        if self.dataset.is_empty() {
            return Ok(NAMED[..2].iter().map(|name| (*name).to_owned()).collect());
        }
        inputs::split_lists(&self.dataset)
    }

    /// Reads or generates a data set and prepares it. The seed is that of student-teacher.
    pub fn load(&self, name: &str, seed: u64) -> Result<Dataset, Failure> {
        let for_csv =
            self.target.is_some() || self.class.is_some() || !self.features.is_empty() || self.csv.is_given();
        if for_csv && !is_own(name) {
            return usage(format!(
                "--target, --class, --features, --drop-blank-rows and the other flags for reading CSV files do not \
                 apply to {name}"
            ));
        }
        let data = match name {
            "diabetes" => Dataset::diabetes(),
            STUDENT_TEACHER => student(seed)?.generate()?,
            "california-housing" => Dataset::california_housing(&self.folder()?)?,
            "who-life-expectancy" => Dataset::who_life_expectancy(&self.folder()?)?,
            path if Path::new(path).exists() || path.contains(['/', '.']) => {
                let read = Dataset::read_csv(Path::new(path), &self.csv_options()?);
                read.map_err(|error| self.of_file(error))?
            }
            "-" => return usage("--dataset: for a table on standard input, name /dev/stdin instead of `-`"),
            _ => {
                let (what, choices) = ("data set or CSV file", NAMED.map(Into::into).into());
                let unknown = Error::UnknownName { what, name: name.into(), choices };
                return usage(format!("--dataset: {unknown}"));
            }
        };
        let data = if self.standardise { data.standardised()? } else { data };
        Ok(if self.intercept { data.with_intercept()? } else { data })
    }

    fn folder(&self) -> Result<PathBuf, Failure> {
        inputs::data_folder(self.data_dir.as_ref())?.ok_or_else(|| {
            let reason = "this data set is read from a folder: pass --data-dir or set DOUBLE_DESCENT_DATA";
            Failure::Usage(reason.into())
        })
    }

    fn csv_options(&self) -> Result<CsvOptions, Failure> {
        self.check_columns()?;
        let mut options = self.csv.options()?.with_features(inputs::split_lists(&self.features)?);
        if let Some(target) = &self.target {
            options = options.with_target(target);
        }
        if let Some(class) = &self.class {
            options = options.with_class(class);
        }
        Ok(options)
    }

    /// Rejects a column that flags name for two uses.
    fn check_columns(&self) -> Result<(), Failure> {
        let lists = [
            ("target", self.target.iter().cloned().collect()),
            ("features", inputs::split_lists(&self.features)?),
            ("one-hot", inputs::split_lists(&self.csv.one_hot)?),
            ("leave-out", inputs::split_lists(&self.csv.leave_out)?),
        ];
        let features = &lists[1].1;
        let again = features.iter().enumerate().find(|(place, name)| features[..*place].contains(name));
        if let Some((_, name)) = again {
            return usage(format!("--features: `{}` is given twice", name.escape_debug()));
        }
        for (place, (flag, names)) in lists.iter().enumerate() {
            for (other, others) in &lists[place + 1..] {
                // Columns of words are features.
                let differ = (*flag, *other) != ("features", "one-hot");
                if let Some(name) = names.iter().find(|name| differ && others.contains(name)) {
                    let name = name.escape_debug();
                    return usage(format!(
                        "--{flag} and --{other} both name the column `{name}`; choose one"
                    ));
                }
            }
        }
        Ok(())
    }

    /// Rephrases an error of a CSV file in terms of flags; a missing column or class is an error of the flag that names
    /// it.
    fn of_file(&self, error: Error) -> Failure {
        let (name, known, flag) = match &error {
            // The target, if --target does not name it, is known only now.
            Error::File { column: Some(column), reason, .. } if reason.starts_with("is both ") => {
                return Failure::Usage(format!("{}{error}", self.flag_of(column)));
            }
            Error::UnknownColumn { name, available } => (name, available, self.flag_of(name)),
            Error::UnknownName { name, choices, .. } => (name, choices, "--class: "),
            _ => return inputs::with_flags(error).into(),
        };
        let hint = nearest(name, known.iter().map(String::as_str))
            .map_or(String::new(), |near| format!("; did you mean `{}`?", near.escape_debug()));
        let of_list = flag.strip_suffix(": ").filter(|flag| !["--target", "--class"].contains(flag));
        let whole = known
            .iter()
            .filter(|name| name.contains(','))
            .find(|whole| whole.split(',').any(|part| part.trim() == name));
        if let (Some(flag), Some(whole)) = (of_list, whole) {
            let whole = whole.escape_debug();
            return Failure::Usage(format!(
                "{flag}: {error}; a name with a comma needs its own double quotes: {flag} '\"{whole}\"'"
            ));
        }
        Failure::Usage(format!("{flag}{error}{hint}"))
    }

    /// The flag that names a column, for an error.
    fn flag_of(&self, column: &str) -> &'static str {
        let target = self.target.clone().into_iter().collect();
        let lists = [
            ("--target: ", &target),
            ("--features: ", &self.features),
            ("--one-hot: ", &self.csv.one_hot),
            ("--leave-out: ", &self.csv.leave_out),
        ];
        let names_it = |list: &Vec<String>| list.iter().any(|names| names.contains(column));
        lists.into_iter().find(|(_, list)| names_it(list)).map_or("", |(flag, _)| flag)
    }

    /// Prints notes on a user's own table: what was read, its `rank` if that is deficient, and what is odd about its
    /// targets.
    pub fn note(&self, data: &Dataset, rank: Option<usize>) {
        aside(|| {
            note_table(data);
            if let Some(rank) = rank {
                self.note_rank(data, rank);
            }
            note_row_numbers(data);
            self.note_targets(data);
        });
    }

    /// Says why the features may have a rank lower than their number, naming those that are constant.
    fn note_rank(&self, data: &Dataset, rank: usize) {
        let p = data.features().ncols();
        let of_table = p - usize::from(self.intercept);
        let columns = data.feature_names().iter().zip(data.features().columns()).take(of_table);
        let constant: Vec<String> = columns
            .filter(|(_, column)| column.iter().all(|value| *value == column[0]))
            .map(|(name, column)| {
                let large = column[0].abs() > EXACT;
                quoted(name)
                    + if large { " (above 2^53, where 64-bit floats round whole numbers)" } else { "" }
            })
            .collect();
        let names = constant.join(", ");
        let small = if self.standardise {
            ""
        } else {
            ", or are so small next to others that rounding loses them (then --standardise)"
        };
        let sums = "some equal others or sums of them (as --one-hot columns do with --intercept)";
        let why = match constant.len() {
            0 => format!("{sums}{small}"),
            // Standardised, they are 0.
            count if self.standardise && count == p - rank => {
                format!("{names} {} constant", if count == 1 { "is" } else { "are" })
            }
            _ => format!("constant: {names}; {sums}{small}"),
        };
        eprintln!(
            "note: the {p} features have rank {rank}: {why}; the interpolation threshold is n = rank = {rank}, not \
             n = p = {p}"
        );
    }

    /// Warns about targets that are all equal, or that lie far from the origin although fits pass through it. (Features
    /// of words sum to a constant, unless they are standardised.)
    pub fn note_targets(&self, data: &Dataset) {
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
}

/// Whether a data set is a user's own table.
pub fn is_own(name: &str) -> bool {
    !NAMED.contains(&name)
}

/// The generator of the student-teacher table.
pub fn student(seed: u64) -> Result<StudentTeacher, Failure> {
    let Ok(seed) = u32::try_from(seed) else {
        return usage(format!(
            "--seed: `{seed}` is too large for student-teacher, whose seeds go up to 4294967295"
        ));
    };
    Ok(StudentTeacher::new(seed))
}

/// Prints what was read from a table: rows, columns, preparation.
fn note_table(data: &Dataset) {
    let (p, targets) = (data.features().ncols(), data.target_names().join("`, `"));
    eprintln!(
        "note: {} and {} were read, target `{}`; {}",
        counted(data.features().nrows(), "row"),
        counted(p, "feature"),
        targets.escape_debug(),
        data.preparation()
    );
}

/// A feature's name in a note.
fn quoted(name: &str) -> String {
    if name.is_empty() { "(without a name)".into() } else { format!("`{}`", name.escape_debug()) }
}

/// Warns about features that grow by the same step from row to row, as row numbers do.
fn note_row_numbers(data: &Dataset) {
    for (name, column) in data.feature_names().iter().zip(data.features().columns()) {
        let step = column.get(1).map_or(0.0, |second| second - column[0]);
        // Standardised numbers are rounded.
        let is_next = |(i, value): (usize, &f64)| {
            let expected = column[0] + i as f64 * step;
            (value - expected).abs() <= 1e-9 * (expected.abs() + step.abs())
        };
        if column.len() > 2 && step != 0.0 && column.iter().enumerate().all(is_next) {
            let flag = if name.is_empty() { "--unnamed-column leave-out" } else { "--leave-out" };
            eprintln!(
                "note: the feature {} grows by the same step from row to row, as row numbers do; if it measures \
                 nothing, leave it out with {flag}",
                quoted(name)
            );
        }
    }
}

/// Returns the rank of linearly dependent features; it is not computed for a table whose SVD would take long.
pub fn deficient_rank(data: &Dataset) -> Result<Option<usize>, Error> {
    let (n, p) = data.features().dim();
    if n as f64 * (p as f64).powi(2) > LONG {
        return Ok(None);
    }
    let rank = Svd::new(data.features())?.rank();
    Ok((1..n.min(p)).contains(&rank).then_some(rank))
}
