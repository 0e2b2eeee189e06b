//! Studies in shards, as programs: the files are bitwise those of one run.

use crate::common::files::{gzip, idx};
use crate::common::program::{Folder, binary};
use serde_json::Value;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

/// Variables that workload managers set; a test may itself run under one.
const ENGINES: [&str; 12] = [
    "HQ_TASK_ID",
    "SLURM_ARRAY_TASK_ID",
    "SLURM_ARRAY_TASK_COUNT",
    "SLURM_ARRAY_TASK_MIN",
    "SLURM_ARRAY_TASK_MAX",
    "SLURM_ARRAY_TASK_STEP",
    "SLURM_STEP_ID",
    "PBS_ARRAY_INDEX",
    "OMPI_COMM_WORLD_RANK",
    "OMPI_COMM_WORLD_SIZE",
    "PMI_RANK",
    "PMI_SIZE",
];

fn command(folder: &Folder, words: &[&str]) -> Command {
    let mut command = Command::new(binary().unwrap());
    command.args(words).current_dir(&folder.0).env_remove("DOUBLE_DESCENT_DATA");
    for name in ENGINES {
        command.env_remove(name);
    }
    command
}

fn run(folder: &Folder, words: &[&str]) -> Output {
    command(folder, words).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn done(folder: &Folder, words: &[&str]) -> String {
    let output = run(folder, words);
    assert_eq!(output.status.code(), Some(0), "{words:?}: {}", text(&output.stderr));
    text(&output.stdout)
}

/// Runs a command that must fail, and returns its standard error.
fn refused(folder: &Folder, code: i32, words: &[&str]) -> String {
    let output = run(folder, words);
    let error = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{words:?}: {error}");
    assert!(error.lines().last().unwrap().starts_with("error: "), "{error}");
    error
}

/// Checks that the files below `a` and `b` are equal, except those of the shards.
fn same(a: &Path, b: &Path) {
    let names = |folder: &Path| {
        let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
        let mut names: Vec<_> = entries.collect();
        names.retain(|name| name != "shards" && !name.to_string_lossy().ends_with(".values"));
        names.sort();
        names
    };
    assert_eq!(names(a), names(b));
    for name in names(a) {
        let (a, b) = (a.join(&name), b.join(&name));
        if a.is_dir() {
            same(&a, &b);
        } else if name == "settings.txt" {
            // Except for the folder, and which shard it was.
            let settings = |path: &Path| {
                let text = std::fs::read_to_string(path).unwrap();
                text.lines().filter(|line| !line.contains("--out ")).map(str::to_owned).collect::<Vec<_>>()
            };
            assert_eq!(settings(&a), settings(&b));
        } else {
            assert!(std::fs::read(&a).unwrap() == std::fs::read(&b).unwrap(), "{} differs", a.display());
        }
    }
}

/// Runs a study whole and in shards, and compares the two folders.
fn in_shards(folder: &Folder, study: &str, flags: &[&str], of: usize, order: &[usize]) {
    let words = |more: &[&'static str]| {
        [&[study][..], flags, more].concat().iter().map(|w| (*w).to_owned()).collect::<Vec<_>>()
    };
    let all = |more: &[&str], out: &str| {
        let words = [&words(&[])[..], &["--out".into(), out.into()]].concat();
        let words: Vec<&str> = words.iter().map(String::as_str).chain(more.iter().copied()).collect();
        done(folder, &words)
    };
    all(&[], &format!("{study}-one"));
    let parts = format!("{study}-parts");
    for k in order {
        let shard = format!("{k}/{of}");
        assert!(all(&["--shard", &shard], &parts).contains(&format!("shard {shard} of ")));
    }
    let said = done(folder, &["merge", &parts]);
    assert!(said.contains("written: "), "{said}");
    same(&folder.0.join(format!("{study}-one")), &folder.0.join(&parts));
}

#[test]
fn every_study_of_sweeps_in_shards_has_the_files_of_one_run() {
    if binary().is_none() {
        return;
    }
    let folder = Folder::new("shards-studies");
    // In any order, one of them twice; with figures.
    let drawn = ["--dataset", "diabetes", "--sizes", "5..15:5", "--repeats", "7"];
    in_shards(&folder, "ablations", &drawn, 3, &[3, 1, 2, 1]);
    // Two tables.
    let few = ["--sizes", "8..12", "--repeats", "4", "--no-figures"];
    in_shards(&folder, "adversarial", &few, 5, &[1, 5, 2, 4, 3]);
    let small = ["--pool", "300", "--test", "100", "--repeats", "2", "--no-figures"];
    let plane = [&["--samples", "20,40", "--features", "10..60:10"][..], &small].concat();
    in_shards(&folder, "grid", &plane, 2, &[2, 1]);
    let curves =
        [&["--features", "10,30,60", "--n", "30", "--samples", "20,40", "--p", "30"][..], &small].concat();
    in_shards(&folder, "random_fourier", &curves, 3, &[3, 2, 1]);
    let few = ["--repeats", "3", "--no-figures", "--samples"];
    let over_time = [&few[..], &["20", "--features", "5,20,40", "--shown", "5,20", "--times", "9"]].concat();
    in_shards(&folder, "epochs", &over_time, 2, &[2, 1]);
    let decays = [&few[..], &["20", "--features", "5,20,40", "--penalties", "0,0.01"]].concat();
    in_shards(&folder, "weight_decay", &decays, 2, &[1, 2]);
    let more = [&few[..], &["20,40", "--features", "10,20,40,60", "--pool", "300", "--test", "100"]].concat();
    in_shards(&folder, "more_data", &more, 3, &[1, 2, 3]);
    let sizes = [&few[..], &["20", "--sizes", "5,20,40"]].concat();
    in_shards(&folder, "effective_parameters", &sizes, 2, &[2, 1]);
    in_shards(&folder, "evidence", &sizes, 2, &[2, 1]);
    let maps =
        ["--maps", "gaussian,tanh", "--repeats", "20", "--draws", "100", "--fixed", "6", "--largest", "12"];
    in_shards(&folder, "universality", &[&maps[..], &["--no-figures"]].concat(), 2, &[2, 1, 1]);
    // Several sweeps, and sizes with different costs.
    let values = ["--sizes", "1..6", "--features", "3,8", "--repeats", "5", "--no-figures"];
    in_shards(&folder, "smallest_singular_value", &values, 3, &[2, 3, 1]);
    let ensembles =
        ["--samples", "12", "--sizes", "4,12,30", "--members", "1,2", "--repeats", "3", "--no-figures"];
    in_shards(&folder, "ensembling", &ensembles, 2, &[1, 2]);
    let noise =
        ["--samples", "20", "--sizes", "5,20,60", "--test-rows", "50", "--repeats", "3", "--no-figures"];
    in_shards(&folder, "label_noise", &noise, 2, &[2, 1]);
    let few = ["--repeats", "5", "--no-figures"];
    in_shards(
        &folder,
        "polynomial",
        &[&few[..], &["--sizes", "1..20:3", "--basis", "legendre,monomial"]].concat(),
        2,
        &[2, 1],
    );
    in_shards(&folder, "splines", &[&few[..], &["--sizes", "2..30:4"]].concat(), 3, &[2, 1, 3]);
    in_shards(&folder, "bases", &[&few[..], &["--samples", "5", "--largest", "40"]].concat(), 2, &[1, 2]);
    let crossed =
        ["--samples", "8", "--network-samples", "12", "--sets", "3", "--draws", "3", "--seeds", "3"];
    in_shards(
        &folder,
        "bias_variance",
        &[&crossed[..], &["--designs", "4", "--no-figures"]].concat(),
        4,
        &[4, 1, 3, 2],
    );
}

/// Before any record exists, a plan prints commands for shards of minutes each, which a shell can run.
#[test]
fn a_plan_is_as_many_commands_as_the_work_takes() {
    let Some(program) = binary() else { return };
    let folder = Folder::new("shards-plan");
    let study = ["ablations", "--dataset", "diabetes", "--sizes", "5..10:5", "--no-figures", "--out", "a b"];
    let plan = |words: &[&str]| {
        let output = run(&folder, &[&["plan"][..], &study, words].concat());
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        (text(&output.stdout).lines().map(str::to_owned).collect::<Vec<_>>(), text(&output.stderr))
    };
    let (small, said) = plan(&["--repeats", "4"]);
    assert!(small.len() == 1 && said.contains(" operations; 1 shard,"), "{said}");
    assert!(
        small[0].starts_with(program) && small[0].ends_with("--out 'a b' --repeats 4 --shard 1/1"),
        "{small:?}"
    );
    assert!(
        said.contains("the first one to run writes the plan") && !folder.0.join("a b").exists(),
        "{said}"
    );
    assert!(refused(&folder, 2, &["resume", "a b"]).contains("the first shard to run writes it"));
    let (large, _) = plan(&["--repeats", "1000000000"]);
    let of = large.len();
    assert!(of > 2 && large[of / 2].contains(&format!("/{of}")), "{}", large[0]);
    // More workers get shorter shards, but never so many that one takes under a minute.
    let words = [&study[..], &["--repeats", "1000000000", "--shard", "plan/1000"]].concat();
    assert!(done(&folder, &words).lines().count() > of);
    let mut shell = Command::new("sh");
    let output = shell.args(["-c", &small[0]]).current_dir(&folder.0).output().unwrap();
    assert!(output.status.success());
    assert!(done(&folder, &["merge", "a b"]).contains("written: "));
    assert!(refused(&folder, 2, &["ablations", "--shard", "plan/0"]).contains("neither a part like 3/8"));
}

#[test]
fn what_is_missing_is_said_and_run_again() {
    let Some(program) = binary() else { return };
    let folder = Folder::new("shards-resume");
    let study =
        ["ablations", "--dataset", "diabetes", "--sizes", "5..10:5", "--repeats", "9", "--no-figures"];
    let with = |more: &[&'static str]| [&study[..], more].concat();
    done(&folder, &with(&["--out", "one"]));
    // Nothing exists yet.
    assert!(
        refused(&folder, 2, &["status", "parts"]).contains("there is no plan of shards in or below parts")
    );
    assert!(refused(&folder, 2, &["merge"]).contains("merge needs the folder"));
    for shard in ["1/4", "3/4"] {
        done(&folder, &[&with(&["--out", "parts"])[..], &["--shard", shard]].concat());
    }
    // Truncate shard 3 of 4.
    let cut = folder.0.join("parts/diabetes/shards/3-of-4.record");
    let bytes = std::fs::read(&cut).unwrap();
    std::fs::write(&cut, &bytes[..bytes.len() - 9]).unwrap();
    let status: Value = serde_json::from_str(&done(&folder, &["status", "parts", "--json"])).unwrap();
    let rows = status["rows"].as_array().unwrap();
    let row = |shard: &str| rows.iter().find(|row| row["shard"] == shard).unwrap()["state"].as_str().unwrap();
    assert_eq!(rows.len(), 3);
    assert!(row("3/4").contains("bytes damaged or cut off"));
    assert_eq!((row("2/4"), row("4/4")), ("missing", "missing"));
    assert!(
        status["notes"][0]
            .as_str()
            .unwrap()
            .contains("3 of 9 repeats are there; 1 of 2 records are complete")
    );
    let error = refused(&folder, 1, &["merge", "parts"]);
    assert!(error.contains("repeats 2..=") && error.contains("..=8 "), "{error}");
    assert!(error.contains("3-of-4.record"), "{error}");
    // Its commands, run by a shell in the same folder.
    let commands = done(&folder, &["resume", "parts/diabetes"]);
    let lines: Vec<&str> = commands.lines().collect();
    assert_eq!(lines.len(), 3, "{commands}");
    for (line, shard) in lines.iter().zip(["2/4", "3/4", "4/4"]) {
        assert!(line.starts_with(program) && line.ends_with(&format!("--shard {shard}")), "{line}");
        let mut shell = Command::new("sh");
        let output =
            shell.args(["-c", line]).current_dir(&folder.0).env_remove("DOUBLE_DESCENT_DATA").output();
        assert!(output.unwrap().status.success(), "{line}");
    }
    assert_eq!(done(&folder, &["resume", "parts"]), "");
    // Moved to another machine, and merged there from another folder.
    std::fs::create_dir(folder.0.join("home")).unwrap();
    std::fs::rename(folder.0.join("parts"), folder.0.join("home/brought")).unwrap();
    done(&folder, &["merge", "home/brought/diabetes/shards"]);
    same(&folder.0.join("one"), &folder.0.join("home/brought"));
    // The study and its flags instead of a folder.
    assert_eq!(done(&folder, &[&["resume"][..], &with(&["--out", "home/brought"])].concat()), "");
    // Other flags mean another experiment or plan.
    let other = refused(
        &folder,
        1,
        &[&with(&["--out", "home/brought", "--seed", "4"])[..], &["--shard", "1/4"]].concat(),
    );
    assert!(other.contains("splits drawn, seed 4 and splits drawn, seed 0"), "{other}");
    for shard in ["0/4", "5/4", "4", "auto/0", "all"] {
        let wrong = refused(&folder, 2, &[&study[..], &["--shard", shard]].concat());
        assert!(wrong.contains("neither a part like 3/8"), "{wrong}");
    }
}

#[test]
fn an_engine_says_which_shard() {
    if binary().is_none() {
        return;
    }
    let folder = Folder::new("shards-engines");
    let study = [
        "ablations",
        "--dataset",
        "diabetes",
        "--sizes",
        "5",
        "--repeats",
        "4",
        "--no-figures",
        "--out",
        "parts",
    ];
    let with = |part: &'static str, set: &[(&str, &str)]| {
        let mut command = command(&folder, &[&study[..], &["--shard", part]].concat());
        let output = command.envs(set.iter().copied()).output().unwrap();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    let (code, _, error) = with("auto", &[]);
    assert!(code == Some(1) && error.contains("no engine says"), "{error}");
    let array = [
        ("SLURM_ARRAY_TASK_ID", "1"),
        ("SLURM_ARRAY_TASK_COUNT", "2"),
        ("SLURM_ARRAY_TASK_MIN", "1"),
        ("SLURM_ARRAY_TASK_MAX", "2"),
    ];
    assert!(with("auto", &array).1.contains("shard 1/2 of "));
    let hq = [("HQ_TASK_ID", "2")];
    assert!(with("auto", &hq).2.contains("auto/8"));
    assert!(with("auto/2", &hq).1.contains("shard 2/2 of "));
    assert!(done(&folder, &["merge", "parts"]).contains("written: "));
}

/// The names of what is in a folder.
fn entries(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Reports find the shards from inside the folder of results and from far above it, and create nothing.
#[test]
fn folders_are_found_from_within_and_from_above() {
    if binary().is_none() {
        return;
    }
    let folder = Folder::new("shards-places");
    let study = ["ablations", "--dataset", "diabetes", "--sizes", "5", "--repeats", "3", "--no-figures"];
    for shard in ["1/3", "2/3"] {
        done(&folder, &[&study[..], &["--shard", shard]].concat());
    }
    let of_table = folder.0.join("results/ablations/diabetes");
    let at = |place: &Path, words: &[&str]| {
        let output = command(&folder, words).current_dir(place).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{place:?} {words:?}: {}", text(&output.stderr));
        text(&output.stdout)
    };
    let shards = of_table.join("shards");
    let places = [
        (&*folder.0, "."),
        (&folder.0, "results/ablations"),
        (&of_table, "."),
        (&of_table, "shards"),
        (&of_table, "../diabetes"),
        (&shards, "."),
        (&shards, ".."),
    ];
    for (place, name) in places {
        let status = at(place, &["status", name]);
        let said = "2 of 3 repeats are there; 2 of 2 records are complete; 1 of 3 shards still has to be run";
        assert!(status.contains(said), "{place:?} {name}: {status}");
        assert!(at(place, &["resume", name]).trim_end().ends_with("--shard 3/3"));
    }
    let error = refused(&folder, 1, &["merge", "results"]);
    let said = "repeat 2 (counted from 0) of 3 is in none of the 2 records; run the shards that hold it, in the same folder";
    assert!(error.contains(said), "{error}");
    assert_eq!((entries(&of_table), entries(&folder.0)), (vec!["shards".into()], vec!["results".into()]));
    // The printed command works in the place where it was printed.
    let line = at(&of_table, &["resume", "."]);
    let output = Command::new("sh").args(["-c", &line]).current_dir(&of_table).output().unwrap();
    assert!(output.status.success(), "{line}");
    assert!(at(&of_table, &["merge", "."]).contains("written: "));
    assert!(of_table.join("cells.csv").exists() && !of_table.join("diabetes").exists());
    // A folder below the results that was renamed cannot be written to under its name.
    std::fs::rename(&of_table, folder.0.join("results/ablations/other")).unwrap();
    let error = refused(&folder, 2, &["status", "results/ablations/other"]);
    assert!(error.contains("its plan is of diabetes/shards"), "{error}");
}

/// Small images in the files of Fashion-MNIST; returns the folder of data.
fn images(folder: &Folder) -> String {
    let place = folder.0.join("data/fashion_mnist");
    std::fs::create_dir_all(&place).unwrap();
    for (part, n) in [("train", 60_u32), ("t10k", 20)] {
        let bytes = |count: u32, of: &dyn Fn(u32) -> u32| -> Vec<u8> {
            (0..count).map(|i| u8::try_from(of(i)).unwrap()).collect()
        };
        let pixels = idx(8, &[n, 28, 28], &bytes(784 * n, &|i| i * 7919 % 251));
        let labels = idx(8, &[n], &bytes(n, &|i| i % 10));
        for (name, file) in [("images-idx3", pixels), ("labels-idx1", labels)] {
            std::fs::write(place.join(format!("{part}-{name}-ubyte.gz")), gzip(&file)).unwrap();
        }
    }
    folder.path("data")
}

/// A merge without the data of its shards says what is missing and locks nothing; with them it works.
#[test]
fn a_merge_without_its_data_leaves_everything_as_it_was() {
    if binary().is_none() {
        return;
    }
    let folder = Folder::new("shards-data");
    let data = images(&folder);
    let with = |words: &[&str]| {
        let output = command(&folder, words).env("DOUBLE_DESCENT_DATA", &data).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{words:?}: {}", text(&output.stderr));
        text(&output.stdout)
    };
    let few = ["--repeats", "2", "--no-figures"];
    let pool = [&few[..], &["--pool", "40", "--test", "20"]].concat();
    let both = [&pool[..], &["--samples", "8,16", "--features", "4,8,16"]].concat();
    let noise = [&few[..], &["--samples", "8", "--sizes", "4,8,16", "--test-rows", "10"]].concat();
    let curves = [&both[..], &["--n", "8", "--p", "8"]].concat();
    for (study, flags) in
        [("label_noise", &noise), ("random_fourier", &curves), ("grid", &both), ("more_data", &both)]
    {
        let study_with = |more: &[&'static str]| [&[study][..], flags, more].concat();
        with(&study_with(&["--shard", "1/1"]));
        let results = format!("results/{study}");
        let error = refused(&folder, 1, &["merge", &results]);
        for says in ["begun on other data, Fashion-MNIST", "pass --data-dir or set DOUBLE_DESCENT_DATA"] {
            assert!(error.contains(says), "no `{says}` in {error}");
        }
        let place = folder.0.join(&results);
        assert_eq!(entries(&place), ["shards"], "{study}");
        assert!(with(&["merge", &results]).contains("written: "));
        // Results are of one input; a folder without results is of none.
        let error = refused(&folder, 1, &study_with(&[]));
        assert!(error.contains("holds the results of Fashion-MNIST, not of"), "{error}");
        for name in entries(&place).into_iter().filter(|name| name != "input.txt") {
            let path = place.join(name);
            if path.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) }.unwrap();
        }
        done(&folder, &study_with(&[]));
        assert!(!std::fs::read_to_string(place.join("input.txt")).unwrap().contains("Fashion"));
    }
}

/// Processes of a study are killed at random moments; finished work is kept.
#[test]
fn killed_shards_go_on() {
    if binary().is_none() {
        return;
    }
    let folder = Folder::new("shards-killed");
    let study = ["ablations", "--dataset", "diabetes", "--repeats", "60", "--no-figures", "--threads", "1"];
    done(&folder, &[&study[..], &["--out", "one"]].concat());
    let start = |shard: &str| -> Child {
        let words = [&study[..], &["--out", "parts", "--shard", shard]].concat();
        command(&folder, &words).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    };
    let present = || {
        let status = run(&folder, &["status", "parts", "--json"]);
        let status: Option<Value> = serde_json::from_str(&text(&status.stdout)).ok();
        let note = status.map_or(String::new(), |s| s["notes"][0].as_str().unwrap().to_owned());
        let count = note.split(": ").nth(1).and_then(|rest| rest.split(' ').next()).map(str::parse::<usize>);
        count.map_or(0, Result::unwrap)
    };
    let record = |k: usize| folder.0.join(format!("parts/diabetes/shards/{k}-of-2.record"));
    let length = |k: usize| std::fs::metadata(record(k)).map_or(0, |file| file.len());
    let (mut kills, mut before) = (0, 0);
    while before < 60 && kills < 40 {
        let lengths = [1, 2].map(length);
        let mut workers = [start("1/2"), start("2/2")];
        // Wait until one of them has written something besides its header.
        let is_idle = || (1..=2).all(|k| length(k) <= lengths[k - 1].max(5000));
        for _ in 0..20_000 {
            if !is_idle() || workers.iter_mut().all(|worker| worker.try_wait().unwrap().is_some()) {
                break;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        for worker in &mut workers {
            worker.kill().unwrap(); // SIGKILL on Unix
            worker.wait().unwrap();
        }
        let there = present();
        assert!(there >= before, "{there} repeats of {before}");
        kills += usize::from(there < 60 && there > before);
        before = there;
    }
    assert!(kills > 1, "no kill came between the first block and the last");
    for shard in ["2/2", "1/2"] {
        assert!(start(shard).wait().unwrap().success());
    }
    // Remove what a kill leaves of a file that was being written.
    for entry in std::fs::read_dir(folder.0.join("parts/diabetes")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "part") {
            std::fs::remove_file(path).unwrap();
        }
    }
    done(&folder, &["merge", "parts"]);
    same(&folder.0.join("one"), &folder.0.join("parts"));
}

/// Ctrl-C: what is announced before, what exists after, and that the same command resumes.
#[cfg(unix)]
#[test]
fn an_interrupted_run_keeps_what_it_said_it_would() {
    use std::os::unix::process::ExitStatusExt;
    if binary().is_none() {
        return;
    }
    let folder = Folder::new("shards-interrupted");
    // The interrupt comes when the first repeat is written, which is long before the last.
    let study = ["ablations", "--dataset", "diabetes", "--repeats", "2000", "--no-figures", "--threads", "1"];
    let part = [&study[..], &["--out", "parts", "--shard", "1/1"]].concat();
    let record = folder.0.join("parts/diabetes/shards/1-of-1.record");
    let length = || std::fs::metadata(&record).map_or(0, |file| file.len());
    let mut child = command(&folder, &part).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    while length() < 20_000 && child.try_wait().unwrap().is_none() {
        std::thread::sleep(Duration::from_millis(1));
    }
    // A shell starts background jobs with SIGINT ignored; then end the run by SIGTERM.
    let ignored = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = ignored.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    let (name, number) = if ignored & 2 == 0 { ("INT", 2) } else { ("TERM", 15) };
    let interrupt = format!("kill -{name} {}", child.id());
    assert!(Command::new("sh").args(["-c", &interrupt]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    let said = text(&output.stderr);
    assert_eq!(output.status.signal(), Some(number), "{said}");
    assert!(said.contains("1-of-1.record: after a stop (Ctrl-C), the same command continues"), "{said}");
    let status: Value = serde_json::from_str(&done(&folder, &["status", "parts", "--json"])).unwrap();
    let note = status["notes"][0].as_str().unwrap();
    assert!(note.contains(" of 2000 repeats are there") && !note.contains(": 0 of"), "{note}");
    assert!(done(&folder, &part).contains("--shard merge makes its tables and figures"));
    done(&folder, &[&study[..], &["--out", "parts", "--shard", "merge"]].concat());
    done(&folder, &[&study[..], &["--out", "one"]].concat());
    same(&folder.0.join("one"), &folder.0.join("parts"));
}

/// A long run says at once that stopping it would keep nothing, and names the commands that keep finished work.
#[test]
fn a_long_run_names_the_command_that_may_be_stopped() {
    let Some(program) = binary() else { return };
    let folder = Folder::new("shards-long");
    let study = ["ablations", "--dataset", "diabetes", "--repeats", "400000", "--no-figures"];
    let mut child = command(&folder, &study).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let lines = std::io::BufReader::new(child.stderr.take().unwrap());
    let said: Vec<String> = std::io::BufRead::lines(lines).take(5).map(Result::unwrap).collect();
    let _ = child.kill(); // it may have ended: so many repeats may not fit in memory
    child.wait().unwrap();
    assert!(said[0].starts_with("this takes about ") && said[0].contains("of memory besides the data"));
    assert!(said[1].contains("Ctrl-C"), "{said:?}");
    let command = format!("  {program} ablations --dataset diabetes --repeats 400000 --no-figures --shard ");
    assert_eq!((said[2].clone(), said[4].clone()), (format!("{command}1/1"), format!("{command}merge")));
}

/// Errors of `plan`, `merge` and the like are about the words that the user wrote.
#[test]
fn verbs_refuse_flags_in_their_own_words() {
    if binary().is_none() {
        return;
    }
    let folder = Folder::new("verbs");
    for study in ["theory", "flatness", "sgd", "streaming"] {
        let error = refused(&folder, 2, &["plan", study]);
        assert!(error.contains(&format!("{study} cannot be computed in parts")), "{error}");
    }
    let error = refused(&folder, 2, &["merge", "evidence", "--shard=1/2"]);
    assert!(error.contains("merge takes no --shard"), "{error}");
    done(
        &folder,
        &["evidence", "--samples", "8", "--sizes", "4,8", "--repeats", "2", "--out", "a", "--shard", "1/1"],
    );
    for words in [&["merge", "a", "--out", "b"][..], &["merge", "a", "--out=b"]] {
        let error = refused(&folder, 2, words);
        assert!(error.contains("merge FOLDER takes no --out"), "{error}");
    }
    done(&folder, &["merge", "a", "--no-figures"]);
    // A damaged plan is no error of the command line.
    let plan = folder.0.join("a/evidence/shards/plan.txt");
    let text = std::fs::read_to_string(&plan).unwrap();
    std::fs::write(&plan, &text[..text.len() / 2]).unwrap();
    assert!(refused(&folder, 1, &["status", "a"]).contains("plan.txt"));
    refused(&folder, 2, &["status", "no-such-folder"]);
}
