//! Both studies of Schaeffer et al. 2023 as whole commands, ours and numpy's in turn: the same four data sets, 50
//! repeats × n = 1…39, every arm, tables written but no figures, start-up and reading included.
//!
//! Measures the CPU seconds of the child processes (user + system), on one thread on both sides. The peers:
//!
//! - `usual` makes one SVD per cell, with every arm a column of one product with the test rows.
//! - `tuned_numpy` also batches the SVDs over repeats, walks the test rows in cache-sized chunks and computes equal
//!   columns once.
//! - `strong`, what an expert would write, compresses the table once, so that it need not walk the test rows, and
//!   batches the SVDs.
//! - `jax` is `strong` in JAX, in memory, compiled for all repeats and sizes of one data set. Its compilation, a second
//!   or so, is printed and does not count, nor does the start-up of our process. It is skipped if JAX is missing.
//! - The steps of the published scripts, which split the table, fit and predict for every cell and arm, against both
//!   studies together. They take minutes, so they run once.
//!
//! Run: `PYTHON=<python with numpy> DOUBLE_DESCENT_DATA=<folder> cargo bench --bench ablation_study`; add `--
//! --without-published` to finish in a minute.

#[cfg(not(unix))]
fn main() {
    println!("SKIPPED: CPU times of child processes are read on Unix only");
}

#[cfg(unix)]
fn main() {
    unix::main();
}

#[cfg(unix)]
mod unix {
    use double_descent::curve::Metric;
    use double_descent::dataset::Dataset;
    use double_descent::sweep::{Arm, Sweep};
    use nix::sys::resource::{UsageWho, getrusage};
    use nix::sys::time::TimeValLike;
    use std::env;
    use std::path::{Path, PathBuf};
    use std::process::{Command, Stdio};

    const ROUNDS: usize = 5;
    const DATASETS: &str = "diabetes,student-teacher,california-housing,who-life-expectancy";

    pub fn main() {
        let Some(data) = env::var_os("DOUBLE_DESCENT_DATA").map(PathBuf::from) else {
            println!("SKIPPED: DOUBLE_DESCENT_DATA is not set");
            return;
        };
        let python = env::var("PYTHON").unwrap_or_else(|_| "python3".into());
        if !succeeds(Command::new(&python).args(["-c", "import numpy, sklearn"])) {
            println!("SKIPPED: `{python}` has no numpy or no scikit-learn; see benches/peers/README.md");
            return;
        }
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let examples = build(root);
        let out = env::temp_dir().join(format!("double-descent-bench-{}", std::process::id()));
        println!(
            "peers: {python}, OPENBLAS_NUM_THREADS=1 (fewest CPU seconds), core type chosen by OpenBLAS"
        );
        let (mut both, mut published) = (0.0, 0.0);
        for study in ["ablation", "adversarial"] {
            let example = if study == "ablation" { "ablations" } else { "adversarial" };
            let ours = |seed: usize| {
                let mut command = Command::new(examples.join(example));
                command.args(["--dataset", DATASETS, "--no-figures", "--seed", &seed.to_string()]);
                command.args(["--threads", "1"]);
                command.arg("--data-dir").arg(&data).arg("--out").arg(out.join("ours"));
                command
            };
            let peer = |script: &str, arguments: &[&str], seed: usize| {
                let mut command = Command::new(&python);
                command.env("OPENBLAS_NUM_THREADS", "1");
                command.arg(root.join("benches/peers").join(script)).args(arguments);
                command.args(["--seed", &seed.to_string()]);
                command.arg("--data-dir").arg(&data).arg("--out").arg(out.join("peer"));
                command
            };
            let tuned = format!("{study}_study.py");
            let mut times: [Vec<f64>; 4] = Default::default();
            for seed in 0..ROUNDS {
                times[0].push(cpu_seconds(ours(seed)));
                times[1].push(cpu_seconds(peer("plain_study.py", &[study], seed)));
                times[2].push(cpu_seconds(peer(&tuned, &[], seed)));
                times[3].push(cpu_seconds(peer("strong_study.py", &[study], seed)));
            }
            let [ours, plain, tuned, strong] = times.map(median);
            both += ours;
            if !env::args().any(|argument| argument == "--without-published") {
                published += cpu_seconds(peer("published_study.py", &[study], 0));
            }
            for (name, peer) in [("usual", plain), ("tuned_numpy", tuned), ("strong", strong)] {
                let ratio = peer / ours;
                println!(
                    "RATIO {study}_study_vs_{name} {ratio:.1} (ours {ours:.3}, peer {peer:.3}, median of {ROUNDS})"
                );
            }
        }
        if published > 0.0 {
            println!(
                "RATIO both_studies_vs_published {:.0} (ours {both:.3}, peer {published:.3}, median of {ROUNDS}, peer once)",
                published / both
            );
        } else {
            println!("SKIPPED the published steps, which take minutes");
        }
        jax(&python, root, &data);
        // A folder left behind among the system's temporary files does not fail the bench.
        let _ = std::fs::remove_dir_all(&out);
    }

