//! Effective parameters, dimensions, ranks and norms; and how the curve folds back on the axis of effective parameters.

use crate::common::matrices::{normal, with_spectrum};
use crate::common::recorded::{recorded, value};
use double_descent::Error;
use double_descent::complexity::{
    FisherRao, LinearModel, Search, Smoother, coefficient_norm, effective_dimension, effective_dimension_of,
    rademacher_bound, tail,
};
use double_descent::dataset::Dataset;
use double_descent::features::{Coordinates, FeatureMap, RandomFourier};
use double_descent::filter::{
    GradientFlow, HeavyBall, LeadingModes, Loss, MinNorm, Ridge, SpectralFilter, Spectrum,
};
use double_descent::risk::Compressed;
use double_descent::rng::stream;
use double_descent::svd::Svd;
use ndarray::{Array1, Array2, Axis, array, s};
use rand::seq::SliceRandom;
use std::sync::Arc;

const SHAPES: [(usize, usize); 5] = [(12, 5), (5, 12), (7, 7), (4, 1), (1, 4)];

#[track_caller]
fn close(found: f64, expected: f64, tolerance: f64) {
    assert!((found - expected).abs() <= tolerance, "{found:e}, not {expected:e} to {tolerance:e}");
}

fn count(value: &serde_json::Value) -> usize {
    usize::try_from(value.as_u64().unwrap()).unwrap()
}

fn filters() -> Vec<Box<dyn SpectralFilter>> {
    vec![
        Box::new(MinNorm::default()),
        Box::new(LeadingModes(3)),
        Box::new(Ridge::new(0.7).unwrap()),
        Box::new(GradientFlow::new(0.3, Loss::HalfSum).unwrap()),
        Box::new(HeavyBall::new(0.02, 0.5, 7, Loss::HalfSum).unwrap()),
    ]
}

/// `V diag(g) Uᵀ` (`p × n`): the fits to each unit vector of targets.
fn operator(svd: &Svd, filter: &dyn SpectralFilter) -> Array2<f64> {
    svd.solve(&Array2::eye(svd.shape().0), filter).unwrap()
}

#[test]
fn smoothers_against_dense_hat_matrices() {
    for (n, p) in SHAPES {
        let (x, tx) = (normal(n, p, 1), normal(9, p, 2));
        let svd = Svd::new(&x).unwrap();
        for filter in filters() {
            let smoother = Smoother::new(&svd, filter.as_ref()).unwrap();
            let operator = operator(&svd, filter.as_ref());
            let hat = x.dot(&operator);
            let left = Array2::<f64>::eye(n) - &hat;
            let squares = |m: &Array2<f64>| m.iter().map(|v| v * v).sum::<f64>();
            close(smoother.degrees_of_freedom(), hat.diag().sum(), 1e-12);
            close(smoother.squared_degrees_of_freedom(), squares(&hat), 1e-12);
            close(smoother.squared_degrees_of_freedom(), hat.dot(&hat).diag().sum(), 1e-12);
            close(smoother.residual_degrees_of_freedom(), squares(&left), 1e-12);
            for (found, dense) in smoother.leverages().unwrap().iter().zip(hat.diag()) {
                close(*found, *dense, 1e-12);
            }
            // The definition on the training rows, on other rows, and on their compressed form.
            let rows = |x: &Array2<f64>| n as f64 * squares(&x.dot(&operator)) / x.nrows() as f64;
            let of = |x: &Array2<f64>| smoother.effective_parameters(x).unwrap();
            close(of(&x), smoother.squared_degrees_of_freedom(), 1e-12);
            close(of(&tx), rows(&tx), 1e-11 * (1.0 + rows(&tx)));
            let table = Compressed::new(&tx, &normal(9, 2, 3)).unwrap();
            let over = smoother.effective_parameters_over(&table).unwrap();
            close(over, of(&tx), 1e-12 * (1.0 + over));
            let sigma = tx.t().dot(&tx) + Array2::<f64>::eye(p);
            let population = Compressed::population(&sigma, &normal(p, 1, 4)).unwrap();
            let expected = n as f64 * operator.t().dot(&sigma).dot(&operator).diag().sum();
            let over = smoother.effective_parameters_over(&population).unwrap();
            close(over, expected, 1e-11 * (1.0 + expected));
        }
        let least_squares = Smoother::new(&svd, &MinNorm::default()).unwrap();
        close(least_squares.squared_degrees_of_freedom(), n.min(p) as f64, 1e-13);
    }
}

