//! Code shared by the example programs: flags, data sets, progress, closing tables.
#![allow(dead_code, unused_imports)] // each example uses its part
#![allow(clippy::doc_markdown)] // doc comments of flags are the text of --help

mod checks;
pub mod closing;
pub mod command_line;
pub mod data_args;
mod export;
pub mod feature_laws;
#[cfg(feature = "plot")]
pub mod figures;
mod files;
pub mod flags;
pub mod images;
pub mod inputs;
mod numbers;
mod progress;
pub mod random_features;
pub mod regression;
mod reports;
mod run_args;
pub mod settings;
pub mod shard_reports;
pub mod shards;
mod sizes;
pub mod table;
mod table_args;
pub mod teachers;
mod turns;
mod values;

pub use checks::{check_ascending, check_noise, check_not_negative, check_positive, check_shares, chosen};
pub use files::{io_error, keep_folder, make_folder, save_points, save_table};
use flags::Program;
pub use numbers::{counted, short, trimmed};
pub use progress::with_progress;
pub use reports::{
    all_computed, announce, announce_record, announce_theory, none_failed, peak_memory, report_failures,
    report_splits,
};
pub use run_args::{Abscissa, BAND_IN_FIGURES, LegendArg, PrintArgs, RunArgs, Statistic};
pub use sizes::{around_threshold, closer_around, feature_sizes, once_each, powers_around, rows_around};
pub use table_args::{TABLE_RULES, TableArgs};
pub use values::{Millimetres, Sizes};

/// Prints a line to standard output, or to standard error if tables are printed as JSON. A closed pipe
/// (`| head`) is not an error.
macro_rules! say {
    ($($text:tt)*) => {
        $crate::common::table::say(format_args!($($text)*))
    };
}
pub(crate) use say;

/// The main function of a study.
pub fn main<P: Program>() -> std::process::ExitCode {
    command_line::start::<P>(P::NAME, std::env::args_os().skip(1).collect())
}
