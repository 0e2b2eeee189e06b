//! The factorisation and the quantities derived from it.

use super::checked;
use super::{Backend, DivideAndConquer, RawSvd, Right};
use crate::Error;
use crate::filter::Spectrum;
use crate::filter::cutoff::Cutoff;
use crate::filter::{Response, SpectralFilter};
use crate::machine::memory::{reserve, sum, table};
use ndarray::{Array1, Array2, ArrayRef1, ArrayRef2, ArrayView2, Axis, s};

/// The thin singular value decomposition `X = U Σ Vᵀ` of an `n × p` design matrix, with
/// `r = min(n, p)` modes, and its numerical rank for a given [`Cutoff`].
///
/// [`Svd::new`] makes it; [`Svd::solve`] fits any number of estimators with it.
///
/// ```text
/// X (n × p) = U (n × r) · diag(σ₁ ≥ … ≥ σᵣ ≥ 0) · Vᵀ (r × p)
/// ```
///
/// # Examples
/// ```
/// use double_descent::svd::Svd;
/// use ndarray::array;
///
/// let svd = Svd::new(&array![[3.0, 0.0], [0.0, 4.0], [0.0, 0.0]])?;
/// assert_eq!(svd.singular_values().to_vec(), [4.0, 3.0]);
/// assert_eq!(svd.rank(), 2);
/// # Ok::<(), double_descent::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Svd {
    pub(super) u: Array2<f64>,
    pub(super) right: Right,
}

impl Svd {
    /// Factorises `x` (`n × p`) on the default backend, [`DivideAndConquer`], with the default [`Cutoff`].
    ///
    /// # Errors
    /// [`Error::Empty`] if `x` has no entries; [`Error::NonFinite`] if it holds NaN or an infinity; [`Error::Overflow`]
    /// if `σ₁` is over 1.8e308; [`Error::Backend`] if neither route of the backend gives a factorisation that passes
    /// the checks; [`Error::Memory`].
    pub fn new(x: &ArrayRef2<f64>) -> Result<Self, Error> {
        Self::with_backend(x, &DivideAndConquer)
    }

    /// [`Svd::new`] on a backend of your choice.
    ///
    /// # Errors
    /// As [`Svd::new`].
    pub fn with_backend(x: &ArrayRef2<f64>, backend: &dyn Backend) -> Result<Self, Error> {
        checked::svd(x.view(), backend).map(Self::of)
    }

    /// Factorises many matrices; a backend may process them as one batch. Returns one result each, in order, with the
    /// errors of [`Svd::new`].
    #[must_use]
    pub fn many(xs: &[ArrayView2<'_, f64>], backend: &dyn Backend) -> Vec<Result<Self, Error>> {
        checked::svd_many(xs, backend).into_iter().map(|raw| raw.map(Self::of)).collect()
    }

    /// Returns the same factorisation with its rank determined by another cutoff.
    ///
    /// [`Svd::pseudoinverse`], [`Svd::project_row_space`], [`Svd::project_null_space`] and [`Svd::last_mode`] use this
    /// rank. A fit uses the cutoff of its filter ([`MinNorm::with_cutoff`](crate::filter::MinNorm::with_cutoff)).
    ///
    /// # Errors
    /// [`Error::Domain`] if the cutoff is negative or not finite.
    pub fn with_cutoff(mut self, cutoff: Cutoff) -> Result<Self, Error> {
        cutoff.check()?;
        self.right.cut_at(cutoff);
        Ok(self)
    }

    fn of(RawSvd { u, sigma, vt }: RawSvd) -> Self {
        Self::from_parts(u, sigma, vt)
    }

    pub(crate) fn from_parts(u: Array2<f64>, sigma: Array1<f64>, vt: Array2<f64>) -> Self {
        let right = Right::new(u.nrows(), sigma, vt);
        Self { u, right }
    }

    /// Everything except `U`.
    pub(crate) fn right(&self) -> &Right {
        &self.right
    }

    /// Sets the singular value of the direction that centring removed to 0 ([`Right::know_centred`]).
    pub(crate) fn know_centred(&mut self) {
        self.right.know_centred();
    }

    /// The left singular vectors as columns, `n × r`. The sign of each is arbitrary, but shared with its row of
    /// [`Svd::vt`].
    #[must_use]
    pub fn u(&self) -> &Array2<f64> {
        &self.u
    }

    /// The singular values, descending, `r = min(n, p)` of them.
    #[must_use]
    pub fn singular_values(&self) -> &Array1<f64> {
        &self.right.sigma
    }

    /// The right singular vectors as rows, `r × p`. The sign of each is arbitrary, but shared with its column of
    /// [`Svd::u`].
    #[must_use]
    pub fn vt(&self) -> &Array2<f64> {
        &self.right.vt
    }

    /// Rows and columns of the matrix, `(n, p)`.
    #[must_use]
    pub fn shape(&self) -> (usize, usize) {
        self.right.shape()
    }

    /// The spectrum passed to a [`SpectralFilter`].
    #[must_use]
    pub fn spectrum(&self) -> Spectrum<'_> {
        self.right.spectrum()
    }

