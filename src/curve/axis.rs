//! What varies along a curve.

use super::Cell;

/// What varies along a curve.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Axis {
    /// The number of training samples, `n`.
    Samples,
    /// The number of features (parameters), `p`.
    Features,
    /// The ridge penalty, `λ`.
    Penalty,
    /// The training time `t`, or the number of steps.
    Time,
    /// The noise of training labels: a standard deviation, or the share of wrong ones.
    LabelNoise,
    /// The standard deviation of noise on the inputs.
    InputNoise,
    /// The number of members of an ensemble, `K`.
    Members,
    /// The setting of an arm: whatever the family's own parameter is.
    Setting,
}

impl Axis {
    /// Returns its label for the horizontal axis of a figure.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Samples => "Training samples n",
            Self::Features => "Parameters p",
            Self::Penalty => "Penalty λ",
            Self::Time => "Training time t",
            Self::LabelNoise => "Label noise",
            Self::InputNoise => "Input noise",
            Self::Members => "Ensemble members K",
            Self::Setting => "Setting",
        }
    }

    /// Returns the symbol of its values: `n` in `n = 10`.
    #[must_use]
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Samples => "n",
            Self::Features => "p",
            Self::Penalty => "λ",
            Self::Time => "t",
            Self::LabelNoise => "label noise",
            Self::InputNoise => "input noise",
            Self::Members => "K",
            Self::Setting => "setting",
        }
    }

    /// Returns the unit of its values, in words: `1` for a pure number, or if only the arm's family knows the unit.
    #[must_use]
    pub fn unit(self) -> &'static str {
        match self {
            Self::Samples => "rows",
            Self::Features => "columns",
            Self::Penalty => "features squared",
            Self::Time => "1 per features squared",
            Self::LabelNoise => "targets, or 1 for a share",
            Self::InputNoise => "inputs",
            Self::Members => "fits",
            Self::Setting => "1",
        }
    }

    /// Whether its values are whole numbers.
    #[must_use]
    pub fn counts(self) -> bool {
        matches!(self, Self::Samples | Self::Features | Self::Members)
    }

    /// Returns a cell's value on this axis: `n`, `p`, or [`Cell::value`] on any other axis. `None` if the cell has no
    /// such value, or if it is NaN.
    #[must_use]
    #[allow(clippy::cast_precision_loss)] // counts of rows and columns
    pub fn value(self, cell: &Cell) -> Option<f64> {
        match self {
            Self::Samples => Some(cell.n as f64),
            Self::Features => Some(cell.p as f64),
            // Adding 0 turns −0 into 0: both are the same place.
            _ => cell.value().filter(|value| !value.is_nan()).map(|value| value + 0.0),
        }
    }
}
