//! A sweep that cannot do what is requested gives an error of a specific type before anything runs.

use double_descent::curve::{Axis, Metric};
use double_descent::dataset::Dataset;
use double_descent::features::{Coordinates, FourierSeries};
use double_descent::filter::{MinNorm, Truncated};
use double_descent::nested::Engine;
use double_descent::sweep::{Arm, Draw, Intercept, Maps, Parameter, Source, Splits, Sweep, TestOn};
use double_descent::{Ablation, Adversary, Error, rng::stream};
use ndarray::Array2;
use rand::RngExt;
use std::ops::ControlFlow;
use std::sync::Arc;

fn normal(rows: usize, columns: usize) -> Array2<f64> {
    let mut rng = stream(3, rows, columns);
    Array2::from_shape_simple_fn((rows, columns), || rng.random_range(-1.0..1.0))
}

fn data(rows: usize, outputs: usize) -> Dataset {
    Dataset::new("drawn", normal(rows, 4), normal(rows, outputs)).unwrap()
}

fn table() -> Sweep {
    Sweep {
        samples: vec![3, 5],
        arms: vec![Arm::min_norm()],
        metrics: vec![Metric::TestMse],
        ..Sweep::of(Source::Table(data(20, 2)), Splits::Drawn { repeats: 2, seed: 0 })
    }
}

fn two() -> Sweep {
    Sweep { source: Source::TrainTest { train: data(20, 2), test: data(9, 2) }, ..table() }
}

fn population() -> Sweep {
    let source = Source::drawn("population", |_| {
        let test = TestOn::Population { covariance: Array2::eye(4), teacher: normal(4, 2), deviation: 0.1 };
        Ok(Draw { inputs: normal(9, 4), targets: normal(9, 2), test })
    });
    Sweep { source, ..table() }
}

/// Returns the error of a sweep, which comes before the first cell: the progress handler is never called.
fn error_of(sweep: &Sweep) -> Error {
    let watch = |done: usize, _: usize| -> ControlFlow<()> { panic!("{done} cells ran") };
    sweep.run_with(&watch).unwrap_err()
}

fn unsupported(sweep: &Sweep, words: &str) {
    let error = error_of(sweep);
    assert!(matches!(&error, Error::Unsupported { reason } if reason.contains(words)), "{error:?}: {words}");
    assert_eq!(sweep.estimate().unwrap_err(), error);
}

fn domain(sweep: &Sweep, words: &str, bad: f64) {
    let error = error_of(sweep);
    assert!(
        match &error {
            Error::Domain { what, value, .. } => what.contains(words) && *value == bad,
            Error::TooLarge { what, found, .. } => what.contains(words) && *found as f64 == bad,
            _ => false,
        },
        "{error:?}"
    );
}

#[test]
fn the_sound_ones_run() {
    for sweep in [table(), two(), population()] {
        assert_eq!(sweep.run().unwrap().cells.len(), 4);
    }
}

#[test]
fn metrics_that_no_arm_has() {
    let asks = |metric, sweep: Sweep| Sweep { metrics: vec![metric], ..sweep };
    let one = |sweep: Sweep| Sweep { source: Source::Table(data(20, 1)), ..sweep };
    unsupported(&asks(Metric::TestErrorRate, one(table())), "test_error_rate");
    unsupported(&asks(Metric::TestErrorRate, population()), "test_error_rate");
    unsupported(&asks(Metric::TrainErrorRate, one(table())), "train_error_rate");
    unsupported(&asks(Metric::TestMseOpposite, two()), "no arm has one");
    let truncated = Arm::new("truncated", None, Arc::new(Truncated::new(0.5).unwrap()));
    let attacked = Arm::attacked(Adversary::TestDatum { strength: 1.0 });
    for arm in [truncated, attacked, Arm::no_residuals()] {
        unsupported(&asks(Metric::LeaveOneOut, Sweep { arms: vec![arm], ..table() }), "leave_one_out");
    }
    unsupported(&asks(Metric::LeaveOneOut, Sweep { standardise: true, ..table() }), "standardise");
    unsupported(
        &asks(Metric::ExpectedNoise, Sweep { arms: vec![Arm::no_residuals()], ..two() }),
        "no arm has them",
    );
    let no_metrics = Sweep { metrics: Vec::new(), ..two() };
    assert!(matches!(error_of(&no_metrics), Error::Empty { .. }));
}

