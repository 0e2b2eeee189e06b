//! Fits that start from given parameters.

use super::Svd;
use crate::Error;
use crate::filter::{Response, SpectralFilter};
use crate::machine::memory::{reserve, sum, table};
use ndarray::{Array1, Array2, ArrayRef2, Axis};

impl Svd {
    /// Computes a filter's fit from a start `β₀` (`p × k`), `β̂ = β₀ + V diag(g) Uᵀ (Y − X β₀)`, `p × k`, for targets
    /// `Y` (`n × k`).
    ///
    /// Along each right singular vector, the start is multiplied by the filter's residual factor; its component
    /// orthogonal to all of them stays. So an iterative method starts at `β₀` and ends at
    /// [`nearest`](crate::interpolants::nearest), `β₀ + X⁺(Y − X β₀)`, and a penalty shrinks towards `β₀`, not 0: with
    /// [`Ridge`](crate::filter::Ridge) this is the minimiser of `‖Xβ − Y‖² + λ‖β − β₀‖²`, transfer from a source task
    /// whose solution is `β₀` (Dar and Baraniuk, *Double double descent: on generalization errors in transfer learning
    /// between linear regression tasks*, SIAM J. Math. Data Sci. 2022).
    ///
    /// # Errors
    /// Those of [`Svd::solve`]; [`Error::Shape`] unless the start is `p × k`, and [`Error::NonFinite`] if it holds NaN
    /// or an infinity.
    ///
    /// # Examples
    /// ```
    /// use double_descent::{filter::Ridge, svd::Svd};
    /// use ndarray::array;
    ///
    /// let svd = Svd::new(&array![[1.0, 0.0]])?; // one sample, which does not determine the second parameter
    /// let source = array![[2.0], [5.0]];
    /// let beta = svd.solve_from(&array![[6.0]], &source, &Ridge::new(1.0)?)?;
    /// assert!((beta[[0, 0]] - 4.0).abs() < 1e-14 && (beta[[1, 0]] - 5.0).abs() < 1e-14);
    /// # Ok::<(), double_descent::Error>(())
    /// ```
    pub fn solve_from(
        &self,
        y: &ArrayRef2<f64>,
        start: &ArrayRef2<f64>,
        filter: &dyn SpectralFilter,
    ) -> Result<Array2<f64>, Error> {
        let (n, p) = self.shape();
        Error::check_len("rows of y", n, y.nrows())?;
        Error::check_len("rows of the start", p, start.nrows())?;
        Error::check_len("columns of the start", y.ncols(), start.ncols())?;
        Error::check_finite("y", y.view())?;
        Error::check_finite("the start", start.view())?;
        let modes = self.singular_values().len();
        let work = [table(p, y.ncols()).saturating_mul(4), table(modes, y.ncols()).saturating_mul(4)];
        reserve("the coefficients of a fit", sum(work))?;
        let Response { gains, residuals } = Response::new(filter, self.spectrum())?;
        let [gains, residuals] = [gains, residuals].map(|of| Array1::from(of).insert_axis(Axis(1)));
        // The remainder of the start and the fitted part are added along each mode, so that no similar numbers are
        // subtracted.
        let along = self.vt().dot(start);
        let moved = &along * &residuals + self.u().t().dot(y) * gains;
        let mut beta = self.vt().t().dot(&moved);
        if modes < p {
            let beyond = start.to_owned() - self.vt().t().dot(&along);
            // Twice is enough (Kahan).
            beta += &(&beyond - &self.vt().t().dot(&self.vt().dot(&beyond)));
        }
        let overflow = |_| Error::Overflow { what: "a coefficient of the fit" };
        Error::check_finite("coefficients", beta.view()).map_err(overflow)?;
        Ok(beta)
    }
}
