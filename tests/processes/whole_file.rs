//! Every file is written completely or not at all: after a kill, on a full disk, and over an existing file.

use crate::common::program::Folder;
use double_descent::Error;
use double_descent::curve::{ArmLabel, Axis, Cell, Curve, Metric, Provenance};
use double_descent::dataset::{npy, npz};
use double_descent::plot::{Figure, Group, Hue, Panel, Series};
use double_descent::whole_file::WholeFile;
use ndarray::Array1;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// Rows of a table that takes a while to write, about 4 MB.
const ROWS: usize = 50_000;

/// The folder where a child writes; without this variable, the tests for children do nothing.
const CHILD: &str = "DOUBLE_DESCENT_CHILD_WRITES";

/// A curve in which every cell holds `value`.
fn curve(rows: usize, value: f64) -> Curve {
    let arm = ArmLabel::new("big", None);
    let mut curve = Curve::new(Axis::Samples, vec![arm], Provenance::default());
    let cell = |i: usize| {
        let test_mse = Some(value + 1.0 / 3.0);
        Cell::new(i / 100, i % 100 + 1, 7, 0).with(Metric::TrainMse, value).with(Metric::TestMse, test_mse)
    };
    curve.cells = (0..rows).map(cell).collect();
    curve
}

fn child(test: &str, path: &Path) -> Vec<String> {
    let program = std::env::current_exe().unwrap();
    let test = format!("processes::whole_file::{test}");
    let arguments = [program.to_str().unwrap(), "--exact", &test, "--ignored", "--nocapture"];
    println!("{test} writes {}", path.display());
    arguments.map(Into::into).into()
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
#[ignore = "a child of the next test"]
fn writes_a_big_table_again_and_again() {
    let Some(path) = std::env::var_os(CHILD).map(PathBuf::from) else { return };
    let [even, odd] = [0.0, 1.0].map(|value| curve(ROWS, value));
    for _ in 0..200 {
        even.save_cells(&path).unwrap();
        odd.save_cells(&path).unwrap();
    }
}

/// A program killed at 20 moments while writing leaves the earlier table or the new one.
#[test]
fn a_killed_program_leaves_no_part_of_a_table() {
    let folder = Folder::new("killed-writer");
    let path = folder.0.join("cells.csv");
    curve(ROWS, 0.0).save_cells(&path).unwrap();
    let command = child("writes_a_big_table_again_and_again", &path);
    for round in 0..20 {
        let mut child = Command::new(&command[0])
            .args(&command[1..])
            .env(CHILD, &path)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        // Wait until it writes.
        let is_writing = || names(&folder.0).iter().any(|name| name.contains(&format!("-{}-", child.id())));
        let mut waited = 0;
        while !is_writing() && waited < 20_000 {
            std::thread::sleep(Duration::from_millis(1));
            waited += 1;
        }
        std::thread::sleep(Duration::from_millis(7 * round));
        child.kill().unwrap(); // SIGKILL on Unix
        child.wait().unwrap();
        let read = Curve::read_cells(&path, Axis::Samples).unwrap();
        assert_eq!(read.cells.len(), ROWS);
        let value = read.cells[0].train_mse.unwrap();
        assert!(read.cells == curve(ROWS, value).cells, "round {round}: of two tables");
    }
    // Remnants of killed writers have their own names.
    let left = names(&folder.0);
    assert!(left.iter().all(|name| name == "cells.csv" || name.starts_with(".double-descent-")), "{left:?}");
    assert!(left.len() > 1, "no child was killed while it wrote");
}

/// Writes something into a folder. The list covers everything that the library writes, with its name.
type Writer = Box<dyn Fn(&Path) -> Result<(), Error>>;

fn writers(size: usize) -> Vec<(&'static str, Writer)> {
    let values = Array1::from_iter((0..size).map(|i| i as f64 / 3.0));
    let (table, array, one) = (curve(size, 2.0), values.clone(), values.clone());
    let summaries = table.clone();
    let figure = move |_: &Path| {
        let x: Vec<f64> = values.to_vec();
        let y = x.iter().map(|x| (x * 1e3).sin()).collect();
        let group = Group::new("g", Hue::Blue).with_series(Series::new("", x, y).with_points());
        Figure::new("").with_panel(Panel::default().with_group(group))
    };
    let png = figure.clone();
    vec![
        ("cells.csv", Box::new(move |path| table.save_cells(path))),
        ("summary.csv", Box::new(move |path| summaries.save_summaries(path, &[Metric::TestMse; 9], None))),
        ("figure.svg", Box::new(move |path| figure(path).save(path))),
        ("figure.png", Box::new(move |path| png(path).save(path))),
        ("array.npy", Box::new(move |path| npy::write(path, &array))),
        ("arrays.npz", Box::new(move |path| npz::write(path, &[("x", one.view().into_dyn())]))),
    ]
}

#[test]
#[ignore = "a child of the next test"]
fn meets_a_full_disk() {
    let Some(folder) = std::env::var_os(CHILD).map(PathBuf::from) else { return };
    for (name, write) in writers(20_000) {
        let path = folder.join(name);
        match write(&path) {
            Err(Error::Io { path: named, .. }) if named == path => {}
            other => panic!("{name}: {other:?}"),
        }
    }
    println!("all refused");
}

/// A limit on file size acts like a full disk: an error if the signal is ignored, otherwise the end of the program.
/// Earlier files are unchanged.
#[test]
#[cfg(unix)]
fn a_full_disk_leaves_the_earlier_files() {
    let folder = Folder::new("full-disk");
    let before: Vec<(&str, Vec<u8>)> = writers(200)
        .into_iter()
        .map(|(name, write)| {
            write(&folder.0.join(name)).unwrap();
            (name, std::fs::read(folder.0.join(name)).unwrap())
        })
        .collect();
    let command = child("meets_a_full_disk", &folder.0);
    for (trap, ends_well) in [("trap '' XFSZ; ", true), ("", false)] {
        // In blocks of 512 or 1024 bytes.
        let script = format!("{trap}ulimit -c 0; ulimit -f 32; exec \"$0\" \"$@\"");
        let output =
            Command::new("sh").args(["-c", &script]).args(&command).env(CHILD, &folder.0).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.success(), ends_well, "{said}{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(said.contains("all refused"), ends_well);
        for (name, bytes) in &before {
            assert!(std::fs::read(folder.0.join(name)).unwrap() == *bytes, "{name}");
        }
        if ends_well {
            assert_eq!(names(&folder.0).len(), before.len(), "errors leave nothing: {:?}", names(&folder.0));
        }
    }
}

#[test]
#[cfg(target_os = "linux")]
fn devices_are_written_as_they_are() {
    let table = curve(1000, 1.0);
    table.save_cells(Path::new("/dev/null")).unwrap();
    let error = table.save_cells(Path::new("/dev/full")).unwrap_err();
    assert!(matches!(&error, Error::Io { path, .. } if path == Path::new("/dev/full")), "{error:?}");
}

#[test]
#[cfg(unix)]
fn links_and_permissions_stay() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let folder = Folder::new("links");
    let (real, link) = (folder.0.join("real.csv"), folder.0.join("link.csv"));
    std::fs::write(&real, "earlier").unwrap();
    std::fs::set_permissions(&real, PermissionsExt::from_mode(0o640)).unwrap();
    symlink(&real, &link).unwrap();
    curve(10, 1.0).save_cells(&link).unwrap();
    assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(std::fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o640);
    assert_eq!(Curve::read_cells(&real, Axis::Samples).unwrap().cells.len(), 10);
    assert_eq!(names(&folder.0), ["link.csv", "real.csv"]);
}