#[test]
fn parts_that_do_not_go_together() {
    unsupported(&Sweep { maps: Maps::same(Coordinates::new(4)), ..population() }, "feature map");
    for splits in
        [Splits::Expanding { horizon: None }, Splits::Rolling { origins: vec![5], horizon: Some(2) }]
    {
        for sweep in [two(), population()] {
            unsupported(&Sweep { splits: splits.clone(), ..sweep }, "windows of time");
        }
    }
    unsupported(
        &Sweep { splits: Splits::Recorded(vec![vec![0, 1, 2, 3, 4]]), ..population() },
        "recorded splits",
    );
    unsupported(
        &Sweep { parameter: Some(Parameter::input_noise([0.1], 0)), ..table() },
        "noise on the training inputs",
    );
    let all_three = Sweep { features: vec![1, 2], parameter: Some(Parameter::penalty([0.1, 1.0])), ..two() };
    unsupported(&all_three, "two axes");
    let own = Arm::min_norm().trained_on(None, normal(9, 2));
    unsupported(&Sweep { arms: vec![own], ..population() }, "its own targets");
    let standardised = Sweep { standardise: true, ..two() };
    unsupported(&Sweep { metrics: vec![Metric::BiasSquared], ..standardised.clone() }, "bias_squared");
    unsupported(&Sweep { arms: vec![Arm::no_residuals()], ..standardised }, "Intercept::Free");
    let classes = Sweep {
        intercept: Intercept::Free,
        arms: vec![Arm::no_residuals()],
        metrics: vec![Metric::TestErrorRate],
        ..two()
    };
    unsupported(&classes, "classes");
    unsupported(&Sweep { arms: vec![Arm::min_norm(), Arm::min_norm()], ..two() }, "two arms");
}

#[test]
fn an_engine_that_has_not_what_is_asked_for() {
    let nested = |sweep: Sweep| Sweep { engine: Some(Engine::Nested), ..sweep };
    let arm = |arm: Arm| vec![arm];
    let truncated = || arm(Arm::new("truncated", None, Arc::new(Truncated::new(0.5).unwrap())));
    unsupported(&nested(Sweep { arms: truncated(), ..table() }), "truncated");
    let projected = Arm { ablation: Ablation::none().test_features_on(2), ..Arm::min_norm() };
    unsupported(&nested(Sweep { arms: arm(projected), ..two() }), "min_norm");
    let attacked = arm(Arm::attacked(Adversary::TrainingTargets { strength: 1.0 }));
    unsupported(&nested(Sweep { arms: attacked, ..population() }), "adversarial_train");
    for metric in [Metric::MeanSquaredBias, Metric::ConditionNumber, Metric::DegreesOfFreedom] {
        unsupported(&nested(Sweep { metrics: vec![metric], ..two() }), metric.name());
    }
    let ridge = Sweep { arms: arm(Arm::ridge(0.1).unwrap()), metrics: vec![Metric::LeaveOneOut], ..two() };
    unsupported(&nested(ridge.clone()), "leave_one_out");
    assert!(ridge.run().unwrap().cells.iter().all(|cell| cell.leave_one_out().is_some()));
}

