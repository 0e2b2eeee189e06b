//! The same entry of several matrices side by side: the unit in which batches of small problems run.

// A call of its own would be compiled for the oldest machine.
#![allow(clippy::inline_always)]

use std::ops::{Index, IndexMut};

/// `L` numbers side by side, a whole number of 256-bit registers. Aligned as they are: a load that straddles two
/// cache lines costs twice.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(align(32))]
pub(crate) struct Lane<const L: usize>(pub(crate) [f64; L]);

impl<const L: usize> Lane<L> {
    pub(crate) const ZERO: Self = Self([0.0; L]);
    pub(crate) const ONE: Self = Self([1.0; L]);
}

impl<const L: usize> Index<usize> for Lane<L> {
    type Output = f64;

    #[inline(always)]
    fn index(&self, lane: usize) -> &f64 {
        &self.0[lane]
    }
}

impl<const L: usize> IndexMut<usize> for Lane<L> {
    #[inline(always)]
    fn index_mut(&mut self, lane: usize) -> &mut f64 {
        &mut self.0[lane]
    }
}
