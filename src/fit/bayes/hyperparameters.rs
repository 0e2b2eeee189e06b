//! The variances of prior and noise that maximise the evidence.

use super::{Evidence, LogEvidence, Model};
use crate::Error;

/// Grid points per factor of `e` in the first search; maxima of an evidence are wider than their distance.
const PER_UNIT: f64 = 4.0;
/// Bisection steps of an interval in `ln λ`, enough for the last bit.
const HALVINGS: usize = 80;

/// The maximum of an evidence ([`Evidence::maximise`], [`Evidence::maximise_prior`]).
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Maximum {
    /// The variances.
    pub model: Model,
    /// The log evidence there.
    pub log_evidence: LogEvidence,
    /// `γ`, the number of parameters that the data determine there.
    pub effective_parameters: f64,
    /// Whether the maximum is at a limit.
    pub bound: Bound,
}

/// Whether a maximum of the evidence is at a limit of the range of variances.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Bound {
    /// Both variances are positive.
    Inside,
    /// `τ² = 0`: the targets look like pure noise.
    NoSignal,
    /// `v = 0`: an exact fit explains the targets best.
    NoNoise,
}

/// An evidence in units of the largest singular value and of the targets' norm, with only the modes above the cutoff.
struct Profile {
    /// `σ²`, `‖uᵣᵀY‖²`.
    modes: Vec<(f64, f64)>,
    outside: f64,
    /// `n` minus the number of modes.
    beyond: f64,
    rows: f64,
    outputs: f64,
}

/// Sums at one `λ`, with `s = σ²/(σ² + λ)`.
struct Sums {
    /// `Q = Σ c²/(σ² + λ) + ρ/λ`.
    quadratic: f64,
    /// `Σ c²λ/(σ² + λ)² + ρ/λ`.
    left: f64,
    /// `Σ c²σ²/(σ² + λ)²`.
    size: f64,
    /// `γ = Σ s`, and `n − γ`.
    gamma: f64,
    rest: f64,
    /// `Σ ln(σ² + λ) + (n − r) ln λ`.
    logs: f64,
}

impl Profile {
    fn sums(&self, lambda: f64) -> Sums {
        let part = if self.outside == 0.0 { 0.0 } else { self.outside / lambda };
        let mut sums =
            Sums { quadratic: part, left: part, size: 0.0, gamma: 0.0, rest: self.beyond, logs: 0.0 };
        for &(square, c) in &self.modes {
            let whole = square + lambda;
            let (signal, noise) = (square / whole, lambda / whole);
            sums.quadratic += c / whole;
            sums.left += c / whole * noise;
            sums.size += c / whole * signal;
            sums.gamma += signal;
            sums.rest += noise;
            sums.logs += whole.ln();
        }
        if self.beyond > 0.0 {
            sums.logs += self.beyond * lambda.ln();
        }
        sums
    }

    /// `2/k · d/d ln λ` of the evidence at the best scale for each `λ`. Of two equal forms, this uses the one with
    /// small terms, so its sign is right at both ends.
    fn slope(&self, lambda: f64) -> f64 {
        let sums = self.sums(lambda);
        if sums.gamma > 0.5 * self.rows {
            self.rows * (sums.left / sums.quadratic) - sums.rest
        } else {
            sums.gamma - self.rows * (sums.size / sums.quadratic)
        }
    }

    /// The log evidence at the best scale for `λ`, up to a constant.
    fn value(&self, lambda: f64) -> f64 {
        let sums = self.sums(lambda);
        -0.5 * self.outputs * (self.rows * sums.quadratic.ln() + sums.logs)
    }

    /// `τ²` at the best scale.
    fn prior_variance(&self, lambda: f64) -> f64 {
        self.sums(lambda).quadratic / (self.rows * self.outputs)
    }
}

/// Returns the points in `[low, high]` (logarithms) where a slope changes from positive to negative.
fn maxima(low: f64, high: f64, slope: impl Fn(f64) -> f64) -> Vec<f64> {
    let steps = ((high - low) * PER_UNIT).ceil().max(1.0);
    let at = |i: f64| low + (high - low) * (i / steps);
    let mut found = Vec::new();
    let (mut i, mut before) = (0.0, slope(at(0.0)));
    while i < steps {
        let after = slope(at(i + 1.0));
        if before > 0.0 && after <= 0.0 {
            let (mut left, mut right) = (at(i), at(i + 1.0));
            for _ in 0..HALVINGS {
                let middle = f64::midpoint(left, right);
                if slope(middle) > 0.0 { left = middle } else { right = middle }
            }
            found.push(f64::midpoint(left, right));
        }
        (before, i) = (after, i + 1.0);
    }
    found
}

