//! A sample-wise curve of millions of rows in little memory: every point from n = 1 on, computed from rows that are
//! drawn or read from a file in blocks and then discarded.
//!
//! Run: `cargo run --release --example streaming`

mod figures;

use crate::common::closing::against;
use crate::common::flags::{Failure, Program, Rule, flags, refused, usage};
use crate::common::{PrintArgs, check_noise, make_folder, peak_memory, powers_around, say};
use crate::common::{save_points, with_progress};
use double_descent::curve::Metric;
use double_descent::dataset::{Copied, GaussianRows, NpyRows, RowStream};
use double_descent::sweep::Stream;
use double_descent::theory::gaussian;
use double_descent::whole_file::WholeFile;
use std::path::PathBuf;
use std::time::Instant;

flags! {
    /// Minimum-norm fits to the first n rows of a stream, for every n. Writes OUT/streaming/streaming.csv, with the fits
    /// where n is a power of 1.1, within three of p or the last, and a figure of them.
    pub struct Cli {
        /// Number of rows to draw, with x standard normal and y = x·β + noise, ‖β‖ = 1
        rows: usize = 200_000, "N";
        /// Number of features p of the drawn rows
        features: usize = 100, "P";
        /// Standard deviation of the noise in the drawn rows
        noise: f64 = 0.5, "SIGMA";
        /// Seed for all random draws
        seed: u64 = 0, "SEED";
        /// Read the rows from an .npy file (f8 or f4, C order) instead of drawing them
        from: Option<PathBuf> = None, "FILE";
        /// Number of target columns, the last ones in the file
        outputs: usize = 1, "K";
        /// Also write the drawn rows to an .npy file, for use with --from
        write: Option<PathBuf> = None, "FILE";
        /// Number of leading rows held out to measure the test error
        test_rows: usize = 1000, "M";
        /// Number of rows in memory at once
        block: usize = 1024, "B";
        /// Write tables only, no figures
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
        check_noise(self.noise)?;
        let start = Instant::now();
        let mut rows: Box<dyn RowStream> = match &self.from {
            Some(path) => Box::new(NpyRows::open(path)?),
            None => Box::new(GaussianRows::new(self.rows, self.features, self.noise, self.seed)),
        };
        let p = rows.columns().saturating_sub(self.outputs);
        let training_rows = rows.rows().saturating_sub(self.test_rows);
        if p == 0 || training_rows == 0 || self.outputs == 0 {
            return usage(format!(
                "{} rows of {} columns are too few for --test-rows {}, --outputs {} and a fit",
                rows.rows(),
                rows.columns(),
                self.test_rows,
                self.outputs
            ));
        }
        if let Some(path) = &self.write {
            rows = Box::new(Copied::new(rows, path)?);
        }
        let folder = self.out.join("streaming");
        make_folder(&folder)?;
        let path = folder.join("streaming.csv");
        // Fail now rather than at the end if the file cannot be written.
        drop(WholeFile::create(&path)?);
        let (test_rows, block) = (self.test_rows, self.block);
        let seed = self.from.is_none().then_some(self.seed);
        let stream = Stream::new(figures::data(self), self.outputs, powers_around(p, training_rows));
        let stream = Stream { test_rows, block, seed, ..stream };
        let curve = with_progress("streaming", |observer| stream.run(&mut *rows, observer))?;
        let metrics = [Metric::TrainMse, Metric::TestMse, Metric::CoefficientNorm];
        save_points(&path, &curve, &metrics, &["train_mse", "test_mse", "norm"])?;
        let level = self.noise * self.noise;
        let expected = |n: usize| Ok(level + gaussian::excess(n, p, 1.0, level)?.total());
        against(&curve, self.from.is_none().then_some(&expected as &dyn Fn(usize) -> _))?;
        let reached = curve.failures.first().map_or(training_rows, |failure| failure.n - 1);
        say!("every n from 1 to {reached} in {:.1} s{}", start.elapsed().as_secs_f64(), peak_memory());
        say!("written: {}", path.display());
        if !self.no_figures {
            crate::common::figures::save(&self.print, &folder, [("streaming", figures::errors(&curve)?)])?;
        }
        if let Some(failure) = curve.failures.first() {
            return refused(format!(
                "the rows break off after {reached} of {training_rows}, whose results are written: {}",
                failure.error
            ));
        }
        Ok(())
    }
}
