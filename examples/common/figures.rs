//! The figures of a study as SVG and PNG, beside its tables.

use super::{Abscissa, RunArgs, Statistic};
use double_descent::Error;
use double_descent::curve::{Bootstrap, Curve};
use double_descent::plot::{self, Figure, FigureOptions};
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
    let figures = study(curve, &options(args));
    for (name, figure) in &figures {
        figure.save(folder.join(format!("{name}.svg")))?;
        figure.save(folder.join(format!("{name}.png")))?;
    }
    let names: Vec<&str> = figures.iter().map(|(name, _)| *name).collect();
    println!("         {}: {{{}}}.{{svg,png}}", folder.display(), names.join(","));
    Ok(())
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
