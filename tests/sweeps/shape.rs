//! The shape of a curve: what the test promises, on curves of known shape, and what it finds on real ones.

use crate::common::matrices::normal;
use double_descent::Error;
use double_descent::curve::{
    ArmLabel, Axis, Bootstrap, Cell, Curve, Metric, Provenance, Shape, ShapeReport, ShapeTest,
};
use double_descent::dataset::Dataset;
use double_descent::features::{FeatureMap, Polynomial, PolynomialBasis};
use double_descent::filter::Ridge;
use double_descent::nested::{Test, feature_curve};
use double_descent::notebook::ToHtml;
use double_descent::risk::Compressed;
use double_descent::rng::stream;
use double_descent::sweep::{Arm, Sweep};
use ndarray::Array2;
use rand::{Rng, RngExt};
use rand_distr::StandardNormal;
use std::sync::Arc;

/// A curve with one arm over `n = 1, 2, …`; `error` returns the test error at each repeat and point.
fn curve(repeats: usize, points: usize, mut error: impl FnMut(usize, usize) -> f64) -> Curve {
    let arm = ArmLabel::new("drawn", None);
    let mut curve = Curve::new(Axis::Samples, vec![arm], Provenance::default());
    for repeat in 0..repeats {
        for t in 0..points {
            let test_mse = Some(error(repeat, t));
            curve.cells.push(Cell::new(repeat, t + 1, 9, 0).with(Metric::TestMse, test_mse));
        }
    }
    curve
}

fn quick(seed: u64) -> ShapeTest {
    ShapeTest { bootstrap: Bootstrap { draws: 4, seed }, ..ShapeTest::new(seed) }
}

fn shape(curve: &Curve) -> ShapeReport {
    curve.shape(0, Metric::TestMse, &quick(1)).unwrap()
}

/// Three kinds of noise around a median of 1: log-normal; log-normal with a part that each repeat keeps along the axis;
/// and noise of infinite mean, as at an interpolation threshold.
#[derive(Clone, Copy, Debug)]
enum Noise {
    Independent,
    Shared,
    HeavyTailed,
}

impl Noise {
    fn draw(self, own: &mut impl Rng, shared: f64) -> f64 {
        let z: f64 = own.sample(StandardNormal);
        match self {
            Self::Independent => (0.5 * z).exp(),
            Self::Shared => (0.3 * z + 0.4 * shared).exp(),
            // The median of z² is 0.4549.
            Self::HeavyTailed => 0.454_936_423_119_572_7 / (z * z),
        }
    }
}

const NOISES: [Noise; 3] = [Noise::Independent, Noise::Shared, Noise::HeavyTailed];

fn noisy(noise: Noise, seed: u64, repeats: usize, medians: &[f64]) -> Curve {
    let mut rng = stream(seed, 0, 0);
    let shared: Vec<f64> = (0..repeats).map(|_| rng.sample(StandardNormal)).collect();
    curve(repeats, medians.len(), |repeat, t| medians[t] * noise.draw(&mut rng, shared[repeat]))
}

fn medians(points: usize, log: impl Fn(f64) -> f64) -> Vec<f64> {
    (0..points).map(|t| log(t as f64 / (points - 1) as f64).exp()).collect()
}

/// Returns the share of 300 noisy curves whose report satisfies `says`.
fn share(noise: Noise, repeats: usize, medians: &[f64], says: impl Fn(&ShapeReport) -> bool) -> f64 {
    let hits = (0..300).filter(|&seed| says(&shape(&noisy(noise, seed, repeats, medians)))).count();
    hits as f64 / 300.0
}

