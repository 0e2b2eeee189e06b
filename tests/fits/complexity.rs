//! Effective model complexity: exact for minimum norm, by bisection otherwise, and its relation to the peak.

use crate::common::matrices::normal;
use double_descent::Error;
use double_descent::complexity::{Complexity, LinearModel, Procedure, Search};
use double_descent::curve::Metric;
use double_descent::dataset::Dataset;
use double_descent::features::{Coordinates, FeatureMap, RandomFourier};
use double_descent::filter::{LeadingModes, MinNorm, Ridge, SpectralFilter, Spectrum, Truncated};
use double_descent::nested::{Test, feature_curve};
use double_descent::risk::Compressed;
use double_descent::svd::Cutoff;
use double_descent::sweep::{Arm, Splits, Sweep};
use ndarray::{Array2, ArrayRef2, Axis, array, s};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Makes inputs in three dimensions, and targets that are a smooth function of them plus noise.
fn regression(rows: usize, seed: u64) -> (Array2<f64>, Array2<f64>) {
    let inputs = normal(rows, 3, seed);
    let smooth = inputs.map_axis(Axis(1), |x| (x[0] + 0.5 * x[1]).sin() + 0.3 * x[2]).insert_axis(Axis(1));
    (inputs, smooth + normal(rows, 1, seed + 1) * 0.3)
}

fn fourier(features: usize, seed: u64) -> RandomFourier {
    RandomFourier::gaussian(3, features, 0.5, seed).unwrap()
}

fn min_norm() -> Arc<dyn SpectralFilter> {
    Arc::new(MinNorm::default())
}

/// The same procedure without its nested curve, so that the complexity is found by bisection.
struct OneByOne<'a>(&'a LinearModel);

impl Procedure for OneByOne<'_> {
    fn training_error(&self, inputs: &ArrayRef2<f64>, targets: &ArrayRef2<f64>) -> Result<f64, Error> {
        self.0.training_error(inputs, targets)
    }
}

#[test]
fn min_norm_fourier_regression_has_the_complexity_p_exactly_and_the_peak_follows_it() {
    let (inputs, targets) = regression(160, 1);
    let map = Arc::new(fourier(80, 3));
    let design = map.design(&inputs, 80).unwrap();
    for p in [1, 2, 7, 20, 41, 60] {
        let model = LinearModel::new(map.clone(), p, min_norm());
        let search = Search { largest: Some(120), ..Search::new(0.0, 5, 4) };
        let found = search.run(&model, &inputs, &targets).unwrap();
        assert_eq!((found.value, found.first_over), (p, Some(p + 1)), "p = {p}");
        assert!(!found.is_bound() && found.is_single_crossing() && found.points.len() == 120);
        assert!(found.points[..p].iter().all(|point| point.mean == 0.0));
        let bisected = search.run(&OneByOne(&model), &inputs, &targets).unwrap();
        assert_eq!((bisected.value, bisected.first_over), (p, Some(p + 1)), "p = {p}");
        assert!(bisected.is_single_crossing() && bisected.points.len() < 16);

        // The sample-wise peak is at the complexity.
        if p >= 7 {
            let columns = design.slice(s![.., ..p]).to_owned();
            let data = Dataset::new("fourier", columns, targets.clone()).unwrap();
            let mut sweep = Sweep::new(data, 1..=110, 60, 5);
            sweep.arms = vec![Arm::unablated()];
            sweep.metrics = vec![Metric::TestMse];
            let peak = sweep.run().unwrap().peak(0, Metric::TestMse).unwrap();
            assert_eq!(peak.n, found.value, "p = {p}");
        }
    }
    // For fixed n, the model-wise peak is at the p with complexity n.
    for n in [15, 30, 50] {
        let mut errors: Vec<Vec<f64>> = vec![Vec::new(); 80];
        for order in (Splits::Drawn { repeats: 60, seed: 6 }).orders(160, 160).unwrap() {
            let (x, y) = (design.select(Axis(0), &order), targets.select(Axis(0), &order));
            let rows = |from: usize, to: usize| (x.slice(s![from..to, ..]), y.slice(s![from..to, ..]));
            let ((train, train_y), (test, test_y)) = (rows(0, n), rows(n, 160));
            let table = Compressed::new(&test, &test_y).unwrap();
            let curve = feature_curve(&train, &train_y, Test::Rows(&table)).unwrap();
            errors.iter_mut().zip(curve).for_each(|(all, point)| all.push(point.test_mse.unwrap()));
        }
        let median = |values: &Vec<f64>| {
            let mut sorted = values.clone();
            sorted.sort_unstable_by(f64::total_cmp);
            sorted[30]
        };
        let highest = (0..80).max_by(|&a, &b| median(&errors[a]).total_cmp(&median(&errors[b]))).unwrap() + 1;
        let model = LinearModel::new(map.clone(), highest, min_norm());
        let found = Search::new(0.0, 3, 7).run(&model, &inputs, &targets).unwrap();
        assert_eq!(found.value, n, "the peak is at p = {highest}");
    }
}

