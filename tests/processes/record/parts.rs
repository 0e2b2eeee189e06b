//! Shards of sweeps with fewer repeats than shards: parts of repeats, bitwise equal to one run.

use super::studies::{STUDIES, bytes, of_one_run, study};
use crate::common::program::Folder;
use double_descent::Error;
use double_descent::curve::Metric;
use double_descent::features::RandomFourier;
use double_descent::nested::Engine;
use double_descent::rng::stream;
use double_descent::sweep::{Arm, Cut, Maps, Parameter, Plan, Shard, ShardState, Sweep};
use rand::RngExt;
use std::ops::ControlFlow;
use std::path::Path;

/// Every engine, with the way its repeats are split.
fn sweeps() -> Vec<(&'static str, Cut, Sweep)> {
    let mut all: Vec<(&str, Cut, Sweep)> = STUDIES
        .into_iter()
        .map(|name| {
            let cut = match name {
                // The engine of "nested" makes all p at one n from one factorisation, which cannot be split.
                "models" | "penalties" | "nested" => Cut::Repeats,
                _ => Cut::Samples,
            };
            (name, cut, study(name, 2))
        })
        .collect();
    let plane = study("plane", 2);
    // Narrow steps among wide ones, with cells on both sides of n = p and at it, unsorted.
    let features = vec![4, 60, 8, 9, 10, 16, 30, 39, 40, 41, 50];
    let modes = Arm::leading_modes(5);
    let metrics = vec![Metric::TrainMse, Metric::TestMse, Metric::SmallestSingularValue];
    let of_plane = Sweep { features, engine: Some(Engine::Nested), metrics, ..plane.clone() };
    let by_svd = Sweep { arms: vec![Arm::min_norm(), modes], ..of_plane.clone() };
    all.push(("plane by modes", Cut::Features, by_svd));
    let few = Sweep { features: vec![10, 35, 60], arms: vec![Arm::min_norm()], ..of_plane.clone() };
    all.push((
        "plane of few",
        Cut::Features,
        Sweep { engine: None, samples: (1..=12).map(|n| 4 * n).collect(), ..few },
    ));
    let by_svd = Sweep { engine: Some(Engine::Svd), ..of_plane };
    all.push(("plane, cell by cell", Cut::Samples, by_svd.clone()));
    all.push(("one n, cell by cell", Cut::Features, Sweep { samples: vec![20], ..by_svd.clone() }));
    let warm = Arm::warm_start();
    all.push((
        "warm starts",
        Cut::Samples,
        Sweep { arms: vec![warm, Arm::min_norm()], metrics: vec![Metric::TestMse], ..by_svd },
    ));
    let rows = Sweep { features: vec![3, 7, 10], ..study("nested", 2) };
    all.push(("rows of several p", Cut::Features, rows));
    let maps = Maps::members(|repeat, member| {
        RandomFourier::gaussian(10, 30, 0.5, stream(2, member, repeat).random())
    });
    let members = Sweep {
        samples: vec![20],
        features: vec![10, 20, 30],
        maps,
        parameter: Some(Parameter::members([1.0, 3.0], 4)),
        metrics: vec![Metric::TrainMse, Metric::TestMse],
        arms: vec![Arm::min_norm()],
        ..plane
    };
    all.push(("ensembles", Cut::Features, members));
    all
}

fn compute(sweep: &Sweep, folder: &Path, shard: Shard) {
    let shards = sweep.shards_for(folder, shard.of()).unwrap();
    let record = sweep.record_by(shards.begin(shard).unwrap(), shards.cut()).unwrap();
    let recording = record.shard(shard.k(), shard.of()).unwrap();
    assert!(recording.compute(&()).unwrap() && recording.missing().is_empty());
}

