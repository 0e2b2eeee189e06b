//! The shortcuts compute the same as the direct definitions.

use crate::common::matrices::normal;
use crate::common::recorded::{column, matrix, recorded, value};
use double_descent::curve::{Cell, Metric};
use double_descent::dataset::Dataset;
use double_descent::factors::Factors;
use double_descent::filter::{LeadingModes, MinNorm, Ridge, SpectralFilter, Spectrum, Truncated};
use double_descent::risk::Compressed;
use double_descent::rng::stream;
use double_descent::svd::{Cutoff, DivideAndConquer, LastMode, Svd};
use double_descent::sweep::{Arm, Splits, Sweep};
use double_descent::teacher::Teacher;
use double_descent::{Ablation, Adversary};
use ndarray::{Array1, Array2, ArrayView2, Axis, concatenate, s};
use rand::RngExt;
use std::sync::Arc;

const SHAPES: [(usize, usize); 7] = [(12, 5), (8, 8), (5, 12), (1, 3), (3, 1), (1, 1), (20, 7)];

fn filters() -> Vec<Arc<dyn SpectralFilter>> {
    vec![
        Arc::new(MinNorm::default()),
        Arc::new(MinNorm::with_cutoff(Cutoff::Relative(0.3)).unwrap()),
        Arc::new(Truncated::new(1.5).unwrap()),
        Arc::new(LeadingModes(2)),
        Arc::new(LeadingModes(0)),
        Arc::new(Ridge::new(0.7).unwrap()),
        Arc::new(Ridge::new(1e6).unwrap()),
    ]
}

/// The ablation of factor 1, written as a filter.
#[derive(Debug)]
struct Cut(Arc<dyn SpectralFilter>, Option<f64>);

impl SpectralFilter for Cut {
    fn write_gains(&self, spectrum: Spectrum<'_>, gains: &mut [f64]) {
        self.0.write_gains(spectrum, gains);
        for (gain, &sigma) in gains.iter_mut().zip(spectrum.singular_values()) {
            if self.1.is_some_and(|cutoff| sigma < cutoff) {
                *gain = 0.0;
            }
        }
    }
}

/// Every combination of ablations.
fn ablations() -> Vec<Ablation> {
    let mut all = Vec::new();
    for cutoff in [None, Some(1.5)] {
        for modes in [None, Some(0), Some(2), Some(99)] {
            for no_residuals in [false, true] {
                let mut ablation = Ablation::none();
                if let Some(cutoff) = cutoff {
                    ablation = ablation.small_singular_values(cutoff).unwrap();
                }
                if let Some(modes) = modes {
                    ablation = ablation.test_features_on(modes);
                }
                all.push(if no_residuals { ablation.no_residuals() } else { ablation });
            }
        }
    }
    all
}

fn adversaries() -> [Option<Adversary>; 5] {
    [
        None,
        Some(Adversary::TestDatum { strength: 0.8 }),
        Some(Adversary::TestDatum { strength: -3.0 }),
        Some(Adversary::TrainingTargets { strength: 0.8 }),
        Some(Adversary::TrainingTargets { strength: -3.0 }),
    ]
}

/// Training and test rows with `k` outputs, and a known teacher.
struct Problem {
    x: Array2<f64>,
    y: Array2<f64>,
    x_test: Array2<f64>,
    teacher: Teacher,
    svd: Svd,
}

impl Problem {
    fn new(x: Array2<f64>, k: usize, seed: u64) -> Self {
        let (n, p) = x.dim();
        let beta = normal(p, k, seed + 100);
        let y = x.dot(&beta) + normal(n, k, seed + 200);
        Self {
            teacher: Teacher::known(beta, &x, &y).unwrap(),
            svd: Svd::new(&x).unwrap(),
            x_test: normal(6, p, seed + 300),
            x,
            y,
        }
    }

    /// One problem for each shape and number of outputs, and some rank-deficient ones.
    fn all() -> Vec<Self> {
        let mut all = Vec::new();
        for (seed, (n, p)) in (0..).zip(SHAPES) {
            for k in [1, 3] {
                all.push(Self::new(normal(n, p, seed), k, seed));
            }
            let low = normal(n, 1, seed).dot(&normal(1, p, seed));
            all.push(Self::new(low, 2, seed));
            all.push(Self::new(Array2::zeros((n, p)), 1, seed));
        }
        all
    }

    /// Condition number over the nonzero singular values.
    fn kappa(&self) -> f64 {
        kappa(&self.svd)
    }
}