    /// The number of singular values above [`Svd::cutoff`].
    #[must_use]
    pub fn rank(&self) -> usize {
        self.right.rank
    }

    /// The absolute cutoff that determines the rank: `σ > cutoff` counts.
    #[must_use]
    pub fn cutoff(&self) -> f64 {
        self.right.cutoff
    }

    /// The smallest singular value above the cutoff, whose reciprocal causes the peak. `None` for a matrix of rank 0.
    #[must_use]
    pub fn smallest_nonzero(&self) -> Option<f64> {
        self.right.smallest_nonzero()
    }

    /// `σ₁ / σᵣ` over all `r = min(n, p)` singular values; infinite if the smallest is exactly zero.
    #[must_use]
    pub fn condition_number(&self) -> f64 {
        match (self.right.sigma.first(), self.right.sigma.last()) {
            (Some(_), Some(0.0)) => f64::INFINITY, // 0/0 too
            (Some(first), Some(last)) => first / last,
            _ => f64::NAN,
        }
    }

    /// The Moore–Penrose pseudoinverse `X⁺ = Σ_{σᵣ > cutoff} vᵣ uᵣᵀ / σᵣ`, `p × n`.
    ///
    /// # Errors
    /// [`Error::Overflow`] if an entry does not fit into `f64`, because of a singular value under 1e-308;
    /// [`Error::Memory`].
    pub fn pseudoinverse(&self) -> Result<Array2<f64>, Error> {
        let (n, p) = self.shape();
        reserve("a pseudoinverse", sum([table(p, self.right.rank), table(p, n)]))?;
        let kept = s![..self.right.rank];
        let scaled = &self.right.vt.slice(s![..self.right.rank, ..]).t() / &self.right.sigma.slice(kept);
        let inverse = scaled.dot(&self.u.slice(s![.., ..self.right.rank]).t());
        let overflow = |_| Error::Overflow { what: "an entry of the pseudoinverse" };
        Error::check_finite("the pseudoinverse", inverse.view()).map_err(overflow)?;
        Ok(inverse)
    }

    /// Computes the parameters `β̂ = V diag(g) Uᵀ Y` with the gains `g` of a filter, `p × k`, for targets `Y`
    /// (`n × k`, one column per output).
    ///
    /// # Errors
    /// [`Error::Shape`] if `y` does not have `n` rows; [`Error::NonFinite`] if it holds NaN or an infinity;
    /// [`Error::Overflow`] if a parameter does not fit into `f64`; [`Error::Memory`]; the filter's own error from
    /// [`SpectralFilter::check`], such as [`Error::StepTooLarge`]; [`Error::UserCode`] if the filter panics, or its
    /// gains, residual factors or penalty are invalid.
    ///
    /// # Examples
    /// ```
    /// use double_descent::{filter::MinNorm, svd::Svd};
    /// use ndarray::array;
    ///
    /// let x = array![[1.0, 1.0]]; // one sample, two parameters
    /// let beta = Svd::new(&x)?.solve(&array![[4.0]], &MinNorm::default())?;
    /// assert!((beta[[0, 0]] - 2.0).abs() < 1e-14 && (beta[[1, 0]] - 2.0).abs() < 1e-14);
    /// # Ok::<(), double_descent::Error>(())
    /// ```
    pub fn solve(&self, y: &ArrayRef2<f64>, filter: &dyn SpectralFilter) -> Result<Array2<f64>, Error> {
        self.fit(y, filter).map(|(beta, _)| beta)
    }

    /// [`Svd::solve`], with the residuals of the targets along each left singular vector, `(1 − g σ) Uᵀ Y` (`r × k`),
    /// computed from the filter's own residual factors.
    pub(crate) fn fit(
        &self,
        y: &ArrayRef2<f64>,
        filter: &dyn SpectralFilter,
    ) -> Result<(Array2<f64>, Array2<f64>), Error> {
        self.fit_as(y, filter, self.shape())
    }

    /// [`Svd::fit`] if this factorises the triangle of an `n × p` matrix, whose shape the filter is to see.
    pub(crate) fn fit_as(
        &self,
        y: &ArrayRef2<f64>,
        filter: &dyn SpectralFilter,
        (n, p): (usize, usize),
    ) -> Result<(Array2<f64>, Array2<f64>), Error> {
        let (Response { gains, residuals }, along) = self.respond(y, filter, (n, p))?;
        let beta = self.right.vt.t().dot(&(&along * &Array1::from(gains).insert_axis(Axis(1))));
        let overflow = |_| Error::Overflow { what: "a coefficient of the fit" };
        Error::check_finite("coefficients", beta.view()).map_err(overflow)?;
        Ok((beta, along * &Array1::from(residuals).insert_axis(Axis(1))))
    }

