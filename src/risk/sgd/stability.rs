//! The stability of stochastic gradient descent, and its stationary state.

use super::Sgd;
use super::moments::{beyond, check_noise, free_shares, weighted_gram};
use crate::Error;
use crate::machine::memory::{reserve, sum, table};
use crate::risk::Population;
use crate::risk::population::mean_squares;
use crate::svd::{Backend, DivideAndConquer, Svd};
use ndarray::{Array1, Array2, ArrayRef1, ArrayRef2, Axis, s};

/// Whether the iterates stay near a solution that fits all rows, and the bounds of Wu, Ma and E (2018). From
/// [`Sgd::stability`].
///
/// `Hᵢ = n c xᵢ xᵢᵀ` is the Hessian of one row's loss, `A` the mean of these, restricted to the span of the rows; `κ`
/// is the noise factor. Everything here is a property of the design: targets play no part.
///
/// # References
/// Wu, Ma and E, *How SGD selects the global minima in over-parameterized learning: a dynamical stability perspective*,
/// NIPS 2018, section 3 and theorem 1, whose `(n − B)/(B (n − 1))` is `κ` without replacement.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct SgdStability {
    /// The sharpness, `λ_max(A)`.
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub sharpness: f64,
    /// `2/h`: the sharpness from which full-batch descent is unstable.
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub sharpness_limit: f64,
    /// The non-uniformity, `λ_max(mean Hᵢ² − A²)^½`.
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub non_uniformity: f64,
    /// `1/(h √κ)`. Above it, [`contraction`](SgdStability::contraction) is over 1; infinite for full batches.
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub non_uniformity_limit: f64,
    /// `λ_max((I − hA)² + h²κ (mean Hᵢ² − A²))`: the largest factor by which one step can multiply `E‖δ‖²`. A value of
    /// at most 1 is sufficient for stability (theorem 1); in one dimension it is necessary as well.
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub contraction: f64,
    /// The largest eigenvalue of the `n × n` matrix through which the squared residuals of the rows feed back on
    /// themselves over all later steps. Under 1 the second moments decay, over 1 they grow: this is necessary and
    /// sufficient.
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub amplification: f64,
}

impl SgdStability {
    /// Whether second moments decay towards a solution that fits all rows. The criterion is exact.
    #[must_use]
    pub fn is_stable(&self) -> bool {
        self.amplification < 1.0
    }
}

/// The stationary state, in which stochastic gradient descent keeps moving around the least squares solution. From
/// [`Sgd::stationary`].
#[derive(Clone, Debug)]
pub struct Stationary {
    svd: Svd,
    covariance: Array2<f64>,
}

impl Stationary {
    /// The covariance of the iterates along the right singular vectors, `r × r`.
    #[must_use]
    pub fn mode_covariance(&self) -> &Array2<f64> {
        &self.covariance
    }

    /// `tr(Σ P)`, with `P` the covariance of the iterates: the expected excess risk over that of the least squares
    /// solution.
    ///
    /// # Errors
    /// [`Error::Shape`] if the population has another number of features.
    pub fn excess(&self, population: &Population) -> Result<f64, Error> {
        Error::check_len("features of the population", self.svd.shape().1, population.covariance.features())?;
        let leaning = population.covariance.root_times(&self.svd.vt().t());
        Ok((leaning.dot(&self.covariance) * &leaning).sum())
    }
}

/// The modes within the rank, and the feedback among the rows.
struct Feedback {
    /// `U diag(σ)`, `n × rank`.
    rows: Array2<f64>,
    /// `κ h n c² / (aᵢ + aⱼ − h (1 − κ) aᵢ aⱼ)`: the noise of a step, summed over all later steps.
    summed: Array2<f64>,
    /// `n × n`, symmetric and positive semidefinite.
    matrix: Array2<f64>,
}

impl Sgd {
    fn feedback(&self, svd: &Svd) -> Result<Feedback, Error> {
        let (curvature, factor) = self.on(svd)?;
        let (n, rank) = (svd.shape().0, svd.rank());
        let squares = [
            table(n, n).saturating_mul(3),
            table(rank, rank).saturating_mul(3),
            DivideAndConquer.bytes((n, n)),
        ];
        reserve(
            "the stability of stochastic gradient descent",
            sum(squares.into_iter().chain([table(n, rank) * 4])),
        )?;
        let sigma = svd.singular_values().slice(s![..rank]);
        let rows = &svd.u().slice(s![.., ..rank]) * &sigma;
        let a = sigma.mapv(|s| curvature * s * s);
        let scale = factor * self.step * n as f64 * curvature * curvature;
        let summed = Array2::from_shape_fn((rank, rank), |(i, j)| {
            scale / (a[i] + a[j] - self.step * (1.0 - factor) * a[i] * a[j])
        });
        let mut matrix = Array2::zeros((n, n));
        for (row, mut line) in rows.rows().into_iter().zip(matrix.rows_mut()) {
            let products = &rows * &row;
            let weighted = products.dot(&summed);
            for ((product, weighted), entry) in
                products.rows().into_iter().zip(weighted.rows()).zip(line.iter_mut())
            {
                *entry = product.dot(&weighted);
            }
        }
        Ok(Feedback { rows, summed, matrix })
    }