fn kappa(svd: &Svd) -> f64 {
    svd.smallest_nonzero().map_or(1.0, |last| svd.singular_values()[0] / last)
}

/// Both sides use the same factorisation and are sums of a few dozen products in different orders. They differ by at
/// most ε times the number of terms (under 100) times the size of the terms, which is at worst `κ` times that of the
/// result, here of order 10.
fn assert_close(a: &Array2<f64>, b: &Array2<f64>, kappa: f64, what: &str) {
    assert_eq!(a.dim(), b.dim(), "{what}");
    let size = a.iter().chain(b.iter()).fold(10.0, |m: f64, v| m.max(v.abs()));
    let bound = 100.0 * f64::EPSILON * kappa * size;
    let off = (a - b).iter().fold(0.0, |m: f64, v| m.max(v.abs()));
    assert!(off <= bound, "{what}: off by {off:e}, bound {bound:e}");
}

#[test]
fn factors_rebuild_the_error_of_the_fit() {
    for problem in Problem::all() {
        for filter in filters() {
            let Problem { svd, teacher, y, x_test, .. } = &problem;
            let direct = x_test.dot(&svd.solve(y, &*filter).unwrap()) - x_test.dot(teacher.beta());
            let factors = Factors::new(svd, &*filter, teacher, x_test).unwrap();
            let what = format!("{filter:?} {:?}", svd.shape());
            assert_close(&factors.error(), &direct, problem.kappa(), &what);
        }
    }
}

/// The last mode, with its sign computed directly.
fn last_mode(svd: &Svd, y: &Array2<f64>) -> Option<LastMode> {
    let index = svd.rank().checked_sub(1)?;
    let alignment = (0..y.ncols()).map(|k| svd.u().column(index).dot(&y.column(k))).sum::<f64>();
    Some(LastMode { index, sign: if alignment < 0.0 { -1.0 } else { 1.0 } })
}

/// The data altered as an ablation and an adversary would alter them, and the refit: coefficients, test features as the
/// model sees them, training targets.
struct Altered {
    beta: Array2<f64>,
    x_test: Array2<f64>,
    y: Array2<f64>,
}

impl Altered {
    #[allow(clippy::too_many_arguments)] // the direct way needs them all
    fn new(
        svd: &Svd,
        x: &Array2<f64>,
        y: &Array2<f64>,
        x_test: &Array2<f64>,
        ideal: &Array2<f64>,
        filter: &Arc<dyn SpectralFilter>,
        ablation: &Ablation,
        adversary: Option<Adversary>,
    ) -> Self {
        let last = last_mode(svd, y);
        assert_eq!(svd.last_mode(y).unwrap(), last);
        let mut y = if ablation.is_without_residuals() { x.dot(ideal) } else { y.clone() };
        let mut x_test = x_test.clone();
        match (adversary, last) {
            (Some(Adversary::TrainingTargets { strength }), Some(LastMode { index, sign })) => {
                let step = svd.u().column(index).mapv(|u| sign * strength * u);
                y.columns_mut().into_iter().for_each(|mut column| column += &step);
            }
            (Some(Adversary::TestDatum { strength }), Some(LastMode { index, sign })) => {
                x_test += &svd.vt().row(index).mapv(|v| sign * strength * v);
            }
            _ => {}
        }
        if let Some(modes) = ablation.test_modes() {
            let v = svd.vt().slice(s![..modes.min(svd.vt().nrows()), ..]);
            x_test = x_test.dot(&v.t()).dot(&v);
        }
        let beta = svd.solve(&y, &Cut(filter.clone(), ablation.cutoff())).unwrap();
        Self { beta, x_test, y }
    }
}

/// Test data are first attacked, then ablated; training targets are ablated first.
#[test]
fn ablated_and_attacked_factors_are_altered_data_refitted() {
    for problem in Problem::all() {
        let Problem { x, y, x_test, teacher, svd } = &problem;
        for filter in filters() {
            let factors = Factors::new(svd, &*filter, teacher, x_test).unwrap();
            for ablation in ablations() {
                for adversary in adversaries() {
                    let altered =
                        Altered::new(svd, x, y, x_test, teacher.beta(), &filter, &ablation, adversary);
                    let full = ablation.test_modes().is_none();
                    let seen = altered.x_test.dot(&altered.beta);
                    let direct = seen - x_test.dot(teacher.beta());
                    let changed = match (adversary, svd.last_mode(y).unwrap()) {
                        (Some(by @ Adversary::TestDatum { .. }), Some(last)) => {
                            factors.attacked(&by, last).ablated(&ablation)
                        }
                        (Some(by), Some(last)) => factors.ablated(&ablation).attacked(&by, last),
                        _ => factors.ablated(&ablation),
                    };
                    let what = format!("{filter:?} {ablation:?} {adversary:?} {:?} {full}", svd.shape());
                    assert_close(&changed.error(), &direct, problem.kappa(), &what);
                }
            }
        }
    }
}

