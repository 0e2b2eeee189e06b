//! Diagnosis of a fit near its interpolation threshold, and what would help: for your own table.
//!
//! [`diagnose`] needs only features and targets. It reports how far the fit is from the threshold, which of its modes
//! blow up, and what the error on a new row would be with a penalty, with early stopping, with fewer directions, with
//! half the rows, and with twice as many: each a number with its standard error.
//!
//! Errors are estimated by leaving one row out: each fit is recomputed without a row, in closed form from the whole
//! table's modes, and tested on that row. If there are too few rows for an estimate, the field is `None`.
//!
//! Nothing is drawn at random. Half of the rows are every other row in the order given, so shuffle rows whose order has a
//! pattern ([`Dataset::shuffle`](crate::dataset::Dataset::shuffle)).

mod left_out;
mod remedies;
mod words;

pub(crate) use words::Short;

pub use remedies::{Estimate, Gain, Method};

use crate::Error;
use crate::factors::teacher::Teacher;
use crate::factors::{Contribution, Factors};
use crate::filter::{MinNorm, Response, SpectralFilter, penalty};
use crate::machine::memory::{list, reserve, sum, table};
use crate::machine::order;
use crate::svd::{Backend, DivideAndConquer, Svd};
use left_out::LeftOut;
use ndarray::{Array2, ArrayRef2, ArrayView1, s};
use remedies::Candidates;
use std::cmp::Ordering;

/// The side of its interpolation threshold on which a table is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Side {
    /// More rows than the rank: least squares leaves residuals.
    Under,
    /// Rows, rank and features are equal in number: the threshold itself.
    At,
    /// As many rows as the rank, but more features: least squares interpolates.
    Over,
}

/// The diagnosis of a fit ([`diagnose`]). `Display` prints it in words.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Diagnosis {
    /// Rows, `n`.
    pub rows: usize,
    /// Features, `p`.
    pub features: usize,
    /// Outputs, `k`.
    pub outputs: usize,
    /// Number of rows that are exact copies, in features and targets, of an earlier row. A copy stays in the fit when a row
    /// is left out, and mostly when half of them are: all estimated errors are then too small for rows that are new.
    #[cfg_attr(feature = "serde", serde(default))]
    pub copied_rows: usize,
    /// Number of singular values above the cutoff.
    pub rank: usize,
    /// The side of the threshold.
    pub side: Side,
    /// `n − rank`: rows beyond those that the features can fit for any targets; 0 at the threshold and past it.
    pub spare_rows: usize,
    /// `p − rank`: directions that no row determines.
    pub spare_features: usize,
    /// `σ₁`.
    pub largest_singular_value: f64,
    /// The smallest singular value above the cutoff; `None` at rank 0.
    pub smallest_singular_value: Option<f64>,
    /// `κ`, the ratio of the largest to the smallest singular value.
    pub condition_number: Option<f64>,
    /// Distance of the targets' mean from 0 in standard deviations (the farthest of several outputs), if it is more
    /// than one and no combination of the features is constant: the fits have no intercept, and one would help. Infinite
    /// for constant targets, `None` otherwise.
    #[cfg_attr(feature = "serde", serde(default, with = "crate::machine::stored::optional_number"))]
    pub far_from_origin: Option<f64>,
    /// The mean squared training error, over rows and outputs.
    pub train_mse: f64,
    /// The mean squared target, over rows and outputs: the training error of predicting 0.
    #[cfg_attr(feature = "serde", serde(default))]
    pub target_mse: f64,
    /// `tr H`, the degrees of freedom of the fit.
    pub degrees_of_freedom: f64,
    /// `p̂⁰/n` at the rows left out, the mean of `‖ŝ‖²`: independent noise of variance `v` in the targets adds `v`
    /// times this to the squared error of a prediction at a new row. Above 1 the fit amplifies noise.
    pub noise_factor: f64,
    /// Number of rows left out, one at a time: all, or as many evenly spaced ones as the budget allows.
    pub left_out: usize,
    /// The penalty of the ridge fit that stands in for `β*` in the tables of modes, chosen by generalised
    /// cross-validation; `None` at rank 0, where 0 stands in.
    pub reference_penalty: Option<f64>,
    /// The (at most five) modes that add most to the error at rows left out, the worst first: the three factors of each
    /// as root mean squares over the rows (and outputs). Modes are those of the leave-one-out fits, by index.
    pub worst_modes: Vec<Contribution>,
    /// The same table for the fit to all rows, on the test rows ([`diagnose_with_test`]), by [`Factors`]; empty without
    /// test rows.
    pub worst_test_modes: Vec<Contribution>,
    /// The fit that was examined.
    pub fit: Estimate,
    /// Alternatives for the same rows, the smallest error first.
    pub remedies: Vec<Estimate>,
    /// The fit on twice the rows; `None` unless it is minimum-norm least squares, of full column rank, with
    /// `n ≥ p + 2`.
    pub more_rows: Option<MoreRows>,
}

