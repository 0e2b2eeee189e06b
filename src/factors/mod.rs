//! The three factors of the test error, and the ablations and adversaries that change them.

pub mod ablation;
pub mod teacher;

use crate::Error;
use crate::factors::ablation::{Ablation, Adversary};
use crate::factors::teacher::Teacher;
use crate::filter::{Response, SpectralFilter, difference};
use crate::machine::memory::{reserve, sum, table};
use crate::machine::order;
use crate::svd::{LastMode, Svd, exponent, largest, scaled};
use ndarray::{Array1, Array2, ArrayRef2, Axis};

/// The exact split of a fit's error on test points into three factors and a bias.
///
/// [`Factors::new`] makes it from a factorisation, a filter, a teacher and `m` test rows. With `X = U Σ Vᵀ` (`n × p`,
/// thin, `r = min(n, p)` modes), targets `Y = X β* + E` (`n × k`), gains `g` and a test row `x`:
/// ```text
/// ŷ(x) − x·β* =  Σᵣ g(σᵣ) · (x·vᵣ) · (uᵣ·E)  −  bias(x)
///                   └─ 1     └─ 2      └─ 3
/// bias(x)     =  Σᵣ (1 − g(σᵣ) σᵣ) (x·vᵣ)(vᵣ·β*)  +  x (I − V Vᵀ) β*
/// ```
/// All factors are public: for an experiment, change one and call [`Factors::error`] again. The residual factors
/// `1 − g(σᵣ) σᵣ` come from the filter ([`write_residuals`](SpectralFilter::write_residuals)), which keeps their last
/// digits. For a mode whose gain or singular value was changed, the difference is computed instead. A factor of another
/// shape belongs to no fit: then errors are NaN, there are no contributions, and ablations and adversaries change
/// nothing.
///
/// The signs of `uᵣ` and `vᵣ` are arbitrary but shared, so only products of two projections are well defined.
///
/// # References
/// Schaeffer et al., *Double Descent Demystified*, arXiv:2303.14151, equations 4–7: the case
/// `g = 1/σ`.
///
/// # Examples
/// ```
/// use double_descent::{Ablation, dataset::Dataset, factors::Factors, filter::MinNorm, svd::Svd};
/// use double_descent::teacher::Teacher;
/// use ndarray::s;
///
/// let data = Dataset::diabetes();
/// let teacher = Teacher::ideal(&data)?;
/// let (x, y) = (data.features().slice(s![..10, ..]), data.targets().slice(s![..10, ..]));
/// let x_test = data.features().slice(s![10.., ..]);
/// let svd = Svd::new(&x)?;
///
/// let training_rows: Vec<usize> = (0..10).collect();
/// let factors = Factors::new(&svd, &MinNorm::default(), &teacher.select(&training_rows)?, &x_test)?;
/// // The factors give the fitted model's error again:
/// let direct = x_test.dot(&svd.solve(&y, &MinNorm::default())?) - x_test.dot(teacher.beta());
/// let rebuilt = factors.error();
/// assert!((&rebuilt - &direct).iter().all(|e| e.abs() < 1e-9 * direct[[0, 0]].abs().max(1.0)));
///
/// // On these ten patients the fifth mode does the most harm, not the last.
/// assert_eq!(factors.contributions(0)[0].mode, 4);
/// assert!(factors.ablated(&Ablation::none().no_residuals()).variance_part().sum().abs() < 1e-9);
/// # Ok::<(), double_descent::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Factors {
    /// The singular values `σᵣ`, `r`.
    pub singular_values: Array1<f64>,
    /// Factor 1: the gains `g(σᵣ)`, `r`.
    pub gain: Array1<f64>,
    /// Factor 2: how far each test row extends along each direction, `x·vᵣ`, `m × r`.
    pub test_projection: Array2<f64>,
    /// Factor 3: how far the residuals extend along each direction, `uᵣ·E`, `r × k`.
    pub residual_projection: Array2<f64>,
    /// The projections `vᵣ·β*`, `r × k`, of which the bias is made.
    pub teacher_projection: Array2<f64>,
    /// What ablations removed from [`Factors::test_projection`] and, with the opposite sign, what adversaries added to
    /// it, `m × r`: the model does not see this part, but the target depends on it.
    pub hidden_projection: Array2<f64>,
    /// `x (I − V Vᵀ) β*`, `m × k`: the part of the target outside the span of the training rows.
    pub null_space_part: Array2<f64>,
    /// The filter's gain and residual factor for each mode.
    stated: Vec<Stated>,
}