#[test]
fn contributions_are_the_products_of_three_factors() {
    let problem = &Problem::all()[0];
    let factors = Factors::new(&problem.svd, &MinNorm::default(), &problem.teacher, &problem.x_test).unwrap();
    let table = factors.contributions(0);
    assert_eq!(table.len(), 5);
    assert!(table.windows(2).all(|pair| pair[0].product >= pair[1].product));
    for row in &table {
        // The factors with only this mode.
        let mut alone = factors.clone();
        for mode in (0..5).filter(|&mode| mode != row.mode) {
            alone.gain[mode] = 0.0;
        }
        let part = alone.variance_part();
        let size = part.column(0).mapv(|v| v * v).mean().unwrap().sqrt();
        // A dozen roundings.
        assert!((size - row.product).abs() <= 12.0 * f64::EPSILON * size);
        let three = (row.gain * row.test_projection * row.residual_projection).abs();
        assert!((three - row.product).abs() <= 12.0 * f64::EPSILON * three);
    }
    assert!(factors.contributions(1).is_empty());
    // Features in another unit: a gain of 10^∓e and a test projection of 10^±e, whose squares do not fit into an f64.
    for e in [-163, -300, 163, 300] {
        let unit = 10_f64.powi(e);
        let mut other = factors.clone();
        other.gain.mapv_inplace(|g| g / unit);
        other.test_projection.mapv_inplace(|t| t * unit);
        for (row, expected) in other.contributions(0).iter().zip(&table) {
            assert!(
                (row.product - expected.product).abs() <= 12.0 * f64::EPSILON * expected.product,
                "1e{e}"
            );
        }
    }
    // An ablation reads singular values and gains in any layout.
    let cut = Ablation::none().small_singular_values(factors.singular_values[2]).unwrap();
    let mut turned = factors.clone();
    let ascending: Array1<f64> = factors.singular_values.iter().rev().copied().collect();
    turned.singular_values = ascending.slice_move(s![..;-1]);
    assert_eq!(turned.ablated(&cut).gain, factors.ablated(&cut).gain);
    assert_ne!(turned.ablated(&cut).gain, factors.gain);
}

#[test]
fn factors_of_other_shapes_give_no_numbers() {
    let problem = &Problem::all()[0];
    let factors = Factors::new(&problem.svd, &MinNorm::default(), &problem.teacher, &problem.x_test).unwrap();
    let last = problem.svd.last_mode(&problem.y).unwrap().unwrap();
    let changes: [fn(&mut Factors); 7] = [
        |f| f.singular_values = Array1::ones(f.gain.len() + 1),
        |f| f.gain = Array1::ones(1),
        |f| f.test_projection = Array2::ones((0, f.gain.len())),
        |f| f.hidden_projection = Array2::ones((f.test_projection.nrows(), 0)),
        |f| f.residual_projection = Array2::ones((1, 1)),
        |f| f.teacher_projection = Array2::ones((f.gain.len(), 3)),
        |f| f.null_space_part = Array2::ones((1, 2)),
    ];
    for (i, change) in changes.into_iter().enumerate() {
        let mut other = factors.clone();
        change(&mut other);
        let errors = other.error();
        assert!(errors.dim() == other.null_space_part.dim() && errors.iter().all(|v| v.is_nan()), "{i}");
        assert!(other.contributions(0).is_empty(), "{i}");
        assert_eq!(other.ablated(&Ablation::none().test_features_on(0)), other, "{i}");
        for by in adversaries().into_iter().flatten() {
            assert_eq!(other.attacked(&by, last), other, "{i}");
        }
    }
}