/// The expected effect of more rows on least squares of full column rank, from the theory of normal rows with any
/// covariance: `v (1 + p/(n' − p − 1))` at `n'` rows, with `v = ‖Y − Xβ̂‖²/(n − p)` per output, averaged over outputs.
/// (A column of ones among the features lowers it by a relative `2/n'²`.)
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct MoreRows {
    /// `n' = 2n`.
    pub rows: usize,
    /// The estimated noise variance, including whatever no linear model of these features explains.
    pub noise_variance: f64,
    /// The expected squared error at a new row with the present `n` rows.
    pub mse_now: f64,
    /// The same with `n'` rows.
    pub mse: f64,
}

/// Diagnoses minimum-norm least squares on features `x` (`n × p`) and targets `y` (`n × k`), which are used unchanged.
/// For an intercept, centre both or add a column of ones.
///
/// Costs one SVD and, for each row left out, one of `r × r` with `r = min(n, p)`. At least 20 rows are left out, and
/// more as long as that takes only some seconds in all.
///
/// # Errors
/// [`Error::Domain`] for fewer than two rows, [`Error::Shape`] if `x` and `y` differ in rows, [`Error::Empty`],
/// [`Error::NonFinite`], [`Error::Overflow`] if an error, a penalty or a time does not fit into `f64`,
/// [`Error::Memory`], [`Error::Backend`].
///
/// # Examples
/// ```
/// use double_descent::dataset::Dataset;
/// use double_descent::diagnosis::{Method, Side, diagnose};
/// use ndarray::s;
///
/// let data = Dataset::diabetes();
/// let (x, y) = (data.features().slice(s![..11, ..]), data.targets().slice(s![..11, ..]));
/// let found = diagnose(&x, &y)?; // eleven patients, ten features
/// assert_eq!((found.side, found.spare_rows), (Side::Under, 1));
/// assert!(found.noise_factor > 1.0);
/// let best = &found.remedies[0];
/// assert!(best.mse < 0.5 * found.fit.mse);
/// println!("{found}"); // all of it in words
/// # Ok::<(), double_descent::Error>(())
/// ```
///
/// # References
/// Schaeffer et al., *Double Descent Demystified*, arXiv:2303.14151 (the three factors); Hastie, Montanari, Rosset and
/// Tibshirani 2022, section 7 (leaving one out of interpolators); Patil, Wu and Tibshirani 2024 (leaving one out of
/// stopped descent, where generalised cross-validation fails).
pub fn diagnose(x: &ArrayRef2<f64>, y: &ArrayRef2<f64>) -> Result<Diagnosis, Error> {
    diagnose_fit(x, y, &MinNorm::default())
}

/// [`diagnose`] for the fit of a given filter.
///
/// # Errors
/// As [`diagnose`]; those of the filter, [`Error::UserCode`] if it panics or returns invalid gains.
pub fn diagnose_fit(
    x: &ArrayRef2<f64>,
    y: &ArrayRef2<f64>,
    filter: &dyn SpectralFilter,
) -> Result<Diagnosis, Error> {
    examine(x, y, filter, None)
}

/// [`diagnose_fit`], plus the errors of the fit and of each remedy on test rows (`m × p` and `m × k`), and the
/// [`Factors`] of the fit there. The test rows are not used to choose anything.
///
/// # Errors
/// As [`diagnose_fit`]; [`Error::Shape`], [`Error::Empty`] and [`Error::NonFinite`] for the test rows.
///
/// # Examples
/// ```
/// use double_descent::dataset::Dataset;
/// use double_descent::diagnosis::diagnose_with_test;
/// use double_descent::filter::MinNorm;
/// use ndarray::s;
///
/// let data = Dataset::diabetes();
/// let (x, y) = (data.features(), data.targets());
/// let [train, test] = [s![..10, ..], s![10.., ..]];
/// let test = (&*x.slice(test), &*y.slice(test));
/// let found = diagnose_with_test(&x.slice(train), &y.slice(train), &MinNorm::default(), test)?;
/// let best = &found.remedies[0]; // chosen without the test rows
/// assert!(best.test_mse.unwrap() < found.fit.test_mse.unwrap());
/// # Ok::<(), double_descent::Error>(())
/// ```
pub fn diagnose_with_test(
    x: &ArrayRef2<f64>,
    y: &ArrayRef2<f64>,
    filter: &dyn SpectralFilter,
    test: (&ArrayRef2<f64>, &ArrayRef2<f64>),
) -> Result<Diagnosis, Error> {
    examine(x, y, filter, Some(test))
}

