//! Labels corrupted as in studies of label noise, and what errors on noisy labels imply about errors on clean ones.

#![allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // small whole numbers

use double_descent::Error;
use double_descent::dataset::{Dataset, Labelled};
use double_descent::filter::MinNorm;
use double_descent::risk::{Compressed, SplitErrors, SymmetricNoise, error_rate};
use double_descent::rng::stream;
use double_descent::svd::Svd;
use ndarray::{Array1, Array2, array, s};
use rand::RngExt;
use rand_distr::StandardNormal;

/// Rows that hold their own index, with the classes `0..classes` in turn.
fn counted(n: usize, classes: usize) -> Labelled {
    let inputs = Array2::from_shape_fn((n, 2), |(i, j)| i as f64 + 0.25 * j as f64);
    Labelled::new("counted", inputs, (0..n).map(|i| i % classes).collect(), classes).unwrap()
}

fn corrupted(data: &Labelled) -> usize {
    data.corrupted_rows().iter().filter(|corrupted| **corrupted).count()
}

/// Whether `count` is within five standard deviations of the mean of a binomial count; a right count fails once in 10⁶.
fn is_drawn(count: usize, n: usize, probability: f64) -> bool {
    let n = n as f64;
    (count as f64 - n * probability).abs() <= 5.0 * (n * probability * (1.0 - probability)).sqrt()
}

#[test]
fn random_labels_are_drawn_from_all_classes() {
    let (n, classes) = (40_000, 5);
    let data = counted(n, classes);
    for probability in [0.0, 0.1, 0.5, 1.0] {
        let random = data.with_random_labels(probability, 3).unwrap();
        assert!(is_drawn(corrupted(&random), n, probability * 0.8), "{probability}");
        for class in 0..classes {
            let count = random.labels().iter().filter(|label| **label == class).count();
            assert!(is_drawn(count, n, 0.2), "{count} of class {class} at {probability}");
        }
        assert_eq!(random.clean_labels(), data.labels());
        assert_eq!(random, data.with_random_labels(probability, 3).unwrap());
        // New noise replaces earlier noise.
        assert_eq!(
            random,
            random.with_label_noise(0.7, 1).unwrap().with_random_labels(probability, 3).unwrap()
        );
    }
    // At probability 1 the labels are independent of the clean ones: all pairs are equally likely.
    let random = data.with_random_labels(1.0, 3).unwrap();
    for pair in 0..classes * classes {
        let is_pair =
            |row: &usize| (random.labels()[*row], row % classes) == (pair / classes, pair % classes);
        let count = (0..n).filter(is_pair).count();
        assert!(is_drawn(count, n / classes, 0.2), "{count}");
    }
    let (less, more) = (data.with_random_labels(0.2, 4).unwrap(), data.with_random_labels(0.6, 4).unwrap());
    let kept = |row: usize| !less.corrupted_rows()[row] || less.labels()[row] == more.labels()[row];
    assert!((0..200).all(kept));
}

#[test]
fn pseudorandom_labels_are_a_function_of_the_inputs() {
    let (n, classes) = (20_000, 10);
    let data = counted(n, classes);
    for probability in [0.0, 0.2, 1.0] {
        let noisy = data.with_pseudorandom_labels(probability, 9).unwrap();
        assert!(is_drawn(corrupted(&noisy), n, probability), "{probability}");
        for step in 1..classes {
            let is_step = |row: &usize| noisy.labels()[*row] == (row + step) % classes;
            let count = (0..n).filter(is_step).count();
            assert!(is_drawn(count, n, probability / 9.0), "{count} at {probability}, {step}");
        }
    }
    let noisy = data.with_pseudorandom_labels(0.5, 9).unwrap();
    assert_ne!(noisy.labels(), data.with_pseudorandom_labels(0.5, 10).unwrap().labels());
    // A row's label does not depend on its position; 0 and −0 count as equal.
    let subset = data.subset(3000, 1).unwrap().with_pseudorandom_labels(0.5, 9).unwrap();
    for (row, label) in subset.inputs().unwrap().rows().into_iter().zip(subset.labels()) {
        assert_eq!(*label, noisy.labels()[row[0] as usize]);
    }
    let zeros = Labelled::new("zeros", array![[0.0, 1.0], [-0.0, 1.0]], vec![3, 3], 10).unwrap();
    for seed in 0..20 {
        let labels = zeros.with_pseudorandom_labels(1.0, seed).unwrap();
        assert_eq!(labels.labels()[0], labels.labels()[1]);
    }
    // The order of the columns matters.
    let swapped = Labelled::new("swapped", array![[0.0, 1.0], [1.0, 0.0]], vec![3, 3], 1000).unwrap();
    let differ = (0..20).filter(|&seed| {
        let labels = swapped.with_pseudorandom_labels(1.0, seed).unwrap();
        labels.labels()[0] != labels.labels()[1]
    });
    assert!(differ.count() >= 18);
}

