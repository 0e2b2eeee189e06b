//! Records of other experiments, kinds and versions.

use super::studies::{bytes, of_one_run, resumed, small, study};
use crate::common::program::Folder;
use double_descent::curve::Metric;
use double_descent::dataset::Dataset;
use double_descent::features::{
    Activation, Coordinates, NaturalSpline, PairOrder, RandomFourier, RandomNetwork,
};
use double_descent::filter::{MinNorm, SpectralFilter, Spectrum};
use double_descent::rng::stream;
use double_descent::svd::Cutoff;
use double_descent::sweep::{
    Arm, Draw, Identity, Intercept, Maps, Merged, Parameter, Payload, Record, Shard, Source, Splits, Sweep,
    TestOn,
};
use double_descent::{Adversary, Error};
use ndarray::Array2;
use rand::RngExt;
use std::ops::Range;
use std::sync::Arc;

/// A filter whose description does not tell its gain.
#[derive(Debug)]
struct Quiet(f64);

impl SpectralFilter for Quiet {
    fn write_gains(&self, spectrum: Spectrum<'_>, gains: &mut [f64]) {
        for (gain, s) in gains.iter_mut().zip(spectrum.singular_values()) {
            *gain = self.0 / s;
        }
    }

    fn describe(&self) -> String {
        "a filter of few words".into()
    }
}

