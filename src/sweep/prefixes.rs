//! Sums of squared errors for fits that share their leading modes.

use ndarray::{ArrayView1, ArrayView2};

/// Sums over rows of errors and of their squares.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sums {
    pub(super) errors: f64,
    pub(super) squares: f64,
}

/// `Σ_{r<k} α_r A vᵣ − b` for every prefix length `k` of a base `α`.
///
/// The arms of a study differ in few modes: a cutoff or a projection keeps a prefix of them, an
/// adversary changes the last. So each costs what its own tail costs, often nothing.
pub(super) struct Prefixes<'a> {
    /// The modes' images `A vᵣ` as rows, `r × q`, and `q`.
    images: &'a [f64],
    width: usize,
    /// `w` with `wᵀ(A β − b) =` the sum of the errors.
    ones: &'a [f64],
    base: Vec<f64>,
    /// The errors of prefix length `k` as row `k`, `(r + 1) × q`.
    rows: Vec<f64>,
    sums: Vec<Sums>,
}

impl<'a> Prefixes<'a> {
    /// `images` and `ones` in standard layout.
    pub(super) fn new(
        images: ArrayView2<'a, f64>,
        ones: ArrayView1<'a, f64>,
        base: Vec<f64>,
        target: ArrayView1<'_, f64>,
    ) -> Self {
        let width = images.ncols();
        let (images, ones) = (images.to_slice().unwrap_or(&[]), ones.to_slice().unwrap_or(&[]));
        let mut rows = Vec::with_capacity(images.len() + width);
        rows.extend(target.iter().map(|t| -t));
        for (mode, coefficient) in base.iter().enumerate() {
            let last = mode * width;
            for place in last..last + width {
                rows.push(rows[place] + coefficient * images[place]);
            }
        }
        let sums = rows.chunks_exact(width).map(|row| sum(row, ones)).collect();
        Self { images, width, ones, base, rows, sums }
    }

    /// Sums over `A V α − b`, with `α` filled up by zeros. `row` is work space.
    pub(super) fn sums(&self, alpha: &[f64], row: &mut Vec<f64>) -> Sums {
        let shared = alpha.iter().zip(&self.base).take_while(|(a, b)| a == b).count();
        if alpha[shared..].iter().all(|&a| a == 0.0) {
            return self.sums[shared];
        }
        row.clear();
        row.extend_from_slice(&self.rows[shared * self.width..(shared + 1) * self.width]);
        for (coefficient, image) in alpha.iter().zip(self.images.chunks_exact(self.width)).skip(shared) {
            for (value, image) in row.iter_mut().zip(image) {
                *value += coefficient * image;
            }
        }
        sum(row, self.ones)
    }
}

fn sum(row: &[f64], ones: &[f64]) -> Sums {
    let mut sums = Sums::default();
    for (error, one) in row.iter().zip(ones) {
        sums.errors += error * one;
        sums.squares += error * error;
    }
    sums
}
