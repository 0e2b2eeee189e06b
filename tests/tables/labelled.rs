//! Inputs with class labels: noise on both, subsets, one-hot targets, and the share of misclassified rows.

#![allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // small whole numbers

use double_descent::Error;
use double_descent::dataset::Labelled;
use double_descent::risk::{Compressed, error_rate};
use ndarray::{Array2, array, s};
use std::collections::HashSet;

/// Rows that hold their own index, with ten classes in turn.
fn counted(n: usize) -> Labelled {
    let inputs = Array2::from_shape_fn((n, 2), |(i, j)| i as f64 + 0.25 * j as f64);
    Labelled::new("counted", inputs, (0..n).map(|i| i % 10).collect(), 10).unwrap()
}

/// Whether `count` is within five standard deviations of the mean of a binomial count; a right count fails once in 10⁶.
fn is_drawn(count: usize, n: usize, probability: f64) -> bool {
    let n = n as f64;
    (count as f64 - n * probability).abs() <= 5.0 * (n * probability * (1.0 - probability)).sqrt()
}

/// The rows whose label differs from the clean one.
fn noisy_rows(data: &Labelled) -> Vec<usize> {
    (0..data.len()).filter(|&row| data.labels()[row] != data.clean_labels()[row]).collect()
}

/// Deep Double Descent, section 4: with probability p a uniformly random incorrect label, drawn once.
#[test]
fn label_noise_is_that_of_deep_double_descent() {
    let n = 40_000;
    let data = counted(n);
    for probability in [0.0, 1e-3, 0.1, 0.2, 0.5, 1.0] {
        let noisy = data.with_label_noise(probability, 4).unwrap();
        assert_eq!(noisy.clean_labels(), data.labels());
        assert_eq!(noisy.inputs().unwrap(), data.inputs().unwrap());
        let rows = noisy_rows(&noisy);
        assert!(is_drawn(rows.len(), n, probability), "{} of {n} at {probability}", rows.len());
        // Every other class is equally likely, counted by its offset from the clean one.
        for step in 1..10 {
            let is_step = |row: &&usize| noisy.labels()[**row] == (noisy.clean_labels()[**row] + step) % 10;
            let count = rows.iter().filter(is_step).count();
            assert!(is_drawn(count, n, probability / 9.0), "{count} at {probability}, {step}");
        }
        assert_eq!(data.with_label_noise(probability, 4).unwrap(), noisy);
    }
    assert_ne!(data.with_label_noise(0.5, 5).unwrap(), data.with_label_noise(0.5, 4).unwrap());
}

#[test]
fn label_noise_is_nested() {
    let data = counted(3000);
    let noisy = |probability| data.with_label_noise(probability, 1).unwrap();
    // Nested in the probability: labels corrupted at a lower probability stay corrupted, and the same, at a higher one.
    let probabilities = [0.0, 0.05, 0.1, 0.3, 0.9, 1.0];
    for pair in probabilities.windows(2) {
        let (less, more) = (noisy(pair[0]), noisy(pair[1]));
        assert!(noisy_rows(&less).iter().all(|&row| less.labels()[row] == more.labels()[row]));
    }
    assert_eq!(noisy_rows(&noisy(1.0)).len(), 3000);
    // Nested in the number of rows, and in subsets.
    let (large, small) = (data.subset(2000, 7).unwrap(), data.subset(500, 7).unwrap());
    let (large, small) = (large.with_label_noise(0.2, 3).unwrap(), small.with_label_noise(0.2, 3).unwrap());
    assert_eq!(large.labels()[..500], *small.labels());
    // New noise replaces earlier noise.
    assert_eq!(noisy(0.3).with_label_noise(0.1, 1).unwrap(), noisy(0.1));
    assert_eq!(noisy(0.3).with_label_noise(0.0, 9).unwrap(), data);
    assert_eq!(noisy(0.3).without_label_noise(), data);
}

#[test]
fn subsets_are_nested_samples() {
    let data = counted(1000).with_label_noise(0.2, 0).unwrap();
    let row = |data: &Labelled, at: usize| {
        (data.inputs().unwrap().row(at).to_vec(), data.labels()[at], data.clean_labels()[at])
    };
    let everything = data.subset(1000, 3).unwrap();
    // A permutation of all rows, each with its label.
    let places: Vec<usize> = everything.inputs().unwrap().column(0).iter().map(|v| *v as usize).collect();
    assert_eq!(places.iter().collect::<HashSet<_>>().len(), 1000);
    assert!(places.iter().enumerate().all(|(at, &place)| row(&everything, at) == row(&data, place)));
    for n in [1, 17, 999] {
        let subset = data.subset(n, 3).unwrap();
        assert_eq!((subset.len(), subset.name(), subset.classes()), (n, "counted", 10));
        assert_eq!(subset.inputs().unwrap(), &everything.inputs().unwrap().slice(s![..n, ..]));
        assert!((0..n).all(|at| row(&subset, at) == row(&everything, at)));
    }
    assert_ne!(data.subset(17, 4).unwrap(), data.subset(17, 3).unwrap());
    // Every row is equally likely: count how often one of the first 100 is among 10 of 1000.
    let drawn: usize = (0..2000)
        .map(|seed| data.subset(10, seed).unwrap())
        .map(|subset| subset.inputs().unwrap().column(0).iter().filter(|v| **v < 100.0).count())
        .sum();
    assert!(is_drawn(drawn, 20_000, 0.1), "{drawn}");
    assert!(matches!(data.subset(0, 3), Err(Error::Domain { .. })));
    for n in [1001, usize::MAX] {
        assert!(matches!(data.subset(n, 3), Err(Error::TooLarge { most: 1000, found, .. }) if found == n));
    }
}

