//! The underlying cause of an error.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

/// The underlying error (from another crate, the system or the caller) behind an [`Error`](crate::Error), if there is
/// one. [`source`](StdError::source) returns it; downcast it to inspect its type.
///
/// Causes always compare equal, and they are not serialised.
#[derive(Clone, Default)]
pub struct Cause(Option<Arc<dyn StdError + Send + Sync>>);

impl Cause {
    /// Wraps an error.
    pub fn new(error: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self(Some(Arc::from(error.into())))
    }

    /// No underlying error.
    #[must_use]
    pub fn none() -> Self {
        Self(None)
    }

    /// Returns the wrapped error, if there is one.
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
