//! An orthonormal basis that grows one vector at a time.

use super::block::as_columns;
use super::triangle::{axpy, dot, square};
use crate::svd::{GrowingBasis, product, subtract_product};
use ndarray::{Array2, ShapeBuilder, s};

/// Orthonormal vectors of length `dimension`.
#[derive(Clone, Debug)]
pub(super) struct Basis {
    /// The vectors [formed](Basis::form) so far; none if they are the unit vectors.
    vectors: Vec<Vec<f64>>,
    dimension: usize,
    /// The same vectors as a product of reflections, as far as they were added in blocks.
    reflections: GrowingBasis,
    /// The vectors added in blocks, as rows, in their original order.
    given: Vec<Array2<f64>>,
    /// Whether the vectors are the unit vectors in reverse order.
    is_flipped: bool,
}

/// A vector as `x = Qᵀ m + ρ q`.
pub(super) struct Split {
    /// Coordinates in the basis.
    pub(super) inside: Vec<f64>,
    /// `q` and `ρ` if `x` leaves the span of the basis.
    pub(super) outside: Option<(Vec<f64>, f64)>,
}

/// A vector minus its projection on a basis: an intermediate step of a [`Split`].
pub(super) struct Projected {
    inside: Vec<f64>,
    rest: Vec<f64>,
    /// Whether `rest` is orthogonal to working accuracy.
    is_done: bool,
}

impl Basis {
    pub(super) fn new(dimension: usize) -> Self {
        Self {
            vectors: Vec::new(),
            dimension,
            reflections: GrowingBasis::default(),
            given: Vec::new(),
            is_flipped: false,
        }
    }

    /// Returns the number of vectors.
    pub(super) fn len(&self) -> usize {
        if self.is_flipped { self.dimension } else { self.vectors.len().max(self.reflections.len()) }
    }

    pub(super) fn is_complete(&self) -> bool {
        self.len() == self.dimension
    }

    /// Adds a single vector; the earlier ones must be [formed](Basis::form).
    pub(super) fn push(&mut self, q: Vec<f64>) {
        self.vectors.push(q);
    }

    /// Takes in the first rows of `x`, up to one that leaves the span of the earlier ones by no more than its entry of
    /// `least`. Returns their coordinates, column-major. The new vectors are reflections until they are
    /// [formed](Basis::form).
    pub(super) fn grow(&mut self, x: Array2<f64>, least: &[f64]) -> Array2<f64> {
        self.reflect();
        let was_given = self.is_given();
        let coordinates = self.reflections.grow(x.view(), least);
        if was_given {
            let count = coordinates.ncols();
            self.given.push(if count < x.nrows() { x.slice(s![..count, ..]).to_owned() } else { x });
        }
        coordinates
    }

    /// Turns vectors that came one at a time into reflections. They are orthonormal, so that they are their own
    /// coordinates.
    fn reflect(&mut self) {
        let known = self.reflections.len();
        if known < self.vectors.len() {
            let missing = as_columns(&self.vectors[known..], self.dimension).reversed_axes();
            let _ = self.reflections.grow(missing.view(), &vec![0.5; missing.nrows()]);
        }
    }

    /// Returns the last `count` vectors added in blocks, column-major.
    pub(super) fn last(&self, count: usize) -> Array2<f64> {
        self.reflections.vectors(self.dimension, self.reflections.len() - count)
    }

    /// Forms the vectors that were added in blocks.
    pub(super) fn form(&mut self) {
        let known = self.vectors.len();
        if known < self.reflections.len() {
            let new = self.reflections.vectors(self.dimension, known);
            self.vectors.extend(new.columns().into_iter().map(|q| q.to_vec()));
        }
    }

    /// Transforms vectors (`dimension × k`, column-major) to the coordinates of the basis, followed by coordinates of
    /// its orthogonal complement. The first `from` basis vectors, in whole blocks, are already transformed to.
    pub(super) fn turn(&mut self, from: usize, vectors: &mut Array2<f64>) {
        self.reflect();
        self.reflections.multiply_transposed(from, vectors);
    }

    /// Undoes [`Basis::turn`].
    pub(super) fn turn_back(&self, vectors: &mut Array2<f64>) {
        self.reflections.multiply(vectors);
    }

    /// Whether all vectors were added in blocks that are still known.
    fn is_given(&self) -> bool {
        self.given.iter().map(Array2::nrows).sum::<usize>() == self.len()
    }

    /// Returns the added vectors, as rows, if all of them came in blocks and none was [forgotten](Basis::forget_given).
    pub(super) fn given(&self) -> Option<&[Array2<f64>]> {
        self.is_given().then_some(&self.given)
    }

