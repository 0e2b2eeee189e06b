//! The steps of a curve, each compiled once per instruction set; the best one that the machine supports runs.

use super::batch::Batch;
use super::images::Images;
use super::lanes::{Lane, Reflected, ZERO, add, square};
use super::terms::Reading;
use super::triangle::{ROWS, Strip, Triangle, Upper};
use crate::machine::instructions::arch;

/// The triangle of the rows or columns so far, with the right-hand sides and workspace for its solves.
pub(super) struct Work<'a, 'x> {
    batch: &'a Batch<'x>,
    pub(super) triangle: Triangle,
    /// `S Qᵀ`, if the triangle has other coordinates than the features, unless `Σ = I`.
    pub(super) images: Option<Images>,
    /// `‖X‖²_F`.
    squares: Lane,
    reciprocals: Vec<Lane>,
    strips: Vec<Strip>,
}

/// A step of the curve.
pub(super) enum Step<'b> {
    /// Row `i` of the reflected rows is appended to the transposed triangle.
    AppendRow(&'b Reflected, usize),
    /// Column `j` of the reflected columns is appended.
    AppendColumn(&'b Reflected, usize),
    /// A row is taken in by rotations.
    AbsorbRow(&'b mut [Lane]),
    /// A column is taken in by rotations, after the reflections; column `j` of the roots goes with it.
    AbsorbColumn(&'b Reflected, &'b mut [Lane], usize),
}

impl<'a, 'x> Work<'a, 'x> {
    /// Starts with a triangle of zeros; solves have at most `largest` columns.
    pub(super) fn new(batch: &'a Batch<'x>, size: usize, largest: usize) -> Self {
        Self {
            batch,
            triangle: Triangle::zeros(size),
            images: None,
            squares: ZERO,
            reciprocals: Vec::new(),
            strips: vec![[ZERO; ROWS]; largest],
        }
    }

    /// Takes a step and returns the noise term.
    pub(super) fn step(&mut self, step: Step<'_>) -> Reading {
        arch().dispatch(Kernel(self, step))
    }

    #[inline(always)]
    fn run(&mut self, step: Step<'_>) -> Reading {
        match step {
            Step::AppendRow(reflected, row) => {
                self.append(reflected, row);
                if let Some(images) = &mut self.images {
                    images.push(&self.batch.image(&reflected.basis(row)));
                }
                let inverse = self.inverse();
                let noise = match &self.images {
                    Some(images) => {
                        images.solve_transposed(&self.triangle, &self.reciprocals, &mut self.strips)
                    }
                    None => inverse,
                };
                Reading { noise, squares: self.squares, inverse }
            }
            Step::AppendColumn(reflected, column) => {
                self.append(reflected, column);
                self.read_upper()
            }
            Step::AbsorbRow(x) => {
                self.squares = add(self.squares, square(x));
                self.triangle.absorb_row(x);
                self.read_upper()
            }
            Step::AbsorbColumn(reflected, x, column) => {
                self.squares = add(self.squares, square(x));
                reflected.apply(x);
                let mut rotations = [(Lane::ONE, ZERO)].repeat(x.len());
                self.triangle.absorb_column(x, &mut rotations);
                if let Some(images) = &mut self.images {
                    images.absorb_column(&self.batch.root_column(column), &rotations);
                }
                let inverse = self.inverse();
                let noise = match &self.images {
                    Some(images) => images.solve(&self.triangle, &self.reciprocals, &mut self.strips),
                    None => inverse,
                };
                Reading { noise, squares: self.squares, inverse }
            }
        }
    }

    #[inline(always)]
    fn append(&mut self, reflected: &Reflected, k: usize) {
        self.triangle.push(reflected.column(k));
        self.squares = add(self.squares, square(self.triangle.column(k)));
    }

    /// `‖R⁻¹‖²_F`.
    #[inline(always)]
    fn inverse(&mut self) -> Lane {
        self.triangle.reciprocals(&mut self.reciprocals);
        self.triangle.solve_upper(&self.reciprocals, Identity, &mut self.strips)
    }

    /// Returns the noise term if the triangle is in the coordinates of the features.
    #[inline(always)]
    fn read_upper(&mut self) -> Reading {
        let inverse = self.inverse();
        let noise = if self.batch.has_root() {
            self.triangle.solve_upper(&self.reciprocals, self.batch, &mut self.strips)
        } else {
            inverse
        };
        Reading { noise, squares: self.squares, inverse }
    }
}

/// Everything it calls is `inline(always)`, and no closure: a separate function would be compiled for the oldest
/// machine.
struct Kernel<'a, 'b, 'c, 'x>(&'b mut Work<'a, 'x>, Step<'c>);

impl pulp::WithSimd for Kernel<'_, '_, '_, '_> {
    type Output = Reading;

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) -> Reading {
        self.0.run(self.1)
    }
}

/// `I`.
struct Identity;

impl Upper for Identity {
    #[inline(always)]
    fn entry(&self, i: usize, j: usize) -> Lane {
        if i == j { Lane::ONE } else { ZERO }
    }
}

impl Upper for &Batch<'_> {
    #[inline(always)]
    fn entry(&self, i: usize, j: usize) -> Lane {
        self.root(i, j)
    }
}
