//! Conversions from other error types, for `?`.

use super::{Cause, Error};
use std::error::Error as StdError;

impl Error {
    /// Wraps an error from the caller's code, for instance from a custom map, filter or kernel, and keeps it as the
    /// [`source`](StdError::source). An [`Error`] is returned unchanged.
    ///
    /// # Examples
    /// ```
    /// use double_descent::Error;
    /// use std::error::Error as _;
    ///
    /// #[derive(Debug, PartialEq)]
    /// struct NoModel(u32);
    /// impl std::fmt::Display for NoModel {
    ///     fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
    ///         write!(f, "no model number {}", self.0)
    ///     }
    /// }
    /// impl std::error::Error for NoModel {}
    ///
    /// let error = Error::user(NoModel(7));
    /// assert_eq!(format!("{error:?}"), "the caller's code failed: no model number 7");
    /// assert_eq!(error.source().and_then(|source| source.downcast_ref()), Some(&NoModel(7)));
    /// ```
    pub fn user(error: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        match error.into().downcast::<Self>() {
            Ok(own) => *own,
            Err(error) => Self::User { reason: error.to_string(), cause: Cause::new(error) },
        }
    }
}

impl From<Box<dyn StdError + Send + Sync>> for Error {
    fn from(error: Box<dyn StdError + Send + Sync>) -> Self {
        Self::user(error)
    }
}

impl From<String> for Error {
    fn from(text: String) -> Self {
        Self::User { reason: text, cause: Cause::none() }
    }
}

impl From<&str> for Error {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

macro_rules! of_kinds {
    ($($kind:ty),+) => {$(
        impl From<$kind> for Error {
            fn from(error: $kind) -> Self {
                Self::user(error)
            }
        }
    )+};
}

of_kinds!(std::io::Error, std::num::ParseFloatError, std::num::ParseIntError, ndarray::ShapeError);

#[cfg(test)]
mod tests {
    use super::*;

    fn boxed() -> Result<(), Error> {
        Err(Box::<dyn StdError + Send + Sync>::from("a boxed error"))?;
        Ok(())
    }

    #[test]
    fn errors_of_other_kinds_come_by_question_mark() {
        assert_eq!(boxed().unwrap_err().to_string(), "the caller's code failed: a boxed error");
        let io = Error::from(std::io::Error::from(std::io::ErrorKind::NotFound));
        assert!(io.source().is_some_and(<dyn StdError>::is::<std::io::Error>));
        let shape = ndarray::Array2::from_shape_vec((2, 2), vec![0.0; 3]).map_err(Error::from).unwrap_err();
        assert!(shape.source().is_some_and(<dyn StdError>::is::<ndarray::ShapeError>));
        assert!(Error::from("a text").source().is_none());
    }

    #[test]
    fn an_error_of_this_crate_stays_what_it_is() {
        let inner = Error::Overflow { what: "a feature" };
        let boxed: Box<dyn StdError + Send + Sync> = Box::new(inner.clone());
        assert!(matches!(Error::from(boxed), Error::Overflow { what: "a feature" }));
    }

    #[test]
    fn the_system_is_the_source_of_what_it_refuses() {
        let path = std::path::Path::new("no such folder/no such file");
        let refused = std::fs::read(path).map_err(|e| Error::io(path, &e)).unwrap_err();
        let source = refused.source().and_then(|source| source.downcast_ref::<std::io::Error>());
        assert_eq!(source.map(std::io::Error::kind), Some(std::io::ErrorKind::NotFound));
        assert_eq!(format!("{refused:?}"), refused.to_string());
    }
}
