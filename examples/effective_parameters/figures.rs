//! The three axes, and every measure along p.

use crate::common::RunArgs;
use crate::common::figures::{constant, options};
use double_descent::Error;
use double_descent::curve::{Curve, Metric};
use double_descent::dataset::Dataset;
use double_descent::plot::{Abscissa, Figure, LegendPlace, study};

/// The test error over p, over degrees of freedom, and over effective parameters.
pub fn three_axes(args: &RunArgs, curve: &Curve, data: Option<&Dataset>) -> Result<Figure, Error> {
    let mut options = options(args);
    if let Some(data) = data {
        options.theories.extend(constant(curve, data)?);
    }
    let mut figure = study::overlay(&[("", curve, 0)], Metric::TestMse, &options).drawn()?;
    for axis in [Metric::DegreesOfFreedom, Metric::EffectiveParameters] {
        figure.panels.extend(study::over_metric(curve, 0, (axis, Metric::TestMse), &options)?.panels);
    }
    let titles = ["Raw parameters", "Degrees of freedom", "Effective parameters on test rows"];
    let range = figure.panels[0].y.range;
    for (panel, title) in figure.panels.iter_mut().zip(titles) {
        (panel.title, panel.y.range) = (title.into(), range);
    }
    figure.caption = format!(
        "The same curve on three axes. (a) Over the number of features. (b) Over the degrees of freedom tr H of the fit, \
         which stop at n. (c) Over p\u{302}⁰\u{a0}=\u{a0}n\u{a0}·\u{a0}mean\u{a0}‖s(x₀)‖², how much of the targets' noise a test \
         prediction picks up (Curth, Jeffares and van der Schaar 2023), which may fall as p grows. Lines run along p, \
         light up to the threshold and dark from there. {}",
        figure.caption.trim_start_matches("Test error. ")
    );
    Ok(figure
        .with_title("Test error over parameters, degrees of freedom and effective parameters")
        .with_columns(3)
        .with_width(1180.0)
        .with_legend(LegendPlace::Below)
        .with_aspect(0.9))
}

/// Measures of complexity along p.
pub fn measures(args: &RunArgs, curve: &Curve) -> Result<Figure, Error> {
    let options = options(args);
    let metrics = [
        Metric::DegreesOfFreedom,
        Metric::EffectiveParametersTrain,
        Metric::EffectiveParameters,
        Metric::StableRank,
        Metric::ParticipationRatio,
        Metric::CoefficientNorm,
        Metric::RademacherBound,
        Metric::FisherRaoNorm,
        Metric::TestMse,
    ];
    let titles = [
        "Degrees of freedom tr H",
        "Effective parameters, training rows",
        "Effective parameters, test rows",
        "Effective rank r₀ = Σσ²/σ₁²",
        "Effective rank R₀ = (Σσ²)²/Σσ⁴",
        "Norm of the fit",
        "Rademacher bound ‖β\u{302}‖ ‖X‖/n",
        "Fisher–Rao norm, test rows",
        "Test error",
    ];
    let mut figure: Option<Figure> = None;
    for (metric, title) in metrics.into_iter().zip(titles) {
        let one = study::overlay(&[("", curve, 0)], metric, &options).drawn()?;
        let panels = one.panels.iter().map(|panel| panel.clone().with_title(title)).collect::<Vec<_>>();
        match &mut figure {
            None => figure = Some(Figure { panels, ..one }),
            Some(figure) => figure.panels.extend(panels),
        }
    }
    let mut figure = figure.ok_or(Error::Empty { what: "the list of measures" })?;
    let over = if options.abscissa == Abscissa::Ratio { "p/n" } else { "p" };
    figure.caption = format!(
        "Measures of the complexity of one fit over {over}: of the smoother on its training rows ((a), (b)), which rise up to \
         the threshold and stay at n from there, on test rows ((c), (h)), of the design alone ((d), (e)), and of the norm \
         ((f), (g)); (i) the test error. {}",
        figure.caption.trim_start_matches("Degrees of freedom. ")
    );
    Ok(figure
        .with_title("Measures of complexity over the number of features")
        .with_columns(3)
        .with_width(1180.0)
        .with_legend(LegendPlace::Inside))
}
