//! A sweep on the nested engine, compared with the same sweep with one SVD per cell.

use double_descent::Error;
use double_descent::curve::{Curve, Metric};
use double_descent::dataset::{Dataset, StudentTeacher};
use double_descent::filter::{MinNorm, Ridge};
use double_descent::nested::Engine;
use double_descent::svd::{Cutoff, Svd};
use double_descent::sweep::{Arm, Splits, Sweep};
use ndarray::{Array2, Axis};
use std::ops::ControlFlow;
use std::sync::Arc;

const ERRORS: [Metric; 2] = [Metric::TrainMse, Metric::TestMse];

fn sweep(data: Dataset, sizes: impl IntoIterator<Item = usize>) -> Sweep {
    let mut sweep = Sweep::new(data, sizes, 6, 5);
    let ridge = |lambda: f64| Arm::new("ridge", Some(lambda), Arc::new(Ridge::new(lambda).unwrap()));
    sweep.arms = vec![Arm::unablated(), ridge(1e-2), ridge(10.0)];
    sweep.metrics = ERRORS.to_vec();
    sweep
}

fn on(engine: Engine, sweep: &Sweep) -> Curve {
    Sweep { engine: Some(engine), ..sweep.clone() }.run().unwrap()
}

/// Compares both engines. Root mean squared errors differ by `c κ ε`, relative to the targets and predictions that are
/// subtracted; κ is the condition number of the cell's matrix.
fn assert_same(sweep: &Sweep) {
    const C: f64 = 10.0;
    let (nested, svd) = (on(Engine::Nested, sweep), on(Engine::Svd, sweep));
    assert_eq!((nested.provenance.engine, svd.provenance.engine), (Engine::Nested, Engine::Svd));
    assert!(nested.failures.is_empty() && svd.failures.is_empty() && svd.provenance.by_svd.is_empty());
    assert_eq!(nested.cells.len(), svd.cells.len());
    let rows = sweep.source.train().unwrap().len();
    let orders = sweep.splits.orders(rows, rows - 1).unwrap();
    let target = sweep.source.train().unwrap().targets().mapv(|v| v * v).mean().unwrap().sqrt();
    for (a, b) in nested.cells.iter().zip(&svd.cells) {
        assert_eq!((a.repeat, a.n, a.p, a.arm), (b.repeat, b.n, b.p, b.arm));
        let x = sweep.source.train().unwrap().features().select(Axis(0), &orders[a.repeat][..a.n]);
        let factors = Svd::new(&x).unwrap();
        let condition = factors.smallest_nonzero().map_or(1.0, |s| factors.singular_values()[0] / s);
        // Sums over test rows are differences of sums over all rows and over training rows, so each mean square has an
        // error relative to those larger sums.
        let share = rows as f64 / (rows - a.n) as f64;
        for (what, a_mse, b_mse, scale) in
            [("train", a.train_mse, b.train_mse, 1.0), ("test", a.test_mse, b.test_mse, share)]
        {
            let (a_rms, b_rms) = (a_mse.unwrap().sqrt(), b_mse.unwrap().sqrt());
            let bound = C * condition * f64::EPSILON * scale * (2.0 * target + b_rms);
            assert!((a_rms - b_rms).abs() <= bound, "{what} {a:?} {b:?} κ = {condition:e}");
        }
        if a.arm == 0 {
            assert_eq!(a.rank, b.rank);
        }
    }
}

#[test]
fn both_engines_give_the_same_cells() {
    assert_same(&sweep(Dataset::diabetes(), 1..=40));
    assert_same(&sweep(StudentTeacher::new(3).generate().unwrap(), [1, 2, 19, 20, 21, 60, 300]));
    // Two outputs, and sizes in no particular order.
    let one = StudentTeacher::new(4).generate().unwrap();
    let mut targets = Array2::zeros((one.len(), 2));
    targets.column_mut(0).assign(&one.targets().column(0));
    targets.column_mut(1).assign(&one.features().column(3).mapv(f64::sin));
    assert_same(&sweep(Dataset::new("two", one.features().clone(), targets).unwrap(), [30, 5, 20]));
}

#[test]
fn cells_with_hardly_a_test_row_go_to_the_svd() {
    let data = StudentTeacher { rows: 60, ..StudentTeacher::new(0) }.generate().unwrap();
    let sweep = sweep(data, [10, 30, 58, 59]);
    assert_same(&sweep);
    let by_svd = on(Engine::Nested, &sweep).provenance.by_svd;
    assert!(by_svd.contains(&(0, 59)) && !by_svd.contains(&(0, 10)), "{by_svd:?}");
}

#[test]
fn the_sweep_chooses_the_engine() {
    let chosen = |sweep: &Sweep| sweep.run().unwrap().provenance.engine;
    let plain = sweep(Dataset::diabetes(), [5, 12]);
    assert_eq!(chosen(&plain), Engine::Nested);
    let all_metrics = Sweep { metrics: Metric::ALL.to_vec(), ..plain.clone() };
    assert_eq!(chosen(&all_metrics), Engine::Svd);
    let mut ablated = plain.clone();
    ablated.arms.push(Arm::test_features_projected(3));
    assert_eq!(chosen(&ablated), Engine::Svd);
    let mut cut = plain.clone();
    let filter = MinNorm::with_cutoff(Cutoff::Absolute(0.1)).unwrap();
    cut.arms.push(Arm::new("cut", None, Arc::new(filter)));
    assert_eq!(chosen(&cut), Engine::Svd);
    for needs_spectrum in [all_metrics, ablated, cut] {
        let forced = Sweep { engine: Some(Engine::Nested), ..needs_spectrum }.run();
        assert!(matches!(forced, Err(Error::Unsupported { .. })), "{forced:?}");
    }
    // On either engine, cells have the requested metrics only.
    for engine in [Engine::Nested, Engine::Svd] {
        let only = Sweep { metrics: vec![Metric::TestMse], ..plain.clone() };
        let cell = on(engine, &only).cells[0];
        assert!(cell.test_mse.is_some() && cell.train_mse.is_none() && cell.bias_squared.is_none());
    }
    let none = Sweep { metrics: Vec::new(), ..plain };
    assert!(matches!(none.run(), Err(Error::Empty { .. })));
}

#[test]
fn nested_sweeps_repeat_to_the_bit_and_can_be_stopped() {
    let on_threads = |threads| Sweep { threads: Some(threads), ..sweep(Dataset::diabetes(), 1..=30) };
    let one = on_threads(1).run().unwrap();
    assert_eq!(one, on_threads(3).run().unwrap());
    let stop =
        |done: usize, _: usize| if done >= 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
    let stopped = on_threads(1).run_with(&stop).unwrap();
    assert!(!stopped.complete);
    assert_eq!(stopped.cells, one.cells[..2 * 30 * 3]);
}

#[test]
fn duplicated_rows_are_the_pseudoinverse_on_both() {
    let data = Dataset::diabetes();
    let rows: Vec<usize> = (0..40).map(|i| if i % 3 == 0 { 7 } else { i }).collect();
    let (x, y) = (data.features().select(Axis(0), &rows), data.targets().select(Axis(0), &rows));
    let mut sweep = sweep(Dataset::new("twins", x, y).unwrap(), 1..=25);
    sweep.splits = Splits::Drawn { repeats: 3, seed: 2 };
    assert_same(&sweep);
}
