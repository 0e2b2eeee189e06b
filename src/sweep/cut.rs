//! How a repeat is divided into parts.

use std::fmt;

/// What the indices of a sweep's record stand for: its repeats, or parts of them if single repeats take long.
///
/// [`Sweep::finest_cut`] returns the finest cut that the sweep's engine supports. The cells of a part have exactly the
/// bits that they have in the whole; whatever the parts share (a table, a factorisation) is recomputed by every shard.
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
    /// All cuts.
    pub const ALL: &[Self] = &[Self::Repeats, Self::Samples, Self::Features];

    /// The symbol of the quantity that varies from one part of a repeat to the next; `None` for whole repeats.
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