/// At 95 % confidence, at most 5 % of curves without a peak are reported to have one, and at most 5 % of constant
/// curves are reported to change. Three standard errors of 300 cases are 3.8 %.
#[test]
fn curves_without_a_peak_are_seldom_said_to_have_one() {
    let none = |report: &ShapeReport| !report.peaks.is_empty();
    for noise in NOISES {
        for repeats in [12, 30] {
            let flat = medians(25, |_| 0.0);
            let changes = share(noise, repeats, &flat, |report| report.shape != Shape::Flat);
            assert!(changes <= 0.05 + 0.038, "{noise:?}, {repeats}: {changes}");
            for falls in [0.3, 2.0] {
                let falling = medians(25, |x| -falls * x);
                let peaks = share(noise, repeats, &falling, none);
                println!("{noise:?}, {repeats} repeats: constant {changes}, fall of {falls}: {peaks}");
                assert!(peaks <= 0.05 + 0.038, "{noise:?}, {repeats}, {falls}: {peaks}");
            }
            let u = medians(25, |x| 8.0 * (x - 0.5) * (x - 0.5));
            assert!(share(noise, repeats, &u, none) <= 0.05 + 0.038, "{noise:?}, {repeats}: U");
        }
    }
}

fn bump(x: f64, at: f64, height: f64) -> f64 {
    height * (-((x - at) / 0.08).powi(2)).exp()
}

/// 40 repeats are enough to recognise each shape in nearly all cases: the interval of a median is about ± 0.6 standard
/// deviations of the noise.
#[test]
fn every_shape_is_recognised() {
    let fall = |x: f64| -3.0 * x;
    let u = |x: f64| 16.0 * (x - 0.5) * (x - 0.5);
    let cases: [(Shape, Vec<f64>); 7] = [
        (Shape::Falling, medians(25, fall)),
        (Shape::Rising, medians(25, |x| 3.0 * x)),
        (Shape::UShaped, medians(25, u)),
        (Shape::DoubleDescent, medians(25, |x| fall(x) + bump(x, 0.5, 3.0))),
        (Shape::DoubleDescent, medians(25, |x| bump(x, 0.5, 3.0))),
        (Shape::DoubleDescent, medians(25, |x| u(x) + bump(x, 0.5, 4.0))),
        (Shape::SeveralPeaks, medians(25, |x| fall(x) + bump(x, 0.25, 3.5) + bump(x, 0.75, 3.5))),
    ];
    for (expected, medians) in &cases {
        for noise in [Noise::Independent, Noise::Shared] {
            let right = share(noise, 40, medians, |report| report.shape == *expected);
            println!("{expected:?}, {noise:?}: {right}");
            assert!(right >= 0.95, "{expected:?}, {noise:?}: {right}");
        }
    }
}

/// Power against the height of the peak: at most 5 % at 0, at least 95 % at 8 standard deviations of the noise.
#[test]
fn power_grows_with_the_peak_and_with_the_repeats() {
    let power = |repeats: usize, height: f64| {
        let medians = medians(25, |x| bump(x, 0.5, height));
        share(Noise::Independent, repeats, &medians, |report| report.shape == Shape::DoubleDescent)
    };
    let powers: Vec<[f64; 4]> =
        [15, 30, 60].map(|repeats| [0.0, 0.7, 1.4, 4.0].map(|height| power(repeats, height))).into();
    println!("{powers:?}");
    for pair in powers.windows(2) {
        assert!(pair[0].iter().zip(&pair[1]).all(|(few, many)| many + 0.05 >= *few), "{powers:?}");
    }
    for row in &powers {
        assert!(row.windows(2).all(|pair| pair[0] <= pair[1] + 0.02), "{row:?}");
        assert!(row[0] <= 0.05 && row[3] >= 0.95, "{row:?}");
    }
}

