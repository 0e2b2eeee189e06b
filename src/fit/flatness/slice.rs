//! The loss along one or two directions.

use crate::Error;
use crate::filter::Loss;
use crate::machine::memory::{reserve, table};
use ndarray::{Array2, ArrayRef2};

/// The exact loss `L = c/2 ‖Xβ − Y‖²` on the plane through `β` along two directions: a quadratic, computed only from
/// products with the features. `c` is [`Loss::curvature`].
///
/// ```text
/// L(β + s D₁ + t D₂) = L(β) + s g₁ + t g₂ + ½ (s² h₁₁ + 2 s t h₁₂ + t² h₂₂)
/// gᵢ = c ⟨X Dᵢ, Xβ − Y⟩        hᵢⱼ = c ⟨X Dᵢ, X Dⱼ⟩
/// ```
///
/// Directions are not rescaled; [`Slice::to_length_of`] scales them to the length of the parameters, so that slices at
/// fits of different norm can be compared (Li et al. 2018).
///
/// # Examples
/// ```
/// use double_descent::filter::Loss;
/// use double_descent::flatness::Slice;
/// use ndarray::array;
///
/// let (x, y) = (array![[1.0, 0.0], [0.0, 2.0]], array![[1.0], [2.0]]);
/// let (fit, first, second) = (array![[1.0], [1.0]], array![[1.0], [0.0]], array![[0.0], [1.0]]);
/// let slice = Slice::new(&x, &y, &fit, [&first, &second], Loss::HalfSum)?;
/// assert_eq!(slice.at(0.0, 0.0), 0.0);
/// assert_eq!(slice.at(2.0, 1.0), 4.0); // ½ (2² + 2²)
/// # Ok::<(), double_descent::Error>(())
/// ```
///
/// # References
/// Goodfellow, Vinyals and Saxe, *Qualitatively characterizing neural network optimization problems*, ICLR 2015; Li,
/// Xu, Taylor, Studer and Goldstein, *Visualizing the loss landscape of neural nets*, NIPS 2018.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Slice {
    /// `L(β)`.
    pub value: f64,
    /// `g₁`, `g₂`: 0 at a minimum.
    pub slopes: [f64; 2],
    /// `h₁₁`, `h₁₂`, `h₂₂`.
    pub curvatures: [f64; 3],
}

impl Slice {
    /// Computes the slice at `beta` (`p × k`) along two directions of the same shape, for features `x` (`n × p`) and
    /// targets `y` (`n × k`).
    ///
    /// # Errors
    /// [`Error::Shape`], [`Error::Empty`], [`Error::NonFinite`], [`Error::Overflow`] if a coefficient of the quadratic
    /// does not fit into `f64`, [`Error::Memory`].
    pub fn new(
        x: &ArrayRef2<f64>,
        y: &ArrayRef2<f64>,
        beta: &ArrayRef2<f64>,
        directions: [&ArrayRef2<f64>; 2],
        loss: Loss,
    ) -> Result<Self, Error> {
        Error::check_len("rows of y", x.nrows(), y.nrows())?;
        if x.is_empty() || y.is_empty() {
            return Err(Error::Empty { what: "the table of a loss" });
        }
        for (what, table) in [("the features", x), ("y", y)] {
            Error::check_finite(what, table.view())?;
        }
        for (what, parameters) in
            [("beta", beta), ("a direction", directions[0]), ("a direction", directions[1])]
        {
            Error::check_len(what, x.ncols(), parameters.nrows())?;
            Error::check_len(what, y.ncols(), parameters.ncols())?;
            Error::check_finite(what, parameters.view())?;
        }
        reserve("a slice of the loss", table(y.nrows(), y.ncols()).saturating_mul(4))?;
        let c = loss.curvature(x.nrows());
        let left = x.dot(beta) - y;
        let [first, second] = directions.map(|direction| x.dot(direction));
        let product = |a: &Array2<f64>, b: &Array2<f64>| c * a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let slice = Self {
            value: 0.5 * product(&left, &left),
            slopes: [product(&first, &left), product(&second, &left)],
            curvatures: [product(&first, &first), product(&first, &second), product(&second, &second)],
        };
        let numbers = slice.slopes.iter().chain(&slice.curvatures).chain([&slice.value]);
        if numbers.into_iter().all(|number| number.is_finite()) {
            return Ok(slice);
        }
        Err(Error::Overflow { what: "a slice of the loss" })
    }

    /// Returns `L(β + s D₁ + t D₂)`; with `t = 0` this is the loss along a line.
    #[must_use]
    pub fn at(&self, s: f64, t: f64) -> f64 {
        let [h11, h12, h22] = self.curvatures;
        let linear = s * self.slopes[0] + t * self.slopes[1];
        self.value + linear + 0.5 * (s * s * h11 + 2.0 * s * t * h12 + t * t * h22)
    }

    /// Scales a direction `D` to the length of `beta` (both `p × k`), `D ‖β‖/‖D‖`, with norms over all entries.
    ///
    /// # Errors
    /// [`Error::NonFinite`], [`Error::Overflow`] if a length does not fit into `f64`, [`Error::Domain`] for a direction
    /// of length 0, [`Error::Memory`].
    pub fn to_length_of(beta: &ArrayRef2<f64>, direction: &ArrayRef2<f64>) -> Result<Array2<f64>, Error> {
        let [norm, length] = [beta, direction].map(crate::fit::complexity::coefficient_norm);
        let (norm, length) = (norm?, length?);
        if length == 0.0 {
            return Err(Error::Domain { what: "the length of a direction", value: 0.0, must_be: "> 0" });
        }
        reserve("a direction", table(direction.nrows(), direction.ncols()))?;
        Ok(direction.mapv(|d| d / length * norm))
    }
}
