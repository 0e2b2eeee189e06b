//! Figures over p, over training time, and over the scale of two layers.

use super::study::{GROUPS, Place, QUANTITIES, ROWS, Scales, Study, Training};
use crate::common::counted;
use double_descent::Error;
use double_descent::plot::{Dash, Figure, Group, Hue, LegendPlace, Panel, PanelAxis, Series};
use double_descent::theory::marchenko_pastur::MarchenkoPastur;

/// The quantities over the number of features.
pub fn features(study: &Study, places: &[Place]) -> Result<Figure, Error> {
    let n = study.samples as f64;
    let p: Vec<f64> = places.iter().map(|place| place.p as f64).collect();
    let series = |index: usize| {
        let of =
            |which: usize| places.iter().map(|place| place.quartiles[index][which]).collect::<Vec<f64>>();
        Series::new("", p.clone(), of(1)).with_band(of(0), of(2))
    };
    let dashed = |index: usize, hue, dash| {
        Group::new(QUANTITIES[index].1, hue).with_series(series(index).with_dash(dash))
    };
    let group = |index: usize, hue| dashed(index, hue, Dash::Solid);
    let panel = |title: &str, y: PanelAxis| {
        let x = PanelAxis::log10("Number of features p").with_range(p[0], p[p.len() - 1]);
        Panel::new(x, y).with_title(title).with_marker(n, "p = n")
    };
    // The limits of the extreme eigenvalues and of the mean log, by Marchenko and Pastur.
    let law = |p: f64| MarchenkoPastur::new(p / n);
    let dense: Vec<f64> =
        (0..=400).map(|i| p[0] * (p[p.len() - 1] / p[0]).powf(f64::from(i) / 400.0)).collect();
    let limit = |of: &dyn Fn(&MarchenkoPastur) -> f64| -> Result<Series, Error> {
        let y = dense.iter().map(|&p| Ok(of(&law(p)?))).collect::<Result<_, Error>>()?;
        Ok(Series::new("Marchenko and Pastur 1967", dense.clone(), y).with_dash(Dash::Dashed))
    };
    // The mean log of the min(n, p) non-zero eigenvalues.
    let mean_log = |law: &MarchenkoPastur| law.mean_log();
    let smallest = places.iter().map(|place| place.quartiles[3][1]).fold(f64::INFINITY, f64::min);
    let theory = |series: Series| Group::new("Limit", Hue::Black).with_series(series);
    let caption = format!(
        "Minimum-norm fits of n\u{a0}=\u{a0}{} rows of the first p of {} standard normal inputs, loss ‖Xβ\u{a0}−\u{a0}y‖²/2n, \
         teacher of norm 1, label noise of standard deviation {}; medians and quartiles over {} training sets, seed {}. (a) \
         The trace and the largest eigenvalue of the Hessian (and of the Fisher matrix, a multiple of it): their expectation and limit \
         pass the threshold smoothly. (b) The smallest that is not 0, whose limit is 0 there. (c) The volume: the log of the \
         pseudo-determinant, over the rank. (d) Curvature relative to the norm of the fit, the least trace over all \
         scales of two layers, and the test error. (e) Gradient noise at the fit is 0 \
         from p\u{a0}=\u{a0}n on, where every row is interpolated.",
        study.samples,
        8 * study.samples,
        study.noise,
        study.repeats,
        study.seed,
    );
    Ok(Figure::new(caption)
        .with_panel(
            panel("Trace and largest curvature", PanelAxis::log10("Curvature"))
                .with_group(group(1, Hue::Blue))
                .with_group(dashed(2, Hue::Green, Dash::DashDotted)),
        )
        .with_panel(
            panel("The smallest curvature", PanelAxis::log10("Curvature").with_range(0.3 * smallest, 20.0))
                .with_group(group(3, Hue::Green))
                .with_group(theory(limit(&|law| law.edges()[0])?)),
        )
        .with_panel(
            panel("The volume of the minimum", PanelAxis::linear("Mean log of the curvatures"))
                .with_group(group(4, Hue::Purple))
                .with_group(theory(limit(&mean_log)?)),
        )
        .with_panel(
            panel("Relative to the fit", PanelAxis::log10("Value"))
                .with_group(dashed(6, Hue::Blue, Dash::DashDotted))
                .with_group(dashed(7, Hue::Purple, Dash::Dotted))
                .with_group(group(0, Hue::Vermillion)),
        )
        .with_panel(panel("Gradient noise", PanelAxis::log10("tr C")).with_group(group(5, Hue::Grey)))
        .with_title("Flatness along the number of features")
        .with_columns(3)
        .with_width(1240.0)
        .with_legend(LegendPlace::Below)
        .with_aspect(0.85))
}