    /// Computes whether the iterates converge to a solution that fits all rows. O(n² r² + n³).
    ///
    /// # Errors
    /// [`Error::StepTooLarge`] if not even the mean iterate converges; [`Error::Domain`] for a batch of more rows than
    /// there are, without replacement; [`Error::Overflow`] if the second moments of a step do not fit into `f64`;
    /// [`Error::Backend`], [`Error::Memory`].
    ///
    /// # Examples
    /// One feature, one row per step: `E δ²` is multiplied by `mean (1 − h x²)²`.
    /// ```
    /// use double_descent::filter::Loss;
    /// use double_descent::risk::Sgd;
    /// use double_descent::svd::Svd;
    /// use ndarray::array;
    ///
    /// let svd = Svd::new(&array![[1.0], [2.0]])?;
    /// let stability = |h| Sgd::new(h, 1, Loss::HalfMean)?.stability(&svd);
    /// let edge = 2.0 * 5.0 / 17.0; // 2 Σ x² / Σ x⁴
    /// assert!(stability(0.999 * edge)?.is_stable());
    /// assert!(!stability(1.001 * edge)?.is_stable());
    /// assert!((stability(0.1)?.contraction - (0.81 + 0.36) / 2.0).abs() < 1e-14);
    /// # Ok::<(), double_descent::Error>(())
    /// ```
    pub fn stability(&self, svd: &Svd) -> Result<SgdStability, Error> {
        let (curvature, factor) = self.on(svd)?;
        let (n, h) = (svd.shape().0 as f64, self.step);
        let sharpness = svd.singular_values().iter().fold(0.0, |most: f64, &s| most.max(curvature * s * s));
        let Feedback { rows, matrix, .. } = self.feedback(svd)?;
        let squares: Array1<f64> = rows.rows().into_iter().map(|z| z.dot(&z)).collect();
        let mut spread = weighted_gram(&rows, &squares) * (n * curvature * curvature);
        let a: Array1<f64> =
            svd.singular_values().iter().take(rows.ncols()).map(|s| curvature * s * s).collect();
        for (i, a) in a.iter().enumerate() {
            spread[[i, i]] -= a * a;
        }
        let non_uniformity = largest(&spread)?.sqrt();
        let mut step = spread * (h * h * factor);
        for (i, a) in a.iter().enumerate() {
            step[[i, i]] += (1.0 - h * a).powi(2);
        }
        Ok(SgdStability {
            sharpness,
            sharpness_limit: 2.0 / h,
            non_uniformity,
            non_uniformity_limit: (h * factor.sqrt()).recip(),
            contraction: largest(&step)?,
            amplification: largest(&matrix)?,
        })
    }

