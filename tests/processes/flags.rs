//! Every flag that a study offers acts there.

use super::studies::{misused, program, run, text};
use crate::common::program::Folder;
use serde_json::Value;

/// `--statistic` is obeyed by every table and caption that shows a middle.
#[test]
fn means_in_place_of_medians() {
    let cases: [(&str, &[&str], &str, &str); 2] = [
        (
            "weight_decay",
            &["--samples", "8", "--features", "4..16:4", "--penalties", "0,0.1"],
            "sizes.csv",
            "weight_decay.txt",
        ),
        (
            "epochs",
            &["--samples", "15", "--features", "5,15,30", "--shown", "5", "--times", "8"],
            "stopping.csv",
            "map.txt",
        ),
    ];
    for (study, small, table, caption) in cases {
        let Some(program) = program(study) else { return };
        let folder = Folder::new(&format!("means_{study}"));
        let of = |statistic: &str| {
            let given = ["--repeats", "5", "--no-caption", "--statistic", statistic, "--out", statistic];
            let output = run(&program, &folder, &[small, &given].concat());
            assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
            let closing = text(&output.stdout);
            assert!(closing.contains(&format!("{statistic} test error over ")), "{closing}");
            let file = |name: &str| {
                std::fs::read_to_string(folder.0.join(statistic).join(study).join(name)).unwrap()
            };
            let (table, caption) = (file(table), file(caption));
            assert!(caption.contains(&format!("{statistic}s over 5 training sets")), "{caption}");
            (table, closing)
        };
        let one = run(&program, &folder, &[small, &["--repeats", "1", "--no-figures"]].concat());
        assert!(text(&one.stdout).contains(", 1 training set\n"), "{}", text(&one.stdout));
        let (median, mean) = (of("median"), of("mean"));
        assert!(median.0 != mean.0 && median.1 != mean.1, "{study}: --statistic does nothing");
    }
}

/// `--bootstrap` is offered where there is a band of a mean, and without resamples no caption tells of a band.
#[test]
fn bands_of_means() {
    let folder = Folder::new("bands");
    if let Some(program) = program("weight_decay") {
        misused(&program, &folder, &["--bootstrap", "9"], &["unknown flag --bootstrap"]);
    }
    let Some(program) = program("epochs") else { return };
    let help = text(&run(&program, &folder, &["--help"]).stdout);
    assert!(!help.contains("summary.csv") && help.contains("--bootstrap"), "{help}");
    let caption = |bootstrap: &str| {
        let small = ["--samples", "15", "--features", "5,15", "--shown", "5", "--times", "8"];
        let given = ["--repeats", "3", "--no-caption", "--statistic", "mean", "--bootstrap", bootstrap];
        let output = run(&program, &folder, &[&small[..], &given, &["--out", bootstrap]].concat());
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        std::fs::read_to_string(folder.0.join(bootstrap).join("epochs/descents.txt")).unwrap()
    };
    let (without, with) = (caption("0"), caption("9"));
    assert!(without.contains("means over 3 repeats") && !without.contains("bootstrap"), "{without}");
    assert!(with.contains("bootstrap intervals (9 resamples"), "{with}");
}

/// Small settings of every study.
const SMALL: [(&str, &str); 22] = [
    ("ablations", "--dataset diabetes --sizes 5,10 --repeats 2"),
    ("adversarial", "--dataset diabetes --sizes 5,10 --repeats 2"),
    ("bases", "--repeats 2 --largest 100"),
    ("bias_variance", "--samples 8 --network-samples 12 --sets 3 --draws 3 --seeds 3 --designs 2"),
    ("diagnose", "--dataset diabetes"),
    ("effective_parameters", "--samples 8 --sizes 4,8,16 --repeats 2"),
    ("ensembling", "--samples 8 --sizes 4,8,16 --repeats 2 --members 1,3"),
    ("epochs", "--samples 15 --features 5,15 --shown 5 --times 8 --repeats 2"),
    ("evidence", "--samples 8 --sizes 4,8,16 --repeats 2"),
    ("flatness", "--samples 8 --sizes 4,8,16 --repeats 8"),
    ("grid", "--samples 10,20 --features 5,10,20 --repeats 1 --pool 100 --test 50"),
    ("label_noise", "--samples 8 --sizes 4,8,16 --repeats 2 --test-rows 50"),
    ("more_data", "--samples 10,20 --features 5,10,20,40 --repeats 1 --pool 100 --test 50"),
    ("polynomial", "--sizes 1..20 --repeats 2"),
    (
        "random_fourier",
        "--features 5,10 --samples 5,10 --n 10 --p 10 --repeats 1 --pool 100 --test 50 --infinite-width",
    ),
    ("sgd", "--samples 8 --features 4 --steps 20 --runs 4"),
    ("smallest_singular_value", "--repeats 2"),
    ("splines", "--sizes 2..20 --repeats 2"),
    ("streaming", "--rows 400 --features 5 --test-rows 100"),
    ("theory", "--families gaussian --size 16 --repeats 16"),
    ("universality", "--maps gaussian,tangent-relu --repeats 8 --draws 20 --fixed 5 --largest 10"),
    ("weight_decay", "--samples 8 --features 4..16:4 --penalties 0,0.1 --repeats 2"),
];

