//! Curves over time, the p × t map, what is learned at which time, and the value of stopping.

use super::Model;
use super::design::{Design, GROUPS, LOSS, Timeline};
use super::stopping::{LOSS_COUNTS, Stopped};
use super::turns::{changes, shape};
use crate::common::figures::{describe, line};
use crate::common::flags::Value;
use crate::common::{RunArgs, counted, trimmed};
use double_descent::Error;
use double_descent::curve::{Metric, Shape, Surface};
use double_descent::plot::{Dash, Figure, Group, HeatMap, Hue, Panel, PanelAxis, Scale, Series};

/// Describes the design with all its parameters.
fn about(design: &Design) -> String {
    let mut first = 0;
    let mut groups = Vec::new();
    for ((name, _, variance, square), &end) in GROUPS.iter().zip(&design.ends) {
        if end > first {
            groups.push(format!(
                "{} to {end} of variance {variance} and squared coefficient {square} ({name})",
                first + 1
            ));
        }
        first = end;
    }
    format!(
        "Gradient flow on {} from 0, n\u{a0}=\u{a0}{} rows of independent normal features, of which a model takes the first p: {}; \
         label noise of standard deviation {}, seed {}",
        LOSS.formula(),
        design.n,
        groups.join(", "),
        design.deviation,
        design.seed,
    )
}

/// Describes at which p stopping at the first rise costs test error.
pub fn first_rise_costs(stopped: &[Stopped]) -> String {
    let wrong: Vec<usize> = stopped.iter().filter(|s| s.loss() > LOSS_COUNTS).map(|s| s.p).collect();
    match wrong[..] {
        [] => "stopping at the first rise costs 2 % or less at every p".into(),
        [first, ..] => format!(
            "stopping at the first rise costs more than 2 % at {} of {} p, from p = {first} to p = {}",
            wrong.len(),
            stopped.len(),
            wrong[wrong.len() - 1]
        ),
    }
}

/// Training and test error over time, one panel per model.
pub fn descents(args: &RunArgs, design: &Design, models: &[Model]) -> Result<Figure, Error> {
    let mut said = Vec::new();
    let mut figure = Figure::default();
    let mut repeats = 0;
    let mut turns_more = Vec::new();
    for Model { p, curve, report, turns_more: more } in models {
        repeats = repeats.max(curve.repeats());
        let group = |name: &str, hue, metric| -> Result<Group, Error> {
            let summaries = curve.summaries(metric, args.bootstrap())?;
            Ok(Group::new(name, hue).with_series(line(args, "", summaries.iter(), |s| s.value, |_| 1.0)))
        };
        // No verdict that the drawn medians seem to deny.
        let title = match report {
            Some(report) if *more || report.shape == Shape::Flat => format!("p = {p}"),
            Some(report) => format!("p = {p}: {}", shape(report, false)),
            None => format!("p = {p}: too few training sets"),
        };
        if *more {
            turns_more.push(format!("p\u{a0}=\u{a0}{p}"));
        }
        let mut panel =
            Panel::new(PanelAxis::log10("Training time t"), PanelAxis::linear("Mean squared error"))
                .with_title(title)
                .with_group(group("Training error", Hue::Blue, Metric::TrainMse)?)
                .with_group(group("Test error", Hue::Vermillion, Metric::TestMse)?);
        let times = curve.summaries(Metric::TestMse, None)?.iter().map(|s| s.value).collect::<Vec<f64>>();
        let limit = design.limit(*p, &times)?;
        let limit = Series::new("", times, limit).with_dash(Dash::Dashed);
        panel =
            panel.with_group(Group::new("Limit of large n\u{a0}and\u{a0}p", Hue::Black).with_series(limit));
        let turns = report.iter().flat_map(|report| report.changes.iter().skip(1));
        for change in turns {
            panel = panel.with_marker(change.from, "");
        }
        if let Some(report) = report {
            said.push(format!("p\u{a0}=\u{a0}{p}: {}", changes(report)));
        }
        figure = figure.with_panel(panel);
    }
    figure.caption = format!(
        "{}. Test errors are expectations over the population. {}. {} Dashes: \
         the deterministic equivalent of the mean (Velikanov et al. 2024).",
        about(design),
        describe(args, repeats),
        certified(&said, &turns_more),
    );
    Ok(figure
        .with_columns(3)
        .with_width(1240.0)
        .with_aspect(0.9)
        .with_title("Training and test error over training time, by model size"))
}

