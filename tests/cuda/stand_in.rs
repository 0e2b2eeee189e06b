//! Builds the stand-ins, and starts this program again with them.

use crate::common::skipped;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;
use std::time::SystemTime;

/// The names that the loader tries first, so that it never finds a real library elsewhere.
const LIBRARIES: [&str; 4] = ["libcuda.so", "libcublas.so", "libcusolver.so", "libnvrtc.so"];

/// Folder of the stand-ins. If they cannot be built, prints the reason and returns `None`.
pub fn folder() -> Option<&'static Path> {
    static BUILT: OnceLock<Option<PathBuf>> = OnceLock::new();
    BUILT.get_or_init(|| build("cuda_stand_ins", &[])).as_deref()
}

/// Folder of stand-ins for an old cuSOLVER that lacks some routines.
pub fn old_folder() -> Option<&'static Path> {
    static BUILT: OnceLock<Option<PathBuf>> = OnceLock::new();
    BUILT.get_or_init(|| build("cuda_stand_ins_old", &["-DCUDA_STAND_INS_OLD"])).as_deref()
}

fn build(name: &str, options: &[&str]) -> Option<PathBuf> {
    if !cfg!(target_os = "linux") {
        skipped("the stand-ins for CUDA's libraries are for Linux");
        return None;
    }
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cuda_stand_ins");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&folder).expect("a folder for the stand-ins");
    let library = folder.join(LIBRARIES[0]);
    let written = |path: &Path| std::fs::metadata(path).and_then(|about| about.modified());
    let kernels = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/svd/cuda/kernels.cu");
    let read = ["stand_ins.cpp", "launch.hpp", "fibers.hpp"].map(|file| sources.join(file));
    let newest: SystemTime =
        read.iter().chain([&kernels]).map(|path| written(path).expect("a source")).max().expect("sources");
    if written(&library).is_ok_and(|time| time > newest) {
        return Some(folder);
    }
    let compiler = std::env::var("CXX").unwrap_or_else(|_| "c++".into());
    let part = folder.join(format!("{}.part", std::process::id()));
    let compile = |options: &[&str]| {
        let mut command = Command::new(&compiler);
        command.args(["-std=c++20", "-O2", "-ffp-contract=off", "-w", "-fPIC", "-shared"]);
        command.args(options).arg(sources.join("stand_ins.cpp")).arg("-o").arg(&part).output()
    };
    // Fused multiply-add is slow without an instruction for it.
    let native: Vec<&str> = options.iter().copied().chain(["-march=native"]).collect();
    let output = match compile(&native) {
        Ok(output) if !output.status.success() => compile(options),
        other => other,
    };
    let output = match output {
        Ok(output) => output,
        Err(error) => {
            skipped(&format!(
                "the stand-ins for CUDA's libraries need a C++ compiler; `{compiler}`: {error}"
            ));
            return None;
        }
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // Rename, so that concurrent tests never see half a file.
    std::fs::rename(&part, &library).expect("the stand-in in its place");
    for other in &LIBRARIES[1..] {
        let link = folder.join(other);
        if !link.exists() {
            #[cfg(unix)]
            let _ = std::os::unix::fs::symlink(LIBRARIES[0], &link);
        }
    }
    Some(folder)
}

/// One of the tests of `child`, in its own process.
#[derive(Debug)]
pub struct Child {
    name: &'static str,
    settings: Vec<(&'static str, String)>,
}

impl Child {
    pub fn new(name: &'static str) -> Self {
        Self { name, settings: Vec::new() }
    }

    pub fn with(mut self, setting: &'static str, value: impl ToString) -> Self {
        self.settings.push((setting, value.to_string()));
        self
    }

    /// Runs the test, which must pass, and returns its output.
    pub fn run(self, folder: &Path) -> String {
        let Output { status, stdout, stderr } = Command::new(std::env::current_exe().expect("this program"))
            .args(["--exact", self.name, "--ignored", "--nocapture"])
            .env("LD_LIBRARY_PATH", folder)
            .env("RUST_BACKTRACE", "0")
            .envs(self.settings.iter().map(|(name, value)| (name, value)))
            .output()
            .expect("this program starts");
        let told = String::from_utf8_lossy(&stdout).into_owned();
        let errors = String::from_utf8_lossy(&stderr);
        assert!(status.success() && told.contains("1 passed"), "{self:?}\n{told}\n{errors}");
        told
    }
}

/// Every test that is ignored in this process must be run in a child.
#[test]
fn every_child_is_started() {
    let list = Command::new(std::env::current_exe().expect("this program"))
        .args(["--list", "--ignored"])
        .output()
        .expect("this program starts");
    let starts = concat!(include_str!("shapes.rs"), include_str!("fourier.rs"), include_str!("faults.rs"));
    let told = String::from_utf8_lossy(&list.stdout);
    let children: Vec<&str> = told.lines().filter_map(|line| line.strip_suffix(": test")).collect();
    assert!(!children.is_empty(), "{told}");
    for child in children {
        assert!(starts.contains(&format!("\"{child}\"")), "nobody starts {child}");
    }
}