/// Under noise of variance `v`, the variance of a prediction is `v p̂⁰/n`, and `Σ cov(ŷᵢ, yᵢ)/v` is `tr H`. Over 4,000
/// draws, ten z-scores are within 4.
#[test]
fn effective_parameters_are_what_noise_makes_of_predictions() {
    let (n, p, v, draws) = (10, 14, 0.6, 4000);
    let (x, tx) = (normal(n, p, 1), normal(5, p, 2));
    let svd = Svd::new(&x).unwrap();
    for filter in filters() {
        let smoother = Smoother::new(&svd, filter.as_ref()).unwrap();
        let operator = operator(&svd, filter.as_ref());
        let (predict, hat) = (tx.dot(&operator), x.dot(&operator));
        let noise = normal(n, draws, 7) * f64::sqrt(v);
        let squares = predict.dot(&noise).mapv(|e| e * e).mean_axis(Axis(0)).unwrap();
        let products = (&hat.dot(&noise) * &noise).sum_axis(Axis(0));
        let expected = [
            (squares, v * smoother.effective_parameters(&tx).unwrap() / n as f64),
            (products, v * smoother.degrees_of_freedom()),
        ];
        for (found, expected) in expected {
            let z = (found.mean().unwrap() - expected) / found.std(1.0) * (draws as f64).sqrt();
            assert!(z.abs() < 4.0, "{}: z = {z}", filter.describe());
        }
    }
}

/// Recorded expectations over normal designs, against 400 designs each: z-scores within 4 if the variance exists. It
/// does not at n − d = 2; there we only check that the mean is large.
#[test]
fn recorded_effective_parameters() {
    let Some(cases) = recorded("effective_params.p0_isotropic") else { return };
    for case in cases {
        let size = |name| count(&case["inputs"][name]);
        let (n, d, expected) = (size("n"), size("d"), value(&case, "outputs", "value"));
        let population = Compressed::population(&Array2::eye(d), &Array2::zeros((d, 1))).unwrap();
        let one = |i: u64| {
            let svd = Svd::new(&normal(n, d, 900 + i)).unwrap();
            let smoother = Smoother::new(&svd, &MinNorm::default()).unwrap();
            smoother.effective_parameters_over(&population).unwrap()
        };
        let found: Array1<f64> = (0..400).map(one).collect();
        let mean = found.mean().unwrap();
        if n.abs_diff(d) > 3 {
            let z = (mean - expected) / found.std(1.0) * 20.0;
            assert!(z.abs() < 4.0, "{n}, {d}: z = {z}");
        } else {
            assert!(mean > 0.3 * expected, "{n}, {d}: {mean}");
        }
    }
}

#[test]
fn recorded_ranks_and_dimensions() {
    let list = |case: &serde_json::Value| -> Vec<f64> {
        serde_json::from_value(case["inputs"]["l"].clone()).unwrap()
    };
    for case in recorded("n_eff").into_iter().flatten() {
        let (values, z) = (list(&case), value(&case, "inputs", "z"));
        let expected = value(&case, "outputs", "value");
        close(effective_dimension_of(&values, z).unwrap(), expected, 1e-14 * expected);
        let sigma: Vec<f64> = values.iter().map(|l| l.sqrt()).collect();
        let found = effective_dimension(Spectrum::new(sigma.len(), sigma.len(), &sigma), z).unwrap();
        close(found, expected, 1e-14 * expected);
    }
    for case in recorded("effective_ranks").into_iter().flatten() {
        let sigma: Vec<f64> = list(&case).iter().map(|l| l.sqrt()).collect();
        let input = |name| value(&case, "inputs", name);
        // The result does not depend on the units.
        for unit in [1.0, 1e200, 1e-150] {
            let scaled: Vec<f64> = sigma.iter().map(|s| s * unit).collect();
            let tail = tail(Spectrum::new(scaled.len(), scaled.len(), &scaled)).unwrap();
            let [small, big] = tail.effective_ranks(count(&case["inputs"]["k"])).unwrap();
            for (found, name) in [(small, "r_k"), (big, "R_k")] {
                let expected = value(&case, "outputs", name);
                close(found, expected, 1e-11 * expected); // the recorded tolerance
            }
            let benign = tail.benign(input("n"), input("b")).unwrap();
            assert_eq!(benign.map(|(k, _)| k as u64), case["outputs"]["k_star"].as_u64());
        }
    }
}

#[test]
fn dimensions_of_extreme_numbers() {
    // Accurate to a few rounding errors in any units.
    for unit in [1e-150, 1.0, 1e150] {
        let svd = Svd::new(&with_spectrum(5, 3, &[3.0 * unit, unit, 1e-9 * unit], 1)).unwrap();
        let lambda = unit * unit;
        let expected = 0.9 + 0.5 + 1e-18;
        close(effective_dimension(svd.spectrum(), lambda).unwrap(), expected, 1e-14);
        let ridge = Ridge::new(lambda).unwrap();
        close(Smoother::new(&svd, &ridge).unwrap().degrees_of_freedom(), expected, 1e-14);
    }
    close(effective_dimension_of(&[1e300, 1e-300, 0.0], 1e300).unwrap(), 0.5, 1e-15);
    close(effective_dimension_of(&[1e-320], 1e-320).unwrap(), 0.5, 1e-15);
}

