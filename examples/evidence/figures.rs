//! Errors, the evidence and its parts, and the penalties that the evidence chooses.

use super::{Bayes, Cli};
use crate::common::figures::{describe, line};
use crate::common::{Abscissa, RunArgs};
use double_descent::Error;
use double_descent::curve::{Curve, Metric, Summary};
use double_descent::plot::{Dash, Figure, Group, Hue, LegendPlace, Panel, PanelAxis, Series};

pub fn errors(cli: &Cli, curve: &Curve, bayes: &Bayes) -> Result<Figure, Error> {
    let (args, n) = (&cli.run, usize::from(cli.samples));
    let d = 8 * n;
    let ratio = args.x == Abscissa::Ratio;
    let place = |p: f64| if ratio { p / n as f64 } else { p };
    let series = |curve: &Curve, metric, scale: f64| summaries(args, curve, metric, scale, place);
    let (label, marker) =
        if ratio { ("Parameters per sample p/n", "p/n = 1") } else { ("Number of features p", "p = n") };
    let panel = |y: PanelAxis, title: &str| {
        Panel::new(PanelAxis::log10(label), y).with_title(title).with_marker(place(n as f64), marker)
    };
    let group = |name: &str, hue, series| Group::new(name, hue).with_series(series);

    let mean = series(&bayes.mean, Metric::TestMse, 1.0)?;
    let least = series(curve, Metric::TestMse, 1.0)?;
    let lowest = mean.y.iter().copied().fold(f64::INFINITY, f64::min);
    let highest = least.y.iter().copied().filter(|y| y.is_finite()).fold(0.0, f64::max);
    let of_errors =
        panel(PanelAxis::log10("Test error").with_range(0.8 * lowest, 1.5 * highest), "Test error")
            .with_group(group("Minimum norm", Hue::Grey, least.with_dash(Dash::DashDotted)))
            .with_group(group("Posterior mean, λ by evidence", Hue::Vermillion, mean))
            .with_group(group(
                "A draw from the posterior",
                Hue::Purple,
                series(&bayes.draw, Metric::TestMse, 1.0)?.with_dash(Dash::Dotted),
            ))
            .with_group(group(
                "Best λ, by the test error",
                Hue::Black,
                dashed(series(&bayes.best, Metric::TestMse, 1.0)?),
            ));

    let per_sample = (n as f64).recip();
    let evidence = series(&bayes.mean, Metric::LogEvidence, per_sample)?;
    let mut fits = bayes.mean.clone();
    for cell in &mut fits.cells {
        let terms = cell.log_evidence().zip(cell.log_occam_factor());
        cell.set(Metric::LogEvidence, terms.map(|(evidence, occam)| evidence - occam));
    }
    let (fits, occam) = (
        series(&fits, Metric::LogEvidence, per_sample)?,
        series(&bayes.mean, Metric::LogOccamFactor, per_sample)?,
    );
    let (low, high) = range([&evidence, &fits, &occam]);
    let y = PanelAxis::linear("Per training sample").with_range(low - 0.3, high + 0.3);
    let of_evidence = panel(y, "Log evidence at the chosen λ")
        .with_group(group("Log evidence", Hue::Blue, evidence))
        .with_group(group("Log likelihood of the fit", Hue::Vermillion, fits.with_dash(Dash::DashDotted)))
        .with_group(group("Log Occam factor", Hue::Green, occam.with_dash(Dash::Dotted)));

    // Stores the setting as a metric, because summaries are of metrics.
    let settings = |curve: &Curve| {
        let mut chosen = curve.clone();
        for cell in &mut chosen.cells {
            cell.set(Metric::LogEvidence, cell.value());
        }
        series(&chosen, Metric::LogEvidence, 1.0)
    };
    let (chosen, best) = (settings(&bayes.mean)?, dashed(settings(&bayes.best)?));
    let (low, high) = range([&chosen, &best]);
    let of_penalties = panel(PanelAxis::log10("Penalty λ").with_range(0.3 * low, 3.0 * high), "Penalty")
        .with_group(group("λ by evidence", Hue::Vermillion, chosen))
        .with_group(group("Best λ, by the test error", Hue::Black, best));

    let caption = format!(
        "Ridge regression as Bayesian regression, n\u{a0}=\u{a0}{n} training rows of {d} standard normal inputs, of which the \
         first p are seen; teacher of norm 1 with squared coefficients that fall as 1/j, label noise of standard deviation \
         {}. (a) Expected squared error on a noisy target: minimum norm, the posterior mean at the penalty of the largest \
         evidence (of {} between 10⁻² and 10⁴, chosen on the training rows), one draw from its posterior, and the penalty of \
         the least test error (dashes). (b) The log evidence at its best noise variance is the log likelihood of the fit plus \
         the log Occam factor. (c) The penalties. {} (seed {}).",
        cli.noise,
        curve.arms.len() - 1,
        describe(args, curve.repeats()),
        args.seed,
    );
    Ok(Figure::new(caption)
        .with_panel(of_errors)
        .with_panel(of_evidence)
        .with_panel(of_penalties)
        .with_title("Minimum norm, the posterior and the largest evidence")
        .with_columns(3)
        .with_width(1240.0)
        .with_legend(LegendPlace::Below)
        .with_aspect(0.9))
}

/// The least and the greatest value of some lines.
fn range<const K: usize>(lines: [&Series; K]) -> (f64, f64) {
    let values = lines.into_iter().flat_map(|line| &line.y).copied().filter(|y| y.is_finite());
    values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), y| (low.min(y), high.max(y)))
}

fn dashed(mut series: Series) -> Series {
    series.band = None;
    series.with_dash(Dash::Dashed)
}

fn summaries(
    args: &RunArgs,
    curve: &Curve,
    metric: Metric,
    scale: f64,
    place: impl Fn(f64) -> f64,
) -> Result<Series, Error> {
    let all = curve.summaries(metric, args.bootstrap())?;
    let own = all.iter().filter(|s| s.arm == 0);
    Ok(line(args, "", own, |s: &Summary| place(s.p as f64), |_| scale))
}
