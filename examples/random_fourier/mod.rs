//! Double descent of random Fourier features, as shown by Belkin et al. (2019) and Nakkiran et al. (2019, appendix D):
//! minimum-norm regression of one-hot classes of Fashion-MNIST on cos(Wx + b), over the number of features at a
//! fixed number of images, and over the number of images at a fixed number of features.
//!
//! Run: `cargo run --release --example random_fourier`. Without the images (`--data-dir`, or the variable
//! `DOUBLE_DESCENT_DATA`), the classes come from a random network on normal inputs.

mod figures;

use crate::common::closing;
use crate::common::flags::{Failure, Program, flags, refused};
use crate::common::random_features::InputArgs;
use crate::common::{RunArgs, Sizes, counted, report_failures, say, shards};
use double_descent::Error;
use double_descent::curve::{Curve, Metric, Surface};
use double_descent::sweep::Sweep;

flags! {
    /// Model-wise and sample-wise double descent of random Fourier features. Writes
    /// OUT/random_fourier/{features,samples}_{cells,summary}.csv and figures.
    pub struct Cli {
        /// Numbers of features p for the model-wise curve: numbers and ranges, as in 50..4000:50
        features: Sizes = Sizes::of(SIZES), "SIZES";
        /// Number of training images n for the model-wise curve
        n: usize = 1000, "N";
        /// Numbers of training images for the sample-wise curve
        samples: Sizes = Sizes::of(SIZES), "SIZES";
        /// Number of features p for the sample-wise curve
        p: usize = 1000, "N";
        /// Also write the limit of the model-wise curve, ridgeless kernel regression, to its tables; the figure always
        /// shows it
        infinite_width: bool = false, "";
        ..inputs: InputArgs = InputArgs::default();
        ..run: RunArgs = RunArgs::over_axis();
    }
}

/// Sizes, denser around the threshold.
const SIZES: &str = "10,20,35,50,75,100,150,200,300,400,500,600,700,800,850,900,940,970,990,1000,1010,1030,1060,\
                     1100,1150,1200,1300,1400,1600,2000,2500,3000,4000";

const COLUMNS: [(Metric, &str); 6] = [
    (Metric::TestMse, "test MSE"),
    (Metric::TestErrorRate, "test error rate"),
    (Metric::TrainMse, "train MSE"),
    (Metric::TrainErrorRate, "train error rate"),
    (Metric::CoefficientNorm, "norm"),
    (Metric::SmallestSingularValue, "σ_min"),
];

impl Program for Cli {
    const NAME: &'static str = "random_fourier";

    fn run(&self) -> Result<(), Failure> {
        let (folder, data) = self.inputs.begin(&self.run, "random_fourier")?;
        let (features, samples) = (self.features.list.clone(), self.samples.list.clone());
        data.check_samples(&[("n", &[self.n]), ("samples", &samples)])?;
        let largest = features.iter().copied().chain([self.p]).max().unwrap_or(0);
        let mut sweep = self.inputs.sweep(&data, largest, self.run.seed, self.run.threads)?;
        sweep.metrics.extend([Metric::SmallestSingularValue, Metric::TrainErrorRate]);
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
            if !self.run.no_figures {
                figures.push((name, figures::panels(self, curve, &sweep)?));
            }
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
            _ => refused(format!("{} could not be computed", counted(failed, "repeat"))),
        }
    }
}

impl Cli {
    /// The cells as a curve over one of the axes.
    fn line(&self, sweep: &Sweep, cells: Curve, name: &str) -> Result<Curve, Error> {
        let surface = Surface::new(cells)?;
        let curve = match name {
            "samples" => surface.over_samples(sweep.features[0]),
            _ => surface.over_features(sweep.samples[0]),
        };
        // Without cells, keep the surface's: its failures say why.
        let curve = curve.unwrap_or_else(|| surface.cells().clone());
        if self.infinite_width && name == "features" {
            return curve.beside(sweep.infinite_width(self.inputs.kernel()?, &())?);
        }
        Ok(curve)
    }
}
