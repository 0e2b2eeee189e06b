//! The training set without each of its rows: the spectrum that a filter then sees.

use super::Modes;
use super::downdate::{Downdated, Row};
use crate::Error;
use crate::filter::{Response, SpectralFilter, Spectrum};
use crate::machine::memory::{reserve, sum, table};
use crate::machine::order;

/// Squared singular values with a smaller relative difference count as equal.
const SAME: f64 = 8.0 * f64::EPSILON;
/// A row with a smaller component along a mode does not change that mode.
const NOTHING: f64 = 1e-18;

/// The training set without each row.
#[derive(Debug)]
pub(super) struct WithoutRow {
    rows: Vec<Left>,
    /// Rows and columns of the whole training set.
    shape: (usize, usize),
    outputs: usize,
    /// The factor from residuals to errors; with an intercept the means move, too.
    factor: f64,
    has_intercept: bool,
}

/// The training set without one row.
#[derive(Debug)]
struct Left {
    /// Singular values.
    sigma: Vec<f64>,
    /// How much each gain contributes to the prediction at the row, for each output.
    shares: Vec<Vec<f64>>,
    targets: Vec<f64>,
}

impl WithoutRow {
    /// Computes the spectra without each row. O(n r²).
    pub(super) fn all(modes: &Modes) -> Result<Self, Error> {
        let (n, rank, k) = (modes.rows(), modes.rank(), modes.outputs());
        let work = [table(n, rank.saturating_mul(4 + k)), table(rank, rank)];
        reserve("the fits without each row", sum(work))?;
        // Without row i, x − x̄ is n/(n − 1) times what it is with it.
        let factor = if modes.intercepts > 0 && n > 1 { (n as f64 / (n - 1) as f64).sqrt() } else { 1.0 };
        let largest = modes.sigma.first().copied().unwrap_or(0.0);
        let groups = groups(&modes.sigma[..rank], largest);
        let rows = (0..n).map(|i| Left::new(modes, i, &groups, factor, largest)).collect();
        let has_intercept = modes.intercepts > 0;
        Ok(Self { rows, shape: (n, modes.width), outputs: k, factor, has_intercept })
    }

    /// The mean squared leave-one-out error of a filter; `None` if it has no fit without some row.
    pub(super) fn mean_square(&self, filter: &dyn SpectralFilter) -> Result<Option<f64>, Error> {
        let mut sum = 0.0;
        let entries = (self.rows.len() * self.outputs) as f64;
        let is_complete = self.each(filter, |_, _, error| sum += error * error / entries)?;
        Ok(is_complete.then_some(sum))
    }

    /// Visits the error of each row and output. Returns `false` if a row has none.
    pub(super) fn each(
        &self,
        filter: &dyn SpectralFilter,
        mut visit: impl FnMut(usize, usize, f64),
    ) -> Result<bool, Error> {
        let mut response = Response::default();
        let (n, width) = self.shape;
        if n < 2 {
            // Without rows, every fit is 0, but an intercept does not exist.
            if self.has_intercept {
                return Ok(false);
            }
            let targets = self.rows.iter().flat_map(|left| &left.targets).enumerate();
            targets.for_each(|(output, target)| visit(0, output, *target));
            return Ok(true);
        }
        for (i, left) in self.rows.iter().enumerate() {
            match response.ask(filter, Spectrum::new(n - 1, width, &left.sigma)) {
                Ok(()) => {}
                Err(error @ Error::UserCode { .. }) => return Err(error),
                Err(_) => return Ok(false), // too large a step without the row, or too negative a penalty
            }
            for (output, target) in left.targets.iter().enumerate() {
                let shares = response.gains.iter().zip(&left.shares);
                let predicted: f64 = shares.map(|(gain, share)| gain * share[output]).sum();
                visit(i, output, self.factor * (target - predicted));
            }
        }
        Ok(true)
    }
}

/// Groups the modes by squared singular value. Each group has its value, relative to the largest, and its range of
/// modes.
fn groups(sigma: &[f64], largest: f64) -> Vec<(f64, std::ops::Range<usize>)> {
    let mut groups: Vec<(f64, std::ops::Range<usize>)> = Vec::new();
    for (mode, s) in sigma.iter().enumerate() {
        let square = (s / largest).powi(2);
        match groups.last_mut() {
            Some((first, range)) if *first - square <= SAME * *first => range.end = mode + 1,
            _ => groups.push((square, mode..mode + 1)),
        }
    }
    groups
}

impl Left {
    fn new(
        modes: &Modes,
        i: usize,
        groups: &[(f64, std::ops::Range<usize>)],
        factor: f64,
        largest: f64,
    ) -> Self {
        let k = modes.outputs();
        let u = modes.u.row(i);
        let targets: Vec<f64> = (0..k)
            .map(|output| factor * (u.dot(&modes.along.column(output)) + modes.outside[[i, output]]))
            .collect();
        // The poles that the row moves, with its component in each. The others stay: the row has no component along
        // them.
        let (mut poles, mut omega, mut along) = (Vec::new(), Vec::new(), vec![Vec::new(); k]);
        let mut stay = Vec::new();
        for (square, range) in groups {
            let share = range.clone().map(|mode| u[mode] * u[mode]).sum::<f64>().sqrt();
            let moved = usize::from(share > NOTHING);
            stay.extend(std::iter::repeat_n(*square, range.len() - moved));
            if moved == 0 {
                continue;
            }
            poles.push(*square);
            omega.push(factor * share);
            for (output, along) in along.iter_mut().enumerate() {
                let inner: f64 = range.clone().map(|mode| u[mode] * modes.along[[mode, output]]).sum();
                along.push(inner / share);
            }
        }
        let open = factor * factor * modes.open[i];
        let row = Row { omega: &omega, open, targets: &targets };
        let Downdated { values, shares } = Downdated::new(&poles, &row, &along);
        let mut found: Vec<(f64, Vec<f64>)> = values
            .into_iter()
            .zip(shares)
            .filter(|(value, _)| *value > 0.0)
            .map(|(value, share)| {
                let sigma = value.sqrt();
                // The prediction is f(λ) times the share, f = gain/σ, in units of the largest singular value.
                (largest * sigma, share.into_iter().map(|share| largest * share / sigma).collect())
            })
            .collect();
        found.extend(stay.into_iter().map(|square| (largest * square.sqrt(), vec![0.0; k])));
        order::sort(&mut found, |a, b| b.0.total_cmp(&a.0));
        let (sigma, shares) = found.into_iter().unzip();
        Self { sigma, shares, targets }
    }
}
