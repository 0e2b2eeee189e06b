//! The three-factor ablation study of Schaeffer et al. 2023: the peak of the test error at n = p, and
//! how it disappears when any one of its three factors is switched off.
//!
//! Run: `cargo run --release --example ablations`

use crate::common::closing::Extreme;
use crate::common::data_args::DATASETS;
use crate::common::flags::{Failure, Names, Program, Rule, flags};
use crate::common::{TABLE_RULES, TableArgs, figures};
use double_descent::plot::study;
use double_descent::sweep::Arm;

flags! {
    /// The three-factor ablation study: unablated, or with small singular values dropped, test features projected or
    /// residuals removed. Writes OUT/<dataset>/cells.csv, summary.csv and figures.
    pub struct Cli {
        ..table: TableArgs = TableArgs::into_folder("results/ablations");
    }
}

impl Program for Cli {
    const NAME: &'static str = "ablations";
    const RULES: &'static [Rule] = TABLE_RULES;
    const NAMES: &'static [Names] = &[DATASETS];

    fn run(&self) -> Result<(), Failure> {
        self.table.for_each(Arm::ablation_study, Extreme::Lowest, |args, curve, data, folder| {
            let mut theories = figures::known(args, curve, folder)?;
            theories.extend(figures::constant(curve, data)?);
            figures::write(&args.run, curve, folder, theories, study::ablations)?;
            Ok(())
        })
    }
}
