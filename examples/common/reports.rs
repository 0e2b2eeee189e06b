//! Messages besides the tables: how long a study takes, how to resume it after a stop, what failed.

use super::flags::{Failure, refused};
use super::{counted, shard_reports};
use double_descent::Error;
use double_descent::curve::{Curve, Failure as CellFailure};
use double_descent::memory::Cost;
use double_descent::sweep::ErrorSplits;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

/// Describes the peak memory of the process, as counted by Linux; empty on other systems.
pub fn peak_memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kilobytes =
        status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok());
    kilobytes
        .map_or_else(String::new, |kilobytes: f64| format!(", peak memory {:.0} MiB", kilobytes / 1024.0))
}

/// Announces, before a long run starts, what it will take and, once, how to stop and resume it: the standard library
/// gives a program no notice of Ctrl-C.
pub fn announce(estimate: &Cost) {
    static IS_SAID: AtomicBool = AtomicBool::new(false);
    if estimate.bytes > 1 << 30 || estimate.flops > 1e11 {
        if IS_SAID.swap(true, Ordering::Relaxed) {
            eprintln!("the next part takes about {estimate}");
            return;
        }
        eprintln!("this takes about {estimate}");
        let [part, merge] = ["1/1", "merge"].map(shard_reports::command);
        eprintln!(
            "stopping it (Ctrl-C) loses everything. To keep finished repeats, and continue when run again:\n  \
             {part}\nand then, for tables and figures:\n  {merge}"
        );
    }
}

/// Announces, if it will take more than a moment, the theory in a figure: for each of `sizes` training sets, one kernel
/// matrix with its SVD, and the kernel on `tests` test rows.
pub fn announce_theory(sizes: &[usize], tests: usize) {
    let tests = tests as f64;
    let flops: f64 = sizes.iter().map(|&n| n as f64).map(|n| n * n * (4.0 * tests + 20.0 * n)).sum();
    if flops > 1e10 {
        eprintln!(
            "computing the theory in the figure: {}, about {flops:.1e} floating-point operations (--no-figures leaves \
             it out)",
            counted(sizes.len(), "training set")
        );
    }
}

/// Says before a run that keeps its results that it may be stopped.
pub fn announce_record(path: &Path) {
    let path = path.display();
    eprintln!(
        "finished repeats are kept in {path}: after a stop (Ctrl-C), the same command continues from there"
    );
}

/// Returns the error of the first failed cell, if there is one.
pub fn none_failed(curve: &Curve) -> Result<(), Error> {
    curve.failures.first().map_or(Ok(()), |first| Err(first.error.clone()))
}

pub fn report_failures(curve: &Curve) -> usize {
    report_failed(&curve.failures)
}

pub(super) fn report_failed(failures: &[CellFailure]) -> usize {
    if let Some(first) = failures.first() {
        eprintln!(
            "warning: {} of the cells failed; the first, n = {}, repeat {}: {}",
            failures.len(),
            first.n,
            first.repeat,
            first.error
        );
    }
    failures.len()
}

/// As [`report_failures`], for the splits of a crossed study.
pub fn report_splits(splits: &ErrorSplits) -> usize {
    if let Some(first) = splits.failures.first() {
        eprintln!(
            "warning: {} of the error splits failed; the first, n = {}, p = {}: {}",
            splits.failures.len(),
            first.n,
            first.p,
            first.error
        );
    }
    splits.failures.len()
}

/// Reports failures as an error, after everything else has been written.
pub fn all_computed(curve: &Curve) -> Result<(), Failure> {
    match report_failures(curve) {
        0 => Ok(()),
        failed => refused(format!("{failed} repeats could not be computed")),
    }
}
