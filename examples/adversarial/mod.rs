//! Adversarial data of Schaeffer et al. 2023: test data and training targets moved along the mode of the
//! smallest singular value.
//!
//! Run: `cargo run --release --example adversarial`

use crate::common::closing::Extreme;
use crate::common::data_args::DATASETS;
use crate::common::flags::{Failure, Names, Program, Rule, flags};
use crate::common::{TABLE_RULES, TableArgs, figures};
use double_descent::plot::study;
use double_descent::sweep::Arm;

flags! {
    /// The adversarial study: shifts every test row to x + a·v_last, or the training targets to y + a·u_last, with
    /// a = 0, 0.1, 0.316, 1, 3.16, 10, 31.6. Writes OUT/<dataset>/cells.csv, summary.csv and figures.
    pub struct Cli {
        ..table: TableArgs = TableArgs::into_folder("results/adversarial");
    }
}

impl Program for Cli {
    const NAME: &'static str = "adversarial";
    const RULES: &'static [Rule] = TABLE_RULES;
    const NAMES: &'static [Names] = &[DATASETS];

    fn run(&self) -> Result<(), Failure> {
        self.table.for_each(
            |_| Arm::adversarial_study(),
            Extreme::Highest,
            |args, curve, data, folder| {
                let theories = figures::constant(curve, data)?;
                Ok(figures::write(&args.run, curve, folder, theories, study::adversaries)?)
            },
        )
    }
}
