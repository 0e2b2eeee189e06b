//! Errors on clean labels, level by level of noise.

use super::Cli;
use crate::common::figures::options;
use double_descent::Error;
use double_descent::curve::{Curve, Metric};
use double_descent::plot::{Figure, study};

pub fn errors(cli: &Cli, curve: &Curve, reached: &[Option<usize>]) -> Result<Figure, Error> {
    let (error, rate) = ([Metric::TestMse], [Metric::TestErrorRate]);
    let mut figure = study::panels(curve, &[&error, &rate], &options(&cli.run)).drawn()?;
    let n = usize::from(cli.samples);
    let noisiest = 100.0 * cli.label_noise.last().copied().unwrap_or(0.0);
    let words = match reached.last().copied().flatten() {
        Some(p) => format!("from p\u{a0}=\u{a0}{p} on, at {noisiest}\u{a0}% wrong labels"),
        None => "at none of these p".into(),
    };
    for panel in &mut figure.panels {
        panel.groups[0].heading = "Share of wrong training labels".into();
    }
    figure.caption.extend([format!(
        " One-hot labels, some of them wrong in training; test labels are clean. The effective model complexity, the \
         largest number of samples with a mean squared training error up to ε\u{a0}=\u{a0}{:e}, reaches \
         n\u{a0}=\u{a0}{n} {words}.",
        cli.epsilon
    )]);
    let title = "Wrong labels raise the error, and the peak stands where interpolation begins";
    Ok(figure.with_columns(2).with_width(1000.0).with_title(title))
}
