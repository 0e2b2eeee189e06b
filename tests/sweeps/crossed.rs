//! Errors decomposed over training sets, label noise and feature seeds: a study of crossed fits.

use crate::common::matrices::normal;
use crate::common::monte_carlo::{Mean, Z};
use double_descent::dataset::Dataset;
use double_descent::features::{FeatureMap, RandomFourier};
use double_descent::filter::{MinNorm, SpectralFilter, Spectrum};
use double_descent::risk::{Component, Decomposition, VarianceSource};
use double_descent::rng::stream;
use double_descent::svd::Svd;
use double_descent::sweep::{Arm, Crossed, Draw, ErrorSplit, Maps, Source, SplitFailure, Splits, TestOn};
use double_descent::theory::gaussian;
use double_descent::{Adversary, Error};
use ndarray::{Array1, Array2, ArrayRef2, Axis, s};
use rand::RngExt;
use rand_distr::StandardNormal;
use std::ops::ControlFlow;

const S: VarianceSource = VarianceSource::Sampling;
const N: VarianceSource = VarianceSource::LabelNoise;
const I: VarianceSource = VarianceSource::Initialisation;

/// Returns every component of the decomposition.
fn parts(parts: &Decomposition) -> Vec<Component> {
    let sets: [&[VarianceSource]; 7] = [&[S], &[N], &[I], &[S, N], &[S, I], &[N, I], &[S, N, I]];
    let variances = sets.iter().filter_map(|set| parts.variance(set));
    [parts.bias_squared(), parts.excess()].into_iter().chain(variances).collect()
}

fn same(found: &ErrorSplit, right: &Decomposition) {
    let (found, right) = (parts(&found.parts), parts(right));
    assert_eq!(found.len(), right.len());
    let unit = right[1].value;
    for (found, right) in found.iter().zip(&right) {
        assert!((found.value - right.value).abs() < 1e-10 * unit, "{} {}", found.value, right.value);
        match (found.standard_error, right.standard_error) {
            (Some(found), Some(right)) => assert!((found - right).abs() < 1e-9 * (unit + right)),
            (found, right) => assert_eq!(found, right),
        }
    }
}

/// Returns the noise of a draw: a separate stream, the same for every training set and map.
fn noise(study: &Crossed, draw: usize, (n, k): (usize, usize)) -> Array2<f64> {
    let mut rng = stream(study.noise_seed, 0x9000_0001, draw);
    Array2::from_shape_simple_fn((n, k), || study.noise * rng.sample::<f64, _>(StandardNormal))
}

fn fit(x: &Array2<f64>, y: &Array2<f64>, filter: &dyn SpectralFilter) -> Array2<f64> {
    Svd::new(x).unwrap().solve(y, filter).unwrap()
}

fn arms() -> Vec<Arm> {
    vec![Arm::min_norm(), Arm::ridge(0.3).unwrap()]
}

fn tables() -> (Dataset, Dataset) {
    let table = |rows, seed| Dataset::new("drawn", normal(rows, 3, seed), normal(rows, 2, seed + 1)).unwrap();
    (table(30, 1), table(40, 3))
}

