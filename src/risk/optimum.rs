//! The best ridge penalty and the best stopping time, by the exact risk given a design.
//!
//! Both are one amount of regularisation: `x = ln λ`, or `x = −ln t`. The sign of the risk's slope in `x` is known in
//! closed form, at both ends as well. The search therefore looks for changes of sign on a grid of eight points per
//! decade, from a thousandth of the smallest eigenvalue to a thousand times the largest, and bisects each one. (Below
//! and above the grid, the slope is that of a straight line in `λ`, or in `1/λ`, which changes its sign at most once.)
//! If the risk has several minima (two descents in time), all are found and the lowest is taken.

use super::given_design::{GivenDesign, Risk};
use crate::Error;
use crate::filter::{Loss, Response};

/// Grid points per factor of `e`.
const DENSITY: f64 = 8.0 / std::f64::consts::LN_10;
/// How far the grid reaches beyond the eigenvalues: a factor of a thousand.
const MARGIN: f64 = 3.0 * std::f64::consts::LN_10;
/// How far a change of sign is followed beyond the grid: sixty decades.
const REACH: f64 = 60.0 * std::f64::consts::LN_10;
/// The least distance of a negative penalty from the pole, relative to the pole.
const NEAREST: f64 = 1e-9;

/// The least expected risk of a family of filters, from [`GivenDesign::best_penalty`] or [`GivenDesign::best_time`].
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Optimum {
    /// The best penalty `λ` (added to the sum of squares), or time `t`; 0 or infinite at an end.
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub value: f64,
    /// The expected errors there.
    pub risk: Risk,
    /// The end at which the best value lies; `None` if it lies between the ends.
    pub end: Option<End>,
}

/// An end of the range of regularisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum End {
    /// No regularisation is best: `λ = 0`, `t = ∞`, the minimum norm (from the start).
    NoRegularisation,
    /// Infinite regularisation is best: `λ = ∞`, `t = 0`, the start itself.
    NoFit,
    /// The risk falls all the way to the pole of a negative penalty, `λ = −σᵣ²`. The value is a billionth away from it.
    Pole,
}

/// Which ridge penalties to consider.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Penalties {
    /// `λ ≥ 0`.
    #[default]
    NonNegative,
    /// `λ > −σᵣ²`, `σᵣ` the smallest singular value within the rank: the normal equations still have a solution, larger
    /// than the minimum-norm one. If features outnumber samples and few directions carry the teacher, the others
    /// already act as a ridge, and the best penalty may be negative.
    Signed,
}

/// A family of filters, parametrised by one amount of regularisation `x`.
#[derive(Clone, Copy, Debug)]
enum Family {
    /// `λ = eˣ`.
    Ridge,
    /// `λ = −σᵣ² τ`, `τ = 1/(1 + eˣ)`: from the pole, `x = −∞`, up to `λ = 0`, which is [`At::NoFit`] here.
    NegativeRidge,
    /// `t = e⁻ˣ`, with the curvature of the loss.
    Flow(f64),
}

/// A point on the axis of a family.
#[derive(Clone, Copy, Debug)]
enum At {
    Unregularised,
    Value(f64),
    NoFit,
}

