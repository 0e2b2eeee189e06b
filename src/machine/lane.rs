//! The same entry of several matrices side by side: the unit in which batches of small problems run.

// A call of its own would be compiled for the oldest machine.
#![allow(clippy::inline_always)]

use std::ops::{Index, IndexMut};

/// A 256-bit register.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(align(32))]
pub(crate) struct Register;

/// A line of the cache, and a 512-bit register.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(align(64))]
pub(crate) struct Line;

/// `L` numbers side by side, a whole number of registers, aligned as `A` is: a load that straddles two cache lines costs
/// twice.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Lane<const L: usize, A = Register>([f64; L], [A; 0]);

impl<const L: usize, A> Lane<L, A> {
    pub(crate) const ZERO: Self = Self::of([0.0; L]);
    pub(crate) const ONE: Self = Self::of([1.0; L]);

    pub(crate) const fn of(entries: [f64; L]) -> Self {
        Self(entries, [])
    }
}

impl<const L: usize, A> Index<usize> for Lane<L, A> {
    type Output = f64;

    #[inline(always)]
    fn index(&self, lane: usize) -> &f64 {
        &self.0[lane]
    }
}

impl<const L: usize, A> IndexMut<usize> for Lane<L, A> {
    #[inline(always)]
    fn index_mut(&mut self, lane: usize) -> &mut f64 {
        &mut self.0[lane]
    }
}
