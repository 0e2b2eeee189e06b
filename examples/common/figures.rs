//! Figures of the studies: lines from summaries, files beside the tables.

use super::{Abscissa, RunArgs, Statistic, say};
use double_descent::Error;
use double_descent::curve::{Bootstrap, Curve, Summary};
use double_descent::plot::{self, Figure, FigureOptions, Series};
use std::path::Path;

/// Writes every figure that `study` makes of the curve, and says which, unless `--no-figures`.
pub fn write(
    args: &RunArgs,
    curve: &Curve,
    folder: &Path,
    study: impl Fn(&Curve, &FigureOptions) -> Vec<(&'static str, Figure)>,
) -> Result<(), Error> {
    if args.no_figures {
        return Ok(());
    }
    save(folder, &study(curve, &options(args)))
}

/// What `--statistic` and `--x` ask for.
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
    }
}

/// The summaries of one arm as a line and a band: what `--statistic` asks for, each value times `scale`.
pub fn line<'a>(
    args: &RunArgs,
    label: impl Into<String>,
    summaries: impl Iterator<Item = &'a Summary>,
    abscissa: impl Fn(&Summary) -> f64,
    scale: impl Fn(&Summary) -> f64,
) -> Series {
    let (mut x, mut y, mut low, mut high) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
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
    Series::new(label, x, y).with_band(low, high)
}

/// What lines and bands are, for a caption.
pub fn describe(args: &RunArgs, repeats: usize) -> String {
    match args.statistic {
        Statistic::Median => format!("Lines are medians and bands quartiles over {repeats} repeats"),
        Statistic::Mean => format!(
            "Lines are means and bands their 95\u{a0}% bootstrap intervals ({} resamples, seed {}) over {repeats} \
             repeats",
            args.bootstrap, args.seed
        ),
    }
}

/// Writes figures as SVG and PNG.
pub fn save(folder: &Path, figures: &[(impl AsRef<str>, Figure)]) -> Result<(), Error> {
    for (name, figure) in figures {
        figure.save(folder.join(format!("{}.svg", name.as_ref())))?;
        figure.save(folder.join(format!("{}.png", name.as_ref())))?;
    }
    let names: Vec<&str> = figures.iter().map(|(name, _)| name.as_ref()).collect();
    say!("         {}: {{{}}}.{{svg,png}}", folder.display(), names.join(","));
    Ok(())
}
