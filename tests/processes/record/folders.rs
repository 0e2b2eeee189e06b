//! Folders that collect the shards of one sweep.

use super::child::child;
use super::studies::{STUDIES, bytes, of_one_run, small, study, under};
use crate::common::program::Folder;
use double_descent::Error;
use double_descent::curve::{Bootstrap, Metric};
use double_descent::rng::stream;
use double_descent::sweep::{Plan, Shard, ShardState, Splits, Sweep};
use rand::RngExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

fn shard(text: &str) -> Shard {
    text.parse().unwrap()
}

fn compute(sweep: &Sweep, folder: &Path, shard: Shard) -> PathBuf {
    let path = sweep.shards(folder).unwrap().begin(shard).unwrap();
    let recording = sweep.record(&path).unwrap().shard(shard.k(), shard.of()).unwrap();
    assert!(recording.compute(&()).unwrap() && recording.missing().is_empty());
    path
}

fn merged(sweep: &Sweep, folder: &Path) -> Vec<u8> {
    bytes(&sweep.merge(&sweep.shards(folder).unwrap().records().unwrap()).unwrap())
}

#[test]
fn shards_in_any_order_and_twice_are_one_run() {
    let mut rng = stream(18, 0, 0);
    for name in ["samples", "plane"] {
        let folder = Folder::new(&format!("folder-{name}"));
        let sweep = study(name, 11);
        let shards = sweep.shards(&folder.0).unwrap();
        assert!(shards.records().unwrap_err().to_string().contains("holds no shards"));
        let mut left: Vec<Shard> = (0..4).map(|k| Shard::new(k, 4).unwrap()).collect();
        while !left.is_empty() {
            let next = left.remove(under(&mut rng, left.len()));
            compute(&sweep, &folder.0, next);
            let status = shards.status().unwrap();
            left.sort();
            assert_eq!((status.of, status.count, &status.again), (4, 11, &left));
            assert!(status.files.iter().all(|file| file.state == ShardState::Complete));
        }
        let expected = of_one_run(&sweep);
        assert!(merged(&sweep, &folder.0) == expected, "{name}");
        // Again, split in another way, with more shards than repeats.
        compute(&sweep, &folder.0, shard("2/4"));
        compute(&sweep, &folder.0, shard("2/3"));
        compute(&sweep, &folder.0, shard("7/20"));
        compute(&sweep, &folder.0, shard("1/20"));
        assert!(merged(&sweep, &folder.0) == expected, "{name}");
        assert!(shards.status().unwrap().missing.is_empty());
        // With more repeats the plan grows, and existing records stay.
        let more = study(name, 13);
        assert_eq!(more.shards(&folder.0).unwrap().status().unwrap().missing, [11, 12]);
        for k in 0..4 {
            compute(&more, &folder.0, Shard::new(k, 4).unwrap());
        }
        assert!(merged(&more, &folder.0) == of_one_run(&more) && merged(&sweep, &folder.0) == expected);
        assert_eq!(Plan::read(&folder.0).unwrap().unwrap().count, 13);
    }
}

