//! Curves over p for fixed and tuned penalties, curves over the penalty from 0 on, and the map.

use super::Found;
use super::design::Design;
use crate::common::flags::Value;
use crate::common::{RunArgs, counted, trimmed};
use double_descent::curve::Surface;
use double_descent::plot::{Dash, Figure, Group, HeatMap, Hue, Panel, PanelAxis, Scale, Series};

/// The upper end of the figure, relative to the least error.
const HIGHEST: f64 = 30.0;

pub fn page(args: &RunArgs, design: &Design, map: &Surface, found: &Found) -> Figure {
    let statistic = args.statistic.show();
    let n = design.n as f64;
    let mut fixed = Group::new("Penalty λ", Hue::Vermillion);
    for row in found.shown() {
        let label = format!("λ = {}", trimmed(found.penalties[row]));
        fixed = fixed.with_series(Series::new(label, found.features.clone(), found.errors.row(row).to_vec()));
    }
    // The peak without a penalty would compress everything else.
    let tuned_errors = found.tuned();
    let least = tuned_errors.iter().copied().fold(f64::INFINITY, f64::min);
    let shown = (0.9 * least, HIGHEST * least);
    let error = || PanelAxis::log10("Test mean squared error").with_range(shown.0, shown.1);
    let tuned = Series::new("", found.features.clone(), tuned_errors.clone());
    let at =
        |p: f64, penalty: Option<f64>| design.limit(p, penalty.unwrap_or_else(|| design.best_penalty(p)));
    // One line with gaps, for a single legend entry.
    let (mut limit_x, mut limit_y) = (Vec::new(), Vec::new());
    for penalty in found.shown().into_iter().map(|row| Some(found.penalties[row])).chain([None]) {
        let y = found.features.iter().map(|&p| at(p, penalty));
        limit_x.extend(found.features.iter().copied().chain([f64::NAN]));
        limit_y.extend(y.map(|y| if y.is_finite() { y } else { f64::NAN }).chain([f64::NAN]));
    }
    let limit = Series::new("", limit_x, limit_y).with_dash(Dash::Dashed);
    let limit = Group::new("Limits of large n\u{a0}and\u{a0}p", Hue::Black).with_series(limit);
    let over_p = Panel::new(PanelAxis::linear("Number of features p"), error())
        .with_title("Over model size")
        .with_group(fixed)
        .with_group(Group::new("Best λ at each p", Hue::Blue).with_series(tuned))
        .with_group(limit)
        .with_marker(n, "p = n");
    let mut models = Group::new("Test error at", Hue::Green);
    for share in [0.5, 1.0, 1.5, 3.0] {
        let near = |a: &f64, b: &f64| (a - share * n).abs().total_cmp(&(b - share * n).abs());
        let Some(&p) = found.features.iter().min_by(|a, b| near(a, b)) else { continue };
        let column = found.features.iter().position(|&other| other == p).unwrap_or(0);
        let errors = found.errors.column(column).to_vec();
        models = models.with_series(Series::new(format!("p = {p}"), found.penalties.clone(), errors));
    }
    let over_penalty = Panel::new(PanelAxis::root("Penalty λ"), error())
        .with_title("Over weight decay, from λ = 0")
        .with_group(models);
    let best = found.best.iter().map(|&row| found.penalties[row]).collect();
    let expected = found.features.iter().map(|&p| design.best_penalty(p)).collect();
    let plane = Panel::new(PanelAxis::linear("Number of features p"), PanelAxis::root("Penalty λ"))
        .with_title("Test error over the p × λ map")
        .with_heat_map(HeatMap {
            x: found.features.clone(),
            y: found.penalties.clone(),
            values: found.errors.rows().into_iter().map(|row| row.to_vec()).collect(),
            scale: Scale::Log10,
            range: Some((least, shown.1)),
            label: format!("Test error ({statistic})"),
        })
        .with_group(
            Group::new("Best λ", Hue::Vermillion)
                .with_series(Series::new("", found.features.clone(), best).with_dash(Dash::None)),
        )
        .with_group(
            Group::new("Expected best λ", Hue::Black)
                .with_series(Series::new("", found.features.clone(), expected).with_dash(Dash::Dashed)),
        )
        .with_marker(n, "p = n");
    let (plain, best) =
        (found.sizes(found.errors.row(0)), found.sizes(ndarray::ArrayView1::from(&tuned_errors[..])));
    let beaten = match plain.beats {
        Some(p) => format!("only past the threshold, from p\u{a0}=\u{a0}{p} on"),
        None => "at no p that is shown".into(),
    };
    let steps = found.features.len() - 1;
    let tuned = match best.rises {
        0 => format!("tuned, the error rises at none of {steps} steps up in p"),
        rises => format!(
            "tuned, the error rises at {rises} of {steps} steps up in p, by {}\u{a0}% at most",
            hundredths_of_a_percent(best.steepest - 1.0)
        ),
    };
    let caption = format!(
        "Ridge, ‖Xβ\u{a0}−\u{a0}y‖²/n + λ‖β‖², on the first p of {} independent normal features of variance 1/{} \
         (rows of mean squared norm 1), coefficients 1, label noise of standard deviation {}, n\u{a0}=\u{a0}{n}; \
         expected test errors over the population, {statistic}s over {}, seed {}. λ on a fourth-root scale, \
         so that λ\u{a0}=\u{a0}0 is on the axis. With λ\u{a0}=\u{a0}0 larger models beat the best one under the \
         threshold (p\u{a0}=\u{a0}{}, error {}) {beaten}; {tuned}.{} \
         Dashes: the limit of Hastie, Montanari, Rosset and Tibshirani (2022) for the same λ and for the best one, \
         and λ = (σ² + unseen variance)/n.",
        design.features,
        design.features,
        design.deviation,
        counted(map.cells().repeats(), "training set"),
        design.seed,
        plain.classical.0,
        trimmed(plain.classical.1),
        cut_off(shown.1, plain.highest.1),
    );
    Figure::new(caption)
        .with_panel(over_p)
        .with_panel(over_penalty)
        .with_panel(plane)
        .with_columns(3)
        .with_width(1280.0)
        .with_aspect(0.95)
        .with_title("Weight decay: fixed, tuned, and the map")
}

/// Says what the frame cuts off, if anything.
fn cut_off(end: f64, highest: f64) -> String {
    if highest <= end {
        return String::new();
    }
    let (end, highest) = (trimmed(end), trimmed(highest));
    format!(
        " Lines above {end} are cut off (the highest error is {highest}), and the map shows them as {end}."
    )
}

/// Formats a share in percent, rounded up to a hundredth of a percent.
fn hundredths_of_a_percent(share: f64) -> String {
    trimmed((1e4 * share).ceil() / 1e2)
}
