//! The part of the targets outside the span of the features.

use super::{Cutoff, Svd};
use crate::filter::MinNorm;
use crate::machine::doubled::Doubled;
use ndarray::{Array2, ArrayRef2, Zip};

/// Relative size of a part of the targets that rounding hardly affects: a larger part is accurate to `1e3 ε_mach`.
const LITTLE: f64 = 1e-3;

/// Most fits subtracted: each removes 16 digits less those of the condition number.
const MOST_FITS: usize = 40;

impl Svd {
    /// Returns the part of the targets `y` outside the span of `x`, whose SVD this is: `(I − U Uᵀ) Y`, 0 if `U` is
    /// square. If that part is small, targets minus fits would be rounding errors: fits are then subtracted in doubled
    /// precision, for as long as that reduces the rest.
    pub(crate) fn outside(&self, x: &ArrayRef2<f64>, y: &ArrayRef2<f64>) -> Array2<f64> {
        if x.nrows() <= self.right.sigma.len() {
            return Array2::zeros(y.dim());
        }
        let project = |y: &ArrayRef2<f64>| y.to_owned() - self.u.dot(&self.u.t().dot(y));
        let length = |y: &ArrayRef2<f64>| y.iter().fold(0.0, |sum: f64, v| sum.hypot(*v));
        let once = project(y);
        if length(&once) > LITTLE * length(y) {
            return once;
        }
        let mut rest = y.map(|&y| Doubled::from(y));
        let mut left = y.to_owned();
        for _ in 0..MOST_FITS {
            let filter = MinNorm::with_cutoff(Cutoff::Absolute(self.right.cutoff));
            let Ok(fit) = filter.and_then(|filter| self.solve(&left, &filter)) else { break };
            let mut next = rest.clone();
            for (mut next, x) in next.rows_mut().into_iter().zip(x.rows()) {
                Zip::from(&mut next).and(fit.columns()).for_each(|next, fit| next.subtract_dot(x, fit));
            }
            let next_left = next.map(|rest| rest.value());
            // False for NaN.
            let is_less = length(&next_left) < 0.5 * length(&left);
            if !is_less {
                break;
            }
            (rest, left) = (next, next_left);
        }
        project(&left)
    }
}
