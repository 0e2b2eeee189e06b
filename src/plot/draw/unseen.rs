//! Curves of which nothing lies in the frame: their legend entries say so.

use super::curves::Bands;
use super::figure::Figure;
use super::measure;
use super::model::{Dash, Group, Panel, Series};
use super::undrawn;
use super::view::{self, View};
use std::borrow::Cow;

/// The mark of a curve that is zero, which also explains why it is not seen.
pub(in crate::plot) const ZERO: &str = " (zero)";
/// The mark of a curve that has values, but none in the frame.
const OUTSIDE: &str = " (outside the frame)";
/// The mark of a curve without any value that its axes can show.
const NOT_DRAWN: &str = " (not drawn)";

/// Positions are limited to this many widths of the frame, so that no difference of two of them overflows.
const FAR: f64 = 1e9;

/// A position as fractions of the two axes: from 0 to 1 inside the frame.
type Place = (f64, f64);

/// Returns the figure with a mark in the legend entry of every curve that is not seen. If panels share a legend, an
/// entry is marked if no panel shows its curve.
pub(super) fn marked(figure: &Figure) -> Cow<'_, Figure> {
    let bands: Vec<Bands> = figure.panels.iter().map(Bands::of).collect();
    // In the order of panels, groups and series.
    let mut entries: Vec<((&str, &str), Option<&'static str>)> = Vec::new();
    for (panel, bands) in figure.panels.iter().zip(&bands) {
        let views = view::of_panel(panel);
        for (group, bands) in panel.groups.iter().zip(&bands.shown) {
            for (series, has_band) in group.series.iter().zip(bands) {
                let is_told = name(group, series).trim().is_empty() || name(group, series).ends_with(ZERO);
                let mark = if is_told { None } else { mark(&views, series, *has_band) };
                entries.push(((&group.heading, &series.label), mark));
            }
        }
    }
    if entries.iter().all(|(_, mark)| mark.is_none()) {
        return Cow::Borrowed(figure);
    }
    let mut marks: Vec<Option<&str>> = entries.iter().map(|(_, mark)| *mark).collect();
    if measure::shared_by(&figure.panels, &bands).is_some() {
        for ((entry, _), mark) in entries.iter().zip(&mut marks) {
            let has = |wanted| entries.iter().any(|(other, mark)| other == entry && *mark == wanted);
            *mark = [None, Some(OUTSIDE)].into_iter().find(|wanted| has(*wanted)).unwrap_or(*mark);
        }
    }
    let mut figure = figure.clone();
    let groups = figure.panels.iter_mut().flat_map(|panel| &mut panel.groups);
    let mut marks = marks.into_iter();
    for group in groups {
        let is_alone = group.series.len() == 1;
        for series in &mut group.series {
            let is_named_by_group = is_alone && series.label.trim().is_empty();
            let name = if is_named_by_group { &mut group.heading } else { &mut series.label };
            name.push_str(marks.next().flatten().unwrap_or_default());
        }
    }
    Cow::Owned(figure)
}

/// Whether a curve has values that its axes can show, but none in the frame.
pub(in crate::plot) fn is_outside(panel: &Panel, series: &Series) -> bool {
    mark(&view::of_panel(panel), series, false) == Some(OUTSIDE)
}

/// The name of a curve in the legend.
fn name<'a>(group: &'a Group, series: &'a Series) -> &'a str {
    if series.label.trim().is_empty() { &group.heading } else { &series.label }
}

/// The mark of a curve, with its band if that is drawn; `None` if some of it is seen.
fn mark((x, y): &(View, View), series: &Series, has_band: bool) -> Option<&'static str> {
    let near = |fraction: f64| fraction.clamp(-FAR, FAR);
    let place = |at: f64, value: f64| Some((near(x.place(at)?), near(y.place(value)?)));
    let places: Vec<Option<Place>> =
        series.x.iter().zip(&series.y).map(|(&at, &value)| place(at, value)).collect();
    if places.iter().all(Option::is_none) {
        return Some(NOT_DRAWN);
    }
    let is_line = series.dash != Dash::None;
    let on_line =
        |pair: &[Option<Place>]| matches!(*pair, [Some(a), Some(b)] if is_line && meets_frame(a, b));
    let in_band = |(at, (lower, upper)): (&f64, (&f64, &f64))| {
        // As the band is drawn, down to the lower edge of the frame.
        let below =
            || undrawn::is_off(y.scale, *lower).then(|| x.place(*at).map(|x| (near(x), 0.0))).flatten();
        matches!((place(*at, *lower).or_else(below), place(*at, *upper)), (Some(a), Some(b)) if meets_frame(a, b))
    };
    let band = series.band.iter().filter(|_| has_band || !is_line);
    let mut edges = band.flat_map(|(lower, upper)| series.x.iter().zip(lower.iter().zip(upper)));
    let is_seen = places.iter().flatten().any(|&at| meets_frame(at, at))
        || places.windows(2).any(on_line)
        || edges.any(in_band);
    (!is_seen).then_some(OUTSIDE)
}