/// The peak at n = p needs misspecification, not randomness: a deterministic teacher outside the model class has it
/// too.
#[test]
fn a_pseudorandom_teacher_has_a_peak() {
    let (p, repeats) = (20, 30);
    let mut rng = stream(1, 0, 0);
    let x = Array2::from_shape_simple_fn((p * 40, p), || rng.sample::<f64, _>(StandardNormal));
    let y = x.dot(&Array1::from_elem(p, 0.2)).insert_axis(ndarray::Axis(1));
    let clean = Dataset::new("linear", x, y).unwrap();
    let noisy = clean.clone().with_pseudorandom_target_noise(0.5, 3).unwrap();
    assert_eq!(noisy, clean.clone().with_pseudorandom_target_noise(0.5, 3).unwrap());
    assert!(noisy.preparation().contains("pseudorandom target noise of standard deviation 0.5, seed 3"));
    let median = |data: &Dataset, n: usize| {
        let test = Compressed::new(data.features(), data.targets()).unwrap();
        let mut errors: Vec<f64> = (0..repeats)
            .map(|i| {
                let rows = s![i * 20..i * 20 + n, ..];
                let svd = Svd::new(&data.features().slice(rows)).unwrap();
                let fit = svd.solve(&data.targets().slice(rows), &MinNorm::default()).unwrap();
                test.mean_squared_error(&fit).unwrap()[0]
            })
            .collect();
        errors.sort_by(f64::total_cmp);
        errors[repeats / 2]
    };
    assert!(
        median(&noisy, p) > 3.0 * median(&noisy, p / 2) && median(&noisy, p) > 3.0 * median(&noisy, 3 * p)
    );
    assert!(median(&clean, p) < 1e-12);
}

#[test]
fn target_noise_is_drawn_once() {
    let (n, deviation) = (20_000, 2.5);
    let data = Dataset::new("zeros", Array2::ones((n, 1)), Array2::from_elem((n, 2), 7.0)).unwrap();
    let noisy = data.clone().with_target_noise(deviation, 5).unwrap();
    assert_eq!(noisy, data.clone().with_target_noise(deviation, 5).unwrap());
    assert!(noisy.preparation().ends_with("target noise of standard deviation 2.5, seed 5"));
    for column in 0..2 {
        let noise = noisy.targets().column(column).mapv(|y| y - 7.0);
        let (mean, square) = (noise.mean().unwrap(), noise.mapv(|e| e * e).mean().unwrap());
        // Five standard errors of the mean and of the variance of normal numbers.
        let error = deviation / (n as f64).sqrt();
        assert!(mean.abs() < 5.0 * error);
        assert!(
            (square - deviation * deviation).abs() < 5.0 * deviation * deviation * (2.0 / n as f64).sqrt()
        );
        // For any fixed prediction, E (f − y)² on noisy targets is the clean value plus the variance.
        let f = 4.0;
        let on_noisy = noisy.targets().column(column).mapv(|y| (f - y) * (f - y)).mean().unwrap();
        let cross = 2.0 * (f - 7.0) * mean; // the sample's own contribution, known exactly
        assert!((on_noisy - ((f - 7.0_f64).powi(2) + square - cross)).abs() < 1e-9);
    }
    // With one seed, only the scale differs; a longer table starts with the rows of the shorter one.
    let scaled = data.clone().with_target_noise(2.0 * deviation, 5).unwrap();
    for (one, two) in noisy.targets().iter().zip(scaled.targets()) {
        assert!((2.0 * (one - 7.0) - (two - 7.0)).abs() < 1e-12);
    }
    let (first, _) = data.clone().split(100).unwrap();
    assert_eq!(
        first.with_target_noise(deviation, 5).unwrap().targets(),
        &noisy.targets().slice(s![..100, ..])
    );
    // Equal rows get equal pseudorandom noise.
    let same = data.clone().with_pseudorandom_target_noise(1.0, 5).unwrap();
    assert!(same.targets().rows().into_iter().all(|row| row == same.targets().row(0)));
    for deviation in [-1.0, f64::NAN, f64::INFINITY] {
        assert!(matches!(data.clone().with_target_noise(deviation, 0), Err(Error::Domain { .. })));
    }
    assert!(matches!(data.with_target_noise(1e308, 0), Err(Error::Overflow { .. }) | Ok(_)));
}