impl GivenDesign {
    /// Finds the ridge penalty `λ` (of `‖Xβ − Y‖² + λ‖β − β₀‖²`) with the least expected risk. O(q r k) for each of
    /// some hundred steps. Modes beyond the rank are left out, as in the pseudoinverse.
    ///
    /// # Errors
    /// [`Error::Overflow`] if an expected error does not fit into `f64`.
    ///
    /// # Examples
    /// Isotropic features, and the mean over all directions of a teacher of length 2: `λ = p v / ‖β*‖²`, whatever the
    /// design (Nakkiran et al. 2021, lemma 2).
    /// ```
    /// use double_descent::risk::{Covariance, Penalties, Population};
    /// use double_descent::svd::Svd;
    /// use ndarray::{Array2, array};
    ///
    /// let population = Population::new(Covariance::isotropic(3, 1.0)?, Array2::eye(3) * 2.0, 0.8)?;
    /// let svd = Svd::new(&array![[1.0, 0.0, 2.0], [0.5, -3.0, 1.0]])?;
    /// let best = population.given(&svd)?.best_penalty(Penalties::NonNegative)?;
    /// assert!((best.value - 3.0 * 0.8 / 4.0).abs() < 1e-12 && best.end.is_none());
    /// # Ok::<(), double_descent::Error>(())
    /// ```
    ///
    /// # References
    /// Nakkiran, Venkat, Kakade and Ma, *Optimal regularization can mitigate double descent*, ICLR 2021; Wu and Xu, *On
    /// the optimal weighted ℓ₂ regularization in overparameterized linear regression*, NIPS 2020, and
    /// Kobak, Lomond and Sanchez, *The optimal ridge penalty for real-world high-dimensional data can be zero or
    /// negative due to the implicit ridge regularization*, JMLR 2020 (negative penalties).
    pub fn best_penalty(&self, penalties: Penalties) -> Result<Optimum, Error> {
        let mut best = self.best_of(Family::Ridge)?;
        if penalties == Penalties::Signed && self.rank > 0 {
            // Zero is not an end then: the slope there tells on which side to look.
            let negative = self.best_of(Family::NegativeRidge)?;
            if negative.risk.excess() < best.risk.excess() {
                best = negative;
            }
        }
        Ok(best)
    }

    /// Finds the time `t` at which gradient flow on this loss has the least expected risk, the lowest of several
    /// minima.
    ///
    /// # Errors
    /// [`Error::Overflow`] if an expected error does not fit into `f64`.
    ///
    /// # Examples
    /// One mode of variance `ℓ = σ²/n`: `t = ln(1 + nℓθ²/v)/ℓ` (Heckel and Yilmaz 2021).
    /// ```
    /// use double_descent::filter::Loss;
    /// use double_descent::risk::{Covariance, End, Population};
    /// use double_descent::svd::Svd;
    /// use ndarray::array;
    ///
    /// let svd = Svd::new(&array![[1.0], [2.0]])?; // n ℓ = 5
    /// let with_noise = |v| Population::new(Covariance::isotropic(1, 1.0)?, array![[3.0]], v)?.given(&svd);
    /// let best = with_noise(0.9)?.best_time(Loss::HalfMean)?;
    /// assert!((best.value - 51.0_f64.ln() / 2.5).abs() < 1e-12);
    /// assert_eq!(with_noise(0.0)?.best_time(Loss::HalfMean)?.end, Some(End::NoRegularisation));
    /// # Ok::<(), double_descent::Error>(())
    /// ```
    pub fn best_time(&self, loss: Loss) -> Result<Optimum, Error> {
        self.best_of(Family::Flow(loss.curvature(self.rows())))
    }

    fn best_of(&self, family: Family) -> Result<Optimum, Error> {
        let grid = self.grid(family);
        let mut places = vec![At::Unregularised];
        places.extend(grid.iter().copied().map(At::Value));
        places.push(At::NoFit);
        let slopes: Vec<f64> = places.iter().map(|&at| self.slope(family, at)).collect();
        let mut candidates = Vec::new();
        let last = places.len() - 1;
        if slopes[0] >= 0.0 {
            candidates.push(At::Unregularised);
        }
        if slopes[last] <= 0.0 {
            candidates.push(At::NoFit);
        }
        for (pair, slope) in places.windows(2).zip(slopes.windows(2)) {
            if slope[0] < 0.0 && slope[1] >= 0.0 {
                candidates.push(self.bisect(family, (pair[0], pair[1])));
            }
        }
        // The slope is 0 all the way down to an end: that end is then as good as any point.
        if candidates.is_empty() {
            candidates.push(At::Unregularised);
        }
        let mut best: Option<Optimum> = None;
        for at in candidates {
            let optimum = self.at(family, at)?;
            if best.is_none_or(|best| optimum.risk.excess() < best.risk.excess()) {
                best = Some(optimum);
            }
        }
        best.ok_or(Error::Empty { what: "the list of penalties" })
    }

