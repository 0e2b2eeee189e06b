//! The interpreter of the peers.

use std::process::{Command, Stdio};

/// The one in `PYTHON`, or `python3`; `None` (and a line that says so) if it has no numpy.
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
