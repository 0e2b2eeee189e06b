//! The matrix that turns training targets into predictions.

use crate::Error;
use crate::filter::{Response, SpectralFilter};
use crate::machine::memory::{reserve, sum, table};
use crate::svd::Svd;
use ndarray::{Array1, Array2, ArrayRef2};

/// Computes the smoother `H = Xₜ V diag(f) Uᵀ` (`m × n`) of the fit with gains `f` on the design behind `svd`: its
/// predictions at the rows `Xₜ` (`m × p`) are `H Y`, whatever the targets.
///
/// Label noise of variance `v` adds `v ‖H‖²_F/m` to the test error. On a grid of training sets and seeds, this can be
/// decomposed without drawing the noise: take the [decomposition](crate::risk::Decomposition) of the entries of `H`,
/// against a truth of zeros, times `v n`. Its `bias²` is the main effect of the noise, and the variance of a source is
/// the interaction of the noise with that source.
///
/// # Errors
/// [`Error::Shape`] unless `Xₜ` has `p` columns, [`Error::Empty`], [`Error::NonFinite`], [`Error::UserCode`] if the
/// filter's gains are invalid, the filter's own error for a spectrum that it cannot handle, [`Error::Overflow`] if an
/// entry of `H` does not fit into `f64`, [`Error::Memory`].
///
/// # Examples
/// ```
/// use double_descent::filter::Ridge;
/// use double_descent::risk::{Decomposition, VarianceSource, smoother};
/// use double_descent::rng::stream;
/// use double_descent::svd::Svd;
/// use ndarray::{Array1, Array2};
/// use rand::RngExt;
/// use rand_distr::StandardNormal;
///
/// let normal = |shape, axis, repeat| {
///     let mut rng = stream(1, axis, repeat);
///     Array2::from_shape_simple_fn(shape, || rng.sample::<f64, _>(StandardNormal))
/// };
/// let (n, m, tests) = (8, 30, normal((30, 3), 0, 0));
/// let parts = Decomposition::of_fits([20, 1, 20], &Array1::zeros(m * n), |set, _, seed| {
///     // Random features: rectified projections of inputs that depend on the training set alone.
///     let features = |inputs: &Array2<f64>| inputs.dot(&normal((3, 12), 2, seed)).mapv(|v| v.max(0.0));
///     let svd = Svd::new(&features(&normal((n, 3), 1, set)))?;
///     Ok(smoother(&svd, &Ridge::new(0.1)?, &features(&tests))?.flatten().to_owned())
/// })?;
/// let v = 0.25;
/// let with_seed = parts.variance(&[VarianceSource::Initialisation]).unwrap().value * v * n as f64; // V_NI
/// assert!(parts.excess().value * v * n as f64 > with_seed);
/// # Ok::<(), double_descent::Error>(())
/// ```
///
/// # References
/// Buja, Hastie and Tibshirani, *Linear smoothers and additive models*, Annals of Statistics 1989; Adlam and
/// Pennington, NIPS 2020 (the variances of the noise are those of a linear map).
pub fn smoother(
    svd: &Svd,
    filter: &dyn SpectralFilter,
    tests: &ArrayRef2<f64>,
) -> Result<Array2<f64>, Error> {
    let (n, p) = svd.shape();
    Error::check_len("columns of the test features", p, tests.ncols())?;
    if tests.is_empty() {
        return Err(Error::Empty { what: "the test features" });
    }
    Error::check_finite("the test features", tests.view())?;
    let (m, r) = (tests.nrows(), svd.singular_values().len());
    reserve("a smoother", sum([table(m, r).saturating_mul(2), table(m, n)]))?;
    let gains = Array1::from(Response::new(filter, svd.spectrum())?.gains);
    let smoother = (tests.dot(&svd.vt().t()) * &gains).dot(&svd.u().t());
    let overflow = |_| Error::Overflow { what: "an entry of the smoother" };
    Error::check_finite("the smoother", smoother.view()).map_err(overflow)?;
    Ok(smoother)
}
