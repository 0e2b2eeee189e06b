//! All supported combinations of sources, axes, arms, preparations and engines, against a plain loop of SVDs.

mod bounds;
mod plain_loop;

use double_descent::curve::{Axis, Cell, Metric};
use double_descent::dataset::Dataset;
use double_descent::features::{Activation, Coordinates, FeatureMap, RandomNetwork};
use double_descent::filter::{LeadingModes, SpectralFilter, Truncated};
use double_descent::nested::{Columns, Engine, Test};
use double_descent::risk::Compressed;
use double_descent::sweep::{Arm, Draw, Intercept, Maps, Parameter, Source, Splits, Sweep, TestOn};
use double_descent::{Ablation, Adversary, Error, rng::stream};
use ndarray::{Array2, Axis as Along};
use plain_loop::{Expected, expected};
use rand::RngExt;
use rand_distr::StandardNormal;
use std::collections::HashMap;
use std::sync::Arc;

const REPEATS: usize = 2;
const INPUTS: usize = 7;

fn normal(place: usize, shape: (usize, usize)) -> Array2<f64> {
    let mut rng = stream(31, place, 0);
    Array2::from_shape_simple_fn(shape, || rng.sample(StandardNormal))
}

/// Draws inputs away from 0, so that an intercept matters, and two targets.
fn data(place: usize, rows: usize) -> Dataset {
    let x = normal(place, (rows, INPUTS)) + 0.5;
    let y = x.dot(&normal(1, (INPUTS, 2))) + normal(place + 1, (rows, 2)) + 2.0;
    Dataset::new("product", x, y).unwrap()
}

fn drawn(population: bool) -> Source {
    Source::drawn("drawn", move |repeat| {
        let (x, teacher) = (normal(20 + repeat, (16, INPUTS)), normal(2, (INPUTS, 2)));
        let targets = x.dot(&teacher) + 0.5 * normal(30 + repeat, (16, 2));
        let test = if population {
            let root = normal(40 + repeat, (INPUTS, INPUTS));
            TestOn::Population { covariance: root.t().dot(&root), teacher, deviation: 0.5 }
        } else {
            let inputs = normal(50 + repeat, (25, INPUTS));
            TestOn::Rows { targets: inputs.dot(&teacher), inputs }
        };
        Ok(Draw { inputs: x, targets, test })
    })
}

fn sources() -> Vec<(&'static str, Source, Splits)> {
    let splits = Splits::Drawn { repeats: REPEATS, seed: 4 };
    let two = Source::TrainTest { train: data(10, 18), test: data(14, 30) };
    let recorded = Splits::Recorded(vec![(0..18).rev().collect(), (0..18).collect()]);
    vec![
        ("table", Source::Table(data(10, 34)), splits.clone()),
        ("few test rows", Source::Table(data(10, 16)), splits.clone()),
        ("expanding", Source::Table(data(10, 30)), Splits::Expanding { horizon: Some(9) }),
        ("rolling", Source::Table(data(10, 34)), Splits::Rolling { origins: vec![16, 20], horizon: None }),
        ("two tables", two.clone(), splits.clone()),
        ("recorded", two, recorded),
        ("drawn rows", drawn(false), splits.clone()),
        ("population", drawn(true), splits),
    ]
}

fn maps() -> Vec<(&'static str, Maps)> {
    let network = |seed| RandomNetwork::seeded(Activation::Tanh, &[INPUTS, 12], seed);
    vec![
        ("inputs", Maps::none()),
        ("coordinates", Maps::same(Coordinates::new(INPUTS))),
        ("network", Maps::drawn(move |repeat| network(repeat as u64))),
    ]
}

