//! Metrics of a fit from its singular values, its training rows and the lengths of the test rows.

use super::Arm;
use super::lines::Line;
use super::metrics::OfFit;
use super::output::{Modes, Output, Scratch};
use crate::curve::Metric;
use crate::factors::ablation::Ablation;
use crate::filter::known_penalty;
use crate::machine::spread::norm;
use ndarray::{ArrayView1, Axis};
use std::f64::consts::TAU;

/// The metrics computed here. A new one needs an entry here and a match arm in [`Reading::of`].
const METRICS: [Metric; 15] = [
    Metric::ConditionNumber,
    Metric::LeaveOneOut,
    Metric::ExpectedNoise,
    Metric::DegreesOfFreedom,
    Metric::EffectiveParameters,
    Metric::EffectiveParametersTrain,
    Metric::StableRank,
    Metric::ParticipationRatio,
    Metric::RademacherBound,
    Metric::FisherRaoNorm,
    Metric::LogEvidence,
    Metric::LogOccamFactor,
    Metric::PosteriorVariance,
    Metric::TailStableRank,
    Metric::TailParticipationRatio,
];

/// Which of these metrics a sweep asks for.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Spectral {
    /// One bit per entry of [`METRICS`].
    asked: u32,
    /// How many of the largest eigenvalues the tail metrics leave out.
    tail: usize,
}

impl Spectral {
    pub(super) fn new(metrics: &[Metric], tail: usize) -> Self {
        let asked = METRICS.iter().enumerate().filter(|(_, metric)| metrics.contains(metric));
        Self { asked: asked.map(|(place, _)| 1 << place).sum(), tail }
    }

    pub(super) fn is_none(self) -> bool {
        self.asked == 0
    }

    /// How many metrics are asked for.
    pub(super) fn count(self) -> usize {
        self.asked.count_ones() as usize
    }

    pub(super) fn leave_one_out(self) -> bool {
        self.has(&[Metric::LeaveOneOut])
    }

    /// Whether norms are needed.
    pub(super) fn norm(self) -> bool {
        self.has(&[Metric::RademacherBound])
    }

    fn has(self, any: &[Metric]) -> bool {
        self.asked().any(|metric| any.contains(&metric))
    }

    fn asked(self) -> impl Iterator<Item = Metric> {
        METRICS
            .into_iter()
            .enumerate()
            .filter(move |(place, _)| self.asked >> place & 1 == 1)
            .map(|(_, of)| of)
    }

    /// For each mode, the square root of the sum over test rows of `(x·vᵣ)²`; empty if no metric needs it. Features may
    /// have any scale, so their squares may overflow or underflow.
    pub(super) fn lengths(self, modes: &Modes<'_>) -> Vec<f64> {
        if !self.has(&[Metric::ExpectedNoise, Metric::EffectiveParameters, Metric::PosteriorVariance]) {
            return Vec::new();
        }
        let complement = modes.held_out().0;
        let length = |(image, s): (ArrayView1<'_, f64>, &f64)| {
            let all = norm(image.as_slice().unwrap_or(&[]));
            if !complement || all == 0.0 {
                return all;
            }
            // The rounding error of the difference must not make it negative.
            let share = s / all;
            all * ((1.0 - share) * (1.0 + share)).max(0.0).sqrt()
        };
        modes.images().axis_iter(Axis(0)).zip(modes.svd().singular_values()).map(length).collect()
    }

