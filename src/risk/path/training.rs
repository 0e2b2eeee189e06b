//! A training set, factorised once.

use super::Path;
use super::evaluate::{ask, checked, filter_points, ridge_points};
use super::held_out::Projected;
use super::modes::Modes;
use super::reduced::Reduced;
use super::ridge_left_out::RidgeLeftOut;
use super::without_row::WithoutRow;
use crate::Error;
use crate::filter::{
    GradientDescent, GradientFlow, Length, Loss, Response, Schedule, SpectralFilter, Spectrum, Truncated,
    penalty,
};
use crate::machine::memory::{reserve, sum, table};
use crate::risk::Compressed;
use crate::risk::centred::{Centred, Means};
use crate::svd::{Backend, Cutoff, DivideAndConquer, Left, Svd, WellConditioned, product, triangle};
use ndarray::{Array1, Array2, ArrayRef2, Axis, s};
use std::borrow::Cow;
use std::sync::OnceLock;

/// A training set (`X` `n × p`, `Y` `n × k`), factorised once: every fit on it then costs a few products.
///
/// # Accuracy
/// `U` and `σ` come from an SVD, of the triangle of `Xᵀ = Q R` if `p > n`: results have an error of about `ε κ`,
/// `κ = σ₁/σ_r`. If `n ≤ 0.6 p`, no backend is chosen, and the spectrum of `XXᵀ` shows that `κ ≤ 8`, they are its
/// eigenvectors and the roots of its eigenvalues: the error is `ε κ²`, so at most 8 times as large, in a fraction of
/// the time. In that case a path of many penalties is computed from `XXᵀ = Q T Qᵀ`, `T` tridiagonal, to the same
/// accuracy, and singular vectors are computed only when something else needs them.
///
/// # Examples
/// ```
/// use double_descent::filter::Loss;
/// use double_descent::risk::{Compressed, Criterion, Training};
/// use double_descent::dataset::Dataset;
/// use ndarray::s;
///
/// let data = Dataset::diabetes();
/// let (x, y) = (data.features(), data.targets());
/// let test = Compressed::new(&x.slice(s![100.., ..]), &y.slice(s![100.., ..]))?;
/// let training = Training::with_intercept(&x.slice(s![..100, ..]), &y.slice(s![..100, ..]))?.tested_on(&test)?;
///
/// let penalties: Vec<f64> = (-30..30).map(|e| 10f64.powf(0.1 * f64::from(e))).collect();
/// let path = training.penalties(&penalties)?;
/// let chosen = path.best(Criterion::LeaveOneOut).unwrap();
/// let best = path.best(Criterion::Test).unwrap();
/// assert!(path.points()[chosen.index].test_mse.unwrap() < 1.05 * best.score);
///
/// let flow = training.times(&[0.1, 1.0, 10.0, 100.0], Loss::HalfSum)?;
/// assert!(flow.points()[3].train_mse < flow.points()[0].train_mse);
/// # Ok::<(), double_descent::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Training {
    form: Form,
    right: Right,
    /// The number of features, `p`.
    width: usize,
    means: Option<Means>,
    test: Option<Projected>,
    with_left_out: bool,
}

/// The factorisation that fits are computed from.
#[derive(Clone, Debug)]
enum Form {
    Modes(Modes),
    /// Modes and singular values are computed on demand.
    Reduced {
        reduced: Reduced,
        modes: OnceLock<Box<Modes>>,
        sigma: OnceLock<Vec<f64>>,
    },
}

/// The right singular vectors of the kept modes.
#[derive(Clone, Debug)]
enum Right {
    /// `Vᵀ`, `r × p`.
    Known(Array2<f64>),
    /// For more columns than rows: the features (centred if there is an intercept), from which they are computed on
    /// demand.
    Of(Array2<f64>),
}

impl Training {
    /// Factorises a training set, features `x` (`n × p`) and targets `y` (`n × k`), without an intercept.
    ///
    /// # Errors
    /// Those of [`Svd::new`]; [`Error::Empty`], [`Error::Shape`] and [`Error::NonFinite`] about the targets,
    /// [`Error::Overflow`] if the sum of their squares does not fit into `f64`.
    pub fn new(x: &ArrayRef2<f64>, y: &ArrayRef2<f64>) -> Result<Self, Error> {
        Self::uncentred(x, y, None)
    }

    /// Like [`Training::new`], on a backend of your choice.
    ///
    /// # Errors
    /// As [`Training::new`].
    pub fn with_backend(
        x: &ArrayRef2<f64>,
        y: &ArrayRef2<f64>,
        backend: &dyn Backend,
    ) -> Result<Self, Error> {
        Self::uncentred(x, y, Some(backend))
    }

