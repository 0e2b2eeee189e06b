//! How long an iteration runs: in steps, or in passes over the data.

use crate::Error;

/// How long an iteration runs. A number of steps is one as it stands, so `1000` and `Length::Steps(1000)` are the same.
///
/// In [`Length::Epochs`] the number of steps follows the number of samples: an epoch of `n` rows in batches of `b` is
/// `⌈n/b⌉` steps. So along an axis of samples a fixed number of epochs means longer training on more samples, which is
/// how experiments are mostly run, and can move a peak. The filters take the full gradient at every step. That is the
/// mean of stochastic descent whose batches are drawn afresh, exactly, as gradients are linear in `β`; and stochastic
/// descent itself where a batch is all rows.
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
    /// So many steps.
    Steps(usize),
    /// So many passes over the `n` rows.
    Epochs {
        /// How many passes.
        count: usize,
        /// Rows of a batch, at least 1; `n` or more make one step an epoch.
        batch: usize,
    },
}

impl From<usize> for Length {
    fn from(steps: usize) -> Self {
        Self::Steps(steps)
    }
}

impl Length {
    /// How many steps these are on `n` rows; `usize::MAX` where that is the most that can be counted.
    #[must_use]
    pub fn steps(self, n: usize) -> usize {
        match self {
            Self::Steps(steps) => steps,
            Self::Epochs { count, batch } => count.saturating_mul(n.div_ceil(batch.max(1))),
        }
    }

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

    /// In words, for a caption.
    pub(super) fn describe(self) -> String {
        match self {
            Self::Steps(1) => "1 step".into(),
            Self::Steps(steps) => format!("{steps} steps"),
            Self::Epochs { count, batch } => format!("{count} epochs in batches of {batch}"),
        }
    }
}

/// A count or length of a method in time: finite and at least 0.
pub(super) fn checked(what: &'static str, value: f64) -> Result<f64, Error> {
    if value >= 0.0 && value.is_finite() {
        Ok(value)
    } else {
        Err(Error::Domain { what, value, must_be: "finite and at least 0" })
    }
}
