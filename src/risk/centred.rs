//! Centring: how to fit an unpenalised intercept.

// All must be inlined into one function per instruction set.
#![allow(clippy::inline_always)]

use crate::Error;
use crate::machine::instructions::arch;
use crate::machine::large_pages;
use crate::machine::memory::{reserve, sum, table};
use crate::svd::{exponent, power_of_two};
use ndarray::{Array1, Array2, ArrayRef2, ArrayView1, ShapeError};

/// A table whose features and targets have mean 0 in every column: a model with an unpenalised intercept is fitted on
/// it.
///
/// The minimiser of `‖Xβ + 1 b₀ᵀ − Y‖² + λ‖β‖²`, and any other fit with a free `b₀`, has `b₀ = ȳ − βᵀx̄` and the `β` of
/// the centred table. Centring removes a direction from the rows, so the interpolation threshold moves to `p = n − 1`.
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
    /// Computes the intercept `b₀ = ȳ − βᵀ x̄`.
    pub(crate) fn intercept(&self, beta: &ArrayRef2<f64>) -> Result<Array1<f64>, Error> {
        Error::check_len("rows of beta", self.features.len(), beta.nrows())?;
        Error::check_len("columns of beta", self.targets.len(), beta.ncols())?;
        let intercept = &self.targets - &beta.t().dot(&self.features);
        if intercept.iter().all(|v| v.is_finite()) {
            return Ok(intercept);
        }
        Error::check_finite("beta", beta.view())?;
        Err(Error::Overflow { what: "the intercept" })
    }
}

impl Centred {
    /// Centres features (`n × p`) and targets (`n × k`).
    ///
    /// # Errors
    /// [`Error::Empty`], [`Error::Shape`] if the tables differ in rows, [`Error::NonFinite`], [`Error::Overflow`] for a
    /// difference from a mean that does not fit into `f64`, [`Error::Memory`].
    pub fn new(x: &ArrayRef2<f64>, y: &ArrayRef2<f64>) -> Result<Self, Error> {
        let tables = [("the features", x), ("the targets", y)];
        for (what, matrix) in tables {
            if matrix.is_empty() {
                return Err(Error::Empty { what });
            }
        }
        Error::check_len("rows of y", x.nrows(), y.nrows())?;
        // One more copy of tables that are not row-major.
        let copies = |x: &ArrayRef2<f64>| 1 + usize::from(!x.is_standard_layout());
        let bytes = |x: &ArrayRef2<f64>| table(x.nrows(), x.ncols()).saturating_mul(copies(x));
        reserve("a centred table", sum([bytes(x), bytes(y)]))?;
        let [features, targets] = tables.map(|(what, table)| {
            // A table with NaN or an infinity gives no finite result, so it is searched for them only after a failure.
            centre(table).map_err(|error| Error::check_finite(what, table.view()).err().unwrap_or(error))
        });
        let ((features, of_features), (targets, of_targets)) = (features?, targets?);
        Ok(Self { features, targets, means: Means { features: of_features, targets: of_targets } })
    }

    /// The centred features `X − 1 x̄ᵀ`, `n × p`.
    #[must_use]
    pub fn features(&self) -> &Array2<f64> {
        &self.features
    }

    /// The centred targets `Y − 1 ȳᵀ`, `n × k`.
    #[must_use]
    pub fn targets(&self) -> &Array2<f64> {
        &self.targets
    }

    /// The means of the features `x̄`, `p`.
    #[must_use]
    pub fn feature_means(&self) -> ArrayView1<'_, f64> {
        self.means.features.view()
    }

    /// The means of the targets `ȳ`, `k`.
    #[must_use]
    pub fn target_means(&self) -> ArrayView1<'_, f64> {
        self.means.targets.view()
    }

    /// Computes the intercept `b₀ = ȳ − βᵀ x̄` (`k`) for the coefficients `beta` (`p × k`).
    ///
    /// # Errors
    /// [`Error::Shape`] unless `beta` is `p × k`, [`Error::NonFinite`] if it holds NaN or an infinity,
    /// [`Error::Overflow`] for an intercept that does not fit into `f64`.
    pub fn intercept(&self, beta: &ArrayRef2<f64>) -> Result<Array1<f64>, Error> {
        self.means.intercept(beta)
    }

    /// Splits into features, targets and means.
    pub(crate) fn into_parts(self) -> (Array2<f64>, Array2<f64>, Means) {
        (self.features, self.targets, self.means)
    }

    /// Computes the predictions `X β + 1 b₀ᵀ` at other rows (`m × p`), `m × k`.
    ///
    /// # Errors
    /// [`Error::Shape`] unless `x` has `p` columns and `beta` is `p × k`, [`Error::NonFinite`] if they hold NaN or an
    /// infinity, [`Error::Overflow`] for a prediction that does not fit into `f64`, [`Error::Memory`].
    pub fn predict(&self, x: &ArrayRef2<f64>, beta: &ArrayRef2<f64>) -> Result<Array2<f64>, Error> {
        Error::check_len("columns of x", self.means.features.len(), x.ncols())?;
        reserve("predictions", table(x.nrows(), beta.ncols()))?;
        let predictions = x.dot(beta) + self.intercept(beta)?;
        if Error::check_finite("predictions", predictions.view()).is_err() {
            Error::check_finite("the features", x.view())?;
            return Err(Error::Overflow { what: "a prediction" });
        }
        Ok(predictions)
    }
}

