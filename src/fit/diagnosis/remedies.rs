//! Alternative fits to the same rows, with their estimated errors.

use super::left_out::LeftOut;
use crate::Error;
use crate::filter::{GradientFlow, LeadingModes, Loss, MinNorm, Ridge, SpectralFilter};
use crate::machine::spread::norm_of_deviations;
use crate::svd::Svd;
use ndarray::{Array1, Array2, ArrayRef2, Axis};

/// Penalties or times per factor of ten in the first search.
const PER_DECADE: f64 = 4.0;
/// Number of times the interval around the best of them is shrunk, by 0.618 each.
const SHRINKINGS: usize = 30;

/// A gain below this share of the error is a rounding error of the fits, and no difference.
const ROUNDING: f64 = 1e-12;

/// A way to fit the same table.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Method {
    /// The fit that was examined.
    AsItIs,
    /// Ridge with the penalty that gives the smallest error: `‖Xβ − y‖² + λ‖β‖²`.
    Ridge {
        /// `λ`.
        lambda: f64,
    },
    /// Gradient flow on `½‖Xβ − y‖²` from 0, stopped at the time that gives the smallest error.
    Stopping {
        /// The time. Gradient descent with step `h` reaches it after `time/h` steps.
        time: f64,
    },
    /// Least squares on the number of leading principal directions of the features that gives the smallest error.
    LeadingModes {
        /// The number of directions.
        modes: usize,
    },
    /// The examined fit on every other row, in the order given. If this is better, more rows bring the fit closer to its
    /// threshold. Other halves give other errors: the standard error over rows does not include by how much.
    HalfTheRows,
}

/// The estimated error of a fit at a new row, in a [`Diagnosis`](super::Diagnosis).
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Estimate {
    /// The fit.
    pub method: Method,
    /// The mean over rows (and outputs) of the squared error at rows that the fit has not seen. The penalty, time or
    /// number of directions was chosen to minimise this number, so it is a little too small.
    pub mse: f64,
    /// Its standard error over rows. The fits share nearly all rows, so it is a guide rather than a bound.
    pub standard_error: f64,
    /// The median of the same squared errors: near the threshold, one row may dominate the mean.
    pub median: f64,
    /// The number of rows behind the estimate.
    pub rows: usize,
    /// The gain over the examined fit; `None` for that fit itself.
    pub gain: Option<Gain>,
    /// The mean squared error of the fit to all rows on the test rows, if there are any; for half the rows, the mean
    /// of both halves.
    pub test_mse: Option<f64>,
}

/// The gain of a fit over the examined fit, from their errors on the same rows.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Gain {
    /// The error of the examined fit minus that of this one, averaged over rows.
    pub mean: f64,
    /// Its standard error over rows, from paired differences.
    pub standard_error: f64,
    /// The share of rows on which this fit is better.
    pub share: f64,
}

impl Gain {
    /// Whether the gain is more than two standard errors.
    #[must_use]
    pub fn is_clear(&self) -> bool {
        self.mean > 2.0 * self.standard_error
    }

    /// Whether it is only rounding in an examined fit of error `mse`.
    pub(super) fn is_rounding(&self, mse: f64) -> bool {
        self.mean.abs().max(self.standard_error) <= ROUNDING * mse
    }
}

/// The data for the estimates.
pub(super) struct Candidates<'a> {
    pub(super) svd: &'a Svd,
    pub(super) x: &'a ArrayRef2<f64>,
    pub(super) y: &'a ArrayRef2<f64>,
    pub(super) fits: &'a [LeftOut],
}

