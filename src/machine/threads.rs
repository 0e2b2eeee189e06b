//! Threads within one large problem.
//!
//! A grid of cells gives each thread whole cells. If the grid has fewer cells than the pool has threads, each problem
//! is split into pieces for the idle threads of its pool. Outside a pool there is one thread. Results must not depend
//! on the number of threads: either the pieces do not depend on it, or the bits of an entry do not depend on the piece
//! that contains it.
//!
//! Pieces run on the pool that is already there, so a pool whose threads all have their own problem never has more
//! threads than it was built with.

use rayon::prelude::*;
use std::cell::Cell;
use std::sync::{Mutex, PoisonError};

/// Most pieces per step: an even share for this many threads, and still small enough parts for fewer threads.
const PIECES: usize = 8;
/// Piece sizes are multiples of this many numbers or columns, so that no register of any instruction set is split.
const WHOLE: usize = 8;

thread_local! {
    /// Whether the pool's other threads are busy with their own work.
    static BUSY: Cell<bool> = const { Cell::new(false) };
}

/// Returns how many threads one problem may use here.
pub(crate) fn for_one_problem() -> usize {
    let is_alone = rayon::current_thread_index().is_none() || BUSY.get();
    if is_alone { 1 } else { rayon::current_num_threads() }
}

/// Returns the piece size for `count` rows or columns, at least `least`, given the total `work` and how much work is
/// `worth` a thread. It does not depend on the number of threads.
pub(crate) fn piece(count: usize, least: usize, work: usize, worth: usize) -> usize {
    let pieces = (work / worth).min(count / least).clamp(1, PIECES);
    // A power of two splits evenly among two or four threads.
    count.div_ceil(1 << pieces.ilog2()).next_multiple_of(WHOLE)
}

/// Runs `work` on every piece, on all threads available to one problem.
pub(crate) fn share<T: Send>(pieces: Vec<T>, work: impl Fn(T) + Sync) {
    if for_one_problem() == 1 {
        return pieces.into_iter().for_each(work);
    }
    let slots: Vec<_> = pieces.into_iter().map(|piece| Mutex::new(Some(piece))).collect();
    on_all_threads(slots.len(), &|index| {
        let piece = slots[index].lock().unwrap_or_else(PoisonError::into_inner).take();
        piece.into_iter().for_each(&work);
    });
}

/// Calls `work` with each index below `count`. Knows no type of pieces, so the threading code is compiled once.
fn on_all_threads(count: usize, work: &(dyn Fn(usize) + Sync)) {
    // A thread that waits for the others may start on another problem meanwhile. That problem is not split again, or
    // problems would pile up on the thread's stack.
    with_others(true, || {
        (0..count).into_par_iter().with_max_len(1).for_each(|index| with_others(true, || work(index)));
    });
}

/// Like [`share`], with a workspace for each piece: `room` on one thread, otherwise a new one per piece.
pub(crate) fn share_in<T: Send, R: Default>(
    pieces: impl Iterator<Item = T>,
    room: &mut R,
    work: impl Fn(T, &mut R) + Sync,
) {
    if for_one_problem() == 1 {
        pieces.for_each(|piece| work(piece, room));
    } else {
        share(pieces.collect(), |piece| work(piece, &mut R::default()));
    }
}

/// Runs two closures in parallel if that is worth a thread and this problem has more than one. Each may be split
/// further: a thread that has finished its own closure takes over parts of the other.
pub(crate) fn both<A: Send, B: Send>(
    is_worth_it: bool,
    first: impl FnOnce() -> A + Send,
    second: impl FnOnce() -> B + Send,
) -> (A, B) {
    if !is_worth_it || for_one_problem() == 1 {
        return (first(), second());
    }
    // This thread counts as busy while it waits, as in `share`; another thread that takes `second` keeps its own state.
    with_others(true, || {
        rayon::join_context(
            |_| with_others(false, first),
            |context| if context.migrated() { second() } else { with_others(false, second) },
        )
    })
}

/// Runs `work` with the other threads marked `busy` or not.
pub(crate) fn with_others<T>(busy: bool, work: impl FnOnce() -> T) -> T {
    /// Restores the previous state, even after a panic.
    struct Before(bool);
    impl Drop for Before {
        fn drop(&mut self) {
            BUSY.set(self.0);
        }
    }
    let _before = Before(BUSY.replace(busy));
    work()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_piece_is_worked_on_once() {
        for threads in [1, 2, 3, 8] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            for count in [0, 1, 2, 7, 8, 100] {
                let mut numbers: Vec<usize> = (0..count).collect();
                let pieces: Vec<_> = numbers.iter_mut().collect();
                pool.install(|| {
                    share(pieces, |number| {
                        *number += 1;
                        assert_eq!(for_one_problem(), 1, "a piece is not split again");
                    });
                });
                assert!(numbers.into_iter().eq(1..=count), "{count} pieces, {threads} threads");
            }
        }
    }

    #[test]
    fn both_pieces_are_done_and_may_be_split() {
        assert_eq!(both(true, || 1, || "two"), (1, "two"), "outside a pool");
        for threads in [1, 2, 3] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let found = pool.install(|| both(true, || both(false, for_one_problem, || 5), for_one_problem));
            assert_eq!(found, ((threads, 5), threads));
            let busy = pool.install(|| with_others(true, || both(true, for_one_problem, for_one_problem)));
            assert_eq!(busy, (1, 1), "the others have problems of their own");
        }
    }

    #[test]
    fn pieces_cover_all_and_are_worth_a_thread() {
        assert_eq!(piece(0, 8, 0, 1000), 0);
        assert_eq!(piece(100, 8, 1999, 1000), 104, "one piece");
        assert_eq!(piece(100, 8, 2000, 1000), 56, "two");
        assert_eq!(piece(100, 64, 1_000_000, 1000), 104, "too few for two");
        assert_eq!(piece(1000, 192, usize::MAX, 1000), 256, "four, not five");
        assert_eq!(piece(2000, 8, usize::MAX, 1000), 256);
    }

    #[test]
    fn one_problem_has_the_threads_of_its_pool() {
        assert_eq!(for_one_problem(), 1, "outside a pool");
        let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
        pool.install(|| {
            assert_eq!(for_one_problem(), 3);
            assert_eq!(with_others(true, for_one_problem), 1);
            let panicked = std::panic::catch_unwind(|| with_others(true, || panic!("as planned")));
            assert!(panicked.is_err());
            assert_eq!(for_one_problem(), 3, "after a panic");
        });
    }
}
