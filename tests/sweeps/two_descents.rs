//! Two descents over training time in a linear model, certified by repeats. They need features at two scales.

use double_descent::curve::{Bootstrap, Change, Metric, Shape, ShapeReport, ShapeTest};
use double_descent::filter::Loss;
use double_descent::rng::stream;
use double_descent::sweep::{Draw, Parameter, Source, Splits, Sweep, TestOn};
use ndarray::{Array1, Array2};
use rand::RngExt;
use rand_distr::StandardNormal;

/// Training rows, training sets, and the standard deviation of the label noise.
const N: usize = 150;
const REPEATS: usize = 60;
const NOISE: f64 = 1.0;
/// Groups of strong, weak and stronger features: `(number, variance that each feature adds to the targets)`.
const PARTS: [(usize, f64); 3] = [(10, 0.2), (50, 0.01), (50, 0.02)];
/// Sizes of three models, small, medium and large, each ending with a group.
const SIZES: [usize; 3] = [10, 60, 110];

/// Runs gradient flow on data whose last group of features has this variance instead of 1. What each feature adds to
/// the targets stays the same: the tables of two scales differ only in the units of these columns.
fn reports(variance: f64, seed: u64) -> [ShapeReport; 3] {
    let variances = Array1::from_shape_fn(SIZES[2], |j| if j < SIZES[1] { 1.0 } else { variance });
    let parts: Array1<f64> =
        PARTS.iter().flat_map(|&(count, part)| std::iter::repeat_n(part, count)).collect();
    let teacher = Array2::from_shape_fn((SIZES[2], 1), |(j, _)| f64::sqrt(parts[j] / variances[j]));
    let draw = move |repeat| {
        let mut rng = stream(seed, 0, repeat);
        let mut normal = |shape| Array2::from_shape_simple_fn(shape, || rng.sample::<f64, _>(StandardNormal));
        let inputs = normal((N, SIZES[2])) * &variances.mapv(f64::sqrt);
        let targets = inputs.dot(&teacher) + NOISE * normal((N, 1));
        let covariance = Array2::from_diag(&variances);
        let test = TestOn::Population { covariance, teacher: teacher.clone(), deviation: NOISE };
        Ok(Draw { inputs, targets, test })
    };
    // Six times per decade, from before anything is learned until everything is.
    let times = (0..=42).map(|i| 10f64.powf(-2.0 + f64::from(i) / 6.0));
    let sweep = Sweep {
        samples: vec![N],
        features: SIZES.to_vec(),
        parameter: Some(Parameter::time(Loss::HalfMean, times)),
        ..Sweep::of(Source::drawn("drawn", draw), Splits::Drawn { repeats: REPEATS, seed })
    };
    let map = sweep.surface().unwrap();
    let test = ShapeTest { bootstrap: Bootstrap { draws: 100, seed: 1 }, ..ShapeTest::new(1) };
    SIZES.map(|p| map.at_column(p as f64).unwrap().shape(0, Metric::TestMse, &test).unwrap())
}

fn turns(changes: &[Change]) -> Vec<bool> {
    changes.iter().map(|change| change.rises).collect()
}

/// Tests three studies of 60 training sets each. With two scales, a factor of a thousand apart, the small model's error
/// falls, the medium model's turns up once, and the large model's falls, rises, falls again, and rises when everything
/// is fitted. Each of these changes is certified at 95 % for all times together, and by nearly all resamples. With one
/// scale the large model has one minimum, and no second fall is certified.
#[test]
fn both_descents_are_certified_at_two_scales_and_none_at_one() {
    for seed in 1..=3 {
        let [small, medium, large] = reports(1e-3, seed);
        println!("seed {seed}: {large:?}");
        assert_eq!([small.shape, medium.shape], [Shape::Falling, Shape::UShaped], "seed {seed}");
        assert_eq!(large.shape, Shape::DoubleDescent, "seed {seed}");
        assert_eq!(large.repeats, REPEATS);
        assert_eq!(turns(&large.changes), [false, true, false, true], "seed {seed}: {:?}", large.changes);
        assert!(large.changes.iter().all(|change| change.p_value <= 0.05), "{:?}", large.changes);
        assert!(large.agreement >= 0.9, "{}", large.agreement);
        // The peak lies between the scales: features of variance v are learned at about 1/v.
        let [peak] = large.peaks[..] else { panic!("{:?}", large.peaks) };
        assert!(peak.p_value <= 0.05 && (1.0..=1e3).contains(&peak.peak), "{peak:?}");
        assert!(large.changes[1].from < peak.peak && large.changes[2].to > 1e3, "{:?}", large.changes);

        let [.., one_scale] = reports(1.0, seed);
        println!("one scale: {one_scale:?}");
        assert_eq!(one_scale.shape, Shape::UShaped, "seed {seed}: {:?}", one_scale.changes);
        assert_eq!(turns(&one_scale.changes), [false, true], "seed {seed}");
        assert!(one_scale.peaks.is_empty());
    }
}
