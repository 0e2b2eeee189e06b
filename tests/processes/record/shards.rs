//! Shards and their merging.

use super::child::child;
use super::studies::{bytes, of_one_run, small, study, under};
use crate::common::program::Folder;
use double_descent::Error;
use double_descent::rng::stream;
use double_descent::sweep::{Splits, Sweep};
use std::path::{Path, PathBuf};

#[test]
fn seven_shards_in_any_order_are_one_run() {
    let folder = Folder::new("shards");
    for name in ["samples", "plane", "noise"] {
        let study = study(name, 17);
        let expected = of_one_run(&study);
        let mut paths: Vec<PathBuf> = (0..7).map(|k| folder.0.join(format!("{name}-{k}"))).collect();
        for (k, path) in paths.iter().enumerate().rev() {
            let curve = study.record(path).unwrap().shard(k, 7).unwrap().run(&()).unwrap();
            assert!(!curve.complete);
        }
        let mut rng = stream(7, 0, 0);
        for _ in 0..25 {
            assert!(bytes(&study.merge(&paths).unwrap()) == expected, "{name}");
            for last in (1..7).rev() {
                paths.swap(last, under(&mut rng, last + 1));
            }
        }
        // One shard twice, and one that overlaps others.
        let again = folder.0.join(format!("{name}-again"));
        study.record(&again).unwrap().shard(1, 3).unwrap().run(&()).unwrap();
        let twice: Vec<PathBuf> = paths.iter().chain(&paths[2..4]).chain([&again]).cloned().collect();
        assert!(bytes(&study.merge(&twice).unwrap()) == expected);
        // A missing shard: repeats ⌊17·2/7⌋ = 4 up to ⌊17·3/7⌋ = 7.
        paths.sort();
        let lost = paths.remove(2);
        let error = study.merge(&paths).unwrap_err();
        assert!(
            matches!(&error, Error::Unsupported { reason } if reason.contains("repeats 4..=6 ")),
            "{error}"
        );
        // A shard damaged since: the error names what is missing, and the file.
        let mut damaged = std::fs::read(&lost).unwrap();
        *damaged.last_mut().unwrap() ^= 1;
        std::fs::write(&lost, &damaged).unwrap();
        paths.insert(0, lost.clone());
        let error = study.merge(&paths).unwrap_err().to_string();
        assert!(
            error.contains(" in none of the 7 records") && error.contains(lost.to_str().unwrap()),
            "{error}"
        );
        assert_eq!(std::fs::read(&lost).unwrap(), damaged, "merging changes no record");
        study.record(&lost).unwrap().shard(2, 7).unwrap().run(&()).unwrap();
        assert!(bytes(&study.merge(&paths).unwrap()) == expected);
        for (k, of) in [(7, 7), (0, 0)] {
            assert!(matches!(study.record(&again).unwrap().shard(k, of), Err(Error::Domain { .. })));
        }
    }
    // A foreign shard, and one with different results for the same repeat.
    let (sweep, expected) = small();
    let (own, other) = (folder.0.join("own"), folder.0.join("other"));
    sweep.record(&own).unwrap().run(&()).unwrap();
    let foreign = Sweep { splits: Splits::Drawn { repeats: 4, seed: 6 }, ..sweep.clone() };
    foreign.record(&other).unwrap().run(&()).unwrap();
    let error = sweep.merge(&[&own, &other]).unwrap_err();
    assert!(matches!(&error, Error::File { path, .. } if *path == other), "{error:?}");
    assert!(error.to_string().contains("seed 5 and splits drawn, seed 6"), "{error}");
    // The other's blocks under this one's header, as two kinds of machines would produce.
    let (ours, theirs) = (std::fs::read(&own).unwrap(), std::fs::read(&other).unwrap());
    let header = ours.windows(8).position(|bytes| bytes == b"\xf1block\r\n").unwrap();
    std::fs::write(&other, [&ours[..header], &theirs[header..]].concat()).unwrap();
    let error = sweep.merge(&[&own, &other]).unwrap_err().to_string();
    assert!(error.contains("repeat ") && error.contains("another kind of machine"), "{error}");
    assert!(sweep.missing(&[&own]).unwrap().is_empty());
    assert!(bytes(&sweep.merge(&[&own]).unwrap()) == expected);
}

/// Merges the records of a large result, and prints the memory that the merge takes besides it.
#[cfg(target_os = "linux")]
pub fn merges(folder: &Path) {
    let peak = || {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap().to_owned();
        line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() << 10
    };
    let sweep = study("nested", 400);
    let paths: Vec<PathBuf> = (0..4).map(|k| folder.join(k.to_string())).collect();
    let before = peak();
    let curve = sweep.merge(&paths).unwrap();
    let taken = peak() - before;
    println!("result {} bytes, taken {taken}", size_of_val(&curve.cells[..]));
}

#[cfg(not(target_os = "linux"))]
pub fn merges(_: &Path) {}

/// A merge holds its result and one repeat: 600 of 240,000 cells.
#[test]
#[cfg(target_os = "linux")]
fn merging_takes_the_memory_of_its_result() {
    let folder = Folder::new("merge-memory");
    let study = study("nested", 400);
    for k in 0..4 {
        study.record(folder.0.join(k.to_string())).unwrap().shard(k, 4).unwrap().run(&()).unwrap();
    }
    let output = child("merges", &folder.0, "").wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    let line = said.lines().find(|line| line.contains("taken")).unwrap().to_owned();
    let numbers: Vec<usize> = line.split([' ', ',']).filter_map(|word| word.parse().ok()).collect();
    let (result, taken) = (numbers[0], numbers[1]);
    println!("{line}");
    // Besides the result: one repeat (about 130 kB decoded), code and stack for it, and memory kept by the allocator.
    assert!(result > 30 << 20 && taken < result + (6 << 20), "{line}");
}
