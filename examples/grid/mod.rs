//! The plane of double descent: the test error of random Fourier features over the number of training images and the
//! number of features, with its ridge at n = p, and curves through it (Nakkiran et al. 2019, appendix D, figure 14); or,
//! at one number of images, over the number of features and a ridge penalty or a share of noisy labels.
//!
//! Run: `cargo run --release --example grid`. Without the images (`--data-dir`, or the variable
//! DOUBLE_DESCENT_DATA) the classes are those of a random network on normal inputs.

#![allow(clippy::cast_precision_loss)] // counts of rows and columns
#![allow(clippy::doc_markdown)] // doc comments are help texts

use crate::common::closing;
use crate::common::figures::options;
use crate::common::flags::{Failure, Program, Rule, choices, flags, refused, usage};
use crate::common::random_features::{self, Data, InputArgs};
use crate::common::{RunArgs, Sizes, report_failures, say, shards};
use double_descent::Error;
use double_descent::curve::{Axis, Curve, Metric, Surface};
use double_descent::plot::{Figure, study};
use double_descent::sweep::{Arm, Sweep};

flags! {
    /// The n × p plane of random Fourier features. Writes OUT/grid/cells.csv and figures.
    pub struct Cli {
        /// What goes up the plane
        rows: Rows = Rows::Samples, "WHAT";
        /// Numbers of training images for --rows samples, numbers and ranges [default: 200..4000:200]
        samples: Option<Sizes> = None, "SIZES";
        /// Training images for --rows ridge and label-noise [default: 1000]
        n: Option<usize> = None, "N";
        /// Numbers of features [default: 200..4000:200; for --rows ridge and label-noise finer around n]
        features: Option<Sizes> = None, "SIZES";
        /// Ridge penalties, or shares of training labels that are wrong, for --rows ridge and label-noise [default: 10⁻⁴ to
        /// 10³; 0 to 0.4]
        levels: Vec<f64> = Vec::new(), "VALUES";
        ..inputs: InputArgs = InputArgs::default();
        ..run: RunArgs = RunArgs::default();
    }
}

choices! {
    /// The vertical axis of the plane.
    pub enum Rows {
        /// The number of training images
        Samples = "samples",
        /// The penalty of ridge regression
        Ridge = "ridge",
        /// The share of training labels that are wrong
        LabelNoise = "label-noise",
    }
}

impl Program for Cli {
    const NAME: &'static str = "grid";
    const RULES: &'static [Rule] = &[
        // The plane has both axes, and its tables no summary.
        Rule::Without("x"),
        Rule::Help("statistic", "What the colours and the curves show"),
        Rule::Help("bootstrap", "Bootstrap resamples for the 95 % band of --statistic mean; 0 leaves it out"),
    ];

    fn run(&self) -> Result<(), Failure> {
        let unused = match (self.rows, self.n, &self.samples) {
            (Rows::Samples, Some(_), _) => {
                Some("--n: the plane of --rows samples lists its training images in --samples")
            }
            (Rows::Samples, ..) if !self.levels.is_empty() => {
                Some("--levels: these are for --rows ridge and label-noise")
            }
            (Rows::Ridge | Rows::LabelNoise, _, Some(_)) => {
                Some("--samples: this is for --rows samples; others have one --n")
            }
            _ => None,
        };
        if let Some(reason) = unused {
            return usage(reason);
        }
        let folder = self.run.make_folder("grid")?;
        let data = self.inputs.data(self.run.seed)?;
        if self.inputs.shards.has_results() {
            crate::common::inputs::claim(&folder, data.train.name())?;
        }
        let sweep = self.sweep(&data)?;
        let place = shards::Place { out: &self.run.out, folder: &folder, name: None };
        let Some(curve) = shards::curve(&self.inputs.shards, place, "grid", &sweep)? else { return Ok(()) };
        crate::common::keep_folder(&folder)?;
        curve.save_cells(&folder.join("cells.csv"))?;
        let failed = report_failures(&curve);
        if failed > 0 {
            return refused(format!("{failed} repeats could not be computed"));
        }
        let surface = self.surface(curve)?;
        closing::ridge(&self.run, &surface)?;
        say!("written: {}: cells.csv", folder.display());
        if !self.run.no_figures {
            crate::common::figures::save(&self.run.print, &folder, self.figures(&surface, &sweep)?)?;
        }
        Ok(())
    }
}