/// A residual factor, and the gain and singular value that it belongs to.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Stated {
    sigma: f64,
    gain: f64,
    residual: f64,
}

/// One mode's contribution to the test error of one output ([`Factors::contributions`]). A table of them shows which
/// mode blows up.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Contribution {
    /// The mode's index `r`, counted from 0 at the largest singular value.
    pub mode: usize,
    /// `σᵣ`.
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub singular_value: f64,
    /// Factor 1, `g(σᵣ)`.
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub gain: f64,
    /// Factor 2, the root mean square of `x·vᵣ` over the test rows.
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub test_projection: f64,
    /// Factor 3, `uᵣ·E`.
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub residual_projection: f64,
    /// The root mean square over the test rows of the product of the three: at least 0.
    #[cfg_attr(feature = "serde", serde(with = "crate::machine::stored::number"))]
    pub product: f64,
}

impl Factors {
    /// Splits the error of the fit that `filter` gives, at the rows of `x_test` (`m × p`).
    ///
    /// `teacher` must hold the residuals of the training rows, in the order of the rows behind `svd`
    /// ([`Teacher::select`]).
    ///
    /// # Errors
    /// [`Error::Shape`] if `teacher` or `x_test` does not match `svd`; [`Error::Empty`] without test rows;
    /// [`Error::NonFinite`] if `x_test` holds NaN or an infinity; [`Error::Memory`]; the filter's own error from
    /// [`SpectralFilter::check`]; [`Error::UserCode`] if the filter panics, or its gains, residual factors or penalty
    /// are invalid.
    pub fn new(
        svd: &Svd,
        filter: &dyn SpectralFilter,
        teacher: &Teacher,
        x_test: &ArrayRef2<f64>,
    ) -> Result<Self, Error> {
        let (n, p) = svd.shape();
        Error::check_len("rows of the teacher's residuals", n, teacher.residuals().nrows())?;
        Error::check_len("rows of the teacher's parameters", p, teacher.beta().nrows())?;
        Error::check_len("columns of the test features", p, x_test.ncols())?;
        if x_test.is_empty() {
            return Err(Error::Empty { what: "the test features" });
        }
        Error::check_finite("the test features", x_test.view())?;
        let (m, k) = (x_test.nrows(), teacher.beta().ncols());
        let modes = table(m, svd.singular_values().len());
        let needed = [table(m, p).saturating_mul(3), modes.saturating_mul(3), table(m, k)];
        reserve("the factors of the test error", sum(needed))?;
        let test_projection = x_test.dot(&svd.vt().t());
        // Modes of zero singular value belong here: the thin V spans them too, whatever their gains.
        let Response { gains, residuals } = Response::new(filter, svd.spectrum())?;
        let modes = svd.singular_values().iter().zip(gains.iter().zip(residuals));
        let stated = modes.map(|(&sigma, (&gain, residual))| Stated { sigma, gain, residual }).collect();
        let null_space_part = if n < p {
            svd.right().beyond_modes(x_test).dot(teacher.beta())
        } else {
            Array2::zeros((x_test.nrows(), teacher.beta().ncols())) // exactly: V spans the whole space
        };
        Ok(Self {
            singular_values: svd.singular_values().clone(),
            gain: gains.into(),
            stated,
            residual_projection: svd.u().t().dot(teacher.residuals()),
            teacher_projection: svd.vt().dot(teacher.beta()),
            hidden_projection: Array2::zeros(test_projection.dim()),
            null_space_part,
            test_projection,
        })
    }

    /// Whether all factors have the shapes that they were made with, those of one fit and its test rows.
    fn fit_together(&self) -> bool {
        let (m, k) = self.null_space_part.dim();
        let r = self.stated.len();
        self.singular_values.len() == r
            && self.gain.len() == r
            && [&self.test_projection, &self.hidden_projection].iter().all(|part| part.dim() == (m, r))
            && [&self.residual_projection, &self.teacher_projection].iter().all(|part| part.dim() == (r, k))
    }

    /// NaN for each error of factors that do not belong together.
    fn unknown(&self) -> Array2<f64> {
        Array2::from_elem(self.null_space_part.dim(), f64::NAN)
    }

