//! Studies on tables: wrong or odd data sets, sizes and splits, and the messages about them.

use super::studies::{misused, program, refused, run, text};
use crate::common::files::{gzip, idx};
use crate::common::program::Folder;

#[test]
fn data_sets_that_do_not_exist() {
    let Some(program) = program("ablations") else { return };
    let folder = Folder::new("data");
    let names =
        ["--dataset", "`boston`", "diabetes", "student-teacher", "california-housing", "who-life-expectancy"];
    misused(&program, &folder, &["--dataset", "boston"], &names);
    refused(&program, &folder, &["--dataset", "missing.csv"], &["missing.csv"]);
    let needs = ["--data-dir", "DOUBLE_DESCENT_DATA"];
    misused(&program, &folder, &["--dataset", "california-housing"], &needs);
    for (name, file) in
        [("california-housing", "california_housing.csv"), ("who-life-expectancy", "who_life_expectancy.csv")]
    {
        let (nowhere, here) = (folder.path("nowhere"), folder.path(""));
        let says = ["--data-dir: there is no folder", &nowhere];
        misused(&program, &folder, &["--dataset", name, "--data-dir", &nowhere], &says);
        refused(&program, &folder, &["--dataset", name, "--data-dir", &here], &[file]);
    }
    misused(&program, &folder, &["--dataset", "-"], &["--dataset", "/dev/stdin"]);
    for study in ["random_fourier", "grid", "label_noise"] {
        let Some(program) = self::program(study) else { return };
        let (nowhere, here) = (folder.path("nowhere"), folder.path(""));
        misused(&program, &folder, &["--data-dir", &nowhere], &["--data-dir: there is no folder", &nowhere]);
        refused(
            &program,
            &folder,
            &["--data-dir", &here],
            &["no file of these names: train-images-idx3-ubyte.gz"],
        );
    }
}