#[test]
fn augmented_copies_share_their_noisy_label() {
    let noisy = counted(300, 10).with_label_noise(0.4, 2).unwrap();
    let all = noisy.augmented(3, |row, copy| &row + 1000.0 * copy as f64).unwrap();
    assert_eq!(all.len(), 900);
    for copy in 0..3 {
        let rows = copy * 300..(copy + 1) * 300;
        assert_eq!(&all.labels()[rows.clone()], noisy.labels());
        assert_eq!(&all.clean_labels()[rows.clone()], noisy.clean_labels());
        let inputs = all.inputs().unwrap().slice(s![rows, ..]).mapv(|v| v - 1000.0 * copy as f64);
        assert_eq!(inputs, noisy.inputs().unwrap());
    }
    // Each copy gets input noise of its own, and labels corrupted after augmentation are drawn for each copy.
    let jittered = noisy.augmented(2, |row, _| row.to_owned()).unwrap().with_input_noise(0.1, 1).unwrap();
    assert_ne!(jittered.inputs().unwrap().row(0), jittered.inputs().unwrap().row(300));
    assert_eq!(jittered.labels()[0], jittered.labels()[300]);
    let later =
        counted(300, 10).augmented(2, |row, _| row.to_owned()).unwrap().with_label_noise(0.4, 2).unwrap();
    assert_ne!(later.labels()[..300], later.labels()[300..]);

    assert!(matches!(noisy.augmented(0, |row, _| row.to_owned()), Err(Error::Domain { .. })));
    let refused = noisy
        .augmented(2, |row, copy| if copy == 1 { row.slice(s![..1]).to_owned() } else { row.to_owned() });
    match refused {
        Err(Error::UserCode { part, reason }) => {
            assert!(part.contains("copy 1 of row 0") && reason.contains("1 inputs"));
        }
        other => panic!("{other:?}"),
    }
    let refused = noisy.augmented(1, |row, _| row.mapv(|v| if v == 7.25 { f64::NAN } else { v }));
    match refused {
        Err(Error::UserCode { part, .. }) => assert!(part.contains("copy 0 of row 7"), "{part}"),
        other => panic!("{other:?}"),
    }
    let refused =
        noisy.augmented(1, |row, _| if row[0] == 3.0 { panic!("no version") } else { row.to_owned() });
    assert!(matches!(refused, Err(Error::UserCode { reason, .. }) if reason.contains("no version")));
}

