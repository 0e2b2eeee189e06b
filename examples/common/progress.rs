//! A one-line progress bar on standard error.

use double_descent::sweep::Observer;
use std::io::{IsTerminal, Write};
use std::ops::ControlFlow;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The number of columns between the brackets.
const WIDTH: usize = 40;

/// Runs `work` with a progress bar, which is shown on a terminal only.
pub fn with_progress<T>(label: &str, work: impl FnOnce(&dyn Observer) -> T) -> T {
    if !std::io::stderr().is_terminal() {
        return work(&());
    }
    let bar = Mutex::new(Bar { label, first: None, shown: None });
    let observer = |done: usize, total: usize| {
        bar.lock().unwrap_or_else(PoisonError::into_inner).show(done, total);
        ControlFlow::Continue(())
    };
    draw(&format!("{label:>22} [{:WIDTH$}]", ""));
    let result = work(&observer);
    draw("");
    result
}

struct Bar<'a> {
    label: &'a str,
    /// The time of the first update and the count then: work left by a stopped run says nothing about the speed.
    first: Option<(Instant, usize)>,
    shown: Option<Instant>,
}

impl Bar<'_> {
    /// Redraws at most ten times a second, and at the end.
    fn show(&mut self, done: usize, total: usize) {
        let now = Instant::now();
        let (start, before) = *self.first.get_or_insert((now, done));
        let is_recent = self.shown.is_some_and(|shown| now - shown < Duration::from_millis(100));
        if is_recent && done < total {
            return;
        }
        self.shown = Some(now);
        draw(&line(self.label, (done, total), (done.saturating_sub(before), now - start)));
    }
}

/// Formats the bar for `done` of `total`, of which `computed` took `time`.
fn line(label: &str, (done, total): (usize, usize), (computed, time): (usize, Duration)) -> String {
    let done = done.min(total);
    let filled = "=".repeat(done * WIDTH / total.max(1));
    let seconds = time.as_secs_f64() * (total - done) as f64 / computed as f64;
    let left = if computed == 0 { String::new() } else { format!(", {seconds:.0} s left") };
    format!("{label:>22} [{filled:WIDTH$}] {done} of {total}{left}")
}

/// Whether the last line of the terminal is a bar.
static SHOWN: Mutex<bool> = Mutex::new(false);

/// Replaces the previous line with `line`.
fn draw(line: &str) {
    let mut shown = SHOWN.lock().unwrap_or_else(PoisonError::into_inner);
    *shown = !line.is_empty();
    put(line);
}

fn put(line: &str) {
    let _ = write!(std::io::stderr(), "\r\x1b[K{line}");
}

/// Runs work that prints: a bar in progress is removed and appears again below.
pub fn aside<T>(work: impl FnOnce() -> T) -> T {
    let shown = SHOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if *shown {
        put("");
    }
    work()
}
