//! This test program, started again as a process that can be killed.

use super::studies::study;
use double_descent::sweep::{Identity, Record, Shard};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Environment variable with a child's task and record; without it, the tests for children do nothing.
const CHILD: &str = "DOUBLE_DESCENT_CHILD_RECORDS";

/// Starts a process for a task at a path, after some shell commands.
pub fn child(task: &str, path: &Path, before: &str) -> Child {
    let script = format!("{before}exec \"$0\" \"$@\"");
    let program = std::env::current_exe().unwrap();
    let name = "processes::record::child::does_what_its_parent_asks";
    Command::new("sh")
        .args(["-c", &script, program.to_str().unwrap(), "--exact", name, "--ignored", "--nocapture"])
        .env(CHILD, format!("{task} {}", path.display()))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

#[test]
#[ignore = "a child of other tests"]
fn does_what_its_parent_asks() {
    let Ok(asked) = std::env::var(CHILD) else { return };
    let (task, path) = asked.split_once(' ').unwrap();
    let path = Path::new(path);
    match task {
        "waits" => {
            let record = Record::<Vec<f64>>::open(path, &Identity::new("numbers")).unwrap();
            record.append(0, &vec![1.0]).unwrap();
            std::thread::sleep(Duration::from_secs(60));
        }
        "merges" => super::shards::merges(path),
        // `shard:study/repeats:k/of`, with the folder as path.
        _ if task.starts_with("shard:") => {
            let mut parts = task.split(':').skip(1);
            let (name, repeats) = parts.next().unwrap().split_once('/').unwrap();
            let shard: Shard = parts.next().unwrap().parse().unwrap();
            let sweep = study(name, repeats.parse().unwrap());
            let path = sweep.shards(path).unwrap().begin(shard).unwrap();
            sweep.record(path).unwrap().shard(shard.k(), shard.of()).unwrap().compute(&()).unwrap();
        }
        _ => {
            let (name, repeats) = task.split_once('/').unwrap();
            let sweep = study(name, repeats.parse().unwrap());
            match sweep.record(path).unwrap().run(&()) {
                Ok(curve) => assert!(curve.complete),
                Err(error) => println!("refused: {error}"),
            }
        }
    }
}
