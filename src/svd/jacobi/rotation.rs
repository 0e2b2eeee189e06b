//! Plane rotations on lanes.

// Loops over lanes index several arrays at once; all must be inlined into one function per instruction
// set (see `Factorise`).
#![allow(clippy::inline_always, clippy::needless_range_loop)]

use crate::machine::lane::Lane;

/// A sweep is the last if all its rotations were this small, both in angle and in the cosine that they removed: each
/// disturbs the orthogonality achieved by the others by at most the product, under 1e-18.
const FINE: f64 = 1e-9;

/// One plane rotation per lane, with the resulting squared norms of its two columns.
#[derive(Clone, Copy)]
pub(super) struct Rotation<const L: usize, A: Copy> {
    cos: Lane<L, A>,
    sin: Lane<L, A>,
    pub(super) squares: (Lane<L, A>, Lane<L, A>),
}

/// Summary of a sweep's rotations: all bits are set in the lanes where at least one rotation had the property.
pub(super) struct Turns<const L: usize> {
    /// Some columns were not orthogonal yet.
    pub(super) rotated: [u64; L],
    /// Columns were further from orthogonal than [`FINE`], or in the wrong order.
    pub(super) coarse: [u64; L],
}

/// `a` in the lanes where all bits of the mask are set, `b` where none is. (An `if` in each lane would make the
/// compiler write to memory.)
#[inline(always)]
fn choose(mask: u64, a: f64, b: f64) -> f64 {
    f64::from_bits(a.to_bits() & mask | b.to_bits() & !mask)
}

#[inline(always)]
fn mask(condition: bool) -> u64 {
    u64::from(condition).wrapping_neg()
}

impl<const L: usize, A: Copy> Rotation<L, A> {
    pub(super) const IDENTITY: Self =
        Self { cos: Lane::ONE, sin: Lane::ZERO, squares: (Lane::ZERO, Lane::ZERO) };

    /// Orthogonalises two columns and puts the longer one first (de Rijk's order, which saves
    /// sweeps). Lanes where both hold already get exactly the identity, so what a lane computes does not
    /// depend on how long the others take.
    #[inline(always)]
    pub(super) fn new(
        (first, second): (Lane<L, A>, Lane<L, A>),
        inner: Lane<L, A>,
        tolerance: Lane<L, A>,
        turns: &mut Turns<L>,
    ) -> Self {
        let mut rotation = Self::IDENTITY;
        let (mut rotated, mut coarse) = ([0; L], [0; L]);
        // Late sweeps rotate few pairs, and roots and quotients take as long as everything else.
        let mut moves = 0;
        for lane in 0..L {
            let (a, b, g) = (first[lane], second[lane], inner[lane]);
            let is_open = mask(tolerance[lane] < f64::INFINITY);
            moves |= mask(g * g > tolerance[lane] * a * b) | mask(a < b) & is_open;
        }
        if moves == 0 {
            return Self { squares: (first, second), ..rotation };
        }
        for lane in 0..L {
            let (a, b, g) = (first[lane], second[lane], inner[lane]);
            // The squared cosine of the columns' angle is g² / (a b).
            let turn = g * g > tolerance[lane] * a * b;
            // The smaller root t of g t² + (b − a) t − g. Without a rotation it may be 0/0, and is not used.
            let gap = b - a;
            let tangent = (2.0 * g).copysign(g * gap) / (gap.abs() + (gap * gap + 4.0 * g * g).sqrt());
            let t = choose(mask(turn), tangent, 0.0);
            let c = 1.0 / (1.0 + t * t).sqrt();
            let s = c * t;
            let (long, short) = (a - t * g, b + t * g);
            let swap = mask(long < short) & mask(tolerance[lane] < f64::INFINITY);
            rotation.cos[lane] = choose(swap, s, c);
            rotation.sin[lane] = choose(swap, -c, s);
            rotation.squares.0[lane] = choose(swap, short, long);
            rotation.squares.1[lane] = choose(swap, long, short);
            rotated[lane] = mask(turn);
            coarse[lane] = swap | mask(t.abs() > FINE) | mask(g * g > FINE * FINE * a * b);
        }
        for lane in 0..L {
            turns.rotated[lane] |= rotated[lane];
            turns.coarse[lane] |= coarse[lane];
        }
        rotation
    }

    /// Whether it is the identity in every lane.
    #[inline(always)]
    pub(super) fn is_identity(&self) -> bool {
        let mut bits = 0;
        for lane in 0..L {
            bits |= self.sin[lane].to_bits();
        }
        bits << 1 == 0
    }

    #[inline(always)]
    pub(super) fn apply(&self, first: &mut [Lane<L, A>], second: &mut [Lane<L, A>]) {
        for (x, y) in first.iter_mut().zip(second) {
            for lane in 0..L {
                let (a, b) = (x[lane], y[lane]);
                x[lane] = self.cos[lane].mul_add(a, -(self.sin[lane] * b));
                y[lane] = self.cos[lane].mul_add(b, self.sin[lane] * a);
            }
        }
    }
}
