//! The caption: what is shown, for which data, and how it was computed.

use super::Statistic;
use super::draft::Draft;
use super::setting::full;
use super::theory;
use crate::curve::{Axis, Curve};
use crate::error::words::counted;
use crate::plot::{Figure, Group, Panel, curves, undrawn};

impl Draft<'_> {
    /// Returns the figure, with a caption that starts with `what`.
    pub(super) fn finish(&self, what: &str, panels: Vec<Panel>) -> Option<Figure> {
        if panels.is_empty() {
            return None;
        }
        let mut figure = Figure::new(caption(self, what, &panels, self.cut));
        figure.panels = panels;
        Some(figure)
    }
}

pub(super) fn caption(draft: &Draft<'_>, what: &str, panels: &[Panel], cut: usize) -> String {
    let curve = draft.curve;
    let mut sentences = vec![what.to_owned(), format!("{}{}", data(curve), sizes(curve))];
    let mut how = match curve.repeats() {
        0 | 1 => format!("Lines show a single run ({})", repeats(curve)),
        _ => format!("{} over {}", statistic(draft, panels), repeats(curve)),
    };
    if !curve.provenance.estimator.is_empty() {
        how = format!("{how}; estimator: {}", unbroken(&curve.provenance.estimator));
    }
    sentences.push(how);
    if let Some(rank) = draft.rank {
        sentences.push(format!(
            "The features have rank {rank}, less than p: the threshold is at n\u{a0}=\u{a0}{rank}"
        ));
    }
    sentences.extend(theory::sentences(&draft.theories, panels));
    sentences.extend(draft.absent.iter().cloned());
    if cut > 0 {
        let are = if cut == 1 { "is" } else { "are" };
        sentences.push(format!(
            "{} under 10⁻¹² of the largest median, zero up to rounding, {are} cut off by the frame",
            counted(cut, "value")
        ));
    }
    sentences.extend(curves::cut_bands(panels).map(str::to_owned));
    sentences.extend(undrawn::note(panels));
    if !curve.complete {
        sentences.push("The sweep was stopped early".into());
    }
    sentences.extend(curve.failed_in_words().map(|failed| failed + " and are left out"));
    sentences.join(". ") + "."
}

/// Formats the data: `Data: diabetes (442 rows; no intercept, features as given), `.
fn data(curve: &Curve) -> String {
    let from = &curve.provenance;
    let rows = from.rows.map(|rows| counted(rows, "row"));
    let preparation = Some(from.preparation.clone()).filter(|text| !text.is_empty());
    let details: Vec<String> = rows.into_iter().chain(preparation).collect();
    match (from.data.as_str(), details.join("; ").as_str()) {
        ("", "") => String::new(),
        ("", details) => format!("Data: {details}, "),
        (data, "") => format!("Data: {data}, "),
        (data, details) => format!("Data: {data} ({details}), "),
    }
}

/// Formats the sizes: `n = 1–39, p = 10`. No-break spaces keep each one together.
fn sizes(curve: &Curve) -> String {
    let n = list("n", curve.cells.iter().map(|cell| cell.n).collect());
    let p = list("p", curve.cells.iter().map(|cell| cell.p).collect());
    match curve.axis {
        Axis::Samples => format!("{n}, {p}"),
        Axis::Features => format!("{p}, {n}"),
        axis => format!("{}, {n}, {p}", spread(axis, &curve.values())),
    }
}

/// Formats a range of settings: `λ from 0.001 to 10 (5 values)`.
fn spread(axis: Axis, values: &[f64]) -> String {
    let symbol = axis.symbol();
    match *values {
        [] => format!("no {symbol}"),
        [only] => format!("{symbol}\u{a0}=\u{a0}{only}"),
        [first, .., last] => format!("{symbol} from {first} to {last} ({} values)", values.len()),
    }
}

fn list(name: &str, mut values: Vec<usize>) -> String {
    values.sort_unstable();
    values.dedup();
    match values[..] {
        [] => format!("no {name}"),
        [only] => format!("{name}\u{a0}=\u{a0}{only}"),
        [first, .., last] if last - first == values.len() - 1 => {
            format!("{name}\u{a0}=\u{a0}{first}–{last}")
        }
        [first, .., last] => format!("{name} from {first} to {last} ({} values)", values.len()),
    }
}

