//! The newer axes and sources of a sweep: surfaces over a parameter, ensembles, starts, fresh rows and fitted maps,
//! each against the plain loop that it stands for.

use double_descent::Error;
use double_descent::curve::{Axis, Curve, Metric, Surface};
use double_descent::dataset::Dataset;
use double_descent::ensemble::Ensemble;
use double_descent::features::{FeatureMap, NaturalSpline, Polynomial, PolynomialBasis, RandomFourier};
use double_descent::filter::{
    GradientDescent, GradientFlow, Loss, MinNorm, Ridge, Schedule, SpectralFilter, WidthScaled,
};
use double_descent::interpolants::{expected_excess, warm_start_curve};
use double_descent::nested::Engine;
use double_descent::risk::Compressed;
use double_descent::rng::stream;
use double_descent::svd::Svd;
use double_descent::sweep::{Arm, Draw, Maps, Parameter, Source, Splits, Sweep, TestOn};
use ndarray::{Array2, s};
use rand::RngExt;
use rand_distr::StandardNormal;
use std::sync::Arc;

const INPUTS: usize = 4;
const TESTS: usize = 15;

pub fn normal(seed: u64, place: usize, rows: usize, columns: usize) -> Array2<f64> {
    let mut rng = stream(seed, place, 0);
    Array2::from_shape_simple_fn((rows, columns), || rng.sample(StandardNormal))
}

/// The training and test rows that a repeat draws.
pub fn draw(repeat: usize) -> Draw {
    let targets = |x: &Array2<f64>| {
        x.map_axis(ndarray::Axis(1), |row| (row[0] - row[1] * row[2]).sin()).insert_axis(ndarray::Axis(1))
    };
    let (inputs, tests) = (normal(5, 2 * repeat, 12, INPUTS), normal(5, 2 * repeat + 1, TESTS, INPUTS));
    let noise = normal(6, repeat, 12, 1) * 0.3;
    let (y, truth) = (targets(&inputs) + noise, targets(&tests));
    Draw { inputs, targets: y, test: TestOn::Rows { inputs: tests, targets: truth } }
}

pub fn tests(draw: &Draw) -> (&Array2<f64>, &Array2<f64>) {
    match &draw.test {
        TestOn::Rows { inputs, targets } => (inputs, targets),
        TestOn::Population { .. } => panic!("rows"),
    }
}

fn map(repeat: usize, member: usize) -> Result<RandomFourier, Error> {
    RandomFourier::gaussian(INPUTS, 30, 0.2, (10 * repeat + member) as u64)
}

pub fn sweep(features: &[usize]) -> Sweep {
    Sweep {
        maps: Maps::members(map),
        samples: vec![10],
        features: features.to_vec(),
        metrics: vec![Metric::TrainMse, Metric::TestMse],
        ..Sweep::of(Source::drawn("drawn", |repeat| Ok(draw(repeat))), Splits::Drawn { repeats: 3, seed: 0 })
    }
}

fn mean_square(x: &Array2<f64>) -> f64 {
    x.iter().map(|v| v * v).sum::<f64>() / x.len() as f64
}

/// Returns the features of the training and of the test rows, and the targets of both, for one repeat and member.
fn tables(repeat: usize, member: usize, p: usize) -> [Array2<f64>; 4] {
    let draw = draw(repeat);
    let (inputs, truth) = tests(&draw);
    let map = map(repeat, member).unwrap();
    let x = map.design(&draw.inputs.slice(s![..10, ..]), 30).unwrap();
    let test = map.design(inputs, 30).unwrap();
    let columns = |x: &Array2<f64>| x.slice(s![.., ..p]).to_owned();
    [columns(&x), columns(&test), draw.targets.slice(s![..10, ..]).to_owned(), truth.clone()]
}

/// Checks equality up to rounding. The fits here stay away from p = n, so κ is below 10⁵. Two ways to compute a
/// prediction then differ by about ε κ² < 10⁻⁵ at the very worst, and by ε κ = 2 × 10⁻¹¹ if residuals are small, with
/// 50 times that allowed.
fn close(found: f64, expected: f64) {
    assert!((found - expected).abs() <= 1e-9 * expected.abs().max(1e-3), "{found} and {expected}");
}

