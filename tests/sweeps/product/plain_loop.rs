//! The expected cells, computed by a plain loop of SVDs.

use super::bounds::{Bounds, length, of_square};
use double_descent::curve::{Cell, Metric};
use double_descent::svd::Svd;
use double_descent::sweep::{Arm, Draw, Intercept, Source, Splits, Sweep, TestOn};
use double_descent::{Ablation, Adversary};
use ndarray::{Array1, Array2, Axis as Along, concatenate, s};

/// Training and test tables of one repeat, rebuilt without running the sweep.
pub struct Tables {
    pub x: Array2<f64>,
    pub y: Array2<f64>,
    pub test: (Array2<f64>, Array2<f64>),
    pub population: Option<(Array2<f64>, Array2<f64>, f64)>,
    /// All rows, for the best linear model.
    pub all: (Array2<f64>, Array2<f64>),
}

pub fn tables(sweep: &Sweep, repeat: usize, n: usize, p: usize) -> Tables {
    let design = |inputs: &Array2<f64>| match sweep.maps.of(repeat).unwrap() {
        Some(map) => map.design(inputs, p).unwrap(),
        None => inputs.slice(s![.., ..p]).to_owned(),
    };
    let joined = |a: &Array2<f64>, b: &Array2<f64>| concatenate(Along(0), &[a.view(), b.view()]).unwrap();
    let rows = |longest, all| -> Vec<usize> {
        let orders = sweep.splits.orders(all, longest).unwrap();
        orders[repeat][..n].to_vec()
    };
    match &sweep.source {
        Source::Table(table) => {
            let train = rows(n.max(*sweep.samples.iter().max().unwrap()), table.len());
            let after = train.iter().max().unwrap() + 1;
            let test: Vec<usize> = match sweep.splits {
                Splits::Expanding { horizon } | Splits::Rolling { horizon, .. } => {
                    (after..table.len().min(after + horizon.unwrap_or(99))).collect()
                }
                _ => (0..table.len()).filter(|row| !train.contains(row)).collect(),
            };
            let (x, y) = (design(table.features()), table.targets());
            let take = |rows: &[usize]| (x.select(Along(0), rows), y.select(Along(0), rows));
            let (train, test) = (take(&train), take(&test));
            Tables { x: train.0, y: train.1, test, population: None, all: (x, y.clone()) }
        }
        Source::TrainTest { train, test } => {
            let order = rows(n, train.len());
            let (x, test_x) = (design(train.features()), design(test.features()));
            let all = (joined(&x, &test_x), joined(train.targets(), test.targets()));
            Tables {
                x: x.select(Along(0), &order),
                y: train.targets().select(Along(0), &order),
                test: (test_x, test.targets().clone()),
                population: None,
                all,
            }
        }
        Source::Drawn(drawn) => {
            let Draw { inputs, targets, test } = drawn.of(repeat).unwrap();
            let (x, y) = (design(&inputs), targets);
            let first = |table: &Array2<f64>| table.slice(s![..n, ..]).to_owned();
            let (own_x, own_y) = (first(&x), first(&y));
            match test {
                TestOn::Rows { inputs, targets } => {
                    let test = (design(&inputs), targets);
                    let all = (joined(&x, &test.0), joined(&y, &test.1));
                    Tables { x: own_x, y: own_y, test, population: None, all }
                }
                TestOn::Population { covariance, teacher, deviation } => {
                    // The symmetric square root of the covariance: its rows have the second moments of the population.
                    let svd = Svd::new(&covariance).unwrap();
                    let root = (svd.u() * &svd.singular_values().mapv(f64::sqrt)).dot(svd.vt());
                    let test = (root.slice(s![.., ..p]).to_owned(), root.dot(&teacher));
                    let all = test.clone();
                    Tables {
                        x: own_x,
                        y: own_y,
                        test,
                        population: Some((covariance, teacher, deviation)),
                        all,
                    }
                }
            }
        }
    }
}

/// A fit as its definition states it: shifts, scales and coefficients.
pub struct Fit {
    pub svd: Svd,
    pub gains: Array1<f64>,
    pub shift: Array1<f64>,
    pub scale: Array1<f64>,
    pub constant: Array1<f64>,
    pub beta: Array2<f64>,
}

