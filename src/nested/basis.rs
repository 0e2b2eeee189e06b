//! An orthonormal basis that grows a vector at a time.

use super::triangle::{axpy, dot, square};

/// Orthonormal vectors of length `dimension`.
#[derive(Clone, Debug)]
pub(super) struct Basis {
    vectors: Vec<Vec<f64>>,
    dimension: usize,
}

/// A vector as `x = Qᵀ m + ρ q`.
pub(super) struct Split {
    /// Coordinates in the basis.
    pub(super) inside: Vec<f64>,
    /// `q` and `ρ` if `x` leaves the span of the basis.
    pub(super) outside: Option<(Vec<f64>, f64)>,
}

impl Basis {
    pub(super) fn new(dimension: usize) -> Self {
        Self { vectors: Vec::new(), dimension }
    }

    pub(super) fn is_complete(&self) -> bool {
        self.vectors.len() == self.dimension
    }

    pub(super) fn push(&mut self, q: Vec<f64>) {
        self.vectors.push(q);
    }

    /// `Q`, its vectors as rows.
    pub(super) fn vectors(&self) -> &[Vec<f64>] {
        &self.vectors
    }

    /// `Qᵀ z`.
    pub(super) fn combine(&self, z: &[f64]) -> Vec<f64> {
        let mut sum = vec![0.0; self.dimension];
        for (q, &z) in self.vectors.iter().zip(z) {
            axpy(&mut sum, z, q);
        }
        sum
    }

    /// Splits `x` by Gram–Schmidt, repeated until nothing is left to remove: twice is enough unless `x`
    /// is in the span to the last digits (Kahan; Parlett 1980, section 6.9). A remainder of at most
    /// `negligible` counts as none. O(r · dimension).
    pub(super) fn split(&self, x: Vec<f64>, negligible: f64) -> Split {
        if self.is_complete() {
            return Split { inside: self.vectors.iter().map(|q| dot(q, &x)).collect(), outside: None };
        }
        let mut rest = x;
        let mut inside = vec![0.0; self.vectors.len()];
        let mut norm = square(&rest).sqrt();
        while norm > negligible {
            let before = norm;
            let step: Vec<f64> = self.vectors.iter().map(|q| dot(q, &rest)).collect();
            for ((q, total), step) in self.vectors.iter().zip(&mut inside).zip(step) {
                axpy(&mut rest, -step, q);
                *total += step;
            }
            norm = square(&rest).sqrt();
            if norm > 0.7 * before {
                rest = rest.into_iter().map(|v| v / norm).collect();
                return Split { inside, outside: Some((rest, norm)) };
            }
        }
        Split { inside, outside: None }
    }
}
