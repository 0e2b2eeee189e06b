//! Several curves in one panel, with one legend.

use super::draft::{self, Draft};
use super::metric::{Words, words};
use super::{Abscissa, FigureOptions, caption, theory};
use crate::Error;
use crate::curve::{Curve, Metric, Surface};
use crate::plot::{Figure, Group, Marker, Panel, PanelAxis};

/// Figure of one metric of several curves over one axis: a colour ramp in the given order, with one legend. Each curve
/// comes with its name in the legend and the index of its arm in [`Curve::arms`]. A theory that names its curve
/// ([`Overlay::at`](super::Overlay::at)) is drawn along that curve.
///
/// Not drawn, with the reason ([`Figure::undrawn`]): no curves; curves over two different axes; a curve without the
/// metric or the arm; over p/n, a theory that does not name one of several curves.
///
/// # Examples
/// ```
/// use double_descent::curve::Metric;
/// use double_descent::plot::{FigureOptions, study};
/// use double_descent::{dataset::Dataset, sweep::{Arm, Sweep}};
///
/// let curve = |data: Dataset| {
///     let mut sweep = Sweep::new(data, 5..=20, 10, 0);
///     sweep.arms = vec![Arm::unablated()];
///     sweep.run()
/// };
/// let (plain, scaled) = (curve(Dataset::diabetes())?, curve(Dataset::diabetes().standardised()?)?);
/// let curves = [("as given", &plain, 0), ("standardised", &scaled, 0)];
/// let figure = study::overlay(&curves, Metric::TestMse, &FigureOptions::default());
/// assert!(figure.to_svg().contains("standardised"));
/// # Ok::<(), double_descent::Error>(())
/// ```
#[must_use]
pub fn overlay(curves: &[(&str, &Curve, usize)], metric: Metric, options: &FigureOptions) -> Figure {
    draw(curves, metric, options).unwrap_or_else(Figure::not_drawn)
}

fn draw(curves: &[(&str, &Curve, usize)], metric: Metric, options: &FigureOptions) -> Result<Figure, Error> {
    let Some(&(_, first, _)) = curves.first() else {
        return Err(Error::Empty { what: "the list of curves" });
    };
    if let Some((name, ..)) = curves.iter().find(|(_, curve, _)| curve.axis != first.axis) {
        let reason = format!("`{name}` and `{}` are over different axes; draw them apart", curves[0].0);
        return Err(Error::Unsupported { reason });
    }
    let Words { name, axis, hue, is_logarithmic } = words(metric);
    let mut group = Group::new(&*name, hue);
    let mut drafts = Vec::new();
    for &(label, curve, arm) in curves {
        if arm >= curve.arms.len() {
            return Err(Error::no_arm(curve.arms.len(), arm));
        }
        let draft = Draft::new(curve, options, &[metric])?;
        let series = draft.series(metric, arm, label).ok_or_else(|| lacks(label, metric))?;
        group.series.push(series);
        drafts.push((draft, arm));
    }
    let theories = theories(curves, &drafts, metric, options)?;
    let mut panels: Vec<Panel> = drafts[0].0.panel(&axis, [group], &[]).into_iter().collect();
    for panel in &mut panels {
        panel.markers = markers(&drafts);
        panel.groups.extend(theory::groups(theories.iter().cloned()));
    }
    let cut = if is_logarithmic {
        let floor = drafts.iter().map(|(draft, _)| draft.floor(&[metric])).fold(f64::INFINITY, f64::min);
        draft::fit(floor, &mut panels).ok_or_else(|| nothing(metric))?
    } else {
        for panel in &mut panels {
            panel.y = PanelAxis::linear(&*axis);
        }
        0
    };
    let all = together(curves);
    let mut whole = Draft::new(&all, options, &[])?;
    let every: Vec<&Curve> = curves.iter().map(|(_, curve, _)| *curve).collect();
    (whole.theories, whole.absent) = (theories, theory::absent(&options.theories, &every));
    let mut figure = Figure::new(caption::caption(&whole, &name, &panels, cut));
    figure.panels = panels;
    Ok(figure)
}

/// Figure of curves over `p` at several `n` of a surface, in one panel.
///
/// Not drawn, with the reason ([`Figure::undrawn`]): an `n` that the surface does not have, and the cases of
/// [`overlay`].
///
/// # Examples
/// ```
/// # use double_descent::{curve::Metric, dataset::Dataset, features::Coordinates, sweep::{Maps, Sweep}};
/// use double_descent::plot::{Abscissa, FigureOptions, study};
///
/// # let data = Dataset::diabetes();
/// # let maps = Maps::same(Coordinates::new(10));
/// let sweep = Sweep {
///     samples: vec![4, 8],
///     features: (1..=10).collect(),
///     ..Sweep::plane(data.clone(), data, maps, 10, 0)
/// };
/// let surface = sweep.surface()?;
/// let options = FigureOptions { abscissa: Abscissa::Axis, ..FigureOptions::default() };
/// let figure = study::over_features(&surface, &[4, 8], 0, Metric::TestMse, &options);
/// assert_eq!(figure.panels[0].markers.len(), 2); // a threshold each
/// assert!(study::over_features(&surface, &[5], 0, Metric::TestMse, &options).check().is_err());
/// # Ok::<(), double_descent::Error>(())
/// ```
#[must_use]
pub fn over_features(
    surface: &Surface,
    samples: &[usize],
    arm: usize,
    metric: Metric,
    options: &FigureOptions,
) -> Figure {
    let what = "a number of samples n to draw";
    slices((what, "n", samples), arm, metric, options, |n| surface.over_features(n))
        .unwrap_or_else(Figure::not_drawn)
}

