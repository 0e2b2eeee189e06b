//! What stands in place of a figure that the curve has no arms for.

use crate::Error;
use crate::curve::Curve;
use crate::plot::Figure;

/// A figure of an arm or a family of arms, or why there is none.
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
