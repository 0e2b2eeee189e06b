//! The estimator with a given residual polynomial.

use super::loss::{self, Loss};
use super::{SpectralFilter, Spectrum};
use crate::Error;

/// The estimator with a given residual polynomial, `q(μ) = 1 + q₁ μ + q₂ μ² + …`.
///
/// Gain `(1 − q(μ))/σ`, with `μ = c σ²` the eigenvalues of the Hessian of the [`Loss`]. Every method that takes `k`
/// steps along gradients, with any step sizes and any memory of earlier steps, has a residual polynomial of degree `k`.
/// `q` is evaluated by Horner's rule in doubled precision and rounded once, so a residual factor is accurate unless its
/// terms cancel by more than 16 digits. If you know the roots `1/h_j` of `q`,
/// [`GradientDescent`](super::GradientDescent) with the listed step sizes `h_j` is more accurate.
///
/// The size of `q` on the spectrum is not checked: a polynomial may diverge there.
///
/// # Examples
/// ```
/// use double_descent::filter::{Loss, ResidualPolynomial, SpectralFilter, Spectrum};
///
/// // (1 − μ/2)²: two steps of size 1/2.
/// let twice = ResidualPolynomial::new(&[1.0, -1.0, 0.25], Loss::HalfSum)?;
/// let spectrum = Spectrum::new(2, 2, &[2.0, 1.0]);
/// assert_eq!(twice.gains(spectrum).to_vec(), [0.0, 0.75]);
/// # Ok::<(), double_descent::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ResidualPolynomial {
    /// `1, q₁, q₂, …`.
    coefficients: Vec<f64>,
    loss: Loss,
}

impl ResidualPolynomial {
    /// `q` from its coefficients in ascending powers. The first must be 1: at `μ = 0` nothing is fitted.
    ///
    /// # Errors
    /// [`Error::Empty`] without coefficients; [`Error::Domain`] unless the first is 1 and all are finite.
    pub fn new(coefficients: &[f64], loss: Loss) -> Result<Self, Error> {
        let Some(&first) = coefficients.first() else {
            return Err(Error::Empty { what: "the coefficients of a residual polynomial" });
        };
        if first != 1.0 {
            let what = "the residual polynomial at 0";
            return Err(Error::Domain { what, value: first, must_be: "1" });
        }
        if let Some(&value) = coefficients.iter().find(|q| !q.is_finite()) {
            let what = "a coefficient of the residual polynomial";
            return Err(Error::Domain { what, value, must_be: "finite" });
        }
        Ok(Self { coefficients: coefficients.to_vec(), loss })
    }
}

/// Evaluates a polynomial by Horner's rule with compensated rounding errors (Langlois and Louvet 2007): as accurate as
/// in doubled precision, then rounded.
fn horner(coefficients: &[f64], x: f64) -> f64 {
    let (mut value, mut off) = (0.0, 0.0);
    for &q in coefficients.iter().rev() {
        let product = value * x;
        let beyond = f64::mul_add(value, x, -product);
        let sum = product + q;
        let part = sum - product;
        let error = (product - (sum - part)) + (q - part);
        off = f64::mul_add(off, x, beyond + error);
        value = sum;
    }
    let corrected = value + off;
    // After an overflow the error term is NaN.
    if corrected.is_nan() { value } else { corrected }
}

impl SpectralFilter for ResidualPolynomial {
    fn write_gains(&self, spectrum: Spectrum<'_>, gains: &mut [f64]) {
        // 1 − q = −μ (q₁ + q₂ μ + …) does not cancel as σ → 0.
        loss::write_gains(self.loss, spectrum, gains, |mu| -mu * horner(&self.coefficients[1..], mu));
    }

    fn write_residuals(&self, spectrum: Spectrum<'_>, _: &[f64], residuals: &mut [f64]) {
        loss::write_residuals(self.loss, spectrum, residuals, |mu| horner(&self.coefficients, mu));
    }

    fn describe(&self) -> String {
        format!("residual polynomial of degree {} on {}", self.coefficients.len() - 1, self.loss.formula())
    }
}
