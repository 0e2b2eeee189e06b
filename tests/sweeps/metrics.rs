//! Every metric that is requested has a value if it is defined; otherwise the sweep gives an error before it runs.

use double_descent::curve::{Cell, Metric};
use double_descent::dataset::Dataset;
use double_descent::features::Coordinates;
use double_descent::filter::{MinNorm, Ridge, Truncated};
use double_descent::nested::Engine;
use double_descent::svd::Svd;
use double_descent::sweep::{Arm, Maps, Sweep};
use double_descent::{Adversary, Error, rng::stream};
use ndarray::{Array2, Axis as Along};
use rand::RngExt;
use std::sync::Arc;

fn table(outputs: usize) -> Dataset {
    let mut rng = stream(11, 0, 0);
    let mut draw = |shape| Array2::from_shape_simple_fn(shape, || rng.random_range(-1.0..1.0));
    Dataset::new("drawn", draw((40, 6)), draw((40, outputs))).unwrap()
}

/// Metrics that need ridge with a positive penalty.
const BAYESIAN: [Metric; 3] = [Metric::LogEvidence, Metric::LogOccamFactor, Metric::PosteriorVariance];

fn value(cell: &Cell, metric: Metric) -> Option<f64> {
    cell.metric(metric)
}

fn arms() -> Vec<Arm> {
    let named = |name: &str, arm: Arm| Arm { name: name.into(), ..arm };
    vec![
        Arm::unablated(),
        Arm::new("ridge", Some(0.3), Arc::new(Ridge::new(0.3).unwrap())),
        Arm::new("truncated", Some(1.0), Arc::new(Truncated::new(1.0).unwrap())),
        Arm::no_small_singular_values(0.8).unwrap(),
        Arm::test_features_projected(2),
        Arm::no_residuals(),
        named("test", Arm::attacked(Adversary::TestDatum { strength: 0.7 })),
        named("train", Arm::attacked(Adversary::TrainingTargets { strength: 0.7 })),
    ]
}

/// Metrics that need a further setting, or that no sweep computes.
const ELSEWHERE: [Metric; 3] =
    [Metric::TailStableRank, Metric::TailParticipationRatio, Metric::ModelComplexity];

/// Tests each metric alone, with each arm alone, on each engine, for one and for three outputs. Every cell has a value,
/// or the sweep gives an error at once; the value is never `None`.
#[test]
fn a_metric_is_a_value_or_an_error() {
    for outputs in [1, 3] {
        for &metric in Metric::ALL {
            for arm in arms() {
                for engine in [None, Some(Engine::Svd), Some(Engine::Nested)] {
                    let sweep = Sweep {
                        arms: vec![arm.clone()],
                        metrics: vec![metric],
                        engine,
                        ..Sweep::new(table(outputs), [1, 5, 6, 7, 38], 2, 0)
                    };
                    let undefined = match metric {
                        Metric::TestErrorRate | Metric::TrainErrorRate => outputs == 1,
                        Metric::TestMseOpposite => arm.adversary.is_none(),
                        Metric::LeaveOneOut => !["unablated", "ridge"].contains(&arm.name.as_str()),
                        Metric::ExpectedNoise | Metric::EffectiveParameters => arm.name == "no_residuals",
                        metric if BAYESIAN.contains(&metric) => arm.name != "ridge",
                        // The tail metrics need an index, which is not set here. No sweep computes the model
                        // complexity.
                        metric => ELSEWHERE.contains(&metric),
                    };
                    match sweep.run() {
                        Ok(curve) => {
                            assert!(!undefined && curve.complete && curve.failures.is_empty());
                            assert_eq!(curve.cells.len(), 10);
                            for cell in &curve.cells {
                                assert!(value(cell, metric).is_some(), "{metric:?} {} {engine:?}", arm.name);
                            }
                        }
                        Err(Error::Unsupported { reason }) => {
                            assert!(undefined || engine == Some(Engine::Nested), "{reason}");
                            assert!(reason.contains(metric.name()) || reason.contains(&arm.name), "{reason}");
                        }
                        Err(other) => panic!("{other}"),
                    }
                }
            }
            let plane = Sweep {
                samples: vec![3, 8],
                features: vec![2, 6],
                metrics: vec![metric],
                ..Sweep::plane(table(outputs), table(outputs), Maps::same(Coordinates::new(6)), 1, 0)
            };
            // If the plane engine does not support a metric, another engine computes it.
            let defined = match metric {
                Metric::TestMseOpposite => false,
                Metric::TestErrorRate | Metric::TrainErrorRate => outputs > 1,
                // All its fits are minimum norm fits.
                metric => !BAYESIAN.contains(&metric) && !ELSEWHERE.contains(&metric),
            };
            match plane.surface() {
                Ok(surface) => {
                    assert!(
                        defined && surface.cells().cells.iter().all(|cell| value(cell, metric).is_some())
                    );
                }
                Err(Error::Unsupported { reason }) => {
                    assert!(!defined && reason.contains(metric.name()), "{reason}");
                }
                Err(other) => panic!("{other}"),
            }
        }
        // If all metrics are requested, cells have those that are defined.
        let all = Sweep { metrics: Metric::ALL.to_vec(), ..Sweep::new(table(outputs), [5, 20], 1, 0) };
        let curve = all.run().unwrap();
        assert!(curve.cells.iter().all(|cell| cell.coefficient_norm.is_some()));
        for rate in [Metric::TestErrorRate, Metric::TrainErrorRate] {
            assert!(curve.cells.iter().all(|cell| cell.metric(rate).is_some() == (outputs > 1)));
        }
    }
}