/// Every object of `--json` has its keys once; a missing value is `null`, and an infinite one a word.
#[test]
fn tables_in_json_lose_nothing() {
    let folder = Folder::new("all_json");
    for (study, small) in SMALL {
        let Some(program) = program(study) else { return };
        let mut given: Vec<&str> = small.split(' ').chain(["--json"]).collect();
        given.extend(["--no-figures"].iter().filter(|_| study != "diagnose"));
        let output = run(&program, &folder, &given);
        assert_eq!(output.status.code(), Some(0), "{study}: {}", text(&output.stderr));
        let tables = text(&output.stdout);
        assert!(!tables.is_empty(), "{study}");
        assert!(study != "streaming" || tables.contains(r#""expected (exact)": "inf""#), "{tables}");
        assert!(study != "label_noise" || tables.contains(r#""shape, critical interval": null"#), "{tables}");
        for table in tables.lines() {
            let table: Value = serde_json::from_str(table).unwrap();
            for (key, value) in
                table["rows"].as_array().unwrap().iter().flat_map(|row| row.as_object().unwrap())
            {
                assert!(!key.ends_with(" (2)"), "{study}: two columns are called {key}");
                assert!(!["", "-", "∞", "NaN"].contains(&value.as_str().unwrap_or("text")), "{study}: {key}");
            }
        }
    }
}

/// A column that two flags name for two uses is an error of these flags.
#[test]
fn columns_of_two_uses() {
    let Some(program) = program("ablations") else { return };
    let folder = Folder::new("two_uses");
    let table = folder.file("a.csv", "age,sex,score\n1,2,3\n4,5,7\n3,3,3\n");
    for (a, b) in [
        ("--features", "--leave-out"),
        ("--one-hot", "--leave-out"),
        ("--target", "--features"),
        ("--target", "--one-hot"),
        ("--target", "--leave-out"),
    ] {
        let given = ["--dataset", &table, a, "age", b, "age"];
        misused(&program, &folder, &given, &[&format!("{a} and {b} both name"), "`age`"]);
    }
    // The last column is the target.
    for flag in ["--features", "--one-hot"] {
        misused(&program, &folder, &["--dataset", &table, flag, "score"], &[flag, "both feature and target"]);
    }
    misused(&program, &folder, &["--dataset", &table, "--features", "age,age"], &["--features", "`age`"]);
}

/// A note tells of each figure that is wider than `--width`, and of no other.
#[test]
fn figures_wider_than_asked_for() {
    let Some(program) = program("polynomial") else { return };
    let folder = Folder::new("wider");
    for width in ["57", "88"] {
        let given = ["--sizes", "1..20", "--repeats", "2", "--width", width, "--out", width];
        let output = run(&program, &folder, &given);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        let notes = text(&output.stderr);
        let mut wider = 0;
        for file in std::fs::read_dir(folder.0.join(width).join("polynomial")).unwrap() {
            let path = file.unwrap().path();
            if path.extension().is_some_and(|e| e == "svg") {
                let svg = std::fs::read_to_string(&path).unwrap();
                let is_kept = svg.contains(&format!("width=\"{width}mm\""));
                let note = format!("{} is ", path.file_name().unwrap().to_str().unwrap());
                let has_note = notes.lines().any(|line| line.contains(&note) && line.contains(" mm wide"));
                assert_eq!(has_note, !is_kept, "{}: {notes}", path.display());
                wider += usize::from(!is_kept);
            }
        }
        assert_eq!(wider > 0, width == "57");
    }
}

/// `--legend` acts where it is offered, also in figures that are made for legends below.
#[test]
fn legends_go_where_they_are_asked_to() {
    let folder = Folder::new("legends");
    for study in ["grid", "weight_decay"] {
        let Some(program) = program(study) else { return };
        misused(&program, &folder, &["--legend", "below"], &["unknown flag --legend"]);
    }
    let Some(program) = program("flatness") else { return };
    let figures = |legend: &[&str], out: &str| {
        let small = ["--samples", "8", "--sizes", "4,8,16", "--repeats", "8", "--out", out];
        let output = run(&program, &folder, &[&small[..], legend].concat());
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        ["features.svg", "training.svg", "reparametrisation.svg"]
            .map(|name| std::fs::read(folder.0.join(out).join("flatness").join(name)).unwrap())
    };
    let usual = figures(&[], "usual");
    assert!(usual == figures(&["--legend", "below"], "below"));
    let right = figures(&["--legend", "right"], "right");
    for (usual, right) in usual.iter().zip(&right) {
        assert!(usual != right, "--legend right does nothing");
    }
}

/// A constant column is named as the cause of a lower rank, and no flag is advised that was given.
#[test]
fn constant_columns_are_named() {
    let Some(program) = program("diagnose") else { return };
    let folder = Folder::new("constant");
    let line = |i: i32| format!("{},7,{},{}", i * 37 % 11, i * i % 13, i * 61 % 17);
    let rows: Vec<String> = (0..12).map(line).collect();
    let table = folder.file("a.csv", format!("a,same,b,y\n{}\n", rows.join("\n")));
    let notes = |more: &[&str]| {
        let output = run(&program, &folder, &[&["--dataset", &table][..], more].concat());
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        text(&output.stderr)
    };
    let standardised = notes(&["--standardise"]);
    assert!(standardised.contains("the 3 features have rank 2: `same` is constant; "), "{standardised}");
    let with_ones = notes(&["--intercept"]);
    assert!(with_ones.contains("the 4 features have rank 3: constant: `same`; some equal"), "{with_ones}");
    assert!(with_ones.contains("(then --standardise)"), "{with_ones}");
}