fn error(surface: &Surface, repeat: usize, (row, p): (f64, usize), arm: usize) -> (f64, f64) {
    let cells = &surface.cells().cells;
    let is = |cell: &&double_descent::curve::Cell| {
        (cell.repeat, cell.p, cell.arm) == (repeat, p, arm) && surface.rows().value(cell) == Some(row)
    };
    let cell = cells.iter().find(is).unwrap();
    (cell.train_mse.unwrap(), cell.test_mse.unwrap())
}

/// A penalty and a time that stay fixed along p, on features whose amplitude falls as `√(2/p)`: each cell is the fit on
/// the map with that amplitude.
#[test]
fn features_are_scaled_by_their_number() {
    let flow = GradientFlow::new(2.0, Loss::HalfSum).unwrap();
    let inner: [Arc<dyn SpectralFilter>; 3] =
        [Arc::new(Ridge::new(0.05).unwrap()), Arc::new(flow), Arc::new(MinNorm::default())];
    let scaled = inner.clone().map(|filter| Arc::new(WidthScaled::new(filter, 1.0).unwrap()));
    let arms = scaled.iter().enumerate().map(|(i, filter)| Arm::new(format!("{i}"), None, filter.clone()));
    let sizes = [3, 7, 16, 30];
    let curve = Sweep { arms: arms.collect(), ..sweep(&sizes) }.run().unwrap();
    assert_eq!(curve.cells.len(), 3 * 4 * 3);
    for cell in &curve.cells {
        let [x, test, y, truth] = tables(cell.repeat, 0, cell.p);
        // The map's own amplitude is √2.
        let share = (cell.p as f64).sqrt().recip();
        let named = map(cell.repeat, 0).unwrap().with_kernel_amplitude(cell.p).unwrap();
        let again = named.design(&draw(cell.repeat).inputs.slice(s![..10, ..]), cell.p).unwrap();
        assert!(mean_square(&(&again - &(&x * share))) < 1e-30);
        let beta = Svd::new(&(&x * share)).unwrap().solve(&y, &*inner[cell.arm]).unwrap();
        close(cell.train_mse.unwrap(), mean_square(&((&x * share).dot(&beta) - &y)));
        close(cell.test_mse.unwrap(), mean_square(&((&test * share).dot(&beta) - &truth)));
    }
    assert!(scaled[0].describe().contains("√p"), "{}", scaled[0].describe());
    assert_eq!((scaled[0].penalty(), scaled[2].penalty()), (None, Some(0.0)));
    for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(matches!(WidthScaled::new(inner[0].clone(), bad), Err(Error::Domain { .. })), "{bad}");
    }
}

#[test]
fn a_surface_over_time_and_features_is_a_loop_of_svds() {
    let (times, sizes) = ([0.01, 1.0, 100.0], [3, 7, 16, 30]);
    // The mean over rows depends on their number, which a triangular factor does not know.
    let ways = [Some(Engine::Svd), None].map(|engine| [Loss::HalfSum, Loss::Mean].map(|loss| (engine, loss)));
    for (engine, loss) in ways.into_iter().flatten() {
        let sweep = Sweep { parameter: Some(Parameter::time(loss, times)), engine, ..sweep(&sizes) };
        let surface = sweep.surface().unwrap();
        assert_eq!((surface.rows(), surface.columns()), (Axis::Time, Axis::Features));
        assert_eq!(surface.row_values(), times);
        assert_eq!(surface.cells().cells.len(), 3 * 3 * 4);
        assert_eq!(surface.cells().arms.len(), 1);
        for repeat in 0..3 {
            for p in sizes {
                let [x, test, y, truth] = tables(repeat, 0, p);
                let svd = Svd::new(&x).unwrap();
                for t in times {
                    let beta = svd.solve(&y, &GradientFlow::new(t, loss).unwrap()).unwrap();
                    let (train, tested) = error(&surface, repeat, (t, p), 0);
                    close(train, mean_square(&(x.dot(&beta) - &y)));
                    close(tested, mean_square(&(test.dot(&beta) - &truth)));
                }
            }
        }
        // Slices and their axes.
        let at_time = surface.at_row(1.0).unwrap();
        assert_eq!((at_time.axis, at_time.values()), (Axis::Features, sizes.map(|p| p as f64).to_vec()));
        let at_size = surface.at_column(16.0).unwrap();
        assert_eq!((at_size.axis, at_size.values()), (Axis::Time, times.to_vec()));
        let medians = surface.medians(0, Metric::TestMse).unwrap();
        let median = at_size.summaries(Metric::TestMse, None).unwrap()[2].median;
        assert_eq!(medians[[2, 2]], median);
        assert!(surface.at_row(2.0).is_none() && surface.at_column(4.0).is_none());
    }
}

