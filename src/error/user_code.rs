//! Where code of the caller's is called: a panic in it is an error like any other.
//!
//! Maps, kernels, filters, procedures, observers, backends and plain functions may be the caller's own. A panic that
//! unwinds out of one would take along all that a sweep has computed.

use crate::Error;
use crate::error::words::shown;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What `work` gives, or [`Error::UserCode`] with the panic's message. `part` says whose code it is ([`name`]).
///
/// What `work` was writing when it panicked must not be read afterwards.
pub(crate) fn call<T>(part: impl FnOnce() -> String, work: impl FnOnce() -> T) -> Result<T, Error> {
    catch_unwind(AssertUnwindSafe(work))
        .map_err(|panic| Error::UserCode { part: part(), reason: panicked(&*panic) })
}

/// A part by its kind and its own description: ``the map `Sines` ``.
pub(crate) fn name(kind: &str, describe: impl FnOnce() -> String) -> String {
    format!("the {kind} `{}`", shown(&description(describe)))
}

/// What a part says of itself, for a caption. Even that is the caller's code.
pub(crate) fn description(describe: impl FnOnce() -> String) -> String {
    catch_unwind(AssertUnwindSafe(describe))
        .unwrap_or_else(|panic| format!("(no description: {})", panicked(&*panic)))
}

/// The reason that an error gives: with the text that `panic!` was given.
#[cold]
fn panicked(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("it panicked: {}", text.unwrap_or("no message"))
}
