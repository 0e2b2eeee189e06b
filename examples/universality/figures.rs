//! Noise terms over n and over p, with the theory for them.

use super::Cli;
use crate::common::feature_laws::Law;
use crate::common::{Statistic, counted, trimmed};
use double_descent::features::Activation;
use double_descent::plot::{Dash, Figure, Group, Hue, Panel, PanelAxis, Series};
use double_descent::sweep::NoiseSummary as Row;
use double_descent::theory::line::{Sizes, Theory, TheoryLine, values};
use double_descent::theory::noise::lower_bound;

/// The curves over n and over p.
type Curves = (Vec<Row>, Vec<Row>);

/// The quantity in one row of panels.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shown {
    NoiseTerm,
    OverBound,
}

impl Shown {
    const ALL: [Self; 2] = [Self::NoiseTerm, Self::OverBound];

    fn label(self) -> &'static str {
        match self {
            Self::NoiseTerm => "Noise term",
            Self::OverBound => "Noise term divided by its lower bound",
        }
    }

    /// The vertical range; for the noise term as in the paper.
    fn range(self) -> (f64, f64) {
        match self {
            Self::NoiseTerm => (2e-2, 1e4),
            Self::OverBound => (0.7, 300.0),
        }
    }

    /// The factor by which values at this size are multiplied.
    fn scale(self, n: usize, p: usize) -> f64 {
        match self {
            Self::NoiseTerm => 1.0,
            Self::OverBound => lower_bound(n, p).recip(),
        }
    }
}

/// All figures of this study, one per family of features.
pub fn all(cli: &Cli, results: &[(Law, Curves)]) -> Vec<(String, Figure)> {
    let of = |wanted: fn(&Law) -> bool| -> Vec<&(Law, Curves)> {
        results.iter().filter(|(map, _)| wanted(map)).collect()
    };
    let mut figures = Vec::new();
    let random = of(|law| !is_tangent(law) && law.name != "polynomial");
    if !random.is_empty() {
        let title = "What label noise adds to the test error, for several feature maps";
        figures.push(("universality".to_owned(), figure(cli, &random, title, &described(&random))));
    }
    let polynomial = of(|law| law.name == "polynomial");
    if !polynomial.is_empty() {
        let title = "The features of a polynomial kernel";
        let text = "The 35 features of the kernel (x·x'\u{a0}+\u{a0}1)⁴ on 3 standard normal inputs, in the order of \
                    their degrees; Σ exact.";
        figures.push(("polynomial".to_owned(), figure(cli, &polynomial, title, text)));
    }
    let tangent = of(is_tangent);
    if !tangent.is_empty() {
        let title = "Tangent features of random networks";
        let text = "Derivatives of networks of 4 inputs and 6 hidden neurons in their 30 weights; Σ from new draws \
                    in each repeat. Those of ReLU have rank 24 at most: the bound does not hold for them.";
        figures.push(("tangent".to_owned(), figure(cli, &tangent, title, text)));
    }
    figures
}

/// Describes the figure of random features.
fn described(results: &[&(Law, Curves)]) -> String {
    let has = |wanted: fn(&Law) -> bool| results.iter().any(|(map, _)| wanted(map));
    let mut parts = Vec::new();
    if has(|law| law.name == "gaussian") {
        parts.push("Gaussian features");
    }
    if has(|law| law.name == "sphere") {
        parts.push("the sphere");
    }
    if has(|law| law.activation.is_some()) {
        parts.push(
            "the last layer of random networks (10 inputs, layers of 256, no biases; Σ from new draws in each \
             repeat)",
        );
    }
    if has(|law| law.name == "fourier") {
        parts.push("random Fourier features of 10 inputs, frequencies N(0,\u{a0}1)");
    }
    let mut text = parts.join("; ");
    text.get_mut(..1).into_iter().for_each(str::make_ascii_uppercase);
    text.push('.');
    if has(|law| law.activation == Some(Activation::Relu)) {
        text.push_str(
            " The bound is proved for all of them but ReLU, whose features may be 0 on all training inputs.",
        );
    }
    text
}