#[test]
fn surfaces_say_what_they_are_over() {
    let over = |parameter| Sweep { parameter: Some(parameter), ..sweep(&[3, 7]) };
    let noise = over(Parameter::label_noise([0.0, 0.5], 3)).surface().unwrap();
    assert_eq!(noise.rows(), Axis::LabelNoise);
    let samples = Sweep { samples: vec![4, 10], features: vec![6], ..over(Parameter::penalty([0.1, 1.0])) };
    let surface = samples.surface().unwrap();
    assert_eq!((surface.rows(), surface.columns()), (Axis::Penalty, Axis::Samples));
    // A family of arms over another axis.
    let arms = vec![Arm::min_norm(), Arm::ridge(0.1).unwrap(), Arm::ridge(1.0).unwrap()];
    let alone = Sweep { features: vec![6], arms, ..over(Parameter::label_noise([0.0, 0.5, 1.0], 3)) };
    assert!(matches!(alone.surface(), Err(Error::Unsupported { .. })));
    let curve = alone.run().unwrap();
    let plane = Surface::of_family(&curve, "ridge", Axis::Penalty).unwrap();
    assert_eq!((plane.row_values(), plane.column_values()), (vec![0.1, 1.0], vec![0.0, 0.5, 1.0]));
    let of_one = curve.summaries(Metric::TestMse, None).unwrap();
    let of_one = of_one.iter().find(|s| s.arm == 2 && s.value == 0.5).unwrap();
    assert_eq!(plane.medians(1, Metric::TestMse).unwrap()[[1, 1]], of_one.median);
    let over_penalties = plane.at_column(0.5).unwrap();
    assert_eq!((over_penalties.axis, over_penalties.values()), (Axis::Penalty, vec![0.1, 1.0]));
    assert!(Surface::of_family(&curve, "min_norm", Axis::Penalty).is_err());
    // Records of the samples give the same surface.
    let path = std::env::temp_dir().join(format!("double-descent-axes-{}", std::process::id()));
    let recorded = samples.record(&path).unwrap().surface(&()).unwrap();
    assert_eq!(recorded, surface);
    std::fs::remove_file(path).unwrap();
}

