//! A sample-wise curve of millions of rows in little memory: every point from n = 1 on, from rows that are drawn or
//! read from a file in blocks and then forgotten.
//!
//! Run: `cargo run --release --example streaming`

#![allow(clippy::cast_precision_loss)] // counts of rows and columns
#![allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // rounded and positive
#![allow(clippy::doc_markdown)] // doc comments are help texts

mod common;
#[path = "streaming/source.rs"]
mod source;

use clap::Parser;
use common::{finish, keep_folder, save_table, say, short, with_progress};
use double_descent::Error;
use double_descent::nested::{Point, Rows, Test};
use double_descent::risk::Compressed;
use double_descent::whole_file::WholeFile;
use ndarray::s;
use source::{Drawn, Source};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

/// The minimum-norm fits to the first 1, 2, 3, … rows of a stream, all of them computed. Writes OUT/streaming.csv:
/// those with n a power of 1.1 or within three of p.
#[derive(Parser)]
#[command(name = "streaming")]
struct Cli {
    /// Rows to draw: x standard normal, y = x·β + noise, ‖β‖ = 1
    #[arg(long, value_name = "N", default_value_t = 200_000, conflicts_with = "from")]
    rows: usize,

    /// Features p of the rows to draw
    #[arg(long, value_name = "P", default_value_t = 100, conflicts_with = "from")]
    features: usize,

    /// Standard deviation of the noise of the rows to draw
    #[arg(long, value_name = "SIGMA", default_value_t = 0.5, conflicts_with = "from")]
    noise: f64,

    /// Seed of the rows to draw
    #[arg(long, value_name = "SEED", default_value_t = 0, conflicts_with = "from")]
    seed: u64,

    /// Read the rows from an .npy file (f8 or f4, C order) instead
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,

    /// The last so many columns of the file are targets
    #[arg(long, value_name = "K", default_value_t = 1, requires = "from")]
    outputs: usize,

    /// Also write the drawn rows to an .npy file, for --from
    #[arg(long, value_name = "FILE", conflicts_with = "from")]
    write: Option<PathBuf>,

    /// The first so many rows do not train: they measure the test error
    #[arg(long, value_name = "M", default_value_t = 1000)]
    test_rows: usize,

    /// Rows in memory at once
    #[arg(long, value_name = "B", default_value_t = 1024)]
    block: usize,

    /// Folder for the results
    #[arg(long, value_name = "DIR", default_value = "results")]
    out: PathBuf,
}

fn main() -> ExitCode {
    finish(run(&Cli::parse()))
}

fn run(cli: &Cli) -> Result<(), Error> {
    let start = Instant::now();
    let mut source = match &cli.from {
        Some(path) => Source::open(path)?,
        None => Drawn::new(cli.rows, cli.features, cli.noise, cli.seed, cli.write.as_deref())?.into(),
    };
    let p = source.columns().saturating_sub(cli.outputs);
    let training_rows = source.rows().saturating_sub(cli.test_rows);
    if p == 0 || training_rows == 0 || cli.outputs == 0 {
        let (rows, columns) = (source.rows(), source.columns());
        let reason = format!(
            "{rows} rows of {columns} columns are too few for --test-rows {}, --outputs {} and a fit",
            cli.test_rows, cli.outputs
        );
        return Err(Error::Resource { reason });
    }
    keep_folder(&cli.out)?;
    let path = cli.out.join("streaming.csv");
    // Told now, not at the end, if it cannot be written.
    drop(WholeFile::create(&path)?);

    let held_out = if cli.test_rows > 0 { source.next_block(cli.test_rows)? } else { None };
    let test = held_out.map(|rows| Compressed::new(&rows.slice(s![.., ..p]), &rows.slice(s![.., p..])));
    let test = test.transpose()?;
    let mut fit = Rows::new(p, cli.outputs, test.as_ref().map_or(Test::None, Test::Rows))?;
    let wanted = sizes(p, training_rows);
    let points = with_progress("streaming", |observer| {
        let mut kept = Vec::with_capacity(wanted.len());
        while let Some(block) = source.next_block(cli.block)? {
            let points = fit.extend(&block.slice(s![.., ..p]), &block.slice(s![.., p..]))?;
            kept.extend(points.into_iter().filter(|point| wanted.contains(&point.n)));
            let _ = observer.progress(fit.rows(), training_rows);
        }
        Ok(kept)
    })?;
    source.finish()?;
    save(&path, &points)?;
    closing_table(&points, p);
    say!("every n from 1 to {training_rows} in {:.1} s{}", start.elapsed().as_secs_f64(), peak_memory());
    say!("written: {}", path.display());
    Ok(())
}

/// The powers of 1.1, rounded, what is within three of `p`, and the last.
fn sizes(p: usize, last: usize) -> BTreeSet<usize> {
    let powers = (0..).map(|k| 1.1_f64.powi(k).round() as usize);
    let near = p.saturating_sub(3).max(1)..=p + 3;
    powers.take_while(|&n| n < last).chain(near.filter(|&n| n < last)).chain([last]).collect()
}

/// `n,p,rank,train_mse,test_mse,norm,rows_left`.
fn save(path: &Path, points: &[Point]) -> Result<(), Error> {
    let fields = |point: &Point| {
        let counts = [point.n, point.p, point.rank].map(|count| count.to_string());
        let test = point.test_mse.map_or(String::new(), |error| error.to_string());
        let errors = [point.train_mse.to_string(), test, point.norm.to_string()];
        counts.into_iter().chain(errors).collect()
    };
    let header = ["n", "p", "rank", "train_mse", "test_mse", "norm"];
    save_table(path, &header, points.iter().map(fields).collect())
}

fn closing_table(points: &[Point], p: usize) {
    say!("{:>10}{:>14}{:>14}{:>14}", "n", "training", "test", "‖β̂‖");
    let near = |point: &&Point| point.n >= p.saturating_sub(3) && point.n <= p + 3;
    let sparse = points.iter().filter(|point| !near(point)).step_by(8);
    let mut shown: Vec<&Point> = sparse.chain(points.iter().filter(near)).chain(points.last()).collect();
    shown.sort_by_key(|point| point.n);
    shown.dedup();
    for point in shown {
        let test = point.test_mse.map_or("-".into(), short);
        say!("{:>10}{:>14}{test:>14}{:>14}", point.n, short(point.train_mse), short(point.norm));
    }
}

/// What the system counts, where it does.
fn peak_memory() -> String {
    #[cfg(unix)]
    if let Ok(usage) = nix::sys::resource::getrusage(nix::sys::resource::UsageWho::RUSAGE_SELF) {
        // Kilobytes, but on Apple's systems.
        let unit = if cfg!(target_vendor = "apple") { 1.0 } else { 1024.0 };
        return format!(", peak memory {:.0} MiB", usage.max_rss() as f64 * unit / f64::from(1 << 20));
    }
    String::new()
}
