//! Input that is wrong, odd or extreme: the right error at the right place, or the right answer.

mod common;

use common::matrices::normal;
use double_descent::Error;
use double_descent::curve::{ArmLabel, Axis, Bootstrap, Cell, Curve, Metric, Provenance};
use double_descent::dataset::{BlankCells, CsvOptions, Dataset, StudentTeacher};
use double_descent::factors::Factors;
use double_descent::filter::{MinNorm, Ridge};
use double_descent::risk::Compressed;
use double_descent::svd::Svd;
use double_descent::sweep::{Arm, Grid, Splits, Sweep};
use double_descent::teacher::Teacher;
use double_descent::{Ablation, Adversary};
use ndarray::{Array2, Axis as Dimension, s};
use std::path::{Path, PathBuf};

/// A folder of this test's own, gone when it ends.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let name = format!("double-descent-bad-input-{}-{name}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str, text: &[u8]) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn parse(text: &str) -> Result<Dataset, Error> {
    Dataset::parse_csv("table.csv", text.as_bytes(), &CsvOptions::default())
}

/// The line and column that an [`Error::File`] names.
fn place(result: Result<Dataset, Error>, says: &str) -> (Option<u64>, Option<String>) {
    let error = result.unwrap_err();
    let text = error.to_string();
    assert!(text.contains("table.csv") && text.contains(says), "{text}");
    match error {
        Error::File { line, column, .. } => {
            assert!(line.is_none_or(|line| text.contains(&format!("line {line}"))), "{text}");
            assert!(column.as_ref().is_none_or(|column| text.contains(&format!("`{column}`"))), "{text}");
            (line, column)
        }
        other => panic!("{other:?}"),
    }
}

fn at(line: u64, column: &str) -> (Option<u64>, Option<String>) {
    (Some(line), Some(column.into()))
}

#[test]
fn cells_that_are_no_finite_number_are_named_by_line_and_column() {
    for bad in ["NaN", "nan", "inf", "-Infinity", "1e999", "twelve", "1,5\"", "0x10", "1_000", "--1"] {
        let cell = bad.replace(',', ".");
        let text = format!("a,b c,y\n1,2,3\n4,{cell},6\n");
        assert_eq!(place(parse(&text), "not a finite number"), at(3, "b c"), "{bad}");
        let text = format!("a,b,y\n1,2,{cell}\n");
        assert_eq!(place(parse(&text), "not a finite number"), at(2, "y"), "{bad}");
    }
    let text = b"a,y\n1,2\n\xff\xfe,3\n";
    let latin = Dataset::parse_csv("table.csv", text, &CsvOptions::default());
    assert_eq!(place(latin, "not a finite number"), at(3, "a"));
    // A text column matters where it is used only.
    let text = "country,a,y\nPeru,1,2\nChad,3,4\n";
    assert_eq!(place(parse(text), "`Peru`"), at(2, "country"));
    let options = CsvOptions::default().features(["a"]);
    let data = Dataset::parse_csv("table.csv", text.as_bytes(), &options).unwrap();
    assert_eq!(data.features(), &ndarray::array![[1.0], [3.0]]);
    // Lines are those of the file: blank ones count, and so do line breaks in quotes.
    for end in ["\n", "\r\n", "\r"] {
        let number = |text: &str| place(parse(&text.replace('\n', end)), "`x`");
        assert_eq!(number("a,y\n\n1,2\n\n\nx,3\n"), at(6, "a"));
        assert_eq!(number("a,y\n1,2\nx,3\n"), at(3, "a"));
        assert_eq!(number("a,y\nx,3"), at(2, "a"));
        assert_eq!(number("\"a\nb\",y\n1,2\nx,3\n"), at(4, "a b"));
        let ragged = parse(&"a,y\n\n1,2\n\n1,2,3\n".replace('\n', end));
        assert_eq!(place(ragged, "3 cells where the header has 2"), (Some(5), None));
    }
}

#[test]
fn blank_cells_are_refused_by_place_or_dropped_by_row() {
    for blank in ["", "  ", "\t"] {
        let text = format!("a,b,y\n1,2,3\n4,{blank},6\n7,8,9\n");
        assert_eq!(place(parse(&text), "blank cell"), at(3, "b"));
        let options = CsvOptions::default().blank_cells(BlankCells::DropRow);
        let data = Dataset::parse_csv("table.csv", text.as_bytes(), &options).unwrap();
        assert_eq!(data.targets(), &ndarray::array![[3.0], [9.0]]);
    }
    let options = CsvOptions::default().blank_cells(BlankCells::DropRow);
    let all = Dataset::parse_csv("table.csv", b"a,y\n,1\n2,\n", &options);
    assert_eq!(place(all, "no rows"), (None, None));
}

