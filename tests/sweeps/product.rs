//! Sources × axes × arms × preparations × engines that may meet, against a plain loop of SVDs.

use double_descent::curve::{Axis, Cell, Metric};
use double_descent::dataset::Dataset;
use double_descent::features::{Activation, Coordinates, FeatureMap, RandomNetwork};
use double_descent::filter::{LeadingModes, SpectralFilter, Truncated};
use double_descent::nested::{Columns, Engine, Test};
use double_descent::risk::Compressed;
use double_descent::svd::Svd;
use double_descent::sweep::{Arm, Draw, Intercept, Maps, Parameter, Source, Splits, Sweep, TestOn};
use double_descent::{Ablation, Adversary, Error, rng::stream};
use ndarray::{Array1, Array2, Axis as Along, concatenate, s};
use rand::RngExt;
use rand_distr::StandardNormal;
use std::sync::Arc;

const REPEATS: usize = 2;
const INPUTS: usize = 7;

fn normal(place: usize, shape: (usize, usize)) -> Array2<f64> {
    let mut rng = stream(31, place, 0);
    Array2::from_shape_simple_fn(shape, || rng.sample(StandardNormal))
}

/// Inputs away from 0, so that an intercept matters; two targets.
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

/// What one repeat trains and tests on, made here once more.
struct Tables {
    x: Array2<f64>,
    y: Array2<f64>,
    test: (Array2<f64>, Array2<f64>),
    population: Option<(Array2<f64>, Array2<f64>, f64)>,
    /// All rows, for the best linear model.
    all: (Array2<f64>, Array2<f64>),
}