/// If the tolerance exceeds the noise of the targets, any number of samples meets it; if it is below the training error
/// of all samples, only few do.
#[test]
fn the_complexity_grows_with_the_tolerance_up_to_a_bound() {
    let (inputs, targets) = regression(150, 11);
    let model = LinearModel::new(Arc::new(fourier(20, 12)), 20, min_norm());
    let values: Vec<Complexity> = [0.0, 1e-20, 1e-3, 1e-2, 0.04, 10.0]
        .into_iter()
        .map(|epsilon| Search::new(epsilon, 20, 13).run(&model, &inputs, &targets).unwrap())
        .collect();
    assert!(values.windows(2).all(|pair| pair[0].value <= pair[1].value), "{values:?}");
    assert_eq!((values[0].value, values[1].value), (20, 20));
    assert!(values[4].value > 22 && !values[4].is_bound(), "{}", values[4].value);
    let last = &values[5];
    assert_eq!((last.value, last.first_over, last.is_bound()), (150, None, true));
    // The points do not depend on the tolerance, and each has a standard error.
    assert_eq!(values[0].points, last.points);
    assert!(last.points[100].standard_error.unwrap() > 0.0);
}

/// Ridge by the nested engine and by one SVD per sample size: equal errors and equal complexity.
#[test]
fn nested_errors_are_those_of_single_fits() {
    let (inputs, targets) = regression(60, 21);
    let map = Arc::new(fourier(25, 22));
    for lambda in [1e-6, 0.1, 30.0] {
        let ridge = LinearModel::new(map.clone(), 25, Arc::new(Ridge::new(lambda).unwrap()));
        assert!(ridge.is_nested());
        let nested = ridge.training_errors(&inputs, &targets).unwrap();
        let single = OneByOne(&ridge).training_errors(&inputs, &targets).unwrap();
        for (n, (nested, single)) in nested.iter().zip(&single).enumerate() {
            // 1 − g σ has an error of ε, so the square root of the training error has one of ε times the targets' norm.
            let size = targets.iter().take(n + 1).map(|y| y * y).sum::<f64>() / (n + 1) as f64;
            let bound = 1e-9 * single + 8.0 * f64::EPSILON * (single * size).sqrt();
            assert!((nested - single).abs() < bound, "λ = {lambda}, n = {}: {nested} {single}", n + 1);
        }
        let search = Search::new(single[29], 1, 0);
        let search = Search { splits: Splits::Recorded(vec![(0..60).collect()]), ..search };
        let whole = search.run(&ridge, &inputs, &targets).unwrap();
        let by_definition = (1..=60).rev().find(|&n| nested[n - 1] <= single[29]).unwrap();
        assert_eq!(whole.value, by_definition);
        assert_eq!(whole.points[0].standard_error, None);
    }
    let with_cutoff = MinNorm::with_cutoff(Cutoff::Relative(1e-9)).unwrap();
    assert!(!LinearModel::new(map, 25, Arc::new(with_cutoff)).is_nested());
}

/// Gradient flow on ½‖Xβ − y‖² from 0, stopped at a given time.
#[derive(Debug)]
struct Flow(f64);

impl SpectralFilter for Flow {
    fn write_gains(&self, spectrum: Spectrum<'_>, gains: &mut [f64]) {
        for (gain, &s) in gains.iter_mut().zip(spectrum.singular_values()) {
            *gain = if s > 0.0 { -(-self.0 * s * s).exp_m1() / s } else { 0.0 };
        }
    }
}