/// Computes every metric of one cell by its definition, from every test row.
fn direct(data: &Dataset, order: &[usize], n: usize, arm: &Arm) -> (Cell, f64) {
    let (train, test): (Vec<usize>, Vec<usize>) = {
        let train = order[..n].to_vec();
        let test = (0..data.len()).filter(|row| !train.contains(row)).collect();
        (train, test)
    };
    let pick = |table: &Array2<f64>, rows: &[usize]| table.select(Axis(0), rows);
    let (x, y) = (pick(data.features(), &train), pick(data.targets(), &train));
    let (x_test, y_test) = (pick(data.features(), &test), pick(data.targets(), &test));
    let svd = Svd::new(&x).unwrap();
    let ideal = Svd::new(data.features()).unwrap().solve(data.targets(), &MinNorm::default()).unwrap();
    let evaluate = |adversary: Option<Adversary>| {
        let altered = Altered::new(&svd, &x, &y, &x_test, &ideal, &arm.estimator, &arm.ablation, adversary);
        let target = if arm.ablation.is_without_residuals() { x_test.dot(&ideal) } else { y_test.clone() };
        let mean_square = |e: Array2<f64>| e.mapv(|e| e * e).mean().unwrap();
        let size = mean_square(altered.x_test.dot(&altered.beta)) + mean_square(target.clone());
        (
            mean_square(x.dot(&altered.beta) - &altered.y),
            mean_square(altered.x_test.dot(&altered.beta) - target),
            size,
        )
    };
    let opposite = arm.adversary.map(|by| match by {
        Adversary::TestDatum { strength } => Adversary::TestDatum { strength: -strength },
        Adversary::TrainingTargets { strength } => Adversary::TrainingTargets { strength: -strength },
        _ => unreachable!("an adversary that this test does not know"),
    });
    let (train_mse, test_mse, size) = evaluate(arm.adversary);
    let test_mse_opposite = opposite.map(|by| evaluate(Some(by)));
    let noise_free = Ablation::none().no_residuals();
    let mut only_bias = arm.ablation.no_residuals();
    if arm.ablation == Ablation::none() {
        only_bias = noise_free;
    }
    let fit = Altered::new(&svd, &x, &y, &x_test, &ideal, &arm.estimator, &only_bias, None);
    let bias = fit.x_test.dot(&fit.beta) - x_test.dot(&ideal);
    let bias_squared = bias.mean_axis(Axis(0)).unwrap().mapv(|b| b * b).mean();
    let cell = Cell::new(0, n, x.ncols(), 0)
        .with(Metric::TrainMse, train_mse)
        .with(Metric::TestMse, test_mse)
        .with(Metric::TestMseOpposite, test_mse_opposite.map(|(_, test, _)| test))
        .with(Metric::BiasSquared, bias_squared)
        .with(Metric::MeanSquaredBias, bias.mapv(|b| b * b).mean())
        .with(Metric::SmallestSingularValue, svd.smallest_nonzero().unwrap_or(0.0))
        .with_rank(svd.rank());
    let size = size.max(test_mse_opposite.map_or(0.0, |(_, _, size)| size));
    (cell, (size + 1.0) * kappa(&svd))
}

/// Arms that combine estimators, ablations and adversaries.
fn arms() -> Vec<Arm> {
    let mut arms = Vec::new();
    for filter in filters() {
        for ablation in ablations() {
            for adversary in adversaries() {
                arms.push(Arm {
                    ablation,
                    adversary,
                    ..Arm::new(format!("{filter:?}"), Some(arms.len() as f64), filter.clone())
                });
            }
        }
    }
    arms
}

/// Compares every `stride`-th arm of the list, at each size, with the definition.
///
/// A fit has an error of `ε κ` relative to its size. The mean square over test rows has that error times the size of
/// its terms, the squares of predictions and targets; so does a test sum computed as the sum over the table minus that
/// over the training rows. The factor covers the few hundred terms of each sum.
fn compare(data: &Dataset, sizes: &[usize], stride: usize) {
    let arms: Vec<Arm> = arms().into_iter().step_by(stride).collect();
    let order: Vec<usize> = {
        let mut rng = stream(5, data.len(), 0);
        let mut rows: Vec<usize> = (0..data.len()).collect();
        (0..rows.len()).for_each(|i| rows.swap(i, rng.random_range(i..data.len())));
        rows
    };
    let sweep = Sweep {
        splits: Splits::Recorded(vec![order.clone()]),
        arms: arms.clone(),
        ..Sweep::new(data.clone(), sizes.iter().copied(), 1, 0)
    };
    for backend in [sweep.backend.clone(), Arc::new(DivideAndConquer)] {
        let curve = Sweep { backend, ..sweep.clone() }.run().unwrap();
        assert_eq!((curve.failures.len(), curve.cells.len()), (0, sizes.len() * arms.len()));
        for cell in &curve.cells {
            let arm = &arms[cell.arm];
            let (expected, size) = direct(data, &order, cell.n, arm);
            let what = format!("{} n = {}, {arm:?}\n{cell:?}\n{expected:?}", data.name(), cell.n);
            assert_eq!((cell.rank, cell.p), (expected.rank, expected.p), "{what}");
            let bound = 1000.0 * f64::EPSILON * size;
            for (found, expected) in [
                (cell.train_mse, expected.train_mse),
                (cell.test_mse, expected.test_mse),
                (cell.bias_squared, expected.bias_squared),
                (cell.mean_squared_bias, expected.mean_squared_bias),
                (cell.smallest_singular_value, expected.smallest_singular_value),
            ] {
                assert!((found.unwrap() - expected.unwrap()).abs() <= bound, "{bound:e} {what}");
            }
            assert_eq!(cell.test_mse_opposite.is_some(), arm.adversary.is_some());
            if let (Some(found), Some(expected)) = (cell.test_mse_opposite, expected.test_mse_opposite) {
                assert!((found - expected).abs() <= bound, "opposite, {bound:e} {what}");
            }
        }
    }
}