pub fn fit(sweep: &Sweep, arm: &Arm, x: &Array2<f64>, y: &Array2<f64>) -> Fit {
    let free = sweep.intercept == Intercept::Free;
    let zeros = |table: &Array2<f64>| Array1::zeros(table.ncols());
    let shift = if free || sweep.standardise { x.mean_axis(Along(0)).unwrap() } else { zeros(x) };
    let scale = if sweep.standardise { x.std_axis(Along(0), 0.0) } else { Array1::ones(x.ncols()) };
    let scale = scale.mapv(|s| if s < 1e-12 { f64::INFINITY } else { s });
    let constant = if free { y.mean_axis(Along(0)).unwrap() } else { zeros(y) };
    // Centred twice: if the spread is small next to the mean, the rounding error of the first pass may exceed the
    // cutoff.
    let mut centred = x - &shift;
    if free || sweep.standardise {
        centred = &centred - &centred.mean_axis(Along(0)).unwrap();
    }
    let svd = Svd::new(&(centred / &scale)).unwrap();
    let mut gains = arm.estimator.gains(svd.spectrum());
    if let Some(cutoff) = arm.ablation.cutoff() {
        gains
            .iter_mut()
            .zip(svd.singular_values())
            .for_each(|(g, s)| *g = if *s < cutoff { 0.0 } else { *g });
    }
    let mut y = y - &constant;
    if let Some(Adversary::TrainingTargets { strength }) = arm.adversary {
        let last = svd.last_mode(&y).unwrap().unwrap();
        let kick = &svd.u().column(last.index) * (strength * last.sign);
        y.columns_mut().into_iter().for_each(|mut column| column += &kick);
    }
    let beta = svd.vt().t().dot(&(svd.u().t().dot(&y) * &gains.clone().insert_axis(Along(1))));
    Fit { svd, gains, shift, scale, constant, beta }
}

impl Fit {
    pub fn predict(&self, x: &Array2<f64>, arm: &Arm, y: &Array2<f64>) -> Array2<f64> {
        let mut x = (x - &self.shift) / &self.scale;
        if let Some(Adversary::TestDatum { strength }) = arm.adversary {
            let last = self.svd.last_mode(&(y - &self.constant)).unwrap().unwrap();
            let kick = &self.svd.vt().row(last.index) * (strength * last.sign);
            x.rows_mut().into_iter().for_each(|mut row| row += &kick);
        }
        if let Some(modes) = arm.ablation.test_modes() {
            let leading = self.svd.vt().slice(s![..modes.min(self.svd.vt().nrows()), ..]).to_owned();
            x = x.dot(&leading.t()).dot(&leading);
        }
        x.dot(&self.beta) + &self.constant
    }
}

fn mean_square(errors: &Array2<f64>) -> f64 {
    errors.mapv(|e| e * e).mean().unwrap()
}

/// Fits the best linear model to all rows.
fn ideal(sweep: &Sweep, all: &(Array2<f64>, Array2<f64>)) -> Fit {
    let free = sweep.intercept == Intercept::Free;
    let model = Sweep {
        standardise: false,
        intercept: if free { Intercept::Free } else { Intercept::None },
        ..sweep.clone()
    };
    fit(&model, &Arm::min_norm(), &all.0, &all.1)
}

/// Returns the share of misclassified rows, whose larger prediction is not at the larger target, and its tolerance. If
/// predictions are off by `off`, a row whose two predictions are within `2 off` may fall into either class.
fn error_rate(predictions: &Array2<f64>, targets: &Array2<f64>, off: f64) -> (f64, f64) {
    let pairs = predictions.rows().into_iter().zip(targets.rows());
    let wrong = pairs.filter(|(f, y)| (f[1] > f[0]) != (y[1] > y[0])).count();
    let near = predictions.rows().into_iter().filter(|row| (row[1] - row[0]).abs() <= 2.0 * off).count();
    let rows = targets.nrows() as f64;
    (wrong as f64 / rows, near as f64 / rows + f64::EPSILON)
}

