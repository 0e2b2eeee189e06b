//! Quantities along nested curves, against their definitions at every point.

use crate::common::features::{KINDS, features, normal};
use double_descent::Error;
use double_descent::filter::MinNorm;
use double_descent::nested::{Columns, Engine, Point, Rows, Test};
use double_descent::risk::Compressed;
use double_descent::svd::Svd;
use ndarray::{Array1, Array2, ArrayView2, array, s};

/// `c` in "error ≤ c κ ε". Both sides have errors, and that of the SVD grows slowly with its size.
const C: f64 = 20.0;

/// Iterates over the points of a curve, each with its features.
fn along<'a>(
    x: &'a Array2<f64>,
    points: &'a [Point],
) -> impl Iterator<Item = (ArrayView2<'a, f64>, &'a Point)> {
    points.iter().map(|point| (x.slice(s![..point.n, ..point.p]), point))
}

fn sample_points(mut fit: Rows<'_>, x: &Array2<f64>, y: &Array2<f64>) -> Vec<Point> {
    x.rows().into_iter().zip(y.rows()).map(|(x, y)| fit.push(&x, &y).unwrap()).collect()
}

fn feature_points(mut fit: Columns<'_>, x: &Array2<f64>) -> Vec<Point> {
    x.columns().into_iter().map(|x| fit.push(&x).unwrap()).collect()
}

/// The SVD and `κ`; `None` if a singular value is too close to the cutoff to compare.
fn clear_svd(x: &ArrayView2<'_, f64>) -> Option<(Svd, f64)> {
    let svd = Svd::new(x).unwrap();
    let is_close = |s: &f64| (0.1..1e3).contains(&(s / svd.cutoff()));
    if svd.singular_values().iter().any(is_close) {
        return None;
    }
    let condition = svd.smallest_nonzero().map_or(1.0, |s| svd.singular_values()[0] / s);
    Some((svd, condition))
}

fn noise_by_svd(svd: &Svd, covariance: &Array2<f64>) -> f64 {
    let inverse = svd.pseudoinverse().unwrap();
    let p = inverse.nrows();
    inverse.t().dot(&covariance.slice(s![..p, ..p])).dot(&inverse).diag().sum()
}

/// Adds to the data a duplicated row, a multiple, a zero row, a repeated column and a zero column.
fn with_dependences(mut x: Array2<f64>) -> Array2<f64> {
    let (n, p) = x.dim();
    if n > 6 && p > 6 {
        let row = x.row(0).to_owned();
        x.row_mut(2).assign(&row);
        x.row_mut(4).assign(&(&row * -3.0));
        x.row_mut(5).fill(0.0);
        let column = x.column(1).to_owned();
        x.column_mut(4).assign(&column);
        x.column_mut(6).fill(0.0);
    }
    x
}

/// `tr((X⁺)ᵀ Σ X⁺)` has a relative error within `c κ ε` at every point, for curves of any length.
#[test]
fn the_noise_term_is_nested() {
    for (n, p) in [(25, 25), (12, 150), (150, 12), (40, 90), (90, 40)] {
        let root = normal(40, 2 * p, p);
        let covariance = root.t().dot(&root) / p as f64;
        for kind in KINDS {
            for x in [features(kind, n, p), with_dependences(features(kind, n, p))] {
                let y = normal(41, n, 1);
                let rows = Rows::new(p, 1, Test::None).unwrap().with_noise_covariance(&covariance).unwrap();
                let columns =
                    Columns::new(&y, Test::None).unwrap().with_noise_covariance(&covariance).unwrap();
                let mut worst = [0.0f64; 2];
                for (axis, points) in
                    [sample_points(rows, &x, &y), feature_points(columns, &x)].iter().enumerate()
                {
                    for (x, point) in along(&x, points) {
                        let Some((svd, condition)) = clear_svd(&x) else { continue };
                        let expected = noise_by_svd(&svd, &covariance);
                        if expected == 0.0 {
                            assert_eq!(point.noise, Some(0.0));
                            continue;
                        }
                        let c = (point.noise.unwrap() / expected - 1.0).abs() / (condition * f64::EPSILON);
                        worst[axis] = worst[axis].max(c);
                        assert!(c < C, "{kind} {point:?}: {expected:e}, κ = {condition:e}, c = {c}");
                    }
                }
                println!("noise, {kind}, {n} × {p}: c = {worst:.2?}");
            }
        }
    }
}

