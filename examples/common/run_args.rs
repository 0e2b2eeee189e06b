//! The flags of every study: seed, threads, figures, and the folder for results.

use super::flags::{Rule, choices, flags};
use super::shards::ShardArgs;
use super::values::Millimetres;
use super::{export, keep_folder};
use double_descent::Error;
use double_descent::curve::{Bootstrap, Curve, Metric, Summary, Surface};
use ndarray::Array2;
use std::borrow::Cow;
use std::path::{Path, PathBuf};

flags! {
    /// Flags of every study.
    pub struct RunArgs {
        /// Seed for all random draws
        seed: u64 = 0, "SEED";
        /// Number of threads; results do not depend on it [default: all]
        threads: Option<usize> = None, "N";
        /// Write tables only, no figures
        no_figures: bool = false, "";
        /// Statistic shown in the figures and the closing table
        statistic: Statistic = Statistic::Median, "STATISTIC";
        /// Horizontal axis of the figures
        x: Abscissa = Abscissa::Ratio, "ABSCISSA";
        /// Number of bootstrap resamples for the 95 % band of the mean, in summary.csv and in figures of --statistic mean;
        /// 0 omits the band
        bootstrap: usize = 200, "N";
        /// Folder for the results
        out: PathBuf = "results".into(), "DIR";
        ..export: export::ExportArgs = export::ExportArgs::default();
        ..print: PrintArgs = PrintArgs::default();
    }
}

flags! {
    /// Flags for the appearance of figures.
    pub struct PrintArgs {
        /// Printed width of the figures, as in 88mm, 8.8cm or 3.5in (88 means 88mm), from 57mm to 940mm; text is then set
        /// at 7 to 9 points. A note names the figures whose panels and legends need more
        width: Option<Millimetres> = None, "WIDTH";
        /// Position of the legends; in a figure with a colour bar they are always on the right [default: right, or below
        /// or inside where a figure is made for that]
        legend: Option<LegendArg> = None, "PLACE";
        /// Write captions to .txt and .tex files next to the figures instead of into the figures
        no_caption: bool = false, "";
        /// Draw the figures on a dark background
        dark: bool = false, "";
    }
}

choices! {
    /// The position of legends.
    pub enum LegendArg {
        /// To the right of the panels
        Right = "right",
        /// Below the panels
        Below = "below",
        /// Inside the panels, or below if the curves leave no corner free
        Inside = "inside",
    }
}

choices! {
    /// Lines and bands of a figure.
    pub enum Statistic {
        /// Median with quartile band
        Median = "median",
        /// Mean with its band
        Mean = "mean",
    }
}

choices! {
    /// The horizontal axis of a figure.
    pub enum Abscissa {
        /// Parameters per sample, p/n
        Ratio = "ratio",
        /// The varied quantity itself, such as n or p
        Axis = "axis",
    }
}

/// The help of `--bootstrap` in a study without summary.csv.
pub const BAND_IN_FIGURES: Rule = Rule::Help(
    "bootstrap",
    "Number of bootstrap resamples for the 95 % band in figures of --statistic mean; 0 omits the band",
);

impl RunArgs {
    /// The defaults of a study with n or p held fixed: the varying one is the better horizontal axis.
    pub fn over_axis() -> Self {
        Self { x: Abscissa::Axis, ..Self::default() }
    }

    /// Returns the folder `name` for results, as [`ShardArgs::make_folder`] prepares it.
    pub fn make_folder(&self, name: &str, shards: &ShardArgs) -> Result<PathBuf, Error> {
        let folder = self.out.join(name);
        shards.make_folder(&folder)?;
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

    /// The test errors of a surface of one arm, in the middle that `--statistic` requests.
    pub fn middles(&self, surface: &Surface) -> Result<Array2<f64>, Error> {
        match self.statistic {
            Statistic::Median => surface.medians(0, Metric::TestMse),
            Statistic::Mean => surface.means(0, Metric::TestMse),
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