    fn uncentred(
        x: &ArrayRef2<f64>,
        y: &ArrayRef2<f64>,
        backend: Option<&dyn Backend>,
    ) -> Result<Self, Error> {
        if y.is_empty() {
            return Err(Error::Empty { what: "the targets" });
        }
        Error::check_len("rows of y", x.nrows(), y.nrows())?;
        Error::check_finite("the targets", y.view())?;
        reserve("the features of a path", table(x.nrows(), x.ncols()))?;
        Self::factorised(x.to_owned(), y, None, backend)
    }

    /// Factorises a training set (`n × p` and `n × k`) with an unpenalised intercept, on centred columns ([`Centred`]).
    /// Each leave-one-out fit is centred afresh.
    ///
    /// # Errors
    /// As [`Training::new`]; [`Error::Overflow`] for a difference from a mean that does not fit into `f64`.
    pub fn with_intercept(x: &ArrayRef2<f64>, y: &ArrayRef2<f64>) -> Result<Self, Error> {
        let centred = Centred::new(x, y)?;
        let (x, y, means) = centred.into_parts();
        Self::factorised(x, &y, Some(means), None)
    }

    /// Factorises on the backend, if one was chosen.
    fn factorised(
        x: Array2<f64>,
        y: &ArrayRef2<f64>,
        means: Option<Means>,
        backend: Option<&dyn Backend>,
    ) -> Result<Self, Error> {
        let squares: f64 = y.iter().map(|v| v * v).sum();
        if squares.is_infinite() {
            return Err(Error::Overflow { what: "the mean square of the targets" });
        }
        let (n, width) = x.dim();
        // The direction that centring removes from the rows cannot count.
        let intercepts = usize::from(means.is_some());
        let by_gram = match backend {
            None if n < width => WellConditioned::new(x.view(), means.is_some())?,
            _ => None,
        };
        let with =
            |form: Form, right: Right| Self { form, right, width, means, test: None, with_left_out: true };
        if let Some(form) = by_gram {
            let reduced = Reduced { form, targets: y.to_owned(), intercepts };
            let form = Form::Reduced { reduced, modes: OnceLock::new(), sigma: OnceLock::new() };
            return Ok(with(form, Right::Of(x)));
        }
        let (modes, vt) = by_svd(&x, y, intercepts, backend.unwrap_or(&DivideAndConquer))?;
        Ok(with(Form::Modes(modes), vt.map_or(Right::Of(x), Right::Known)))
    }

    /// The modes, computed on the first call.
    pub(super) fn modes(&self) -> Result<&Modes, Error> {
        let (reduced, kept) = match &self.form {
            Form::Modes(modes) => return Ok(modes),
            Form::Reduced { reduced, modes, .. } => (reduced, modes),
        };
        if let Some(modes) = kept.get() {
            return Ok(modes);
        }
        let Right::Of(x) = &self.right else {
            return Err(Error::Unsupported { reason: "no features to find singular vectors of".into() });
        };
        let (y, intercepts) = (&reduced.targets, reduced.intercepts);
        let modes = if let Some(Left { u, sigma }) = reduced.form.left(x.view())? {
            let outside = Array2::zeros(y.dim());
            Modes::new(u.view(), (sigma, reduced.form.rank()), self.width, y.view(), outside, intercepts)?
        } else {
            by_svd(x, y, intercepts, &DivideAndConquer)?.0
        };
        Ok(kept.get_or_init(|| Box::new(modes)))
    }

    fn shape(&self) -> (usize, usize) {
        match &self.form {
            Form::Modes(modes) => (modes.rows(), modes.outputs()),
            Form::Reduced { reduced, .. } => reduced.targets.dim(),
        }
    }

