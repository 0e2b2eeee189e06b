//! The interpolation threshold of a curve.

use super::{Axis, Cell, Curve};
use std::collections::BTreeMap;

impl Curve {
    /// Returns the axis value at which training data can just be interpolated: `n = p`, or on a curve over `n` the
    /// rank, if the features have a [rank below `p`](Self::deficient_rank). `None` if the fixed one of `n` and `p` is
    /// not the same in all cells, or if the axis is neither of them.
    #[must_use]
    pub fn interpolation_threshold(&self) -> Option<usize> {
        self.deficient_rank().or_else(|| self.held_size())
    }

    /// Returns the rank `r < p` of linearly dependent features, on a curve over `n`: for example a zero-one column for
    /// each category next to an intercept, or a duplicated column. Least squares then interpolates up to `n = r`, where
    /// the test error peaks, and not up to `n = p`.
    ///
    /// It is read from the ranks of the cells ([`Cell::rank`]), taking the largest over the repeats at each `n`. `r` is
    /// the rank at the largest `n`; half or more of all `n ≥ p`, and at least two sizes, must have it too. (The
    /// numerical rank of smooth random features keeps growing with `n`.) `None` if the features have full rank, or if
    /// training sets are too few or too small to tell.
    ///
    /// # Examples
    /// ```
    /// use double_descent::{dataset::Dataset, sweep::{Arm, Sweep}};
    ///
    /// let text = "a,b,c,y\n1,0,1,3\n0,1,1,1\n1,0,1,4\n0,1,1,1\n1,0,1,5\n0,1,1,9\n"; // a + b = c
    /// let data = Dataset::parse_csv("words", text.as_bytes(), &Default::default())?;
    /// let mut sweep = Sweep::new(data, 1..=5, 20, 0);
    /// sweep.arms = vec![Arm::min_norm()];
    /// let curve = sweep.run()?;
    /// assert_eq!((curve.held_size(), curve.deficient_rank()), (Some(3), Some(2)));
    /// assert_eq!(curve.interpolation_threshold(), Some(2));
    /// # Ok::<(), double_descent::Error>(())
    /// ```
    #[must_use]
    pub fn deficient_rank(&self) -> Option<usize> {
        let p = self.held_size().filter(|_| self.axis == Axis::Samples)?;
        deficient(&self.cells, p)
    }

    /// Returns the size held fixed along the curve: `p` over samples, `n` over features. `None` if it is not the same
    /// in all cells, or on any other axis.
    #[must_use]
    pub fn held_size(&self) -> Option<usize> {
        let fixed = |cell: &Cell| match self.axis {
            Axis::Samples => Some(cell.p),
            Axis::Features => Some(cell.n),
            _ => None,
        };
        let first = fixed(self.cells.first()?)?;
        self.cells.iter().all(|cell| fixed(cell) == Some(first)).then_some(first)
    }
}

/// Returns the rank of the features if it is below `p`, their number in all cells ([`Curve::deficient_rank`]).
pub(crate) fn deficient(cells: &[Cell], p: usize) -> Option<usize> {
    let mut largest: BTreeMap<usize, usize> = BTreeMap::new();
    for cell in cells {
        let rank = largest.entry(cell.n).or_default();
        *rank = cell.rank.max(*rank);
    }
    let (&most, &rank) = largest.last_key_value()?;
    let with =
        |sizes: std::ops::RangeFrom<usize>| largest.range(sizes).filter(|(_, other)| **other == rank).count();
    let is_settled = || 2 * with(p..) >= largest.range(p..).count() && with(0..) >= 2;
    (rank > 0 && rank < p && p <= most && is_settled()).then_some(rank)
}