#[test]
fn smoothed_targets() {
    let data = counted(20, 4);
    assert_eq!(data.smoothed_one_hot(0.0).unwrap(), data.one_hot().unwrap());
    assert_eq!(data.smoothed_one_hot(1.0).unwrap(), Array2::from_elem((20, 4), 0.25));
    let smooth = data.smoothed_one_hot(0.2).unwrap();
    assert!(smooth.rows().into_iter().all(|row| (row.sum() - 1.0).abs() < 1e-15));
    assert!((smooth[[1, 1]] - 0.85).abs() < 1e-15 && (smooth[[1, 0]] - 0.05).abs() < 1e-15);
    // Least squares is linear in its targets: the fit of smoothed ones is (1 − α) times that of one-hot ones plus α/K
    // times that of ones.
    let x = data.inputs().unwrap().mapv(|v| (v * 1.7).sin());
    let svd = Svd::new(&x).unwrap();
    let fit = |targets: &Array2<f64>| svd.solve(targets, &MinNorm::default()).unwrap();
    let mixed = fit(&data.one_hot().unwrap()) * 0.8 + fit(&Array2::ones((20, 4))) * 0.05;
    assert!((fit(&smooth) - mixed).iter().all(|v| v.abs() < 1e-14));
    for alpha in [-0.1, 1.1, f64::NAN] {
        assert!(matches!(data.smoothed_one_hot(alpha), Err(Error::Domain { .. })));
        assert!(matches!(data.with_random_labels(alpha, 0), Err(Error::Domain { .. })));
        assert!(matches!(data.with_pseudorandom_labels(alpha, 0), Err(Error::Domain { .. })));
        assert!(matches!(SymmetricNoise::new(alpha, 4), Err(Error::Domain { .. })));
    }
    assert!(counted(3, 1).with_pseudorandom_labels(0.5, 0).is_err());
    assert_eq!(counted(3, 1).with_random_labels(0.5, 0).unwrap(), counted(3, 1));
}

/// Predictions independent of the noise: the exact expectation over all labels, and agreement with simulated noise
/// within its spread.
#[test]
fn noisy_errors_and_clean_ones() {
    let (n, classes) = (4000, 6);
    let data = counted(n, classes);
    let mut rng = stream(8, 0, 0);
    let predictions = data.one_hot().unwrap().mapv(|hot| hot + 0.7 * rng.sample::<f64, _>(StandardNormal));
    let clean_rate = error_rate(&predictions, data.labels()).unwrap();
    let mse = |labels: &Labelled| {
        let off = &predictions - &labels.one_hot().unwrap();
        off.mapv(|v| v * v).mean().unwrap()
    };
    let clean_mse = mse(&data);
    for probability in [0.0, 0.2, 0.5, 0.9, 1.0] {
        let noise = SymmetricNoise::new(probability, classes).unwrap();
        // The expectation, by enumerating every other label of each row.
        let (mut rate, mut mean) = ((1.0 - probability) * clean_rate, (1.0 - probability) * clean_mse);
        for step in 1..classes {
            let labels: Vec<usize> = data.labels().iter().map(|label| (label + step) % classes).collect();
            let other = Labelled::new("other", data.inputs().unwrap().clone(), labels, classes).unwrap();
            let share = probability / (classes - 1) as f64;
            rate += share * error_rate(&predictions, other.labels()).unwrap();
            mean += share * mse(&other);
        }
        assert!((noise.noisy_error_rate(clean_rate) - rate).abs() < 1e-12, "{probability}");
        assert!((noise.noisy_mse(&predictions, clean_mse).unwrap() - mean).abs() < 1e-12, "{probability}");
        // And back.
        assert!((noise.clean_error_rate(rate).unwrap() - clean_rate).abs() < 1e-12);
        assert!((noise.clean_mse(&predictions, mean).unwrap() - clean_mse).abs() < 1e-12);
        // 200 draws, each with an error rate of standard deviation at most √(1/4n).
        let draws: Vec<Labelled> =
            (0..200).map(|seed| data.with_label_noise(probability, seed).unwrap()).collect();
        let found =
            draws.iter().map(|noisy| error_rate(&predictions, noisy.labels()).unwrap()).sum::<f64>() / 200.0;
        assert!((found - rate).abs() <= 5.0 * 0.5 / (200.0 * n as f64).sqrt(), "{probability}");
        let values: Vec<f64> = draws.iter().map(&mse).collect();
        let average = values.iter().sum::<f64>() / 200.0;
        let spread = (values.iter().map(|v| (v - average).powi(2)).sum::<f64>() / 199.0 / 200.0).sqrt();
        assert!((average - mean).abs() <= 5.0 * spread + 1e-12, "{probability}");
    }
    let blind = SymmetricNoise::new(5.0 / 6.0, classes).unwrap();
    assert!(matches!(blind.clean_error_rate(0.5), Err(Error::Domain { .. })));
    assert!(blind.clean_mse(&predictions, 0.1).is_err());
    assert!(SymmetricNoise::new(0.1, 1).is_err());
    assert!(matches!(blind.noisy_mse(&Array2::zeros((2, 3)), 0.1), Err(Error::Shape { .. })));
}

