//! The plane of double descent: the test error of random Fourier features over the number of training images and the
//! number of features, with its ridge at n = p, and two slices through it (Nakkiran et al. 2019, appendix D, figure
//! 14); or, at one number of images, over the number of features and a ridge penalty or a share of noisy labels.
//!
//! Run: `cargo run --release --example grid`. Without the images (`--data-dir`, or the variable
//! DOUBLE_DESCENT_DATA) the classes are those of a random network on normal inputs.

#![allow(clippy::cast_precision_loss)] // counts of rows and columns
#![allow(clippy::doc_markdown)] // doc comments are help texts

mod figures;

use crate::common::flags::{Failure, Program, Rule, choices, flags};
use crate::common::random_features::{self, InputArgs};
use crate::common::table::{Item, Table, row};
use crate::common::{RunArgs, Sizes, report_failures, say, shards};
use double_descent::Error;
use double_descent::curve::{Metric, Surface};
use double_descent::sweep::Arm;

flags! {
    /// The n × p plane of random Fourier features. Writes OUT/grid/cells.csv and figures.
    pub struct Cli {
        /// What goes up the plane
        rows: Rows = Rows::Samples, "WHAT";
        /// Numbers of training images for --rows samples, numbers and ranges as in 200..4000:200
        samples: Sizes = Sizes::of("200..4000:200"), "SIZES";
        /// Training images for --rows ridge and label-noise
        n: usize = 1000, "N";
        /// Numbers of features
        features: Sizes = Sizes::of("200..4000:200"), "SIZES";
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
        Rule::Help("statistic", "What the lines of the slices through the plane of --rows samples show"),
        Rule::Help("bootstrap", "Bootstrap resamples for the 95 % band of --statistic mean; 0 leaves it out"),
    ];

    fn run(&self) -> Result<(), Failure> {
        run(self)
    }
}

fn run(cli: &Cli) -> Result<(), Failure> {
    let folder = cli.run.make_folder("grid")?;
    let features = cli.features.list.clone();
    let largest = features.iter().copied().max().unwrap_or(0);
    let data = cli.inputs.data(cli.run.seed)?;
    if cli.inputs.shards.has_results() {
        crate::common::inputs::claim(&folder, data.train.name())?;
    }
    let mut levels = cli.levels.clone();
    if levels.is_empty() {
        levels = match cli.rows {
            Rows::Ridge => (-8..=6).map(|i| 10f64.powf(f64::from(i) / 2.0)).collect(),
            _ => (0..=8).map(|i| 0.05 * f64::from(i)).collect(),
        };
    }
    levels.sort_by(f64::total_cmp);
    let arms = match cli.rows {
        Rows::Samples => vec![Arm::min_norm()],
        Rows::Ridge => levels.iter().map(|&level| Arm::ridge(level)).collect::<Result<_, Error>>()?,
        Rows::LabelNoise => levels
            .iter()
            .map(|&level| {
                let noisy = data.train.with_label_noise(level, cli.run.seed)?;
                Ok(Arm::min_norm().trained_on(Some(level), noisy.one_hot()?))
            })
            .collect::<Result<_, Error>>()?,
    };
    let mut sweep = cli.inputs.sweep(&data, largest, cli.run.seed, cli.run.threads)?;
    (sweep.arms, sweep.features) = (arms, features);
    sweep.samples = if cli.rows == Rows::Samples { cli.samples.list.clone() } else { vec![cli.n] };
    let place = shards::Place { out: &cli.run.out, folder: &folder, name: None };
    let Some(curve) = shards::curve(&cli.inputs.shards, place, "grid", &sweep)? else { return Ok(()) };
    let surface = Surface::new(curve)?;
    crate::common::keep_folder(&folder)?;
    surface.save_cells(&folder.join("cells.csv"))?;
    let failed = report_failures(surface.cells());
    if failed > 0 {
        return Err(Error::Resource { reason: format!("{failed} repeats could not be computed") }.into());
    }
    closing_table(cli, &surface, &levels)?;
    say!("written: {}: cells.csv", folder.display());
    if !cli.run.no_figures {
        let about = random_features::describe(&sweep);
        let figure = match cli.rows {
            Rows::Samples => ("plane", figures::plane(&cli.run, &surface, &about)?),
            Rows::Ridge => ("ridge", figures::settings(&surface, cli.rows, &levels, &about)),
            Rows::LabelNoise => ("label_noise", figures::settings(&surface, cli.rows, &levels, &about)),
        };
        crate::common::figures::save(&cli.run.print, &folder, [figure])?;
    }
    Ok(())
}

/// For every row of the plane the p with the highest test error, and how high it is.
fn closing_table(cli: &Cli, surface: &Surface, levels: &[f64]) -> Result<(), Error> {
    let features = surface.features();
    let (name, labels, medians): (_, Vec<Item>, _) = if cli.rows == Rows::Samples {
        let samples = surface.samples().into_iter().map(Item::from).collect();
        ("n", samples, surface.medians(0, Metric::TestMse)?)
    } else {
        let levels = levels.iter().copied().map(Item::from).collect();
        ("setting", levels, surface.medians_of_arms(cli.n, Metric::TestMse))
    };
    let columns = [name, "highest at p", "median MSE", "at the last p"];
    let mut table = Table::new("Test error over the number of features", columns);
    for (label, row) in labels.into_iter().zip(medians.rows()) {
        let highest = (0..row.len()).fold(0, |best, i| if row[i] > row[best] { i } else { best });
        row!(table, label, features[highest], row[highest], row[row.len() - 1]);
    }
    table.print();
    Ok(())
}
