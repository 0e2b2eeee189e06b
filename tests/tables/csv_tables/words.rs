//! Columns of words: features of zeros and ones, classes, and columns that are no features.

use super::{DROP, PLAIN, default, read, refused};
use double_descent::Error;
use double_descent::dataset::CsvOptions;

#[test]
fn columns_of_words_become_zeros_and_ones() {
    let text = "sex,length,y\nM,0.5,1\nF,0.25,2\n M ,0.75,3\nI,,4\nNA,1,5\n";
    let options = CsvOptions::default().with_one_hot(["sex"]).with_blank_cells(DROP);
    let data = read(text, &options).unwrap();
    assert_eq!(data.feature_names(), ["sex=F", "sex=M", "length"], "words of dropped rows are none");
    assert_eq!(data.features(), &ndarray::array![[0.0, 1.0, 0.5], [1.0, 0.0, 0.25], [0.0, 1.0, 0.75]]);
    let after = read(text, &options.clone().with_features(["length"])).unwrap();
    assert_eq!(after.feature_names(), ["length", "sex=F", "sex=M"]);
    refused(
        read(text, &CsvOptions::default().with_one_hot(["sex"]).with_features(["sex"])),
        &["line 6", "`NA` is a missing"],
    );
    refused(read(text, &CsvOptions::default().with_one_hot(["six"])), &["`six`"]);
    refused(read(text, &CsvOptions::default().with_one_hot(["y"])), &["both feature and target"]);
    let many: String = (0..1001).fold("w,y\n".into(), |text, i| format!("{text}w{i},1\n"));
    refused(read(&many, &CsvOptions::default().with_one_hot(["w"])), &["line 1002", "1000 different words"]);
}

#[test]
fn one_class_against_the_rest() {
    let text = "length,width,species\n5.1,3.5,setosa\n7,3.2,versicolor\n6.3,, virginica \n5,3,setosa\n";
    let of = |word: &str| CsvOptions::default().with_class(word).with_features(["length"]);
    let data = read(text, &of("setosa")).unwrap();
    assert_eq!(data.targets().column(0).to_vec(), [1.0, 0.0, 0.0, 1.0]);
    assert_eq!(data.target_names(), ["species=setosa"]);
    assert_eq!(data.preparation(), format!("{PLAIN}, target 1 where species is setosa, 0 elsewhere"));
    // Outer blanks do not count, neither in the table nor in the option; case does.
    assert_eq!(read(text, &of(" virginica")).unwrap().targets().column(0).to_vec(), [0.0, 0.0, 1.0, 0.0]);
    let unknown = read(text, &of("Setosa")).unwrap_err();
    let choices = ["setosa", "versicolor", "virginica"].map(Into::into).into();
    assert_eq!(unknown, Error::UnknownName { what: "class of the target", name: "Setosa".into(), choices });
    // In any column of the table, beside features of words.
    let text = "sex,kind,length\nM,b,1\nF,a,2\nM,a,3\n";
    let options = CsvOptions::default().with_target("kind").with_one_hot(["sex"]).with_class("a");
    let data = read(text, &options).unwrap();
    assert_eq!(data.targets().column(0).to_vec(), [0.0, 1.0, 1.0]);
    assert_eq!(data.feature_names(), ["sex=F", "sex=M", "length"]);
    // One column only.
    let both = CsvOptions::default().with_target("kind").with_target("length").with_class("a");
    refused(read(text, &both), &["column `kind`", "one of 2 targets", "with_class"]);
}

/// Classes with numbers for names are words too.
#[test]
fn classes_that_are_numbers_are_compared_as_text() {
    let of = |word: &str| CsvOptions::default().with_class(word);
    let text = "a,b,digit\n1,2,0\n3,4,1\n5,6,2\n7,8,1\n";
    assert_eq!(read(text, &of("1")).unwrap().targets().column(0).to_vec(), [0.0, 1.0, 0.0, 1.0]);
    refused(read(text, &of("1.0")), &["class of the target called `1.0`", "choose one of: 0, 1, 2"]);
    // Of a column of measurements, the error lists some.
    let rows: Vec<String> = (0..3000).map(|row| format!("1,2,{row}.5")).collect();
    let text = format!("a,b,y\n{}\n", rows.join("\n"));
    refused(read(&text, &of("setosa")), &["`setosa`", "0.5", "and 980 more"]);
    assert_eq!(read(&text, &of("2999.5")).unwrap().targets().sum(), 1.0);
}

