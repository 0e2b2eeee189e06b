//! The fits: functions of one variable with their training points.

use crate::Error;
use crate::error::user_code;
use crate::plot::{Dash, Figure, Group, Hue, Panel, PanelAxis, Series};
use crate::sweep::Sweep;
use ndarray::Array2;

/// The number of equally spaced inputs at which a fit is drawn.
const POINTS: usize = 801;

/// The true function, and the region in which [`fits`] are drawn.
#[derive(Clone, Copy)]
pub struct Truth<'a> {
    /// Its name in the legend.
    pub name: &'a str,
    /// The noiseless function.
    pub function: &'a dyn Fn(f64) -> f64,
    /// The range of inputs shown.
    pub inputs: (f64, f64),
    /// The range of outputs shown; fits that leave it are cut off.
    pub outputs: (f64, f64),
}

impl std::fmt::Debug for Truth<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { name, inputs, outputs, .. } = self;
        f.debug_struct("Truth")
            .field("name", name)
            .field("inputs", inputs)
            .field("outputs", outputs)
            .finish_non_exhaustive()
    }
}

/// Figure of one repeat's fits at several numbers of features, on the largest training set of each sweep: a row of
/// panels for each sweep (with its name), a panel for each `p`. Sweeps must have one input and one output; their first
/// arm is drawn.
///
/// Not drawn, with the reason ([`Figure::undrawn`]): [`Error::Empty`] without sweeps or sizes; [`Error::Unsupported`]
/// for a sweep with more inputs or outputs; [`Error::UserCode`] if the true function panics; the errors of
/// [`Sweep::fit`] and of its predictions.
///
/// # Examples
/// ```
/// use double_descent::dataset::Dataset;
/// use double_descent::features::{Polynomial, PolynomialBasis};
/// use double_descent::plot::study::{self, Truth};
/// use double_descent::sweep::{Maps, Sweep};
/// use ndarray::Array2;
///
/// let table = |n: usize| {
///     let x = Array2::from_shape_fn((n, 1), |(i, _)| -1.0 + 2.0 * i as f64 / (n - 1) as f64);
///     let y = x.mapv(f64::exp);
///     Dataset::new("exp", x, y)
/// };
/// let legendre = Maps::same(Polynomial::new(PolynomialBasis::Legendre).with_constant());
/// let sweep = Sweep::over_features((table(9)?, table(100)?), legendre, 9, 1..=30, 1, 0);
/// let truth = Truth { name: "exp x", function: &f64::exp, inputs: (-1.0, 1.0), outputs: (0.0, 3.0) };
/// let figure = study::fits(&[("Legendre", &sweep)], 0, &[3, 9, 30], &truth);
/// assert_eq!(figure.panels.len(), 3);
/// # Ok::<(), double_descent::Error>(())
/// ```
#[must_use]
pub fn fits(sweeps: &[(&str, &Sweep)], repeat: usize, sizes: &[usize], truth: &Truth<'_>) -> Figure {
    drawn_fits(sweeps, repeat, sizes, truth).unwrap_or_else(Figure::not_drawn)
}

fn drawn_fits(
    sweeps: &[(&str, &Sweep)],
    repeat: usize,
    sizes: &[usize],
    truth: &Truth<'_>,
) -> Result<Figure, Error> {
    if sweeps.is_empty() || sizes.is_empty() {
        return Err(Error::Empty { what: "the list of fits to draw" });
    }
    let mut figure = Figure::default();
    let mut sets = Vec::new();
    for (name, sweep) in sweeps {
        let n = sweep.samples.iter().copied().max().unwrap_or(0);
        for &p in sizes {
            let fit = sweep.fit(repeat, (n, p), 0)?;
            if fit.inputs.ncols() != 1 || fit.targets.ncols() != 1 {
                let reason = "fits can be drawn for one input and one output; this sweep has more";
                return Err(Error::Unsupported { reason: reason.into() });
            }
            // Include the training points, where interpolants may spike.
            let x = with_points(truth.inputs, &fit.inputs);
            let predictions = fit.predict(&Array2::from_shape_fn((x.len(), 1), |(i, _)| x[i]))?;
            let known = x.iter().map(|&x| user_code::call(|| "the truth".into(), || (truth.function)(x)));
            let known = Series::new("", x.clone(), known.collect::<Result<_, _>>()?).with_dash(Dash::Dotted);
            let fitted = Series::new("", x, predictions.iter().copied().collect());
            let list = |table: &Array2<f64>| table.iter().copied().collect::<Vec<f64>>();
            let points = Series::new("", list(&fit.inputs), list(&fit.targets));
            let equal = if p == n { "\u{a0}=\u{a0}n" } else { "" };
            let separator = if name.is_empty() { "" } else { ", " };
            let (across, up) = (PanelAxis::linear("x"), PanelAxis::linear("y"));
            let (across, up) = (
                across.with_range(truth.inputs.0, truth.inputs.1),
                up.with_range(truth.outputs.0, truth.outputs.1),
            );
            let panel = Panel::new(across, up)
                .with_title(format!("{name}{separator}p\u{a0}=\u{a0}{p}{equal}"))
                .with_group(Group::new(truth.name, Hue::Grey).with_series(known))
                .with_group(Group::new("Fit", Hue::Vermillion).with_series(fitted))
                .with_group(
                    Group::new("Training points", Hue::Blue)
                        .with_series(points.with_points().with_dash(Dash::None)),
                );
            figure = figure.with_panel(panel);
            let set = format!("n\u{a0}=\u{a0}{n} training points of {}", sweep.source.name());
            if !sets.contains(&set) {
                sets.push(set);
            }
        }
    }
    let seed = sweeps[0].1.splits.seed().map_or(String::new(), |seed| format!(", seed {seed}"));
    figure.caption = format!(
        "Fits to {} (repeat {repeat}{seed}). Fits that leave the frame are cut off there; spikes at training points may be \
         narrower than the line.",
        sets.join("; ")
    );
    let columns = if sweeps.len() == 1 && sizes.len() > 4 { 4 } else { sizes.len() };
    Ok(figure.with_columns(columns).with_width(310.0 * columns.max(2) as f64))
}

/// Returns equally spaced inputs together with those of the training points, ascending.
fn with_points((low, high): (f64, f64), training: &Array2<f64>) -> Vec<f64> {
    let step = (high - low) / (POINTS - 1) as f64;
    let mut all: Vec<f64> =
        (0..POINTS).map(|i| low + i as f64 * step).chain(training.iter().copied()).collect();
    all.sort_unstable_by(f64::total_cmp);
    all.dedup();
    all
}
