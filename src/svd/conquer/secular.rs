//! The roots of the secular equation, computed several at a time, one per SIMD lane.

// All must be inlined into one function per instruction set.
#![allow(clippy::inline_always)]

use super::super::registers::WHOLE;
use crate::machine::instructions::arch;
use pulp::Simd;

/// If a lane's step is this small relative to its distance from the nearest pole, the next step, which would be about
/// its square, is below rounding error.
const FINE: f64 = 1e-9;

/// A root takes about four steps; bisection alone would take 110.
const MAX_STEPS: usize = 128;

/// `K` poles `0 = d₀ < d₁ < …`, weights `z`, and the roots `ω` of
/// ```text
/// f(ω) = 1 + Σⱼ zⱼ² / (dⱼ² − ω²),     dᵢ < ωᵢ < dᵢ₊₁,     ω_{K−1}² < d_{K−1}² + ‖z‖²
/// ```
/// each stored as the nearer of its two poles and the shift from it, so that `dⱼ − ωᵢ` is fully accurate.
#[derive(Debug, Default)]
pub(super) struct Secular {
    /// The poles, then a bound on the last root, then padding.
    pub(super) poles: Vec<f64>,
    pub(super) z: Vec<f64>,
    /// The poles on both sides of each root, and the gaps between them, stored separately because the last pole and its
    /// bound may be the same number.
    sides: [Vec<f64>; 2],
    gaps: Vec<f64>,
    /// The index of each root; padded with that of the last.
    pub(super) index: Vec<f64>,
    pub(super) nearest: Vec<f64>,
    pub(super) shift: Vec<f64>,
}

impl Secular {
    pub(super) fn clear(&mut self) {
        self.poles.clear();
        self.z.clear();
    }

    pub(super) fn push(&mut self, pole: f64, z: f64) {
        self.poles.push(pole);
        self.z.push(z);
    }

    /// Number of poles.
    pub(super) fn count(&self) -> usize {
        self.z.len()
    }

    pub(super) fn root(&self, i: usize) -> f64 {
        self.nearest[i] + self.shift[i]
    }

    /// Finds all roots; returns `false` if one did not converge.
    pub(super) fn solve(&mut self) -> bool {
        let count = self.count();
        let whole = count.next_multiple_of(WHOLE);
        let square: f64 = self.z.iter().map(|z| z * z).sum();
        let last = self.poles[count - 1];
        // An eighth above the bound, because the only root of a single pole lies on it.
        let bound = last.mul_add(last, 1.125 * square).sqrt();
        self.poles.push(bound);
        for (side, shift) in self.sides.iter_mut().zip([0, 1]) {
            side.clear();
            side.extend((0..whole).map(|i| self.poles[i.min(count - 1) + shift]));
        }
        self.gaps.clear();
        self.gaps.extend(self.poles.windows(2).map(|pair| pair[1] - pair[0]));
        self.gaps[count - 1] = 1.125 * square / (last + bound);
        self.gaps.resize(whole, self.gaps[count - 1]);
        self.index.clear();
        self.index.extend((0..whole).map(|i| i.min(count - 1) as f64));
        // Padding far from every root.
        self.poles.resize((count + 1).next_multiple_of(WHOLE), 4.0 * self.poles[count]);
        self.nearest.resize(whole, 0.0);
        self.shift.resize(whole, 0.0);
        arch().dispatch(Solve(self))
    }
}

struct Solve<'a>(&'a mut Secular);

impl pulp::WithSimd for Solve<'_> {
    type Output = bool;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> bool {
        let Self(Secular { poles, z, sides, gaps, index, nearest, shift }) = self;
        let whole = index.len();
        let [left, right] = [&sides[0], &sides[1]].map(|side| S::as_simd_f64s(side).0);
        let (gaps, index) = (S::as_simd_f64s(gaps).0, S::as_simd_f64s(index).0);
        let nearest = S::as_mut_simd_f64s(&mut nearest[..whole]).0;
        let shift = S::as_mut_simd_f64s(&mut shift[..whole]).0;
        let mut is_done = true;
        for group in 0..z.len().div_ceil(S::F64_LANES) {
            let lanes = Lanes {
                simd,
                poles: &poles[..z.len()],
                z,
                first: group * S::F64_LANES,
                index: index[group],
                left: left[group],
                right: right[group],
                gap: gaps[group],
            };
            let (pole, found, is_found) = lanes.solve();
            (nearest[group], shift[group]) = (pole, found);
            is_done &= is_found;
        }
        is_done
    }
}