/// The squared bias `β*ᵀ (I − P) Σ (I − P) β*`, with `P` onto the row space; also if columns are missing.
#[test]
fn a_population_gives_the_bias_of_every_point() {
    let (n, p, k) = (30, 18, 2);
    let root = normal(50, 2 * p, p);
    let teacher = normal(51, p, k);
    let full = root.t().dot(&root);
    // A covariance of rank 5 also has a root.
    let thin = root.slice(s![..5, ..]).t().dot(&root.slice(s![..5, ..]));
    for (covariance, e) in [(&full, 0), (&thin, 0), (&full, 150), (&full, -150)] {
        let covariance = covariance * 4f64.powi(e);
        let population = Compressed::population(&covariance, &teacher).unwrap();
        assert_eq!(population.rows(), 1);
        let risk = |off: &Array2<f64>| off.t().dot(&covariance.dot(off)).diag().sum() / k as f64;
        let reach = risk(&teacher);
        for kind in KINDS {
            let x = with_dependences(features(kind, n, p));
            let y = x.dot(&teacher);
            let points = sample_points(Rows::new(p, k, Test::Rows(&population)).unwrap(), &x, &y);
            for (x, point) in along(&x, &points) {
                let Some((svd, condition)) = clear_svd(&x) else { continue };
                let missed = svd.project_null_space(&teacher.t()).unwrap().reversed_axes();
                let off = (point.test_mse.unwrap().sqrt() - risk(&missed).sqrt()).abs() / reach.sqrt();
                assert!(off < C * condition * f64::EPSILON, "{kind} {point:?}: {off:e}, κ = {condition:e}");
            }
            // Coefficients of the teacher for columns not yet added count as bias.
            let points = feature_points(Columns::new(&y, Test::Rows(&population)).unwrap(), &x);
            for (x, point) in along(&x, &points) {
                let Some((svd, condition)) = clear_svd(&x) else { continue };
                let mut off = -&teacher;
                let fit = svd.solve(&y, &MinNorm::default()).unwrap();
                let mut present = off.slice_mut(s![..point.p, ..]);
                present += &fit;
                let reach = reach + risk(&off);
                let off = (point.test_mse.unwrap().sqrt() - risk(&off).sqrt()).abs() / reach.sqrt();
                assert!(off < C * condition * f64::EPSILON, "{kind} {point:?}: {off:e}, κ = {condition:e}");
            }
        }
    }
}

/// Bias and noise, averaged over Gaussian designs, are the exact expectations: `‖β*‖² (1 − n/p)` and `n/(p − n − 1)`
/// for n < p − 1, 0 and `p/(n − p − 1)` for n > p + 1.
#[test]
fn gaussian_risk_curves_with_nothing_drawn_but_the_design() {
    let (p, n, repeats) = (12, 30, 2000);
    let teacher = normal(60, p, 1);
    let length = teacher.mapv(|v| v * v).sum();
    let sigma = Array2::eye(p);
    let population = Compressed::population(&sigma, &teacher).unwrap();
    let mut sums = vec![[[0.0f64; 2]; 2]; n];
    for repeat in 0..repeats {
        let x = normal(1000 + repeat, n, p);
        let fit = Rows::new(p, 1, Test::Rows(&population)).unwrap().with_noise_covariance(&sigma).unwrap();
        for (sums, point) in sums.iter_mut().zip(sample_points(fit, &x, &x.dot(&teacher))) {
            for (sum, value) in sums.iter_mut().zip([point.test_mse.unwrap(), point.noise.unwrap()]) {
                sum[0] += value;
                sum[1] += value * value;
            }
        }
    }
    let count = repeats as f64;
    for (n, sums) in (1..).zip(sums) {
        let expected = match (n, p) {
            (n, p) if n < p => [length * (1.0 - n as f64 / p as f64), n as f64 / (p as f64 - n as f64 - 1.0)],
            (n, p) => [0.0, p as f64 / (n as f64 - p as f64 - 1.0)],
        };
        for (which, (sum, expected)) in sums.iter().zip(expected).enumerate() {
            // The variance of the noise term is finite only if |p − n| > 3.
            if which == 1 && p.abs_diff(n) <= 4 {
                continue;
            }
            let mean = sum[0] / count;
            let error = ((sum[1] / count - mean * mean) / count).max(0.0).sqrt();
            let off = (mean - expected).abs();
            assert!(off < 4.0 * error + 1e-12, "{which}, n = {n}: {mean} ± {error} for {expected}");
        }
    }
}

