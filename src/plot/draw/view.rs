//! The interval shown on an axis.

use super::model::{HeatMap, Panel, PanelAxis, Scale, Series};

/// Larger magnitudes are clamped to this, so that no difference of two of them overflows.
const LARGEST: f64 = 1e300;

/// An interval narrower than this, relative to its ends, counts as a single value.
const NARROWEST: f64 = 1e-6;

/// An interval shown, in the axis' own units: the value itself, its decimal logarithm, or its fourth root.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct View {
    pub(super) scale: Scale,
    pub(super) lo: f64,
    pub(super) hi: f64,
}

impl View {
    /// Returns the position of `value` between the ends (0 to 1, outside if beyond);
    /// `None` if this scale cannot show it.
    pub(super) fn place(&self, value: f64) -> Option<f64> {
        own_units(self.scale, value).map(|v| self.fraction(v))
    }

    /// As [`View::place`], for a value in the axis' own units.
    pub(super) fn fraction(&self, own: f64) -> f64 {
        (own - self.lo) / (self.hi - self.lo)
    }

    fn contains(&self, own: f64) -> bool {
        (-1e-9..=1.0 + 1e-9).contains(&self.fraction(own))
    }
}

fn own_units(scale: Scale, value: f64) -> Option<f64> {
    match scale {
        Scale::Linear if value.is_finite() => Some(value.clamp(-LARGEST, LARGEST)),
        Scale::Log10 if value.is_finite() && value > 0.0 => Some(value.clamp(1.0 / LARGEST, LARGEST).log10()),
        Scale::Root if value.is_finite() => Some(value.abs().sqrt().sqrt().copysign(value)),
        _ => None,
    }
}

/// The least and the greatest of the values seen.
#[derive(Debug, Clone, Copy)]
struct Extent {
    lo: f64,
    hi: f64,
}

impl Extent {
    const EMPTY: Self = Self { lo: f64::INFINITY, hi: f64::NEG_INFINITY };

    fn add(&mut self, own: f64) {
        self.lo = self.lo.min(own);
        self.hi = self.hi.max(own);
    }

    fn is_empty(self) -> bool {
        self.lo > self.hi
    }
}

/// Returns the views of a panel's two axes. The vertical one fits the samples inside
/// the horizontal one.
pub(super) fn of_panel(panel: &Panel) -> (View, View) {
    let (sx, sy) = (panel.x.scale, panel.y.scale);
    let series = || panel.groups.iter().flat_map(|g| &g.series);
    let x = asked_for(&panel.x).unwrap_or_else(|| {
        let mut seen = Extent::EMPTY;
        series().flat_map(|s| samples(s, sx, sy)).for_each(|(x, _)| seen.add(x));
        match &panel.heat {
            Some(heat) => fitted(sx, with_cells(seen, sx, &heat.x), 0.0),
            None => fitted(sx, seen, 0.02),
        }
    });
    let y = asked_for(&panel.y).unwrap_or_else(|| {
        let mut seen = Extent::EMPTY;
        series()
            .flat_map(|s| samples(s, sx, sy))
            .filter(|&(at, _)| x.contains(at))
            .for_each(|(_, y)| seen.add(y));
        match &panel.heat {
            Some(heat) => fitted(sy, with_cells(seen, sy, &heat.y), 0.0),
            None => fitted(sy, with_bands(seen, panel, &x), 0.05),
        }
    });
    (x, y)
}

/// The samples that can be drawn, in the axes' own units.
fn samples(series: &Series, sx: Scale, sy: Scale) -> impl Iterator<Item = (f64, f64)> {
    let pairs = series.x.iter().zip(&series.y);
    pairs.filter_map(move |(&x, &y)| Some((own_units(sx, x)?, own_units(sy, y)?)))
}

/// Extends the view to include the bands, within limits: a band that reaches 10⁻³⁰ must not
/// squeeze its curve into a line.
fn with_bands(lines: Extent, panel: &Panel, x: &View) -> Extent {
    if lines.is_empty() {
        return lines;
    }
    let span = lines.hi - lines.lo;
    let room = match panel.y.scale {
        Scale::Linear | Scale::Root => (0.5 * span).max(0.1 * lines.lo.abs().max(lines.hi.abs())),
        Scale::Log10 => (0.25 * span).clamp(0.3, 1.0),
    };
    let mut seen = lines;
    for series in panel.groups.iter().flat_map(|g| &g.series) {
        let Some((lower, upper)) = &series.band else {
            continue;
        };
        for (at, edges) in series.x.iter().zip(lower.iter().zip(upper)) {
            if own_units(x.scale, *at).is_none_or(|own| !x.contains(own)) {
                continue;
            }
            for edge in [edges.0, edges.1] {
                if let Some(own) = own_units(panel.y.scale, *edge) {
                    seen.add(own.clamp(lines.lo - room, lines.hi + room));
                }
            }
        }
    }
    seen
}

