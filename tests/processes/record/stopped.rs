//! Runs that stop early and are resumed.

use super::child::child;
use super::studies::{STUDIES, of_one_run, resumed, study};
use crate::common::program::Folder;
use double_descent::rng::stream;
use double_descent::sweep::{Splits, Sweep};
use rand::RngExt;
use std::ops::ControlFlow;
use std::time::Duration;

/// Kills a run at 30 moments, each at a random record length. Each time, the rest is computed from a copy at once,
/// while the record itself continues in the next child.
fn killed(name: &str, repeats: usize, seed: u64) {
    let folder = Folder::new(&format!("killed-{name}"));
    let (path, copy) = (folder.0.join("of.record"), folder.0.join("copy.record"));
    let study = study(name, repeats);
    let expected = of_one_run(&study);
    let whole = {
        assert!(resumed(&study, &copy) == expected, "{name}: undisturbed");
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
        child.kill().unwrap(); // SIGKILL on Unix
        child.wait().unwrap();
        if !path.exists() {
            continue;
        }
        std::fs::copy(&path, &copy).unwrap();
        let left = study.record(&copy).unwrap().missing().len();
        assert!(resumed(&study, &copy) == expected, "{name}, round {round}, {left} repeats left");
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
    killed("samples", 60, 1);
    killed("nested", 60, 2);
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
        // Stopped, then resumed on another number of threads, then extended to more repeats.
        let sweep = study(name, 24);
        let part = sweep.record(&path).unwrap().run(&stopped).unwrap();
        assert!(!part.complete && part.cells.len() < sweep.run().unwrap().cells.len());
        let one = Sweep { threads: Some(1), ..sweep.clone() };
        assert!(resumed(&one, &path) == of_one_run(&sweep), "{name}");
        let more = study(name, 31);
        assert_eq!(more.record(&path).unwrap().missing(), (24..31).collect::<Vec<_>>());
        assert!(resumed(&more, &path) == of_one_run(&more), "{name}");
        // Fewer repeats than recorded: the first ones.
        let fewer = study(name, 5);
        assert!(resumed(&fewer, &path) == of_one_run(&fewer), "{name}");
    }
}

#[test]
#[cfg(unix)]
fn a_full_disk_costs_the_block_under_way() {
    let folder = Folder::new("record-disk");
    let study = study("nested", 60);
    let expected = of_one_run(&study);
    for (name, trap, ends_well) in [("error", "trap '' XFSZ; ", true), ("signal", "", false)] {
        let path = folder.0.join(name);
        // Part of the record: 600 cells per repeat, about 30 bytes each. `ulimit` counts blocks of 512 or 1024 bytes.
        let child = child("nested/60", &path, &format!("{trap}ulimit -c 0; ulimit -f 400; "));
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.success(), ends_well, "{said}{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(said.contains("refused: ") && said.contains(name), ends_well, "{said}");
        let missing = study.record(&path).unwrap().missing();
        let record = std::fs::metadata(&path).unwrap().len();
        let each = record / (60 - missing.len()) as u64;
        assert!(record + 2 * each > 400 * 512 && !missing.is_empty(), "{record} bytes, {missing:?} missing");
        assert!(resumed(&study, &path) == expected, "{name}");
    }
}

/// Fewer repeats than threads: the cells of each repeat are computed in parallel. Also given splits.
#[test]
fn few_repeats_on_many_threads() {
    let folder = Folder::new("few");
    let drawn = study("samples", 3);
    let orders = drawn.splits.orders(442, 40).unwrap();
    let given = Sweep { splits: Splits::Recorded(orders), threads: Some(8), ..drawn.clone() };
    for sweep in [Sweep { threads: Some(8), ..drawn }, given] {
        let path = folder.0.join(format!("{:?}", sweep.splits.seed()));
        let stopped = |_: usize, _: usize| ControlFlow::Break(());
        assert!(!sweep.record(&path).unwrap().run(&stopped).unwrap().complete);
        assert_eq!(sweep.record(&path).unwrap().missing(), [1, 2]);
        assert!(resumed(&sweep, &path) == of_one_run(&sweep));
        let none = Sweep { splits: Splits::Drawn { repeats: 0, seed: 5 }, ..sweep };
        assert_eq!(none.record(&path).unwrap_err(), none.run().unwrap_err());
    }
}
