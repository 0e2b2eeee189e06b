//! Stationary kernels: functions of the difference `x − x'`.

use super::pairs::{absolute_values, squares};
use super::{Kernel, check};
use crate::Error;
use crate::features::StationaryKernel;
use ndarray::{Array2, ArrayRef2};

/// Closed forms, so Matérn kernels only with `ν` = ½, 3/2 and 5/2. With `t = √(2ν) ‖x − x'‖ / ℓ`,
///
/// ```text
/// ν = 1/2   e^{−t}        ν = 3/2   (1 + t) e^{−t}        ν = 5/2   (1 + t + t²/3) e^{−t}
/// ```
/// For inputs with at most ten dimensions, the relative error is at most `(1 + 8u) ε` for the Gaussian and Laplacian
/// kernels `e^{−u}`, and `(10 + 6t) ε` for Matérn kernels: the sum of all rounding errors (tested against 60 digits).
///
/// # Errors
/// [`Error::Domain`] for a parameter that is not finite and > 0, [`Error::Unsupported`] for another `ν`.
///
/// # Examples
/// ```
/// use double_descent::features::StationaryKernel;
/// use double_descent::kernel::Kernel;
/// use ndarray::array;
///
/// let gaussian = StationaryKernel::Gaussian { gamma: 0.25 };
/// let k = gaussian.gram(&array![[1.0, 2.0]], &array![[1.0, 2.0], [3.0, 2.0]])?;
/// assert_eq!(k, array![[1.0, (-1.0_f64).exp()]]);
/// # Ok::<(), double_descent::Error>(())
/// ```
impl Kernel for StationaryKernel {
    fn gram(&self, a: &ArrayRef2<f64>, b: &ArrayRef2<f64>) -> Result<Array2<f64>, Error> {
        self.check()?;
        check(a, b)?;
        match *self {
            // √γ scales the differences, so that their squares do not overflow before γ is applied.
            Self::Gaussian { gamma } => Ok(squares(a, b, gamma.sqrt())?.mapv_into(|square| (-square).exp())),
            Self::Laplacian { gamma } => Ok(absolute_values(a, b, gamma)?.mapv_into(|sum| (-sum).exp())),
            Self::Matern { nu, length_scale } => {
                let polynomial: fn(f64) -> f64 = match nu {
                    0.5 => |_| 1.0,
                    1.5 => |t| 1.0 + t,
                    2.5 => |t| 1.0 + t + t * t / 3.0,
                    _ => return Err(without_closed_form(nu)),
                };
                let squares = squares(a, b, length_scale.recip().min(f64::MAX))?;
                Ok(squares.mapv_into(|square| {
                    // Beyond 1000 the exponential is 0; t is capped because ∞ · 0 would be NaN.
                    let t = ((2.0 * nu).sqrt() * square.sqrt()).min(1000.0);
                    polynomial(t) * (-t).exp()
                }))
            }
        }
    }

    fn describe(&self) -> String {
        (*self).describe()
    }
}

fn without_closed_form(nu: f64) -> Error {
    let reason = format!("a Matérn kernel with ν = {nu} has no closed form here: take ν = 0.5, 1.5 or 2.5");
    Error::Unsupported { reason }
}
