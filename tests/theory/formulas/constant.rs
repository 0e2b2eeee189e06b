//! The test error of a constant prediction against every split of a table.

use super::within;
use double_descent::curve::Metric;
use double_descent::dataset::Dataset;
use double_descent::sweep::{Arm, Splits, Sweep};
use double_descent::theory::constant;
use double_descent::theory::line::{Sizes, Theory, TheoryLine};
use double_descent::{Error, ndarray};
use ndarray::{Array2, array};

/// All orders of the rows `0..count`.
fn orders(count: usize) -> Vec<Vec<usize>> {
    let Some(last) = count.checked_sub(1) else { return vec![Vec::new()] };
    let insert = |order: Vec<usize>| {
        (0..count).map(move |at| {
            let mut order = order.clone();
            order.insert(at, last);
            order
        })
    };
    orders(last).into_iter().flat_map(insert).collect()
}

/// The fit on a single feature that is 1 everywhere is the training mean. Over all orders of the rows, the mean of its
/// test error is an expectation over splits, and the formula is exact. An error is a mean of at most four squares of
/// numbers below 10², and the mean of 120 such errors; 10⁻¹² leaves thousands of roundings of room.
#[test]
fn the_formula_is_the_mean_over_all_splits() {
    let targets = array![[3.0, -1.0], [0.5, 2.0], [-7.0, 2.0], [4.0, 8.0], [1.0, 0.25]];
    let data = Dataset::new("five rows", Array2::ones((5, 1)), targets).expect("a table");
    let variance = constant::variance(data.targets()).expect("finite targets");
    let line = TheoryLine::constant_prediction(Sizes::Samples { p: 1 }, variance);
    let sweep = Sweep {
        splits: Splits::Recorded(orders(5)),
        arms: vec![Arm::min_norm()],
        metrics: vec![Metric::TestMse],
        ..Sweep::new(data, 1..=4, 1, 0)
    };
    let curve = sweep.run().expect("a sweep");
    let summaries = curve.summaries(Metric::TestMse, None).expect("errors");
    assert_eq!(summaries.len(), 4);
    for summary in summaries {
        assert_eq!(summary.count, 120);
        within(summary.mean, constant::test_error(variance, summary.n).expect("a number"), 1e-12);
        within(summary.mean, line.at(summary.n as f64).expect("a number"), 1e-12);
    }
}

#[test]
fn what_has_no_constant_prediction_is_refused() {
    assert!(matches!(constant::variance(&array![[1.0]]), Err(Error::Domain { .. })));
    assert!(matches!(constant::variance(&Array2::zeros((3, 0))), Err(Error::Empty { .. })));
    let nan = constant::variance(&array![[1.0], [f64::NAN]]);
    assert!(matches!(nan, Err(Error::NonFinite { row: 1, column: 0, .. })));
    assert!(matches!(constant::test_error(1.0, 0), Err(Error::Domain { .. })));
    assert!(matches!(constant::test_error(-1.0, 3), Err(Error::Domain { .. })));
    assert_eq!(constant::variance(&array![[2.0], [2.0]]), Ok(0.0));
}