#[test]
fn tables_without_rows_header_or_features() {
    for empty in ["", "\n\n", "\u{feff}"] {
        place(parse(empty), "empty");
    }
    assert_eq!(place(parse("a,b,y\n"), "no rows"), (None, None));
    assert_eq!(place(parse("a,b,y"), "no rows"), (None, None));
    assert_eq!(place(parse("1,2,3\n4,5,6\n"), "must name the columns").0, Some(1));
    assert_eq!(place(parse("y\n1\n2\n"), "one column").0, Some(1));
    // A byte order mark is not part of the first name.
    assert_eq!(parse("\u{feff}a,y\n1,2\n").unwrap().feature_names(), ["a"]);
}

#[test]
fn ragged_rows_are_named_by_line() {
    for (text, line) in [("a,b,y\n1,2,3\n4,5\n", 3), ("a,b,y\n1,2,3,4\n", 2), ("a,y\n1,2\n3,4\n5,6,\n", 4)] {
        assert_eq!(place(parse(text), "cells where the header has"), (Some(line), None));
    }
}

#[test]
fn columns_that_do_not_exist_or_clash() {
    let read = |options: CsvOptions| Dataset::parse_csv("table.csv", b"a,b,b,y\n1,2,3,4\n", &options);
    for options in [CsvOptions::default().target("z"), CsvOptions::default().features(["a", "z"])] {
        let error = read(options).unwrap_err();
        assert!(
            matches!(&error, Error::UnknownColumn { name, available } if name == "z" && available.len() == 4),
            "{error:?}"
        );
        let text = error.to_string();
        assert!(text.contains("`z`") && text.contains("a, b, b, y"), "{text}");
    }
    let twice = read(CsvOptions::default().features(["b"]));
    assert_eq!(place(twice, "two columns").1.as_deref(), Some("b"));
    let both = read(CsvOptions::default().features(["a", "y"]));
    assert_eq!(place(both, "both feature and target").1.as_deref(), Some("y"));
    // Outer blanks are trimmed and inner ones collapsed, in the file and in the request.
    let options = CsvOptions::default().target(" life  expectancy ").features(["a"]);
    let data = Dataset::parse_csv("t", b"a, Life,life expectancy  \n1,2,3\n", &options).unwrap();
    assert_eq!(data.targets(), &ndarray::array![[3.0]]);
}

#[test]
fn files_that_are_not_there_or_cannot_be_written() {
    let folder = Folder::new("files");
    let missing = folder.0.join("missing.csv");
    let names_it = |error: Error, path: &Path| {
        assert!(matches!(&error, Error::Io { path: named, .. } if named == path), "{error:?}");
        assert!(error.to_string().contains(&path.display().to_string()), "{error}");
    };
    names_it(Dataset::read_csv(&missing, &CsvOptions::default()).unwrap_err(), &missing);
    names_it(Dataset::read_csv(&folder.0, &CsvOptions::default()).unwrap_err(), &folder.0);
    names_it(Splits::read(&missing).unwrap_err(), &missing);
    names_it(Curve::read_cells(&missing, Axis::Samples).unwrap_err(), &missing);
    names_it(Dataset::california_housing(&folder.0).unwrap_err(), &folder.0.join("california_housing.csv"));
    let who = folder.0.join("who_life_expectancy.csv");
    names_it(Dataset::who_life_expectancy(&folder.0).unwrap_err(), &who);
    let curve = Sweep::new(Dataset::diabetes(), [3], 1, 0).run().unwrap();
    // A file in the way, a folder in the place of the file.
    let below = folder.file("file", b"").join("cells.csv");
    for path in [below, folder.0.clone()] {
        names_it(curve.save_cells(&path).unwrap_err(), &path);
        names_it(curve.save_summaries(&path, &[Metric::TestMse], None).unwrap_err(), &path);
    }
}

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
        let path = folder.file("table.csv", good.replacen(from, to, 1).as_bytes());
        Curve::read_cells(&path, Axis::Samples).map(|_| Dataset::diabetes())
    };
    assert!(read("\n", "\n").is_ok());
    assert_eq!(place(read("\n0,3,", "\nzero,3,"), "`zero` is not a number"), at(2, "repeat"));
    assert_eq!(place(read("\n0,3,", "\n0,-3,"), "`-3`"), at(2, "n"));
    assert_eq!(place(read(",unablated,,", ",unablated,x,"), "`x`"), at(2, "setting"));
    assert_eq!(place(read("\n0,3,10,", "\n0,3,"), "row of cells").0, Some(2));
    let error = read(",rank,", ",ranks,").unwrap_err();
    assert!(matches!(&error, Error::UnknownColumn { name, .. } if name == "rank"), "{error}");
    // A metric may be missing: it is blank, in every cell.
    assert!(read("test_mse,", "mse,").is_ok());
    let path = folder.0.join("table.csv");
    let blank = Curve::read_cells(&path, Axis::Samples).unwrap();
    assert!(blank.cells.iter().all(|cell| cell.test_mse.is_none() && cell.train_mse.is_some()));
    // The order of columns does not matter, nor do more of them.
    assert!(read("repeat,n,p", "repeat,p,n").is_ok());
}

