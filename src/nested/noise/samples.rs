//! Rows appended, eight matrices at a time.

use super::batch::Batch;
use super::images::Images;
use super::lanes::{LANES, Lane, Reflected, ZERO, add, interleave, square};
use super::root::Root;
use super::term::{Reading, Term, Terms};
use super::triangle::{ROWS, Strip, Triangle};
use crate::Error;
use ndarray::{ArrayView2, s};

/// The noise terms of the first `1, 2, …, n` rows of each of many matrices `X` (`n × p`), for test features of
/// second moments Σ: one root for each matrix, or one for all. A root of more features than `p` counts with its
/// first `p`.
///
/// Up to `p` rows, `X = L Q` by reflections, and the term is `‖S Qᵀ L⁻¹‖²_F`. Beyond, rows are taken into the
/// triangle of `X = Q R` by rotations, and it is `‖S R⁻¹‖²_F`. Each term is solved for afresh: O(p³) a row, 3 p³
/// flops or fewer. Eight matrices run side by side; what comes out of one depends neither on the others nor
/// on the instruction set.
///
/// # Errors
/// [`Error::Empty`], [`Error::NonFinite`]; [`Error::Shape`] unless all matrices have one shape and the roots fit
/// them; [`Error::Overflow`] for a term that does not fit into `f64`; [`Error::Backend`].
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
    let mut curves = Vec::with_capacity(xs.len());
    for batch in Batch::of(xs, roots, |_, p| p)? {
        curves.extend(curves_of(&batch)?);
    }
    Ok(curves)
}

fn curves_of(batch: &Batch<'_>) -> Result<Vec<Vec<Term>>, Error> {
    let (n, p) = batch.shape;
    let mut terms = Terms::new(batch.xs.len(), n, batch.exponents);
    independent(batch, &mut terms)?;
    if n > p {
        overdetermined(batch, &mut terms)?;
    }
    terms.finish()
}

/// The first `min(n, p)` rows.
fn independent(batch: &Batch<'_>, terms: &mut Terms) -> Result<(), Error> {
    let (n, p) = batch.shape;
    let rows: Vec<_> = batch.xs.iter().map(|x| x.slice(s![..n.min(p), ..])).collect();
    let reflected = Reflected::new(&rows, batch.scale);
    let mut images = batch.has_root().then(Images::default);
    let mut triangle = Triangle::zeros(0); // Lᵀ
    let (mut reciprocals, mut x) = (Vec::new(), strips(n.min(p)));
    let mut squares = ZERO;
    for row in 0..reflected.len() {
        triangle.push(reflected.column(row));
        let (triangle, images) = (&triangle, &mut images);
        let reading = pulp::Arch::new().dispatch(|| {
            squares = add(squares, square(triangle.column(row)));
            triangle.reciprocals(&mut reciprocals);
            let inverse = triangle.solve_upper(&reciprocals, identity, &mut x);
            let noise = match images {
                Some(images) => {
                    images.push(&batch.image(&reflected.basis(row)));
                    images.solve_transposed(triangle, &reciprocals, &mut x)
                }
                None => inverse,
            };
            Reading { noise, squares, inverse }
        });
        let lower = |lane| triangle.lane(lane).reversed_axes();
        terms.push((row + 1, p), &reading, lower, |lane| images.as_ref().map(|all| all.lane(lane)))?;
    }
    Ok(())
}

/// All rows, with terms from row `p + 1` on.
fn overdetermined(batch: &Batch<'_>, terms: &mut Terms) -> Result<(), Error> {
    let (n, p) = batch.shape;
    let mut triangle = Triangle::zeros(p);
    let (mut reciprocals, mut x) = (Vec::new(), strips(p));
    let mut squares = ZERO;
    for row in 0..n {
        let rows: Vec<_> = batch.xs.iter().map(|x| x.slice(s![row..=row, ..])).collect();
        let mut new = interleave(&rows, batch.scale);
        let reading = pulp::Arch::new().dispatch(|| {
            squares = add(squares, square(&new));
            triangle.absorb_row(&mut new);
            if row < p {
                return None;
            }
            triangle.reciprocals(&mut reciprocals);
            let inverse = triangle.solve_upper(&reciprocals, identity, &mut x);
            let noise = if batch.has_root() {
                triangle.solve_upper(&reciprocals, |i, j| batch.root(i, j), &mut x)
            } else {
                inverse
            };
            Some(Reading { noise, squares, inverse })
        });
        if let Some(reading) = reading {
            terms.push((row + 1, p), &reading, |lane| triangle.lane(lane), |lane| batch.root_of(lane, p))?;
        }
    }
    Ok(())
}

/// The entries of `I`.
#[inline(always)]
pub(super) fn identity(i: usize, j: usize) -> Lane {
    if i == j { [1.0; LANES] } else { ZERO }
}

/// Work space for a solve.
pub(super) fn strips(columns: usize) -> Vec<Strip> {
    vec![[ZERO; ROWS]; columns]
}