fn arms() -> Vec<Arm> {
    let named = |name: &str, arm: Arm| Arm { name: name.into(), ..arm };
    vec![
        Arm::min_norm(),
        Arm::ridge(0.4).unwrap(),
        Arm::new("truncated", None, Arc::new(Truncated::new(1.0).unwrap())),
        Arm::no_small_singular_values(0.8).unwrap(),
        Arm::test_features_projected(2),
        Arm::no_residuals(),
        Arm {
            ablation: Ablation::none().no_residuals().test_features_on(3),
            ..named("two", Arm::ridge(0.2).unwrap())
        },
        Arm::attacked(Adversary::TestDatum { strength: 0.7 }),
        Arm::attacked(Adversary::TrainingTargets { strength: 0.7 }),
    ]
}

/// Expected cells by arm, repeat, n and p. They do not depend on the engine and the metrics that a sweep is asked for.
type Known = HashMap<(usize, usize, usize, usize), Vec<Expected>>;

/// Runs a sweep on every engine that supports it and compares each cell with the plain loop, of which `known` keeps what
/// other runs of this sweep may need. Returns the number of values compared.
fn hold(what: &str, sweep: &Sweep, arms: &[Arm], known: &mut Known) -> usize {
    let mut held = 0;
    for engine in [None, Some(Engine::Svd), Some(Engine::Nested)] {
        let sweep = Sweep { engine, threads: Some(1), ..sweep.clone() };
        let curve = match sweep.run() {
            Ok(curve) => curve,
            Err(Error::Unsupported { reason }) => {
                assert!(
                    reason.contains("the nested engine cannot be used") && engine == Some(Engine::Nested),
                    "{what}: {reason}"
                );
                continue;
            }
            Err(other) => panic!("{what}: {other}"),
        };
        assert!(curve.complete && curve.failures.is_empty(), "{what}: {:?}", curve.failures);
        for cell in &curve.cells {
            let expected = known
                .entry((cell.arm, cell.repeat, cell.n, cell.p))
                .or_insert_with(|| expected(&sweep, &arms[cell.arm], cell));
            for &Expected { metric, value, tolerance } in &*expected {
                if !sweep.metrics.contains(&metric) {
                    continue;
                }
                let found = cell.metric(metric);
                if metric == Metric::LeaveOneOut && found.is_none() {
                    continue; // a row's leverage is too close to 1
                }
                let found = found.unwrap_or_else(|| panic!("{what} {engine:?} {metric:?}: no value"));
                assert!(
                    (found - value).abs() <= tolerance,
                    "{what} {engine:?} {} {metric:?} n = {} p = {}: {found} {value}, bound {tolerance:e}",
                    arms[cell.arm].name,
                    cell.n,
                    cell.p
                );
                held += 1;
            }
        }
    }
    held
}

fn base(source: &Source, splits: &Splits, maps: &Maps) -> Sweep {
    Sweep { maps: maps.clone(), samples: vec![9], ..Sweep::of(source.clone(), splits.clone()) }
}

/// Sweeps n, p and both, on every source and map, with every preparation: first all arms and metrics at once, then the
/// plain estimators with the metrics of the nested engines.
#[test]
fn every_part_meets_every_other() {
    let (mut sweeps, mut held) = (0, 0);
    let lists: [(&[usize], &[usize]); 3] = [(&[2, 5, 9, 12], &[6]), (&[9], &[1, 4, 7]), (&[4, 10], &[3, 5])];
    for (name, source, splits) in sources() {
        for (map_name, maps) in maps() {
            for (samples, features) in lists {
                for (intercept, standardise) in [
                    (Intercept::None, false),
                    (Intercept::Free, false),
                    (Intercept::Free, true),
                    (Intercept::None, true),
                ] {
                    let what = format!(
                        "{name}, {map_name}, {samples:?} × {features:?}, {intercept:?} {standardise}"
                    );
                    let (samples, features) = (samples.to_vec(), features.to_vec());
                    let sweep =
                        Sweep { samples, features, intercept, standardise, ..base(&source, &splits, &maps) };
                    if name == "population" && map_name != "inputs" {
                        assert!(matches!(sweep.run(), Err(Error::Unsupported { .. })));
                        continue;
                    }
                    let no_model = standardise && intercept == Intercept::None;
                    let arms: Vec<Arm> = arms()
                        .into_iter()
                        .filter(|arm| !(no_model && arm.ablation.is_without_residuals()))
                        .collect();
                    let metrics: Vec<Metric> = if no_model {
                        vec![
                            Metric::TrainMse,
                            Metric::TestMse,
                            Metric::DegreesOfFreedom,
                            Metric::ExpectedNoise,
                        ]
                    } else {
                        Metric::ALL.to_vec()
                    };
                    let mut known = Known::new();
                    let mut held_by = |sweep: Sweep| held += hold(&what, &sweep, &arms, &mut known);
                    held_by(Sweep { arms: arms.clone(), metrics, ..sweep.clone() });
                    let plain = Sweep { arms: arms[..2].to_vec(), ..sweep };
                    held_by(plain.clone());
                    if name != "population" {
                        let metrics = vec![Metric::TestErrorRate, Metric::TrainErrorRate];
                        held_by(Sweep { metrics, ..plain.clone() });
                    }
                    if !standardise {
                        let metrics =
                            vec![Metric::TestMse, Metric::LeaveOneOut, Metric::SmallestSingularValue];
                        held_by(Sweep { arms: arms[..1].to_vec(), metrics, ..plain });
                    }
                    sweeps += 1;
                }
            }
        }
    }
    assert!(sweeps > 250 && held > 50_000, "{sweeps} {held}");
}

