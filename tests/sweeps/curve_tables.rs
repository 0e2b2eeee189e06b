//! Tables of cells: columns by name, axes of values, merging of parts, and arms as a line over their settings.

use crate::common::program::Folder;
use double_descent::Error;
use double_descent::curve::{
    ArmLabel, Axis, Bootstrap, Cell, Curve, Failure, Metric, Provenance, Shape, ShapeTest, Surface,
};
use double_descent::dataset::Dataset;
use double_descent::filter::{SpectralFilter, Spectrum};
use double_descent::rng::stream;
use double_descent::sweep::{Arm, Sweep};
use rand::RngExt;
use std::path::Path;
use std::sync::Arc;

/// The first header ever written, without its last column.
const FIRST_HEADER: &str = "repeat,n,p,arm,setting,train_mse,test_mse,bias_squared,smallest_singular_value,rank,\
                            mean_squared_bias,test_mse_opposite,test_error_rate,coefficient_norm";

/// Returns a curve over an axis of values, with one arm and some repeats.
fn over(axis: Axis, values: &[f64], repeats: usize, mut error: impl FnMut(usize, usize) -> f64) -> Curve {
    let mut curve = Curve::new(axis, vec![ArmLabel::new("drawn", None)], Provenance::default());
    for repeat in 0..repeats {
        for (place, &value) in values.iter().enumerate() {
            let cell = match axis {
                Axis::Samples => Cell::new(repeat, place + 1, 4, 0),
                _ => Cell::new(repeat, 30, 4, 0).at(value),
            };
            curve.cells.push(cell.with(Metric::TestMse, error(repeat, place)));
        }
    }
    curve
}

fn text(curve: &Curve) -> String {
    let mut text = Vec::new();
    curve.write_cells(&mut text).unwrap();
    String::from_utf8(text).unwrap()
}

fn read(folder: &Folder, text: &str, axis: Axis) -> Result<Curve, Error> {
    Curve::read_cells(Path::new(&folder.file("cells.csv", text)), axis)
}

/// A table has the columns of the first version and those that some cell fills; each number survives the round trip.
#[test]
fn every_metric_goes_through_a_table() {
    let folder = Folder::new("every-metric");
    let mut curve = over(Axis::Samples, &[0.0; 3], 2, |repeat, t| (repeat + t) as f64 / 3.0);
    assert_eq!(text(&curve).lines().next().unwrap(), format!("{FIRST_HEADER},rows_left"));
    for (place, &metric) in Metric::ALL.iter().enumerate() {
        // Only the last cell has the metric: the column is blank in the others.
        let mut one = curve.clone();
        one.cells[5].set(metric, Some(0.1 + place as f64));
        let table = text(&one);
        assert!(table.lines().next().unwrap().contains(metric.name()));
        assert_eq!(read(&folder, &table, Axis::Samples).unwrap().cells, one.cells, "{metric:?}");
        curve.cells[4].set(metric, Some(f64::NEG_INFINITY));
        curve.cells[3].set(metric, Some(1.0 / 3.0));
    }
    let again = read(&folder, &text(&curve), Axis::Samples).unwrap();
    assert_eq!(again.cells, curve.cells);
    assert_eq!(text(&again), text(&curve));
}

