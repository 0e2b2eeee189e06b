//! The plane of double descent: the test error of random Fourier features over the numbers of training images and
//! features, with its ridge at n = p, and curves through it (Nakkiran et al. 2019, appendix D, figure 14); or,
//! at one number of images, over the number of features and a ridge penalty or a share of noisy labels.
//!
//! Run: `cargo run --release --example grid`. Without the images (`--data-dir`) the classes come from a random network.

mod figures;

use crate::common::flags::{Failure, Program, Rule, choices, flags, usage};
use crate::common::random_features::{Data, InputArgs};
use crate::common::{
    BAND_IN_FIGURES, RunArgs, Sizes, all_computed, check_not_negative, check_shares, closer_around, closing,
    keep_folder, say, shards,
};
use double_descent::Error;
use double_descent::curve::{Axis, Surface};
use double_descent::sweep::{Arm, Sweep};

flags! {
    /// Random Fourier features over the n × p plane. Writes OUT/grid/cells.csv and figures.
    pub struct Cli {
        /// Vertical axis of the plane
        up: Up = Up::Samples, "WHAT";
        /// Numbers of training images for --up samples: numbers and ranges [default: 200 to 4000 in 50 steps of 6 %]
        samples: Option<Sizes> = None, "SIZES";
        /// Number of training images for --up ridge and label-noise [default: 1000]
        n: Option<usize> = None, "N";
        /// Numbers of features p [default: 200 to 4000 in 50 steps of 6 %, or 200..4000:200, denser around n, for --up
        /// ridge and label-noise]
        features: Option<Sizes> = None, "SIZES";
        /// Ridge penalties for --up ridge [default: 10⁻⁴ to 10³], or shares of wrong training labels for --up
        /// label-noise [default: 0 to 0.4]
        levels: Vec<f64> = Vec::new(), "VALUES";
        ..inputs: InputArgs = InputArgs::default();
        ..run: RunArgs = RunArgs::default();
    }
}

choices! {
    /// The vertical axis of the plane.
    pub enum Up {
        /// The number of training images
        Samples = "samples",
        /// The ridge penalty
        Ridge = "ridge",
        /// The share of wrong training labels
        LabelNoise = "label-noise",
    }
}

impl Program for Cli {
    const NAME: &'static str = "grid";
    const RULES: &'static [Rule] = &[
        // The plane uses both axes, and its tables have no summary.
        Rule::Without("x"),
        // Legends of maps are always on the right.
        Rule::Without("legend"),
        Rule::Help("statistic", "Statistic shown by the colours and the curves"),
        BAND_IN_FIGURES,
    ];

    fn run(&self) -> Result<(), Failure> {
        match (self.up == Up::Samples, self.n, &self.samples, &self.levels[..]) {
            (true, Some(_), ..) => {
                return usage("--n: the plane of --up samples lists its training images in --samples");
            }
            (true, _, _, [_, ..]) => return usage("--levels: these are for --up ridge and label-noise"),
            (false, _, Some(_), _) => {
                return usage("--samples: this is for --up samples; others have one --n");
            }
            _ => {}
        }
        match self.up {
            Up::Samples => {}
            Up::Ridge => check_not_negative("levels", &self.levels)?,
            Up::LabelNoise => check_shares("levels", &self.levels)?,
        }
        let (folder, data) = self.inputs.begin(&self.run, "grid")?;
        let sweep = self.sweep(&data)?;
        let place = shards::Place { out: &self.run.out, folder: &folder, name: None };
        let Some(curve) = shards::curve(&self.inputs.shards, place, "grid", &sweep)? else { return Ok(()) };
        keep_folder(&folder)?;
        curve.save_cells(folder.join("cells.csv"))?;
        all_computed(&curve)?;
        let surface = match self.up {
            Up::Samples => Surface::new(curve),
            Up::Ridge => Surface::of_family(&curve, "ridge", Axis::Penalty),
            Up::LabelNoise => Surface::of_family(&curve, "min_norm", Axis::LabelNoise),
        }?;
        closing::ridge(&self.run, &surface)?;
        say!("written: {}: cells.csv", folder.display());
        figures::save(self, &folder, (&data, &sweep), &surface)
    }
}

impl Cli {
    fn sweep(&self, data: &Data) -> Result<Sweep, Error> {
        let levels = |or: Vec<f64>| {
            let mut levels = if self.levels.is_empty() { or } else { self.levels.clone() };
            levels.sort_unstable_by(f64::total_cmp);
            levels
        };
        let penalties = || levels((-8..=6).map(|i| 10f64.powf(f64::from(i) / 2.0)).collect());
        let shares = || levels((0..=8).map(|i| 0.05 * f64::from(i)).collect());
        let arms = match self.up {
            Up::Samples => vec![Arm::min_norm()],
            Up::Ridge => penalties().into_iter().map(Arm::ridge).collect::<Result<_, Error>>()?,
            Up::LabelNoise => Arm::of_noisy_labels(&data.train, shares(), self.run.seed)?,
        };
        let n = self.n.unwrap_or(1000);
        let (samples, features) = match self.up {
            Up::Samples => (even_ratios(), even_ratios()),
            _ => (vec![n], closer_around(n, (1..=20).map(|i| 200 * i))),
        };
        let given = |sizes: &Option<Sizes>, or| sizes.as_ref().map_or(or, |sizes| sizes.list.clone());
        let sizes = (given(&self.samples, samples), given(&self.features, features));
        Ok(Sweep { arms, ..self.inputs.over(data, &self.run, sizes)? })
    }
}

/// The sizes of the plane: 200 to 4000 in ratios of 1.06, so that the ridge n = p is equally narrow for few and for
/// many images.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // rounded, positive and small
fn even_ratios() -> Vec<usize> {
    (0..=50).map(|k| (200.0 * 20.0_f64.powf(f64::from(k) / 50.0)).round() as usize).collect()
}