/// The expected value of a metric in a cell, and how far a sweep may be from it.
pub struct Expected {
    pub metric: Metric,
    pub value: f64,
    pub tolerance: f64,
}

/// Returns the expected values of all metrics that a cell has. A population's cells have no noise, bias, leave-one-out
/// error or test error rate here.
pub fn expected(sweep: &Sweep, arm: &Arm, cell: &Cell) -> Vec<Expected> {
    let Tables { x, mut y, test, population, all } = tables(sweep, cell.repeat, cell.n, cell.p);
    let mut test_y = test.1.clone();
    // A population has mean 0, so its best model has no constant.
    let intercept = if population.is_some() { Intercept::None } else { sweep.intercept };
    let model = ideal(&Sweep { intercept, ..sweep.clone() }, &all);
    let model_bounds = Bounds::new(&model, &all, true);
    let of_model = |on: &Array2<f64>| model.predict(on, &Arm::min_norm(), &all.1);
    let without_residuals = arm.ablation.is_without_residuals();
    if without_residuals {
        (y, test_y) = (of_model(&x), of_model(&test.0));
    }
    let original = tables(sweep, cell.repeat, cell.n, cell.p).y;
    let fit = fit(sweep, arm, &x, &y);
    let plain = arm.ablation == Ablation::none() && arm.adversary.is_none();
    let smooth = plain && arm.estimator.penalty().is_some();
    let mut bounds = Bounds::new(&fit, &(x.clone(), y.clone()), smooth);
    if without_residuals {
        bounds = bounds.with_targets_off_by(model_bounds.of_predictions(&x));
    }
    if let Some(Adversary::TrainingTargets { strength }) = arm.adversary {
        bounds = bounds.with_kick(strength);
    }
    let free = sweep.intercept == Intercept::Free;
    let sigma = fit.svd.singular_values();
    let (smallest, norm) = (fit.svd.smallest_nonzero().unwrap_or(0.0), length(&fit.beta));
    let mut values = Vec::new();
    // An earlier bound, without a derivation. It is hundreds of times wider, except for a few cells whose test rows lie
    // far outside the training rows. The smaller of the two applies, so no cell is tested less strictly than before.
    let flat = 1e4 * f64::EPSILON * (sigma[0] / smallest).max(1.0).powi(2);
    let mut add = |metric, value: f64, tolerance: f64| {
        values.push(Expected { metric, value, tolerance: tolerance.min(flat * (25.0 + value.abs())) });
    };
    add(Metric::SmallestSingularValue, smallest, bounds.of_smallest(smallest));
    add(Metric::CoefficientNorm, norm, bounds.of_coefficients());
    add(Metric::DistanceFromStart, norm, bounds.of_coefficients());
    let freedom = (&fit.gains * sigma).sum() + f64::from(u8::from(free));
    add(Metric::DegreesOfFreedom, freedom, bounds.of_freedom());
    if plain {
        let fitted = fit.predict(&x, arm, &y);
        let error = &fitted - &y;
        add(Metric::TrainMse, mean_square(&error), bounds.of_train(&error));
        let (rate, tolerance) = error_rate(&fitted, &y, bounds.of_predictions(&x));
        add(Metric::TrainErrorRate, rate, tolerance);
    }
    if let Some((covariance, teacher, deviation)) = population {
        if plain {
            let slope = &fit.beta / &fit.scale.clone().insert_axis(Along(1));
            let mut error = -teacher;
            error.slice_mut(s![..cell.p, ..]).scaled_add(1.0, &slope);
            let constant = &fit.constant - &fit.shift.dot(&slope);
            let risk = (error.t().dot(&covariance).dot(&error)).diag().sum() + constant.mapv(|c| c * c).sum();
            // The outer products of the rows of `test` add up to the covariance rather than average to it: together
            // they count as one row.
            let tolerance = bounds.of_test((&test.0, &test_y), 1.0, risk / 2.0, 0.0);
            add(Metric::TestMse, risk / 2.0 + deviation * deviation, tolerance);
        }
        return values;
    }
    // Without residuals, an adversary's sign is still that of the measured targets.
    let predictions = fit.predict(&test.0, arm, &original);
    let error = mean_square(&(&predictions - &test_y));
    let rows = test_y.nrows() as f64;
    let mut off = if without_residuals { model_bounds.of_predictions(&test.0) } else { 0.0 };
    if let Some(Adversary::TestDatum { strength }) = arm.adversary {
        off += bounds.of_kicked_tests(strength, rows);
    }
    let mut tolerance = bounds.of_test((&test.0, &test_y), rows, error, off);
    if let Source::Table(_) = sweep.source {
        // The sweep may compute the sum over the test rows as that over all rows minus that over the training rows.
        tolerance += bounds.of_difference(&all, rows);
    }
    add(Metric::TestMse, error, tolerance);
    let shown = arm.ablation.test_modes().unwrap_or(99).min(sigma.len());
    if !without_residuals {
        let standardised = (&test.0 - &fit.shift) / &fit.scale;
        let images =
            standardised.dot(&fit.svd.vt().slice(s![..shown, ..]).t()) * fit.gains.slice(s![..shown]);
        let constant = if free { (cell.n as f64).recip() } else { 0.0 };
        let noise = images.mapv(|v| v * v).sum() / rows;
        let mut tolerance = bounds.of_noise(&test.0, noise);
        if let Source::Table(_) = sweep.source {
            tolerance += bounds.of_noise_difference(&all.0, rows);
        }
        add(Metric::ExpectedNoise, noise + constant, tolerance);
        let (rate, tolerance) = error_rate(&predictions, &test_y, bounds.of_predictions(&test.0) + off);
        add(Metric::TestErrorRate, rate, tolerance);
    }
    if !sweep.standardise || free {
        // The bias: the difference between the model and the fit to targets without residuals.
        let quiet = Arm { adversary: None, ..arm.clone() };
        let (on_x, on_test) = (of_model(&x), of_model(&test.0));
        let fit = self::fit(sweep, &quiet, &x, &on_x);
        let bias = mean_square(&(fit.predict(&test.0, &quiet, &on_x) - &on_test));
        let bounds = Bounds::new(&fit, &(x.clone(), on_x), smooth)
            .with_targets_off_by(model_bounds.of_predictions(&x));
        let off = model_bounds.of_predictions(&test.0);
        let mut tolerance = bounds.of_test((&test.0, &on_test), rows, bias, off);
        if let Source::Table(_) = sweep.source {
            tolerance += bounds.of_difference(&(all.0.clone(), of_model(&all.0)), rows);
        }
        add(Metric::MeanSquaredBias, bias, tolerance);
    }
    if smooth && !sweep.standardise && cell.n > 2 {
        let (error, root) = left_out(sweep, arm, (&x, &y), &bounds);
        add(Metric::LeaveOneOut, error, of_square(error, root));
    }
    values
}

