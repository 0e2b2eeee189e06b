//! Roots of the second moments of test features.

use crate::Error;
use crate::svd::{Faer, Svd, exponent, power_of_two, triangle};
use ndarray::{Array2, ArrayRef2, Axis};

/// `S` with `SᵀS = Σ`, upper triangular: its leading `p × p` block belongs to the first `p` features.
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
#[derive(Clone, Debug, Default)]
pub struct Root {
    /// `None` for the identity, of any size.
    columns: Option<Packed>,
    /// The entries are in units of `2^exponent`.
    exponent: i32,
}

/// An upper triangle column by column.
#[derive(Clone, Debug, Default)]
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
    /// `Σ = I`, of any dimension.
    #[must_use]
    pub fn identity() -> Self {
        Self::default()
    }

    /// Of `Σ` (`p × p`), symmetric and positive semidefinite: Cholesky's triangle, or by an SVD where rounding
    /// leaves a pivot that is not positive. Backward stable: `SᵀS` is `Σ` to a few `p ε ‖Σ‖`, which a noise term
    /// sees multiplied by `‖X⁺‖²`. [`Root::from_features`] has no such loss.
    ///
    /// # Errors
    /// [`Error::Empty`], [`Error::Shape`], [`Error::NonFinite`]; [`Error::Domain`] unless Σ is symmetric and
    /// positive semidefinite up to rounding; [`Error::Backend`].
    pub fn from_covariance(covariance: &ArrayRef2<f64>) -> Result<Self, Error> {
        let p = covariance.nrows();
        if p == 0 {
            return Err(Error::Empty { what: "the covariance" });
        }
        Error::check_len("columns of the covariance", p, covariance.ncols())?;
        Error::check_finite("the covariance", covariance.view())?;
        // What is positive semidefinite has its largest entry on the diagonal.
        let half = exponent(covariance.diag().iter().fold(0.0, |m: f64, v| m.max(v.abs()))).div_euclid(2);
        let factor = power_of_two(-half);
        let scaled = covariance.mapv(|v| v * factor * factor);
        let off = scaled.indexed_iter().map(|((i, j), v)| (v - scaled[[j, i]]).abs()).fold(0.0, f64::max);
        if off > tolerance(p) {
            let must_be = "0 up to rounding: a covariance is symmetric";
            return Err(Error::Domain {
                what: "the largest entry of Σ − Σᵀ, scaled", value: off, must_be
            });
        }
        let columns = match cholesky(&scaled) {
            Some(columns) => columns,
            None => by_svd(&scaled)?,
        };
        Ok(Self { columns: Some(columns), exponent: half })
    }

    /// Of `Σ = X_tᵀ X_t / m` for test features `X_t` (`m × p`): `R / √m` from `X_t = Q R`.
    ///
    /// # Errors
    /// [`Error::Empty`], [`Error::NonFinite`], [`Error::Overflow`], [`Error::Backend`].
    pub fn from_features(features: &ArrayRef2<f64>) -> Result<Self, Error> {
        let largest = features.iter().fold(0.0, |m: f64, v| m.max(v.abs()));
        let unit = exponent(largest).clamp(-1000, 1000);
        let rows = (features.nrows() as f64).sqrt();
        let factor = power_of_two(-unit);
        let r = triangle(features.mapv(|v| v * factor).view(), &Faer)? / rows;
        Ok(Self { columns: Some(packed(&r)), exponent: unit })
    }

    /// `p`; `None` for the identity.
    #[must_use]
    pub fn dimension(&self) -> Option<usize> {
        self.columns.as_ref().map(|columns| columns.size)
    }

    /// Column `j`, in units of `2^exponent`; `None` for the identity.
    pub(super) fn column(&self, j: usize) -> Option<&[f64]> {
        self.columns.as_ref().map(|columns| columns.column(j))
    }

    pub(super) fn exponent(&self) -> i32 {
        self.exponent
    }
}

/// What rounding may leave where 0 should be, for entries about 1.
fn tolerance(p: usize) -> f64 {
    30.0 * p as f64 * f64::EPSILON
}

/// `None` where a pivot is not positive, unless all of its row is zero.
fn cholesky(covariance: &Array2<f64>) -> Option<Packed> {
    let mut s = Packed::default();
    for j in 0..covariance.nrows() {
        let mut column: Vec<f64> = Vec::with_capacity(j + 1);
        for i in 0..=j {
            let rest = covariance[[i, j]]
                - if i < j { super::dot(&s.column(i)[..i], &column) } else { super::dot(&column, &column) };
            let pivot = if i < j { s.column(i)[i] } else { rest.max(0.0).sqrt() };
            let value = if i == j { pivot } else { rest / pivot };
            if pivot > 0.0 {
                column.push(value);
            } else if covariance.row(i).iter().all(|&v| v == 0.0) {
                column.push(0.0);
            } else {
                return None;
            }
        }
        s.push(column.into_iter());
    }
    Some(s)
}

/// `Σ = V diag(σ) Vᵀ`; the triangle of `diag(√σ) Vᵀ`.
fn by_svd(covariance: &Array2<f64>) -> Result<Packed, Error> {
    let svd = Svd::new(covariance)?;
    let sigma = svd.singular_values().view().insert_axis(Axis(1));
    let rebuilt = svd.vt().t().dot(&(svd.vt() * &sigma)); // |Σ|, which is Σ if nothing in it is negative
    let off = (&rebuilt - covariance).iter().fold(0.0, |m: f64, v| m.max(v.abs()));
    if off > tolerance(covariance.nrows()) * svd.singular_values()[0] {
        let must_be = "0 up to rounding: a covariance is positive semidefinite";
        return Err(Error::Domain {
            what: "the distance of Σ from (ΣᵀΣ)^½, scaled", value: off, must_be
        });
    }
    Ok(packed(&triangle((svd.vt() * &sigma.mapv(f64::sqrt)).view(), &Faer)?))
}

/// The triangle of a trapezoid; rows that are not there are 0.
fn packed(r: &Array2<f64>) -> Packed {
    let mut s = Packed::default();
    for (j, column) in r.columns().into_iter().enumerate() {
        s.push((0..=j).map(|i| column.get(i).copied().unwrap_or(0.0)));
    }
    s
}
