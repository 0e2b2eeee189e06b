//! Noise terms as columns are appended, eight matrices at a time.

use super::batch::Batch;
use super::images::Images;
use super::lanes::{Reflected, interleave};
use super::root::Root;
use super::term::Term;
use super::terms::Terms;
use super::units::with_units;
use super::work::{Step, Work};
use crate::Error;
use ndarray::{ArrayView2, Axis, s};

/// Computes the noise terms of the first `1, 2, …, P` columns of many matrices `X` (`n × P`), for test features with
/// second moments Σ: one root for each matrix, or one for all. The first `p` columns use the leading `p × p` block of
/// Σ. The result has one curve per matrix, with one term per number of columns.
///
/// Up to `n` columns, `X = Q R` by reflections, and the term is `‖S R⁻¹‖²_F`. Beyond, columns are rotated into the
/// triangle of `X = R Q`; the rotations also turn the images `S Qᵀ`, and the term is `‖S Qᵀ R⁻¹‖²_F`. Each term is a
/// fresh solve: O(p n²) per column, O(n³) if `Σ = I`. Eight matrices run at once; the result for one depends neither on
/// the others nor on the instruction set.
///
/// # Errors
/// [`Error::Empty`] for no matrices or empty ones, [`Error::NonFinite`]; [`Error::Shape`] unless all matrices have one
/// shape, there is one root or one per matrix, and every root has at least as many features as the matrices;
/// [`Error::Overflow`] for a term that does not fit into `f64`; [`Error::Memory`], [`Error::Backend`].
///
/// # Examples
/// ```
/// use double_descent::nested::noise::{Root, feature_terms};
/// use ndarray::array;
///
/// let curve = &feature_terms(&[array![[1.0, 2.0]].view()], &[&Root::identity()])?[0];
/// assert_eq!(curve[0].noise, 1.0);
/// assert!((curve[1].noise - 0.2).abs() < 1e-15); // 1 / ‖x‖²
/// # Ok::<(), double_descent::Error>(())
/// ```
pub fn feature_terms(xs: &[ArrayView2<'_, f64>], roots: &[&Root]) -> Result<Vec<Vec<Term>>, Error> {
    with_units(xs, roots, Axis(1), &|xs, roots, skipped| {
        let mut curves = Vec::with_capacity(xs.len());
        for batch in Batch::of(xs, roots, skipped, usize::min)? {
            curves.extend(curves_of(&batch)?);
        }
        Ok(curves)
    })
}

fn curves_of(batch: &Batch<'_>) -> Result<Vec<Vec<Term>>, Error> {
    let (n, p) = batch.shape;
    let mut terms = Terms::new(batch, p);
    let columns: Vec<_> = batch.xs.iter().map(|x| x.slice(s![.., ..n.min(p)]).reversed_axes()).collect();
    let reflected = Reflected::new(&columns, batch.scale);
    let mut work = Work::new(batch, 0, n);
    for column in 0..reflected.len() {
        let reading = work.step(Step::AppendColumn(&reflected, column));
        let (p, triangle) = (column + 1, |lane| work.triangle.lane(lane));
        terms.push((n, p), &reading, triangle, |lane| batch.root_of(lane, p))?;
    }
    // From here on the triangle has its own coordinates.
    if batch.has_root() {
        let mut images = Images::default();
        (0..reflected.len()).for_each(|column| images.push(&batch.root_column(column)));
        work.images = Some(images);
    }
    for column in n..p {
        let columns: Vec<_> =
            batch.xs.iter().map(|x| x.slice(s![.., column..=column]).reversed_axes()).collect();
        let mut new = interleave(&columns, batch.scale);
        let reading = work.step(Step::AbsorbColumn(&reflected, &mut new, column));
        let triangle = |lane| work.triangle.lane(lane);
        terms.push((n, column + 1), &reading, triangle, |lane| {
            work.images.as_ref().map(|all| all.lane(lane))
        })?;
    }
    terms.finish()
}
