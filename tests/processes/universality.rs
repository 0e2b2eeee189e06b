//! Runs the universality study: stopped and resumed, on any number of threads, it gives the same bytes.

use crate::common::program::{Folder, binary};
use std::path::Path;
use std::process::{Command, Output, Stdio};

const SMALL: [&str; 8] = ["--fixed", "5", "--largest", "12", "--draws", "60", "--seed", "3"];
/// Bytes of a block of the record: its head, and eight repeats of both curves.
const RECORD: usize = 36 + 8 * 8 * (12 + 12);
const MAPS: &str = "gaussian,sphere,tanh,relu,fourier,polynomial,tangent-elu";

fn command(program: &str, out: &Path, more: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.arg("universality").args(SMALL).args(["--no-figures", "--out", out.to_str().unwrap()]).args(more);
    command
}

fn run(program: &str, out: &Path, more: &[&str]) -> Output {
    let output = command(program, out, more).output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{more:?}: {error}");
    output
}

/// The tables of a run, with their names.
fn tables(out: &Path) -> Vec<(String, Vec<u8>)> {
    let mut tables: Vec<_> = std::fs::read_dir(out.join("universality"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "csv"))
        .map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), std::fs::read(&path).unwrap()))
        .collect();
    tables.sort();
    tables
}

#[test]
fn a_run_in_pieces_gives_the_bytes_of_one_run() {
    let Some(program) = binary() else { return };
    let folder = Folder::new("pieces");
    let whole = folder.0.join("whole");
    run(program, &whole, &["--maps", MAPS, "--repeats", "37", "--threads", "1"]);
    let expected = tables(&whole);
    // Two tables per map, except that tangent features have no curve over p.
    assert_eq!(expected.len(), 13);

    // More threads, with fewer repeats first, and a count that is not a multiple of the chunk size.
    let grown = folder.0.join("grown");
    run(program, &grown, &["--maps", MAPS, "--repeats", "3", "--threads", "2"]);
    run(program, &grown, &["--maps", MAPS, "--repeats", "37", "--threads", "3"]);
    assert!(tables(&grown) == expected);

    // What a kill may leave: a file truncated in its header or in a block, or with foreign bytes.
    let values = grown.join("universality/tanh.values");
    let bytes = std::fs::read(&values).unwrap();
    let record = RECORD;
    let header = bytes.len() - 5 * record;
    for length in [0, 1, header - 1, header, header + 7, header + record, bytes.len() - 1] {
        std::fs::write(&values, &bytes[..length]).unwrap();
        run(program, &grown, &["--maps", MAPS, "--repeats", "37"]);
        assert!(tables(&grown) == expected, "cut to {length} of {} bytes", bytes.len());
        assert_eq!(std::fs::read(&values).unwrap().len(), bytes.len());
    }
    // A flipped bit loses only its own block; the others are kept unchanged.
    let records = |bytes: &[u8]| bytes[header..].chunks(record).map(<[u8]>::to_vec).collect::<Vec<_>>();
    for lost in 0..5 {
        for place in [0, 7, 8, 35, 100, record - 1] {
            let mut damaged = bytes.clone();
            damaged[header + lost * record + place] ^= 1;
            std::fs::write(&values, damaged).unwrap();
            let output = run(program, &grown, &["--maps", "tanh", "--repeats", "37"]);
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            let named = format!("block {}", bytes[header + lost * record + 8]);
            assert!(place < 36 || said.contains(&named), "no `{named}` in {said}");
            assert!(said.contains("damaged") && said.contains("4 other blocks are kept"), "{said}");
            let mut expected = records(&bytes);
            let anew = expected.remove(lost);
            expected.push(anew);
            assert!(records(&std::fs::read(&values).unwrap()) == expected, "record {lost}, byte {place}");
        }
    }
    assert!(tables(&grown) == expected, "flipped bits");
    // Fewer repeats than recorded: the first ones.
    run(program, &grown, &["--maps", "tanh", "--repeats", "10"]);
    let few = folder.0.join("few");
    run(program, &few, &["--maps", "tanh", "--repeats", "10"]);
    let of_tanh =
        |out| tables(out).into_iter().filter(|(name, _)| name.starts_with("tanh")).collect::<Vec<_>>();
    assert!(of_tanh(&grown) == of_tanh(&few));
}

