//! The smallest singular value of a triangle.

use super::triangle::{Triangle, axpy, dot, normalised, square};
use crate::Error;
use crate::svd::Svd;
use ndarray::Array2;

/// Up to this size the SVD is as fast.
const SMALL: usize = 16;
/// Maximum number of steps, each of about 2 r² flops; an SVD takes about 20 r³.
const STEPS: usize = 160;
/// Accepted residual of a singular pair, relative to the singular value.
const RESIDUAL: f64 = 1e-12;
/// The share of a start vector that is not the last vector found, so that no new direction is missed.
const FRESH: f64 = 0.1;

/// The last right singular vector found, from which the next search starts.
#[derive(Clone, Debug, Default)]
pub(super) struct Smallest {
    vector: Vec<f64>,
}

impl Smallest {
    /// Returns `σᵣ(L)`, `None` if `L` is empty: `1 / ‖L⁻¹‖` by Golub–Kahan bidiagonalisation of `L⁻ᵀ` with full
    /// reorthogonalisation (Golub and Van Loan, section 10.4), until the residual bounds the error by 1e-12; by the SVD
    /// if that takes too long. Rounding adds about `κ ε`, as in an SVD.
    pub(super) fn of(&mut self, triangle: &Triangle) -> Result<Option<f64>, Error> {
        let r = triangle.len();
        if r == 0 {
            return Ok(None);
        }
        if r > SMALL
            && let Some(value) = self.search(triangle)?
        {
            return Ok(Some(value));
        }
        Ok(Svd::new(&triangle.to_array())?.singular_values().last().copied())
    }

    fn search(&mut self, triangle: &Triangle) -> Result<Option<f64>, Error> {
        let r = triangle.len();
        let mut start =
            normalised((1..=r).map(|i| (i as f64 * 0.618_033_988_749_894_9).fract() - 0.5).collect());
        if !self.vector.is_empty() {
            let mut mixed = self.vector.clone();
            mixed.resize(r, 0.0);
            axpy(&mut mixed, FRESH, &start);
            start = mixed;
        }
        let (mut right, mut left) = (vec![normalised(start)], Vec::<Vec<f64>>::new());
        // L⁻ᵀ V = U B, where B has this diagonal and these entries above it.
        let (mut diagonal, mut above) = (Vec::new(), Vec::new());
        let mut next_look = 6;
        for step in 1..=STEPS.min(r) {
            let mut u = triangle.backward(&right[step - 1]);
            remove(&mut u, &left);
            diagonal.push(normalise(&mut u));
            let mut v = triangle.forward(&u);
            left.push(u);
            remove(&mut v, &right);
            let rest = normalise(&mut v);
            let is_invariant = rest <= RESIDUAL / 10.0 * diagonal[0];
            if step == next_look || step == STEPS.min(r) || is_invariant {
                next_look += next_look / 3;
                let b = Array2::from_shape_fn((step, step), |(i, j)| match j.wrapping_sub(i) {
                    0 => diagonal[i],
                    1 => above[i],
                    _ => 0.0,
                });
                let svd = Svd::new(&b)?;
                let largest = svd.singular_values()[0];
                if step == r || rest * svd.u()[[step - 1, 0]].abs() <= RESIDUAL * largest {
                    self.vector = vec![0.0; r];
                    for (v, along) in right.iter().zip(svd.vt().row(0)) {
                        axpy(&mut self.vector, *along, v);
                    }
                    return Ok(Some(largest.recip()));
                }
            }
            above.push(rest);
            right.push(v);
        }
        Ok(None)
    }
}

/// Removes the components of `x` along orthonormal vectors, twice.
fn remove(x: &mut [f64], vectors: &[Vec<f64>]) {
    for vector in vectors.iter().rev().chain(vectors) {
        axpy(x, -dot(vector, x), vector);
    }
}

/// Scales `x` to length 1; returns the length it had.
fn normalise(x: &mut [f64]) -> f64 {
    let length = square(x).sqrt();
    if length > 0.0 {
        for v in x.iter_mut() {
            *v /= length;
        }
    }
    length
}
