//! One error type for the crate. Its variants are the same whatever features are on.

mod cause;
mod conversions;
pub(crate) mod user_code;
pub(crate) mod words;

pub use cause::Cause;

use crate::error::words::{Bytes, listed, number, reason as in_one_line, shown};
use std::fmt;
use std::path::PathBuf;

/// Words of the program itself. (A name for the type: serde takes a `&'static str` that is written as such for one that
/// borrows from its input.)
type Text = &'static str;

/// What went wrong, where, and what to do about it.
///
/// Policy: every input that a caller can pass ends in a value or in one of these, never in a panic. `Display` and `Debug`
/// are one sentence, so that `unwrap` and a `main` that returns an error say it too.
///
/// # Errors of your own
/// A feature map, a filter, a kernel or a family of yours may fail with an error of its own: [`Error::user`] takes it, and
/// `?` does so by itself for boxed errors, for texts, and for those of the standard library and of ndarray that reading
/// and shaping data bring along. For `?` on your own type, `impl From<MyError> for double_descent::Error` by
/// [`Error::user`].
/// ```
/// use double_descent::Error;
/// use std::error::Error as _;
///
/// fn third(line: &str) -> Result<f64, Error> {
///     let cell = line.split(',').nth(2).ok_or("a line of fewer than three cells")?;
///     Ok(cell.parse::<f64>()?)
/// }
/// let error = third("1,2,x").unwrap_err();
/// assert!(error.source().unwrap().is::<std::num::ParseFloatError>());
/// assert!(third("1,2").unwrap_err().to_string().contains("three cells"));
/// ```
#[derive(Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Error {
    /// An input has no entries where at least one is needed.
    Empty {
        /// The input's name.
        #[cfg_attr(feature = "serde", serde(deserialize_with = "crate::machine::stored::text"))]
        what: Text,
    },
    /// Two inputs do not fit together.
    Shape {
        /// The input and the axis that was measured.
        #[cfg_attr(feature = "serde", serde(deserialize_with = "crate::machine::stored::text"))]
        what: Text,
        /// The length that the other inputs ask for.
        expected: usize,
        /// The length that was passed.
        found: usize,
    },
    /// An input holds NaN or an infinity.
    NonFinite {
        /// The input's name.
        #[cfg_attr(feature = "serde", serde(deserialize_with = "crate::machine::stored::text"))]
        what: Text,
        /// Zero-based row of the first such entry.
        row: usize,
        /// Zero-based column of the first such entry.
        column: usize,
        /// The entry.
        #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
        value: f64,
    },
    /// A parameter lies outside its domain.
    Domain {
        /// The parameter's name.
        #[cfg_attr(feature = "serde", serde(deserialize_with = "crate::machine::stored::text"))]
        what: Text,
        /// The value that was passed.
        #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
        value: f64,
        /// The domain.
        #[cfg_attr(feature = "serde", serde(deserialize_with = "crate::machine::stored::text"))]
        must_be: Text,
    },
    /// A count is larger than the data allow.
    TooLarge {
        /// What is counted.
        #[cfg_attr(feature = "serde", serde(deserialize_with = "crate::machine::stored::text"))]
        what: Text,
        /// The count that was passed.
        found: usize,
        /// The largest that is possible.
        most: usize,
        /// What that number is.
        #[cfg_attr(feature = "serde", serde(deserialize_with = "crate::machine::stored::text"))]
        limit: Text,
    },
    /// A result does not fit into `f64`.
    Overflow {
        /// The result's name.
        #[cfg_attr(feature = "serde", serde(deserialize_with = "crate::machine::stored::text"))]
        what: Text,
    },
    /// A linear algebra backend failed, or returned a wrong factorisation that a second route did
    /// not mend.
    Backend {
        /// The backend's name.
        #[cfg_attr(feature = "serde", serde(deserialize_with = "crate::machine::stored::text"))]
        name: Text,
        /// What it, or the check of its result, said.
        reason: String,
    },
    /// A column name that a table does not have.
    UnknownColumn {
        /// The name that was asked for.
        name: String,
        /// The names that exist.
        available: Vec<String>,
    },
    /// A name that is none of the choices.
    UnknownName {
        /// What was named.
        #[cfg_attr(feature = "serde", serde(deserialize_with = "crate::machine::stored::text"))]
        what: Text,
        /// The name that was passed.
        name: String,
        /// The choices.
        choices: Vec<String>,
    },
    /// A file's content is not what it should be.
    File {
        /// The file.
        path: PathBuf,
        /// One-based line, where one line is to blame.
        line: Option<u64>,
        /// The column's name, where one column is to blame.
        column: Option<String>,
        /// What is wrong with it and how to mend it.
        reason: String,
    },
    /// The operating system refused a file or folder.
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The system's own words.
        reason: String,
        /// The system's own error, where it gave one.
        #[cfg_attr(feature = "serde", serde(skip))]
        cause: Cause,
    },
    /// What was asked for cannot be done the way that was asked for.
    Unsupported {
        /// Why, and what to do instead.
        reason: String,
    },
    /// A device (a GPU), its driver or one of its libraries that is not there, or that failed.
    Device {
        /// The device's number, from 0.
        device: usize,
        /// What is missing, or which call failed and how.
        reason: String,
        /// The files or routines that were looked for and not found; empty where something else went wrong.
        looked_for: Vec<String>,
    },
    /// A device has too little free memory.
    DeviceMemory {
        /// The bytes that the smallest piece of the work takes.
        needed: usize,
        /// The bytes that were free.
        free: usize,
    },
    /// Threads or other resources that the system would not give.
    Resource {
        /// What was asked for, and the answer.
        reason: String,
    },
    /// A part of the caller's own (a map, a kernel, a function) that panicked, or gave what cannot be used.
    UserCode {
        /// The part, by its kind and its own description.
        part: String,
        /// The panic's message, or what was wrong with what it gave.
        reason: String,
    },
    /// An error that the caller's own code ended with ([`Error::user`]).
    User {
        /// What it says.
        reason: String,
        /// The error itself.
        #[cfg_attr(feature = "serde", serde(skip))]
        cause: Cause,
    },
    /// A step size with which descent does not settle.
    StepTooLarge {
        /// The largest step size that was passed.
        step: f64,
        /// The step size that it must stay under on this data: `2/μ₁` for gradient descent, `μ₁` the largest
        /// eigenvalue of the loss's Hessian.
        limit: f64,
    },
    /// More memory is needed than there is. Nothing was begun.
    Memory {
        /// What it is needed for.
        #[cfg_attr(feature = "serde", serde(deserialize_with = "crate::machine::stored::text"))]
        what: Text,
        /// The bytes that are held at once, inputs excepted; `usize::MAX` where they cannot be counted.
        needed: usize,
        /// The bytes that are available: see [`memory`](crate::memory).
        available: usize,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty { what } => write!(f, "{what} is empty; it needs at least one entry"),
            Self::Shape { what, expected, found } => {
                write!(f, "{what}: expected {expected}, found {found}")
            }
            Self::NonFinite { what, row, column, value } => write!(
                f,
                "{what} holds {} at row {row}, column {column} (counted from 0); \
                 remove or replace it first",
                number(*value)
            ),
            Self::Domain { what, value, must_be } => {
                write!(f, "{what} is {}; it must be {must_be}", number(*value))
            }
            Self::TooLarge { what, found, most, limit } => {
                write!(f, "{what} is {found}; it can be at most {most}, {limit}")
            }
            Self::Overflow { what } => {
                write!(f, "{what} does not fit into a 64-bit float; rescale the data")
            }
            Self::Backend { name, reason } => {
                write!(f, "the linear algebra backend `{name}` failed: {}", in_one_line(reason))
            }
            Self::UnknownColumn { name, available } => {
                write!(f, "no column is named `{}`; there are: {}", shown(name), listed(available))
            }
            Self::UnknownName { what, name, choices } => {
                write!(f, "there is no {what} called `{}`; choose one of: {}", shown(name), listed(choices))
            }
            Self::File { path, line, column, reason } => {
                write!(f, "{}", in_one_line(&path.to_string_lossy()))?;
                if let Some(line) = line {
                    write!(f, ", line {line}")?;
                }
                if let Some(column) = column {
                    write!(f, ", column `{}`", shown(column))?;
                }
                write!(f, ": {}", in_one_line(reason))
            }
            Self::Io { path, reason, .. } => {
                write!(f, "{}: {}", in_one_line(&path.to_string_lossy()), in_one_line(reason))
            }
            Self::Device { device, reason, looked_for } => {
                write!(f, "CUDA device {device}: {}", in_one_line(reason))?;
                if looked_for.is_empty() {
                    return Ok(());
                }
                write!(f, "; looked for {}", listed(looked_for))
            }
            Self::DeviceMemory { needed, free } => {
                write!(f, "{needed} bytes of device memory are needed and {free} are free")
            }
            Self::StepTooLarge { step, limit } => write!(
                f,
                "a step of {step:e} is too large for these data: descent does not converge from {limit:e} on; take a \
                 smaller step"
            ),
            Self::Memory { what, needed, available } => write!(
                f,
                "{what}: {} of memory are needed, {} are available; ask for less at once, or use a larger machine",
                Bytes(*needed),
                Bytes(*available)
            ),
            Self::Resource { reason } | Self::Unsupported { reason } => f.write_str(&in_one_line(reason)),
            Self::UserCode { part, reason } => write!(f, "{part}: {reason}"),
            Self::User { reason, .. } => write!(f, "the caller's code failed: {}", in_one_line(reason)),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { cause, .. } | Self::User { cause, .. } => cause.get(),
            _ => None,
        }
    }
}