fn examine(
    x: &ArrayRef2<f64>,
    y: &ArrayRef2<f64>,
    filter: &dyn SpectralFilter,
    test: Option<(&ArrayRef2<f64>, &ArrayRef2<f64>)>,
) -> Result<Diagnosis, Error> {
    let (n, p) = x.dim();
    Error::check_len("rows of y", n, y.nrows())?;
    if x.is_empty() || y.is_empty() {
        return Err(Error::Empty { what: "the table of a diagnosis" });
    }
    if n < 2 {
        let must_be = "at least 2: errors are estimated by leaving one out";
        return Err(Error::Domain { what: "the number of rows", value: n as f64, must_be });
    }
    Error::check_finite("y", y.view())?;
    if let Some((test, targets)) = test {
        Error::check_len("rows of the test targets", test.nrows(), targets.nrows())?;
        Error::check_len("columns of the test features", p, test.ncols())?;
        Error::check_len("columns of the test targets", y.ncols(), targets.ncols())?;
        if test.is_empty() {
            return Err(Error::Empty { what: "the test rows" });
        }
        Error::check_finite("the test features", test.view())?;
        Error::check_finite("the test targets", targets.view())?;
    }
    let rows = left_out::rows(n, n.min(p));
    reserve("a diagnosis", bytes((n, p), y.ncols(), rows.len()))?;
    let svd = Svd::new(x)?;
    let rank = svd.rank();
    let Response { gains, residuals } = Response::new(filter, svd.spectrum())?;
    let squares = |table: &Array2<f64>| table.iter().map(|v| v * v).sum::<f64>();
    let mut along = svd.u().t().dot(y);
    for (mut row, left) in along.rows_mut().into_iter().zip(&residuals) {
        row *= *left;
    }
    let outside = squares(&svd.outside(x, y));
    let train_mse = (squares(&along) + outside) / y.len() as f64;
    let target_mse = y.iter().map(|v| v * v).sum::<f64>() / y.len() as f64;

    let (reference_penalty, reference) = remedies::reference(&svd, y, outside)?;
    let fits = left_out::fits(&svd, y, &rows, &reference)?;
    let candidates = Candidates { svd: &svd, x, y, fits: &fits };
    let (mut fit, mut remedies) = candidates.all(filter)?;
    order::sort(&mut remedies, |a, b| a.mse.total_cmp(&b.mse));
    let (worst_modes, noise_factor) = worst_modes(&fits, filter, y.ncols())?;
    let mut worst_test_modes = Vec::new();
    if let Some(test) = test {
        for estimate in remedies.iter_mut().chain([&mut fit]) {
            estimate.test_mse = Some(candidates.test_mse(estimate.method, filter, test)?);
        }
        let teacher = Teacher::known(svd.vt().t().dot(&reference), x, y)?;
        worst_test_modes = of_factors(&Factors::new(&svd, filter, &teacher, test.0)?, y.ncols());
    }

    let is_theory_known = rank == p && n > p + 1 && penalty(filter)? == Some(0.0);
    let finite = [train_mse, target_mse, noise_factor].iter().all(|value| value.is_finite());
    if !finite {
        return Err(Error::Overflow { what: "an error of a diagnosis" });
    }
    Ok(Diagnosis {
        rows: n,
        features: p,
        outputs: y.ncols(),
        copied_rows: copied_rows(x, y),
        rank,
        side: if rank < n {
            Side::Under
        } else if n == p {
            Side::At
        } else {
            Side::Over
        },
        spare_rows: n - rank,
        spare_features: p - rank,
        largest_singular_value: svd.singular_values().first().copied().unwrap_or(0.0),
        smallest_singular_value: svd.smallest_nonzero(),
        condition_number: svd.smallest_nonzero().map(|least| svd.singular_values()[0] / least),
        far_from_origin: far_from_origin(&svd, x, y),
        train_mse,
        target_mse,
        degrees_of_freedom: gains.iter().zip(svd.singular_values()).map(|(g, s)| g * s).sum(),
        noise_factor,
        left_out: fits.len(),
        reference_penalty,
        worst_modes,
        worst_test_modes,
        fit,
        remedies,
        more_rows: is_theory_known.then(|| MoreRows::new(n, p, outside / y.ncols() as f64)),
    })
}

/// Computes [`Diagnosis::copied_rows`].
fn copied_rows(x: &ArrayRef2<f64>, y: &ArrayRef2<f64>) -> usize {
    let row = |i: usize| x.row(i).into_iter().chain(y.row(i));
    let mut sorted: Vec<usize> = (0..x.nrows()).collect();
    // All numbers are finite.
    order::sort_indices(&mut sorted, &|a, b| row(a).partial_cmp(row(b)).unwrap_or(Ordering::Equal));
    sorted.windows(2).filter(|pair| row(pair[0]).eq(row(pair[1]))).count()
}

