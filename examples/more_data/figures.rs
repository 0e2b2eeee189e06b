//! The curves in one panel.

use super::{Line, Worse};
use crate::common::figures::{describe_over, line};
use crate::common::random_features::{InputArgs, tests};
use crate::common::{RunArgs, announce_theory, closer_around};
use double_descent::Error;
use double_descent::curve::Curve;
use double_descent::plot::{Dash, Figure, Group, Hue, Panel, PanelAxis, Series};
use double_descent::sweep::Sweep;

const HUES: [Hue; 5] = [Hue::Blue, Hue::Green, Hue::Vermillion, Hue::Purple, Hue::Grey];

/// The test error over p, one line for each n, with each threshold p = n marked.
pub fn overlaid(
    args: &RunArgs,
    cells: &Curve,
    (lines, worse): (&[Line], Option<&Worse>),
    (about, theory): (&str, Option<Series>),
) -> Figure {
    let mut panel =
        Panel::new(PanelAxis::log10("Number of features p"), PanelAxis::log10("Test mean squared error"));
    for (Line { n, summaries }, hue) in lines.iter().zip(HUES.into_iter().cycle()) {
        let series = line(args, "", summaries.iter(), |s| s.p as f64, |_| 1.0);
        panel = panel
            .with_group(Group::new(format!("n = {n}"), hue).with_series(series))
            .with_marker(*n as f64, format!("p = {n}"));
    }
    let said = worse.map_or(String::new(), |worse| format!(" {}.", worse.describe(lines)));
    let known = if theory.is_some() {
        " Theory: the mean over draws of features, in closed form from the kernel matrix of the first training set of each n; \
         features count as Gaussian variables of the kernel's covariance. It is infinite at p\u{a0}=\u{a0}n and \
         p\u{a0}=\u{a0}n\u{a0}+\u{a0}1, where its line breaks."
    } else {
        ""
    };
    panel.groups.extend(theory.map(|theory| {
        Group::new("Theory: mean over features (Jacot et al. 2020)", Hue::Black).with_series(theory)
    }));
    let caption = format!(
        "Minimum-norm least squares. Data: {} ({}). {about} {}.{said}{known}",
        cells.provenance.data,
        cells.provenance.preparation,
        describe_over(args, cells.repeats(), &cells.provenance.sampling),
    );
    Figure::new(caption)
        .with_panel(panel)
        .with_width(760.0)
        .with_title("Test error over model size, for several numbers of samples")
}

/// The mean over draws of the features, for each n of the sweep in turn. Paired features are not independent, so there
/// it does not apply.
pub fn theory(inputs: &InputArgs, sweep: &Sweep, seed: u64) -> Result<Option<Series>, Error> {
    if inputs.pairs {
        return Ok(None);
    }
    announce_theory(&sweep.samples, tests(sweep));
    let (mut x, mut y) = (Vec::new(), Vec::new());
    for &n in &sweep.samples {
        let draw = inputs.before_features(sweep, n, seed)?;
        // The points next to the threshold too, where the error is highest.
        let next = [n.saturating_sub(2).max(1), n.saturating_sub(1).max(1), n + 1, n + 2];
        for p in closer_around(n, sweep.features.iter().copied().chain(next)) {
            x.push(p as f64);
            y.push(draw.at(p as f64, 0.0)?.total());
        }
        // A gap before the next line.
        x.push(n as f64);
        y.push(f64::NAN);
    }
    Ok(Some(Series::new("", x, y).with_dash(Dash::Dashed)))
}
