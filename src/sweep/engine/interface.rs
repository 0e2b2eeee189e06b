//! What an engine is asked.

use crate::Error;
use crate::nested::Engine as Kind;
use crate::sweep::Cut;
use crate::sweep::cells::Observer;
use crate::sweep::measured::Measured;
use crate::sweep::study::Study;
use crate::sweep::task::Task;
use std::ops::Range;

/// What the places of each repeat give; `None` for a repeat that a stopped run did not visit, or for such a place.
pub(in crate::sweep) type Repeats = Vec<(usize, Vec<Option<Measured>>)>;

/// What an engine says of a sweep before it runs.
pub(in crate::sweep) trait Prospects: Sync {
    /// Whether one SVD a cell, or fewer factorisations.
    fn kind(&self) -> Kind;

    /// Why it cannot compute a sweep; `None` if it can.
    fn obstacle(&self, task: &Task<'_>) -> Option<String>;

    /// Whether it reads the tables of a [`Study`].
    fn needs_tables(&self) -> bool {
        true
    }

    /// The smallest parts of a repeat whose cells have the bits that they have in the whole.
    fn cut(&self, task: &Task<'_>) -> Cut;

    /// Whether the parts of a repeat share a factorisation that each call makes.
    fn shares_within(&self) -> bool {
        false
    }

    /// Floating-point operations of one repeat, to a factor of about two.
    fn flops(&self, task: &Task<'_>) -> f64;

    /// Bytes that one repeat takes at its peak, beside the tables.
    fn bytes(&self, task: &Task<'_>) -> usize;
}

/// One way to compute a sweep.
pub(in crate::sweep) trait Engine: Prospects {
    /// Computes some repeats. `shared` are the tables of all repeats, where they are the same.
    fn run(
        &self,
        task: &Task<'_>,
        shared: Option<&Study<'_>>,
        which: &Which<'_>,
        observer: &dyn Observer,
    ) -> Result<Repeats, Error>;
}

/// Which repeats, their rows, and on how many threads.
pub(in crate::sweep) struct Which<'a> {
    pub(in crate::sweep) orders: &'a [Vec<usize>],
    pub(in crate::sweep) repeats: Range<usize>,
    pub(in crate::sweep) threads: Option<usize>,
}