/// Compares norms and error rates with separate fits ([`Svd::solve`]) and with predictions row by row. Condition
/// numbers are under 1e3, so 1e-11 allows thousands of rounding errors. A rate is a count, so it agrees exactly unless
/// two outputs tie.
#[test]
fn norms_and_rates_are_those_of_separate_fits() {
    let data = table(3);
    let sizes = [1, 5, 6, 7, 20, 38];
    let sweep =
        Sweep { arms: arms(), metrics: Metric::ALL.to_vec(), ..Sweep::new(data.clone(), sizes, 2, 3) };
    let curve = sweep.run().unwrap();
    let orders = sweep.splits.orders(data.len(), 38).unwrap();
    let (x, y) = (data.features(), data.targets());
    let ideal = Svd::new(x).unwrap().solve(y, &MinNorm::default()).unwrap();
    for cell in &curve.cells {
        let rows = &orders[cell.repeat][..cell.n];
        let test: Vec<usize> = (0..data.len()).filter(|row| !rows.contains(row)).collect();
        let train_x = x.select(Along(0), rows);
        let mut train_y = y.select(Along(0), rows);
        let (mut test_x, mut test_y) = (x.select(Along(0), &test), y.select(Along(0), &test));
        let svd = Svd::new(&train_x).unwrap();
        let last = svd.last_mode(&train_y).unwrap().unwrap();
        let arm = &sweep.arms[cell.arm];
        if arm.ablation.is_without_residuals() {
            (train_y, test_y) = (train_x.dot(&ideal), test_x.dot(&ideal));
        }
        if let Some(Adversary::TrainingTargets { strength }) = arm.adversary {
            let kick = &svd.u().column(last.index) * (strength * last.sign);
            train_y.columns_mut().into_iter().for_each(|mut column| column += &kick);
        }
        let beta = match arm.ablation.cutoff() {
            Some(cutoff) => svd.solve(&train_y, &Truncated::new(cutoff).unwrap()).unwrap(),
            None => svd.solve(&train_y, &*arm.estimator).unwrap(),
        };
        if let Some(Adversary::TestDatum { strength }) = arm.adversary {
            let kick = &svd.vt().row(last.index) * (strength * last.sign);
            test_x.rows_mut().into_iter().for_each(|mut row| row += &kick);
        }
        if let Some(modes) = arm.ablation.test_modes() {
            let leading = svd.vt().slice(ndarray::s![..modes.min(svd.vt().nrows()), ..]).to_owned();
            test_x = test_x.dot(&leading.t()).dot(&leading);
        }
        let norm = beta.iter().map(|b| b * b).sum::<f64>().sqrt();
        let found = cell.coefficient_norm.unwrap();
        assert!((found - norm).abs() <= 1e-11 * norm, "{} n = {}: {found} {norm}", arm.name, cell.n);
        let largest = |row: ndarray::ArrayView1<'_, f64>| {
            (0..3).fold(0, |best, k| if row[k] > row[best] { k } else { best })
        };
        let rate = |x: &Array2<f64>, y: &Array2<f64>| {
            let predictions = x.dot(&beta);
            let pairs = predictions.rows().into_iter().zip(y.rows());
            pairs.filter(|(f, y)| largest(*f) != largest(*y)).count() as f64 / y.nrows() as f64
        };
        let rates = [rate(&test_x, &test_y), rate(&train_x, &train_y)].map(Some);
        assert_eq!([cell.test_error_rate, cell.train_error_rate()], rates, "{} n = {}", arm.name, cell.n);
    }
    // The nested engine's points have the same norms.
    let nested = Sweep {
        arms: vec![Arm::unablated(), arms().remove(1)],
        metrics: vec![Metric::CoefficientNorm],
        engine: Some(Engine::Nested),
        ..sweep.clone()
    };
    for cell in nested.run().unwrap().cells {
        let by_svd =
            curve.cells.iter().find(|c| (c.repeat, c.n, c.arm) == (cell.repeat, cell.n, cell.arm)).unwrap();
        let (found, norm) = (cell.coefficient_norm.unwrap(), by_svd.coefficient_norm.unwrap());
        assert!((found - norm).abs() <= 1e-11 * norm, "{found} {norm}");
    }
}