impl Evidence {
    /// Finds the variances `τ²` and `v` with the largest evidence. For each ratio `λ = v/τ²` the best scale is known in
    /// closed form, so this searches every local maximum over `λ` alone. The range includes both limits: `τ² = 0` and,
    /// if rows are independent, `v = 0`. Singular values at or below the SVD's cutoff count as 0.
    ///
    /// An interior maximum satisfies MacKay's fixed-point equations: `τ² = ‖β̂‖²/(kγ)`, `v = ‖Y − Xβ̂‖²/(k(n − γ))`.
    ///
    /// # Errors
    /// [`Error::Unsupported`] if the evidence is unbounded: all targets are 0, or there are more rows than the rank and
    /// the targets lie in the span of the features to the last digit; [`Error::Overflow`] for variances that do not fit
    /// into `f64`.
    ///
    /// # Examples
    /// ```
    /// use double_descent::{bayes::{Bound, Evidence}, dataset::Dataset, svd::Svd};
    ///
    /// let data = Dataset::diabetes();
    /// let (x, y) = (data.features(), data.targets());
    /// let centred = y - y.mean().unwrap();
    /// let best = Evidence::new(&Svd::new(x)?, x, &centred)?.maximise()?;
    /// assert_eq!(best.bound, Bound::Inside);
    /// assert!(best.effective_parameters < 10.0); // of the ten that there are
    /// # Ok::<(), double_descent::Error>(())
    /// ```
    pub fn maximise(&self) -> Result<Maximum, Error> {
        let (norm, largest) = (self.norm(), self.sigma.first().copied().unwrap_or(0.0));
        if norm == 0.0 {
            return Err(unbounded("all targets are 0"));
        }
        let no_signal = || Model::new(0.0, (norm / (self.rows as f64 * self.outputs as f64).sqrt()).powi(2));
        if self.rank == 0 {
            return self.maximum(no_signal()?, Bound::NoSignal);
        }
        let square = |v: f64| v * v;
        let kept = || self.sigma.iter().zip(&self.along).take(self.rank);
        let under = self.along.iter().skip(self.rank).fold(self.outside, |sum, c| sum.hypot(*c));
        let profile = Profile {
            modes: kept().map(|(s, c)| (square(s / largest), square(c / norm))).collect(),
            outside: square(under / norm),
            beyond: (self.rows - self.rank) as f64,
            rows: self.rows as f64,
            outputs: self.outputs as f64,
        };
        if profile.beyond > 0.0 && profile.outside == 0.0 {
            return Err(unbounded("the targets lie in the span of the features exactly"));
        }
        let smallest = square(self.sigma[self.rank - 1] / largest);
        // If the part outside is small, the maximum is at about λ = ρ r / Σ c²/σ².
        let explained: f64 = profile.modes.iter().map(|(s, c)| c / s).sum();
        let little = if profile.beyond > 0.0 { profile.outside / explained } else { 1.0 };
        let low = (1e-6 * smallest.min(little)).max(1e-290).ln();
        let high = 1e6_f64.ln();
        let slope = |log: f64| profile.slope(log.exp());
        // Each candidate with its evidence up to a constant, including the limits.
        let mut candidates: Vec<(f64, Option<f64>, Bound)> = maxima(low, high, slope)
            .into_iter()
            .map(|log| (profile.value(log.exp()), Some(log.exp()), Bound::Inside))
            .collect();
        if slope(high) > 0.0 {
            candidates.push((profile.value(1e16), None, Bound::NoSignal)); // equal to the limit to all digits
        }
        if profile.beyond == 0.0 && slope(low) < 0.0 {
            candidates.push((profile.value(0.0), Some(0.0), Bound::NoNoise));
        }
        let best = candidates.into_iter().max_by(|a, b| a.0.total_cmp(&b.0));
        let (model, bound) = match best {
            Some((_, Some(lambda), bound)) => {
                let tau = profile.prior_variance(lambda).sqrt() * (norm / largest);
                let noise = (profile.prior_variance(lambda) * lambda).sqrt() * norm;
                (Model::new(square(tau), square(noise)), bound)
            }
            _ => (no_signal(), Bound::NoSignal),
        };
        let overflow = |_| Error::Overflow { what: "a variance of the largest evidence" };
        self.maximum(model.map_err(overflow)?, bound)
    }

