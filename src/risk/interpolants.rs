//! Solutions other than the one of minimum norm: the nearest to a start, random ones, warm starts.
//!
//! If features outnumber samples, least squares has many solutions,
//!
//! ```text
//! β = X⁺ Y + (I − X⁺X) z,    any z        X⁺X = V Vᵀ over the modes of the rank
//! ```
//!
//! all with the same training error. `z` is the part that training cannot change. Gradient descent from `β₀` ends at
//! the solution nearest to `β₀`, which is the one with `z = β₀` ([`nearest`]); normal `z` gives [`random`]
//! interpolants, whose expected error is known in closed form ([`expected_excess`]); a model that starts from the
//! solution on fewer features is a warm start ([`warm_start_curve`]).
//!
//! # References
//! Belkin, Hsu, Ma and Mandal, *Reconciling modern machine-learning practice and the classical bias–variance
//! trade-off*, PNAS 2019 (weight reuse); Muthukumar, Vodrahalli, Subramanian and Sahai, *Harmless interpolation of
//! noisy data in regression*, IEEE J. Sel. Areas Inf. Theory 2020 (all interpolants of one training set).

use crate::Error;
use crate::curve::point::{Engine, LeftOut, Point};
use crate::filter::MinNorm;
use crate::machine::memory::{reserve, sum, table};
use crate::risk::Compressed;
use crate::svd::{Backend, Cutoff, DivideAndConquer, Right, Svd, exponent, scaled};
use ndarray::{Array2, ArrayRef2, s};
use rand::{Rng, RngExt};
use rand_distr::StandardNormal;

/// Computes the least squares solution nearest to `start`, `β₀ + X⁺ (Y − X β₀)` (`p × k`): the limit of gradient
/// descent on `‖X β − Y‖²` from there.
///
/// Targets `y` are `n × k`, the start `p × k`. At full column rank there is one solution, whatever the start. The
/// rounding error is `c κ ε (‖X⁺ Y‖ + ‖β₀‖)`, κ the condition number over the modes within the rank.
///
/// # Errors
/// [`Error::Shape`], [`Error::NonFinite`], [`Error::Overflow`] if a coefficient does not fit into `f64`,
/// [`Error::Memory`].
///
/// # Examples
/// ```
/// use double_descent::{interpolants::nearest, svd::Svd};
/// use ndarray::array;
///
/// let x = array![[1.0, 1.0]]; // β₁ + β₂ = 4
/// let beta = nearest(&Svd::new(&x)?, &array![[4.0]], &array![[1.0], [-1.0]])?;
/// assert!((beta[[0, 0]] - 3.0).abs() < 1e-14 && (beta[[1, 0]] - 1.0).abs() < 1e-14);
/// # Ok::<(), double_descent::Error>(())
/// ```
pub fn nearest(svd: &Svd, y: &ArrayRef2<f64>, start: &ArrayRef2<f64>) -> Result<Array2<f64>, Error> {
    let (_, p) = svd.shape();
    Error::check_len("rows of the start", p, start.nrows())?;
    Error::check_len("columns of the start", y.ncols(), start.ncols())?;
    Error::check_finite("the start", start.view())?;
    // The fit, the start, and the projections of the start.
    reserve("the coefficients of a fit", table(p, y.ncols()).saturating_mul(4))?;
    // Cut off at the rank: both parts must use the same modes.
    let beta = svd.solve(y, &MinNorm::with_cutoff(Cutoff::Absolute(svd.cutoff()))?)?;
    if svd.rank() == p {
        return Ok(beta);
    }
    let beta = beta + svd.project_null_space(&start.t())?.t();
    let overflow = |_| Error::Overflow { what: "a coefficient of the fit" };
    Error::check_finite("coefficients", beta.view()).map_err(overflow)?;
    Ok(beta)
}

