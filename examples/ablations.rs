//! The three-factor ablation study of Schaeffer et al. 2023: the peak of the test error at n = p, and
//! how it goes when any one of its three factors is switched off.
//!
//! Run: `cargo run --release --example ablations`

mod common;

use clap::Parser;
use common::{Extreme, TableArgs, closing_table, figures, finish, say};
use double_descent::plot::study;
use double_descent::sweep::Arm;
use std::process::ExitCode;

/// The three-factor ablation study: unablated, small singular values dropped, test features projected,
/// no residuals. Writes OUT/<dataset>/cells.csv, summary.csv and figures.
#[derive(Parser)]
#[command(name = "ablations")]
struct Cli {
    #[command(flatten)]
    table: TableArgs,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    finish(cli.table.for_each("ablations", Arm::ablation_study, |args, curve, folder| {
        closing_table(curve, Extreme::Lowest)?;
        say!("written: {}: cells.csv, summary.csv", folder.display());
        figures::write(&args.run, curve, folder, figures::known(args, curve, folder)?, study::ablations)?;
        Ok(())
    }))
}
