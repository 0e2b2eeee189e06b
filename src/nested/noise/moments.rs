//! Second moments of features, estimated from draws.

use super::root::Root;
use crate::Error;
use crate::svd::{add_gram, largest};
use ndarray::{Array2, ArrayRef2};

/// The smallest largest feature: products with features 10¹³ times smaller still have all their digits.
const SMALLEST: f64 = 1e-140;

/// The mean second moments `Σ̂ = Φᵀ Φ / m` (`p × p`) of features `Φ` (`m × p`) that arrive in pieces.
///
/// O(p²) memory, `m p²` flops. [`SecondMoments::root`] makes the [`Root`] that noise terms need.
///
/// # Examples
/// ```
/// use double_descent::nested::noise::SecondMoments;
/// use ndarray::array;
///
/// let mut moments = SecondMoments::new(2)?;
/// moments.add(&array![[1.0, 0.0], [1.0, 2.0]])?;
/// moments.add(&array![[1.0, 4.0]])?;
/// assert_eq!(moments.covariance()? * 3.0, array![[3.0, 6.0], [6.0, 20.0]]);
/// # Ok::<(), double_descent::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct SecondMoments {
    /// The sums on and above the diagonal.
    sums: Array2<f64>,
    /// The largest absolute value of a feature so far.
    largest: f64,
    count: usize,
}

impl SecondMoments {
    /// Starts with `p` features and no draws.
    ///
    /// # Errors
    /// [`Error::Empty`] if `p` is 0, [`Error::Memory`] if `p × p` numbers do not fit into memory.
    pub fn new(p: usize) -> Result<Self, Error> {
        if p == 0 {
            return Err(Error::Empty { what: "the features" });
        }
        Ok(Self { sums: crate::machine::memory::zeros("the covariance", p, p)?, largest: 0.0, count: 0 })
    }

    /// Adds `features` (`m × p`), one draw per row.
    ///
    /// # Errors
    /// [`Error::Shape`] unless there are `p` columns, [`Error::NonFinite`].
    pub fn add(&mut self, features: &ArrayRef2<f64>) -> Result<(), Error> {
        let p = self.sums.ncols();
        Error::check_len("columns of the features", p, features.ncols())?;
        Error::check_finite("the features", features.view())?;
        let rows = features.as_standard_layout();
        let (rows, sums) =
            (rows.as_slice().unwrap_or_default(), self.sums.as_slice_mut().unwrap_or_default());
        add_gram(rows, sums, (features.nrows(), p));
        self.largest = self.largest.max(largest(rows));
        self.count += features.nrows();
        Ok(())
    }

    /// Returns `Σ̂`, `p × p`.
    ///
    /// # Errors
    /// [`Error::Empty`] without draws; [`Error::Overflow`] if a sum does not fit into `f64`, or if all features are so
    /// small (below 1e-140) that their squares lose digits.
    pub fn covariance(&self) -> Result<Array2<f64>, Error> {
        if self.count == 0 {
            return Err(Error::Empty { what: "the list of draws" });
        }
        if self.largest > 0.0 && self.largest < SMALLEST {
            return Err(Error::Overflow { what: "a second moment" });
        }
        let count = self.count as f64;
        let upper = |i: usize, j: usize| self.sums[[i.min(j), i.max(j)]] / count;
        let sigma = Array2::from_shape_fn(self.sums.dim(), |(i, j)| upper(i, j));
        match Error::check_finite("the covariance", sigma.view()) {
            Ok(()) => Ok(sigma),
            Err(_) => Err(Error::Overflow { what: "a second moment" }),
        }
    }

    /// Computes a root of `Σ̂`.
    ///
    /// # Errors
    /// Those of [`SecondMoments::covariance`] and [`Root::from_covariance`].
    pub fn root(&self) -> Result<Root, Error> {
        Root::from_covariance(&self.covariance()?)
    }
}