fn table(name: &str, x: Array2<f64>, k: usize) -> Dataset {
    let (n, p) = x.dim();
    let y = x.dot(&normal(p, k, 71)) + normal(n, k, 72) + 0.5;
    Dataset::new(name, x, y).unwrap()
}

#[test]
fn sweeps_agree_with_the_definition_on_a_single_output() {
    compare(&table("one output", normal(40, 5, 61), 1), &[1, 3, 5, 6, 20], 3);
}

#[test]
fn sweeps_agree_with_the_definition_on_several_outputs() {
    compare(&table("three outputs", normal(40, 5, 62), 3), &[2, 5, 9], 4);
}

/// At `N − 1` and `N − 2` there are fewer test rows than in the compressed table; from `N − p − 3` on, sums are
/// computed as differences.
#[test]
fn sweeps_agree_with_the_definition_where_few_test_rows_are_left() {
    compare(&table("few", normal(20, 4, 63), 1), &[12, 13, 14, 15, 18, 19], 5);
    compare(&table("fewest", normal(3, 6, 64), 2), &[1, 2], 5);
    compare(&table("two rows", normal(2, 1, 65), 1), &[1], 2);
}

#[test]
fn sweeps_agree_with_the_definition_on_rank_deficient_tables() {
    compare(&table("low rank", normal(40, 2, 66).dot(&normal(2, 6, 67)), 1), &[1, 2, 3, 6, 30], 6);
    compare(&table("zeros", Array2::zeros((15, 3)), 1), &[1, 3, 7, 14], 9);
    let constant = concatenate(Axis(1), &[normal(30, 3, 68).view(), Array2::ones((30, 2)).view()]).unwrap();
    compare(&table("constant columns", constant, 2), &[2, 4, 5, 12, 29], 8);
}

#[test]
fn sweeps_agree_with_the_definition_on_duplicated_rows() {
    let rows = normal(6, 4, 69);
    let views: Vec<ArrayView2<'_, f64>> = (0..5).map(|_| rows.view()).collect();
    let x = concatenate(Axis(0), &views).unwrap();
    compare(&table("duplicated rows", x.as_standard_layout().into_owned(), 1), &[2, 4, 8, 20, 28], 6);
}

#[test]
fn a_compressed_table_has_the_error_of_the_table() {
    for (n, p, k) in [(500, 6, 2), (7, 7, 1), (3, 9, 2), (1, 1, 1)] {
        let (x, y) = (normal(n, p, 1), normal(n, k, 2));
        let compressed = Compressed::new(&x, &y).unwrap();
        assert_eq!(compressed.rows(), n);
        for beta in [normal(p, k, 3), normal(p, k, 4) * 1e4, Array2::zeros((p, k))] {
            let errors = x.dot(&beta) - &y;
            let direct = errors.mapv(|e| e * e).mean_axis(Axis(0)).unwrap();
            let found = compressed.mean_squared_error(&beta).unwrap();
            for (found, direct) in found.iter().zip(&direct) {
                // Sums of up to 500 squares, each of a sum of up to 10 products: at most √500 · 10 ε.
                assert!((found - direct).abs() <= 250.0 * f64::EPSILON * direct, "{found} {direct}");
            }
        }
    }
    // Residuals of the best fit, 1e8 times smaller than the targets.
    let (x, beta) = (normal(300, 4, 5), normal(4, 1, 6));
    let y = x.dot(&beta) + normal(300, 1, 7) * 1e-8;
    let direct = (x.dot(&beta) - &y).mapv(|e| e * e).mean().unwrap();
    let found = Compressed::new(&x, &y).unwrap().mean_squared_error(&beta).unwrap()[0];
    // Errors of 300 ε relative to y are 1e8 times that relative to the residual; squaring doubles them.
    assert!((found / direct - 1.0).abs() <= 600.0 * f64::EPSILON * 1e8, "{found} {direct}");
}

