//! Any two backends give the same fit.

use super::random_case::{fit, for_all};
use crate::common::backends::{routes, svd};
use crate::common::matrices::{norm, normal};
use crate::common::ratios::one_norm;
use double_descent::svd::Backend;

/// Predictions of any two routes of this build agree, at training and test rows, to within the bound for fits of
/// matrices perturbed by rounding errors.
#[test]
fn backends_predict_alike() {
    let others = routes();
    for_all(200, |backend, case| {
        let (x, y) = (case.x(), case.y());
        let test = normal(5, case.p, case.seed + 50);
        let beta = fit(&svd(backend, &x), &y);
        for other in &others {
            let off = fit(&svd(other, &x), &y) - &beta;
            let bound = case.spread(&beta);
            let what = format!("{} and {}", backend.name(), other.name());
            let (train, new) = (norm(x.dot(&off).view()), norm(test.dot(&off).view()));
            assert!(
                train <= bound && new <= norm(test.view()) * bound,
                "{what}: {train:e}, {new:e}, {bound:e}"
            );
            let coefficients = one_norm(off.view());
            assert!(other.name() != backend.name() || coefficients == 0.0, "{what}: not repeatable");
        }
    });
}