    /// Must be called when a vector changes the meaning of the earlier ones: a vector in their span, or another unit.
    pub(super) fn forget_given(&mut self) {
        self.given.clear();
    }

    /// Replaces the basis by the unit vectors in reverse order.
    pub(super) fn flip(&mut self) {
        *self = Self { is_flipped: true, ..Self::new(self.dimension) };
    }

    /// Whether the vectors are the unit vectors in reverse order.
    pub(super) fn is_flipped(&self) -> bool {
        self.is_flipped
    }

    /// Returns `Q`, its vectors as rows, as far as they are [formed](Basis::form).
    pub(super) fn vectors(&self) -> &[Vec<f64>] {
        &self.vectors
    }

    /// `Qᵀ z`.
    pub(super) fn combine(&self, z: &[f64]) -> Vec<f64> {
        if self.is_flipped {
            return z.iter().rev().copied().collect();
        }
        if self.vectors.len() < self.len() {
            let mut sum = Array2::zeros((self.dimension, 1).f());
            sum.column_mut(0).iter_mut().zip(z).for_each(|(to, &from)| *to = from);
            self.turn_back(&mut sum);
            return sum.into_raw_vec_and_offset().0;
        }
        let mut sum = vec![0.0; self.dimension];
        for (q, &z) in self.vectors.iter().zip(z) {
            axpy(&mut sum, z, q);
        }
        sum
    }

    /// Subtracts the projection on the basis from the rows of `x`, twice, as matrix products.
    pub(super) fn project(&self, x: &Array2<f64>) -> Vec<Projected> {
        let basis = as_columns(&self.vectors, self.dimension); // Qᵀ
        let mut rest = x.to_owned();
        let mut inside = Array2::zeros((x.nrows(), self.vectors.len()));
        let mut norms = [Vec::new(), Vec::new()];
        for norms in &mut norms {
            let step = product(rest.view(), basis.view());
            subtract_product(&mut rest, step.view(), basis.t());
            inside += &step;
            *norms = rest.rows().into_iter().map(|row| square(&row.to_vec()).sqrt()).collect();
        }
        let [once, twice] = norms;
        let rows = inside.rows().into_iter().zip(rest.rows());
        let rows = rows.zip(once.iter().zip(&twice));
        rows.map(|((inside, rest), (once, twice))| Projected {
            inside: inside.to_vec(),
            rest: rest.to_vec(),
            is_done: *twice > 0.7 * once,
        })
        .collect()
    }

    /// Splits `x` by Gram–Schmidt, repeated until nothing is left to remove: twice is enough unless `x`
    /// is in the span to the last digits (Kahan; Parlett 1980, section 6.9). A remainder of at most
    /// `negligible` counts as none. O(r · dimension).
    pub(super) fn split(&self, x: Vec<f64>, negligible: f64) -> Split {
        if self.is_flipped {
            return Split { inside: x.into_iter().rev().collect(), outside: None };
        }
        // A row that is negligible as a whole adds no direction either, but has coordinates in the existing ones.
        if self.is_complete() || square(&x).sqrt() <= negligible {
            return Split { inside: self.vectors.iter().map(|q| dot(q, &x)).collect(), outside: None };
        }
        let projected = Projected { inside: vec![0.0; self.vectors.len()], rest: x, is_done: false };
        self.finish(projected, negligible)
    }

    /// Finishes the split that [`Basis::project`] began, as [`Basis::split`] does; vectors may have been added since.
    pub(super) fn finish(&self, projected: Projected, negligible: f64) -> Split {
        let Projected { mut inside, mut rest, is_done } = projected;
        // A remainder already orthogonal to the earlier vectors needs only the new ones, once.
        let mut from = if is_done { inside.len() } else { 0 };
        inside.resize(self.vectors.len(), 0.0);
        let mut norm = square(&rest).sqrt();
        while norm > negligible && !self.is_complete() {
            let before = norm;
            let vectors = &self.vectors[from..];
            let step: Vec<f64> = vectors.iter().map(|q| dot(q, &rest)).collect();
            for ((q, total), step) in vectors.iter().zip(&mut inside[from..]).zip(step) {
                axpy(&mut rest, -step, q);
                *total += step;
            }
            from = 0;
            norm = square(&rest).sqrt();
            if norm > 0.7 * before {
                rest = rest.into_iter().map(|v| v / norm).collect();
                return Split { inside, outside: Some((rest, norm)) };
            }
        }
        Split { inside, outside: None }
    }
}