/// Whether the segment from `a` to `b` has a point in the frame, from (0, 0) to (1, 1) with its edges.
fn meets_frame(a: Place, b: Place) -> bool {
    const SLACK: f64 = 1e-9;
    let (mut from, mut to) = (0.0_f64, 1.0_f64);
    for (start, end) in [(a.0, b.0), (a.1, b.1)] {
        let length = end - start;
        if length == 0.0 {
            if !(-SLACK..=1.0 + SLACK).contains(&start) {
                return false;
            }
            continue;
        }
        let ends = [(-SLACK - start) / length, (1.0 + SLACK - start) / length];
        from = from.max(ends[0].min(ends[1]));
        to = to.min(ends[0].max(ends[1]));
    }
    from <= to
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::{Hue, PanelAxis};

    fn panel(range: (f64, f64), groups: Vec<Group>) -> Panel {
        let y = PanelAxis::log10("Error").with_range(range.0, range.1);
        Panel { groups, ..Panel::new(PanelAxis::linear("n"), y) }
    }

    fn group(heading: &str, y: [f64; 3]) -> Group {
        Group::new(heading, Hue::Blue).with_series(Series::new("", vec![1.0, 2.0, 3.0], y.to_vec()))
    }

    fn headings(figure: &Figure) -> Vec<String> {
        let figure = marked(figure);
        figure.panels.iter().flat_map(|panel| &panel.groups).map(|group| group.heading.clone()).collect()
    }

    #[test]
    fn entries_of_curves_that_are_not_seen_say_so() {
        let groups = vec![
            group("seen", [1.0, 20.0, 300.0]),
            group("above", [20.0, 30.0, 20.0]),
            group("through", [0.01, 1e9, 1e9]), // no sample in the frame, but the line between two
            group("none", [f64::NAN, 0.0, -1.0]),
            group("rest (zero)", [1e-20, 1e-20, 1e-20]),
        ];
        let figure = Figure { panels: vec![panel((0.1, 10.0), groups)], ..Figure::default() };
        let expected = ["seen", "above (outside the frame)", "through", "none (not drawn)", "rest (zero)"];
        assert_eq!(headings(&figure), expected);
        let mut banded = figure.clone();
        banded.panels[0].groups[1].series[0].band = Some((vec![5.0; 3], vec![40.0; 3]));
        assert_eq!(headings(&banded)[1], "above", "its band is seen");
        let seen =
            Figure { panels: vec![panel((0.1, 10.0), vec![group("seen", [1.0; 3])])], ..Figure::default() };
        assert!(matches!(marked(&seen), Cow::Borrowed(_)));
    }

    #[test]
    fn a_shared_entry_is_marked_if_no_panel_shows_its_curve() {
        let of =
            |one: f64, two: f64| panel((0.1, 10.0), vec![group("one", [one; 3]), group("two", [two; 3])]);
        let figure = Figure { panels: vec![of(1.0, 0.0), of(1e4, 1e3)], ..Figure::default() };
        assert_eq!(headings(&figure), ["one", "two (outside the frame)", "one", "two (outside the frame)"]);
        // With another entry, the panels have a legend each.
        let mut apart = figure;
        apart.panels[1].groups[1].heading = "three".into();
        assert_eq!(headings(&apart)[2], "one (outside the frame)");
    }

    #[test]
    fn segments_meet_the_frame_or_miss_it() {
        assert!(meets_frame((-1.0, 0.5), (2.0, 0.5)) && meets_frame((0.0, 0.0), (0.0, 0.0)));
        assert!(meets_frame((-0.5, 0.6), (0.6, 1.4)) && !meets_frame((-0.5, 0.6), (0.3, 1.6)));
        assert!(!meets_frame((2.0, 2.0), (2.0, 2.0)) && !meets_frame((-FAR, -1.0), (FAR, -1.0)));
    }
}
