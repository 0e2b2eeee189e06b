//! Wrong or jumping clocks: nothing depends on the time of day.

use super::child::child;
use super::studies::{bytes, of_one_run, resumed, small, study};
use crate::common::program::Folder;
use crate::common::skipped;
use double_descent::sweep::{Shard, ShardState};
use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, SystemTime};

/// Almost the earliest time that a file can have; and one in the year 2096.
fn moments() -> [SystemTime; 2] {
    [1, 4_000_000_000].map(|seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
}

/// Sets the modification time of every file in a folder.
fn set(folder: &Path, time: SystemTime) {
    for entry in fs::read_dir(folder).unwrap() {
        File::options().write(true).open(entry.unwrap().path()).unwrap().set_modified(time).unwrap();
    }
}

#[test]
fn times_of_files_say_nothing() {
    let (sweep, expected) = small();
    let folder = Folder::new("clocks");
    let shards = sweep.shards(&folder.0).unwrap();
    let compute = |k: usize| {
        let path = shards.begin(Shard::new(k, 3).unwrap()).unwrap();
        sweep.record(&path).unwrap().shard(k, 3).unwrap().compute(&()).unwrap();
        path
    };
    let [past, future] = moments();
    // Records that appear to be written after, or long before, the plan and one another.
    for (k, time) in [(2, future), (0, past), (1, future), (1, past)] {
        compute(k);
        set(&folder.0, time);
    }
    let merged = || bytes(&sweep.merge(&shards.records().unwrap()).unwrap());
    assert!(merged() == expected);
    // A truncated record is resumed, whichever of its files is older.
    for time in [past, future] {
        let path = compute(1);
        let cut = fs::read(&path).unwrap();
        fs::write(&path, &cut[..cut.len() - 7]).unwrap();
        set(&folder.0, time);
        compute(1);
        assert!(merged() == expected);
    }
    let status = shards.status().unwrap();
    assert!(status.files.iter().all(|file| file.state == ShardState::Complete));
    let one = folder.0.join("one");
    assert!(resumed(&sweep, &one) == expected);
    File::options().write(true).open(&one).unwrap().set_modified(future).unwrap();
    assert!(resumed(&sweep, &one) == expected);
}

/// Needs libfaketime (the Debian package), or its path in `DOUBLE_DESCENT_FAKETIME`. While a process writes, all its
/// clocks, even the monotonic one, jump back and forth by years.
#[test]
#[cfg(target_os = "linux")]
fn a_clock_that_jumps_while_shards_are_computed() {
    let named = std::env::var("DOUBLE_DESCENT_FAKETIME").ok();
    let usual = format!("/usr/lib/{}-linux-gnu/faketime/libfaketime.so.1", std::env::consts::ARCH);
    let library = named.unwrap_or(usual);
    if !Path::new(&library).exists() {
        skipped(&format!("no {library}"));
        return;
    }
    let sweep = study("nested", 60);
    let expected = of_one_run(&sweep);
    let folder = Folder::new("clock-jumps");
    let clock = folder.file("clock", "+0d\n");
    let shards = sweep.shards(folder.0.join("shards")).unwrap();
    let before = format!("export LD_PRELOAD={library} FAKETIME_NO_CACHE=1 FAKETIME_TIMESTAMP_FILE={clock}; ");
    let mut jumps = 0;
    for k in 1..=2 {
        let mut worker = child(&format!("shard:nested/60:{k}/2"), &folder.0.join("shards"), &before);
        while worker.try_wait().unwrap().is_none() {
            let years = [900, -1200, 30, -3][jumps % 4];
            fs::write(&clock, format!("{:+}d\n", 365 * years / 10)).unwrap();
            jumps += 1;
            std::thread::sleep(Duration::from_millis(2));
        }
        assert!(worker.wait().unwrap().success());
    }
    println!("{jumps} jumps");
    assert!(jumps > 4);
    let curve = sweep.merge(&shards.records().unwrap()).unwrap();
    assert!(bytes(&curve) == expected);
}
