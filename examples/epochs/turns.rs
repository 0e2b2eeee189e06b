//! The certified shape of a curve in words that its drawn medians do not deny.

use crate::common::trimmed;
use double_descent::curve::{Change, Curve, Metric, Shape, ShapeReport};

/// A turn by less than this factor is not worth a word.
const TURN_COUNTS: f64 = 1.02;

/// Describes the shape: what is certified is a lower limit on the number of turns.
pub fn shape(report: &ShapeReport, turns_more: bool) -> String {
    match report.shape {
        Shape::Flat => "no change certified".into(),
        shape if turns_more => format!("at least: {shape}"),
        shape => shape.to_string(),
    }
}

/// Describes the certified rises and falls: that the ends differ, and not what is between them.
pub fn changes(report: &ShapeReport) -> String {
    let change = |change: &Change| {
        let than = if change.rises { "higher" } else { "lower" };
        format!("{than} at {} than at {}", trimmed(change.to), trimmed(change.from))
    };
    match &report.changes[..] {
        [] => "no change".into(),
        changes => changes.iter().map(change).collect::<Vec<_>>().join(", "),
    }
}

/// Whether the medians go against the certified rises and falls, the first of which is taken to begin at the first
/// time, and the last to end at the last.
pub fn uncertified(report: &ShapeReport, curve: &Curve) -> bool {
    let Ok(medians) = curve.summaries(Metric::TestMse, None) else { return false };
    let last = report.changes.len().saturating_sub(1);
    let turns = |(i, change): (usize, &Change)| {
        let from = if i == 0 { f64::NEG_INFINITY } else { change.from };
        let to = if i == last { f64::INFINITY } else { change.to };
        let piece = medians.iter().filter(|s| from <= s.value && s.value <= to).map(|s| s.median);
        goes_back(piece, change.rises)
    };
    report.changes.iter().enumerate().any(turns)
}

/// Whether values that should only rise (fall) fall (rise) by a factor that counts.
fn goes_back(values: impl Iterator<Item = f64>, rises: bool) -> bool {
    let mut extreme: Option<f64> = None;
    for value in values {
        let before = extreme.unwrap_or(value);
        let back = if rises { before / value } else { value / before };
        if back > TURN_COUNTS {
            return true;
        }
        extreme = Some(if rises { before.max(value) } else { before.min(value) });
    }
    false
}