#[test]
fn ensembles_are_read_off_pairs_of_members() {
    let sizes = [1.0, 2.0, 7.0, f64::INFINITY];
    let features = [4, 14, 30];
    let sweep = Sweep { parameter: Some(Parameter::members(sizes, 4)), ..sweep(&features) };
    let surface = sweep.surface().unwrap();
    assert_eq!(surface.rows(), Axis::Members);
    for repeat in 0..3 {
        for p in features {
            let (mut train, mut test, mut targets) = (Vec::new(), Vec::new(), None);
            for member in 0..4 {
                let [x, tests, y, truth] = tables(repeat, member, p);
                let beta = Svd::new(&x).unwrap().solve(&y, &MinNorm::default()).unwrap();
                train.push(x.dot(&beta));
                test.push(tests.dot(&beta));
                targets = Some((y, truth));
            }
            let (y, truth) = targets.unwrap();
            let (train, test) = (Ensemble::new(&train, &y).unwrap(), Ensemble::new(&test, &truth).unwrap());
            for size in sizes {
                let of = |ensemble: &Ensemble| {
                    if size.is_finite() { ensemble.error(size as usize).unwrap() } else { ensemble.limit() }
                };
                let found = error(&surface, repeat, (size, p), 0);
                close(found.0, of(&train));
                close(found.1, of(&test));
            }
        }
    }
    // Next to an axis of p, the numbers of members are arms, and the limit has its own name.
    let curve = sweep.run().unwrap();
    assert!(curve.arm("min_norm_limit", None).is_some() && curve.arm("min_norm", Some(7.0)).is_some());
    for wrong in [0.0, 1.5, f64::NAN, -1.0] {
        let error =
            Sweep { parameter: Some(Parameter::members([wrong], 4)), ..sweep.clone() }.run().unwrap_err();
        assert!(matches!(error, Error::Domain { .. }), "{error}");
    }
    let one = Sweep { parameter: Some(Parameter::members([1.0], 1)), ..sweep.clone() };
    assert!(matches!(one.run(), Err(Error::Domain { .. })));
    let refused = [
        Sweep { metrics: vec![Metric::CoefficientNorm], ..sweep.clone() },
        Sweep { maps: Maps::same(map(0, 0).unwrap()), ..sweep.clone() },
        Sweep { engine: Some(Engine::Nested), ..sweep.clone() },
        Sweep { arms: vec![Arm::no_residuals()], ..sweep.clone() },
        Sweep { standardise: true, ..sweep.clone() },
        Sweep { arms: vec![Arm::warm_start()], ..sweep },
    ];
    for sweep in refused {
        assert!(matches!(sweep.run(), Err(Error::Unsupported { .. })));
    }
}

/// Descent with steps this long diverges on every training set here; minimum-norm fits have no step.
#[test]
fn an_arm_of_an_ensemble_that_fails_takes_no_other_with_it() {
    let parameter = Some(Parameter::members([1.0, 3.0], 3));
    let alone = Sweep { parameter: parameter.clone(), ..sweep(&[4, 14]) }.run().unwrap();
    let diverging = Arm::new(
        "descent",
        None,
        Arc::new(GradientDescent::new(Schedule::Constant(1e6), 10, Loss::Mean).unwrap()),
    );
    let arms = vec![Arm::min_norm(), diverging];
    let both = Sweep { parameter, arms, ..sweep(&[4, 14]) }.run().unwrap();
    let healthy = |curve: &Curve| -> Vec<_> {
        let of = |p, size| curve.arm("min_norm", Some(size)).map(|arm| *curve.cell(1, p, arm).unwrap());
        [(4, 1.0), (4, 3.0), (14, 1.0), (14, 3.0)]
            .map(|(p, size)| of(p, size).map(|cell| cell.test_mse))
            .into()
    };
    assert_eq!(healthy(&both), healthy(&alone));
    assert!(
        both.failures.iter().all(|failure| failure.arm.is_some_and(|arm| both.arms[arm].name == "descent")),
        "{:?}",
        both.failures
    );
    // Two sizes of the ensemble at two feature counts in three repeats.
    assert_eq!(both.failures.len(), 12);
}

