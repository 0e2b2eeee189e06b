//! Flatness of a minimum along the number of features p and along training time t, and under reparametrisation. What a
//! linear model cannot show: a trace of the Hessian or of the Fisher matrix that reacts to the threshold or changes in
//! training. What it does show: the smallest curvature and the volume at p = n, gradient noise that falls in training,
//! and that one and the same function can be arbitrarily sharp (Dinh et al. 2017).
//!
//! Run: `cargo run --release --example flatness`

#![allow(clippy::cast_precision_loss)] // counts of rows and columns
mod figures;
mod study;

use crate::common::flags::{Count, Failure, Program, flags};
use crate::common::table::{Table, row};
use crate::common::{PrintArgs, Sizes, around_threshold, check_noise, make_folder, save_table, say};
use double_descent::Error;
use std::path::{Path, PathBuf};
use study::{Place, QUANTITIES, Scales, Study, Training};

flags! {
    /// Curvature, gradient noise and sharpness over p, over training time and under reparametrisation. Writes
    /// OUT/flatness/{features,training,scales}.csv and figures.
    pub struct Cli {
        /// Number of training samples n for curves over p; inputs have 8n dimensions
        samples: Count<8, 2000> = Count(50), "N";
        /// Numbers of features p (the first p inputs) [default: n/20 to 8n, denser around n]
        sizes: Option<Sizes> = None, "SIZES";
        /// Standard deviation of the label noise; noise-free targets have standard deviation 1
        noise: f64 = 0.5, "DEVIATION";
        /// Number of training sets for curves over p; curves over training time use an eighth of them
        repeats: Count<8> = Count(80), "N";
        /// Seed for all random draws
        seed: u64 = 0, "SEED";
        /// Number of threads; results do not depend on it [default: all]
        threads: Option<usize> = None, "N";
        /// Write tables only, no figures
        no_figures: bool = false, "";
        /// Folder for the results
        out: PathBuf = "results".into(), "DIR";
        ..print: PrintArgs = PrintArgs::default();
    }
}

impl Program for Cli {
    const NAME: &'static str = "flatness";

    fn run(&self) -> Result<(), Failure> {
        run(self)
    }
}

fn run(cli: &Cli) -> Result<(), Failure> {
    check_noise(cli.noise)?;
    let samples = usize::from(cli.samples);
    let study = Study {
        samples,
        features: cli.sizes.as_ref().map_or_else(|| around_threshold(samples), |sizes| sizes.list.clone()),
        noise: cli.noise,
        repeats: cli.repeats.into(),
        seed: cli.seed,
        threads: cli.threads,
    };
    study.check()?;
    let folder = cli.out.join("flatness");
    make_folder(&folder)?;
    let (places, training, scales) = (study.along_features()?, study.training()?, study.scales()?);
    save(&folder, &places, &training, &scales)?;
    closing_table(&study, &places);
    say!("written: {}: {{features,training,scales}}.csv", folder.display());
    if !cli.no_figures {
        let figures = [
            ("features", figures::features(&study, &places)?),
            ("training", figures::training(&study, &training)),
            ("reparametrisation", figures::reparametrisation(&study, &scales)),
        ];
        crate::common::figures::save(&cli.print, &folder, figures)?;
    }
    Ok(())
}

fn save(folder: &Path, places: &[Place], training: &[Training], scales: &[Scales]) -> Result<(), Error> {
    let texts = |numbers: &[f64]| numbers.iter().map(ToString::to_string).collect::<Vec<_>>();
    let mut header = vec!["p".to_owned()];
    header.extend(QUANTITIES.iter().flat_map(|q| ["q25", "median", "q75"].map(|s| format!("{}_{s}", q.0))));
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let of_place =
        |place: &Place| [vec![place.p.to_string()], texts(place.quartiles.as_flattened())].concat();
    save_table(&folder.join("features.csv"), &header, places.iter().map(of_place).collect())?;
    let header = ["time", "excess", "train_mse", "gradient_noise", "fisher_trace"];
    let of_time =
        |at: &Training| texts(&[at.time, at.excess, at.train_mse, at.gradient_noise, at.fisher_trace]);
    save_table(&folder.join("training.csv"), &header, training.iter().map(of_time).collect())?;
    let header = ["p", "scale", "trace", "largest_eigenvalue", "normalised_sharpness", "excess"];
    let of_scales = |fit: &Scales| {
        let of_scale = |&[scale, trace, largest]: &[f64; 3]| {
            [vec![fit.p.to_string()], texts(&[scale, trace, largest, fit.normalised, fit.excess])].concat()
        };
        fit.points.iter().map(of_scale).collect::<Vec<_>>()
    };
    save_table(&folder.join("scales.csv"), &header, scales.iter().flat_map(of_scales).collect())
}

fn closing_table(study: &Study, places: &[Place]) {
    let title = format!("n = {}: medians over {} training sets", study.samples, study.repeats);
    let columns = std::iter::once("p".to_owned()).chain(QUANTITIES.iter().map(|q| q.0.replace('_', " ")));
    let mut table = Table::new(title, columns);
    for place in places {
        let medians = place.quartiles.iter().map(|quartiles| quartiles[1].into());
        table.push(std::iter::once(place.p.into()).chain(medians).collect());
    }
    table.print();
    let mut table =
        Table::new("at p = n", ["quantity", "over that at the fewest p", "over that at the most p"]);
    let at =
        |index: usize| places.iter().find(|place| place.p == study.samples).map(|p| p.quartiles[index][1]);
    for (index, quantity) in QUANTITIES.iter().enumerate() {
        let is_log = quantity.0 == "mean_log_curvature";
        let over = |place: Option<&Place>| {
            let (here, there) = (at(index)?, place?.quartiles[index][1]);
            Some(if is_log { (here - there).exp() } else { here / there })
        };
        let name = if is_log { "exp of mean log curvature" } else { quantity.0 };
        row!(table, name.replace('_', " "), over(places.first()), over(places.last()));
    }
    table.print();
}
