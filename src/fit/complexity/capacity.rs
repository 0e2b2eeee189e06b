//! Dimensions, ranks and norms: the size of the class that a fit was chosen from, or the fit's place in it.

use crate::Error;
use crate::filter::{Ridge, SpectralFilter, Spectrum};
use crate::machine::memory::{reserve, table};
use crate::svd::{exponent, power_of_two};
use crate::theory::overfitting::Tail;
use ndarray::{ArrayRef2, Zip};

/// Returns the effective dimension of a design under the ridge penalty `λ` (`‖Xβ − y‖² + λ‖β‖²`): `Σ σ²/(σ² + λ)`, its
/// degrees of freedom.
///
/// # Errors
/// [`Error::Domain`] unless `λ` is finite and > 0.
///
/// # Examples
/// ```
/// use double_descent::complexity::effective_dimension;
/// use double_descent::filter::Spectrum;
///
/// let dimension = effective_dimension(Spectrum::new(2, 2, &[3.0, 1.0]), 1.0)?;
/// assert!((dimension - (0.9 + 0.5)).abs() < 1e-15);
/// # Ok::<(), double_descent::Error>(())
/// ```
pub fn effective_dimension(spectrum: Spectrum<'_>, lambda: f64) -> Result<f64, Error> {
    if !(lambda > 0.0 && lambda.is_finite()) {
        return Err(Error::Domain {
            what: "the penalty of an effective dimension",
            value: lambda,
            must_be: "finite and > 0",
        });
    }
    let gains = Ridge::new(lambda)?.gains(spectrum);
    Ok(gains.iter().zip(spectrum.singular_values()).map(|(g, s)| g * s).sum())
}

/// Returns the effective dimension of the eigenvalues of a Hessian, a covariance or a Gram matrix,
/// `N_eff(z) = Σ ℓ/(ℓ + z)`.
///
/// # Errors
/// [`Error::Domain`] unless `z` is finite and > 0 and every eigenvalue finite and ≥ 0.
///
/// # References
/// MacKay, *Bayesian interpolation*, 1992; Maddox, Benton and Wilson, *Rethinking parameter counting*, 2020.
pub fn effective_dimension_of(eigenvalues: &[f64], z: f64) -> Result<f64, Error> {
    if !(z > 0.0 && z.is_finite()) {
        return Err(Error::Domain {
            what: "the scale z of an effective dimension",
            value: z,
            must_be: "finite and > 0",
        });
    }
    let share = |&value: &f64| {
        if !(value >= 0.0 && value.is_finite()) {
            return Err(Error::Domain { what: "eigenvalue", value, must_be: "finite and ≥ 0" });
        }
        // Use the ratio that is at most 1, since the sum may overflow.
        Ok(if value <= z { value / z / (1.0 + value / z) } else { (1.0 + z / value).recip() })
    };
    eigenvalues.iter().map(share).sum()
}

/// Returns the spectrum of the sample covariance as a [`Tail`], which has the effective ranks
/// `r_k = Σ_{i>k} ℓᵢ/ℓ_{k+1}` and `R_k = (Σ_{i>k} ℓᵢ)²/Σ_{i>k} ℓᵢ²`. Eigenvalues are in units of about the largest one;
/// the ranks do not depend on the unit.
///
/// These are the ranks of the sample; the theorems use those of the population's covariance.
///
/// # Errors
/// [`Error::Empty`] for a spectrum of zeros; [`Error::Domain`] for a singular value that is negative or not finite.
///
/// # Examples
/// ```
/// use double_descent::complexity::tail;
/// use double_descent::filter::Spectrum;
///
/// let ranks = tail(Spectrum::new(4, 4, &[1e200, 1e100, 1e100, 1e100]))?;
/// let [r, big_r] = ranks.effective_ranks(1).unwrap();
/// assert!((r - 3.0).abs() < 1e-14 && (big_r - 3.0).abs() < 1e-14);
/// # Ok::<(), double_descent::Error>(())
/// ```
///
/// # References
/// Bartlett, Long, Lugosi and Tsigler, *Benign overfitting in linear regression*, PNAS 2020, definition 3.
pub fn tail(spectrum: Spectrum<'_>) -> Result<Tail, Error> {
    let sigma = spectrum.singular_values();
    if let Some(&value) = sigma.iter().find(|s| !(**s >= 0.0 && s.is_finite())) {
        return Err(Error::Domain { what: "singular value", value, must_be: "finite and ≥ 0" });
    }
    let largest = exponent(sigma.iter().fold(0.0, |most: f64, s| most.max(*s)));
    let (half, rest) = (power_of_two(-largest / 2), power_of_two(-largest - -largest / 2));
    let values: Vec<f64> = sigma.iter().map(|s| s * half * rest).map(|s| s * s).collect();
    Tail::new(&values)
}

/// Returns `‖β‖` over all parameters and outputs (`p × k`), without intermediate overflow or underflow.
///
/// # Errors
/// [`Error::NonFinite`] for a parameter that is NaN or infinite, [`Error::Overflow`] if the norm does not fit into
/// `f64`.
pub fn coefficient_norm(beta: &ArrayRef2<f64>) -> Result<f64, Error> {
    Error::check_finite("beta", beta.view())?;
    let largest = beta.iter().fold(0.0, |most: f64, b| most.max(b.abs()));
    if largest == 0.0 {
        return Ok(0.0);
    }
    let squares: f64 = beta.iter().map(|b| (b / largest).powi(2)).sum();
    let norm = largest * squares.sqrt();
    if norm.is_finite() { Ok(norm) } else { Err(Error::Overflow { what: "the norm of the coefficients" }) }
}

