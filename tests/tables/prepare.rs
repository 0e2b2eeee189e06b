//! Selected rows and columns, random orders, features centred and standardised on all rows or on the training rows:
//! exact to the bit where possible, and described in words.

#![allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // small whole numbers

use dashu_float::FBig;
use dashu_float::round::mode::HalfEven;
use double_descent::Error;
use double_descent::dataset::{CsvOptions, Dataset, FitOn, Labelled};
use double_descent::rng::stream;
use ndarray::{Array2, Axis, ShapeBuilder, array, s};
use rand_distr::{Distribution, StandardNormal};
use std::collections::HashSet;

/// Rows that hold their own index, three features, two targets.
fn counted(n: usize) -> Dataset {
    let x = Array2::from_shape_fn((n, 3), |(i, j)| (10 * i + j) as f64);
    let y = Array2::from_shape_fn((n, 2), |(i, j)| -((10 * i + j) as f64));
    Dataset::new("counted", x, y).unwrap()
}

fn normal(n: usize, p: usize) -> Array2<f64> {
    let mut rng = stream(8, n, p);
    Array2::from_shape_simple_fn((n, p), || StandardNormal.sample(&mut rng))
}

fn data_of(x: Array2<f64>) -> Dataset {
    let y = Array2::ones((x.nrows(), 1));
    Dataset::new("x", x, y).unwrap()
}

#[test]
fn columns_by_name() {
    let data = counted(4);
    let picked = data.select(["x2", "x0"]).unwrap();
    assert_eq!(picked.feature_names(), ["x2", "x0"]);
    assert_eq!(picked.features(), &data.features().select(Axis(1), &[2, 0]));
    assert!(picked.features().is_standard_layout());
    assert_eq!((picked.targets(), picked.name()), (data.targets(), "counted"));
    assert_eq!(picked.preparation(), "no intercept, features as given, 2 of 3 features");
    let picked = picked.select_targets(["y1"]).unwrap();
    assert_eq!(
        (picked.targets(), picked.target_names()),
        (&data.targets().slice(s![.., 1..]).to_owned(), &["y1".into()][..])
    );
    assert_eq!(picked.preparation(), "no intercept, features as given, 2 of 3 features, 1 of 2 targets");
    let found = data.select(["x1", "x9"]).unwrap_err();
    assert!(
        matches!(&found, Error::UnknownColumn { name, available } if name == "x9" && available.len() == 3)
    );
    assert!(matches!(data.select(["x1", "x1"]), Err(Error::Unsupported { .. })));
    assert_eq!(data.select([""; 0]), Err(Error::Empty { what: "the list of features" }));
    assert_eq!(data.select_targets([""; 0]), Err(Error::Empty { what: "the list of targets" }));
}

#[test]
fn an_intercept_stays_one() {
    let data = counted(5).with_intercept().unwrap();
    for scaled in [
        data.clone().standardised(),
        data.clone().centre(FitOn::AllRows),
        data.clone().standardise(FitOn::Rows(&[0, 3])),
    ] {
        let scaled = scaled.unwrap();
        assert!(scaled.features().column(3).iter().all(|&x| x == 1.0));
        assert!(scaled.preparation().starts_with("with intercept, features "), "{}", scaled.preparation());
    }
    // The features are the same as without the intercept.
    let without = counted(5).standardised().unwrap();
    assert_eq!(data.clone().standardised().unwrap().features().slice(s![.., ..3]), without.features());
    assert_eq!(data, data.clone().with_intercept().unwrap());
    // The intercept may be left out and asked for again.
    let left = data.select(["x0", "x1"]).unwrap();
    assert_eq!(left.preparation(), "no intercept, features as given, 2 of 4 features");
    assert_eq!(left.with_intercept().unwrap().features().ncols(), 3);
    let kept = data.select(["intercept", "x1"]).unwrap();
    assert!(kept.preparation().starts_with("with intercept"));
    assert_eq!(kept.clone().with_intercept().unwrap(), kept);
    // A feature called `intercept` is not one.
    let own =
        Dataset::parse_csv("own", b"intercept,a,y\n1,2,3\n1,4,5\n", &CsvOptions::default().with_target("y"))
            .unwrap();
    assert_eq!(own.standardised().unwrap().features(), &array![[0.0, -1.0], [0.0, 1.0]]);
}

