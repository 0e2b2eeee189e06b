//! Memory of small tables of numbers, for those that follow on the same thread.
//!
//! A sweep makes some tables for each of thousands of cells, all of about one size. From the allocator they cost as much as
//! the arithmetic in them: they are over the sizes for which it keeps lists.

use ndarray::Array2;
use std::cell::RefCell;

/// Numbers of the longest table whose memory is kept: 32 KiB.
const LONGEST: usize = 1 << 12;

/// How many a thread keeps: two for each cell of a batch, and some.
const MOST: usize = 128;

thread_local! {
    static ROOMS: RefCell<Vec<Vec<f64>>> = const { RefCell::new(Vec::new()) };
}

/// An empty list with room for so many numbers.
pub(crate) fn room(length: usize) -> Vec<f64> {
    let used = if length > LONGEST { None } else { ROOMS.with_borrow_mut(Vec::pop) };
    let mut room = used.unwrap_or_default();
    room.reserve(length);
    room
}

/// A table of zeros.
pub(crate) fn zeros((rows, columns): (usize, usize)) -> Array2<f64> {
    let mut numbers = room(rows * columns);
    numbers.resize(rows * columns, 0.0);
    Array2::from_shape_vec((rows, columns), numbers).unwrap_or_else(|_| Array2::zeros((rows, columns)))
}

/// Keeps the memory of a table that nobody reads any more.
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

    /// How many are kept on this thread.
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
        // A longer one grows, an empty one has none, and what is too long is not kept.
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