/// A table may come through a pipe, which can be read only once.
#[cfg(unix)]
#[test]
fn tables_come_through_pipes() {
    use std::io::Write as _;
    use std::process::{Command, Stdio};
    let Some(program) = program("ablations") else { return };
    let folder = Folder::new("pipe");
    let mut child = Command::new(&program.0)
        .args(["ablations", "--dataset", "/dev/stdin", "--sizes", "1..3", "--repeats", "2", "--no-figures"])
        .current_dir(&folder.0)
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(format!("a,b,y\n{}", rows(1)).as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let input = std::fs::read_to_string(folder.0.join("results/ablations/stdin/input.txt")).unwrap();
    assert_eq!(input, "/dev/stdin\n");
}

#[test]
fn sizes_and_repeats_out_of_range() {
    let Some(program) = program("ablations") else { return };
    let folder = Folder::new("sizes");
    for sizes in ["0", "0..5"] {
        misused(&program, &folder, &["--sizes", sizes], &["--sizes", &format!("`{sizes}` is a list with 0")]);
    }
    for sizes in ["1..442", "442"] {
        let says = ["--sizes: 442 is too large for diabetes: at least one of its 442 rows", "at most 441"];
        misused(&program, &folder, &["--dataset", "diabetes", "--sizes", sizes], &says);
    }
    for flag in ["--repeats", "--threads"] {
        misused(&program, &folder, &["--dataset", "diabetes", flag, "0"], &[flag, "`0`", "at least 1"]);
    }
    for wrong in ["", "x", "5..", "9..3", "1..9:0", "1,,2", "-4..3", "1.5"] {
        misused(
            &program,
            &folder,
            &[&format!("--sizes={wrong}")],
            &["--sizes", "neither a number nor an ascending range"],
        );
    }
}

#[test]
fn tables_with_mistakes_are_named_by_line_and_column() {
    let Some(program) = program("ablations") else { return };
    let folder = Folder::new("csv");
    let read = |name: &str, text: &str, more: &[&str], says: &[&str]| {
        let path = folder.file(name, text);
        refused(&program, &folder, &[&["--dataset", &path, "--sizes", "1"], more].concat(), says);
    };
    read("nan.csv", "a,b,y\n1,2,3\n1,NaN,3\n", &[], &["nan.csv", "line 3", "column `b`", "`NaN`"]);
    read("inf.csv", "a,b,y\n1,2,inf\n", &[], &["line 2", "column `y`", "`inf`"]);
    read("text.csv", "who,b,y\nme,2,3\n", &[], &["line 2", "column `who`", "`me`"]);
    read("blank.csv", "a,b,y\n1,,3\n", &[], &["line 2", "column `b`", "blank", "(`--drop-blank-rows`)"]);
    read("ragged.csv", "a,b,y\n1,2,3\n1,2\n", &[], &["line 3", "2 cells where the header has 3"]);
    read("empty.csv", "", &[], &["empty.csv", "is empty"]);
    read("header.csv", "a,b,y\n", &[], &["header.csv", "no rows"]);
    read("numbers.csv", "1,2,3\n4,5,6\n", &[], &["line 1", "name the columns"]);
    read("one-row.csv", "a,b,y\n1,2,3\n", &[], &["number of rows"]);
    let array = folder.file("labels.gz", gzip(&idx(8, &[3], b"\t\t\t")));
    refused(&program, &folder, &["--dataset", &array], &["labels.gz", "an array in an IDX file", "CSV text"]);
    let remedies = ["`inf` is not a finite number", "(`--missing`,", "(`--drop-blank-rows`)"];
    read("infinite.csv", "a,b,y\n1,2,3\n1,inf,3\n", &[], &remedies);
    read("semicolon.csv", "a;b;y\n1;2;3\n", &[], &["semicolon.csv", "one column", "`;`", "(`--delimiter`)"]);
    read("escape.csv", "a,b,y\n1,\u{1b}[2Jx,3\n", &[], &["line 2", "`\\u{1b}[2Jx`"]);
    read("comma.csv", "a;b;y\n1,5;2;3\n", &["--delimiter", ";"], &["`1,5`", "(`--decimal-comma`)"]);
    let names: Vec<_> = (0..20_000).map(|i| format!("column{i}")).collect();
    let wide = format!("{}\n{}\n", names.join(","), vec!["1"; 20_000].join(","));
    // A name that matches no column is an error of the flag.
    let misnamed = |name: &str, text: &str, flags: [&str; 2], says: &[&str]| {
        let path = folder.file(name, text);
        misused(
            &program,
            &folder,
            &[&["--dataset", &path], &flags[..]].concat(),
            &[&[flags[0]], says].concat(),
        );
    };
    misnamed(
        "wide.csv",
        &wide,
        ["--target", "colunm7"],
        &["`colunm7`", "and 19980 more", "did you mean `column7`?"],
    );
    let small = "Dose,temp,YIELD\n1,2,3\n1,2,4\n";
    misnamed(
        "target.csv",
        small,
        ["--target", "yield"],
        &["`yield`; there are: Dose, temp, YIELD; did you mean `YIELD`?"],
    );
    misnamed("features.csv", small, ["--features", "temp,q"], &["`q`", "Dose, temp, YIELD"]);
    misnamed("one-hot.csv", small, ["--one-hot", "tmp"], &["did you mean `temp`?"]);
    misnamed("leave-out.csv", small, ["--leave-out", "id"], &["`id`"]);
    let commas = "\"Name, long\",x 1,y\n1,2,3\n2,3,5\n";
    let says = ["`Name`; there are: \"Name, long\", x 1, y;", "--leave-out '\"Name, long\"'"];
    misnamed("commas.csv", commas, ["--leave-out", "Name, long"], &says);
    misnamed("quotes.csv", "a,y\n1,2\n", ["--features", "\"a, b\",y"], &["`a, b`"]);
}

/// Thirty flowers of three kinds.
fn flowers() -> String {
    let row = |i: usize| {
        let kind = ["setosa", "versicolor", "virginica"][i % 3];
        format!("{},{},{},{kind}\n", i * 37 % 31, i * 59 % 29, (i % 3) * 5 + i * 7 % 4)
    };
    (0..30).map(row).fold("length,width,petal,species\n".into(), |text, row| text + &row)
}

/// A target of words needs `--class`, which the note, the caption and the settings state.
#[test]
fn one_class_against_the_rest() {
    let Some(program) = program("ablations") else { return };
    let folder = Folder::new("class");
    let path = folder.file("iris.csv", flowers());
    let few = ["--dataset", &path, "--sizes", "3..9:3", "--repeats", "5", "--intercept"];
    let with = |more: &[&'static str]| [&few[..], more].concat();
    let says = ["line 2", "column `species`", "(`--class`)", "setosa, versicolor, virginica"];
    refused(&program, &folder, &few, &says);
    let says = ["--class: ", "`virginia`; choose one of: setosa,", "did you mean `virginica`?"];
    misused(&program, &folder, &with(&["--class", "virginia"]), &says);
    misused(&program, &folder, &["--class", "setosa"], &["--class", "do not apply to diabetes"]);
    let said = "target 1 where species is virginica, 0 elsewhere";
    let output = run(&program, &folder, &with(&["--class", "virginica", "--no-caption"]));
    let err = text(&output.stderr);
    assert!(
        output.status.success() && err.contains("target `species=virginica`") && err.contains(said),
        "{err}"
    );
    let file =
        |name: &str| std::fs::read_to_string(folder.0.join("results/ablations/iris").join(name)).unwrap();
    assert!(file("unablated.txt").contains(said) && file("settings.txt").contains("--class virginica"));
    // Shards of another class are refused.
    let shard = ["--no-figures", "--shard", "1/1", "--out", "parts"];
    let of = |class: &'static str| [&with(&["--class", class])[..], &shard].concat();
    assert!(run(&program, &folder, &of("virginica")).status.success());
    refused(
        &program,
        &folder,
        &of("setosa"),
        &["parts/iris", "the values of iris have changed since it was begun"],
    );
}

/// Notes on tables that are small, constant, or in units that do not suit the arms' settings.
#[test]
fn notes_on_odd_tables() {
    let Some(program) = program("ablations") else { return };
    let folder = Folder::new("notes");
    let study = |name: &str, rows: usize, row: &dyn Fn(usize) -> String, more: &[&str]| {
        let rows: Vec<String> = (0..rows).map(row).collect();
        let path = folder.file(name, format!("a,b,y\n{}\n", rows.join("\n")));
        let few = ["--dataset", &path, "--repeats", "20", "--no-figures"];
        let output = run(&program, &folder, &[&few[..], more].concat());
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        (text(&output.stdout), text(&output.stderr))
    };
    let number = |row: usize, by: usize| (row * by % 101) as f64 / 50.0 - 1.0;
    let plain = |row: usize| format!("{},{},{}", number(row, 37), number(row, 59), number(row, 7919));
    // The default sizes extend as far as the table allows.
    let (out, _) = study("tiny.csv", 12, &plain, &[]);
    assert!(out.contains("largest n = 11") && !out.contains("changes the"), "{out}");
    let (out, err) =
        study("constant.csv", 12, &|row| format!("{},{},4", number(row, 37), number(row, 59)), &[]);
    assert!(err.contains("every value of `y` is 4: there is nothing to predict"), "{err}");
    assert!(!out.is_empty());
    // No size at the threshold: the note says how to get one, or why there is none.
    let (out, _) = study("far.csv", 12, &plain, &["--sizes", "5..9"]);
    assert!(out.contains("no training set has n = p") && out.contains("it is with --sizes 1..4"), "{out}");
    let (out, _) = study("two.csv", 2, &plain, &[]);
    assert!(out.contains("n = p = 2 takes 3 rows, one of them for testing, but there are 2"), "{out}");
    // Advice on columns without a name.
    let path = folder.file("unnamed.csv", ",a,y\n0.5,2,3\n1.5,1,5\n2.5,7,4\n3.5,5,1\n4.5,0,2\n5.5,1,2\n");
    let few = ["--dataset", &path, "--repeats", "2", "--no-figures"];
    let err = text(&run(&program, &folder, &few).stderr);
    let says = "the feature (without a name) grows by the same step";
    assert!(err.contains(says) && err.contains("leave it out with --unnamed-column leave-out"), "{err}");
    let path = folder.file("names.csv", ",a,y\nr0,2,3\nr1,1,5\n");
    refused(
        &program,
        &folder,
        &["--dataset", &path],
        &["leave the column out (`--unnamed-column leave-out`)"],
    );
    let path = folder.file("merged.csv", ",a,y\n0,2,3\n1,1,5\n0,7,4\n");
    let says = ["(`--unnamed-column leave-out`)", "(`--unnamed-column keep`)"];
    refused(&program, &folder, &["--dataset", &path], &says);
    // Units in which every cutoff is too small.
    let large =
        |row: usize| format!("{},{},{}", 1e6 * number(row, 37), 1e6 * number(row, 59), number(row, 7919));
    let note =
        "no small singular values: no cutoff from 0.001 to 1 changes the median test error by 1 % at any n";
    let (out, _) = study("units.csv", 30, &large, &["--sizes", "1..9"]);
    assert!(out.contains(note) && out.contains("--standardise"), "{out}");
    let (out, _) = study("same_units.csv", 30, &large, &["--sizes", "1..9", "--standardise"]);
    assert!(!out.contains("no cutoff"), "{out}");
}

/// Twelve rows; the third column depends on `salt`.
fn rows(salt: usize) -> String {
    let row = |i: usize| format!("{},{},{}\n", i * 7 % 12, i * 5 % 11, i * i % (7 + salt));
    (0..12).map(row).collect::<Vec<_>>().concat()
}

#[test]
fn names_with_commas_and_options_of_tables() {
    let Some(program) = program("ablations") else { return };
    let folder = Folder::new("names");
    let few = ["--sizes", "3", "--repeats", "2", "--no-figures", "--out", "results"];
    let study = |path: &str, more: &[&str], cells: &str| {
        let output = run(&program, &folder, &[&["--dataset", path], more, &few[..]].concat());
        assert_eq!(output.status.code(), Some(0), "{more:?}: {}", text(&output.stderr));
        std::fs::read(folder.0.join("results").join(cells).join("cells.csv")).unwrap()
    };
    let plain = folder.file("plain.csv", format!("a,b,y\n{}", rows(0)));
    let expected = study(&plain, &[], "plain");
    let named = folder.file("names.csv", format!("\"a, in m\",b,\"y, in s\"\n{}", rows(0)));
    let columns = ["--features", "\"a, in m\",b", "--target", "y, in s"];
    assert!(study(&named, &columns, "names") == expected);
    // A path with a comma, with and without quotes.
    let comma = folder.file("one, two.csv", format!("a,b,y\n{}", rows(0)));
    assert!(study(&comma, &[], "one, two") == expected);
    assert!(study(&format!("\"{comma}\""), &[], "one, two") == expected);
    let odd =
        folder.file("odd.csv", format!("# m\n{}", rows(0).replace(',', ";").replace("0;0;0", "0,0;0;0")));
    let options = ["--delimiter", ";", "--comment", "#", "--header", "none", "--decimal-comma"];
    assert!(study(&odd, &options, "odd") == expected);
    let missing = folder.file("missing.csv", format!("  a b y\n1   x 2\n{}", rows(0).replace(',', "  ")));
    let options = ["--delimiter", "blanks", "--missing", "x,-9", "--drop-blank-rows"];
    assert!(study(&missing, &options, "missing") == expected);
}

#[test]
fn no_input_replaces_the_results_of_another() {
    let Some(program) = program("ablations") else { return };
    let folder = Folder::new("same-names");
    let few = ["--sizes", "3", "--repeats", "2", "--no-figures", "--out", "results"];
    for (place, salt) in [("one", 0), ("two", 1)] {
        std::fs::create_dir_all(folder.0.join(place)).unwrap();
        folder.file(&format!("{place}/data.csv"), format!("a,b,y\n{}", rows(salt)));
    }
    let study = |names: &str| run(&program, &folder, &[&["--dataset", names], &few[..]].concat());
    let cells = |name: &str| std::fs::read(folder.0.join("results").join(name).join("cells.csv")).unwrap();
    // In one run: two folders.
    let output = study("one/data.csv,two/data.csv");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(cells("one_data") != cells("two_data"));
    // One after the other: the second is refused before it starts, and the first may be repeated.
    assert_eq!(study("one/data.csv").status.code(), Some(0));
    let first = cells("data");
    let says = ["results/data", "one/data.csv", "two/data.csv", "--out"];
    refused(&program, &folder, &[&["--dataset", "two/data.csv"], &few[..]].concat(), &says);
    assert_eq!(study("one/data.csv").status.code(), Some(0));
    assert!(cells("data") == first);
    // The table is the same one in another folder, and under the same path when it was edited.
    std::fs::rename(folder.0.join("one"), folder.0.join("moved")).unwrap();
    assert_eq!(study("moved/data.csv").status.code(), Some(0));
    folder.file("moved/data.csv", format!("a,b,y\n{}", rows(4)));
    assert_eq!(study("moved/data.csv").status.code(), Some(0));
    assert!(cells("data") != first);
    std::fs::rename(folder.0.join("moved"), folder.0.join("one")).unwrap();
    misused(
        &program,
        &folder,
        &[&["--dataset", "one/data.csv,./one/data.csv"], &few[..]].concat(),
        &["one folder"],
    );
    // The user's diabetes.csv is not the embedded data set.
    folder.file("diabetes.csv", format!("a,b,y\n{}", rows(2)));
    let output = study("diabetes,diabetes.csv");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(cells("diabetes") != cells("diabetes_csv"));
    // Names made of dots stay below the results folder.
    folder.file("...csv", format!("a,b,y\n{}", rows(3)));
    std::fs::remove_dir_all(folder.0.join("results/data")).unwrap();
    assert_eq!(study("...csv").status.code(), Some(0));
    assert!(folder.0.join("results/data/cells.csv").exists() && !folder.0.join("cells.csv").exists());
}

#[test]
fn splits_with_mistakes_are_named() {
    let Some(program) = program("ablations") else { return };
    let folder = Folder::new("splits");
    let replay = |text: &str, says: &[&str]| {
        let path = folder.file("splits.csv", text);
        let few = ["--dataset", "diabetes", "--sizes", "2", "--splits", &path];
        refused(&program, &folder, &few, says);
    };
    replay("repeat,i0,i1\n0,1,x\n", &["splits.csv", "line 2", "`x`"]);
    replay("repeat,i0,i1\n0,1,1\n", &["line 2", "twice"]);
    replay("repeat,i0\n0,1\n", &["expected 2, found 1"]);
    replay("repeat,i0,i1\n0,1,442\n", &["row index", "442"]);
    replay("", &["no splits"]);
    // A record of splits fits only one table.
    let path = folder.file("two.csv", "repeat,i0\n0,1\n");
    misused(&program, &folder, &["--splits", &path], &["--splits", "--dataset"]);
}

/// The one-hot columns add up to the constant, so the rank is p − 1, and the threshold is there.
#[test]
fn features_that_depend_on_one_another_have_their_threshold_at_the_rank() {
    let Some(program) = program("ablations") else { return };
    let folder = Folder::new("rank");
    let line = |row: usize| {
        let (city, size, age) = (["Rome", "Oslo", "Bern"][row % 3], row * 37 % 61, row * row % 53);
        format!("{city},{size},{age},{}", (row * 7919 % 101) as f64 / 10.0)
    };
    let lines: Vec<String> = ["city,size,age,price".into()].into_iter().chain((0..60).map(line)).collect();
    let table = folder.file("prices.csv", lines.join("\n"));
    let words = ["--data", &table, "--one-hot", "city", "--intercept", "--sizes", "1..12", "--repeats", "20"];
    let output = run(&program, &folder, &words);
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{err}");
    for says in
        ["60 rows and 6 features were read, target `price`", "the 6 features have rank 5", "n = rank = 5"]
    {
        assert!(err.contains(says), "no `{says}` in {err}");
    }
    assert!(
        out.contains("threshold n = rank = 5") && out.contains("at n = rank, the lowest of each family"),
        "{out}"
    );
    let figure = folder.0.join("results/ablations/prices/three_factors.svg");
    let figure = std::fs::read_to_string(figure).unwrap();
    assert!(figure.contains("n = rank") && !figure.contains("p/n = 1"), "the marker");
    // Without the constant, the columns are independent.
    let output = run(
        &program,
        &folder,
        &["--data", &table, "--one-hot", "city", "--sizes", "1..12", "--repeats", "3"],
    );
    assert!(output.status.success() && !text(&output.stderr).contains("rank"), "{output:?}");
    assert!(text(&output.stdout).contains("threshold n = p = 5"), "{output:?}");
}
