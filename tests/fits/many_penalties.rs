//! Paths of many ridge penalties on well-conditioned designs with more columns than rows. These are computed from a
//! tridiagonal matrix without singular vectors.

use crate::common::exact::ExactPath;
use crate::common::matrices::normal;
use double_descent::filter::{GradientFlow, Loss, Ridge};
use double_descent::risk::{Compressed, PathPoint, Training};
use double_descent::svd::DivideAndConquer;
use ndarray::{Array2, Axis};

#[track_caller]
fn close(found: f64, right: f64, relative: f64, what: &str) {
    let off = (found - right).abs() / right.abs();
    assert!(off <= relative, "{what}: {found:e}, not {right:e}: off by {off:e}");
}

fn trained(x: &Array2<f64>, y: &Array2<f64>, intercept: bool) -> Training {
    if intercept { Training::with_intercept(x, y) } else { Training::new(x, y) }.unwrap()
}

/// The training set factorised by an SVD.
fn by_svd(x: &Array2<f64>, y: &Array2<f64>, intercept: bool) -> Training {
    let centred = |of: &Array2<f64>| of - &of.mean_axis(Axis(0)).unwrap();
    if intercept {
        Training::with_backend(&centred(x), &centred(y), &DivideAndConquer)
    } else {
        Training::with_backend(x, y, &DivideAndConquer)
    }
    .unwrap()
}