impl Cli {
    fn sweep(&self, data: &Data) -> Result<Sweep, Error> {
        let n = self.n.unwrap_or(1000);
        let finer =
            [0.85, 0.9, 0.94, 0.97, 0.99, 1.0, 1.01, 1.03, 1.06, 1.1, 1.15].map(|r| (r * n as f64).round());
        let steps = || (1..=20).map(|i| 200 * i).collect::<Vec<usize>>();
        let mut features = self.features.as_ref().map_or_else(steps, |sizes| sizes.list.clone());
        if self.features.is_none() && self.rows != Rows::Samples {
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // rounded and positive
            features.extend(finer.map(|p| (p as usize).max(1)));
            features.sort_unstable();
            features.dedup();
        }
        let mut levels = self.levels.clone();
        if levels.is_empty() {
            levels = match self.rows {
                Rows::Ridge => (-8..=6).map(|i| 10f64.powf(f64::from(i) / 2.0)).collect(),
                _ => (0..=8).map(|i| 0.05 * f64::from(i)).collect(),
            };
        }
        levels.sort_by(f64::total_cmp);
        let noisy = |&level: &f64| {
            let targets = data.train.with_label_noise(level, self.run.seed)?.one_hot()?;
            Ok(Arm::min_norm().trained_on(Some(level), targets))
        };
        let arms = match self.rows {
            Rows::Samples => vec![Arm::min_norm()],
            Rows::Ridge => levels.iter().map(|&level| Arm::ridge(level)).collect::<Result<_, Error>>()?,
            Rows::LabelNoise => levels.iter().map(noisy).collect::<Result<_, Error>>()?,
        };
        let samples = match &self.samples {
            Some(sizes) => sizes.list.clone(),
            None if self.rows == Rows::Samples => steps(),
            None => vec![n],
        };
        let largest = features.iter().copied().max().unwrap_or(0);
        let sweep = self.inputs.sweep(data, largest, self.run.seed, self.run.threads)?;
        Ok(Sweep { samples, features, arms, ..sweep })
    }

    fn surface(&self, curve: Curve) -> Result<Surface, Error> {
        match self.rows {
            Rows::Samples => Surface::new(curve),
            Rows::Ridge => Surface::of_family(&curve, "ridge", Axis::Penalty),
            Rows::LabelNoise => Surface::of_family(&curve, "min_norm", Axis::LabelNoise),
        }
    }

    /// The plane of test errors with curves through it, and that of error rates.
    fn figures(&self, surface: &Surface, sweep: &Sweep) -> Result<[(&'static str, Figure); 2], Error> {
        let options = options(&self.run);
        let (name, title) = match self.rows {
            Rows::Samples => (["plane", "error_rates"], "Double descent over samples and features"),
            Rows::Ridge => (["ridge", "ridge_error_rates"], "A penalty takes the peak away"),
            Rows::LabelNoise => (["label_noise", "label_noise_error_rates"], "Wrong labels raise the peak"),
        };
        let rates = study::surface(surface, 0, Metric::TestErrorRate, &options).drawn()?;
        let figures = [study::slices(surface, 0, Metric::TestMse, &options).drawn()?, rates];
        let about = random_features::describe(sweep);
        let worded = |figure: Figure, name| {
            let caption = format!("{} {about}", figure.caption);
            (name, Figure { caption, ..figure }.with_title(title))
        };
        let [errors, rates] = figures;
        Ok([worded(errors, name[0]), worded(rates, name[1])])
    }
}