#[test]
fn values_outside_their_domain() {
    for bad in [0, 20] {
        domain(&Sweep { samples: vec![3, bad], ..table() }, "training set size", bad as f64);
    }
    domain(&Sweep { samples: vec![21], ..two() }, "training set size", 21.0);
    domain(&Sweep { samples: vec![3, 3], ..two() }, "training set size", 3.0);
    for bad in [0, 5] {
        domain(&Sweep { features: vec![1, bad], ..two() }, "feature count", bad as f64);
    }
    domain(&Sweep { features: vec![7, 7], maps: Maps::same(FourierSeries), ..two() }, "feature count", 7.0);
    for sweep in [Sweep { samples: Vec::new(), ..two() }, Sweep { arms: Vec::new(), ..two() }] {
        assert!(matches!(error_of(&sweep), Error::Empty { .. }));
    }
    let over = |parameter| Sweep { parameter: Some(parameter), ..two() };
    assert!(matches!(error_of(&over(Parameter::penalty([]))), Error::Empty { .. }));
    domain(&over(Parameter::penalty([1.0, f64::INFINITY])), "parameter", f64::INFINITY);
    domain(&over(Parameter::penalty([1.0, 1.0])), "parameter", 1.0);
    // A penalty may be negative, but not below −σ_r² of every training set, which would leave no cell.
    let error = over(Parameter::penalty([-1e9, -2e9])).run().unwrap_err();
    assert!(matches!(&error, Error::Unsupported { reason } if reason.contains("σ_r")), "{error}");
    domain(&over(Parameter::label_noise([-0.5], 0)), "parameter", -0.5);
    let panics = Parameter::estimators(Axis::Setting, [1.0, 2.0], |value| {
        assert!(value < 2.0, "not at 2");
        Ok(Arc::new(MinNorm::default()))
    });
    let error = error_of(&over(panics));
    assert!(matches!(&error, Error::UserCode { reason, .. } if reason.contains("not at 2")), "{error:?}");
    let rolling = |origins, horizon| Sweep { splits: Splits::Rolling { origins, horizon }, ..table() };
    domain(&rolling(vec![4], None), "window", 4.0);
    domain(&rolling(vec![20], None), "window", 20.0);
    domain(&rolling(vec![8], Some(0)), "horizon", 0.0);
    domain(&rolling(Vec::new(), None), "repeats", 0.0);
    domain(&Sweep { splits: Splits::Drawn { repeats: 0, seed: 0 }, ..population() }, "repeats", 0.0);
    let wrong = Arm::min_norm().tested_on(normal(20, 2));
    assert!(matches!(
        error_of(&Sweep { arms: vec![wrong], ..two() }),
        Error::Shape { expected: 9, found: 20, .. }
    ));
}

/// Drawn tables are checked like any others, and a failed draw fails only its repeat.
#[test]
fn drawings_that_do_not_fit() {
    let drawn =
        |draw: fn(usize) -> Result<Draw, Error>| Sweep { source: Source::drawn("odd", draw), ..table() };
    let rows = || TestOn::Rows { inputs: normal(3, 4), targets: normal(3, 2) };
    let nan = drawn(|_| {
        let test = TestOn::Rows { inputs: normal(3, 4), targets: normal(3, 2) };
        Ok(Draw { inputs: normal(9, 4) * f64::NAN, targets: normal(9, 2), test })
    });
    assert!(matches!(error_of(&nan), Error::NonFinite { .. }));
    let short = drawn(|_| {
        let test = TestOn::Rows { inputs: normal(3, 4), targets: normal(3, 1) };
        Ok(Draw { inputs: normal(9, 4), targets: normal(9, 2), test })
    });
    assert!(matches!(error_of(&short), Error::Shape { .. }));
    let few = drawn(|_| {
        let test = TestOn::Population { covariance: Array2::eye(4), teacher: normal(4, 2), deviation: -0.1 };
        Ok(Draw { inputs: normal(9, 4), targets: normal(9, 2), test })
    });
    domain(&few, "deviation", -0.1);
    let second = Sweep {
        source: Source::drawn("odd", move |repeat| {
            assert!(repeat == 0, "no second repeat");
            Ok(Draw { inputs: normal(9, 4), targets: normal(9, 2), test: rows() })
        }),
        ..table()
    };
    let curve = second.run().unwrap();
    assert_eq!((curve.cells.len(), curve.failures.len()), (2, 2));
    assert!(
        curve
            .failures
            .iter()
            .all(|failure| failure.repeat == 1 && failure.error.to_string().contains("no second"))
    );
}