#[test]
fn input_noise_is_gaussian_and_nested() {
    let data = counted(20_000);
    let noise = |deviation: f64, seed| {
        (data.with_input_noise(deviation, seed).unwrap().inputs().unwrap() - data.inputs().unwrap())
            / deviation
    };
    let drawn = noise(0.5, 2);
    let n = drawn.len() as f64;
    // Five standard deviations of a mean of n draws with variance 1, 2 and 96 (the variance of the fourth power).
    for (power, mean, variance) in [(1, 0.0, 1.0), (2, 1.0, 2.0), (4, 3.0, 96.0_f64)] {
        let found = drawn.mapv(|v| v.powi(power)).mean().unwrap();
        assert!((found - mean).abs() < 5.0 * (variance / n).sqrt(), "power {power}: {found}");
    }
    // Rounding errors at inputs of up to 20,000: ε/2 · 20,000 divided by the deviation, twice.
    let rounding = 20_000.0 * f64::EPSILON / 0.5;
    assert!((noise(4.0, 2) - &drawn).iter().all(|v| v.abs() < rounding));
    assert_ne!(noise(0.5, 3), drawn);
    let noisy = data.with_input_noise(0.5, 2).unwrap();
    assert_eq!((noisy.labels(), noisy.name()), (data.labels(), "counted"));
    let first = counted(50).with_input_noise(0.5, 2).unwrap();
    assert_eq!(first.inputs().unwrap(), &noisy.inputs().unwrap().slice(s![..50, ..]));
    assert_eq!(data.with_input_noise(0.0, 2).unwrap(), data);
    for deviation in [-1.0, f64::NAN, f64::INFINITY] {
        assert!(matches!(data.with_input_noise(deviation, 2), Err(Error::Domain { .. })));
    }
    assert!(matches!(data.with_input_noise(1e308, 2), Err(Error::Overflow { .. })));
}

/// A new release must not change what a seed draws.
#[test]
fn what_seeds_draw() {
    let data = counted(12);
    assert_eq!(
        data.subset(6, 0).unwrap().inputs().unwrap().column(0).to_vec(),
        [1.0, 5.0, 9.0, 7.0, 10.0, 0.0]
    );
    assert_eq!(data.with_label_noise(0.5, 0).unwrap().labels(), [9, 1, 8, 3, 4, 3, 4, 2, 8, 4, 0, 2]);
    let normal = array![[-1.342_318_856_251_649, 0.308_712_552_598_738_53, -0.362_249_593_095_096_47]];
    let noisy = Labelled::new("zeros", Array2::zeros((1, 3)), vec![0], 1).unwrap();
    assert_eq!(noisy.with_input_noise(1.0, 0).unwrap().inputs().unwrap(), &normal);
}

#[test]
fn pixels_are_what_their_values_are() {
    let bytes = Array2::from_shape_fn((256, 2), |(i, j)| (i * (j + 1) % 256) as u8);
    let classes: Vec<usize> = (0..256).map(|i| i % 7).collect();
    let pixels = Labelled::from_pixels("x", bytes.clone(), classes.clone(), 7).unwrap();
    let values = Labelled::new("x", bytes.mapv(|v| f64::from(v) / 255.0), classes, 7).unwrap();
    assert_eq!(pixels, values);
    assert_eq!(pixels.subset(40, 1).unwrap(), values.subset(40, 1).unwrap());
    assert_eq!(pixels.with_label_noise(0.4, 1).unwrap(), values.with_label_noise(0.4, 1).unwrap());
    assert_eq!(pixels.with_input_noise(0.4, 1).unwrap(), values.with_input_noise(0.4, 1).unwrap());
    let dataset = pixels.dataset().unwrap();
    assert_eq!((dataset.name(), dataset.features()), ("x", values.inputs().unwrap()));
    assert_eq!(dataset.targets(), &values.one_hot().unwrap());
    assert!(values.one_hot().unwrap().rows().into_iter().zip(values.labels()).all(|(row, &label)| {
        row.iter().enumerate().all(|(class, v)| *v == f64::from(u8::from(class == label)))
    }));
}