#[test]
fn other_plans_and_foreign_records_are_refused_with_the_difference() {
    let folder = Folder::new("folder-foreign");
    let (sweep, expected) = small();
    let other = Sweep { splits: Splits::Drawn { repeats: 4, seed: 6 }, ..sweep.clone() };
    let own = compute(&sweep, &folder.0, shard("1/1"));
    let theirs = other.shards(&folder.0).unwrap();
    for error in [
        theirs.begin(shard("1/2")).unwrap_err(),
        theirs.records().unwrap_err(),
        theirs.status().unwrap_err(),
        theirs.merged().unwrap_err(),
    ] {
        let words = error.to_string();
        assert!(words.contains("splits drawn, seed 6 and splits drawn, seed 5"), "{words}");
        assert!(matches!(error, Error::File { path, .. } if path.ends_with(Plan::FILE)));
    }
    // A shard of another sweep, then a file that is not a record, among those of this one.
    let place = folder.0.join("elsewhere");
    let foreign = folder.0.join("2-of-2.record");
    std::fs::copy(compute(&other, &place, shard("2/2")), &foreign).unwrap();
    let shards = sweep.shards(&folder.0).unwrap();
    let refusal = |words: &str| {
        let error = sweep.merge(&shards.records().unwrap()).unwrap_err();
        assert!(error.to_string().contains(words) && error.to_string().contains("2-of-2"), "{error}");
        let files = shards.status().unwrap().files;
        let state = &files.iter().find(|file| file.path == foreign).unwrap().state;
        assert_eq!(state, &ShardState::Refused(error));
    };
    refusal("seed 5 and splits drawn, seed 6");
    std::fs::write(&foreign, "repeat,n,p\n".repeat(40)).unwrap();
    refusal("not a record of this crate");
    std::fs::remove_file(&foreign).unwrap();
    // A named pipe without a writer must not block.
    if cfg!(unix) {
        assert!(std::process::Command::new("mkfifo").arg(&foreign).status().unwrap().success());
        refusal("is not a regular file");
        std::fs::remove_file(&foreign).unwrap();
    }
    // A shard with another name, and files with other extensions.
    std::fs::rename(&own, folder.0.join("all of it.record")).unwrap();
    std::fs::write(folder.0.join("slurm-17.out"), "said").unwrap();
    assert!(merged(&sweep, &folder.0) == expected);
    // Without the plan, then with a damaged one.
    std::fs::remove_file(folder.0.join(Plan::FILE)).unwrap();
    assert!(merged(&sweep, &folder.0) == expected && shards.status().unwrap().missing.is_empty());
    shards.begin(shard("1/2")).unwrap();
    let plan = folder.0.join(Plan::FILE);
    let text = std::fs::read_to_string(&plan).unwrap();
    std::fs::write(&plan, text.replace("seed 5", "seed 7")).unwrap();
    let error = shards.begin(shard("1/2")).unwrap_err().to_string();
    assert!(error.contains("damaged") && error.contains(Plan::FILE), "{error}");
}

/// Shards truncated or changed at random places: what is lost is known and computed again.
#[test]
fn damaged_shards_give_the_same_bytes_or_a_refusal() {
    let folder = Folder::new("folder-damaged");
    let (sweep, expected) = small();
    let shards = sweep.shards(&folder.0).unwrap();
    let paths: Vec<PathBuf> = (0..2).map(|k| compute(&sweep, &folder.0, Shard::new(k, 2).unwrap())).collect();
    let whole = paths.iter().map(|path| std::fs::read(path).unwrap()).collect::<Vec<_>>();
    let mut rng = stream(19, 0, 0);
    let mut refused = 0;
    for round in 0..60 {
        let which = round % 2;
        let mut bytes = whole[which].clone();
        let place = under(&mut rng, bytes.len());
        if round % 3 == 0 {
            bytes[place] ^= 1 << under(&mut rng, 8);
        } else {
            bytes.truncate(place);
        }
        std::fs::write(&paths[which], &bytes).unwrap();
        let status = shards.status().unwrap();
        match sweep.merge(&shards.records().unwrap()) {
            // Only the writer's name has changed.
            Ok(curve) => assert!(super::studies::bytes(&curve) == expected),
            Err(error) => {
                refused += 1;
                let words = error.to_string();
                assert!(
                    words.contains(" in none of the 2 records") || words.contains("-of-2.record"),
                    "{words}"
                );
                assert_eq!(status.again, [Shard::new(which, 2).unwrap()], "{words}");
                assert_ne!(status.files[which].state, ShardState::Complete);
            }
        }
        // Files with damaged headers are not overwritten.
        if let ShardState::Refused(error) = &status.files[which].state {
            assert_eq!(&sweep.record(&paths[which]).unwrap_err(), error);
            std::fs::remove_file(&paths[which]).unwrap();
        }
        compute(&sweep, &folder.0, Shard::new(which, 2).unwrap());
        assert!(merged(&sweep, &folder.0) == expected, "round {round}");
    }
    assert!(refused > 40, "{refused}");
}