#[test]
fn parts_of_repeats_in_any_order_are_one_run() {
    for (name, cut, sweep) in sweeps() {
        let expected = of_one_run(&sweep);
        assert_eq!(sweep.finest_cut().unwrap(), cut, "{name}");
        for of in [3, 8] {
            let folder = Folder::new(&format!("parts-{}-{of}", name.replace([' ', ','], "-")));
            for k in (0..of).rev().chain([1]) {
                compute(&sweep, &folder.0, Shard::new(k, of).unwrap());
            }
            // Split in another way.
            compute(&sweep, &folder.0, Shard::new(1, 2).unwrap());
            let shards = sweep.shards(&folder.0).unwrap();
            assert_eq!(shards.cut(), cut, "{name}: the plan says how");
            let status = shards.status().unwrap();
            assert!(status.missing.is_empty() && status.again.is_empty(), "{name}: {status:?}");
            assert!(status.files.iter().all(|file| file.state == ShardState::Complete), "{name}: {status:?}");
            let records = shards.records().unwrap();
            assert!(bytes(&sweep.merge(&records).unwrap()) == expected, "{name} in {of}");
            let (cells, summary) = (folder.0.join("cells.csv"), folder.0.join("summary.csv"));
            sweep.merge_tables(&records, &cells, &summary, &[Metric::TestMse], None).unwrap();
            let mut whole = Vec::new();
            sweep.run().unwrap().write_cells(&mut whole).unwrap();
            assert!(std::fs::read(&cells).unwrap() == whole, "{name}: tables");
        }
    }
}

#[test]
fn missing_parts_are_named_and_computed_again() {
    let folder = Folder::new("parts-missing");
    let sweep = Sweep { threads: Some(1), ..study("samples", 1) };
    let shard = |k| Shard::new(k, 4).unwrap();
    for k in [0, 3] {
        compute(&sweep, &folder.0, shard(k));
    }
    let shards = sweep.shards(&folder.0).unwrap();
    assert_eq!(shards.status().unwrap().again, [shard(1), shard(2)]);
    let error = sweep.merge(&shards.records().unwrap()).unwrap_err().to_string();
    assert!(
        error.contains("n = ") && error.contains(" of repeat 0 (counted from 0) of 40 are in none"),
        "{error}"
    );
    assert_eq!(sweep.missing(&shards.records().unwrap()).unwrap(), [0]);
    // Stopped in the middle, then resumed.
    let path = shards.begin(shard(1)).unwrap();
    let stopped = |_: usize, _: usize| ControlFlow::Break(());
    let recording = sweep.record_by(&path, shards.cut()).unwrap().shard(1, 4).unwrap();
    let all = recording.to_string();
    assert!(!recording.compute(&stopped).unwrap());
    let left = recording.missing().len();
    assert!(left > 0 && all.starts_with("n = ") && all.ends_with(" of repeat 0"), "{left}: {all}");
    drop(recording);
    for k in [1, 2] {
        compute(&sweep, &folder.0, shard(k));
    }
    assert!(bytes(&sweep.merge(&shards.records().unwrap()).unwrap()) == of_one_run(&sweep));
    // More repeats extend them.
    let more = study("samples", 3);
    assert_eq!(more.shards(&folder.0).unwrap().cut(), Cut::Samples);
    for k in 0..2 {
        compute(&more, &folder.0, Shard::new(k, 2).unwrap());
    }
    let records = more.shards(&folder.0).unwrap().records().unwrap();
    assert!(bytes(&more.merge(&records).unwrap()) == of_one_run(&more));
}

/// Whole repeats and parts of repeats cannot share a folder, and an engine only has its own kind of parts.
#[test]
fn records_that_are_cut_in_two_ways_are_refused() {
    let folder = Folder::new("parts-refused");
    let sweep = study("samples", 2);
    compute(&sweep, &folder.0, Shard::new(0, 8).unwrap());
    assert!(Plan::read(&folder.0).unwrap().unwrap().identity.text().contains("parts: by repeats and n"));
    let whole = folder.0.join("2-of-2.record");
    sweep.record(&whole).unwrap().shard(1, 2).unwrap().compute(&()).unwrap();
    let shards = sweep.shards(&folder.0).unwrap();
    let refused = |file: &double_descent::sweep::ShardFile| matches!(file.state, ShardState::Refused(_));
    assert!(shards.status().unwrap().files.iter().any(refused));
    let error = sweep.merge(&shards.records().unwrap()).unwrap_err().to_string();
    assert!(error.contains("parts"), "{error}");
    let error = sweep.record_by(folder.0.join("p"), Cut::Features).unwrap_err();
    assert!(matches!(error, Error::Unsupported { .. }), "{error}");
    assert!(error.to_string().contains("by repeats and n"), "{error}");
}