    /// [`Svd::fit_as`] in terms of rows: the weights `W = U diag(g/σ) Uᵀ Y` of `β̂ = Xᵀ W`, for an `X` with these
    /// singular values (its own, or in another unit). Modes with a zero singular value get no weight.
    pub(crate) fn weights_as(
        &self,
        y: &ArrayRef2<f64>,
        filter: &dyn SpectralFilter,
        (n, p): (usize, usize),
        singular_values: &[f64],
    ) -> Result<(Array2<f64>, Array2<f64>), Error> {
        let (Response { gains, residuals }, along) = self.respond(y, filter, (n, p))?;
        let pairs = gains.iter().zip(singular_values);
        let of_rows = pairs.map(|(gain, &sigma)| if sigma > 0.0 { gain / sigma } else { 0.0 });
        let weights = self.u.dot(&(&along * &Array1::from_iter(of_rows).insert_axis(Axis(1))));
        let overflow = |_| Error::Overflow { what: "the weight of a row in the fit" };
        Error::check_finite("weights", weights.view()).map_err(overflow)?;
        Ok((weights, along * &Array1::from(residuals).insert_axis(Axis(1))))
    }

    /// Computes a filter's response to the spectrum of an `n × p` matrix, and the targets along each left singular
    /// vector, `Uᵀ Y`.
    fn respond(
        &self,
        y: &ArrayRef2<f64>,
        filter: &dyn SpectralFilter,
        (n, p): (usize, usize),
    ) -> Result<(Response, Array2<f64>), Error> {
        Error::check_len("rows of y", self.u.nrows(), y.nrows())?;
        Error::check_finite("y", y.view())?;
        reserve(
            "the coefficients of a fit",
            sum([
                table(self.right.vt.ncols(), y.ncols()),
                table(self.right.sigma.len(), y.ncols()).saturating_mul(3),
            ]),
        )?;
        let spectrum = Spectrum::new(n, p, self.spectrum().singular_values());
        Ok((Response::new(filter, spectrum)?, self.u.t().dot(y)))
    }

    /// Projects each row of `x` (`m × p`) on the row space of `X`: `x V Vᵀ` over the modes within the rank, `m × p`.
    ///
    /// # Errors
    /// [`Error::Shape`] if `x` does not have `p` columns; [`Error::NonFinite`]; [`Error::Memory`].
    pub fn project_row_space(&self, x: &ArrayRef2<f64>) -> Result<Array2<f64>, Error> {
        Error::check_len("columns of x", self.right.vt.ncols(), x.ncols())?;
        Error::check_finite("x", x.view())?;
        reserve("a projection", sum([table(x.nrows(), self.right.rank), table(x.nrows(), x.ncols())]))?;
        Ok(self.right.row_space(x))
    }

    /// Projects each row of `x` (`m × p`) on the null space of `X`: `x (I − V Vᵀ)` over the modes within the rank,
    /// `m × p`. This is the part that the training rows do not determine.
    ///
    /// # Errors
    /// [`Error::Shape`] if `x` does not have `p` columns; [`Error::NonFinite`]; [`Error::Memory`].
    pub fn project_null_space(&self, x: &ArrayRef2<f64>) -> Result<Array2<f64>, Error> {
        Error::check_len("columns of x", self.right.vt.ncols(), x.ncols())?;
        Error::check_finite("x", x.view())?;
        self.right.null_space(x)
    }

    /// Returns the index of the last mode with a non-zero singular value, `rank − 1`, and the sign for which
    /// `Σₖ u_last · y_k ≥ 0` over the columns of `y` (`n × k`): the direction along which data do the most harm. `None`
    /// at rank 0.
    ///
    /// # Errors
    /// [`Error::Shape`] if `y` does not have `n` rows, [`Error::NonFinite`].
    pub fn last_mode(&self, y: &ArrayRef2<f64>) -> Result<Option<LastMode>, Error> {
        Error::check_len("rows of y", self.u.nrows(), y.nrows())?;
        Error::check_finite("y", y.view())?;
        Ok(self.right.rank.checked_sub(1).map(|index| {
            let alignment = self.u.column(index).dot(&y.sum_axis(Axis(1)));
            LastMode { index, sign: if alignment < 0.0 { -1.0 } else { 1.0 } }
        }))
    }

    /// Copies a vector of `n` targets into the `n × 1` matrix that this crate uses.
    #[must_use]
    pub fn column(y: &ArrayRef1<f64>) -> Array2<f64> {
        y.to_owned().insert_axis(Axis(1))
    }
}

/// The mode of the smallest non-zero singular value and the sign that orients it
/// ([`Svd::last_mode`]).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LastMode {
    /// Its index among the modes, counted from 0: `rank − 1`.
    pub index: usize,
    /// `+1` or `−1`: multiply `u_last` and `v_last` by it.
    pub sign: f64,
}
