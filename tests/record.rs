//! Records of sweeps: whatever stops a run, and whatever befalls its file, the result has the bytes of one run, or there is
//! an error that says what to do.

mod common;

use common::program::Folder;
use double_descent::curve::{Curve, Metric};
use double_descent::dataset::Dataset;
use double_descent::features::{Coordinates, FeatureMap, RandomFourier};
use double_descent::filter::{MinNorm, Ridge, SpectralFilter, Spectrum};
use double_descent::rng::stream;
use double_descent::svd::Cutoff;
use double_descent::sweep::{Arm, Identity, Maps, PlaneArm, PlaneSweep, Record, Splits, Sweep};
use double_descent::{Adversary, Error};
use ndarray::{Array2, ArrayRef2, s};
use rand::RngExt;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// What a child does, and with which record; without it, the tests of children do nothing.
const CHILD: &str = "DOUBLE_DESCENT_CHILD_RECORDS";

/// Sample-wise, model-wise and plane sweeps, by name.
enum Study {
    Samples(Sweep),
    Plane(PlaneSweep),
}

const STUDIES: [&str; 4] = ["samples", "nested", "models", "plane"];

/// The study of a name, in so many repeats.
fn study(name: &str, repeats: usize) -> Study {
    let diabetes = Dataset::diabetes();
    match name {
        "samples" => {
            let mut sweep = Sweep::new(diabetes, 1..=40, repeats, 5);
            sweep.arms.push(Arm::attacked(Adversary::TestDatum { strength: 0.1 }));
            sweep.threads = Some(2);
            Study::Samples(sweep)
        }
        "nested" => {
            let arms =
                vec![Arm::unablated(), Arm::new("ridge", Some(0.1), Arc::new(Ridge::new(0.1).unwrap()))];
            let metrics = vec![Metric::TrainMse, Metric::TestMse];
            let sweep =
                Sweep { arms, metrics, threads: Some(2), ..Sweep::new(diabetes, 1..=300, repeats, 5) };
            Study::Samples(sweep)
        }
        _ => {
            let part = |rows: std::ops::Range<usize>| {
                let (x, y) =
                    (diabetes.features().slice(s![rows.clone(), ..]), diabetes.targets().slice(s![rows, ..]));
                Dataset::new("diabetes", x.to_owned(), y.to_owned()).unwrap()
            };
            let maps =
                Maps::drawn(|repeat| RandomFourier::gaussian(10, 60, 0.5, stream(1, 9, repeat).random()));
            let samples = if name == "models" { vec![30] } else { vec![8, 20, 40] };
            let ridge = PlaneArm::new("ridge", Some(1e-3), Arc::new(Ridge::new(1e-3).unwrap()));
            Study::Plane(PlaneSweep {
                samples,
                features: (1..=60).collect(),
                arms: vec![PlaneArm::min_norm(), ridge],
                threads: Some(2),
                ..PlaneSweep::new(part(0..150), part(150..442), maps, repeats, 3)
            })
        }
    }
}

impl Study {
    fn run(&self) -> Curve {
        match self {
            Self::Samples(sweep) => sweep.run().unwrap(),
            Self::Plane(sweep) => sweep.run().unwrap().cells().clone(),
        }
    }

    /// One of so many shards into its record; the curve of what the record has then, and what was mended.
    fn record(&self, path: &Path, (k, of): (usize, usize)) -> Result<(Curve, Vec<String>), Error> {
        match self {
            Self::Samples(sweep) => {
                let recording = sweep.record(path)?.shard(k, of)?;
                Ok((recording.run(&())?, recording.notices()))
            }
            Self::Plane(sweep) => {
                let recording = sweep.record(path)?.shard(k, of)?;
                Ok((recording.run(&())?.cells().clone(), recording.notices()))
            }
        }
    }

    fn resume(&self, path: &Path) -> Curve {
        self.record(path, (0, 1)).unwrap().0
    }

    fn missing(&self, path: &Path) -> Result<Vec<usize>, Error> {
        match self {
            Self::Samples(sweep) => Ok(sweep.record(path)?.missing()),
            Self::Plane(sweep) => Ok(sweep.record(path)?.missing()),
        }
    }