#[test]
fn labels_that_do_not_fit() {
    let new = |inputs: Array2<f64>, labels: &[usize], classes| {
        Labelled::new("x", inputs, labels.to_vec(), classes).map(|data| data.len())
    };
    let inputs = array![[0.0], [1.0]];
    assert_eq!(new(inputs.clone(), &[0, 65_535], 65_536), Ok(2));
    assert_eq!(new(Array2::zeros((0, 1)), &[], 2), Err(Error::Empty { what: "the table of inputs" }));
    assert_eq!(new(Array2::zeros((2, 0)), &[0, 0], 2), Err(Error::Empty { what: "the table of inputs" }));
    assert!(matches!(new(inputs.clone(), &[0], 2), Err(Error::Shape { expected: 2, found: 1, .. })));
    assert!(matches!(new(inputs.clone(), &[0, 2], 2), Err(Error::Domain { value: 2.0, .. })));
    for classes in [0, 65_537, usize::MAX] {
        assert!(matches!(new(inputs.clone(), &[0, 0], classes), Err(Error::Domain { .. })));
    }
    for bad in [f64::NAN, f64::INFINITY] {
        let found = new(array![[0.0], [bad]], &[0, 1], 2);
        assert!(matches!(found, Err(Error::NonFinite { row: 1, column: 0, .. })));
    }
    let data = counted(5);
    for probability in [-1e-9, 1.0 + 1e-9, f64::NAN, f64::INFINITY] {
        assert!(matches!(data.with_label_noise(probability, 0), Err(Error::Domain { .. })));
    }
    let one_class = Labelled::new("x", inputs, vec![0, 0], 1).unwrap();
    assert_eq!(one_class.with_label_noise(0.0, 0), Ok(one_class.clone()));
    assert!(matches!(one_class.with_label_noise(0.1, 0), Err(Error::Domain { value: 1.0, .. })));
}

#[test]
fn the_error_rate_counts_wrong_classes() {
    let data = counted(500).with_label_noise(0.3, 2).unwrap();
    let rate = noisy_rows(&data).len() as f64 / 500.0;
    let clean = data.without_label_noise();
    for predictions in
        [data.one_hot().unwrap(), data.one_hot().unwrap() * 1e308, data.one_hot().unwrap() * 5e-324]
    {
        assert_eq!(error_rate(&predictions, data.labels()), Ok(0.0));
        assert_eq!(error_rate(&predictions, clean.labels()), Ok(rate));
        assert_eq!(error_rate(&-predictions, data.labels()), Ok(1.0));
    }
    // Ties go to the first class.
    assert_eq!(error_rate(&Array2::zeros((2, 3)), &[0, 1]), Ok(0.5));
    assert_eq!(error_rate(&array![[-1.0, 0.0, -0.0]], &[1]), Ok(0.0));
    assert_eq!(error_rate(&array![[-1.0, -0.0, 0.0]], &[1]), Ok(0.0));
    let predictions = array![[0.1, 0.2], [0.4, 0.3]];
    assert!(matches!(error_rate(&predictions, &[0]), Err(Error::Shape { expected: 2, found: 1, .. })));
    assert!(matches!(error_rate(&predictions, &[0, 2]), Err(Error::Domain { value: 2.0, .. })));
    assert!(matches!(error_rate(&Array2::zeros((0, 2)), &[]), Err(Error::Empty { .. })));
    assert!(matches!(error_rate(&Array2::zeros((2, 0)), &[0, 0]), Err(Error::Empty { .. })));
    for bad in [f64::NAN, f64::INFINITY] {
        let found = error_rate(&array![[0.1, 0.2], [bad, 0.3]], &[0, 0]);
        assert!(matches!(found, Err(Error::NonFinite { row: 1, column: 0, .. })));
    }
}

/// The table that errors are measured on must not be empty, and the parameters must be finite.
#[test]
fn tables_without_columns_and_parameters_that_are_no_numbers() {
    let (x, y) = (array![[1.0, 2.0], [3.0, 4.0]], array![[1.0], [2.0]]);
    for (rows, columns) in [(2, 0), (0, 1), (0, 0)] {
        let nothing = Array2::zeros((rows, columns));
        assert!(matches!(Compressed::new(&x, &nothing), Err(Error::Empty { .. })));
        assert!(matches!(Compressed::new(&nothing, &y), Err(Error::Empty { .. })));
        assert!(matches!(Compressed::population(&Array2::eye(2), &nothing), Err(Error::Empty { .. })));
    }
    let table = Compressed::new(&x, &y).unwrap();
    for bad in [f64::NAN, f64::INFINITY] {
        let found = table.mean_squared_error(&array![[0.0], [bad]]);
        assert!(matches!(found, Err(Error::NonFinite { row: 1, column: 0, .. })), "{found:?}");
    }
    assert!(matches!(table.mean_squared_error(&array![[1e200], [0.0]]), Err(Error::Overflow { .. })));
}
