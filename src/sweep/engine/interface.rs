//! The interface of an engine.

use crate::Error;
use crate::nested::Engine as Kind;
use crate::sweep::Cut;
use crate::sweep::cells::Observer;
use crate::sweep::measured::Measured;
use crate::sweep::study::Study;
use crate::sweep::task::Task;
use std::ops::Range;

/// The measurements at the places of each repeat; `None` for places that a stopped run did not visit.
pub(in crate::sweep) type Repeats = Vec<(usize, Vec<Option<Measured>>)>;

/// What an engine says about a sweep before it runs.
pub(in crate::sweep) trait Prospects: Sync {
    /// Whether it computes one SVD per cell or nested factorisations.
    fn kind(&self) -> Kind;

    /// Why it cannot compute a sweep; `None` if it can.
    fn obstacle(&self, task: &Task<'_>) -> Option<String>;

    /// Whether it reads the tables of a [`Study`].
    fn needs_tables(&self) -> bool {
        true
    }

    /// The finest cut of a repeat that does not change the bits of any cell.
    fn cut(&self, task: &Task<'_>) -> Cut;

    /// Whether the parts of a repeat share a factorisation, which each call computes again.
    fn shares_within(&self) -> bool {
        false
    }

    /// Floating-point operations of one repeat, up to a factor of about two.
    fn flops(&self, task: &Task<'_>) -> f64;

    /// Bytes that one repeat needs at its peak, in addition to the tables.
    fn bytes(&self, task: &Task<'_>) -> Result<usize, Error>;
}

/// One way to compute a sweep.
pub(in crate::sweep) trait Engine: Prospects {
    /// Computes some repeats. `shared` holds the tables of all repeats, if they are the same.
    fn run(
        &self,
        task: &Task<'_>,
        shared: Option<&Study<'_>>,
        which: &Which<'_>,
        observer: &dyn Observer,
    ) -> Result<Repeats, Error>;
}

/// Which repeats to compute, with their rows, and the number of threads.
pub(in crate::sweep) struct Which<'a> {
    pub(in crate::sweep) orders: &'a [Vec<usize>],
    pub(in crate::sweep) repeats: Range<usize>,
    pub(in crate::sweep) threads: Option<usize>,
}
