//! Sharpness depends on how a function is parametrised.

use super::Curvature;
use crate::Error;
use crate::filter::Loss;
use crate::machine::memory::{reserve, table};
use crate::svd::Svd;
use ndarray::ArrayRef2;

/// A linear model as a two-layer network with one hidden unit, `f(x) = a (w·x)` with `w = s β` and `a = 1/s`: the same
/// function for every scale `s > 0`, but a loss whose Hessian in `(w, a)` is
///
/// ```text
/// [ H/s²        g + Hβ  ]
/// [ (g + Hβ)ᵀ   s² βᵀHβ ]        H = c XᵀX,  g = ∇L(β), 0 at a minimum
/// ```
///
/// So its trace, `tr H/s² + s² βᵀHβ`, and its largest eigenvalue can be made arbitrarily large without changing a
/// single prediction: sharpness alone says nothing about generalisation (Dinh et al. 2017). The least trace over all
/// scales, `2 √(tr H · βᵀHβ)`, does not depend on the scale: it is a normalised sharpness.
///
/// # Examples
/// ```
/// use double_descent::filter::{Loss, MinNorm};
/// use double_descent::{flatness::TwoLayer, svd::Svd};
/// use ndarray::array;
///
/// let (svd, y) = (Svd::new(&array![[1.0, 1.0]])?, array![[4.0]]);
/// let network = TwoLayer::new(&svd, &y, &svd.solve(&y, &MinNorm::default())?, Loss::HalfSum)?;
/// assert!(network.largest_eigenvalue(1e-3)? > 1e6); // sharp
/// let scale = network.balanced_scale().unwrap();
/// assert!((network.trace(scale)? - network.normalised_sharpness()).abs() < 1e-13);
/// # Ok::<(), double_descent::Error>(())
/// ```
///
/// # References
/// Dinh, Pascanu, Bengio and Bengio, *Sharp minima can generalize for deep nets*, ICML 2017, section 4; Tsuzuku, Sato
/// and Sugiyama, *Normalized flat minima*, ICML 2020 (the minimum over scales).
#[derive(Clone, Debug)]
pub struct TwoLayer {
    eigenvalues: Vec<f64>,
    /// `vᵣ·(g + Hβ)`.
    border: Vec<f64>,
    /// `tr H`, `βᵀHβ`.
    trace: f64,
    along: f64,
}

impl TwoLayer {
    /// Creates the network at `beta` (`p × 1`), for targets `y` (`n × 1`) of the rows that `svd` factorises.
    ///
    /// # Errors
    /// [`Error::Shape`], [`Error::NonFinite`], [`Error::Overflow`] if an entry of the Hessian at scale 1 does not fit
    /// into `f64`, [`Error::Memory`].
    pub fn new(svd: &Svd, y: &ArrayRef2<f64>, beta: &ArrayRef2<f64>, loss: Loss) -> Result<Self, Error> {
        let (n, p) = svd.shape();
        for (what, table, rows) in [("rows of y", y, n), ("rows of beta", beta, p)] {
            Error::check_len(what, rows, table.nrows())?;
        }
        for (what, table) in [("columns of y", y), ("columns of beta", beta)] {
            Error::check_len(what, 1, table.ncols())?;
        }
        Error::check_finite("y", y.view())?;
        Error::check_finite("beta", beta.view())?;
        let sigma = svd.singular_values();
        reserve("the Hessian of two layers", table(sigma.len(), 4))?;
        let hessian = Curvature::hessian(svd, loss)?;
        let c = loss.curvature(n);
        let (along, targets) = (svd.vt().dot(&beta.column(0)), svd.u().t().dot(&y.column(0)));
        // vᵣ·Hβ = cσ·σ(vᵣ·β), and vᵣ·g = cσ (σ(vᵣ·β) − uᵣ·y).
        let modes = sigma.iter().zip(along.iter().zip(&targets));
        let border = modes.map(|(s, (b, y))| c * s * (2.0 * s * b - y)).collect();
        let network = Self {
            border,
            trace: hessian.trace(),
            along: hessian.along(beta)?,
            eigenvalues: hessian.eigenvalues().to_vec(),
        };
        if network.trace.is_finite() && network.border.iter().all(|b| b.is_finite()) {
            return Ok(network);
        }
        Err(Error::Overflow { what: "the Hessian of two layers" })
    }

    /// Returns the trace of the Hessian at the scale `s`.
    ///
    /// # Errors
    /// [`Error::Domain`] unless `s` is finite and > 0; [`Error::Overflow`] if the result does not fit into `f64`.
    pub fn trace(&self, scale: f64) -> Result<f64, Error> {
        check(scale)?;
        fits(self.trace / scale / scale + self.along * scale * scale)
    }

    /// Returns the largest eigenvalue of the Hessian at the scale `s`.
    ///
    /// # Errors
    /// As [`TwoLayer::trace`].
    pub fn largest_eigenvalue(&self, scale: f64) -> Result<f64, Error> {
        check(scale)?;
        let corner = self.along * scale * scale;
        let diagonal: Vec<f64> = self.eigenvalues.iter().map(|mu| mu / scale / scale).collect();
        let border = self.border.iter().fold(0.0, |sum: f64, b| sum.hypot(*b));
        let lowest = diagonal.first().copied().unwrap_or(0.0).max(corner);
        let (mut low, mut high) = (lowest, fits(lowest + border)?);
        // Above the diagonal entries, λ − corner − Σ b²/(λ − d) increases through 0 at the eigenvalue.
        let is_under = |lambda: f64| {
            let terms = diagonal.iter().zip(&self.border).filter(|(_, b)| **b != 0.0);
            let sum: f64 = terms.map(|(d, b)| b / (lambda - d) * b).sum();
            lambda - corner < sum
        };
        for _ in 0..2000 {
            let middle = f64::midpoint(low, high);
            if middle <= low || middle >= high {
                break;
            }
            if is_under(middle) { low = middle } else { high = middle }
        }
        Ok(high)
    }

    /// The scale with the least trace, `s⁴ = tr H/βᵀHβ`, where both layers contribute equally. `None` if either is 0.
    #[must_use]
    pub fn balanced_scale(&self) -> Option<f64> {
        let scale = (self.trace.sqrt() / self.along.sqrt()).sqrt();
        Some(scale).filter(|scale| *scale > 0.0 && scale.is_finite())
    }

    /// `2 √(tr H · βᵀHβ)`, the least trace over all scales.
    #[must_use]
    pub fn normalised_sharpness(&self) -> f64 {
        2.0 * self.trace.sqrt() * self.along.sqrt()
    }
}

fn check(scale: f64) -> Result<(), Error> {
    if scale > 0.0 && scale.is_finite() {
        return Ok(());
    }
    Err(Error::Domain { what: "the scale of two layers", value: scale, must_be: "finite and > 0" })
}

fn fits(value: f64) -> Result<f64, Error> {
    if value.is_finite() { Ok(value) } else { Err(Error::Overflow { what: "a sharpness" }) }
}
