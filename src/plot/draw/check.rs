//! Checks that a panel can be drawn completely.

use super::model::{HeatMap, Panel, Scale, Series};
use crate::Error;

impl Panel {
    /// Checks that the lengths, shapes and values of the panel's contents are consistent.
    pub(super) fn check(&self) -> Result<(), Error> {
        self.groups.iter().flat_map(|group| &group.series).try_for_each(of_series)?;
        self.heat.as_ref().map_or(Ok(()), |heat| of_heat(heat, self.x.scale, self.y.scale))
    }
}

fn of_series(series: &Series) -> Result<(), Error> {
    let count = series.x.len();
    Error::check_len("ordinates of a series", count, series.y.len())?;
    let Some((lower, upper)) = &series.band else { return Ok(()) };
    Error::check_len("lower edges of a band", count, lower.len())?;
    Error::check_len("upper edges of a band", count, upper.len())
}

fn of_heat(heat: &HeatMap, x: Scale, y: Scale) -> Result<(), Error> {
    of_axis("an abscissa of a heat map", &heat.x, x)?;
    of_axis("an ordinate of a heat map", &heat.y, y)?;
    Error::check_len("rows of a heat map", heat.y.len(), heat.values.len())?;
    heat.values.iter().try_for_each(|row| Error::check_len("columns of a heat map", heat.x.len(), row.len()))
}

fn of_axis(what: &'static str, values: &[f64], scale: Scale) -> Result<(), Error> {
    if values.is_empty() {
        return Err(Error::Empty { what: "a heat map" });
    }
    let domain = |value, must_be| Err(Error::Domain { what, value, must_be });
    if let Some(&value) = values.iter().find(|value| !value.is_finite()) {
        return domain(value, "finite");
    }
    if let Some(&value) = values.iter().find(|value| !scale.shows(**value)) {
        return domain(value, "above 0 on a logarithmic axis");
    }
    match values.windows(2).find(|pair| pair[1] <= pair[0]) {
        Some(pair) => domain(pair[1], "above the one before it: the axis ascends"),
        None => Ok(()),
    }
}
