//! Sums of squared errors for fits that share their leading modes.

use ndarray::{Array2, ArrayView1, ArrayView2, Axis};

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
    /// The modes' images `A vᵣ` as rows, `r × q`.
    images: ArrayView2<'a, f64>,
    /// `w` with `wᵀ(A β − b) =` the sum of the errors.
    ones: ArrayView1<'a, f64>,
    base: Vec<f64>,
    /// The errors of prefix length `k` as row `k`, `(r + 1) × q`.
    rows: Array2<f64>,
    sums: Vec<Sums>,
}

impl<'a> Prefixes<'a> {
    pub(super) fn new(
        images: ArrayView2<'a, f64>,
        ones: ArrayView1<'a, f64>,
        base: Vec<f64>,
        target: ArrayView1<'_, f64>,
    ) -> Self {
        let mut rows = Array2::zeros((images.nrows() + 1, images.ncols()));
        rows.row_mut(0).assign(&target.mapv(|t| -t));
        for (mode, (coefficient, image)) in base.iter().zip(images.rows()).enumerate() {
            let (above, mut below) = rows.view_mut().split_at(Axis(0), mode + 1);
            let mut next = below.row_mut(0);
            next.assign(&above.row(mode));
            next.scaled_add(*coefficient, &image);
        }
        let sums = rows.rows().into_iter().map(|row| sum(row, ones)).collect();
        Self {
            images,
            ones,
            base,
            rows,
            sums,
        }
    }

    /// Sums over `A V α − b`, with `α` filled up by zeros. `row` is work space.
    pub(super) fn sums(&self, alpha: &[f64], row: &mut Vec<f64>) -> Sums {
        let shared = alpha.iter().zip(&self.base).take_while(|(a, b)| a == b).count();
        if alpha[shared..].iter().all(|&a| a == 0.0) {
            return self.sums[shared];
        }
        row.clear();
        row.extend(self.rows.row(shared));
        for (coefficient, image) in alpha.iter().zip(self.images.rows()).skip(shared) {
            for (value, image) in row.iter_mut().zip(image) {
                *value += coefficient * image;
            }
        }
        sum(ArrayView1::from(row.as_slice()), self.ones)
    }
}

fn sum(row: ArrayView1<'_, f64>, ones: ArrayView1<'_, f64>) -> Sums {
    Sums {
        errors: row.dot(&ones),
        squares: row.dot(&row),
    }
}
