//! The risk of the least squares solutions of one training set: the best, the minimum-norm and random ones.

use super::Population;
use crate::Error;
use crate::filter::MinNorm;
use crate::machine::memory::{reserve, sum, table};
use crate::risk::interpolants::check_deviation;
use crate::svd::{Backend, Cutoff, DivideAndConquer, Svd};
use ndarray::{Array2, Axis, s};

/// The expected excess risk over the label noise, given the design, of the solutions `X⁺Y + (I − P) z` with `P = X⁺X`.
/// If features outnumber samples, these are all interpolating fits.
///
/// ```text
/// min-norm   ‖S (I − P) β*‖² + v ‖S X⁺‖²_F                       z = 0
/// random     the same        + (s²/p) ‖S (I − P)‖²_F             z of independent N(0, s²/p), s the deviation
/// least      v ‖(I − Π) S X⁺‖²_F                                 the best z for each draw of the noise
/// ```
///
/// with `Σ = SᵀS`, `Π` the projector on the range of `S (I − P)`, `v` the variance of the noise. To find the best
/// solution one must know `Σ`, the teacher and the noise; no interpolant can beat it. For invertible `Σ` its risk is
/// `v tr (X Σ⁻¹ Xᵀ)⁻¹`: it is the solution nearest to the teacher in the metric of the test error.
///
/// All are means over the outputs. At full column rank there is one solution, and the three risks are equal.
///
/// # Examples
/// ```
/// use double_descent::risk::{Covariance, InterpolantRisk, Population};
/// use double_descent::svd::Svd;
/// use ndarray::array;
///
/// let population = Population::new(Covariance::isotropic(2, 1.0)?, array![[3.0], [4.0]], 0.5)?;
/// let all = InterpolantRisk::new(&population, &Svd::new(&array![[2.0, 0.0]])?)?;
/// assert!((all.least() - 0.125).abs() < 1e-15); // the noise of the one row
/// assert!((all.min_norm() - 16.125).abs() < 1e-14); // plus what the row says nothing about
/// assert!((all.random(1.0)? - 16.625).abs() < 1e-14); // plus half of z
/// # Ok::<(), double_descent::Error>(())
/// ```
///
/// # References
/// Muthukumar, Vodrahalli, Subramanian and Sahai, *Harmless interpolation of noisy data in regression*, IEEE J. Sel.
/// Areas Inf. Theory 2020 (the ideal interpolator); Oravkin and Rebeschini, *On optimal interpolation in
/// linear regression*, NIPS 2021.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct InterpolantRisk {
    least: f64,
    min_norm: f64,
    /// What random starts of expected squared norm 1 add.
    unit_start: f64,
}

impl InterpolantRisk {
    /// Computes the risks for the design behind `svd` (`n × p`). O(p³), once: the SVD of a root of Σ on the null space
    /// of `X`. Directions under `p ε √tr Σ` count as rounding error, and the least risk is accurate to a few `ε` times
    /// the condition number of that root.
    ///
    /// # Errors
    /// [`Error::Shape`] if the design has another number of features, [`Error::Overflow`] if a risk does not fit into
    /// `f64`, [`Error::Backend`], [`Error::Memory`].
    pub fn new(population: &Population, svd: &Svd) -> Result<Self, Error> {
        let (_, p) = svd.shape();
        let covariance = &population.covariance;
        // Cut off at the rank: all parts must use the same modes.
        let fit = MinNorm::with_cutoff(Cutoff::Absolute(svd.cutoff()))?;
        let min_norm = population.given(svd)?.of(&fit)?.excess();
        if svd.rank() == p {
            return Ok(Self { least: min_norm, min_norm, unit_start: 0.0 });
        }
        let q = covariance.root_rows();
        let squares = [table(p, p).saturating_mul(4), table(q, p), DivideAndConquer.bytes((q, p))];
        reserve("the risk of all interpolants", sum(squares))?;
        let null_space = svd.project_null_space(&Array2::eye(p))?;
        let leaning = covariance.root_times(&null_space);
        let unit_start = leaning.iter().map(|v| v * v).sum::<f64>() / p as f64;
        let inverse = svd.vt().slice(s![..svd.rank(), ..]).t().to_owned()
            / svd.singular_values().slice(s![..svd.rank()]).insert_axis(Axis(0));
        let mut noise = covariance.root_times(&inverse);
        let rounding = p as f64 * f64::EPSILON * covariance.root_norm();
        let reached = Svd::new(&leaning)?.with_cutoff(Cutoff::Absolute(rounding))?;
        let range = reached.u().slice(s![.., ..reached.rank()]);
        for _ in 0..2 {
            noise = &noise - &range.dot(&range.t().dot(&noise)); // twice, as the first leaves rounding errors
        }
        let least = if population.noise == 0.0 {
            0.0
        } else {
            population.noise * noise.iter().map(|v| v * v).sum::<f64>()
        };
        if least.is_finite() && unit_start.is_finite() {
            return Ok(Self { least, min_norm, unit_start });
        }
        Err(Error::Overflow { what: "the risk of an interpolant" })
    }

    /// The least expected excess risk of any solution.
    #[must_use]
    pub fn least(&self) -> f64 {
        self.least
    }

    /// The expected excess risk of the minimum-norm solution.
    #[must_use]
    pub fn min_norm(&self) -> f64 {
        self.min_norm
    }

    /// The expected excess risk of random solutions ([`interpolants::random`](crate::interpolants::random)), over the
    /// start and the noise. Their starts have entries `N(0, deviation²/p)`.
    ///
    /// # Errors
    /// [`Error::Domain`] unless the deviation is finite and ≥ 0, [`Error::Overflow`] if the risk does not fit into
    /// `f64`.
    pub fn random(&self, deviation: f64) -> Result<f64, Error> {
        check_deviation(deviation)?;
        let risk = self.min_norm + deviation * deviation * self.unit_start;
        if risk.is_finite() { Ok(risk) } else { Err(Error::Overflow { what: "the risk of an interpolant" }) }
    }
}