/// Two outputs, two sizes and two estimators: with several maps, with one, and without.
#[test]
fn a_crossed_study_is_the_decomposition_of_fits_one_by_one() {
    let (train, test) = tables();
    for (seeds, features) in [(3, vec![4, 12]), (1, vec![4, 12]), (1, Vec::new())] {
        let source = Source::TrainTest { train: train.clone(), test: test.clone() };
        let with_maps = !features.is_empty();
        let map = |seed: usize| RandomFourier::gaussian(3, 12, 0.2, seed as u64);
        let study = Crossed {
            maps: if with_maps { Maps::drawn(map) } else { Maps::none() },
            seeds,
            noise: 0.4,
            draws: 4,
            noise_seed: 9,
            samples: vec![6, 10],
            features,
            arms: arms(),
            ..Crossed::of(source, Splits::Drawn { repeats: 5, seed: 2 })
        };
        let orders = study.splits.orders(30, 10).unwrap();
        let truth: Array1<f64> = test.targets().iter().copied().collect();
        let found = study.run().unwrap();
        let splits = &found.splits;
        assert_eq!(splits.len(), if with_maps { 8 } else { 4 });
        assert!(found.failures.is_empty() && found.complete);
        for split in splits {
            let design = |inputs: &Array2<f64>, seed: usize| {
                if with_maps { map(seed).unwrap().design(inputs, split.p).unwrap() } else { inputs.clone() }
            };
            let by_hand = Decomposition::of_fits([5, 4, seeds], &truth, |set, draw, seed| {
                let rows = &orders[set][..split.n];
                let y = train.targets().select(Axis(0), rows)
                    + noise(&study, draw, (10, 2)).slice(s![..split.n, ..]);
                let x = design(&train.features().select(Axis(0), rows), seed);
                let beta = fit(&x, &y, &*study.arms[split.arm].estimator);
                Ok(design(test.features(), seed).dot(&beta).iter().copied().collect())
            });
            same(split, &by_hand.unwrap());
        }
        // Neither the number of threads nor a progress handler changes the result.
        let alone = Crossed { threads: Some(1), ..study.clone() };
        assert_eq!(alone.run().unwrap(), found);
    }
}

/// Draws `N(0, I)` inputs of `d` dimensions, with a teacher of length 1; the population has the given covariance.
fn population(seed: u64, (n, d): (usize, usize), covariance: Array2<f64>) -> Source {
    Source::drawn("normal", move |repeat| {
        let mut rng = stream(seed, 1, repeat);
        let inputs = Array2::from_shape_simple_fn((n, d), || rng.sample::<f64, _>(StandardNormal));
        let teacher = Array2::from_elem((d, 1), (d as f64).sqrt().recip());
        let targets = inputs.dot(&teacher);
        let test = TestOn::Population { covariance: covariance.clone(), teacher, deviation: 0.3 };
        Ok(Draw { inputs, targets, test })
    })
}

/// Over a population, the mean over test points is an expectation: it equals that of fits tested on the rows of a root
/// of the covariance.
#[test]
fn populations_are_expectations() {
    let (n, d) = (8, 12);
    let root = normal(d, d, 4);
    let covariance = root.t().dot(&root);
    let source = population(5, (n, d), covariance);
    let study = Crossed {
        noise: 0.5,
        draws: 3,
        samples: vec![n],
        features: vec![5, 12],
        arms: arms(),
        ..Crossed::of(source.clone(), Splits::Drawn { repeats: 4, seed: 0 })
    };
    let Source::Drawn(drawn) = &source else { panic!("not drawn") };
    let teacher = Array2::from_elem((d, 1), (d as f64).sqrt().recip());
    // With d rows, the mean of squares is 1/d of the sum.
    let rows = &root * (d as f64).sqrt();
    let truth = rows.dot(&teacher).remove_axis(Axis(1));
    for split in study.run().unwrap().splits {
        let by_hand = Decomposition::of_fits([4, 3, 1], &truth, |set, draw, _| {
            let Draw { inputs, targets, .. } = drawn.of(set)?;
            let x = inputs.slice(s![.., ..split.p]).to_owned();
            let beta = fit(&x, &(targets + noise(&study, draw, (n, 1))), &*study.arms[split.arm].estimator);
            Ok(rows.slice(s![.., ..split.p]).dot(&beta).remove_axis(Axis(1)))
        });
        same(&split, &by_hand.unwrap());
    }
}

