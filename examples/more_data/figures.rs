//! The curves in one frame.

use super::{Line, Worse};
use crate::common::RunArgs;
use crate::common::figures::{describe, line};
use double_descent::curve::Curve;
use double_descent::plot::{Figure, Group, Hue, Panel, PanelAxis};

const HUES: [Hue; 5] = [Hue::Blue, Hue::Green, Hue::Vermillion, Hue::Purple, Hue::Grey];

/// The test error over p, a line for each n; where each has p = n.
pub fn overlaid(
    args: &RunArgs,
    cells: &Curve,
    (lines, worse): (&[Line], Option<&Worse>),
    about: &str,
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
    let caption = format!(
        "Minimum-norm least squares. {about} {} ({}).{said}",
        describe(args, cells.repeats()),
        cells.provenance.sampling,
    );
    Figure::new(caption)
        .with_panel(panel)
        .with_width(760.0)
        .with_title("More samples move the peak, and do worse where it comes to stand")
}
