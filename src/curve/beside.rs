//! Combines the arms of several curves in one curve, or keeps only some of them.

use super::{Curve, Provenance};
use crate::Error;
use crate::machine::order::sort;

impl Curve {
    /// Appends the arms of another curve to this one: a basis, a limit or another estimator, measured in a separate
    /// sweep. Cells are sorted as in every curve: by repeat, then axis value, then arm. Where the provenances differ,
    /// the result has the words of both; its rows, seed and engine are those of this curve. It is
    /// [complete](Curve::complete) if both are.
    ///
    /// # Errors
    /// [`Error::Unsupported`] if the curves have different axes, or if both have an arm with the same label.
    ///
    /// # Examples
    /// ```
    /// use double_descent::curve::{ArmLabel, Axis, Cell, Curve, Metric, Provenance};
    ///
    /// let curve = |name: &str, error: f64| {
    ///     let from = Provenance::new("a table", "minimum norm");
    ///     let mut curve = Curve::new(Axis::Features, vec![ArmLabel::new(name, None)], from);
    ///     curve.cells = [2, 4].map(|p| Cell::new(0, 3, p, 0).with(Metric::TestMse, error)).to_vec();
    ///     curve
    /// };
    /// let both = curve("legendre", 1.0).beside(curve("monomial", 2.0))?;
    /// assert_eq!((both.arms.len(), both.cells.len()), (2, 4));
    /// assert_eq!(both.cell(0, 4, 1).unwrap().test_mse, Some(2.0));
    /// assert!(curve("legendre", 1.0).beside(curve("legendre", 2.0)).is_err());
    /// # Ok::<(), double_descent::Error>(())
    /// ```
    pub fn beside(mut self, other: Self) -> Result<Self, Error> {
        let wrong = |reason| Err(Error::Unsupported { reason });
        if self.axis != other.axis {
            return wrong(format!("a curve over {:?} cannot join one over {:?}", other.axis, self.axis));
        }
        if let Some(arm) = other.arms.iter().find(|arm| self.arm(&arm.name, arm.setting).is_some()) {
            return wrong(format!("both curves have an arm `{}` of the same setting; rename one", arm.name));
        }
        let first = self.arms.len();
        self.arms.extend(other.arms);
        self.cells.extend(other.cells.into_iter().map(|mut cell| {
            cell.arm = cell.arm.saturating_add(first);
            cell
        }));
        self.failures.extend(other.failures.into_iter().map(|mut failure| {
            failure.arm = failure.arm.map(|arm| arm.saturating_add(first));
            failure
        }));
        self.complete &= other.complete;
        self.provenance.add(other.provenance);
        let axis = self.axis;
        // Also by both n and p: on a curve over one of them, the other may vary too.
        sort(&mut self.cells, |a, b| {
            let at = |cell| axis.value(cell).unwrap_or(f64::NAN);
            let by_place = || at(a).total_cmp(&at(b)).then((a.n, a.p).cmp(&(b.n, b.p)));
            a.repeat.cmp(&b.repeat).then_with(by_place).then(a.arm.cmp(&b.arm))
        });
        sort(&mut self.failures, |a, b| a.repeat.cmp(&b.repeat));
        Ok(self)
    }
}

impl Curve {
    /// Keeps only the arms of the given families, in this curve's order. Unknown names are ignored.
    ///
    /// # Examples
    /// ```
    /// use double_descent::{dataset::Dataset, sweep::Sweep};
    ///
    /// let curve = Sweep::new(Dataset::diabetes(), [5, 10], 3, 0).run()?;
    /// let two = curve.only(&["unablated", "no_residuals"]);
    /// assert_eq!((curve.arms.len(), two.arms.len(), two.cells.len()), (19, 2, 2 * 3 * 2));
    /// # Ok::<(), double_descent::Error>(())
    /// ```
    #[must_use]
    pub fn only(&self, families: &[&str]) -> Self {
        let kept: Vec<usize> =
            (0..self.arms.len()).filter(|&arm| families.contains(&&*self.arms[arm].name)).collect();
        let index = |arm: usize| kept.binary_search(&arm).ok();
        let cell = |cell: &super::Cell| Some(super::Cell { arm: index(cell.arm)?, ..*cell });
        let failure = |failure: &super::Failure| match failure.arm {
            None => Some(failure.clone()),
            Some(arm) => Some(super::Failure { arm: Some(index(arm)?), ..failure.clone() }),
        };
        Self {
            axis: self.axis,
            arms: kept.iter().map(|&arm| self.arms[arm].clone()).collect(),
            cells: self.cells.iter().filter_map(cell).collect(),
            failures: self.failures.iter().filter_map(failure).collect(),
            complete: self.complete,
            provenance: self.provenance.clone(),
        }
    }
}

impl Provenance {
    /// Appends the words of another provenance where they differ.
    fn add(&mut self, other: Self) {
        let texts = [
            (&mut self.data, other.data),
            (&mut self.preparation, other.preparation),
            (&mut self.sampling, other.sampling),
            (&mut self.estimator, other.estimator),
        ];
        for (ours, theirs) in texts {
            if ours.is_empty() {
                *ours = theirs;
            } else if !theirs.is_empty() && !ours.split("; ").any(|part| part == theirs) && *ours != theirs {
                *ours = format!("{ours}; {theirs}");
            }
        }
        self.by_svd.extend(other.by_svd);
        sort(&mut self.by_svd, Ord::cmp);
        self.by_svd.dedup();
    }
}