    /// The metrics of one line, whose gains `scratch` holds and whose coefficients have the norm `norm`.
    ///
    /// `free` says that a free intercept takes one direction of the targets, `rescaled` that the training rows scale
    /// the features.
    pub(super) fn of(
        self,
        line: &Line,
        (modes, outputs): (&Modes<'_>, &[Output<'_>]),
        (scratch, lengths, norm): (&mut Scratch, &[f64], f64),
        (free, rescaled): (bool, bool),
    ) -> OfFit {
        let fisher_rao =
            self.has(&[Metric::FisherRaoNorm]).then(|| root_mean_square(&line.arm, modes, outputs, scratch));
        let arm = &line.arm;
        let reading =
            Reading { arm, modes, outputs, scratch, lengths, norm, tail: self.tail, free, rescaled };
        let value = |metric| if metric == Metric::FisherRaoNorm { fisher_rao } else { reading.of(metric) };
        let value = |metric| Some((metric, value(metric).filter(|value| value.is_finite())?));
        self.asked().filter_map(value).collect()
    }
}

/// Whether an arm has a closed-form leave-one-out error.
pub(super) fn has_leave_one_out(arm: &Arm) -> bool {
    let plain =
        arm.ablation == Ablation::none() && arm.adversary.is_none() && arm.start == super::Start::Zero;
    plain && known_penalty(&*arm.estimator).is_some()
}

/// Whether an arm is the posterior mean of a Bayesian model.
pub(super) fn has_evidence(arm: &Arm) -> bool {
    known_penalty(&*arm.estimator).is_some_and(|lambda| lambda > 0.0) && has_leave_one_out(arm)
}

/// Everything that the metrics of one line are computed from.
struct Reading<'a, 'm, 'o> {
    arm: &'a Arm,
    modes: &'a Modes<'m>,
    outputs: &'a [Output<'o>],
    scratch: &'a Scratch,
    lengths: &'a [f64],
    norm: f64,
    tail: usize,
    free: bool,
    rescaled: bool,
}