/// Without noise, the interval ends where the curve crosses its level, and the limits close around these ends.
#[test]
fn a_critical_interval_is_where_the_curve_is_over_its_valleys() {
    // ln error is 2, 1, 0, 2, 4, 1, −1, −2. The valleys are 0 (n = 3) and −2 (n = 8), so the level is 1 = e⁰.
    let log: [f64; 8] = [2.0, 1.0, 0.0, 2.0, 4.0, 1.0, -1.0, -2.0];
    let exact = curve(30, 8, |repeat, t| (log[t] + 1e-9 * repeat as f64).exp());
    let report = shape(&exact);
    assert_eq!((report.shape, report.repeats, report.agreement), (Shape::DoubleDescent, 30, 1.0));
    let changes: Vec<_> = report.changes.iter().map(|c| (c.from, c.to, c.rises)).collect();
    assert_eq!(changes, [(1.0, 3.0, false), (3.0, 5.0, true), (5.0, 8.0, false)]);
    let critical = report.peaks[0];
    assert_eq!((report.peaks.len(), critical.peak, critical.peak_limits), (1, 5.0, (5.0, 5.0)));
    let near = |found: f64, expected: f64| assert!((found - expected).abs() < 1e-6, "{found} for {expected}");
    near(critical.height.ln(), 4.0);
    near(critical.level.ln(), 0.0);
    near(critical.prominence.unwrap(), 4.0);
    near(critical.from, 3.0);
    near(critical.to, 6.5); // from 1 at n = 6 to −1 at n = 7
    // Limits are axis values. On the left, the valley itself is at the level.
    assert_eq!((critical.to_limits, critical.from_limits.1), ((6.0, 7.0), 4.0));
    let (least, most) = critical.prominence_limits.unwrap();
    near(least, 4.0);
    near(most, 4.0);
    // The p-value of the widest band for T = 8 points and R = 30 repeats: 2T / 2^R.
    near(critical.p_value / (8.0 * 2f64.powi(-29)), 1.0);

    // 1000 less is below 0, as a log evidence may be: there is no logarithm, but all else is at the same places.
    let log_evidence = curve(30, 8, |repeat, t| log[t] + 1e-9 * repeat as f64 - 1000.0);
    let report = shape(&log_evidence);
    let below = report.peaks[0];
    near(below.height, -996.0);
    near(below.level, -1000.0);
    near(below.from, 3.0);
    near(below.to, 6.5);
    assert_eq!((below.prominence, below.prominence_limits), (None, None));
    assert_eq!((below.peak, below.peak_limits), (5.0, (5.0, 5.0)));
    assert_eq!((below.to_limits, below.from_limits), (critical.to_limits, critical.from_limits));
    assert!(!report.body().contains("NaN"), "{}", report.body());
    // Repeats that differ by 3 do not tell where between n = 4 and 6 the top is.
    let top: [f64; 9] = [0.0, 0.0, 0.0, 20.0, 21.0, 20.0, 0.0, 0.0, 0.0];
    let wide = shape(&curve(30, 9, |repeat, t| top[t] + 0.1 * repeat as f64 - 1000.0));
    assert_eq!(wide.peaks[0].peak_limits, (4.0, 6.0));

    // Here the right valley is the higher one and sets the level.
    let log: [f64; 7] = [3.0, -1.0, 2.0, 4.0, 3.0, 2.0, 1.0];
    let critical = shape(&curve(30, 7, |repeat, t| (log[t] + 1e-9 * repeat as f64).exp())).peaks[0];
    near(critical.level.ln(), 1.0);
    near(critical.from, 2.0 + 2.0 / 3.0); // from −1 at n = 2 to 2 at n = 3
    near(critical.to, 7.0);
}

/// The limits of a peak's position, prominence and critical interval all contain the true values, jointly, at least as
/// often as the confidence states.
#[test]
fn limits_hold_the_true_interval() {
    let truth = medians(41, |x| -2.0 * x + bump(x, 0.4, 4.0));
    let exact = shape(&curve(20, 41, |_, t| truth[t])).peaks[0];
    for noise in NOISES {
        let (mut held, mut found) = (0, 0);
        for seed in 0..200 {
            let report = shape(&noisy(noise, seed, 60, &truth));
            let [critical] = report.peaks[..] else { continue };
            found += 1;
            let holds = |limits: (f64, f64), value: f64| limits.0 <= value && value <= limits.1;
            let (least, most) = critical.prominence_limits.unwrap();
            held += usize::from(
                holds(critical.to_limits, exact.to)
                    && holds(critical.from_limits, exact.from)
                    && holds(critical.peak_limits, exact.peak)
                    && (least..=most).contains(&exact.prominence.unwrap()),
            );
        }
        println!("{noise:?}: {found} of 200 found, all limits hold the truth in {held}");
        assert!(found >= 150 && held as f64 >= 0.95 * f64::from(found), "{noise:?}: {held} of {found}");
    }
}

