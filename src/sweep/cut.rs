//! How a repeat is cut into parts.

use std::fmt;

/// What the indices of a sweep's record are: its repeats, or parts of them, for sweeps whose single repeats take long.
///
/// Each engine knows parts whose cells have the very bits that they have in the whole ([`Sweep::finest_cut`]): what they
/// share (a table, a factorisation) every shard makes for itself.
///
/// [`Sweep::finest_cut`]: super::Sweep::finest_cut
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Cut {
    /// Whole repeats.
    #[default]
    Repeats,
    /// For each repeat, the cells of each size `n` of the training set.
    Samples,
    /// For each repeat, the cells of each number of features `p`.
    Features,
}

impl Cut {
    /// All of them.
    pub const ALL: &[Self] = &[Self::Repeats, Self::Samples, Self::Features];

    /// What varies from one part of a repeat to the next.
    #[must_use]
    pub fn symbol(self) -> Option<&'static str> {
        match self {
            Self::Repeats => None,
            Self::Samples => Some("n"),
            Self::Features => Some("p"),
        }
    }
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.symbol() {
            None => f.write_str("by repeats"),
            Some(symbol) => write!(f, "by repeats and {symbol}"),
        }
    }
}
