//! The claims of Schaeffer et al. 2023 on arbitrary seeds: the peak at n = p, and what removes it.

use double_descent::Adversary;
use double_descent::curve::{Curve, Metric};
use double_descent::dataset::{Dataset, StudentTeacher};
use double_descent::sweep::{Arm, Sweep};

const SEEDS: [u64; 4] = [11, 12, 13, 14];

/// Sweeps 100 splits, with sizes around the threshold.
fn sweep(data: Dataset, seed: u64, arms: Vec<Arm>) -> Curve {
    let p = data.features().ncols();
    let mut sweep = Sweep::new(data, p / 2..=2 * p, 100, seed);
    sweep.arms = arms;
    sweep.run().unwrap()
}

fn medians(curve: &Curve, arm: usize) -> Vec<(usize, f64)> {
    let summaries = curve.summaries(Metric::TestMse, None).unwrap();
    summaries.iter().filter(|s| s.arm == arm).map(|s| (s.n, s.median)).collect()
}

fn at(medians: &[(usize, f64)], n: usize) -> f64 {
    medians.iter().find(|(size, _)| *size == n).unwrap().1
}

/// Runs `check` for every seed and data set, with a cutoff above the small singular values of the training sets and a
/// number of modes below the threshold.
fn for_each(check: impl Fn(Dataset, u64, f64, usize)) {
    for seed in SEEDS {
        check(Dataset::diabetes(), seed, 0.3, 5);
        let drawn = StudentTeacher::new(u32::try_from(seed).unwrap());
        check(drawn.generate().unwrap(), seed, 1.0, 10);
    }
}

#[test]
fn the_median_test_error_peaks_where_n_is_p() {
    for_each(|data, seed, _, _| {
        let (name, p) = (data.name().to_owned(), data.features().ncols());
        let curve = sweep(data, seed, vec![Arm::unablated()]);
        assert_eq!(curve.interpolation_threshold(), Some(p));
        let peak = curve.peak(0, Metric::TestMse).unwrap();
        assert_eq!((peak.n, peak.p), (p, p), "{name}, seed {seed}");
        let medians = medians(&curve, 0);
        assert_eq!(peak.median, at(&medians, p));
        // The error falls on either side, and more so further away.
        for (near, far) in [(p - 3, p / 2), (p + 3, 2 * p)] {
            assert!(peak.median > 2.0 * at(&medians, near), "{name}, seed {seed}: {medians:?}");
            assert!(at(&medians, near) > 1.2 * at(&medians, far), "{name}, seed {seed}: {medians:?}");
        }
    });
}

#[test]
fn the_peak_is_gone_without_any_one_of_the_three_factors() {
    for_each(|data, seed, cutoff, modes| {
        let (name, p) = (data.name().to_owned(), data.features().ncols());
        let arms = vec![
            Arm::unablated(),
            Arm::no_small_singular_values(cutoff).unwrap(),
            Arm::test_features_projected(modes),
            Arm::no_residuals(),
        ];
        let curve = sweep(data, seed, arms);
        let unablated = at(&medians(&curve, 0), p);
        for arm in 1..4 {
            let medians = medians(&curve, arm);
            let what = format!("{name}, seed {seed}, {}: {medians:?}", curve.arms[arm].name);
            assert!(at(&medians, p) < 0.1 * unablated, "{what}");
            // The unablated peak is more than twice as high as these neighbours. Without residuals, the error from n =
            // p on is rounding noise of no particular shape.
            let noise = 1e-20 * unablated;
            assert!(at(&medians, p) < 1.2 * at(&medians, p - 3) + noise, "{what}");
            assert!(at(&medians, p) < 1.2 * at(&medians, p + 3) + noise, "{what}");
        }
    });
}

/// Returns the median test error at the threshold for attacks of increasing strength. If `worse`, each cell counts the
/// worse of the two signs.
fn attacked(data: Dataset, seed: u64, adversary: fn(f64) -> Adversary, worse: bool) -> Vec<f64> {
    let (p, strengths) = (data.features().ncols(), [0.0, 0.1, 0.316, 1.0, 3.16, 10.0, 31.6]);
    let mut sweep = Sweep::new(data, [p], 100, seed);
    sweep.arms = strengths.map(|a| Arm::attacked(adversary(a))).into();
    let mut curve = sweep.run().unwrap();
    for cell in &mut curve.cells {
        let opposite = cell.test_mse_opposite.unwrap();
        if worse {
            cell.test_mse = cell.test_mse.map(|mse| mse.max(opposite));
        }
    }
    (0..strengths.len()).map(|arm| at(&medians(&curve, arm), p)).collect()
}

/// With the better of the two signs a small step may reduce the error; with the worse sign it never does.
#[test]
fn a_moved_test_datum_hurts_the_more_the_further_it_is_moved() {
    for_each(|data, seed, _, _| {
        let errors = attacked(data, seed, |strength| Adversary::TestDatum { strength }, true);
        assert!(errors.windows(2).all(|pair| pair[1] > pair[0]), "seed {seed}: {errors:?}");
        assert!(errors[6] > 100.0 * errors[0], "seed {seed}: {errors:?}");
    });
}

/// Only one sign is tested: the mode is oriented so that this sign increases the error.
#[test]
fn moved_training_targets_hurt_the_more_the_further_they_are_moved() {
    for_each(|data, seed, _, _| {
        let errors = attacked(data, seed, |strength| Adversary::TrainingTargets { strength }, false);
        assert!(errors.windows(2).all(|pair| pair[1] > pair[0]), "seed {seed}: {errors:?}");
        assert!(errors[6] > 1.2 * errors[0], "seed {seed}: {errors:?}");
    });
}

#[test]
fn adversaries_do_the_most_harm_at_the_threshold() {
    for_each(|data, seed, _, _| {
        let (name, p) = (data.name().to_owned(), data.features().ncols());
        for adversary in
            [Adversary::TestDatum { strength: 10.0 }, Adversary::TrainingTargets { strength: 100.0 }]
        {
            let curve = sweep(data.clone(), seed, vec![Arm::unablated(), Arm::attacked(adversary)]);
            let (before, after) = (medians(&curve, 0), medians(&curve, 1));
            let harm = |n| at(&after, n) - at(&before, n);
            assert!(harm(p) > 4.0 * harm(p / 2).max(harm(2 * p)), "{name}, seed {seed}, {adversary:?}");
        }
    });
}