/// Figure of curves over `n` at several `p` of a surface, in one panel.
///
/// Not drawn in the same cases as [`over_features`].
#[must_use]
pub fn over_samples(
    surface: &Surface,
    features: &[usize],
    arm: usize,
    metric: Metric,
    options: &FigureOptions,
) -> Figure {
    let what = "a number of features p to draw";
    slices((what, "p", features), arm, metric, options, |p| surface.over_samples(p))
        .unwrap_or_else(Figure::not_drawn)
}

fn slices(
    (what, name, held): (&'static str, &str, &[usize]),
    arm: usize,
    metric: Metric,
    options: &FigureOptions,
    slice: impl Fn(usize) -> Option<Curve>,
) -> Result<Figure, Error> {
    let curve = |&at: &usize| {
        let must_be = "one that the surface has";
        let found = slice(at).ok_or(Error::Domain { what, value: at as f64, must_be })?;
        Ok((format!("{name}\u{a0}=\u{a0}{at}"), found))
    };
    let curves = held.iter().map(curve).collect::<Result<Vec<_>, Error>>()?;
    let curves: Vec<(&str, &Curve, usize)> =
        curves.iter().map(|(name, curve)| (&**name, curve, arm)).collect();
    draw(&curves, metric, options)
}

fn lacks(label: &str, metric: Metric) -> Error {
    let reason = format!("`{label}` has no {}; ask the sweep for that metric", metric.name());
    Error::Unsupported { reason }
}

fn nothing(metric: Metric) -> Error {
    let reason = format!("every {} is zero: a logarithmic axis cannot show them", metric.name());
    Error::Unsupported { reason }
}

/// Returns the theories, each along its curve; along the first curve if its position is the same on all of them.
fn theories(
    curves: &[(&str, &Curve, usize)],
    drafts: &[(Draft<'_>, usize)],
    metric: Metric,
    options: &FigureOptions,
) -> Result<Vec<theory::Line>, Error> {
    let held: Vec<Option<usize>> = curves.iter().map(|(_, curve, _)| curve.held_size()).collect();
    let mut lines = Vec::new();
    for (i, overlay) in options.theories.iter().enumerate() {
        let is_of = |(draft, arm): &&(Draft<'_>, usize)| {
            overlay.metric == metric && overlay.is_along(draft.curve, *arm)
        };
        let Some((draft, _)) = drafts.iter().find(is_of) else { continue };
        let is_one = held.iter().all(|other| *other == held[0]);
        if overlay.held.is_none() && options.abscissa == Abscissa::Ratio && !is_one {
            let reason = "a theory over p/n belongs to one curve: say which with `Overlay::at`".into();
            return Err(Error::Unsupported { reason });
        }
        lines.push(draft.theories[i].clone());
    }
    Ok(lines)
}

/// The thresholds of the curves, without duplicates.
fn markers(drafts: &[(Draft<'_>, usize)]) -> Vec<Marker> {
    let mut markers: Vec<Marker> = Vec::new();
    for (draft, _) in drafts {
        if let Some(mut marker) = draft.threshold_marker() {
            if markers.iter().any(|other| other.x == marker.x) {
                continue;
            }
            if drafts.len() > 1 && draft.options.abscissa == Abscissa::Axis {
                let at = draft.curve.interpolation_threshold().unwrap_or(0);
                marker.label = format!("{}\u{a0}=\u{a0}{at}", marker.label);
            }
            markers.push(marker);
        }
    }
    markers
}

/// Combines the cells of all curves, for a caption.
pub(super) fn together(curves: &[(&str, &Curve, usize)]) -> Curve {
    let first = curves[0].1;
    let mut all = Curve::new(first.axis, first.arms.clone(), first.provenance.clone());
    for (label, curve, _) in curves {
        all.cells.extend(&curve.cells);
        all.failures.extend(curve.failures.iter().cloned());
        all.complete &= curve.complete;
        let (from, to) = (&curve.provenance, &mut all.provenance);
        for (from, to) in [
            (&from.data, &mut to.data),
            (&from.preparation, &mut to.preparation),
            (&from.estimator, &mut to.estimator),
            (&from.sampling, &mut to.sampling),
        ] {
            if !to.contains(&**from) {
                *to = format!("{to}; {label}: {from}");
            }
        }
    }
    all
}
