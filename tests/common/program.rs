//! The program of the studies, and folders for its output.

use super::skipped;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Returns the path of the program of all studies; `None`, after printing a line saying so, if it is not built, as in a
/// build without figures.
pub fn binary() -> Option<&'static str> {
    let path = option_env!("CARGO_BIN_EXE_double-descent");
    if path.is_none() {
        skipped("a test of the program: it is built only with the feature `plot`");
    }
    path
}

/// A temporary folder for one test, deleted when the test ends.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new(name: &str) -> Self {
        // Several tests of one process may choose the same name.
        static MADE: AtomicUsize = AtomicUsize::new(0);
        let count = MADE.fetch_add(1, Ordering::Relaxed);
        let name = format!("double-descent-test-{}-{count}-{name}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().into()
    }

    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        std::fs::write(self.0.join(name), content).unwrap();
        self.path(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