/// The third axis: estimators at every value, alone and combined with n or p.
#[test]
fn a_parameter_is_an_axis() {
    let family = |value: f64| -> Result<Arc<dyn SpectralFilter>, Error> {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // small counts
        Ok(Arc::new(LeadingModes(value as usize)))
    };
    for (name, source, splits) in sources() {
        let sweep = Sweep { features: vec![6], ..base(&source, &splits, &Maps::none()) };
        for (parameter, penalty) in [
            (Parameter::penalty([0.1, 3.0, 0.5]), true),
            (Parameter::estimators(Axis::Setting, [1.0, 5.0, 3.0], family), false),
        ] {
            let at = |value: f64| {
                if penalty {
                    Arm::ridge(value).unwrap()
                } else {
                    Arm::new("own", None, family(value).unwrap())
                }
            };
            let values = parameter.values().to_vec();
            let sweep = Sweep { parameter: Some(parameter.clone()), ..sweep.clone() };
            let curve = sweep.run().unwrap();
            assert_eq!((curve.axis, curve.arms.len()), (parameter.axis(), 1), "{name}");
            let mut sorted = values.clone();
            sorted.sort_by(f64::total_cmp);
            assert_eq!(curve.values(), sorted);
            let over_n = Sweep { samples: vec![4, 9], ..sweep.clone() }.run().unwrap();
            assert_eq!((over_n.axis, over_n.arms.len()), (Axis::Samples, 3));
            for (place, &value) in values.iter().enumerate() {
                let one = Sweep { parameter: None, arms: vec![at(value)], ..sweep.clone() }.run().unwrap();
                let same = |found: &[Cell], all: &[Cell]| {
                    assert_eq!(found.len(), all.len());
                    for (found, one) in found.iter().zip(all) {
                        for metric in &sweep.metrics {
                            let (a, b) = (found.metric(*metric).unwrap(), one.metric(*metric).unwrap());
                            assert!(
                                (a - b).abs() <= 1e-10 * (25.0 + b),
                                "{name} {value} {metric:?}: {a} {b}"
                            );
                        }
                    }
                };
                let here: Vec<Cell> =
                    curve.cells.iter().filter(|c| c.value() == Some(value)).copied().collect();
                same(&here, &one.cells);
                let here: Vec<Cell> =
                    over_n.cells.iter().filter(|c| c.n == 9 && c.arm == place).copied().collect();
                same(&here, &one.cells);
                assert_eq!(over_n.arms[place].setting, Some(value));
            }
        }
    }
}

