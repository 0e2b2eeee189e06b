//! Wrong or mismatched files, sizes, parameters and matrices give the right error.

use crate::common::matrices::normal;
use crate::common::program::Folder;
use double_descent::Error;
use double_descent::curve::{Axis, Bootstrap, Curve, Metric, ShapeTest};
use double_descent::dataset::{CsvOptions, Dataset, StudentTeacher};
use double_descent::factors::Factors;
use double_descent::features::{RandomFourier, WithIntercept};
use double_descent::filter::{MinNorm, Ridge};
use double_descent::risk::Compressed;
use double_descent::svd::Svd;
use double_descent::sweep::{Arm, Grid, Maps, Splits, Sweep};
use double_descent::teacher::Teacher;
use double_descent::{Ablation, Adversary};
use ndarray::{Array2, s};
use std::path::Path;
use std::sync::Arc;

#[test]
fn files_that_are_not_there_or_cannot_be_written() {
    let folder = Folder::new("files");
    let missing = folder.0.join("missing.csv");
    let names_it = |error: Error, path: &Path| {
        assert!(matches!(&error, Error::Io { path: named, .. } if named == path), "{error:?}");
        assert!(error.to_string().contains(&path.display().to_string()), "{error}");
    };
    names_it(Dataset::read_csv(&missing, &CsvOptions::default()).unwrap_err(), &missing);
    names_it(Dataset::read_csv(&folder.0, &CsvOptions::default()).unwrap_err(), &folder.0);
    names_it(Splits::read(&missing).unwrap_err(), &missing);
    names_it(Curve::read_cells(&missing, Axis::Samples).unwrap_err(), &missing);
    names_it(Dataset::california_housing(&folder.0).unwrap_err(), &folder.0.join("california_housing.csv"));
    let who = folder.0.join("who_life_expectancy.csv");
    names_it(Dataset::who_life_expectancy(&folder.0).unwrap_err(), &who);
    let curve = Sweep::new(Dataset::diabetes(), [3], 1, 0).run().unwrap();
    // A file where a folder is needed, and a folder where a file is.
    folder.file("file", "");
    let below = folder.0.join("file/cells.csv");
    for path in [below, folder.0.clone()] {
        names_it(curve.save_cells(&path).unwrap_err(), &path);
        names_it(curve.save_summaries(&path, &[Metric::TestMse], None).unwrap_err(), &path);
    }
}

