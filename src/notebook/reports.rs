//! Reports on curves and fitting procedures.

use super::table::{Table, number, optional};
use super::{ToHtml, escape};
use crate::complexity::Complexity;
use crate::curve::{Shape, ShapeReport};
use crate::diagnosis::Diagnosis;
use crate::error::words::counted;

impl ToHtml for ShapeReport {
    fn headline(&self) -> String {
        let shape = match self.shape {
            Shape::Flat => "flat: no change is certified",
            Shape::Falling => "falling",
            Shape::Rising => "rising",
            Shape::UShaped => "U-shaped: it falls, then rises",
            Shape::DoubleDescent => "double descent: one peak inside",
            Shape::SeveralPeaks => "several peaks",
        };
        let share = 100.0 * self.agreement;
        let repeats = counted(self.repeats, "repeat");
        format!("Shape: {shape}. {repeats}; {share:.0} % of the resamples agree")
    }

    fn body(&self) -> String {
        let between = |(low, high): (f64, f64)| format!("{} to {}", number(low), number(high));
        let change = |i: usize| {
            let change = &self.changes[i];
            let way = if change.rises { "rises" } else { "falls" };
            [number(change.from), number(change.to), way.into(), number(change.p_value)]
        };
        let peak = |i: usize| {
            let peak = &self.peaks[i];
            [
                number(peak.peak),
                between(peak.peak_limits),
                number(peak.height),
                peak.prominence.map_or_else(|| "none".into(), |prominence| number(prominence.exp())),
                between((peak.from, peak.to)),
                number(peak.p_value),
            ]
        };
        let changes = Table::new(["from", "to", "", "p-value"], self.changes.len(), change);
        let head = ["peak at", "limits", "height", "height over level", "critical interval", "p-value"];
        let peaks = Table::new(head, self.peaks.len(), peak);
        let mut out = String::new();
        if !self.peaks.is_empty() {
            out += &peaks.html();
        }
        if !self.changes.is_empty() {
            out += &changes.html();
        }
        out
    }
}

impl ToHtml for Complexity {
    fn headline(&self) -> String {
        let least = if self.is_bound() { "at least " } else { "" };
        let tolerance = number(self.epsilon);
        format!("Effective model complexity: {least}{} samples, at a tolerance of {tolerance}", self.value)
    }

    fn body(&self) -> String {
        let row = |i: usize| {
            let point = &self.points[i];
            let fits = if point.mean <= self.epsilon { "yes" } else { "no" };
            [point.n.to_string(), number(point.mean), optional(point.standard_error), fits.into()]
        };
        let head = ["n", "mean training error", "standard error", "fitted"];
        Table::new(head, self.points.len(), row).html()
    }
}

impl ToHtml for Diagnosis {
    fn headline(&self) -> String {
        self.to_string().lines().next().unwrap_or_default().to_owned()
    }

    fn body(&self) -> String {
        let text = self.to_string();
        let lines: Vec<String> = text.lines().skip(1).map(escape).collect();
        if lines.is_empty() { String::new() } else { format!("<pre>{}</pre>\n", lines.join("\n")) }
    }
}
