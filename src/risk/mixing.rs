//! The best mixing for self-distillation: how much a model should learn from its own predictions.

use crate::Error;
use crate::filter::{Response, Ridge, SelfDistillation};
use crate::machine::memory::{reserve, sum, table};
use crate::svd::Svd;
use ndarray::{Array1, Array2, ArrayRef2, Axis};

/// Returns the mixing `ξ` of [`SelfDistillation::mixed`] with the least expected risk given the design, in closed form,
/// for a teacher `β*` (`p × k`), test inputs of covariance `Σ` (`p × p`) and label noise of variance `v` in each
/// output. The penalty `λ` is added to the sum of squares.
///
/// With `s = σ²/(σ² + λ)`, `α = Vᵀβ*` and `w_r = v_rᵀ Σ v_r`, the student's fit is linear in `ξ`: its mean changes by
/// `−ξ d`, `d = V diag(s(1 − s)) α`, and its gains change from `s/σ` by `−ξ s(1 − s)/σ`. The risk is a parabola in `ξ`,
/// lowest at
///
/// ```text
///        k v Σᵣ wᵣ sᵣ²(1 − sᵣ)/σᵣ² − tr eᵀΣd
/// ξ* = ─────────────────────────────────────        e = (I − V diag(s) Vᵀ) β*, what the teacher's fit misses
///        k v Σᵣ wᵣ sᵣ²(1 − sᵣ)²/σᵣ² + tr dᵀΣd
/// ```
///
/// `ξ*` may be over 1 (much noise) or under 0 (little); the plain fit is `ξ = 0`. `None` if no mixing changes the risk.
///
/// # Errors
/// [`Error::Domain`] unless `lambda` is finite and > 0 and `noise` finite and at least 0; [`Error::Shape`] unless the
/// teacher has `p` rows and `Σ` is `p × p`; [`Error::NonFinite`], [`Error::Memory`].
///
/// # References
/// Das and Sanghavi, *Understanding self-distillation in the presence of label noise*, ICML 2023, theorem 3.8; Pareek,
/// Du and Oh, *Understanding the gains from repeated self-distillation*, `NeurIPS` 2024.
///
/// # Examples
/// ```
/// use double_descent::{risk::optimal_mixing, svd::Svd};
/// use ndarray::{Array2, array};
///
/// let svd = Svd::new(&array![[1.0]])?;
/// // The estimate is y times ½ (1 − ½ξ). The best factor for y = β* + noise with β*² = v is ½, reached at ξ = 0.
/// let xi = optimal_mixing(&svd, 1.0, &array![[2.0]], &Array2::eye(1), 4.0)?;
/// assert!(xi.unwrap().abs() < 1e-14);
/// # Ok::<(), double_descent::Error>(())
/// ```
pub fn optimal_mixing(
    svd: &Svd,
    lambda: f64,
    teacher: &ArrayRef2<f64>,
    covariance: &ArrayRef2<f64>,
    noise: f64,
) -> Result<Option<f64>, Error> {
    SelfDistillation::new(lambda, 1)?; // checks the penalty
    if !(noise >= 0.0 && noise.is_finite()) {
        let what = "the variance of the label noise";
        return Err(Error::Domain { what, value: noise, must_be: "finite and at least 0" });
    }
    let (_, p) = svd.shape();
    Error::check_len("rows of the teacher's parameters", p, teacher.nrows())?;
    Error::check_len("rows of the covariance", p, covariance.nrows())?;
    Error::check_len("columns of the covariance", p, covariance.ncols())?;
    Error::check_finite("the teacher's parameters", teacher.view())?;
    Error::check_finite("the covariance", covariance.view())?;
    let (modes, k) = (svd.singular_values().len(), teacher.ncols());
    let work = [table(modes, p), table(p, k).saturating_mul(5), table(modes, k).saturating_mul(3)];
    reserve("the mixing of a self-distillation", sum(work))?;
    let Response { gains, residuals } = Response::new(&Ridge::new(lambda)?, svd.spectrum())?;
    let fitted: Vec<f64> = gains.iter().zip(svd.singular_values()).map(|(g, s)| g * s).collect();
    let change: Array1<f64> = fitted.iter().zip(&residuals).map(|(s, rest)| s * rest).collect();
    let alpha = svd.vt().dot(teacher);
    // What the fit misses: a part of the teacher along the modes, and all of it outside them.
    let missed_along = &alpha * &Array1::from(residuals.clone()).insert_axis(Axis(1));
    let missed: Array2<f64> = teacher.to_owned() - svd.vt().t().dot(&(&alpha - &missed_along));
    let moved = svd.vt().t().dot(&(&alpha * &change.insert_axis(Axis(1))));
    let seen = covariance.dot(&moved);
    let images = svd.vt().dot(covariance);
    let weights = images.rows().into_iter().zip(svd.vt().rows()).map(|(image, v)| image.dot(&v));
    let (mut first, mut second) = (0.0, 0.0);
    for ((weight, gain), rest) in weights.zip(&gains).zip(&residuals) {
        first += weight * gain * gain * rest;
        second += weight * gain * gain * rest * rest;
    }
    let scale = k as f64 * noise;
    let numerator = scale * first - (&missed * &seen).sum();
    let denominator = scale * second + (&moved * &seen).sum();
    let xi = numerator / denominator;
    Ok((denominator > 0.0 && xi.is_finite()).then_some(xi))
}