    /// `Vᵀ` of the kept modes, `r × p`. Computed from `Uᵀ X = Σ Vᵀ`, each vector has an error of `ε σ₁/σ`, and results
    /// an error of `κ ε` of the fit, which is the error of a fit in any case.
    pub(super) fn right(&self) -> Result<Cow<'_, Array2<f64>>, Error> {
        match &self.right {
            Right::Known(vt) => Ok(Cow::Borrowed(vt)),
            Right::Of(x) => {
                let modes = self.modes()?;
                let (rank, p) = (modes.rank(), x.ncols());
                reserve("the right singular vectors of a path", table(rank, p).saturating_mul(2))?;
                let sigma = Array1::from(modes.sigma[..rank].to_vec()).insert_axis(Axis(1));
                Ok(Cow::Owned(product(modes.u.t(), x.view()) / sigma))
            }
        }
    }

    /// Adds test errors, on the rows of `test` or in expectation over its population.
    ///
    /// # Errors
    /// [`Error::Shape`] unless it has the columns of the training set, [`Error::Memory`], [`Error::Backend`].
    pub fn tested_on(mut self, test: &Compressed) -> Result<Self, Error> {
        Error::check_len("columns of the test targets", self.shape().1, test.targets.ncols())?;
        let test = Projected::new(test, self.right()?.view(), self.means.as_ref())?;
        self.test = Some(test);
        Ok(self)
    }

    /// Omits leave-one-out errors, which cost as much as everything else and, for filters other than ridge, `n r` gains
    /// each.
    #[must_use]
    pub fn without_leave_one_out(mut self) -> Self {
        self.with_left_out = false;
        self
    }

    /// The singular values, descending; those of the centred features if there is an intercept.
    #[must_use]
    pub fn singular_values(&self) -> &[f64] {
        match &self.form {
            Form::Modes(modes) => &modes.sigma,
            Form::Reduced { reduced, sigma, .. } => sigma.get_or_init(|| reduced.form.singular_values()),
        }
    }

    /// The number of singular values over the cutoff, `max(n, p) ε σ₁`; with an intercept at most `n − 1`.
    #[must_use]
    pub fn rank(&self) -> usize {
        match &self.form {
            Form::Modes(modes) => modes.rank(),
            Form::Reduced { reduced, .. } => reduced.form.rank(),
        }
    }

    /// Computes the ridge fits with each of these penalties `λ`, of `‖Xβ − Y‖² + λ‖β‖²`, in a few matrix products. 0
    /// stands for least squares; negative penalties are allowed down to [`Ridge::limit`](crate::filter::Ridge::limit).
    ///
    /// # Errors
    /// [`Error::Empty`] for none; those of [`Ridge::new`](crate::filter::Ridge::new) and its check; [`Error::Overflow`]
    /// if an entry of a [`PathPoint`](super::PathPoint) does not fit into `f64`, [`Error::Memory`], [`Error::Backend`].
    pub fn penalties(&self, lambdas: &[f64]) -> Result<Path, Error> {
        if lambdas.is_empty() {
            return Err(Error::Empty { what: "the list of penalties" });
        }
        if let (Form::Reduced { reduced, .. }, None) = (&self.form, &self.test)
            && let Some(points) = reduced.points(lambdas, self.with_left_out)?
        {
            return checked(points).map(Path::new);
        }
        ridge_points(self.modes()?, lambdas, self.test.as_ref(), self.with_left_out).map(Path::new)
    }

    /// Computes gradient flow on `loss` from 0, stopped at each of these times.
    ///
    /// # Errors
    /// [`Error::Empty`] for none; those of [`GradientFlow::new`]; [`Error::Overflow`], [`Error::Memory`] and
    /// [`Error::Backend`] as for [`Training::penalties`].
    pub fn times(&self, times: &[f64], loss: Loss) -> Result<Path, Error> {
        let flows = times.iter().map(|&time| GradientFlow::new(time, loss).map(|flow| (time, flow)));
        self.family(flows, "the list of times")
    }

    /// Computes gradient descent on `loss` from 0, stopped after each of these lengths. The path's values are numbers
    /// of steps.
    ///
    /// # Errors
    /// [`Error::Empty`] for none; those of [`GradientDescent::new`]; [`Error::StepTooLarge`]; [`Error::Overflow`],
    /// [`Error::Memory`] and [`Error::Backend`] as for [`Training::penalties`].
    pub fn steps(&self, schedule: &Schedule, lengths: &[Length], loss: Loss) -> Result<Path, Error> {
        let descents = lengths.iter().map(|&length| {
            let steps = length.steps(self.shape().0) as f64;
            GradientDescent::new(schedule.clone(), length, loss).map(|descent| (steps, descent))
        });
        self.family(descents, "the list of lengths")
    }

    /// Computes the minimum-norm fits on the modes with singular values of `X` of at least each of these cutoffs.
    ///
    /// # Errors
    /// [`Error::Empty`] for none; those of [`Truncated::new`]; [`Error::Overflow`], [`Error::Memory`] and
    /// [`Error::Backend`] as for [`Training::penalties`].
    pub fn cutoffs(&self, cutoffs: &[f64]) -> Result<Path, Error> {
        let fits = cutoffs.iter().map(|&cutoff| Truncated::new(cutoff).map(|fit| (cutoff, fit)));
        self.family(fits, "the list of cutoffs")
    }

    fn family<F: SpectralFilter>(
        &self,
        filters: impl Iterator<Item = Result<(f64, F), Error>>,
        what: &'static str,
    ) -> Result<Path, Error> {
        let filters = filters.collect::<Result<Vec<_>, _>>()?;
        let filters: Vec<_> = filters.iter().map(|(value, f)| (*value, f as &dyn SpectralFilter)).collect();
        self.listed(&filters, what)
    }

    /// Computes the fits of any filters, each with a value that represents it.
    ///
    /// # Errors
    /// [`Error::Empty`] for none; those of the filters; [`Error::UserCode`] if one panics or returns invalid gains;
    /// [`Error::Overflow`], [`Error::Memory`] and [`Error::Backend`] as for [`Training::penalties`].
    pub fn filters(&self, filters: &[(f64, &dyn SpectralFilter)]) -> Result<Path, Error> {
        self.listed(filters, "the list of filters")
    }

    fn listed(&self, filters: &[(f64, &dyn SpectralFilter)], what: &'static str) -> Result<Path, Error> {
        if filters.is_empty() {
            return Err(Error::Empty { what });
        }
        filter_points(self.modes()?, filters, self.test.as_ref(), self.with_left_out).map(Path::new)
    }

    /// Computes the coefficients of one fit (`p × k`), and its intercept if there is one (`k`).
    ///
    /// # Errors
    /// Those of the filter; [`Error::UserCode`] if it panics or returns invalid gains; [`Error::Overflow`] if a
    /// coefficient does not fit into `f64`; [`Error::Memory`], [`Error::Backend`].
    pub fn coefficients(
        &self,
        filter: &dyn SpectralFilter,
    ) -> Result<(Array2<f64>, Option<Vec<f64>>), Error> {
        let (mut response, modes) = (Response::default(), self.modes()?);
        ask(modes, filter, &mut response)?;
        let (rank, k) = (modes.rank(), modes.outputs());
        reserve("the coefficients of a fit", sum([table(rank, k), table(self.width, k)]))?;
        let moved = Array2::from_shape_fn((rank, k), |at| response.gains[at.0] * modes.along[at]);
        let beta = self.right()?.t().dot(&moved);
        let overflow = |_| Error::Overflow { what: "a coefficient of the fit" };
        Error::check_finite("coefficients", beta.view()).map_err(overflow)?;
        let intercept = self.means.as_ref().map(|means| means.intercept(&beta)).transpose()?;
        Ok((beta, intercept.map(|b| b.to_vec())))
    }

    /// Computes the leave-one-out errors `yᵢ − ŷ₋ᵢ(xᵢ)` of one fit, `n × k`; `None` if a fit without some row does not
    /// exist.
    ///
    /// # Errors
    /// Those of the filter; [`Error::UserCode`] if it panics or returns invalid gains; [`Error::Memory`],
    /// [`Error::Backend`].
    pub fn left_out_errors(&self, filter: &dyn SpectralFilter) -> Result<Option<Array2<f64>>, Error> {
        let (mut response, modes) = (Response::default(), self.modes()?);
        ask(modes, filter, &mut response)?;
        if let Some(lambda) = penalty(filter)? {
            return Ok(RidgeLeftOut::new(modes).errors(lambda, &response));
        }
        let mut errors = Array2::zeros(modes.outside.dim());
        let is_complete =
            WithoutRow::all(modes)?.each(filter, |row, output, error| errors[[row, output]] = error)?;
        Ok(is_complete.then_some(errors))
    }

    pub(super) fn means(&self) -> Option<&Means> {
        self.means.as_ref()
    }
}

