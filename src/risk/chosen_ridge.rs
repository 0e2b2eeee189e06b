//! Ridge penalties chosen by degrees of freedom or by training loss.

use crate::Error;
use crate::filter::Ridge;
use crate::machine::memory::{reserve, table};
use crate::svd::Svd;
use ndarray::{ArrayRef2, Axis};

impl Ridge {
    /// Returns the ridge fit with given degrees of freedom, `Σ σᵣ²/(σᵣ² + λ) = degrees`, over the modes within the
    /// rank. The penalty `λ` is added to the sum of squares.
    ///
    /// As `degrees` falls from the rank to 0, the penalty grows from 0 to ∞. More degrees of freedom than the rank need
    /// a negative penalty, which enlarges each mode. Solved by bisection to the last digits of `λ`;
    /// next to the rank, `λ` has as many digits as a sum that differs from the rank so little.
    ///
    /// # Errors
    /// [`Error::Domain`] unless `degrees` is finite and > 0, or if `λ` does not fit into `f64`; [`Error::Unsupported`]
    /// for a matrix of rank 0.
    ///
    /// # Examples
    /// ```
    /// use double_descent::{filter::Ridge, svd::Svd};
    /// use ndarray::array;
    ///
    /// let svd = Svd::new(&array![[2.0, 0.0], [0.0, 1.0]])?;
    /// let ridge = Ridge::with_degrees_of_freedom(&svd, 1.0)?; // 4/(4 + λ) + 1/(1 + λ) = 1
    /// assert!((ridge.lambda() - 2.0).abs() < 1e-14);
    /// # Ok::<(), double_descent::Error>(())
    /// ```
    pub fn with_degrees_of_freedom(svd: &Svd, degrees: f64) -> Result<Self, Error> {
        if !(degrees > 0.0 && degrees.is_finite()) {
            let what = "the degrees of freedom";
            return Err(Error::Domain { what, value: degrees, must_be: "finite and > 0" });
        }
        let sigma = &svd.singular_values().to_vec()[..svd.rank()];
        let (Some(&first), Some(&last)) = (sigma.first(), sigma.last()) else {
            return Err(without_rank());
        };
        let rank = sigma.len() as f64;
        // The bounds, as if all modes were like the largest or the smallest: λ = σ² (rank − degrees)/degrees.
        let share = (rank - degrees) / degrees;
        if share == 0.0 {
            return Self::new(0.0);
        }
        if share > 0.0 {
            // In terms of √λ, because squares may overflow. A mode counts 1/(1 + λ/σ²).
            let count = |root: f64| sigma.iter().map(|s| (1.0 + (root / s).powi(2)).recip()).sum::<f64>();
            let root = bisect(last * share.sqrt(), first * share.sqrt(), |root| count(root) > degrees);
            return Self::new(root * root);
        }
        // √−λ lies between 0 and σ_r.
        let count = |root: f64| {
            // 1 − (root/σ)² as a product; it is 0 at σ_r.
            let mode = |s: &f64| (((s - root).max(0.0) / s) * ((s + root) / s)).recip();
            sigma.iter().map(mode).sum::<f64>()
        };
        let root = bisect(0.0, last, |root| count(root) < degrees);
        Self::new(-(root * root))
    }

