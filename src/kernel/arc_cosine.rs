//! The arc-cosine kernels.

use super::angle::{kappa_0, kappa_1, kappa_2, of_pairs};
use super::{Kernel, check, fits};
use crate::Error;
use ndarray::{Array2, ArrayRef2};

/// The arc-cosine kernel of order `n`, with `w ~ N(0, I)` and `θ` the angle between `x` and `x'`:
///
/// ```text
/// kₙ(x, x') = 2 E Θ(w·x) Θ(w·x') (w·x)ⁿ (w·x')ⁿ = ‖x‖ⁿ ‖x'‖ⁿ Jₙ(θ) / π
/// J₀ = π − θ      J₁ = sin θ + (π − θ) cos θ      J₂ = 3 sin θ cos θ + (π − θ)(1 + 2 cos² θ)
/// ```
/// This is twice the limit for steps, `ReLU`s and squared `ReLU`s with unit weights. [`WideLayer`](super::WideLayer)
/// has the limits of [`RandomNetwork`](crate::features::RandomNetwork), at its own scale. If an input is 0, every order
/// is 0.
///
/// The error is at most `10 ε √(k(x, x) k(x', x'))` for inputs with at most ten dimensions, even near `x' = ±x` (tested
/// against 60 digits). No value is negative.
///
/// # Examples
/// ```
/// use double_descent::kernel::{ArcCosine, Kernel};
/// use ndarray::array;
///
/// let x = array![[2.0, 0.0], [0.0, 1.0]];
/// let k = ArcCosine::One.gram(&x, &x)?;
/// assert_eq!(k[[0, 0]], 4.0); // ‖x‖²
/// assert!((k[[0, 1]] - 2.0 / std::f64::consts::PI).abs() < 1e-15); // θ = π/2
/// # Ok::<(), double_descent::Error>(())
/// ```
///
/// # References
/// Cho and Saul, *Kernel methods for deep learning*, NIPS 2009, equations 1 to 6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ArcCosine {
    /// `n = 0`: steps. Depends only on the angle.
    Zero,
    /// `n = 1`: `ReLU`s.
    One,
    /// `n = 2`: squared `ReLU`s.
    Two,
}

impl Kernel for ArcCosine {
    fn gram(&self, a: &ArrayRef2<f64>, b: &ArrayRef2<f64>) -> Result<Array2<f64>, Error> {
        check(a, b)?;
        let gram = of_pairs(a, b, |angle| match self {
            _ if angle.is_without_direction() => 0.0,
            Self::Zero => kappa_0(&angle),
            Self::One => angle.size() * kappa_1(&angle),
            Self::Two => 3.0 * angle.size() * angle.size() * kappa_2(&angle),
        })?;
        fits(gram)
    }

    fn describe(&self) -> String {
        let order = match self {
            Self::Zero => 0,
            Self::One => 1,
            Self::Two => 2,
        };
        format!("arc-cosine kernel of order {order}")
    }
}