/// Processes that compute shards are killed at random record lengths, twenty times; others continue, and sometimes a
/// whole shard disappears as if with its node.
#[test]
fn killed_workers_lose_the_block_under_way() {
    let folder = Folder::new("folder-killed");
    let sweep = study("nested", 160);
    let whole = std::fs::metadata(compute(&sweep, &folder.0.join("first"), shard("1/5"))).unwrap().len();
    let (place, shards) = (folder.0.join("shards"), sweep.shards(folder.0.join("shards")).unwrap());
    shards.begin(shard("1/5")).unwrap();
    let mut rng = stream(20, 0, 0);
    let (mut kills, mut partly, mut rounds, mut vanished) = (0, 0, 0, 0);
    loop {
        let status = shards.status().unwrap();
        if kills >= 20 && status.missing.is_empty() {
            break;
        }
        assert!(rounds < 300, "{kills} kills in {rounds} rounds");
        rounds += 1;
        // If everything finishes before twenty kills, or now and then anyway, a node disappears with its shard.
        if status.again.is_empty() || rounds % 7 == 0 {
            let lost = shards.path(Shard::new(under(&mut rng, 5), 5).unwrap());
            vanished += usize::from(std::fs::remove_file(lost).is_ok());
            continue;
        }
        let next = status.again[under(&mut rng, status.again.len())];
        let before = shards.status().unwrap().missing.len();
        let length = || std::fs::metadata(shards.path(next)).map_or(0, |file| file.len());
        let until = rng.random_range(length().min(whole)..=whole);
        let mut worker = child(&format!("shard:nested/160:{next}"), &place, "");
        if kills < 20 {
            let mut waited = 0;
            while length() <= until && worker.try_wait().unwrap().is_none() && waited < 60_000 {
                std::thread::sleep(Duration::from_micros(500));
                waited += 1;
            }
            if worker.try_wait().unwrap().is_none() {
                worker.kill().unwrap(); // SIGKILL on Unix
                kills += 1;
            }
        }
        worker.wait().unwrap();
        let after = shards.status().unwrap();
        assert!(after.missing.len() <= before, "{} of {before}", after.missing.len());
        let of_shard = next.range(160);
        let left = after.missing.iter().filter(|index| of_shard.contains(index)).count();
        partly += usize::from(left > 0 && left < of_shard.len());
    }
    println!(
        "{kills} kills in {rounds} rounds, {vanished} shards vanished; {partly} shards were there in part"
    );
    assert!(vanished > 0, "no shard vanished");
    assert!(partly > 5, "{partly} of {kills} kills came between the first block of a shard and the last");
    assert!(merged(&sweep, &place) == of_one_run(&sweep));
}

/// Tables of all studies, streamed without holding the curves: the same bytes as those that the curves write.
#[test]
fn streamed_tables_are_those_of_one_run() {
    let folder = Folder::new("folder-tables");
    let metrics = [Metric::TestMse, Metric::TrainMse, Metric::SmallestSingularValue, Metric::CoefficientNorm];
    for name in STUDIES {
        let sweep = study(name, 9);
        let shards = sweep.shards(folder.0.join(name)).unwrap();
        for k in 0..2 {
            compute(&sweep, shards.folder(), Shard::new(k, 2).unwrap());
        }
        let curve = sweep.run().unwrap();
        let [cells, summary, one, other] = ["a", "b", "c", "d"].map(|file| folder.0.join(file));
        let records = shards.records().unwrap();
        for bootstrap in [None, Some(Bootstrap { draws: 50, seed: 3 })] {
            let tables = sweep.merge_tables(&records, &cells, &summary, &metrics, bootstrap).unwrap();
            assert_eq!((tables.cells, &tables.failures), (curve.cells.len(), &curve.failures));
            curve.save_cells(&one).unwrap();
            curve.save_summaries(&other, &metrics, bootstrap).unwrap();
            for (a, b) in [(&cells, &one), (&summary, &other)] {
                assert!(std::fs::read(a).unwrap() == std::fs::read(b).unwrap(), "{name}");
            }
        }
        let error = sweep.merge_tables(&records[1..], &cells, &summary, &metrics, None).unwrap_err();
        assert!(error.to_string().contains("repeats 0..=3 "), "{error}");
    }
}