    /// Times the ablation study of one data set in memory against JAX, whose compilation does not count.
    fn jax(python: &str, root: &Path, data: &Path) {
        if !succeeds(Command::new(python).args(["-c", "import jax"])) {
            println!("SKIPPED: `{python}` has no jax; see benches/peers/README.md");
            return;
        }
        let mut peer = Command::new(python);
        peer.env("OPENBLAS_NUM_THREADS", "1").arg(root.join("benches/peers/jax_study.py"));
        let found = peer.arg("--data-dir").arg(data).output().expect("python runs, as it just did");
        let text = String::from_utf8_lossy(&found.stdout);
        let seconds = |name: &str| -> Option<f64> {
            text.split_whitespace().find_map(|word| word.strip_prefix(name)?.strip_prefix('=')?.parse().ok())
        };
        let (Some(compiled), Some(steady)) = (seconds("compile_s"), seconds("steady_s")) else {
            panic!("the peer in JAX failed: {}", String::from_utf8_lossy(&found.stderr));
        };
        let data = Dataset::diabetes();
        let study = |seed: usize| {
            let mut sweep = Sweep::new(data.clone(), 1..=39, 50, seed as u64);
            sweep.arms = Arm::ablation_study(data.features().ncols());
            sweep.metrics =
                vec![Metric::TrainMse, Metric::TestMse, Metric::BiasSquared, Metric::SmallestSingularValue];
            sweep.threads = Some(1);
            let before = used(UsageWho::RUSAGE_SELF);
            let curve = sweep.run().expect("the study of a table that comes with the crate");
            assert!(curve.failures.is_empty(), "{:?}", curve.failures);
            used(UsageWho::RUSAGE_SELF) - before
        };
        let ours = median((0..2 * ROUNDS).map(study).collect());
        println!(
            "RATIO ablation_study_vs_jax {:.1} (ours {ours:.4}, peer {steady:.4}, median of {}; compiled in {compiled:.1})",
            steady / ours,
            2 * ROUNDS
        );
    }

    /// Builds the examples and returns the folder they are in.
    fn build(root: &Path) -> PathBuf {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.current_dir(root).args([
            "build",
            "--release",
            "--example",
            "ablations",
            "--example",
            "adversarial",
        ]);
        assert!(cargo.status().is_ok_and(|status| status.success()), "the examples do not build");
        let bench = env::current_exe().expect("the path of this program");
        let profile = bench.parent().and_then(Path::parent).expect("target/release/deps/<bench>");
        profile.join("examples")
    }

    fn succeeds(command: &mut Command) -> bool {
        let quiet = command.stdout(Stdio::null()).stderr(Stdio::null());
        quiet.status().is_ok_and(|status| status.success())
    }

    /// Runs `command` and returns its user and system seconds.
    fn cpu_seconds(mut command: Command) -> f64 {
        let before = used(UsageWho::RUSAGE_CHILDREN);
        assert!(succeeds(&mut command), "this command failed: {command:?}");
        used(UsageWho::RUSAGE_CHILDREN) - before
    }

    /// Returns the user and system seconds used so far.
    fn used(who: UsageWho) -> f64 {
        let usage = getrusage(who).expect("the usage of processes");
        (usage.user_time() + usage.system_time()).num_microseconds() as f64 * 1e-6
    }

    fn median(mut times: Vec<f64>) -> f64 {
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    }
}
