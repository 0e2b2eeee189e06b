//! Threads inside one large problem.
//!
//! A grid of cells gives each of its threads whole cells. What one problem is split into goes to threads that would
//! have nothing to do: those of the pool that it is solved in, where the grid has fewer cells than threads. Outside a
//! pool there is one thread. No result may depend on the number: pieces are either the same for any, or such that the
//! bits of an entry do not depend on the piece that it is in.
//!
//! Pieces are handed over by the pool that runs already, so that a pool whose threads all have a problem of their own
//! never has more threads than it was made with.

use std::cell::Cell;

/// Pieces of one step, at most: an even share for as many threads, and parts small enough for fewer.
const PIECES: usize = 8;
/// A hand-over between threads takes about 10 µs, and a piece should take ten times that. A core passes through so many
/// entries of a table meanwhile, at about one a nanosecond,
pub(crate) const PASS: usize = 1 << 17;
/// and multiplies and adds so often in a product of matrices, at about twenty a nanosecond.
pub(crate) const PRODUCT: usize = 1 << 21;

thread_local! {
    /// Whether the other threads of the pool have work of their own.
    static BUSY: Cell<bool> = const { Cell::new(false) };
}

/// How many threads there are for one problem here.
pub(crate) fn for_one_problem() -> usize {
    let is_alone = rayon::current_thread_index().is_none() || BUSY.get();
    if is_alone { 1 } else { rayon::current_num_threads() }
}

/// How many of `count` columns are a piece, a multiple of `multiple`: by the `work` on all, and the `least` that is worth
/// a thread. The number of threads has no part in it.
pub(crate) fn piece(count: usize, work: usize, least: usize, multiple: usize) -> usize {
    let pieces = (work / least).clamp(1, PIECES);
    count.div_ceil(pieces).max(1).next_multiple_of(multiple)
}

/// Does some work on each of the pieces, by all threads that there are for one problem.
pub(crate) fn share<T: Send>(pieces: &mut [T], work: impl Fn(&mut T) + Sync) {
    fn halve<T: Send>(pieces: &mut [T], work: &(impl Fn(&mut T) + Sync)) {
        if pieces.len() < 2 {
            return pieces.iter_mut().for_each(work);
        }
        let (first, second) = pieces.split_at_mut(pieces.len() / 2);
        rayon::join(|| halve(first, work), || halve(second, work));
    }
    if for_one_problem() == 1 { pieces.iter_mut().for_each(work) } else { halve(pieces, &work) }
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
                let mut pieces: Vec<usize> = (0..count).collect();
                pool.install(|| share(&mut pieces, |piece| *piece += 1));
                assert!(pieces.into_iter().eq(1..=count), "{count} pieces, {threads} threads");
            }
        }
    }

    #[test]
    fn pieces_cover_all_columns_and_are_worth_a_thread() {
        assert_eq!(piece(0, 0, PASS, 8), 8);
        assert_eq!(piece(100, 2 * PASS - 1, PASS, 8), 104, "one piece");
        assert_eq!(piece(100, 2 * PASS, PASS, 8), 56);
        assert_eq!(piece(2000, usize::MAX, PASS, 4), 252);
        assert_eq!(piece(1, usize::MAX, PASS, 1), 1);
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
