//! Summaries of a curve as lines of a figure.

use crate::common::{RunArgs, Statistic};
use double_descent::Error;
use double_descent::curve::Summary;
use double_descent::plot::{Figure, Series};
use std::path::Path;

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
pub fn save(folder: &Path, figures: &[(String, Figure)]) -> Result<(), Error> {
    for (name, figure) in figures {
        figure.save(folder.join(format!("{name}.svg")))?;
        figure.save(folder.join(format!("{name}.png")))?;
    }
    let names: Vec<&str> = figures.iter().map(|(name, _)| name.as_str()).collect();
    println!("         {}: {{{}}}.{{svg,png}}", folder.display(), names.join(","));
    Ok(())
}