    fn merge(&self, paths: &[PathBuf]) -> Result<Curve, Error> {
        match self {
            Self::Samples(sweep) => sweep.merge(paths),
            Self::Plane(sweep) => sweep.merge(paths).map(|surface| surface.cells().clone()),
        }
    }
}

/// All of a curve as bytes: numbers by their bits.
fn bytes(curve: &Curve) -> Vec<u8> {
    let mut bytes = Vec::new();
    curve.write_cells(&mut bytes).unwrap();
    bytes.extend(format!("{:?}", (curve.axis, &curve.arms, &curve.failures, curve.complete)).bytes());
    bytes.extend(format!("{:?}", curve.provenance).bytes());
    bytes
}

fn small() -> (Sweep, Vec<u8>) {
    let Study::Samples(mut sweep) = study("samples", 4) else { unreachable!() };
    sweep.sizes = vec![5, 10];
    sweep.arms = vec![Arm::unablated(), Arm::no_residuals()];
    let expected = bytes(&sweep.run().unwrap());
    (sweep, expected)
}

/// A random number under `most`.
fn under(rng: &mut impl rand::Rng, most: usize) -> usize {
    rng.random_range(0..most.max(1))
}

fn child(task: &str, path: &Path, before: &str) -> Child {
    let script = format!("{before}exec \"$0\" \"$@\"");
    let program = std::env::current_exe().unwrap();
    let name = "does_what_its_parent_asks";
    Command::new("sh")
        .args(["-c", &script, program.to_str().unwrap(), "--exact", name, "--ignored", "--nocapture"])
        .env(CHILD, format!("{task} {}", path.display()))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

#[test]
#[ignore = "a child of other tests"]
fn does_what_its_parent_asks() {
    let Ok(asked) = std::env::var(CHILD) else { return };
    let (task, path) = asked.split_once(' ').unwrap();
    let path = Path::new(path);
    match task {
        "waits" => {
            let record = Record::<Vec<f64>>::open(path, &Identity::new("numbers")).unwrap();
            record.append(0, &vec![1.0]).unwrap();
            std::thread::sleep(Duration::from_secs(60));
        }
        "merges" => merges(path),
        "meets a full disk" => {}
        _ => {
            let (name, repeats) = task.split_once('/').unwrap();
            match study(name, repeats.parse().unwrap()).record(path, (0, 1)) {
                Ok((curve, _)) => assert!(curve.complete),
                Err(error) => println!("refused: {error}"),
            }
        }
    }
}

/// Killed at 30 moments, each at a random length of the record: at once the rest is computed from a copy, and the record
/// itself goes on in the next child.
fn killed(name: &str, repeats: usize, seed: u64) {
    let folder = Folder::new(&format!("killed-{name}"));
    let (path, copy) = (folder.0.join("of.record"), folder.0.join("copy.record"));
    let study = study(name, repeats);
    let expected = bytes(&study.run());
    let whole = {
        assert!(bytes(&study.resume(&copy)) == expected, "{name}: undisturbed");
        std::fs::metadata(&copy).unwrap().len()
    };
    let length = || std::fs::metadata(&path).map_or(0, |file| file.len());
    let mut rng = stream(seed, 0, 0);
    let (mut partly, mut wholly) = (0, 0);
    for round in 0..30 {
        let before = length();
        let until = rng.random_range(before..=whole);
        let mut child = child(&format!("{name}/{repeats}"), &path, "");
        let mut waited = 0;
        while length() <= until && child.try_wait().unwrap().is_none() && waited < 60_000 {
            std::thread::sleep(Duration::from_micros(500));
            waited += 1;
        }
        std::thread::sleep(Duration::from_micros(rng.random_range(0..3000)));
        child.kill().unwrap(); // SIGKILL where there are signals
        child.wait().unwrap();
        if !path.exists() {
            continue;
        }
        std::fs::copy(&path, &copy).unwrap();
        let left = study.missing(&copy).unwrap().len();
        assert!(bytes(&study.resume(&copy)) == expected, "{name}, round {round}, {left} repeats left");
        if left == 0 {
            wholly += 1;
            std::fs::remove_file(&path).unwrap();
        } else if left < repeats {
            partly += 1;
        }
    }
    println!("{name}: {partly} kills with a part of the repeats there, {wholly} with all");
    assert!(partly > 5, "{name}: only {partly} of 30 kills came between the first repeat and the last");
}

#[test]
fn killed_sample_wise_sweeps_go_on() {
    killed("samples", 300, 1);
    killed("nested", 300, 2);
}

#[test]
fn a_killed_model_wise_sweep_goes_on() {
    killed("models", 60, 3);
}

#[test]
fn a_killed_sweep_over_a_plane_goes_on() {
    killed("plane", 40, 4);
}

#[test]
fn stopped_and_grown_records_give_the_result_of_one_run() {
    let folder = Folder::new("stopped");
    for name in STUDIES {
        let path = folder.0.join(name);
        let stopped = |done: usize, total: usize| {
            assert!(done <= total);
            if done > total / 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        // Stopped; then on another number of threads; then with more repeats.
        match study(name, 24) {
            Study::Samples(sweep) => {
                let part = sweep.record(&path).unwrap().run(&stopped).unwrap();
                assert!(!part.complete && part.cells.len() < 24 * sweep.sizes.len() * sweep.arms.len());
                let one = Sweep { threads: Some(1), ..sweep.clone() };
                assert!(bytes(&one.record(&path).unwrap().run(&()).unwrap()) == bytes(&sweep.run().unwrap()));
            }
            Study::Plane(sweep) => {
                let part = sweep.record(&path).unwrap().run(&stopped).unwrap();
                assert!(!part.cells().complete);
                let all = PlaneSweep { threads: None, ..sweep.clone() };
                assert_eq!(all.record(&path).unwrap().run(&()).unwrap(), sweep.run().unwrap());
            }
        }
        let more = study(name, 31);
        assert_eq!(more.missing(&path).unwrap(), (24..31).collect::<Vec<_>>());
        assert!(bytes(&more.resume(&path)) == bytes(&more.run()), "{name}");
        // Fewer than there are: the first of them.
        let fewer = study(name, 5);
        assert!(bytes(&fewer.resume(&path)) == bytes(&fewer.run()), "{name}");
    }
}

#[test]
fn seven_shards_in_any_order_are_one_run() {
    let folder = Folder::new("shards");
    for name in ["samples", "plane"] {
        let study = study(name, 17);
        let expected = bytes(&study.run());
        let mut paths: Vec<PathBuf> = (0..7).map(|k| folder.0.join(format!("{name}-{k}"))).collect();
        for (k, path) in paths.iter().enumerate().rev() {
            let (curve, _) = study.record(path, (k, 7)).unwrap();
            assert!(!curve.complete);
        }
        let mut rng = stream(7, 0, 0);
        for _ in 0..25 {
            assert!(bytes(&study.merge(&paths).unwrap()) == expected, "{name}");
            for last in (1..7).rev() {
                paths.swap(last, under(&mut rng, last + 1));
            }
        }
        // One twice, and one that others overlap.
        let again = folder.0.join(format!("{name}-again"));
        study.record(&again, (1, 3)).unwrap();
        let twice: Vec<PathBuf> = paths.iter().chain(&paths[2..4]).chain([&again]).cloned().collect();
        assert!(bytes(&study.merge(&twice).unwrap()) == expected);
        // One that is not there: repeats ⌊17·2/7⌋ = 4 up to ⌊17·3/7⌋ = 7.
        paths.sort();
        let lost = paths.remove(2);
        let error = study.merge(&paths).unwrap_err();
        assert!(
            matches!(&error, Error::Unsupported { reason } if reason.contains("repeats 4..=6 ")),
            "{error}"
        );
        // One that has been damaged since: what it lacks is named, and so is the file.
        let mut damaged = std::fs::read(&lost).unwrap();
        *damaged.last_mut().unwrap() ^= 1;
        std::fs::write(&lost, &damaged).unwrap();
        paths.insert(0, lost.clone());
        let error = study.merge(&paths).unwrap_err().to_string();
        assert!(error.contains("repeats ") && error.contains(lost.to_str().unwrap()), "{error}");
        assert_eq!(std::fs::read(&lost).unwrap(), damaged, "merging changes no record");
        study.record(&lost, (2, 7)).unwrap();
        assert!(bytes(&study.merge(&paths).unwrap()) == expected);
        for wrong in [(7, 7), (0, 0)] {
            assert!(matches!(study.record(&again, wrong), Err(Error::Domain { .. })));
        }
    }
    // A foreign one, and one that says the same repeat in another way.
    let (sweep, expected) = small();
    let (own, other) = (folder.0.join("own"), folder.0.join("other"));
    sweep.record(&own).unwrap().run(&()).unwrap();
    let foreign = Sweep { splits: Splits::Drawn { repeats: 4, seed: 6 }, ..sweep.clone() };
    foreign.record(&other).unwrap().run(&()).unwrap();
    let error = sweep.merge(&[&own, &other]).unwrap_err();
    assert!(matches!(&error, Error::File { path, .. } if *path == other), "{error:?}");
    assert!(error.to_string().contains("seed 5 and splits drawn, seed 6"), "{error}");
    // The other's blocks under this one's header: what two kinds of machines would do.
    let (ours, theirs) = (std::fs::read(&own).unwrap(), std::fs::read(&other).unwrap());
    let header = ours.windows(8).position(|bytes| bytes == b"\xf1block\r\n").unwrap();
    std::fs::write(&other, [&ours[..header], &theirs[header..]].concat()).unwrap();
    let error = sweep.merge(&[&own, &other]).unwrap_err().to_string();
    assert!(error.contains("repeat ") && error.contains("another kind of machine"), "{error}");
    assert!(sweep.missing(&[&own]).unwrap().is_empty());
    assert!(bytes(&sweep.merge(&[&own]).unwrap()) == expected);
}

/// Each byte flipped once; at every fourth place, by chance, it is removed, and the file cut: the bytes of one run after it is
/// taken up again, or a refusal; and damage to a block costs that block alone.
#[test]
fn a_record_with_any_byte_changed() {
    let folder = Folder::new("changed");
    let (path, whole) = (folder.0.join("of.record"), folder.0.join("whole.record"));
    let (sweep, expected) = small();
    sweep.record(&whole).unwrap().run(&()).unwrap();
    let good = std::fs::read(&whole).unwrap();
    let starts: Vec<usize> =
        (0..good.len() - 8).filter(|&at| good[at..].starts_with(b"\xf1block\r\n")).collect();
    assert_eq!(starts.len(), 4);
    let index_at = |start: usize| usize::from(good[start + 8]);
    let block_of = |at: usize| starts.iter().rev().find(|&&start| start <= at).map(|&start| index_at(start));
    let mut rng = stream(11, 0, 0);
    let mut refused = 0;
    let mut try_out = |content: &[u8], lost: Option<usize>, what: &str| {
        std::fs::write(&path, content).unwrap();
        let recording = match sweep.record(&path) {
            Ok(recording) => recording,
            Err(error @ Error::File { .. }) => {
                let words = error.to_string();
                assert!(
                    ["no record", "header of this record is damaged", "newer version"]
                        .iter()
                        .any(|says| words.contains(says)),
                    "{what}: {words}"
                );
                assert_eq!(std::fs::read(&path).unwrap(), content, "{what}: what is refused stays as it is");
                refused += 1;
                return;
            }
            Err(error) => panic!("{what}: {error:?}"),
        };
        if let Some(lost) = lost {
            assert_eq!(recording.missing(), [lost], "{what}");
            assert_eq!(recording.notices().len(), 1, "{what}: {:?}", recording.notices());
        }
        assert!(bytes(&recording.run(&()).unwrap()) == expected, "{what}");
        drop(recording);
        // And mended for good.
        let again = sweep.record(&path).unwrap();
        assert!(again.missing().is_empty() && again.notices().is_empty(), "{what}: {:?}", again.notices());
    };
    for at in 0..good.len() {
        let mut flipped = good.clone();
        flipped[at] ^= 1 << under(&mut rng, 8);
        try_out(&flipped, block_of(at), &format!("byte {at} flipped"));
        if under(&mut rng, 4) > 0 {
            continue;
        }
        let mut shorter = good.clone();
        shorter.remove(at);
        try_out(&shorter, block_of(at), &format!("byte {at} removed"));
        let cut = if starts.contains(&at) { None } else { block_of(at) };
        let after = starts.iter().filter(|&&start| start >= at).count();
        try_out(&good[..at], cut.filter(|_| after == 0), &format!("cut to {at} bytes"));
    }
    // A tail of zeros, as a power cut may leave, and of anything.
    for tail in [vec![0; 1000], vec![0xf1; 77], b"\xf1block\r\n".repeat(20)] {
        try_out(&[&good[..], &tail].concat(), None, "a tail");
    }
    println!("{} bytes, header {}, {refused} changes refused", good.len(), starts[0]);
    // Headers alone are refused: 3 changes to each of their bytes, and none elsewhere; the writer's name is nobody's.
    assert!(refused > 0 && refused < 2 * starts[0]);
}

#[test]
#[cfg(unix)]
fn a_full_disk_costs_the_block_under_way() {
    let folder = Folder::new("record-disk");
    let study = study("nested", 60);
    let expected = bytes(&study.run());
    for (name, trap, ends_well) in [("error", "trap '' XFSZ; ", true), ("signal", "", false)] {
        let path = folder.0.join(name);
        // A part of the record: 600 cells a repeat of some 30 bytes. Blocks of 512 or 1024 bytes.
        let child = child("nested/60", &path, &format!("{trap}ulimit -c 0; ulimit -f 400; "));
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.success(), ends_well, "{said}{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(said.contains("refused: ") && said.contains(name), ends_well, "{said}");
        let missing = study.missing(&path).unwrap();
        let record = std::fs::metadata(&path).unwrap().len();
        let each = record / (60 - missing.len()) as u64;
        assert!(record + 2 * each > 400 * 512 && !missing.is_empty(), "{record} bytes, {missing:?} missing");
        assert!(bytes(&study.resume(&path)) == expected, "{name}");
    }
}

#[test]
fn one_writer_at_a_time() {
    let folder = Folder::new("writers");
    let path = folder.0.join("numbers.record");
    let identity = Identity::new("numbers");
    let mut other = child("waits", &path, "");
    let mut waited = 0;
    // Until its first block is there.
    while !std::fs::read(&path).is_ok_and(|bytes| bytes.windows(8).any(|w| w == b"\xf1block\r\n"))
        && waited < 20_000
    {
        std::thread::sleep(Duration::from_millis(1));
        waited += 1;
    }
    let refused = Record::<Vec<f64>>::open(&path, &identity).unwrap_err();
    assert!(matches!(&refused, Error::Io { path: named, .. } if *named == path), "{refused:?}");
    let says = format!("process {} ", other.id());
    assert!(refused.to_string().contains(&says) && refused.to_string().contains("wait"), "{says}: {refused}");
    other.kill().unwrap();
    other.wait().unwrap();
    // A kill leaves no lock, and loses nothing.
    let record = Record::<Vec<f64>>::open(&path, &identity).unwrap();
    assert_eq!(record.get(0).unwrap(), Some(vec![1.0]));
    assert!(record.notices().is_empty());
    let refused = Record::<Vec<f64>>::open(&path, &identity).unwrap_err();
    assert!(refused.to_string().contains(&format!("process {} ", std::process::id())), "{refused}");
    drop(record);
    assert!(Record::<Vec<f64>>::open(&path, &identity).is_ok());
}

/// The file of a running record is taken away: it is made again, unless another has its name.
#[test]
#[cfg(unix)]
fn a_record_that_vanishes_is_made_again() {
    let folder = Folder::new("gone");
    let path = folder.0.join("deep/numbers.record");
    std::fs::create_dir(folder.0.join("deep")).unwrap();
    let identity = Identity::new("numbers");
    let record = Record::open(&path, &identity).unwrap();
    let numbers = |index: usize| vec![index as f64; index];
    (0..5).for_each(|index| record.append(index, &numbers(index)).unwrap());
    std::fs::remove_dir_all(folder.0.join("deep")).unwrap();
    record.append(5, &numbers(5)).unwrap();
    assert!(
        record.notices()[0].contains("vanished") && record.notices().len() == 1,
        "{:?}",
        record.notices()
    );
    for index in 0..6 {
        assert_eq!(record.get(index).unwrap(), Some(numbers(index)));
    }
    let refused = Record::<Vec<f64>>::open(&path, &identity).unwrap_err();
    assert!(refused.to_string().contains("process"), "the lock goes along: {refused}");
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, "somebody else's").unwrap();
    let refused = record.append(6, &numbers(6)).unwrap_err();
    assert!(refused.to_string().contains("cannot be made again"), "{refused}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "somebody else's");
}

/// Gains that the description does not tell.
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
        (with(&|s| s.splits = Splits::Recorded(vec![(0..10).collect()])), "1 recorded"),
        (with(&|s| s.sizes = vec![5, 11]), "sizes 5, 11 and sizes 5, 10"),
        (with(&|s| s.data = s.data.clone().with_intercept()), "11 features"),
        (with(&|s| s.data = s.data.clone().standardised().unwrap()), "FNV-1a"),
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
    // What decides no number may differ.
    for threads in [None, Some(1), Some(3)] {
        assert!(with(&|s| s.threads = threads).record(&path).is_ok());
    }
    // Another kind of sweep, payload or file; a newer format.
    let Study::Plane(plane) = study("plane", 2) else { unreachable!() };
    assert!(plane.record(&path).unwrap_err().to_string().contains("experiment sweep over a plane"));
    let other_map =
        PlaneSweep { maps: Maps::same(Coordinates::new(10)), features: vec![1, 2], ..plane.clone() };
    let (a, b) = (plane.identity().unwrap(), other_map.identity().unwrap());
    assert!(a.difference(&b).unwrap().contains("maps "), "{:?}", a.difference(&b));
    let drawn = |seed: u64| {
        Maps::drawn(move |repeat| RandomFourier::gaussian(10, 60, 0.5, stream(seed, 9, repeat).random()))
    };
    let other_draw = PlaneSweep { maps: drawn(2), ..plane.clone() };
    assert!(a.difference(&other_draw.identity().unwrap()).unwrap().starts_with("maps "));
    let targets = plane.train.targets() * 2.0;
    let other_targets =
        PlaneSweep { arms: vec![PlaneArm::min_norm().trained_on(None, targets)], ..plane.clone() };
    assert!(a.difference(&other_targets.identity().unwrap()).unwrap().contains("targets "));
    let error = Record::<Vec<f64>>::open(&path, &sweep.identity().unwrap()).unwrap_err().to_string();
    assert!(error.contains("holds numbers and holds cells 1"), "{error}");
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
        assert!(error.contains("no record of this crate"), "{error}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), foreign.repeat(100));
    }
    assert!(matches!(sweep.record(&folder.0), Err(Error::Io { .. })));
    assert!(matches!(sweep.record(folder.0.join("no/folder")), Err(Error::Io { .. })));
    assert!(matches!(sweep.merge(&[folder.0.join("nothing")]), Err(Error::Io { .. })));
}

/// Coordinates, and a panic or an overflow at some.
#[derive(Debug)]
struct Faulty {
    panics: Arc<AtomicBool>,
}

impl FeatureMap for Faulty {
    fn input_dimension(&self) -> usize {
        10
    }

    fn design(&self, inputs: &ArrayRef2<f64>, p: usize) -> Result<Array2<f64>, Error> {
        if p > 9 {
            return Err(Error::Overflow { what: "a feature" });
        }
        assert!(p < 7 || !self.panics.load(Ordering::Relaxed), "seven");
        Ok(inputs.slice(s![.., ..p]).to_owned())
    }
}

/// Failures are recorded with the cells; where another day may not see them, the next run tries again.
#[test]
fn failures_survive_and_some_are_tried_again() {
    let folder = Folder::new("failures");
    let Study::Plane(plane) = study("plane", 5) else { unreachable!() };
    for panics in [false, true] {
        let path = folder.0.join(format!("{panics}.record"));
        let switch = Arc::new(AtomicBool::new(panics));
        let own = Arc::clone(&switch);
        let maps = Maps::drawn(move |repeat| {
            // The first repeat is sound: a fingerprint is of what a map does there.
            let panics = if repeat == 0 { Arc::new(AtomicBool::new(false)) } else { Arc::clone(&own) };
            Ok(Faulty { panics })
        });
        let features = if panics { vec![3, 5, 8] } else { vec![3, 5, 8, 12] };
        let sweep = PlaneSweep { maps, features, samples: vec![4, 20], ..plane.clone() };
        let plain = sweep.run().unwrap();
        assert!(!plain.cells().failures.is_empty() && plain.cells().complete);
        let recording = sweep.record(&path).unwrap();
        assert_eq!(recording.run(&()).unwrap(), plain);
        let tried_again = if panics { vec![1, 2, 3, 4] } else { Vec::new() };
        assert_eq!(recording.missing(), tried_again);
        let length = || std::fs::metadata(&path).unwrap().len();
        let before = length();
        assert_eq!(recording.run(&()).unwrap(), plain);
        assert_eq!(length(), before, "what is the same again is not written again");
        assert_eq!(sweep.merge(&[&path]).unwrap(), plain, "for a merge they are there");
        switch.store(false, Ordering::Relaxed);
        let mended = recording.run(&()).unwrap();
        assert_eq!(mended, sweep.run().unwrap());
        assert!(recording.missing().is_empty());
        assert_eq!(mended.cells().failures.is_empty(), panics);
    }
}

#[test]
fn an_error_of_the_work_stops_a_run_and_keeps_the_rest() {
    let folder = Folder::new("work");
    let path = folder.0.join("numbers.record");
    let record = Record::<Vec<f64>>::open(&path, &Identity::new("numbers")).unwrap();
    let fails_at = |bad: usize| {
        move |range: std::ops::Range<usize>| {
            if range.contains(&bad) {
                return Err(Error::Empty { what: "the work" });
            }
            Ok(range.map(|index| vec![index as f64]).collect())
        }
    };
    assert_eq!(record.run(0..20, 3, Some(1), &(), fails_at(10)), Err(Error::Empty { what: "the work" }));
    assert_eq!(record.missing(0..20), (9..20).collect::<Vec<_>>());
    let too_few = |_: std::ops::Range<usize>| Ok(vec![vec![0.0]]);
    assert!(matches!(
        record.run(0..20, 3, Some(1), &(), too_few),
        Err(Error::Shape { expected: 3, found: 1, .. })
    ));
    let panics = |_: std::ops::Range<usize>| panic!("no numbers today");
    assert!(record.run(0..20, 3, Some(2), &(), panics).unwrap_err().to_string().contains("no numbers today"));
    assert_eq!(record.run(0..20, 100, Some(2), &(), fails_at(20)), Ok(true));
    assert_eq!(record.run(0..20, 0, None, &(), panics), Ok(true), "nothing is missing, nothing is called");
    for index in 0..20 {
        assert_eq!(record.get(index).unwrap(), Some(vec![index as f64]));
    }
    assert_eq!(record.get(20).unwrap(), None);
}

/// Records of a large result, and what the merging process takes beside it.
#[cfg(target_os = "linux")]
fn merges(folder: &Path) {
    let peak = || {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap().to_owned();
        line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() << 10
    };
    let Study::Samples(sweep) = study("nested", 400) else { unreachable!() };
    let paths: Vec<PathBuf> = (0..4).map(|k| folder.join(k.to_string())).collect();
    let before = peak();
    let curve = sweep.merge(&paths).unwrap();
    let taken = peak() - before;
    println!("result {} bytes, taken {taken}", size_of_val(&curve.cells[..]));
}

#[cfg(not(target_os = "linux"))]
fn merges(_: &Path) {}

/// A merge holds its result and one repeat: 600 cells of 240,000.
#[test]
#[cfg(target_os = "linux")]
fn merging_takes_the_memory_of_its_result() {
    let folder = Folder::new("merge-memory");
    let study = study("nested", 400);
    for k in 0..4 {
        study.record(&folder.0.join(k.to_string()), (k, 4)).unwrap();
    }
    let output = child("merges", &folder.0, "").wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    let line = said.lines().find(|line| line.contains("taken")).unwrap().to_owned();
    let numbers: Vec<usize> = line.split([' ', ',']).filter_map(|word| word.parse().ok()).collect();
    let (result, taken) = (numbers[0], numbers[1]);
    println!("{line}");
    // Beside the result: a repeat (some 130 kB decoded), the code and the stack that it needs, what the allocator keeps.
    assert!(result > 30 << 20 && taken < result + (6 << 20), "{line}");
}