#[test]
fn a_killed_run_goes_on_where_it_was() {
    let Some(program) = binary() else { return };
    let folder = Folder::new("killed");
    let (whole, killed) = (folder.0.join("whole"), folder.0.join("killed"));
    let arguments = ["--maps", "softplus", "--repeats", "160"];
    let mut child =
        command(program, &killed, &arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    // Kill as soon as a block exists; if the run has ended by then, that is fine.
    let values = killed.join("universality/softplus.values");
    let length = || std::fs::metadata(&values).map_or(0, |metadata| metadata.len());
    while length() < 2 * RECORD as u64 && child.try_wait().unwrap().is_none() {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    let _ = child.kill();
    child.wait().unwrap();
    let left = length();
    run(program, &killed, &arguments);
    run(program, &whole, &arguments);
    assert!(length() >= left && left > 0);
    assert!(tables(&killed) == tables(&whole));
}

/// The folder of a running study is removed: the study reports it at the next write, and makes the folder again with
/// everything it has computed.
#[test]
fn a_folder_that_vanishes_is_made_again() {
    let Some(program) = binary() else { return };
    let folder = Folder::new("vanished");
    let (whole, vanished) = (folder.0.join("whole"), folder.0.join("vanished"));
    let arguments = ["--maps", "softplus", "--repeats", "400", "--threads", "1"];
    let mut child =
        command(program, &vanished, &arguments).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let values = vanished.join("universality/softplus.values");
    let length = || std::fs::metadata(&values).map_or(0, |metadata| metadata.len());
    while length() < 3 * RECORD as u64 && child.try_wait().unwrap().is_none() {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    let ran = child.try_wait().unwrap().is_none();
    let _ = std::fs::remove_dir_all(&vanished);
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(ran, "the study was too short to take its folder away");
    assert!(output.status.success(), "{said}");
    assert!(said.contains("softplus.values vanished") && said.contains("all that was computed"), "{said}");
    run(program, &whole, &arguments);
    assert!(tables(&vanished) == tables(&whole));
    let sorted = |out: &Path| {
        let bytes = std::fs::read(out.join("universality/softplus.values")).unwrap();
        let header = bytes.windows(8).position(|bytes| bytes == b"\xf1block\r\n").unwrap();
        let mut records: Vec<Vec<u8>> = bytes[header..].chunks(RECORD).map(<[u8]>::to_vec).collect();
        records.sort();
        records
    };
    assert_eq!(sorted(&vanished).len(), 50);
    assert!(sorted(&vanished) == sorted(&whole));
}

#[test]
fn curves_lie_over_the_bound() {
    let Some(program) = binary() else { return };
    let folder = Folder::new("bound");
    run(program, &folder.0, &["--maps", "gaussian,tanh,fourier,polynomial", "--repeats", "200"]);
    for (name, table) in tables(&folder.0) {
        let mut reader = csv::Reader::from_reader(&table[..]);
        let columns = reader.headers().unwrap().clone();
        let place = |wanted: &str| columns.iter().position(|column| column == wanted).unwrap();
        let mut rows = 0;
        for record in reader.records() {
            let record = record.unwrap();
            let number = |wanted: &str| record[place(wanted)].parse::<f64>().unwrap();
            let (mean, error, bound) = (number("mean"), number("standard_error"), number("lower_bound"));
            // An estimated Σ is unbiased and independent of the training features, so the mean is unbiased too.
            assert!(mean + 5.0 * error >= bound, "{name}: {record:?}");
            assert!(number("q25") <= number("median") && number("median") <= number("q75"));
            rows += 1;
        }
        assert_eq!(rows, 12, "{name}");
    }
}

#[test]
fn what_is_refused() {
    let Some(program) = binary() else { return };
    let folder = Folder::new("refused");
    let refused = |more: &[&str], says: &[&str]| {
        let output = command(program, &folder.0, more).output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(matches!(output.status.code(), Some(1 | 2)), "{more:?}: {error}");
        assert!(error.starts_with("error: ") && error.trim_end().lines().count() == 1, "{error}");
        for word in says {
            assert!(error.contains(word), "{more:?}: no `{word}` in {error}");
        }
    };
    refused(&["--maps", "cubes"], &["`cubes`", "gaussian", "tangent-relu"]);
    refused(&["--maps", "gaussian", "--repeats", "0"], &["--repeats", "`0`"]);
    refused(&["--maps", "gaussian", "--repeats", "1", "--threads", "0"], &["--threads", "`0`"]);
    run(program, &folder.0, &["--maps", "gaussian", "--repeats", "1"]);
    let other = ["--maps", "gaussian", "--repeats", "1"];
    let mut command = Command::new(program);
    command.arg("universality").args(other).args([
        "--seed",
        "4",
        "--no-figures",
        "--out",
        folder.0.to_str().unwrap(),
    ]);
    let output = command.output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    for word in ["gaussian.values", "seed 4 and seed 3", "another experiment", "remove the file"] {
        assert!(error.contains(word), "no `{word}` in {error}");
    }
}
