//! `diagnose` as a program prints what the library finds.

use super::studies::{misused, program, refused, run, text};
use crate::common::program::Folder;
use double_descent::dataset::{CsvOptions, Dataset};
use double_descent::diagnosis::{diagnose, diagnose_with_test};
use double_descent::filter::MinNorm;
use serde_json::Value;

/// Twelve rows of two numbers and a word.
const TABLE: &str =
    "a,b,kind\n1,5,x\n2,3,y\n4,4,x\n3,9,y\n7,1,x\n5,2,y\n6,8,x\n9,7,y\n8,6,x\n2,2,y\n3,1,x\n5,5,x\n";

#[test]
fn a_table_is_diagnosed_in_the_words_of_the_library() {
    let Some(program) = program("diagnose") else { return };
    let folder = Folder::new("diagnose");
    let path = folder.file("kinds.csv", TABLE);
    let data = Dataset::read_csv(&path, &CsvOptions::default().with_class("x")).unwrap();
    let data = data.with_intercept().unwrap();
    let says = |more: &[&str]| {
        let words = [&["--dataset", &path, "--class", "x", "--intercept"], more].concat();
        let output = run(&program, &folder, &words);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        (text(&output.stdout), text(&output.stderr))
    };
    let shuffled = data.shuffle(0).unwrap();
    let found = diagnose(shuffled.features(), shuffled.targets()).unwrap();
    let (out, err) = says(&[]);
    let title =
        "diagnosis of kinds: with intercept, features as given, target 1 where kind is x, 0 elsewhere";
    assert_eq!(out, format!("\n{title}, rows shuffled by seed 0\n{found}\n"));
    assert!(err.contains("12 rows and 3 features were read, target `kind=x`"), "{err}");
    // With test rows: the last ones after a shuffle.
    let (train, test) = data.shuffle(3).unwrap().split(8).unwrap();
    let test = (&**test.features(), &**test.targets());
    let tested = diagnose_with_test(train.features(), train.targets(), &MinNorm::default(), test).unwrap();
    let (out, _) = says(&["--test-rows", "4", "--seed", "3"]);
    let drawn = "rows shuffled by seed 3, the first 8 of 12 rows";
    assert_eq!(out, format!("\n{title}, {drawn}\n{tested}\n"));
    // As JSON, with all digits; the words go to standard error.
    let (out, err) = says(&["--json"]);
    assert!(err.contains(&found.to_string()), "{err}");
    let tables: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let [quantities, modes, fits] = &tables[..] else { panic!("{out}") };
    let value = |name: &str| {
        let row = quantities["rows"].as_array().unwrap().iter().find(|row| row["quantity"] == name);
        row.unwrap()["value"].clone()
    };
    assert_eq!((value("rows"), value("rank"), value("side")), (12.into(), 3.into(), "under".into()));
    assert_eq!(value("condition_number").as_f64(), found.condition_number);
    assert_eq!(value("more_rows.mse").as_f64(), found.more_rows.map(|more| more.mse));
    assert_eq!(value("far_from_origin"), Value::Null);
    assert_eq!(modes["rows"].as_array().unwrap().len(), found.worst_modes.len());
    // Counted from 1, as in the words.
    assert_eq!(modes["rows"][0]["mode"].as_u64().unwrap(), found.worst_modes[0].mode as u64 + 1);
    assert_eq!(modes["rows"][0]["product"].as_f64().unwrap(), found.worst_modes[0].product);
    let fits = fits["rows"].as_array().unwrap();
    assert_eq!(fits.len(), 1 + found.remedies.len());
    assert_eq!(fits[0]["method"], "as it is");
    for (row, fit) in fits.iter().zip([&found.fit].into_iter().chain(&found.remedies)) {
        assert_eq!(row["mse"].as_f64().unwrap(), fit.mse);
        assert_eq!(row["gain.mean"].as_f64(), fit.gain.map(|gain| gain.mean));
    }
    assert_eq!(std::fs::read_dir(&folder.0).unwrap().count(), 1, "nothing is written but the table");
}

/// Nothing is written, so that files of the same name are no conflict.
#[test]
fn tables_of_the_same_name_are_diagnosed_one_after_the_other() {
    let Some(program) = program("diagnose") else { return };
    let folder = Folder::new("diagnose-names");
    for place in ["one", "two"] {
        std::fs::create_dir_all(folder.0.join(place)).unwrap();
        folder.file(&format!("{place}/kinds.csv"), TABLE);
    }
    let output =
        run(&program, &folder, &["--dataset", "one/kinds.csv,two/kinds.csv", "--class", "y", "--intercept"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(text(&output.stdout).matches("diagnosis of kinds: ").count(), 2);
}

#[test]
fn without_a_table_the_embedded_ones_are_diagnosed() {
    let Some(program) = program("diagnose") else { return };
    let output = run(&program, &Folder::new("diagnose-default"), &[]);
    assert_eq!(output.status.code(), Some(0));
    let err = text(&output.stderr);
    assert!(err.contains("mean of `target` is 1.97") && err.contains("--intercept"), "{err}");
    assert_eq!(err.lines().count(), 1, "{err}");
    let out = text(&output.stdout);
    assert!(
        out.contains("diagnosis of diabetes: ") && out.contains("diagnosis of student-teacher: "),
        "{out}"
    );
}

#[test]
fn tables_that_cannot_be_diagnosed() {
    let Some(program) = program("diagnose") else { return };
    let folder = Folder::new("diagnose-wrong");
    let path = folder.file("kinds.csv", TABLE);
    refused(&program, &folder, &["--dataset", &path], &["column `kind`", "`--class`", "x, y"]);
    let few = |test: &'static str| ["--dataset", "diabetes", "--test-rows", test];
    for test in ["441", "442", "500"] {
        misused(&program, &folder, &few(test), &["--test-rows", test, "442 rows of diabetes"]);
    }
    misused(&program, &folder, &few("0"), &["--test-rows", "`0`"]);
    // Numbers too far apart, and whole numbers that 64-bit floats round.
    let row = |i: u64| format!("{}e300,{}e-300,{}\n", i * 37 % 31, 1 + i * 59 % 29, i * 7 % 11);
    let path = folder.file("scale.csv", String::from("a,b,y\n") + &(0..20).map(row).collect::<String>());
    refused(&program, &folder, &["--dataset", &path], &["64-bit float", "--standardise"]);
    assert!(run(&program, &folder, &["--dataset", &path, "--standardise"]).status.success());
    let row = |i: u64| format!("{},{},{}\n", (1_u64 << 60) + i, i * 59 % 29, i * 7 % 11);
    let path = folder.file("large.csv", String::from("a,b,y\n") + &(0..20).map(row).collect::<String>());
    let notes = text(&run(&program, &folder, &["--dataset", &path]).stderr);
    assert!(notes.contains("constant: `a` (above 2^53, where 64-bit floats round whole numbers)"), "{notes}");
    let path = folder.file("one.csv", "a,y\n1,2\n");
    refused(&program, &folder, &["--dataset", &path], &["number of rows", "at least 2"]);
}