/// The test error over p and t, next to the value of stopping.
pub fn map(args: &RunArgs, design: &Design, surface: &Surface, stopped: &[Stopped]) -> Result<Figure, Error> {
    let (errors, statistic) = (args.middles(surface)?, args.statistic.show());
    let (features, times) = (surface.column_values(), surface.row_values());
    let of = |value: fn(&Stopped) -> f64| stopped.iter().map(value).collect::<Vec<f64>>();
    let (p, n) = (of(|s| s.p as f64), design.n as f64);
    let map = Panel::new(PanelAxis::linear("Number of features p"), PanelAxis::log10("Training time t"))
        .with_title("Test error over the p × t map")
        .with_heat_map(HeatMap {
            x: features,
            y: times,
            values: errors.rows().into_iter().map(|row| row.to_vec()).collect(),
            scale: Scale::Log10,
            range: None,
            label: format!("Test error ({statistic})"),
        })
        .with_marker(n, "p = n")
        .with_group(
            Group::new("Best time", Hue::Vermillion)
                .with_series(Series::new("", p.clone(), of(|s| s.best_time)).with_dash(Dash::None)),
        );
    let line = |name: &str, hue, dash, y| {
        Group::new(name, hue).with_series(Series::new("", p.clone(), y).with_dash(dash))
    };
    let stopping =
        Panel::new(PanelAxis::linear("Number of features p"), PanelAxis::log10("Test mean squared error"))
            .with_title("What stopping is worth")
            .with_marker(n, "p = n")
            .with_group(line("Never stopped", Hue::Grey, Dash::DashDotted, of(|s| s.never)))
            .with_group(line(
                "Stopped at the first rise",
                Hue::Vermillion,
                Dash::Dotted,
                of(|s| s.first_rise),
            ))
            .with_group(line("Stopped at the best time", Hue::Blue, Dash::Solid, of(|s| s.best)));
    let caption = format!(
        "{}. (a) Test errors, {statistic}s over {}. (b) The {statistic} of the errors of the training sets at the last \
         time, at the first rise of each error, and at its minimum; {}.",
        about(design),
        counted(surface.cells().repeats(), "training set"),
        first_rise_costs(stopped),
    );
    Ok(Figure::new(caption)
        .with_panel(map)
        .with_panel(stopping)
        .with_columns(2)
        .with_width(1140.0)
        .with_aspect(0.9)
        .with_title("Model size and training time: one factorisation for every p, all times from it"))
}

/// What one model learns at which time.
pub fn modes(design: &Design, timeline: &Timeline, times: &[f64]) -> Figure {
    let Timeline { p, bias, early, late, test, best } = timeline;
    let series = |y: &[f64], dash| Series::new("", times.to_vec(), y.to_vec()).with_dash(dash);
    let mut panel =
        Panel::new(PanelAxis::log10("Training time t"), PanelAxis::linear("Part of the test error"))
            .with_group(
                Group::new("Signal not yet learned (bias²)", Hue::Blue)
                    .with_series(series(bias, Dash::DashDotted)),
            )
            .with_group(
                Group::new("Noise in fast modes", Hue::Green).with_series(series(early, Dash::Dashed)),
            )
            .with_group(
                Group::new("Noise in slow modes", Hue::Purple).with_series(series(late, Dash::Dotted)),
            )
            .with_group(Group::new("Test error", Hue::Vermillion).with_series(series(test, Dash::Solid)));
    let turns: Vec<usize> =
        (1..test.len() - 1).filter(|&i| (test[i] - test[i - 1]) * (test[i + 1] - test[i]) < 0.0).collect();
    // One minimum, a peak, and another minimum.
    let descends_twice = turns.len() == 3 && test[0] > test[turns[0]];
    let names = if descends_twice { ["generalised", "memorised", "consolidated"] } else { [""; 3] };
    for (place, &turn) in turns.iter().enumerate() {
        panel = panel.with_marker(times[turn], names.get(place).copied().unwrap_or_default());
    }
    let said = if descends_twice {
        "it generalises while the fast modes take up their signal, memorises while they take up noise (to them the signal \
         of the slow features is noise as well), consolidates when the slow modes learn theirs, and overfits at the end"
    } else {
        "fast modes take up signal and noise first (to them the signal of the slow features is noise as well); turning \
         points of the test error are marked"
    };
    let caption = format!(
        "{}. Expected parts of the test error of the model with p\u{a0}=\u{a0}{p}, given the design of the first training set: \
         {said}. Best stopped at t\u{a0}=\u{a0}{}.",
        about(design),
        trimmed(*best),
    );
    Figure::new(caption)
        .with_panel(panel)
        .with_width(760.0)
        .with_title("Parts of the test error of one model over training time")
}

/// Describes the shapes of the curves, if there are enough training sets to certify them.
fn certified(said: &[String], turns_more: &[String]) -> String {
    if said.is_empty() {
        return "More training sets are needed to certify a shape.".into();
    }
    let more = match turns_more {
        [] => String::new(),
        at => format!(" The medians of {} turn again, which is not certified.", at.join(" and ")),
    };
    format!(
        "Certified at 95\u{a0}% by the distribution-free band of the medians, and nothing about the times in between: \
         {}; the times where two of these pieces meet are marked.{more}",
        said.join("; ")
    )
}
