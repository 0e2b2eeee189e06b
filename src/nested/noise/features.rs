//! Columns appended, eight matrices at a time.

use super::batch::Batch;
use super::images::Images;
use super::lanes::{Lane, Reflected, ZERO, add, interleave, square};
use super::root::Root;
use super::samples::{identity, strips};
use super::term::{Reading, Term, Terms};
use super::triangle::Triangle;
use crate::Error;
use ndarray::{ArrayView2, s};

/// The noise terms of the first `1, 2, …, P` columns of each of many matrices `X` (`n × P`), for test features
/// of second moments Σ: one root for each matrix, or one for all. The first `p` columns are measured with the
/// leading `p × p` block of Σ.
///
/// Up to `n` columns, `X = Q R` by reflections, and the term is `‖S R⁻¹‖²_F`. Beyond, columns are taken into the
/// triangle of `X = R Q` by rotations, which also turn the images `S Qᵀ`, and it is `‖S Qᵀ R⁻¹‖²_F`. Each term
/// is solved for afresh: O(p n²) a column, O(n³) where `Σ = I`. Eight matrices run side by side; what comes
/// out of one depends neither on the others nor on the instruction set.
///
/// # Errors
/// [`Error::Empty`], [`Error::NonFinite`]; [`Error::Shape`] unless all matrices have one shape and the roots fit
/// them; [`Error::Overflow`] for a term that does not fit into `f64`; [`Error::Backend`].
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
    let mut curves = Vec::with_capacity(xs.len());
    for batch in Batch::of(xs, roots, usize::min)? {
        curves.extend(curves_of(&batch)?);
    }
    Ok(curves)
}

fn curves_of(batch: &Batch<'_>) -> Result<Vec<Vec<Term>>, Error> {
    let (n, p) = batch.shape;
    let mut terms = Terms::new(batch.xs.len(), p, batch.exponents);
    let columns: Vec<_> = batch.xs.iter().map(|x| x.slice(s![.., ..n.min(p)]).reversed_axes()).collect();
    let reflected = Reflected::new(&columns, batch.scale);
    let (triangle, squares) = independent(batch, &reflected, &mut terms)?;
    underdetermined(batch, &reflected, triangle, squares, &mut terms)?;
    terms.finish()
}

/// The first `min(n, P)` columns: the triangle, and `‖X‖²_F`.
fn independent(
    batch: &Batch<'_>,
    reflected: &Reflected,
    terms: &mut Terms,
) -> Result<(Triangle, Lane), Error> {
    let n = batch.shape.0;
    let mut triangle = Triangle::zeros(0);
    let (mut reciprocals, mut x) = (Vec::new(), strips(n));
    let mut squares = ZERO;
    for column in 0..reflected.len() {
        triangle.push(reflected.column(column));
        let reading = pulp::Arch::new().dispatch(|| {
            squares = add(squares, square(triangle.column(column)));
            triangle.reciprocals(&mut reciprocals);
            let inverse = triangle.solve_upper(&reciprocals, identity, &mut x);
            let noise = if batch.has_root() {
                triangle.solve_upper(&reciprocals, |i, j| batch.root(i, j), &mut x)
            } else {
                inverse
            };
            Reading { noise, squares, inverse }
        });
        let p = column + 1;
        terms.push((n, p), &reading, |lane| triangle.lane(lane), |lane| batch.root_of(lane, p))?;
    }
    Ok((triangle, squares))
}

/// The columns from `n + 1` on.
fn underdetermined(
    batch: &Batch<'_>,
    reflected: &Reflected,
    mut triangle: Triangle,
    mut squares: Lane,
    terms: &mut Terms,
) -> Result<(), Error> {
    let (n, p) = batch.shape;
    let mut images = batch.has_root().then(Images::default);
    if let Some(images) = &mut images {
        (0..n.min(p)).for_each(|column| images.push(&batch.root_column(column)));
    }
    let (mut reciprocals, mut x) = (Vec::new(), strips(n));
    let mut rotations = vec![(ZERO, ZERO); n];
    for column in n..p {
        let columns: Vec<_> =
            batch.xs.iter().map(|x| x.slice(s![.., column..=column]).reversed_axes()).collect();
        let mut new = interleave(&columns, batch.scale);
        let reading = pulp::Arch::new().dispatch(|| {
            squares = add(squares, square(&new));
            reflected.apply(&mut new);
            triangle.absorb_column(&mut new, &mut rotations);
            triangle.reciprocals(&mut reciprocals);
            let inverse = triangle.solve_upper(&reciprocals, identity, &mut x);
            let noise = match &mut images {
                Some(images) => {
                    images.absorb_column(&batch.root_column(column), &rotations);
                    images.solve(&triangle, &reciprocals, &mut x)
                }
                None => inverse,
            };
            Reading { noise, squares, inverse }
        });
        let of_lane = |lane| images.as_ref().map(|all| all.lane(lane));
        terms.push((n, column + 1), &reading, |lane| triangle.lane(lane), of_lane)?;
    }
    Ok(())
}
