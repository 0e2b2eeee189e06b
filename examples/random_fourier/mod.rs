//! Double descent of random Fourier features, as Belkin et al. (2019) and Nakkiran et al. (2019, appendix D) show
//! it: minimum-norm regression of one-hot classes of Fashion-MNIST on cos(Wx + b), over the number of features at a
//! fixed number of images, and over the number of images at a fixed number of features.
//!
//! Run: `cargo run --release --example random_fourier`. Without the images (`--data-dir`, or the variable
//! DOUBLE_DESCENT_DATA) the classes are those of a random network on normal inputs.

#![allow(clippy::doc_markdown)] // doc comments are help texts

use crate::common::closing;
use crate::common::figures::options;
use crate::common::flags::{Failure, Program, flags, refused};
use crate::common::random_features::{self, InputArgs};
use crate::common::{RunArgs, Sizes, report_failures, say, shards};
use double_descent::Error;
use double_descent::curve::{Curve, Metric, Surface};
use double_descent::plot::{Figure, Overlay, study};
use double_descent::sweep::{Splits, Sweep};
use double_descent::theory::TheoryLine;
use double_descent::theory::drawn_features::DrawnFeatures;

flags! {
    /// Model-wise and sample-wise double descent of random Fourier features. Writes
    /// OUT/random_fourier/{features,samples}_{cells,summary}.csv and figures.
    pub struct Cli {
        /// Numbers of features of the model-wise curve, numbers and ranges as in 50..4000:50
        features: Sizes = Sizes::of(SIZES), "SIZES";
        /// Training images of the model-wise curve
        n: usize = 1000, "N";
        /// Numbers of training images of the sample-wise curve
        samples: Sizes = Sizes::of(SIZES), "SIZES";
        /// Features of the sample-wise curve
        p: usize = 1000, "N";
        /// Draw the limit of the model-wise curve too, kernel ridgeless regression: an SVD of n × n for each training set
        infinite_width: bool = false, "";
        ..inputs: InputArgs = InputArgs::default();
        ..run: RunArgs = RunArgs::over_axis();
    }
}

/// Dense about the threshold.
const SIZES: &str = "10,20,35,50,75,100,150,200,300,400,500,600,700,800,850,900,940,970,990,1000,1010,1030,1060,\
                     1100,1150,1200,1300,1400,1600,2000,2500,3000,4000";

const COLUMNS: [(Metric, &str); 5] = [
    (Metric::TestMse, "test MSE"),
    (Metric::TestErrorRate, "test error"),
    (Metric::TrainMse, "train MSE"),
    (Metric::CoefficientNorm, "norm"),
    (Metric::SmallestSingularValue, "σ_min"),
];

impl Program for Cli {
    const NAME: &'static str = "random_fourier";

    fn run(&self) -> Result<(), Failure> {
        let folder = self.run.make_folder("random_fourier")?;
        let (features, samples) = (self.features.list.clone(), self.samples.list.clone());
        let largest = features.iter().copied().chain([self.p]).max().unwrap_or(0);
        let data = self.inputs.data(self.run.seed)?;
        if self.inputs.shards.has_results() {
            crate::common::inputs::claim(&folder, data.train.name())?;
        }
        let mut sweep = self.inputs.sweep(&data, largest, self.run.seed, self.run.threads)?;
        sweep.metrics.push(Metric::SmallestSingularValue);
        let (mut figures, mut failed) = (Vec::new(), 0);
        let studies = [("features", vec![self.n], features), ("samples", samples, vec![self.p])];
        for (name, samples, features) in studies {
            sweep = Sweep { samples, features, ..sweep };
            let place = shards::Place { out: &self.run.out, folder: &folder, name: Some(name) };
            let Some(cells) = shards::curve(&self.inputs.shards, place, name, &sweep)? else { continue };
            let curve = self.line(&sweep, cells, name)?;
            self.run.save_tables(&curve, &folder, &format!("{name}_"), &COLUMNS.map(|column| column.0))?;
            closing::every_point(&self.run, &curve, &COLUMNS)?;
            failed += report_failures(&curve);
            let theory = if name == "features" { self.theory(&sweep)? } else { None };
            figures.push((name, panels(&self.run, &curve, &sweep, theory)?));
        }
        if !self.inputs.shards.has_results() {
            return Ok(());
        }
        say!("written: {}: {{features,samples}}_{{cells,summary}}.csv", folder.display());
        if !self.run.no_figures {
            crate::common::figures::save(&self.run.print, &folder, figures)?;
        }
        match failed {
            0 => Ok(()),
            _ => refused(format!("{failed} repeats could not be computed")),
        }
    }
}

impl Cli {
    /// The mean test error over draws of the features, for the training set of the first repeat. Pairs are no independent
    /// features.
    fn theory(&self, sweep: &Sweep) -> Result<Option<TheoryLine>, Error> {
        if self.inputs.pairs || self.run.no_figures {
            return Ok(None);
        }
        let first = Sweep { splits: Splits::Drawn { repeats: 1, seed: self.run.seed }, ..sweep.clone() };
        let draws = first.drawn_features(&self.inputs.kernel()?, self.n, &())?;
        Ok(Some(DrawnFeatures::line(draws, Some(1), 0.0, 0.0)))
    }

    /// Cells as a curve over one of the axes.
    fn line(&self, sweep: &Sweep, cells: Curve, name: &str) -> Result<Curve, Error> {
        let surface = Surface::new(cells)?;
        let curve = match name {
            "samples" => surface.over_samples(sweep.features[0]),
            _ => surface.over_features(sweep.samples[0]),
        };
        // Without a cell: the failures say why.
        let curve = curve.unwrap_or_else(|| surface.cells().clone());
        if self.infinite_width && name == "features" {
            return curve.beside(sweep.infinite_width(self.inputs.kernel()?, &())?);
        }
        Ok(curve)
    }
}

/// One figure of four panels.
fn panels(args: &RunArgs, curve: &Curve, sweep: &Sweep, theory: Option<TheoryLine>) -> Result<Figure, Error> {
    let metrics: [&[Metric]; 4] = [
        &[Metric::TrainMse, Metric::TestMse],
        &[Metric::TestErrorRate],
        &[Metric::CoefficientNorm],
        &[Metric::SmallestSingularValue],
    ];
    let mut options = options(args);
    let has_theory = theory.is_some();
    options.theories.extend(theory.map(|line| Overlay::new(line).of_arm("min_norm", None)));
    let mut figure = study::panels(curve, &metrics, &options).drawn()?;
    figure.caption.extend([format!(" {}", random_features::describe(sweep))]);
    if has_theory {
        figure.caption.push_str(
            " Theory: the mean test error over draws of features, in closed form from the kernel matrix of the first training \
             set (n\u{a0}×\u{a0}n) and its test rows; features count as Gaussian variables of the kernel's covariance.",
        );
    }
    if curve.arms.len() > 1 {
        figure.caption.push_str(
            " Infinite width is kernel ridgeless regression, the limit p\u{a0}→\u{a0}∞; its norm is drawn over √p.",
        );
    }
    let title = match sweep.samples[..] {
        [_] => "Model-wise double descent of random Fourier features",
        _ => "Sample-wise double descent of random Fourier features",
    };
    Ok(figure.with_title(title).with_columns(2))
}