#[test]
fn any_filter_is_a_procedure_and_longer_training_or_more_modes_raise_its_complexity() {
    let (inputs, targets) = regression(120, 31);
    let map = Arc::new(fourier(40, 32));
    let complexity = |filter: Arc<dyn SpectralFilter>, epsilon: f64| {
        let model = LinearModel::new(map.clone(), 40, filter);
        let found = Search::new(epsilon, 10, 33).run(&model, &inputs, &targets).unwrap();
        assert!(found.is_single_crossing(), "{found:?}");
        found.value
    };
    for modes in [1, 5, 17] {
        assert_eq!(complexity(Arc::new(LeadingModes(modes)), 0.0), modes);
    }
    assert_eq!(complexity(Arc::new(Truncated::new(0.0).unwrap()), 0.0), 40);
    let times = [1e-3, 1e-1, 10.0, 1e20].map(|time| complexity(Arc::new(Flow(time)), 1e-2));
    assert!(times.windows(2).all(|pair| pair[0] <= pair[1]) && times[0] < times[2], "{times:?}");
    assert_eq!(times[3], complexity(min_norm(), 1e-2));
    let penalties = [1e2, 1.0, 1e-8].map(|l| complexity(Arc::new(Ridge::new(l).unwrap()), 1e-2));
    assert!(
        penalties.windows(2).all(|pair| pair[0] <= pair[1]) && penalties[0] < penalties[2],
        "{penalties:?}"
    );
}

/// A procedure that fits up to 37 of 100 samples, found in few calls; and one whose error is not monotone.
#[test]
fn bisection_finds_the_edge_and_says_what_it_saw() {
    let rows = Array2::zeros((100, 1));
    let calls = AtomicUsize::new(0);
    for edge in [0, 1, 2, 31, 32, 33, 37, 99, 100] {
        calls.store(0, Ordering::Relaxed);
        let up_to = |x: &ArrayRef2<f64>, _: &ArrayRef2<f64>| {
            calls.fetch_add(1, Ordering::Relaxed);
            Ok(if x.nrows() <= edge { 0.0 } else { 1.0 + x.nrows() as f64 })
        };
        let found = Search::new(0.5, 1, 0).run(&up_to, &rows, &rows).unwrap();
        assert_eq!((found.value, found.is_bound()), (edge, edge == 100));
        assert_eq!(found.first_over, (edge < 100).then_some(edge + 1));
        assert!(found.is_monotone() && found.is_single_crossing());
        assert!(found.points.windows(2).all(|pair| pair[0].n < pair[1].n));
        assert!(calls.load(Ordering::Relaxed) <= 14, "{edge}: {calls:?}");
    }
    let falls_at_first = |x: &ArrayRef2<f64>, _: &ArrayRef2<f64>| {
        Ok([1.2, 1.1, 1.3].get(x.nrows() - 1).copied().unwrap_or(2.0))
    };
    let found = Search::new(1.5, 1, 0).run(&falls_at_first, &rows, &rows).unwrap();
    assert_eq!((found.value, found.is_monotone(), found.is_single_crossing()), (3, false, true));
    let found = Search { largest: Some(4), ..Search::new(0.5, 2, 0) }.run(&Again, &rows, &rows).unwrap();
    assert_eq!((found.value, found.is_monotone(), found.is_single_crossing()), (3, false, false));
}

/// A procedure that fits one and three samples, but not two or four.
struct Again;

impl Procedure for Again {
    fn training_error(&self, inputs: &ArrayRef2<f64>, _: &ArrayRef2<f64>) -> Result<f64, Error> {
        Ok((1 - inputs.nrows() % 2) as f64)
    }

    fn is_nested(&self) -> bool {
        true
    }
}