/// The roots in one register.
struct Lanes<'a, S: Simd> {
    simd: S,
    poles: &'a [f64],
    z: &'a [f64],
    /// The index of the first root, and those of all roots.
    first: usize,
    index: S::f64s,
    /// The poles on both sides.
    left: S::f64s,
    right: S::f64s,
    gap: S::f64s,
}

/// `ψ`, the sum over the poles on the left, `φ`, the sum on the right, and their derivatives with respect to `ω²`.
struct Values<S: Simd> {
    psi: S::f64s,
    phi: S::f64s,
    psi_slope: S::f64s,
    phi_slope: S::f64s,
}

impl<S: Simd> Lanes<'_, S> {
    /// Returns the nearest poles, the shifts from them, and whether all converged.
    #[inline(always)]
    fn solve(&self) -> (S::f64s, S::f64s, bool) {
        let simd = self.simd;
        let (mut start, nearest) = self.start();
        let tolerance = simd.splat_f64s((self.poles.len() as f64 + 8.0) * f64::EPSILON);
        let (one, fine) = (simd.splat_f64s(1.0), simd.splat_f64s(FINE));
        let mut open = one;
        for _ in 0..MAX_STEPS {
            let Bracket { low, high, shift } = start;
            let values = self.values(nearest, shift);
            let f = simd.add_f64s(one, simd.add_f64s(values.psi, values.phi));
            let is_low = simd.less_than_f64s(f, simd.splat_f64s(0.0));
            let (low, high) = (simd.select_f64s(is_low, shift, low), simd.select_f64s(is_low, high, shift));
            let next = self.step(nearest, shift, f, &values);
            let next = self.inside(low, high, next);
            // The stopping criterion of Gu and Eisenstat (1995); the step is taken anyway, and doubles the digits.
            let size = simd.add_f64s(one, simd.sub_f64s(values.phi, values.psi));
            let is_small = simd.less_than_or_equal_f64s(simd.abs_f64s(f), simd.mul_f64s(tolerance, size));
            let step = simd.abs_f64s(simd.sub_f64s(next, shift));
            let is_fine = simd.less_than_or_equal_f64s(step, simd.mul_f64s(fine, simd.abs_f64s(next)));
            let is_open = simd.greater_than_f64s(open, simd.splat_f64s(0.0));
            start = Bracket { low, high, shift: simd.select_f64s(is_open, next, shift) };
            let still = simd.select_f64s(is_fine, simd.splat_f64s(0.0), open);
            open = simd.select_f64s(is_small, simd.splat_f64s(0.0), still);
            if simd.reduce_max_f64s(open) == 0.0 {
                return (nearest, start.shift, true);
            }
        }
        (nearest, start.shift, false)
    }

    /// Starts from the value halfway between the poles: it tells which half holds the root, and where the root would be
    /// if only the two neighbouring poles' terms varied.
    #[inline(always)]
    fn start(&self) -> (Bracket<S>, S::f64s) {
        let simd = self.simd;
        let (zero, half) = (simd.splat_f64s(0.0), simd.splat_f64s(0.5));
        let (left, right) = (self.left, self.right);
        let gap = self.gap;
        let middle = simd.mul_f64s(half, gap);
        let values = self.values(left, middle);
        let f = simd.add_f64s(simd.splat_f64s(1.0), simd.add_f64s(values.psi, values.phi));
        let is_left = simd.greater_than_or_equal_f64s(f, zero);
        // The last root has no pole on its right.
        let last = simd.splat_f64s(self.poles.len() as f64 - 1.0);
        let is_last = simd.greater_than_or_equal_f64s(self.index, last);
        let from_left = simd.or_m64s(is_left, is_last);
        let nearest = simd.select_f64s(from_left, left, right);
        let low = simd.select_f64s(from_left, simd.select_f64s(is_left, zero, middle), simd.neg_f64s(middle));
        let high = simd.select_f64s(from_left, simd.select_f64s(is_left, middle, gap), zero);
        let [z_left, z_right] = self.neighbours();
        let squares = [simd.mul_f64s(z_left, z_left), simd.mul_f64s(z_right, z_right)];
        let omega = simd.add_f64s(left, middle);
        let terms = [
            simd.div_f64s(squares[0], simd.mul_f64s(simd.neg_f64s(middle), simd.add_f64s(left, omega))),
            simd.div_f64s(squares[1], simd.mul_f64s(middle, simd.add_f64s(right, omega))),
        ];
        let c = simd.sub_f64s(f, simd.add_f64s(terms[0], terms[1]));
        // c t² − a t + b = 0 for t = ω² minus the square of the nearest pole.
        let wide = simd.mul_f64s(gap, simd.add_f64s(left, right));
        let signed = simd.select_f64s(from_left, wide, simd.neg_f64s(wide));
        let a = simd.mul_add_e_f64s(c, signed, simd.add_f64s(squares[0], squares[1]));
        let b = simd.mul_f64s(simd.select_f64s(from_left, squares[0], squares[1]), signed);
        let shift = self.shifted(nearest, simd.splat_f64s(0.0), self.quadratic(a, b, c));
        let shift = self.inside(low, high, shift);
        (Bracket { low, high, shift }, nearest)
    }

    /// Returns the weights of the poles on both sides of each root.
    #[inline(always)]
    fn neighbours(&self) -> [S::f64s; 2] {
        let simd = self.simd;
        let zero = simd.splat_f64s(0.0);
        let (mut left, mut right) = (zero, zero);
        let to = self.z.len().min(self.first + S::F64_LANES + 1);
        for (j, z) in self.z[..to].iter().enumerate().skip(self.first) {
            let z = simd.splat_f64s(*z);
            left = simd.select_f64s(simd.equal_f64s(self.index, simd.splat_f64s(j as f64)), z, left);
            right = simd.select_f64s(simd.equal_f64s(self.index, simd.splat_f64s(j as f64 - 1.0)), z, right);
        }
        [left, right]
    }

    #[inline(always)]
    fn values(&self, nearest: S::f64s, shift: S::f64s) -> Values<S> {
        let simd = self.simd;
        let zero = simd.splat_f64s(0.0);
        let root = Root { simd, nearest, shift, omega: simd.add_f64s(nearest, shift) };
        let (mut psi, mut phi, mut psi_slope, mut phi_slope) = (zero, zero, zero, zero);
        let count = self.z.len();
        let left = ..=self.first;
        for (pole, z) in self.poles[left].iter().zip(&self.z[left]) {
            let z = simd.splat_f64s(*z);
            let t = simd.div_f64s(z, root.to(simd.splat_f64s(*pole)));
            psi = simd.mul_add_e_f64s(z, t, psi);
            psi_slope = simd.mul_add_e_f64s(t, t, psi_slope);
        }
        let to = count.min(self.first + S::F64_LANES);
        for j in self.first + 1..to {
            let z = simd.splat_f64s(self.z[j]);
            let t = simd.div_f64s(z, root.to(simd.splat_f64s(self.poles[j])));
            let is_left = simd.less_than_or_equal_f64s(simd.splat_f64s(j as f64), self.index);
            let (lower, upper) = (simd.select_f64s(is_left, t, zero), simd.select_f64s(is_left, zero, t));
            psi = simd.mul_add_e_f64s(z, lower, psi);
            psi_slope = simd.mul_add_e_f64s(lower, lower, psi_slope);
            phi = simd.mul_add_e_f64s(z, upper, phi);
            phi_slope = simd.mul_add_e_f64s(upper, upper, phi_slope);
        }
        for (pole, z) in self.poles[to..count].iter().zip(&self.z[to..count]) {
            let z = simd.splat_f64s(*z);
            let t = simd.div_f64s(z, root.to(simd.splat_f64s(*pole)));
            phi = simd.mul_add_e_f64s(z, t, phi);
            phi_slope = simd.mul_add_e_f64s(t, t, phi_slope);
        }
        Values { psi, phi, psi_slope, phi_slope }
    }

    /// Takes one step of the middle way (R.-C. Li, LAPACK working note 89): the root of the function that matches the
    /// values and slopes of `ψ` and `φ`, each with the nearest pole on its side.
    #[inline(always)]
    fn step(&self, nearest: S::f64s, shift: S::f64s, f: S::f64s, values: &Values<S>) -> S::f64s {
        let simd = self.simd;
        let omega = simd.add_f64s(nearest, shift);
        // d² − ω² on both sides.
        let (zero, is_left) = (simd.splat_f64s(0.0), simd.equal_f64s(nearest, self.left));
        let to_left = simd.sub_f64s(simd.select_f64s(is_left, zero, simd.neg_f64s(self.gap)), shift);
        let to_right = simd.sub_f64s(simd.select_f64s(is_left, self.gap, zero), shift);
        let left = simd.mul_f64s(to_left, simd.add_f64s(self.left, omega));
        let right = simd.mul_f64s(to_right, simd.add_f64s(self.right, omega));
        let both = simd.mul_f64s(left, right);
        let slope = simd.add_f64s(values.psi_slope, values.phi_slope);
        let c = simd.negate_mul_add_e_f64s(left, values.psi_slope, f);
        let c = simd.negate_mul_add_e_f64s(right, values.phi_slope, c);
        let a = simd.negate_mul_add_e_f64s(both, slope, simd.mul_f64s(simd.add_f64s(left, right), f));
        let b = simd.mul_f64s(both, f);
        self.shifted(nearest, shift, self.quadratic(a, b, c))
    }

    /// Returns the root of `c t² − a t + b` between the poles.
    #[inline(always)]
    fn quadratic(&self, a: S::f64s, b: S::f64s, c: S::f64s) -> S::f64s {
        let simd = self.simd;
        let four = simd.mul_f64s(simd.splat_f64s(-4.0), b);
        let root = simd.sqrt_f64s(simd.abs_f64s(simd.mul_add_e_f64s(four, c, simd.mul_f64s(a, a))));
        let is_positive = simd.greater_than_f64s(a, simd.splat_f64s(0.0));
        let above = simd.select_f64s(is_positive, simd.add_f64s(b, b), simd.sub_f64s(a, root));
        let below = simd.select_f64s(is_positive, simd.add_f64s(a, root), simd.add_f64s(c, c));
        simd.div_f64s(above, below)
    }

    /// Returns the shift after `ω²` has grown by `growth`.
    #[inline(always)]
    fn shifted(&self, nearest: S::f64s, shift: S::f64s, growth: S::f64s) -> S::f64s {
        let simd = self.simd;
        let omega = simd.add_f64s(nearest, shift);
        let root = simd.sqrt_f64s(simd.mul_add_e_f64s(omega, omega, growth));
        simd.add_f64s(shift, simd.div_f64s(growth, simd.add_f64s(omega, root)))
    }

    /// Returns the shift if it is within its bounds and off the pole; otherwise, or if it is NaN, the midpoint of the
    /// bounds.
    #[inline(always)]
    fn inside(&self, low: S::f64s, high: S::f64s, shift: S::f64s) -> S::f64s {
        let simd = self.simd;
        let is_off = simd.greater_than_f64s(simd.abs_f64s(shift), simd.splat_f64s(0.0));
        let is_over = simd.and_m64s(is_off, simd.greater_than_or_equal_f64s(shift, low));
        let is_inside = simd.and_m64s(is_over, simd.less_than_or_equal_f64s(shift, high));
        let middle = simd.mul_f64s(simd.splat_f64s(0.5), simd.add_f64s(low, high));
        simd.select_f64s(is_inside, shift, middle)
    }
}

/// `ω`, one per lane.
struct Root<S: Simd> {
    simd: S,
    nearest: S::f64s,
    shift: S::f64s,
    omega: S::f64s,
}

impl<S: Simd> Root<S> {
    /// `d² − ω²`.
    #[inline(always)]
    fn to(&self, pole: S::f64s) -> S::f64s {
        let simd = self.simd;
        let difference = simd.sub_f64s(simd.sub_f64s(pole, self.nearest), self.shift);
        simd.mul_f64s(difference, simd.add_f64s(pole, self.omega))
    }
}

/// Shifts and their bounds.
struct Bracket<S: Simd> {
    low: S::f64s,
    high: S::f64s,
    shift: S::f64s,
}