/// Computes the modes by an SVD, and `Vᵀ` unless columns outnumber rows.
fn by_svd(
    x: &Array2<f64>,
    y: &ArrayRef2<f64>,
    intercepts: usize,
    backend: &dyn Backend,
) -> Result<(Modes, Option<Array2<f64>>), Error> {
    let (n, p) = x.dim();
    let is_wide = n < p;
    // If columns outnumber rows, U and σ are those of the triangle L of X = L Q, without the long vectors of V.
    let svd = if is_wide {
        Error::check_finite("the matrix", x.view())?;
        let svd = Svd::with_backend(&triangle(x.t().to_owned(), backend)?.t(), backend)?;
        let cutoff = Cutoff::default().value(Spectrum::new(n, p, &svd.singular_values().to_vec()));
        svd.with_cutoff(Cutoff::Absolute(cutoff))?
    } else {
        Svd::with_backend(x, backend)?
    };
    let rank = svd.rank().min(n - intercepts);
    let outside = svd.outside(x, y);
    let sigma = svd.singular_values().to_vec();
    let modes = Modes::new(svd.u().view(), (sigma, rank), p, y.view(), outside, intercepts)?;
    Ok((modes, (!is_wide).then(|| svd.vt().slice(s![..rank, ..]).to_owned())))
}