/// Bounds the empirical Rademacher complexity of all linear predictors of norm at most `norm` (`B`) on the `n` rows
/// of a design:
///
/// ```text
/// E sup_{‖β‖ ≤ B} (1/n) Σᵢ εᵢ xᵢ·β = (B/n) E ‖Σᵢ εᵢ xᵢ‖ ≤ B ‖X‖_F / n        ‖X‖_F² = Σ σ²
/// ```
///
/// with random signs `ε`; the bound is within a factor of √2 of the value. It rises and falls with the norm of the fit.
///
/// # Errors
/// [`Error::Domain`] unless `norm` is finite and ≥ 0; [`Error::Empty`] without rows; [`Error::Overflow`] if the bound
/// does not fit into `f64`.
///
/// # References
/// Bartlett and Mendelson, *Rademacher and Gaussian complexities*, JMLR 2002, lemma 22; Latała and Oleszkiewicz, *On
/// the best constant in the Khinchin–Kahane inequality*, 1994 (the factor √2).
pub fn rademacher_bound(spectrum: Spectrum<'_>, norm: f64) -> Result<f64, Error> {
    if !(norm >= 0.0 && norm.is_finite()) {
        return Err(Error::Domain {
            what: "the norm of a class of predictors",
            value: norm,
            must_be: "finite and ≥ 0",
        });
    }
    let (n, _) = spectrum.shape();
    if n == 0 {
        return Err(Error::Empty { what: "the rows of a design" });
    }
    let frobenius = spectrum.singular_values().iter().fold(0.0, |sum: f64, s| sum.hypot(*s));
    let bound = norm * (frobenius / n as f64);
    if bound.is_finite() { Ok(bound) } else { Err(Error::Overflow { what: "a Rademacher bound" }) }
}

/// The Fisher–Rao norm of a linear model, `√(β·I(β)β)`, for two Fisher matrices. The matrices, and the squares of
/// the norms as means over rows:
///
/// ```text
/// model      I = E x xᵀ / v           mean Σⱼ fⱼ² / v,             f = xᵀβ
/// empirical  I = E ∇ℓ ∇ℓᵀ             mean (Σⱼ fⱼ (fⱼ − yⱼ))²,     ℓ = ½ ‖f − y‖²
/// ```
///
/// The model's Fisher matrix draws targets from the model itself, with noise of variance `v` (1 here; divide the square
/// by your `v`). The empirical one uses the given targets, as Liang et al. define it: on the training rows of an
/// interpolator it is 0, whatever the model.
///
/// # Examples
/// ```
/// use double_descent::complexity::FisherRao;
/// use ndarray::array;
///
/// let norm = FisherRao::new(&array![[3.0], [4.0]], &array![[3.0], [3.0]])?;
/// assert_eq!(norm.model, 12.5_f64.sqrt());
/// assert_eq!(norm.empirical, 8.0_f64.sqrt()); // (0² + (4·1)²)/2
/// # Ok::<(), double_descent::Error>(())
/// ```
///
/// # References
/// Liang, Poggio, Rakhlin and Stokes, *Fisher–Rao metric, geometry, and complexity of neural networks*, AISTATS 2019,
/// definition 2 and theorem 3.1, a network of one layer.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct FisherRao {
    /// The norm for the model's Fisher matrix, at noise variance 1.
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub model: f64,
    /// The norm for the empirical Fisher matrix.
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub empirical: f64,
}

impl FisherRao {
    /// Computes the norms from predictions and targets (both `m × k`).
    ///
    /// # Errors
    /// [`Error::Empty`], [`Error::Shape`] unless both have one shape, [`Error::NonFinite`], [`Error::Overflow`] if a
    /// norm does not fit into `f64`, [`Error::Memory`].
    pub fn new(predictions: &ArrayRef2<f64>, targets: &ArrayRef2<f64>) -> Result<Self, Error> {
        if predictions.is_empty() {
            return Err(Error::Empty { what: "the predictions" });
        }
        Error::check_len("rows of the targets", predictions.nrows(), targets.nrows())?;
        Error::check_len("columns of the targets", predictions.ncols(), targets.ncols())?;
        Error::check_finite("the predictions", predictions.view())?;
        Error::check_finite("the targets", targets.view())?;
        reserve("a Fisher–Rao norm", table(predictions.nrows(), 1))?;
        let rows = predictions.nrows() as f64;
        let (mut model, mut empirical) = (0.0, 0.0);
        Zip::from(predictions.rows()).and(targets.rows()).for_each(|f, y| {
            let mut slope = 0.0;
            for (f, y) in f.iter().zip(y) {
                model += f * f / rows;
                slope += f * (f - y);
            }
            empirical += slope * slope / rows;
        });
        let norms = Self { model: f64::sqrt(model), empirical: f64::sqrt(empirical) };
        if norms.model.is_finite() && norms.empirical.is_finite() {
            return Ok(norms);
        }
        Err(Error::Overflow { what: "a Fisher–Rao norm" })
    }
}