impl Error {
    /// [`Error::Shape`] unless `found == expected`.
    pub(crate) fn check_len(what: &'static str, expected: usize, found: usize) -> Result<(), Self> {
        if found == expected { Ok(()) } else { Err(Self::Shape { what, expected, found }) }
    }

    /// [`Error::NonFinite`] with the place of the first entry that is NaN or infinite.
    pub(crate) fn check_finite(what: &'static str, x: ndarray::ArrayView2<'_, f64>) -> Result<(), Self> {
        // A sum of x·0 is 0 exactly when all entries are finite; in eight sums it vectorises.
        let clean = match x.as_slice_memory_order() {
            Some(entries) => {
                let chunks = entries.chunks_exact(8);
                let rest = chunks.remainder().iter().map(|v| v * 0.0).sum::<f64>();
                let mut sums = [rest; 8];
                for chunk in chunks {
                    sums.iter_mut().zip(chunk).for_each(|(sum, v)| *sum += v * 0.0);
                }
                sums == [0.0; 8]
            }
            None => x.iter().map(|v| v * 0.0).sum::<f64>() == 0.0,
        };
        if clean {
            return Ok(());
        }
        match x.indexed_iter().find(|(_, v)| !v.is_finite()) {
            Some(((row, column), &value)) => Err(Self::NonFinite { what, row, column, value }),
            None => Ok(()),
        }
    }

    /// [`Error::TooLarge`] of the index of an arm.
    pub(crate) fn no_arm(arms: usize, arm: usize) -> Self {
        let (what, limit) = ("the index of an arm", "the last arm, counted from 0");
        Self::TooLarge { what, found: arm, most: arms.saturating_sub(1), limit }
    }

    /// [`Error::Io`] about `path`, in words of the crate.
    pub(crate) fn refused(path: impl Into<PathBuf>, reason: impl Into<String>) -> Self {
        Self::Io { path: path.into(), reason: reason.into(), cause: Cause::none() }
    }

    /// [`Error::Io`] about a file or folder that the system refused; the system's error is the
    /// [`source`](std::error::Error::source).
    pub fn io(path: impl Into<PathBuf>, error: &std::io::Error) -> Self {
        // An error of the system is not `Clone`: its number is, and its kind and text otherwise.
        let same = match error.raw_os_error() {
            Some(number) => std::io::Error::from_raw_os_error(number),
            None => std::io::Error::new(error.kind(), error.to_string()),
        };
        Self::Io { path: path.into(), reason: error.to_string(), cause: Cause::new(same) }
    }
}
