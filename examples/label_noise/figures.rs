//! Squared error and error rate over p, by label noise.

use super::study::{Study, percent};
use crate::common::figures::{describe, line};
use crate::common::{Abscissa, RunArgs};
use double_descent::Error;
use double_descent::curve::{Curve, Metric, Summary};
use double_descent::plot::{Figure, Group, Hue, Panel, PanelAxis};

pub fn errors(
    args: &RunArgs,
    study: &Study,
    curve: &Curve,
    complexity: &[Option<usize>],
) -> Result<Figure, Error> {
    let ratio = args.x == Abscissa::Ratio;
    let n = study.samples;
    let place = |p: usize| p as f64 / if ratio { n as f64 } else { 1.0 };
    let group = |metric: Metric| -> Result<Group, Error> {
        let summaries = curve.summaries(metric, args.bootstrap())?;
        let mut group = Group::new("Wrong training labels", Hue::Vermillion);
        for (arm, &noise) in study.noise.iter().enumerate() {
            let label = percent(noise);
            let of_arm = summaries.iter().filter(|s| s.arm == arm);
            group = group.with_series(line(args, label, of_arm, |s: &Summary| place(s.p), |_| 1.0));
        }
        Ok(group)
    };
    let label = if ratio { "p / n" } else { "Number of features p" };
    // The noisiest labels ask for most.
    let reached = complexity.last().copied().flatten();
    let panel = |title: &str, y: PanelAxis, group: Group| {
        let panel = Panel::new(PanelAxis::log10(label), y).with_title(title).with_group(group);
        match reached {
            Some(p) => panel.with_marker(place(p), format!("EMC = n = {n}")),
            None => panel,
        }
    };
    let lines = describe(args, curve.repeats());
    let reached = match reached {
        Some(p) => format!(
            "from p\u{a0}=\u{a0}{p} on, at {} wrong labels",
            percent(study.noise.last().copied().unwrap_or(0.0))
        ),
        None => "at none of these p".into(),
    };
    let caption = format!(
        "Minimum-norm least squares of one-hot labels on p random Fourier features of {}, n\u{a0}=\u{a0}{n} training rows, some with a wrong \
         label; test errors on clean labels, {}. {lines} (seed {}). EMC\u{a0}=\u{a0}n: the \
         effective model complexity, the largest number of samples with a mean squared training error up to \
         ε\u{a0}=\u{a0}{:e}, reaches n {reached}.",
        study.source.describe, curve.provenance.sampling, args.seed, study.epsilon,
    );
    Ok(Figure::new(caption)
        .with_panel(panel(
            "Squared error",
            PanelAxis::log10("Test mean squared error"),
            group(Metric::TestMse)?,
        ))
        .with_panel(panel(
            "Error rate",
            PanelAxis::linear("Share of test rows missed"),
            group(Metric::TestErrorRate)?,
        ))
        .with_columns(2)
        .with_width(1000.0)
        .with_title(
            "Label noise raises the error about the threshold, where the effective complexity equals n",
        ))
}
