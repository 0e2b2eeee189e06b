//! Merges the parts of an experiment: shards of its repeats.

use super::{ArmLabel, Curve, Failure, Provenance};
use crate::Error;
use crate::machine::order::sort;
use std::collections::BTreeMap;

impl Curve {
    /// Merges the parts of an experiment, each with its own repeats, into one curve. Every cell is what one run of all
    /// the repeats gives, whatever the order of the parts. The arms, the axis and the [`Provenance`] must agree.
    ///
    /// The result is [complete](Curve::complete) if all parts are, and no repeat is missing between 0 and the last.
    ///
    /// # Errors
    /// [`Error::Empty`] without parts; [`Error::Unsupported`] if two parts belong to different experiments, or share a
    /// repeat: the message says which, counting parts from 1.
    ///
    /// # Examples
    /// ```
    /// use double_descent::curve::{ArmLabel, Axis, Cell, Curve, Metric, Provenance};
    ///
    /// let part = |repeats: std::ops::Range<usize>| {
    ///     let arm = ArmLabel::new("measured_elsewhere", None);
    ///     let mut curve = Curve::new(Axis::Samples, vec![arm], Provenance::new("a table", "minimum norm"));
    ///     let cells = repeats.flat_map(|repeat| [5, 10].map(|n| Cell::new(repeat, n, 3, 0)));
    ///     curve.cells = cells.collect();
    ///     curve
    /// };
    /// assert_eq!(Curve::merge([part(2..5), part(0..2)])?, part(0..5));
    /// assert!(!Curve::merge([part(2..5)])?.complete); // where are repeats 0 and 1?
    /// assert!(Curve::merge([part(0..2), part(1..3)]).is_err());
    /// # Ok::<(), double_descent::Error>(())
    /// ```
    pub fn merge(parts: impl IntoIterator<Item = Self>) -> Result<Self, Error> {
        let mut parts = parts.into_iter();
        let mut whole = parts.next().ok_or(Error::Empty { what: "the list of parts" })?;
        let mut part_of: BTreeMap<usize, usize> = BTreeMap::new();
        for repeat in whole.repeats_seen() {
            part_of.insert(repeat, 1);
        }
        for (number, mut part) in (2..).zip(parts) {
            if let Some(what) = whole.difference(&part) {
                let reason = format!(
                    "part {number} is of another experiment than part 1: {what}; merge parts of one experiment only"
                );
                return Err(Error::Unsupported { reason });
            }
            for repeat in part.repeats_seen() {
                if let Some(other) = part_of.insert(repeat, number) {
                    let reason = format!(
                        "repeat {repeat} is in part {other} and in part {number}; each repeat belongs to one part"
                    );
                    return Err(Error::Unsupported { reason });
                }
            }
            whole.cells.append(&mut part.cells);
            whole.failures.append(&mut part.failures);
            whole.provenance.by_svd.append(&mut part.provenance.by_svd);
            whole.complete &= part.complete;
        }
        // The sorts are stable: within a repeat, which belongs to one part, the order stays.
        sort(&mut whole.cells, |a, b| a.repeat.cmp(&b.repeat));
        sort(&mut whole.failures, |a, b| a.repeat.cmp(&b.repeat));
        sort(&mut whole.provenance.by_svd, |a, b| a.0.cmp(&b.0));
        whole.complete &= part_of.keys().copied().eq(0..part_of.len());
        Ok(whole)
    }

    /// Returns the distinct repeats of its cells and failures.
    fn repeats_seen(&self) -> Vec<usize> {
        let of_cells = self.cells.iter().map(|cell| cell.repeat);
        super::distinct(of_cells.chain(self.failures.iter().map(|failure: &Failure| failure.repeat)))
    }

    /// Returns the first difference between the experiments of two curves, in words.
    fn difference(&self, other: &Self) -> Option<String> {
        let differ = |what: &str, ours: &dyn std::fmt::Debug, theirs: &dyn std::fmt::Debug| {
            let (ours, theirs) = (format!("{ours:?}"), format!("{theirs:?}"));
            (ours != theirs).then(|| format!("{what} is {}, not {}", shown(&theirs), shown(&ours)))
        };
        if let Some(axis) = differ("its axis", &self.axis, &other.axis) {
            return Some(axis);
        }
        if self.arms.len() != other.arms.len() {
            return Some(format!("it has {} arms, not {}", other.arms.len(), self.arms.len()));
        }
        // Arms are compared as text, so that two NaN settings are equal.
        let words = |arm: &ArmLabel| match arm.setting {
            Some(setting) => format!("{} at {setting:?}", arm.name),
            None => arm.name.clone(),
        };
        let arms = self.arms.iter().zip(&other.arms).enumerate();
        let unlike = arms.map(|(i, (a, b))| differ(&format!("its arm {i}"), &words(a), &words(b)));
        if let Some(arm) = unlike.flatten().next() {
            return Some(arm);
        }
        let Provenance { data, rows, preparation, sampling, seed, estimator, engine, by_svd: _ } =
            &self.provenance;
        let theirs = &other.provenance;
        differ("its data", data, &theirs.data)
            .or_else(|| differ("its number of rows", rows, &theirs.rows))
            .or_else(|| differ("its preparation", preparation, &theirs.preparation))
            .or_else(|| differ("its sampling", sampling, &theirs.sampling))
            .or_else(|| differ("its seed", seed, &theirs.seed))
            .or_else(|| differ("its estimator", estimator, &theirs.estimator))
            .or_else(|| differ("its engine", engine, &theirs.engine))
    }
}

/// Shortens a text for a message.
fn shown(text: &str) -> String {
    const MOST: usize = 120;
    let mut shown: String = text.chars().take(MOST).collect();
    if text.chars().nth(MOST).is_some() {
        shown.push('…');
    }
    shown
}
