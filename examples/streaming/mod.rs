//! A sample-wise curve of millions of rows in little memory: every point from n = 1 on, from rows that are drawn or
//! read from a file in blocks and then forgotten.
//!
//! Run: `cargo run --release --example streaming`

#![allow(clippy::cast_precision_loss)] // counts of rows and columns
#![allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // rounded and positive
#![allow(clippy::doc_markdown)] // doc comments are help texts

mod source;

use crate::common::figures::save as save_figures;
use crate::common::flags::{Failure, Program, Rule, flags, usage};
use crate::common::table::{Table, row};
use crate::common::{PrintArgs, check_noise, keep_folder, save_table, say, with_progress};
use double_descent::Error;
use double_descent::curve::{ArmLabel, Axis as CurveAxis, Cell, Curve, Metric, Provenance};
use double_descent::filter::{MinNorm, SpectralFilter};
use double_descent::nested::{Point, Rows, Test};
use double_descent::plot::{Abscissa, Figure, FigureOptions, study};
use double_descent::risk::Compressed;
use double_descent::theory::gaussian;
use double_descent::whole_file::WholeFile;
use ndarray::s;
use source::{Drawn, Source};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Instant;

flags! {
    /// The minimum-norm fits to the first 1, 2, 3, … rows of a stream, all of them computed. Writes OUT/streaming.csv:
    /// those with n a power of 1.1 or within three of p, and a figure of them.
    pub struct Cli {
        /// Rows to draw: x standard normal, y = x·β + noise, ‖β‖ = 1
        rows: usize = 200_000, "N";
        /// Features p of the rows to draw
        features: usize = 100, "P";
        /// Standard deviation of the noise of the rows to draw
        noise: f64 = 0.5, "SIGMA";
        /// Seed of the rows to draw
        seed: u64 = 0, "SEED";
        /// Read the rows from an .npy file (f8 or f4, C order) instead
        from: Option<PathBuf> = None, "FILE";
        /// The last so many columns of the file are targets
        outputs: usize = 1, "K";
        /// Also write the drawn rows to an .npy file, for --from
        write: Option<PathBuf> = None, "FILE";
        /// The first so many rows do not train: they measure the test error
        test_rows: usize = 1000, "M";
        /// Rows in memory at once
        block: usize = 1024, "B";
        /// Write the table only
        no_figures: bool = false, "";
        /// Folder for the results
        out: PathBuf = "results".into(), "DIR";
        ..print: PrintArgs = PrintArgs::default();
    }
}

impl Program for Cli {
    const NAME: &'static str = "streaming";
    const RULES: &'static [Rule] = &[
        Rule::Excludes("from", "rows"),
        Rule::Excludes("from", "features"),
        Rule::Excludes("from", "noise"),
        Rule::Excludes("from", "seed"),
        Rule::Excludes("from", "write"),
        Rule::Requires("outputs", "from"),
    ];

    fn run(&self) -> Result<(), Failure> {
        run(self)
    }
}

fn run(cli: &Cli) -> Result<(), Failure> {
    check_noise(cli.noise)?;
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
        return usage(reason);
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
        Ok::<_, Error>(kept)
    })?;
    source.finish()?;
    save(&path, &points)?;
    closing_table(&points, p, cli.from.is_none().then_some(cli.noise))?;
    say!("every n from 1 to {training_rows} in {:.1} s{}", start.elapsed().as_secs_f64(), peak_memory());
    say!("written: {}", path.display());
    if !cli.no_figures {
        save_figures(&cli.print, &cli.out, [("streaming", figure(cli, &points)?)])?;
    }
    Ok(())
}

/// Training and test error over n.
fn figure(cli: &Cli, points: &[Point]) -> Result<Figure, Error> {
    let (data, p) = match &cli.from {
        Some(path) => (format!("the rows of {}", path.display()), points.first().map_or(0, |point| point.p)),
        None => (
            format!("standard normal rows, a linear teacher of norm 1, noise of deviation {}", cli.noise),
            cli.features,
        ),
    };
    let mut from = Provenance::new(data, MinNorm::default().describe());
    from.sampling = format!("the first rows of a stream, {} test rows before them", cli.test_rows);
    from.seed = cli.from.is_none().then_some(cli.seed);
    let mut curve = Curve::new(CurveAxis::Samples, vec![ArmLabel::new("min_norm", None)], from);
    let cell = |point: &Point| {
        let cell = Cell::new(0, point.n, p, 0).with(Metric::TrainMse, point.train_mse);
        cell.with(Metric::TestMse, point.test_mse)
    };
    curve.cells = points.iter().map(cell).collect();
    let options = FigureOptions { abscissa: Abscissa::Axis, ..FigureOptions::default() };
    Ok(study::each_arm(&curve, &[0], &options).drawn()?.with_title("Every n from one pass over the rows"))
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

/// Beside the mean over all draws of such rows, where they are drawn with noise of this deviation.
fn closing_table(points: &[Point], p: usize, noise: Option<f64>) -> Result<(), Error> {
    let near = |point: &&Point| point.n >= p.saturating_sub(3) && point.n <= p + 3;
    let sparse = points.iter().filter(|point| !near(point)).step_by(8);
    let mut shown: Vec<&Point> = sparse.chain(points.iter().filter(near)).chain(points.last()).collect();
    shown.sort_by_key(|point| point.n);
    shown.dedup();
    let columns = ["n", "training", "test", "expected (exact)", "‖β̂‖"];
    let mut table = Table::new(format!("p = {p}: mean squared errors"), columns);
    for point in shown {
        let expected = |noise: f64| {
            let level = noise * noise;
            Ok::<_, Error>(level + gaussian::excess(point.n, p, 1.0, level)?.total())
        };
        row!(table, point.n, point.train_mse, point.test_mse, noise.map(expected).transpose()?, point.norm);
    }
    table.print();
    Ok(())
}

/// What Linux counts; nothing elsewhere.
fn peak_memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kilobytes =
        status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok());
    kilobytes
        .map_or_else(String::new, |kilobytes: f64| format!(", peak memory {:.0} MiB", kilobytes / 1024.0))
}