#[test]
fn rows_by_number() {
    let data = counted(6);
    let picked = data.select_rows(&[4, 0, 5]).unwrap();
    assert_eq!(picked.features(), &data.features().select(Axis(0), &[4, 0, 5]));
    assert_eq!(picked.targets(), &data.targets().select(Axis(0), &[4, 0, 5]));
    assert_eq!((picked.len(), picked.feature_names()), (3, data.feature_names()));
    assert_eq!(picked.preparation(), "no intercept, features as given, 3 of 6 rows");
    for (rows, value) in [(&[0, 6][..], 6.0), (&[usize::MAX], usize::MAX as f64), (&[2, 1, 2], 2.0)] {
        let found = data.select_rows(rows);
        assert!(matches!(found, Err(Error::Domain { value: named, .. }) if named == value), "{found:?}");
        for found in [
            data.clone().centre(FitOn::Rows(rows)),
            data.clone().centre_targets(FitOn::Rows(rows)),
            data.clone().standardise(FitOn::Rows(rows)),
        ] {
            assert!(matches!(found, Err(Error::Domain { value: named, .. }) if named == value), "{found:?}");
        }
    }
    assert!(matches!(data.select_rows(&[]), Err(Error::Empty { .. })));
    assert!(matches!(data.standardise(FitOn::Rows(&[])), Err(Error::Empty { .. })));
}

#[test]
fn a_split_is_the_first_rows_and_the_others() {
    let data = counted(7);
    for n in 1..7 {
        let (train, test) = data.split(n).unwrap();
        assert_eq!((train.name(), test.name()), ("counted", "counted-test"));
        assert_eq!(train.features(), &data.features().slice(s![..n, ..]));
        assert_eq!(test.features(), &data.features().slice(s![n.., ..]));
        assert_eq!(train.targets(), &data.targets().slice(s![..n, ..]));
        assert_eq!(test.targets(), &data.targets().slice(s![n.., ..]));
        assert!(train.preparation().ends_with(&format!("the first {n} of 7 rows")));
        assert!(test.preparation().ends_with(&format!("the last {} of 7 rows", 7 - n)));
    }
    assert!(matches!(data.split(0), Err(Error::Domain { .. })));
    for n in [7, 8, usize::MAX] {
        assert!(matches!(data.split(n), Err(Error::TooLarge { most: 6, found, .. }) if found == n));
    }
}

#[test]
fn a_seed_fixes_an_order() {
    let data = counted(1000);
    let rows = |data: &Dataset| -> Vec<usize> {
        data.features().column(0).iter().map(|x| *x as usize / 10).collect()
    };
    let shuffled = data.shuffle(3).unwrap();
    let order = rows(&shuffled);
    assert_eq!(order.iter().collect::<HashSet<_>>().len(), 1000);
    assert_eq!(shuffled.features(), &data.features().select(Axis(0), &order));
    assert_eq!(shuffled.targets(), &data.targets().select(Axis(0), &order));
    assert_eq!(data.shuffle(3).unwrap(), shuffled);
    assert_ne!(data.shuffle(4).unwrap().features(), shuffled.features());
    assert_eq!(shuffled.preparation(), "no intercept, features as given, rows shuffled by seed 3");
    // Every position is equally likely: how often one of the first 100 rows is among the first 10 of 1000, within five
    // standard deviations of a count of 20,000 draws of probability 0.1.
    let first = |seed| rows(&data.shuffle(seed).unwrap())[..10].iter().filter(|row| **row < 100).count();
    let count: usize = (0..2000).map(first).sum();
    assert!((count as f64 - 2000.0).abs() < 5.0 * (20_000.0_f64 * 0.1 * 0.9).sqrt(), "{count}");
    // A random stream separate from that of subsets of labelled rows.
    let labelled = Labelled::new("counted", data.features().clone(), vec![0; 1000], 1).unwrap();
    assert_ne!(&labelled.subset(1000, 3).unwrap().inputs().unwrap(), &shuffled.features());
    // A new release must not change what a seed draws.
    assert_eq!(rows(&counted(10).shuffle(0).unwrap()), [4, 5, 0, 3, 6, 2, 7, 8, 9, 1]);
    assert_eq!(counted(1).shuffle(0).unwrap().features(), counted(1).features());
}

