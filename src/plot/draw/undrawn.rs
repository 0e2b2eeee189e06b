//! Values that a logarithmic axis cannot show, and the caption's sentence about them.

use super::model::{Dash, Panel, Scale, Series};
use crate::error::words::counted;
use std::borrow::Cow;

/// Counts of zeros and of negative numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Count {
    zero: usize,
    negative: usize,
}

impl Count {
    fn add(&mut self, value: f64) {
        if value == 0.0 {
            self.zero += 1;
        } else {
            self.negative += 1;
        }
    }

    fn is_one(self) -> bool {
        self.zero + self.negative == 1
    }

    fn pronoun(self) -> &'static str {
        if self.is_one() { "it" } else { "them" }
    }

    /// `3 zeros and 1 negative value are`; `None` without any.
    fn in_words(self) -> Option<String> {
        let words = |count: usize, one: &str| match count {
            0 => None,
            _ => Some(counted(count, one)),
        };
        let parts: Vec<String> = [words(self.zero, "zero"), words(self.negative, "negative value")]
            .into_iter()
            .flatten()
            .collect();
        let verb = if self.is_one() { "is" } else { "are" };
        (!parts.is_empty()).then(|| format!("{} {verb}", parts.join(" and ")))
    }
}

/// Whether a value is finite and the scale cannot show it.
pub(super) fn is_off(scale: Scale, value: f64) -> bool {
    value.is_finite() && !scale.shows(value)
}

fn of_series(count: &mut Count, panel: &Panel, series: &Series) {
    for (&x, &y) in series.x.iter().zip(&series.y).filter(|(x, y)| x.is_finite() && y.is_finite()) {
        if is_off(panel.y.scale, y) {
            count.add(y);
        } else if is_off(panel.x.scale, x) {
            count.add(x);
        }
    }
}

/// Whether a visible line breaks off next to a value that the vertical axis cannot show.
fn breaks_off(panel: &Panel, series: &Series) -> bool {
    let (low, high) = panel.y.range.unwrap_or((f64::NEG_INFINITY, f64::INFINITY));
    let is_seen = |(x, y): (f64, f64)| {
        let is_number = x.is_finite() && y.is_finite();
        is_number && (low..=high).contains(&y) && !is_off(panel.x.scale, x) && !is_off(panel.y.scale, y)
    };
    let points: Vec<(f64, f64)> = series.x.iter().copied().zip(series.y.iter().copied()).collect();
    let breaks = |pair: &[(f64, f64)]| {
        is_seen(pair[0]) && is_off(panel.y.scale, pair[1].1)
            || is_seen(pair[1]) && is_off(panel.y.scale, pair[0].1)
    };
    series.dash != Dash::None && points.windows(2).any(breaks)
}

/// Returns a caption sentence, without its full stop, on how many values of the panels are not drawn; `None` if all
/// are.
pub(in crate::plot) fn note(panels: &[Panel]) -> Option<String> {
    let (mut lines, mut cells) = (Count::default(), Count::default());
    for panel in panels {
        for series in panel.groups.iter().flat_map(|group| &group.series) {
            of_series(&mut lines, panel, series);
        }
        let heat = panel.heat.iter().flat_map(|heat| heat.values.iter().flatten().map(|v| (heat.scale, *v)));
        heat.filter(|&(scale, value)| is_off(scale, value)).for_each(|(_, value)| cells.add(value));
    }
    let has_breaks =
        panels.iter().any(|panel| panel.groups.iter().flat_map(|g| &g.series).any(|s| breaks_off(panel, s)));
    let triangles = if has_breaks { "; triangles mark where lines break off" } else { "" };
    let on_lines = lines.in_words().map(|what| {
        let them = lines.pronoun();
        format!("{what} not drawn: a logarithmic axis cannot show {them}{triangles}")
    });
    let in_cells = cells
        .in_words()
        .map(|what| format!("{what} grey: a logarithmic scale has no colour for {}", cells.pronoun()));
    let sentences: Vec<String> = on_lines.into_iter().chain(in_cells).collect();
    (!sentences.is_empty()).then(|| sentences.join(". "))
}

/// Returns the caption with the note appended, unless it already contains it.
pub(super) fn with_note(caption: &str, note: Option<String>) -> Cow<'_, str> {
    match note {
        Some(note) if !caption.contains(&note) => {
            let text = caption.trim_end();
            let stop = if text.is_empty() || text.ends_with(['.', '!', '?', ':']) { "" } else { "." };
            let blank = if text.is_empty() { "" } else { " " };
            Cow::Owned(format!("{text}{stop}{blank}{note}."))
        }
        _ => Cow::Borrowed(caption),
    }
}
