//! The expected noise term, nested.
//!
//! With a root `S` of Σ the term is `‖S X⁺‖²_F = ‖T‖²_F`, `T` (`P × r`) what `S X⁺` is in the coordinates of the
//! triangle. It is carried along a column at a time:
//!
//! ```text
//!                  rows appended                         columns appended
//! T                S Qᵀ L⁻¹                              S W L⁻ᵀ
//! independent      [T − (S q)(mᵀ L⁻¹)/ρ   S q/ρ]         [T   (s − T m)/ρ]
//! dependent        rotated with the rows of [L⁻ᵀ; 0]     T + γ b (L⁻¹ L⁻ᵀ m)ᵀ
//! ```
//!
//! where `[m ρ]` is the new row of `L`, `s` the new column of `S`, and the rotations end in the product `γ` of their
//! cosines and the remainder `b` of `s`. A solve for `T` loses `log₁₀ κ` digits. So do these steps while `T` and
//! `L⁻¹` grow; where they shrink, past a threshold, what is carried remembers the larger ones. So `T` is solved for
//! afresh wherever `‖T‖` or `‖L⁻¹‖` has halved since, and after `r` rotations in any case.

use super::block::as_columns;
use super::fit::Noise;
use super::triangle::{Triangle, axpy, rotate, square};
use ndarray::Array2;

/// `T`, column by column.
#[derive(Clone, Debug, Default)]
pub(super) struct Carried {
    columns: Vec<Vec<f64>>,
    /// The largest `‖T‖²` since `T` was solved for.
    largest: f64,
    /// The largest `‖L⁻¹‖` since then.
    inverse: f64,
    /// Rotations since then.
    age: usize,
}

impl Carried {
    fn squares(&self) -> f64 {
        self.columns.iter().map(|column| square(column)).sum()
    }

    /// `‖T‖²` if `T` is as good as new.
    fn current(&mut self, inverse: f64) -> Option<f64> {
        let squares = self.squares();
        self.largest = self.largest.max(squares);
        self.inverse = self.inverse.max(inverse);
        let is_good = squares >= self.largest / 4.0
            && inverse >= self.inverse / 2.0
            && self.age <= self.columns.len().max(16);
        is_good.then_some(squares)
    }
}

impl Noise {
    /// Takes in a row with the coordinates `m` and a new direction `q`, of length `rho`, before the triangle does.
    pub(super) fn append_row(&mut self, triangle: &Triangle, m: &[f64], (q, rho): (&[f64], f64)) {
        let image = self.image(q);
        if let Some(carried) = &mut self.carried {
            let along = triangle.backward(m);
            for (column, along) in carried.columns.iter_mut().zip(along) {
                axpy(column, -along / rho, &image);
            }
            carried.columns.push(image.iter().map(|v| v / rho).collect());
        }
        self.images.push(image);
    }

    /// What [`Noise::rotate_row`] rotates against.
    pub(super) fn new_row(&mut self) -> Vec<f64> {
        self.carried.iter_mut().for_each(|carried| carried.age += 1);
        vec![0.0; self.root.nrows()]
    }

    /// The `i`-th rotation of a dependent row.
    pub(super) fn rotate_row(&mut self, i: usize, rest: &mut [f64], cos: f64, sin: f64) {
        if let Some(carried) = &mut self.carried {
            rotate(&mut carried.columns[i], rest, cos, sin);
        }
    }

    /// Takes in a column with the coordinates `m`, `rho` out of the space so far, and its image.
    pub(super) fn append_column(&mut self, m: &[f64], rho: f64, image: Vec<f64>) {
        if let Some(carried) = &mut self.carried {
            let mut column = image.clone();
            for (known, m) in carried.columns.iter().zip(m) {
                axpy(&mut column, -m, known);
            }
            carried.columns.push(column.into_iter().map(|v| v / rho).collect());
        }
        self.images.push(image);
    }

    /// `L⁻¹ L⁻ᵀ m` for a dependent column, before the triangle takes it in.
    pub(super) fn new_column(&self, triangle: &Triangle, m: &[f64]) -> Vec<f64> {
        self.carried.as_ref().map_or_else(Vec::new, |_| triangle.forward(&triangle.backward(m)))
    }

    /// Takes in a dependent column after the triangle did.
    pub(super) fn update_column(&mut self, along: &[f64], gamma: f64, rest: &[f64]) {
        let Some(carried) = &mut self.carried else { return };
        carried.age += 1;
        for (column, along) in carried.columns.iter_mut().zip(along) {
            column.resize(rest.len().max(column.len()), 0.0);
            axpy(column, gamma * along, rest);
        }
    }

    /// Forgets what is carried: the triangle changed in another way, or is close to singular.
    pub(super) fn forget(&mut self) {
        self.carried = None;
    }

    /// `‖T‖²`; `solve` takes the images to `Tᵀ`.
    pub(super) fn term(&mut self, triangle: &mut Triangle, solve: fn(&Array2<f64>, &mut Array2<f64>)) -> f64 {
        let inverse = triangle.inverse();
        if let Some(squares) = self.carried.as_mut().and_then(|carried| carried.current(inverse)) {
            return squares;
        }
        let mut solved = self.coordinates();
        solve(&triangle.to_array(), &mut solved);
        let columns = solved.rows().into_iter().map(|row| row.to_vec()).collect();
        let mut fresh = Carried { columns, inverse, ..Carried::default() };
        fresh.largest = fresh.squares();
        self.carried.insert(fresh).largest
    }

    /// The images of the coordinate vectors as rows, `r × P`.
    pub(super) fn coordinates(&self) -> Array2<f64> {
        as_columns(&self.images, self.root.nrows()).reversed_axes()
    }
}
