//! The points of a path: many at once, as matrix products.

use super::without_row::WithoutRow;
use super::{Modes, PathPoint, Projected};
use crate::Error;
use crate::filter::{Response, Ridge, SpectralFilter};
use crate::machine::memory::{reserve, sum, table};
use crate::svd::times_transposed;
use ndarray::Array2;

/// Values that are taken through the products together: enough to be worth it, and few enough for little memory.
const TOGETHER: usize = 128;

/// Fits along a path that are measured together.
struct Batch<'a> {
    modes: &'a Modes,
    responses: &'a [Response],
}

/// Scales residual factors by the largest, for a fit that reaches all directions of the rows: only their ratios count.
/// Where all are 0 the fit interpolates, and they become those of the limit of ridge, `(σ_r/σ)²`.
fn make_relative(residuals: &mut [f64], sigma: &[f64]) {
    let largest =
        residuals.iter().fold(0.0, |most: f64, rho| if rho.abs() > most.abs() { *rho } else { most });
    if largest == 0.0 {
        let last = sigma.last().copied().unwrap_or(0.0);
        residuals.iter_mut().zip(sigma).for_each(|(rho, s)| *rho = (last / s).powi(2));
    } else {
        for rho in residuals {
            *rho /= largest;
        }
    }
}

impl Batch<'_> {
    /// Rows `of(response, output)` over the modes, an output after the other for each fit.
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

    /// Mean squared test errors, one for each fit.
    fn test(&self, test: &Projected) -> Vec<f64> {
        let k = self.modes.outputs();
        let moved = self.rows(|response, mode| response.gains[mode]);
        let (height, count) = (test.features.nrows(), self.responses.len());
        let mut predictions = vec![0.0; height * count * k];
        let features = test.features.as_slice().unwrap_or(&[]);
        times_transposed(features, &moved, &mut predictions, (height, count * k, self.modes.rank()));
        let mut sums = vec![0.0; count];
        for (row, targets) in predictions.chunks_exact(count * k).zip(test.targets.rows()) {
            for (sum, fit) in sums.iter_mut().zip(row.chunks_exact(k)) {
                *sum += fit.iter().zip(targets).map(|(f, y)| (f - y) * (f - y)).sum::<f64>();
            }
        }
        sums.into_iter().map(|sum| sum / test.rows / k as f64).collect()
    }

    /// All but what a path of ridge penalties and other filters have each their own way to.
    fn points(&self, values: &[f64], test: Option<&Projected>) -> Vec<PathPoint> {
        let modes = self.modes;
        let (n, k) = (modes.rows() as f64, modes.outputs());
        let rest: f64 = modes.outside.iter().map(|v| v * v).sum();
        let tests = test.map(|test| self.test(test));
        let squares: Vec<f64> =
            modes.along.rows().into_iter().map(|row| row.iter().map(|c| c * c).sum()).collect();
        let each = values.iter().zip(self.responses).enumerate();
        each.map(|(i, (&value, Response { gains, residuals }))| {
            let weighted = |weights: &[f64]| -> f64 {
                weights.iter().zip(&squares).map(|(weight, square)| weight * weight * square).sum()
            };
            let train_mse = (weighted(residuals) + rest) / (n * k as f64);
            let fitted: f64 = gains.iter().zip(&modes.sigma).zip(&squares).map(|((g, s), _)| g * s).sum();
            PathPoint {
                value,
                train_mse,
                test_mse: tests.as_ref().map(|tests| tests[i]),
                norm: weighted(gains).sqrt(),
                degrees_of_freedom: fitted + modes.intercepts as f64,
                loo_mse: None,
                gcv: self.gcv(residuals, &squares, train_mse),
            }
        })
        .collect()
    }

    fn gcv(&self, residuals: &[f64], squares: &[f64], train_mse: f64) -> Option<f64> {
        let (n, k) = (self.modes.rows() as f64, self.modes.outputs() as f64);
        let beyond = self.modes.beyond();
        if beyond > 0 {
            // 1 − df/n as a sum of what is left.
            let left = (beyond as f64 + residuals[..squares.len()].iter().sum::<f64>()) / n;
            return (left > 0.0).then(|| train_mse / (left * left));
        }
        let mut weights = residuals.to_vec();
        make_relative(&mut weights, &self.modes.sigma[..squares.len()]);
        let (mut sum, mut trace) = (0.0, 0.0);
        for (weight, square) in weights.iter().zip(squares) {
            sum += weight * weight * square;
            trace += weight;
        }
        (trace > 0.0).then(|| n * sum / (trace * trace * k))
    }
}

/// Ridge fits with many penalties.
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
    let left_out = with_left_out.then(|| RidgeLeftOut::new(modes));
    let mut points = Vec::with_capacity(lambdas.len());
    let mut responses = vec![Response::default(); together];
    for lambdas in lambdas.chunks(TOGETHER) {
        for (response, &lambda) in responses.iter_mut().zip(lambdas) {
            ask(modes, &Ridge::new(lambda)?, response)?;
        }
        let batch = Batch { modes, responses: &responses[..lambdas.len()] };
        let mut found = batch.points(lambdas, test);
        if let Some(left_out) = &left_out {
            for (point, error) in found.iter_mut().zip(left_out.mean_squares(lambdas, &batch)) {
                point.loo_mse = error;
            }
        }
        points.append(&mut found);
    }
    checked(points)
}