#[test]
fn a_file_that_is_not_finished_is_not_there() {
    let folder = Folder::new("unfinished");
    let path = folder.0.join("file");
    let mut file = WholeFile::create(&path).unwrap();
    file.write_all(&vec![7; 100_000]).unwrap();
    assert!(!path.exists());
    let part = names(&folder.0).pop().unwrap();
    drop(file);
    assert!(names(&folder.0).is_empty());
    // A part left by a killed process with the same id is skipped. Other tests here increase the counter too.
    let count: usize = part.trim_end_matches(".part").rsplit('-').next().unwrap().parse().unwrap();
    for count in count..count + 50 {
        let name = format!(".double-descent-{}-{count}.part", std::process::id());
        std::fs::write(folder.0.join(name), "left").unwrap();
    }
    let mut file = WholeFile::create(&path).unwrap();
    file.write_all(b"whole").unwrap();
    file.finish().unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), b"whole");
    let below = path.join("below");
    for (bad, says) in
        [(folder.0.as_path(), "not a regular file"), (Path::new(".."), "not name a file"), (&below, "below")]
    {
        let error = WholeFile::create(bad).unwrap_err();
        assert!(matches!(&error, Error::Io { path, .. } if path == bad), "{error:?}");
        assert!(error.to_string().contains(says), "{error}");
    }
}