#[test]
fn a_missing_value_is_no_class() {
    let text = "a,kind\n1,x\n2,\n3,y\n4,NA\n,w\n";
    let of = |word: &str| CsvOptions::default().with_class(word);
    refused(read(text, &of("x")), &["line 3", "column `kind`", "blank cell", "DropRow"]);
    let data = read(text, &of("x").with_blank_cells(DROP)).unwrap();
    assert_eq!(data.targets().column(0).to_vec(), [1.0, 0.0]);
    let said = "3 rows with missing values dropped, target 1 where kind is x, 0 elsewhere";
    assert!(data.preparation().ends_with(said), "{}", data.preparation());
    // A class of dropped rows only is none of the classes.
    refused(read(text, &of("w").with_blank_cells(DROP)), &["`w`", "choose one of: x, y"]);
    // Unless the spellings of missing values are others.
    for word in ["NA", "na", ""] {
        refused(read(text, &of(word).with_blank_cells(DROP)), &["column `kind`", "missing", "with_missing"]);
    }
    let data = read(text, &of("NA").with_missing(["-9"]).with_blank_cells(DROP)).unwrap();
    assert_eq!(data.targets().column(0).to_vec(), [0.0, 0.0, 1.0]);
}

#[test]
fn columns_that_are_no_features() {
    let text = "id;town;size;price\nH1;Köln;1,5;20\nH2;k.A.;2,5;30\n";
    let options = || CsvOptions::default().with_delimiter(b';').with_decimal_comma(true);
    // A text column, and the ways to deal with it.
    let ways = ["without_columns", "with_one_hot", "with_missing"];
    refused(read(text, &options()), &[&["line 2", "column `id`", "`H1`"][..], &ways].concat());
    let without = |names: &[&str]| options().without_columns(names.iter().copied());
    refused(read(text, &without(&["id"])), &["column `town`", "`Köln`"]);
    let data = read(text, &without(&["id", "town"])).unwrap();
    assert_eq!(data.features().column(0).to_vec(), [1.5, 2.5]);
    // The last remaining column is the target.
    let data = read(text, &without(&["id", "price"]).with_one_hot(["town"])).unwrap();
    assert_eq!(
        (data.target_names(), data.feature_names()[0].as_str()),
        (&["size".to_owned()][..], "town=Köln")
    );
    refused(read(text, &without(&["idd"])), &["`idd`"]);
    refused(read(text, &without(&["id"]).with_target("id")), &["column `id`", "left out"]);
    refused(read(text, &without(&["size"]).with_features(["size"])), &["column `size`", "left out"]);
    refused(
        read(text, &without(&["id", "town", "size"])),
        &["one column besides those left out (`CsvOptions::without"],
    );
    refused(read(text, &without(&["id", "town", "size", "price"])), &["column `price`", "left out"]);
    // Dates are treated as text. If a cell holds a number with a symbol, the advice is about the number.
    for date in ["2023-01-01", "2023-01-01 10:00", "3/4/2023", "1.2.2023"] {
        refused(
            default(format!("a,b,y\n{date},2,3\n")),
            &[&["line 2", "column `a`", date][..], &ways].concat(),
        );
    }
    for (cell, sign) in [("12%", "%"), ("$5", "$"), ("12.5 €", "€"), ("\"$1,200\"", "$")] {
        let says =
            refused(default(format!("a,b,y\n{cell},2,3\n")), &[&format!("remove its sign (`{sign}`)")]);
        assert!(!says.contains("with_one_hot"), "{says}");
    }
    // A text target is not given the advice for text features.
    let error = read("a;y\n1;low\n", &options()).unwrap_err().to_string();
    assert!(error.contains("`low` is not a finite number") && !error.contains("with_one_hot"), "{error}");
    // A full stop is a decimal point only within a number.
    let missing = "a;y\n1,5;2\nk.A.;3\n";
    refused(read(missing, &options()), &["`k.A.` is not a finite number; leave", "with_missing"]);
    let named = options().with_missing(["k.A."]).with_blank_cells(DROP);
    assert_eq!(read(missing, &named).unwrap().len(), 1);
}
