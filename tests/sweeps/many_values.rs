//! Many values of a penalty or a time, measured together, against the same values a few at a time, measured separately.

use crate::common::matrices::normal;
use double_descent::Error;
use double_descent::curve::{Axis, Cell, Metric};
use double_descent::dataset::Dataset;
use double_descent::filter::{GradientDescent, Loss, MinNorm, Ridge, Schedule, SpectralFilter};
use double_descent::nested::Engine;
use double_descent::sweep::{Draw, Parameter, Source, Splits, Sweep, TestOn};
use ndarray::{Array1, Array2};
use std::sync::Arc;

const INPUTS: usize = 9;

fn data(rows: usize, seed: u64) -> Dataset {
    let x = normal(rows, INPUTS, seed);
    let y = x.dot(&normal(INPUTS, 2, 1)) + normal(rows, 2, seed + 100);
    Dataset::new("many values", x, y).unwrap()
}

fn population(covariance: &Array2<f64>) -> Source {
    let covariance = covariance.clone();
    Source::drawn("population", move |repeat| {
        let train = data(16, 40 + repeat as u64);
        let test = TestOn::Population {
            covariance: covariance.clone(),
            teacher: normal(INPUTS, 2, 1),
            deviation: 0.5,
        };
        Ok(Draw { inputs: train.features().clone(), targets: train.targets().clone(), test })
    })
}

fn sources() -> Vec<(&'static str, Source)> {
    let root = normal(INPUTS, INPUTS, 7);
    let falling = Array1::from_shape_fn(INPUTS, |i| 1.0 / (1 + i) as f64);
    vec![
        ("the other rows of a table", Source::Table(data(60, 2))),
        ("few other rows", Source::Table(data(19, 2))),
        ("a table of its own", Source::TrainTest { train: data(20, 3), test: data(70, 4) }),
        ("a population", population(&root.t().dot(&root))),
        ("independent features", population(&Array2::from_diag(&falling))),
    ]
}

fn numbers(low: f64, high: f64, count: usize) -> Vec<f64> {
    (0..count).map(|i| low * (high / low).powf(i as f64 / (count - 1) as f64)).collect()
}

type Family = fn(f64) -> Result<Arc<dyn SpectralFilter>, Error>;

/// The families of estimators: name, constructor, values and the metrics that are compared.
fn families() -> Vec<(&'static str, Family, Vec<f64>, Vec<Metric>)> {
    let common = [Metric::TrainMse, Metric::TestMse, Metric::CoefficientNorm, Metric::DegreesOfFreedom];
    let with = |metric: Metric| common.into_iter().chain([metric]).collect::<Vec<_>>();
    vec![
        ("ridge", |v| Ok(Arc::new(Ridge::new(v)?)), numbers(1e-12, 1e8, 300), with(Metric::LeaveOneOut)),
        (
            "descent",
            |v| Ok(Arc::new(GradientDescent::new(Schedule::Constant(0.1), v as usize, Loss::HalfMean)?)),
            (0..60).map(|i| f64::from(i * i)).collect(),
            with(Metric::ExpectedNoise),
        ),
        // Every third estimator is the minimum norm, whose errors are known without a matrix product.
        (
            "mixed",
            |v| {
                Ok(if (v.round() as usize).is_multiple_of(3) {
                    Arc::new(MinNorm::default())
                } else {
                    Arc::new(Ridge::new(v)?)
                })
            },
            (0..50).map(f64::from).collect(),
            with(Metric::LeaveOneOut),
        ),
    ]
}

fn cells(source: &Source, family: Family, values: &[f64], metrics: &[Metric], n: usize) -> Vec<Cell> {
    let sweep = Sweep {
        samples: vec![n],
        parameter: Some(Parameter::estimators(Axis::Setting, values.iter().copied(), family)),
        metrics: metrics.to_vec(),
        engine: Some(Engine::Svd),
        ..Sweep::of(source.clone(), Splits::Drawn { repeats: 2, seed: 5 })
    };
    let curve = sweep.run().unwrap();
    assert!(curve.failures.is_empty(), "{:?}", curve.failures[0]);
    curve.cells
}

/// Test errors are sums of products, and measuring values together changes the order of the sums. That costs some tens
/// of rounding errors. Test errors that are differences of two sums (over all rows and over the training rows) lose
/// another factor, the ratio of these sums, which is under 10 here. All other metrics are computed in the same way and
/// must be equal.
#[test]
fn together_and_alone() {
    for (what, source) in sources() {
        for (name, family, values, metrics) in families() {
            for n in [5, 9, 15] {
                let together = cells(&source, family, &values, &metrics, n);
                assert_eq!(together.len(), 2 * values.len());
                for few in values.chunks(10) {
                    for alone in cells(&source, family, few, &metrics, n) {
                        let same =
                            |cell: &&Cell| (cell.repeat, cell.value()) == (alone.repeat, alone.value());
                        let cell = together.iter().find(same).unwrap();
                        for &metric in &metrics {
                            let (a, b) = (cell.metric(metric), alone.metric(metric));
                            let close = match (a, b) {
                                (Some(a), Some(b)) if metric == Metric::TestMse => {
                                    (a / b - 1.0).abs() < 1e-12
                                }
                                _ => a == b,
                            };
                            let at = alone.value();
                            assert!(
                                close,
                                "{what}, {name} at {at:?}, n = {n}: {metric:?} {a:?}, alone {b:?}"
                            );
                        }
                    }
                }
            }
        }
    }
}

/// A value without a fit fails on its own: the other values keep their cells.
#[test]
fn one_that_fails_among_many() {
    let source = Source::Table(data(60, 2));
    let steps: Vec<f64> = (1..=60).map(|i| 0.02 * f64::from(i)).collect();
    let descent = |h: f64| {
        Ok(Arc::new(GradientDescent::new(Schedule::Constant(h), 3, Loss::HalfMean)?)
            as Arc<dyn SpectralFilter>)
    };
    let sweep = Sweep {
        samples: vec![20],
        parameter: Some(Parameter::estimators(Axis::Setting, steps.iter().copied(), descent)),
        ..Sweep::of(source, Splits::Drawn { repeats: 3, seed: 5 })
    };
    let curve = sweep.run().unwrap();
    assert!(!curve.failures.is_empty() && curve.cells.len() > 3 * 24);
    assert_eq!(curve.cells.len() + curve.failures.len(), 3 * 60);
    for failure in &curve.failures {
        assert!(matches!(failure.error, Error::StepTooLarge { .. }), "{failure:?}");
        let smaller = curve.cells.iter().filter(|cell| cell.repeat == failure.repeat);
        assert!(smaller.filter_map(Cell::value).all(|step| Some(step) < failure.value));
    }
}