    /// The grid, ascending; empty at rank 0.
    fn grid(&self, family: Family) -> Vec<f64> {
        let Some(smallest) = self.rank.checked_sub(1).map(|last| self.sigma[last]) else { return Vec::new() };
        let curvature = if let Family::Flow(c) = family { c.ln() } else { 0.0 };
        let (low, high) = match family {
            // From close to the pole, where 1 − τ ≈ eˣ, to close to 0.
            Family::NegativeRidge => (NEAREST.ln(), MARGIN),
            _ => (2.0 * smallest.ln() + curvature - MARGIN, 2.0 * self.sigma[0].ln() + curvature + MARGIN),
        };
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // at most 1,300 decades
        let steps = ((high - low) * DENSITY).ceil().max(1.0) as usize;
        (0..=steps).map(|i| low + (high - low) * i as f64 / steps as f64).collect()
    }

    /// Bisects a change of sign until the two bounds are neighbouring numbers, or nearly.
    fn bisect(&self, family: Family, (low, high): (At, At)) -> At {
        let (mut a, mut b) = match (low, high) {
            (At::Value(a), At::Value(b)) => (a, b),
            (At::Unregularised, At::Value(b)) => (b - REACH, b),
            (At::Value(a), _) => (a, a + REACH),
            _ => return low,
        };
        if self.slope(family, At::Value(a)) >= 0.0 {
            return low;
        }
        if self.slope(family, At::Value(b)) < 0.0 {
            return high;
        }
        for _ in 0..80 {
            let middle = f64::midpoint(a, b);
            if middle <= a || middle >= b {
                break;
            }
            if self.slope(family, At::Value(middle)) < 0.0 {
                a = middle;
            } else {
                b = middle;
            }
        }
        At::Value(f64::midpoint(a, b))
    }

    fn at(&self, family: Family, at: At) -> Result<Optimum, Error> {
        let risk = self.of_response(&self.response(family, at))?;
        let (value, end) = match (family, at) {
            (Family::Flow(_), At::Unregularised) => (f64::INFINITY, Some(End::NoRegularisation)),
            (Family::Flow(_), At::NoFit) => (0.0, Some(End::NoFit)),
            (Family::Flow(_), At::Value(x)) => ((-x).exp(), None),
            (Family::Ridge, At::Value(x)) => (x.exp(), None),
            (Family::Ridge, At::NoFit) => (f64::INFINITY, Some(End::NoFit)),
            (Family::Ridge, At::Unregularised) | (Family::NegativeRidge, At::NoFit) => {
                (0.0, Some(End::NoRegularisation))
            }
            (Family::NegativeRidge, At::Value(x)) => (self.negative(x), None),
            (Family::NegativeRidge, At::Unregularised) => (self.negative(NEAREST.ln()), Some(End::Pole)),
        };
        Ok(Optimum { value, risk, end })
    }

    /// The negative penalty `−σᵣ² τ`, `τ = 1/(1 + eˣ)`.
    fn negative(&self, x: f64) -> f64 {
        let smallest = self.sigma[self.rank - 1];
        -smallest * smallest / (1.0 + x.exp())
    }

