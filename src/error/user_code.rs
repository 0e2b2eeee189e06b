//! Calls into the caller's code, with panics turned into errors.
//!
//! Maps, kernels, filters, procedures, observers, backends and plain functions may be custom code. A panic that unwinds
//! out of one would lose everything a sweep has computed so far.

use crate::Error;
use crate::error::words::shown;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Returns the result of `work`, or [`Error::UserCode`] with the panic's message. `part` says whose code it is
/// ([`name`]).
///
/// If `work` panicked, what it was writing must not be read.
pub(crate) fn call<T>(part: impl FnOnce() -> String, work: impl FnOnce() -> T) -> Result<T, Error> {
    catch_unwind(AssertUnwindSafe(work))
        .map_err(|panic| Error::UserCode { part: part(), reason: panicked(panic) })
}

/// Names a part by its kind and its own description: ``the map `Sines` ``.
pub(crate) fn name(kind: &str, describe: impl FnOnce() -> String) -> String {
    quoted(kind, &description(describe))
}

fn quoted(kind: &str, description: &str) -> String {
    format!("the {kind} `{}`", shown(description))
}

/// Returns a part's description of itself, for a caption. This too runs the caller's code, which may panic.
pub(crate) fn description(describe: impl FnOnce() -> String) -> String {
    catch_unwind(AssertUnwindSafe(describe)).unwrap_or_else(undescribed)
}

#[cold]
fn undescribed(panic: Box<dyn Any + Send>) -> String {
    format!("(no description: {})", panicked(panic))
}

/// Formats the reason for an error from the message passed to `panic!`.
#[cold]
fn panicked(panic: Box<dyn Any + Send>) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("it panicked: {}", text.unwrap_or("no message"))
}