fn statistic(draft: &Draft<'_>, panels: &[Panel]) -> String {
    let line = match draft.options.statistic {
        Statistic::Median => "Lines are medians",
        Statistic::Mean(_) => "Lines are means",
    };
    let banded = |group: &Group| group.series.iter().filter(|series| series.band.is_some()).count();
    let groups = || panels.iter().flat_map(|panel| &panel.groups);
    if !draft.has_bands() || groups().all(|group| banded(group) == 0) {
        return line.into();
    }
    // With more than two bands in a group, the renderer keeps those of the first and last setting.
    let which = if groups().any(|group| banded(group) > 2) { " (first and last setting)" } else { "" };
    match draft.options.statistic {
        Statistic::Median => format!("{line} and bands{which} quartiles"),
        Statistic::Mean(bootstrap) => format!(
            "{line} and bands{which} their 95\u{a0}% bootstrap intervals ({} resamples, seed {})",
            bootstrap.draws, bootstrap.seed
        ),
    }
}

/// Writes `1e-7` as `10⁻⁷`, as on the axes, and prevents line breaks within the rule of an estimator, which follows its
/// name and a comma.
fn unbroken(estimators: &str) -> String {
    let number = |word: &str| {
        let (bare, comma) = word.strip_suffix(',').map_or((word, ""), |bare| (bare, ","));
        let value = if bare.contains('e') { bare.parse::<f64>().ok() } else { None };
        value.map_or_else(|| word.to_owned(), |value| full(value) + comma)
    };
    let numbers = |text: &str| text.split(' ').map(number).collect::<Vec<_>>().join(" ");
    let one = |text: &str| match numbers(text).split_once(", ") {
        Some((name, rule)) => format!("{name}, {}", rule.replace(' ', "\u{a0}")),
        None => numbers(text),
    };
    estimators.split("; ").map(one).collect::<Vec<_>>().join("; ")
}

/// Describes the sampling as the provenance does, and adds the number of repeats and the seed if they are missing.
fn repeats(curve: &Curve) -> String {
    let from = &curve.provenance;
    let count = curve.repeats();
    let mut text = from.sampling.clone();
    // A single run describes itself as such.
    if count > 1 && !text.contains(&count.to_string()) {
        let comma = if text.is_empty() { "" } else { ", " };
        text = format!("{count} repeats{comma}{text}");
    }
    match from.seed {
        Some(seed) if !text.contains("seed") => format!("{text}, seed {seed}"),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::curve::{Cell, Provenance};

    #[test]
    fn ranges_are_short() {
        assert_eq!(list("n", vec![3, 1, 2, 2]), "n\u{a0}=\u{a0}1–3");
        assert_eq!(list("p", vec![10, 10]), "p\u{a0}=\u{a0}10");
        assert_eq!(list("n", vec![10, 100, 50]), "n from 10 to 100 (3 values)");
        assert_eq!(list("n", vec![]), "no n");
    }

    #[test]
    fn rules_are_not_broken() {
        assert_eq!(unbroken("minimum norm, σ > ε σ₁; ridge"), "minimum norm, σ\u{a0}>\u{a0}ε\u{a0}σ₁; ridge");
        assert_eq!(
            unbroken("ridge, λ = 1e-7; …; ridge, λ = 1e2"),
            "ridge, λ\u{a0}=\u{a0}10⁻⁷; …; ridge, λ\u{a0}=\u{a0}100"
        );
    }

    #[test]
    fn what_the_sampling_does_not_say_is_added() {
        let provenance = Provenance { seed: Some(7), ..Provenance::default() };
        let mut curve = Curve::new(Axis::Samples, Vec::new(), provenance);
        curve.cells.push(Cell { repeat: 4, n: 2, p: 1, ..Cell::default() });
        assert_eq!(repeats(&curve), "5 repeats, seed 7");
        curve.provenance.sampling = "5 nested random splits, seed 7".into();
        assert_eq!(repeats(&curve), "5 nested random splits, seed 7");
    }
}
