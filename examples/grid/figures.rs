//! The maps with curves through them, and the theory of random features along those curves.

use super::{Cli, Up};
use crate::common::figures::{options, save as save_all};
use crate::common::flags::Failure;
use crate::common::random_features::{Data, describe, tests};
use crate::common::{announce_theory, closer_around};
use double_descent::Error;
use double_descent::curve::{Axis, Metric, Surface};
use double_descent::plot::{Figure, FigureOptions, Overlay, study};
use double_descent::sweep::{Source, Sweep};
use double_descent::theory::TheoryLine;
use std::path::Path;

/// Rows with more images than this get no theory, because each needs an SVD of `n × n`.
const LARGEST: f64 = 1600.0;

const THEORY: &str = " Theory, one line for each curve: the mean test error over draws of features, in closed form from \
                      the kernel matrix of the first training set; features count as Gaussian variables of the \
                      kernel's covariance. Lines break where it is infinite.";

/// Draws and saves the map of test errors with curves through it, and the map of error rates.
pub fn save(cli: &Cli, folder: &Path, of: (&Data, &Sweep), surface: &Surface) -> Result<(), Failure> {
    if cli.run.no_figures {
        return Ok(());
    }
    let ([errors, rates], title) = match cli.up {
        Up::Samples => (["plane", "error_rates"], "Test error over samples and features"),
        Up::Ridge => (["ridge", "ridge_error_rates"], "Test error over features and a ridge penalty"),
        Up::LabelNoise => (
            ["label_noise", "label_noise_error_rates"],
            "Test error over features and the share of wrong labels",
        ),
    };
    let options = options(&cli.run);
    let theories = theories(cli, of, surface)?;
    let (about, theory) = (describe(of.1), if theories.is_empty() { "" } else { THEORY });
    let until = match (cli.up, theory) {
        (Up::Samples, THEORY) if surface.row_values().iter().any(|n| *n > LARGEST) => {
            format!(" It goes up to n\u{a0}=\u{a0}{LARGEST}.")
        }
        _ => String::new(),
    };
    let map = study::surface(surface, 0, Metric::TestErrorRate, &options).drawn()?;
    let map = worded(map, title, &format!(" {about}"));
    let curves = FigureOptions { theories, ..options };
    let curves = study::slices(surface, 0, Metric::TestMse, &curves).drawn()?;
    let curves = worded(curves, title, &format!(" {about}{theory}{until}"));
    Ok(save_all(&cli.run.print, folder, [(errors, curves), (rates, map)])?)
}

fn worded(mut figure: Figure, title: &str, words: &str) -> Figure {
    figure.caption.push_str(words);
    figure.with_title(title)
}

/// The mean test error over draws of the features, along the curves drawn. Paired features are not independent, so
/// there it does not apply.
fn theories(cli: &Cli, (data, sweep): (&Data, &Sweep), surface: &Surface) -> Result<Vec<Overlay>, Error> {
    if cli.inputs.pairs {
        return Ok(Vec::new());
    }
    let rows = surface.row_values();
    let is_plane = cli.up == Up::Samples;
    let sizes: Vec<usize> = match cli.up {
        Up::Samples => rows.iter().filter(|n| **n <= LARGEST).map(|n| whole(*n)).collect(),
        Up::Ridge => vec![sweep.samples[0]],
        Up::LabelNoise => vec![sweep.samples[0]; rows.len()],
    };
    announce_theory(&sizes, tests(sweep));
    // The test error of every row at every number of features.
    let (mut known, mut draw) = (Vec::new(), None);
    for &row in rows.iter().filter(|row| !is_plane || **row <= LARGEST) {
        let n = if is_plane { whole(row) } else { sweep.samples[0] };
        if draw.is_none() || cli.up != Up::Ridge {
            draw =
                Some(cli.inputs.before_features(&trained_on(cli, (data, sweep), row)?, n, cli.run.seed)?);
        }
        let penalty = if cli.up == Up::Ridge { row } else { 0.0 };
        let Some(draw) = &draw else { continue };
        let at = |p: usize| Ok((p as f64, draw.at(p as f64, penalty / p as f64)?.total()));
        let columns = closer_around(n, surface.features()).into_iter();
        known.push((row, columns.map(at).collect::<Result<Vec<(f64, f64)>, Error>>()?));
    }
    let line = |points: Vec<(f64, f64)>, axis: Axis| {
        Overlay::new(TheoryLine::through("Mean over features", "Jacot et al. 2020", points)).along(axis)
    };
    let (up, right) = (study::slice_values(&rows), study::slice_values(&surface.column_values()));
    let along_columns = known.iter().filter(|(row, _)| up.contains(row)).map(|(row, errors)| {
        let line = line(errors.clone(), surface.columns());
        match surface.cells().arms.iter().find(|arm| arm.setting == Some(*row)) {
            Some(arm) => line.of_arm(&*arm.name, arm.setting),
            None => line.at(whole(*row)),
        }
    });
    let along_rows = right.iter().map(|p| {
        let at = |(row, errors): &(f64, Vec<(f64, f64)>)| {
            errors.iter().find(|point| point.0 == *p).map(|point| (*row, point.1))
        };
        let line = line(known.iter().filter_map(at).collect(), surface.rows());
        if is_plane { line.at(whole(*p)) } else { line }
    });
    Ok(along_columns.chain(along_rows).collect())
}

/// The sweep with the training targets of a row.
fn trained_on(cli: &Cli, (data, sweep): (&Data, &Sweep), row: f64) -> Result<Sweep, Error> {
    if cli.up != Up::LabelNoise {
        return Ok(sweep.clone());
    }
    let train = data.train.with_label_noise(row, cli.run.seed)?.dataset()?;
    Ok(Sweep { source: Source::TrainTest { train, test: data.test.dataset()? }, ..sweep.clone() })
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a number of rows or columns
fn whole(count: f64) -> usize {
    count as usize
}
