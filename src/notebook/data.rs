//! Data sets: their first rows.

use super::ToHtml;
use super::table::{Table, cut, number};
use crate::dataset::Dataset;
use crate::error::words::counted;

/// The number of feature columns that a table shows.
const FEATURES: usize = 8;
/// The number of target columns that a table shows.
const TARGETS: usize = 3;

impl ToHtml for Dataset {
    fn headline(&self) -> String {
        let (rows, features) = self.features().dim();
        let counts = [(rows, "row"), (features, "feature"), (self.targets().ncols(), "target")];
        let [rows, features, targets] = counts.map(|(count, one)| counted(count, one));
        format!("{}: {rows}, {features}, {targets}; {}", cut(self.name()), self.preparation())
    }

    fn body(&self) -> String {
        let (features, targets) = (self.features().ncols(), self.targets().ncols());
        let (x, y) = (features.min(FEATURES), targets.min(TARGETS));
        let dots = |all: usize, shown: usize| (all > shown).then(|| "…".to_owned());
        let columns = |left: &[String], right: &[String]| -> Vec<String> {
            let left = left[..x].iter().cloned().chain(dots(features, x));
            left.chain(right[..y].iter().cloned()).chain(dots(targets, y)).collect()
        };
        let mut head = vec![String::new()];
        head.extend(columns(self.feature_names(), self.target_names()));
        let row = |i: usize| {
            let left: Vec<String> = self.features().row(i).iter().take(x).map(|v| number(*v)).collect();
            let right: Vec<String> = self.targets().row(i).iter().take(y).map(|v| number(*v)).collect();
            let mut row = vec![i.to_string()];
            row.extend(columns(&left, &right));
            row
        };
        Table::of(head, self.len(), row).html()
    }
}
