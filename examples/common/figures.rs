//! Figures of the studies: lines from summaries, files next to the tables.

use super::flags::Failure;
use super::{Abscissa, LegendArg, PrintArgs, RunArgs, Statistic, TableArgs, keep_folder, say};
use double_descent::Error;
use double_descent::curve::{ArmLabel, Axis, Bootstrap, Curve, Metric, Summary};
use double_descent::dataset::Dataset;
use double_descent::plot::{self, Figure, FigureOptions, LegendPlace, Overlay, Series, Theme};
use double_descent::theory::line::{Sizes, TheoryLine};
use double_descent::theory::{constant, gaussian};
use ndarray::s;
use std::path::Path;

/// Writes every figure that `study` makes of the curve and reports their names, unless `--no-figures` is set.
pub fn write(
    args: &RunArgs,
    curve: &Curve,
    folder: &Path,
    theories: Vec<Overlay>,
    study: impl Fn(&Curve, &FigureOptions) -> Vec<(&'static str, Figure)>,
) -> Result<(), Error> {
    if args.no_figures {
        return Ok(());
    }
    save(&args.print, folder, study(curve, &FigureOptions { theories, ..options(args) }))
}

/// Returns the theory of the unablated arm, if it is known: on the student-teacher table, whose features are `N(0, I)`
/// and of which the student sees a part, the expected test error is exact. For prepared features it does not hold, and
/// no theory is drawn.
pub fn known(args: &TableArgs, curve: &Curve, folder: &Path) -> Result<Vec<Overlay>, Failure> {
    let is_prepared = args.data.intercept || args.data.standardise;
    let Some(teacher) = args.student_teacher(folder).filter(|_| !is_prepared) else {
        return Ok(Vec::new());
    };
    let (teacher, p) = (teacher?, curve.held_size().unwrap_or(0));
    let energy = |part: ndarray::ArrayView1<'_, f64>| part.dot(&part);
    let (seen, unseen) = (energy(teacher.slice(s![..p])), energy(teacher.slice(s![p..])));
    let sizes = Sizes::Samples { p };
    // There is no label noise, but the part of the teacher that the student cannot see acts as noise.
    let test = TheoryLine::over_sizes(
        "Mean test error over Gaussian tables, exact",
        "Belkin, Hsu and Xu 2020",
        sizes,
        move |n, p| gaussian::weak_features(n, p, seen, unseen, 0.0),
    );
    let train = TheoryLine::over_sizes("Mean training error", "degrees of freedom", sizes, move |n, p| {
        gaussian::train_error(n, p, unseen)
    });
    let of_unablated = |overlay: Overlay| overlay.of_arm("unablated", None);
    Ok(vec![of_unablated(Overlay::new(test)), of_unablated(Overlay::new(train).of_metric(Metric::TrainMse))])
}

/// Arms that are fitted to other targets than the table's.
const OTHER_TARGETS: [&str; 2] = ["no_residuals", "adversarial_train"];

/// Returns the test error of a constant prediction, as a baseline for the arms of a curve on random splits of a table.
pub fn constant(curve: &Curve, data: &Dataset) -> Result<Vec<Overlay>, Error> {
    let held = curve.held_size().unwrap_or(0);
    let sizes = match curve.axis {
        Axis::Features => Sizes::Features { n: held },
        _ => Sizes::Samples { p: held },
    };
    let line = Overlay::baseline(TheoryLine::constant_prediction(sizes, constant::variance(data.targets())?));
    let arms = curve.arms.iter().filter(|arm| !OTHER_TARGETS.contains(&&*arm.name));
    let of_arm = |arm: &ArmLabel| {
        let line = line.clone().of_arm(arm.name.clone(), arm.setting);
        [line.clone(), line.of_metric(Metric::TestMseOpposite)]
    };
    Ok(arms.flat_map(of_arm).collect())
}

/// The figure options that `--statistic` and `--x` request.
pub fn options(args: &RunArgs) -> FigureOptions {
    let bootstrap = Bootstrap { draws: args.bootstrap, seed: args.seed };
    FigureOptions {
        statistic: match args.statistic {
            Statistic::Median => plot::Statistic::Median,
            Statistic::Mean => plot::Statistic::Mean(bootstrap),
        },
        abscissa: match args.x {
            Abscissa::Ratio => plot::Abscissa::Ratio,
            Abscissa::Axis => plot::Abscissa::Axis,
        },
        ..FigureOptions::default()
    }
}

/// The summaries of one arm as a line and a band, with the statistic of `--statistic` and each value multiplied by
/// `scale`.
pub fn line<'a>(
    args: &RunArgs,
    label: impl Into<String>,
    summaries: impl Iterator<Item = &'a Summary>,
    abscissa: impl Fn(&Summary) -> f64,
    scale: impl Fn(&Summary) -> f64,
) -> Series {
    let (mut x, mut y, mut low, mut high) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let has_band = args.statistic == Statistic::Median || args.bootstrap > 0;
    for summary in summaries {
        let scale = scale(summary);
        let (middle, (lower, upper)) = match args.statistic {
            Statistic::Median => (summary.median, (summary.q25, summary.q75)),
            Statistic::Mean => (summary.mean, summary.mean_band.unwrap_or((summary.mean, summary.mean))),
        };
        x.push(abscissa(summary));
        y.push(middle * scale);
        low.push(lower * scale);
        high.push(upper * scale);
    }
    // A single repeat has no spread to show.
    let has_band = has_band && low.iter().zip(&high).any(|(low, high)| low < high);
    let series = Series::new(label, x, y);
    if has_band { series.with_band(low, high) } else { series }
}