    /// Computes the stationary state on targets `Y + E` (`n × k`), `E` label noise of variance `noise`: the solution
    /// `P` of
    ///
    /// ```text
    /// P = D P D + κ h² [ n c² Σᵢ (zᵢᵀP zᵢ + E eᵢ²) zᵢ zᵢᵀ − A P A ]
    /// ```
    ///
    /// a discrete Lyapunov equation with noise that depends on `P`, with `e` the residuals of the least squares
    /// solution. The unknowns are the `n` numbers `zᵢᵀP zᵢ`. If all rows are fitted, `P` is 0. O(n² r² + n³).
    ///
    /// # Errors
    /// [`Error::Unsupported`] if second moments grow without bound; [`Error::Empty`], [`Error::Shape`],
    /// [`Error::NonFinite`]; [`Error::Domain`] unless the variance is finite and ≥ 0; those of [`Sgd::stability`].
    pub fn stationary(&self, svd: &Svd, y: &ArrayRef2<f64>, noise: f64) -> Result<Stationary, Error> {
        Error::check_len("rows of y", svd.shape().0, y.nrows())?;
        Error::check_finite("y", y.view())?;
        if y.is_empty() {
            return Err(Error::Empty { what: "y" });
        }
        check_noise(noise)?;
        let Feedback { rows, summed, matrix } = self.feedback(svd)?;
        // Only the modes within the rank: what the others could fit stays in the residuals.
        let u = svd.u().slice(s![.., ..svd.rank()]);
        let (squares, free) = if svd.rank() == svd.singular_values().len() {
            (beyond(svd, y.to_owned(), &svd.u().t().dot(y)), free_shares(svd))
        } else {
            let free = u.rows().into_iter().map(|row| (1.0 - row.dot(&row)).max(0.0)).collect();
            (y.to_owned() - u.dot(&u.t().dot(y)), free)
        };
        let left: Array1<f64> =
            squares.rows().into_iter().map(|row| mean_squares(row.iter(), y.ncols())).collect();
        let left = left + free * noise;
        let modes = Svd::new(&matrix)?;
        let gains = modes.singular_values();
        if gains.iter().any(|&gain| gain >= 1.0) {
            let reason = format!(
                "steps of {:e} with batches of {} are unstable in mean square on these data: squared residuals feed \
                 back {}-fold; take a smaller step or larger batches",
                self.step,
                self.batch,
                gains.iter().fold(0.0, |most: f64, &gain| most.max(gain))
            );
            return Err(Error::Unsupported { reason });
        }
        let fed = gains.mapv(|gain| gain / (1.0 - gain)) * modes.u().t().dot(&left);
        let weights = &left + &modes.u().dot(&fed);
        let covariance = weighted_gram(&rows, &weights) * summed;
        Error::check_finite("the covariance", covariance.view())
            .map_err(|_| Error::Overflow { what: "the covariance of the iterates" })?;
        let r = svd.singular_values().len();
        let mut full = Array2::zeros((r, r));
        full.slice_mut(s![..svd.rank(), ..svd.rank()]).assign(&covariance);
        Ok(Stationary { svd: svd.clone(), covariance: full })
    }
}

/// The largest eigenvalue of a symmetric positive semidefinite matrix; 0 for an empty one.
fn largest(matrix: &Array2<f64>) -> Result<f64, Error> {
    if matrix.is_empty() {
        return Ok(0.0);
    }
    Error::check_finite("the matrix", matrix.view())
        .map_err(|_| Error::Overflow { what: "the second moments of a step" })?;
    Ok(Svd::new(matrix)?.singular_values()[0])
}

/// Computes the stationary covariance of constant-step descent with gradient noise of a fixed covariance `C` (`r × r`),
/// in the eigenbasis of a Hessian with eigenvalues `a` (`r`), for the step `h`: the solution of the discrete Lyapunov
/// equation `S = (1 − h a) S (1 − h a) + h² C`,
///
/// ```text
/// Sᵢⱼ = h Cᵢⱼ / (aᵢ + aⱼ − h aᵢ aⱼ)
/// ```
///
/// # Errors
/// [`Error::Shape`], [`Error::NonFinite`], [`Error::Domain`] unless every eigenvalue is finite and > 0 and the step
/// finite and ≥ 0, [`Error::StepTooLarge`] from `h a = 2` on.
///
/// # Examples
/// ```
/// use double_descent::risk::stationary_covariance;
/// use ndarray::array;
///
/// let s = stationary_covariance(&array![2.0, 2.0], &array![[1.0, 0.0], [0.0, 1.0]], 0.5)?;
/// assert_eq!(s[[0, 0]], 0.25);
/// # Ok::<(), double_descent::Error>(())
/// ```
///
/// # References
/// Mandt, Hoffman and Blei, *Stochastic gradient descent as approximate Bayesian inference*, JMLR 2017 (small steps);
/// Liu, Ziyin and Ueda, *Noise and fluctuation of finite learning rate stochastic gradient descent*, ICML 2021.
pub fn stationary_covariance(
    eigenvalues: &ArrayRef1<f64>,
    noise: &ArrayRef2<f64>,
    step: f64,
) -> Result<Array2<f64>, Error> {
    super::check_step(step)?;
    let r = eigenvalues.len();
    Error::check_len("rows of the covariance of the noise", r, noise.nrows())?;
    Error::check_len("columns of the covariance of the noise", r, noise.ncols())?;
    Error::check_finite("the covariance of the noise", noise.view())?;
    for &value in eigenvalues {
        if !(value > 0.0 && value.is_finite()) {
            return Err(Error::Domain { what: "an eigenvalue", value, must_be: "finite and > 0" });
        }
        if step * value >= 2.0 {
            return Err(Error::StepTooLarge { step, limit: 2.0 / value });
        }
    }
    let a = eigenvalues.view().insert_axis(Axis(1));
    let solution = |(i, j): (usize, usize)| {
        step * noise[[i, j]] / (a[[i, 0]] + a[[j, 0]] - step * a[[i, 0]] * a[[j, 0]])
    };
    Ok(Array2::from_shape_fn((r, r), solution))
}