/// Minimum-norm fits on weak Gaussian features have the bias and the variances of the closed form, on both sides of the
/// threshold. Means over 400 small studies, whose estimates are unbiased, are compared by ten z-scores.
#[test]
fn weak_features_have_the_split_of_the_closed_form() {
    let (n, d, level) = (16, 40, 0.4_f64);
    for p in [6, 30] {
        let mut found: Vec<Mean> = (0..5).map(|_| Mean::new()).collect();
        for seed in 0..400 {
            let study = Crossed {
                noise: level.sqrt(),
                draws: 3,
                noise_seed: seed,
                samples: vec![n],
                features: vec![p],
                threads: Some(1),
                ..Crossed::of(
                    population(100 + seed, (n, d), Array2::eye(d)),
                    Splits::Drawn { repeats: 3, seed: 0 },
                )
            };
            let parts = study.run().unwrap().splits.remove(0).parts;
            let variance = |set: &[VarianceSource]| parts.variance(set).unwrap().value;
            let all = [
                parts.bias_squared().value,
                variance(&[S]),
                variance(&[S, N]),
                variance(&[N]),
                parts.excess().value,
            ];
            found.iter_mut().zip(all).for_each(|(mean, value)| mean.add(value));
            // The two halves of the excess risk.
            let halves = parts.without(N).value + parts.total_effect(N).value;
            assert!((halves - parts.excess().value).abs() < 1e-12 * parts.excess().value.abs().max(1.0));
            assert!((parts.total_effect(N).value - parts.sequential().noise.value).abs() < 1e-12);
        }
        let seen = p as f64 / d as f64;
        let known = gaussian::split(n, p, seen, 1.0 - seen, level).unwrap();
        let right = [known.bias_squared, known.inputs, known.inputs_and_noise, 0.0, known.total()];
        for (part, (mean, right)) in found.iter().zip(right).enumerate() {
            assert!(mean.z(right) < Z, "p = {p}, part {part}: {} for {right}", mean.mean());
        }
    }
}

/// The components sum to the known risk at every size.
#[test]
fn the_closed_form_adds_up() {
    for (n, p) in [(0, 3), (5, 5), (5, 6), (20, 3), (3, 20), (7, 100)] {
        for (seen, unseen, noise) in [(1.0, 0.0, 0.0), (0.3, 0.7, 0.0), (0.5, 0.5, 2.0)] {
            let split = gaussian::split(n, p, seen, unseen, noise).unwrap();
            let right = gaussian::weak_features(n, p, seen, unseen, noise).unwrap();
            let off = (split.total() - right).abs();
            assert!(split.total() == right || off < 1e-14 * right, "{n} × {p}: {split:?}, {right}");
        }
    }
    assert!(matches!(gaussian::split(3, 3, -1.0, 0.0, 1.0), Err(Error::Domain { .. })));
    assert!(matches!(gaussian::split(3, 3, 1.0, f64::NAN, 1.0), Err(Error::Domain { .. })));
}