/// Returns the mean squared error over training rows, each predicted by the fit to all others, and a
/// bound on the error of its root.
fn left_out(
    sweep: &Sweep,
    arm: &Arm,
    (x, y): (&Array2<f64>, &Array2<f64>),
    bounds: &Bounds<'_>,
) -> (f64, f64) {
    let mut errors = Array2::zeros(y.dim());
    let mut off = 0.0;
    for left in 0..x.nrows() {
        let rows: Vec<usize> = (0..x.nrows()).filter(|&row| row != left).collect();
        let others = (x.select(Along(0), &rows), y.select(Along(0), &rows));
        let one = self::fit(sweep, arm, &others.0, &others.1);
        let row = x.slice(s![left..=left, ..]).to_owned();
        let predicted = one.predict(&row, arm, &others.1);
        errors.row_mut(left).assign(&(&predicted.row(0) - &y.row(left)));
        // The bound is that of the worse conditioned of the two fits.
        let of_others = Bounds::new(&one, &others, true);
        off += of_others.worse_of(bounds).of_row(&row, &y.row(left)).powi(2);
    }
    // Without refits, the nested engines keep eight digits of the errors and ten of the targets.
    let (count, error) = (y.len() as f64, mean_square(&errors));
    (error, (off / count).sqrt() + 1e-8 * error.sqrt() + 1e-10 * length(y) / count.sqrt())
}