fn figure(cli: &Cli, results: &[&(Law, Curves)], title: &str, text: &str) -> Figure {
    let samples: Vec<(&Law, &[Row])> = results.iter().map(|(map, (rows, _))| (map, &rows[..])).collect();
    let features: Vec<(&Law, &[Row])> = results
        .iter()
        .filter(|(_, (_, rows))| !rows.is_empty())
        .map(|(map, (_, rows))| (map, &rows[..]))
        .collect();
    let shown = match cli.statistic {
        Statistic::Mean => "Means over {}, bands of one standard error",
        Statistic::Median => "Medians over {}, bands between the quartiles",
    };
    let caption = format!(
        "Noise term E\u{a0}‖√Σ\u{a0}X⁺‖² of minimum-norm least squares: what label noise of variance 1 adds to the test \
         error. {text} {}, seed {}. Lower bound: n/(p\u{a0}+\u{a0}1\u{a0}−\u{a0}n) for n\u{a0}≤\u{a0}p, \
         p/(n\u{a0}+\u{a0}1\u{a0}−\u{a0}p) for n\u{a0}≥\u{a0}p; exact Gaussian: n/(p\u{a0}−\u{a0}n\u{a0}−\u{a0}1), \
         p/(n\u{a0}−\u{a0}p\u{a0}−\u{a0}1), infinite for |n\u{a0}−\u{a0}p|\u{a0}≤\u{a0}1, where its line breaks.",
        shown.replace("{}", &counted(cli.repeats, "repeat")),
        cli.seed,
    );
    let mut figure =
        Figure::new(format!("{caption}{}", cut_off(cli, &[&samples, &features]))).with_title(title);
    for shown in Shown::ALL {
        if let Some((_, rows)) = samples.first() {
            let p = rows.first().map_or(0, |row| row.p);
            let panel = panel(cli, &samples, Sizes::Samples { p }, shown);
            let panel = panel.with_title(format!("p = {p} features")).with_marker(p as f64, "n = p");
            figure = figure.with_panel(panel);
        }
        if let Some((_, rows)) = features.first() {
            let n = rows.first().map_or(0, |row| row.n);
            let panel = panel(cli, &features, Sizes::Features { n }, shown);
            let panel = panel.with_title(format!("n = {n} samples")).with_marker(n as f64, "p = n");
            figure = figure.with_panel(panel);
        }
    }
    figure.with_columns(2).with_width(1140.0).with_aspect(0.8)
}

/// A sentence on noise terms above the frames.
fn cut_off(cli: &Cli, curves: &[&[(&Law, &[Row])]]) -> String {
    let rows = curves.iter().flat_map(|curves| curves.iter()).flat_map(|(_, rows)| rows.iter());
    let (_, top) = Shown::NoiseTerm.range();
    let over: Vec<f64> = rows.map(|row| middle(cli, row)).filter(|value| *value > top).collect();
    let largest = over.iter().copied().fold(0.0, f64::max);
    let largest = trimmed(format!("{largest:.1e}").parse().unwrap_or(largest));
    match over.len() {
        0 => String::new(),
        1 => format!(" One noise term lies above the frame, at {largest}."),
        count => format!(" {count} noise terms lie above the frame, the largest at {largest}."),
    }
}

/// The value that a line shows.
fn middle(cli: &Cli, row: &Row) -> f64 {
    match cli.statistic {
        Statistic::Mean => row.mean,
        Statistic::Median => row.quantiles[2],
    }
}

