//! Turns a family of arms into a curve over its settings.

use super::{ArmLabel, Axis, Cell, Curve, Failure};
use crate::Error;
use crate::machine::order::sort;
use std::collections::HashMap;

impl Curve {
    /// Turns the arms of a family into a curve over their settings, with the same repeats. For example, forty arms of a
    /// filter at different times get a peak, a shape and a figure along that time.
    ///
    /// The new curve has one arm for each value of this curve's axis, ascending. The arm's name is that of the family;
    /// its setting is the axis value, or none if there is only one value. Cells and failures of other arms are left
    /// out.
    ///
    /// # Errors
    /// [`Error::UnknownName`] if there is no such family, [`Error::Unsupported`] if one of its arms has no setting,
    /// [`Error::Domain`] if a setting is NaN, or two arms share one.
    ///
    /// # Examples
    /// ```
    /// use double_descent::curve::{ArmLabel, Axis, Cell, Curve, Metric, Provenance};
    ///
    /// let settings = [0.01, 0.1, 1.0];
    /// let arms = settings.map(|t| ArmLabel::new("stopped_at", Some(t)));
    /// let mut curve = Curve::new(Axis::Samples, arms.into(), Provenance::default());
    /// let error = |(arm, error)| Cell::new(0, 20, 5, arm).with(Metric::TestMse, error);
    /// curve.cells.extend([0.9, 0.4, 0.7].into_iter().enumerate().map(error));
    ///
    /// let line = curve.over_settings("stopped_at")?;
    /// assert_eq!((line.axis, line.arms.len(), line.values()), (Axis::Setting, 1, settings.to_vec()));
    /// assert_eq!(line.highest(0, Metric::TestMse).unwrap().value, 0.01);
    /// # Ok::<(), double_descent::Error>(())
    /// ```
    pub fn over_settings(&self, family: &str) -> Result<Self, Error> {
        let settings = self.settings(family)?;
        let lines = self.values();
        let line = |value: f64| lines.binary_search_by(|known| known.total_cmp(&value)).ok();
        let of_cell = |cell: &Cell| {
            let arm = line(self.axis.value(cell)?)?;
            Some(Cell { arm, ..*cell }.at(*settings.get(&cell.arm)?))
        };
        let of_failure = |failure: &Failure| {
            let at = Cell::new(failure.repeat, failure.n, failure.p, 0).at(failure.value);
            let arm = self.axis.value(&at).and_then(line);
            match failure.arm {
                None => Some(Failure { arm, value: None, ..failure.clone() }),
                Some(of) => settings.get(&of).map(|&value| Failure { arm, ..failure.clone().at(value) }),
            }
        };
        let label = |&value: &f64| ArmLabel::new(family, (lines.len() > 1).then_some(value));
        let mut curve = Self {
            axis: Axis::Setting,
            arms: lines.iter().map(label).collect(),
            cells: self.cells.iter().filter_map(of_cell).collect(),
            failures: self.failures.iter().filter_map(of_failure).collect(),
            complete: self.complete,
            provenance: self.provenance.clone(),
        };
        let order = |cell: &Cell| cell.value().unwrap_or(f64::NAN);
        sort(&mut curve.cells, |a, b| {
            let by_value = || order(a).total_cmp(&order(b));
            a.repeat.cmp(&b.repeat).then_with(by_value).then(a.arm.cmp(&b.arm))
        });
        Ok(curve)
    }

    /// Returns the setting of each arm of a family.
    pub(super) fn settings(&self, family: &str) -> Result<HashMap<usize, f64>, Error> {
        let arms = self.known_family(family)?;
        let mut settings = HashMap::new();
        for arm in arms {
            let Some(value) = self.arms[arm].setting else {
                let reason = format!("an arm `{family}` has no setting, so no place on an axis of settings");
                return Err(Error::Unsupported { reason });
            };
            let must_be = "a different number for each arm of the family";
            if value.is_nan() || settings.values().any(|&known| known == value) {
                return Err(Error::Domain { what: "an arm's setting", value, must_be });
            }
            settings.insert(arm, value);
        }
        Ok(settings)
    }
}
