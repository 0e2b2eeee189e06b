//! Ensembles by number of members, and interpolants by their start.

use super::study::{INPUTS, Study, TEST_ROWS};
use crate::common::figures::{describe, line};
use crate::common::{Abscissa, RunArgs, Statistic};
use double_descent::Error;
use double_descent::curve::{Curve, Metric, Summary};
use double_descent::plot::{Dash, Figure, Group, Hue, Panel, PanelAxis, Series};
use double_descent::theory::line::{Theory, TheoryLine, values};

pub fn errors(args: &RunArgs, study: &Study, curve: &Curve) -> Result<Figure, Error> {
    let ratio = args.x == Abscissa::Ratio;
    let n = study.samples;
    let summaries = curve.summaries(Metric::TestMse, args.bootstrap())?;
    let place = |s: &Summary| s.p as f64 / if ratio { n as f64 } else { 1.0 };
    let series = |label: String, arm: usize| -> Series {
        line(args, label, summaries.iter().filter(|s| s.arm == arm), place, |_| 1.0)
    };
    let family = |name: &str| curve.family(name);
    let setting = |arm: usize| curve.arms[arm].setting.unwrap_or(0.0);
    let mut ensembles = Group::new("Members K", Hue::Vermillion);
    for arm in family("ensemble") {
        ensembles = ensembles.with_series(series(setting(arm).to_string(), arm));
    }
    let mut limit = Group::new("K = ∞, extrapolated", Hue::Blue);
    for arm in family("ensemble_limit") {
        limit = limit.with_series(series(String::new(), arm).with_dash(Dash::Dashed));
    }
    let mut least = Group::new("Minimum norm", Hue::Grey);
    for arm in family("min_norm") {
        least = least.with_series(series(String::new(), arm));
    }
    let mut random = Group::new("From a random start, s", Hue::Green);
    for arm in family("random_start") {
        random = random.with_series(series(setting(arm).to_string(), arm));
    }
    let mut warm = Group::new("Warm start", Hue::Purple);
    for arm in family("warm_start") {
        warm = warm.with_series(series(String::new(), arm));
    }
    let ends = [study.sizes.iter().min(), study.sizes.iter().max()];
    let ends: Vec<f64> =
        ends.into_iter().flatten().map(|&p| p as f64 / if ratio { n as f64 } else { 1.0 }).collect();
    let wide = infinite_width(args, study)?;
    let level = values(&wide, &ends)?;
    let label = format!("{} ({})", wide.label(), wide.reference());
    let wide =
        Group::new("Theory", Hue::Black).with_series(Series::new(label, ends, level).with_dash(Dash::Dashed));
    // One range for both panels, of what the lines show.
    let shown = summaries.iter().map(|s| s.median).filter(|y| *y > 0.0);
    let (low, high) =
        shown.fold((f64::INFINITY, 0.0), |(low, high): (f64, f64), y| (low.min(y), high.max(y)));
    let label = if ratio { "p / n" } else { "Number of features p" };
    let panel = |title: &str| {
        let y = PanelAxis::log10("Excess test error").with_range(0.8 * low, 1.5 * high);
        Panel::new(PanelAxis::log10(label), y).with_title(title).with_marker(
            if ratio { 1.0 } else { n as f64 },
            if ratio { "p = n".into() } else { format!("p = n = {n}") },
        )
    };
    let caption = format!(
        "Minimum-norm least squares on p random Fourier features, n\u{a0}=\u{a0}{n} training rows of {}, label noise of \
         standard deviation {} (the targets have 1), excess error on {TEST_ROWS} noise-free test rows. (a) Means of the \
         predictions of K fits on independent features; all K, K\u{a0}=\u{a0}∞ included, from the pairs of {} members; \
         K\u{a0}=\u{a0}∞ is an estimate without bias, and the line breaks where it is negative. (b) Interpolants: from a random start N(0,\u{a0}s²/p) (expected error, closed form), and from the solution on \
         the next smaller p. {} (seed {}). Inputs have {INPUTS} dimensions. Dashed, what minimum-norm fits tend to as \
         p\u{a0}→\u{a0}∞, for any K: ridgeless regression with the features' kernel on the same data.",
        curve.provenance.data,
        study.noise,
        study.fitted(),
        describe(args, curve.repeats()),
        args.seed,
    );
    Ok(Figure::new(caption)
        .with_panel(
            panel("Ensembles of K fits").with_group(ensembles).with_group(limit).with_group(wide.clone()),
        )
        .with_panel(
            panel("Other interpolants")
                .with_group(least)
                .with_group(random)
                .with_group(warm)
                .with_group(wide),
        )
        .with_columns(2)
        .with_width(1000.0)
        .with_title("Averaging removes the peak; a warm start never leaves it"))
}

/// The level of infinitely many features, of the same statistic over the repeats as the lines.
fn infinite_width(args: &RunArgs, study: &Study) -> Result<TheoryLine, Error> {
    let mut errors = study.infinite_width()?;
    errors.sort_by(f64::total_cmp);
    let (count, half) = (errors.len(), errors.len() / 2);
    let level = match args.statistic {
        Statistic::Mean => errors.iter().sum::<f64>() / count as f64,
        Statistic::Median if count % 2 == 0 => 0.5 * (errors[half - 1] + errors[half]),
        Statistic::Median => errors[half],
    };
    Ok(TheoryLine::new("p = ∞, any K", "Rahimi and Recht 2007", move |_| Ok(level)))
}