    /// Returns the ridge fit with a given training loss, `‖Xβ̂ − Y‖²/(nk) = mse`: the largest penalty that keeps to
    /// this loss, for targets `y` (`n × k`). The penalty `λ` is added to the sum of squares. If `mse` is the variance
    /// of the noise, this is Morozov's discrepancy principle.
    ///
    /// The training loss grows with the penalty, from that of least squares (over the modes within the rank) to the
    /// mean square of the targets. Solved by bisection to the last digits of `λ`; next to either
    /// end, to as many as the loss then has. At the lower end `λ = 0`.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for a loss that no penalty gives, with the range of possible losses, and for a matrix of
    /// rank 0; [`Error::Domain`] unless `mse` is finite and at least 0, or if `λ` does not fit into `f64`;
    /// [`Error::Empty`], [`Error::Shape`], [`Error::NonFinite`]; [`Error::Overflow`] if the sum of the squared targets
    /// does not fit into `f64`; [`Error::Memory`].
    ///
    /// # Examples
    /// ```
    /// use double_descent::{filter::Ridge, svd::Svd};
    /// use ndarray::array;
    ///
    /// let svd = Svd::new(&array![[1.0]])?;
    /// let ridge = Ridge::with_training_loss(&svd, &array![[8.0]], 36.0)?; // it predicts 2 and misses 6
    /// assert!((ridge.lambda() - 3.0).abs() < 1e-14);
    /// # Ok::<(), double_descent::Error>(())
    /// ```
    pub fn with_training_loss(svd: &Svd, y: &ArrayRef2<f64>, mse: f64) -> Result<Self, Error> {
        if !(mse >= 0.0 && mse.is_finite()) {
            return Err(Error::Domain {
                what: "the training loss",
                value: mse,
                must_be: "finite and at least 0",
            });
        }
        let n = svd.shape().0;
        Error::check_len("rows of y", n, y.nrows())?;
        if y.is_empty() {
            return Err(Error::Empty { what: "the targets" });
        }
        Error::check_finite("y", y.view())?;
        reserve("the residuals of a fit", table(n, y.ncols()).saturating_mul(3))?;
        let rank = svd.rank();
        let sigma = &svd.singular_values().to_vec()[..rank];
        let u = svd.u().slice(ndarray::s![.., ..rank]);
        let along = u.t().dot(y);
        let squares = along.mapv(|c| c * c).sum_axis(Axis(1)).to_vec();
        let rest = if rank == n {
            0.0
        } else {
            let once = y.to_owned() - u.dot(&along);
            let rest = &once - &u.dot(&u.t().dot(&once));
            rest.iter().map(|v| v * v).sum::<f64>()
        };
        let entries = y.len() as f64;
        let all: f64 = squares.iter().sum();
        if !(all + rest).is_finite() {
            return Err(Error::Overflow { what: "the mean square of the targets" });
        }
        let wanted = mse * entries - rest;
        if wanted == 0.0 {
            return Self::new(0.0);
        }
        let (Some(&first), Some(&last)) = (sigma.first(), sigma.last()) else {
            return Err(without_rank());
        };
        if !(wanted > 0.0 && wanted < all) {
            let (low, high) = (rest / entries, (all + rest) / entries);
            let reason = format!(
                "no ridge penalty leaves a mean squared training error of {mse:e}: on this data it lies between \
                 {low:e}, of least squares, and {high:e}, of predicting 0; ask for one between them"
            );
            return Err(Error::Unsupported { reason });
        }
        // If all modes were alike: λ/(σ² + λ) = q, λ = σ² q/(1 − q), with 1 − q = (1 − q²)/(1 + q).
        let q = (wanted / all).sqrt();
        let share = (q * (1.0 + q) / ((all - wanted) / all)).sqrt();
        let left = |root: f64| {
            let mode = |(s, square): (&f64, &f64)| square * (1.0 + (s / root).powi(2)).powi(-2);
            sigma.iter().zip(&squares).map(mode).sum::<f64>()
        };
        let root = bisect(last * share, first * share, |root| left(root) < wanted);
        Self::new(root * root)
    }
}

fn without_rank() -> Error {
    Error::Unsupported { reason: "no penalty changes the fit to a matrix of rank 0, which is 0".into() }
}

/// Finds where `is_below` turns from true to false between two positive numbers (the first may be 0), to the last
/// digit. Uses the midpoint of the logarithms, so that many powers of ten take no longer.
fn bisect(low: f64, high: f64, is_below: impl Fn(f64) -> bool) -> f64 {
    // Rounding of the ends must not exclude the root.
    let (mut low, mut high) = (low * (1.0 - 1e-14), high * (1.0 + 1e-14));
    for _ in 0..2200 {
        let geometric = low.sqrt() * high.sqrt();
        let middle = if low > 0.5 * high { f64::midpoint(low, high) } else { geometric.max(1e-3 * high) };
        let middle = if middle <= low { f64::midpoint(low, high) } else { middle };
        if middle <= low || middle >= high {
            break;
        }
        if is_below(middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
    high
}
