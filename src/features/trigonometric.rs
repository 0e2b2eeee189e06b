//! Branch-free cosines and sines, many at a time.
//!
//! ```text
//! cos x = (−1)ᵏ sin r,  r = x − (k − ½) π        sin x = (−1)ᵏ sin r,  r = x − k π        |r| ≤ π/2
//! ```
//! with one polynomial for `sin r`. The reduction is that of W. J. Cody and W. Waite, *Software Manual for the
//! Elementary Functions*, 1980, with fused multiply-adds: `r` is accurate to its last digits even if `x` is next to a
//! multiple of π/2.

// All must be inlined into one function per instruction set.
#![allow(clippy::inline_always)]

use super::elementary::{ROUND, horner};
use crate::machine::instructions::arch;
use std::f64::consts::FRAC_1_PI;

/// Phases computed together: they share the loads of the coefficients, and their chains of operations run in parallel.
/// Rows hold a whole number of groups.
pub(super) const GROUP: usize = 24;

/// 2³⁰. Larger phases are left to `libm`, one at a time. Up to here `k` times the third piece of π is far smaller than
/// the smallest `r` there is (6e-19), and a fourth piece would not matter.
const LARGEST: f64 = 1_073_741_824.0;

/// π in three pieces. `x` minus `k` times the first piece is exact for `|x| ≥ 1`.
#[allow(clippy::approx_constant)]
const PI: [f64; 3] = [std::f64::consts::PI, 1.224_646_799_147_353_2e-16, -2.994_769_809_718_339_7e-33];

/// The coefficients of `(sin(r)/r − 1)/r²` in `r²`; relative error of the sine under 1e-18. Made by
/// `tests/reference/trigonometric.py`.
#[allow(clippy::excessive_precision, clippy::unreadable_literal)]
const SINE: ([f64; 4], [f64; 4]) = (
    [-0.16666666666666666, 0.008333333333333226, -0.00019841269841223974, 2.7557319214097037e-06],
    [-2.5052107173183638e-08, 1.6058955907853242e-10, -7.643434533915066e-13, 2.7260070852573975e-15],
);

/// Computes `(−1)ᵏ sin(x − turns π)`, where `k` is the integer in the last bits of `rounded`.
#[inline(always)]
fn reduced_sine(x: f64, turns: f64, rounded: f64) -> f64 {
    let r = (-turns).mul_add(PI[2], (-turns).mul_add(PI[1], (-turns).mul_add(PI[0], x)));
    let square = r * r;
    let fourth = square * square;
    let series = horner(square, &SINE.1).mul_add(fourth * fourth, horner(square, &SINE.0));
    let sine = (r * square).mul_add(series, r);
    f64::from_bits(sine.to_bits() ^ (rounded.to_bits() << 63))
}

/// Computes `cos x` for `|x|` up to [`LARGEST`].
#[inline(always)]
fn cos(x: f64) -> f64 {
    let rounded = x.mul_add(FRAC_1_PI, 0.5) + ROUND;
    reduced_sine(x, (rounded - ROUND) - 0.5, rounded)
}

/// Computes `sin x` for `|x|` up to [`LARGEST`].
#[inline(always)]
fn sin(x: f64) -> f64 {
    let rounded = x.mul_add(FRAC_1_PI, ROUND);
    reduced_sine(x, rounded - ROUND, rounded)
}

/// Cosine or sine of a phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wave {
    Cosine,
    Sine,
}

impl Wave {
    /// Computes `a cos(t + b)` or `a sin(t + b)` for each entry `t` of a table with rows as long as `phases`, where `a`
    /// is the amplitude and `b` the phase of the column. Calls `write` with the row, the first column and the values of
    /// each group. Returns whether every `t + b` is finite.
    ///
    /// The cosine or sine of the double `t + b` is within 2 units in its last place (the largest error found is 1.86,
    /// in 300,000 values of 200 bits up to 2³⁰, including neighbours of multiples of π/2; beyond 2³⁰ `libm` is within 1
    /// unit). The bits are the same for every instruction set and do not depend on neighbouring entries.
    pub(super) fn apply(
        self,
        table: &[f64],
        (phases, amplitude): (&[f64], f64),
        write: impl FnMut(usize, usize, &[f64; GROUP]),
    ) -> bool {
        match self {
            Self::Cosine => dispatch(table, (phases, amplitude), (cos, libm::cos), write),
            Self::Sine => dispatch(table, (phases, amplitude), (sin, libm::sin), write),
        }
    }
}

