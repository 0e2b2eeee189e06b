//! Stable sorts that share one copy of the standard library's algorithm. Its own `sort_by` is compiled again for each
//! type of item and each closure: forty copies were a twentieth of this crate's code. For numbers and in hot loops it
//! is still the better choice, since here each comparison is an indirect call.

use std::cmp::Ordering;

/// Sorts indices by what they stand for. Equal ones keep their order.
pub(crate) fn sort_indices(indices: &mut [usize], compare: &dyn Fn(usize, usize) -> Ordering) {
    indices.sort_by(|&a, &b| compare(a, b));
}

/// Sorts items. Equal ones keep their order.
pub(crate) fn sort<T>(items: &mut [T], compare: impl Fn(&T, &T) -> Ordering) {
    if items.is_sorted_by(|a, b| compare(a, b).is_le()) {
        return;
    }
    let mut from: Vec<usize> = (0..items.len()).collect();
    sort_indices(&mut from, &|a, b| compare(&items[a], &items[b]));
    // The item at `from[place]` belongs at `place`. Each cycle of places is closed in turn.
    for first in 0..items.len() {
        let mut place = first;
        loop {
            let next = std::mem::replace(&mut from[place], place);
            if next == first {
                break;
            }
            items.swap(place, next);
            place = next;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As the standard library's stable sort: for all lists of up to seven items with three keys, and for long ones.
    #[test]
    fn equal_items_keep_their_order() {
        let is_sorted = |keys: Vec<usize>| {
            let mut items: Vec<(usize, usize)> =
                keys.into_iter().enumerate().map(|(i, key)| (key, i)).collect();
            let mut expected = items.clone();
            expected.sort_by_key(|&(key, _)| key);
            sort(&mut items, |a, b| a.0.cmp(&b.0));
            assert_eq!(items, expected);
        };
        for count in 0..=7 {
            for code in 0..3_usize.pow(count) {
                is_sorted((0..count).map(|digit| code / 3_usize.pow(digit) % 3).collect());
            }
        }
        for keys in [1, 10, 100, 997] {
            is_sorted((0..500).map(|i| i * 7919 % 997 % keys).collect());
        }
    }

    #[test]
    fn indices_by_what_they_stand_for() {
        let values = [2.0, 1.0, 2.0, -0.0, 0.0];
        let mut descending = [0, 1, 2, 3, 4];
        sort_indices(&mut descending, &|a, b| f64::total_cmp(&values[b], &values[a]));
        assert_eq!(descending, [0, 2, 1, 4, 3]);
    }
}