impl Reading<'_, '_, '_> {
    fn of(&self, metric: Metric) -> Option<f64> {
        let svd = self.modes.svd();
        let ((n, _), sigma) = (svd.shape(), svd.singular_values());
        let gains = self.scratch.response().0;
        let fitted = || gains.iter().zip(sigma).map(|(gain, s)| gain * s);
        let constant = f64::from(u8::from(self.free));
        // The eigenvalues of the sample covariance, divided by the largest.
        let shares = || sigma.iter().map(|s| (s / sigma[0]) * (s / sigma[0]));
        match metric {
            Metric::ConditionNumber => svd.smallest_nonzero().map(|smallest| sigma[0] / smallest),
            Metric::LeaveOneOut if self.rescaled => None,
            Metric::LeaveOneOut => {
                let errors = self.outputs.iter();
                let errors =
                    errors.map(|output| leave_one_out(self.arm, self.modes, output, self.scratch, self.free));
                Some(errors.sum::<Option<f64>>()? / self.outputs.len() as f64)
            }
            Metric::ExpectedNoise => self.noise(),
            Metric::DegreesOfFreedom => Some(fitted().sum::<f64>() + constant),
            Metric::EffectiveParameters => Some(n as f64 * self.noise()?),
            Metric::EffectiveParametersTrain => Some(fitted().map(|h| h * h).sum::<f64>() + constant),
            Metric::StableRank => Some(shares().sum()),
            Metric::ParticipationRatio => {
                Some(shares().sum::<f64>().powi(2) / shares().map(|t| t * t).sum::<f64>())
            }
            Metric::TailStableRank => self.tail_ranks().map(|[small, _]| small),
            Metric::TailParticipationRatio => self.tail_ranks().map(|[_, big]| big),
            Metric::RademacherBound => {
                let frobenius = norm(sigma.as_slice().unwrap_or(&[]));
                Some((self.outputs.len() as f64).sqrt() * self.norm * (frobenius / n as f64))
            }
            Metric::LogEvidence => self.evidence().map(|evidence| evidence.total),
            Metric::LogOccamFactor => self.evidence().map(|evidence| evidence.occam),
            Metric::PosteriorVariance => self.posterior_variance(),
            _ => None,
        }
    }

    /// `r_k` and `R_k` of the eigenvalues after the first `tail`, in units of the next one; `None` if none are left
    /// out, or none remain.
    fn tail_ranks(&self) -> Option<[f64; 2]> {
        let svd = self.modes.svd();
        if self.tail == 0 || self.tail >= svd.rank() {
            return None;
        }
        let rest = svd.singular_values().iter().skip(self.tail);
        let unit = svd.singular_values()[self.tail];
        // Sum from the smallest up.
        let (mut sum, mut squares) = (0.0, 0.0);
        for s in rest.rev() {
            let share = (s / unit) * (s / unit);
            sum += share;
            squares += share * share;
        }
        Some([sum, sum * (sum / squares)])
    }

    /// The expected increase of the test error from label noise of variance 1: the mean over test rows of
    /// `‖x V diag(g)‖²`, plus `1/n` for a free intercept. `None` if the targets have no noise.
    fn noise(&self) -> Option<f64> {
        if self.arm.ablation.is_without_residuals() {
            return None;
        }
        let shown = self.arm.ablation.test_modes().unwrap_or(usize::MAX);
        let (gains, _) = self.scratch.response();
        let squares = self.lengths.iter().zip(gains).take(shown);
        let sum: f64 = squares.map(|(length, gain)| (length * gain) * (length * gain)).sum();
        let constant = if self.free { (self.modes.svd().shape().0 as f64).recip() } else { 0.0 };
        Some(sum / self.modes.held_out().1 as f64 + constant)
    }

    /// The log evidence of ridge regression, for `N = n` target dimensions (`n − 1` with a free intercept) and `k`
    /// outputs. With `ρ = λ/(σ² + λ)`:
    ///
    /// ```text
    /// v̂ = S/(N k)    S = Σ ρ (uᵣ·y)² + ‖y − U Uᵀy‖²        ln p(y) = −N k/2 (ln 2πv̂ + 1) + k/2 Σ ln ρ
    /// ln Occam = −(S − ‖Xβ̂ − y‖²)/(2v̂) + k/2 Σ ln ρ
    /// ```
    fn evidence(&self) -> Option<Evidence> {
        if !has_evidence(self.arm) {
            return None;
        }
        let svd = self.modes.svd();
        let (n, p) = svd.shape();
        let (_, left) = self.scratch.response();
        let dimensions = ((n - usize::from(self.free)) * self.outputs.len()) as f64;
        // The part of the targets that the prior shrinks away, and the residual of the fit.
        let (mut pull, mut rest) = (0.0, 0.0);
        for output in self.outputs {
            for (left, along) in left.iter().zip(output.along()) {
                let kept = left * along;
                rest += kept * kept;
                pull += kept * (along - kept);
            }
            rest += if n > p { output.outside() } else { 0.0 };
        }
        let noise = (pull + rest) / dimensions;
        let logs: f64 = left.iter().map(|left| left.ln()).sum();
        let volume = 0.5 * self.outputs.len() as f64 * logs;
        let total = -0.5 * dimensions * ((TAU * noise).ln() + 1.0) + volume;
        let occam = volume - 0.5 * pull / noise;
        Some(Evidence { noise, total, occam }).filter(|evidence| evidence.noise > 0.0)
    }

    /// `(v̂/λ) mean [Σ ρ (x·vᵣ)² + ‖x (I − V Vᵀ)‖²]`, plus `v̂/n` for a free intercept.
    fn posterior_variance(&self) -> Option<f64> {
        let Evidence { noise, .. } = self.evidence()?;
        // Lengths in units of √λ, since their squares may overflow or underflow.
        let unit = known_penalty(&*self.arm.estimator)?.sqrt();
        let svd = self.modes.svd();
        let ((n, p), (_, rows)) = (svd.shape(), self.modes.held_out());
        let (_, left) = self.scratch.response();
        let squares = || self.lengths.iter().map(|length| (length / unit) * (length / unit));
        let seen: f64 = squares().zip(left).map(|(square, left)| left * square).sum();
        let (mut unseen, mut rounding) = (0.0, 0.0);
        if n < p {
            let all = self.modes.squares(unit);
            unseen = (all - squares().sum::<f64>()).max(0.0);
            rounding = p as f64 * f64::EPSILON * all;
        }
        if rounding > 1e-3 * (seen + unseen) {
            return None;
        }
        let constant = if self.free { (n as f64).recip() } else { 0.0 };
        Some(noise * ((seen + unseen) / rows as f64 + constant))
    }
}

