//! The error behind an error.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

/// The error of another crate, of the system or of the caller that an [`Error`](crate::Error) was made of, where there is
/// one: [`source`](StdError::source) hands it out, to be looked at by its own type.
///
/// Two errors are equal if they say the same: a cause is not compared, written to a file or read from one.
#[derive(Clone, Default)]
pub struct Cause(Option<Arc<dyn StdError + Send + Sync>>);

impl Cause {
    /// An error to keep.
    pub fn new(error: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self(Some(Arc::from(error.into())))
    }

    /// No other error.
    #[must_use]
    pub fn none() -> Self {
        Self(None)
    }

    /// The error, if there is one.
    #[must_use]
    pub fn get(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.as_deref().map(|error| error as &(dyn StdError + 'static))
    }
}

impl PartialEq for Cause {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl fmt::Debug for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(error) => write!(f, "{error}"),
            None => f.write_str("none"),
        }
    }
}