/// The test error over time, next to the trace, gradient noise and the training error.
pub fn training(study: &Study, training: &[Training]) -> Figure {
    let of = |value: fn(&Training) -> f64| training.iter().map(value).collect::<Vec<f64>>();
    let times = of(|at| at.time);
    let group = |name: &str, hue, dash, y: Vec<f64>| {
        Group::new(name, hue).with_series(Series::new("", times.clone(), y).with_dash(dash))
    };
    let panel = |title: &str, label: &str| {
        Panel::new(PanelAxis::log10("Training time t"), PanelAxis::log10(label)).with_title(title)
    };
    let groups: Vec<String> = GROUPS
        .iter()
        .map(|(count, l, e)| format!("{count} of variance {l} and squared coefficient {e}"))
        .collect();
    let caption = format!(
        "Gradient flow from 0 on ‖Xβ\u{a0}−\u{a0}y‖²/2n, expected over label noise of variance 1, in closed form; n\u{a0}=\u{a0}{ROWS} \
         rows of independent normal features: {}; means over {}, seed {}. (a) The excess test error. (b) The \
         trace of the Fisher matrix of a row (and of the Hessian), which training does not change in a linear model; gradient \
         noise tr\u{a0}C; the training error, which gradient flow never raises.",
        groups.join(", "),
        counted((study.repeats / 8).max(1), "design"),
        study.seed,
    );
    Figure::new(caption)
        .with_panel(panel("Excess test error", "Excess test error").with_group(group(
            "Excess test error",
            Hue::Vermillion,
            Dash::Solid,
            of(|at| at.excess),
        )))
        .with_panel(
            panel("Trace, gradient noise and training error", "Value")
                .with_group(group(
                    "Trace of the Fisher matrix",
                    Hue::Green,
                    Dash::Dotted,
                    of(|at| at.fisher_trace),
                ))
                .with_group(group(
                    "Gradient noise tr C",
                    Hue::Purple,
                    Dash::DashDotted,
                    of(|at| at.gradient_noise),
                ))
                .with_group(group("Training error", Hue::Blue, Dash::Solid, of(|at| at.train_mse))),
        )
        .with_title("Flatness along training")
        .with_columns(2)
        .with_width(960.0)
        .with_legend(LegendPlace::Below)
        .with_aspect(0.85)
}

/// Sharpness of the same functions at all scales of two layers.
pub fn reparametrisation(study: &Study, scales: &[Scales]) -> Figure {
    let panel = |title: &str, label: &str, which: usize, hue| {
        let mut group = Group::new(label, hue);
        let mut least = Group::new("Least trace over all scales", Hue::Black);
        for fit in scales {
            let of = |index: usize| fit.points.iter().map(|point| point[index]).collect::<Vec<f64>>();
            group = group.with_series(Series::new(format!("p\u{a0}=\u{a0}{}", fit.p), of(0), of(which)));
            let ends = vec![of(0)[0], of(0)[fit.points.len() - 1]];
            let level = Series::new(format!("p\u{a0}=\u{a0}{}", fit.p), ends, vec![fit.normalised; 2]);
            least = least.with_series(level.with_dash(Dash::Dashed));
        }
        let panel = Panel::new(PanelAxis::log10("Scale s"), PanelAxis::log10(label))
            .with_title(title)
            .with_group(group);
        if which == 1 { panel.with_group(least) } else { panel }
    };
    let errors: Vec<String> = scales
        .iter()
        .map(|fit| format!("{} at p\u{a0}=\u{a0}{}", crate::common::trimmed(fit.excess), fit.p))
        .collect();
    let caption = format!(
        "Minimum-norm fits of one training set (n\u{a0}=\u{a0}{}, seed {}) written as a network of two layers, \
         f(x)\u{a0}=\u{a0}a\u{a0}w·x with w\u{a0}=\u{a0}sβ\u{302} and a\u{a0}=\u{a0}1/s: the same predictions for every s, with \
         excess test errors {}, but a Hessian in (w, a) whose trace (a) and largest eigenvalue (b) grow without bound as s goes to 0 \
         or to ∞ (Dinh et al. 2017). No scale changes the least trace, 2\u{a0}√(tr\u{a0}H\u{a0}·\u{a0}‖Xβ\u{302}‖²/n) (dashes).",
        study.samples,
        study.seed,
        errors.join(", "),
    );
    Figure::new(caption)
        .with_panel(panel("Trace", "Trace of the Hessian", 1, Hue::Blue))
        .with_panel(panel("Sharpness", "Largest eigenvalue of the Hessian", 2, Hue::Vermillion))
        .with_title("Same function, different sharpness")
        .with_columns(2)
        .with_width(960.0)
        .with_legend(LegendPlace::Below)
        .with_aspect(0.85)
}