/// The edges of cells with these centres, in the axis' own units: half-way between neighbours.
pub(super) fn cell_edges(scale: Scale, centres: &[f64]) -> Vec<f64> {
    let own: Vec<f64> = centres.iter().filter_map(|&v| own_units(scale, v)).collect();
    let (Some(first), Some(last), true) = (own.first(), own.last(), own.len() == centres.len()) else {
        return Vec::new();
    };
    let half = |a: f64, b: f64| if own.len() > 1 { (b - a) / 2.0 } else { 0.5 };
    let start = first - half(own[0], own.get(1).copied().unwrap_or(*first));
    let end = last + half(own.iter().rev().nth(1).copied().unwrap_or(*last), *last);
    let inner = own.windows(2).map(|pair| f64::midpoint(pair[0], pair[1]));
    std::iter::once(start).chain(inner).chain(std::iter::once(end)).collect()
}

fn with_cells(mut seen: Extent, scale: Scale, centres: &[f64]) -> Extent {
    for edge in cell_edges(scale, centres) {
        seen.add(edge);
    }
    seen
}

/// Returns the interval of values that the colours of a heat map represent.
pub(super) fn of_values(heat: &HeatMap) -> View {
    let axis = PanelAxis { scale: heat.scale, range: heat.range, ..PanelAxis::default() };
    asked_for(&axis).unwrap_or_else(|| {
        let mut seen = Extent::EMPTY;
        heat.values.iter().flatten().filter_map(|&v| own_units(heat.scale, v)).for_each(|v| seen.add(v));
        fitted(heat.scale, seen, 0.0)
    })
}

/// Returns the interval that the axis requests, if it can be shown.
fn asked_for(axis: &PanelAxis) -> Option<View> {
    let (a, b) = axis.range?;
    let (a, b) = (own_units(axis.scale, a)?, own_units(axis.scale, b)?);
    let (lo, hi) = (a.min(b), a.max(b));
    (!is_single(axis.scale, lo, hi)).then_some(View { scale: axis.scale, lo, hi })
}

fn is_single(scale: Scale, lo: f64, hi: f64) -> bool {
    let size = match scale {
        Scale::Linear | Scale::Root => lo.abs().max(hi.abs()),
        Scale::Log10 => 1.0,
    };
    hi - lo <= (NARROWEST * size).max(1.0 / LARGEST)
}

/// Returns the padded interval of the values seen, with a default if there are none, or only one.
fn fitted(scale: Scale, seen: Extent, padding: f64) -> View {
    let (lo, hi) = if seen.is_empty() { (0.0, 1.0) } else { (seen.lo, seen.hi) };
    let pad = if !is_single(scale, lo, hi) {
        padding * (hi - lo)
    } else if scale == Scale::Log10 {
        0.3
    } else if lo.abs() > 10.0 / LARGEST {
        0.1 * lo.abs()
    } else {
        1.0
    };
    View { scale, lo: lo - pad, hi: hi + pad }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::{Group, Hue};

    fn panel(x: PanelAxis, y: PanelAxis, series: Series) -> Panel {
        Panel::new(x, y).with_group(Group::new("", Hue::Blue).with_series(series))
    }

    #[test]
    fn a_deep_band_does_not_rule_the_axis() {
        let series =
            Series::new("", vec![1.0, 2.0], vec![1.0, 10.0]).with_band(vec![1e-30, 1e-30], vec![2.0, 20.0]);
        let (_, y) = of_panel(&panel(PanelAxis::linear(""), PanelAxis::log10(""), series));
        assert!(y.lo > -1.0 && y.hi < 2.0, "{y:?}");
    }

    #[test]
    fn unusable_values_and_ranges_are_ignored() {
        let series = Series::new("", vec![1.0, 2.0, f64::NAN], vec![-1.0, 10.0, 5.0]);
        let (x, y) = of_panel(&panel(
            PanelAxis::linear("").with_range(f64::NAN, 3.0),
            PanelAxis::log10("").with_range(-1.0, 10.0),
            series,
        ));
        assert!(x.lo < 2.0 && x.hi > 2.0 && x.lo > 1.0);
        assert!(y.lo < 1.0 && y.hi > 1.0);
        let asked = asked_for(&PanelAxis::linear("").with_range(5.0, -1.0));
        assert_eq!(asked, Some(View { scale: Scale::Linear, lo: -1.0, hi: 5.0 }));
    }

    #[test]
    fn extreme_values_give_finite_views() {
        let wild = vec![f64::MAX, f64::MIN, 1e-320, f64::INFINITY, 0.0];
        for scale in [Scale::Linear, Scale::Log10, Scale::Root] {
            let axis = PanelAxis { scale, ..PanelAxis::default() };
            let (x, y) = of_panel(&panel(axis.clone(), axis, Series::new("", wild.clone(), wild.clone())));
            for view in [x, y] {
                assert!((view.hi - view.lo).is_finite() && view.hi > view.lo, "{view:?}");
            }
        }
    }
}
