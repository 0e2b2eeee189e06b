//! The SVD by reflections to a bidiagonal matrix and divide and conquer.

mod bidiagonal;
mod columns;
mod deflation;
mod reduction;
mod secular;
mod transform;
mod vectors;

use super::RawSvd;
use bidiagonal::Bidiagonal;
use ndarray::{Array1, Array2, ArrayView2, ShapeBuilder};
use reduction::Reduction;
use std::cell::Cell;
use transform::{Reflections, Triangle};

/// Work space for more entries is not kept.
const KEPT: usize = 1 << 24;

thread_local! {
    /// Work space of the last factorisation on this thread: memory fresh from the system is slow at first touch.
    static SPACE: Cell<Option<Box<Space>>> = const { Cell::new(None) };
}

#[derive(Debug, Default)]
struct Space {
    triangle: Triangle,
    reduction: Reduction,
    bidiagonal: Bidiagonal,
    reflections: Reflections,
    order: Vec<usize>,
}

/// The thin SVD of `x`, which is not empty and has entries of order 1. A long matrix is reduced to a triangle first if
/// `by_triangle`.
pub(super) fn factorise(x: ArrayView2<'_, f64>, by_triangle: bool) -> Result<RawSvd, String> {
    let (n, p) = x.dim();
    // The rows of a square matrix are the columns of its transpose, which are copied faster.
    let is_turned = n < p || n == p && x.is_standard_layout();
    let long = if is_turned { x.reversed_axes() } else { x };
    let mut space = SPACE.take().unwrap_or_default();
    let result = space.factorise(long, by_triangle);
    if n * p <= KEPT {
        SPACE.set(Some(space));
    }
    let Factors { left, sigma, right } = result?;
    let (u, v) = if is_turned { (right, left) } else { (left, right) };
    let (r, shape) = (n.min(p), |e: ndarray::ShapeError| e.to_string());
    Ok(RawSvd {
        u: Array2::from_shape_vec((n, r).f(), u).map_err(shape)?,
        sigma: Array1::from_vec(sigma),
        // V column by column is Vᵀ row by row.
        vt: Array2::from_shape_vec((r, p), v).map_err(shape)?,
    })
}

/// Singular vectors column by column.
struct Factors {
    left: Vec<f64>,
    sigma: Vec<f64>,
    right: Vec<f64>,
}

impl Space {
    /// Of `x` with at least as many rows as columns.
    fn factorise(&mut self, x: ArrayView2<'_, f64>, by_triangle: bool) -> Result<Factors, String> {
        let (rows, columns) = x.dim();
        let Self { triangle, reduction, bidiagonal, reflections, order } = self;
        if by_triangle {
            triangle.factorise(x)?;
            triangle.copy(reduction);
        } else {
            reduction.resize(rows, columns);
            let stride = reduction.stride();
            transform::copy(x, &mut reduction.x, stride);
        }
        reduction.reduce(&mut bidiagonal.diagonal, &mut bidiagonal.above);
        bidiagonal.svd()?;
        order.clear();
        order.extend(0..columns);
        let found = &bidiagonal.sigma;
        order.sort_unstable_by(|&i, &j| found[j].total_cmp(&found[i]));
        let sigma = order.iter().map(|&j| found[j]).collect();
        let gather = |matrix: &[f64], stride: usize, length: usize| {
            let mut all = Vec::with_capacity(length * columns);
            for &j in &*order {
                all.extend_from_slice(&matrix[j * stride..][..columns]);
                all.resize(all.len() + length - columns, 0.0);
            }
            all
        };
        let mut left = gather(&bidiagonal.u, columns, rows);
        let mut right = gather(&bidiagonal.v, columns + 1, columns);
        reflections.left(reduction, &mut left, rows)?;
        reflections.right(reduction, &mut right)?;
        if by_triangle {
            triangle.multiply(&mut left)?;
        }
        Ok(Factors { left, sigma, right })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quick() {
        for (n, p) in [(1usize, 1usize), (2, 2), (3, 2), (3, 3), (4, 4), (5, 5), (7, 7), (8, 8), (9, 9), (16, 12), (17, 17), (33, 33), (48, 48), (100, 70), (101, 101), (300, 300)] {
            for triangle in [false, true] {
                let mut s = 1u64;
                let mut r = || {
                    s = s.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                    ((s >> 11) as f64 / (1u64 << 53) as f64) - 0.5
                };
                let x = Array2::from_shape_simple_fn((n, p), &mut r);
                let raw = factorise(x.view(), triangle).unwrap();
                let us = &raw.u * &raw.sigma;
                let off = (us.dot(&raw.vt) - &x).iter().fold(0.0f64, |a, b| a.max(b.abs()));
                let ortho = |q: ndarray::Array2<f64>| {
                    (q.t().dot(&q) - Array2::<f64>::eye(p)).iter().fold(0.0f64, |a, b| a.max(b.abs()))
                };
                println!("{n} {p}: {off:e} {:e} {:e}", ortho(raw.u.clone()), ortho(raw.vt.t().to_owned()));
                assert!(off < 1e-13);
            }
        }
    }

    #[test]
    fn deficient() {
        use crate::svd::verify::Check;
        let mut wrong = 0;
        for seed in 0..600u64 {
            let mut s = seed + 1;
            let mut r = || {
                s = s.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                (s >> 33) as usize
            };
            let (n, p) = (2 + r() % 120, 2 + r() % 120);
            let rank = 1 + r() % n.min(p);
            let mut ints = |n, p| Array2::from_shape_fn((n, p), |_| (r() % 7) as f64 - 3.0);
            let x = if seed % 3 == 0 { let base = ints(rank, p); Array2::from_shape_fn((n, p), |(i, j)| base[[i * 7 % rank, j]]) } else if seed % 3 == 1 { ints(n, rank).dot(&ints(rank, p)) } else { Array2::from_shape_fn((n, p), |(i, j)| if i == j { (i % rank) as f64 } else { 0.0 }) };
            let largest = x.iter().fold(1.0, |m: f64, v| m.max(v.abs()));
            let x = x * 2f64.powi(-(largest.log2().floor() as i32) - 1);
            for t in [false, true] {
                let why = factorise(x.view(), t).and_then(|raw| Check::new(200).verify(&x, &raw));
                if let Err(why) = why {
                    wrong += 1;
                    println!("{seed} {n} {p} {rank} {t}: {why}");
                }
            }
        }
        println!("wrong {wrong}");
    }
}