/// `E ‖Σ εᵢ xᵢ‖ B/n` over all 2¹⁰ signs is at most the bound, and at least the bound divided by √2.
#[test]
fn rademacher_complexity_by_all_signs() {
    for p in [1, 4, 30] {
        let x = normal(10, p, 5);
        let bound = rademacher_bound(Svd::new(&x).unwrap().spectrum(), 2.5).unwrap();
        let length = |signs: u32| {
            let signs = Array1::from_shape_fn(10, |i| if signs >> i & 1 == 1 { 1.0 } else { -1.0 });
            x.t().dot(&signs).iter().map(|v| v * v).sum::<f64>().sqrt()
        };
        let exact = 2.5 * (0..1024).map(length).sum::<f64>() / 1024.0 / 10.0;
        assert!(exact <= bound * (1.0 + 1e-14) && bound <= exact * 2.0_f64.sqrt() * (1.0 + 1e-14));
    }
}

/// `√(βᵀ I β)` with the matrices formed explicitly.
#[test]
fn fisher_rao_norms_against_matrices() {
    let (x, beta, y) = (normal(20, 6, 1), normal(6, 1, 2), normal(20, 1, 3));
    let found = FisherRao::new(&x.dot(&beta), &y).unwrap();
    let gradients = &x * &(x.dot(&beta) - &y);
    for (rows, norm) in [(&x, found.model), (&gradients, found.empirical)] {
        let matrix = rows.t().dot(rows) / 20.0;
        close(norm, beta.t().dot(&matrix).dot(&beta)[[0, 0]].sqrt(), 1e-12);
    }
    // By definition it is 0 on the rows of an interpolator.
    assert_eq!(FisherRao::new(&y, &y).unwrap().empirical, 0.0);
}

#[test]
fn norms_of_any_size() {
    close(coefficient_norm(&array![[3e200], [4e200]]).unwrap() / 5e200, 1.0, 4e-16);
    assert_eq!(coefficient_norm(&Array2::zeros((2, 2))).unwrap(), 0.0);
    assert!(matches!(coefficient_norm(&array![[1.5e308], [1.5e308]]), Err(Error::Overflow { .. })));
}