#[test]
fn diabetes_is_double_descent_and_training_errors_rise() {
    let mut sweep = Sweep::new(Dataset::diabetes(), 1..=100, 50, 0);
    sweep.arms = vec![Arm::unablated(), Arm::no_residuals()];
    let curve = sweep.run().unwrap();
    let test = ShapeTest::new(3);
    let report = curve.shape(0, Metric::TestMse, &test).unwrap();
    println!("{report:?}");
    assert_eq!(report.shape, Shape::DoubleDescent);
    let critical = report.peaks[0];
    assert_eq!(critical.peak, 10.0);
    assert!(critical.peak_limits.0 >= 8.0 && critical.peak_limits.1 <= 12.0, "{critical:?}");
    assert!(critical.from <= 3.0 && critical.to_limits.0 >= 20.0 && critical.to < 99.0, "{critical:?}");
    assert!(report.agreement > 0.9 && critical.p_value < 0.05 && critical.prominence_limits.unwrap().0 > 0.0);
    assert_eq!(curve.shape(1, Metric::TestMse, &test).unwrap().shape, Shape::Falling);
    assert_eq!(curve.shape(0, Metric::TrainMse, &test).unwrap().shape, Shape::Rising);
    assert_eq!(report, curve.shape(0, Metric::TestMse, &test).unwrap());
}

/// For isotropic features, λ = p σ² / ‖β*‖² is the best ridge penalty at every n, and the curve then falls.
#[test]
fn ridge_at_the_optimum_falls_where_min_norm_peaks() {
    let (rows, p, deviation) = (1500, 20, 2.0);
    let x = normal(rows, p, 61);
    let beta = normal(p, 1, 62);
    let y = x.dot(&beta) + normal(rows, 1, 63) * deviation;
    let lambda = p as f64 * deviation * deviation / beta.iter().map(|b| b * b).sum::<f64>();
    let mut sweep = Sweep::new(Dataset::new("gaussian", x, y).unwrap(), 2..=60, 60, 64);
    let ridge = |factor: f64| Arm::new("ridge", Some(factor), Arc::new(Ridge::new(factor * lambda).unwrap()));
    sweep.arms = vec![Arm::unablated(), ridge(1.0), ridge(1e-3)];
    sweep.metrics = vec![Metric::TestMse];
    let curve = sweep.run().unwrap();
    let shape = |arm| curve.shape(arm, Metric::TestMse, &ShapeTest::new(5)).unwrap();
    let min_norm = shape(0);
    assert_eq!((min_norm.shape, min_norm.peaks[0].peak), (Shape::DoubleDescent, p as f64));
    assert_eq!(shape(1).shape, Shape::Falling);
    assert_eq!(shape(2).shape, Shape::DoubleDescent);
}

#[test]
fn polynomial_regression_is_double_descent_in_p() {
    let map = Polynomial::new(PolynomialBasis::Legendre);
    let truth = |x: &Array2<f64>| x.mapv(|x| 2.0 * x + (25.0 * x).cos());
    let grid = Array2::from_shape_fn((400, 1), |(i, _)| -1.0 + f64::from(u16::try_from(i).unwrap()) / 199.5);
    let table = Compressed::new(&map.design(&grid, 60).unwrap(), &truth(&grid)).unwrap();
    let mut whole = curve(0, 0, |_, _| 0.0);
    whole.axis = Axis::Features;
    for repeat in 0..40 {
        let mut rng = stream(71, 0, repeat);
        let inputs = Array2::from_shape_simple_fn((15, 1), || rng.random_range(-1.0..=1.0));
        let design = map.design(&inputs, 60).unwrap();
        let points = feature_curve(&design, &truth(&inputs), Test::Rows(&table)).unwrap();
        whole.cells.extend(points.iter().map(|point| point.cell(repeat, 0)));
    }
    let report = whole.shape(0, Metric::TestMse, &ShapeTest::new(7)).unwrap();
    println!("{report:?}");
    assert_eq!((report.shape, report.peaks[0].peak), (Shape::DoubleDescent, 15.0));
}

