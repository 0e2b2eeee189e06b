//! Threads inside one large problem.
//!
//! A grid of cells gives each of its threads whole cells. What one problem is split into goes to threads that would
//! have nothing to do: those of the pool that it is solved in, where the grid has fewer cells than threads. Outside a
//! pool there is one thread. No result may depend on the number: pieces are either the same for any, or such that the
//! bits of an entry do not depend on the piece that it is in.

use std::cell::Cell;

thread_local! {
    /// Whether the other threads of the pool have work of their own.
    static BUSY: Cell<bool> = const { Cell::new(false) };
}

/// How many threads there are for one problem here.
pub(crate) fn for_one_problem() -> usize {
    let is_alone = rayon::current_thread_index().is_none() || BUSY.get();
    if is_alone { 1 } else { rayon::current_num_threads() }
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
