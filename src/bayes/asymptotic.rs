//! The evidence of many samples and features.

use crate::Error;
use crate::theory::marchenko_pastur::MarchenkoPastur;
use std::f64::consts::PI;

/// The limit of the expected log evidence per sample, `E ln p(y)/n`, for `n` samples of `γn` independent features of
/// variance 1.
///
/// The model has the prior variance `T/n` per parameter and the noise variance `v`; the data have a teacher of squared
/// norm `r²` and noise of variance `v₀` (`truth`). With `λ = v/T` and the Stieltjes transform `m` of the
/// Marchenko–Pastur law at `−λ`
///
/// ```text
/// −½ [ ln 2π + ln v + γ ∫ ln(1 + x/λ) dF + (r² (1 − λm) + v₀ (1 − γ(1 − λm))/λ) / T ]
/// ```
///
/// Where the model knows the variances (`T = r²/γ`, `v = v₀`) it falls or rises evenly through `γ = 1`: no peak there.
/// Relative accuracy 1e-10.
///
/// # Errors
/// [`Error::Domain`] unless `γ`, `T` and `v` are finite and > 0, and `r²` and `v₀` finite and ≥ 0; [`Error::Overflow`].
///
/// # Examples
/// ```
/// use double_descent::bayes::expected_log_evidence;
///
/// let at = |gamma| expected_log_evidence(gamma, [1.0, 0.25], 1.0 / gamma, 0.25).unwrap();
/// // A model that knows the variances: features raise the evidence evenly through the threshold.
/// assert!(at(0.9) > at(1.0) && at(1.0) > at(1.1));
/// ```
///
/// # References
/// MacKay 1992 for the evidence; the transforms of the Marchenko–Pastur law as in [`MarchenkoPastur`].
pub fn expected_log_evidence(gamma: f64, truth: [f64; 2], prior: f64, noise: f64) -> Result<f64, Error> {
    for (what, value) in [("the prior variance times n", prior), ("the noise variance", noise)] {
        if !(value > 0.0 && value.is_finite()) {
            return Err(Error::Domain { what, value, must_be: "finite and > 0" });
        }
    }
    let names = ["the teacher's squared norm", "the noise variance of the data"];
    for (what, value) in names.into_iter().zip(truth) {
        if !(value >= 0.0 && value.is_finite()) {
            return Err(Error::Domain { what, value, must_be: "finite and ≥ 0" });
        }
    }
    let lambda = noise / prior;
    let law = MarchenkoPastur::new(gamma)?;
    let logs = noise.ln() + gamma * law.shannon(lambda)?;
    // w = 1 − λm is the smaller root of γw² − (1 + λ + γ)w + 1 = 0.
    let sum = 1.0 + lambda + gamma;
    let root = (sum - 2.0 * gamma.sqrt()).max(0.0).sqrt() * (sum + 2.0 * gamma.sqrt()).sqrt();
    let w = 2.0 / (sum + root);
    // (1 − γw)/λ = w/(1 − w): whichever difference does not cancel.
    let noisy = if gamma > 1.0 { w / (1.0 - w) } else { (1.0 - gamma * w) / lambda };
    let [r2, v0] = truth;
    let value = -0.5 * ((2.0 * PI).ln() + logs + (r2 * w + v0 * noisy) / prior);
    if value.is_finite() { Ok(value) } else { Err(Error::Overflow { what: "an expected log evidence" }) }
}