#[test]
fn input_that_is_wrong_or_extreme() {
    let good = curve(20, 6, |repeat, t| (t + 1) as f64 + 0.01 * repeat as f64);
    for confidence in [0.0, 1.0, -0.5, f64::NAN, f64::INFINITY] {
        let test = ShapeTest { confidence, ..ShapeTest::new(0) };
        assert!(matches!(good.shape(0, Metric::TestMse, &test), Err(Error::Domain { .. })));
    }
    let test = ShapeTest { bootstrap: Bootstrap { draws: 0, seed: 0 }, ..ShapeTest::new(0) };
    assert!(matches!(good.shape(0, Metric::TestMse, &test), Err(Error::Domain { .. })));
    let test = quick(0);
    assert!(matches!(good.shape(7, Metric::TestMse, &test), Err(Error::TooLarge { found: 7, most: 0, .. })));
    assert!(matches!(good.shape(0, Metric::BiasSquared, &test), Err(Error::Empty { .. })));
    assert!(matches!(curve(0, 0, |_, _| 0.0).shape(0, Metric::TestMse, &test), Err(Error::Empty { .. })));
    let nan = curve(20, 6, |repeat, t| if (repeat, t) == (3, 4) { f64::NAN } else { 1.0 });
    let error = nan.shape(0, Metric::TestMse, &test).unwrap_err();
    assert!(matches!(error, Error::NonFinite { row: 3, column: 4, .. }));
    // With too few repeats, the error names the number that is needed, and that number is right.
    for points in [1, 6, 40] {
        let few = curve(3, points, |_, t| t as f64);
        let text = few.shape(0, Metric::TestMse, &test).unwrap_err().to_string();
        // The smallest R with 2T / 2^R ≤ 0.05.
        let enough = |repeats: &u8| 40.0 * points as f64 <= 2f64.powi((*repeats).into());
        let needed: usize = (1..100).find(enough).unwrap().into();
        assert!(text.contains(&format!("run {needed} or more")), "{text}");
        assert!(curve(needed, points, |_, t| t as f64).shape(0, Metric::TestMse, &test).is_ok());
        assert!(curve(needed - 1, points, |_, t| t as f64).shape(0, Metric::TestMse, &test).is_err());
    }
    // Missing cells: an axis value without cells is left out, and so is a repeat with a gap.
    let mut gaps = good.clone();
    gaps.cells.retain(|cell| cell.n != 4 && (cell.repeat, cell.n) != (5, 2));
    let report = shape(&gaps);
    assert_eq!((report.shape, report.repeats), (Shape::Rising, 19));
    // A single axis value; all zeros; rounding errors next to true errors; and the ends of the floating-point range.
    assert_eq!(shape(&curve(20, 1, |_, _| 1.0)).shape, Shape::Flat);
    assert_eq!(shape(&curve(20, 9, |_, _| 0.0)).shape, Shape::Flat);
    let rounding = |t: usize| if t == 4 { 1e-29 } else { 1e-31 };
    assert_eq!(shape(&curve(20, 9, |_, t| if t == 0 { 1.0 } else { rounding(t) })).shape, Shape::Falling);
    // A log evidence is negative.
    let below = |mut curve: Curve| {
        for cell in &mut curve.cells {
            let value = cell.metric(Metric::TestMse).map(|value| value - 1000.0);
            *cell = cell.with(Metric::TestMse, value);
        }
        curve
    };
    let falling = below(curve(20, 9, |repeat, t| 1e-3 * repeat as f64 - t as f64));
    assert_eq!(shape(&falling).shape, Shape::Falling);
    let peak = below(curve(20, 9, |repeat, t| 1e-3 * repeat as f64 - (t as f64 - 4.0).powi(2)));
    assert_eq!((shape(&peak).shape, shape(&peak).peaks[0].peak), (Shape::DoubleDescent, 5.0));
    let wide = shape(&curve(20, 5, |_, t| [1.0, 1e-300, 1e300, 1e-300, 1e-308][t]));
    assert_eq!((wide.shape, wide.peaks[0].peak), (Shape::DoubleDescent, 3.0));
    assert!(wide.peaks[0].prominence.unwrap().is_finite());
    let repeated = Cell::new(usize::MAX, 1, 9, 0).with(Metric::TestMse, 1.0);
    let mut odd = good;
    odd.cells.push(repeated);
    assert_eq!(shape(&odd).repeats, 20);
}

