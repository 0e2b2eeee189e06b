//! The risk over the steps by batch size and by step size, and stability.

use super::Cli;
use super::study::{LOSS, Stability, Study, Trace};
use crate::common::trimmed;
use double_descent::plot::{Dash, Figure, Group, Hue, LegendPlace, Panel, PanelAxis, Series};

pub fn page(
    cli: &Cli,
    study: &Study,
    (by_batch, by_rate): (&[Trace], &[Trace]),
    stability: &Stability,
) -> Figure {
    let batches = over_steps("Batch sizes", "Expected, by batch size", by_batch, |trace| {
        format!("b = {}", trace.batch)
    });
    let rates = over_steps("Step sizes", "Expected, by step size", by_rate, |trace| {
        format!("h = {}", trimmed(trace.step))
    });
    let share = cli.rates[cli.rates.len() - 1];
    let caption = format!(
        "Least squares by stochastic gradient descent on {} from 0, with constant steps h and batches of b rows \
         drawn with replacement: n\u{a0}=\u{a0}{} rows and p\u{a0}=\u{a0}{} independent standard normal features, a \
         teacher of norm 1, label noise of standard deviation {}, seed {}. Expected excess risk over batches and label \
         noise (lines: exact), {} simulated runs (points, bars of two standard errors), and the level at which it settles \
         (dots). (a) h\u{a0}=\u{a0}{} ({share} of the largest stable step for b\u{a0}=\u{a0}{}). (b) \
         b\u{a0}=\u{a0}{}. (c) The factor by which a squared residual comes back in later steps, all added up: \
         below 1 second moments decay, above it they grow. Steps end at 2/μ₁\u{a0}=\u{a0}{}, with μ₁ the largest eigenvalue of XᵀX/n: there, even whole batches become unstable.",
        LOSS.formula(),
        cli.samples.0,
        cli.features.0,
        cli.noise,
        cli.seed,
        cli.runs.0,
        trimmed(by_batch[0].step),
        study.batches[0],
        study.batches[0],
        trimmed(study.limit()),
    );
    Figure::new(caption)
        .with_panel(batches)
        .with_panel(rates)
        .with_panel(of_stability(study, stability))
        .with_columns(3)
        .with_width(1240.0)
        .with_aspect(0.95)
        .with_legend(LegendPlace::Below)
        .with_title("Expected error of stochastic gradient descent, and the level at which it settles")
}

fn over_steps(title: &str, heading: &str, traces: &[Trace], label: impl Fn(&Trace) -> String) -> Panel {
    let mut expected = Group::new(heading, Hue::Vermillion);
    let (mut runs, mut levels) = (Bars::default(), Bars::default());
    for trace in traces {
        let of = |value: fn(&super::study::Point) -> f64| trace.points.iter().map(value).collect::<Vec<_>>();
        let steps = of(|point| point.step as f64);
        expected = expected.with_series(Series::new(label(trace), steps.clone(), of(|point| point.expected)));
        for (point, step) in trace.points.iter().zip(&steps) {
            runs.add(*step, point.mean, 2.0 * point.error);
        }
        if let (Some(level), Some(last)) = (trace.stationary, steps.last()) {
            levels.add(last.sqrt(), level, 0.0);
            levels.add(*last, level, 0.0);
            levels.add(f64::NAN, f64::NAN, 0.0); // break before the next line
        }
    }
    let levels = Series::new("", levels.x, levels.y).with_dash(Dash::Dotted);
    let runs = Series::new("", runs.x, runs.y).with_band(runs.low, runs.high).with_dash(Dash::None);
    Panel::new(PanelAxis::log10("Steps"), PanelAxis::log10("Excess risk"))
        .with_title(title)
        .with_group(Group::new("Final level", Hue::Grey).with_series(levels))
        .with_group(expected)
        .with_group(Group::new("Runs", Hue::Black).with_series(runs))
}

/// Points with error bars.
#[derive(Default)]
struct Bars {
    x: Vec<f64>,
    y: Vec<f64>,
    low: Vec<f64>,
    high: Vec<f64>,
}

impl Bars {
    fn add(&mut self, x: f64, y: f64, half: f64) {
        self.x.push(x);
        self.y.push(y);
        self.low.push(y - half);
        self.high.push(y + half);
    }
}

fn of_stability(study: &Study, stability: &Stability) -> Panel {
    let mut group = Group::new("Feedback, by batch size", Hue::Blue);
    for (batch, feedback) in study.batches.iter().zip(&stability.amplification) {
        let series = Series::new(format!("b = {batch}"), stability.steps.clone(), feedback.clone());
        group = group.with_series(series);
    }
    let ends = vec![stability.steps[0], study.limit()];
    let edge = Series::new("", ends, vec![1.0; 2]).with_dash(Dash::Dashed);
    Panel::new(PanelAxis::log10("Step size h"), PanelAxis::log10("Feedback of squared residuals"))
        .with_title("Stability")
        .with_group(Group::new("Edge of stability", Hue::Black).with_series(edge))
        .with_group(group)
        .with_marker(study.edge, format!("b = {}", study.batches[0]))
}
