//! Curves, failures and data written to JSON and read back.

use double_descent::Error;
use double_descent::curve::{ArmLabel, Axis, Cell, Curve, Failure, Metric, Provenance, Surface};
use double_descent::dataset::Dataset;
use double_descent::sweep::Sweep;

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
        Error::Backend { name: "faer", reason: "no convergence".into() },
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