/// The complexities of many filters from one factorisation equal those found by a search for each filter.
#[test]
fn complexity_at_many_times() {
    let (x, beta) = (normal(30, 12, 1), normal(12, 1, 2));
    let y = x.dot(&beta) + normal(30, 1, 3) * 0.5;
    let model =
        |filter: Arc<dyn SpectralFilter>| LinearModel::new(Arc::new(Coordinates::new(12)), 12, filter);
    let flows = [0.01, 0.1, 1.0, 1e2, 1e6].map(|t| GradientFlow::new(t, Loss::HalfSum).unwrap());
    let least = MinNorm::default();
    let mut list: Vec<&dyn SpectralFilter> = flows.iter().map(|flow| flow as &dyn SpectralFilter).collect();
    list.push(&least);
    let search = Search { largest: Some(20), ..Search::new(1e-3, 4, 0) };
    let found = search.run_filters(&model(Arc::new(least)), &list, &x, &y).unwrap();
    let values: Vec<usize> = found.iter().map(|complexity| complexity.value).collect();
    assert!(values.windows(2).all(|pair| pair[0] <= pair[1]), "{values:?}");
    assert_eq!(values[5], 12);
    for (flow, found) in flows.iter().zip(&found) {
        let alone = search.run(&model(Arc::new(*flow)), &x, &y).unwrap();
        for point in &alone.points {
            assert_eq!(*point, found.points[point.n - 1]);
        }
        if found.is_monotone() {
            assert_eq!(alone.value, found.value);
        }
    }
    assert!(matches!(search.run_filters(&model(Arc::new(least)), &[], &x, &y), Err(Error::Empty { .. })));
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Diabetes data with 50 training patients and random Fourier features. Over the number of features, the median test
/// error has an interior peak at p = n. Over the effective parameters on the test rows (Curth, Jeffares and van der
/// Schaar 2023), the same points have their largest error at the right end: the second descent runs back to the left,
/// over values that the first descent has passed.
#[test]
fn the_second_descent_folds_back() {
    let data = Dataset::diabetes();
    let inputs = data.features() - &data.features().mean_axis(Axis(0)).unwrap();
    let inputs = &inputs / &inputs.std_axis(Axis(0), 0.0);
    let (n, repeats) = (50, 21);
    let sizes = [5, 10, 20, 30, 40, 45, 50, 55, 60, 80, 120, 200, 300];
    let (mut errors, mut parameters) = (vec![Vec::new(); sizes.len()], vec![Vec::new(); sizes.len()]);
    for repeat in 0..repeats {
        let mut rows: Vec<usize> = (0..data.features().nrows()).collect();
        rows.shuffle(&mut stream(1, n, repeat));
        let map = RandomFourier::gaussian(10, 300, 0.05, repeat as u64).unwrap();
        let design = map.design(&inputs.select(Axis(0), &rows), 300).unwrap();
        let targets = data.targets().select(Axis(0), &rows);
        let targets = &targets - targets.slice(s![..n, ..]).mean().unwrap();
        for (at, &p) in sizes.iter().enumerate() {
            let (x, tx) = (design.slice(s![..n, ..p]), design.slice(s![n.., ..p]));
            let svd = Svd::new(&x).unwrap();
            let beta = svd.solve(&targets.slice(s![..n, ..]), &MinNorm::default()).unwrap();
            let off = tx.dot(&beta) - targets.slice(s![n.., ..]);
            errors[at].push(off.mapv(|e| e * e).mean().unwrap());
            let smoother = Smoother::new(&svd, &MinNorm::default()).unwrap();
            parameters[at].push(smoother.effective_parameters(&tx).unwrap());
            close(smoother.squared_degrees_of_freedom(), n.min(p) as f64, 1e-10);
        }
    }
    let errors: Vec<f64> = errors.into_iter().map(median).collect();
    let parameters: Vec<f64> = parameters.into_iter().map(median).collect();
    let threshold = sizes.iter().position(|p| *p == n).unwrap();
    let highest =
        |values: &[f64]| (0..values.len()).max_by(|a, b| values[*a].total_cmp(&values[*b])).unwrap();
    // Over the number of features: an interior peak, then a descent to below the start of the climb.
    assert_eq!(highest(&errors), threshold, "{errors:?}");
    assert!(errors[12] < 0.1 * errors[threshold]);
    // Effective parameters rise up to the threshold and fall after it...
    assert!(parameters[..=threshold].windows(2).all(|pair| pair[0] < pair[1]), "{parameters:?}");
    assert!(parameters[threshold..].windows(2).all(|pair| pair[0] > pair[1]), "{parameters:?}");
    // ... so the peak is the right end of the folded curve, and 300 features count as fewer than 45 do.
    assert_eq!(highest(&parameters), threshold);
    assert!(parameters[12] > parameters[0] && parameters[12] < parameters[5], "{parameters:?}");
}

#[test]
fn bad_input() {
    let svd = Svd::new(&normal(4, 3, 1)).unwrap();
    let spectrum = svd.spectrum();
    for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(matches!(effective_dimension(spectrum, bad), Err(Error::Domain { .. })));
        assert!(matches!(effective_dimension_of(&[1.0], bad), Err(Error::Domain { .. })));
        if bad != 0.0 {
            assert!(matches!(rademacher_bound(spectrum, bad), Err(Error::Domain { .. })));
            assert!(matches!(effective_dimension_of(&[1.0, bad], 1.0), Err(Error::Domain { .. })));
            assert!(matches!(tail(Spectrum::new(1, 1, &[bad])), Err(Error::Domain { .. })));
        }
    }
    assert!(matches!(tail(Spectrum::new(1, 1, &[0.0])), Err(Error::Empty { .. })));
    assert!(matches!(rademacher_bound(Spectrum::new(0, 1, &[]), 1.0), Err(Error::Empty { .. })));
    let smoother = Smoother::new(&svd, &MinNorm::default()).unwrap();
    assert!(matches!(smoother.effective_parameters(&normal(2, 4, 0)), Err(Error::Shape { .. })));
    assert!(matches!(smoother.effective_parameters(&Array2::zeros((0, 3))), Err(Error::Empty { .. })));
    let nan = Array2::from_elem((1, 3), f64::NAN);
    assert!(matches!(smoother.effective_parameters(&nan), Err(Error::NonFinite { .. })));
    assert!(matches!(FisherRao::new(&normal(2, 1, 0), &normal(3, 1, 0)), Err(Error::Shape { .. })));
    assert!(matches!(FisherRao::new(&array![[f64::NAN]], &array![[1.0]]), Err(Error::NonFinite { .. })));
    assert!(matches!(coefficient_norm(&array![[f64::NAN]]), Err(Error::NonFinite { .. })));
}
