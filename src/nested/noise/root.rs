//! Roots of the second moments of test features.

use crate::Error;
use crate::machine::memory::{reserve, sum, table};
use crate::nested::scale::largest_exponent;
use crate::risk::covariance;
use crate::svd::{DivideAndConquer, exponent, power_of_two, triangle};
use ndarray::{Array2, ArrayRef2};

/// A root `S` of the second moments of test features, `SᵀS = Σ`, for [`sample_terms`](super::sample_terms) and
/// [`feature_terms`](super::feature_terms).
///
/// `S` is upper triangular: its leading `p × p` block belongs to the first `p` features.
///
/// # Examples
/// ```
/// use double_descent::nested::noise::{Root, sample_terms};
/// use ndarray::array;
///
/// // One sample x = (1, 0), Σ = diag(4, 9): X⁺ = x and the noise term is xᵀ Σ x.
/// let root = Root::from_covariance(&array![[4.0, 0.0], [0.0, 9.0]])?;
/// let curves = sample_terms(&[array![[1.0, 0.0]].view()], &[&root])?;
/// assert_eq!(curves[0][0].noise, 4.0);
/// # Ok::<(), double_descent::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Root {
    /// `None` for the identity, of any size.
    columns: Option<Packed>,
    /// The entries are in units of `2^exponent`.
    exponent: i32,
}

/// An upper triangle, column-major.
#[derive(Clone, Debug, Default, PartialEq)]
struct Packed {
    size: usize,
    entries: Vec<f64>,
}

impl Packed {
    fn column(&self, j: usize) -> &[f64] {
        &self.entries[j * (j + 1) / 2..(j + 1) * (j + 2) / 2]
    }

    /// Appends a column, `size + 1` entries.
    fn push(&mut self, column: impl Iterator<Item = f64>) {
        self.entries.extend(column);
        self.size += 1;
    }
}

impl Root {
    /// Returns the root of `Σ = I`, of any dimension.
    #[must_use]
    pub fn identity() -> Self {
        Self::default()
    }

    /// Computes the root of `Σ` (`p × p`), symmetric and positive semidefinite, by Cholesky, or by an SVD if a pivot is
    /// close to rounding. Backward stable: `SᵀS` is `Σ` to a few `p ε ‖Σ‖`, which a noise term multiplies by `‖X⁺‖²`.
    /// [`Root::from_features`] has no such loss.
    ///
    /// # Errors
    /// [`Error::Empty`], [`Error::Shape`] unless Σ is square, [`Error::NonFinite`], [`Error::Domain`] unless it is
    /// symmetric and positive semidefinite up to rounding, [`Error::Memory`], [`Error::Backend`].
    pub fn from_covariance(covariance: &ArrayRef2<f64>) -> Result<Self, Error> {
        let root = covariance::CovarianceRoot::new(covariance)?;
        Ok(Self { columns: Some(packed(&root.matrix)), exponent: root.exponent })
    }

    /// Computes the root of `Σ = X_tᵀ X_t / m` for test features `X_t` (`m × p`): `R / √m` from `X_t = Q R`.
    ///
    /// # Errors
    /// [`Error::Empty`], [`Error::NonFinite`], [`Error::Memory`], [`Error::Backend`].
    pub fn from_features(features: &ArrayRef2<f64>) -> Result<Self, Error> {
        let (m, p) = features.dim();
        // Memory for the scaled copy and its reduction, for the triangle and its scaled rows, and for the packed root.
        let needed = [table(m, p).saturating_mul(2), table(p.min(m), p).saturating_mul(2), table(p, p)];
        reserve("the root of second moments", sum(needed))?;
        let largest = features.iter().fold(0.0, |m: f64, v| m.max(v.abs()));
        let unit = exponent(largest).clamp(-1000, 1000);
        let rows = (features.nrows() as f64).sqrt();
        let factor = power_of_two(-unit);
        let r = triangle(features.mapv(|v| v * factor), &DivideAndConquer)? / rows;
        Ok(Self { columns: Some(packed(&r)), exponent: unit })
    }

    /// Returns the number of features `p`; `None` for the identity, which has any number.
    #[must_use]
    pub fn dimension(&self) -> Option<usize> {
        self.columns.as_ref().map(|columns| columns.size)
    }

    /// Returns column `j`, in units of `2^exponent`; `None` for the identity.
    pub(super) fn column(&self, j: usize) -> Option<&[f64]> {
        self.columns.as_ref().map(|columns| columns.column(j))
    }

    /// Returns `e`, if the entries are in units of `2^e`.
    pub(super) fn exponent(&self) -> i32 {
        self.exponent
    }

    /// Returns the exponent of the largest entry of column `j`.
    pub(super) fn largest_of_column(&self, j: usize) -> Option<i32> {
        self.column(j).map_or(Some(1), largest_exponent)
    }

    /// Returns the exponent of the largest entry of the first `p` columns; 1 for the identity.
    pub(super) fn largest(&self, p: usize) -> Option<i32> {
        self.columns.as_ref().map_or(Some(1), |all| largest_exponent(&all.entries[..p * (p + 1) / 2]))
    }
}

/// Packs a trapezoid as a triangle; missing rows are 0.
fn packed(r: &Array2<f64>) -> Packed {
    let mut s = Packed::default();
    for (j, column) in r.columns().into_iter().enumerate() {
        s.push((0..=j).map(|i| column.get(i).copied().unwrap_or(0.0)));
    }
    s
}