fn dispatch(
    table: &[f64],
    (phases, amplitude): (&[f64], f64),
    (near, far): (impl Fn(f64) -> f64, fn(f64) -> f64),
    write: impl FnMut(usize, usize, &[f64; GROUP]),
) -> bool {
    arch().dispatch(Waves { table, phases, amplitude, near, far, write })
}

/// Compiled once per instruction set; the best version that the machine supports runs.
struct Waves<'a, F, W> {
    table: &'a [f64],
    phases: &'a [f64],
    amplitude: f64,
    near: F,
    far: fn(f64) -> f64,
    write: W,
}

impl<F: Fn(f64) -> f64, W: FnMut(usize, usize, &[f64; GROUP])> pulp::WithSimd for Waves<'_, F, W> {
    type Output = bool;

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(mut self, _: S) -> bool {
        let mut finite = true;
        let phases = self.phases.as_chunks::<GROUP>().0;
        for (row, entries) in self.table.chunks_exact(self.phases.len()).enumerate() {
            for (group, (entries, phases)) in entries.as_chunks::<GROUP>().0.iter().zip(phases).enumerate() {
                let mut values = *entries;
                let mut near = true;
                for (value, phase) in values.iter_mut().zip(phases) {
                    *value += *phase;
                    near &= value.abs() <= LARGEST;
                }
                if near {
                    for value in &mut values {
                        *value = (self.near)(*value);
                    }
                } else {
                    // A copy: otherwise `values` would be kept in memory, because a call may write to it.
                    let mut slow = values;
                    finite &= one_by_one(&mut slow, &self.near, self.far);
                    values = slow;
                }
                for value in &mut values {
                    *value *= self.amplitude;
                }
                (self.write)(row, group * GROUP, &values);
            }
        }
        finite
    }
}