#[test]
fn records_of_other_experiments_are_refused_with_the_difference() {
    let folder = Folder::new("others");
    let path = folder.0.join("of.record");
    let (mut sweep, _) = small();
    sweep.arms.push(Arm::new("quiet", None, Arc::new(Quiet(0.5))));
    sweep.record(&path).unwrap();
    let before = std::fs::read(&path).unwrap();
    let with = |change: &dyn Fn(&mut Sweep)| {
        let mut other = sweep.clone();
        change(&mut other);
        other
    };
    let arm = |arm: Arm| move |sweep: &mut Sweep| sweep.arms[0] = arm.clone();
    let cases: Vec<(Sweep, &str)> = vec![
        (with(&|s| s.splits = Splits::Drawn { repeats: 4, seed: 9 }), "seed 9"),
        (with(&|s| s.splits = Splits::Recorded(vec![(0..10).collect()])), "splits 1 given"),
        (with(&|s| s.samples = vec![5, 11]), "samples 5, 11 and samples 5, 10"),
        (with(&|s| s.source = Dataset::diabetes().with_intercept().unwrap().into()), "11 features"),
        (with(&|s| s.source = Dataset::diabetes().standardised().unwrap().into()), "FNV-1a"),
        (with(&|s| s.intercept = Intercept::Free), "preparation Free"),
        (
            with(&|s| {
                s.standardise = true;
                s.intercept = Intercept::Free;
            }),
            "standardised true",
        ),
        (with(&|s| s.features = vec![3]), "features 3 and features 10"),
        (with(&|s| s.parameter = Some(Parameter::penalty([0.1, 0.2]))), "axis Penalty and axis none"),
        (with(&|s| s.parameter = Some(Parameter::label_noise([0.0], 0))), "axis LabelNoise"),
        (with(&|s| s.metrics = vec![Metric::TestMse]), "metrics test_mse"),
        (
            with(&arm(Arm::new(
                "unablated",
                None,
                Arc::new(MinNorm::with_cutoff(Cutoff::Absolute(1e-3)).unwrap()),
            ))),
            "arm 0",
        ),
        (with(&arm(Arm::attacked(Adversary::TestDatum { strength: 0.5 }))), "TestDatum"),
        (with(&arm(Arm::no_small_singular_values(0.25).unwrap())), "0.25"),
        (with(&|s| s.arms[2] = Arm::new("quiet", None, Arc::new(Quiet(0.25)))), "arm 2"),
        (with(&|s| drop(s.arms.pop())), "no arm 2 and arm 2 quiet; no arm 2's estimator"),
    ];
    for (other, says) in cases {
        let error = other.record(&path).unwrap_err();
        assert!(matches!(&error, Error::File { path: named, .. } if *named == path), "{error:?}");
        let words = error.to_string();
        assert!(words.contains(says) && words.contains("another experiment"), "no `{says}` in {words}");
        assert_eq!(std::fs::read(&path).unwrap(), before, "{says}");
        assert_ne!(other.identity().unwrap().fingerprint(), sweep.identity().unwrap().fingerprint());
    }
    // Settings that do not affect any number may differ.
    for threads in [None, Some(1), Some(3)] {
        assert!(with(&|s| s.threads = threads).record(&path).is_ok());
    }
    // Another kind of payload or file, then a newer format.
    assert!(study("plane", 2).record(&path).unwrap_err().to_string().contains("training table"));
    let error = Record::<Vec<f64>>::open(&path, &sweep.identity().unwrap()).unwrap_err().to_string();
    assert!(error.contains("holds numbers and holds cells 2"), "{error}");
    let mut newer = before.clone();
    newer[8] = 2;
    std::fs::write(&path, &newer).unwrap();
    for error in [sweep.record(&path).unwrap_err(), sweep.merge(&[&path]).unwrap_err()] {
        let words = error.to_string();
        assert!(words.contains("format 2, of a newer version") && words.contains("update"), "{words}");
    }
    assert_eq!(std::fs::read(&path).unwrap(), newer);
    for foreign in ["universality 1 map tanh seed 3\n", "repeat,n,p\n", "\u{89}"] {
        std::fs::write(&path, foreign.repeat(100)).unwrap();
        let error = sweep.record(&path).unwrap_err().to_string();
        assert!(error.contains("not a record of this crate"), "{error}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), foreign.repeat(100));
    }
    assert!(matches!(sweep.record(&folder.0), Err(Error::Io { .. })));
    assert!(matches!(sweep.record(folder.0.join("no/folder")), Err(Error::Io { .. })));
    assert!(matches!(sweep.merge(&[folder.0.join("nothing")]), Err(Error::Io { .. })));
}

/// Values, maps, targets and distributions with the same name but other numbers.
#[test]
fn what_no_name_tells_is_told_by_numbers() {
    let folder = Folder::new("numbers-tell");
    let (sweep, plane) = (small().0, study("plane", 2));
    let differs = |a: &Sweep, b: &Sweep| a.identity().unwrap().difference(&b.identity().unwrap()).unwrap();
    let coordinates = Sweep { maps: Maps::same(Coordinates::new(10)), features: vec![1, 2], ..plane.clone() };
    assert!(differs(&plane, &coordinates).contains("maps "), "{}", differs(&plane, &coordinates));
    let drawn = |seed: u64| {
        Maps::drawn(move |repeat| RandomFourier::gaussian(10, 60, 0.5, stream(seed, 9, repeat).random()))
    };
    assert!(differs(&plane, &Sweep { maps: drawn(2), ..plane.clone() }).starts_with("maps "));
    // All frequencies have the same cosines and sines at 0, and a fitted map has no features before it is fitted.
    let zero_first = |maps: Maps, parameter: Option<Parameter>| {
        let inputs = Array2::from_shape_fn((12, 1), |(i, _)| 0.1 * i as f64);
        let data = Dataset::new("from zero", inputs.clone(), inputs.mapv(f64::sin)).unwrap();
        let samples = vec![5, 8];
        let splits = Splits::Drawn { repeats: 2, seed: 0 };
        Sweep { maps, parameter, samples, features: vec![4], ..Sweep::of(data.into(), splits) }
    };
    let pairs = |seed: u64| {
        RandomFourier::gaussian(1, 2, 1.0, seed).map(|map| map.into_pairs(PairOrder::Interleaved))
    };
    let network = |seed: u64| RandomNetwork::seeded(Activation::Tanh, &[1, 4], seed);
    let ends =
        |end: f64| Maps::fitted("splines", move |x, p| NaturalSpline::at_quantiles_within(x, p, (-end, end)));
    for [a, b] in [
        [1, 2].map(|seed| Maps::same(pairs(seed).unwrap())),
        [1, 101].map(|seed| Maps::drawn(move |repeat| pairs(repeat as u64 + seed))),
        [1, 2].map(|seed| Maps::drawn(move |_| network(seed))),
        [5.0, 9.0].map(ends),
    ] {
        let words = differs(&zero_first(a, None), &zero_first(b, None));
        assert!(words.starts_with("maps "), "{words}");
    }
    // Members of an ensemble that differ from the second on.
    let [a, b] = [1, 2].map(|seed| {
        let maps = Maps::members(move |_, member| pairs(if member == 0 { 0 } else { seed }));
        let mut sweep = zero_first(maps, Some(Parameter::members([2.0], 2)));
        sweep.metrics = vec![Metric::TestMse];
        let train = sweep.source.train().unwrap().clone();
        sweep.source = Source::TrainTest { test: train.clone(), train };
        sweep
    });
    assert!(differs(&a, &b).starts_with("maps "));
    let targets = plane.source.train().unwrap().targets() * 2.0;
    let trained = Sweep { arms: vec![Arm::min_norm().trained_on(None, targets)], ..plane.clone() };
    assert!(differs(&plane, &trained).contains("arm 0's targets "), "{}", differs(&plane, &trained));
    let penalties = |values: [f64; 2]| Sweep { parameter: Some(Parameter::penalty(values)), ..sweep.clone() };
    let words = differs(&penalties([0.1, 0.2]), &penalties([0.1, 0.3]));
    assert!(words.contains("at 0.2 and") && words.contains("at 0.3"), "{words}");
    let distribution = |seed: u64| {
        let source = Source::drawn("numbers", move |repeat| {
            let mut rng = stream(seed, 0, repeat);
            let mut numbers = |shape| Array2::from_shape_simple_fn(shape, || rng.random::<f64>());
            let (inputs, targets) = (numbers((20, 3)), numbers((20, 1)));
            let test = TestOn::Rows { inputs: numbers((9, 3)), targets: numbers((9, 1)) };
            Ok(Draw { inputs, targets, test })
        });
        let splits = Splits::Drawn { repeats: 3, seed: 0 };
        Sweep { samples: vec![2, 3, 5], ..Sweep::of(source, splits) }
    };
    assert!(differs(&distribution(1), &distribution(2)).starts_with("distribution "));
    let own = folder.0.join("distribution");
    assert!(resumed(&distribution(1), &own) == of_one_run(&distribution(1)));
    assert!(distribution(2).record(&own).is_err());
}

/// Replaces a text in a record's header by another of the same length, and updates the checksum.
fn with_text(record: &[u8], old: &str, new: &str) -> Vec<u8> {
    let start = record.windows(8).position(|bytes| bytes == b"\xf1block\r\n").unwrap_or(record.len());
    let mut changed = record.to_vec();
    let at = record.windows(old.len()).position(|bytes| bytes == old.as_bytes()).unwrap();
    changed[at..at + old.len()].copy_from_slice(new.as_bytes());
    let mut sum = flate2::Crc::new();
    sum.update(&changed[..16]);
    sum.update(&changed[80..start - 4]);
    changed[start - 4..start].copy_from_slice(&sum.sum().to_le_bytes());
    changed
}

/// Numbers may change between versions, so records of different versions do not mix.
#[test]
fn records_of_other_versions_are_refused() {
    let folder = Folder::new("versions");
    let path = folder.0.join("of.record");
    let (sweep, expected) = small();
    sweep.record(&path).unwrap().run(&()).unwrap();
    let before = std::fs::read(&path).unwrap();
    let own = env!("CARGO_PKG_VERSION");
    assert_eq!(with_text(&before, own, own), before, "the checksum is what the format says");
    let other = own.replace(|digit: char| digit.is_ascii_digit(), "9");
    std::fs::write(&path, with_text(&before, own, &other)).unwrap();
    for error in [sweep.record(&path).unwrap_err(), sweep.merge(&[&path]).unwrap_err()] {
        let words = error.to_string();
        for part in [&other, own, "numbers may differ between versions", "remove the file"] {
            assert!(words.contains(part), "no `{part}` in {words}");
        }
    }
    std::fs::write(&path, &before).unwrap();
    assert_eq!(bytes(&sweep.merge(&[&path]).unwrap()), expected);
}

/// A payload that panics while it is written, or read.
#[derive(Debug)]
struct Stubborn {
    writes: bool,
}

impl Payload for Stubborn {
    const KIND: &'static str = "stubborn";

    fn encode(&self, bytes: &mut Vec<u8>) {
        assert!(self.writes, "not on paper");
        bytes.push(1);
    }

    fn decode(_: &[u8]) -> Option<Self> {
        panic!("illegible")
    }
}

#[test]
fn payloads_that_panic_are_errors() {
    let folder = Folder::new("stubborn");
    let record = Record::<Stubborn>::open(&folder.0.join("a.record"), &Identity::new("stubborn")).unwrap();
    let said = |error: Error| {
        assert!(matches!(error, Error::UserCode { .. }), "{error}");
        error.to_string()
    };
    let error = record.append(3, &Stubborn { writes: false }).unwrap_err();
    assert_eq!(said(error), "the payload at 3 of a record: it panicked: not on paper");
    assert!(record.get(3).unwrap().is_none());
    record.append(3, &Stubborn { writes: true }).unwrap();
    let error = record.get(3).unwrap_err();
    assert_eq!(said(error), "the payload at 3 of a record: it panicked: illegible");
}

#[test]
fn more_indices_than_fit_in_memory_are_refused() {
    let folder = Folder::new("many-indices");
    let (path, identity) = (folder.0.join("a.record"), Identity::new("many"));
    let record = Record::<Vec<f64>>::open(&path, &identity).unwrap();
    let work = |_: Range<usize>| -> Result<Vec<Vec<f64>>, Error> { panic!("not reached") };
    for range in [0..1 << 50, 0..usize::MAX] {
        assert!(matches!(record.run(range, 8, None, &(), work), Err(Error::Memory { .. })));
    }
    drop(record);
    let merged = Merged::<Vec<f64>>::of(&identity, 1 << 50, &[&path]).unwrap();
    assert!(matches!(merged.check_complete(), Err(Error::Memory { .. })));
}

#[test]
fn a_file_where_the_folder_of_shards_should_be() {
    let folder = Folder::new("file-for-shards");
    let path = folder.0.join("file");
    std::fs::write(&path, "").unwrap();
    let sweep = study("samples", 3);
    let shards = sweep.shards(&path).unwrap();
    for error in [shards.begin(Shard::new(0, 2).unwrap()).unwrap_err(), shards.records().unwrap_err()] {
        assert!(error.to_string().ends_with("a file, not a folder; name a folder for the shards"), "{error}");
    }
}
