//! Separate units for first points that are small compared to later ones.

use super::root::Root;
use super::term::Term;
use crate::Error;
use crate::nested::parts::SHARED;
use crate::nested::scale::largest_exponent;
use ndarray::{ArrayView2, Axis, Slice};

/// Computes the curves of matrices, with roots, skipping a given number of first points of each.
type Curves<'a> = dyn Fn(&[ArrayView2<'_, f64>], &[&Root], &[usize]) -> Result<Vec<Vec<Term>>, Error> + 'a;

/// Computes the curves along an axis. A matrix has one unit, that of its largest entry. Earlier points whose squares
/// would be out of range in that unit are computed as a separate matrix.
pub(super) fn with_units(
    xs: &[ArrayView2<'_, f64>],
    roots: &[&Root],
    axis: Axis,
    curves: &Curves<'_>,
) -> Result<Vec<Vec<Term>>, Error> {
    let root = |matrix: usize| if roots.len() == 1 { roots.first() } else { roots.get(matrix) };
    let small =
        |(matrix, x): (usize, &ArrayView2<'_, f64>)| root(matrix).map_or(0, |root| small(x, root, axis));
    let skipped: Vec<usize> = xs.iter().enumerate().map(small).collect();
    let mut found = curves(xs, roots, &skipped)?;
    for (matrix, (&count, x)) in skipped.iter().zip(xs).enumerate() {
        let Some(root) = root(matrix).filter(|_| count > 0) else { continue };
        let first = x.slice_axis(axis, Slice::from(..count));
        let first = with_units(&[first], &[root], axis, curves)?;
        for (to, from) in found[matrix].iter_mut().zip(first.into_iter().flatten()) {
            *to = from;
        }
    }
    Ok(found)
}

/// Returns how many first points need a separate unit.
fn small(x: &ArrayView2<'_, f64>, root: &Root, axis: Axis) -> usize {
    let entries = x.axis_iter(axis).map(largest_exponent);
    let of_features = apart(entries);
    if axis == Axis(0) || root.dimension().is_none_or(|dimension| dimension < x.ncols()) {
        return of_features;
    }
    // The first columns of the root go with the first features.
    of_features.max(apart((1..=x.ncols()).map(|p| root.largest_of_column(p - 1))))
}

/// Returns how many come before the first one large enough to share the unit of the largest; 0 if those are all 0.
fn apart(sizes: impl Iterator<Item = Option<i32>>) -> usize {
    let sizes: Vec<_> = sizes.collect();
    let Some(most) = sizes.iter().copied().flatten().max() else { return 0 };
    let is_large = |size: &Option<i32>| size.is_some_and(|e| e >= most - SHARED);
    let count = sizes.iter().position(is_large).unwrap_or(0);
    if sizes[..count].iter().any(Option::is_some) { count } else { 0 }
}
