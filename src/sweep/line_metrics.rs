//! The metrics of the lines of one place.

use super::metrics::Metrics;
use crate::machine::memory::{list, sum};

/// Metrics by line index. Lines with the same fit share them, as many arms of a study do.
#[derive(Clone, Debug, Default)]
pub(super) struct LineMetrics {
    /// Each line, and the index of its metrics.
    lines: Vec<(usize, usize)>,
    metrics: Vec<Metrics>,
}

impl LineMetrics {
    /// An empty list with capacity for `lines` lines.
    pub(super) fn with_capacity(lines: usize) -> Self {
        Self { lines: Vec::with_capacity(lines), metrics: Vec::with_capacity(lines) }
    }

    /// Bytes for `lines` lines, each with its own metrics.
    pub(super) fn bytes(lines: usize) -> usize {
        sum([list::<(usize, usize)>(lines), list::<Metrics>(lines)])
    }

    pub(super) fn len(&self) -> usize {
        self.lines.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    pub(super) fn push(&mut self, line: usize, metrics: Metrics) {
        self.lines.push((line, self.metrics.len()));
        self.metrics.push(metrics);
    }

    /// Adds a line with the same fit as an earlier line, whose metrics are at `place`. Neither may have an adversary,
    /// and both start from 0.
    pub(super) fn share(&mut self, line: usize, place: usize) {
        self.lines.push((line, place));
    }

    /// The index that the metrics of the next pushed line will have.
    pub(super) fn next_place(&self) -> usize {
        self.metrics.len()
    }

    /// Releases unused capacity.
    pub(super) fn shrink(&mut self) {
        self.metrics.shrink_to_fit();
    }

    /// All lines, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, &Metrics)> {
        self.lines.iter().map(|&(line, place)| (line, &self.metrics[place]))
    }

    /// All lines, in order, and whether each shares its metrics with the one before.
    pub(super) fn with_repetitions(&self) -> impl Iterator<Item = ((usize, &Metrics), bool)> {
        let mut last = None;
        self.lines
            .iter()
            .map(move |&(line, place)| ((line, &self.metrics[place]), last.replace(place) == Some(place)))
    }

    pub(super) fn sort_by_key(&mut self, key: &dyn Fn(usize) -> (Option<usize>, usize)) {
        self.lines.sort_by_key(|(line, _)| key(*line));
    }

    /// Keeps only the lines for which `is_kept` holds.
    pub(super) fn retain(&mut self, is_kept: impl Fn(usize) -> bool) {
        self.lines.retain(|(line, _)| is_kept(*line));
    }

    /// Appends other lines.
    pub(super) fn append(&mut self, other: Self) {
        let before = self.metrics.len();
        self.lines.extend(other.lines.into_iter().map(|(line, place)| (line, before + place)));
        self.metrics.extend(other.metrics);
    }
}

impl FromIterator<(usize, Metrics)> for LineMetrics {
    fn from_iter<I: IntoIterator<Item = (usize, Metrics)>>(lines: I) -> Self {
        let lines = lines.into_iter();
        let mut all = Self::with_capacity(lines.size_hint().0);
        lines.for_each(|(line, metrics)| all.push(line, metrics));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metrics(test: f64) -> Metrics {
        Metrics { test, ..Metrics::default() }
    }

    fn all(lines: &LineMetrics) -> Vec<(usize, f64)> {
        lines.iter().map(|(line, metrics)| (line, metrics.test)).collect()
    }

    #[test]
    fn lines_keep_their_metrics() {
        let mut lines = LineMetrics::with_capacity(4);
        lines.push(5, metrics(0.5));
        let place = lines.next_place();
        lines.push(2, metrics(0.2));
        lines.share(3, place);
        lines.shrink();
        let repeated =
            |lines: &LineMetrics| lines.with_repetitions().map(|(_, again)| again).collect::<Vec<_>>();
        assert_eq!(
            (all(&lines), repeated(&lines)),
            (vec![(5, 0.5), (2, 0.2), (3, 0.2)], vec![false, false, true])
        );
        lines.append([(1, metrics(0.1)), (4, metrics(0.4))].into_iter().collect());
        lines.sort_by_key(&|line| (None, line));
        assert_eq!(all(&lines), [(1, 0.1), (2, 0.2), (3, 0.2), (4, 0.4), (5, 0.5)]);
        lines.retain(|line| line != 2);
        assert_eq!((lines.len(), repeated(&lines)), (4, vec![false; 4]));
    }
}
