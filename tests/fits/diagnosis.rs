//! A diagnosis against refits without each row, recorded values, and random draws.

use crate::common::matrices::normal;
use crate::common::recorded::{recorded, value};
use double_descent::Error;
use double_descent::diagnosis::{
    Diagnosis, Estimate, Method, Side, diagnose, diagnose_fit, diagnose_with_test,
};
use double_descent::factors::Factors;
use double_descent::filter::{
    GradientDescent, GradientFlow, LeadingModes, Loss, MinNorm, Ridge, Schedule, SpectralFilter, Spectrum,
};
use double_descent::svd::Svd;
use double_descent::teacher::Teacher;
use ndarray::{Array1, Array2, Axis, array, concatenate, s};
use serde_json::Value;

#[track_caller]
fn close(found: f64, expected: f64, relative: f64) {
    let off = (found - expected).abs();
    assert!(off <= relative * (1.0 + expected.abs()), "{found:e}, not {expected:e} to {relative:e}");
}

fn without(table: &Array2<f64>, row: usize) -> Array2<f64> {
    let others: Vec<usize> = (0..table.nrows()).filter(|other| *other != row).collect();
    table.select(Axis(0), &others)
}

/// Squared error at each row of the fit to the other rows, each by its own SVD.
fn left_out(x: &Array2<f64>, y: &Array2<f64>, filter: &dyn SpectralFilter) -> Vec<f64> {
    let error = |row: usize| {
        let beta = Svd::new(&without(x, row)).unwrap().solve(&without(y, row), filter).unwrap();
        let off: Array1<f64> = x.row(row).dot(&beta) - y.row(row);
        off.mapv(|e| e * e).mean().unwrap()
    };
    (0..x.nrows()).map(error).collect()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn remedy(found: &Diagnosis, is: impl Fn(&Method) -> bool) -> &Estimate {
    found.remedies.iter().find(|remedy| is(&remedy.method)).unwrap()
}

/// Tables on both sides of the threshold and at it. Among them: a row that alone has a nonzero entry in a feature,
/// repeated rows, repeated columns, and a table tall enough for the fast path.
fn tables() -> Vec<(Array2<f64>, Array2<f64>)> {
    let mut tables: Vec<_> = [(12, 5), (5, 12), (7, 7), (8, 7), (9, 7), (60, 4), (2, 3)]
        .map(|(n, p)| (normal(n, p, 1), normal(n, 2, 2)))
        .into();
    let mut heavy = normal(40, 3, 3);
    heavy.slice_mut(s![1.., 2]).mapv_inplace(|v| v * 1e-4);
    tables.push((heavy, normal(40, 1, 4)));
    let mut alone = normal(20, 3, 5);
    alone.slice_mut(s![1.., 2]).fill(0.0);
    tables.push((alone, normal(20, 1, 6)));
    let x = normal(6, 9, 7);
    tables.push((concatenate![Axis(0), x, x.slice(s![..2, ..])], normal(8, 1, 8)));
    let x = normal(30, 4, 9);
    tables.push((concatenate![Axis(1), x, x.slice(s![.., ..2])], normal(30, 1, 10)));
    tables
}

#[test]
fn recorded_leave_one_out_errors() {
    let matrix = |value: &Value| -> Array2<f64> {
        let rows: Vec<Vec<f64>> = serde_json::from_value(value.clone()).unwrap();
        Array2::from_shape_fn((rows.len(), rows[0].len()), |(i, j)| rows[i][j])
    };
    for case in recorded("loo_gcv").into_iter().flatten() {
        let y: Vec<f64> = serde_json::from_value(case["inputs"]["y"].clone()).unwrap();
        let (x, lambda) = (matrix(&case["inputs"]["X"]), value(&case, "inputs", "lam"));
        let filter: Box<dyn SpectralFilter> =
            if lambda > 0.0 { Box::new(Ridge::new(lambda).unwrap()) } else { Box::new(MinNorm::default()) };
        let found = diagnose_fit(&x, &Svd::column(&Array1::from(y)), filter.as_ref()).unwrap();
        close(found.fit.mse, value(&case, "outputs", "loo_mse"), 1e-12);
    }
}

/// For every filter: the fit's mean error, standard error and median error are those of leave-one-out refits.
#[test]
fn errors_are_those_of_fits_made_again() {
    let filters: [Box<dyn SpectralFilter>; 5] = [
        Box::new(MinNorm::default()),
        Box::new(Ridge::new(0.3).unwrap()),
        Box::new(LeadingModes(2)),
        Box::new(GradientFlow::new(0.4, Loss::HalfMean).unwrap()),
        Box::new(GradientDescent::new(Schedule::Constant(1e-3), 50, Loss::HalfSum).unwrap()),
    ];
    for (x, y) in tables() {
        for filter in &filters {
            let found = diagnose_fit(&x, &y, filter.as_ref()).unwrap();
            let errors = left_out(&x, &y, filter.as_ref());
            let n = errors.len() as f64;
            assert_eq!((found.left_out, found.fit.rows), (x.nrows(), x.nrows()));
            close(found.fit.mse, mean(&errors), 1e-8);
            let spread: f64 = errors.iter().map(|e| (e - mean(&errors)).powi(2)).sum();
            close(found.fit.standard_error, (spread / (n - 1.0) / n).sqrt(), 1e-8);
            let beta = Svd::new(&x).unwrap().solve(&y, filter.as_ref()).unwrap();
            close(found.train_mse, (x.dot(&beta) - &y).mapv(|e| e * e).mean().unwrap(), 1e-12);
            assert!(!format!("{found}").contains("NaN"));
        }
    }
}

/// The chosen penalty, time and number of modes have the stated errors, and no other choice is better.
#[test]
fn remedies_are_the_best_of_their_kind() {
    for (x, y) in tables() {
        let found = diagnose(&x, &y).unwrap();
        let own = left_out(&x, &y, &MinNorm::default());
        for remedy in &found.remedies {
            let errors = match remedy.method {
                Method::Ridge { lambda } => left_out(&x, &y, &Ridge::new(lambda).unwrap()),
                Method::Stopping { time } => {
                    left_out(&x, &y, &GradientFlow::new(time, Loss::HalfSum).unwrap())
                }
                Method::LeadingModes { modes } => left_out(&x, &y, &LeadingModes(modes)),
                _ => continue,
            };
            close(remedy.mse, mean(&errors), 1e-8);
            let gain = remedy.gain.unwrap();
            let pairs: Vec<f64> = own.iter().zip(&errors).map(|(a, b)| a - b).collect();
            assert!((gain.mean - mean(&pairs)).abs() <= 1e-8 * (1.0 + found.fit.mse));
            assert_eq!(gain.is_clear(), gain.mean > 2.0 * gain.standard_error);
            let least = |value: f64| assert!(value >= remedy.mse * (1.0 - 1e-9), "{remedy:?}: {value}");
            for i in -16..=16 {
                let scale = 10.0_f64.powf(0.25 * f64::from(i));
                match remedy.method {
                    Method::Ridge { .. } => {
                        let lambda = scale * found.largest_singular_value.powi(2) * 1e-2;
                        least(mean(&left_out(&x, &y, &Ridge::new(lambda).unwrap())) * (1.0 + 1e-3));
                    }
                    Method::Stopping { .. } => {
                        let time = scale / found.largest_singular_value.powi(2) * 1e1;
                        least(
                            mean(&left_out(&x, &y, &GradientFlow::new(time, Loss::HalfSum).unwrap()))
                                * (1.0 + 1e-3),
                        );
                    }
                    _ => {}
                }
            }
            if let Method::LeadingModes { .. } = remedy.method {
                for modes in 0..=x.ncols() {
                    least(mean(&left_out(&x, &y, &LeadingModes(modes))) * (1.0 + 1e-8));
                }
            }
        }
        assert!(found.remedies.windows(2).all(|pair| pair[0].mse <= pair[1].mse));
    }
}

/// The three factors of each mode and the noise factor, from SVDs with one row left out.
#[test]
fn worst_modes_by_fits_made_again() {
    for (n, p) in [(12, 5), (5, 12), (8, 7), (60, 4)] {
        let (x, y) = (normal(n, p, 1), normal(n, 2, 2));
        let found = diagnose(&x, &y).unwrap();
        let Method::Ridge { lambda } = remedy(&found, |m| matches!(m, Method::Ridge { .. })).method else {
            panic!()
        };
        let reference = Svd::new(&x).unwrap().solve(&y, &Ridge::new(lambda).unwrap()).unwrap();
        let count = (n - 1).min(p);
        let mut sums = vec![[0.0; 4]; count];
        let mut noise = 0.0;
        for row in 0..n {
            let (others, targets) = (without(&x, row), without(&y, row));
            let svd = Svd::new(&others).unwrap();
            let residuals = svd.u().t().dot(&(&targets - &others.dot(&reference)));
            for (mode, sums) in sums.iter_mut().enumerate() {
                let gain = svd.singular_values()[mode].recip();
                let lean = svd.vt().row(mode).dot(&x.row(row));
                let residual = residuals.row(mode).mapv(|e| e * e).mean().unwrap();
                let terms = [gain.powi(-2), lean * lean, residual, (gain * lean).powi(2) * residual];
                sums.iter_mut().zip(terms).for_each(|(sum, term)| *sum += term / n as f64);
                noise += (gain * lean).powi(2) / n as f64;
            }
        }
        close(found.noise_factor, noise, 1e-9);
        let worst: f64 = sums.iter().map(|sums| sums[3]).fold(0.0, f64::max);
        close(found.worst_modes[0].product, worst.sqrt(), 1e-9);
        for mode in &found.worst_modes {
            let factors = [mode.singular_value, mode.test_projection, mode.residual_projection, mode.product];
            for (found, sum) in factors.into_iter().zip(sums[mode.mode]) {
                close(found, sum.sqrt(), 1e-9);
            }
        }
        assert_eq!(found.worst_modes.len(), count.min(5));
    }
}

/// 40 features and a little noise. At n = p and one row past it, the fit blows up, mostly through its last modes, and a
/// penalty clearly helps. Far from there it does not, and no remedy promises much.
#[test]
fn the_threshold_is_found() {
    let p = 40;
    let (whole, beta) = (normal(400, p, 1), normal(p, 1, 2) / (p as f64).sqrt());
    let targets = whole.dot(&beta) + normal(400, 1, 3) * 0.5;
    let at = |n: usize| {
        let rows = s![..n, ..];
        diagnose(&whole.slice(rows), &targets.slice(rows)).unwrap()
    };
    let (threshold, above) = (at(40), at(400));
    assert_eq!((threshold.side, threshold.spare_rows, threshold.spare_features), (Side::At, 0, 0));
    assert_eq!((above.side, above.spare_rows), (Side::Under, 360));
    assert_eq!((at(20).side, at(20).spare_features), (Side::Over, 20));
    assert!(threshold.noise_factor > 5.0 && above.noise_factor < 0.2);
    assert!(threshold.worst_modes[0].mode >= 36, "{:?}", threshold.worst_modes);
    assert!(threshold.train_mse == 0.0 && threshold.more_rows.is_none());
    let best = &threshold.remedies[0];
    assert!(best.mse < 0.2 * threshold.fit.mse && best.gain.unwrap().mean > 0.0);
    let ridge = remedy(&above, |m| matches!(m, Method::Ridge { .. }));
    assert!(ridge.mse > 0.95 * above.fit.mse);
    // Sixty rows are on the falling side of the threshold: half of them would be worse than all.
    let half = |found: &Diagnosis| remedy(found, |m| *m == Method::HalfTheRows).gain.unwrap();
    assert!(half(&above).mean < 0.0, "{:?}", half(&above));
    assert!(half(&at(41)).mean > 0.0, "more rows hurt up to there: {:?}", half(&at(41)));
    let words = format!("{threshold}");
    for part in [
        "at the interpolation threshold, n = p = 40, where",
        "ridge, λ = ",
        "mode 39 of 39",
        "away from the threshold",
    ] {
        assert!(words.contains(part), "{part}: {words}");
    }
    assert!(format!("{above}").contains("twice the rows (800): error "));
    // The text says on which side of the threshold the fit is, how far, and why it predicts nothing for more rows.
    for (n, where_it_is, why) in [
        (
            400,
            "360 rows more than at the interpolation threshold, n = rank = 40: the classical regime",
            "twice the rows",
        ),
        (42, "2 rows more than at the interpolation threshold, n = rank = 40: near where", "twice the rows"),
        (
            41,
            "1 row more than at the interpolation threshold, n = rank = 40: near where",
            "divides by n − p − 1",
        ),
        (
            39,
            "1 feature more than at the interpolation threshold, p = n = 39: near where",
            "up to n = p, rows bring",
        ),
        (
            20,
            "20 features more than at the interpolation threshold, p = n = 20: the interpolating",
            "up to n = p",
        ),
    ] {
        let words = at(n).to_string();
        assert!(words.contains(where_it_is) && words.contains(why), "{n}: {words}");
    }
}

/// The note appears only if no feature, and no sum of features, is constant.
#[test]
fn fits_through_the_origin_far_from_the_targets_are_noted() {
    let (x, noise) = (normal(30, 3, 1), normal(30, 1, 2));
    let far = |x: &Array2<f64>, y: &Array2<f64>| {
        let found = diagnose(x, y).unwrap();
        let is_said = format!("{found}").contains("fits go through the origin");
        assert_eq!(is_said, found.far_from_origin.is_some());
        found.far_from_origin
    };
    let above = &noise + 5.0;
    close(far(&x, &above).unwrap(), above.mean().unwrap() / above.std(0.0), 1e-14);
    let both = concatenate![Axis(1), noise, above];
    assert_eq!(far(&x, &both), far(&x, &above));
    assert_eq!(far(&x, &noise), None);
    assert_eq!(far(&concatenate![Axis(1), x, Array2::from_elem((30, 1), 0.1)], &above), None);
    // One-hot columns of categories add up to a constant.
    let words = Array2::from_shape_fn((30, 2), |(row, word)| f64::from(u8::from(row % 2 == word)));
    assert_eq!(far(&concatenate![Axis(1), x, words], &above), None);
    // Targets without any spread are as far as can be.
    assert_eq!(far(&x, &Array2::from_elem((30, 1), 5.0)), Some(f64::INFINITY));
    // Any features do, if there are no more rows than features; then only a constant column counts.
    assert!(far(&x.slice(s![..3, ..]).to_owned(), &above.slice(s![..3, ..]).to_owned()).is_some());
}

/// The predicted errors with the present rows and with twice as many agree with least squares over 300 designs, within
/// 4 standard errors of the difference.
#[test]
fn more_rows_give_what_is_said() {
    let (n, p, noise) = (36, 12, 0.7);
    let beta = normal(p, 1, 5);
    let excess = |x: &Array2<f64>, y: &Array2<f64>| {
        let fit = Svd::new(x).unwrap().solve(y, &MinNorm::default()).unwrap();
        (fit - &beta).mapv(|e| e * e).sum() + noise
    };
    let (mut now, mut later) = (Vec::new(), Vec::new());
    for i in 0..300 {
        let x = normal(2 * n, p, 1000 + i);
        let y = x.dot(&beta) + normal(2 * n, 1, 5000 + i) * f64::sqrt(noise);
        let (first, targets) = (x.slice(s![..n, ..]).to_owned(), y.slice(s![..n, ..]).to_owned());
        let more = diagnose(&first, &targets).unwrap().more_rows.unwrap();
        assert_eq!(more.rows, 2 * n);
        now.push(more.mse_now - excess(&first, &targets));
        later.push(more.mse - excess(&x, &y));
    }
    for differences in [now, later] {
        let differences = Array1::from(differences);
        let z = differences.mean().unwrap() / differences.std(1.0) * 300.0_f64.sqrt();
        assert!(z.abs() < 4.0, "z = {z}");
    }
}

/// Test errors of every method by separate fits, and the worst modes of the fit by [`Factors`].
#[test]
fn test_rows_tell_the_same_and_more() {
    let (x, y, tx, ty) = (normal(9, 7, 1), normal(9, 2, 2), normal(30, 7, 3), normal(30, 2, 4));
    let filter = MinNorm::default();
    let (blind, found) =
        (diagnose(&x, &y).unwrap(), diagnose_with_test(&x, &y, &filter, (&tx, &ty)).unwrap());
    assert_eq!(blind.worst_modes, found.worst_modes);
    let svd = Svd::new(&x).unwrap();
    let error = |beta: &Array2<f64>| (tx.dot(beta) - &ty).mapv(|e| e * e).mean().unwrap();
    let of = |filter: &dyn SpectralFilter| error(&svd.solve(&y, filter).unwrap());
    close(found.fit.test_mse.unwrap(), of(&filter), 1e-12);
    for (remedy, blind) in found.remedies.iter().zip(&blind.remedies) {
        assert_eq!((remedy.mse, remedy.method, blind.test_mse), (blind.mse, blind.method, None));
        let expected = match remedy.method {
            Method::Ridge { lambda } => of(&Ridge::new(lambda).unwrap()),
            Method::Stopping { time } => of(&GradientFlow::new(time, Loss::HalfSum).unwrap()),
            Method::LeadingModes { modes } => of(&LeadingModes(modes)),
            _ => {
                let half = |from: usize| {
                    let rows = s![from..;2, ..];
                    error(&Svd::new(&x.slice(rows)).unwrap().solve(&y.slice(rows), &filter).unwrap())
                };
                0.5 * (half(0) + half(1))
            }
        };
        close(remedy.test_mse.unwrap(), expected, 1e-11);
    }
    let Method::Ridge { lambda } = remedy(&found, |m| matches!(m, Method::Ridge { .. })).method else {
        panic!()
    };
    let reference = svd.solve(&y, &Ridge::new(lambda).unwrap()).unwrap();
    let teacher = Teacher::known(reference, &x, &y).unwrap();
    let factors = Factors::new(&svd, &filter, &teacher, &tx).unwrap();
    for mode in &found.worst_test_modes {
        let outputs = [0, 1].map(|output| {
            *factors.contributions(output).iter().find(|other| other.mode == mode.mode).unwrap()
        });
        let mean = |values: [f64; 2]| f64::midpoint(values[0].powi(2), values[1].powi(2)).sqrt();
        close(mode.product, mean(outputs.map(|found| found.product)), 1e-10);
        close(mode.residual_projection, mean(outputs.map(|found| found.residual_projection)), 1e-10);
        close(mode.gain, outputs[0].gain, 1e-14);
    }
    assert!(format!("{found}").contains("on the test rows"));
    let refused = diagnose_with_test(&x, &y, &filter, (&tx, &normal(29, 2, 4)));
    assert!(matches!(refused, Err(Error::Shape { .. })));
    let refused = diagnose_with_test(&x, &y, &filter, (&normal(30, 6, 3), &ty));
    assert!(matches!(refused, Err(Error::Shape { .. })));
}

/// With too many rows to leave out all of them in a few seconds, a subset is used, and the text says so.
#[test]
fn a_part_of_the_rows() {
    let (x, y) = (normal(420, 210, 1), normal(420, 1, 2));
    let found = diagnose(&x, &y).unwrap();
    assert!(found.left_out < 420 && found.left_out >= 20, "{}", found.left_out);
    assert!(found.remedies.iter().all(|remedy| remedy.rows == found.left_out));
    assert!(format!("{found}").contains(&format!("one row at a time: {} of the 420", found.left_out)));
    // For pure noise the mean is v (1 + p/(n − p − 1)) = 2.0; 100 or more rows give it to within a half.
    assert!((found.fit.mse - 2.0).abs() < 1.0, "{}", found.fit.mse);
}

/// If the best number of directions is all of them, it is not listed as a remedy.
#[test]
fn all_directions_are_not_called_fewer() {
    let x = normal(60, 3, 1);
    let y = x.dot(&Array2::ones((3, 1))) + 0.01 * normal(60, 1, 2);
    let found = diagnose(&x, &y).unwrap();
    assert!(found.remedies.iter().any(|remedy| remedy.method == Method::LeadingModes { modes: 3 }));
    let words = format!("{found}");
    assert!(words.contains("fewer features: no better than all 3 principal directions"), "{words}");
}

#[test]
fn tables_with_nothing_in_them() {
    let found = diagnose(&Array2::zeros((4, 3)), &array![[1.0], [2.0], [3.0], [4.0]]).unwrap();
    assert_eq!((found.rank, found.smallest_singular_value, found.noise_factor), (0, None, 0.0));
    close(found.fit.mse, 7.5, 1e-15);
    let found = diagnose(&normal(4, 3, 1), &Array2::zeros((4, 1))).unwrap();
    assert_eq!((found.fit.mse, found.remedies[0].mse), (0.0, 0.0));
    for found in [
        diagnose(&Array2::zeros((4, 3)), &Array2::ones((4, 1))),
        diagnose(&normal(2, 1, 1), &normal(2, 1, 2)),
    ] {
        let words = format!("{}", found.unwrap());
        assert!(!words.contains("NaN") && !words.contains("inf"), "{words}");
    }
}

/// A feature that is a copy of the targets leaves rounding errors, from which nothing follows.
#[test]
fn a_copy_of_the_targets_is_noted() {
    let x = normal(30, 3, 1);
    let is_said = |y: &Array2<f64>| {
        let words = diagnose(&x, y).unwrap().to_string();
        assert_eq!(words.contains("a copy of the targets"), !words.contains("what would help"), "{words}");
        words.contains("a copy of the targets")
    };
    assert!(is_said(&x.slice(s![.., 1..2]).to_owned()));
    assert!(is_said(&x.dot(&normal(3, 2, 2))));
    assert!(!is_said(&(&x.slice(s![.., 1..2]) + 1e-12 * &normal(30, 1, 3))));
    assert!(!is_said(&Array2::zeros((30, 1))));
}

/// Ten rows of noise, each twice, with 15 features: as many free parameters as different rows, and no copy of the targets.
#[test]
fn copies_of_rows_are_noted() {
    let twice = |table: Array2<f64>| concatenate![Axis(0), table, table];
    let (x, y) = (twice(normal(10, 15, 1)), twice(normal(10, 1, 2)));
    let few = diagnose(&x, &y).unwrap();
    let words = few.to_string();
    assert_eq!((few.copied_rows, few.rank), (10, 10));
    assert!(words.contains("note: 10 rows are exact copies of others"), "{words}");
    assert!(words.ends_with("at the interpolation threshold or past it"), "{words}");
    assert!(words.contains("n = rank = 10: all of them copies"), "{words}");
    assert!(!words.contains("a copy of the targets"), "{words}");
    // The error on test rows is the only one left to say.
    let test = (&*normal(5, 15, 3), &*normal(5, 1, 4));
    let tested = diagnose_with_test(&x, &y, &MinNorm::default(), test).unwrap();
    let said = tested.to_string();
    assert_eq!(
        said.strip_prefix(&words).map(|rest| rest.starts_with("\nerror on the test rows ")),
        Some(true)
    );
    // With fewer features there is an error, and the note; 0 and −0 are equal, and targets count.
    let mut narrow = x.slice(s![.., ..3]).to_owned();
    (narrow[[0, 0]], narrow[[10, 0]]) = (0.0, -0.0);
    let mut other = y.clone();
    other[[3, 0]] += 1.0;
    let found = diagnose(&narrow, &other).unwrap();
    assert_eq!(found.copied_rows, 9);
    assert!(found.to_string().contains("what would help"));
    assert_eq!(diagnose(&normal(10, 3, 1), &normal(10, 1, 2)).unwrap().copied_rows, 0);
}

/// A filter that panics or returns NaN only for fits without a row: at nine rows, not at ten.
#[derive(Debug)]
struct Faulty(fn() -> f64);

impl SpectralFilter for Faulty {
    fn write_gains(&self, spectrum: Spectrum<'_>, gains: &mut [f64]) {
        let (n, _) = spectrum.shape();
        gains.fill(if n == 9 { self.0() } else { 0.5 });
    }
}

#[test]
fn faults_of_a_filter_are_errors() {
    let (x, y) = (normal(10, 4, 1), normal(10, 1, 2));
    for fault in [|| f64::NAN, || panic!("no such gain")] {
        let refused = diagnose_fit(&x, &y, &Faulty(fault));
        assert!(matches!(refused, Err(Error::UserCode { .. })), "{refused:?}");
    }
}

#[test]
fn bad_input() {
    let (x, y) = (normal(5, 3, 1), normal(5, 1, 2));
    assert!(matches!(diagnose(&x, &normal(4, 1, 2)), Err(Error::Shape { .. })));
    assert!(matches!(diagnose(&normal(1, 3, 1), &normal(1, 1, 2)), Err(Error::Domain { .. })));
    assert!(matches!(diagnose(&Array2::zeros((5, 0)), &y), Err(Error::Empty { .. })));
    let mut nan = x.clone();
    nan[[2, 1]] = f64::NAN;
    assert!(matches!(diagnose(&nan, &y), Err(Error::NonFinite { row: 2, column: 1, .. })));
    let mut nan = y.clone();
    nan[[3, 0]] = f64::INFINITY;
    assert!(matches!(diagnose(&x, &nan), Err(Error::NonFinite { row: 3, column: 0, .. })));
    for (x, y) in [(&x * 1e200, y.clone()), (x.clone(), &y * 1e200), (&x * 1e-200, y.clone())] {
        assert!(matches!(diagnose(&x, &y), Err(Error::Overflow { .. })), "{:?}", diagnose(&x, &y));
    }
    let too_large = GradientDescent::new(Schedule::Constant(1e3), 5, Loss::HalfSum).unwrap();
    assert!(matches!(diagnose_fit(&x, &y, &too_large), Err(Error::StepTooLarge { .. })));
}

/// Ridge leaves residuals, also for n < p. Least squares does not.
#[test]
fn the_reason_without_more_rows_is_that_of_the_fit() {
    let (x, y) = (normal(8, 12, 1), normal(8, 1, 2));
    let said = |filter: &dyn SpectralFilter| diagnose_fit(&x, &y, filter).unwrap().to_string();
    let ridge = said(&Ridge::new(1.0).unwrap());
    assert!(ridge.contains("for least squares only") && !ridge.contains("no residuals"), "{ridge}");
    assert!(said(&MinNorm::default()).contains("an exact fit leaves no residuals"));
}

/// The unit of the targets changes no verdict, and every error by its square.
#[test]
fn targets_of_any_unit() {
    for (n, p) in [(12, 5), (7, 7), (60, 4), (40, 39)] {
        let (x, y) = (normal(n, p, 31), normal(n, 1, 32) + normal(n, p, 31).slice(s![.., ..1]));
        let run = |unit: f64| diagnose(&x, &(&y * unit)).unwrap();
        let base = run(1.0);
        for power in [-330, 330] {
            let unit = 2f64.powi(power);
            let found = run(unit);
            assert_eq!(found.fit.mse, base.fit.mse * unit * unit);
            assert_eq!(found.fit.standard_error, base.fit.standard_error * unit * unit);
            assert_eq!(found.remedies.len(), base.remedies.len());
            for (found, base) in found.remedies.iter().zip(&base.remedies) {
                assert_eq!(found.method, base.method, "2^{power}");
                let numbers = |gain: double_descent::diagnosis::Gain| [gain.mean, gain.standard_error];
                let right = numbers(base.gain.unwrap()).map(|v| v * unit * unit);
                assert_eq!(numbers(found.gain.unwrap()), right, "2^{power}, {:?}", base.method);
            }
        }
    }
}
