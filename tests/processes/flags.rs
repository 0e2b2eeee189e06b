//! Every flag that a study offers acts there.

use super::studies::{misused, program, run, text};
use crate::common::program::Folder;

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
