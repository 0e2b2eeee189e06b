//! What the singular values and the training rows alone say of a fit.

use super::Arm;
use super::lines::Line;
use super::metrics::{OfFit, norm};
use super::output::{Modes, Output, Scratch};
use crate::curve::Metric;
use crate::factors::ablation::Ablation;
use crate::filter::known_penalty;
use ndarray::{ArrayView1, Axis};

/// Which of them a sweep asks for.
#[derive(Clone, Copy, Debug, Default)]
#[allow(clippy::struct_excessive_bools)]
pub(super) struct Spectral {
    condition: bool,
    leave_one_out: bool,
    noise: bool,
    degrees: bool,
}

impl Spectral {
    pub(super) fn new(metrics: &[Metric]) -> Self {
        let has = |metric| metrics.contains(&metric);
        Self {
            condition: has(Metric::ConditionNumber),
            leave_one_out: has(Metric::LeaveOneOut),
            noise: has(Metric::ExpectedNoise),
            degrees: has(Metric::DegreesOfFreedom),
        }
    }

    pub(super) fn is_none(self) -> bool {
        !(self.condition || self.leave_one_out || self.noise || self.degrees)
    }

    pub(super) fn leave_one_out(self) -> bool {
        self.leave_one_out
    }

    /// For each mode the root of the sum over test rows of `(x·vᵣ)²`, where it is needed: of features of any scale, whose
    /// squares may not fit.
    pub(super) fn lengths(self, modes: &Modes<'_>) -> Vec<f64> {
        if !self.noise {
            return Vec::new();
        }
        let complement = modes.held_out().0;
        let length = |(image, s): (ArrayView1<'_, f64>, &f64)| {
            let all = norm(image.as_slice().unwrap_or(&[]));
            if !complement || all == 0.0 {
                return all;
            }
            // Rounding of the difference must not make it negative.
            let share = s / all;
            all * ((1.0 - share) * (1.0 + share)).max(0.0).sqrt()
        };
        modes.images().axis_iter(Axis(0)).zip(modes.svd().singular_values()).map(length).collect()
    }

    /// Of one line, whose gains `scratch` holds. `free` says that an intercept takes one direction of the targets,
    /// `rescaled` that features are scaled by the training rows.
    pub(super) fn of(
        self,
        line: &Line,
        (modes, outputs): (&Modes<'_>, &[Output<'_>]),
        (scratch, lengths): (&Scratch, &[f64]),
        (free, rescaled): (bool, bool),
    ) -> OfFit {
        let svd = modes.svd();
        let sigma = svd.singular_values();
        let (gains, _) = scratch.response();
        let condition = svd.smallest_nonzero().map(|smallest| sigma[0] / smallest);
        let degrees =
            gains.iter().zip(sigma).map(|(gain, s)| gain * s).sum::<f64>() + f64::from(u8::from(free));
        let left_out = || {
            let errors = outputs.iter().map(|output| leave_one_out(&line.arm, modes, output, scratch, free));
            Some(errors.sum::<Option<f64>>()? / outputs.len() as f64)
        };
        OfFit {
            condition: condition.filter(|_| self.condition),
            leave_one_out: if self.leave_one_out && !rescaled { left_out() } else { None },
            noise: if self.noise { noise(&line.arm, (modes, lengths), gains, free) } else { None },
            degrees: Some(degrees).filter(|_| self.degrees),
        }
    }
}

/// Whether an arm has a leave-one-out error of closed form.
pub(super) fn has_leave_one_out(arm: &Arm) -> bool {
    known_penalty(&*arm.estimator).is_some() && arm.ablation == Ablation::none() && arm.adversary.is_none()
}

/// What label noise of variance 1 adds to the test error on average: the mean over test rows of `‖x V diag(g)‖²`, and
/// `1/n` for a free intercept. `None` where targets have no noise.
fn noise(arm: &Arm, (modes, lengths): (&Modes<'_>, &[f64]), gains: &[f64], free: bool) -> Option<f64> {
    if arm.ablation.is_without_residuals() {
        return None;
    }
    let shown = arm.ablation.test_modes().unwrap_or(usize::MAX);
    let squares =
        lengths.iter().zip(gains).take(shown).map(|(length, gain)| (length * gain) * (length * gain));
    let sum: f64 = squares.sum();
    let constant = if free { (modes.svd().u().nrows() as f64).recip() } else { 0.0 };
    Some(sum / modes.held_out().1 as f64 + constant)
}

/// The mean squared error at training rows, each predicted by the fit to all others, for ridge and the minimum norm:
///
/// ```text
/// eᵢ = (Y − X β̂)ᵢ / (1 − Hᵢᵢ)        where all is interpolated    eᵢ = (K⁺ Y)ᵢ / (K⁺)ᵢᵢ,  K = X Xᵀ
/// ```
///
/// `None` for other estimators, and where a row has nearly all of its own prediction, so that rounding leaves too
/// little of `1 − Hᵢᵢ`.
fn leave_one_out(
    arm: &Arm,
    modes: &Modes<'_>,
    output: &Output<'_>,
    scratch: &Scratch,
    free: bool,
) -> Option<f64> {
    /// How far `1 − Hᵢᵢ` has to be over its rounding `n ε`.
    const TRUSTED: f64 = 1e5;
    let lambda = known_penalty(&*arm.estimator).filter(|_| has_leave_one_out(arm))?;
    let svd = modes.svd();
    let (n, rank, sigma) = (svd.u().nrows(), svd.rank(), svd.singular_values());
    let constant = f64::from(u8::from(free)) / n as f64;
    let interpolates = rank + usize::from(free) >= n;
    let (_, residuals) = scratch.response();
    let along = output.along();
    // What each mode leaves of the targets; where everything is interpolated, as a penalty would that goes to 0.
    let left = |mode: usize| match sigma[rank - 1] / sigma[mode] {
        ratio if lambda == 0.0 && interpolates => ratio * ratio,
        _ => residuals[mode],
    };
    let left: Vec<f64> = (0..rank).map(left).collect();
    let mut sum = 0.0;
    for (i, u) in svd.u().rows().into_iter().enumerate() {
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
