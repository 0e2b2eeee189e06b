//! The smallest singular value over n, and its limit for many features.

use super::study::limit;
use crate::common::figures::{describe, line};
use crate::common::{Abscissa, RunArgs};
use double_descent::Error;
use double_descent::curve::{Curve, Metric, Summary};
use double_descent::plot::{Dash, Figure, Group, Hue, Panel, PanelAxis, Series};

/// The smallest non-zero singular value of rows from the three-dimensional Gaussian.
pub fn correlated(args: &RunArgs, curve: &Curve) -> Result<Figure, Error> {
    let ratio = args.x == Abscissa::Ratio;
    let summaries = curve.summaries(Metric::SmallestSingularValue, args.bootstrap())?;
    let abscissa = |n: usize| if ratio { 3.0 / n as f64 } else { n as f64 };
    let series = line(args, "", summaries.iter(), |s| abscissa(s.n), |_| 1.0);
    let label = if ratio { "p / n" } else { "Number of rows n" };
    let panel =
        Panel::new(PanelAxis::log10(label), PanelAxis::log10("Smallest non-zero singular value of Xₙ"))
            .with_group(Group::new("", Hue::Green).with_series(series))
            .with_marker(abscissa(3), "n = p = 3");
    let caption = format!(
        "Smallest non-zero singular value of n rows from the three-dimensional Gaussian of mean 0 and covariance \
         ((23,\u{a0}9,\u{a0}4), (9,\u{a0}6,\u{a0}2), (4,\u{a0}2,\u{a0}5)). {}, drawn anew for each n, seed {}.",
        describe(args, curve.repeats()),
        args.seed
    );
    Ok(Figure::new(caption).with_panel(panel).with_title("The smallest singular value is smallest at n = p"))
}

/// `σ_min / √n` of isotropic rows over n/p, for growing p, and the limit.
pub fn isotropic(args: &RunArgs, curves: &[Curve]) -> Result<Figure, Error> {
    let mut group = Group::new("By number of features p", Hue::Green);
    let mut sizes = Vec::new();
    for curve in curves {
        let summaries = curve.summaries(Metric::SmallestSingularValue, args.bootstrap())?;
        let p = summaries.first().map_or(0, |s| s.p);
        let abscissa = |s: &Summary| s.n as f64 / s.p as f64;
        let scale = |s: &Summary| (s.n as f64).sqrt().recip();
        group = group.with_series(line(args, p.to_string(), summaries.iter(), abscissa, scale));
        sizes.push(p.to_string());
    }
    // Cubed: most points near n = p, where the limit falls to 0; far below the frame stands for 0.
    let x: Vec<f64> = (-300..=254).map(|i| 10.0_f64.powf((f64::from(i) / 300.0).powi(3))).collect();
    let y = x.iter().map(|&x| limit(x).max(1e-12)).collect();
    let theory = Series::new("", x, y).with_dash(Dash::Dashed);
    let y = PanelAxis::log10("Smallest non-zero singular value / √n").with_range(3e-4, 4.0);
    let panel = Panel::new(PanelAxis::log10("n / p").with_range(0.1, 4.0), y)
        .with_group(group)
        .with_group(Group::new("Limit |1 − √(p/n)|", Hue::Vermillion).with_series(theory))
        .with_marker(1.0, "n = p");
    let caption = format!(
        "Smallest non-zero singular value of n\u{a0}×\u{a0}p matrices of independent standard normals over √n, \
         p\u{a0}=\u{a0}{}; dashed, the limit for n,\u{a0}p\u{a0}→\u{a0}∞ at fixed n/p (Bai and Yin, 1993). {}, drawn \
         anew for each n, seed {}.",
        sizes.join(", "),
        describe(args, curves.iter().map(Curve::repeats).max().unwrap_or(0)),
        args.seed
    );
    Ok(Figure::new(caption)
        .with_panel(panel)
        .with_title("The smallest singular value nears 0 at n = p alone, the closer the larger p"))
}
