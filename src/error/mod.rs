//! The crate's one error type. Its variants do not depend on the enabled features.

mod cause;
mod conversions;
pub(crate) mod user_code;
pub(crate) mod words;

pub use cause::Cause;

use crate::error::words::{Bytes, listed, number, reason as in_one_line, shown};
use std::fmt;
use std::path::PathBuf;

/// A text literal of this crate. (The alias keeps serde from treating a field written as `&'static str` as borrowed
/// from its input.)
type Text = &'static str;

/// What went wrong, where, and what to do about it.
///
/// Policy: every input a caller can pass gives a value or one of these errors, never a panic. `Display` and `Debug`
/// print the same sentence, so `unwrap`, or a `main` that returns an error, shows it too.
///
/// # Errors of your own
/// A custom feature map, filter, kernel or family may fail with its own error type: wrap it with [`Error::user`]. `?`
/// does this automatically for boxed errors, strings, and the standard library and ndarray errors that commonly occur
/// when reading and reshaping data. To use `?` on your own type, implement `From<MyError> for double_descent::Error`
/// with [`Error::user`].
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
        /// The input and the axis that was checked.
        #[cfg_attr(feature = "serde", serde(deserialize_with = "crate::machine::stored::text"))]
        what: Text,
        /// The length required by the other inputs.
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
        /// The largest possible count.
        most: usize,
        /// What the largest count is.
        #[cfg_attr(feature = "serde", serde(deserialize_with = "crate::machine::stored::text"))]
        limit: Text,
    },
    /// A result does not fit into `f64`.
    Overflow {
        /// The result's name.
        #[cfg_attr(feature = "serde", serde(deserialize_with = "crate::machine::stored::text"))]
        what: Text,
    },
    /// A linear algebra backend failed, or returned a wrong factorisation that the fallback could not correct.
    Backend {
        /// The backend's name.
        #[cfg_attr(feature = "serde", serde(deserialize_with = "crate::machine::stored::text"))]
        name: Text,
        /// The message from the backend, or from the check of its result.
        reason: String,
    },
    /// The table has no column of this name.
    UnknownColumn {
        /// The name that was asked for.
        name: String,
        /// The names that exist.
        available: Vec<String>,
    },
    /// The name is not one of the choices.
    UnknownName {
        /// What the name stands for.
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
        /// One-based line number, if the fault is in one line.
        line: Option<u64>,
        /// The column's name, if the fault is in one column.
        column: Option<String>,
        /// What is wrong and how to fix it.
        reason: String,
    },
    /// The operating system refused a file or folder.
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The system's message.
        reason: String,
        /// The system's error, if it gave one.
        #[cfg_attr(feature = "serde", serde(skip))]
        cause: Cause,
    },
    /// The request cannot be carried out in the way asked for.
    Unsupported {
        /// Why, and what to do instead.
        reason: String,
    },
    /// A device (a GPU), its driver or one of its libraries is missing or failed.
    Device {
        /// The device's number, from 0.
        device: usize,
        /// What is missing, or which call failed and how.
        reason: String,
        /// The files or routines that were looked for and not found; empty for any other fault.
        looked_for: Vec<String>,
    },
    /// A device has too little free memory.
    DeviceMemory {
        /// The bytes needed by the smallest piece of the work.
        needed: usize,
        /// The bytes that were free.
        free: usize,
    },
    /// The system refused threads or another resource.
    Resource {
        /// What was asked for, and the system's answer.
        reason: String,
    },
    /// Custom code (a map, a kernel, a function) panicked or returned an unusable value.
    UserCode {
        /// The kind of code and its own description.
        part: String,
        /// The panic's message, or what was wrong with the returned value.
        reason: String,
    },
    /// An error returned by the caller's code ([`Error::user`]).
    User {
        /// Its message.
        reason: String,
        /// The error itself.
        #[cfg_attr(feature = "serde", serde(skip))]
        cause: Cause,
    },
    /// Gradient descent does not converge with this step size.
    StepTooLarge {
        /// The largest step size that was passed.
        step: f64,
        /// The upper bound on the step size for this data: `2/μ₁` for gradient descent, where `μ₁` is the largest
        /// eigenvalue of the loss's Hessian.
        limit: f64,
    },
    /// More memory is needed than there is. No work was started.
    Memory {
        /// What it is needed for.
        #[cfg_attr(feature = "serde", serde(deserialize_with = "crate::machine::stored::text"))]
        what: Text,
        /// The bytes held at once, not counting inputs; `usize::MAX` if the number overflows.
        needed: usize,
        /// The bytes available: see [`memory`](crate::memory).
        available: usize,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty { what } => write!(f, "{what}: empty; at least one entry is needed"),
            Self::Shape { what, expected, found } => {
                write!(f, "{what}: expected {expected}, found {found}")
            }
            Self::NonFinite { what, row, column, value } => write!(
                f,
                "{what}: {} at row {row}, column {column} (counted from 0); remove or replace it first",
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
                // In quotes, as in the line of a CSV file, a name with a comma is one name.
                let quoted =
                    |name: &String| if name.contains(',') { format!("\"{name}\"") } else { name.clone() };
                let available: Vec<String> = available.iter().map(quoted).collect();
                write!(f, "no column is named `{}`; there are: {}", shown(name), listed(&available))
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
            Self::DeviceMemory { needed, free } => write!(
                f,
                "{} of device memory are needed, {} are free; ask for less at once, or use a larger device",
                Bytes(*needed),
                Bytes(*free)
            ),
            Self::StepTooLarge { step, limit } => write!(
                f,
                "a step of {step:e} is too large for these data: descent does not converge from {limit:e} on; take a \
                 smaller step"
            ),
            Self::Memory { what, needed, available } => write!(
                f,
                "{what}: memory needed: {}, available: {}; ask for less at once, or use a larger machine",
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

    /// [`Error::NonFinite`] at the first entry that is NaN or infinite.
    pub(crate) fn check_finite(what: &'static str, x: ndarray::ArrayView2<'_, f64>) -> Result<(), Self> {
        // The sum of all x·0 is 0 exactly when every entry is finite; with eight partial sums it vectorises.
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

    /// [`Error::TooLarge`] for the index of an arm.
    pub(crate) fn no_arm(arms: usize, arm: usize) -> Self {
        let (what, limit) = ("the index of an arm", "the last arm, counted from 0");
        Self::TooLarge { what, found: arm, most: arms.saturating_sub(1), limit }
    }

    /// [`Error::Io`] about `path`, with a message from this crate.
    pub(crate) fn refused(path: impl Into<PathBuf>, reason: impl Into<String>) -> Self {
        Self::Io { path: path.into(), reason: reason.into(), cause: Cause::none() }
    }

    /// Returns [`Error::Io`] about a file or folder that the system refused; the system's error becomes the
    /// [`source`](std::error::Error::source).
    pub fn io(path: impl Into<PathBuf>, error: &std::io::Error) -> Self {
        // `std::io::Error` is not `Clone`: rebuild it from its OS error number or, without one, from its kind and text.
        let same = match error.raw_os_error() {
            Some(number) => std::io::Error::from_raw_os_error(number),
            None => std::io::Error::new(error.kind(), error.to_string()),
        };
        Self::Io { path: path.into(), reason: error.to_string(), cause: Cause::new(same) }
    }
}
