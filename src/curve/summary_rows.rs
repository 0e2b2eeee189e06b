//! Formats summaries as rows of text.

use super::cell_columns::Column;
use super::cell_rows::Label;
use super::rows_left::{COLUMN as ROWS_LEFT, Countdown};
use super::{ArmLabel, Axis, Metric, Summary};
use std::collections::HashMap;
use std::io::Write;

/// The columns of every table of summaries, in order. They are followed by `value`, if the axis has one, and by
/// `rows_left`.
const COLUMNS: [&str; 15] = [
    "arm",
    "setting",
    "n",
    "p",
    "metric",
    "count",
    "mean",
    "mean_low",
    "mean_high",
    "min",
    "q25",
    "median",
    "q75",
    "max",
    "standard_deviation",
];

/// Builder for the rows of a table of summaries.
pub(super) struct SummaryRows {
    labels: Vec<Label>,
    has_values: bool,
    metric: Option<Metric>,
    /// The last summary at each axis value, with its formatted fields, keyed by the value's bits. Many arms agree, so
    /// that they are formatted once.
    known: HashMap<u64, (Summary, Vec<u8>)>,
    rows_left: Countdown,
    /// Text that is not written out yet.
    pub(super) text: Vec<u8>,
}

impl SummaryRows {
    /// Starts a table of `count` rows for these arms and this axis. The text begins with the header.
    pub(super) fn new(arms: &[ArmLabel], axis: Axis, count: usize) -> Self {
        let has_values = !matches!(axis, Axis::Samples | Axis::Features);
        let value = has_values.then_some(Column::Value.name());
        let names: Vec<&str> = COLUMNS.into_iter().chain(value).chain([ROWS_LEFT]).collect();
        Self {
            labels: arms.iter().map(Label::new).collect(),
            has_values,
            metric: None,
            known: HashMap::new(),
            rows_left: Countdown::new(count),
            text: (names.join(",") + "\n").into_bytes(),
        }
    }

    /// Adds a row.
    pub(super) fn push(&mut self, metric: Metric, summary: &Summary) {
        if self.metric.replace(metric) != Some(metric) {
            // Clears the fields and keeps their memory.
            self.known.values_mut().for_each(|(_, fields)| fields.clear());
        }
        self.text.extend_from_slice(self.labels[summary.arm].text());
        let (known, fields) = self.known.entry(summary.value.to_bits()).or_insert((*summary, Vec::new()));
        if fields.is_empty() || bits(known) != bits(summary) {
            *known = *summary;
            fields.clear();
            push_fields(fields, metric, summary, self.has_values);
        }
        self.text.extend_from_slice(fields);
        self.text.extend_from_slice(self.rows_left.row_end());
    }
}

/// Writes the fields between those of the arm and `rows_left`, each after a comma.
fn push_fields(text: &mut Vec<u8>, metric: Metric, summary: &Summary, has_values: bool) {
    let Summary { n, p, count, .. } = *summary;
    // Writing to memory does not fail.
    let _ = write!(text, ",{n},{p},{},{count}", metric.name());
    let numbers = numbers(summary);
    for number in &numbers[..numbers.len() - usize::from(!has_values)] {
        text.push(b',');
        if let Some(number) = number {
            text.extend_from_slice(zmij::Buffer::new().format(*number).as_bytes());
        }
    }
}

/// Returns the numbers in the order of their columns, with the axis value last.
fn numbers(summary: &Summary) -> [Option<f64>; 10] {
    let Summary { value, mean, mean_band, min, q25, median, q75, max, standard_deviation, .. } = *summary;
    [
        Some(mean),
        mean_band.map(|(low, _)| low),
        mean_band.map(|(_, high)| high),
        Some(min),
        Some(q25),
        Some(median),
        Some(q75),
        Some(max),
        standard_deviation,
        Some(value),
    ]
}

/// Returns everything that the fields show, as bits.
fn bits(summary: &Summary) -> ([usize; 3], [Option<u64>; 10]) {
    let Summary { n, p, count, .. } = *summary;
    ([n, p, count], numbers(summary).map(|number| number.map(f64::to_bits)))
}
