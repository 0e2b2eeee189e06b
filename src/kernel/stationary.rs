//! Kernels of the distance alone.

use super::pairs::squares;
use super::{Kernel, check, check_positive};
use crate::Error;
use ndarray::{Array2, ArrayRef2};

/// `k(x, x') = exp(−γ ‖x − x'‖²)`, the limit of [`RandomFourier`](crate::features::RandomFourier) features with
/// frequencies `N(0, 2γ I)`. In terms of a length `ℓ`, `γ = 1 / 2ℓ²`.
///
/// The relative error is at most `(1 + 8u) ε` with `u = γ ‖x − x'‖²` for inputs of ten dimensions or fewer (the sum
/// of all roundings; tested against 40 digits).
///
/// # Examples
/// ```
/// use double_descent::kernel::{Gaussian, Kernel};
/// use ndarray::array;
///
/// let k = Gaussian::new(0.5)?.gram(&array![[1.0, 2.0]], &array![[1.0, 2.0], [3.0, 2.0]])?;
/// assert_eq!(k, array![[1.0, (-2.0_f64).exp()]]);
/// # Ok::<(), double_descent::Error>(())
/// ```
///
/// # References
/// Rahimi and Recht, *Random features for large-scale kernel machines*, NIPS 2007.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gaussian {
    gamma: f64,
}

impl Gaussian {
    /// With `gamma` (`γ`), in units of `1/x²`.
    ///
    /// # Errors
    /// [`Error::Domain`] unless it is finite and > 0.
    pub fn new(gamma: f64) -> Result<Self, Error> {
        Ok(Self { gamma: check_positive("gamma", gamma)? })
    }
}

impl Kernel for Gaussian {
    fn gram(&self, a: &ArrayRef2<f64>, b: &ArrayRef2<f64>) -> Result<Array2<f64>, Error> {
        check(a, b)?;
        // The root is taken into the differences: neither γ nor the squares may overflow alone.
        let squares = squares(a, b, -1.0, self.gamma.sqrt())?;
        Ok(squares.mapv_into(|square| (-square).exp()))
    }

    fn describe(&self) -> String {
        format!("Gaussian kernel, γ = {}", self.gamma)
    }
}

/// How often the functions of a [`Matern`] kernel can be differentiated: `ν − ½` times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Smoothness {
    /// `ν = 1/2`: the Laplacian kernel.
    Half,
    /// `ν = 3/2`.
    ThreeHalves,
    /// `ν = 5/2`.
    FiveHalves,
}

/// Matérn's kernels in closed form, `r = ‖x − x'‖ / ℓ`, the distance Euclidean:
///
/// ```text
/// ν = 1/2   e^{−r}        ν = 3/2   (1 + √3 r) e^{−√3 r}        ν = 5/2   (1 + √5 r + 5r²/3) e^{−√5 r}
/// ```
/// `ν = 1/2` is the Laplacian kernel of the interpolation literature. (Libraries that use the sum of absolute
/// differences as its distance mean another one.)
///
/// The relative error is at most `(10 + 14r) ε` for inputs of ten dimensions or fewer (the sum of all roundings;
/// tested against 40 digits).
///
/// # Examples
/// ```
/// use double_descent::kernel::{Kernel, Matern};
/// use ndarray::array;
///
/// let k = Matern::laplacian(2.0)?.gram(&array![[0.0, 0.0]], &array![[6.0, 8.0]])?;
/// assert_eq!(k[[0, 0]], (-5.0_f64).exp());
/// # Ok::<(), double_descent::Error>(())
/// ```
///
/// # References
/// Rasmussen and Williams, *Gaussian processes for machine learning*, 2006, equations 4.14 to 4.17; Belkin, Ma and
/// Mandal, *To understand deep learning we need to understand kernel learning*, ICML 2018.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Matern {
    smoothness: Smoothness,
    length: f64,
}

impl Matern {
    /// With a smoothness and a `length` (`ℓ`), in the units of the inputs.
    ///
    /// # Errors
    /// [`Error::Domain`] unless the length is finite and > 0.
    pub fn new(smoothness: Smoothness, length: f64) -> Result<Self, Error> {
        Ok(Self { smoothness, length: check_positive("the kernel's length", length)? })
    }

    /// `exp(−‖x − x'‖ / ℓ)`.
    ///
    /// # Errors
    /// As [`Matern::new`].
    pub fn laplacian(length: f64) -> Result<Self, Error> {
        Self::new(Smoothness::Half, length)
    }
}

impl Kernel for Matern {
    fn gram(&self, a: &ArrayRef2<f64>, b: &ArrayRef2<f64>) -> Result<Array2<f64>, Error> {
        check(a, b)?;
        let squares = squares(a, b, -1.0, self.length.recip().min(f64::MAX))?;
        Ok(squares.mapv_into(|square| {
            // Beyond 1000 every one is 0, and ∞ times 0 would not be.
            let r = square.sqrt().min(1000.0);
            let (polynomial, exponent) = match self.smoothness {
                Smoothness::Half => (1.0, r),
                Smoothness::ThreeHalves => (1.0 + 3.0_f64.sqrt() * r, 3.0_f64.sqrt() * r),
                Smoothness::FiveHalves => {
                    let t = 5.0_f64.sqrt() * r;
                    (1.0 + t + t * t / 3.0, t)
                }
            };
            polynomial * (-exponent).exp()
        }))
    }

    fn describe(&self) -> String {
        let name = match self.smoothness {
            Smoothness::Half => "Laplacian kernel",
            Smoothness::ThreeHalves => "Matérn kernel, ν = 3/2",
            Smoothness::FiveHalves => "Matérn kernel, ν = 5/2",
        };
        format!("{name}, ℓ = {}", self.length)
    }
}
