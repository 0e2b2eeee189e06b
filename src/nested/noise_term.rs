//! The expected noise term, nested.
//!
//! With a root `S` of Σ the term is `‖S X⁺‖²_F = ‖T‖²_F`, where `T` (`P × r`) is `S X⁺` in the coordinates of the
//! triangle. `T` is updated one column at a time:
//!
//! ```text
//!                  rows appended                         columns appended
//! T                S Qᵀ L⁻¹                              S W L⁻ᵀ
//! independent      [T − (S q)(mᵀ L⁻¹)/ρ   S q/ρ]         [T   (s − T m)/ρ]
//! dependent        rotated with the rows of [L⁻ᵀ; 0]     T + γ b (L⁻¹ L⁻ᵀ m)ᵀ
//! ```
//!
//! where `[m ρ]` is the new row of `L`, `s` the new column of `S`, `γ` the product of the rotations' cosines, and `b`
//! the remainder of `s` after them. [`Carried`] says when `T` must be computed afresh.

use super::block::as_columns;
use super::carried::Carried;
use super::fit::Noise;
use super::triangle::{Triangle, axpy, rotate, square};
use ndarray::Array2;

impl Noise {
    /// Takes in a row with coordinates `m` and a new direction `q`, of length `rho`, before the triangle does.
    pub(super) fn append_row(&mut self, triangle: &Triangle, m: &[f64], (q, rho): (&[f64], f64)) {
        let image = self.image(q);
        if let Some(carried) = &mut self.carried {
            let along = triangle.backward(m);
            for (column, along) in carried.vectors.iter_mut().zip(along) {
                axpy(column, -along / rho, &image);
            }
            carried.vectors.push(image.iter().map(|v| v / rho).collect());
        }
        self.images.push(image);
    }

    /// Starts a dependent row and returns the vector that [`Noise::rotate_row`] rotates against.
    pub(super) fn new_row(&mut self) -> Vec<f64> {
        self.carried.iter_mut().for_each(Carried::grow_older);
        vec![0.0; self.root.nrows()]
    }

    /// Applies the `i`-th rotation of a dependent row.
    pub(super) fn rotate_row(&mut self, i: usize, rest: &mut [f64], cos: f64, sin: f64) {
        if let Some(carried) = &mut self.carried {
            rotate(&mut carried.vectors[i], rest, cos, sin);
        }
    }

    /// Takes in a column with coordinates `m`, at distance `rho` from the span so far, and its image.
    pub(super) fn append_column(&mut self, m: &[f64], rho: f64, image: Vec<f64>) {
        if let Some(carried) = &mut self.carried {
            let mut column = image.clone();
            for (known, m) in carried.vectors.iter().zip(m) {
                axpy(&mut column, -m, known);
            }
            carried.vectors.push(column.into_iter().map(|v| v / rho).collect());
        }
        self.images.push(image);
    }

    /// Returns `L⁻¹ L⁻ᵀ m` for a dependent column, before the triangle takes it in.
    pub(super) fn new_column(&self, triangle: &Triangle, m: &[f64]) -> Vec<f64> {
        self.carried.as_ref().map_or_else(Vec::new, |_| triangle.forward(&triangle.backward(m)))
    }

    /// Takes in a dependent column after the triangle did.
    pub(super) fn update_column(&mut self, along: &[f64], gamma: f64, rest: &[f64]) {
        let Some(carried) = &mut self.carried else { return };
        carried.grow_older();
        for (column, along) in carried.vectors.iter_mut().zip(along) {
            column.resize(rest.len().max(column.len()), 0.0);
            axpy(column, gamma * along, rest);
        }
    }

    /// Discards the carried vectors: the triangle changed in another way, or is close to singular.
    pub(super) fn forget(&mut self) {
        self.carried = None;
    }

    /// Returns `‖T‖²`; `solve` turns the images into `Tᵀ`.
    pub(super) fn term(&mut self, triangle: &mut Triangle, solve: fn(&Array2<f64>, &mut Array2<f64>)) -> f64 {
        let inverse = triangle.inverse();
        if let Some(carried) = &mut self.carried {
            let squares = carried.vectors.iter().map(|column| square(column)).sum();
            if carried.is_good(&[squares], inverse) {
                return squares;
            }
        }
        let mut solved = self.coordinates();
        solve(&triangle.to_array(), &mut solved);
        let squares = solved.iter().map(|v| v * v).sum();
        let columns = solved.rows().into_iter().map(|row| row.to_vec()).collect();
        self.carried = Some(Carried::fresh(columns, vec![squares], inverse));
        squares
    }

    /// Returns the images of the coordinate vectors as rows, `r × P`.
    pub(super) fn coordinates(&self) -> Array2<f64> {
        as_columns(&self.images, self.root.nrows()).reversed_axes()
    }
}
