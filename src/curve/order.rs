//! Order statistics of several groups of numbers at once, one group per SIMD lane. This needs no branch prediction;
//! sorting one group after another mispredicts half of its branches.

// Loops over lanes index several arrays at once, and everything must be inlined into one function per instruction set.
#![allow(clippy::inline_always, clippy::needless_range_loop)]

use crate::machine::instructions::arch;

/// Groups sorted together: eight lanes are one 512-bit or two 256-bit registers.
const LANES: usize = 8;

/// Largest group sorted in lanes. Beyond it, sorting each group alone takes fewer steps and is as fast.
const MOST: usize = 256;

/// Longest tail kept sorted in lanes, where every step moves the whole list. A longer list is rarely moved as a whole.
const FEW: usize = 8;

/// Minimum, lower quartile, median, upper quartile and maximum of a group.
pub(super) type Five = [f64; 5];

/// Returns the five numbers of each group. No group may be empty.
pub(super) fn five_numbers(groups: &[&[f64]]) -> Vec<Five> {
    let (mut all, mut keys, mut sorted) = (Vec::with_capacity(groups.len()), Vec::new(), Vec::new());
    for alike in groups.chunk_by(|a, b| a.len() == b.len()) {
        let count = alike[0].len();
        for together in alike.chunks(LANES) {
            if count > MOST || together.len() == 1 {
                for group in together {
                    sorted.clear();
                    sorted.extend_from_slice(group);
                    sorted.sort_unstable_by(f64::total_cmp);
                    all.push(five(count, |place| sorted[place]));
                }
                continue;
            }
            keys.clear();
            keys.extend((0..count).map(|place| {
                std::array::from_fn(|lane| {
                    together.get(lane).map_or(0, |group| key(group[place].to_bits().cast_signed()))
                })
            }));
            arch().dispatch(Sort(&mut keys));
            let at = |lane: usize, place: usize| f64::from_bits(key(keys[place][lane]).cast_unsigned());
            all.extend((0..together.len()).map(|lane| five(count, |place| at(lane, place))));
        }
    }
    all
}

fn five(count: usize, at: impl Fn(usize) -> f64) -> Five {
    let quantile = |q| quantile_of(count, q, &at);
    [at(0), quantile(0.25), quantile(0.5), quantile(0.75), at(count - 1)]
}

/// Returns the quantile of sorted, non-empty values, interpolated linearly (type 7 of Hyndman & Fan 1996).
pub(crate) fn quantile(sorted: &[f64], q: f64) -> f64 {
    quantile_of(sorted.len(), q, |place| sorted[place])
}

#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn quantile_of(count: usize, q: f64, at: impl Fn(usize) -> f64) -> f64 {
    let place = q * (count - 1) as f64;
    let (below, fraction) = (place.floor() as usize, place.fract());
    let above = (below + 1).min(count - 1);
    if fraction == 0.0 {
        return at(below);
    }
    at(below) * (1.0 - fraction) + at(above) * fraction
}

/// Maps a number's bits to an integer that sorts as [`f64::total_cmp`] does, and back.
fn key(bits: i64) -> i64 {
    bits ^ ((bits >> 63).cast_unsigned() >> 1).cast_signed()
}

/// Sorts each lane by Batcher's merge exchange (Knuth, The Art of Computer Programming 3, algorithm 5.2.2M), which
/// compares the same places whatever their values.
struct Sort<'a>(&'a mut [[i64; LANES]]);

impl pulp::WithSimd for Sort<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) {
        let Self(keys) = self;
        let top = keys.len().next_power_of_two() / 2;
        let mut step = top;
        while step > 0 {
            let (mut reach, mut odd, mut apart) = (top, 0, step);
            loop {
                for low in (0..keys.len().saturating_sub(apart)).filter(|low| low & step == odd) {
                    let (a, b) = (keys[low], keys[low + apart]);
                    for lane in 0..LANES {
                        keys[low][lane] = a[lane].min(b[lane]);
                        keys[low + apart][lane] = a[lane].max(b[lane]);
                    }
                }
                if reach == step {
                    break;
                }
                (apart, reach, odd) = (reach - step, reach / 2, step);
            }
            step /= 2;
        }
    }
}

/// Returns the quantiles `tail` and `1 − tail` of each row of `length` unsorted values. For a small `tail`: only the
/// ends are sorted.
#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
pub(super) fn tail_quantiles(rows: &[f64], length: usize, tail: f64) -> Vec<(f64, f64)> {
    let place = tail * (length - 1) as f64;
    let needed = (place.floor() as usize + 2).min(length);
    let between = |end: &dyn Fn(usize) -> f64| {
        let last = needed.min(2);
        quantile_of(last, place.fract(), |i| end(needed - last + i))
    };
    let mut all = Vec::with_capacity(rows.len() / length);
    let mut eights = rows.chunks_exact(if needed > FEW { usize::MAX } else { LANES * length });
    for rows in &mut eights {
        let mut ends = [[[0.0; LANES]; FEW]; 2];
        let [low, high] = &mut ends;
        arch().dispatch(Ends { rows, length, low: &mut low[..needed], high: &mut high[..needed] });
        let of = |lane: usize| (between(&|i| ends[0][i][lane]), between(&|i| ends[1][i][lane]));
        all.extend((0..LANES).map(of));
    }
    let (mut low, mut high) = (vec![0.0; needed], vec![0.0; needed]);
    for row in eights.remainder().chunks_exact(length) {
        low.fill(f64::INFINITY);
        high.fill(f64::NEG_INFINITY);
        for &value in row {
            insert_before(&mut low, |held| value < held, value);
            insert_before(&mut high, |held| value > held, value);
        }
        all.push((between(&|i| low[i]), between(&|i| high[i])));
    }
    all
}