#[test]
fn splits_that_do_not_fit() {
    let folder = Folder::new("splits");
    let read = |text: &str| Splits::read(Path::new(&folder.file("splits.csv", text)));
    let line = |text: &str, says: &str| {
        let error = read(text).unwrap_err();
        assert!(error.to_string().contains(says), "{error}");
        match error {
            Error::File { line, .. } => line,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(line("repeat,i0,i1\n0,1,2\n1,3,x\n", "`x` is not a row index"), Some(3));
    assert_eq!(line("repeat,i0,i1\n0,1,-2\n", "`-2`"), Some(2));
    assert_eq!(line("repeat,i0,i1\n0,1,2.0\n", "`2.0`"), Some(2));
    assert_eq!(line("repeat,i0,i1\n0,5,5\n", "row 5 joins the training set twice"), Some(2));
    assert_eq!(line("repeat,i0,i1\n0,1,2\n1,3\n", "not a line of splits"), Some(3));
    assert_eq!(line("0,1,2\n1,3,4\n", "header"), Some(1));
    for empty in ["", "repeat,i0,i1\n", "repeat\n0\n1\n"] {
        assert_eq!(line(empty, "holds no splits"), None);
    }
    let run = |orders, sizes: &[usize]| {
        let splits = Splits::Recorded(orders);
        Sweep { splits, ..Sweep::new(Dataset::diabetes(), sizes.iter().copied(), 1, 0) }.run()
    };
    let short = run(vec![vec![1, 2, 3, 4], vec![1, 2, 3]], &[2, 4]).unwrap_err();
    assert!(matches!(short, Error::Shape { expected: 4, found: 3, .. }), "{short}");
    let over = run(vec![vec![1, 442]], &[2]).unwrap_err();
    assert!(matches!(over, Error::Domain { value: 442.0, .. }), "{over}");
    assert!(over.to_string().contains("row index"), "{over}");
    let twice = run(vec![vec![7, 3, 7]], &[3]).unwrap_err();
    assert!(matches!(twice, Error::Domain { value: 7.0, .. }), "{twice}");
    let none = run(vec![], &[3]).unwrap_err();
    assert!(matches!(none, Error::Domain { value: 0.0, .. }), "{none}");
    // Splits may be longer than the sizes require.
    assert!(run(vec![vec![0, 441, 5]], &[2]).is_ok());
}

/// Checks that a sweep is refused as out of its domain, with this message.
fn refused(sweep: &Sweep, value: f64, says: &str) {
    let error = sweep.run().unwrap_err();
    assert!(matches!(&error, Error::Domain { value: v, .. } if *v == value), "{error:?}");
    assert!(error.to_string().contains(says), "{error}");
}

/// Checks that a sweep is refused for a count above what its data allow, with this message.
fn too_large(sweep: &Sweep, count: usize, limit: usize, says: &str) {
    let error = sweep.run().unwrap_err();
    assert!(
        matches!(error, Error::TooLarge { found, most, .. } if (found, most) == (count, limit)),
        "{error:?}"
    );
    assert!(error.to_string().contains(says), "{error}");
}

/// The error comes before any cell is computed, whatever supplies the features.
#[test]
fn more_features_than_there_are() {
    let (train, test) = Dataset::diabetes().split(300).unwrap();
    let over = |maps: Maps, most: usize| {
        Sweep::over_features((train.clone(), test.clone()), maps, 20, 1..=most, 2, 0)
    };
    let fourier = |repeat: usize| RandomFourier::gaussian(10, 12, 1.0, repeat as u64);
    let says = "a feature count p is 13; it can be at most 12, the number of features that the map has";
    too_large(&over(Maps::drawn(fourier), 13), 13, 12, says);
    too_large(&over(Maps::same(fourier(0).unwrap()), 13), 13, 12, says);
    let constant = WithIntercept::new(Arc::new(fourier(0).unwrap()));
    too_large(&over(Maps::same(constant.clone()), 14), 14, 13, "at most 13");
    too_large(&over(Maps::none(), 11), 11, 10, "the number of inputs");
    for (maps, most) in [(Maps::drawn(fourier), 12), (Maps::same(constant), 13), (Maps::none(), 10)] {
        let curve = over(maps, most).run().unwrap();
        assert_eq!((curve.failures.len(), curve.values().len()), (0, most));
    }
    // A map that cannot be drawn is reported by its cells.
    let fails = |_| Err::<RandomFourier, _>(Error::Empty { what: "the list of frequencies" });
    assert!(matches!(over(Maps::drawn(fails), 3).run(), Err(Error::Empty { .. })));
}

#[test]
fn sweeps_of_nothing_or_too_much() {
    let sweep = |sizes: &[usize], repeats| Sweep::new(Dataset::diabetes(), sizes.iter().copied(), repeats, 0);
    refused(&sweep(&[5, 0], 3), 0.0, "training set size n is 0");
    too_large(
        &sweep(&[5, 442], 3),
        442,
        441,
        "training set size n is 442; it can be at most 441, the number of rows",
    );
    too_large(&sweep(&[5, usize::MAX], 3), usize::MAX, 441, "training set size");
    refused(&sweep(&[7, 5, 7], 3), 7.0, "listed once");
    refused(&sweep(&[5], 0), 0.0, "number of repeats");
    refused(&Sweep { threads: Some(0), ..sweep(&[5], 1) }, 0.0, "number of threads");
    assert!(sweep(&[441], 1).run().is_ok());
    let empty = sweep(&[], 1).run().unwrap_err();
    assert!(matches!(empty, Error::Empty { .. }) && empty.to_string().contains("sizes"), "{empty}");
    let no_arms = Sweep { arms: Vec::new(), ..sweep(&[5], 1) }.run().unwrap_err();
    assert!(matches!(no_arms, Error::Empty { .. }) && no_arms.to_string().contains("arms"), "{no_arms}");
    for strength in [f64::NAN, f64::INFINITY] {
        for adversary in [Adversary::TestDatum { strength }, Adversary::TrainingTargets { strength }] {
            let error = Sweep { arms: vec![Arm::attacked(adversary)], ..sweep(&[5], 1) }.run().unwrap_err();
            assert!(matches!(error, Error::Domain { .. }), "{error}");
            assert!(error.to_string().contains("strength"), "{error}");
        }
    }
    let one_row = Dataset::new("one row", Array2::ones((1, 3)), Array2::ones((1, 1))).unwrap();
    refused(&Sweep::new(one_row, [1], 1, 0), 1.0, "number of rows");
    let grid = Grid { axis: vec![1], repeats: 1, threads: None, batch: 0 };
    assert!(matches!(grid.run(&(), |_| vec![Ok(0)]), Err(Error::Domain { .. })));
    let curve = sweep(&[5], 2).run().unwrap();
    let no_draws = curve.summaries(Metric::TestMse, Some(Bootstrap { draws: 0, seed: 0 }));
    assert!(matches!(no_draws, Err(Error::Domain { .. })));
    let unmeasured = curve.summaries(Metric::TestErrorRate, None).unwrap_err();
    assert!(unmeasured.to_string().contains("no cell has `test_error_rate`; ask the sweep"), "{unmeasured}");
    let empty = Curve::new(Axis::Samples, curve.arms.clone(), curve.provenance.clone());
    assert!(empty.summaries(Metric::TestErrorRate, None).unwrap().is_empty());
}

#[test]
fn parameters_outside_their_domain() {
    for bad in [-1.0, f64::NAN, f64::INFINITY] {
        assert!(matches!(Ablation::none().small_singular_values(bad), Err(Error::Domain { .. })));
        assert!(matches!(Arm::no_small_singular_values(bad), Err(Error::Domain { .. })));
        let noise = StudentTeacher { noise: bad, ..StudentTeacher::new(0) };
        assert!(noise.generate().unwrap_err().to_string().contains("noise"));
    }
    let drawn = StudentTeacher::new(0);
    for (wrong, says) in [
        (StudentTeacher { rows: 0, ..drawn }, "rows"),
        (StudentTeacher { seen_features: 0, ..drawn }, "seen features"),
    ] {
        let error = wrong.generate().unwrap_err();
        assert!(matches!(error, Error::Domain { .. }) && error.to_string().contains(says), "{error}");
    }
    for (seen, most) in [(drawn.true_features + 1, drawn.true_features), (drawn.seen_features, 0)] {
        let error =
            StudentTeacher { seen_features: seen, true_features: most, ..drawn }.generate().unwrap_err();
        assert!(
            matches!(error, Error::TooLarge { found, most: limit, .. } if (found, limit) == (seen, most)),
            "{error}"
        );
    }
}

#[test]
fn matrices_that_do_not_fit_together() {
    let (x, y) = (normal(5, 3, 1), normal(5, 1, 2));
    let shape = |error: Error, numbers: (usize, usize)| match error {
        Error::Shape { expected, found, .. } => assert_eq!((expected, found), numbers),
        other => panic!("{other:?}"),
    };
    let short = y.slice(s![..4, ..]).to_owned();
    shape(Dataset::new("d", x.clone(), short.clone()).unwrap_err(), (5, 4));
    shape(Compressed::new(&x, &short).unwrap_err(), (5, 4));
    let svd = Svd::new(&x).unwrap();
    shape(svd.solve(&short, &MinNorm::default()).unwrap_err(), (5, 4));
    shape(svd.last_mode(&short).unwrap_err(), (5, 4));
    // NaN is said to be NaN, not an overflow or a sign.
    let (mut rows, mut targets) = (normal(2, 3, 4), y.clone());
    (rows[[1, 2]], targets[[3, 0]]) = (f64::NAN, f64::NAN);
    let sweep = Sweep::new(Dataset::new("d", x.clone(), y.clone()).unwrap(), [4], 1, 0);
    let predicted = sweep.fit(0, (4, 3), 0).unwrap().predict(&rows);
    for refused in [svd.project_row_space(&rows), svd.project_null_space(&rows), predicted] {
        assert!(matches!(refused, Err(Error::NonFinite { row: 1, column: 2, .. })), "{refused:?}");
    }
    assert!(matches!(svd.last_mode(&targets), Err(Error::NonFinite { row: 3, column: 0, .. })));
    shape(Teacher::known(normal(2, 1, 3), &x, &y).unwrap_err(), (3, 2));
    shape(Teacher::known(normal(3, 2, 3), &x, &y).unwrap_err(), (1, 2));
    let teacher = Teacher::known(normal(3, 1, 3), &x, &y).unwrap();
    let factors = |teacher: &Teacher, x: &Array2<f64>| Factors::new(&svd, &MinNorm::default(), teacher, x);
    shape(factors(&teacher, &normal(2, 4, 1)).unwrap_err(), (3, 4));
    shape(factors(&teacher.select(&[1]).unwrap(), &x).unwrap_err(), (5, 1));
    assert!(matches!(factors(&teacher, &Array2::zeros((0, 3))), Err(Error::Empty { .. })));
    let compressed = Compressed::new(&x, &y).unwrap();
    shape(compressed.mean_squared_error(&normal(2, 1, 1)).unwrap_err(), (3, 2));
    shape(compressed.mean_squared_error(&normal(3, 2, 1)).unwrap_err(), (1, 2));
    for (features, targets) in [((0, 3), (0, 1)), ((5, 0), (5, 1)), ((5, 3), (5, 0))] {
        let error = Dataset::new("d", Array2::zeros(features), Array2::zeros(targets)).unwrap_err();
        assert!(matches!(error, Error::Empty { .. }), "{error}");
        // Without features the fit is still a mean; a compressed table needs at least one column.
        if features.0 == 0 {
            assert!(Compressed::new(&Array2::zeros(features), &Array2::zeros(targets)).is_err());
        }
    }
    let mut bad = x.clone();
    bad[[4, 1]] = f64::NAN;
    let here = |error: Error, column: usize| {
        assert!(matches!(error, Error::NonFinite { row: 4, column: c, .. } if c == column), "{error:?}");
        assert!(error.to_string().contains(&format!("row 4, column {column}")), "{error}");
    };
    here(Dataset::new("d", bad.clone(), y.clone()).unwrap_err(), 1);
    here(factors(&teacher, &bad).unwrap_err(), 1);
    here(Compressed::new(&bad, &y).unwrap_err(), 1);
    let mut bad = y.clone();
    bad[[4, 0]] = f64::NEG_INFINITY;
    here(Dataset::new("d", x.clone(), bad.clone()).unwrap_err(), 0);
    here(svd.solve(&bad, &MinNorm::default()).unwrap_err(), 0);
}

#[test]
fn orders_of_more_rows_than_fit_in_memory() {
    let splits = Splits::Drawn { repeats: 2, seed: 0 };
    assert!(matches!(splits.orders(usize::MAX, 3), Err(Error::Memory { needed: usize::MAX, .. })));
    assert_eq!(splits.orders(40, 3).unwrap()[1].len(), 3);
}

#[test]
fn counts_in_a_table_of_cells_are_whole_numbers() {
    let folder = Folder::new("counts");
    let read = |repeat: &str| {
        let file = folder.file("cells.csv", format!("repeat,n,p,arm,rank,test_mse\n{repeat},5,3,a,3,0.5\n"));
        Curve::read_cells(file, Axis::Samples).map(|curve| curve.cells.len()).map_err(|e| e.to_string())
    };
    assert_eq!(read("4"), Ok(1));
    for wrong in ["-1", "1.5", "1e30"] {
        let error = read(wrong).unwrap_err();
        assert!(error.ends_with(&format!("column `repeat`: `{wrong}` is not a whole number ≥ 0")), "{error}");
    }
    assert!(read("x").unwrap_err().ends_with("`x` is not a number"));
}

#[test]
fn texts_fit_one_and_many() {
    assert_eq!(
        Error::Empty { what: "the features" }.to_string(),
        "the features: empty; at least one entry is needed"
    );
    let needed = Error::Memory { what: "fits", needed: usize::MAX, available: 2048 };
    assert_eq!(
        needed.to_string(),
        "fits: memory needed: more than can be counted, available: 2.0 KiB; ask for less at once, or use a larger \
         machine"
    );
    let curve = Sweep { arms: vec![Arm::unablated()], ..Sweep::new(Dataset::diabetes(), [3, 5], 2, 0) };
    let error = curve.run().unwrap().shape(77, Metric::TestMse, &ShapeTest::new(0)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the index of an arm is 77; it can be at most 0, the last arm, counted from 0"
    );
}

/// The reciprocals of subnormal singular values overflow: that is no fault of the filter.
#[test]
fn data_too_small_for_a_fit_say_so() {
    let x = Array2::from_shape_fn((6, 3), |(i, j)| ((i * i + 3 * j + 1) % 7) as f64 * 1e-310);
    let svd = Svd::new(&x).unwrap();
    for filter in [Ridge::new(0.0).unwrap(), Ridge::new(f64::MIN_POSITIVE).unwrap()] {
        match svd.solve(&Array2::ones((6, 1)), &filter) {
            Ok(beta) => assert!(beta.iter().all(|v| v.is_finite())),
            Err(error) => assert_eq!(
                error.to_string(),
                "the reciprocal of a singular value this small does not fit into a 64-bit float; rescale the data"
            ),
        }
    }
    assert!(svd.solve(&Array2::ones((6, 1)), &Ridge::new(0.0).unwrap()).is_err());
}