/// Describes lines and bands, for a caption.
pub fn describe(args: &RunArgs, repeats: usize) -> String {
    describe_over(args, repeats, &format!("{repeats} repeats"))
}

/// Describes lines and bands over repeats that `what` describes, with their number.
pub fn describe_over(args: &RunArgs, repeats: usize, what: &str) -> String {
    if repeats == 1 {
        return "Lines show a single repeat".into();
    }
    match args.statistic {
        Statistic::Median => format!("Lines are medians and bands quartiles over {what}"),
        Statistic::Mean if args.bootstrap == 0 => format!("Lines are means over {what}"),
        Statistic::Mean => format!(
            "Lines are means and bands their 95\u{a0}% bootstrap intervals ({} resamples, seed {}) over {what}",
            args.bootstrap, args.seed
        ),
    }
}

/// Applies the print flags to a figure.
pub fn for_print(args: &PrintArgs, figure: Figure) -> Figure {
    let legend = match args.legend {
        None => figure.legend,
        Some(LegendArg::Right) => LegendPlace::Right,
        Some(LegendArg::Below) => LegendPlace::Below,
        Some(LegendArg::Inside) => LegendPlace::Inside,
    };
    Figure {
        width_mm: args.width.map(|width| width.0).or(figure.width_mm),
        legend,
        caption_apart: args.no_caption || figure.caption_apart,
        theme: if args.dark { Theme::Dark } else { figure.theme },
        ..figure
    }
}

/// Draws and writes one figure, unless `--no-figures` is set.
pub fn one(
    args: &RunArgs,
    folder: &Path,
    name: &str,
    draw: impl FnOnce() -> Result<Figure, Error>,
) -> Result<(), Error> {
    if args.no_figures { Ok(()) } else { save(&args.print, folder, [(name, draw()?)]) }
}

/// Writes figures as SVG, PNG and PDF.
pub fn save(
    args: &PrintArgs,
    folder: &Path,
    figures: impl IntoIterator<Item = (impl AsRef<str>, Figure)>,
) -> Result<(), Error> {
    keep_folder(folder)?;
    let figures: Vec<(_, Figure)> =
        figures.into_iter().map(|(name, figure)| (name, for_print(args, figure))).collect();
    for (name, figure) in &figures {
        for format in ["svg", "png", "pdf"] {
            figure.save(folder.join(format!("{}.{format}", name.as_ref())))?;
        }
    }
    let names: Vec<&str> = figures.iter().map(|(name, _)| name.as_ref()).collect();
    say!("         {}: {{{}}}.{{svg,png,pdf}}", folder.display(), names.join(","));
    for (name, figure) in &figures {
        note_letters(name.as_ref(), figure);
    }
    if let Some(width) = args.width {
        for (name, figure) in &figures {
            note_width(name.as_ref(), figure, width.0);
            note_height(name.as_ref(), figure, width.0);
        }
    }
    Ok(())
}

/// Notes on standard error which letters of a figure its PNG and PDF cannot show.
fn note_letters(name: &str, figure: &Figure) {
    let missing = figure.missing_letters();
    if missing.is_empty() {
        return;
    }
    let letters: Vec<String> = missing.iter().map(char::to_string).collect();
    eprintln!(
        "note: {name}.png and {name}.pdf show � for letters that the program's font lacks: {}; {name}.svg has them as \
         text",
        letters.join(" ")
    );
}

/// Notes on standard error that a figure is wider than requested.
fn note_width(name: &str, figure: &Figure, width: f64) {
    if let Some(drawn) = figure.drawn_width_mm().filter(|drawn| *drawn > width + 0.01) {
        eprintln!(
            "note: {name}.svg is {drawn:.1} mm wide, more than the {width} mm of --width: it cannot be narrower with its \
             panels and legends"
        );
    }
}

/// The usual width and height of what is printed on a page of A4, in millimetres.
const PAGE: (f64, f64) = (180.0, 240.0);

/// Notes on standard error that a figure is higher than a page, and how high it is at the width of a page.
fn note_height(name: &str, figure: &Figure, width: f64) {
    let Some(height) = figure.height_mm().filter(|height| *height > PAGE.1) else { return };
    let wider = figure.clone().with_width_mm(PAGE.0).height_mm();
    let wider = wider.filter(|wider| width < PAGE.0 && *wider < height);
    let remedy =
        wider.map_or(String::new(), |wider| format!("; with --width {}mm it is {wider:.0} mm tall", PAGE.0));
    eprintln!("note: {name}.svg is {height:.0} mm tall, more than the {} mm of a page{remedy}", PAGE.1);
}
