//! Monte Carlo estimates with error bars over lines of closed forms.

use super::study::{Measured, PENALTY, Plan, TEST_ROWS};
use double_descent::plot::{Dash, Figure, Group, Hue, LegendPlace, Panel, PanelAxis, Series};

/// Weak features over p, and a covariate shift over n.
pub fn threshold(plan: &Plan, measured: &[Measured]) -> Figure {
    let (n, d) = (plan.samples, 8 * plan.samples);
    let caption = format!(
        "Excess test error split by where it comes from, by Monte Carlo over {} training sets × {} draws of label noise \
         (points; bars of two standard errors, by the jackknife) and in closed form (lines). Standard normal inputs, a \
         teacher of norm 1 with equal coefficients, label noise of standard deviation {}, seed {}. (a) Minimum-norm least \
         squares on the first p of {d} inputs, n\u{a0}=\u{a0}{n}; closed form exact for every size, infinite for \
         |n\u{a0}−\u{a0}p|\u{a0}≤\u{a0}1. (b), (c) p\u{a0}=\u{a0}{n}, all inputs; test rows have the covariance \
         0.8 to the power |i\u{a0}−\u{a0}j| and training rows the identity; closed forms given each design, means over {} other designs; ridge \
         penalty λ\u{a0}=\u{a0}{}. Minimum-norm \
         estimates within three of the threshold have no variance and are left out, as are those that are negative.",
        plan.sets,
        plan.draws,
        plan.noise,
        plan.seed,
        plan.designs,
        PENALTY * n as f64,
    );
    page(
        caption,
        "The excess test error by its sources",
        measured.iter().filter(|m| !m.name.starts_with("network")),
        3,
    )
}

/// The symmetric decomposition for random features.
pub fn features(plan: &Plan, measured: &[Measured]) -> Figure {
    let (n, d) = (plan.network_samples, plan.network_samples / 3);
    let caption = format!(
        "Symmetric split of the excess test error of random features tanh(w·x), n\u{a0}=\u{a0}{n} training rows of {d} inputs \
         uniform on the sphere of radius √{d}, a linear teacher of norm 1, label noise of standard deviation {}, {TEST_ROWS} test rows: \
         by Monte Carlo over {} training sets × {} draws of noise × {} draws of the features (points; bars of two standard \
         errors, by the jackknife; seed {}), and in the limit of large n, p, d (lines; Mei and Montanari 2022, split after \
         Adlam and Pennington 2020). (a) Minimum norm. (b) Ridge, λ\u{a0}=\u{a0}{}. Terms that vanish in the limit (label \
         noise alone, and label noise\u{a0}×\u{a0}features) are left out; so are estimates that are negative.",
        plan.noise,
        plan.sets,
        plan.draws,
        plan.seeds,
        plan.seed,
        PENALTY * n as f64,
    );
    page(
        caption,
        "The excess test error of random features by its sources",
        measured.iter().filter(|m| m.name.starts_with("network")),
        2,
    )
}

fn page<'a>(
    caption: String,
    title: &str,
    measured: impl Iterator<Item = &'a Measured>,
    columns: usize,
) -> Figure {
    let figure = Figure::new(caption).with_title(title).with_legend(LegendPlace::Below);
    let figure = measured.fold(figure, |figure, measured| figure.with_panel(panel(measured)));
    figure.with_columns(columns).with_width(110.0 + 380.0 * columns as f64).with_aspect(0.85)
}

fn panel(measured: &Measured) -> Panel {
    let (label, name) =
        if measured.over_samples { ("Training samples n", "n = p") } else { ("Features p", "p = n") };
    let points = || measured.lines.iter().flat_map(|line| &line.points).filter(|point| point.has_variance);
    let high = points().map(|point| point.found.value.max(point.known)).fold(0.0, f64::max);
    // Smaller values are zero up to rounding.
    let is_shown = |value: f64| value > 1e-12 * high;
    let known = points().map(|point| point.known).filter(|known| is_shown(*known));
    let low = known.fold(f64::INFINITY, f64::min);
    let mut panel = Panel::new(PanelAxis::log10(label), PanelAxis::log10("Part of the excess test error"))
        .with_title(&*measured.title)
        .with_marker(measured.threshold as f64, name);
    panel.y.range = Some((0.4 * low, 5.0 * high));
    for line in &measured.lines {
        // Estimates may be negative, which a logarithmic axis cannot show.
        let shown = || line.points.iter().filter(|point| point.has_variance && is_shown(point.found.value));
        let x = shown().map(|point| if measured.over_samples { point.n } else { point.p } as f64).collect();
        let y: Vec<f64> = shown().map(|point| point.found.value).collect();
        let bar = |sign: f64| {
            let edge = |point: &super::study::Point| {
                let error = 2.0 * point.found.standard_error.unwrap_or(0.0);
                // A bar that reaches 0 extends below the frame.
                (point.found.value + sign * error).max(0.01 * low)
            };
            shown().map(edge).collect::<Vec<f64>>()
        };
        let series = Series::new("", x, y).with_band(bar(-1.0), bar(1.0)).with_dash(Dash::None);
        panel = panel.with_group(Group::new(line.part, line.hue).with_series(series));
    }
    // One dash pattern for each part, by which its points can be told without colours.
    let dashes = [Dash::Dashed, Dash::Dotted, Dash::DashDotted, Dash::Thin];
    let mut known = Group::new("Closed form", Hue::Black);
    for (line, dash) in measured.lines.iter().zip(dashes.into_iter().cycle()) {
        let shown = |y: f64| if is_shown(y) { y } else { f64::NAN };
        let (x, y) = line.theory.iter().map(|&(x, y)| (x, shown(y))).unzip();
        known = known.with_series(Series::new(line.part, x, y).with_dash(dash));
    }
    panel.with_group(known)
}
