//! Sums of test errors for fits that share their leading modes.

// All of `Fill` must be inlined into one function per instruction set.
#![allow(clippy::inline_always)]

use crate::machine::instructions::arch;
use ndarray::{ArrayView1, ArrayView2};

/// Sums of errors and of squared errors over rows.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sums {
    pub(super) errors: f64,
    pub(super) squares: f64,
}

impl Sums {
    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        Self { errors: self.errors + other.errors, squares: self.squares + other.squares }
    }

    /// The mean over `rows` rows of `(error + shift)²`.
    pub(super) fn shifted(self, shift: f64, rows: f64) -> f64 {
        self.squares / rows + shift * (2.0 * self.errors / rows + shift)
    }

    fn minus(self, other: Self) -> Self {
        // A sum of squares: the rounding error of the difference must not make it negative.
        let squares = (self.squares - other.squares).max(0.0);
        Self { errors: self.errors - other.errors, squares }
    }
}

/// Training targets in the modes' coordinates.
///
/// The errors of a fit with coefficients `α` on the training rows are `U (σ ∘ α − Uᵀ y)`, plus the part of `y` outside
/// the span of `U`.
pub(super) struct Training<'a> {
    pub(super) sigma: &'a [f64],
    /// `1/σ`.
    pub(super) inverse: &'a [f64],
    /// `Uᵀ 1`.
    pub(super) ones: &'a [f64],
    /// `uᵣ·y`.
    pub(super) targets: Vec<f64>,
    /// Sums over `U Uᵀ y − y`: what no fit reaches.
    pub(super) outside: Sums,
}

impl Training<'_> {
    /// `σ α − target`; exactly 0 for a mode fitted by `1/σ`.
    pub(super) fn error(&self, mode: usize, coefficient: f64, target: f64) -> f64 {
        let fitted = self.inverse[mode] * target == coefficient;
        if fitted { 0.0 } else { self.sigma[mode] * coefficient - target }
    }

    /// Sums of one mode's errors.
    fn mode(&self, mode: usize, coefficient: f64) -> Sums {
        let error = self.error(mode, coefficient, self.targets[mode]);
        Sums { errors: self.ones[mode] * error, squares: error * error }
    }

    /// Sums over the training rows, with `α` padded by zeros.
    fn sums(&self, alpha: &[f64]) -> Sums {
        (0..self.targets.len()).fold(self.outside, |sums, mode| {
            sums.plus(self.mode(mode, alpha.get(mode).copied().unwrap_or(0.0)))
        })
    }

    /// [`Training::sums`] for every prefix of a base: entry `k` keeps its first `k` coefficients. Summed from both
    /// ends, so that nothing is subtracted.
    fn prefix_sums(&self, base: &[f64], sums: &mut Vec<Sums>) {
        sums.clear();
        sums.resize(base.len() + 1, self.outside);
        for mode in (0..base.len()).rev() {
            sums[mode] = sums[mode + 1].plus(self.mode(mode, 0.0));
        }
        let mut kept = Sums::default();
        for (mode, &coefficient) in base.iter().enumerate() {
            kept = kept.plus(self.mode(mode, coefficient));
            sums[mode + 1] = sums[mode + 1].plus(kept);
        }
    }
}

/// Sums over the test rows of the errors `x·V α − y`, for any coefficients `α`, and precomputed for every prefix of a
/// base.
///
/// Over the whole table the errors are in `Σᵣ αᵣ A vᵣ − b`. If the table also holds the training rows, their sums are
/// subtracted.
///
/// The arms of a study differ in few modes: a cutoff or a projection keeps a prefix of the modes, and an adversary
/// changes the last. So each arm costs only the modes past its common prefix with the base, often nothing.
pub(super) struct TestErrors<'a> {
    /// The modes' images `A vᵣ` as rows, `r × q`, and `q`.
    images: &'a [f64],
    width: usize,
    /// `w` with `wᵀ(A β − b) =` the sum of the errors.
    ones: &'a [f64],
    pub(super) training: Training<'a>,
    complement: bool,
    pub(super) base: Vec<f64>,
    prefixes: Prefixes,
}

/// Precomputed sums for every prefix of a base. Its memory is reused from cell to cell.
#[derive(Default)]
pub(super) struct Prefixes {
    /// Row `k` is `A V α − b` for the first `k` coefficients of the base, `(r + 1) × q`.
    rows: Vec<f64>,
    sums: Vec<Sums>,
    /// Sums over the training rows for the same prefixes.
    trained: Vec<Sums>,
}