    /// `Σᵣ g(σᵣ)(x·vᵣ)(uᵣ·E)`, `m × k`: the sum of the products of the three factors.
    #[must_use]
    pub fn variance_part(&self) -> Array2<f64> {
        if !self.fit_together() {
            return self.unknown();
        }
        let gain = self.gain.view().insert_axis(Axis(1));
        self.test_projection.dot(&(&self.residual_projection * &gain))
    }

    /// `bias(x)`, `m × k`: the part of the target that the fit would miss even without residuals.
    #[must_use]
    pub fn bias_part(&self) -> Array2<f64> {
        if !self.fit_together() {
            return self.unknown();
        }
        let modes = self.gain.iter().zip(&self.singular_values).zip(&self.stated);
        let missed = modes.map(|((&gain, &sigma), stated)| {
            let is_stated = (gain, sigma) == (stated.gain, stated.sigma);
            if is_stated { stated.residual } else { difference(gain, sigma) }
        });
        let missed = Array1::from_iter(missed).insert_axis(Axis(1));
        self.test_projection.dot(&(&self.teacher_projection * &missed))
            + self.hidden_projection.dot(&self.teacher_projection)
            + &self.null_space_part
    }

    /// `ŷ(x) − x·β*` rebuilt from the factors, `m × k`.
    #[must_use]
    pub fn error(&self) -> Array2<f64> {
        self.variance_part() - self.bias_part()
    }

    /// The modes' contributions to the error of one output, largest first.
    ///
    /// Empty if `output` is out of range.
    #[must_use]
    pub fn contributions(&self, output: usize) -> Vec<Contribution> {
        if output >= self.residual_projection.ncols() || !self.fit_together() {
            return Vec::new();
        }
        let mut table: Vec<_> = (0..self.singular_values.len())
            .map(|mode| {
                let projection = self.test_projection.column(mode);
                // Squares are those of numbers about 1, and the largest factor meets the smallest first.
                let unit = exponent(largest(&projection.to_vec()));
                let mean_square = projection.mapv(|t| scaled(t, -unit).powi(2)).mean().unwrap_or(0.0);
                let length = scaled(mean_square.sqrt(), unit);
                let (gain, residual) = (self.gain[mode], self.residual_projection[[mode, output]]);
                let mut factors = [gain.abs(), residual.abs(), length];
                factors.sort_by(f64::total_cmp);
                Contribution {
                    mode,
                    singular_value: self.singular_values[mode],
                    gain,
                    test_projection: length,
                    residual_projection: residual,
                    product: factors[0] * factors[2] * factors[1],
                }
            })
            .collect();
        order::sort(&mut table, |a, b| b.product.total_cmp(&a.product));
        table
    }

    /// Returns the factors after an ablation: the factors that it names are set to 0, in whole or for some modes.
    #[must_use]
    pub fn ablated(&self, ablation: &Ablation) -> Self {
        let mut out = self.clone();
        if !self.fit_together() {
            return out;
        }
        let mut gain = self.gain.to_vec();
        ablation.cut_gains(&self.singular_values.to_vec(), &mut gain);
        out.gain = gain.into();
        if let Some(modes) = ablation.test_modes() {
            for mode in modes..self.singular_values.len() {
                let mut projection = out.test_projection.column_mut(mode);
                out.hidden_projection.column_mut(mode).zip_mut_with(&projection, |h, t| *h += t);
                projection.fill(0.0);
            }
        }
        if ablation.is_without_residuals() {
            out.residual_projection.fill(0.0);
        }
        out
    }

    /// Returns the factors under an adversary that acts along `last` ([`Svd::last_mode`]). They do not change if `last`
    /// is not one of the modes.
    ///
    /// To combine this with ablations, follow the order in which the data change: a test point is moved before it is
    /// projected (`attacked`, then `ablated`), but targets are moved after their residuals are removed (`ablated`, then
    /// `attacked`).
    #[must_use]
    pub fn attacked(&self, adversary: &Adversary, last: LastMode) -> Self {
        let mut out = self.clone();
        if last.index >= self.singular_values.len() || !self.fit_together() {
            return out;
        }
        match *adversary {
            Adversary::TestDatum { strength } => {
                let step = last.sign * strength;
                out.test_projection.column_mut(last.index).mapv_inplace(|t| t + step);
                out.hidden_projection.column_mut(last.index).mapv_inplace(|h| h - step);
            }
            Adversary::TrainingTargets { strength } => {
                let step = last.sign * strength;
                out.residual_projection.row_mut(last.index).mapv_inplace(|e| e + step);
            }
        }
        out
    }
}
