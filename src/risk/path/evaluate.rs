//! The points of a path, many at once as matrix products.

use super::ridge_left_out::{RidgeLeftOut, make_relative};
use super::without_row::WithoutRow;
use super::{Modes, PathPoint, Projected};
use crate::Error;
use crate::filter::{Response, Ridge, SpectralFilter};
use crate::machine::memory::{reserve, sum, table};
use crate::svd::{dot, exponent, scaled, times_transposed};

/// Values per matrix product: enough for fast products, and few enough to need little memory.
const TOGETHER: usize = 128;
/// The exponent of the targets from which their squares are scaled first.
pub(super) const ORDINARY: i32 = 200;

/// Fits along a path that are measured together.
struct Batch<'a> {
    modes: &'a Modes,
    responses: &'a [Response],
}

impl Batch<'_> {
    /// Returns `weight(response, mode)` times the targets along the modes, one row per fit and output.
    fn rows(&self, weight: impl Fn(&Response, usize) -> f64) -> Vec<f64> {
        let (rank, k) = (self.modes.rank(), self.modes.outputs());
        let mut rows = Vec::with_capacity(self.responses.len() * k * rank);
        for response in self.responses {
            for output in 0..k {
                rows.extend((0..rank).map(|mode| weight(response, mode) * self.modes.along[[mode, output]]));
            }
        }
        rows
    }

    /// Computes the mean squared test errors, one for each fit.
    fn test(&self, values: &[f64], test: &Projected) -> Vec<f64> {
        let k = self.modes.outputs();
        let moved = self.rows(|response, mode| response.gains[mode]);
        let (height, count) = (test.features.nrows(), self.responses.len());
        let mut predictions = vec![0.0; height * count * k];
        let features = test.features.as_slice().unwrap_or(&[]);
        times_transposed(features, &moved, &mut predictions, (height, count * k, self.modes.rank()));
        if let Some((outside, least)) = &test.outside {
            for (row, outside) in predictions.chunks_exact_mut(count * k).zip(outside.rows()) {
                for (fit, penalty) in
                    row.chunks_exact_mut(k).zip(values).filter(|(_, penalty)| *penalty > least)
                {
                    fit.iter_mut().zip(outside).for_each(|(f, outside)| *f += outside / penalty);
                }
            }
        }
        let mut sums = vec![0.0; count];
        for (row, targets) in predictions.chunks_exact(count * k).zip(test.targets.rows()) {
            for (sum, fit) in sums.iter_mut().zip(row.chunks_exact(k)) {
                *sum += fit.iter().zip(targets).map(|(f, y)| (f - y) * (f - y)).sum::<f64>();
            }
        }
        sums.into_iter().map(|sum| sum / test.rows / k as f64).collect()
    }

    /// Computes everything but the leave-one-out errors, which ridge and other filters compute in different ways.
    fn points(&self, values: &[f64], test: Option<&Projected>) -> Vec<PathPoint> {
        let modes = self.modes;
        let (n, k) = (modes.rows() as f64, modes.outputs());
        let rest: f64 = modes.outside.iter().map(|v| v * v).sum();
        let tests = test.map(|test| self.test(values, test));
        let squares: Vec<f64> =
            modes.along.rows().into_iter().map(|row| row.iter().map(|c| c * c).sum()).collect();
        let size = exponent(largest(modes.along.iter().copied()));
        let each = values.iter().zip(self.responses).enumerate();
        each.map(|(i, (&value, Response { gains, residuals }))| {
            let train_mse = (weighted(residuals, &squares) + rest) / (n * k as f64);
            let fitted = dot(gains, &modes.sigma[..squares.len()]);
            PathPoint {
                value,
                train_mse,
                test_mse: tests.as_ref().map(|tests| tests[i]),
                norm: self.norm(gains, size, weighted(gains, &squares)),
                degrees_of_freedom: fitted + modes.intercepts as f64,
                loo_mse: None,
                gcv: self.gcv(residuals, &squares, train_mse),
            }
        })
        .collect()
    }

    /// Returns the norm of a fit, whose square may be out of range or made of squares that are. `size` is the exponent of
    /// the targets.
    fn norm(&self, gains: &[f64], size: i32, square: f64) -> f64 {
        if size.abs() < ORDINARY && (1e-160..1e160).contains(&square) {
            return square.sqrt();
        }
        let of_gains = exponent(largest(gains.iter().copied()));
        let mut sum = 0.0;
        for (gain, row) in gains.iter().zip(self.modes.along.rows()) {
            let gain = scaled(*gain, -of_gains);
            sum += row.iter().map(|c| (gain * scaled(*c, -size)).powi(2)).sum::<f64>();
        }
        scaled(sum.sqrt(), of_gains + size)
    }

    fn gcv(&self, residuals: &[f64], squares: &[f64], train_mse: f64) -> Option<f64> {
        let (n, k) = (self.modes.rows() as f64, self.modes.outputs() as f64);
        let beyond = self.modes.beyond();
        if beyond > 0 {
            // 1 − df/n as a sum of residual factors.
            let left = (beyond as f64 + total(residuals)) / n;
            return (left > 0.0).then(|| train_mse / (left * left));
        }
        let mut weights = residuals.to_vec();
        make_relative(&mut weights, &self.modes.sigma[..squares.len()]);
        let (sum, trace) = (weighted(&weights, squares), total(&weights));
        (trace > 0.0).then(|| n * sum / (trace * trace * k))
    }
}

