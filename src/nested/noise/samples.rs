//! Noise terms as rows are appended, eight matrices at a time.

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

/// Computes the noise terms of the first `1, 2, …, n` rows of many matrices `X` (`n × p`), for test features with
/// second moments Σ: one root for each matrix, or one for all. Of a root with more than `p` features, the first `p` are
/// used. The result has one curve per matrix, with one term per number of rows.
///
/// Up to `p` rows, `X = L Q` by reflections, and the term is `‖S Qᵀ L⁻¹‖²_F`. Beyond, rows are rotated into the
/// triangle of `X = Q R`, and the term is `‖S R⁻¹‖²_F`. Each term is a fresh solve: O(p³) per row, 3 p³ flops or fewer.
/// Eight matrices run at once; the result for one depends neither on the others nor on the instruction set.
///
/// # Errors
/// [`Error::Empty`] for no matrices or empty ones, [`Error::NonFinite`]; [`Error::Shape`] unless all matrices have one
/// shape, there is one root or one per matrix, and every root has at least as many features as the matrices;
/// [`Error::Overflow`] for a term that does not fit into `f64`; [`Error::Memory`], [`Error::Backend`].
///
/// # Examples
/// ```
/// use double_descent::nested::noise::{Root, sample_terms};
/// use ndarray::array;
///
/// let x = array![[2.0, 0.0], [0.0, 1.0], [0.0, 1.0]];
/// let curve = &sample_terms(&[x.view()], &[&Root::identity()])?[0];
/// assert_eq!([curve[0].noise, curve[1].noise], [0.25, 1.25]);
/// assert!((curve[2].noise - 0.75).abs() < 1e-15); // two measurements of the second feature
/// # Ok::<(), double_descent::Error>(())
/// ```
pub fn sample_terms(xs: &[ArrayView2<'_, f64>], roots: &[&Root]) -> Result<Vec<Vec<Term>>, Error> {
    with_units(xs, roots, Axis(0), &|xs, roots, skipped| {
        let mut curves = Vec::with_capacity(xs.len());
        for batch in Batch::of(xs, roots, skipped, |_, p| p)? {
            curves.extend(curves_of(&batch)?);
        }
        Ok(curves)
    })
}

fn curves_of(batch: &Batch<'_>) -> Result<Vec<Vec<Term>>, Error> {
    let (n, p) = batch.shape;
    let mut terms = Terms::new(batch, n);
    independent(batch, &mut terms)?;
    if n > p {
        overdetermined(batch, &mut terms)?;
    }
    terms.finish()
}

/// Adds the terms of the first `min(n, p)` rows.
fn independent(batch: &Batch<'_>, terms: &mut Terms) -> Result<(), Error> {
    let (n, p) = batch.shape;
    let rows: Vec<_> = batch.xs.iter().map(|x| x.slice(s![..n.min(p), ..])).collect();
    let reflected = Reflected::new(&rows, batch.scale);
    let mut work = Work::new(batch, 0, n.min(p));
    work.images = batch.has_root().then(Images::default);
    for row in 0..reflected.len() {
        let reading = work.step(Step::AppendRow(&reflected, row));
        let lower = |lane| work.triangle.lane(lane).reversed_axes();
        terms.push((row + 1, p), &reading, lower, |lane| work.images.as_ref().map(|all| all.lane(lane)))?;
    }
    Ok(())
}

/// Takes in all rows, and adds terms from row `p + 1` on.
fn overdetermined(batch: &Batch<'_>, terms: &mut Terms) -> Result<(), Error> {
    let (n, p) = batch.shape;
    let mut work = Work::new(batch, p, p);
    for row in 0..n {
        let rows: Vec<_> = batch.xs.iter().map(|x| x.slice(s![row..=row, ..])).collect();
        let reading = work.step(Step::AbsorbRow(&mut interleave(&rows, batch.scale)));
        if row >= p {
            let triangle = |lane| work.triangle.lane(lane);
            terms.push((row + 1, p), &reading, triangle, |lane| batch.root_of(lane, p))?;
        }
    }
    Ok(())
}