/// Tables of earlier and later versions.
#[test]
fn older_and_newer_tables_are_read() {
    let folder = Folder::new("versions");
    // An older table without most metrics and `rows_left`, and a newer one with unknown columns in another order.
    let older = "repeat,n,p,arm,rank,test_mse\n0,5,2,ridge,2,0.25\n1,5,2,ridge,2,\n";
    let newer = "entropy,rank,test_mse,arm,leave_one_out,setting,p,n,repeat,colour,rows_left\n\
                 9,2,0.25,ridge,0.5,,2,5,0,red,1\n,2,,ridge,,,2,5,1,\"blue, dark\",0\n";
    let cells =
        [Cell::new(0, 5, 2, 0).with(Metric::TestMse, 0.25).with_rank(2), Cell::new(1, 5, 2, 0).with_rank(2)];
    let found = read(&folder, older, Axis::Samples).unwrap();
    assert_eq!((found.cells.as_slice(), found.arms), (&cells[..], vec![ArmLabel::new("ridge", None)]));
    let found = read(&folder, newer, Axis::Samples).unwrap();
    assert_eq!(found.cells, [cells[0].with(Metric::LeaveOneOut, 0.5), cells[1]]);
    // Columns that a row needs.
    for needed in ["repeat", "n", "p", "arm", "rank"] {
        let header = older.replacen(needed, "unknown", 1);
        let header = if needed == "n" || needed == "p" {
            older.replacen(&format!(",{needed},"), ",unknown,", 1)
        } else {
            header
        };
        match read(&folder, &header, Axis::Samples) {
            Err(Error::UnknownColumn { name, .. }) => assert_eq!(name, needed),
            other => panic!("{needed}: {other:?}"),
        }
    }
    // Later metrics are checked like early ones.
    match read(&folder, &newer.replace("0.5", "half"), Axis::Samples) {
        Err(Error::File { line: Some(2), column: Some(column), .. }) => assert_eq!(column, "leave_one_out"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_axis_of_values_goes_through_a_table() {
    let folder = Folder::new("values");
    let values = [1e-3, 0.1, 2.5];
    let curve = over(Axis::Penalty, &values, 3, |repeat, t| 1.0 + (repeat * t) as f64);
    assert_eq!((curve.values(), curve.axis_values()), (values.to_vec(), vec![]));
    let table = text(&curve);
    assert!(table.starts_with(&format!("{FIRST_HEADER},value,rows_left\n")));
    let again = read(&folder, &table, Axis::Penalty).unwrap();
    assert_eq!((again.values(), again.cells), (values.to_vec(), curve.cells.clone()));
    let without: String =
        table.lines().map(|row| row.rsplitn(3, ',').last().unwrap().to_owned() + "\n").collect();
    let missing = read(&folder, &without, Axis::Penalty);
    assert!(matches!(missing, Err(Error::UnknownColumn { name, .. }) if name == "value"));

    let path = folder.path("summaries.csv");
    let bootstrap = Bootstrap { draws: 10, seed: 0 };
    curve.save_summaries(Path::new(&path), &[Metric::TestMse], Some(bootstrap)).unwrap();
    let summaries = std::fs::read_to_string(&path).unwrap();
    let mut lines = summaries.lines();
    assert!(lines.next().unwrap().ends_with(",max,standard_deviation,value,rows_left"));
    assert!(lines.nth(1).unwrap().ends_with(",3.0,1.0,0.1,1")); // the values are 1, 2, 3: their largest, and their standard deviation
}

/// The axis does not affect a curve's analysis: peaks, highest values and shapes over axis values are those over the
/// counts 1, 2, …, mapped to the values. The ends of a critical interval lie at the same fraction between two values as
/// between two counts.
#[test]
fn peaks_and_shapes_stand_on_values() {
    let log = [3.0, 1.0, 0.0, 2.0, 4.0, 1.0, -1.0, -2.0];
    let error = |repeat: usize, t: usize| f64::exp(log[t] + 1e-9 * repeat as f64);
    let values: Vec<f64> = (0..8).map(|t| 1e-4 * 3f64.powi(t)).collect();
    let counts = over(Axis::Samples, &values, 30, error);
    let test = ShapeTest::new(0);
    let by_count = counts.shape(0, Metric::TestMse, &test).unwrap();
    let [expected] = by_count.peaks[..] else { panic!("{by_count:?}") };
    let value_at = |count: f64| {
        let below = count.floor();
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a place in a list of eight
        let [low, high] = [below - 1.0, below].map(|t| values[(t as usize).min(7)]);
        low + (count - below) * (high - low)
    };
    for axis in [Axis::Penalty, Axis::Time, Axis::LabelNoise, Axis::InputNoise, Axis::Members, Axis::Setting]
    {
        let curve = over(axis, &values, 30, error);
        assert_eq!(curve.values(), values);
        assert_eq!(curve.interpolation_threshold(), None);
        let report = curve.shape(0, Metric::TestMse, &test).unwrap();
        assert_eq!((report.shape, report.repeats), (Shape::DoubleDescent, 30));
        let [found] = report.peaks[..] else { panic!("{report:?}") };
        assert_eq!((found.peak, found.height), (value_at(expected.peak), expected.height));
        // Interpolated, so equal to a few roundings of the larger end.
        let near =
            |found: f64, count: f64| assert!((found - value_at(count)).abs() <= 1e-15, "{axis:?}: {found}");
        near(found.from, expected.from);
        near(found.to, expected.to);
        near(found.to_limits.1, expected.to_limits.1);
        near(found.from_limits.0, expected.from_limits.0);
        let peak = curve.peak(0, Metric::TestMse).unwrap();
        assert_eq!((peak.value, peak.n, peak.p, peak.median), (values[4], 30, 4, expected.height));
        assert_eq!(curve.highest(0, Metric::TestMse).unwrap(), peak);
        let summaries = curve.summaries(Metric::TestMse, None).unwrap();
        let alike = counts.summaries(Metric::TestMse, None).unwrap();
        assert_eq!(summaries.iter().map(|s| s.value).collect::<Vec<_>>(), values);
        assert!(
            summaries.iter().zip(&alike).all(|(a, b)| (a.median, a.mean, a.max) == (b.median, b.mean, b.max))
        );
    }
    let at = |repeat, value| over(Axis::Time, &values, 30, error).cell_at(repeat, value, 0).copied();
    assert_eq!(at(29, values[2]).unwrap().test_mse, Some(error(29, 2)));
    assert_eq!((at(30, values[2]), at(0, 0.5)), (None, None));
    // Numbers of members are counts. A cell without an axis value, or with one that is not a number, has no place.
    let mut members = over(Axis::Members, &[1.0, 4.0, 16.0], 2, |_, _| 1.0);
    assert_eq!(members.axis_values(), [1, 4, 16]);
    members.cells[0] = Cell::new(0, 30, 4, 0).with(Metric::TestMse, 7.0);
    members.cells[1] = members.cells[1].at(f64::NAN);
    let summaries = members.summaries(Metric::TestMse, None).unwrap();
    assert_eq!(
        summaries.iter().map(|s| (s.value, s.count)).collect::<Vec<_>>(),
        [(1.0, 1), (4.0, 1), (16.0, 2)]
    );
}

/// Against the definition, also at scales at which squared deviations would overflow or underflow.
#[test]
fn standard_deviations() {
    let mut rng = stream(3, 0, 0);
    let draws: Vec<f64> = (0..40).map(|_| rng.random_range(-1.0..3.0)).collect();
    let of = |scale: f64, count: usize| {
        let curve = over(Axis::Time, &[1.0], count, |repeat, _| scale * draws[repeat]);
        curve.summaries(Metric::TestMse, None).unwrap()[0].standard_deviation
    };
    let mean = draws.iter().sum::<f64>() / 40.0;
    let expected = (draws.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 39.0).sqrt();
    // 40 squares and their sum: some tens of rounding errors.
    for scale in [1.0, 2f64.powi(1000), 2f64.powi(-1000)] {
        assert!((of(scale, 40).unwrap() / scale / expected - 1.0).abs() < 40.0 * f64::EPSILON, "{scale:e}");
    }
    assert_eq!(of(1.0, 1), None);
    assert_eq!(
        over(Axis::Time, &[1.0], 5, |_, _| 2.0).summaries(Metric::TestMse, None).unwrap()[0]
            .standard_deviation,
        Some(0.0)
    );
    let infinite = over(Axis::Time, &[1.0], 5, |repeat, _| if repeat == 2 { f64::INFINITY } else { 2.0 });
    assert_eq!(infinite.summaries(Metric::TestMse, None).unwrap()[0].standard_deviation, None);
}

/// Returns the part of a curve with the wanted repeats.
fn part(whole: &Curve, wanted: impl Fn(usize) -> bool) -> Curve {
    let mut part = whole.clone();
    part.cells.retain(|cell| wanted(cell.repeat));
    part.failures.retain(|failure| wanted(failure.repeat));
    part.provenance.by_svd.retain(|(repeat, _)| wanted(*repeat));
    part
}

/// Parts with interleaved repeats, merged in every order, give the cells, failures, provenance and bytes of one run.
#[test]
fn parts_merge_to_the_bytes_of_one_run() {
    let mut whole = Sweep::new(Dataset::diabetes(), [12, 5, 9], 7, 3).run().unwrap();
    for repeat in [1, 4, 6] {
        let gone =
            Error::Backend { name: "divide and conquer", reason: format!("no convergence in {repeat}") };
        whole.failures.push(Failure::new(repeat, 5, 10, gone).of_arm(2));
        whole.provenance.by_svd.push((repeat, 5));
        whole.cells.retain(|cell| (cell.repeat, cell.n, cell.arm) != (repeat, 5, 2));
    }
    for shards in [1, 2, 3, 7] {
        let parts: Vec<Curve> = (0..shards).map(|k| part(&whole, |repeat| repeat % shards == k)).collect();
        for first in 0..shards {
            let mut order: Vec<Curve> = (0..shards).map(|k| parts[(k + first) % shards].clone()).collect();
            for _ in 0..2 {
                let merged = Curve::merge(order.clone()).unwrap();
                assert_eq!(merged, whole);
                assert_eq!(text(&merged), text(&whole));
                order.reverse();
            }
        }
    }
    // A repeat that no part has, and a part that was stopped.
    let early = part(&whole, |repeat| repeat < 3);
    assert!(!Curve::merge([part(&whole, |repeat| repeat > 3), early.clone()]).unwrap().complete);
    let mut stopped = part(&whole, |repeat| repeat >= 3);
    stopped.complete = false;
    let merged = Curve::merge([stopped, early]).unwrap();
    assert!(!merged.complete && merged.cells == whole.cells);
}

#[test]
fn parts_of_different_experiments_do_not_merge() {
    let whole = Sweep::new(Dataset::diabetes(), [5, 9], 4, 3).run().unwrap();
    let [first, second] = [part(&whole, |repeat| repeat < 2), part(&whole, |repeat| repeat >= 2)];
    let refused = |change: &dyn Fn(&mut Curve), said: &str| {
        let mut other = second.clone();
        change(&mut other);
        match Curve::merge([first.clone(), other]) {
            Err(Error::Unsupported { reason }) => assert!(reason.contains(said), "{reason}, not {said}"),
            other => panic!("{said}: {other:?}"),
        }
    };
    refused(&|part| part.axis = Axis::Features, "its axis is Features, not Samples");
    refused(&|part| part.arms[1].name = "other".into(), "its arm 1 is");
    refused(&|part| part.arms[2].setting = Some(-0.5), "its arm 2 is");
    refused(&|part| drop(part.arms.pop()), "arms, not");
    refused(&|part| part.provenance.seed = Some(4), "its seed is Some(4), not Some(3)");
    refused(&|part| part.provenance.data = "iris".into(), "its data is \"iris\"");
    refused(&|part| part.provenance.rows = None, "its number of rows");
    refused(&|part| part.provenance.estimator.push('!'), "its estimator");
    refused(&|part| part.provenance.sampling.clear(), "its sampling");
    refused(&|part| part.provenance.preparation.push('!'), "its preparation");
    refused(&|part| part.cells[0].repeat = 1, "repeat 1 is in part 1 and in part 2");
    let failed = |part: &mut Curve| part.failures.push(Failure::new(0, 5, 10, Error::Overflow { what: "a" }));
    refused(&failed, "repeat 0 is in part 1 and in part 2");
    assert!(matches!(Curve::merge([]), Err(Error::Empty { .. })));
}

#[test]
fn surfaces_are_checked_and_merge() {
    let arms = || vec![ArmLabel::new("a", None), ArmLabel::new("b", None)];
    let cells = |repeats: std::ops::Range<usize>| {
        let mut curve = Curve::new(Axis::Features, arms(), Provenance::default());
        let places = repeats.flat_map(|repeat| [(5, 2), (5, 4), (9, 2), (9, 4)].map(|(n, p)| (repeat, n, p)));
        let both = |(repeat, n, p)| {
            [0, 1].map(|arm| Cell::new(repeat, n, p, arm).with(Metric::TestMse, (n * p) as f64))
        };
        curve.cells = places.flat_map(both).collect();
        curve
    };
    let whole = Surface::new(cells(0..5)).unwrap();
    assert_eq!(whole.cells(), &cells(0..5));
    let mut reversed = cells(0..5);
    reversed.cells.reverse();
    assert_eq!(Surface::new(reversed).unwrap(), whole);
    let parts = [3..5, 0..1, 1..3].map(|repeats| Surface::new(cells(repeats)).unwrap());
    assert_eq!(Surface::merge(parts).unwrap(), whole);
    assert_eq!(whole.medians(1, Metric::TestMse).unwrap(), ndarray::array![[10.0, 20.0], [18.0, 36.0]]);

    let mut wrong = cells(0..1);
    wrong.cells[3].arm = 2;
    assert!(Surface::new(wrong).is_err());
    let mut wrong = cells(0..1);
    wrong.cells[3].arm = 0;
    assert!(Surface::new(wrong).is_err());
    let mut wrong = cells(0..1);
    wrong.axis = Axis::Penalty;
    assert!(Surface::new(wrong).is_err());
}

/// Gradient flow from 0, stopped at a time: a user-defined family.
#[derive(Debug)]
struct Flow(f64);

impl SpectralFilter for Flow {
    fn write_gains(&self, spectrum: Spectrum<'_>, gains: &mut [f64]) {
        for (gain, &s) in gains.iter_mut().zip(spectrum.singular_values()) {
            *gain = if s > 0.0 { -(-self.0 * s * s).exp_m1() / s } else { 0.0 };
        }
    }
}

/// Forty arms of a family form one line over the setting, with the same cells.
#[test]
fn a_family_of_arms_is_a_line_over_its_settings() {
    let times: Vec<f64> = (0..40).map(|i| 10f64.powf(-5.0 + 0.25 * f64::from(i))).collect();
    let mut sweep = Sweep::new(Dataset::diabetes().with_intercept().unwrap(), [11, 60], 25, 0);
    // In any order, and mixed with other arms.
    sweep.arms = times.iter().rev().map(|&t| Arm::new("flow", Some(t), Arc::new(Flow(t)))).collect();
    sweep.arms.insert(7, Arm::unablated());
    let curve = sweep.run().unwrap();
    let line = curve.over_settings("flow").unwrap();
    assert_eq!(line.axis, Axis::Setting);
    assert_eq!(line.arms, [ArmLabel::new("flow", Some(11.0)), ArmLabel::new("flow", Some(60.0))]);
    assert_eq!(line.values(), times);
    assert_eq!(line.cells.len(), 40 * 25 * 2);
    let [of_line, points] = [&line, &curve].map(|curve| curve.summaries(Metric::TestMse, None).unwrap());
    for (arm, n) in [11, 60].into_iter().enumerate() {
        for (i, &t) in times.iter().enumerate() {
            let of_family = curve.arm("flow", Some(t)).unwrap();
            for repeat in 0..25 {
                let (there, here) =
                    (curve.cell(repeat, n, of_family).unwrap(), line.cell_at(repeat, t, arm).unwrap());
                assert_eq!(
                    (here.n, here.p, here.rank, here.value()),
                    (there.n, there.p, there.rank, Some(t))
                );
                assert!(Metric::ALL.iter().all(|&metric| here.metric(metric) == there.metric(metric)));
            }
            let point = points.iter().find(|s| (s.arm, s.n) == (of_family, n)).unwrap();
            assert_eq!(of_line[arm * 40 + i].median, point.median);
        }
    }
    // Sorted by repeat, then setting, then line.
    assert!(line.cells.is_sorted_by(|a, b| {
        (a.repeat, a.value(), a.arm).partial_cmp(&(b.repeat, b.value(), b.arm)).unwrap().is_lt()
    }));
    // At n = p, more time hurts in the end. At the start the fit is zero, which is the worst of all.
    let report = line.shape(0, Metric::TestMse, &ShapeTest::new(0)).unwrap();
    assert_eq!(report.shape, Shape::UShaped);
    assert_eq!(line.highest(0, Metric::TestMse).unwrap().value, times[0]);

    // With a single size, the label of its line needs no setting.
    let mut one = curve.clone();
    one.cells.retain(|cell| cell.n == 60);
    assert_eq!(one.over_settings("flow").unwrap().arms, [ArmLabel::new("flow", None)]);
}

#[test]
fn failures_go_along_and_families_without_settings_do_not() {
    let arms = [("t", Some(2.0)), ("t", Some(1.0)), ("other", None), ("other", Some(1.0))];
    let mut curve = Curve::new(
        Axis::Samples,
        arms.map(|(name, setting)| ArmLabel::new(name, setting)).into(),
        Provenance::default(),
    );
    curve.cells = [5, 9].map(|n| Cell::new(0, n, 3, 1)).into();
    let failure = |n| Failure::new(1, n, 3, Error::Overflow { what: "it" });
    curve.failures = vec![failure(5).of_arm(0), failure(9), failure(9).of_arm(2)];
    let line = curve.over_settings("t").unwrap();
    // Line 0 is n = 5, line 1 is n = 9.
    assert_eq!(line.failures, [failure(5).of_arm(0).at(2.0), failure(9).of_arm(1)]);

    assert!(
        matches!(curve.over_settings("s"), Err(Error::UnknownName { choices, .. }) if choices == ["t", "other"])
    );
    assert!(matches!(curve.over_settings("other"), Err(Error::Unsupported { .. })));
    for setting in [f64::NAN, 1.0] {
        curve.arms[0].setting = Some(setting);
        assert!(matches!(curve.over_settings("t"), Err(Error::Domain { .. })));
    }
}

/// Arms of edited tables: an index that is out of range stays so, and NaN is the same setting as NaN.
#[test]
fn curves_beside_others_keep_what_is_wrong_with_them() {
    let curve = |name: &str| {
        let mut curve =
            Curve::new(Axis::Features, vec![ArmLabel::new(name, Some(f64::NAN))], Provenance::default());
        curve.cells = vec![Cell::new(0, 5, 3, usize::MAX).with(Metric::TestMse, 1.0)];
        curve
    };
    let both = curve("a").beside(curve("b")).unwrap();
    assert!(both.cells.iter().all(|cell| cell.arm == usize::MAX));
    assert!(matches!(curve("a").beside(curve("a")), Err(Error::Unsupported { .. })));
}

/// The largest n whose mean training error over repeats is small enough: here up to n = p, and never at p = 1.
#[test]
fn the_effective_complexity_is_the_largest_n_that_is_fitted() {
    let arms = ["other", "asked"].map(|name| ArmLabel::new(name, None)).to_vec();
    let mut cells = Curve::new(Axis::Features, arms, Provenance::default());
    for repeat in 0..2 {
        for (n, p, arm) in (1..=30).flat_map(|n| (1..=20).flat_map(move |p| [(n, p, 0), (n, p, 1)])) {
            // The mean of the two repeats is 0.1 for n ≤ p, 0.3 beyond; the first one alone would always be small.
            let error = match repeat {
                _ if p == 1 => Some(9.0),
                0 => Some(0.0),
                _ => Some(if n <= p { 0.2 } else { 0.6 }),
            };
            let error = if arm == 0 { Some(0.0) } else { error };
            let cell = Cell::new(repeat, n, p, arm);
            // n = 7 has no errors at all.
            cells.cells.push(if n == 7 { cell } else { cell.with(Metric::TrainMse, error) });
        }
    }
    let expected = |p: usize| match p {
        1 => None,
        7 => Some(6),
        p => Some(p),
    };
    let found = Surface::new(cells).unwrap().effective_complexity(1, 0.1);
    assert_eq!(found, (1..=20).map(|p| (p, expected(p))).collect::<Vec<_>>());
}
