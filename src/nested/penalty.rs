//! Ridge: the triangle of the features stacked on that of the penalty.
//!
//! With the coordinates of the data as the rows of `L` (`r × r`), the fit with penalty λ is least squares with `√λ I`
//! below them:
//!
//! ```text
//! [L   ]                                  Rᵀ R = Lᵀ L + λ I,  κ(R)² = (σ₁² + λ) / (σᵣ² + λ)
//! [√λ I] = G R      R (r × r) lower
//! ```
//!
//! `R` grows as `L` does. A row `m` within the span is rotated into both. A row `[m ρ]` with a new direction adds the
//! row `[0 √λ]` too; one rotation of the two leaves a last row `[cos m, ‖(ρ, √λ)‖]` and a row `−sin m` in the old
//! coordinates, which is rotated in. The coordinates are those of the span: directions absent from the data do not
//! enter, so that a small λ costs no accuracy.

use super::scale::{Unit, scaled};
use super::triangle::Triangle;
use crate::Error;
use crate::svd::exponent;

/// Smallest ratio of `√λ`, in the unit of the features, to the part of the longest vector that counts as rounding at
/// which a direction of that size is negligible next to λ: `σ² / λ` below `ε`.
const FROM_ROUNDING: f64 = 1e8;

/// `√λ` and `R`.
#[derive(Clone, Debug)]
pub(super) struct Penalty {
    root: f64,
    /// `√λ` in the unit of the features.
    pad: f64,
    /// `R`.
    pub(super) triangle: Triangle,
}

/// Returns [`Error::Unsupported`] if a penalty is combined with leave-one-out errors.
pub(super) fn check_combination(leaves_out: bool) -> Result<(), Error> {
    if !leaves_out {
        return Ok(());
    }
    Err(Error::Unsupported {
        reason: "leave-one-out errors along a curve need minimum-norm fits; drop the penalty".into(),
    })
}

/// `[cos, sin]` of the rotation of a new direction with its penalty row.
#[derive(Clone, Copy, Debug)]
pub(super) struct Angle {
    pub(super) cos: f64,
    pub(super) sin: f64,
}

impl Penalty {
    /// Creates the penalty, and makes the unit of the features so large that the square of `√λ` is finite.
    pub(super) fn new(lambda: f64, unit: &mut Unit) -> Result<Self, Error> {
        if !(lambda > 0.0 && lambda.is_finite()) {
            let must_be = "finite and > 0; without one the fit is the minimum norm";
            return Err(Error::Domain { what: "the ridge penalty", value: lambda, must_be });
        }
        let root = lambda.sqrt();
        let _ = unit.admit(Some(exponent(root) - 500));
        let mut penalty = Self { root, pad: 0.0, triangle: Triangle::default() };
        penalty.set_unit(*unit);
        Ok(penalty)
    }

    /// Returns `√λ`, in the unit of the features.
    pub(super) fn pad(&self) -> f64 {
        self.pad
    }

    /// Whether directions below `negligible`, which the curve treats as rounding, are negligible next to λ.
    pub(super) fn covers(&self, negligible: f64) -> bool {
        self.pad > FROM_ROUNDING * negligible
    }

    /// Changes to a unit that is larger by `1 / factor`.
    pub(super) fn scale(&mut self, factor: f64, unit: Unit) {
        self.triangle.scale(factor);
        self.set_unit(unit);
    }

    fn set_unit(&mut self, unit: Unit) {
        self.pad = scaled(self.root, -unit.exponent());
    }

    /// Takes in a row `[m ρ]`. Quantities that go with the rows are rotated by [`Triangle::rotate_in`]'s `also`. The
    /// new partner must be `−sin` times the quantity of this row; the quantity of the last row is `cos` times it.
    pub(super) fn append(&mut self, m: &[f64], rho: f64, also: impl FnMut(usize, f64, f64)) {
        let Angle { cos, sin } = self.angle(rho);
        let mut rest: Vec<f64> = m.iter().map(|v| -sin * v).collect();
        self.triangle.rotate_in(&mut rest, also);
        self.triangle.append(m.iter().map(|v| cos * v).collect(), rho.hypot(self.pad));
    }

    /// Returns `‖β‖`, if the minimum-norm solution of `[X √λ I] [β; e] = Y` has norm `all` and `e` has norm `left`: the
    /// root of the difference of squares, or, if that would cancel, `‖Xᵀ e‖ / √λ` with `‖Xᵀ e‖` from `image`.
    pub(super) fn norm(&self, all: f64, left: f64, image: impl FnOnce() -> f64) -> f64 {
        // λ is too small for this unit.
        if self.pad == 0.0 {
            return all;
        }
        if left < 0.5 * all { ((all - left) * (all + left)).sqrt() } else { image() / self.pad }
    }

    /// Returns the rotation for a row that leaves the span by `rho > 0`.
    pub(super) fn angle(&self, rho: f64) -> Angle {
        let length = rho.hypot(self.pad);
        Angle { cos: rho / length, sin: self.pad / length }
    }
}