/// Rows that are added together: memory delivers several at once faster than one after the other.
const TOGETHER: usize = 4;

/// Subtracts the means of the columns from a table; returns both. The means have twice the digits of an `f64`: a
/// rounded mean would leave columns whose mean is its rounding error.
fn centre(x: &ArrayRef2<f64>) -> Result<(Array2<f64>, Array1<f64>), Error> {
    let (n, p) = x.dim();
    // Scaling by a power of two is exact, and keeps each sum about as small as the largest entry.
    let scale = power_of_two(-exponent(n as f64));
    let x = x.as_standard_layout();
    let entries = x.as_slice().unwrap_or_default();
    let (mut means, mut rests) = (vec![0.0; p], vec![0.0; p]);
    for rows in entries.chunks(TOGETHER * p) {
        arch().dispatch(Add { rows, scale, sums: &mut means, rests: &mut rests });
    }
    let count = n as f64 * scale;
    for (mean, rest) in means.iter_mut().zip(&mut rests) {
        let sum = *mean;
        *mean = sum / count;
        *rest = ((-*mean).mul_add(count, sum) + *rest) / count;
    }
    let mut centred = large_pages::with_capacity(x.len());
    let mut is_finite = true;
    for row in entries.chunks_exact(p) {
        is_finite &= arch().dispatch(Subtract { row, means: &means, rests: &rests, to: &mut centred });
    }
    let shape = |error: ShapeError| Error::Unsupported { reason: format!("a centred table: {error}") };
    let centred = Array2::from_shape_vec((n, p), centred).map_err(shape)?;
    if !is_finite {
        return Err(Error::Overflow { what: "a difference from a column's mean" });
    }
    let means = means.iter().zip(&rests).map(|(mean, rest)| mean + rest).collect();
    Ok((centred, means))
}

/// Adds rows to sums and accumulates the rounding errors separately (Knuth's two-sum).
struct Add<'a> {
    rows: &'a [f64],
    scale: f64,
    sums: &'a mut [f64],
    rests: &'a mut [f64],
}

impl pulp::WithSimd for Add<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) {
        let Self { rows, scale, sums, rests } = self;
        let p = sums.len();
        if rows.len() == TOGETHER * p {
            add(std::array::from_fn::<_, TOGETHER, _>(|i| &rows[i * p..][..p]), scale, sums, rests);
        } else {
            rows.chunks_exact(p).for_each(|row| add([row], scale, sums, rests));
        }
    }
}

#[inline(always)]
fn add<const R: usize>(rows: [&[f64]; R], scale: f64, sums: &mut [f64], rests: &mut [f64]) {
    let p = sums.len();
    let (rows, rests) = (rows.map(|row| &row[..p]), &mut rests[..p]);
    for j in 0..p {
        let (mut sum, mut rest) = (sums[j], rests[j]);
        for row in rows {
            let v = row[j] * scale;
            let next = sum + v;
            let added = next - sum;
            rest += (sum - (next - added)) + (v - added);
            sum = next;
        }
        (sums[j], rests[j]) = (sum, rest);
    }
}

/// Subtracts the means and their remainders from a row. Returns whether the result is finite.
struct Subtract<'a> {
    row: &'a [f64],
    means: &'a [f64],
    rests: &'a [f64],
    to: &'a mut Vec<f64>,
}

impl pulp::WithSimd for Subtract<'_> {
    type Output = bool;

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) -> bool {
        let Self { row, means, rests, to } = self;
        let from = to.len();
        to.extend(row.iter().zip(means.iter().zip(rests)).map(|(v, (mean, rest))| v - mean - rest));
        to[from..].iter().fold(true, |all, v| all & v.is_finite())
    }
}
