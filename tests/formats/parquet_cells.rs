//! Curves written to Parquet and read back, by the crate that wrote them and by pandas if Python has it.

use crate::common::program::Folder;
use crate::common::skipped;
use double_descent::curve::{ArmLabel, Axis, Cell, Curve, Metric, Provenance};
use double_descent::dataset::Dataset;
use double_descent::sweep::{Shard, Sweep};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;
use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::process::Command;

type Row = BTreeMap<String, Field>;

fn read(path: &Path) -> (Vec<Row>, usize) {
    let reader = SerializedFileReader::new(File::open(path).unwrap()).unwrap();
    let row =
        |row: Result<parquet::record::Row, _>| -> Row { row.unwrap().into_columns().into_iter().collect() };
    (reader.get_row_iter(None).unwrap().map(row).collect(), reader.metadata().num_row_groups())
}

fn same(curve: &Curve, rows: &[Row]) {
    assert_eq!(rows.len(), curve.cells.len());
    for (cell, row) in curve.cells.iter().zip(rows) {
        let count = |name: &str| match row[name] {
            Field::Long(count) => usize::try_from(count).unwrap(),
            ref other => panic!("{name}: {other:?}"),
        };
        let bits = |name: &str| match row.get(name) {
            Some(Field::Double(number)) => Some(number.to_bits()),
            Some(Field::Null) | None => None,
            Some(other) => panic!("{name}: {other:?}"),
        };
        let counts = ["repeat", "n", "p", "rank"].map(count);
        assert_eq!(counts, [cell.repeat, cell.n, cell.p, cell.rank]);
        let arm = &curve.arms[cell.arm];
        assert_eq!(row["arm"], Field::Str(arm.name.clone()));
        assert_eq!(bits("setting"), arm.setting.map(f64::to_bits));
        assert_eq!(bits("value"), cell.value().map(f64::to_bits));
        for metric in Metric::ALL {
            assert_eq!(bits(metric.name()), cell.metric(*metric).map(f64::to_bits), "{}", metric.name());
        }
    }
}

/// Missing values, NaN, infinities, subnormal numbers and a third axis come back bit by bit.
#[test]
fn every_bit_comes_back() {
    let arms = vec![ArmLabel::new("a, \"b\"\nç", None), ArmLabel::new("ridge", Some(0.1))];
    let mut curve = Curve::new(Axis::LabelNoise, arms, Provenance::new("data", "words"));
    let numbers = [f64::NAN, -0.0, f64::INFINITY, f64::MIN_POSITIVE / 8.0, 1.0 / 3.0, f64::MAX];
    for (i, number) in numbers.into_iter().enumerate() {
        let cell = Cell::new(i, 1 << 40, 7, i % 2).with_rank(i).at((i != 2).then_some(number));
        let cell = cell.with(Metric::TestMse, number);
        curve.cells.push(if i == 4 { cell.with(Metric::LogEvidence, -number) } else { cell });
    }
    let folder = Folder::new("parquet-bits");
    let path = folder.0.join("cells.parquet");
    curve.save_cells_parquet(&path).unwrap();
    same(&curve, &read(&path).0);
    let names: Vec<String> = std::fs::read_dir(&folder.0)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(names, ["cells.parquet"]);
    // A cell of an arm that the curve lacks has no name, as in CSV.
    curve.cells = vec![Cell::new(0, 1, 1, 7)];
    curve.save_cells_parquet(&path).unwrap();
    assert_eq!(read(&path).0[0]["arm"], Field::Str(String::new()));
    curve.cells.clear();
    curve.save_cells_parquet(&path).unwrap();
    assert_eq!(read(&path), (Vec::new(), 0));
    // A path that cannot be written to is an error.
    assert!(curve.save_cells_parquet(folder.0.join("no/cells.parquet")).is_err());
}

/// A curve and the merged records of its shards give the same bytes, over several row groups.
#[test]
fn merged_shards_are_the_curve() {
    let folder = Folder::new("parquet-shards");
    let sweep = Sweep::new(Dataset::diabetes(), 1..=40, 200, 0);
    let curve = sweep.run().unwrap();
    let path = folder.0.join("cells.parquet");
    curve.save_cells_parquet(&path).unwrap();
    let (rows, groups) = read(&path);
    assert!(groups > 1, "{} cells in {groups} groups", rows.len());
    same(&curve, &rows);
    let shards = sweep.shards(folder.0.join("shards")).unwrap();
    for k in [2, 0, 1] {
        let record = sweep.record(shards.begin(Shard::new(k, 3).unwrap()).unwrap()).unwrap();
        record.shard(k, 3).unwrap().compute(&()).unwrap();
    }
    let merged = folder.0.join("merged.parquet");
    let records = shards.records().unwrap();
    assert_eq!(sweep.merge_parquet(&records, &merged).unwrap(), curve.cells.len());
    assert!(std::fs::read(&merged).unwrap() == std::fs::read(&path).unwrap());
    let some = sweep.merge_parquet(&records[..2], folder.0.join("some.parquet"));
    assert!(some.unwrap_err().to_string().contains("are in none of the 2 records"));
    by_pandas(&curve, &path, &folder);
}

/// Compares the file with a CSV table in pandas. Runs the Python that `DOUBLE_DESCENT_PYTHON` names, or `python3`.
fn by_pandas(curve: &Curve, path: &Path, folder: &Folder) {
    let python = std::env::var("DOUBLE_DESCENT_PYTHON").unwrap_or_else(|_| "python3".into());
    let has_it = Command::new(&python).args(["-c", "import pandas, pyarrow"]).output();
    if !has_it.is_ok_and(|output| output.status.success()) {
        skipped(&format!("{python} has no pandas and pyarrow"));
        return;
    }
    let csv = folder.0.join("cells.csv");
    curve.save_cells(&csv).unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/reference/parquet_cells.py");
    let output = Command::new(&python).arg(script).args([path, &csv]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    println!("pandas: {said}");
}