#[test]
fn training_errors_by_kind_of_row() {
    let (n, classes) = (400, 4);
    let noisy = counted(n, classes).with_label_noise(0.25, 3).unwrap();
    let (labels, clean) = (noisy.labels(), noisy.clean_labels());
    let split = |predictions: &Array2<f64>| SplitErrors::new(predictions, labels, clean).unwrap();
    let all = corrupted(&noisy);
    // A memorising fit is right on every given label, and wrong on the clean label of every corrupted row.
    let memory = split(&noisy.one_hot().unwrap());
    let (kept, wrong) = (memory.clean.unwrap(), memory.corrupted.unwrap());
    assert_eq!((kept.rows, wrong.rows), (n - all, all));
    assert_eq!((kept.error_rate, kept.error_rate_on_clean, kept.mse), (0.0, 0.0, 0.0));
    assert_eq!((wrong.error_rate, wrong.error_rate_on_clean, wrong.mse), (0.0, 1.0, 0.0));
    // A fit that has learned the clean labels does the opposite.
    let learned = split(&noisy.without_label_noise().one_hot().unwrap());
    let wrong = learned.corrupted.unwrap();
    assert_eq!((wrong.error_rate, wrong.error_rate_on_clean, wrong.mse), (1.0, 0.0, 0.5));
    // Weighted by their numbers of rows, the two kinds give the error over all rows.
    let mut rng = stream(1, 0, 0);
    let predictions = Array2::from_shape_simple_fn((n, classes), || rng.sample::<f64, _>(StandardNormal));
    let errors = split(&predictions);
    let (kept, wrong) = (errors.clean.unwrap(), errors.corrupted.unwrap());
    let mean = |of: &dyn Fn(double_descent::risk::RowErrors) -> f64| {
        (kept.rows as f64 * of(kept) + wrong.rows as f64 * of(wrong)) / n as f64
    };
    assert!((mean(&|e| e.error_rate) - error_rate(&predictions, labels).unwrap()).abs() < 1e-14);
    assert!((mean(&|e| e.error_rate_on_clean) - error_rate(&predictions, clean).unwrap()).abs() < 1e-14);
    let whole = (&predictions - &noisy.one_hot().unwrap()).mapv(|v| v * v).mean().unwrap();
    assert!((mean(&|e| e.mse) / whole - 1.0).abs() < 1e-13);
    // Without noise there is only one kind.
    let none = SplitErrors::new(&predictions, clean, clean).unwrap();
    assert!(none.corrupted.is_none() && none.clean.is_some());
    assert!(matches!(SplitErrors::new(&predictions, &labels[1..], clean), Err(Error::Shape { .. })));
    assert!(matches!(SplitErrors::new(&array![[1.0, 2.0]], &[2], &[0]), Err(Error::Domain { .. })));
    assert!(matches!(SplitErrors::new(&array![[f64::NAN]], &[0], &[0]), Err(Error::NonFinite { .. })));
    assert!(matches!(SplitErrors::new(&Array2::zeros((0, 2)), &[], &[]), Err(Error::Empty { .. })));
}