fn tables(sweep: &Sweep, repeat: usize, n: usize, p: usize) -> Tables {
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
                    // Rows whose second moments are those of the population: a symmetric root.
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

/// A fit in words of its definition: shifts, scales and coefficients.
struct Fit {
    svd: Svd,
    gains: Array1<f64>,
    shift: Array1<f64>,
    scale: Array1<f64>,
    constant: Array1<f64>,
    beta: Array2<f64>,
}

fn fit(sweep: &Sweep, arm: &Arm, x: &Array2<f64>, y: &Array2<f64>) -> Fit {
    let free = sweep.intercept == Intercept::Free;
    let zeros = |table: &Array2<f64>| Array1::zeros(table.ncols());
    let shift = if free || sweep.standardise { x.mean_axis(Along(0)).unwrap() } else { zeros(x) };
    let scale = if sweep.standardise { x.std_axis(Along(0), 0.0) } else { Array1::ones(x.ncols()) };
    let scale = scale.mapv(|s| if s < 1e-12 { f64::INFINITY } else { s });
    let constant = if free { y.mean_axis(Along(0)).unwrap() } else { zeros(y) };
    let svd = Svd::new(&((x - &shift) / &scale)).unwrap();
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
    fn predict(&self, x: &Array2<f64>, arm: &Arm, y: &Array2<f64>) -> Array2<f64> {
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

/// The share of rows whose larger prediction is not at the larger target.
fn error_rate(predictions: &Array2<f64>, targets: &Array2<f64>) -> f64 {
    let pairs = predictions.rows().into_iter().zip(targets.rows());
    pairs.filter(|(f, y)| (f[1] > f[0]) != (y[1] > y[0])).count() as f64 / targets.nrows() as f64
}

/// The best linear model of all rows: its predictions on some of them.
fn ideal(sweep: &Sweep, all: &(Array2<f64>, Array2<f64>), on: &Array2<f64>) -> Array2<f64> {
    let free = sweep.intercept == Intercept::Free;
    let model = Sweep {
        standardise: false,
        intercept: if free { Intercept::Free } else { Intercept::None },
        ..sweep.clone()
    };
    fit(&model, &Arm::min_norm(), &all.0, &all.1).predict(on, &Arm::min_norm(), &all.1)
}

/// Values of a cell, `None` where it has none. Populations have the errors alone.
fn expected(sweep: &Sweep, arm: &Arm, cell: &Cell) -> (f64, Vec<(Metric, Option<f64>)>) {
    let Tables { x, mut y, test, population, all } = tables(sweep, cell.repeat, cell.n, cell.p);
    let mut test_y = test.1.clone();
    // A population has mean 0: its best model has no constant.
    let intercept = if population.is_some() { Intercept::None } else { sweep.intercept };
    let of_model = Sweep { intercept, ..sweep.clone() };
    if arm.ablation.is_without_residuals() {
        (y, test_y) = (ideal(&of_model, &all, &x), ideal(&of_model, &all, &test.0));
    }
    let original = tables(sweep, cell.repeat, cell.n, cell.p).y;
    let fit = fit(sweep, arm, &x, &y);
    let free = sweep.intercept == Intercept::Free;
    let sigma = fit.svd.singular_values();
    let smallest = fit.svd.smallest_nonzero().unwrap_or(0.0);
    let condition = (sigma[0] / smallest).max(1.0);
    let mut values = vec![
        (Metric::SmallestSingularValue, Some(smallest)),
        (Metric::CoefficientNorm, Some(fit.beta.mapv(|b| b * b).sum().sqrt())),
        (Metric::DistanceFromStart, Some(fit.beta.mapv(|b| b * b).sum().sqrt())),
        (Metric::DegreesOfFreedom, Some((&fit.gains * sigma).sum() + f64::from(u8::from(free)))),
    ];
    let plain = arm.ablation == Ablation::none() && arm.adversary.is_none();
    if plain {
        let fitted = fit.predict(&x, arm, &y);
        values.push((Metric::TrainMse, Some(mean_square(&(&fitted - &y)))));
        values.push((Metric::TrainErrorRate, Some(error_rate(&fitted, &y))));
    }
    if let Some((covariance, teacher, deviation)) = population {
        if plain {
            let slope = &fit.beta / &fit.scale.clone().insert_axis(Along(1));
            let mut error = -teacher;
            error.slice_mut(s![..cell.p, ..]).scaled_add(1.0, &slope);
            let constant = &fit.constant - &fit.shift.dot(&slope);
            let risk = (error.t().dot(&covariance).dot(&error)).diag().sum() + constant.mapv(|c| c * c).sum();
            values.push((Metric::TestMse, Some(risk / 2.0 + deviation * deviation)));
        }
        return (condition, values);
    }
    // Of targets without residuals an adversary's sign is that of the measured ones.
    let predictions = fit.predict(&test.0, arm, &original);
    values.push((Metric::TestMse, Some(mean_square(&(&predictions - &test_y)))));
    let shown = arm.ablation.test_modes().unwrap_or(99).min(sigma.len());
    if !arm.ablation.is_without_residuals() {
        let standardised = (&test.0 - &fit.shift) / &fit.scale;
        let images =
            standardised.dot(&fit.svd.vt().slice(s![..shown, ..]).t()) * fit.gains.slice(s![..shown]);
        let constant = if free { (cell.n as f64).recip() } else { 0.0 };
        let noise = images.mapv(|v| v * v).sum() / test.0.nrows() as f64 + constant;
        values.push((Metric::ExpectedNoise, Some(noise)));
        values.push((Metric::TestErrorRate, Some(error_rate(&predictions, &test_y))));
    }
    if !sweep.standardise || free {
        // The bias: what the fit of targets without residuals misses of the model.
        let quiet = Arm { adversary: None, ..arm.clone() };
        let model = (ideal(sweep, &all, &x), ideal(sweep, &all, &test.0));
        let bias = self::fit(sweep, &quiet, &x, &model.0).predict(&test.0, &quiet, &model.0) - model.1;
        values.push((Metric::MeanSquaredBias, Some(mean_square(&bias))));
    }
    if plain && arm.estimator.penalty().is_some() && !sweep.standardise && cell.n > 2 {
        let mut errors = Array2::zeros(y.dim());
        for left in 0..cell.n {
            let rows: Vec<usize> = (0..cell.n).filter(|&row| row != left).collect();
            let (others_x, others_y) = (x.select(Along(0), &rows), y.select(Along(0), &rows));
            let one = self::fit(sweep, arm, &others_x, &others_y);
            let row = one.predict(&x.slice(s![left..=left, ..]).to_owned(), arm, &others_y);
            errors.row_mut(left).assign(&(&row.row(0) - &y.row(left)));
        }
        values.push((Metric::LeaveOneOut, Some(mean_square(&errors))));
    }
    (condition, values)
}

/// Runs a sweep by every engine that may, and holds each cell to the plain loop. How many were held.
fn hold(what: &str, sweep: &Sweep, arms: &[Arm]) -> usize {
    let mut held = 0;
    for engine in [None, Some(Engine::Svd), Some(Engine::Nested)] {
        let sweep = Sweep { engine, threads: Some(1), ..sweep.clone() };
        let curve = match sweep.run() {
            Ok(curve) => curve,
            Err(Error::Unsupported { reason }) => {
                assert!(
                    reason.contains("the nested engine has none") && engine == Some(Engine::Nested),
                    "{what}: {reason}"
                );
                continue;
            }
            Err(other) => panic!("{what}: {other}"),
        };
        assert!(curve.complete && curve.failures.is_empty(), "{what}: {:?}", curve.failures);
        for cell in &curve.cells {
            let (condition, values) = expected(&sweep, &arms[cell.arm], cell);
            for (metric, value) in values {
                let (Some(value), true) = (value, sweep.metrics.contains(&metric)) else { continue };
                let found = cell.metric(metric);
                if metric == Metric::LeaveOneOut && found.is_none() {
                    continue; // rounding left too little of some row
                }
                let found = found.unwrap_or_else(|| panic!("{what} {engine:?} {metric:?}: no value"));
                // Targets are of order 5, so squares of order 25. A leave-one-out error has the condition of what is left.
                let tolerance = 1e4 * f64::EPSILON * condition * condition * (25.0 + value.abs());
                assert!(
                    (found - value).abs() <= tolerance,
                    "{what} {engine:?} {} {metric:?} n = {} p = {}: {found} {value}, condition {condition:e}",
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

/// n, p and both, on every source and map, with every preparation: all arms and metrics at once, and the plain
/// estimators with the metrics that nested engines have.
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
                    held += hold(&what, &Sweep { arms: arms.clone(), metrics, ..sweep.clone() }, &arms);
                    let plain = &arms[..2];
                    held += hold(&what, &Sweep { arms: plain.to_vec(), ..sweep.clone() }, plain);
                    let metrics = vec![Metric::TestMse, Metric::LeaveOneOut, Metric::SmallestSingularValue];
                    if name != "population" {
                        let metrics = vec![Metric::TestErrorRate, Metric::TrainErrorRate];
                        held += hold(&what, &Sweep { arms: plain.to_vec(), metrics, ..sweep.clone() }, plain);
                    }
                    if !standardise {
                        held += hold(&what, &Sweep { arms: plain[..1].to_vec(), metrics, ..sweep }, plain);
                    }
                    sweeps += 1;
                }
            }
        }
    }
    assert!(sweeps > 250 && held > 50_000, "{sweeps} {held}");
}

/// The third axis: estimators at every value, alone and beside n or p.
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

/// Errors of linear fits are quadratic in the noise of the targets: three levels say what a fourth is. Without noise
/// nothing changes, and of the inputs neither.
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

/// A dense list of p is one curve that grows column by column, bit by bit that of the engine called directly; so is the
/// same list as a plane of one n. A plane of two sizes is two.
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
