//! Adversarial data of Schaeffer et al. 2023: test data and training targets moved along the mode of the
//! smallest singular value.
//!
//! Run: `cargo run --release --example adversarial`

mod common;

use clap::Parser;
use common::{Extreme, TableArgs, closing_table, figures, finish, say};
use double_descent::plot::study;
use double_descent::sweep::Arm;
use std::process::ExitCode;

/// The adversarial study: every test datum x + a·v_last, or training targets y + a·u_last, with
/// a = 0, 0.1, 0.316, 1, 3.16, 10, 31.6. Writes OUT/<dataset>/cells.csv, summary.csv and figures.
#[derive(Parser)]
#[command(name = "adversarial")]
#[allow(clippy::doc_markdown)] // the text of --help
struct Cli {
    #[command(flatten)]
    table: TableArgs,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    finish(cli.table.for_each(
        "adversarial",
        |_| Arm::adversarial_study(),
        |args, curve, folder| {
            closing_table(curve, Extreme::Highest)?;
            say!("written: {}: cells.csv, summary.csv", folder.display());
            figures::write(&args.run, curve, folder, Vec::new(), study::adversaries)?;
            Ok(())
        },
    ))
}