/// Cut off anywhere, a table says how many rows it lacks; whole, or without the column of an earlier version, it reads.
#[test]
fn tables_of_cells_that_were_cut_off() {
    let folder = Folder::new("cut");
    let mut sweep = Sweep::new(Dataset::diabetes(), [3, 4, 12], 2, 0);
    sweep.arms.truncate(4);
    let curve = sweep.run().unwrap();
    let mut text = Vec::new();
    curve.write_cells(&mut text).unwrap();
    let text = String::from_utf8(text).unwrap();
    let read = |text: &str| Curve::read_cells(&folder.file("table.csv", text.as_bytes()), Axis::Samples);
    let rows = curve.cells.len();
    assert_eq!(rows, 24);
    let header = text.find('\n').unwrap();
    // Without the line feed of the last row all is there; a header alone has no rows to count.
    assert_eq!(read(&text[..text.len() - 1]).unwrap().cells, curve.cells);
    for length in 0..text.len() - 1 {
        let error = read(&text[..length]).unwrap_err();
        let said = error.to_string();
        // Tables of earlier versions may lack a metric, but say what their rows are.
        if length < text.find(",mean_squared_bias").unwrap() {
            assert!(matches!(&error, Error::UnknownColumn { .. }), "{length}: {error:?}");
            continue;
        }
        assert!(matches!(&error, Error::File { .. }), "{length}: {error:?}");
        if length < header {
            assert!(said.contains("cut off in its header"), "{length}: {said}");
            continue;
        }
        // Rows that ended, and one that wants nothing but its line feed, if there is a row before it to tell.
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
    // A row that is gone from the middle; rows in another order; rows after the last.
    let mut lines: Vec<&str> = text.lines().collect();
    let gone = lines.remove(5);
    let error = read(&lines.join("\n")).unwrap_err();
    assert_eq!(place(Err(error), "1 row is missing before this one"), at(6, "rows_left"));
    lines.insert(9, gone);
    assert!(read(&lines.join("\n")).unwrap_err().to_string().contains("leave the column out"));
    let twice = format!("{text}{}", &text[header + 1..]);
    assert!(read(&twice).unwrap_err().to_string().contains("the row before says that it is the last"));
    // An earlier version wrote no such column, and a part of its table is a table.
    let old: Vec<&str> = text.lines().map(|line| line.rsplit_once(',').unwrap().0).collect();
    assert_eq!(read(&(old.join("\n") + "\n")).unwrap().cells, curve.cells);
    assert_eq!(read(&old[..8].join("\n")).unwrap().cells, curve.cells[..7]);
    // No rows at all.
    let empty = Curve::new(Axis::Samples, Vec::new(), curve.provenance.clone());
    let mut text = Vec::new();
    empty.write_cells(&mut text).unwrap();
    assert!(read(std::str::from_utf8(&text).unwrap()).unwrap().cells.is_empty());
}

/// NaN equals no NaN: each row was an arm of its own.
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
    // 100,000 arms take no time that grows with their square.
    let mut text =
        String::from_utf8(std::fs::read(&path).unwrap()).unwrap().lines().next().unwrap().to_owned() + "\n";
    for i in 0..100_000 {
        use std::fmt::Write;
        writeln!(text, "0,1,1,arm {i},,,,,,1,,,,,{}", 99_999 - i).unwrap();
    }
    let read = Curve::read_cells(&folder.file("many.csv", text.as_bytes()), Axis::Samples).unwrap();
    assert_eq!((read.arms.len(), read.cells[99_999].arm), (100_000, 99_999));
    // Nor memory: an arm, an axis value and a repeat of its own for each row.
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

#[test]
fn splits_that_do_not_fit() {
    let folder = Folder::new("splits");
    let read = |text: &str| Splits::read(&folder.file("splits.csv", text.as_bytes()));
    let line = |text: &str, says: &str| {
        let error = read(text).unwrap_err();
        assert!(error.to_string().contains(says), "{error}");
        match error {
            Error::File { line, .. } => line,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(line("repeat,i0,i1\n0,1,2\n1,3,x\n", "`x` is not a row index"), Some(3));
    assert_eq!(line("repeat,i0,i1\n0,1,-2\n", "`-2`"), Some(2));
    assert_eq!(line("repeat,i0,i1\n0,1,2.0\n", "`2.0`"), Some(2));
    assert_eq!(line("repeat,i0,i1\n0,5,5\n", "row 5 joins the training set twice"), Some(2));
    assert_eq!(line("repeat,i0,i1\n0,1,2\n1,3\n", "not a line of splits"), Some(3));
    assert_eq!(line("0,1,2\n1,3,4\n", "header"), Some(1));
    for empty in ["", "repeat,i0,i1\n", "repeat\n0\n1\n"] {
        assert_eq!(line(empty, "holds no splits"), None);
    }
    let run = |orders, sizes: &[usize]| {
        let splits = Splits::Recorded(orders);
        Sweep { splits, ..Sweep::new(Dataset::diabetes(), sizes.iter().copied(), 1, 0) }.run()
    };
    let short = run(vec![vec![1, 2, 3, 4], vec![1, 2, 3]], &[2, 4]).unwrap_err();
    assert!(matches!(short, Error::Shape { expected: 4, found: 3, .. }), "{short}");
    let over = run(vec![vec![1, 442]], &[2]).unwrap_err();
    assert!(matches!(over, Error::Domain { value: 442.0, .. }), "{over}");
    assert!(over.to_string().contains("row index"), "{over}");
    let twice = run(vec![vec![7, 3, 7]], &[3]).unwrap_err();
    assert!(matches!(twice, Error::Domain { value: 7.0, .. }), "{twice}");
    let none = run(vec![], &[3]).unwrap_err();
    assert!(matches!(none, Error::Domain { value: 0.0, .. }), "{none}");
    // Splits may be longer than the sizes ask for.
    assert!(run(vec![vec![0, 441, 5]], &[2]).is_ok());
}

/// Runs a sweep that must be refused as out of its domain, in these words.
fn refused(sweep: &Sweep, value: f64, says: &str) {
    let error = sweep.run().unwrap_err();
    assert!(matches!(&error, Error::Domain { value: v, .. } if *v == value), "{error:?}");
    assert!(error.to_string().contains(says), "{error}");
}

#[test]
fn sweeps_of_nothing_or_too_much() {
    let sweep = |sizes: &[usize], repeats| Sweep::new(Dataset::diabetes(), sizes.iter().copied(), repeats, 0);
    refused(&sweep(&[5, 0], 3), 0.0, "training set size n is 0");
    refused(&sweep(&[5, 442], 3), 442.0, "training set size n is 442");
    refused(&sweep(&[5, usize::MAX], 3), usize::MAX as f64, "training set size");
    refused(&sweep(&[7, 5, 7], 3), 7.0, "listed once");
    refused(&sweep(&[5], 0), 0.0, "number of repeats");
    refused(&Sweep { threads: Some(0), ..sweep(&[5], 1) }, 0.0, "number of threads");
    assert!(sweep(&[441], 1).run().is_ok());
    let empty = sweep(&[], 1).run().unwrap_err();
    assert!(matches!(empty, Error::Empty { .. }) && empty.to_string().contains("sizes"), "{empty}");
    let no_arms = Sweep { arms: Vec::new(), ..sweep(&[5], 1) }.run().unwrap_err();
    assert!(matches!(no_arms, Error::Empty { .. }) && no_arms.to_string().contains("arms"), "{no_arms}");
    for strength in [f64::NAN, f64::INFINITY] {
        for adversary in [Adversary::TestDatum { strength }, Adversary::TrainingTargets { strength }] {
            let error = Sweep { arms: vec![Arm::attacked(adversary)], ..sweep(&[5], 1) }.run().unwrap_err();
            assert!(matches!(error, Error::Domain { .. }), "{error}");
            assert!(error.to_string().contains("strength"), "{error}");
        }
    }
    let one_row = Dataset::new("one row", Array2::ones((1, 3)), Array2::ones((1, 1))).unwrap();
    refused(&Sweep::new(one_row, [1], 1, 0), 1.0, "number of rows");
    let grid = Grid { axis: vec![1], repeats: 1, threads: None, batch: 0 };
    assert!(matches!(grid.run(&(), |_| vec![Ok(0)]), Err(Error::Domain { .. })));
    let curve = sweep(&[5], 2).run().unwrap();
    let no_draws = curve.summaries(Metric::TestMse, Some(Bootstrap { draws: 0, seed: 0 }));
    assert!(matches!(no_draws, Err(Error::Domain { .. })));
}

#[test]
fn parameters_outside_their_domain() {
    for bad in [-1.0, f64::NAN, f64::INFINITY] {
        assert!(matches!(Ablation::none().small_singular_values(bad), Err(Error::Domain { .. })));
        assert!(matches!(Arm::no_small_singular_values(bad), Err(Error::Domain { .. })));
        let noise = StudentTeacher { noise: bad, ..StudentTeacher::new(0) };
        assert!(noise.generate().unwrap_err().to_string().contains("noise"));
    }
    let drawn = StudentTeacher::new(0);
    for (wrong, says) in [
        (StudentTeacher { rows: 0, ..drawn }, "rows"),
        (StudentTeacher { seen_features: 0, ..drawn }, "seen features"),
        (StudentTeacher { seen_features: 31, ..drawn }, "is 31"),
        (StudentTeacher { true_features: 0, ..drawn }, "seen features"),
    ] {
        let error = wrong.generate().unwrap_err();
        assert!(matches!(error, Error::Domain { .. }) && error.to_string().contains(says), "{error}");
    }
}

#[test]
fn matrices_that_do_not_fit_together() {
    let (x, y) = (normal(5, 3, 1), normal(5, 1, 2));
    let shape = |error: Error, numbers: (usize, usize)| match error {
        Error::Shape { expected, found, .. } => assert_eq!((expected, found), numbers),
        other => panic!("{other:?}"),
    };
    let short = y.slice(s![..4, ..]).to_owned();
    shape(Dataset::new("d", x.clone(), short.clone()).unwrap_err(), (5, 4));
    shape(Compressed::new(&x, &short).unwrap_err(), (5, 4));
    let svd = Svd::new(&x).unwrap();
    shape(svd.solve(&short, &MinNorm::default()).unwrap_err(), (5, 4));
    shape(svd.last_mode(&short).unwrap_err(), (5, 4));
    shape(Teacher::known(normal(2, 1, 3), &x, &y).unwrap_err(), (3, 2));
    shape(Teacher::known(normal(3, 2, 3), &x, &y).unwrap_err(), (1, 2));
    let teacher = Teacher::known(normal(3, 1, 3), &x, &y).unwrap();
    let factors = |teacher: &Teacher, x: &Array2<f64>| Factors::new(&svd, &MinNorm::default(), teacher, x);
    shape(factors(&teacher, &normal(2, 4, 1)).unwrap_err(), (3, 4));
    shape(factors(&teacher.select(&[1]).unwrap(), &x).unwrap_err(), (5, 1));
    assert!(matches!(factors(&teacher, &Array2::zeros((0, 3))), Err(Error::Empty { .. })));
    let compressed = Compressed::new(&x, &y).unwrap();
    shape(compressed.mean_squared_error(&normal(2, 1, 1)).unwrap_err(), (3, 2));
    shape(compressed.mean_squared_error(&normal(3, 2, 1)).unwrap_err(), (1, 2));
    for (features, targets) in [((0, 3), (0, 1)), ((5, 0), (5, 1)), ((5, 3), (5, 0))] {
        let error = Dataset::new("d", Array2::zeros(features), Array2::zeros(targets)).unwrap_err();
        assert!(matches!(error, Error::Empty { .. }), "{error}");
        // Without features there is still a mean; the compressed table needs one column of something.
        if features.0 == 0 {
            assert!(Compressed::new(&Array2::zeros(features), &Array2::zeros(targets)).is_err());
        }
    }
    let mut bad = x.clone();
    bad[[4, 1]] = f64::NAN;
    let here = |error: Error, column: usize| {
        assert!(matches!(error, Error::NonFinite { row: 4, column: c, .. } if c == column), "{error:?}");
        assert!(error.to_string().contains(&format!("row 4, column {column}")), "{error}");
    };
    here(Dataset::new("d", bad.clone(), y.clone()).unwrap_err(), 1);
    here(factors(&teacher, &bad).unwrap_err(), 1);
    here(Compressed::new(&bad, &y).unwrap_err(), 1);
    let mut bad = y.clone();
    bad[[4, 0]] = f64::NEG_INFINITY;
    here(Dataset::new("d", x.clone(), bad.clone()).unwrap_err(), 0);
    here(svd.solve(&bad, &MinNorm::default()).unwrap_err(), 0);
}

/// All cells of arms that have no absolute scale, but for those in units of the features.
fn scale_free(data: &Dataset, scale: f64) -> Curve {
    let n = data.len();
    let mut sweep = Sweep::new(data.clone(), (1..=9).chain([n - 2, n - 1]), 6, 1);
    sweep.arms = vec![
        Arm::unablated(),
        Arm::test_features_projected(2),
        Arm::no_residuals(),
        Arm::attacked(Adversary::TestDatum { strength: 0.25 * scale }),
        Arm::attacked(Adversary::TrainingTargets { strength: 0.5 }),
    ];
    // A penalty is in squared units, which do not fit at 1e±300.
    if (scale * scale).is_normal() {
        let ridge = Ridge::new(0.5 * scale * scale).unwrap();
        sweep.arms.push(Arm::new("ridge", None, std::sync::Arc::new(ridge)));
    }
    sweep.run().unwrap()
}

fn table(seed: u64) -> Dataset {
    let x = normal(60, 5, seed);
    let y = x.dot(&normal(5, 2, seed + 1)) + normal(60, 2, seed + 2);
    Dataset::new("table", x, y).unwrap()
}

/// A power of two commutes with every rounding on the way, so that even the bits are the same.
#[test]
fn features_of_any_scale_give_the_same_errors() {
    let data = table(20);
    let base = scale_free(&data, 1.0);
    for power in [-996, -700, -511, -20, 20, 511, 700, 996] {
        let scale = 2f64.powi(power);
        let scaled = Dataset::new("table", data.features() * scale, data.targets().clone()).unwrap();
        same_errors(&base, &scale_free(&scaled, scale), scale);
    }
}

fn same_errors(base: &Curve, scaled: &Curve, scale: f64) {
    assert_eq!((base.failures.len(), scaled.failures.len()), (0, 0), "{:?}", scaled.failures.first());
    let arms = scaled.arms.len();
    let same_arms: Vec<_> = base.cells.iter().filter(|cell| cell.arm < arms).collect();
    assert_eq!(same_arms.len(), scaled.cells.len());
    for (a, b) in same_arms.into_iter().zip(&scaled.cells) {
        let mut expected = *a;
        expected.smallest_singular_value = a.smallest_singular_value.map(|s| s * scale);
        expected.coefficient_norm = a.coefficient_norm.map(|norm| norm / scale);
        let distance = a.distance_from_start().map(|norm| norm / scale);
        let expected = expected.with(Metric::DistanceFromStart, distance);
        assert_eq!(*b, expected, "scale {scale:e}, {:?}", base.arms[a.arm]);
    }
}

/// No power of two: entries round, by ε/2 each, which the condition number (under 1e4 here) amplifies.
#[test]
fn features_of_1e300_give_the_same_errors() {
    let data = table(23);
    let run = |scale: f64| {
        let data = Dataset::new("table", data.features() * scale, data.targets().clone()).unwrap();
        let mut sweep = Sweep::new(data, [2, 4, 7, 30, 59], 5, 2);
        sweep.arms = vec![Arm::unablated(), Arm::test_features_projected(3)];
        sweep.run().unwrap()
    };
    let base = run(1.0);
    for scale in [1e-300, 1e-200, 1e154, 1e300] {
        let scaled = run(scale);
        assert!(scaled.failures.is_empty(), "{:?}", scaled.failures);
        for (a, b) in base.cells.iter().zip(&scaled.cells) {
            let (a, b) = (a.test_mse.unwrap(), b.test_mse.unwrap());
            assert!((a - b).abs() <= 1e4 * 60.0 * f64::EPSILON * a, "{scale:e}: {b} for {a}");
        }
    }
}

#[test]
fn columns_of_very_different_scale_give_the_errors_of_the_same_fit() {
    // With more rows than features the fit does not depend on the units of the columns.
    let data = table(26);
    let mut features = data.features().clone();
    for (power, mut column) in [-300, -20, 0, 40, 300].into_iter().zip(features.columns_mut()) {
        column.mapv_inplace(|v| v * 2f64.powi(power));
    }
    let scaled = Dataset::new("table", features, data.targets().clone()).unwrap();
    let (a, b) = (Teacher::ideal(&data).unwrap(), Teacher::ideal(&scaled).unwrap());
    assert_eq!(a.residuals(), b.residuals(), "columns are brought to one scale, exactly");
}

#[test]
fn targets_whose_squares_do_not_fit_are_failures_of_cells() {
    let data = table(29);
    let huge = Dataset::new("huge", data.features().clone(), data.targets() * 1e300).unwrap();
    // All of them: the first one's reason.
    let error = Sweep::new(huge, [3, 5, 8], 2, 0).run().unwrap_err();
    assert!(matches!(error, Error::Overflow { .. }), "{error}");
    assert!(error.to_string().contains("rescale"), "{error}");
    // Squares of 1e150 do fit: 1e300 times the errors of the same table at scale 1, to rounding.
    let large = Dataset::new("large", data.features().clone(), data.targets() * 2f64.powi(498)).unwrap();
    let run = |data| {
        let mut sweep = Sweep::new(data, [3, 5, 8], 2, 0);
        sweep.arms = vec![Arm::unablated(), Arm::no_residuals()];
        sweep.run().unwrap()
    };
    let (base, large) = (run(data), run(large));
    assert!(large.failures.is_empty());
    for (a, b) in base.cells.iter().zip(&large.cells) {
        assert_eq!(b.test_mse.unwrap(), a.test_mse.unwrap() * 2f64.powi(996));
    }
}

/// Its entries are finite, the lengths of its columns are not.
#[test]
fn a_table_of_the_largest_numbers_overflows_and_holds_no_nan() {
    let data = table(40);
    let largest = |table: &Array2<f64>| table.mapv(|v| v.signum() * 1.7e308);
    let (x, y) = (largest(data.features()), largest(data.targets()));
    for (x, y) in [(x.clone(), data.targets().clone()), (data.features().clone(), y.clone()), (x, y)] {
        let error = Sweep::new(Dataset::new("largest", x.clone(), y.clone()).unwrap(), [3, 8], 2, 0)
            .run()
            .unwrap_err();
        assert!(matches!(error, Error::Overflow { .. }), "{error}");
        assert!(error.to_string().contains("rescale"), "{error}");
        assert!(matches!(Compressed::new(&x, &y), Err(Error::Overflow { .. })));
        let beta = Array2::from_elem((x.ncols(), y.ncols()), -3.0);
        let known = Teacher::known(beta, &x, &y);
        assert!(matches!(known, Ok(_) | Err(Error::Overflow { .. })), "{known:?}");
    }
    let mut bad = data.features().clone();
    bad[[2, 1]] = f64::NAN;
    let beta = Array2::ones((bad.ncols(), data.targets().ncols()));
    let known = Teacher::known(beta, &bad, data.targets());
    assert!(matches!(known, Err(Error::NonFinite { row: 2, column: 1, .. })), "{known:?}");
}

/// The errors of the training rows are 1e16 times that of the test row: a difference of sums would hold no
/// digit of it.
#[test]
fn a_single_test_row_is_not_lost_beside_the_training_rows() {
    let x = ndarray::array![[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]];
    let y = ndarray::array![[1e8], [-1e8], [1.0], [1.5]];
    let sweep = Sweep {
        splits: Splits::Recorded(vec![vec![0, 1, 2]]),
        arms: vec![Arm::unablated()],
        ..Sweep::new(Dataset::new("few", x, y).unwrap(), [3], 1, 0)
    };
    let test = sweep.run().unwrap().cells[0].test_mse.unwrap();
    // The fit is off by some ε relative to 1e8, its error of 0.5 by some 1e-7.
    assert!((test - 0.25).abs() < 1e-6, "{test}");
}

/// Test and training error of the pseudoinverse of the training rows, the long way.
fn long_way(data: &Dataset, order: &[usize], n: usize) -> (f64, f64, usize) {
    let rest: Vec<usize> = (0..data.len()).filter(|row| !order[..n].contains(row)).collect();
    let pick = |table: &Array2<f64>, rows: &[usize]| table.select(Dimension(0), rows);
    let svd = Svd::new(&pick(data.features(), &order[..n])).unwrap();
    let beta = svd.pseudoinverse().unwrap().dot(&pick(data.targets(), &order[..n]));
    let mse = |rows: &[usize]| {
        let errors = pick(data.features(), rows).dot(&beta) - pick(data.targets(), rows);
        errors.mapv(|e| e * e).mean().unwrap()
    };
    (mse(&order[..n]), mse(&rest), svd.rank())
}

#[test]
fn degenerate_tables_agree_with_the_pseudoinverse() {
    let rows = normal(8, 4, 30);
    let mut constant = normal(24, 4, 31);
    constant.column_mut(1).fill(3.0);
    constant.column_mut(2).fill(0.0);
    let tables = [
        ("constant columns", constant, 3),
        ("duplicated rows", ndarray::concatenate![Dimension(0), rows, rows, rows], 4),
        ("one feature", normal(24, 1, 32), 1),
        ("one distinct row", Array2::ones((24, 4)), 1),
        ("zeros", Array2::zeros((24, 4)), 0),
        ("two rows", normal(2, 4, 33), 2),
        ("an integer table", normal(24, 4, 34).mapv(|v| (3.0 * v).round()), 4),
    ];
    for (name, x, largest_rank) in tables {
        let n = x.nrows();
        let y = normal(n, 1, 35) + 2.0;
        let x = x.as_standard_layout().into_owned();
        let data = Dataset::new(name, x, y).unwrap();
        // Seven is prime to all these lengths: an order in which repeats of a row come early and late.
        let order: Vec<usize> = (0..n).map(|i| 7 * i % n).collect();
        let sweep = Sweep {
            splits: Splits::Recorded(vec![order.clone()]),
            arms: vec![Arm::unablated()],
            ..Sweep::new(data.clone(), 1..n, 1, 0)
        };
        let curve = sweep.run().unwrap();
        assert!(curve.failures.is_empty(), "{name}: {:?}", curve.failures);
        for cell in &curve.cells {
            let (train, test, rank) = long_way(&data, &order, cell.n);
            assert_eq!(cell.rank, rank, "{name}, n = {}", cell.n);
            assert!(rank <= largest_rank, "{name}, n = {}", cell.n);
            // Condition numbers stay under 1e4, sums under 24 terms; targets are of order 1.
            let bound = 1e4 * 24.0 * f64::EPSILON * (test + 10.0);
            assert!((cell.test_mse.unwrap() - test).abs() <= bound, "{name} {cell:?} {test}");
            assert!((cell.train_mse.unwrap() - train).abs() <= bound, "{name} {cell:?} {train}");
        }
    }
}

#[test]
fn standardising_odd_columns() {
    let x = ndarray::array![[1e300, 5.0, 1.0, 0.1], [-1e300, 5.0, 2.0, 0.1], [0.0, 5.0, 3.0, 0.1]];
    let data = Dataset::new("odd", x, Array2::ones((3, 1))).unwrap().standardised().unwrap();
    let root = 1.5f64.sqrt();
    let expected = [[root, 0.0, -root, 0.0], [-root, 0.0, 0.0, 0.0], [0.0, 0.0, root, 0.0]];
    for (found, expected) in data.features().iter().zip(expected.as_flattened()) {
        // A mean, a square root and a division.
        assert!((found - expected).abs() <= 8.0 * f64::EPSILON, "{}", data.features());
    }
    let wide = Dataset::new("wide", ndarray::array![[1.7e308], [1.7e308], [-1.7e308]], Array2::ones((3, 1)));
    let error = wide.unwrap().standardised();
    assert!(matches!(error, Err(Error::Overflow { .. })), "{error:?}");
}