impl Candidates<'_> {
    /// Returns the estimates of the examined fit and of the alternatives.
    pub(super) fn all(&self, filter: &dyn SpectralFilter) -> Result<(Estimate, Vec<Estimate>), Error> {
        let own = self.errors(filter)?;
        let estimate = |method, errors: &[f64]| estimate(method, errors, &own);
        let mut remedies = Vec::new();
        if self.svd.rank() > 0 {
            let (lambda, errors) = self.best_ridge()?;
            remedies.push(estimate(Method::Ridge { lambda }, &errors)?);
            let (time, errors) = self.best_time()?;
            remedies.push(estimate(Method::Stopping { time }, &errors)?);
            let (modes, errors) = self.best_modes()?;
            remedies.push(estimate(Method::LeadingModes { modes }, &errors)?);
        }
        if self.y.nrows() >= 4 {
            match self.half(filter) {
                Ok(errors) => remedies.push(estimate(Method::HalfTheRows, &errors)?),
                // A step that suits all rows may be too large for half of them.
                Err(Error::StepTooLarge { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok((estimate(Method::AsItIs, &own)?, remedies))
    }

    fn errors(&self, filter: &dyn SpectralFilter) -> Result<Vec<f64>, Error> {
        self.fits.iter().map(|fit| Ok(fit.squared_error(&fit.response(filter)?.gains))).collect()
    }

    fn best_ridge(&self) -> Result<(f64, Vec<f64>), Error> {
        let value = |lambda| Ok(self.errors(&Ridge::new(lambda)?)?.iter().sum());
        let lambda = best_of(penalties(self.svd), value)?;
        Ok((lambda, self.errors(&Ridge::new(lambda)?)?))
    }

    fn best_time(&self) -> Result<(f64, Vec<f64>), Error> {
        let [low, high] = penalties(self.svd).map(f64::recip);
        let value = |time| Ok(self.errors(&GradientFlow::new(time, Loss::HalfSum)?)?.iter().sum());
        let time = best_of([high, low], value)?;
        Ok((time, self.errors(&GradientFlow::new(time, Loss::HalfSum)?)?))
    }

    fn best_modes(&self) -> Result<(usize, Vec<f64>), Error> {
        let most = self.svd.singular_values().len();
        let of_all = MinNorm::default();
        let tables = self
            .fits
            .iter()
            .map(|fit| Ok(fit.squared_errors_of_prefixes(&fit.response(&of_all)?.gains, most)))
            .collect::<Result<Vec<_>, Error>>()?;
        let sum = |modes: usize| tables.iter().map(|errors| errors[modes]).sum::<f64>();
        // On ties, the fewest modes.
        let least = (0..=most).fold((0, f64::INFINITY), |best, modes| {
            let found = sum(modes);
            if found < best.1 { (modes, found) } else { best }
        });
        Ok((least.0, tables.iter().map(|errors| errors[least.0]).collect()))
    }

    /// Returns the errors, at the rows left out, of the fits to every other row: rows 0, 2, 4, … predict the odd rows,
    /// and the reverse.
    fn half(&self, filter: &dyn SpectralFilter) -> Result<Vec<f64>, Error> {
        let n = self.y.nrows();
        let mut errors = vec![0.0; n];
        for parity in [0, 1] {
            let outside: Vec<usize> = (0..n).filter(|row| row % 2 != parity).collect();
            let beta = self.half_fit(filter, parity)?;
            for row in outside {
                let predicted: Array1<f64> = self.x.row(row).dot(&beta);
                let off = &predicted - &self.y.row(row);
                errors[row] = off.iter().map(|e| e * e).sum::<f64>() / off.len() as f64;
            }
        }
        Ok(self.fits.iter().map(|fit| errors[fit.row]).collect())
    }
}

impl Candidates<'_> {
    /// Fits every other row, from the first or the second on.
    fn half_fit(&self, filter: &dyn SpectralFilter, parity: usize) -> Result<Array2<f64>, Error> {
        let inside: Vec<usize> = (0..self.y.nrows()).filter(|row| row % 2 == parity).collect();
        let [x, y] = [self.x, self.y].map(|table| table.select(Axis(0), &inside));
        Svd::new(&x)?.solve(&y, filter)
    }

    /// Returns the mean squared error on test rows of a method's fit to all rows.
    pub(super) fn test_mse(
        &self,
        method: Method,
        filter: &dyn SpectralFilter,
        (x, y): (&ArrayRef2<f64>, &ArrayRef2<f64>),
    ) -> Result<f64, Error> {
        let error = |beta: &Array2<f64>| {
            let off = x.dot(beta) - y;
            off.iter().map(|e| e * e).sum::<f64>() / off.len() as f64
        };
        let fit = |filter: &dyn SpectralFilter| Ok::<_, Error>(error(&self.svd.solve(self.y, filter)?));
        let mse = match method {
            Method::AsItIs => fit(filter)?,
            Method::Ridge { lambda } => fit(&Ridge::new(lambda)?)?,
            Method::Stopping { time } => fit(&GradientFlow::new(time, Loss::HalfSum)?)?,
            Method::LeadingModes { modes } => fit(&LeadingModes(modes))?,
            Method::HalfTheRows => {
                0.5 * (error(&self.half_fit(filter, 0)?) + error(&self.half_fit(filter, 1)?))
            }
        };
        if mse.is_finite() { Ok(mse) } else { Err(Error::Overflow { what: "a test error of a diagnosis" }) }
    }
}

/// Returns the range of penalties: from practically minimum norm to practically 0, on all modes of the rank.
fn penalties(svd: &Svd) -> [f64; 2] {
    let largest = svd.singular_values().first().copied().unwrap_or(1.0);
    let smallest = svd.smallest_nonzero().unwrap_or(largest);
    [1e-3 * smallest.max(1e-8 * largest).powi(2), 1e3 * largest.powi(2)]
}

/// Minimises `value` over a range: first on a logarithmic grid, then between grid points.
fn best_of([low, high]: [f64; 2], value: impl Fn(f64) -> Result<f64, Error>) -> Result<f64, Error> {
    let fits = low.is_normal() && high.is_normal();
    if !fits {
        return Err(Error::Overflow { what: "a penalty or time of a diagnosis" });
    }
    let (low, high) = (low.ln(), high.ln());
    let steps = ((high - low) / std::f64::consts::LN_10 * PER_DECADE).ceil().max(1.0);
    let at = |i: f64| low + (high - low) * (i / steps);
    let value = |log: f64| value(log.exp());
    let (mut best, mut least, mut i) = (0.0, f64::INFINITY, 0.0);
    while i <= steps {
        let found = value(at(i))?;
        if found < least {
            (best, least) = (i, found);
        }
        i += 1.0;
    }
    // Golden-section search between the neighbours; the grid point is kept if nothing is better.
    let golden = 0.5 * (5.0_f64.sqrt() - 1.0);
    let (mut left, mut right) = (at((best - 1.0).max(0.0)), at((best + 1.0).min(steps)));
    let mut chosen = at(best);
    for _ in 0..SHRINKINGS {
        let span = golden * (right - left);
        let (one, other) = (right - span, left + span);
        let (first, second) = (value(one)?, value(other)?);
        for (log, found) in [(one, first), (other, second)] {
            if found < least {
                (chosen, least) = (log, found);
            }
        }
        if first <= second { right = other } else { left = one }
    }
    Ok(chosen.exp())
}

/// Returns a fit that stands in for the teacher: the ridge penalty that generalised cross-validation chooses, and the
/// coordinates of its fit along the modes (`r × k`); 0 at rank 0. `outside` is `‖(I − U Uᵀ) Y‖²`.
///
/// `GCV = ‖Y − Xβ̂‖²/(tr (I − H))²`, with `λ` divided out of both residuals and trace if there are no more rows than
/// features, so that the limit for interpolators is right.
pub(super) fn reference(
    svd: &Svd,
    y: &ArrayRef2<f64>,
    outside: f64,
) -> Result<(Option<f64>, Array2<f64>), Error> {
    let along = svd.u().t().dot(y);
    if svd.rank() == 0 {
        return Ok((None, Array2::zeros(along.dim())));
    }
    let sigma = svd.singular_values();
    let squares: Vec<f64> = along.rows().into_iter().map(|row| row.iter().map(|c| c * c).sum()).collect();
    let beyond = svd.shape().0 - sigma.len();
    let gcv = |lambda: f64| {
        // λ/(σ² + λ), or 1/(σ² + λ) in units of σ₁².
        let scale = if beyond > 0 { lambda } else { sigma[0] * sigma[0] };
        let (mut left, mut trace) = (outside, beyond as f64);
        for (s, square) in sigma.iter().zip(&squares) {
            let weight = scale / (s * s + lambda);
            left += square * weight * weight;
            trace += weight;
        }
        Ok(left / (trace * trace))
    };
    let lambda = best_of(penalties(svd), gcv)?;
    let gains = Ridge::new(lambda)?.gains(svd.spectrum());
    Ok((Some(lambda), along * gains.insert_axis(Axis(1))))
}

/// Returns the mean and its standard error.
fn mean(values: &[f64]) -> (f64, f64) {
    let count = values.len() as f64;
    let mean = values.iter().map(|value| value / count).sum::<f64>();
    (mean, norm_of_deviations(values, mean) / (count * (count - 1.0)).sqrt())
}

fn estimate(method: Method, errors: &[f64], own: &[f64]) -> Result<Estimate, Error> {
    let (mse, standard_error) = mean(errors);
    let mut sorted = errors.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    let median = if sorted.len() % 2 == 1 {
        sorted[middle]
    } else {
        f64::midpoint(sorted[middle - 1], sorted[middle])
    };
    let pairs: Vec<f64> = own.iter().zip(errors).map(|(own, error)| own - error).collect();
    let gain = (method != Method::AsItIs).then(|| {
        let (mean, standard_error) = mean(&pairs);
        let better = pairs.iter().filter(|difference| **difference > 0.0).count();
        Gain { mean, standard_error, share: better as f64 / errors.len() as f64 }
    });
    let numbers = [mse, standard_error]
        .into_iter()
        .chain(gain.iter().flat_map(|gain| [gain.mean, gain.standard_error]));
    if numbers.into_iter().all(f64::is_finite) {
        return Ok(Estimate {
            method,
            mse,
            standard_error,
            median,
            rows: errors.len(),
            gain,
            test_mse: None,
        });
    }
    Err(Error::Overflow { what: "an error of a diagnosis" })
}
