//! Curves, failures and data written to JSON and read back.

use double_descent::curve::{
    ArmLabel, Axis, Bootstrap, Cell, Curve, Failure, Metric, Provenance, ShapeReport, ShapeTest, Summary,
    Surface,
};
use double_descent::dataset::{CsvOptions, Dataset};
use double_descent::diagnosis::{Diagnosis, diagnose};
use double_descent::factors::Factors;
use double_descent::filter::{MinNorm, Ridge};
use double_descent::risk::{Covariance, Criterion, Population, Training};
use double_descent::svd::{Cutoff, Svd};
use double_descent::sweep::Sweep;
use double_descent::teacher::Teacher;
use double_descent::theory::power_law::Exponents;
use double_descent::{Ablation, Error};
use ndarray::{Array2, array, s};
use serde::{Serialize, de::DeserializeOwned};

#[test]
fn failures_go_through_json_and_back() {
    let what = "the features";
    let errors = [
        Error::Empty { what },
        Error::Shape { what, expected: 3, found: usize::MAX },
        Error::NonFinite { what, row: 1, column: 2, value: f64::NEG_INFINITY },
        Error::Domain { what, value: -0.5, must_be: "finite and ≥ 0" },
        Error::Domain { what, value: 1e300, must_be: "finite \"and\" ≥ 0" },
        Error::Overflow { what },
        Error::Backend { name: "divide and conquer", reason: "no convergence".into() },
        Error::UnknownColumn { name: "z".into(), available: vec!["a".into(), "b".into()] },
        Error::UnknownName { what, name: "z".into(), choices: Vec::new() },
        Error::File { path: "a/b".into(), line: Some(3), column: None, reason: "bad".into() },
        Error::Io { path: "a/b".into(), reason: "gone".into(), cause: double_descent::Cause::none() },
        Error::Unsupported { reason: "no".into() },
        Error::Device { device: 1, reason: "no".into(), looked_for: vec!["libcuda.so".into()] },
        Error::DeviceMemory { needed: 7, free: 5 },
        Error::Resource { reason: "no threads".into() },
    ];
    let mut curve = Curve::new(Axis::Features, Vec::new(), Provenance::default());
    let failure = |(repeat, error)| Failure::new(repeat, 4, 9, error);
    curve.failures = errors.into_iter().enumerate().map(failure).collect();
    curve.failures[1] = curve.failures[1].clone().of_arm(2).at(0.5);
    let text = serde_json::to_string(&curve).unwrap();
    assert_eq!(serde_json::from_str::<Curve>(&text).unwrap(), curve);
    let surface = Surface::new(curve.clone()).unwrap();
    let text = serde_json::to_string(&surface).unwrap();
    assert_eq!(serde_json::from_str::<Surface>(&text).unwrap(), surface);
    // NaN is not equal to NaN, so the messages are compared.
    curve.failures[2].error = Error::NonFinite { what, row: 1, column: 2, value: f64::NAN };
    let read: Curve = serde_json::from_str(&serde_json::to_string(&curve).unwrap()).unwrap();
    assert_eq!(format!("{read:?}"), format!("{curve:?}"));
    // An earlier version omitted failures.
    curve.failures.clear();
    let text = serde_json::to_string(&curve).unwrap().replace(r#""failures":[],"#, "");
    assert!(!text.contains("failures"));
    assert_eq!(serde_json::from_str::<Curve>(&text).unwrap(), curve);
}

/// JSON cannot represent infinities and NaN as numbers; they used to be read back as missing.
#[test]
fn what_json_has_no_number_for_goes_through_it_all_the_same() {
    let arm = |setting| ArmLabel::new("odd", setting);
    let settings = [None, Some(f64::NAN), Some(f64::INFINITY), Some(-0.0), Some(3.0)].map(arm);
    let mut curve = Curve::new(Axis::Samples, settings.into(), Provenance::default());
    curve.cells.push(Cell::new(0, 1, 1, 0).with(Metric::TestMse, f64::INFINITY));
    curve.cells.push(Cell::new(0, 2, 1, 0).with(Metric::TestMse, f64::NAN));
    let read: Curve = serde_json::from_str(&serde_json::to_string(&curve).unwrap()).unwrap();
    assert_eq!(format!("{read:?}"), format!("{curve:?}"));
}

#[test]
fn a_curve_goes_through_json_and_back_bit_for_bit() {
    let curve = Sweep::new(Dataset::diabetes(), [5, 10], 3, 0).run().unwrap();
    let text = serde_json::to_string(&curve).unwrap();
    assert_eq!(serde_json::from_str::<Curve>(&text).unwrap(), curve);
    let data = Dataset::diabetes().with_intercept().unwrap();
    let text = serde_json::to_string(&data).unwrap();
    assert_eq!(serde_json::from_str::<Dataset>(&text).unwrap(), data);
}

/// Reads JSON in which `from` was replaced by `to`.
fn edited<T: Serialize + DeserializeOwned>(value: &T, from: &str, to: &str) -> serde_json::Result<T> {
    let text = serde_json::to_string(value).unwrap();
    assert!(text.contains(from), "no {from} in {text}");
    serde_json::from_str(&text.replacen(from, to, 1))
}

/// What a constructor refuses is refused when it is read back.
#[test]
fn what_was_edited_is_checked() {
    let data = Dataset::new("a", array![[1.0, 2.5], [3.0, 4.0]], array![[5.0], [6.0]]).unwrap();
    for (from, to) in [
        (r#""dim":[2,1],"data":[5.0,6.0]"#, r#""dim":[1,1],"data":[5.0]"#),
        (r#""dim":[2,2],"data":[1.0,2.5,3.0,4.0]"#, r#""dim":[9223372036854775807,0],"data":[]"#),
        (r#""x0","x1""#, r#""x0""#),
        (r#""y0""#, r#""y0","y1""#),
    ] {
        assert!(edited(&data, from, to).is_err(), "{to}");
    }
    assert_eq!(edited(&data, "2.5", "2.5").unwrap(), data);
    let mut curve =
        Curve::new(Axis::Features, vec![ArmLabel::new("ridge", Some(1.0))], Provenance::default());
    curve.cells = [(5, 2), (5, 4)].map(|(n, p)| Cell::new(0, n, p, 0).with(Metric::TestMse, 1.0)).to_vec();
    let plane = Surface::new(curve.clone()).unwrap();
    for (from, to) in [
        (r#""arm":0"#, r#""arm":7"#),
        (r#""p":2"#, r#""p":4"#),
        (r#""rows":"Samples""#, r#""rows":"Features""#),
        (r#""rows":"Samples""#, r#""rows":"Time""#),
    ] {
        assert!(edited(&plane, from, to).is_err(), "{to}");
    }
    let family = Surface::of_family(&curve, "ridge", Axis::Penalty).unwrap();
    assert_eq!(edited(&family, r#""p":2"#, r#""p":2"#).unwrap(), family);
    assert!(edited(&family, r#""arm":0"#, r#""arm":7"#).is_err());
    let cut = Ablation::none().small_singular_values(0.5).unwrap();
    assert!(edited(&cut, "0.5", "-0.5").is_err());
    assert_eq!(edited(&cut, "0.5", "0.5").unwrap(), cut);
    assert!(serde_json::from_str::<CsvOptions>(r#"{"target":["price"],"delimeter":59}"#).is_err());
}

/// Summaries of infinite values, cutoffs and diagnoses, too.
#[test]
fn infinities_are_kept_wherever_they_occur() {
    let mut curve = Curve::new(Axis::Samples, vec![ArmLabel::new("a", None)], Provenance::default());
    let cell = |repeat| Cell::new(repeat, 5, 2, 0).with(Metric::TestMse, f64::INFINITY);
    curve.cells = (0..3).map(cell).collect();
    let summaries = curve.summaries(Metric::TestMse, Some(Bootstrap { draws: 10, seed: 0 })).unwrap();
    let text = serde_json::to_string(&summaries).unwrap();
    let read: Vec<Summary> = serde_json::from_str(&text).unwrap();
    assert_eq!(format!("{read:?}"), format!("{summaries:?}"));
    let cutoff = Cutoff::Absolute(f64::INFINITY);
    assert_eq!(serde_json::from_str::<Cutoff>(&serde_json::to_string(&cutoff).unwrap()).unwrap(), cutoff);
    let x = Array2::from_shape_fn((40, 2), |(i, j)| ((3 * i + 7 * j) as f64).sin());
    let found = diagnose(&x, &Array2::from_elem((40, 1), 3.0)).unwrap();
    assert_eq!(found.far_from_origin, Some(f64::INFINITY));
    let read: Diagnosis = serde_json::from_str(&serde_json::to_string(&found).unwrap()).unwrap();
    assert_eq!(read.to_string(), found.to_string());
    assert_eq!(read.far_from_origin, found.far_from_origin);
}

/// The peak of a negative metric has no prominence, and is read back without one.
#[test]
fn shapes_go_through_json() {
    let mut curve = Curve::new(Axis::Samples, vec![ArmLabel::new("a", None)], Provenance::default());
    for (repeat, n) in (0..20).flat_map(|repeat| (1..=9_u8).map(move |n| (repeat, n))) {
        let value = -100.0 - (f64::from(n) - 5.0).powi(2);
        curve.cells.push(Cell::new(repeat, n.into(), 2, 0).with(Metric::LogEvidence, value));
    }
    let found = curve.shape(0, Metric::LogEvidence, &ShapeTest::new(0)).unwrap();
    assert_eq!((found.peaks.len(), found.peaks[0].prominence), (1, None));
    let text = serde_json::to_string(&found).unwrap();
    assert_eq!(serde_json::from_str::<ShapeReport>(&text).unwrap(), found);
}

/// Cells of this version and of the first survive a round trip through JSON.
#[test]
fn cells_go_through_json() {
    let mut cell = Cell::new(1, 2, 3, 4).at(0.5).with_rank(2);
    for (place, &metric) in Metric::ALL.iter().enumerate() {
        cell.set(metric, Some(place as f64 / 7.0));
    }
    let text = serde_json::to_string(&cell).unwrap();
    assert_eq!(serde_json::from_str::<Cell>(&text).unwrap(), cell);
    let first = r#"{"repeat":1,"n":2,"p":3,"arm":0,"train_mse":null,"test_mse":0.25,"rank":2}"#;
    let expected = Cell::new(1, 2, 3, 0).with(Metric::TestMse, 0.25).with_rank(2);
    assert_eq!(serde_json::from_str::<Cell>(first).unwrap(), expected);
    let failure = r#"{"repeat":1,"n":2,"p":3,"error":{"Overflow":{"what":"it"}}}"#;
    let expected = Failure::new(1, 2, 3, Error::Overflow { what: "it" });
    assert_eq!(serde_json::from_str::<Failure>(failure).unwrap(), expected);
}

/// Results of fits and theories, with the infinities that they may have.
#[test]
fn results_go_through_json_and_back() {
    fn same<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(value: &T) {
        let text = serde_json::to_string(value).unwrap();
        assert_eq!(&serde_json::from_str::<T>(&text).unwrap(), value, "{text}");
    }
    let data = Dataset::diabetes();
    let (x, y) =
        (data.features().slice(s![..20, ..]).to_owned(), data.targets().slice(s![..20, ..]).to_owned());
    let training = Training::new(&x, &y).unwrap();
    let path =
        training.filters(&[(f64::INFINITY, &MinNorm::default()), (1.0, &Ridge::new(1.0).unwrap())]).unwrap();
    same(&path);
    same(&path.best(Criterion::GeneralisedCrossValidation).unwrap());
    let (svd, teacher) = (Svd::new(&x).unwrap(), Array2::ones((10, 1)));
    let population = Population::new(Covariance::isotropic(10, 1.0).unwrap(), teacher.clone(), 0.5).unwrap();
    same(&population.given(&svd).unwrap().of(&MinNorm::default()).unwrap());
    let mut factors =
        Factors::new(&svd, &MinNorm::default(), &Teacher::known(teacher, &x, &y).unwrap(), &x).unwrap();
    factors.gain[0] = f64::INFINITY;
    let contributions = factors.contributions(0);
    assert!(contributions[0].product.is_infinite());
    same(&contributions);
    same(&Exponents { bias: f64::INFINITY, variance: 0.5 });
    same(&Bootstrap { draws: 10, seed: u64::MAX });
}