impl<'a> TestErrors<'a> {
    /// `images` and `ones` must be in standard layout; `complement` says that the table holds the training rows. Reuses
    /// the memory of `prefixes`.
    pub(super) fn new(
        (images, ones): (ArrayView2<'a, f64>, ArrayView1<'a, f64>),
        base: Vec<f64>,
        target: ArrayView1<'_, f64>,
        (training, complement): (Training<'a>, bool),
        mut prefixes: Prefixes,
    ) -> Self {
        let width = images.ncols();
        let (images, ones) = (images.to_slice().unwrap_or(&[]), ones.to_slice().unwrap_or(&[]));
        let Prefixes { rows, sums, trained } = &mut prefixes;
        rows.clear();
        rows.extend(target.iter().map(|target| -target));
        rows.resize(images.len() + width, 0.0);
        sums.clear();
        arch().dispatch(Fill { base: &base, images, width, ones, rows, sums });
        training.prefix_sums(&base, trained);
        if complement {
            for (table, trained) in sums.iter_mut().zip(trained) {
                *table = table.minus(*trained);
            }
        }
        Self { images, width, ones, training, complement, base, prefixes }
    }

    /// Returns the memory of the prefixes, for another cell.
    pub(super) fn into_prefixes(self) -> Prefixes {
        self.prefixes
    }

    /// Sums over the test rows for the first `kept` coefficients of the base.
    pub(super) fn prefix(&self, kept: usize) -> Sums {
        self.prefixes.sums[kept]
    }

    /// Sums over the training rows for the first `kept` coefficients of the base.
    pub(super) fn prefix_trained(&self, kept: usize) -> Sums {
        self.prefixes.trained[kept]
    }

    /// Sums for `α`, padded by zeros. `row` is workspace.
    pub(super) fn sums(&self, alpha: &[f64], row: &mut Vec<f64>) -> Sums {
        let shared = alpha.iter().zip(&self.base).take_while(|(a, b)| a == b).count();
        if alpha[shared..].iter().all(|&a| a == 0.0) {
            return self.prefix(shared);
        }
        row.clear();
        row.extend_from_slice(&self.prefixes.rows[shared * self.width..(shared + 1) * self.width]);
        for (coefficient, image) in alpha.iter().zip(self.images.chunks_exact(self.width)).skip(shared) {
            for (value, image) in row.iter_mut().zip(image) {
                *value += coefficient * image;
            }
        }
        let table = sum(row, self.ones);
        if self.complement { table.minus(self.training.sums(alpha)) } else { table }
    }

    /// Sums for `α`, from its predictions `A V α`, which are overwritten by its errors.
    pub(super) fn of_predictions(&self, predictions: &mut [f64], alpha: &[f64]) -> Sums {
        for (prediction, negative) in predictions.iter_mut().zip(&self.prefixes.rows) {
            *prediction += negative; // the first row is −b
        }
        let table = sum(predictions, self.ones);
        if self.complement { table.minus(self.training.sums(alpha)) } else { table }
    }

    /// Sums for the base plus `deviations`, one per mode, without cancellation if these are small. `spans` says that
    /// the targets are a combination of the images; otherwise the base's residual is added. `row` is workspace.
    pub(super) fn deviating(&self, deviations: &[f64], spans: bool, row: &mut Vec<f64>) -> Sums {
        // No deviation: there is no row to fill.
        if deviations.iter().all(|&deviation| deviation == 0.0) {
            let table = if spans { Sums::default() } else { sum(self.last_row(), self.ones) };
            return if self.complement { table.minus(self.training.outside) } else { table };
        }
        row.clear();
        if spans {
            row.resize(self.width, 0.0);
        } else {
            row.extend_from_slice(self.last_row());
        }
        let (mut trained, training) = (self.training.outside, &self.training);
        for (mode, (&deviation, image)) in
            deviations.iter().zip(self.images.chunks_exact(self.width)).enumerate()
        {
            if deviation == 0.0 {
                continue;
            }
            for (value, image) in row.iter_mut().zip(image) {
                *value += deviation * image;
            }
            let error = training.sigma[mode] * deviation;
            trained = trained.plus(Sums { errors: training.ones[mode] * error, squares: error * error });
        }
        let table = sum(row, self.ones);
        if self.complement { table.minus(trained) } else { table }
    }

    /// The residual of the whole base.
    fn last_row(&self) -> &[f64] {
        let rows = &self.prefixes.rows;
        &rows[rows.len() - self.width..]
    }
}

/// Fills the rows after the first, each with one more coefficient, and sums them all. Compiled once per instruction
/// set; the best one that the machine supports runs, and all give the same bits.
struct Fill<'a> {
    base: &'a [f64],
    images: &'a [f64],
    width: usize,
    ones: &'a [f64],
    rows: &'a mut [f64],
    sums: &'a mut Vec<Sums>,
}

impl pulp::WithSimd for Fill<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) {
        let Self { base, images, width, ones, rows, sums } = self;
        let (mut last, mut rest) = rows.split_at_mut(width);
        sums.push(sum(last, ones));
        for (coefficient, image) in base.iter().zip(images.chunks_exact(width)) {
            let (next, after) = rest.split_at_mut(width);
            for ((error, last), image) in next.iter_mut().zip(&*last).zip(image) {
                *error = last + coefficient * image;
            }
            sums.push(sum(next, ones));
            (last, rest) = (next, after);
        }
    }
}

#[inline(always)]
fn sum(row: &[f64], ones: &[f64]) -> Sums {
    let (errors, weights) = (row.chunks_exact(4), ones.chunks_exact(4));
    let mut sums = Sums::default();
    for (error, one) in errors.remainder().iter().zip(weights.remainder()) {
        sums = sums.plus(Sums { errors: error * one, squares: error * error });
    }
    // Four independent accumulators: a single one would wait for its own last addition.
    let mut lanes = [Sums::default(); 4];
    for (errors, ones) in errors.zip(weights) {
        for lane in 0..4 {
            lanes[lane].errors += errors[lane] * ones[lane];
            lanes[lane].squares += errors[lane] * errors[lane];
        }
    }
    lanes.into_iter().fold(sums, Sums::plus)
}