/// Errors of linear fits are quadratic in the target noise, so three levels determine a fourth. Zero noise changes
/// nothing, neither on targets nor on inputs.
#[test]
fn noise_is_an_axis() {
    for (name, source, splits) in sources() {
        for maps in [Maps::none(), Maps::same(Coordinates::new(INPUTS))] {
            let sweep = Sweep { features: vec![5], ..base(&source, &splits, &maps) };
            let Ok(plain) = sweep.run() else { continue };
            let noise =
                Sweep { parameter: Some(Parameter::label_noise([0.0, 1.0, 2.0, 3.0], 6)), ..sweep.clone() };
            let curve = noise.run().unwrap();
            assert_eq!((curve.axis, curve.cells.len()), (Axis::LabelNoise, plain.cells.len() * 4), "{name}");
            for (levels, plain) in curve.cells.chunks_exact(4).zip(&plain.cells) {
                let error = |level: usize| levels[level].test_mse.unwrap();
                let third = error(0) - 3.0 * error(1) + 3.0 * error(2);
                assert!(
                    (error(3) - third).abs() <= 1e-10 * (25.0 + error(3)),
                    "{name}: {} {third}",
                    error(3)
                );
                assert!((error(0) - plain.test_mse.unwrap()).abs() <= 1e-10 * (25.0 + error(0)));
                assert!(error(1) != error(0));
            }
            let noisy = Sweep { parameter: Some(Parameter::input_noise([0.0, 0.5], 6)), ..sweep.clone() };
            match noisy.run() {
                Err(Error::Unsupported { .. }) => assert!(matches!(source, Source::Table(_))),
                other => {
                    let curve = other.unwrap();
                    assert_eq!((curve.axis, curve.cells.len()), (Axis::InputNoise, plain.cells.len() * 2));
                    for (levels, plain) in curve.cells.chunks_exact(2).zip(&plain.cells) {
                        let error = |level: usize| levels[level].test_mse.unwrap();
                        assert!((error(0) - plain.test_mse.unwrap()).abs() <= 1e-10 * (25.0 + error(0)));
                        assert!(error(1) != error(0));
                    }
                }
            }
        }
    }
}

/// A dense list of p is one curve that grows column by column. It agrees bit by bit with the engine called directly,
/// and so does the same list as a plane with one n. A plane with two sizes is two such curves.
#[test]
fn dense_lists_are_nested_curves() {
    let (n, most, tests) = (30, 150, 200);
    let network = move |seed| RandomNetwork::seeded(Activation::Tanh, &[INPUTS, most], seed);
    let maps = Maps::drawn(move |repeat| network(repeat as u64));
    let (train, test) = (data(10, 40), data(14, tests));
    let sweep = Sweep {
        metrics: vec![Metric::TrainMse, Metric::TestMse, Metric::CoefficientNorm],
        ..Sweep::over_features((train.clone(), test.clone()), maps, n, 1..=most, REPEATS, 4)
    };
    let curve = sweep.run().unwrap();
    assert_eq!((curve.provenance.engine, curve.cells.len()), (Engine::Nested, REPEATS * most));
    let orders = sweep.splits.orders(40, n).unwrap();
    for (repeat, cells) in curve.cells.chunks_exact(most).enumerate() {
        let map = network(repeat as u64).unwrap();
        let table = Compressed::new(&map.design(test.features(), most).unwrap(), test.targets()).unwrap();
        let x = map.design(&train.features().select(Along(0), &orders[repeat]), most).unwrap();
        let y = train.targets().select(Along(0), &orders[repeat]);
        let points = Columns::new(&y, Test::Rows(&table)).unwrap().extend(&x).unwrap();
        for (cell, point) in cells.iter().zip(points) {
            assert_eq!(
                (cell.p, cell.train_mse, cell.test_mse),
                (point.p, Some(point.train_mse), point.test_mse)
            );
            assert_eq!(cell.coefficient_norm, Some(point.norm));
        }
    }
    assert_eq!(sweep.surface().unwrap().over_features(n).unwrap().cells, curve.cells);
    let two = Sweep { samples: vec![20, n], ..sweep }.surface().unwrap();
    assert_eq!(two.over_features(n).unwrap().cells, curve.cells);
}