/// The peak is a certified interior maximum; the highest value is the largest median, wherever it lies.
#[test]
fn a_peak_is_an_interior_maximum_and_the_highest_value_need_not_be_one() {
    let of = |medians: &[f64]| {
        let mut rng = stream(3, 0, 0);
        curve(40, medians.len(), |_, t| medians[t] * (0.1 * rng.sample::<f64, _>(StandardNormal)).exp())
    };
    let at = |curve: &Curve| {
        let place = |point: Option<double_descent::curve::MedianPoint>| point.map(|point| point.n);
        (place(curve.peak(0, Metric::TestMse)), place(curve.highest(0, Metric::TestMse)))
    };
    // Two descents with a peak between them, lower than the start of the curve; then with a second, lower peak; then
    // with a peak higher than the start.
    assert_eq!(at(&of(&[50.0, 5.0, 2.0, 8.0, 20.0, 6.0, 2.0, 1.0])), (Some(5), Some(1)));
    assert_eq!(at(&of(&[50.0, 5.0, 9.0, 4.0, 20.0, 6.0, 2.0, 1.0])), (Some(5), Some(1)));
    assert_eq!(at(&of(&[5.0, 2.0, 8.0, 20.0, 6.0, 2.0, 1.0])), (Some(4), Some(4)));
    // The curve rises from its first point, as if the first descent lay before the axis.
    assert_eq!(at(&of(&[2.0, 8.0, 20.0, 6.0, 2.0])), (Some(3), Some(3)));
    // Falling, rising, U-shaped and constant curves have no peak, wherever their highest value is.
    assert_eq!(at(&of(&[9.0, 7.0, 4.0, 2.0, 1.0])), (None, Some(1)));
    assert_eq!(at(&of(&[1.0, 2.0, 4.0, 7.0, 9.0])), (None, Some(5)));
    assert_eq!(at(&of(&[9.0, 4.0, 1.0, 4.0, 8.0])), (None, Some(1)));
    assert_eq!(of(&[1.0; 6]).peak(0, Metric::TestMse), None);
    // A peak within the noise is not certified, nor is a peak of a single repeat.
    assert_eq!(of(&[3.0, 1.0, 1.05, 1.0, 0.5]).peak(0, Metric::TestMse), None);
    let one = curve(1, 5, |_, t| [5.0, 1.0, 9.0, 2.0, 1.0][t]);
    assert_eq!(at(&one), (None, Some(3)));
    // NaN is not a height. Missing arms and metrics have neither a peak nor a highest value.
    let mut broken = of(&[5.0, 2.0, 8.0, 2.0, 1.0]);
    broken.cells.iter_mut().filter(|cell| cell.n == 2).for_each(|cell| cell.test_mse = Some(f64::NAN));
    assert_eq!(at(&broken), (None, Some(3)));
    assert_eq!((broken.peak(1, Metric::TestMse), broken.highest(1, Metric::TestMse)), (None, None));
    assert_eq!((broken.peak(0, Metric::TrainMse), broken.highest(0, Metric::TrainMse)), (None, None));
}

/// `peak` used to return `n = 1` here.
#[test]
fn the_peak_of_real_data_is_where_the_shape_says() {
    let sweep = |data: Dataset, sizes| {
        let mut sweep = Sweep::new(data, sizes, 50, 0);
        sweep.arms = vec![Arm::unablated(), Arm::no_residuals()];
        sweep.run().unwrap()
    };
    let diabetes = sweep(Dataset::diabetes(), 1..=39);
    let peak = diabetes.peak(0, Metric::TestMse).unwrap();
    assert_eq!((peak.n, peak.p), (10, 10));
    let medians = diabetes.summaries(Metric::TestMse, None).unwrap();
    assert_eq!(peak.median, medians.iter().find(|s| s.arm == 0 && s.n == 10).unwrap().median);
    assert_eq!(diabetes.peak(1, Metric::TestMse), None);
    assert_eq!(diabetes.highest(1, Metric::TestMse).unwrap().n, 1);
    let Some(folder) = crate::common::data_folder("the_peak_of_real_data_is_where_the_shape_says") else {
        return;
    };
    let who = sweep(Dataset::who_life_expectancy(&folder).unwrap(), 1..=40);
    assert_eq!(who.peak(0, Metric::TestMse).unwrap().n, 17);
    assert_eq!(who.shape(0, Metric::TestMse, &quick(1)).unwrap().peaks[0].peak, 17.0);
}
