//! An intercept that no penalty touches: centring.

use crate::Error;
use crate::machine::large_pages;
use crate::machine::memory::{reserve, sum, table};
use ndarray::{Array1, Array2, ArrayRef2, ArrayView1, Axis};

/// A table whose columns, features and targets, have the mean 0: what a model with an unpenalised intercept is fitted on.
///
/// The minimiser of `‖Xβ + 1 b₀ᵀ − Y‖² + λ‖β‖²`, and any other fit that is free in `b₀`, has `b₀ = ȳ − βᵀx̄` and `β` that
/// of the centred table. Centring takes a direction off the rows, so the interpolation threshold moves to `p = n − 1`.
/// Test rows are centred by the means of the training rows, never by their own.
///
/// # Examples
/// ```
/// use double_descent::{filter::Ridge, risk::Centred, svd::Svd};
/// use ndarray::array;
///
/// let (x, y) = (array![[1.0], [3.0]], array![[10.0], [14.0]]);
/// let centred = Centred::new(&x, &y)?;
/// let beta = Svd::new(centred.features())?.solve(centred.targets(), &Ridge::new(2.0)?)?;
/// assert!((beta[[0, 0]] - 1.0).abs() < 1e-14); // 4 / (2 + λ)
/// assert!((centred.intercept(&beta)?[0] - 10.0).abs() < 1e-14);
/// # Ok::<(), double_descent::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Centred {
    features: Array2<f64>,
    targets: Array2<f64>,
    means: Means,
}

/// The means of the columns.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Means {
    /// `x̄`, `p`.
    pub(crate) features: Array1<f64>,
    /// `ȳ`, `k`.
    pub(crate) targets: Array1<f64>,
}

impl Means {
    /// `b₀ = ȳ − βᵀ x̄`.
    pub(crate) fn intercept(&self, beta: &ArrayRef2<f64>) -> Result<Array1<f64>, Error> {
        Error::check_len("rows of beta", self.features.len(), beta.nrows())?;
        Error::check_len("columns of beta", self.targets.len(), beta.ncols())?;
        Ok(&self.targets - &beta.t().dot(&self.features))
    }
}

impl Centred {
    /// Centres features (`n × p`) and targets (`n × k`).
    ///
    /// # Errors
    /// [`Error::Empty`], [`Error::Shape`], [`Error::NonFinite`], [`Error::Overflow`] for a difference from a mean that
    /// does not fit into `f64`, [`Error::Memory`].
    pub fn new(x: &ArrayRef2<f64>, y: &ArrayRef2<f64>) -> Result<Self, Error> {
        let tables = [("the features", x), ("the targets", y)];
        for (what, matrix) in tables {
            if matrix.is_empty() {
                return Err(Error::Empty { what });
            }
        }
        Error::check_len("rows of y", x.nrows(), y.nrows())?;
        reserve("a centred table", sum([table(x.nrows(), x.ncols()), table(y.nrows(), y.ncols())]))?;
        let [features, targets] = tables.map(|(what, table)| {
            // What is no number leaves none, so it is looked for only then.
            centre(table).map_err(|error| Error::check_finite(what, table.view()).err().unwrap_or(error))
        });
        let ((features, of_features), (targets, of_targets)) = (features?, targets?);
        Ok(Self { features, targets, means: Means { features: of_features, targets: of_targets } })
    }

    /// `X − 1 x̄ᵀ`, `n × p`.
    #[must_use]
    pub fn features(&self) -> &Array2<f64> {
        &self.features
    }

    /// `Y − 1 ȳᵀ`, `n × k`.
    #[must_use]
    pub fn targets(&self) -> &Array2<f64> {
        &self.targets
    }

    /// `x̄`, `p`.
    #[must_use]
    pub fn feature_means(&self) -> ArrayView1<'_, f64> {
        self.means.features.view()
    }

    /// `ȳ`, `k`.
    #[must_use]
    pub fn target_means(&self) -> ArrayView1<'_, f64> {
        self.means.targets.view()
    }

    /// `b₀ = ȳ − βᵀ x̄` for the coefficients `beta` (`p × k`), `k`.
    ///
    /// # Errors
    /// [`Error::Shape`].
    pub fn intercept(&self, beta: &ArrayRef2<f64>) -> Result<Array1<f64>, Error> {
        self.means.intercept(beta)
    }

    /// Features, targets and means.
    pub(crate) fn into_parts(self) -> (Array2<f64>, Array2<f64>, Means) {
        (self.features, self.targets, self.means)
    }

    /// `X β + 1 b₀ᵀ` at other rows (`m × p`), `m × k`.
    ///
    /// # Errors
    /// [`Error::Shape`], [`Error::Memory`].
    pub fn predict(&self, x: &ArrayRef2<f64>, beta: &ArrayRef2<f64>) -> Result<Array2<f64>, Error> {
        Error::check_len("columns of x", self.means.features.len(), x.ncols())?;
        reserve("predictions", table(x.nrows(), beta.ncols()))?;
        Ok(x.dot(beta) + self.intercept(beta)?)
    }
}

/// Columns whose rows are passed over three times while they are in the cache.
const TOGETHER: usize = 64;

/// A table less the means of its columns, and these. Once more of what is left: a mean is off by rounding.
fn centre(x: &ArrayRef2<f64>) -> Result<(Array2<f64>, Array1<f64>), Error> {
    let share = (x.nrows() as f64).recip();
    let mut centred = large_pages::zeros(x.dim());
    let mut means = Array1::zeros(x.ncols());
    // Of a number 0 times it is 0, of all else it is NaN.
    let mut zeros = [0.0; TOGETHER];
    let blocks = centred.axis_chunks_iter_mut(Axis(1), TOGETHER);
    let each = blocks.zip(x.axis_chunks_iter(Axis(1), TOGETHER));
    for ((mut block, x), mut means) in each.zip(means.axis_chunks_iter_mut(Axis(0), TOGETHER)) {
        let (mut sums, mut rests) = ([0.0; TOGETHER], [0.0; TOGETHER]);
        let mut room = [0.0; TOGETHER];
        for row in x.rows() {
            let row = in_one_piece(row, &mut room);
            sums.iter_mut().zip(row).for_each(|(mean, v)| *mean += v * share);
        }
        for (row, to) in x.rows().into_iter().zip(block.rows_mut()) {
            let row = in_one_piece(row, &mut room);
            let columns =
                to.into_slice().unwrap_or_default().iter_mut().zip(row).zip(sums.iter().zip(&mut rests));
            columns.for_each(|((to, v), (mean, rest))| {
                *to = v - mean;
                *rest += *to * share;
            });
        }
        for row in block.rows_mut() {
            let columns = row.into_slice().unwrap_or_default().iter_mut().zip(rests.iter().zip(&mut zeros));
            columns.for_each(|(v, (rest, zero))| {
                *v -= rest;
                *zero += 0.0 * *v;
            });
        }
        means.iter_mut().zip(sums.iter().zip(&rests)).for_each(|(to, (mean, rest))| *to = mean + rest);
    }
    if zeros.iter().any(|zero| zero.is_nan()) {
        return Err(Error::Overflow { what: "a difference from a column's mean" });
    }
    Ok((centred, means))
}

/// The entries of a row, copied where they do not lie one after the other.
fn in_one_piece<'a>(row: ArrayView1<'a, f64>, room: &'a mut [f64; TOGETHER]) -> &'a [f64] {
    if let Some(entries) = row.to_slice() {
        return entries;
    }
    room.iter_mut().zip(row).for_each(|(to, v)| *to = *v);
    room
}