type Number = FBig<HalfEven, 2>;

/// Converts to 512 bits.
fn number(v: f64) -> Number {
    Number::try_from(v).unwrap().with_precision(512).value()
}

fn rounded(v: &Number) -> f64 {
    v.to_f64().value()
}

/// Mean and standard deviation of a column over some rows.
fn moments(x: &Array2<f64>, column: usize, rows: &[usize]) -> (Number, Number) {
    let values: Vec<Number> = rows.iter().map(|&row| number(x[[row, column]])).collect();
    let count = number(rows.len() as f64);
    let sum = |values: &[Number]| values.iter().fold(number(0.0), |sum, value| sum + value);
    let mean = sum(&values) / &count;
    let squares: Vec<Number> = values.iter().map(|value| (value - &mean) * (value - &mean)).collect();
    let variance = sum(&squares) / &count;
    (mean, variance.sqrt())
}

/// Against exact moments, on all rows and on some, including columns whose mean is far larger than their spread.
#[test]
fn centred_and_standardised_features_are_exact() {
    let (n, p) = (3000, 4);
    let mut x = normal(n, p);
    x.column_mut(1).mapv_inplace(|v| 1e-200 * v + 3e-200);
    x.column_mut(2).mapv_inplace(|v| 1e13 + (1e3 * v).round());
    x.column_mut(3).mapv_inplace(|v| v * 1e300);
    let train: Vec<usize> = (0..n).filter(|row| row % 3 == 1).collect();
    let all: Vec<usize> = (0..n).collect();
    for order in [x.clone(), {
        let mut f = Array2::zeros((n, p).f());
        f.assign(&x);
        f
    }] {
        for (fit_on, rows) in [(FitOn::AllRows, &all), (FitOn::Rows(&train), &train)] {
            let centred = data_of(order.clone()).centre(fit_on).unwrap();
            let scaled = data_of(order.clone()).standardise(fit_on).unwrap();
            for column in 0..p {
                let (mean, deviation) = moments(&x, column, rows);
                let (mean, deviation) = (&mean, &deviation);
                let largest = x.column(column).iter().fold(0.0, |m: f64, v| m.max(v.abs()));
                let spread = rounded(deviation);
                // The mean is off by ε of the largest value (the last rounding) and by 2⁻³⁰ of the spread, as
                // documented. Then the difference rounds once, and the quotients three times.
                let bound = largest * f64::EPSILON + spread * 2.0_f64.powi(-30) * 8.0;
                for row in 0..n {
                    let exact = number(x[[row, column]]) - mean;
                    let error = rounded(&(exact.clone() - number(centred.features()[[row, column]])));
                    assert!(error.abs() <= bound, "{column}, {row}: {error} > {bound}");
                    let exact = exact / deviation;
                    let error = rounded(&(exact - number(scaled.features()[[row, column]])));
                    let bound = 8.0 * (bound / spread + 2.0_f64.powi(-30));
                    assert!(error.abs() <= bound, "{column}, {row}: {error} > {bound}");
                }
            }
        }
    }
}