#[test]
fn starts_are_those_of_the_interpolants() {
    let features = [4, 14, 20, 30];
    let arms = || vec![Arm::min_norm(), Arm::random_start(2.0).unwrap(), Arm::warm_start()];
    let check = |curve: &Curve, repeat: usize, tables: &dyn Fn(usize) -> [Array2<f64>; 4]| {
        let [x, test, y, truth] = tables(30);
        let whole = Compressed::new(&test, &truth).unwrap();
        let warm = warm_start_curve(&x, &y, &features, Some(&whole)).unwrap();
        for (p, warm) in features.into_iter().zip(warm) {
            let [x, test, y, truth] = tables(p);
            let svd = Svd::new(&x).unwrap();
            let beta = svd.solve(&y, &MinNorm::default()).unwrap();
            let least = mean_square(&(test.dot(&beta) - &truth));
            let table = Compressed::new(&test, &truth).unwrap();
            let cell = |arm| *curve.cell(repeat, p, arm).unwrap();
            close(cell(0).test_mse.unwrap(), least);
            close(cell(1).test_mse.unwrap(), least + expected_excess(&svd, 2.0, &table).unwrap());
            close(cell(2).test_mse.unwrap(), warm.test_mse.unwrap());
            close(cell(2).coefficient_norm.unwrap(), warm.norm);
            assert_eq!(
                (cell(1).coefficient_norm, cell(1).smallest_singular_value),
                (None, cell(0).smallest_singular_value)
            );
        }
    };
    let metrics = vec![Metric::TestMse, Metric::CoefficientNorm, Metric::SmallestSingularValue];
    let drawn = Sweep { arms: arms(), metrics, ..sweep(&features) };
    let curve = drawn.run().unwrap();
    for repeat in 0..3 {
        check(&curve, repeat, &|p| tables(repeat, 0, p));
    }
    // Tables shared by all repeats.
    let draw = draw(0);
    let (inputs, truth) = tests(&draw);
    let train = Dataset::new("train", draw.inputs.clone(), draw.targets.clone()).unwrap();
    let test = Dataset::new("test", inputs.clone(), truth.clone()).unwrap();
    let shared = Sweep {
        source: Source::TrainTest { train, test },
        splits: Splits::Recorded(vec![(0..12).collect()]),
        maps: Maps::same(map(0, 0).unwrap()),
        ..drawn.clone()
    };
    check(&shared.run().unwrap(), 0, &|p| tables(0, 0, p));
    // A random start, tested on the rows of a table that are not trained on.
    let data = Dataset::new("table", draw.inputs.clone(), draw.targets.clone()).unwrap();
    let mut table = Sweep::new(data, [2], 1, 0);
    table.arms = vec![Arm::min_norm(), Arm::random_start(2.0).unwrap()];
    let curve = table.run().unwrap();
    let order = &table.splits.orders(12, 12).unwrap()[0];
    let rows = |rows: &[usize]| draw.inputs.select(ndarray::Axis(0), rows);
    let svd = Svd::new(&rows(&order[..2])).unwrap();
    let others = Compressed::new(&rows(&order[2..]), &Array2::zeros((10, 1))).unwrap();
    let [least, random] = [0, 1].map(|arm| curve.cell(0, 2, arm).unwrap().test_mse.unwrap());
    close(random - least, expected_excess(&svd, 2.0, &others).unwrap());
    // Settings with which starts cannot be combined.
    let refused = [
        Sweep {
            arms: vec![Arm { estimator: Arm::ridge(0.1).unwrap().estimator, ..Arm::warm_start() }],
            ..drawn.clone()
        },
        Sweep { parameter: Some(Parameter::penalty([1.0, 2.0])), ..drawn.clone() },
        Sweep { standardise: true, ..drawn.clone() },
        Sweep { engine: Some(Engine::Nested), ..drawn },
        Sweep { arms: vec![Arm::warm_start()], ..table },
    ];
    for sweep in refused {
        assert!(
            matches!(sweep.run(), Err(Error::Unsupported { .. })),
            "{:?}",
            sweep.run().map(|c| c.cells.len())
        );
    }
    assert!(Arm::random_start(-1.0).is_err());
}

