//! Stationary kernels and the distributions of their frequencies.

use crate::Error;
use rand::{Rng, RngExt};
use rand_distr::{Cauchy, Gamma, StandardNormal};

/// A kernel that depends on `x − x'` alone and is 1 at 0.
///
/// By Bochner's theorem it is the mean of `cos(w·(x − x'))` over a distribution of frequencies `w`, from which
/// [`RandomFourier`](crate::features::RandomFourier) draws. It is also a [`Kernel`](crate::kernel::Kernel).
///
/// | kernel | `k(x, x')` | distribution of `w` |
/// |---|---|---|
/// | Gaussian | `exp(−γ ‖x − x'‖²)` | `N(0, 2γ I_d)` |
/// | Laplacian | `exp(−γ ‖x − x'‖₁)` | `d` independent Cauchy variables of scale `γ` |
/// | Matérn | `2^{1−ν}/Γ(ν) (√(2ν) r/ℓ)^ν K_ν(√(2ν) r/ℓ)`, `r = ‖x − x'‖` | `t` of `d` dimensions, `2ν` degrees of freedom and scale `1/ℓ` |
///
/// `γ`, `ν` and `ℓ` are those of scikit-learn's `RBF`, `Laplacian` and `Matern` kernels. A Gaussian kernel of bandwidth
/// `ℓ` is `exp(−‖x − x'‖² / (2ℓ²))`: `γ = 1/(2ℓ²)`, [`Self::gaussian_of_bandwidth`]. The Matérn kernel with `ν = ½` is
/// `exp(−r/ℓ)`, which is also called Laplacian; for `ν → ∞` it tends to the Gaussian kernel.
///
/// # References
/// Rahimi and Recht, *Random features for large-scale kernel machines*, NIPS 2007, figure 1; Rasmussen and Williams,
/// *Gaussian Processes for Machine Learning*, 2006, section 4.2.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum StationaryKernel {
    /// `exp(−γ ‖x − x'‖²)`.
    Gaussian {
        /// `γ`, finite and > 0.
        gamma: f64,
    },
    /// `exp(−γ ‖x − x'‖₁)`.
    Laplacian {
        /// `γ`, finite and > 0.
        gamma: f64,
    },
    /// Matérn kernel of smoothness `ν`: `ν = ½`, 3/2, 5/2 give `⌈ν⌉ − 1` mean-square derivatives.
    Matern {
        /// `ν`, finite and > 0.
        nu: f64,
        /// `ℓ`, finite and > 0.
        length_scale: f64,
    },
}

impl StationaryKernel {
    /// The Gaussian kernel `exp(−‖x − x'‖² / (2ℓ²))` of bandwidth `ℓ`.
    ///
    /// # Examples
    /// ```
    /// use double_descent::features::StationaryKernel;
    ///
    /// let kernel = StationaryKernel::gaussian_of_bandwidth(5.0)?;
    /// assert_eq!(kernel, StationaryKernel::Gaussian { gamma: 0.02 });
    /// # Ok::<(), double_descent::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Domain`] unless the bandwidth and its `γ` are finite and > 0.
    pub fn gaussian_of_bandwidth(bandwidth: f64) -> Result<Self, Error> {
        positive("the bandwidth", bandwidth)?;
        let gamma = 0.5 / bandwidth / bandwidth;
        positive("γ = 1/(2 bandwidth²)", gamma)?;
        Ok(Self::Gaussian { gamma })
    }

    /// Returns [`Error::Domain`] unless all parameters are finite and > 0.
    pub(crate) fn check(self) -> Result<(), Error> {
        match self {
            Self::Gaussian { gamma } | Self::Laplacian { gamma } => positive("γ of the kernel", gamma),
            Self::Matern { nu, length_scale } => {
                positive("ν of the kernel", nu)?;
                positive("the length scale of the kernel", length_scale)
            }
        }
    }

    /// Draws one frequency into `frequency`.
    pub(super) fn draw(self, frequency: &mut [f64], rng: &mut impl Rng) -> Result<(), Error> {
        self.check()?;
        let refused = |error: &dyn std::fmt::Display| Error::Unsupported {
            reason: format!("no frequencies of the {}: {error}; choose other parameters", self.describe()),
        };
        match self {
            Self::Gaussian { gamma } => {
                let deviation = std::f64::consts::SQRT_2 * gamma.sqrt();
                for w in &mut *frequency {
                    *w = deviation * rng.sample::<f64, _>(StandardNormal);
                }
            }
            Self::Laplacian { gamma } => {
                let law = Cauchy::new(0.0, gamma).map_err(|error| refused(&error))?;
                for w in &mut *frequency {
                    *w = rng.sample(law);
                }
            }
            Self::Matern { nu, length_scale } => {
                // √(2ν/χ²), χ² with 2ν degrees of freedom: twice a gamma variable of shape ν.
                let law = Gamma::new(nu, 1.0).map_err(|error| refused(&error))?;
                let scale = (nu / rng.sample(law)).sqrt() / length_scale;
                for w in &mut *frequency {
                    *w = scale * rng.sample::<f64, _>(StandardNormal);
                }
            }
        }
        if frequency.iter().all(|w| w.is_finite()) {
            Ok(())
        } else {
            Err(Error::Overflow { what: "a random frequency" })
        }
    }

    /// Describes the kernel in words, for captions.
    pub(crate) fn describe(self) -> String {
        match self {
            Self::Gaussian { gamma } => {
                let bandwidth = (std::f64::consts::SQRT_2 * gamma.sqrt()).recip();
                format!("Gaussian kernel, γ = {gamma} (bandwidth {})", five_digits(bandwidth))
            }
            Self::Laplacian { gamma } => format!("Laplacian kernel, γ = {gamma}"),
            Self::Matern { nu, length_scale } => {
                format!("Matérn kernel, ν = {nu}, length scale {length_scale}")
            }
        }
    }
}

fn positive(what: &'static str, value: f64) -> Result<(), Error> {
    if value > 0.0 && value.is_finite() {
        Ok(())
    } else {
        Err(Error::Domain { what, value, must_be: "finite and > 0" })
    }
}

fn five_digits(value: f64) -> f64 {
    format!("{value:.4e}").parse().unwrap_or(value)
}