/// Draws a random least squares solution, `X⁺ Y + (I − X⁺X) z` (`p × k`), with `z` of independent `N(0, s²/p)` and `s`
/// the `deviation`: the limit of gradient descent from a random start of expected squared norm `s²` for each output.
///
/// # Errors
/// [`Error::Domain`] unless the deviation is finite and ≥ 0; those of [`nearest`].
///
/// # Examples
/// ```
/// use double_descent::{interpolants::random, rng::stream, svd::Svd};
/// use ndarray::array;
///
/// let beta = random(&Svd::new(&array![[1.0, 1.0]])?, &array![[4.0]], 3.0, &mut stream(0, 0, 0))?;
/// assert!((beta.sum() - 4.0).abs() < 1e-13); // it interpolates
/// assert!((beta[[0, 0]] - beta[[1, 0]]).abs() > 1e-3); // and is not the one of minimum norm
/// # Ok::<(), double_descent::Error>(())
/// ```
pub fn random(
    svd: &Svd,
    y: &ArrayRef2<f64>,
    deviation: f64,
    rng: &mut impl Rng,
) -> Result<Array2<f64>, Error> {
    check_deviation(deviation)?;
    let (_, p) = svd.shape();
    let scale = deviation / (p as f64).sqrt();
    reserve("a random interpolant", table(p, y.ncols()).saturating_mul(4))?;
    let start = Array2::from_shape_simple_fn((p, y.ncols()), || scale * rng.sample::<f64, _>(StandardNormal));
    nearest(svd, y, &start)
}

/// Computes what a random start adds to the expected test error of each output, exactly. With `G` the second moments of
/// the test features (`A` the features of `table`, of `N` rows),
///
/// ```text
/// E_z MSE(random) − MSE(X⁺ Y) = s²/p · tr(G (I − X⁺X)) = s²/p · ‖A (I − V Vᵀ)‖²_F / N
/// ```
///
/// 0 at full column rank. The expectation is over the start alone: the training set is given.
///
/// # Errors
/// [`Error::Domain`] unless the deviation is finite and ≥ 0, [`Error::Shape`] if the table has another number of
/// features, [`Error::Overflow`] if the result does not fit into `f64`, [`Error::Memory`].
///
/// # Examples
/// ```
/// use double_descent::{interpolants::expected_excess, risk::Compressed, svd::Svd};
/// use ndarray::{Array2, array};
///
/// let population = Compressed::population(&Array2::eye(4), &Array2::zeros((4, 1)))?;
/// let svd = Svd::new(&array![[2.0, 0.0, 0.0, 0.0]])?; // one sample: 3 of 4 directions keep their start
/// assert!((expected_excess(&svd, 2.0, &population)? - 3.0).abs() < 1e-14);
/// # Ok::<(), double_descent::Error>(())
/// ```
pub fn expected_excess(svd: &Svd, deviation: f64, table: &Compressed) -> Result<f64, Error> {
    expected_excess_of(svd.right(), deviation, table)
}

/// Like [`expected_excess`], without needing `U`.
pub(crate) fn expected_excess_of(right: &Right, deviation: f64, table: &Compressed) -> Result<f64, Error> {
    check_deviation(deviation)?;
    let (_, p) = right.shape();
    Error::check_len("columns of the test features", p, table.features.ncols())?;
    if right.rank() == p {
        return Ok(0.0);
    }
    let outside = right.null_space(&table.features)?;
    let scale = deviation / (p as f64 * table.rows() as f64).sqrt();
    let excess: f64 = outside.iter().map(|v| (scale * v) * (scale * v)).sum();
    if excess.is_finite() {
        return Ok(excess);
    }
    Err(Error::Overflow { what: "the test error of a random interpolant" })
}

pub(crate) fn check_deviation(deviation: f64) -> Result<(), Error> {
    if deviation >= 0.0 && deviation.is_finite() {
        return Ok(());
    }
    Err(Error::Domain { what: "the deviation of the start", value: deviation, must_be: "finite and ≥ 0" })
}

