//! The placeholder for a figure whose arms the curve lacks.

use crate::Error;
use crate::curve::Curve;
use crate::plot::Figure;

/// Returns the figure of an arm or a family of arms, or a placeholder with the reason why there is none.
pub(super) fn or_reason(figure: Option<Figure>, curve: &Curve, name: &str) -> Figure {
    figure.unwrap_or_else(|| {
        if curve.arms.iter().any(|arm| arm.name == name) {
            let reason = format!("the arm `{name}` has no errors above 0 to draw on a logarithmic axis");
            return Figure::not_drawn(Error::Unsupported { reason });
        }
        let mut choices: Vec<String> = curve.arms.iter().map(|arm| arm.name.clone()).collect();
        choices.dedup();
        Figure::not_drawn(Error::UnknownName { what: "arm of the curve", name: name.into(), choices })
    })
}