/// A log evidence at its best noise variance.
struct Evidence {
    noise: f64,
    total: f64,
    occam: f64,
}

/// The root mean square over test rows of the length of a prediction.
fn root_mean_square(arm: &Arm, modes: &Modes<'_>, outputs: &[Output<'_>], scratch: &mut Scratch) -> f64 {
    let (complement, rows) = modes.held_out();
    let sigma = modes.svd().singular_values();
    let mut sum = 0.0;
    for output in outputs {
        let (seen, _) = output.solution(arm, scratch);
        let mut row = vec![0.0; modes.images().ncols()];
        for (coefficient, image) in seen.iter().zip(modes.images().rows()) {
            row.iter_mut().zip(image).for_each(|(row, image)| *row += coefficient * image);
        }
        sum += row.iter().map(|f| f * f).sum::<f64>();
        if complement {
            sum -= seen.iter().zip(sigma).map(|(a, s)| (a * s) * (a * s)).sum::<f64>();
        }
    }
    (sum.max(0.0) / rows as f64).sqrt()
}

/// The mean squared leave-one-out error for ridge and the minimum norm: each training row is predicted by the fit to
/// all others.
///
/// ```text
/// eᵢ = (Y − X β̂)ᵢ / (1 − Hᵢᵢ)        where all is interpolated    eᵢ = (K⁺ Y)ᵢ / (K⁺)ᵢᵢ,  K = X Xᵀ
/// ```
///
/// `None` for other estimators, and if a row determines nearly all of its own prediction, so that rounding leaves too
/// little of `1 − Hᵢᵢ`.
fn leave_one_out(
    arm: &Arm,
    modes: &Modes<'_>,
    output: &Output<'_>,
    scratch: &Scratch,
    free: bool,
) -> Option<f64> {
    /// How far `1 − Hᵢᵢ` must exceed its rounding error `n ε`, as a factor.
    const TRUSTED: f64 = 1e5;
    let lambda = known_penalty(&*arm.estimator).filter(|_| has_leave_one_out(arm))?;
    let (svd, all) = (modes.svd(), modes.u()?);
    let (n, rank, sigma) = (all.nrows(), svd.rank(), svd.singular_values());
    let constant = f64::from(u8::from(free)) / n as f64;
    let interpolates = rank + usize::from(free) >= n;
    let (_, residuals) = scratch.response();
    let along = output.along();
    // Each mode's residual factor; if the fit interpolates, its limit, up to scale, as a penalty goes to 0.
    let left = |mode: usize| match sigma[rank - 1] / sigma[mode] {
        ratio if lambda == 0.0 && interpolates => ratio * ratio,
        _ => residuals[mode],
    };
    let left: Vec<f64> = (0..rank).map(left).collect();
    let mut sum = 0.0;
    for (i, u) in all.rows().into_iter().enumerate() {
        let (mut error, mut rest, mut outside) = (0.0, 0.0, 1.0 - constant);
        for mode in 0..rank {
            error += left[mode] * u[mode] * along[mode];
            rest += left[mode] * u[mode] * u[mode];
            outside -= u[mode] * u[mode];
        }
        if !interpolates {
            error += output.beyond(i, rank, &u);
            rest += outside.max(0.0);
            if rest <= TRUSTED * n as f64 * f64::EPSILON {
                return None;
            }
        }
        if rest <= 0.0 {
            return None;
        }
        sum += (error / rest) * (error / rest);
    }
    Some(sum / n as f64).filter(|mean| mean.is_finite())
}
