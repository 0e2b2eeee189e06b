//! The placeholder for a figure that a curve has nothing for.

use super::draft::Draft;
use crate::Error;
use crate::curve::Curve;
use crate::plot::Figure;

/// Returns the figure of an arm or a family of arms, or a placeholder with the reason why there is none.
pub(super) fn or_reason<'a>(
    draft: Result<Draft<'a>, Error>,
    name: &str,
    draw: impl FnOnce(Draft<'a>) -> Option<Figure>,
) -> Figure {
    or_error(draft, draw, |curve| {
        if curve.arms.iter().any(|arm| arm.name == name) {
            let reason = format!("the arm `{name}` has no errors above 0 to draw on a logarithmic axis");
            return Error::Unsupported { reason };
        }
        let mut choices: Vec<String> = curve.arms.iter().map(|arm| arm.name.clone()).collect();
        choices.dedup();
        Error::UnknownName { what: "arm of the curve", name: name.into(), choices }
    })
}

/// Returns the figure, or a placeholder: with the draft's error, or with the error for a curve that has nothing to draw.
pub(super) fn or_error<'a>(
    draft: Result<Draft<'a>, Error>,
    draw: impl FnOnce(Draft<'a>) -> Option<Figure>,
    error: impl FnOnce(&Curve) -> Error,
) -> Figure {
    let drawn = draft.and_then(|draft| {
        let curve = draft.curve;
        draw(draft).ok_or_else(|| error(curve))
    });
    drawn.unwrap_or_else(Figure::not_drawn)
}

/// Whether a figure is not drawn because the curve has nothing for it.
pub(super) fn has_nothing(figure: &Figure) -> bool {
    matches!(figure.undrawn, Some(Error::UnknownName { .. } | Error::Unsupported { .. }))
}