#[test]
fn studies_that_cannot_be_run() {
    let (train, test) = tables();
    let base = || Crossed {
        samples: vec![5],
        draws: 2,
        noise: 0.1,
        ..Crossed::of(
            Source::TrainTest { train: train.clone(), test: test.clone() },
            Splits::Drawn { repeats: 2, seed: 0 },
        )
    };
    assert!(base().run().is_ok());
    for empty in [
        Crossed { samples: Vec::new(), ..base() },
        Crossed { arms: Vec::new(), ..base() },
        Crossed { draws: 0, ..base() },
        Crossed { seeds: 0, ..base() },
        Crossed { splits: Splits::Drawn { repeats: 0, seed: 0 }, ..base() },
    ] {
        assert!(matches!(empty.run(), Err(Error::Empty { .. })));
    }
    let map = |seed: usize| RandomFourier::gaussian(3, 12, 0.2, seed as u64);
    let mapped = || Crossed { features: vec![4], maps: Maps::drawn(map), ..base() };
    assert!(mapped().run().is_ok());
    for absurd in [
        Crossed { seeds: usize::MAX, ..mapped() },
        Crossed { seeds: usize::MAX / 64, ..mapped() },
        Crossed { draws: usize::MAX, ..mapped() },
        Crossed { splits: Splits::Drawn { repeats: usize::MAX, seed: 0 }, ..mapped() },
    ] {
        assert!(matches!(absurd.run(), Err(Error::Memory { .. })));
        // Costs are known without memory.
        assert!(absurd.workload().is_ok());
    }
    for domain in [
        Crossed { samples: vec![0], ..base() },
        Crossed { features: vec![0], ..base() },
        Crossed { noise: -0.1, ..base() },
        Crossed { noise: f64::NAN, ..base() },
        Crossed { draws: 1, splits: Splits::Drawn { repeats: 1, seed: 0 }, ..base() },
    ] {
        assert!(matches!(domain.run(), Err(Error::Domain { .. })), "{:?}", domain.run());
    }
    for (large, count) in
        [(Crossed { samples: vec![31], ..base() }, 31), (Crossed { features: vec![4], ..base() }, 4)]
    {
        let error = large.run().unwrap_err();
        assert!(
            matches!(error, Error::TooLarge { found, most, .. } if found == count && most == count - 1),
            "{error:?}"
        );
    }
    let attacked = Arm::attacked(Adversary::TestDatum { strength: 1.0 });
    let with_targets = Arm::min_norm().trained_on(None, Array2::zeros((30, 2)));
    let other_tests = Source::drawn("odd", |repeat| {
        let tests = TestOn::Rows { inputs: normal(4, 3, repeat as u64), targets: Array2::zeros((4, 1)) };
        Ok(Draw { inputs: normal(5, 3, 1), targets: Array2::zeros((5, 1)), test: tests })
    });
    let map = |seed: usize| RandomFourier::gaussian(12, 4, 0.2, seed as u64);
    for unsupported in [
        Crossed { source: Source::Table(train.clone()), ..base() },
        Crossed { source: other_tests, ..base() },
        Crossed { seeds: 2, ..base() },
        Crossed { arms: vec![attacked], ..base() },
        Crossed { arms: vec![Arm::no_residuals()], ..base() },
        Crossed { arms: vec![with_targets], ..base() },
        Crossed { arms: vec![Arm::warm_start()], ..base() },
        Crossed { arms: vec![Arm::random_start(1.0).unwrap()], ..base() },
        Crossed { arms: vec![Arm::min_norm(), Arm::min_norm()], ..base() },
        Crossed { source: population(1, (5, 12), Array2::eye(12)), maps: Maps::drawn(map), ..base() },
    ] {
        assert!(matches!(unsupported.run(), Err(Error::Unsupported { .. })), "{:?}", unsupported.run());
    }
    // A draw that fails is reported with its place.
    let broken = Source::drawn("broken", |_| panic!("no rows"));
    match (Crossed { source: broken, ..base() }).run() {
        Err(Error::UserCode { reason, .. }) => assert!(reason.contains("no rows")),
        other => panic!("{other:?}"),
    }
}

/// Random features that cannot be made for more than 4 of them.
#[derive(Debug)]
struct Narrow(RandomFourier);

impl FeatureMap for Narrow {
    fn input_dimension(&self) -> usize {
        self.0.input_dimension()
    }

    fn design(&self, inputs: &ArrayRef2<f64>, p: usize) -> Result<Array2<f64>, Error> {
        if p > 4 { Err(Error::Overflow { what: "a feature" }) } else { self.0.design(inputs, p) }
    }

    fn describe(&self) -> String {
        "narrow".into()
    }
}

/// Minimum norm, refused for 10 training samples.
#[derive(Debug)]
struct NotForTen;

impl SpectralFilter for NotForTen {
    fn check(&self, spectrum: Spectrum<'_>) -> Result<(), Error> {
        if spectrum.shape().0 == 10 { Err(Error::StepTooLarge { step: 2.0, limit: 1.0 }) } else { Ok(()) }
    }

