//! The peers' Python interpreter, and the files it reads.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Returns the interpreter in `PYTHON`, or `python3`; `None`, after printing a line saying so, if it has no numpy.
pub fn with_numpy() -> Option<String> {
    let python = std::env::var("PYTHON").unwrap_or_else(|_| "python3".into());
    let mut probe = Command::new(&python);
    probe.args(["-c", "import numpy"]).stdout(Stdio::null()).stderr(Stdio::null());
    if probe.status().is_ok_and(|status| status.success()) {
        return Some(python);
    }
    println!("SKIPPED numpy: `{python}` has none; see benches/peers/README.md");
    None
}

/// Runs a peer's script on one `OpenBLAS` thread and returns its output, `None` if it fails.
pub fn run(python: &str, core_type: Option<&str>, script: &str, arguments: &[&str]) -> Option<String> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peers").join(script);
    let mut command = Command::new(python);
    command.arg(script).args(arguments);
    output(command, core_type)
}

/// Runs a peer with one linear algebra thread and returns its output, `None` if it fails.
pub fn output(mut command: Command, core_type: Option<&str>) -> Option<String> {
    for variable in ["OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "BLIS_NUM_THREADS", "MKL_NUM_THREADS"] {
        command.env(variable, "1");
    }
    command.env_remove("OPENBLAS_CORETYPE");
    if let Some(core_type) = core_type {
        command.env("OPENBLAS_CORETYPE", core_type);
    }
    let output = command.stderr(Stdio::inherit()).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then_some(text)
}

/// Returns, and prints, the `OpenBLAS` core type that is fastest on this machine; `seconds` times a run with a given
/// core type.
pub fn fastest_core_type(
    peer: &str,
    seconds: impl Fn(Option<&'static str>) -> Option<f64>,
) -> Option<&'static str> {
    let sides = [None, Some("Haswell"), Some("SkylakeX"), Some("Zen")];
    // A core type that this machine cannot run kills the process, and is then passed over.
    let timed = sides.into_iter().filter_map(|core_type| Some((seconds(core_type)?, core_type)));
    let (_, core_type) = timed.min_by(|a, b| a.0.total_cmp(&b.0)).expect("numpy runs");
    let chosen = core_type.unwrap_or("as it chooses");
    println!("peer: {peer}, OPENBLAS_NUM_THREADS=1, OPENBLAS_CORETYPE {chosen} (the fastest)");
    core_type
}

/// A temporary folder of raw numbers, deleted on drop.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("double-descent-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a temporary folder");
        Self(path)
    }

    pub fn path(&self) -> &str {
        self.0.to_str().expect("a name in UTF-8")
    }

    pub fn write<'a>(&self, name: &str, values: impl Iterator<Item = &'a f64>) {
        let bytes: Vec<u8> = values.flat_map(|v| v.to_ne_bytes()).collect();
        std::fs::write(self.0.join(name), bytes).expect("a temporary file");
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