/// Least squares: residuals are orthogonal to the features. Minimum norm: coefficients lie in the row space.
#[test]
fn the_ideal_teacher_solves_the_normal_equations() {
    let mut unit_free = normal(60, 5, 81);
    unit_free.column_mut(2).mapv_inplace(|v| v * 1e10);
    unit_free.column_mut(4).mapv_inplace(|v| v * 1e-10);
    let low_rank = normal(60, 2, 82).dot(&normal(2, 5, 83));
    // If the solution is unique, units do not matter; otherwise they determine which solution is shortest.
    for (x, unique) in
        [(normal(60, 5, 80), true), (unit_free, true), (normal(4, 9, 84), false), (low_rank, false)]
    {
        let data = table("teacher", x, 2);
        let teacher = Teacher::ideal(&data).unwrap();
        let x = data.features();
        let length = |v: ndarray::ArrayView1<'_, f64>| v.dot(&v).sqrt();
        for residual in teacher.residuals().columns() {
            for feature in x.columns() {
                // A cosine, but relative to the targets, since the residual may be pure rounding error.
                let size = length(feature) * (length(residual) + length(data.targets().column(0)) + 1.0);
                assert!(feature.dot(&residual).abs() <= 1000.0 * f64::EPSILON * size);
            }
        }
        assert_eq!(teacher.residuals(), &(data.targets() - &x.dot(teacher.beta())));
        if !unique {
            let svd = Svd::new(x).unwrap();
            let outside = svd.project_null_space(&teacher.beta().t()).unwrap();
            assert!(outside.iter().all(|v| v.abs() <= 1000.0 * f64::EPSILON * kappa(&svd)), "{outside}");
        }
    }
}

#[test]
fn a_selection_of_the_teacher_keeps_rows_in_order() {
    let data = table("teacher", normal(10, 3, 90), 2);
    let teacher = Teacher::ideal(&data).unwrap();
    let some = teacher.select(&[7, 0, 7]).unwrap();
    assert_eq!(some.beta(), teacher.beta());
    assert_eq!(some.residuals().row(0), teacher.residuals().row(7));
    assert_eq!(some.residuals().row(1), teacher.residuals().row(0));
    assert_eq!(some.residuals().nrows(), 3);
    assert!(teacher.select(&[3, 10]).unwrap_err().to_string().contains("10"));
}

/// Recorded factors. Signs are arbitrary, so compare the sizes of the factors, their products, and the sum of these.
#[test]
fn recorded_factors() {
    let close = |found: f64, right: f64| {
        assert!((found - right).abs() <= 1e-9 * right.abs() + 1e-12, "{found:e}, not {right:e}");
    };
    for case in recorded("three_factor").into_iter().flatten() {
        let (x, beta) = (matrix(&case, "X"), column(&case, "beta"));
        let y = x.dot(&beta) + column(&case, "E");
        let test = column(&case, "x").t().to_owned();
        let svd = Svd::new(&x).unwrap();
        let teacher = Teacher::known(beta, &x, &y).unwrap();
        let factors = Factors::new(&svd, &MinNorm::default(), &teacher, &test).unwrap();
        let list = |name: &str| -> Vec<f64> {
            let list = case["outputs"][name].as_array().unwrap();
            list.iter().map(|number| number.as_f64().unwrap()).collect()
        };
        let (sigma, leaning, residual) = (list("sigma"), list("abs_factor2"), list("abs_factor3"));
        for (mode, term) in list("terms").into_iter().enumerate() {
            close(factors.gain[mode].recip(), sigma[mode]);
            let [second, third] =
                [factors.test_projection[[0, mode]], factors.residual_projection[[mode, 0]]];
            close(second.abs(), leaning[mode]);
            close(third.abs(), residual[mode]);
            close(factors.gain[mode] * second * third, term);
        }
        close(factors.variance_part()[[0, 0]], value(&case, "outputs", "variance_term"));
        close(-factors.bias_part()[[0, 0]], value(&case, "outputs", "bias_term"));
        close(factors.error()[[0, 0]], value(&case, "outputs", "prediction_error"));
    }
}