/// Computes a group that has phases over [`LARGEST`] in it. Returns whether all are finite.
#[cold]
#[inline(never)]
fn one_by_one(values: &mut [f64], near: impl Fn(f64) -> f64, far: fn(f64) -> f64) -> bool {
    let finite = values.iter().all(|value| value.is_finite());
    for value in values {
        *value = if value.abs() <= LARGEST { near(*value) } else { far(*value) };
    }
    finite
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::stream;
    use dashu_float::FBig;
    use dashu_float::round::mode::HalfEven;
    use rand::RngExt;
    use std::f64::consts::{FRAC_PI_2, FRAC_PI_6};

    type Number = FBig<HalfEven, 2>;

    /// Doubles that come within 6e-19 to 2e-16 of a multiple of π/2, made by `tests/reference/trigonometric.py hard`.
    #[allow(clippy::approx_constant, clippy::unreadable_literal)]
    const HARD: [f64; 12] = [
        1.5707963267948966,
        3.141592653589793,
        4.71238898038469,
        45.553093477052,
        91.106186954104,
        364.424747816416,
        321307.9594422229,
        1698673.2849629424,
        14461176.67027838,
        28922353.34055676,
        231378826.72445408,
        925515306.8978163,
    ];

    fn apply(wave: Wave, values: &[f64]) -> Vec<f64> {
        let mut table = values.to_vec();
        table.resize(values.len().next_multiple_of(GROUP), 0.0);
        let (mut found, finite) = times(wave, 1.0, &table);
        assert!(finite);
        found.truncate(values.len());
        found
    }

    /// Applies `wave` to a table in rows of two groups, or of one.
    fn times(wave: Wave, amplitude: f64, table: &[f64]) -> (Vec<f64>, bool) {
        let width = if table.len().is_multiple_of(2 * GROUP) { 2 * GROUP } else { GROUP };
        let mut found = vec![f64::NAN; table.len()];
        let finite = wave.apply(table, (&vec![0.0; width], amplitude), |row, column, values| {
            found[row * width + column..][..GROUP].copy_from_slice(values);
        });
        (found, finite)
    }

    /// The distance from the exact value, in units in its last place.
    fn units(found: f64, exact: &Number) -> f64 {
        let size = exact.to_f64().value().abs();
        let unit = size.next_up() - size;
        let off = Number::try_from(found).unwrap().with_precision(200).value() - exact;
        off.to_f64().value().abs() / unit
    }

    fn number(x: f64) -> Number {
        Number::try_from(x).unwrap().with_precision(200).value()
    }

    /// Arguments of every size up to [`LARGEST`], and next to multiples of π/6 and π/2, where errors of the cosine, the
    /// sine or the reduced argument are largest.
    fn arguments() -> Vec<f64> {
        let mut rng = stream(1, 0, 0);
        let mut all: Vec<f64> =
            HARD.into_iter().chain([0.5, 1.0, LARGEST, f64::MIN_POSITIVE, 5e-324]).collect();
        for _ in 0..1500 {
            all.push(2f64.powf(rng.random_range(-40.0..30.0)));
            all.push(rng.random_range(0.0..7.0));
        }
        for step in [FRAC_PI_2, FRAC_PI_6] {
            for _ in 0..400 {
                let turns = 2f64.powf(rng.random_range(0.0..29.0)).round();
                let close = turns * step;
                all.extend([close.next_down(), close, close.next_up()]);
            }
        }
        all.retain(|x| *x <= LARGEST);
        let negative: Vec<f64> = all.iter().map(|x| -x).collect();
        all.extend(negative);
        all
    }

    #[test]
    fn values_agree_with_200_bits() {
        let arguments = arguments();
        for wave in [Wave::Cosine, Wave::Sine] {
            let (mut worst, mut at, mut smallest) = (0.0, 0.0, 1.0_f64);
            for (x, found) in arguments.iter().zip(apply(wave, &arguments)) {
                let exact = if wave == Wave::Cosine { number(*x).cos() } else { number(*x).sin() };
                let off = units(found, &exact);
                if off > worst {
                    (worst, at) = (off, *x);
                }
                smallest = smallest.min(if x.abs() > 1.0 { exact.to_f64().value().abs() } else { 1.0 });
            }
            println!("{wave:?}: {worst:.3} units at most, at {at:e}; the smallest value is {smallest:.1e}");
            assert!(worst < 2.0, "{wave:?}: {worst} units at {at:e}");
            assert!(smallest < 2e-18, "the arguments are no test of the reduction: {smallest:e}");
        }
    }

    #[test]
    fn values_agree_with_another_library() {
        let mut rng = stream(2, 0, 0);
        let arguments: Vec<f64> = (0..300_000)
            .map(|_| 2f64.powf(rng.random_range(-10.0..30.0)) * if rng.random() { 1.0 } else { -1.0 })
            .collect();
        for (wave, other) in [(Wave::Cosine, libm::cos as fn(f64) -> f64), (Wave::Sine, libm::sin)] {
            for (x, found) in arguments.iter().zip(apply(wave, &arguments)) {
                let expected = other(*x);
                let unit = expected.abs().next_up() - expected.abs();
                assert!((found - expected).abs() <= 3.0 * unit, "{wave:?} at {x:e}: {found:e}, {expected:e}");
            }
        }
    }

    #[test]
    fn a_value_does_not_depend_on_its_neighbours() {
        for wave in [Wave::Cosine, Wave::Sine] {
            let alone = apply(wave, &[1e3]);
            let mut group: Vec<f64> = (0..35).map(|i| f64::from(i) * 1e3).collect();
            assert_eq!(apply(wave, &group)[1], alone[0]);
            group[5] = 1e300; // beyond the fast reduction
            let values = apply(wave, &group);
            assert_eq!(values[1], alone[0]);
            assert_eq!(values[5], if wave == Wave::Cosine { libm::cos(1e300) } else { libm::sin(1e300) });
            group[5] = 0.0;
            assert_eq!(apply(wave, &group)[6..], values[6..]);
        }
    }

    #[test]
    fn phases_that_are_not_finite_are_reported() {
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            for place in [0, 20, 25, 47] {
                let mut table = [1.0; 2 * GROUP];
                table[place] = bad;
                assert!(!times(Wave::Cosine, 1.0, &table).1);
            }
        }
        let table = [f64::MAX; GROUP];
        let finite = Wave::Sine.apply(&table, (&[f64::MAX; GROUP], 1.0), |_, _, _| {});
        assert!(!finite, "the sum overflows");
        let (found, finite) = times(Wave::Sine, 2.0, &table);
        assert!(finite);
        assert!(found.iter().all(|v| *v == 2.0 * libm::sin(f64::MAX)));
    }
}