#[test]
fn the_result_does_not_depend_on_the_number_of_threads() {
    let (inputs, targets) = regression(70, 41);
    let map = Arc::new(fourier(12, 42));
    let models: [Arc<dyn SpectralFilter>; 2] = [min_norm(), Arc::new(LeadingModes(6))];
    for filter in models {
        let model = LinearModel::new(map.clone(), 12, filter);
        let run = |threads| {
            let search = Search { threads: Some(threads), ..Search::new(1e-3, 9, 43) };
            search.run(&model, &inputs, &targets).unwrap()
        };
        assert_eq!(run(1), run(3));
        assert_eq!(run(1), run(8));
    }
}

#[test]
fn input_that_is_wrong_or_extreme() {
    let (inputs, targets) = regression(9, 51);
    let model = LinearModel::new(Arc::new(Coordinates::new(3)), 3, min_norm());
    let run = |search: Search| search.run(&model, &inputs, &targets);
    for epsilon in [-1e-300, f64::NAN, f64::INFINITY] {
        assert!(matches!(run(Search::new(epsilon, 1, 0)), Err(Error::Domain { .. })));
    }
    assert!(matches!(run(Search::new(0.0, 0, 0)), Err(Error::Domain { .. })));
    let largest = |most| Search { largest: Some(most), ..Search::new(0.0, 1, 0) };
    assert!(matches!(run(largest(0)), Err(Error::Domain { .. })));
    assert!(matches!(run(largest(10)), Err(Error::TooLarge { found: 10, most: 9, .. })));
    let search = Search { threads: Some(0), ..Search::new(0.0, 1, 0) };
    assert!(matches!(run(search), Err(Error::Domain { .. })));
    let short = Search { splits: Splits::Recorded(vec![vec![1, 2]]), ..Search::new(0.0, 1, 0) };
    assert!(matches!(run(short), Err(Error::Shape { .. })));
    let search = Search::new(0.0, 2, 0);
    let shape = search.run(&model, &inputs, &targets.slice(s![..4, ..]));
    assert!(matches!(shape, Err(Error::Shape { expected: 9, found: 4, .. })));
    let mut bad = targets.clone();
    bad[[6, 0]] = f64::INFINITY;
    let nan = search.run(&model, &inputs, &bad);
    assert!(matches!(nan, Err(Error::NonFinite { what: "the targets", row: 6, column: 0, .. })));
    let empty = search.run(&model, &Array2::zeros((0, 3)), &Array2::zeros((0, 1)));
    assert!(matches!(empty, Err(Error::Empty { what: "the inputs" })));
    for value in [f64::NAN, -1.0, f64::INFINITY] {
        let broken = move |_: &ArrayRef2<f64>, _: &ArrayRef2<f64>| Ok(value);
        assert!(matches!(search.run(&broken, &inputs, &targets), Err(Error::Domain { .. })));
    }
    let fails = |_: &ArrayRef2<f64>, _: &ArrayRef2<f64>| Err(Error::Empty { what: "everything" });
    assert_eq!(search.run(&fails, &inputs, &targets).err(), Some(Error::Empty { what: "everything" }));
    assert!(matches!(model.training_error(&inputs, &targets.slice(s![..4, ..])), Err(Error::Shape { .. })));
    // The standard error scales with the errors, also if their squares are out of range.
    let error_of = |scale: f64| {
        let train = move |x: &ArrayRef2<f64>, _: &ArrayRef2<f64>| Ok(scale * x[[0, 0]] * x[[0, 0]]);
        let found = Search { largest: Some(3), ..Search::new(0.0, 5, 1) }.run(&train, &inputs, &targets);
        found.unwrap().points[0].standard_error.unwrap()
    };
    assert!(error_of(1.0) > 0.0);
    for unit in [2f64.powi(-600), 2f64.powi(600)] {
        assert_eq!(error_of(unit), error_of(1.0) * unit);
    }
    // Targets whose squares overflow; a single sample; features that are all zero.
    let huge = targets.mapv(|y| y * 1e200);
    assert!(matches!(model.training_error(&inputs, &huge), Err(Error::Overflow { .. })));
    let one = search.run(&model, &array![[1.0, 2.0, 3.0]], &array![[4.0]]).unwrap();
    assert_eq!((one.value, one.is_bound()), (1, true));
    let nothing = search.run(&model, &Array2::zeros((5, 3)), &Array2::ones((5, 1))).unwrap();
    assert_eq!((nothing.value, nothing.first_over), (0, Some(1)));
}