fn each(point: &PathPoint) -> [(&'static str, f64); 4] {
    [
        ("training error", point.train_mse),
        ("norm", point.norm),
        ("degrees of freedom", point.degrees_of_freedom),
        ("cross-validation", point.gcv.unwrap()),
    ]
}

/// Every number of a point against 512-bit arithmetic. The Gram matrix gives each sum over `(K + λ)⁻¹` an error of κ² ε
/// ≤ 64 ε, and squares twice that; there are at most 20 such errors here. Interpolation between nodes adds a hundred
/// roundings. Penalties range from far below to far above the spectrum. The last ones are nodes themselves, and
/// computing their `1 − λ tr (K + λ)⁻¹/r` as a difference would lose all digits.
#[test]
fn all_digits_of_a_point() {
    let bound = (20.0 * 64.0 + 100.0) * f64::EPSILON;
    for (n, p) in [(20, 60), (9, 40), (33, 70)] {
        let (x, y) = (normal(n, p, 41), normal(n, 2, 42) + 1.5);
        let mut lambdas: Vec<f64> = (-30..40).map(|e| 2f64.powi(e)).collect();
        lambdas.extend([1e-20, 1e12, 1e25]);
        for intercept in [false, true] {
            let path = trained(&x, &y, intercept).penalties(&lambdas).unwrap();
            let exact = ExactPath::new(x.view(), y.view(), intercept);
            for place in [0, 20, 36, 69, 70, 71, 72] {
                let (point, lambda) = (&path.points()[place], lambdas[place]);
                let exact = exact.at(lambda);
                let what = format!("{n} × {p}, intercept {intercept}, λ = {lambda:e}");
                let right = [exact.train_mse, exact.norm, exact.degrees_of_freedom, exact.gcv];
                for ((name, found), right) in each(point).into_iter().zip(right) {
                    close(found, right, bound, &format!("{what}: {name}"));
                }
                close(point.loo_mse.unwrap(), exact.loo_mse, bound, &format!("{what}: leave-one-out"));
            }
        }
    }
}

/// The same path from singular vectors. All other results of a training set need these, before and after a path.
#[test]
fn singular_vectors_come_when_they_are_asked_for() {
    let (x, y) = (normal(30, 90, 43), normal(30, 2, 44) - 0.5);
    let (tx, ty) = (normal(15, 90, 45), normal(15, 2, 46));
    let lambdas: Vec<f64> = (0..80).map(|i| 10f64.powf(-4.0 + 0.1 * f64::from(i))).collect();
    let bound = (20.0 * 64.0 + 100.0) * f64::EPSILON;
    for intercept in [false, true] {
        let (training, right) = (trained(&x, &y, intercept), by_svd(&x, &y, intercept));
        assert_eq!(training.rank(), if intercept { 29 } else { 30 });
        let path = training.penalties(&lambdas).unwrap();
        assert_eq!(training.singular_values().len(), 30);
        for (found, right) in training.singular_values().iter().zip(right.singular_values()).take(29) {
            close(*found, *right, 64.0 * f64::EPSILON, "a singular value");
        }
        // The training set made by an SVD does not know about its intercept, which counts as one degree of freedom.
        for (found, right) in path.points().iter().zip(right.penalties(&lambdas).unwrap().points()) {
            close(found.train_mse, right.train_mse, bound, "training error");
            close(found.norm, right.norm, bound, "norm");
            let one = if intercept { 1.0 } else { 0.0 };
            close(found.degrees_of_freedom, right.degrees_of_freedom + one, bound, "degrees of freedom");
        }
        let again = training.penalties(&lambdas).unwrap();
        assert_eq!(again, path);
        let flow = training.times(&[0.1, 3.0], Loss::HalfMean).unwrap();
        let right_flow = right.times(&[0.1, 3.0], Loss::HalfMean).unwrap();
        close(flow.points()[1].train_mse, right_flow.points()[1].train_mse, bound, "a flow");
        let (beta, _) = training.coefficients(&GradientFlow::new(3.0, Loss::HalfMean).unwrap()).unwrap();
        close(
            beta.iter().map(|b| b * b).sum::<f64>().sqrt(),
            flow.points()[1].norm,
            bound,
            "its coefficients",
        );
        let fresh = trained(&x, &y, intercept);
        let first = fresh.left_out_errors(&Ridge::new(lambdas[40]).unwrap()).unwrap().unwrap();
        let mean = first.iter().map(|e| e * e).sum::<f64>() / first.len() as f64;
        close(path.points()[40].loo_mse.unwrap(), mean, bound, "leave-one-out");
        // Test errors need singular vectors.
        let tested = trained(&x, &y, intercept).tested_on(&Compressed::new(&tx, &ty).unwrap()).unwrap();
        let tested = tested.penalties(&lambdas).unwrap();
        for (found, other) in tested.points().iter().zip(path.points()) {
            assert!(found.test_mse.unwrap() > 0.0);
            close(found.train_mse, other.train_mse, bound, "with test rows");
            close(found.loo_mse.unwrap(), other.loo_mse.unwrap(), bound, "with test rows");
        }
        assert!(
            trained(&x, &y, intercept).without_leave_one_out().penalties(&lambdas).unwrap().points()[3]
                .loo_mse
                .is_none()
        );
    }
}

/// Penalties that are NaN, negative or extreme are refused or handled as in a short list.
#[test]
fn penalties_of_no_middling_size() {
    let (x, y) = (normal(12, 40, 47), normal(12, 1, 48));
    let training = trained(&x, &y, false);
    let middling: Vec<f64> = (0..100).map(|i| 10f64.powf(-2.0 + 0.05 * f64::from(i))).collect();
    for other in [0.0, -0.1, 1e200, 5e-324] {
        let mut lambdas = middling.clone();
        lambdas[17] = other;
        let path = training.penalties(&lambdas).unwrap();
        let (found, alone) = (path.points()[17], training.penalties(&[other]).unwrap().points()[0]);
        assert_eq!((found.train_mse, found.norm), (alone.train_mse, alone.norm), "λ = {other:e}");
        // Sums of 12 terms, in blocks of other sizes.
        close(found.loo_mse.unwrap(), alone.loo_mse.unwrap(), 1e-13, &format!("λ = {other:e}"));
    }
    for bad in [f64::NAN, f64::INFINITY, -1e9] {
        let mut lambdas = middling.clone();
        lambdas[99] = bad;
        let (found, alone) =
            (training.penalties(&lambdas).unwrap_err(), training.penalties(&[bad]).unwrap_err());
        assert_eq!(found.to_string(), alone.to_string(), "λ = {bad}");
    }
}