#[test]
fn fresh_rows_and_fitted_maps_are_one_fit_a_cell() {
    let ends = (-2.0, 2.0);
    let points = |repeat: usize, p: usize| {
        let x = normal(9, 50 * repeat + p, 11, 1).mapv(|v| v.clamp(-1.9, 1.9));
        let y = x.mapv(f64::sin);
        let test = Array2::from_shape_fn((21, 1), |(i, _)| -2.0 + 0.2 * i as f64);
        let truth = test.mapv(f64::sin);
        Draw { inputs: x, targets: y, test: TestOn::Rows { inputs: test, targets: truth } }
    };
    let source = Source::drawn_for_cells("fresh", move |repeat, n, p| {
        assert!(n == 11, "asked for {n} rows");
        Ok(points(repeat, p))
    });
    let of = |maps: Maps| Sweep {
        maps,
        samples: vec![11],
        features: vec![3, 6, 9, 14],
        metrics: vec![Metric::TestMse, Metric::SmallestSingularValue],
        ..Sweep::of(source.clone(), Splits::Drawn { repeats: 2, seed: 0 })
    };
    let fitted = of(Maps::fitted("splines", move |x, p| NaturalSpline::at_quantiles_within(x, p, ends)));
    let nested = of(Maps::same(Polynomial::new(PolynomialBasis::Legendre)));
    for (sweep, is_fitted) in [(&fitted, true), (&nested, false)] {
        let curve = sweep.run().unwrap();
        assert!(curve.provenance.sampling.contains("for every cell"), "{}", curve.provenance.sampling);
        for cell in &curve.cells {
            let (draw, p) = (points(cell.repeat, cell.p), cell.p);
            let map: Arc<dyn FeatureMap> = if is_fitted {
                Arc::new(NaturalSpline::at_quantiles_within(&draw.inputs, p, ends).unwrap())
            } else {
                Arc::new(Polynomial::new(PolynomialBasis::Legendre))
            };
            let svd = Svd::new(&map.design(&draw.inputs, p).unwrap()).unwrap();
            let beta = svd.solve(&draw.targets, &MinNorm::default()).unwrap();
            let (tests, truth) = tests(&draw);
            let expected = mean_square(&(map.design(tests, p).unwrap().dot(&beta) - truth));
            close(cell.test_mse.unwrap(), expected);
            assert_eq!(cell.smallest_singular_value, svd.smallest_nonzero());
            // The same fit on its own.
            let fit = sweep.fit(cell.repeat, (11, p), 0).unwrap();
            assert_eq!(fit.coefficients, beta);
            close(mean_square(&(fit.predict(tests).unwrap() - truth)), expected);
        }
        let again = Sweep { threads: Some(1), ..sweep.clone() }.run().unwrap();
        assert_eq!(again, curve);
        let nested = Sweep { engine: Some(Engine::Nested), ..sweep.clone() };
        assert!(matches!(nested.run(), Err(Error::Unsupported { .. })));
        assert!(sweep.identity().is_ok());
    }
    // A spline that cannot be built costs only its own cell.
    let odd = of(Maps::fitted("splines", move |x, p| {
        NaturalSpline::at_quantiles_within(x, if p == 6 { 1 } else { p }, ends)
    }));
    let curve = odd.run().unwrap();
    assert!(curve.failures.iter().all(|failure| failure.p == 6) && curve.failures.len() == 2);
    assert!(matches!(Maps::fitted("", |_, _| map(0, 0)).of(0), Err(Error::Unsupported { .. })));
}

#[test]
fn targets_of_each_repeat_share_a_factorisation() {
    let given = |repeat: usize, value: f64| normal(11, repeat, 12, 1) * value;
    let values = [0.5, 2.0];
    let parameter =
        Parameter::targets(Axis::LabelNoise, values, move |repeat, value| Ok(given(repeat, value)));
    for engine in [Some(Engine::Svd), None] {
        let sweep = Sweep { parameter: Some(parameter.clone()), engine, ..sweep(&[4, 14]) };
        let surface = sweep.surface().unwrap();
        for repeat in 0..3 {
            for p in [4, 14] {
                let [x, test, _, truth] = tables(repeat, 0, p);
                for value in values {
                    let y = given(repeat, value).slice(s![..10, ..]).to_owned();
                    let beta = Svd::new(&x).unwrap().solve(&y, &MinNorm::default()).unwrap();
                    close(error(&surface, repeat, (value, p), 0).1, mean_square(&(test.dot(&beta) - &truth)));
                }
            }
        }
    }
    let short = Parameter::targets(Axis::LabelNoise, values, |_, _| Ok(Array2::zeros((9, 1))));
    let error = Sweep { parameter: Some(short), ..sweep(&[4, 14]) }.run().unwrap_err();
    assert!(matches!(error, Error::Shape { expected: 10, found: 9, .. }), "{error:?}");
}
