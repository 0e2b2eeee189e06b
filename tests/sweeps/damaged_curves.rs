//! Edited or truncated tables of cells, and settings that are not numbers: the right error, or the right cells.

use crate::common::files::{at, place};
use crate::common::program::Folder;
use double_descent::Error;
use double_descent::curve::{ArmLabel, Axis, Cell, Curve, Metric, Provenance};
use double_descent::dataset::Dataset;
use double_descent::sweep::Sweep;
use std::path::Path;

#[test]
fn a_disk_that_is_full_is_an_error() {
    struct Full(usize);
    impl std::io::Write for Full {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 = self.0.checked_sub(bytes.len()).ok_or(std::io::ErrorKind::StorageFull)?;
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let curve = Sweep::new(Dataset::diabetes(), 1..=20, 20, 0).run().unwrap();
    assert!(curve.write_cells(Full(100_000)).is_err());
    assert!(curve.write_cells(Full(usize::MAX)).is_ok());
}

#[test]
fn tables_of_cells_that_were_edited() {
    let folder = Folder::new("cells");
    let curve = Sweep::new(Dataset::diabetes(), [3, 4], 2, 0).run().unwrap();
    let mut good = Vec::new();
    curve.write_cells(&mut good).unwrap();
    let good = String::from_utf8(good).unwrap();
    let read = |from: &str, to: &str| {
        assert!(good.contains(from));
        let path = folder.file("table.csv", good.replacen(from, to, 1));
        Curve::read_cells(Path::new(&path), Axis::Samples)
    };
    assert!(read("\n", "\n").is_ok());
    assert_eq!(place(read("\n0,3,", "\nzero,3,"), "`zero` is not a number"), at(2, "repeat"));
    assert_eq!(place(read("\n0,3,", "\n0,-3,"), "`-3`"), at(2, "n"));
    assert_eq!(place(read(",unablated,,", ",unablated,x,"), "`x`"), at(2, "setting"));
    assert_eq!(place(read("\n0,3,10,", "\n0,3,"), "row of cells").0, Some(2));
    let error = read(",rank,", ",ranks,").unwrap_err();
    assert!(matches!(&error, Error::UnknownColumn { name, .. } if name == "rank"), "{error}");
    // A metric's column may be missing: the metric is then absent from every cell.
    assert!(read("test_mse,", "mse,").is_ok());
    let path = folder.0.join("table.csv");
    let blank = Curve::read_cells(&path, Axis::Samples).unwrap();
    assert!(blank.cells.iter().all(|cell| cell.test_mse.is_none() && cell.train_mse.is_some()));
    // The order of columns does not matter, and neither do extra ones.
    assert!(read("repeat,n,p", "repeat,p,n").is_ok());
}

/// A table truncated anywhere says how many rows are missing; a whole table, or one without the column that an earlier
/// version lacked, can be read.
#[test]
fn tables_of_cells_that_were_cut_off() {
    let folder = Folder::new("cut");
    let mut sweep = Sweep::new(Dataset::diabetes(), [3, 4, 12], 2, 0);
    sweep.arms.truncate(2);
    let curve = sweep.run().unwrap();
    let mut text = Vec::new();
    curve.write_cells(&mut text).unwrap();
    let text = String::from_utf8(text).unwrap();
    let read = |text: &str| Curve::read_cells(Path::new(&folder.file("table.csv", text)), Axis::Samples);
    let rows = curve.cells.len();
    assert_eq!(rows, 12);
    let header = text.find('\n').unwrap();
    // Without the last row's line feed the table is still complete; a header alone has no rows to count.
    assert_eq!(read(&text[..text.len() - 1]).unwrap().cells, curve.cells);
    for length in 0..text.len() - 1 {
        let error = read(&text[..length]).unwrap_err();
        let said = error.to_string();
        // Tables of earlier versions may lack a metric, but not the columns that identify their rows.
        if length < text.find(",mean_squared_bias").unwrap() {
            assert!(matches!(&error, Error::UnknownColumn { .. }), "{length}: {error:?}");
            continue;
        }
        assert!(matches!(&error, Error::File { .. }), "{length}: {error:?}");
        if length < header {
            assert!(said.contains("cut off in its header"), "{length}: {said}");
            continue;
        }
        // The complete rows, plus one that lacks only its line feed if a row before it tells how many are left.
        let ended = text[..length].matches('\n').count().saturating_sub(1);
        let whole = ended + usize::from(ended > 0 && text[length..].starts_with('\n'));
        let expected = match (whole, rows - whole) {
            (0, _) => "cut off before the end of its first row: all its rows are missing".to_owned(),
            (1, left) => format!("after 1 row: {left} rows are missing"),
            (_, 1) => format!("after {whole} rows: 1 row is missing"),
            (_, left) => format!("after {whole} rows: {left} rows are missing"),
        };
        assert!(said.contains(&expected), "{length}: {said}, not {expected}");
    }
    // A row missing from the middle; rows in another order; rows after the last.
    let mut lines: Vec<&str> = text.lines().collect();
    let gone = lines.remove(5);
    let error = read(&lines.join("\n")).unwrap_err();
    assert_eq!(place(Err::<Curve, _>(error), "1 row is missing before this one"), at(6, "rows_left"));
    lines.insert(9, gone);
    assert!(read(&lines.join("\n")).unwrap_err().to_string().contains("drop this column"));
    let twice = format!("{text}{}", &text[header + 1..]);
    assert!(read(&twice).unwrap_err().to_string().contains("the row before says that it is the last"));
    // An earlier version did not write this column, so a part of its table is also a valid table.
    let old: Vec<&str> = text.lines().map(|line| line.rsplit_once(',').unwrap().0).collect();
    assert_eq!(read(&(old.join("\n") + "\n")).unwrap().cells, curve.cells);
    assert_eq!(read(&old[..8].join("\n")).unwrap().cells, curve.cells[..7]);
    // No rows at all.
    let empty = Curve::new(Axis::Samples, Vec::new(), curve.provenance.clone());
    let mut text = Vec::new();
    empty.write_cells(&mut text).unwrap();
    assert!(read(std::str::from_utf8(&text).unwrap()).unwrap().cells.is_empty());
}

/// NaN is not equal to NaN: without care, each row would be a separate arm.
#[test]
fn settings_that_are_not_numbers_are_one_arm() {
    let folder = Folder::new("settings");
    let settings = [f64::NAN, f64::INFINITY, 0.0, -0.0, 2.0];
    let arms = settings.map(|setting| ArmLabel::new("ridge", Some(setting)));
    let mut curve = Curve::new(Axis::Samples, arms.into(), Provenance::default());
    let cell = |i: usize| Cell::new(i / 5, 1, 1, i % 5);
    curve.cells = (0..500).map(cell).collect();
    let path = folder.0.join("table.csv");
    curve.save_cells(&path).unwrap();
    let read = Curve::read_cells(&path, Axis::Samples).unwrap();
    assert_eq!(read.arms.len(), 5);
    assert_eq!(read.cells, curve.cells);
    let bits = |curve: &Curve| curve.arms.iter().map(|arm| arm.setting.map(f64::to_bits)).collect::<Vec<_>>();
    assert_eq!(bits(&read), bits(&curve));
    assert_eq!(read.arm("ridge", Some(f64::NAN)), Some(0));
    assert_eq!(read.arm("ridge", Some(-f64::NAN)), Some(0));
    assert_eq!(read.arm("ridge", Some(2.0)), Some(4));
    // The time for 100,000 arms does not grow with their square.
    let mut text =
        String::from_utf8(std::fs::read(&path).unwrap()).unwrap().lines().next().unwrap().to_owned() + "\n";
    for i in 0..100_000 {
        use std::fmt::Write;
        writeln!(text, "0,1,1,arm {i},,,,,,1,,,,,{}", 99_999 - i).unwrap();
    }
    let read = Curve::read_cells(Path::new(&folder.file("many.csv", text)), Axis::Samples).unwrap();
    assert_eq!((read.arms.len(), read.cells[99_999].arm), (100_000, 99_999));
    // Nor does the memory, with a different arm, axis value and repeat in each row.
    let mut read = read;
    for (i, cell) in read.cells.iter_mut().enumerate() {
        (cell.n, cell.repeat, cell.test_mse) = (i, i, Some(i as f64));
    }
    let summaries = read.summaries(Metric::TestMse, None).unwrap();
    assert_eq!(summaries.len(), 100_000);
    assert!(
        summaries.iter().enumerate().all(|(i, s)| (s.arm, s.n, s.count, s.median) == (i, i, 1, i as f64))
    );
    assert_eq!(read.highest(77, Metric::TestMse).unwrap().n, 77);
    read.cells.iter_mut().for_each(|cell| cell.arm = 0);
    assert_eq!(read.summaries(Metric::TestMse, None).unwrap().len(), 100_000);
}
