//! The length of an iterative run: in steps, or in passes over the data.

use crate::Error;

/// The length of an iterative run. A plain number counts steps, so `1000` and `Length::Steps(1000)` are the same.
///
/// In [`Length::Epochs`] the number of steps depends on the number of samples: an epoch of `n` rows in batches of `b`
/// is `⌈n/b⌉` steps. So along a sample axis, a fixed number of epochs trains longer on more samples. Most experiments
/// are run this way, and it can move a peak. The filters take the full gradient at every step. As gradients are linear
/// in `β`, this is exactly the mean of stochastic gradient descent with freshly drawn batches. If a batch holds all
/// rows, it is stochastic gradient descent itself.
///
/// # Examples
/// ```
/// use double_descent::filter::{GradientDescent, Length, Loss, Schedule};
///
/// let ten_epochs = Length::Epochs { count: 10, batch: 32 };
/// assert_eq!([ten_epochs.steps(64), ten_epochs.steps(65)], [20, 30]);
/// GradientDescent::new(Schedule::Constant(0.1), ten_epochs, Loss::Mean)?;
/// GradientDescent::new(Schedule::Constant(0.1), 300, Loss::Mean)?; // 300 steps
/// # Ok::<(), double_descent::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// This many steps.
    Steps(usize),
    /// Passes over the `n` rows.
    Epochs {
        /// Number of passes.
        count: usize,
        /// Rows per batch, at least 1; with `n` or more, an epoch is one step.
        batch: usize,
    },
}

impl From<usize> for Length {
    fn from(steps: usize) -> Self {
        Self::Steps(steps)
    }
}

impl Length {
    /// Returns the number of steps on `n` rows, saturating at `usize::MAX`.
    #[must_use]
    pub fn steps(self, n: usize) -> usize {
        match self {
            Self::Steps(steps) => steps,
            Self::Epochs { count, batch } => count.saturating_mul(n.div_ceil(batch.max(1))),
        }
    }

    /// Returns the length, checked.
    ///
    /// # Errors
    /// [`Error::Domain`] for batches of no rows.
    pub(super) fn checked(self) -> Result<Self, Error> {
        match self {
            Self::Epochs { batch: 0, .. } => {
                Err(Error::Domain { what: "the rows of a batch", value: 0.0, must_be: "at least 1" })
            }
            length => Ok(length),
        }
    }

    /// Describes the length in words, for a caption.
    pub(super) fn describe(self) -> String {
        match self {
            Self::Steps(1) => "1 step".into(),
            Self::Steps(steps) => format!("{steps} steps"),
            Self::Epochs { count, batch } => format!("{count} epochs in batches of {batch}"),
        }
    }
}

/// Returns `value`, checked to be finite and at least 0.
pub(super) fn checked(what: &'static str, value: f64) -> Result<f64, Error> {
    if value >= 0.0 && value.is_finite() {
        Ok(value)
    } else {
        Err(Error::Domain { what, value, must_be: "finite and at least 0" })
    }
}