/// Listing all rows one by one gives the same numbers as `FitOn::AllRows`.
#[test]
fn all_rows_are_all_rows() {
    let x = normal(200, 5);
    let all: Vec<usize> = (0..200).collect();
    let (named, whole) = (FitOn::Rows(&all), FitOn::AllRows);
    let data = data_of(x);
    assert_eq!(
        data.clone().centre(named).unwrap().features(),
        data.clone().centre(whole).unwrap().features()
    );
    let standardised = data.clone().standardise(whole).unwrap();
    assert_eq!(data.clone().standardise(named).unwrap().features(), standardised.features());
    assert_eq!(data.clone().standardised().unwrap(), standardised);
    assert_eq!(standardised.preparation(), "no intercept, features standardised");
    let named = data.standardise(named).unwrap();
    assert_eq!(named.preparation(), "no intercept, features standardised on 200 of 200 rows");
}

/// A sum of 20,000 equal numbers rounds, and so does their mean: a constant feature once became a column of ones.
#[test]
fn constant_features_become_0() {
    let n = 20_640;
    for value in [0.1, 1.0 / 3.0, 1e300, 1e-300, 123_456.789, 0.0] {
        let mut x = Array2::from_elem((n, 3), value);
        x.column_mut(1).assign(&normal(n, 1).column(0));
        // Constant in the training rows only.
        x[[n - 1, 2]] = 2.0 * value + 1.0;
        let train: Vec<usize> = (0..n - 1).collect();
        let data = data_of(x);
        for fit_on in [FitOn::AllRows, FitOn::Rows(&train)] {
            let scaled = data.clone().standardise(fit_on).unwrap();
            assert!(scaled.features().column(0).iter().all(|v| *v == 0.0), "{value}");
            let centred = data.clone().centre(fit_on).unwrap();
            assert!(centred.features().column(0).iter().all(|v| *v == 0.0), "{value}");
        }
        let fit_on = FitOn::Rows(&train);
        assert!(data.clone().standardise(fit_on).unwrap().features().column(2).iter().all(|v| *v == 0.0));
        let centred = data.centre(fit_on).unwrap();
        assert!(centred.features().slice(s![..n - 1, 2]).iter().all(|v| *v == 0.0));
        assert_eq!(centred.features()[[n - 1, 2]], 2.0 * value + 1.0 - value);
    }
}

#[test]
fn targets_are_centred_apart() {
    let data = counted(4).centre_targets(FitOn::Rows(&[0, 2])).unwrap();
    assert_eq!(data.features(), counted(4).features());
    assert_eq!(data.targets().column(0).to_vec(), [10.0, 0.0, -10.0, -20.0]);
    assert_eq!(data.preparation(), "no intercept, features as given, targets centred on 2 of 4 rows");
    let (train, _) = data.centre(FitOn::Rows(&[0, 2])).unwrap().split(3).unwrap();
    let words = "no intercept, targets centred on 2 of 4 rows, features centred on 2 of 4 rows, the first 3 of 4 rows";
    assert_eq!(train.preparation(), words);
}

#[test]
fn features_that_do_not_fit() {
    let data = data_of(array![[1.7e308], [-1.7e308], [1.0]]);
    // Centring on the first row subtracts 1.7e308 from every row: −3.4e308 overflows.
    let found = data.clone().centre(FitOn::Rows(&[0]));
    assert!(matches!(found, Err(Error::Overflow { .. })), "{found:?}");
    // A single row has no spread.
    let found = data.clone().standardise(FitOn::Rows(&[0])).unwrap();
    assert!(found.features().iter().all(|v| *v == 0.0));
    let data = data_of(array![[0.0], [5e-324], [1e300]]);
    assert!(matches!(data.clone().standardise(FitOn::Rows(&[0, 1])), Err(Error::Overflow { .. })));
    assert!(data.standardise(FitOn::AllRows).is_ok());
}