/// Inserts `value` into a short sorted list before all values that it beats; the last one drops out.
fn insert_before(list: &mut [f64], beats: impl Fn(f64) -> bool, value: f64) {
    let Some(mut place) = list.len().checked_sub(1) else { return };
    if !beats(list[place]) {
        return;
    }
    while place > 0 && beats(list[place - 1]) {
        list[place] = list[place - 1];
        place -= 1;
    }
    list[place] = value;
}

/// Finds the smallest and the largest values of each row, in order, with one row per lane.
struct Ends<'a> {
    rows: &'a [f64],
    length: usize,
    low: &'a mut [[f64; LANES]],
    high: &'a mut [[f64; LANES]],
}

impl pulp::WithSimd for Ends<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) {
        let Self { rows, length, low, high } = self;
        low.fill([f64::INFINITY; LANES]);
        high.fill([f64::NEG_INFINITY; LANES]);
        for at in 0..length {
            let values: [f64; LANES] = std::array::from_fn(|lane| rows[lane * length + at]);
            let (mut small, mut large) = (values, values);
            for held in &mut *low {
                for lane in 0..LANES {
                    let (a, b) = (small[lane], held[lane]);
                    (held[lane], small[lane]) = if a < b { (a, b) } else { (b, a) };
                }
            }
            for held in &mut *high {
                for lane in 0..LANES {
                    let (a, b) = (large[lane], held[lane]);
                    (held[lane], large[lane]) = if a > b { (a, b) } else { (b, a) };
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Unsorted numbers, some of them equal, with the special values that a cell may hold.
    fn numbers(count: usize) -> Vec<f64> {
        let number = |i: usize| match (i * 7919 + 13) % 101 {
            3 => -0.0,
            4 => f64::NAN,
            5 => f64::INFINITY,
            k => (k % 40) as f64 - 17.5,
        };
        (0..count).map(number).collect()
    }

    #[test]
    fn quantiles_as_type_7() {
        let sorted = [1.0, 2.0, 4.0, 8.0];
        assert_eq!(quantile(&sorted, 0.0), 1.0);
        assert_eq!(quantile(&sorted, 0.5), 3.0);
        assert_eq!(quantile(&sorted, 0.25), 1.75);
        assert_eq!(quantile(&sorted, 1.0), 8.0);
        assert_eq!(quantile(&[5.0], 0.3), 5.0);
        for tail in [0.0, 0.1, 0.3] {
            let expected = (quantile(&sorted, tail), quantile(&sorted, 1.0 - tail));
            let (low, high) = tail_quantiles(&[4.0, 1.0, 8.0, 2.0], 4, tail)[0];
            assert!((low - expected.0).abs() + (high - expected.1).abs() < 1e-14);
        }
        assert_eq!(tail_quantiles(&[5.0], 1, 0.025), [(5.0, 5.0)]);
    }

    /// Sorting in lanes and alone gives the same bits.
    #[test]
    fn groups_side_by_side_are_as_each_alone() {
        let bits = |five: &Five| five.map(f64::to_bits);
        for count in [1, 2, 3, 5, 8, 17, 50, 64, 200, 256, 300] {
            let all = numbers(19 * count);
            let groups: Vec<&[f64]> = all.chunks_exact(count).collect();
            let together = five_numbers(&groups);
            assert_eq!(together.len(), 19);
            for (group, five) in groups.iter().zip(&together) {
                assert_eq!(bits(&five_numbers(&[group])[0]), bits(five), "{count}");
            }
        }
        // Groups of other sizes in between.
        let all = numbers(60);
        let groups = [&all[..9], &all[9..18], &all[18..20], &all[20..29], &all[29..38]];
        for (group, five) in groups.iter().zip(five_numbers(&groups)) {
            assert_eq!(bits(&five_numbers(&[group])[0]), bits(&five));
        }
    }

    #[test]
    fn rows_side_by_side_have_the_tails_of_each_alone() {
        for (length, tail) in
            [(1, 0.025), (2, 0.4), (5, 0.1), (40, 0.025), (200, 0.025), (300, 0.025), (90, 0.1)]
        {
            let rows: Vec<f64> = numbers(21 * length).into_iter().rev().collect();
            let together = tail_quantiles(&rows, length, tail);
            assert_eq!(together.len(), 21);
            for (row, &(low, high)) in rows.chunks_exact(length).zip(&together) {
                let alone = tail_quantiles(row, length, tail)[0];
                assert_eq!(
                    (low.to_bits(), high.to_bits()),
                    (alone.0.to_bits(), alone.1.to_bits()),
                    "{length}"
                );
            }
        }
    }
}