/// Fits by filters of any kind.
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

/// Gains and residual factors of the kept modes.
pub(super) fn ask(modes: &Modes, filter: &dyn SpectralFilter, response: &mut Response) -> Result<(), Error> {
    response.ask(filter, modes.spectrum())?;
    response.gains.truncate(modes.rank());
    response.residuals.truncate(modes.rank());
    Ok(())
}

fn checked(points: Vec<PathPoint>) -> Result<Vec<PathPoint>, Error> {
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

/// Leave-one-out errors of ridge fits.
pub(super) struct RidgeLeftOut<'a> {
    modes: &'a Modes,
    /// `U` squared, entry by entry.
    squares: Vec<f64>,
    /// Rows that alone span a direction; asked where there is no positive penalty.
    alone: Vec<bool>,
}

impl<'a> RidgeLeftOut<'a> {
    pub(super) fn new(modes: &'a Modes) -> Self {
        let squares = modes.u.iter().map(|u| u * u).collect();
        let alone = if modes.beyond() > 0 { modes.alone() } else { vec![true; modes.rows()] };
        Self { modes, squares, alone }
    }

    /// Mean squared errors, one for each fit; `None` where one does not exist.
    fn mean_squares(&self, lambdas: &[f64], batch: &Batch<'_>) -> Vec<Option<f64>> {
        let (k, count) = (self.modes.outputs(), lambdas.len());
        let entries = (self.modes.rows() * k) as f64;
        let mut sums = vec![0.0; count * k];
        for row in self.all(lambdas, batch.responses).chunks_exact(count * k) {
            sums.iter_mut().zip(row).for_each(|(sum, error)| *sum += error * error);
        }
        let mean = |sums: &[f64]| sums.iter().sum::<f64>() / entries;
        // What does not exist is no number.
        sums.chunks_exact(k).map(mean).map(|mean| Some(mean).filter(|mean| !mean.is_nan())).collect()
    }

    /// The errors of one fit, `n × k`; `None` where one does not exist.
    pub(super) fn errors(&self, lambda: f64, response: &Response) -> Option<Array2<f64>> {
        let errors = self.all(&[lambda], std::slice::from_ref(response));
        let errors = Array2::from_shape_vec(self.modes.outside.dim(), errors).ok()?;
        errors.iter().all(|error| !error.is_nan()).then_some(errors)
    }

    /// The errors of each row, fit and output, in this order; NaN for one that does not exist.
    fn all(&self, lambdas: &[f64], responses: &[Response]) -> Vec<f64> {
        let modes = self.modes;
        let (n, rank, k, count) = (modes.rows(), modes.rank(), modes.outputs(), lambdas.len());
        let sigma = &modes.sigma[..rank];
        let is_complete = modes.beyond() == 0;
        let mut weights = Vec::with_capacity(count * rank);
        let mut along = Vec::with_capacity(count * k * rank);
        for response in responses {
            let first = weights.len();
            weights.extend_from_slice(&response.residuals[..rank]);
            let weights = &mut weights[first..];
            if is_complete {
                make_relative(weights, sigma);
            }
            for output in modes.along.columns() {
                along.extend(weights.iter().zip(output).map(|(w, c)| w * c));
            }
        }
        let (mut closed, mut errors) = (vec![0.0; n * count], vec![0.0; n * count * k]);
        if rank > 0 {
            times_transposed(&self.squares, &weights, &mut closed, (n, count, rank));
            let u = modes.u.as_slice().unwrap_or(&[]);
            times_transposed(u, &along, &mut errors, (n, count * k, rank));
        }
        let rows = errors.chunks_exact_mut(count * k).zip(closed.chunks_exact(count));
        for ((row, closed), (open, outside)) in rows.zip(modes.open.iter().zip(modes.outside.rows())) {
            for (errors, closed) in row.chunks_exact_mut(k).zip(closed) {
                let bottom = closed + open;
                let bottom = if bottom > 0.0 { bottom } else { f64::NAN };
                errors
                    .iter_mut()
                    .zip(outside)
                    .for_each(|(error, outside)| *error = (*error + outside) / bottom);
            }
        }
        if !is_complete {
            self.put_limits(lambdas, responses, &mut errors);
        }
        errors
    }

    /// Where no penalty holds them, rows that span a direction alone have the errors of the limit of interpolation.
    fn put_limits(&self, lambdas: &[f64], responses: &[Response], errors: &mut [f64]) {
        let (modes, k) = (self.modes, self.modes.outputs());
        let rank = modes.rank();
        for (fit, (&lambda, response)) in lambdas.iter().zip(responses).enumerate() {
            if lambda > 0.0 || !self.alone.contains(&true) {
                continue;
            }
            let mut weights = response.residuals[..rank].to_vec();
            make_relative(&mut weights, &modes.sigma[..rank]);
            for row in (0..modes.rows()).filter(|&row| self.alone[row]) {
                let u = modes.u.row(row);
                let bottom: f64 = u.iter().zip(&weights).map(|(u, w)| u * u * w).sum();
                for (output, along) in modes.along.columns().into_iter().enumerate() {
                    let top: f64 = u.iter().zip(&weights).zip(along).map(|((u, w), c)| u * w * c).sum();
                    let error = if bottom > 0.0 { top / bottom } else { f64::NAN };
                    errors[(row * lambdas.len() + fit) * k + output] = error;
                }
            }
        }
    }
}