/// Computes the curve of warm starts: for each number of features `p` in `sizes`, ascending, the solution on the first
/// `p` columns of `x` (`n × P`) nearest to the previous solution, with zeros for the new features. Targets `y` are
/// `n × k`; `test` holds all `P` features. The first fit starts from 0, so it has minimum norm.
///
/// While the columns are linearly independent (`p ≤ n`) this is least squares and the start does not matter. The first
/// fit that interpolates already solves all larger problems, so **nothing changes any more**: the coefficients of new
/// features stay 0, and the error stays that at the threshold. Reusing weights past the threshold has no second
/// descent; fitting each size afresh by minimum norm does.
///
/// # Errors
/// [`Error::Empty`], [`Error::Shape`], [`Error::NonFinite`], [`Error::Domain`] unless sizes ascend from at least 1 to
/// at most `P`, [`Error::Overflow`] if a coefficient, an error or a norm does not fit into `f64`, [`Error::Memory`],
/// [`Error::Backend`].
///
/// # Examples
/// ```
/// use double_descent::interpolants::warm_start_curve;
/// use ndarray::array;
///
/// let x = array![[1.0, 1.0]];
/// let curve = warm_start_curve(&x, &array![[4.0]], &[1, 2], None)?;
/// assert!((curve[1].norm - 4.0).abs() < 1e-14); // (4, 0); the minimum-norm solution is (2, 2)
/// # Ok::<(), double_descent::Error>(())
/// ```
pub fn warm_start_curve(
    x: &ArrayRef2<f64>,
    y: &ArrayRef2<f64>,
    sizes: &[usize],
    test: Option<&Compressed>,
) -> Result<Vec<Point>, Error> {
    check_sizes(sizes, x.ncols())?;
    if let Some(table) = test {
        Error::check_len("columns of the test features", x.ncols(), table.features.ncols())?;
        Error::check_len("columns of the test targets", y.ncols(), table.targets.ncols())?;
    }
    Error::check_len("rows of y", x.nrows(), y.nrows())?;
    let (n, k, p) = (x.nrows(), y.ncols(), sizes.last().copied().unwrap_or(0));
    let fit = [table(x.ncols(), k), table(p, k).saturating_mul(4), table(n, k).saturating_mul(2)];
    let copy = table(n, p).saturating_mul(2); // of columns that are not contiguous
    reserve("a curve of warm starts", sum(fit.into_iter().chain([copy, DivideAndConquer.bytes((n, p))])))?;
    // All `P` rows, zero for features not in use yet.
    let mut beta = Array2::zeros((x.ncols(), y.ncols()));
    let step = |&p: &usize| {
        let design = x.slice(s![.., ..p]);
        let svd = Svd::new(&design)?;
        let fit = nearest(&svd, y, &beta.slice(s![..p, ..]))?;
        let train_mse = mean_square((design.dot(&fit) - y.view()).iter(), "the training error")?;
        let norm = norm(&fit)?;
        beta.slice_mut(s![..p, ..]).assign(&fit);
        let test_mse = match test {
            Some(table) => table.mean_squared_error(&beta)?.mean(),
            None => None,
        };
        Ok(Point {
            n: x.nrows(),
            p,
            rank: svd.rank(),
            train_mse,
            test_mse,
            norm,
            noise: None,
            smallest_singular_value: svd.smallest_nonzero(),
            loo_mse: None,
            loo_by: LeftOut::default(),
            engine: Engine::Svd,
        })
    };
    sizes.iter().map(step).collect()
}

fn check_sizes(sizes: &[usize], columns: usize) -> Result<(), Error> {
    if sizes.is_empty() {
        return Err(Error::Empty { what: "the list of numbers of features" });
    }
    let mut before = 0;
    for &p in sizes {
        if p <= before || p > columns {
            let must_be = "more than the one before it, at least 1, and at most the columns of x";
            return Err(Error::Domain { what: "a number of features p", value: p as f64, must_be });
        }
        before = p;
    }
    Ok(())
}

/// Computes the norm of coefficients, whose squares may be out of range.
fn norm(beta: &Array2<f64>) -> Result<f64, Error> {
    let e = exponent(beta.fold(0.0, |most: f64, v| most.max(v.abs())));
    let unit = mean_square(beta.mapv(|v| scaled(v, -e)).iter(), "the norm of the fit")?;
    let norm = scaled((unit * beta.len() as f64).sqrt(), e);
    if norm.is_finite() { Ok(norm) } else { Err(Error::Overflow { what: "the norm of the fit" }) }
}

/// Computes the mean square, or [`Error::Overflow`] named `what` if it does not fit into `f64`.
fn mean_square<'a>(values: impl ExactSizeIterator<Item = &'a f64>, what: &'static str) -> Result<f64, Error> {
    let len = values.len() as f64;
    let mean = values.map(|v| v * v / len).sum::<f64>();
    if mean.is_finite() { Ok(mean) } else { Err(Error::Overflow { what }) }
}