/// Computes [`Diagnosis::far_from_origin`]. Unless there are more rows than the rank, the features can combine to any
/// column, so only a feature that is itself constant counts as an intercept.
fn far_from_origin(svd: &Svd, x: &ArrayRef2<f64>, y: &ArrayRef2<f64>) -> Option<f64> {
    let (n, p) = x.dim();
    let is_constant =
        |column: ArrayView1<'_, f64>| column[0] != 0.0 && column.iter().all(|v| *v == column[0]);
    let ones = Array2::ones((n, 1));
    let along = svd.u().slice(s![.., ..svd.rank()]).t().dot(&ones);
    let outside = n as f64 - along.iter().map(|v| v * v).sum::<f64>();
    // Rounding error of a sum of n products.
    let is_within = svd.rank() < n && outside <= (n * n.max(p)) as f64 * f64::EPSILON;
    if is_within || x.columns().into_iter().any(is_constant) {
        return None;
    }
    let far = y.columns().into_iter().map(|column| column.mean().unwrap_or(0.0).abs() / column.std(0.0));
    far.filter(|far| *far > 1.0).max_by(f64::total_cmp)
}

/// Returns the peak memory in bytes: the SVD of the table; or next to it the leave-one-out fits; or half the rows and
/// their SVD.
fn bytes((n, p): (usize, usize), outputs: usize, rows: usize) -> usize {
    let half = n.div_ceil(2);
    let sorted = list::<usize>(n).saturating_mul(2);
    let kept = sum([table(n, n.min(p)), table(n.min(p), p), table(n, outputs).saturating_mul(3), sorted]);
    let later =
        left_out::bytes((n, p), outputs, rows).max(sum([table(half, p), DivideAndConquer.bytes((half, p))]));
    DivideAndConquer.bytes((n, p)).max(sum([kept, later]))
}

impl MoreRows {
    fn new(n: usize, p: usize, squares: f64) -> Self {
        let noise_variance = squares / (n - p) as f64;
        let at = |n: usize| noise_variance * (1.0 + p as f64 / (n - p - 1) as f64);
        let rows = n.saturating_mul(2);
        Self { rows, noise_variance, mse_now: at(n), mse: at(rows) }
    }
}

/// Returns the worst modes, and the mean squared norm of the smoother at the rows left out.
fn worst_modes(
    fits: &[LeftOut],
    filter: &dyn SpectralFilter,
    outputs: usize,
) -> Result<(Vec<Contribution>, f64), Error> {
    let most = fits.iter().map(|fit| fit.sigma.len()).max().unwrap_or(0);
    let outputs = outputs as f64;
    let mut modes: Vec<Contribution> = (0..most)
        .map(|mode| Contribution {
            mode,
            singular_value: 0.0,
            gain: 0.0,
            test_projection: 0.0,
            residual_projection: 0.0,
            product: 0.0,
        })
        .collect();
    let mut noise = 0.0;
    for fit in fits {
        let gains = fit.response(filter)?.gains;
        for (mode, found) in modes.iter_mut().enumerate().take(fit.sigma.len()) {
            let (gain, projection) = (gains[mode], fit.projection[mode]);
            let residual = fit.residuals.row(mode).iter().map(|e| e * e).sum::<f64>() / outputs;
            found.singular_value += fit.sigma[mode].powi(2);
            found.gain += gain * gain;
            found.test_projection += projection * projection;
            found.residual_projection += residual;
            found.product += (gain * projection).powi(2) * residual;
            noise += (gain * projection).powi(2);
        }
    }
    let count = fits.len() as f64;
    for found in &mut modes {
        for value in [
            &mut found.singular_value,
            &mut found.gain,
            &mut found.test_projection,
            &mut found.residual_projection,
            &mut found.product,
        ] {
            *value = (*value / count).sqrt();
        }
    }
    Ok((worst(modes), noise / count))
}

/// Returns the worst modes on test rows, as root mean squares over outputs.
fn of_factors(factors: &Factors, outputs: usize) -> Vec<Contribution> {
    let mut modes = factors.contributions(0);
    order::sort(&mut modes, |a, b| a.mode.cmp(&b.mode));
    for output in 1..outputs {
        for other in factors.contributions(output) {
            let found = &mut modes[other.mode];
            found.residual_projection = found.residual_projection.hypot(other.residual_projection);
            found.product = found.product.hypot(other.product);
        }
    }
    let root = (outputs as f64).sqrt();
    for found in &mut modes {
        found.residual_projection = found.residual_projection.abs() / root;
        found.product /= root;
    }
    worst(modes)
}

fn worst(mut modes: Vec<Contribution>) -> Vec<Contribution> {
    order::sort(&mut modes, |a, b| b.product.total_cmp(&a.product));
    modes.truncate(5);
    modes
}