    /// Gains and residual factors. Modes beyond the rank have gain 0 and residual factor 1.
    fn response(&self, family: Family, at: At) -> Response {
        let mode = |(i, &s): (usize, &f64)| {
            if i >= self.rank {
                return (0.0, 1.0);
            }
            match (family, at) {
                (Family::Ridge | Family::Flow(_), At::Unregularised) | (Family::NegativeRidge, At::NoFit) => {
                    (s.recip(), 0.0)
                }
                (Family::Ridge | Family::Flow(_), At::NoFit) => (0.0, 1.0),
                (Family::Ridge, At::Value(x)) => {
                    // In terms of the ratio to √λ, so that no square overflows.
                    let ratio = s / (x / 2.0).exp();
                    let pull = (x - s.ln()).exp();
                    ((s + pull).recip(), (1.0 + ratio * ratio).recip())
                }
                (Family::NegativeRidge, At::Value(x)) => self.negative_mode(s, x),
                (Family::NegativeRidge, At::Unregularised) => self.negative_mode(s, NEAREST.ln()),
                (Family::Flow(c), At::Value(x)) => {
                    let decay = (2.0 * s.ln() + c.ln() - x).exp();
                    (-(-decay).exp_m1() / s, (-decay).exp())
                }
            }
        };
        let (gains, residuals) = self.sigma.iter().enumerate().map(mode).unzip();
        Response { gains, residuals }
    }

    /// Computes `σ/(σ² − q²)` and `−q²/(σ² − q²)`, `q² = σᵣ² τ`, without cancellation at the pole.
    fn negative_mode(&self, s: f64, x: f64) -> (f64, f64) {
        let smallest = self.sigma[self.rank - 1];
        let ratio = smallest / s; // at most 1
        let tau = (1.0 + x.exp()).recip();
        // 1 − ratio² τ = (1 − ratio²) + ratio² (1 − τ), both parts ≥ 0.
        let far = (s - smallest) / s * (1.0 + ratio);
        let left = far + ratio * ratio / (1.0 + (-x).exp());
        ((s * left).recip(), -ratio * ratio * tau / left)
    }

    /// Returns a number with the sign of the risk's slope towards more regularisation.
    fn slope(&self, family: Family, at: At) -> f64 {
        let Response { gains, residuals } = self.response(family, at);
        let Some(smallest) = self.rank.checked_sub(1).map(|last| self.sigma[last]) else { return 0.0 };
        let largest = self.sigma[0];
        // How much each residual factor changes; the gain changes by −1/σ times that. All in one positive unit.
        let logarithms = |s: f64, (f, g): (f64, f64)| match (family, at) {
            (Family::Flow(c), At::Value(x)) => {
                let decay = |s: f64| (2.0 * s.ln() + c.ln() - x).exp();
                2.0 * (s / smallest).ln() - (decay(s) - decay(smallest))
            }
            // Only the slowest modes are still changing.
            (Family::Flow(_), At::Unregularised) => {
                if s > smallest {
                    f64::NEG_INFINITY
                } else {
                    0.0
                }
            }
            (Family::Ridge, At::Unregularised) | (Family::NegativeRidge, At::NoFit) => {
                2.0 * (smallest / s).ln()
            }
            (Family::Ridge | Family::Flow(_), At::NoFit) => 2.0 * (s / largest).ln(),
            // λ g′ = g σ f, whatever the sign of λ.
            (Family::Ridge | Family::NegativeRidge, _) => g.abs().ln() + (s * f).ln(),
        };
        let modes = self.sigma.iter().take(self.rank).zip(gains.iter().zip(&residuals));
        let mut step: Vec<f64> = modes.map(|(&s, (&f, &g))| logarithms(s, (f, g))).collect();
        let most = step.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        for log in &mut step {
            *log = (*log - most).exp();
        }
        step.resize(self.sigma.len(), 0.0);
        let bias = self.half_slope(&residuals, &step);
        if matches!((family, at), (Family::Ridge | Family::Flow(_), At::NoFit)) && bias != 0.0 {
            return bias; // the gains are negligible next to it
        }
        let no_fit = matches!((family, at), (Family::Ridge | Family::Flow(_), At::NoFit));
        let noise = step.iter().zip(&gains).zip(self.sigma.iter().zip(&self.lengths));
        let noise: f64 = noise
            .take(self.rank)
            .map(|((step, f), (s, length))| if no_fit { step * length } else { step * f / s * length })
            .sum();
        bias - if self.noise == 0.0 { 0.0 } else { self.noise * noise }
    }

    fn rows(&self) -> usize {
        self.shape.0
    }
}
