//! The flags of every study: seed, threads, figures, and the folder for results.

use super::flags::{choices, flags};
use super::values::Millimetres;
use super::{export, keep_folder};
use double_descent::Error;
use double_descent::curve::{Bootstrap, Curve, Metric, Summary};
use std::borrow::Cow;
use std::path::{Path, PathBuf};

flags! {
    /// Flags of every study.
    pub struct RunArgs {
        /// Seed of everything that is drawn
        seed: u64 = 0, "SEED";
        /// Threads [default: all]; results do not depend on it
        threads: Option<usize> = None, "N";
        /// Write tables only
        no_figures: bool = false, "";
        /// What the lines of the figures and the closing table show
        statistic: Statistic = Statistic::Median, "STATISTIC";
        /// What the figures are drawn over: p/n, or the axis itself
        x: Abscissa = Abscissa::Ratio, "ABSCISSA";
        /// Bootstrap resamples for the 95 % band of the mean in summary.csv; 0 leaves it out
        bootstrap: usize = 200, "N";
        /// Folder for the results
        out: PathBuf = "results".into(), "DIR";
        ..export: export::ExportArgs = export::ExportArgs::default();
        ..print: PrintArgs = PrintArgs::default();
    }
}

flags! {
    /// Flags of how figures are set.
    pub struct PrintArgs {
        /// Width of the figures on paper, as in 88mm, 8.8cm or 3.5in, or 88 for millimetres; letters are 7 and 8 points high
        /// then
        width: Option<Millimetres> = None, "WIDTH";
        /// Where the legends of the figures stand
        legend: LegendArg = LegendArg::Right, "PLACE";
        /// Leave the captions out of the figures; they stand beside them in .txt and .tex
        no_caption: bool = false, "";
        /// Figures on a dark background
        dark: bool = false, "";
    }
}

choices! {
    /// Where legends stand.
    pub enum LegendArg {
        /// Right of the frames
        Right = "right",
        /// Below the frames
        Below = "below",
        /// In the frames, or below where curves leave no corner free
        Inside = "inside",
    }
}

choices! {
    /// Lines and bands of a figure.
    pub enum Statistic {
        /// Median with quartile band
        Median = "median",
        /// Mean with the 95 % bootstrap band of the mean
        Mean = "mean",
    }
}

choices! {
    /// The horizontal axis of a figure.
    pub enum Abscissa {
        /// Parameters per sample, p/n
        Ratio = "ratio",
        /// The number that varies
        Axis = "axis",
    }
}

impl RunArgs {
    /// The defaults of a study with n or p held fixed: the varying one is the better horizontal axis.
    pub fn over_axis() -> Self {
        Self { x: Abscissa::Axis, ..Self::default() }
    }

    /// Creates the folder `name` for results, before anything is computed.
    pub fn make_folder(&self, name: &str) -> Result<PathBuf, Error> {
        let folder = self.out.join(name);
        keep_folder(&folder)?;
        Ok(folder)
    }

    /// Writes the cells of a curve and summaries of the given metrics to `cells.csv` and `summary.csv`, with a
    /// `prefix`.
    pub fn save_tables(
        &self,
        curve: &Curve,
        folder: &Path,
        prefix: &str,
        metrics: &[Metric],
    ) -> Result<(), Error> {
        keep_folder(folder)?;
        // A parameter's value is the setting of its arm, and is written only once.
        let mut curve = Cow::Borrowed(curve);
        if curve.cells.iter().any(|cell| cell.value().is_some()) {
            curve.to_mut().cells.iter_mut().for_each(|cell| *cell = cell.at(None));
        }
        curve.save_cells(folder.join(format!("{prefix}cells.csv")))?;
        self.export.save(&curve, folder, prefix)?;
        curve.save_summaries(folder.join(format!("{prefix}summary.csv")), metrics, self.bootstrap())
    }

    /// The middle value that `--statistic` requests.
    pub fn middle(&self, summary: &Summary) -> f64 {
        match self.statistic {
            Statistic::Median => summary.median,
            Statistic::Mean => summary.mean,
        }
    }

    pub fn lowest<'a>(&self, summaries: impl Iterator<Item = &'a Summary>) -> Option<&'a Summary> {
        summaries.min_by(|a, b| self.middle(a).total_cmp(&self.middle(b)))
    }

    pub fn highest<'a>(&self, summaries: impl Iterator<Item = &'a Summary>) -> Option<&'a Summary> {
        summaries.max_by(|a, b| self.middle(a).total_cmp(&self.middle(b)))
    }

    pub fn bootstrap(&self) -> Option<Bootstrap> {
        (self.bootstrap > 0).then_some(Bootstrap { draws: self.bootstrap, seed: self.seed })
    }
}
