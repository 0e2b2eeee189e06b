//! Threads inside one large problem.
//!
//! A grid of cells gives each of its threads whole cells. What one problem is split into goes to threads that would
//! have nothing to do: those of the pool that it is solved in, where the grid has fewer cells than threads. Outside a
//! pool there is one thread. No result may depend on the number: pieces are either the same for any, or such that the
//! bits of an entry do not depend on the piece that it is in.
//!
//! Pieces are handed over by the pool that runs already, so that a pool whose threads all have a problem of their own
//! never has more threads than it was made with.

use rayon::prelude::*;
use std::cell::Cell;

/// Pieces of one step, at most: an even share for as many threads, and parts small enough for fewer.
const PIECES: usize = 8;
/// A piece is so many numbers, or columns, that no register of any instruction set is cut.
const WHOLE: usize = 8;

thread_local! {
    /// Whether the other threads of the pool have work of their own.
    static BUSY: Cell<bool> = const { Cell::new(false) };
}

/// How many threads there are for one problem here.
pub(crate) fn for_one_problem() -> usize {
    let is_alone = rayon::current_thread_index().is_none() || BUSY.get();
    if is_alone { 1 } else { rayon::current_num_threads() }
}

/// How many of `count` rows or columns are a piece, of `least` or more of them: by the `work` on all, and what is
/// `worth` a thread. The number of threads has no part in it.
pub(crate) fn piece(count: usize, least: usize, work: usize, worth: usize) -> usize {
    let pieces = (work / worth).min(count / least).clamp(1, PIECES);
    // As many for each of two or four threads.
    count.div_ceil(1 << pieces.ilog2()).next_multiple_of(WHOLE)
}

/// Does some work on each of the pieces, by all threads that there are for one problem.
pub(crate) fn share<T: Send>(pieces: Vec<T>, work: impl Fn(T) + Sync) {
    if for_one_problem() == 1 {
        return pieces.into_iter().for_each(work);
    }
    // A thread that waits for the others may take up another problem meanwhile: that one is not split again, or
    // problems would pile up on its stack.
    with_others(true, || {
        pieces.into_par_iter().with_max_len(1).for_each(|piece| with_others(true, || work(piece)));
    });
}

/// The same with a room for each piece: on one thread the room that there is, else one of its own.
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

/// Two pieces of work side by side, if that is worth a thread and there is more than one for this problem. Each may be split
/// further: a thread that is done with its own takes over parts of the other.
pub(crate) fn both<A: Send, B: Send>(
    is_worth_it: bool,
    first: impl FnOnce() -> A + Send,
    second: impl FnOnce() -> B + Send,
) -> (A, B) {
    if !is_worth_it || for_one_problem() == 1 {
        return (first(), second());
    }
    // While it waits this thread is busy, as in `share`; another one that takes the second piece is as busy as it was.
    with_others(true, || {
        rayon::join_context(
            |_| with_others(false, first),
            |context| if context.migrated() { second() } else { with_others(false, second) },
        )
    })
}

/// Does some work, with the other threads `busy` or not.
pub(crate) fn with_others<T>(busy: bool, work: impl FnOnce() -> T) -> T {
    /// Puts back what was, after a panic too.
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
