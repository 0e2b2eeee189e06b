//! Triangular solutions that are updated from point to point instead of recomputed.

/// Vectors `L⁻ᵀ R` (or `L⁻¹ R`), updated along with `L`, and when they were last solved for.
///
/// A solve loses `log₁₀ κ` digits. So does an update while the solutions and `L⁻¹` grow. When they shrink, past a
/// threshold, the carried solutions keep the errors of the larger ones. So they count as good only while neither has
/// halved since the last solve, and for at most as many updates as `L` has rows.
#[derive(Clone, Debug, Default)]
pub(super) struct Carried {
    /// One per row of the solution.
    pub(super) vectors: Vec<Vec<f64>>,
    /// The largest squares of each part of the solution since the last solve.
    largest: Vec<f64>,
    /// The largest `‖L⁻¹‖` since then.
    inverse: f64,
    /// Updates since then.
    age: usize,
}

impl Carried {
    /// Starts from newly solved vectors, with `‖L⁻¹‖`.
    pub(super) fn fresh(vectors: Vec<Vec<f64>>, squares: Vec<f64>, inverse: f64) -> Self {
        Self { vectors, largest: squares, inverse, age: 0 }
    }

    /// Counts one update.
    pub(super) fn grow_older(&mut self) {
        self.age += 1;
    }

    /// Whether the solution, which now has these squares, is as accurate as a new one.
    pub(super) fn is_good(&mut self, squares: &[f64], inverse: f64) -> bool {
        self.largest.resize(squares.len(), 0.0);
        self.inverse = self.inverse.max(inverse);
        let mut is_good = inverse >= self.inverse / 2.0 && self.age <= self.vectors.len().max(16);
        for (largest, square) in self.largest.iter_mut().zip(squares) {
            *largest = largest.max(*square);
            is_good &= *square >= *largest / 4.0;
        }
        is_good
    }
}