    /// Finds the prior variance `τ²` with the largest evidence for a known noise variance.
    ///
    /// # Errors
    /// [`Error::Domain`] unless the noise variance is finite and > 0; [`Error::Overflow`] for a variance or a log
    /// evidence that does not fit into `f64`.
    pub fn maximise_prior(&self, noise_variance: f64) -> Result<Maximum, Error> {
        if !(noise_variance > 0.0 && noise_variance.is_finite()) {
            let must_be = "finite and > 0";
            return Err(Error::Domain { what: "the noise variance", value: noise_variance, must_be });
        }
        let null = Model::new(0.0, noise_variance)?;
        if self.rank == 0 {
            return self.maximum(null, Bound::NoSignal);
        }
        let overflow = |_| Error::Overflow { what: "a variance of the largest evidence" };
        let model = |log: f64| Model::new(log.exp(), noise_variance);
        // ½ d/d ln τ² of twice the evidence: ‖β̂‖²/τ² − kγ.
        let slope = |log: f64| {
            let Ok(model) = model(log) else { return -1.0 };
            let modes = self.sigma.iter().zip(&self.along).take(self.rank);
            let term = |(&sigma, &c): (&f64, &f64)| {
                let mode = model.mode(sigma);
                mode.signal.powi(2) * (mode.whitened(c).powi(2) - self.outputs as f64)
            };
            modes.map(term).sum::<f64>()
        };
        let (first, last) = (self.sigma[0].ln(), self.sigma[self.rank - 1].ln());
        let reach = self.along.iter().take(self.rank).fold(0.0, |most: f64, c| most.max(*c)).ln();
        let noise = noise_variance.ln();
        let low = (noise - 2.0 * first - 14.0).max(-740.0);
        let high = (noise.max(2.0 * reach) - 2.0 * last + 14.0).clamp(low + 1.0, 709.0_f64.max(low + 1.0));
        let mut best = self.maximum(null, Bound::NoSignal)?;
        for log in maxima(low, high, slope) {
            let found = self.maximum(model(log).map_err(overflow)?, Bound::Inside)?;
            if found.log_evidence.total > best.log_evidence.total {
                best = found;
            }
        }
        Ok(best)
    }

    /// Makes one step of MacKay's iteration from `model`, `τ² ← ‖β̂‖²/(kγ)`, `v ← ‖Y − Xβ̂‖²/(k(n − γ))`. Its fixed
    /// points are the stationary points of the evidence.
    ///
    /// # Errors
    /// [`Error::Unsupported`] if a variance is 0, since the iteration cannot leave 0; [`Error::Overflow`] for a new
    /// variance that does not fit into `f64`.
    ///
    /// # References
    /// MacKay, *Bayesian interpolation*, 1992, equations 28–30.
    pub fn mackay_step(&self, model: &Model) -> Result<Model, Error> {
        if model.prior_variance() == 0.0 || model.noise_variance() == 0.0 {
            let reason =
                "MacKay's iteration never leaves a variance of 0; start it from positive ones".into();
            return Err(Error::Unsupported { reason });
        }
        let (mut size, mut left, mut gamma, mut rest) =
            (0.0, self.outside / model.noise_deviation(), 0.0, self.beyond());
        for (&sigma, &c) in self.sigma.iter().zip(&self.along) {
            let mode = model.mode(sigma);
            let whitened = mode.whitened(c);
            size = f64::hypot(size, whitened * mode.signal);
            left = f64::hypot(left, whitened * mode.noise);
            gamma += mode.signal.powi(2);
            rest += mode.noise.powi(2);
        }
        let outputs = self.outputs as f64;
        let step = |deviation: f64, length: f64, count: f64| {
            (deviation * (length / (outputs * count).sqrt())).powi(2)
        };
        let next =
            Model::new(step(model.prior_deviation(), size, gamma), step(model.noise_deviation(), left, rest));
        next.map_err(|_| Error::Overflow { what: "a variance of MacKay's iteration" })
    }

    fn maximum(&self, model: Model, bound: Bound) -> Result<Maximum, Error> {
        let effective_parameters = self.effective_parameters(&model);
        Ok(Maximum { model, log_evidence: self.log(&model)?, effective_parameters, bound })
    }
}

fn unbounded(why: &str) -> Error {
    let reason = format!(
        "{why}: the evidence grows without bound as the noise variance falls to 0; state it (`maximise_prior`)"
    );
    Error::Unsupported { reason }
}
