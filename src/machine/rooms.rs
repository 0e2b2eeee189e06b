//! Reuse of small tables' memory on the same thread.
//!
//! A sweep makes some tables for each of thousands of cells, all of about the same size. Allocating them costs as much
//! as the arithmetic in them: they are larger than the sizes for which the allocator keeps free lists.

use ndarray::Array2;
use std::cell::RefCell;

/// Longest table whose memory is kept, in numbers: 32 KiB.
const LONGEST: usize = 1 << 12;

/// Most tables kept per thread: two for each cell of a batch, and some more.
const MOST: usize = 128;

thread_local! {
    static ROOMS: RefCell<Vec<Vec<f64>>> = const { RefCell::new(Vec::new()) };
}

/// Returns an empty vector with capacity for `length` numbers.
pub(crate) fn room(length: usize) -> Vec<f64> {
    let used = if length > LONGEST { None } else { ROOMS.with_borrow_mut(Vec::pop) };
    let mut room = used.unwrap_or_default();
    room.reserve(length);
    room
}

/// Returns a table of zeros.
pub(crate) fn zeros((rows, columns): (usize, usize)) -> Array2<f64> {
    let mut numbers = room(rows * columns);
    numbers.resize(rows * columns, 0.0);
    Array2::from_shape_vec((rows, columns), numbers).unwrap_or_else(|_| Array2::zeros((rows, columns)))
}

/// Keeps the memory of a table that is no longer needed.
pub(crate) fn recycle(table: Array2<f64>) {
    let mut used = table.into_raw_vec_and_offset().0;
    if (1..=LONGEST).contains(&used.capacity()) {
        used.clear();
        ROOMS.with_borrow_mut(|rooms| {
            if rooms.len() < MOST {
                rooms.push(used);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns how many are kept on this thread.
    fn kept() -> usize {
        ROOMS.with_borrow(Vec::len)
    }

    #[test]
    fn memory_is_used_again() {
        let table = Array2::from_elem((7, 9), 3.0);
        let place = table.as_ptr();
        recycle(table);
        let zeros = zeros((9, 7));
        assert!(zeros.as_ptr() == place && zeros == Array2::<f64>::zeros((9, 7)));
        recycle(zeros);
        // A kept vector grows if needed; empty tables and tables that are too long are not kept.
        assert!(room(100).capacity() >= 100 && kept() == 0);
        recycle(Array2::zeros((0, 3)));
        recycle(Array2::zeros((1, LONGEST + 1)));
        assert_eq!(kept(), 0);
        recycle(Array2::zeros((1, 8)));
        assert!(room(LONGEST + 1).capacity() > LONGEST && kept() == 1);
    }

    #[test]
    fn no_more_than_some_are_kept() {
        for _ in 0..2 * MOST {
            recycle(Array2::zeros((2, 2)));
        }
        assert_eq!(kept(), MOST);
    }
}
