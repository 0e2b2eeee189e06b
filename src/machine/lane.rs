//! The same entry of several matrices, stored contiguously: the unit of work for batches of small problems.

// Without inlining, these would be compiled for the oldest processor of the architecture.
#![allow(clippy::inline_always)]

use std::ops::{Index, IndexMut};

/// Alignment of a 256-bit register.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(align(32))]
pub(crate) struct Register;

/// Alignment of a cache line, which is also that of a 512-bit register.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(align(64))]
pub(crate) struct Line;

/// `L` contiguous numbers that fill a whole number of registers, aligned as `A` is: a load that straddles two cache
/// lines costs twice as much.
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