#[test]
fn populations_that_make_no_sense() {
    let (sigma, teacher) = (Array2::eye(3), normal(70, 3, 1));
    let population = Compressed::population(&sigma, &teacher).unwrap();
    assert!(matches!(Rows::new(3, 1, Test::Others(&population)), Err(Error::Domain { .. })));
    assert!(matches!(Columns::new(&teacher, Test::Others(&population)), Err(Error::Domain { .. })));
    let new = |covariance: &Array2<f64>| Compressed::population(covariance, &teacher);
    for bad in [-&sigma, &sigma * f64::INFINITY, array![[1.0, 2.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]] {
        assert!(matches!(new(&bad), Err(Error::Domain { .. } | Error::NonFinite { .. })), "{bad}");
    }
    assert!(matches!(new(&Array2::eye(4)), Err(Error::Shape { .. })));
    assert!(matches!(new(&Array2::zeros((3, 2))), Err(Error::Shape { .. })));
    assert!(matches!(
        Compressed::population(&Array2::zeros((0, 0)), &Array2::zeros((0, 1))),
        Err(Error::Empty { .. })
    ));
    assert!(matches!(
        Compressed::population(&sigma, &array![[1.0], [f64::NAN], [0.0]]),
        Err(Error::NonFinite { what: "the teacher's parameters", row: 1, .. })
    ));
    assert!(matches!(
        Compressed::population(&(&sigma * 1e308), &(&teacher * 1e300)),
        Err(Error::Overflow { .. })
    ));
    // A population without any spread is valid.
    assert_eq!(new(&Array2::zeros((3, 3))).unwrap().mean_squared_error(&teacher).unwrap()[0], 0.0);
}

/// `σᵣ` has a relative error within `c κ ε` at every point, on both axes.
#[test]
fn the_smallest_singular_value_of_every_point() {
    for (n, p) in [(30, 30), (60, 25), (25, 60), (120, 70)] {
        for kind in KINDS {
            for x in [features(kind, n, p), with_dependences(features(kind, n, p))] {
                let y = normal(80, n, 1);
                let rows = Rows::new(p, 1, Test::None).unwrap().with_smallest_singular_value();
                let columns = Columns::new(&y, Test::None).unwrap().with_smallest_singular_value();
                let mut worst = [0.0f64; 2];
                for (axis, points) in
                    [sample_points(rows, &x, &y), feature_points(columns, &x)].iter().enumerate()
                {
                    for (x, point) in along(&x, points) {
                        let Some((svd, condition)) = clear_svd(&x) else { continue };
                        let Some(expected) = svd.smallest_nonzero() else {
                            assert_eq!(point.smallest_singular_value, None);
                            continue;
                        };
                        let off = (point.smallest_singular_value.unwrap() / expected - 1.0).abs();
                        let c = off / (condition * f64::EPSILON);
                        worst[axis] = worst[axis].max(c);
                        assert!(c < C, "{kind} {point:?}: {expected:e}, κ = {condition:e}, c = {c}");
                    }
                }
                println!("smallest, {kind}, {n} × {p}: c = {worst:.2?}");
            }
        }
    }
}

/// Matrices for which an iterative search may fail: orthogonal rows with lengths in any order (no singular vector is
/// connected to the next), equal singular values, and clusters of them.
#[test]
fn smallest_singular_values_that_hide() {
    let r = 60;
    let lengths: [&dyn Fn(usize) -> f64; 5] = [
        &|_| 1.0,
        &|i| 1.0 / (i + 1) as f64,
        &|i| (i + 1) as f64,
        &|i| [3.0, 1.0, 2.0][i % 3] * (1.0 + 1e-9 * i as f64),
        &|i| 10f64.powf(-((i * 37 % 13) as f64)),
    ];
    for (which, length) in lengths.iter().enumerate() {
        let y = normal(81, r, 1);
        let basis = Svd::new(&normal(82, r, r)).unwrap();
        for basis in [Array2::eye(r), basis.vt().clone()] {
            let x = basis * Array1::from_shape_fn(r, length).insert_axis(ndarray::Axis(1));
            let rows = Rows::new(r, 1, Test::None).unwrap().with_smallest_singular_value();
            let mut smallest = f64::INFINITY;
            for (i, point) in sample_points(rows, &x, &y).iter().enumerate() {
                smallest = smallest.min(length(i));
                let off = (point.smallest_singular_value.unwrap() / smallest - 1.0).abs();
                let condition = (0..=i).map(length).fold(0.0, f64::max) / smallest;
                assert!(off < 1e-12 + C * condition * f64::EPSILON, "{which}, {point:?} for {smallest}");
            }
        }
    }
}

/// Mean squared leave-one-out error by refits, and the largest condition number among their matrices. `None` if one of
/// them has a singular value too close to the cutoff.
fn left_out(x: &ArrayView2<'_, f64>, y: &ArrayView2<'_, f64>) -> Option<(f64, f64)> {
    let (n, p) = x.dim();
    let (_, mut condition) = clear_svd(x)?;
    let mut sum = 0.0;
    for i in 0..n {
        let others: Vec<usize> = (0..n).filter(|&j| j != i).collect();
        let mut beta = Array2::zeros((p, y.ncols()));
        if n > 1 {
            let rows = x.select(ndarray::Axis(0), &others);
            let (svd, one) = clear_svd(&rows.view())?;
            condition = condition.max(one);
            beta = svd.solve(&y.select(ndarray::Axis(0), &others), &MinNorm::default()).unwrap();
        }
        sum += (&y.row(i) - &x.row(i).dot(&beta)).mapv(|e| e * e).sum();
    }
    Some((sum / (n * y.ncols()) as f64, condition))
}

/// The largest c in "error ≤ c κ ε" along a curve, comparing root mean squares; κ is the worst over all refits.
fn constant_left_out(x: &Array2<f64>, y: &Array2<f64>, points: &[Point]) -> f64 {
    let (mut worst, mut checked) = (0.0f64, 0);
    for (x, point) in along(x, points) {
        let y = y.slice(s![..point.n, ..]);
        let Some((expected, condition)) = left_out(&x, &y) else { continue };
        let reach = (y.iter().map(|v| v * v).sum::<f64>() / y.len() as f64).sqrt();
        let off = (point.loo_mse.unwrap().sqrt() - expected.sqrt()).abs() / (expected.sqrt() + reach);
        let c = off / (condition * f64::EPSILON);
        assert!(c < C, "{point:?}: {expected:e}, κ = {condition:e}, c = {c}");
        worst = worst.max(c);
        checked += 1;
    }
    assert!(checked > points.len() / 2, "{checked} of {}", points.len());
    worst
}

#[test]
fn leave_one_out_is_what_refits_give() {
    for (n, p) in [(30, 12), (12, 30), (20, 21), (20, 20), (21, 20), (9, 70), (60, 9)] {
        for kind in KINDS {
            for x in [features(kind, n, p), with_dependences(features(kind, n, p))] {
                let y = normal(90, n, 2);
                let rows = Rows::new(p, 2, Test::None).unwrap().with_leave_one_out().unwrap();
                let columns = Columns::new(&y, Test::None).unwrap().with_leave_one_out().unwrap();
                let samples = constant_left_out(&x, &y, &sample_points(rows, &x, &y));
                let features = constant_left_out(&x, &y, &feature_points(columns, &x));
                println!("left out, {kind}, {n} × {p}: c = {samples:.2} {features:.2}");
            }
        }
    }
}

/// Every row twice, for a matrix whose singular values fall below the cutoff although no row is nearly dependent. These
/// points use the SVD, with a rank below that of the triangle.
#[test]
fn quantities_of_points_by_svd() {
    let m = 60;
    let x = Array2::from_shape_fn((2 * m, m), |(i, j)| match (i / 2).cmp(&j) {
        std::cmp::Ordering::Less => 0.0,
        std::cmp::Ordering::Equal => 1.0,
        std::cmp::Ordering::Greater => -1.0,
    });
    let y = normal(91, 2 * m, 2);
    let fit =
        Rows::new(m, 2, Test::None).unwrap().with_leave_one_out().unwrap().with_smallest_singular_value();
    let points = sample_points(fit, &x, &y);
    let lengthwise = constant_left_out(&x, &y, &points);
    let by_svd = |point: &&Point| point.engine == Engine::Svd && point.rank < point.n.div_ceil(2);
    assert!(points.iter().filter(by_svd).count() > 20);
    for point in points.iter().filter(by_svd) {
        let svd = Svd::new(&x.slice(s![..point.n, ..])).unwrap();
        let off = point.smallest_singular_value.unwrap() / svd.smallest_nonzero().unwrap() - 1.0;
        assert!(off.abs() < 1e-10, "{point:?}");
    }
    // By columns; at the last ones the matrix is again numerically rank-deficient.
    let fit = Columns::new(&y, Test::None).unwrap().with_leave_one_out().unwrap();
    let points = feature_points(fit, &x.slice(s![.., ..;-1]).to_owned());
    let crosswise = constant_left_out(&x.slice(s![.., ..;-1]).to_owned(), &y, &points);
    assert!(points.iter().any(|point| point.engine == Engine::Svd));
    println!("left out by SVD: c = {lengthwise:.2} {crosswise:.2}");
}

/// Features that only one row has, all along a tall curve, and rows of all scales.
#[test]
fn rows_that_stand_alone() {
    let (n, p) = (50, 8);
    let mut x = normal(92, n, p);
    x.column_mut(2).fill(0.0);
    x[[3, 2]] = 1.5;
    x.column_mut(5).fill(0.0);
    x[[20, 5]] = -0.25;
    let y = normal(93, n, 2);
    for (first, all) in [(0, 0), (-250, 0), (0, 300), (0, -300), (250, 200)] {
        let (mut x, mut y) = (&x * 2f64.powi(all), &y * 2f64.powi(-all / 2));
        for row in [x.row_mut(0), y.row_mut(0)] {
            row.into_iter().for_each(|v| *v *= 2f64.powi(first));
        }
        let rows = Rows::new(p, 2, Test::None).unwrap().with_leave_one_out().unwrap();
        let columns = Columns::new(&y, Test::None).unwrap().with_leave_one_out().unwrap();
        let samples = sample_points(rows, &x, &y);
        let features = feature_points(columns, &x);
        let c = [constant_left_out(&x, &y, &samples), constant_left_out(&x, &y, &features)];
        println!("alone, 2^{first}, 2^{all}: c = {c:.2?}");
    }
}

/// Blocks give the same as single rows, and quantities do not affect one another.
#[test]
fn quantities_together_and_in_blocks() {
    let (n, p) = (90, 20);
    let covariance = Array2::from_diag(&Array1::from_shape_fn(p, |j| 1.0 / (j + 1) as f64));
    let teacher = normal(94, p, 2);
    let population = Compressed::population(&covariance, &teacher).unwrap();
    let (x, y) = (with_dependences(features("relu", n, p)), normal(95, n, 2));
    let new = || Rows::new(p, 2, Test::Rows(&population)).unwrap();
    let all = || {
        let fit = new().with_leave_one_out().unwrap().with_smallest_singular_value();
        fit.with_noise_covariance(&covariance).unwrap()
    };
    let points = sample_points(all(), &x, &y);
    let left_out = sample_points(new().with_leave_one_out().unwrap(), &x, &y);
    let smallest = sample_points(new().with_smallest_singular_value(), &x, &y);
    let noise = sample_points(new().with_noise_covariance(&covariance).unwrap(), &x, &y);
    let none = sample_points(new(), &x, &y);
    for (i, point) in points.iter().enumerate() {
        assert_eq!(point.loo_mse, left_out[i].loo_mse);
        assert_eq!(point.smallest_singular_value, smallest[i].smallest_singular_value);
        assert_eq!(point.noise, noise[i].noise);
        assert_eq!(point.test_mse, none[i].test_mse);
        assert_eq!((none[i].loo_mse, none[i].smallest_singular_value, none[i].noise), (None, None, None));
        assert_eq!(point.cell(0, 0).smallest_singular_value, point.smallest_singular_value);
    }
    let blocks = all().extend(&x, &y).unwrap();
    assert!(constant_left_out(&x, &y, &blocks) < C);
    for (block, point) in blocks.iter().zip(&points) {
        let pairs = [
            (block.smallest_singular_value, point.smallest_singular_value),
            (block.noise, point.noise),
            (block.test_mse, point.test_mse),
        ];
        for (a, b) in pairs {
            assert!((a.unwrap() / b.unwrap() - 1.0).abs() < 1e-10, "{block:?} {point:?}");
        }
    }
}

#[test]
fn quantities_are_asked_for_in_time() {
    let mut rows = Rows::new(2, 1, Test::None).unwrap();
    rows.push(&array![1.0, 2.0], &array![1.0]).unwrap();
    assert!(matches!(rows.with_leave_one_out(), Err(Error::Domain { .. })));
    let mut columns = Columns::new(&array![[1.0], [2.0]], Test::None).unwrap();
    columns.push(&array![1.0, 2.0]).unwrap();
    assert!(matches!(columns.with_leave_one_out(), Err(Error::Domain { .. })));
    // All zeros: the leave-one-out error is the training error, and there is no singular value.
    let fit =
        Rows::new(2, 1, Test::None).unwrap().with_leave_one_out().unwrap().with_smallest_singular_value();
    for point in sample_points(fit, &Array2::zeros((3, 2)), &array![[1.0], [2.0], [2.0]]) {
        assert_eq!((point.rank, point.smallest_singular_value), (0, None));
        assert_eq!(point.loo_mse, Some(point.train_mse));
    }
    // An error that overflows is reported without a panic.
    let fit = Rows::new(1, 1, Test::None).unwrap().with_leave_one_out().unwrap();
    let mut fit = fit.with_smallest_singular_value();
    assert!(matches!(fit.push(&array![1e-300], &array![1e300]), Err(Error::Overflow { .. })));
}
