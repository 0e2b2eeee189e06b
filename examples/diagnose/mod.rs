//! What is wrong with a fit to a table, and what would help: how far the table is from its interpolation threshold,
//! which modes blow up, and the errors at new rows with a penalty, early stopping, fewer directions, half or twice the
//! rows.
//!
//! Run: `cargo run --release --example diagnose`

mod tables;

use crate::common::data_args::{DATASETS, DataArgs, deficient_rank, is_own};
use crate::common::flags::{Failure, Names, Positive, Program, Rule, flags, usage};
use crate::common::say;
use double_descent::Error;
use double_descent::dataset::Dataset;
use double_descent::diagnosis::{diagnose, diagnose_with_test};
use double_descent::filter::MinNorm;

flags! {
    /// What is wrong with least squares on a table, and what would help: its distance from the interpolation threshold,
    /// the modes that blow up, and the error with a penalty, early stopping, fewer features, half or twice the rows.
    /// Prints words and numbers; writes no files.
    pub struct Cli {
        /// Number of rows, drawn at random, that no fit sees and that only test the fits [default: none; errors are
        /// estimated by leaving out one row at a time]
        test_rows: Option<Positive> = None, "N";
        /// Seed of the order of the rows, which decides the rows drawn for testing and the halves; and of student-teacher
        seed: u64 = 0, "SEED";
        ..data: DataArgs = DataArgs::default();
    }
}

impl Program for Cli {
    const NAME: &'static str = "diagnose";
    const RULES: &'static [Rule] = &[Rule::Alias("data", "dataset")];
    const NAMES: &'static [Names] = &[DATASETS];

    fn run(&self) -> Result<(), Failure> {
        for name in self.data.names()? {
            let data = self.data.load(&name, self.seed)?;
            // Shuffled, so that every other row is a half drawn at random, whatever the order of a file.
            let (train, found) = match self.test_rows {
                None => {
                    let rows = data.shuffle(self.seed)?;
                    let found = diagnose(rows.features(), rows.targets());
                    (rows, found.map_err(|error| self.rescaled(error))?)
                }
                Some(test) => {
                    let (train, test) = self.split(&data, test.into())?;
                    let test = (&**test.features(), &**test.targets());
                    let found =
                        diagnose_with_test(train.features(), train.targets(), &MinNorm::default(), test);
                    (train, found.map_err(|error| self.rescaled(error))?)
                }
            };
            if is_own(&name) {
                self.data.note(&data, deficient_rank(&data)?);
            } else {
                self.data.note_targets(&data);
            }
            let preparation = train.preparation();
            say!("\ndiagnosis of {}: {preparation}\n{found}", data.name().escape_debug());
            tables::print_json(data.name(), &found);
        }
        Ok(())
    }
}

impl Cli {
    /// Names the flag that rescales the features, if numbers are too large or too small.
    fn rescaled(&self, error: Error) -> Failure {
        match error {
            Error::Overflow { .. } if !self.data.standardise => {
                Failure::Refused(format!("{error} (--standardise does so with the features)"))
            }
            _ => error.into(),
        }
    }

    /// Draws the test rows; returns the training and the test rows.
    fn split(&self, data: &Dataset, test: usize) -> Result<(Dataset, Dataset), Failure> {
        let rows = data.len();
        match rows.checked_sub(test) {
            Some(train @ 2..) => Ok(data.shuffle(self.seed)?.split(train)?),
            _ => usage(format!(
                "--test-rows: {test} of the {rows} rows of {} leave fewer than the two that a diagnosis needs",
                data.name().escape_debug()
            )),
        }
    }
}
