//! Step-size schedules for gradient descent.

use super::checked;
use crate::Error;

/// The largest number of distinct stretches: each costs a logarithm per singular value, and 16 bytes.
const MOST: usize = 1 << 20;

/// The step size of [`GradientDescent`](super::GradientDescent) at each step `k = 0, 1, …`.
///
/// Step sizes must be finite and at least 0; [`GradientDescent::new`](super::GradientDescent::new) checks them.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Schedule {
    /// `h` at every step.
    Constant(f64),
    /// `h / √(⌊k/period⌋ + 1)`: Nakkiran et al. 2019 take a period of 512 steps.
    InverseSqrt {
        /// `h`.
        first: f64,
        /// Number of consecutive steps with the same size, at least 1.
        period: usize,
    },
    /// `h`, times `factor` from each of the listed steps on.
    Drops {
        /// `h`.
        first: f64,
        /// The factor of each drop, in (0, 1].
        factor: f64,
        /// The first step of each drop, counted from 0, in any order.
        at: Vec<usize>,
    },
    /// From `h/steps` up to `h` over the first `steps` steps, in equal parts; then `h`.
    WarmUp {
        /// `h`.
        last: f64,
        /// The length of the warm-up, at least 1.
        steps: usize,
    },
    /// One listed size per step; the last one for all steps beyond the list.
    Listed(Vec<f64>),
}

impl Schedule {
    /// Returns the step size at step `k`, counted from 0.
    #[must_use]
    pub fn at(&self, k: usize) -> f64 {
        match self {
            Self::Constant(h) => *h,
            Self::InverseSqrt { first, period } => first / (1.0 + (k / (*period).max(1)) as f64).sqrt(),
            Self::Drops { first, factor, at } => {
                dropped(*first, *factor, at.iter().filter(|&&drop| drop <= k).count())
            }
            Self::WarmUp { last, steps } => {
                if k < *steps {
                    last * (k + 1) as f64 / *steps as f64
                } else {
                    *last
                }
            }
            Self::Listed(sizes) => sizes.get(k).or(sizes.last()).copied().unwrap_or(0.0),
        }
    }

    /// Returns the size and length of each stretch of equal steps among the first `steps`.
    ///
    /// # Errors
    /// [`Error::Resource`] for more than [`MOST`] stretches, or more changes than that of a size given by a formula.
    pub(super) fn stretches(&self, steps: usize) -> Result<Vec<(f64, usize)>, Error> {
        // The steps at which the size may change, in order, with the new sizes. Only these are visited, as there may be
        // very many steps.
        let sized = |start: usize| (start, self.at(start));
        let mut changes: Box<dyn Iterator<Item = (usize, f64)>> = match self {
            Self::Constant(h) => Box::new(std::iter::once((0, *h))),
            Self::InverseSqrt { first: 0.0, .. } | Self::WarmUp { last: 0.0, .. } => {
                Box::new(std::iter::once((0, 0.0)))
            }
            Self::InverseSqrt { period, .. } => Box::new((0..steps).step_by((*period).max(1)).map(sized)),
            Self::Drops { first, factor, at } => {
                let mut at = at.clone();
                at.sort_unstable();
                let dropped = move |(i, start)| (start, dropped(*first, *factor, i));
                Box::new(std::iter::once(0).chain(at).enumerate().map(dropped))
            }
            Self::WarmUp { steps, .. } => Box::new((0..=*steps).map(sized)),
            Self::Listed(sizes) => Box::new((0..sizes.len()).map(sized)),
        };
        let too_many = || {
            let reason = format!(
                "{} over {steps} steps has more than 2^20 sizes; take fewer steps, or a longer period",
                self.describe()
            );
            Error::Resource { reason }
        };
        // Lists are as long as the memory they take. Formulas go on, even where subnormal sizes round to equal ones.
        let most = match self {
            Self::InverseSqrt { .. } | Self::WarmUp { .. } => MOST + 1,
            Self::Constant(_) | Self::Drops { .. } | Self::Listed(_) => usize::MAX,
        };
        let mut visited = 0;
        let mut stretches: Vec<(f64, usize)> = Vec::new();
        let mut change = changes.next().filter(|&(start, _)| start < steps);
        while let Some((start, h)) = change {
            visited += 1;
            if visited > most {
                return Err(too_many());
            }
            change = changes.next().filter(|&(next, _)| next < steps);
            let length = change.map_or(steps, |(next, _)| next) - start;
            if length == 0 {
                continue; // two changes at one step
            }
            if let Some((_, longer)) = stretches.last_mut().filter(|(size, _)| *size == h) {
                *longer += length;
                continue;
            }
            if stretches.len() == MOST {
                return Err(too_many());
            }
            stretches.push((h, length));
        }
        Ok(stretches)
    }

    /// Checks the parameters.
    ///
    /// # Errors
    /// [`Error::Domain`] for a size that is negative or not finite, or a factor outside (0, 1];
    /// [`Error::Empty`] for a list without sizes or a period or warm-up of no steps.
    pub(super) fn check(&self) -> Result<(), Error> {
        let size = |h: f64| checked("a step size", h).map(|_| ());
        match self {
            Self::Constant(h) => size(*h),
            Self::InverseSqrt { period: 0, .. } => Err(Error::Empty { what: "the period of a schedule" }),
            Self::WarmUp { steps: 0, .. } => Err(Error::Empty { what: "the warm-up of a schedule" }),
            Self::InverseSqrt { first, .. } => size(*first),
            Self::WarmUp { last, .. } => size(*last),
            Self::Drops { first, factor, .. } => {
                if *factor > 0.0 && *factor <= 1.0 {
                    size(*first)
                } else {
                    let must_be = "greater than 0 and at most 1";
                    Err(Error::Domain {
                        what: "the factor of a drop of the step size",
                        value: *factor,
                        must_be,
                    })
                }
            }
            Self::Listed(sizes) if sizes.is_empty() => Err(Error::Empty { what: "the list of step sizes" }),
            Self::Listed(sizes) => sizes.iter().try_for_each(|&h| size(h)),
        }
    }

    /// Describes the schedule in words, for a caption.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Constant(h) => format!("step {h:e}"),
            Self::InverseSqrt { first, period: 1 } => format!("step {first:e}/√(k + 1)"),
            Self::InverseSqrt { first, period } => format!("step {first:e}/√(⌊k/{period}⌋ + 1)"),
            Self::Drops { first, factor, at } => {
                format!("step {first:e}, times {factor:e} from each of the steps {at:?} on")
            }
            Self::WarmUp { last, steps } => format!("step {last:e} after a linear warm-up of {steps} steps"),
            Self::Listed(sizes) => format!("{} listed step sizes", sizes.len()),
        }
    }
}

/// Returns the step size after `drops` drops.
fn dropped(first: f64, factor: f64, drops: usize) -> f64 {
    first * factor.powi(i32::try_from(drops).unwrap_or(i32::MAX))
}