    fn write_gains(&self, spectrum: Spectrum<'_>, gains: &mut [f64]) {
        MinNorm::default().write_gains(spectrum, gains);
    }

    fn describe(&self) -> String {
        "not for ten".into()
    }
}

/// A size at which the map fails, or an estimator does, costs nothing but itself; so in shards.
#[test]
fn what_fails_leaves_the_rest() {
    let (train, test) = tables();
    let source = Source::TrainTest { train, test };
    let map = |seed: usize| RandomFourier::gaussian(3, 40, 0.2, seed as u64).map(Narrow);
    let study = |samples: Vec<usize>, features: Vec<usize>, arms: Vec<Arm>| Crossed {
        maps: Maps::drawn(map),
        seeds: 2,
        noise: 0.3,
        draws: 3,
        samples,
        features,
        arms,
        ..Crossed::of(source.clone(), Splits::Drawn { repeats: 3, seed: 2 })
    };
    let arms = || vec![Arm::of(NotForTen), Arm::min_norm()];
    let found = study(vec![6, 10], vec![4, 12], arms()).run().unwrap();
    let places: Vec<_> = found.splits.iter().map(|split| (split.n, split.p, split.arm)).collect();
    assert_eq!(places, [(6, 4, 0), (6, 4, 1), (10, 4, 1)]);
    let failed = |failure: &SplitFailure| (failure.n, failure.p, failure.arm);
    let failures: Vec<_> = found.failures.iter().map(failed).collect();
    assert_eq!(failures, [(6, 12, None), (10, 4, Some(0)), (10, 12, None)]);
    assert!(matches!(found.failures[0].error, Error::Overflow { .. }) && found.complete);
    assert!(matches!(found.failures[1].error, Error::StepTooLarge { .. }));
    // What remains is what a study without the failures computes.
    let alone = study(vec![6, 10], vec![4], vec![Arm::min_norm()]).run().unwrap();
    let parts = |splits: &[ErrorSplit], arm| -> Vec<Decomposition> {
        splits.iter().filter(|split| split.arm == arm).map(|split| split.parts.clone()).collect()
    };
    assert_eq!(parts(&found.splits, 1), parts(&alone.splits, 0));
    // If nothing can be computed, the reason is the result.
    let none = study(vec![6], vec![12], arms()).run();
    assert!(matches!(none, Err(Error::Overflow { .. })), "{none:?}");
}

/// An observer who stops after the first size gets its splits, and is told that others are missing.
#[test]
fn a_stopped_study_keeps_what_it_has() {
    let (train, test) = tables();
    let study = Crossed {
        samples: vec![4, 6, 8, 10],
        threads: Some(1),
        ..Crossed::of(Source::TrainTest { train, test }, Splits::Drawn { repeats: 3, seed: 2 })
    };
    let stop =
        |done: usize, _: usize| if done > 1 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
    let (found, all) = (study.run_with(&stop).unwrap(), study.run().unwrap());
    assert!(!found.complete && (1..4).contains(&found.splits.len()), "{}", found.splits.len());
    assert!(found.splits.iter().all(|split| all.splits.contains(split)));
    // An observer's panic stops it, too.
    let panic = |done: usize, _: usize| {
        assert!(done < 2, "enough");
        ControlFlow::Continue(())
    };
    let found = study.run_with(&panic).unwrap();
    assert!(!found.complete && !found.splits.is_empty());
    assert!(found.splits.iter().all(|split| all.splits.contains(split)));
    assert!(matches!(&found.failures[..], [SplitFailure { error: Error::UserCode { .. }, .. }]), "{found:?}");
    let at_once = |_: usize, _: usize| -> ControlFlow<()> { panic!("no") };
    let found = study.run_with(&at_once).unwrap();
    assert!(!found.complete && found.splits.len() == 1 && found.failures.len() == 1, "{found:?}");
}