fn panel(cli: &Cli, curves: &[(&Law, &[Row])], sizes: Sizes, shown: Shown) -> Panel {
    let (label, at): (_, fn(&Row) -> usize) = match sizes {
        Sizes::Samples { .. } => ("Number of samples n", |row| row.n),
        Sizes::Features { .. } => ("Number of features p", |row| row.p),
    };
    let (low, high) = shown.range();
    let y = PanelAxis::log10(shown.label()).with_range(low, high);
    let mut panel = Panel::new(PanelAxis::log10(label), y);
    for (heading, hue, dash) in FAMILIES {
        let members: Vec<_> = curves.iter().filter(|(map, _)| family(map) == heading).collect();
        if members.is_empty() {
            continue;
        }
        let mut group = Group::new(heading, hue);
        for (map, rows) in &members {
            group = group.with_series(series(cli, (map, rows), at, shown).with_dash(dash));
        }
        panel = panel.with_group(group);
    }
    let Some((_, rows)) = curves.first() else { return panel };
    panel.with_group(theory(rows, sizes, at, shown))
}

/// The theory for all features, and for Gaussian ones; infinite values break the line.
fn theory(rows: &[Row], sizes: Sizes, at: fn(&Row) -> usize, shown: Shown) -> Group {
    let x: Vec<f64> = rows.iter().map(|row| at(row) as f64).collect();
    let lines = [TheoryLine::gaussian_noise(sizes), TheoryLine::noise_lower_bound(sizes)];
    let mut group = Group::new("Theory", Hue::Black);
    for (line, dash) in lines.iter().zip([Dash::Dotted, Dash::Dashed]) {
        let label = format!("{} ({})", line.label(), line.reference());
        // Both formulas have a value at every n and p.
        let mut y = values(line, &x).unwrap_or_else(|_| vec![f64::NAN; x.len()]);
        y.iter_mut().zip(rows).for_each(|(y, row)| *y *= shown.scale(row.n, row.p));
        group = group.with_series(Series::new(label, x.clone(), y).with_dash(dash));
    }
    group
}

const DRAWN: &str = "Distributions";
const ANALYTIC: &str = "Networks, analytic";
const KINKED: &str = "Networks, not analytic";
const KERNELS: &str = "Kernels";

const FAMILIES: [(&str, Hue, Dash); 4] = [
    (ANALYTIC, Hue::Green, Dash::Solid),
    (KINKED, Hue::Purple, Dash::Dashed),
    (KERNELS, Hue::Vermillion, Dash::Solid),
    (DRAWN, Hue::Blue, Dash::Solid),
];

/// Whether the features are derivatives with respect to the weights of a network.
fn is_tangent(law: &Law) -> bool {
    law.name.starts_with("tangent-")
}

fn family(law: &Law) -> &'static str {
    match (law.activation, law.name.as_str()) {
        (Some(activation), _) if activation.is_analytic() => ANALYTIC,
        (Some(_), _) => KINKED,
        (None, "gaussian" | "sphere") => DRAWN,
        (None, _) => KERNELS,
    }
}

fn label(law: &Law) -> String {
    match law.activation {
        Some(activation) => activation.name().into(),
        None => law.name[..1].to_uppercase() + &law.name[1..],
    }
}

fn series(cli: &Cli, (map, rows): (&Law, &[Row]), at: fn(&Row) -> usize, shown: Shown) -> Series {
    let x = rows.iter().map(|row| at(row) as f64).collect();
    let column = |f: &dyn Fn(&Row) -> f64| -> Vec<f64> {
        rows.iter().map(|row| f(row) * shown.scale(row.n, row.p)).collect()
    };
    let (lower, upper) = match cli.statistic {
        // If the error is as large as the mean, the band extends to the lower edge of the frame.
        Statistic::Mean => (
            column(&|row| (row.mean - row.standard_error).max(1e-5)),
            column(&|row| row.mean + row.standard_error),
        ),
        Statistic::Median => (column(&|row| row.quantiles[1]), column(&|row| row.quantiles[3])),
    };
    Series::new(label(map), x, column(&|row| middle(cli, row))).with_band(lower, upper)
}
