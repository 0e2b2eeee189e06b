//! Quantities along nested curves, each against its definition at every point.

use double_descent::Error;
use double_descent::filter::MinNorm;
use double_descent::nested::{Columns, Point, Rows, Test};
use double_descent::risk::Compressed;
use double_descent::rng::stream;
use double_descent::svd::Svd;
use ndarray::{Array1, Array2, ArrayView2, array, s};
use rand_distr::{Distribution, StandardNormal};

fn normal(seed: u64, n: usize, p: usize) -> Array2<f64> {
    let mut rng = stream(seed, n, p);
    Array2::from_shape_simple_fn((n, p), || StandardNormal.sample(&mut rng))
}

/// Features of several kinds, by name: condition numbers up to 1e3, 1e4, 1e9 and 1e9 on these shapes.
fn features(kind: &str, n: usize, p: usize) -> Array2<f64> {
    let (inputs, weights) = (normal(1, n, 5), normal(2, 5, p));
    match kind {
        "gaussian" => normal(3, n, p),
        "relu" => inputs.dot(&weights).mapv(|v: f64| v.max(0.0)),
        "fourier" => (inputs.dot(&weights) * 0.2 + normal(4, 1, p)).mapv(f64::cos),
        "graded" => {
            let scales = Array1::from_shape_fn(p, |j| 10f64.powf(-9.0 * j as f64 / p as f64));
            (normal(5, n, p) * scales).dot(&(normal(6, p, p) / (p as f64).sqrt()))
        }
        _ => unreachable!(),
    }
}

const KINDS: [&str; 4] = ["gaussian", "relu", "fourier", "graded"];

/// The features of every point of a curve, and the point.
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

/// `None` where a singular value lies too close to the cutoff for a figure; else the SVD and `κ`.
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

/// Data with a duplicated row, a multiple, a zero row, a repeated column and a zero column.
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

/// `tr((X⁺)ᵀ Σ X⁺)` within `20 κ ε`, relative, at every point, however long the curve.
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
                        assert!(c < 20.0, "{kind} {point:?}: {expected:e}, κ = {condition:e}, c = {c}");
                    }
                }
                println!("noise, {kind}, {n} × {p}: c = {worst:.2?}");
            }
        }
    }
}

/// The squared bias `β*ᵀ (I − P) Σ (I − P) β*`, `P` on the row space, and the same where columns are missing.
#[test]
fn a_population_gives_the_bias_of_every_point() {
    let (n, p, k) = (30, 18, 2);
    let root = normal(50, 2 * p, p);
    let teacher = normal(51, p, k);
    let full = root.t().dot(&root);
    // A covariance of rank 5 has a root too.
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
                assert!(
                    off < 20.0 * condition * f64::EPSILON,
                    "{kind} {point:?}: {off:e}, κ = {condition:e}"
                );
            }
            // Columns of the teacher that are not there yet count as they should.
            let points = feature_points(Columns::new(&y, Test::Rows(&population)).unwrap(), &x);
            for (x, point) in along(&x, &points) {
                let Some((svd, condition)) = clear_svd(&x) else { continue };
                let mut off = -&teacher;
                let fit = svd.solve(&y, &MinNorm::default()).unwrap();
                let mut present = off.slice_mut(s![..point.p, ..]);
                present += &fit;
                let reach = reach + risk(&off);
                let off = (point.test_mse.unwrap().sqrt() - risk(&off).sqrt()).abs() / reach.sqrt();
                assert!(
                    off < 20.0 * condition * f64::EPSILON,
                    "{kind} {point:?}: {off:e}, κ = {condition:e}"
                );
            }
        }
    }
}

/// Bias and noise, averaged over Gaussian designs, are the exact expectations: `‖β*‖² (1 − n/p)` and
/// `n/(p − n − 1)` for n < p − 1, 0 and `p/(n − p − 1)` for n > p + 1.
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
            // The variance of the noise term is finite only beyond a distance of 3.
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
    // A population without any spread is no error.
    assert_eq!(new(&Array2::zeros((3, 3))).unwrap().mean_squared_error(&teacher).unwrap()[0], 0.0);
}