fn largest(values: impl Iterator<Item = f64>) -> f64 {
    values.fold(0.0, |most, v| most.max(v.abs()))
}

/// `Σ w² s`.
fn weighted(weights: &[f64], squares: &[f64]) -> f64 {
    let of_weights: Vec<f64> = weights.iter().map(|weight| weight * weight).collect();
    dot(&of_weights, squares)
}

/// Adds values in eight partial sums, which run in parallel.
fn total(values: &[f64]) -> f64 {
    let (chunks, rest) = values.as_chunks::<8>();
    let mut sums = [0.0; 8];
    for chunk in chunks {
        sums.iter_mut().zip(chunk).for_each(|(sum, value)| *sum += value);
    }
    sums.iter().sum::<f64>() + rest.iter().sum::<f64>()
}

/// Computes the points of ridge fits with many penalties.
pub(crate) fn ridge_points(
    modes: &Modes,
    lambdas: &[f64],
    test: Option<&Projected>,
    with_left_out: bool,
) -> Result<Vec<PathPoint>, Error> {
    let (n, rank, k) = (modes.rows(), modes.rank(), modes.outputs());
    let height = test.map_or(0, |test| test.features.nrows());
    let together = TOGETHER.min(lambdas.len());
    let work = [
        if with_left_out { table(n, rank) } else { 0 },
        table(together, 3 * rank.saturating_mul(k)),
        table(together, n.saturating_mul(1 + k)),
        table(together, height.saturating_mul(k)),
    ];
    reserve("a path of ridge fits", sum(work))?;
    let left_out = with_left_out.then(|| RidgeLeftOut::new(modes).at_nodes(lambdas)).transpose()?;
    let mut points = Vec::with_capacity(lambdas.len());
    let mut responses = vec![Response::default(); together];
    for lambdas in lambdas.chunks(TOGETHER) {
        for (response, &lambda) in responses.iter_mut().zip(lambdas) {
            ask(modes, &Ridge::new(lambda)?, response)?;
        }
        let batch = Batch { modes, responses: &responses[..lambdas.len()] };
        let mut found = batch.points(lambdas, test);
        if let Some(left_out) = &left_out {
            for (point, error) in found.iter_mut().zip(left_out.mean_squares(lambdas, batch.responses)) {
                point.loo_mse = error;
            }
        }
        points.append(&mut found);
    }
    checked(points)
}

/// Computes the points of fits with filters of any kind.
pub(super) fn filter_points(
    modes: &Modes,
    filters: &[(f64, &dyn SpectralFilter)],
    test: Option<&Projected>,
    with_left_out: bool,
) -> Result<Vec<PathPoint>, Error> {
    let (rank, k) = (modes.rank(), modes.outputs());
    let height = test.map_or(0, |test| test.features.nrows());
    reserve("a path of fits", table(TOGETHER, rank.saturating_mul(2 + k).saturating_add(height * k)))?;
    let without = with_left_out.then(|| WithoutRow::all(modes)).transpose()?;
    let mut points = Vec::with_capacity(filters.len());
    let mut response = Response::default();
    for &(value, filter) in filters {
        ask(modes, filter, &mut response)?;
        let batch = Batch { modes, responses: std::slice::from_ref(&response) };
        let mut found = batch.points(&[value], test);
        if let Some(without) = &without {
            for point in &mut found {
                point.loo_mse = without.mean_square(filter)?;
            }
        }
        points.append(&mut found);
    }
    checked(points)
}

/// Computes the gains and residual factors of the kept modes.
pub(super) fn ask(modes: &Modes, filter: &dyn SpectralFilter, response: &mut Response) -> Result<(), Error> {
    response.ask(filter, modes.spectrum())?;
    response.gains.truncate(modes.rank());
    response.residuals.truncate(modes.rank());
    Ok(())
}

pub(super) fn checked(points: Vec<PathPoint>) -> Result<Vec<PathPoint>, Error> {
    for point in &points {
        let named = [
            ("the training error", Some(point.train_mse)),
            ("the test error", point.test_mse),
            ("the norm of the fit", Some(point.norm)),
            ("the degrees of freedom", Some(point.degrees_of_freedom)),
            ("the leave-one-out error", point.loo_mse),
            ("the generalised cross-validation", point.gcv),
        ];
        if let Some((what, _)) = named.iter().find(|(_, value)| value.is_some_and(|value| !value.is_finite()))
        {
            return Err(Error::Overflow { what });
        }
    }
    Ok(points)
}
